"""The check of the whole demo, as ``flask xiebao check`` does it, kept until it is done again."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app, request

from flask_xiebao.testing import Case, Device, Report, Result, check_entries

#: On which devices; None for every one that there is.
ON: list[str] | None = None

_lock = threading.Lock()

#: What the console shows of a report: all of a page of the gateway, or what is wrong.
PAGES = {"product": "产品", "home": "商城", "policy": "保单"}


class Line(NamedTuple):
    """A row of the matrix."""

    case: Case
    cells: dict[str, Result]


def report() -> Report:
    """Return what was found last; the first time, check."""
    kept: dict[str, Report] = current_app.extensions.setdefault("qa_report", {})
    # Whoever else asks meanwhile waits for the same report.
    with _lock:
        if request.url_root not in kept:
            kept.clear()
            kept[request.url_root] = _check(devices=ON)
        return kept[request.url_root]


def forget() -> None:
    """Have the next who asks check anew."""
    current_app.extensions.pop("qa_report", None)


def one(case: str, device: str) -> Result:
    """Do one thing on one device now.

    :raises CheckError: there is no such thing, or no such device.
    """
    return _check(only=[case], devices=[device]).results[0]


def _check(**options: Any) -> Report:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return check_entries(app, url=request.url_root, **options)


def lines(results: Iterable[Result]) -> list[Line]:
    """Return results as rows, each with a cell for every device."""
    found: dict[str, Line] = {}
    for result in results:
        line = found.setdefault(result.case.name, Line(result.case, {}))
        line.cells[result.device.name] = result
    return list(found.values())


def devices_of(results: Iterable[Result]) -> list[Device]:
    """Return the devices of results, each once."""
    return list({result.device.name: result.device for result in results}.values())


@cache
def commit() -> str:
    """Return which commit of the project runs, as far as git says so."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
