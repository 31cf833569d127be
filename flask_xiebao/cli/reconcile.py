"""The commands ``flask xiebao reconcile`` and ``flask xiebao reassign``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from ..app.log import format_error_for_log
from ..app.state import AppState
from ..errors import ConfigError
from .doctor_database import describe_missing_columns
from .findings import print_escaped_line

if TYPE_CHECKING:
    from ..sqla import Purchases

# This escape sequence moves the cursor to the start of the line and erases the progress bar.
_CLEAR_LINE = "\r\033[K"


def find_purchases(state: AppState) -> Purchases[Any]:
    """Return the site's Purchases object.

    :raises click.UsageError: if the site has none, or SECRET_KEY is missing or wrong.
    """
    try:
        # A cron job often lacks the site's environment variables. If SECRET_KEY is missing,
        # XIEBAO_MEMBER_SECRET is most likely missing, too. Without XIEBAO_MEMBER_SECRET, member
        # keys cannot be read, and new purchases would be stored without their members.
        state.signer  # noqa: B018 - raises ConfigError
    except ConfigError as error:
        raise click.UsageError(
            f"Run the command with the same environment as the site. {error}"
        ) from None
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        raise click.UsageError(
            "The app has no Purchases object. Create one, or import the module that creates it."
        )
    return purchases


def run_reassign_command(purchases: Purchases[Any], insure_num: str) -> int:
    """Correct the member of a purchase, and print the outcome.

    :return: The exit status of the command: 0 if the row has the gateway's member, otherwise 2.
    """
    try:
        row = purchases.reassign(insure_num)
    except Exception as error:
        click.echo(f"Not corrected: {format_error_for_log(error)}.", err=True)
        return 2
    print_escaped_line(f"{row.insure_num}: the row has the member whom the gateway reports.")
    return 0


def run_reconcile_command(
    purchases: Purchases[Any],
    *,
    dry_run: bool,
    since: date | None,
    no_on_change: bool,
    partial: bool,
) -> int:
    """Correct the purchase rows that differ from the gateway's orders, and print each difference.

    :param dry_run: If True, do not write anything.
    :param since: The date (China time) before which insurance applications are ignored, or None.
    :param no_on_change: If True, do not call the site's ``on_change``.
    :param partial: If True, query all policies in force for several people.
    :return: The exit status of the command: 0 if rows and orders agree in the end, 1 if they do
        not, and 2 if the table or a column is missing or an error stopped the comparison.
    """
    from ..sqla.reconciliation import Reconciliation

    reconciliation = Reconciliation(
        purchases.store,
        since=since,
        repair=not dry_run,
        call_on_change=not no_on_change,
        query_partial_surrenders=partial,
    )
    differences = reconciliation.iter_differences_or_none()
    is_terminal = sys.stderr.isatty()
    compared = different = unrepaired = 0
    try:
        if message := describe_missing_columns(purchases, "en"):
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
