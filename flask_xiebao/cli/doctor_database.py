"""The doctor's check of the tables for purchases and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..app.state import AppState
from ..errors import ConfigError
from ..texts import get_text
from .findings import Finding, error_finding, ok_finding, warning_finding

if TYPE_CHECKING:
    from ..sqla import Purchases
    from ..sqla.model_store import ModelStore


def check_database(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield findings about the site's Purchases object and its tables.

    It is an error if purchases or clicks cannot be written, and in production also if no
    notifications arrive. The findings include a warning if the members of two sites with one
    account cannot be told apart.
    """
    purchases: Purchases[Any] | None = state.hooks.purchases
    if purchases is None:
        return
    if "notification_handler" not in state.hooks.functions:
        build_finding = error_finding if state.settings.env == "production" else warning_finding
        yield build_finding(get_text(locale, "doctor.purchases.unheard"))
    if purchases.store.only is not None and state.settings.member_secret is None:
        yield warning_finding(get_text(locale, "doctor.purchases.shared"))
    yield _check_table(purchases.store, "doctor.ok.purchases", locale)
    if purchases.click_store is not None:
        yield _check_table(purchases.click_store, "doctor.ok.clicks", locale)


def _check_table(store: ModelStore[Any], ok_key: str, locale: str) -> Finding:
    table = store.table
    try:
        missing_columns_message = describe_missing_columns(store, locale)
        columns_without_default = store.find_columns_without_default()
        if missing_columns_message:
            return error_finding(missing_columns_message)
        if columns_without_default and not store.can_insert_empty_row():
            columns = get_text(locale, "list.comma").join(columns_without_default)
            return error_finding(
                get_text(locale, "doctor.purchases.unset", table=table.name, columns=columns)
            )
        return ok_finding(get_text(locale, ok_key, table=table.name))
    except ConfigError as error:
        return error_finding(str(error))
    except Exception as error:
        return error_finding(describe_database_error(store, error, locale))


def describe_database_error(store: ModelStore[Any], error: Exception, locale: str) -> str:
    """Return sentences about a database that cannot be used.

    Only the class of the exception is named, because its text may contain a password.
    """
    return get_text(
        locale, "doctor.purchases.unread", table=store.table.name, error=type(error).__name__
    )


def describe_missing_columns(store: ModelStore[Any], locale: str) -> str:
    """Return a sentence that names the missing table or columns, or "" if nothing is missing."""
    table, missing = store.table, store.find_missing_columns()
    if not missing:
        return ""
    if len(missing) == len(table.columns):
        database = store.get_database_name()
        return get_text(locale, "doctor.purchases.missing", table=table.name, database=database)
    columns = get_text(locale, "list.comma").join(missing)
    return get_text(locale, "doctor.purchases.lacks", table=table.name, columns=columns)
