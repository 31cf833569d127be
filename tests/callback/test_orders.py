"""Tests for the query of one order, for the resulting ``Order``, and for the policy file."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from threading import Lock
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from flask_xiebao import (
    EffectiveStatus,
    Gateway,
    IssueStatus,
    Order,
    OrderError,
    PayStatus,
    PolicyInfo,
)
from tests.callback.support import (
    ORDER_FIELDS,
    FakeOrderGateway,
    build_gateway_response,
    build_order_response,
)
from tests.support import INSURE_NUM, find_leaks
from tests.vectors import NAME, QUERY, SIGN_OF_QUERY, compute_sign

# The request of an order query


def test_order_query_is_post_request_with_signed_json() -> None:
    gateway = FakeOrderGateway()
    gateway.client.get(INSURE_NUM)
    [request] = gateway.requests
    assert request.method == "POST"
    assert str(request.url).partition("?")[0] == "https://testapi.xiebao18.com/api/orderDetail"
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/json"
    assert request.headers["Accept-Encoding"] == "identity"
    body = re.sub(rb'"12345-\d{26}"', b'"12345-20190226102030000001"', request.content)
    assert body == QUERY
    assert gateway.last_sign == compute_sign(request.content)
    # The example query and its signature show that ``compute_sign`` follows the gateway's rule.
    assert compute_sign(QUERY) == SIGN_OF_QUERY


@pytest.mark.parametrize(
    ("partner_id", "expected"),
    [
        ("12345", b'"partnerId":12345,'),
        (12345, b'"partnerId":12345,'),
        ("qy", b'"partnerId":"qy",'),
        ("0123", b'"partnerId":"0123",'),
        ("１２", '"partnerId":"１２",'.encode()),
    ],
    ids=["digits", "integer", "letters", "leading zero", "full-width digits"],
)
def test_numeric_partner_id_is_sent_as_json_number(partner_id: Any, expected: bytes) -> None:
    gateway = FakeOrderGateway(partner_id=partner_id)
    gateway.client.get(INSURE_NUM)
    assert expected in gateway.requests[0].content


@pytest.mark.parametrize("base_url", [Gateway.PRODUCTION, "http://127.0.0.1:5000/gateway/"])
def test_order_query_is_sent_to_base_url_of_client(base_url: str) -> None:
    gateway = FakeOrderGateway(base_url=base_url)
    gateway.client.get(INSURE_NUM)
    assert str(gateway.requests[0].url).startswith(f"{base_url.rstrip('/')}/api/orderDetail?sign=")


@pytest.mark.parametrize(
    ("number", "number_in_response"),
    [
        (int(INSURE_NUM), INSURE_NUM),
        (f"{INSURE_NUM}   ", INSURE_NUM),
        (INSURE_NUM, f"{INSURE_NUM} "),
    ],
    ids=["integer", "padded argument", "padded response"],
)
def test_application_number_may_be_integer_or_have_trailing_spaces(
    number: Any, number_in_response: str
) -> None:
    gateway = FakeOrderGateway(build_order_response(insureNum=number_in_response))
    assert gateway.client.get(number).insure_num == INSURE_NUM


@pytest.mark.parametrize("query", ["get", "policy_url"])
@pytest.mark.parametrize("number", ["", " ", None, True, 1.5, "a\nb", ["1"]], ids=repr)
def test_invalid_application_number_raises_order_error_without_request(
    number: Any, query: str
) -> None:
    gateway = FakeOrderGateway()
    with pytest.raises(OrderError, match=r"^insure_num "):
        getattr(gateway.client, query)(number)
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("partner_id", ""),
        ("partner_id", None),
        ("api_key", ""),
        ("api_key", None),
        ("base_url", "/gateway"),
        ("base_url", "testapi.xiebao18.com"),
        ("base_url", "https://me:secret@testapi.xiebao18.com"),
        ("base_url", "https://testapi.xiebao18.com/?x=1"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", True),
        ("timeout", "10"),
        ("timeout", None),
        ("timeout", float("inf")),
        ("timeout", float("nan")),
    ],
)
def test_invalid_argument_of_client_raises_order_error_with_its_name(
    argument: str, value: Any
) -> None:
    with pytest.raises(OrderError, match=argument):
        FakeOrderGateway(**{argument: value})


# The attributes of an order


def test_order_has_all_fields_of_response_and_no_names_in_repr() -> None:
    order = FakeOrderGateway().client.get(INSURE_NUM)

    assert order == Order(
        insure_num=INSURE_NUM,
        case_code="QX000000127257",
        partner_uniq_key="101000",
        product_name="境内旅行意外险",
        plan_name="计划一",
        company_name="某某财险",
        start_date=date(2019, 3, 1),
        end_date=date(2019, 3, 5),
        price_fen=1500,
        applied_at=datetime.fromisoformat("2019-02-26T10:18:00+08:00"),
        paid_at=datetime.fromisoformat("2019-02-26T10:20:30+08:00"),
        issued_at=datetime.fromisoformat("2019-02-26T10:21:00+08:00"),
        policies=(
            PolicyInfo(
                product_name="境内旅行意外险",
                plan_name="计划一",
                applicant=NAME,
                insurant=NAME,
                start_date=date(2019, 3, 1),
                end_date=date(2019, 3, 5),
                policy_num="P10042019030100001",
            ),
        ),
        pay_status=PayStatus.PAID,
        issue_status=IssueStatus.ISSUED,
        effective_status=EffectiveStatus.IN_FORCE,
        data=ORDER_FIELDS,
    )
    # An integer and an ``IntEnum`` member can be equal, so check the types, too.
    statuses = (order.pay_status, order.issue_status, order.effective_status)
    assert [type(status) for status in statuses] == [PayStatus, IssueStatus, EffectiveStatus]
    # Datetimes in two time zones can be equal, so check that the time is the local time in China.
    assert "2019, 2, 26, 10, 20, 30" in repr(order.paid_at)
    assert INSURE_NUM in repr(order)
    assert find_leaks(repr(order), NAME, "13800000000") == []


@pytest.mark.parametrize(
    ("field", "value", "attribute"),
    [
        ("payAmount", "15", "price_fen"),
        ("payAmount", 15.0, "price_fen"),
        ("payedTime", "0000-00-00 00:00:00", "paid_at"),
        ("endDate", "终身", "end_date"),
        ("caseCode", "QX\t1", "case_code"),
        ("productName", 7, "product_name"),
        ("insurants", NAME, "policies"),
    ],
)
def test_order_attribute_is_empty_if_its_field_cannot_be_read(
    field: str, value: Any, attribute: str
) -> None:
    order = FakeOrderGateway(build_order_response(**{field: value})).client.get(INSURE_NUM)
    assert not getattr(order, attribute)
    assert order.data[field] == value
    assert order.pay_status is PayStatus.PAID


def test_order_attributes_are_none_if_response_omits_their_fields() -> None:
    fields = {"insureNum": INSURE_NUM, "planName": None}
    response = build_gateway_response({"orderDetail": fields})
    order = FakeOrderGateway(response).client.get(INSURE_NUM)
    assert order == Order(insure_num=INSURE_NUM, data=fields)
    assert (order.pay_status, order.paid_at, order.policies, order.member) == (None, None, (), None)


def test_response_of_exactly_1_mib_is_read() -> None:
    response = json.dumps(build_order_response()).encode().ljust(1024 * 1024)
    assert FakeOrderGateway(response).client.get(INSURE_NUM).insure_num == INSURE_NUM


def test_order_keeps_unknown_statuses_and_fields() -> None:
    response = build_order_response(
        payStatus=77, issueStatus=-1, effectiveStatus=4, more=[1], insurePartnerId=78
    )
    order = FakeOrderGateway(response).client.get(INSURE_NUM)
    assert (order.pay_status, order.issue_status, order.effective_status) == (77, -1, 4)
    assert order.data["more"] == [1]
    assert order.insure_partner_id == "78"


# The member of an order


def test_order_member_is_looked_up_once_at_first_access() -> None:
    member_of = Mock(return_value="m_7")
    order = FakeOrderGateway(member_of=member_of).client.get(INSURE_NUM)
    member_of.assert_not_called()
    assert (order.member, order.member) == ("m_7", "m_7")
    member_of.assert_called_once_with("101000")


def test_member_lookup_does_not_change_equality_and_repr_of_order() -> None:
    order = FakeOrderGateway(member_of=lambda _: "m_7").client.get(INSURE_NUM)
    assert order.member == "m_7"
    order_without_lookup = FakeOrderGateway().client.get(INSURE_NUM)
    assert (order, repr(order)) == (order_without_lookup, repr(order_without_lookup))
    assert find_leaks(repr(order), "m_7", NAME, "member") == []


def test_equal_orders_have_same_hash() -> None:
    client = FakeOrderGateway().client
    assert len({client.get(INSURE_NUM), client.get(INSURE_NUM)}) == 1


def test_order_class_can_be_mocked_with_autospec() -> None:
    assert create_autospec(Order).member is not None


class MemberDirectory:
    """A member directory that, like a Flask app, can be neither copied nor pickled."""

    def __init__(self) -> None:
        self._lock = Lock()

    def find_member(self, key: str) -> str | None:
        return {"101000": "m_7", "2": "m_8"}.get(key)


@pytest.mark.parametrize("is_read_before", [False, True], ids=["unread member", "read member"])
@pytest.mark.parametrize(
    ("copy_order", "member"),
    [
        (copy.copy, "m_7"),
        (copy.deepcopy, "m_7"),
        (lambda order: replace(order, case_code="1"), "m_7"),
        (lambda order: replace(order, partner_uniq_key="2"), "m_8"),
        (lambda order: replace(order, partner_uniq_key=None), None),
    ],
    ids=["copy", "deepcopy", "other product", "other member key", "no member key"],
)
def test_copied_order_has_member_for_its_member_key(
    copy_order: Callable[[Order], Order], member: str | None, is_read_before: bool
) -> None:
    order = FakeOrderGateway(member_of=MemberDirectory().find_member).client.get(INSURE_NUM)
    assert not is_read_before or order.member == "m_7"
    assert copy_order(order).member == member


def test_pickled_order_has_member_only_if_it_was_read_before() -> None:
    order = FakeOrderGateway(member_of=MemberDirectory().find_member).client.get(INSURE_NUM)
    unpickled = pickle.loads(pickle.dumps(order))  # noqa: S301 - The test itself pickled the data.
    assert (unpickled, unpickled.member) == (order, None)
    assert order.member == "m_7"
    assert pickle.loads(pickle.dumps(order)).member == "m_7"  # noqa: S301


# The URL of a policy file


def test_policy_url_returns_file_url_of_response() -> None:
    url = "https://files.example/1.pdf?key=a%2Bb"
    response = build_gateway_response({"insureNum": INSURE_NUM, "fileUrl": url, "size": 7})
    gateway = FakeOrderGateway(response)
    assert gateway.client.policy_url(INSURE_NUM) == url
    assert "/api/downloadUrl?sign=" in str(gateway.requests[0].url)


#: One row per response without a usable file URL: the application number in the query, the file URL
#: in the response about the order ``INSURE_NUM``, and a part of the error message.
INVALID_FILES: dict[str, tuple[str | int, Any, str]] = {
    "file of another order": (
        2,
        "https://a.example/1",
        '"insureNum" must be the application number',
    ),
    "null": (INSURE_NUM, None, 'invalid response: "fileUrl" is missing'),
    "empty URL": (INSURE_NUM, "", 'invalid response: "fileUrl" is missing'),
    "file name": (INSURE_NUM, "1.pdf", 'invalid response: "fileUrl" must '),
    "path": (INSURE_NUM, "/1.pdf", 'invalid response: "fileUrl" must '),
    "javascript": (INSURE_NUM, "javascript:alert(1)", 'invalid response: "fileUrl" must '),
    "user and password": (
        INSURE_NUM,
        "https://me:it@files.example/",
        'invalid response: "fileUrl" must ',
    ),
    "number": (INSURE_NUM, 7, 'invalid response: "fileUrl" must '),
}


@pytest.mark.parametrize(("number", "url", "message"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_policy_url_raises_order_error_for_file_of_other_order_or_invalid_url(
    number: str | int, url: Any, message: str
) -> None:
    response = build_gateway_response({"insureNum": INSURE_NUM, "fileUrl": url})
    with pytest.raises(OrderError, match=message):
        FakeOrderGateway(response).client.policy_url(number)
