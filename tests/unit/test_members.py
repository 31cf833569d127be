"""Who a member is, and what the gateway knows them by: with a secret and without."""

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
from tests.unit.support import short

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
INVALID_MEMBER_MESSAGE = "A member's id must be a string, an integer or a UUID, got"

#: What a site may say of who is logged in, and who that is.
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
_OF_NO_KIND: list[object] = [True, 1.5, 0.0, [], [7], (), {}, b"7", b"", ..., {7}, Platform]
NO_MEMBERS = [
    *[(value, INVALID_MEMBER_MESSAGE) for value in _OF_NO_KIND],
    *[(text, "A member's id has leading or trailing whitespace") for text in (" 8", "8 ")],
    ("a\nb", r"A member's id contains the unprintable character U\+000A"),
    ("x" * 257, "A member's id must have at most 256 bytes, got 257"),
]

#: A value is given as it is, or by a lazy proxy such as Flask-Login's.
WAYS = pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: LocalProxy(lambda: value)], ids=["plain", "lazy"]
)


@WAYS
@pytest.mark.parametrize(("value", "member"), MEMBERS, ids=short)
def test_a_member_is_nobody_or_text(
    value: object, member: str | None, wrap: Callable[[object], object]
) -> None:
    found = normalize_member_id_or_none(wrap(value))
    assert found == member
    assert type(found) is (type(None) if member is None else str)


@WAYS
@pytest.mark.parametrize(("value", "words"), NO_MEMBERS, ids=short)
def test_what_is_no_member_is_an_error_and_never_nobody(
    value: object, words: str, wrap: Callable[[object], object]
) -> None:
    with pytest.raises(LinkError, match=words) as raised:
        normalize_member_id_or_none(wrap(value))
    assert raised.value.argument == "member"


# Keys

KEYS = MemberKeyCodec(Secret(MEMBER_SECRET), "12345")
PLAIN = MemberKeyCodec(None, "12345")

#: Ids as sites have them: of a row, random, a UUID's, an address, Chinese, with what URLs escape.
IDS = [*MEMBER_KEYS, str(MEMBER_UUID), "a+b/c=d&e%20f g", "x" * 256, "🌊" * 64]


@pytest.mark.parametrize("member", IDS, ids=short)
def test_a_key_is_the_members_there_and_back(member: str) -> None:
    key = KEYS.build_member_key(member)
    assert key.endswith(member)
    assert len(key) == 16 + len(member)
    assert KEYS.find_member_id(key) == KEYS.find_member_id(key[:16].upper() + key[16:]) == member
    assert PLAIN.build_member_key(member) == PLAIN.find_member_id(member) == member


@pytest.mark.parametrize(
    "other",
    [
        MemberKeyCodec(Secret(MEMBER_SECRET[::-1]), "12345"),
        MemberKeyCodec(Secret(MEMBER_SECRET), "12346"),
    ],
    ids=["secret", "account"],
)
def test_a_key_of_another_secret_or_account_is_nobodys(other: MemberKeyCodec) -> None:
    assert other.build_member_key("8") != MEMBER_KEYS["8"]
    assert other.find_member_id(MEMBER_KEYS["8"]) is None


_KEY = MEMBER_KEYS["m_7Qk2vX9rT4"]
_MARK, _MEMBER = _KEY[:16], _KEY[16:]

NO_IDS = ["", "\x00", "\ud800" * 20]
FORGED = [
    *NO_IDS,
    *(
        f"{_KEY[:place]}{'b' if _KEY[place] == 'a' else 'a'}{_KEY[place + 1 :]}"
        for place in range(len(_KEY))
    ),
    *(_KEY[:length] for length in range(len(_KEY))),
    *(_KEY[start:] for start in (1, 8, 16)),
    f"{_KEY}x",
    f" {_KEY}",
    f"{_MARK}8",  # somebody else's mark
    f"{_MARK}{_MEMBER.upper()}",
    # the Kelvin sign and dotless letters become ASCII in lower or upper case
    f"{MEMBER_KEYS['8'][:2]}\N{KELVIN SIGN}{MEMBER_KEYS['8'][3:]}",
    MEMBER_KEYS["8"].upper().replace("I", "\N{LATIN SMALL LETTER DOTLESS I}") + "8",
    # of the document's own kind of secrets
    hashlib.md5(f"Key12345{_MEMBER}".encode(), usedforsecurity=False).hexdigest() + _MEMBER,
    hmac.new(b"Key", _MEMBER.encode(), "sha256").hexdigest()[:16] + _MEMBER,
    *("8", "m_7Qk2vX9rT4", "x" * 5000),
]


@pytest.mark.parametrize(
    ("keys", "forged"), [(KEYS, FORGED), (PLAIN, [" ", *NO_IDS])], ids=["secret", "plain"]
)
def test_a_forged_shortened_or_foreign_key_is_nobodys(
    keys: MemberKeyCodec, forged: list[str]
) -> None:
    assert [key for key in forged if keys.find_member_id(key) is not None] == []


def test_who_keeps_the_plain_key_is_known_by_the_bare_id_in_both_directions() -> None:
    known_before = {"8", "m_old"}.__contains__
    for member in ("8", "m_old"):
        assert KEYS.build_member_key(member, known_before) == member
        assert KEYS.find_member_id(member, known_before) == member
    assert KEYS.build_member_key("9", known_before) == KEYS.build_member_key("9")
    assert KEYS.find_member_id("9", known_before) is None
    assert KEYS.find_member_id(KEYS.build_member_key("9"), known_before) == "9"
    assert KEYS.find_member_id(MEMBER_KEYS["8"], known_before) == "8", "from before they were named"


def test_an_id_that_looks_like_the_key_of_another_is_not_kept_plain() -> None:
    imitation = MEMBER_KEYS["8"]
    key = KEYS.build_member_key(imitation, lambda member: True)
    assert key != imitation
    assert KEYS.find_member_id(imitation, lambda member: True) == "8"
    assert KEYS.find_member_id(key, lambda member: True) == imitation
