"""Errors as data: what is wrong can be read without reading the message.

Those of links are in ``test_links.py``, those of settings in ``test_extension.py``.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, cast

import pytest
from flask import Flask

from flask_xiebao import (
    ConfigError,
    Gateway,
    GatewayError,
    LinkError,
    NotificationError,
    OrderError,
    Xiebao,
    XiebaoError,
)
from flask_xiebao.errors import NowhereError, TokenError
from tests.support import CODE, CONFIG, NUMBER, Site

GATEWAY = Gateway("12345", "Key")


@pytest.mark.parametrize(
    ("parameter", "call"),
    [
        ("caseCode", lambda: GATEWAY.product_url("", partner_uniq_key="m1")),
        ("insureNum", lambda: GATEWAY.policy_url("2019\n")),
        ("insureNum", lambda: GATEWAY.url("policy")),
        ("partnerUniqKey", lambda: GATEWAY.home_url(partner_uniq_key="")),
        ("partnerUniqKey", lambda: GATEWAY.url("home")),
        ("platform", lambda: GATEWAY.home_url(partner_uniq_key="m1", platform="pc")),
        ("platform", lambda: GATEWAY.home_url(partner_uniq_key="m1", platform=cast(Any, "tv"))),
        ("paySuccess", lambda: GATEWAY.home_url(partner_uniq_key="m1", pay_success="/paid")),
        ("subPartnerId", lambda: GATEWAY.home_url(partner_uniq_key="m1", sub_partner_id=" ")),
        ("subPartnerId", lambda: GATEWAY.url("policy", NUMBER, sub_partner_id="7")),
        ("extra", lambda: GATEWAY.home_url(partner_uniq_key="m1", extra={"sign": "1"})),
        ("page", lambda: GATEWAY.url("tv")),
        ("reference", lambda: GATEWAY.url("home", CODE)),
        ("partnerId", lambda: Gateway("", "Key")),
        ("api_key", lambda: Gateway("12345", "")),
        ("base_url", lambda: Gateway("12345", "Key", base_url="gateway")),
    ],
)
def test_a_gateway_error_has_its_parameter(parameter: str, call: Callable[[], object]) -> None:
    with pytest.raises(GatewayError) as raised:
        call()
    assert raised.value.parameter == parameter


@pytest.mark.parametrize(
    ("argument", "source"),
    [
        ("page", "{{ xiebao_link(nothing) }}"),
        ("page", '{{ xiebao_entry(nothing, "1") }}'),
        ("page", '{{ xiebao_entry("tv") }}'),
        ("reference", "{{ insurance_entry(nothing) }}"),
        ("return_to", '{{ insurance_entry("1", return_to=nothing) }}'),
        ("size", '{{ insurance_qr("1", size=0) }}'),
        ("memebr", '{{ insurance_entry("1", memebr="m1") }}'),
        ("lable", '{{ insurance_entry("1", lable="Buy") }}'),
        ("href", '{{ insurance_entry("1", href="/") }}'),
        ("colour", "{{ xiebao_link('home', colour='red') }}"),
        ("a b", '{{ insurance_entry("1", **{"a b": 1}) }}'),
    ],
)
def test_an_error_of_a_template_has_its_argument(site: Site, argument: str, source: str) -> None:
    with pytest.raises(LinkError) as raised:
        site.render(source)
    assert raised.value.argument == argument


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("wrong", {"XIEBAO_ENV": "is wrong"}),
        GatewayError("wrong", "caseCode"),
        LinkError("wrong", "member"),
        TokenError("unknown_key"),
        NowhereError("wrong"),
        NotificationError("wrong", "wrong_sign"),
        OrderError("wrong", 5, "不符"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error: XiebaoError) -> None:
    for same in (
        pickle.loads(pickle.dumps(error)),  # noqa: S301 - of our own
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(same) is type(error)
        assert (str(same), vars(same)) == (str(error), vars(error))


def test_a_refusal_of_init_app_reaches_another_process_without_the_app() -> None:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="prod")
    with pytest.raises(ConfigError) as raised:
        Xiebao(app)
    for same in (pickle.loads(pickle.dumps(raised.value)), copy.deepcopy(raised.value)):  # noqa: S301
        assert (str(same), same.problems) == (str(raised.value), raised.value.problems)
        assert same.app is None
