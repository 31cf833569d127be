"""What was bought at the simulator, and what the site is to be told of it: kept in SQLite."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

_WAIT = 10  # seconds for another worker to finish its write


class Purchase(NamedTuple):
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


class Message(NamedTuple):
    """A notification on its way.

    :param kind: ``notifyType``.
    :param forged: its sign is wrong, so that the site has to refuse it.
    :param attempts: how often it was sent.
    :param answer: what the site answered last.
    :param is_done: whether it need not be sent again.
    """

    id: int
    insure_num: str
    kind: int
    body: bytes
    forged: bool
    attempts: int
    answer: str | None
    is_done: bool

    @property
    def failed(self) -> bool:
        """Whether it says that the step failed."""
        return b'"state":false' in self.body


_TABLES = (
    f"CREATE TABLE IF NOT EXISTS purchases ({', '.join(Purchase._fields)}, UNIQUE (insure_num))",
    "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    f" {', '.join(Message._fields[1:])})",
)
_INSERT = (
    f"INSERT INTO purchases ({', '.join(Purchase._fields)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join('?' * len(Purchase._fields))})"
)
_QUEUE = (
    "INSERT INTO messages (insure_num, kind, body, forged, attempts, is_done)"
    " VALUES (?, ?, ?, ?, 0, 0)"
)


class Purchases:
    """The orders of one simulator, and its messages.

    :param file: where they are kept, for restarts and other workers; in memory without one.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        self._file = file
        self._lock = Lock()
        self._memory: sqlite3.Connection | None = None
        if file is None:
            self._memory = self._open(":memory:")
            weakref.finalize(self, self._memory.close)

    @staticmethod
    def _open(file: str | Path) -> sqlite3.Connection:
        return sqlite3.connect(file, timeout=_WAIT, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._memory or self._open(self._file or "")
            try:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    for table in _TABLES:
                        connection.execute(table)
                    yield connection
            finally:
                if connection is not self._memory:
                    connection.close()

    def add(self, purchase: Purchase) -> None:
        """Keep a new order."""
        with self._transaction() as connection:
            connection.execute(_INSERT, purchase)

    def change(self, insure_num: str, **columns: str | None) -> None:
        """Change an order."""
        changes = ", ".join(f"{column} = ?" for column in columns)
        with self._transaction() as connection:
            connection.execute(
                f"UPDATE purchases SET {changes} WHERE insure_num = ?",  # noqa: S608
                (*columns.values(), insure_num),
            )

    def find(self, insure_num: str | None) -> Purchase | None:
        """Return an order, or None."""
        if insure_num is None or not insure_num.isprintable():
            return None
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM purchases WHERE insure_num = ?", (insure_num,))
            return next((Purchase(*row) for row in rows), None)

    def page(self, index: int, size: int) -> tuple[list[Purchase], int]:
        """Return a page of the orders, newest first, and how many there are.

        :param index: the first is 1.
        """
        with self._transaction() as connection:
            [[total]] = connection.execute("SELECT count(*) FROM purchases")
            rows = connection.execute(
                "SELECT * FROM purchases ORDER BY rowid DESC LIMIT ? OFFSET ?",
                (size, (index - 1) * size),
            )
            return [Purchase(*row) for row in rows], total

    def queue(self, insure_num: str, messages: Iterable[tuple[int, bytes, bool]]) -> None:
        """Keep messages to be sent: of each, the kind, the body, and whether it is forged."""
        with self._transaction() as connection:
            connection.executemany(_QUEUE, [(insure_num, *message) for message in messages])

    def messages(self, insure_num: str | None = None) -> list[Message]:
        """Return all messages about an order, or those of all orders that are to be sent."""
        where = "NOT is_done" if insure_num is None else "insure_num = ?"
        with self._transaction() as connection:
            rows: Iterable[Any] = connection.execute(
                f"SELECT * FROM messages WHERE {where} ORDER BY id",  # noqa: S608
                () if insure_num is None else (insure_num,),
            )
            return [Message(*row) for row in rows]

    def answered(self, message: Message, answer: str, *, is_done: bool) -> None:
        """Keep what a message was answered."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE messages SET attempts = attempts + 1, answer = ?,"
                " is_done = is_done OR ? WHERE id = ?",
                (answer, is_done, message.id),
            )
