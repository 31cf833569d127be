"""The rules for who may follow a link, and the reasons for refusing a visitor.

:mod:`.views.link_views` applies the rules at each click, and :mod:`.views.responses` builds the
response to a refused click.
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
    """The decision that the visitor may go on to the gateway.

    :param member: The id of the member as whom the visitor goes.
    :param seconds_left: The number of seconds for which the link still needs no login, or None if
        the member is logged in.
    """

    member: str
    seconds_left: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """The decision that the visitor may not follow a link.

    :param status: The HTTP status: 401, 403, 404 or 410, or the status of the site's own response.
    :param reason: The reason that the visitor may know.
    :param cause: The cause that only the site learns, from ``entry_refused``.
    :param explanation: The cause as a clause for the log.
    :param login_helps: True if it would help to log in, as the link's member if the link has one.
    """

    status: int
    reason: str
    cause: str
    explanation: str
    login_helps: bool = False


#: A mapping of each cause, such as ``expired``, to the :class:`Refusal` of a click for this cause.
#: If a link is invalid, the visitor learns only the reason ``invalid_link``, not the exact cause.
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        refusal.cause: refusal
        for refusal in (
            Refusal(
                status=404,
                reason="disabled",
                cause="disabled",
                explanation="XIEBAO_ENABLED is off",
            ),
            Refusal(
                status=404,
                reason="invalid_link",
                cause="malformed",
                explanation="the link was not made by this site, or a part of the link is missing",
            ),
            Refusal(
                status=404,
                reason="invalid_link",
                cause="changed",
                explanation="the link was changed or cut off after it was signed",
            ),
            Refusal(
                status=404,
                reason="invalid_link",
                cause="unknown_key",
                explanation=(
                    "the link was signed with an unknown key, which was removed from"
                    " SECRET_KEY_FALLBACKS or belongs to another site or partner account"
                ),
            ),
            Refusal(
                status=404,
                reason="invalid_link",
                cause="another_page",
                explanation="the link is for another page or is a return link",
            ),
            Refusal(
                status=404,
                reason="invalid_link",
                cause="no_member",
                explanation="the page belongs to one member, but the link has no member",
            ),
            Refusal(
                status=401,
                reason="login_required",
                cause="login_required",
                explanation=(
                    "the visitor is not logged in and the site has no login page to redirect"
                    " to. Set XIEBAO_LOGIN_VIEW, and register a member_loader if the site has"
                    " none"
                ),
                login_helps=True,
            ),
            Refusal(
                status=403,
                reason="another_member",
                cause="another_member",
                explanation="the link belongs to a member other than the one who is logged in",
                login_helps=True,
            ),
            Refusal(
                status=410,
                reason="expired",
                cause="expired",
                explanation=(
                    "the time in which the link needs no login (no_login_for) is over and the"
                    " visitor is not logged in"
                ),
                login_helps=True,
            ),
            Refusal(
                status=403,
                reason="not_allowed",
                cause="not_allowed",
                explanation="the click_guard refused the member",
            ),
        )
    }
)


def decide_access(entry: Entry, current_member: str | None, now: int) -> AllowedClick | Refusal:
    """Decide whether the visitor may follow a link, and as which member.

    A site with a login page does not send the refusal ``login_required``, but asks the visitor to
    log in.

    :param entry: The entry from the link's token.
    :param current_member: The member who is logged in, or None.
    :param now: The current time in seconds since the epoch.
    """
    if entry.member is None and get_gateway_page(entry.page).requires_member:
        return REFUSALS["no_member"]
    if current_member is not None:
        # A member must never buy on another member's account.
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
    """Raise LinkError if no visitor could ever follow a link with this target.

    :param can_identify_members: True if the site can identify the member who is logged in.
    """
    page = get_gateway_page(entry.page)
    if entry.member is None and page.requires_member:
        raise LinkError(
            f'A link to the {page.name} page requires "member". Pass the id of the member.',
            "member",
        )
    if entry.member is not None and entry.no_login_for is None and not can_identify_members:
        raise LinkError(
            "Without a member_loader or Flask-Login, the app cannot tell who is logged in, so a"
            ' link with "member" requires "no_login_for". Register a member_loader, or pass'
            ' "no_login_for".',
            "no_login_for",
        )
