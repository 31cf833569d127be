"""Tests for the return link, to which the gateway sends the browser after the payment.

The host of return links is tested in ``test_trusted_hosts.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask, Response, session

from flask_xiebao import Entry
from tests.click.support import click_and_get_return_link
from tests.click.test_click_detection import PREFETCH_HEADERS, SCRIPT_HEADERS
from tests.requirements import import_later
from tests.support import LINK_ARGUMENTS, PHONE, PRODUCT_CODE, Clock, MakeSite, SentSignals, Site

DAY = 24 * 60 * 60


@pytest.mark.parametrize(
    "return_to", ["/orders/8", "/orders/8?from=a&to=b%20c#done", "/订单?名=保险", "/", "/a//b"]
)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_return_link_redirects_to_return_to_path(site: Site, page: str, return_to: str) -> None:
    return_link = click_and_get_return_link(site, page, return_to)
    assert return_link.startswith("http://localhost/xiebao/paid/")
    response = site.follow(return_link)
    assert (response.status_code, unquote(response.location)) == (302, unquote(return_to))
    assert response.data == b""


@pytest.mark.parametrize(
    ("member", "same_session"),
    [("alice", True), ("bob", False), (None, False), (" ", False), (["not an id"], False)],
)
def test_payment_returned_has_click_id_and_same_session_flag(
    site: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    member: Any,
    same_session: bool,
) -> None:
    return_link = click_and_get_return_link(site)
    site.log_in(member)
    assert site.follow(return_link).location == "/orders/8"

    [(_, clicked), (name, returned)] = sent_signals
    assert name == "returned"
    assert returned == {
        "entry": Entry("product", PRODUCT_CODE, return_to="/orders/8"),
        "member": "alice",
        "click_id": clicked["click_id"],
        "same_session": same_session,
    }
    assert ("member could not be determined" in caplog.text) == isinstance(member, list)


@pytest.mark.parametrize(
    ("method", "seconds", "is_sent"),
    [
        ("GET", 0, True),
        ("GET", DAY - 1, True),
        ("GET", DAY + 1, False),
        ("GET", 400 * DAY, False),
        ("HEAD", 0, False),
    ],
)
def test_payment_returned_is_sent_for_each_get_request_within_24_hours(
    site: Site, sent_signals: SentSignals, clock: Clock, method: str, seconds: int, is_sent: bool
) -> None:
    return_link = click_and_get_return_link(site)
    clock.shift(seconds)
    for _ in range(2):
        assert site.follow(return_link, method=method).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", *["returned"] * 2 * is_sent]


@pytest.mark.parametrize(
    ("headers", "status", "signals"),
    [
        *((headers, 302, ["clicked", "returned"]) for headers in SCRIPT_HEADERS.values()),
        *((headers, 503, ["clicked"]) for headers in PREFETCH_HEADERS.values()),
    ],
    ids=[*SCRIPT_HEADERS, *(f"prefetch by {name}" for name in PREFETCH_HEADERS)],
)
def test_return_link_redirects_scripts_but_not_prefetches(
    site: Site, sent_signals: SentSignals, headers: dict[str, str], status: int, signals: list[str]
) -> None:
    response = site.follow(click_and_get_return_link(site), PHONE | headers)
    expected = "/orders/8" if status == 302 else None
    assert (response.status_code, response.location) == (status, expected)
    assert [name for name, _ in sent_signals] == signals


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_return_link_works_for_locked_member_and_on_disabled_site(
    make_site: MakeSite, sent_signals: SentSignals, page: str, enabled: bool
) -> None:
    return_link = click_and_get_return_link(make_site(), page)
    site = make_site(XIEBAO_ENABLED=enabled)
    site.xiebao.click_guard(lambda member, entry: False)
    assert site.follow(return_link).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", "returned"]


# POST requests for return links


@pytest.mark.parametrize("is_replaced", [False, True], ids=["changed", "replaced"])
@pytest.mark.parametrize("response_class", [Response, type("SiteResponse", (Response,), {})])
def test_post_to_return_link_redirects_to_same_url_without_cookies(
    site: Site, sent_signals: SentSignals, response_class: type[Response], is_replaced: bool
) -> None:
    site.app.response_class = response_class

    @site.app.after_request
    def change_session_and_response(response: Response) -> Response:
        session["member"] = "new"
        response.set_cookie("theme", "dark")
        return Response(b"", response.status, response.headers) if is_replaced else response

    path = click_and_get_return_link(site).removeprefix("http://localhost")
    response = site.follow(path, method="POST", data={"resultCode": "SUCCESS"})
    assert (response.status_code, response.location) == (303, path)
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert [name for name, _ in sent_signals] == ["clicked"]

    assert site.follow(path).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", "returned"]


@pytest.mark.parametrize(
    "add_csrf_extension",
    [import_later("flask_wtf:CSRFProtect"), lambda app: app.extensions.update(csrf=object())],
    ids=["Flask-WTF", "unknown extension"],
)
def test_post_to_return_link_works_with_csrf_extension(
    site: Site, add_csrf_extension: Callable[[Flask], object]
) -> None:
    add_csrf_extension(site.app)
    assert site.follow(click_and_get_return_link(site), method="POST").status_code == 303
