"""Tests for the signature and the JSON of a notification's body.

To test another malformed body, add a row to ``MALFORMED_BODIES``.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, NotificationError
from tests.support import SIGN, failing_function
from tests.unit.support import parse_body, short_id
from tests.vectors import APPLIED, ISSUED, PAID, VECTORS, build_notification, compute_sign

PAID_DATA = PAID.decode().partition('"data":')[2][:-1]
ISSUED_DATA = ISSUED.decode().partition('"data":')[2][:-1]


def assert_body_rejected(body: bytes, reason: str = "malformed", key: str = "Key") -> str:
    """Assert that a body is rejected for this reason, and return the error message."""
    with pytest.raises(NotificationError) as error:
        parse_body(body, key)
    assert error.value.reason == reason, str(error.value)
    return str(error.value)


# Valid bodies


@pytest.mark.parametrize("key", ["Key", "4711", 4711])
def test_api_key_may_be_string_or_integer(key: str | int) -> None:
    assert parse_body(build_notification(key=str(key)), key) == parse_body(APPLIED)


@pytest.mark.parametrize(
    "layout",
    [
        '{"sign":"%(sign)s","data":%(data)s,"notifyType":2}',
        ' {\r\n "data" : %(data)s , "notifyType"\t:2,"sign": "%(sign)s"\n}\n',
        '{"traceId":"{\\"data\\":1}","notifyType":2,"sign":"%(sign)s","data": %(data)s}',
    ],
)
def test_layout_and_order_of_body_do_not_matter(layout: str) -> None:
    body = layout % {"sign": compute_sign(PAID_DATA), "data": PAID_DATA}
    assert parse_body(body.encode()) == parse_body(PAID)


@pytest.mark.parametrize(
    ("kind", "data", "body"),
    [(2, PAID_DATA, PAID), (3, ISSUED_DATA, ISSUED)],
    ids=["paid", "issued"],
)
def test_signature_of_compact_json_is_accepted(kind: int, data: str, body: bytes) -> None:
    spaced = json.dumps(json.loads(data))  # ``dumps`` also escapes the Chinese characters.
    layout = f'{{"notifyType":{kind},"sign":"{compute_sign(data)}","data":{spaced}}}'
    assert parse_body(layout.encode()) == parse_body(body)


# Invalid signatures


@pytest.mark.parametrize("body", VECTORS, ids=short_id)
def test_signature_with_other_key_is_rejected(body: bytes) -> None:
    assert_body_rejected(body, "wrong_sign", key="key")


@pytest.mark.parametrize(
    ("old", "new"), [(b"1500", b"1501"), (b'"21"', b'"2\\u0031 "'), (b'"state":true,', b"")]
)
def test_changed_data_is_rejected(old: bytes, new: bytes) -> None:
    assert PAID.count(old) == 1
    assert_body_rejected(PAID.replace(old, new), "wrong_sign")


def test_md5_length_extension_is_rejected() -> None:
    """Every member sees md5(key + partner id), the signature in a gateway URL.

    From this hash, an attacker can compute the MD5 of the same text with a suffix, without knowing
    the key. The suffix begins with MD5's padding for the eight bytes of ``Key12345``.
    """
    padding = b"\x80" + bytes(47) + b"\x40" + bytes(7)
    data = PAID_DATA.encode()
    for more in (data, b"," + data, b'":' + data + b"}"):
        suffix = padding + more
        signed = b"12345" + suffix
        for text in (signed, suffix, b'"' + signed + b'"', b'{"' + signed + b'":1}', more):
            with pytest.raises(NotificationError):
                parse_body(
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
def test_signature_of_gateway_url_is_rejected(data: str, reason: str) -> None:
    assert_body_rejected(f'{{"notifyType":1,"sign":"{SIGN}","data":{data}}}'.encode(), reason)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "api_key is empty"),
        ("  ", "api_key is empty"),
        (1.5, "api_key must be a string or an integer"),
        (LocalProxy(failing_function(ConfigError("the vault is closed"))), "the vault is closed"),
    ],
    ids=["empty", "blank", "number", "lazy"],
)
def test_invalid_api_key_raises_error(key: Any, message: str) -> None:
    with pytest.raises(NotificationError, match=message):
        parse_body(build_notification(key=""), key)


# Malformed bodies


def build_body_with_data(json_text: str) -> bytes:
    """Return the signed body of a notification with this JSON text added to its data."""
    return build_notification(1, f'{{"partnerId":12345,"insureNum":"1","state":true,{json_text}}}')


def build_body_with_extra(json_text: str) -> bytes:
    """Return a notification's body with this JSON text added outside the signed data."""
    return APPLIED[:-1] + f",{json_text}}}".encode()


def build_body_with_sign(sign: object) -> bytes:
    return json.dumps({**json.loads(PAID), "sign": sign}, ensure_ascii=False).encode()


_NO_OBJECT = "must be a single JSON object"
_NO_UTF_8 = "must be encoded in UTF-8"
_TWICE = "must not contain an object with duplicate names"
_NO_NUMBER = "must not contain NaN, Infinity or a number that is too large for Python"
_LONG = "must not contain a number with more than 64 characters"
_DEEP = "must not be nested more than 32 levels deep"

#: One row per malformed body: the body, and the beginning of the error message after the words "The
#: notification".
MALFORMED_BODIES: list[tuple[Any, str]] = [
    *[
        (body, _NO_OBJECT)
        for body in (
            *(b"", b"null", b"[]", b'"text"', b"{", b'{"notifyType"', b'{"notifyType":1'),
            *(APPLIED + b"x", APPLIED + APPLIED, APPLIED[:-1], APPLIED[:-1] + b",}"),
            *(b"\xef\xbb\xbf" + APPLIED, APPLIED.replace(b":", b"=", 1)),
            *(b"notifyType=1&sign=701dd128eae24ce8241354fcd2f9981a", build_body_with_extra("1:2")),
            *(APPLIED.replace(b'"', b"'"), build_body_with_extra('"a":"\x00"')),
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
        (build_body_with_extra(duplicate), _TWICE)
        for duplicate in (
            *('"notifyType":4', '"sign":"701dd128eae24ce8241354fcd2f9981a"'),
            *('"data":{}', '"d\\u0061ta":{}'),
        )
    ],
    (build_body_with_data('"insureNum":"2"'), _TWICE),
    (build_body_with_data('"otherInfo":{"a":[{"b":1,"b":2}]}'), _TWICE),
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
            build_body_with_data(f'"price":{number}'),
            build_body_with_extra(f'"more":[{number}]'),
            APPLIED.replace(b'"notifyType":1', f'"notifyType":{number}'.encode()),
        )
    ],
    *[
        (body, _DEEP)
        for opened, closed in (("[", "]"), ('{"a":', "}"))
        for depth in (33, 1000, 10_000)
        for body in (
            build_body_with_data(f'"otherInfo":{opened * depth}1{closed * depth}'),
            opened.encode() * depth,
        )
    ],
    (build_body_with_data(f'"a":{"[" * 31}{"]" * 31}'), _DEEP),
    *[
        (build_body_with_sign(sign), 'must have 32 lower-case hex digits as "sign"')
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


@pytest.mark.parametrize(("body", "message"), MALFORMED_BODIES, ids=short_id)
def test_malformed_body_is_rejected(body: bytes, message: str) -> None:
    assert assert_body_rejected(body).startswith(f"The notification {message}")


@pytest.mark.parametrize(
    "json_text",
    [
        r'"failMsg":"\ud83d\ude00"',
        f'"a":1.{"0" * 62}',
        f'"a":[{",".join(["[]"] * 2000)}]',
        f'"a":{"[" * 30}{"]" * 30}',
        f'"a":"{"[" * 40}"',
        r'"a":"\"[["',
    ],
    ids=short_id,
)
def test_unusual_but_valid_body_is_parsed(json_text: str) -> None:
    assert parse_body(build_body_with_data(json_text)).insure_num == "1"


def test_body_of_more_than_256_kib_is_rejected() -> None:
    size = 256 * 1024 - len(build_notification(failMsg=""))
    assert parse_body(build_notification(failMsg="x" * size)).failure == "x" * size
    assert "262,144" in assert_body_rejected(
        build_notification(failMsg="x" * (size + 1)), "too_large"
    )


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
def test_expensive_body_is_rejected_within_one_second(body: bytes) -> None:
    start = time.process_time()
    with pytest.raises(NotificationError):
        parse_body(body)
    assert time.process_time() - start < 1
