"""The check of the whole demo, as ``flask xiebao check`` does it, kept until it is done again."""

from __future__ import annotations

import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from flask.testing import FlaskClient
from flask_babel import lazy_gettext

from flask_xiebao.testing import Device, Report, Result, check_entries

from .shop import MEMBERS

#: On which devices; None for every one that there is.
ON: list[str] | None = None
#: The gateway's pages, as the console calls them.
PAGES = {
    "product": lazy_gettext("Product page"),
    "home": lazy_gettext("Xiebao home page"),
    "policy": lazy_gettext("Policy page"),
}

#: Those of the demo that have entries.
PAGES_WITH_ENTRIES = ("/", "/policies")
# Whose clicks they are.
_MEMBER = next(iter(MEMBERS))

# How many of the addresses at which people look at the demo have a check that is kept.
_MOST = 4
_lock = threading.Lock()


def log_in(browser: FlaskClient, member: str | None) -> None:
    """Sign in as everybody does."""
    browser.post("/sign-in", data={"member": member})


class Check:
    """A check, in a thread of its own.

    :ivar url: the address at which the demo is asked.
    :ivar done: how many things are done,
    :ivar of: of how many.
    :ivar report: what was found; None while it is not over.
    :ivar failure: why it could not be done.
    """

    def __init__(self, app: Flask, url: str) -> None:
        self.url = url
        self.done = self.of = 0
        self.report: Report | None = None
        self.failure: Exception | None = None
        self._options: dict[str, Any] = {
            "member": _MEMBER,
            "login": log_in,
            "url": url,
            "devices": ON,
            "pages": PAGES_WITH_ENTRIES,
            "progress": self._count,
        }
        threading.Thread(target=self._run, args=[app], daemon=True).start()

    def _run(self, app: Flask) -> None:
        try:
            report = check_entries(app, **self._options)
            report.command = "flask --app demo_app xiebao check"
            report.options = f"--member {_MEMBER} --login demo_app.check:log_in"
            self.report = report
        except Exception as error:  # is shown
            self.failure = error

    @property
    def is_over(self) -> bool:
        """Whether it is done, or could not be."""
        return self.report is not None or self.failure is not None

    def _count(self, done: int, of: int) -> None:
        self.done, self.of = done, of


def current() -> Check:
    """Return the check of the demo at the address that is asked; the first time, begin it.

    While one of another address is running, it is that one: there is one at a time, since whoever
    asks can make addresses up.
    """
    kept: dict[str, Check] = current_app.extensions.setdefault("qa_checks", {})
    with _lock:
        if request.url_root not in kept:
            running = next((each for each in kept.values() if not each.is_over), None)
            if running is not None:
                return running
            for oldest in list(kept)[: max(0, len(kept) + 1 - _MOST)]:
                del kept[oldest]
            kept[request.url_root] = Check(_app(), request.url_root)
        return kept[request.url_root]


def report() -> Report | None:
    """Return what the check found at the address that is asked; None while there is nothing."""
    checking = current()
    return checking.report if checking.url == request.url_root else None


def forget() -> None:
    """Have the next who asks check anew, unless a check is running."""
    kept: dict[str, Check] = current_app.extensions.get("qa_checks", {})
    with _lock:
        for url in [url for url, each in kept.items() if each.is_over]:
            del kept[url]


def one(case: str, device: str) -> Result:
    """Do one thing on one device now.

    :raises CheckError: there is no such thing, or no such device.
    """
    return check_entries(_app(), url=request.url_root, only=[case], devices=[device]).results[0]


def follow(link: str, device: Device, member: str) -> Result:
    """Follow a link of the demo on a device, as a member or, if it vouches for one, as nobody."""
    report = check_entries(
        _app(), url=request.url_root, only=(), links=[link], devices=[device], member=member
    )
    return report.results[0]


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


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
