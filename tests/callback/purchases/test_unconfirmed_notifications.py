"""Tests for notifications that the order query does not confirm for hours.

The status of the response is 500, so that the gateway sends the notification again. After a day of
waiting, the status is 200. To test another retry schedule, add a row to ``REPETITIONS``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from flask_xiebao import NotificationType
from tests.callback.purchases.support import PAID_ORDER, SURRENDERED_ORDER, Shop
from tests.support import INSURE_NUM

START = datetime(2026, 11, 27, tzinfo=UTC)


def notify_after(
    shop: Shop, hours: float, step: int = NotificationType.SURRENDER, **fields: Any
) -> int:
    """Send a notification this many hours after ``START``, and return the response's status."""
    with time_machine.travel(START + timedelta(hours=hours)):
        return shop.notify(step, **fields)


#: One row per retry schedule: the status of each response, by the number of hours since the
#: notification first arrived.
REPETITIONS: dict[str, dict[float, int]] = {
    "one day's pause after acceptance": {
        **{0: 500, 0.9: 500, 1.1: 500, 23.9: 500, 24.1: 200},
        **{49: 500, 72: 500, 74: 200},
    },
    "first repetition after 30 hours": {0: 500, 30: 500, 31: 500},
    # The signature does not cover the step, so an attacker who has captured a notification about
    # the payment can send this notification again and again as a notification about a surrender.
    "every 3 hours": {**dict.fromkeys(range(0, 24, 3), 500), 24: 200, 27: 500, 30: 500},
    "every 8 hours": {0: 500, 8: 500, 16: 500, 24: 200, 32: 500, 40: 500, 50: 500},
}


@pytest.mark.parametrize("statuses", REPETITIONS.values(), ids=REPETITIONS)
def test_unconfirmed_notification_returns_500_for_a_day(
    shop: Shop, statuses: dict[float, int]
) -> None:
    shop.gateway.set_order()
    assert {hours: notify_after(shop, hours) for hours in statuses} == statuses
    shop.gateway.set_order(**SURRENDERED_ORDER)
    assert notify_after(shop, 80) == 200
    assert shop.read_purchase_states() == {INSURE_NUM: "surrendered"}


#: One row per order that does not confirm a notification: the fields of the order at the gateway,
#: and the levels of the log entries. In the row "unknown order", the gateway has only an order with
#: another application number.
LOG_LEVELS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "policy in force": ({}, ["INFO", "ERROR", "WARNING"]),
    "unknown order": ({"insure_num": "another"}, ["INFO", "ERROR", "WARNING"]),
    "surrender in progress": ({"effectiveStatus": 2}, ["INFO", "INFO"]),
}


@pytest.mark.parametrize(("order", "levels"), LOG_LEVELS.values(), ids=LOG_LEVELS)
def test_unconfirmed_notification_logs_error_and_warning_unless_surrender_is_in_progress(
    shop: Shop, order: dict[str, Any], levels: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shop.gateway.set_order(**order)
    statuses = [notify_after(shop, hours) for hours in (0, 0.9, 1.1, 23.9, 24.1)]
    assert statuses == [500, 500, 500, 500, 200]
    # A log entry that equals an earlier entry is not written again, so some of the five
    # notifications add no entry.
    assert [record.levelname for record in caplog.records] == levels


def test_only_eight_notifications_are_recorded_per_row(shop: Shop) -> None:
    shop.gateway.set_order()
    for hours in (0, 12):
        statuses = [notify_after(shop, hours, cancelMsg=f"{n}") for n in range(8)]
        assert statuses == [500] * 8
    assert notify_after(shop, 24.5, cancelMsg="0") == 200
    # The purchase's row records at most eight notifications, so the ninth notification replaces
    # "1", which was received least recently.
    assert notify_after(shop, 24.6, cancelMsg="ninth") == 500
    assert notify_after(shop, 24.7, cancelMsg="2") == 200
    assert notify_after(shop, 24.8, cancelMsg="1") == 500


@pytest.mark.parametrize(
    ("change", "statuses"),
    [({"issueStatus": 1}, [500, 500, 500, 200]), ({"planName": "计划二"}, [500, 200, 500, 500])],
    ids=["status", "plan name"],
)
def test_day_of_wait_begins_again_only_after_status_change(
    shop: Shop, change: dict[str, Any], statuses: list[int]
) -> None:
    shop.gateway.set_order(**PAID_ORDER)
    assert notify_after(shop, 0) == 500
    shop.gateway.set_order(**change)
    # If the order confirms one notification, the day of waiting for another notification does not
    # end.
    assert notify_after(shop, 12, NotificationType.PAYMENT) == 200
    assert [notify_after(shop, hours) for hours in (12, 25, 35, 37)] == statuses
