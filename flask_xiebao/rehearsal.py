"""Clicks that nobody makes: a tool sends one to see what would come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, has_request_context, request

from .admission import Refusal

#: Where a tool puts its :class:`Rehearsal` in the environ: no header of a request can be there.
ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass
class Rehearsal:
    """What a tool learns of its click.

    The member of its link is made up. The site is asked who is logged in and whom the gateway knows
    by the bare id, as at every click; neither its receivers nor its ``click_guard`` hear of them.

    :ivar reached: whether it came as far as the extension's own view.
    :ivar error: what failed there.
    :ivar refusal: why the click was refused.
    :ivar member: who was refused: the one whom the site takes for logged in.
    :ivar received: the body of a notification as it arrived; the handler does not hear of it.
    """

    reached: bool = False
    error: Exception | None = None
    refusal: Refusal | None = None
    member: str | None = None
    received: bytes | None = None

    def watch(self, follow: Callable[[str], Response], token: str) -> Response:
        """Follow a link as the view does."""
        self.reached = True
        try:
            return follow(token)
        except Exception as error:
            self.error = error
            raise


def rehearsal() -> Rehearsal | None:
    """Return that of the current request; None at a real click."""
    if not has_request_context():
        return None
    found: Rehearsal | None = request.environ.get(ENVIRON_KEY)
    return found
