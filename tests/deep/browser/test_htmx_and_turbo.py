"""Tests for insurance entries with HTMX or Turbo: all frontends, new tabs, login and refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.shop import FRONTENDS, ShopPage, assert_loaded_by_browser
from tests.browser.support import MEMBER, parametrized_fixture
from tests.browser.test_htmx_and_turbo import (
    HOVER_TIME,
    TESTED_HERE,
    test_each_tap_is_one_click_and_opens_gateway_page,
    test_hover_is_no_click_and_next_click_counts_once,
)
from tests.deep.browser.service_workers import add_service_workers, register_service_worker
from tests.support import SentSignals

__all__ = [
    "test_each_tap_is_one_click_and_opens_gateway_page",
    "test_hover_is_no_click_and_next_click_counts_once",
]

#: The JavaScript libraries that the test shop's pages load, as a key of ``FRONTENDS``.
frontend = parametrized_fixture(*sorted(FRONTENDS.keys() - {*TESTED_HERE}))

#: The frontends with HTMX or Turbo, each with and without a target element for the loaded content.
FRAMEWORKS = (
    *("htmx 2", "htmx 2 with target", "htmx 4", "htmx 4 with target"),
    *("turbo", "turbo frame"),
)

frontends_and_workers = pytest.mark.parametrize(
    ("frontend", "worker"),
    [*((frontend, None) for frontend in FRAMEWORKS), ("plain", "replaces headers")],
)


def click_and_log_in(shop: ShopPage) -> None:
    """Click an insurance entry, log in on the next page, and assert that one click was counted."""
    shop.tap_or_click("product")
    shop.page.get_by_label("会员").fill(MEMBER)
    shop.context.tap_or_click(shop.page.get_by_role("button", name="登录"))
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]


@pytest.mark.parametrize("frontend", ["htmx 2 with preload", "htmx 4", "turbo frame"])
def test_click_that_opens_new_tab_counts_once(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    shop = open_shop("desktop", frontend)
    shop.log_in_and_open()
    shop.page.hover("#product")
    shop.page.wait_for_timeout(HOVER_TIME)
    assert shop.clicks == []

    tab = shop.context.tap_or_click(shop.page.locator("#product"), new_tab=True)

    shop.assert_arrived("product", tab)
    assert shop.clicks == ["product"]
    expect(shop.page.locator("h1")).to_have_text("商店")


@frontends_and_workers
def test_visitor_logs_in_pays_and_returns_to_shop(
    open_shop: Callable[..., ShopPage], sent_signals: SentSignals, frontend: str, worker: str | None
) -> None:
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True, extend=add_service_workers)
    shop.page.goto(f"{shop.url}/start")
    register_service_worker(shop.page, worker)
    shop.context.tap_or_click(shop.page.get_by_role("link", name="去商店"))

    click_and_log_in(shop)
    shop.context.tap_or_click(shop.page.get_by_role("button", name="支付成功"))

    expect(shop.page.locator("h1")).to_have_text("欢迎回来")
    assert shop.page.url == f"{shop.url}/insured"
    signals = [signal for signal, _ in sent_signals if signal != "refused"]
    assert signals == ["clicked", "returned"]


@frontends_and_workers
def test_refused_click_loads_full_page_and_next_click_counts_once(
    open_shop: Callable[..., ShopPage], sent_signals: SentSignals, frontend: str, worker: str | None
) -> None:
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True, extend=add_service_workers)
    shop.log_in_and_open()
    register_service_worker(shop.page, worker)

    shop.tap_or_click("other-member")

    expect(shop.page.locator("h1")).to_have_text(["这个链接属于另一位会员"])
    assert_loaded_by_browser(shop.page)
    shop.context.assert_status_in_console(403)
    assert [(signal, values["status"]) for signal, values in sent_signals] == [("refused", 403)]

    shop.go_back()
    shop.tap_or_click("product")
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]


@pytest.mark.parametrize("frontend", ["htmx 2", "htmx 4"])
def test_button_with_hx_get_opens_gateway_page(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True)
    shop.log_in_and_open()
    shop.tap_or_click("button")
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]


@pytest.mark.parametrize("frontend", ["plain", "htmx 4", "turbo frame"])
def test_entry_in_iframe_opens_gateway_page_in_iframe(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    html = "<!doctype html><title>商店</title><iframe src='/' title='商店'></iframe>"
    shop = open_shop(
        "iPhone", frontend, extend=lambda app: app.add_url_rule("/framed", "framed", lambda: html)
    )
    shop.log_in_and_open("/framed")

    frame = shop.page.frame_locator("iframe")
    frame.locator("#product").tap()

    expect(frame.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")
    assert shop.clicks == ["product"]
    assert shop.page.url == f"{shop.url}/framed"
