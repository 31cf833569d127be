"""Tests for ``xiebao_script()``: double clicks, and the warnings in debug mode.

To test another warning, add a row to the parameters of the last test: a CSS declaration, the
expected warnings, and whether the app is in debug mode.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.shop import ShopPage
from tests.browser.support import DeviceContext, parametrized_fixture
from tests.support import make_site, serve_app

#: The JavaScript libraries that the shop's pages load, as a key of ``FRONTENDS``.
frontend = parametrized_fixture("plain")


def test_double_click_counts_as_one_click(
    open_shop: Callable[..., ShopPage], frontend: str
) -> None:
    # This test uses a PC, because a phone's browser often leaves the page before the second tap.
    shop = open_shop("desktop", frontend, script=True)
    shop.log_in_and_open()

    shop.page.locator("#product").dblclick(position={"x": 8, "y": 8})

    shop.wait_for_link_request("product")
    # Give a faulty script the time to send a second request.
    shop.page.wait_for_timeout(300)
    assert shop.clicks == ["product"]


@pytest.mark.parametrize(
    ("css", "warnings", "debug"),
    [
        ("", [], True),
        ("--xiebao-on-accent: #0b7d73", ['"投保" has a contrast of 1.00:1', '"去投保" has'], True),
        ("--xiebao-outline: #ffd21e", ['"预约" has a contrast of 1.45:1'], True),
        ("--xiebao-price: #f99", ['"¥3" has a contrast of 2.05:1'], True),
        # The script cannot compute the contrast of a text on a background image, so there is no
        # warning.
        ("--xiebao-accent: url(data:,)", [], True),
        # Buttons cover the background image, so the script can compute their labels' contrast.
        (
            "background: url(data:,); --xiebao-on-accent: #0b7d73",
            ['"投保" has', '"去投保" has'],
            True,
        ),
        # The script does not check invisible texts.
        ("--xiebao-on-accent: #0b7d73; visibility: hidden", [], True),
        ("--xiebao-on-accent: #0b7d73; display: none", [], True),
        ("--xiebao-on-accent: #0b7d73", [], False),
    ],
    ids=[
        *("default colors", "label of button", "outline button", "price", "image as background"),
        *("image behind button", "invisible texts", "texts without boxes", "no debug mode"),
    ],
)
def test_script_warns_about_low_contrast_in_debug_mode_only(
    new_context: Callable[..., DeviceContext], css: str, warnings: list[str], debug: bool
) -> None:
    site = make_site(XIEBAO_ENV="test")
    site.app.debug = debug
    site.source = (
        "<!doctype html><link rel=icon href=data:,>{{ xiebao_styles() }}{{ xiebao_script() }}"
        f"<style>body {{ background: #fff; {css} }}</style>"
        '{{ insurance_entry("QX1", "投保") }}{{ insurance_entry("QX1", "预约", outline=true) }}'
        '{{ insurance_card("QX1", "旅行险", price="¥3", action="去投保") }}'
        '{{ insurance_card("QX1", "旅行险", price="¥3", action="去", disabled="已售罄") }}'
    )
    visitor = new_context()

    with serve_app(site.app) as url:
        visitor.page.goto(f"{url}/page", wait_until="load")
        # The script warns when its IntersectionObserver reports the entries. An observer that is
        # created later reports later, so this observer reports after the warnings.
        visitor.page.evaluate(
            "new Promise(done => new IntersectionObserver(() => done()).observe(document.body))"
        )
        # On a busy machine, the warnings reach this process a moment later.
        for _ in range(50):
            if len(visitor.errors) < len(warnings):
                visitor.page.wait_for_timeout(100)

    messages, visitor.errors = visitor.errors, []
    for warning, message in zip(warnings, messages, strict=True):
        assert message.startswith(f"Flask-Xiebao: {warning}")
