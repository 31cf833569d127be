"""Tests for a purchase in the demo, from the click to the policy on the shop's page.

The gateway simulator runs on its own server, and sends its notifications over HTTP.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from flask_xiebao.testing import GatewaySimulator
from tests.browser.support import (
    MEMBER_NAME,
    Demo,
    DeviceContext,
    add_favicon,
    create_demo,
    parametrized_fixture,
)
from tests.support import SIGN, serve_app

#: The name of the insured person in the simulator's notifications.
INSURED_PERSON = "王小明"


@pytest.fixture
def connected_demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo, connected to a gateway simulator on another server."""
    with ExitStack() as stack:
        gateway = Flask("gateway")
        add_favicon(gateway)
        app = create_demo(
            tmp_path,
            XIEBAO_PARTNER_ID="12345",
            XIEBAO_API_KEY="Key",
            XIEBAO_BASE_URL=stack.enter_context(serve_app(gateway)),
        )
        url = stack.enter_context(serve_app(app))
        simulator = GatewaySimulator(
            "12345", "Key", notify_url=f"{url}/xiebao/notify", orders=tmp_path / "gateway"
        )
        gateway.register_blueprint(simulator.blueprint)
        yield Demo(app, app.extensions["xiebao"], url)


#: One row per purchase: the phone, the clicked entry, and whether the simulator sends each
#: notification three times and in reverse order.
purchase = parametrized_fixture(("iPhone", "product", False), ids=["product on iPhone"])


def log_in_and_click(
    demo: Demo, context: DeviceContext, entry: str, *, new_tab: bool = False
) -> Page:
    """Log in, click an entry on the shop's page, and return the page that opens."""
    context.log_in(demo.url)
    context.page.goto(demo.url)
    return context.tap_or_click(context.page.locator(f"#{entry}"), new_tab=new_tab)


def pay(context: DeviceContext, page: Page, *, repeat_notifications: bool = False) -> None:
    """Pay on the gateway page that the simulator shows.

    :param repeat_notifications: True to send each notification three times, and in reverse order.
    """
    if repeat_notifications:
        page.get_by_text("怎样通知商家").click()
        page.get_by_label("每条通知发送").select_option("3")
        page.get_by_label("倒序发送").check()
    context.tap_or_click(page.get_by_role("button", name="支付成功"))


def read_new_policy(page: Page) -> str:
    """Return the text of the only new policy on the shop's page."""
    item = page.locator(".policies li").filter(has_not_text="早先投保")
    expect(item).to_have_count(1)
    return " ".join(item.inner_text().split())


def test_policy_bought_on_phone_appears_in_shop_until_surrender(
    connected_demo: Demo,
    new_context: Callable[..., DeviceContext],
    caplog: pytest.LogCaptureFixture,
    purchase: tuple[str, str, bool],
) -> None:
    caplog.set_level(logging.DEBUG)
    device, entry, repeat_notifications = purchase
    phone = new_context(device)

    page = log_in_and_click(connected_demo, phone, entry)
    pay(phone, page, repeat_notifications=repeat_notifications)

    expect(page.locator("h1")).to_have_text("投保成功")
    expect(page).to_have_url(f"{connected_demo.url}/insured")
    expect(page.locator("header")).to_contain_text(MEMBER_NAME)
    page.goto(connected_demo.url)
    assert re.fullmatch(
        r"境内旅行意外险 保障中 投保单号 \d+ 保单号 P\d+ 保障期间 20[\d-]+ 至 20[\d-]+ 查看保单",
        read_new_policy(page),
    )

    phone.tap_or_click(page.locator(".policies li").first.get_by_role("link", name="查看保单"))
    expect(page.get_by_text("已出单，保障有效")).to_be_visible()
    phone.tap_or_click(page.get_by_role("button", name="退保", exact=True))
    expect(page.get_by_text("已退保")).to_be_visible()
    page.goto(connected_demo.url)

    assert "已退保" in read_new_policy(page)
    assert page.get_by_text("保障已终止").is_visible()
    assert SIGN not in caplog.text
    assert INSURED_PERSON not in caplog.text
