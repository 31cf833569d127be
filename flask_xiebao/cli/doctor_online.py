"""The doctor's order query, which tests the partner account, the key and the environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..app import order_client
from ..app.state import AppState
from ..errors import XiebaoError
from ..texts import get_text
from .findings import Finding, error_finding, ok_finding, warning_finding
from .query_errors import describe_query_error

# A larger difference between the clocks, in seconds, is a warning. The site computes from its clock
# how long links are valid.
_MAX_CLOCK_DIFFERENCE = 60


def check_order_query(state: AppState, locale: str, *, is_simulated: bool) -> Iterator[Finding]:
    """Query the order list for one order, and yield findings about the response.

    If Xiebao's gateway accepts the query, the partner account, the API key and the environment
    match.

    :param locale: The language of the findings.
    :param is_simulated: If True, a simulator in this app answers the query.
    """
    suffix = ".simulator" if is_simulated else ""
    started_at = time.monotonic()
    try:
        client = order_client.get_order_client(state)
        next(client.iter(page_size=1), None)
    except XiebaoError as error:
        message = get_text(
            locale, f"doctor.online{suffix}", error=describe_query_error(error, locale)
        )
        # If the simulator has not answered, a request hook of the app may have refused the query.
        if is_simulated and getattr(error, "code", None) is None:
            advice = get_text(locale, "doctor.online.hook")
            message = get_text(locale, "list.sentences", first=message, then=advice)
        yield error_finding(message)
        return
    seconds = f"{time.monotonic() - started_at:.1f}"
    yield ok_finding(get_text(locale, f"doctor.ok.online{suffix}", seconds=seconds))
    # The Date header may be missing or malformed.
    with suppress(TypeError, ValueError):
        gateway_time = parsedate_to_datetime(client.response_date)  # type: ignore[arg-type]
        difference = round(abs((datetime.now(UTC) - gateway_time).total_seconds()))
        is_large = difference > _MAX_CLOCK_DIFFERENCE
        build_finding = warning_finding if is_large else ok_finding
        key = "doctor.online.clock" if is_large else "doctor.ok.online.clock"
        yield build_finding(get_text(locale, key, seconds=difference))
