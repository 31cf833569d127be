"""Requests that a tool sends through the whole stack of an app, and what is seen of them."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from blinker import NamedSignal
from flask import (
    Flask,
    current_app,
    got_request_exception,
    has_request_context,
    request,
    request_finished,
    request_started,
)
from werkzeug.datastructures import Headers
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BuildError
from werkzeug.test import Client
from werkzeug.urls import iri_to_uri

from ..app.endpoints import a_host_of_this_site
from ..app.log import place_in_site, place_of, this_app
from ..app.rehearsal import ENVIRON_KEY, Rehearsal
from ..app.state import State
from ..errors import XiebaoError

M = TypeVar("M")

#: What a browser sends, beside what its device is, when somebody taps a link in a mail.
TAP = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "zh-CN,zh-Hans;q=0.9",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Place(NamedTuple):
    """Where a URL of a site is found.

    :param url: the URL, with the path below which the app is mounted.
    :param mount: that path as far as the server takes it off, as its ``SCRIPT_NAME``; else it is
        taken off by what is wrapped around the app.
    """

    url: str
    mount: str = ""


class Visit:
    """A request, and what came of it.

    :param url: where to, absolute.
    :param mount: as :class:`Place` has it.
    :param method: HEAD, which asks where a link leads and is no click, unless it says otherwise.
    :param headers: of the request.
    :param body: of the request.
    :param inside: what to find out in the request, when the site's own hooks have seen it.
    :param browser: whose cookies are sent and kept; by default there are none.
    :param rehearsal: what the extension is told of it.

    :ivar url: where it went.
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
        browser: Client | None = None,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        self.url = url
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
        client = Client(app, use_cookies=False) if browser is None else browser
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
            "buffered": True,  # and so closed, as servers do
        }
        # In a context of its own: else it would share g, and who is logged in, with this request.
        contextvars.Context().run(self._send, app, client, options)

    def _send(self, app: Flask, client: Client, options: dict[str, Any]) -> None:
        watched: dict[NamedSignal, Callable[..., None]] = {
            request_started: self._starts,
            got_request_exception: self._reports,
            request_finished: self._finishes,
        }
        with ExitStack() as stack:
            for signal, receiver in watched.items():
                stack.enter_context(signal.connected_to(receiver, app))
            # What the app logs of an error may hold passwords.
            stack.enter_context(left_out_of(app.logger, self._is_this_request))
            try:
                response = client.open(**options)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a hook may even exit
                self.error = error
            else:
                self.status = response.status_code
                self.headers = response.headers
                self.location = response.headers.get("Location", "")
                self.body = response.get_data()
                if self.status >= 500:
                    self.error = self._reported

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
            self.found = self._inside()

    def _is_this_request(self) -> bool:
        # A hook may send requests of its own to the same app.
        return has_request_context() and request.environ.get(ENVIRON_KEY) is self.rehearsal


@contextmanager
def left_out_of(logger: logging.Logger, is_left_out: Callable[[], bool]) -> Iterator[None]:
    """Keep out of a log what is logged while that holds; other threads may be at work."""

    def passes(_record: logging.LogRecord) -> bool:
        return not is_left_out()

    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


def is_ours(error: BaseException) -> bool:
    """Tell whether what an error says is the extension's own, and so nothing private."""
    return isinstance(error, XiebaoError) and type(error).__module__.startswith("flask_xiebao.")


def explain(error: BaseException) -> str:
    """Say what failed and where; not what it says itself, which may hold passwords."""
    if isinstance(error, BuildError):  # it says which endpoint there is not
        return str(error)
    if is_ours(error):
        place = place_in_site(error)
        return f"{error} See {place}." if place else str(error)
    name = type(error).__name__
    return f"{name} in {place_of(error)}: fix it. The running site logs the rest."


def where_the_site_is(state: State) -> str:
    """Return the URL at which the site is, as far as it says so."""
    if state.settings.public_url:
        return state.settings.public_url
    config = current_app.config
    if config["SERVER_NAME"]:
        return f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_NAME']}{config['APPLICATION_ROOT']}"
    return f"https://{a_host_of_this_site()}"


def places_of(state: State, url: str, site: str) -> list[Place]:
    """Return where a URL of the site may be found, the likeliest first.

    A path below which the site is mounted is known to the server, or else to what is wrapped around
    the app.

    :param site: where the site is.
    """
    places = [Place(url, urlsplit(site).path.rstrip("/")), Place(url)]
    if not state.settings.public_url:
        places += [Place(below) for below in below_mounts(url).values()]
    return list(dict.fromkeys(places))


def below_mounts(url: str) -> dict[str, str]:
    """Return a URL of the site as it is below each path at which something mounts an app."""
    dispatcher = around(DispatcherMiddleware)
    if dispatcher is None:
        return {}
    parts = urlsplit(url)
    return {mount: parts._replace(path=mount + parts.path).geturl() for mount in dispatcher.mounts}


def around(kind: type[M]) -> M | None:
    """Return the middleware of this kind that is wrapped around the current app, if one is."""
    wrapped: Any = this_app().wsgi_app
    while wrapped is not None and not isinstance(wrapped, kind):
        wrapped = getattr(wrapped, "app", None)
    return wrapped


def is_this_machine(url: str) -> bool:
    """Tell whether a URL is one that nobody else can reach."""
    try:
        return urlsplit(url).hostname in _THIS_MACHINE
    except ValueError:
        return False
