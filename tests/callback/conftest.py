"""Fixtures for tests of the callback."""

from __future__ import annotations

import pytest

from tests.callback.support import RecordingHandler, register_handler
from tests.support import Site


@pytest.fixture
def handler(site: Site) -> RecordingHandler:
    """The notification handler of the site. It records the notifications and returns None."""
    return register_handler(site)
