"""The commands, as whoever types them sees them."""

import pytest

# What the tests share asserts for them: a failure shows what was compared.
pytest.register_assert_rewrite("tests.cli.support")
