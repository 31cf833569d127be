"""Entries and their tokens: what is refused, what survives, and what no key of ours signed."""

from __future__ import annotations

import hashlib
import json
import random
import string
from collections.abc import Callable
from dataclasses import FrozenInstanceError, astuple, replace
from typing import Any

import pytest
import time_machine
from itsdangerous import Signer, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from markupsafe import Markup
from werkzeug.local import LocalProxy

from flask_xiebao import Entry, LinkError, Platform, XiebaoError
from flask_xiebao.links.members import normalize_member
from flask_xiebao.links.tokens import Click, LinkSigner
from tests.support import CODE, NUMBER

NOW = 1_700_000_000

PRODUCT = Entry("product", CODE)
BEARER = Entry("policy", NUMBER, member="会员 7", no_login_for=60, return_to="/orders/8")
CLICK = Click(PRODUCT, "7", "click-id", NOW)


@pytest.fixture
def signer() -> LinkSigner:
    return LinkSigner(["key"], "12345")


# Members

MEMBERS = [
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
    (Markup("<7>"), "<7>"),
]
NO_MEMBERS = [True, 1.5, 0.0, [], [7], (), {}, b"7", b"", object(), {7}, Platform]


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: LocalProxy(lambda: value)])
@pytest.mark.parametrize(("value", "member"), MEMBERS)
def test_a_member_is_nobody_or_text(
    value: object, member: str | None, wrap: Callable[[object], object]
) -> None:
    found = normalize_member(wrap(value))
    assert found == member
    assert type(found) is (type(None) if member is None else str)


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: LocalProxy(lambda: value)])
@pytest.mark.parametrize("value", NO_MEMBERS)
def test_what_is_no_member_is_an_error_and_never_nobody(
    value: object, wrap: Callable[[object], object]
) -> None:
    with pytest.raises(
        LinkError, match="A member's id must be text, a whole number or a UUID, not"
    ):
        normalize_member(wrap(value))


# Entries

_NO_HOST = "return_to must stay on this site"
_NO_PATH = "return_to must be a path of this site that begins with /"
_SECONDS = "no_login_for must be a positive whole number of seconds"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        *[
            ({"page": page}, "is not a page of the gateway: use one of product, home, policy")
            for page in ("tv", "", "Product", None, 5, ["product"])
        ],
        *[
            ({"reference": reference}, "caseCode ")
            for reference in (None, "", "  ", "QX\n", "QX\u200b", "\ud800", True, 1.5, [CODE])
        ],
        *[
            ({"page": "policy", "reference": reference}, "insureNum ")
            for reference in (None, "", " ", "2019\t", False)
        ],
        ({"page": "home", "reference": CODE}, "home page takes no case code or application number"),
        *[({"member": member}, "member ") for member in ("", " ", "7\n", "\ud800", True, 1.5, [7])],
        *[
            ({"sub_partner_id": value}, "sub_partner_id ")
            for value in (" ", "a\nb", True, False, 1.5, list[str](), dict[str, str](), ["a"])
        ],
        *[
            ({"page": "policy", "reference": NUMBER, "sub_partner_id": value}, "no sub_partner_id")
            for value in ("branch", "")
        ],
        *[
            ({"page": page, "reference": reference, "platform": Platform.PC}, f"{page} page .* PC")
            for page, reference in (("home", None), ("policy", NUMBER))
        ],
        *[({"platform": platform}, "platform") for platform in ("tv", 9, 0, [1])],
        *[
            ({"member": "7", "no_login_for": no_login_for}, _SECONDS)
            for no_login_for in (0, -1, True, False, 1.5, 60.0, "60", "", [60])
        ],
        ({"no_login_for": 60}, "no_login_for needs member"),
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
    ],
)
def test_an_entry_refuses_a_wrong_argument_and_names_it(values: dict[str, Any], words: str) -> None:
    with pytest.raises(LinkError, match=words):
        Entry(**{"page": "product", **({} if "page" in values else {"reference": CODE}), **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"member": "7"},
        {"member": "7", "no_login_for": 1},
        {"sub_partner_id": "branch"},
        {"sub_partner_id": ""},
        {"platform": Platform.PC},
        {"return_to": "/"},
        {"return_to": "/orders/8?paid=1&next=https://shop.example//x#top"},
        {"return_to": "/订单/8 号"},
        {"client_reference": "订单 8"},
        {"client_reference": "order-8", "member": "7", "no_login_for": 1, "return_to": "/"},
    ],
)
def test_an_entry_takes_what_is_right(values: dict[str, Any], signer: LinkSigner) -> None:
    entry = Entry("product", CODE, **values)
    assert signer.loads(signer.dumps(entry)) == entry


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        BEARER.member = "8"  # type: ignore[misc]


def test_a_link_error_can_be_caught_with_the_others() -> None:
    assert issubclass(LinkError, XiebaoError)


# Tokens

_LETTERS = string.printable[:95] + "携保旅行险éß😀" + "\"\\/,[]{}:'" * 3


def some_text(chance: random.Random) -> str:
    return "x" + "".join(chance.choices(_LETTERS, k=chance.randrange(20)))


def some_entry(chance: random.Random) -> Entry:
    page = chance.choice(["product", "home", "policy"])
    member = chance.choice([None, some_text(chance), "7"])
    platforms = [None, Platform.H5, Platform.IOS, Platform.ANDROID]
    return Entry(
        page=page,
        reference=None if page == "home" else some_text(chance),
        member=member,
        no_login_for=None if member is None else chance.choice([None, 1, 60, 10**9]),
        sub_partner_id=None if page == "policy" else chance.choice([None, "", some_text(chance)]),
        platform=chance.choice([*platforms, Platform.PC] if page == "product" else platforms),
        return_to=chance.choice([None, "/", "/" + some_text(chance).replace("\\", "/")]),
        client_reference=chance.choice([None, some_text(chance)]),
    )


def test_every_entry_comes_back_from_its_token_as_it_was(signer: LinkSigner) -> None:
    chance = random.Random("entries")  # noqa: S311 - the same entries every time
    for _ in range(2000):
        entry = some_entry(chance)
        token = signer.dumps(entry)
        loaded = signer.loads(token)
        assert loaded == entry
        assert type(loaded.platform) is type(entry.platform)
        assert set(token) <= {*string.ascii_letters, *string.digits, *"-_."}


@pytest.mark.parametrize("entry", [PRODUCT, BEARER])
def test_every_click_comes_back_from_its_token_as_it_was(signer: LinkSigner, entry: Entry) -> None:
    click = Click(entry, "会员 7", "click-id", NOW)
    assert signer.loads_click(signer.dumps_click(click)) == click


def test_a_token_without_a_member_is_the_same_at_any_time(signer: LinkSigner) -> None:
    with time_machine.travel(NOW, tick=False):
        first = signer.dumps(PRODUCT)
    with time_machine.travel(NOW + 86_400, tick=False):
        assert signer.dumps(PRODUCT) == first
        assert signer.loads(first).signed_at is None


@pytest.mark.parametrize("no_login_for", [None, 60])
def test_a_token_with_a_member_says_when_it_was_signed(
    signer: LinkSigner, no_login_for: int | None
) -> None:
    entry = Entry("product", CODE, member="7", no_login_for=no_login_for)
    with time_machine.travel(NOW, tick=False):
        first = signer.dumps(entry)
    with time_machine.travel(NOW + 5, tick=False):
        second = signer.dumps(entry)
        assert signer.loads(first).signed_at == NOW
        assert signer.loads(second).signed_at == NOW + 5


def test_a_loaded_entry_that_is_signed_again_is_not_prolonged(signer: LinkSigner) -> None:
    with time_machine.travel(NOW, tick=False):
        loaded = signer.loads(signer.dumps(BEARER))
    with time_machine.travel(NOW + 30, tick=False):
        assert signer.loads(signer.dumps(loaded)).signed_at == NOW


def test_a_token_opens_however_old_it_is(signer: LinkSigner) -> None:
    with time_machine.travel(NOW, tick=False):
        token = signer.dumps(BEARER)
    with time_machine.travel(NOW + 10**8, tick=False):
        assert signer.loads(token) == BEARER


@pytest.mark.parametrize(
    ("now", "left"),
    [(NOW, 60), (NOW + 0.9, 60), (NOW + 59.9, 1), (NOW + 60, 0), (NOW + 10**6, 0)],
)
def test_seconds_left_are_counted_down_to_none(now: float, left: int) -> None:
    assert replace(BEARER, signed_at=NOW).seconds_left(now) == left


@pytest.mark.parametrize(
    "entry", [PRODUCT, replace(BEARER, no_login_for=None, signed_at=NOW), BEARER]
)
def test_no_seconds_are_left_of_what_never_vouched(entry: Entry) -> None:
    assert entry.seconds_left(NOW) is None


@pytest.mark.parametrize("moment", [NOW + 0.5, "2026", True, -1, 10**20])
def test_a_moment_that_is_none_is_refused_where_the_entry_is_made(moment: Any) -> None:
    with pytest.raises(LinkError, match="signed_at must be whole seconds") as raised:
        replace(BEARER, signed_at=moment)
    assert raised.value.argument == "signed_at"


@pytest.mark.parametrize("entry", [PRODUCT, BEARER])
def test_a_changed_token_is_refused_or_is_the_same_signature_spelled_otherwise(
    signer: LinkSigner, entry: Entry
) -> None:
    token = signer.dumps(entry)
    original = signer.loads(token)
    payload, signature = token.split(".")
    for place in range(len(token)):
        for letter in [*string.ascii_letters, *string.digits, *"-_.=+/% é\0", ""]:
            changed = token[:place] + letter + token[place + 1 :]
            try:
                loaded = signer.loads(changed)
            except LinkError:
                assert changed != token
            else:
                assert astuple(loaded) == astuple(original)
                same_payload, spelling = changed.split(".")
                assert same_payload == payload
                assert spelling[:3] == signature[:3]
                assert base64_decode(spelling[3:]) == base64_decode(signature[3:])


@pytest.mark.parametrize("entry", [PRODUCT, BEARER])
def test_a_token_that_is_cut_or_continued_is_refused(signer: LinkSigner, entry: Entry) -> None:
    token = signer.dumps(entry)
    pieces = [token[:end] for end in range(len(token))]
    pieces += [token[start:] for start in range(1, len(token))]
    pieces += [token + token, token + ".x", "x" + token, "." + token, token + "AAAA"]
    for piece in pieces:
        with pytest.raises(LinkError):
            signer.loads(piece)


def test_payload_and_signature_of_two_tokens_do_not_mix(signer: LinkSigner) -> None:
    payload, _ = signer.dumps(Entry("product", "QX1")).split(".")
    _, signature = signer.dumps(Entry("product", "QX2")).split(".")
    with pytest.raises(LinkError):
        signer.loads(f"{payload}.{signature}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "x", "x.y", "é", "\0", "\ud800", "%", "x" * 100_000, "." * 10_000]
)
def test_what_is_no_token_at_all_is_refused(signer: LinkSigner, token: str) -> None:
    for load in (signer.loads, signer.loads_click):
        with pytest.raises(LinkError, match="not made by this site, or it was changed"):
            load(token)


@pytest.mark.parametrize(
    "token",
    [
        URLSafeSerializer("key").dumps(["product", CODE]),
        URLSafeSerializer("key", salt="flask-xiebao.entry").dumps(["product", CODE]),
        URLSafeTimedSerializer("key", salt="flask-xiebao.entry").dumps(["product", CODE]),
        Signer("key").sign(base64_encode(f'["product","{CODE}"]')).decode(),
        LinkSigner(["another key"], "12345").dumps(PRODUCT),
        LinkSigner([""], "12345").dumps(PRODUCT),
    ],
    ids=["no salt", "serializer", "with a time", "signer", "another key", "empty key"],
)
def test_a_token_of_another_key_or_another_purpose_is_refused(
    signer: LinkSigner, token: str
) -> None:
    with pytest.raises(LinkError):
        signer.loads(token)


@pytest.mark.parametrize("entry", [PRODUCT, BEARER])
def test_an_entry_is_no_click_and_a_click_no_entry(signer: LinkSigner, entry: Entry) -> None:
    with pytest.raises(LinkError):
        signer.loads_click(signer.dumps(entry))
    with pytest.raises(LinkError):
        signer.loads(signer.dumps_click(replace(CLICK, entry=entry)))


def test_the_last_key_signs_and_the_older_ones_still_open() -> None:
    rotated = LinkSigner(["oldest", b"old", "new"], "12345")
    for key in ("oldest", "old", "new"):
        assert rotated.loads(LinkSigner([key], "12345").dumps(PRODUCT)) == PRODUCT
        assert rotated.loads_click(LinkSigner([key], "12345").dumps_click(CLICK)) == CLICK
    assert rotated.dumps(PRODUCT) == LinkSigner(["new"], "12345").dumps(PRODUCT)
    with pytest.raises(LinkError):
        LinkSigner(["oldest", "old"], "12345").loads(rotated.dumps(PRODUCT))


def signed(payload: object, purpose: str = "entry") -> str:
    """Sign *payload* as the site itself would, as only a future or past version of it could."""
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    salt = f"flask-xiebao.{purpose}.12345".encode()
    signer = Signer("key", salt, key_derivation="hmac", digest_method=hashlib.sha256)
    key_id = base64_encode(hashlib.sha256(signer.derive_key()).digest())[:3]
    value = base64_encode(text) + b"." + key_id
    return (value + signer.get_signature(value)).decode()


def test_a_payload_signed_here_is_signed_as_a_site_does(signer: LinkSigner) -> None:
    assert signer.loads(signed(["product", CODE])) == PRODUCT
    click = signed(["7", "click-id", NOW, "product", CODE], "click")
    assert signer.loads_click(click) == CLICK


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"[", b"\xff", b'["product",', b'["\\ud800"]', b"NaN"),
        *(None, 5, True, "home", "product", [], {}, {"page": "home"}, {"home": None}),
        *([None], [["home"]], [{}], [5], ["tv"], ["product"], ["product", ""], ["home", CODE]),
        ["product", CODE, None, 9],
        ["product", CODE, None, "h5"],
        ["product", CODE, None, [1]],
        ["home", None, None, 2],
        ["home", None, None, None, "//evil.example"],
        ["policy", NUMBER, "branch"],
        ["policy", NUMBER, None, None, None, "", NOW],
        ["policy", NUMBER, None, None, None, ["7"], NOW],
        ["policy", NUMBER, None, None, None, "7", NOW, 0],
        ["policy", NUMBER, None, None, None, "7", NOW, "60"],
        ["policy", NUMBER, None, None, None, None, NOW, 60],
        ["policy", NUMBER, None, None, None, "7", NOW, 60, 8],
        ["policy", NUMBER, None, None, None, "7", NOW, 60, ""],
        ["policy", NUMBER, None, None, None, "7", NOW, 60, "order-8", "more"],
    ],
)
def test_a_payload_that_makes_no_entry_is_refused_though_it_is_signed(
    signer: LinkSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.loads(signed(payload))


@pytest.mark.parametrize(
    "payload", [[], ["7"], ["7", "click-id"], ["7", "click-id", NOW], ["7", "id", NOW, "tv"], None]
)
def test_a_payload_that_makes_no_click_is_refused_though_it_is_signed(
    signer: LinkSigner, payload: object
) -> None:
    with pytest.raises(LinkError):
        signer.loads_click(signed(payload, "click"))


def test_a_link_is_the_same_in_every_version() -> None:
    """Those that are in mails and on posters were made by an earlier one, as these were."""
    signer = LinkSigner(["old", "new"], "12345")
    token = "WyJwcm9kdWN0IiwiUVgxIl0.-ah1L2cW1b4rXSYuC3Y3aI4ErvlcbRVgqO2CayNJVxFl7w"
    assert signer.loads(token) == Entry("product", "QX1")
    assert signer.dumps(Entry("product", "QX1")) == token
    click = signer.loads_click(
        "WyJtIiwiYyIsNSwiaG9tZSJd.aCkdo7zbfrsgURsNuVO8eyN5EiEe4lFBz9py4xm3miL9FE"
    )
    assert click == Click(Entry("home"), "m", "c", 5)
