"""Finds what is secret in a text, also in base64, and hides it: the sign, keys, members' links."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from ..links.tokens import mask_tokens
from .cases import MADE_UP
from .site import Site
from .visits import unpacked

# What may be base64, as it is in paySuccess and in cookies; a secret is longer.
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/_-]|%2[BF]){24,}", re.IGNORECASE)
_AS_STANDARD = str.maketrans("-_", "+/")
# Bytes of a session that was packed; browsers keep no more than 4,096 of a cookie.
_LONGEST = 100_000
# Characters of a text. Where it is cut, a part of a secret may remain, which is cut off then.
_MOST_READ, _MOST_SHOWN = 20_000, 2_000
# Bytes of an id: up to so many it may be a part of anything, and from so many on of no other word.
_SHORT, _LONG = 3, 6


class Mask:
    """Hides what is secret wherever it is in a text, and the ids of a site's members.

    :param site: whose secrets they are.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: set[str] = set()
        self._people = re.compile("(?!)")

    def hide(self, said: str) -> str:
        """Return a text without what is secret, and no longer than can be looked at."""
        if self._known != self._site.people:
            self._known = set(self._site.people)
            longest_first = sorted(self._known, key=len, reverse=True)
            marks = [self._site.key_mark(each) for each in longest_first if self._site.makes_keys]
            ids = filter(None, map(_form, longest_first))
            self._people = re.compile("|".join([*marks, *ids]) or "(?!)", re.IGNORECASE)
        # What a terminal would obey, and what no file can hold, is not shown either.
        said = "".join(mark if mark.isprintable() else "\ufffd" for mark in said[:_MOST_READ])
        hidden = _ENCODED.sub(self._unless_secret, self._hide_plain(said))
        return hidden if len(hidden) <= _MOST_SHOWN else f"{hidden[:_MOST_SHOWN]}…"

    def _hide_plain(self, said: str) -> str:
        said = mask_tokens(self._site.without_key(self._site.account.hide(said)))
        return self._people.sub("…", said)

    def _unless_secret(self, found: re.Match[str]) -> str:
        says = any(self._hide_plain(inner) != inner for inner in _decoded(found[0]))
        return "…" if says else found[0]


def _form(member: str) -> str:
    """Return what finds the id of a member as it may be written; "" where none is to be found."""
    if member.startswith(MADE_UP) or len(member.encode()) <= _SHORT:
        return ""
    form = "".join(map(_written, member))
    is_word = len(member.encode()) < _LONG
    return f"(?<![a-z0-9]){form}(?![a-z0-9])" if is_word else form


def _written(mark: str) -> str:
    """Return a pattern of a character as it may be written: in a URL, in JSON, or misread."""
    quoted = quote(mark, safe="")
    ways = {mark, quoted, quote(quoted), json.dumps(mark)[1:-1], mark.encode().decode("latin-1")}
    ways |= {"+"} if mark == " " else set()
    return f"(?:{'|'.join(sorted(map(re.escape, ways), key=len, reverse=True))})"


def shown_member(member: str) -> str:
    """Return what a report shows of a member's id: enough to know one's own by."""
    return f"{member[:2]}…" if len(member) > _SHORT else "…"


def readings(said: str) -> Iterator[str]:
    """Return a text, and what whoever has it can read in it: what is base64, or packed."""
    yield said
    for run in _ENCODED.findall(said):
        yield from _decoded(run)


def _decoded(run: str) -> Iterator[str]:
    """Return what a run of base64 may say, whose padding may be missing."""
    run = unquote(run).translate(_AS_STANDARD)
    for start in range(4):  # what stands before it may look like more of it, as a path does
        part = run[start:]
        part = part[:-1] if len(part) % 4 == 1 else part  # no byte is that short
        decoded = base64.b64decode(f"{part}{'=' * (-len(part) % 4)}")
        yield decoded.decode("latin-1")
        if decoded[:1] == b"x":  # a session of Flask's that is long
            yield unpacked(decoded, _LONGEST).decode("latin-1")
