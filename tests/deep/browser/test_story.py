"""Purchases on a bad day, by a code, and on a PC."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.harness import Demo, Visits, one_of, scan
from tests.browser.test_story import (
    buy,
    click,
    policy,
    shop,
    test_on_a_phone_what_is_bought_is_on_the_shops_page,
)

__all__ = ["shop", "test_on_a_phone_what_is_bought_is_on_the_shops_page"]


day = one_of(("iPhone", "product", True), ("Pixel", "home", False), ("WeChat", "product", False))


@pytest.mark.parametrize("bad_day", [False, True])
def test_on_a_pc_and_by_its_code_on_a_phone(shop: Demo, visit: Visits, bad_day: bool) -> None:
    person, phone = visit(), visit("WeChat")
    handoff = click(shop, person, "home", new_tab=True)
    expect(handoff.locator(".xiebao-qr")).to_be_visible()

    phone.page.goto(str(scan(handoff)))
    # Nobody is signed in on the phone: what the member bought is on their PC.
    buy(phone, phone.page, bad_day=bad_day, back="正在确认您的投保")

    person.page.goto(shop.address)
    assert "境内旅行意外险 保障中 投保单号" in policy(person.page)


def test_on_a_pc_the_product_is_bought_there(shop: Demo, visit: Visits) -> None:
    person = visit()
    page = click(shop, person, "product", new_tab=True)
    buy(person, page)
    person.page.reload()
    assert "保障中" in policy(person.page)
