"""What is said of settings that are wrong or missing, of all of them at once, without the key.

A way in which a setting can be wrong is a row of :data:`WRONG`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from flask_xiebao import ConfigError
from flask_xiebao.app.settings import Settings
from tests.support import KEY, SETTINGS, fail_with, make_site, reported
from tests.unit.support import REQUIRED, problems, settings, short

_EMPTY = "is empty: give it a value"
_COPY = "is empty, or has line breaks, or spaces at its ends: copy it again"
_TYPE = "must be text or a whole number, not"
_DECIMAL = r"was read as a decimal number and may have lost digits: .* FLASK_XIEBAO_SETTING='\"…\"'"
#: As Flask reads 1e5, 12e345 and NaN in the environment, which are JSON.
_DECIMALS = [1e5, 0.5, float("inf"), float("nan")]
_URL = "must be an absolute http:// or https:// URL"
_END = "must end with its path: no query, fragment or credentials"
_CREDENTIALS = "must have no user name or password before its host"

#: Settings, what is said of them, and the values of which that is said.
WRONG: list[tuple[str, str, list[Any]]] = [
    ("PARTNER_ID", _EMPTY, [""]),
    ("PARTNER_ID SUB_PARTNER_ID", _EMPTY, ["  "]),
    (
        "PARTNER_ID SUB_PARTNER_ID",
        r"has U\+000A, a character that cannot be printed: remove it",
        ["123\n45"],
    ),
    ("PARTNER_ID SUB_PARTNER_ID", "has spaces at its ends: remove them", [" 12345", "12345 "]),
    ("PARTNER_ID SUB_PARTNER_ID API_KEY MEMBER_SECRET", _DECIMAL, _DECIMALS),
    ("PARTNER_ID SUB_PARTNER_ID", _TYPE, [True, b"12345", ["12345"]]),
    ("API_KEY", _COPY, ["", " ", f"{KEY}\n", f" {KEY}", f"{KEY} ", f"{KEY}\u200b"]),
    ("API_KEY", _TYPE, [True, KEY.encode(), [KEY]]),
    ("MEMBER_SECRET", "must have 32 characters or more, not 31. Make one with", ["x" * 31]),
    ("MEMBER_SECRET", _COPY, ["", " " * 40, f"{KEY}{KEY}\n"]),
    ("MEMBER_SECRET", _TYPE, [KEY.encode() * 2]),
    (
        "ENV",
        'must be "test" or "production", not ',
        ["", "Production", "test ", True, 1, ["test"]],
    ),
    ("ENV", "must be .*, not 'prod'", ["prod"]),
    ("BASE_URL", _EMPTY, [""]),
    ("BASE_URL", _URL, ["//gateway.example", "ftp://gateway.example", "https://"]),
    ("BASE_URL", _URL, ["http://<script>"]),
    (
        "BASE_URL",
        "must be an .* URL, or a path of this site such as /gateway, not 'gateway'",
        ["gateway"],
    ),
    ("BASE_URL", "must be an .* URL, or a path of this site such as /gateway, not '5'", [5]),
    ("BASE_URL", _END, ["https://gateway.example?x=1", "/gateway#x", "/gate@way"]),
    (
        "BASE_URL",
        "must be what stands before .*: https://gateway.example",
        ["https://gateway.example/dispatch/cps"],
    ),
    ("BASE_URL", "must be what stands before .*: /gateway", ["/gateway/dispatch/cps"]),
    ("BASE_URL PUBLIC_URL", _CREDENTIALS, ["https://u:p@shop.example"]),
    (
        "PUBLIC_URL",
        _URL,
        ["/shop", "//shop.example", "ftp://shop.example", "https://", 5],
    ),
    ("PUBLIC_URL", f"{_URL} such as https://shop.example, not 'shop'", ["shop"]),
    (
        "PUBLIC_URL",
        _END,
        ["https://shop.example?x=1", "https://shop.example/#x", "https://shop.example/@x"],
    ),
    ("PUBLIC_URL", "", ["https://shop..example", f"https://{'shop' * 16}.example"]),
    (
        "EXTRA",
        "must be a mapping of parameter names to values",
        ["hidenav=1", "", [], [["hidenav", "1"]], True, 5],
    ),
    ("EXTRA", "must not set sign, which the document defines", [{"sign": "x"}]),
    ("EXTRA", "must not set PLATFORM, which the document defines", [{"PLATFORM": 1}]),
    ("EXTRA", rf"has a wrong value: 'hidenav' {_TYPE}", [{"hidenav": True}]),
    (
        "URL_PREFIX",
        "must be a path such as /xiebao, and not / alone",
        [
            *("", "/", "/..", "/.", "/shop/..", "/../shop", "xiebao"),
            *("/x y", "/<lang>", "/x//y", "/x\n", "/保险", 5, True),
        ],
    ),
    (
        "LOGIN_VIEW",
        'must be an endpoint such as "auth.login", not a path',
        ["", " ", "/login", "https://shop.example/login", 5, True],
    ),
    (
        "HANDOFF_MAX_AGE",
        "must be a positive whole number of seconds",
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
            "[[a]",  # Python warns of it, and warnings are errors here
        ],
    ),
    (
        "APP_USER_AGENT",
        "may backtrack: ",
        [
            *(r"(\w+)+/ShopApp", "(a+)+$", r"ShopApp/(\d+)+$", "(Shop|ShopApp|App)+$"),
            *(r"(?:[\w.-]+/[\w.-]+ ?)+ShopApp", r"(?:\(.*?\) ?)+ShopApp", r"^(\w+=\w+;?)+$"),
            *(r"^Mozilla/5\.0( \(.*\)| \S+/\S+)* ShopApp/", "(?:[^\x00-\x7f]+)+App/", "(a|a){30}b"),
            *(r"\(.*;.*;.*\) ShopApp", ".*Shop.*App.*iPhone", r"[^])]+\w{2,}\d{10}x"),
        ],
    ),
    (
        "APP_USER_AGENT",
        "must be a regular expression that names the app, such as ShopApp/",
        ["", ".*", "x?", "(?:)", re.compile("$"), re.compile(b"Shop"), b"Shop", 5, list[str]()],
    ),
    (
        "NOTIFY_TOKEN",
        "must .*26 characters or more",
        [KEY, "", f"{KEY}x/", "é" * 30, f"{KEY} x y", 10**30],
    ),
    ("LOOK", 'must be "button" or "own"', ["card", "", "Own", True]),
    ("LOCALE", 'must be "en" or "zh"', ["fr", "", "ZH", "zh-CN", True, ["zh"]]),
    (
        "TEXTS",
        r'must be a mapping such as \{"product.label": "立即投保"\}, not',
        ["立即投保", "", 5, True, ["product.label"], [("product.label", "立即投保")]],
    ),
    (
        "TEXTS",
        "has no text 'product.lable': did you mean product.label",
        [{"product.lable": "x"}],
    ),
    ("TEXTS", "must say something in home.label", [{"home.label": " "}]),
    ("TEXTS", "has no text 'simulator.title'", [{"simulator.title": "x"}]),
    ("TEXTS", "has no text '保险'; the manual lists what there is", [{"保险": "x"}]),
    (
        "TEXTS",
        "has words of home.label for .*, but the locales are",
        [{"home.label": {locale: "x"}} for locale in ("fr", "zh-CN", "", 5)],
    ),
    (
        "TEXTS",
        "must have text for home.label, not",
        [{"home.label": bad} for bad in (5, None, b"x", ["x"], {"zh": 5}, {"en": None})],
    ),
    (
        "TEXTS",
        r"may have only \{insurer\} in braces in card.insurer",
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
        "must be true or false",
        ["", "maybe", "of", 2, -1, list[str](), "none", Decimal("1")],
    ),
]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        (setting, value, words)
        for settings, words, values in WRONG
        for setting in settings.split()
        for value in values
    ],
    ids=short,
)
def test_a_wrong_setting_is_named_with_what_it_should_be_and_no_key_is_reported(
    setting: str, value: Any, words: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        make_site(**{**REQUIRED, f"XIEBAO_{setting}": value})
    [(name, problem)] = problems(raised.value).items()
    assert name == f"XIEBAO_{setting}"
    assert re.match(words.replace("SETTING", setting), problem)
    assert KEY not in reported(raised.value)
    assert "100000" not in reported(raised.value), "a key that was read as a decimal number"


def test_a_config_that_cannot_be_read_is_an_error_without_what_it_says() -> None:
    class Vault(dict[str, Any]):
        get = fail_with(PermissionError(f"no entry for {KEY}"))

    said = r"app\.config cannot be read \(PermissionError\)"
    with pytest.raises(ConfigError, match=said) as raised:
        Settings.from_config(Vault())
    assert KEY not in reported(raised.value)


#: Settings that are wrong, or not set, in the order in which an error lists them.
ALL_WRONG: dict[str, Any] = {
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
        (ALL_WRONG, list(ALL_WRONG)),
        ({"XIEBAO_LOCALE": "fr"}, ["XIEBAO_LOCALE", *REQUIRED]),
        ({}, list(REQUIRED)),
        (_MISSING, list(REQUIRED)),
        ({**_MISSING, "XIEBAO_PARTNER_ID": "12345"}, ["XIEBAO_API_KEY"]),
        # A site that is switched off still hears of what is wrong.
        ({**REQUIRED, "XIEBAO_ENABLED": False, "XIEBAO_LOCALE": "fr"}, ["XIEBAO_LOCALE"]),
    ],
    ids=["all", "one and missing", "missing", "none", "one missing", "off"],
)
def test_all_that_is_wrong_or_missing_is_listed_in_one_error(
    config: dict[str, Any], names: list[str]
) -> None:
    assert ALL_WRONG.keys() == set(SETTINGS)
    with pytest.raises(ConfigError) as raised:
        Settings.from_config(config)
    assert list(problems(raised.value)) == names


def test_missing_credentials_are_asked_for_by_the_documents_name() -> None:
    with pytest.raises(ConfigError) as raised:
        Settings.from_config({})
    said = problems(raised.value)
    assert re.fullmatch("is not set: it is the .*渠道账号, partnerId.*", said["XIEBAO_PARTNER_ID"])
    assert re.fullmatch("is not set: it is the .*apiKey.*", said["XIEBAO_API_KEY"])


def test_production_is_https_only() -> None:
    for base_url in ("http://gateway.example", "/gateway", "HTTP://gateway.example"):
        with pytest.raises(ConfigError) as raised:
            settings(XIEBAO_ENV="production", XIEBAO_BASE_URL=base_url)
        assert problems(raised.value) == {
            "XIEBAO_BASE_URL": f"must begin with https:// in production, not {base_url!r}."
            " Remove it to use Xiebao's own gateway."
        }
        assert settings(XIEBAO_ENV="test", XIEBAO_BASE_URL=base_url).base_url == base_url
