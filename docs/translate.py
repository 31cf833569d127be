"""Update the Chinese catalogs, and list the parts of the manual without a current translation.

    python docs/translate.py              update the catalogs, and list missing translations
    python docs/translate.py --check      only list missing translations
    python docs/translate.py PAGE ...     mark these Chinese pages as current translations

The Chinese text of a page is in its own Markdown file. The file has a hash of the English page that
it translates. Texts that are generated from the code or from ``messages.toml`` are not in the
Markdown files. Their translations are in the catalogs in ``docs/locale/``.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

DOCS = Path(__file__).parent
ROOT = DOCS.parent
CATALOGS = DOCS / "locale/zh_CN/LC_MESSAGES"
GETTEXT = ROOT / "build/gettext"
#: The pages that Sphinx generates from the code. Each page has a catalog of translations.
PAGES = ("reference/settings", "reference/python-api")
MESSAGES = DOCS / "messages.toml"

#: The header of a catalog. Babel's default header contains the date of the update, so each update
#: would change the header.
HEADER = rb"""msgid ""
msgstr ""
"Language: zh_CN\n"
"Content-Type: text/plain; charset=UTF-8\n"

"""

_HASH = re.compile(r"translates: ([0-9a-f]{12})")


def get_english_page(page: Path) -> Path:
    """Return the page that a Chinese page translates."""
    if page.name == "README.zh-CN.md":
        return page.with_name("README.md")
    return DOCS / "en" / page.relative_to(DOCS / "zh")


def get_chinese_pages() -> list[Path]:
    """Return the path of the Chinese page for each English page. The path may not exist yet."""
    pages = (DOCS / "zh" / page.relative_to(DOCS / "en") for page in DOCS.glob("en/**/*.md"))
    return [ROOT / "README.zh-CN.md", *sorted(pages)]


def compute_page_hash(page: Path) -> str:
    """Return the hash of an English page."""
    return hashlib.sha256(page.read_bytes()).hexdigest()[:12]


def is_outdated(page: Path) -> bool:
    """Return True if the Chinese page is missing or translates an older English version."""
    match = _HASH.search(page.read_text("utf-8")) if page.exists() else None
    return match is None or match[1] != compute_page_hash(get_english_page(page))


def mark_page_as_current(page: Path) -> None:
    """Write the hash of the current English page into the Chinese page that translates it."""
    text, mark = page.read_text("utf-8"), f"translates: {compute_page_hash(get_english_page(page))}"
    comment = f"<!-- {mark} -->" if page.parent == ROOT else f"% {mark}"
    text = _HASH.sub(mark, text, count=1) if _HASH.search(text) else f"{comment}\n\n{text}"
    page.write_text(text, "utf-8")


def extract_texts(folder: str, language: str) -> dict[str, list[str]]:
    """Return the texts that Sphinx extracts from the generated pages, by the name of the page."""
    output = GETTEXT / folder
    subprocess.run(  # noqa: S603 - The command is Sphinx.
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--builder", "gettext"),
            *("--conf-dir", DOCS, DOCS / folder, output),
            *(DOCS / folder / f"{page}.md" for page in PAGES),
        ],
        env={**os.environ, "READTHEDOCS_LANGUAGE": language},
        check=True,
    )
    return {page: [*_read_catalog(output / f"{page}.pot")] for page in PAGES}


def get_message_texts() -> list[str]:
    """Return the headings and the advice on the page that lists the package's messages."""
    sections = tomllib.loads(MESSAGES.read_text("utf-8"))["section"]
    return [item["en"] for section in sections for item in (section, *section["message"])]


def read_translations(name: str) -> dict[str, str]:
    """Return a dict from a catalog's English texts to the translations, which may be ``""``."""
    return _read_catalog(CATALOGS / f"{name}.po")


def _read_catalog(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def _update_catalog(name: str, texts: Iterable[str], *, write: bool) -> Iterator[str]:
    """Yield the texts that have no translation in a catalog.

    :param write: True to replace the texts of the catalog, and to keep their translations.
    """
    path, translations = CATALOGS / f"{name}.po", read_translations(name)
    catalog = Catalog(locale="zh_CN")
    for text in dict.fromkeys(texts):
        catalog.add(text, translations.get(text, ""))
        if not translations.get(text):
            yield f"{path.relative_to(ROOT)}: {text}"
    if write:
        with path.open("wb") as file:
            file.write(HEADER)
            write_po(file, catalog, width=0, omit_header=True)


def find_missing_translations(*, write: bool) -> list[str]:
    """Return the outdated Chinese pages and the texts without a translation.

    :param write: True to update the catalogs.
    """
    english, chinese = extract_texts("en", "en"), extract_texts("zh", "zh-cn")
    missing = [str(page.relative_to(ROOT)) for page in get_chinese_pages() if is_outdated(page)]
    for page in PAGES:
        texts = (text for text in english[page] if text in chinese[page])
        missing += _update_catalog(page, texts, write=write)
    return [*missing, *_update_catalog("messages", get_message_texts(), write=write)]


def main(*arguments: str) -> None:
    """List missing translations, or mark the pages in *arguments* as current translations."""
    if arguments and arguments != ("--check",):
        for page in arguments:
            mark_page_as_current(Path(page).resolve())
    elif missing := find_missing_translations(write=not arguments):
        print("\n".join(["Not in Chinese yet:", *missing]))


if __name__ == "__main__":
    main(*sys.argv[1:])
