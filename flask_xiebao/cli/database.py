"""Whether the site's database can keep purchases, and what ``flask xiebao reconcile`` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from ..app.log import describe_failure
from ..app.state import State
from ..errors import ConfigError
from ..texts import text
from .findings import Finding, bad, echo, ok, warning

if TYPE_CHECKING:
    from ..sqla import Difference, Purchases

_CLEAR = "\r\033[K"


def check_database(state: State, locale: str) -> Iterator[Finding]:
    """Say whether the table is as it should be, and whose purchases are in it."""
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        return
    if "notification_handler" not in state.hooks.functions:
        yield warning(text(locale, "doctor.purchases.unheard"))
    if purchases.keeper.only is not None and state.settings.member_secret is None:
        yield warning(text(locale, "doctor.purchases.shared"))
    table = purchases.keeper.table
    try:
        lacking, unset = _lacking(purchases, locale), purchases.keeper.unset_columns()
        if lacking:
            yield warning(lacking)
        elif unset:
            columns = text(locale, "list.comma").join(unset)
            yield warning(text(locale, "doctor.purchases.unset", table=table.name, columns=columns))
        else:
            yield ok(text(locale, "doctor.ok.purchases", table=table.name))
    except ConfigError as error:
        yield bad(str(error))
    except Exception as error:  # whose text may hold a password
        why = type(error).__name__
        yield warning(text(locale, "doctor.purchases.unread", table=table.name, error=why))


def _lacking(purchases: Purchases[Any], locale: str) -> str:
    """Say that the table does not exist, or which columns it lacks; "" where it has them all."""
    table, missing = purchases.keeper.table, purchases.keeper.missing_columns()
    if not missing:
        return ""
    kind = "missing" if len(missing) == len(table.columns) else "lacks"
    columns = text(locale, "list.comma").join(missing)
    return text(locale, f"doctor.purchases.{kind}", table=table.name, columns=columns)


def reconcile(
    purchases: Purchases[Any], *, dry_run: bool, since: date | None, no_on_change: bool
) -> int:
    """Print each difference, and return the status with which the command ends."""
    from ..sqla.reconciling import Reconciliation

    comparison = Reconciliation(
        purchases.keeper, since=since, repair=not dry_run, tell=not no_on_change
    )
    compared = comparison.differences()
    on_terminal = sys.stderr.isatty()
    count = differ = left = 0
    try:
        if lacking := _lacking(purchases, "en"):
            click.echo(lacking, err=True)
            return 2
        with (
            click.progressbar(compared, file=sys.stderr, show_pos=True)
            if on_terminal
            else nullcontext(compared)
        ) as each_compared:
            for difference in each_compared:
                count += 1
                if difference is not None:
                    differ += 1
                    left += not difference.repaired
                    _print(difference, on_terminal)
    except Exception as error:
        click.echo(f"Compared: {count:,}. Stopped by {describe_failure(error)}.", err=True)
        return 2
    echo(f"Compared: {count:,}. Different: {differ:,}. Repaired: {differ - left:,}.")
    return 1 if left else 0


def _print(difference: Difference, on_terminal: bool) -> None:
    if on_terminal:
        click.echo(_CLEAR, err=True, nl=False)
    echo(str(difference))
