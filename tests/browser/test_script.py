"""The script counts a double click as one, and the script for debug mode checks contrasts.

More tests of the script are in ``tests/deep``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, render_template_string

from flask_xiebao import Xiebao
from tests.browser.frameworks import Shopper
from tests.browser.harness import Visits, one_of
from tests.support import CONFIG, MACROS, serve_app

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


@pytest.mark.parametrize(
    ("tokens", "warnings"),
    [
        ("", []),
        ("--xiebao-on-accent: #0b7d73", ['"投保" has a contrast of 1.00:1', '"去投保" has']),
        ("--xiebao-outline: #ffd21e", ['"预约" has a contrast of 1.45:1']),
        ("--xiebao-price: #f99", ['"¥3" has a contrast of 2.05:1']),
        # The contrast of a background image is not known.
        ("--xiebao-accent: url(data:,)", []),
        # The button hides the image behind it.
        ("background: url(data:,); --xiebao-on-accent: #0b7d73", ['"投保" has', '"去投保" has']),
        # What cannot be seen is not checked.
        ("--xiebao-on-accent: #0b7d73; visibility: hidden", []),
        ("--xiebao-on-accent: #0b7d73; display: none", []),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_debug_script_warns_about_low_contrast(
    visit: Visits, tokens: str, warnings: list[str], debug: bool
) -> None:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test")
    app.debug = debug
    Xiebao(app).member_loader(lambda: None)
    app.add_url_rule(
        "/",
        "page",
        lambda: render_template_string(
            f"<!doctype html><link rel=icon href=data:,>{MACROS}"
            "{{ xiebao_styles() }}{{ xiebao_script() }}"
            f"<style>body {{ background: #fff; {tokens} }}</style>"
            '{{ insurance_entry("QX1", "投保") }}{{ insurance_entry("QX1", "预约", outline=true) }}'
            '{{ insurance_card("QX1", "旅行险", price="¥3", action="去投保") }}'
            '{{ insurance_card("QX1", "旅行险", price="¥3", action="去", disabled="已售罄") }}'
        ),
    )
    visitor = visit()
    with serve_app(app) as address:
        visitor.page.goto(address, wait_until="load")
        visitor.page.wait_for_timeout(50)
    expected = warnings if debug else []
    assert len(visitor.troubles) == len(expected)
    for warning, trouble in zip(expected, visitor.troubles, strict=True):
        assert trouble.startswith(f"Flask-Xiebao: {warning}")
    visitor.troubles.clear()
