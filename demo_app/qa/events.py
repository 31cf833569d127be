"""Only for QA: a log of the demo's clicks, returns, refusals and notifications."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

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

from ..auth import current_member
from ..extensions import db

#: The maximum number of events in the database.
MAX_EVENTS = 20_000


class Event(db.Model):  # type: ignore[name-defined, misc]
    """An event in the demo, for example a click, a return, a refusal or a notification.

    :ivar at: The time of the event, in seconds since 1970.
    :ivar kind: ``click``, ``handoff``, ``login``, ``return``, ``refusal`` or ``notification``.
    :ivar member: The member who clicked, or whom a notification is about. For a refusal, the member
        who is logged in.
    :ivar page: The name of the gateway page, or ``paid`` if a return link was refused.
    :ivar reference: The product code or the application number of the entry.
    :ivar platform: For a click, the code of its :class:`~flask_xiebao.Platform`.
    :ivar status: For a refusal, the status of the response.
    :ivar reason: For a refusal, the reason.
    :ivar same_session: For a return, True if the member who clicked is still logged in.
    :ivar client_reference: The shop's order number.
    :ivar insure_num: For a notification, the application number.
    :ivar step: For a notification, the type of the notification.
    :ivar succeeded: For a notification, True if the step succeeded.
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


#: The key in the WSGI environ of a click that the console makes.
QA_CLICK = "demo_app.qa_click"


def add_event(kind: str, **values: Any) -> None:
    """Store an event, and delete the oldest events if there are more than ``MAX_EVENTS``."""
    # Do not store the clicks of ``flask xiebao check`` and of the console.
    is_console_click = has_request_context() and QA_CLICK in request.environ
    if is_rehearsal() or is_console_click:
        return
    db.session.add(event := Event(kind=kind, **values))
    db.session.flush()
    db.session.execute(delete(Event).where(Event.id <= event.id - MAX_EVENTS))
    db.session.commit()


def get_events() -> list[Event]:
    """Return all stored events, newest first."""
    return list(db.session.scalars(select(Event).order_by(Event.id.desc())))


def count_events_per_step(events: Sequence[Event]) -> dict[str, int]:
    """Return the number of events at each step of a purchase, by the title of the step."""
    kinds = Counter(event.kind for event in events)
    # The gateway may send a notification several times, so count each purchase once per step.
    notified = {(event.step, event.insure_num) for event in events if event.succeeded}
    steps = Counter(step for step, _insure_num in notified)
    return {
        _("Sent to sign-in"): kinds["login"],
        _("Refused"): kinds["refusal"],
        _("QR code"): kinds["handoff"],
        _("To the gateway"): kinds["click"],
        _("Application"): steps[NotificationType.APPLICATION],
        _("Payment"): steps[NotificationType.PAYMENT],
        _("Return after payment"): kinds["return"],
        _("Issue"): steps[NotificationType.ISSUE],
        _("Surrender"): steps[NotificationType.SURRENDER],
    }


def init_app(app: Flask) -> None:
    """Register the functions that store the events of the app."""
    app.after_request(_store_login_redirect)
    # Signals hold only weak references to receivers. These receivers stay in memory, because they
    # are functions of this module. The receivers hold no reference to the app.
    template_rendered.connect(_store_handoff, app)
    entry_clicked.connect(_store_click, app)
    payment_returned.connect(_store_payment_return, app)
    entry_refused.connect(_store_refusal, app)
    notification_received.connect(_store_notification, app)


def _store_click(_app: Flask, entry: Entry, platform: Platform, **values: Any) -> None:
    add_event("click", platform=int(platform), **values, **_get_entry_values(entry))


def _store_payment_return(_app: Flask, entry: Entry, **values: Any) -> None:
    add_event("return", **values, **_get_entry_values(entry))


def _store_handoff(_app: Flask, template: Template, **_context: Any) -> None:
    if template.name == "xiebao/handoff.html":
        _store_request_event("handoff")


def _store_login_redirect(response: Response) -> Response:
    login_view = current_app.config["XIEBAO_LOGIN_VIEW"]
    if (
        request.blueprint == "xiebao"
        and response.status_code == 302
        and login_view is not None
        and (response.location or "").partition("?")[0] == url_for(login_view)
    ):
        _store_request_event("login")
    return response


def _store_request_event(kind: str) -> None:
    """Store a handoff or a login redirect. Flask-Xiebao sends no signal for either."""
    entry = entry_of(request.path)
    add_event(kind, member=current_member() or (entry and entry.member), **_get_entry_values(entry))


def _store_refusal(
    _app: Flask, status: int, reason: str, page: str, entry: Entry | None, **_values: Any
) -> None:
    # If the link is invalid, the signal has no member, so use the member who is logged in.
    member = current_member() if has_request_context() else None
    values = {**_get_entry_values(entry), "page": page}
    add_event("refusal", member=member, status=status, reason=reason, **values)


def _store_notification(_app: Flask, notification: Notification) -> None:
    add_event(
        "notification",
        member=notification.member,
        reference=notification.case_code,
        insure_num=notification.insure_num,
        step=int(notification.type),
        succeeded=notification.succeeded,
    )


def _get_entry_values(entry: Entry | None) -> dict[str, Any]:
    names = ("page", "reference", "client_reference")
    return {name: getattr(entry, name) for name in names} if entry else {}
