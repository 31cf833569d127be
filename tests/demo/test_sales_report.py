"""Tests for the demo's report on sales at ``/qa/sales``.

To test another group of the report, add a row to ``REPORTS``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient

from demo_app.extensions import db
from demo_app.policies import InsuranceClick, Purchase
from tests.demo.support import ZHOU, click_order_entry, get_page, get_text, open_client
from tests.support import PRODUCT_CODE, find_element, find_href, pay

NOVEMBER = datetime(2026, 11, 10, tzinfo=UTC)
#: In UTC, this time is 15:59. In China, it is the last minute of October, so a click at this time
#: belongs to October.
END_OF_OCTOBER = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)

#: One row per way to group sales: its name in the URL, and the first rows of the report for
#: November 2026.
REPORTS = {
    "reference": [
        ["QY-2", "1", "1", "¥15.00"],
        ["（没有点击）", "0", "1", "¥15.00"],
        ["QY-1", "3", "0", "¥0.00"],
    ],
    "sub_account": [
        ["branch", "1", "1", "¥15.00"],
        ["（没有点击）", "0", "1", "¥15.00"],
        ["（未注明）", "3", "0", "¥0.00"],
    ],
    "month": [["2026-11", "4", "2", "¥30.00"], ["2026-10", "2", "0", "¥0.00"]],
}


def build_click(click_id: str, clicked_at: datetime = NOVEMBER, **values: Any) -> InsuranceClick:
    """Return an ``InsuranceClick`` of the member "a" on a product entry.

    The click id is also the order number.
    """
    return InsuranceClick(
        click_id=click_id,
        clicked_at=clicked_at,
        expires_at=clicked_at + timedelta(days=1),
        **{"member": "a", "page": "product", "case_code": PRODUCT_CODE, "platform": "h5"},
        **{"client_reference": click_id, **values},
    )


def build_purchase(insure_num: str, paid_at: datetime, **values: Any) -> Purchase:
    """Return a ``Purchase`` of the product by the member "a"."""
    return Purchase(
        insure_num=insure_num,
        **dict.fromkeys(("applied_at", "paid_at", "created_at", "updated_at"), paid_at),
        **{"member": "a", "case_code": PRODUCT_CODE, "price_fen": 1500, "policy_nums": []},
        **{"forgotten": False, "version": 1, **values},
    )


def store_rows(demo: Flask, *rows: InsuranceClick | Purchase) -> None:
    """Store rows in the database of the demo."""
    with demo.app_context():
        db.session.add_all(rows)
        db.session.commit()


def read_report_rows(page: Tag) -> list[list[str]]:
    """Return the texts of the cells in each row of the report."""
    rows = page.select(".sales tbody tr")
    return [[get_text(cell) for cell in row.select("th, td")] for row in rows]


def test_sales_report_shows_clicks_and_sales(demo: Flask, client: FlaskClient) -> None:
    pay(client, click_order_entry(client))
    click_order_entry(open_client(demo, ZHOU), "home")

    page = get_page(client, "/qa/sales")

    assert read_report_rows(page) == [
        ["QY-1008", "1", "1", "¥15.00"],
        ["（未注明）", "1", "0", "¥0.00"],
    ]
    assert get_text(find_element(page, ".sales tfoot tr")) == "合计 2 1 ¥15.00"
    assert get_text(find_element(page, "svg.chart")) == (
        "QY-1008 1 次点击 1 单 （未注明） 1 次点击 0 单"
    )
    assert read_report_rows(get_page(client, "/qa/sales?by=page")) == [
        ["产品详情页", "1", "1", "¥15.00"],
        ["携保首页", "1", "0", "¥0.00"],
    ]


@pytest.mark.parametrize("group", REPORTS)
def test_sales_report_groups_clicks_and_sales(demo: Flask, group: str) -> None:
    later = NOVEMBER + timedelta(hours=1)
    store_rows(
        demo,
        *(build_click(f"first {number}", client_reference="QY-1") for number in range(3)),
        build_click("QY-2", later, sub_partner_id="branch"),
        *(build_click(f"QY-3 {number}", END_OF_OCTOBER) for number in range(2)),
        build_purchase("1", later + timedelta(minutes=9), replaced_by="2"),
        build_purchase("2", later + timedelta(minutes=99)),
        build_purchase("3", NOVEMBER - timedelta(days=3)),
    )

    with time_machine.travel(NOVEMBER + timedelta(days=9)):
        page = get_page(demo.test_client(), f"/qa/sales?by={group}&month=2026-11")

    assert read_report_rows(page)[: len(REPORTS[group])] == REPORTS[group]


def test_sales_report_links_to_previous_and_next_month(demo: Flask) -> None:
    store_rows(demo, build_click("QY-1"))
    with time_machine.travel(NOVEMBER + timedelta(days=40)):
        december = get_page(demo.test_client(), "/qa/sales")
        november = get_page(demo.test_client(), find_href(find_element(december, "a[rel=prev]")))

    assert december.select(".sales, a[rel=next]") == []
    assert read_report_rows(november) == [["QY-1", "1", "0", "¥0.00"]]
    assert "month=2026-12" in find_href(find_element(november, "a[rel=next]"))


def test_sales_report_shows_at_most_50_rows_and_10_bars(demo: Flask) -> None:
    store_rows(demo, *(build_click(f"QY-{number:02}") for number in range(53)))
    with time_machine.travel(NOVEMBER + timedelta(days=1)):
        page = get_page(demo.test_client(), "/qa/sales")

    assert len(read_report_rows(page)) == 50
    assert len(page.select("svg.chart .chart-name")) == 10
    assert "还有 3 行没有显示" in get_text(page)
    assert get_text(find_element(page, "#chart")).startswith("53 次点击")
