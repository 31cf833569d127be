"""Requests that a tool sends through the whole stack of an app, and what is seen of them."""

from __future__ import annotations

import contextvars
import logging
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import cached_property, partial
from traceback import walk_tb
from typing import Any, TypeVar
from urllib.parse import urlsplit

from blinker import NamedSignal
from flask import (
    Flask,
    got_request_exception,
    has_request_context,
    request,
    request_finished,
    request_started,
)
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.routing import BuildError
from werkzeug.test import Client, TestResponse
from werkzeug.urls import iri_to_uri

from ..app.current import this_app
from ..app.log import logger, place_in_site, place_of
from ..app.mounts import places_of, where_the_site_is
from ..app.rehearsal import ENVIRON_KEY, Rehearsal
from ..app.state import State
from ..errors import XiebaoError
from .html_reader import ReadPage

T = TypeVar("T")

#: What a browser sends, beside what its device is, when somebody taps a link in a mail.
TAP = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
# As what an answer may be packed, and for zlib: whichever of the two it is.
_PACKED, _GZIP_OR_DEFLATE = ("gzip", "x-gzip", "deflate"), 47
# Bytes and seconds of an answer that are read: some never end.
_LONGEST, _LAST = 2_000_000, 5

#: What is rehearsed now: also in what is wrapped around the app, and after the answer.
rehearsed_now = contextvars.ContextVar[Rehearsal | None]("rehearsed_now", default=None)


class Visit:
    """A request, and what came of it.

    :param url: where to, absolute.
    :param mount: as :class:`.Place` has it.
    :param method: HEAD, which asks where a link leads and is no click, unless it says otherwise.
    :param headers: of the request.
    :param body: of the request.
    :param inside: what to find out in the request, when the site's own hooks have seen it.
    :param browser: whose cookies are sent and kept; by default there are none.
    :param rehearsal: what the extension is told of it.

    :ivar url: where it went.
    :ivar mount: as it was given.
    :ivar status: of the answer; 0 where there was none.
    :ivar headers: of the answer.
    :ivar location: where the answer leads.
    :ivar body: of the answer.
    :ivar started: whether the request came as far as Flask.
    :ivar endpoint: whose view Flask found for it.
    :ivar error: why there was no answer, or that of an error.
    :ivar rehearsal: what the extension's own view says.
    :ivar found: what *inside* found out.
    """

    def __init__(
        self,
        app: Flask,
        url: str,
        mount: str = "",
        *,
        method: str = "HEAD",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        inside: Callable[[], object] | None = None,
        browser: FlaskClient | None = None,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        self.url = url
        self.mount = mount
        self.status = 0
        self.headers = Headers()
        self.location = ""
        self.body = b""
        self.started = False
        self.endpoint: str | None = None
        self.error: BaseException | None = None
        self.rehearsal = Rehearsal() if rehearsal is None else rehearsal
        self._reported: Exception | None = None
        self.found: Any = None
        self._inside = inside
        parts = urlsplit(url)
        send: Callable[..., TestResponse] = Client(app, use_cookies=False).open
        if browser is not None:  # and not as a site's own client does, which may do more
            send = partial(FlaskClient.open, browser)
        options = {
            "path": iri_to_uri(parts.path).removeprefix(iri_to_uri(mount)),
            "query_string": parts.query,
            "method": method,
            "data": body,
            "base_url": f"{parts.scheme}://{parts.netloc}{mount}",
            # Proxies say so, and hooks that send everybody to https look at it.
            "headers": {**(headers or {}), "X-Forwarded-Proto": parts.scheme},
            "environ_base": {"REMOTE_ADDR": "127.0.0.1"},
            "environ_overrides": {ENVIRON_KEY: self.rehearsal},
        }
        # In a context of its own: else it would share g, and who is logged in, with this request.
        contextvars.Context().run(self._send, app, send, options)

    @property
    def text(self) -> str:
        """The body of the answer as text."""
        return self.body.decode("utf-8", "replace")

    @cached_property
    def page(self) -> ReadPage:
        """The page that the answer is."""
        return ReadPage(self.text, self.headers)

    def _send(self, app: Flask, send: Callable[..., TestResponse], options: dict[str, Any]) -> None:
        rehearsed_now.set(self.rehearsal)
        watched: dict[NamedSignal, Callable[..., None]] = {
            request_started: self._starts,
            got_request_exception: self._reports,
            request_finished: self._finishes,
        }
        with ExitStack() as stack:
            for signal, receiver in watched.items():
                stack.enter_context(signal.connected_to(receiver, app))
            # What the app logs of an error may hold passwords, and nobody was refused in fact.
            for each in (app.logger, logger):
                each.addFilter(self._goes_to_log)
                stack.callback(each.removeFilter, self._goes_to_log)
            try:
                with closing(send(**options)) as response:
                    self.body = _read(response)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a hook may even exit
                self.error = error
            else:
                self.status = response.status_code
                self.headers = response.headers
                self.location = response.headers.get("Location", "")
                if self.headers.get("Content-Encoding", "").lower() in _PACKED:
                    self.body = unpacked(self.body, _LONGEST)
                if self.status >= 500:
                    self.error = self.error or self._reported

    def _starts(self, _app: Flask, **_: Any) -> None:
        if self._is_this_request():
            self.started = True
            self.endpoint = request.endpoint

    def _reports(self, _app: Flask, exception: Exception, **_: Any) -> None:
        # Hooks may report an error and still answer.
        if self._is_this_request():
            self._reported = exception

    def _finishes(self, _app: Flask, **_: Any) -> None:
        if self._inside is not None and self.endpoint is not None and self._is_this_request():
            try:
                self.found = self._inside()
            except Exception as error:  # which is none of the answer's
                self.error = error

    def _goes_to_log(self, record: logging.LogRecord) -> bool:
        if self._is_this_request():
            self.rehearsal.logged.append(record)
            return False
        return True  # other threads may be at work

    def _is_this_request(self) -> bool:
        # A hook may send requests of its own to the same app.
        return has_request_context() and request.environ.get(ENVIRON_KEY) is self.rehearsal


def first_reached(state: State, path: str, site: str | None = None, **request: Any) -> Visit:
    """Send a request to the first place where Flask finds a view for it, else where it came in.

    :param path: where to, from where the current app is mounted.
    :param site: where the site is; None for where its settings say that it is.
    :param request: as :class:`Visit` takes it.
    """
    site = (site or where_the_site_is(state)).rstrip("/")
    visits = []
    for place in places_of(state, f"{site}{path}", site):
        visits.append(Visit(this_app(), *place, **request))
        if visits[-1].endpoint is not None:
            return visits[-1]
    return max(visits, key=lambda each: each.started)


def in_context(app: Flask, make: Callable[[], T], **request: Any) -> T:
    """Return what is made in the context of a request that none of the site's hooks has seen.

    :param request: as :meth:`~flask.Flask.test_request_context` takes it.
    """
    made = []
    try:
        with app.test_request_context(**request):
            made.append(make())
    except Exception:
        if not made:  # else what the site does at the end misses what it does at the beginning
            raise
    return made[0]


def _read(response: TestResponse) -> bytes:
    """Return the body of an answer, as far as a page needs it."""
    body, until = bytearray(), time.monotonic() + _LAST
    for part in response.iter_encoded():
        body += part
        if len(body) > _LONGEST or time.monotonic() > until:
            break
    return bytes(body[:_LONGEST])


def unpacked(packed: bytes, longest: int) -> bytes:
    """Return what was packed, so many bytes of it; what was not is returned as it is."""
    try:
        return zlib.decompressobj(_GZIP_OR_DEFLATE).decompress(packed, longest)
    except zlib.error:
        return packed


def is_public(error: BaseException) -> bool:
    """Tell whether what an error says is nothing private: the extension says it, or Werkzeug."""
    if isinstance(error, BuildError):  # which endpoint there is not
        return True
    if not isinstance(error, XiebaoError) or not type(error).__module__.startswith("flask_xiebao."):
        return False
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("flask_xiebao.")


def what_raised(error: BaseException) -> str:
    """Return what was raised, and where; what it says may hold passwords, unless it is public."""
    name, place = type(error).__name__, place_in_site(error)
    if is_public(error):
        return f"{name}: {error}{f' See {place}' if place else ''}"
    return f"{name} in {place_of(error)}"
