"""Tests for deprecated names.

To test another deprecated name, add a row to ``RENAMED``.
"""

from __future__ import annotations

import pytest

from flask_xiebao import OrderError
from flask_xiebao.sqla import Difference

#: One row per deprecated attribute: an object, the old name and the new name.
RENAMED = [
    (OrderError("refused", -5, "投保单号不存在"), "said", "gateway_message"),
    (Difference("1", "applied", "paid"), "here", "row_state"),
    (Difference("1", "applied", "paid"), "there", "gateway_state"),
]


@pytest.mark.parametrize(("instance", "old", "new"), RENAMED)
def test_deprecated_name_warns_and_returns_value_of_new_name(
    instance: object, old: str, new: str
) -> None:
    with pytest.warns(DeprecationWarning, match=rf'\.{old}" is deprecated\. Use "{new}" instead\.'):
        assert getattr(instance, old) == getattr(instance, new)
