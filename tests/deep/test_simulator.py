"""Tests of the gateway simulator: rare cases, HTTP servers, files and several processes."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_xiebao import OrderError
from flask_xiebao.testing import GatewaySimulator
from tests.check.simulator_support import (
    PAY_SUCCESS,
    PRODUCT,
    PURCHASE_TYPES,
    STANDALONE_PRODUCT,
    SimulatorShop,
    shop,
)
from tests.support import SIGN, pay, serve_app
from tests.vectors import compute_sign

__all__ = ["shop"]


def make_standalone_client(**options: Any) -> FlaskClient:
    """Return a test client of an app that serves only the gateway simulator."""
    return GatewaySimulator("12345", "Key", **options).create_app().test_client()


def test_payment_with_delayed_notifications_redirects_to_order_page(shop: SimulatorShop) -> None:
    order_url = shop.browser.post(PRODUCT + PAY_SUCCESS, data={"do": "fail"}).location or ""
    assert pay(shop.browser, order_url, late="on").endswith("#order")


def test_page_of_unknown_order_has_no_form_and_rejects_actions(shop: SimulatorShop) -> None:
    page = shop.browser.get(shop.get_order_url("20190226020146"))
    assert page.status_code == 200
    assert "模拟器里没有投保单号 20190226020146 的订单" in page.text
    assert "<form" not in page.text
    for action in ("pay", "surrender", "again", ""):
        assert shop.browser.post(page.request.url, data={"do": action}).status_code == 400


def test_order_list_has_pages_with_newest_first(shop: SimulatorShop) -> None:
    numbers = [shop.buy() for _ in range(5)][::-1]
    response = shop.send_order_query(
        "orderList", {"partnerId": 12345, "pageIndex": 2, "pageSize": 2}
    )
    orders = response["data"]["orders"]
    assert (orders["pageIndex"], orders["pageNums"], orders["total"]) == (2, 3, 5)
    assert [row["insureNum"] for row in orders["data"]] == numbers[2:4]
    # In Xiebao's SDK, the order list has other field names than the details of an order.
    expected = {"payState": 1, "issueState": 1, "price": 15.0}
    assert orders["data"][0].items() >= expected.items()
    assert "payStatus" not in orders["data"][0]
    with shop.app.app_context():
        for size in (1, 2, 3, 100):
            assert [order.insure_num for order in shop.xiebao.orders.iter(size)] == numbers


@pytest.mark.parametrize("public_url", [None, "https://a.example/shop"])
def test_policy_file_has_public_url_and_exists_only_for_issued_policy(
    public_url: str | None,
) -> None:
    shop = SimulatorShop(XIEBAO_PUBLIC_URL=public_url)
    issued = shop.buy()
    shop.submit_action("fail")
    unpaid = shop.notifications[-1].insure_num

    with shop.app.app_context():
        url = shop.xiebao.orders.policy_url(issued)
        with pytest.raises(OrderError) as error:
            shop.xiebao.orders.policy_url(unpaid)

    assert error.value.code == 1003
    path = "/gateway/dispatch/files"
    assert url == f"{public_url or 'http://localhost'}{path}/{issued}"
    text = f"这不是真正的保单。模拟保单号：P{issued}\n"
    assert shop.browser.get(f"{path}/{issued}").text == text
    assert shop.browser.get(f"{path}/{unpaid}").status_code == 404


def test_order_page_is_english_with_locale_en(shop: SimulatorShop) -> None:
    shop.app.config["XIEBAO_LOCALE"] = "en"
    number = shop.buy()
    shop.submit_action("surrender", number)
    page = shop.browser.get(shop.get_order_url(number)).text
    texts = ("Surrendered", "Application number", "Notifications to the site", "4 surrender")
    assert [text for text in texts if text not in page] == []


# Delivery of notifications


def test_repeated_delivery_sends_each_notification_once_and_none_forged(
    shop: SimulatorShop,
) -> None:
    number = shop.buy(times="2", forged="on")
    shop.notifications.clear()
    shop.submit_action("again", number)
    assert shop.get_notification_types() == PURCHASE_TYPES
    assert len(shop.get_notification_rows(number)) == 16 + 4


def test_simulator_gives_up_after_many_failures(shop: SimulatorShop) -> None:
    number, many = shop.buy(), 10**6
    shop.failures_left = many
    for _ in range(20):
        shop.submit_action("again", number)
    assert 4 * 20 <= many - shop.failures_left <= 4 * 20 * 21

    before = shop.failures_left
    shop.buy(late="on")
    shop.submit_action("surrender", number)
    assert before - shop.failures_left < 200


@pytest.mark.parametrize("partner_id", ["00123", "qingyou"])
def test_simulator_supports_non_numeric_partner_id(partner_id: str) -> None:
    shop = SimulatorShop(partner_id=partner_id)
    pay(shop.browser, PRODUCT.replace("12345", partner_id).replace(SIGN, compute_sign(partner_id)))
    assert shop.get_notification_types() == PURCHASE_TYPES
    assert shop.query_order(shop.notifications[0].insure_num).pay_status == 1


# Notifications over HTTP


@pytest.mark.parametrize(
    "notify_url", ["http://127.0.0.1:9/xiebao/notify", "http://nowhere.invalid/xiebao/notify"]
)
def test_notifications_are_sent_later_to_site_that_was_unreachable(
    notify_url: str, tmp_path: Path
) -> None:
    site, orders = SimulatorShop(), tmp_path / "orders"
    browser = make_standalone_client(notify_url=notify_url, orders=orders)
    assert browser.get(pay(browser, STANDALONE_PRODUCT)).text.count("<td>无法连接（") == 4
    with serve_app(site.app) as address:
        browser = make_standalone_client(notify_url=f"{address}/xiebao/notify", orders=orders)
        pay(browser, STANDALONE_PRODUCT, forged="on")
    assert site.get_notification_types() == PURCHASE_TYPES * 2


def test_redirect_is_not_followed_and_counts_as_failure() -> None:
    site, paths = Flask("site"), list[str]()

    @site.route("/<path>", methods=["GET", "POST"])
    def record_path(path: str) -> tuple[str, int, dict[str, str]]:
        paths.append(path)
        return '{"state": true}', 302 if path == "moved" else 200, {"Location": "/there"}

    with serve_app(site) as address:
        browser = make_standalone_client(notify_url=f"{address}/moved")
        page = browser.get(pay(browser, STANDALONE_PRODUCT)).text
    assert page.count("<td>302 ") == 4
    assert paths == ["moved"] * 4 * 3


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 302 No\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
        b"nonsense",
        b"",
    ],
)
def test_malformed_http_response_does_not_stop_purchase(response: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def send_malformed_responses() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(response)

        threading.Thread(target=send_malformed_responses, daemon=True).start()
        shop = SimulatorShop(notify_url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        number = shop.buy()
    assert shop.query_order(number).pay_status == 1
    assert {attempts for _, attempts, _ in shop.get_notification_rows(number)} == {"3 次"}


# Storage of orders


def test_simulators_share_orders_in_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    first, second = SimulatorShop(orders=file), SimulatorShop(orders=str(file))
    number = first.buy()
    assert second.query_order(number).effective_status == 1
    second.submit_action("surrender", number)
    assert first.query_order(number).effective_status == 3
    assert len(first.get_notification_rows(number)) == 5


def test_simulators_without_file_do_not_share_orders(shop: SimulatorShop) -> None:
    with pytest.raises(OrderError, match="1002"):
        SimulatorShop().query_order(shop.buy())


def test_orders_file_in_missing_folder_raises(tmp_path: Path) -> None:
    shop = SimulatorShop(orders=tmp_path / "nowhere" / "orders.sqlite3", TESTING=True)
    with pytest.raises(sqlite3.OperationalError):
        shop.submit_action("pay")


#: A program that buys a product ten times. Its arguments are the file for the orders and the URL of
#: the gateway's product page.
BUY_TEN_TIMES = """
import sys
from flask_xiebao.testing import GatewaySimulator
browser = GatewaySimulator("12345", "Key", orders=sys.argv[1]).create_app().test_client()
for _ in range(10):
    assert browser.post(sys.argv[2], data={"do": "pay"}).status_code == 303
"""


def test_concurrent_processes_store_all_orders_in_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    arguments = [sys.executable, "-c", BUY_TEN_TIMES, str(file), STANDALONE_PRODUCT]
    workers = [subprocess.Popen(arguments) for _ in range(3)]  # noqa: S603 - The code is above.
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    shop = SimulatorShop(orders=file)
    with shop.app.app_context():
        assert len(list(shop.xiebao.orders.iter(7))) == 30
