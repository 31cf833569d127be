"""Which tests to ask about a wrong version, and in which order."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from threading import Lock

from coverage import CoverageData

from tests.tools.mutants.trees import ROOT
from tests.tools.mutants.wrong import Wrong

_FAST = [f"tests/{name}" for name in ("unit", "click", "page", "callback", "cli", "check")]
_SLOWER = [f"tests/{name}" for name in ("demo", "manual", "ecosystem")]
_AT_ONCE = 1000  # tests, which end long before they are taken for what never ends
BUILD = ROOT / "build/mutants"
#: Which test sees each wrong version. It stands beside this file, and hangs on nothing.
MATRIX = "matrix.json"
# What newer Pythons measure with by default cannot say which test it was.
_SETTINGS = """\
[run]
source_pkgs = flask_xiebao
data_file = {file}
core = ctrace
"""


class Which:
    """Which tests to ask.

    :param matrix: what saw each wrong version the last time.
    """

    def __init__(self, matrix: Mapping[str, Mapping[str, str]]) -> None:
        self._last = {name: found.get("tests", "") for name, found in matrix.items()}
        self._killers: dict[str, list[str]] = {}
        self._lock = Lock()

    def saw(self, wrong: Wrong, test: str) -> None:
        """Remember what saw a wrong version: it may see others of the same file."""
        if "::" not in test:  # what failed is no test
            return
        with self._lock:
            killers = self._killers.setdefault(wrong.file, [])
            killers[:] = [test, *(each for each in killers if each != test)]

    def stages(self, wrong: Wrong) -> Iterator[Sequence[str]]:
        """Return the tests to ask, those that may see it soonest first."""
        yield [test for test in [self._last.get(wrong.what, "")] if "::" in test]
        with self._lock:
            first = self._killers.get(wrong.file, [])[:3]
        yield first
        for tests in (self._covering(wrong), collected(*_FAST)):
            yield narrowest_first(one_of_each(tests))
            in_order = narrowest_first(tests)
            yield from (in_order[at : at + _AT_ONCE] for at in range(0, len(tests), _AT_ONCE))
        for slower in (_SLOWER, ["tests/browser"], ["tests/deep"]):
            yield one_of_each(collected(*slower))

    def _covering(self, wrong: Wrong) -> list[str]:
        """Return the fast tests that run the line that is spoilt; of many lines, the rarest."""
        if not wrong.file.endswith(".py"):
            return []
        with self._lock:
            data = coverage()
        file = ROOT / "flask_xiebao" / wrong.file
        by_line = data.contexts_by_lineno(str(file))
        tests = [
            {context.partition("|")[0] for context in by_line.get(line, ()) if context}
            for line in wrong.lines(file.read_text("utf-8"))
        ]
        return sorted(min(filter(None, tests), key=len, default=()))


def one_of_each(tests: Iterable[str]) -> list[str]:
    """Return the first parameter of each test function."""
    found: dict[str, str] = {}
    for test in tests:
        found.setdefault(test.partition("[")[0], test)
    return list(found.values())


def narrowest_first(tests: Iterable[str]) -> list[str]:
    """Return the same, in an order in which what is soon done, and says the most, comes first."""
    # What runs none of it here starts processes of its own.
    return sorted(tests, key=lambda test: breadth()[test] or sys.maxsize)


@cache
def collected(*options: str) -> list[str]:
    """Return all tests that there are."""
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in run.stdout.splitlines() if "::" in line]


def digest(*folders: str) -> str:
    """Return what stands for all that is in these folders."""
    sources = hashlib.sha256()
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.*")):
        if file.is_file() and "__pycache__" not in file.parts and file.name != MATRIX:
            sources.update(b"%s\0%s\0" % (str(file.relative_to(ROOT)).encode(), file.read_bytes()))
    return sources.hexdigest()


@cache
def coverage() -> CoverageData:
    """Return which line is run by which fast test; it is found out where it is not known."""
    file = BUILD / f"coverage-{digest('flask_xiebao')}"
    if not file.exists():
        draft, settings = file.with_suffix(".draft"), file.with_suffix(".ini")
        settings.write_text(_SETTINGS.format(file=draft))
        options = (f"--cov-config={settings}", "--cov=flask_xiebao", "--cov-context=test")
        beside = ("--numprocesses=auto", "--dist=worksteal", *_FAST)
        print("Finding out which line is run by which test …", flush=True)
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", "--cov-report=", *options, *beside],
            cwd=ROOT,
            check=True,
        )
        draft.rename(file)
    data = CoverageData(basename=str(file))
    data.read()
    return data


@cache
def breadth() -> Counter[str]:
    """Return how many lines of the package each fast test runs; of others it is not known."""
    data = coverage()
    return Counter(
        context.partition("|")[0]
        for file in data.measured_files()
        for contexts in data.contexts_by_lineno(file).values()
        for context in contexts
    )
