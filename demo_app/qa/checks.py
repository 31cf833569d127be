"""Only for QA: the check of the whole demo, which runs in the background.

To check on fewer devices, set ``QA_DEVICES`` to a list of their names, for example with
``FLASK_QA_DEVICES='["iphone"]'`` in the environment.
"""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from flask.testing import FlaskClient

from flask_xiebao.testing import Report, Result, check_entries

from ..auth import MEMBERS

#: The maximum number of checks to keep. Each URL at which the demo is opened has its own check.
MAX_CHECKS = 4
_MEMBER = next(iter(MEMBERS))
_lock = threading.Lock()


def log_in(client: FlaskClient, member: str | None) -> None:
    """Log a test client in by the login page."""
    client.post("/sign-in", data={"member": member})


@dataclass
class Check:
    """A check of the demo.

    :ivar url: The URL at which the demo was opened.
    :ivar done: The number of clicks that are done.
    :ivar total: The number of all clicks, or 0 if it is not known yet.
    :ivar report: The report, or None if the check is not finished.
    :ivar error: The exception that has stopped the check, or None.
    """

    url: str
    done: int = 0
    total: int = 0
    report: Report | None = None
    error: Exception | None = None

    def run(self, app: Flask) -> None:
        """Run the check."""
        try:
            report = check_entries(
                app,
                member=_MEMBER,
                login=log_in,
                url=self.url,
                devices=app.config.get("QA_DEVICES"),
                pages=["/", "/policies"],  # These pages have entries.
                progress=self._store_progress,
            )
            report.command = "flask --app demo_app xiebao check"
            report.options = f"--member {_MEMBER} --login demo_app.qa.checks:log_in"
            self.report = report
        except Exception as error:  # The console shows it.
            self.error = error

    @property
    def is_finished(self) -> bool:
        """True if there is a report or an error."""
        return self.report is not None or self.error is not None

    def _store_progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def get_check() -> Check:
    """Return the check of the demo at the URL of the request. Start it if there is none.

    While the check of another URL is running, return that check. So at most one check runs at a
    time, although a visitor can make up any number of host names.
    """
    checks: dict[str, Check] = current_app.extensions.setdefault("qa_checks", {})
    url = request.url_root
    with _lock:
        running = (check for check in checks.values() if not check.is_finished)
        check = checks.get(url) or next(running, None)
        if check is None:
            while len(checks) >= MAX_CHECKS:
                del checks[next(iter(checks))]
            check = checks[url] = Check(url)
            threading.Thread(target=check.run, args=[_get_app()], daemon=True).start()
        return check


def get_report() -> Report | None:
    """Return the report on the demo at the URL of the request, or None if it is not finished."""
    check = get_check()
    return check.report if check.url == request.url_root else None


def delete_finished_checks() -> None:
    """Delete the checks that are finished, so that the next request starts a new check."""
    checks: dict[str, Check] = current_app.extensions.get("qa_checks", {})
    with _lock:
        for url in [url for url, check in checks.items() if check.is_finished]:
            del checks[url]


def run_single_check(**options: Any) -> Result:
    """Run a single case on a single device, and return the result.

    :param options: The arguments of :func:`~flask_xiebao.testing.check_entries`.
    :raises CheckError: if there is no such case or no such device.
    """
    return check_entries(_get_app(), url=request.url_root, **options).results[0]


def _get_app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


@cache
def get_commit() -> str:
    """Return the commit of the source, or "" if Git does not know it."""
    try:
        git = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - Git is found on the PATH.
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return git.stdout.strip()
