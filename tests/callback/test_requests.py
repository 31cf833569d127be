"""How a notification may come to a site, beside what else it has, and how it is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request
from flask_wtf import CSRFProtect
from gunicorn.http.errors import InvalidChunkSize

from flask_xiebao import Xiebao
from flask_xiebao.app.state import get_current_app_state
from tests.callback.support import TOKEN, in_chunks, listen, logged, post, refusals, said, tell
from tests.support import CONFIG, DEPLOYED, MakeSite, Site, failing_function
from tests.vectors import APPLIED, PAID, build_notification

# How it may come


def test_nothing_is_needed_but_the_body(make_site: MakeSite) -> None:
    """No content type, no cookie, no user agent; a browser's headers change nothing."""
    site = make_site(**DEPLOYED)
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
        assert tell(site, PAID, **options) == 200, options
    assert len(listener.notifications) == len(strange)


def test_a_mounted_site_hears_of_purchases(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_URL_PREFIX="/insurance", APPLICATION_ROOT="/shop")
    listener = listen(site)
    assert tell(site, PAID, "/insurance/notify", base_url="https://a.example/shop") == 200
    assert len(listener.notifications) == 1


@pytest.mark.parametrize(
    "read",
    [
        lambda: request.get_data(),
        lambda: request.data,
        lambda: request.get_json(),
        lambda: request.json,
        lambda: request.get_data(as_text=True),
        lambda: (request.form, request.files, request.values, request.args),
    ],
)
def test_a_hook_may_have_read_the_body(site: Site, read: Callable[[], object]) -> None:
    listener = listen(site)
    site.app.before_request(lambda: (read(), None)[1])
    assert tell(site, PAID) == 200
    assert said(in_chunks(site, PAID)) == 200
    assert len(listener.notifications) == 2


@pytest.mark.parametrize("order", ["guard first", "guard last"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_flask_wtf_lets_notifications_through_and_nothing_else(order: str, scheme: str) -> None:
    xiebao = Xiebao()
    sent_signals: list[object] = []
    xiebao.notification_handler(sent_signals.append)
    for name in ("one", "another app of the same extension"):
        app, guard = Flask(name), CSRFProtect()
        app.config.update(CONFIG, XIEBAO_ENV="test")
        for each in (guard, xiebao) if order == "guard first" else (xiebao, guard):
            each.init_app(app)
        app.add_url_rule("/form", view_func=lambda: "done", methods=["POST"])
        site, base_url = Site(app, xiebao), f"{scheme}://shop.example"
        assert post(site, b"", "/form", base_url=base_url).status_code == 400
        assert tell(site, PAID, base_url=base_url) == 200
        assert post(site, b"", "/form", base_url=base_url).status_code == 400
    assert len(sent_signals) == 2


# How it is refused


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "malformed"),
        (b"notifyType=1", 400, "malformed"),
        (APPLIED[:-1], 400, "malformed"),
        (APPLIED.replace(b"true", b"NaN"), 400, "malformed"),
        (build_notification(2, state=1), 400, "wrong_field"),
        (build_notification(1, key="key"), 403, "wrong_sign"),
        (PAID.replace(b'"price":1500', b'"price":1'), 403, "wrong_sign"),
        (build_notification(1, insureNum="2019 0226"), 400, "wrong_field"),
        (build_notification(1, failMsg="x" * 256 * 1024), 413, "too_large"),
    ],
)
def test_what_does_not_verify_is_refused_and_one_line_at_info(
    site: Site, caplog: pytest.LogCaptureFixture, body: bytes, status: int, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    listener = listen(site)
    response = post(site, body)
    assert said(response) == status
    assert "sign" not in response.text
    assert not listener.notifications
    [line] = refusals(caplog)
    assert line.startswith(f"Rejected a notification: {reason}. ")
    assert "12345" not in line
    for sent in body.decode("utf-8", "replace").split('"'):
        assert len(sent) < 12 or sent not in line


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        # It is the platform's own.
        ([build_notification(2, state=...), b"{}"], ['"state" is missing', "notification_reader"]),
        # It may be the sign of another environment, and then all that comes is refused.
        (
            [build_notification(1, key="key"), build_notification(2, key="another"), PAID],
            [
                'Run "flask xiebao order" with any application number to find out whether',
                "XIEBAO_API_KEY is wrong.",
            ],
        ),
    ],
)
def test_what_somebody_has_to_look_at_is_a_warning_once_a_minute(
    site: Site, caplog: pytest.LogCaptureFixture, bodies: list[bytes], words: list[str]
) -> None:
    listen(site)
    for body in bodies:
        post(site, body)
    [(level, line)] = logged(site, caplog)
    assert level == logging.WARNING
    assert [each for each in words if each not in line] == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_is_no_post_is_405(site: Site, method: str) -> None:
    listener = listen(site)
    response = site.app.test_client().open("/xiebao/notify", method=method, data=PAID)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert method == "HEAD" or said(response) == 405
    assert not listener.notifications


def test_body_of_more_than_256_kib_returns_413_also_in_chunks(site: Site) -> None:
    listener = listen(site)
    room = 256 * 1024 - len(build_notification(1, failMsg=""))
    fits, over = (build_notification(1, failMsg="x" * size) for size in (room, room + 1))
    for send in (post, in_chunks):
        assert said(send(site, fits)) == 200
        assert said(send(site, over)) == 413
    assert said(in_chunks(site, over * 50)) == 413
    assert len(listener.notifications) == 2


def test_a_smaller_limit_of_the_sites_own_holds_and_is_named(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = make_site(**DEPLOYED, MAX_CONTENT_LENGTH=500)
    listen(site)
    assert tell(site, PAID) == 200
    for send in (post, in_chunks):
        assert said(send(site, build_notification(1, failMsg="x" * 500))) == 413
    assert "larger than the site's MAX_CONTENT_LENGTH allows" in caplog.text


@pytest.mark.parametrize("own_reader", [False, True])
@pytest.mark.parametrize(
    "error", [OSError("invalid chunk size"), ConnectionResetError(), InvalidChunkSize(b"zz")]
)
def test_chunks_that_are_none_are_400_and_nobodys_error(
    site: Site, caplog: pytest.LogCaptureFixture, error: Exception, own_reader: bool
) -> None:
    caplog.set_level(logging.INFO)

    class Broken(BytesIO):
        read = failing_function(error)

    listen(site)
    if own_reader:  # which hears of whole ones alone
        site.xiebao.notification_reader(lambda body, headers: pytest.fail("It was asked."))
    assert said(in_chunks(site, Broken())) == 400
    assert logged(site, caplog) == []
    assert refusals(caplog) == [
        "Rejected a notification: malformed. The body of the notification could not be read to the"
        f" end ({type(error).__name__})."
    ]


def test_a_body_that_breaks_off_is_400(site: Site) -> None:
    listener = listen(site)
    length = {"CONTENT_LENGTH": str(len(PAID))}
    assert tell(site, PAID[:-20], environ_overrides=length) == 400
    assert not listener.notifications


# A secret address


def test_with_a_token_the_address_is_a_secret(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_NOTIFY_TOKEN=TOKEN)
    listener = listen(site)
    for url in ("/xiebao/notify", "/xiebao/notify/", f"/xiebao/notify/{TOKEN}x"):
        assert post(site, PAID, url).status_code == 404
    for wrong in (TOKEN[:-1], TOKEN.upper(), "é" * 26, "%00", "x" * 5000):
        assert tell(site, PAID, f"/xiebao/notify/{wrong}") == 404
        assert said(site.app.test_client().get(f"/xiebao/notify/{wrong}")) == 404
    assert not listener.notifications
    assert tell(site, PAID, f"/xiebao/notify/{TOKEN}") == 200
    assert len(listener.notifications) == 1
    with site.app.app_context():
        assert (
            TOKEN not in f"{list(site.app.url_map.iter_rules())} {get_current_app_state().settings}"
        )
