"""Tests for member ids and for the member keys that the gateway receives.

To test another member id, add a row to ``MEMBERS`` or ``INVALID_MEMBERS``. To test another forged
key, add it to ``FORGED_KEYS``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from uuid import UUID

import pytest
from markupsafe import Markup
from werkzeug.local import LocalProxy

from flask_xiebao import LinkError, Platform
from flask_xiebao.gateway.values import Secret
from flask_xiebao.links.members import MemberKeyCodec, normalize_member_id_or_none
from tests.support import MEMBER_KEYS, MEMBER_SECRET
from tests.unit.support import short_id

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")

#: One row per value that a site may pass as a member: the value, and the normalized member id.
MEMBERS: list[tuple[object, str | None]] = [
    (None, None),
    ("", None),
    ("  ", None),
    ("\t\n", None),
    (0, None),
    (False, None),
    (7, "7"),
    (-7, "-7"),
    (2**70, "1180591620717411303424"),
    ("7", "7"),
    ("0", "0"),
    ("False", "False"),
    ("会员 7", "会员 7"),
    ("x" * 256, "x" * 256),
    (Markup("<7>"), "<7>"),
    (MEMBER_UUID, str(MEMBER_UUID)),
]
#: One row per invalid member id: the value, and a pattern for the error message.
INVALID_MEMBERS: list[tuple[object, str]] = [
    *[
        (value, "A member's id must be a string, an integer or a UUID, got")
        for value in (
            True,
            1.5,
            0.0,
            list[str](),
            [7],
            (),
            dict[str, str](),
            b"7",
            b"",
            ...,
            {7},
            Platform,
        )
    ],
    *[(text, "A member's id has leading or trailing whitespace") for text in (" 8", "8 ")],
    ("a\nb", r"A member's id contains the unprintable character U\+000A"),
    ("x" * 257, "A member's id must have at most 256 bytes, got 257"),
]

#: Runs a test twice: with a plain value, and with a lazy proxy of the value. For example,
#: Flask-Login's ``current_user`` is a lazy proxy.
PLAIN_AND_LAZY = pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: LocalProxy(lambda: value)], ids=["plain", "lazy"]
)


@PLAIN_AND_LAZY
@pytest.mark.parametrize(("value", "member"), MEMBERS, ids=short_id)
def test_member_id_is_normalized_to_string_or_none(
    value: object, member: str | None, wrap: Callable[[object], object]
) -> None:
    member_id = normalize_member_id_or_none(wrap(value))
    assert member_id == member
    assert type(member_id) is (type(None) if member is None else str)


@PLAIN_AND_LAZY
@pytest.mark.parametrize(("value", "message"), INVALID_MEMBERS, ids=short_id)
def test_invalid_member_id_raises_link_error(
    value: object, message: str, wrap: Callable[[object], object]
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        normalize_member_id_or_none(wrap(value))
    assert error.value.argument == "member"


# Member keys

CODEC = MemberKeyCodec(Secret(MEMBER_SECRET), "12345")
CODEC_WITHOUT_SECRET = MemberKeyCodec(None, "12345")

#: Member ids of several kinds: a number, a random id, an e-mail address, Chinese text, a UUID, an
#: id with characters that are percent-encoded in URLs, and two ids of the maximum length.
MEMBER_IDS = [*MEMBER_KEYS, str(MEMBER_UUID), "a+b/c=d&e%20f g", "x" * 256, "🌊" * 64]


@pytest.mark.parametrize("member", MEMBER_IDS, ids=short_id)
def test_member_key_is_decoded_to_same_member_id(member: str) -> None:
    key = CODEC.build_member_key(member)
    assert key[16:] == member
    assert CODEC.find_member_id(key) == CODEC.find_member_id(key[:16].upper() + key[16:]) == member
    assert (
        CODEC_WITHOUT_SECRET.build_member_key(member)
        == CODEC_WITHOUT_SECRET.find_member_id(member)
        == member
    )


@pytest.mark.parametrize(
    "other",
    [
        MemberKeyCodec(Secret(MEMBER_SECRET[::-1]), "12345"),
        MemberKeyCodec(Secret(MEMBER_SECRET), "12346"),
    ],
    ids=["secret", "account"],
)
def test_member_key_of_other_secret_or_account_is_unknown(other: MemberKeyCodec) -> None:
    assert other.build_member_key("8") != MEMBER_KEYS["8"]
    assert other.find_member_id(MEMBER_KEYS["8"]) is None


_KEY = MEMBER_KEYS["m_7Qk2vX9rT4"]
_DIGEST, _MEMBER = _KEY[:16], _KEY[16:]

#: Texts that are neither a member key nor a member id.
UNUSABLE_KEYS = ["", "\x00", "\ud800" * 20]
#: Keys that were not built with the member secret of this account.
FORGED_KEYS = [
    *UNUSABLE_KEYS,
    *(
        f"{_KEY[:place]}{'b' if _KEY[place] == 'a' else 'a'}{_KEY[place + 1 :]}"
        for place in range(len(_KEY))
    ),
    *(_KEY[:length] for length in range(1, len(_KEY))),
    *(_KEY[start:] for start in (1, 8)),
    f"{_KEY}x",
    f" {_KEY}",
    f"{_DIGEST}8",  # The digest of another member's key.
    f"{_DIGEST}{_MEMBER.upper()}",
    # The Kelvin sign and the dotless i become ASCII letters when their case is changed. They must
    # not be accepted in place of these letters. A key without the letter to replace would remain
    # valid, so the test would fail.
    MEMBER_KEYS["8"].replace("k", "\N{KELVIN SIGN}"),
    MEMBER_KEYS["会员八号"].replace("i", "\N{LATIN SMALL LETTER DOTLESS I}"),
    # The digests of these keys are computed with the API key instead of the member secret.
    hashlib.md5(f"Key12345{_MEMBER}".encode(), usedforsecurity=False).hexdigest() + _MEMBER,
    hmac.new(b"Key", _MEMBER.encode(), "sha256").hexdigest()[:16] + _MEMBER,
    *("8", "m_7Qk2vX9rT4", "x" * 5000),
]


@pytest.mark.parametrize(
    ("codec", "forged_keys"),
    [(CODEC, FORGED_KEYS), (CODEC_WITHOUT_SECRET, [" ", *UNUSABLE_KEYS])],
    ids=["secret", "plain"],
)
def test_forged_member_key_is_unknown(codec: MemberKeyCodec, forged_keys: list[str]) -> None:
    assert [key for key in forged_keys if codec.find_member_id(key) is not None] == []


def test_member_with_plain_key_has_bare_id_as_key() -> None:
    keeps_plain_key = {"8"}.__contains__
    assert (
        CODEC.build_member_key("8", keeps_plain_key)
        == CODEC.find_member_id("8", keeps_plain_key)
        == "8"
    )
    assert CODEC.build_member_key("9", keeps_plain_key) == CODEC.build_member_key("9")
    assert CODEC.find_member_id("9", keeps_plain_key) is None
    assert CODEC.find_member_id(CODEC.build_member_key("9"), keeps_plain_key) == "9"
    # The gateway may still know the member by a key that was built before the site added the hook,
    # so this key must be accepted, too.
    assert CODEC.find_member_id(MEMBER_KEYS["8"], keeps_plain_key) == "8"


def test_member_id_that_imitates_key_gets_no_plain_key() -> None:
    imitation = MEMBER_KEYS["8"]
    key = CODEC.build_member_key(imitation, lambda member: True)
    assert key != imitation
    assert CODEC.find_member_id(imitation, lambda member: True) == "8"
    assert CODEC.find_member_id(key, lambda member: True) == imitation
