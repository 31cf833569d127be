"""The fixtures for a site's own tests: used as a site does. Their documentation is run in deep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from importlib import metadata
from typing import Any

import pytest
from flask import Flask, current_app, redirect, session
from flask.testing import FlaskClient

from flask_xiebao import (
    ConfigError,
    Entry,
    Gateway,
    LinkError,
    Notification,
    NotificationType,
    Order,
    OrderError,
    Platform,
    PolicyInfo,
    Xiebao,
)
from flask_xiebao.check.devices import DEVICES
from flask_xiebao.testing import Verdict, entry_of, link_to
from tests.check.support import (
    HIDDEN_KEY,
    Change,
    fails,
    in_location,
    link_of,
    registers,
    shop,
    status,
)
from tests.support import INSURE_NUM, PRODUCT_CODE, Site

pytest_plugins = ["flask_xiebao.pytest_plugin"]

API_KEY = "a9Kx7mQp2ZrT8wLc"
OTHER_CODE = "QX000000999999"
PAGE = f"""
<a href="/about">About</a>
{{{{ insurance_entry("{PRODUCT_CODE}", return_to="/orders/8") }}}}
{{% call insurance_entry("{OTHER_CODE}", class="card", sub_partner_id="s7") %}}
<b>A &amp; B</b>{{% endcall %}}
{{{{ insurance_home_entry() }}}}
{{{{ policy_entry("{INSURE_NUM}") }}}}
"""


def make_shop(*changes: Change, **options: Any) -> FlaskClient:
    """Return a browser of a shop, who is not logged in."""

    def login() -> str:
        session["member"] = "m1"
        return "Welcome."

    views = {
        "/about": '<a href="/nowhere?platform=h5">Phones</a>',
        "/mine": lambda: redirect("/login?next=/mine", 302),
        "/login": login,
        "POST /login": login,
    }
    site = {"page": PAGE, "views": views, "XIEBAO_API_KEY": API_KEY, "TESTING": True}
    return shop(*changes, **{**site, **options}).test_client()


def member(*changes: Change, **options: Any) -> FlaskClient:
    """Return a browser of a shop, who is logged in."""
    client = make_shop(*changes, **options)
    client.post("/login")
    return client


# What a click says


def test_the_verdict_of_an_entry(follow_entry: Any) -> None:
    verdict = follow_entry(member(**HIDDEN_KEY), "/page", "product")
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.platform) == ("product", Platform.H5)
    assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE
    # The member is named as the site does.
    assert verdict.member == "m1"
    assert dict(verdict.parameters)["partnerUniqKey"] != "m1"
    assert verdict.pay_success.startswith("http://localhost/xiebao/paid/")
    assert not verdict.handoff
    assert isinstance(verdict, Verdict)


def test_every_device_of_the_list_and_the_sites_own_app_can_be_clicked_with(
    follow_entry: Any,
) -> None:
    client = member(XIEBAO_APP_USER_AGENT="ShopApp/")
    own = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ShopApp/1"
    for name, platform in {**{d.name: d.platform for d in DEVICES.values()}, own: "3"}.items():
        verdict = follow_entry(client, "/page", "product", device=name)
        assert verdict.accepted, verdict.reasons
        assert str(verdict.platform) == platform, name


@pytest.mark.parametrize(
    ("entry", "options", "parameter", "value"),
    [
        ("product", {}, "caseCode", PRODUCT_CODE),
        ("product", {"index": 1}, "caseCode", OTHER_CODE),
        ("product", {"reference": OTHER_CODE}, "subPartnerId", "s7"),
        ("policy", {}, "insureNum", INSURE_NUM),
    ],
)
def test_a_page_with_several_entries(
    follow_entry: Any, entry: str, options: dict[str, Any], parameter: str, value: str
) -> None:
    verdict = follow_entry(member(), "/page", entry, **options)
    assert dict(verdict.parameters)[parameter] == value


@pytest.mark.parametrize("entry", ["home", "policy"])
def test_a_handoff_is_reported_and_followed(follow_entry: Any, entry: str) -> None:
    verdict = follow_entry(member(), "/page", entry, device="pc")
    assert verdict.handoff
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.platform, verdict.member) == (entry, Platform.H5, "m1")
    assert not follow_entry(member(), "/page", entry, device="iphone").handoff


def test_a_link_by_itself(follow_entry: Any) -> None:
    client = make_shop(SERVER_NAME="shop.example")
    link = link_of(client.application, "policy", INSURE_NUM, member="m2", no_login_for=60)
    assert link.startswith("http://shop.example/")
    verdict = follow_entry(client, link)
    assert verdict.accepted, verdict.reasons
    assert verdict.member == "m2"


@pytest.mark.parametrize(
    "config",
    [
        {"APPLICATION_ROOT": "/below", "XIEBAO_PUBLIC_URL": "https://shop.example/mounted"},
        {"XIEBAO_BASE_URL": "/gateway", "XIEBAO_EXTRA": {"channel": 7}},
        {"XIEBAO_BASE_URL": "https://gateway.example/x"},
    ],
    ids=str,
)
def test_a_site_below_a_path_and_another_gateway(follow_entry: Any, config: dict[str, Any]) -> None:
    client = member(**{"XIEBAO_PUBLIC_URL": "https://shop.example", **config})
    verdict = follow_entry(client, "/page", "product")
    assert verdict.accepted, verdict.reasons
    assert ("channel", "7") in verdict.parameters or "XIEBAO_EXTRA" not in config
    assert follow_entry(client, link_of(client.application, "home")).accepted


def test_a_refused_entry_has_its_reasons(follow_entry: Any) -> None:
    verdict = follow_entry(member(in_location("sign=", "sgin=")), "/page", "product")
    assert not verdict.accepted
    assert any("sgin" in reason for reason in verdict.reasons)


# A test that fails


def failure(follow_entry: Any, *arguments: Any, **options: Any) -> str:
    """Return what a test says that fails here."""
    with pytest.raises(pytest.fail.Exception) as caught:
        follow_entry(*arguments, **options)
    assert not caught.value.pytrace  # a traceback could show the sign
    assert "sign=" not in str(caught.value)
    return str(caught.value)


LOG_IN = "No member is logged in. Log in the client first."
A_PAGE = "The click returned 200. The response is a page and not a redirect."
THERE = (
    "/page has no policy entry. The entries on the page are:"
    f" product {PRODUCT_CODE}, product {OTHER_CODE}, home."
)


@pytest.mark.parametrize(
    ("browser", "url", "options", "says"),
    [
        (make_shop, "/page", {"entry": "product"}, f"The click returned 401. {LOG_IN}"),
        (
            partial(make_shop, XIEBAO_LOGIN_VIEW="login"),
            "/page",
            {"entry": "product"},
            f"The click returned 302 to /login. {LOG_IN}",
        ),
        (make_shop, "/page", {"entry": "policy"}, THERE),
        (make_shop, "/page", {"entry": "policy"}, "Log in the client first if the entry needs a"),
        (make_shop, "/page", {"entry": "product", "reference": "QX1"}, "entry for 'QX1'"),
        (make_shop, "/page", {"entry": "product", "index": 2}, "with index 2"),
        (make_shop, "/about", {"entry": "home"}, "The entries on the page are: none."),
        (make_shop, "/nowhere", {"entry": "home"}, "/nowhere returned 404 instead of a page"),
        (make_shop, "/mine", {"entry": "home"}, "/mine returned 302 to /login instead of a page"),
        (member, "/xiebao/product/x", {}, "returned 404. The link was not made by this site"),
        (member, "/about", {}, A_PAGE),
        (member, "/login", {}, A_PAGE),
        (
            partial(member, XIEBAO_ENABLED=False),
            "/page",
            {"entry": "product"},
            "The entries on the page are: none.",
        ),
    ],
)
def test_what_fails_says_why(
    follow_entry: Any,
    browser: Callable[[], FlaskClient],
    url: str,
    options: dict[str, Any],
    says: str,
) -> None:
    assert says in failure(follow_entry, browser(), url, **options)


def test_a_link_that_does_not_lead_on_fails(follow_entry: Any) -> None:
    client = make_shop(SERVER_NAME="localhost")
    home = link_of(client.application, "home")
    anothers = link_of(client.application, "policy", INSURE_NUM, member="m2", no_login_for=60)
    off = member(XIEBAO_ENABLED=False)
    assert "The click returned 503" in failure(follow_entry, member(status(302, 503)), home)
    assert "XIEBAO_ENABLED is off" in failure(follow_entry, off, home)
    assert "belongs to a member other than" in failure(follow_entry, member(), anothers)


def test_a_mistake_in_the_test_is_an_error(follow_entry: Any) -> None:
    with pytest.raises(
        ValueError, match="entry must be one of product, home, policy, got 'products'"
    ):
        follow_entry(make_shop(), "/page", "products")
    with pytest.raises(
        ValueError, match=r"must be a User-Agent or one of pc, mac, .*, got 'ipod'\."
    ):
        follow_entry(make_shop(), "/page", "product", device="ipod")
    bare = Flask("bare").test_client()
    assert "Flask-Xiebao is not initialized" in failure(follow_entry, bare, "/page", "product")


def test_nobody_loads_it_unasked() -> None:
    plugins = metadata.entry_points(group="pytest11")
    assert not [entry for entry in plugins if "xiebao" in entry.value]


# Purchases


@pytest.fixture
def sent_signals() -> list[Notification]:
    return []


@pytest.fixture
def listening(sent_signals: list[Notification]) -> FlaskClient:
    """A browser of a shop that listens, and whose members have keys that nobody guesses."""
    return make_shop(registers("notification_handler", sent_signals.append), **HIDDEN_KEY)


#: What is said of a purchase, and comes as it was said.
SAID: dict[str, Any] = {
    "type": NotificationType.ISSUE,
    "insure_num": "8",
    "case_code": PRODUCT_CODE,
    "member": "m1",
    "price_fen": 1500,
    "paid_at": datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
    "payment_method": "21",
    "policies": (
        PolicyInfo(
            product_id="1042",
            plan_name="计划一",
            insurant="林晓",
            start_date=date(2026, 12, 1),
            end_date=date(2026, 12, 5),
            policy_num="P1",
        ),
    ),
    "cancelled_insurants": ("林晓",),
    "cancel_reason": "改期",
    "new_insure_num": "9",
    "other_info": {"channel": "app"},
}


def test_a_notification_says_what_its_keywords_say(
    notify: Callable[..., Any], listening: FlaskClient, sent_signals: list[Notification]
) -> None:
    response = notify(listening, **SAID, data={"instalment": 1})
    assert (response.status_code, response.json) == (200, {"state": True})
    [notification] = sent_signals
    assert {name: getattr(notification, name) for name in SAID} == SAID
    assert notification.data["instalment"] == 1


@pytest.mark.parametrize("kind", [*NotificationType, 37])
def test_what_a_step_comes_with_need_not_be_said(
    notify: Callable[..., Any], listening: FlaskClient, sent_signals: list[Notification], kind: int
) -> None:
    for said in ({}, {"succeeded": False, "failure": "余额不足"}):
        assert notify(listening, type=kind, insure_num="8", **said).status_code == 200
    assert [(each.succeeded, each.failure) for each in sent_signals] == [
        (True, None),
        (False, "余额不足"),
    ]


@pytest.mark.parametrize(("wrong", "status"), [("sign", 403), ("body", 400)])
def test_a_notification_can_be_sent_wrong(
    notify: Callable[..., Any],
    listening: FlaskClient,
    sent_signals: list[Notification],
    wrong: str,
    status: int,
) -> None:
    response = notify(listening, type=2, insure_num="8", wrong=wrong)
    assert (response.status_code, response.json["state"]) == (status, False)
    assert sent_signals == []


def test_a_handler_that_is_not_there_or_fails_is_seen(notify: Callable[..., Any]) -> None:
    token = "a-token-that-nobody-guesses"
    config = {"XIEBAO_NOTIFY_TOKEN": token, "SERVER_NAME": "shop.example", "TESTING": False}
    for changes, answered in (([], 404), ([registers("notification_handler", fails)], 500)):
        answer = notify(make_shop(*changes, **config), type=1, insure_num="8")
        assert answer.status_code == answered


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"memeber": 8},
            r'There is no field "memeber"\. Use one of insure_num, .*, member, data, t',
        ),
        ({"wrong": "sgin"}, "wrong must be one of sign, body, got 'sgin'"),
        ({"type": "payment"}, "type must be an integer, got str"),
        ({"type": True}, "type must be an integer, got bool"),
        ({"price_fen": "15.00"}, '"price_fen" has an invalid value of type str'),
        ({"price_fen": 15.5}, '"price_fen" has an invalid value of type float'),
        ({"paid_at": "2026-11-25"}, '"paid_at" has an invalid value of type str'),
        (
            {"cancelled_insurants": "王小明"},
            '"cancelled_insurants" has an invalid value of type str',
        ),
        ({"policies": ["P1"]}, '"policies" has an invalid value of type list'),
        (
            {"policies": [{"policy_number": "P1"}]},
            r'There is no field "policy_number"\. Use one of product_id',
        ),
    ],
)
def test_a_name_that_there_is_not_and_a_value_of_another_type_are_named(
    notify: Callable[..., Any],
    listening: FlaskClient,
    sent_signals: list[Notification],
    wrong: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(TypeError, match=said):
        notify(listening, **{"type": 4, "insure_num": "8", **wrong})
    assert sent_signals == []


def test_an_order_that_is_misspelt_is_named_where_it_is_said(
    xiebao_orders: Callable[..., None],
) -> None:
    with pytest.raises(
        TypeError, match=r'There is no field "efective_status"\. Use one of insure_num, '
    ):
        xiebao_orders([{"insure_num": "8", "efective_status": 1}])
    with pytest.raises(
        TypeError, match=r"The order at position 2 of 2 has no application number\."
    ):
        xiebao_orders([{"insure_num": "8"}, {"member": "m1"}])


def test_the_orders_of_a_test_are_the_only_ones(
    xiebao_orders: Callable[..., None], listening: FlaskClient
) -> None:
    policy = PolicyInfo(applicant="周航", insurant="林晓", policy_num="P1")
    xiebao: Xiebao = listening.application.extensions["xiebao"]
    with listening.application.app_context():
        key = xiebao.partner_uniq_key("m1")
    said: dict[str, Any] = {
        "insure_num": "8",
        "partner_uniq_key": key,
        "paid_at": datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
        "price_fen": 1500,
        "start_date": date(2026, 12, 1),
        "effective_status": 3,
    }
    mapping = {"insure_num": "9", "member": 7, "pay_status": 1, "data": {"more": 1}}
    xiebao_orders([Order(**said, policies=(policy,)), mapping])
    with listening.application.app_context():
        order, other = xiebao.orders.get("8"), xiebao.orders.get("9")
        assert {name: getattr(order, name) for name in said} == said
        assert order.member == "m1"
        [got] = order.policies
        shown = (got.applicant, got.insurant, got.policy_num, got.start_date)
        assert shown == ("周航", "林晓", "P1", date(2026, 12, 1))
        assert (other.data["more"], other.member) == (1, "7")
        assert [each.insure_num for each in xiebao.orders.iter(1)] == ["8", "9"]
        assert xiebao.orders.policy_url("9") == "https://files.example/9.pdf"
        with pytest.raises(OrderError) as caught:
            xiebao.orders.get("10")
        assert caught.value.code == 1002
        xiebao_orders([])
        assert list(xiebao.orders.iter()) == []


def test_no_handler_of_a_test_asks_xiebao(notify: Callable[..., Any]) -> None:
    refusals = []

    def asks(notification: Notification) -> None:
        with pytest.raises(OrderError) as caught:
            current_app.extensions["xiebao"].orders.get(notification.insure_num)
        refusals.append((caught.value.code, caught.value.gateway_message))

    views = {"POST /gateway/api/orderDetail": lambda: {"respCode": 7, "respMsg": "模拟"}}
    test, own = {"XIEBAO_BASE_URL": Gateway.TEST}, {"XIEBAO_BASE_URL": "/gateway", "views": views}
    for config in ({}, test, own):
        site = make_shop(registers("notification_handler", asks), **config)
        assert notify(site, type=1, insure_num="8").status_code == 200
    assert refusals == [(1002, "投保单号不存在"), (1002, "投保单号不存在"), (7, "模拟")]


# Links of another time


class Named(str, Enum):  # noqa: UP042 - as sites have them
    """Pages as a site may name them."""

    POLICY = "policy"


def test_a_link_of_another_time(site: Site) -> None:
    with site.app.test_request_context():
        assert link_to(Entry(Named.POLICY, "1", "m1")).startswith("/xiebao/policy/")
        past = link_to(Entry("policy", "1", "m1", no_login_for=60, signed_at=0))
        assert [entry_of(link) for link in ("/", f"{past}x", "http://[x")] == [None] * 3
        with pytest.raises(LinkError, match='requires "member"'):
            link_to(Entry(Named.POLICY, "1"))
    assert site.follow(past).status_code == 410
    site.log_in("m1")
    assert site.follow(past).status_code == 302
    no_xiebao = r"Flask-Xiebao is not initialized for the app .* Add `Xiebao\(app\)`"
    with Flask("shop").app_context(), pytest.raises(ConfigError, match=no_xiebao):
        link_to(Entry("home"))
