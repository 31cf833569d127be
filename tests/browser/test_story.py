"""A purchase in a real browser, from the shop's button to the policy on the shop's page.

The gateway is the simulator on a server of its own, and everything between the two goes over HTTP.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from flask_xiebao.testing import GatewaySimulator
from tests.browser.harness import MEMBER, Demo, Visit, Visits, create_demo, press
from tests.browser.test_clicks import scan
from tests.support import SIGN, serve

PERSON = "王小明"
#: A good day, and a bad one: every notification three times, and the last one first.
DAYS = {"good": False, "bad": True}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Demo]:
    """The demo, and a gateway elsewhere that tells it of purchases over HTTP."""
    with ExitStack() as stack:
        gateway = Flask("gateway")
        gateway.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        app = create_demo(
            tmp_path,
            XIEBAO_PARTNER_ID="12345",
            XIEBAO_API_KEY="Key",
            XIEBAO_BASE_URL=stack.enter_context(serve(gateway)),
        )
        address = stack.enter_context(serve(app))
        simulator = GatewaySimulator(
            "12345", "Key", notify_url=f"{address}/xiebao/notify", orders=tmp_path / "gateway"
        )
        gateway.register_blueprint(simulator.blueprint)
        yield Demo(app=app, xiebao=app.extensions["xiebao"], address=address)


def buy(visit: Visit, page: Page, *, bad_day: bool) -> None:
    """Pay on the gateway's page, and come back."""
    if bad_day:
        page.get_by_label("每条通知发送").select_option("3")
        page.get_by_label("倒序发送").check()
    press(visit, page.get_by_role("button", name="支付成功"))
    expect(page.locator("h1")).to_have_text("投保成功")


def policy(page: Page) -> str:
    """Return what the shop's page says of the one policy of which it has heard."""
    item = page.locator(".policies li").filter(has_not_text="早先投保")
    expect(item).to_have_count(1)
    return " ".join(item.inner_text().split())


@pytest.mark.parametrize("bad_day", DAYS.values(), ids=DAYS)
def test_on_a_phone_what_is_bought_is_on_the_shops_page(
    shop: Demo, visit: Visits, caplog: pytest.LogCaptureFixture, bad_day: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    person = visit("iPhone")
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    page = press(person, person.page.locator("#product"))
    buy(person, page, bad_day=bad_day)

    page.goto(shop.address)
    assert re.fullmatch(
        r"境内旅行意外险 已出单 投保单号 \d+ 保单号 P\d+ 保障期间 20[\d-]+ 至 20[\d-]+ 查看保单",
        policy(page),
    )
    press(person, page.locator(".policies li").first.get_by_role("link", name="查看保单"))
    expect(page.get_by_text("已出单，保障有效")).to_be_visible()

    press(person, page.get_by_role("button", name="退保"))
    expect(page.get_by_text("已退保")).to_be_visible()
    page.goto(shop.address)
    assert "已退保" in policy(page)
    assert page.get_by_text("保障已终止").is_visible()
    for secret in (SIGN, PERSON):
        assert secret not in caplog.text


@pytest.mark.parametrize("bad_day", DAYS.values(), ids=DAYS)
def test_on_a_pc_and_by_its_code_on_a_phone(shop: Demo, visit: Visits, bad_day: bool) -> None:
    person, phone = visit(), visit("WeChat")
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    handoff = press(person, person.page.locator("#home"), new_tab=True)
    expect(handoff.locator(".xiebao-qr")).to_be_visible()

    phone.page.goto(scan(handoff))
    # Nobody is signed in on the phone: what the member bought is on their PC.
    if bad_day:
        phone.page.get_by_label("每条通知发送").select_option("3")
        phone.page.get_by_label("倒序发送").check()
    press(phone, phone.page.get_by_role("button", name="支付成功"))
    expect(phone.page.locator("h1")).to_have_text("正在确认您的投保")

    person.page.goto(shop.address)
    assert "境内旅行意外险 已出单 投保单号" in policy(person.page)


def test_on_a_pc_the_product_is_bought_there(shop: Demo, visit: Visits) -> None:
    person = visit()
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    page = press(person, person.page.locator("#product"), new_tab=True)
    buy(person, page, bad_day=False)
    person.page.reload()
    assert "已出单" in policy(person.page)


def test_a_payment_that_fails_says_what_to_do(shop: Demo, visit: Visits) -> None:
    person = visit("Pixel")
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    page = press(person, person.page.locator("#product"))
    press(person, page.get_by_role("button", name="支付失败"))
    expect(page.get_by_text("余额不足")).to_be_visible()
    page.goto(shop.address)
    assert "余额不足，您没有被扣款，请点“继续支付”" in policy(page)

    press(person, page.get_by_role("link", name="继续支付"))
    press(person, page.get_by_role("button", name="支付", exact=True))
    expect(page.locator("h1")).to_have_text("投保成功")
    page.goto(shop.address)
    assert "已出单" in policy(page)


def test_the_console_shows_the_click_and_the_notifications(shop: Demo, visit: Visits) -> None:
    person = visit()
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    page = press(person, person.page.locator("#product"), new_tab=True)
    buy(person, page, bad_day=False)
    page.goto(f"{shop.address}/qa/events")
    lines = page.locator(".log tbody tr")
    expect(lines).to_have_count(5)
    for line, step in zip(lines.all(), ("电子保单", "出单", "支付", "投保", "点击"), strict=True):
        expect(line).to_contain_text(step)
        assert MEMBER in line.inner_text()
    expect(lines.last).to_contain_text("QY20270210-8")
