"""Tests for deprecated names.

To test another deprecated name, add a row to ``RENAMED`` or ``RENAMED_METHODS``.
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

#: One row per deprecated attribute: an object, the old name, the new name and the attribute's
#: value.
RENAMED = [
    (OrderError("refused", -5, "投保单号不存在"), "said", "gateway_message", "投保单号不存在"),
    (Difference("1", "applied", "paid"), "here", "row_state", "applied"),
    (Difference("1", "applied", "paid"), "there", "gateway_state", "paid"),
    (CASE, "row", "page_spec", CASE.page_spec),
    (CASE, "ends", "expected_outcome", "gateway"),
    (CASE, "whose", "link_member", None),
    (CASE, "is_of_site", "is_about_site", False),
    (CASE, "is_done", "can_be_repeated", True),
    (CASE, "asks_guard", "calls_guard", False),
    (FAILURE, "came", "actual", "301"),
    (FAILURE, "should", "expected", "302"),
    (RESULT, "ends", "expected_outcome", "gateway"),
]
#: One row per deprecated method that accepts a locale: an object, the old name and the new name.
RENAMED_METHODS = [
    (CASE, "what_in", "short_title_in"),
    (CASE, "should_in", "expected_outcome_in"),
    (FAILURE, "said_in", "message_in"),
    (FAILURE, "came_in", "actual_value_in"),
    (FAILURE, "step_in", "step_name_in"),
    (FAILURE, "means_in", "meaning_in"),
    (RESULT, "should_in", "expected_outcome_in"),
    (Trouble({FAILURE: [RESULT]}), "means_in", "meaning_in"),
]


@pytest.mark.parametrize(("instance", "old", "new", "value"), RENAMED)
def test_deprecated_attribute_warns_and_returns_value(
    instance: object, old: str, new: str, value: object
) -> None:
    with pytest.warns(DeprecationWarning, match=rf'\.{old}" is deprecated\. Use "{new}" instead\.'):
        assert getattr(instance, old) == value


@pytest.mark.parametrize(("instance", "old", "new"), RENAMED_METHODS)
def test_deprecated_method_warns_and_returns_same_text(
    instance: object, old: str, new: str
) -> None:
    with pytest.warns(DeprecationWarning, match=rf'\.{old}" is deprecated\. Use "{new}" instead\.'):
        method = getattr(instance, old)
    assert method("en") == getattr(instance, new)("en")


def test_deprecated_report_methods_warn() -> None:
    report = Report(site="shop", url=None, environment="test", gateway="", at=datetime.now(UTC))
    with pytest.warns(DeprecationWarning, match='"missing_options_in"'):
        assert report.not_told_in("en") == ""
    with pytest.warns(DeprecationWarning, match='"ignored_rules_in"'):
        assert report.ignored_in("en") == ""
