"""Tests for ``flask xiebao doctor`` on settings, secrets, proxies and other extensions.

To test another setting, add a row to ``CASES``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao.gateway.pages import PAGES
from tests.check.support import add_middleware, mount_app_below
from tests.cli.support import (
    MEMBER_SECRET,
    PRODUCTION_GATEWAY,
    PUBLISHED_SECRET,
    SHORT_API_KEY,
    TEST_GATEWAY,
    DoctorCase,
    add_notification_handler,
    add_simulator,
    assert_doctor_reports,
    make_shop,
    make_shop_with_trusted_hosts,
    run_command,
    run_doctor,
)
from tests.requirements import import_later
from tests.support import PUBLIC_URL, SETTING_NAMES

#: A key that is long enough both as SECRET_KEY and as API key.
KEY_OF_40 = "a-key-of-forty-letters-that-nobody-guess"
NO_PUBLIC_URL = "XIEBAO_PUBLIC_URL is not set"
URL_BELOW_PATH = f"{PUBLIC_URL}/shop"
CHANGED_TOO_LATE = (
    "{0} was changed after Xiebao(app) or init_app(app) had read the settings, so the change has no"
    " effect. Set {0} before the extension is initialized."
)
RETURN_LINK_BELOW_PATH = "return to https://shop.example/shop/xiebao/paid/…"


def add_gateway_views(app: Flask) -> None:
    """Register views for the gateway pages below ``/custom``. Each path may end with a slash."""
    for page in PAGES.values():
        app.add_url_rule(f"/custom{page.path}/", page.name, lambda: "", strict_slashes=False)


def move_path_prefix(inner: Any) -> Any:
    """Move the path prefix "/shop" to SCRIPT_NAME, as the middleware of some sites does."""

    def call_below_prefix(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/shop/"):
            environ["SCRIPT_NAME"] = "/shop"
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/shop")
        return inner(environ, start_response)

    return call_below_prefix


#: One row per site: the function that builds the site, the level of the findings that ``flask
#: xiebao doctor`` must report, texts of these findings, and optionally texts of other findings.
CASES: dict[str, DoctorCase] = {
    # Keys that sign links
    "no SECRET_KEY": DoctorCase(
        partial(make_shop, SECRET_KEY=None),
        "ERROR",
        ("SECRET_KEY is not set", "secrets.token_hex()", "All other checks were skipped."),
    ),
    "removed SECRET_KEY": DoctorCase(
        partial(make_shop, lambda app: app.config.pop("SECRET_KEY")),
        "ERROR",
        ("SECRET_KEY is not set",),
    ),
    "SECRET_KEY_FALLBACKS as string": DoctorCase(
        partial(make_shop, SECRET_KEY_FALLBACKS="old"),
        "ERROR",
        ("SECRET_KEY_FALLBACKS must be a list",),
    ),
    "short SECRET_KEY": DoctorCase(
        partial(make_shop, SECRET_KEY="dev"),
        "WARNING",
        ("SECRET_KEY is short or well known", "secrets.token_hex()"),
    ),
    "SECRET_KEY from tutorial": DoctorCase(
        partial(make_shop, SECRET_KEY=b"Super-Secret_Key"),
        "WARNING",
        ("SECRET_KEY is short or well known",),
    ),
    "short key in SECRET_KEY_FALLBACKS": DoctorCase(
        partial(make_shop, SECRET_KEY_FALLBACKS=["dev"]),
        "WARNING",
        ("A key in SECRET_KEY_FALLBACKS is short", "Remove this key."),
    ),
    # Equal, published and short secrets
    "API key as SECRET_KEY": DoctorCase(
        partial(make_shop, XIEBAO_API_KEY=KEY_OF_40, SECRET_KEY=KEY_OF_40),
        "WARNING",
        (
            "SECRET_KEY or a key in SECRET_KEY_FALLBACKS is the same as XIEBAO_API_KEY",
            "secrets.token_hex()",
        ),
    ),
    "SECRET_KEY as member secret": DoctorCase(
        partial(make_shop, SECRET_KEY=MEMBER_SECRET),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as SECRET_KEY",
            "Replace SECRET_KEY or, only if no member has clicked an entry yet",
        ),
    ),
    "key in SECRET_KEY_FALLBACKS as member secret": DoctorCase(
        partial(make_shop, SECRET_KEY_FALLBACKS=[MEMBER_SECRET]),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as a key in SECRET_KEY_FALLBACKS",
            "choose another XIEBAO_MEMBER_SECRET",
        ),
    ),
    "API key as member secret": DoctorCase(
        partial(make_shop, XIEBAO_API_KEY=MEMBER_SECRET),
        "WARNING",
        (
            "XIEBAO_MEMBER_SECRET is the same as XIEBAO_API_KEY",
            "choose another XIEBAO_MEMBER_SECRET",
        ),
    ),
    "member secret from manual": DoctorCase(
        partial(make_shop, XIEBAO_MEMBER_SECRET=PUBLISHED_SECRET),
        "WARNING",
        ("XIEBAO_MEMBER_SECRET is well known", "Generate another"),
    ),
    "short base64 API key": DoctorCase(
        partial(make_shop, XIEBAO_API_KEY=SHORT_API_KEY),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    "short base64 API key with partner id": DoctorCase(
        partial(make_shop, XIEBAO_API_KEY=f"{SHORT_API_KEY[:15]}12345"),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    "short API key in production": DoctorCase(
        partial(
            make_shop, add_notification_handler, XIEBAO_ENV="production", XIEBAO_API_KEY="s3cr3t"
        ),
        "WARNING",
        ("XIEBAO_API_KEY is short", "Ask Xiebao for a random key of 32"),
    ),
    # Environment and URL of the gateway
    "XIEBAO_ENABLED off": DoctorCase(
        partial(make_shop, XIEBAO_ENABLED=False), "WARNING", ("XIEBAO_ENABLED is off",)
    ),
    "XIEBAO_ENABLED off without API key": DoctorCase(
        partial(make_shop, XIEBAO_ENABLED=False, XIEBAO_API_KEY=None),
        "ok",
        ("XIEBAO_API_KEY is not set (default: none)",),
        further_problems=("XIEBAO_ENABLED is off",),
    ),
    "test environment": DoctorCase(
        make_shop,
        "ok",
        (f"redirect to {TEST_GATEWAY}. In the test environment, policies are not real.",),
    ),
    "production environment": DoctorCase(
        partial(make_shop, add_notification_handler, XIEBAO_ENV="production"),
        "ok",
        (f"{PRODUCTION_GATEWAY}. In the production environment, policies are real.",),
    ),
    "no XIEBAO_ENV in testing mode": DoctorCase(
        partial(make_shop, XIEBAO_ENV=None, TESTING=True),
        "ok",
        ("XIEBAO_ENV is not set (default: test)",),
    ),
    "no XIEBAO_ENV": DoctorCase(
        partial(make_shop, XIEBAO_ENV=None),
        "WARNING",
        ('XIEBAO_ENV is not set. Set it to "production"',),
    ),
    "URL of production gateway in test environment": DoctorCase(
        partial(make_shop, XIEBAO_BASE_URL=PRODUCTION_GATEWAY),
        "WARNING",
        ("XIEBAO_BASE_URL is the URL of the production gateway",),
    ),
    "URL of test gateway in production": DoctorCase(
        partial(
            make_shop,
            add_notification_handler,
            XIEBAO_ENV="production",
            XIEBAO_BASE_URL=TEST_GATEWAY,
        ),
        "ERROR",
        ("XIEBAO_BASE_URL is the URL of the test gateway",),
    ),
    "gateway path without simulator": DoctorCase(
        partial(make_shop, XIEBAO_BASE_URL="/gateway"),
        "WARNING",
        ("the app has no gateway pages at this path",),
    ),
    "gateway path with one page only": DoctorCase(
        partial(make_shop, XIEBAO_BASE_URL="/gateway", views={"/gateway/dispatch/cps": "Half"}),
        "WARNING",
        ("the app has no gateway pages at this path",),
    ),
    "simulator at gateway path": DoctorCase(
        partial(make_shop, add_simulator("/gateway"), XIEBAO_BASE_URL="/gateway"),
        "ok",
        ("Insurance entries redirect to /gateway",),
    ),
    "simulator at Chinese gateway path": DoctorCase(
        partial(make_shop, add_simulator("/网关"), XIEBAO_BASE_URL="/%E7%BD%91%E5%85%B3"),
        "ok",
        ("Insurance entries redirect to /%E7%BD%91%E5%85%B3",),
    ),
    "custom gateway pages at gateway path": DoctorCase(
        partial(make_shop, add_gateway_views, XIEBAO_BASE_URL="/custom"),
        "ok",
        ("Insurance entries redirect to /custom",),
    ),
    "simulator in production": DoctorCase(
        partial(
            make_shop, add_simulator("/gateway"), add_notification_handler, XIEBAO_ENV="production"
        ),
        "ERROR",
        ("the blueprint of a GatewaySimulator is registered",),
    ),
    # Public URL of the site
    "public URL with HTTP": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL="http://shop.example"),
        "WARNING",
        ("begin with http://shop.example (from XIEBAO_PUBLIC_URL) and are not encrypted",),
    ),
    "no public URL": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=None),
        "WARNING",
        (
            NO_PUBLIC_URL,
            "so in production the app cannot create members' links for emails and QR codes",
        ),
    ),
    "no public URL in production": DoctorCase(
        partial(
            make_shop, add_notification_handler, XIEBAO_ENV="production", XIEBAO_PUBLIC_URL=None
        ),
        "ERROR",
        (
            f"{NO_PUBLIC_URL}, so in production the app cannot create",
            "Set XIEBAO_PUBLIC_URL to the address of the site, for example https://shop.example",
        ),
        further_problems=("The callback URL to give to Xiebao ends with /xiebao/notify.",),
    ),
    "SERVER_NAME": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"),
        "WARNING",
        ("begin with http://shop.example (from SERVER_NAME)",),
    ),
    "invalid SERVER_NAME": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=None, SERVER_NAME="[::1"),
        "WARNING",
        ("begin with http://[::1 (from SERVER_NAME)",),
        further_problems=("The links could not be checked. Fix this error: ValueError in",),
    ),
    "SERVER_NAME with HTTPS and APPLICATION_ROOT": DoctorCase(
        partial(
            make_shop,
            XIEBAO_PUBLIC_URL=None,
            SERVER_NAME="shop.example",
            PREFERRED_URL_SCHEME="https",
            APPLICATION_ROOT="/shop",
        ),
        "ok",
        ("Absolute links begin with https://shop.example/shop (from SERVER_NAME).",),
    ),
    "trusted host without public URL": DoctorCase(
        partial(make_shop_with_trusted_hosts, ".shop.example", XIEBAO_PUBLIC_URL=None),
        "WARNING",
        ("cannot create links for emails outside of a request. Set XIEBAO_PUBLIC_URL",),
    ),
    "public URL on localhost": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL="http://localhost:5000"),
        "ok",
        ("begin with http://localhost:5000",),
    ),
    "public URL on localhost in production": DoctorCase(
        partial(
            make_shop,
            add_notification_handler,
            XIEBAO_ENV="production",
            XIEBAO_PUBLIC_URL="http://127.0.0.1:5000",
        ),
        "WARNING",
        ("a loopback address, which leads visitors to their own device",),
    ),
    "APPLICATION_ROOT missing in public URL": DoctorCase(
        partial(make_shop, APPLICATION_ROOT="/shop"),
        "WARNING",
        (
            'APPLICATION_ROOT is "/shop", but absolute links do not begin with this path',
            'Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',
        ),
    ),
    "mount path missing in public URL": DoctorCase(
        partial(make_shop, mount_app_below("/shop")),
        "ERROR",
        (
            "Found: 404 https://shop.example/xiebao/product/",
            "Check that SERVER_NAME and TRUSTED_HOSTS accept the host, that XIEBAO_PUBLIC_URL ends"
            " with the path at which the app is mounted",
        ),
    ),
    "mounted site without public URL": DoctorCase(
        partial(make_shop, mount_app_below("/shop"), XIEBAO_PUBLIC_URL=None),
        "ok",
        ("members return to …/xiebao/paid/… on the site if their entry has a return_to",),
        further_problems=(NO_PUBLIC_URL,),
    ),
    # Unknown names of settings, and settings of other extensions
    "misspelled setting": DoctorCase(
        partial(make_shop, XIEBAO_HANDOF_MAX_AGE=9),
        "WARNING",
        ("Did you mean XIEBAO_HANDOFF_MAX_AGE?",),
    ),
    "misspelled prefix of setting": DoctorCase(
        partial(make_shop, XIEBO_LOCALE="en"), "WARNING", ("Did you mean XIEBAO_LOCALE?",)
    ),
    "unknown setting": DoctorCase(
        partial(make_shop, XIEBAO_QWERTZUIOP=9),
        "WARNING",
        ("XIEBAO_QWERTZUIOP is not a setting of Flask-Xiebao. Remove this setting.",),
    ),
    "unknown setting with unusual name": DoctorCase(
        partial(make_shop, XIEBAO_FROBNICATE=1), "WARNING", ("XIEBAO_FROBNICATE is not a setting",)
    ),
    "settings of other extensions": DoctorCase(
        partial(make_shop, ALIPAY_API_KEY="x", BABEL_LOCALE="zh", XIEBAO_LOCALE="en"),
        "ok",
        ("XIEBAO_LOCALE: en",),
    ),
    "XIEBAO_EXTRA with integer key": DoctorCase(
        partial(make_shop, XIEBAO_EXTRA={1: 2}), "ok", ("XIEBAO_EXTRA: 1",)
    ),
    "Flask-Caching": DoctorCase(
        partial(make_shop, import_later("flask_caching:Cache"), CACHE_TYPE="SimpleCache"),
        "WARNING",
        ("Flask-Caching ignores the Vary header", "Set XIEBAO_DEVICE_MARKUP to False"),
    ),
    "session cookie with SameSite=Strict": DoctorCase(
        partial(make_shop, SESSION_COOKIE_SAMESITE="Strict"),
        "WARNING",
        (
            'SESSION_COOKIE_SAMESITE is "Strict", so members who return from the payment',
            'Set SESSION_COOKIE_SAMESITE to "Lax"',
        ),
    ),
    # Proxies and servers that mount the site at a path
    "ProxyFix without x_prefix": DoctorCase(
        partial(make_shop, add_middleware(ProxyFix), XIEBAO_PUBLIC_URL=PUBLIC_URL),
        "ok",
        ("return to https://shop.example/xiebao/paid/…",),
    ),
    "ProxyFix with x_prefix": DoctorCase(
        partial(make_shop, add_middleware(ProxyFix, x_prefix=1), XIEBAO_PUBLIC_URL=PUBLIC_URL),
        "ok",
        (
            "If the proxy sets the header to a path instead, set XIEBAO_PUBLIC_URL",
            "return to https://shop.example/xiebao/paid/…",
        ),
    ),
    "ProxyFix with x_prefix below a path": DoctorCase(
        partial(make_shop, add_middleware(ProxyFix, x_prefix=1), XIEBAO_PUBLIC_URL=URL_BELOW_PATH),
        "ok",
        ('your proxy itself sets the header to "/shop" on every', RETURN_LINK_BELOW_PATH),
    ),
    "ProxyFix without x_prefix below a path": DoctorCase(
        partial(make_shop, add_middleware(ProxyFix), XIEBAO_PUBLIC_URL=URL_BELOW_PATH),
        "WARNING",
        ("Add x_prefix=1 to ProxyFix if your proxy itself sets X-Forwarded-Prefix",),
    ),
    "public URL below a path without ProxyFix": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=URL_BELOW_PATH),
        "WARNING",
        ('If the server sets SCRIPT_NAME, set APPLICATION_ROOT to "/shop"',),
    ),
    "APPLICATION_ROOT in public URL": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=URL_BELOW_PATH, APPLICATION_ROOT="/shop"),
        "ok",
        ('the server sets SCRIPT_NAME to "/shop"',),
    ),
    "Chinese APPLICATION_ROOT in public URL": DoctorCase(
        partial(make_shop, XIEBAO_PUBLIC_URL=f"{PUBLIC_URL}/商城", APPLICATION_ROOT="/商城"),
        "ok",
        ('the server sets SCRIPT_NAME to "/商城"',),
    ),
    "custom middleware that sets SCRIPT_NAME": DoctorCase(
        partial(make_shop, add_middleware(move_path_prefix), XIEBAO_PUBLIC_URL=URL_BELOW_PATH),
        "ok",
        (RETURN_LINK_BELOW_PATH,),
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        # In production, the doctor reports a missing httpx.
        pytest.param(
            case, id=name, marks=pytest.mark.requires("httpx") if "production" in name else ()
        )
        for name, case in CASES.items()
    ],
)
def test_doctor_reports_settings_and_their_problems(case: DoctorCase) -> None:
    assert_doctor_reports(case)


def test_verbose_doctor_lists_every_setting() -> None:
    app = make_shop(
        XIEBAO_APP_USER_AGENT=re.compile("ShopApp/"),
        XIEBAO_EXTRA={"hidenav": 1, "token": "not to be shown"},
    )
    app.config[5] = "a key that is not a string"

    short, verbose = run_doctor(app)["ok"], run_doctor(app, "-v")["ok"]

    assert run_doctor(app, "--verbose")["ok"] == verbose
    for name in SETTING_NAMES:
        line = re.compile(rf"^{name}(:| is )", re.MULTILINE)
        assert line.search(verbose), name
        assert not line.search(short), name
    for text in (
        "XIEBAO_PARTNER_ID: 12345\n",
        "XIEBAO_API_KEY is set (value hidden)\n",
        "XIEBAO_APP_USER_AGENT: ShopApp/\n",
        "XIEBAO_EXTRA: hidenav, token\n",
        "XIEBAO_HANDOFF_MAX_AGE is not set (default: 300)\n",
    ):
        assert text in verbose
    assert "not to be shown" not in verbose


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("XIEBAO_BASE_URL", "/gateway", CHANGED_TOO_LATE),
        ("XIEBAO_ENV", "production", CHANGED_TOO_LATE),
        ("XIEBAO_ENV", "prod", '{0} must be "test" or "production", got \'prod\'.'),
        # The message of ``flask xiebao doctor`` must not contain the changed API key.
        ("XIEBAO_API_KEY", "another", CHANGED_TOO_LATE),
        ("XIEBAO_PUBLIC_URL", None, CHANGED_TOO_LATE),
    ],
    ids=[
        "XIEBAO_BASE_URL",
        "XIEBAO_ENV",
        "invalid XIEBAO_ENV",
        "XIEBAO_API_KEY",
        "removed XIEBAO_PUBLIC_URL",
    ],
)
def test_doctor_reports_setting_changed_after_init_app(
    setting: str, value: str | None, message: str
) -> None:
    app = make_shop()
    app.config[setting] = value

    assert run_doctor(app)["ERROR"] == message.format(setting)


@pytest.mark.parametrize(
    ("config", "options", "exit_code"),
    [
        ({}, (), 0),
        ({}, ("--strict",), 0),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, (), 0),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, ("--strict",), 1),
        ({"XIEBAO_LOGIN_VIEW": "nowhere"}, (), 1),
    ],
    ids=["no problem", "no problem, --strict", "warning", "warning, --strict", "error"],
)
def test_strict_option_makes_doctor_fail_on_warnings(
    config: dict[str, Any], options: tuple[str, ...], exit_code: int
) -> None:
    assert run_command(make_shop(**config), "doctor", *options).exit_code == exit_code
