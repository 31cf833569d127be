"""Tests for the output of ``flask xiebao doctor``, for invalid apps and for valid sites.

To test a site without problems, add a row to ``VALID_SITES``. The other
``test_doctor_….py`` files have the tables of sites with problems.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask, abort, got_request_exception, redirect, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from flask_xiebao import ConfigError, Xiebao, notification_received
from tests.check.support import (
    add_language_prefix,
    add_middleware,
    divide_by_zero,
    limit_requests,
    mount_app_below,
    register_hook,
    require_complete_requests,
    use_flask_login,
)
from tests.cli.support import (
    ACCOUNT_KEY,
    add_notification_handler,
    assert_chinese_output,
    get_problems,
    load_member_async,
    make_shop,
    parse_findings,
    redirect_to_login,
    run_command,
    run_doctor,
)
from tests.requirements import import_later

# Without httpx, the doctor prints one more warning.
pytestmark = pytest.mark.requires("httpx")

# Output of ``flask xiebao doctor``


def test_doctor_lists_errors_then_warnings_then_ok() -> None:
    app = make_shop(XIEBAO_LOGIN_VIEW="nowhere", SESSION_COOKIE_SAMESITE="Strict")

    result = app.test_cli_runner().invoke(args=["xiebao", "doctor", "--verbose"])

    levels = [line.split()[0] for line in result.output.splitlines()[:-1]]
    assert levels == sorted(levels, key=["ERROR", "WARNING", "ok"].index)
    assert {*levels} == {"ERROR", "WARNING", "ok"}
    assert parse_findings(result) == run_doctor(app, "--verbose")


def test_doctor_escapes_characters_missing_in_terminal_encoding() -> None:
    english = run_command(
        partial(make_shop, XIEBAO_PARTNER_ID=None, XIEBAO_LOCALE="保"), "doctor", charset="latin-1"
    )
    chinese = run_command(make_shop(), "doctor", "--locale", "zh", charset="latin-1")

    assert "XIEBAO_PARTNER_ID is not set" in parse_findings(english)["ERROR"]
    assert r"\u4fdd" in english.output
    assert r"\u9519\u8bef 0" in chinese.output.splitlines()[-1]


def test_doctor_with_locale_zh_prints_chinese_findings() -> None:
    app = make_shop(add_notification_handler, before=redirect_to_login, XIEBAO_LOGIN_VIEW="nowhere")

    login_view, notification, click, *others = run_command(
        app, "doctor", "--verbose", "--locale", "zh"
    ).output.splitlines()

    assert (
        login_view == "错误  XIEBAO_LOGIN_VIEW：没有端点 nowhere，请用 flask routes 查看全部端点。"
    )
    assert notification.startswith(
        "错误  notify：通知被重定向到 /login，可能来自全站登录拦截：请放行，"
    )
    assert click.startswith("错误  所有链接：点击在扩展读取链接之前就被重定向，")
    # The status is 303 since Flask 3.2, and 302 in older versions.
    assert re.search(r"。实际：30[23] /login。$", click)
    assert "正常  XIEBAO_STRICT 没有设置（默认：调试和测试时开启）" in others
    assert others[-1] == "错误 3 项，警告 0 项。"


# Apps that do not load because of a setting


def test_doctor_lists_all_setting_errors_and_unknown_settings() -> None:
    create_app = partial(
        make_shop, XIEBAO_API_KEY=None, XIEBAO_ENV="prod", XIEBAO_APIKEY=ACCOUNT_KEY
    )

    findings = run_doctor(create_app, "--verbose")
    chinese = run_command(create_app, "doctor", "--locale", "zh").output

    assert """XIEBAO_ENV must be "test" or "production", got 'prod'.""" in findings["ERROR"]
    assert "XIEBAO_API_KEY is not set" in findings["ERROR"]
    assert findings["WARNING"] == "XIEBAO_APIKEY is not a setting. Did you mean XIEBAO_API_KEY?"
    assert "XIEBAO_PARTNER_ID: 12345" in findings["ok"]
    assert run_doctor(create_app)["ok"] == ""
    # The Chinese output has these errors in English, because messages of exceptions are not
    # translated.
    for message in findings["ERROR"].splitlines():
        assert f"错误  {message}\n" in chinese
    assert "警告  没有 XIEBAO_APIKEY 这项设置：是不是 XIEBAO_API_KEY？" in chinese


def test_doctor_lists_settings_if_extension_is_initialized_twice() -> None:
    findings = run_doctor(partial(make_shop, Xiebao), "--verbose")

    assert "Flask-Xiebao is already initialized for this app" in findings["ERROR"]
    assert "XIEBAO_PARTNER_ID: 12345" in findings["ok"]
    assert "XIEBAO_API_KEY is set (value hidden)" in findings["ok"]


def test_doctor_reports_setting_error_wrapped_in_other_exception() -> None:
    def create_app() -> Flask:
        try:
            return make_shop(XIEBAO_API_KEY=None)
        except ConfigError as error:
            raise RuntimeError("The app factory failed") from error

    assert "XIEBAO_API_KEY is not set" in run_doctor(create_app)["ERROR"]


def test_doctor_reports_skipped_checks_after_setting_error() -> None:
    create_app = partial(make_shop, XIEBAO_ENV="prod")
    assert "All other checks were skipped." in run_command(create_app, "doctor").output
    assert "其他检查都没有进行" in run_command(create_app, "doctor", "--locale", "zh").output
    assert "skipped" not in run_command(make_shop(XIEBAO_LOGIN_VIEW="nowhere"), "doctor").output


# Sites without problems


def add_hook_with_handled_errors(app: Flask) -> None:
    """Add a hook that causes two exceptions before each request and handles them."""

    @app.before_request
    def cause_errors() -> None:
        got_request_exception.send(app, exception=ValueError("the cache is down"))
        if request.endpoint != "broken":
            with contextlib.suppress(ZeroDivisionError):
                app.test_client().get("/broken")


def add_seasurf_with_exemptions(app: Flask) -> None:
    from flask_seasurf import SeaSurf

    csrf = SeaSurf(app)
    csrf.exempt(app.view_functions["xiebao.notify"])
    csrf.exempt(app.view_functions["xiebao.paid"])


def serialize_requests(inner: Any) -> Any:
    """Wrap an app, so that each request fails unless the previous response has been closed."""
    lock = threading.Lock()

    def handle_request(environ: Any, start_response: Any) -> Any:
        assert lock.acquire(timeout=1), "a response was not closed"
        return ClosingIterator(inner(environ, start_response), [lock.release])

    return handle_request


def cache_request_body() -> None:
    request.get_data()
    request.get_json(silent=True)


#: One row per site without problems: the function that builds the site. Some of these sites
#: resemble sites with problems. If a new check of the doctor reports such a site by mistake, a test
#: fails.
VALID_SITES: dict[str, Callable[[], Flask]] = {
    "test environment": make_shop,
    "production": partial(make_shop, XIEBAO_ENV="production"),
    # Members and login pages
    "no XIEBAO_MEMBER_SECRET": partial(make_shop, XIEBAO_MEMBER_SECRET=None),
    "async member_loader": partial(make_shop, loader=load_member_async),
    "keeps_plain_key for some members": partial(
        make_shop, register_hook("keeps_plain_key", lambda member: member in ("8", "9"))
    ),
    "Flask-Login": partial(
        make_shop,
        use_flask_login(),
        loader=None,
        XIEBAO_LOGIN_VIEW="login",
        views={"/login": "Log in"},
    ),
    "unauthorized_handler that aborts with redirect": partial(
        make_shop,
        use_flask_login(lambda: abort(redirect("/login"))),
        loader=None,
        views={"/login": "Log in"},
    ),
    "unauthorized_handler that aborts with 403": partial(
        make_shop, use_flask_login(lambda: abort(403)), loader=None
    ),
    "login page on another site": partial(
        make_shop,
        use_flask_login(lambda: redirect("https://sso.example/login?app=shop")),
        loader=None,
    ),
    "language code in URLs": partial(
        make_shop, add_language_prefix, XIEBAO_LOGIN_VIEW="login", views={"/<lang>/login": "Log in"}
    ),
    # Public URLs and mount paths
    "public URL in capitals": partial(make_shop, XIEBAO_PUBLIC_URL="HTTPS://shop.example"),
    "public URL with Chinese path": partial(
        make_shop,
        XIEBAO_PUBLIC_URL="https://shop.example/%E5%95%86%E5%9F%8E",
        XIEBAO_URL_PREFIX="/bx",
        APPLICATION_ROOT="/商城",
    ),
    "ProxyFix and SERVER_NAME": partial(
        make_shop,
        import_later("flask_talisman:Talisman"),
        add_middleware(ProxyFix),
        XIEBAO_PUBLIC_URL=None,
        SERVER_NAME="shop.example",
        PREFERRED_URL_SCHEME="https",
    ),
    "ProxyFix with x_prefix": partial(
        make_shop,
        add_middleware(partial(ProxyFix, x_prefix=1)),
        XIEBAO_PUBLIC_URL="https://shop.example/shop",
    ),
    "mount path equal to XIEBAO_URL_PREFIX": partial(
        make_shop, mount_app_below("/xiebao"), XIEBAO_PUBLIC_URL="https://shop.example/xiebao"
    ),
    "APPLICATION_ROOT": partial(
        make_shop, XIEBAO_PUBLIC_URL="https://shop.example/shop", APPLICATION_ROOT="/shop"
    ),
    # Request hooks, middleware and extensions
    "several security extensions": partial(
        make_shop,
        import_later("flask_wtf:CSRFProtect"),
        import_later("flask_talisman:Talisman"),
        limit_requests("100 per day", "xiebao.notify"),
        add_seasurf_with_exemptions,
    ),
    # Findings of ``flask xiebao doctor`` recommend these configurations, so the command must accept
    # them.
    "Flask-WTF that checks GET requests": partial(
        make_shop, import_later("flask_wtf:CSRFProtect"), WTF_CSRF_METHODS=["GET", "HEAD", "POST"]
    ),
    "rate limiter that exempts entries": partial(make_shop, limit_requests("0 per day", "xiebao")),
    "Flask-Caching without XIEBAO_DEVICE_MARKUP": partial(
        make_shop,
        import_later("flask_caching:Cache"),
        CACHE_TYPE="SimpleCache",
        XIEBAO_DEVICE_MARKUP=False,
    ),
    "Flask-Caching with NullCache": partial(
        make_shop,
        import_later("flask_caching:Cache"),
        CACHE_TYPE="NullCache",
        CACHE_NO_NULL_WARNING=True,
    ),
    "session cookie with SameSite=Lax": partial(
        make_shop, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=True
    ),
    "middleware that handles one request at a time": partial(
        make_shop, add_middleware(serialize_requests)
    ),
    "hook that caches request body": partial(make_shop, before=cache_request_body),
    "hooks that need teardown of every request": partial(make_shop, require_complete_requests),
    "hook that handles its own errors": partial(
        make_shop, add_hook_with_handled_errors, views={"/broken": divide_by_zero}
    ),
}


def assert_doctor_reports_no_problem(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Assert that ``flask xiebao doctor`` runs all its checks on a site and reports no problem.

    The doctor must not send ``notification_received`` or log warnings, either.
    """
    add_notification_handler(app)
    signals: list[object] = []
    with notification_received.connected_to(lambda app, **values: signals.append(values), app):
        findings = run_doctor(app)
    assert get_problems(findings) == []
    assert signals == []
    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    # Flask logs the exception that a hook causes and handles, so this warning is expected.
    assert all("Exception on /broken" in warning for warning in warnings)
    for line in (
        r"product \(2\.1\): a link was created and opened, and the site redirected to the"
        r" gateway\.",
        r"after payment, members return to https://\S+/(xiebao|bx)/paid/… if their entry has"
        r" a return_to path\.",
        r"The callback URL to give to Xiebao is https://\S+/(xiebao|bx)/notify",
        r"notify: the site accepts notifications .* passes them to the notification_handler\.",
    ):
        assert re.search(rf"^{line}$", findings["ok"], re.MULTILINE | re.IGNORECASE), line
    assert_chinese_output(app, findings)


@pytest.mark.parametrize("make_site", VALID_SITES.values(), ids=VALID_SITES)
def test_doctor_reports_no_problem_on_valid_site(
    make_site: Callable[[], Flask], caplog: pytest.LogCaptureFixture
) -> None:
    assert_doctor_reports_no_problem(make_site(), caplog)
