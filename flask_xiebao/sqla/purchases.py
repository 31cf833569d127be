"""What a site calls: it makes itself known to the extension, and hears of purchases."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, false, inspect, select, update
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from ..app.hooks import check_accepts_arguments, is_async
from ..app.log import get_function_name, log_throttled
from ..errors import ConfigError, OrderBehindError, OrderError
from ..gateway.notifications import Notification, NotificationType
from ..gateway.orders import Order
from ..gateway.values import WrongValueError, check_named_value, normalize_application_number
from ..links.members import MemberId, normalize_member
from .model import PurchaseMixin, Snapshot, utc_now
from .reconciliation import Difference, Reconciliation
from .store import (
    MAX_LAG,
    NotifiedRowValues,
    PurchaseStore,
    XiebaoProtocol,
    execute_update,
    is_row_behind,
)

P = TypeVar("P", bound=PurchaseMixin)
T = TypeVar("T")


class Purchases(Generic[P]):
    """The members' purchases in the site's own database: what the gateway says, kept up to date.

    A notification is a doorbell, and the order query (数据接口) the truth: whatever rings, in
    whatever order and however often, a row says what the gateway says. The database is used in
    sessions of its own, so that what a caller has begun is neither committed nor rolled back.
    Commit what you have written to the same row before, or on SQLite to any: it is waited for.
    Provisional: it may change in a minor version, once Xiebao's own document of the order query is
    known.

    :param xiebao: the extension, before or after ``init_app``.
    :param model: the class of the rows, which has :class:`PurchaseMixin` among its bases. It is
        called without arguments: columns of your own have a default, or may be NULL.
    :param session_factory: Flask-SQLAlchemy's ``db.session``, another ``scoped_session``, or a
        ``sessionmaker``.
    :param only: takes an :class:`~flask_xiebao.Order` and returns whether it is this site's, where
        another one sells on the same account. Other orders are not kept.
    :raises ConfigError: an argument is wrong, or the extension has Purchases already.
    """

    def __init__(
        self,
        xiebao: XiebaoProtocol,
        model: type[P],
        session_factory: scoped_session[Any] | sessionmaker[Any],
        *,
        only: Callable[[Order], bool] | None = None,
    ) -> None:
        is_ours = isinstance(model, type) and issubclass(model, PurchaseMixin)
        mapper: Any = inspect(model, raiseerr=False) if is_ours else None
        if mapper is None or len(mapper.tables) > 1 or len(mapper.primary_key) > 1:
            raise ConfigError(
                "The model of Purchases must be a mapped class that inherits from PurchaseMixin,"
                ' with one table and no primary key besides "insure_num".'
            )
        if not isinstance(session_factory, scoped_session | sessionmaker):
            raise ConfigError(
                "The session_factory of Purchases must be Flask-SQLAlchemy's db.session, another"
                f" scoped_session or a sessionmaker, got {type(session_factory).__name__}. If the"
                " site's sessions are async, pass a sessionmaker of an engine that is not async."
            )
        if only is not None:
            _check_function("only", only, ("order",))
        self.store = PurchaseStore(xiebao, model, session_factory, only)
        xiebao._hooks.register_purchases(self)

    def on_change(
        self, function: Callable[[Session, P, Snapshot | None], T]
    ) -> Callable[[Session, P, Snapshot | None], T]:
        """Register the function that is told of each change; use it as a decorator.

        It is called once for each, in the transaction that writes it, and is for work in that
        session alone: no mail, no other session, no :meth:`refresh`. If it raises, nothing is
        written, and the notification comes again.

        :param function: takes the session, the purchase, and a :class:`Snapshot` of what it was
            before; None for a new one.
        :raises ConfigError: it is not a function, is ``async``, takes other arguments, or is a
            second one.
        """
        _check_function("on_change", function, ("session", "purchase", "before"))
        if self.store.on_change not in (None, function):
            raise ConfigError(
                f"{get_function_name(self.store.on_change)} is already registered as on_change."
                " Call the"
                " new function from the registered function."
            )
        self.store.on_change = function
        return function

    def of(self, member: MemberId | None) -> Select[Any]:
        """Return a query for a member's purchases, the newest first.

        ``db.session.scalars`` and ``db.paginate`` take it.

        :param member: their id, as the ``member_loader`` returns it; None for nobody, who has none.
        :raises LinkError: it is not an id.
        """
        model = self.store.model
        newest_first = (model.created_at.desc(), model.insure_num.desc())
        return select(model).where(self._build_member_filter(member)).order_by(*newest_first)

    def get(self, insure_num: str | int) -> Select[Any]:
        """Return a query for one purchase, whosever it is.

        :param insure_num: ``insureNum``, the application number (投保单号).
        """
        model = self.store.model
        try:
            return select(model).where(model.insure_num == normalize_application_number(insure_num))
        except WrongValueError:  # such as a part of a URL that a visitor wrote
            return select(model).where(false())

    def handle(self, notification: Notification) -> None:
        """Ask the gateway about what rang, and write what it says: a ``notification_handler``.

        Of the notification itself, no more is kept than that a step failed, and which number
        follows on a reissue.

        :raises OrderBehindError: the gateway does not confirm it yet, so it has to come again; for
            a day at most.
        :raises OrderError: the gateway gives no answer.
        """
        number, follows = notification.insure_num, notification.new_insure_num
        new = of_new = None
        if follows and notification.type == NotificationType.REISSUE and notification.succeeded:
            old = self.store.find_row(number)
            forgets = old is not None and old.forgotten
            new, of_new = self.store.refresh_from_gateway(
                follows, NotifiedRowValues(notification, should_forget_member=forgets)
            )
        row, of_row = self.store.refresh_from_gateway(number, NotifiedRowValues(notification, new))
        if new is not None and row is not None and row.forgotten and not new.forgotten:
            new, of_new = self.store.refresh_from_gateway(
                new.insure_num, NotifiedRowValues(notification, should_forget_member=True)
            )
        for each, answer in ((new, of_new), (row, of_row)):
            if each is not None:
                _check_not_behind(each, answer, notification)

    def refresh(self, insure_num: str | int) -> P:
        """Ask the gateway about an order, write what it says, and return the row.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: the row, detached from any session.
        :raises OrderError: the gateway does not know it or gives no answer, or *only* returns
            False.
        :raises ConfigError: the engine commits each statement (AUTOCOMMIT).
        """
        number = check_named_value(
            "insure_num", normalize_application_number, insure_num, OrderError
        )
        row, _ = self.store.refresh_from_gateway(number)
        if row is None:
            raise OrderError(
                f'Order {number} is not stored, because the function passed as "only" returned'
                " False for this order."
            )
        return row

    def forget(self, member: MemberId) -> int:
        """Take a member off their rows for good; return how many those are.

        Neither notifications nor :meth:`reconcile` bring them back there, and what follows on a
        reissue is nobody's either. An order that is first heard of later has its member: call this
        when the member can buy nothing more.

        :param member: their id, as the ``member_loader`` returns it.
        :raises LinkError: it is not an id.
        """
        theirs = update(self.store.model).where(self._build_member_filter(member))
        with self.store.separate_transaction() as session:
            return execute_update(session, theirs.values(member=None, forgotten=True))

    def _build_member_filter(self, member: MemberId | None) -> ColumnElement[bool]:
        who = normalize_member(member)
        return false() if who is None else self.store.model.member == who

    def reconcile(
        self,
        *,
        since: date | None = None,
        repair: bool = True,
        per_second: float = 5,
        on_change: bool = True,
    ) -> Iterator[Difference]:
        """Go through the orders that the gateway lists, and write what no notification reported.

        It asks about each order that has no row, or another one, or of which the list says too
        little; and then about each row whose order is not in the list. An order that cannot be
        compared is a difference, too, and the rest goes on. Nothing happens until you iterate.

        :param since: leave out what was applied for before that day, in China.
        :param repair: False to write nothing.
        :param per_second: how many orders are asked about in a second, at most. The pages of the
            list come besides.
        :param on_change: whether the function that is registered is told: False when a shop that
            has sold before is filled, and each of its purchases would be news.
        :raises OrderError: the gateway cannot be read: its list, or ten orders in a row. Whatever
            else fails ten times in a row is raised, too.
        :raises ValueError: *per_second* is not above 0.
        """
        compared = Reconciliation(
            self.store, since=since, repair=repair, per_second=per_second, call_on_change=on_change
        )
        return filter(None, compared.iter_differences_or_none())


def _check_function(parameter_name: str, function: object, arguments: tuple[str, ...]) -> None:
    if not callable(function) or is_async(function):
        raise ConfigError(f'"{parameter_name}" must be a function that is not async.')
    check_accepts_arguments(parameter_name, function, arguments)


def _check_not_behind(row: PurchaseMixin, answer: object, notification: Notification) -> None:
    """Have what rang come again where the gateway is behind it, and has not been for too long."""
    is_refused = isinstance(answer, OrderError)
    if row.first_behind_at is None or not (is_refused or is_row_behind(row, notification)):
        return
    behind_for = utc_now() - row.first_behind_at
    if behind_for < MAX_LAG:
        raise OrderBehindError(
            f"The order query does not yet confirm the notification about order {row.insure_num}."
            f"{f' {answer}' * is_refused}",
            behind_for,
        )
    log_throttled(
        "The order query has not confirmed a notification about order"
        f" {row.insure_num} for a day, so the notification was accepted without confirmation. Run"
        ' "flask xiebao reconcile" to compare the order.',
        group="given up",
        level=logging.WARNING,
    )
