"""Tests for policies that only some of the insured people surrender.

To test whether an order query confirms another partial surrender, add a row to ``CONFIRMATIONS``.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from flask_xiebao import Notification, NotificationType, parse_notification
from tests.callback.purchases.support import COVER, SURRENDERED_ORDER, Shop, build_insurant
from tests.callback.support import FakeOrderGateway, build_order_response
from tests.support import INSURE_NUM, find_leaks
from tests.vectors import NAME, build_notification

FIRST_DAY, SECOND_DAY = datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
OTHER_NAME = "周航"
#: The insured people of an order before any surrender, and after the first person's surrender.
BOTH_INSURED = [build_insurant(NAME, "P1"), build_insurant(OTHER_NAME, "P2", 0)]
ONE_SURRENDERED = [build_insurant(NAME, "P1", 1), build_insurant(OTHER_NAME, "P2", 0)]
#: Two insured people with the same name. The first person has surrendered.
SAME_NAME = [build_insurant(NAME, "P1", 1), build_insurant(NAME, "P2")]


@pytest.fixture
def shop_with_shared_policy(shop: Shop) -> Shop:
    """A test shop that has sold one policy for two people."""
    shop.gateway.set_order(insurants=BOTH_INSURED, **COVER)
    shop.refresh()
    shop.changes.clear()
    return shop


def refresh_on_day(shop: Shop, day: datetime, insurants: list[dict[str, Any]]) -> Any:
    """Change an order's insured people, query the order on this day, and return the row."""
    shop.gateway.set_order(insurants=insurants)
    with time_machine.travel(day, tick=False):
        return shop.refresh()


def test_row_has_time_and_status_of_surrenders_without_names(shop_with_shared_policy: Shop) -> None:
    assert (
        shop_with_shared_policy.read_purchase_row().surrenders,
        shop_with_shared_policy.read_purchase_row().is_partly_surrendered,
    ) == (None, False)

    row = refresh_on_day(shop_with_shared_policy, FIRST_DAY, ONE_SURRENDERED)
    first = {"policy_num": "P1", "status": 1, "since": FIRST_DAY.isoformat()}
    assert row.surrenders == [first]
    assert (row.state, row.is_partly_surrendered) == ("in_force", True)

    insurants = [build_insurant(NAME, "P1", 2), build_insurant(OTHER_NAME, "P2", "7")]
    row = refresh_on_day(shop_with_shared_policy, SECOND_DAY, insurants)
    assert row.surrenders == [
        {**first, "status": 2},
        {"policy_num": "P2", "status": 7, "since": SECOND_DAY.isoformat()},
    ]
    assert shop_with_shared_policy.changes == [("in_force", "in_force")] * 2
    assert find_leaks(str(vars(row)), NAME, OTHER_NAME) == []


def test_reordered_insured_people_are_no_change(shop_with_shared_policy: Shop) -> None:
    insurants = [*SAME_NAME, build_insurant(OTHER_NAME, "P3", 1)]
    for permutation in itertools.permutations(insurants):
        shop_with_shared_policy.gateway.set_order(insurants=[*permutation])
        shop_with_shared_policy.refresh()
    assert len(shop_with_shared_policy.changes) == 1
    shop_with_shared_policy.gateway.set_order(insurants=insurants[1:])
    assert shop_with_shared_policy.refresh().policy_nums == ["P2", "P3"]
    assert len(shop_with_shared_policy.changes) == 2


def test_surrenders_with_same_policy_number_keep_their_times(shop_with_shared_policy: Shop) -> None:
    for day, statuses in ((FIRST_DAY, [1, 0]), (SECOND_DAY, [1, 1])):
        insurants = [build_insurant(NAME, "P1", status) for status in statuses]
        row = refresh_on_day(shop_with_shared_policy, day, insurants)
    times = [surrender["since"] for surrender in row.surrenders]
    assert times == [FIRST_DAY.isoformat(), SECOND_DAY.isoformat()]


#: One row per notification about a partial surrender: the names in the notification, the insured
#: people of the order at the gateway, and the status of the response. The status is 500 while a
#: person whom the notification names is still insured.
CONFIRMATIONS: dict[str, tuple[object, list[dict[str, Any]] | None, int]] = {
    "person still insured": ([NAME], BOTH_INSURED, 500),
    "surrendered person": ([NAME], ONE_SURRENDERED, 200),
    "only the other person surrendered": ([OTHER_NAME], ONE_SURRENDERED, 500),
    "one of two people surrendered": ([NAME, OTHER_NAME], ONE_SURRENDERED, 500),
    "same name twice in the order": ([NAME], SAME_NAME, 200),
    "same name twice in both": ([NAME, NAME], SAME_NAME, 500),
    "name that is not in the order": (["someone else"], BOTH_INSURED, 200),
    "number in place of a name": ([7], BOTH_INSURED, 200),
    "number beside a name": ([7, NAME], BOTH_INSURED, 500),
    "null and empty beside a name": ([None, "", NAME], ONE_SURRENDERED, 200),
    "string in place of a list": (NAME, BOTH_INSURED, 500),
    "order without insured people": ([NAME], None, 200),
}


@pytest.mark.parametrize(
    ("names", "insurants", "status"), CONFIRMATIONS.values(), ids=CONFIRMATIONS
)
@pytest.mark.parametrize(
    "step", [NotificationType.SURRENDER, NotificationType.REISSUE], ids=["surrender", "reissue"]
)
def test_partial_surrender_returns_500_while_person_is_insured(
    shop_with_shared_policy: Shop, step: int, names: object, insurants: Any, status: int
) -> None:
    shop_with_shared_policy.gateway.set_order(insurants=insurants)
    assert shop_with_shared_policy.notify(step, cancelInsurants=names) == status
    assert shop_with_shared_policy.read_purchase_states() == {INSURE_NUM: "in_force"}
    shop_with_shared_policy.gateway.set_order(**SURRENDERED_ORDER)
    assert shop_with_shared_policy.notify(step, cancelInsurants=names) == 200


def test_partial_reissue_replaces_row_only_after_full_surrender(
    shop_with_shared_policy: Shop,
) -> None:
    shop_with_shared_policy.gateway.set_order("2", **COVER)
    shop_with_shared_policy.gateway.set_order(insurants=ONE_SURRENDERED)
    fields = {"cancelInsurants": [NAME], "newInsureNum": "2"}
    assert shop_with_shared_policy.notify(NotificationType.REISSUE, **fields) == 200
    assert shop_with_shared_policy.read_purchase_states() == {
        INSURE_NUM: "in_force",
        "2": "in_force",
    }

    shop_with_shared_policy.gateway.set_order(**SURRENDERED_ORDER)
    shop_with_shared_policy.refresh()
    assert shop_with_shared_policy.read_purchase_states() == {
        INSURE_NUM: "replaced",
        "2": "in_force",
    }
    assert not shop_with_shared_policy.read_purchase_row().is_partly_surrendered


@pytest.mark.parametrize(
    ("fields", "statuses", "is_partly_surrendered"),
    [
        ({"insurants": BOTH_INSURED}, [None, 0], False),
        ({"insurants": ONE_SURRENDERED}, [1, 0], True),
        ({"insurants": ONE_SURRENDERED, **SURRENDERED_ORDER}, [1, 0], False),
    ],
    ids=["both insured", "one surrendered", "policy surrendered"],
)
def test_order_has_surrender_statuses_of_insured_people(
    fields: dict[str, Any], statuses: list[int | None], is_partly_surrendered: bool
) -> None:
    order = FakeOrderGateway(build_order_response(**fields)).client.get(INSURE_NUM)
    assert [policy.retreat_status for policy in order.policies] == statuses
    assert order.is_partly_surrendered is is_partly_surrendered
    assert find_leaks(repr(order), NAME, OTHER_NAME) == []


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
    ids=[
        "surrender",
        "reissue",
        "string",
        "list with a number",
        "object",
        "boolean",
        "empty list",
        "null",
        "no field",
        "issue",
    ],
)
def test_notification_is_partial_if_it_names_people(
    step: int, names: object, is_partial: bool
) -> None:
    body = build_notification(step, cancelInsurants=names)
    assert parse_notification(body, api_key="Key").is_partial is is_partial


def test_notification_with_argument_cancelled_insurants_is_partial() -> None:
    surrender = NotificationType.SURRENDER
    assert Notification(type=surrender, insure_num="1", cancelled_insurants=(NAME,)).is_partial
    assert not Notification(type=surrender, insure_num="1").is_partial


def test_reconcile_partial_queries_current_policies_of_several_people(
    shop_with_shared_policy: Shop,
) -> None:
    shop_with_shared_policy.gateway.set_order("2", insurants=BOTH_INSURED[:1], **COVER)
    shop_with_shared_policy.gateway.set_order("3", insurants=BOTH_INSURED)
    assert len(shop_with_shared_policy.reconcile()) == 2
    shop_with_shared_policy.gateway.set_order(insurants=ONE_SURRENDERED)
    assert shop_with_shared_policy.reconcile() == []
    shop_with_shared_policy.gateway.queries.clear()

    difference = f"{INSURE_NUM}: in_force -> in_force"
    assert shop_with_shared_policy.reconcile(partial=True, repair=False) == [
        f"{difference}, not repaired"
    ]
    assert shop_with_shared_policy.gateway.queries == [
        ("orderList", None),
        ("orderDetail", INSURE_NUM),
    ]
    assert shop_with_shared_policy.reconcile(partial=True) == [f"{difference}, repaired"]
    assert shop_with_shared_policy.read_purchase_row().is_partly_surrendered
