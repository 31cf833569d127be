"""Tests for the README.

``tests/deep/test_manual_examples.py`` runs ``flask xiebao check`` on the quick start.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import README, ROOT
from tests.support import parse_html
from tests.tools import quickstart


def read_quick_start(page: Path) -> dict[str, str]:
    """Return the files of the quick start on a page, without comments and blank lines."""
    return {
        path: re.sub(r"  #.*|\n(?=\n)", "", text)
        for path, text in quickstart.find_quick_start_files(page.read_text("utf-8")).items()
    }


def test_purchase_in_readme_quick_start_issues_policy() -> None:
    assert read_quick_start(README).keys() == {"shop.py", "templates/index.html"}
    rows = parse_html(quickstart.main(README)).select("dl > div")
    order = dict(row.get_text("|", strip=True).split("|", 1) for row in rows)
    assert order["状态"] == "已出单，保障有效"
    assert order["保单号"]


@pytest.mark.parametrize(
    "path",
    ["README.zh-CN.md", "docs/en/tutorial/first-entry.md", "docs/zh/tutorial/first-entry.md"],
)
def test_quick_start_has_same_code_as_readme(path: str) -> None:
    assert read_quick_start(ROOT / path) == read_quick_start(README)


def test_readme_links_only_to_existing_files() -> None:
    links = r'\]\((?!http|#)([^)]+)\)|src="(demo[^"]+)"'
    for path, image in re.findall(links, README.read_text("utf-8")):
        assert (ROOT / (path or image)).exists()


def test_readme_has_at_most_150_lines() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 150
