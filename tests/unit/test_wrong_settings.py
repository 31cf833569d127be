"""What is said of settings that are wrong or missing, of all of them at once, without the key.

A way in which a setting can be wrong is a row of :data:`WRONG`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import ConfigError, Xiebao
from flask_xiebao.app.settings import Settings
from tests.support import KEY, SETTINGS
from tests.unit.support import REQUIRED, problems, reported, settings, short

_EMPTY = "is empty: give it a value"
_TYPE = "must be text or a whole number, not"
_DECIMAL = r"was read as a decimal number and may have lost digits: .* FLASK_XIEBAO_\w+='\"…\"'"
_SECONDS = "must be a positive whole number of seconds"
_PATTERN = "must be a regular expression that names the app, such as ShopApp/"
_SWITCH = "must be true or false"
_URL = "must be an absolute http:// or https:// URL"

WRONG = [
    *[
        (setting, bad, words)
        for setting in ("PARTNER_ID", "SUB_PARTNER_ID")
        for bad, words in [
            ("  ", _EMPTY),
            ("123\n45", r"has U\+000A, a character that cannot be printed: remove it"),
            (" 12345", "has spaces at its ends: remove them"),
            ("12345 ", "has spaces at its ends: remove them"),
            (1e5, _DECIMAL),
            (True, _TYPE),
            (b"12345", _TYPE),
            (["12345"], _TYPE),
        ]
    ],
    ("PARTNER_ID", "", _EMPTY),
    *[
        ("API_KEY", bad, "is empty, or has line breaks, or spaces at its ends: copy it again")
        for bad in ("", " ", f"{KEY}\n", f" {KEY}", f"{KEY} ", f"{KEY}\u200b")
    ],
    *[
        ("MEMBER_SECRET", bad, words)
        for bad, words in (
            ("x" * 31, "must have 32 characters or more, not 31. Make one with"),
            *(
                (bad, "is empty, or has line breaks, or spaces at its ends: copy it again")
                for bad in ("", " " * 40, f"{KEY}{KEY}\n")
            ),
            *((1e5, _DECIMAL), (KEY.encode() * 2, _TYPE)),
        )
    ],
    ("API_KEY", 1e5, _DECIMAL),
    *[("API_KEY", bad, _TYPE) for bad in (True, KEY.encode(), [KEY])],
    *[
        ("ENV", bad, f'must be "test" or "production", not {re.escape(repr(bad))}')
        for bad in ("prod", "", "Production", "test ", True, 1, ["test"])
    ],
    *[
        ("BASE_URL", bad, _URL)
        for bad in ("//gateway.example", "ftp://gateway.example", "https://", "http://<script>")
    ],
    *[
        (
            "BASE_URL",
            bad,
            f"must be an .* URL, or a path of this site such as /gateway, not '{bad}'",
        )
        for bad in ("gateway", 5)
    ],
    *[
        ("BASE_URL", bad, "must end with its path: no query, fragment or credentials")
        for bad in (
            "https://gateway.example?x=1",
            "/gateway#x",
            "/gate@way",
        )
    ],
    ("BASE_URL", "", _EMPTY),
    *[
        ("EXTRA", bad, "must be a mapping of parameter names to values")
        for bad in ("hidenav=1", "", [], [["hidenav", "1"]], True, 5)
    ],
    ("EXTRA", {"sign": "x"}, "must not set sign, which the document defines"),
    ("EXTRA", {"PLATFORM": 1}, "must not set PLATFORM, which the document defines"),
    ("EXTRA", {"hidenav": True}, rf"has a wrong value: 'hidenav' {_TYPE}"),
    *[
        ("URL_PREFIX", bad, "must be a path such as /xiebao, and not / alone")
        for bad in (
            "",
            "/",
            "/..",
            "/.",
            "/shop/..",
            "/../shop",
            "xiebao",
            "/x y",
            "/<lang>",
            "/x//y",
            "/x\n",
            "/保险",
            5,
            True,
        )
    ],
    *[
        ("PUBLIC_URL", bad, _URL)
        for bad in ("shop.example", "/shop", "//shop.example", "ftp://shop.example", "https://", 5)
    ],
    *[
        ("PUBLIC_URL", bad, "must end with its path: no query, fragment or credentials")
        for bad in (
            "https://shop.example?x=1",
            "https://shop.example/#x",
            "https://shop.example/@x",
        )
    ],
    *[
        (setting, "https://u:p@shop.example", "must have no user name or password before its host")
        for setting in ("BASE_URL", "PUBLIC_URL")
    ],
    *[
        ("BASE_URL", f"{base}/dispatch/cps", f"must be what stands before .*: {base}")
        for base in ("https://gateway.example", "/gateway")
    ],
    ("PUBLIC_URL", "https://shop..example", ""),
    ("PUBLIC_URL", f"https://{'shop' * 16}.example", ""),
    *[
        ("LOGIN_VIEW", bad, 'must be an endpoint such as "auth.login", not a path')
        for bad in ("", " ", "/login", "https://shop.example/login", 5, True)
    ],
    *[
        ("HANDOFF_MAX_AGE", bad, _SECONDS)
        for bad in (
            *(0, -1, "0", "-1", "", "soon", "1.5", 1.5, 300.0, True, [300]),
            *("9" * 5000, 2 * 10**9),
        )
    ],
    *[
        ("APP_USER_AGENT", bad, "is not a valid regular expression: ")
        for bad in (
            *("(", "*", "[", "a{99999999999999999999}"),
            "(" * 3000 + ")" * 3000,
            "[[a]",  # Python warns of it, and warnings are errors here
        )
    ],
    *[
        ("APP_USER_AGENT", bad, "may backtrack: ")
        for bad in (
            *(r"(\w+)+/ShopApp", "(a+)+$", r"ShopApp/(\d+)+$", "(Shop|ShopApp|App)+$"),
            *(r"(?:[\w.-]+/[\w.-]+ ?)+ShopApp", r"(?:\(.*?\) ?)+ShopApp", r"^(\w+=\w+;?)+$"),
            *(r"^Mozilla/5\.0( \(.*\)| \S+/\S+)* ShopApp/", "(?:[^\x00-\x7f]+)+App/", "(a|a){30}b"),
            *(r"\(.*;.*;.*\) ShopApp", ".*Shop.*App.*iPhone", r"[^])]+\w{2,}\d{10}x"),
        )
    ],
    *[
        ("APP_USER_AGENT", bad, _PATTERN)
        for bad in (
            "",
            ".*",
            "x?",
            "(?:)",
            re.compile("$"),
            re.compile(b"Shop"),
            b"Shop",
            5,
            list[str](),
        )
    ],
    *[("LOCALE", bad, 'must be "en" or "zh"') for bad in ("fr", "", "ZH", "zh-CN", True, ["zh"])],
    *[
        ("TEXTS", bad, r'must be a mapping such as \{"product.label": "立即投保"\}, not')
        for bad in ("立即投保", "", 5, True, ["product.label"], [("product.label", "立即投保")])
    ],
    ("TEXTS", {"product.lable": "x"}, "has no text 'product.lable': did you mean product.label"),
    ("TEXTS", {"home.label": " "}, "must say something in home.label"),
    ("TEXTS", {"simulator.title": "x"}, "has no text 'simulator.title'"),
    ("TEXTS", {"保险": "x"}, "has no text '保险'; the manual lists what there is"),
    *[
        (
            "TEXTS",
            {"home.label": {locale: "x"}},
            "has words of home.label for .*, but the locales are",
        )
        for locale in ("fr", "zh-CN", "", 5)
    ],
    *[
        ("TEXTS", {"home.label": bad}, "must have text for home.label, not")
        for bad in (5, None, b"x", ["x"], {"zh": 5}, {"en": None})
    ],
    *[
        ("TEXTS", {"card.insurer": bad}, r"may have only \{insurer\} in braces in card.insurer")
        for bad in (
            *("{company}", "{}", "{0}", "{insurer", "insurer}", "{insurer.name}", "{insurer[0]}"),
            *("{insurer:>9}", "{insurer!r}", {"zh": "{insurer}", "en": "{company}"}),
        )
    ],
    *[
        (setting, bad, _SWITCH)
        for setting in ("DEVICE_MARKUP", "ENABLED", "STRICT")
        for bad in ("", "maybe", "of", 2, -1, list[str](), "none", Decimal("1"))
    ],
]


@pytest.mark.parametrize(("setting", "value", "words"), WRONG, ids=short)
def test_a_wrong_setting_is_named_with_what_it_should_be_and_no_key_is_reported(
    setting: str, value: object, words: str
) -> None:
    app = Flask("shop")
    app.config.update({**REQUIRED, f"XIEBAO_{setting}": value})
    with pytest.raises(ConfigError) as raised:
        Xiebao(app)
    [(name, problem)] = problems(raised.value).items()
    assert name == f"XIEBAO_{setting}"
    assert re.match(words, problem)
    assert KEY not in reported(raised.value)
    assert "100000" not in reported(raised.value), "a key that was read as a decimal number"


def test_a_config_that_cannot_be_read_is_an_error_without_what_it_says() -> None:
    class Vault(dict[str, Any]):
        def get(self, name: str, default: object = None) -> object:
            raise PermissionError(f"no {name} for {KEY}")

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
            "XIEBAO_BASE_URL": "must begin with https:// in production."
        }
        assert settings(XIEBAO_ENV="test", XIEBAO_BASE_URL=base_url).base_url == base_url
