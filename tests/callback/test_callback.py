"""The endpoint of the callback: what it answers, what the site hears, and what the log says."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, Response, abort, request
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from gunicorn.http.errors import InvalidChunkSize
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as StreamResponse

from flask_xiebao import (
    ConfigError,
    Notification,
    NotificationError,
    NotificationType,
    OrderError,
    Xiebao,
    notification_received,
)
from flask_xiebao.app.state import current_state
from tests.support import CONFIG, LIVE, MakeSite, Site
from tests.vectors import APPLIED, ISSUED, NOT_PAID, PAID, SURRENDERED, VECTORS, callback

ACCEPTED = {"state": True}
NAME = "林晓"
MEMBER_SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "notify-" + "x" * 20


class Listener:
    """A handler that keeps what it hears, and may fail."""

    def __init__(self) -> None:
        self.heard: list[Notification] = []
        self.fails: Exception | None = None

    def __call__(self, notification: Notification) -> None:
        self.heard.append(notification)
        if self.fails is not None:
            raise self.fails


def listen(site: Site) -> Listener:
    listener = Listener()
    site.xiebao.notification_handler(listener)
    return listener


def post(site: Site, body: bytes, url: str = "/xiebao/notify", **options: Any) -> TestResponse:
    options.setdefault("content_type", "application/json;charset=UTF-8")  # as Java sends it
    return site.app.test_client().post(url, data=body, **options)


def said(response: TestResponse) -> Any:
    """Return the JSON of an answer, which is nothing else."""
    assert response.mimetype == "application/json"
    answer = json.loads(response.data)
    if answer != ACCEPTED:
        assert answer.keys() == {"state", "failMsg"}
        assert answer["state"] is False
        assert answer["failMsg"].isprintable()
    return answer


def log_of(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == name]


# What verifies


@pytest.mark.parametrize("body", VECTORS)
def test_the_handler_hears_of_whatever_verifies(site: Site, body: bytes) -> None:
    listener = listen(site)
    response = post(site, body)
    assert (response.status_code, said(response)) == (200, ACCEPTED)
    [notification] = listener.heard
    assert notification.data == json.loads(body)["data"]


def test_without_a_member_secret_the_member_is_the_key(site: Site) -> None:
    listener = listen(site)
    post(site, APPLIED)
    assert listener.heard[0].member == "101000"


def test_with_a_member_secret_the_member_is_whose_key_it_is(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    listener = listen(site)
    with site.app.app_context():
        key = site.xiebao.partner_uniq_key(8)
    for own in (key, key.upper(), "8", "101000", "a" * 16 + "8"):
        assert said(post(site, callback(1, partnerUniqueKey=own))) == ACCEPTED
    assert said(post(site, callback(1, partnerUniqueKey=...))) == ACCEPTED
    members = [notification.member for notification in listener.heard]
    assert members == ["8", "8", None, None, None, None]


def test_nothing_is_needed_but_the_body(make_site: MakeSite) -> None:
    """No content type, no cookie, no user agent; a browser's headers change nothing."""
    site = make_site(**LIVE)
    listener = listen(site)
    strange: list[dict[str, Any]] = [
        {"content_type": None},
        {"content_type": "text/plain"},
        {"content_type": "application/json"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"headers": {"Sec-Fetch-Mode": "cors", "HX-Request": "true", "Purpose": "prefetch"}},
        {"headers": {"Accept": "text/html"}},
        {"query_string": "platform=pc&go=1"},
    ]
    for options in strange:
        assert said(post(site, PAID, **options)) == ACCEPTED, options
    assert len(listener.heard) == len(strange)


def test_the_same_may_come_twice_and_the_handler_hears_it_twice(site: Site) -> None:
    listener = listen(site)
    assert [said(post(site, PAID)) for _ in range(3)] == [ACCEPTED] * 3
    assert len({notification.id for notification in listener.heard}) == 1


def test_a_handler_may_be_async(site: Site) -> None:
    heard = []

    @site.xiebao.notification_handler
    async def hear(notification: Notification) -> None:
        heard.append(notification.insure_num)

    assert said(post(site, PAID)) == ACCEPTED
    assert heard == ["20190226020146"]


def test_the_handler_runs_in_the_request(site: Site) -> None:
    heard = []

    @site.xiebao.notification_handler
    def hear(notification: Notification) -> None:
        heard.append((request.endpoint, request.headers["X-Trace"]))

    post(site, PAID, headers={"X-Trace": "7"})
    assert heard == [("xiebao.notify", "7")]


# What fails


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", [ValueError, ConnectionError, KeyError, ConfigError])
def test_a_handler_that_raises_is_asked_again_and_logged_without_what_it_says(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    kind: type[Exception],
    strict: bool,
) -> None:
    site = make_site(**LIVE, XIEBAO_STRICT=strict)
    listener = listen(site)
    listener.fails = kind(f"duplicate key: {NAME} already exists")

    response = post(site, ISSUED)

    assert response.status_code == 500
    assert said(response)["failMsg"] == "The notification was not processed: send it again."
    [record] = [each for each in caplog.records if each.name == site.app.logger.name]
    message = record.getMessage()
    assert record.levelno == logging.ERROR
    assert not record.exc_info
    assert listener.heard[0].id in message
    assert kind.__name__ in message
    assert "__call__ (tests/callback/test_callback.py:" in message
    assert NAME not in caplog.text
    assert "duplicate" not in caplog.text

    listener.fails = None
    assert said(post(site, ISSUED)) == ACCEPTED
    assert listener.heard[0].id == listener.heard[1].id


def test_a_handler_that_aborts_has_not_done_its_work(site: Site) -> None:
    @site.xiebao.notification_handler
    def hear(notification: Notification) -> None:
        abort(404)

    assert post(site, PAID).status_code == 500


def test_a_handler_that_returns_a_coroutine_has_not_done_its_work(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async def store(notification: Notification) -> None:
        raise AssertionError

    site.xiebao.notification_handler(lambda notification: store(notification))
    assert post(site, PAID).status_code == 500
    assert "returned a coroutine, which nobody awaits: register the async function" in caplog.text


RETURNS: list[Any] = [
    *(False, "done", "", {"state": False}, {}, ("no", 500), Response("no", 500)),
    *((number for number in range(0)), StreamResponse("no")),
]


@pytest.mark.parametrize("returned", RETURNS)
def test_a_handler_that_answers_by_returning_has_not_done_its_work(
    site: Site, caplog: pytest.LogCaptureFixture, returned: Any
) -> None:
    """What it means by that would be lost: the platform would be told that all is well."""
    site.xiebao.notification_handler(lambda notification: returned)
    assert post(site, PAID).status_code == 500
    assert "one that is not raises an exception" in caplog.text


def test_a_handler_that_yields_has_not_done_its_work(site: Site) -> None:
    @site.xiebao.notification_handler
    def hear(notification: Notification) -> Iterator[None]:
        yield

    assert post(site, PAID).status_code == 500


@pytest.mark.parametrize("returned", [None, True, 1, object()])
def test_a_handler_may_return_what_it_does_by_the_way(site: Site, returned: object) -> None:
    site.xiebao.notification_handler(lambda notification: returned)
    assert said(post(site, PAID)) == ACCEPTED


def test_a_task_that_was_cancelled_is_a_failure_and_no_end_of_the_worker(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    @site.xiebao.notification_handler
    async def hear(notification: Notification) -> None:
        raise asyncio.CancelledError(NAME)

    assert post(site, ISSUED).status_code == 500
    assert "CancelledError in hear (tests/callback/test_callback.py:" in caplog.text
    assert NAME not in caplog.text


def test_an_order_query_that_fails_is_told_by_its_code(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(site)
    listener.fails = OrderError(f"about {NAME}", 1002, f"{NAME} 不符")
    assert post(site, PAID).status_code == 500
    assert "OrderError 1002 in __call__" in caplog.text
    assert NAME not in caplog.text


def test_without_flasks_extra_an_async_handler_is_told_what_it_needs(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @site.xiebao.notification_handler
    async def hear(notification: Notification) -> None: ...

    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    assert post(site, PAID).status_code == 500
    assert "notification_handler is async" in caplog.text
    assert "pip install 'flask[async]'" in caplog.text


def test_a_notification_of_the_sites_own_class_is_logged_without_names(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Mine(Notification):
        """It has a repr of its own, made by Python."""

    listener = listen(site)
    listener.fails = ValueError()
    site.xiebao.notification_reader(
        lambda body, headers: Mine(type=4, insure_num="8", cancelled_insurants=(NAME,))
    )
    assert post(site, b"").status_code == 500
    assert NAME not in repr(listener.heard[0])
    assert NAME not in caplog.text
    assert listener.heard[0].id in caplog.text


def test_no_frame_that_logs_a_failure_has_the_error_in_a_variable(site: Site) -> None:
    """Some error reports show the variables of whoever logs."""
    listener = listen(site)
    listener.fails = ValueError(NAME)
    shown: list[str] = []

    class Report(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            frame = sys._getframe()
            while frame.f_back is not None:
                frame = frame.f_back
                if "flask_xiebao" in frame.f_code.co_filename:
                    shown.append(repr(frame.f_locals))

    def receive(_app: Flask, notification: Notification) -> None:
        raise ValueError(NAME)

    handler = Report()
    site.app.logger.addHandler(handler)
    post(site, ISSUED)
    listener.fails = None
    with notification_received.connected_to(receive):
        post(site, ISSUED)
    site.app.logger.removeHandler(handler)
    assert shown
    assert not [text for text in shown if NAME in text]


def test_keys_that_cannot_be_looked_up_are_sent_again(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    listener = listen(site)

    @site.xiebao.keeps_plain_key
    def lookup(member: str) -> bool:
        raise ConnectionError("the database is away")

    assert post(site, PAID).status_code == 500
    assert not listener.heard


# Registering


def test_the_same_handler_again_is_none(site: Site) -> None:
    listener = listen(site)
    site.xiebao.notification_handler(listener)
    post(site, PAID)
    assert len(listener.heard) == 1


def test_a_second_handler_is_an_error(site: Site) -> None:
    listener = listen(site)
    with pytest.raises(ConfigError, match=r"already, .*Listener: call the other function from it"):
        site.xiebao.notification_handler(lambda notification: None)
    assert said(post(site, PAID)) == ACCEPTED
    assert len(listener.heard) == 1


@pytest.mark.parametrize("wrong", [None, "handle", 7])
def test_a_handler_has_to_be_a_function(site: Site, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="notification_handler takes a function"):
        site.xiebao.notification_handler(wrong)
    with pytest.raises(ConfigError, match="notification_reader takes a function"):
        site.xiebao.notification_reader(wrong)


def test_a_handler_that_takes_other_arguments_is_refused_where_it_is_registered(
    site: Site,
) -> None:
    def nothing() -> None: ...
    def two(kind: int, data: dict[str, Any]) -> None: ...

    for wrong in (nothing, two):
        with pytest.raises(ConfigError, match="is called with notification"):
            site.xiebao.notification_handler(wrong)  # type: ignore[type-var]
    with pytest.raises(ConfigError, match="is called with body and headers"):
        site.xiebao.notification_reader(nothing)  # type: ignore[type-var]


def test_the_decorators_give_back_the_function(site: Site) -> None:
    def handle(notification: Notification) -> None: ...
    def read(body: bytes, headers: Any) -> Notification:
        raise NotImplementedError

    assert site.xiebao.notification_handler(handle) is handle
    assert site.xiebao.notification_reader(read) is read


# The signal


@pytest.fixture
def received() -> Iterator[list[Notification]]:
    """What the signal said."""
    heard: list[Notification] = []

    def receive(_app: Flask, notification: Notification) -> None:
        heard.append(notification)

    with notification_received.connected_to(receive):
        yield heard


def test_the_signal_follows_a_handler_that_returned(
    site: Site, received: list[Notification]
) -> None:
    listener = listen(site)
    listener.fails = ValueError()
    post(site, PAID)
    assert received == []
    listener.fails = None
    post(site, PAID)
    assert received == [listener.heard[1]]
    assert received[0].member == "101000"


@pytest.mark.parametrize("strict", [True, False])
def test_a_receiver_that_fails_never_changes_the_answer(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, strict: bool
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    listen(site)

    def receive(_app: Flask, notification: Notification) -> None:
        raise ValueError(f"no mail address of {NAME}")

    with notification_received.connected_to(receive):
        assert said(post(site, ISSUED)) == ACCEPTED
    assert "receive" in caplog.text
    assert "ValueError" in caplog.text
    assert NAME not in caplog.text


def test_a_receiver_whose_task_was_cancelled_changes_no_answer(site: Site) -> None:
    listen(site)

    async def receive(_app: Flask, notification: Notification) -> None:
        raise asyncio.CancelledError

    with notification_received.connected_to(receive):
        assert said(post(site, ISSUED)) == ACCEPTED


def test_of_many_failures_some_are_logged_and_that_there_are_more(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(site)
    listener.fails = ValueError()
    for number in range(30):
        post(site, callback(1, insureNum=str(number)))
    lines = log_of(caplog, site.app.logger.name)
    assert len(lines) == 10
    assert [line for line in lines if "More like it are left out" in line] == lines[-1:]


def test_a_receiver_alone_is_nobody_who_listens(site: Site, received: list[Notification]) -> None:
    assert post(site, PAID).status_code == 404
    assert received == []


# Refusals


def test_where_nobody_listens_it_is_404_and_one_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for body in (PAID, b"", PAID):
        response = post(site, body)
        assert response.status_code == 404
        said(response)
    [record] = [each for each in caplog.records if each.name == site.app.logger.name]
    assert record.levelno == logging.WARNING
    assert "add a notification_handler" in record.getMessage()


REFUSED = [
    (b"", 400, "malformed"),
    (b"notifyType=1", 400, "malformed"),
    (APPLIED[:-1], 400, "malformed"),
    (APPLIED.replace(b"true", b"NaN"), 400, "malformed"),
    (callback(2), 400, "wrong_field"),
    (callback(1, key="key"), 403, "wrong_sign"),
    (PAID.replace(b'"price":1500', b'"price":1'), 403, "wrong_sign"),
    (callback(1, insureNum="2019 0226"), 400, "wrong_field"),
    (callback(1, failMsg="x" * 65536), 413, "too_large"),
]


@pytest.mark.parametrize(("body", "status", "reason"), REFUSED)
def test_what_does_not_verify_is_refused_and_one_line_at_info(
    site: Site, caplog: pytest.LogCaptureFixture, body: bytes, status: int, reason: str
) -> None:
    listener = listen(site)
    with caplog.at_level(logging.INFO):
        response = post(site, body)
    assert response.status_code == status
    assert "sign" not in said(response)["failMsg"]
    assert not listener.heard
    [line] = log_of(caplog, "flask_xiebao")
    assert line.startswith(f"Refused a notification: {reason}. ")
    assert "12345" not in line
    for sent in body.decode("utf-8", "replace").split('"'):
        assert len(sent) < 12 or sent not in line


def test_what_is_signed_and_cannot_be_read_is_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the platform's, so somebody has to look at it."""
    listen(site)
    post(site, callback(2))
    post(site, b"{}")
    [line] = log_of(caplog, site.app.logger.name)
    assert "payTime is missing" in line
    assert "notification_reader" in line


def test_a_wrong_sign_is_a_warning_once_a_minute(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be that of another environment, and then all that comes is refused."""
    listen(site)
    for body in (callback(1, key="key"), callback(2, key="another"), PAID):
        post(site, body)
    [record] = [each for each in caplog.records if each.name == site.app.logger.name]
    assert record.levelno == logging.WARNING
    assert "XIEBAO_API_KEY is not the key: flask xiebao order tells" in record.getMessage()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_is_no_post_is_405(site: Site, method: str) -> None:
    listener = listen(site)
    response = site.app.test_client().open("/xiebao/notify", method=method, data=PAID)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    if method != "HEAD":
        said(response)
    assert not listener.heard


def chunked(site: Site, body: bytes) -> TestResponse:
    """Send a body without saying how long it is, a few bytes at a time."""

    class Slowly(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size if size is None or size < 0 else min(size, 1000))

    stream = Slowly(body)
    response = site.app.test_client().post(
        "/xiebao/notify",
        input_stream=stream,
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
    )
    assert stream.tell() <= 65537  # more would be kept in memory
    return response


def test_64_kib_are_read_and_no_more_chunked_or_not(site: Site) -> None:
    listener = listen(site)
    spare = 65536 - len(callback(1, failMsg="x"))
    fits, over = (callback(1, failMsg="x" * (1 + spare + more)) for more in (0, 1))
    assert len(fits) == 65536
    for send in (post, chunked):
        assert send(site, fits).status_code == 200
        response = send(site, over)
        assert response.status_code == 413
        said(response)
    assert chunked(site, over * 200).status_code == 413
    assert len(listener.heard) == 2


def test_a_smaller_limit_of_the_sites_own_holds_and_is_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = make_site(**LIVE, MAX_CONTENT_LENGTH=500)
    listen(site)
    assert post(site, PAID).status_code == 200
    for send in (post, chunked):
        response = send(site, callback(1, failMsg="x" * 500))
        assert response.status_code == 413
        said(response)
    assert "more bytes than MAX_CONTENT_LENGTH of the site" in caplog.text


@pytest.mark.parametrize("own_reader", [False, True])
@pytest.mark.parametrize(
    "error", [OSError("invalid chunk size"), ConnectionResetError(), InvalidChunkSize(b"zz")]
)
def test_chunks_that_are_none_are_400_and_nobodys_error(
    site: Site, caplog: pytest.LogCaptureFixture, error: Exception, own_reader: bool
) -> None:
    caplog.set_level(logging.INFO)

    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise error

    listen(site)
    if own_reader:  # which hears of whole ones alone
        site.xiebao.notification_reader(lambda body, headers: pytest.fail("It was asked."))
    response = site.app.test_client().post(
        "/xiebao/notify",
        input_stream=Broken(),
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    assert response.status_code == 400
    said(response)
    assert log_of(caplog, site.app.logger.name) == []
    assert log_of(caplog, "flask_xiebao") == [
        "Refused a notification: malformed. The notification broke off while it was read"
        f" ({type(error).__name__})."
    ]


def test_a_body_that_breaks_off_is_400(site: Site) -> None:
    listener = listen(site)
    response = post(site, PAID[:-20], environ_overrides={"CONTENT_LENGTH": str(len(PAID))})
    assert response.status_code == 400
    said(response)
    assert not listener.heard


@pytest.mark.parametrize("config", [{}, {"XIEBAO_NOTIFY_TOKEN": TOKEN}])
def test_no_answer_can_be_stored_or_framed(make_site: MakeSite, config: dict[str, str]) -> None:
    site = make_site(**config)
    url = f"/xiebao/notify/{TOKEN}" if config else "/xiebao/notify"
    answers = [post(site, PAID, url)]
    listen(site)
    answers += [post(site, PAID, url), post(site, b"", url), site.app.test_client().get(url)]
    assert [answer.status_code for answer in answers] == [404, 200, 400, 405]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


# The token


def test_with_a_token_the_address_is_a_secret(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_NOTIFY_TOKEN=TOKEN)
    listener = listen(site)
    for url in ("/xiebao/notify", "/xiebao/notify/", f"/xiebao/notify/{TOKEN}x"):
        assert post(site, PAID, url).status_code == 404
    for wrong in (TOKEN[:-1], TOKEN.upper(), "é" * 26, "%00", "x" * 5000):
        response = post(site, PAID, f"/xiebao/notify/{wrong}")
        assert response.status_code == 404
        said(response)
        assert site.app.test_client().get(f"/xiebao/notify/{wrong}").status_code == 404
    assert not listener.heard
    assert said(post(site, PAID, f"/xiebao/notify/{TOKEN}")) == ACCEPTED
    assert len(listener.heard) == 1
    rules = [rule.rule for rule in site.app.url_map.iter_rules()]
    assert not [rule for rule in rules if TOKEN in rule]


def test_without_a_token_there_is_none(site: Site) -> None:
    listen(site)
    assert post(site, PAID, f"/xiebao/notify/{TOKEN}").status_code == 404


@pytest.mark.parametrize("token", ["x" * 25, "", "x" * 26 + "/", "é" * 30, "x y" * 10, 10**30])
def test_a_token_that_is_short_or_no_part_of_a_url_is_refused(
    make_site: MakeSite, token: Any
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_site(XIEBAO_NOTIFY_TOKEN=token)
    assert "26 characters or more" in caught.value.problems["XIEBAO_NOTIFY_TOKEN"]
    if len(str(token)) > 5:
        assert str(token) not in str(caught.value)


def test_a_token_that_nobody_guesses_is_not_shown(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_NOTIFY_TOKEN=TOKEN)
    with site.app.app_context():
        assert TOKEN not in repr(current_state().settings)


# Switched off


def test_who_stops_selling_still_hears_of_surrenders(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    listener = listen(site)
    assert said(post(site, SURRENDERED)) == ACCEPTED
    assert [each.type for each in listener.heard] == [NotificationType.SURRENDER]


@pytest.mark.parametrize("missing", ["XIEBAO_PARTNER_ID", "XIEBAO_API_KEY"])
def test_switched_off_without_an_account_there_is_nothing(
    make_site: MakeSite, missing: str
) -> None:
    site = make_site(XIEBAO_ENABLED=False, **{missing: None})
    listener = listen(site)
    assert post(site, PAID).status_code == 404
    assert not listener.heard


# A reader of the site's own


def test_a_reader_replaces_the_parsing(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    listener = listen(site)
    with site.app.app_context():
        key = site.xiebao.partner_uniq_key("m_7")

    @site.xiebao.notification_reader
    def read(body: bytes, headers: Any) -> Notification:
        assert headers["X-Sign"] == "theirs"
        return Notification(
            type=2,
            insure_num=body.decode(),
            partner_uniq_key=key,
            member="somebody else",
            id="theirs",
        )

    assert said(post(site, b"7", headers={"X-Sign": "theirs"})) == ACCEPTED
    [notification] = listener.heard
    assert (notification.insure_num, notification.id) == ("7", "theirs")
    assert notification.member == "m_7"


def test_a_reader_may_be_async(site: Site) -> None:
    listener = listen(site)

    @site.xiebao.notification_reader
    async def read(body: bytes, headers: Any) -> Notification:
        return Notification(type=1, insure_num=body.decode())

    assert said(post(site, b"7")) == ACCEPTED
    assert listener.heard[0].member is None


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("malformed", 400),
        ("wrong_field", 400),
        ("a reason of the site's own", 400),
        (["wrong_sign"], 400),
        ("wrong_sign", 403),
        ("too_large", 413),
    ],
)
def test_a_reader_refuses_by_a_notification_error(
    site: Site, caplog: pytest.LogCaptureFixture, reason: Any, status: int
) -> None:
    listener = listen(site)

    @site.xiebao.notification_reader
    def read(body: bytes, headers: Any) -> Notification:
        raise NotificationError(f"not signed: {NAME}", reason)

    with caplog.at_level(logging.INFO):
        response = post(site, PAID)
    assert response.status_code == status
    assert NAME not in str(said(response))
    assert log_of(caplog, "flask_xiebao") == [f"Refused a notification: {reason}."]
    assert NAME not in caplog.text
    assert not listener.heard


@pytest.mark.parametrize("returned", [None, (), b"", True])
def test_a_reader_that_fails_or_returns_anything_else_is_the_sites_error(
    site: Site, caplog: pytest.LogCaptureFixture, returned: Any
) -> None:
    listener = listen(site)

    @site.xiebao.notification_reader
    def read(body: bytes, headers: Any) -> Notification:
        if returned is True:
            raise KeyError(NAME)
        result: Notification = returned
        return result

    assert post(site, PAID).status_code == 500
    said_of_it = "\n".join(log_of(caplog, site.app.logger.name))
    kind = {None: "None", True: "KeyError in read (tests/"}.get(returned, type(returned).__name__)
    assert "notification_reader" in said_of_it
    assert kind in said_of_it
    assert NAME not in caplog.text
    assert not listener.heard


def test_the_longest_body_that_a_reader_gets_is_the_same(site: Site) -> None:
    listen(site)
    read_sizes: list[int] = []

    @site.xiebao.notification_reader
    def read(body: bytes, headers: Any) -> Notification:
        read_sizes.append(len(body))
        return Notification(type=1, insure_num="1")

    assert post(site, b"x" * 65536).status_code == 200
    assert post(site, b"x" * 65537).status_code == 413
    assert read_sizes == [65536]


# Beside what other sites have


def guarded(order: str, **config: Any) -> Site:
    """Return a site with Flask-WTF's guard before or after the extension."""
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", **config)
    xiebao, guard = Xiebao(), CSRFProtect()
    for each in (guard, xiebao) if order == "guard first" else (xiebao, guard):
        each.init_app(app)

    @app.post("/form")
    def form() -> str:
        return "done"

    return Site(app, xiebao)


@pytest.mark.parametrize("order", ["guard first", "guard last"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_flask_wtf_lets_notifications_through_and_nothing_else(order: str, scheme: str) -> None:
    site = guarded(order)
    listener = listen(site)
    base_url = f"{scheme}://shop.example"
    assert post(site, b"", "/form", base_url=base_url).status_code == 400
    assert said(post(site, PAID, base_url=base_url)) == ACCEPTED
    assert post(site, b"", "/form", base_url=base_url).status_code == 400
    assert len(listener.heard) == 1


def test_another_guard_by_the_same_name_is_left_alone(site: Site) -> None:
    site.app.extensions["csrf"] = object()
    listen(site)
    assert said(post(site, PAID)) == ACCEPTED


def test_two_apps_of_one_extension_are_let_through_each() -> None:
    xiebao = Xiebao()
    listener = Listener()
    xiebao.notification_handler(listener)
    for name in ("one", "two"):
        app = Flask(name)
        app.config.update(CONFIG, XIEBAO_ENV="test")
        xiebao.init_app(app)
        CSRFProtect(app)
        assert said(post(Site(app, xiebao), PAID)) == ACCEPTED
    assert len(listener.heard) == 2


READS: list[Callable[[], object]] = [
    lambda: request.get_data(),
    lambda: request.data,
    lambda: request.get_json(),
    lambda: request.json,
    lambda: request.get_data(as_text=True),
    lambda: (request.form, request.files, request.values, request.args),
]


@pytest.mark.parametrize("read", READS)
def test_a_hook_may_have_read_the_body(site: Site, read: Callable[[], object]) -> None:
    listener = listen(site)
    site.app.before_request(lambda: (read(), None)[1])
    for send in (post, chunked):
        assert said(send(site, PAID)) == ACCEPTED
    assert len(listener.heard) == 2


def test_a_site_with_a_login_and_a_limiter_hears_of_purchases() -> None:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", RATELIMIT_STORAGE_URI="memory://")
    LoginManager(app)
    limiter = Limiter(lambda: request.remote_addr or "", app=app, default_limits=["1 per day"])
    xiebao = Xiebao(app)
    site = Site(app, xiebao)
    limiter.exempt(app.view_functions["xiebao.notify"])
    listener = listen(site)
    for _ in range(3):
        assert said(post(site, NOT_PAID)) == ACCEPTED
    assert len(listener.heard) == 3


def test_a_mounted_site_hears_of_purchases(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_URL_PREFIX="/insurance", APPLICATION_ROOT="/shop")
    listener = listen(site)
    assert (
        said(post(site, PAID, "/insurance/notify", base_url="https://a.example/shop")) == ACCEPTED
    )
    assert len(listener.heard) == 1
