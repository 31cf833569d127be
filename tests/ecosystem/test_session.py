"""Flask-Session keeps on the server who is signed in."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests import qr
from tests.ecosystem.shop import DEVICE_HEADERS, Shop, Way
from tests.ecosystem.sites import flask_session
from tests.support import PC, PHONE


@pytest.fixture
def shop(way: Way, scene: ExitStack) -> Shop:
    return flask_session(way, scene)


def test_a_page_differs_by_session_and_by_device(shop: Shop) -> None:
    page = shop.browser(PHONE, signed_in="alice").get("/")
    assert set(page.vary) >= {"Cookie", *DEVICE_HEADERS}
    assert page.headers["Cache-Control"] == "private"


def test_whoever_is_signed_out_on_the_server_does_not_go_any_more(shop: Shop) -> None:
    browser = shop.browser(PHONE, signed_in="alice")
    link = browser.entries()["policy"]
    shop.app.config["SESSION_CACHELIB"].clear()
    assert browser.get(link).status_code == 401


def test_a_phone_that_goes_on_from_a_pc_is_not_signed_in(shop: Shop) -> None:
    pc = shop.browser(PC, signed_in="alice")
    phone = shop.browser(PHONE)

    scan = phone.get(qr.read(pc.get(pc.entries()["home"]).text))

    assert scan.location == shop.gateway_url("home", "alice", 1)
    assert "Set-Cookie" not in scan.headers
    assert "policy" not in phone.entries()
