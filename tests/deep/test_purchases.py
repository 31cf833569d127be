"""Purchases in every order of notifications, and with a gateway that lags."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.callback.purchases.support import APPLIED, SURRENDERED, Shop, make_shop
from tests.support import NUMBER
from tests.vectors import VECTORS, callback

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
    forged = callback(key="another key")
    kept: dict[frozenset[bytes], tuple[bytes, Any]] = {frozenset(): (file.read_bytes(), [])}
    for size in range(len(VECTORS)):
        for heard in map(frozenset, itertools.combinations(VECTORS, size)):
            for body in set(VECTORS) - heard:
                file.write_bytes(kept[heard][0])
                assert shop.hear(forged, body, body) == [403, 200, 200]
                found = said_by(shop)
                assert kept.setdefault(heard | {body}, (file.read_bytes(), found))[1] == found
    assert len(kept) == 128
    assert shop.states() == {NUMBER: "replaced", OTHER: "failed", NEW: "in_force"}


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
