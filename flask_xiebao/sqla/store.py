"""How a row comes to say what the gateway says, however many ask at the same time.

Nothing is locked while the gateway is asked, so answers may arrive in another order than they were
given. The ``version`` of a row says whose answer may be written: that of who has seen the row as it
still is, and has asked after that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Update, inspect, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NoSuchTableError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from ..app.hooks import Hooks
from ..app.log import warn_once
from ..errors import ConfigError, OrderError
from ..gateway.notifications import Notification, NotificationType
from ..gateway.orders import EffectiveStatus, IssueStatus, Order, OrderClient, PayStatus
from .model import (
    PurchaseMixin,
    Snapshot,
    fill_row_from_order,
    get_purchase_values,
    is_order_created_before,
    utc_now,
)

P = TypeVar("P", bound=PurchaseMixin)

#: For how long the gateway may be behind a notification, from when it first was.
MAX_LAG = timedelta(days=1)
# How often it is asked anew after somebody else wrote first, and for how many seconds at most where
# the database has it wait.
_MAX_ATTEMPTS, _MAX_CONFLICT_SECONDS = 8, 10


class XiebaoProtocol(Protocol):
    """What is used of a :class:`~flask_xiebao.Xiebao`."""

    @property
    def _hooks(self) -> Hooks: ...

    @property
    def orders(self) -> OrderClient:
        """See :attr:`.Xiebao.orders`."""
        ...


@dataclass(frozen=True)
class NotifiedRowValues:
    """A notification.

    :param new: of a reissue, the row of the number that follows.
    :param forgets: of a reissue, that the member of the number before is forgotten.
    """

    notification: Notification
    new_row: PurchaseMixin | None = None
    should_forget_member: bool = False

    @property
    def failed_step_number(self) -> int:
        """The payment or issue that it says has failed; 0 for none."""
        said = self.notification
        is_kept = said.type in (NotificationType.PAYMENT, NotificationType.ISSUE)
        return int(said.type) if is_kept and not said.succeeded else 0

    def adds_nothing_to(self, row: PurchaseMixin | None) -> bool:
        """Tell whether a row says all of it already."""
        is_more = self.should_forget_member or self.new_row is not None or self.failed_step_number
        return row is not None and not (is_more or is_row_behind(row, self.notification))

    def apply_to_row(self, row: PurchaseMixin, *, is_known_to_gateway: bool) -> None:
        """Write into a row what the order query does not say.

        :param is_known: whether the gateway knows the number.
        """
        said, new = self.notification, self.new_row
        is_about_it = said.insure_num == row.insure_num
        if is_about_it and self.failed_step_number:
            row.failed_step = max(row.failed_step or 0, self.failed_step_number)
        if is_about_it and new is not None and new.member is not None and new.member == row.member:
            row.replaced_by = new.insure_num
        if self.should_forget_member:
            row.member, row.forgotten = None, True
        if not is_known_to_gateway or is_row_behind(row, said):
            last = row.last_behind_at
            # What was heard of long ago was another case, and may have been a forged one.
            if last is None or utc_now() - last >= MAX_LAG:
                row.first_behind_at = utc_now()
            row.last_behind_at = utc_now()


def is_row_behind(row: PurchaseMixin, notification: Notification) -> bool:
    """Tell whether a row, which is as the gateway says, lacks what a notification says of it."""
    is_final = (
        row.pay_status == PayStatus.CANNOT_BE_PAID
        or row.issue_status == IssueStatus.CANCELLED
        or row.effective_status == EffectiveStatus.SURRENDERED
    )
    if is_final or not notification.succeeded or notification.insure_num != row.insure_num:
        return False
    if notification.type == NotificationType.PAYMENT:
        unpaid = (PayStatus.NOT_PAID, PayStatus.DEBIT_RUNNING, PayStatus.DEBIT_FAILED)
        return row.pay_status in unpaid
    if notification.type == NotificationType.ISSUE:
        return row.issue_status in (IssueStatus.NOT_ISSUED, IssueStatus.DELAYED)
    ends_for_all = notification.type == NotificationType.REISSUE or (
        notification.type == NotificationType.SURRENDER and not notification.cancelled_insurants
    )
    goes_on = (None, EffectiveStatus.NOT_IN_FORCE, EffectiveStatus.IN_FORCE)
    return ends_for_all and row.effective_status in goes_on


class _ConflictError(Exception):
    """Somebody else wrote first."""


class PurchaseStore(Generic[P]):
    """The rows of a site, and the gateway that is asked about them.

    :param only: tells whether an order is this site's.
    """

    def __init__(
        self,
        xiebao: XiebaoProtocol,
        model: type[P],
        session_factory: scoped_session[Any] | sessionmaker[Any],
        only: Callable[[Order], bool] | None,
    ) -> None:
        self.xiebao = xiebao
        self.model = model
        self._session_factory = session_factory
        self.only = only
        #: The site's function that is told of each change, if there is one.
        self.on_change: Callable[[Session, P, Snapshot | None], object] | None = None

    def should_store(self, order: Order, row: P | None, since: datetime | None) -> bool:
        """Tell whether an order is kept: one that is, or a new one of this site's, of late.

        :param row: what is kept of it, if anything.
        :param since: leave a new one from before that out.
        :raises ConfigError: *only* does not say.
        """
        if row is not None and row.updated_at is not None:
            return True
        if is_order_created_before(order, since):
            return False
        answer = True if self.only is None else self.only(order)
        if not isinstance(answer, bool):
            raise ConfigError(
                'The function passed as "only" must return True or False, got'
                f" {type(answer).__name__}."
            )
        return answer

    def refresh_from_gateway(
        self,
        insure_num: str,
        notified_values: NotifiedRowValues | None = None,
        *,
        since: datetime | None = None,
        call_on_change: bool = True,
    ) -> tuple[P | None, Order | OrderError | None]:
        """Ask the gateway about an order and write what it says; return the row and the answer.

        The row is None where the order is not wanted. The answer is an error where the gateway does
        not know a number that was heard of.

        :param heard: what was heard of it, if something was.
        :param since: leave an order from before that out.
        :param tell: whether :attr:`on_change` is told.
        """
        answer: Order | OrderError | None = None
        failure, first, seen = None, None, None
        until = time.monotonic() + _MAX_CONFLICT_SECONDS
        for _ in range(_MAX_ATTEMPTS):
            try:
                with _converting_conflict_errors():
                    row = self.find_row(insure_num)
                version = -1 if row is None else row.version
                first = max(version, 0) if first is None else first
                # The last answer was asked for after the one before was written, and so after this
                # began.
                if version >= first + 2 and (
                    notified_values is None or notified_values.adds_nothing_to(row)
                ):
                    return row, answer
                if isinstance(failure, IntegrityError) and version == seen:
                    raise failure  # of a constraint of the site's own
                answer, seen = self._query_order(insure_num, notified_values), version
                order = None if isinstance(answer, OrderError) else answer
                if order is not None and not self.should_store(order, row, since):
                    return None, order
                row = self._write_row(
                    insure_num, version, order, notified_values, call_on_change=call_on_change
                )
            except _ConflictError as lost:
                failure = lost.__cause__
                if failure is not None and time.monotonic() > until:
                    break
                continue
            if has_other_member(row, answer):
                warn_once(
                    f"Order {insure_num} belongs to another member or to no member at the"
                    " gateway, but"
                    " its row keeps the stored member. Check whether XIEBAO_MEMBER_SECRET was"
                    " changed.",
                    duplicate_key="another member's",
                )
            return row, answer
        raise failure or OrderError(
            f"Order {insure_num} could not be written, because another process wrote its row"
            " first in"
            f" each of {_MAX_ATTEMPTS} attempts. Try again later."
        )

    def _query_order(
        self, insure_num: str, notified_values: NotifiedRowValues | None
    ) -> Order | OrderError:
        try:
            order = self.xiebao.orders.get(insure_num)
        except OrderError as error:
            # The gateway's own answer: it may know later what was heard of.
            if error.code is None or notified_values is None:
                raise
            return error.with_traceback(None)
        _ = order.member  # keeps_plain_key may use the database: not while a row is locked
        return order

    def find_row(self, insure_num: str) -> P | None:
        """Return a row, detached; None where there is none."""
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
    ) -> P:
        """Write what the gateway says, unless somebody else wrote first.

        :param version: that of the row before the gateway was asked; -1 where there was none.
        :param order: its answer; None where it does not know the number.
        :raises _LostError: somebody did, or the database lets others go first.
        """
        with self.separate_transaction() as session:
            is_there, answers = version >= 0, int(order is not None)
            row = (
                self._lock_row(session, insure_num, version)
                if is_there
                else self.build_row(insure_num)
            )
            row.version += answers
            before = None if row.updated_at is None else Snapshot(row)
            if order is not None:
                fill_row_from_order(row, order)
            if notified_values is not None:
                notified_values.apply_to_row(row, is_known_to_gateway=order is not None)
            if not is_there:
                session.add(row)
                with _converting_conflict_errors():
                    session.flush()
            is_change = (
                order is not None
                if before is None
                else get_purchase_values(before) != get_purchase_values(row)
            )
            if is_change:
                row.updated_at = utc_now()
                if call_on_change and self.on_change is not None:
                    done = self.on_change(session, row, before)
                    if isawaitable(done):
                        raise ConfigError(
                            "on_change must not return an awaitable. Register a function that is"
                            " not async."
                        )
            session.flush()
            session.refresh(row)  # with what the database fills in: it leaves the session
        return row

    def _lock_row(self, session: Session, insure_num: str, version: int) -> P:
        """Lock a row, first of all in its transaction, and return it."""
        is_as_seen = (self.model.insure_num == insure_num) & (self.model.version == version)
        with _converting_conflict_errors():
            if not execute_update(
                session, update(self.model).where(is_as_seen).values(version=version)
            ):
                raise _ConflictError
        return session.get_one(self.model, insure_num)

    def build_row(self, insure_num: str) -> P:
        """Return a row that says nothing yet.

        :raises ConfigError: the model needs arguments.
        """
        try:
            row = self.model()
        except TypeError as error:
            raise ConfigError(
                f"{self.model.__name__}() cannot be called without arguments ({error}). Give your"
                " own columns a default, or make them nullable."
            ) from None
        row.insure_num, row.version, row.created_at = insure_num, 0, utc_now()
        row.forgotten, row.policy_nums = False, []
        return row

    @contextmanager
    def separate_transaction(self) -> Iterator[Session]:
        """Open a session of its own, and commit it in the end."""
        factory: Any = self._session_factory
        made: Session = getattr(factory, "session_factory", factory)()
        made.expire_on_commit = False  # rows are read after it
        with made as session, session.begin():
            self._check_no_autocommit(session)
            yield session

    def _get_connection(self, session: Session) -> Connection:
        return session.connection(bind_arguments={"mapper": inspect(self.model)})

    def _check_no_autocommit(self, session: Session) -> None:
        connection = self._get_connection(session)
        driver: Any = connection.connection.dbapi_connection
        # sqlite3 seems to commit by itself, too, where a site has SQLAlchemy begin transactions.
        if not getattr(driver, "in_transaction", False):
            with suppress(NotImplementedError):
                if connection.dialect.detect_autocommit_setting(driver):
                    raise ConfigError(
                        "The engine of Purchases commits each statement (AUTOCOMMIT), so rows could"
                        " be written only in part. Pass a sessionmaker of another engine."
                    )

    @property
    def table(self) -> Any:
        """The table of the rows; a model whose table is read from the database may come later."""
        return inspect(self.model).local_table

    def find_missing_columns(self) -> list[str]:
        """Return the columns that the table lacks: all of them, where it is not there."""
        table, there = self.table, set()
        with self.separate_transaction() as session, suppress(NoSuchTableError):
            columns = inspect(self._get_connection(session)).get_columns(table.name, table.schema)
            there = {column["name"] for column in columns}
        return [column.name for column in table.columns if column.name not in there]

    def find_columns_without_default(self) -> list[str]:
        """Return the columns that may not be NULL, and to which nothing gives a value."""
        row, mapper = self.build_row(""), inspect(self.model)
        return [
            column.name
            for column in self.table.columns
            if not (column.nullable or column.default or column.server_default)
            and getattr(row, mapper.get_property_by_column(column).key) is None
        ]


def has_other_member(row: PurchaseMixin, answer: Order | OrderError | None) -> bool:
    """Tell whether the gateway says that an order is not that member's who has it here."""
    return isinstance(answer, Order) and row.member not in (None, answer.member)


def execute_update(session: Session, statement: Update) -> int:
    """Run a statement, and return how many rows it found."""
    found: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(found.rowcount)


@contextmanager
def _converting_conflict_errors() -> Iterator[None]:
    """Take it for a loss where the database refuses the first statement of a transaction.

    Drivers do not agree on the class of the error where others go first.
    """
    try:
        yield
    except DBAPIError as error:
        if error.statement is None or isinstance(error, DataError):  # no connection, or no room
            raise
        raise _ConflictError from error
