"""Browser tests with the back/forward cache, and on a host without HTTPS.

Playwright disables the back/forward cache by default, so these tests start their own Chromium.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.shop import ShopPage
from tests.deep.browser.test_htmx_and_turbo import click_and_log_in
from tests.requirements import find_program


@pytest.fixture(scope="module")
def chrome(chrome: tuple[Playwright, Browser]) -> Iterator[tuple[Playwright, Browser]]:
    """Playwright, and a Chromium that resolves the host name ``shop.test`` to this computer.

    Without HTTPS, a page on ``shop.test`` is not a secure context, but a page on 127.0.0.1 is.
    """
    browser = chrome[0].chromium.launch(
        executable_path=find_program("chromium"),
        args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP shop.test 127.0.0.1"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield chrome[0], browser
    browser.close()


@pytest.mark.parametrize("script", [False, True], ids=["without script", "with script"])
@pytest.mark.parametrize("frontend", ["plain", "htmx 2", "htmx 4", "turbo", "turbo frame"])
def test_entry_can_be_clicked_again_on_cached_page(
    open_shop: Callable[..., ShopPage], frontend: str, script: bool
) -> None:
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True, script=script)
    shop.log_in_and_open()
    shop.page.evaluate("window.isCached = true")

    for clicks in (["product"], ["product", "product"]):
        shop.tap_or_click("product")
        shop.assert_arrived("product")
        assert shop.clicks == clicks

        shop.page.go_back(wait_until="commit")
        assert shop.page.evaluate("window.isCached")
        expect(shop.page.locator("#product")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("frontend", ["htmx 2", "htmx 4", "turbo", "turbo frame"])
def test_tap_is_one_click_without_https(open_shop: Callable[..., ShopPage], frontend: str) -> None:
    # Without HTTPS, browsers do not send the header Sec-Fetch-Mode. So only the headers that HTMX
    # and Turbo add to their requests distinguish these requests from clicks.
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True)
    shop.page.goto(shop.url.replace("127.0.0.1", "shop.test"))
    click_and_log_in(shop)
