"""Tests for ``Entry`` and for the signed tokens of links.

To test another invalid argument of an entry, add a row to ``INVALID_ENTRIES``. To test another
forged or malformed token, add a row to ``INVALID_ENTRY_TOKENS`` or ``INVALID_RETURN_TOKENS``.
"""

from __future__ import annotations

import string
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from itsdangerous import Signer, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

from flask_xiebao import Entry, LinkError, Platform
from flask_xiebao.errors import TokenError
from flask_xiebao.links.tokens import (
    RedirectedClick,
    TokenSigner,
    find_tokens,
    mask_tokens_and_credentials,
    parse_token_without_verifying,
)
from tests.support import INSURE_NUM, NOW, PRODUCT_CODE, Clock
from tests.tokens import CLICK_SALT, encode_payload, sign_token
from tests.unit.support import short_id

PRODUCT = Entry("product", PRODUCT_CODE)
BEARER = Entry("policy", INSURE_NUM, member="会员 7", no_login_for=60, return_to="/orders/8")
CLICK = RedirectedClick(PRODUCT, "7", "click-id", NOW)


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(["key"], "12345")


# Arguments of the class ``Entry``

#: One row per invalid entry: the arguments to change in a valid product entry, and a pattern for
#: the error message.
INVALID_ENTRIES: list[tuple[dict[str, Any], str]] = [
    *[
        ({"page": page}, "is not a gateway page. Use one of 'product', 'home', 'policy'")
        for page in ("tv", "", "Product", None, 5, ["product"])
    ],
    *[
        ({"reference": reference}, "caseCode ")
        for reference in (None, "", "  ", "QX\n", "QX\u200b", "\ud800", True, 1.5, [PRODUCT_CODE])
    ],
    *[
        ({"page": "policy", "reference": reference}, "insureNum ")
        for reference in (None, "", " ", "2019\t", False)
    ],
    (
        {"page": "home", "reference": PRODUCT_CODE},
        r"home page does not accept a reference \(a case code or an application number\)",
    ),
    *[({"member": member}, "member ") for member in ("", " ", "7\n", "\ud800", True, 1.5, [7])],
    *[
        ({"sub_partner_id": value}, "sub_partner_id ")
        for value in (" ", "a\nb", True, False, 1.5, list[str](), dict[str, str](), ["a"])
    ],
    *[
        (
            {"page": "policy", "reference": INSURE_NUM, "sub_partner_id": value},
            'does not accept "sub_partner_id"',
        )
        for value in ("branch", "")
    ],
    *[
        (
            {"page": page, "reference": reference, "platform": Platform.PC},
            f"PC is not supported by the {page} page",
        )
        for page, reference in (("home", None), ("policy", INSURE_NUM))
    ],
    *[({"platform": platform}, "platform") for platform in ("tv", 9, 0, [1])],
    *[
        (
            {"member": "7", "no_login_for": no_login_for},
            "no_login_for must be an integer number of seconds from 1 to 1,000,000,000",
        )
        for no_login_for in (0, -1, True, False, 1.5, 60.0, "60", "", [60])
    ],
    ({"no_login_for": 60}, 'A link with "no_login_for" requires "member"'),
    *[
        ({"return_to": path}, 'return_to must be a path of this site that begins with "/"')
        for path in (
            *("", " ", "orders/8", "./orders", "?paid=1", "#paid", " /orders", "\\orders"),
            *("https://evil.example/", "https:/x", "javascript:alert(1)", "evil.example"),
            *(8, True, b"/orders/8", ["/orders/8"]),
        )
    ],
    *[
        ({"return_to": path}, "return_to must not point to another site")
        for path in (
            *("//evil.example", "///evil.example", "/\\evil.example", "/\\/evil.example"),
            *("/orders\\8", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example"),
            *("/orders\0", "/orders\r\nSet-Cookie: a=b", "/\u200b/x", "/\ud800", "/\x7f"),
        )
    ],
    *[
        ({"signed_at": moment}, "signed_at must be an integer number of seconds")
        for moment in (NOW + 0.5, "2026", True, -1, 10**20)
    ],
]


@pytest.mark.parametrize(("values", "message"), INVALID_ENTRIES, ids=short_id)
def test_entry_with_invalid_argument_raises_link_error(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        Entry(
            **{
                "page": "product",
                **({} if "page" in values else {"reference": PRODUCT_CODE}),
                **values,
            }
        )
    assert error.value.argument in values


@pytest.mark.parametrize(
    "entry",
    [
        PRODUCT,
        BEARER,
        Entry("home"),
        Entry("product", PRODUCT_CODE, member="7"),
        Entry("product", PRODUCT_CODE, member="7", no_login_for=1),
        Entry("product", PRODUCT_CODE, sub_partner_id="branch"),
        Entry("product", PRODUCT_CODE, sub_partner_id=""),
        Entry("product", PRODUCT_CODE, platform=Platform.PC),
        Entry("product", PRODUCT_CODE, return_to="/"),
        Entry(
            "product", PRODUCT_CODE, return_to="/orders/8?paid=1&next=https://shop.example//x#top"
        ),
        Entry("product", PRODUCT_CODE, return_to="/订单/8 号"),
        Entry("product", PRODUCT_CODE, client_reference="订单 8"),
        Entry("product", PRODUCT_CODE, "7", 1, "", Platform.IOS, "/", "order-8"),
    ],
    ids=short_id,
)
def test_parsed_token_equals_signed_entry_or_click(signer: TokenSigner, entry: Entry) -> None:
    token = signer.build_entry_token(entry)
    assert set(token) <= {*string.ascii_letters, *string.digits, *"-_."}
    assert signer.parse_entry_token(token) == entry
    assert type(signer.parse_entry_token(token).platform) is type(entry.platform)
    click = RedirectedClick(entry, "会员 7", "click-id", NOW)
    assert signer.parse_return_token(signer.build_return_token(click)) == click


def test_entry_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        BEARER.member = "8"  # type: ignore[misc]


# Signing times of tokens


def test_token_without_member_does_not_depend_on_time(signer: TokenSigner, clock: Clock) -> None:
    first = signer.build_entry_token(PRODUCT)
    clock.shift(86_400)
    assert signer.build_entry_token(PRODUCT) == first
    assert signer.parse_entry_token(first).signed_at is None


@pytest.mark.parametrize("no_login_for", [None, 60])
def test_token_with_member_keeps_first_signing_time(
    signer: TokenSigner, clock: Clock, no_login_for: int | None
) -> None:
    entry = Entry("product", PRODUCT_CODE, member="7", no_login_for=no_login_for)
    token = signer.build_entry_token(entry)
    clock.shift(10**8)
    loaded = signer.parse_entry_token(token)
    assert loaded == entry
    assert loaded.signed_at == NOW
    assert signer.parse_entry_token(signer.build_entry_token(loaded)).signed_at == NOW
    assert signer.parse_entry_token(signer.build_entry_token(entry)).signed_at == NOW + 10**8


_SIGNED = replace(BEARER, signed_at=NOW)


@pytest.mark.parametrize(
    ("entry", "now", "left"),
    [
        (_SIGNED, NOW, 60),
        (_SIGNED, NOW + 0.9, 60),
        (_SIGNED, NOW + 59.9, 1),
        (_SIGNED, NOW + 60, 0),
        (_SIGNED, NOW + 10**6, 0),
        # An entry can replace a login only if it has a member, ``no_login_for`` and a signing time.
        # Otherwise, ``seconds_left`` returns None.
        (PRODUCT, NOW, None),
        (replace(_SIGNED, no_login_for=None), NOW, None),
        (BEARER, NOW, None),
    ],
)
def test_seconds_left_counts_down_to_zero(entry: Entry, now: float, left: int | None) -> None:
    assert entry.seconds_left(now) == left


# Forged and malformed tokens

TOKEN = TokenSigner(["key"], "12345").build_entry_token(PRODUCT)
CLICK_TOKEN = TokenSigner(["key"], "12345").build_return_token(CLICK)
_PAYLOAD, _, _SIGNATURE = TOKEN.partition(".")
_OTHER_PAYLOAD = (
    TokenSigner(["key"], "12345").build_entry_token(Entry("product", "QX2")).partition(".")[0]
)

#: One row per invalid token of an entry link: a description, the token, and the error's ``cause``.
INVALID_ENTRY_TOKENS = {
    **{
        short_id(text): (text, "malformed")
        for text in (
            *("", ".", "..", "x", "x.y", "é", "\0", "\ud800", "%", "x" * 100_000, "." * 10_000),
            *(TOKEN + TOKEN, f"{TOKEN}.x", f".{TOKEN}", _PAYLOAD, _SIGNATURE),
        )
    },
    **{
        f"{letter!r} inside": (f"{TOKEN[:9]}{letter}{TOKEN[9:]}", "malformed")
        for letter in "=+/% é\0\n"
    },
    **{f"{letter!r} at the end": (f"{TOKEN}{letter}", "malformed") for letter in ("=", "\n", "é")},
    "last character missing": (TOKEN[:-1], "changed"),
    "more at the end": (f"{TOKEN}AAAA", "changed"),
    "more at the beginning": (f"x{TOKEN}", "changed"),
    "another payload": (f"{_OTHER_PAYLOAD}.{_SIGNATURE}", "changed"),
    "another key id": (f"{_PAYLOAD}.AAA{_SIGNATURE[3:]}", "unknown_key"),
    "another key": (
        TokenSigner(["another key"], "12345").build_entry_token(PRODUCT),
        "unknown_key",
    ),
    "another account": (TokenSigner(["key"], "54321").build_entry_token(PRODUCT), "unknown_key"),
    "empty key": (TokenSigner([""], "12345").build_entry_token(PRODUCT), "unknown_key"),
    "return token": (CLICK_TOKEN, "another_page"),
    "no salt": (URLSafeSerializer("key").dumps(["product", PRODUCT_CODE]), "unknown_key"),
    "serializer": (
        URLSafeSerializer("key", salt="flask-xiebao.entry").dumps(["product", PRODUCT_CODE]),
        "unknown_key",
    ),
    "timed serializer": (
        URLSafeTimedSerializer("key", salt="flask-xiebao.entry").dumps(["product", PRODUCT_CODE]),
        "malformed",
    ),
    "signer": (
        Signer("key").sign(base64_encode(f'["product","{PRODUCT_CODE}"]')).decode(),
        "unknown_key",
    ),
}


#: One row per invalid token of a return link: a description, the token, and the error's ``cause``.
INVALID_RETURN_TOKENS = {
    "empty": ("", "malformed"),
    "unpaired surrogate": ("\ud800", "malformed"),
    "changed": (f"{CLICK_TOKEN}A", "changed"),
    "entry token": (TOKEN, "another_page"),
    "entry token with member": (
        TokenSigner(["key"], "12345").build_entry_token(BEARER),
        "another_page",
    ),
}


@pytest.mark.parametrize(
    ("method", "token", "cause"),
    [
        *(
            pytest.param("parse_entry_token", *row, id=name)
            for name, row in INVALID_ENTRY_TOKENS.items()
        ),
        *(
            pytest.param("parse_return_token", *row, id=f"return link: {name}")
            for name, row in INVALID_RETURN_TOKENS.items()
        ),
    ],
)
def test_malformed_or_foreign_token_raises_token_error(
    signer: TokenSigner, method: str, token: str, cause: str
) -> None:
    with pytest.raises(TokenError, match="not made by this site, or it was changed") as error:
        getattr(signer, method)(token)
    assert error.value.cause == cause


def test_last_key_signs_and_older_keys_still_verify() -> None:
    rotated = TokenSigner(["oldest", b"old", "new"], "12345")
    for key in ("oldest", "old", "new"):
        assert (
            rotated.parse_entry_token(TokenSigner([key], "12345").build_entry_token(PRODUCT))
            == PRODUCT
        )
        assert (
            rotated.parse_return_token(TokenSigner([key], "12345").build_return_token(CLICK))
            == CLICK
        )
    assert rotated.build_entry_token(PRODUCT) == TokenSigner(["new"], "12345").build_entry_token(
        PRODUCT
    )


# Signed payloads from other versions of the extension


def test_sign_token_helper_signs_like_extension(signer: TokenSigner) -> None:
    assert signer.parse_entry_token(sign_token(["product", PRODUCT_CODE], key="key")) == PRODUCT
    click = sign_token(["7", "click-id", NOW, "product", PRODUCT_CODE], CLICK_SALT, key="key")
    assert signer.parse_return_token(click) == CLICK


#: Token payloads that do not describe a valid entry.
INVALID_PAYLOADS: list[Any] = [
    *(b"", b"[", b"\xff", b'["product",', b'["\\ud800"]', b"NaN"),
    *(None, 5, True, "home", "product", [], {}, {"page": "home"}, {"home": None}),
    *([None], [["home"]], [{}], [5], ["tv"], ["product"], ["product", ""], ["home", PRODUCT_CODE]),
    ["product", PRODUCT_CODE, None, 9],
    ["product", PRODUCT_CODE, None, "h5"],
    ["product", PRODUCT_CODE, None, [1]],
    ["home", None, None, 2],
    ["home", None, None, None, "//evil.example"],
    ["policy", INSURE_NUM, "branch"],
    ["policy", INSURE_NUM, None, None, None, "", NOW],
    ["policy", INSURE_NUM, None, None, None, ["7"], NOW],
    ["policy", INSURE_NUM, None, None, None, "7", NOW, 0],
    ["policy", INSURE_NUM, None, None, None, "7", NOW, "60"],
    ["policy", INSURE_NUM, None, None, None, None, NOW, 60],
    ["policy", INSURE_NUM, None, None, None, "7", NOW, 60, 8],
    ["policy", INSURE_NUM, None, None, None, "7", NOW, 60, ""],
    ["policy", INSURE_NUM, None, None, None, "7", NOW, 60, "order-8", "more"],
]


@pytest.mark.parametrize("payload", INVALID_PAYLOADS, ids=short_id)
def test_signed_payload_without_valid_entry_raises_link_error(
    signer: TokenSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.parse_entry_token(sign_token(payload, key="key"))


@pytest.mark.parametrize(
    "payload",
    [[], ["7"], ["7", "click-id"], ["7", "click-id", NOW], ["7", "id", NOW, "tv"], None],
    ids=short_id,
)
def test_signed_payload_without_valid_click_raises_link_error(
    signer: TokenSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.parse_return_token(sign_token(payload, CLICK_SALT, key="key"))


# Functions that accept tokens without verifying the signature


@pytest.mark.parametrize(
    ("token", "entry"),
    [
        (TokenSigner(["another key"], "54321").build_entry_token(BEARER), BEARER),
        (f"{encode_payload(['home']).decode()}.x", Entry("home")),
    ],
)
def test_parsing_without_verifying_accepts_any_signature(token: str, entry: Entry) -> None:
    assert parse_token_without_verifying(token) == entry


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "x", "é", "\ud800", CLICK_TOKEN, f"{encode_payload(b'[' * 20_000).decode()}.x"),
        *(f"{encode_payload(payload).decode()}.{'d' * 46}" for payload in INVALID_PAYLOADS),
    ],
    ids=short_id,
)
def test_parsing_without_verifying_rejects_invalid_entry(token: str) -> None:
    with pytest.raises(TokenError) as error:
        parse_token_without_verifying(token)
    assert error.value.cause == "malformed"


CLICK_OF_ALICE = TokenSigner(["key"], "12345").build_return_token(replace(CLICK, member="alice"))
#: One row per text: the text, and the tokens that it contains.
TEXTS: list[tuple[str, list[str]]] = [
    (f"https://shop.example/xiebao/product/{TOKEN}?platform=h5", [TOKEN]),
    (f'<a href="/xiebao/product/{TOKEN}">', [TOKEN]),
    (f"{TOKEN} {CLICK_OF_ALICE}", [TOKEN, CLICK_OF_ALICE]),
    (TOKEN.replace(".", "%2E"), [TOKEN.replace(".", "%2E")]),
    (TOKEN.replace(".", "%25252e"), [TOKEN.replace(".", "%25252e")]),
    (TOKEN.lower(), [TOKEN.lower()]),
    ("/css/bootstrap.0a1b0a1b0a1b0a1b0a1b0a1b0a1b0a1b.css", []),
    (_PAYLOAD, []),
    ("yJ" * 100_000, []),
]


@pytest.mark.parametrize(("text", "tokens"), TEXTS, ids=short_id)
def test_tokens_in_text_are_found_and_masked(text: str, tokens: list[str]) -> None:
    assert find_tokens(text) == tokens
    masked = mask_tokens_and_credentials(text)
    assert masked.count("…") == len(tokens)
    assert not any(token in masked for token in tokens)


def test_masking_removes_credentials_from_urls() -> None:
    assert (
        mask_tokens_and_credentials("to https://user:hunter2@shop.example/x.")
        == "to https://shop.example/x."
    )
