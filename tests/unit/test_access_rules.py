"""Tests for the rules that decide whether a click is allowed.

To test another combination of link and visitor, add a row to ``DECISIONS``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_xiebao import Entry
from flask_xiebao.links.access_rules import REFUSALS, AllowedClick, Refusal, decide_access
from tests.support import INSURE_NUM, NOW, PRODUCT_CODE

NO_LOGIN_FOR = 60

LOGIN_REQUIRED = REFUSALS["login_required"]
ANOTHER_MEMBER = REFUSALS["another_member"]
EXPIRED = REFUSALS["expired"]

#: One row per combination of link and visitor: the member of the link, its ``no_login_for``, the
#: member who is logged in, the time at which the link was signed, and the expected decision.
DECISIONS = [
    (None, None, "alice", NOW, AllowedClick("alice")),
    (None, None, None, NOW, LOGIN_REQUIRED),
    ("alice", None, "alice", NOW, AllowedClick("alice")),
    ("alice", None, "alice", NOW - 10**9, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", NOW, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", NOW - NO_LOGIN_FOR, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", NOW - 10**9, AllowedClick("alice")),
    ("alice", None, "bob", NOW, ANOTHER_MEMBER),
    ("alice", None, "Alice", NOW, ANOTHER_MEMBER),
    ("alice", None, "alice2", NOW, ANOTHER_MEMBER),
    ("alice", NO_LOGIN_FOR, "bob", NOW, ANOTHER_MEMBER),
    ("alice", NO_LOGIN_FOR, "bob", NOW - 10**9, ANOTHER_MEMBER),
    ("alice", None, None, NOW, LOGIN_REQUIRED),
    ("alice", None, None, NOW - 10**9, LOGIN_REQUIRED),
    ("alice", NO_LOGIN_FOR, None, NOW, AllowedClick("alice", NO_LOGIN_FOR)),
    ("alice", NO_LOGIN_FOR, None, NOW - 1, AllowedClick("alice", NO_LOGIN_FOR - 1)),
    ("alice", NO_LOGIN_FOR, None, NOW - NO_LOGIN_FOR + 1, AllowedClick("alice", 1)),
    ("alice", NO_LOGIN_FOR, None, NOW - NO_LOGIN_FOR, EXPIRED),
    ("alice", NO_LOGIN_FOR, None, NOW - 10**9, EXPIRED),
    # A link without a signing time cannot replace a login, so its ``no_login_for`` counts as
    # expired.
    ("alice", NO_LOGIN_FOR, None, None, EXPIRED),
]


@pytest.mark.parametrize(
    "entry",
    [Entry("product", PRODUCT_CODE), Entry("home"), Entry("policy", INSURE_NUM, "alice")],
    ids=["product", "home", "policy"],
)
@pytest.mark.parametrize(
    ("member", "no_login_for", "logged_in", "signed_at", "decision"), DECISIONS
)
def test_access_decision_for_link_and_visitor(
    entry: Entry,
    member: str | None,
    no_login_for: int | None,
    logged_in: str | None,
    signed_at: int | None,
    decision: AllowedClick | Refusal,
) -> None:
    link = replace(entry, member=member, no_login_for=no_login_for, signed_at=signed_at)
    if entry.page == "policy" and member is None:
        # A policy link without a member is refused, because it would show the policy to every
        # member.
        decision = REFUSALS["no_member"]
    assert decide_access(link, logged_in, NOW) == decision
