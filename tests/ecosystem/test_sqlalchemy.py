"""The manual's handler, as it stands there, on a site with Flask-SQLAlchemy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_xiebao import Order, OrderClient, Xiebao
from tests.support import CONFIG, NUMBER
from tests.vectors import (
    APPLIED,
    ISSUED,
    PAID,
    POLICY_FILE,
    REISSUED,
    SURRENDERED,
    VECTORS,
    callback,
)

pytest_plugins = ["flask_xiebao.pytest_plugin"]

READMES = [Path(__file__).parents[2] / name for name in ("README.md", "README.zh-CN.md")]
WHOLE = callback(4)
Orders = Callable[[list[object]], None]


class Shop:
    """A site with the handler of a manual."""

    def __init__(self, readme: Path, folder: Path) -> None:
        self.app = Flask("shop")
        database = f"sqlite:///{folder / 'shop.sqlite3'}"
        self.app.config.update(CONFIG, XIEBAO_ENV="test", SQLALCHEMY_DATABASE_URI=database)
        self.db = SQLAlchemy(self.app)
        names: dict[str, Any] = {"db": self.db, "xiebao": Xiebao(self.app), "__name__": "shop"}
        [block] = re.findall(
            r"^## (?:The callback|回调).*?```python\n(.*?)```",
            readme.read_text("utf-8"),
            re.M | re.S,
        )
        exec(block, names)  # noqa: S102 - what the manual says
        self.fact, self.state_of = names["Fact"], names["state_of"]
        with self.app.app_context():
            self.db.create_all()

    def hear(self, body: bytes) -> int:
        return self.app.test_client().post("/xiebao/notify", data=body).status_code

    def state(self, number: str = NUMBER) -> str:
        """Return what the manual makes of all that was heard of an application."""
        with self.app.app_context():
            facts = self.db.session.query(self.fact).filter_by(insure_num=number).all()
            state: str = self.state_of(facts)
            return state

    def facts(self) -> set[tuple[Any, ...]]:
        with self.app.app_context():
            return {
                (
                    *(fact.step, fact.succeeded, fact.insure_num, fact.member, fact.policy_num),
                    *(fact.insurants_out, fact.new_insure_num),
                )
                for fact in self.db.session.query(self.fact)
            }


@pytest.fixture(params=READMES, ids=lambda readme: readme.name)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(request.param, tmp_path)
    yield made
    with made.app.app_context():
        made.db.engine.dispose()


END = {
    (1, True, NUMBER, "101000", None, 0, None),
    (2, True, NUMBER, "101000", None, 0, None),
    (2, False, "20190226020147", "101000", None, 0, None),
    (3, True, NUMBER, "101000", "P10042019030100001", 0, None),
    (4, True, NUMBER, "101000", None, 1, None),
    (5, True, NUMBER, "101000", None, 0, "20190226020199"),
    (9, True, NUMBER, "101000", None, 0, None),
}


def test_each_is_kept_once_in_any_order(shop: Shop) -> None:
    for order in itertools.islice(itertools.permutations(VECTORS), 0, 5040, 1000):
        for body in (*order, *order):
            assert shop.hear(body) == 200
        assert shop.facts() == END
        assert shop.state() == "reissued"


def test_a_surrender_is_kept_when_the_platform_confirms_it(
    shop: Shop, xiebao_orders: Orders
) -> None:
    xiebao_orders([Order(insure_num=NUMBER, effective_status=1)])
    assert shop.hear(WHOLE) == 500
    assert shop.facts() == set()
    xiebao_orders([Order(insure_num=NUMBER, effective_status=3)])
    assert shop.hear(WHOLE) == 200
    assert len(shop.facts()) == 1


@pytest.mark.parametrize(
    ("bodies", "state"),
    [
        ([APPLIED], "applied"),
        ([callback(2, state=False)], "applied"),
        ([PAID, APPLIED], "paid"),
        ([POLICY_FILE, APPLIED], "issued"),
        ([ISSUED, PAID, APPLIED], "issued"),
        ([SURRENDERED, ISSUED], "issued"),  # one of those who are insured
        ([WHOLE, POLICY_FILE, ISSUED], "surrendered"),
        ([callback(4, state=False), ISSUED], "issued"),
        ([REISSUED, WHOLE, ISSUED], "reissued"),
    ],
)
def test_the_state_is_the_furthest_step_that_succeeded(
    shop: Shop, xiebao_orders: Orders, bodies: list[bytes], state: str
) -> None:
    xiebao_orders([Order(insure_num=NUMBER, effective_status=3)])
    for body in bodies:
        assert shop.hear(body) == 200
    assert shop.state() == state


def test_what_another_worker_has_stored_meanwhile_is_success(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    nested: list[int] = []

    def confirmed(*_: Any) -> Order:
        if not nested:
            nested.append(0)
            nested[0] = shop.hear(WHOLE)
        return Order(insure_num=NUMBER, effective_status=3)

    monkeypatch.setattr(OrderClient, "get", confirmed)
    assert shop.hear(WHOLE) == 200
    assert nested == [200]
    assert len(shop.facts()) == 1


def test_what_the_database_refuses_is_not_lost(shop: Shop) -> None:
    with shop.app.app_context():
        shop.db.drop_all()
    assert shop.hear(ISSUED) == 500
    with shop.app.app_context():
        shop.db.create_all()
    assert shop.hear(ISSUED) == 200
    assert len(shop.facts()) == 1
