"""Tests for the order list, which the client requests page by page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_xiebao import EffectiveStatus, IssueStatus, OrderError, PayStatus
from tests.callback.support import (
    FakeOrderGateway,
    build_gateway_response,
    build_order_page,
)
from tests.support import find_leaks, format_error_report
from tests.vectors import NAME


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        pytest.param(
            [
                build_order_page(1, 3, "5", "4"),
                build_order_page(2, 3, "3", "2"),
                build_order_page(3, 3, "1"),
            ],
            ["5", "4", "3", "2", "1"],
            id="three pages",
        ),
        pytest.param(
            [
                build_order_page(1, 2, "4", "3"),
                build_order_page(2, 3, "3", "2"),
                build_order_page(3, 3, "1"),
            ],
            ["4", "3", "2", "1"],
            id="new order during iteration",
        ),
        pytest.param(
            [
                build_order_page(1, 2, "4", "3"),
                build_order_page(2, 3, "4", "3"),
                build_order_page(3, 3, "2", "1"),
            ],
            ["4", "3", "2", "1"],
            id="page without new order",
        ),
        pytest.param(
            [build_order_page(1, 10**18, "2", "1"), build_order_page(2, 10**18)],
            ["2", "1"],
            id="empty page before last page",
        ),
        pytest.param([build_order_page(1, 0)], [], id="no orders"),
        pytest.param(
            [build_gateway_response({"orders": {"pageIndex": 1, "pageNums": 0, "data": None}})],
            [],
            id="null as list",
        ),
    ],
)
def test_iter_returns_orders_of_all_pages_without_duplicates(
    pages: list[Any], numbers: list[str]
) -> None:
    gateway = FakeOrderGateway(*pages)
    assert [order.insure_num for order in gateway.client.iter(page_size=2)] == numbers

    queries = [json.loads(request.content) for request in gateway.requests]
    assert [query["pageIndex"] for query in queries] == list(range(1, len(pages) + 1))
    assert {query["pageSize"] for query in queries} == {2}
    assert all("/api/orderList?sign=" in str(request.url) for request in gateway.requests)


def test_iter_requests_pages_lazily_with_unique_transaction_numbers() -> None:
    gateway = FakeOrderGateway(*(build_order_page(index, 30, str(index)) for index in range(1, 31)))
    orders = gateway.client.iter()
    next(orders)
    assert len(gateway.requests) == 1
    assert len(list(orders)) == 29

    queries = [json.loads(request.content) for request in gateway.requests]
    assert {query["pageSize"] for query in queries} == {100}
    assert len({query["transNo"] for query in queries}) == 30


@pytest.mark.parametrize("size", [0, -1, True, "100", 1.5, None])
def test_invalid_page_size_raises_order_error(size: Any) -> None:
    with pytest.raises(OrderError, match="page_size must be a positive integer, got "):
        FakeOrderGateway(build_order_page(1, 1)).client.iter(size)


def test_order_page_with_wrong_index_raises_order_error() -> None:
    with pytest.raises(OrderError, match='"pageIndex" must be 2, the page that was requested'):
        list(FakeOrderGateway(build_order_page(1, 9, "2", "1")).client.iter(2))


def test_ten_pages_without_new_order_raise_order_error() -> None:
    gateway = FakeOrderGateway(
        *(build_order_page(index, 10**6, "2", "1") for index in range(1, 13))
    )
    with pytest.raises(OrderError, match="10 pages of the order list in a row without a new order"):
        list(gateway.client.iter(2))
    assert len(gateway.requests) == 11


def test_error_for_second_page_shows_no_names_of_first_page() -> None:
    orders = FakeOrderGateway(build_order_page(1, 2, "1"), b"").client.iter(2)
    next(orders)
    with pytest.raises(OrderError) as error:
        next(orders)
    assert find_leaks(format_error_report(error.value), NAME, "13800000000") == []


# Orders in the order list


@pytest.mark.parametrize(
    "fields",
    [
        *(
            {"partnerUniqueKey": key}
            for key in ["8\u202e", "\u202e8", "8\u200b", "8\t", "8 ", "8" * 2001, ["8"], 8.5]
        ),
        {"caseCode": ["QX1"]},
        {"price": 15.5, "payAmount": 15.5},
        {"startDate": "1 March"},
        {"insurants": 7},
        {"productName": 7, "issueTime": "now"},
        {"applicant": "Wang", "insurants": [{"cName": 5, "policyNum": ["P2"]}]},
    ],
    ids=lambda fields: " and ".join(fields),
)
def test_listed_order_with_unreadable_fields_keeps_number_and_status(
    fields: dict[str, Any],
) -> None:
    page = build_order_page(1, 1, "3", "2", "1")
    row = page["data"]["orders"]["data"][1]
    row.update(fields)

    orders = list(FakeOrderGateway(page, member_of=lambda key: key).client.iter())

    assert [order.insure_num for order in orders] == ["3", "2", "1"]
    order = orders[1]
    assert (order.pay_status, order.company_name) == (PayStatus.PAID, "某某财险")
    member = None if "partnerUniqueKey" in fields else "101000"
    assert (order.partner_uniq_key, order.member) == (member, member)
    assert order.data == row


@pytest.mark.parametrize("row", [None, 7, [], {}, {"insureNum": ["1"]}, {"payStatus": 1}], ids=repr)
def test_orders_without_number_are_skipped_with_one_warning_per_page(
    row: Any, caplog: pytest.LogCaptureFixture
) -> None:
    page = build_order_page(1, 1, "2", "1")
    page["data"]["orders"]["data"][1:1] = [row] * 3
    assert [order.insure_num for order in FakeOrderGateway(page).client.iter()] == ["2", "1"]
    assert [record.getMessage() for record in caplog.records] == [
        "Skipped 3 of 5 orders on page 1 of the order list because of a missing or invalid"
        ' "insureNum". Ask Xiebao about this page.'
    ]


def test_listed_order_status_is_read_from_pay_state_and_issue_state() -> None:
    page = build_order_page(1, 1)
    page["data"]["orders"]["data"] = [
        {"insureNum": "1", "payState": 1, "issueState": 1, "effectiveState": 3, "price": 15.0}
    ]
    [order] = FakeOrderGateway(page).client.iter()
    assert (order.pay_status, order.issue_status) == (PayStatus.PAID, IssueStatus.ISSUED)
    assert order.effective_status == EffectiveStatus.SURRENDERED
    assert order.price_fen is None  # The listed field "price" is not in fen.
