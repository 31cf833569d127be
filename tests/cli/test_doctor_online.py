"""Tests of ``flask xiebao doctor --online``, which sends an order query."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, request

from flask_xiebao import OrderError
from flask_xiebao.testing import GatewaySimulator
from tests.cli.support import ACCOUNT_KEY, HIDDEN, doctor, is_said_in_chinese, run, shop

ORDERS = {"pageIndex": 1, "pageNums": 1, "data": []}
ACCEPTED = {"respCode": 0, "data": {"orders": ORDERS}}


def build_accepted_response(clock_difference: timedelta) -> Response:
    """Return an accepting response whose Date header differs from the current time."""
    date = format_datetime(datetime.now(UTC) + clock_difference)
    return Response(json.dumps(ACCEPTED), headers={"Date": date}, mimetype="application/json")


def site(response: Any, **config: Any) -> Flask:
    """Return a site that is its own gateway and answers each order query so."""
    views = {"POST /gateway/api/orderList": response}
    return shop(views=views, XIEBAO_BASE_URL="/gateway", **config)


def test_online_queries_one_order_and_reports_time_and_clock() -> None:
    queries: list[Any] = []

    def answer() -> Response:
        queries.append(request.get_json())
        return build_accepted_response(timedelta(seconds=-3))

    app = site(answer)
    said = doctor(app, "--online")
    [query] = queries
    assert (query["pageIndex"], query["pageSize"]) == (1, 1)
    assert "The gateway accepted an order query after 0." in said["ok"]
    # The header has no fractions of a second.
    assert re.search(
        "The clocks of this machine and of the gateway differ by about [34] s", said["ok"]
    )
    is_said_in_chinese(app, said, "--online")


def test_online_without_date_header_says_nothing_about_clock() -> None:
    said = doctor(site(ACCEPTED), "--online")
    assert "The gateway accepted an order query" in said["ok"]
    assert "clocks" not in str(said)


def test_clock_difference_of_minutes_is_reported_as_warning() -> None:
    said = doctor(site(lambda: build_accepted_response(timedelta(minutes=5))), "--online")
    assert "s. Synchronize the clock of this machine." in said["WARNING"]


def test_online_is_an_error_with_wrong_key() -> None:
    simulator = GatewaySimulator("12345", "another key")
    register = partial(
        Flask.register_blueprint, blueprint=simulator.blueprint, url_prefix="/gateway"
    )
    app = shop(register, XIEBAO_BASE_URL="/gateway", XIEBAO_API_KEY=ACCOUNT_KEY)
    # A simulator in the app is queried without the option, because nothing is sent.
    for options in ((), ("--online",)):
        said = doctor(app, *options)
        assert "The gateway did not accept an order query." in said["ERROR"]
        assert "签名错误" in said["ERROR"]
        assert "Probably XIEBAO_API_KEY is not the key of this partner account" in said["ERROR"]
        assert run(app, "doctor", *options).exit_code == 1


def test_gateway_is_not_queried_without_option() -> None:
    assert "The gateway did not accept" not in str(doctor(site({"respCode": 5})))


@pytest.mark.parametrize("response", ["<html>", {"respCode": 5}, ("no", 502)])
def test_online_is_an_error_if_response_is_not_an_order_list(response: Any) -> None:
    said = doctor(site(response), "--online")
    assert "The gateway did not accept an order query." in said["ERROR"]
    assert not [secret for secret in HIDDEN if secret in str(said)]


def test_online_without_httpx_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_error(_: object) -> None:
        raise OrderError("Order queries require httpx, which is not installed.")

    monkeypatch.setattr("flask_xiebao.app.order_client.get_order_client", raise_error)
    assert "require httpx" in doctor(shop(), "--online")["ERROR"]
