"""A notification_reader of the site's own, in place of the extension's reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from flask_xiebao import Notification, NotificationError
from tests.callback.support import listen, logged, post, refusals, said, tell
from tests.support import MEMBER_KEYS, MEMBER_SECRET, MakeSite, Site, failing_function
from tests.vectors import NAME, PAID


def test_a_reader_replaces_the_parsing(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    listener = listen(site)
    key = MEMBER_KEYS["8"]

    def read(body: bytes, headers: Any) -> Notification:
        assert headers["X-Sign"] == "theirs"
        number = body.decode()
        return Notification(
            type=2, insure_num=number, partner_uniq_key=key, member="somebody else", id="theirs"
        )

    assert site.xiebao.notification_reader(read) is read
    assert tell(site, b"7", headers={"X-Sign": "theirs"}) == 200
    [notification] = listener.notifications
    assert (notification.insure_num, notification.id) == ("7", "theirs")
    assert notification.member == "8"


def test_a_reader_may_be_async_and_gets_no_longer_bodies_than_the_extension(site: Site) -> None:
    listener = listen(site)

    @site.xiebao.notification_reader
    async def read(body: bytes, headers: Any) -> Notification:
        return Notification(type=1, insure_num="1", failure=f"{len(body)} bytes")

    assert tell(site, b"x" * 262_144) == 200
    assert tell(site, b"x" * 262_145) == 413
    [notification] = listener.notifications
    assert (notification.failure, notification.member) == ("262144 bytes", None)


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
    caplog.set_level("INFO")
    listener = listen(site)

    @site.xiebao.notification_reader
    def read(body: bytes, headers: Any) -> Notification:
        raise NotificationError(f"not signed: {NAME}", reason)

    response = post(site, PAID)
    assert said(response) == status
    assert refusals(caplog) == [f"Rejected a notification: {reason}."]
    assert NAME not in f"{response.text}{caplog.text}"
    assert not listener.notifications


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (
            failing_function(KeyError(NAME)),
            "The notification_reader failed: KeyError in fail (tests/support.py",
        ),
        (lambda body, headers: None, "notification_reader must return a Notification, got None."),
        (lambda body, headers: (), "notification_reader must return a Notification, got tuple."),
        (lambda body, headers: b"", "notification_reader must return a Notification, got bytes."),
    ],
)
def test_a_reader_that_fails_or_returns_anything_else_is_the_sites_error(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    read: Callable[[bytes, Any], Notification],
    words: str,
) -> None:
    listener = listen(site)
    site.xiebao.notification_reader(read)
    assert tell(site, PAID) == 500
    assert words in "\n".join(line for _, line in logged(site, caplog))
    assert NAME not in caplog.text
    assert not listener.notifications


@dataclass(frozen=True, kw_only=True)
class Mine(Notification):
    """A notification that has a repr of its own, made by Python."""


def test_a_notification_of_the_sites_own_class_is_logged_without_names(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    notification = Mine(type=4, insure_num="8", cancelled_insurants=(NAME,))
    site.xiebao.notification_reader(lambda body, headers: notification)
    listen(site, lambda _: False)
    assert tell(site, b"") == 500
    assert NAME not in f"{notification!r}{caplog.text}"
    assert notification.id in caplog.text
