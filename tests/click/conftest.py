"""Fixture for the tests of links."""

from __future__ import annotations

import time

import pytest
import time_machine


@pytest.fixture
def monotonic_clock(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> time_machine.Traveller:
    """The fixture ``clock``, whose ``shift()`` also advances ``time.monotonic()``."""
    monkeypatch.setattr(time, "monotonic", time.time)
    return clock
