"""Spoils the package in one place after another: which wrong versions are seen, and by what.

    make mutants
    python -m tests.tools.mutants --sample 5
    python -m tests.tools.mutants "the sign" --by tests
    python -m tests.tools.mutants --drawn 50 --seed 33

Two judges look at each: a check of right sites, and the tests. ``matrix.json`` keeps which test saw
it, by the mutant's name, and that test is asked first the next time. Else one parameter of each
test that runs the spoilt line is asked, then all of them; then the fast tests, likewise; and then
one parameter of each of the others, those in a browser last. What has been looked at is looked at
again only when the package or the tests have changed, so whoever stops it goes on where they were.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.tools.mutants.beyond import BEYOND, UNTESTED
from tests.tools.mutants.drawn import draw
from tests.tools.mutants.sites import SITES
from tests.tools.mutants.trees import ROOT, TOO_LATE, Tree, see
from tests.tools.mutants.which import BUILD, MATRIX, Which, digest
from tests.tools.mutants.wrong import SEEN, UNSEEN, Wrong

#: Of one wrong version: the test that sees it, and the site on which the check does; "" for none.
Found = dict[str, str]


def judge_by_check(tree: Tree, wrong: Wrong | None) -> str:
    """Return the right site on which a check sees something; "" where it sees nothing."""
    # That nothing is wrong on any device of the right sites, the tests see.
    how = [] if wrong in SEEN else ["--two"]
    code, said = tree.run("tests.tools.mutants.check", *SITES, *how)
    if code is None:
        return TOO_LATE
    last = said.strip().rpartition("\n")[2]  # before it may stand what was logged
    print(f"{wrong.what if wrong else 'Right'}: {last[:140]}", flush=True)
    return "" if code == 0 else last.partition(":")[0]


def judge_by_tests(tree: Tree, which: Which, wrong: Wrong) -> str:
    """Return the test that sees a wrong version, "" where none does."""
    for stage in which.stages(wrong):
        tests = list(stage)
        while (seen := see(tree, tests)) is not None:
            # A test that fails now and then, on a busy machine, sees nothing: it has to fail twice.
            if seen not in tests or see(tree, [seen]) is not None:
                which.saw(wrong, seen)
                return seen or "what they import"
            tests = tests[tests.index(seen) + 1 :]
    return ""


def look(tree: Tree, which: Which, wrong: Wrong, by: Sequence[str]) -> Found:
    """Return what sees a wrong version."""
    found = {}
    with tree.spoilt(wrong):
        if "check" in by and wrong not in BEYOND:
            found["check"] = judge_by_check(tree, wrong)
        if "tests" in by and wrong.what not in UNTESTED:
            found["tests"] = judge_by_tests(tree, which, wrong)
    return found


def verdict(wrong: Wrong, found: Found) -> str:
    """Say what is not as it should be; "" where nothing is."""
    if wrong in SEEN and found.get("check") == "":
        return "THE CHECK DOES NOT SEE IT"
    if wrong in UNSEEN and found.get("check"):
        return f"THE CHECK SEES IT, AND SHOULD NOT: {UNSEEN[wrong]}"
    if TOO_LATE in found.values():
        return "IT TAKES TOO LONG TO SAY"
    if found.get("tests") == "":
        return "NO TEST SEES IT"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutants")
    parser.add_argument("names", nargs="*", help="those whose names have this in them")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every Nth of them")
    parser.add_argument("--by", choices=("check", "tests"), action="append", help="one judge alone")
    parser.add_argument("--drawn", type=int, metavar="N", help="N that nobody thought of, instead")
    parser.add_argument("--seed", type=int, default=0, help="which of those are drawn")
    options = parser.parse_args()
    named = (*SEEN, *UNSEEN, *BEYOND)
    for wrong in named:  # also where few are tried, each has its place
        wrong.spoil((ROOT / "flask_xiebao" / wrong.file).read_text("utf-8"))
    chosen = [
        wrong
        for wrong in (draw(options.drawn, options.seed) if options.drawn else named)
        if not options.names or any(name in wrong.what for name in options.names)
    ][:: options.sample]
    # Most that are drawn are no mistake that a site could make, too.
    by = options.by or (["tests"] if options.drawn else ["check", "tests"])

    BUILD.mkdir(parents=True, exist_ok=True)
    file = Path(__file__).with_name(MATRIX)
    matrix: dict[str, Found] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    progress = BUILD / f"{digest('flask_xiebao', 'demo_app', 'tests')}.json"
    done: dict[str, Found] = json.loads(progress.read_text()) if progress.exists() else {}
    which = Which(matrix)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(os.cpu_count() or 1):
            trees.put(Tree(Path(folder) / str(number)))

        def find(wrong: Wrong) -> Found:
            known = done.get(wrong.what, {})
            missing = [judge for judge in by if known.get(judge, TOO_LATE) == TOO_LATE]
            tree = trees.get()
            try:
                return look(tree, which, wrong, missing) if missing else {}
            finally:
                trees.put(tree)

        failures = []
        for wrong, found in zip(chosen, pool.map(find, chosen), strict=True):
            found = done.setdefault(wrong.what, {}) | found
            done[wrong.what] = found
            progress.write_text(json.dumps(done))
            said = verdict(wrong, found)
            failures += [said] * bool(said)
            print(f"{wrong.what}: {said or found}", flush=True)
        right = trees.get()
        noise = judge_by_check(right, None) if "check" in by else ""
        killers = sorted(
            {found["tests"] for found in done.values() if "::" in found.get("tests", "")}
        )
        noise += see(right, killers) or "" if "tests" in by else ""
    print(f"The version that is right: {noise or 'nothing is wrong'}.")
    kept = {wrong.what: matrix.get(wrong.what, {}) | done.get(wrong.what, {}) for wrong in named}
    file.write_text(f"{json.dumps(kept, indent=0, ensure_ascii=False)}\n", "utf-8")
    tests = ((done | kept)[wrong.what].get("tests", "") for wrong in chosen)
    folders = Counter(test.partition("::")[0].rpartition("/")[0] or "nothing" for test in tests)
    for folder, count in folders.most_common():
        print(f"{count:5} {folder}")
    print(f"Wrong versions: {len(chosen)}. Not as they should be: {len(failures)}.")
    return 1 if failures or noise else 0


if __name__ == "__main__":
    sys.exit(main())
