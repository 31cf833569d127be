"""The response headers for caches and browsers.

A :class:`RequestState` records the headers that a response needs. A receiver of
``request_finished`` writes the headers after all request hooks of the site and of other extensions.
A :class:`UncacheableRedirect` writes its headers when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from wsgiref.types import WSGIEnvironment

from flask import (
    Flask,
    Request,
    after_this_request,
    current_app,
    got_request_exception,
    has_request_context,
    request_finished,
)
from flask import Response as FlaskResponse
from werkzeug.datastructures import Headers, HeaderSet, ResponseCacheControl
from werkzeug.http import parse_dict_header, parse_list_header
from werkzeug.wrappers import Response

from .current import get_current_request
from .log import log_throttled

R = TypeVar("R", bound=Response)

#: The request headers from which the device is detected.
DEVICE_HEADERS = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
_SHARED_CACHE_DIRECTIVES = ("public", "s-maxage")
#: The headers of each response of the extension's endpoints, including errors. Responses with the
#: extension's static files do not have these headers.
PRIVACY_HEADERS = [
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "strict-origin"),
    ("X-Robots-Tag", "noindex, nofollow"),
]
# The names of response headers that caches obey instead of Cache-Control. Caches also obey all
# headers whose names end in "-Cache-Control". Some of these headers are for CDNs only.
_CACHE_CONTROL_OVERRIDES = frozenset(
    {"expires", "surrogate-control", "edge-control", "x-accel-expires"}
)
_PRIVACY_HEADER_NAMES = frozenset(name.lower() for name, _ in PRIVACY_HEADERS)
# The names of the headers that UncacheableRedirect itself writes, and of headers that Werkzeug
# corrects.
_REDIRECT_HEADER_NAMES = _PRIVACY_HEADER_NAMES | {"location", "content-location", "content-length"}


@dataclass(slots=True, eq=False)
class RequestState:
    """The extension's data about one request.

    Several apps may handle the same request. They share this data.

    :ivar response: the response, or None until its headers are written after all request hooks. The
        headers of an error page are also written before the hooks. If the response is streamed,
        entries may still be rendered after that.
    :ivar split_urls: the text before and after the token in the URLs of each endpoint, by the
        :func:`id` of the app's state.
    :ivar page_contexts: the data that all entries on a page share, by the :func:`id` of the object
        that renders them.
    """

    response: Response | None = None
    split_urls: dict[int, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    page_contexts: dict[int, Any] = field(default_factory=dict)
    _is_private: bool = False
    _varies_by_device: bool = False

    def mark_response_private(self) -> None:
        """Prevent shared caches from storing the response, because it contains a member's link."""
        if (
            self.response
            and not self._is_private
            and "private" not in _parse_cache_control(self.response.headers)
        ):
            log_throttled(
                "A member's link was rendered into a streamed response after its headers were sent."
                ' Set "Cache-Control: private" on the response, or a shared cache may show the link'
                " to other people."
            )
        self._is_private = True

    def mark_response_device_dependent(self) -> None:
        """Record that the response depends on the device, so that it gets a ``Vary`` header."""
        if (
            self.response
            and not self._varies_by_device
            and not {"user-agent", "*"} & _parse_vary(self.response.headers).as_set()
        ):
            log_throttled(
                "An entry for one kind of device was rendered into a streamed response after its"
                " headers were sent. Set XIEBAO_DEVICE_MARKUP to False, or set"
                ' "Vary: User-Agent" on the response.'
            )
        self._varies_by_device = True

    def write_cache_headers(self, headers: Headers) -> None:
        """Write ``Vary`` if the device matters and ``Cache-Control`` if the response is private."""
        if self._varies_by_device and "*" not in (vary := _parse_vary(headers)):
            vary.update(DEVICE_HEADERS)
            headers["Vary"] = vary.to_header()
        if self._is_private:
            control = _parse_cache_control(headers)
            for directive in [name for name in control if name.lower() in _SHARED_CACHE_DIRECTIVES]:
                del control[directive]
            control.private = True
            headers["Cache-Control"] = control.to_header()
            _remove_headers(headers, is_cache_control_override)


# The state of a request is an attribute of the request. Flask's "g" is not used, because several
# requests share it if an app context is already pushed, as in many tests. A WeakKeyDictionary is
# not used, because a streamed response in a state may refer to its request and keep it alive.
_STATE_ATTRIBUTE = "_flask_xiebao_state"


def get_request_state() -> RequestState:
    """Return the state of the current request. Create the state if there is none yet."""
    state = _find_request_state(get_current_request())
    if state is None:
        state = RequestState()
        setattr(get_current_request(), _STATE_ATTRIBUTE, state)
    return state


def _find_request_state(request: Request) -> RequestState | None:
    return getattr(request, _STATE_ATTRIBUTE, None)


@contextmanager
def preserve_response_headers() -> Iterator[RequestState]:
    """Prevent entries in a ``with`` block from changing the headers of the current response.

    Within the block, the request has a separate :class:`RequestState`, as if the entries were part
    of a separate page. A tool may build links in a request after the headers of its response have
    been written.
    """
    request = get_current_request()
    previous = _find_request_state(request)
    setattr(request, _STATE_ATTRIBUTE, None)
    try:
        yield get_request_state()
    finally:
        setattr(request, _STATE_ATTRIBUTE, previous)


class UncacheableRedirect(FlaskResponse):
    """A redirect with an empty body. Request hooks cannot overwrite its ``Cache-Control`` header.

    The redirect restores this and its other privacy headers when it is sent, after all request
    hooks. The ``sign`` must appear only in the ``Location`` header. The body of
    :func:`flask.redirect` would contain the URL and therefore the ``sign``.

    :param url: the percent-encoded URL to redirect to.
    """

    def __init__(self, url: str) -> None:
        self._expected_headers = [("Location", url), ("Content-Length", "0"), *PRIVACY_HEADERS]
        headers = Headers()
        headers.extend([*self._expected_headers, ("Content-Type", "text/html; charset=utf-8")])
        super().__init__((), 302, headers)

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the redirect's headers. Correct them if a request hook has changed the redirect.

        Usually no hook changes the redirect. Then Werkzeug does not copy and correct the headers.
        This saves 20 % of the time of a request for a link.
        """
        actual = [header for header in self.headers if _must_be_unchanged(header[0].lower())]
        if actual == self._expected_headers and self.status_code == 302 and not self.response:
            return self.headers
        self.headers.pop("Content-Length", None)  # A hook may have set a wrong Content-Length.
        headers = super().get_wsgi_headers(environ)
        _write_privacy_headers(headers)
        return headers


def connect_receivers_that_set_headers(app: Flask) -> None:
    """Connect signal receivers that set response headers after all request hooks have run."""
    request_finished.connect(_write_cache_and_privacy_headers, app, weak=False)
    got_request_exception.connect(_register_error_page_header_writer, app, weak=False)


def _write_cache_and_privacy_headers(_app: Flask, response: Response, **_: object) -> None:
    """Write the cache and privacy headers that the response to the current request needs.

    Flask advises receivers not to change the response. This receiver does, because
    ``request_finished`` is the only public place after the session and after all ``after_request``
    functions, in whatever order extensions were created. If a hook could overwrite these headers, a
    shared cache could send one member's link to another.
    """
    # A redirect to the gateway corrects its own headers when it is sent.
    if isinstance(response, UncacheableRedirect) and response.status_code == 302:
        return
    # A faulty request hook may have returned None. Flask itself raises an error for None.
    if not isinstance(response, Response):
        return
    request = get_current_request()
    state = _find_request_state(request)
    if state is None and response.is_streamed:
        # Create the state of the request now, because entries in a streamed body may be rendered
        # later and need the state then.
        state = get_request_state()
    if state is not None:
        state.response = response
        state.write_cache_headers(response.headers)
    if _is_extension_request(request):
        _write_privacy_headers(response.headers)
        if request.method == "POST" and request.endpoint == "xiebao.paid":
            # Browsers leave out SameSite=Lax cookies in a POST from another site, so a request hook
            # may start a new session. The cookie of that session would replace the login.
            del response.headers["Set-Cookie"]


def _register_error_page_header_writer(app: Flask, **_: object) -> None:
    """Register a function that sets an error page's headers before ``after_request`` hooks run.

    The receiver of ``request_finished`` writes the headers again, after the hooks. If a hook raises
    an exception for the error page again, however, Flask skips the later hooks and
    ``request_finished``. Functions that are registered for a single request run before all hooks.
    """

    def write_headers_before_hooks(response: R) -> R:
        _write_cache_and_privacy_headers(app, response)
        return response

    # Background tasks may send got_request_exception, too, so there may be no current request.
    if has_request_context():
        after_this_request(write_headers_before_hooks)


def _is_extension_request(request: Request) -> bool:
    if request.url_rule is None:  # No route matched, for example because of the request method.
        blueprint = current_app.blueprints.get("xiebao")
        return blueprint is not None and request.path.startswith(f"{blueprint.url_prefix}/")
    endpoint: str = request.url_rule.endpoint
    return endpoint.startswith("xiebao.") and endpoint != "xiebao.static"


def _write_privacy_headers(headers: Headers) -> None:
    """Write the headers that keep a response of the extension's endpoints private.

    They keep the response out of caches, search engines and other sites' frames, and the link out
    of referrers.
    """
    actual = [header for header in headers if _is_replaced_by_privacy_headers(header[0].lower())]
    if actual != PRIVACY_HEADERS:
        _remove_headers(headers, _is_replaced_by_privacy_headers)
        headers.extend(PRIVACY_HEADERS)
    if "Location" not in headers:
        headers["X-Content-Type-Options"] = "nosniff"
        policies = headers.getlist("Content-Security-Policy")
        if not any("frame-ancestors" in policy.lower() for policy in policies):
            # The site's Content-Security-Policy specifies which sites may show the page in a frame.
            # By default, only the site itself may.
            *others, last = policies or [""]
            extended = f"{last}; frame-ancestors 'self'".removeprefix("; ")
            headers.setlist("Content-Security-Policy", [*others, extended])


def _remove_headers(headers: Headers, is_unwanted: Callable[[str], bool]) -> None:
    for name in {name.lower() for name, _ in headers}:
        if is_unwanted(name):
            del headers[name]


def _must_be_unchanged(header_name: str) -> bool:
    return header_name in _REDIRECT_HEADER_NAMES or is_cache_control_override(header_name)


def _is_replaced_by_privacy_headers(header_name: str) -> bool:
    return header_name in _PRIVACY_HEADER_NAMES or is_cache_control_override(header_name)


def is_cache_control_override(header_name: str) -> bool:
    """Return True if caches obey a response header instead of ``Cache-Control``.

    :param header_name: the name of the header in lower case.
    """
    return header_name in _CACHE_CONTROL_OVERRIDES or header_name.endswith("-cache-control")


def _parse_vary(headers: Headers) -> HeaderSet:
    return HeaderSet(parse_list_header(", ".join(headers.getlist("Vary"))))


def _parse_cache_control(headers: Headers) -> ResponseCacheControl:
    return ResponseCacheControl(parse_dict_header(", ".join(headers.getlist("Cache-Control"))))
