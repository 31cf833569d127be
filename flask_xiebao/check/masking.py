"""Masks secrets and member ids in a text, even if they are encoded as base64.

Secrets are the gateway's ``sign``, API keys and tokens.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, unquote

from ..links.tokens import mask_tokens_and_credentials
from .cases import PLACEHOLDER_ID_PREFIX
from .site import Site
from .visits import decompress

# A pattern for 24 or more base64 characters, for example in the paySuccess parameter or in a
# cookie. Shorter texts are not decoded, because secrets in base64 are normally longer.
_BASE64_TEXT = re.compile(r"(?:[A-Za-z0-9+/_-]|%2[BF]){24,}", re.IGNORECASE)
_URLSAFE_TO_STANDARD = str.maketrans("-_", "+/")
# The maximum number of bytes of a session cookie after decompression. Before decompression, the
# cookie has at most 4,096 bytes, because browsers do not keep larger cookies.
_MAX_DECOMPRESSED_BYTES = 100_000
# The maximum length of a text before masking, and the maximum length after masking. Cutting the
# text before masking may leave a part of a secret at the end, and this part is not masked. The
# limit after masking is much lower, so this part is normally cut off, too.
_MAX_INPUT_LENGTH, _MAX_OUTPUT_LENGTH = 20_000, 2_000
# The maximum length of member ids that are not masked, and the minimum length of ids that are
# masked even inside words. A text often contains a short id by chance. So ids of at most 3 bytes
# are not masked, and ids of 4 or 5 bytes are masked only if they are whole words. Longer ids are
# also masked inside words.
_MAX_UNMASKED_ID_BYTES, _MIN_ID_BYTES_INSIDE_WORDS = 3, 6


class SecretMasker:
    """Masks a site's secrets and the ids of its members in texts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # Cache the regular expression that finds member ids. It depends only on the ids, so build
        # it again only for new ids.
        self._get_member_pattern = cache(self._build_uncached_member_pattern)

    def mask_secrets(self, text: str) -> str:
        """Return a text with secrets and unprintable characters replaced, cut to 2,000 characters.

        Characters after the first 20,000 are not read.
        """
        # Replace unprintable characters. A terminal would obey control characters, and a file
        # cannot hold surrogates.
        text = "".join(
            character if character.isprintable() else "\ufffd"
            for character in text[:_MAX_INPUT_LENGTH]
        )
        masked = _BASE64_TEXT.sub(self._mask_base64_match, self._mask_plain_text(text))
        return masked if len(masked) <= _MAX_OUTPUT_LENGTH else f"{masked[:_MAX_OUTPUT_LENGTH]}…"

    def _mask_plain_text(self, text: str) -> str:
        text = mask_tokens_and_credentials(
            self._site.mask_api_key(self._site.account.mask_signature(text))
        )
        return self._get_member_pattern(frozenset(self._site.member_ids)).sub("…", text)

    def _build_uncached_member_pattern(self, member_ids: frozenset[str]) -> re.Pattern[str]:
        """Return a regular expression for member ids and for the prefixes of member keys.

        A member key is the ``partnerUniqKey`` of a member.
        """
        longest_first = sorted(member_ids, key=len, reverse=True)
        key_prefixes = [
            self._site.get_member_key_prefix(each)
            for each in longest_first
            if self._site.has_member_secret
        ]
        id_patterns = filter(None, map(_build_member_id_pattern, longest_first))
        return re.compile("|".join([*key_prefixes, *id_patterns]) or "(?!)", re.IGNORECASE)

    def _mask_base64_match(self, match: re.Match[str]) -> str:
        has_secret = any(
            self._mask_plain_text(decoding) != decoding
            for decoding in _iter_base64_decodings(match[0])
        )
        return "…" if has_secret else match[0]


def _build_member_id_pattern(member: str) -> str:
    """Return a regular expression that matches a member id, encoded or not.

    Return "" for an id that is not masked, because it is the id of a
    placeholder member or too short.
    """
    if member.startswith(PLACEHOLDER_ID_PREFIX) or len(member.encode()) <= _MAX_UNMASKED_ID_BYTES:
        return ""
    pattern = "".join(map(_build_encoded_character_pattern, member))
    is_masked_inside_words = len(member.encode()) >= _MIN_ID_BYTES_INSIDE_WORDS
    return pattern if is_masked_inside_words else f"(?<![a-z0-9]){pattern}(?![a-z0-9])"


def _build_encoded_character_pattern(character: str) -> str:
    """Return a regular expression that matches a character, plain or encoded for a URL or JSON.

    The character may be percent-encoded once or twice, escaped as in JSON, or decoded wrongly
    (its UTF-8 bytes as Latin-1). A space may also be "+".
    """
    quoted = quote(character, safe="")
    encodings = {
        character,
        quoted,
        quote(quoted),
        json.dumps(character)[1:-1],
        character.encode().decode("latin-1"),
        "+" if character == " " else character,
    }
    return f"(?:{'|'.join(sorted(map(re.escape, encodings), key=len, reverse=True))})"


def mask_member_id(member: str) -> str:
    """Return the first two characters of a member id and "…", or only "…" for a short id.

    Two characters are enough for users of the check to recognize an id that they named.
    """
    return f"{member[:2]}…" if len(member) > _MAX_UNMASKED_ID_BYTES else "…"


def iter_text_and_base64_decodings(text: str) -> Iterator[str]:
    """Yield a text, then the decoded text of each part that may be base64.

    Data that was compressed with zlib is also yielded after decompression.
    """
    yield text
    for base64_text in _BASE64_TEXT.findall(text):
        yield from _iter_base64_decodings(base64_text)


def _iter_base64_decodings(base64_text: str) -> Iterator[str]:
    """Yield the decoded base64 in a text, for each position at which the base64 may begin.

    The base64 needs no padding. Data that was compressed with zlib is also yielded after
    decompression.
    """
    base64_text = unquote(base64_text).translate(_URLSAFE_TO_STANDARD)
    # Base64 is decoded in groups of four characters. If other text precedes the base64, such as a
    # URL path, the first group may begin at any of the first four characters. So decode four times,
    # starting one character later each time.
    for start in range(4):
        part = base64_text[start:]
        # A single base64 character at the end is dropped, because it holds less than one byte.
        part = part[:-1] if len(part) % 4 == 1 else part
        decoded = base64.b64decode(f"{part}{'=' * (-len(part) % 4)}")
        yield decoded.decode("latin-1")
        if decoded[:1] == b"x":  # Flask compresses long session cookies with zlib.
            yield decompress(decoded, _MAX_DECOMPRESSED_BYTES).decode("latin-1")
