"""The simulator sells, tells the site of it, and answers order queries, as the platform does."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, g, request, session
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from flask_xiebao import Notification, OrderError, Xiebao, parse_notification
from flask_xiebao.testing import GatewaySimulator
from tests.support import CODE, CONFIG, KEY, PHONE, SIGN, accepted, href, pay, serve
from tests.vectors import md5_of

PERSON = "王小明"
TOKEN = "0123456789abcdefghijklmnop"
PAY_SUCCESS = "&paySuccess=aHR0cHM6Ly9zaG9wLmV4YW1wbGUvb3JkZXJz"  # https://shop.example/orders
PRODUCT = f"/gateway/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={CODE}&sign={SIGN}"
PRODUCT += "&partnerUniqKey=m_7"


class Shop:
    """A site that has a simulator as its gateway, and keeps what it is told."""

    def __init__(
        self,
        notify_url: str | None = None,
        partner_id: str = "12345",
        orders: str | Path | None = None,
        listens: bool = True,
        **config: Any,
    ) -> None:
        self.told: list[Notification] = []
        self.fails = 0
        self.app = Flask("shop")
        self.app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL="/gateway")
        self.app.config.update(config, XIEBAO_PARTNER_ID=partner_id)
        self.xiebao = Xiebao(self.app)
        self.xiebao.member_loader(lambda: "m_7")
        if listens:
            self.xiebao.notification_handler(self.hear)
        self.simulator = GatewaySimulator(partner_id, "Key", notify_url=notify_url, orders=orders)
        self.app.register_blueprint(self.simulator.blueprint, url_prefix="/gateway")

    def hear(self, notification: Notification) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        self.told.append(notification)

    @property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def steps(self) -> list[tuple[int, bool]]:
        return [(int(each.type), each.succeeded) for each in self.told]

    def order_page(self, number: str) -> str:
        """Return the path and query of the page on which an order is looked at."""
        with self.app.test_request_context():
            link = self.xiebao.policy_link(number)
        location = self.browser.get(link, headers=PHONE).location
        assert location is not None
        return location

    def order(self, number: str) -> Any:
        with self.app.app_context():
            return self.xiebao.orders.get(number)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def shown(shop: Shop, number: str) -> dict[str, str]:
    """Return what the page of an order says of it."""
    page = BeautifulSoup(shop.browser.get(shop.order_page(number)).text, "html.parser")
    rows = page.select("dl.xiebao-order div")
    return {row.dt.text: row.dd.text for row in rows if row.dt and row.dd}


def sent(shop: Shop, number: str) -> list[tuple[str, str, str]]:
    """Return the notifications that the page of an order lists: each with its answer."""
    page = BeautifulSoup(shop.browser.get(shop.order_page(number)).text, "html.parser")
    rows = page.find("caption", string="发给商家的通知").find_parent("table").select("tbody tr")  # type: ignore[union-attr]
    return [tuple(cell.text for cell in row.select("th, td")) for row in rows]  # type: ignore[misc]


# A purchase


def test_a_purchase_is_four_notifications_and_an_order(shop: Shop) -> None:
    location = pay(shop.browser, PRODUCT)
    assert shop.steps() == [(1, True), (2, True), (3, True), (9, True)]
    numbers = {each.insure_num for each in shop.told}
    assert len(numbers) == 1
    number = numbers.pop()
    for each in shop.told:
        assert (each.case_code, each.partner_uniq_key, each.member) == (CODE, "m_7", "m_7")
    _, paid, issued, _ = shop.told
    assert (paid.price_fen, paid.payment_method) == (1500, "21")
    [policy] = issued.policies
    assert (policy.applicant, policy.insurant) == (PERSON, PERSON)

    order = shop.order(number)
    assert (order.case_code, order.member, order.price_fen) == (CODE, "m_7", 1500)
    assert order.paid_at == paid.paid_at
    assert (order.start_date, order.end_date) == (policy.start_date, policy.end_date)
    assert (order.pay_status, order.issue_status, order.effective_status) == (1, 1, 1)
    assert order.policies[0].policy_num == policy.policy_num

    # Without a way back, the browser is shown the order.
    assert accepted(location).page == "policy"
    assert shown(shop, number)["状态"] == "已出单，保障有效"
    assert shown(shop, number)["保单号"] == policy.policy_num


def test_with_a_way_back_the_browser_goes_there_when_all_is_told(shop: Shop) -> None:
    with shop.app.test_request_context():
        link = shop.xiebao.product_link(CODE, return_to="/orders/8")
    gateway = shop.browser.get(link, headers=PHONE).location
    back = pay(shop.browser, gateway or "")
    assert "/xiebao/paid/" in back
    assert shop.browser.get(back).location == "/orders/8"
    assert len(shop.told) == 4


def test_a_payment_that_fails_is_an_order_that_can_be_paid_later(shop: Shop) -> None:
    response = shop.browser.post(PRODUCT, data={"do": "fail"})
    assert response.status_code == 303
    assert shop.steps() == [(1, True), (2, False)]
    assert shop.told[1].failure == "余额不足"
    number = shop.told[0].insure_num
    assert shown(shop, number)["状态"] == "未支付 · 余额不足"
    order = shop.order(number)
    assert (order.pay_status, order.issue_status, order.effective_status) == (0, 0, 0)
    assert (order.paid_at, order.issued_at) == (None, None)

    shop.browser.post(shop.order_page(number), data={"do": "pay"})
    assert shop.steps()[2:] == [(2, True), (3, True), (9, True)]
    assert shop.order(number).pay_status == 1
    shop.browser.post(shop.order_page(number), data={"do": "pay"})
    assert len(shop.told) == 5


def test_who_has_not_paid_or_left_can_go_back_but_not_as_from_a_payment(shop: Shop) -> None:
    url = PRODUCT + PAY_SUCCESS
    left = shop.browser.post(url, data={"do": "abandon"}).text
    failed = shop.browser.post(url, data={"do": "fail"}, follow_redirects=True).text
    paid = shop.browser.get(pay(shop.browser, url, late="on")).text
    backs = [href(page, "返回商家") for page in (left, failed, paid)]
    home = "https://shop.example/"
    assert backs == [home, home, "https://shop.example/orders"]
    assert "支付成功" in left  # who changes their mind buys after all


def test_who_pays_later_comes_back_as_from_a_payment(shop: Shop) -> None:
    failed = [
        shop.browser.post(PRODUCT + PAY_SUCCESS, data={"do": "fail"}).location or ""
        for _ in range(2)
    ]
    assert pay(shop.browser, failed[0]) == "https://shop.example/orders"
    assert pay(shop.browser, failed[1], late="on").endswith("#order")


def test_who_leaves_buys_nothing(shop: Shop) -> None:
    for what in ("abandon", "", "anything"):
        response = shop.browser.post(PRODUCT, data={"do": what})
        assert response.status_code == 200
        assert "没有产生订单" in response.text
    assert shop.told == []
    with shop.app.app_context():
        assert list(shop.xiebao.orders.iter()) == []


def test_on_the_home_page_something_is_sold_too(shop: Shop) -> None:
    home = PRODUCT.replace("/cps?", "/cps/index?").replace(f"&caseCode={CODE}", "")
    pay(shop.browser, home)
    assert shop.told[0].case_code == "QX000000127257"


def test_a_surrender_is_told_once(shop: Shop) -> None:
    pay(shop.browser, PRODUCT)
    number = shop.told[0].insure_num
    for _ in range(2):
        shop.browser.post(shop.order_page(number), data={"do": "surrender"})
    assert shop.steps()[4:] == [(4, True)]
    assert shop.told[4].cancelled_insurants == ()
    assert shop.order(number).effective_status == 3
    assert shown(shop, number)["状态"] == "已退保"


def test_what_is_not_paid_cannot_be_surrendered(shop: Shop) -> None:
    shop.browser.post(PRODUCT, data={"do": "fail"})
    shop.browser.post(shop.order_page(shop.told[0].insure_num), data={"do": "surrender"})
    assert len(shop.told) == 2


def test_the_page_of_an_order_that_is_not_there_says_so(shop: Shop) -> None:
    page = shop.browser.get(shop.order_page("20190226020146"))
    assert page.status_code == 200
    assert "模拟器里没有投保单号 20190226020146 的订单" in page.text
    assert "<form" not in page.text
    for what in ("pay", "surrender", "again", ""):
        answer = shop.browser.post(shop.order_page("20190226020146"), data={"do": what})
        assert answer.status_code == 400


def test_two_purchases_are_two_orders(shop: Shop) -> None:
    for _ in range(2):
        pay(shop.browser, PRODUCT)
    assert len({each.insure_num for each in shop.told}) == 2


# How the site is told


@pytest.mark.parametrize(
    ("form", "steps"),
    [
        ({"times": "2"}, [1, 1, 2, 2, 3, 3, 9, 9]),
        ({"times": "3", "backwards": "on"}, [9, 9, 9, 3, 3, 3, 2, 2, 2, 1, 1, 1]),
        ({"backwards": "on"}, [9, 3, 2, 1]),
        ({"late": "on"}, []),
        ({"forged": "on"}, [1, 2, 3, 9]),
        ({"times": "1000"}, [1, 2, 3, 9]),
    ],
)
def test_the_site_is_told_as_on_a_bad_day(
    shop: Shop, caplog: pytest.LogCaptureFixture, form: dict[str, str], steps: list[int]
) -> None:
    with caplog.at_level(logging.INFO):
        pay(shop.browser, PRODUCT, **form)
    assert [kind for kind, _ in shop.steps()] == steps
    refused = [line for line in caplog.messages if "wrong_sign" in line]
    assert len(refused) == (4 if "forged" in form else 0)


def test_what_comes_twice_is_the_same_to_the_letter(shop: Shop) -> None:
    pay(shop.browser, PRODUCT, times="2")
    assert len({each.id for each in shop.told}) == 4


def test_what_was_kept_back_comes_when_the_site_is_told_again(shop: Shop) -> None:
    location = pay(shop.browser, PRODUCT + PAY_SUCCESS, late="on")
    pay(shop.browser, PRODUCT)  # of another order, and no occasion for this one
    assert len(shop.told) == 4
    shop.told.clear()
    number = dict(accepted(location).parameters)["insureNum"]
    assert [answer for _, _, answer in sent(shop, number)] == ["尚未发送"] * 4
    shop.browser.post(location, data={"do": "again"})
    # What had not been sent, and then all once more.
    assert [kind for kind, _ in shop.steps()] == [1, 2, 3, 9, 1, 2, 3, 9]
    assert all(answer == '200 {"state": true}' for _, _, answer in sent(shop, number))


def test_told_again_the_site_hears_once_more_of_each_step_and_of_nothing_forged(
    shop: Shop,
) -> None:
    location = pay(shop.browser, PRODUCT, times="2", forged="on")
    shop.told.clear()
    shop.browser.post(location, data={"do": "again"})
    assert [kind for kind, _ in shop.steps()] == [1, 2, 3, 9]
    assert len(sent(shop, shop.told[0].insure_num)) == 16 + 4


def test_a_handler_that_fails_twice_loses_nothing(shop: Shop) -> None:
    shop.fails = 2
    pay(shop.browser, PRODUCT)
    assert shop.steps() == [(1, True), (2, True), (3, True), (9, True)]
    assert sent(shop, shop.told[0].insure_num)[0] == ("1 投保", "3 次", '200 {"state": true}')


def test_what_a_site_does_not_take_is_sent_again_with_the_next(shop: Shop) -> None:
    shop.fails = 12
    location = pay(shop.browser, PRODUCT)
    number = dict(accepted(location).parameters)["insureNum"]
    assert shop.told == []
    assert {answer[:3] for _, _, answer in sent(shop, number)} == {"500"}
    pay(shop.browser, PRODUCT)
    assert [each.insure_num == number for each in shop.told] == [True] * 4 + [False] * 4


def test_what_nobody_will_ever_take_is_given_up(shop: Shop) -> None:
    location = pay(shop.browser, PRODUCT)
    number = dict(accepted(location).parameters)["insureNum"]
    shop.told.clear()
    shop.fails = 10**6
    for _ in range(20):
        shop.browser.post(location, data={"do": "again"})
    assert 4 * 20 <= 10**6 - shop.fails <= 4 * 20 * 21
    before = shop.fails
    pay(shop.browser, PRODUCT, late="on")
    shop.browser.post(shop.order_page(number), data={"do": "surrender"})
    assert before - shop.fails < 200


@pytest.mark.parametrize("partner_id", ["00123", "qingyou"])
def test_a_partner_id_that_is_no_number_is_the_same_everywhere(partner_id: str) -> None:
    shop = Shop(partner_id=partner_id)
    sign = md5_of(partner_id)
    url = PRODUCT.replace("12345", partner_id).replace(SIGN, sign)
    pay(shop.browser, url)
    assert [kind for kind, _ in shop.steps()] == [1, 2, 3, 9]
    assert shop.order(shop.told[0].insure_num).pay_status == 1


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("notify_url", [None, "/xiebao/notify"])
def test_the_sites_own_callback_is_found(notify_url: str | None, token: str | None) -> None:
    shop = Shop(notify_url=notify_url, XIEBAO_NOTIFY_TOKEN=token)
    pay(shop.browser, PRODUCT)
    assert [kind for kind, _ in shop.steps()] == [1, 2, 3, 9]


@pytest.mark.parametrize("elsewhere", ["/", "/xiebao", "/xiebao/notify/"])
def test_another_path_of_the_site_is_not_its_callback(elsewhere: str) -> None:
    shop = Shop(notify_url=elsewhere, XIEBAO_NOTIFY_TOKEN=TOKEN)
    pay(shop.browser, PRODUCT)
    assert bool(shop.told) == (elsewhere == "/xiebao/notify/")


def test_a_site_that_does_not_listen_is_told_nothing() -> None:
    shop = Shop(listens=False)
    location = pay(shop.browser, PRODUCT)
    page = shop.browser.get(location).text
    assert "notification_handler" in page
    assert "再次通知" not in page
    assert shop.order(dict(accepted(location).parameters)["insureNum"]).pay_status == 1


def test_alone_it_tells_nobody() -> None:
    browser = GatewaySimulator("12345", "Key").create_app().test_client()
    assert "notification_handler" in browser.get(pay(browser, PRODUCT[len("/gateway") :])).text


@pytest.mark.parametrize(
    ("notify_url", "said"),
    [
        (f"/elsewhere/{TOKEN}", "was not accepted: this site gave 404 instead of"),
        (f"http://127.0.0.1:9/{TOKEN}", "127.0.0.1:9 gave no answer (ConnectionRefusedError)"),
    ],
)
def test_what_is_not_answered_with_true_is_a_warning(
    caplog: pytest.LogCaptureFixture, notify_url: str, said: str
) -> None:
    shop = Shop(notify_url=notify_url)
    number = dict(accepted(pay(shop.browser, PRODUCT)).parameters)["insureNum"]
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(logged) == 4
    for kind, line in zip((1, 2, 3, 9), logged, strict=True):
        assert line.startswith(f"The simulator's notification of type {kind} about order {number} ")
        assert said in line
        assert TOKEN not in line


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 302 No\r\nLocation: http://[/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
        b"nonsense",
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
        location = pay(shop.browser, PRODUCT)
    number = dict(accepted(location).parameters)["insureNum"]
    assert shop.order(number).pay_status == 1
    assert {line[1] for line in sent(shop, number)} == {"3 次"}


@pytest.mark.parametrize("public", [None, "https://a.example/shop"])
def test_the_policy_file_is_where_a_browser_finds_it(public: str | None) -> None:
    shop = Shop(XIEBAO_PUBLIC_URL=public)
    pay(shop.browser, PRODUCT)
    number = shop.told[0].insure_num
    with shop.app.app_context():
        url = shop.xiebao.orders.policy_url(number)
    assert url == f"{public or 'http://localhost'}/gateway/dispatch/files/{number}"


def test_in_production_there_is_no_simulator() -> None:
    shop = Shop(XIEBAO_ENV="production", XIEBAO_BASE_URL=None)
    order = f"/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=1&sign={SIGN}"
    for url in (PRODUCT, order, "/gateway/dispatch/static/simulator.css"):
        assert shop.browser.get(url).status_code == 404
        assert shop.browser.post(url, data={"do": "pay"}).status_code in (404, 405)
    for method in ("orderDetail", "orderList", "downloadUrl"):
        assert shop.browser.post(f"/gateway/api/{method}?sign=1", data=b"{}").status_code == 404
    assert shop.told == []


def test_inside_of_the_app_it_is_a_request_of_its_own(shop: Shop) -> None:
    seen: list[Any] = []

    @shop.app.before_request
    def look() -> None:
        seen.append(g.get("mine"))
        g.mine = True
        session["visited"] = True

    pay(shop.browser, PRODUCT)
    assert seen == [None] * 5  # the payment, and four notifications


def test_over_http_a_site_elsewhere_is_told() -> None:
    site = Shop()
    with serve(site.app) as address:
        gateway = GatewaySimulator("12345", "Key", notify_url=f"{address}/xiebao/notify")
        browser = gateway.create_app().test_client()
        pay(browser, PRODUCT.removeprefix("/gateway"), forged="on")
    assert [kind for kind, _ in site.steps()] == [1, 2, 3, 9]


@pytest.mark.parametrize(
    "notify_url", ["http://127.0.0.1:9/xiebao/notify", "http://nowhere.invalid/xiebao/notify"]
)
def test_a_site_that_is_away_is_told_later(notify_url: str, tmp_path: Path) -> None:
    gateway = GatewaySimulator("12345", "Key", notify_url=notify_url, orders=tmp_path / "orders")
    browser = gateway.create_app().test_client()
    page = browser.get(pay(browser, PRODUCT.removeprefix("/gateway"))).text
    assert page.count("<td>连不上（") == 4
    site = Shop()
    with serve(site.app) as address:
        gateway = GatewaySimulator(
            "12345", "Key", notify_url=f"{address}/xiebao/notify", orders=tmp_path / "orders"
        )
        pay(gateway.create_app().test_client(), PRODUCT.removeprefix("/gateway"))
    assert [kind for kind, _ in site.steps()] == [1, 2, 3, 9] * 2


def test_a_redirect_is_an_answer_and_none_that_the_platform_takes() -> None:
    elsewhere = Flask("elsewhere")
    asked = []

    @elsewhere.route("/", methods=["GET", "POST"])
    def move() -> tuple[str, int, dict[str, str]]:
        asked.append("moved")
        return '{"state": true}', 302, {"Location": "/there"}

    @elsewhere.route("/there", methods=["GET", "POST"])
    def there() -> str:
        return '{"state": true}'

    with serve(elsewhere) as address:
        gateway = GatewaySimulator("12345", "Key", notify_url=f"{address}/")
        browser = gateway.create_app().test_client()
        page = browser.get(pay(browser, PRODUCT.removeprefix("/gateway"))).text
    assert page.count("<td>302 ") == 4
    assert len(asked) == 4 * 3


@pytest.mark.parametrize("said", ['{"state": false}', '{"state": 1}', "ok", "[true]", ""])
def test_only_a_state_that_is_true_is_success(said: str) -> None:
    site = Flask("site")
    site.add_url_rule("/notify", view_func=lambda: said, endpoint="notify", methods=["POST"])
    gateway = GatewaySimulator("12345", "Key", notify_url="/notify")
    site.register_blueprint(gateway.blueprint)
    browser = site.test_client()
    location = pay(browser, PRODUCT.removeprefix("/gateway"))
    assert browser.get(location).text.count("<td>3 次</td>") == 4


@pytest.mark.parametrize("wrong", ["", "xiebao/notify", "//evil.example/", "ftp://a.example/", 7])
def test_an_address_that_is_none_is_an_error(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"notify_url .*such as /xiebao/notify"):
        GatewaySimulator("12345", "Key", notify_url=wrong)


# Where orders are kept


def test_orders_survive_a_restart(tmp_path: Path) -> None:
    before = Shop(orders=tmp_path / "orders.sqlite3")
    pay(before.browser, PRODUCT)
    number = before.told[0].insure_num
    after = Shop(orders=str(tmp_path / "orders.sqlite3"))
    assert after.order(number).effective_status == 1
    after.browser.post(after.order_page(number), data={"do": "surrender"})
    assert before.order(number).effective_status == 3
    assert len(sent(before, number)) == 5


def test_without_a_file_each_simulator_has_its_own(shop: Shop) -> None:
    pay(shop.browser, PRODUCT)
    with pytest.raises(OrderError) as caught:
        Shop().order(shop.told[0].insure_num)
    assert caught.value.code == 1002


_BUY = """
import sys
from flask_xiebao.testing import GatewaySimulator
browser = GatewaySimulator("12345", "Key", orders=sys.argv[1]).create_app().test_client()
for _ in range(10):
    assert browser.post(sys.argv[2], data={"do": "pay"}).status_code == 303
"""


def test_workers_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite3"
    arguments = [sys.executable, "-c", _BUY, str(file), PRODUCT.removeprefix("/gateway")]
    workers = [subprocess.Popen(arguments) for _ in range(3)]  # noqa: S603 - written here
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    shop = Shop(orders=file)
    with shop.app.app_context():
        assert len(list(shop.xiebao.orders.iter(7))) == 30


def test_a_file_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    shop = Shop(orders=tmp_path / "nowhere" / "orders.sqlite3")
    shop.app.testing = True
    with pytest.raises(sqlite3.OperationalError):
        shop.browser.post(PRODUCT, data={"do": "pay"})


# The order query


def ask(shop: Shop, method: str, body: dict[str, Any] | str, **options: Any) -> Any:
    """Ask as the platform's public clients do, with a sign made by hand."""
    text = body if isinstance(body, str) else json.dumps({"transNo": "12345-1", **body})
    sign = options.get("sign", md5_of(text))
    answer = shop.browser.post(f"/gateway/api/{method}?sign={sign}", data=text)
    assert answer.status_code == 200
    return answer.json


def test_an_order_is_answered_as_the_family_writes_it(shop: Shop) -> None:
    pay(shop.browser, PRODUCT)
    number = shop.told[0].insure_num
    answer = ask(shop, "orderDetail", {"partnerId": 12345, "insureNum": number})
    assert (answer["respCode"], answer["data"].keys()) == (0, {"orderDetail"})
    detail = answer["data"]["orderDetail"]
    assert detail["insureNum"] == number
    assert detail["partnerUniqueKey"] == "m_7"
    assert (detail["payStatus"], detail["payAmount"]) == (1, 1500)
    assert detail["insurants"] == [{"cName": PERSON, "policyNum": f"P{number}"}]


def test_the_list_has_pages_newest_first(shop: Shop) -> None:
    for _ in range(5):
        pay(shop.browser, PRODUCT)
    numbers = list(dict.fromkeys(each.insure_num for each in reversed(shop.told)))
    answer = ask(shop, "orderList", {"partnerId": 12345, "pageIndex": 2, "pageSize": 2})
    orders = answer["data"]["orders"]
    assert (orders["pageIndex"], orders["pageNums"], orders["total"]) == (2, 3, 5)
    assert [row["insureNum"] for row in orders["data"]] == numbers[2:4]
    with shop.app.app_context():
        for size in (1, 2, 3, 100):
            assert [each.insure_num for each in shop.xiebao.orders.iter(size)] == numbers


def test_the_policy_file_says_that_it_is_none(shop: Shop) -> None:
    pay(shop.browser, PRODUCT)
    shop.browser.post(PRODUCT, data={"do": "fail"})
    issued, unpaid = (shop.told[at].insure_num for at in (0, -1))
    with shop.app.app_context():
        file = shop.xiebao.orders.policy_url(issued)
        with pytest.raises(OrderError) as caught:
            shop.xiebao.orders.policy_url(unpaid)
    assert caught.value.code == 1003
    page = shop.browser.get(file)
    assert page.text == f"这不是真正的保单。模拟保单号：P{issued}\n"
    assert shop.browser.get(file.replace(issued, unpaid)).status_code == 404


def test_a_query_that_is_wrong_is_refused(shop: Shop) -> None:
    pay(shop.browser, PRODUCT)
    number = shop.told[0].insure_num
    good = {"partnerId": 12345, "insureNum": number}
    assert ask(shop, "orderDetail", good, sign=SIGN)["respCode"] == 1001
    assert ask(shop, "orderDetail", good, sign="")["respCode"] == 1001
    assert ask(shop, "orderDetail", {**good, "insureNum": "1"})["respCode"] == 1002
    wrong: list[Any] = ["", "{", "[]", "1", {"partnerId": 12346, "insureNum": number}]
    wrong += [{"partnerId": 12345}, {**good, "transNo": ""}, {**good, "insureNum": 7}]
    wrong += ["[" * 50_000, f'{{"partnerId":12345,"transNo":"1","insureNum":{"1" * 5000}}}']
    for body in wrong:
        assert ask(shop, "orderDetail", body)["respCode"] == 1000, body
    assert ask(shop, "orderDetail", {**good, "insureNum": "\ud800"})["respCode"] == 1002
    for index, size in ((0, 1), (1, 0), ("a", 1), (None, 1), (1, 10**30), (1, 1e300), (True, 1)):
        body = {"partnerId": 12345, "pageIndex": index, "pageSize": size}
        assert ask(shop, "orderList", body)["respCode"] == 1000, body
    assert shop.browser.get("/gateway/api/orderDetail").status_code == 405


# What it is part of


def test_what_it_sends_is_what_a_receiver_by_hand_verifies() -> None:
    bodies: list[bytes] = []
    site = Flask("site")

    @site.post("/notify")
    def notify() -> str:
        bodies.append(request.get_data())
        return '{"state": true}'

    gateway = GatewaySimulator("12345", KEY, notify_url="/notify")
    site.register_blueprint(gateway.blueprint)
    sign = md5_of("12345", KEY)
    pay(site.test_client(), PRODUCT.removeprefix("/gateway").replace(SIGN, sign))
    assert len(bodies) == 4
    for body in bodies:
        data = body.decode().partition('"data":')[2][:-1]
        assert json.loads(body)["sign"] == md5_of(data, KEY)
        assert json.loads(data)["partnerId"] == 12345
        assert parse_notification(body, partner_id="12345", api_key=KEY).partner_uniq_key == "m_7"


def test_a_site_with_flask_wtf_writes_nothing_for_it(shop: Shop) -> None:
    CSRFProtect(shop.app)
    pay(shop.browser, PRODUCT)
    assert len(shop.told) == 4


def test_no_page_shows_the_sign_the_key_or_a_name(shop: Shop) -> None:
    location = pay(shop.browser, PRODUCT, forged="on")
    number = shop.told[0].insure_num
    pages = [shop.browser.get(url) for url in (PRODUCT, location, shop.order_page(number))]
    pages += [shop.browser.post(PRODUCT, data={"do": what}) for what in ("abandon", "pay")]
    pages += [shop.browser.post(location, data={"do": "surrender"})]
    for page in pages:
        assert page.status_code in (200, 303)
        for secret in (SIGN, PERSON):
            assert secret not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.fixture
def english() -> Shop:
    shop = Shop()
    shop.app.config["XIEBAO_LOCALE"] = "en"
    return shop


def test_it_speaks_english_where_the_site_does(english: Shop) -> None:
    location = pay(english.browser, PRODUCT)
    english.browser.post(location, data={"do": "surrender"})
    page = english.browser.get(location).text
    for words in (
        "Surrendered",
        "Application number",
        "Notifications to the site",
        "4 surrender",
    ):
        assert words in page
