"""Fixture for the tests of links."""

from __future__ import annotations

import time

import pytest

from tests.support import Clock


@pytest.fixture
def monotonic_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The fixture ``clock``, whose ``shift()`` also advances ``time.monotonic()``."""
    monkeypatch.setattr(time, "monotonic", time.time)
    return clock
