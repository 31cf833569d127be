"""Tests for the findings of ``flask xiebao doctor`` about the callback URL and notifications.

To test a site that blocks or changes notifications, add a row to ``BLOCKING_SITES``. To test
another callback URL, add a row to ``CALLBACK_URLS``. To test other handlers, add a row to
``HANDLER_CASES``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, redirect, request
from werkzeug.routing import exceptions as routing_exceptions

from flask_xiebao import ConfigError, Notification
from tests.check.support import (
    abort_with,
    divide_by_zero,
    limit_requests,
    mount_app_below,
    register_hook,
)
from tests.cli.support import (
    ACCOUNT_KEY,
    MEMBER_SECRET,
    PUBLISHED_SECRET,
    DoctorCase,
    add_firewall,
    add_notification_handler,
    assert_chinese_output,
    assert_doctor_reports,
    make_shop,
    redirect_to_login,
    run_doctor,
)
from tests.requirements import import_later

# Without httpx, the doctor prints one more warning.
pytestmark = pytest.mark.requires("httpx")

CALLBACK_URL = "The callback URL to give to Xiebao"
TOKEN = "a-token-that-nobody-guesses"

#: Builds a site with a notification handler. ``flask xiebao doctor`` must not call this handler.
make_site = partial(make_shop, add_notification_handler)


# Sites that block or change notifications


def redirect_notifications_to_sso() -> Any:
    url = f"https://user:hunter2@sso.example/login/{ACCOUNT_KEY}"
    return redirect(url) if request.endpoint == "xiebao.notify" else None


def read_request_stream() -> None:
    request.stream.read()


def read_request_form() -> None:
    request.environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    _ = request.form


def set_status_202(response: Response) -> None:
    response.status_code = 202


def wrap_json_response(response: Response) -> None:
    if response.is_json:
        response.data = b'{"code": 0, "data": %s}' % response.data


make_site_behind_firewall = partial(make_site, add_firewall)
make_site_with_https_redirect = partial(
    make_site, import_later("flask_talisman:Talisman"), XIEBAO_PUBLIC_URL="http://shop.example"
)

#: One row per site that blocks or changes notifications: the function that builds the site, and
#: parts of the errors of ``flask xiebao doctor``.
BLOCKING_SITES: dict[str, tuple[Callable[[], Flask], tuple[str, ...]]] = {
    "login wall": (
        partial(make_site, before=redirect_to_login),
        (
            "notify: Notifications are redirected to /login, perhaps by a request",
            'if request.blueprint == "xiebao": return',
            "The cause may be one of these request hooks: ",
            "redirect_to_login",
        ),
    ),
    "login wall with secrets in its URL": (
        partial(make_site, before=redirect_notifications_to_sso),
        ("notify: Notifications are redirected to https://sso.example/login/…, perhaps by",),
    ),
    "login wall that returns 401": (
        partial(make_site, before=abort_with(401)),
        ("Notifications get status 401, probably from CSRF protection or", "abort_with"),
    ),
    "Flask-SeaSurf": (
        partial(make_site, import_later("flask_seasurf:SeaSurf")),
        (
            "Notifications get status 403, probably from CSRF protection",
            'csrf.exempt(app.view_functions["xiebao.notify"])',
        ),
    ),
    "hook that aborts with 400": (
        partial(make_site, before=abort_with(400)),
        ("Notifications get status 400, probably from CSRF protection", "abort_with"),
    ),
    "rate limiter": (
        partial(
            make_site,
            limit_requests(
                "0 per day", *(f"xiebao.{name}" for name in ("product", "home", "policy", "paid"))
            ),
        ),
        (
            "Notifications get status 429, probably from a rate limiter. Exempt the callback",
            "limiter.exempt",
        ),
    ),
    "hook that aborts with 503": (
        partial(make_site, before=abort_with(503)),
        (
            "Notifications get status 503, probably from CSRF protection or from a request hook",
            "abort_with",
        ),
    ),
    "hook that reads stream": (
        partial(make_site, before=read_request_stream),
        (
            "The body of a notification is consumed",
            "request.get_data()",
            "read_request_stream",
        ),
    ),
    "hook that reads form": (
        partial(make_site, before=read_request_form),
        ("The body of a notification is consumed", "read_request_form"),
    ),
    "mount path missing in public URL": (
        partial(make_site, mount_app_below("/shop")),
        ("that XIEBAO_PUBLIC_URL ends with the path at which the app is mounted",),
    ),
    "MAX_CONTENT_LENGTH of 100 bytes": (
        partial(make_site, MAX_CONTENT_LENGTH=100),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "hook that aborts with 413": (
        partial(make_site, before=abort_with(413)),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "MAX_CONTENT_LENGTH of 20000 bytes": (
        partial(make_site, MAX_CONTENT_LENGTH=20_000),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "invalid TRUSTED_HOSTS": (
        partial(make_site, TRUSTED_HOSTS=["*"], XIEBAO_PUBLIC_URL=None),
        (
            "A notification cannot be sent. Fix this error: ConfigError: TRUSTED_HOSTS must be a"
            " list",
        ),
    ),
    "hook that raises": (
        partial(make_site, before=divide_by_zero),
        (
            "A notification causes an exception. Fix this error: ZeroDivisionError in "
            "divide_by_zero (",
        ),
    ),
    "firewall middleware": (
        make_site_behind_firewall,
        (
            "Found: 403 https://shop.example/xiebao/notify",
            "no middleware or other app handles URLs below XIEBAO_URL_PREFIX",
        ),
    ),
    "hook that wraps JSON response": (
        partial(make_site, after=wrap_json_response),
        (
            "The response to a notification was changed",
            'the body {"state": true}',
            "wrap_json_response",
        ),
    ),
    "hook that changes status": (
        partial(make_site, after=set_status_202),
        ("The response to a notification was changed", "set_status_202", "has status 202"),
    ),
    "redirect to HTTPS": (
        make_site_with_https_redirect,
        (
            "Notifications are redirected to https://shop.example/xiebao/notify, but Xiebao does"
            " not follow redirects. Set XIEBAO_PUBLIC_URL",
        ),
    ),
}


def assert_doctor_reports_blocking(make_blocking_site: Callable[[], Flask], *messages: str) -> None:
    """Assert that ``flask xiebao doctor`` reports one error about blocked notifications.

    :param messages: texts that the errors must contain.
    """
    findings = run_doctor(make_blocking_site())
    for message in messages:
        assert message in findings["ERROR"]
    assert len(re.findall("^notify: ", findings["ERROR"], re.MULTILINE)) == 1
    assert "accepts notifications" not in findings["ok"]
    # The developer needs the callback URL to fix the problem, so ``flask xiebao doctor`` still
    # reports the URL.
    assert CALLBACK_URL in "".join(findings.values())
    assert_chinese_output(make_blocking_site(), findings)


@pytest.mark.parametrize(
    ("make_blocking_site", "messages"), BLOCKING_SITES.values(), ids=BLOCKING_SITES
)
def test_doctor_reports_cause_of_blocked_notifications(
    make_blocking_site: Callable[[], Flask], messages: tuple[str, ...]
) -> None:
    assert_doctor_reports_blocking(make_blocking_site, *messages)


def test_doctor_reports_other_view_at_callback_url() -> None:
    make_conflicting_site = partial(make_site, views={"POST /xiebao/notify": "Mine"})
    # Werkzeug 3.2 rejects a second view with the same URL rule, so the site cannot be built.
    if "DuplicateRuleError" in vars(routing_exceptions):
        with pytest.raises(ConfigError, match=r'already has the path "/xiebao/notify"\.'):
            make_conflicting_site()
    else:
        assert_doctor_reports_blocking(
            make_conflicting_site,
            '/xiebao/notify must be routed to the endpoint "xiebao.notify", but it is routed to'
            " xiebaonotify.",
            "Change XIEBAO_URL_PREFIX",
        )


# Callback URLs

#: One row per site that accepts notifications: the function that builds the site, the level of the
#: finding about its callback URL, and a part of this finding.
CALLBACK_URLS: dict[str, tuple[Callable[[], Flask], str, str]] = {
    "HTTPS": (make_site, "ok", f"{CALLBACK_URL} is https://shop.example/xiebao/notify\n"),
    "HTTPS with token": (
        partial(make_site, XIEBAO_NOTIFY_TOKEN=TOKEN),
        "ok",
        f"{CALLBACK_URL} is https://shop.example/xiebao/notify/{TOKEN}\n",
    ),
    "HTTP": (
        partial(make_site, XIEBAO_PUBLIC_URL="http://shop.example"),
        "WARNING",
        f"{CALLBACK_URL} is http://shop.example/xiebao/notify, which is not encrypted. Use an",
    ),
    "HTTP from SERVER_NAME": (
        partial(make_site, XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"),
        "WARNING",
        f"{CALLBACK_URL} is http://shop.example/xiebao/notify, which is not encrypted.",
    ),
    "localhost": (
        partial(make_site, XIEBAO_PUBLIC_URL="http://127.0.0.1:5000"),
        "ok",
        "Notifications are sent to http://127.0.0.1:5000/xiebao/notify, which Xiebao cannot reach",
    ),
    "no public URL": (
        partial(make_site, XIEBAO_PUBLIC_URL=None),
        "WARNING",
        f"{CALLBACK_URL} ends with /xiebao/notify. Set XIEBAO_PUBLIC_URL",
    ),
    "XIEBAO_ENABLED off": (
        partial(make_site, XIEBAO_ENABLED=False),
        "ok",
        f"{CALLBACK_URL} is https://shop.example/xiebao/notify",
    ),
    "mount path": (
        partial(make_site, mount_app_below("/shop"), XIEBAO_PUBLIC_URL="https://shop.example/shop"),
        "ok",
        f"{CALLBACK_URL} is https://shop.example/shop/xiebao/notify\n",
    ),
}


@pytest.mark.parametrize(
    ("make_valid_site", "level", "message"), CALLBACK_URLS.values(), ids=CALLBACK_URLS
)
def test_doctor_reports_callback_url_and_its_problems(
    make_valid_site: Callable[[], Flask], level: str, message: str
) -> None:
    findings = run_doctor(make_valid_site(), "--verbose")
    has_token = TOKEN in message

    assert message in findings[level]
    assert "passes them to the notification_handler." in findings["ok"]
    assert bool(re.search("otification|allback", findings["WARNING"])) == (level == "WARNING")
    assert ("The callback URL can be guessed" in findings["ok"]) != has_token
    assert ("XIEBAO_NOTIFY_TOKEN is set (value hidden)" in findings["ok"]) == has_token
    assert_chinese_output(make_valid_site(), findings, "--verbose")


WEAK_TOKENS = {
    "member secret as token": MEMBER_SECRET,
    "token of one repeated letter": "a" * 26,
    "token from manual": PUBLISHED_SECRET,
}


@pytest.mark.parametrize("token", WEAK_TOKENS.values(), ids=WEAK_TOKENS)
def test_doctor_warns_of_weak_notify_token_and_hides_it(token: str) -> None:
    enabled = run_doctor(make_site(XIEBAO_NOTIFY_TOKEN=token))
    disabled = run_doctor(make_site(XIEBAO_NOTIFY_TOKEN=token, XIEBAO_ENABLED=False))

    for findings in (enabled, disabled):
        assert "is easy to guess or the same as another secret" in findings["WARNING"]
    assert f"{CALLBACK_URL} is https://shop.example/xiebao/notify/…" in enabled["ok"]
    assert token not in str(enabled)


@pytest.mark.parametrize(
    "make_blocking_site", [make_site_behind_firewall, make_site_with_https_redirect]
)
@pytest.mark.parametrize("token", WEAK_TOKENS.values(), ids=WEAK_TOKENS)
def test_error_about_blocked_notifications_hides_weak_notify_token(
    make_blocking_site: Callable[..., Flask], token: str
) -> None:
    assert token not in str(run_doctor(make_blocking_site(XIEBAO_NOTIFY_TOKEN=token)))


# Notification handlers

#: One row per site: the function that builds the site, the level of the findings that ``flask
#: xiebao doctor`` must report, texts of these findings, and optionally texts of other findings.
HANDLER_CASES: dict[str, DoctorCase] = {
    "no handler": DoctorCase(
        make_shop,
        "ok",
        (
            "No notification_handler is registered",
            "The gateway would send notifications to https://shop.example/xiebao/notify.",
        ),
    ),
    "no handler but token": DoctorCase(
        partial(make_shop, XIEBAO_NOTIFY_TOKEN=TOKEN),
        "WARNING",
        ("No notification_handler is registered",),
    ),
    "no handler in production": DoctorCase(
        partial(make_shop, XIEBAO_ENV="production"),
        "ERROR",
        ("No notification_handler is registered",),
    ),
    "custom notification_reader": DoctorCase(
        partial(make_site, register_hook("notification_reader", divide_by_zero)),
        "ok",
        ("to the notification_reader and the notification_handler.",),
    ),
    "rate limiter that counts notifications": DoctorCase(
        partial(make_site, limit_requests("50 per hour")),
        "WARNING",
        (
            "The rate limiter Flask-Limiter counts notifications",
            'limiter.exempt(app.view_functions["xiebao.notify"])',
        ),
    ),
}


@pytest.mark.parametrize("case", HANDLER_CASES.values(), ids=HANDLER_CASES)
def test_doctor_reports_handlers_and_their_problems(case: DoctorCase) -> None:
    assert_doctor_reports(case)


def test_doctor_reports_async_handler_without_async_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(notification: Notification) -> None: ...

    app = make_shop(register_hook("notification_handler", handle))
    assert run_doctor(app)["ERROR"] == ""
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)

    assert (
        'the "async" extra of Flask is not installed: notification_handler.'
        in run_doctor(app)["ERROR"]
    )


def test_doctor_warns_of_handler_without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "pip install 'Flask-Xiebao[orders]'" in run_doctor(make_site())["WARNING"]
