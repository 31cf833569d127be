"""Tests for the rule that attributes a purchase to a click, and for the queries that use the rule.

To test another combination of clicks and purchases, add a row to ``SCENARIOS``.
``tests/deep/test_databases.py`` tests the same rows on PostgreSQL and MariaDB.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from flask_xiebao import LinkError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import SURRENDERED_ORDER, Click, Purchase, Shop
from tests.support import PRODUCT_CODE

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
#: The number of minutes in a day. Clicks expire after a day.
DAY = 24 * 60


def get_time_after_noon(minutes: int | None) -> datetime | None:
    return None if minutes is None else NOON + timedelta(minutes=minutes)


def build_product_click(
    click_id: str, clicked: int, returned: int | None = None, **columns: Any
) -> dict[str, Any]:
    """Return the column values of a member's click on a product entry.

    :param clicked: the number of minutes from noon to the click.
    :param returned: the number of minutes from noon to the return from the payment.
    """
    return {
        "click_id": click_id,
        "member": "alice",
        "page": "product",
        "case_code": PRODUCT_CODE,
        "platform": "h5",
        "clicked_at": get_time_after_noon(clicked),
        "expires_at": get_time_after_noon(clicked + DAY),
        "returned_at": get_time_after_noon(returned),
        **columns,
    }


build_home_click = partial(build_product_click, page="home", case_code=None)


def build_purchase(
    applied: int | None, paid: int | None = None, number: str = "1", **columns: Any
) -> dict[str, Any]:
    """Return the column values of a member's purchase.

    :param applied: the number of minutes from noon to the application.
    :param paid: the number of minutes from noon to the payment.
    """
    return {
        "insure_num": number,
        "member": "alice",
        "case_code": PRODUCT_CODE,
        "applied_at": get_time_after_noon(applied),
        "paid_at": get_time_after_noon(paid),
        "policy_nums": [],
        "forgotten": False,
        "version": 1,
        "created_at": NOON,
        "updated_at": NOON,
        **columns,
    }


def store_rows(shop: Shop, clicks: list[dict[str, Any]], purchases: list[dict[str, Any]]) -> None:
    with Session(shop.engine) as session, session.begin():
        session.add_all([Click(**columns) for columns in clicks])
        session.add_all([Purchase(**columns) for columns in purchases])


def assert_attributions(shop: Shop, expected: dict[str, tuple[str | None, str | None]]) -> None:
    """Assert that each purchase is attributed to the expected click.

    The query ``click_of`` for a single purchase must find the same click as the SQL expression
    ``click_id`` for reports.

    :param expected: the expected click id and attribution of each purchase, by application number.
    """
    columns = (Purchase.insure_num, shop.purchases.click_id, shop.purchases.attribution)
    with Session(shop.engine) as session:
        rows = session.execute(select(*columns)).all()
        assert {number: (click_id, how) for number, click_id, how in rows} == expected
        for purchase in session.scalars(select(Purchase)):
            click = session.scalar(shop.purchases.click_of(purchase))
            assert (click and click.click_id) == expected[purchase.insure_num][0]


def find_insure_nums(shop: Shop, reference: Any, member: Any = "alice") -> list[str]:
    """Return the application numbers that the query ``for_reference`` finds, in the same order."""
    with Session(shop.engine) as session:
        purchases = session.scalars(shop.purchases.for_reference(reference, member))
        return [purchase.insure_num for purchase in purchases]


NONE = (None, None)
#: One row per case of the attribution rule: the clicks, the purchases, and the expected click id
#: and attribution of each purchase, by application number.
SCENARIOS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]] = {
    "one click": ([build_product_click("a", 0)], [build_purchase(5)], {"1": ("a", "last")}),
    "return after the payment": (
        [build_product_click("a", 0, 7)],
        [build_purchase(5, 6)],
        {"1": ("a", "returned")},
    ),
    "return in the second of the payment": (
        [build_product_click("a", 0, 6)],
        [build_purchase(5, 6)],
        {"1": ("a", "returned")},
    ),
    "return before the payment": (
        [build_product_click("a", 0, 5)],
        [build_purchase(5, 6)],
        {"1": ("a", "last")},
    ),
    "two clicks without a return": (
        [build_product_click("a", 0), build_product_click("b", 2)],
        [build_purchase(5, 6)],
        {"1": ("b", "last")},
    ),
    "second click after the application": (
        [build_product_click("a", 0), build_product_click("b", 6, 9)],
        [build_purchase(5, 8)],
        {"1": ("a", "last")},
    ),
    "click in the second of the application": (
        [build_product_click("a", 5)],
        [build_purchase(5)],
        {"1": ("a", "last")},
    ),
    "return only from the earlier click": (
        [build_product_click("a", 0, 7), build_product_click("b", 2)],
        [build_purchase(5, 6)],
        {"1": ("a", "returned")},
    ),
    "earliest return from the later click": (
        [build_product_click("a", 0, 9), build_product_click("b", 2, 7)],
        [build_purchase(5, 6)],
        {"1": ("b", "returned")},
    ),
    "earliest return from the earlier click": (
        [build_product_click("a", 0, 7), build_product_click("b", 2, 9)],
        [build_purchase(5, 6)],
        {"1": ("a", "returned")},
    ),
    "two purchases in two tabs": (
        [build_product_click("a", 0, 9), build_product_click("b", 1, 7)],
        [build_purchase(4, 8), build_purchase(5, 6, "2")],
        {"1": ("a", "returned"), "2": ("b", "returned")},
    ),
    "two purchases after one click": (
        [build_product_click("a", 0, 7)],
        [build_purchase(5, 6), build_purchase(15, 16, "2")],
        {"1": ("a", "returned"), "2": ("a", "last")},
    ),
    "expired click": (
        [build_product_click("a", 0, DAY + 2)],
        [build_purchase(DAY, DAY + 1)],
        {"1": NONE},
    ),
    "click one minute before it expires": (
        [build_product_click("a", 0)],
        [build_purchase(DAY - 1)],
        {"1": ("a", "last")},
    ),
    "click on another product": (
        [build_product_click("a", 0, case_code="QX2")],
        [build_purchase(5)],
        {"1": NONE},
    ),
    "purchase without a product code": (
        [build_product_click("a", 0)],
        [build_purchase(5, case_code=None)],
        {"1": NONE},
    ),
    "any product after a click on the home entry": (
        [build_home_click("a", 0, 7)],
        [build_purchase(5, 6, case_code="QX2")],
        {"1": ("a", "returned")},
    ),
    "product entry and later home entry": (
        [build_product_click("a", 0), build_home_click("b", 1)],
        [build_purchase(5)],
        {"1": ("b", "last")},
    ),
    "click of another member": (
        [build_product_click("a", 0, 7, member="bob")],
        [build_purchase(5, 6)],
        {"1": NONE},
    ),
    "member id in another case": (
        [build_product_click("a", 0, 7, member="Alice")],
        [build_purchase(5, 6)],
        {"1": NONE},
    ),
    "purchase without a member": (
        [build_product_click("a", 0)],
        [build_purchase(5, member=None)],
        {"1": NONE},
    ),
    "purchase without an application time": (
        [build_product_click("a", 0, 7)],
        [build_purchase(None, 6)],
        {"1": NONE},
    ),
    "two clicks in one second": (
        [build_product_click("b", 0), build_product_click("a", 0)],
        [build_purchase(5)],
        {"1": ("b", "last")},
    ),
    "two returns in one second": (
        [build_product_click("a", 0, 7), build_product_click("b", 2, 7)],
        [build_purchase(5, 6)],
        {"1": ("b", "returned")},
    ),
    "two reissues and another purchase": (
        [build_product_click("a", 0, 7), build_product_click("b", 60)],
        [
            build_purchase(5, 6, "9", replaced_by="2"),
            build_purchase(70, 70, "2", replaced_by="3"),
            build_purchase(80, 80, "3"),
            build_purchase(65, 66, "4"),
        ],
        dict.fromkeys("923", ("a", "returned")) | {"4": ("b", "last")},
    ),
    "reissue of a purchase without a click": (
        [build_product_click("b", 60)],
        [build_purchase(5, 6, replaced_by="2"), build_purchase(70, 70, "2")],
        {"1": NONE, "2": NONE},
    ),
    "reissue for another member": (
        [build_product_click("a", 0, 7), build_product_click("b", 60, member="bob")],
        [build_purchase(5, 6, replaced_by="2"), build_purchase(70, None, "2", member="bob")],
        {"1": ("a", "returned"), "2": ("b", "last")},
    ),
    "reissue of a purchase without a member": (
        [build_product_click("a", 0, 7)],
        [
            build_purchase(1, 1, "0", member=None, replaced_by="1"),
            build_purchase(5, 6, replaced_by="2"),
            build_purchase(70, 70, "2"),
        ],
        {"0": NONE, "1": ("a", "returned"), "2": ("a", "returned")},
    ),
    "one reissue of two purchases": (
        [build_product_click("a", 0), build_product_click("b", 10)],
        [
            build_purchase(5, replaced_by="3"),
            build_purchase(15, None, "2", replaced_by="3"),
            build_purchase(20, None, "3"),
        ],
        {"1": ("a", "last"), "2": ("b", "last"), "3": ("a", "last")},
    ),
    "purchases that replace each other": (
        [build_product_click("a", 0)],
        [
            build_purchase(5, replaced_by="2"),
            build_purchase(6, None, "2", replaced_by="3"),
            build_purchase(7, None, "3", replaced_by="2"),
        ],
        dict.fromkeys("123", ("a", "last")),
    ),
}


@pytest.mark.parametrize(("clicks", "purchases", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_purchase_is_attributed_to_expected_click(
    shop_storing_clicks: Shop,
    clicks: list[dict[str, Any]],
    purchases: list[dict[str, Any]],
    expected: dict[str, Any],
) -> None:
    store_rows(shop_storing_clicks, clicks, purchases)
    assert_attributions(shop_storing_clicks, expected)


# Queries for purchases by client reference


def test_for_reference_returns_purchases_of_member_newest_first(shop_storing_clicks: Shop) -> None:
    store_rows(
        shop_storing_clicks,
        [
            build_product_click("a", 0, client_reference="1001"),
            build_product_click("b", 10, client_reference="QY-2"),
            build_product_click("c", 0, client_reference="1001", member="8"),
        ],
        [
            build_purchase(5, replaced_by="4"),
            build_purchase(15, None, "2"),
            build_purchase(5, None, "3", member="8"),
            build_purchase(90, None, "4"),
        ],
    )
    assert find_insure_nums(shop_storing_clicks, "1001") == ["4", "1"]
    assert find_insure_nums(shop_storing_clicks, "QY-2") == ["2"]
    assert find_insure_nums(shop_storing_clicks, 1001, 8) == ["3"]
    assert find_insure_nums(shop_storing_clicks, "QY-3") == []
    assert find_insure_nums(shop_storing_clicks, "qy-2") == []


@pytest.mark.parametrize(
    ("stored", "reference", "member"),
    [
        *[(None, reference, "alice") for reference in ("", " ", "a\0b", None, "x" * 3000)],
        # Only the first 255 characters of a reference are stored. A longer reference must not match
        # another reference with the same beginning.
        ("x" * 255, "x" * 299, "alice"),
        ("1", "1", None),
    ],
    ids=["empty", "space", "NUL", "None", "too long", "cut reference", "no member"],
)
def test_for_reference_is_empty_for_invalid_reference_or_no_member(
    shop_storing_clicks: Shop, stored: str | None, reference: Any, member: str | None
) -> None:
    store_rows(
        shop_storing_clicks,
        [build_product_click("a", 0, client_reference=stored)],
        [build_purchase(5)],
    )
    assert find_insure_nums(shop_storing_clicks, reference, member) == []


@pytest.mark.parametrize("member", [1.5, "alice "])
def test_queries_with_invalid_member_id_raise_link_error(
    shop_storing_clicks: Shop, member: Any
) -> None:
    for build_query in (
        shop_storing_clicks.purchases.of,
        partial(shop_storing_clicks.purchases.for_reference, "1"),
    ):
        with pytest.raises(LinkError):
            build_query(member)


# Queries with the columns ``click_id`` and ``attribution``


def test_report_counts_purchases_by_reference(shop_storing_clicks: Shop) -> None:
    store_rows(
        shop_storing_clicks,
        [
            build_product_click("a", 0, client_reference="QY-1"),
            build_product_click("b", 10, client_reference="QY-2"),
        ],
        [
            build_purchase(5, number="1", price_fen=100),
            build_purchase(15, number="2", price_fen=20),
            build_purchase(16, number="3", price_fen=3),
            build_purchase(2 * DAY, number="4", price_fen=4000),
        ],
    )
    report = (
        select(Click.client_reference, func.count(), func.sum(Purchase.price_fen))
        .select_from(Purchase)
        .outerjoin(Click, Click.click_id == shop_storing_clicks.purchases.click_id)
        .group_by(Click.client_reference)
    )

    with Session(shop_storing_clicks.engine) as session:
        rows = {reference: (count, price) for reference, count, price in session.execute(report)}

    assert rows == {"QY-1": (1, 100), "QY-2": (2, 23), None: (1, 4000)}


def test_click_id_or_attribution_can_be_only_column_of_query(shop_storing_clicks: Shop) -> None:
    store_rows(
        shop_storing_clicks,
        [build_product_click("a", 0, 7)],
        [
            build_purchase(5, 6),
            build_purchase(5, None, "2"),
            build_purchase(None, None, "3"),
        ],
    )
    attribution = shop_storing_clicks.purchases.attribution.label("attribution")
    with Session(shop_storing_clicks.engine) as session:
        counts = session.execute(select(attribution, func.count()).group_by(attribution)).all()
        click_ids = session.scalars(select(shop_storing_clicks.purchases.click_id)).all()
    assert dict(counts) == {None: 1, "last": 1, "returned": 1}
    assert sorted(click_ids, key=str) == [None, "a", "a"]


# Functions that are registered with ``on_change``


@pytest.mark.parametrize("autoflush", [True, False])
def test_on_change_can_query_click_of_purchase(make_shop: MakeShop, autoflush: bool) -> None:
    shop = make_shop(clicks=True, make_session_factory=partial(sessionmaker, autoflush=autoflush))
    references = list[str | None]()

    def record_reference(session: Session, purchase: Any, before: Any) -> None:
        click = session.scalar(shop.purchases.click_of(purchase))
        references.append(click and click.client_reference)

    shop.on_change = record_reference
    store_rows(shop, [build_product_click("a", 0, client_reference="QY-1008")], [])
    shop.gateway.set_order(partnerUniqueKey="alice", insureTime=None)
    shop.refresh()
    shop.gateway.set_order(insureTime="2026-11-27 20:00:30", **SURRENDERED_ORDER)
    shop.refresh()

    assert references == [None, "QY-1008"]


def test_on_change_is_not_called_if_only_application_time_changes(
    shop_storing_clicks: Shop,
) -> None:
    """Rows from version 0.3 have no application time. The next order query adds this time."""
    shop_storing_clicks.gateway.set_order()
    shop_storing_clicks.refresh()
    shop_storing_clicks.execute_sql("UPDATE xiebao_purchase SET applied_at = NULL")
    shop_storing_clicks.changes.clear()
    assert shop_storing_clicks.refresh().applied_at is not None
    assert shop_storing_clicks.changes == []
