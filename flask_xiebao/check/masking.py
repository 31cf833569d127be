"""Finds what is secret in a text, also in base64, and hides it: the sign, keys, members' links."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from ..links.tokens import mask_tokens
from .cases import MADE_UP_ID_PREFIX
from .site import Site
from .visits import decompress

# What may be base64, as it is in paySuccess and in cookies; a secret is longer.
_BASE64_TEXT = re.compile(r"(?:[A-Za-z0-9+/_-]|%2[BF]){24,}", re.IGNORECASE)
_URLSAFE_TO_STANDARD = str.maketrans("-_", "+/")
# Bytes of a session that was packed; browsers keep no more than 4,096 of a cookie.
_MAX_DECOMPRESSED_BYTES = 100_000
# Characters of a text. Where it is cut, a part of a secret may remain, which is cut off then.
_MAX_INPUT_LENGTH, _MAX_OUTPUT_LENGTH = 20_000, 2_000
# Bytes of an id: up to so many it may be a part of anything, and from so many on of no other word.
_MAX_UNMASKED_ID_BYTES, _MIN_ID_BYTES_INSIDE_WORDS = 3, 6


class SecretMasker:
    """Hides what is secret wherever it is in a text, and the ids of a site's members.

    :param site: whose secrets they are.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known_members: set[str] = set()
        self._member_pattern = re.compile("(?!)")

    def mask_secrets(self, text: str) -> str:
        """Return a text without what is secret, and no longer than can be looked at."""
        if self._known_members != self._site.member_ids:
            self._known_members = set(self._site.member_ids)
            longest_first = sorted(self._known_members, key=len, reverse=True)
            marks = [
                self._site.get_member_key_prefix(each)
                for each in longest_first
                if self._site.has_member_secret
            ]
            ids = filter(None, map(_build_member_pattern, longest_first))
            self._member_pattern = re.compile("|".join([*marks, *ids]) or "(?!)", re.IGNORECASE)
        # What a terminal would obey, and what no file can hold, is not shown either.
        text = "".join(
            mark if mark.isprintable() else "\ufffd" for mark in text[:_MAX_INPUT_LENGTH]
        )
        hidden = _BASE64_TEXT.sub(self._mask_base64_match, self._mask_plain_text(text))
        return hidden if len(hidden) <= _MAX_OUTPUT_LENGTH else f"{hidden[:_MAX_OUTPUT_LENGTH]}…"

    def _mask_plain_text(self, text: str) -> str:
        text = mask_tokens(self._site.mask_api_key(self._site.account.mask_sign_in(text)))
        return self._member_pattern.sub("…", text)

    def _mask_base64_match(self, match: re.Match[str]) -> str:
        says = any(self._mask_plain_text(inner) != inner for inner in _iter_run_decodings(match[0]))
        return "…" if says else match[0]


def _build_member_pattern(member: str) -> str:
    """Return what finds the id of a member as it may be written; "" where none is to be found."""
    if member.startswith(MADE_UP_ID_PREFIX) or len(member.encode()) <= _MAX_UNMASKED_ID_BYTES:
        return ""
    form = "".join(map(_build_encoded_character_pattern, member))
    is_word = len(member.encode()) < _MIN_ID_BYTES_INSIDE_WORDS
    return f"(?<![a-z0-9]){form}(?![a-z0-9])" if is_word else form


def _build_encoded_character_pattern(character: str) -> str:
    """Return a pattern of a character as it may be written: in a URL, in JSON, or misread."""
    quoted = quote(character, safe="")
    ways = {
        character,
        quoted,
        quote(quoted),
        json.dumps(character)[1:-1],
        character.encode().decode("latin-1"),
    }
    ways |= {"+"} if character == " " else set()
    return f"(?:{'|'.join(sorted(map(re.escape, ways), key=len, reverse=True))})"


def mask_member(member: str) -> str:
    """Return what a report shows of a member's id: enough to know one's own by."""
    return f"{member[:2]}…" if len(member) > _MAX_UNMASKED_ID_BYTES else "…"


def iter_base64_decodings(text: str) -> Iterator[str]:
    """Return a text, and what whoever has it can read in it: what is base64, or packed."""
    yield text
    for run in _BASE64_TEXT.findall(text):
        yield from _iter_run_decodings(run)


def _iter_run_decodings(base64_text: str) -> Iterator[str]:
    """Return what a run of base64 may say, whose padding may be missing."""
    base64_text = unquote(base64_text).translate(_URLSAFE_TO_STANDARD)
    for start in range(4):  # what stands before it may look like more of it, as a path does
        part = base64_text[start:]
        part = part[:-1] if len(part) % 4 == 1 else part  # no byte is that short
        decoded = base64.b64decode(f"{part}{'=' * (-len(part) % 4)}")
        yield decoded.decode("latin-1")
        if decoded[:1] == b"x":  # a session of Flask's that is long
            yield decompress(decoded, _MAX_DECOMPRESSED_BYTES).decode("latin-1")
