"""Clicks that nobody makes: a tool sends one to see what would come of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Any

from flask import Response, has_request_context, request

from ..links.admission import Refusal
from ..links.tokens import Entry

#: Where a tool puts its :class:`Rehearsal` in the environ: no header of a request can be there.
ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass
class Rehearsal:
    """What a tool learns of its click.

    The member of its link is made up, so neither the site's receivers nor its ``click_guard`` hear
    of them. It is asked who is logged in, unless the tool plays that, and whom the gateway knows by
    the bare id.

    :param member_loader: says who is logged in, in place of the site's own.
    :param click_guard: says who may go, in place of the site's own.
    :param receivers: those of the signals that hear of it.
    :param aloud: the site's own receivers and its ``click_guard`` hear of it, too.

    :ivar reached: whether it came as far as the extension's own view.
    :ivar error: what failed there.
    :ivar refusal: why the click was refused.
    :ivar member: who was refused: the one whom the site takes for logged in.
    :ivar received: the body of a notification as it arrived; the handler does not hear of it.
    :ivar heard: the signals that were sent, and what they said; its receivers keep them here.
    :ivar complaints: what is wrong on the site and stops nothing: an entry that was left out, a
        receiver that failed.
    :ivar logged: what the site logged of it; whoever reads the log keeps it here.
    """

    member_loader: Callable[[], object] | None = None
    click_guard: Callable[[str, Entry], object] | None = None
    receivers: Collection[Callable[..., object]] = ()
    aloud: bool = False
    reached: bool = False
    error: Exception | None = None
    refusal: Refusal | None = None
    member: str | None = None
    received: bytes | None = None
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    logged: list[LogRecord] = field(default_factory=list)

    def lets_hear(self, receiver: object) -> bool:
        """Tell whether a receiver of a signal hears of it."""
        return self.aloud or receiver in self.receivers

    def watch(self, follow: Callable[[str], Response], token: str) -> Response:
        """Follow a link as the view does."""
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
    """Keep with the current rehearsal, if this is one, what is wrong on the site."""
    rehearsed = rehearsal()
    if rehearsed is not None:
        rehearsed.complaints.append(complaint)


def rehearsal() -> Rehearsal | None:
    """Return that of the current request; None at a real click."""
    if not has_request_context():
        return None
    found: Rehearsal | None = request.environ.get(ENVIRON_KEY)
    return found
