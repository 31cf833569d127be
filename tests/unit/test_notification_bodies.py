"""Tests for the signature and the JSON of a notification's body.

To test another malformed body, add a row to ``MALFORMED_BODIES``. To test another forged body, add
a row to ``WRONG_SIGNATURES``.
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

# Valid notification bodies


@pytest.mark.parametrize("key", ["Key", "4711", 4711])
def test_api_key_may_be_string_or_integer(key: str | int) -> None:
    assert parse_body(build_notification(key=str(key)), key) == parse_body(APPLIED)


@pytest.mark.parametrize(
    ("body", "layout"),
    [
        (PAID, '{"sign":"%(sign)s","data":%(data)s,"notifyType":2}'),
        (PAID, ' {\r\n "data" : %(data)s , "notifyType"\t:2,"sign": "%(sign)s"\n}\n'),
        (PAID, '{"traceId":"{\\"data\\":1}","notifyType":2,"sign":"%(sign)s","data": %(data)s}'),
        # The signature is computed from the data without spaces. It is also valid for the same data
        # with spaces.
        (PAID, '{"notifyType":2,"sign":"%(sign)s","data":%(spaced_data)s}'),
        (ISSUED, '{"notifyType":3,"sign":"%(sign)s","data":%(spaced_data)s}'),
    ],
)
def test_layout_and_order_of_body_do_not_matter(body: bytes, layout: str) -> None:
    data = body.decode().partition('"data":')[2][:-1]
    text = layout % {
        "sign": compute_sign(data),
        "data": data,
        "spaced_data": json.dumps(json.loads(data)),  # This also escapes Chinese characters.
    }
    assert parse_body(text.encode()) == parse_body(body)


# Notification bodies with invalid signatures


#: One row per body with a wrong signature: the body, and the API key with which the signature is
#: verified.
WRONG_SIGNATURES = [
    *[(body, "key") for body in VECTORS],
    *[
        (PAID.replace(old, new), "Key")
        for old, new in ((b"1500", b"1501"), (b'"21"', b'"2\\u0031 "'), (b'"state":true,', b""))
    ],
    # The data, which contains an unpaired surrogate, was changed after it was signed.
    (
        build_notification(2, r'{"insureNum":"1","state":false,"failMsg":"\ud83d"}').replace(
            b'"1"', b'"2"'
        ),
        "Key",
    ),
    # The signature is from a gateway URL of the same account, so every member can see this
    # signature.
    (
        b'{"notifyType":1,"sign":"%s","data":{"partnerId":12345,"insureNum":"1","state":true}}'
        % SIGN.encode(),
        "Key",
    ),
]


@pytest.mark.parametrize(("body", "key"), WRONG_SIGNATURES, ids=short_id)
def test_wrong_signature_is_rejected(body: bytes, key: str) -> None:
    with pytest.raises(NotificationError) as error:
        parse_body(body, key)
    assert error.value.reason == "wrong_sign"


#: MD5's padding for the eight bytes of ``Key12345``.
MD5_PADDING = b"\x80" + bytes(47) + b"\x40" + bytes(7)


@pytest.mark.parametrize("suffix", [PAID_DATA, f",{PAID_DATA}", f'":{PAID_DATA}}}'])
@pytest.mark.parametrize(
    ("layout", "reason", "message"),
    [
        *[
            (layout, "malformed", "must be encoded in UTF-8")
            for layout in (b"%(signed)s", b"%(extension)s", b'"%(signed)s"', b'{"%(signed)s":1}')
        ],
        (b"%(escaped)s", "malformed", 'must have an object as "data"'),
        (b"{%(escaped)s:1}", "wrong_sign", "was not made with the API key"),
        (PAID_DATA.encode(), "wrong_sign", "was not made with the API key"),
    ],
    ids=short_id,
)
def test_md5_length_extension_is_rejected(
    layout: bytes, reason: str, message: str, suffix: str
) -> None:
    """Every member sees md5(key + partner id), the signature in a gateway URL.

    From this hash, an attacker can compute the MD5 of the same text with MD5's padding and a suffix
    of the attacker's choice, without knowing the key. UTF-8 and JSON stop this attack: the padding
    is not valid UTF-8, and the data must be a JSON object. If the data contains the padding as JSON
    escapes, or lacks the padding, the data differs from the signed text.
    """
    extension = MD5_PADDING + suffix.encode()
    signed = b"12345" + extension
    escaped = json.dumps(signed.decode("latin-1")).encode()
    data = layout % {b"signed": signed, b"extension": extension, b"escaped": escaped}
    with pytest.raises(NotificationError, match=message) as error:
        parse_body(
            b'{"notifyType":2,"sign":"%s","data":%s}' % (compute_sign(signed).encode(), data)
        )
    assert error.value.reason == reason


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


# Malformed notification bodies


def build_body_with_data(json_text: str) -> bytes:
    """Return the signed body of a notification with this JSON text added to its data."""
    return build_notification(1, f'{{"partnerId":12345,"insureNum":"1","state":true,{json_text}}}')


def build_body_with_extra(json_text: str) -> bytes:
    """Return a notification's body with this JSON text added outside the signed data."""
    return APPLIED[:-1] + f",{json_text}}}".encode()


_TWICE = "must not contain an object with duplicate names"
_DEEP = "must not be nested more than 32 levels deep"

#: One row per malformed body: the body, and the beginning of the error message after the words "The
#: notification".
MALFORMED_BODIES: list[tuple[Any, str]] = [
    *[
        (body, "must be a single JSON object")
        for body in (
            *(b"", b"null", b"[]", b'"text"', b"{", b'{"notifyType"', b'{"notifyType":1'),
            *(APPLIED + b"x", APPLIED + APPLIED, APPLIED[:-1], APPLIED[:-1] + b",}"),
            *(b"\xef\xbb\xbf" + APPLIED, APPLIED.replace(b":", b"=", 1)),
            *(b"notifyType=1&sign=701dd128eae24ce8241354fcd2f9981a", build_body_with_extra("1:2")),
            *(APPLIED.replace(b'"', b"'"), build_body_with_extra('"a":"\x00"')),
        )
    ],
    *[
        (body, "must be encoded in UTF-8")
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
        (body, message)
        for message, numbers in (
            (
                "must not contain NaN, Infinity or a number that is too large for Python",
                ("NaN", "Infinity", "-Infinity", "1e400", "-1e400"),
            ),
            (
                "must not contain a number with more than 64 characters",
                ("9" * 5000, "0." + "1" * 5000, "1" * 65),
            ),
        )
        for number in numbers
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
        (
            json.dumps({**json.loads(PAID), "sign": sign}, ensure_ascii=False).encode(),
            'must have 32 lower-case hex digits as "sign"',
        )
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
    # The signature in a gateway URL signs only the partner id. The parser must reject a
    # notification that has this signature, and the partner id as its data.
    *[
        (
            f'{{"notifyType":1,"sign":"{SIGN}","data":{data}}}'.encode(),
            'must have an object as "data"',
        )
        for data in ("12345", '"12345"')
    ],
]


@pytest.mark.parametrize(("body", "message"), MALFORMED_BODIES, ids=short_id)
def test_malformed_body_is_rejected(body: bytes, message: str) -> None:
    with pytest.raises(NotificationError) as error:
        parse_body(body)
    assert error.value.reason == "malformed"
    assert str(error.value).startswith(f"The notification {message}")


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
    assert parse_body(APPLIED.ljust(256 * 1024)) == parse_body(APPLIED)
    with pytest.raises(NotificationError, match="262,144") as error:
        parse_body(APPLIED.ljust(256 * 1024 + 1))
    assert error.value.reason == "too_large"


#: One row per body that could take long to parse: the body, and the error message. The bodies are
#: smaller than 256 KiB, because the parser does not read larger bodies.
EXPENSIVE_BODIES = {
    "quotes": (b'{"a":"' + b'\\"' * 130_000, "Unterminated string"),
    "digits": (b'{"a":' + b"1" * 260_000 + b"}", "must not contain a number with more than 64"),
    "spaces": (b"{" + b" " * 260_000, "must be a single JSON object"),
    "lists": (b"[" * 260_000, _DEEP),
    "objects": (b'{"a":' * 52_000, _DEEP),
    "strings": (b'{"a":[' + b'"",' * 86_000 + b'""]}', 'has no field "notifyType"'),
    "surrogates": (rb'{"a":"' + rb"\ud83d" * 43_000 + b'"}', 'has no field "notifyType"'),
    "many": (
        build_notification(1, data={"partnerId": 12345, **{f"n{i}": i for i in range(18_000)}}),
        '"insureNum" is missing',
    ),
}


@pytest.mark.parametrize(("body", "message"), EXPENSIVE_BODIES.values(), ids=EXPENSIVE_BODIES)
def test_expensive_body_is_rejected_within_one_second(body: bytes, message: str) -> None:
    start = time.process_time()
    with pytest.raises(NotificationError, match=message):
        parse_body(body)
    assert time.process_time() - start < 1
