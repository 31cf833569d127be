"""What a site's own hooks make of its responses does not undo what links and their pages need.

A new way in which a site changes its responses is a row of ``HOOKS``, what it does to a redirect a
row of ``CHANGES``, and a new kind of answer one of ``ways`` in ``forged.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import (
    Flask,
    Response,
    after_this_request,
    got_request_exception,
    request,
)
from flask.ctx import AppContext
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import TestResponse

from tests.click.forged import FOR_CACHES_ONLY, Way, assert_sealed, ways
from tests.page.support import POLICY_ENTRY, PRODUCT_ENTRY
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PHONE,
    Site,
    failing_function,
    get_return_link,
    make_site,
)

EVERYTHING_IS_PUBLIC = {
    "Cache-Control": "public, max-age=3600, s-maxage=3600",
    "Expires": "Thu, 31 Dec 2037 23:55:55 GMT",
    "Surrogate-Control": "max-age=3600",
    "Edge-Control": "max-age=3600",
    "X-Accel-Expires": "3600",
    "CDN-Cache-Control": "max-age=3600",
    "Cloudflare-CDN-Cache-Control": "max-age=3600",
    "X-LiteSpeed-Cache-Control": "public, max-age=3600",
    "Referrer-Policy": "unsafe-url",
    "X-Robots-Tag": "all",
    "X-Content-Type-Options": "",
    "Vary": "Accept-Encoding",
    "Content-Security-Policy": "default-src 'self'",
}
Hook = Callable[[Response], Response]


def publish(response: Response) -> Response:
    response.headers.update(EVERYTHING_IS_PUBLIC)
    return response


def replace(response: Response) -> Response:
    """Answer with another response, as some extensions do that rewrite pages."""
    if response.is_streamed:
        return publish(response)
    return publish(Response(response.get_data(), response.status, response.headers))


# Where a site has its hook


def by_the_app(app: Flask, hook: Hook) -> None:
    app.after_request(hook)


def by_the_blueprint(app: Flask, hook: Hook) -> None:
    app.after_request_funcs.setdefault("xiebao", []).append(hook)


def by_the_request(app: Flask, hook: Hook) -> None:
    @app.before_request
    def ask() -> None:
        after_this_request(hook)


def by_whoever_comes_last(app: Flask, hook: Hook) -> None:
    app.after_request_funcs.setdefault(None, []).insert(0, hook)


def by_its_sessions(app: Flask, hook: Hook) -> None:
    class Sessions(SecureCookieSessionInterface):
        def save_session(self, app: Flask, session: Any, response: Response) -> None:
            hook(response)

    app.session_interface = Sessions()


def by_its_class(app: Flask, hook: Hook) -> None:
    process: Any = Flask.process_response

    def since_3_2(self: Flask, ctx: AppContext, response: Response) -> Response:
        return hook(process(self, ctx, response))

    def before(self: Flask, response: Response) -> Response:
        return hook(process(self, response))

    own = since_3_2 if "ctx" in signature(process).parameters else before
    own.__name__ = "process_response"
    app.__class__ = type("Shop", (Flask,), {"process_response": own})


Add = Callable[[Flask, Hook], None]
ADDS: list[Add] = [
    *(by_the_app, by_the_blueprint, by_the_request, by_whoever_comes_last),
    *(by_its_sessions, by_its_class),
]
#: Those that may answer with another response do so, too.
HOOKS = pytest.mark.parametrize(
    ("add", "hook"),
    [
        *((add, publish) for add in ADDS),
        *((add, replace) for add in (by_the_app, by_the_blueprint, by_the_request)),
    ],
)
ORDERS = pytest.mark.parametrize("first", [True, False], ids=["hook first", "Xiebao first"])


def make_shop(first: bool, add: Add, hook: Hook, **config: Any) -> Site:
    """Return a site in service whose hook is there before the extension, or after it."""
    app = Flask("shop")
    if first:
        add(app, hook)
    site = make_site(app, **DEPLOYED, **config)
    if not first:
        add(app, hook)
    site.log_in("alice")
    return site


def answers(first: bool, add: Add, hook: Hook) -> Iterator[tuple[Way, TestResponse]]:
    """Yield every kind of answer of such a site's links."""
    for way in ways(make=partial(make_shop, first, add, hook)):
        response = way.ask()
        assert response.status_code == way.status, way
        yield way, response


@HOOKS
@ORDERS
def test_no_hook_makes_an_answer_of_a_link_cacheable(first: bool, add: Add, hook: Hook) -> None:
    for way, response in answers(first, add, hook):
        assert_sealed(response, way)
        if response.location is None:
            [policy] = response.headers.getlist("Content-Security-Policy")
            assert policy.endswith("frame-ancestors 'self'"), way


@ORDERS
def test_a_sites_own_policy_stays_and_says_who_may_frame_its_pages(first: bool) -> None:
    policy = "default-src 'self'; frame-ancestors https://portal.example"

    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    for way, response in answers(first, by_the_app, protect):
        assert response.headers.getlist("Content-Security-Policy") == [policy], way


@ORDERS
@pytest.mark.parametrize("add", [add for add in ADDS if add is not by_the_blueprint])
def test_a_members_page_stays_private_and_others_are_as_public_as_the_site_wants(
    first: bool, add: Add
) -> None:
    shop = make_shop(first, add, publish)
    members = shop.render(POLICY_ENTRY)
    assert members.headers.getlist("Cache-Control") == ["max-age=3600, private"]
    assert not FOR_CACHES_ONLY & set(members.headers.keys())
    devices = {"User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform"}
    assert set(members.vary) == {"Accept-Encoding", *devices}
    for source in ("plain", PRODUCT_ENTRY):
        response = shop.render(source)
        for name in ("Cache-Control", *FOR_CACHES_ONLY, "Referrer-Policy", "X-Robots-Tag"):
            assert response.headers[name] == EVERYTHING_IS_PUBLIC[name]
        assert ("User-Agent" in response.vary) == (source == PRODUCT_ENTRY)


# What a site makes of a redirect


AS_BEFORE = "as before"


@dataclass(frozen=True)
class Change:
    """What a hook makes of a redirect, and what is sent then.

    :ivar attributes: of the response that the hook sets; *added* and *removed* are its headers.
    :ivar sent: headers that have to be in the answer.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    removed: str = ""
    status: int = 302
    goes: str | None = AS_BEFORE
    body: bytes = b""
    is_counted: bool = True
    sent: dict[str, str] = field(default_factory=dict)


COOKIE = {"Set-Cookie": "seen=yes; Path=/", "Server-Timing": "app;dur=3"}
CHANGES = {
    "a cookie": Change(added=COOKIE, sent=COOKIE),
    "a text": Change({"data": "Goodbye."}, body=b"Goodbye."),
    "a text in pieces": Change({"response": [b"Good", b"bye."]}, body=b"Goodbye."),
    "a text that is miscounted": Change(
        {"response": [b"Goodbye."]}, {"Content-Length": "3"}, body=b"Goodbye."
    ),
    # No list or tuple, and so a stream.
    "a text by and by": Change(
        {"response": deque(["Good", "bye."])}, body=b"Goodbye.", is_counted=False
    ),
    "no text that is miscounted": Change(added={"Content-Length": "3"}),
    "what is frozen": Change({"response": []}, {"Content-Length": "0", "ETag": '"x"'}),
    "a place": Change(
        added={"Content-Location": "/付 款"}, sent={"Content-Location": "/%E4%BB%98%20%E6%AC%BE"}
    ),
    "303": Change({"status": "303 See Other"}, status=303),
    "204": Change({"status_code": 204}, status=204, is_counted=False),
    "elsewhere": Change(
        {"location": "https://中国.example/付 款"},
        goes="https://xn--fiqs8s.example/%E4%BB%98%20%E6%AC%BE",
    ),
    "two places": Change(
        added={"Location": "https://elsewhere.example/"}, goes="https://elsewhere.example/"
    ),
    "nowhere": Change(removed="Location", goes=None),
    # As Flask-DebugToolbar does, to show where a redirect leads.
    "a page instead": Change(
        {"status_code": 200, "data": "Goodbye."},
        removed="Location",
        status=200,
        goes=None,
        body=b"Goodbye.",
        sent={"Content-Type": "text/html; charset=utf-8"},
    ),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("link", ["click", "paid"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_redirect_that_a_hook_changes_is_sent_as_it_says(
    name: str, link: str, method: str
) -> None:
    change = CHANGES[name]

    def hook(response: Response) -> Response:
        if response.status_code == 302 and request.headers.get("X-Change"):
            for attribute, value in change.attributes.items():
                setattr(response, attribute, value)
            response.headers.extend(change.added)
            response.headers.remove(change.removed)
            response.call_on_close(lambda: closed.append(response.status_code))
        return response

    closed: list[int] = []
    shop = make_shop(True, by_the_app, hook)
    url = shop.link("product", return_to="/plain")
    if link == "paid":
        url = get_return_link(shop.follow(url))
    before = shop.follow(url).location
    response = shop.follow(url, {**PHONE, "X-Change": "yes"}, method=method)
    assert response.data == (b"" if method == "HEAD" else change.body)
    response.close()
    if change.goes == AS_BEFORE and link == "click":  # each click has a time and an id of its own
        assert urlsplit(response.location or "")[:3] == urlsplit(before or "")[:3]
    else:
        assert response.location == (before if change.goes == AS_BEFORE else change.goes)
    assert (response.status_code, closed) == (change.status, [change.status])
    counted = [str(len(change.body))] if change.is_counted else []
    assert response.headers.getlist("Content-Length") == counted
    assert_sealed(response, link)
    assert change.sent.items() <= dict(response.headers).items()


# What else a site does with responses


def test_a_login_wall_of_the_site_answers_for_a_link_and_is_not_kept() -> None:
    shop = make_shop(True, by_the_app, publish)
    wall = "log in first", 302, {"Location": "/login"}
    shop.app.before_request(lambda: wall)
    assert_sealed(shop.follow("/xiebao/product/token"), "login")


@ORDERS
def test_error_pages_have_their_headers_if_a_hook_raises_again(first: bool) -> None:
    def add(app: Flask, _hook: Hook) -> None:
        app.after_request(failing_function(ConnectionError("statistics are down")))

    shop = make_shop(first, add, publish)
    shop.app.register_error_handler(500, lambda _: (shop.xiebao.policy_link(INSURE_NUM), 500))
    clicked = shop.follow(shop.link("product"))
    assert (clicked.status_code, clicked.headers["Cache-Control"]) == (500, "no-store")
    page = shop.render("plain")
    assert page.status_code == 500
    assert "/xiebao/policy/" in page.text
    assert page.headers["Cache-Control"] == "private"


def test_a_task_may_report_its_error_by_the_signal_of_requests() -> None:
    shop = make_site()
    with shop.app.app_context():
        told = got_request_exception.send(shop.app, exception=ConnectionError())
    assert told  # and nothing was raised
