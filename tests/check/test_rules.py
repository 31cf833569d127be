"""Test that each rule of ``flask xiebao check`` has a table row with a site that breaks it.

A rule exists if ``flask_xiebao/texts/en.py`` has a text ``check.means.<rule>``. The row is in
``test_page_rules.py``, ``test_response_rules.py`` or ``test_site_rules.py``.
"""

from __future__ import annotations

from flask_xiebao.texts import en
from tests.check import (
    test_page_rules,
    test_reports,
    test_response_rules,
    test_site_rules,
)

ROWS = [*test_page_rules.ROWS, *test_response_rules.ROWS, *test_site_rules.ROWS]
#: The rules without a table row, each with the test that covers the rule.
OTHER_TESTS = {
    # No failure has one of these names, because each name selects a group of rules, for example
    # with the option "--ignore header".
    **dict.fromkeys(
        ("header", "handoff", "members"), test_reports.test_check_passes_if_failed_rules_are_ignored
    ),
    "receiver": test_response_rules.test_failing_receiver_is_reported_if_receivers_are_called,
}


def test_every_check_rule_has_failing_row() -> None:
    covered_rules = {rule for row in ROWS for rule in row.values[1]}
    rules = {key.removeprefix("check.means.") for key in en.TEXTS if key.startswith("check.means.")}

    assert rules - covered_rules == OTHER_TESTS.keys()
    assert covered_rules <= rules
