"""A fixture for slow tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


# While Playwright runs, no other event loop can start. So Playwright stops after each test module.
@pytest.fixture(scope="module")
def chrome() -> Iterator[tuple[Playwright, Browser]]:
    """Playwright and a Chromium browser."""
    from tests.browser.support import launch_chromium

    with launch_chromium() as browser:
        yield browser
