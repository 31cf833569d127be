"""Flask-DebugToolbar looks into every view and every page."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import Way
from tests.ecosystem.sites import flask_debug_toolbar
from tests.support import PC, PHONE


def test_its_profiler_shows_what_a_handoff_did(way: Way, scene: ExitStack) -> None:
    browser = flask_debug_toolbar(way, scene).browser(PC, signed_in="alice")
    handoff = browser.get(browser.entries()["home"])
    assert 'id="flDebug"' in handoff.text
    assert "flask_xiebao/views/click.py" in handoff.text


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_a_redirect_that_it_stops_is_a_page_that_nobody_keeps(
    way: Way, scene: ExitStack, page: str
) -> None:
    shop = flask_debug_toolbar(way, scene, DEBUG_TB_INTERCEPT_REDIRECTS=True)
    # Its own login is stopped as well, and leads on all the same.
    browser = shop.browser(PHONE)
    browser.post("/login", {"name": "alice"})

    stopped = browser.get(browser.entries()[page])

    assert (stopped.status_code, stopped.mimetype) == (200, "text/html")
    assert "Location" not in stopped.headers
    assert "Redirect (302)" in stopped.text
    link = shop.gateway_url(page, "alice", 1).replace("&", "&amp;")
    assert f'<a href="{link}">' in stopped.text
    assert len(shop.clicks) == 1
