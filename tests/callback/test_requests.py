"""Tests for the requests that the callback accepts or rejects, and for its responses.

To test another rejected notification, add a row to ``REJECTED``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.exceptions import ClientDisconnected

from flask_xiebao import NotificationType, Xiebao
from tests.callback.support import (
    RecordingHandler,
    SlowStream,
    get_log_entries,
    register_handler,
    send_chunked_notification,
    send_notification,
)
from tests.requirements import import_later
from tests.support import CONFIG, DEPLOYED, MakeSite, Site, failing_function
from tests.vectors import APPLIED, ISSUED, PAID, build_notification

#: A valid value for the setting ``XIEBAO_NOTIFY_TOKEN``.
NOTIFY_TOKEN = "notify-" + "x" * 20
#: The maximum size of a notification, in bytes.
MAX_BYTES = 256 * 1024

# Responses of the callback


@pytest.mark.parametrize(
    ("method", "token", "body", "status", "expected"),
    [
        pytest.param("POST", NOTIFY_TOKEN, PAID, 200, {"state": True}, id="accepted"),
        pytest.param(
            "POST",
            NOTIFY_TOKEN,
            b"",
            400,
            {"state": False, "failMsg": "The notification cannot be read."},
            id="unreadable body",
        ),
        pytest.param(
            "POST",
            NOTIFY_TOKEN,
            build_notification(key="wrong"),
            403,
            {"state": False, "failMsg": "The notification is not accepted."},
            id="wrong signature",
        ),
        pytest.param(
            "POST",
            "wrong",
            PAID,
            404,
            {"state": False, "failMsg": "There is no callback at this URL."},
            id="wrong token",
        ),
        pytest.param(
            "GET",
            NOTIFY_TOKEN,
            b"",
            405,
            {"state": False, "failMsg": "Notifications must be sent by POST."},
            id="GET request",
        ),
        pytest.param(
            "POST",
            NOTIFY_TOKEN,
            b"x" * (MAX_BYTES + 1),
            413,
            {"state": False, "failMsg": "The notification is too large."},
            id="too large body",
        ),
        pytest.param(
            "POST",
            NOTIFY_TOKEN,
            ISSUED,
            500,
            {
                "state": False,
                "failMsg": "The notification was not processed. Send the notification again.",
            },
            id="failed handler",
        ),
    ],
)
def test_callback_response_is_uncached_json_without_cookies(
    make_site: MakeSite,
    method: str,
    token: str,
    body: bytes,
    status: int,
    expected: dict[str, object],
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_NOTIFY_TOKEN=NOTIFY_TOKEN)
    # For the notification about an issued policy, the handler returns False, which counts as a
    # failure.
    register_handler(site, lambda notification: notification.type != NotificationType.ISSUE)

    response = site.app.test_client().open(f"/xiebao/notify/{token}", method=method, data=body)

    assert (response.status_code, response.mimetype) == (status, "application/json")
    assert response.json == expected
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


# Requests that the callback accepts


@pytest.mark.parametrize(
    "options",
    [
        {"content_type": None},
        {"content_type": "text/plain"},
        {"content_type": "application/json"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"headers": {"Sec-Fetch-Mode": "cors", "HX-Request": "true", "Purpose": "prefetch"}},
        {"headers": {"Accept": "text/html"}},
        {"query_string": "platform=pc&go=1"},
        {"base_url": "https://shop.example/shop"},
    ],
    ids=[
        "no Content-Type",
        "text",
        "JSON",
        "form",
        "multipart form",
        "headers of a script",
        "headers of a browser",
        "query string",
        "app mounted at a path",
    ],
)
def test_notification_is_accepted_with_any_headers_or_query_string(
    make_site: MakeSite, options: dict[str, Any]
) -> None:
    site = make_site(**DEPLOYED)
    register_handler(site)
    assert send_notification(site, PAID, **options).status_code == 200


@pytest.mark.usefixtures("recording_handler")
@pytest.mark.parametrize("send", [send_notification, send_chunked_notification])
@pytest.mark.parametrize(
    "read_body",
    [
        lambda: request.get_data(),
        lambda: request.data,
        lambda: request.get_json(),
        lambda: request.json,
        lambda: request.get_data(as_text=True),
        lambda: (request.form, request.files, request.values, request.args),
    ],
    ids=["get_data", "data", "get_json", "json", "get_data as text", "form"],
)
def test_notification_is_accepted_if_request_hook_has_read_body(
    site: Site, read_body: Callable[[], object], send: Callable[..., Any]
) -> None:
    @site.app.before_request
    def read_body_before_request() -> None:
        read_body()

    assert send(site, PAID).status_code == 200


@pytest.mark.parametrize("is_csrf_first", [True, False], ids=["CSRFProtect first", "Xiebao first"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_callback_needs_no_csrf_token_but_views_of_site_do(
    is_csrf_first: bool, scheme: str
) -> None:
    xiebao = Xiebao()
    xiebao.notification_handler(lambda _: None)
    for name in ("shop", "second shop"):
        app = Flask(name)
        app.config.update(CONFIG, XIEBAO_ENV="test")
        app.add_url_rule("/form", view_func=lambda: "done", methods=["POST"])
        extensions: list[Any] = [import_later("flask_wtf:CSRFProtect")(), xiebao]
        for extension in extensions if is_csrf_first else reversed(extensions):
            extension.init_app(app)
        client = app.test_client()
        urls = [f"{scheme}://shop.example{path}" for path in ("/form", "/xiebao/notify", "/form")]
        assert [client.post(url, data=PAID).status_code for url in urls] == [400, 200, 400]


# Requests that the callback rejects

#: One row per rejected notification: the body, the status of the response, and the reason in the
#: log.
REJECTED = [
    pytest.param(b"", 400, "malformed", id="empty body"),
    pytest.param(b"notifyType=1", 400, "malformed", id="form"),
    pytest.param(APPLIED[:-1], 400, "malformed", id="incomplete JSON"),
    pytest.param(APPLIED.replace(b"true", b"NaN"), 400, "malformed", id="NaN"),
    pytest.param(build_notification(2, state=1), 400, "wrong_field", id="integer as state"),
    pytest.param(build_notification(1, key="key"), 403, "wrong_sign", id="wrong key"),
    pytest.param(
        PAID.replace(b'"price":1500', b'"price":1'), 403, "wrong_sign", id="changed price"
    ),
    pytest.param(
        build_notification(1, insureNum="2019 0226"), 400, "wrong_field", id="space in number"
    ),
    pytest.param(
        build_notification(1, failMsg="x" * MAX_BYTES), 413, "too_large", id="more than 256 KiB"
    ),
]


@pytest.mark.parametrize(("body", "status", "reason"), REJECTED)
def test_rejected_notification_is_logged_without_its_content(
    site: Site,
    recording_handler: RecordingHandler,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    status: int,
    reason: str,
) -> None:
    response = send_notification(site, body)

    assert response.status_code == status
    assert "sign" not in response.text
    assert recording_handler.notifications == []
    [(level, message)] = get_log_entries(caplog, "flask_xiebao")
    assert level == logging.INFO
    assert message.startswith(f"Rejected a notification: {reason}. ")
    # Ignore texts with fewer than 12 characters, because the log message may contain field names.
    long_texts = [text for text in body.decode("utf-8", "replace").split('"') if len(text) >= 12]
    assert [text for text in ["12345", *long_texts] if text in message] == []


@pytest.mark.usefixtures("recording_handler")
@pytest.mark.parametrize(
    ("bodies", "log_texts"),
    [
        ([build_notification(2, state=...), b"{}"], ['"state" is missing', "notification_reader"]),
        (
            [build_notification(1, key="key"), build_notification(2, key="another"), PAID],
            [
                'Run "flask xiebao order" with any application number to find out whether',
                "XIEBAO_API_KEY is wrong.",
            ],
        ),
    ],
    ids=["missing field", "wrong signature"],
)
def test_repeated_wrong_field_or_signature_logs_one_warning(
    site: Site, caplog: pytest.LogCaptureFixture, bodies: list[bytes], log_texts: list[str]
) -> None:
    """The warning helps if the API key is wrong or the site needs a ``notification_reader``."""
    for body in bodies:
        send_notification(site, body)
    [(level, message)] = get_log_entries(caplog, site.app.name)
    assert level == logging.WARNING
    assert [text for text in log_texts if text not in message] == []


@pytest.mark.usefixtures("recording_handler")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_other_than_post_return_405(site: Site, method: str) -> None:
    response = site.app.test_client().open("/xiebao/notify", method=method, data=PAID)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.mimetype == "application/json"


@pytest.mark.usefixtures("recording_handler")
@pytest.mark.parametrize("send", [send_notification, send_chunked_notification])
def test_body_of_more_than_256_kib_returns_413(site: Site, send: Callable[..., Any]) -> None:
    padding = "x" * (MAX_BYTES - len(build_notification(1, failMsg="")))
    assert send(site, build_notification(1, failMsg=padding)).status_code == 200
    assert send(site, build_notification(1, failMsg=padding + "x")).status_code == 413


@pytest.mark.usefixtures("recording_handler")
def test_chunked_body_is_only_read_up_to_256_kib(site: Site) -> None:
    stream = SlowStream(b"x" * 50 * MAX_BYTES)
    send_chunked_notification(site, stream)
    assert stream.tell() <= MAX_BYTES + 1


@pytest.mark.parametrize("send", [send_notification, send_chunked_notification])
def test_max_content_length_of_site_returns_413_and_is_named_in_log(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, send: Callable[..., Any]
) -> None:
    site = make_site(**DEPLOYED, MAX_CONTENT_LENGTH=500)
    register_handler(site)
    assert send(site, PAID).status_code == 200
    assert send(site, build_notification(1, failMsg="x" * 500)).status_code == 413
    assert "larger than the site's MAX_CONTENT_LENGTH allows" in caplog.text


#: One row per exception that a WSGI server raises while the extension reads the body.
READ_ERRORS: list[Callable[[], Exception]] = [
    partial(OSError, "invalid chunk size"),
    ConnectionResetError,
    ClientDisconnected,
    partial(import_later("gunicorn.http.errors:InvalidChunkSize"), b"zz"),
]


@pytest.mark.usefixtures("recording_handler")
@pytest.mark.parametrize("has_reader", [False, True], ids=["no reader", "notification_reader"])
@pytest.mark.parametrize("build_error", READ_ERRORS)
def test_incomplete_body_returns_400_without_calling_reader(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    build_error: Callable[[], Exception],
    has_reader: bool,
) -> None:
    error = build_error()

    class BrokenStream(BytesIO):
        read = failing_function(error)

    if has_reader:
        site.xiebao.notification_reader(failing_function(AssertionError("The reader is called.")))

    assert send_chunked_notification(site, BrokenStream()).status_code == 400
    assert get_log_entries(caplog, site.app.name) == []
    message = (
        "Rejected a notification: malformed. The body of the notification could not be read to the"
        f" end ({type(error).__name__})."
    )
    assert get_log_entries(caplog, "flask_xiebao") == [(logging.INFO, message)]


# The token in the callback URL


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        f"/{NOTIFY_TOKEN}x",
        f"/{NOTIFY_TOKEN[:-1]}",
        f"/{NOTIFY_TOKEN.upper()}",
        "/" + "é" * 26,
        "/%00",
        "/" + "x" * 5000,
    ],
    ids=[
        "no token",
        "slash",
        "longer token",
        "shorter token",
        "upper-case token",
        "letters with accents",
        "null character",
        "5000 characters",
    ],
)
def test_callback_url_with_wrong_token_returns_404(
    make_site: MakeSite, path: str, method: str
) -> None:
    site = make_site(XIEBAO_NOTIFY_TOKEN=NOTIFY_TOKEN)
    register_handler(site)
    client = site.app.test_client()
    assert client.open(f"/xiebao/notify{path}", method=method, data=PAID).status_code == 404


def test_url_rules_do_not_show_callback_token(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_NOTIFY_TOKEN=NOTIFY_TOKEN)
    assert NOTIFY_TOKEN not in str([*site.app.url_map.iter_rules()])
