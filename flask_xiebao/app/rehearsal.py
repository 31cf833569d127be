"""Rehearsals: test clicks and test notifications that a tool sends to the app.

A tool, such as ``flask xiebao check``, sends them to check their results.

In a rehearsal, :mod:`.hooks` calls the tool's functions instead of the site's hooks, and
:mod:`.signals` records the signals that are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Any

from flask import Response

from ..links.access_rules import REFUSALS, Refusal
from .current import get_current_request

#: The key of a :class:`Rehearsal` in the WSGI environ. A rehearsal marks the request as a test that
#: a tool sends, for example "flask xiebao check". No header of a request can set this key.
REHEARSAL_ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass(eq=False)
class Rehearsal:
    """A test click or test notification that a tool sends to the app, and a record of its effects.

    The member may be a placeholder member. Therefore the site's ``click_guard`` is called only if
    the tool asks for it, and signal receivers and the notification handler are never called. The
    site's ``member_loader`` is called unless the tool replaces it. ``keeps_plain_key`` is always
    called.

    :param member_loader: a function to call instead of the site's ``member_loader``, or None.
    :param should_call_click_guard: True to call the site's ``click_guard``.

    :ivar has_reached_view: True if one of the extension's views was called.
    :ivar view_error: the exception that the view raised, or None.
    :ivar notification_body: the body of the notification, or None for a click.
    :ivar sent_signals: the names and values of the signals that were sent, internal ones included.
    :ivar log_records: the log records of the request, if the tool reads the log.
    """

    member_loader: Callable[[], object] | None = None
    should_call_click_guard: bool = False
    has_reached_view: bool = False
    view_error: Exception | None = None
    notification_body: bytes | None = None
    sent_signals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    log_records: list[LogRecord] = field(default_factory=list)

    def call_and_record_view(self, view: Callable[[str], Response], token: str) -> Response:
        """Call a view, and record that the view was reached and which exception it raised."""
        self.has_reached_view = True
        try:
            return view(token)
        except Exception as error:
            self.view_error = error
            raise

    @property
    def last_refusal(self) -> Refusal | None:
        """The reason for the last refusal or login redirect in the test click, or None."""
        causes = [
            values["cause"]
            for name, values in self.sent_signals
            if name in ("entry-refused", "login-requested")
        ]
        return REFUSALS[causes[-1]] if causes else None

    @property
    def nonfatal_error_messages(self) -> list[str]:
        """Messages about entries that were not rendered and signal receivers that failed."""
        return [values["fault"] for name, values in self.sent_signals if name == "fault-found"]

    @property
    def qr_code_urls_by_svg(self) -> dict[str, str]:
        """A mapping of each rendered QR code, as SVG, to the URL that the QR code contains."""
        return {
            values["code"]: values["url"]
            for name, values in self.sent_signals
            if name == "qr-code-drawn"
        }


def is_rehearsal() -> bool:
    """Return True if ``flask xiebao check`` or ``flask xiebao doctor`` sent the current request.

    Request hooks that count visits can use it to skip such requests.
    """
    return find_current_rehearsal() is not None


def find_current_rehearsal() -> Rehearsal | None:
    """Return the test click or test notification that the current request is part of, or None.

    Return None for a visitor's request, and if there is no current request.
    """
    try:
        request = get_current_request()
    except RuntimeError:
        return None
    return request.environ.get(REHEARSAL_ENVIRON_KEY)
