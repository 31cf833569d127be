"""The selection of tests for a mutant. Tests that will probably kill the mutant come first."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from threading import Lock

from coverage import CoverageData

from tests.tools.mutants.mutants import Mutant
from tests.tools.mutants.project_copies import ROOT

_FAST_FOLDERS = [f"tests/{name}" for name in ("unit", "click", "page", "callback", "cli", "check")]
_OTHER_FOLDERS = [f"tests/{name}" for name in ("demo", "manual", "ecosystem")]
# The maximum number of tests in one pytest run. More tests might exceed the maximum time of a run.
_TESTS_PER_RUN = 1000
BUILD_FOLDER = ROOT / "build/mutants"
#: The name of the file with the tests that kill the mutants. ``compute_folder_hash``
#: ignores this file, because each run changes the file.
MATRIX_FILE = "matrix.json"
# Use the core ``ctrace`` of coverage, because its default core on newer versions of Python cannot
# record which test runs a line.
_COVERAGE_CONFIG = """\
[run]
source_pkgs = flask_xiebao
data_file = {file}
core = ctrace
"""
_coverage_lock = Lock()


class TestSelection:
    """A selector of the tests to run on each mutant.

    :param matrix: The tests that killed the mutants in the last run, by the mutants' descriptions.
    """

    def __init__(self, matrix: Mapping[str, str]) -> None:
        self._last_killers = matrix
        self._killers_by_file: dict[str, list[str]] = {}

    def record_killing_test(self, mutant: Mutant, test: str) -> None:
        """Remember a test that killed a mutant, because it may kill other mutants of the file."""
        if "::" in test:
            known = self._killers_by_file.get(mutant.file, [])
            self._killers_by_file[mutant.file] = [test, *(each for each in known if each != test)]

    def iter_test_lists(self, mutant: Mutant) -> Iterator[Sequence[str]]:
        """Yield lists of tests to run on a mutant, the most promising list first."""
        yield [test for test in [self._last_killers.get(mutant.description, "")] if "::" in test]
        yield self._killers_by_file.get(mutant.file, [])[:3]
        for tests in (find_covering_tests(mutant), collect_test_ids(*_FAST_FOLDERS)):
            yield sort_by_covered_lines(select_first_cases(tests))
            ordered = sort_by_covered_lines(tests)
            for start in range(0, len(tests), _TESTS_PER_RUN):
                yield ordered[start : start + _TESTS_PER_RUN]
        for folders in (_OTHER_FOLDERS, ["tests/browser"], ["tests/deep"]):
            yield select_first_cases(collect_test_ids(*folders))


def find_covering_tests(mutant: Mutant) -> list[str]:
    """Return the fast tests that run the line that a mutant changes.

    If the mutant changes several lines, return the tests for the line that the fewest tests run.
    """
    if not mutant.file.endswith(".py"):
        return []
    file = ROOT / "flask_xiebao" / mutant.file
    contexts = load_coverage().contexts_by_lineno(str(file))
    tests_of_lines = [
        {context.partition("|")[0] for context in contexts.get(line, ()) if context}
        for line in mutant.get_changed_lines(file.read_text("utf-8"))
    ]
    return sorted(min(filter(None, tests_of_lines), key=len, default=()))


def select_first_cases(tests: Iterable[str]) -> list[str]:
    """Return only the first parametrized case of each test function."""
    first_cases: dict[str, str] = {}
    for test in tests:
        first_cases.setdefault(test.partition("[")[0], test)
    return list(first_cases.values())


def sort_by_covered_lines(tests: Iterable[str]) -> list[str]:
    """Sort tests by the number of lines that they run. The first tests are fast and specific."""
    # Put tests that cover no lines last, because they start other processes, which is slow.
    return sorted(tests, key=lambda test: count_covered_lines()[test] or sys.maxsize)


@cache
def collect_test_ids(*folders: str) -> list[str]:
    """Return the ids of all tests in these folders."""
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in process.stdout.splitlines() if "::" in line]


def compute_folder_hash(*folders: str) -> str:
    """Return a hash of all files in these folders."""
    digest = hashlib.sha256()
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.*")):
        if file.is_file() and "__pycache__" not in file.parts and file.name != MATRIX_FILE:
            digest.update(b"%s\0%s\0" % (str(file.relative_to(ROOT)).encode(), file.read_bytes()))
    return digest.hexdigest()


@cache
def load_coverage() -> CoverageData:
    """Return the lines that each fast test runs. If no data is stored, run the tests first."""
    file = BUILD_FOLDER / f"coverage-{compute_folder_hash('flask_xiebao')}"
    with _coverage_lock:
        if not file.exists():
            draft, config = file.with_suffix(".draft"), file.with_suffix(".ini")
            config.write_text(_COVERAGE_CONFIG.format(file=draft))
            options = (f"--cov-config={config}", "--cov=flask_xiebao", "--cov-context=test")
            tests = ("--numprocesses=auto", "--dist=worksteal", *_FAST_FOLDERS)
            print("Measuring the lines that each test runs …", flush=True)
            subprocess.run(  # noqa: S603
                [sys.executable, "-m", "pytest", "-q", "--cov-report=", *options, *tests],
                cwd=ROOT,
                check=True,
            )
            draft.rename(file)
    data = CoverageData(basename=str(file))
    data.read()
    return data


@cache
def count_covered_lines() -> Counter[str]:
    """Return the number of lines that each fast test runs, and 0 for all other tests."""
    data = load_coverage()
    return Counter(
        context.partition("|")[0]
        for file in data.measured_files()
        for contexts in data.contexts_by_lineno(file).values()
        for context in contexts
    )
