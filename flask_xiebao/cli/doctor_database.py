"""The doctor's check of the purchase table, and the ``flask xiebao reconcile`` command."""

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
    from ..sqla import Purchases

# This escape sequence moves the cursor to the start of the line and erases the progress bar.
_CLEAR_LINE = "\r\033[K"


def check_database(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield findings about the site's Purchases object and the columns of its table.

    They include a warning if the members of two sites with one account cannot be told apart.
    """
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        return
    if "notification_handler" not in state.hooks.functions:
        yield warning_finding(get_text(locale, "doctor.purchases.unheard"))
    if purchases.store.only is not None and state.settings.member_secret is None:
        yield warning_finding(get_text(locale, "doctor.purchases.shared"))
    table = purchases.store.table
    try:
        missing_columns_message = _describe_missing_columns(purchases, locale)
        columns_without_default = purchases.store.find_columns_without_default()
        if missing_columns_message:
            yield warning_finding(missing_columns_message)
        elif columns_without_default:
            columns = get_text(locale, "list.comma").join(columns_without_default)
            yield warning_finding(
                get_text(locale, "doctor.purchases.unset", table=table.name, columns=columns)
            )
        else:
            yield ok_finding(get_text(locale, "doctor.ok.purchases", table=table.name))
    except ConfigError as error:
        yield error_finding(str(error))
    except Exception as error:
        # Only the class of the exception is shown, because its text may contain a password.
        yield warning_finding(
            get_text(
                locale, "doctor.purchases.unread", table=table.name, error=type(error).__name__
            )
        )


def _describe_missing_columns(purchases: Purchases[Any], locale: str) -> str:
    """Return a sentence that names the missing table or columns, or "" if nothing is missing."""
    table, missing = purchases.store.table, purchases.store.find_missing_columns()
    if not missing:
        return ""
    kind = "missing" if len(missing) == len(table.columns) else "lacks"
    columns = get_text(locale, "list.comma").join(missing)
    return get_text(locale, f"doctor.purchases.{kind}", table=table.name, columns=columns)


def run_reconcile_command(
    purchases: Purchases[Any], *, dry_run: bool, since: date | None, no_on_change: bool
) -> int:
    """Correct the purchase rows that differ from the gateway's orders, and print each difference.

    :param dry_run: If True, do not write anything.
    :param since: The date (China time) before which insurance applications are ignored, or None.
    :param no_on_change: If True, do not call the site's ``on_change``.
    :return: The exit status of the command: 0 if rows and orders agree in the end, 1 if they do
        not, and 2 if the table or a column is missing or an error stopped the comparison.
    """
    from ..sqla.reconciliation import Reconciliation

    reconciliation = Reconciliation(
        purchases.store, since=since, repair=not dry_run, call_on_change=not no_on_change
    )
    differences = reconciliation.iter_differences_or_none()
    is_terminal = sys.stderr.isatty()
    compared = different = unrepaired = 0
    try:
        if message := _describe_missing_columns(purchases, "en"):
            click.echo(message, err=True)
            return 2
        with (
            click.progressbar(differences, file=sys.stderr, show_pos=True)
            if is_terminal
            else nullcontext(differences)
        ) as counted_differences:
            for difference in counted_differences:
                compared += 1
                if difference is not None:
                    different += 1
                    unrepaired += not difference.repaired
                    if is_terminal:
                        click.echo(_CLEAR_LINE, err=True, nl=False)
                    print_escaped_line(str(difference))
    except Exception as error:
        click.echo(f"Compared: {compared:,}. Stopped by {format_error_for_log(error)}.", err=True)
        return 2
    print_escaped_line(
        f"Compared: {compared:,}. Different: {different:,}. Repaired: {different - unrepaired:,}."
    )
    return 1 if unrepaired else 0
