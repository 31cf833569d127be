"""Flask-Limiter counts clicks as it counts everything, and knows the views from each other."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_limiter import Limiter

from tests.ecosystem.shop import Browser, Shop, Way
from tests.ecosystem.sites import add_limiter

PAGES = ("product", "home", "policy")


class LimitedShop(Shop):
    """A shop where everything can be had twice a day."""

    limiter: Limiter

    def __init__(self, way: Way) -> None:
        def extend(app: Flask) -> None:
            self.limiter = add_limiter(way, app, "2 per day")

        super().__init__(way, extend)


@pytest.fixture
def shop(way: Way) -> LimitedShop:
    return LimitedShop(way)


def statuses(browser: Browser, url: str) -> list[int]:
    """Return what three visits come to."""
    return [browser.get(url).status_code for _ in range(3)]


def clicks(shop: Shop) -> dict[str, list[int]]:
    """Return what three clicks on each entry come to."""
    browser = shop.browser(signed_in="alice")
    entries = browser.entries()
    return {page: statuses(browser, entries[page]) for page in PAGES}


TWICE, ALWAYS = [302, 302, 429], [302, 302, 302]


def test_the_third_click_of_a_site_with_two_is_refused_and_not_counted(shop: LimitedShop) -> None:
    assert clicks(shop) == {"product": TWICE, "home": TWICE, "policy": TWICE}
    assert len(shop.clicks) == 6


def test_returns_and_strangers_are_limited_too(shop: LimitedShop) -> None:
    browser = shop.browser()
    assert statuses(browser, "/xiebao/paid/nonsense") == [404, 404, 429]
    assert statuses(browser, "/xiebao/product/nonsense") == [404, 404, 429]


@pytest.mark.parametrize("page", PAGES)
def test_a_site_exempts_one_of_the_views(shop: LimitedShop, page: str) -> None:
    shop.limiter.exempt(shop.app.view_functions[f"xiebao.{page}"])
    assert clicks(shop) == dict.fromkeys(PAGES, TWICE) | {page: ALWAYS}


@pytest.mark.parametrize("page", PAGES)
def test_a_site_sets_a_limit_of_its_own_for_one_of_the_views(shop: LimitedShop, page: str) -> None:
    views: Any = shop.app.view_functions
    views[f"xiebao.{page}"] = shop.limiter.limit("1 per day")(views[f"xiebao.{page}"])
    assert clicks(shop) == dict.fromkeys(PAGES, TWICE) | {page: [302, 429, 429]}


def test_a_site_exempts_all_of_them_and_nothing_else(shop: LimitedShop) -> None:
    blueprint: Any = shop.app.blueprints["xiebao"]
    shop.limiter.exempt(blueprint)
    assert clicks(shop) == dict.fromkeys(PAGES, ALWAYS)
    assert statuses(shop.browser(), "/orders/8") == [200, 200, 429]
