"""Who may follow a link: the table, as data and without HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_xiebao import Entry
from flask_xiebao.links.access_rules import REFUSALS, AllowedClick, Refusal, decide_access
from tests.support import INSURE_NUM, PRODUCT_CODE

SIGNED_AT = 1_800_000_000
LIFE = 60

PRODUCT = Entry("product", PRODUCT_CODE)
HOME = Entry("home")
POLICY = Entry("policy", INSURE_NUM, "alice")

log_in, not_yours, past, invalid = (
    REFUSALS[cause] for cause in ("login_required", "another_member", "expired", "no_member")
)

#: The link's member, its no_login_for, who is logged in, how many seconds later, and the decision.
TABLE = [
    (None, None, "alice", 0, AllowedClick("alice")),
    (None, None, None, 0, log_in),
    ("alice", None, "alice", 0, AllowedClick("alice")),
    ("alice", None, "alice", 10**9, AllowedClick("alice")),
    ("alice", LIFE, "alice", 0, AllowedClick("alice")),
    ("alice", LIFE, "alice", LIFE, AllowedClick("alice")),
    ("alice", LIFE, "alice", 10**9, AllowedClick("alice")),
    ("alice", None, "bob", 0, not_yours),
    ("alice", None, "Alice", 0, not_yours),
    ("alice", None, "alice2", 0, not_yours),
    ("alice", LIFE, "bob", 0, not_yours),
    ("alice", LIFE, "bob", 10**9, not_yours),
    ("alice", None, None, 0, log_in),
    ("alice", None, None, 10**9, log_in),
    ("alice", LIFE, None, 0, AllowedClick("alice", LIFE)),
    ("alice", LIFE, None, 1, AllowedClick("alice", LIFE - 1)),
    ("alice", LIFE, None, LIFE - 1, AllowedClick("alice", 1)),
    ("alice", LIFE, None, LIFE, past),
    ("alice", LIFE, None, 10**9, past),
]


@pytest.mark.parametrize("entry", [PRODUCT, HOME, POLICY], ids=["product", "home", "policy"])
@pytest.mark.parametrize(("member", "no_login_for", "current", "later", "decision"), TABLE)
def test_the_table(
    entry: Entry,
    member: str | None,
    no_login_for: int | None,
    current: str | None,
    later: int,
    decision: AllowedClick | Refusal,
) -> None:
    link = replace(entry, member=member, no_login_for=no_login_for, signed_at=SIGNED_AT)
    if entry is POLICY and member is None:
        decision = invalid  # it would open whichever policy it names for whoever comes
    assert decide_access(link, current, SIGNED_AT + later) == decision


def test_a_link_that_says_no_time_vouches_for_nobody() -> None:
    never_signed = replace(PRODUCT, member="alice", no_login_for=LIFE)
    assert decide_access(never_signed, None, SIGNED_AT) == past
