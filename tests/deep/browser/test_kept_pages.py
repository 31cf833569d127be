"""A browser like people's: it keeps the pages that it leaves, and sends less where is no https."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.frameworks import Shopper
from tests.deep.browser.test_frameworks import sign_in_on_the_way

Send = Callable[..., Shopper]


@pytest.fixture(scope="module")
def chrome(chrome: tuple[Playwright, Browser]) -> Iterator[tuple[Playwright, Browser]]:
    """It knows shop.test, too, which is this machine, and nothing of that."""
    browser = chrome[0].chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP shop.test 127.0.0.1"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield chrome[0], browser
    browser.close()


@pytest.mark.parametrize("script", [False, True], ids=["", "script"])
@pytest.mark.parametrize("build", ["nothing", "htmx 2", "htmx 4", "turbo", "turbo, frame"])
def test_a_page_that_the_browser_kept_leads_there_again(
    send: Send, build: str, script: bool
) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True, script=script)
    shopper.enter()
    shopper.page.evaluate("window.kept = true")
    for clicks in (["product"], ["product", "product"]):
        shopper.press("product")
        shopper.expect_arrival("product")
        assert shopper.clicks == clicks
        shopper.page.go_back(wait_until="commit")
        assert shopper.page.evaluate("window.kept")
        expect(shopper.page.locator("#product")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("build", ["htmx 2", "htmx 4", "turbo", "turbo, frame"])
def test_one_tap_is_one_click_where_there_is_no_https(send: Send, build: str) -> None:
    # Browsers send no Sec-Fetch-Mode there: only the framework's own headers tell.
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.page.goto(shopper.address.replace("127.0.0.1", "shop.test"))
    sign_in_on_the_way(shopper)
