"""Checks the sites of this package with the flask_xiebao that is first on the path.

    python -m tests.tools.mutants.check plain everything

It prints, of the first site on which something is wrong, how many kinds of things are, and one.
With --two it is content with two devices, on which most of what is wrong shows.
"""

from __future__ import annotations

import sys

from flask_xiebao.check.check_run import check_entries
from tests.tools.mutants.sites import PAGE, SITES

#: The site on which all devices are looked at: it has an app of its own.
THOROUGH = "everything"


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name != "--two"]
    passes: list[tuple[list[str] | None, list[str]]] = [(["pc", "iphone"], names)]
    if "--two" not in arguments:
        passes.append((None, [THOROUGH]))
    for devices, sites in passes:
        for name in sites:
            try:
                # Without members, an entry on a page is nobody's.
                pages = [] if name == "nobody_logs_in" else [PAGE]
                report = check_entries(SITES[name](), devices=devices, full=True, pages=pages)
                problems = report.problems()
            except Exception as error:  # a version so wrong that there is no site
                print(f"{name}: {type(error).__name__}: {error}")
                return 1
            for trouble in problems:
                first = next(iter(trouble.failures))
                said = (
                    f"{len(trouble.results)} times {first.code}: {first.actual} / {first.expected}"
                )
                print(f"{name}: {len(problems)} kinds, {said}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
