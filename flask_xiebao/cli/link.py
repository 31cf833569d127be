"""The implementation of ``flask xiebao link``."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import click
from flask import current_app

from ..app import endpoints
from ..app.state import AppState
from ..errors import XiebaoError
from ..gateway.pages import PAGES
from ..gateway.platforms import PlatformSlug
from ..links.members import normalize_member_id_or_none
from ..texts import get_text

# The options whose names differ from the names of their gateway parameters.
_OPTION_NAMES = {"partnerUniqKey": "member", "subPartnerId": "sub_partner_id"}


def build_link_or_gateway_url(
    state: AppState,
    page: str,
    reference: str | None,
    locale: str,
    *,
    to_gateway: bool,
    **options: Any,
) -> str:
    """Build the link or gateway URL for the arguments and options of ``flask xiebao link``.

    :param locale: The language of the errors.
    :param to_gateway: If True, build the gateway URL.
    :raises click.ClickException: if an argument or option is wrong. The error names it.
    """
    build_url = _build_gateway_url if to_gateway else _build_site_link
    try:
        return build_url(state, page, reference, locale, **options)
    except XiebaoError as error:
        argument = getattr(error, "argument", None) or getattr(error, "parameter", None)
        if argument is None:
            raise click.ClickException(str(error)) from None
        option = _OPTION_NAMES.get(argument, argument).replace("_", "-")
        is_reference = argument in ("reference", PAGES[page].reference_parameter_name)
        raise click.BadParameter(
            str(error).removeprefix(f"{argument}: "),
            param_hint="REFERENCE" if is_reference else f"--{option}",
        ) from None


def _build_site_link(
    state: AppState,
    page: str,
    reference: str | None,
    locale: str,
    *,
    external: bool | None,
    **options: Any,
) -> str:
    if PAGES[page].requires_member and options["member"] is None:
        raise _build_missing_member_error(get_text(locale, "link.whose", page=page))
    if not state.settings.enabled:
        raise click.ClickException(get_text(locale, "link.off"))
    if external is None:
        external = endpoints.is_site_url_configured(state)
    # Raise ConfigError here if SECRET_KEY is missing. The session of the test request would raise
    # a less helpful error.
    state.signer  # noqa: B018
    # build_link returns a path only inside a request.
    with (
        nullcontext()
        if external
        else current_app.test_request_context(
            base_url=f"http://{endpoints.get_host_for_internal_requests()}"
        )
    ):
        url = endpoints.build_link(state, page, reference, **options)
    if not url:
        raise click.BadParameter(get_text(locale, "link.nobody"), param_hint="--member")
    return url


def _build_gateway_url(
    state: AppState,
    page: str,
    reference: str | None,
    locale: str,
    *,
    member: str | None,
    platform: PlatformSlug | None,
    sub_partner_id: str | None,
    **link_options: Any,
) -> str:
    if any(value is not None for value in link_options.values()):
        raise click.UsageError(get_text(locale, "link.gateway"))
    if member is None and "partnerUniqKey" in PAGES[page].required_parameters:
        raise _build_missing_member_error(get_text(locale, "link.who", page=page))
    member = normalize_member_id_or_none(member)
    return state.gateway.url(
        page,
        reference,
        partner_uniq_key=None if member is None else state.build_member_key(member),
        platform=platform,
        sub_partner_id=sub_partner_id,
    )


def _build_missing_member_error(message: str) -> click.UsageError:
    return click.MissingParameter(message, param_hint="--member", param_type="option")
