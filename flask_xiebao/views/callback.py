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

from ..app.log import complain, describe_failure, logger
from ..app.signals import FAILURES, notification_received, send_quietly
from ..app.state import State
from ..errors import NotificationError, OrderBehindError
from ..gateway.notifications import LARGEST, Notification, check_size
from ..gateway.values import Secret

#: Every method: those that are missing here, Flask would answer by itself, in HTML.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_PACKAGE = __package__.partition(".")[0]

# The reasons that somebody has to look into, and what to say besides the error.
_LOOKED_AT = {
    "wrong_field": "",
    "wrong_sign": (
        ' Run "flask xiebao order" with any application number to find out whether the notification'
        " is forged or XIEBAO_API_KEY is wrong."
    ),
}

# For how long an order query may be behind the notification before that is worth a look.
_EXPECTED = timedelta(hours=1)

_STATUSES = {"too_large": 413, "wrong_sign": 403}

_SAID = {
    400: "The notification cannot be read.",
    403: "The notification is not accepted.",
    404: "There is no callback at this URL.",
    405: "Notifications must be sent by POST.",
    413: "The notification is too large.",
    500: "The notification was not processed. Send the notification again.",
}


def notify(state: State, token: str) -> Response:
    """Take a notification of the platform's."""
    if not is_here(state, token):
        return answer(404)
    if request.method != "POST":
        return answer(405)
    if "notification_handler" not in state.hooks.functions:
        complain(
            "A notification arrived, but no notification_handler is registered. Register a"
            " notification_handler, or ask Xiebao not to send notifications.",
            level=logging.WARNING,
        )
        return answer(404)
    try:
        notification = read(state)
    except NotificationError as error:
        return answer(_STATUSES.get(str(error.reason), 400))
    except FAILURES as error:
        failure = describe_failure(error)
    else:
        return answer(200 if notification is None or handled(state, notification) else 500)
    # Outside of the except block, no variable holds the error: some error reports show them all.
    complain(
        f"The notification_reader failed: {failure}. Fix the notification_reader.",
        about="notification_reader",
    )
    return answer(500)


def is_here(state: State, token: str) -> bool:
    """Tell whether this is the site's address for notifications."""
    expected = state.settings.notify_token or Secret("")
    return state.settings.has_account and hmac.compare_digest(
        token.encode(), expected.reveal().encode()
    )


def read(state: State) -> Notification | None:
    """Return the notification, or None in a rehearsal.

    :raises NotificationError: when it is not one of the platform's. The log says so.
    """
    reader = None  # as long as what fails is the extension's own
    try:
        body = received()
        reader = state.hooks.functions.get("notification_reader")
        return state.hooks.read_notification(body, request.headers, state.settings.api_key)
    except NotificationError as error:
        # What the site's own reader says may hold names.
        said = f"{error.reason}. {error if reader is None else ''}".rstrip()
        logger.info("%s", f"Rejected a notification: {said}")
        if reader is None and error.reason in _LOOKED_AT:
            complain(
                f"{error}{_LOOKED_AT[error.reason]}", about=error.reason, level=logging.WARNING
            )
        raise


def received() -> bytes:
    """Return the body.

    :raises NotificationError: when it is too large, or breaks off.
    """
    body = bytearray()
    try:
        # Without a Content-Length, one read may return less than it asked for.
        while len(body) <= LARGEST and (part := request.stream.read(LARGEST + 1 - len(body))):
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
    check_size(found)
    return found


def handled(state: State, notification: Notification) -> bool:
    """Give a notification with its member to the site, and tell whether the site is done."""
    try:
        notification = replace(notification, member=state.member_of(notification.partner_uniq_key))
        state.hooks.handle(notification)
    except FAILURES as error:
        failure = describe_failure(error)
        is_expected = isinstance(error, OrderBehindError) and error.behind_for < _EXPECTED
    else:
        send_quietly(notification_received, notification=notification)
        return True
    complain(
        f"A notification was not processed: {failure}. The gateway will send the notification"
        f" {notification.id} again (type {notification.type:d}, insureNum"
        f" {notification.insure_num}).",
        # Of what is expected there may be many, in the place of which a failure is not left out.
        about="behind" if is_expected else "notification_handler",
        level=logging.INFO if is_expected else logging.ERROR,
    )
    return False


def answer(status: int) -> Response:
    """Return what the platform reads."""
    said = {"state": True} if status == 200 else {"state": False, "failMsg": _SAID[status]}
    return Response(
        json.dumps(said),
        status,
        {"Allow": "POST"} if status == 405 else None,
        mimetype="application/json",
    )


def exempt_from_csrf(setup: BlueprintSetupState) -> None:
    """Exempt a blueprint from Flask-WTF's CSRF protection. Pass it to :meth:`Blueprint.record`.

    At the first request it is known whether the app uses Flask-WTF, in whatever order the two
    extensions were created. Sites exempt the blueprint from other CSRF guards themselves.
    """
    request_started.connect(_exempt_blueprints_from_csrf, setup.app)


def _exempt_blueprints_from_csrf(app: Flask, **_: object) -> None:
    # Another extension may have the same name and no exempt().
    exempt = getattr(app.extensions.get("csrf"), "exempt", None)
    for blueprint in app.blueprints.values():
        if exempt is not None and blueprint.import_name == _PACKAGE:
            exempt(blueprint)
    request_started.disconnect(_exempt_blueprints_from_csrf, app)
