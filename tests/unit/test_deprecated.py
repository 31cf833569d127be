"""Tests for deprecated names.

To test another deprecated name, add a row to ``RENAMED``.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flask_xiebao import OrderError
from flask_xiebao.sqla import Difference
from flask_xiebao.testing import DEVICES, Case, Failure, Report, Result, Trouble

CASE = Case("plain")
FAILURE = Failure("status.301", "301", "302")
RESULT = Result(CASE, DEVICES["pc"])
REPORT = Report(site="shop", url=None, environment="test", gateway="", at=datetime.now(UTC))

#: One row per deprecated attribute or method: an object, the old name and the new name.
RENAMED = [
    (OrderError("refused", -5, "投保单号不存在"), "said", "gateway_message"),
    (Difference("1", "applied", "paid"), "here", "row_state"),
    (Difference("1", "applied", "paid"), "there", "gateway_state"),
    (CASE, "row", "page_spec"),
    (CASE, "ends", "expected_outcome"),
    (CASE, "whose", "link_member"),
    (CASE, "is_of_site", "is_about_site"),
    (CASE, "is_done", "can_be_repeated"),
    (CASE, "asks_guard", "calls_guard"),
    (CASE, "what_in", "short_title_in"),
    (CASE, "should_in", "expected_outcome_in"),
    (FAILURE, "came", "actual"),
    (FAILURE, "should", "expected"),
    (FAILURE, "said_in", "message_in"),
    (FAILURE, "came_in", "actual_value_in"),
    (FAILURE, "step_in", "step_name_in"),
    (FAILURE, "means_in", "meaning_in"),
    (RESULT, "ends", "expected_outcome"),
    (RESULT, "should_in", "expected_outcome_in"),
    (Trouble({FAILURE: [RESULT]}), "means_in", "meaning_in"),
    (REPORT, "not_told_in", "missing_options_in"),
    (REPORT, "ignored_in", "ignored_rules_in"),
]


@pytest.mark.parametrize(("instance", "old", "new"), RENAMED)
def test_deprecated_name_warns_and_returns_value_of_new_name(
    instance: object, old: str, new: str
) -> None:
    with pytest.warns(DeprecationWarning, match=rf'\.{old}" is deprecated\. Use "{new}" instead\.'):
        # For a method, both names return a bound method. Bound methods of the same object and
        # function are equal.
        assert getattr(instance, old) == getattr(instance, new)
