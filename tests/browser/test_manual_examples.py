"""The examples with a stylesheet on a page of the manual, opened on a phone.

They are in ``docs/en/how-to/css-frameworks.md``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response, render_template_string
from playwright.sync_api import Page

from flask_xiebao import Xiebao
from tests.browser.harness import Visits
from tests.browser.measure import OUT_OF_PLACE, TOUCH_AREA, box
from tests.manual.blocks import DOCS, blocks
from tests.support import CONFIG, MACROS, serve_app

PAGE = """\
<!doctype html>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
{macros}{{{{ xiebao_styles() }}}}<link rel="stylesheet" href="/example.css">
<main><p>{text}</p>{example}</main>
"""


def find_example(css_class: str) -> tuple[str, str]:
    """Return the template and the stylesheet that use this class in the manual."""
    found = [
        block for block in blocks(DOCS / "en/how-to/css-frameworks.md") if css_class in block.code
    ]
    [template] = [block.code for block in found if block.language == "jinja"]
    [stylesheet] = [block.code for block in found if block.language == "css"]
    return template, stylesheet


@pytest.fixture
def open_example(visit: Visits) -> Callable[[str, str], Page]:
    """Return a function that opens an example on a phone 320 pixels wide."""

    def open_example(css_class: str, text_size: str) -> Page:
        template, stylesheet = find_example(css_class)
        app = Flask("shop")
        app.config.update(CONFIG, XIEBAO_ENV="test")
        Xiebao(app).member_loader(lambda: None)
        page = PAGE.format(macros=MACROS, text="行程 " * 600, example=template)
        css = f"html {{ font-size: {text_size} }} {stylesheet}"
        app.add_url_rule("/", "page", lambda: render_template_string(page))
        app.add_url_rule("/example.css", "css", lambda: Response(css, mimetype="text/css"))
        phone = visit("iPhone", viewport={"width": 320, "height": 640}).page
        with serve_app(app) as address:
            phone.goto(address)
        return phone

    return open_example


@pytest.mark.parametrize("text_size", ["100%", "200%"])
@pytest.mark.parametrize("css_class", ["trips", "buy-bar"])
def test_example_fits_phone_and_keeps_touch_areas(
    open_example: Callable[[str, str], Page], css_class: str, text_size: str
) -> None:
    page = open_example(css_class, text_size)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    entries = page.locator(".xiebao-entry")
    assert entries.evaluate_all(OUT_OF_PLACE) == []
    assert min(entries.first.evaluate(TOUCH_AREA)) >= 44


@pytest.mark.parametrize("text_size", ["100%", "200%"])
def test_pay_bar_of_example_stays_at_bottom_of_screen(
    open_example: Callable[[str, str], Page], text_size: str
) -> None:
    page = open_example("buy-bar", text_size)
    for scroll in (0, 400):
        page.evaluate("top => scrollTo(0, top)", scroll)
        bar = box(page.locator(".buy-bar"))
        assert bar["y"] + bar["height"] == pytest.approx(640, abs=1)
        assert bar["height"] <= 260
