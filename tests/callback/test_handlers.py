"""The site's notification_handler: what it hears, and what comes of what it does."""

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
from flask import Flask, Response, abort, got_request_exception, request
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as StreamResponse

from flask_xiebao import (
    ConfigError,
    Notification,
    NotificationType,
    OrderError,
    notification_received,
)
from flask_xiebao.app.log import get_error_location
from tests.callback.support import (
    Listener,
    listen,
    logged,
    post,
    tell,
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

#: Of which people's names are.
WORDS = f"duplicate key: {NAME} already exists"


@pytest.fixture
def listener(site: Site) -> Listener:
    return listen(site)


# What it hears


def test_the_handler_and_the_signal_hear_of_whatever_verifies_each_time_that_it_comes(
    site: Site, listener: Listener, sent_signals: SentSignals
) -> None:
    for body in VECTORS * 2:
        assert tell(site, body) == 200
    said = [json.loads(body)["data"] for body in VECTORS]
    assert [notification.data for notification in listener.notifications] == said * 2
    assert sent_signals == [("received", {"notification": each}) for each in listener.notifications]
    ids = [notification.id for notification in listener.notifications]
    assert ids[:7] == ids[7:]
    assert len(set(ids)) == 7
    assert listener.notifications[0].member == "101000"  # without a secret, it is the key itself


def test_with_a_member_secret_the_member_is_whose_key_it_is(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    listener = listen(site)
    key = MEMBER_KEYS["8"]
    for own in (key, key.upper(), "8", "101000", "a" * 16 + "8", ...):
        assert tell(site, build_notification(1, partnerUniqueKey=own)) == 200
    members = [notification.member for notification in listener.notifications]
    assert members == ["8", "8", None, None, None, None]
    site.xiebao.keeps_plain_key(failing_function(ConnectionError("the database is away")))
    assert tell(site, PAID) == 500
    assert len(listener.notifications) == 6


def test_a_handler_may_be_async_and_runs_in_the_request(site: Site) -> None:
    sent_signals = []

    @site.xiebao.notification_handler
    async def hear(notification: Notification) -> None:
        sent_signals.append((notification.insure_num, request.endpoint, request.headers["X-Trace"]))

    assert tell(site, PAID, headers={"X-Trace": "7"}) == 200
    assert sent_signals == [(INSURE_NUM, "xiebao.notify", "7")]


@pytest.mark.parametrize("returned", [None, True, 1, object()])
def test_a_handler_may_return_what_it_does_by_the_way(site: Site, returned: object) -> None:
    listen(site, lambda _: returned)
    assert tell(site, PAID) == 200


def test_who_stops_selling_still_hears_of_surrenders(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    listener = listen(site)
    assert tell(site, SURRENDERED) == 200
    assert [each.type for each in listener.notifications] == [NotificationType.SURRENDER]


# What it has not done


async def store(_: Notification) -> None:
    raise AssertionError


#: What a handler does, and what the log says of it. What it means by an answer would be lost: the
#: platform would be told that all is well.
NOT_DONE: list[tuple[Callable[[Notification], object], str]] = [
    *(
        (failing_function(kind(WORDS)), f"{kind.__name__} in fail (tests/")
        for kind in (ValueError, KeyError)
    ),
    (failing_function(ConnectionError(WORDS)), "ConnectionError in fail (tests/support.py:"),
    (failing_function(ConfigError(WORDS)), "ConfigError in fail (tests/"),
    (failing_function(OrderError(WORDS, 1002, f"{NAME} 不符")), "OrderError 1002 in fail (tests/"),
    (lambda _: abort(404), "NotFound in <lambda> (tests/"),
    (store, "returned a coroutine that is never awaited. Register the async function itself"),
    (
        lambda _: False,
        "returned bool. Return None if the notification was processed, and otherwise",
    ),
    (lambda _: "done", "returned str."),
    (lambda _: "", "returned str."),
    (lambda _: {"state": False}, "returned dict."),
    (lambda _: {}, "returned dict."),
    (lambda _: ("no", 500), "returned tuple."),
    (lambda _: Response("no", 500), "returned Response."),
    (lambda _: StreamResponse("no"), "returned Response."),
    (lambda _: (number for number in range(0)), "returned generator."),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("does", "words"), NOT_DONE, ids=[words for _, words in NOT_DONE])
def test_what_a_handler_has_not_done_comes_again_and_is_logged_without_names(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    sent_signals: SentSignals,
    does: Callable[[Notification], object],
    words: str,
    strict: bool,
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_STRICT=strict)
    listener = listen(site, does)

    response = post(site, ISSUED)

    assert (response.status_code, response.json) == (
        500,
        {
            "state": False,
            "failMsg": "The notification was not processed. Send the notification again.",
        },
    )
    levels, messages = zip(*logged(site, caplog), strict=True)
    assert set(levels) == {logging.ERROR}
    assert words in "\n".join(messages)
    assert listener.notifications[0].id in messages[-1]
    assert find_leaks(caplog.text, NAME, "duplicate") == []
    assert sent_signals == []

    listener.then = lambda _: None
    assert tell(site, ISSUED) == 200
    failed, done = listener.notifications
    assert sent_signals == [("received", {"notification": done})]
    assert done.id == failed.id


def test_a_task_that_was_cancelled_is_a_failure_and_no_end_of_the_worker(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    @site.xiebao.notification_handler
    async def hear(notification: Notification) -> None:
        raise asyncio.CancelledError(NAME)

    assert tell(site, ISSUED) == 500
    assert "CancelledError in hear (tests/callback/test_handlers.py:" in caplog.text
    assert NAME not in caplog.text


def test_without_flasks_extra_an_async_handler_is_told_what_it_needs(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.xiebao.notification_handler(store)
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    assert tell(site, PAID) == 500
    assert '"notification_handler" is async' in caplog.text
    assert "pip install 'flask[async]'" in caplog.text


def test_no_frame_that_logs_a_failure_has_the_error_in_a_variable(
    site: Site, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some error reports show the variables of whoever logs."""
    shown: list[str] = []

    def report(_: object) -> bool:
        for frame, _lineno in walk_stack(None):
            if "flask_xiebao" in frame.f_code.co_filename:
                shown.append(repr(frame.f_locals))
        return True

    monkeypatch.setattr(site.app.logger, "filters", [report])
    listener.then = failing_function(ValueError(NAME))
    post(site, ISSUED)
    by_the_handler = len(shown)
    listener.then = lambda _: None
    with notification_received.connected_to(failing_function(ValueError(NAME))):
        post(site, ISSUED)
    assert 0 < by_the_handler < len(shown)
    assert not [text for text in shown if NAME in text]


def test_of_many_failures_some_are_logged_and_that_there_are_more(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    listen(site, failing_function(ValueError()))
    for number in range(15):
        post(site, build_notification(1, insureNum=str(number)))
    lines = [line for _, line in logged(site, caplog)]
    assert len(lines) == 10
    assert [line for line in lines if "Similar messages are suppressed" in line] == lines[-1:]


# The signal's receivers


async def receive_later(_app: Flask, notification: Notification) -> None:
    raise asyncio.CancelledError(NAME)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("fails", "kind"),
    [(failing_function(ValueError(NAME)), "ValueError"), (receive_later, "Cancelled")],
)
def test_a_receiver_that_fails_never_changes_the_answer(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    fails: Callable[..., object],
    kind: str,
    strict: bool,
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    listen(site)
    with notification_received.connected_to(fails):
        assert tell(site, ISSUED) == 200
    assert 'of the signal "notification_received" failed' in caplog.text
    assert kind in caplog.text
    assert NAME not in caplog.text


# Where nobody listens


def test_where_nobody_listens_it_is_404_and_one_warning(
    site: Site, caplog: pytest.LogCaptureFixture, sent_signals: SentSignals
) -> None:
    """A receiver of the signal alone is nobody: it cannot say that it failed."""
    for body in (PAID, b"", PAID):
        assert tell(site, body) == 404
    [(level, line)] = logged(site, caplog)
    assert level == logging.WARNING
    assert "Register a notification_handler" in line
    assert sent_signals == []


@pytest.mark.parametrize("missing", ["XIEBAO_PARTNER_ID", "XIEBAO_API_KEY"])
def test_switched_off_without_an_account_there_is_nothing(
    make_site: MakeSite, missing: str
) -> None:
    site = make_site(XIEBAO_ENABLED=False, **{missing: None})
    listener = listen(site)
    assert tell(site, PAID) == 404
    assert not listener.notifications


# Registering


def test_there_is_one_handler_which_may_be_registered_again(site: Site, listener: Listener) -> None:
    assert site.xiebao.notification_handler(listener) is listener
    with pytest.raises(
        ConfigError,
        match=r"Listener is already registered\. Call the new function from the registered",
    ):
        site.xiebao.notification_handler(store)
    assert tell(site, PAID) == 200
    assert len(listener.notifications) == 1


class UniqueViolationError(Exception):
    """An error of a PostgreSQL driver, with a value in its message."""

    def __init__(self) -> None:
        super().__init__(f"Key (name)=({NAME}) already exists.")
        self.diag = SimpleNamespace(
            table_name="mail", column_name=None, constraint_name="one_mail", message_detail=NAME
        )


def test_failed_handler_logs_table_and_constraint_but_no_value(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    error = IntegrityError(f"INSERT {NAME}", {}, UniqueViolationError())
    listen(site, failing_function(error))
    assert tell(site, PAID) == 500
    [(_, line)] = logged(site, caplog)
    assert "IntegrityError in fail (tests/support.py" in line
    assert '(table "mail", constraint "one_mail")' in line
    assert NAME not in caplog.text


def test_config_error_of_installed_shop_is_logged_without_message(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A shop that is installed in site-packages may put a name into an error of the extension."""
    source = "from flask_xiebao import ConfigError\ndef handle(n): raise ConfigError(n.failure)\n"
    shop: dict[str, Any] = {}
    file = f"{sysconfig.get_path('purelib')}/shop.py"
    exec(compile(source, file, "exec"), shop)  # noqa: S102
    site.xiebao.notification_handler(shop["handle"])
    assert tell(site, build_notification(2, state=False, failMsg=NAME)) == 500
    assert "ConfigError in handle" in caplog.text
    assert NAME not in caplog.text


def test_exception_that_was_never_raised_can_be_reported(site: Site) -> None:
    assert get_error_location(ValueError()) == "an unknown place"
    with site.app.test_request_context():
        got_request_exception.send(site.app, exception=ValueError())
