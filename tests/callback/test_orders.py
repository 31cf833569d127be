"""The order query: what is asked, what is made of the answers, and what is shown of neither."""

from __future__ import annotations

import contextlib
import copy
import gzip
import json
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec
from urllib.parse import quote, quote_plus

import httpx
import pytest
from flask import Flask, Response, g, redirect, request

from flask_xiebao import (
    ConfigError,
    EffectiveStatus,
    Gateway,
    IssueStatus,
    Order,
    OrderClient,
    OrderError,
    PayStatus,
    PolicyInfo,
    Xiebao,
)
from tests.support import CONFIG, KEY, LIVE, MakeSite
from tests.vectors import QUERY, SIGN_OF_QUERY, md5_of

NUMBER = "20190226020146"
NAME = "林晓"

#: What a gateway of the family says of an order.
DETAIL: dict[str, Any] = {
    "insureNum": NUMBER,
    "caseCode": "QX000000127257",
    "partnerUniqueKey": "101000",
    "productName": "境内旅行意外险",
    "planName": "计划一",
    "companyName": "某某财险",
    "totalNum": 1,
    "startDate": "2019-03-01",
    "endDate": "2019-03-05",
    "insureTime": "2019-02-26 10:18:00",
    "payStatus": 1,
    "payAmount": 1500,
    "payedTime": "2019-02-26 10:20:30",
    "issueStatus": 1,
    "issueTime": "2019-02-26 10:21:00",
    "effectiveStatus": 1,
    "applicant": {"cName": NAME, "mobile": "13800000000"},
    "insurants": [{"cName": NAME, "policyNum": "P10042019030100001"}],
}


def ok(data: Any) -> dict[str, Any]:
    return {"respCode": 0, "respMsg": "成功", "data": data}


class Platform:
    """The gateway as a transport: it keeps what it is asked, and answers with what it is told."""

    def __init__(self, *answers: Any, **options: Any) -> None:
        self.asked: list[httpx.Request] = []
        self.answers = list(answers)
        self.client = OrderClient(
            "12345",
            options.pop("key", "Key"),
            base_url=options.pop("base_url", "https://testapi.xiebao18.com"),
            transport=httpx.MockTransport(self.answer),
            **options,
        )

    def answer(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        return httpx.Response(200, json=answer)


def refused(*answers: Any, **options: Any) -> OrderError:
    """Return the error of a query that is answered so."""
    with pytest.raises(OrderError) as caught:
        Platform(*answers, **options).client.get(NUMBER)
    return caught.value


@contextlib.contextmanager
def drips(*parts: bytes) -> Iterator[str]:
    """Serve an answer on whose last part the same follows for ever; the value is the address.

    It gives up after many seconds, by which the connection breaks.
    """
    given_up = threading.Event()

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for part in parts[:-1]:
                connection.sendall(part)
            for _ in range(400):
                if given_up.wait(0.05):
                    break
                connection.sendall(parts[-1])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        given_up.set()
        thread.join()


# What is asked


def test_a_query_is_signed_as_the_platform_checks_it() -> None:
    assert md5_of(QUERY) == SIGN_OF_QUERY  # so the rule is the family's
    platform = Platform(ok({"orderDetail": DETAIL}))
    platform.client.get(NUMBER)
    [asked] = platform.asked
    assert asked.method == "POST"
    url, _, sign = str(asked.url).partition("?sign=")
    assert url == "https://testapi.xiebao18.com/api/orderDetail"
    assert sign == md5_of(asked.content)
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
    platform = Platform(ok({"orderDetail": DETAIL}))
    OrderClient(
        partner_id,
        "Key",
        base_url=Gateway.TEST,
        transport=httpx.MockTransport(platform.answer),
    ).get(NUMBER)
    assert written in platform.asked[0].content


def test_no_two_queries_have_the_same_number() -> None:
    platform = Platform(ok({"orderDetail": DETAIL}))
    for _ in range(200):
        platform.client.get(NUMBER)
    assert len({json.loads(asked.content)["transNo"] for asked in platform.asked}) == 200


@pytest.mark.parametrize("base_url", [Gateway.PRODUCTION, "http://127.0.0.1:5000/gateway/"])
def test_the_host_is_that_of_the_pages(base_url: str) -> None:
    platform = Platform(ok({"orderDetail": DETAIL}), base_url=base_url)
    platform.client.get(NUMBER)
    [asked] = platform.asked
    assert str(asked.url).startswith(f"{base_url.rstrip('/')}/api/orderDetail?sign=")


# What is made of the answer


def test_an_order_is_what_the_answer_says() -> None:
    order = Platform(ok({"orderDetail": DETAIL})).client.get(NUMBER)
    assert order.insure_num == NUMBER
    assert order.case_code == "QX000000127257"
    assert order.partner_uniq_key == "101000"
    assert order.member is None
    assert (order.product_name, order.plan_name) == ("境内旅行意外险", "计划一")
    assert order.company_name == "某某财险"
    assert (order.start_date, order.end_date) == (date(2019, 3, 1), date(2019, 3, 5))
    assert order.price_fen == 1500
    assert order.paid_at is not None
    assert order.paid_at.isoformat() == "2019-02-26T10:20:30+08:00"
    assert order.issued_at is not None
    assert order.issued_at.isoformat() == "2019-02-26T10:21:00+08:00"
    assert order.pay_status is PayStatus.PAID
    assert order.issue_status is IssueStatus.ISSUED
    assert order.effective_status is EffectiveStatus.IN_FORCE
    assert order.policies == (
        PolicyInfo(
            product_name="境内旅行意外险",
            plan_name="计划一",
            applicant=NAME,
            insurant=NAME,
            start_date=date(2019, 3, 1),
            end_date=date(2019, 3, 5),
            policy_num="P10042019030100001",
        ),
    )
    assert order.data == DETAIL


def test_a_number_may_be_asked_for_as_a_number() -> None:
    assert Platform(ok({"orderDetail": DETAIL})).client.get(int(NUMBER)).insure_num == NUMBER


def test_what_the_answer_omits_is_none() -> None:
    order = Platform(ok({"orderDetail": {"insureNum": NUMBER, "planName": None}})).client.get(
        NUMBER
    )
    assert order == Order(insure_num=NUMBER, data={"insureNum": NUMBER, "planName": None})
    assert (order.pay_status, order.paid_at, order.policies) == (None, None, ())


def test_unknown_numbers_and_fields_are_kept() -> None:
    detail = {**DETAIL, "payStatus": 77, "issueStatus": -1, "effectiveStatus": 4, "more": [1]}
    order = Platform(ok({"orderDetail": detail})).client.get(NUMBER)
    assert (order.pay_status, order.issue_status, order.effective_status) == (77, -1, 4)
    assert order.data["more"] == [1]


def test_whose_key_it_is_says_who_made_the_client() -> None:
    platform = Platform(ok({"orderDetail": DETAIL}), member_of={"101000": "m_7"}.get)
    assert platform.client.get(NUMBER).member == "m_7"
    assert copy.copy(platform.client.get(NUMBER)).member == "m_7"
    assert copy.deepcopy(platform.client.get(NUMBER)).member == "m_7"
    assert replace(platform.client.get(NUMBER), case_code="1").member == "m_7"


def test_whose_it_is_is_asked_when_it_is_read_and_once() -> None:
    asked = []

    def member_of(key: str) -> str:
        asked.append(key)
        return "m_7"

    order = Platform(ok({"orderDetail": DETAIL}), member_of=member_of).client.get(NUMBER)
    assert order == Platform(ok({"orderDetail": DETAIL})).client.get(NUMBER)
    again = pickle.loads(pickle.dumps(order))  # noqa: S301 - of our own
    assert "m_7" not in repr(order)
    assert asked == []
    assert (order.member, order.member, asked) == ("m_7", "m_7", ["101000"])
    assert again.member is None
    assert pickle.loads(pickle.dumps(order)).member == "m_7"  # noqa: S301


def test_a_site_that_cannot_say_whose_it_is_fails_where_it_is_read() -> None:
    def member_of(key: str) -> str:
        raise OverflowError

    client = Platform(page(1, 1, "2", "1"), member_of=member_of).client
    orders = list(client.iter())
    assert [order.insure_num for order in orders] == ["2", "1"]
    for order in orders:
        with pytest.raises(OverflowError):
            _ = order.member


def test_the_class_can_be_looked_at() -> None:
    assert create_autospec(Order).member is not None
    assert Order(insure_num="1").member is None


def test_a_padded_number_is_asked_for_without_its_padding() -> None:
    assert Platform(ok({"orderDetail": DETAIL})).client.get(f"{NUMBER}   ").insure_num == NUMBER


def test_who_sold_it_is_who_the_gateway_says() -> None:
    detail = {**DETAIL, "insurePartnerId": 77}
    assert Platform(ok({"orderDetail": detail})).client.get(NUMBER).insure_partner_id == "77"


@pytest.mark.parametrize("key", ["8\u200b", "\u202e8", "8\t", "8" * 2001, "8 ", ["8"], 8.5])
def test_a_key_that_no_member_can_have_is_nobodys(key: Any) -> None:
    answer = ok({"orderDetail": {**DETAIL, "partnerUniqueKey": key}})
    order = Platform(answer, member_of=lambda key: key).client.get(NUMBER)
    assert (order.partner_uniq_key, order.member) == (None, None)
    assert order.data["partnerUniqueKey"] == key


def test_its_repr_leaves_out_people() -> None:
    order = Platform(ok({"orderDetail": DETAIL})).client.get(NUMBER)
    assert NUMBER in repr(order)
    assert NAME not in repr(order)
    assert "13800000000" not in repr(order)


FILE = "https://files.example/1.pdf?key=a%2Bb"


def test_the_policy_file_is_at_the_url_that_the_gateway_says() -> None:
    platform = Platform(ok({"insureNum": NUMBER, "fileUrl": FILE}))
    assert platform.client.policy_url(NUMBER) == FILE
    assert "/api/downloadUrl?sign=" in str(platform.asked[0].url)
    with pytest.raises(OrderError, match="another insureNum"):
        Platform(ok({"insureNum": "1", "fileUrl": FILE})).client.policy_url(2)


@pytest.mark.parametrize(
    "url", [None, "", "1.pdf", "/1.pdf", "javascript:alert(1)", "https://me:it@files.example/", 7]
)
def test_a_policy_file_whose_url_is_none_is_an_error(url: Any) -> None:
    with pytest.raises(OrderError, match=r"not what it should be: fileUrl (is missing|must )"):
        Platform(ok({"insureNum": NUMBER, "fileUrl": url})).client.policy_url(NUMBER)


def test_what_is_said_of_a_policy_file_is_there_as_it_was_and_going() -> None:
    data = {"insureNum": NUMBER, "fileUrl": FILE, "size": 7}
    with pytest.warns(DeprecationWarning, match="use policy_url"):
        assert Platform(ok(data)).client.policy_file(NUMBER) == data


# The whole history


def page(index: int, pages: int, *numbers: str) -> dict[str, Any]:
    rows = [{**DETAIL, "insureNum": number} for number in numbers]
    orders = {"pageIndex": index, "pageSize": 2, "pageNums": pages, "total": 5, "data": rows}
    return ok({"orders": orders})


def test_the_history_is_every_page() -> None:
    platform = Platform(page(1, 3, "5", "4"), page(2, 3, "3", "2"), page(3, 3, "1"))
    assert [order.insure_num for order in platform.client.iter(page_size=2)] == list("54321")
    bodies = [json.loads(asked.content) for asked in platform.asked]
    assert [(body["pageIndex"], body["pageSize"]) for body in bodies] == [(1, 2), (2, 2), (3, 2)]
    assert all("/api/orderList?sign=" in str(asked.url) for asked in platform.asked)


def test_an_order_that_comes_meanwhile_makes_none_come_twice_or_not_at_all() -> None:
    platform = Platform(page(1, 2, "4", "3"), page(2, 3, "3", "2"), page(3, 3, "1"))
    assert [order.insure_num for order in platform.client.iter(2)] == list("4321")
    # Even where so many came that a page has nothing new.
    platform = Platform(page(1, 2, "4", "3"), page(2, 3, "4", "3"), page(3, 3, "2", "1"))
    assert [order.insure_num for order in platform.client.iter(2)] == list("4321")


@pytest.mark.parametrize("rows", [[], None])
def test_an_empty_history_has_no_order(rows: Any) -> None:
    answer = ok({"orders": {"pageIndex": 1, "pageSize": 100, "pageNums": 0, "data": rows}})
    platform = Platform(answer)
    assert list(platform.client.iter()) == []
    assert json.loads(platform.asked[0].content)["pageSize"] == 100


@pytest.mark.parametrize(
    "bad",
    [
        {"partnerUniqueKey": "8\u202e"},
        {"partnerUniqueKey": "8" * 2001},
        {"caseCode": ["QX1"]},
        {"price": 15.5, "payAmount": 15.5},
        {"startDate": "1 March"},
        {"insurants": 7},
        {"productName": 7, "issueTime": "now"},
        {"applicant": "Wang", "insurants": [{"cName": 5, "policyNum": ["P2"]}]},
    ],
)
def test_a_row_that_cannot_be_read_whole_has_its_number_and_its_statuses(bad: Any) -> None:
    answer = page(1, 1, "3", "2", "1")
    row = answer["data"]["orders"]["data"][1]
    row.update(bad)
    three, two, one = Platform(answer, member_of=lambda key: key).client.iter()
    assert (three.insure_num, one.insure_num) == ("3", "1")
    assert (two.insure_num, two.pay_status, two.company_name) == ("2", 1, "某某财险")
    assert two.data == row
    assert (two.member or "101000") == "101000"


@pytest.mark.parametrize("bad", [None, 7, [], {}, {"insureNum": ["1"]}, {"payStatus": 1}])
def test_a_row_without_a_number_is_left_out_and_told(
    bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = page(1, 1, "2", "1")
    answer["data"]["orders"]["data"].insert(1, bad)
    assert [order.insure_num for order in Platform(answer).client.iter()] == ["2", "1"]
    assert [record.getMessage() for record in caplog.records] == [
        "A row of the order list has no insureNum that can be read: left out."
    ]


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00\\ud83d", "8\\uDBFF"])
def test_a_text_that_was_cut_within_a_character_spoils_no_answer(half: str) -> None:
    answer = json.dumps(page(1, 1, "3", "2", "1")).replace("101000", half, 2)
    answer = answer.replace("\\u6797", "\\ud83d\\ude00\\\\ud83d" + half, 1)  # half of a name
    orders = list(Platform(answer.encode()).client.iter())
    assert [order.insure_num for order in orders] == ["3", "2", "1"]
    assert "\ufffd" in orders[0].data["partnerUniqueKey"]
    name = orders[0].data["applicant"]["cName"]
    assert name.startswith("\U0001f600\\ud83d")  # a whole one, and what only looks like a half
    assert orders[2].partner_uniq_key == "101000"


def test_a_list_may_spell_its_statuses_in_another_way() -> None:
    row = {"insureNum": "1", "payState": 1, "issueState": 1, "effectiveState": 3, "price": 15.0}
    answer = page(1, 1)
    answer["data"]["orders"]["data"] = [row]
    [order] = Platform(answer).client.iter()
    assert (order.pay_status, order.issue_status) == (PayStatus.PAID, IssueStatus.ISSUED)
    assert order.effective_status == EffectiveStatus.SURRENDERED
    assert order.price_fen is None  # it is not in fen


def test_a_gateway_that_gives_the_same_page_for_ever_is_left() -> None:
    with pytest.raises(OrderError, match="pageIndex must be 2, as it was asked"):
        list(Platform(page(1, 9, "2", "1")).client.iter(2))


def test_a_history_that_says_it_goes_on_for_ever_ends_with_an_empty_page() -> None:
    platform = Platform(page(1, 10**18, "2", "1"), page(2, 10**18))
    assert [order.insure_num for order in platform.client.iter(2)] == list("21")


def test_certificates_that_are_none_are_an_order_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "certificates.pem").write_text("none")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates.pem"))
    with pytest.raises(OrderError, match="SSL_CERT_FILE"):
        OrderClient("12345", "Key", base_url=Gateway.TEST)


def test_the_next_page_is_asked_for_when_it_is_needed() -> None:
    platform = Platform(page(1, 3, "5", "4"), page(2, 3, "3", "2"))
    orders = platform.client.iter(2)
    assert platform.asked == []
    next(orders), next(orders)
    assert len(platform.asked) == 1
    next(orders)
    assert len(platform.asked) == 2


@pytest.mark.parametrize("size", [0, -1, True, "100", 1.5, None])
def test_a_page_has_a_whole_number_of_orders(size: Any) -> None:
    with pytest.raises(OrderError, match="page_size must be a whole number above 0"):
        Platform(page(1, 1)).client.iter(size)


# What goes wrong


def test_a_refusal_has_the_gateways_code() -> None:
    error = refused({"respCode": 1003, "respMsg": "投保单号不存在", "data": None})
    assert (error.code, error.said) == (1003, "投保单号不存在")
    assert str(error) == "The gateway refuses the query with respCode 1003."
    assert (refused({"respCode": -1}).code, refused({"respCode": -1}).said) == (-1, "")


def test_what_a_refusal_says_is_in_no_log_and_tells_no_secret() -> None:
    """It may name somebody, and gateways tell what should have been signed."""
    platform = Platform({"respCode": 5, "respMsg": ""}, key=KEY)
    for said in (f"{NAME} 不符", f"签名错误: {KEY}{{...}}", "\x1b[31m\r\nforged line", "啊" * 999):
        platform.answers = [{"respCode": 5, "respMsg": said}]
        with pytest.raises(OrderError) as caught:
            platform.client.get(NUMBER)
        error = caught.value
        assert str(error) == "The gateway refuses the query with respCode 5."
        assert KEY not in error.said
        assert error.said.isprintable()
        assert len(error.said) <= 200
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own
        assert (again.code, again.said) == (5, error.said)
    # And the sign of that very query.
    platform.answers = [
        lambda asked: {"respCode": 5, "respMsg": f"应为 {asked.url.query.decode()}"}
    ]
    with pytest.raises(OrderError) as caught:
        platform.client.get(NUMBER)
    assert caught.value.said == "应为 sign=***"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "must be one JSON object"),
        (b"<html>", "must be one JSON object"),
        (b"[]", "must be one JSON object"),
        (b"\xff", "must be UTF-8"),
        (b'{"respCode":0,"respCode":1}', "must not have a name twice"),
        (b'{"respCode":0,"data":{"orderDetail":{"payAmount":1e999}}}', "too large for Python"),
        (b'{"respCode":0,"data":{"orderDetail":{"insureNum":"\\ud800"}}}', "another insureNum"),
        (b'{"respCode":0,"a":' + b"[" * 9999, "nested"),
        ({}, "is not what it should be: respCode is missing"),
        ({"respCode": "0", "data": {"orderDetail": DETAIL}}, "respCode must be a whole number"),
        ({"respCode": False, "data": {"orderDetail": DETAIL}}, "respCode must be a whole number"),
        (ok(None), "insureNum is missing"),
        (ok([DETAIL]), "data must be an object"),
        (ok({"orderDetail": [DETAIL]}), "orderDetail must be an object"),
        (ok(DETAIL), "insureNum is missing"),
        (ok({"orderDetail": {**DETAIL, "insureNum": "1"}}), "another insureNum than was asked for"),
        (ok({"orderDetail": {**DETAIL, "payAmount": "15"}}), "payAmount must be a whole number"),
        (ok({"orderDetail": {**DETAIL, "payedTime": NAME}}), "payedTime must be a time"),
        (ok({"orderDetail": {**DETAIL, "startDate": NAME}}), "startDate must be a date"),
        (ok({"orderDetail": {**DETAIL, "payStatus": "1"}}), "payStatus must be a whole number"),
        (ok({"orderDetail": {**DETAIL, "insurants": NAME}}), "insurants must be a list of objects"),
        (ok({"orderDetail": {**DETAIL, "applicant": NAME}}), "applicant must be an object"),
    ],
)
def test_an_answer_that_is_not_what_it_should_be_is_an_error(answer: Any, said: str) -> None:
    error = refused(answer)
    assert said in str(error)
    assert error.code is None
    assert NAME not in str(error)


@pytest.mark.parametrize("status", [201, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_another_status_is_no_answer_and_no_redirect_is_followed(status: int) -> None:
    platform = Platform(
        httpx.Response(
            status,
            json=ok({"orderDetail": DETAIL}),
            headers={"Location": "https://evil.example/?sign=x"},
        )
    )
    with pytest.raises(OrderError, match=f"answers HTTP {status}") as caught:
        platform.client.get(NUMBER)
    assert caught.value.code is None
    assert len(platform.asked) == 1
    assert "sign=" not in str(caught.value)


def test_the_sign_of_the_pages_is_in_no_error() -> None:
    sign = md5_of("12345")
    refusals = {"respCode": 7, "respMsg": f"sign={sign}"}
    moved = httpx.Response(302, headers={"Location": f"https://a.example/{sign}/"})
    for answer in (refusals, moved):
        error = refused(answer)
        assert sign not in f"{error} {error.said}"
        assert "***" in f"{error} {error.said}"


def test_what_is_nearly_the_key_is_looked_through_in_a_moment() -> None:
    key = "abcdefghijklmnopqrstuvwxyzabcdef"
    error = refused({"respCode": 7, "respMsg": f"{key[:31]} " * 30_000}, key=key)
    assert error.code == 7


def test_where_a_gateway_leads_tells_no_secret_and_is_one_short_line() -> None:
    key = "a key/that+nobody guesses"

    def answer(asked: httpx.Request) -> httpx.Response:
        sign = asked.url.params["sign"]
        location = f"https://evil.example/{sign}/{quote_plus(key)}/{quote(key)}\x1b[31m{'a' * 500}"
        return httpx.Response(302, headers={"Location": location})

    platform = Platform(answer, key=key)
    with pytest.raises(OrderError) as caught:
        platform.client.get(NUMBER)
    said = str(caught.value)
    assert said.startswith(
        "The gateway answers HTTP 302, and leads to https://evil.example/***/***/"
    )
    assert platform.asked[0].url.params["sign"] not in said
    assert "nobody" not in said
    assert said.isprintable()
    assert len(said) < 300


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectTimeout("x"), "gives no answer within 10 seconds"),
        (httpx.ReadTimeout("x"), "gives no answer within 10 seconds"),
        (httpx.ConnectError("x"), r"cannot be reached at https://testapi.xiebao18.com \(ConnectE"),
        (httpx.RemoteProtocolError("x"), r"\(RemoteProtocolError\)"),
        (ValueError(f"{NAME} https://a.example/?sign=x"), r"\(ValueError\)"),
    ],
)
def test_where_there_is_no_answer_there_is_no_code(error: Exception, said: str) -> None:
    caught = refused(error)
    assert re.search(said, str(caught))
    assert caught.code is None
    assert NAME not in str(caught)


def test_an_answer_that_has_to_be_unpacked_is_not_read() -> None:
    packed = gzip.compress(json.dumps(ok({"orderDetail": DETAIL})).encode())
    for name in ("gzip", "deflate", "br", "gzip, gzip"):
        answer = httpx.Response(200, stream=_Stream(packed), headers={"Content-Encoding": name})
        platform = Platform(answer)
        with pytest.raises(OrderError, match="Content-Encoding"):
            platform.client.get(NUMBER)
        assert platform.asked[0].headers["Accept-Encoding"] == "identity"


class _Stream(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body


def test_an_answer_that_never_ends_is_left() -> None:
    # Or nearly never: a client that reads on is to fail this test, and not to hold it.
    parts = (b" " * 100_000 for _ in range(100))
    assert "more than" in str(refused(httpx.Response(200, content=parts)))


def test_an_answer_that_comes_in_drops_is_left_when_the_time_is_over() -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(100):
            threading.Event().wait(0.02)
            yield b" "

    error = refused(httpx.Response(200, content=drops()), timeout=0.1)
    assert str(error) == "The gateway gives no answer within 0.1 seconds."


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "Key", {}),
        (None, "Key", {}),
        ("12345", "", {}),
        ("12345", None, {}),
        ("12345", "Key", {"base_url": "/gateway"}),
        ("12345", "Key", {"base_url": "testapi.xiebao18.com"}),
        ("12345", "Key", {"base_url": "https://me:secret@testapi.xiebao18.com"}),
        ("12345", "Key", {"timeout": 0}),
        ("12345", "Key", {"timeout": -1}),
        ("12345", "Key", {"timeout": True}),
        ("12345", "Key", {"timeout": "10"}),
        ("12345", "Key", {"timeout": None}),
        ("12345", "Key", {"timeout": float("inf")}),
        ("12345", "Key", {"timeout": float("nan")}),
        ("12345", "Key", {"base_url": "https://testapi.xiebao18.com/?x=1"}),
    ],
)
def test_a_wrong_argument_is_an_order_error(arguments: Any) -> None:
    partner_id, key, options = arguments
    with pytest.raises(OrderError):
        OrderClient(partner_id, key, **{"base_url": Gateway.TEST, **options})


@pytest.mark.parametrize("number", ["", " ", None, True, 1.5, "a\nb", ["1"]])
def test_a_number_that_is_none_is_not_asked_for(number: Any) -> None:
    platform = Platform(ok({"orderDetail": DETAIL}))
    for ask in (platform.client.get, platform.client.policy_url):
        with pytest.raises(OrderError, match=r"^insure_num "):
            ask(number)
    assert platform.asked == []


# What is not shown


@pytest.mark.parametrize("ends", [SystemExit(1), KeyboardInterrupt()])
def test_what_ends_a_worker_in_the_middle_takes_no_secret_along(ends: BaseException) -> None:
    platform = Platform(ends, key=KEY)
    with pytest.raises(type(ends)) as caught:
        platform.client.get(NUMBER)
    sign = str(platform.asked[0].url).partition("sign=")[2]
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    shown = [repr(each.f_locals) for each in frames if "flask_xiebao" in each.f_code.co_filename]
    assert shown
    assert not [text for text in shown if KEY in text or sign in text]


def test_an_error_shows_neither_key_nor_sign_nor_people() -> None:
    key = "a-key-that-nobody-guesses"
    answers: list[Any] = [
        httpx.ConnectTimeout("x"),
        httpx.ConnectError("x"),
        ValueError("x"),
        httpx.Response(302),
        b"{",
        {"respCode": 5, "respMsg": "x"},
        ok({"orderDetail": {**DETAIL, "payStatus": NAME}}),
        ok({"orderDetail": {**DETAIL, "insureNum": "1"}}),
    ]
    for answer in answers:
        platform = Platform(answer, key=key)
        with pytest.raises(OrderError) as caught:
            platform.client.get(NUMBER)
        sign = str(platform.asked[0].url).partition("sign=")[2]
        said = f"{caught.value!r} {platform.client!r} {vars(platform.client)}"
        error: BaseException | None = caught.value
        while error is not None:
            for frame, _ in traceback.walk_tb(error.__traceback__):
                if "flask_xiebao" in frame.f_code.co_filename:
                    said += repr(frame.f_locals)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        for secret in (key, sign, NAME, "13800000000"):
            assert secret not in said, answer


class _Quiet(BaseHTTPRequestHandler):
    """A gateway over HTTP, which may also send clients elsewhere."""

    status = 200
    asked: list[str]

    def do_POST(self) -> None:
        type(self).asked.append(self.path)
        body = json.dumps(ok({"orderDetail": DETAIL})).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", f"http://{self.headers['Host']}/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def over_http() -> Iterator[Callable[[int], tuple[str, list[str]]]]:
    """Serve a gateway; return its address, and the paths that it is asked for."""
    servers = []

    def start(status: int) -> tuple[str, list[str]]:
        class Handler(_Quiet):
            asked: list[str] = []  # noqa: RUF012

        handler = Handler
        handler.status = status
        server = HTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=[0.05]).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_over_http_nothing_is_logged_no_proxy_asked_and_no_redirect_followed(
    over_http: Callable[[int], tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy, through_proxy = over_http(200)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with caplog.at_level(logging.DEBUG):
        address, asked = over_http(200)
        with OrderClient("12345", "Key", base_url=address) as client:
            assert client.get(NUMBER).price_fen == 1500
            assert client.get(NUMBER).price_fen == 1500
        elsewhere, redirected = over_http(302)
        with (
            OrderClient("12345", "Key", base_url=elsewhere) as client,
            pytest.raises(OrderError, match="HTTP 302"),
        ):
            client.get(NUMBER)
    assert (len(asked), len(redirected), through_proxy) == (2, 1, [])
    for path in (*asked, *redirected):
        assert path.startswith("/api/orderDetail?sign=")
        assert path.partition("sign=")[2] not in caplog.text


@pytest.mark.parametrize(
    "parts",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["nothing", "a header", "100 Continue", "a body", "chunks"],
)
def test_a_gateway_that_drips_is_left_when_the_time_is_over(parts: tuple[bytes, ...]) -> None:
    with (
        drips(*parts) as address,
        OrderClient("12345", "Key", base_url=address, timeout=0.3) as client,
        pytest.raises(OrderError) as caught,
    ):
        client.get(NUMBER)
    assert str(caught.value) == "The gateway gives no answer within 0.3 seconds."


def test_a_gateway_with_an_address_that_is_away_is_found_at_the_next(
    over_http: Callable[[int], tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = over_http(200)
    port = int(address.rpartition(":")[2])
    hosts = [("127.0.0.2", 9), ("127.0.0.1", port)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", host) for host in hosts]
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        return found if host == "gateway.example" else resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with OrderClient("12345", "Key", base_url=f"http://gateway.example:{port}") as client:
        assert client.get(NUMBER).insure_num == NUMBER
    assert len(asked) == 1


def test_a_gateway_that_is_away_is_an_error_soon() -> None:
    with (
        OrderClient("12345", "Key", base_url="http://127.0.0.1:9", timeout=1) as client,
        pytest.raises(OrderError, match="cannot be reached"),
    ):
        client.get(NUMBER)


def test_httpx_is_loaded_when_an_order_is_asked_for_and_named_where_it_is_missing() -> None:
    code = """
import sys
import flask_xiebao, flask_xiebao.cli, flask_xiebao.testing
print("httpx" in sys.modules)
sys.modules["httpx"] = None
try:
    flask_xiebao.OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")
except flask_xiebao.OrderError as error:
    print(error)
"""
    run = subprocess.run(  # noqa: S603 - all of it is written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded, said = run.stdout.splitlines()
    assert loaded == "False"
    assert "pip install 'Flask-Xiebao[orders]'" in said


# The current app's


def gateway_app(**config: Any) -> tuple[Flask, list[Any]]:
    """Return an app that has a gateway at a path of its own."""
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL="/gateway")
    app.config.update(config)
    asked: list[Any] = []

    @app.post("/gateway/api/orderDetail")
    def order_detail() -> Any:
        asked.append((request.url, request.get_data()))
        return ok({"orderDetail": DETAIL})

    Xiebao(app)
    return app, asked


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({}, "localhost"),
        ({"SERVER_NAME": "shop.example"}, "shop.example"),
        ({"TRUSTED_HOSTS": [".shop.example"]}, "shop.example"),
        ({"XIEBAO_ENABLED": False}, "localhost"),
    ],
)
def test_a_path_of_the_site_is_asked_in_the_app_itself(config: dict[str, Any], host: str) -> None:
    app, asked = gateway_app(**config)
    with app.app_context():
        xiebao: Xiebao = app.extensions["xiebao"]
        order = xiebao.orders.get(NUMBER)
        assert xiebao.orders is xiebao.orders
    assert (order.price_fen, order.member) == (1500, "101000")
    [(url, body)] = asked
    assert url == f"http://{host}/gateway/api/orderDetail?sign={md5_of(body)}"


def test_it_can_be_asked_in_the_middle_of_a_request() -> None:
    app, _ = gateway_app()

    @app.get("/order")
    def order() -> Response:
        found = app.extensions["xiebao"].orders.get(NUMBER)
        return Response(f"{found.price_fen} {request.path}")

    assert app.test_client().get("/order").text == "1500 /order"


def test_a_request_that_asks_shares_nothing_with_the_one_that_answers() -> None:
    app, _ = gateway_app()
    opened: list[str] = []

    @app.before_request
    def open_database() -> None:
        g.database = request.path
        opened.append(request.path)

    @app.teardown_request
    def close_database(_: object) -> None:
        opened.remove(g.pop("database"))

    @app.get("/order")
    def order() -> str:
        app.extensions["xiebao"].orders.get(NUMBER)
        database: str = g.database
        return database

    assert app.test_client().get("/order").text == "/order"
    assert opened == []


def test_a_login_wall_before_a_gateway_of_the_sites_own_is_told() -> None:
    app, _ = gateway_app()
    app.before_request(lambda: redirect("/login?next=/gateway?sign=x", 302))
    with app.app_context(), pytest.raises(OrderError, match=r"HTTP 302, and leads to /login\.$"):
        app.extensions["xiebao"].orders.get(NUMBER)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_worker_that_was_forked_has_a_client_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, _ = gateway_app()
    with app.app_context():
        before = app.extensions["xiebao"].orders
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert app.extensions["xiebao"].orders is not before


def test_a_gateway_of_the_sites_own_that_fails_is_an_order_error() -> None:
    app, _ = gateway_app(XIEBAO_BASE_URL="/nowhere")
    with app.app_context(), pytest.raises(OrderError, match="HTTP 404"):
        app.extensions["xiebao"].orders.get(NUMBER)


def test_a_member_is_found_by_their_key(make_site: MakeSite) -> None:
    app, _ = gateway_app(XIEBAO_MEMBER_SECRET="0123456789abcdef0123456789abcdef")
    with app.app_context():
        assert app.extensions["xiebao"].orders.get(NUMBER).member is None


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"XIEBAO_ENV": "test"}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "production"}, "https://api.xiebao18.com"),
        ({"XIEBAO_BASE_URL": "https://gateway.example/a"}, "https://gateway.example/a"),
    ],
)
def test_elsewhere_it_asks_the_gateway_of_the_pages(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], host: str
) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    site = make_site(**config)
    with site.app.app_context(), pytest.raises(OrderError) as caught:
        site.xiebao.orders.get(NUMBER)
    assert str(caught.value) == f"The gateway cannot be reached at {host} (ConnectError)."


def test_without_an_account_there_are_no_orders(make_site: MakeSite) -> None:
    site = make_site(**LIVE, XIEBAO_ENABLED=False, XIEBAO_API_KEY=None)
    with site.app.app_context(), pytest.raises(ConfigError, match="XIEBAO_API_KEY"):
        _ = site.xiebao.orders
