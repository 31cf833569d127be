"""Property-based tests for member keys, gateway URLs, tokens and notifications.

Hypothesis generates the values. More property-based tests are in ``test_security.py``.
"""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_xiebao import (
    Entry,
    Gateway,
    LinkError,
    Notification,
    NotificationError,
    Platform,
    parse_notification,
)
from flask_xiebao.gateway.values import Secret
from flask_xiebao.links.members import MemberKeyCodec
from flask_xiebao.links.tokens import TokenSigner
from flask_xiebao.testing import GatewaySimulator
from tests.support import INSURE_NUM, MEMBER_SECRET, PRODUCT_CODE
from tests.tools import fuzz
from tests.vectors import ISSUED, PAID, VECTORS, build_notification

#: Printable texts without leading or trailing whitespace, so each text is valid in a URL and as a
#: member id.
TEXT = (
    st.text(min_size=1, max_size=60).map(str.strip).filter(lambda text: text and text.isprintable())
)
SIGNER = TokenSigner(["key"], "12345")

UNHURRIED = settings(deadline=None)


@UNHURRIED
@given(TEXT)
def test_member_key_of_printable_id_is_decoded_to_id(member: str) -> None:
    codec = MemberKeyCodec(Secret(MEMBER_SECRET), "12345")
    assert codec.find_member_id(codec.build_member_key(member)) == member


# Gateway URLs


@UNHURRIED
@given(
    st.sampled_from([Gateway.TEST, Gateway.PRODUCTION, "/gateway", "https://g.example:8443/x"]),
    st.sampled_from(["product", "home", "policy"]),
    TEXT,
    TEXT,
    st.none() | st.sampled_from([Platform.H5, "ios", 3, Platform.ANDROID]),
    st.none() | TEXT.map(lambda text: f"https://shop.example:8443/mall?{text}"),
    st.fixed_dictionaries({}, optional={"sub_partner_id": st.just("") | TEXT}),
)
def test_simulator_accepts_gateway_url_and_returns_arguments(
    base_url: str,
    page: str,
    reference: str,
    member: str,
    platform: Any,
    pay_success: str | None,
    sub_partner: dict[str, str],
) -> None:
    gateway = Gateway("12345", "Key", base_url=base_url, extra={"hidenav": "1"})
    pay_success = pay_success and pay_success.replace(" ", "").replace("\\", "")
    url = gateway.url(
        page,
        None if page == "home" else reference,
        partner_uniq_key=member,
        platform=platform,
        pay_success=pay_success,
        extra={"全屏": reference},
        **{} if page == "policy" else sub_partner,
    )
    verdict = GatewaySimulator("12345", "Key", also_known=["hidenav", "全屏"]).check(url)
    assert verdict.accepted, (url, verdict.reasons)
    assert (verdict.page, verdict.member, verdict.pay_success) == (page, member, pay_success)
    assert verdict.platform == (None if platform is None else Platform.of(platform))
    values = list(dict(verdict.parameters).values())
    assert values.count(reference) >= (1 if page == "home" else 2)


# Link tokens


@pytest.mark.parametrize(
    "entry",
    [
        Entry("product", PRODUCT_CODE),
        Entry(
            "policy", INSURE_NUM, "会员 7", no_login_for=60, return_to="/8", signed_at=1_700_000_000
        ),
    ],
    ids=["entry for all members", "entry for one member"],
)
def test_token_with_one_changed_character_or_cut_raises_link_error(entry: Entry) -> None:
    token = SIGNER.build_entry_token(entry)
    characters = [*string.ascii_letters, *string.digits, *"-_.=+/% é\0", ""]
    changed = {
        token[:index] + character + token[index + 1 :]
        for index in range(len(token))
        for character in characters
    }
    cut = {part for index in range(len(token)) for part in (token[:index], token[index:])}
    for text in changed | cut:
        # The last Base64 character has unused bits, so a signature can be written in several ways.
        if not fuzz.is_another_spelling(text, token):
            with pytest.raises(LinkError):
                SIGNER.parse_entry_token(text)


# Notifications


def parse_or_none(body: bytes) -> Notification | None:
    """Return the notification in a body, or None if parsing raises NotificationError."""
    try:
        return parse_notification(body, api_key="Key")
    except NotificationError:
        return None


@UNHURRIED
@given(st.sampled_from(VECTORS), st.data())
def test_changed_data_raises_notification_error(body: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(body.index(b'"data":') + len('"data":'), len(body) - 2))
    new = data.draw(st.just(b"") | st.integers(0, 255).map(lambda byte: bytes([byte])))
    rest = data.draw(st.sampled_from([body[index:], body[index + 1 :]]))
    # A change that only adds whitespace does not change the notification.
    assert parse_or_none(body[:index] + new + rest) in (None, parse_or_none(body))


SPACE = st.text(" \t\r\n", max_size=3)


@UNHURRIED
@given(st.sampled_from(VECTORS), st.permutations(["notifyType", "sign", "data"]), st.data())
def test_order_and_whitespace_of_body_do_not_change_notification(
    body: bytes, names: list[str], data: st.DataObject
) -> None:
    values = {name: json.dumps(value) for name, value in json.loads(body).items()}
    values["data"] = body.decode().partition('"data":')[2][:-1]
    members = [[f'"{name}"', ":", values[name], ","] for name in names]
    members += data.draw(st.sampled_from([[], [['"traceId"', ":", '"{\\"data\\":1}"', ","]]]))
    tokens = ["{", *[token for member in members for token in member][:-1], "}"]
    text = "".join(data.draw(SPACE) + token for token in [*tokens, ""])
    assert parse_or_none(text.encode()) == parse_or_none(body)


PAID_FIELDS = json.loads(PAID)["data"]
FIELDS = {**PAID_FIELDS, **json.loads(ISSUED)["data"]}


@UNHURRIED
@given(st.permutations(list(PAID_FIELDS)))
def test_order_of_data_fields_does_not_change_notification(names: list[str]) -> None:
    assert parse_or_none(
        build_notification(2, {name: PAID_FIELDS[name] for name in names})
    ) == parse_or_none(PAID)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@UNHURRIED
@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "replace"))
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({"notifyType": JSON, "sign": JSON, "data": JSON}).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_random_body_raises_notification_error(body: bytes) -> None:
    assert parse_or_none(body) is None


@UNHURRIED
@given(
    st.integers(0, 12),
    st.dictionaries(
        st.sampled_from(
            [*FIELDS, "failMsg", "otherInfo", "newInsureNum", "cancelInsurants", "cancelMsg"]
        ),
        JSON,
    ),
)
def test_signed_random_data_is_parsed_or_raises_notification_error(
    notification_type: int, random_fields: dict[str, Any]
) -> None:
    data = {**FIELDS, **random_fields}
    notification = parse_or_none(build_notification(notification_type, data))
    assert notification is None or notification.data == data
