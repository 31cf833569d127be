"""Tests for ``flask xiebao notify``, which sends a notification to a running site."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import Notification, NotificationType
from tests.check.support import register_hook
from tests.cli.support import MEMBER_SECRET, make_gateway_site, make_shop, run_command
from tests.support import INSURE_NUM, failing_function, serve_app

TOKEN = "a-token-that-nobody-guesses"
#: A URL at which no site is running.
STOPPED_URL = "http://127.0.0.1:9/notify"
NOT_RUNNING = """: no response, ConnectionRefusedError
Check that the site is running and can be reached at this URL, or pass another URL with --url.
"""

#: Returns a function that registers a notification handler on an app.
register_handler = partial(register_hook, "notification_handler")


@pytest.fixture
def notifications() -> list[Notification]:
    """The notifications that the running site received."""
    return []


@pytest.fixture
def site_url(notifications: list[Notification]) -> Iterator[str]:
    """The URL of a running site that accepts all notifications."""
    with serve_app(make_gateway_site(register_handler(notifications.append))) as url:
        yield url


def send_notification(url: str, *arguments: str, exit_code: int = 0, **config: Any) -> str:
    """Run ``flask xiebao notify``, assert its exit code, and return its output.

    :param url: the URL of the running site, or its callback URL.
    :param config: settings of the app that the command loads.
    """
    result = run_command(make_gateway_site(**config), "notify", *arguments, "--url", url)
    assert result.exit_code == exit_code
    return result.output


# Notifications that the running site accepts


@pytest.mark.parametrize("notification_type", list(NotificationType))
def test_notify_sends_every_type_of_notification(
    site_url: str, notifications: list[Notification], notification_type: NotificationType
) -> None:
    name = notification_type.name.lower().replace("_", "-")

    send_notification(site_url, name, INSURE_NUM)

    [notification] = notifications
    assert (notification.type, notification.insure_num) == (notification_type, INSURE_NUM)
    assert notification.succeeded


@pytest.mark.parametrize("path", ["", "/", "/xiebao/notify"])
def test_notify_accepts_site_url_and_callback_url(
    site_url: str, notifications: list[Notification], path: str
) -> None:
    output = send_notification(f"{site_url}{path}", "issue", INSURE_NUM)
    assert output == f'{site_url}/xiebao/notify: 200 {{"state": true}}\n'
    assert len(notifications) == 1


def test_notify_sends_values_of_options(site_url: str, notifications: list[Notification]) -> None:
    options = ("--member", "8", "--case-code", "QX1", "--price", "990")
    send_notification(site_url, "payment", INSURE_NUM, *options)
    send_notification(site_url, "payment", INSURE_NUM, "--failure", "余额不足")
    send_notification(site_url, "reissue", INSURE_NUM, "--new-insure-num", "2")

    paid, failed, reissued = notifications
    assert (paid.member, paid.case_code, paid.price_fen) == ("8", "QX1", 990)
    assert paid.paid_at is not None
    assert (failed.succeeded, failed.failure) == (False, "余额不足")
    assert reissued.new_insure_num == "2"


def test_notify_hides_token_that_equals_other_secret(notifications: list[Notification]) -> None:
    site = make_gateway_site(
        register_handler(notifications.append), XIEBAO_NOTIFY_TOKEN=MEMBER_SECRET
    )
    with serve_app(site) as url:
        output = send_notification(url, "issue", INSURE_NUM, XIEBAO_NOTIFY_TOKEN=MEMBER_SECRET)
    assert output == f'{url}/xiebao/notify/…: 200 {{"state": true}}\n'


def test_notify_uses_public_url_by_default(notifications: list[Notification]) -> None:
    site = make_gateway_site(register_handler(notifications.append), XIEBAO_NOTIFY_TOKEN=TOKEN)
    with serve_app(site) as url:
        app = make_gateway_site(XIEBAO_PUBLIC_URL=url, XIEBAO_NOTIFY_TOKEN=TOKEN)
        assert run_command(app, "notify", "application", INSURE_NUM).exit_code == 0
    assert len(notifications) == 1


# Errors of ``flask xiebao notify``, and its advice


@pytest.mark.parametrize(
    ("path", "options", "config", "text"),
    [
        ("", ["--wrong-sign"], {}, '/xiebao/notify: 403 {"state": false'),
        ("", [], {"XIEBAO_API_KEY": "another key"}, "The site has another XIEBAO_API_KEY than"),
        ("/通知", [], {}, ": 404 "),
    ],
    ids=["wrong sign", "other API key", "Chinese path"],
)
def test_notify_reports_rejected_notification(
    site_url: str,
    notifications: list[Notification],
    path: str,
    options: list[str],
    config: dict[str, Any],
    text: str,
) -> None:
    arguments = ["issue", INSURE_NUM, *options]
    output = send_notification(f"{site_url}{path}", *arguments, exit_code=1, **config)
    assert text in output
    assert ("another XIEBAO_API_KEY" in output) == ("XIEBAO_API_KEY" in config)
    assert notifications == []


@pytest.mark.parametrize(
    ("locale", "advice"),
    [
        ("en", "The notification_handler raised an exception or returned a value."),
        ("zh", "notification_handler 抛出了异常"),
    ],
)
def test_notify_gives_advice_about_failing_handler(locale: str, advice: str) -> None:
    with serve_app(make_gateway_site(register_handler(failing_function(LookupError())))) as url:
        output = send_notification(url, "issue", INSURE_NUM, "--locale", locale, exit_code=1)
    assert advice in output


def test_notify_gives_advice_if_callback_did_not_send_response() -> None:
    def block_requests(app: Flask) -> None:
        app.before_request(lambda: ("The CSRF token is missing.", 400))

    with serve_app(make_gateway_site(block_requests)) as url:
        output = send_notification(url, "issue", INSURE_NUM, exit_code=1)

    response, advice = output.splitlines()
    assert response == f"{url}/xiebao/notify: 400 The CSRF token is missing."
    assert advice.startswith("The callback did not send this response.")


@pytest.mark.parametrize(
    ("locale", "secret_key", "advice"),
    [
        ("en", "a secret", NOT_RUNNING),
        # The command compares the notify token with the site's other secrets, but must also work
        # without a valid SECRET_KEY.
        ("en", None, NOT_RUNNING),
        ("en", 5, NOT_RUNNING),
        ("zh", "a secret", "：没有响应，ConnectionRefusedError\n请"),
    ],
    ids=["English", "no SECRET_KEY", "integer as SECRET_KEY", "Chinese"],
)
def test_notify_without_running_site_gives_advice(
    locale: str, secret_key: Any, advice: str
) -> None:
    config = {"XIEBAO_NOTIFY_TOKEN": TOKEN, "SECRET_KEY": secret_key}
    output = send_notification(
        STOPPED_URL, "issue", INSURE_NUM, "--locale", locale, exit_code=1, **config
    )
    assert output.startswith(f"{STOPPED_URL}{advice}")


def test_notify_reports_failing_keeps_plain_key_without_its_message() -> None:
    hook = failing_function(RuntimeError("no account for alice"))

    result = run_command(
        make_shop(register_hook("keeps_plain_key", hook)),
        "notify",
        "issue",
        "1",
        "--member",
        "alice",
    )

    assert result.exit_code == 2
    assert "the member cannot be determined: RuntimeError in raise_error (" in result.output
    assert "no account" not in result.output


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        (
            {"XIEBAO_ENV": "production", "XIEBAO_BASE_URL": None},
            ["issue", "1"],
            'XIEBAO_ENV is "production"',
        ),
        ({"XIEBAO_ENABLED": False, "XIEBAO_API_KEY": None}, ["issue", "1"], "Set both"),
        ({}, ["issued", "1"], "Invalid value for"),
        ({}, ["issue"], "Missing argument 'INSURE_NUM'"),
        ({}, ["issue", "1", "--url", "shop.example"], "Invalid value for --url"),
        ({}, ["issue", "1", "--url", "/xiebao/notify"], "Invalid value for --url"),
        ({}, ["payment", "1", "--price", "-1"], "--price"),
    ],
)
def test_notify_rejects_invalid_arguments_and_settings(
    config: dict[str, Any], arguments: list[str], message: str
) -> None:
    result = run_command(make_gateway_site(**config), "notify", *arguments)
    assert result.exit_code != 0
    assert message in result.output
