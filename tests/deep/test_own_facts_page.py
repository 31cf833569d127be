"""Tests for the notification handler on the manual's page for sites without the order query.

The handler runs in the shop of the tutorial. To test another sequence of notifications, add a row
to ``STATES``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import current_app

from tests.manual.blocks import DOCS, find_blocks, grow_shop, load_shop
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

#: A surrender for all insured people. ``SURRENDERED`` is only for one of them.
FULLY_SURRENDERED = build_notification(4)


@pytest.fixture
def policies(tmp_path: Path) -> Iterator[Any]:
    """The module ``shop.policies`` with the code of the page. Its app is the current app."""
    grow_shop(tmp_path / "site", "caching")
    (tmp_path / "site/shop/policies.py").write_text(
        find_blocks(DOCS / "en/how-to/own-facts.md")[0].code, "utf-8"
    )
    app, policies = load_shop(
        tmp_path / "site",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        # The notifications have ids of members, not keys that are derived from a secret.
        XIEBAO_MEMBER_SECRET=None,
    )
    with app.app_context():
        policies.db.create_all()
        yield policies
        policies.db.session.remove()
        policies.db.engine.dispose()


def notify(*bodies: bytes) -> set[int]:
    """Send notifications, and return the statuses of the responses."""
    return {
        current_app.test_client().post("/xiebao/notify", data=body).status_code for body in bodies
    }


def get_facts(policies: Any) -> list[Any]:
    """Return the rows of the table of facts."""
    return list(policies.db.session.query(policies.Fact))


def get_state(policies: Any) -> Any:
    """Return the state of the application that most notifications are about."""
    return policies.state_of(
        [fact for fact in get_facts(policies) if fact.insure_num == INSURE_NUM]
    )


def test_facts_are_stored_once_in_any_order_of_notifications(policies: Any) -> None:
    expected = {
        *((step, True, INSURE_NUM, "101000", step == 5) for step in (1, 2, 3, 4, 5, 9)),
        (2, False, "20190226020147", "101000", False),
    }
    for bodies in itertools.islice(itertools.permutations(VECTORS), 0, 5040, 1000):
        assert notify(*bodies, *bodies) == {200}
        facts = [
            (fact.step, fact.succeeded, fact.insure_num, fact.member, fact.ends_policy)
            for fact in get_facts(policies)
        ]
        assert (len(facts), set(facts)) == (len(expected), expected)
        assert get_state(policies) == "已退保重出"


#: One row per sequence of notifications: the name, the bodies and the state after them.
STATES = {
    "application": ([APPLIED], "已投保"),
    "failed payment": ([build_notification(2, state=False)], "已投保"),
    "payment before application": ([PAID, APPLIED], "已支付"),
    # Both notifications have the same data and signature, so each can be forged from the other.
    "policy file before application": ([POLICY_FILE, APPLIED], "已投保"),
    "issue before payment and application": ([ISSUED, PAID, APPLIED], "已出单"),
    "partial surrender before issue": ([SURRENDERED, ISSUED], "已出单"),
    "full surrender before issue": ([FULLY_SURRENDERED, POLICY_FILE, ISSUED], "已退保"),
    "failed surrender before issue": ([build_notification(4, state=False), ISSUED], "已出单"),
    "reissue before surrender and issue": ([REISSUED, FULLY_SURRENDERED, ISSUED], "已退保重出"),
}


@pytest.mark.parametrize(("bodies", "state"), STATES.values(), ids=STATES)
def test_policy_state_follows_from_furthest_successful_step(
    policies: Any, bodies: list[bytes], state: str
) -> None:
    assert notify(*bodies) == {200}
    assert get_state(policies) == state


def test_notification_is_stored_if_sent_again_after_database_error(policies: Any) -> None:
    policies.db.drop_all()
    assert notify(ISSUED) == {500}
    policies.db.create_all()
    assert notify(ISSUED) == {200}
    assert len(get_facts(policies)) == 1
