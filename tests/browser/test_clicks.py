"""Entries clicked for real, from every device."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.harness import DEVICES, HANDOFFS, NAME, Demo, Visits, expect_accepted, press

ENTRIES = {"product": "#product", "home": "#home", "policy": "li .xiebao-entry"}
H5, PC = "1", "2"
#: What an iPad says that asks for desktop pages cannot be told from a Mac.
PCS = ("desktop", "iPad as a Mac")


def scan(page: Page) -> str:
    """Return what a camera reads off the screen."""
    [code] = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot())))
    return code.text


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("device", DEVICES)
def test_an_entry_ends_where_it_should(demo: Demo, visit: Visits, device: str, entry: str) -> None:
    person = visit(device)
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    on_pc = device in PCS
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=on_pc)
    if on_pc and entry in HANDOFFS:
        expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
        expect(page.locator(".xiebao-qr")).to_be_in_viewport(ratio=1)
    else:
        expect_accepted(page, entry, PC if on_pc else H5)
    assert person.context.pages == ([person.page, page] if on_pc else [page])


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("entry", HANDOFFS)
def test_the_code_on_the_screen_lets_the_same_member_go_on_with_a_phone(
    demo: Demo, visit: Visits, entry: str, color_scheme: Any
) -> None:
    person, phone = visit(color_scheme=color_scheme), visit("WeChat")
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=True)
    expect(page.locator(".xiebao-qr")).to_be_visible()
    phone.page.goto(scan(page))
    expect_accepted(phone.page, entry, H5)


@pytest.mark.parametrize("entry", HANDOFFS)
def test_a_tablet_taken_for_a_pc_goes_on_from_the_handoff(
    demo: Demo, visit: Visits, entry: str
) -> None:
    tablet = visit("iPad as a Mac")
    tablet.sign_in(demo.address)
    tablet.page.goto(demo.address)
    page = press(tablet, tablet.page.locator(ENTRIES[entry]), new_tab=True)
    press(tablet, page.get_by_text("我正在用平板或手机，直接打开"))
    expect_accepted(page, entry, H5)


def test_the_handoff_gives_a_new_code_when_asked(demo: Demo, visit: Visits) -> None:
    person, phone = visit(), visit("Pixel")
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    page = press(person, person.page.locator("#home"), new_tab=True)
    old = scan(page)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        with page.expect_event("load"):
            press(person, page.get_by_text("换一个新的二维码"))
        new = scan(page)
        phone.page.goto(old)
        expect(phone.page.locator("h1")).to_have_text("链接已过期")
        phone.expect_refusal(410)
        phone.page.goto(new)
        expect_accepted(phone.page, "home", H5)


@pytest.mark.parametrize(
    ("device", "entry"),
    [("desktop", "product"), ("iPhone", "product"), ("Pixel", "home"), ("WeChat", "product")],
)
def test_a_payment_leads_back_to_the_shop(
    new_demo: Demo, visit: Visits, device: str, entry: str
) -> None:
    demo, person = new_demo, visit(device)
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=device in PCS)
    press(person, page.get_by_role("button", name="支付成功"))
    expect(page).to_have_url(f"{demo.address}/insured")
    expect(page.locator("h1")).to_have_text("投保成功")
    expect(page.locator("header")).to_contain_text(NAME)


@pytest.mark.parametrize("entry", ["product", "home"])
@pytest.mark.parametrize("device", ["desktop", "iPhone", "WeChat"])
def test_a_visitor_signs_in_and_arrives_where_they_clicked(
    demo: Demo, visit: Visits, device: str, entry: str
) -> None:
    person = visit(device)
    person.page.goto(demo.address)
    on_pc = device in PCS
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=on_pc)
    press(person, page.get_by_role("button", name=NAME))
    if on_pc and entry in HANDOFFS:
        expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
    else:
        expect_accepted(page, entry, PC if on_pc else H5)


def test_whoever_scans_a_poster_signs_in_and_goes_as_themselves(demo: Demo, visit: Visits) -> None:
    poster, phone = visit(), visit("HarmonyOS NEXT")
    poster.sign_in(demo.address)
    poster.page.goto(f"{demo.address}/widgets/")
    code = poster.page.get_by_role("img", name="用手机扫码投保")
    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(code.screenshot())))
    phone.page.goto(read.text)
    press(phone, phone.page.get_by_role("button", name="周航"))
    expect_accepted(phone.page, "product", H5, member="m_b81TzPwE6c")
