"""What ``flask xiebao link`` makes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import click
from flask import current_app

from ..app import endpoints
from ..app.state import State
from ..errors import XiebaoError
from ..gateway.pages import PAGES
from ..gateway.platforms import Slug
from ..links.members import normalize_member
from ..texts import text

# The parameters of the document whose options have other names.
_OPTIONS = {"partnerUniqKey": "member", "subPartnerId": "sub_partner_id"}


def make(
    state: State, page: str, reference: str | None, locale: str, *, to_gateway: bool, **options: Any
) -> str:
    """Return the link for these arguments and options.

    :param locale: of what is said where there is none.
    :raises click.ClickException: when one is wrong; it names the option.
    """
    make_url = _gateway_url if to_gateway else _site_link
    try:
        return make_url(state, page, reference, locale, **options)
    except XiebaoError as error:
        argument = getattr(error, "argument", None) or getattr(error, "parameter", None)
        if argument is None:
            raise click.ClickException(str(error)) from None
        option = _OPTIONS.get(argument, argument).replace("_", "-")
        is_reference = argument in ("reference", PAGES[page].reference)
        raise click.BadParameter(
            str(error).removeprefix(f"{argument}: "),
            param_hint="REFERENCE" if is_reference else f"--{option}",
        ) from None


def _site_link(
    state: State,
    page: str,
    reference: str | None,
    locale: str,
    *,
    external: bool | None,
    **options: Any,
) -> str:
    if PAGES[page].members_own and options["member"] is None:
        raise _missing_member(text(locale, "link.whose", page=page))
    if not state.settings.enabled:
        raise click.ClickException(text(locale, "link.off"))
    if external is None:
        external = endpoints.knows_its_address(state)
    # Fails here if there is no SECRET_KEY: the error of a request's session would say less.
    state.signer  # noqa: B018
    # Within a request, a link is a path.
    with (
        nullcontext()
        if external
        else current_app.test_request_context(base_url=f"http://{endpoints.a_host_of_this_site()}")
    ):
        url = endpoints.link(state, page, reference, **options)
    if not url:
        raise click.BadParameter(text(locale, "link.nobody"), param_hint="--member")
    return url


def _gateway_url(
    state: State,
    page: str,
    reference: str | None,
    locale: str,
    *,
    member: str | None,
    platform: Slug | None,
    sub_partner_id: str | None,
    **of_links: Any,
) -> str:
    if any(value is not None for value in of_links.values()):
        raise click.UsageError(text(locale, "link.gateway"))
    if member is None and "partnerUniqKey" in PAGES[page].required:
        raise _missing_member(text(locale, "link.who", page=page))
    who = normalize_member(member)
    return state.gateway.url(
        page,
        reference,
        partner_uniq_key=None if who is None else state.partner_uniq_key(who),
        platform=platform,
        sub_partner_id=sub_partner_id,
    )


def _missing_member(why: str) -> click.UsageError:
    return click.MissingParameter(why, param_hint="--member", param_type="option")
