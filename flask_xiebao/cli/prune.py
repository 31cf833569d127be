"""The command ``flask xiebao prune``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..texts import get_text
from .doctor_database import describe_missing_columns
from .findings import print_escaped_line
from .reconcile import describe_store_error, normalize_past_date

if TYPE_CHECKING:
    from ..sqla import Purchases


def run_prune_command(purchases: Purchases[Any], clicks_before: datetime, locale: str) -> int:
    """Delete the clicks before a date, and print their number.

    :param clicks_before: The beginning of the date (China time), without a time zone.
    :param locale: The language of the output.
    :return: The exit status of the command: 0 if the clicks were deleted, 2 if the table or a
        column is missing or the database raised an error.
    :raises click.UsageError: if the site does not store clicks, or the date is in the future.
    """
    store = purchases.click_store
    if store is None:
        raise click.UsageError(get_text(locale, "prune.no_clicks"))
    time = normalize_past_date(clicks_before, locale)
    try:
        if message := describe_missing_columns(store, locale):
            click.echo(message, err=True)
            return 2
        count = store.delete_clicks_before(time)
    except Exception as error:
        click.echo(describe_store_error(store, error, locale), err=True)
        return 2
    print_escaped_line(get_text(locale, "prune.done", count=f"{count:,}"))
    return 0
