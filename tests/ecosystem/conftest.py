"""The ways to put a site together, and what is put away after a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.ecosystem.shop import WAYS


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def scene() -> Iterator[ExitStack]:
    """Whatever a site leaves behind, put away after the test."""
    with ExitStack() as stack:
        yield stack
