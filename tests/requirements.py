"""The programs and packages that tests need. A test is skipped if one of them is missing."""

from __future__ import annotations

import os
import pkgutil
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

#: The directories of programs. Debian installs servers into /usr/sbin, which is not in the PATH of
#: ordinary users, and PostgreSQL into a directory for each version.
_DIRECTORIES = [
    *os.environ.get("PATH", os.defpath).split(os.pathsep),
    "/usr/sbin",
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
]

#: The end of the reason for which a test is skipped, after the name of the missing requirement.
NOT_INSTALLED = " is not installed"
_NPM_PACKAGES = Path(__file__).parents[1] / ".venv/npm/node_modules"


def find_program(*names: str) -> str:
    """Return the path of the first program that is installed. Skip the test if there is none.

    :param names: the program's names, beginning with the name to report if the program is missing.
    """
    for name in names:
        if path := shutil.which(name, path=os.pathsep.join(_DIRECTORIES)):
            return path
    skip_without(names[0])


def find_npm_packages() -> Path:
    """Return the folder of the npm packages for tests. Skip the test if they are not installed."""
    if not _NPM_PACKAGES.exists():
        find_program("npm")
        skip_without(".venv/npm")
    return _NPM_PACKAGES


def import_later(name: str) -> Callable[..., Any]:
    """Return a function that imports a class or function, and calls it with the same arguments.

    Tables of test parameters use this for packages that may be missing. Without the package, only
    the tests with these parameters are skipped, instead of the whole module.

    :param name: the name of the class or function, for example ``flask_talisman:Talisman``.
    """
    return lambda *args, **kwargs: pkgutil.resolve_name(name)(*args, **kwargs)


def skip_without(requirement: str) -> NoReturn:
    """Skip the test or the test module, because a requirement is not installed."""
    pytest.skip(f"{requirement}{NOT_INSTALLED}", allow_module_level=True)
