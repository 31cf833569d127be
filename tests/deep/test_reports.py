"""Where reports of a check are written."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.check.support import command, shop
from tests.check.test_reports import PLAIN


def test_a_check_that_cannot_begin_leaves_the_older_report(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text("older", "utf-8")
    for wrong in (["--device", "nokia"], ["--page", "orders"]):
        done = command(shop(), "--junit", str(file), *wrong)
        assert done.exit_code == 2
        assert [each.name for each in tmp_path.iterdir()] == ["report.xml"]
        assert file.read_text("utf-8") == "older"


@pytest.mark.parametrize("wrong", [False, True])
def test_a_report_for_a_pipe(wrong: bool, tmp_path: Path) -> None:
    """Nothing takes the place of a device or a pipe, as it does of a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    page = ["--page", "orders"] if wrong else []
    command(shop(), *PLAIN, "--json", str(pipe), *page)
    reader.join(10)
    assert pipe.is_fifo()
    assert bool(read[0]) != wrong
