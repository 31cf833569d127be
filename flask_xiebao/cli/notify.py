"""The implementation of ``flask xiebao notify``, which sends a test notification to a site.

The site must be running. The command stops with an error if ``XIEBAO_ENV`` is "production".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import click

from ..app.endpoints import build_callback_path, build_callback_url, is_site_url_configured
from ..app.log import describe_exception
from ..app.state import AppState
from ..gateway.notifications import NotificationType
from ..gateway.values import WrongValueError, check_web_url, format_untrusted_text
from ..simulator.delivery import SiteResponse, build_notification_body, post_over_http
from ..texts import get_text
from .doctor_notifications import mask_api_key_and_token

# The statuses of responses for which the command prints advice. The status is 0 if there is no
# response.
_STATUSES_WITH_ADVICE = (0, 403, 404, 500)


def send_test_notification(
    state: AppState,
    step: str,
    insure_num: str,
    locale: str,
    *,
    url: str | None,
    member: str | None,
    failure: str | None,
    wrong_sign: bool,
    **fields: Any,
) -> tuple[str, SiteResponse]:
    """Send a notification about a made-up purchase to a running site.

    :param locale: The language of the errors.
    :param url: The URL of the site or its callback URL, or None for the configured one.
    :param failure: The reason why the step failed, or None if it succeeded.
    :param fields: The other fields of the notification. Fields that are None are left out.
    :return: The URL to which the notification was sent, and the response.
    :raises click.ClickException: if the site is in production, the partner account is not
        configured, the URL is not valid or the member's key cannot be determined.
    """
    settings = state.settings
    if settings.env == "production":
        raise click.ClickException(get_text(locale, "notify.production"))
    if not settings.has_partner_account:
        raise click.ClickException(get_text(locale, "notify.account"))
    if url is None:
        url = (
            build_callback_url(state) if is_site_url_configured(state) else "http://127.0.0.1:5000"
        )
    try:
        check_web_url(url)
    except WrongValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    # If the user passed the site's URL, add the path of the endpoint for notifications.
    if urlsplit(url).path in ("", "/"):
        url = f"{url.rstrip('/')}{build_callback_path(state)}"
    fields |= {"insure_num": insure_num, "succeeded": failure is None, "failure": failure}
    known_fields = {name: value for name, value in fields.items() if value is not None}
    try:
        body = build_notification_body(
            state,
            NotificationType[step.upper().replace("-", "_")],
            known_fields,
            member=member,
            wrong_sign=wrong_sign,
        )
    except Exception as error:
        # The site's keeps_plain_key hook may raise any exception.
        message = get_text(locale, "order.member_error", error=describe_exception(error))
        raise click.BadParameter(message, param_hint="--member") from None
    return url, post_over_http(url, body)


def describe_response(
    state: AppState, url: str, response: SiteResponse, locale: str, *, wrong_sign: bool
) -> Iterator[str]:
    """Yield a line with the site's response, and a line with advice if there is any.

    A notification with a wrong signature is expected to get status 403. The response is shortened.
    If the URL is wrong, another server may respond with a whole page.
    """
    body = format_untrusted_text(response.text)
    yield get_text(
        locale,
        "notify.result",
        url=mask_api_key_and_token(state, url),
        response=(
            mask_api_key_and_token(state, f"{response.status} {body}")
            if response.status
            else get_text(locale, "notify.no_response", error=body)
        ),
    )
    is_expected = wrong_sign and response.status == 403
    if response.status in _STATUSES_WITH_ADVICE and not is_expected:
        yield get_text(locale, f"notify.means.{response.status}")
    elif not response.text.startswith('{"state": '):  # The JSON of the callback begins like this.
        yield get_text(locale, "notify.means.other")
