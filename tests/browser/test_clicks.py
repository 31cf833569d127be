"""Tests for clicks on the demo's entries. tests/deep/browser repeats the tests on every device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.support import (
    H5,
    HANDOFF_TITLES,
    PC,
    PC_DEVICES,
    Demo,
    DeviceContext,
    assert_gateway_accepted,
    parametrized_fixture,
    read_qr_code,
)
from tests.demo.support import ORDER_PAGE_ENTRIES

#: One row per click: the device, the clicked entry, and the color scheme that the visitor prefers.
click = parametrized_fixture(
    ("desktop", "product", "light"),
    ("desktop", "home", "dark"),
    ("WeChat", "home", "light"),
    ids=", ".join,
)


def test_click_opens_gateway_page_or_handoff_page(
    serve_demo: Callable[..., Demo],
    new_context: Callable[..., DeviceContext],
    click: tuple[str, str, Any],
) -> None:
    device, entry, color_scheme = click
    is_pc = device in PC_DEVICES
    demo, visitor = serve_demo(), new_context(device, color_scheme=color_scheme)
    visitor.log_in(demo.url)
    visitor.page.goto(demo.url)

    page = visitor.tap_or_click(visitor.page.locator(ORDER_PAGE_ENTRIES[entry]), new_tab=is_pc)

    assert len(visitor.context.pages) == (2 if is_pc else 1)
    if is_pc and entry in HANDOFF_TITLES:
        expect(page.locator("h1")).to_have_text(HANDOFF_TITLES[entry])
        expect(page.locator(".xiebao-qr")).to_be_in_viewport(ratio=1)
        phone = new_context("Pixel")
        phone.page.goto(str(read_qr_code(page)))
        assert_gateway_accepted(phone.page, entry, H5)

        page.get_by_text("我正在用平板或手机，直接打开").click()
        assert_gateway_accepted(page, entry, H5)
    else:
        assert_gateway_accepted(page, entry, PC if is_pc else H5)
