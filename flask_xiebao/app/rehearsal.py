"""Clicks that a tool makes, not a visitor, to see what they would lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Any
from weakref import finalize

from flask import Response, has_request_context, request

from ..links.admission import Refusal
from ..links.tokens import Entry

# The rehearsals that there are: mostly none, and then no request is asked whether it is one, which
# would be a twenty-fifth of a click.
_underway: set[int] = set()

#: Where a tool puts its :class:`Rehearsal` in the environ. No header of a request can set it.
ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass(eq=False)
class Rehearsal:
    """A click, or a notification, that a tool makes, and what it learns of it.

    Its member may be made up, so the site's signal receivers and its ``click_guard`` are not called
    unless the tool says so. The site still says who is logged in, unless the tool plays that, and
    whom the gateway knows by the bare id.

    :param member_loader: says who is logged in, in place of the site's own.
    :param click_guard: says who may go, in place of the site's own.
    :param aloud: call the site's receivers, too.
    :param asks_guard: ask the site's ``click_guard``, too.

    :ivar reached: whether the click reached one of the extension's views.
    :ivar error: what that view raised.
    :ivar refusal: why the click was refused, or sent to log in.
    :ivar member: who was refused: the one whom the site takes for logged in.
    :ivar received: the body of a notification as it arrived; its handler is not called.
    :ivar heard: the signals that were sent, by name, and their values.
    :ivar complaints: what is wrong on the site and stops nothing: an entry that was left out, a
        receiver that failed.
    :ivar drawn: the QR codes that were drawn, and the URL of each.
    :ivar logged: what the site logged meanwhile, where the tool reads the log.
    """

    member_loader: Callable[[], object] | None = None
    click_guard: Callable[[str, Entry], object] | None = None
    aloud: bool = False
    asks_guard: bool = False
    reached: bool = False
    error: Exception | None = None
    refusal: Refusal | None = None
    member: str | None = None
    received: bytes | None = None
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    drawn: dict[str, str] = field(default_factory=dict)
    logged: list[LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        _underway.add(id(self))
        finalize(self, _underway.discard, id(self))

    def watch(self, follow: Callable[[str], Response], token: str) -> Response:
        """Answer as the view does, and note that it was reached and what it raised."""
        self.reached = True
        try:
            return follow(token)
        except Exception as error:
            self.error = error
            raise


def is_rehearsal() -> bool:
    """Tell whether the current request is a check's, or that of ``flask xiebao doctor``.

    Hooks of a site that count visits can leave it out.
    """
    return rehearsal() is not None


def tell_rehearsal(complaint: str) -> None:
    """Note in the current rehearsal, if there is one, what is wrong on the site."""
    rehearsed = rehearsal()
    if rehearsed is not None:
        rehearsed.complaints.append(complaint)


def rehearsal() -> Rehearsal | None:
    """Return the rehearsal that the current request is; None for a real one."""
    return request.environ.get(ENVIRON_KEY) if _underway and has_request_context() else None
