"""Tests for the rules that decide whether a click is allowed.

To test another combination of link and visitor, add a row to ``DECISIONS``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_xiebao import Entry
from flask_xiebao.links.access_rules import REFUSALS, AllowedClick, Refusal, decide_access
from tests.support import INSURE_NUM, PRODUCT_CODE

SIGNED_AT = 1_800_000_000
NO_LOGIN_FOR = 60

PRODUCT = Entry("product", PRODUCT_CODE)
HOME = Entry("home")
POLICY = Entry("policy", INSURE_NUM, "alice")

LOGIN_REQUIRED = REFUSALS["login_required"]
ANOTHER_MEMBER = REFUSALS["another_member"]
EXPIRED = REFUSALS["expired"]

#: One row per combination of link and visitor: the member of the link, its ``no_login_for``, the
#: member who is logged in, the age of the link in seconds, and the expected decision.
DECISIONS = [
    (None, None, "alice", 0, AllowedClick("alice")),
    (None, None, None, 0, LOGIN_REQUIRED),
    ("alice", None, "alice", 0, AllowedClick("alice")),
    ("alice", None, "alice", 10**9, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", 0, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", NO_LOGIN_FOR, AllowedClick("alice")),
    ("alice", NO_LOGIN_FOR, "alice", 10**9, AllowedClick("alice")),
    ("alice", None, "bob", 0, ANOTHER_MEMBER),
    ("alice", None, "Alice", 0, ANOTHER_MEMBER),
    ("alice", None, "alice2", 0, ANOTHER_MEMBER),
    ("alice", NO_LOGIN_FOR, "bob", 0, ANOTHER_MEMBER),
    ("alice", NO_LOGIN_FOR, "bob", 10**9, ANOTHER_MEMBER),
    ("alice", None, None, 0, LOGIN_REQUIRED),
    ("alice", None, None, 10**9, LOGIN_REQUIRED),
    ("alice", NO_LOGIN_FOR, None, 0, AllowedClick("alice", NO_LOGIN_FOR)),
    ("alice", NO_LOGIN_FOR, None, 1, AllowedClick("alice", NO_LOGIN_FOR - 1)),
    ("alice", NO_LOGIN_FOR, None, NO_LOGIN_FOR - 1, AllowedClick("alice", 1)),
    ("alice", NO_LOGIN_FOR, None, NO_LOGIN_FOR, EXPIRED),
    ("alice", NO_LOGIN_FOR, None, 10**9, EXPIRED),
]


@pytest.mark.parametrize("entry", [PRODUCT, HOME, POLICY], ids=["product", "home", "policy"])
@pytest.mark.parametrize(("member", "no_login_for", "logged_in", "age", "decision"), DECISIONS)
def test_access_decision_for_link_and_visitor(
    entry: Entry,
    member: str | None,
    no_login_for: int | None,
    logged_in: str | None,
    age: int,
    decision: AllowedClick | Refusal,
) -> None:
    link = replace(entry, member=member, no_login_for=no_login_for, signed_at=SIGNED_AT)
    if entry is POLICY and member is None:
        # A policy link without a member is refused, because it would show the policy to every
        # member.
        decision = REFUSALS["no_member"]
    assert decide_access(link, logged_in, SIGNED_AT + age) == decision


def test_link_without_signing_time_requires_login() -> None:
    unsigned = replace(PRODUCT, member="alice", no_login_for=NO_LOGIN_FOR)
    assert decide_access(unsigned, None, SIGNED_AT) == EXPIRED
