"""Tests for the ``flask xiebao`` commands."""

import pytest

# Rewrite the assertions of the shared helpers, so that their failures show the compared values.
pytest.register_assert_rewrite("tests.cli.support")
