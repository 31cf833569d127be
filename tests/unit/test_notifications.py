"""What a notification says, once it is the platform's: its fields, its id, and what it hides.

Which bodies are the platform's at all is in ``test_notification_bodies.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
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
from tests.unit.support import parse, short
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


def data_of(body: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(body)["data"]
    return data


#: The body of each step, and what it says besides whose it is and for which product.
STEPS: list[tuple[bytes, NotificationType, dict[str, Any]]] = [
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


@pytest.mark.parametrize(("body", "kind", "said"), STEPS, ids=[step[1].name for step in STEPS])
def test_a_step_says_what_it_is_of_whom_and_nothing_else(
    body: bytes, kind: NotificationType, said: dict[str, Any]
) -> None:
    whose: dict[str, Any] = {
        "insure_num": INSURE_NUM,
        "case_code": PRODUCT_CODE,
        "partner_id": "12345",
        "partner_uniq_key": "101000",
    }
    notification = parse(body)
    assert notification == Notification(type=kind, data=data_of(body), **{**whose, **said})
    assert repr(notification) == (
        f"Notification(type={kind!r}, insure_num={notification.insure_num!r},"
        f" id={notification.id!r})"
    )


def test_a_time_is_in_china() -> None:
    paid_at = parse(PAID).paid_at
    assert paid_at is not None
    assert (paid_at.isoformat(), paid_at.utcoffset()) == (PAID_AT.isoformat(), timedelta(hours=8))


def test_a_policy_does_not_show_whose_it_is() -> None:
    assert "P10042019030100001" in repr(ISSUED_POLICY)
    assert NAME not in repr(ISSUED_POLICY)


# Fields

#: A success of any step.
SAID = {**data_of(PAID), **data_of(ISSUED), "newInsureNum": "2"}
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
EMPTY: list[object] = [None, "", "  ", [], {}]
_DATED = [{"startDate": "2019-03-01 00:00:00", "endDate": "2019-03-05T23:59:59"}]
_DATES = PolicyInfo(start_date=date(2019, 3, 1), end_date=date(2019, 3, 5))
_CALLED = [{"policyNum": "P1\u30002", "productId": "a\nb", "planId": 7}]
_NAMES = PolicyInfo(policy_num="P1\u30002", product_id="a\nb", plan_id="7")
_LONGEST_KEY = f"{'a' * 16}{'8' * 256}"

#: The type, fields as they are sent, and what is made of them.
READ: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
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
    # What is empty is left out.
    *[
        (
            1,
            dict.fromkeys([*OPTIONAL, "policys", "cancelInsurants", "otherInfo"], empty),
            {
                **dict.fromkeys(OPTIONAL.values()),
                **{"policies": (), "cancelled_insurants": (), "other_info": {}},
            },
        )
        for empty in EMPTY
    ],
    # A step that failed need not have what a success has.
    *[
        (kind, {name: ..., "state": False}, {"succeeded": False})
        for kind, name in ((2, "payTime"), (2, "price"), (3, "policys"), (5, "newInsureNum"))
    ],
    # A sale by a sub-account is read, and says whose it is.
    *[
        (2, {"partnerId": sent}, {"partner_id": said, "price_fen": 1500})
        for sent, said in ((77, "77"), ("77-b", "77-b"), (..., None), (7.5, None), ([], None))
    ],
    # Whoever clicks can choose a key: one that no member can have is nobody's.
    *[
        (2, {"partnerUniqueKey": key}, {"partner_uniq_key": None, "price_fen": 1500})
        for key in (
            *("8\u200b", "\u202e8", "8\t", " 8", "8 ", "8" * 2001, "保" * 100, "\ue000"),
            f"{_LONGEST_KEY}8",
        )
    ],
    (1, {"partnerUniqueKey": _LONGEST_KEY}, {"partner_uniq_key": _LONGEST_KEY}),
    # The debit of an instalment.
    (
        12,
        {"price": ..., "premium": 4200, "term": 2, "onlinePaymentId": 21},
        {"price_fen": 4200, "payment_method": "21"},
    ),
    (2, {"premium": 4200}, {"price_fen": 1500}),
    (1, {"failMsg": "\U0001f600"}, {"failure": "\U0001f600"}),
    (3, {"policys": _DATED}, {"policies": (_DATES,)}),
    (3, {"policys": _CALLED}, {"policies": (_NAMES,)}),
]


@pytest.mark.parametrize(("kind", "fields", "made"), READ, ids=short)
def test_a_field_is_read_and_is_there_as_it_was_sent(
    kind: int, fields: dict[str, Any], made: dict[str, Any]
) -> None:
    body = build_notification(kind, SAID, **fields)
    notification = parse(body)
    assert {name: getattr(notification, name) for name in made} == made
    assert notification.data == data_of(body)


#: The type, a field that is missing or wrong, and what is said of it.
REFUSED: list[tuple[int, dict[str, Any], str]] = [
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


@pytest.mark.parametrize(("kind", "fields", "named"), REFUSED, ids=short)
def test_a_field_that_is_missing_or_wrong_is_named(
    kind: int, fields: dict[str, Any], named: str
) -> None:
    parse(build_notification(kind, SAID))
    with pytest.raises(NotificationError, match="notification_reader") as raised:
        parse(build_notification(kind, SAID, **fields))
    assert raised.value.reason == "wrong_field"
    assert named in str(raised.value)


#: The type of a notification, a field that is missing or cannot be read, and the expected values.
UNREADABLE: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
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


@pytest.mark.parametrize(("kind", "fields", "expected"), UNREADABLE, ids=short)
def test_field_that_cannot_be_read_is_none(
    kind: int, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = build_notification(kind, SAID, **fields)
    notification = parse(body)
    assert {name: getattr(notification, name) for name in expected} == expected
    assert (notification.insure_num, notification.succeeded) == (INSURE_NUM, True)
    assert notification.data == data_of(body)


def test_date_and_time_with_slashes_are_read() -> None:
    policies = [{"startDate": "2019/03/01", "endDate": "2019/3/5 23:59:59"}]
    assert parse(build_notification(3, SAID, policys=policies)).policies == (_DATES,)
    assert parse(build_notification(2, SAID, payTime="2019/02/26 10:20:30")).paid_at == PAID_AT


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
    notification = parse(build_notification(2, data))
    assert (notification.failure, notification.data["failMsg"]) == (expected, expected)
    with pytest.raises(NotificationError, match="signature"):
        parse(build_notification(2, data).replace(b'"insureNum":"1"', b'"insureNum":"2"'))


_LEAVING = data_of(SURRENDERED)
#: Bodies that are refused, with a key, its sign or somebody's name in them.
SECRETIVE = {
    "the sign": build_notification(3, data_of(ISSUED), key="another key"),
    "insureNum": build_notification(4, _LEAVING, key=API_KEY, insureNum={"name": NAME}),
    "state": build_notification(4, _LEAVING, key=API_KEY, state=[NAME]),
    "a sign that is none": ISSUED.replace(b'"sign":"', f'"sign":"{NAME}'.encode()),
    "no end": ISSUED[:-9],
    "no JSON": ISSUED[:-1] + f'"{NAME}":1}}'.encode(),
    "a name twice": ISSUED.replace(b'"state"', b'"insureNum":1,"state"'),
}


@pytest.mark.parametrize("body", SECRETIVE.values(), ids=SECRETIVE)
def test_an_error_shows_neither_key_nor_sign_nor_names(body: bytes) -> None:
    with pytest.raises(NotificationError) as raised:
        parse(body, API_KEY)
    sign = json.loads(build_notification(key=API_KEY))["sign"]
    assert find_leaks(format_error_report(raised.value), API_KEY, NAME, sign, "insurant") == []


# The id


def test_what_says_the_same_has_the_same_id_however_it_was_written() -> None:
    data = data_of(PAID)
    written = [
        json.dumps(data),
        json.dumps(data, indent=2),
        json.dumps(dict(reversed(data.items())), ensure_ascii=False, separators=(" ,\n\t", " : ")),
    ]
    assert {parse(build_notification(2, text)).id for text in written} == {parse(PAID).id}
    assert len(parse(PAID).id) == 64


def test_what_says_something_else_has_another_id() -> None:
    bodies = [
        *VECTORS,
        build_notification(2, SAID, price=1501),
        build_notification(2, SAID, more=""),
    ]
    # Those of an application and of a file differ by type alone.
    assert len({parse(body).id for body in bodies}) == len(bodies)


# One that a site makes, for its tests or in a reader of its own


def made(**own: Any) -> Notification:
    return Notification(**{"type": 2, "insure_num": "1", **own})


_INFO = {"a": 1, "b": 2}
_BACKWARDS: Mapping[str, int] = MappingProxyType({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"type": NotificationType.PAYMENT, "succeeded": True}),
        ({"id": "their own"}, {"type": 1, "id": "their own"}),
        ({"paid_at": PAID_AT}, {"paid_at": PAID_AT.astimezone(UTC)}),
        ({"other_info": _INFO}, {"other_info": _BACKWARDS}),
        ({"data": _INFO}, {"data": _BACKWARDS}),
        # Numbers of a platform that writes them as such are text.
        (
            {"insure_num": 2019, "partner_uniq_key": 8},
            {"insure_num": "2019", "partner_uniq_key": "8"},
        ),
        ({"partner_uniq_key": "8\u200b"}, {"partner_uniq_key": None}),
    ],
    ids=short,
)
def test_two_that_say_the_same_have_one_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert made(**one).id == made(**other).id


def test_two_that_differ_have_two_ids() -> None:
    others: list[dict[str, Any]] = [
        {},
        {"price_fen": 1501},
        {"type": 3},
        {"insure_num": "2"},
        {"policies": (PolicyInfo(insurant=NAME),)},
        {"policies": (PolicyInfo(insurant="周航"),)},
        {"paid_at": PAID_AT},
    ]
    assert len({made(**other).id for other in others}) == len(others)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"type": "2"}, "type must be a non-negative integer, got str"),
        ({"type": True}, "type must be a non-negative integer, got bool"),
        ({"type": None}, "type must be a non-negative integer, got NoneType"),
        ({"insure_num": None}, "insure_num is None"),
        ({"insure_num": ""}, "insure_num is empty"),
        ({"insure_num": "2019 0226"}, "insure_num must be a single application number, without"),
        ({"new_insure_num": "2019 1"}, "new_insure_num must be a single application number"),
        ({"partner_uniq_key": ["8"]}, "partner_uniq_key must be a string or an integer"),
    ],
    ids=short,
)
def test_one_that_is_made_wrong_is_refused_in_words(own: dict[str, Any], said: str) -> None:
    with pytest.raises(NotificationError, match=said) as caught:
        made(**own)
    assert caught.value.reason == "wrong_field"


def test_what_it_says_is_given_by_name() -> None:
    with pytest.raises(TypeError):
        Notification(1, "20190226020146")  # type: ignore[call-arg]
