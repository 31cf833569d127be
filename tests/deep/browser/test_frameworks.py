"""Entries in every page of HTMX's or Turbo's, behind service workers, fetched ahead, and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from flask import Flask, Response, jsonify, request
from playwright.sync_api import Page, expect

from tests.browser.frameworks import BUILDS, Shopper, expect_no_framework
from tests.browser.harness import MEMBER, one_of, press
from tests.browser.test_frameworks import (
    DWELL,
    HERE,
    test_a_hover_is_no_click_and_adds_none,
    test_one_tap_is_one_click_and_arrives,
)
from tests.support import SentSignals

__all__ = ["test_a_hover_is_no_click_and_adds_none", "test_one_tap_is_one_click_and_arrives"]

Send = Callable[..., Shopper]

#: Each framework, without a frame and with one.
FRAMEWORKS = ("htmx 2", "htmx 2, container", "htmx 4", "htmx 4, container", "turbo", "turbo, frame")

#: Service worker: what it answers with.
WORKERS = {
    "passes on": "fetch(event.request)",
    "adds a header": "fetch(new Request(event.request, {headers:"
    " {...Object.fromEntries(event.request.headers), 'X-Shop': '1'}}))",
    "replaces the headers": "fetch(new Request(event.request, {headers: {'X-Shop': '1'}}))",
    "bypasses the cache": "fetch(event.request, {cache: 'no-store'})",
    "preloads": "event.preloadResponse.then(response => response || fetch(event.request))",
}
_WORKER = """\
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(Promise.all([
  clients.claim(), registration.navigationPreload.%s(),
])));
addEventListener("fetch", event => {
  if (event.request.method == "GET") event.respondWith(%s);
});
"""


def add_more(app: Flask) -> None:
    """Add what a shop may have besides: service workers, a frame, rules for what comes next."""

    @app.get("/worker/<name>")
    def worker(name: str) -> Response:
        preload = "enable" if name == "preloads" else "disable"
        response = Response(_WORKER % (preload, WORKERS[name]), mimetype="text/javascript")
        response.headers["Service-Worker-Allowed"] = "/"
        return response

    @app.get("/framed")
    def framed() -> str:
        return "<!doctype html><title>商店</title><iframe src='/' title='商店'></iframe>"

    @app.get("/rules/<ahead>")
    def rules(ahead: str) -> Response:
        every_link = {"where": {"href_matches": "/xiebao/*"}, "eagerness": "immediate"}
        response = jsonify({ahead: [every_link]})
        response.mimetype = "application/speculationrules+json"
        return response

    @app.after_request
    def name_the_rules(response: Response) -> Response:
        ahead = request.args.get("ahead")
        if ahead in ("prefetch", "prerender"):
            response.headers["Speculation-Rules"] = f'"/rules/{ahead}"'
        return response


def install(page: Page, worker: str | None) -> None:
    """Install a service worker, if one is wanted, and wait until it answers for this page."""
    if worker is not None:
        page.evaluate(
            """async worker => {
              const {serviceWorker} = navigator;
              const inCharge = new Promise(done => serviceWorker.oncontrollerchange = done);
              await serviceWorker.register(`/worker/${worker}`, {scope: "/"});
              await inCharge;
            }""",
            worker,
        )


build = one_of(*sorted(BUILDS.keys() - {*HERE}))


@pytest.mark.parametrize("name", ["htmx 2, preload", "htmx 4", "turbo, frame"])
def test_an_entry_that_opens_a_tab_is_one_click(send: Send, name: str) -> None:
    shopper = send("desktop", name)
    shopper.enter()
    entry = shopper.page.locator("#product")
    entry.hover()
    shopper.page.wait_for_timeout(DWELL)
    assert shopper.clicks == []
    tab = press(shopper.visit, entry, new_tab=True)
    shopper.expect_arrival("product", tab)
    assert shopper.clicks == ["product"]
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
    shopper = send(device, build, gateway_elsewhere=True, extend=add_more)
    shopper.enter("/?target=_self")
    install(shopper.page, worker)
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]
    shopper.go_back()


@pytest.mark.parametrize("ahead", ["link", "prefetch", "prerender"])
@pytest.mark.parametrize("worker", [None, "passes on", "bypasses the cache", "adds a header"])
def test_what_the_browser_fetches_ahead_is_no_click(
    send: Send, ahead: str, worker: str | None
) -> None:
    shopper = send("desktop", "nothing", extend=add_more)
    shopper.enter()
    install(shopper.page, worker)
    assert shopper.answers == []
    shopper.page.goto(f"{shopper.address}/?target=_self&ahead={ahead}")
    shopper.wait_for_answer("product")
    shopper.page.hover("#product")
    shopper.page.wait_for_timeout(DWELL)
    assert shopper.clicks == []
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]
    # The browser says which links gave it nothing.
    shopper.visit.troubles = [told for told in shopper.visit.troubles if "/xiebao/" not in told]


def sign_in_on_the_way(shopper: Shopper) -> None:
    """Click an entry as nobody yet, and sign in when asked to: that is one click."""
    shopper.press("product")
    shopper.page.get_by_label("会员").fill(MEMBER)
    press(shopper.visit, shopper.page.get_by_role("button", name="登录"))
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]


@pytest.mark.parametrize(
    ("build", "worker"),
    [*[(build, None) for build in FRAMEWORKS], ("nothing", "replaces the headers")],
)
def test_who_signs_in_on_the_way_pays_and_comes_back_and_a_refusal_is_a_page_of_its_own(
    send: Send, sent_signals: SentSignals, build: str, worker: str | None
) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True, extend=add_more)
    page, tap = shopper.page, functools.partial(press, shopper.visit)
    page.goto(f"{shopper.address}/start")
    install(page, worker)
    tap(page.get_by_role("link", name="去商店"))
    sign_in_on_the_way(shopper)
    tap(page.get_by_role("button", name="支付成功"))
    expect(page.locator("h1")).to_have_text("欢迎回来")
    assert page.url == f"{shopper.address}/insured"
    assert [signal for signal, _ in sent_signals if signal != "refused"] == ["clicked", "returned"]

    sent_signals.clear()
    page.goto(shopper.address)
    shopper.press("another")
    expect(page.locator("h1")).to_have_text(["这个链接属于另一位会员"])
    expect_no_framework(page)
    shopper.visit.expect_refusal(403)
    assert [(signal, said["status"]) for signal, said in sent_signals] == [("refused", 403)]
    shopper.go_back()
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]


@pytest.mark.parametrize("build", ["htmx 2", "htmx 4"])
def test_a_button_that_fetches_a_link_is_an_entry(send: Send, build: str) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.enter()
    shopper.press("button")
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]


@pytest.mark.parametrize("worker", [None, "passes on"])
def test_a_script_that_fetches_a_link_gets_a_page_and_no_gateway(
    send: Send, worker: str | None
) -> None:
    shopper = send("iPhone", "nothing", extend=add_more)
    shopper.enter()
    install(shopper.page, worker)
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
          const image = new Image();
          await new Promise(done => {
            image.onload = image.onerror = done;
            image.src = link;
          });
          return answers;
        }""",
        link,
    )
    assert answers == [[200, "basic", link, False, False]] * 9
    assert [page for page, _ in shopper.answers] == ["product"] * 10  # the last for the image
    assert shopper.clicks == []


@pytest.mark.parametrize("build", ["nothing", "htmx 4", "turbo, frame"])
def test_an_entry_in_an_iframe_is_one_click(send: Send, build: str) -> None:
    shopper = send("iPhone", build, extend=add_more)
    shopper.enter("/framed")
    frame = shopper.page.frame_locator("iframe")
    frame.locator("#product").tap()
    expect(frame.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")
    assert shopper.clicks == ["product"]
    assert shopper.page.url == f"{shopper.address}/framed"
