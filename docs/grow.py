"""Build the shop that readers have after a page of the tutorial "An existing shop".

    python docs/grow.py FOLDER [PAGE]

The script creates FOLDER. PAGE is the name of a page, for example "caching". Without PAGE, the
script builds the shop that readers have after the last page.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
SHOP = DOCS / "existing_shop"

_BLOCK = re.compile(
    r"^```\{code-block\} [\w+]+\n:caption: `(?P<file>\S+)`\n(?::emphasize-lines: (?P<new>\S+)\n)?\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class FileChange(NamedTuple):
    """A code block that shows a new file, or new lines between existing lines of a file.

    :ivar new_lines: The numbers of the new lines, which the page emphasizes. The set is empty if
        the whole file is new.
    """

    file: str
    lines: list[str]
    new_lines: set[int]

    def write_into_folder(self, folder: Path) -> None:
        """Write the new file into the folder, or insert the new lines into the existing file.

        :raises ValueError: if the existing lines do not occur in the file exactly once.
        """
        path = folder / self.file
        if not self.new_lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(self.lines) + "\n", "utf-8")
            return
        text = path.read_text("utf-8").splitlines()
        for part in self._iter_consecutive_lines():
            old = [line for line, is_new in part if not is_new]
            starts = [at for at in range(len(text)) if text[at : at + len(old)] == old]
            if len(starts) != 1:
                raise ValueError(
                    f"{self.file} must have these lines once, not {len(starts)}: {old}"
                )
            text[starts[0] : starts[0] + len(old)] = [line for line, _ in part]
        path.write_text("\n".join(text) + "\n", "utf-8")

    def _iter_consecutive_lines(self) -> Iterator[list[tuple[str, bool]]]:
        """Yield the parts of the code block between ``...`` lines, which stand for omitted lines.

        Each part is a list of pairs: a line, and True if the line is new.
        """
        numbered = enumerate(self.lines, 1)
        for is_omission, part in groupby(numbered, key=lambda pair: pair[1] == "..."):
            if not is_omission:
                yield [(line, number in self.new_lines) for number, line in part]


def find_tutorial_pages() -> list[Path]:
    """Return the pages of the tutorial in reading order."""
    folder = DOCS / "en" / "tutorial" / "existing-shop"
    names = re.findall(r"^([\w-]+)$", (folder / "index.md").read_text("utf-8"), re.MULTILINE)
    return [folder / f"{name}.md" for name in names]


def find_file_changes(page: Path) -> list[FileChange]:
    """Return the file changes that a page of the tutorial shows."""
    return [
        FileChange(
            match["file"], match["code"].splitlines(), set(_iter_line_numbers(match["new"] or ""))
        )
        for match in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def _iter_line_numbers(ranges: str) -> Iterator[int]:
    """Yield the line numbers in a list of ranges, for example "2,5-7"."""
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", ranges):
        yield from range(int(first), int(last or first) + 1)


def grow_shop(folder: Path, last: str | None = None) -> None:
    """Create the shop in a folder, with the changes of all tutorial pages up to *last*.

    By default, apply the changes of all pages.

    :raises ValueError: if the tutorial does not have the page.
    """
    names = [page.stem for page in find_tutorial_pages()]
    if last not in (None, *names):
        raise ValueError(f"{last} is not a page of the tutorial. Use one of {', '.join(names)}.")
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    for page in find_tutorial_pages():
        for change in find_file_changes(page):
            change.write_into_folder(folder)
        if page.stem == last:
            break


if __name__ == "__main__":
    grow_shop(Path(sys.argv[1]), *sys.argv[2:3])
