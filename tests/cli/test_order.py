"""Tests for ``flask xiebao order``, which prints an order from the gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import request

from tests.callback.support import ORDER_FIELDS, build_gateway_response
from tests.check.support import register_hook
from tests.cli.support import make_gateway_site, run_command
from tests.support import API_KEY, INSURE_NUM, SIGN_OF_API_KEY, failing_function
from tests.vectors import NAME, compute_sign

pytestmark = pytest.mark.requires("httpx")

#: The method and path of the order query. The site serves its own gateway at ``/gateway``.
QUERY = "POST /gateway/api/orderDetail"


def get_order_output(response: Any, *options: str, exit_code: int = 0, **config: Any) -> str:
    """Run ``flask xiebao order``, assert its exit code, and return its output.

    :param response: the gateway's response to the order query.
    """
    app = make_gateway_site(views={QUERY: response}, XIEBAO_MEMBER_SECRET=None, **config)
    result = run_command(app, "order", INSURE_NUM, *options)
    assert result.exit_code == exit_code
    return result.output


def test_order_lists_fields_and_hides_names_by_default() -> None:
    fields = (
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
    people = f"applicant         {NAME}\ninsurant          {NAME}\n"

    assert get_order_output(build_gateway_response({"orderDetail": ORDER_FIELDS})) == fields
    assert (
        get_order_output(build_gateway_response({"orderDetail": ORDER_FIELDS}), "--names")
        == fields + people
    )


def test_order_omits_missing_fields() -> None:
    detail = {"insureNum": INSURE_NUM, "payStatus": 77, "insurants": [{}]}
    assert get_order_output(build_gateway_response({"orderDetail": detail}), "--names") == (
        f"insureNum         {INSURE_NUM}\n"
        "payStatus         77 (unknown)\n"
        "policyNum         -\n"
        "applicant         -\n"
        "insurant          -\n"
    )


def test_order_with_locale_zh_explains_fields_in_chinese() -> None:
    detail = {
        **ORDER_FIELDS,
        "payStatus": 77,
        "insurants": [{"policyNum": "P1", "retreatStatus": 1}],
    }

    output = get_order_output(build_gateway_response({"orderDetail": detail}), "--locale", "zh")

    for line in (
        "partnerUniqueKey  101000 (会员 101000)",
        "payStatus         77 (未知)",
        "payAmount         1500 分",
        "policyNum         P1 (已退保, retreatStatus 1)",
    ):
        assert line in output


# Refused order queries


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("投保单号不存在", "Probably this partner account has no such order in this environment."),
        ("签名错误", "Probably XIEBAO_API_KEY is not the key of this partner account"),
        ("系统繁忙", ""),
        ("", ""),
    ],
)
def test_refused_order_query_prints_message_of_gateway_and_advice(
    message: str, advice: str
) -> None:
    output = get_order_output({"respCode": 77, "respMsg": message}, exit_code=1)
    assert output.startswith("Error: The gateway refused the order query with respCode 77")
    assert message in output
    assert advice in output
    assert ("Probably" in output) == bool(advice)


def test_refused_order_query_with_locale_zh_gives_chinese_advice() -> None:
    output = get_order_output(
        {"respCode": 77, "respMsg": "签名错误"}, "--locale", "zh", exit_code=1
    )
    assert "网关拒绝了订单查询（respCode 77，说明：“签名错误”）。" in output
    assert "很可能 XIEBAO_API_KEY 不是这个账号在这个环境的密钥" in output


# Secrets and unsafe characters in responses


def test_order_masks_secrets_and_control_characters_in_response() -> None:
    detail = {
        **ORDER_FIELDS,
        "productName": "\x1b[31m\r\n" + "长" * 500,
        "planName": f"the key is {API_KEY}, the sign {SIGN_OF_API_KEY}",
        "partnerUniqueKey": "8\u202e",
    }

    output = get_order_output(
        build_gateway_response({"orderDetail": detail}), XIEBAO_API_KEY=API_KEY
    )

    assert all(line.isprintable() for line in output.splitlines())
    lines = dict(line.split(maxsplit=1) for line in output.splitlines())
    assert lines["planName"] == "the key is ***, the sign ***"
    assert len(lines["productName"]) <= 200
    assert "partnerUniqueKey" not in lines
    assert lines["effectiveStatus"] == "1 (in force)"


def test_order_with_failing_keeps_plain_key_prints_other_fields() -> None:
    hook = failing_function(OverflowError(f"{NAME} is too large"))
    app = make_gateway_site(
        register_hook("keeps_plain_key", hook),
        views={QUERY: build_gateway_response({"orderDetail": ORDER_FIELDS})},
    )

    output = run_command(app, "order", INSURE_NUM).output

    assert "101000 (the member cannot be determined: OverflowError in raise_error " in output
    assert "effectiveStatus" in output
    assert NAME not in output


def test_order_error_hides_signature_of_query() -> None:
    queries: list[bytes] = []

    def return_other_order() -> Any:
        queries.append(request.get_data())
        return build_gateway_response({"orderDetail": {**ORDER_FIELDS, "insureNum": "another"}})

    output = get_order_output(return_other_order, exit_code=1, XIEBAO_API_KEY="Key")

    [query] = queries
    assert json.loads(query)["insureNum"] == INSURE_NUM
    assert compute_sign(query) not in output
