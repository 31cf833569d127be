"""The ids of a site's members, and the keys by which the gateway knows the members."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from types import NoneType
from uuid import UUID

from ..errors import LinkError
from ..gateway.values import (
    KEY_PREFIX_LENGTH,
    MAX_MEMBER_ID_BYTES,
    Secret,
    check_named_value,
    normalize_member_id,
    normalize_member_key_or_none,
)

#: The type of a parameter that accepts a member's id.
MemberId = str | int | UUID

# Matches a member's key that begins like a prefix: 16 characters of the base32 alphabet. A prefix
# without a digit is possible but rare, and a long user name may consist of letters.
_KEY_WITH_PREFIX = re.compile(rf"(?=[a-z]*[2-7])[a-z2-7]{{{KEY_PREFIX_LENGTH}}}.+")

# The maximum number of cached prefixes of members' keys.
_MAX_CACHED_PREFIXES = 4096


def normalize_member_id_or_none(value: object) -> str | None:
    """Return a member's id as text, or None for a value such as None, ``""`` or 0.

    :param value: None, ``""``, blank text, 0 and False stand for no member. Printable strings,
        integers and UUIDs are converted to text. A lazy proxy counts as its value.
    :raises LinkError: if the value is anything else, because a guess could confuse members.
    """
    # isinstance() also recognizes a lazy proxy of None. `is None` would not.
    if isinstance(value, NoneType) or (
        isinstance(value, str | int) and not (value.strip() if isinstance(value, str) else value)
    ):
        return None
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LinkError(
            "A member's id must be a string, an integer or a UUID, got"
            f" {type(value).__name__}. Pass the id itself, for example `user.id`.",
            "member",
        )
    return check_named_value("A member's id", normalize_member_id, value, LinkError, "member")


def has_key_prefix_format(key: str) -> bool:
    """Return True if a member's key begins like the keys that ``XIEBAO_MEMBER_SECRET`` makes."""
    return _KEY_WITH_PREFIX.fullmatch(key) is not None


class MemberKeyCodec:
    """A converter between members' ids and the keys that the gateway knows (``partnerUniqKey``).

    Sections 2.1 and 2.2 of the interface document describe the key. The gateway accepts any key,
    and its ``sign`` does not cover the key. With a secret, a key is a prefix of 16 characters that
    only the site can compute, followed by the member's id. The prefix comes first, so that it
    remains complete if the gateway truncates a long key.

    :param secret: ``XIEBAO_MEMBER_SECRET``. If None, a member's key is the plain id.
    :param partner_id: The partner account. Another account has other keys.
    """

    def __init__(self, secret: Secret[str] | None, partner_id: str) -> None:
        self._secret = None if secret is None else secret.map(str.encode)
        self._hmac_input_start = f"flask-xiebao.member\0{partner_id}\0"
        # Caching the prefixes of members' keys saves 15 % of the time of a request for a link.
        self._cached_key_prefix = lru_cache(_MAX_CACHED_PREFIXES)(self._compute_key_prefix)

    def build_member_key(
        self, member: str, keeps_plain_key: Callable[[str], bool] | None = None
    ) -> str:
        """Return the ``partnerUniqKey`` of a member.

        :param member: The member's id, as :func:`normalize_member_id_or_none` returns it.
        :param keeps_plain_key: A function that returns True if the gateway knows the member by the
            plain id.
        """
        if self._secret is None or (
            keeps_plain_key is not None
            and keeps_plain_key(member)
            # If members can choose their ids, one member's id can look like another member's key.
            # An id that looks like a key always gets a prefix.
            and self._extract_member_id(member, self._secret) is None
        ):
            return member
        return self._cached_key_prefix(member, self._secret) + member

    def find_member_id(
        self, key: str, keeps_plain_key: Callable[[str], bool] | None = None
    ) -> str | None:
        """Return the id of the member with this key, or None if the site did not issue the key.

        Without a secret, a key is the member's id. A member who keeps the plain key is also found
        by a key with a prefix, because the member may have had such a key before *keeps_plain_key*
        included them.
        """
        member = None if self._secret is None else self._extract_member_id(key, self._secret)
        if member is not None or normalize_member_key_or_none(key, MAX_MEMBER_ID_BYTES) is None:
            return member
        is_plain_key = self._secret is None or (
            keeps_plain_key is not None and keeps_plain_key(key)
        )
        return key if is_plain_key else None

    def _extract_member_id(self, key: str, secret: Secret[bytes]) -> str | None:
        prefix, member = key[:KEY_PREFIX_LENGTH], key[KEY_PREFIX_LENGTH:]
        is_valid = (
            # lower() converts some non-ASCII letters to ASCII letters, so reject non-ASCII
            # prefixes.
            prefix.isascii()
            and normalize_member_key_or_none(member, MAX_MEMBER_ID_BYTES) is not None
            and hmac.compare_digest(prefix.lower(), self._cached_key_prefix(member, secret))
        )
        return member if is_valid else None

    def _compute_key_prefix(self, member: str, secret: Secret[bytes]) -> str:
        digest = hmac.digest(
            secret.reveal(), f"{self._hmac_input_start}{member}".encode(), "sha256"
        )
        # A base32 character encodes five bits.
        return base64.b32encode(digest[: KEY_PREFIX_LENGTH * 5 // 8]).decode().lower()
