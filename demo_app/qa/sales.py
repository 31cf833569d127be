"""Only for QA: the groups and the months of the sales report at ``/qa/sales``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext

from ..policies import InsuranceClick
from ..reports import ReportRow, build_report
from ..shop import CHINA_TIME

#: The ways to group the sales report, each with a title and a column of ``InsuranceClick``. The
#: report by month has no column.
GROUPS: dict[str, tuple[Any, Any]] = {
    "reference": (lazy_gettext("Shop order"), InsuranceClick.client_reference),
    "sub_account": (lazy_gettext("Sub-account"), InsuranceClick.sub_partner_id),
    "page": (lazy_gettext("Page"), InsuranceClick.page),
    "month": (lazy_gettext("Month"), None),
}
#: The maximum number of rows in the table of the sales report.
MAX_ROWS = 50


def build_monthly_report(last_month: datetime) -> list[ReportRow]:
    """Return the sales report with a row for each of twelve months, the last month first."""
    rows, begin = [], last_month
    for _ in range(12):
        report = build_report(InsuranceClick.page, begin, get_next_month(begin))
        rows.append(
            ReportRow(
                has_click=True,
                value=f"{begin:%Y-%m}",
                clicks=sum(row.clicks for row in report),
                sales=sum(row.sales for row in report),
                premium_fen=sum(row.premium_fen for row in report),
            )
        )
        begin = get_previous_month(begin)
    return rows


def parse_month(text: str) -> datetime | None:
    """Parse a month, for example ``2026-11``, and return its beginning in China's time zone.

    Return None if the text is not a month, or if the month is before the year 2000.
    """
    try:
        month = datetime.strptime(text, "%Y-%m").replace(tzinfo=CHINA_TIME)
    except ValueError:
        return None
    return month if month.year >= 2000 else None


def get_current_month() -> datetime:
    """Return the beginning of the current month in China."""
    return datetime.now(CHINA_TIME).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def get_next_month(month: datetime) -> datetime:
    """Return the beginning of the month after *month*."""
    return (month + timedelta(days=31)).replace(day=1)


def get_previous_month(month: datetime) -> datetime:
    """Return the beginning of the month before *month*."""
    return (month - timedelta(days=1)).replace(day=1)
