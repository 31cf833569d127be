"""The report on sales: the clicks, the sales and the premiums of a month or of each month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask_babel import lazy_gettext
from sqlalchemy import func, select

from .purchases import InsuranceClick, Purchase, db, purchases
from .shop import CHINA_TIME

#: The columns of the clicks by which the report can be grouped, with their titles.
GROUPS = {
    "reference": (lazy_gettext("Shop order"), InsuranceClick.client_reference),
    "sub_account": (lazy_gettext("Sub-account"), InsuranceClick.sub_partner_id),
    "page": (lazy_gettext("Page"), InsuranceClick.page),
}
#: The number of rows in a report. The rows with the most sales come first.
MAX_ROWS = 50
#: The number of rows in the chart.
MAX_BARS = 10
#: The number of months in the report by month.
MONTH_COUNT = 12
# The lengths of the longest and the shortest bar, in percent of the chart's width. The rest of the
# width is for the text beside the bar.
_LONGEST_BAR, _SHORTEST_BAR = 60, 0.5
_FIRST_YEAR = 2000


@dataclass
class ReportRow:
    """A row of the report.

    :ivar value: The value of the column, or None for clicks without a value.
    :ivar has_click: False for the sales that have no click.
    """

    value: str | None
    has_click: bool = True
    clicks: int = 0
    sales: int = 0
    premium_fen: int = 0


class Bar(NamedTuple):
    """The lengths of a row's bars in the chart, in percent."""

    row: ReportRow
    clicks: float
    sales: float


def build_report(column: Any, begin: datetime, end: datetime) -> list[ReportRow]:
    """Return a row for each value of a column of the clicks, the most sales first.

    Sales are the purchases that were paid in the period. Surrenders are not subtracted.
    """
    rows: dict[tuple[bool, str | None], ReportRow] = {}
    click_query = (
        select(column, func.count())
        .where(InsuranceClick.clicked_at >= begin, InsuranceClick.clicked_at < end)
        .group_by(column)
    )
    for value, count in db.session.execute(click_query):
        rows[True, value] = ReportRow(value, clicks=count)
    # A reissued order is not a new sale, so it is left out.
    reissued = select(Purchase.replaced_by).where(Purchase.replaced_by.is_not(None))
    has_click = InsuranceClick.click_id.is_not(None)
    sale_query = (
        select(has_click, column, func.count(), func.sum(Purchase.price_fen))
        .select_from(Purchase)
        .outerjoin(InsuranceClick, InsuranceClick.click_id == purchases.click_id)
        .where(Purchase.paid_at >= begin, Purchase.paid_at < end)
        .where(Purchase.insure_num.not_in(reissued))
        .group_by(has_click, column)
    )
    for is_attributed, value, count, total in db.session.execute(sale_query):
        key = bool(is_attributed), value
        row = rows.setdefault(key, ReportRow(value, has_click=bool(is_attributed)))
        row.sales, row.premium_fen = count, int(total or 0)
    return sorted(rows.values(), key=lambda row: (-row.sales, -row.clicks, row.value or ""))


def build_report_by_month(last_month: datetime) -> list[ReportRow]:
    """Return a row for each of the last twelve months, the last month first."""
    rows, begin = [], last_month
    for _ in range(MONTH_COUNT):
        month = build_report(InsuranceClick.page, begin, get_next_month(begin))
        rows.append(
            ReportRow(
                f"{begin:%Y-%m}",
                clicks=sum(row.clicks for row in month),
                sales=sum(row.sales for row in month),
                premium_fen=sum(row.premium_fen for row in month),
            )
        )
        begin = get_previous_month(begin)
    return rows


def compute_bar_lengths(rows: list[ReportRow]) -> list[Bar]:
    """Compute the bars of the chart for the first rows of a report. All have the same scale."""
    rows = rows[:MAX_BARS]
    largest = max((max(row.clicks, row.sales) for row in rows), default=0) or 1

    def compute_length(count: int) -> float:
        return max(count / largest * _LONGEST_BAR, _SHORTEST_BAR) if count else 0

    return [Bar(row, compute_length(row.clicks), compute_length(row.sales)) for row in rows]


def get_current_month() -> datetime:
    """Return the beginning of the current month in China."""
    return datetime.now(CHINA_TIME).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def parse_month(text: str) -> datetime | None:
    """Return the beginning of a month such as ``2026-11`` in China.

    Return None if the text is not a month or the month is before 2000.
    """
    try:
        month = datetime.strptime(text, "%Y-%m").replace(tzinfo=CHINA_TIME)
    except ValueError:
        return None
    return month if month.year >= _FIRST_YEAR else None


def get_next_month(month: datetime) -> datetime:
    """Return the beginning of the month after *month*."""
    return (month + timedelta(days=31)).replace(day=1)


def get_previous_month(month: datetime) -> datetime:
    """Return the beginning of the month before *month*."""
    return (month - timedelta(days=1)).replace(day=1)
