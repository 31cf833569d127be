"""What only a browser can tell."""

import pytest

pytest.register_assert_rewrite("tests.browser.harness", "tests.browser.frameworks")
