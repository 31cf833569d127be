"""Run the tests and ``flask xiebao check`` on mutants of the package, and print the survivors.

    make mutants
    python -m tests.tools.mutants --sample 5
    python -m tests.tools.mutants "click_guard" --by tests
    python -m tests.tools.mutants --drawn 50 --seed 33

Most mutants are killed in seconds, because ``matrix.json`` has the test that killed a mutant in the
last run, and this test runs first. If this test passes now, other tests follow: one parametrized
case of each test that runs the changed line, then all cases of these tests, then the other fast
tests in the same way, and finally one case of each slow test.

If a run is stopped, the next run continues it, because ``build/mutants/`` has the results so far.
These results are used until the package or the tests change.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.tools.mutants.mutants import KILLED_BY_CHECK, NOT_KILLED_BY_CHECK, Mutant
from tests.tools.mutants.mutants_for_tests import NOT_KILLED_BY_TESTS, ONLY_FOR_TESTS
from tests.tools.mutants.project_copies import ROOT, TIMEOUT, ProjectCopy
from tests.tools.mutants.random_mutants import choose_random_mutants
from tests.tools.mutants.selection import (
    BUILD_FOLDER,
    MATRIX_FILE,
    TestSelection,
    compute_folder_hash,
)
from tests.tools.mutants.sites import SITES

#: The killers of a mutant. The key "tests" has the id of a test that fails, and the key "check" has
#: the name of a site on which ``flask xiebao check`` fails. A value is "" if the mutant survives.
Killers = dict[str, str]

ALL_MUTANTS = (*KILLED_BY_CHECK, *NOT_KILLED_BY_CHECK, *ONLY_FOR_TESTS)


def find_killing_site(project: ProjectCopy, mutant: Mutant | None) -> str:
    """Return the name of a site on which ``flask xiebao check`` fails, or "" if there is none.

    :param mutant: The mutant that was applied, or None for the unchanged package.
    """
    # Run ``flask xiebao check`` on all devices only if it must kill the mutant. The unchanged
    # package needs only a few devices here, because tests already check it on all devices.
    options = [] if mutant in KILLED_BY_CHECK else ["--few-devices"]
    status, output = project.run_module("tests.tools.mutants.check_sites", *SITES, *options)
    if status is None:
        return TIMEOUT
    last_line = output.strip().rpartition("\n")[2]
    description = "The unchanged package" if mutant is None else mutant.description
    print(f"{description}: {last_line[:140]}", flush=True)
    return "" if status == 0 else last_line.partition(":")[0]


def find_killing_test(project: ProjectCopy, selection: TestSelection, mutant: Mutant) -> str:
    """Return the id of a test that kills the mutant, or "" if all tests pass."""
    for stage in selection.iter_test_lists(mutant):
        tests = list(stage)
        while (test := project.find_failing_test(tests)) is not None:
            # A test may fail by chance on a busy machine, so it must fail twice.
            if test not in tests or project.find_failing_test([test]) is not None:
                selection.record_killing_test(mutant, test)
                return test or "an error outside of the tests"
            tests = tests[tests.index(test) + 1 :]
    return ""


def find_killers(
    project: ProjectCopy, selection: TestSelection, mutant: Mutant, by: Sequence[str]
) -> Killers:
    """Run ``flask xiebao check``, the tests or both on a mutant. Return what killed the mutant.

    :param by: A list with "check", "tests" or both.
    """
    killers = {}
    with project.apply_mutant(mutant):
        if "check" in by and mutant not in ONLY_FOR_TESTS:
            killers["check"] = find_killing_site(project, mutant)
        if "tests" in by and mutant.description not in NOT_KILLED_BY_TESTS:
            killers["tests"] = find_killing_test(project, selection, mutant)
    return killers


def describe_problem(mutant: Mutant, killers: Killers) -> str:
    """Describe an unexpected result for a mutant. Return "" if the result is as expected."""
    if mutant in KILLED_BY_CHECK and killers.get("check") == "":
        return "SURVIVES THE CHECK"
    if mutant in NOT_KILLED_BY_CHECK and killers.get("check"):
        return f"IS KILLED BY THE CHECK, WHICH IS UNEXPECTED: {NOT_KILLED_BY_CHECK[mutant]}"
    if TIMEOUT in killers.values():
        return "TIMES OUT"
    return "SURVIVES ALL TESTS" if killers.get("tests") == "" else ""


def read_json(file: Path) -> dict[str, Killers]:
    """Return the content of a JSON file, or an empty dict if the file does not exist."""
    content: dict[str, Killers] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return content


def iter_outdated_mutants() -> Iterator[str]:
    """Yield a message about each mutant that replaces code that the package no longer contains."""
    for mutant in ALL_MUTANTS:
        try:
            mutant.build_faulty_source((ROOT / "flask_xiebao" / mutant.file).read_text("utf-8"))
        except ValueError as error:
            yield str(error)


def parse_options() -> argparse.Namespace:
    """Parse the command line, and return the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutants")
    add_option = parser.add_argument
    add_option("texts", nargs="*", help="only mutants whose descriptions contain one of the texts")
    add_option("--sample", type=int, default=1, metavar="N", help="only every Nth mutant")
    add_option("--by", choices=("check", "tests"), action="append", help="only the check or tests")
    add_option("--drawn", type=int, metavar="N", help="N random mutants instead of those listed")
    add_option("--seed", type=int, default=0, help="the seed for the random mutants")
    add_option("--validate", action="store_true", help="only find mutants of outdated code")
    return parser.parse_args()


def main() -> int:
    """Test the mutants, update ``matrix.json``, and return 1 if a result is not as expected."""
    options = parse_options()
    if problems := list(iter_outdated_mutants()):
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    if options.validate:
        return 0
    candidates = (
        choose_random_mutants(options.drawn, options.seed) if options.drawn else ALL_MUTANTS
    )
    chosen = [
        mutant
        for mutant in candidates
        if not options.texts or any(text in mutant.description for text in options.texts)
    ][:: options.sample]
    # By default, run only the tests on random mutants. A site can cause few of these faults, so
    # ``flask xiebao check`` would kill few of the mutants.
    by = options.by or (["tests"] if options.drawn else ["check", "tests"])

    BUILD_FOLDER.mkdir(parents=True, exist_ok=True)
    matrix_file = Path(__file__).with_name(MATRIX_FILE)
    progress_file = (
        BUILD_FOLDER / f"{compute_folder_hash('flask_xiebao', 'demo_app', 'tests')}.json"
    )
    matrix, results = read_json(matrix_file), read_json(progress_file)
    selection = TestSelection(matrix)
    unexpected = 0
    with tempfile.TemporaryDirectory() as folder:
        thread = threading.local()

        def create_project_copy() -> None:
            thread.project = ProjectCopy(Path(tempfile.mkdtemp(dir=folder)))

        def run_mutant(mutant: Mutant) -> Killers:
            known = results.get(mutant.description, {})
            missing = [name for name in by if known.get(name, TIMEOUT) == TIMEOUT]
            return find_killers(thread.project, selection, mutant, missing) if missing else {}

        with ThreadPoolExecutor(os.cpu_count(), initializer=create_project_copy) as pool:
            for mutant, killers in zip(chosen, pool.map(run_mutant, chosen), strict=True):
                killers = results[mutant.description] = (
                    results.get(mutant.description, {}) | killers
                )
                progress_file.write_text(json.dumps(results))
                problem = describe_problem(mutant, killers)
                unexpected += bool(problem)
                print(f"{mutant.description}: {problem or killers}", flush=True)
        unchanged = ProjectCopy(Path(tempfile.mkdtemp(dir=folder)))
        tests = sorted(
            {test for each in results.values() if "::" in (test := each.get("tests", ""))}
        )
        failure = find_killing_site(unchanged, None) if "check" in by else ""
        failure += unchanged.find_failing_test(tests) or "" if "tests" in by else ""
    print(f"The unchanged package: {failure or 'no failures'}.")
    names = [mutant.description for mutant in ALL_MUTANTS]
    kept = {name: matrix.get(name, {}) | results.get(name, {}) for name in names}
    matrix_file.write_text(f"{json.dumps(kept, indent=0, ensure_ascii=False)}\n", "utf-8")
    killing_tests = ((results | kept)[each.description].get("tests", "") for each in chosen)
    folders = Counter(
        test.partition("::")[0].rpartition("/")[0] or "none" for test in killing_tests
    )
    for folder, count in folders.most_common():
        print(f"{count:5} {folder}")
    print(f"Mutants: {len(chosen)}. Unexpected results: {unexpected}.")
    return 1 if unexpected or failure else 0


if __name__ == "__main__":
    sys.exit(main())
