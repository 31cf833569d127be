"""What ``flask xiebao doctor`` says of settings, secrets and what stands around the app.

Each finding is a row of ``ROWS``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask_caching import Cache
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import GatewaySimulator
from tests.check.support import Change, add_middleware, mount_below
from tests.cli.support import (
    ACCOUNT_KEY,
    MEMBER_SECRET,
    PRODUCTION,
    PUBLISHED,
    SHORT_API_KEY,
    TEST,
    Row,
    complaints,
    doctor,
    is_said,
    is_said_in_chinese,
    listens,
    run,
    shop,
    with_hosts,
)
from tests.support import SETTING_NAMES

#: Long enough for a key that signs, and for one that the gateway gives.
KEY_OF_40 = "a-key-of-forty-letters-that-nobody-guess"
NO_ADDRESS = "XIEBAO_PUBLIC_URL is not set"


def simulator(path: str) -> Change:
    """Register a simulator there, by a name of the site's own."""
    blueprint = GatewaySimulator("12345", ACCOUNT_KEY).blueprint
    return lambda app: app.register_blueprint(blueprint, url_prefix=path, name="play")


def own_gateway(app: Flask) -> None:
    """Have pages of the gateway that take a slash or none."""
    for page in PAGES.values():
        app.add_url_rule(f"/own{page.path}/", page.name, lambda: "", strict_slashes=False)


ROWS: dict[str, Row] = {
    # The keys that sign links
    "no SECRET_KEY": Row(
        partial(shop, SECRET_KEY=None), "ERROR", ("SECRET_KEY is not set", "secrets.token_hex()")
    ),
    "a SECRET_KEY that is gone": Row(
        partial(shop, lambda app: app.config.pop("SECRET_KEY")), "ERROR", ("SECRET_KEY is not set",)
    ),
    "fallbacks that are no list": Row(
        partial(shop, SECRET_KEY_FALLBACKS="old"),
        "ERROR",
        ("SECRET_KEY_FALLBACKS must be a list",),
    ),
    "a short SECRET_KEY": Row(
        partial(shop, SECRET_KEY="dev"),
        "WARNING",
        ("SECRET_KEY is short or well known", "secrets.token_hex()"),
    ),
    "a SECRET_KEY of a tutorial": Row(
        partial(shop, SECRET_KEY=b"Super-Secret_Key"),
        "WARNING",
        ("SECRET_KEY is short or well known",),
    ),
    "a short fallback": Row(
        partial(shop, SECRET_KEY_FALLBACKS=["dev"]),
        "WARNING",
        ("A key in SECRET_KEY_FALLBACKS is short", "Remove this key."),
    ),
    # The same secret in two places
    "SECRET_KEY is the API key": Row(
        partial(shop, XIEBAO_API_KEY=KEY_OF_40, SECRET_KEY=KEY_OF_40),
        "WARNING",
        (
            "SECRET_KEY or a key in SECRET_KEY_FALLBACKS is the same as XIEBAO_API_KEY",
            "secrets.token_hex()",
        ),
    ),
    "the member secret signs links": Row(
        partial(shop, SECRET_KEY=MEMBER_SECRET),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as SECRET_KEY",
            "Replace SECRET_KEY or, only if no member has clicked an entry yet",
        ),
    ),
    "the member secret signed links": Row(
        partial(shop, SECRET_KEY_FALLBACKS=[MEMBER_SECRET]),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as a key in SECRET_KEY_FALLBACKS",
            "choose another XIEBAO_MEMBER_SECRET",
        ),
    ),
    "the member secret is the API key": Row(
        partial(shop, XIEBAO_API_KEY=MEMBER_SECRET),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as XIEBAO_API_KEY",
            "choose another XIEBAO_MEMBER_SECRET",
        ),
    ),
    "a member secret of the manual": Row(
        partial(shop, XIEBAO_MEMBER_SECRET=PUBLISHED),
        "WARNING",
        ("XIEBAO_MEMBER_SECRET is well known", "Generate another"),
    ),
    "an API key of the family's shape": Row(
        partial(shop, XIEBAO_API_KEY=SHORT_API_KEY),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    "such an API key with the partner's id": Row(
        partial(shop, XIEBAO_API_KEY=f"{SHORT_API_KEY[:15]}12345"),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    "a short API key in production": Row(
        partial(shop, listens, XIEBAO_ENV="production", XIEBAO_API_KEY="s3cr3t"),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    # Where entries lead
    "off": Row(partial(shop, XIEBAO_ENABLED=False), "WARNING", ("XIEBAO_ENABLED is off",)),
    "off and without a key": Row(
        partial(shop, XIEBAO_ENABLED=False, XIEBAO_API_KEY=None),
        "ok",
        ("XIEBAO_API_KEY is not set (default: none)",),
        also=("XIEBAO_ENABLED is off",),
    ),
    "test": Row(
        shop, "ok", (f"redirect to {TEST}. In the test environment, policies are not real.",)
    ),
    "production": Row(
        partial(shop, listens, XIEBAO_ENV="production"),
        "ok",
        (f"{PRODUCTION}. In the production environment, policies are real.",),
    ),
    "no environment in tests": Row(
        partial(shop, XIEBAO_ENV=None, TESTING=True),
        "ok",
        ("XIEBAO_ENV is not set (default: test)",),
    ),
    "no environment": Row(
        partial(shop, XIEBAO_ENV=None),
        "WARNING",
        ('XIEBAO_ENV is not set. Set it to "production"',),
    ),
    "the production gateway in test": Row(
        partial(shop, XIEBAO_BASE_URL=PRODUCTION),
        "WARNING",
        ("XIEBAO_BASE_URL is the URL of the production gateway",),
    ),
    "the test gateway in production": Row(
        partial(shop, listens, XIEBAO_ENV="production", XIEBAO_BASE_URL=TEST),
        "ERROR",
        ("XIEBAO_BASE_URL is the URL of the test gateway",),
    ),
    "a simulator that is not there": Row(
        partial(shop, XIEBAO_BASE_URL="/gateway"),
        "WARNING",
        ("the app has no gateway pages at this path",),
    ),
    "one page of a simulator": Row(
        partial(shop, XIEBAO_BASE_URL="/gateway", views={"/gateway/dispatch/cps": "Half"}),
        "WARNING",
        ("the app has no gateway pages at this path",),
    ),
    "a simulator": Row(
        partial(shop, simulator("/gateway"), XIEBAO_BASE_URL="/gateway"),
        "ok",
        ("Insurance entries redirect to /gateway",),
    ),
    "a simulator with a Chinese name": Row(
        partial(shop, simulator("/网关"), XIEBAO_BASE_URL="/%E7%BD%91%E5%85%B3"),
        "ok",
        ("Insurance entries redirect to /%E7%BD%91%E5%85%B3",),
    ),
    "a gateway of the site's own": Row(
        partial(shop, own_gateway, XIEBAO_BASE_URL="/own"),
        "ok",
        ("Insurance entries redirect to /own",),
    ),
    "a simulator in production": Row(
        partial(shop, simulator("/gateway"), listens, XIEBAO_ENV="production"),
        "ERROR",
        ("the blueprint of a GatewaySimulator is registered",),
    ),
    # Where the site is
    "http": Row(
        partial(shop, XIEBAO_PUBLIC_URL="http://shop.example"),
        "WARNING",
        ("begin with http://shop.example (from XIEBAO_PUBLIC_URL) and are not encrypted",),
    ),
    "no address": Row(
        partial(shop, XIEBAO_PUBLIC_URL=None),
        "WARNING",
        (
            NO_ADDRESS,
            "so in production the app cannot create members' links for emails and QR codes",
        ),
    ),
    "no address in production": Row(
        partial(shop, listens, XIEBAO_ENV="production", XIEBAO_PUBLIC_URL=None),
        "ERROR",
        (
            f"{NO_ADDRESS}, so in production the app cannot create",
            "Set XIEBAO_PUBLIC_URL to the address of the site, for example https://shop.example",
        ),
        also=("The callback URL to give to Xiebao ends with /xiebao/notify.",),
    ),
    "SERVER_NAME": Row(
        partial(shop, XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"),
        "WARNING",
        ("begin with http://shop.example (from SERVER_NAME)",),
    ),
    "SERVER_NAME that is no host": Row(
        partial(shop, XIEBAO_PUBLIC_URL=None, SERVER_NAME="[::1"),
        "WARNING",
        ("begin with http://[::1 (from SERVER_NAME)",),
        also=("The links could not be checked. Fix this error: ValueError in",),
    ),
    "SERVER_NAME by https and below a path": Row(
        partial(
            shop,
            XIEBAO_PUBLIC_URL=None,
            SERVER_NAME="shop.example",
            PREFERRED_URL_SCHEME="https",
            APPLICATION_ROOT="/shop",
        ),
        "ok",
        ("Absolute links begin with https://shop.example/shop (from SERVER_NAME).",),
    ),
    "a host that is trusted": Row(
        partial(with_hosts, ".shop.example", XIEBAO_PUBLIC_URL=None),
        "WARNING",
        ("cannot create links for emails outside of a request. Set XIEBAO_PUBLIC_URL",),
    ),
    "this machine": Row(
        partial(shop, XIEBAO_PUBLIC_URL="http://localhost:5000"),
        "ok",
        ("begin with http://localhost:5000",),
    ),
    "this machine in production": Row(
        partial(shop, listens, XIEBAO_ENV="production", XIEBAO_PUBLIC_URL="http://127.0.0.1:5000"),
        "WARNING",
        ("a loopback address, which leads visitors to their own device",),
    ),
    "an application root that links lack": Row(
        partial(shop, APPLICATION_ROOT="/shop"),
        "WARNING",
        (
            'APPLICATION_ROOT is "/shop", but absolute links do not begin with this path',
            'Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',
        ),
    ),
    "a mount that links lack": Row(
        partial(shop, mount_below("/shop")),
        "ERROR",
        (
            'lack the path "/shop" at which DispatcherMiddleware mounts the site',
            'Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',
        ),
    ),
    "a mount that nobody is told of": Row(
        partial(shop, mount_below("/shop"), XIEBAO_PUBLIC_URL=None),
        "ok",
        ("members return to …/xiebao/paid/… on the site if their entry has a return_to",),
        also=(NO_ADDRESS,),
    ),
    # Names, and what does not go with entries
    "a misspelt setting": Row(
        partial(shop, XIEBAO_HANDOF_MAX_AGE=9), "WARNING", ("Did you mean XIEBAO_HANDOFF_MAX_AGE?",)
    ),
    "a misspelt prefix": Row(
        partial(shop, XIEBO_LOCALE="en"), "WARNING", ("Did you mean XIEBAO_LOCALE?",)
    ),
    "no setting": Row(
        partial(shop, XIEBAO_QWERTZUIOP=9),
        "WARNING",
        ("XIEBAO_QWERTZUIOP is not a setting of Flask-Xiebao. Remove this setting.",),
    ),
    "a name like no other": Row(
        partial(shop, XIEBAO_FROBNICATE=1), "WARNING", ("XIEBAO_FROBNICATE is not a setting",)
    ),
    "others' settings": Row(
        partial(shop, ALIPAY_API_KEY="x", BABEL_LOCALE="zh", XIEBAO_LOCALE="en"),
        "ok",
        ("XIEBAO_LOCALE: en",),
    ),
    "a number as a parameter": Row(partial(shop, XIEBAO_EXTRA={1: 2}), "ok", ("XIEBAO_EXTRA: 1",)),
    "a cache": Row(
        partial(shop, Cache, CACHE_TYPE="SimpleCache"),
        "WARNING",
        ("Flask-Caching ignores the Vary header", "Set XIEBAO_DEVICE_MARKUP to False"),
    ),
    "a strict session cookie": Row(
        partial(shop, SESSION_COOKIE_SAMESITE="Strict"),
        "WARNING",
        (
            'SESSION_COOKIE_SAMESITE is "Strict", so members who return from the payment',
            'Set SESSION_COOKIE_SAMESITE to "Lax"',
        ),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_setting_is_judged(row: Row) -> None:
    is_said(row)


def test_each_setting_has_a_line_if_that_is_asked_for() -> None:
    app = shop(
        XIEBAO_APP_USER_AGENT=re.compile("ShopApp/"),
        XIEBAO_EXTRA={"hidenav": 1, "token": "not to be shown"},
    )
    app.config[5] = "not text"  # a config can hold it
    in_short, at_length = doctor(app)["ok"], doctor(app, "-v")["ok"]
    assert doctor(app, "--verbose")["ok"] == at_length
    for name in SETTING_NAMES:
        line = re.compile(rf"^{name}(:| is )", re.MULTILINE)
        assert line.search(at_length), name
        assert not line.search(in_short), name
    assert "XIEBAO_PARTNER_ID: 12345\n" in at_length
    assert "XIEBAO_API_KEY is set (value hidden)\n" in at_length
    assert "XIEBAO_APP_USER_AGENT: ShopApp/\n" in at_length
    assert "XIEBAO_EXTRA: hidenav, token\n" in at_length
    assert "XIEBAO_HANDOFF_MAX_AGE is not set (default: 300)\n" in at_length
    assert "not to be shown" not in at_length


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("XIEBAO_BASE_URL", "/gateway"),
        ("XIEBAO_ENV", "production"),
        ("XIEBAO_API_KEY", "another"),
        ("XIEBAO_PUBLIC_URL", None),
    ],
)
def test_a_setting_that_came_too_late_is_named(setting: str, value: str | None) -> None:
    app = shop()
    app.config[setting] = value
    [wrong] = doctor(app)["ERROR"].splitlines()
    assert wrong.startswith(f"{setting} was changed after Xiebao(app) or init_app(app)")
    assert value is None or value not in wrong


def test_late_setting_that_is_not_valid_is_reported_once() -> None:
    app = shop()
    app.config["XIEBAO_ENV"] = "prod"
    [wrong] = doctor(app)["ERROR"].splitlines()
    assert wrong == 'XIEBAO_ENV must be "test" or "production", got \'prod\'.'


@pytest.mark.parametrize(
    ("path", "proxy", "level", "wanted"),
    [
        ("", {}, "ok", ""),
        (
            "",
            {"x_prefix": 1},
            "ok",
            "If the proxy sets the header to a path instead, set XIEBAO_PUBLIC_URL",
        ),
        ("/shop", {"x_prefix": 1}, "ok", 'your proxy itself sets the header to "/shop" on every'),
        (
            "/shop",
            {},
            "WARNING",
            "Add x_prefix=1 to ProxyFix if your proxy itself sets X-Forwarded-Prefix",
        ),
        (
            "/shop",
            None,
            "WARNING",
            'If the server sets SCRIPT_NAME, set APPLICATION_ROOT to "/shop"',
        ),
    ],
)
def test_a_site_below_a_path_hears_what_its_proxy_has_to_do(
    path: str, proxy: dict[str, Any] | None, level: str, wanted: str
) -> None:
    changes = [] if proxy is None else [add_middleware(ProxyFix, **proxy)]
    app = shop(*changes, XIEBAO_PUBLIC_URL=f"https://shop.example{path}")
    said = doctor(app)
    assert wanted in said[level]
    assert said["ERROR"] == ""
    assert (said["WARNING"] == "") == (level == "ok")
    assert f"return to https://shop.example{path}/xiebao/paid/…" in said["ok"]
    is_said_in_chinese(app, said)


@pytest.mark.parametrize("path", ["/shop", "/商城"])
def test_site_below_path_has_no_warning_if_application_root_names_path(path: str) -> None:
    said = doctor(shop(XIEBAO_PUBLIC_URL=f"https://shop.example{path}", APPLICATION_ROOT=path))
    assert complaints(said) == []
    assert f'the server sets SCRIPT_NAME to "{path}"' in said["ok"]


def strip_prefix(inner: Any) -> Any:
    """Move the path "/shop" to SCRIPT_NAME, as the middleware of some sites does."""

    def call_below_prefix(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/shop/"):
            environ["SCRIPT_NAME"] = "/shop"
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/shop")
        return inner(environ, start_response)

    return call_below_prefix


def test_site_below_path_has_no_warning_if_own_middleware_serves_path() -> None:
    site = shop(add_middleware(strip_prefix), XIEBAO_PUBLIC_URL="https://shop.example/shop")
    assert complaints(doctor(site)) == []


def test_production_without_notification_handler_is_an_error() -> None:
    said = doctor(shop(XIEBAO_ENV="production"))
    assert "No notification_handler is registered" in said["ERROR"]
    assert "No notification_handler is registered" in doctor(shop())["ok"]


@pytest.mark.parametrize(
    ("config", "options", "exit_code"),
    [
        ({}, (), 0),
        ({}, ("--strict",), 0),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, (), 0),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, ("--strict",), 1),
        ({"XIEBAO_LOGIN_VIEW": "nowhere"}, (), 1),
    ],
)
def test_strict_fails_on_warnings(
    config: dict[str, Any], options: tuple[str, ...], exit_code: int
) -> None:
    assert run(shop(**config), "doctor", *options).exit_code == exit_code
