"""The class :class:`Purchases`, with which a site stores its members' purchases."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, delete, false, inspect, select, update
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from ..app.hooks import check_accepts_arguments, is_async
from ..app.log import get_function_name, log_throttled
from ..errors import ConfigError, OrderBehindError, OrderError
from ..gateway.notifications import Notification, NotificationType
from ..gateway.orders import Order
from ..gateway.values import (
    WrongValueError,
    check_named_value,
    normalize_application_number,
    normalize_query_text,
)
from ..links.members import MemberId, normalize_member_id_or_none
from .attribution import AttributionExpressions, build_attribution_expressions
from .clicks import ClickMixin, ClickStore
from .model import PurchaseMixin, Snapshot
from .model_store import execute_statement
from .notified_values import (
    MAX_LAG,
    NotifiedRowValues,
    find_lag,
    is_order_behind,
    is_surrender_running,
)
from .reconciliation import Difference, Reconciliation
from .store import (
    PurchaseStore,
    XiebaoProtocol,
    has_unread_key_prefix,
    is_other_member_reported,
)

P = TypeVar("P", bound=PurchaseMixin)
T = TypeVar("T")

_MAX_WITHIN = timedelta(days=3650)


class Purchases(Generic[P]):
    """The members' purchases in the site's own database, kept up to date with the gateway.

    A notification only triggers an order query (数据接口), and the row gets the gateway's answer.
    So notifications may arrive in any order and more than once. Purchases opens its own sessions.
    It never commits or rolls back a transaction that began before the call. However, it rolls back
    a transaction that a hook begins in ``db.session`` during the call. Before a call, commit what
    you have written to the same row (on SQLite, to any row), because the call waits for your
    transaction. Provisional: it may change in a minor version, once Xiebao's own document about the
    order query is known.

    :param xiebao: The extension, before or after ``init_app``.
    :param model: The class of the rows, a subclass of :class:`PurchaseMixin`. It is called without
        arguments, so your own columns must have a default or be nullable.
    :param session_factory: Flask-SQLAlchemy's ``db.session``, another ``scoped_session``, or a
        ``sessionmaker``.
    :param only: A function that takes an :class:`~flask_xiebao.Order` and returns True if it
        belongs to this site, for an account that another site uses, too. Other orders are not
        stored.
    :param clicks: The model for clicks, a subclass of :class:`ClickMixin` in the same database. It
        is needed to find out which click led to a purchase. By default, clicks are not stored.
    :param within: How long a click counts. A later application is not attributed to the click.
        Clicks that are already stored keep their ``expires_at``.
    :raises ConfigError: if an argument is wrong, or the extension has Purchases already.
    """

    def __init__(
        self,
        xiebao: XiebaoProtocol,
        model: type[P],
        session_factory: scoped_session[Any] | sessionmaker[Any],
        *,
        only: Callable[[Order], bool] | None = None,
        clicks: type[ClickMixin] | None = None,
        within: timedelta = timedelta(days=1),
    ) -> None:
        _check_model("model", model, PurchaseMixin, "insure_num")
        if not isinstance(session_factory, scoped_session | sessionmaker):
            raise ConfigError(
                "The session_factory of Purchases must be Flask-SQLAlchemy's db.session, another"
                f" scoped_session or a sessionmaker, got {type(session_factory).__name__}. If the"
                " site's sessions are async, pass a sessionmaker that is bound to a synchronous"
                " engine."
            )
        if only is not None:
            _check_function_is_sync("only", only, ("order",))
        if clicks is not None:
            _check_model("clicks", clicks, ClickMixin, "click_id")
        if not isinstance(within, timedelta) or not timedelta() < within <= _MAX_WITHIN:
            raise ConfigError(
                'The argument "within" of Purchases must be a positive timedelta of at most'
                f" {_MAX_WITHIN.days} days, got {within!r}. Pass, for example, timedelta(days=1)."
            )
        self.store = PurchaseStore(xiebao, model, session_factory, only)
        xiebao._hooks.register_purchases(self)
        self.click_store = (
            None if clicks is None else ClickStore(xiebao, clicks, session_factory, within)
        )

    def on_change(
        self, function: Callable[[Session, P, Snapshot | None], T]
    ) -> Callable[[Session, P, Snapshot | None], T]:
        """Register the function to call each time a purchase changes. Use this as a decorator.

        The function is called once per change, in the transaction that writes the change. It must
        use only that session: it must not send mail, open another session or call :meth:`refresh`.
        If it raises, nothing is written, and the notification comes again.

        :param function: A function that takes the session, the purchase, and a :class:`Snapshot` of
            the purchase before the change, or None for a new purchase.
        :raises ConfigError: if it is not a function, is ``async`` or takes other arguments, or if
            another function is already registered.
        """
        _check_function_is_sync("on_change", function, ("session", "purchase", "before"))
        if self.store.on_change not in (None, function):
            raise ConfigError(
                "There can be only one on_change function, and"
                f" {get_function_name(self.store.on_change)} is already registered. Call the new"
                " function from the registered function."
            )
        self.store.on_change = function
        return function

    def of(self, member: MemberId | None) -> Select[Any]:
        """Return a query for a member's purchases, newest first.

        Pass it to ``db.session.scalars`` or ``db.paginate``.

        :param member: The member's id, as the ``member_loader`` returns it. The query finds nothing
            if it is None.
        :raises LinkError: if it is not a member id.
        """
        model = self.store.model
        newest_first = (model.created_at.desc(), model.insure_num.desc())
        return select(model).where(_is_of_member(model, member)).order_by(*newest_first)

    def get(self, insure_num: str | int) -> Select[Any]:
        """Return a query for one purchase of any member. A purchase without a member is found, too.

        :param insure_num: ``insureNum``, the application number (投保单号).
        """
        model = self.store.model
        try:
            return select(model).where(model.insure_num == normalize_application_number(insure_num))
        except WrongValueError:
            # For an invalid application number, return a query that finds nothing instead of
            # raising an error, because a visitor may have typed the number in a URL.
            return select(model).where(false())

    def for_reference(self, reference: str | int | None, member: MemberId | None) -> Select[Any]:
        """Return a query for a member's purchases that resulted from clicks with this reference.

        The newest purchase comes first. After a reissue, the query finds both orders. Always pass
        the member to whom the site's order belongs, because another member may have received a link
        with the same reference.

        :param reference: The ``client_reference`` of an entry, for example the site's order number.
            A reference with more than 255 characters is never found, because only its first 255
            characters are stored.
        :param member: The member's id, as the ``member_loader`` returns it. The query finds nothing
            if it is None.
        :raises LinkError: if it is not a member id.
        :raises ConfigError: if the Purchases object has no *clicks*.
        """
        click_model, member_id = self._click_model, normalize_member_id_or_none(member)
        expressions = build_attribution_expressions(self.store.model, click_model, member_id)
        try:
            has_reference = click_model.client_reference == normalize_query_text(reference)
        except WrongValueError:
            # A visitor may have typed the reference in a URL.
            has_reference = false()
        # The condition on the member makes the database use an index. No index contains the
        # reference.
        click_ids = select(click_model.click_id).where(
            click_model.member == member_id, has_reference
        )
        return self.of(member).where(expressions.click_id.in_(click_ids))

    def click_of(self, purchase: P) -> Select[Any]:
        """Return a query for the click that led to a purchase.

        The query finds nothing if the purchase has no click. An ``on_change`` function can execute
        the query in its session, for example to copy the click's reference.

        :raises ConfigError: if the Purchases object has no *clicks*.
        """
        model, click_model = self.store.model, self._click_model
        expressions = build_attribution_expressions(model, click_model, purchase.member)
        click_id = select(expressions.click_id).where(model.insure_num == purchase.insure_num)
        return select(click_model).where(click_model.click_id == click_id.scalar_subquery())

    @property
    def click_id(self) -> ColumnElement[str | None]:
        """An SQL expression for the id of the click that led to a purchase, or NULL.

        Use it in a query that selects purchases. In a report, join the clicks with a LEFT JOIN, so
        that purchases without a click are counted, too. A click may have several purchases.

        :raises ConfigError: if the Purchases object has no *clicks*.
        """
        return self._expressions.click_id

    @property
    def attribution(self) -> ColumnElement[str | None]:
        """An SQL expression for how a purchase's click was chosen: ``returned``, ``last`` or NULL.

        Use it in a query that selects purchases. ``returned`` means that the member returned to the
        site from this click after the payment. ``last`` means that this was the member's last click
        before the application. NULL means that the purchase has no click.

        :raises ConfigError: if the Purchases object has no *clicks*.
        """
        return self._expressions.attribution

    @cached_property
    def _expressions(self) -> AttributionExpressions:
        return build_attribution_expressions(self.store.model, self._click_model)

    @property
    def _click_model(self) -> Any:
        if self.click_store is None:
            raise ConfigError(
                "This Purchases object does not store clicks. Pass a model as the argument"
                ' "clicks".'
            )
        return self.click_store.model

    def handle(self, notification: Notification) -> None:
        """Query the order that a notification names, and write the answer to the order's row.

        Use this method as ``notification_handler``. Only two facts from the notification itself are
        stored: a failed step, and the new application number of a reissue.

        :raises OrderBehindError: if the order query does not confirm the notification yet, so that
            it has to come again. Its first arrival after a day is accepted. The day is counted for
            each notification. It begins again after a status changes, after the notification was
            accepted in this way, and if the notification has not arrived for a day.
        :raises OrderError: if the gateway does not answer.
        """
        number, new_number = notification.insure_num, notification.new_insure_num
        new_row = new_answer = None
        if new_number and notification.type == NotificationType.REISSUE and notification.succeeded:
            old_row = self.store.find_row(number)
            is_forgotten = old_row is not None and old_row.forgotten
            new_row, new_answer = self.store.refresh_from_gateway(
                new_number, NotifiedRowValues(notification, should_forget_member=is_forgotten)
            )
        row, answer = self.store.refresh_from_gateway(
            number, NotifiedRowValues(notification, new_row)
        )
        # If the member of the old policy was forgotten, the reissued policy must never get a member
        # either. Check the row again, because Purchases.forget may have changed it while the
        # gateway was queried. The reissued policy may have been reissued, too, because
        # notifications arrive in any order.
        if new_row is not None and row is not None and row.forgotten:
            self.store.forget_members_along_reissues(new_row.insure_num)
        if new_row is not None:
            _check_order_not_behind(new_row, new_answer, notification)
        if row is not None:
            _check_order_not_behind(row, answer, notification)

    def refresh(self, insure_num: str | int) -> P:
        """Query an order, write the gateway's answer to its row, and return the row.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: The row, detached from any session.
        :raises OrderError: if the gateway does not know the number or does not answer, or if *only*
            returns False.
        :raises ConfigError: if the engine commits each statement (AUTOCOMMIT).
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

    def reassign(self, insure_num: str | int) -> P:
        """Query an order, and replace its row's member with the member whom the gateway reports.

        A known member is otherwise never replaced. Call this for a row with a wrong member, for
        example after :meth:`reconcile` of version 0.3 without ``XIEBAO_MEMBER_SECRET``.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: The row, detached from any session.
        :raises OrderError: if the order has no row, its member was forgotten, or the gateway does
            not answer or reports no member of this site.
        """
        number = check_named_value(
            "insure_num", normalize_application_number, insure_num, OrderError
        )
        row, answer = self.store.find_row(number), None
        if row is not None and not row.forgotten:
            row, answer = self.store.refresh_from_gateway(number, should_reassign_member=True)
        if row is None:
            raise OrderError(
                f'Order {number} has no row. Run "flask xiebao reconcile" to store the order.'
            )
        if row.forgotten:
            raise OrderError(
                f"The member of order {number} was forgotten, so the order never gets a member"
                " again."
            )
        is_unread = isinstance(answer, Order) and has_unread_key_prefix(answer)
        if row.member is None or is_unread or is_other_member_reported(row, answer):
            raise OrderError(
                f"The gateway reports no member of this site for order {number}, so its row was not"
                " changed. Run the command with the same XIEBAO_MEMBER_SECRET as the site."
            )
        return row

    def forget(self, member: MemberId) -> int:
        """Remove a member permanently from their purchases, and delete the member's clicks.

        Neither notifications nor :meth:`reconcile` restore the member there, and the order that
        follows after a notified reissue gets no member either. An order that first becomes known
        later does get its member, so call this when the member can no longer buy anything.

        :param member: The member's id, as the ``member_loader`` returns it.
        :return: The number of purchases that were changed.
        :raises LinkError: if it is not a member id.
        """
        statement = update(self.store.model).where(_is_of_member(self.store.model, member))
        with self.store.separate_transaction() as session:
            if self.click_store is not None:
                clicks = delete(self.click_store.model)
                execute_statement(session, clicks.where(_is_of_member(self._click_model, member)))
            return execute_statement(session, statement.values(member=None, forgotten=True))

    def reconcile(
        self,
        *,
        since: date | None = None,
        repair: bool = True,
        per_second: float = 5,
        on_change: bool = True,
        partial: bool = False,
    ) -> Iterator[Difference]:
        """Compare the stored purchases with the gateway's order list, and yield the differences.

        It queries each listed order that has no row, whose statuses or member differ from its row,
        or that lacks a status, then each row whose order is not listed, and writes the answers. A
        missing status is ignored if the purchase is surrendered, replaced or cancelled. The member
        is ignored if it was forgotten or is not listed. An order that cannot be compared is a
        difference, too, and the comparison continues. Nothing happens until you iterate.

        :param since: Leave out orders that were created before this day, in China.
        :param repair: False to write nothing.
        :param per_second: The maximum number of orders to query per second. Queries for the pages
            of the list are not counted.
        :param on_change: False to leave out the calls of the registered function, for example when
            you fill the database of a shop that has already sold insurance. Otherwise each of its
            earlier purchases would be reported as a new one.
        :param partial: True to also query each policy for several people whose state is ``issued``
            or ``in_force``, because the gateway's list does not show that one of them has
            surrendered.
        :raises OrderError: if the list or ten orders in a row cannot be read. After ten failures in
            a row, the last exception is raised, whatever its class. An order that the gateway
            refuses is not counted.
        :raises ConfigError: before anything is written, if at least two members were compared and
            most of them differ from the gateway's, or if the gateway's keys have a prefix and
            ``XIEBAO_MEMBER_SECRET`` is not set. Then the secret is probably missing or wrong.
            Members whose key has a prefix and members with plain ids are compared separately. Not
            raised without *repair*.
        :raises ValueError: if *per_second* is not above 0.
        """
        reconciliation = Reconciliation(
            self.store,
            since=since,
            repair=repair,
            per_second=per_second,
            call_on_change=on_change,
            query_partial_surrenders=partial,
        )
        return filter(None, reconciliation.iter_differences_or_none())


def _is_of_member(model: Any, member: MemberId | None) -> ColumnElement[bool]:
    member_id = normalize_member_id_or_none(member)
    return false() if member_id is None else model.member == member_id


def _check_model(
    parameter_name: str, model: object, mixin: type[object], primary_key_name: str
) -> None:
    has_mixin = isinstance(model, type) and issubclass(model, mixin)
    mapper: Any = inspect(model, raiseerr=False) if has_mixin else None
    if mapper is None or len(mapper.tables) > 1 or len(mapper.primary_key) > 1:
        raise ConfigError(
            f'The argument "{parameter_name}" of Purchases must be a mapped class that inherits'
            f" from {mixin.__name__}, with one table and no primary key besides"
            f' "{primary_key_name}".'
        )


def _check_function_is_sync(
    parameter_name: str, function: object, arguments: tuple[str, ...]
) -> None:
    if not callable(function) or is_async(function):
        raise ConfigError(f'"{parameter_name}" must be a function and must not be async.')
    check_accepts_arguments(parameter_name, function, arguments)


def _check_order_not_behind(
    row: PurchaseMixin, answer: Order | OrderError | None, notification: Notification
) -> None:
    """Raise OrderBehindError if the gateway's answer does not yet show what a notification reports.

    This includes a refusal of the query, which means that the gateway does not know the order yet.
    If the query has been behind this notification for a day, log a warning and return instead.
    """
    order, is_refused = (
        answer if isinstance(answer, Order) else None,
        isinstance(answer, OrderError),
    )
    lag = find_lag(row, notification)
    if lag is None or not (is_refused or is_order_behind(row, order, notification)):
        return
    is_running = is_surrender_running(row, notification)
    if lag < MAX_LAG:
        raise OrderBehindError(
            f"The order query does not yet confirm the notification about order {row.insure_num}."
            f"{f' {answer}' * is_refused}",
            lag,
            is_in_progress=is_running,
        )
    log_throttled(
        "The order query has not confirmed a notification about order"
        f" {row.insure_num} for a day, so the notification was accepted without confirmation. Run"
        ' "flask xiebao reconcile" to compare the order.',
        group="given up",
        # A surrender may be in progress for days, so nothing is wrong then.
        level=logging.INFO if is_running else logging.WARNING,
    )
