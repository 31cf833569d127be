"""What a notification comes to: the gateway is asked, and the row says what it says."""

from __future__ import annotations

import itertools
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from flask_xiebao import OrderError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import APPLIED, PAID, SURRENDERED, Shop
from tests.support import INSURE_NUM, failing_function
from tests.vectors import NAME, REISSUED, VECTORS, build_notification

OTHER, NEW = "20190226020147", "20190226020199"
#: What comes with the success of a step.
MORE: dict[int, dict[str, Any]] = {
    2: {"payTime": "2019-02-26 10:20:30", "price": 1500},
    3: {"policys": [{"policyNum": "P1", "applicant": NAME}]},
    5: {"newInsureNum": NEW},
}


def ring(shop: Shop, step: int, **own: Any) -> int:
    return shop.ring(step, **{**MORE.get(step, {}), **own})


@pytest.mark.parametrize("first", VECTORS, ids=range(7))
def test_in_any_order_and_however_often_there_is_one_end(shop: Shop, first: bytes) -> None:
    shop.gateway.says(**SURRENDERED)
    shop.gateway.says(NEW, effectiveStatus=1)
    shop.gateway.says(OTHER, **APPLIED)
    others = [body for body in VECTORS if body != first]
    for body in (first, *others[::-1], *others):
        assert shop.hear(build_notification(key="another key"), body, body) == [403, 200, 200]
    assert shop.states() == {INSURE_NUM: "replaced", OTHER: "failed", NEW: "expired"}


@pytest.mark.parametrize(
    ("step", "own", "says", "is_behind"),
    [
        (1, {}, APPLIED, False),
        (2, {}, APPLIED, True),
        (2, {}, {**APPLIED, "payStatus": 3}, True),
        (2, {}, {**APPLIED, "payStatus": 4}, True),
        (2, {}, {**APPLIED, "payStatus": None}, True),
        (2, {}, {"payStatus": None}, False),  # The order has a time of payment.
        (2, {}, {**APPLIED, "payStatus": 2}, False),  # it cannot be paid any more
        (2, {}, {**APPLIED, **SURRENDERED}, False),
        (2, {}, PAID, False),
        (2, {"state": False}, APPLIED, False),
        (3, {}, PAID, True),
        (3, {}, {**PAID, "issueStatus": 2}, True),
        (3, {}, {**PAID, "issueStatus": None}, True),
        (3, {}, {"issueStatus": None}, False),  # The order has a time of issue.
        (3, {}, {**PAID, "issueStatus": 3}, False),
        (4, {}, {}, True),
        (4, {}, PAID, True),
        (4, {}, {"effectiveStatus": None}, True),
        (4, {}, {"effectiveStatus": 2}, True),
        (4, {}, {"effectiveStatus": 7}, False),
        (4, {"cancelInsurants": [NAME]}, {}, True),
        (4, {"state": False}, {}, False),
        (5, {}, {}, True),
        (5, {}, SURRENDERED, False),
        (9, {}, {}, False),
        (77, {}, APPLIED, False),
    ],
)
def test_it_comes_again_until_the_gateway_confirms_it(
    shop: Shop, step: int, own: dict[str, Any], says: dict[str, Any], is_behind: bool
) -> None:
    shop.gateway.says(NEW)
    shop.gateway.says(**says)
    assert ring(shop, step, **own) == (500 if is_behind else 200)
    shop.gateway.says(**SURRENDERED)
    assert ring(shop, step, **own) == 200
    assert shop.row().effective_status == 3


@pytest.mark.parametrize("says", [{}, None], ids=["behind", "unknown"])
def test_nothing_rings_for_ever(
    shop: Shop, says: dict[str, Any] | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    if says is not None:
        shop.gateway.says(**says)
    start = datetime(2026, 11, 27, tzinfo=UTC)
    seen = []
    for hours in (0, 0.9, 1.1, 23.9, 24.1, 49, 72, 74):
        with time_machine.travel(start + timedelta(hours=hours)):
            seen.append((hours, ring(shop, 4)))
    assert seen == [
        *((0, 500), (0.9, 500), (1.1, 500), (23.9, 500), (24.1, 200)),
        # It was given up long ago, so this is another.
        *((49, 500), (72, 500), (74, 200)),
    ]
    # Equal lines are logged once.
    assert [each.levelname for each in caplog.records] == ["INFO", "ERROR", "WARNING"]


def test_a_forged_one_of_yesterday_does_not_hide_the_true_one(shop: Shop) -> None:
    shop.gateway.says()
    seen = []
    for hours in (0, 30, 31):
        with time_machine.travel(datetime(2026, 11, 27, tzinfo=UTC) + timedelta(hours=hours)):
            seen.append(ring(shop, 4))
    assert seen == [500] * 3


def test_each_step_is_waited_for_from_when_it_was_first_missing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seen = []
    for hours, step, said_then in ((0, 2, PAID), (23, 3, {"issueStatus": 1}), (25, 4, SURRENDERED)):
        shop.gateway.says(**(APPLIED if step == 2 else {}))
        with time_machine.travel(datetime(2026, 11, 27, tzinfo=UTC) + timedelta(hours=hours)):
            caplog.clear()
            seen.append((ring(shop, step), [each.levelname for each in caplog.records]))
            shop.gateway.says(**{**{"payStatus": 1}, **said_then})
            assert ring(shop, step) == 200
    assert seen == [(500, ["INFO"])] * 3


def test_other_news_does_not_have_it_ring_for_ever(shop: Shop) -> None:
    seen = []
    for hours in range(0, 30, 3):
        shop.gateway.says(planName=f"{hours}")
        with time_machine.travel(datetime(2026, 11, 27, tzinfo=UTC) + timedelta(hours=hours)):
            seen.append((ring(shop, 4), ring(shop, 2)))
    assert seen == [(500, 200)] * 8 + [(200, 200), (500, 200)]


def test_a_number_that_the_gateway_does_not_know_yet_is_news_once_it_does(shop: Shop) -> None:
    with pytest.raises(OrderError, match="respCode 1002"):
        shop.refresh()
    assert shop.rows() == {}
    assert ring(shop, 1, state=True) == 500
    assert (shop.states(), shop.told) == ({INSURE_NUM: "unknown"}, [])
    shop.gateway.says(**APPLIED)
    assert ring(shop, 1) == 200
    assert (shop.states(), shop.told) == ({INSURE_NUM: "applied"}, [(None, "applied")])


def test_where_the_gateway_gives_no_answer_nothing_is_written(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.gateway.then = failing_function(httpx.ConnectError(""))
    assert ring(shop, 2) == 500
    assert shop.rows() == {}
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    shop.gateway.then = lambda *_: None
    shop.gateway.says()
    assert ring(shop, 2) == 200


def test_a_site_is_told_of_each_change_once(shop: Shop) -> None:
    paid = {"payStatus": 1}
    for says in (APPLIED, paid, {"issueStatus": 1}, {"effectiveStatus": 2}, SURRENDERED):
        shop.gateway.says(**says, startDate="2999-01-01", endDate="2999-12-31")
        shop.refresh()
        shop.refresh()
    states = ["applied", "paid", "issued", "surrendering", "surrendered"]
    assert shop.told == list(itertools.pairwise([None, *states]))


def test_what_is_expected_hides_no_failure(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    for each in range(12):
        assert shop.ring(1, insureNum=f"unknown{each}") == 500
    shop.then = failing_function(LookupError())
    shop.gateway.says()
    assert shop.ring(1) == 500
    assert "ERROR" in [each.levelname for each in caplog.records]


def test_what_the_site_cannot_do_is_not_written_and_comes_again(shop: Shop) -> None:
    shop.gateway.says(**APPLIED)
    shop.refresh()
    shop.then = failing_function(LookupError())
    shop.gateway.says(**PAID, payStatus=1, payedTime="2019-02-26 10:20:30")
    assert ring(shop, 2) == 500
    assert shop.states() == {INSURE_NUM: "applied"}
    shop.then = lambda *_: None
    assert ring(shop, 2) == 200
    assert shop.told[-1] == ("applied", "paid")


@pytest.mark.parametrize(
    ("steps", "says", "state"),
    [
        ([2], APPLIED, "failed"),
        ([2], PAID, "paid"),
        ([3], PAID, "not_issued"),
        ([3, 2], PAID, "not_issued"),
        ([3], {"effectiveStatus": 1, "endDate": "2999-01-01"}, "in_force"),
        ([1], APPLIED, "applied"),
        ([4], {"endDate": "2999-01-01"}, "in_force"),
    ],
)
def test_a_step_that_failed_shows_until_the_gateway_goes_further(
    shop: Shop, steps: list[int], says: dict[str, Any], state: str
) -> None:
    shop.gateway.says(**says)
    assert {shop.ring(step, state=False, failMsg=f"{NAME}余额不足") for step in steps} == {200}
    assert shop.states() == {INSURE_NUM: state}


@pytest.mark.parametrize(
    ("here", "there", "state"),
    [("7", "7", "replaced"), ("7", "8", "surrendered"), (None, None, "replaced")],
)
def test_what_follows_on_a_reissue_is_the_same_members(
    shop: Shop, here: str | None, there: str | None, state: str
) -> None:
    shop.gateway.says(INSURE_NUM, partnerUniqueKey=here, **SURRENDERED)
    shop.gateway.says(NEW, partnerUniqueKey=there, endDate="2999-01-01")
    assert shop.hear(REISSUED) == [200]
    assert shop.states() == {INSURE_NUM: state, NEW: "in_force"}


def test_a_reissue_waits_for_the_number_that_follows(shop: Shop) -> None:
    shop.gateway.says(**SURRENDERED)
    assert shop.hear(REISSUED) == [500]
    assert shop.states() == {INSURE_NUM: "surrendered", NEW: "unknown"}
    shop.gateway.says(NEW)
    assert shop.hear(REISSUED) == [200]
    assert shop.row().replaced_by == NEW


@pytest.mark.parametrize("key", ["another", None])
def test_a_purchase_stays_with_its_member(
    shop: Shop, key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has lost the member secret finds out."""
    shop.gateway.says()
    shop.refresh()
    shop.gateway.says(partnerUniqueKey=key, **SURRENDERED)
    assert [shop.refresh().member, shop.refresh().member] == ["101000"] * 2
    assert shop.states() == {INSURE_NUM: "surrendered"}
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    # A list may not say whose it is.
    problem = "the gateway reports another member, or no member, for this order"
    said = f"surrendered -> surrendered, {problem}"
    assert shop.reconcile() == [f"{INSURE_NUM}: {said}"] * (key is not None)


def test_what_is_another_sites_is_not_kept(new_shop: MakeShop) -> None:
    shop = new_shop(only=lambda order: order.case_code != "QX000000127257")
    shop.gateway.says()
    assert ring(shop, 2) == 200
    assert (shop.reconcile(), shop.reconcile(repair=False), shop.rows()) == ([], [], {})
    with pytest.raises(OrderError, match='the function passed as "only" returned False'):
        shop.refresh()
    # Rung for before the gateway knew it, so that its number is there.
    gone = shop.gateway.orders.pop(INSURE_NUM)
    assert (ring(shop, 1), shop.states()) == (500, {INSURE_NUM: "unknown"})
    shop.gateway.orders[INSURE_NUM] = gone
    assert (shop.reconcile(), shop.reconcile(repair=False)) == ([], [])
    shop.gateway.says(caseCode="QX000000000001")
    assert (ring(shop, 2), [*shop.rows()]) == (200, [INSURE_NUM])
    # What is there stays this site's.
    shop.gateway.says(caseCode="QX000000127257", **SURRENDERED)
    assert (ring(shop, 4), shop.states()) == (200, {INSURE_NUM: "surrendered"})


def test_only_has_to_say_yes_or_no(new_shop: MakeShop, caplog: pytest.LogCaptureFixture) -> None:
    shop = new_shop(only=lambda order: None)
    shop.gateway.says()
    assert ring(shop, 2) == 500
    assert (
        'ConfigError: The function passed as "only" must return True or False, got NoneType'
        in caplog.text
    )
