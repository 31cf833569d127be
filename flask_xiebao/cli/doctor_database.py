"""Whether the site's database can keep purchases, and what ``flask xiebao reconcile`` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from ..app.log import format_error_for_log
from ..app.state import AppState
from ..errors import ConfigError
from ..texts import get_text
from .findings import Finding, error_finding, ok_finding, print_escaped_line, warning_finding

if TYPE_CHECKING:
    from ..sqla import Difference, Purchases

_CLEAR_LINE = "\r\033[K"


def check_database(state: AppState, locale: str) -> Iterator[Finding]:
    """Say whether the table is as it should be, and whose purchases are in it."""
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        return
    if "notification_handler" not in state.hooks.functions:
        yield warning_finding(get_text(locale, "doctor.purchases.unheard"))
    if purchases.store.only is not None and state.settings.member_secret is None:
        yield warning_finding(get_text(locale, "doctor.purchases.shared"))
    table = purchases.store.table
    try:
        lacking, unset = (
            _describe_missing_columns(purchases, locale),
            purchases.store.find_columns_without_default(),
        )
        if lacking:
            yield warning_finding(lacking)
        elif unset:
            columns = get_text(locale, "list.comma").join(unset)
            yield warning_finding(
                get_text(locale, "doctor.purchases.unset", table=table.name, columns=columns)
            )
        else:
            yield ok_finding(get_text(locale, "doctor.ok.purchases", table=table.name))
    except ConfigError as error:
        yield error_finding(str(error))
    except Exception as error:  # whose text may hold a password
        why = type(error).__name__
        yield warning_finding(
            get_text(locale, "doctor.purchases.unread", table=table.name, error=why)
        )


def _describe_missing_columns(purchases: Purchases[Any], locale: str) -> str:
    """Say that the table does not exist, or which columns it lacks; "" where it has them all."""
    table, missing = purchases.store.table, purchases.store.find_missing_columns()
    if not missing:
        return ""
    kind = "missing" if len(missing) == len(table.columns) else "lacks"
    columns = get_text(locale, "list.comma").join(missing)
    return get_text(locale, f"doctor.purchases.{kind}", table=table.name, columns=columns)


def run_reconcile_command(
    purchases: Purchases[Any], *, dry_run: bool, since: date | None, no_on_change: bool
) -> int:
    """Print each difference, and return the status with which the command ends."""
    from ..sqla.reconciliation import Reconciliation

    comparison = Reconciliation(
        purchases.store, since=since, repair=not dry_run, call_on_change=not no_on_change
    )
    compared = comparison.iter_differences_or_none()
    on_terminal = sys.stderr.isatty()
    count = differ = left = 0
    try:
        if lacking := _describe_missing_columns(purchases, "en"):
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
                    _print_difference(difference, on_terminal)
    except Exception as error:
        click.echo(f"Compared: {count:,}. Stopped by {format_error_for_log(error)}.", err=True)
        return 2
    print_escaped_line(f"Compared: {count:,}. Different: {differ:,}. Repaired: {differ - left:,}.")
    return 1 if left else 0


def _print_difference(difference: Difference, is_terminal: bool) -> None:
    if is_terminal:
        click.echo(_CLEAR_LINE, err=True, nl=False)
    print_escaped_line(str(difference))
