"""Tests for the ``flask xiebao`` commands."""

import pytest

# pytest rewrites the assertions in the shared helpers, so a failed assertion shows the compared
# values.
pytest.register_assert_rewrite("tests.cli.support")
