"""Tests for the headers of responses to links, including headers that request hooks change.

To test another kind of request hook, add a function to ``ADD_HOOK_FUNCTIONS``. To test another
change of a redirect, add a row to ``CHANGES``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

import pytest
from flask import Flask, Response, after_this_request, got_request_exception, request

from tests.click.support import (
    CACHE_OVERRIDE_HEADERS,
    LINK_ENDPOINTS,
    assert_has_privacy_headers,
    build_link_cases,
    click_and_get_return_link,
    get_return_link_path,
)
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PHONE,
    PRIVATE_HEADERS,
    PRODUCT_CODE,
    Site,
    failing_function,
    make_site,
)

PRODUCT_ENTRY = f'{{{{ insurance_entry("{PRODUCT_CODE}") }}}}'
POLICY_ENTRY = f'{{{{ policy_entry("{INSURE_NUM}") }}}}'
PUBLIC_HEADERS = {
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
}
#: A request hook of a site: a function that changes a response or returns another response.
RequestHook = Callable[[Response], Response]
#: A function that adds a request hook to an app.
AddRequestHook = Callable[[Flask, RequestHook], None]


def make_response_public(response: Response) -> Response:
    response.headers.update(PUBLIC_HEADERS)
    return response


def replace_by_public_response(response: Response) -> Response:
    """Return a new response with public headers, as Flask extensions that rewrite pages do."""
    return make_response_public(Response(response.get_data(), response.status, response.headers))


def add_app_hook(app: Flask, hook: RequestHook) -> None:
    app.after_request(hook)


def add_blueprint_hook(app: Flask, hook: RequestHook) -> None:
    app.after_request_funcs.setdefault("xiebao", []).append(hook)


def add_request_hook(app: Flask, hook: RequestHook) -> None:
    @app.before_request
    def add_to_request() -> None:
        after_this_request(hook)


def add_subclass_hook(app: Flask, hook: RequestHook) -> None:
    process_response: Any = Flask.process_response

    # Flask 3.2 inspects the parameters of an overridden method, so keep the original signature.
    @wraps(process_response)
    def process_and_call_hook(*arguments: Any) -> Response:
        return hook(process_response(*arguments))

    app.__class__ = type("Shop", (Flask,), {"process_response": process_and_call_hook})


#: One function per kind of request hook. The first function adds the hook to the extension's
#: blueprint, so Flask does not call this hook for the pages of the site.
ADD_HOOK_FUNCTIONS: list[AddRequestHook] = [
    add_blueprint_hook,
    add_app_hook,
    add_request_hook,
    add_subclass_hook,
]
IS_HOOK_FIRST = pytest.mark.parametrize(
    "is_hook_first", [True, False], ids=["hook first", "extension first"]
)


def make_site_with_hook(
    is_hook_first: bool, add_hook: AddRequestHook, hook: RequestHook, **config: Any
) -> Site:
    """Return a deployed site with a request hook. The member alice is logged in.

    :param is_hook_first: True to add the hook before the extension, False to add it afterwards.
    """
    app = Flask("shop")
    if is_hook_first:
        add_hook(app, hook)
    site = make_site(app, **DEPLOYED, **config)
    if not is_hook_first:
        add_hook(app, hook)
    site.log_in("alice")
    return site


def test_stylesheet_and_site_pages_have_no_privacy_headers(site: Site) -> None:
    with site.follow("/xiebao/static/xiebao.css") as stylesheet:
        assert not PRIVATE_HEADERS.items() & dict(stylesheet.headers).items()
    assert not PRIVATE_HEADERS.keys() & dict(site.render("<p>A page</p>").headers).keys()


@pytest.mark.parametrize("hook", [make_response_public, replace_by_public_response])
@pytest.mark.parametrize("add_hook", ADD_HOOK_FUNCTIONS)
@IS_HOOK_FIRST
def test_request_hook_cannot_make_link_response_cacheable(
    is_hook_first: bool, add_hook: AddRequestHook, hook: RequestHook
) -> None:
    for case in build_link_cases(
        make_site=partial(make_site_with_hook, is_hook_first, add_hook, hook)
    ):
        response = case.send_request()
        assert response.status_code == case.status, case
        assert_has_privacy_headers(response, case)


@IS_HOOK_FIRST
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", "default-src 'self'; frame-ancestors 'self'"),
        ("frame-ancestors https://a.example", "frame-ancestors https://a.example"),
    ],
)
def test_frame_ancestors_are_added_to_content_security_policy_if_missing(
    is_hook_first: bool, policy: str, expected: str
) -> None:
    def set_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    for case in build_link_cases(
        make_site=partial(make_site_with_hook, is_hook_first, add_app_hook, set_policy)
    ):
        assert_has_privacy_headers(case.send_request(), case, expected)


@IS_HOOK_FIRST
@pytest.mark.parametrize("add_hook", ADD_HOOK_FUNCTIONS[1:])
def test_request_hook_cannot_make_page_with_member_link_public(
    is_hook_first: bool, add_hook: AddRequestHook
) -> None:
    site = make_site_with_hook(is_hook_first, add_hook, make_response_public)
    page = site.render(POLICY_ENTRY)
    assert page.headers.getlist("Cache-Control") == ["max-age=3600, private"]
    assert not CACHE_OVERRIDE_HEADERS & set(page.headers.keys())
    assert set(page.vary) == {
        *("Accept-Encoding", "User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
    }


@IS_HOOK_FIRST
@pytest.mark.parametrize("add_hook", ADD_HOOK_FUNCTIONS[1:])
@pytest.mark.parametrize("source", ["plain", PRODUCT_ENTRY], ids=["no entry", "product entry"])
def test_request_hook_can_make_page_without_member_link_public(
    is_hook_first: bool, add_hook: AddRequestHook, source: str
) -> None:
    page = make_site_with_hook(is_hook_first, add_hook, make_response_public).render(source)
    for name in ("Cache-Control", *CACHE_OVERRIDE_HEADERS, "Referrer-Policy", "X-Robots-Tag"):
        assert page.headers[name] == PUBLIC_HEADERS[name]
    assert ("User-Agent" in page.vary) == (source == PRODUCT_ENTRY)


# Redirects changed by a request hook

UNCHANGED = "unchanged"


@dataclass(frozen=True)
class RedirectChange:
    """A change that a request hook makes to a redirect, and the expected response.

    :ivar attributes: the attributes of the response that the hook sets.
    :ivar added: the headers that the hook adds.
    :ivar removed: the name of the header that the hook removes.
    :ivar location: the expected ``Location``, or None if the response has none.
    :ivar has_length: True if the response has a ``Content-Length``.
    :ivar headers: other expected headers.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    removed: str = ""
    status: int = 302
    location: str | None = UNCHANGED
    body: bytes = b""
    has_length: bool = True
    headers: dict[str, str] = field(default_factory=dict)


#: One row per change of a redirect: a name, and the change with the expected response.
CHANGES = {
    "cookie": RedirectChange(
        added={"Set-Cookie": "seen=yes; Path=/"}, headers={"Set-Cookie": "seen=yes; Path=/"}
    ),
    "header": RedirectChange(
        added={"Server-Timing": "app;dur=3"}, headers={"Server-Timing": "app;dur=3"}
    ),
    "body": RedirectChange({"data": "Goodbye."}, body=b"Goodbye."),
    "body in parts": RedirectChange({"response": [b"Good", b"bye."]}, body=b"Goodbye."),
    "body with wrong length": RedirectChange(
        {"response": [b"Goodbye."]}, {"Content-Length": "3"}, body=b"Goodbye."
    ),
    # Werkzeug streams a body that is neither a list nor a tuple, so the length of the body is
    # unknown.
    "streamed body": RedirectChange(
        {"response": deque(["Good", "bye."])}, body=b"Goodbye.", has_length=False
    ),
    "empty body with wrong length": RedirectChange(added={"Content-Length": "3"}),
    "frozen response": RedirectChange({"response": []}, {"Content-Length": "0", "ETag": '"x"'}),
    "content location": RedirectChange(
        added={"Content-Location": "/付 款"}, headers={"Content-Location": "/%E4%BB%98%20%E6%AC%BE"}
    ),
    "status 303": RedirectChange({"status": "303 See Other"}, status=303),
    "status 204": RedirectChange({"status_code": 204}, status=204, has_length=False),
    "another location": RedirectChange(
        {"location": "https://中国.example/付 款"},
        location="https://xn--fiqs8s.example/%E4%BB%98%20%E6%AC%BE",
    ),
    "second location": RedirectChange(
        added={"Location": "https://elsewhere.example/"}, location="https://elsewhere.example/"
    ),
    "no location": RedirectChange(removed="Location", location=None),
    # Flask-DebugToolbar replaces a redirect with a page that shows the target of the redirect.
    "page": RedirectChange(
        {"status_code": 200, "data": "Goodbye."},
        removed="Location",
        status=200,
        location=None,
        body=b"Goodbye.",
        headers={"Content-Type": "text/html; charset=utf-8"},
    ),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("is_return_link", [False, True], ids=["link", "return link"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_redirect_changed_by_request_hook_is_sent_with_valid_headers(
    change: RedirectChange, is_return_link: bool, method: str
) -> None:
    closed_statuses = []

    def change_redirect(response: Response) -> Response:
        if request.headers.get("X-Change"):
            for attribute, value in change.attributes.items():
                setattr(response, attribute, value)
            response.headers.extend(change.added)
            response.headers.remove(change.removed)
            response.call_on_close(lambda: closed_statuses.append(response.status_code))
        return response

    site = make_site_with_hook(True, add_app_hook, change_redirect)
    link = click_and_get_return_link(site) if is_return_link else site.link("product")
    unchanged = site.follow(link).location
    response = site.follow(link, {**PHONE, "X-Change": "yes"}, method=method)
    assert response.data == (b"" if method == "HEAD" else change.body)
    response.close()
    assert response.location == (unchanged if change.location == UNCHANGED else change.location)
    assert (response.status_code, closed_statuses) == (change.status, [change.status])
    assert response.headers.getlist("Content-Length") == [str(len(change.body))] * change.has_length
    assert_has_privacy_headers(response, link)
    assert change.headers.items() <= dict(response.headers).items()


# Other responses that request hooks send or change


def test_response_of_before_request_function_has_privacy_headers() -> None:
    site = make_site_with_hook(True, add_app_hook, make_response_public)
    site.app.before_request(lambda: ("Log in first.", 302, {"Location": "/login"}))
    assert_has_privacy_headers(site.follow("/xiebao/product/token"), "login")


@IS_HOOK_FIRST
def test_error_page_has_cache_headers_if_after_request_function_fails(is_hook_first: bool) -> None:
    site = make_site_with_hook(is_hook_first, add_app_hook, failing_function(ConnectionError()))
    site.app.register_error_handler(500, lambda _: (site.xiebao.policy_link(INSURE_NUM), 500))

    click = site.follow(site.link("product"))
    assert (click.status_code, click.headers["Cache-Control"]) == (500, "no-store")
    page = site.render("plain")
    assert (page.status_code, page.headers["Cache-Control"]) == (500, "private")
    assert "/xiebao/policy/" in page.text


def test_got_request_exception_outside_request_raises_nothing(site: Site) -> None:
    with site.app.app_context():
        assert got_request_exception.send(site.app, exception=ConnectionError())


@pytest.mark.parametrize("endpoint", LINK_ENDPOINTS)
def test_headers_set_for_one_visitor_are_not_sent_to_another(site: Site, endpoint: str) -> None:
    link = get_return_link_path() if endpoint == "paid" else site.link(endpoint, member="alice")
    site.xiebao.member_loader(lambda: request.headers["X-Name"])

    @site.app.after_request
    def add_header(response: Response) -> Response:
        response.headers["X-Seen-By"] = request.headers["X-Name"]
        return response

    for name in ("alice", "mallory", "alice"):
        response = site.follow(link, {**PHONE, "X-Name": name})
        assert response.headers.getlist("X-Seen-By") == [name]
        assert response.status_code == (403 if name == "mallory" and endpoint != "paid" else 302)
