"""Who may follow a link, and who may not and why, as data.

Nothing here uses Flask. :mod:`.views` asks at the click, and :mod:`.answers` says no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .errors import LinkError
from .links import Entry
from .pages import page_named


class Go(NamedTuple):
    """Somebody goes.

    :param member: who.
    :param seconds_left: for how much longer the link alone vouches for them; None when they are
        logged in.
    """

    member: str
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class LogIn:
    """Nobody is logged in, and somebody has to be."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody is not let through.

    :param status: 401, 403, 404 or 410.
    :param reason: for logs, JSON and ``entry_refused``.
    """

    status: int
    reason: str


# Those of decide(), and what a link can be refused for before it is asked or, by a login, after.
DISABLED = Refusal(404, "disabled")
INVALID_LINK = Refusal(404, "invalid_link")
ANOTHER_MEMBER = Refusal(403, "another_member")
EXPIRED = Refusal(410, "expired")
LOGIN_REQUIRED = Refusal(401, "login_required")


def decide(entry: Entry, current: str | None, now: int) -> Go | LogIn | Refusal:
    """Decide whether the link of *entry* may be followed, and as whom.

    :param entry: what the link's token says.
    :param current: the member who is logged in, or None.
    :param now: the present, in seconds since the epoch.
    """
    if entry.member is None and page_named(entry.page).members_own:
        return INVALID_LINK
    if current is not None:
        # Nobody buys on another's account.
        return Go(current) if entry.member in (None, current) else ANOTHER_MEMBER
    if entry.member is None or entry.max_age is None:
        return LogIn()
    seconds_left = entry.seconds_left(now)
    return Go(entry.member, seconds_left) if seconds_left else EXPIRED


def check_can_be_followed(entry: Entry, *, members_are_known: bool) -> None:
    """Refuse to make a link that nobody could follow.

    :param members_are_known: whether the site can say who is logged in.
    :raises LinkError: when nobody could.
    """
    if entry.member is None:
        page = page_named(entry.page)
        if page.members_own:
            raise LinkError(f"A link to the {page.name} page says whose it is.", "member")
    elif entry.max_age is None and not members_are_known:
        raise LinkError(
            "member needs max_age on a site that cannot say who is logged in: add a member_loader,"
            " or give the link a max_age.",
            "max_age",
        )
