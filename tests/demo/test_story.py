"""The demo's whole story: what a member buys is on their page, whatever comes in between."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from demo_app import create_app, purchases
from demo_app.policies import Policy, policies_of
from demo_app.shop import MEMBERS
from flask_xiebao import Order
from tests.support import CODE, NUMBER, PHONE, href, one, pay, soup
from tests.tools.load import notifications
from tests.vectors import APPLIED, ISSUED, NOT_PAID, PAID, REISSUED, SURRENDERED, VECTORS, callback

pytest_plugins = ["flask_xiebao.pytest_plugin"]

LIN, ZHOU = MEMBERS
Orders = Callable[[list[object]], None]


@pytest.fixture
def shop(tmp_path: Path) -> Flask:
    app = create_app(str(tmp_path))
    app.testing = True
    return app


def visit(shop: Flask, member: str | None = LIN) -> FlaskClient:
    browser = shop.test_client()
    if member is not None:
        browser.post("/sign-in", data={"member": member})
    return browser


def gateway(browser: FlaskClient, entry: str = "product") -> str:
    """Click an entry of the order page on a phone; return the gateway's page."""
    page = browser.get("/", headers=PHONE)
    location = browser.get(href(one(page, f"a#{entry}")), headers=PHONE).location
    assert location is not None
    return location


def shown(browser: FlaskClient) -> list[str]:
    """Return what the member's page says of the policies of which the shop has heard."""
    items = soup(browser.get("/policies")).select(".policies li")
    return [" ".join(item.text.split()) for item in items if "早先投保" not in item.text]


def buy(browser: FlaskClient, **form: str) -> str:
    """Buy the product; return the application number."""
    pay(browser, gateway(browser), **form)
    [found] = re.findall(r"投保单号 (\d+)", shown(browser)[0])[:1]
    return str(found)


def order_page(browser: FlaskClient, number: str) -> str:
    """Click the policy's entry on a phone; return the gateway's page of it."""
    page = browser.get("/policies", headers=PHONE)
    [item] = [li for li in soup(page).select(".policies li") if number in li.text]
    location = browser.get(href(one(item, "a")), headers=PHONE).location
    assert location is not None
    return location


# The story


def test_what_is_bought_is_on_the_members_page(shop: Flask) -> None:
    browser = visit(shop)
    assert shown(browser) == []
    back = pay(browser, gateway(browser))
    welcome = browser.get(back, follow_redirects=True)
    assert one(welcome, "h1").text == "投保成功"
    assert "¥ 15.00" in welcome.text

    [policy] = shown(browser)
    assert re.search(
        r"境内旅行意外险 已出单 投保单号 \d+ 保单号 P\d+ 保障期间 20\S+ 至 20\S+", policy
    )
    number = re.findall(r"投保单号 (\d+)", policy)[0]
    assert number in browser.get(order_page(browser, number)).text
    assert shown(visit(shop, ZHOU)) == []
    assert shown(visit(shop, None)) == []


def test_the_order_page_has_the_newest_policies_and_leads_to_all(shop: Flask) -> None:
    browser = visit(shop)
    numbers = [buy(browser) for _ in range(3)]
    page = browser.get("/")
    first, second = (item.text for item in soup(page).select(".policies li"))
    assert numbers[2] in first
    assert numbers[1] in second
    assert href(page, "查看全部 4 份保单") == "/policies"
    everything = one(browser.get("/policies"), ".policies").text
    assert all(number in everything for number in (*numbers, NUMBER))


def test_the_order_page_counts_older_policies_that_it_does_not_show(shop: Flask) -> None:
    browser = visit(shop, ZHOU)
    buy(browser)
    page = browser.get("/")
    assert len(soup(page).select(".policies li")) == 2
    assert href(page, "查看全部 3 份保单") == "/policies"


def test_an_address_that_nobody_knows_leads_back_to_the_shop(shop: Flask) -> None:
    page = shop.test_client().get("/nowhere")
    assert page.status_code == 404
    assert one(page, "h1").text == "没有找到这个页面"
    assert href(page, "返回订单") == "/"


def test_a_surrender_shows_as_such(shop: Flask) -> None:
    browser = visit(shop)
    number = buy(browser)
    browser.post(order_page(browser, number), data={"do": "surrender"})
    [policy] = shown(browser)
    assert "已退保" in policy
    assert "保障已终止" in policy
    assert one(browser.get("/insured"), "h1").text == "已退保"


def test_a_payment_that_failed_says_what_to_do(shop: Flask) -> None:
    browser = visit(shop)
    browser.post(gateway(browser), data={"do": "fail"})
    [policy] = shown(browser)
    assert "余额不足，您没有被扣款" in policy
    assert one(browser.get("/insured"), "h1").text == "支付未成功"
    number = re.findall(r"投保单号 (\d+)", policy)[0]
    browser.post(order_page(browser, number), data={"do": "pay"})
    assert "已出单" in shown(browser)[0]


def test_who_comes_back_before_the_platform_has_told_anything_is_asked_to_wait(
    shop: Flask,
) -> None:
    browser = visit(shop)
    kept_back = browser.get(pay(browser, gateway(browser), late="on"))
    welcome = browser.get(href(kept_back, "返回商家"), follow_redirects=True)
    assert one(welcome, "h1").text == "正在确认您的投保"
    assert "以携保通知为准" in welcome.text
    assert shown(browser) == []


@pytest.mark.parametrize(
    "form",
    [
        {"times": "3", "backwards": "on"},
        {"times": "2", "forged": "on"},
        {"backwards": "on", "forged": "on"},
    ],
)
def test_a_bad_day_leaves_one_policy_in_the_right_state(shop: Flask, form: dict[str, str]) -> None:
    browser = visit(shop)
    number = buy(browser, **form)
    [policy] = shown(browser)
    assert "已出单" in policy
    browser.post(order_page(browser, number), data={"do": "surrender", **form})
    [policy] = shown(browser)
    assert "已退保" in policy
    browser.post(order_page(browser, number), data={"do": "again", **form})
    assert shown(browser) == [policy]


def test_nobody_is_congratulated_on_what_they_bought_before(shop: Flask) -> None:
    browser = visit(shop)
    browser.get(pay(browser, gateway(browser)))
    kept_back = browser.get(pay(browser, gateway(browser), late="on"))
    welcome = browser.get(href(kept_back, "返回商家"), follow_redirects=True)
    assert one(welcome, "h1").text == "正在确认您的投保"
    elsewhere = visit(shop)
    assert one(elsewhere.get("/insured"), "h1").text == "正在确认您的投保"


def test_two_purchases_are_two_policies_the_newest_first(shop: Flask) -> None:
    browser = visit(shop)
    first = buy(browser)
    pay(browser, gateway(browser, "home"))
    newest, oldest = shown(browser)
    assert first in oldest
    assert first not in newest


def test_orders_and_policies_survive_a_restart(shop: Flask, tmp_path: Path) -> None:
    number = buy(visit(shop))
    again = create_app(str(tmp_path))
    browser = visit(again)
    assert number in shown(browser)[0]
    browser.post(order_page(browser, number), data={"do": "surrender"})
    assert "已退保" in shown(visit(shop))[0]


# The handler: what is kept


def hear(shop: Flask, body: bytes) -> int:
    return shop.test_client().post("/xiebao/notify", data=body).status_code


def known(shop: Flask, member: str = "101000") -> list[dict[str, Any]]:
    """Return what the shop makes of all that it has heard."""
    with shop.app_context():
        policies = [asdict(policy) for policy in policies_of(member)]
    for policy in policies:
        del policy["since"]
    return sorted(policies, key=lambda policy: str(policy["insure_num"]))


def policy(number: str, state: str, **more: Any) -> dict[str, Any]:
    made = asdict(Policy(insure_num=number, state=state, **more))
    del made["since"]
    return made


#: What the seven vectors say, whichever comes first, read by hand.
END = [
    policy(
        "20190226020146",
        "reissued",
        case_code=CODE,
        product="境内旅行意外险",
        policy_num="P10042019030100001",
        start_date="2019-03-01",
        end_date="2019-03-05",
        price_fen=1500,
        some_are_out=True,
        replaced_by="20190226020199",
    ),
    policy("20190226020147", "failed", case_code=CODE, price_fen=None, failure="余额不足"),
    policy(
        "20190226020199",
        "issued",
        case_code=CODE,
        product="境内旅行意外险",
        follows="20190226020146",
    ),
]


@pytest.fixture
def surrendered(xiebao_orders: Orders) -> None:
    """Let the platform confirm that the policy of the vectors is over."""
    xiebao_orders([Order(insure_num=NUMBER, effective_status=3)])


@pytest.mark.usefixtures("surrendered")
def test_every_order_of_the_seven_vectors_ends_the_same(shop: Flask) -> None:
    """By induction: what is kept of a set of them does not depend on which of the set came last.

    So 128 sets and 448 steps between them stand for all 5,040 orders.
    """
    browser = shop.test_client()
    kept: dict[frozenset[bytes], set[tuple[Any, ...]]] = {frozenset(): set()}
    for size in range(len(VECTORS)):
        for heard in map(frozenset, itertools.combinations(VECTORS, size)):
            for body in set(VECTORS) - heard:
                keep(shop, kept[heard])
                assert browser.post("/xiebao/notify", data=body).json == {"state": True}
                assert kept.setdefault(heard | {body}, kept_by(shop)) == kept_by(shop)
    assert len(kept) == 128
    assert known(shop) == END


def kept_by(shop: Flask) -> set[tuple[Any, ...]]:
    """Return the facts that the shop keeps, but when it heard of them."""
    with shop.app_context(), purchases.facts() as connection:
        rows = connection.execute("SELECT * FROM facts").fetchall()
    return {(row["id"], *row[2:]) for row in rows}


def keep(shop: Flask, facts: set[tuple[Any, ...]]) -> None:
    """Let the shop keep these facts, and nothing else."""
    with shop.app_context(), purchases.facts() as connection, connection:
        connection.execute("DELETE FROM facts")
        for id_, *rest in facts:
            places = ", ".join("?" * (len(rest) + 2))
            connection.execute(f"INSERT INTO facts VALUES ({places})", [id_, 0, *rest])  # noqa: S608


@pytest.mark.usefixtures("surrendered")
def test_a_repeat_is_success_and_changes_nothing(shop: Flask) -> None:
    for _ in range(3):
        for body in VECTORS:
            assert hear(shop, body) == 200
        assert known(shop) == END


@pytest.mark.usefixtures("surrendered")
def test_what_follows_on_a_members_policy_is_theirs_too(shop: Flask) -> None:
    policies = [{"policyNum": "P2", "startDate": "2019-03-02", "endDate": "2019-03-06"}]
    new = callback(3, insureNum="20190226020199", partnerUniqueKey=..., policys=policies)
    for body in (new, REISSUED):
        assert hear(shop, body) == 200
    old, following = known(shop)
    assert (old["state"], old["replaced_by"]) == ("reissued", "20190226020199")
    assert (following["state"], following["follows"]) == ("issued", "20190226020146")
    assert (following["policy_num"], following["start_date"]) == ("P2", "2019-03-02")


@pytest.mark.parametrize(
    ("bodies", "state", "failure"),
    [
        ([PAID, callback(3, state=False, failMsg="核保未通过")], "not_issued", "核保未通过"),
        ([callback(3, state=False), ISSUED], "issued", None),
        ([callback(4, state=False, failMsg="已出险"), PAID, ISSUED], "issued", None),
        ([callback(17, state=False, failMsg="扣款失败"), PAID], "paid", None),
        ([callback(9)], "issued", None),
        ([SURRENDERED], "issued", None),
        ([APPLIED], "applied", None),
        ([callback(4, state=False, failMsg="已出险")], "unknown", None),
        ([callback(17)], "unknown", None),
    ],
)
def test_what_failed_is_called_what_it_is(
    shop: Flask, bodies: list[bytes], state: str, failure: str | None
) -> None:
    for body in bodies:
        assert hear(shop, body) == 200
    [found] = known(shop)
    assert (found["state"], found["failure"]) == (state, failure)


@pytest.mark.parametrize(
    "stray",
    [
        callback(5, state=False, newInsureNum="777", partnerUniqueKey="another"),
        callback(1, newInsureNum="777", partnerUniqueKey="another"),
    ],
)
def test_what_was_not_reissued_to_a_member_is_not_theirs(shop: Flask, stray: bytes) -> None:
    policies = [{"policyNum": "P777"}]
    for body in (callback(3, insureNum="777", policys=policies), stray):
        assert hear(shop, body) == 200
    assert "777" in [found["insure_num"] for found in known(shop)]
    assert "777" not in [found["insure_num"] for found in known(shop, "another")]


@pytest.mark.parametrize(
    ("prefix", "token"),
    [("/xb/", None), ("/xb", "1" * 30), ("/xiebao", "a-token-that-nobody-guesses")],
)
def test_the_simulator_finds_the_shop_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, token: str | None
) -> None:
    monkeypatch.setenv("FLASK_XIEBAO_URL_PREFIX", prefix)
    if token is not None:
        monkeypatch.setenv("FLASK_XIEBAO_NOTIFY_TOKEN", f'"{token}"')
    assert buy(visit(create_app(str(tmp_path))))


def test_a_failure_takes_back_no_success(shop: Flask) -> None:
    failed = callback(2, state=False, failMsg="余额不足")
    for body in (PAID, failed, ISSUED, failed):
        assert hear(shop, body) == 200
    [found] = known(shop)
    assert (found["state"], found["failure"]) == ("issued", "余额不足")


def test_no_name_is_kept(shop: Flask, tmp_path: Path) -> None:
    for body in VECTORS:
        hear(shop, body)
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("policies*"))
    assert b"P10042019030100001" in stored
    assert "林晓".encode() not in stored


WHOLE = callback(4)  # everybody is out


@pytest.mark.parametrize(("end", "state"), [(WHOLE, "surrendered"), (REISSUED, "reissued")])
def test_an_end_that_the_platform_does_not_confirm_comes_again(
    shop: Flask, xiebao_orders: Orders, end: bytes, state: str
) -> None:
    for body in (PAID, ISSUED):
        hear(shop, body)
    xiebao_orders([])
    assert hear(shop, end) == 500
    xiebao_orders([Order(insure_num=NUMBER, effective_status=1)])
    assert hear(shop, end) == 500
    assert known(shop)[0]["state"] == "issued"
    xiebao_orders([Order(insure_num=NUMBER, effective_status=2)])
    assert hear(shop, end) == 200
    assert known(shop)[0]["state"] == state
    xiebao_orders([])  # a repeat is not asked about again
    assert hear(shop, end) == 200


def test_what_another_worker_has_stored_meanwhile_is_success(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[int] = []

    def meanwhile(*_: Any) -> None:
        if not inner:
            inner.append(0)
            inner[0] = hear(shop, WHOLE)

    monkeypatch.setattr(purchases, "confirm_end", meanwhile)
    assert hear(shop, WHOLE) == 200
    assert inner == [200]
    assert known(shop)[0]["state"] == "surrendered"


def test_a_payment_sent_as_a_surrender_ends_no_policy(shop: Flask, xiebao_orders: Orders) -> None:
    """The type is not part of what is signed."""
    for body in (PAID, ISSUED):
        hear(shop, body)
    xiebao_orders([Order(insure_num=NUMBER, effective_status=1)])
    assert hear(shop, PAID.replace(b'"notifyType":2', b'"notifyType":4')) == 500
    assert known(shop)[0]["state"] == "issued"


def test_who_was_taken_out_alone_ends_no_policy(shop: Flask, xiebao_orders: Orders) -> None:
    xiebao_orders([])
    for body in (PAID, ISSUED, SURRENDERED):
        assert hear(shop, body) == 200
    assert (known(shop)[0]["state"], known(shop)[0]["some_are_out"]) == ("issued", True)


def test_a_database_that_fails_twice_loses_nothing(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [True, True]
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def sometimes(*arguments: Any, **options: Any) -> sqlite3.Connection:
        if "policies" in str(arguments[0]) and fails:
            fails.pop()
            raise sqlite3.OperationalError("database is locked")
        return connect(*arguments, **options)

    browser = visit(shop)
    location = gateway(browser)
    monkeypatch.setattr(sqlite3, "connect", sometimes)
    pay(browser, location)
    assert fails == []
    [found] = shown(browser)
    assert "已出单" in found


def test_two_workers_keep_each_genuine_one_once_also_where_they_die_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert notifications.main(["--seconds", "4"]) == 0, capsys.readouterr().out


# What QA sees


def told(shop: Flask) -> list[tuple[str, str]]:
    """Return the lines of the log, newest first: the event, and what a notification said."""
    lines = soup(shop.test_client().get("/qa/events")).select(".log tbody tr")
    cells = [[" ".join(cell.text.split()) for cell in line.select("td")] for line in lines]
    return [(line[1], line[2]) for line in cells]


def test_each_notification_is_a_line_of_its_own(shop: Flask) -> None:
    number = buy(visit(shop))
    steps = ("电子保单", "出单", "支付", "投保")
    assert told(shop) == [*(("通知", f"{number}：{step}") for step in steps), ("点击", "—")]
    hear(shop, NOT_PAID)
    assert told(shop)[0] == ("通知", "20190226020147：支付失败")
