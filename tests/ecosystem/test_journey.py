"""The same journey through the shop with each extension, put together in each way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
import time_machine

from tests import qr
from tests.ecosystem.shop import (
    DEVICE_HEADERS,
    H5,
    PC_SITE,
    WAYS,
    Browser,
    Shop,
    paid_url,
    soup,
    title,
)
from tests.ecosystem.sites import SITES, THEIR_WARNINGS
from tests.support import NUMBER, PC, PHONE
from tests.vectors import PAID, callback

pytestmark = THEIR_WARNINGS


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((build, way), id=f"{name}, {way}")
        for name, build in SITES.items()
        for way in WAYS
    ],
)
def opened(request: pytest.FixtureRequest) -> Iterator[Shop]:
    build, way = request.param
    with ExitStack() as scene:
        yield build(way, scene)


@pytest.fixture
def shop(opened: Shop) -> Shop:
    opened.forget()
    return opened


def accepted(browser: Browser, location: str | None) -> bool:
    """Tell whether the simulator, which is a part of the site, accepts what a click led to."""
    assert location is not None
    answer = browser.get(location, {"Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json is not None
    verdict: bool = answer.json["accepted"]
    return verdict


@pytest.mark.parametrize("name", ["alice", None], ids=["member", "nobody"])
@pytest.mark.parametrize(("device", "platform"), [(PHONE, "h5"), (PC, "pc")], ids=["phone", "PC"])
def test_a_page_has_its_entries_and_tells_caches_what_they_have_to_know(
    shop: Shop, name: str | None, device: Mapping[str, str], platform: str
) -> None:
    page = shop.browser(device, signed_in=name).get("/")

    assert page.status_code == 200
    links = {a["id"]: a for a in soup(page).select("a.xiebao-entry")}
    assert links.keys() == {"product", "order", "home"} | ({"policy"} if name else set())
    for id, a in links.items():
        assert a["data-xiebao-entry"] == ("product" if id == "order" else id)
        assert str(a["href"]).startswith(f"/xiebao/{a['data-xiebao-entry']}/")
    assert ("private" in page.headers.get("Cache-Control", "")) == (name is not None)
    if shop.app.config.get("XIEBAO_DEVICE_MARKUP", True):
        assert {a["data-xiebao-platform"] for a in links.values()} == {platform}
        assert set(page.vary) >= DEVICE_HEADERS
    assert not shop.clicks


@pytest.mark.parametrize(
    ("page", "device", "platform"),
    [
        ("product", PHONE, H5),
        ("product", PC, PC_SITE),
        ("home", PHONE, H5),
        ("policy", PHONE, H5),
    ],
    ids=["product, phone", "product, PC", "home, phone", "policy, phone"],
)
def test_a_click_leads_to_the_gateway(
    shop: Shop, page: str, device: Mapping[str, str], platform: int
) -> None:
    browser = shop.browser(device, signed_in="alice")

    click = browser.get(browser.entries()[page])

    assert click.status_code == 302
    assert click.location == shop.gateway_url(page, "alice", platform)
    [heard] = shop.clicks
    assert (heard["entry"].page, heard["member"]) == (page, shop.members["alice"])
    assert heard["platform"] == platform
    assert accepted(browser, click.location)


@pytest.mark.parametrize(
    ("page", "heading"),
    [("home", "用手机打开保险商城"), ("policy", "用手机查看保单")],
    ids=["home", "policy"],
)
def test_a_pc_hands_a_member_over_to_a_phone_that_is_not_signed_in(
    shop: Shop, page: str, heading: str
) -> None:
    browser = shop.browser(PC, signed_in="alice")

    handoff = browser.get(browser.entries()[page])
    assert (handoff.status_code, title(handoff)) == (200, heading)
    assert not shop.clicks

    phone = shop.browser(PHONE)
    code = qr.read(handoff.text)
    assert code.startswith(f"{shop.address}/xiebao/{page}/")
    scan = phone.get(code)
    assert scan.status_code == 302
    assert scan.location == shop.gateway_url(page, "alice", H5)
    assert [heard["member"] for heard in shop.clicks] == [shop.members["alice"]]
    assert accepted(phone, scan.location)


def test_a_handoff_lets_a_tablet_go_on_by_itself(shop: Shop) -> None:
    browser = shop.browser(PC, signed_in="alice")
    handoff = browser.get(browser.entries()["policy"])
    direct = soup(handoff).find("a", string="我正在用平板或手机，直接打开")
    assert direct is not None
    assert browser.get(str(direct["href"])).location == shop.gateway_url("policy", "alice", H5)
    assert len(shop.clicks) == 1


def test_whoever_scans_a_code_in_a_page_goes_as_themselves(shop: Shop) -> None:
    code = qr.read(shop.browser(PC, signed_in="alice").get("/").text)
    assert code.startswith(f"{shop.address}/xiebao/product/")
    scan = shop.browser(PHONE, signed_in="bob").get(code)
    assert scan.location == shop.gateway_url("product", "bob", H5)


def test_a_payment_comes_back_to_where_the_entry_said(shop: Shop) -> None:
    browser = shop.browser(PHONE, signed_in="alice")

    click = browser.get(browser.entries()["order"])
    assert click.status_code == 302
    assert click.location is not None
    assert accepted(browser, click.location)
    leads_to, _, _ = click.location.partition("&paySuccess=")
    assert leads_to == shop.gateway_url("product", "alice", H5)
    assert paid_url(click).startswith(f"{shop.address}/xiebao/paid/")

    back = browser.get(paid_url(click))
    assert (back.status_code, back.location) == (302, "/orders/8")
    [heard] = shop.returns
    assert heard["member"] == shop.members["alice"]
    assert heard["click_id"] == shop.clicks[0]["click_id"]
    assert heard["same_session"] is True


def test_a_purchase_is_told_to_the_shop(shop: Shop) -> None:
    platform = shop.app.test_client(use_cookies=False)
    headers = {"User-Agent": "Java/1.8.0_202", "Content-Type": "application/json;charset=UTF-8"}
    for body in (PAID, callback(2, key="another key")):
        answer = platform.post("/xiebao/notify", base_url=shop.address, data=body, headers=headers)
        assert answer.mimetype == "application/json"
        assert answer.get_json() == {"state": True} or answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
    assert [(each.insure_num, each.member) for each in shop.told] == [(NUMBER, "101000")]


NOTICES = [
    (401, "请先登录"),
    (403, "这个链接属于另一位会员"),
    (404, "链接无效"),
    (410, "链接已过期"),
]


@pytest.mark.parametrize(("status", "heading"), NOTICES, ids=["401", "403", "404", "410"])
def test_whoever_is_not_let_through_is_told_why(shop: Shop, status: int, heading: str) -> None:
    if status == 410:
        with time_machine.travel(1_000_000_000):
            link = shop.link("policy", member=shop.members["alice"], no_login_for=60)
    else:
        page = "product" if status == 401 else "policy"
        link = shop.browser(PHONE, signed_in="alice").entries()[page]
    if status == 404:
        link = link.replace("/policy/", "/policy/x")
    visitor = shop.browser(PHONE, signed_in="bob" if status == 403 else None)

    notice = visitor.get(link)

    assert (notice.status_code, title(notice)) == (status, heading)
    assert NUMBER not in notice.text
    assert [heard["status"] for heard in shop.refusals] == [status]
    assert not shop.clicks
