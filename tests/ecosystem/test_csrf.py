"""Tests for forms of a site with CSRF protection."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import AppSetup
from tests.ecosystem.sites import SITES


@pytest.mark.parametrize(
    ("name", "status"),
    [("Flask-WTF", 400), ("Flask-SeaSurf", 403), ("four security extensions", 400)],
)
def test_csrf_protection_of_forms_works_before_and_after_clicks(
    app_setup: AppSetup, exit_stack: ExitStack, name: str, status: int
) -> None:
    browser = SITES[name](app_setup, exit_stack).open_browser()

    browser.get("/login")
    assert browser.post("/login", data={"name": "alice"}).status_code == status
    assert "policy" not in browser.get_links()

    assert browser.log_in("alice").status_code == 302
    links = browser.get_links()
    fields = browser.get_form_fields("/login")
    for page in ("product", "policy"):
        assert browser.get(links[page]).status_code == 302
    assert browser.post("/login", data={**fields, "name": "bob"}).status_code == 302
