"""Test that each rule of ``flask xiebao check`` has a table row with a site that breaks it."""

from __future__ import annotations

from flask_xiebao.check.report import get_rules
from tests.check import test_page_rules, test_response_rules, test_site_rules

ROWS = [*test_page_rules.ROWS, *test_response_rules.ROWS, *test_site_rules.ROWS]


def test_every_check_rule_has_failing_row() -> None:
    assert sorted({rule for row in ROWS for rule in row.values[1]}) == get_rules()
