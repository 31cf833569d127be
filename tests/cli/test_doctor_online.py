"""Tests for ``flask xiebao doctor --online``, which sends an order query to the gateway."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, request

from tests.cli.support import add_simulator, assert_chinese_output, make_shop, run_doctor

pytestmark = pytest.mark.requires("httpx")

#: The gateway's response to an accepted order query.
ACCEPTED = {"respCode": 0, "data": {"orders": {"pageIndex": 1, "pageNums": 1, "data": []}}}


def build_accepted_response(clock_difference: timedelta) -> Response:
    """Return the gateway's response to an accepted order query.

    :param clock_difference: the difference between the response's Date header and the current time.
    """
    date = format_datetime(datetime.now(UTC) + clock_difference)
    return Response(json.dumps(ACCEPTED), headers={"Date": date}, mimetype="application/json")


def make_gateway_site(response: Any) -> Flask:
    """Return a site that is its own gateway and answers order queries with this response."""
    return make_shop(views={"POST /gateway/api/orderList": response}, XIEBAO_BASE_URL="/gateway")


def test_online_option_queries_one_order_and_reports_time_and_clock() -> None:
    queries: list[Any] = []

    def return_no_orders() -> Response:
        queries.append(request.get_json())
        return build_accepted_response(timedelta(seconds=-3))

    app = make_gateway_site(return_no_orders)
    findings = run_doctor(app, "--online")

    assert [(query["pageIndex"], query["pageSize"]) for query in queries] == [(1, 1)]
    assert "The gateway accepted an order query after 0." in findings["ok"]
    # The Date header has no fractions of a second, so the difference may be almost 4 seconds.
    assert re.search(
        "The clocks of this machine and of the gateway differ by about [34] s", findings["ok"]
    )
    assert_chinese_output(app, findings, "--online")


def test_online_option_ignores_clock_if_response_has_no_date() -> None:
    findings = run_doctor(make_gateway_site(ACCEPTED), "--online")
    assert "The gateway accepted an order query" in findings["ok"]
    assert "clocks" not in str(findings)


def test_doctor_warns_of_clock_difference_of_minutes() -> None:
    app = make_gateway_site(lambda: build_accepted_response(timedelta(minutes=5)))
    warning = run_doctor(app, "--online")["WARNING"]
    assert "s. Synchronize the clock of this machine." in warning


#: Builds a site whose gateway simulator has another API key than the site.
make_site_with_other_key = partial(
    make_shop, add_simulator("/gateway", "another key"), XIEBAO_BASE_URL="/gateway"
)
#: Parts of the error of ``flask xiebao doctor`` if the simulator refuses the signature of an order
#: query.
SIGNATURE_ERROR = (
    "The simulator in this app did not accept an order query.",
    "签名错误",
    "Probably XIEBAO_API_KEY is not the key of this partner account",
)
GATEWAY_ERROR = ("The gateway did not accept an order query.",)


@pytest.mark.parametrize(
    ("make_site", "options", "texts"),
    [
        # ``flask xiebao doctor`` queries a simulator in the app even without the option --online,
        # because this query needs no network.
        (make_site_with_other_key, (), SIGNATURE_ERROR),
        (make_site_with_other_key, ("--online",), SIGNATURE_ERROR),
        (partial(make_gateway_site, "<html>"), ("--online",), GATEWAY_ERROR),
        (partial(make_gateway_site, {"respCode": 5}), ("--online",), GATEWAY_ERROR),
        (partial(make_gateway_site, ("no", 502)), ("--online",), GATEWAY_ERROR),
    ],
    ids=["simulator", "simulator, --online", "HTML", "respCode 5", "status 502"],
)
def test_doctor_reports_refused_order_query(
    make_site: Callable[[], Flask], options: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    error = run_doctor(make_site, *options)["ERROR"]
    for text in texts:
        assert text in error


def test_doctor_gives_advice_if_request_hook_blocks_query_to_simulator() -> None:
    app = make_shop(
        add_simulator("/gateway"),
        before=lambda: ("Blocked", 400) if request.blueprint == "play" else None,
        XIEBAO_BASE_URL="/gateway",
    )
    findings = run_doctor(app)
    assert "The simulator in this app did not accept an order query." in findings["ERROR"]
    assert "If a request hook of the site refuses the query" in findings["ERROR"]


def test_doctor_reports_that_only_simulator_accepted_order_query() -> None:
    app = make_shop(add_simulator("/gateway"), XIEBAO_BASE_URL="/gateway")
    findings = run_doctor(app)

    assert "The simulator in this app accepted an order query after 0." in findings["ok"]
    assert "the partner account, the API key and XIEBAO_ENV match" not in findings["ok"]
    assert_chinese_output(app, findings)


def test_doctor_sends_no_order_query_without_online_option() -> None:
    assert "The gateway did not accept" not in str(run_doctor(make_gateway_site({"respCode": 5})))


def test_online_option_reports_missing_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "require httpx" in run_doctor(make_gateway_site(ACCEPTED), "--online")["ERROR"]
