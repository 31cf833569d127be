"""``flask xiebao notify`` and ``flask xiebao order``, as whoever types them sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import request

from flask_xiebao import Notification, NotificationType
from tests.callback.support import ORDER_FIELDS, build_gateway_response
from tests.check.support import register_hook
from tests.cli.support import MEMBER_SECRET, run, shop
from tests.support import API_KEY, INSURE_NUM, SIGN_OF_API_KEY, failing_function, serve_app
from tests.vectors import NAME, compute_sign

TOKEN = "a-token-that-nobody-guesses"

site = partial(shop, XIEBAO_PUBLIC_URL=None, XIEBAO_BASE_URL="/gateway")


# notify

Heard = list[Notification]


hears = partial(register_hook, "notification_handler")


@pytest.fixture
def sent_signals() -> Heard:
    """What the site that runs has heard."""
    return []


@pytest.fixture
def address(sent_signals: Heard) -> Iterator[str]:
    """Where a site runs."""
    with serve_app(site(hears(sent_signals.append))) as address:
        yield address


def notify(address: str, *arguments: str, exit_code: int = 0, **config: Any) -> str:
    """Tell the site that runs there, and return what is printed."""
    result = run(site(**config), "notify", *arguments, "--url", address)
    assert result.exit_code == exit_code
    return result.output


@pytest.mark.parametrize("step", list(NotificationType))
def test_each_step_can_be_told(address: str, sent_signals: Heard, step: NotificationType) -> None:
    url, name = f"{address}/xiebao/notify", step.name.lower().replace("_", "-")
    assert notify(url, name, INSURE_NUM) == f'{url}: 200 {{"state": true}}\n'
    [notification] = sent_signals
    assert (notification.type, notification.insure_num) == (step, INSURE_NUM)
    assert notification.succeeded


@pytest.mark.parametrize("slash", ["", "/"])
def test_where_the_site_is_will_do(address: str, sent_signals: Heard, slash: str) -> None:
    said = notify(f"{address}{slash}", "issue", INSURE_NUM)
    assert said == f'{address}/xiebao/notify: 200 {{"state": true}}\n'
    assert len(sent_signals) == 1


def test_what_is_said_arrives(address: str, sent_signals: Heard) -> None:
    options = ("--member", "8", "--case-code", "QX1", "--price", "990")
    notify(address, "payment", INSURE_NUM, *options)
    notify(address, "payment", INSURE_NUM, "--failure", "余额不足")
    notify(address, "reissue", INSURE_NUM, "--new-insure-num", "2")
    paid, not_paid, reissued = sent_signals
    assert (paid.member, paid.case_code, paid.price_fen) == ("8", "QX1", 990)
    assert paid.paid_at is not None
    assert (not_paid.succeeded, not_paid.failure) == (False, "余额不足")
    assert reissued.new_insure_num == "2"


def test_a_token_that_is_another_secret_is_not_printed(sent_signals: Heard) -> None:
    with serve_app(site(hears(sent_signals.append), XIEBAO_NOTIFY_TOKEN=MEMBER_SECRET)) as address:
        said = notify(address, "issue", INSURE_NUM, XIEBAO_NOTIFY_TOKEN=MEMBER_SECRET)
    assert said == f'{address}/xiebao/notify/…: 200 {{"state": true}}\n'


def test_it_goes_where_the_site_says_that_it_is(sent_signals: Heard) -> None:
    with serve_app(site(hears(sent_signals.append), XIEBAO_NOTIFY_TOKEN=TOKEN)) as address:
        here = site(XIEBAO_PUBLIC_URL=address, XIEBAO_NOTIFY_TOKEN=TOKEN)
        assert run(here, "notify", "application", INSURE_NUM).exit_code == 0
    assert len(sent_signals) == 1


def test_a_refusal_of_the_site_is_said(address: str, sent_signals: Heard) -> None:
    url = f"{address}/xiebao/notify"
    said = notify(url, "issue", INSURE_NUM, "--wrong-sign", exit_code=1)
    assert said.startswith(f'{url}: 403 {{"state": false')
    # A path that is not ASCII is one all the same.
    assert ": 404 " in notify(f"{address}/通知", "issue", INSURE_NUM, exit_code=1)
    assert sent_signals == []


def test_a_site_that_does_not_run_is_no_answer() -> None:
    said = notify("http://127.0.0.1:9/notify", "issue", INSURE_NUM, exit_code=1)
    assert said == (
        "http://127.0.0.1:9/notify: no response, ConnectionRefusedError\n"
        "Start the site in another terminal, or pass its URL with --url.\n"
    )


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        (
            {"XIEBAO_ENV": "production", "XIEBAO_BASE_URL": None},
            ["issue", "1"],
            'XIEBAO_ENV is "production"',
        ),
        ({"XIEBAO_ENABLED": False, "XIEBAO_API_KEY": None}, ["issue", "1"], "Set both"),
        ({}, ["issued", "1"], "Invalid value for"),
        ({}, ["issue"], "Missing argument 'INSURE_NUM'"),
        ({}, ["issue", "1", "--url", "shop.example"], "Invalid value for --url"),
        ({}, ["issue", "1", "--url", "/xiebao/notify"], "Invalid value for --url"),
        ({}, ["payment", "1", "--price", "-1"], "--price"),
    ],
)
def test_what_cannot_be_told_is_named(
    config: dict[str, Any], arguments: list[str], said: str
) -> None:
    result = run(site(**config), "notify", *arguments)
    assert result.exit_code != 0
    assert said in result.output


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ((), "The notification_handler raised an exception."),
        (("--locale", "zh"), "notification_handler 抛出了异常"),
    ],
)
def test_notify_gives_advice_about_failing_handler(options: tuple[str, ...], advice: str) -> None:
    with serve_app(site(hears(failing_function(LookupError())))) as address:
        assert advice in notify(address, "issue", INSURE_NUM, *options, exit_code=1)


def test_notify_gives_advice_about_another_key(address: str) -> None:
    said = notify(address, "issue", INSURE_NUM, exit_code=1, XIEBAO_API_KEY="another key")
    assert "The site has another XIEBAO_API_KEY than this command." in said
    wrong_sign = notify(address, "issue", INSURE_NUM, "--wrong-sign", exit_code=1)
    assert "another XIEBAO_API_KEY" not in wrong_sign


def test_notify_reports_missing_site_in_chinese() -> None:
    said = notify("http://127.0.0.1:9/notify", "issue", INSURE_NUM, "--locale", "zh", exit_code=1)
    assert said.startswith("http://127.0.0.1:9/notify：没有响应，ConnectionRefusedError\n请")


# order

#: What the site, as its own gateway, is asked.
QUERY = "POST /gateway/api/orderDetail"


def asks(answer: Any, *options: str, exit_code: int = 0, **config: Any) -> str:
    """Ask for an order that the gateway answers with this, and return what is printed."""
    app = site(views={QUERY: answer}, **{"XIEBAO_MEMBER_SECRET": None, **config})
    result = run(app, "order", INSURE_NUM, *options)
    assert result.exit_code == exit_code
    return result.output


def test_an_order_is_printed_by_the_documents_names_and_people_only_if_asked_for() -> None:
    printed = (
        "insureNum         20190226020146\n"
        "caseCode          QX000000127257\n"
        "partnerUniqueKey  101000 (member 101000)\n"
        "productName       境内旅行意外险\n"
        "planName          计划一\n"
        "companyName       某某财险\n"
        "startDate         2019-03-01\n"
        "endDate           2019-03-05\n"
        "insureTime        2019-02-26 10:18:00+08:00\n"
        "payStatus         1 (paid)\n"
        "payAmount         1500 fen\n"
        "payedTime         2019-02-26 10:20:30+08:00\n"
        "issueStatus       1 (issued)\n"
        "issueTime         2019-02-26 10:21:00+08:00\n"
        "effectiveStatus   1 (in force)\n"
        "policyNum         P10042019030100001\n"
    )
    assert asks(build_gateway_response({"orderDetail": ORDER_FIELDS})) == printed
    people = f"applicant         {NAME}\ninsurant          {NAME}\n"
    assert (
        asks(build_gateway_response({"orderDetail": ORDER_FIELDS}), "--names") == printed + people
    )


def test_what_is_not_known_is_left_out() -> None:
    detail = {"insureNum": INSURE_NUM, "payStatus": 77, "insurants": [{}]}
    assert asks(build_gateway_response({"orderDetail": detail}), "--names") == (
        f"insureNum         {INSURE_NUM}\n"
        "payStatus         77 (unknown)\n"
        "policyNum         -\n"
        "applicant         -\n"
        "insurant          -\n"
    )


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("投保单号不存在", "Probably this partner account has no such order in this environment."),
        ("签名错误", "Probably XIEBAO_API_KEY is not the key of this partner account"),
        ("系统繁忙", ""),
        ("", ""),
    ],
)
def test_refused_query_shows_message_of_gateway_and_its_likely_meaning(
    message: str, meaning: str
) -> None:
    said = asks({"respCode": 77, "respMsg": message}, exit_code=1)
    assert said.startswith("Error: The gateway refused the order query with respCode 77")
    assert message in said
    assert meaning in said
    assert ("Probably" in said) == bool(meaning)


def test_refused_query_is_explained_in_chinese() -> None:
    answer = {"respCode": 77, "respMsg": "签名错误"}
    said = asks(answer, "--locale", "zh", exit_code=1)
    assert "网关拒绝了订单查询（respCode 77，说明：“签名错误”）。" in said
    assert "很可能 XIEBAO_API_KEY 不是这个账号在这个环境的密钥" in said


def test_order_is_explained_in_chinese() -> None:
    detail = {
        **ORDER_FIELDS,
        "payStatus": 77,
        "insurants": [{"policyNum": "P1", "retreatStatus": 1}],
    }
    printed = asks(build_gateway_response({"orderDetail": detail}), "--locale", "zh")
    for line in (
        "partnerUniqueKey  101000 (会员 101000)",
        "payStatus         77 (未知)",
        "payAmount         1500 分",
        "policyNum         P1 (已退保, retreatStatus 1)",
    ):
        assert line in printed


def test_what_a_gateway_says_is_printed_on_a_line_of_its_own_without_secrets() -> None:
    said = {
        "productName": "\x1b[31m\r\n" + "长" * 500,
        "planName": f"the key is {API_KEY}, the sign {SIGN_OF_API_KEY}",
        "partnerUniqueKey": "8\u202e",
    }
    printed = asks(
        build_gateway_response({"orderDetail": {**ORDER_FIELDS, **said}}), XIEBAO_API_KEY=API_KEY
    )
    lines = dict(line.split(maxsplit=1) for line in printed.splitlines())
    assert lines["planName"] == "the key is ***, the sign ***"
    assert len(lines["productName"]) <= 200
    assert "partnerUniqueKey" not in lines
    assert all(line.isprintable() for line in printed.splitlines())
    assert lines["effectiveStatus"] == "1 (in force)"


def test_a_site_that_cannot_say_whose_an_order_is_shows_the_rest() -> None:
    def keeps_plain_key(member: str) -> bool:
        raise OverflowError(f"{NAME} is too large")

    app = site(
        register_hook("keeps_plain_key", keeps_plain_key),
        views={QUERY: build_gateway_response({"orderDetail": ORDER_FIELDS})},
    )
    printed = run(app, "order", INSURE_NUM).output
    assert "101000 (the member cannot be determined: OverflowError in keeps_plain_key " in printed
    assert "effectiveStatus" in printed
    assert NAME not in printed


def test_no_output_shows_the_sign_of_the_query() -> None:
    asked: list[bytes] = []

    def detail() -> Any:
        asked.append(request.get_data())
        return build_gateway_response({"orderDetail": {**ORDER_FIELDS, "insureNum": "another"}})

    result = run(site(views={QUERY: detail}, XIEBAO_API_KEY="Key"), "order", INSURE_NUM)
    assert result.exit_code == 1
    assert json.loads(asked[0])["insureNum"] == INSURE_NUM
    assert compute_sign(asked[0]) not in result.output
