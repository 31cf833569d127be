"""Tests for ``Purchases.reconcile``, which compares the rows with the orders of the gateway.

To test another difference, add a row to ``DIFFERENCES``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from flask_xiebao import NotificationType, OrderError
from flask_xiebao.sqla import reconciliation
from tests.callback.purchases.support import (
    COVER,
    PAID_ORDER,
    SURRENDERED_ORDER,
    UNPAID_ORDER,
    Shop,
)


def store_orders(shop: Shop, count: int = 3, **fields: Any) -> list[str]:
    """Add orders to the gateway, store rows for the orders, and return the application numbers."""
    numbers = [f"2026{index:05}" for index in range(count)]
    for number in numbers:
        shop.gateway.set_order(number, **{**COVER, **fields})
        shop.refresh(number)
    shop.gateway.queries.clear()
    shop.changes.clear()
    return numbers


#: One row per difference between a purchase and its order: the fields of three orders when they are
#: stored, the fields that change in one order at the gateway, and the states before and after the
#: change.
DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "effective status": ({}, SURRENDERED_ORDER, "in_force -> surrendered"),
    "pay status": (UNPAID_ORDER, {"payStatus": 1}, "applied -> paid"),
    "issue status": (PAID_ORDER, {"issueStatus": 3}, "paid -> cancelled"),
    "member": ({"partnerUniqueKey": None}, {"partnerUniqueKey": "7"}, "in_force -> in_force"),
}


@pytest.mark.parametrize(("stored", "changed", "states"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_difference_is_reported_and_repaired(
    shop: Shop, stored: dict[str, Any], changed: dict[str, Any], states: str
) -> None:
    first, second, _ = store_orders(shop, **stored)
    shop.gateway.set_order(second, **changed)
    assert shop.reconcile(repair=False) == [f"{second}: {states}, not repaired"]
    assert shop.gateway.get_queried_numbers() == [second]
    assert shop.reconcile() == [f"{second}: {states}, repaired"]
    assert shop.reconcile() == []
    assert shop.read_purchase_row(first).version == 1


def test_order_listed_without_status_is_queried_unless_state_is_final(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    final, ended, surrendered, unchanged = store_orders(shop, 4)
    shop.gateway.set_order(final, **SURRENDERED_ORDER)
    shop.gateway.set_order(ended, endDate="2019-03-05")
    shop.refresh(final)
    shop.refresh(ended)
    shop.gateway.set_order(surrendered, **SURRENDERED_ORDER)
    shop.gateway.queries.clear()

    def build_order_without_statuses(order: dict[str, Any]) -> dict[str, Any]:
        return {"insureNum": order["insureNum"]}

    monkeypatch.setattr(shop.gateway, "build_listed_order", build_order_without_statuses)
    difference = f"{surrendered}: in_force -> surrendered"
    assert shop.reconcile(repair=False) == [f"{difference}, not repaired"]
    assert shop.gateway.get_queried_numbers() == [ended, surrendered, unchanged]
    assert shop.reconcile() == [f"{difference}, repaired"]


def test_order_without_row_is_stored_with_or_without_on_change_call(shop: Shop) -> None:
    shop.gateway.set_order("1", **COVER)
    assert shop.reconcile(repair=False) == ["1: no row -> in_force, not repaired"]
    assert shop.read_purchase_rows() == {}
    assert shop.reconcile(on_change=False) == ["1: no row -> in_force, repaired"]
    assert (shop.read_purchase_states(), shop.changes) == ({"1": "in_force"}, [])
    shop.gateway.set_order("2", **COVER)
    assert shop.reconcile() == ["2: no row -> in_force, repaired"]
    assert shop.changes == [(None, "in_force")]


def test_reconcile_with_since_leaves_out_older_orders(shop: Shop) -> None:
    for day in "123":
        shop.gateway.set_order(day, **COVER, insureTime=f"2026-11-0{day} 00:00:00")
    shop.refresh("1")
    shop.gateway.set_order("1", **SURRENDERED_ORDER)
    shop.gateway.queries.clear()

    differences = shop.reconcile(since=date(2026, 11, 3), repair=False)
    assert differences == ["3: no row -> in_force, not repaired"]
    # Order 2 is queried because it has no row and the order list does not show when it was created.
    assert shop.gateway.get_queried_numbers() == ["2", "3"]

    assert len(shop.reconcile(since=date(2026, 11, 3))) == 1
    differences = shop.reconcile(since=date(2026, 11, 1))
    assert [difference[0] for difference in differences] == ["1", "2"]


# Order queries that fail during ``reconcile``


def test_reconcile_raises_after_ten_consecutive_failures(shop: Shop) -> None:
    numbers = store_orders(shop, 12)
    for number in numbers:
        shop.gateway.set_order(number, **SURRENDERED_ORDER)
    failing = numbers[3:12]

    def raise_timeout(method: str, insure_num: str | None) -> None:
        if insure_num in failing:
            raise httpx.ReadTimeout("")

    shop.gateway.on_query = raise_timeout
    differences = shop.reconcile()
    assert [text.endswith(", repaired") for text in differences] == [True] * 3 + [False] * 9
    assert differences[3] == (
        f"{numbers[3]}: in_force -> ?, OrderError: The gateway did not respond within 10 seconds"
    )

    # ``reconcile`` stops after ten failed queries in a row. Here, the tenth order interrupts the
    # series. In the first run, the query for this order succeeds. In the second run, this order is
    # not queried, because it has not changed.
    for number in numbers:
        shop.gateway.set_order(number, effectiveStatus=2)
    failing = [*numbers[:9], *numbers[10:]]
    assert [len(shop.reconcile()), len(shop.reconcile())] == [12, 11]

    failing = numbers
    shop.gateway.set_order(numbers[9], **SURRENDERED_ORDER)
    with pytest.raises(OrderError, match="did not respond"):
        shop.reconcile(repair=False)


@pytest.mark.parametrize("is_listed", [True, False], ids=["listed", "not listed"])
def test_reconcile_continues_after_many_refused_queries(shop: Shop, is_listed: bool) -> None:
    """The gateway may refuse queries for orders in the order list and for unlisted orders."""
    *refused, last = store_orders(shop, 12)
    assert shop.notify(NotificationType.APPLICATION, insureNum="unconfirmed") == 500
    for number in (*refused, last):
        shop.gateway.set_order(number, **SURRENDERED_ORDER)
    only_last = {last: shop.gateway.orders[last]}
    if not is_listed:
        shop.gateway.orders = {}
    # The orders change during the query for the order list, so the change affects only later
    # queries.
    shop.gateway.on_query = lambda *_: setattr(shop.gateway, "orders", only_last)

    refusal = "OrderError: The gateway refused the order query with respCode 1002"
    assert shop.reconcile() == [
        *[f"{number}: in_force -> ?, {refusal}" for number in refused],
        f"{last}: in_force -> surrendered, repaired",
    ]


# The rate of order queries


@pytest.mark.parametrize("per_second", [0, -1])
def test_per_second_must_be_greater_than_0(shop: Shop, per_second: int) -> None:
    with pytest.raises(ValueError, match=f"greater than 0, got {per_second}"):
        shop.reconcile(per_second=per_second)


def test_reconcile_waits_between_queries(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: list[float] = []
    monkeypatch.setattr(reconciliation, "sleep", seconds.append)
    monkeypatch.setattr(reconciliation, "monotonic", lambda: 5000.0)
    for number in "123":
        shop.gateway.set_order(number)
    shop.reconcile(per_second=4, repair=False)
    assert seconds == [0, 0.25, 0.25]
