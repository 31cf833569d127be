"""Clicks and notifications that a tool sends to see what they lead to.

In a rehearsal, :mod:`.hooks` calls the tool's functions in place of the site's, and
:mod:`.signals` records what is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Any

from flask import Response, has_request_context

from ..links.access_rules import REFUSALS, Refusal
from ..links.tokens import Entry
from .current import get_current_request

#: The key of the :class:`Rehearsal` in a request's environ. No header of a request can set it.
REHEARSAL_ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass(eq=False)
class Rehearsal:
    """A click or a notification from a tool, and what the tool learns from it.

    The member may be made up. Therefore the site's ``click_guard`` and signal receivers are called
    only if the tool asks for it, and the notification handler is never called. The site's
    ``member_loader`` is called unless the tool replaces it. ``keeps_plain_key`` is always called.

    :param member_loader: replaces the site's ``member_loader``.
    :param click_guard: replaces the site's ``click_guard``.
    :param calls_receivers: call the site's signal receivers.
    :param calls_guard: call the site's ``click_guard``.

    :ivar reached: True if one of the extension's views was called.
    :ivar error: the exception that the view raised.
    :ivar received: the body of the notification.
    :ivar heard: the names and values of the signals that were sent, internal ones included.
    :ivar logged: the log records of the request, if the tool reads the log.
    """

    member_loader: Callable[[], object] | None = None
    click_guard: Callable[[str, Entry], object] | None = None
    should_call_receivers: bool = False
    should_call_click_guard: bool = False
    has_reached_view: bool = False
    view_error: Exception | None = None
    notification_body: bytes | None = None
    sent_signals: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    log_records: list[LogRecord] = field(default_factory=list)

    def call_and_record_view(self, view: Callable[[str], Response], token: str) -> Response:
        """Call a view and record that it was reached and what it raised."""
        self.has_reached_view = True
        try:
            return view(token)
        except Exception as error:
            self.view_error = error
            raise

    @property
    def refusal(self) -> Refusal | None:
        """The reason why the click was refused or sent to the login."""
        causes = [
            values["cause"]
            for name, values in self.sent_signals
            if name in ("entry-refused", "login-requested")
        ]
        return REFUSALS[causes[-1]] if causes else None

    @property
    def nonfatal_error_messages(self) -> list[str]:
        """Errors that did not stop the request: entries left out and receivers that failed."""
        return [values["fault"] for name, values in self.sent_signals if name == "fault-found"]

    @property
    def qr_code_urls_by_svg(self) -> dict[str, str]:
        """The URL of each QR code that was drawn, by the code's SVG."""
        return {
            values["code"]: values["url"]
            for name, values in self.sent_signals
            if name == "qr-code-drawn"
        }


def is_rehearsal() -> bool:
    """Return True if ``flask xiebao check`` or ``flask xiebao doctor`` sent the current request.

    Hooks that count visits can leave such requests out.
    """
    return find_current_rehearsal() is not None


def find_current_rehearsal() -> Rehearsal | None:
    """Return the rehearsal of the current request, or None for a visitor's request."""
    return (
        get_current_request().environ.get(REHEARSAL_ENVIRON_KEY) if has_request_context() else None
    )
