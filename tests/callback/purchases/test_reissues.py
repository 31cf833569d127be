"""Tests for policies that are surrendered and issued again with another application number."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flask_xiebao import NotificationType
from tests.callback.purchases.support import COVER, SURRENDERED_ORDER, Shop, build_insurant
from tests.support import INSURE_NUM
from tests.vectors import NAME, build_notification

SECOND, THIRD, FOURTH = "20190226020199", "20190226020200", "20190226020201"
FORGOTTEN = (None, True)


def build_reissue_body(insure_num: str, new_insure_num: str, **fields: Any) -> bytes:
    """Return the body of a notification about a reissue."""
    return build_notification(
        NotificationType.REISSUE, insureNum=insure_num, newInsureNum=new_insure_num, **fields
    )


@pytest.mark.parametrize(
    ("member_key", "new_member_key", "state"),
    [("7", "7", "replaced"), ("7", "8", "surrendered"), (None, None, "replaced")],
    ids=["same member", "another member", "no member"],
)
def test_order_is_replaced_only_by_order_of_same_member(
    shop: Shop, member_key: str | None, new_member_key: str | None, state: str
) -> None:
    shop.gateway.set_order(INSURE_NUM, partnerUniqueKey=member_key, **SURRENDERED_ORDER)
    shop.gateway.set_order(SECOND, partnerUniqueKey=new_member_key, **COVER)
    assert shop.send_bodies(build_reissue_body(INSURE_NUM, SECOND)) == [200]
    assert shop.read_purchase_states() == {INSURE_NUM: state, SECOND: "in_force"}


@pytest.mark.parametrize(
    ("unknown", "known"),
    [(INSURE_NUM, SECOND), (SECOND, INSURE_NUM)],
    ids=["old order unknown", "new order unknown"],
)
def test_order_is_replaced_only_after_gateway_knows_both_orders(
    shop: Shop, unknown: str, known: str
) -> None:
    shop.gateway.set_order(known, partnerUniqueKey=None, **SURRENDERED_ORDER)
    assert shop.send_bodies(build_reissue_body(INSURE_NUM, SECOND)) == [500]
    assert shop.read_purchase_states() == {unknown: "unknown", known: "surrendered"}
    assert shop.read_purchase_row().replaced_by is None
    shop.gateway.set_order(unknown, partnerUniqueKey=None, **SURRENDERED_ORDER)
    assert shop.send_bodies(build_reissue_body(INSURE_NUM, SECOND)) == [200]
    assert shop.read_purchase_states() == {INSURE_NUM: "replaced", SECOND: "surrendered"}
    assert shop.read_purchase_row().replaced_by == SECOND


# Reissues for forgotten members


@pytest.mark.parametrize("sequence", [*itertools.permutations(range(3))], ids=str)
@pytest.mark.parametrize("is_stored", [True, False], ids=["stored rows", "no rows"])
def test_reissues_of_forgotten_member_have_no_member(
    shop: Shop, sequence: tuple[int, ...], is_stored: bool
) -> None:
    """The second reissue replaces the policies of only some of the insured people."""
    shop.gateway.set_order(**SURRENDERED_ORDER)
    shop.refresh()
    shop.purchases.forget("101000")
    insurants = [build_insurant(NAME, "P1", 1), build_insurant("李四", "P2")]
    shop.gateway.set_order(SECOND, insurants=insurants)
    shop.gateway.set_order(THIRD, **SURRENDERED_ORDER)
    shop.gateway.set_order(FOURTH)
    for number in [SECOND, THIRD, FOURTH] * is_stored:
        shop.refresh(number)
    bodies = [
        build_reissue_body(INSURE_NUM, SECOND),
        build_reissue_body(SECOND, THIRD, cancelInsurants=[NAME]),
        build_reissue_body(THIRD, FOURTH),
    ]

    assert shop.send_bodies(*(bodies[index] for index in sequence)) == [200, 200, 200]
    for number in (SECOND, THIRD, FOURTH):
        shop.refresh(number)

    assert shop.read_purchase_members() == dict.fromkeys(
        [INSURE_NUM, SECOND, THIRD, FOURTH], FORGOTTEN
    )


@pytest.mark.parametrize("queried", [SECOND, INSURE_NUM], ids=["new order", "old order"])
def test_reissue_has_no_member_if_member_is_forgotten_during_query(
    shop: Shop, queried: str
) -> None:
    shop.gateway.set_order(**SURRENDERED_ORDER)
    shop.gateway.set_order(SECOND)
    shop.refresh()

    def forget_member(method: str, insure_num: str | None) -> None:
        if insure_num == queried:
            shop.purchases.forget("101000")

    shop.gateway.on_query = forget_member
    assert shop.send_bodies(build_reissue_body(INSURE_NUM, SECOND)) == [200]
    assert shop.read_purchase_states() == {INSURE_NUM: "replaced", SECOND: "expired"}
    assert shop.read_purchase_members() == {INSURE_NUM: FORGOTTEN, SECOND: FORGOTTEN}


def test_orders_that_replace_each_other_can_be_forgotten(shop: Shop) -> None:
    """The search for all reissues of an order must end, although the two orders form a cycle."""
    shop.gateway.set_order(**SURRENDERED_ORDER)
    shop.gateway.set_order(SECOND, **SURRENDERED_ORDER)
    bodies = [build_reissue_body(INSURE_NUM, SECOND), build_reissue_body(SECOND, INSURE_NUM)]
    assert shop.send_bodies(*bodies) == [200, 200]
    shop.purchases.forget("101000")
    assert shop.send_bodies(bodies[0]) == [200]
    assert shop.read_purchase_members() == {INSURE_NUM: FORGOTTEN, SECOND: FORGOTTEN}
