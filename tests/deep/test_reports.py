"""Tests for the files to which ``flask xiebao check`` writes its report."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.check.support import make_shop, run_check_command


@pytest.mark.parametrize("options", [["--device", "nokia"], ["--page", "orders"]], ids=" ".join)
def test_check_with_invalid_option_keeps_older_report(tmp_path: Path, options: list[str]) -> None:
    file = tmp_path / "report.xml"
    file.write_text("older report", "utf-8")
    result = run_check_command(make_shop(), "--junit", str(file), *options)
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text("utf-8") == "older report"


@pytest.mark.parametrize(
    ("options", "has_report"),
    [([], True), (["--page", "orders"], False)],
    ids=["valid options", "invalid option"],
)
def test_check_writes_report_into_pipe(
    tmp_path: Path, options: list[str], has_report: bool
) -> None:
    """The command replaces an existing regular file by a new file, but must not replace a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(pipe.read_text, "utf-8")
        run_check_command(make_shop(), "--json", str(pipe), *options)
        assert pipe.is_fifo()
        assert bool(text.result(10)) == has_report
