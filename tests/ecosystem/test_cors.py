"""Flask-CORS opens a shop to the scripts of others, and clicks to none of them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import DEVICE_HEADERS, Shop, Way
from tests.ecosystem.sites import flask_cors
from tests.support import PHONE

PARTNER = "https://partner.example"
FETCH = {
    "Origin": PARTNER,
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}


@pytest.fixture
def shop(way: Way, scene: ExitStack) -> Shop:
    return flask_cors(way, scene)


@pytest.mark.parametrize("page", ["product", "home", "policy"])
@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_a_script_that_fetches_a_link_with_a_members_cookies_gets_no_way_to_the_gateway(
    shop: Shop, page: str, accept: str
) -> None:
    browser = shop.browser(PHONE, signed_in="alice")
    link = browser.entries()[page]

    response = browser.get(link, FETCH | {"Accept": accept})

    assert response.headers["Access-Control-Allow-Origin"] == PARTNER
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert "/gateway/" not in f"{response.headers}{response.text}"
    assert not shop.clicks


def test_asking_whether_a_link_may_be_fetched_is_no_click(shop: Shop) -> None:
    browser = shop.browser(PHONE, signed_in="alice")
    asked = {**FETCH, "Access-Control-Request-Method": "GET"}
    answer = browser.get(browser.entries()["product"], asked, method="OPTIONS")
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert answer.headers["Access-Control-Allow-Origin"] == PARTNER
    assert not shop.clicks


def test_a_page_that_others_may_fetch_still_differs_by_device(shop: Shop) -> None:
    page = shop.browser(PHONE, signed_in="alice").get("/", FETCH)
    assert page.headers["Access-Control-Allow-Origin"] == PARTNER
    assert set(page.vary) >= {"Origin", *DEVICE_HEADERS}
    assert page.headers["Cache-Control"] == "private"
