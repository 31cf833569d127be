"""Tests for purchases in the demo: with repeated notifications, by QR code, and on a PC."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.support import Demo, DeviceContext, parametrized_fixture, read_qr_code
from tests.browser.test_purchase import (
    connected_demo,
    log_in_and_click,
    pay,
    read_new_policy,
    test_policy_bought_on_phone_appears_in_shop_until_surrender,
)

__all__ = ["connected_demo", "test_policy_bought_on_phone_appears_in_shop_until_surrender"]

#: One row per purchase: the phone, the insurance entry to click, and whether the gateway simulator
#: sends each notification three times and in reverse order.
purchase = parametrized_fixture(
    ("iPhone", "product", True),
    ("Pixel", "home", False),
    ("WeChat", "product", False),
    ids=["repeated notifications", "home page on Pixel", "product in WeChat"],
)


@pytest.mark.parametrize("repeat_notifications", [False, True])
def test_policy_bought_with_qr_code_of_pc_appears_in_shop_on_pc(
    connected_demo: Demo, new_context: Callable[..., DeviceContext], repeat_notifications: bool
) -> None:
    pc, phone = new_context(), new_context("WeChat")
    handoff = log_in_and_click(connected_demo, pc, "home", new_tab=True)

    expect(handoff.locator(".xiebao-qr")).to_be_visible()
    phone.page.goto(str(read_qr_code(handoff)))
    pay(phone, phone.page, repeat_notifications=repeat_notifications)

    # The member is logged in on the PC only, so the phone does not show the policy.
    expect(phone.page.locator("h1")).to_have_text("正在确认您的投保")
    pc.page.goto(connected_demo.url)
    assert "境内旅行意外险 保障中 投保单号" in read_new_policy(pc.page)


def test_policy_bought_on_pc_appears_in_shop(
    connected_demo: Demo, new_context: Callable[..., DeviceContext]
) -> None:
    pc = new_context()

    page = log_in_and_click(connected_demo, pc, "product", new_tab=True)
    pay(pc, page)

    expect(page.locator("h1")).to_have_text("投保成功")
    pc.page.reload()
    assert "保障中" in read_new_policy(pc.page)
