"""The rule that attributes a purchase to a click, and the queries that use the rule.

A scenario has clicks and purchases. Their times are numbers of minutes after noon.
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
from tests.support import PC, PRODUCT_CODE

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = 24 * 60

Click = dict[str, Any]
Purchase = dict[str, Any]


def at(minute: int | None) -> datetime | None:
    return None if minute is None else NOON + timedelta(minutes=minute)


def product_click(click_id: str, clicked: int, returned: int | None = None, **values: Any) -> Click:
    """Return the column values of a click on the product entry."""
    return {
        "click_id": click_id,
        "member": "alice",
        "page": "product",
        "case_code": PRODUCT_CODE,
        "platform": "h5",
        "clicked_at": at(clicked),
        "expires_at": at(clicked + DAY),
        "returned_at": at(returned),
        **values,
    }


def home_click(click_id: str, clicked: int, returned: int | None = None, **values: Any) -> Click:
    """Return the column values of a click on the home entry."""
    return product_click(
        click_id, clicked, returned, **{"page": "home", "case_code": None, **values}
    )


def purchase_at(
    applied: int | None, paid: int | None = None, number: str = "1", **values: Any
) -> Any:
    """Return the values of a purchase of the product, by the minutes of application and payment."""
    return {
        "insure_num": number,
        "member": "alice",
        "case_code": PRODUCT_CODE,
        "applied_at": at(applied),
        "paid_at": at(paid),
        **values,
    }


def store_rows(shop: Shop, clicks: list[Click], purchases: list[Purchase]) -> None:
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


def find_clicks_and_attributions(shop: Shop) -> dict[str, tuple[str | None, str | None]]:
    """Map the application number of each purchase to the id of its click and the attribution.

    Check that the expressions for reports and the query for one purchase find the same click.
    """
    purchases = shop.purchases
    columns = (shop.model.insure_num, purchases.click_id, purchases.attribution)
    with Session(shop.engine) as session:
        found = {number: (click, how) for number, click, how in session.execute(select(*columns))}
        for purchase in session.scalars(select(shop.model)):
            row = session.scalar(purchases.click_of(purchase))
            assert (None if row is None else row.click_id) == found[purchase.insure_num][0]
    return found


def find_insure_nums(shop: Shop, reference: Any, member: Any = "alice") -> list[str]:
    """Return the application numbers of a member's purchases with a reference, newest first."""
    with Session(shop.engine) as session:
        query = shop.purchases.for_reference(reference, member)
        return [purchase.insure_num for purchase in session.scalars(query)]


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop(clicks=True)


NONE = (None, None)
SCENARIOS: dict[str, tuple[list[Click], list[Purchase], dict[str, Any]]] = {
    "one click": ([product_click("a", 0)], [purchase_at(5)], {"1": ("a", "last")}),
    "the member returned": (
        [product_click("a", 0, 7)],
        [purchase_at(5, 6)],
        {"1": ("a", "returned")},
    ),
    "paid and returned in one second": (
        [product_click("a", 0, 6)],
        [purchase_at(5, 6)],
        {"1": ("a", "returned")},
    ),
    "returned before the payment": (
        [product_click("a", 0, 5)],
        [purchase_at(5, 6)],
        {"1": ("a", "last")},
    ),
    "the last click wins": (
        [product_click("a", 0), product_click("b", 2)],
        [purchase_at(5, 6)],
        {"1": ("b", "last")},
    ),
    "a click after the application is no candidate": (
        [product_click("a", 0), product_click("b", 6, 9)],
        [purchase_at(5, 8)],
        {"1": ("a", "last")},
    ),
    "applied in the second of the click": (
        [product_click("a", 5)],
        [purchase_at(5)],
        {"1": ("a", "last")},
    ),
    "the return wins over a later click": (
        [product_click("a", 0, 7), product_click("b", 2)],
        [purchase_at(5, 6)],
        {"1": ("a", "returned")},
    ),
    "the earliest return wins": (
        [product_click("a", 0, 9), product_click("b", 2, 7)],
        [purchase_at(5, 6)],
        {"1": ("b", "returned")},
    ),
    "the earliest return wins over a later click and return": (
        [product_click("a", 0, 7), product_click("b", 2, 9)],
        [purchase_at(5, 6)],
        {"1": ("a", "returned")},
    ),
    "two purchases, each in its own tab": (
        [product_click("a", 0, 9), product_click("b", 1, 7)],
        [purchase_at(4, 8), purchase_at(5, 6, "2")],
        {"1": ("a", "returned"), "2": ("b", "returned")},
    ),
    "two purchases after one click": (
        [product_click("a", 0, 7)],
        [purchase_at(5, 6), purchase_at(15, 16, "2")],
        {"1": ("a", "returned"), "2": ("a", "last")},
    ),
    "expired": (
        [product_click("a", 0, DAY + 2)],
        [purchase_at(DAY, DAY + 1)],
        {"1": NONE},
    ),
    "almost expired": (
        [product_click("a", 0)],
        [purchase_at(DAY - 1)],
        {"1": ("a", "last")},
    ),
    "another product": (
        [product_click("a", 0, case_code="QX2")],
        [purchase_at(5)],
        {"1": NONE},
    ),
    "the product is not known": (
        [product_click("a", 0)],
        [purchase_at(5, case_code=None)],
        {"1": NONE},
    ),
    "the home page leads to each product": (
        [home_click("a", 0, 7)],
        [purchase_at(5, 6, case_code="QX2")],
        {"1": ("a", "returned")},
    ),
    "the home page is the last click": (
        [product_click("a", 0), home_click("b", 1)],
        [purchase_at(5)],
        {"1": ("b", "last")},
    ),
    "another member": (
        [product_click("a", 0, 7, member="bob")],
        [purchase_at(5, 6)],
        {"1": NONE},
    ),
    "another spelling": (
        [product_click("a", 0, 7, member="Alice")],
        [purchase_at(5, 6)],
        {"1": NONE},
    ),
    "no member": ([product_click("a", 0)], [purchase_at(5, member=None)], {"1": NONE}),
    "no time of application": (
        [product_click("a", 0, 7)],
        [purchase_at(None, 6)],
        {"1": NONE},
    ),
    "two clicks in one second": (
        [product_click("b", 0), product_click("a", 0)],
        [purchase_at(5)],
        {"1": ("b", "last")},
    ),
    "two returns in one second": (
        [product_click("a", 0, 7), product_click("b", 2, 7)],
        [purchase_at(5, 6)],
        {"1": ("b", "returned")},
    ),
    "a reissue has the click of the first order": (
        [product_click("a", 0, 7), product_click("b", 60)],
        [
            purchase_at(5, 6, "9", replaced_by="2"),
            purchase_at(70, 70, "2", replaced_by="3"),
            purchase_at(80, 80, "3"),
            purchase_at(65, 66, "4"),
        ],
        dict.fromkeys("923", ("a", "returned")) | {"4": ("b", "last")},
    ),
    "a reissue of an order without a click has none": (
        [product_click("b", 60)],
        [purchase_at(5, 6, replaced_by="2"), purchase_at(70, 70, "2")],
        {"1": NONE, "2": NONE},
    ),
    "a reissue for another member has a click of its own": (
        [product_click("a", 0, 7), product_click("b", 60, member="bob")],
        [purchase_at(5, 6, replaced_by="2"), purchase_at(70, None, "2", member="bob")],
        {"1": ("a", "returned"), "2": ("b", "last")},
    ),
    "a reissue of an order without a member": (
        [product_click("a", 0, 7)],
        [
            purchase_at(1, 1, "0", member=None, replaced_by="1"),
            purchase_at(5, 6, replaced_by="2"),
            purchase_at(70, 70, "2"),
        ],
        {"0": NONE, "1": ("a", "returned"), "2": ("a", "returned")},
    ),
    "two orders that one order replaces": (
        [product_click("a", 0), product_click("b", 10)],
        [
            purchase_at(5, replaced_by="3"),
            purchase_at(15, None, "2", replaced_by="3"),
            purchase_at(20, None, "3"),
        ],
        {"1": ("a", "last"), "2": ("b", "last"), "3": ("a", "last")},
    ),
    "orders that replace each other": (
        [product_click("a", 0)],
        [
            purchase_at(5, replaced_by="2"),
            purchase_at(6, None, "2", replaced_by="3"),
            purchase_at(7, None, "3", replaced_by="2"),
        ],
        dict.fromkeys("123", ("a", "last")),
    ),
}


@pytest.mark.parametrize(("clicks", "purchases", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_purchase_belongs_to_the_expected_click(
    shop: Shop, clicks: list[Click], purchases: list[Purchase], expected: dict[str, Any]
) -> None:
    store_rows(shop, clicks, purchases)
    assert find_clicks_and_attributions(shop) == expected


def test_for_reference_returns_the_purchases_of_the_member(shop: Shop) -> None:
    store_rows(
        shop,
        [
            product_click("a", 0, client_reference="QY-1"),
            product_click("b", 10, client_reference="QY-2"),
            product_click("c", 0, client_reference="QY-1", member="bob"),
        ],
        [
            purchase_at(5, replaced_by="4"),
            purchase_at(15, None, "2"),
            purchase_at(5, None, "3", member="bob"),
            purchase_at(90, None, "4"),
        ],
    )
    assert find_insure_nums(shop, "QY-1") == ["4", "1"]
    assert find_insure_nums(shop, "QY-2") == ["2"]
    assert find_insure_nums(shop, "QY-1", "bob") == ["3"]
    assert find_insure_nums(shop, "QY-3") == []
    assert find_insure_nums(shop, "qy-1") == []


def test_for_reference_accepts_an_integer(shop: Shop) -> None:
    shop.site.log_in(8)
    shop.site.follow(shop.site.link("product", client_reference=1008), PC)
    [click] = shop.stored_clicks()
    store_rows(shop, [], [{**purchase_at(None), "member": "8", "applied_at": click.clicked_at}])
    assert find_insure_nums(shop, 1008, 8) == ["1"]


@pytest.mark.parametrize("reference", ["", " ", "a\0b", None, "x" * 3000])
def test_for_reference_finds_nothing_for_an_invalid_reference(shop: Shop, reference: Any) -> None:
    store_rows(shop, [product_click("a", 0)], [purchase_at(5)])
    assert find_insure_nums(shop, reference) == []


def test_for_reference_does_not_mix_up_long_references(shop: Shop) -> None:
    """Only the first part of a long reference is stored. It must not match a similar reference."""
    shop.site.log_in("alice")
    shop.site.follow(shop.site.link("product", client_reference="x" * 300), PC)
    [click] = shop.stored_clicks()
    store_rows(shop, [], [{**purchase_at(None), "applied_at": click.clicked_at}])
    assert find_insure_nums(shop, "x" * 299) == []


def test_for_reference_finds_nothing_without_a_member(shop: Shop) -> None:
    store_rows(shop, [product_click("a", 0, client_reference="1")], [purchase_at(5)])
    assert find_insure_nums(shop, "1", None) == []
    with pytest.raises(LinkError):
        shop.purchases.for_reference("1", 1.5)  # type: ignore[arg-type]


def test_report_counts_purchases_without_a_click(shop: Shop) -> None:
    store_rows(
        shop,
        [
            product_click("a", 0, client_reference="QY-1"),
            product_click("b", 10, client_reference="QY-2"),
        ],
        [
            purchase_at(5, number="1", price_fen=100),
            purchase_at(15, number="2", price_fen=20),
            purchase_at(16, number="3", price_fen=3),
            purchase_at(2 * DAY, number="4", price_fen=4000),
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


def test_on_change_is_not_called_if_only_the_application_time_changes(shop: Shop) -> None:
    """Rows of version 0.3 have no application time. The next order query adds the time."""
    shop.gateway.says()
    shop.refresh()
    shop.execute("UPDATE xiebao_purchase SET applied_at = NULL")
    shop.told.clear()
    shop.refresh()
    assert shop.row().applied_at is not None
    assert shop.told == []


def test_forgotten_member_has_no_attribution(shop: Shop) -> None:
    store_rows(shop, [product_click("a", 0, client_reference="1")], [purchase_at(5)])
    with shop.app.app_context():
        shop.purchases.forget("alice")
    assert find_clicks_and_attributions(shop) == {"1": NONE}
    assert find_insure_nums(shop, "1") == []


def test_expressions_can_be_the_only_columns_of_a_query(shop: Shop) -> None:
    store_rows(
        shop,
        [product_click("a", 0, 7)],
        [purchase_at(5, 6), purchase_at(5, None, "2"), purchase_at(None, None, "3")],
    )
    how = shop.purchases.attribution.label("how")
    with Session(shop.engine) as session:
        counts = session.execute(select(how, func.count()).group_by(how)).all()
        clicks = session.scalars(select(shop.purchases.click_id)).all()
    assert dict(counts) == {None: 1, "last": 1, "returned": 1}
    assert sorted(clicks, key=str) == [None, "a", "a"]
