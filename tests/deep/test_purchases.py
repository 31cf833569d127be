"""Tests for purchases: all sequences of events, and outdated responses of the gateway."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from flask_xiebao import NotificationType
from tests.callback.purchases.support import (
    SURRENDERED_ORDER,
    UNPAID_ORDER,
    Click,
    Purchase,
    Shop,
    make_shop,
)
from tests.support import INSURE_NUM, PC, get_return_link
from tests.vectors import VECTORS, build_notification

SECOND_NUM, REISSUED_NUM = "20190226020147", "20190226020199"
#: The columns that describe the row and not the purchase. Their values depend on the sequence of
#: the events, so the test does not compare these columns.
SEQUENCE_COLUMNS = ("version", "updated_at", "behind", "failures")


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """The path of the shop's SQLite file."""
    return tmp_path / "shop.sqlite3"


@pytest.fixture
def shop(database_file: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that stores clicks, and has no open database connection between two requests.

    So a test can replace the database file between two requests.
    """
    engine = create_engine(f"sqlite:///{database_file}", poolclass=NullPool)
    return make_shop(engine, monkeypatch, clicks=True)


def assert_sequence_does_not_matter(
    database_file: Path,
    events: list[Any],
    run_event: Callable[[Any], object],
    read_result: Callable[[], Any],
) -> None:
    """Assert that the result is the same after all possible sequences of the events.

    For each set of events, each event of the set is the last event in turn, and the results must be
    the same. By induction, this covers all sequences of all events: for example, seven events have
    128 sets and 5,040 sequences. The effect of the earlier events is restored from a copy of the
    database file. In the end, the file has the state after all events.

    :param run_event: a function that runs an event, and returns False if the event is not possible.
    """
    states: dict[frozenset[Any], tuple[bytes, Any]] = {
        frozenset(): (database_file.read_bytes(), None)
    }
    for size in range(len(events)):
        for earlier in map(frozenset, itertools.combinations(events, size)):
            for event in [event for event in events if event not in earlier and earlier in states]:
                database_file.write_bytes(states[earlier][0])
                if run_event(event) is not False:
                    state = (database_file.read_bytes(), read_result())
                    assert states.setdefault(earlier | {event}, state)[1] == state[1]
    database_file.write_bytes(states[frozenset(events)][0])


def test_sequence_of_notifications_does_not_matter(shop: Shop, database_file: Path) -> None:
    """Each notification arrives twice, and a forged notification arrives before it."""
    shop.gateway.set_order(**SURRENDERED_ORDER)
    shop.gateway.set_order(REISSUED_NUM, endDate="2999-01-01")
    shop.gateway.set_order(SECOND_NUM, **UNPAID_ORDER)
    forged_body = build_notification(key="another key")

    def deliver_notification(body: bytes) -> None:
        assert shop.send_bodies(forged_body, body, body) == [403, 200, 200]

    def read_purchases() -> list[dict[str, Any]]:
        names = [column.key for column in Purchase.__table__.columns]
        names = [name for name in names if name not in SEQUENCE_COLUMNS]
        rows = [
            {name: getattr(row, name) for name in names}
            for row in shop.read_purchase_rows().values()
        ]
        return sorted(rows, key=lambda row: str(row["insure_num"]))

    assert_sequence_does_not_matter(database_file, VECTORS, deliver_notification, read_purchases)

    assert shop.read_purchase_states() == {
        INSURE_NUM: "replaced",
        SECOND_NUM: "failed",
        REISSUED_NUM: "in_force",
    }


NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
#: The times of clicks and of returns from payment, as numbers of minutes after noon, by client
#: reference.
CLICKS, RETURNS = {"8": 0, "9": 1}, {"8": 7, "9": 9}
#: The times of each purchase's application and payment, as numbers of minutes after noon.
TIMES = {INSURE_NUM: (4, 6), SECOND_NUM: (5, 8)}


def test_sequence_of_clicks_returns_and_notifications_does_not_matter(
    shop: Shop, database_file: Path
) -> None:
    """Each event has a fixed time, but a site may write the events in any sequence.

    Only a return from payment is always written after its click.
    """
    shop.site.log_in("101000")
    for number, minutes in TIMES.items():
        applied, paid = (
            f"{NOON + timedelta(hours=8, minutes=minute):%Y-%m-%d %H:%M:%S}" for minute in minutes
        )
        shop.gateway.set_order(number, insureTime=applied, payedTime=paid)
    return_links: dict[str, str] = {}

    def find_click_id(reference: str) -> str | None:
        clicks = {click.client_reference: click.click_id for click in shop.read_clicks()}
        return clicks.get(reference)

    def run_event(event: tuple[str, str]) -> bool:
        name, value = event
        minute = {"click": CLICKS, "return": RETURNS}.get(name, {}).get(value, 20)
        with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
            if name == "click":
                link = shop.site.link("product", client_reference=value, return_to="/")
                return_link = get_return_link(shop.site.follow(link, PC))
                return_links[str(find_click_id(value))] = return_link
            elif name == "return":
                click_id = find_click_id(value)
                if click_id is None:
                    return False
                assert shop.site.follow(return_links[click_id]).status_code == 302
            else:
                assert shop.notify(NotificationType[name], insureNum=value) == 200
        return True

    def read_attributions() -> list[Any]:
        click = select(Click.client_reference).where(Click.click_id == shop.purchases.click_id)
        columns = (Purchase.insure_num, click.scalar_subquery(), shop.purchases.attribution)
        with Session(shop.engine) as session:
            return sorted(map(tuple, session.execute(select(*columns))))

    events = [
        *itertools.product(["click", "return"], CLICKS),
        *itertools.product(["APPLICATION", "PAYMENT"], TIMES),
    ]
    assert_sequence_does_not_matter(database_file, events, run_event, read_attributions)
    assert read_attributions() == [(INSURE_NUM, "8", "returned"), (SECOND_NUM, "9", "returned")]


def test_surrender_is_stored_after_gateway_has_responded_with_old_order(shop: Shop) -> None:
    """Order queries return orders that are up to 50 ms old.

    The gateway repeats a notification until the status of the site's response is 200.
    """
    retry_count = 0
    for index in range(60):
        number = f"2026{index:010}"
        shop.gateway.set_order(number)
        shop.refresh(number)
        old_orders, lag_end = dict(shop.gateway.orders), time.monotonic() + index % 6 / 100
        shop.gateway.set_order(number, **SURRENDERED_ORDER)
        new_orders, shop.gateway.orders = shop.gateway.orders, old_orders
        while shop.notify(NotificationType.SURRENDER, insureNum=number) != 200:
            retry_count += 1
            shop.gateway.orders = old_orders if time.monotonic() < lag_end else new_orders
        shop.gateway.orders = new_orders
    assert retry_count > 0
    assert set(shop.read_purchase_states().values()) == {"surrendered"}
