"""Flask-Talisman's defaults: https, and a policy that forbids what is inline."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from flask import Response
from flask_talisman import Talisman
from werkzeug.test import TestResponse

from tests.ecosystem.shop import Shop, Way, directives, soup
from tests.ecosystem.sites import THEIR_WARNINGS, Build, flask_talisman, the_first_four
from tests.support import PC, PHONE

pytestmark = THEIR_WARNINGS

ITS_POLICY = "default-src 'self'; object-src 'none'"


@pytest.fixture(params=[flask_talisman, the_first_four], ids=["Talisman", "the first four"])
def shop(request: pytest.FixtureRequest, way: Way, scene: ExitStack) -> Shop:
    build: Build = request.param
    return build(way, scene)


def pages_of_ours(shop: Shop) -> list[TestResponse]:
    """Return a handoff, a notice, and what a script gets that fetches a link."""
    browser = shop.browser(PC, signed_in="alice")
    entries = browser.entries()
    return [
        browser.get(entries["home"]),
        browser.get("/xiebao/home/nonsense"),
        browser.get(entries["product"], {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
    ]


def test_a_click_by_http_goes_to_https_first(shop: Shop) -> None:
    browser = shop.browser(PHONE, signed_in="alice")
    link = browser.entries()["product"]

    response = browser.get(link, base_url="http://shop.example")

    assert (response.status_code, response.location) == (302, f"https://shop.example{link}")
    assert not shop.clicks
    assert browser.get(link).location == shop.gateway_url("product", "alice", 1)
    assert len(shop.clicks) == 1


def test_its_policy_reaches_our_pages_and_nothing_in_them_is_against_it(shop: Shop) -> None:
    for page in pages_of_ours(shop):
        assert {"default-src 'self'", "object-src 'none'"} <= set(directives(page).split("; "))
        for tag in soup(page).find_all(True):
            assert tag.name != "style"
            assert not (tag.name == "script" and "src" not in tag.attrs)
            assert not [name for name in tag.attrs if name == "style" or name.startswith("on")]
            if tag.name in ("script", "link", "img"):
                assert str(tag.get("src") or tag.get("href")).startswith("/xiebao/static/")


def test_a_second_policy_of_the_shop_is_not_lost(way: Way) -> None:
    def add_policy(response: Response) -> Response:
        response.headers.add("Content-Security-Policy", "img-src 'none'")
        return response

    # Flask calls such hooks backwards: this one comes after Flask-Talisman's.
    shop = Shop(way, lambda app: app.after_request(add_policy), lambda app: way.add(Talisman, app))
    for page in pages_of_ours(shop):
        assert {"default-src 'self'", "img-src 'none'"} <= set(directives(page).split("; "))


def test_the_shops_own_pages_have_its_headers_and_none_of_ours(shop: Shop) -> None:
    page = shop.browser(PC, signed_in="alice").get("/")
    assert page.headers.getlist("Content-Security-Policy") == [ITS_POLICY]
    assert page.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "X-Robots-Tag" not in page.headers
