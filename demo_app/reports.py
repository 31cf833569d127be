"""A report on insurance: the clicks, the sales and the premiums of a period."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from .extensions import db
from .policies import InsuranceClick, Purchase, purchases


class ReportRow(NamedTuple):
    """A row of the insurance report.

    :param has_click: False for the row with the sales that no click led to, otherwise True.
    :param value: The value of the column by which the clicks are grouped, or None for the clicks
        without a value.
    """

    has_click: bool
    value: str | None
    clicks: int
    sales: int
    premium_fen: int


def build_report(column: Any, begin: datetime, end: datetime) -> list[ReportRow]:
    """Return the report on a period, grouped by a column of ``InsuranceClick``.

    Sales are the purchases that were paid in the period, even if they were surrendered later.

    :param column: The column, for example ``InsuranceClick.page``.
    :param begin: The beginning of the period, as a timezone-aware datetime.
    """
    click_query = (
        select(column, func.count())
        .where(InsuranceClick.clicked_at >= begin, InsuranceClick.clicked_at < end)
        .group_by(column)
    )
    # An order that replaces an earlier order is not a new sale, so leave it out.
    reissued = select(Purchase.replaced_by).where(Purchase.replaced_by.is_not(None))
    has_no_click = InsuranceClick.click_id.is_(None)
    sale_query = (
        select(has_no_click, column, func.count(), func.sum(Purchase.price_fen))
        .select_from(Purchase)
        .outerjoin(InsuranceClick, InsuranceClick.click_id == purchases.click_id)
        .where(Purchase.paid_at >= begin, Purchase.paid_at < end)
        .where(Purchase.insure_num.not_in(reissued))
        .group_by(has_no_click, column)
    )
    clicks = {(True, value): count for value, count in db.session.execute(click_query)}
    sales = {
        (not no_click, value): (count, int(total or 0))
        for no_click, value, count, total in db.session.execute(sale_query)
    }
    keys = sorted({*clicks, *sales}, key=lambda key: (not key[0], key[1] or ""))
    return [ReportRow(*key, clicks.get(key, 0), *sales.get(key, (0, 0))) for key in keys]
