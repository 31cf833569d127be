"""The comparison of the site's rows with the orders that the gateway lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from time import monotonic, sleep
from typing import Any

from sqlalchemy import select

from ..app.log import format_error_for_log
from ..deprecated import DeprecatedAlias
from ..errors import ConfigError, OrderError
from ..gateway.orders import Order
from ..gateway.payloads import CHINA_TIMEZONE
from ..links.members import has_key_prefix_format
from .model import (
    PurchaseMixin,
    PurchaseState,
    fill_row_from_order,
    get_purchase_values,
    get_statuses,
    is_order_created_before,
)
from .store import PurchaseStore, has_unread_key_prefix, is_other_member_reported

# After this many consecutive failures, the last exception is raised. Refusals by the gateway do not
# count as failures.
_MAX_CONSECUTIVE_FAILURES = 10
# The states after which no further change is expected.
_FINAL_STATES = ("surrendered", "replaced", "cancelled")
#: The problem of a :class:`Difference` whose row keeps its member.
OTHER_MEMBER_PROBLEM = "the gateway reports another member, or no member, for this order"
# The maximum numbers of orders whose members are compared before the first row is written, and of
# order queries for this. The gateway may refuse a query, for example about an old test order.
_MAX_COMPARED_MEMBERS, _MAX_MEMBER_QUERIES = 10, 50


class WrongEnvironmentError(ConfigError):
    """The members or the gateway's keys show that ``XIEBAO_MEMBER_SECRET`` is missing or wrong."""


class UnknownEnvironmentError(OrderError):
    """No order could be queried to find out whether ``XIEBAO_MEMBER_SECRET`` is right."""


@dataclass(frozen=True)
class Difference:
    """A difference between the site's row for a purchase and the gateway's order.

    The row may already have been repaired.

    :param insure_num: The application number.
    :param row_state: The state of the row, or None if there is no row.
    :param gateway_state: The state at the gateway, or None if the order could not be compared.
    :param repaired: True if the row now agrees with the gateway.
    :param problem: The reason why it cannot be repaired; empty if it can.
    """

    insure_num: str
    row_state: PurchaseState | None
    gateway_state: PurchaseState | None
    repaired: bool = False
    problem: str = ""

    # Deprecated names
    here = DeprecatedAlias("row_state")
    there = DeprecatedAlias("gateway_state")

    def __str__(self) -> str:
        outcome = self.problem or ("repaired" if self.repaired else "not repaired")
        states = f"{self.row_state or 'no row'} -> {self.gateway_state or '?'}"
        return f"{self.insure_num}: {states}, {outcome}"


class Reconciliation:
    """A comparison of all orders at the gateway with the rows in the site's database.

    :param since: Leave out orders that were created before this day, in China.
    :param repair: True to write the gateway's answers.
    :param per_second: The maximum number of orders to query per second.
    :param call_on_change: True to call the site's ``on_change``.
    :param query_partial_surrenders: True to query all policies for several people whose state is
        ``issued`` or ``in_force``.
    :raises ValueError: if *per_second* is not above 0.
    """

    def __init__(
        self,
        store: PurchaseStore[Any],
        *,
        since: date | None,
        repair: bool,
        call_on_change: bool,
        per_second: float = 5,
        query_partial_surrenders: bool = False,
    ) -> None:
        self._store = store
        self._since = None if since is None else datetime.combine(since, time(), CHINA_TIMEZONE)
        if not per_second > 0:
            raise ValueError(f"per_second must be a number greater than 0, got {per_second}.")
        self._call_on_change = call_on_change
        self._query_partial_surrenders = query_partial_surrenders
        self._repair = repair
        self._query_interval = 1 / per_second
        self._next_query_at = 0.0
        self._are_members_checked = not repair

    def iter_differences_or_none(self) -> Iterator[Difference | None]:
        """Yield a difference for each order that differs from its row, and None for other orders.

        An order that cannot be compared is a difference, too, and the comparison continues.

        :raises OrderError: if the list cannot be read.
        :raises WrongEnvironmentError: if ``XIEBAO_MEMBER_SECRET`` is missing or wrong. This is
            checked only if *repair* is True, before the first row is written.
        """
        failure_count = 0
        for number, listed_order in self._iter_orders_and_unlisted_numbers():
            difference = row_state = row = None
            try:
                row = self._store.find_row(number)
                row_state = None if row is None else row.state
                with self._store.release_hook_connection():
                    should_query = listed_order is None or self._should_query_order(
                        listed_order, row
                    )
                if should_query:
                    self._check_members_once()
                    self._wait_until_next_query()
                    difference = self._query_and_compare_order(number, row, row_state)
                failure_count = 0
            except (WrongEnvironmentError, UnknownEnvironmentError):
                raise
            except Exception as error:
                # A refusal is not counted as a failure, because the gateway works and has refused
                # only this order.
                is_refused = isinstance(error, OrderError) and error.code is not None
                failure_count += not is_refused
                if failure_count == _MAX_CONSECUTIVE_FAILURES:
                    raise
                # Until the gateway returns the order for the first time, the row's updated_at is
                # None and the order is not confirmed. During this time, a refusal of the order
                # query is expected. The refusal is therefore not reported as a difference between
                # the row and the gateway.
                if not is_refused or row is None or row.updated_at is not None:
                    difference = Difference(
                        number, row_state, None, problem=format_error_for_log(error)
                    )
            yield difference

    def _wait_until_next_query(self) -> None:
        sleep(max(0, self._next_query_at - monotonic()))
        self._next_query_at = monotonic() + self._query_interval

    def _check_members_once(self) -> None:
        """Check before the first row is written that the command runs with the site's secret.

        Without ``XIEBAO_MEMBER_SECRET``, or with another one, wrong members would be written, and a
        known member is never overwritten.

        :raises WrongEnvironmentError: if most of the stored members differ from the gateway's, or
            if the gateway's keys have a prefix that is read as a part of the member's id.
        :raises UnknownEnvironmentError: if no order can be queried.
        """
        if self._are_members_checked:
            return
        # Keys with and without a prefix are compared separately, because only keys with a prefix
        # show whether the secret is right.
        queried, compared, different = Counter[bool](), Counter[bool](), Counter[bool]()
        unread_prefixes = 0
        for order, member in self._query_members():
            has_prefix = has_key_prefix_format(order.partner_uniq_key or "")
            queried[has_prefix] += order.partner_uniq_key is not None
            compared[has_prefix] += member is not None
            different[has_prefix] += member not in (None, order.member)
            unread_prefixes += has_unread_key_prefix(order)
        for has_prefix, count in different.items():
            if compared[has_prefix] > 1 and count * 2 > compared[has_prefix]:
                raise WrongEnvironmentError(
                    f"The gateway reports another member for {count} of {compared[has_prefix]}"
                    " purchases, so nothing was written. Run the command with the same"
                    " XIEBAO_MEMBER_SECRET and keeps_plain_key as the site. If the stored members"
                    ' are wrong, list the purchases with "flask xiebao reconcile --dry-run" and run'
                    ' "flask xiebao reassign" for each.'
                )
        if different[True] == compared[True] and unread_prefixes * 2 > queried.total():
            raise WrongEnvironmentError(
                "The gateway's member keys look as if XIEBAO_MEMBER_SECRET had made them, but"
                " XIEBAO_MEMBER_SECRET is not set. Nothing was written. Run the command with the"
                " same environment as the site."
            )
        self._are_members_checked = True

    def _query_members(self) -> list[tuple[Order, str | None]]:
        """Query up to ten orders, and return each with the member in its row, or with None.

        These are the orders of the newest rows that have a member, and if there are fewer than two
        such rows, also the first orders that the gateway lists. An order that the gateway refuses
        is left out.

        :raises UnknownEnvironmentError: if the gateway answers no query.
        """
        members_by_number = self._find_newest_members()
        if len(members_by_number) < 2:
            for order in islice(self._store.xiebao.orders.iter(), _MAX_COMPARED_MEMBERS):
                members_by_number.setdefault(order.insure_num, None)
        answers, errors = list[tuple[Order, str | None]](), list[OrderError]()
        for number, member in members_by_number.items():
            self._wait_until_next_query()
            try:
                answers.append((self._store.query_order(number), member))
            except OrderError as error:
                if error.code is None:
                    errors.append(error)
            if _MAX_COMPARED_MEMBERS in (len(answers), len(errors)):
                break
        if errors and not answers:
            raise UnknownEnvironmentError(
                "Nothing was written, because no order could be queried to compare its member:"
                f" {errors[-1]} Try again later."
            )
        return answers

    def _find_newest_members(self) -> dict[str, str | None]:
        """Return the application numbers and the members of the newest rows that have a member."""
        model = self._store.model
        query = (
            select(model.insure_num, model.member)
            .where(model.member.is_not(None))
            .order_by(model.created_at.desc())
            .limit(_MAX_MEMBER_QUERIES)
        )
        with self._store.separate_transaction() as session:
            return {row.insure_num: row.member for row in session.execute(query)}

    def _iter_orders_and_unlisted_numbers(self) -> Iterator[tuple[str, Order | None]]:
        """Yield the orders that the gateway lists, then the rows whose order is not listed.

        Each item is an application number with the listed order, or with None for a row whose order
        is not listed. Orders and rows that were created before *since* are left out.
        """
        listed_numbers = set()
        for order in self._store.xiebao.orders.iter():
            listed_numbers.add(order.insure_num)
            if not is_order_created_before(order, self._since):
                yield order.insure_num, order
        model = self._store.model
        query = select(model.insure_num)
        if self._since is not None:
            query = query.where(model.created_at >= self._since)
        with self._store.separate_transaction() as session:
            unlisted_numbers = set(session.scalars(query)) - listed_numbers
        for number in sorted(unlisted_numbers):
            yield number, None

    def _should_query_order(self, listed_order: Order, row: PurchaseMixin | None) -> bool:
        """Return True if the order must be queried to compare it with its row.

        This is the case if there is no row, or if the row has another status or another member than
        the listed order. Members are compared only if the order has a member key and the row's
        member was not forgotten. A listed status of None leads to a query only if the row is not in
        a final state. An order whose row was created before *since* is never queried. The list does
        not show partial surrenders, so policies for several people are queried if the caller wants
        to find partial surrenders.
        """
        if row is None:
            return True
        if self._since is not None and row.created_at < self._since:
            return False
        row_statuses, listed_statuses = get_statuses(row), get_statuses(listed_order)
        can_compare_members = listed_order.partner_uniq_key is not None and not row.forgotten
        return (
            any(
                listed_status not in (None, row_status)
                for listed_status, row_status in zip(listed_statuses, row_statuses, strict=True)
            )
            or (None in listed_statuses and row.state not in _FINAL_STATES)
            or (can_compare_members and listed_order.member != row.member)
            or (
                self._query_partial_surrenders
                and len(row.policy_nums) > 1
                and row.state in ("issued", "in_force")
            )
        )

    def _query_and_compare_order(
        self, insure_num: str, row: PurchaseMixin | None, row_state: PurchaseState | None
    ) -> Difference | None:
        """Query an order, compare it with its row, and return the difference or None.

        The gateway's answer is written to the row unless repair is off.

        :param row_state: The state of the row before the query.
        """
        values_before = None if row is None else get_purchase_values(row)
        if self._repair:
            row, answer = self._store.refresh_from_gateway(
                insure_num, since=self._since, call_on_change=self._call_on_change
            )
        else:
            answer = order = self._store.query_order(insure_num)
            if not self._store.should_store(order, row, self._since):
                return None
            row = row or self._store.build_empty_row(insure_num)
            fill_row_from_order(row, order)
        if row is None:
            return None
        if is_other_member_reported(row, answer):
            return Difference(insure_num, row_state, row.state, problem=OTHER_MEMBER_PROBLEM)
        if get_purchase_values(row) == values_before:
            return None
        return Difference(insure_num, row_state, row.state, repaired=self._repair)
