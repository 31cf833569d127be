"""What the script adds: one click is one. The rest is in `tests/deep`."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.frameworks import Shopper
from tests.browser.harness import one_of

#: How the pages are built; the other ways are in `tests/deep`.
build = one_of("nothing")


def test_a_double_click_is_one(send: Callable[..., Shopper], build: str) -> None:
    # On phones the page has often left before the second tap.
    shopper = send("desktop", build, script=True)
    shopper.enter()
    entry = shopper.page.locator("#product").bounding_box()
    assert entry is not None
    shopper.page.mouse.dblclick(entry["x"] + 8, entry["y"] + 8)
    shopper.wait_for_answer("product")
    shopper.page.wait_for_timeout(300)  # for one too many to come
    assert shopper.clicks == ["product"]
