"""Tests for entries, clicks, payments and notifications in shops with other Flask extensions.

The shops are in ``sites.py``. ``tests/deep/test_ecosystem.py`` repeats the tests with each
``AppSetup``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import time_machine

from tests import qr
from tests.ecosystem.shop import (
    DEFAULT_SETUP,
    DEVICE_HEADERS,
    H5_PLATFORM,
    PC_PLATFORM,
    AppSetup,
    Shop,
    get_title,
    parse_page,
)
from tests.ecosystem.sites import SITES
from tests.support import INSURE_NUM, PC, PHONE, SentSignals, find_href, get_return_link
from tests.vectors import PAID, build_notification


def build_shop_params(*setups: AppSetup) -> list[Any]:
    """Return parameters for the fixture ``shop``: each row of ``SITES`` with each ``AppSetup``."""
    return [
        pytest.param((create_shop, setup), id=f"{name}, {setup}")
        for name, create_shop in SITES.items()
        for setup in setups
    ]


def open_shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Create the test shop that a parameter specifies. All tests of a module share this shop."""
    create_shop, setup = request.param
    with ExitStack() as stack:
        yield create_shop(setup, stack)


#: A fixture with a test shop. Each test runs once per row of ``SITES``.
shop = pytest.fixture(open_shop, scope="module", params=build_shop_params(DEFAULT_SETUP))


@pytest.mark.parametrize("name", ["alice", None], ids=["logged in", "logged out"])
@pytest.mark.parametrize(("device", "platform"), [(PHONE, "h5"), (PC, "pc")], ids=["phone", "PC"])
def test_page_has_entries_and_cache_headers(
    shop: Shop,
    sent_signals: SentSignals,
    name: str | None,
    device: Mapping[str, str],
    platform: str,
) -> None:
    page = shop.open_browser(device, name).get("/")

    assert page.status_code == 200
    entries = {entry["id"]: entry for entry in parse_page(page).select("a.xiebao-entry")}
    assert entries.keys() == {"product", "order", "home"} | ({"policy"} if name else set())
    for id, entry in entries.items():
        assert entry["data-xiebao-entry"] == ("product" if id == "order" else id)
        assert str(entry["href"]).startswith(f"/xiebao/{entry['data-xiebao-entry']}/")
    assert ("private" in page.headers.get("Cache-Control", "")) == (name is not None)
    if shop.app.config.get("XIEBAO_DEVICE_MARKUP", True):
        assert {entry["data-xiebao-platform"] for entry in entries.values()} == {platform}
        assert set(page.vary) >= DEVICE_HEADERS
    assert not sent_signals


@pytest.mark.parametrize(
    ("page", "device", "platform"),
    [
        ("product", PHONE, H5_PLATFORM),
        ("product", PC, PC_PLATFORM),
        ("home", PHONE, H5_PLATFORM),
        ("policy", PHONE, H5_PLATFORM),
    ],
    ids=["product, phone", "product, PC", "home, phone", "policy, phone"],
)
def test_click_redirects_to_gateway(
    shop: Shop, sent_signals: SentSignals, page: str, device: Mapping[str, str], platform: int
) -> None:
    browser = shop.open_browser(device, "alice")

    click = browser.get(browser.get_links()[page])

    assert click.status_code == 302
    assert click.location == shop.get_gateway_url(page, "alice", platform)
    [(signal, values)] = sent_signals
    assert (signal, values["entry"].page) == ("clicked", page)
    assert (values["member"], values["platform"]) == (shop.members["alice"], platform)
    # The shop also serves the gateway simulator, so the test client can open the gateway URL.
    verdict = browser.get(click.location, headers={"Accept": "application/json"})
    assert verdict.get_json()["accepted"]


@pytest.mark.parametrize(
    ("page", "title"),
    [("home", "用手机打开保险商城"), ("policy", "用手机查看保单")],
    ids=["home", "policy"],
)
def test_handoff_page_identifies_member_on_phone_and_tablet(
    shop: Shop, sent_signals: SentSignals, page: str, title: str
) -> None:
    browser = shop.open_browser(PC, "alice")

    handoff = browser.get(browser.get_links()[page])
    assert (handoff.status_code, get_title(handoff)) == (200, title)
    assert not sent_signals

    url = qr.read(handoff.text)
    assert url.startswith(f"{shop.base_url}/xiebao/{page}/")
    logged_out_phone = shop.open_browser(PHONE)
    expected = shop.get_gateway_url(page, "alice", H5_PLATFORM)
    assert logged_out_phone.get(url).location == expected
    tablet = browser.get(find_href(handoff, "我正在用平板或手机，直接打开"))
    assert tablet.location == expected
    assert [values["member"] for _, values in sent_signals] == [shop.members["alice"]] * 2


def test_qr_code_on_page_uses_login_of_scanning_phone(shop: Shop) -> None:
    url = qr.read(shop.open_browser(PC, "alice").get("/").text)
    assert url.startswith(f"{shop.base_url}/xiebao/product/")
    click = shop.open_browser(PHONE, "bob").get(url)
    assert click.location == shop.get_gateway_url("product", "bob", H5_PLATFORM)


def test_return_link_redirects_to_return_url_of_entry(
    shop: Shop, sent_signals: SentSignals
) -> None:
    browser = shop.open_browser(PHONE, "alice")

    click = browser.get(browser.get_links()["order"])
    gateway_url, _, _ = click.location.partition("&paySuccess=")
    assert gateway_url == shop.get_gateway_url("product", "alice", H5_PLATFORM)
    return_link = get_return_link(click)
    assert return_link.startswith(f"{shop.base_url}/xiebao/paid/")

    response = browser.get(return_link)
    assert (response.status_code, response.location) == (302, "/orders/8")
    [(_, clicked), (signal, returned)] = sent_signals
    assert (signal, returned["member"]) == ("returned", shop.members["alice"])
    assert returned["click_id"] == clicked["click_id"]
    assert returned["same_session"] is True


def test_handler_receives_only_notifications_with_valid_signature(shop: Shop) -> None:
    shop.notifications.clear()
    gateway = shop.app.test_client(use_cookies=False)
    headers = {"User-Agent": "Java/1.8.0_202", "Content-Type": "application/json;charset=UTF-8"}
    for body in (PAID, build_notification(2, key="another key")):
        response = gateway.post(
            "/xiebao/notify", base_url=shop.base_url, data=body, headers=headers
        )
        assert response.mimetype == "application/json"
        assert response.get_json() == {"state": True} or response.status_code == 403
        assert "Set-Cookie" not in response.headers
    [notification] = shop.notifications
    assert (notification.insure_num, notification.member) == (INSURE_NUM, "101000")


#: One row per refused click: the status of the response, and the title of the page.
REFUSALS = {
    401: "请先登录",
    403: "这个链接属于另一位会员",
    404: "链接无效",
    410: "链接已过期",
}


@pytest.mark.parametrize(("status", "title"), REFUSALS.items(), ids=map(str, REFUSALS))
def test_refused_click_shows_page_with_reason(
    shop: Shop, sent_signals: SentSignals, status: int, title: str
) -> None:
    links = shop.open_browser(PHONE, "alice").get_links()
    with time_machine.travel(1_000_000_000, tick=False):
        expired = shop.make_link("policy", member=shop.members["alice"], no_login_for=60)
    refused_links = {
        401: links["product"],
        403: links["policy"],
        404: links["policy"].replace("/policy/", "/policy/x"),
        410: expired,
    }
    browser = shop.open_browser(PHONE, "bob" if status == 403 else None)

    response = browser.get(refused_links[status])

    assert (response.status_code, get_title(response)) == (status, title)
    assert INSURE_NUM not in response.text
    assert [(signal, values["status"]) for signal, values in sent_signals] == [("refused", status)]
