"""Which platform a click is for, and the code that takes a visitor from a PC to their phone."""

from __future__ import annotations

from typing import Any

import pytest

from flask_xiebao import Platform
from tests import qr
from tests.support import (
    DEPLOYED,
    PC,
    PHONE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_href,
    get_return_link,
)

DAY = 24 * 60 * 60
DIRECTLY = "我正在用平板或手机，直接打开"

APP_ON_IPHONE = {"User-Agent": PHONE["User-Agent"] + " ShopApp/3.1"}
APP_ON_ANDROID = {"User-Agent": "Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1"}


@pytest.mark.parametrize(
    ("theirs", "query", "device", "expected"),
    [
        (None, "", PHONE, Platform.H5),
        (None, "", PC, Platform.PC),
        (None, "", APP_ON_IPHONE, Platform.IOS),
        (None, "", APP_ON_ANDROID, Platform.ANDROID),
        (None, "?platform=h5", PC, Platform.H5),
        (None, "?platform=pc", PHONE, Platform.PC),
        (None, "?platform=ios", PC, Platform.IOS),
        (None, "?platform=android", PC, Platform.ANDROID),
        (None, "?platform=h5", APP_ON_IPHONE, Platform.H5),
        (None, "?platform=", PC, Platform.PC),
        (None, "?platform=1", PC, Platform.PC),
        (None, "?platform=windows", PHONE, Platform.H5),
        (None, "?platform=PC", PHONE, Platform.H5),
        (None, "?platform=%00", PHONE, Platform.H5),
        (None, "?platform=nonsense&platform=ios", PHONE, Platform.H5),
        (Platform.IOS, "?platform=android", PC, Platform.IOS),
        ("android", "", PHONE, Platform.ANDROID),
        ("h5", "?platform=pc", PC, Platform.H5),
        ("pc", "", PHONE, Platform.PC),
    ],
)
def test_the_links_platform_counts_then_the_one_asked_for_then_the_device(
    make_site: MakeSite, theirs: Any, query: str, device: dict[str, str], expected: Platform
) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    response = site.follow(site.link("product", platform=theirs) + query, device)
    assert assert_gateway_accepts(response).platform == expected


# From a PC to a phone


@pytest.mark.parametrize("page", ["home", "policy"])
@pytest.mark.parametrize(
    ("theirs", "visitor"),
    [
        ({}, "alice"),
        ({"member": "alice"}, "alice"),
        ({"member": "alice", "no_login_for": DAY}, None),
    ],
    ids=["whoever clicks", "a member's", "a bearer's"],
)
def test_a_pc_shows_a_code_by_which_a_phone_goes_on_as_the_same_member(
    site: Site, sent_signals: SentSignals, page: str, theirs: dict[str, Any], visitor: str | None
) -> None:
    site.log_in("alice")
    branch = {"sub_partner_id": "branch-7"} if page == "home" else {}
    url = site.link(page, return_to="/orders/8", client_reference="order-8", **theirs, **branch)
    site.log_in(visitor)
    shown = site.follow(url, PC)
    assert (shown.status_code, sent_signals) == (200, [])
    code = qr.read(shown.text)

    site.log_in("bob")
    assert site.follow(code).status_code == 403
    sent_signals.clear()

    site.log_in(None)
    click = site.follow(code)
    verdict = assert_gateway_accepts(click)
    assert (verdict.page, verdict.member, verdict.platform) == (page, "alice", Platform.H5)
    assert dict(verdict.parameters).get("subPartnerId") == branch.get("sub_partner_id")
    assert site.follow(get_return_link(click)).location == "/orders/8"
    assert [values["entry"].client_reference for _, values in sent_signals] == [
        "order-8",
        "order-8",
    ]


@pytest.mark.parametrize("page", ["home", "policy"])
@pytest.mark.parametrize("query", ["", "?platform=pc"])
def test_a_tablet_that_looks_like_a_pc_opens_the_page_by_the_direct_link(
    site: Site, page: str, query: str
) -> None:
    site.log_in("alice")
    direct = find_href(site.follow(site.link(page, member="alice") + query, PC), DIRECTLY)
    assert direct.endswith("?platform=h5")
    assert assert_gateway_accepts(site.follow(direct, PC)).platform == Platform.H5


@pytest.mark.parametrize(
    ("config", "life", "lifetime", "said"),
    [
        ({}, None, 300, "5 分钟"),
        ({"XIEBAO_HANDOFF_MAX_AGE": 90}, None, 90, "90 秒"),
        ({}, DAY, 300, "5 分钟"),
        # A handoff does not prolong the link whose bearer it is for.
        ({}, 100, 100, "100 秒"),
        ({"loader": False}, 100, 100, "100 秒"),
    ],
)
def test_a_code_lives_as_long_as_the_page_says_and_no_longer_than_its_link(
    make_site: MakeSite,
    clock: Any,
    config: dict[str, Any],
    life: int | None,
    lifetime: int,
    said: str,
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    url = site.link("home", member=life and "alice", no_login_for=life)
    site.log_in(None if life else "alice")
    shown = site.follow(url, PC)
    assert said in shown.text
    code, again = qr.read(shown.text), find_href(shown, "换一个新的二维码")
    site.log_in(None)

    clock.shift(lifetime - 1)
    assert assert_gateway_accepts(site.follow(code)).member == "alice"
    # Another handoff of the code itself leaves it no more than this second.
    last = qr.read(site.follow(code, PC).text)
    clock.shift(1)
    assert [
        site.follow(url, device).status_code for url in (code, last) for device in (PC, PHONE)
    ] == [410] * 4

    if life != lifetime:
        site.log_in(None if life else "alice")
        renewed = qr.read(site.follow(again, PC).text)
        site.log_in(None)
        assert assert_gateway_accepts(site.follow(renewed)).member == "alice"


@pytest.mark.parametrize(
    ("config", "page", "start"),
    [
        # Whoever asks with a Host that they made up gets the code themselves.
        (DEPLOYED, "home", "http://evil.example/xiebao/home/"),
        (DEPLOYED, "policy", "http://evil.example/xiebao/policy/"),
        ({"XIEBAO_PUBLIC_URL": "https://shop.example/m"}, "home", "https://shop.example/m/xiebao/"),
    ],
)
def test_a_code_leads_to_the_public_address_or_to_whoever_asks(
    make_site: MakeSite, config: dict[str, Any], page: str, start: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    shown = site.follow(site.link(page, member="alice"), {**PC, "Host": "evil.example"})
    assert qr.read(shown.text).startswith(start)
    if "evil.example" not in start:
        assert "evil.example" not in shown.text
