"""What just happened: clicks, returns, refusals and notifications, kept in SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from flask import (
    Flask,
    Response,
    current_app,
    has_request_context,
    request,
    template_rendered,
    url_for,
)
from jinja2 import Template

from flask_xiebao import (
    Entry,
    Notification,
    NotificationType,
    Platform,
    entry_clicked,
    entry_refused,
    is_rehearsal,
    notification_received,
    payment_returned,
)
from flask_xiebao.testing import entry_of

from .shop import current_member

#: How many events are kept.
MOST = 20_000

_WAIT = 10  # seconds for another worker to finish its write


class Event(NamedTuple):
    """Something that happened at a link, or that the callback said.

    :param at: when, in seconds since the epoch.
    :param kind: ``click``, ``handoff``, ``login``, ``return``, ``refusal`` or ``notification``.
    :param member: who went; of a refusal, who was signed in.
    :param platform: of a click, the code of its :class:`~flask_xiebao.Platform`.
    :param status: of a refusal, with its *reason*.
    :param same_session: of a return: whether the member who went is the one who is signed in.
    :param client_reference: what the shop said with the click.
    :param insure_num: of a notification, with its *step* and whether that *succeeded*.
    """

    at: float
    kind: str
    click_id: str | None = None
    member: str | None = None
    page: str | None = None
    reference: str | None = None
    platform: int | None = None
    status: int | None = None
    reason: str | None = None
    same_session: bool | None = None
    client_reference: str | None = None
    insure_num: str | None = None
    step: int | None = None
    succeeded: bool | None = None


class Happening(NamedTuple):
    """An event, and of a click when its payment came back, oldest first."""

    event: Event
    returns: list[Event]


_CREATE = f"CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(Event._fields)})"
_INSERT = (
    f"INSERT INTO events ({', '.join(Event._fields)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' * len(Event._fields))})"
)
_TRIM = "DELETE FROM events WHERE id <= ?"
_NEWEST = f"SELECT {', '.join(Event._fields)} FROM events ORDER BY id DESC"  # noqa: S608


class Store:
    """The events of one instance folder; every worker opens its own on the same file."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder, "events.sqlite3")

    def add(self, event: Event) -> None:
        """Keep *event*, and of all events the newest :data:`MOST`."""
        with self._connection() as connection, connection:
            # The transaction begins with a write, so another worker's is waited for, not met.
            newest = connection.execute(_INSERT, event).lastrowid or 0
            connection.execute(_TRIM, (newest - MOST,))

    def newest(self) -> list[Event]:
        """Return the events, newest first."""
        if not self._file.exists():
            return []
        with self._connection() as connection:
            return [Event(*row) for row in connection.execute(_NEWEST)]

    def happenings(self) -> list[Happening]:
        """Return the events newest first, a return beside its click while that is kept."""
        found = self.newest()
        returns: dict[str | None, list[Event]] = {
            event.click_id: [] for event in found if event.kind == "click"
        }
        alone = []
        for event in reversed(found):
            if event.kind == "return" and event.click_id in returns:
                returns[event.click_id].append(event)
            else:
                alone.append(event)
        return [
            Happening(event, returns[event.click_id] if event.kind == "click" else [])
            for event in reversed(alone)
        ]

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if not self._file.exists():
            self._create()
        with contextlib.closing(sqlite3.connect(self._file, timeout=_WAIT)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")  # enough with a write-ahead log
            yield connection

    def _create(self) -> None:
        """Make the file beside its place, whole: workers that start together see it at once.

        Switching a file that others use to a write-ahead log would fail for some of them.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="events.", dir=self._file.parent) as folder:
            draft = Path(folder, "draft")
            with contextlib.closing(sqlite3.connect(draft)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_CREATE)
            with contextlib.suppress(FileExistsError):
                self._file.hardlink_to(draft)


def funnel(happenings: Sequence[Happening]) -> dict[str, int]:
    """Return how many came how far: from being sent to log in to a policy."""
    kinds = Counter(event.kind for event, _ in happenings)
    told: dict[int | None, set[str | None]] = {}
    for event, _ in happenings:
        if event.succeeded:
            told.setdefault(event.step, set()).add(event.insure_num)
    steps = NotificationType
    return {
        "去登录": kinds["login"],
        "不放行": kinds["refusal"],
        "二维码": kinds["handoff"],
        "去网关": kinds["click"],
        "投保": len(told.get(steps.APPLICATION, ())),
        "支付": len(told.get(steps.PAYMENT, ())),
        "支付后返回": sum(bool(returns) for _, returns in happenings) + kinds["return"],
        "出单": len(told.get(steps.ISSUE, ())),
        "退保": len(told.get(steps.SURRENDER, ())),
    }


def init_app(app: Flask) -> None:
    """Keep what the signals of *app* tell, and whom it sends to log in or shows a code."""
    app.extensions["qa_events"] = Store(app.instance_path)
    app.after_request(_answered)
    # Functions of this module, which outlive the app and do not keep it alive.
    template_rendered.connect(_rendered, app)
    entry_clicked.connect(_clicked, app)
    payment_returned.connect(_returned, app)
    entry_refused.connect(_refused, app)
    notification_received.connect(_notified, app)


def store(app: Flask) -> Store:
    """Return the events of *app*."""
    kept: Store = app.extensions["qa_events"]
    return kept


def _keep(app: Flask, event: Event) -> None:
    if not is_rehearsal():  # what the console itself does is not what happens
        store(app).add(event)


def _clicked(app: Flask, entry: Entry, member: str, platform: Platform, click_id: str) -> None:
    _keep(
        app,
        Event(
            time.time(),
            "click",
            click_id,
            member,
            entry.page,
            entry.reference,
            int(platform),
            client_reference=entry.client_reference,
        ),
    )


def _rendered(app: Flask, template: Template, **_: Any) -> None:
    if template.name == "xiebao/handoff.html":
        _keep(app, _seen("handoff"))


def _answered(response: Response) -> Response:
    view = current_app.config["XIEBAO_LOGIN_VIEW"]
    if (
        request.blueprint == "xiebao"
        and response.status_code == 302
        and view is not None
        and (response.location or "").partition("?")[0] == url_for(view)
    ):
        _keep(current_app, _seen("login"))
    return response


def _seen(kind: str) -> Event:
    """Return what is known of a link that is neither followed nor refused."""
    entry = entry_of(request.path)
    member = current_member() or (entry.member if entry else None)
    return Event(
        time.time(),
        kind,
        member=member,
        page=entry.page if entry else None,
        reference=entry.reference if entry else None,
        client_reference=entry.client_reference if entry else None,
    )


def _returned(app: Flask, entry: Entry, member: str, click_id: str, same_session: bool) -> None:
    _keep(
        app,
        Event(
            time.time(),
            "return",
            click_id,
            member,
            entry.page,
            entry.reference,
            same_session=same_session,
            client_reference=entry.client_reference,
        ),
    )


def _notified(app: Flask, notification: Notification) -> None:
    _keep(
        app,
        Event(
            time.time(),
            "notification",
            member=notification.member,
            reference=notification.case_code,
            insure_num=notification.insure_num,
            step=int(notification.type),
            succeeded=notification.succeeded,
        ),
    )


def _refused(
    app: Flask, status: int, reason: str, page: str, entry: Entry | None, **_: Any
) -> None:
    # A link that is invalid is refused before anybody asks who clicked it.
    member = current_member() if has_request_context() else None
    reference = entry.reference if entry else None
    _keep(
        app,
        Event(
            time.time(),
            "refusal",
            member=member,
            page=page,
            reference=reference,
            status=status,
            reason=reason,
            client_reference=entry.client_reference if entry else None,
        ),
    )
