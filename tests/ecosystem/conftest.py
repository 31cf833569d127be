"""Fixtures for tests of sites with other Flask extensions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.ecosystem.shop import ALL_SETUPS


@pytest.fixture(params=ALL_SETUPS, ids=str)
def app_setup(request: pytest.FixtureRequest) -> Any:
    """One way in which a test app adds its extensions, for example Xiebao first."""
    return request.param


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """An ``ExitStack`` that is closed after the test."""
    with ExitStack() as stack:
        yield stack
