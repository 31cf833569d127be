"""What a site's own hooks make of its responses does not undo what links and their pages need."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import (
    Flask,
    Response,
    after_this_request,
    render_template_string,
    request,
    request_finished,
)
from flask.ctx import AppContext
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import TestResponse

from flask_xiebao import Xiebao
from tests.support import CODE, CONFIG, HIDDEN, MACROS, NUMBER, PC, PHONE, paid_url

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
FOR_CACHES_ONLY = [
    *("Expires", "Surrogate-Control", "Edge-Control", "X-Accel-Expires"),
    *("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "X-LiteSpeed-Cache-Control"),
]


def publish(response: Response) -> Response:
    response.headers.update(EVERYTHING_IS_PUBLIC)
    return response


def replace(response: Response) -> Response:
    """Answer with another response, as some extensions do that rewrite pages."""
    if response.is_streamed:
        return publish(response)
    return publish(Response(response.get_data(), response.status, response.headers))


Add = Callable[[Flask, Callable[[Response], Response]], None]


def by_the_app(app: Flask, hook: Callable[[Response], Response]) -> None:
    app.after_request(hook)


def by_the_blueprint(app: Flask, hook: Callable[[Response], Response]) -> None:
    app.after_request_funcs.setdefault("xiebao", []).append(hook)


def by_the_request(app: Flask, hook: Callable[[Response], Response]) -> None:
    @app.before_request
    def add() -> None:
        after_this_request(hook)


def by_whoever_comes_last(app: Flask, hook: Callable[[Response], Response]) -> None:
    app.after_request_funcs.setdefault(None, []).insert(0, publish)


def by_a_signal(app: Flask, hook: Callable[[Response], Response]) -> None:
    def receive(_app: Flask, response: Response) -> None:
        response.headers.update(EVERYTHING_IS_PUBLIC)  # it cannot send another one

    request_finished.connect(receive, app, weak=False)


def by_its_sessions(app: Flask, hook: Callable[[Response], Response]) -> None:
    class Sessions(SecureCookieSessionInterface):
        def save_session(self, app: Flask, session: Any, response: Response) -> None:
            response.headers.update(EVERYTHING_IS_PUBLIC)

    app.session_interface = Sessions()


def by_its_class(app: Flask, hook: Callable[[Response], Response]) -> None:
    def publish(response: Response) -> Response:
        response.headers.update(EVERYTHING_IS_PUBLIC)
        return response

    process: Any = Flask.process_response

    def since_3_2(self: Flask, ctx: AppContext, response: Response) -> Response:
        return publish(process(self, ctx, response))

    def before(self: Flask, response: Response) -> Response:
        return publish(process(self, response))

    own = since_3_2 if "ctx" in signature(process).parameters else before
    own.__name__ = "process_response"
    app.__class__ = type("Shop", (Flask,), {"process_response": own})


def make_shop(first: bool, add: Add, hook: Callable[[Response], Response]) -> Flask:
    app = Flask("shop")
    app.config.update(
        CONFIG,
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )
    if first:
        add(app, hook)
    xiebao = Xiebao(app)
    if not first:
        add(app, hook)
    xiebao.member_loader(lambda: request.headers.get("X-Member"))

    @app.get("/<kind>")
    def page(kind: str) -> str:
        entry = {
            "plain": "",
            "product": "{{ insurance_entry(code) }}",
            "policy": "{{ policy_entry(number) }}",
        }[kind]
        return render_template_string(MACROS + entry, code=CODE, number=NUMBER)

    return app


HOOKED = pytest.mark.parametrize("first", [True, False], ids=["hook first", "Xiebao first"])
BY = pytest.mark.parametrize(
    "add",
    [
        *(by_the_app, by_the_blueprint, by_the_request, by_whoever_comes_last),
        *(by_a_signal, by_its_sessions, by_its_class),
    ],
)


def get(app: Flask, url: str, headers: dict[str, str] = PHONE, **more: Any) -> TestResponse:
    return app.test_client().open(
        url, base_url="https://shop.example", headers={"X-Member": "alice", **headers}, **more
    )


def answers(app: Flask) -> Iterator[tuple[str, TestResponse]]:
    """Return every kind of answer of the link endpoints, with what it is."""
    with app.test_request_context(base_url="https://shop.example"):
        xiebao = app.extensions["xiebao"]
        product = xiebao.product_link(CODE, return_to="/plain")
        home = xiebao.home_link(member="alice")
    nobody = {**PHONE, "X-Member": ""}
    click = get(app, product)
    yield "click 302", click
    yield "handoff 200", get(app, home, PC)
    yield "fetched 200", get(app, product, {**PHONE, "HX-Request": "true"})
    yield "log in 401", get(app, product, nobody)
    yield "log in, as JSON 401", get(app, product, {**nobody, "Accept": "application/json"})
    yield "another member 403", get(app, home, {**PHONE, "X-Member": "bob"})
    yield "tampered 404", get(app, "/xiebao/product/tampered")
    yield "wrong method 405", get(app, product, method="POST")
    yield "prefetch 503", get(app, product, {**PHONE, "Purpose": "prefetch"})
    yield "paid 302", get(app, paid_url(click))
    yield "never paid 404", get(app, "/xiebao/paid/tampered")
    yield "notification 404", get(app, "/xiebao/notify", method="POST", data="{}")
    yield "notification 405", get(app, "/xiebao/notify")


@BY
@HOOKED
@pytest.mark.parametrize("hook", [publish, replace])
def test_no_hook_makes_an_answer_of_a_link_cacheable(
    first: bool, add: Add, hook: Callable[[Response], Response]
) -> None:
    for what, response in answers(make_shop(first, add, hook)):
        assert what.endswith(str(response.status_code))
        for name, value in HIDDEN.items():
            assert response.headers.getlist(name) == [value], f"{name} of {what}"
        assert not set(FOR_CACHES_ONLY) & set(response.headers.keys()), what
        if response.location is None:
            assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], what
            policies = response.headers.getlist("Content-Security-Policy")
            assert len(policies) == 1
            assert policies[0].endswith("frame-ancestors 'self'"), what


@HOOKED
def test_a_sites_own_policy_stays_and_says_who_may_frame_its_pages(first: bool) -> None:
    policy = "default-src 'self'; frame-ancestors https://portal.example"

    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    for what, response in answers(make_shop(first, by_the_app, protect)):
        assert response.headers.getlist("Content-Security-Policy") == [policy], what


@BY
@HOOKED
def test_a_members_page_stays_private_and_is_told_apart_by_device(first: bool, add: Add) -> None:
    response = get(make_shop(first, add, publish), "/policy")
    if add is by_the_blueprint:  # which has no say there
        return
    assert response.headers.getlist("Cache-Control") == ["max-age=3600, private"]
    assert not set(FOR_CACHES_ONLY) & set(response.headers.keys())
    assert set(response.vary) == {
        *("Accept-Encoding", "User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
    }


@HOOKED
@pytest.mark.parametrize("kind", ["plain", "product"])
def test_a_page_without_members_links_is_as_public_as_its_site_wants(
    first: bool, kind: str
) -> None:
    response = get(make_shop(first, by_the_app, publish), f"/{kind}")
    for name in ("Cache-Control", *FOR_CACHES_ONLY, "Referrer-Policy", "X-Robots-Tag"):
        assert response.headers[name] == EVERYTHING_IS_PUBLIC[name]
    assert ("User-Agent" in response.vary) == (kind == "product")


@HOOKED
def test_a_hook_that_makes_a_page_of_a_redirect_has_a_page(first: bool) -> None:
    """Flask-DebugToolbar's does, to show where a redirect leads."""

    def intercept(response: Response) -> Response:
        if response.location:
            del response.headers["Location"]
            response.set_data("<p>You are about to leave.</p>")
            response.status_code = 200
        return response

    app = make_shop(first, by_the_app, intercept)
    with app.test_request_context(base_url="https://shop.example"):
        url = app.extensions["xiebao"].product_link(CODE)
    response = get(app, url)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert response.text == "<p>You are about to leave.</p>"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def tell(response: Response) -> None:
    response.set_data("Goodbye.")


def tell_in_pieces(response: Response) -> None:
    response.response = [b"Good", b"bye."]


def tell_and_miscount(response: Response) -> None:
    response.response = [b"Goodbye."]
    response.headers["Content-Length"] = "3"


def tell_by_and_by(response: Response) -> None:
    response.response = iter(["Good", "bye."])


def miscount(response: Response) -> None:
    response.headers["Content-Length"] = "3"


def freeze(response: Response) -> None:
    response.freeze()


def see_other(response: Response) -> None:
    response.status = "303 See Other"


def send_nothing(response: Response) -> None:
    response.status_code = 204


def send_elsewhere(response: Response) -> None:
    response.location = "https://中国.example/付 款"


def name_the_place(response: Response) -> None:
    response.headers["Content-Location"] = "/付 款"


def send_to_two_places(response: Response) -> None:
    response.headers.add("Location", "https://elsewhere.example/")


def forget_where(response: Response) -> None:
    response.headers.remove("Location")


def keep_it(response: Response) -> None:
    response.set_cookie("seen", "yes")
    response.headers["Server-Timing"] = "app;dur=3"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("link", ["click", "paid"])
@pytest.mark.parametrize(
    ("change", "status", "goes", "body"),
    [
        (keep_it, 302, "as before", b""),
        (tell, 302, "as before", b"Goodbye."),
        (tell_in_pieces, 302, "as before", b"Goodbye."),
        (tell_and_miscount, 302, "as before", b"Goodbye."),
        (tell_by_and_by, 302, "as before", b"Goodbye."),
        (miscount, 302, "as before", b""),
        (freeze, 302, "as before", b""),
        (name_the_place, 302, "as before", b""),
        (see_other, 303, "as before", b""),
        (send_nothing, 204, "as before", b""),
        (send_elsewhere, 302, "https://xn--fiqs8s.example/%E4%BB%98%20%E6%AC%BE", b""),
        (send_to_two_places, 302, "https://elsewhere.example/", b""),
        (forget_where, 302, None, b""),
    ],
)
def test_a_redirect_that_a_hook_changes_is_sent_as_it_says(
    change: Callable[[Response], None],
    status: int,
    goes: str | None,
    body: bytes,
    link: str,
    method: str,
) -> None:
    def hook(response: Response) -> Response:
        if response.status_code == 302 and request.headers.get("X-Change"):
            change(response)
            response.call_on_close(lambda: closed.append(response.status_code))
        return response

    closed: list[int] = []
    app = make_shop(True, by_the_app, hook)
    with app.test_request_context(base_url="https://shop.example"):
        url = app.extensions["xiebao"].product_link(CODE, return_to="/plain")
    if link == "paid":
        url = paid_url(get(app, url))
    before = get(app, url).location
    if goes == "as before":
        goes = before

    response = get(app, url, {**PHONE, "X-Change": "yes"}, method=method)
    assert response.data == (b"" if method == "HEAD" else body)
    response.close()
    if link == "click" and goes == before:  # each click has a time and an id of its own
        assert urlsplit(response.location or "")[:3] == urlsplit(before or "")[:3]
    else:
        assert response.location == goes
    assert (response.status_code, closed) == (status, [status])
    counted = None if status == 204 or change is tell_by_and_by else [str(len(body))]
    assert response.headers.getlist("Content-Length") == (counted or [])
    for name, value in HIDDEN.items():
        assert response.headers.getlist(name) == [value]
    if change is name_the_place:
        assert response.headers["Content-Location"] == "/%E4%BB%98%20%E6%AC%BE"
    if change is keep_it:
        assert response.headers["Set-Cookie"] == "seen=yes; Path=/"
        assert response.headers["Server-Timing"] == "app;dur=3"


def test_a_login_wall_of_the_site_answers_for_a_link_and_is_not_kept() -> None:
    app = make_shop(True, by_the_app, publish)
    app.before_request(lambda: ("log in first", 302, {"Location": "/login?next=" + request.path}))
    response = get(app, "/xiebao/product/token")
    assert response.headers.getlist("Cache-Control") == ["no-store"]
    assert response.headers["Referrer-Policy"] == "strict-origin"


def test_a_response_that_a_site_keeps_stays_its_own() -> None:
    """One that answers a link, and then a thousand others, is like any other again elsewhere."""
    app = make_shop(True, by_the_app, lambda response: response)
    kept = Response("not here", 404)
    app.register_error_handler(404, lambda _error: kept)
    app.add_url_rule("/kept/page", "kept", lambda: kept)
    for _ in range(1100):
        assert get(app, "/xiebao/nowhere").headers["Cache-Control"] == "no-store"
    response = get(app, "/kept/page")
    assert (response.status_code, response.text) == (404, "not here")
    assert not set(HIDDEN) & set(response.headers.keys())


def test_a_hook_may_copy_or_pickle_a_response() -> None:
    """As one does that keeps whole pages."""
    kept: list[bytes] = []

    def keep(response: Response) -> Response:
        response.freeze()
        kept.append(pickle.dumps(copy.deepcopy(response)))
        return copy.copy(response)

    app = make_shop(True, by_the_app, keep)
    for url in ("/policy", "/product", "/xiebao/product/tampered"):
        response = get(app, url)
        assert response.text == pickle.loads(kept.pop()).get_data(as_text=True)  # noqa: S301
    assert response.headers["Cache-Control"] == "no-store"
    assert get(app, "/policy").headers["Cache-Control"] == "private"


@HOOKED
def test_a_hook_that_fails_publishes_neither_a_link_nor_a_members_page(first: bool) -> None:
    def fail(response: Response) -> Response:
        raise ConnectionError("statistics are down")

    def hooks(app: Flask, _hook: Callable[[Response], Response]) -> None:
        app.after_request(fail)
        app.after_request(publish)  # Flask runs it before the other

    app = make_shop(first, hooks, publish)
    app.register_error_handler(
        500, lambda _error: (app.extensions["xiebao"].policy_link(NUMBER), 500)
    )
    with app.test_request_context(base_url="https://shop.example"):
        link = app.extensions["xiebao"].product_link(CODE)
    clicked = get(app, link)
    assert (clicked.status_code, clicked.headers["Cache-Control"]) == (500, "no-store")
    page = get(app, "/plain")
    assert page.status_code == 500
    assert "/xiebao/policy/" in page.text
    assert page.headers["Cache-Control"] == "max-age=3600, private"
