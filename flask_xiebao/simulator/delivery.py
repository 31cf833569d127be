"""Functions that send the simulator's notifications to a site.

A notification is sent over HTTP if its target is an http(s) URL, and directly to the current app if
it is a path.
"""

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
from ..app.endpoints import build_callback_path
from ..app.state import AppState, get_current_app_state
from ..errors import ConfigError
from ..gateway.values import Secret, WrongValueError, check_web_url
from . import wire

_TIMEOUT = 10  # seconds
_MAX_RESPONSE_BYTES = 65536


class SiteResponse(NamedTuple):
    """The site's response to a notification.

    :param status: The HTTP status, or 0 if the site could not be reached.
    :param text: The body, or the name of the error if the site could not be reached.
    """

    status: int
    text: str

    @property
    def accepts_notification(self) -> bool:
        """True if the site's response has status 200 and is a JSON object with a true ``state``."""
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError):
            return False
        return self.status == 200 and isinstance(body, dict) and body.get("state") is True


def build_notification_body(
    state: AppState,
    notify_type: int,
    fields: Mapping[str, Any],
    *,
    member: str | int | None = None,
    wrong_sign: bool = False,
) -> bytes:
    """Build the body of a notification to a site, signed with the site's API key.

    :param notify_type: The ``notifyType``.
    :param fields: The fields, as :func:`.wire.build_notification_data` takes them.
    :param member: The id on the site of the member who made the purchase, or None.
    :param wrong_sign: True to sign with another key.
    """
    if member is not None:
        fields = {"partner_uniq_key": state.build_member_key(str(member)), **fields}
    data = wire.build_notification_data(state.settings.partner_id, notify_type, fields)
    key = Secret("not the key") if wrong_sign else state.settings.api_key
    return wire.build_signed_notification(key, notify_type, data)


def check_notify_url(url: object) -> str:
    """Check that a value is an http(s) URL or a path such as ``/notify``, and return the value.

    A path stands for a URL of the current app.

    :raises WrongValueError: if it is neither.
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
    """Return the URL or path to which notifications are sent, or None if there is none.

    :param configured_url: The simulator's ``notify_url``. If it is None, or is the path of the
        current app's callback without its token, the path of the callback is returned. The app has
        a callback only if it has a partner account and a ``notification_handler``.
    """
    try:
        state = get_current_app_state()
    except ConfigError:
        return configured_url
    if state.settings.has_partner_account and "notification_handler" in state.hooks.functions:
        path = build_callback_path(state)
        base_path = path if state.settings.notify_token is None else path.rpartition("/")[0]
        if configured_url is None or configured_url.rstrip("/") == base_path:
            return path
    return configured_url


def deliver_notification(url: str, body: bytes) -> SiteResponse:
    """Send a notification to an http(s) URL, or to the current app if *url* is a path."""
    return (_post_to_app if url.startswith("/") else post_over_http)(url, body)


def post_over_http(url: str, body: bytes) -> SiteResponse:
    """Send a notification over HTTP, without a proxy and without following redirects."""
    notification = Request(  # noqa: S310 - The URL has been checked.
        iri_to_uri(url), body, {"Content-Type": wire.CONTENT_TYPE}, method="POST"
    )
    try:
        with build_opener(ProxyHandler({}), _AnyStatusResponseHandler).open(
            notification, timeout=_TIMEOUT
        ) as response:
            return SiteResponse(
                response.status, response.read(_MAX_RESPONSE_BYTES).decode("utf-8", "replace")
            )
    except (OSError, HTTPException) as error:
        return SiteResponse(0, type(getattr(error, "reason", error)).__name__)


class _AnyStatusResponseHandler(HTTPErrorProcessor):
    """A urllib handler that returns error and redirect responses like any other response.

    By default, urllib would raise an error or follow the redirect, which the gateway does not do.
    """

    def http_response(self, request: Request, response: Any) -> Any:
        return response

    https_response = http_response


def _post_to_app(path: str, body: bytes) -> SiteResponse:
    # Call the app in an empty context, so that the notification's request has its own g. Otherwise,
    # it would share g with the current request, and g may hold the logged-in member.
    response = contextvars.Context().run(
        Client(get_current_app(), use_cookies=False).post,
        path,
        base_url=request.host_url,
        data=body,
        content_type=wire.CONTENT_TYPE,
    )
    return SiteResponse(response.status_code, response.get_data(as_text=True))
