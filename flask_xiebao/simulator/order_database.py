"""The orders at the simulator, and the notifications about them, kept in SQLite."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

_LOCK_TIMEOUT = 10  # seconds for another worker to finish its write


class SimulatedOrder(NamedTuple):
    """An order. Times and dates are written as the platform writes them.

    :param failure: why the last payment failed.
    """

    insure_num: str
    case_code: str
    partner_uniq_key: str
    start_date: str
    end_date: str
    price: int
    applied_at: str
    paid_at: str | None = None
    failure: str | None = None
    issued_at: str | None = None
    policy_num: str | None = None
    surrendered_at: str | None = None

    @property
    def state(self) -> str:
        """What has come of it, by its key in the texts."""
        if self.surrendered_at is not None:
            return "surrendered"
        if self.issued_at is not None:
            return "issued"
        return "unpaid" if self.paid_at is None else "paid"


class StoredNotification(NamedTuple):
    """A notification on its way.

    :param kind: ``notifyType``.
    :param forged: its sign is wrong, so that the site has to refuse it.
    :param attempts: how often it was sent.
    :param answer: what the site answered last.
    :param is_done: whether it need not be sent again.
    """

    id: int
    insure_num: str
    notify_type: int
    body: bytes
    is_forged: bool
    attempts: int
    last_response: str | None
    is_done: bool

    @property
    def has_failed_step(self) -> bool:
        """Whether it says that the step failed."""
        return b'"state":false' in self.body


_CREATE_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS purchases (
        insure_num TEXT UNIQUE, case_code, partner_uniq_key, start_date, end_date, price,
        applied_at, paid_at, failure, issued_at, policy_num, surrendered_at
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        insure_num, kind, body, forged, attempts, answer, is_done
    )
    """,
)
_SAVE_ORDER = """
    INSERT INTO purchases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (insure_num) DO UPDATE SET
        paid_at = excluded.paid_at,
        failure = excluded.failure,
        issued_at = excluded.issued_at,
        policy_num = excluded.policy_num,
        surrendered_at = excluded.surrendered_at
"""
_INSERT_NOTIFICATION = """
    INSERT INTO messages (insure_num, kind, body, forged, attempts, is_done)
    VALUES (?, ?, ?, ?, 0, 0)
"""
_RECORD_RESPONSE = """
    UPDATE messages SET attempts = attempts + 1, answer = ?, is_done = is_done OR ? WHERE id = ?
"""


class OrderDatabase:
    """The orders of one simulator, and its messages.

    :param file: where they are kept, for restarts and other workers; in memory without one.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        self._lock = Lock()
        self._connect = partial(
            sqlite3.connect,
            ":memory:" if file is None else file,
            timeout=_LOCK_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
        self._memory_connection = self._connect() if file is None else None
        if self._memory_connection is not None:
            weakref.finalize(self, self._memory_connection.close)

    @contextmanager
    def _open_write_transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            opened = (
                closing(self._connect())
                if self._memory_connection is None
                else nullcontext(self._memory_connection)
            )
            with opened as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                for table in _CREATE_TABLES:
                    connection.execute(table)
                yield connection

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Return what a statement finds, in a transaction of its own."""
        with self._open_write_transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def save_order(self, order: SimulatedOrder) -> None:
        """Keep a new order, or what has become of one."""
        self._execute(_SAVE_ORDER, order)

    def find_order(self, insure_num: str | None) -> SimulatedOrder | None:
        """Return an order, or None."""
        if insure_num is None or not insure_num.isprintable():
            return None
        rows = self._execute("SELECT * FROM purchases WHERE insure_num = ?", [insure_num])
        return SimulatedOrder(*rows[0]) if rows else None

    def get_order_page(self, page_index: int, page_size: int) -> tuple[list[SimulatedOrder], int]:
        """Return a page of the orders, newest first, and how many there are.

        :param index: the first is 1.
        """
        with self._open_write_transaction() as connection:
            [[total]] = connection.execute("SELECT count(*) FROM purchases")
            rows = connection.execute(
                "SELECT * FROM purchases ORDER BY rowid DESC LIMIT ? OFFSET ?",
                (page_size, (page_index - 1) * page_size),
            )
            return [SimulatedOrder(*row) for row in rows], total

    def queue_notifications(
        self, insure_num: str, notifications: Iterable[tuple[int, bytes, bool]]
    ) -> None:
        """Keep messages to be sent: of each, the kind, the body, and whether it is forged."""
        with self._open_write_transaction() as connection:
            connection.executemany(
                _INSERT_NOTIFICATION, [(insure_num, *message) for message in notifications]
            )

    def get_notifications(self, insure_num: str) -> list[StoredNotification]:
        """Return all messages about an order."""
        rows = self._execute(
            "SELECT * FROM messages WHERE insure_num = ? ORDER BY id", [insure_num]
        )
        return [StoredNotification(*row) for row in rows]

    def get_pending_notifications(self) -> list[StoredNotification]:
        """Return the messages that are to be sent."""
        rows = self._execute("SELECT * FROM messages WHERE NOT is_done ORDER BY id")
        return [StoredNotification(*row) for row in rows]

    def record_response(
        self, notification: StoredNotification, response: str, *, is_done: bool
    ) -> None:
        """Keep what a message was answered."""
        self._execute(_RECORD_RESPONSE, (response, is_done, notification.id))
