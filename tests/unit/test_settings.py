"""Settings that are right: what is read, from ``app.config`` and from the environment.

One that is right is a row of :data:`RIGHT`; one that is wrong is in ``test_wrong_settings.py``.
"""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_xiebao.app.settings import Settings, get_setting_name
from flask_xiebao.gateway.values import Secret
from tests.support import API_KEY, SETTING_NAMES, MakeSite
from tests.unit.support import REQUIRED, settings, short

DEFAULTS = {
    **{"sub_partner_id": "", "url_prefix": "/xiebao", "handoff_max_age": 300},
    **{"device_markup": True, "enabled": True, "look": "button"},
    **dict.fromkeys(("env", "base_url", "extra", "public_url", "login_view", "app_user_agent")),
    **dict.fromkeys(("member_secret", "notify_token", "locale", "texts", "strict")),
}


@pytest.mark.parametrize("config", [{}, dict.fromkeys(set(SETTING_NAMES) - REQUIRED.keys())])
def test_what_is_not_set_or_none_has_its_default(config: dict[str, None]) -> None:
    assert {*map(get_setting_name, DEFAULTS), *REQUIRED} == set(SETTING_NAMES)
    found = settings(**config)
    assert {name: getattr(found, name) for name in DEFAULTS} == DEFAULTS
    assert (found.partner_id, found.api_key.reveal()) == ("12345", API_KEY)


_DIGITS = "12345678901234567890123456789012"
#: A setting, what it is set to, and what is read.
RIGHT = [
    ("PARTNER_ID", 1039147, "1039147"),
    ("API_KEY", 678, "678"),
    ("SUB_PARTNER_ID", 7, "7"),
    ("SUB_PARTNER_ID", "", ""),
    ("BASE_URL", "https://gateway.example/x", "https://gateway.example/x"),
    ("EXTRA", {"hidenav": 1, "toLogin": "是"}, {"hidenav": "1", "toLogin": "是"}),
    ("EXTRA", {}, {}),
    ("URL_PREFIX", "/insurance/cps/", "/insurance/cps"),
    ("PUBLIC_URL", "https://shop.example/", "https://shop.example"),
    ("PUBLIC_URL", "http://shop.example:8080/mall/", "http://shop.example:8080/mall"),
    ("LOGIN_VIEW", "auth.login", "auth.login"),
    *[("HANDOFF_MAX_AGE", seconds, 60) for seconds in (60, "60")],
    ("MEMBER_SECRET", int(_DIGITS), _DIGITS),
    ("LOCALE", "en", "en"),
    # Text may be a lazy proxy.
    *[
        (setting, LocalProxy(partial(str, text)), text)
        for setting, text in (("PARTNER_ID", "12345"), ("ENV", "production"), ("LOGIN_VIEW", "in"))
    ],
    *[
        (switch, word, True)
        for switch in ("ENABLED", "STRICT", "DEVICE_MARKUP")
        for word in ("on", "ON", "yes", "true", "True", "1", 1, True)
    ],
    *[
        (switch, word, False)
        for switch in ("ENABLED", "STRICT", "DEVICE_MARKUP")
        for word in ("off", "Off", "no", "false", "FALSE", "0", 0, False)
    ],
    *[
        ("APP_USER_AGENT", pattern, re.compile(pattern))
        for pattern in (
            *("ShopApp/", r"ShopApp/[\d.]+", r"(?i)\bshopapp\b", r"Shop(App|Lite)/\d+\.\d+"),
            *("(ShopApp)?/3", r"CtripWireless|Ctrip_", r"\(ShopApp\)+", r"[()*+]{1,3}ShopApp"),
            *(r"Shop[^)]+App", r"\[ShopApp\]", r"^Mozilla/5\.0 \([^)]*\) .*ShopApp"),
            *(r"JD4iPhone/\d{1,6}", r"com\.shop\.(ios|android)/\d+"),
        )
    ],
    *[("APP_USER_AGENT", pattern, pattern) for pattern in (re.compile("shopapp", re.IGNORECASE),)],
]


def read(found: Settings, name: str) -> object:
    """Return a setting, even one that is a secret."""
    value = getattr(found, name.lower())
    return value.reveal() if isinstance(value, Secret) else value


@pytest.mark.parametrize(("setting", "value", "expected"), RIGHT, ids=short)
def test_a_right_setting_is_read(setting: str, value: object, expected: object) -> None:
    found = read(settings(**{f"XIEBAO_{setting}": value}), setting)
    assert found == expected
    assert type(found) is type(expected) or setting == "EXTRA"


@pytest.mark.parametrize(
    ("config", "base_url"),
    [
        ({}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "test"}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "production"}, "https://api.xiebao18.com"),
        ({"XIEBAO_BASE_URL": "/gateway/"}, "/gateway"),
        ({"XIEBAO_BASE_URL": "/"}, ""),
        ({"XIEBAO_BASE_URL": "https://g.example", "XIEBAO_ENV": "production"}, "https://g.example"),
    ],
)
def test_the_environment_chooses_the_gateway_and_a_base_url_replaces_it(
    make_site: MakeSite, config: dict[str, str], base_url: str
) -> None:
    site = make_site(**config)
    with site.app.app_context():
        url = site.xiebao.gateway.home_url(partner_uniq_key="7")
    assert url.startswith(f"{base_url}/dispatch/cps/index?")


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, []),
        ({"XIEBAO_PARTNER_ID": 12345, "XIEBAO_LOCALE": None, "XIEBAO_DEVICE_MARKUP": "yes"}, []),
        ({"XIEBAO_API_KEY": "another key"}, ["XIEBAO_API_KEY"]),
        ({"XIEBAO_TEXTS": {"site.name": "Shop"}}, ["XIEBAO_TEXTS"]),
        ({"XIEBAO_APP_USER_AGENT": "ShopApp/"}, ["XIEBAO_APP_USER_AGENT"]),
        (
            {"XIEBAO_ENV": "production", "XIEBAO_MEMBER_SECRET": _DIGITS, "XIEBAO_EXTRA": {"a": 1}},
            ["XIEBAO_ENV", "XIEBAO_EXTRA", "XIEBAO_MEMBER_SECRET"],
        ),
    ],
)
def test_settings_that_differ_are_named(config: dict[str, Any], names: list[str]) -> None:
    assert sorted(settings().find_changed_setting_names(settings(**config))) == names
    assert settings(**config).find_changed_setting_names(settings(**config)) == []


@pytest.mark.parametrize("off", [False, "false", 0])
def test_a_site_that_is_switched_off_needs_no_credentials(off: object) -> None:
    assert Settings.from_config({"XIEBAO_ENABLED": off}).enabled is False


# Variables of the environment, as Flask reads them: JSON where it is JSON, else text.


def from_environment(patch: pytest.MonkeyPatch, **variables: str) -> Settings:
    """Return settings from variables, named without ``FLASK_XIEBAO_``."""
    for name, value in {"PARTNER_ID": "12345", "API_KEY": API_KEY, **variables}.items():
        patch.setenv(f"FLASK_XIEBAO_{name}", value)
    app = Flask("shop")
    app.config.from_prefixed_env()
    return Settings.from_config(app.config)


#: A variable, its text, and what is read.
VARIABLES = [
    ("PARTNER_ID", "1039147", "1039147"),
    ("PARTNER_ID", "0012345", "0012345"),
    ("PARTNER_ID", '"1e5"', "1e5"),
    *[("API_KEY", text, text) for text in (API_KEY, "678", "0678")],
    *[("API_KEY", f'"{text}"', text) for text in ("1e5", "678")],
    ("MEMBER_SECRET", _DIGITS, _DIGITS),
    ("SUB_PARTNER_ID", "", ""),
    ("SUB_PARTNER_ID", "7", "7"),
    ("ENV", "production", "production"),
    ("EXTRA", '{"hidenav": 1, "toLogin": "0"}', {"hidenav": "1", "toLogin": "0"}),
    ("EXTRA__hidenav", "1", {"hidenav": "1"}),
    ("HANDOFF_MAX_AGE", "600", 600),
    ("LOGIN_VIEW", "auth.login", "auth.login"),
    *[
        (switch, text, False)
        for switch in ("ENABLED", "DEVICE_MARKUP")
        for text in ("false", "False", "0")
    ],
    *[("STRICT", text, True) for text in ("true", "True", "1")],
    ("STRICT", "null", None),
]


@pytest.mark.parametrize(("variable", "text", "expected"), VARIABLES, ids=short)
def test_a_variable_of_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, expected: object
) -> None:
    found = read(from_environment(monkeypatch, **{variable: text}), variable.partition("__")[0])
    assert found == expected
    assert type(found) is type(expected) or variable.startswith("EXTRA")


# The warning


@pytest.mark.parametrize(
    ("config", "is_warned"),
    [
        ({}, True),
        ({"TESTING": True}, False),
        ({"DEBUG": True}, False),
        ({"XIEBAO_ENV": "test"}, False),
        ({"XIEBAO_ENV": "production"}, False),
        ({"XIEBAO_ENABLED": False}, False),
    ],
)
def test_a_live_site_that_does_not_say_its_environment_is_warned_once_and_nobody_else_is(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    is_warned: bool,
) -> None:
    site = make_site(**{"TESTING": False, **config})
    site.follow("/")
    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == is_warned
    for said in ("XIEBAO_ENV is not set", "TEST gateway", '"production"'):
        assert all(said in warning for warning in warnings)
