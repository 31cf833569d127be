"""The whole history of orders, page by page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_xiebao import EffectiveStatus, IssueStatus, OrderError, PayStatus
from tests.callback.support import Platform, ok, page
from tests.support import find_leaks, format_error_report
from tests.vectors import NAME


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ([page(1, 3, "5", "4"), page(2, 3, "3", "2"), page(3, 3, "1")], "54321"),
        ([page(1, 2, "4", "3"), page(2, 3, "3", "2"), page(3, 3, "1")], "4321"),
        ([page(1, 2, "4", "3"), page(2, 3, "4", "3"), page(3, 3, "2", "1")], "4321"),
        ([page(1, 10**18, "2", "1"), page(2, 10**18)], "21"),
        ([page(1, 0)], ""),
        ([ok({"orders": {"pageIndex": 1, "pageNums": 0, "data": None}})], ""),
    ],
    ids=[
        "every page",
        "an order came meanwhile",
        "so many came that a page has nothing new",
        "it says that it goes on for ever, and a page is empty",
        "no orders",
        "no list",
    ],
)
def test_the_history_is_every_page_and_no_order_twice(pages: list[Any], numbers: str) -> None:
    platform = Platform(*pages)
    assert [order.insure_num for order in platform.client.iter(page_size=2)] == list(numbers)
    bodies = [json.loads(asked.content) for asked in platform.asked]
    asked = [(body["pageIndex"], body["pageSize"]) for body in bodies]
    assert asked == [(index, 2) for index in range(1, len(pages) + 1)]
    assert all("/api/orderList?sign=" in str(asked.url) for asked in platform.asked)


def test_the_next_hundred_are_asked_for_when_they_are_needed_under_another_number() -> None:
    platform = Platform(*(page(index, 30, str(index)) for index in range(1, 31)))
    orders = platform.client.iter()
    assert platform.asked == []
    assert next(orders).insure_num == "1"
    assert len(platform.asked) == 1
    assert len(list(orders)) == 29
    bodies = [json.loads(asked.content) for asked in platform.asked]
    assert {body["pageSize"] for body in bodies} == {100}
    assert len({body["transNo"] for body in bodies}) == 30


@pytest.mark.parametrize("size", [0, -1, True, "100", 1.5, None])
def test_a_page_has_a_whole_number_of_orders(size: Any) -> None:
    with pytest.raises(OrderError, match="page_size must be a positive integer, got "):
        Platform(page(1, 1)).client.iter(size)


def test_a_gateway_that_gives_the_same_page_for_ever_is_left() -> None:
    with pytest.raises(OrderError, match='"pageIndex" must be 2, the page that was requested'):
        list(Platform(page(1, 9, "2", "1")).client.iter(2))


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
def test_orders_without_number_are_skipped_with_one_warning_for_page(
    bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = page(1, 1, "2", "1")
    answer["data"]["orders"]["data"][1:1] = [bad] * 3
    assert [order.insure_num for order in Platform(answer).client.iter()] == ["2", "1"]
    assert [record.getMessage() for record in caplog.records] == [
        "Skipped 3 of 5 orders on page 1 of the order list because of a missing or invalid"
        ' "insureNum". Ask Xiebao about this page.'
    ]


def test_ten_pages_without_new_order_raise_order_error() -> None:
    platform = Platform(
        *(page(index, 10**6, "2", "1") for index in range(1, 11)),
        page(11, 10**6, "1"),
    )
    orders = platform.client.iter(2)
    assert [next(orders).insure_num, next(orders).insure_num] == ["2", "1"]
    with pytest.raises(OrderError, match="10 pages of the order list in a row without a new order"):
        next(orders)
    assert len(platform.asked) == 11


def test_error_about_order_list_shows_no_names() -> None:
    platform = Platform(page(1, 2, "2", "1"), b"")
    orders = platform.client.iter(2)
    next(orders), next(orders)
    with pytest.raises(OrderError) as raised:
        next(orders)
    assert find_leaks(format_error_report(raised.value), NAME, "13800000000") == []


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
