"""Run ``flask xiebao check`` on some of the sites in ``sites.py``, and print the first failure.

    python -m tests.tools.mutants.check_sites plain everything

With ``--few-devices``, the sites are checked on only two devices, because most faults cause a
failure on one of them.
"""

from __future__ import annotations

import sys

from flask_xiebao.check.check_run import check_entries
from tests.tools.mutants.sites import PAGE, SITES


def find_failure(name: str, devices: list[str] | None) -> str:
    """Return a description of the first failure on a site, or "" if there is none.

    :param devices: The names of the devices, or None for all devices.
    """
    # If no member can log in, ``flask xiebao check`` cannot follow the entries on the page.
    pages = [] if name == "nobody_logs_in" else [PAGE]
    try:
        problems = check_entries(SITES[name](), devices=devices, full=True, pages=pages).problems()
    except Exception as error:  # A mutant may raise any exception.
        return f"{type(error).__name__}: {error}"
    for problem in problems:
        failure = next(iter(problem.failures))
        return (
            f"failure 1 of {len(problems)}, in {len(problem.results)} cases:"
            f" {failure.code}: {failure.actual} / {failure.expected}"
        )
    return ""


def main(arguments: list[str]) -> int:
    """Check the sites that are named on the command line, and return 1 if a check fails."""
    names = [name for name in arguments if name != "--few-devices"]
    runs: list[tuple[str, list[str] | None]] = [(name, ["pc", "iphone"]) for name in names]
    if "--few-devices" not in arguments:
        # The site "everything" has its own mobile app as one more device, so check this site on all
        # devices.
        runs.append(("everything", None))
    for name, devices in runs:
        if failure := find_failure(name, devices):
            print(f"{name}: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
