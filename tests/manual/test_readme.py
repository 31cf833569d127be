"""The README, done as it says. How a CI checks it is in ``tests/deep/test_manual_examples.py``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import README, ROOT
from tests.support import parse_html
from tests.tools import quickstart

QUICK_STARTS = [
    README,
    ROOT / "README.zh-CN.md",
    *(ROOT / f"docs/{language}/tutorial/first-entry.md" for language in ("en", "zh")),
]


@pytest.mark.parametrize("page", QUICK_STARTS, ids=str)
def test_the_quick_start_works_as_pasted_into_two_files_and_served(page: Path) -> None:
    pasted = quickstart.files(page.read_text("utf-8"))
    assert pasted.keys() == {"shop.py", "templates/index.html"}
    bought = parse_html(quickstart.main(page)).select("dl > div")
    order = dict(row.get_text("|", strip=True).split("|", 1) for row in bought)
    assert order["状态"] == "已出单，保障有效"
    assert order["保单号"]


def test_every_link_to_a_file_leads_to_one() -> None:
    links = re.compile(r'\]\((?!http|#)([^)]+)\)|src="(demo[^"]+)"')
    for target in links.findall(README.read_text("utf-8")):
        assert (ROOT / "".join(target)).exists(), target


def test_it_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 150
