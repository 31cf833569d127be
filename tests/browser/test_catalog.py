"""Tests for the controls of the demo's catalog: the background and the design tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import Demo, DeviceContext


@pytest.fixture
def catalog_page(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> Page:
    """The demo's catalog of looks and options, open on a PC."""
    page = new_context().page
    page.goto(f"{serve_demo().url}/widgets/")
    return page


def test_background_control_changes_examples_but_not_page(catalog_page: Page) -> None:
    catalog_page.get_by_label("深色").check()

    expect(catalog_page.locator(".result").first).to_have_css("background-color", "rgb(17, 23, 30)")
    expect(catalog_page.locator("body")).to_have_css("background-color", "rgb(243, 245, 247)")


def test_token_controls_change_examples_and_show_css(catalog_page: Page) -> None:
    catalog_page.get_by_text("试试设计变量").click()
    css = catalog_page.locator("[data-css]")
    expect(css).to_contain_text("改一个变量")

    catalog_page.locator("[name='--xiebao-accent']").fill("#c2410c")
    catalog_page.locator("[name='--xiebao-radius']").fill("20")

    button = catalog_page.locator(".result .xiebao-entry--button").first
    expect(button).to_have_css("background-color", "rgb(194, 65, 12)")
    expect(button).to_have_css("border-top-left-radius", "20px")
    expect(css).to_have_text(
        ":root {\n  --xiebao-accent: #c2410c;\n  --xiebao-radius: 20px;\n}",
        use_inner_text=True,
    )

    catalog_page.get_by_role("button", name="恢复默认").click()

    expect(button).to_have_css("background-color", "rgb(11, 125, 115)")
    expect(css).to_contain_text("改一个变量")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_catalog_is_at_most_11000_pixels_high_on_phone(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext], language: str
) -> None:
    page = new_context("iPhone").page
    page.goto(f"{serve_demo().url}/widgets/?lang={language}")
    assert page.evaluate("document.documentElement.scrollHeight") <= 11_000
