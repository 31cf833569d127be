"""Purchases in every order of notifications, and with a gateway that lags."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tests.callback.purchases.support import APPLIED, SURRENDERED, Shop, make_shop
from tests.support import INSURE_NUM, PC, get_return_link
from tests.vectors import VECTORS, build_notification

OTHER, NEW = "20190226020147", "20190226020199"
#: What is not said of the purchase, but of the row.
ABOUT_ROWS = ("version", "updated_at", "behind", "failures", "_sa_instance_state")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.sqlite3"


@pytest.fixture
def shop(file: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return make_shop(create_engine(f"sqlite:///{file}", poolclass=NullPool), monkeypatch)


def said_by(shop: Shop) -> list[dict[str, Any]]:
    """Return what is said of all purchases."""
    rows = (vars(row) for row in shop.rows().values())
    kept = [{name: row[name] for name in row if name not in ABOUT_ROWS} for row in rows]
    return sorted(kept, key=lambda row: str(row["insure_num"]))


def test_every_order_of_the_seven_notifications_ends_the_same(shop: Shop, file: Path) -> None:
    """By induction: what is kept of a set of them does not depend on which of the set came last.

    So 128 sets and 448 steps between them stand for all 5,040 orders; each comes twice, and before
    each comes one that is forged.
    """
    shop.gateway.says(**SURRENDERED)
    shop.gateway.says(NEW, endDate="2999-01-01")
    shop.gateway.says(OTHER, **APPLIED)
    forged = build_notification(key="another key")
    kept: dict[frozenset[bytes], tuple[bytes, Any]] = {frozenset(): (file.read_bytes(), [])}
    for size in range(len(VECTORS)):
        for sent_signals in map(frozenset, itertools.combinations(VECTORS, size)):
            for body in set(VECTORS) - sent_signals:
                file.write_bytes(kept[sent_signals][0])
                assert shop.hear(forged, body, body) == [403, 200, 200]
                found = said_by(shop)
                assert (
                    kept.setdefault(sent_signals | {body}, (file.read_bytes(), found))[1] == found
                )
    assert len(kept) == 128
    assert shop.states() == {INSURE_NUM: "replaced", OTHER: "failed", NEW: "in_force"}


def test_nothing_is_lost_where_the_gateway_lags(shop: Shop) -> None:
    """Its answers are up to 50 ms old, and it rings until it is told that all is well."""
    rung = 0
    for each in range(60):
        number = f"2026{each:010}"
        shop.gateway.says(number)
        shop.refresh(number)
        old, until = shop.gateway.orders, time.monotonic() + each % 6 / 100
        shop.gateway.orders = new = {**old, number: {**old[number], **SURRENDERED}}
        while True:
            shop.gateway.orders = old if time.monotonic() < until else new
            if shop.ring(4, insureNum=number) == 200:
                break
            rung += 1
        shop.gateway.orders = new
    assert rung > 0
    assert set(shop.states().values()) == {"surrendered"}


NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
#: The times of the clicks and of the returns from payment, in minutes after noon.
CLICKS, RETURNS = {"8": 0, "9": 1}, {"8": 7, "9": 9}
#: The times of the application and the payment of each purchase, in minutes after noon.
TIMES = {INSURE_NUM: (4, 6), OTHER: (5, 8)}


def test_each_sequence_of_clicks_and_notifications_gives_the_same_result(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event has a fixed time, but the site may write the events in any sequence.

    For each set of events, each event is the last one in turn, and all results must be the same.
    So all sequences of all events give one result. A return is always written after its click.
    """
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    shop = make_shop(engine, monkeypatch, clicks=True)
    shop.site.log_in("101000")
    for number, minutes in TIMES.items():
        applied, paid = (
            f"{NOON + timedelta(hours=8, minutes=minute):%Y-%m-%d %H:%M:%S}" for minute in minutes
        )
        shop.gateway.says(number, insureTime=applied, payedTime=paid)
    paid_urls: dict[str, str] = {}

    def run_event(name: str, value: str) -> None:
        minute = {"click": CLICKS, "return": RETURNS}.get(name, {}).get(value, 20)
        with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
            if name == "click":
                link = shop.site.link("product", client_reference=value, return_to="/")
                paid_urls[value] = get_return_link(shop.site.follow(link, PC))
            elif name == "return":
                assert shop.site.follow(paid_urls[value]).status_code == 302
            else:
                assert shop.ring(int(name), insureNum=value) == 200

    def read_result() -> list[Any]:
        references = select(shop.clicks.client_reference)
        references = references.where(shop.clicks.click_id == shop.purchases.click_id)
        columns = (
            shop.model.insure_num,
            references.scalar_subquery(),
            shop.purchases.attribution,
        )
        with Session(engine) as session:
            return sorted(map(tuple, session.execute(select(*columns))))

    events = frozenset(
        itertools.chain(
            itertools.product(["click", "return"], CLICKS), itertools.product("12", TIMES)
        )
    )
    kept: dict[frozenset[Any], tuple[bytes, dict[str, str], Any]] = {
        frozenset(): (file.read_bytes(), {}, [])
    }
    for size in range(len(events)):
        for written in map(frozenset, itertools.combinations(sorted(events), size)):
            if any(("click", value) not in written for name, value in written if name == "return"):
                continue
            for event in sorted(events - written):
                if event[0] == "return" and ("click", event[1]) not in written:
                    continue
                file.write_bytes(kept[written][0])
                paid_urls = {**kept[written][1]}
                run_event(*event)
                found = (file.read_bytes(), paid_urls, read_result())
                assert kept.setdefault(written | {event}, found)[2] == found[2]
    assert kept[events][2] == [(INSURE_NUM, "8", "returned"), (OTHER, "9", "returned")]
