"""Tests that open pages in Chromium with Playwright."""

import pytest

pytest.register_assert_rewrite("tests.browser.support", "tests.browser.shop")
