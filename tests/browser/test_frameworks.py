"""Entries in pages that HTMX or Turbo takes care of: one tap is one click, nothing else is any."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.frameworks import BUILDS, Shopper
from tests.browser.harness import one_of

#: For how many milliseconds a mouse rests on an entry.
DWELL = 600


#: The other ways are in `tests/deep`.
HERE = ("nothing", "htmx 2", "htmx 4", "turbo")


#: How the pages are built.
build = one_of(*HERE)


def test_one_tap_is_one_click_and_arrives(send: Callable[..., Shopper], build: str) -> None:
    shopper = send("iPhone", build, gateway_elsewhere=True)
    shopper.enter()
    clicks = []
    for entry in ("product", "home", "policy", "product"):
        shopper.press(entry)
        shopper.expect_arrival(entry)
        clicks.append(entry)
        assert shopper.clicks == clicks
        shopper.go_back()
    shopper.page.go_forward()
    shopper.expect_arrival("product")
    assert shopper.clicks == clicks
    # Had the framework left the entries to the browser, this would show nothing.
    assert any(by_framework for _, by_framework in shopper.answers) == (build != "nothing")


def test_a_hover_is_no_click_and_adds_none(send: Callable[..., Shopper], build: str) -> None:
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
        assert shopper.clicks == []
    shopper.press("product")
    shopper.expect_arrival("product")
    assert shopper.clicks == ["product"]
    shopper.go_back()
    shopper.press("home")
    shopper.expect_arrival("home")
    assert shopper.clicks == ["product"]
    assert any(by_framework for _, by_framework in shopper.answers) == (build != "nothing")
