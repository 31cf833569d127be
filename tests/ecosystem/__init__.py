"""Tests for sites with other Flask extensions, which they add as the documentation shows."""

import pytest

pytest.register_assert_rewrite("tests.ecosystem.shop")
