"""A browser for what is looked at more rarely."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.support import launch_chromium


# The scope is the module: while Playwright runs, nothing else can start an event loop.
@pytest.fixture(scope="module")
def chrome() -> Iterator[tuple[Playwright, Browser]]:
    with launch_chromium() as running:
        yield running
