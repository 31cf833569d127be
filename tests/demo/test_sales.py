"""The demo's order page shows its insurance, and the report on sales counts clicks and sales."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from demo_app.extensions import db
from demo_app.policies import InsuranceClick, Purchase
from tests.demo.support import ZHOU, buy, create_demo, gateway, look, order_page, visit, words
from tests.support import PRODUCT_CODE, find_element, parse_html, pay

NOVEMBER = datetime(2026, 11, 10, tzinfo=UTC)


def read_report_cells(page: Any) -> list[list[str]]:
    """Return the texts of the cells in each row of the report."""
    return [
        [words(cell) for cell in row.select("th, td")] for row in page.select(".sales tbody tr")
    ]


def store_clicks(demo: Flask, *, count: int, time: datetime = NOVEMBER, **values: Any) -> None:
    """Store clicks of the member "a"."""
    common: dict[str, Any] = {
        "member": "a",
        "page": "product",
        "case_code": PRODUCT_CODE,
        "platform": "h5",
    }
    with demo.app_context():
        for number in range(count):
            clicked_at = time + timedelta(minutes=number)
            db.session.add(
                InsuranceClick(
                    click_id=f"{values} {number}"[-30:],
                    clicked_at=clicked_at,
                    expires_at=clicked_at + timedelta(days=1),
                    **{**common, **values},
                )
            )
        db.session.commit()


def store_purchase(demo: Flask, number: str, paid_at: datetime, **values: Any) -> None:
    """Store a purchase of the member "a"."""
    common: dict[str, Any] = {
        "member": "a",
        "case_code": PRODUCT_CODE,
        "price_fen": 1500,
        "policy_nums": [],
        "forgotten": False,
        "version": 1,
    }
    with demo.app_context():
        db.session.add(
            Purchase(
                insure_num=number,
                applied_at=paid_at,
                paid_at=paid_at,
                created_at=paid_at,
                updated_at=paid_at,
                **{**common, **values},
            )
        )
        db.session.commit()


def test_order_page_shows_its_policy_until_a_surrender(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser)
    page = browser.get("/")
    card = find_element(page, "#policy")
    assert "已投保" in words(card)
    assert f"P{number}" in words(card)
    assert card["data-xiebao-entry"] == "policy"
    assert "去投保" not in page.text
    assert "已投保" not in visit(demo, ZHOU).get("/").text
    browser.post(order_page(browser, number), data={"do": "surrender"})
    assert "去投保" in browser.get("/").text


def test_order_page_shows_who_has_surrendered(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser, two_people="on")
    browser.post(order_page(browser, number), data={"do": "surrender_one"})
    assert f"已退保（保单号 P{number}-2）" in words(find_element(browser.get("/"), "section.offer"))


def test_order_page_shows_that_the_policy_is_not_issued_yet(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser)
    with demo.app_context():
        purchase = db.session.get_one(Purchase, number)
        purchase.issue_status, purchase.effective_status = 0, 0
        db.session.commit()
    assert "已支付，出单中" in words(find_element(browser.get("/"), "#policy"))


def test_order_page_is_not_cached(demo: Flask) -> None:
    assert "no-store" in visit(demo).get("/").headers["Cache-Control"]


def test_insured_order_page_shows_no_entries_if_insurance_is_off(
    demo: Flask, tmp_path: Path
) -> None:
    number = buy(visit(demo))
    page = visit(create_demo(tmp_path, XIEBAO_ENABLED="false")).get("/")
    assert parse_html(page).select("section.offer, .xiebao-entry") == []
    assert number in page.text


def test_order_page_shows_the_policy_after_a_reissue(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser)
    browser.post(order_page(browser, number), data={"do": "reissue"})
    offer = words(find_element(browser.get("/"), "section.offer"))
    assert "已投保" in offer
    assert number not in offer


def test_order_page_links_to_the_application_whose_payment_failed(demo: Flask) -> None:
    browser = visit(demo)
    browser.post(gateway(browser), data={"do": "fail"})
    offer = find_element(browser.get("/"), "section.offer")
    assert "去投保" in words(offer)
    assert words(find_element(offer, "[data-xiebao-entry=policy]")) == "继续支付"
    buy(browser)
    assert "继续支付" not in browser.get("/").text.partition("我的保单</h2>")[0]


def test_report_shows_what_was_bought(demo: Flask) -> None:
    browser = visit(demo)
    pay(browser, gateway(browser))
    gateway(visit(demo, ZHOU), "home")
    page = look(browser, "/qa/sales")
    assert read_report_cells(page) == [["QY-1008", "2", "1", "¥15.00"]]
    assert words(find_element(page, ".sales tfoot tr")) == "合计 2 1 ¥15.00"
    chart = words(find_element(page, "svg.chart"))
    assert chart == "QY-1008 2 次点击 1 单"
    rows = read_report_cells(look(browser, "/qa/sales?by=page"))
    assert rows == [["产品详情页", "1", "1", "¥15.00"], ["携保首页", "1", "0", "¥0.00"]]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            "reference",
            [
                ["QY-2", "1", "1", "¥15.00"],
                ["（没有点击）", "0", "1", "¥15.00"],
                ["QY-1", "3", "0", "¥0.00"],
            ],
        ),
        (
            "sub_account",
            [
                ["branch", "1", "1", "¥15.00"],
                ["（没有点击）", "0", "1", "¥15.00"],
                ["（未注明）", "3", "0", "¥0.00"],
            ],
        ),
        ("month", [["2026-11", "4", "2", "¥30.00"], ["2026-10", "2", "0", "¥0.00"]]),
    ],
)
def test_report_groups_clicks_and_sales(demo: Flask, by: str, expected: list[list[str]]) -> None:
    store_clicks(demo, count=3, client_reference="QY-1")
    later = NOVEMBER + timedelta(hours=1)
    store_clicks(demo, count=1, time=later, client_reference="QY-2", sub_partner_id="branch")
    # In China, this is the last minute of October.
    october = datetime(2026, 10, 31, 15, 58, tzinfo=UTC)
    store_clicks(demo, count=2, time=october, client_reference="QY-3")
    store_purchase(demo, "1", later + timedelta(minutes=9), replaced_by="2")
    store_purchase(demo, "2", later + timedelta(minutes=99))
    store_purchase(demo, "3", NOVEMBER - timedelta(days=3))
    with time_machine.travel(NOVEMBER + timedelta(days=9)):
        rows = read_report_cells(look(demo.test_client(), f"/qa/sales?by={by}&month=2026-11"))
    assert rows[: len(expected)] == expected


def test_report_has_a_page_for_each_month(demo: Flask) -> None:
    store_clicks(demo, count=1, client_reference="QY-1")
    with time_machine.travel(NOVEMBER + timedelta(days=40)):
        december = look(demo.test_client(), "/qa/sales")
        assert december.select(".sales") == []
        assert december.select("a[rel=next]") == []
        november = look(demo.test_client(), str(find_element(december, "a[rel=prev]")["href"]))
        assert read_report_cells(november) == [["QY-1", "1", "0", "¥0.00"]]
        assert "month=2026-12" in str(find_element(november, "a[rel=next]")["href"])


def test_report_shows_only_the_first_fifty_rows(demo: Flask) -> None:
    for number in range(53):
        store_clicks(demo, count=1, client_reference=f"QY-{number:02}")
    with time_machine.travel(NOVEMBER + timedelta(days=1)):
        page = look(demo.test_client(), "/qa/sales")
    assert len(read_report_cells(page)) == 50
    assert len(page.select("svg.chart .chart-name")) == 10
    assert "还有 3 行没有显示" in words(page)
    assert words(find_element(page, "#chart")).startswith("53 次点击")
