"""Which bodies of a callback are the platform's for this account; any other is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, NotificationError
from tests.support import SIGN, failing_function
from tests.unit.support import parse, short
from tests.vectors import APPLIED, ISSUED, PAID, VECTORS, build_notification, compute_sign

PAID_DATA = PAID.decode().partition('"data":')[2][:-1]
ISSUED_DATA = ISSUED.decode().partition('"data":')[2][:-1]


def refused(body: bytes, reason: str = "malformed", key: str = "Key") -> str:
    """Return what is said of a body that is refused for this reason."""
    with pytest.raises(NotificationError) as caught:
        parse(body, key)
    assert caught.value.reason == reason, str(caught.value)
    return str(caught.value)


# What is read


@pytest.mark.parametrize("key", ["Key", "4711", 4711])
def test_the_key_of_the_account_may_be_text_or_a_number(key: str | int) -> None:
    assert parse(build_notification(key=str(key)), key) == parse(APPLIED)


@pytest.mark.parametrize(
    "layout",
    [
        '{"sign":"%(sign)s","data":%(data)s,"notifyType":2}',
        ' {\r\n "data" : %(data)s , "notifyType"\t:2,"sign": "%(sign)s"\n}\n',
        '{"traceId":"{\\"data\\":1}","notifyType":2,"sign":"%(sign)s","data": %(data)s}',
    ],
)
def test_any_layout_and_any_order_of_the_same_body_is_the_same_notification(layout: str) -> None:
    body = layout % {"sign": compute_sign(PAID_DATA), "data": PAID_DATA}
    assert parse(body.encode()) == parse(PAID)


@pytest.mark.parametrize(
    ("kind", "data", "body"),
    [(2, PAID_DATA, PAID), (3, ISSUED_DATA, ISSUED)],
    ids=["paid", "issued"],
)
def test_the_sign_may_be_of_the_compact_form(kind: int, data: str, body: bytes) -> None:
    spaced = json.dumps(json.loads(data))  # what was somebody's name is \u… now
    sent = f'{{"notifyType":{kind},"sign":"{compute_sign(data)}","data":{spaced}}}'
    assert parse(sent.encode()) == parse(body)


# The sign


@pytest.mark.parametrize("body", VECTORS, ids=short)
def test_another_key_is_refused(body: bytes) -> None:
    refused(body, "wrong_sign", key="key")


@pytest.mark.parametrize(
    ("old", "new"), [(b"1500", b"1501"), (b'"21"', b'"2\\u0031 "'), (b'"state":true,', b"")]
)
def test_a_change_of_the_data_is_refused(old: bytes, new: bytes) -> None:
    assert PAID.count(old) == 1
    refused(PAID.replace(old, new), "wrong_sign")


def test_what_an_attacker_makes_of_the_sign_that_each_member_sees_is_refused() -> None:
    """MD5 can be extended: from md5(key + partner id), that of more text, without the key.

    What has to come between them is known as well: MD5 pads the eight bytes of ``Key12345`` so.
    """
    padding = b"\x80" + bytes(47) + b"\x40" + bytes(7)
    data = PAID_DATA.encode()
    for more in (data, b"," + data, b'":' + data + b"}"):
        added = padding + more
        signed = b"12345" + added
        for text in (signed, added, b'"' + signed + b'"', b'{"' + signed + b'":1}', more):
            with pytest.raises(NotificationError):
                parse(
                    b'{"notifyType":2,"sign":"%s","data":%s}'
                    % (compute_sign(signed).encode(), text)
                )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("12345", "malformed"),
        ('"12345"', "malformed"),
        ('{"partnerId":12345,"insureNum":"1","state":true}', "wrong_sign"),
    ],
)
def test_the_sign_of_a_page_is_none_of_a_notification(data: str, reason: str) -> None:
    refused(f'{{"notifyType":1,"sign":"{SIGN}","data":{data}}}'.encode(), reason)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "api_key is empty"),
        ("  ", "api_key is empty"),
        (1.5, "api_key must be a string or an integer"),
        (LocalProxy(failing_function(ConfigError("the vault is closed"))), "the vault is closed"),
    ],
    ids=["empty", "blank", "number", "lazy"],
)
def test_a_key_that_is_none_verifies_nothing(key: Any, said: str) -> None:
    with pytest.raises(NotificationError, match=said):
        parse(build_notification(key=""), key)


# What is not the JSON that it should be


def signed(said: str) -> bytes:
    """Return a body with this in its data, which is signed."""
    return build_notification(1, f'{{"partnerId":12345,"insureNum":"1","state":true,{said}}}')


def beside(said: str) -> bytes:
    """Return a body with this beside its data, which nobody signs."""
    return APPLIED[:-1] + f",{said}}}".encode()


def with_sign(sign: object) -> bytes:
    return json.dumps({**json.loads(PAID), "sign": sign}, ensure_ascii=False).encode()


_NO_OBJECT = "must be a single JSON object"
_NO_UTF_8 = "must be encoded in UTF-8"
_TWICE = "must not contain an object with duplicate names"
_NO_NUMBER = "must not contain NaN, Infinity or a number that is too large for Python"
_LONG = "must not contain a number with more than 64 characters"
_DEEP = "must not be nested more than 32 levels deep"

#: A body, and what is said of it.
MALFORMED: list[tuple[Any, str]] = [
    *[
        (body, _NO_OBJECT)
        for body in (
            *(b"", b"null", b"[]", b'"text"', b"{", b'{"notifyType"', b'{"notifyType":1'),
            *(APPLIED + b"x", APPLIED + APPLIED, APPLIED[:-1], APPLIED[:-1] + b",}"),
            *(b"\xef\xbb\xbf" + APPLIED, APPLIED.replace(b":", b"=", 1)),
            *(b"notifyType=1&sign=701dd128eae24ce8241354fcd2f9981a", beside("1:2")),
            *(APPLIED.replace(b'"', b"'"), beside('"a":"\x00"')),
        )
    ],
    *[
        (body, _NO_UTF_8)
        for body in (
            *(APPLIED.decode().encode("utf-16"), ISSUED.decode().encode("gb18030")),
            *(b"\xff" + APPLIED, APPLIED[:-1] + b',"a":"\xed\xa0\x80"}'),
        )
    ],
    *[(body, "cannot be read") for body in ("{}", None, 7, [b"{}"])],
    (b"{}", 'has no field "notifyType"'),
    (APPLIED.replace(b'"notifyType":1,', b""), 'has no field "notifyType"'),
    (APPLIED.replace(b'"sign":', b'"Sign":'), 'has no field "sign"'),
    (APPLIED.replace(b'"data":', b'"Data":'), 'has no field "data"'),
    *[
        (beside(again), _TWICE)
        for again in (
            *('"notifyType":4', '"sign":"701dd128eae24ce8241354fcd2f9981a"'),
            *('"data":{}', '"d\\u0061ta":{}'),
        )
    ],
    (signed('"insureNum":"2"'), _TWICE),
    (signed('"otherInfo":{"a":[{"b":1,"b":2}]}'), _TWICE),
    *[
        (body, words)
        for number, words in (
            *(
                (number, _NO_NUMBER)
                for number in ("NaN", "Infinity", "-Infinity", "1e400", "-1e400")
            ),
            *((number, _LONG) for number in ("9" * 5000, "0." + "1" * 5000, "1" * 65)),
        )
        for body in (
            signed(f'"price":{number}'),
            beside(f'"more":[{number}]'),
            APPLIED.replace(b'"notifyType":1', f'"notifyType":{number}'.encode()),
        )
    ],
    *[
        (body, _DEEP)
        for opened, closed in (("[", "]"), ('{"a":', "}"))
        for depth in (33, 1000, 10_000)
        for body in (
            signed(f'"otherInfo":{opened * depth}1{closed * depth}'),
            opened.encode() * depth,
        )
    ],
    (signed(f'"a":{"[" * 31}{"]" * 31}'), _DEEP),
    *[
        (with_sign(sign), 'must have 32 lower-case hex digits as "sign"')
        for sign in (
            *(
                compute_sign(PAID_DATA).upper(),
                compute_sign(PAID_DATA)[:-1],
                compute_sign(PAID_DATA) + "\n",
            ),
            *("\uff10" * 32, "é" * 32, "林晓", "", None, 32, True, list[str]()),
        )
    ],
    *[
        (build_notification(kind), 'must have an integer from 0 to 9999 as "notifyType"')
        for kind in (-1, 10_000, True, False, None, "1", 1.0, 1.5, [1], dict[str, int]())
    ],
    *[
        (build_notification(1, data), 'must have an object as "data"')
        for data in ("[]", "null", '"{}"', "1", '[{"partnerId":12345}]', "true")
    ],
]


@pytest.mark.parametrize(("body", "words"), MALFORMED, ids=short)
def test_what_is_not_one_strict_json_object_with_all_it_has_to_have_is_refused(
    body: bytes, words: str
) -> None:
    assert refused(body).startswith(f"The notification {words}")


@pytest.mark.parametrize(
    "fine",
    [
        r'"failMsg":"\ud83d\ude00"',
        f'"a":1.{"0" * 62}',
        f'"a":[{",".join(["[]"] * 2000)}]',
        f'"a":{"[" * 30}{"]" * 30}',
        f'"a":"{"[" * 40}"',
        r'"a":"\"[["',
    ],
    ids=short,
)
def test_what_only_looks_malformed_is_read(fine: str) -> None:
    assert parse(signed(fine)).insure_num == "1"


def test_body_of_more_than_256_kib_is_rejected() -> None:
    room = 256 * 1024 - len(build_notification(failMsg=""))
    assert parse(build_notification(failMsg="x" * room)).failure == "x" * room
    assert "262,144" in refused(build_notification(failMsg="x" * (room + 1)), "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 130_000,
        b'{"a":' + b"1" * 260_000 + b"}",
        b"{" + b" " * 260_000,
        b"[" * 260_000,
        b'{"a":' * 52_000,
        b'"' * 260_000,
        rb"\ud83d" * 43_000,
        build_notification(1, data={"partnerId": 12345, **{f"n{i}": i for i in range(20_000)}}),
    ],
    ids=["quotes", "digits", "spaces", "lists", "objects", "strings", "surrogates", "many"],
)
def test_what_keeps_a_reader_busy_is_read_in_a_moment(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(NotificationError):
        parse(body)
    assert time.process_time() - began < 1
