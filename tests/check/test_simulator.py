"""The simulator sells, tells the site of it, and answers order queries, as the platform does.

What takes servers, files and other processes is in ``tests/deep/test_simulator.py``.
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
from tests.check.simulated import ALONE, PAY_SUCCESS, PERSON, PRODUCT, TOLD, Shop, shop
from tests.support import PRODUCT_CODE, SIGN, find_element, find_href, parse_html, pay

__all__ = ["shop"]

TOKEN = "0123456789abcdefghijklmnop"


# A purchase


def test_a_purchase_is_four_notifications_and_an_order(shop: Shop) -> None:
    number = shop.buy()  # without a way back, the browser is shown the order
    assert shop.steps() == TOLD
    for each in shop.told:
        about = (each.insure_num, each.case_code, each.partner_uniq_key, each.member)
        assert about == (number, PRODUCT_CODE, "m_7", "m_7")
        assert each.succeeded
        assert each.data["partnerId"] == 12345  # as a number
    _, paid, issued, _ = shop.told
    assert (paid.price_fen, paid.payment_method) == (1500, "21")
    [policy] = issued.policies
    assert (policy.applicant, policy.insurant) == (PERSON, PERSON)

    order = shop.order(number)
    assert (order.case_code, order.member, order.price_fen) == (PRODUCT_CODE, "m_7", 1500)
    assert order.paid_at == paid.paid_at
    assert (order.start_date, order.end_date) == (policy.start_date, policy.end_date)
    assert (order.pay_status, order.issue_status, order.effective_status) == (1, 1, 1)
    assert order.policies[0].policy_num == policy.policy_num
    assert shop.shown(number)["状态"] == "已出单，保障有效"
    assert shop.shown(number)["保单号"] == policy.policy_num
    file = f"http://localhost/gateway/dispatch/files/{number}"
    with shop.app.app_context():
        assert shop.xiebao.orders.policy_url(number) == file


NOT_PAID, NOT_ISSUED, IN_FORCE, OVER = (0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 1, 3)
#: A step, the next, and what comes of both: notifications, the statuses of the order, and words.
STEPS = [
    ("fail", "", [1, 2], NOT_PAID, "未支付 · 余额不足"),
    ("fail", "surrender", [1, 2], NOT_PAID, "未支付 · 余额不足"),  # what is not paid cannot be
    ("fail", "pay", [1, 2, 2, 3, 9], IN_FORCE, "已出单，保障有效"),
    ("not_issued", "", [1, 2, 3], NOT_ISSUED, "已支付，未出单 · 核保未通过"),
    ("not_issued", "issue", [1, 2, 3, 3, 9], IN_FORCE, "已出单，保障有效"),
    ("pay", "surrender", [*TOLD, 4], OVER, "已退保"),
]


@pytest.mark.parametrize(("first", "then", "steps", "statuses", "said"), STEPS)
def test_a_step_is_told_once_and_one_that_fails_can_be_done_later(
    shop: Shop, first: str, then: str, steps: list[int], statuses: tuple[int, ...], said: str
) -> None:
    shop.do(first)
    number = shop.told[0].insure_num
    for _ in range(2):
        shop.do(then, number)
    assert shop.steps() == steps
    failures = [each.failure for each in shop.told if not each.succeeded]
    assert failures == {"fail": ["余额不足"], "not_issued": ["核保未通过"], "pay": []}[first]
    assert {each.cancelled_insurants for each in shop.told} == {()}
    order = shop.order(number)
    assert (order.pay_status, order.issue_status, order.effective_status) == statuses
    assert [order.paid_at is None, order.issued_at is None] == [not each for each in statuses[:2]]
    assert shop.shown(number)["状态"] == said


def test_order_page_marks_notifications_of_failed_steps(shop: Shop) -> None:
    shop.do("fail")
    titles = [title for title, _, _ in shop.sent(shop.told[0].insure_num)]
    assert ["失败" in title for title in titles] == [False, True]


def test_order_page_marks_notifications_with_a_wrong_signature(shop: Shop) -> None:
    number = shop.buy(forged="on")
    titles = [title for title, _, _ in shop.sent(number)]
    assert ["签名错误" in title for title in titles] == [True, False] * 4


def test_who_has_not_paid_or_left_can_go_back_but_not_as_from_a_payment(shop: Shop) -> None:
    url = PRODUCT + PAY_SUCCESS
    left = shop.browser.post(url, data={"do": "abandon"}).text
    failed = shop.browser.post(url, data={"do": "fail"}, follow_redirects=True).text
    paid = shop.browser.get(pay(shop.browser, url, late="on")).text
    backs = [find_href(page, "返回商家") for page in (left, failed, paid)]
    home = "https://shop.example/"
    assert backs == [home, home, "https://shop.example/orders"]
    assert "支付成功" in left  # who changes their mind buys after all


def test_who_leaves_and_who_is_refused_buys_nothing(shop: Shop) -> None:
    for what in ("abandon", "", "anything"):
        response = shop.browser.post(PRODUCT, data={"do": what})
        assert response.status_code == 200
        assert "没有产生订单" in response.text
    refused = PRODUCT.replace(SIGN, "wrong") + PAY_SUCCESS
    assert not parse_html(shop.browser.get(refused)).select("a, form")
    assert shop.browser.post(refused, data={"do": "pay"}).status_code == 400
    assert shop.told == []
    with shop.app.app_context():
        assert list(shop.xiebao.orders.iter()) == []


def test_on_the_home_page_something_is_sold_too(shop: Shop) -> None:
    home = PRODUCT.replace("/cps?", "/cps/index?").replace(f"&caseCode={PRODUCT_CODE}", "")
    page = shop.browser.get(home)
    assert find_element(page, "h2").text == "购买：境内旅行意外险"
    assert "¥15.00" in find_element(page, "h2 + p").text
    pay(shop.browser, home)
    assert shop.told[0].case_code == "QX000000127257"


def test_a_reissue_ends_one_number_and_begins_another(shop: Shop) -> None:
    number = shop.buy()
    for _ in range(2):
        shop.do("reissue", number)
    ended, issued, _ = shop.told[4:]
    assert shop.steps() == [*TOLD, 5, 3, 9]
    assert (ended.insure_num, ended.new_insure_num) == (number, issued.insure_num)
    assert issued.member == "m_7"
    assert [shop.order(each).effective_status for each in (number, issued.insure_num)] == [3, 1]
    assert "5 退保重出" in shop.browser.get(shop.order_page(number)).text


# How the site is told


@pytest.mark.parametrize(
    ("form", "steps"),
    [
        ({"times": "2"}, [1, 1, 2, 2, 3, 3, 9, 9]),
        ({"times": "3", "backwards": "on"}, [9, 9, 9, 3, 3, 3, 2, 2, 2, 1, 1, 1]),
        ({"backwards": "on"}, [9, 3, 2, 1]),
        ({"late": "on"}, []),
        ({"forged": "on"}, TOLD),
        ({"times": "1000"}, TOLD),
    ],
)
def test_the_site_is_told_as_on_a_bad_day(
    shop: Shop, caplog: pytest.LogCaptureFixture, form: dict[str, str], steps: list[int]
) -> None:
    with caplog.at_level(logging.INFO):
        shop.buy(**form)
    assert shop.steps() == steps
    # What comes twice is the same to the letter.
    assert len({each.id for each in shop.told}) == len(set(steps))
    refused = [line for line in caplog.messages if "wrong_sign" in line]
    assert len(refused) == (4 if "forged" in form else 0)


def test_what_was_kept_back_comes_when_the_site_is_told_again(shop: Shop) -> None:
    number = shop.buy(late="on")
    shop.buy()  # another order, and no occasion for this one
    assert len(shop.told) == 4
    shop.told.clear()
    assert [answer for _, _, answer in shop.sent(number)] == ["尚未发送"] * 4
    shop.do("again", number)
    assert shop.steps() == TOLD * 2  # what had not been sent, and then all once more
    assert all(answer == '200 {"state": true}' for _, _, answer in shop.sent(number))


def test_what_a_site_does_not_take_is_sent_again(shop: Shop) -> None:
    shop.fails = 2
    number = shop.buy()
    assert shop.steps() == TOLD
    assert shop.sent(number)[0] == ["1 投保", "3 次", '200 {"state": true}']
    shop.told.clear()
    shop.fails = 12
    number = shop.buy()
    assert shop.told == []
    assert {answer[:3] for _, _, answer in shop.sent(number)} == {"500"}
    shop.buy()  # with the next
    assert [each.insure_num == number for each in shop.told] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(
    ("notify_url", "steps"),
    [
        (None, TOLD),
        ("/xiebao/notify", TOLD),
        ("/xiebao/notify/", TOLD),
        ("/", []),
        ("/xiebao", []),
    ],
)
def test_the_sites_own_callback_is_found_and_no_other_path_is(
    notify_url: str | None, steps: list[int], token: str | None
) -> None:
    shop = Shop(notify_url=notify_url, XIEBAO_NOTIFY_TOKEN=token)
    shop.buy()
    assert shop.steps() == steps


def test_a_site_that_does_not_listen_is_told_nothing() -> None:
    shop = Shop(listens=False)
    number = shop.buy()
    page = shop.browser.get(shop.order_page(number)).text
    assert "notification_handler" in page
    assert "再次通知" not in page
    assert shop.order(number).pay_status == 1
    alone = GatewaySimulator("12345", "Key").create_app().test_client()
    assert "notification_handler" in alone.get(pay(alone, ALONE)).text


@pytest.mark.parametrize(
    ("notify_url", "said"),
    [
        (f"/elsewhere/{TOKEN}", "was not accepted: this site returned 404 instead of"),
        (
            f"http://127.0.0.1:9/{TOKEN}",
            "127.0.0.1:9 returned no response (ConnectionRefusedError)",
        ),
    ],
)
def test_what_is_not_answered_with_true_is_a_warning(
    caplog: pytest.LogCaptureFixture, notify_url: str, said: str
) -> None:
    number = Shop(notify_url=notify_url).buy()
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    for kind, line in zip(TOLD, logged, strict=True):
        assert line.startswith(f"The simulator's notification of type {kind} about order {number} ")
        assert said in line
        assert TOKEN not in line


@pytest.mark.parametrize(
    "said",
    ['{"state": false}', '{"state": 1}', "ok", "[true]", "", "[" * 200_000],
    ids=lambda said: said[:16],
)
def test_only_a_state_that_is_true_is_success(said: str) -> None:
    site = Flask("site")
    site.add_url_rule("/notify", view_func=lambda: said, endpoint="notify", methods=["POST"])
    site.register_blueprint(GatewaySimulator("12345", "Key", notify_url="/notify").blueprint)
    browser = site.test_client()
    assert browser.get(pay(browser, ALONE)).text.count("<td>3 次</td>") == 4


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

    CSRFProtect(shop.app)  # nor does a site write anything for it with Flask-WTF
    pay(shop.browser, PRODUCT)
    assert seen == [None] * 5  # the payment, and four notifications
    assert shop.steps() == TOLD


# The order query


def test_an_order_is_answered_as_the_family_writes_it(shop: Shop) -> None:
    number = shop.buy()
    answer = shop.ask("orderDetail", {"partnerId": 12345, "insureNum": number})
    assert (answer["respCode"], answer["data"].keys()) == (0, {"orderDetail"})
    written = {
        "insureNum": number,
        "partnerUniqueKey": "m_7",
        "payStatus": 1,
        "payAmount": 1500,
        "insurants": [{"cName": PERSON, "policyNum": f"P{number}"}],
    }
    assert answer["data"]["orderDetail"].items() >= written.items()


def test_a_query_that_is_wrong_is_refused(shop: Shop) -> None:
    good = {"partnerId": 12345, "insureNum": shop.buy()}
    assert shop.ask("orderDetail", good, sign=SIGN)["respCode"] == 1001
    assert shop.ask("orderDetail", good, sign="")["respCode"] == 1001
    for nobodys in ("1", "\ud800"):
        assert shop.ask("orderDetail", {**good, "insureNum": nobodys})["respCode"] == 1002
    wrong: list[Any] = ["", "{", "[]", "1", {**good, "partnerId": 12346}]
    wrong += [{"partnerId": 12345}, {**good, "transNo": ""}, {**good, "insureNum": 7}]
    wrong += ["[" * 50_000, f'{{"partnerId":12345,"transNo":"1","insureNum":{"1" * 5000}}}']
    for body in wrong:
        assert shop.ask("orderDetail", body)["respCode"] == 1000, body
    for index, size in ((0, 1), (1, 0), ("a", 1), (None, 1), (1, 10**30), (1, 1e300), (True, 1)):
        body = {"partnerId": 12345, "pageIndex": index, "pageSize": size}
        assert shop.ask("orderList", body)["respCode"] == 1000, body
    assert shop.browser.get("/gateway/api/orderDetail").status_code == 405


# What it is part of


def test_no_page_shows_the_sign_the_key_or_a_name(shop: Shop) -> None:
    order = shop.order_page(shop.buy(forged="on"))
    pages = [shop.browser.get(url) for url in (PRODUCT, order)]
    pages += [shop.browser.post(PRODUCT, data={"do": what}) for what in ("abandon", "pay")]
    pages += [shop.browser.post(order, data={"do": "surrender"})]
    for page in pages:
        assert page.status_code in (200, 303)
        for secret in (SIGN, PERSON):
            assert secret not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"


# Partial surrenders


def test_one_of_two_people_surrenders(shop: Shop) -> None:
    number = shop.buy(two_people="on")
    assert shop.order(number).price_fen == 3000
    assert [policy.insurant for policy in shop.told[2].policies] == [PERSON, "李小红"]

    for _ in range(2):  # The second time, nobody else can leave.
        shop.do("surrender_one", number)
    assert shop.steps() == [*TOLD, 4]
    notification = shop.told[-1]
    assert (notification.cancelled_insurants, notification.is_partial) == (("李小红",), True)
    order = shop.order(number)
    assert (order.effective_status, order.is_partly_surrendered) == (1, True)
    assert [policy.retreat_status for policy in order.policies] == [None, 1]
    assert shop.shown(number)["状态"] == "已出单，保障有效"
    first, second = (policy.policy_num for policy in order.policies)
    assert shop.shown(number)["保单号"] == f"{first}{second} · 已退保"

    shop.do("reissue", number)
    new_order = shop.order(shop.told[-1].insure_num)
    assert (len(new_order.policies), new_order.price_fen) == (1, 1500)
    assert not new_order.is_partly_surrendered


def test_policy_for_one_person_cannot_be_surrendered_by_one_of_two(shop: Shop) -> None:
    number = shop.buy()
    shop.do("surrender_one", number)
    assert shop.steps() == TOLD
    assert "surrender_one" not in shop.browser.get(shop.order_page(number)).text


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
    shop = Shop(orders=file)
    assert [policy.policy_num for policy in shop.order("1").policies] == ["P1"]
    number = shop.buy(two_people="on")
    shop.do("surrender_one", number)
    assert shop.order(number).is_partly_surrendered
