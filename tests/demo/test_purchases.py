"""The demo's whole story: what a member buys is on their page, whatever comes in between."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from demo_app.extensions import db
from demo_app.policies import Purchase
from tests.demo.support import (
    ZHOU,
    buy,
    create_demo,
    gateway,
    number_of,
    order_page,
    shown,
    visit,
)
from tests.support import INSURE_NUM, find_element, find_href, parse_html, pay

# What the member sees


def test_what_is_bought_is_on_the_members_page_and_on_nobody_elses(demo: Flask) -> None:
    browser = visit(demo)
    assert shown(browser) == []
    welcome = browser.get(pay(browser, gateway(browser)), follow_redirects=True)
    assert welcome.request.path == "/insured"
    assert find_element(welcome, "h1").text == "投保成功"
    assert "¥15.00" in welcome.text

    [policy] = shown(browser)
    assert re.search(
        r"境内旅行意外险 保障中 投保单号 \d+ 保单号 P\d+ 保障期间 20\S+ 至 20\S+", policy
    )
    number = number_of(policy)
    assert number in browser.get(order_page(browser, number)).text
    assert shown(visit(demo, ZHOU)) == shown(visit(demo, None)) == []


def test_the_order_page_has_the_newest_policies_and_leads_to_all(demo: Flask) -> None:
    browser = visit(demo)
    numbers = [buy(browser), buy(browser, "home"), buy(browser, "home")]
    page = browser.get("/")
    first, second = (item.text for item in parse_html(page).select(".policies li"))
    assert numbers[2] in first
    assert numbers[1] in second
    assert find_href(page, "查看全部 4 份保单") == "/policies"
    everything = find_element(browser.get("/policies"), ".policies").text
    assert all(number in everything for number in (*numbers, INSURE_NUM))


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
    assert "保障中" in bought
    restarted = visit(create_demo(tmp_path))
    restarted.post(order_page(restarted, number), data={"do": "surrender", **form})
    [over] = shown(browser)
    assert "已退保" in over
    assert "保障已终止" in over
    assert find_element(browser.get("/insured"), "h1").text == "已退保"
    browser.post(order_page(browser, number), data={"do": "again", **form})
    assert shown(browser) == [over]


@pytest.mark.parametrize(
    ("what", "said", "title", "then"),
    [
        ("fail", "您没有被扣款", "支付未成功", "pay"),
        ("not_issued", "您支付的保费会退回", "出单未成功", "issue"),
    ],
)
def test_a_step_that_failed_says_what_to_do(
    demo: Flask, what: str, said: str, title: str, then: str
) -> None:
    browser = visit(demo)
    browser.post(gateway(browser), data={"do": what})
    [policy] = shown(browser)
    assert said in policy
    assert find_element(browser.get("/insured"), "h1").text == title
    browser.post(order_page(browser, number_of(policy)), data={"do": then})
    assert "保障中" in shown(browser)[0]


def test_a_reissue_leads_to_the_policy_that_follows(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser)
    browser.post(order_page(browser, number), data={"do": "reissue"})
    following, over = shown(browser)
    assert "保障中" in following
    assert f"新的投保单号是 {number_of(following)}" in over


@pytest.mark.parametrize("bought_before", [False, True])
def test_who_comes_back_before_the_platform_has_told_anything_is_asked_to_wait(
    demo: Flask, bought_before: bool
) -> None:
    with time_machine.travel(time.time() - 5):
        browser = visit(demo)
        if bought_before:  # on which nobody is congratulated again
            buy(browser)
    entry = "home" if bought_before else "product"  # the insured order has no card
    kept_back = browser.get(pay(browser, gateway(browser, entry), late="on"))
    welcome = browser.get(find_href(kept_back, "返回商家"), follow_redirects=True)
    assert "以携保通知为准" in welcome.text
    for page in (welcome, visit(demo).get("/insured")):
        assert find_element(page, "h1").text == "正在确认您的投保"
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


def test_policy_of_two_people_shows_that_one_has_surrendered(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser, two_people="on")
    browser.post(order_page(browser, number), data={"do": "surrender_one"})
    [policy] = shown(browser)
    assert "保障中" in policy
    sentence = f"1 位被保险人已退保（保单号 P{number}-2），其余的人继续有保障。"
    assert sentence in policy
    assert sentence in browser.get("/insured").text


def test_partial_reissue_does_not_end_policy(demo: Flask) -> None:
    browser = visit(demo)
    number = buy(browser)
    with demo.app_context():
        db.session.get_one(Purchase, number).replaced_by = "20261129"
        db.session.commit()
    [policy] = shown(browser)
    assert "部分被保险人已重新出单，新的投保单号是 20261129。" in policy
    assert "本保单已失效" not in policy


def test_database_of_version_0_3_gets_new_columns(tmp_path: Path) -> None:
    create_demo(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.sqlite3")) as connection, connection:
        for column in ("behind", "failures", "surrenders"):
            connection.execute(f"ALTER TABLE xiebao_purchase DROP COLUMN {column}")
    browser = visit(create_demo(tmp_path))
    buy(browser)
    assert "保障中" in shown(browser)[0]
