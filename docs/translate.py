"""Keeps count of what the Chinese manual lacks, and brings its catalogs up to date.

    python docs/translate.py              writes the catalogs, and lists what lags
    python docs/translate.py --check      only lists what lags
    python docs/translate.py PAGE ...     these Chinese pages say what the English says now

A page has prose in each language, which is in its Markdown; the Chinese page says which English it
translates, by a hash. What Sphinx finds in the code, and what to do about each message, is English
there, and its Chinese is in ``docs/locale/``.
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
LOCALE = DOCS / "locale/zh_CN/LC_MESSAGES"
GETTEXT = ROOT / "build/gettext"
PAGES = ("reference/settings", "reference/python-api")
MESSAGES = DOCS / "messages.toml"

#: What a catalog has to say of itself; dates would change it for nothing.
HEADER = rb"""msgid ""
msgstr ""
"Language: zh_CN\n"
"Content-Type: text/plain; charset=UTF-8\n"

"""

_TRANSLATES = re.compile(r"translates: ([0-9a-f]{12})")


def english_of(page: Path) -> Path:
    """Return the page that a Chinese one translates."""
    if page.name == "README.zh-CN.md":
        return page.with_name("README.md")
    return DOCS / "en" / page.relative_to(DOCS / "zh")


def chinese_pages() -> list[Path]:
    """Return the Chinese pages that there are, or should be."""
    pages = (DOCS / "zh" / page.relative_to(DOCS / "en") for page in DOCS.glob("en/**/*.md"))
    return [ROOT / "README.zh-CN.md", *sorted(pages)]


def hash_of(page: Path) -> str:
    """Return what tells this text of a page from any other."""
    return hashlib.sha256(page.read_bytes()).hexdigest()[:12]


def lags(page: Path) -> bool:
    """Tell whether a Chinese page says what another English said, or is not there."""
    said = _TRANSLATES.search(page.read_text("utf-8")) if page.exists() else None
    return said is None or said[1] != hash_of(english_of(page))


def mark(page: Path) -> None:
    """Note on a Chinese page that it says what the English says now."""
    text, now = page.read_text("utf-8"), f"translates: {hash_of(english_of(page))}"
    if _TRANSLATES.search(text):
        text = _TRANSLATES.sub(now, text, count=1)
    else:
        line = f"<!-- {now} -->" if page.parent == ROOT else f"% {now}"
        text = f"{line}\n\n{text}"
    page.write_text(text, "utf-8")


def sentences(folder: str, language: str) -> dict[str, list[str]]:
    """Return what Sphinx finds to translate on each page, in its order."""
    out = GETTEXT / folder
    subprocess.run(  # noqa: S603 - Sphinx itself
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--builder", "gettext"),
            *("--conf-dir", DOCS, DOCS / folder, out),
            *(DOCS / folder / f"{page}.md" for page in PAGES),
        ],
        env={**os.environ, "READTHEDOCS_LANGUAGE": language},
        check=True,
    )
    return {
        page: [str(each.id) for each in _read(out / f"{page}.pot") if each.id] for page in PAGES
    }


def advice() -> list[str]:
    """Return what the page of messages says, by its headings and for each message."""
    sections = tomllib.loads(MESSAGES.read_text("utf-8"))["section"]
    return [said for kind in sections for said in (kind["en"], *(m["en"] for m in kind["message"]))]


def chinese_of(name: str) -> dict[str, str]:
    """Return the Chinese of what a catalog has, by its English; empty where there is none."""
    return {str(each.id): str(each.string) for each in _read(_catalog(name))}


def _catalog(name: str) -> Path:
    return LOCALE / f"{name}.po"


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _untranslated(name: str, english: Iterable[str], *, write: bool) -> Iterator[str]:
    """Yield what a catalog has no Chinese for.

    :param write: have the catalog say what the English says now.
    """
    path, known = _catalog(name), chinese_of(name)
    catalog = Catalog(locale="zh_CN")
    for sentence in dict.fromkeys(english):
        catalog.add(sentence, known.get(sentence, ""))
        if not known.get(sentence):
            yield f"{path.relative_to(ROOT)}: {sentence}"
    if write:
        with path.open("wb") as file:
            file.write(HEADER)
            write_po(file, catalog, width=0, omit_header=True)


def gaps(*, write: bool) -> list[str]:
    """Return what has no Chinese, or that of another English.

    :param write: bring the catalogs up to date.
    """
    english, chinese = sentences("en", "en"), sentences("zh", "zh-cn")
    missing = [f"{page.relative_to(ROOT)}" for page in chinese_pages() if lags(page)]
    for page in PAGES:
        shown = (each for each in english[page] if each in chinese[page])
        missing += _untranslated(page, shown, write=write)
    return [*missing, *_untranslated("messages", advice(), write=write)]


def main(*arguments: str) -> None:
    """Mark the given pages as current, or list what lags."""
    if arguments and arguments != ("--check",):
        for page in arguments:
            mark(Path(page).resolve())
        return
    if missing := gaps(write=not arguments):
        print("\n".join(["Not in Chinese yet:", *missing]))


if __name__ == "__main__":
    main(*sys.argv[1:])
