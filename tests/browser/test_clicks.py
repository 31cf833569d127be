"""Entries clicked for real; from every device in `tests/deep`."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.harness import HANDOFFS, PCS, Demos, Visits, expect_accepted, one_of, press, scan

ENTRIES = {"product": "[data-xiebao-entry=product]", "home": "#home", "policy": "li .xiebao-entry"}
H5, PC = "1", "2"


#: A device, the entry that is clicked there, and what colors its owner prefers.
Click = tuple[str, str, Any]


click = one_of(
    ("desktop", "product", "light"),
    ("desktop", "home", "dark"),
    ("WeChat", "home", "light"),
    ids=", ".join,
)


def test_an_entry_ends_where_it_should(demos: Demos, visit: Visits, click: Click) -> None:
    device, entry, color_scheme = click
    demo, person, phone = demos(), visit(device, color_scheme=color_scheme), visit("Pixel")
    person.sign_in(demo.address)
    person.page.goto(demo.address)
    page = press(person, person.page.locator(ENTRIES[entry]), new_tab=device in PCS)
    assert person.context.pages == list(dict.fromkeys([person.page, page]))
    if device not in PCS:
        expect_accepted(page, entry, H5)
    elif entry not in HANDOFFS:
        expect_accepted(page, entry, PC)
    else:
        expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
        expect(page.locator(".xiebao-qr")).to_be_in_viewport(ratio=1)
        phone.page.goto(str(scan(page)))
        expect_accepted(phone.page, entry, H5)
        press(person, page.get_by_text("我正在用平板或手机，直接打开"))
        expect_accepted(page, entry, H5)
