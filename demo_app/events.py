"""What just happened: clicks, returns, refusals and notifications, kept in the database."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
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
from flask_babel import gettext as _
from jinja2 import Template
from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, mapped_column

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

from .purchases import db
from .shop import current_member

#: How many events are kept.
MOST = 20_000


class Event(db.Model):  # type: ignore[name-defined, misc]
    """Something that happened at a link, or that the callback said.

    :ivar at: when, in seconds since the epoch.
    :ivar kind: ``click``, ``handoff``, ``login``, ``return``, ``refusal`` or ``notification``.
    :ivar member: who went; of a refusal, who was signed in.
    :ivar platform: of a click, the code of its :class:`~flask_xiebao.Platform`.
    :ivar status: of a refusal, with its *reason*.
    :ivar same_session: of a return: whether the member who went is the one who is signed in.
    :ivar client_reference: what the shop said with the click.
    :ivar insure_num: of a notification, with its *step* and whether that *succeeded*.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(default=time.time)
    kind: Mapped[str]
    click_id: Mapped[str | None]
    member: Mapped[str | None]
    page: Mapped[str | None]
    reference: Mapped[str | None]
    platform: Mapped[int | None]
    status: Mapped[int | None]
    reason: Mapped[str | None]
    same_session: Mapped[bool | None]
    client_reference: Mapped[str | None]
    insure_num: Mapped[str | None]
    step: Mapped[int | None]
    succeeded: Mapped[bool | None]


class Happening(NamedTuple):
    """An event, and of a click when its payment came back, oldest first."""

    event: Event
    returns: list[Event]


def add(kind: str, **about: Any) -> None:
    """Keep an event, and of all events the newest :data:`MOST`."""
    if is_rehearsal():  # what the console itself does is not what happens
        return
    db.session.add(event := Event(kind=kind, **about))
    db.session.flush()
    db.session.execute(delete(Event).where(Event.id <= event.id - MOST))
    db.session.commit()


def happenings() -> list[Happening]:
    """Return the events newest first, a return beside its click while that is kept."""
    found = db.session.scalars(select(Event).order_by(Event.id)).all()
    returns: dict[str | None, list[Event]] = {
        event.click_id: [] for event in found if event.kind == "click"
    }
    alone = []
    for event in found:
        if event.kind == "return" and event.click_id in returns:
            returns[event.click_id].append(event)
        else:
            alone.append(event)
    return [
        Happening(event, returns[event.click_id] if event.kind == "click" else [])
        for event in reversed(alone)
    ]


def funnel(happenings: Sequence[Happening]) -> dict[str, int]:
    """Return how many came how far: from being sent to log in to a policy."""
    kinds = Counter(event.kind for event, _returns in happenings)
    # A notification may come again.
    told = {(event.step, event.insure_num) for event, _returns in happenings if event.succeeded}
    steps = Counter(step for step, _number in told)
    return {
        _("Sent to sign-in"): kinds["login"],
        _("Refused"): kinds["refusal"],
        _("QR code"): kinds["handoff"],
        _("To the gateway"): kinds["click"],
        _("Application"): steps[NotificationType.APPLICATION],
        _("Payment"): steps[NotificationType.PAYMENT],
        _("Return after payment"): (
            sum(bool(returns) for _event, returns in happenings) + kinds["return"]
        ),
        _("Issue"): steps[NotificationType.ISSUE],
        _("Surrender"): steps[NotificationType.SURRENDER],
    }


def init_app(app: Flask) -> None:
    """Keep what the signals of *app* tell, and whom it sends to log in or shows a code."""
    app.after_request(_answered)
    # Functions of this module, which outlive the app and do not keep it alive.
    template_rendered.connect(_rendered, app)
    entry_clicked.connect(_clicked, app)
    payment_returned.connect(_returned, app)
    entry_refused.connect(_refused, app)
    notification_received.connect(_notified, app)


def _clicked(_app: Flask, entry: Entry, platform: Platform, **who: Any) -> None:
    add("click", platform=int(platform), **who, **_about(entry))


def _rendered(_app: Flask, template: Template, **_context: Any) -> None:
    if template.name == "xiebao/handoff.html":
        _seen("handoff")


def _answered(response: Response) -> Response:
    view = current_app.config["XIEBAO_LOGIN_VIEW"]
    if (
        request.blueprint == "xiebao"
        and response.status_code == 302
        and view is not None
        and (response.location or "").partition("?")[0] == url_for(view)
    ):
        _seen("login")
    return response


def _seen(kind: str) -> None:
    """Keep what is known of a link that is neither followed nor refused."""
    entry = entry_of(request.path)
    add(kind, member=current_member() or (entry and entry.member), **_about(entry))


def _returned(_app: Flask, entry: Entry, **who: Any) -> None:
    add("return", **who, **_about(entry))


def _notified(_app: Flask, notification: Notification) -> None:
    add(
        "notification",
        member=notification.member,
        reference=notification.case_code,
        insure_num=notification.insure_num,
        step=int(notification.type),
        succeeded=notification.succeeded,
    )


def _refused(
    _app: Flask, status: int, reason: str, page: str, entry: Entry | None, **_details: Any
) -> None:
    # A link that is invalid is refused before anybody asks who clicked it.
    member = current_member() if has_request_context() else None
    about = {**_about(entry), "page": page}
    add("refusal", member=member, status=status, reason=reason, **about)


def _about(entry: Entry | None) -> dict[str, Any]:
    names = ("page", "reference", "client_reference")
    return {name: getattr(entry, name) for name in names} if entry else {}
