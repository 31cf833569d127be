"""What the script adds: a busy entry, what a site does beside it, and a countdown."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.frameworks import Shopper
from tests.browser.harness import Demos, Visit, Visits, one_of, scan
from tests.browser.test_script import test_a_double_click_is_one

__all__ = ["test_a_double_click_is_one"]

MakePage = Callable[..., str]
Send = Callable[..., Shopper]

ENTRY = '{{ xiebao_script() }}{{ insurance_entry("QX1", id="entry", target=none) }}'


build = one_of("htmx 2", "htmx 4", "turbo", "turbo, frame")


def test_an_entry_is_busy_until_the_page_leaves_is_back_or_was_stopped(
    make_page: MakePage, visit: Visits
) -> None:
    page = visit("iPhone").page
    page.clock.install()
    page.goto(make_page(ENTRY))
    # Somebody stops the page, which does not come.
    page.route("**/xiebao/product/*", lambda route: route.fulfill(status=204))
    entry = page.locator("#entry")
    for _ in range(2):
        entry.evaluate("entry => entry.click()")
        page.clock.run_for(100)
        expect(entry).to_have_attribute("aria-busy", "true")
        # The browser shows the page that it had kept.
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        expect(entry).not_to_have_attribute("aria-busy", "true")
    entry.evaluate("entry => entry.click()")
    page.clock.run_for(100)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: false}))")
    expect(entry).to_have_attribute("aria-busy", "true")
    page.clock.run_for(11_000)
    expect(entry).not_to_have_attribute("aria-busy", "true")


def test_a_site_that_prevents_a_click_keeps_its_say(make_page: MakePage, visit: Visits) -> None:
    page = visit("iPhone").page
    # What is around it is busy for another reason.
    page.goto(make_page(f'<div aria-busy="true">{ENTRY}</div>'))
    entry = page.locator("#entry")
    entry.evaluate(
        """entry => entry.addEventListener("click", event => {
            event.preventDefault();
            window.notifications = (window.notifications || 0) + 1;
        })"""
    )
    for times in (1, 2):
        entry.tap()
        page.wait_for_timeout(100)
        expect(entry).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate("window.notifications") == times
        page.wait_for_timeout(500)


#: What a site asks before it lets anybody go: at once, or after a while.
ASKS = {
    "at once": "going = true; entry.click();",
    "a server": "setTimeout(() => { going = true; entry.click(); }, 100);",
}


@pytest.mark.parametrize("asks", ASKS)
def test_a_site_may_ask_something_and_click_the_entry_itself(send: Send, asks: str) -> None:
    shopper = send("iPhone", "nothing", script=True)
    shopper.enter()
    entry = shopper.page.locator("#product")
    entry.evaluate(
        """(entry, asks) => {
            let going = false;
            const ask = eval(`() => { ${asks} }`);
            entry.addEventListener("click", event => {
                if (going) return;
                event.preventDefault();
                ask();
            });
        }""",
        ASKS[asks],
    )
    entry.tap()
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]


@pytest.mark.parametrize("key", ["", "Enter"], ids=["click", "Enter"])
def test_what_is_disabled_is_not_followed(make_page: MakePage, visit: Visits, key: str) -> None:
    page = visit().page
    address = make_page(ENTRY.replace("target=none", 'target=none, aria_disabled="true"'))
    page.goto(address)
    if key:
        page.locator("#entry").press(key)
    else:
        page.locator("#entry").click(force=True)
    page.wait_for_timeout(200)
    assert page.url == f"{address}/"


def test_who_wants_more_windows_gets_them_and_an_entry_can_be_followed_again(send: Send) -> None:
    shopper = send("desktop", "nothing", script=True)
    page, clock = shopper.page, shopper.page.clock
    clock.install()
    shopper.enter()
    clock.pause_at(time.time() + 60)
    entry = page.locator("#product")
    for keys in ([], ["Control"], ["Shift"]):
        with shopper.visit.context.expect_page():
            entry.click(modifiers=keys)  # type: ignore[arg-type]
        clock.run_for(100)
        expect(entry).to_have_attribute("aria-busy", "true")
    clock.run_for(3000)
    expect(entry).not_to_have_attribute("aria-busy", "true")
    for each in (entry, page.locator("#home")):
        with shopper.visit.context.expect_page():
            each.click()
    shopper.wait_for_answer("home")
    assert shopper.clicks == ["product"] * 4  # a PC gets a code for the other


def open_handoff(demos: Demos, person: Visit, seconds: int) -> None:
    demo = demos(XIEBAO_HANDOFF_MAX_AGE=str(seconds))
    person.sign_in(demo.address)
    with demo.app.test_request_context():
        person.page.goto(demo.address + demo.xiebao.home_link())


@pytest.mark.parametrize("script", [True, False], ids=["with the script", "without scripts"])
def test_a_code_whose_time_is_over_is_gone_and_the_page_says_so(
    demos: Demos, visit: Visits, script: bool
) -> None:
    person = visit(java_script_enabled=script)
    open_handoff(demos, person, 4)
    code = person.page.locator(".xiebao-qr")
    assert scan(code)
    expired = code.get_by_text("二维码已过期")
    expect(expired).to_be_hidden()
    expect(expired).to_be_visible(timeout=9000)
    assert scan(code) is None
    if script:
        expect(person.page.get_by_role("alert")).to_have_text("二维码已过期")
    code.get_by_role("link", name="换一个新的二维码").click()
    assert scan(code)


def test_a_handoff_counts_down_by_the_clock_on_the_wall(demos: Demos, visit: Visits) -> None:
    person = visit()
    person.page.clock.install()
    open_handoff(demos, person, 301)
    left = person.page.locator("[data-xiebao-seconds]")
    expect(left).to_contain_text("二维码将在 5:0")
    person.page.clock.fast_forward("02:00")  # a device that slept
    expect(left).to_contain_text("二维码将在 3:0")
    person.page.clock.fast_forward("04:00")
    expect(left).to_have_text("二维码已过期")
    assert scan(person.page.locator(".xiebao-qr")) is None


def test_a_clock_that_is_set_back_makes_no_code_live_longer(demos: Demos, visit: Visits) -> None:
    person = visit()
    page = person.page
    open_handoff(demos, person, 3)
    page.evaluate("(now => Date.now = () => now() - 3_600_000)(Date.now)")
    left = page.locator("[data-xiebao-seconds]")
    page.wait_for_timeout(1100)
    expect(left).to_contain_text("0:0")
    expect(left).to_have_text("二维码已过期", timeout=5000)
