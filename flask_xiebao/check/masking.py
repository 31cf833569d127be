"""Finds and masks secrets and member ids in a text, even if they are encoded as base64.

Secrets are the gateway's ``sign``, API keys and tokens.
"""

from __future__ import annotations

import base64
import json
import re
import traceback
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from urllib.parse import quote

from ..links.tokens import mask_tokens_and_credentials
from .browser import PLACEHOLDER_ID_PREFIX, SiteClient
from .report import Failure
from .visits import Visit

# A pattern for 24 or more base64 characters, for example in the paySuccess parameter or in a
# cookie. Shorter texts are not decoded, because secrets in base64 are normally longer.
_BASE64_TEXT = re.compile(r"[A-Za-z0-9_-]{24,}")
# The maximum length of a text before masking, and the maximum length after masking. Cutting the
# text before masking may leave a part of a secret at the end, and this part is not masked. The
# limit after masking is much lower, so this part is normally cut off, too.
_MAX_INPUT_LENGTH, _MAX_OUTPUT_LENGTH = 20_000, 500
# The maximum length of member ids that are not masked, and the minimum length of ids that are
# masked even inside words. A text often contains a short id by chance. So ids of at most 3 bytes
# are not masked, and ids of 4 or 5 bytes are masked only if they are whole words. Longer ids are
# also masked inside words.
_MAX_UNMASKED_ID_BYTES, _MIN_ID_BYTES_INSIDE_WORDS = 3, 6


class SecretMasker:
    """Masks a site's secrets and the ids of its members in texts."""

    def __init__(self, site: SiteClient) -> None:
        self._site = site
        # The regular expression depends only on the ids, so it is built again only for new ids.
        self._get_member_pattern = cache(self._build_member_pattern)

    def mask_text(self, text: str) -> str:
        """Return a text with secrets and unprintable characters replaced, cut to 500 characters.

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
        text = mask_tokens_and_credentials(self._site.mask_secrets(text))
        return self._get_member_pattern(frozenset(self._site.member_ids)).sub("…", text)

    def _build_member_pattern(self, member_ids: frozenset[str]) -> re.Pattern[str]:
        """Return a regular expression for member ids and for the beginnings of member keys."""
        longest_first = sorted(member_ids, key=len, reverse=True)
        patterns = [
            *map(self._site.get_member_key_prefix, longest_first),
            *map(_build_member_id_pattern, longest_first),
        ]
        return re.compile("|".join(filter(None, patterns)) or "(?!)", re.IGNORECASE)

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


def _iter_base64_decodings(text: str) -> Iterator[str]:
    """Yield the decoded text of each part of a text that may be base64.

    Data that was compressed with zlib is yielded after decompression, because Flask compresses long
    session cookies.
    """
    for base64_text in _BASE64_TEXT.findall(text):
        # A single base64 character at the end holds less than one byte.
        part = base64_text[: -1 if len(base64_text) % 4 == 1 else None]
        decoded = base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}")
        with suppress(zlib.error):
            decoded = zlib.decompress(decoded)
        yield decoded.decode("latin-1")


def check_no_secret_leaks(
    site: SiteClient, visit: Visit, *, is_redirect: bool = False
) -> Iterator[Failure]:
    """Check that the response and the log contain no API key and no signature of a gateway URL.

    :param is_redirect: True if the response must redirect to the gateway. Then the Location header
        contains the signature.
    """
    texts = [("body", visit.text)]
    for record in visit.rehearsal.log_records:
        text = repr(vars(record))
        # The arguments of a log call may not fit its message.
        with suppress(Exception):
            text += record.getMessage()
        if record.exc_info:
            text += "".join(traceback.format_exception(record.exc_info[1]))
        texts.append((f"log of {record.name} ({record.filename}:{record.lineno})", text))
    texts += [(name, value) for name, value in visit.headers if name != "Location"]
    if not is_redirect and not site.is_gateway_page(visit.location):
        texts.append(("Location", visit.location))
    for name, text in texts:
        decodings = (text, *_iter_base64_decodings(text))
        if any(site.mask_secrets(decoding) != decoding for decoding in decodings):
            yield Failure("secret", name)
