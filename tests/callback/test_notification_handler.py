"""Tests for the hook ``notification_handler`` and the signal ``notification_received``.

To test another handler that fails to process a notification, add a row to ``FAILING_HANDLERS``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import sysconfig
from collections.abc import Callable
from traceback import walk_stack
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Response, abort, request
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_xiebao import (
    ConfigError,
    Notification,
    OrderError,
    notification_received,
    parse_notification,
)
from flask_xiebao.app.log import get_error_location
from tests.callback.support import (
    RecordingHandler,
    get_log_entries,
    register_handler,
    send_notification,
)
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    MEMBER_KEYS,
    MEMBER_SECRET,
    MakeSite,
    SentSignals,
    Site,
    failing_function,
    find_leaks,
)
from tests.vectors import ISSUED, NAME, PAID, SURRENDERED, VECTORS, build_notification

# Notification handlers without errors


def test_each_delivery_of_notification_reaches_handler_and_receivers(
    site: Site, recording_handler: RecordingHandler, sent_signals: SentSignals
) -> None:
    for body in VECTORS * 2:
        assert send_notification(site, body).status_code == 200

    expected = [json.loads(body)["data"] for body in VECTORS]
    assert [notification.data for notification in recording_handler.notifications] == expected * 2
    assert sent_signals == [
        ("received", {"notification": notification})
        for notification in recording_handler.notifications
    ]


@pytest.mark.parametrize(
    ("config", "member_key", "member"),
    [
        ({}, "101000", "101000"),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, MEMBER_KEYS["8"], "8"),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, MEMBER_KEYS["8"].upper(), "8"),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, "8", None),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, "101000", None),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, "a" * 16 + "8", None),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, ..., None),
    ],
    ids=[
        "no member secret",
        "key with prefix",
        "upper-case key",
        "id without prefix",
        "other id without prefix",
        "wrong prefix",
        "no key",
    ],
)
def test_notification_member_is_looked_up_by_member_key(
    make_site: MakeSite, config: dict[str, str], member_key: Any, member: str | None
) -> None:
    site = make_site(**config)
    handler = register_handler(site)
    send_notification(site, build_notification(1, partnerUniqueKey=member_key))
    [notification] = handler.notifications
    assert notification.member == member


def test_error_in_keeps_plain_key_hook_returns_500_without_calling_handler(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    handler = register_handler(site)
    site.xiebao.keeps_plain_key(failing_function(ConnectionError("the database is down")))
    assert send_notification(site, PAID).status_code == 500
    assert handler.notifications == []


@pytest.mark.requires("asgiref")
def test_async_handler_runs_inside_request(site: Site) -> None:
    calls = []

    @site.xiebao.notification_handler
    async def record_call(notification: Notification) -> None:
        calls.append((notification.insure_num, request.endpoint, request.headers["X-Trace"]))

    assert send_notification(site, PAID, headers={"X-Trace": "7"}).status_code == 200
    assert calls == [(INSURE_NUM, "xiebao.notify", "7")]


@pytest.mark.parametrize("result", [None, True, 1, object()], ids=["None", "True", "1", "object"])
def test_callback_returns_200_if_handler_returns_none_or_object(site: Site, result: object) -> None:
    register_handler(site, lambda _: result)
    assert send_notification(site, PAID).status_code == 200


# Failing notification handlers

#: An exception's message that must not be logged, because it contains a person's name.
ERROR_MESSAGE = f"duplicate key: {NAME} already exists"


class UniqueViolationError(Exception):
    """An exception that a PostgreSQL driver raises for a row that violates a unique constraint."""

    diag = SimpleNamespace(
        table_name="mail", column_name=None, constraint_name="one_mail", message_detail=NAME
    )


def raise_integrity_error(_: Notification) -> None:
    """Raise the exception that SQLAlchemy raises for a row that violates a unique constraint."""
    from sqlalchemy.exc import IntegrityError

    raise IntegrityError(ERROR_MESSAGE, {}, UniqueViolationError(NAME))


async def raise_cancelled_error(*_args: object, **_values: object) -> None:
    raise asyncio.CancelledError(ERROR_MESSAGE)


def load_handler_from_site_packages() -> Any:
    """Return a notification handler in site-packages that raises a ConfigError.

    The extension itself is usually in site-packages, too, and logs the messages of its own
    ConfigErrors.
    """
    source = "from flask_xiebao import ConfigError\ndef handle(_): raise ConfigError(message)\n"
    shop: dict[str, Any] = {"message": ERROR_MESSAGE}
    exec(compile(source, f"{sysconfig.get_path('purelib')}/shop.py", "exec"), shop)  # noqa: S102
    return shop["handle"]


#: One row per handler that fails: the handler, and a part of the log message. A handler that
#: returns a response or a text fails, too, because the extension does not send the response or text
#: to the gateway.
FAILING_HANDLERS = [
    pytest.param(
        failing_function(ValueError(ERROR_MESSAGE)),
        "ValueError in raise_error (tests/",
        id="ValueError",
    ),
    pytest.param(
        failing_function(KeyError(ERROR_MESSAGE)), "KeyError in raise_error (tests/", id="KeyError"
    ),
    pytest.param(
        failing_function(ConnectionError(ERROR_MESSAGE)),
        "ConnectionError in raise_error (tests/support.py:",
        id="ConnectionError",
    ),
    pytest.param(
        failing_function(ConfigError(ERROR_MESSAGE)),
        "ConfigError in raise_error (tests/",
        id="ConfigError",
    ),
    pytest.param(
        load_handler_from_site_packages(),
        "ConfigError in handle (",
        id="ConfigError of installed shop",
    ),
    pytest.param(
        failing_function(OrderError(ERROR_MESSAGE, 1002, f"{NAME} 不符")),
        "OrderError 1002 in raise_error (tests/",
        id="OrderError",
    ),
    pytest.param(
        raise_integrity_error,
        '(table "mail", constraint "one_mail")',
        id="database error",
        marks=pytest.mark.requires("sqlalchemy"),
    ),
    pytest.param(
        raise_cancelled_error,
        "CancelledError in raise_cancelled_error (tests/callback/test_notification_handler.py:",
        id="CancelledError",
        marks=pytest.mark.requires("asgiref"),
    ),
    pytest.param(lambda _: abort(404), "NotFound in <lambda> (tests/", id="abort"),
    pytest.param(
        lambda _: raise_cancelled_error(),
        "returned a coroutine that is never awaited. Register the async function itself",
        id="coroutine",
    ),
    pytest.param(
        lambda _: False,
        "returned bool. Return None if the notification was processed, and otherwise",
        id="False",
    ),
    pytest.param(lambda _: "done", "returned str.", id="text"),
    pytest.param(lambda _: "", "returned str.", id="empty text"),
    pytest.param(lambda _: {"state": False}, "returned dict.", id="dict"),
    pytest.param(lambda _: {}, "returned dict.", id="empty dict"),
    pytest.param(lambda _: ("no", 500), "returned tuple.", id="tuple"),
    pytest.param(lambda _: Response("no", 500), "returned Response.", id="Flask response"),
    pytest.param(lambda _: WerkzeugResponse("no"), "returned Response.", id="Werkzeug response"),
    pytest.param(lambda _: (number for number in range(0)), "returned generator.", id="generator"),
]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "not strict"])
@pytest.mark.parametrize(("failing_handler", "log_text"), FAILING_HANDLERS)
def test_failed_handler_returns_500_and_logs_no_names(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    sent_signals: SentSignals,
    failing_handler: Callable[[Notification], object],
    log_text: str,
    strict: bool,
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_STRICT=strict)
    site.xiebao.notification_handler(failing_handler)

    response = send_notification(site, ISSUED)

    assert response.status_code == 500
    assert sent_signals == []
    log = get_log_entries(caplog, site.app.name)
    assert {level for level, _ in log} == {logging.ERROR}
    assert log_text in "\n".join(message for _, message in log)
    assert parse_notification(ISSUED, api_key="Key").id in log[-1][1]
    assert find_leaks(caplog.text, NAME, "duplicate") == []
    assert not any(record.exc_info for record in caplog.records)


def test_async_handler_without_flask_async_extra_logs_pip_command(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.xiebao.notification_handler(raise_cancelled_error)
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    assert send_notification(site, PAID).status_code == 500
    assert '"notification_handler" is async' in caplog.text
    assert "pip install 'flask[async]'" in caplog.text


def test_error_without_traceback_has_unknown_location() -> None:
    assert get_error_location(ValueError()) == "an unknown place"


@pytest.mark.parametrize(
    ("action", "receiver"),
    [
        (failing_function(ValueError(NAME)), lambda *_args, **_values: None),
        (lambda _: None, failing_function(ValueError(NAME))),
    ],
    ids=["failed handler", "failed receiver"],
)
def test_stack_frames_hold_no_personal_names_while_failure_is_logged(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    action: Callable[[Notification], object],
    receiver: Callable[..., object],
) -> None:
    """Some error reporters record the local variables of every function on the stack."""
    variables: list[str] = []

    def record_variables(_: object) -> bool:
        variables.extend(
            repr(frame.f_locals)
            for frame, _line in walk_stack(None)
            if "flask_xiebao" in frame.f_code.co_filename
        )
        return True

    monkeypatch.setattr(site.app.logger, "filters", [record_variables])
    register_handler(site, action)
    with notification_received.connected_to(receiver):
        send_notification(site, ISSUED)

    assert variables
    assert [text for text in variables if NAME in text] == []


def test_only_first_ten_of_many_failures_are_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    register_handler(site, failing_function(ValueError()))
    for number in range(15):
        send_notification(site, build_notification(1, insureNum=str(number)))

    messages = [message for _, message in get_log_entries(caplog, site.app.name)]
    assert len(messages) == 10
    assert [text for text in messages if "Similar messages are suppressed" in text] == messages[-1:]


# Failing signal receivers


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "not strict"])
@pytest.mark.parametrize(
    ("receiver", "error_name"),
    [
        (failing_function(ValueError(NAME)), "ValueError"),
        pytest.param(
            raise_cancelled_error, "CancelledError", marks=pytest.mark.requires("asgiref")
        ),
    ],
    ids=["ValueError", "CancelledError"],
)
def test_failed_receiver_keeps_status_200_and_logs_no_names(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    receiver: Callable[..., object],
    error_name: str,
    strict: bool,
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    register_handler(site)
    with notification_received.connected_to(receiver):
        assert send_notification(site, ISSUED).status_code == 200
    assert 'of the signal "notification_received" failed' in caplog.text
    assert error_name in caplog.text
    assert NAME not in caplog.text


# Notifications to sites that have no handler or are disabled


def test_notification_without_handler_returns_404_and_warns_once(
    site: Site, caplog: pytest.LogCaptureFixture, sent_signals: SentSignals
) -> None:
    """Signal receivers cannot replace the handler, as their failures do not change the response."""
    for body in (PAID, b"", PAID):
        assert send_notification(site, body).status_code == 404
    [(level, message)] = get_log_entries(caplog, site.app.name)
    assert level == logging.WARNING
    assert "Register a notification_handler" in message
    assert sent_signals == []


@pytest.mark.parametrize(
    ("config", "status"),
    [({}, 200), ({"XIEBAO_PARTNER_ID": None}, 404), ({"XIEBAO_API_KEY": None}, 404)],
    ids=["with account", "no partner id", "no API key"],
)
def test_disabled_site_receives_notifications_if_account_is_configured(
    make_site: MakeSite, config: dict[str, None], status: int
) -> None:
    site = make_site(XIEBAO_ENABLED=False, **config)
    handler = register_handler(site)
    assert send_notification(site, SURRENDERED).status_code == status
    assert len(handler.notifications) == (1 if status == 200 else 0)


# Registration of handlers


def test_registering_different_second_handler_raises_config_error(
    site: Site, recording_handler: RecordingHandler
) -> None:
    assert site.xiebao.notification_handler(recording_handler) is recording_handler
    message = r"RecordingHandler is already registered\. Call the new function from the registered"
    with pytest.raises(ConfigError, match=message):
        site.xiebao.notification_handler(raise_cancelled_error)
