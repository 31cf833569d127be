"""Tests for entries on pages with HTMX or Turbo: a tap counts as one click, a hover as no click.

tests/deep/browser repeats the tests with the other rows of ``FRONTENDS``.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.shop import FRONTENDS, ShopPage
from tests.browser.support import parametrized_fixture

#: The time in milliseconds that the mouse stays over an entry. HTMX and Turbo request a link after
#: 100 milliseconds.
HOVER_TIME = 300

#: The keys of ``FRONTENDS`` that this module tests.
TESTED_HERE = ("htmx 2", "htmx 4", "turbo")

#: The JavaScript libraries that the shop's pages load, as a key of ``FRONTENDS``.
frontend = parametrized_fixture(*TESTED_HERE)


def test_each_tap_is_one_click_and_opens_gateway_page(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    shop = open_shop("iPhone", frontend, gateway_elsewhere=True)
    shop.log_in_and_open()

    entries = ["product", "home", "policy", "product"]
    for count, entry in enumerate(entries, start=1):
        shop.tap_or_click(entry)
        shop.assert_arrived(entry)
        assert shop.clicks == entries[:count]
        shop.go_back()

    shop.page.go_forward()
    shop.assert_arrived("product")
    assert shop.clicks == entries
    # If HTMX or Turbo had sent no request, this test would prove nothing about these libraries.
    assert shop.received_framework_request == (frontend != "plain")


def test_hover_is_no_click_and_next_click_counts_once(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    # On a PC, device markup gives links a target. Turbo ignores hovers over links with a target, so
    # this shop has no device markup.
    shop = open_shop("desktop", frontend, device_markup=False)
    shop.log_in_and_open()

    # Hover over both entries and click the second. HTMX or Turbo requests a link when the mouse is
    # over it, and may use this response for the click.
    for entry in ("home", "product"):
        shop.page.hover("h1")
        shop.page.hover(f"#{entry}")
        shop.page.wait_for_timeout(HOVER_TIME)
        if FRONTENDS[frontend].fetches_on_hover:
            shop.wait_for_link_request(entry)
        assert shop.clicks == []

    shop.tap_or_click("product")
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]

    shop.go_back()
    shop.tap_or_click("home")
    shop.assert_arrived("home")
    # On a PC, the entry "home" opens a handoff page, which does not count as a click.
    assert shop.clicks == ["product"]
    assert shop.received_framework_request == (frontend != "plain")
