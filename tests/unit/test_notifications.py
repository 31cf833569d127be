"""The callback's body: read as the platform sends it, and refused as anything else."""

from __future__ import annotations

import json
import math
import pickle
import struct
import time
import traceback
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.local import LocalProxy

from flask_xiebao import (
    ConfigError,
    Notification,
    NotificationError,
    NotificationType,
    PolicyInfo,
    parse_notification,
)
from tests.support import SIGN
from tests.vectors import (
    APPLIED,
    ISSUED,
    NOT_PAID,
    PAID,
    POLICY_FILE,
    REISSUED,
    SURRENDERED,
    VECTORS,
    callback,
    md5_of,
)

NAME = "林晓"


def parse(body: bytes, key: str | int = "Key") -> Notification:
    return parse_notification(body, api_key=key)


def refused(body: Any, reason: str = "malformed", key: str = "Key") -> str:
    """Return what is said of a body that is refused for this reason."""
    with pytest.raises(NotificationError) as caught:
        parse(body, key=key)
    assert caught.value.reason == reason, str(caught.value)
    return str(caught.value)


# What it says


def test_an_application_says_whose_it_is_and_for_which_product() -> None:
    notification = parse(APPLIED)
    assert notification.type is NotificationType.APPLICATION
    assert int(notification.type) == 1
    assert notification.succeeded is True
    assert notification.insure_num == "20190226020146"
    assert notification.case_code == "QX000000127257"
    assert notification.partner_uniq_key == "101000"
    assert notification.member is None
    assert (notification.failure, notification.price_fen, notification.paid_at) == (None,) * 3
    assert (notification.policies, notification.cancelled_insurants) == ((), ())
    assert (notification.new_insure_num, notification.cancel_reason) == (None, None)
    assert notification.other_info == {}


def test_a_payment_says_how_much_when_in_china_and_how() -> None:
    notification = parse(PAID)
    assert notification.type is NotificationType.PAYMENT
    assert notification.price_fen == 1500
    assert notification.paid_at is not None
    assert notification.paid_at.isoformat() == "2019-02-26T10:20:30+08:00"
    assert notification.payment_method == "21"


def test_a_payment_that_failed_says_why() -> None:
    notification = parse(NOT_PAID)
    assert notification.type is NotificationType.PAYMENT
    assert notification.succeeded is False
    assert notification.failure == "余额不足"
    assert notification.insure_num == "20190226020147"
    assert (notification.price_fen, notification.paid_at) == (0, None)


def test_an_issue_says_what_was_issued() -> None:
    notification = parse(ISSUED)
    assert notification.type is NotificationType.ISSUE
    assert notification.policies == (
        PolicyInfo(
            product_id="1042",
            product_name="境内旅行意外险",
            plan_id="1153",
            plan_name="计划一",
            applicant="林晓",
            insurant="林晓",
            start_date=date(2019, 3, 1),
            end_date=date(2019, 3, 5),
            policy_num="P10042019030100001",
        ),
    )


def test_a_surrender_says_who_is_out_and_why() -> None:
    assert parse(SURRENDERED).type is NotificationType.SURRENDER
    assert parse(SURRENDERED).cancelled_insurants == ("林晓",)
    whole = parse(callback(4, cancelMsg="行程取消\n全部退保"))
    assert whole.cancelled_insurants == ()
    assert whole.cancel_reason == "行程取消\n全部退保"


def test_application_numbers_are_taken_without_what_pads_them() -> None:
    padded = parse(callback(5, insureNum=" 20190226020146  ", newInsureNum="20190226020199 "))
    assert (padded.insure_num, padded.new_insure_num) == ("20190226020146", "20190226020199")


def test_a_reissue_says_which_application_follows() -> None:
    assert parse(REISSUED).type is NotificationType.REISSUE
    assert parse(REISSUED).new_insure_num == "20190226020199"


def test_a_policy_file_is_ready() -> None:
    assert parse(POLICY_FILE).type is NotificationType.POLICY_FILE


@pytest.mark.parametrize("body", VECTORS)
def test_all_fields_are_there_as_they_were_sent(body: bytes) -> None:
    assert parse(body).data == json.loads(body)["data"]


def test_a_step_that_has_no_name_here_is_read_like_the_others() -> None:
    notification = parse(callback(37, instalment=2, otherInfo={"channel": "app"}))
    assert notification.type == 37
    assert not isinstance(notification.type, NotificationType)
    assert notification.data["instalment"] == 2
    assert notification.other_info == {"channel": "app"}
    assert "type=37" in repr(notification)


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}])
def test_what_is_empty_is_left_out(empty: object) -> None:
    fields = ["failMsg", "caseCode", "partnerUniqueKey", "price", "payTime", "onlinePaymentId"]
    fields += ["policys", "newInsureNum", "cancelInsurants", "cancelMsg", "otherInfo"]
    left_out: dict[str, Any] = dict.fromkeys(fields, empty)
    notification = parse(callback(1, **left_out))
    bare = parse(callback(1, caseCode=..., partnerUniqueKey=...))
    for name in ("failure", "case_code", "partner_uniq_key", "price_fen", "paid_at", "policies"):
        assert getattr(notification, name) == getattr(bare, name), name
    assert notification.case_code is None
    assert notification.cancelled_insurants == ()


@pytest.mark.parametrize("key", ["Key", 4711])
def test_the_key_of_the_account_may_be_text_or_a_number(key: str | int) -> None:
    assert parse(callback(key=str(key)), key).insure_num == "20190226020146"


# The id


def test_what_says_the_same_has_the_same_id_however_it_was_written() -> None:
    written = [
        PAID,
        b" " + PAID.replace(b",", b" ,\n\t").replace(b":{", b" : { ").replace(b"}}", b"} }\n"),
        json.dumps(json.loads(PAID)).encode(),
        json.dumps(json.loads(PAID), indent=2).encode(),
    ]
    ids = set()
    for body in written:
        text = body.decode()
        start, end = text.index("{", 1 + text.index("{")), text.rstrip().rindex("}")
        data = text[start:end].rstrip()
        ids.add(parse(callback(2, data)).id)
    backwards = dict(reversed(json.loads(PAID)["data"].items()))
    ids.add(parse(callback(2, backwards)).id)
    assert len(ids) == 1
    assert len(ids.pop()) == 64


def test_what_says_something_else_has_another_id() -> None:
    ids = [parse(body).id for body in VECTORS]
    ids += [parse(callback(2, json.loads(PAID)["data"], price=1501)).id]
    ids += [parse(callback(2, json.loads(PAID)["data"], more="")).id]
    assert len(set(ids)) == len(ids)  # those of an application and of a file differ by type alone


def test_a_site_can_make_one_for_its_tests_or_in_a_reader_of_its_own() -> None:
    one = Notification(type=2, insure_num="20190226020146", price_fen=1500)
    assert one.type is NotificationType.PAYMENT
    assert one.succeeded is True
    assert one.id == Notification(type=2, insure_num="20190226020146", price_fen=1500).id
    others = [
        Notification(type=2, insure_num="20190226020146", price_fen=1501),
        Notification(type=3, insure_num="20190226020146", price_fen=1500),
        Notification(type=2, insure_num="20190226020147", price_fen=1500),
        Notification(type=2, insure_num="20190226020146", policies=(PolicyInfo(insurant="林晓"),)),
        Notification(type=2, insure_num="20190226020146", policies=(PolicyInfo(insurant="周航"),)),
        Notification(type=2, insure_num="20190226020146", paid_at=parse(PAID).paid_at),
    ]
    assert len({one.id, *(other.id for other in others)}) == 7
    assert Notification(type=1, insure_num="2", id="their own").id == "their own"
    with pytest.raises(TypeError):
        Notification(1, "20190226020146")  # type: ignore[call-arg]


# What is not shown


@pytest.mark.parametrize("body", VECTORS)
def test_its_repr_shows_type_number_and_id_alone(body: bytes) -> None:
    notification = parse(body)
    kind = notification.type
    assert repr(notification) == (
        f"Notification(type={kind!r}, insure_num={notification.insure_num!r},"
        f" id={notification.id!r})"
    )
    for policy in notification.policies:
        assert "P10042019030100001" in repr(policy)
        assert NAME not in repr(policy)


def test_an_error_shows_neither_key_nor_sign_nor_names() -> None:
    key = "a-key-that-nobody-guesses"
    bodies = [
        callback(3, ISSUED.decode().partition('"data":')[2][:-1], key="another key"),
        callback(4, json.loads(SURRENDERED)["data"], key=key, insureNum={"name": NAME}),
        callback(4, json.loads(SURRENDERED)["data"], key=key, cancelInsurants=[[NAME]]),
        callback(4, json.loads(SURRENDERED)["data"], key=key, cancelMsg=[NAME]),
        callback(2, json.loads(PAID)["data"], key=key, payTime=NAME),
        ISSUED.replace(b'"sign":"', '"sign":"林晓'.encode()),
        ISSUED[:-9],
        ISSUED[:-1] + '"林晓":1}'.encode(),
        ISSUED.replace(b'"state"', b'"insureNum":1,"state"'),
    ]
    for body in bodies:
        with pytest.raises(NotificationError) as caught:
            parse(body, key=key)
        said = f"{caught.value} {caught.value!r}"
        error: BaseException | None = caught.value
        while error is not None:
            for frame, _ in traceback.walk_tb(error.__traceback__):
                if "flask_xiebao" in frame.f_code.co_filename:
                    said += repr(frame.f_locals)
            error = error.__context__
        sign = json.loads(callback(1, key=key))["sign"]
        for secret in (key, NAME, sign, "insurant"):
            assert secret not in said, body
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - of our own
        assert (str(again), again.reason) == (str(caught.value), caught.value.reason)


# The sign


@pytest.mark.parametrize("body", VECTORS)
def test_another_key_is_refused(body: bytes) -> None:
    refused(body, "wrong_sign", key="key")


@pytest.mark.parametrize(
    ("partner_id", "says"),
    [(12345, "12345"), (77, "77"), ("77-b", "77-b"), (..., None), (7.5, None), ([], None)],
)
def test_a_sale_by_a_sub_account_is_read_and_says_whose_it_is(partner_id: Any, says: Any) -> None:
    notification = parse(callback(2, json.loads(PAID)["data"], partnerId=partner_id))
    assert (notification.partner_id, notification.price_fen) == (says, 1500)


def test_the_account_need_not_be_named_and_is_not_looked_at() -> None:
    named = parse_notification(PAID, partner_id="another", api_key="Key")
    assert named == parse_notification(PAID, api_key="Key")


# The member's key


@pytest.mark.parametrize(
    "key", ["8\u200b", "\u202e8", "8\t", " 8", "8 ", "8" * 2001, "保" * 100, "\ue000"]
)
def test_a_key_that_no_member_can_have_is_nobodys_and_the_rest_is_read(key: str) -> None:
    """Whoever clicks can choose it: they know the sign."""
    notification = parse(callback(2, json.loads(PAID)["data"], partnerUniqueKey=key))
    assert (notification.partner_uniq_key, notification.price_fen) == (None, 1500)
    assert notification.data["partnerUniqueKey"] == key
    assert Notification(type=1, insure_num="1", partner_uniq_key=key).partner_uniq_key is None


def test_the_longest_key_that_a_site_makes_is_kept() -> None:
    key = f"{'a' * 16}{'8' * 256}"
    assert parse(callback(1, partnerUniqueKey=key)).partner_uniq_key == key


def test_the_debit_of_an_instalment_says_what_was_paid() -> None:
    said = {**json.loads(APPLIED)["data"], "premium": 4200, "term": 2, "onlinePaymentId": 21}
    debit = parse(callback(12, said))
    assert (debit.type, debit.price_fen, debit.payment_method) == (12, 4200, "21")


@given(st.sampled_from(VECTORS), st.data())
def test_any_change_of_the_data_is_refused(body: bytes, data: st.DataObject) -> None:
    start = body.index(b'"data":') + len('"data":')
    at = data.draw(st.integers(start, len(body) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[at]))
    changed = data.draw(
        st.sampled_from(
            [
                body[:at] + bytes([byte]) + body[at + 1 :],
                body[:at] + body[at + 1 :],
                body[:at] + bytes([byte]) + body[at:],
            ]
        )
    )
    try:
        notification = parse(changed)
    except NotificationError:
        return
    assert notification == parse(body)  # white space is none of what it says


SPACE = st.text(" \t\r\n", max_size=3)


@given(st.sampled_from(VECTORS), st.permutations(["notifyType", "sign", "data"]), st.data())
def test_any_layout_and_any_order_of_the_same_body_is_the_same_notification(
    body: bytes, order: list[str], data: st.DataObject
) -> None:
    def space() -> str:
        return data.draw(SPACE)

    text = body.decode()
    values = {
        "notifyType": text.partition('"notifyType":')[2].partition(",")[0],
        "sign": f'"{json.loads(body)["sign"]}"',
        "data": text.partition('"data":')[2][:-1],
    }
    more = data.draw(st.sampled_from(["", '"traceId":"{\\"data\\":1}"']))
    pairs = [f'{space()}"{name}"{space()}:{space()}{values[name]}{space()}' for name in order]
    pairs += [more] * bool(more)
    written = f"{space()}{{{','.join(pairs)}}}{space()}".encode()
    assert parse(written) == parse(body)


@given(st.permutations(list(json.loads(PAID)["data"])))
def test_the_order_within_the_data_is_up_to_the_platform(order: list[str]) -> None:
    said = json.loads(PAID)["data"]
    notification = parse(callback(2, {name: said[name] for name in order}))
    assert notification.id == parse(PAID).id
    assert notification.price_fen == 1500


def test_the_sign_may_be_of_the_compact_form() -> None:
    compact = PAID.decode().partition('"data":')[2][:-1]
    spaced = json.dumps(json.loads(compact))  # what was NAME is \u… now
    body = f'{{"notifyType":2,"sign":"{md5_of(compact)}","data":{spaced}}}'
    assert parse(body.encode()).price_fen == 1500
    issued = ISSUED.decode().partition('"data":')[2][:-1]
    body = f'{{"notifyType":3,"sign":"{md5_of(issued)}","data":{json.dumps(json.loads(issued))}}}'
    assert parse(body.encode()).policies[0].insurant == NAME


@pytest.mark.parametrize(
    "sign",
    [
        json.loads(PAID)["sign"].upper(),
        json.loads(PAID)["sign"][:-1],
        json.loads(PAID)["sign"] + "\n",
        "\uff10" * 32,  # digits, and none of ASCII
        "é" * 32,
        NAME,
        "",
        None,
        32,
        True,
        [],
    ],
)
def test_a_sign_of_another_shape_is_refused(sign: object) -> None:
    body = json.dumps({**json.loads(PAID), "sign": sign}, ensure_ascii=False)
    assert "32 lower-case hex digits" in refused(body.encode())


def extended_md5(known: str, length: int, more: bytes) -> tuple[bytes, str]:
    """Extend an MD5 whose text is not known; return what is added to the text, and the new MD5.

    It is RFC 1321, begun where the known digest ended.
    """
    padding = b"\x80" + b"\0" * ((55 - length) % 64) + struct.pack("<Q", length * 8)
    state = list(struct.unpack("<4I", bytes.fromhex(known)))
    whole = length + len(padding) + len(more)
    tail = more + b"\x80" + b"\0" * ((55 - whole) % 64) + struct.pack("<Q", whole * 8)
    shifts = [7, 12, 17, 22] * 4 + [5, 9, 14, 20] * 4 + [4, 11, 16, 23] * 4 + [6, 10, 15, 21] * 4
    table = [int(abs(math.sin(i + 1)) * 2**32) & 0xFFFFFFFF for i in range(64)]
    for start in range(0, len(tail), 64):
        words = struct.unpack("<16I", tail[start : start + 64])
        a, b, c, d = state
        for i in range(64):
            if i < 16:
                mixed, word = (b & c) | (~b & d), i
            elif i < 32:
                mixed, word = (d & b) | (~d & c), (5 * i + 1) % 16
            elif i < 48:
                mixed, word = b ^ c ^ d, (3 * i + 5) % 16
            else:
                mixed, word = c ^ (b | ~d & 0xFFFFFFFF), 7 * i % 16
            turned = (a + (mixed & 0xFFFFFFFF) + table[i] + words[word]) & 0xFFFFFFFF
            turned = (turned << shifts[i] | turned >> (32 - shifts[i])) & 0xFFFFFFFF
            a, d, c, b = d, c, b, (b + turned) & 0xFFFFFFFF
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d), strict=True)]
    return padding + more, struct.pack("<4I", *state).hex()


def test_what_an_attacker_makes_of_the_sign_that_each_member_sees_is_refused() -> None:
    """MD5 can be extended: from md5(key + partner id), that of more text, without the key."""
    data = PAID.partition(b'"data":')[2][:-1]
    for more in (data, b"," + data, b'":' + data + b"}"):
        added, forged = extended_md5(SIGN, len("Key12345"), more)
        signed = b"12345" + added
        assert md5_of(signed) == forged  # so the attack works as such
        for text in (signed, added, b'"' + signed + b'"', b'{"' + signed + b'":1}', more):
            with pytest.raises(NotificationError):
                parse(b'{"notifyType":2,"sign":"%s","data":%s}' % (forged.encode(), text))
    # A sign of a page, as it is.
    for said in ("12345", '"12345"', '{"partnerId":12345,"insureNum":"1","state":true}'):
        with pytest.raises(NotificationError):
            parse(f'{{"notifyType":1,"sign":"{SIGN}","data":{said}}}'.encode())


def test_a_key_that_is_empty_verifies_nothing() -> None:
    body = callback(key="")
    for key in ("", "  "):
        with pytest.raises(NotificationError):
            parse(body, key=key)


# What is not JSON, or more than that


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"{",
        b'{"notifyType"',
        b'{"notifyType":1',
        b"\xef\xbb\xbf" + APPLIED,
        APPLIED + b"x",
        APPLIED + APPLIED,
        APPLIED[:-1],
        APPLIED[:-1] + b",}",
        APPLIED.replace(b":", b"=", 1),
        b"notifyType=1&sign=701dd128eae24ce8241354fcd2f9981a",
        APPLIED.replace(b'"', b"'"),
        APPLIED.decode().encode("utf-16"),
        ISSUED.decode().encode("gb18030"),
        b"\xff" + APPLIED,
        APPLIED[:-1] + b',"a":"\x00"}',
        APPLIED[:-1] + b',"a":"\xed\xa0\x80"}',
        APPLIED[:-1] + b",1:2}",
        APPLIED.replace(b'"data":', b'"Data":'),
        APPLIED.replace(b'"sign":', b'"Sign":'),
        APPLIED.replace(b'"notifyType":1,', b""),
    ],
)
def test_what_is_not_one_json_object_is_refused(body: bytes) -> None:
    refused(body)


@pytest.mark.parametrize(
    "body",
    [
        APPLIED[:-1] + b',"notifyType":4}',
        APPLIED[:-1] + b',"sign":"701dd128eae24ce8241354fcd2f9981a"}',
        APPLIED[:-1] + b',"data":{}}',
        APPLIED[:-1] + b',"d\\u0061ta":{}}',
        callback(1, '{"partnerId":12345,"insureNum":"1","insureNum":"2","state":true}'),
        callback(
            1, '{"partnerId":12345,"insureNum":"1","state":true,"otherInfo":{"a":[{"b":1,"b":2}]}}'
        ),
    ],
)
def test_a_name_twice_is_refused_at_any_depth(body: bytes) -> None:
    assert "name twice" in refused(body)


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000, "0." + "1" * 5000]
)
def test_a_number_that_is_none_or_too_long_is_refused(number: str) -> None:
    refused(callback(1, f'{{"partnerId":12345,"insureNum":"1","state":true,"price":{number}}}'))
    refused(APPLIED[:-1] + f',"more":[{number}]}}'.encode())
    refused(APPLIED.replace(b'"notifyType":1', f'"notifyType":{number}'.encode()))


@pytest.mark.parametrize("half", [r"\ud800", r"\udfff", r"a\ud83d", r"\ude00\ud83d"])
def test_half_of_a_surrogate_pair_is_refused(half: str) -> None:
    signed = f'{{"partnerId":12345,"insureNum":"1","state":true,"failMsg":"{half}"}}'
    assert "surrogate" in refused(callback(1, signed))
    assert "surrogate" in refused(callback(1, signed.replace("failMsg", half)))
    assert "surrogate" in refused(APPLIED[:-1] + b',"more":["%s"]}' % half.encode())
    whole = callback(1, failMsg="\U0001f600")
    assert parse(whole).failure == "\U0001f600"
    escaped = r'{"partnerId":12345,"insureNum":"1","state":true,"failMsg":"\ud83d\ude00"}'
    assert parse(callback(1, escaped)).failure == "\U0001f600"


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(opened: str, closed: str) -> None:
    for depth in (33, 1000, 10_000):
        nested = f"{opened * depth}1{closed * depth}"
        signed = f'{{"partnerId":12345,"insureNum":"1","state":true,"otherInfo":{nested}}}'
        assert "nested" in refused(callback(1, signed))
        assert "nested" in refused(opened.encode() * depth)
    flat = "[" + ",".join(["[]"] * 2000) + "]"
    text = '"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["'
    fine = f'{{"partnerId":12345,"insureNum":"1","state":true,"a":{flat},"b":{text},"c":"\\"[["}}'
    assert parse(callback(1, fine)).insure_num == "1"


def test_64_kib_are_read_and_no_more() -> None:
    def of(length: int) -> bytes:
        body = callback(1, failMsg="x")
        return callback(1, failMsg="x" * (1 + length - len(body)))

    assert len(of(65536)) == 65536
    assert parse(of(65536)).insure_num == "20190226020146"
    assert "65,536" in refused(of(65537), "too_large")


@pytest.mark.parametrize("kind", [-1, 10_000, True, False, None, "1", 1.0, 1.5, [1], {}])
def test_a_type_that_is_no_whole_number_from_0_to_9999_is_refused(kind: object) -> None:
    assert "notifyType" in refused(callback(kind))


@pytest.mark.parametrize("kind", [0, 6, 9999])
def test_a_type_from_0_to_9999_is_read(kind: int) -> None:
    assert parse(callback(kind)).type == kind


@pytest.mark.parametrize("data", ["[]", "null", '"{}"', "1", '[{"partnerId":12345}]', "true"])
def test_data_that_is_no_object_is_refused_before_the_sign_is_looked_at(data: str) -> None:
    assert "data" in refused(callback(1, data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "replace"))
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda kind, sign, data: json.dumps(
            {"notifyType": kind, "sign": sign, "data": data}
        ).encode(),
        JSON,
        JSON,
        JSON,
    )
)
def test_whatever_comes_is_refused_by_a_notification_error(body: bytes) -> None:
    with pytest.raises(NotificationError):
        parse(body)


@given(
    st.integers(0, 12),
    st.dictionaries(
        st.sampled_from(
            [
                *("partnerId", "partnerUniqueKey", "insureNum", "caseCode", "state", "failMsg"),
                *("otherInfo", "payTime", "price", "onlinePaymentId", "policys", "newInsureNum"),
                *("cancelInsurants", "cancelMsg"),
            ]
        ),
        JSON,
    ),
)
def test_whatever_is_signed_is_read_or_refused_by_a_notification_error(
    kind: int, fields: dict[str, Any]
) -> None:
    said = {**json.loads(PAID)["data"], **json.loads(ISSUED)["data"], **fields}
    try:
        notification = parse(callback(kind, said))
    except NotificationError:
        return
    assert notification.data == said


def test_a_body_that_is_no_bytes_is_refused() -> None:
    bodies: list[Any] = ["{}", None, 7, []]
    for body in bodies:
        with pytest.raises(NotificationError):
            parse(body)


# What has to be there


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        (1, {"insureNum": ...}, "insureNum is missing"),
        (1, {"insureNum": ""}, "insureNum is missing"),
        (1, {"insureNum": " "}, "insureNum is missing"),
        (1, {"insureNum": ["1"]}, "insureNum must be text"),
        (1, {"insureNum": True}, "insureNum must be text"),
        (1, {"insureNum": "a\u0000b"}, "insureNum has U+0000"),
        (1, {"state": ...}, "state is missing"),
        (1, {"state": "true"}, "state must be true or false"),
        (1, {"state": 1}, "state must be true or false"),
        (1, {"caseCode": {"a": 1}}, "caseCode must be text"),
        (1, {"otherInfo": ["a"]}, "otherInfo must be an object"),
        (2, {"payTime": ...}, "payTime is missing"),
        (2, {"price": ...}, "price is missing"),
        (2, {"payTime": "2019-02-30 10:20:30"}, "payTime must be a time, yyyy-MM-dd HH:mm:ss"),
        (2, {"payTime": "2019-02-26"}, "payTime must be a time"),
        (2, {"payTime": 1551147630}, "payTime must be a time"),
        (2, {"price": "1500"}, "price must be a whole number"),
        (2, {"price": 15.5}, "price must be a whole number"),
        (2, {"price": -1}, "price must be a whole number"),
        (2, {"price": True}, "price must be a whole number"),
        (3, {"policys": ...}, "policys is missing"),
        (3, {"policys": []}, "policys is missing"),
        (3, {"policys": {"a": 1}}, "policys must be a list of objects"),
        (3, {"policys": ["P1"]}, "policys must be a list of objects"),
        (3, {"policys": [{"startDate": "1 March"}]}, "startDate must be a date, yyyy-MM-dd"),
        (5, {"newInsureNum": ...}, "newInsureNum is missing"),
        (4, {"cancelInsurants": NAME}, "cancelInsurants must be a list of texts"),
        (4, {"cancelInsurants": [1]}, "cancelInsurants must be a list of texts"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named(
    kind: int, fields: dict[str, Any], named: str
) -> None:
    said = {**json.loads(PAID)["data"], **json.loads(ISSUED)["data"], "newInsureNum": "2"}
    parse(callback(kind, said))
    message = refused(callback(kind, {**said, **fields}), "wrong_field")
    assert named in message
    assert "notification_reader" in message


@pytest.mark.parametrize("kind", [2, 3, 5])
def test_a_step_that_failed_need_not_have_what_a_success_has(kind: int) -> None:
    failed = parse(callback(kind, state=False, failMsg="余额不足"))
    assert (failed.succeeded, failed.failure) == (False, "余额不足")


def test_a_date_may_have_a_time_after_it() -> None:
    policies = [{"startDate": "2019-03-01 00:00:00", "endDate": "2019-03-05T23:59:59"}]
    [policy] = parse(callback(3, policys=policies)).policies
    assert (policy.start_date, policy.end_date) == (date(2019, 3, 1), date(2019, 3, 5))


def test_what_something_is_called_may_be_written_as_people_write_it() -> None:
    policies = [{"policyNum": "P1\u30002", "productId": "a\nb", "planId": 7}]
    [policy] = parse(callback(3, policys=policies)).policies
    assert (policy.policy_num, policy.product_id, policy.plan_id) == ("P1\u30002", "a\nb", "7")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"type": "2"}, "type must be a whole number, not str"),
        ({"type": True}, "type must be a whole number, not bool"),
        ({"type": None}, "type must be a whole number, not NoneType"),
        ({"insure_num": None}, "insure_num is None"),
        ({"insure_num": ""}, "insure_num is empty"),
        ({"insure_num": "2019 0226"}, "insure_num has white space in it"),
        ({"new_insure_num": "2019 1"}, "new_insure_num has white space in it"),
        ({"partner_uniq_key": ["8"]}, "partner_uniq_key must be text or a whole number"),
    ],
)
def test_one_that_is_made_wrong_is_refused_in_words(own: dict[str, Any], said: str) -> None:
    with pytest.raises(NotificationError, match=said) as caught:
        Notification(**{"type": 2, "insure_num": "1", **own})
    assert caught.value.reason == "wrong_field"


def test_numbers_of_a_platform_that_writes_them_as_such_are_text() -> None:
    one = Notification(type=2, insure_num=2019, partner_uniq_key=8)  # type: ignore[arg-type]
    assert (one.insure_num, one.partner_uniq_key) == ("2019", "8")


def test_the_same_moment_and_the_same_mapping_make_the_same_id() -> None:
    def made(**own: Any) -> str:
        return Notification(type=2, insure_num="1", **own).id

    china = datetime.fromisoformat("2019-02-26T10:20:30+08:00")
    assert made(paid_at=china) == made(paid_at=china.astimezone(UTC))
    info = {"a": 1, "b": 2}
    backwards = dict(reversed(info.items()))
    assert made(other_info=info) == made(other_info=MappingProxyType(backwards))
    assert made(data=info) == made(data=MappingProxyType(backwards))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"api_key": ""}, "api_key is empty"),
        ({"api_key": 1.5}, "api_key must be text"),
    ],
)
def test_an_argument_that_is_none_is_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(NotificationError, match=said):
        parse_notification(PAID, **arguments)


def test_a_lazy_key_that_cannot_be_loaded_is_a_notification_error_too() -> None:
    def load() -> str:
        raise ConfigError("the vault is closed")

    with pytest.raises(NotificationError):
        parse(PAID, key=LocalProxy(load))  # type: ignore[arg-type]


def test_what_keeps_a_reader_busy_is_read_in_a_moment() -> None:
    quotes = b'{"a":"' + b'\\"' * 32_000
    digits = b'{"a":' + b"1" * 65_000 + b"}"
    spaces = b"{" + b" " * 65_000
    many = callback(1, data={"partnerId": 12345, **{f"n{i}": i for i in range(5000)}})
    for body in (quotes, digits, spaces, b"[" * 65_000, b'{"a":' * 13_000, many, b'"' * 65_000):
        began = time.process_time()
        with pytest.raises(NotificationError):
            parse(body)
        assert time.process_time() - began < 1


def test_a_time_keeps_its_zone() -> None:
    paid_at = parse(PAID).paid_at
    assert paid_at is not None
    assert paid_at.utcoffset() == timedelta(hours=8)
    assert paid_at.timestamp() == datetime.fromisoformat("2019-02-26T02:20:30+00:00").timestamp()
