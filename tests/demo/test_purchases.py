"""The demo's whole story: what a member buys is on their page, whatever comes in between."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import Order
from tests.demo.support import (
    END,
    OVER,
    ZHOU,
    Orders,
    buy,
    create_demo,
    gateway,
    hear,
    known,
    number_of,
    order_page,
    shown,
    visit,
)
from tests.support import NUMBER, href, one, pay, soup
from tests.vectors import APPLIED, ISSUED, PAID, REISSUED, SURRENDERED, VECTORS, callback

pytest_plugins = ["flask_xiebao.pytest_plugin"]

# What the member sees


def test_what_is_bought_is_on_the_members_page_and_on_nobody_elses(demo: Flask) -> None:
    browser = visit(demo)
    assert shown(browser) == []
    welcome = browser.get(pay(browser, gateway(browser)), follow_redirects=True)
    assert welcome.request.path == "/insured"
    assert one(welcome, "h1").text == "投保成功"
    assert "¥ 15.00" in welcome.text

    [policy] = shown(browser)
    assert re.search(
        r"境内旅行意外险 已出单 投保单号 \d+ 保单号 P\d+ 保障期间 20\S+ 至 20\S+", policy
    )
    number = number_of(policy)
    assert number in browser.get(order_page(browser, number)).text
    assert shown(visit(demo, ZHOU)) == shown(visit(demo, None)) == []


def test_the_order_page_has_the_newest_policies_and_leads_to_all(demo: Flask) -> None:
    browser = visit(demo)
    numbers = [buy(browser), buy(browser, "home"), buy(browser)]
    page = browser.get("/")
    first, second = (item.text for item in soup(page).select(".policies li"))
    assert numbers[2] in first
    assert numbers[1] in second
    assert href(page, "查看全部 4 份保单") == "/policies"
    everything = one(browser.get("/policies"), ".policies").text
    assert all(number in everything for number in (*numbers, NUMBER))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"times": "3", "backwards": "on"},
        {"times": "2", "forged": "on"},
        {"backwards": "on", "forged": "on"},
    ],
)
def test_a_bad_day_leaves_one_policy_in_the_right_state_also_after_a_restart(
    demo: Flask, tmp_path: Path, form: dict[str, str]
) -> None:
    browser = visit(demo)
    number = buy(browser, **form)
    [bought] = shown(browser)
    assert "已出单" in bought
    restarted = visit(create_demo(tmp_path))
    restarted.post(order_page(restarted, number), data={"do": "surrender", **form})
    [over] = shown(browser)
    assert "已退保" in over
    assert "保障已终止" in over
    assert one(browser.get("/insured"), "h1").text == "已退保"
    browser.post(order_page(browser, number), data={"do": "again", **form})
    assert shown(browser) == [over]


def test_a_payment_that_failed_says_what_to_do(demo: Flask) -> None:
    browser = visit(demo)
    browser.post(gateway(browser), data={"do": "fail"})
    [policy] = shown(browser)
    assert "余额不足，您没有被扣款" in policy
    assert one(browser.get("/insured"), "h1").text == "支付未成功"
    browser.post(order_page(browser, number_of(policy)), data={"do": "pay"})
    assert "已出单" in shown(browser)[0]


@pytest.mark.parametrize("bought_before", [False, True])
def test_who_comes_back_before_the_platform_has_told_anything_is_asked_to_wait(
    demo: Flask, bought_before: bool
) -> None:
    browser = visit(demo)
    if bought_before:  # on which nobody is congratulated again
        buy(browser)
    kept_back = browser.get(pay(browser, gateway(browser), late="on"))
    welcome = browser.get(href(kept_back, "返回商家"), follow_redirects=True)
    assert "以携保通知为准" in welcome.text
    for page in (welcome, visit(demo).get("/insured")):
        assert one(page, "h1").text == "正在确认您的投保"
    assert len(shown(browser)) == bought_before


@pytest.mark.parametrize(
    "settings",
    [
        {"XIEBAO_URL_PREFIX": "/xb/"},
        {"XIEBAO_URL_PREFIX": "/xb", "XIEBAO_NOTIFY_TOKEN": f'"{"1" * 30}"'},
        {"XIEBAO_NOTIFY_TOKEN": '"a-token-that-nobody-guesses"'},
    ],
)
def test_the_simulator_finds_the_shop_where_it_is(tmp_path: Path, settings: dict[str, str]) -> None:
    assert buy(visit(create_demo(tmp_path, **settings)))


# What the shop makes of what it hears


@pytest.mark.parametrize("bodies", [VECTORS, VECTORS[::-1]], ids=["in order", "backwards"])
def test_the_seven_vectors_end_the_same_also_when_they_are_repeated_and_no_name_is_kept(
    demo: Flask, tmp_path: Path, xiebao_orders: Orders, bodies: list[bytes]
) -> None:
    xiebao_orders([OVER])
    for _ in range(2):
        assert [hear(demo, body) for body in bodies] == [200] * 7
        assert known(demo) == END
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("policies*"))
    assert b"P10042019030100001" in stored
    assert "林晓".encode() not in stored


@pytest.mark.parametrize(
    ("bodies", "state", "failure"),
    [
        ([PAID, callback(3, state=False, failMsg="核保未通过")], "not_issued", "核保未通过"),
        ([callback(3, state=False), ISSUED], "issued", None),
        ([callback(4, state=False, failMsg="已出险"), PAID, ISSUED], "issued", None),
        ([callback(17, state=False, failMsg="扣款失败"), PAID], "paid", None),
        ([callback(9)], "issued", None),
        ([SURRENDERED], "issued", None),  # it is of one person, and ends no policy
        ([PAID, ISSUED, SURRENDERED], "issued", None),
        ([APPLIED], "applied", None),
        ([callback(4, state=False, failMsg="已出险")], "unknown", None),
        ([callback(17)], "unknown", None),
        # A failure takes back no success.
        (
            [PAID, *[callback(2, state=False, failMsg="余额不足"), ISSUED] * 2],
            "issued",
            "余额不足",
        ),
    ],
)
def test_a_policy_is_as_far_as_the_last_step_that_succeeded(
    demo: Flask, bodies: list[bytes], state: str, failure: str | None
) -> None:
    assert {hear(demo, body) for body in bodies} == {200}
    [found] = known(demo)
    assert (found["state"], found["failure"]) == (state, failure)
    assert found["some_are_out"] == (SURRENDERED in bodies)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (callback(4), "surrendered"),
        (REISSUED, "reissued"),
        # The type is not part of what is signed: a payment may be sent as a surrender.
        (PAID.replace(b'"notifyType":2', b'"notifyType":4'), "surrendered"),
    ],
)
def test_an_end_that_the_platform_does_not_confirm_comes_again(
    demo: Flask, xiebao_orders: Orders, end: bytes, state: str
) -> None:
    assert [hear(demo, body) for body in (PAID, ISSUED)] == [200, 200]
    in_force: list[Any] = [Order(insure_num=NUMBER, effective_status=1)]
    for unconfirmed in ([], in_force):
        xiebao_orders(unconfirmed)
        assert hear(demo, end) == 500
        assert known(demo)[0]["state"] == "issued"
    xiebao_orders([Order(insure_num=NUMBER, effective_status=2)])
    assert hear(demo, end) == 200
    assert known(demo)[0]["state"] == state
    xiebao_orders([])  # a repeat is not asked about again
    assert hear(demo, end) == 200
