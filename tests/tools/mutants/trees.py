"""Copies of the project in which one file at a time is spoilt, and what is run there."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.tools.mutants.wrong import Wrong

ROOT = Path(__file__).parents[3]
_WITHOUT = shutil.ignore_patterns(
    ".git", ".venv", ".tox", ".*_cache", ".hypothesis", "build", "dist", "instance", "__pycache__"
)
_TIMEOUT = 600  # seconds; a wrong version may wait for ever
TOO_LATE = "too late"


class Tree:
    """A copy of the project. What it is run with is that of the original."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(ROOT, self.folder, ignore=_WITHOUT, symlinks=True)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        # Python takes what it compiled for current by the second: each version has its own.
        self._seconds = itertools.count(int(time.time()) + 1)

    @contextmanager
    def spoilt(self, wrong: Wrong | None) -> Iterator[None]:
        """Spoil one place while the context lasts; None for the version that is right."""
        if wrong is None:
            yield
            return
        file = self.folder / "flask_xiebao" / wrong.file
        text = file.read_text("utf-8")
        self._write(file, wrong.spoil(text))
        try:
            yield
        finally:
            self._write(file, text)

    def _write(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        second = next(self._seconds)
        os.utime(file, (second, second))

    def run(self, *arguments: str) -> tuple[int | None, str]:
        """Run a module here, and return its exit code (None: too late) and its output."""
        try:
            run = subprocess.run(  # noqa: S603
                [sys.executable, "-m", *arguments],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(self.folder)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        return run.returncode, run.stdout


def see(tree: Tree, tests: Sequence[str]) -> str | None:
    """Return the first of these tests that fails, or "" where something else does.

    :return: None where none does, and :data:`TOO_LATE` where they do not end. Some may not be there
        any more, or not with these parameters.
    """
    tests = [test for test in tests if (tree.folder / test.partition("::")[0]).exists()]
    while tests:
        chosen = tree.folder / "chosen"
        chosen.write_text("\n".join(tests), "utf-8")
        options = ("-x", "-q", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider")
        code, said = tree.run("pytest", *options, f"@{chosen}")
        if code is None:
            return TOO_LATE
        if code in (0, 5):
            return None
        not_found = set(re.findall("^ERROR: not found: .*?::([^[\n]+)", said, re.MULTILINE))
        gone = {test for test in tests if test.partition("[")[0].partition("::")[2] in not_found}
        if not gone:
            failed = re.search("^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", said, re.MULTILINE)
            begins = failed[1] if failed else ""
            return next((test for test in tests if failed and test.startswith(begins)), begins)
        tests = [test for test in tests if test not in gone]
    return None
