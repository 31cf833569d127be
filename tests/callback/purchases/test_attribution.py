"""The rule that attributes a purchase to a click, and the queries that apply it.

A scenario has clicks and purchases. Times are minutes after noon.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from flask_xiebao import LinkError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import Shop
from tests.support import CODE, PC

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = 24 * 60

Click = dict[str, Any]
Purchase = dict[str, Any]


def at(minute: int | None) -> datetime | None:
    return None if minute is None else NOON + timedelta(minutes=minute)


def product(click_id: str, clicked: int, returned: int | None = None, **values: Any) -> Click:
    """Return the values of a click on the product."""
    return {
        "click_id": click_id,
        "member": "alice",
        "page": "product",
        "case_code": CODE,
        "platform": "h5",
        "clicked_at": at(clicked),
        "expires_at": at(clicked + DAY),
        "returned_at": at(returned),
        **values,
    }


def home(click_id: str, clicked: int, returned: int | None = None, **values: Any) -> Click:
    """Return the values of a click on the home page."""
    return product(click_id, clicked, returned, **{"page": "home", "case_code": None, **values})


def bought(applied: int | None, paid: int | None = None, number: str = "1", **values: Any) -> Any:
    """Return the values of a purchase of the product."""
    return {
        "insure_num": number,
        "member": "alice",
        "case_code": CODE,
        "applied_at": at(applied),
        "paid_at": at(paid),
        **values,
    }


def store(shop: Shop, clicks: list[Click], purchases: list[Purchase]) -> None:
    common = {
        "policy_nums": [],
        "forgotten": False,
        "version": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }
    with Session(shop.engine) as session, session.begin():
        session.add_all([shop.clicks(**values) for values in clicks])
        session.add_all([shop.model(**{**common, **values}) for values in purchases])


def get_attributions(shop: Shop) -> dict[str, tuple[str | None, str | None]]:
    """Return the click and the attribution of each purchase, by its number.

    The expressions for reports and the query for one purchase must find the same click.
    """
    purchases = shop.purchases
    columns = (shop.model.insure_num, purchases.click_id, purchases.attribution)
    with Session(shop.engine) as session:
        found = {number: (click, how) for number, click, how in session.execute(select(*columns))}
        for purchase in session.scalars(select(shop.model)):
            row = session.scalar(purchases.click_of(purchase))
            assert (None if row is None else row.click_id) == found[purchase.insure_num][0]
    return found


def get_numbers(shop: Shop, reference: Any, member: Any = "alice") -> list[str]:
    """Return the numbers of the purchases for a reference, newest first."""
    with Session(shop.engine) as session:
        query = shop.purchases.for_reference(reference, member)
        return [purchase.insure_num for purchase in session.scalars(query)]


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop(clicks=True)


NONE = (None, None)
SCENARIOS: dict[str, tuple[list[Click], list[Purchase], dict[str, Any]]] = {
    "one click": ([product("a", 0)], [bought(5)], {"1": ("a", "last")}),
    "the member returned": ([product("a", 0, 7)], [bought(5, 6)], {"1": ("a", "returned")}),
    "paid and returned in one second": (
        [product("a", 0, 6)],
        [bought(5, 6)],
        {"1": ("a", "returned")},
    ),
    "returned before the payment": ([product("a", 0, 5)], [bought(5, 6)], {"1": ("a", "last")}),
    "the last click wins": (
        [product("a", 0), product("b", 2)],
        [bought(5, 6)],
        {"1": ("b", "last")},
    ),
    "a click after the application is no candidate": (
        [product("a", 0), product("b", 6, 9)],
        [bought(5, 8)],
        {"1": ("a", "last")},
    ),
    "applied in the second of the click": ([product("a", 5)], [bought(5)], {"1": ("a", "last")}),
    "the return wins over a later click": (
        [product("a", 0, 7), product("b", 2)],
        [bought(5, 6)],
        {"1": ("a", "returned")},
    ),
    "the earliest return wins": (
        [product("a", 0, 9), product("b", 2, 7)],
        [bought(5, 6)],
        {"1": ("b", "returned")},
    ),
    "the earliest return wins over a later click and return": (
        [product("a", 0, 7), product("b", 2, 9)],
        [bought(5, 6)],
        {"1": ("a", "returned")},
    ),
    "two purchases, each in its own tab": (
        [product("a", 0, 9), product("b", 1, 7)],
        [bought(4, 8), bought(5, 6, "2")],
        {"1": ("a", "returned"), "2": ("b", "returned")},
    ),
    "two purchases after one click": (
        [product("a", 0, 7)],
        [bought(5, 6), bought(15, 16, "2")],
        {"1": ("a", "returned"), "2": ("a", "last")},
    ),
    "expired": ([product("a", 0, DAY + 2)], [bought(DAY, DAY + 1)], {"1": NONE}),
    "almost expired": ([product("a", 0)], [bought(DAY - 1)], {"1": ("a", "last")}),
    "another product": ([product("a", 0, case_code="QX2")], [bought(5)], {"1": NONE}),
    "the product is not known": ([product("a", 0)], [bought(5, case_code=None)], {"1": NONE}),
    "the home page leads to each product": (
        [home("a", 0, 7)],
        [bought(5, 6, case_code="QX2")],
        {"1": ("a", "returned")},
    ),
    "the home page is the last click": (
        [product("a", 0), home("b", 1)],
        [bought(5)],
        {"1": ("b", "last")},
    ),
    "another member": ([product("a", 0, 7, member="bob")], [bought(5, 6)], {"1": NONE}),
    "another spelling": ([product("a", 0, 7, member="Alice")], [bought(5, 6)], {"1": NONE}),
    "no member": ([product("a", 0)], [bought(5, member=None)], {"1": NONE}),
    "no time of application": ([product("a", 0, 7)], [bought(None, 6)], {"1": NONE}),
    "two clicks in one second": (
        [product("b", 0), product("a", 0)],
        [bought(5)],
        {"1": ("b", "last")},
    ),
    "two returns in one second": (
        [product("a", 0, 7), product("b", 2, 7)],
        [bought(5, 6)],
        {"1": ("b", "returned")},
    ),
    "a reissue has the click of the first order": (
        [product("a", 0, 7), product("b", 60)],
        [
            bought(5, 6, "9", replaced_by="2"),
            bought(70, 70, "2", replaced_by="3"),
            bought(80, 80, "3"),
            bought(65, 66, "4"),
        ],
        dict.fromkeys("923", ("a", "returned")) | {"4": ("b", "last")},
    ),
    "a reissue of an order without a click has none": (
        [product("b", 60)],
        [bought(5, 6, replaced_by="2"), bought(70, 70, "2")],
        {"1": NONE, "2": NONE},
    ),
    "two orders that one order replaces": (
        [product("a", 0), product("b", 10)],
        [bought(5, replaced_by="3"), bought(15, None, "2", replaced_by="3"), bought(20, None, "3")],
        {"1": ("a", "last"), "2": ("b", "last"), "3": ("a", "last")},
    ),
    "orders that replace each other": (
        [product("a", 0)],
        [
            bought(5, replaced_by="2"),
            bought(6, None, "2", replaced_by="3"),
            bought(7, None, "3", replaced_by="2"),
        ],
        dict.fromkeys("123", ("a", "last")),
    ),
}


@pytest.mark.parametrize(("clicks", "purchases", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_purchase_is_attributed_by_the_rule(
    shop: Shop, clicks: list[Click], purchases: list[Purchase], expected: dict[str, Any]
) -> None:
    store(shop, clicks, purchases)
    assert get_attributions(shop) == expected


def test_for_reference_returns_the_purchases_of_the_member(shop: Shop) -> None:
    store(
        shop,
        [
            product("a", 0, client_reference="QY-1"),
            product("b", 10, client_reference="QY-2"),
            product("c", 0, client_reference="QY-1", member="bob"),
        ],
        [
            bought(5, replaced_by="4"),
            bought(15, None, "2"),
            bought(5, None, "3", member="bob"),
            bought(90, None, "4"),
        ],
    )
    assert get_numbers(shop, "QY-1") == ["4", "1"]
    assert get_numbers(shop, "QY-2") == ["2"]
    assert get_numbers(shop, "QY-1", "bob") == ["3"]
    assert get_numbers(shop, "QY-3") == []
    assert get_numbers(shop, "qy-1") == []


def test_for_reference_accepts_an_integer(shop: Shop) -> None:
    shop.site.log_in(8)
    shop.site.follow(shop.site.link("product", client_reference=1008), PC)
    [click] = shop.stored_clicks()
    store(shop, [], [{**bought(None), "member": "8", "applied_at": click.clicked_at}])
    assert get_numbers(shop, 1008, 8) == ["1"]


@pytest.mark.parametrize("reference", ["", " ", "a\0b", None, "x" * 3000])
def test_for_reference_finds_nothing_for_an_invalid_reference(shop: Shop, reference: Any) -> None:
    store(shop, [product("a", 0)], [bought(5)])
    assert get_numbers(shop, reference) == []


def test_for_reference_does_not_mix_up_long_references(shop: Shop) -> None:
    """A long reference is cut when it is stored, so it is not found instead of another one."""
    shop.site.log_in("alice")
    shop.site.follow(shop.site.link("product", client_reference="x" * 300), PC)
    [click] = shop.stored_clicks()
    store(shop, [], [{**bought(None), "applied_at": click.clicked_at}])
    assert get_numbers(shop, "x" * 299) == []


def test_for_reference_finds_nothing_without_a_member(shop: Shop) -> None:
    store(shop, [product("a", 0, client_reference="1")], [bought(5)])
    assert get_numbers(shop, "1", None) == []
    with pytest.raises(LinkError):
        shop.purchases.for_reference("1", 1.5)  # type: ignore[arg-type]


def test_report_counts_purchases_without_a_click(shop: Shop) -> None:
    store(
        shop,
        [product("a", 0, client_reference="QY-1"), product("b", 10, client_reference="QY-2")],
        [
            bought(5, number="1", price_fen=100),
            bought(15, number="2", price_fen=20),
            bought(16, number="3", price_fen=3),
            bought(2 * DAY, number="4", price_fen=4000),
        ],
    )
    click = shop.clicks
    report = (
        select(click.client_reference, func.count(), func.sum(shop.model.price_fen))
        .select_from(shop.model)
        .outerjoin(click, click.click_id == shop.purchases.click_id)
        .group_by(click.client_reference)
    )
    with Session(shop.engine) as session:
        rows = {reference: (count, total) for reference, count, total in session.execute(report)}
    assert rows == {"QY-1": (1, 100), "QY-2": (2, 23), None: (1, 4000)}


@pytest.mark.parametrize("autoflush", [True, False])
def test_on_change_can_read_the_click_of_a_purchase(new_shop: MakeShop, autoflush: bool) -> None:
    shop, references = new_shop(clicks=True), list[str | None]()
    shop.purchases.store._session_factory = sessionmaker(shop.engine, autoflush=autoflush)

    def copy_reference(session: Session, purchase: Any, before: Any) -> None:
        click = session.scalar(shop.purchases.click_of(purchase))
        references.append(click and click.client_reference)

    shop.then = copy_reference
    with time_machine.travel(NOON, tick=False) as clock:
        shop.site.log_in("8")
        shop.site.follow(shop.site.link("product", client_reference="QY-1008"), PC)
        clock.shift(60)
        shop.gateway.says(partnerUniqueKey="8", insureTime=None)
        shop.refresh()
        times = {"insureTime": "2026-11-27 20:00:30", "payedTime": "2026-11-27 20:00:40"}
        shop.gateway.says(effectiveStatus=3, **times)
        shop.refresh()
    assert references == [None, "QY-1008"]


def test_application_time_alone_is_no_change(shop: Shop) -> None:
    """Rows of version 0.3 get the time with the next answer, and on_change must not be called."""
    shop.gateway.says()
    shop.refresh()
    shop.execute("UPDATE xiebao_purchase SET applied_at = NULL")
    shop.told.clear()
    shop.refresh()
    assert shop.row().applied_at is not None
    assert shop.told == []


def test_forgotten_member_has_no_attribution(shop: Shop) -> None:
    store(shop, [product("a", 0, client_reference="1")], [bought(5)])
    with shop.app.app_context():
        shop.purchases.forget("alice")
    assert get_attributions(shop) == {"1": NONE}
    assert get_numbers(shop, "1") == []


def test_expressions_can_be_the_only_columns_of_a_query(shop: Shop) -> None:
    store(shop, [product("a", 0, 7)], [bought(5, 6), bought(5, None, "2"), bought(None, None, "3")])
    how = shop.purchases.attribution.label("how")
    with Session(shop.engine) as session:
        counts = session.execute(select(how, func.count()).group_by(how)).all()
        clicks = session.scalars(select(shop.purchases.click_id)).all()
    assert dict(counts) == {None: 1, "last": 1, "returned": 1}
    assert sorted(clicks, key=str) == [None, "a", "a"]
