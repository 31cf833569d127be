"""The store that saves the gateway's answers in database rows, with optimistic locking.

No row is locked while the gateway is queried, so answers may arrive in another order than they were
given. Therefore each row has a version. A process writes its answer only if the row still has the
version that the process read before its query. Otherwise it reads the row and queries the gateway
again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from ..app.hooks import Hooks
from ..app.log import warn_once
from ..errors import ConfigError, OrderError
from ..gateway.orders import Order, OrderClient
from ..links.members import has_key_prefix_format
from .columns import utc_now
from .model import (
    PurchaseMixin,
    Snapshot,
    fill_row_from_order,
    get_purchase_values,
    is_order_created_before,
)
from .model_store import ModelStore, execute_statement
from .notified_values import NotifiedRowValues

P = TypeVar("P", bound=PurchaseMixin)

# The maximum number of attempts to write a row.
_MAX_ATTEMPTS = 8
# The time in seconds during which refresh_from_gateway treats a database error as a conflict and
# tries again. The time begins with the call of refresh_from_gateway. Later database errors are
# raised.
_MAX_CONFLICT_SECONDS = 10


class XiebaoProtocol(Protocol):
    """The attributes of :class:`~flask_xiebao.Xiebao` that :class:`PurchaseStore` uses."""

    @property
    def _hooks(self) -> Hooks: ...

    @property
    def orders(self) -> OrderClient:
        """The client for order queries; see :attr:`.Xiebao.orders`."""
        ...


class _ConflictError(Exception):
    """Raised if a row could not be written, perhaps because another process has changed it.

    Either another process has written the row first, or the database has rejected the first
    statement of a transaction.
    """


class PurchaseStore(ModelStore[P]):
    """The store of a site's purchases: it queries the gateway, and reads and writes rows.

    :param only: A function that returns True if an order belongs to this site.
    """

    def __init__(
        self,
        xiebao: XiebaoProtocol,
        model: type[P],
        session_factory: scoped_session[Any] | sessionmaker[Any],
        only: Callable[[Order], bool] | None,
    ) -> None:
        super().__init__(model, session_factory)
        self.xiebao = xiebao
        self.only = only
        #: The site's function that is called with each change of a purchase, or None.
        self.on_change: Callable[[Session, P, Snapshot | None], object] | None = None

    def should_store(self, order: Order, row: P | None, since: datetime | None) -> bool:
        """Return True if an order is already stored, or if an unstored order belongs to the site.

        The function *only* decides whether a new order belongs to the site. It is called for new
        orders, and never for stored ones.

        :param row: The order's row, or None. A row without an answer of the gateway counts as new.
        :param since: Return False for a new order that was created before this time.
        :raises ConfigError: if *only* does not return a bool.
        """
        if row is not None and row.updated_at is not None:
            return True
        if is_order_created_before(order, since):
            return False
        with self.release_hook_connection():
            is_ours = True if self.only is None else self.only(order)
        if not isinstance(is_ours, bool):
            raise ConfigError(
                'The function passed as "only" must return True or False, got'
                f" {type(is_ours).__name__}."
            )
        return is_ours

    def refresh_from_gateway(
        self,
        insure_num: str,
        notified_values: NotifiedRowValues | None = None,
        *,
        since: datetime | None = None,
        call_on_change: bool = True,
        should_reassign_member: bool = False,
    ) -> tuple[P | None, Order | OrderError | None]:
        """Query an order, write the answer to its row, and return the row and the answer.

        After a conflict, read the row and query the gateway again, in at most eight attempts. The
        row is None if the order is not to be stored. The answer is an error if the gateway does not
        know the number of a notification.

        :param notified_values: The values of a notification to write, or None.
        :param since: Leave out a new order that was created before this time.
        :param call_on_change: False to leave out the call of :attr:`on_change`.
        :param should_reassign_member: True to replace a known member with the member whom the
            gateway reports, if the member was not forgotten.
        """
        answer: Order | OrderError | None = None
        database_error, initial_version, queried_version = None, None, None
        deadline = time.monotonic() + _MAX_CONFLICT_SECONDS
        for _ in range(_MAX_ATTEMPTS):
            try:
                # find_row closes its session, so no database connection is held while the gateway
                # is queried.
                with _convert_to_conflict_error():
                    row = self.find_row(insure_num)
                version = -1 if row is None else row.version
                initial_version = max(version, 0) if initial_version is None else initial_version
                # If the version has grown by 2 or more, at least two answers have been written
                # since this call began. The last of them was requested after the one before it was
                # written, so after this call began. The row is therefore new enough to return,
                # unless the notification has something to write.
                if version >= initial_version + 2 and (
                    notified_values is None or notified_values.adds_nothing_to(row)
                ):
                    return row, answer
                # If the row is still missing after a failed INSERT, no other process has inserted
                # the row. So the INSERT has violated one of the site's own constraints, and the
                # error of the INSERT is raised.
                if isinstance(database_error, IntegrityError) and version == queried_version:
                    raise database_error
                answer, queried_version = (
                    self._query_notified_order(insure_num, notified_values),
                    version,
                )
                order = None if isinstance(answer, OrderError) else answer
                if order is not None and not self.should_store(order, row, since):
                    if row is not None and not is_order_created_before(order, since):
                        self._delete_unconfirmed_row(insure_num, version)
                    return None, order
                row = self._write_row(
                    insure_num,
                    version,
                    order,
                    notified_values,
                    call_on_change=call_on_change,
                    should_reassign_member=should_reassign_member,
                )
            except _ConflictError as conflict:
                # After a conflict, read the row and query the gateway again. But if the conflict is
                # a database error and the deadline (_MAX_CONFLICT_SECONDS) has passed, raise this
                # database error.
                database_error = conflict.__cause__
                if database_error is not None and time.monotonic() > deadline:
                    break
                continue
            if is_other_member_reported(row, answer):
                warn_once(
                    f"For order {insure_num}, the gateway reports no member or another member, so"
                    " the stored member was kept. Check whether XIEBAO_MEMBER_SECRET was changed."
                    ' If the stored member is wrong, run "flask xiebao reassign".',
                    duplicate_key="another member's",
                )
            return row, answer
        raise database_error or OrderError(
            f"Order {insure_num} could not be written, because another process wrote the row of"
            f" this order first in each of {_MAX_ATTEMPTS} attempts. Try again later."
        )

    def query_order(self, insure_num: str) -> Order:
        """Query an order at the gateway, and find its member.

        The member is found before the row is locked, because finding the member calls the site's
        function ``keeps_plain_key``, which may use the database.
        """
        order = self.xiebao.orders.get(insure_num)
        with self.release_hook_connection():
            _ = order.member
        return order

    def _query_notified_order(
        self, insure_num: str, notified_values: NotifiedRowValues | None
    ) -> Order | OrderError:
        try:
            return self.query_order(insure_num)
        except OrderError as error:
            # An error with a code means that the gateway has refused the order query. If a
            # notification has named the order, the gateway may know the order later. In this case,
            # return the error instead of raising it. The caller then treats the order query as
            # behind the notification, and not as failed.
            if error.code is None or notified_values is None:
                raise
            return error.with_traceback(None)

    @contextmanager
    def release_hook_connection(self) -> Iterator[None]:
        """Return the database connection that a hook uses to the pool after the ``with`` block.

        A hook of the site may use the ``scoped_session`` that Purchases was created with. If this
        session kept its connection until the end of the request, each request would need two
        connections at once, and simultaneous notifications could exhaust the connection pool.
        Therefore the transaction that the hook began is rolled back. A transaction that was already
        in progress before the hook is not touched.
        """
        factory = self._session_factory
        if not isinstance(factory, scoped_session) or (
            factory.registry.has() and factory().in_transaction()
        ):
            yield
            return
        try:
            yield
        finally:
            if factory.registry.has():
                factory.rollback()

    def find_row(self, insure_num: str) -> P | None:
        """Return a row, detached from its session, or None if there is none."""
        with self.separate_transaction() as session:
            return session.get(self.model, insure_num)

    def _write_row(
        self,
        insure_num: str,
        version: int,
        order: Order | None,
        notified_values: NotifiedRowValues | None,
        *,
        call_on_change: bool,
        should_reassign_member: bool,
    ) -> P:
        """Write the gateway's answer to a row, call ``on_change`` if it has changed, and commit.

        :param version: The row's version before the query, or -1 if there was no row.
        :param order: The gateway's answer, or None if the gateway does not know the number.
        :raises _ConflictError: if another process has written the row first, or the database has
            rejected the first statement.
        """
        with self.separate_transaction() as session:
            row_exists = version >= 0
            row = (
                self._lock_row(session, insure_num, version)
                if row_exists
                else self.build_empty_row(insure_num)
            )
            before = None if row.updated_at is None else Snapshot(row)
            if order is not None:
                # Increase the row's version with each answer of the gateway, even if the answer
                # changes nothing in the row. Otherwise other processes would not notice that a
                # value changed from A to B and back.
                row.version += 1
                fill_row_from_order(row, order)
                can_reassign = order.member is not None and not has_unread_key_prefix(order)
                if should_reassign_member and can_reassign and not row.forgotten:
                    row.member = order.member
            if notified_values is not None:
                notified_values.apply_to_row(row, order)
            if not row_exists:
                # This INSERT fails if another process has inserted the row first. The failure
                # counts as a conflict, because the INSERT is the first statement of the
                # transaction.
                session.add(row)
                with _convert_to_conflict_error():
                    session.flush()
            is_change = (
                order is not None
                if before is None
                else get_purchase_values(before) != get_purchase_values(row)
            )
            if is_change:
                row.updated_at = utc_now()
                # Write the row first, because on_change may query the purchase's click.
                session.flush()
                if call_on_change and self.on_change is not None:
                    result = self.on_change(session, row, before)
                    if isawaitable(result):
                        raise ConfigError(
                            "The on_change function must not return an awaitable. Register a"
                            " synchronous function."
                        )
            session.flush()
            # Read the values that the database has set, because the row is used after the session
            # is closed.
            session.refresh(row)
        return row

    def _delete_unconfirmed_row(self, insure_num: str, version: int) -> None:
        """Delete a row that a notification created, because the order is not to be stored.

        :raises _ConflictError: if the database has rejected the statement.
        """
        model = self.model
        is_unconfirmed = (model.version == version) & model.updated_at.is_(None)
        with self.separate_transaction() as session, _convert_to_conflict_error():
            session.execute(delete(model).where(model.insure_num == insure_num, is_unconfirmed))

    def forget_members_along_reissues(self, insure_num: str) -> None:
        """Remove the member permanently from an order and from all orders that replace it."""
        model, number, visited = self.model, insure_num, set[str]()
        while number is not None and number not in visited:
            visited.add(number)
            statement = update(model).where(model.insure_num == number)
            # Each row needs a transaction of its own. In one transaction, MariaDB would refuse to
            # update a row that another process has written since the first SELECT.
            with self.separate_transaction() as session:
                execute_statement(session, statement.values(member=None, forgotten=True))
                number = session.scalar(select(model.replaced_by).where(model.insure_num == number))

    def _lock_row(self, session: Session, insure_num: str, version: int) -> P:
        """Lock a row and return it.

        :raises _ConflictError: if the version has changed, so another process has written the row,
            or if the database has rejected the statement.
        """
        is_unchanged = (self.model.insure_num == insure_num) & (self.model.version == version)
        with _convert_to_conflict_error():
            # This UPDATE leaves the version as it is and only locks the row. It must be the first
            # statement of the transaction, so that nothing is read before the row is locked.
            if not execute_statement(
                session, update(self.model).where(is_unchanged).values(version=version)
            ):
                raise _ConflictError
        return session.get_one(self.model, insure_num)

    def build_empty_row(self, insure_num: str) -> P:
        """Build a row for an application number, without any facts about the purchase yet.

        :raises ConfigError: if the model cannot be called without arguments.
        """
        return self.build_row(
            insure_num=insure_num,
            version=0,
            created_at=utc_now(),
            forgotten=False,
            policy_nums=[],
        )


def is_other_member_reported(row: PurchaseMixin, answer: Order | OrderError | None) -> bool:
    """Return True if the row has a member, but the gateway reports another member or none."""
    return isinstance(answer, Order) and row.member not in (None, answer.member)


def has_unread_key_prefix(order: Order) -> bool:
    """Return True if the member's key looks as ``XIEBAO_MEMBER_SECRET`` makes it, but is the id.

    Then the secret is probably not set.
    """
    key = order.partner_uniq_key
    return key is not None and order.member == key and has_key_prefix_format(key)


@contextmanager
def _convert_to_conflict_error() -> Iterator[None]:
    """Raise :class:`_ConflictError` if the database rejects a statement in the ``with`` block.

    The statement is the first statement of a transaction: the read, the UPDATE or the INSERT.
    Errors of any class count, because drivers use different classes for a conflict. Only a
    connection that cannot be opened and a value that does not fit its column are no conflicts.
    """
    try:
        yield
    except DBAPIError as error:
        # A database error without an SQL statement is about the connection itself, for example
        # because the connection cannot be opened.
        if error.statement is None or isinstance(error, DataError):
            raise
        raise _ConflictError from error
