"""Tests for purchases in the gateway simulator: orders, notifications and order queries.

To test another sequence of actions on an order, add a row to ``ACTIONS``. Tests that need servers,
files or other processes are in ``tests/deep/test_simulator.py``.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, session
from flask_wtf import CSRFProtect

from flask_xiebao.testing import GatewaySimulator
from tests.check.simulator_support import (
    PAY_SUCCESS,
    PERSON,
    PRODUCT,
    PURCHASE_TYPES,
    STANDALONE_PRODUCT,
    SimulatorShop,
    shop,
)
from tests.support import PRODUCT_CODE, SIGN, find_element, find_href, find_leaks, parse_html, pay

__all__ = ["shop"]

TOKEN = "0123456789abcdefghijklmnop"


# Purchases and actions on orders


def test_purchase_sends_four_notifications(shop: SimulatorShop) -> None:
    number = shop.buy()

    assert shop.get_notification_types() == PURCHASE_TYPES
    expected = {
        "insure_num": number,
        "case_code": PRODUCT_CODE,
        "partner_uniq_key": "m_7",
        "member": "m_7",
        "succeeded": True,
    }
    for notification in shop.notifications:
        assert {name: getattr(notification, name) for name in expected} == expected
        assert notification.data["partnerId"] == 12345  # The real gateway sends an integer, too.
    _, paid, issued, _ = shop.notifications
    assert (paid.price_fen, paid.payment_method) == (1500, "21")
    [policy] = issued.policies
    assert (policy.applicant, policy.insurant) == (PERSON, PERSON)


def test_purchase_creates_order_with_notified_values(shop: SimulatorShop) -> None:
    number = shop.buy()

    _, paid, issued, _ = shop.notifications
    [policy] = issued.policies
    order = shop.query_order(number)
    expected = {
        "case_code": PRODUCT_CODE,
        "member": "m_7",
        "price_fen": 1500,
        "paid_at": paid.paid_at,
        "start_date": policy.start_date,
        "end_date": policy.end_date,
        "pay_status": 1,
        "issue_status": 1,
        "effective_status": 1,
    }
    assert {name: getattr(order, name) for name in expected} == expected
    assert order.policies[0].policy_num == policy.policy_num
    order_fields = {"状态": "已出单，保障有效", "保单号": policy.policy_num}
    assert shop.get_order_fields(number).items() >= order_fields.items()
    with shop.app.app_context():
        url = shop.xiebao.orders.policy_url(number)
    assert url == f"http://localhost/gateway/dispatch/files/{number}"


NOT_PAID, NOT_ISSUED, IN_FORCE, OVER = (0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 1, 3)
#: One row per sequence of two actions: the action on the product page, the action on the order
#: page, the types of all notifications, the statuses of the order (payment, issue and effect), and
#: the state that the order page shows.
ACTIONS = [
    ("fail", "", [1, 2], NOT_PAID, "未支付 · 余额不足"),
    ("fail", "surrender", [1, 2], NOT_PAID, "未支付 · 余额不足"),
    ("fail", "pay", [1, 2, 2, 3, 9], IN_FORCE, "已出单，保障有效"),
    ("not_issued", "", [1, 2, 3], NOT_ISSUED, "已支付，未出单 · 核保未通过"),
    ("not_issued", "issue", [1, 2, 3, 3, 9], IN_FORCE, "已出单，保障有效"),
    ("pay", "surrender", [*PURCHASE_TYPES, 4], OVER, "已退保"),
    ("pay", "surrender_one", PURCHASE_TYPES, IN_FORCE, "已出单，保障有效"),
]


@pytest.mark.parametrize(("first", "second", "types", "statuses", "state"), ACTIONS)
def test_repeated_action_changes_order_only_once(
    shop: SimulatorShop,
    first: str,
    second: str,
    types: list[int],
    statuses: tuple[int, ...],
    state: str,
) -> None:
    shop.submit_action(first)
    number = shop.notifications[0].insure_num
    for _ in range(2):
        shop.submit_action(second, number)

    assert shop.get_notification_types() == types
    failures = [each.failure for each in shop.notifications if not each.succeeded]
    assert failures == {"fail": ["余额不足"], "not_issued": ["核保未通过"], "pay": []}[first]
    assert {notification.cancelled_insurants for notification in shop.notifications} == {()}
    order = shop.query_order(number)
    assert (order.pay_status, order.issue_status, order.effective_status) == statuses
    is_paid, is_issued, _ = map(bool, statuses)
    assert (order.paid_at is not None, order.issued_at is not None) == (is_paid, is_issued)
    assert shop.get_order_fields(number)["状态"] == state


@pytest.mark.parametrize(
    ("action", "fragment"),
    [
        ("issue", "order"),
        ("surrender", "order"),
        ("surrender_one", "order"),
        ("again", "messages"),
        ("reissue", ""),
    ],
)
def test_only_payment_redirects_from_order_page_to_return_url(
    shop: SimulatorShop, action: str, fragment: str
) -> None:
    order_url = shop.browser.post(PRODUCT + PAY_SUCCESS, data={"do": "fail"}).location or ""
    assert pay(shop.browser, order_url) == "https://shop.example/orders"

    location = shop.browser.post(order_url, data={"do": action}).location or ""

    assert "/gateway/dispatch/" in location
    assert location.partition("#")[2] == fragment


def test_home_page_sells_a_product_with_its_price(shop: SimulatorShop) -> None:
    url = PRODUCT.replace("/cps?", "/cps/index?").replace(f"&caseCode={PRODUCT_CODE}", "")
    page = shop.browser.get(url)
    assert find_element(page, "h2").text == "购买：境内旅行意外险"
    assert "¥15.00" in find_element(page, "h2 + p").text
    pay(shop.browser, url)
    assert shop.notifications[0].case_code == "QX000000127257"


def test_policy_for_one_person_offers_no_partial_surrender(shop: SimulatorShop) -> None:
    number = shop.buy()
    assert "surrender_one" not in shop.browser.get(shop.get_order_url(number)).text


@pytest.mark.parametrize(
    ("form", "mark", "is_marked"),
    [
        ({"do": "fail"}, "失败", [False, True]),
        ({"do": "pay", "forged": "on"}, "签名错误", [True, False] * 4),
    ],
    ids=["failed payment", "wrong signatures"],
)
def test_order_page_marks_unusual_notifications(
    shop: SimulatorShop, form: dict[str, str], mark: str, is_marked: list[bool]
) -> None:
    shop.browser.post(PRODUCT, data=form)
    rows = shop.get_notification_rows(shop.notifications[0].insure_num)
    assert [mark in title for title, *_ in rows] == is_marked


@pytest.mark.parametrize(
    ("form", "href"),
    [
        ({"do": "abandon"}, "https://shop.example/"),
        ({"do": "fail"}, "https://shop.example/"),
        ({"do": "pay", "late": "on"}, "https://shop.example/orders"),
    ],
)
def test_page_links_to_return_url_only_after_payment(
    shop: SimulatorShop, form: dict[str, str], href: str
) -> None:
    response = shop.browser.post(PRODUCT + PAY_SUCCESS, data=form, follow_redirects=True)
    assert find_href(response, "返回商家") == href
    if form["do"] == "abandon":  # The page still has the payment button.
        assert "支付成功" in response.text


def test_abandoned_or_refused_purchase_creates_no_order(shop: SimulatorShop) -> None:
    for action in ("abandon", "", "anything"):
        assert "没有产生订单" in shop.browser.post(PRODUCT, data={"do": action}).text
    refused_url = PRODUCT.replace(SIGN, "wrong") + PAY_SUCCESS
    assert not parse_html(shop.browser.get(refused_url)).select("a, form")
    assert shop.browser.post(refused_url, data={"do": "pay"}).status_code == 400

    assert shop.notifications == []
    with shop.app.app_context():
        assert list(shop.xiebao.orders.iter()) == []


def test_reissue_replaces_application_number_once(shop: SimulatorShop) -> None:
    number = shop.buy()
    for _ in range(2):
        shop.submit_action("reissue", number)

    ended, issued, _ = shop.notifications[4:]
    assert shop.get_notification_types() == [*PURCHASE_TYPES, 5, 3, 9]
    assert (ended.insure_num, ended.new_insure_num) == (number, issued.insure_num)
    assert issued.member == "m_7"
    statuses = [shop.query_order(n).effective_status for n in (number, issued.insure_num)]
    assert statuses == [3, 1]
    assert "5 退保重出" in shop.browser.get(shop.get_order_url(number)).text


# Delivery of notifications


@pytest.mark.parametrize(
    ("form", "types"),
    [
        ({"times": "2"}, [1, 1, 2, 2, 3, 3, 9, 9]),
        ({"times": "3", "backwards": "on"}, [9, 9, 9, 3, 3, 3, 2, 2, 2, 1, 1, 1]),
        ({"backwards": "on"}, [9, 3, 2, 1]),
        ({"late": "on"}, []),
        ({"forged": "on"}, PURCHASE_TYPES),
        ({"times": "1000"}, PURCHASE_TYPES),
    ],
)
def test_delivery_options_repeat_reorder_delay_and_forge_notifications(
    shop: SimulatorShop, caplog: pytest.LogCaptureFixture, form: dict[str, str], types: list[int]
) -> None:
    with caplog.at_level(logging.INFO):
        shop.buy(**form)
    assert shop.get_notification_types() == types
    # Repeated notifications are identical, so their ids are equal.
    assert len({notification.id for notification in shop.notifications}) == len(set(types))
    refusals = [message for message in caplog.messages if "wrong_sign" in message]
    assert len(refusals) == (4 if "forged" in form else 0)


def test_delayed_notifications_are_sent_on_demand(shop: SimulatorShop) -> None:
    number = shop.buy(late="on")
    shop.buy()  # This purchase does not send the delayed notifications.
    assert len(shop.notifications) == 4
    shop.notifications.clear()
    assert [row[2] for row in shop.get_notification_rows(number)] == ["尚未发送"] * 4

    shop.submit_action("again", number)

    # The simulator first sends the delayed notifications. Then it sends all notifications again,
    # because the action requests this.
    assert shop.get_notification_types() == PURCHASE_TYPES * 2
    responses = {row[2] for row in shop.get_notification_rows(number)}
    assert responses == {'200 {"state": true}'}


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(
    ("notify_url", "types"),
    [
        (None, PURCHASE_TYPES),
        ("/xiebao/notify", PURCHASE_TYPES),
        ("/xiebao/notify/", PURCHASE_TYPES),
        ("/", []),
        ("/xiebao", []),
    ],
)
def test_notifications_reach_callback_of_site(
    notify_url: str | None, types: list[int], token: str | None
) -> None:
    shop = SimulatorShop(notify_url=notify_url, XIEBAO_NOTIFY_TOKEN=token)
    shop.buy()
    assert shop.get_notification_types() == types


def test_site_without_handler_receives_no_notifications() -> None:
    shop = SimulatorShop(has_handler=False)
    number = shop.buy()
    page = shop.browser.get(shop.get_order_url(number)).text
    assert "notification_handler" in page
    assert "再次通知" not in page


@pytest.mark.parametrize(
    ("notify_url", "message"),
    [
        (f"/elsewhere/{TOKEN}", "was not accepted: this site returned 404 instead of"),
        (
            f"http://127.0.0.1:9/{TOKEN}",
            "127.0.0.1:9 returned no response (ConnectionRefusedError)",
        ),
    ],
)
def test_undelivered_notification_logs_warning_without_token(
    caplog: pytest.LogCaptureFixture, notify_url: str, message: str
) -> None:
    number = SimulatorShop(notify_url=notify_url).buy()

    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    for type, line in zip(PURCHASE_TYPES, warnings, strict=True):
        assert line.startswith(f"The simulator's notification of type {type} about order {number} ")
        assert message in line
        assert TOKEN not in line


@pytest.mark.parametrize(
    "body",
    ['{"state": false}', '{"state": 1}', "ok", "[true]", "", "[" * 200_000],
    ids=lambda body: body[:16],
)
def test_response_without_state_true_is_retried(body: str) -> None:
    site = Flask("site")
    site.add_url_rule("/notify", view_func=lambda: body, endpoint="notify", methods=["POST"])
    site.register_blueprint(GatewaySimulator("12345", "Key", notify_url="/notify").blueprint)
    browser = site.test_client()
    assert browser.get(pay(browser, STANDALONE_PRODUCT)).text.count("<td>3 次</td>") == 4


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", PRODUCT),
        ("POST", PRODUCT),
        ("GET", f"/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=1&sign={SIGN}"),
        ("GET", "/gateway/dispatch/static/simulator.css"),
        *(("POST", f"/gateway/api/{name}?sign=1") for name in ("orderDetail", "orderList")),
        ("POST", "/gateway/api/downloadUrl?sign=1"),
    ],
)
def test_simulator_returns_404_in_production(method: str, url: str) -> None:
    shop = SimulatorShop(XIEBAO_ENV="production", XIEBAO_BASE_URL=None)
    assert shop.browser.open(url, method=method, data={"do": "pay"}).status_code == 404
    assert shop.notifications == []


def test_notification_inside_app_has_separate_context_and_no_csrf_check(
    shop: SimulatorShop,
) -> None:
    values_of_g: list[Any] = []

    @shop.app.before_request
    def use_g_and_session() -> None:
        values_of_g.append(g.get("value"))
        g.value = True
        session["visited"] = True

    CSRFProtect(shop.app)
    pay(shop.browser, PRODUCT)

    assert values_of_g == [None] * 5  # The values from one payment and four notifications.
    assert shop.get_notification_types() == PURCHASE_TYPES


# Order queries to the simulator


QUERY = {"partnerId": 12345, "insureNum": "1"}


@pytest.mark.parametrize(
    ("method", "body", "options", "code"),
    [
        ("orderDetail", QUERY, {"sign": SIGN}, 1001),
        ("orderDetail", QUERY, {"sign": ""}, 1001),
        ("orderDetail", QUERY, {}, 1002),
        ("orderDetail", {**QUERY, "insureNum": "\ud800"}, {}, 1002),
        *(
            ("orderDetail", body, {}, 1000)
            for body in (
                *("", "{", "[]", "1", {**QUERY, "partnerId": 12346}, {"partnerId": 12345}),
                *({**QUERY, "transNo": ""}, {**QUERY, "insureNum": 7}, "[" * 50_000),
                f'{{"partnerId":12345,"transNo":"1","insureNum":{"1" * 5000}}}',
            )
        ),
        *(
            ("orderList", {"partnerId": 12345, "pageIndex": index, "pageSize": size}, {}, 1000)
            for index, size in [
                *((0, 1), (1, 0), ("a", 1), (None, 1), (1, 10**30), (1, 1e300), (True, 1))
            ]
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_simulator_rejects_invalid_order_query(
    shop: SimulatorShop, method: str, body: Any, options: dict[str, str], code: int
) -> None:
    assert shop.send_order_query(method, body, **options)["respCode"] == code


def test_pages_show_no_signature_and_no_name(shop: SimulatorShop) -> None:
    order_url = shop.get_order_url(shop.buy(forged="on"))
    for response in (
        shop.browser.get(PRODUCT),
        shop.browser.get(order_url),
        shop.browser.post(PRODUCT, data={"do": "abandon"}),
        shop.browser.post(PRODUCT, data={"do": "pay"}),
        shop.browser.post(order_url, data={"do": "surrender"}),
    ):
        assert response.status_code in (200, 303)
        assert find_leaks(response.text, SIGN, PERSON) == []
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"


# Partial surrenders of orders


def test_order_for_two_people_can_be_surrendered_by_one(shop: SimulatorShop) -> None:
    number = shop.buy(two_people="on")
    assert shop.query_order(number).price_fen == 3000
    assert [policy.insurant for policy in shop.notifications[2].policies] == [PERSON, "李小红"]

    for _ in range(2):  # The second surrender fails: only one person is left.
        shop.submit_action("surrender_one", number)

    assert shop.get_notification_types() == [*PURCHASE_TYPES, 4]
    notification = shop.notifications[-1]
    assert (notification.cancelled_insurants, notification.is_partial) == (("李小红",), True)
    order = shop.query_order(number)
    assert (order.effective_status, order.is_partly_surrendered) == (1, True)
    assert [policy.retreat_status for policy in order.policies] == [None, 1]
    first, second = (policy.policy_num for policy in order.policies)
    order_fields = {"状态": "已出单，保障有效", "保单号": f"{first}{second} · 已退保"}
    assert shop.get_order_fields(number).items() >= order_fields.items()

    shop.submit_action("reissue", number)
    new_order = shop.query_order(shop.notifications[-1].insure_num)
    assert (len(new_order.policies), new_order.price_fen) == (1, 1500)
    assert not new_order.is_partly_surrendered


def test_orders_file_of_version_0_3_is_extended(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE purchases (insure_num TEXT UNIQUE, case_code, partner_uniq_key,"
            " start_date, end_date, price, applied_at, paid_at, failure, issued_at, policy_num,"
            " surrendered_at)"
        )
        connection.execute(
            "INSERT INTO purchases VALUES ('1', 'QX1', 'm_7', '2026-01-01', '2026-12-31',"
            " 1500, '2026-01-01 00:00:00', '2026-01-01 00:00:01', NULL,"
            " '2026-01-01 00:00:02', 'P1', NULL)"
        )

    shop = SimulatorShop(orders=file)

    assert [policy.policy_num for policy in shop.query_order("1").policies] == ["P1"]
    number = shop.buy(two_people="on")
    shop.submit_action("surrender_one", number)
    assert shop.query_order(number).is_partly_surrendered
