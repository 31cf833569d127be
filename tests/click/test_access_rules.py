"""Tests for who may follow a link: the link's member, other members and anonymous visitors.

To test another combination of link and visitor, add a row to ``ACCESS_RULES``. The same rules, with
more times, are tested without requests in ``tests/unit/test_access_rules.py``.
"""

from __future__ import annotations

import pytest

from flask_xiebao.gateway.pages import PAGES
from tests.click.support import assert_click_outcome
from tests.support import LINK_ARGUMENTS, Clock, MakeSite, SentSignals

#: One row per click on a link that was built a minute earlier: the member of the link, the
#: ``no_login_for`` of the link in seconds, the member who is logged in at the click, and the
#: expected outcome.
ACCESS_RULES = [
    (None, None, None, "401 login_required"),
    (None, None, "alice", "302 alice"),
    (None, None, "bob", "302 bob"),
    ("alice", None, "alice", "302 alice"),
    ("alice", 61, "alice", "302 alice"),
    ("alice", 60, "alice", "302 alice"),
    ("alice", None, "bob", "403 another_member"),
    ("alice", 61, "bob", "403 another_member"),
    ("alice", 60, "bob", "403 another_member"),
    ("alice", None, None, "401 login_required"),
    ("alice", 61, None, "302 alice"),
    ("alice", 60, None, "410 expired"),
]


@pytest.mark.parametrize(
    ("page", "has_loader", "link_member", "no_login_for", "visitor", "expected"),
    [
        (page, has_loader, *rule)
        for page in LINK_ARGUMENTS
        for has_loader in (True, False)
        for rule in ACCESS_RULES
        # Leave out impossible clicks: a link to a page that requires a member always has one, and
        # each visitor is anonymous if the site has no member_loader.
        if not (PAGES[page].requires_member and rule[0] is None) and (has_loader or rule[2] is None)
    ],
)
def test_click_outcome_depends_on_member_of_link_and_visitor(
    make_site: MakeSite,
    clock: Clock,
    sent_signals: SentSignals,
    page: str,
    has_loader: bool,
    link_member: str | None,
    no_login_for: int | None,
    visitor: str | None,
    expected: str,
) -> None:
    link = make_site().link(page, member=link_member, no_login_for=no_login_for)
    clock.shift(60)
    site = make_site(loader=has_loader)
    site.log_in(visitor)
    assert_click_outcome(site.follow(link), sent_signals, expected)
