"""The way back from a payment: where it leads, and what the site is told of it.

When the site is told is a row of ``TOLD``, and which host it comes back to one of ``HOSTS``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from flask import Response, session
from flask_wtf import CSRFProtect

from flask_xiebao import Entry
from tests.support import (
    DEPLOYED,
    LINK_ARGUMENTS,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    get_return_link,
)

DAY = 24 * 60 * 60


def pay_as_alice(site: Site, page: str = "product", return_to: str = "/orders/8") -> str:
    """Return where a payment comes back after a click of alice's."""
    site.log_in("alice")
    return get_return_link(site.follow(site.link(page, return_to=return_to)))


@pytest.mark.parametrize(
    "return_to", ["/orders/8", "/orders/8?from=a&to=b%20c#done", "/订单?名=保险", "/", "/a//b"]
)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_payment_comes_back_to_where_the_link_said(site: Site, page: str, return_to: str) -> None:
    paid = pay_as_alice(site, page, return_to)
    assert paid.startswith("http://localhost/xiebao/paid/")
    back = site.follow(paid)
    assert (back.status_code, unquote(back.location)) == (302, unquote(return_to))
    assert back.data == b""


@pytest.mark.parametrize(
    ("later", "same_session"),
    # The last is no member's id: a loader that fails does not stop whoever has paid.
    [("alice", True), ("bob", False), (None, False), (" ", False), (["no", "member"], False)],
)
def test_a_return_tells_which_click_it_belongs_to_and_whose_session_it_is(
    site: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    later: Any,
    same_session: bool,
) -> None:
    paid = pay_as_alice(site)
    site.log_in(later)
    assert site.follow(paid).location == "/orders/8"

    [(_, clicked), (name, returned)] = sent_signals
    assert name == "returned"
    assert returned == {
        "entry": Entry("product", PRODUCT_CODE, return_to="/orders/8"),
        "member": "alice",
        "click_id": clicked["click_id"],
        "same_session": same_session,
    }
    assert ("member could not be determined" in caplog.text) == isinstance(later, list)


#: How long after the click a browser comes back, and whether the site is told of it.
TOLD = [
    ("GET", 0, True),
    ("GET", DAY - 1, True),
    ("GET", DAY + 1, False),
    ("GET", 400 * DAY, False),
    ("HEAD", 0, False),
]


@pytest.mark.parametrize(("method", "after", "is_told"), TOLD)
def test_a_return_is_reported_for_a_day_each_time_and_redirects_for_ever(
    site: Site, sent_signals: SentSignals, clock: Any, method: str, after: int, is_told: bool
) -> None:
    paid = pay_as_alice(site)
    clock.shift(after)
    for _ in range(2):
        assert site.follow(paid, method=method).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", *["returned"] * 2 * is_told]


def test_a_prefetch_of_the_way_back_reports_no_payment(
    site: Site, sent_signals: SentSignals
) -> None:
    response = site.follow(pay_as_alice(site), {**PHONE, "Sec-Purpose": "prefetch"})
    assert response.status_code == 503
    assert "Location" not in response.headers
    assert [name for name, _ in sent_signals] == ["clicked"]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_who_has_paid_comes_back_when_locked_or_insurance_is_switched_off_since(
    make_site: MakeSite, sent_signals: SentSignals, page: str, enabled: bool
) -> None:
    paid = pay_as_alice(make_site(), page)
    since = make_site(XIEBAO_ENABLED=enabled)
    since.xiebao.click_guard(lambda member, entry: False)
    assert since.follow(paid).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", "returned"]


#: Settings, where the click was, and where a payment comes back.
HOSTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "https://evil.example", None),
    ({}, "http://localhost:5000", "http://localhost:5000"),
    ({}, "http://127.0.0.1", "http://127.0.0.1"),
    ({}, "http://[::1]:5000", "http://[::1]:5000"),
    ({}, "http://localhost.evil.example", None),
    (
        {"XIEBAO_PUBLIC_URL": "https://shop.example/m"},
        "https://evil.example",
        "https://shop.example/m",
    ),
    ({"TESTING": True}, "https://staging.example", "https://staging.example"),
]


@pytest.mark.parametrize(("config", "base_url", "comes_back"), HOSTS)
def test_in_service_no_payment_comes_back_by_a_host_nobody_vouched_for(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    base_url: str,
    comes_back: str | None,
) -> None:
    site = make_site(**{**DEPLOYED, **config})
    site.log_in("alice")
    click = site.follow(site.link("product", return_to="/orders/8"), base_url=base_url)
    if comes_back is None:
        assert assert_gateway_accepts(click).pay_success is None
        assert "without a return URL" in caplog.text
    else:
        assert get_return_link(click).startswith(f"{comes_back}/xiebao/paid/")


class SiteResponse(Response):
    """The response class of a site."""


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("response_class", [Response, SiteResponse])
def test_post_to_return_link_redirects_to_itself_without_cookies(
    site: Site, sent_signals: SentSignals, response_class: type[Response], replaces: bool
) -> None:
    site.app.response_class = response_class

    @site.app.after_request
    def change_session_and_response(response: Response) -> Response:
        session["member"] = "new"
        response.set_cookie("theme", "dark")
        return Response(b"", response.status, response.headers) if replaces else response

    path = pay_as_alice(site).removeprefix("http://localhost")
    browser = site.app.test_client()
    posted = browser.post(path, data={"resultCode": "SUCCESS"}, headers={"Origin": "null"})
    assert (posted.status_code, posted.location) == (303, path)
    assert "Set-Cookie" not in posted.headers
    assert posted.headers["Cache-Control"] == "no-store"
    assert [name for name, _ in sent_signals] == ["clicked"]

    assert browser.get(posted.location).location == "/orders/8"
    assert [name for name, _ in sent_signals] == ["clicked", "returned"]


def test_post_to_invalid_return_link_is_refused_after_redirect(site: Site) -> None:
    browser = site.app.test_client()
    posted = browser.post("/xiebao/paid/forged")
    assert (posted.status_code, posted.location) == (303, "/xiebao/paid/forged")
    assert browser.get(posted.location).status_code == 404


def test_post_to_return_link_is_exempt_from_flask_wtf(site: Site) -> None:
    CSRFProtect(site.app)
    path = pay_as_alice(site)
    assert site.app.test_client().post(path).status_code == 303
