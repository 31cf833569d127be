"""Compares the rows of a site with the orders that the gateway lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from time import monotonic, sleep
from typing import Any

from sqlalchemy import select

from ..app.log import format_error_for_log
from ..deprecated import RenamedAttribute
from ..errors import OrderError
from ..gateway.orders import Order
from ..gateway.payloads import CHINA_TIMEZONE
from .model import (
    PurchaseMixin,
    PurchaseState,
    fill_row_from_order,
    get_purchase_values,
    get_statuses,
    is_order_created_before,
)
from .store import PurchaseStore, has_other_member

# How many orders in a row cannot be compared before the rest is left.
_MAX_CONSECUTIVE_FAILURES = 10
# Of these, nothing more is expected.
_FINAL_STATES = ("surrendered", "replaced", "cancelled")


@dataclass(frozen=True)
class Difference:
    """Where the site's database and the gateway do not agree, or did not.

    :param insure_num: the application number.
    :param here: the state in the database; None without a row.
    :param there: the state that the gateway says; None where it says none.
    :param repaired: the row now says what the gateway says.
    :param problem: why it cannot be repaired; empty where it can.
    """

    insure_num: str
    row_state: PurchaseState | None
    gateway_state: PurchaseState | None
    repaired: bool = False
    problem: str = ""

    # Deprecated names
    here = RenamedAttribute("row_state")
    there = RenamedAttribute("gateway_state")

    def __str__(self) -> str:
        outcome = self.problem or ("repaired" if self.repaired else "not repaired")
        states = f"{self.row_state or 'no row'} -> {self.gateway_state or '?'}"
        return f"{self.insure_num}: {states}, {outcome}"


class Reconciliation:
    """One comparison of all orders.

    :param since: leave out what was applied for before that day, in China.
    :param repair: write what the gateway says.
    :param per_second: how many orders are asked about in a second, at most.
    :param tell: whether the site's ``on_change`` is told.
    :raises ValueError: *per_second* is not above 0.
    """

    def __init__(
        self,
        store: PurchaseStore[Any],
        *,
        since: date | None,
        call_on_change: bool,
        repair: bool = True,
        per_second: float = 5,
    ) -> None:
        self._store = store
        self._since = None if since is None else datetime.combine(since, time(), CHINA_TIMEZONE)
        if not per_second > 0:
            raise ValueError(f"per_second must be a number greater than 0, got {per_second}.")
        self._call_on_change = call_on_change
        self._repair = repair
        self._query_interval = 1 / per_second

    def iter_differences_or_none(self) -> Iterator[Difference | None]:
        """Yield one for each order; None where both agree.

        :raises OrderError: the list cannot be read.
        """
        failures, next_at = 0, 0.0
        for number, listed in self._iter_orders_and_unlisted_numbers():
            difference = here = row = None
            try:
                row = self._store.find_row(number)
                here = None if row is None else row.state
                if listed is None or self._should_query_order(listed, row):
                    sleep(max(0, next_at - monotonic()))
                    next_at = monotonic() + self._query_interval
                    difference = self._compare_and_repair(number, row, here)
                failures = 0
            except Exception as error:
                # That the gateway refuses is about this order alone: it has answered.
                is_refused = isinstance(error, OrderError) and error.code is not None
                failures += not is_refused
                if failures == _MAX_CONSECUTIVE_FAILURES:
                    raise
                if not is_refused or row is None or row.updated_at is not None:
                    difference = Difference(number, here, None, problem=format_error_for_log(error))
            yield difference

    def _iter_orders_and_unlisted_numbers(self) -> Iterator[tuple[str, Order | None]]:
        """Yield each order of the list, and then the numbers of rows that are not in it."""
        numbers = set()
        for order in self._store.xiebao.orders.iter():
            numbers.add(order.insure_num)
            if not is_order_created_before(order, self._since):
                yield order.insure_num, order
        model = self._store.model
        query = select(model.insure_num)
        if self._since is not None:
            query = query.where(model.created_at >= self._since)
        with self._store.separate_transaction() as session:
            not_listed = set(session.scalars(query)) - numbers
        for number in sorted(not_listed):
            yield number, None

    def _should_query_order(self, listed_order: Order, row: PurchaseMixin | None) -> bool:
        """Tell whether an order of the list is another than its row, or says too little."""
        if row is None:
            return True
        if self._since is not None and row.created_at < self._since:
            return False
        here, there = get_statuses(row), get_statuses(listed_order)
        whose_is_said = listed_order.partner_uniq_key is not None and not row.forgotten
        return (
            any(said not in (None, known) for said, known in zip(there, here, strict=True))
            or (None in there and row.state not in _FINAL_STATES)
            or (whose_is_said and listed_order.member != row.member)
        )

    def _compare_and_repair(
        self, insure_num: str, row: PurchaseMixin | None, row_state: PurchaseState | None
    ) -> Difference | None:
        """Ask about an order, and return how its row differed, if it did.

        :param here: the state of the row.
        """
        keeper, before = self._store, None if row is None else get_purchase_values(row)
        if self._repair:
            row, answer = keeper.refresh_from_gateway(
                insure_num, since=self._since, call_on_change=self._call_on_change
            )
        else:
            answer = order = keeper.xiebao.orders.get(insure_num)
            is_wanted = keeper.should_store(order, row, self._since)
            row = (row or keeper.build_row(insure_num)) if is_wanted else None
            if row is not None:
                fill_row_from_order(row, order)
        if row is None:
            return None
        if has_other_member(row, answer):
            problem = "the order belongs to another member or to no member at the gateway"
            return Difference(insure_num, row_state, row.state, problem=problem)
        if get_purchase_values(row) == before:
            return None
        return Difference(insure_num, row_state, row.state, repaired=self._repair)
