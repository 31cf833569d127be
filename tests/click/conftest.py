"""What the tests of clicks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests.click.forged import NOW


@pytest.fixture
def clock() -> Iterator[Any]:
    """The time, which stands still until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveler:
        yield traveler
