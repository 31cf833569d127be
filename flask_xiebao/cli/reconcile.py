"""The commands ``flask xiebao reconcile`` and ``flask xiebao reassign``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..app.log import format_error_for_log, is_message_free_of_secrets
from ..app.state import AppState
from ..errors import ConfigError, XiebaoError
from ..gateway.payloads import CHINA_TIMEZONE
from ..texts import get_text
from .doctor_database import describe_database_error, describe_missing_columns
from .findings import print_escaped_line
from .query_errors import describe_query_error

if TYPE_CHECKING:
    from ..sqla import Difference, Purchases
    from ..sqla.model_store import ModelStore

# This escape sequence moves the cursor to the start of the line and erases the progress bar.
_CLEAR_LINE = "\r\033[K"


def find_purchases(state: AppState, locale: str) -> Purchases[Any]:
    """Return the site's Purchases object.

    :param locale: The language of the errors.
    :raises click.UsageError: if the site has none, or SECRET_KEY is missing or wrong.
    """
    try:
        # A cron job often lacks the site's environment variables. If SECRET_KEY is missing,
        # XIEBAO_MEMBER_SECRET is most likely missing, too. Without XIEBAO_MEMBER_SECRET, member
        # keys cannot be read, and new purchases would be stored without their members.
        state.signer  # noqa: B018 - raises ConfigError
    except ConfigError:
        raise click.UsageError(get_text(locale, "reconcile.environment")) from None
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        raise click.UsageError(get_text(locale, "reconcile.no_purchases"))
    return purchases


def run_reassign_command(purchases: Purchases[Any], insure_num: str, locale: str) -> int:
    """Correct the member of a purchase, and print the outcome.

    :param locale: The language of the outcome.
    :return: The exit status of the command: 0 if the row has the gateway's member, otherwise 2.
    """
    try:
        if message := describe_missing_columns(purchases.store, locale):
            click.echo(message, err=True)
            return 2
        row = purchases.reassign(insure_num)
    except Exception as error:
        click.echo(describe_store_error(purchases.store, error, locale), err=True)
        return 2
    print_escaped_line(get_text(locale, "reassign.done", number=row.insure_num))
    return 0


def run_reconcile_command(
    purchases: Purchases[Any],
    locale: str,
    *,
    dry_run: bool,
    since: datetime | None,
    no_on_change: bool,
    partial: bool,
) -> int:
    """Correct the purchase rows that differ from the gateway's orders, and print each difference.

    :param locale: The language of the output.
    :param dry_run: If True, do not write anything.
    :param since: The beginning of the date (China time) before which insurance applications are
        ignored, without a time zone, or None.
    :param no_on_change: If True, do not call the site's ``on_change``.
    :param partial: If True, query all policies for several people that are issued or in force.
    :return: The exit status of the command: 0 if rows and orders agree in the end, 1 if they do
        not, and 2 if the table or a column is missing or an error stopped the comparison.
    :raises click.UsageError: if *since* is in the future.
    """
    from ..sqla.reconciliation import Reconciliation

    if since is not None:
        since = normalize_past_date(since, locale)
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
        if message := describe_missing_columns(purchases.store, locale):
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
                    print_escaped_line(_format_difference(difference, locale))
    except Exception as error:
        message = describe_store_error(purchases.store, error, locale)
        values = {"compared": f"{compared:,}", "error": message}
        click.echo(get_text(locale, "reconcile.stopped", **values), err=True)
        return 2
    counts = {"compared": compared, "different": different, "repaired": different - unrepaired}
    texts = {name: f"{count:,}" for name, count in counts.items()}
    print_escaped_line(get_text(locale, "reconcile.summary", **texts))
    return 1 if unrepaired else 0


def normalize_past_date(date: datetime, locale: str) -> datetime:
    """Return the beginning of a date as a timezone-aware datetime in China time.

    :param date: The beginning of the date as a naive datetime.
    :raises click.UsageError: if the date is in the future.
    """
    time = date.replace(tzinfo=CHINA_TIMEZONE)
    if time > datetime.now(CHINA_TIMEZONE):
        raise click.UsageError(get_text(locale, "reconcile.future", date=date.date().isoformat()))
    return time


def describe_store_error(store: ModelStore[Any], error: Exception, locale: str) -> str:
    """Return a description of an error that stopped a command. The description has no secrets.

    :param store: The store that was used when the error was raised.
    """
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OperationalError):
        return describe_database_error(store, error, locale)
    if isinstance(error, XiebaoError) and is_message_free_of_secrets(error):
        return describe_query_error(error, locale)
    return f"{format_error_for_log(error)}."


def _format_difference(difference: Difference, locale: str) -> str:
    from ..sqla.reconciliation import OTHER_MEMBER_PROBLEM

    if difference.problem == OTHER_MEMBER_PROBLEM:
        outcome = get_text(locale, "reconcile.other_member")
    else:
        key = "reconcile.repaired" if difference.repaired else "reconcile.not_repaired"
        outcome = difference.problem or get_text(locale, key)
    return get_text(
        locale,
        "reconcile.difference",
        number=difference.insure_num,
        row=difference.row_state or get_text(locale, "reconcile.no_row"),
        gateway=difference.gateway_state or "?",
        outcome=outcome,
    )
