"""Flask-Caching keeps a page with entries for everybody."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests import qr
from tests.ecosystem.shop import ONE_WAY, Shop
from tests.ecosystem.sites import flask_caching
from tests.support import PC, PHONE, Heard


@pytest.fixture
def shop(scene: ExitStack) -> Shop:
    return flask_caching(ONE_WAY, scene)


def test_a_cached_page_is_the_same_for_all_and_each_goes_as_themselves(
    shop: Shop, heard: Heard
) -> None:
    whoever_came_first = shop.browser(PC, signed_in="alice")
    first = whoever_came_first.get("/insurance")
    assert "private" not in first.headers.get("Cache-Control", "")
    links = whoever_came_first.entries("/insurance")
    assert links.keys() == {"product", "order", "home"}

    for name in ("alice", "bob"):
        for device, platform in ((PHONE, 1), (PC, 2)):
            browser = shop.browser(device, signed_in=name)
            assert browser.get("/insurance").text == first.text
            click = browser.get(links["product"])
            assert click.location == shop.gateway_url("product", name, platform)
    visitor = shop.browser()
    assert visitor.get("/insurance").text == first.text
    assert visitor.get(links["product"]).status_code == 401
    members = [said["member"] for signal, said in heard if signal == "clicked"]
    assert members == ["m_7Qk2vX9rT4"] * 2 + ["m_2bZc8LpW0s"] * 2


def test_a_forged_host_does_not_get_into_the_code_of_a_cached_page(shop: Shop) -> None:
    forged = shop.browser(PC).get("/insurance", base_url="https://evil.example")
    assert "evil.example" not in forged.text
    page = shop.browser(PC).get("/insurance")
    assert qr.read(page.text).startswith("https://shop.example/xiebao/product/")
