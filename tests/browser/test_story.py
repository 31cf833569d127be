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
from tests.browser.harness import NAME, Demo, Visit, Visits, add_icon, create_demo, one_of, press
from tests.support import SIGN, serve_app

PERSON = "王小明"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Demo]:
    """The demo, and a gateway elsewhere that tells it of purchases over HTTP."""
    with ExitStack() as stack:
        gateway = Flask("gateway")
        add_icon(gateway)
        app = create_demo(
            tmp_path,
            XIEBAO_PARTNER_ID="12345",
            XIEBAO_API_KEY="Key",
            XIEBAO_BASE_URL=stack.enter_context(serve_app(gateway)),
        )
        address = stack.enter_context(serve_app(app))
        simulator = GatewaySimulator(
            "12345", "Key", notify_url=f"{address}/xiebao/notify", orders=tmp_path / "gateway"
        )
        gateway.register_blueprint(simulator.blueprint)
        yield Demo(app=app, xiebao=app.extensions["xiebao"], address=address)


#: A phone, the entry, and whether every notification comes three times, and the last first.
day = one_of(("iPhone", "product", False))


def click(shop: Demo, person: Visit, entry: str, *, new_tab: bool = False) -> Page:
    """Have a member click an entry of the shop."""
    person.sign_in(shop.address)
    person.page.goto(shop.address)
    return press(person, person.page.locator(f"#{entry}"), new_tab=new_tab)


def buy(visit: Visit, page: Page, *, bad_day: bool = False, back: str = "投保成功") -> None:
    """Pay on the gateway's page, and come back."""
    if bad_day:
        page.get_by_text("怎样通知商家").click()
        page.get_by_label("每条通知发送").select_option("3")
        page.get_by_label("倒序发送").check()
    press(visit, page.get_by_role("button", name="支付成功"))
    expect(page.locator("h1")).to_have_text(back)


def policy(page: Page) -> str:
    """Return what the shop's page says of the one policy of which it has heard."""
    item = page.locator(".policies li").filter(has_not_text="早先投保")
    expect(item).to_have_count(1)
    return " ".join(item.inner_text().split())


def test_on_a_phone_what_is_bought_is_on_the_shops_page(
    shop: Demo, visit: Visits, caplog: pytest.LogCaptureFixture, day: tuple[str, str, bool]
) -> None:
    caplog.set_level(logging.DEBUG)
    device, entry, bad_day = day
    person = visit(device)
    page = click(shop, person, entry)
    buy(person, page, bad_day=bad_day)
    expect(page).to_have_url(f"{shop.address}/insured")
    expect(page.locator("header")).to_contain_text(NAME)

    page.goto(shop.address)
    assert re.fullmatch(
        r"境内旅行意外险 保障中 投保单号 \d+ 保单号 P\d+ 保障期间 20[\d-]+ 至 20[\d-]+ 查看保单",
        policy(page),
    )
    press(person, page.locator(".policies li").first.get_by_role("link", name="查看保单"))
    expect(page.get_by_text("已出单，保障有效")).to_be_visible()

    press(person, page.get_by_role("button", name="退保", exact=True))
    expect(page.get_by_text("已退保")).to_be_visible()
    page.goto(shop.address)
    assert "已退保" in policy(page)
    assert page.get_by_text("保障已终止").is_visible()
    for secret in (SIGN, PERSON):
        assert secret not in caplog.text
