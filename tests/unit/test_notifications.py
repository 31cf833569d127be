"""Tests for the fields and the id of a ``Notification``.

Tests for signatures and malformed bodies are in ``test_notification_bodies.py``. To test another
field, add a row to ``PARSED_FIELDS``, ``INVALID_REQUIRED_FIELDS`` or ``UNREADABLE_FIELDS``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pytest

from flask_xiebao import (
    Notification,
    NotificationError,
    NotificationType,
    PolicyInfo,
)
from tests.support import API_KEY, INSURE_NUM, PRODUCT_CODE, find_leaks, format_error_report
from tests.unit.support import parse_body, short_id
from tests.vectors import (
    APPLIED,
    ISSUED,
    NAME,
    NOT_PAID,
    PAID,
    POLICY_FILE,
    REISSUED,
    SURRENDERED,
    VECTORS,
    build_notification,
    compute_sign,
)

ISSUED_POLICY = PolicyInfo(
    product_id="1042",
    product_name="境内旅行意外险",
    plan_id="1153",
    plan_name="计划一",
    applicant=NAME,
    insurant=NAME,
    start_date=date(2019, 3, 1),
    end_date=date(2019, 3, 5),
    policy_num="P10042019030100001",
)
PAID_AT = datetime.fromisoformat("2019-02-26T10:20:30+08:00")


def extract_data(body: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(body)["data"]
    return data


#: One row per example notification: the body, the notification type, and the expected fields,
#: except for the fields that all examples have.
EXAMPLES: list[tuple[bytes, NotificationType, dict[str, Any]]] = [
    (APPLIED, NotificationType.APPLICATION, {}),
    (
        PAID,
        NotificationType.PAYMENT,
        {"price_fen": 1500, "paid_at": PAID_AT, "payment_method": "21"},
    ),
    (
        NOT_PAID,
        NotificationType.PAYMENT,
        {
            "insure_num": "20190226020147",
            "succeeded": False,
            "failure": "余额不足",
            "price_fen": 0,
        },
    ),
    (ISSUED, NotificationType.ISSUE, {"policies": (ISSUED_POLICY,)}),
    (SURRENDERED, NotificationType.SURRENDER, {"cancelled_insurants": (NAME,)}),
    (REISSUED, NotificationType.REISSUE, {"new_insure_num": "20190226020199"}),
    (POLICY_FILE, NotificationType.POLICY_FILE, {}),
]


@pytest.mark.parametrize(
    ("body", "kind", "fields"), EXAMPLES, ids=[row[1].name for row in EXAMPLES]
)
def test_notification_of_each_type_has_expected_fields(
    body: bytes, kind: NotificationType, fields: dict[str, Any]
) -> None:
    common_fields: dict[str, Any] = {
        "insure_num": INSURE_NUM,
        "case_code": PRODUCT_CODE,
        "partner_id": "12345",
        "partner_uniq_key": "101000",
    }
    notification = parse_body(body)
    assert notification == Notification(
        type=kind, data=extract_data(body), **{**common_fields, **fields}
    )
    assert repr(notification) == (
        f"Notification(type={kind!r}, insure_num={notification.insure_num!r},"
        f" id={notification.id!r})"
    )


def test_payment_time_is_in_china_standard_time() -> None:
    assert str(parse_body(PAID).paid_at) == "2019-02-26 10:20:30+08:00"


def test_policy_repr_hides_names() -> None:
    assert "P10042019030100001" in repr(ISSUED_POLICY)
    assert NAME not in repr(ISSUED_POLICY)


# Fields of notifications

#: The data of a notification with the fields of a successful payment, issue and reissue.
FULL_DATA = {**extract_data(PAID), **extract_data(ISSUED), "newInsureNum": "2"}
#: The JSON names of a notification's optional fields, each with the attribute of ``Notification``.
OPTIONAL = {
    "failMsg": "failure",
    "caseCode": "case_code",
    "partnerUniqueKey": "partner_uniq_key",
    "price": "price_fen",
    "payTime": "paid_at",
    "onlinePaymentId": "payment_method",
    "newInsureNum": "new_insure_num",
    "cancelMsg": "cancel_reason",
}
_LONGEST_KEY = f"{'a' * 16}{'8' * 256}"

#: One row per notification: the notification type, the fields that differ from ``FULL_DATA``, and
#: the expected attributes of the ``Notification``.
PARSED_FIELDS: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    *[(kind, {}, {"type": kind}) for kind in (0, 6, 37, 9999)],
    (
        5,
        {"insureNum": " 20190226020146  ", "newInsureNum": "20190226020199 "},
        {"insure_num": "20190226020146", "new_insure_num": "20190226020199"},
    ),
    (
        4,
        {"cancelMsg": "行程取消\n全部退保"},
        {"cancelled_insurants": (), "cancel_reason": "行程取消\n全部退保"},
    ),
    (37, {"otherInfo": {"channel": "app"}}, {"other_info": {"channel": "app"}}),
    # The parser treats an empty field like a missing field.
    *[
        (
            1,
            dict.fromkeys([*OPTIONAL, "policys", "cancelInsurants", "otherInfo"], empty),
            {
                **dict.fromkeys(OPTIONAL.values()),
                **{"policies": (), "cancelled_insurants": (), "other_info": {}},
            },
        )
        for empty in (None, "", "  ", list[str](), dict[str, str]())
    ],
    # A notification about a failed step may lack the fields of a successful step.
    *[
        (kind, {name: ..., "state": False}, {"succeeded": False})
        for kind, name in ((2, "payTime"), (2, "price"), (3, "policys"), (5, "newInsureNum"))
    ],
    # If a sub-account made the sale, the notification has the partner id of the sub-account.
    *[
        (2, {"partnerId": sent}, {"partner_id": expected, "price_fen": 1500})
        for sent, expected in ((77, "77"), ("77-b", "77-b"), (..., None), (7.5, None), ([], None))
    ],
    # The visitor can change the member key in the gateway URL, so the parser ignores a key that no
    # member can have.
    *[
        (2, {"partnerUniqueKey": key}, {"partner_uniq_key": None, "price_fen": 1500})
        for key in (
            *("8\u200b", "\u202e8", "8\t", " 8", "8 ", "8" * 2001, "保" * 100, "\ue000"),
            f"{_LONGEST_KEY}8",
        )
    ],
    (1, {"partnerUniqueKey": _LONGEST_KEY}, {"partner_uniq_key": _LONGEST_KEY}),
    # A notification about an installment has the price in the field "premium".
    (
        12,
        {"price": ..., "premium": 4200, "term": 2, "onlinePaymentId": 21},
        {"price_fen": 4200, "payment_method": "21"},
    ),
    (2, {"premium": 4200}, {"price_fen": 1500}),
    (1, {"failMsg": "\U0001f600"}, {"failure": "\U0001f600"}),
    *[
        (
            3,
            {"policys": [{"startDate": start, "endDate": end}]},
            {"policies": (PolicyInfo(start_date=date(2019, 3, 1), end_date=date(2019, 3, 5)),)},
        )
        for start, end in (
            ("2019-03-01 00:00:00", "2019-03-05T23:59:59"),
            ("2019/03/01", "2019/3/5 23:59:59"),
        )
    ],
    (2, {"payTime": "2019/02/26 10:20:30"}, {"paid_at": PAID_AT}),
    (
        3,
        {"policys": [{"policyNum": "P1\u30002", "productId": "a\nb", "planId": 7}]},
        {"policies": (PolicyInfo(policy_num="P1\u30002", product_id="a\nb", plan_id="7"),)},
    ),
]


#: One row per invalid required field: the notification type, the field with its value, and a part
#: of the error message.
INVALID_REQUIRED_FIELDS: list[tuple[int, dict[str, Any], str]] = [
    (1, {"insureNum": ...}, '"insureNum" is missing'),
    (1, {"insureNum": ""}, '"insureNum" is missing'),
    (1, {"insureNum": " "}, '"insureNum" is missing'),
    (1, {"insureNum": ["1"]}, '"insureNum" must be a string or an integer'),
    (1, {"insureNum": True}, '"insureNum" must be a string or an integer'),
    (1, {"insureNum": "a\u0000b"}, '"insureNum" contains the unprintable character U+0000'),
    (1, {"state": ...}, '"state" is missing'),
    (1, {"state": "true"}, '"state" must be true or false'),
    (1, {"state": 1}, '"state" must be true or false'),
]


@pytest.mark.parametrize(("kind", "fields", "message"), INVALID_REQUIRED_FIELDS, ids=short_id)
def test_invalid_required_field_raises_error_with_its_name(
    kind: int, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotificationError, match="notification_reader") as error:
        parse_body(build_notification(kind, FULL_DATA, **fields))
    assert error.value.reason == "wrong_field"
    assert message in str(error.value)


#: One row per missing or unreadable field: the notification type, the field with its value, and the
#: expected attributes of the ``Notification``.
UNREADABLE_FIELDS: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (1, {"caseCode": {"a": 1}}, {"case_code": None}),
    (1, {"failMsg": ["a"]}, {"failure": None}),
    *[(1, {"otherInfo": value}, {"other_info": {}}) for value in (["a"], "a", 7, True)],
    *[
        (2, {"payTime": value}, {"paid_at": None, "price_fen": 1500})
        for value in (
            ...,
            "2019-02-30 10:20:30",
            "2019-02-26",
            1551147630,
        )
    ],
    *[
        (2, {"price": value}, {"price_fen": None, "paid_at": PAID_AT})
        for value in (..., "1500", 15.5, -1, True)
    ],
    *[(3, {"policys": value}, {"policies": ()}) for value in (..., [], {"a": 1}, ["P1"], "P1")],
    (3, {"policys": ["P1", {"policyNum": "P2"}]}, {"policies": (PolicyInfo(policy_num="P2"),)}),
    *[
        (
            3,
            {"policys": [{"policyNum": "P1", name: value}]},
            {"policies": (PolicyInfo(policy_num="P1"),)},
        )
        for name, value in (
            ("endDate", "终身"),
            ("startDate", "1 March"),
            ("productId", 1.5),
            ("insurant", [NAME]),
        )
    ],
    *[
        (4, {"cancelInsurants": value}, {"cancelled_insurants": names})
        for value, names in ((NAME, (NAME,)), ([1], ()), ([1, NAME, None, ""], (NAME,)), ("", ()))
    ],
    (4, {"cancelMsg": [NAME]}, {"cancel_reason": None}),
    *[(5, {"newInsureNum": value}, {"new_insure_num": None}) for value in (..., "2019 1", ["2"])],
]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        *PARSED_FIELDS,
        # If a field is unreadable, the parser still reads the other fields.
        *[
            (kind, fields, {"insure_num": INSURE_NUM, "succeeded": True, **expected})
            for kind, fields, expected in UNREADABLE_FIELDS
        ],
    ],
    ids=short_id,
)
def test_field_is_parsed_or_empty_and_data_is_unchanged(
    kind: int, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = build_notification(kind, FULL_DATA, **fields)
    notification = parse_body(body)
    assert {name: getattr(notification, name) for name in expected} == expected
    assert notification.data == extract_data(body)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (r"\ud83d", "\ufffd"),
        (r"a\uDFFFb", "a\ufffdb"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
    ],
)
def test_unpaired_surrogate_becomes_replacement_character(sent: str, expected: str) -> None:
    data = f'{{"insureNum":"1","state":false,"failMsg":"{sent}"}}'
    notification = parse_body(build_notification(2, data))
    assert (notification.failure, notification.data["failMsg"]) == (expected, expected)


_SURRENDER_DATA = extract_data(SURRENDERED)
#: Invalid notification bodies, by the kind of error. Error messages must not show the signature and
#: the names in the bodies.
INVALID_BODIES = {
    "signature of another key": build_notification(3, extract_data(ISSUED), key="another key"),
    "insureNum": build_notification(4, _SURRENDER_DATA, key=API_KEY, insureNum={"name": NAME}),
    "state": build_notification(4, _SURRENDER_DATA, key=API_KEY, state=[NAME]),
    "name in the signature": ISSUED.replace(b'"sign":"', f'"sign":"{NAME}'.encode()),
    "truncated": ISSUED[:-9],
    "invalid JSON": ISSUED[:-1] + f'"{NAME}":1}}'.encode(),
    "duplicate name": ISSUED.replace(b'"state"', b'"insureNum":1,"state"'),
}


@pytest.mark.parametrize("body", INVALID_BODIES.values(), ids=INVALID_BODIES)
def test_notification_error_hides_key_signature_and_names(body: bytes) -> None:
    with pytest.raises(NotificationError) as error:
        parse_body(body, API_KEY)
    sign = compute_sign(ISSUED.decode().partition('"data":')[2][:-1], API_KEY)
    assert find_leaks(format_error_report(error.value), API_KEY, NAME, sign, "insurant") == []


# Ids of notifications


def test_id_is_equal_for_different_layouts_of_same_data() -> None:
    data = extract_data(PAID)
    layouts = [
        json.dumps(data),
        json.dumps(data, indent=2),
        json.dumps(dict(reversed(data.items())), ensure_ascii=False, separators=(" ,\n\t", " : ")),
    ]
    assert {parse_body(build_notification(2, text)).id for text in layouts} == {parse_body(PAID).id}
    assert len(parse_body(PAID).id) == 64


def test_id_differs_for_different_data_or_type() -> None:
    bodies = [
        *VECTORS,
        build_notification(2, FULL_DATA, price=1501),
        build_notification(2, FULL_DATA, more=""),
    ]
    # The example notifications about an application and about a policy file differ only in their
    # type, so the id must depend on the type.
    assert len({parse_body(body).id for body in bodies}) == len(bodies)


# ``Notification`` objects that a site constructs, for example in a ``notification_reader``


def make_notification(**fields: Any) -> Notification:
    return Notification(**{"type": 2, "insure_num": "1", **fields})


_INFO = {"a": 1, "b": 2}
_BACKWARDS: Mapping[str, int] = MappingProxyType({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("fields", "equal_fields"),
    [
        ({}, {"type": NotificationType.PAYMENT, "succeeded": True}),
        ({"id": "their own"}, {"type": 1, "id": "their own"}),
        ({"paid_at": PAID_AT}, {"paid_at": PAID_AT.astimezone(UTC)}),
        ({"other_info": _INFO}, {"other_info": _BACKWARDS}),
        ({"data": _INFO}, {"data": _BACKWARDS}),
        # The constructor converts integers to strings.
        (
            {"insure_num": 2019, "partner_uniq_key": 8},
            {"insure_num": "2019", "partner_uniq_key": "8"},
        ),
        ({"partner_uniq_key": "8\u200b"}, {"partner_uniq_key": None}),
    ],
    ids=short_id,
)
def test_constructed_notifications_with_equal_fields_have_same_id(
    fields: dict[str, Any], equal_fields: dict[str, Any]
) -> None:
    assert make_notification(**fields).id == make_notification(**equal_fields).id


def test_constructed_notifications_with_different_fields_have_different_ids() -> None:
    notifications = [
        make_notification(),
        make_notification(price_fen=1501),
        make_notification(type=3),
        make_notification(insure_num="2"),
        make_notification(policies=(PolicyInfo(insurant=NAME),)),
        make_notification(policies=(PolicyInfo(insurant="周航"),)),
        make_notification(paid_at=PAID_AT),
    ]
    assert len({notification.id for notification in notifications}) == len(notifications)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": 10_000}, "type must be an integer from 0 to 9999"),
        ({"id": "a\nb"}, r"id contains the unprintable character U\+000A"),
        ({"type": "2"}, "type must be an integer from 0 to 9999"),
        ({"type": True}, "type must be an integer from 0 to 9999"),
        ({"type": None}, "type must be an integer from 0 to 9999"),
        ({"insure_num": None}, "insure_num is None"),
        ({"insure_num": ""}, "insure_num is empty"),
        ({"insure_num": "2019 0226"}, "insure_num must be a single application number, without"),
        ({"new_insure_num": "2019 1"}, "new_insure_num must be a single application number"),
        ({"partner_uniq_key": ["8"]}, "partner_uniq_key must be a string or an integer"),
    ],
    ids=short_id,
)
def test_constructed_notification_with_invalid_field_raises_error(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotificationError, match=message) as error:
        make_notification(**fields)
    assert error.value.reason == "wrong_field"


def test_equal_notifications_have_same_hash() -> None:
    first, second = (make_notification(other_info=dict(_INFO)) for _ in range(2))
    assert len({parse_body(PAID), parse_body(PAID), first, second}) == 2


def test_notification_rejects_positional_arguments() -> None:
    with pytest.raises(TypeError):
        Notification(1, "20190226020146")  # type: ignore[call-arg]
