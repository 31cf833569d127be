"""What the tests of clicks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from tests.click.forged import NOW


@pytest.fixture
def clock() -> Iterator[Any]:
    """The time, which stands still until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveler:
        yield traveler


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
