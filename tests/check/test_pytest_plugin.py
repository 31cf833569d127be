"""Tests for the extension's pytest fixtures, which are used here as in the tests of a site.

The examples in the fixtures' documentation are tested in ``tests/deep/test_pytest_plugin.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
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
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import DEVICES, CheckError, Report, entry_of, link_to
from tests.check.support import (
    HIDDEN_KEY,
    Change,
    build_link,
    divide_by_zero,
    make_shop,
    register_hook,
    replace_in_location,
    replace_status,
)
from tests.support import INSURE_NUM, PRODUCT_CODE, Site
from tests.tokens import sign_token

pytest_plugins = ["flask_xiebao.pytest_plugin"]

OTHER_CODE = "QX000000999999"
PAGE = f"""
<a href="/about">About</a>
{{{{ insurance_entry("{PRODUCT_CODE}", return_to="/orders/8") }}}}
{{% call insurance_entry("{OTHER_CODE}", class="card", sub_partner_id="s7") %}}
<b>A &amp; B</b>{{% endcall %}}
{{{{ insurance_home_entry() }}}}
{{{{ policy_entry("{INSURE_NUM}") }}}}
"""


def make_visitor_client(*changes: Change, **options: Any) -> FlaskClient:
    """Return a test client for a shop on which no member is logged in."""

    def log_in() -> str:
        session["member"] = "m1"
        return "Welcome."

    views = {
        "/about": '<a href="/nowhere?platform=h5">Phones</a>',
        "/mine": lambda: redirect("/login?next=/mine", 302),
        "/login": log_in,
        "POST /login": log_in,
    }
    site = {"page": PAGE, "views": views, "TESTING": True}
    return make_shop(*changes, **{**site, **options}).test_client()


def make_member_client(*changes: Change, **options: Any) -> FlaskClient:
    """Return a test client for a shop on which member ``m1`` is logged in."""
    client = make_visitor_client(*changes, **options)
    client.post("/login")
    return client


# Clicks of ``follow_entry`` that the gateway accepts


def test_follow_entry_returns_verdict(follow_entry: Any) -> None:
    verdict = follow_entry(make_member_client(**HIDDEN_KEY), "/page", "product")
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.platform) == ("product", Platform.H5)
    assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE
    # The verdict has the member id that the site uses, and not the member key that the gateway
    # receives.
    assert verdict.member == "m1"
    assert dict(verdict.parameters)["partnerUniqKey"] != "m1"
    assert verdict.pay_success.startswith("http://localhost/xiebao/paid/")
    assert not verdict.handoff


def test_follow_entry_accepts_each_device_and_any_user_agent(follow_entry: Any) -> None:
    client = make_member_client(XIEBAO_APP_USER_AGENT="ShopApp/")
    platforms = {device.name: device.platform for device in DEVICES.values()}
    platforms["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ShopApp/1"] = "3"
    for device, platform in platforms.items():
        verdict = follow_entry(client, "/page", "product", device=device)
        assert verdict.accepted, verdict.reasons
        assert str(verdict.platform) == platform, device


@pytest.mark.parametrize(
    ("entry", "options", "parameter", "value"),
    [
        ("product", {}, "caseCode", PRODUCT_CODE),
        ("product", {"index": 1}, "caseCode", OTHER_CODE),
        ("product", {"reference": OTHER_CODE}, "subPartnerId", "s7"),
        ("policy", {}, "insureNum", INSURE_NUM),
    ],
)
def test_follow_entry_selects_entry_by_index_or_reference(
    follow_entry: Any, entry: str, options: dict[str, Any], parameter: str, value: str
) -> None:
    verdict = follow_entry(make_member_client(), "/page", entry, **options)
    assert dict(verdict.parameters)[parameter] == value


@pytest.mark.parametrize("entry", ["home", "policy"])
def test_follow_entry_follows_handoff_page(follow_entry: Any, entry: str) -> None:
    verdict = follow_entry(make_member_client(), "/page", entry, device="pc")
    assert verdict.handoff
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.platform, verdict.member) == (entry, Platform.H5, "m1")
    assert not follow_entry(make_member_client(), "/page", entry, device="iphone").handoff


@pytest.mark.parametrize(
    "config",
    [
        {"APPLICATION_ROOT": "/below", "XIEBAO_PUBLIC_URL": "https://shop.example/mounted"},
        {"XIEBAO_BASE_URL": "/gateway", "XIEBAO_EXTRA": {"channel": 7}},
        {"XIEBAO_BASE_URL": "https://gateway.example/x"},
    ],
    ids=str,
)
def test_follow_entry_supports_mounted_site_and_other_gateway(
    follow_entry: Any, config: dict[str, Any]
) -> None:
    client = make_member_client(**{"XIEBAO_PUBLIC_URL": "https://shop.example", **config})
    verdict = follow_entry(client, "/page", "product")
    assert verdict.accepted, verdict.reasons
    assert ("channel", "7") in verdict.parameters or "XIEBAO_EXTRA" not in config
    assert follow_entry(client, build_link(client.application, "home")).accepted


def test_follow_entry_returns_reasons_of_refusal(follow_entry: Any) -> None:
    verdict = follow_entry(
        make_member_client(replace_in_location("sign=", "sgin=")), "/page", "product"
    )
    assert not verdict.accepted
    assert "sgin" in " ".join(verdict.reasons)


# Calls of ``follow_entry`` that fail the test


def get_failure_message(follow_entry: Any, *arguments: Any, **options: Any) -> str:
    """Return the message with which ``follow_entry`` fails the test."""
    with pytest.raises(pytest.fail.Exception) as error:
        follow_entry(*arguments, **options)
    assert not error.value.pytrace  # A traceback could show a signature.
    assert "sign=" not in str(error.value)
    return str(error.value)


LOG_IN = "No member is logged in. Log in the client first."
NO_REDIRECT = "The click returned 200. The response is a page and not a redirect."
ENTRIES = (
    "/page has no policy entry. The entries on the page are:"
    f" product {PRODUCT_CODE}, product {OTHER_CODE}, home."
)
HOME_LINK = f"/xiebao/home/{sign_token(['home'])}"
#: A link that belongs to member m2, and opens without a login from 2025 to 2035.
POLICY_LINK_OF_M2 = "/xiebao/policy/" + sign_token(
    ["policy", INSURE_NUM, None, None, None, "m2", 1_764_000_000, 315_360_000]
)
#: One row per failing click: the function that makes the test client, the URL, the options of
#: ``follow_entry``, and a part of the error message.
FAILURES = [
    (
        lambda: Flask("bare").test_client(),
        "/page",
        {"entry": "product"},
        "Flask-Xiebao is not initialized",
    ),
    (make_visitor_client, "/page", {"entry": "product"}, f"The click returned 401. {LOG_IN}"),
    (
        partial(make_visitor_client, XIEBAO_LOGIN_VIEW="login"),
        "/page",
        {"entry": "product"},
        f"The click returned 302 to /login. {LOG_IN}",
    ),
    (make_visitor_client, "/page", {"entry": "policy"}, ENTRIES),
    (
        make_visitor_client,
        "/page",
        {"entry": "policy"},
        "Log in the client first if the entry needs a",
    ),
    (make_visitor_client, "/page", {"entry": "product", "reference": "QX1"}, "entry for 'QX1'"),
    (make_visitor_client, "/page", {"entry": "product", "index": 2}, "with index 2"),
    (make_visitor_client, "/about", {"entry": "home"}, "The entries on the page are: none."),
    (make_visitor_client, "/nowhere", {"entry": "home"}, "/nowhere returned 404 instead of a page"),
    (
        make_visitor_client,
        "/mine",
        {"entry": "home"},
        "/mine returned 302 to /login instead of a page",
    ),
    (
        make_member_client,
        "/xiebao/product/x",
        {},
        "returned 404. The link was not made by this site",
    ),
    (make_member_client, "/about", {}, NO_REDIRECT),
    (make_member_client, "/login", {}, NO_REDIRECT),
    (
        partial(make_member_client, XIEBAO_ENABLED=False),
        "/page",
        {"entry": "product"},
        "The entries on the page are: none.",
    ),
    (
        partial(make_member_client, replace_status(302, 503)),
        HOME_LINK,
        {},
        "The click returned 503",
    ),
    (partial(make_member_client, XIEBAO_ENABLED=False), HOME_LINK, {}, "XIEBAO_ENABLED is off"),
    (make_member_client, POLICY_LINK_OF_M2, {}, "belongs to a member other than"),
]


@pytest.mark.parametrize(
    ("make", "url", "options", "message"), FAILURES, ids=[row[3] for row in FAILURES]
)
def test_follow_entry_fails(
    follow_entry: Any,
    make: Callable[[], FlaskClient],
    url: str,
    options: dict[str, Any],
    message: str,
) -> None:
    assert message in get_failure_message(follow_entry, make(), url, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry": "products"}, f"entry must be one of {', '.join(PAGES)}, got 'products'"),
        (
            {"entry": "product", "device": "ipod"},
            r"must be a User-Agent or one of pc, mac, .*, got 'ipod'\.",
        ),
    ],
)
def test_follow_entry_rejects_unknown_entry_or_device(
    follow_entry: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        follow_entry(make_visitor_client(), "/page", **options)


def test_follow_entry_raises_without_html_parser(
    follow_entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "html5lib", None)
    with pytest.raises(CheckError, match=r'Run `pip install "Flask-Xiebao\[check\]"`'):
        follow_entry(make_member_client(), "/page", "product")


def test_check_entries_fixture_returns_report(check_entries: Callable[..., Report]) -> None:
    report = check_entries(make_visitor_client().application, pages=["/page"], devices="iphone")
    assert report.passed, str(report)
    entries = {f"product {PRODUCT_CODE[:2]}…{PRODUCT_CODE[-6:]}", "home"}
    assert entries <= {result.entry for result in report.results}


def test_plugin_is_not_loaded_automatically() -> None:
    assert "xiebao" not in str(metadata.entry_points(group="pytest11"))


# Notifications that the fixture ``notify`` sends


@pytest.fixture
def notifications() -> list[Notification]:
    """The notifications that the site's notification handler received."""
    return []


@pytest.fixture
def client(notifications: list[Notification]) -> FlaskClient:
    """A test client for a shop with a notification handler and hidden member keys."""
    return make_visitor_client(
        register_hook("notification_handler", notifications.append), **HIDDEN_KEY
    )


#: A valid value for each field of a notification.
FIELDS: dict[str, Any] = {
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


def test_notify_sends_all_fields(
    notify: Callable[..., Any], client: FlaskClient, notifications: list[Notification]
) -> None:
    response = notify(client, **FIELDS, data={"instalment": 1})
    assert (response.status_code, response.json) == (200, {"state": True})
    [notification] = notifications
    assert {name: getattr(notification, name) for name in FIELDS} == FIELDS
    assert notification.data["instalment"] == 1


@pytest.mark.parametrize("type", [*NotificationType, 37])
def test_notify_requires_only_type_and_application_number(
    notify: Callable[..., Any], client: FlaskClient, notifications: list[Notification], type: int
) -> None:
    notify(client, type=type, insure_num="8")
    notify(client, type=type, insure_num="8", succeeded=False, failure="余额不足")
    results = [(notification.succeeded, notification.failure) for notification in notifications]
    assert results == [(True, None), (False, "余额不足")]


@pytest.mark.parametrize(("wrong", "status"), [("sign", 403), ("body", 400)])
def test_notify_can_send_wrong_signature_or_body(
    notify: Callable[..., Any],
    client: FlaskClient,
    notifications: list[Notification],
    wrong: str,
    status: int,
) -> None:
    response = notify(client, type=2, insure_num="8", wrong=wrong)
    assert (response.status_code, response.json["state"]) == (status, False)
    assert notifications == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [([], 404), ([register_hook("notification_handler", divide_by_zero)], 500)],
    ids=["no handler", "failing handler"],
)
def test_notify_returns_error_response(
    notify: Callable[..., Any], changes: list[Change], status: int
) -> None:
    client = make_visitor_client(
        *changes,
        XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses",
        SERVER_NAME="shop.example",
        TESTING=False,
    )
    assert notify(client, type=1, insure_num="8").status_code == status


@pytest.mark.parametrize(
    ("arguments", "message"),
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
def test_notify_rejects_unknown_fields_and_wrong_types(
    notify: Callable[..., Any],
    client: FlaskClient,
    notifications: list[Notification],
    arguments: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(TypeError, match=message):
        notify(client, **{"type": 4, "insure_num": "8", **arguments})
    assert notifications == []


# Orders in the fixture ``xiebao_orders``


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (
            [{"insure_num": "8", "efective_status": 1}],
            r'There is no field "efective_status"\. Use one of insure_num, ',
        ),
        (
            [{"insure_num": "8"}, {"member": "m1"}],
            r"The order at position 2 of 2 has no application number\.",
        ),
    ],
)
def test_xiebao_orders_rejects_invalid_orders(
    xiebao_orders: Callable[..., None], orders: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        xiebao_orders(orders)


def test_xiebao_orders_fixture_replaces_gateway_orders(
    xiebao_orders: Callable[..., None], client: FlaskClient
) -> None:
    xiebao: Xiebao = client.application.extensions["xiebao"]
    with client.application.app_context():
        fields: dict[str, Any] = {
            "insure_num": "8",
            "partner_uniq_key": xiebao.partner_uniq_key("m1"),
            "paid_at": datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
            "price_fen": 1500,
            "start_date": date(2026, 12, 1),
            "effective_status": 3,
        }
        policy = PolicyInfo(applicant="周航", insurant="林晓", policy_num="P1")
        mapping = {"insure_num": "9", "member": 7, "pay_status": 1, "data": {"more": 1}}
        xiebao_orders([Order(**fields, policies=(policy,)), mapping])

        order, other_order = xiebao.orders.get("8"), xiebao.orders.get("9")
        assert {name: getattr(order, name) for name in fields} == fields
        assert order.member == "m1"
        # A policy without a start date has the start date of its order.
        assert order.policies == (replace(policy, start_date=date(2026, 12, 1)),)
        assert (other_order.data["more"], other_order.member) == (1, "7")
        assert [each.insure_num for each in xiebao.orders.iter(1)] == ["8", "9"]
        assert xiebao.orders.policy_url("9") == "https://files.example/9.pdf"
        with pytest.raises(OrderError) as error:
            xiebao.orders.get("10")
        assert error.value.code == 1002
        xiebao_orders([])
        assert list(xiebao.orders.iter()) == []


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ({}, 1002, "投保单号不存在"),
        ({"XIEBAO_BASE_URL": Gateway.TEST}, 1002, "投保单号不存在"),
        (
            {
                "XIEBAO_BASE_URL": "/gateway",
                "views": {
                    "POST /gateway/api/orderDetail": lambda: {"respCode": 7, "respMsg": "模拟"}
                },
            },
            7,
            "模拟",
        ),
    ],
    ids=["default gateway", "test gateway", "gateway in the app"],
)
@pytest.mark.requires("httpx")
def test_handler_called_by_notify_cannot_query_real_gateway(
    notify: Callable[..., Any], config: dict[str, Any], code: int, message: str
) -> None:
    errors = []

    def query_order(notification: Notification) -> None:
        with pytest.raises(OrderError) as error:
            current_app.extensions["xiebao"].orders.get(notification.insure_num)
        errors.append((error.value.code, error.value.gateway_message))

    client = make_visitor_client(register_hook("notification_handler", query_order), **config)
    assert notify(client, type=1, insure_num="8").status_code == 200
    assert errors == [(code, message)]


# Links that ``link_to`` builds


class PageName(str, Enum):  # noqa: UP042 - Sites may use this older kind of enumeration.
    """The names of gateway pages, as an enumeration that a site defines."""

    POLICY = "policy"


def test_link_to_builds_expired_link(site: Site) -> None:
    with site.app.test_request_context():
        link = link_to(Entry("policy", "1", "m1", no_login_for=60, signed_at=0))
        assert [entry_of(url) for url in ("/", f"{link}x", "http://[x")] == [None] * 3
    assert site.follow(link).status_code == 410
    site.log_in("m1")
    assert site.follow(link).status_code == 302


def test_link_to_rejects_policy_without_member(site: Site) -> None:
    with site.app.test_request_context():
        assert link_to(Entry(PageName.POLICY, "1", "m1")).startswith("/xiebao/policy/")
        with pytest.raises(LinkError, match='requires "member"'):
            link_to(Entry(PageName.POLICY, "1"))


def test_link_to_raises_without_extension() -> None:
    with (
        Flask("shop").app_context(),
        pytest.raises(ConfigError, match=r"is not initialized for the app .* Add `Xiebao\(app\)`"),
    ):
        link_to(Entry("home"))
