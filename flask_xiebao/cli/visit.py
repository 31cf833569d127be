"""A request that ``doctor`` sends through the whole stack of an app, and what is seen of it."""

from __future__ import annotations

import contextvars
import io
import os
import sysconfig
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from blinker import NamedSignal
from flask import Flask, got_request_exception, request, request_finished, request_started
from werkzeug.test import Client

from ..errors import XiebaoError
from ..rehearsal import ENVIRON_KEY, Rehearsal
from ..testing.devices import DEVICES
from ..urls import login_url

# What a phone's browser sends when somebody taps a link in a mail.
_HEADERS = {
    "User-Agent": DEVICES["iphone"],
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
_NOT_THE_SITES = tuple(
    f"{folder}{os.sep}"
    for folder in (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        Path(__file__).parent.parent,
    )
)


class Visit:
    """What came of a HEAD, which asks where a link leads and is no click.

    :param url: where to, absolute.
    :param mount: the path below which the server has the app, as its ``SCRIPT_NAME``.
    :param login_view: the login that would be sent to from there, to see whether there is one.

    :ivar url: where it went.
    :ivar status: of the answer; 0 where there was none.
    :ivar location: where the answer leads.
    :ivar started: whether the request came as far as Flask.
    :ivar endpoint: whose view Flask found for it.
    :ivar error: what failed.
    :ivar login_error: why there is no login to send to.
    :ivar rehearsal: what the extension's own view says.
    """

    def __init__(
        self, app: Flask, url: str, mount: str = "", login_view: str | None = None
    ) -> None:
        self.url = url
        self.status = 0
        self.location = ""
        self.started = False
        self.endpoint: str | None = None
        self.error: Exception | None = None
        self.login_error: Exception | None = None
        self.rehearsal = Rehearsal()
        self._login_view = login_view
        # In a context of its own, or it would have the g of this one, and who is logged in there.
        contextvars.Context().run(self._send, app, url, mount)

    def _send(self, app: Flask, url: str, mount: str) -> None:
        parts = urlsplit(url)
        watched: dict[NamedSignal, Callable[..., None]] = {
            request_started: self._starts,
            got_request_exception: self._fails,
            request_finished: self._finishes,
        }
        with ExitStack() as stack:
            for signal, receiver in watched.items():
                stack.enter_context(signal.connected_to(receiver, app))
            try:
                response = Client(app, use_cookies=False).head(
                    parts.path.removeprefix(mount),
                    base_url=f"{parts.scheme}://{parts.netloc}{mount}",
                    headers=_HEADERS,
                    environ_overrides={ENVIRON_KEY: self.rehearsal},
                    # What the app logs of an error may hold passwords.
                    errors_stream=io.StringIO(),
                )
            except Exception as error:
                self.error = error
            else:
                self.status = response.status_code
                self.location = response.headers.get("Location", "")

    def _starts(self, _app: Flask, **_: Any) -> None:
        self.started = True
        self.endpoint = request.endpoint

    def _fails(self, _app: Flask, exception: Exception, **_: Any) -> None:
        self.error = exception

    def _finishes(self, _app: Flask, **_: Any) -> None:
        if self._login_view is None or self.endpoint is None:
            return
        try:
            login_url(self._login_view)
        except Exception as error:
            self.login_error = error


def explain(error: Exception) -> str:
    """Say what failed and where; not what it says itself, which may hold passwords."""
    if isinstance(error, XiebaoError):
        return str(error)
    return f"{type(error).__name__} in {_place(error)}: fix it."


def _place(error: Exception) -> str:
    """Return the innermost place of an error that is in the site's own files, if any is."""
    frames = [
        (frame, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not _file(frame).startswith(_NOT_THE_SITES)
    ] or list(traceback.walk_tb(error.__traceback__))
    frame, line = frames[-1]
    file = _file(frame).removeprefix(f"{os.getcwd()}{os.sep}")
    return f"{frame.f_code.co_name} ({file}:{line})"


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename
