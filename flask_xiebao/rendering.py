"""What was rendered for one request, and what caches and browsers have to know of the response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Request, request
from werkzeug.datastructures import HeaderSet, ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_set_header
from werkzeug.wrappers import Response

from .complaints import complain
from .platforms import Platform

_DEVICE = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
_SHARED = ("public", "s-maxage")
# What the endpoints of links answer, errors included, whatever a site makes of its other responses.
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
# They overrule Cache-Control, some of them in CDNs only; so does what ends in "CDN-Cache-Control".
_OVERRULING = ("expires", "surrogate-control", "edge-control", "x-accel-expires")


@dataclass(slots=True)
class Rendering:
    """The state of one request.

    :ivar device: the platform that the request comes from, once markup depends on it.
    :ivar around_token: what stands before and after the token in the URLs of each page.
    """

    device: Platform | None = None
    around_token: dict[str, list[str]] = field(default_factory=dict)
    _private: bool = False
    _by_device: bool = False
    _sent: Response | None = None

    def mark_private(self) -> None:
        """Keep shared caches from storing the response: it holds a link with a member."""
        self._private = True
        if self._sent is not None and "private" not in _cache_control(self._sent):
            complain(
                "A link with a member was rendered into a stream, after the headers were sent: set"
                " Cache-Control: private on the response, or a shared cache may show the link to"
                " others."
            )

    def mark_by_device(self) -> None:
        """Tell caches that the response depends on the device."""
        self._by_device = True
        if self._sent is not None and not {"user-agent", "*"} & _vary(self._sent).as_set():
            complain(
                "An entry was rendered for one kind of device into a stream, after the headers were"
                " sent: set XIEBAO_DEVICE_MARKUP to False, or Vary: User-Agent on the response."
            )

    def finish(self, response: Response) -> None:
        """Write what was marked into the headers of *response*."""
        if self._by_device and "*" not in (varies := _vary(response)):
            varies.update(_DEVICE)
            response.headers["Vary"] = varies.to_header()
        if self._private:
            control = _cache_control(response)
            for directive in [name for name in control if name.lower() in _SHARED]:
                del control[directive]
            control.private = True
            response.headers["Cache-Control"] = control.to_header()
            _let_cache_control_rule(response)
        self._sent = response


def rendering() -> Rendering:
    """Return the state of the current request."""
    # Kept by the request itself: ``g`` may be shared by several requests, the environ by several
    # apps, and a copy of the context in another thread still is about the same response.
    here = request._get_current_object()  # type: ignore[attr-defined]
    state: Rendering | None = getattr(here, "_flask_xiebao", None)
    if state is None:
        state = Rendering(_sent=getattr(here, "_flask_xiebao_sent", None))
        here._flask_xiebao = state
    return state


def finisher(url_prefix: str) -> Callable[[Response], Response]:
    """Return the function that writes the headers of an app's responses.

    It has to see what everything else made of a response, so it runs last.

    :param url_prefix: where the endpoints are.
    """
    below_prefix = f"{url_prefix}/"

    def finish(response: Response) -> Response:
        here = request._get_current_object()  # type: ignore[attr-defined]
        if _is_link(here, below_prefix):
            _seal(response)
        state: Rendering | None = getattr(here, "_flask_xiebao", None)
        if state is None:
            # Most requests render nothing, and get no state. A stream may still: rendering() looks.
            here._flask_xiebao_sent = response
        else:
            state.finish(response)
        return response

    return finish


def _is_link(here: Request, below_prefix: str) -> bool:
    endpoint = here.endpoint
    if endpoint is None:  # such as a method that a link does not have
        return here.path.startswith(below_prefix)
    return endpoint.startswith("xiebao.") and endpoint != "xiebao.static"


def _seal(response: Response) -> None:
    """Keep a link's response out of caches, referrers, search engines and other sites' frames."""
    headers = response.headers
    _let_cache_control_rule(response)
    for name, value in _HEADERS.items():
        headers[name] = value
    if "Location" not in headers:
        headers["X-Content-Type-Options"] = "nosniff"
        policy = headers.get("Content-Security-Policy", "")
        if "frame-ancestors" not in policy.lower():  # a site may let others frame its pages
            ours = "frame-ancestors 'self'"
            headers["Content-Security-Policy"] = f"{policy}; {ours}" if policy else ours


def _let_cache_control_rule(response: Response) -> None:
    names = {name.lower() for name, _ in response.headers}
    for name in names:
        if name in _OVERRULING or name.endswith("cdn-cache-control"):
            del response.headers[name]


def _vary(response: Response) -> HeaderSet:
    return parse_set_header(", ".join(response.headers.getlist("Vary")))


def _cache_control(response: Response) -> ResponseCacheControl:
    lines = response.headers.getlist("Cache-Control")
    return parse_cache_control_header(", ".join(lines), cls=ResponseCacheControl)
