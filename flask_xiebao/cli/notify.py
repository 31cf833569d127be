"""What ``flask xiebao notify`` sends to a running site during development."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import click

from ..app.endpoints import knows_its_address, notify_path, notify_url
from ..app.state import State
from ..gateway.notifications import NotificationType
from ..gateway.values import WrongValueError, check_web_url
from ..simulator.delivery import Answer, body_for, post_over_http


def send(
    state: State,
    step: str,
    insure_num: str,
    *,
    url: str | None,
    member: str | None,
    failure: str | None,
    wrong_sign: bool,
    **said: Any,
) -> tuple[str, Answer]:
    """Send a notification; return the URL it went to and what the site answers.

    :raises click.ClickException: the site is in production, or the URL is not valid.
    """
    settings = state.settings
    if settings.env == "production":
        raise click.ClickException(
            'XIEBAO_ENV is "production", but this command reports a made-up purchase to the site.'
            " Use the command only in a test environment."
        )
    if not settings.has_account:
        raise click.ClickException(
            "XIEBAO_PARTNER_ID or XIEBAO_API_KEY is not set. Set both, because a notification is"
            " signed with them."
        )
    if url is None:
        url = notify_url(state) if knows_its_address(state) else "http://127.0.0.1:5000"
    try:
        check_web_url(url)
    except WrongValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    if urlsplit(url).path in ("", "/"):  # only the site was named: add the path
        url = f"{url.rstrip('/')}{notify_path(state)}"
    said |= {"insure_num": insure_num, "succeeded": failure is None, "failure": failure}
    given = {name: value for name, value in said.items() if value is not None}
    kind = NotificationType[step.upper().replace("-", "_")]
    body = body_for(state, kind, given, member=member, wrong_sign=wrong_sign)
    return url, post_over_http(url, body)
