"""Tests for test runs without some packages or programs that the tests need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.manual.blocks import ROOT

MODULES = {
    "test_module.py": "import missing_package\n",
    "test_function.py": """
import pytest
from tests.requirements import find_program, import_later

@pytest.fixture
def server():
    import missing_driver

def test_fixture(server): pass
def test_program(): find_program("missing-program", "other-name")
@pytest.mark.requires("json", "missing_extra")
def test_mark(): raise AssertionError
def test_import(): import_later("missing_extension:init")()
def test_nothing(): find_program("python3", "python")
""",
}
MISSING = "missing-program, missing_driver, missing_extension, missing_extra, missing_package"


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with the fixtures and options of this project."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *options]
    return subprocess.run(  # noqa: S603 - The options are constants.
        [*command, "-p", "no:cacheprovider", "-c", str(ROOT / "setup.cfg"), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--strict-skips",), 1)])
def test_tests_without_their_requirements_are_skipped_and_last_line_names_them(
    tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    for name, source in MODULES.items():
        (tmp_path / name).write_text(source)

    run = run_pytest(tmp_path, *options)

    assert run.returncode == status, run.stdout + run.stderr
    *_, counts, last_line = run.stdout.splitlines()
    assert "1 passed, 5 skipped" in counts
    assert f"need {MISSING}." in last_line
    assert "make programs" in last_line
    assert 'pip install -e ".[tests]"' in last_line
    assert "missing_driver is not installed" in run.stdout


@pytest.mark.parametrize(
    "source",
    [
        "import flask_xiebao.missing_module\n",
        "from flask import missing_name\n",
        "import warnings\ndef test():\n"
        "    warnings.warn_explicit('old', DeprecationWarning, 'a.py', 1, 'flask_xiebao.links')\n",
        "def test(): open('setup.cfg')\n",
    ],
    ids=["module of package", "name", "own warning", "open file"],
)
def test_mistakes_fail_test_run(tmp_path: Path, source: str) -> None:
    (tmp_path / "test_mistake.py").write_text(source)
    assert run_pytest(tmp_path).returncode != 0


def test_warning_of_another_package_is_only_reported(tmp_path: Path) -> None:
    (tmp_path / "other_package.py").write_text(
        "import warnings\ndef call(): warnings.warn('old', DeprecationWarning)\n"
    )
    (tmp_path / "test_call.py").write_text(
        "import other_package\ndef test(): other_package.call()\n"
    )
    run = run_pytest(tmp_path)
    assert "1 passed, 1 warning" in run.stdout, run.stdout
