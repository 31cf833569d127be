"""Tests of surrenders that only some of the insured people take part in."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from flask_xiebao import Notification, NotificationType
from tests.callback.purchases.support import SURRENDERED, Shop, insurant
from tests.support import INSURE_NUM
from tests.unit.support import parse
from tests.vectors import NAME, build_notification

FIRST_DAY, SECOND_DAY = datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
OTHER_NAME = "周航"


TWO_INSURED = [insurant(NAME, "P1"), insurant(OTHER_NAME, "P2", 0)]
COVER = {"startDate": "2026-01-01", "endDate": "2999-01-01"}


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A shop that has sold a policy for two people."""
    shop.gateway.says(insurants=TWO_INSURED, **COVER)
    shop.refresh()
    shop.told.clear()
    return shop


def test_row_lists_each_surrender_with_its_first_time_and_without_names(shop: Shop) -> None:
    assert (shop.row().surrenders, shop.row().is_partly_surrendered) == (None, False)
    shop.gateway.says(insurants=[insurant(NAME, "P1", 1), TWO_INSURED[1]])
    with time_machine.travel(FIRST_DAY, tick=False):
        row = shop.refresh()
    first = {"policy_num": "P1", "status": 1, "since": FIRST_DAY.isoformat()}
    assert row.surrenders == [first]
    assert (row.state, row.is_partly_surrendered) == ("in_force", True)
    assert row.policy_nums == ["P1", "P2"]

    shop.gateway.says(insurants=[insurant(NAME, "P1", 2), insurant(OTHER_NAME, "P2", "7")])
    with time_machine.travel(SECOND_DAY, tick=False):
        row = shop.refresh()
    assert row.surrenders == [
        {**first, "status": 2},
        {"policy_num": "P2", "status": 7, "since": SECOND_DAY.isoformat()},
    ]
    assert shop.told == [("in_force", "in_force")] * 2
    stored = " ".join(map(str, vars(shop.row()).values()))
    assert NAME not in stored
    assert OTHER_NAME not in stored


def test_other_order_of_people_is_no_change(shop: Shop) -> None:
    people = [insurant(NAME, "P1", 1), insurant(OTHER_NAME, "P2", 1), insurant("王五", "P3")]
    for listed in itertools.permutations(people):
        shop.gateway.says(insurants=[*listed])
        shop.refresh()
    assert len(shop.told) == 1
    shop.gateway.says(insurants=people[1:])
    shop.refresh()
    assert (shop.row().policy_nums, len(shop.told)) == (["P2", "P3"], 2)


def test_people_with_one_policy_number_keep_their_times(shop: Shop) -> None:
    for day, statuses in ((FIRST_DAY, [1, 0]), (SECOND_DAY, [1, 1])):
        people = [insurant(NAME, "P1", status) for status in statuses]
        shop.gateway.says(insurants=people)
        with time_machine.travel(day, tick=False):
            shop.refresh()
    since = [surrender["since"] for surrender in shop.row().surrenders]
    assert since == [FIRST_DAY.isoformat(), SECOND_DAY.isoformat()]


@pytest.mark.parametrize(
    ("names", "insurants", "is_behind"),
    [
        ([NAME], TWO_INSURED, True),
        ([NAME], [insurant(NAME, "P1", 1), TWO_INSURED[1]], False),
        ([OTHER_NAME], [insurant(NAME, "P1", 1), TWO_INSURED[1]], True),
        ([NAME, OTHER_NAME], [insurant(NAME, "P1", 1), TWO_INSURED[1]], True),
        # Two people have the same name.
        ([NAME], [insurant(NAME, "P1", 1), insurant(NAME, "P2")], False),
        ([NAME, NAME], [insurant(NAME, "P1", 1), insurant(NAME, "P2")], True),
        # Names that the answer does not have, or that cannot be read.
        (["someone else"], TWO_INSURED, False),
        ([7], TWO_INSURED, False),
        # Names beside an item that cannot be read, and a name that is not in a list.
        ([7, NAME], TWO_INSURED, True),
        ([None, "", NAME], [insurant(NAME, "P1", 1), TWO_INSURED[1]], False),
        (NAME, TWO_INSURED, True),
        ([NAME], None, False),
    ],
)
@pytest.mark.parametrize("step", [4, 5])
def test_partial_surrender_is_behind_while_named_person_is_insured(
    shop: Shop, names: object, insurants: Any, is_behind: bool, step: int
) -> None:
    shop.gateway.says(insurants=insurants)
    assert shop.ring(step, cancelInsurants=names) == (500 if is_behind else 200)
    assert shop.states() == {INSURE_NUM: "in_force"}
    shop.gateway.says(**SURRENDERED)
    assert shop.ring(step, cancelInsurants=names) == 200


def test_partial_reissue_replaces_row_only_after_gateway_reports_surrender(shop: Shop) -> None:
    shop.gateway.says("2", **COVER)
    shop.gateway.says(insurants=[insurant(NAME, "P1", 1), TWO_INSURED[1]])
    assert shop.ring(5, cancelInsurants=[NAME], newInsureNum="2") == 200
    assert shop.states() == {INSURE_NUM: "in_force", "2": "in_force"}
    assert shop.row().is_partly_surrendered
    shop.gateway.says(**SURRENDERED)
    shop.refresh()
    assert shop.states() == {INSURE_NUM: "replaced", "2": "in_force"}
    assert not shop.row().is_partly_surrendered


def test_order_knows_partial_surrender(shop: Shop) -> None:
    with shop.app.app_context():
        assert not shop.xiebao.orders.get(INSURE_NUM).is_partly_surrendered
        shop.gateway.says(insurants=[insurant(NAME, "P1", 1), TWO_INSURED[1]])
        order = shop.xiebao.orders.get(INSURE_NUM)
    assert [policy.retreat_status for policy in order.policies] == [1, 0]
    assert order.is_partly_surrendered
    assert NAME not in repr(order)


@pytest.mark.parametrize(
    ("step", "names", "is_partial"),
    [
        (4, [NAME], True),
        (5, [NAME], True),
        (4, NAME, True),
        (4, [7], True),
        (4, {"name": NAME}, True),
        (4, True, True),
        (4, [], False),
        (4, None, False),
        (4, ..., False),
        (3, [NAME], False),
    ],
)
def test_notification_with_cancelled_insurants_is_partial(
    step: int, names: object, is_partial: bool
) -> None:
    assert parse(build_notification(step, cancelInsurants=names)).is_partial is is_partial


def test_notification_of_own_reader_is_partial_if_it_names_people() -> None:
    surrender = NotificationType.SURRENDER
    assert Notification(type=surrender, insure_num="1", cancelled_insurants=(NAME,)).is_partial
    assert not Notification(type=surrender, insure_num="1").is_partial


def test_reconcile_partial_queries_policies_of_several_people(shop: Shop) -> None:
    shop.gateway.says("2", insurants=TWO_INSURED[:1], **COVER)
    shop.gateway.says("3", insurants=TWO_INSURED, startDate="2019-01-01", endDate="2019-01-02")
    assert len(shop.reconcile()) == 2
    shop.gateway.says(insurants=[insurant(NAME, "P1", 1), TWO_INSURED[1]])
    assert shop.reconcile() == []
    shop.gateway.asked.clear()
    found = shop.reconcile(partial=True, repair=False)
    assert found == [f"{INSURE_NUM}: in_force -> in_force, not repaired"]
    assert shop.gateway.asked == [("orderList", None), ("orderDetail", INSURE_NUM)]
    assert shop.reconcile(partial=True) == [f"{INSURE_NUM}: in_force -> in_force, repaired"]
    assert shop.row().is_partly_surrendered
