"""Entries and their tokens: what is refused, what survives, and what no key of ours signed."""

from __future__ import annotations

import string
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import time_machine
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
from tests.support import INSURE_NUM, PRODUCT_CODE
from tests.tokens import CLICK_SALT, encode_payload, sign_token
from tests.unit.support import short

NOW = 1_700_000_000

PRODUCT = Entry("product", PRODUCT_CODE)
BEARER = Entry("policy", INSURE_NUM, member="会员 7", no_login_for=60, return_to="/orders/8")
CLICK = RedirectedClick(PRODUCT, "7", "click-id", NOW)


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner(["key"], "12345")


# Entries

_NO_HOST = "return_to must not point to another site"
_NO_PATH = 'return_to must be a path of this site that begins with "/"'
_SECONDS = "no_login_for must be an integer number of seconds from 1 to 1,000,000,000"

#: What is wrong with an entry of a product, and what is said of it.
WRONG: list[tuple[dict[str, Any], str]] = [
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
        ({"member": "7", "no_login_for": no_login_for}, _SECONDS)
        for no_login_for in (0, -1, True, False, 1.5, 60.0, "60", "", [60])
    ],
    ({"no_login_for": 60}, 'A link with "no_login_for" requires "member"'),
    *[
        ({"return_to": path}, _NO_PATH)
        for path in (
            *("", " ", "orders/8", "./orders", "?paid=1", "#paid", " /orders", "\\orders"),
            *("https://evil.example/", "https:/x", "javascript:alert(1)", "evil.example"),
            *(8, True, b"/orders/8", ["/orders/8"]),
        )
    ],
    *[
        ({"return_to": path}, _NO_HOST)
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


@pytest.mark.parametrize(("values", "words"), WRONG, ids=short)
def test_an_entry_refuses_a_wrong_argument_and_names_it(values: dict[str, Any], words: str) -> None:
    with pytest.raises(LinkError, match=words) as raised:
        Entry(
            **{
                "page": "product",
                **({} if "page" in values else {"reference": PRODUCT_CODE}),
                **values,
            }
        )
    assert raised.value.argument in values


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
    ids=short,
)
def test_an_entry_and_its_click_come_back_from_their_tokens_as_they_were(
    signer: TokenSigner, entry: Entry
) -> None:
    token = signer.build_entry_token(entry)
    assert set(token) <= {*string.ascii_letters, *string.digits, *"-_."}
    assert signer.parse_entry_token(token) == entry
    assert type(signer.parse_entry_token(token).platform) is type(entry.platform)
    click = RedirectedClick(entry, "会员 7", "click-id", NOW)
    assert signer.parse_return_token(signer.build_return_token(click)) == click


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        BEARER.member = "8"  # type: ignore[misc]


# Time


def test_a_token_without_a_member_is_the_same_at_any_time(signer: TokenSigner) -> None:
    with time_machine.travel(NOW, tick=False):
        first = signer.build_entry_token(PRODUCT)
    with time_machine.travel(NOW + 86_400, tick=False):
        assert signer.build_entry_token(PRODUCT) == first
        assert signer.parse_entry_token(first).signed_at is None


@pytest.mark.parametrize("no_login_for", [None, 60])
def test_a_token_with_a_member_says_when_it_was_signed_first_however_old_it_is(
    signer: TokenSigner, no_login_for: int | None
) -> None:
    entry = Entry("product", PRODUCT_CODE, member="7", no_login_for=no_login_for)
    with time_machine.travel(NOW, tick=False):
        token = signer.build_entry_token(entry)
    with time_machine.travel(NOW + 10**8, tick=False):
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
        # These never vouched for anybody.
        (PRODUCT, NOW, None),
        (replace(_SIGNED, no_login_for=None), NOW, None),
        (BEARER, NOW, None),
    ],
)
def test_seconds_left_are_counted_down_to_none(entry: Entry, now: float, left: int | None) -> None:
    assert entry.seconds_left(now) == left


# What no key of ours signed

TOKEN = TokenSigner(["key"], "12345").build_entry_token(PRODUCT)
CLICK_TOKEN = TokenSigner(["key"], "12345").build_return_token(CLICK)
_PAYLOAD, _, _SIGNATURE = TOKEN.partition(".")
_OTHER_PAYLOAD = (
    TokenSigner(["key"], "12345").build_entry_token(Entry("product", "QX2")).partition(".")[0]
)

#: What is no token of an entry, and why not, as the site is told.
NO_TOKENS = {
    **{
        short(text): (text, "malformed")
        for text in (
            *("", ".", "..", "x", "x.y", "é", "\0", "\ud800", "%", "x" * 100_000, "." * 10_000),
            *(TOKEN + TOKEN, f"{TOKEN}.x", f".{TOKEN}", _PAYLOAD, _SIGNATURE),
        )
    },
    **{
        f"with {letter!r} in it": (f"{TOKEN[:9]}{letter}{TOKEN[9:]}", "malformed")
        for letter in "=+/% é\0\n"
    },
    **{
        f"with {letter!r} at its end": (f"{TOKEN}{letter}", "malformed")
        for letter in ("=", "\n", "é")
    },
    "without its end": (TOKEN[:-1], "changed"),
    "with more at its end": (f"{TOKEN}AAAA", "changed"),
    "with more before it": (f"x{TOKEN}", "changed"),
    "another payload": (f"{_OTHER_PAYLOAD}.{_SIGNATURE}", "changed"),
    "another key's name": (f"{_PAYLOAD}.AAA{_SIGNATURE[3:]}", "unknown_key"),
    "another key": (
        TokenSigner(["another key"], "12345").build_entry_token(PRODUCT),
        "unknown_key",
    ),
    "another account": (TokenSigner(["key"], "54321").build_entry_token(PRODUCT), "unknown_key"),
    "empty key": (TokenSigner([""], "12345").build_entry_token(PRODUCT), "unknown_key"),
    "a click": (CLICK_TOKEN, "another_page"),
    "no salt": (URLSafeSerializer("key").dumps(["product", PRODUCT_CODE]), "unknown_key"),
    "serializer": (
        URLSafeSerializer("key", salt="flask-xiebao.entry").dumps(["product", PRODUCT_CODE]),
        "unknown_key",
    ),
    "with a time": (
        URLSafeTimedSerializer("key", salt="flask-xiebao.entry").dumps(["product", PRODUCT_CODE]),
        "malformed",
    ),
    "signer": (
        Signer("key").sign(base64_encode(f'["product","{PRODUCT_CODE}"]')).decode(),
        "unknown_key",
    ),
}


NO_CLICKS = {
    "empty": ("", "malformed"),
    "half a character": ("\ud800", "malformed"),
    "changed": (f"{CLICK_TOKEN}A", "changed"),
    "an entry": (TOKEN, "another_page"),
    "a member's entry": (TokenSigner(["key"], "12345").build_entry_token(BEARER), "another_page"),
}


@pytest.mark.parametrize(
    ("load", "token", "cause"),
    [
        *(pytest.param("parse_entry_token", *NO_TOKENS[what], id=what) for what in NO_TOKENS),
        *(
            pytest.param("parse_return_token", *NO_CLICKS[what], id=f"as a click, {what}")
            for what in NO_CLICKS
        ),
    ],
)
def test_what_no_key_signed_for_this_purpose_and_account_is_refused(
    signer: TokenSigner, load: str, token: str, cause: str
) -> None:
    with pytest.raises(TokenError, match="not made by this site, or it was changed") as raised:
        getattr(signer, load)(token)
    assert raised.value.cause == cause


def test_the_last_key_signs_and_the_older_ones_still_open() -> None:
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


# What only a future or past version of the site could have signed


def test_a_payload_signed_here_is_signed_as_a_site_does(signer: TokenSigner) -> None:
    assert signer.parse_entry_token(sign_token(["product", PRODUCT_CODE], key="key")) == PRODUCT
    click = sign_token(["7", "click-id", NOW, "product", PRODUCT_CODE], CLICK_SALT, key="key")
    assert signer.parse_return_token(click) == CLICK


#: Payloads that make no entry.
NO_ENTRIES: list[Any] = [
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


@pytest.mark.parametrize("payload", NO_ENTRIES, ids=short)
def test_a_payload_that_makes_no_entry_is_refused_though_it_is_signed(
    signer: TokenSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.parse_entry_token(sign_token(payload, key="key"))


@pytest.mark.parametrize(
    "payload",
    [[], ["7"], ["7", "click-id"], ["7", "click-id", NOW], ["7", "id", NOW, "tv"], None],
    ids=short,
)
def test_a_payload_that_makes_no_click_is_refused_though_it_is_signed(
    signer: TokenSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.parse_return_token(sign_token(payload, CLICK_SALT, key="key"))


# Tokens that are read without their signature, and found in a text


@pytest.mark.parametrize(
    "token",
    [
        TokenSigner(["another key"], "54321").build_entry_token(BEARER),
        f"{encode_payload(['home']).decode()}.x",
    ],
)
def test_read_unverified_accepts_any_signature(token: str) -> None:
    assert parse_token_without_verifying(token) in (BEARER, Entry("home"))


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "x", "é", "\ud800", CLICK_TOKEN, f"{encode_payload(b'[' * 20_000).decode()}.x"),
        *(f"{encode_payload(payload).decode()}.{'d' * 46}" for payload in NO_ENTRIES),
    ],
    ids=short,
)
def test_read_unverified_rejects_payload_that_makes_no_entry(token: str) -> None:
    with pytest.raises(TokenError) as raised:
        parse_token_without_verifying(token)
    assert raised.value.cause == "malformed"


CLICK_OF_ALICE = TokenSigner(["key"], "12345").build_return_token(replace(CLICK, member="alice"))
#: A text, and the tokens in it.
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


@pytest.mark.parametrize(("text", "tokens"), TEXTS, ids=short)
def test_tokens_are_found_in_text_and_masked(text: str, tokens: list[str]) -> None:
    assert find_tokens(text) == tokens
    masked = mask_tokens_and_credentials(text)
    assert masked.count("…") == len(tokens)
    assert not any(token in masked for token in tokens)


def test_mask_tokens_removes_user_name_and_password_from_urls() -> None:
    assert (
        mask_tokens_and_credentials("to https://user:hunter2@shop.example/x.")
        == "to https://shop.example/x."
    )
