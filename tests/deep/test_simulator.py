"""The simulator on bad days: sites that are away, answers that are none, many workers."""

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
from tests.check.simulated import ALONE, PAY_SUCCESS, PRODUCT, TOLD, Shop, shop
from tests.support import SIGN, pay, serve_app
from tests.vectors import compute_sign

__all__ = ["shop"]


def alone(**options: Any) -> FlaskClient:
    """Return a browser of a simulator that is an app of its own."""
    return GatewaySimulator("12345", "Key", **options).create_app().test_client()


def test_who_pays_later_comes_back_as_from_a_payment(shop: Shop) -> None:
    url = PRODUCT + PAY_SUCCESS
    first, second = (shop.browser.post(url, data={"do": "fail"}).location or "" for _ in range(2))
    assert pay(shop.browser, first) == "https://shop.example/orders"
    assert pay(shop.browser, second, late="on").endswith("#order")


def test_the_page_of_an_order_that_is_not_there_says_so(shop: Shop) -> None:
    page = shop.browser.get(shop.order_page("20190226020146"))
    assert page.status_code == 200
    assert "模拟器里没有投保单号 20190226020146 的订单" in page.text
    assert "<form" not in page.text
    for what in ("pay", "surrender", "again", ""):
        answer = shop.browser.post(page.request.url, data={"do": what})
        assert answer.status_code == 400


def test_the_list_has_pages_newest_first(shop: Shop) -> None:
    numbers = [shop.buy() for _ in range(5)][::-1]
    answer = shop.ask("orderList", {"partnerId": 12345, "pageIndex": 2, "pageSize": 2})
    orders = answer["data"]["orders"]
    assert (orders["pageIndex"], orders["pageNums"], orders["total"]) == (2, 3, 5)
    assert [row["insureNum"] for row in orders["data"]] == numbers[2:4]
    # As the SDK spells what is in a list.
    spelt = {name: orders["data"][0][name] for name in ("payState", "issueState", "price")}
    assert spelt == {"payState": 1, "issueState": 1, "price": 15.0}
    assert "payStatus" not in orders["data"][0]
    with shop.app.app_context():
        for size in (1, 2, 3, 100):
            assert [each.insure_num for each in shop.xiebao.orders.iter(size)] == numbers


@pytest.mark.parametrize("public", [None, "https://a.example/shop"])
def test_the_policy_file_is_where_a_browser_finds_it_and_says_that_it_is_none(
    public: str | None,
) -> None:
    shop = Shop(XIEBAO_PUBLIC_URL=public)
    issued, _ = shop.buy(), shop.do("fail")
    unpaid = shop.told[-1].insure_num
    with shop.app.app_context():
        url = shop.xiebao.orders.policy_url(issued)
        with pytest.raises(OrderError) as caught:
            shop.xiebao.orders.policy_url(unpaid)
    assert caught.value.code == 1003
    assert url == f"{public or 'http://localhost'}/gateway/dispatch/files/{issued}"
    file = f"/gateway/dispatch/files/{issued}"
    assert shop.browser.get(file).text == f"这不是真正的保单。模拟保单号：P{issued}\n"
    assert shop.browser.get(file.replace(issued, unpaid)).status_code == 404


def test_it_speaks_english_where_the_site_does(shop: Shop) -> None:
    shop.app.config["XIEBAO_LOCALE"] = "en"
    number = shop.buy()
    shop.do("surrender", number)
    page = shop.browser.get(shop.order_page(number)).text
    for words in (
        *("Surrendered", "Application number", "Notifications to the site", "4 surrender"),
    ):
        assert words in page


# How a site is told


def test_told_again_the_site_hears_once_more_of_each_step_and_of_nothing_forged(
    shop: Shop,
) -> None:
    number = shop.buy(times="2", forged="on")
    shop.told.clear()
    shop.do("again", number)
    assert shop.steps() == TOLD
    assert len(shop.sent(number)) == 16 + 4


def test_what_nobody_will_ever_take_is_given_up(shop: Shop) -> None:
    number, many = shop.buy(), 10**6
    shop.fails = many
    for _ in range(20):
        shop.do("again", number)
    assert 4 * 20 <= many - shop.fails <= 4 * 20 * 21
    before = shop.fails
    shop.buy(late="on")
    shop.do("surrender", number)
    assert before - shop.fails < 200


@pytest.mark.parametrize("partner_id", ["00123", "qingyou"])
def test_a_partner_id_that_is_no_number_is_the_same_everywhere(partner_id: str) -> None:
    shop = Shop(partner_id=partner_id)
    pay(shop.browser, PRODUCT.replace("12345", partner_id).replace(SIGN, compute_sign(partner_id)))
    assert shop.steps() == TOLD
    assert shop.order(shop.told[0].insure_num).pay_status == 1


# Over HTTP


@pytest.mark.parametrize(
    "away", ["http://127.0.0.1:9/xiebao/notify", "http://nowhere.invalid/xiebao/notify"]
)
def test_over_http_a_site_elsewhere_that_was_away_is_told_later(away: str, tmp_path: Path) -> None:
    site, orders = Shop(), tmp_path / "orders"
    browser = alone(notify_url=away, orders=orders)
    assert browser.get(pay(browser, ALONE)).text.count("<td>无法连接（") == 4
    with serve_app(site.app) as address:
        pay(alone(notify_url=f"{address}/xiebao/notify", orders=orders), ALONE, forged="on")
    assert site.steps() == TOLD * 2


def test_a_redirect_is_an_answer_and_none_that_the_platform_takes() -> None:
    elsewhere, asked = Flask("elsewhere"), list[str]()

    @elsewhere.route("/<path>", methods=["GET", "POST"])
    def answer(path: str) -> tuple[str, int, dict[str, str]]:
        asked.append(path)
        return '{"state": true}', 302 if path == "moved" else 200, {"Location": "/there"}

    with serve_app(elsewhere) as address:
        browser = alone(notify_url=f"{address}/moved")
        page = browser.get(pay(browser, ALONE)).text
    assert page.count("<td>302 ") == 4
    assert asked == ["moved"] * 4 * 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 302 No\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
        b"nonsense",
        b"",
    ],
)
def test_whatever_answers_a_notification_the_purchase_goes_on(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_all() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        shop = Shop(notify_url=f"http://127.0.0.1:{listening.getsockname()[1]}/")
        number = shop.buy()
    assert shop.order(number).pay_status == 1
    assert {line[1] for line in shop.sent(number)} == {"3 次"}


# Where orders are kept


def test_orders_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    before, after = Shop(orders=file), Shop(orders=str(file))
    number = before.buy()
    assert after.order(number).effective_status == 1
    after.do("surrender", number)
    assert before.order(number).effective_status == 3
    assert len(before.sent(number)) == 5


def test_without_a_file_each_simulator_has_its_own(shop: Shop) -> None:
    number = shop.buy()
    with pytest.raises(OrderError) as caught:
        Shop().order(number)
    assert caught.value.code == 1002


def test_a_file_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    shop = Shop(orders=tmp_path / "nowhere" / "orders.sqlite3", TESTING=True)
    with pytest.raises(sqlite3.OperationalError):
        shop.do("pay")


_BUY = """
import sys
from flask_xiebao.testing import GatewaySimulator
browser = GatewaySimulator("12345", "Key", orders=sys.argv[1]).create_app().test_client()
for _ in range(10):
    assert browser.post(sys.argv[2], data={"do": "pay"}).status_code == 303
"""


def test_workers_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    arguments = [sys.executable, "-c", _BUY, str(file), ALONE]
    workers = [subprocess.Popen(arguments) for _ in range(3)]  # noqa: S603 - written here
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    shop = Shop(orders=file)
    with shop.app.app_context():
        assert len(list(shop.xiebao.orders.iter(7))) == 30
