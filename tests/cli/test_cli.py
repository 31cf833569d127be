"""The command line, as whoever types it sees it."""

from __future__ import annotations

import base64
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo
from flask_login import LoginManager

from flask_xiebao import Entry, Xiebao, entry_clicked
from flask_xiebao.cli import xiebao
from flask_xiebao.links.tokens import LinkSigner
from flask_xiebao.testing import GatewaySimulator
from tests.support import CODE, NUMBER, SETTINGS, SIGN, MakeSite, Site, accepted

API_KEY = "a9Kx7mQp2ZrT8wLc"  # one that cannot be in an output by chance
SECRET_KEY = "c4f6e1d09b7a4e38"

MEMBER_SECRET = "0123456789abcdef0123456789abcdef"
KEY_OF_8 = "n4koo53z3p6f6cab8"

PRODUCTION, TEST = "https://api.xiebao18.com", "https://testapi.xiebao18.com"
_2_1 = "/dispatch/cps?partnerId=1039147&subPartnerId=&caseCode=QX000000127257&sign="
_2_2 = "/dispatch/cps/index?partnerId=1039147&subPartnerId=&sign="
_2_3 = "/dispatch/cps/insureDetail?partnerId=1039147&insureNum=20190226020146&sign="
#: The example URLs of the document, letter by letter.
EXAMPLES_2_1 = (
    f"{PRODUCTION}{_2_1}YTVhYTk0YTk3ZDI1039147& partnerUniqKey=101000",
    f"{TEST}{_2_1}ZGE1ODBiMjkwYTM1039147& partnerUniqKey=101000",
)
EXAMPLES_2_2 = (
    f"{PRODUCTION}{_2_2}82e20232fddc2d78eb42c74bb18f9014&partnerUniqKey=101000",
    f"{TEST}{_2_2}84d7668b0c732b7d3fd24fc243fe9c0c&partnerUniqKey=101000",
)
EXAMPLES_2_3 = (
    f"{PRODUCTION}{_2_3}82e20232fddc2d78eb42c74bb18f9014&paySuccess=*",
    f"{TEST}{_2_3}84d7668b0c732b7d3fd24fc243fe9c0c&paySuccess=*",
)

PRODUCT_URL = (
    f"{TEST}/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={CODE}&sign={SIGN}"
    "&partnerUniqKey=m1&platform=1"
)
HOME_URL = f"{TEST}/dispatch/cps/index?partnerId=12345&subPartnerId=&sign={SIGN}&partnerUniqKey=m1"


def run(app: Flask, *arguments: str) -> Result:
    """Run ``flask xiebao …`` on an app; nothing but click may end it."""
    result = app.test_cli_runner().invoke(xiebao, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert API_KEY not in result.output
    assert SECRET_KEY not in result.output
    assert MEMBER_SECRET not in result.output
    if "--gateway" not in arguments:
        assert SIGN not in result.output.lower()
    return result


def findings(result: Result) -> list[tuple[str, str]]:
    """Return the level and the message of each line but the count."""
    lines = result.output.splitlines()
    assert re.match(r"Errors: \d+\. Warnings: \d+\.", lines[-1]), result.output
    return [(level, text) for level, text in (line.split(maxsplit=1) for line in lines[:-1])]


def texts(result: Result, level: str) -> str:
    return "\n".join(text for found, text in findings(result) if found == level)


@pytest.fixture
def well(make_site: MakeSite) -> Site:
    """A site with nothing to complain about."""
    return make_site(
        SECRET_KEY=SECRET_KEY,
        XIEBAO_API_KEY="Key",
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )


@pytest.fixture
def configured(make_site: MakeSite) -> Callable[..., Flask]:
    """Return a maker of apps that differ in a setting from one that is well."""

    def make(**config: Any) -> Flask:
        settings = {
            "SECRET_KEY": SECRET_KEY,
            "XIEBAO_ENV": "test",
            "XIEBAO_PUBLIC_URL": "https://shop.example",
            **config,
        }
        app: Flask = make_site(**settings).app
        return app

    return make


# doctor


def test_doctor_of_a_good_site_has_no_complaint(well: Site) -> None:
    result = run(well.app, "doctor")
    assert result.exit_code == 0
    assert {level for level, _ in findings(result)} == {"ok"}
    assert result.output.splitlines()[-1] == "Errors: 0. Warnings: 0."


@pytest.mark.parametrize("name", SETTINGS)
def test_doctor_has_a_line_for_each_setting(well: Site, name: str) -> None:
    for option in ("--verbose", "-v"):
        output = run(well.app, "doctor", option).output
        assert re.search(rf"^ok +{name}(:| is )", output, re.MULTILINE)
    assert not re.search(rf"^ok +{name}(:| is )", run(well.app, "doctor").output, re.MULTILINE)


def test_doctor_begins_with_what_is_wrong(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_LOGIN_VIEW="nowhere", SESSION_COOKIE_SAMESITE="Strict")
    levels = [level for level, _ in findings(run(app, "doctor", "--verbose"))]
    assert levels == sorted(levels, key=["ERROR", "WARNING", "ok"].index)
    assert {*levels} == {"ERROR", "WARNING", "ok"}


def test_doctor_shows_values_but_the_key(configured: Callable[..., Flask]) -> None:
    app = configured(
        XIEBAO_API_KEY=API_KEY,
        XIEBAO_APP_USER_AGENT=re.compile("ShopApp/"),
        XIEBAO_EXTRA={"hidenav": 1, "token": "not to be shown"},
    )
    right = texts(run(app, "doctor", "--verbose"), "ok")
    assert "XIEBAO_PARTNER_ID: 12345" in right
    assert "XIEBAO_API_KEY is set, and not shown" in right
    assert "XIEBAO_APP_USER_AGENT: ShopApp/" in right
    assert "XIEBAO_EXTRA: hidenav, token" in right
    assert "XIEBAO_HANDOFF_MAX_AGE is not set (default: 300)" in right
    assert "not to be shown" not in right


def test_doctor_checks_a_link_of_each_page_and_sends_nothing(well: Site) -> None:
    def fail(app: Flask, **_: Any) -> None:
        raise AssertionError("a click was counted")

    with entry_clicked.connected_to(fail, well.app):
        right = texts(run(well.app, "doctor"), "ok")
    for page in ("product (2.1)", "home (2.2)", "policy (2.3)"):
        assert f"{page}: a link was made, found and opened, and leads to the gateway." in right


def refused(**config: Any) -> ScriptInfo:
    """Return what flask has of a factory that init_app stops."""

    def create_app() -> Flask:
        app = Flask("shop")
        app.config.update(SECRET_KEY=SECRET_KEY, **config)
        Xiebao(app)
        return app

    return ScriptInfo(create_app=create_app)


def run_refused(info: ScriptInfo, *arguments: str) -> Result:
    result = Flask("any").test_cli_runner().invoke(xiebao, arguments, obj=info)
    assert isinstance(result.exception, SystemExit), result.exception
    assert API_KEY not in result.output
    return result


def test_doctor_lists_what_init_app_refuses_and_what_is_right() -> None:
    info = refused(XIEBAO_PARTNER_ID="12345", XIEBAO_ENV="prod", XIEBAO_APIKEY=API_KEY)
    assert texts(run_refused(info, "doctor"), "ok") == ""
    result = run_refused(info, "doctor", "--verbose")
    assert result.exit_code == 1
    wrong = texts(result, "ERROR")
    assert """XIEBAO_ENV must be "test" or "production", not 'prod'.""" in wrong
    assert "XIEBAO_API_KEY is not set" in wrong
    assert "XIEBAO_PARTNER_ID: 12345" in texts(result, "ok")
    assert "XIEBAO_APIKEY is not a setting: did you mean XIEBAO_API_KEY?" in texts(
        result, "WARNING"
    )


def test_doctor_says_what_else_init_app_refuses() -> None:
    def create_app() -> Flask:
        app = Flask("shop")
        app.config.update(XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY=API_KEY, XIEBAO_ENV="test")
        Xiebao(app)
        Xiebao(app)
        return app

    result = run_refused(ScriptInfo(create_app=create_app), "doctor")
    assert "This app has a Xiebao already" in texts(result, "ERROR")


def test_doctor_finds_the_refusal_inside_of_another_error() -> None:
    info = refused(XIEBAO_PARTNER_ID="12345")

    def create_app() -> Flask:
        try:
            return info.load_app()
        except Exception as error:
            raise RuntimeError("the factory failed") from error

    result = run_refused(ScriptInfo(create_app=create_app), "doctor")
    assert "XIEBAO_API_KEY is not set" in texts(result, "ERROR")


def test_doctor_leaves_other_errors_to_flask() -> None:
    def create_app() -> Flask:
        raise RuntimeError("no database")

    result = (
        Flask("any")
        .test_cli_runner()
        .invoke(xiebao, ["doctor"], obj=ScriptInfo(create_app=create_app))
    )
    assert isinstance(result.exception, RuntimeError)


@pytest.mark.parametrize("command", [["doctor"], ["link", "home"]])
def test_an_app_without_xiebao_is_told_how_to_add_it(command: list[str]) -> None:
    result = run(Flask("bare"), *command)
    assert result.exit_code == 1
    assert "add Xiebao(app)" in result.output


@pytest.mark.parametrize(
    ("config", "level", "said"),
    [
        ({"SECRET_KEY": None}, "ERROR", "SECRET_KEY is not set"),
        ({"SECRET_KEY_FALLBACKS": "old"}, "ERROR", "SECRET_KEY_FALLBACKS must be a list"),
        ({"SECRET_KEY": "dev"}, "WARNING", "SECRET_KEY is short or well known"),
        ({"SECRET_KEY": b"Super-Secret_Key"}, "WARNING", "SECRET_KEY is short or well known"),
        ({"SECRET_KEY_FALLBACKS": ["dev"]}, "WARNING", "One of SECRET_KEY_FALLBACKS is short"),
        ({"XIEBAO_LOGIN_VIEW": "pages"}, "ERROR", "no endpoint pages: did you mean page?"),
        ({"XIEBAO_LOGIN_VIEW": "auth.login"}, "ERROR", "no endpoint auth.login: flask routes"),
        ({"XIEBAO_ENABLED": False}, "WARNING", "XIEBAO_ENABLED is off"),
        ({"XIEBAO_BASE_URL": PRODUCTION}, "WARNING", "XIEBAO_BASE_URL is the production gateway"),
        ({"XIEBAO_ENV": "production", "XIEBAO_BASE_URL": TEST}, "WARNING", "is the test gateway"),
        ({"XIEBAO_BASE_URL": "/gateway"}, "WARNING", "where the app has no gateway"),
        ({"XIEBAO_PUBLIC_URL": "http://shop.example"}, "WARNING", "begin with http://shop.example"),
        (
            {"XIEBAO_PUBLIC_URL": None},
            "WARNING",
            "members' links for mail and QR codes cannot be made",
        ),
        (
            {"XIEBAO_PUBLIC_URL": None, "SERVER_NAME": "shop.example"},
            "WARNING",
            "begin with http://shop.example (SERVER_NAME)",
        ),
        ({"XIEBAO_HANDOF_MAX_AGE": 9}, "WARNING", "did you mean XIEBAO_HANDOFF_MAX_AGE?"),
        ({"XIEBAO_QWERTZUIOP": 9}, "WARNING", "is not a setting of Flask-Xiebao: remove it."),
        ({"XIEBO_LOCALE": "en"}, "WARNING", "did you mean XIEBAO_LOCALE?"),
        ({"XIEBAO_FROBNICATE": 1}, "WARNING", "XIEBAO_FROBNICATE is not a setting"),
        ({"XIEBAO_ENV": "production"}, "ok", f"{PRODUCTION} (production: policies are real)"),
        ({}, "ok", f"Entries lead to {TEST} (test: no policy is real)"),
        ({"XIEBAO_LOGIN_VIEW": "page"}, "ok", "XIEBAO_LOGIN_VIEW: page"),
        ({"XIEBAO_PUBLIC_URL": "http://localhost:5000"}, "ok", "begin with http://localhost:5000"),
        (
            {
                "XIEBAO_PUBLIC_URL": None,
                "SERVER_NAME": "shop.example",
                "PREFERRED_URL_SCHEME": "https",
            },
            "ok",
            "begin with https://shop.example (SERVER_NAME)",
        ),
    ],
)
def test_doctor_finds(
    configured: Callable[..., Flask], config: dict[str, Any], level: str, said: str
) -> None:
    result = run(configured(**config), "doctor", "--verbose")
    assert said in texts(result, level)
    assert result.exit_code == (1 if level == "ERROR" else 0)


def test_doctor_finds_nothing_in_other_settings(configured: Callable[..., Flask]) -> None:
    app = configured(ALIPAY_API_KEY="x", BABEL_LOCALE="zh", XIEBAO_LOCALE="en")
    assert texts(run(app, "doctor"), "WARNING") == ""


def test_doctor_knows_a_trusted_host(configured: Callable[..., Flask]) -> None:
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    app = configured(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=[".shop.example"])
    result = run(app, "doctor")
    assert "links for mail cannot be made without a request. Set it" in texts(result, "WARNING")
    assert "policy (2.3): a link was made" in texts(result, "ok")


def test_doctor_asks_for_the_environment_outside_debug(
    configured: Callable[..., Flask],
) -> None:
    app = configured(XIEBAO_ENV=None)
    assert "XIEBAO_ENV is not set (default: test)" in texts(run(app, "doctor", "-v"), "ok")
    app.testing = False
    assert 'XIEBAO_ENV is not set: say "production"' in texts(run(app, "doctor"), "WARNING")


def test_doctor_knows_who_knows_the_members(make_site: MakeSite) -> None:
    silent = make_site(loader=False, SECRET_KEY=SECRET_KEY).app
    assert "add a member_loader" in texts(run(silent, "doctor"), "WARNING")
    loader = make_site(SECRET_KEY=SECRET_KEY).app
    assert "A member_loader says who is logged in." in texts(run(loader, "doctor"), "ok")
    flask_login = make_site(loader=False, SECRET_KEY=SECRET_KEY).app
    LoginManager(flask_login).user_loader(lambda user_id: None)
    right = texts(run(flask_login, "doctor"), "ok")
    assert "Flask-Login says who is logged in." in right
    assert "Visitors who are not logged in get a 401 page." in right
    flask_login.login_manager.login_view = "page"  # type: ignore[attr-defined]
    right = texts(run(flask_login, "doctor"), "ok")
    assert "Visitors who are not logged in are sent to /page." in right


@pytest.mark.parametrize(
    ("base_url", "prefix"), [("/gateway", "/gateway"), ("/%E7%BD%91%E5%85%B3", "/网关")]
)
def test_doctor_finds_the_simulator_of_the_site(
    configured: Callable[..., Flask], base_url: str, prefix: str
) -> None:
    app = configured(XIEBAO_BASE_URL=base_url)
    app.register_blueprint(GatewaySimulator("12345", "Key").blueprint, url_prefix=prefix)
    result = run(app, "doctor")
    assert texts(result, "WARNING") == ""
    assert f"Entries lead to {base_url}" in texts(result, "ok")


def test_doctor_finds_a_gateway_of_the_sites_own_that_takes_a_slash_or_none(
    configured: Callable[..., Flask],
) -> None:
    app = configured(XIEBAO_BASE_URL="/own")
    for path in ("/dispatch/cps/", "/dispatch/cps/index/", "/dispatch/cps/insureDetail/"):
        app.add_url_rule(f"/own{path}", path, lambda: "", strict_slashes=False)
    assert "where the app has no gateway" not in texts(run(app, "doctor"), "WARNING")


def test_doctor_misses_a_page_of_the_simulator(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_BASE_URL="/gateway")
    app.add_url_rule("/gateway/dispatch/cps", "half", lambda: "")
    assert "where the app has no gateway" in texts(run(app, "doctor"), "WARNING")


def test_doctor_notices_that_links_lead_elsewhere(
    make_site: MakeSite,
) -> None:
    app = Flask("shop")
    app.config.update(
        TESTING=True, SECRET_KEY=SECRET_KEY, XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="Key"
    )
    # Werkzeug 3.2 refuses a rule that is there already; this one is as good.
    app.add_url_rule("/xiebao/home/<string(minlength=2):token>", "taken", lambda token: token)
    Xiebao(app)
    result = run(app, "doctor")
    wrong = texts(result, "ERROR")
    assert wrong.startswith("home: The links lead to taken: change XIEBAO_URL_PREFIX.")
    assert "\n" not in wrong
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("config", "level", "said"),
    [
        ({"XIEBAO_EXTRA": {1: 2}}, "ok", "XIEBAO_EXTRA: 1"),
        (
            {"XIEBAO_PUBLIC_URL": None, "SERVER_NAME": "[::1"},
            "WARNING",
            "begin with http://[::1 (SERVER_NAME)",
        ),
        (
            {"XIEBAO_ENV": "production", "XIEBAO_PUBLIC_URL": "http://127.0.0.1:5000"},
            "WARNING",
            "to whoever follows them, that is their own machine",
        ),
        (
            {"XIEBAO_ENABLED": False, "XIEBAO_API_KEY": None},
            "ok",
            "XIEBAO_API_KEY is not set (default: none)",
        ),
    ],
)
def test_doctor_takes_what_is_odd(
    configured: Callable[..., Flask], config: dict[str, Any], level: str, said: str
) -> None:
    app = configured(**config)
    app.config[5] = "not text"
    assert said in texts(run(app, "doctor", "--verbose"), level)


def test_doctor_prints_what_the_terminal_can_show() -> None:
    info = refused(XIEBAO_API_KEY=API_KEY)
    runner = Flask("any").test_cli_runner(charset="latin-1")
    result = runner.invoke(xiebao, ["doctor"], obj=info)
    assert "XIEBAO_PARTNER_ID is not set" in result.output
    assert "partnerId" in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("command", [["doctor"], ["link", "home"], ["inspect", "/xiebao/home/x"]])
@pytest.mark.parametrize("message", ["no database", ""])
def test_an_error_that_is_its_own_cause_is_left_to_flask(command: list[str], message: str) -> None:
    def create_app() -> Flask:
        error = RuntimeError(message)
        raise error from error

    runner = Flask("any").test_cli_runner()
    result = runner.invoke(xiebao, command, obj=ScriptInfo(create_app=create_app))
    assert result.exit_code == 1


def test_doctor_of_an_app_that_has_two_lists_its_settings() -> None:
    def create_app() -> Flask:
        app = Flask("shop")
        app.config.update(XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY=API_KEY, XIEBAO_ENV="test")
        Xiebao(app)
        Xiebao(app)
        return app

    right = texts(run_refused(ScriptInfo(create_app=create_app), "doctor", "-v"), "ok")
    assert "XIEBAO_PARTNER_ID: 12345" in right
    assert "XIEBAO_API_KEY is set, and not shown" in right


def test_doctor_keeps_what_a_failing_hook_says_to_itself(well: Site) -> None:
    @well.app.url_defaults
    def broken(endpoint: str, values: dict[str, Any]) -> None:
        raise ValueError("postgres://user:password@host")

    result = run(well.app, "doctor")
    wrong = texts(result, "ERROR")
    assert "product, home, policy, paid, login, member_loader: It crashed" in wrong
    assert "ValueError in broken (" in wrong
    assert "password" not in result.output


# link


def entry_of(site: Site, url: str) -> Entry:
    """Return the entry that a click on a link tells of."""
    told: list[Entry] = []
    site.log_in("m1")
    with entry_clicked.connected_to(lambda app, entry, **_: told.append(entry), site.app):
        site.follow(urlsplit(url).path)
    [entry] = told
    return entry


def test_a_link_is_absolute_where_the_site_says_where_it_is(well: Site) -> None:
    result = run(well.app, "link", "product", CODE)
    assert result.output.startswith("https://shop.example/xiebao/product/")
    assert result.output.count("\n") == 1
    assert entry_of(well, result.output.strip()).reference == CODE
    local = run(well.app, "link", "product", CODE, "--local").output
    assert local.startswith("/xiebao/product/")


def test_a_link_is_a_path_elsewhere(site: Site) -> None:
    link = run(site.app, "link", "home").output.strip()
    site.log_in("m1")
    assert link.startswith("/xiebao/home/")
    assert site.app.test_client().get(link, headers={"User-Agent": "iPhone"}).status_code == 302
    external = run(site.app, "link", "home", "--external")
    assert external.exit_code == 1
    assert "set XIEBAO_PUBLIC_URL" in external.output


def test_a_local_link_can_be_pasted_after_the_address_of_flask_run(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example/mounted", APPLICATION_ROOT="/mounted")
    assert run(site.app, "link", "home", "--local").output.startswith("/xiebao/home/")
    assert run(site.app, "link", "home").output.startswith("https://shop.example/mounted/xiebao/")


def test_a_link_takes_every_keyword(well: Site) -> None:
    options = [
        "--member",
        "m1",
        "--no-login-for",
        "60",
        "--sub-partner-id",
        "s1",
        "--platform",
        "ios",
    ]
    entry = entry_of(
        well, run(well.app, "link", "product", CODE, *options, "--return-to", "/a").output.strip()
    )
    assert (entry.page, entry.reference, entry.member, entry.no_login_for) == (
        "product",
        CODE,
        "m1",
        60,
    )
    assert (entry.sub_partner_id, entry.platform, entry.return_to) == ("s1", 3, "/a")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["product"], "needs a REFERENCE, its caseCode"),
        (["policy", "--member", "m1"], "needs a REFERENCE, its insureNum"),
        (["policy", NUMBER], "Missing option --member"),
        (["policy", NUMBER, "--member", ""], "--member is empty"),
        (["home", CODE], "takes no case code"),
        (["home", "--no-login-for", "60"], "no_login_for needs member"),
        (["home", "--platform", "pc"], "does not serve PC"),
        (["home", "--return-to", "https://evil.example"], "return_to must be a path"),
        (["home", "--gateway"], "Missing option --member. partnerUniqKey of the home page"),
        (["product", CODE, "--gateway"], "Missing option --member. partnerUniqKey of the product"),
        (["home", "--gateway", "--member", ""], "partnerUniqKey is required"),
        (["home", "--gateway", "--member", " m1"], "A member's id has white space at its ends"),
        (["home", "--gateway", "--member", "m1", "--return-to", "/a"], "--gateway takes no"),
        (["home", "--gateway", "--member", "m1", "--local"], "--gateway takes no"),
        (["nowhere"], "'nowhere' is not one of"),
    ],
)
def test_a_link_that_cannot_be_made_says_why(well: Site, arguments: list[str], said: str) -> None:
    result = run(well.app, "link", *arguments)
    assert result.exit_code
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["home", CODE], "REFERENCE"),
        (["product", "Q\n1"], "REFERENCE"),
        (["product", "Q" * 1300], "REFERENCE"),
        (["product", "Q\n", "--gateway", "--member", "m1"], "REFERENCE"),
        (["home", "--member", "two\nlines"], "--member"),
        (["home", "--no-login-for", "60"], "--no-login-for"),
        (["home", "--platform", "pc"], "--platform"),
        (["home", "--platform", "pc", "--gateway", "--member", "m1"], "--platform"),
        (["home", "--return-to", "//evil.example"], "--return-to"),
        (["home", "--sub-partner-id", " "], "--sub-partner-id"),
        (["home", "--sub-partner-id", " ", "--gateway", "--member", "m1"], "--sub-partner-id"),
    ],
)
def test_a_link_that_cannot_be_made_names_the_option(
    well: Site, arguments: list[str], option: str
) -> None:
    result = run(well.app, "link", *arguments)
    assert result.exit_code == 2
    assert f"Invalid value for {option}: " in result.output


def test_the_gateways_url_has_the_members_key(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    printed = run(app, "link", "home", "--gateway", "--member", "8").output
    assert accepted(printed.strip()).member == KEY_OF_8


def test_an_option_that_does_not_go_with_another_is_a_usage_error(well: Site) -> None:
    result = run(well.app, "link", "home", "--gateway", "--member", "m1", "--no-login-for", "60")
    assert result.exit_code == 2
    assert "--gateway takes no --no-login-for" in result.output


def test_a_reference_is_asked_for_before_the_app_is_loaded() -> None:
    def create_app() -> Flask:
        raise RuntimeError("no database")

    runner = Flask("any").test_cli_runner()
    info = ScriptInfo(create_app=create_app)
    result = runner.invoke(xiebao, ["link", "product"], obj=info)
    assert "needs a REFERENCE, its caseCode" in result.output


@pytest.mark.parametrize(
    "hosts",
    [
        "shop.example",
        ["shop.example"],
        [".shop.example"],
        frozenset({"shop.example"}),
        ["商店.example"],
    ],
)
def test_a_link_is_made_on_a_trusted_host(configured: Callable[..., Flask], hosts: Any) -> None:
    app = configured(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=hosts)
    assert run(app, "link", "home").output.startswith("/xiebao/home/")
    assert run(app, "doctor").exit_code == 0


@pytest.mark.parametrize(
    "hosts", [[""], ["."], ["*.shop.example"], [None], [b"shop.example"], ["x" * 64], 5, True]
)
def test_a_trusted_host_that_is_none_is_named(configured: Callable[..., Flask], hosts: Any) -> None:
    app = configured(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=hosts)
    assert "TRUSTED_HOSTS must be a list of hosts" in run(app, "link", "home").output


def test_a_switched_off_site_needs_no_key_to_say_so(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_ENABLED=False, SECRET_KEY=None)
    assert "XIEBAO_ENABLED is off" in run(app, "link", "home").output


@pytest.mark.parametrize("config", [{"SECRET_KEY_FALLBACKS": 5}, {"SECRET_KEY": "a\udcff"}])
def test_a_link_without_a_key_says_which_setting_is_wrong(
    configured: Callable[..., Flask], config: dict[str, Any]
) -> None:
    result = run(configured(**config, XIEBAO_PUBLIC_URL=None), "link", "home")
    assert f"Error: {next(iter(config))} must be" in result.output


def test_a_switched_off_site_has_no_link(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_ENABLED=False)
    for gateway in ([], ["--gateway", "--member", "m1"]):
        result = run(app, "link", "home", *gateway)
        assert result.exit_code == 1
        assert "XIEBAO_ENABLED is off" in result.output


def test_link_lists_what_is_wrong_with_an_app_that_does_not_load() -> None:
    result = run_refused(refused(XIEBAO_PARTNER_ID="12345"), "link", "home")
    assert result.exit_code == 1
    assert "XIEBAO_API_KEY is not set" in result.output


def test_the_gateway_url_holds_the_sign_and_is_accepted(well: Site) -> None:
    result = run(
        well.app, "link", "product", CODE, "--gateway", "--platform", "h5", "--member", "m1"
    )
    assert result.output == f"{PRODUCT_URL}\n"
    assert GatewaySimulator("12345", "Key").check(result.output.strip()).accepted


def test_the_help_says_that_the_sign_is_a_secret(well: Site) -> None:
    assert "which is a SECRET" in " ".join(run(well.app, "link", "--help").output.split())


# inspect, a URL of the gateway


@pytest.mark.parametrize("example", EXAMPLES_2_1)
def test_inspect_on_the_examples_of_2_1(configured: Callable[..., Flask], example: str) -> None:
    env = "production" if "//api." in example else "test"
    app = configured(XIEBAO_PARTNER_ID="1039147", XIEBAO_API_KEY=API_KEY, XIEBAO_ENV=env)
    result = run(app, "inspect", example)
    assert result.exit_code == 1
    right, wrong = texts(result, "ok"), texts(result, "ERROR")
    host = "production" if example in EXAMPLES_2_1[0] else "test"
    assert f"The product page (2.1) of the {host} gateway." in right
    assert "partnerId=1039147: the partner's account" in right
    assert "subPartnerId=: the partner's sub-account, empty for none" in right
    assert "caseCode=QX000000127257: the product" in right
    assert "it looks like an API key, as in the examples of 2.1" in wrong
    assert "ask Xiebao for a new one" in wrong
    assert "' partnerUniqKey' has a stray space" in wrong
    assert len(wrong.splitlines()) == 2
    assert result.output.endswith("The gateway would refuse this URL.\n")
    # Not even a part of it is shown.
    assert not re.search("YTVh|ZDI1|ZGE1|YTM1|YT…|ZG…", result.output)


@pytest.mark.parametrize("example", EXAMPLES_2_2)
def test_inspect_on_the_examples_of_2_2(configured: Callable[..., Flask], example: str) -> None:
    env = "production" if "//api." in example else "test"
    app = configured(XIEBAO_PARTNER_ID="1039147", XIEBAO_API_KEY=API_KEY, XIEBAO_ENV=env)
    result = run(app, "inspect", example)
    assert "The home page (2.2) of the" in texts(result, "ok")
    assert "partnerUniqKey=101000: the member, by their id at the partner." in texts(result, "ok")
    assert "is not made with the key of this account and environment" in texts(result, "ERROR")
    assert len(texts(result, "ERROR").splitlines()) == 1  # another key is all there is to say
    assert not re.search("82e20232|84d7668b", result.output)


@pytest.mark.parametrize("example", EXAMPLES_2_3)
def test_inspect_on_the_examples_of_2_3(configured: Callable[..., Flask], example: str) -> None:
    env = "production" if "//api." in example else "test"
    app = configured(XIEBAO_PARTNER_ID="1039147", XIEBAO_API_KEY=API_KEY, XIEBAO_ENV=env)
    result = run(app, "inspect", example)
    assert "The policy page (2.3) of the" in texts(result, "ok")
    assert "insureNum=20190226020146: the policy, by its application number." in texts(result, "ok")
    sign, pay_success = texts(result, "ERROR").splitlines()
    assert "is not made with the key of this account and environment" in sign
    assert "paySuccess is not standard base64" in pay_success
    assert "the * in the examples of 2.3 is only a placeholder." in pay_success


def test_inspect_without_an_app_checks_all_but_the_key() -> None:
    def no_app() -> Flask:
        raise RuntimeError("postgres://user:password@host")

    def inspect(url: str) -> Result:
        result = (
            Flask("any")
            .test_cli_runner()
            .invoke(xiebao, ["inspect", url], obj=ScriptInfo(create_app=no_app))
        )
        assert "password" not in result.output
        return result

    good = inspect(EXAMPLES_2_2[0])
    assert good.exit_code == 0
    assert texts(good, "WARNING").startswith("sign=82…14: the shape is right. It was not checked")
    assert "the app does not load (RuntimeError)" in good.output
    assert inspect(EXAMPLES_2_1[0]).exit_code == 1
    assert inspect(EXAMPLES_2_3[0]).exit_code == 1
    link = inspect("/xiebao/product/abc")
    assert link.exit_code == 1
    assert "A link is read with the key of its site" in link.output


def test_inspect_of_a_right_url(well: Site) -> None:
    result = run(well.app, "inspect", PRODUCT_URL)
    assert result.exit_code == 0
    assert findings(result) == [
        ("ok", "The product page (2.1) of the test gateway."),
        ("ok", "partnerId=12345: the partner's account at Xiebao."),
        ("ok", "subPartnerId=: the partner's sub-account, empty for none."),
        ("ok", f"caseCode={CODE}: the product, by the code that Xiebao provides."),
        ("ok", "sign=00…35: right for the configured key."),
        ("ok", "partnerUniqKey=m1: the member, by their id at the partner."),
        ("ok", "platform=1: where the page is shown: 1 = H5."),
    ]


@pytest.mark.parametrize(
    ("key", "level", "said"),
    [
        (KEY_OF_8, "ok", f"partnerUniqKey={KEY_OF_8}: the key of member 8."),
        ("8", "WARNING", "partnerUniqKey=8: this site gave it to nobody."),
    ],
)
def test_inspect_says_whose_key_it_is(
    configured: Callable[..., Flask], key: str, level: str, said: str
) -> None:
    app = configured(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    result = run(app, "inspect", PRODUCT_URL.replace("=m1", f"={key}"))
    assert said in texts(result, level)
    assert result.exit_code == 0


def encoded(url: str | bytes) -> str:
    return quote(base64.b64encode(url if isinstance(url, bytes) else url.encode()), safe="")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (PRODUCT_URL.replace("12345", "12346"), "it must be 12345"),
        (PRODUCT_URL.replace(SIGN, SIGN.upper()), "sign=00…35 has the wrong shape"),
        (PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI1039147"), "it looks like an API key"),
        (PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI12345"), "it looks like an API key"),
        (PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI="), "it looks like an API key"),
        (PRODUCT_URL.replace(SIGN, "Key"), "it looks like an API key"),
        (PRODUCT_URL.replace(".com/", ".com.evil.example/"), "though it looks like it"),
        (PRODUCT_URL.replace("testapi.", "testapi-"), "testapi-xiebao18.com is not Xiebao's"),
        (PRODUCT_URL.replace(TEST, f"{TEST}@evil.example"), "is not Xiebao's gateway"),
        (PRODUCT_URL.replace("//test", "//me@test"), "There is a user name before the host"),
        (PRODUCT_URL.replace("xiebao18", "xieba018"), "though it looks like it"),
        (PRODUCT_URL.removeprefix("https://"), "must begin with https://"),
        (PRODUCT_URL.replace("https:", "http:"), "begin it with https://"),
        (PRODUCT_URL.replace(TEST, f"{TEST}:8443"), "not on port 8443"),
        (PRODUCT_URL.replace(TEST, f"{TEST}:80"), "not on port 80"),
        (
            PRODUCT_URL.replace(SIGN, "0" * 32),
            "sign=00…00 is not made with the key of this account and environment",
        ),
        (PRODUCT_URL.replace(f"sign={SIGN}", "sign="), "sign is empty"),
        (PRODUCT_URL.replace(f"&sign={SIGN}", ""), "sign is missing"),
        (PRODUCT_URL.replace("&partnerUniqKey=m1", ""), "partnerUniqKey is missing"),
        (
            PRODUCT_URL.replace("caseCode", "casecode"),
            "'casecode' is not a parameter: write caseCode",
        ),
        (f"{PRODUCT_URL}&colour=red", "colour is not a parameter of section 2.1"),
        (f"{PRODUCT_URL}&platform=1", "platform appears 2 times"),
        (PRODUCT_URL.replace("m1", "林"), "partnerUniqKey is not percent-encoded"),
        (PRODUCT_URL.replace("platform=1", "platform=5"), "2.1 accepts 1 (H5), 2 (PC), 3 (iOS)"),
        (
            f"{HOME_URL}&platform=2",
            "platform=2 is refused: section 2.2 accepts 1 (H5), 3 (iOS), 4 (Android)",
        ),
        (
            f"{HOME_URL}&paySuccess={encoded('/paid')}",
            "paySuccess is not the base64 of an absolute",
        ),
        (
            f"{HOME_URL}&paySuccess={encoded('http://a/保'.encode('gbk'))}",
            "paySuccess is not the base64 of",
        ),
        (f"{HOME_URL}&paySuccess=aHR0cDovL2E", "paySuccess is not standard base64"),
        (f"{HOME_URL}&paySuccess=aHR0cDovL2E+Pw==", "a + in it must be sent as %2B"),
        (f"{HOME_URL}&paySuccess=aHR0cDovL2E_Pw==", "URL-safe base64"),
        (f"{TEST}/dispatch/elsewhere?sign={SIGN}", "The gateway has no page /dispatch/elsewhere"),
        (f"{TEST}/gateway/dispatch/cps", "The gateway has no page /gateway/dispatch/cps"),
        ("https://shop.example/about", "nor a link of this site"),
    ],
)
def test_inspect_says_what_is_wrong(well: Site, url: str, said: str) -> None:
    result = run(well.app, "inspect", url)
    assert said in texts(result, "ERROR")
    assert result.exit_code == 1


def test_inspect_agrees_with_the_simulator(well: Site) -> None:
    """The two were written apart: whatever happens to a URL, they refuse the same."""
    simulator = GatewaySimulator("12345", "Key", also_known=("hidenav", "toLogin"))
    policy = f"/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum={NUMBER}&sign={SIGN}"
    pay_success = f"&paySuccess={encoded('https://shop.example/?a=保险>')}"
    urls = [PRODUCT_URL, HOME_URL + pay_success, policy + pay_success, f"{policy}&platform=3"]
    marks = ["", "&", " ", "%20", "%", "+", "=", "1", "2", "a", "A", "保", "&sign=", "&hidenav=1"]
    chance = random.Random(18)  # noqa: S311
    verdicts = {True: 0, False: 0}
    for _ in range(400):
        url = chance.choice(urls)
        if chance.random() < 0.9:
            at = chance.randrange(url.index("?"), len(url))
            url = url[:at] + chance.choice(marks) + url[at + chance.randrange(2) :]
        accepted = simulator.check(url).accepted
        result = run(well.app, "inspect", url)
        assert (result.exit_code == 0) is accepted, f"{url}\n{result.output}"
        verdicts[accepted] += 1
    assert min(verdicts.values()) > 40


def test_inspect_takes_the_parameters_that_the_site_sends(
    configured: Callable[..., Flask],
) -> None:
    url = f"{HOME_URL}&channel=7&hidenav=1"
    assert "channel is not a parameter of section 2.2" in run(configured(), "inspect", url).output
    result = run(configured(XIEBAO_EXTRA={"channel": 7}), "inspect", url)
    assert result.exit_code == 0
    assert "channel=7: a parameter that is not in the document." in texts(result, "ok")


def test_inspect_says_when_the_key_cannot_be_compared(configured: Callable[..., Flask]) -> None:
    off = run(configured(XIEBAO_ENABLED=False), "inspect", HOME_URL)
    assert off.exit_code == 0
    assert "It was not checked with a key: XIEBAO_ENABLED is off." in texts(off, "WARNING")
    other = run(configured(), "inspect", EXAMPLES_2_2[1])
    assert "it is another account's" in texts(other, "WARNING")


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (None, "https://evil.example"),
        (None, "http://127.0.0.1:5000"),
        ("https://gw.example", "https://gw.example.evil"),
        ("https://gw.example", TEST),
        ("https://gw.example", "http://gw.example"),
        ("https://gw.example", "https://gw.example:8443"),
        ("https://gw.example/x", "https://gw.example/y/x"),
        ("/gateway", TEST),
        ("/gateway", "https://shop.example"),
        ("/gateway", "https://shop.example/gateway/x"),
    ],
)
def test_inspect_warns_of_an_address_that_is_not_the_sites_gateway(
    configured: Callable[..., Flask], base_url: str | None, address: str
) -> None:
    app = configured(XIEBAO_BASE_URL=base_url)
    result = run(app, "inspect", PRODUCT_URL.replace(TEST, address))
    # Xiebao's own, or one on this machine, may be meant.
    is_harmless = address in (TEST, "http://127.0.0.1:5000")
    said = texts(result, "WARNING" if is_harmless else "ERROR")
    assert f"It is not this site's gateway, which is {base_url or TEST}." in said
    assert (result.exit_code == 0) == is_harmless


def test_inspect_takes_the_gateways_own_address_however_it_is_written(well: Site) -> None:
    for same in (TEST, TEST.replace("https://test", "HTTPS://TEST"), f"{TEST}:443"):
        result = run(well.app, "inspect", PRODUCT_URL.replace(TEST, same))
        assert texts(result, "WARNING") == ""
        assert result.exit_code == 0


@pytest.mark.parametrize("host", ["", "http://127.0.0.1:5000", "https://shop.example/mounted"])
def test_inspect_knows_the_sites_own_simulator(configured: Callable[..., Flask], host: str) -> None:
    app = configured(XIEBAO_BASE_URL="/gateway")
    url = f"{host}/gateway{HOME_URL.removeprefix(TEST)}"
    result = run(app, "inspect", url)
    assert texts(result, "WARNING") == ""
    assert result.exit_code == 0


def test_inspect_of_a_link_says_what_to_do_where_the_app_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    monkeypatch.chdir(tmp_path)
    info = ScriptInfo(app_import_path="broken")
    result = Flask("any").test_cli_runner().invoke(xiebao, ["inspect", "/xiebao/home/x"], obj=info)
    assert "an ImportError was raised. Try flask xiebao doctor." in result.output


def test_inspect_without_an_app_knows_what_is_not_the_gateway() -> None:
    def no_app() -> Flask:
        raise RuntimeError

    def inspect(address: str) -> Result:
        info = ScriptInfo(create_app=no_app)
        url = PRODUCT_URL.replace(TEST, address)
        return Flask("any").test_cli_runner().invoke(xiebao, ["inspect", url], obj=info)

    assert "gw.example is not Xiebao's gateway" in texts(inspect("https://gw.example"), "ERROR")
    for harmless in (TEST, "http://localhost:5000/gateway", ""):
        assert inspect(harmless).exit_code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"caseCode={CODE}", f"caseCode={CODE}%20"),
        (f"caseCode={CODE}", "caseCode=QX%20000"),
        ("partnerUniqKey=m1", "partnerUniqKey=+m1"),
        ("subPartnerId=", "subPartnerId=branch+7"),
    ],
)
def test_inspect_warns_of_spaces_in_values(well: Site, before: str, after: str) -> None:
    result = run(well.app, "inspect", PRODUCT_URL.replace(before, after))
    assert "There is a space in it" in texts(result, "WARNING")
    inside = run(well.app, "inspect", PRODUCT_URL.replace("=m1", "=m%201"))
    assert texts(inside, "WARNING") == ""


def test_inspect_knows_a_space_that_is_not_escaped(well: Site) -> None:
    result = run(well.app, "inspect", PRODUCT_URL.replace(CODE, "QX 1"))
    assert (
        texts(result, "ERROR") == "caseCode has a space or a line break: remove it, or write %20."
    )


def test_inspect_knows_a_url_from_the_source_of_a_page(well: Site) -> None:
    result = run(well.app, "inspect", PRODUCT_URL.replace("&", "&amp;"))
    assert "'amp;caseCode' has HTML's &amp; before it" in texts(result, "ERROR")
    assert "is missing" not in result.output


def test_inspect_shows_no_api_key_wherever_it_is(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_API_KEY="NDQ5NzVhMzFiZjM=")
    for written in ("NDQ5NzVhMzFiZjM=", "NDQ5NzVhMzFiZjM%3D"):
        url = PRODUCT_URL.replace("subPartnerId=", f"subPartnerId={written}")
        assert "NDQ5" not in run(app, "inspect", url).output


def test_inspect_warns_of_a_link_that_is_elsewhere(well: Site) -> None:
    link = well.link("product")
    right = run(well.app, "inspect", f"https://shop.example{link}")
    assert texts(right, "WARNING") == ""
    wrong = run(well.app, "inspect", f"https://other.example{link}")
    assert "Its host is other.example" in texts(wrong, "WARNING")


def test_inspect_judges_no_sign_of_the_other_environment(well: Site) -> None:
    """Each has a key of its own, and the site has one."""
    production = PRODUCT_URL.replace("testapi.", "api.")
    ours = run(well.app, "inspect", production)
    assert "sign=00…35 is made with the key of this site's own environment" in texts(ours, "ERROR")
    theirs = run(well.app, "inspect", production.replace(SIGN, "0123456789abcdef" * 2))
    assert texts(theirs, "ERROR") == ""
    assert "does not have the key of the production gateway" in texts(theirs, "WARNING")


def test_inspect_speaks_chinese(well: Site) -> None:
    right = run(well.app, "inspect", PRODUCT_URL, "--locale", "zh")
    assert "正确  测试网关的产品详情页（2.1）。\n" in right.output
    assert "正确  sign=00…35：和设置的密钥相符。\n" in right.output
    wrong = run(well.app, "inspect", PRODUCT_URL.replace(TEST, f"{TEST}:8443"), "--locale", "zh")
    assert "错误  携保的网关不在端口 8443 上" in wrong.output
    assert "错误 1 项，注意 0 项。网关会拒绝这个网址。\n" in wrong.output
    link = run(well.app, "inspect", well.link("product", member="m1"), "--locale", "zh")
    assert "正确  是会员 m1 的" in link.output


def test_inspect_suspects_a_shell_that_cut_the_url(well: Site) -> None:
    cut = run(well.app, "inspect", PRODUCT_URL.partition("&")[0])
    assert "Put the URL in quotes" in texts(cut, "WARNING")
    assert "Put the URL in quotes" not in run(well.app, "inspect", PRODUCT_URL).output


@pytest.mark.parametrize(
    "url",
    [
        PRODUCT_URL.replace("m1", SIGN.upper()),
        f"{PRODUCT_URL}&{SIGN}=1",
        f"{TEST}/dispatch/{SIGN}",
        f"{HOME_URL}&paySuccess={encoded('https://a.example/' + SIGN)}",
        f"{HOME_URL}&toLogin=https://a.example/{SIGN}",
    ],
)
def test_the_sign_is_masked_wherever_it_is(well: Site, url: str) -> None:
    assert "00…35" in run(well.app, "inspect", url.replace(f"sign={SIGN}", "sign=0")).output


def test_the_sign_is_masked_also_while_the_site_is_switched_off(
    configured: Callable[..., Flask],
) -> None:
    again = "".join(f"%{ord(digit):x}" for digit in SIGN)
    for member in (SIGN, SIGN.upper(), again):
        url = f"{TEST}/dispatch/cps/index?partnerId=12345&sign={SIGN}&partnerUniqKey={member}"
        result = run(configured(XIEBAO_ENABLED=False), "inspect", url)
        assert result.exit_code == 0
        assert "partnerUniqKey=00…35" in result.output
        assert SIGN not in result.output


def test_inspect_of_a_site_that_is_switched_off_and_has_no_account() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False, SECRET_KEY="x" * 32)
    Xiebao(app)
    assert run(app, "inspect", HOME_URL).exit_code == 0


def test_inspect_knows_the_sites_links_below_any_prefix(configured: Callable[..., Flask]) -> None:
    app = configured(XIEBAO_URL_PREFIX="/dispatch/ins")
    link = run(app, "link", "home").output.strip()
    result = run(app, "inspect", link)
    assert "It is about the home page" in result.output
    assert result.exit_code == 0


def test_inspect_of_a_port_that_is_none(well: Site) -> None:
    result = run(well.app, "inspect", PRODUCT_URL.replace(TEST, f"{TEST}:none"))
    assert result.exit_code == 2
    assert "This is not a valid URL." in result.output


def test_a_sign_of_another_key_inside_of_pay_success_is_masked(well: Site) -> None:
    for other in (EXAMPLES_2_2[0], f"https://shop.example/?next={quote(EXAMPLES_2_2[0], safe='')}"):
        result = run(well.app, "inspect", f"{HOME_URL}&paySuccess={encoded(other)}")
        assert "after payment the browser goes to https://" in result.output
        assert "82e20232" not in result.output


def test_the_output_is_one_line_for_each_finding_whatever_the_url_holds(
    well: Site,
) -> None:
    url = f"{HOME_URL}&paySuccess={encoded('https://shop.example/?a=1')}&hidenav=%1b[2J%0aok"
    result = run(well.app, "inspect", url)
    assert r"hidenav=\x1b[2J\nok" in result.output
    assert "\x1b" not in result.output


# inspect, a link of the site


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-24 10:00:00+00:00", tick=False) as traveller:
        yield traveller


def test_inspect_of_a_link_without_a_member(well: Site) -> None:
    for option in ("--external", "--local"):
        link = run(well.app, "link", "product", CODE, "--return-to", "/a", option).output.strip()
        result = run(well.app, "inspect", link)
        assert result.exit_code == 0
        assert findings(result) == [
            ("ok", "It is about the product page (2.1)."),
            ("ok", f"caseCode: {CODE}"),
            ("ok", "back to: /a"),
            ("ok", "It has no member: whoever clicks logs in and goes as themselves."),
        ]


def test_inspect_of_the_code_of_a_mail(well: Site) -> None:
    link = run(well.app, "link", "policy", NUMBER, "--member", "m1", "--local").output.strip()
    found = findings(run(well.app, "inspect", f"{link.replace('/policy/', '/qr/')}.png"))
    assert found[0][1].startswith("This is the QR code of a mail")
    assert found[1:] == findings(run(well.app, "inspect", link))
    assert run(well.app, "inspect", link.replace("/policy/", "/qr/")).exit_code == 1


def test_inspect_of_a_link_of_a_site_that_is_switched_off(configured: Callable[..., Flask]) -> None:
    link = run(configured(), "link", "product", CODE, "--local").output.strip()
    result = run(configured(XIEBAO_ENABLED=False), "inspect", link)
    assert findings(result) == [("ERROR", "XIEBAO_ENABLED is off: this link answers 404.")]
    assert result.exit_code == 1


def test_inspect_of_a_bearer_link(well: Site, clock: time_machine.Traveller) -> None:
    link = run(well.app, "link", "policy", NUMBER, "--member", "m1", "--no-login-for", "60").output
    whose = "It is member m1's, signed 2026-11-24 10:00:00 UTC"
    clock.shift(20)
    now = run(well.app, "inspect", link)
    assert f"{whose}: for 40 more of its 60 seconds whoever has it" in texts(now, "ok")
    assert f"insureNum: {NUMBER}" in texts(now, "ok")
    clock.shift(40)
    later = run(well.app, "inspect", link)
    assert f"{whose}, and its no_login_for of 60 seconds has run out" in texts(later, "WARNING")
    assert later.exit_code == 0


def test_inspect_of_a_members_link(well: Site) -> None:
    link = run(well.app, "link", "home", "--member", "m1", "--platform", "h5").output
    right = texts(run(well.app, "inspect", link), "ok")
    assert "only they can follow it, logged in." in right
    assert "platform: H5" in right


def test_inspect_refuses_links_that_the_site_refuses(well: Site) -> None:
    link = run(well.app, "link", "product", CODE, "--local").output.strip()
    token_of_nobody = LinkSigner([SECRET_KEY], "12345").dumps(Entry("policy", NUMBER))
    for url, said in (
        (f"{link}x", "was not made by this site, or it was changed"),
        (
            link.replace("product", "home"),
            "not a link to the home page: its token belongs to another",
        ),
        (
            f"/xiebao/policy/{token_of_nobody}",
            "not a link to the policy page: its token has no member",
        ),
    ):
        result = run(well.app, "inspect", url)
        assert said in texts(result, "ERROR")
        assert result.exit_code == 1
        assert result.output.endswith("Nobody can follow this link.\n")
    well.app.config["SECRET_KEY"] = None
    assert "SECRET_KEY is not set" in texts(run(well.app, "inspect", link), "ERROR")


def test_inspect_reads_the_way_back_from_a_payment(
    well: Site, clock: time_machine.Traveller
) -> None:
    well.log_in("m1")
    link = run(well.app, "link", "product", CODE, "--return-to", "/orders/8", "--local").output
    clicks = []
    with entry_clicked.connected_to(lambda app, click_id, **_: clicks.append(click_id), well.app):
        url = well.app.test_client().get(link.strip()).headers["Location"]
    result = run(well.app, "inspect", url)
    assert result.exit_code == 0
    right = texts(result, "ok")
    assert (
        "paySuccess: after payment the browser goes to https://shop.example/xiebao/paid/" in right
    )
    assert f"click {clicks[0]} of member m1, 2026-11-24 10:00:00 UTC." in right
    assert "back to: /orders/8" in right
    paid = re.search(r"https://shop.example/xiebao/paid/\S+", right)
    assert paid
    alone = run(well.app, "inspect", paid[0])
    assert f"click {clicks[0]} of member m1" in texts(alone, "ok")
    changed = run(well.app, "inspect", f"{paid[0]}x")
    assert "was not made by this site" in texts(changed, "ERROR")


# As a program


def flask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-m", "flask", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


SHOP = """
from flask import Flask
from flask_xiebao import Xiebao

def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY={secret!r}, XIEBAO_PARTNER_ID="12345", {rest})
    Xiebao(app).member_loader(lambda: "m1")
    return app
"""


def test_flask_finds_the_commands(tmp_path: Path) -> None:
    rest = f'XIEBAO_API_KEY="{API_KEY}", XIEBAO_ENV="test"'
    (tmp_path / "shop.py").write_text(SHOP.format(secret=SECRET_KEY, rest=rest))
    assert "Insurance entries to Xiebao" in flask(tmp_path, "--app", "shop", "--help").stdout
    doctor = flask(tmp_path, "--app", "shop", "xiebao", "doctor")
    assert doctor.returncode == 0, doctor.stderr
    assert "policy (2.3): a link was made" in doctor.stdout
    assert "Errors: 0. Warnings: 2." in doctor.stdout
    assert not re.search(f"{API_KEY}|{SECRET_KEY}", doctor.stdout + doctor.stderr)
    assert doctor.stderr == ""


def test_doctor_is_there_for_a_factory_that_fails(tmp_path: Path) -> None:
    rest = f'XIEBAO_KEY="{API_KEY}", XIEBAO_ENV="test"'
    (tmp_path / "shop.py").write_text(SHOP.format(secret=SECRET_KEY, rest=rest))
    doctor = flask(tmp_path, "--app", "shop", "xiebao", "doctor")
    assert doctor.returncode == 1
    assert "ERROR    XIEBAO_API_KEY is not set" in doctor.stdout
    assert "XIEBAO_KEY is not a setting: did you mean XIEBAO_API_KEY?" in doctor.stdout
    assert API_KEY not in doctor.stdout
    assert doctor.stderr == ""


def test_without_any_app_flask_says_how_to_name_one(tmp_path: Path) -> None:
    doctor = flask(tmp_path, "xiebao", "doctor")
    assert doctor.returncode == 2
    assert "flask --app" in doctor.stderr
    inspect = flask(tmp_path, "xiebao", "inspect", EXAMPLES_2_2[0])
    assert inspect.returncode == 0
    assert "It was not checked with a key: Could not locate a Flask application" in inspect.stdout


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("XIEBAO_BASE_URL", "/gateway"),
        ("XIEBAO_ENV", "production"),
        ("XIEBAO_API_KEY", "another"),
        ("XIEBAO_PUBLIC_URL", None),
    ],
)
def test_doctor_names_a_setting_that_came_too_late(
    well: Site, setting: str, value: str | None
) -> None:
    well.app.config[setting] = value
    result = run(well.app, "doctor")
    assert result.exit_code == 1
    wrong, *_ = [text for level, text in findings(result) if level == "ERROR"]
    assert wrong.startswith(f"{setting} was changed after Xiebao(app) or init_app(app)")
    assert value is None or value not in wrong


def test_doctor_of_a_site_without_any_secret_key_says_so(well: Site) -> None:
    del well.app.config["SECRET_KEY"]
    result = run(well.app, "doctor")
    assert result.exit_code == 1
    assert "SECRET_KEY is not set" in texts(result, "ERROR")
