"""Tests that show the stylesheet examples of docs/en/how-to/css-frameworks.md on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.measure import LAYOUT_ERRORS_JS, find_small_touch_areas, get_box
from tests.browser.support import DeviceContext
from tests.manual.blocks import DOCS, find_blocks
from tests.support import make_site, serve_app


def open_manual_example(
    new_context: Callable[..., DeviceContext], css_class: str, text_size: str
) -> Page:
    """Open the manual's example with this CSS class on a phone with this text size."""
    examples = {
        block.language: block.code
        for block in find_blocks(DOCS / "en/how-to/css-frameworks.md")
        if css_class in block.code
    }
    site = make_site(XIEBAO_ENV="test")
    site.source = (
        '<!doctype html><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        "{{ xiebao_styles() }}"
        f"<style>html {{ font-size: {text_size} }} {examples['css']}</style>"
        f"<main><p>{'行程 ' * 600}</p>{examples['html+jinja']}</main>"
    )
    phone = new_context("iPhone", viewport={"width": 320, "height": 640}).page
    with serve_app(site.app) as url:
        phone.goto(f"{url}/page")
    return phone


@pytest.mark.parametrize("text_size", ["100%", "200%"])
@pytest.mark.parametrize("css_class", ["trips", "buy-bar"])
def test_example_fits_phone_and_has_large_touch_areas(
    new_context: Callable[..., DeviceContext], css_class: str, text_size: str
) -> None:
    page = open_manual_example(new_context, css_class, text_size)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    entries = page.locator(".xiebao-entry")
    assert entries.evaluate_all(LAYOUT_ERRORS_JS) == []
    assert find_small_touch_areas(entries.first) == []


@pytest.mark.parametrize("text_size", ["100%", "200%"])
def test_payment_bar_of_example_stays_at_bottom_of_screen(
    new_context: Callable[..., DeviceContext], text_size: str
) -> None:
    page = open_manual_example(new_context, "buy-bar", text_size)
    for scroll in (0, 400):
        page.evaluate("top => scrollTo(0, top)", scroll)
        bar = get_box(page.locator(".buy-bar"))
        assert bar["bottom"] == pytest.approx(640, abs=1)
        assert bar["height"] <= 260
