"""What is in the manual and the READMEs: their pages, and the blocks of code on each.

It is the English; ``tests/tools/parity.py`` holds the Chinese to it.
"""

from __future__ import annotations

import importlib
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any, NamedTuple

from flask import Flask

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

_BLOCK = re.compile(
    r"^( *)```(\{?[\w+-]+\}?)? ?([\w+]*)\n((?: *:[^\n]*\n)*)(.*?)^\1```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """A block of code on a page."""

    page: Path
    line: int
    language: str
    code: str
    options: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return the pages of the manual."""
    return sorted((DOCS / "en").rglob("*.md"))


_grow = runpy.run_path(str(DOCS / "grow.py"))


def shop_pages() -> list[Path]:
    """Return the pages of the tutorial on an existing shop, in their order."""
    return list(_grow["pages"]())


def grow(folder: Path, last: str | None = None) -> None:
    """Make the tutorial's shop as it is after a page, or after all of them."""
    _grow["grow"](folder, last)


def run(folder: Path, *command: str, status: int = 0, **environ: str) -> str:
    """Run a module in a folder, check its exit status, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - what the manual says
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def load_shop(folder: Path, **config: Any) -> tuple[Flask, ModuleType]:
    """Return the app of the shop that stands in a folder, and its policies.

    Its modules are forgotten: each test has its own.
    """
    sys.path.insert(0, str(folder))
    try:
        app = importlib.import_module("shop").create_app(config)
        policies = importlib.import_module("shop.policies")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]
    return app, policies


def everything() -> list[Path]:
    """Return whatever people read."""
    others = ("CONTRIBUTING.md", "SECURITY.md", "docs/existing_shop/README.md")
    return [README, *(ROOT / other for other in others), *pages()]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, those with a caption in the language that they name."""
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        _, kind, of, options, code = found.groups()
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, of if kind == "{code-block}" else kind or "", dedent(code), options)


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks in these languages of code, of whatever people read."""
    return [block for page in everything() for block in blocks(page) if block.language in languages]
