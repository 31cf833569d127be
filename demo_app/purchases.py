"""The shop hears of purchases: the example of a ``notification_handler``.

Notifications come at least once, and in no promised order. So each is kept as a fact, under its id,
and what has become of a policy follows from all the facts: see :mod:`.policies`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from flask_xiebao import EffectiveStatus, Notification, NotificationType, Xiebao

_WAIT = 10  # seconds for another worker to finish its write

# What the shop has no use for, people's names above all, it does not keep.
_CREATE = """
    CREATE TABLE IF NOT EXISTS facts (
        id TEXT PRIMARY KEY,
        heard_at REAL NOT NULL,
        step INTEGER NOT NULL,
        succeeded INTEGER NOT NULL,
        insure_num TEXT NOT NULL,
        member TEXT,
        case_code TEXT,
        failure TEXT,
        price_fen INTEGER,
        product TEXT,
        policy_num TEXT,
        start_date TEXT,
        end_date TEXT,
        insurants_out INTEGER NOT NULL,
        new_insure_num TEXT
    )
"""
# A surrender that runs is one: the platform says so before it has paid the money back.
_SURRENDERED = (EffectiveStatus.SURRENDER_RUNNING, EffectiveStatus.SURRENDERED)


class NotConfirmedError(Exception):
    """The platform itself does not say what a notification says."""


def init_app(app: Flask, xiebao: Xiebao) -> None:
    """Keep what *xiebao* hears."""

    @xiebao.notification_handler
    def on_notification(notification: Notification) -> None:
        with facts() as connection:
            # What is stored is success: whoever refuses a repeat is sent it for ever.
            if connection.execute("SELECT 1 FROM facts WHERE id = ?", [notification.id]).fetchone():
                return
        if ends_policy(notification):
            confirm_end(xiebao, notification.insure_num)
        fact = fact_of(notification)
        names, places = ", ".join(fact), ", ".join(f":{name}" for name in fact)
        with facts() as connection, connection:
            # Another worker may have stored the same meanwhile.
            connection.execute(
                f"INSERT INTO facts ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
                fact,
            )


def ends_policy(notification: Notification) -> bool:
    """Tell whether it ends for all: a surrender, or a reissue under another number."""
    steps = (NotificationType.SURRENDER, NotificationType.REISSUE)
    ended = notification.type in steps and notification.succeeded
    return ended and not notification.cancelled_insurants


def confirm_end(xiebao: Xiebao, insure_num: str) -> None:
    """Ask the platform itself, since the type of a notification is not part of what is signed.

    :raises NotConfirmedError: it says something else: the notification has to come again.
    """
    if xiebao.orders.get(insure_num).effective_status not in _SURRENDERED:
        raise NotConfirmedError


def fact_of(notification: Notification) -> dict[str, Any]:
    """Return the row of a notification."""
    policy = next(iter(notification.policies), None)
    return {
        "id": notification.id,
        "heard_at": time.time(),
        "step": int(notification.type),
        "succeeded": notification.succeeded,
        "insure_num": notification.insure_num,
        "member": notification.member,
        "case_code": notification.case_code,
        "failure": notification.failure,
        "price_fen": notification.price_fen,
        "product": policy and policy.product_name,
        "policy_num": policy and policy.policy_num,
        "start_date": policy and policy.start_date and str(policy.start_date),
        "end_date": policy and policy.end_date and str(policy.end_date),
        "insurants_out": len(notification.cancelled_insurants),
        "new_insure_num": notification.new_insure_num,
    }


@contextmanager
def facts() -> Iterator[sqlite3.Connection]:
    """Open the facts of the current app; each worker does so on the same file."""
    folder = Path(current_app.instance_path)
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "policies.sqlite3", timeout=_WAIT)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute(_CREATE)
        yield connection
