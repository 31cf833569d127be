"""Entries clicked for real, from every device; who signs in on the way; codes that are renewed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import expect

from tests.browser.harness import (
    DEVICES,
    HANDOFFS,
    NAME,
    PCS,
    Demos,
    Visits,
    expect_accepted,
    one_of,
    press,
    scan,
)
from tests.browser.test_clicks import ENTRIES, H5, PC, test_an_entry_ends_where_it_should

__all__ = ["test_an_entry_ends_where_it_should"]

CLICKS = [*itertools.product(DEVICES, ENTRIES, ["light"]), ("desktop", "policy", "dark")]


click = one_of(*CLICKS, ids=", ".join)


def test_the_handoff_gives_a_new_code_when_asked(demos: Demos, visit: Visits) -> None:
    demo, person, phone = demos(), visit(), visit("Pixel")
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    page = press(person, person.page.locator("#home"), new_tab=True)
    old = scan(page)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        with page.expect_event("load"):
            press(person, page.get_by_role("link", name="换一个新的二维码"))
        phone.page.goto(str(old))
        expect(phone.page.locator("h1")).to_have_text("链接已过期")
        phone.expect_refusal(410)
        phone.page.goto(str(scan(page)))
        expect_accepted(phone.page, "home", H5)


@pytest.mark.parametrize("entry", ["product", "home"])
@pytest.mark.parametrize("device", ["desktop", "iPhone", "WeChat"])
def test_a_visitor_signs_in_and_arrives_where_they_clicked(
    demos: Demos, visit: Visits, device: str, entry: str
) -> None:
    person, on_pc = visit(device), device in PCS
    person.page.goto(demos().address)
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=on_pc)
    press(person, page.get_by_role("button", name=NAME))
    if on_pc and entry in HANDOFFS:
        expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
    else:
        expect_accepted(page, entry, PC if on_pc else H5)


def test_whoever_scans_a_poster_signs_in_and_goes_as_themselves(
    demos: Demos, visit: Visits
) -> None:
    demo, poster, phone = demos(), visit(), visit("HarmonyOS NEXT")
    poster.sign_in(demo.address)
    poster.page.goto(f"{demo.address}/widgets/")
    phone.page.goto(str(scan(poster.page.get_by_role("img", name="用手机扫码投保"))))
    press(phone, phone.page.get_by_role("button", name="周航"))
    expect_accepted(phone.page, "product", H5, member="m_b81TzPwE6c")
