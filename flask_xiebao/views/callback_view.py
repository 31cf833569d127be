"""The endpoint of the callback, which takes a notification in steps, one short function each.

It answers with the JSON that the platform reads, and says no more than the platform needs.
"""

from __future__ import annotations

import hmac
import json
import logging
from dataclasses import replace
from datetime import timedelta

from flask import Flask, Response, request, request_started
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from ..app.log import format_error_for_log, log_throttled, logger
from ..app.signals import SITE_EXCEPTIONS, notification_received, send_signal_without_raising
from ..app.state import AppState
from ..errors import NotificationError, OrderBehindError
from ..gateway.notifications import MAX_NOTIFICATION_BYTES, Notification, check_notification_size
from ..gateway.values import Secret

#: Every method: those that are missing here, Flask would answer by itself, in HTML.
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_PACKAGE_NAME = __package__.partition(".")[0]

# The reasons that somebody has to look into, and what to say besides the error.
_ADVICE_BY_LOGGED_REASON = {
    "wrong_field": "",
    "wrong_sign": (
        ' Run "flask xiebao order" with any application number to find out whether the notification'
        " is forged or XIEBAO_API_KEY is wrong."
    ),
}

# For how long an order query may be behind the notification before that is worth a look.
_EXPECTED_LAG = timedelta(hours=1)

_STATUS_BY_REASON = {"too_large": 413, "wrong_sign": 403}

_FAIL_MESSAGES = {
    400: "The notification cannot be read.",
    403: "The notification is not accepted.",
    404: "There is no callback at this URL.",
    405: "Notifications must be sent by POST.",
    413: "The notification is too large.",
    500: "The notification was not processed. Send the notification again.",
}


def handle_notification_request(state: AppState, token: str) -> Response:
    """Take a notification of the platform's."""
    if not is_valid_notify_token(state, token):
        return build_callback_response(404)
    if request.method != "POST":
        return build_callback_response(405)
    if "notification_handler" not in state.hooks.functions:
        log_throttled(
            "A notification arrived, but no notification_handler is registered. Register a"
            " notification_handler, or ask Xiebao not to send notifications.",
            level=logging.WARNING,
        )
        return build_callback_response(404)
    try:
        notification = read_notification_from_request(state)
    except NotificationError as error:
        return build_callback_response(_STATUS_BY_REASON.get(str(error.reason), 400))
    except SITE_EXCEPTIONS as error:
        failure = format_error_for_log(error)
    else:
        return build_callback_response(
            200 if notification is None or process_notification(state, notification) else 500
        )
    # Outside of the except block, no variable holds the error: some error reports show them all.
    log_throttled(
        f"The notification_reader failed: {failure}. Fix the notification_reader.",
        group="notification_reader",
    )
    return build_callback_response(500)


def is_valid_notify_token(state: AppState, token: str) -> bool:
    """Tell whether this is the site's address for notifications."""
    expected = state.settings.notify_token or Secret("")
    return state.settings.has_partner_account and hmac.compare_digest(
        token.encode(), expected.reveal().encode()
    )


def read_notification_from_request(state: AppState) -> Notification | None:
    """Return the notification, or None in a rehearsal.

    :raises NotificationError: when it is not one of the platform's. The log says so.
    """
    reader = None  # as long as what fails is the extension's own
    try:
        body = read_notification_body()
        reader = state.hooks.functions.get("notification_reader")
        return state.hooks.read_notification(body, request.headers, state.settings.api_key)
    except NotificationError as error:
        # What the site's own reader says may hold names.
        said = f"{error.reason}. {error if reader is None else ''}".rstrip()
        logger.info("%s", f"Rejected a notification: {said}")
        if reader is None and error.reason in _ADVICE_BY_LOGGED_REASON:
            log_throttled(
                f"{error}{_ADVICE_BY_LOGGED_REASON[error.reason]}",
                group=error.reason,
                level=logging.WARNING,
            )
        raise


def read_notification_body() -> bytes:
    """Return the body.

    :raises NotificationError: when it is too large, or breaks off.
    """
    body = bytearray()
    try:
        # Without a Content-Length, one read may return less than it asked for.
        while len(body) <= MAX_NOTIFICATION_BYTES and (
            part := request.stream.read(MAX_NOTIFICATION_BYTES + 1 - len(body))
        ):
            body += part
        # A hook of the site may have read it already, and Flask has kept it.
        found = bytes(body) or request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise NotificationError(
            "The notification is larger than MAX_CONTENT_LENGTH of the site allows.", "too_large"
        ) from None
    except Exception as error:  # the server's own, as a client hung up or its chunks are wrong
        raise NotificationError(
            f"The body of the notification could not be read to the end ({type(error).__name__})."
        ) from None
    check_notification_size(found)
    return found


def process_notification(state: AppState, notification: Notification) -> bool:
    """Give a notification with its member to the site, and tell whether the site is done."""
    try:
        notification = replace(
            notification, member=state.find_member_by_key(notification.partner_uniq_key)
        )
        state.hooks.call_notification_handler(notification)
    except SITE_EXCEPTIONS as error:
        failure = format_error_for_log(error)
        is_expected = isinstance(error, OrderBehindError) and error.behind_for < _EXPECTED_LAG
    else:
        send_signal_without_raising(notification_received, notification=notification)
        return True
    log_throttled(
        f"A notification was not processed: {failure}. The gateway will send the notification"
        f" {notification.id} again (type {notification.type:d}, insureNum"
        f" {notification.insure_num}).",
        # Of what is expected there may be many, in the place of which a failure is not left out.
        group="behind" if is_expected else "notification_handler",
        level=logging.INFO if is_expected else logging.ERROR,
    )
    return False


def build_callback_response(status: int) -> Response:
    """Return what the platform reads."""
    said = {"state": True} if status == 200 else {"state": False, "failMsg": _FAIL_MESSAGES[status]}
    return Response(
        json.dumps(said),
        status,
        {"Allow": "POST"} if status == 405 else None,
        mimetype="application/json",
    )


def schedule_csrf_exemption(setup_state: BlueprintSetupState) -> None:
    """Exempt a blueprint from Flask-WTF's CSRF protection. Pass it to :meth:`Blueprint.record`.

    At the first request it is known whether the app uses Flask-WTF, in whatever order the two
    extensions were created. Sites exempt the blueprint from other CSRF guards themselves.
    """
    request_started.connect(_exempt_blueprints_from_csrf, setup_state.app)


def _exempt_blueprints_from_csrf(app: Flask, **_: object) -> None:
    # Another extension may have the same name and no exempt().
    exempt = getattr(app.extensions.get("csrf"), "exempt", None)
    for blueprint in app.blueprints.values():
        if exempt is not None and blueprint.import_name == _PACKAGE_NAME:
            exempt(blueprint)
    request_started.disconnect(_exempt_blueprints_from_csrf, app)
