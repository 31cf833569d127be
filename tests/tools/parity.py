"""Compare the Chinese manual with the English manual. Only ``make dist`` runs these tests.

Chinese pages that lag behind the English ones are left out. ``make dist`` lists them, but does not
stop the release, because a security fix must not wait for a translation.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.manual.blocks import DOCS, README, ROOT, CodeBlock, find_blocks, find_pages

_translate = runpy.run_path(str(DOCS / "translate.py"))
CURRENT_PAGES = [
    page for page in _translate["get_chinese_pages"]() if not _translate["is_outdated"](page)
]

# The comments and the option ``--locale`` may differ between English and Chinese code blocks.
_COMMENT = re.compile(r"(?<!\S)#:? [^\n]*|\{#.*?#\}|/\*.*?\*/|<!--.*?-->| --locale zh\b", re.DOTALL)
#: The patterns of headings, table rows, list items, settings and links. All patterns must match
#: equally often in both languages.
_STRUCTURE = (r"^#+ ", r"^\|", r"^ *(?:-|\d+\.) ", r"\{confval\}`\w+`", r"\]\(([^)#]+)")


def test_each_chinese_page_has_english_page() -> None:
    chinese = {page.relative_to(DOCS / "zh") for page in (DOCS / "zh").rglob("*.md")}
    assert chinese <= {page.relative_to(DOCS / "en") for page in find_pages()}


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_chinese_page_has_same_code_and_structure_as_english_page(page: Path) -> None:
    english_page = _translate["get_english_page"](page)
    assert [*map(_normalize_block, find_blocks(page))] == [
        *map(_normalize_block, find_blocks(english_page))
    ]
    if english_page == README:
        return
    chinese, english = page.read_text("utf-8"), english_page.read_text("utf-8")
    for pattern in _STRUCTURE:
        expected = sorted(re.findall(pattern, english, re.MULTILINE))
        assert sorted(re.findall(pattern, chinese, re.MULTILINE)) == expected, pattern
    prose = re.sub(r"```.*?```|`[^`]*`", "", chinese)
    assert len(re.findall("[一-鿿]", prose)) > 1


def _normalize_block(block: CodeBlock) -> tuple[str, ...]:
    """Return the parts of a code block that must be the same in both languages."""
    if block.language in ("text", "{container}", "{figure}"):  # These blocks may be translated.
        return (block.language,)
    lines = _COMMENT.sub("", block.code).splitlines()
    return block.language, *filter(None, map(str.rstrip, lines)), block.options


def test_chinese_pages_contain_no_english_sentences() -> None:
    english = []
    for page in CURRENT_PAGES:
        # Skip pages with {messages}. The texts of this directive are in a catalog, and
        # docs/translate.py lists the untranslated texts.
        if page.parent == ROOT or "{messages}" in page.read_text("utf-8"):
            continue
        name = page.relative_to(DOCS / "zh").with_suffix(".html")
        html = (ROOT / "build/docs/zh" / name).read_text("utf-8")
        document = BeautifulSoup(html, "html.parser")
        for element in document.select(
            "blockquote, dl.py, dl.std, article :is(code, pre, a.headerlink)"
        ):
            element.extract()
        for element in document.select("article :is(p, li, dd, td, h1, h2, h3)"):
            text = element.get_text(" ")
            if len(re.findall(r"[a-z]{2,}", text)) > 4 and not re.search("[一-鿿]", text):
                english.append((str(name), " ".join(text.split())[:100]))
    assert english == []
