"""The endpoint of the callback: what happens when a notification comes, one short function a step.

Its answers are the JSON that the platform reads, and say no more than it needs.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import replace

from flask import Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from .errors import NotificationError
from .log import complain, logger
from .notifications import LARGEST, Notification, check_size, parse_notification
from .places import place_of
from .rehearsal import rehearsal
from .signals import notification_received, send
from .state import State

#: All that Flask would answer by itself, in HTML.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_STATUSES = {"too_large": 413, "wrong_sign": 403, "wrong_partner": 403}

_SAID = {
    400: "The notification cannot be read.",
    403: "The notification is not accepted.",
    404: "There is nothing here.",
    405: "Notifications come by POST.",
    413: "The notification is too large.",
    500: "The notification was not processed: send it again.",
}


def notify(state: State, token: str) -> Response:
    """Take a notification of the platform's."""
    if not is_here(state, token):
        return answer(404)
    if request.method != "POST":
        return answer(405)
    handle = state.hooks.handle
    if handle is None:
        complain(
            "A notification came, and nobody listens: add a notification_handler, or tell Xiebao"
            " to send none.",
            level=logging.WARNING,
        )
        return answer(404)
    try:
        notification = read(state)
    except NotificationError as error:
        return answer(_STATUSES.get(error.reason, 400))
    except Exception as error:
        complain(
            f"The notification_reader failed: {type(error).__name__} in {place_of(error)}.",
            about="notification_reader",
        )
        return answer(500)
    return answer(200 if notification is None or handled(state, handle, notification) else 500)


def is_here(state: State, token: str) -> bool:
    """Tell whether this is the site's address for notifications."""
    expected = state.settings.notify_token
    right = "" if expected is None else expected.reveal()
    return state.settings.has_account and hmac.compare_digest(token.encode(), right.encode())


def read(state: State) -> Notification | None:
    """Return the notification; None in a rehearsal.

    :raises NotificationError: it is not one of the platform's, which is said in the log.
    """
    body = received()
    if (rehearsed := rehearsal()) is not None:
        rehearsed.received = body
        return None
    reader = state.hooks.read
    try:
        if reader is None:
            return read_as_known(state, body)
        check_size(body)
        return reader(body, request.headers)
    except NotificationError as error:
        # What a reader of the site's own says may hold names.
        why = error if reader is None else ""
        logger.info("%s", f"Refused a notification: {error.reason}. {why}".rstrip())
        raise


def received() -> bytes:
    """Return the body, as far as it is looked at; what breaks off is nothing."""
    body = bytearray()
    try:
        # Without a Content-Length, what is asked for at once may not come at once.
        while len(body) <= LARGEST and (part := request.stream.read(LARGEST + 1 - len(body))):
            body += part
        # A hook of the site may have read it before, and Flask kept it.
        return bytes(body) or request.get_data(cache=False)
    except RequestEntityTooLarge:  # by MAX_CONTENT_LENGTH
        return bytes(LARGEST + 1)
    except HTTPException:  # such as of a client that hung up
        return b""


def read_as_known(state: State, body: bytes) -> Notification:
    """Read a body as those of the gateway family are read."""
    settings = state.settings
    try:
        return parse_notification(body, partner_id=settings.partner_id, api_key=settings.api_key)
    except NotificationError as error:
        if error.reason == "wrong_field":
            complain(str(error), about="wrong_field", level=logging.WARNING)
        raise


def handled(
    state: State, handle: Callable[[Notification], None], notification: Notification
) -> bool:
    """Give a notification to the site with whose it is, and tell whether the site is done."""
    key = notification.partner_uniq_key
    try:
        notification = replace(notification, member=None if key is None else state.member_of(key))
        handle(notification)
    except Exception as error:  # what it says may hold names
        complain(
            f"A notification was not processed, and the platform sends it again: {notification!r},"
            f" {type(error).__name__} in {place_of(error, 'the notification_handler')}.",
            about="notification_handler",
        )
        return False
    send(notification_received, state, quietly=True, notification=notification)
    return True


def answer(status: int) -> Response:
    """Return what the platform reads."""
    said = {"state": True} if status == 200 else {"state": False, "failMsg": _SAID[status]}
    response = Response(json.dumps(said), status, mimetype="application/json")
    if status == 405:
        response.allow.add("POST")
    return response
