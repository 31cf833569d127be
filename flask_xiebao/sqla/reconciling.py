"""Compares the rows of a site with the orders that the gateway lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from time import monotonic, sleep
from typing import Any

from sqlalchemy import select

from ..app.log import describe_failure
from ..errors import OrderError
from ..gateway.orders import Order
from ..gateway.payloads import CHINA_TIME
from .keeping import Keeper, is_anothers
from .model import PurchaseMixin, PurchaseState, facts_in, fill, is_before, statuses

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
        keeper: Keeper[Any],
        *,
        since: date | None,
        tell: bool,
        repair: bool = True,
        per_second: float = 5,
    ) -> None:
        self._keeper = keeper
        self._since = None if since is None else datetime.combine(since, time(), CHINA_TIME)
        if not per_second > 0:
            raise ValueError(f"per_second must be a number greater than 0, got {per_second}.")
        self._tell = tell
        self._repair = repair
        self._seconds = 1 / per_second

    def differences(self) -> Iterator[Difference | None]:
        """Yield one for each order; None where both agree.

        :raises OrderError: the list cannot be read.
        """
        failures, next_at = 0, 0.0
        for number, listed in self._orders():
            difference = here = row = None
            try:
                row = self._keeper.read(number)
                here = None if row is None else row.state
                if listed is None or self._is_doubtful(listed, row):
                    sleep(max(0, next_at - monotonic()))
                    next_at = monotonic() + self._seconds
                    difference = self._compare(number, row, here)
                failures = 0
            except Exception as error:
                # That the gateway refuses is about this order alone: it has answered.
                is_refused = isinstance(error, OrderError) and error.code is not None
                failures += not is_refused
                if failures == _MOST_FAILURES:
                    raise
                if not is_refused or row is None or row.updated_at is not None:
                    difference = Difference(number, here, None, problem=describe_failure(error))
            yield difference

    def _orders(self) -> Iterator[tuple[str, Order | None]]:
        """Yield each order of the list, and then the numbers of rows that are not in it."""
        numbers = set()
        for order in self._keeper.xiebao.orders.iter():
            numbers.add(order.insure_num)
            if not is_before(order, self._since):
                yield order.insure_num, order
        model = self._keeper.model
        query = select(model.insure_num)
        if self._since is not None:
            query = query.where(model.created_at >= self._since)
        with self._keeper.transaction() as session:
            not_listed = set(session.scalars(query)) - numbers
        for number in sorted(not_listed):
            yield number, None

    def _is_doubtful(self, order: Order, row: PurchaseMixin | None) -> bool:
        """Tell whether an order of the list is another than its row, or says too little."""
        if row is None:
            return True
        if self._since is not None and row.created_at < self._since:
            return False
        here, there = statuses(row), statuses(order)
        whose_is_said = order.partner_uniq_key is not None and not row.forgotten
        return (
            any(said not in (None, known) for said, known in zip(there, here, strict=True))
            or (None in there and row.state not in _FINAL)
            or (whose_is_said and order.member != row.member)
        )

    def _compare(
        self, number: str, row: PurchaseMixin | None, here: PurchaseState | None
    ) -> Difference | None:
        """Ask about an order, and return how its row differed, if it did.

        :param here: the state of the row.
        """
        keeper, before = self._keeper, None if row is None else facts_in(row)
        if self._repair:
            row, answer = keeper.refresh(number, since=self._since, tell=self._tell)
        else:
            answer = order = keeper.xiebao.orders.get(number)
            is_wanted = keeper.is_wanted(order, row, self._since)
            row = (row or keeper.make(number)) if is_wanted else None
            if row is not None:
                fill(row, order)
        if row is None:
            return None
        if is_anothers(row, answer):
            problem = "the order belongs to another member or to no member at the gateway"
            return Difference(number, here, row.state, problem=problem)
        if facts_in(row) == before:
            return None
        return Difference(number, here, row.state, repaired=self._repair)
