"""The view of the endpoint at which the gateway's notifications arrive.

The view reads, checks and processes a notification. It responds with the JSON that the gateway
reads, and discloses no more than the gateway needs.
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

#: All common HTTP methods. If a request has any other method, Flask itself responds with an HTML
#: page.
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_PACKAGE_NAME = __package__.partition(".")[0]

# A mapping from reasons for rejecting a notification to hints for the site. If a notification is
# rejected for one of these reasons, a warning is also logged, because the site should look into the
# rejection. The warning ends with the hint. The hint may be "".
_ADVICE_BY_LOGGED_REASON = {
    "wrong_field": "",
    "wrong_sign": (
        ' Run "flask xiebao order" with any application number to find out whether the notification'
        " is forged or XIEBAO_API_KEY is wrong."
    ),
}

# The gateway's order query may confirm a purchase step some time after the notification about the
# step. A delay below this limit is logged as INFO, a longer delay as ERROR.
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
    """Process the notification in the current request, and return the response to the gateway.

    The callback also works while ``XIEBAO_ENABLED`` is off, so that no surrender is missed.
    """
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
        # If the status is 500, the gateway sends the notification again.
        return build_callback_response(
            200
            if notification is None or call_handler_for_notification(state, notification)
            else 500
        )
    # The failure of a notification_reader is logged after the except block, because the exception
    # variable no longer exists there. Some error reports show all local variables, and the
    # exception may contain people's names.
    log_throttled(
        f"The notification_reader failed: {failure}. Fix the notification_reader.",
        group="notification_reader",
    )
    return build_callback_response(500)


def is_valid_notify_token(state: AppState, token: str) -> bool:
    """Return True if notifications are accepted at the URL with this token.

    The partner account must be configured, and the token must be ``XIEBAO_NOTIFY_TOKEN``, or empty
    if that setting is not set.
    """
    expected = state.settings.notify_token or Secret("")
    return state.settings.has_partner_account and hmac.compare_digest(
        token.encode(), expected.reveal().encode()
    )


def read_notification_from_request(state: AppState) -> Notification | None:
    """Return the notification in the current request, or None for a test notification.

    Commands such as ``flask xiebao doctor`` send test notifications.

    :raises NotificationError: if the notification is rejected. The rejection has been logged.
    """
    # If an error is raised while *reader* is None, the extension itself raised it: either the site
    # has no notification_reader, or the body could not be read.
    reader = None
    try:
        body = read_notification_body()
        reader = state.hooks.functions.get("notification_reader")
        return state.hooks.read_notification(body, request.headers, state.settings.api_key)
    except NotificationError as error:
        # The message of an error from the site's notification_reader is not logged, because the
        # message may contain people's names.
        reason_and_message = f"{error.reason}. {error if reader is None else ''}".rstrip()
        logger.info("%s", f"Rejected a notification: {reason_and_message}")
        if reader is None and error.reason in _ADVICE_BY_LOGGED_REASON:
            log_throttled(
                f"{error}{_ADVICE_BY_LOGGED_REASON[error.reason]}",
                group=error.reason,
                level=logging.WARNING,
            )
        raise


def read_notification_body() -> bytes:
    """Return the body of the current request.

    :raises NotificationError: if the body is too large or cannot be read to the end.
    """
    buffer = bytearray()
    try:
        # Without a Content-Length header, one read may return fewer bytes than requested.
        while len(buffer) <= MAX_NOTIFICATION_BYTES and (
            chunk := request.stream.read(MAX_NOTIFICATION_BYTES + 1 - len(buffer))
        ):
            buffer += chunk
        # If one of the site's request hooks has already read the body, Flask has cached it.
        body = bytes(buffer) or request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise NotificationError(
            "The notification is larger than the site's MAX_CONTENT_LENGTH allows.", "too_large"
        ) from None
    except Exception as error:
        # Servers raise their own exceptions if the client disconnects or sends malformed chunks.
        raise NotificationError(
            f"The body of the notification could not be read to the end ({type(error).__name__})."
        ) from None
    check_notification_size(body)
    return body


def call_handler_for_notification(state: AppState, notification: Notification) -> bool:
    """Find the notification's member and call the site's ``notification_handler``.

    :return: True if the handler returned. False if the handler or the ``keeps_plain_key`` hook
        raised an exception, which has been logged.
    """
    try:
        # The hook keeps_plain_key may use the database.
        with state.hooks.release_hook_connection():
            member = state.find_member_by_key(notification.partner_uniq_key)
        notification = replace(notification, member=member)
        state.hooks.call_notification_handler(notification)
    except SITE_EXCEPTIONS as error:
        failure = format_error_for_log(error)
        is_expected = isinstance(error, OrderBehindError) and (
            error.is_in_progress or error.behind_for < _EXPECTED_LAG
        )
    else:
        # An exception in a signal receiver does not change the response.
        send_signal_without_raising(notification_received, notification=notification)
        return True
    advice = "" if is_expected else 'If the cause is unclear, run "flask xiebao doctor". '
    log_throttled(
        f"A notification was not processed: {failure}. {advice}The gateway will send the"
        f" notification {notification.id} again (type {notification.type:d}, insureNum"
        f" {notification.insure_num}).",
        # Only a few log messages of each group are written per minute. The order query may confirm
        # a purchase step a little later than the notification. Messages about such short delays
        # have a separate group, so that they do not suppress messages about failures.
        group="behind" if is_expected else "notification_handler",
        level=logging.INFO if is_expected else logging.ERROR,
    )
    return False


def build_callback_response(status: int) -> Response:
    """Return the JSON response that the gateway reads."""
    body = {"state": True} if status == 200 else {"state": False, "failMsg": _FAIL_MESSAGES[status]}
    return Response(
        json.dumps(body),
        status,
        {"Allow": "POST"} if status == 405 else None,
        mimetype="application/json",
    )


def schedule_csrf_exemption(setup_state: BlueprintSetupState) -> None:
    """Schedule the exemption of the blueprint from Flask-WTF's CSRF protection.

    Pass this function to :meth:`Blueprint.record`. The blueprint is exempted at the app's first
    request. Only then is it certain whether the app uses Flask-WTF, because extensions can be
    created in any order. Sites exempt the blueprint from other CSRF protection themselves.
    """
    request_started.connect(_exempt_blueprints_from_csrf, setup_state.app)


def _exempt_blueprints_from_csrf(app: Flask, **_: object) -> None:
    # An extension other than Flask-WTF may also be registered as "csrf" and have no exempt()
    # method.
    exempt = getattr(app.extensions.get("csrf"), "exempt", None)
    for blueprint in app.blueprints.values():
        if exempt is not None and blueprint.import_name == _PACKAGE_NAME:
            exempt(blueprint)
    request_started.disconnect(_exempt_blueprints_from_csrf, app)
