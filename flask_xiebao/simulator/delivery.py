"""Sends the simulator's notifications to the site: over HTTP, or inside the app to a path of it."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

from flask import request
from werkzeug.test import Client
from werkzeug.urls import iri_to_uri

from ..app.current import get_current_app
from ..app.endpoints import build_notify_path
from ..app.state import AppState, get_current_app_state
from ..errors import ConfigError
from ..gateway.values import Secret, WrongValueError, check_web_url
from . import wire

_TIMEOUT = 10
_MAX_RESPONSE_BYTES = 65536


class SiteResponse(NamedTuple):
    """What a site answered.

    :param status: 0 where it could not be reached.
    :param text: the body, or why there is none.
    """

    status: int
    text: str

    @property
    def is_accepted(self) -> bool:
        """Whether the site says that it has the notification."""
        try:
            answer = json.loads(self.text)
        except (ValueError, RecursionError):
            return False
        return self.status == 200 and isinstance(answer, dict) and answer.get("state") is True


def build_notification_body(
    state: AppState,
    notify_type: int,
    fields: Mapping[str, Any],
    *,
    member: str | int | None = None,
    wrong_sign: bool = False,
) -> bytes:
    """Return the body of a notification to a site, signed with its key.

    :param kind: ``notifyType``.
    :param said: as :func:`.wire.fields_of` takes it.
    :param member: whose purchase it is, by their id on the site.
    :param wrong_sign: sign it with another key.
    """
    if member is not None:
        fields = {"partner_uniq_key": state.build_member_key(str(member)), **fields}
    data = wire.build_notification_data(state.settings.partner_id, notify_type, fields)
    key = Secret("not the key") if wrong_sign else state.settings.api_key
    return wire.build_signed_notification(key, notify_type, data)


def check_notify_url(url: object) -> str:
    """Return where notifications go: an http(s) URL, or a path of the app.

    :raises WrongValueError: it is neither.
    """
    if isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
        return url
    try:
        return check_web_url(url)
    except WrongValueError as error:
        raise WrongValueError(
            f'{error} A path of the app such as "/xiebao/notify" is also accepted.'
        ) from None


def find_notify_url(configured_url: str | None) -> str | None:
    """Return where notifications go; None for nowhere.

    :param url: as the simulator was given it. Without one, or with that of the current app's own
        callback but for its token, the callback is found.
    """
    try:
        state = get_current_app_state()
    except ConfigError:
        return configured_url
    if not (state.settings.has_partner_account and "notification_handler" in state.hooks.functions):
        return configured_url
    own = build_notify_path(state)
    without_token = own if state.settings.notify_token is None else own.rpartition("/")[0]
    return (
        own
        if configured_url is None or configured_url.rstrip("/") == without_token
        else configured_url
    )


def deliver_notification(url: str, body: bytes) -> SiteResponse:
    """Send a notification to a URL, or to a path of the current app."""
    return (_post_to_app if url.startswith("/") else post_over_http)(url, body)


def post_over_http(url: str, body: bytes) -> SiteResponse:
    """Send a notification over HTTP: no proxy is asked, no redirect followed."""
    asked = Request(  # noqa: S310 - checked
        iri_to_uri(url), body, {"Content-Type": wire.CONTENT_TYPE}, method="POST"
    )
    try:
        with build_opener(ProxyHandler({}), _AnyStatusProcessor).open(
            asked, timeout=_TIMEOUT
        ) as response:
            return SiteResponse(
                response.status, response.read(_MAX_RESPONSE_BYTES).decode("utf-8", "replace")
            )
    except (OSError, HTTPException) as error:
        return SiteResponse(0, type(getattr(error, "reason", error)).__name__)


class _AnyStatusProcessor(HTTPErrorProcessor):
    """Takes an error, or a redirect, for the answer, as the platform does."""

    def http_response(self, request: Request, response: Any) -> Any:
        """Return an answer of any status, where urllib would raise an error."""
        return response

    https_response = http_response


def _post_to_app(path: str, body: bytes) -> SiteResponse:
    # In a context of its own: else it would share g, and who is logged in, with this request.
    response = contextvars.Context().run(
        Client(get_current_app(), use_cookies=False).post,
        path,
        base_url=request.host_url,
        data=body,
        content_type=wire.CONTENT_TYPE,
    )
    return SiteResponse(response.status_code, response.get_data(as_text=True))
