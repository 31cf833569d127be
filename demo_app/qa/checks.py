"""Only for QA: a background run of ``flask xiebao check`` for the whole demo.

To check the demo on fewer devices, set ``QA_DEVICES`` to a list of their names, for example with
``FLASK_QA_DEVICES='["iphone"]'`` in the environment.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from flask.testing import FlaskClient

from flask_xiebao.testing import Report, check_entries

from ..auth import MEMBERS
from ..shop import CHINA_TIME

#: The arguments of the check: the pages with insurance entries, and the member who opens them.
PAGES = ("/", "/policies")
MEMBER = next(iter(MEMBERS))
_lock = threading.Lock()


def log_in(client: FlaskClient, member: str | None, **options: Any) -> None:
    """Log a member in with a test client, by posting the demo's login form.

    :param options: More keyword arguments for the request.
    """
    client.post("/sign-in", data={"member": member}, **options)


@dataclass
class BackgroundCheck:
    """A check of the whole demo that runs in a background thread.

    :ivar done: The number of pages and clicks that the check has finished so far.
    :ivar total: The total number of pages and clicks as far as it is known, or 0.
    :ivar report: The report on the check, or None if the check is not finished.
    :ivar error: The exception that has stopped the check, or None.
    """

    done: int = 0
    total: int = 0
    report: Report | None = None
    error: Exception | None = None

    def run_check(self, app: Flask) -> None:
        """Run the check, and store its report or the exception that stopped it."""
        try:
            report = check_entries(
                app,
                pages=PAGES,
                member=MEMBER,
                login=log_in,
                devices=app.config.get("QA_DEVICES", "all"),
                progress=self._store_progress,
            )
            report.at = report.at.astimezone(CHINA_TIME)
            self.report = report
        except Exception as error:  # The console shows the exception.
            self.error = error

    def _store_progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def get_or_start_check() -> BackgroundCheck:
    """Return the check of the demo. If there is no check, start one."""
    with _lock:
        check: BackgroundCheck | None = current_app.extensions.get("qa_check")
        if check is None:
            check = current_app.extensions["qa_check"] = BackgroundCheck()
            app = current_app._get_current_object()  # type: ignore[attr-defined]
            threading.Thread(target=check.run_check, args=[app], daemon=True).start()
        return check


def delete_finished_check() -> None:
    """Delete the check if it is finished, so that the next request starts a new check."""
    with _lock:
        check: BackgroundCheck | None = current_app.extensions.get("qa_check")
        if check is not None and (check.report or check.error):
            del current_app.extensions["qa_check"]
