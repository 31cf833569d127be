"""Fixtures for tests of the callback."""

from __future__ import annotations

import pytest

from tests.callback.support import RecordingHandler, register_handler
from tests.support import Site


@pytest.fixture
def recording_handler(site: Site) -> RecordingHandler:
    """The notification handler of the test site. It records all notifications and returns None."""
    return register_handler(site)
