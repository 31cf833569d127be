"""``flask xiebao notify`` and ``flask xiebao order``, as whoever types them sees them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, request

from flask_xiebao import Notification, NotificationType, Xiebao
from flask_xiebao.cli import xiebao
from tests.callback.test_orders import DETAIL, NAME, ok
from tests.support import CONFIG, KEY, SIGN_OF_KEY, serve
from tests.vectors import md5_of

NUMBER = "20190226020146"
MEMBER_SECRET = "0123456789abcdef0123456789abcdef"


def make_app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL="/gateway")
    app.config.update(config)
    Xiebao(app)
    return app


def run(app: Flask, *arguments: str) -> Result:
    result = app.test_cli_runner().invoke(xiebao, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class Running:
    """A site that runs, and what it has heard."""

    def __init__(self, **config: Any) -> None:
        self.heard: list[Notification] = []
        self.app = make_app(**config)
        self.app.extensions["xiebao"].notification_handler(self.heard.append)


@pytest.fixture
def running() -> Iterator[tuple[Running, str]]:
    site = Running(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    with serve(site.app) as address:
        yield site, f"{address}/xiebao/notify"


# notify


@pytest.mark.parametrize("step", list(NotificationType))
def test_each_step_can_be_told(running: tuple[Running, str], step: NotificationType) -> None:
    site, url = running
    name = step.name.lower().replace("_", "-")
    result = run(site.app, "notify", name, NUMBER, "--url", url)
    assert (result.exit_code, result.output) == (0, f'{url}: 200 {{"state": true}}\n')
    [notification] = site.heard
    assert (notification.type, notification.insure_num) == (step, NUMBER)
    assert notification.succeeded


def test_where_the_site_is_will_do(running: tuple[Running, str]) -> None:
    site, url = running
    origin = url.removesuffix("/xiebao/notify")
    for each in (origin, f"{origin}/"):
        result = run(site.app, "notify", "issue", NUMBER, "--url", each)
        assert result.output == f'{url}: 200 {{"state": true}}\n'
    assert len(site.heard) == 2


def test_what_is_said_arrives(running: tuple[Running, str]) -> None:
    site, url = running
    options = ["--member", "8", "--case-code", "QX1", "--price", "990", "--url", url]
    assert run(site.app, "notify", "payment", NUMBER, *options).exit_code == 0
    failed = ["--failure", "余额不足", "--url", url]
    assert run(site.app, "notify", "payment", NUMBER, *failed).exit_code == 0
    anew = ["--new-insure-num", "2", "--url", url]
    assert run(site.app, "notify", "reissue", NUMBER, *anew).exit_code == 0
    paid, not_paid, reissued = site.heard
    assert (paid.member, paid.case_code, paid.price_fen) == ("8", "QX1", 990)
    assert paid.paid_at is not None
    assert (not_paid.succeeded, not_paid.failure) == (False, "余额不足")
    assert reissued.new_insure_num == "2"


def test_a_token_that_is_another_secret_is_not_printed() -> None:
    site = Running(XIEBAO_MEMBER_SECRET=MEMBER_SECRET, XIEBAO_NOTIFY_TOKEN=MEMBER_SECRET)
    with serve(site.app) as address:
        result = run(site.app, "notify", "issue", NUMBER, "--url", address)
    assert result.output == f'{address}/xiebao/notify/…: 200 {{"state": true}}\n'


def test_one_that_is_wrong_is_refused_and_said_so(running: tuple[Running, str]) -> None:
    site, url = running
    result = run(site.app, "notify", "issue", NUMBER, "--wrong-sign", "--url", url)
    assert result.exit_code == 1
    assert result.output.startswith(f'{url}: 403 {{"state": false')
    assert site.heard == []


def test_it_goes_where_the_site_says_that_it_is() -> None:
    site = Running(XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses")
    with serve(site.app) as address:
        here = make_app(
            XIEBAO_PUBLIC_URL=address, XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses"
        )
        assert run(here, "notify", "application", NUMBER).exit_code == 0
    assert len(site.heard) == 1


def test_a_site_that_does_not_run_is_no_answer() -> None:
    result = run(make_app(), "notify", "issue", NUMBER, "--url", "http://127.0.0.1:9/notify")
    assert result.exit_code == 1
    assert result.output == "http://127.0.0.1:9/notify: no answer, ConnectionRefusedError\n"


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ({"XIEBAO_ENV": "production", "XIEBAO_BASE_URL": None}, ["issue", "1"], "is production"),
        ({"XIEBAO_ENABLED": False, "XIEBAO_API_KEY": None}, ["issue", "1"], "set both"),
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
    result = run(make_app(**config), "notify", *arguments)
    assert result.exit_code != 0
    assert said in result.output


def test_a_path_that_is_not_ascii_is_one_all_the_same() -> None:
    site = Running(XIEBAO_URL_PREFIX="/xiebao")
    with serve(site.app) as address:
        result = run(site.app, "notify", "issue", NUMBER, "--url", f"{address}/通知")
    assert (result.exit_code, ": 404 " in result.output) == (1, True)


def test_what_does_not_speak_http_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/notify"
        result = run(make_app(), "notify", "issue", NUMBER, "--url", url)
        thread.join()
    assert result.exit_code == 1
    assert ": no answer, " in result.output


# order


def with_gateway(answer: Any, **config: Any) -> Flask:
    app = make_app(**config)
    app.add_url_rule("/gateway/api/orderDetail", "detail", lambda: answer, methods=["POST"])
    return app


def test_an_order_is_printed_by_the_documents_names_and_without_peoples() -> None:
    result = run(with_gateway(ok({"orderDetail": DETAIL})), "order", NUMBER)
    assert result.exit_code == 0
    assert result.output == (
        "insureNum         20190226020146\n"
        "caseCode          QX000000127257\n"
        "partnerUniqueKey  101000 (member 101000)\n"
        "productName       境内旅行意外险\n"
        "planName          计划一\n"
        "companyName       某某财险\n"
        "startDate         2019-03-01\n"
        "endDate           2019-03-05\n"
        "payStatus         1 (paid)\n"
        "payAmount         1500 fen\n"
        "payedTime         2019-02-26 10:20:30+08:00\n"
        "issueStatus       1 (issued)\n"
        "issueTime         2019-02-26 10:21:00+08:00\n"
        "effectiveStatus   1 (in force)\n"
        "policyNum         P10042019030100001\n"
    )


def test_people_are_named_where_that_is_asked_for() -> None:
    result = run(with_gateway(ok({"orderDetail": DETAIL})), "order", NUMBER, "--names")
    assert f"applicant         {NAME}\n" in result.output
    assert f"insurant          {NAME}\n" in result.output


def test_what_is_not_known_is_left_out() -> None:
    detail = {"insureNum": NUMBER, "payStatus": 77, "insurants": [{}]}
    result = run(with_gateway(ok({"orderDetail": detail})), "order", NUMBER, "--names")
    assert result.output == (
        f"insureNum         {NUMBER}\n"
        "payStatus         77 (unknown)\n"
        "policyNum         -\n"
        "applicant         -\n"
        "insurant          -\n"
    )


def test_a_refusal_is_said() -> None:
    result = run(with_gateway({"respCode": 1002, "respMsg": "投保单号不存在"}), "order", NUMBER)
    assert result.exit_code == 1
    assert result.output == (
        "Error: The gateway refuses the query with respCode 1002. It says: 投保单号不存在\n"
    )


def test_what_a_gateway_says_is_printed_on_a_line_of_its_own_without_secrets() -> None:
    said = {
        "productName": "\x1b[31m\r\n" + "长" * 500,
        "planName": f"the key is {KEY}, the sign {SIGN_OF_KEY}",
        "partnerUniqueKey": "8\u202e",
    }
    app = with_gateway(ok({"orderDetail": {**DETAIL, **said}}), XIEBAO_API_KEY=KEY)
    result = run(app, "order", NUMBER)
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["planName"] == "the key is ***, the sign ***"
    assert len(lines["productName"]) <= 200
    assert "partnerUniqueKey" not in lines
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert lines["effectiveStatus"] == "1 (in force)"


def test_a_site_that_cannot_say_whose_an_order_is_shows_the_rest() -> None:
    app = with_gateway(ok({"orderDetail": DETAIL}), XIEBAO_MEMBER_SECRET=MEMBER_SECRET)

    def keeps_plain_key(member: str) -> bool:
        raise OverflowError(f"{NAME} is too large")

    app.extensions["xiebao"].keeps_plain_key(keeps_plain_key)
    result = run(app, "order", NUMBER)
    assert "101000 (whose it is cannot be found: OverflowError in keeps_plain_key " in result.stdout
    assert "effectiveStatus" in result.stdout
    assert NAME not in result.stdout


def test_no_output_shows_the_sign() -> None:
    asked: list[bytes] = []
    app = make_app()

    @app.post("/gateway/api/orderDetail")
    def detail() -> Any:
        asked.append(request.get_data())
        return ok({"orderDetail": {**DETAIL, "insureNum": "another"}})

    result = run(app, "order", NUMBER)
    assert result.exit_code == 1
    assert json.loads(asked[0])["insureNum"] == NUMBER
    assert md5_of(asked[0]) not in result.output
