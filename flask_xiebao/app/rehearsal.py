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

from ..links.admission import REFUSALS, Refusal
from ..links.tokens import Entry
from .current import this_request

#: The key of the :class:`Rehearsal` in a request's environ. No header of a request can set it.
ENVIRON_KEY = "flask_xiebao.rehearsal"


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
    calls_receivers: bool = False
    calls_guard: bool = False
    reached: bool = False
    error: Exception | None = None
    received: bytes | None = None
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    logged: list[LogRecord] = field(default_factory=list)

    def watch(self, view: Callable[[str], Response], token: str) -> Response:
        """Call a view and record that it was reached and what it raised."""
        self.reached = True
        try:
            return view(token)
        except Exception as error:
            self.error = error
            raise

    @property
    def refusal(self) -> Refusal | None:
        """The reason why the click was refused or sent to the login."""
        causes = [
            values["cause"]
            for name, values in self.heard
            if name in ("entry-refused", "login-requested")
        ]
        return REFUSALS[causes[-1]] if causes else None

    @property
    def faults(self) -> list[str]:
        """Errors that did not stop the request: entries left out and receivers that failed."""
        return [values["fault"] for name, values in self.heard if name == "fault-found"]

    @property
    def qr_code_urls(self) -> dict[str, str]:
        """The URL of each QR code that was drawn, by the code's SVG."""
        return {
            values["code"]: values["url"] for name, values in self.heard if name == "qr-code-drawn"
        }


def is_rehearsal() -> bool:
    """Return True if ``flask xiebao check`` or ``flask xiebao doctor`` sent the current request.

    Hooks that count visits can leave such requests out.
    """
    return rehearsal() is not None


def rehearsal() -> Rehearsal | None:
    """Return the rehearsal of the current request, or None for a visitor's request."""
    return this_request().environ.get(ENVIRON_KEY) if has_request_context() else None
