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

REFUSALS = [
    pytest.param(flask_wtf, 400, id="Flask-WTF"),
    pytest.param(flask_seasurf, 403, id="Flask-SeaSurf"),
    pytest.param(the_first_four, 400, id="both"),
]


@pytest.mark.parametrize(("build", "refusal"), REFUSALS)
def test_a_form_without_its_token_is_refused_as_ever(
    way: Way, scene: ExitStack, build: Build, refusal: int
) -> None:
    browser = build(way, scene).browser()
    browser.get("/login")

    assert browser.post("/login", {"name": "alice"}).status_code == refusal
    assert "policy" not in browser.entries()

    browser.sign_in("alice")  # with what is in the form
    assert "policy" in browser.entries()


@pytest.mark.parametrize("build", [flask_wtf, flask_seasurf, the_first_four])
def test_a_click_leaves_the_token_of_an_open_form_valid(
    way: Way, scene: ExitStack, build: Build
) -> None:
    browser = build(way, scene).browser(signed_in="alice")
    token = browser.form_fields("/login")
    entries = browser.entries()

    assert browser.get(entries["product"]).status_code == 302
    assert browser.get(entries["policy"]).status_code == 302

    assert browser.post("/login", {**token, "name": "bob"}).status_code == 302
