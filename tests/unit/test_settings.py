"""The settings: each check by its words, all of them at once, and the environment."""

from __future__ import annotations

import logging
import re
import traceback
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, Xiebao, XiebaoError
from flask_xiebao.app.settings import Settings

# A key that is part of no setting's name, so that it is found wherever it is shown.
KEY = "5e1f-c0nta1ned"
REQUIRED = {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": KEY}


def settings(**config: Any) -> Settings:
    return Settings.from_config({**REQUIRED, **config})


def problems(error: XiebaoError) -> list[str]:
    """Return the lines of *error* below its headline: one a setting."""
    headline, *lines = str(error).splitlines()
    assert headline == "Flask-Xiebao is not configured correctly:"
    return lines


def reported(error: BaseException | None) -> str:
    """Return what an error report shows: messages, and the locals of the package's frames."""
    shown = []
    while error is not None:
        shown.append(str(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                shown += [repr(value) for value in frame.f_locals.values()]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


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
    ("EXTRA", {"hidenav": True}, rf"'hidenav' {_TYPE}"),
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
        ("TEXTS", {"home.label": {locale: "x"}}, "words of home.label for .*, but the locales are")
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


@pytest.mark.parametrize(("setting", "value", "words"), WRONG)
def test_a_wrong_setting_is_named_with_what_it_should_be(
    setting: str, value: object, words: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(**{f"XIEBAO_{setting}": value})
    (problem,) = problems(raised.value)
    assert re.fullmatch(rf"XIEBAO_{setting} ?.*{words}.*", problem)


@pytest.mark.parametrize(("setting", "value", "words"), WRONG)
def test_no_report_of_a_wrong_setting_shows_the_key(
    setting: str, value: object, words: str
) -> None:
    app = Flask("shop")
    app.config.update(REQUIRED)
    app.config[f"XIEBAO_{setting}"] = value
    with pytest.raises(ConfigError) as raised:
        Xiebao(app)
    assert KEY not in reported(raised.value)
    assert "100000" not in reported(raised.value), "a key that was read as a decimal number"


def test_a_config_that_cannot_be_read_is_an_error_without_what_it_says() -> None:
    class Vault(dict[str, Any]):
        def get(self, name: str, default: object = None) -> object:
            raise PermissionError(f"no {name} for {KEY}")

    with pytest.raises(
        ConfigError, match=r"app\.config cannot be read \(PermissionError\)"
    ) as raised:
        Settings.from_config(Vault())
    assert KEY not in reported(raised.value)


def test_the_report_above_would_show_a_key_that_is_a_local_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Xiebao, "__repr__", lambda _: KEY)
    app = Flask("shop")
    app.config.update(REQUIRED, XIEBAO_ENV="prod")
    with pytest.raises(ConfigError) as raised:
        Xiebao(app)
    assert KEY in reported(raised.value)


def test_all_wrong_settings_are_listed_in_one_error() -> None:
    wrong = {
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
        "XIEBAO_LOCALE": "fr",
        "XIEBAO_TEXTS": "x",
        "XIEBAO_DEVICE_MARKUP": "maybe",
        "XIEBAO_ENABLED": "maybe",
        "XIEBAO_STRICT": "maybe",
    }
    with pytest.raises(ConfigError) as raised:
        settings(**wrong)
    assert [problem.split()[0] for problem in problems(raised.value)] == list(wrong)


def test_wrong_settings_and_missing_ones_are_listed_together() -> None:
    with pytest.raises(ConfigError) as raised:
        Settings.from_config({"XIEBAO_LOCALE": "fr"})
    assert [problem.split()[0] for problem in problems(raised.value)] == [
        "XIEBAO_LOCALE",
        "XIEBAO_PARTNER_ID",
        "XIEBAO_API_KEY",
    ]


@pytest.mark.parametrize(
    ("missing", "words"),
    [("XIEBAO_PARTNER_ID", "渠道账号, partnerId"), ("XIEBAO_API_KEY", "apiKey")],
)
@pytest.mark.parametrize("config", [{}, {"XIEBAO_PARTNER_ID": None, "XIEBAO_API_KEY": None}])
def test_missing_credentials_are_asked_for_by_the_documents_name(
    missing: str, words: str, config: dict[str, None]
) -> None:
    given = {name: value for name, value in REQUIRED.items() if name != missing}
    with pytest.raises(ConfigError, match=f"{missing} is not set: it is the .*{words}"):
        Settings.from_config({**config, **given})


def test_defaults() -> None:
    found = settings()
    assert found.partner_id == "12345"
    assert found.api_key.reveal() == KEY
    assert found.sub_partner_id == ""
    assert found.url_prefix == "/xiebao"
    assert found.handoff_max_age == 300
    assert found.device_markup is True
    assert found.enabled is True
    for name in ("env", "base_url", "extra", "public_url", "login_view", "app_user_agent"):
        assert getattr(found, name) is None
    assert found.locale is None
    assert found.strict is None


def test_text_may_be_a_lazy_proxy() -> None:
    said = {"PARTNER_ID": "12345", "ENV": "production", "LOCALE": "en", "LOGIN_VIEW": "login"}
    proxies = {f"XIEBAO_{name}": LocalProxy(partial(str, text)) for name, text in said.items()}
    settings = Settings.from_config({"XIEBAO_API_KEY": "Key", **proxies})
    assert (settings.env, settings.locale, settings.login_view) == ("production", "en", "login")


def test_none_counts_as_not_set() -> None:
    names = [f"XIEBAO_{field.upper()}" for field in Settings.__dataclass_fields__]
    nothing = {name: None for name in names if name not in REQUIRED}
    assert len(nothing) == 16
    given, plain = settings(**nothing), settings()
    for field in Settings.__dataclass_fields__:
        if field != "api_key":
            assert getattr(given, field) == getattr(plain, field)


@pytest.mark.parametrize(
    ("setting", "value", "found"),
    [
        ("PARTNER_ID", 1039147, "1039147"),
        ("SUB_PARTNER_ID", 7, "7"),
        ("SUB_PARTNER_ID", "", ""),
        ("BASE_URL", "https://gateway.example/x", "https://gateway.example/x"),
        ("EXTRA", {"hidenav": 1, "toLogin": "是"}, {"hidenav": "1", "toLogin": "是"}),
        ("EXTRA", {}, {}),
        ("URL_PREFIX", "/insurance/cps/", "/insurance/cps"),
        ("PUBLIC_URL", "https://shop.example/", "https://shop.example"),
        ("PUBLIC_URL", "http://shop.example:8080/mall/", "http://shop.example:8080/mall"),
        ("LOGIN_VIEW", "auth.login", "auth.login"),
        ("HANDOFF_MAX_AGE", 60, 60),
        ("HANDOFF_MAX_AGE", "60", 60),
        ("LOCALE", "en", "en"),
        *[("ENABLED", value, True) for value in (True, 1, "true", "True", "1")],
        *[("STRICT", value, False) for value in (False, 0, "false", "False", "0")],
    ],
)
def test_a_right_setting_is_read(setting: str, value: object, found: object) -> None:
    read = getattr(settings(**{f"XIEBAO_{setting}": value}), setting.lower())
    assert read == found
    assert type(read) is type(found) or setting == "EXTRA"


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "ShopApp/",
            r"ShopApp/[\d.]+",
            r"(?i)\bshopapp\b",
            r"Shop(App|Lite)/\d+\.\d+",
            "(ShopApp)?/3",
        ),
        *(
            r"CtripWireless|Ctrip_",
            r"\(ShopApp\)+",
            r"[()*+]{1,3}ShopApp",
            r"Shop[^)]+App",
            r"\[ShopApp\]",
        ),
        *(
            r"^Mozilla/5\.0 \([^)]*\) .*ShopApp",
            r"JD4iPhone/\d{1,6}",
            r"com\.shop\.(ios|android)/\d+",
        ),
    ],
)
def test_an_app_user_agent_may_be_any_pattern_that_cannot_backtrack_for_long(pattern: str) -> None:
    read = settings(XIEBAO_APP_USER_AGENT=pattern).app_user_agent
    assert read is not None
    assert read.pattern == pattern


@pytest.mark.parametrize("pattern", [r"(?i)shopapp/\d", re.compile(r"shopapp/\d", re.IGNORECASE)])
def test_an_app_user_agent_may_be_compiled_and_keeps_its_flags(
    pattern: str | re.Pattern[str],
) -> None:
    found = settings(XIEBAO_APP_USER_AGENT=pattern).app_user_agent
    assert found is not None
    assert found.search("Mozilla/5.0 (Linux; Android 14) ShopApp/3")
    assert not found.search("Mozilla/5.0 (Linux; Android 14) ShopApp/beta")


@pytest.mark.parametrize(
    "base_url", ["http://gateway.example", "/gateway", "HTTP://gateway.example"]
)
def test_production_is_https_only(base_url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(XIEBAO_ENV="production", XIEBAO_BASE_URL=base_url)
    assert problems(raised.value) == ["XIEBAO_BASE_URL must begin with https:// in production."]
    assert settings(XIEBAO_ENV="test", XIEBAO_BASE_URL=base_url).base_url == base_url


def test_production_takes_another_https_gateway() -> None:
    found = settings(XIEBAO_ENV="production", XIEBAO_BASE_URL="https://gateway.example")
    assert found.base_url == "https://gateway.example"


@pytest.mark.parametrize(
    ("config", "base_url"),
    [
        ({}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "test"}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "production"}, "https://api.xiebao18.com"),
        ({"XIEBAO_BASE_URL": "/gateway"}, "/gateway"),
        ({"XIEBAO_BASE_URL": "/gateway/"}, "/gateway"),
        ({"XIEBAO_BASE_URL": "/"}, ""),
        ({"XIEBAO_BASE_URL": "https://g.example/x/"}, "https://g.example/x"),
        ({"XIEBAO_BASE_URL": "https://g.example", "XIEBAO_ENV": "production"}, "https://g.example"),
    ],
)
def test_the_environment_chooses_the_gateway_and_a_base_url_replaces_it(
    make_site: Any, config: dict[str, str], base_url: str
) -> None:
    site = make_site(**config)
    with site.app.app_context():
        url = site.xiebao.gateway.home_url(partner_uniq_key="7")
    assert url.startswith(f"{base_url}/dispatch/cps/index?")


@pytest.mark.parametrize("word", ["on", "ON", "yes", "true", "True", "1", 1, True])
def test_a_switch_may_be_on(word: object) -> None:
    assert settings(XIEBAO_STRICT=word).strict is True


@pytest.mark.parametrize("word", ["off", "Off", "no", "false", "FALSE", "0", 0, False])
def test_a_switch_may_be_off(word: object) -> None:
    assert settings(XIEBAO_DEVICE_MARKUP=word).device_markup is False


@pytest.mark.parametrize("off", [False, "false", 0])
def test_a_site_that_is_switched_off_needs_no_credentials(off: object) -> None:
    found = Settings.from_config({"XIEBAO_ENABLED": off})
    assert found.enabled is False


def test_a_site_that_is_switched_off_still_hears_of_wrong_settings() -> None:
    with pytest.raises(ConfigError, match="XIEBAO_LOCALE"):
        settings(XIEBAO_ENABLED=False, XIEBAO_LOCALE="fr")


def test_settings_are_printed_without_the_key() -> None:
    found = settings(XIEBAO_SUB_PARTNER_ID="branch")
    for printed in (repr(found), str(found), f"{found}"):
        assert "branch" in printed
        assert KEY not in printed


# Variables of the environment, as Flask reads them: JSON where it is JSON, else text.


@pytest.fixture
def from_environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a reader of settings from variables, named without ``FLASK_XIEBAO_``."""

    def read(**variables: str) -> Settings:
        given = {"PARTNER_ID": "12345", "API_KEY": KEY, **variables}
        for name, value in given.items():
            monkeypatch.setenv(f"FLASK_XIEBAO_{name}", value)
        app = Flask("shop")
        app.config.from_prefixed_env()
        return Settings.from_config(app.config)

    return read


@pytest.mark.parametrize(
    ("variable", "text", "found"),
    [
        ("PARTNER_ID", "1039147", "1039147"),
        ("PARTNER_ID", "0012345", "0012345"),
        ("PARTNER_ID", '"1e5"', "1e5"),
        ("SUB_PARTNER_ID", "", ""),
        ("SUB_PARTNER_ID", "7", "7"),
        ("ENV", "production", "production"),
        ("EXTRA", '{"hidenav": 1, "toLogin": "0"}', {"hidenav": "1", "toLogin": "0"}),
        ("EXTRA__hidenav", "1", {"hidenav": "1"}),
        ("HANDOFF_MAX_AGE", "600", 600),
        ("LOGIN_VIEW", "auth.login", "auth.login"),
        *[("ENABLED", text, False) for text in ("false", "False", "0")],
        *[("DEVICE_MARKUP", text, False) for text in ("false", "False", "0")],
        *[("STRICT", text, True) for text in ("true", "True", "1")],
        ("STRICT", "null", None),
    ],
)
def test_a_variable_of_the_environment_is_read(
    from_environment: Any, variable: str, text: str, found: object
) -> None:
    read = getattr(from_environment(**{variable: text}), variable.partition("__")[0].lower())
    assert read == found
    assert type(read) is type(found) or variable.startswith("EXTRA")


@pytest.mark.parametrize(
    ("text", "key"),
    [(KEY, KEY), ("678", "678"), ("0678", "0678"), ('"1e5"', "1e5"), ('"678"', "678")],
)
def test_a_key_in_the_environment_is_read(from_environment: Any, text: str, key: str) -> None:
    assert from_environment(API_KEY=text).api_key.reveal() == key


@pytest.mark.parametrize("name", ["PARTNER_ID", "API_KEY"])
@pytest.mark.parametrize("text", ["1e5", "12e345", "0.5", "NaN", "Infinity"])
def test_what_the_environment_made_a_decimal_number_is_refused_with_how_to_quote_it(
    from_environment: Any, name: str, text: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        from_environment(**{name: text})
    (problem,) = problems(raised.value)
    assert problem.startswith(f"XIEBAO_{name} was read as a decimal number")
    assert problem.endswith(f"FLASK_XIEBAO_{name}='\"…\"'.")
    assert from_environment(**{name: f'"{text}"'})


# The warning


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_live_site_that_does_not_say_its_environment_is_warned_once(
    make_site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(TESTING=False)
    site.app.test_client().get("/")
    (warning,) = warnings_of(caplog)
    assert "XIEBAO_ENV is not set" in warning
    assert "TEST gateway" in warning
    assert '"production"' in warning


@pytest.mark.parametrize(
    "config",
    [
        {"TESTING": True},
        {"DEBUG": True},
        {"XIEBAO_ENV": "test"},
        {"XIEBAO_ENV": "production"},
        {"XIEBAO_ENABLED": False},
    ],
)
def test_nobody_else_is_warned(
    make_site: Any, caplog: pytest.LogCaptureFixture, config: dict[str, Any]
) -> None:
    make_site(**{"TESTING": False, **config})
    assert warnings_of(caplog) == []
