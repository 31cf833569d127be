"""Tests for the handoff page, on which a PC shows a QR code that continues a click on a phone.

To test another lifetime of the QR code, add a row to ``LIFETIMES``.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flask_xiebao import Platform
from tests import qr
from tests.support import (
    DEPLOYED,
    PC,
    PHONE,
    Clock,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_href,
    get_return_link,
    parse_html,
)

DAY = 24 * 60 * 60
#: The pages of the gateway that do not support PCs.
PHONE_PAGES = pytest.mark.parametrize("page", ["home", "policy"])


@PHONE_PAGES
@pytest.mark.parametrize(
    ("options", "visitor"),
    [
        ({}, "alice"),
        ({"member": "alice"}, "alice"),
        ({"member": "alice", "no_login_for": DAY}, None),
    ],
    ids=["link without member", "link with member", "link without login"],
)
def test_qr_code_redirects_phone_as_same_member_without_login(
    site: Site, sent_signals: SentSignals, page: str, options: dict[str, Any], visitor: str | None
) -> None:
    site.log_in("alice")
    branch = {"sub_partner_id": "branch-7"} if page == "home" else {}
    link = site.link(page, return_to="/orders/8", client_reference="order-8", **options, **branch)
    site.log_in(visitor)
    code_url = qr.read(site.follow(link, PC).text)
    assert sent_signals == []

    site.log_in(None)
    click = site.follow(code_url)
    verdict = assert_gateway_accepts(click)
    assert (verdict.page, verdict.member, verdict.platform) == (page, "alice", Platform.H5)
    assert dict(verdict.parameters).get("subPartnerId") == branch.get("sub_partner_id")
    assert site.follow(get_return_link(click)).location == "/orders/8"
    assert [values["entry"].client_reference for _, values in sent_signals] == ["order-8"] * 2


@PHONE_PAGES
@pytest.mark.parametrize("query", ["", "?platform=pc"])
def test_direct_link_redirects_tablet_with_user_agent_of_pc(
    site: Site, page: str, query: str
) -> None:
    site.log_in("alice")
    handoff_page = site.follow(site.link(page, member="alice") + query, PC)
    direct_link = find_href(handoff_page, "我正在用平板或手机，直接打开")
    assert direct_link.endswith("?platform=h5")
    assert assert_gateway_accepts(site.follow(direct_link, PC)).platform == Platform.H5


#: One row per click: the settings, the ``no_login_for`` of the link, the expected lifetime of the
#: QR code in seconds, and the lifetime as the page shows it. A QR code must not outlive a link that
#: needs no login.
LIFETIMES: list[tuple[dict[str, Any], int | None, int, str]] = [
    ({}, None, 300, "5 分钟"),
    ({"XIEBAO_HANDOFF_MAX_AGE": 90}, None, 90, "90 秒"),
    ({}, DAY, 300, "5 分钟"),
    ({}, 100, 100, "100 秒"),
    ({"loader": False}, 100, 100, "100 秒"),
]


@pytest.mark.parametrize(
    ("config", "no_login_for", "lifetime", "text"),
    LIFETIMES,
    ids=["default", "setting", "long-lived link", "short-lived link", "no member_loader"],
)
def test_qr_code_expires_after_displayed_time(
    make_site: MakeSite,
    clock: Clock,
    config: dict[str, Any],
    no_login_for: int | None,
    lifetime: int,
    text: str,
) -> None:
    site = make_site(**config)
    site.log_in(None if no_login_for else "alice")
    link = site.link("home", member=no_login_for and "alice", no_login_for=no_login_for)
    handoff_page = site.follow(link, PC)
    assert text in handoff_page.text
    animations = parse_html(handoff_page).select("set")
    assert {animation["begin"] for animation in animations} == {f"{lifetime}s"}

    code_url = qr.read(handoff_page.text)
    site.log_in(None)
    clock.shift(lifetime - 1)
    assert assert_gateway_accepts(site.follow(code_url)).member == "alice"
    # If the URL in the QR code is opened on a PC, the page there has a second QR code, which
    # expires together with the first.
    second_code_url = qr.read(site.follow(code_url, PC).text)
    clock.shift(1)
    requests = itertools.product([code_url, second_code_url], [PC, PHONE])
    assert [site.follow(url, device).status_code for url, device in requests] == [410] * 4


@pytest.mark.parametrize("visitor", ["alice", None], ids=["logged in", "link without login"])
def test_new_qr_code_can_be_requested_after_old_code_expired(
    site: Site, clock: Clock, visitor: str | None
) -> None:
    site.log_in(visitor)
    link = site.link("home", member="alice", no_login_for=DAY)
    handoff_page = site.follow(f"{link}?platform=pc", PHONE)
    renewal_link = find_href(handoff_page, "换一个新的二维码")
    assert renewal_link == link
    clock.shift(300)
    code_url = qr.read(site.follow(renewal_link, PC).text)
    site.log_in(None)
    assert assert_gateway_accepts(site.follow(code_url)).member == "alice"


@pytest.mark.parametrize(
    ("config", "page", "expected"),
    [
        # The QR code may have a forged host, because only the client that sent the forged ``Host``
        # header sees the QR code.
        (DEPLOYED, "home", "http://evil.example/xiebao/home/"),
        (DEPLOYED, "policy", "http://evil.example/xiebao/policy/"),
        ({"XIEBAO_PUBLIC_URL": "https://shop.example/m"}, "home", "https://shop.example/m/xiebao/"),
    ],
)
def test_qr_code_has_public_url_or_host_of_request(
    make_site: MakeSite, config: dict[str, Any], page: str, expected: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    response = site.follow(site.link(page, member="alice"), {**PC, "Host": "evil.example"})
    assert qr.read(response.text).startswith(expected)
    assert ("evil.example" in response.text) == ("evil.example" in expected)
