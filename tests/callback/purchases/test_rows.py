"""What is in a row, and what follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from flask_xiebao import LinkError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import SURRENDERED, Shop
from tests.support import INSURE_NUM, MEMBER_KEYS, MEMBER_SECRET
from tests.vectors import NAME

TODAY = datetime(2026, 11, 26, 17, tzinfo=UTC)  # of which it is the 27th in China
YESTERDAY, TOMORROW = date(2026, 11, 26), date(2026, 11, 28)
NOW = TODAY.date() + timedelta(1)


@pytest.mark.parametrize(
    ("pay", "issue", "effective", "own", "state"),
    [
        (None, None, None, {}, "unknown"),
        (None, None, None, {"failed_step": 2}, "failed"),
        (1, 1, 2, {}, "surrendering"),
        (1, 1, 3, {}, "surrendered"),
        (1, 1, 3, {"replaced_by": "2"}, "replaced"),
        (1, 1, 4, {}, "unknown"),
        (1, 4, 1, {}, "unknown"),
        (1, 1, 1, {"end_date": NOW}, "in_force"),
        (1, None, 1, {}, "in_force"),
        (1, 1, 1, {"end_date": YESTERDAY}, "expired"),
        (1, 1, 0, {}, "issued"),
        (1, 1, 0, {"start_date": TOMORROW}, "issued"),
        (1, 1, 0, {"start_date": NOW, "end_date": NOW}, "in_force"),
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
    ],
)
def test_the_state_follows_from_what_the_gateway_says(
    shop: Shop,
    pay: int | None,
    issue: int | None,
    effective: int | None,
    own: dict[str, Any],
    state: str,
) -> None:
    row = shop.model(pay_status=pay, issue_status=issue, effective_status=effective, **own)
    with time_machine.travel(TODAY):
        assert row.state == state


def test_a_row_says_what_the_gateway_says_but_no_name(new_shop: MakeShop) -> None:
    shop = new_shop(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    shop.gateway.says(partnerUniqueKey=MEMBER_KEYS["8"], insurePartnerId=678)
    with time_machine.travel(TODAY, tick=False):
        row = shop.refresh()
    kept = {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}
    assert kept == {
        "insure_num": INSURE_NUM,
        "member": "8",
        "case_code": "QX000000127257",
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
        "updated_at": TODAY,
    }
    assert repr(row) == f"<Purchase {INSURE_NUM}>"


@pytest.mark.parametrize(
    ("own", "made"),
    [
        ({"insureTime": None}, datetime(2019, 2, 26, 2, 20, 30, tzinfo=UTC)),
        ({"insureTime": None, "payedTime": None}, datetime(2019, 2, 26, 2, 21, tzinfo=UTC)),
        ({"insureTime": None, "payedTime": None, "issueTime": None}, TODAY),
    ],
)
def test_an_order_is_as_old_as_the_gateway_first_says(
    shop: Shop, own: dict[str, Any], made: datetime
) -> None:
    shop.gateway.says(**own)
    with time_machine.travel(TODAY, tick=False):
        assert shop.refresh().created_at == made
    shop.gateway.says(insureTime="2018-01-01 00:00:00")
    with time_machine.travel(TODAY + timedelta(1), tick=False):
        assert shop.refresh().created_at == made


def test_what_a_database_would_refuse_is_cut(shop: Shop) -> None:
    shop.gateway.says(productName=f"险\0{'长' * 300}", payAmount=10**30, payStatus=10**30)
    shop.gateway.says(payedTime="0001-01-01 00:00:00", insureTime="0001-01-01 00:00:00")
    shop.gateway.says(insurants=[{"cName": NAME}, {"policyNum": "P2"}])
    row = shop.refresh()
    assert row.policy_nums == ["P2"]
    assert (row.paid_at, row.created_at) == (None, row.issued_at)
    assert row.product_name == f"险{'长' * 254}"
    assert (row.price_fen, row.pay_status) == (None, None)


def test_a_member_has_theirs_and_nobody_has_none(shop: Shop) -> None:
    keys = {"1": "bob", "3": "bób", "2": "Bob", "4": "bob", "6": "bob", "5": "bob"}
    for day, (number, key) in enumerate(keys.items()):
        at = f"2026-11-2{min(day, 4)} 10:00:00"
        shop.gateway.says(number, partnerUniqueKey=key, insureTime=at)
        shop.refresh(number)
    shop.gateway.says("7", partnerUniqueKey=None)
    shop.refresh("7")
    found = {}
    with Session(shop.engine) as session:
        for member in ("bob", "Bob", "bób", "bo", "b%", None, "", 0, 5):
            rows = session.scalars(shop.purchases.of(member))
            found[member] = [row.insure_num for row in rows]
        assert session.scalars(shop.purchases.get(" 7 ")).one().member is None
        assert [*session.scalars(shop.purchases.get("a\0b"))] == []
    theirs = {"bob": ["6", "5", "4", "1"], "Bob": ["2"], "bób": ["3"]}
    assert {member: numbers for member, numbers in found.items() if numbers} == theirs
    with pytest.raises(LinkError, match="whitespace"):
        shop.purchases.of("bob ")


def test_a_time_in_a_query_needs_its_zone(shop: Shop) -> None:
    shop.gateway.says()
    shop.refresh()
    paid_at = shop.model.paid_at
    with Session(shop.engine) as session:
        for zoned in (datetime.fromisoformat(f"2019-02-26T{t}") for t in _SAME):
            assert session.scalars(select(shop.model).where(paid_at == zoned)).one()
        with pytest.raises(StatementError, match="must be timezone-aware"):
            session.scalars(select(shop.model).where(paid_at == datetime(2019, 2, 26)))


_SAME = ("02:20:30+00:00", "10:20:30+08:00")


def test_a_member_who_is_forgotten_stays_so(shop: Shop) -> None:
    shop.gateway.says()
    shop.gateway.says("2", partnerUniqueKey="8")
    for number in (INSURE_NUM, "2"):
        shop.refresh(number)
    assert shop.purchases.forget("101000") == 1
    assert [shop.purchases.forget(nobody) for nobody in ("101000", "", 0, 5)] == [0] * 4
    shop.gateway.says(effectiveStatus=3)
    assert shop.ring(4) == 200
    shop.gateway.asked.clear()
    assert shop.reconcile() == []
    assert [method for method, _ in shop.gateway.asked] == ["orderList"]
    rows = shop.rows()
    assert [(row.member, row.forgotten) for row in rows.values()] == [(None, True), ("8", False)]
    assert rows[INSURE_NUM].state == "surrendered"
    shop.gateway.says("3")
    members = list[str | None]()
    shop.then = lambda _session, purchase, _before: members.append(purchase.member)
    assert shop.ring(5, newInsureNum="3") == 200
    assert (shop.row("3").member, shop.row("3").forgotten) == (None, True)
    assert set(members) == {None}


def test_a_member_who_is_forgotten_meanwhile_does_not_get_what_follows(shop: Shop) -> None:
    shop.gateway.says(**SURRENDERED)
    shop.gateway.says("2")
    shop.refresh()

    def forget(method: str, number: str | None) -> None:
        if number == "2" and "2" not in shop.rows():
            shop.purchases.forget("101000")

    shop.gateway.then = forget
    assert shop.ring(5, newInsureNum="2") == 200
    assert [(row.member, row.forgotten) for row in shop.rows().values()] == [(None, True)] * 2


def test_what_was_before_cannot_be_changed(shop: Shop) -> None:
    seen: list[Any] = []
    shop.then = lambda _session, _purchase, before: seen.append(before)
    shop.gateway.says(planName=NAME)
    shop.refresh()
    shop.gateway.says(planName="计划二")
    shop.refresh()
    assert (seen[0], seen[1].plan_name, seen[1].state) == (None, NAME, "expired")
    assert repr(seen[1]) == f"<Snapshot {INSURE_NUM}>"
    with pytest.raises(AttributeError, match="cannot be changed"):
        seen[1].member = "8"
