"""Tests for the responses to notifications, and for the rows that notifications change.

To test whether an order query confirms another notification, add a row to ``CONFIRMATIONS``.
"""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from flask_xiebao import NotificationType, OrderError
from tests.callback.purchases.support import PAID_ORDER, SURRENDERED_ORDER, UNPAID_ORDER, Shop
from tests.support import INSURE_NUM, failing_function
from tests.vectors import NAME, VECTORS, build_notification

FAILED_NUM, REISSUED_NUM = "20190226020147", "20190226020199"


@pytest.mark.parametrize("bodies", [VECTORS, VECTORS[::-1]], ids=["in sequence", "in reverse"])
def test_rows_do_not_depend_on_sequence_or_repetition_of_notifications(
    shop: Shop, bodies: list[bytes]
) -> None:
    """A test in ``tests/deep/test_purchases.py`` covers all other sequences of notifications."""
    shop.gateway.set_order(**SURRENDERED_ORDER)
    shop.gateway.set_order(REISSUED_NUM)
    shop.gateway.set_order(FAILED_NUM, **UNPAID_ORDER)
    forged_body = build_notification(key="another key")
    for body in bodies:
        assert shop.send_bodies(forged_body, body, body) == [403, 200, 200]
    assert shop.read_purchase_states() == {
        INSURE_NUM: "replaced",
        FAILED_NUM: "failed",
        REISSUED_NUM: "expired",
    }


#: One row per notification: the notification type, the fields of the notification, the fields of
#: the order at the gateway, and the status of the response. The status is 500 if the order does not
#: show the step that the notification reports.
CONFIRMATIONS: dict[str, tuple[int, dict[str, Any], dict[str, Any], int]] = {
    "application, unpaid order": (NotificationType.APPLICATION, {}, UNPAID_ORDER, 200),
    "payment, unpaid order": (NotificationType.PAYMENT, {}, UNPAID_ORDER, 500),
    "payment, debit running": (NotificationType.PAYMENT, {}, {**UNPAID_ORDER, "payStatus": 3}, 500),
    "payment, debit failed": (NotificationType.PAYMENT, {}, {**UNPAID_ORDER, "payStatus": 4}, 500),
    "payment, no pay status": (
        NotificationType.PAYMENT,
        {},
        {**UNPAID_ORDER, "payStatus": None},
        500,
    ),
    "payment, only a payment time": (NotificationType.PAYMENT, {}, {"payStatus": None}, 200),
    "payment, order cannot be paid": (
        NotificationType.PAYMENT,
        {},
        {**UNPAID_ORDER, "payStatus": 2},
        200,
    ),
    "payment, surrendered order": (
        NotificationType.PAYMENT,
        {},
        {**UNPAID_ORDER, **SURRENDERED_ORDER},
        200,
    ),
    "payment, paid order": (NotificationType.PAYMENT, {}, PAID_ORDER, 200),
    "failed payment, unpaid order": (NotificationType.PAYMENT, {"state": False}, UNPAID_ORDER, 200),
    "issue, paid order": (NotificationType.ISSUE, {}, PAID_ORDER, 500),
    "issue, issue delayed": (NotificationType.ISSUE, {}, {**PAID_ORDER, "issueStatus": 2}, 500),
    "issue, no issue status": (
        NotificationType.ISSUE,
        {},
        {**PAID_ORDER, "issueStatus": None},
        500,
    ),
    "issue, only an issue time": (NotificationType.ISSUE, {}, {"issueStatus": None}, 200),
    "issue, cancelled order": (NotificationType.ISSUE, {}, {**PAID_ORDER, "issueStatus": 3}, 200),
    "surrender, policy in force": (NotificationType.SURRENDER, {}, {}, 500),
    "surrender, paid order": (NotificationType.SURRENDER, {}, PAID_ORDER, 500),
    "surrender, no effective status": (
        NotificationType.SURRENDER,
        {},
        {"effectiveStatus": None},
        500,
    ),
    "surrender, surrender running": (NotificationType.SURRENDER, {}, {"effectiveStatus": 2}, 500),
    "surrender, unknown status": (NotificationType.SURRENDER, {}, {"effectiveStatus": 7}, 200),
    "surrender by the only insured person": (
        NotificationType.SURRENDER,
        {"cancelInsurants": [NAME]},
        {},
        500,
    ),
    "failed surrender, policy in force": (NotificationType.SURRENDER, {"state": False}, {}, 200),
    "reissue, policy in force": (
        NotificationType.REISSUE,
        {"newInsureNum": REISSUED_NUM},
        {},
        500,
    ),
    "reissue, surrendered order": (
        NotificationType.REISSUE,
        {"newInsureNum": REISSUED_NUM},
        SURRENDERED_ORDER,
        200,
    ),
    "failed reissue, unknown new order": (
        NotificationType.REISSUE,
        {"state": False, "newInsureNum": "unknown"},
        {},
        200,
    ),
    "reissue without a new number": (NotificationType.REISSUE, {}, {}, 500),
    "policy file, policy in force": (NotificationType.POLICY_FILE, {}, {}, 200),
    "unknown type, unpaid order": (77, {}, UNPAID_ORDER, 200),
}


@pytest.mark.parametrize(
    ("notification_type", "fields", "order", "status"), CONFIRMATIONS.values(), ids=CONFIRMATIONS
)
def test_notification_returns_500_until_order_query_confirms_it(
    shop: Shop, notification_type: int, fields: dict[str, Any], order: dict[str, Any], status: int
) -> None:
    shop.gateway.set_order(REISSUED_NUM)
    shop.gateway.set_order(**order)
    assert shop.notify(notification_type, **fields) == status
    shop.gateway.set_order(**SURRENDERED_ORDER)
    assert shop.notify(notification_type, **fields) == 200
    assert shop.read_purchase_row().effective_status == 3
    assert "unknown" not in shop.read_purchase_states()


# Order queries that return no order


def test_refresh_of_unknown_order_raises_and_stores_nothing(shop: Shop) -> None:
    with pytest.raises(OrderError, match="respCode 1002"):
        shop.refresh()
    assert shop.read_purchase_rows() == {}


def test_unknown_order_is_stored_but_not_reported_to_on_change(shop: Shop) -> None:
    assert shop.notify(NotificationType.APPLICATION) == 500
    assert (shop.read_purchase_states(), shop.changes) == ({INSURE_NUM: "unknown"}, [])
    shop.gateway.set_order(**UNPAID_ORDER)
    assert shop.notify(NotificationType.APPLICATION) == 200
    assert (shop.read_purchase_states(), shop.changes) == (
        {INSURE_NUM: "applied"},
        [(None, "applied")],
    )


def test_notification_stores_nothing_if_gateway_cannot_be_reached(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.gateway.set_order()
    shop.gateway.on_query = failing_function(httpx.ConnectError(""))
    assert shop.notify(NotificationType.PAYMENT) == 500
    assert shop.read_purchase_rows() == {}
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# Functions that are registered with ``on_change``


def test_on_change_is_called_once_per_change(shop: Shop) -> None:
    for order in (
        UNPAID_ORDER,
        PAID_ORDER,
        {"issueStatus": 1},
        {"effectiveStatus": 2},
        SURRENDERED_ORDER,
    ):
        shop.gateway.set_order(**order, startDate="2999-01-01", endDate="2999-12-31")
        shop.refresh()
        shop.refresh()
    states = [None, "applied", "paid", "issued", "surrendering", "surrendered"]
    assert shop.changes == [*itertools.pairwise(states)]


def test_change_is_not_stored_if_on_change_raises(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.gateway.set_order(**UNPAID_ORDER)
    shop.refresh()
    shop.gateway.set_order(**PAID_ORDER)
    # The log suppresses repeated entries. Twelve entries about unconfirmed notifications must not
    # suppress the later entry about the error in ``on_change``.
    for number in range(12):
        assert shop.notify(NotificationType.APPLICATION, insureNum=f"unknown{number}") == 500
    shop.on_change = failing_function(LookupError())

    assert shop.notify(NotificationType.PAYMENT) == 500
    assert shop.read_purchase_states()[INSURE_NUM] == "applied"
    assert "ERROR" in [record.levelname for record in caplog.records]

    shop.on_change = lambda *_: None
    assert shop.notify(NotificationType.PAYMENT) == 200
    assert shop.changes[-1] == ("applied", "paid")


def test_snapshot_has_values_before_change_and_is_read_only(shop: Shop) -> None:
    snapshots: list[Any] = []
    shop.on_change = lambda _session, _purchase, before: snapshots.append(before)
    for plan_name in (NAME, "计划二"):
        shop.gateway.set_order(planName=plan_name)
        shop.refresh()
    _, snapshot = snapshots
    assert (snapshot.plan_name, snapshot.state) == (NAME, "expired")
    assert repr(snapshot) == f"<Snapshot {INSURE_NUM}>"
    with pytest.raises(AttributeError, match="cannot be changed"):
        snapshot.member = "8"


# The member of a purchase


@pytest.mark.parametrize("member_key", ["another", None])
def test_row_keeps_member_and_warns_if_gateway_reports_another(
    shop: Shop, member_key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway seems to report another member if the site runs with a wrong member secret."""
    shop.gateway.set_order()
    shop.refresh()
    shop.gateway.set_order(partnerUniqueKey=member_key, **SURRENDERED_ORDER)

    assert [shop.refresh().member, shop.refresh().member] == ["101000", "101000"]
    assert shop.read_purchase_states() == {INSURE_NUM: "surrendered"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]

    difference = (
        f"{INSURE_NUM}: surrendered -> surrendered, the gateway reports another member, or no"
        " member, for this order"
    )
    # A missing member key in the order list does not count as a difference, because the gateway may
    # leave the key out of the list.
    assert shop.reconcile() == [difference] * (member_key is not None)
