"""Only for QA: a background run of ``flask xiebao check`` for the whole demo.

To check the demo on fewer devices, set ``QA_DEVICES`` to a list of their names, for example with
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

#: The maximum number of background checks to keep. There is a separate check for each URL at which
#: a visitor opens the demo.
MAX_CHECKS = 4
_MEMBER = next(iter(MEMBERS))
_lock = threading.Lock()


def log_in(client: FlaskClient, member: str | None) -> None:
    """Log a member in with a test client, by posting the demo's login form."""
    client.post("/sign-in", data={"member": member})


@dataclass
class BackgroundCheck:
    """A check of the whole demo that runs in a background thread.

    :ivar url: The URL at which a visitor opened the demo.
    :ivar done: The number of clicks that the check has made so far.
    :ivar total: The total number of clicks, or 0 if it is not known yet.
    :ivar report: The report on the check, or None if the check is not finished.
    :ivar error: The exception that has stopped the check, or None.
    """

    url: str
    done: int = 0
    total: int = 0
    report: Report | None = None
    error: Exception | None = None

    def run_check(self, app: Flask) -> None:
        """Run the check, and store its report or the exception that stopped it."""
        try:
            report = check_entries(
                app,
                member=_MEMBER,
                login=log_in,
                url=self.url,
                devices=app.config.get("QA_DEVICES"),
                pages=["/", "/policies"],  # The pages with insurance entries.
                progress=self._store_progress,
            )
            report.command = "flask --app demo_app xiebao check"
            report.options = f"--member {_MEMBER} --login demo_app.qa.checks:log_in"
            self.report = report
        except Exception as error:  # The console shows the exception.
            self.error = error

    @property
    def is_finished(self) -> bool:
        """True if the check has a report or was stopped by an exception."""
        return self.report is not None or self.error is not None

    def _store_progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def get_or_start_check() -> BackgroundCheck:
    """Return the check of the demo at the request's URL. If there is no such check, start one.

    While a check of another URL is running, return that check instead. So at most one check runs at
    a time, although a visitor can make up any number of host names.
    """
    checks: dict[str, BackgroundCheck] = current_app.extensions.setdefault("qa_checks", {})
    url = request.url_root
    with _lock:
        running = (check for check in checks.values() if not check.is_finished)
        check = checks.get(url) or next(running, None)
        if check is None:
            while len(checks) >= MAX_CHECKS:
                del checks[next(iter(checks))]
            check = checks[url] = BackgroundCheck(url)
            threading.Thread(target=check.run_check, args=[_get_current_app()], daemon=True).start()
        return check


def get_report() -> Report | None:
    """Return the report on the check at the request's URL, or None if it is not finished."""
    check = get_or_start_check()
    return check.report if check.url == request.url_root else None


def delete_finished_checks() -> None:
    """Delete all finished checks, so that the next request starts a new check."""
    checks: dict[str, BackgroundCheck] = current_app.extensions.get("qa_checks", {})
    with _lock:
        for url in [url for url, check in checks.items() if check.is_finished]:
            del checks[url]


def run_single_check(**options: Any) -> Result:
    """Run a single test case of the check on a single device, and return the result.

    :param options: The arguments of :func:`~flask_xiebao.testing.check_entries`.
    :raises CheckError: if the check has no such test case or no such device.
    """
    return check_entries(_get_current_app(), url=request.url_root, **options).results[0]


def _get_current_app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


@cache
def get_commit() -> str:
    """Return the Git commit of the source code, or "" if Git does not know it."""
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
