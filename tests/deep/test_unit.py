"""Entries, tokens, members' keys, the gateway's URLs and notifications that nobody thought of."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous.encoding import base64_decode

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
from tests.vectors import ISSUED, PAID, VECTORS, build_notification

# What a URL can carry, without the white space at its ends that a member's id may not have.
TEXT = (
    st.text(min_size=1, max_size=60).map(str.strip).filter(lambda text: text and text.isprintable())
)
PAGES = st.sampled_from(["product", "home", "policy"])
SIGNER = TokenSigner(["key"], "12345")


@given(TEXT)
def test_any_id_that_can_be_printed_comes_back_from_its_key(member: str) -> None:
    keys = MemberKeyCodec(Secret(MEMBER_SECRET), "12345")
    assert keys.find_member_id(keys.build_member_key(member)) == member


# The gateway's URLs: the simulator is another reading of the document.


@given(
    st.sampled_from([Gateway.TEST, Gateway.PRODUCTION, "/gateway", "https://g.example:8443/x"]),
    PAGES,
    TEXT,
    TEXT,
    st.none() | st.sampled_from([Platform.H5, "ios", 3, Platform.ANDROID]),
    st.none() | TEXT.map(lambda text: f"https://shop.example:8443/mall?{text}"),
    st.fixed_dictionaries({}, optional={"sub_partner_id": st.just("") | TEXT}),
)
def test_the_simulator_accepts_and_reads_whatever_is_built(
    base_url: str,
    page: str,
    reference: str,
    member: str,
    platform: Any,
    pay_success: str | None,
    more: dict[str, str],
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
        **{} if page == "policy" else more,
    )
    verdict = GatewaySimulator("12345", "Key", also_known=["hidenav", "全屏"]).check(url)
    assert verdict.accepted, (url, verdict.reasons)
    assert (verdict.page, verdict.member, verdict.pay_success) == (page, member, pay_success)
    assert verdict.platform == (None if platform is None else Platform.of(platform))
    assert list(dict(verdict.parameters).values()).count(reference) >= 1 + (page != "home")


# Tokens


@pytest.mark.parametrize(
    "entry",
    [
        Entry("product", PRODUCT_CODE),
        Entry(
            "policy", INSURE_NUM, "会员 7", no_login_for=60, return_to="/8", signed_at=1_700_000_000
        ),
    ],
    ids=["shared", "member"],
)
def test_any_other_token_is_refused_or_is_the_same_signature_spelled_otherwise(
    entry: Entry,
) -> None:
    token = SIGNER.build_entry_token(entry)
    signature = token.partition(".")[2][3:]
    letters = [*string.ascii_letters, *string.digits, *"-_.=+/% é\0", ""]
    changed = {token[:at] + each + token[at + 1 :] for at in range(len(token)) for each in letters}
    cut = {token[:at] for at in range(len(token))} | {token[at:] for at in range(1, len(token))}
    for other in (changed | cut) - {token}:
        try:
            SIGNER.parse_entry_token(other)
        except LinkError:
            continue
        assert other[: -len(signature)] == token[: -len(signature)]
        assert base64_decode(other[-len(signature) :]) == base64_decode(signature)


# Notifications


def parse(body: bytes) -> Notification | None:
    """Read a body; None where it is refused, which is by one kind of error."""
    try:
        return parse_notification(body, api_key="Key")
    except NotificationError:
        return None


@given(st.sampled_from(VECTORS), st.data())
def test_any_change_of_the_data_is_refused(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(body.index(b'"data":') + len('"data":'), len(body) - 2))
    new = data.draw(st.just(b"") | st.integers(0, 255).map(lambda byte: bytes([byte])))
    after = data.draw(st.sampled_from([body[at:], body[at + 1 :]]))
    # White space is none of what it says.
    assert parse(body[:at] + new + after) in (None, parse(body))


SPACE = st.text(" \t\r\n", max_size=3)


@given(st.sampled_from(VECTORS), st.permutations(["notifyType", "sign", "data"]), st.data())
def test_any_layout_and_any_order_of_the_same_body_is_the_same_notification(
    body: bytes, order: list[str], data: st.DataObject
) -> None:
    values = {name: json.dumps(value) for name, value in json.loads(body).items()}
    values["data"] = body.decode().partition('"data":')[2][:-1]
    parts = [[f'"{name}"', ":", values[name], ","] for name in order]
    parts += data.draw(st.sampled_from([[], [['"traceId"', ":", '"{\\"data\\":1}"', ","]]]))
    marks = ["{", *[mark for part in parts for mark in part][:-1], "}"]
    written = "".join(data.draw(SPACE) + mark for mark in marks) + data.draw(SPACE)
    assert parse(written.encode()) == parse(body)


SAID = json.loads(PAID)["data"]


@given(st.permutations(list(SAID)))
def test_the_order_within_the_data_is_up_to_the_platform(order: list[str]) -> None:
    assert parse(build_notification(2, {name: SAID[name] for name in order})) == parse(PAID)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
BODIES = st.fixed_dictionaries({"notifyType": JSON, "sign": JSON, "data": JSON})


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "replace"))
    | (JSON | BODIES).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_refused_by_a_notification_error(body: bytes) -> None:
    assert parse(body) is None


FIELDS = [*SAID, *json.loads(ISSUED)["data"], "failMsg", "otherInfo", "newInsureNum"]


@given(
    st.integers(0, 12),
    st.dictionaries(st.sampled_from([*FIELDS, "cancelInsurants", "cancelMsg"]), JSON),
)
def test_whatever_is_signed_is_read_or_refused_by_a_notification_error(
    kind: int, fields: dict[str, Any]
) -> None:
    said = {**SAID, **json.loads(ISSUED)["data"], **fields}
    notification = parse(build_notification(kind, said))
    assert notification is None or notification.data == said
