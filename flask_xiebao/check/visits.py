"""Sends requests through the whole app, including its middleware, and keeps the responses."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

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
from werkzeug.test import Client, TestResponse
from werkzeug.urls import iri_to_uri

from ..app.current import get_current_app
from ..app.log import get_function_name, logger
from ..app.mounts import build_candidate_urls_and_mounts, get_site_url
from ..app.rehearsal import REHEARSAL_ENVIRON_KEY, Rehearsal
from ..app.signals import SITE_EXCEPTIONS
from ..app.state import AppState
from .page import Page

T = TypeVar("T")

#: The exceptions to catch when the check runs code of the site, which may even call sys.exit().
UNEXPECTED_EXCEPTIONS = (*SITE_EXCEPTIONS, SystemExit)

#: The headers that a browser sends for a click on a link in a mail, except for the headers that
#: identify the device, such as User-Agent.
NAVIGATION_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
_MAX_BODY_BYTES = 2_000_000

# The rehearsal whose request is being sent, or None. Unlike Flask's request context, it is also
# available in middleware.
_active_rehearsal = contextvars.ContextVar[Rehearsal | None]("active_rehearsal", default=None)


class Visit:
    """A request and its response. The request is sent when the visit is created.

    :param app: The app.
    :param url: The absolute URL of the request.
    :param mount: The path that the server removes; see :class:`.MountedUrl`.
    :param method: The request method. The default, HEAD, finds where a link leads without a click.
    :param headers: The headers of the request.
    :param body: The body of the request.
    :param probe: A function to call in the request, after the site's request hooks have run.
    :param browser: The client whose cookies are sent and updated. By default, there are none.
    :param rehearsal: The rehearsal that the extension finds in the request.

    :ivar url: The URL of the request.
    :ivar mount: The mount of the request.
    :ivar status: The status of the response, or 0 if there was no response.
    :ivar headers: The headers of the response.
    :ivar body: The body of the response.
    :ivar reached_flask: True if the request reached Flask.
    :ivar endpoint: The endpoint that Flask found for the request, or None.
    :ivar error: The exception that prevented a response, that caused a status of 500 or more, or
        that the probe raised.
    :ivar rehearsal: The rehearsal, with what the extension recorded in it.
    :ivar probe_result: The value that the probe returned.
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
        self.body = b""
        self.reached_flask = False
        self.endpoint: str | None = None
        self.error: BaseException | None = None
        self.rehearsal = rehearsal or Rehearsal()
        self.probe_result: Any = None
        self._reported_error: Exception | None = None
        self._probe = probe
        parts = urlsplit(url)
        options: dict[str, Any] = {
            "path": iri_to_uri(parts.path).removeprefix(iri_to_uri(mount)),
            "query_string": parts.query,
            "method": method,
            "data": body,
            "base_url": f"{parts.scheme}://{parts.netloc}{mount}",
            # Send X-Forwarded-Proto as a proxy would, because request hooks that redirect to https
            # read this header.
            "headers": {**(headers or {}), "X-Forwarded-Proto": parts.scheme},
            "environ_base": {"REMOTE_ADDR": "127.0.0.1"},
            "environ_overrides": {REHEARSAL_ENVIRON_KEY: self.rehearsal},
        }
        client = Client(app, use_cookies=False) if browser is None else browser
        # Use a new context. Otherwise, the request would share "g" with the request or app context
        # of the caller, and "g" may contain the caller's logged-in user.
        contextvars.Context().run(self._send_request, app, partial(client.open, **options))

    @property
    def location(self) -> str:
        """The Location header of the response, or ""."""
        return self.headers.get("Location", "")

    @property
    def text(self) -> str:
        """The body of the response as text."""
        return self.body.decode("utf-8", "replace")

    @cached_property
    def page(self) -> Page:
        """The response as a parsed page."""
        return Page(self.url, self.text, self.headers)

    def _send_request(self, app: Flask, send: Callable[[], TestResponse]) -> None:
        _active_rehearsal.set(self.rehearsal)
        with (
            request_started.connected_to(self._record_endpoint, app),
            got_request_exception.connected_to(self._record_exception, app),
            request_finished.connected_to(self._call_probe, app),
            self._capture_log(app.logger, logger),
        ):
            try:
                with closing(send()) as response:
                    self.body = _read_body(response)
            except UNEXPECTED_EXCEPTIONS as error:
                self.error = error
                return
        self.status, self.headers = response.status_code, response.headers
        if self.status >= 500:
            self.error = self.error or self._reported_error

    def _record_endpoint(self, _app: Flask, **_: Any) -> None:
        if self._is_current_request():
            self.reached_flask = True
            self.endpoint = request.endpoint

    def _record_exception(self, _app: Flask, exception: Exception, **_: Any) -> None:
        # A request hook may send the signal got_request_exception and still return a normal
        # response. So the exception counts as an error only if the status is 500 or more.
        if self._is_current_request():
            self._reported_error = exception

    def _call_probe(self, _app: Flask, **_: Any) -> None:
        if self._probe is not None and self.endpoint is not None and self._is_current_request():
            # If the probe raises an exception, the response must not change.
            try:
                self.probe_result = self._probe()
            except Exception as error:
                self.error = error

    def _is_current_request(self) -> bool:
        # A request hook may send another request to the same app.
        return (
            has_request_context() and request.environ.get(REHEARSAL_ENVIRON_KEY) is self.rehearsal
        )

    @contextmanager
    def _capture_log(self, *loggers: logging.Logger) -> Iterator[None]:
        """Keep the request's records out of the log of these loggers, and store them.

        Errors may contain passwords, and a refused test click would look like a visitor's click.
        Records of other loggers are also stored, because they may contain secrets.
        """
        handler = logging.NullHandler()
        handler.handle = self._store_log_record  # type: ignore[method-assign]
        for each in loggers:
            each.addFilter(self._store_log_record)
        logging.root.addHandler(handler)
        try:
            yield
        finally:
            logging.root.removeHandler(handler)
            for each in loggers:
                each.removeFilter(self._store_log_record)

    def _store_log_record(self, record: logging.LogRecord) -> bool:
        """Store a log record of this request.

        Return True for the records of other requests. Other threads may serve visitors at the same
        time.
        """
        # Middleware logs outside of the request context, so the request is not compared.
        is_own_record = _active_rehearsal.get() is self.rehearsal
        if is_own_record:
            self.rehearsal.log_records.append(record)
        return not is_own_record


def find_mount_and_send_request(
    state: AppState, path: str, site_url: str | None = None, **visit_options: Any
) -> Visit:
    """Try the paths at which the app may be mounted, until a request to a path finds an endpoint.

    If Flask finds none, return the first visit that reached Flask, otherwise the first visit.

    :param path: The path of the request, from where the current app is mounted.
    :param site_url: The URL of the site, or None for the one in its settings.
    :param visit_options: The keyword arguments of :class:`Visit`.
    """
    site_url = (site_url or get_site_url(state)).rstrip("/")
    visits = []
    for url, mount in build_candidate_urls_and_mounts(state, f"{site_url}{path}", site_url):
        visits.append(Visit(get_current_app(), url, mount, **visit_options))
        if visits[-1].endpoint is not None:
            return visits[-1]
    return max(visits, key=lambda each: each.reached_flask)


def call_in_request_context(app: Flask, function: Callable[[], T], **context_options: Any) -> T:
    """Call a function in a request context and return its value. No request hooks run before it.

    :param context_options: The keyword arguments of :meth:`~flask.Flask.test_request_context`.
    """
    values = []
    try:
        with app.test_request_context(**context_options):
            values.append(function())
    except Exception:
        # If "function" has already returned a value, the error comes from a teardown function of
        # the site. Ignore this error, because a teardown function may rely on the site's
        # before_request functions, which are not called in this context.
        if not values:
            raise
    return values[0]


def _read_body(response: TestResponse) -> bytes:
    """Return the body of a response. Stop at 2,000,000 bytes, because some responses never end."""
    body = bytearray()
    for chunk in response.iter_encoded():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            break
    return bytes(body)


def find_cause_of_unreached_view(visit: Visit, endpoint: str) -> str:
    """Return the reason why a request did not reach a view, as the last part of its text key.

    :param endpoint: The endpoint of the extension's view.
    """
    if visit.endpoint is None:
        return "address"
    if visit.endpoint != endpoint:
        return "view"
    if visit.location:
        return "redirect"
    return "limiter" if visit.status == 429 else "wall"


def format_request_hook_names(hook_type: str) -> str:
    """Return the names of the site's request hooks that run for the extension's views.

    These are the hooks for all views and the hooks for the extension's blueprint.

    :param hook_type: ``before_request`` or ``after_request``.
    """
    hooks = getattr(get_current_app(), f"{hook_type}_funcs")
    names = [
        get_function_name(hook)
        for blueprint in (None, "xiebao")
        for hook in hooks.get(blueprint, ())
    ]
    # Do not list Flask-Xiebao's own hooks. Do not list Flask-WTF's CSRF hook either, because
    # Flask-Xiebao exempts its views from CSRF protection.
    return ", ".join(name for name in names if not name.startswith(("flask_xiebao.", "flask_wtf.")))
