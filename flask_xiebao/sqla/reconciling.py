"""Compares the rows of a site with the orders that the gateway lists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..errors import OrderError
from ..gateway.orders import Order
from ..views.callback import failure_in
from .keeping import Keeper, is_anothers
from .model import PurchaseMixin, PurchaseState, facts_in, fill, made_at

# How many orders in a row cannot be compared before the rest is left.
_MOST_FAILURES = 10
# Of these, nothing more is expected.
_FINAL = ("surrendered", "replaced", "cancelled")


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
    here: PurchaseState | None
    there: PurchaseState | None
    repaired: bool = False
    problem: str = ""

    def __str__(self) -> str:
        outcome = self.problem or ("repaired" if self.repaired else "not repaired")
        return f"{self.insure_num}: {self.here or 'no row'} -> {self.there or '?'}, {outcome}"


@dataclass(frozen=True)
class Reconciliation:
    """One comparison of all orders.

    :param since: what was applied for before is left out.
    :param repair: write what the gateway says.
    :param per_second: how many orders are asked about in a second, at most.
    :param tell: whether the site's ``on_change`` is told.
    """

    keeper: Keeper[Any]
    since: datetime | None
    repair: bool
    per_second: float
    tell: bool

    def differences(self) -> Iterator[Difference | None]:
        """Yield one for each order; None where both agree.

        :raises OrderError: the list cannot be read.
        """
        listed: set[str] = set()
        failures, next_at = 0, 0.0
        for number in self._to_ask_about(listed):
            difference = here = None
            if number is not None:
                time.sleep(max(0, next_at - time.monotonic()))
                next_at = time.monotonic() + 1 / self.per_second
                try:
                    row = self.keeper.read(number)
                    here = row.state if row is not None else None
                    difference = self._compare(number, row)
                    failures = 0
                except Exception as error:
                    is_refused = isinstance(error, OrderError) and error.code is not None
                    # A row whose number nobody knows is no failure.
                    failures += not (is_refused and number not in listed)
                    if failures == _MOST_FAILURES:
                        raise
                    if not (is_refused and here == "unknown"):
                        difference = Difference(number, here, None, problem=failure_in(error))
            yield difference

    def _to_ask_about(self, listed: set[str]) -> Iterator[str | None]:
        """Yield the number of each order that has to be asked about; None for the others.

        :param listed: the numbers that the gateway lists are added to it.
        """
        for order in self.keeper.orders.iter():
            listed.add(order.insure_num)
            yield order.insure_num if self._is_doubtful(order) else None
        model = self.keeper.model
        with self.keeper.transaction() as session:
            numbers = select(model.insure_num)
            if self.since is not None:
                numbers = numbers.where(model.created_at >= self.since)
            not_listed = set(session.scalars(numbers)) - listed
        yield from sorted(not_listed)

    def _is_doubtful(self, order: Order) -> bool:
        """Tell whether an order of the list is another than its row, or says too little."""
        row = self.keeper.read(order.insure_num)
        since = self.since
        if since is not None:
            when = made_at(order) if row is None else row.created_at
            if when is not None and when < since:
                return False
        if row is None:
            return True
        here = (row.pay_status, row.issue_status, row.effective_status)
        there = (order.pay_status, order.issue_status, order.effective_status)
        whose_is_said = order.partner_uniq_key is not None and not row.forgotten
        return (
            any(said not in (None, known) for said, known in zip(there, here, strict=True))
            or (None in there and row.state not in _FINAL)
            or (whose_is_said and order.member != row.member)
        )

    def _compare(self, number: str, row: PurchaseMixin | None) -> Difference | None:
        """Ask about an order, and return how its row differed, if it did."""
        keeper = self.keeper
        here, before = (None, None) if row is None else (row.state, facts_in(row))
        if self.repair:
            row, order = keeper.refresh(number, since=self.since, tell=self.tell)
        else:
            order = keeper.orders.get(number)
            row = (row or keeper.make(number)) if keeper.is_wanted(order, self.since) else None
            if row is not None:
                fill(row, order)
        if row is None:
            return None
        if is_anothers(row, order):
            problem = "at the gateway it is another member's, or nobody's"
            return Difference(number, here, row.state, problem=problem)
        if facts_in(row) == before:
            return None
        return Difference(number, here, row.state, repaired=self.repair)
