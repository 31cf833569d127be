"""Tests for the policies that members buy in the demo: how the pages of the shop show them."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from demo_app.extensions import db
from demo_app.policies import Purchase
from tests.demo.support import (
    ZHOU,
    buy_policy,
    click_order_entry,
    click_policy_entry,
    create_demo,
    find_insure_num,
    find_missing_texts,
    get_policies,
    get_text,
    open_client,
)
from tests.support import INSURE_NUM, find_element, find_href, parse_html, pay


def test_purchase_is_shown_only_to_member_after_payment(demo: Flask, client: FlaskClient) -> None:
    assert get_policies(client) == []

    page = client.get(pay(client, click_order_entry(client)), follow_redirects=True)

    assert page.request.path == "/insured"
    assert find_element(page, "h1").text == "投保成功"
    assert find_missing_texts(page, "¥15.00") == []
    [policy] = get_policies(client)
    assert re.search(
        r"境内旅行意外险 保障中 投保单号 \d+ 保单号 P\d+ 保障期间 20\S+ 至 20\S+", policy
    )
    insure_num = find_insure_num(policy)
    assert insure_num in client.get(click_policy_entry(client, insure_num)).text
    for member in (ZHOU, None):
        other_client = open_client(demo, member)
        assert get_policies(other_client) == []
        assert "已投保" not in other_client.get("/").text


def test_order_page_shows_policy_instead_of_card(client: FlaskClient) -> None:
    client.post(click_order_entry(client), data={"do": "fail"})
    insure_num = buy_policy(client)

    page = client.get("/")

    card = find_element(page, "#policy[data-xiebao-entry=policy]")
    assert find_missing_texts(card, "已投保", f"P{insure_num}") == []
    assert "去投保" not in page.text
    # The order is already insured, so the page does not ask the member to pay for another
    # application.
    assert "继续支付" not in get_text(find_element(page, ".offer"))
    # Without "no-store", the Back button could show the insurance card again.
    assert "no-store" in page.headers["Cache-Control"]


def test_order_page_shows_newest_policies_and_link_to_all(client: FlaskClient) -> None:
    insure_nums = [buy_policy(client), buy_policy(client, "home"), buy_policy(client, "home")]

    page = client.get("/")

    policies = get_text(find_element(page, ".policies"))
    assert re.findall(r"投保单号 (\d+)", policies) == [insure_nums[2], insure_nums[1]]
    assert find_href(page, "查看全部 4 份保单") == "/policies"
    assert find_missing_texts(client.get("/policies"), *insure_nums, INSURE_NUM) == []


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="once, in order"),
        pytest.param({"times": "3", "backwards": "on"}, id="three times, backwards"),
        pytest.param({"times": "2", "forged": "on"}, id="twice, with wrong signatures"),
        pytest.param({"backwards": "on", "forged": "on"}, id="backwards, with wrong signatures"),
    ],
)
def test_policy_state_ignores_repeated_and_forged_notifications(
    client: FlaskClient, tmp_path: Path, form: dict[str, str]
) -> None:
    insure_num = buy_policy(client, **form)
    [policy] = get_policies(client)
    assert "保障中" in policy

    restarted = open_client(create_demo(tmp_path))
    restarted.post(click_policy_entry(restarted, insure_num), data={"do": "surrender", **form})
    [policy] = get_policies(client)
    assert re.search("已退保.*保障已终止", policy)
    assert find_element(client.get("/insured"), "h1").text == "已退保"
    assert "去投保" in client.get("/").text

    client.post(click_policy_entry(client, insure_num), data={"do": "again", **form})
    assert get_policies(client) == [policy]


@pytest.mark.parametrize(
    ("action", "text", "title", "links", "next_action"),
    [
        pytest.param("fail", "您没有被扣款", "支付未成功", ["继续支付"], "pay", id="payment"),
        pytest.param("not_issued", "您支付的保费会退回", "出单未成功", [], "issue", id="issue"),
    ],
)
def test_failed_payment_or_issue_can_be_repeated(
    client: FlaskClient, action: str, text: str, title: str, links: list[str], next_action: str
) -> None:
    client.post(click_order_entry(client), data={"do": action})
    [policy] = get_policies(client)
    assert text in policy
    assert find_element(client.get("/insured"), "h1").text == title
    offer = find_element(client.get("/"), "section.offer")
    assert find_missing_texts(offer, "去投保") == []
    assert [get_text(link) for link in offer.select("[data-xiebao-entry=policy]")] == links

    gateway_url = click_policy_entry(client, find_insure_num(policy))
    client.post(gateway_url, data={"do": next_action})
    assert "保障中" in get_policies(client)[0]


@pytest.mark.parametrize(
    ("values", "url", "selector", "text"),
    [
        pytest.param(
            {"issue_status": 0, "effective_status": 0},
            *("/", "#policy", "已支付，出单中"),
            id="paid and not issued",
        ),
        pytest.param(
            {"pay_status": 3, "issue_status": 0, "effective_status": 0},
            *("/", "#policy", "扣款中"),
            id="payment in progress",
        ),
        pytest.param(
            {"replaced_by": "20261129"},
            *("/policies", ".policies", "部分被保险人已重新出单，新的投保单号是 20261129。"),
            id="reissued for some insured people",
        ),
    ],
)
def test_page_explains_paid_and_reissued_policies(
    demo: Flask, client: FlaskClient, values: dict[str, Any], url: str, selector: str, text: str
) -> None:
    buy_policy(client)
    with demo.app_context():
        db.session.execute(update(Purchase).values(values))
        db.session.commit()

    policy = find_element(client.get(url), selector)

    assert find_missing_texts(policy, text) == []
    assert "本保单已失效" not in policy.text


def test_reissued_policy_is_replaced(client: FlaskClient) -> None:
    insure_num = buy_policy(client)

    client.post(click_policy_entry(client, insure_num), data={"do": "reissue"})

    new_policy, old_policy = get_policies(client)
    assert "保障中" in new_policy
    assert f"新的投保单号是 {find_insure_num(new_policy)}" in old_policy
    offer = get_text(find_element(client.get("/"), "section.offer"))
    assert "已投保" in offer
    assert insure_num not in offer


def test_partial_surrender_is_shown_on_all_pages(client: FlaskClient) -> None:
    insure_num = buy_policy(client, two_people="on")

    client.post(click_policy_entry(client, insure_num), data={"do": "surrender_one"})

    text = f"1 位被保险人已退保（保单号 P{insure_num}-2），其余的人继续有保障。"
    for url, selector in {"/": ".offer", "/policies": ".policies", "/insured": "main"}.items():
        assert find_missing_texts(find_element(client.get(url), selector), text) == []
    assert "保障中" in get_policies(client)[0]


@pytest.mark.parametrize(
    ("earlier_purchases", "page"),
    # After the first purchase, the order page has no entry for the product.
    [pytest.param(0, "product", id="first"), pytest.param(1, "home", id="second")],
)
def test_page_after_payment_waits_for_notification(
    demo: Flask, earlier_purchases: int, page: str
) -> None:
    with time_machine.travel(time.time() - 5):
        client = open_client(demo)
        for _ in range(earlier_purchases):
            buy_policy(client)

    gateway_page = client.get(pay(client, click_order_entry(client, page), late="on"))
    insured = client.get(find_href(gateway_page, "返回商家"), follow_redirects=True)

    assert find_missing_texts(insured, "以携保通知为准") == []
    for response in (insured, open_client(demo).get("/insured")):
        assert find_element(response, "h1").text == "正在确认您的投保"
    assert len(get_policies(client)) == earlier_purchases


def test_page_after_payment_asks_visitor_to_log_in(demo: Flask, client: FlaskClient) -> None:
    assert "登录后可查看保单" in demo.test_client().get("/insured").text
    assert "登录后可查看保单" not in client.get("/insured").text


@pytest.mark.parametrize(
    ("has_clicked_policy", "title"),
    [pytest.param(True, "已退保", id="policy"), pytest.param(False, "正在确认您的投保", id="home")],
)
def test_page_after_payment_shows_earlier_policy_only_if_clicked(
    demo: Flask, client: FlaskClient, has_clicked_policy: bool, title: str
) -> None:
    insure_num = buy_policy(client)
    with time_machine.travel(time.time() + 5):
        gateway_url = click_policy_entry(client, insure_num)
        if not has_clicked_policy:
            click_order_entry(client, "home")
        client.post(gateway_url, data={"do": "surrender"})

        insured = client.get("/insured")

    assert find_element(insured, "h1").text == title


@pytest.mark.parametrize("has_purchase", [False, True], ids=["no purchase", "purchase"])
def test_disabled_insurance_shows_policies_without_entries(
    client: FlaskClient, tmp_path: Path, has_purchase: bool
) -> None:
    if has_purchase:
        buy_policy(client)
    disabled = open_client(create_demo(tmp_path, XIEBAO_ENABLED="false"))

    for url in ("/", "/policies"):
        page = disabled.get(url)
        assert page.text.count("投保单号") == 1 + has_purchase
        assert parse_html(page).select(".offer, .xiebao-entry") == []
        assert "保险商城" not in page.text
    assert "XIEBAO_ENABLED 已关闭" in disabled.get("/widgets/").text


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"XIEBAO_URL_PREFIX": "/xb/"}, id="prefix"),
        pytest.param(
            {"XIEBAO_URL_PREFIX": "/xb", "XIEBAO_NOTIFY_TOKEN": f'"{"1" * 30}"'},
            id="prefix and numeric token",
        ),
        pytest.param({"XIEBAO_NOTIFY_TOKEN": '"a-token-that-nobody-guesses"'}, id="token"),
    ],
)
def test_simulator_finds_callback_with_prefix_or_token(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    assert buy_policy(open_client(create_demo(tmp_path, **settings)))


def test_database_of_version_0_3_gets_new_columns(tmp_path: Path) -> None:
    create_demo(tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.sqlite3")) as connection, connection:
        connection.executescript(
            "ALTER TABLE xiebao_purchase DROP COLUMN behind;"
            "ALTER TABLE xiebao_purchase DROP COLUMN failures;"
            "ALTER TABLE xiebao_purchase DROP COLUMN surrenders;"
        )

    client = open_client(create_demo(tmp_path))

    buy_policy(client)
    assert "保障中" in get_policies(client)[0]
