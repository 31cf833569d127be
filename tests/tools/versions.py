"""Print the versions of all Python packages, npm packages and programs that the tests use."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import distributions

from tests.manual.blocks import ROOT

#: The programs that the tests use, each with the option that prints its version.
_PROGRAMS = {"chromium": "--version", "firefox": "--version", "nginx": "-v", "node": "--version"}


def main() -> None:
    """Print one version per line. The lines about programs and npm packages are comments."""
    print(f"# {platform.platform()}")
    print(f"python=={platform.python_version()}")
    for name, option in _PROGRAMS.items():
        result = subprocess.run([name, option], capture_output=True, text=True, check=True)  # noqa: S603
        print(f"# {name}: {(result.stdout or result.stderr).strip()}")
    packages = {f"{package.name}=={package.version}" for package in distributions()}
    print(*sorted(packages, key=str.lower), sep="\n")
    for folder in (ROOT / ".venv/npm", ROOT / ".venv/docs"):
        for name in json.loads((folder / "package.json").read_text())["dependencies"]:
            installed = json.loads((folder / f"node_modules/{name}/package.json").read_text())
            print(f"# npm: {name}@{installed['version']}")


if __name__ == "__main__":
    main()
