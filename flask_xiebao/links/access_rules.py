"""Who may follow a link, and who may not and why, as data.

:mod:`.views.click` asks at the click, and :mod:`.views.responses` answers whoever may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from ..errors import LinkError
from ..gateway.pages import get_gateway_page
from .tokens import Entry


class AllowedClick(NamedTuple):
    """Somebody may go on to the gateway.

    :param member: who goes.
    :param seconds_left: for how much longer the link alone vouches for them; None when they are
        logged in.
    """

    member: str
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not follow a link.

    :param status: 401, 403, 404 or 410; of an answer of the site's own, its status.
    :param reason: what a visitor may know.
    :param cause: what only the site is told, by ``entry_refused``.
    :param why: the same in words, for the log.
    :param login_helps: whether it would help to log in as the member whose link it is.
    """

    status: int
    reason: str
    cause: str
    explanation: str
    login_helps: bool = False


#: Each refusal by its cause. A visitor is told ``invalid_link`` alone, whatever is wrong with it.
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        refusal.cause: refusal
        for refusal in (
            Refusal(404, "disabled", "disabled", "XIEBAO_ENABLED is off"),
            Refusal(
                404,
                "invalid_link",
                "malformed",
                "the link was not made by this site, or a part of the link is missing",
            ),
            Refusal(
                404,
                "invalid_link",
                "changed",
                "the link was changed or cut off after it was signed",
            ),
            Refusal(
                404,
                "invalid_link",
                "unknown_key",
                "the link was signed with an unknown key, which was removed from"
                " SECRET_KEY_FALLBACKS or belongs to another site or partner account",
            ),
            Refusal(
                404,
                "invalid_link",
                "another_page",
                "the link leads to another page or is a return link",
            ),
            Refusal(
                404,
                "invalid_link",
                "no_member",
                "the page belongs to one member, but the link has no member",
            ),
            Refusal(
                401,
                "login_required",
                "login_required",
                "the visitor is not logged in and the site has no login page to redirect to. Set"
                " XIEBAO_LOGIN_VIEW, and register a member_loader if the site has none",
                login_helps=True,
            ),
            Refusal(
                403,
                "another_member",
                "another_member",
                "the link belongs to a member other than the one who is logged in",
                login_helps=True,
            ),
            Refusal(
                410,
                "expired",
                "expired",
                "the no_login_for of the link has expired and the visitor is not logged in",
                login_helps=True,
            ),
            Refusal(
                403,
                "not_allowed",
                "not_allowed",
                "the click_guard refused the member",
            ),
        )
    }
)


def decide_access(entry: Entry, current_member: str | None, now: int) -> AllowedClick | Refusal:
    """Decide whether the link of *entry* may be followed, and as whom.

    Where the refusal is ``login_required``, a site with a login has them log in instead.

    :param entry: what the link's token says.
    :param current: the member who is logged in, or None.
    :param now: the present, in seconds since the epoch.
    """
    if entry.member is None and get_gateway_page(entry.page).requires_member:
        return REFUSALS["no_member"]
    if current_member is not None:
        # Nobody buys on another's account.
        return (
            AllowedClick(current_member)
            if entry.member in (None, current_member)
            else REFUSALS["another_member"]
        )
    if entry.member is None or entry.no_login_for is None:
        return REFUSALS["login_required"]
    seconds_left = entry.seconds_left(now)
    return AllowedClick(entry.member, seconds_left) if seconds_left else REFUSALS["expired"]


def check_link_is_usable(entry: Entry, *, can_identify_members: bool) -> None:
    """Refuse to make a link that nobody could follow.

    :param members_are_known: whether the site can say who is logged in.
    :raises LinkError: when nobody could.
    """
    page = get_gateway_page(entry.page)
    if entry.member is None and page.requires_member:
        raise LinkError(
            f'A link to the {page.name} page requires "member". Pass the id of the member.',
            "member",
        )
    if entry.member is not None and entry.no_login_for is None and not can_identify_members:
        raise LinkError(
            'A link with "member" requires "no_login_for" if the app has neither a member_loader'
            ' nor Flask-Login. Register a member_loader, or pass "no_login_for".',
            "no_login_for",
        )
