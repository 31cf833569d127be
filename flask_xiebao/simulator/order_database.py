"""The SQLite database of the simulator's orders and notifications."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

_LOCK_TIMEOUT = 10  # seconds to wait for another worker's write


class SimulatedOrder(NamedTuple):
    """A simulated order. Its times and dates are strings in the gateway's format.

    :param price: The price in fen.
    :param failure: The reason why the last payment or issue failed, or None.
    :param insured_count: The number of insured people, 1 or 2.
    :param partly_surrendered_at: The time when the second person left the policy, or None.
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
    insured_count: int = 1
    partly_surrendered_at: str | None = None

    @property
    def can_one_person_surrender(self) -> bool:
        """True if one of two insured people can leave the policy."""
        is_complete = self.insured_count > 1 and self.partly_surrendered_at is None
        return is_complete and self.state == "issued"

    @property
    def state(self) -> str:
        """The state of the order: ``unpaid``, ``paid``, ``issued`` or ``surrendered``.

        The key of the state's translated text ends with the same word.
        """
        if self.surrendered_at is not None:
            return "surrendered"
        if self.issued_at is not None:
            return "issued"
        return "unpaid" if self.paid_at is None else "paid"


class StoredNotification(NamedTuple):
    """A notification that has been sent or is to be sent.

    :param notify_type: The ``notifyType``.
    :param is_forged: True if the signature is wrong, so that the site must reject the notification.
    :param attempts: The number of times that it was sent.
    :param last_response: The site's last response, or None if it was not sent yet.
    :param is_done: True if it need not be sent again.
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
    def reports_failed_step(self) -> bool:
        """True if the notification reports that a step, such as the payment, has failed."""
        return b'"state":false' in self.body


_CREATE_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS purchases (
        insure_num TEXT UNIQUE, case_code, partner_uniq_key, start_date, end_date, price,
        applied_at, paid_at, failure, issued_at, policy_num, surrendered_at,
        insured_count DEFAULT 1, partly_surrendered_at
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
    INSERT INTO purchases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (insure_num) DO UPDATE SET
        paid_at = excluded.paid_at,
        failure = excluded.failure,
        issued_at = excluded.issued_at,
        policy_num = excluded.policy_num,
        surrendered_at = excluded.surrendered_at,
        partly_surrendered_at = excluded.partly_surrendered_at
"""
# The columns that a file of version 0.3 lacks.
_NEW_COLUMNS = ("insured_count DEFAULT 1", "partly_surrendered_at")
_INSERT_NOTIFICATION = """
    INSERT INTO messages (insure_num, kind, body, forged, attempts, is_done)
    VALUES (?, ?, ?, ?, 0, 0)
"""
_RECORD_RESPONSE = """
    UPDATE messages SET attempts = attempts + 1, answer = ?, is_done = is_done OR ? WHERE id = ?
"""


class OrderDatabase:
    """The database of one simulator's orders and notifications.

    :param file: The database file, which outlives restarts and can be shared by several workers.
        None keeps the database in memory.
    """

    def __init__(self, file: str | Path | None) -> None:
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
                for statement in _CREATE_TABLES:
                    connection.execute(statement)
                columns = connection.execute("PRAGMA table_info(purchases)").fetchall()
                if len(columns) < len(SimulatedOrder._fields):
                    for column in _NEW_COLUMNS:
                        connection.execute(f"ALTER TABLE purchases ADD COLUMN {column}")
                yield connection

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Execute a statement in its own transaction and return the rows."""
        with self._open_write_transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def save_order(self, order: SimulatedOrder) -> None:
        """Store a new order, or update the stored one."""
        self._execute(_SAVE_ORDER, order)

    def find_order(self, insure_num: str | None) -> SimulatedOrder | None:
        """Return the order with this application number, or None if there is none."""
        if insure_num is None or not insure_num.isprintable():
            return None
        rows = self._execute("SELECT * FROM purchases WHERE insure_num = ?", [insure_num])
        return SimulatedOrder(*rows[0]) if rows else None

    def get_order_page(self, page_index: int, page_size: int) -> tuple[list[SimulatedOrder], int]:
        """Return a page of the orders, newest first, and the total number of orders.

        :param page_index: The number of the page, beginning with 1.
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
        """Store notifications to be sent.

        :param notifications: The type, the body, and True if it is forged, for each notification.
        """
        with self._open_write_transaction() as connection:
            connection.executemany(
                _INSERT_NOTIFICATION,
                [(insure_num, *notification) for notification in notifications],
            )

    def get_notifications(self, insure_num: str) -> list[StoredNotification]:
        """Return all notifications about an order, oldest first."""
        rows = self._execute(
            "SELECT * FROM messages WHERE insure_num = ? ORDER BY id", [insure_num]
        )
        return [StoredNotification(*row) for row in rows]

    def get_pending_notifications(self) -> list[StoredNotification]:
        """Return all notifications that are still to be sent, oldest first.

        The notifications may be about different orders.
        """
        rows = self._execute("SELECT * FROM messages WHERE NOT is_done ORDER BY id")
        return [StoredNotification(*row) for row in rows]

    def record_response(
        self, notification: StoredNotification, response: str, *, is_done: bool
    ) -> None:
        """Count an attempt to send a notification, and store the site's response."""
        self._execute(_RECORD_RESPONSE, (response, is_done, notification.id))
