"""Tests for clicks on the demo's insurance entries: all devices, logins and new QR codes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import expect

from tests.browser.support import (
    DEVICES,
    H5,
    HANDOFF_TITLES,
    MEMBER_NAME,
    OTHER_MEMBER,
    PC,
    PC_DEVICES,
    Demo,
    DeviceContext,
    assert_gateway_accepted,
    parametrized_fixture,
    read_qr_code,
)
from tests.browser.test_clicks import test_click_opens_gateway_page_or_handoff_page
from tests.demo.support import ORDER_PAGE_ENTRIES

__all__ = ["test_click_opens_gateway_page_or_handoff_page"]

#: One row per click: the device, the insurance entry to click, and the preferred color scheme.
click = parametrized_fixture(
    *itertools.product(DEVICES, ORDER_PAGE_ENTRIES, ["light"]),
    ("desktop", "policy", "dark"),
    ids=", ".join,
)


def test_handoff_page_renews_expired_qr_code_on_request(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> None:
    demo, pc, phone = serve_demo(), new_context(), new_context("Pixel")
    pc.log_in(demo.url)
    pc.page.goto(demo.url)
    page = pc.tap_or_click(pc.page.locator("#home"), new_tab=True)
    expired_link = str(read_qr_code(page))

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        with page.expect_event("load"):
            page.get_by_role("link", name="换一个新的二维码").click()

        phone.page.goto(expired_link)
        expect(phone.page.locator("h1")).to_have_text("链接已过期")
        phone.assert_status_in_console(410)
        phone.page.goto(str(read_qr_code(page)))
        assert_gateway_accepted(phone.page, "home", H5)


@pytest.mark.parametrize("entry", ["product", "home"])
@pytest.mark.parametrize("device", ["desktop", "iPhone", "WeChat"])
def test_login_continues_to_clicked_entry(
    serve_demo: Callable[..., Demo],
    new_context: Callable[..., DeviceContext],
    device: str,
    entry: str,
) -> None:
    visitor, is_pc = new_context(device), device in PC_DEVICES
    visitor.page.goto(serve_demo().url)

    page = visitor.tap_or_click(visitor.page.locator(ORDER_PAGE_ENTRIES[entry]), new_tab=is_pc)
    visitor.tap_or_click(page.get_by_role("button", name=MEMBER_NAME))

    if is_pc and entry in HANDOFF_TITLES:
        expect(page.locator("h1")).to_have_text(HANDOFF_TITLES[entry])
    else:
        assert_gateway_accepted(page, entry, PC if is_pc else H5)


def test_public_qr_code_opens_gateway_page_for_member_on_phone(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> None:
    demo, poster, phone = serve_demo(), new_context(), new_context("HarmonyOS NEXT")
    poster.log_in(demo.url)
    poster.page.goto(f"{demo.url}/widgets/")

    code = read_qr_code(poster.page.get_by_role("img", name="用手机扫码投保"))
    phone.page.goto(str(code))
    phone.tap_or_click(phone.page.get_by_role("button", name="周航"))

    assert_gateway_accepted(phone.page, "product", H5, member=OTHER_MEMBER)
