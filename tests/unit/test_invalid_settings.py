"""Tests for the errors about invalid and missing settings.

To test another invalid value, add it to ``INVALID_SETTINGS``. A new setting also needs an invalid
value in ``ALL_INVALID``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from flask_xiebao import ConfigError
from flask_xiebao.app.settings import Settings
from tests.support import (
    API_KEY,
    SETTING_NAMES,
    failing_function,
    find_leaks,
    format_error_report,
    make_site,
)
from tests.unit.support import REQUIRED, make_settings, short_id

_EMPTY = "is empty or contains only whitespace. Provide a value"
_COPY = (
    "is empty, has leading or trailing whitespace, or contains an unprintable character .* again"
)
_TYPE = "must be a string or an integer, got"
_URL = "must be an absolute http:// or https:// URL"
_END = 'must not contain "[?]", "#", "@", .* or a space. Remove any query, fragment or credentials'

#: One row per problem: the names of the settings without ``XIEBAO_``, a pattern for the beginning
#: of the error message, and the values that have this problem.
INVALID_SETTINGS: list[tuple[str, str, list[Any]]] = [
    # The error messages about missing credentials contain the names from the interface document.
    ("PARTNER_ID", r"is not set\. Set it to the .*渠道账号, partnerId", [None]),
    ("API_KEY", r"is not set\. Set it to the .*apiKey", [None]),
    ("PARTNER_ID", _EMPTY, [""]),
    ("PARTNER_ID SUB_PARTNER_ID", _EMPTY, ["  "]),
    (
        "PARTNER_ID SUB_PARTNER_ID",
        r"contains the unprintable character U\+000A. Remove this character",
        ["123\n45"],
    ),
    (
        "PARTNER_ID SUB_PARTNER_ID",
        "has leading or trailing whitespace. Remove the whitespace",
        [" 12345", "12345 "],
    ),
    # Flask parses the text of an environment variable as JSON, so the value of a setting can be one
    # of these numbers instead of a string.
    (
        "PARTNER_ID SUB_PARTNER_ID API_KEY MEMBER_SECRET",
        "must be a string or an integer, got a float that may have lost digits. "
        r".*`FLASK_XIEBAO_SETTING='\"value\"'`",
        [1e5, 0.5, float("inf"), float("nan")],
    ),
    ("PARTNER_ID SUB_PARTNER_ID", _TYPE, [True, b"12345", ["12345"]]),
    ("API_KEY", _COPY, ["", " ", f"{API_KEY}\n", f" {API_KEY}", f"{API_KEY} ", f"{API_KEY}\u200b"]),
    ("API_KEY", _TYPE, [True, API_KEY.encode(), [API_KEY]]),
    (
        "MEMBER_SECRET",
        "must have at least 32 characters, got 31. Generate a value with",
        ["x" * 31],
    ),
    ("MEMBER_SECRET", _COPY, ["", " " * 40, f"{API_KEY}{API_KEY}\n"]),
    ("MEMBER_SECRET", _TYPE, [API_KEY.encode() * 2]),
    (
        "ENV",
        'must be "test" or "production", got ',
        ["", "Production", "test ", True, 1, ["test"]],
    ),
    ("ENV", "must be .*, got 'prod'", ["prod"]),
    ("BASE_URL", _EMPTY, [""]),
    ("BASE_URL", _URL, ["//gateway.example", "ftp://gateway.example", "https://"]),
    ("BASE_URL", _URL, ["http://<script>"]),
    (
        "BASE_URL",
        'must be an .* URL, or a path of this site such as "/gateway", got .gateway.',
        ["gateway"],
    ),
    ("BASE_URL", 'must be an .* URL, or a path of this site such as "/gateway", got .5.', [5]),
    ("BASE_URL", _END, ["https://gateway.example?x=1", "/gateway#x", "/gate@way"]),
    (
        "BASE_URL",
        'must not end with .* Use "https://gateway.example" instead',
        ["https://gateway.example/dispatch/cps"],
    ),
    ("BASE_URL", 'must not end with .* Use "/gateway" instead', ["/gateway/dispatch/cps"]),
    (
        "BASE_URL PUBLIC_URL",
        "must not contain a user name or password before the host",
        ["https://u:p@shop.example"],
    ),
    (
        "PUBLIC_URL",
        _URL,
        [
            *("/shop", "//shop.example", "ftp://shop.example", "https://", 5),
            *("https://shop..example", f"https://{'shop' * 16}.example"),
        ],
    ),
    ("PUBLIC_URL", f'{_URL} such as "https://shop.example", got .shop.', ["shop"]),
    (
        "PUBLIC_URL",
        _END,
        ["https://shop.example?x=1", "https://shop.example/#x", "https://shop.example/@x"],
    ),
    (
        "EXTRA",
        "must be a mapping of parameter names to values",
        ["hidenav=1", "", [], [["hidenav", "1"]], True, 5],
    ),
    (
        "EXTRA",
        "must not contain 'sign', which is a parameter in Xiebao's interface",
        [{"sign": "x"}],
    ),
    (
        "EXTRA",
        "must not contain 'PLATFORM', which is a parameter in Xiebao's interface",
        [{"PLATFORM": 1}],
    ),
    ("EXTRA", rf"has an invalid value. The value of 'hidenav' {_TYPE}", [{"hidenav": True}]),
    (
        "URL_PREFIX",
        'must be a path such as "/xiebao" and not only "/", got',
        [
            *("", "/", "/..", "/.", "/shop/..", "/../shop", "xiebao"),
            *("/x y", "/<lang>", "/x//y", "/x\n", "/保险", 5, True),
        ],
    ),
    (
        "LOGIN_VIEW",
        'must be an endpoint such as "auth.login" and not a path, got',
        ["", " ", "/login", "https://shop.example/login", 5, True],
    ),
    (
        "HANDOFF_MAX_AGE",
        "must be an integer number of seconds from 1 to 1,000,000,000",
        [
            *(0, -1, "0", "-1", "", "soon", "1.5", 1.5, 300.0, True, [300]),
            *("9" * 5000, 2 * 10**9),
        ],
    ),
    (
        "APP_USER_AGENT",
        "is not a valid regular expression: ",
        [
            *("(", "*", "[", "a{99999999999999999999}"),
            "(" * 3000 + ")" * 3000,
            "[[a]",  # Python issues a FutureWarning for this regular expression.
        ],
    ),
    (
        "APP_USER_AGENT",
        r'must have at most two quantifiers such as "\+" or "\*", and none after a group',
        [
            *(r"(\w+)+/ShopApp", "(a+)+$", r"ShopApp/(\d+)+$", "(Shop|ShopApp|App)+$"),
            *(r"(?:[\w.-]+/[\w.-]+ ?)+ShopApp", r"(?:\(.*?\) ?)+ShopApp", r"^(\w+=\w+;?)+$"),
            *(r"^Mozilla/5\.0( \(.*\)| \S+/\S+)* ShopApp/", "(?:[^\x00-\x7f]+)+App/", "(a|a){30}b"),
            *(r"\(.*;.*;.*\) ShopApp", ".*Shop.*App.*iPhone", r"[^])]+\w{2,}\d{10}x"),
        ],
    ),
    (
        "APP_USER_AGENT",
        "must be a regular expression that does not match an empty User-Agent",
        ["", ".*", "x?", "(?:)", re.compile("$"), re.compile(b"Shop"), b"Shop", 5, list[str]()],
    ),
    (
        "NOTIFY_TOKEN",
        "must have at least 26 characters",
        [API_KEY, "", f"{API_KEY}x/", "é" * 30, f"{API_KEY} x y", 10**30],
    ),
    ("LOOK", 'must be "button" or "own"', ["card", "", "Own", True]),
    ("LOCALE", 'must be "en" or "zh"', ["fr", "", "ZH", "zh-CN", True, ["zh"]]),
    (
        "TEXTS",
        r'must be a mapping such as \{"product.label": "立即投保"\}, got',
        ["立即投保", "", 5, True, ["product.label"], [("product.label", "立即投保")]],
    ),
    (
        "TEXTS",
        r'has the unknown text key .product.lable.\. Did you mean "product.label"\?',
        [{"product.lable": "x"}],
    ),
    ("TEXTS", 'must have a non-blank text for "home.label"', [{"home.label": " "}]),
    ("TEXTS", "has the unknown text key 'simulator.title'", [{"simulator.title": "x"}]),
    (
        "TEXTS",
        "has the unknown text key '保险'. See the list of keys in the manual",
        [{"保险": "x"}],
    ),
    (
        "TEXTS",
        'has a text for "home.label" in the unknown locale .* Use one of .en., .zh.',
        [{"home.label": {locale: "x"}} for locale in ("fr", "zh-CN", "", 5)],
    ),
    (
        "TEXTS",
        'must have a string for "home.label", got',
        [{"home.label": bad} for bad in (5, None, b"x", ["x"], {"zh": 5}, {"en": None})],
    ),
    (
        "TEXTS",
        r'may use only the placeholders \{insurer\} in "card.insurer", got .* Write "\{\{"',
        [
            {"card.insurer": bad}
            for bad in (
                *(
                    "{company}",
                    "{}",
                    "{0}",
                    "{insurer",
                    "insurer}",
                    "{insurer.name}",
                    "{insurer[0]}",
                ),
                *("{insurer:>9}", "{insurer!r}", {"zh": "{insurer}", "en": "{company}"}),
            )
        ],
    ),
    (
        "DEVICE_MARKUP ENABLED STRICT",
        "must be True or False, got",
        ["", "maybe", "of", 2, -1, list[str](), "none", Decimal("1")],
    ),
]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (setting, value, message)
        for settings, message, values in INVALID_SETTINGS
        for setting in settings.split()
        for value in values
    ],
    ids=short_id,
)
def test_invalid_setting_raises_config_error_without_key(
    setting: str, value: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        make_site(**{**REQUIRED, f"XIEBAO_{setting}": value})
    [(name, problem)] = error.value.problems.items()
    assert name == f"XIEBAO_{setting}"
    assert re.match(message.replace("SETTING", setting), problem)
    # If the API key in an environment variable is 1e5, Flask parses it as the number 100000, so the
    # error report must not contain this number either.
    assert find_leaks(format_error_report(error.value), API_KEY, "100000") == []


def test_unreadable_config_raises_config_error_without_its_message() -> None:
    class UnreadableConfig(dict[str, Any]):
        get = failing_function(PermissionError(f"no entry for {API_KEY}"))

    with pytest.raises(
        ConfigError, match=r"app\.config cannot be read because of the exception PermissionError"
    ) as error:
        Settings.from_config(UnreadableConfig())
    assert API_KEY not in format_error_report(error.value)


#: An invalid value for each setting, in the order in which ``ConfigError`` lists the settings.
ALL_INVALID: dict[str, Any] = {
    "XIEBAO_PARTNER_ID": "",
    "XIEBAO_API_KEY": 1.5,
    "XIEBAO_SUB_PARTNER_ID": " ",
    "XIEBAO_ENV": "prod",
    "XIEBAO_BASE_URL": "gateway",
    "XIEBAO_EXTRA": "hidenav",
    "XIEBAO_URL_PREFIX": "/",
    "XIEBAO_PUBLIC_URL": "shop.example",
    "XIEBAO_LOGIN_VIEW": "/login",
    "XIEBAO_HANDOFF_MAX_AGE": 0,
    "XIEBAO_APP_USER_AGENT": "(",
    "XIEBAO_MEMBER_SECRET": "short",
    "XIEBAO_NOTIFY_TOKEN": "short",
    "XIEBAO_LOCALE": "fr",
    "XIEBAO_TEXTS": "x",
    "XIEBAO_LOOK": "card",
    "XIEBAO_DEVICE_MARKUP": "maybe",
    "XIEBAO_ENABLED": "maybe",
    "XIEBAO_STRICT": "maybe",
}
_MISSING = {"XIEBAO_PARTNER_ID": None, "XIEBAO_API_KEY": None}


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (ALL_INVALID, list(ALL_INVALID)),
        ({"XIEBAO_LOCALE": "fr"}, ["XIEBAO_LOCALE", *REQUIRED]),
        ({}, list(REQUIRED)),
        (_MISSING, list(REQUIRED)),
        ({**_MISSING, "XIEBAO_PARTNER_ID": "12345"}, ["XIEBAO_API_KEY"]),
        # An invalid setting is an error even if the extension is disabled.
        ({**REQUIRED, "XIEBAO_ENABLED": False, "XIEBAO_LOCALE": "fr"}, ["XIEBAO_LOCALE"]),
    ],
    ids=["all invalid", "invalid and missing", "empty config", "None", "one missing", "disabled"],
)
def test_config_error_lists_all_invalid_and_missing_settings(
    config: dict[str, Any], names: list[str]
) -> None:
    assert ALL_INVALID.keys() ^ set(SETTING_NAMES) == set(), "Change these names in ALL_INVALID."
    with pytest.raises(ConfigError) as error:
        Settings.from_config(config)
    assert list(error.value.problems) == names
    headline, *lines = str(error.value).splitlines()
    assert headline == "Flask-Xiebao is not configured correctly:"
    assert lines == [f"{name} {problem}" for name, problem in error.value.problems.items()]


@pytest.mark.parametrize(
    "base_url", ["http://gateway.example", "/gateway", "HTTP://gateway.example"]
)
def test_production_requires_https_base_url(base_url: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_settings(XIEBAO_ENV="production", XIEBAO_BASE_URL=base_url)
    assert error.value.problems == {
        "XIEBAO_BASE_URL": f'must begin with "https://" in production, got {base_url!r}.'
        " Remove XIEBAO_BASE_URL to use Xiebao's own gateway."
    }
    assert make_settings(XIEBAO_ENV="test", XIEBAO_BASE_URL=base_url).base_url == base_url
