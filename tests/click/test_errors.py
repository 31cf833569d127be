"""Errors as data: what is wrong can be read without reading the message."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, cast

import pytest
from flask import Flask

from flask_xiebao import (
    ConfigError,
    Entry,
    Gateway,
    GatewayError,
    LinkError,
    NotificationError,
    OrderError,
    Xiebao,
    XiebaoError,
)
from flask_xiebao.errors import NowhereError, TokenError
from tests.support import CODE, CONFIG, LIVE, NUMBER, MakeSite, Site

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
    ("argument", "page", "options"),
    [
        ("page", "tv", {}),
        ("reference", "product", {"reference": ""}),
        ("reference", "home", {"reference": CODE}),
        ("member", "home", {"member": "two\nlines"}),
        ("member", "home", {"member": ["m1"]}),
        ("sub_partner_id", "policy", {"reference": NUMBER, "member": "m1", "sub_partner_id": "7"}),
        ("sub_partner_id", "home", {"sub_partner_id": " "}),
        ("platform", "home", {"platform": "pc"}),
        ("platform", "home", {"platform": "tv"}),
        ("return_to", "home", {"return_to": "//evil.example"}),
        ("return_to", "home", {"return_to": "/" + "x" * 1500}),
        ("reference", "product", {"reference": "x" * 1500}),
        ("reference", "product", {"reference": "x" * 1000, "return_to": "/" + "x" * 500}),
        ("return_to", "product", {"reference": "x" * 600, "return_to": "/" + "保" * 300}),
        ("sub_partner_id", "home", {"sub_partner_id": "x" * 1500}),
        ("no_login_for", "home", {"no_login_for": 60}),
        ("no_login_for", "home", {"member": "m1", "no_login_for": 0}),
    ],
)
def test_a_link_error_has_its_argument(
    site: Site, argument: str, page: str, options: dict[str, Any]
) -> None:
    with site.app.test_request_context(), pytest.raises(LinkError) as raised:
        site.xiebao.link(page, **options)
    assert raised.value.argument == argument


def test_a_member_from_the_loader_that_is_none_has_its_argument(site: Site) -> None:
    site.log_in(["m1"])
    with site.app.test_request_context(), pytest.raises(LinkError) as raised:
        site.xiebao.policy_link(NUMBER)
    assert raised.value.argument == "member"


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


def test_a_host_that_nobody_vouches_for_is_about_external(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    with site.app.test_request_context(), pytest.raises(LinkError) as raised:
        site.xiebao.home_link(member="m1", external=True)
    assert raised.value.argument == "external"


def test_a_config_error_has_the_problem_of_each_setting() -> None:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="prod", XIEBAO_API_KEY=" ", XIEBAO_HANDOFF_MAX_AGE=0)
    with pytest.raises(ConfigError) as raised:
        Xiebao(app)
    assert raised.value.problems.keys() == {
        "XIEBAO_ENV",
        "XIEBAO_API_KEY",
        "XIEBAO_HANDOFF_MAX_AGE",
    }
    env = raised.value.problems["XIEBAO_ENV"]
    assert env == """must be "test" or "production", not 'prod'."""
    assert f"XIEBAO_ENV {env}" in str(raised.value).splitlines()
    assert raised.value.app is app


def test_a_secret_key_that_is_missing_is_a_problem_of_that_setting(site: Site) -> None:
    site.app.config["SECRET_KEY"] = None
    with site.app.test_request_context(), pytest.raises(ConfigError) as raised:
        site.xiebao.home_link()
    assert list(raised.value.problems) == ["SECRET_KEY"]


def test_a_login_view_that_is_not_there_is_a_problem_of_that_setting(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="auth.login")
    with pytest.raises(ConfigError) as raised:
        site.follow(site.link("home"))
    assert list(raised.value.problems) == ["XIEBAO_LOGIN_VIEW"]


def test_what_is_about_no_setting_has_no_problems(site: Site) -> None:
    with pytest.raises(ConfigError) as raised:
        Xiebao(site.app)
    assert raised.value.problems == {}


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


def test_an_entry_names_what_is_wrong_with_it() -> None:
    with pytest.raises(LinkError) as raised:
        Entry("home", member="m1", no_login_for=-1)
    assert raised.value.argument == "no_login_for"
