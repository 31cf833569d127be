"""The order query: what is asked, and what is made of the answers."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from threading import Lock
from typing import Any
from unittest.mock import Mock, call, create_autospec

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
from tests.callback.support import DETAIL, Platform, detail, ok, page
from tests.support import INSURE_NUM, failing_function, find_leaks
from tests.vectors import NAME, QUERY, SIGN_OF_QUERY, compute_sign

# What is asked


def test_a_query_is_signed_as_the_platform_checks_it() -> None:
    assert compute_sign(QUERY) == SIGN_OF_QUERY  # so the rule is the family's
    platform = Platform()
    platform.client.get(INSURE_NUM)
    [asked] = platform.asked
    assert asked.method == "POST"
    assert str(asked.url).partition("?")[0] == "https://testapi.xiebao18.com/api/orderDetail"
    assert platform.sign == compute_sign(asked.content)
    assert asked.headers["Content-Type"] == "application/json"
    written = re.sub(rb'"12345-\d{26}"', b'"12345-20190226102030000001"', asked.content)
    assert written == QUERY


@pytest.mark.parametrize(
    ("partner_id", "written"),
    [
        ("12345", b'"partnerId":12345,'),
        (12345, b'"partnerId":12345,'),
        ("qy", b'"partnerId":"qy",'),
        ("0123", b'"partnerId":"0123",'),
        ("１２", '"partnerId":"１２",'.encode()),
    ],
)
def test_the_partner_id_is_the_number_that_it_is(partner_id: Any, written: bytes) -> None:
    platform = Platform(partner_id=partner_id)
    platform.client.get(INSURE_NUM)
    assert written in platform.asked[0].content


@pytest.mark.parametrize("base_url", [Gateway.PRODUCTION, "http://127.0.0.1:5000/gateway/"])
def test_the_host_is_that_of_the_pages(base_url: str) -> None:
    platform = Platform(base_url=base_url)
    platform.client.get(INSURE_NUM)
    assert str(platform.asked[0].url).startswith(f"{base_url.rstrip('/')}/api/orderDetail?sign=")


@pytest.mark.parametrize("number", [int(INSURE_NUM), f"{INSURE_NUM}   "])
def test_a_number_may_be_a_number_or_padded(number: Any) -> None:
    assert Platform().client.get(number).insure_num == INSURE_NUM


@pytest.mark.parametrize("number", ["", " ", None, True, 1.5, "a\nb", ["1"]])
def test_a_number_that_is_none_is_not_asked_for(number: Any) -> None:
    platform = Platform()
    for ask in (platform.client.get, platform.client.policy_url):
        with pytest.raises(OrderError, match=r"^insure_num "):
            ask(number)
    assert platform.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"partner_id": ""},
        {"partner_id": None},
        {"api_key": ""},
        {"api_key": None},
        {"base_url": "/gateway"},
        {"base_url": "testapi.xiebao18.com"},
        {"base_url": "https://me:secret@testapi.xiebao18.com"},
        {"base_url": "https://testapi.xiebao18.com/?x=1"},
        *({"timeout": wrong} for wrong in (0, -1, True, "10", None, float("inf"), float("nan"))),
    ],
)
def test_a_wrong_argument_is_an_order_error_that_names_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(OrderError, match=next(iter(wrong))):
        Platform(**wrong)


# What is made of the answer


def test_an_order_is_what_the_answer_says() -> None:
    order = Platform().client.get(INSURE_NUM)
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
        data=DETAIL,
    )
    statuses = (order.pay_status, order.issue_status, order.effective_status)
    assert [type(each) for each in statuses] == [PayStatus, IssueStatus, EffectiveStatus]
    assert "2019, 2, 26, 10, 20, 30" in repr(order.paid_at)  # as it is in China
    assert order.member is None
    assert INSURE_NUM in repr(order)
    assert find_leaks(repr(order), NAME, "13800000000") == []


@pytest.mark.parametrize(
    ("name", "said", "attribute"),
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
def test_an_order_is_not_lost_for_what_cannot_be_read(name: str, said: Any, attribute: str) -> None:
    order = Platform(detail(**{name: said})).client.get(INSURE_NUM)
    assert not getattr(order, attribute)
    assert order.data[name] == said
    assert order.pay_status is PayStatus.PAID


def test_a_number_that_the_gateway_pads_is_the_same() -> None:
    assert (
        Platform(detail(insureNum=f"{INSURE_NUM} ")).client.get(INSURE_NUM).insure_num == INSURE_NUM
    )


def test_what_the_answer_omits_is_none() -> None:
    said = {"insureNum": INSURE_NUM, "planName": None}
    order = Platform(ok({"orderDetail": said})).client.get(INSURE_NUM)
    assert order == Order(insure_num=INSURE_NUM, data=said)
    assert (order.pay_status, order.paid_at, order.policies) == (None, None, ())
    assert Order(insure_num=INSURE_NUM).member is None
    assert create_autospec(Order).member is not None  # the class can be looked at


def test_unknown_numbers_and_fields_are_kept() -> None:
    answer = detail(payStatus=77, issueStatus=-1, effectiveStatus=4, more=[1], insurePartnerId=78)
    order = Platform(answer).client.get(INSURE_NUM)
    assert (order.pay_status, order.issue_status, order.effective_status) == (77, -1, 4)
    assert order.data["more"] == [1]
    assert order.insure_partner_id == "78"  # who sold it is who the gateway says


def test_whose_it_is_is_asked_when_it_is_read_and_once() -> None:
    member_of = Mock(return_value="m_7")
    order = Platform(member_of=member_of).client.get(INSURE_NUM)
    assert order == Platform().client.get(INSURE_NUM)
    assert member_of.mock_calls == []
    assert (order.member, order.member) == ("m_7", "m_7")
    assert member_of.mock_calls == [call("101000")]


class Members:
    """The members of a site, which can be neither copied nor pickled, as its app cannot."""

    def __init__(self) -> None:
        self._lock = Lock()

    def member_of(self, key: str) -> str | None:
        return {"101000": "m_7", "2": "m_8"}.get(key)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda order: replace(order, case_code="1")]
)
@pytest.mark.parametrize("is_read", [False, True])
def test_a_copy_knows_whose_it_is(copied: Callable[[Order], Order], is_read: bool) -> None:
    order = Platform(member_of=Members().member_of).client.get(INSURE_NUM)
    assert not is_read or order.member == "m_7"
    assert copied(order).member == "m_7"


def test_order_replaced_with_another_key_returns_its_member() -> None:
    order = Platform(member_of=Members().member_of).client.get(INSURE_NUM)
    assert order.member == "m_7"
    assert replace(order, partner_uniq_key="2").member == "m_8"
    assert replace(order, partner_uniq_key=None).member is None


def test_order_whose_member_was_read_is_equal_and_looks_the_same() -> None:
    unread, read = (
        Platform(member_of=Members().member_of).client.get(INSURE_NUM) for _ in range(2)
    )
    assert read.member == "m_7"
    assert (read, repr(read)) == (unread, repr(unread))
    assert find_leaks(repr(read), "m_7", NAME, "member") == []


def test_pickled_order_keeps_all_but_an_unread_member() -> None:
    order = Platform(member_of=Members().member_of).client.get(INSURE_NUM)
    unread = pickle.loads(pickle.dumps(order))  # noqa: S301 - of our own
    assert (unread, unread.member) == (order, None)
    assert order.member == "m_7"
    assert pickle.loads(pickle.dumps(order)).member == "m_7"  # noqa: S301


def test_a_site_that_cannot_say_whose_it_is_fails_where_it_is_read() -> None:
    platform = Platform(page(1, 1, "2", "1"), member_of=failing_function(OverflowError()))
    orders = list(platform.client.iter())
    assert [order.insure_num for order in orders] == ["2", "1"]
    for order in orders:
        with pytest.raises(OverflowError):
            _ = order.member


@pytest.mark.parametrize("key", ["8\u200b", "\u202e8", "8\t", "8" * 2001, "8 ", ["8"], 8.5])
def test_a_key_that_no_member_can_have_is_nobodys(key: Any) -> None:
    order = Platform(detail(partnerUniqueKey=key), member_of=lambda key: key).client.get(INSURE_NUM)
    assert (order.partner_uniq_key, order.member) == (None, None)
    assert order.data["partnerUniqueKey"] == key


# The policy file

FILE = "https://files.example/1.pdf?key=a%2Bb"


def test_the_policy_file_is_at_the_url_that_the_gateway_says() -> None:
    data = {"insureNum": INSURE_NUM, "fileUrl": FILE, "size": 7}
    platform = Platform(ok(data))
    assert platform.client.policy_url(INSURE_NUM) == FILE
    assert "/api/downloadUrl?sign=" in str(platform.asked[0].url)
    with pytest.raises(OrderError, match='"insureNum" must be the application number'):
        platform.client.policy_url(2)


@pytest.mark.parametrize(
    "url", [None, "", "1.pdf", "/1.pdf", "javascript:alert(1)", "https://me:it@files.example/", 7]
)
def test_a_policy_file_whose_url_is_none_is_an_error(url: Any) -> None:
    with pytest.raises(OrderError, match=r'invalid response: "fileUrl" (is missing|must )'):
        Platform(ok({"insureNum": INSURE_NUM, "fileUrl": url})).client.policy_url(INSURE_NUM)
