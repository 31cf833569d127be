"""What the script adds: one click is one, a busy entry, and a handoff that counts down."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.frameworks import Seen, Shop
from tests.browser.harness import Demos, Visit, Visits

MakePage = Callable[..., str]
Shops = Callable[..., Shop]

FRAMEWORKS = ("nothing", "htmx 2", "htmx 4", "turbo", "turbo, frame")
ENTRY = '{{ xiebao_script() }}{{ insurance_entry("QX1", id="entry", target=none) }}'


def enter(shop: Shop, visit: Visit) -> Seen:
    """Go to a shop as a member whom nobody knows yet; return what the shop sees of them."""
    member = f"m_{secrets.token_hex(6)}"
    visit.sign_in(shop.address, member)
    visit.page.goto(shop.address)
    return shop.seen[member]


def wait_for(seen: Seen, clicks: int) -> None:
    deadline = time.monotonic() + 10
    while len(seen.clicks) < clicks:
        assert time.monotonic() < deadline, seen.clicks
        time.sleep(0.02)
    time.sleep(0.3)  # for one too many to come


@pytest.mark.parametrize("build", FRAMEWORKS)
def test_a_double_click_is_one(shops: Shops, visit: Visits, build: str) -> None:
    person = visit("desktop")  # on phones the page has often left before the second tap
    seen = enter(shops(build, script=True), person)
    entry = person.page.locator("#product").bounding_box()
    assert entry is not None
    person.page.mouse.dblclick(entry["x"] + 8, entry["y"] + 8)
    wait_for(seen, clicks=1)
    assert seen.clicks == ["product"]
    person.close()
    person.troubles.clear()  # Turbo tells the console that it leaves


def test_each_entry_can_be_followed_and_again_later(shops: Shops, visit: Visits) -> None:
    person = visit()
    seen = enter(shops("nothing", script=True), person)
    for clicks in (1, 2):
        with person.context.expect_page():
            person.page.click("#product")
        wait_for(seen, clicks)
        expect(person.page.locator("#product")).not_to_have_attribute("aria-busy", "true")
    with person.context.expect_page():
        person.page.click("#home")


#: Clicks an entry; whether it is busy then, and once browsers show the page that they had kept.
CLICK = """async entry => {
    entry.click();
    await new Promise(done => setTimeout(done, 50));
    const busy = [entry.ariaBusy];
    dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
    return [...busy, entry.ariaBusy];
}"""


def never_arrive(page: Page) -> None:
    """Have links of the site lead nowhere, as when somebody stops a page that does not come."""
    page.route("**/xiebao/product/*", lambda route: route.fulfill(status=204))


def test_an_entry_is_busy_until_the_page_leaves_and_not_when_it_is_back(
    make_page: MakePage, visit: Visits
) -> None:
    page = visit("iPhone").page
    page.goto(make_page(ENTRY))
    never_arrive(page)
    assert page.locator("#entry").evaluate(CLICK) == ["true", None]
    assert page.locator("#entry").evaluate(CLICK) == ["true", None]


def test_who_stops_a_page_that_does_not_come_can_click_again(
    make_page: MakePage, visit: Visits
) -> None:
    page = visit("iPhone").page
    page.clock.install()
    page.goto(make_page(ENTRY))
    never_arrive(page)
    entry = page.locator("#entry")
    entry.evaluate("entry => entry.click()")
    page.clock.run_for(100)
    expect(entry).to_have_attribute("aria-busy", "true")
    page.clock.run_for(11_000)
    expect(entry).not_to_have_attribute("aria-busy", "true")


def test_a_site_that_prevents_a_click_keeps_its_say(make_page: MakePage, visit: Visits) -> None:
    page = visit("iPhone").page
    page.goto(make_page(ENTRY))
    page.evaluate(
        "document.querySelector('#entry').addEventListener('click', event => {"
        " event.preventDefault(); window.heard = (window.heard || 0) + 1; })"
    )
    entry = page.locator("#entry")
    for times in (1, 2):
        entry.tap()
        expect(entry).not_to_have_attribute("aria-busy", "true")
        assert page.evaluate("window.heard") == times
        page.wait_for_timeout(600)


#: What a site asks before it lets anybody go: at once, or after a while.
ASKS = {
    "at once": "going = true; entry.click();",
    "a server": "setTimeout(() => { going = true; entry.click(); }, 100);",
}


@pytest.mark.parametrize("asks", ASKS)
def test_a_site_may_ask_something_and_click_the_entry_itself(
    shops: Shops, visit: Visits, asks: str
) -> None:
    person = visit("iPhone")
    seen = enter(shops("nothing", script=True), person)
    entry = person.page.locator("#product")
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
    wait_for(seen, clicks=1)
    assert seen.clicks == ["product"]


def test_a_part_of_a_page_that_is_busy_for_another_reason_is_none_of_an_entrys(
    make_page: MakePage, visit: Visits
) -> None:
    page = visit("iPhone").page
    page.goto(make_page(f'<div aria-busy="true">{ENTRY}</div>'))
    entry = page.locator("#entry")
    entry.evaluate("entry => entry.addEventListener('click', event => event.preventDefault())")
    entry.tap()
    page.wait_for_timeout(100)
    expect(entry).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_what_is_disabled_is_not_followed(make_page: MakePage, visit: Visits, how: str) -> None:
    page = visit().page
    address = make_page(ENTRY.replace("target=none", 'target=none, aria_disabled="true"'))
    page.goto(address)
    if how == "click":
        page.locator("#entry").click(force=True)
    else:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert page.url == f"{address}/"


def test_who_wants_two_windows_gets_two(shops: Shops, visit: Visits) -> None:
    person = visit()
    seen = enter(shops("nothing", script=True), person)
    for _ in range(2):
        with person.context.expect_page():
            person.page.click("#product", modifiers=["Control"])
    wait_for(seen, clicks=2)


def test_another_window_can_be_had_of_an_entry_that_is_busy(shops: Shops, visit: Visits) -> None:
    person = visit()
    seen = enter(shops("nothing", script=True), person)
    with person.context.expect_page():
        person.page.click("#product")
    expect(person.page.locator("#product")).to_have_attribute("aria-busy", "true")
    with person.context.expect_page():
        person.page.click("#product", modifiers=["Control"])
    wait_for(seen, clicks=2)


def code_in(page: Page) -> str | None:
    """Return what a camera reads off the handoff."""
    picture = Image.open(io.BytesIO(page.locator(".xiebao-qr").screenshot()))
    codes = zxingcpp.read_barcodes(picture)
    return codes[0].text if codes else None


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
    open_handoff(demos, person, 2)
    assert code_in(person.page)
    expired = person.page.locator(".xiebao-qr text")
    expect(expired).to_be_hidden()
    expect(expired).to_be_visible(timeout=5000)
    expect(expired).to_have_text("二维码已过期")
    assert code_in(person.page) is None
    if script:
        expect(person.page.get_by_role("alert")).to_have_text("二维码已过期")
    person.page.get_by_role("link", name="换一个新的二维码").click()
    assert code_in(person.page)


def test_a_handoff_counts_down_by_the_clock_on_the_wall(demos: Demos, visit: Visits) -> None:
    person = visit()
    person.page.clock.install()
    open_handoff(demos, person, 301)
    left = person.page.locator("[data-xiebao-seconds]")
    expect(left).to_contain_text("二维码还有 5:0")
    person.page.clock.fast_forward("02:00")  # a device that slept
    expect(left).to_contain_text("二维码还有 3:0")
    person.page.clock.fast_forward("04:00")
    expect(left).to_have_text("二维码已过期")
    assert code_in(person.page) is None


def test_a_clock_that_is_set_back_makes_no_code_live_longer(demos: Demos, visit: Visits) -> None:
    person = visit()
    page = person.page
    open_handoff(demos, person, 3)
    page.evaluate("(now => Date.now = () => now() - 3_600_000)(Date.now)")
    left = page.locator("[data-xiebao-seconds]")
    page.wait_for_timeout(1100)
    expect(left).to_contain_text("0:0")
    expect(left).to_have_text("二维码已过期", timeout=5000)
