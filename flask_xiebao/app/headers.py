"""The headers that caches and browsers need, written when a response is sent.

Everything that hooks into Flask's responses is here: the state of a request, the hook that runs
last, and the class of responses that writes the headers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from flask import (
    Flask,
    Request,
    after_this_request,
    current_app,
    got_request_exception,
    has_request_context,
)
from werkzeug.datastructures import Headers, HeaderSet, ResponseCacheControl
from werkzeug.http import parse_dict_header, parse_list_header
from werkzeug.wrappers import Response

from .log import complain, this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

R = TypeVar("R", bound=Response)

_DEVICE = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
_SHARED = ("public", "s-maxage")
#: What the endpoints of links answer, errors too, whatever a site makes of its other responses.
LINK_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "strict-origin"),
    ("X-Robots-Tag", "noindex, nofollow"),
)
_OURS = frozenset(name.lower() for name, _ in LINK_HEADERS)
# They overrule Cache-Control, some of them in CDNs only; so does what ends in "-Cache-Control".
_OVERRULING = frozenset({"expires", "surrogate-control", "edge-control", "x-accel-expires"})


@dataclass(slots=True)
class Rendering:
    """The state of one request, in which several apps may have a part.

    :ivar sent: the response, once the site is done with it.
    :ivar url_parts: the text before and after the token in the URLs of each endpoint, by the
        :func:`id` of the app's state.
    :ivar contexts: what the entries of a page have in common, by the :func:`id` of the object that
        renders them.
    """

    sent: Response | None
    url_parts: dict[int, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    contexts: dict[int, Any] = field(default_factory=dict)
    _private: bool = False
    _by_device: bool = False

    def mark_private(self) -> None:
        """Keep shared caches from storing the response: it holds a link with a member."""
        if self.sent and not self._private and "private" not in _cache_control(self.sent.headers):
            complain(
                "A link with a member was rendered into a stream, after the headers were sent: set"
                " Cache-Control: private on the response, or a shared cache may show the link to"
                " others."
            )
        self._private = True

    def mark_by_device(self) -> None:
        """Tell caches that the response depends on the device."""
        if (
            self.sent
            and not self._by_device
            and not {"user-agent", "*"} & _vary(self.sent.headers).as_set()
        ):
            complain(
                "An entry was rendered for one kind of device into a stream, after the headers were"
                " sent: set XIEBAO_DEVICE_MARKUP to False, or Vary: User-Agent on the response."
            )
        self._by_device = True

    def write(self, headers: Headers) -> None:
        """Write what was marked into the headers of the response."""
        if self._by_device:
            # The usual case, without reading what is there: a twentieth of a page with one entry.
            if "Vary" not in headers:
                headers.add("Vary", ", ".join(_DEVICE))
            elif "*" not in (varies := _vary(headers)):
                varies.update(_DEVICE)
                headers["Vary"] = varies.to_header()
        if self._private:
            control = _cache_control(headers)
            for directive in [name for name in control if name.lower() in _SHARED]:
                del control[directive]
            control.private = True
            headers["Cache-Control"] = control.to_header()
            _remove(headers, _overrules_cache_control)


def watch_responses(app: Flask) -> None:
    """Have the headers of the responses of *app* written."""
    # Flask runs these backwards, the blueprints' before the app's: only the first in the list sees
    # what all the others did, and after_request() would put it behind those that are there now.
    app.after_request_funcs.setdefault(None, []).insert(0, finish)
    got_request_exception.connect(_watch_error, app)


def _watch_error(_app: Flask, **_: Any) -> None:
    """Have the headers of a page about an error written even where a hook of the site fails.

    Flask then skips the later hooks, :func:`finish` among them, and starts over with that page;
    functions that one request asked for run before all hooks.
    """
    if has_request_context():  # tasks of a site may report their errors by this signal, too
        after_this_request(finish)


def rendering() -> Rendering:
    """Return the state of the current request."""
    # An attribute of the request itself: ``g`` may be shared by several requests, the environ by
    # several apps, and a copy of the context in another thread is about the same response.
    here: Any = this_request()
    state: Rendering | None = getattr(here, "_flask_xiebao", None)
    if state is None:
        state = here._flask_xiebao = Rendering(getattr(here, "_flask_xiebao_sent", None))
    return state


@contextmanager
def another_page() -> Iterator[Rendering]:
    """Count what is rendered meanwhile as another page than the one of this request.

    A tool may render something when the response is already on its way.
    """
    here: Any = this_request()
    kept = getattr(here, "_flask_xiebao", None)
    here._flask_xiebao = page = Rendering(None)
    try:
        yield page
    finally:
        here._flask_xiebao = kept


def finish(response: R) -> R:
    """Have a response sent with the headers it needs.

    It runs after the site's own hooks. Sessions and receivers of ``request_finished`` come even
    later, so the headers themselves are written when the response is sent.
    """
    here: Any = this_request()
    state: Rendering | None = getattr(here, "_flask_xiebao", None)
    if state is None:
        # Most requests render nothing, and get no state. A stream may do so later: see rendering().
        here._flask_xiebao_sent = response
    else:
        state.sent = response
    if (
        (state is not None or _is_link(here))
        and isinstance(response, Response)  # Flask complains about a hook that returns nothing
        and not hasattr(response, "_xiebao_writes")
    ):
        response.__class__ = _writing(type(response))  # type: ignore[assignment]
    return response


def _writing(kind: type[Response]) -> type[Response]:
    """Return the class of a response of this kind that writes our headers as it is sent.

    A class, not a new method of the one response, since a site may keep, copy or pickle it. It is
    made once, and kept by the class that it extends: that may belong to one app.
    """
    made: type[Response] | None = vars(kind).get("_xiebao_writing")
    if made is not None:
        return made

    class Writing(kind):  # type: ignore[valid-type, misc]
        _xiebao_writes = True

        def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
            return _write(super().get_wsgi_headers(environ))

        def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
            make, (_, *arguments), *state = super().__reduce_ex__(protocol)
            return make, (kind, *arguments), *state

    Writing.__name__, Writing.__qualname__ = kind.__name__, kind.__qualname__
    kind._xiebao_writing = Writing  # type: ignore[attr-defined]
    return Writing


def _write(headers: Headers) -> Headers:
    """Write what the current request needs into the headers of its response."""
    if has_request_context():
        here: Any = this_request()
        state: Rendering | None = getattr(here, "_flask_xiebao", None)
        if state is not None:
            state.write(headers)
        if _is_link(here):
            _seal(headers)
    return headers


def _is_link(here: Request) -> bool:
    endpoint = here.endpoint
    if endpoint is None:  # such as a method that a link does not have
        blueprint = current_app.blueprints.get("xiebao")  # of another app, where one is kept
        return blueprint is not None and here.path.startswith(f"{blueprint.url_prefix}/")
    return endpoint.startswith("xiebao.") and endpoint != "xiebao.static"


def is_overwritten(name: str) -> bool:
    """Tell whether a header that a site sets is overwritten in a link's response.

    :param name: in lower case.
    """
    return name in _OURS or _overrules_cache_control(name)


def _seal(headers: Headers) -> None:
    """Keep a link's response out of caches, referrers, search engines and other sites' frames."""
    _remove(headers, is_overwritten)
    headers.extend(LINK_HEADERS)
    if "Location" not in headers:
        headers["X-Content-Type-Options"] = "nosniff"
        policies = headers.getlist("Content-Security-Policy")
        if not any("frame-ancestors" in policy.lower() for policy in policies):
            # A site may let others frame its pages; where it says nothing, it alone may.
            *others, last = policies or [""]
            ours = f"{last}; frame-ancestors 'self'".removeprefix("; ")
            headers.setlist("Content-Security-Policy", [*others, ours])


def _remove(headers: Headers, unwanted: Callable[[str], bool]) -> None:
    for name in filter(unwanted, {name.lower() for name, _ in headers}):
        del headers[name]


def _overrules_cache_control(name: str) -> bool:
    return name in _OVERRULING or name.endswith("-cache-control")


def _vary(headers: Headers) -> HeaderSet:
    return HeaderSet(parse_list_header(", ".join(headers.getlist("Vary"))))


def _cache_control(headers: Headers) -> ResponseCacheControl:
    return ResponseCacheControl(parse_dict_header(", ".join(headers.getlist("Cache-Control"))))
