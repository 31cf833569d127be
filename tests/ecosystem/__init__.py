"""Tests for sites with other Flask extensions, set up as the extensions' documentation shows."""

import pytest

pytest.register_assert_rewrite("tests.ecosystem.shop")
