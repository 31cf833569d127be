"""What ``flask xiebao notify`` sends to a running site during development."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import click

from ..app.endpoints import knows_its_address, notify_path, notify_url
from ..app.state import State
from ..gateway.notifications import NotificationType
from ..gateway.values import Secret, WrongValueError, check_web_url
from ..simulator import wire
from ..simulator.delivery import Answer, post_over_http


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

    :raises click.ClickException: the site is one in production, or the URL is none.
    """
    settings = state.settings
    if settings.env == "production":
        raise click.ClickException(
            "XIEBAO_ENV is production: this would tell the site of a purchase that nobody made."
        )
    if not settings.has_account:
        raise click.ClickException("XIEBAO_PARTNER_ID and XIEBAO_API_KEY sign it: set both.")
    if url is None:
        url = notify_url(state) if knows_its_address(state) else "http://127.0.0.1:5000"
    try:
        check_web_url(url)
    except WrongValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    if urlsplit(url).path in ("", "/"):  # only the site was named: add the path
        url = f"{url.rstrip('/')}{notify_path(state)}"
    said = {name: value for name, value in said.items() if value is not None}
    if member is not None:
        said["partner_uniq_key"] = state.partner_uniq_key(member)
    if failure is not None:
        said |= {"succeeded": False, "failure": failure}
    kind = NotificationType[step.upper().replace("-", "_")]
    data = wire.fields_of(settings.partner_id, kind, {"insure_num": insure_num, **said})
    key = Secret("another key") if wrong_sign else settings.api_key
    return url, post_over_http(url, wire.callback(key, kind, data))
