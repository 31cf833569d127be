"""Run the tests on mutants of the package, and print the survivors.

    make mutants
    python -m tests.tools.mutants --sample 5
    python -m tests.tools.mutants "click_guard"
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.tools.mutants.mutants import CLICK_MUTANTS, Mutant
from tests.tools.mutants.mutants_for_tests import MORE_MUTANTS, NOT_KILLED_BY_TESTS
from tests.tools.mutants.project_copies import ROOT, TIMEOUT, ProjectCopy
from tests.tools.mutants.random_mutants import choose_random_mutants
from tests.tools.mutants.selection import (
    BUILD_FOLDER,
    MATRIX_FILE,
    TestSelection,
    compute_folder_hash,
)

ALL_MUTANTS = (*CLICK_MUTANTS, *MORE_MUTANTS)
# The result for a mutant that tests cannot kill, for a known reason.
NOT_KILLED = "no test"


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


def run_tests_on_mutant(project: ProjectCopy, selection: TestSelection, mutant: Mutant) -> str:
    """Run the tests on a mutant. Return the id of a test that kills it, or "" if none does."""
    if mutant.description in NOT_KILLED_BY_TESTS:
        return NOT_KILLED
    with project.apply_mutant(mutant):
        return find_killing_test(project, selection, mutant)


def describe_problem(killer: str) -> str:
    """Describe an unexpected result for a mutant. Return "" if the result is as expected."""
    if killer == TIMEOUT:
        return "TIMES OUT"
    return "" if killer else "SURVIVES ALL TESTS"


def read_json(file: Path) -> dict[str, str]:
    """Return the content of a JSON file, or an empty dict if the file does not exist."""
    content: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
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

        def run_mutant(mutant: Mutant) -> str:
            killer = results.get(mutant.description, TIMEOUT)
            if killer == TIMEOUT:
                return run_tests_on_mutant(thread.project, selection, mutant)
            return killer

        with ThreadPoolExecutor(os.cpu_count(), initializer=create_project_copy) as pool:
            for mutant, killer in zip(chosen, pool.map(run_mutant, chosen), strict=True):
                results[mutant.description] = killer
                progress_file.write_text(json.dumps(results))
                problem = describe_problem(killer)
                unexpected += bool(problem)
                print(f"{mutant.description}: {problem or killer}", flush=True)
        unchanged = ProjectCopy(Path(tempfile.mkdtemp(dir=folder)))
        failure = unchanged.find_failing_test(
            sorted({killer for killer in results.values() if "::" in killer})
        )
    print(f"The unchanged package: {failure or 'no failures'}.")
    names = [mutant.description for mutant in ALL_MUTANTS]
    kept = {name: results.get(name, matrix.get(name, "")) for name in names}
    matrix_file.write_text(f"{json.dumps(kept, indent=0, ensure_ascii=False)}\n", "utf-8")
    killing_tests = ((kept | results)[each.description] for each in chosen)
    folders = Counter(
        test.partition("::")[0].rpartition("/")[0] or "none" for test in killing_tests
    )
    for folder, count in folders.most_common():
        print(f"{count:5} {folder}")
    print(f"Mutants: {len(chosen)}. Unexpected results: {unexpected}.")
    return 1 if unexpected or failure else 0


if __name__ == "__main__":
    sys.exit(main())
