"""Clicks that nobody makes: a tool sends one to see what would come of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import has_request_context, request

from .admission import Refusal

#: Where a tool puts its :class:`Rehearsal` in the environ: no header of a request can be there.
ENVIRON_KEY = "flask_xiebao.rehearsal"


@dataclass
class Rehearsal:
    """What a tool learns of its click.

    The member of its link is made up. The site is asked who is logged in, as at every click;
    neither its signals nor its other functions hear of that member.

    :ivar reached: whether it came as far as the extension's own view.
    :ivar refusal: why the click was refused.
    :ivar member: who was refused: the one whom the site takes for logged in.
    """

    reached: bool = False
    refusal: Refusal | None = None
    member: str | None = None


def rehearsal() -> Rehearsal | None:
    """Return that of the current request; None at a real click."""
    if not has_request_context():
        return None
    found: Rehearsal | None = request.environ.get(ENVIRON_KEY)
    return found
