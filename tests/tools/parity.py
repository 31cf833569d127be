"""The Chinese manual says what the English does; `make dist` tries it, and no other run.

Pages that lag behind the English are skipped here. `make dist` lists them at its end, but does not
refuse the release, because a security fix must not wait for a translation.
"""

from __future__ import annotations

import re
import runpy
from itertools import zip_longest
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.manual.blocks import DOCS, README, ROOT, Block, blocks, pages

_translate = runpy.run_path(str(DOCS / "translate.py"))
PAGES: list[Path] = _translate["chinese_pages"]()
CURRENT = [page for page in PAGES if not _translate["lags"](page)]

# What is in the language of its reader in code, too.
# Headings, rows, items, settings and links: a page has as many in each language.
_COMMENT = re.compile(r"(?<!\S)#:? .*|\{#.*?#\}|/\*.*?\*/|<!--.*?-->| --locale zh\b", re.DOTALL)
_STRUCTURE = (r"^#+ ", r"^\|", r"^ *(?:-|\d+\.) ", r"\{confval\}`\w+`", r"\]\(([^)#]+)")


def test_each_chinese_page_has_an_english_page() -> None:
    chinese = {page.relative_to(DOCS / "zh") for page in (DOCS / "zh").rglob("*.md")}
    assert chinese <= {page.relative_to(DOCS / "en") for page in pages()}


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_says_the_same_in_both_languages(page: Path) -> None:
    english = _translate["english_of"](page)
    for ours, theirs in zip_longest(*([*map(_code, blocks(each))] for each in (english, page))):
        assert ours == theirs
    if english == README:
        return
    for what in _STRUCTURE:
        found = [
            re.findall(what, each.read_text("utf-8"), re.MULTILINE) for each in (english, page)
        ]
        assert sorted(found[0]) == sorted(found[1]), what
    chinese = re.findall(r"[一-鿿]", re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8")))
    assert len(chinese) > 1


def _code(block: Block) -> tuple[str, ...]:
    """Return what a block is in any language."""
    if block.language in ("text", "{container}"):  # what is printed or sent, and pictures
        return (block.language,)
    lines = _COMMENT.sub("", block.code).splitlines()
    return block.language, *filter(None, map(str.rstrip, lines)), block.options


def test_no_english_is_left_in_the_prose() -> None:
    english = []
    for source in CURRENT:
        if source.parent == ROOT or "{messages}" in source.read_text("utf-8"):
            continue  # what to do about a message is in a catalog, which says what it lacks
        name = source.relative_to(DOCS / "zh").with_suffix(".html")
        built = (ROOT / "build/docs/zh" / name).read_text("utf-8")
        page = BeautifulSoup(built, "html.parser")
        for part in page.select("blockquote, dl.py, dl.std"):
            part.extract()
        for part in page.select("article :is(p, li, dd, td, h1, h2, h3)"):
            for code in part.select("code, pre, a.headerlink"):
                code.extract()
            text = part.get_text(" ")
            if len(re.findall(r"[a-z]{2,}", text)) > 4 and not re.search("[一-鿿]", text):
                english.append((str(name), " ".join(text.split())[:100]))
    assert english == []
