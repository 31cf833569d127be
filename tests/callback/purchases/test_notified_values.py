"""Tests of the values that only notifications report, and of forged and repeated notifications."""

from __future__ import annotations

import itertools
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import APPLIED, PAID, SURRENDERED, Shop, insurant
from tests.support import INSURE_NUM
from tests.vectors import NAME, build_notification

START = datetime(2026, 11, 27, tzinfo=UTC)
SECOND, THIRD = "20190226020199", "20190226020200"


def send_after(shop: Shop, hours: float, step: int, **fields: Any) -> int:
    """Send a notification at a later time, and return the status of the response."""
    with time_machine.travel(START + timedelta(hours=hours)):
        return shop.ring(step, **fields)


# The 24 hours


def test_replays_of_one_notification_do_not_shorten_wait_for_another(shop: Shop) -> None:
    shop.gateway.says()
    replayed = [send_after(shop, hours, 4, cancelMsg="captured") for hours in range(0, 30, 3)]
    assert replayed == [500] * 8 + [200, 500]
    assert send_after(shop, 30, 4, cancelMsg="genuine") == 500
    shop.gateway.says(**SURRENDERED)
    assert send_after(shop, 31, 4, cancelMsg="genuine") == 200
    assert shop.states() == {INSURE_NUM: "surrendered"}


def test_unconfirmed_notification_is_accepted_after_a_day_among_seven_others(shop: Shop) -> None:
    shop.gateway.says()
    for hours in range(0, 24, 3):
        sent = [send_after(shop, hours, 4, cancelMsg=f"{number}") for number in range(8)]
        assert sent == [500] * 8
    assert send_after(shop, 24.5, 4, cancelMsg="0") == 200
    # A ninth notification takes the place of the one that was received least recently.
    assert send_after(shop, 24.6, 4, cancelMsg="ninth") == 500
    assert send_after(shop, 24.7, 4, cancelMsg="2") == 200
    assert send_after(shop, 24.8, 4, cancelMsg="1") == 500


def test_slow_replays_do_not_shorten_wait_for_confirmation(shop: Shop) -> None:
    shop.gateway.says()
    replayed = [send_after(shop, hours, 4) for hours in range(0, 48, 8)]
    assert replayed == [500, 500, 500, 200, 500, 500]
    # The signature does not cover the type, so a replay can have the data of the genuine one.
    assert send_after(shop, 50, 4) == 500
    shop.gateway.says(**SURRENDERED)
    assert send_after(shop, 51, 4) == 200
    assert shop.states() == {INSURE_NUM: "surrendered"}


def test_wait_begins_again_after_status_has_changed(shop: Shop) -> None:
    shop.gateway.says(**PAID)
    assert send_after(shop, 0, 4) == 500
    shop.gateway.says(issueStatus=1)
    assert [send_after(shop, hours, 4) for hours in (12, 25, 35, 37)] == [500, 500, 500, 200]


# A surrender in progress


def test_surrender_in_progress_is_logged_at_info_only(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shop.gateway.says(effectiveStatus=2)
    statuses = [send_after(shop, hours, 4) for hours in (0, 2, 20, 25)]
    assert statuses == [500, 500, 500, 200]
    assert {record.levelname for record in caplog.records} == {"INFO"}


# Failed steps

FAILED_PAYMENT = {"state": False, "failMsg": "余额不足"}


def test_failed_payment_sent_again_as_failed_issue_is_ignored(shop: Shop) -> None:
    shop.gateway.says(**APPLIED)
    assert shop.ring(2, **FAILED_PAYMENT) == 200
    assert shop.states() == {INSURE_NUM: "failed"}
    shop.gateway.says(payStatus=1, payedTime="2019-02-26 10:20:30")
    assert shop.ring(3, **FAILED_PAYMENT) == 200
    assert shop.states() == {INSURE_NUM: "paid"}
    assert shop.ring(3, state=False, failMsg="核保未通过") == 200
    assert shop.states() == {INSURE_NUM: "not_issued"}


def test_failed_issue_sent_again_as_failed_payment_is_ignored(shop: Shop) -> None:
    shop.gateway.says(**PAID)
    failed_issue = {"state": False, "failMsg": "核保未通过"}
    assert shop.ring(3, **failed_issue) == 200
    shop.gateway.says(**APPLIED)
    assert shop.ring(2, **failed_issue) == 200
    assert shop.states() == {INSURE_NUM: "applied"}


@pytest.mark.parametrize(("step", "says", "state"), [(2, APPLIED, "applied"), (3, PAID, "paid")])
def test_failed_application_sent_again_as_another_failed_step_is_ignored(
    shop: Shop, step: int, says: dict[str, Any], state: str
) -> None:
    shop.gateway.says(**says)
    failed_application = {"state": False, "failMsg": "健康告知未通过"}
    assert [shop.ring(type_, **failed_application) for type_ in (1, step)] == [200, 200]
    assert shop.states() == {INSURE_NUM: state}


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
)
def test_failed_issue_with_fields_of_a_payment_is_ignored(
    shop: Shop, payment_field: dict[str, Any]
) -> None:
    shop.gateway.says(**PAID)
    assert shop.ring(3, state=False, **payment_field) == 200
    assert shop.states() == {INSURE_NUM: "paid"}


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        (2, APPLIED, PAID),
        (2, APPLIED, {**APPLIED, "payStatus": 2}),
        (3, PAID, {"issueStatus": 1}),
        (3, PAID, {"issueStatus": 3}),
        (3, PAID, SURRENDERED),
    ],
)
def test_failed_step_is_cleared_by_later_status(
    shop: Shop, step: int, before: dict[str, Any], after: dict[str, Any]
) -> None:
    shop.gateway.says(**before)
    assert shop.ring(step, state=False, failMsg="x") == 200
    assert shop.row().failed_step == step
    shop.gateway.says(payStatus=1, **after) if "payStatus" not in after else shop.gateway.says(
        **after
    )
    assert shop.refresh().failed_step is None


def test_issue_that_fails_before_query_shows_payment_counts_once_it_is_paid(shop: Shop) -> None:
    shop.gateway.says(**APPLIED)
    assert shop.ring(3, state=False, failMsg="核保未通过") == 200
    assert shop.states() == {INSURE_NUM: "applied"}
    shop.gateway.says(**PAID, payStatus=1)
    shop.refresh()
    assert shop.states() == {INSURE_NUM: "not_issued"}


# Orders of another site


def test_row_of_another_sites_order_is_deleted_once_gateway_knows_order(
    new_shop: MakeShop,
) -> None:
    shop = new_shop(only=lambda order: order.case_code == "ours")
    assert shop.ring(1) == 500
    assert shop.states() == {INSURE_NUM: "unknown"}
    shop.gateway.says(**APPLIED, caseCode="another site's")
    assert shop.ring(1) == 200
    assert shop.rows() == {}


def test_reconcile_since_keeps_unknown_row(new_shop: MakeShop) -> None:
    shop = new_shop(only=lambda order: True)
    assert shop.ring(1) == 500
    shop.gateway.says(**APPLIED)
    assert shop.reconcile(since=datetime(2026, 1, 1, tzinfo=UTC).date()) == []
    assert shop.states() == {INSURE_NUM: "unknown"}


# Reissues


def reissue(number: str, new_number: str) -> bytes:
    """Return a notification that an order was surrendered and issued anew."""
    return build_notification(5, insureNum=number, newInsureNum=new_number)


@pytest.mark.parametrize(
    "bodies", [*itertools.permutations([(INSURE_NUM, SECOND), (SECOND, THIRD)])], ids=["1-2", "2-1"]
)
@pytest.mark.parametrize("is_known_before", [True, False])
def test_forgotten_member_stays_forgotten_along_reissues_in_any_order(
    shop: Shop, bodies: list[tuple[str, str]], is_known_before: bool
) -> None:
    shop.gateway.says(**SURRENDERED)
    shop.refresh()
    shop.purchases.forget("101000")
    shop.gateway.says(SECOND, **SURRENDERED)
    shop.gateway.says(THIRD)
    if is_known_before:
        shop.refresh(SECOND)
        shop.refresh(THIRD)
    assert shop.hear(*itertools.starmap(reissue, bodies)) == [200, 200]
    assert {number: row.member for number, row in shop.rows().items()} == dict.fromkeys(
        [INSURE_NUM, SECOND, THIRD]
    )
    for number in (SECOND, THIRD):
        assert shop.refresh(number).member is None


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_forgotten_member_stays_forgotten_along_partial_reissue(
    shop: Shop, order: tuple[int, ...]
) -> None:
    fourth = "20190226020201"
    shop.gateway.says(**SURRENDERED)
    shop.refresh()
    shop.purchases.forget("101000")
    shop.gateway.says(SECOND, insurants=[insurant(NAME, "P1", 1), insurant("李四", "P2")])
    shop.gateway.says(THIRD, **SURRENDERED)
    shop.gateway.says(fourth)
    partial = build_notification(5, insureNum=SECOND, newInsureNum=THIRD, cancelInsurants=[NAME])
    bodies = [reissue(INSURE_NUM, SECOND), partial, reissue(THIRD, fourth)]
    assert shop.hear(*(bodies[index] for index in order)) == [200] * 3
    assert [row.member for row in shop.rows().values()] == [None] * 4


@pytest.mark.parametrize("queried", [SECOND, INSURE_NUM])
def test_reissue_marks_row_as_replaced_if_member_is_forgotten_meanwhile(
    shop: Shop, queried: str
) -> None:
    shop.gateway.says(**SURRENDERED)
    shop.gateway.says(SECOND)
    shop.refresh()

    def forget(method: str, number: str | None) -> None:
        if number == queried:
            shop.purchases.forget("101000")

    shop.gateway.then = forget
    assert shop.hear(reissue(INSURE_NUM, SECOND)) == [200]
    assert shop.states() == {INSURE_NUM: "replaced", SECOND: "expired"}
    assert [row.member for row in shop.rows().values()] == [None, None]


def test_reissues_in_a_circle_end(shop: Shop) -> None:
    shop.gateway.says(**SURRENDERED)
    shop.gateway.says(SECOND, **SURRENDERED)
    assert shop.hear(reissue(INSURE_NUM, SECOND), reissue(SECOND, INSURE_NUM)) == [200, 200]
    shop.purchases.forget("101000")
    assert shop.hear(reissue(INSURE_NUM, SECOND)) == [200]
    assert [row.member for row in shop.rows().values()] == [None, None]


@pytest.mark.parametrize("unknown", [INSURE_NUM, SECOND])
def test_reissue_does_not_mark_row_as_replaced_while_gateway_does_not_know_both(
    shop: Shop, unknown: str
) -> None:
    for number in {INSURE_NUM, SECOND} - {unknown}:
        shop.gateway.says(number, partnerUniqueKey=None, **SURRENDERED)
    assert shop.hear(reissue(INSURE_NUM, SECOND)) == [500]
    assert shop.row().replaced_by is None
    shop.gateway.says(unknown, partnerUniqueKey=None, **SURRENDERED)
    assert shop.hear(reissue(INSURE_NUM, SECOND)) == [200]
    assert shop.states()[INSURE_NUM] == "replaced"


def test_reissue_without_new_number_surrenders_row(shop: Shop) -> None:
    shop.gateway.says()
    assert shop.ring(5) == 500
    shop.gateway.says(**SURRENDERED)
    assert shop.ring(5) == 200
    assert shop.states() == {INSURE_NUM: "surrendered"}
