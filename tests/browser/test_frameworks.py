"""Entries in pages that HTMX or Turbo takes care of: one tap is one click, nothing else is any."""

from __future__ import annotations

import contextlib
import functools
import secrets
import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.frameworks import BUILDS, WORKERS, Seen, Shop
from tests.browser.harness import HANDOFFS, Visit, Visits, expect_accepted, press

Shops = Callable[..., Shop]
Send = Callable[..., "Shopper"]

#: Device: the platform that the gateway is told.
DEVICES = {"iPhone": "1", "desktop": "2"}

#: Each framework, without a frame and with one.
FRAMEWORKS = ("htmx 2", "htmx 2, container", "htmx 4", "htmx 4, container", "turbo", "turbo, frame")

#: For how many milliseconds a mouse rests on an entry.
DWELL = 600

#: What Turbo tells the console when a page asks to be visited as a whole.
TOLD_BY_TURBO = "is performing a full page visit due to turbo-visit-control"

every_build = pytest.mark.parametrize("build", BUILDS)
every_framework = pytest.mark.parametrize("build", FRAMEWORKS)
every_framework_and_a_worker = pytest.mark.parametrize(
    ("build", "worker"),
    [*[(build, None) for build in FRAMEWORKS], ("nothing", "replaces the headers")],
)


class Shopper:
    """A member whom no other test knows, with a device, in a shop."""

    def __init__(self, shop: Shop, visit: Visit, device: str) -> None:
        self.shop = shop
        self.visit = visit
        self.device = device
        self.page = visit.page
        self.member = f"m_{secrets.token_hex(6)}"

    @property
    def seen(self) -> Seen:
        """What the shop saw of them."""
        return self.shop.seen[self.member]

    def enter(self, path: str = "/", *, worker: str | None = None) -> None:
        """Sign in and go to the shop; from there on a service worker may answer."""
        self.visit.sign_in(self.shop.address, self.member)
        self.page.goto(self.shop.address + path)
        if worker is not None:
            install(self.page, worker)

    def press(self, entry: str) -> None:
        """Click or tap on an entry."""
        press(self.visit, self.page.locator(f"#{entry}"))

    def expect_arrival(self, entry: str, page: Page | None = None) -> None:
        """Expect that the page is the one to which the entry leads."""
        page = page or self.page
        if self.device == "desktop" and entry in HANDOFFS:
            expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
        else:
            page.wait_for_url("**/dispatch/**", wait_until="commit")
            expect_accepted(page, entry, DEVICES[self.device], self.member)
        expect_no_framework(page)

    def wait_for_answer(self, entry: str) -> None:
        """Wait until the shop has answered a link, which no page needs to show."""
        deadline = time.monotonic() + 10
        while entry not in [answer.page for answer in self.seen.answers]:
            assert time.monotonic() < deadline, f"nobody asked for {entry}"
            time.sleep(0.01)

    def go_back(self) -> None:
        """Go back to the shop, as people do who look around."""
        self.page.wait_for_load_state()
        self.page.go_back(wait_until="commit")
        expect(self.page.locator("h1")).to_have_text("商店")
        self.page.wait_for_load_state()


@pytest.fixture
def send(shops: Shops, visit: Visits) -> Iterator[Callable[..., Shopper]]:
    """Return a maker of shoppers: a device, how the shop is built, and options of the shop."""
    visits = []

    def start(device: str, build: str, **options: bool) -> Shopper:
        visits.append(visit(device))
        return Shopper(shops(build, **options), visits[-1], device)

    yield start
    for each in visits:
        each.troubles = [told for told in each.troubles if TOLD_BY_TURBO not in told]


def install(page: Page, worker: str) -> None:
    """Install a service worker, and wait until it answers for this page."""
    page.evaluate(
        """async worker => {
          const {serviceWorker} = navigator;
          const inCharge = new Promise(done => serviceWorker.oncontrollerchange = done);
          await serviceWorker.register(`/worker/${worker}`, {scope: "/"});
          await inCharge;
        }""",
        worker,
    )


def expect_no_framework(page: Page) -> None:
    """Expect a page that the browser opened, and not one that was put into a page of the shop."""
    assert page.evaluate("typeof htmx + typeof Turbo") == "undefined" * 2


@every_build
def test_one_tap_is_one_click_and_arrives(send: Send, build: str) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.enter()
    clicks = []
    for entry in ("product", "home", "policy", "product"):
        shopper.press(entry)
        shopper.expect_arrival(entry)
        clicks.append(entry)
        assert shopper.seen.clicks == clicks
        shopper.go_back()
    shopper.page.go_forward()
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == clicks
    # Had the framework left the entries to the browser, this would show nothing.
    assert any(answer.to_framework for answer in shopper.seen.answers) == (build != "nothing")


@every_build
def test_a_hover_is_no_click_and_adds_none(send: Send, build: str) -> None:
    # Turbo fetches no link ahead that has a target, and on a PC device markup gives it one.
    shopper = send("desktop", build, device_markup=False)
    shopper.enter()
    page = shopper.page
    # One entry is left again. On the other the mouse stays: the click may get the hover's answer.
    for entry in ("home", "product"):
        page.hover("h1")
        page.hover(f"#{entry}")
        page.wait_for_timeout(DWELL)
        if BUILDS[build].on_hover:
            shopper.wait_for_answer(entry)
        assert shopper.seen.clicks == []
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]
    shopper.go_back()
    shopper.press("home")
    shopper.expect_arrival("home")
    assert shopper.seen.clicks == ["product"]
    assert any(answer.to_framework for answer in shopper.seen.answers) == (build != "nothing")


@pytest.mark.parametrize("build", ["htmx 2, preload", "htmx 4", "turbo, frame"])
def test_an_entry_that_opens_a_tab_is_one_click(send: Send, build: str) -> None:
    shopper = send("desktop", build)
    shopper.enter()
    entry = shopper.page.locator("#product")
    entry.hover()
    shopper.page.wait_for_timeout(DWELL)
    assert shopper.seen.clicks == []
    tab = press(shopper.visit, entry, new_tab=True)
    shopper.expect_arrival("product", tab)
    assert shopper.seen.clicks == ["product"]
    expect(shopper.page.locator("h1")).to_have_text("商店")


@pytest.mark.parametrize(
    ("device", "build", "worker"),
    [
        *[("iPhone", "nothing", worker) for worker in WORKERS],
        *[("iPhone", build, "passes on") for build in FRAMEWORKS],
        *[("desktop", build, "bypasses the cache") for build in FRAMEWORKS],
        *[("iPhone", build, "replaces the headers") for build in ("htmx 4", "turbo, frame")],
    ],
)
def test_one_tap_is_one_click_behind_a_service_worker(
    send: Send, device: str, build: str, worker: str
) -> None:
    shopper = send(device, build, gateway_elsewhere=True)
    shopper.enter("/?target=_self", worker=worker)
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]
    shopper.go_back()


@pytest.mark.parametrize(
    ("ahead", "worker"),
    [
        (ahead, worker)
        for ahead in ("link", "prefetch", "prerender")
        for worker in (None, "passes on", "bypasses the cache", "adds a header")
    ],
)
def test_what_the_browser_fetches_ahead_is_no_click(
    send: Send, ahead: str, worker: str | None
) -> None:
    shopper = send("desktop", "nothing")
    shopper.enter(worker=worker)
    assert shopper.seen.answers == []
    shopper.page.goto(f"{shopper.shop.address}/?target=_self&ahead={ahead}")
    shopper.wait_for_answer("product")
    shopper.page.hover("#product")
    shopper.page.wait_for_timeout(DWELL)
    assert shopper.seen.clicks == []
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]
    # The browser says which links gave it nothing.
    shopper.visit.troubles = [told for told in shopper.visit.troubles if "/xiebao/" not in told]


@every_framework_and_a_worker
def test_who_signs_in_on_the_way_pays_and_comes_back(
    send: Send, build: str, worker: str | None
) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    page, tap = shopper.page, functools.partial(press, shopper.visit)
    page.goto(f"{shopper.shop.address}/start")
    if worker is not None:
        install(page, worker)
    tap(page.get_by_role("link", name="去商店"))
    shopper.press("product")
    page.get_by_label("会员").fill(shopper.member)
    tap(page.get_by_role("button", name="登录"))
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]
    tap(page.get_by_role("button", name="支付成功"))
    expect(page.locator("h1")).to_have_text("欢迎回来")
    assert page.url == f"{shopper.shop.address}/insured"
    assert shopper.seen.returns == ["product"]
    assert shopper.seen.clicks == ["product"]


@every_framework_and_a_worker
def test_a_refusal_is_a_page_of_its_own(send: Send, build: str, worker: str | None) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.enter(worker=worker)
    shopper.press("another")
    expect(shopper.page.locator("h1")).to_have_text(["这个链接属于另一位会员"])
    expect_no_framework(shopper.page)
    shopper.visit.expect_refusal(403)
    assert shopper.seen.refusals == [403]
    shopper.go_back()
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]


@pytest.mark.parametrize("build", ["htmx 2", "htmx 4"])
def test_a_button_that_fetches_a_link_is_an_entry(send: Send, build: str) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.enter()
    shopper.press("button")
    shopper.expect_arrival("product")
    assert shopper.seen.clicks == ["product"]


@pytest.fixture(scope="module")
def peoples(chrome: tuple[Playwright, Browser]) -> Iterator[Callable[[], Visit]]:
    """Return a maker of visits with a browser like people's, which keeps the pages that it leaves.

    It knows shop.test, too, which is this machine, and nothing of that.
    """
    playwright = chrome[0]
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP shop.test 127.0.0.1"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield lambda: Visit(playwright, browser, "iPhone")
    browser.close()


@pytest.mark.parametrize("script", [False, True], ids=["", "script"])
@pytest.mark.parametrize("build", ["nothing", "htmx 2", "htmx 4", "turbo", "turbo, frame"])
def test_a_page_that_the_browser_kept_leads_there_again(
    shops: Shops, peoples: Callable[[], Visit], build: str, script: bool
) -> None:
    with contextlib.closing(peoples()) as visit:
        shop = shops(build, gateway_elsewhere=True, script=script)
        shopper = Shopper(shop, visit, "iPhone")
        shopper.enter()
        shopper.page.evaluate("window.kept = true")
        for clicks in (["product"], ["product", "product"]):
            shopper.press("product")
            shopper.expect_arrival("product")
            assert shopper.seen.clicks == clicks
            shopper.page.go_back(wait_until="commit")
            assert shopper.page.evaluate("window.kept")
            expect(shopper.page.locator("#product")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("build", ["htmx 2", "htmx 4", "turbo", "turbo, frame"])
def test_one_tap_is_one_click_where_there_is_no_https(
    shops: Shops, peoples: Callable[[], Visit], build: str
) -> None:
    # Browsers send no Sec-Fetch-Mode there: only the framework's own headers tell.
    with contextlib.closing(peoples()) as visit:
        shopper = Shopper(shops(build, gateway_elsewhere=True), visit, "iPhone")
        shopper.page.goto(shopper.shop.address.replace("127.0.0.1", "shop.test"))
        shopper.press("product")
        shopper.page.get_by_label("会员").fill(shopper.member)
        press(visit, shopper.page.get_by_role("button", name="登录"))
        shopper.expect_arrival("product")
        assert shopper.seen.clicks == ["product"]


@pytest.mark.parametrize("worker", [None, "passes on"])
def test_a_script_that_fetches_a_link_gets_a_page_and_no_gateway(
    send: Send, worker: str | None
) -> None:
    shopper = send("iPhone", "nothing")
    shopper.enter(worker=worker)
    link = shopper.page.locator("#product").evaluate("entry => entry.href")
    answers = shopper.page.evaluate(
        """async link => {
          const answers = [];
          for (const mode of ["cors", "same-origin", "no-cors"])
            for (const redirect of ["follow", "manual", "error"]) {
              const response = await fetch(link, {mode, redirect});
              const {status, type, url, redirected, headers} = response;
              const said = JSON.stringify([...headers]) + await response.text();
              answers.push([status, type, url, redirected, said.includes("dispatch")]);
            }
          return answers;
        }""",
        link,
    )
    assert answers == [[200, "basic", link, False, False]] * 9
    assert shopper.seen.clicks == []


def test_an_image_of_a_link_is_no_click(send: Send) -> None:
    shopper = send("iPhone", "nothing")
    shopper.enter()
    shopper.page.locator("#product").evaluate(
        """entry => new Promise(done => {
          const image = new Image();
          image.onload = image.onerror = done;
          image.src = entry.href;
        })"""
    )
    assert [answer.page for answer in shopper.seen.answers] == ["product"]
    assert shopper.seen.clicks == []


@pytest.mark.parametrize("build", ["nothing", "htmx 4", "turbo, frame"])
def test_an_entry_in_an_iframe_is_one_click(send: Send, build: str) -> None:
    shopper = send("iPhone", build)
    shopper.enter("/framed")
    frame = shopper.page.frame_locator("iframe")
    frame.locator("#product").tap()
    expect(frame.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")
    assert shopper.seen.clicks == ["product"]
    assert shopper.page.url == f"{shopper.shop.address}/framed"
