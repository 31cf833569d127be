"""The same journey through the shop with each extension; in `tests/deep`, put together each way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import time_machine

from tests import qr
from tests.ecosystem.shop import DEVICE_HEADERS, H5, ONE_WAY, PC_SITE, Shop, Way, soup, title
from tests.ecosystem.sites import SITES, THEIR_WARNINGS
from tests.support import INSURE_NUM, PC, PHONE, SentSignals, find_href, get_return_link
from tests.vectors import PAID, build_notification

pytestmark = THEIR_WARNINGS


def every_site(*ways: Way) -> Iterable[Any]:
    """Return the shops with each extension, put together in each of these ways, as parameters."""
    for name, build in SITES.items():
        for way in ways:
            yield pytest.param((build, way), id=f"{name}, {way}")


@pytest.fixture(scope="module", params=every_site(ONE_WAY))
def opened(request: pytest.FixtureRequest) -> Iterator[Shop]:
    build, way = request.param
    with ExitStack() as scene:
        yield build(way, scene)


@pytest.fixture
def shop(opened: Shop) -> Shop:
    opened.told.clear()
    return opened


@pytest.mark.parametrize("name", ["alice", None], ids=["member", "nobody"])
@pytest.mark.parametrize(("device", "platform"), [(PHONE, "h5"), (PC, "pc")], ids=["phone", "PC"])
def test_a_page_has_its_entries_and_tells_caches_what_they_have_to_know(
    shop: Shop,
    sent_signals: SentSignals,
    name: str | None,
    device: Mapping[str, str],
    platform: str,
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
    assert not sent_signals


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
    shop: Shop, sent_signals: SentSignals, page: str, device: Mapping[str, str], platform: int
) -> None:
    browser = shop.browser(device, signed_in="alice")

    click = browser.get(browser.entries()[page])

    assert click.status_code == 302
    assert click.location == shop.gateway_url(page, "alice", platform)
    [(signal, said)] = sent_signals
    assert (signal, said["entry"].page, said["member"]) == ("clicked", page, shop.members["alice"])
    assert said["platform"] == platform
    # The simulator is a part of the site.
    gateway = browser.get(click.location, {"Accept": "application/json"})
    assert gateway.get_json()["accepted"]


@pytest.mark.parametrize(
    ("page", "heading"),
    [("home", "用手机打开保险商城"), ("policy", "用手机查看保单")],
    ids=["home", "policy"],
)
def test_a_pc_hands_a_member_over_to_a_phone_that_is_not_signed_in_or_to_a_tablet(
    shop: Shop, sent_signals: SentSignals, page: str, heading: str
) -> None:
    browser = shop.browser(PC, signed_in="alice")

    handoff = browser.get(browser.entries()[page])
    assert (handoff.status_code, title(handoff)) == (200, heading)
    assert not sent_signals

    code = qr.read(handoff.text)
    assert code.startswith(f"{shop.address}/xiebao/{page}/")
    scan = shop.browser(PHONE).get(code)
    assert scan.location == shop.gateway_url(page, "alice", H5)
    tablet = browser.get(find_href(handoff, "我正在用平板或手机，直接打开"))
    assert tablet.location == scan.location
    assert [said["member"] for _, said in sent_signals] == [shop.members["alice"]] * 2


def test_whoever_scans_a_code_in_a_page_goes_as_themselves(shop: Shop) -> None:
    code = qr.read(shop.browser(PC, signed_in="alice").get("/").text)
    assert code.startswith(f"{shop.address}/xiebao/product/")
    scan = shop.browser(PHONE, signed_in="bob").get(code)
    assert scan.location == shop.gateway_url("product", "bob", H5)


def test_a_payment_comes_back_to_where_the_entry_said(
    shop: Shop, sent_signals: SentSignals
) -> None:
    browser = shop.browser(PHONE, signed_in="alice")

    click = browser.get(browser.entries()["order"])
    paid = get_return_link(click)
    assert click.location.partition("&paySuccess=")[0] == shop.gateway_url("product", "alice", H5)
    assert paid.startswith(f"{shop.address}/xiebao/paid/")

    back = browser.get(paid)
    assert (back.status_code, back.location) == (302, "/orders/8")
    [(_, clicked), (signal, returned)] = sent_signals
    assert (signal, returned["member"]) == ("returned", shop.members["alice"])
    assert returned["click_id"] == clicked["click_id"]
    assert returned["same_session"] is True


def test_a_purchase_is_told_to_the_shop(shop: Shop) -> None:
    platform = shop.app.test_client(use_cookies=False)
    headers = {"User-Agent": "Java/1.8.0_202", "Content-Type": "application/json;charset=UTF-8"}
    for body in (PAID, build_notification(2, key="another key")):
        answer = platform.post("/xiebao/notify", base_url=shop.address, data=body, headers=headers)
        assert answer.mimetype == "application/json"
        assert answer.get_json() == {"state": True} or answer.status_code == 403
        assert "Set-Cookie" not in answer.headers
    assert [(each.insure_num, each.member) for each in shop.told] == [(INSURE_NUM, "101000")]


NOTICES = {
    401: "请先登录",
    403: "这个链接属于另一位会员",
    404: "链接无效",
    410: "链接已过期",
}


@pytest.mark.parametrize(("status", "heading"), NOTICES.items(), ids=map(str, NOTICES))
def test_whoever_is_not_let_through_is_told_why(
    shop: Shop, sent_signals: SentSignals, status: int, heading: str
) -> None:
    entries = shop.browser(PHONE, signed_in="alice").entries()
    with time_machine.travel(1_000_000_000, tick=False):
        expired = shop.link("policy", member=shop.members["alice"], no_login_for=60)
    links = {
        401: entries["product"],
        403: entries["policy"],
        404: entries["policy"].replace("/policy/", "/policy/x"),
        410: expired,
    }
    visitor = shop.browser(PHONE, signed_in="bob" if status == 403 else None)

    notice = visitor.get(links[status])

    assert (notice.status_code, title(notice)) == (status, heading)
    assert INSURE_NUM not in notice.text
    assert [(signal, said["status"]) for signal, said in sent_signals] == [("refused", status)]
