"""Functions that find and run the code blocks of the manual and the READMEs.

The tests run the code on the English pages. ``tests/tools/parity.py`` compares the Chinese pages
with the English pages.
"""

from __future__ import annotations

import importlib
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from flask import Flask

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

_BLOCK = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?:\{code-block\} )?(?P<language>\{?[\w+-]*\}?)(?: [^\n`]*)?\n"
    r"(?P<options>(?: *:[^\n]*\n)*)(?P<code>.*?)^(?P=indent)(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)

_grow = runpy.run_path(str(DOCS / "grow.py"))
#: A function that returns the pages of the tutorial for an existing shop, in reading order.
find_tutorial_pages: Callable[[], list[Path]] = _grow["find_tutorial_pages"]
#: A function that creates the tutorial's shop in a folder, by default with the code of all pages.
#: The optional second argument is the name of the last page to include.
grow_shop: Callable[..., None] = _grow["grow_shop"]


class CodeBlock(NamedTuple):
    """A code block on a page of the manual or in a README.

    :ivar options: the lines with the options of a ``{code-block}``, for example its caption.
    """

    page: Path
    line: int
    language: str
    code: str
    options: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def find_pages() -> list[Path]:
    """Return the pages of the manual."""
    return sorted((DOCS / "en").rglob("*.md"))


def find_blocks(page: Path, *languages: str) -> list[CodeBlock]:
    """Return the code blocks in these languages on a page, or all code blocks by default.

    The language of the directive ``{code-block} python`` is "python".
    """
    text = page.read_text("utf-8")
    return [
        CodeBlock(
            page=page,
            line=text.count("\n", 0, match.start()) + 1,
            language=match["language"],
            code=dedent(match["code"]),
            options=match["options"],
        )
        for match in _BLOCK.finditer(text)
        if not languages or match["language"] in languages
    ]


def find_all_blocks(*languages: str, captions: bool = True) -> list[CodeBlock]:
    """Return the code blocks in these languages from the manual and all other documents.

    :param captions: False to leave out blocks with a caption. A caption names the file of the code.
    """
    others = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/existing_shop/README.md")
    return [
        block
        for page in (*(ROOT / name for name in others), *find_pages())
        for block in find_blocks(page, *languages)
        if captions or ":caption:" not in block.options
    ]


def run_module(folder: Path, *command: str, status: int = 0, **environ: str) -> str:
    """Run a Python module in a folder, and return its output.

    :param command: the name of the module, and its arguments.
    :param status: the expected exit status. The test fails if the status is different.
    :param environ: environment variables to add.
    """
    process = subprocess.run(  # noqa: S603 - The command is from the manual or from a test.
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = process.stdout + process.stderr
    assert process.returncode == status, output
    return output


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write files into a folder.

    :param files: the texts of the files by their path in the folder.
    """
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def run_tests(folder: Path, files: dict[str, str], *options: str) -> str:
    """Write files into a folder, run all tests there with pytest, and return the output."""
    write_files(folder, files)
    return run_module(folder, "pytest", "-q", "-p", "no:cacheprovider", *options, ".")


def load_shop(folder: Path, **config: Any) -> tuple[Flask, ModuleType]:
    """Import the tutorial's shop from a folder, and return the app and the policies module."""
    # Import all modules again, because another test may have imported the shop from another folder.
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        app = importlib.import_module("shop").create_app(config)
        return app, importlib.import_module("shop.policies")
