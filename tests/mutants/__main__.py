"""Spoils the package in one place after another, and has its sites checked each time.

    make mutants

Every wrong version of :mod:`.wrong` has to be seen, and nothing on a site that is right.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask_xiebao
from tests.mutants.sites import SITES
from tests.mutants.wrong import SEEN, UNSEEN, Wrong

PACKAGE = Path(flask_xiebao.__file__).parent
ROOT = Path(__file__).parents[2]


def seen(wrong: Wrong | None, *, sites: tuple[str, ...] = tuple(SITES)) -> tuple[bool, str]:
    """Tell whether a check sees a version of the package, and what it says.

    :param wrong: None for the version that is right.
    """
    # That nothing is wrong on any device of the right sites, the tests see.
    how = [] if wrong in SEEN else ["--two"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "flask_xiebao"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if wrong is not None:
            spoil(copy, wrong)
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "tests.mutants.check", *sites, *how],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            timeout=600,
        )
    said = run.stdout.strip() or run.stderr.strip()[-300:]
    return run.returncode != 0, said


def spoil(copy: Path, wrong: Wrong) -> None:
    """Spoil one place of a copy of the package."""
    file = copy / wrong.file
    text = file.read_text("utf-8")
    if text.count(wrong.right) != 1:
        raise ValueError(f"{wrong.what}: {wrong.file} has this {text.count(wrong.right)} times.")
    file.write_text(text.replace(wrong.right, wrong.wrong), "utf-8")


def main(names: list[str]) -> int:
    chosen = [
        wrong for wrong in (*SEEN, *UNSEEN) if not names or any(n in wrong.what for n in names)
    ]
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        right = pool.submit(seen, None)
        for wrong, (was_seen, said) in zip(chosen, pool.map(seen, chosen), strict=True):
            if was_seen != (wrong in SEEN):
                missed += 1
            mark = "seen" if was_seen else "NOT SEEN" if wrong in SEEN else "cannot be seen"
            why = said[:140] if was_seen else UNSEEN.get(wrong, "")
            print(f"{mark:<9} {wrong.what}: {why}", flush=True)
        noisy, said = right.result()
        print(f"The sites that are right: {said if noisy else 'nothing is wrong'}.")
    print(f"{len(SEEN)} wrong versions, {missed} not as they should be.")
    return 1 if missed or noisy else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
