"""Tests for ``xiebao_script()``: busy entries, click handlers, and countdowns of handoff pages."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import ShopPage
from tests.browser.support import Demo, DeviceContext, parametrized_fixture, read_qr_code
from tests.browser.test_script import test_double_click_counts_as_one_click

__all__ = ["test_double_click_counts_as_one_click"]

ENTRY = '{{ xiebao_script() }}{{ insurance_entry("QX1", id="entry", target=none) }}'

#: The JavaScript libraries that the test shop's pages load, as a key of ``FRONTENDS``.
frontend = parametrized_fixture("htmx 2", "htmx 4", "turbo", "turbo frame")


def test_entry_is_busy_until_page_is_restored_or_10_seconds_pass(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext]
) -> None:
    page = new_context("iPhone").page
    page.clock.install()
    page.goto(serve_page(ENTRY))
    # Respond with the status 204, because the browser then stays on the page.
    page.route("**/xiebao/product/*", lambda route: route.fulfill(status=204))
    entry = page.locator("#entry")

    for _ in range(2):
        entry.evaluate("entry => entry.click()")
        page.clock.run_for(100)
        expect(entry).to_have_attribute("aria-busy", "true")

        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        expect(entry).not_to_have_attribute("aria-busy", "true")

    entry.evaluate("entry => entry.click()")
    page.clock.run_for(100)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: false}))")
    expect(entry).to_have_attribute("aria-busy", "true")
    page.clock.run_for(11_000)
    expect(entry).not_to_have_attribute("aria-busy", "true")


def test_entry_does_not_stay_busy_if_site_prevents_click(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext]
) -> None:
    page = new_context("iPhone").page
    # The script must ignore that the element around the entry is busy.
    page.goto(serve_page(f'<div aria-busy="true">{ENTRY}</div>'))
    entry = page.locator("#entry")
    entry.evaluate(
        """entry => entry.addEventListener("click", event => {
            event.preventDefault();
            window.clicks = (window.clicks || 0) + 1;
        })"""
    )
    for clicks in (1, 2):
        entry.tap()
        page.wait_for_timeout(100)
        expect(entry).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate("window.clicks") == clicks
        page.wait_for_timeout(500)


@pytest.mark.parametrize(
    "confirm",
    [
        "confirmed = true; entry.click();",
        "setTimeout(() => { confirmed = true; entry.click(); }, 100);",
    ],
    ids=["at once", "later"],
)
def test_script_of_site_can_click_entry_after_confirmation(
    open_shop: Callable[..., ShopPage], confirm: str
) -> None:
    shop = open_shop("iPhone", "plain", script=True)
    shop.log_in_and_open()
    entry = shop.page.locator("#product")
    entry.evaluate(
        """(entry, script) => {
            let confirmed = false;
            const confirm = eval(`() => { ${script} }`);
            entry.addEventListener("click", event => {
                if (confirmed) return;
                event.preventDefault();
                confirm();
            });
        }""",
        confirm,
    )
    entry.tap()
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]


@pytest.mark.parametrize("key", [None, "Enter"], ids=["click", "Enter"])
def test_disabled_entry_is_not_followed(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext], key: str | None
) -> None:
    page = new_context().page
    url = serve_page(ENTRY.replace("target=none", 'target=none, aria_disabled="true"'))
    page.goto(url)
    if key:
        page.locator("#entry").press(key)
    else:
        page.locator("#entry").click(force=True)
    page.wait_for_timeout(200)
    assert page.url == url


def test_entry_can_be_opened_in_new_windows_and_clicked_again(
    open_shop: Callable[..., ShopPage],
) -> None:
    shop = open_shop("desktop", "plain", script=True)
    page, clock = shop.page, shop.page.clock
    clock.install()
    shop.log_in_and_open()
    clock.pause_at(time.time() + 60)
    entry = page.locator("#product")

    for keys in ([], ["Control"], ["Shift"]):
        with shop.context.context.expect_page():
            entry.click(modifiers=keys)  # type: ignore[arg-type]
        clock.run_for(100)
        expect(entry).to_have_attribute("aria-busy", "true")
    clock.run_for(3000)
    expect(entry).not_to_have_attribute("aria-busy", "true")

    for target in (entry, page.locator("#home")):
        with shop.context.context.expect_page():
            target.click()
    shop.wait_for_link_request("home")
    # On a PC, the entry "home" opens a handoff page, which is not counted as a click.
    assert shop.clicks == ["product"] * 4


def open_handoff_page(demo: Demo, visitor: DeviceContext) -> Page:
    """Log in to the demo, open a handoff page, and return the browser page."""
    visitor.log_in(demo.url)
    with demo.app.test_request_context():
        visitor.page.goto(demo.url + demo.xiebao.home_link())
    return visitor.page


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without JavaScript"])
def test_qr_code_disappears_when_it_expires(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext], script: bool
) -> None:
    demo = serve_demo(XIEBAO_HANDOFF_MAX_AGE="4")
    page = open_handoff_page(demo, new_context(java_script_enabled=script))
    code = page.locator(".xiebao-qr")
    assert read_qr_code(code)
    expired = code.get_by_text("二维码已过期")
    expect(expired).to_be_hidden()

    expect(expired).to_be_visible(timeout=9000)

    assert read_qr_code(code) is None
    if script:
        expect(page.get_by_role("alert")).to_have_text("二维码已过期")
    code.get_by_role("link", name="换一个新的二维码").click()
    assert read_qr_code(code)


def test_countdown_includes_time_in_which_device_sleeps(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> None:
    pc = new_context()
    pc.page.clock.install()
    page = open_handoff_page(serve_demo(XIEBAO_HANDOFF_MAX_AGE="301"), pc)
    countdown = page.locator("[data-xiebao-seconds]")
    expect(countdown).to_contain_text("二维码将在 5:0")

    page.clock.fast_forward("02:00")
    expect(countdown).to_contain_text("二维码将在 3:0")

    page.clock.fast_forward("04:00")
    expect(countdown).to_have_text("二维码已过期")
    assert read_qr_code(page.locator(".xiebao-qr")) is None


def test_countdown_ignores_clock_that_is_set_back(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> None:
    page = open_handoff_page(serve_demo(XIEBAO_HANDOFF_MAX_AGE="3"), new_context())
    page.evaluate("(now => Date.now = () => now() - 3_600_000)(Date.now)")
    countdown = page.locator("[data-xiebao-seconds]")
    page.wait_for_timeout(1100)
    expect(countdown).to_contain_text("0:0")
    expect(countdown).to_have_text("二维码已过期", timeout=5000)
