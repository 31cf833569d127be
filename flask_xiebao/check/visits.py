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

from ..app.current import get_current_app
from ..app.log import find_error_location_in_site, get_error_location, logger
from ..app.mounts import build_candidate_urls_and_mounts, get_site_url
from ..app.rehearsal import REHEARSAL_ENVIRON_KEY, Rehearsal
from ..app.state import AppState
from ..errors import XiebaoError
from .html_parser import ParsedPage

T = TypeVar("T")

#: What a browser sends, beside what its device is, when somebody taps a link in a mail.
NAVIGATION_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
# As what an answer may be packed, and for zlib: whichever of the two it is.
_COMPRESSED_ENCODINGS, _GZIP_OR_DEFLATE_WBITS = ("gzip", "x-gzip", "deflate"), 47
# Bytes and seconds of an answer that are read: some never end.
_MAX_BODY_BYTES, _MAX_BODY_SECONDS = 2_000_000, 5

#: What is rehearsed now: also in what is wrapped around the app, and after the answer.
active_rehearsal = contextvars.ContextVar[Rehearsal | None]("rehearsed_now", default=None)


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
        probe: Callable[[], object] | None = None,
        browser: FlaskClient | None = None,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        self.url = url
        self.mount = mount
        self.status = 0
        self.headers = Headers()
        self.location = ""
        self.body = b""
        self.reached_flask = False
        self.endpoint: str | None = None
        self.error: BaseException | None = None
        self.rehearsal = Rehearsal() if rehearsal is None else rehearsal
        self._reported_error: Exception | None = None
        self.probe_result: Any = None
        self._probe = probe
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
            "environ_overrides": {REHEARSAL_ENVIRON_KEY: self.rehearsal},
        }
        # In a context of its own: else it would share g, and who is logged in, with this request.
        contextvars.Context().run(self._send_request, app, send, options)

    @property
    def text(self) -> str:
        """The body of the answer as text."""
        return self.body.decode("utf-8", "replace")

    @cached_property
    def page(self) -> ParsedPage:
        """The page that the answer is."""
        return ParsedPage(self.text, self.headers)

    def _send_request(
        self, app: Flask, open_client: Callable[..., TestResponse], options: dict[str, Any]
    ) -> None:
        active_rehearsal.set(self.rehearsal)
        watched: dict[NamedSignal, Callable[..., None]] = {
            request_started: self._on_request_started,
            got_request_exception: self._on_request_exception,
            request_finished: self._call_probe_on_request_finished,
        }
        with ExitStack() as stack:
            for signal, receiver in watched.items():
                stack.enter_context(signal.connected_to(receiver, app))
            # What the app logs of an error may hold passwords, and nobody was refused in fact.
            for each in (app.logger, logger):
                each.addFilter(self._capture_log_record)
                stack.callback(each.removeFilter, self._capture_log_record)
            try:
                with closing(open_client(**options)) as response:
                    self.body = _read_body(response)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a hook may even exit
                self.error = error
            else:
                self.status = response.status_code
                self.headers = response.headers
                self.location = response.headers.get("Location", "")
                if self.headers.get("Content-Encoding", "").lower() in _COMPRESSED_ENCODINGS:
                    self.body = decompress(self.body, _MAX_BODY_BYTES)
                if self.status >= 500:
                    self.error = self.error or self._reported_error

    def _on_request_started(self, _app: Flask, **_: Any) -> None:
        if self._is_request_from_this_visit():
            self.reached_flask = True
            self.endpoint = request.endpoint

    def _on_request_exception(self, _app: Flask, exception: Exception, **_: Any) -> None:
        # Hooks may report an error and still answer.
        if self._is_request_from_this_visit():
            self._reported_error = exception

    def _call_probe_on_request_finished(self, _app: Flask, **_: Any) -> None:
        if (
            self._probe is not None
            and self.endpoint is not None
            and self._is_request_from_this_visit()
        ):
            try:
                self.probe_result = self._probe()
            except Exception as error:  # which is none of the answer's
                self.error = error

    def _capture_log_record(self, record: logging.LogRecord) -> bool:
        if self._is_request_from_this_visit():
            self.rehearsal.log_records.append(record)
            return False
        return True  # other threads may be at work

    def _is_request_from_this_visit(self) -> bool:
        # A hook may send requests of its own to the same app.
        return (
            has_request_context() and request.environ.get(REHEARSAL_ENVIRON_KEY) is self.rehearsal
        )


def visit_at_any_mount(
    state: AppState, path: str, site_url: str | None = None, **visit_options: Any
) -> Visit:
    """Send a request to the first place where Flask finds a view for it, else where it came in.

    :param path: where to, from where the current app is mounted.
    :param site: where the site is; None for where its settings say that it is.
    :param request: as :class:`Visit` takes it.
    """
    site_url = (site_url or get_site_url(state)).rstrip("/")
    visits = []
    for place in build_candidate_urls_and_mounts(state, f"{site_url}{path}", site_url):
        visits.append(Visit(get_current_app(), *place, **visit_options))
        if visits[-1].endpoint is not None:
            return visits[-1]
    return max(visits, key=lambda each: each.reached_flask)


def call_in_request_context(app: Flask, function: Callable[[], T], **context_options: Any) -> T:
    """Return what is made in the context of a request that none of the site's hooks has seen.

    :param request: as :meth:`~flask.Flask.test_request_context` takes it.
    """
    made = []
    try:
        with app.test_request_context(**context_options):
            made.append(function())
    except Exception:
        if not made:  # else what the site does at the end misses what it does at the beginning
            raise
    return made[0]


def _read_body(response: TestResponse) -> bytes:
    """Return the body of an answer, as far as a page needs it."""
    body, until = bytearray(), time.monotonic() + _MAX_BODY_SECONDS
    for part in response.iter_encoded():
        body += part
        if len(body) > _MAX_BODY_BYTES or time.monotonic() > until:
            break
    return bytes(body[:_MAX_BODY_BYTES])


def decompress(data: bytes, max_bytes: int) -> bytes:
    """Return what was packed, so many bytes of it; what was not is returned as it is."""
    try:
        return zlib.decompressobj(_GZIP_OR_DEFLATE_WBITS).decompress(data, max_bytes)
    except zlib.error:
        return data


def is_message_public(error: BaseException) -> bool:
    """Tell whether what an error says is nothing private: the extension says it, or Werkzeug."""
    if isinstance(error, BuildError):  # which endpoint there is not
        return True
    if not isinstance(error, XiebaoError) or not type(error).__module__.startswith("flask_xiebao."):
        return False
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("flask_xiebao.")


def describe_exception(error: BaseException) -> str:
    """Return what was raised, and where; what it says may hold passwords, unless it is public."""
    name, place = type(error).__name__, find_error_location_in_site(error)
    if is_message_public(error):
        return f"{name}: {error}{f' See {place}' if place else ''}"
    return f"{name} in {get_error_location(error)}"
