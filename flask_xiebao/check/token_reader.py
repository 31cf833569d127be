"""What the links of a site say, read a second time and by hand.

It shares nothing with :mod:`.links.tokens`, which writes what is read here, so that a mistake
in either shows where they meet.
"""

from __future__ import annotations

import base64
import json
import re
from typing import NamedTuple

#: What a token of a link looks like, wherever it is: of a list that begins with a text. Nothing
#: that is no token is read twice.
TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+?yJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++"
    r"(?:\.|%(?:25)*2E)[A-Za-z0-9_-]{30,}",
    re.IGNORECASE,
)
# A user's name and password, before the host of a URL.
_USER = re.compile(r"(?<=//)[^/?#@\s]*@")


def without_token(said: str | None) -> str:
    """Return a text without what lets somebody in: tokens, and users in URLs."""
    return _USER.sub("", TOKEN.sub("…", said or ""))


# What of a link is a number; all else is text.
_NUMBERS = ("platform", "signed_at", "no_login_for")


class Said(NamedTuple):
    """What a link leads to, as its token says it; what it leaves out is None."""

    page: str
    reference: str | None = None
    sub_partner_id: str | None = None
    platform: int | None = None
    return_to: str | None = None
    member: str | None = None
    signed_at: int | None = None
    no_login_for: int | None = None
    client_reference: str | None = None


def read_links(said: str) -> list[Said]:
    """Return what the links in a text say."""
    return [link for token in TOKEN.findall(said) if (link := read_link(token))]


def read_link(token: str) -> Said | None:
    """Return what the token of a link says; None when it is not one."""
    payload, _, _ = token.partition(".")
    try:
        fields = json.loads(base64.urlsafe_b64decode(f"{payload}{'=' * (-len(payload) % 4)}"))
        said = Said(*fields)
    except (ValueError, TypeError, RecursionError):
        return None
    is_right = isinstance(fields, list) and all(
        isinstance(value, (int if name in _NUMBERS else str) | None)
        for name, value in said._asdict().items()
    )
    return said if is_right else None
