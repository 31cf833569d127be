"""Tests for valid settings, in ``app.config`` and in environment variables.

To test another valid value, add a row to ``VALID_SETTINGS`` or ``ENVIRONMENT_VARIABLES``. Invalid
values are in ``test_invalid_settings.py``.
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
from tests.unit.support import REQUIRED, make_settings, short_id

#: The default values of all optional settings.
DEFAULTS = {
    **{"sub_partner_id": "", "url_prefix": "/xiebao", "handoff_max_age": 300},
    **{"device_markup": True, "enabled": True, "look": "button"},
    **dict.fromkeys(("env", "base_url", "extra", "public_url", "login_view", "app_user_agent")),
    **dict.fromkeys(("member_secret", "notify_token", "locale", "texts", "strict")),
}


@pytest.mark.parametrize("config", [{}, dict.fromkeys(set(SETTING_NAMES) - REQUIRED.keys())])
def test_missing_setting_has_default(config: dict[str, None]) -> None:
    tested_names = {*map(get_setting_name, DEFAULTS), *REQUIRED}
    assert tested_names ^ set(SETTING_NAMES) == set(), "Change these settings in DEFAULTS."
    settings = make_settings(**config)
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert (settings.partner_id, settings.api_key.reveal()) == ("12345", API_KEY)


_DIGITS = "12345678901234567890123456789012"
#: One row per valid value: the name of the setting without ``XIEBAO_``, the value, and the parsed
#: value.
VALID_SETTINGS = [
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
    # A setting may be a lazy proxy of a string.
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


def get_setting_value(settings: Settings, name: str) -> object:
    """Return the value of a setting. If the value is a ``Secret``, return its text."""
    value = getattr(settings, name.lower())
    return value.reveal() if isinstance(value, Secret) else value


@pytest.mark.parametrize(("setting", "value", "expected"), VALID_SETTINGS, ids=short_id)
def test_valid_setting_is_parsed(setting: str, value: object, expected: object) -> None:
    parsed = get_setting_value(make_settings(**{f"XIEBAO_{setting}": value}), setting)
    assert parsed == expected
    assert type(parsed) is type(expected) or setting == "EXTRA"


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
def test_gateway_url_depends_on_env_and_base_url(
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
def test_changed_settings_are_found(config: dict[str, Any], names: list[str]) -> None:
    assert sorted(make_settings().find_changed_setting_names(make_settings(**config))) == names
    assert make_settings(**config).find_changed_setting_names(make_settings(**config)) == []


@pytest.mark.parametrize("enabled", [False, "false", 0])
def test_disabled_site_needs_no_credentials(enabled: object) -> None:
    assert Settings.from_config({"XIEBAO_ENABLED": enabled}).enabled is False


# Settings in environment variables. Flask parses the variables as JSON, and keeps invalid JSON as a
# string.


#: One row per environment variable: the name without ``FLASK_XIEBAO_``, the text, and the parsed
#: value.
ENVIRONMENT_VARIABLES = [
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


@pytest.mark.parametrize(("variable", "text", "expected"), ENVIRONMENT_VARIABLES, ids=short_id)
def test_environment_variable_is_parsed(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, expected: object
) -> None:
    for name, value in {**REQUIRED, f"XIEBAO_{variable}": text}.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    app = Flask("shop")
    app.config.from_prefixed_env()
    parsed = get_setting_value(Settings.from_config(app.config), variable.partition("__")[0])
    assert parsed == expected
    assert type(parsed) is type(expected) or variable.startswith("EXTRA")


# The warning about a missing ``XIEBAO_ENV``


@pytest.mark.parametrize(
    ("config", "warning_count"),
    [
        ({}, 1),
        ({"TESTING": True}, 0),
        ({"DEBUG": True}, 0),
        ({"XIEBAO_ENV": "test"}, 0),
        ({"XIEBAO_ENV": "production"}, 0),
        ({"XIEBAO_ENABLED": False}, 0),
    ],
)
def test_deployed_site_without_env_setting_warns_once(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    warning_count: int,
) -> None:
    site = make_site(**{"TESTING": False, **config})
    for _ in range(2):
        site.follow("/")
    warnings = [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ]
    assert len(warnings) == warning_count
    for text in ("XIEBAO_ENV is not set", "TEST gateway", '"production"'):
        assert all(text in warning for warning in warnings)
