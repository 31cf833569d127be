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

#: A notification about a surrender for all insured people. The notification ``SURRENDERED`` is
#: about a surrender for only one of the insured people.
FULLY_SURRENDERED = build_notification(4)


@pytest.fixture
def policies_module(tmp_path: Path) -> Iterator[Any]:
    """The module ``shop.policies`` with the manual's code, in the app context of the shop."""
    grow_shop(tmp_path / "site", "caching")
    (tmp_path / "site/shop/policies.py").write_text(
        find_blocks(DOCS / "en/how-to/own-facts.md")[0].code, "utf-8"
    )
    app, policies_module = load_shop(
        tmp_path / "site",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        # The notifications contain member ids, not member keys that are derived from a secret.
        XIEBAO_MEMBER_SECRET=None,
    )
    with app.app_context():
        policies_module.db.create_all()
        yield policies_module
        policies_module.db.session.remove()
        policies_module.db.engine.dispose()


def send_notifications(*bodies: bytes) -> set[int]:
    """Send notifications to the current app, and return the set of response statuses."""
    return {
        current_app.test_client().post("/xiebao/notify", data=body).status_code for body in bodies
    }


def get_facts(policies_module: Any) -> list[Any]:
    """Return all rows of the model ``Fact``, which stores the facts from notifications."""
    return list(policies_module.db.session.query(policies_module.Fact))


def get_policy_state(policies_module: Any) -> Any:
    """Return the state of the policy with the application number ``INSURE_NUM``."""
    return policies_module.state_of(
        [fact for fact in get_facts(policies_module) if fact.insure_num == INSURE_NUM]
    )


def test_facts_are_stored_once_in_any_order_of_notifications(policies_module: Any) -> None:
    expected = {
        *((step, True, INSURE_NUM, "101000", step == 5) for step in (1, 2, 3, 4, 5, 9)),
        (2, False, "20190226020147", "101000", False),
    }
    for bodies in itertools.islice(itertools.permutations(VECTORS), 0, 5040, 1000):
        assert send_notifications(*bodies, *bodies) == {200}
        facts = [
            (fact.step, fact.succeeded, fact.insure_num, fact.member, fact.ends_policy)
            for fact in get_facts(policies_module)
        ]
        assert (len(facts), set(facts)) == (len(expected), expected)
        assert get_policy_state(policies_module) == "已退保重出"


#: One row per sequence of notifications: the name, the bodies, and the policy's state afterwards.
STATES = {
    "application": ([APPLIED], "已投保"),
    "failed payment": ([build_notification(2, state=False)], "已投保"),
    "payment before application": ([PAID, APPLIED], "已支付"),
    # A notification about a policy file and a notification about an application have the same data
    # and signature, so each can be forged from the other.
    "policy file before application": ([POLICY_FILE, APPLIED], "已投保"),
    "issue before payment and application": ([ISSUED, PAID, APPLIED], "已出单"),
    "partial surrender before issue": ([SURRENDERED, ISSUED], "已出单"),
    "full surrender before issue": ([FULLY_SURRENDERED, POLICY_FILE, ISSUED], "已退保"),
    "failed surrender before issue": ([build_notification(4, state=False), ISSUED], "已出单"),
    "reissue before surrender and issue": ([REISSUED, FULLY_SURRENDERED, ISSUED], "已退保重出"),
}


@pytest.mark.parametrize(("bodies", "state"), STATES.values(), ids=STATES)
def test_policy_state_follows_from_furthest_successful_step(
    policies_module: Any, bodies: list[bytes], state: str
) -> None:
    assert send_notifications(*bodies) == {200}
    assert get_policy_state(policies_module) == state


def test_notification_is_stored_if_sent_again_after_database_error(policies_module: Any) -> None:
    policies_module.db.drop_all()
    assert send_notifications(ISSUED) == {500}
    policies_module.db.create_all()
    assert send_notifications(ISSUED) == {200}
    assert len(get_facts(policies_module)) == 1
