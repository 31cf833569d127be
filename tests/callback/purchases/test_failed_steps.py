"""Tests for failed payments and failed issues, which only notifications report.

To test another sequence of failed steps, add a row to ``SEQUENCES``.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_xiebao import NotificationType
from tests.callback.purchases.support import (
    COVER,
    PAID_ORDER,
    SURRENDERED_ORDER,
    UNPAID_ORDER,
    Shop,
)
from tests.support import INSURE_NUM
from tests.vectors import NAME

FailedStep = tuple[dict[str, Any], NotificationType, str, str]

#: One row per sequence of notifications about failed steps. Each notification is a tuple: the
#: fields of the order at the gateway, the failed step, the gateway's message, and the expected
#: state of the purchase afterwards. The signature does not cover the step, so an attacker can send
#: a captured notification again with another step. The attacker's copy has the same message as the
#: original.
SEQUENCES: dict[str, list[FailedStep]] = {
    "failed payment": [(UNPAID_ORDER, NotificationType.PAYMENT, "余额不足", "failed")],
    "failed payment of a paid order": [(PAID_ORDER, NotificationType.PAYMENT, "余额不足", "paid")],
    "failed issue": [(PAID_ORDER, NotificationType.ISSUE, "核保未通过", "not_issued")],
    "failed issue of a debited order": [
        ({**PAID_ORDER, "payStatus": 5}, NotificationType.ISSUE, "核保未通过", "not_issued"),
    ],
    "failed issue of a policy in force": [
        (COVER, NotificationType.ISSUE, "核保未通过", "in_force"),
    ],
    "failed application": [
        (UNPAID_ORDER, NotificationType.APPLICATION, "健康告知未通过", "applied")
    ],
    "failed surrender": [(COVER, NotificationType.SURRENDER, "退保失败", "in_force")],
    "failed issue before the order is paid": [
        (UNPAID_ORDER, NotificationType.ISSUE, "核保未通过", "applied"),
        (PAID_ORDER, NotificationType.ISSUE, "核保未通过", "not_issued"),
    ],
    "failed payment sent again as a failed issue": [
        (UNPAID_ORDER, NotificationType.PAYMENT, "余额不足", "failed"),
        (PAID_ORDER, NotificationType.ISSUE, "余额不足", "paid"),
        (PAID_ORDER, NotificationType.ISSUE, "核保未通过", "not_issued"),
    ],
    "failed issue sent again as a failed payment": [
        (PAID_ORDER, NotificationType.ISSUE, "核保未通过", "not_issued"),
        (PAID_ORDER, NotificationType.PAYMENT, "核保未通过", "not_issued"),
        (UNPAID_ORDER, NotificationType.PAYMENT, "核保未通过", "applied"),
    ],
    "failed application sent again as a failed payment": [
        (UNPAID_ORDER, NotificationType.APPLICATION, "健康告知未通过", "applied"),
        (UNPAID_ORDER, NotificationType.PAYMENT, "健康告知未通过", "applied"),
    ],
    "failed application sent again as a failed issue": [
        (PAID_ORDER, NotificationType.APPLICATION, "健康告知未通过", "paid"),
        (PAID_ORDER, NotificationType.ISSUE, "健康告知未通过", "paid"),
    ],
}


@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_row_has_expected_state_after_failed_steps(shop: Shop, steps: list[FailedStep]) -> None:
    for order, step, message, state in steps:
        shop.gateway.set_order(**order)
        assert shop.notify(step, state=False, failMsg=f"{NAME}{message}") == 200
        assert shop.read_purchase_states() == {INSURE_NUM: state}


@pytest.mark.parametrize(
    "payment_field",
    [
        {"price": 0},
        {"price": "15.00"},
        {"payTime": "2019-02-26 10:20:30"},
        {"payTime": "soon"},
        {"onlinePaymentId": "21"},
        {"premium": 4200},
    ],
    ids=str,
)
def test_failed_issue_with_field_of_payment_is_ignored(
    shop: Shop, payment_field: dict[str, Any]
) -> None:
    shop.gateway.set_order(**PAID_ORDER)
    assert shop.notify(NotificationType.ISSUE, state=False, **payment_field) == 200
    assert shop.read_purchase_states() == {INSURE_NUM: "paid"}


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        (NotificationType.PAYMENT, UNPAID_ORDER, PAID_ORDER),
        (NotificationType.PAYMENT, UNPAID_ORDER, {**UNPAID_ORDER, "payStatus": 2}),
        (NotificationType.ISSUE, PAID_ORDER, {"issueStatus": 1}),
        (NotificationType.ISSUE, PAID_ORDER, {"issueStatus": 3}),
        (NotificationType.ISSUE, PAID_ORDER, SURRENDERED_ORDER),
    ],
    ids=["payment", "order cannot be paid", "issue", "cancelled order", "surrender"],
)
def test_failed_step_is_cleared_by_later_order_status(
    shop: Shop, step: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    shop.gateway.set_order(**before)
    assert shop.notify(step, state=False, failMsg="x") == 200
    assert shop.read_purchase_row().failed_step == step
    shop.gateway.set_order(**after)
    assert shop.refresh().failed_step is None
