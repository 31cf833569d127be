"""Tests for the columns and the state of a purchase, and for the queries for purchases.

To test the state for other statuses, add a row to ``STATES``. To test another column, add it to the
expected columns of ``test_row_has_values_of_order_without_names``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from flask_xiebao import NotificationType
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import SURRENDERED_ORDER, Purchase, Shop
from tests.support import INSURE_NUM, MEMBER_KEYS, MEMBER_SECRET, PRODUCT_CODE
from tests.vectors import NAME

#: A time at which the date is November 26 in UTC and November 27 in China.
NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 28)

#: One row per combination of statuses: the pay status, the issue status, the effective status,
#: other columns of the purchase, and the expected state.
STATES: list[tuple[int | None, int | None, int | None, dict[str, Any], str]] = [
    (None, None, None, {}, "unknown"),
    (None, None, None, {"failed_step": 2}, "failed"),
    (1, 1, 2, {}, "surrendering"),
    (1, 1, 3, {}, "surrendered"),
    (1, 1, 3, {"replaced_by": "2"}, "replaced"),
    (1, 1, 4, {}, "unknown"),
    (1, 4, 1, {}, "unknown"),
    (1, 1, 1, {"end_date": TODAY}, "in_force"),
    (1, None, 1, {}, "in_force"),
    (1, 1, 1, {"end_date": YESTERDAY}, "expired"),
    (1, 1, 0, {}, "issued"),
    (1, 1, 0, {"start_date": TOMORROW}, "issued"),
    (1, 1, 0, {"start_date": TODAY, "end_date": TODAY}, "in_force"),
    (1, 1, 0, {"start_date": YESTERDAY, "end_date": YESTERDAY}, "expired"),
    (1, 1, 1, {"failed_step": 3}, "in_force"),
    (1, 3, 0, {}, "cancelled"),
    (1, 0, 0, {}, "paid"),
    (5, 2, None, {}, "paid"),
    (1, 0, 0, {"failed_step": 2}, "paid"),
    (1, 0, 0, {"failed_step": 3}, "not_issued"),
    (3, 0, 0, {}, "paying"),
    (4, 0, 0, {}, "failed"),
    (2, 0, 0, {}, "cancelled"),
    (0, 0, 0, {}, "applied"),
    (0, 0, 0, {"failed_step": 2}, "failed"),
    (0, 0, 0, {"failed_step": 3}, "applied"),
    (6, 0, None, {}, "unknown"),
    (6, 1, 0, {}, "issued"),
]


@pytest.mark.parametrize(
    ("pay", "issue", "effective", "columns", "state"),
    STATES,
    ids=[f"{row[4]}, statuses {row[0]} {row[1]} {row[2]}" for row in STATES],
)
def test_state_follows_from_statuses_and_dates(
    pay: int | None, issue: int | None, effective: int | None, columns: dict[str, Any], state: str
) -> None:
    row = Purchase(pay_status=pay, issue_status=issue, effective_status=effective, **columns)
    with time_machine.travel(NOW):
        assert row.state == state


def test_row_has_values_of_order_without_names(make_shop: MakeShop) -> None:
    shop = make_shop(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    shop.gateway.set_order(partnerUniqueKey=MEMBER_KEYS["8"], insurePartnerId=678)
    with time_machine.travel(NOW, tick=False):
        row = shop.refresh()
    columns = {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}
    assert columns == {
        "insure_num": INSURE_NUM,
        "member": "8",
        "case_code": PRODUCT_CODE,
        "product_name": "境内旅行意外险",
        "plan_name": "计划一",
        "insure_partner_id": "678",
        "pay_status": 1,
        "issue_status": 1,
        "effective_status": 1,
        "price_fen": 1500,
        "paid_at": datetime(2019, 2, 26, 2, 20, 30, tzinfo=UTC),
        "issued_at": datetime(2019, 2, 26, 2, 21, tzinfo=UTC),
        "start_date": date(2019, 3, 1),
        "end_date": date(2019, 3, 5),
        "policy_nums": ["P10042019030100001"],
        "replaced_by": None,
        "failed_step": None,
        "surrenders": None,
        "failures": None,
        "behind": None,
        "forgotten": False,
        "version": 1,
        "applied_at": datetime(2019, 2, 26, 2, 18, tzinfo=UTC),
        "created_at": datetime(2019, 2, 26, 2, 18, tzinfo=UTC),
        "updated_at": NOW,
    }
    assert repr(row) == f"<Purchase {INSURE_NUM}>"


@pytest.mark.parametrize(
    ("fields", "created_at"),
    [
        ({"insureTime": None}, datetime(2019, 2, 26, 2, 20, 30, tzinfo=UTC)),
        ({"insureTime": None, "payedTime": None}, datetime(2019, 2, 26, 2, 21, tzinfo=UTC)),
        ({"insureTime": None, "payedTime": None, "issueTime": None}, NOW),
    ],
    ids=["payment", "issue", "no time"],
)
def test_created_at_is_first_time_of_order_and_never_changes(
    shop: Shop, fields: dict[str, Any], created_at: datetime
) -> None:
    shop.gateway.set_order(**fields)
    with time_machine.travel(NOW, tick=False):
        assert shop.refresh().created_at == created_at
    shop.gateway.set_order(insureTime="2018-01-01 00:00:00")
    assert shop.refresh().created_at == created_at


def test_values_that_do_not_fit_columns_are_cut_or_dropped(shop: Shop) -> None:
    year_1 = "0001-01-01 00:00:00"
    shop.gateway.set_order(
        productName=f"险\0{'长' * 300}",
        payAmount=10**30,
        payStatus=10**30,
        payedTime=year_1,
        insureTime=year_1,
        insurants=[{"cName": NAME}, {"policyNum": "P2"}],
    )
    row = shop.refresh()
    assert row.policy_nums == ["P2"]
    assert (row.paid_at, row.created_at) == (None, row.issued_at)
    assert row.product_name == f"险{'长' * 254}"
    assert (row.price_fen, row.pay_status) == (None, None)


# Queries for purchases


def test_purchases_of_member_are_found_newest_first(shop: Shop) -> None:
    members = {"1": "bob", "3": "bób", "2": "Bob", "4": "bob", "6": "bob", "5": "bob", "7": None}
    for index, (number, member) in enumerate(members.items()):
        time = f"2026-11-2{min(index, 4)} 10:00:00"
        shop.gateway.set_order(number, partnerUniqueKey=member, insureTime=time)
        shop.refresh(number)

    with Session(shop.engine) as session:
        numbers = {
            member: [row.insure_num for row in session.scalars(shop.purchases.of(member))]
            for member in ("bob", "Bob", "bób", "bo", "b%", None, "", 0, 5)
        }

    expected = {"bob": ["6", "5", "4", "1"], "Bob": ["2"], "bób": ["3"]}
    assert {member: found for member, found in numbers.items() if found} == expected


def test_query_for_application_number_accepts_any_text(shop: Shop) -> None:
    shop.gateway.set_order("7", partnerUniqueKey=None)
    shop.refresh("7")
    with Session(shop.engine) as session:
        assert session.scalars(shop.purchases.get(" 7 ")).one().member is None
        assert session.scalars(shop.purchases.get("a\0b")).all() == []


def test_time_in_query_must_have_time_zone(shop: Shop) -> None:
    shop.gateway.set_order()
    shop.refresh()
    with Session(shop.engine) as session:
        for time in ("2019-02-26T02:20:30+00:00", "2019-02-26T10:20:30+08:00"):
            is_paid_then = Purchase.paid_at == datetime.fromisoformat(time)
            assert session.scalars(select(Purchase).where(is_paid_then)).one()
        with pytest.raises(StatementError, match="must be timezone-aware"):
            session.scalars(select(Purchase).where(Purchase.paid_at == datetime(2019, 2, 26)))


# Purchases of forgotten members


def test_forget_changes_only_purchases_of_member(shop: Shop) -> None:
    shop.gateway.set_order()
    shop.gateway.set_order("2", partnerUniqueKey="8")
    shop.refresh()
    shop.refresh("2")
    assert shop.purchases.forget("101000") == 1
    assert [shop.purchases.forget(member) for member in ("101000", "", 0, 5)] == [0, 0, 0, 0]
    assert shop.read_purchase_members() == {INSURE_NUM: (None, True), "2": ("8", False)}


def test_forgotten_member_is_not_restored(shop: Shop) -> None:
    shop.gateway.set_order()
    shop.refresh()
    shop.purchases.forget("101000")
    members = list[str | None]()
    shop.on_change = lambda _session, purchase, _before: members.append(purchase.member)

    shop.gateway.set_order(**SURRENDERED_ORDER)
    assert shop.notify(NotificationType.SURRENDER) == 200
    shop.gateway.queries.clear()
    assert shop.reconcile() == []
    assert shop.gateway.queries == [("orderList", None)]
    assert shop.read_purchase_states() == {INSURE_NUM: "surrendered"}

    shop.gateway.set_order("3")
    assert shop.notify(NotificationType.REISSUE, newInsureNum="3") == 200
    assert shop.read_purchase_members() == dict.fromkeys([INSURE_NUM, "3"], (None, True))
    assert set(members) == {None}
