"""Tests for the command ``flask xiebao prune``, which deletes old clicks.

To test another error of the command, add a row to ``ERRORS``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event

from flask_xiebao.sqla import clicks
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import Shop, assert_command_error
from tests.support import PC, failing_function

MIDNIGHT_IN_CHINA = datetime(2026, 11, 26, 16, tzinfo=UTC)


def click_after_midnight(shop: Shop, minutes: int) -> None:
    """Click a product entry this many minutes after midnight in China."""
    with time_machine.travel(MIDNIGHT_IN_CHINA + timedelta(minutes=minutes), tick=False):
        shop.site.follow(shop.site.link("product"), PC)


def test_prune_deletes_clicks_before_date_in_china(
    shop_storing_clicks: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "_CLICKS_PER_DELETION", 2)
    monkeypatch.setattr(clicks, "_CLICKS_PER_QUERY", 4)
    for minutes in (-1, -1, -5, -3000, -9999, 0, 1):
        click_after_midnight(shop_storing_clicks, minutes)
    command = ("prune", "--clicks-before", "2026-11-27")

    assert shop_storing_clicks.run_command(*command).output == "Deleted clicks: 5.\n"
    ages = [row.clicked_at - MIDNIGHT_IN_CHINA for row in shop_storing_clicks.read_clicks()]
    assert ages == [timedelta(0), timedelta(minutes=1)]

    result = shop_storing_clicks.run_command(*command, "--locale", "zh")
    assert result.output == "已删除 0 次点击。\n"


#: One row per error of ``flask xiebao prune``: a function that prepares the shop, the date
#: argument, and a part of the output.
ERRORS: dict[str, tuple[Callable[[Shop], object], str, str]] = {
    "future date": (lambda shop: None, "2999-01-01", "The date 2999-01-01 is in the future."),
    "missing table": (
        lambda shop: shop.execute_sql("DROP TABLE xiebao_click"),
        "2026-11-27",
        'has no table "xiebao_click".',
    ),
    "error in an event listener": (
        lambda shop: event.listen(
            shop.engine, "before_cursor_execute", failing_function(RuntimeError("a password"))
        ),
        "2026-11-27",
        "RuntimeError in raise_error (",
    ),
}


@pytest.mark.parametrize(("prepare", "date", "message"), ERRORS.values(), ids=ERRORS)
def test_prune_exits_with_2_after_error(
    shop_storing_clicks: Shop, prepare: Callable[[Shop], object], date: str, message: str
) -> None:
    prepare(shop_storing_clicks)
    result = shop_storing_clicks.run_command("prune", "--clicks-before", date)
    assert_command_error(result, message)
    assert "password" not in result.output


def test_prune_exits_with_2_without_argument_clicks(make_shop: MakeShop) -> None:
    result = make_shop().run_command("prune", "--clicks-before", "2026-11-27")
    assert_command_error(result, "does not store clicks")
