"""What guards against forged requests guards the shop's own forms as before."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import Way
from tests.ecosystem.sites import (
    THEIR_WARNINGS,
    Build,
    flask_seasurf,
    flask_wtf,
    the_first_four,
)

pytestmark = THEIR_WARNINGS


@pytest.mark.parametrize(
    ("build", "refusal"), [(flask_wtf, 400), (flask_seasurf, 403), (the_first_four, 400)]
)
def test_a_form_needs_its_token_as_ever_and_a_click_leaves_it_valid(
    way: Way, scene: ExitStack, build: Build, refusal: int
) -> None:
    browser = build(way, scene).browser()
    browser.get("/login")
    assert browser.post("/login", {"name": "alice"}).status_code == refusal
    assert "policy" not in browser.entries()

    browser.sign_in("alice")  # with what is in the form
    entries = browser.entries()
    token = browser.form_fields("/login")
    for page in ("product", "policy"):
        assert browser.get(entries[page]).status_code == 302
    assert browser.post("/login", {**token, "name": "bob"}).status_code == 302
