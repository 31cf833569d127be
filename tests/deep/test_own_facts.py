"""The manual's handler for sites without the order query, in the shop of the tutorial."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.manual.blocks import DOCS, blocks, grow, load_shop
from tests.support import INSURE_NUM
from tests.vectors import (
    APPLIED,
    ISSUED,
    PAID,
    POLICY_FILE,
    REISSUED,
    SURRENDERED,
    VECTORS,
    build_notification,
)

WHOLE = build_notification(4)


class Shop:
    """The shop of the tutorial, before it keeps purchases."""

    def __init__(self, folder: Path) -> None:
        grow(folder / "site", "caching")
        [block, *_] = blocks(DOCS / "en/how-to/own-facts.md")
        (folder / "site/shop/policies.py").write_text(block.code, "utf-8")
        self.app, self.policies = load_shop(
            folder / "site",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'shop.sqlite3'}",
            XIEBAO_MEMBER_SECRET=None,  # the members of the vectors are known by their bare ids
        )
        self.db = self.policies.db

    def hear(self, *bodies: bytes) -> set[int]:
        """Return the statuses of the answers to these notifications."""
        browser = self.app.test_client()
        return {browser.post("/xiebao/notify", data=body).status_code for body in bodies}

    def state(self) -> str:
        """Return what the shop makes of all that was heard of the application."""
        facts = self.db.session.query(self.policies.Fact).filter_by(insure_num=INSURE_NUM).all()
        state: str = self.policies.state_of(facts)
        return state

    def facts(self) -> list[tuple[Any, ...]]:
        """Return what it keeps."""
        return [
            (fact.step, fact.succeeded, fact.insure_num, fact.member, fact.ends_policy)
            for fact in self.db.session.query(self.policies.Fact)
        ]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    with made.app.app_context():
        made.db.create_all()
        yield made
        made.db.session.remove()
        made.db.engine.dispose()


END = {
    *((step, True, INSURE_NUM, "101000", step == 5) for step in (1, 2, 3, 4, 5, 9)),
    (2, False, "20190226020147", "101000", False),
}


def test_each_is_kept_once_in_any_order(shop: Shop) -> None:
    for order in itertools.islice(itertools.permutations(VECTORS), 0, 5040, 1000):
        assert shop.hear(*order, *order) == {200}
        assert (len(shop.facts()), set(shop.facts())) == (len(END), END)
        assert shop.state() == "已退保重出"


@pytest.mark.parametrize(
    ("bodies", "state"),
    [
        ([APPLIED], "已投保"),
        ([build_notification(2, state=False)], "已投保"),
        ([PAID, APPLIED], "已支付"),
        ([POLICY_FILE, APPLIED], "已投保"),  # a notification of the one is one of the other, too
        ([ISSUED, PAID, APPLIED], "已出单"),
        ([SURRENDERED, ISSUED], "已出单"),  # one of those who are insured
        ([WHOLE, POLICY_FILE, ISSUED], "已退保"),
        ([build_notification(4, state=False), ISSUED], "已出单"),
        ([REISSUED, WHOLE, ISSUED], "已退保重出"),
    ],
)
def test_the_state_is_the_furthest_step_that_succeeded(
    shop: Shop, bodies: list[bytes], state: str
) -> None:
    assert shop.hear(*bodies) == {200}
    assert shop.state() == state


def test_what_the_database_refuses_is_not_lost(shop: Shop) -> None:
    shop.db.drop_all()
    assert shop.hear(ISSUED) == {500}
    shop.db.create_all()
    assert shop.hear(ISSUED) == {200}
    assert len(shop.facts()) == 1
