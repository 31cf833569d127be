"""Copies of the project, in which tests run while a source file contains the fault of a mutant."""

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

from tests.tools.mutants.mutants import Mutant

ROOT = Path(__file__).parents[3]
_IGNORE = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".tox",
    ".*_cache",
    ".hypothesis",
    "build",
    "dist",
    "instance",
    "__pycache__",
    # These tests need the built manual in build/docs.
    "test_manual_pages.py",
)
# The maximum time of a test run in seconds, because a mutant may run forever.
_TIMEOUT = 600
#: The result of a test run that exceeds the maximum time.
TIMEOUT = "timeout"


class ProjectCopy:
    """A copy of the project that uses the virtual environment of the original project.

    :param folder: An existing folder for the copy.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(ROOT, self.folder, ignore=_IGNORE, symlinks=True)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        # Python recompiles a source file only if its modification time has changed by a second or
        # more, so each version of a file gets a different second.
        self._seconds = itertools.count(int(time.time()) + 1)

    @contextmanager
    def apply_mutant(self, mutant: Mutant) -> Iterator[None]:
        """Insert the fault of a mutant into the source file during a ``with`` block."""
        file = self.folder / "flask_xiebao" / mutant.file
        source = file.read_text("utf-8")
        self._write_source(file, mutant.build_faulty_source(source))
        try:
            yield
        finally:
            self._write_source(file, source)

    def _write_source(self, file: Path, source: str) -> None:
        file.write_text(source, "utf-8")
        second = next(self._seconds)
        os.utime(file, (second, second))

    def run_module(self, *arguments: str) -> tuple[int | None, str]:
        """Run a Python module in this copy of the project.

        :return: The exit status, or None after a timeout, and the output.
        """
        try:
            process = subprocess.run(  # noqa: S603
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
        return process.returncode, process.stdout

    def find_failing_test(self, tests: Sequence[str]) -> str | None:
        """Run tests until a test fails, and return the id of this test.

        Tests that do not exist any more are left out.

        :return: None if all tests pass, :data:`TIMEOUT` if they take too long, and the beginning of
            an id or "" if pytest reports another error.
        """
        tests = [test for test in tests if (self.folder / test.partition("::")[0]).exists()]
        while tests:
            test_list = self.folder / "test_list"
            test_list.write_text("\n".join(tests), "utf-8")
            options = ("-x", "-q", "-rfE", "--no-header", "--tb=no", "-p", "no:cacheprovider")
            status, output = self.run_module("pytest", *options, f"@{test_list}")
            if status is None:
                return TIMEOUT
            if status in (0, 5):  # The exit status 5 of pytest means that it collected no tests.
                return None
            missing = set(re.findall("^ERROR: not found: .*?::([^[\n]+)", output, re.MULTILINE))
            existing = [
                test for test in tests if test.partition("[")[0].partition("::")[2] not in missing
            ]
            if existing == tests:
                failed = re.search("^(?:FAILED|ERROR) (tests/.*?)(?: - .*)?$", output, re.MULTILINE)
                begin = failed[1] if failed else ""
                return next((test for test in tests if failed and test.startswith(begin)), begin)
            tests = existing
        return None
