"""A request that ``doctor`` sends through the whole stack of an app, and what is seen of it."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from blinker import NamedSignal
from flask import Flask, got_request_exception, request, request_finished, request_started
from werkzeug.routing import BuildError
from werkzeug.test import Client

from ..errors import XiebaoError
from ..places import place_in_site, place_of
from ..rehearsal import ENVIRON_KEY, Rehearsal
from ..testing import wire
from ..testing.devices import DEVICES

# What a phone's browser sends when somebody taps a link in a mail.
_HEADERS = {
    "User-Agent": DEVICES["iphone"],
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
# What the platform's Java sends.
_POST_HEADERS = {
    "User-Agent": "Java/1.8.0_202",
    "Accept": "*/*",
    "Content-Type": wire.CONTENT_TYPE,
}


class Visit:
    """What came of a HEAD, which asks where a link leads and is no click; or of a notification.

    :param url: where to, absolute.
    :param mount: the path below which the server has the app, as its ``SCRIPT_NAME``.
    :param inside: what to try in the request, when the site's own hooks have seen it.
    :param body: send this by POST, as the platform sends a notification.

    :ivar url: where it went.
    :ivar status: of the answer; 0 where there was none.
    :ivar location: where the answer leads.
    :ivar body: of the answer.
    :ivar started: whether the request came as far as Flask.
    :ivar endpoint: whose view Flask found for it.
    :ivar error: why there was no answer, or that of an error.
    :ivar rehearsal: what the extension's own view says.
    """

    def __init__(
        self,
        app: Flask,
        url: str,
        mount: str = "",
        inside: Callable[[], object] | None = None,
        body: bytes | None = None,
    ) -> None:
        self.url = url
        self.status = 0
        self.location = ""
        self.started = False
        self.endpoint: str | None = None
        self.error: BaseException | None = None
        self.rehearsal = Rehearsal()
        self.body = b""
        self._inside = inside
        self._sent = body
        self._reported: Exception | None = None
        # In a context of its own, or it would have the g of this one, and who is logged in there.
        contextvars.Context().run(self._send, app, url, mount)

    def _send(self, app: Flask, url: str, mount: str) -> None:
        parts = urlsplit(url)
        watched: dict[NamedSignal, Callable[..., None]] = {
            request_started: self._starts,
            got_request_exception: self._reports,
            request_finished: self._finishes,
        }
        with ExitStack() as stack:
            for signal, receiver in watched.items():
                stack.enter_context(signal.connected_to(receiver, app))
            # What the app logs of an error may hold passwords.
            stack.callback(setattr, app.logger, "disabled", app.logger.disabled)
            app.logger.disabled = True
            try:
                headers = _HEADERS if self._sent is None else _POST_HEADERS
                response = Client(app, use_cookies=False).open(
                    parts.path.removeprefix(mount),
                    method="HEAD" if self._sent is None else "POST",
                    data=self._sent,
                    base_url=f"{parts.scheme}://{parts.netloc}{mount}",
                    # Proxies say so, and hooks that send everybody to https look at it.
                    headers={**headers, "X-Forwarded-Proto": parts.scheme},
                    environ_base={"REMOTE_ADDR": "127.0.0.1"},
                    environ_overrides={ENVIRON_KEY: self.rehearsal},
                    buffered=True,  # and so closed, as servers do
                )
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a hook may even exit
                self.error = error
            else:
                self.status = response.status_code
                self.location = response.headers.get("Location", "")
                self.body = response.get_data()
                if self.status >= 500:
                    self.error = self._reported

    def _starts(self, _app: Flask, **_: Any) -> None:
        if self._is_this_request():
            self.started = True
            self.endpoint = request.endpoint

    def _reports(self, _app: Flask, exception: Exception, **_: Any) -> None:
        # Hooks may report errors that they get over.
        if self._is_this_request():
            self._reported = exception

    def _finishes(self, _app: Flask, **_: Any) -> None:
        if self._inside is not None and self.endpoint is not None and self._is_this_request():
            self._inside()

    def _is_this_request(self) -> bool:
        # A hook may send others to the same app.
        return request.environ.get(ENVIRON_KEY) is self.rehearsal


def explain(error: BaseException) -> str:
    """Say what failed and where; not what it says itself, which may hold passwords."""
    if isinstance(error, BuildError):  # it says which endpoint there is not
        return str(error)
    if isinstance(error, XiebaoError) and type(error).__module__.startswith("flask_xiebao."):
        place = place_in_site(error)
        return f"{error} See {place}." if place else str(error)
    name = type(error).__name__
    return f"{name} in {place_of(error)}: fix it. A click on the running site logs the rest."
