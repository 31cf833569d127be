"""Does what the tutorial "An existing shop" says, so that its readers can begin at any page.

    python docs/grow.py FOLDER [PAGE]

FOLDER is made, with the shop as it is after that page of the tutorial, or after the last one.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
SHOP = DOCS / "existing_shop"

_BLOCK = re.compile(
    r"^```\{code-block\} [\w+]+\n:caption: `(?P<file>\S+)`\n(?::emphasize-lines: (?P<new>\S+)\n)?\n"
    r"(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A part of a file: all of a new one, or lines that are new between some that are there."""

    file: str
    lines: list[str]
    new: set[int]

    def put_into(self, folder: Path) -> None:
        """Write the file, or put the new lines in their place.

        :raises ValueError: when the lines around the new ones are not there, or there twice.
        """
        path = folder / self.file
        if not self.new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(self.lines) + "\n", "utf-8")
            return
        have = path.read_text("utf-8").splitlines()
        for part in self._parts():
            around = [line for line, is_new in part if not is_new]
            places = [
                at
                for at in range(len(have) - len(around) + 1)
                if have[at : at + len(around)] == around
            ]
            if len(places) != 1:
                raise ValueError(f"{self.file} has {len(places)} times: {around}")
            [at] = places
            have[at : at + len(around)] = [line for line, _ in part]
        path.write_text("\n".join(have) + "\n", "utf-8")

    def _parts(self) -> Iterator[list[tuple[str, bool]]]:
        """Yield the lines up to each ..., which stands for lines that are not shown."""
        part: list[tuple[str, bool]] = []
        for number, line in enumerate(self.lines, 1):
            if line == "...":
                yield part
                part = []
            else:
                part.append((line, number in self.new))
        yield part


def pages() -> list[Path]:
    """Return the pages of the tutorial, in their order."""
    folder = DOCS / "en" / "tutorial" / "existing-shop"
    names = re.findall(r"^([\w-]+)$", (folder / "index.md").read_text("utf-8"), re.MULTILINE)
    return [folder / f"{name}.md" for name in names]


def blocks(page: Path) -> list[Block]:
    """Return the parts of files that a page shows."""
    return [
        Block(found["file"], found["code"].splitlines(), set(_numbers(found["new"] or "")))
        for found in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def _numbers(text: str) -> Iterator[int]:
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        yield from range(int(first), int(last or first) + 1)


def grow(folder: Path, last: str | None = None) -> None:
    """Make the shop as it is after the page *last*, or after all of them.

    :raises ValueError: when there is no such page.
    """
    names = [page.stem for page in pages()]
    if last not in (None, *names):
        raise ValueError(f"{last} is not a page of the tutorial: use one of {', '.join(names)}.")
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    for page in pages():
        for block in blocks(page):
            block.put_into(folder)
        if page.stem == last:
            break


if __name__ == "__main__":
    grow(Path(sys.argv[1]), *sys.argv[2:3])
