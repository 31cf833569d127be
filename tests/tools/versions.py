"""Prints every version that the tests run with: of Python packages, npm packages and programs."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import distributions

from tests.manual.blocks import ROOT

_PROGRAMS = {"chromium": "--version", "firefox": "--version", "nginx": "-v", "node": "--version"}


def main() -> None:
    """Print them, one a line."""
    print(f"# {platform.platform()}")
    print(f"python=={platform.python_version()}")
    for name, option in _PROGRAMS.items():
        said = subprocess.run([name, option], capture_output=True, text=True, check=True)  # noqa: S603
        print(f"# {name}: {(said.stdout or said.stderr).strip()}")
    for line in sorted({f"{each.name}=={each.version}" for each in distributions()}, key=str.lower):
        print(line)
    for folder in ("npm", "docs"):
        installed = ROOT / f".venv/{folder}/node_modules"
        for package in json.loads((installed.parent / "package.json").read_text())["dependencies"]:
            version = json.loads((installed / package / "package.json").read_text())["version"]
            print(f"# npm: {package}@{version}")


if __name__ == "__main__":
    main()
