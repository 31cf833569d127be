"""Brings the Chinese of what the manual takes from the code up to date, and says what is missing.

A page about the code has prose in each language, which is in its Markdown; what Sphinx finds in the
pages of both languages is from the code, and its Chinese is in ``docs/locale/``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

DOCS = Path(__file__).parent
LOCALE = DOCS / "locale/zh_CN/LC_MESSAGES"
GETTEXT = DOCS.parent / "build/gettext"
PAGES = ("reference/settings", "reference/python-api")

#: What a catalog has to say of itself; dates would change it for nothing.
HEADER = rb"""msgid ""
msgstr ""
"Language: zh_CN\n"
"Content-Type: text/plain; charset=UTF-8\n"

"""


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


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def main() -> None:
    """Write the catalogs; exit with 1 where something has no Chinese yet."""
    english, chinese = sentences("en", "en"), sentences("zh", "zh-cn")
    missing = []
    for page in PAGES:
        path = LOCALE / f"{page}.po"
        known = {str(each.id): str(each.string) for each in _read(path)}
        catalog = Catalog(locale="zh_CN")
        for sentence in english[page]:
            if sentence in chinese[page]:
                catalog.add(sentence, known.get(sentence, ""))
                if not known.get(sentence):
                    missing.append(f"{path.relative_to(DOCS.parent)}: {sentence}")
        with path.open("wb") as file:
            file.write(HEADER)
            write_po(file, catalog, width=0, omit_header=True)
    sys.exit("\n".join(["Not in Chinese yet:", *missing]) if missing else 0)


if __name__ == "__main__":
    main()
