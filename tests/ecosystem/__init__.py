"""Sites with other people's extensions, each as its own documentation has them built."""

import pytest

pytest.register_assert_rewrite("tests.ecosystem.shop")
