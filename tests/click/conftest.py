"""What the tests of clicks share."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine


@pytest.fixture
def later(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Return a function that lets so many seconds go by, on every clock of Python's."""
    monotonic = 5000.0

    def wait(seconds: float) -> None:
        nonlocal monotonic
        monotonic += seconds
        clock.shift(seconds)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    return wait
