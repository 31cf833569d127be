"""Tests for links that the browser requests before a click: prefetch and prerender."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask, Response, request

from tests.browser.shop import ShopPage
from tests.browser.test_htmx_and_turbo import HOVER_TIME
from tests.deep.browser.service_workers import add_service_workers, register_service_worker


def add_prefetch_views(app: Flask) -> None:
    """Add service workers to the app, and speculation rules to pages with ``?prefetch=…``."""
    add_service_workers(app)

    @app.get("/rules/<action>")
    def serve_speculation_rules(action: str) -> Response:
        all_links = {"where": {"href_matches": "/xiebao/*"}, "eagerness": "immediate"}
        text = json.dumps({action: [all_links]})
        return Response(text, mimetype="application/speculationrules+json")

    @app.after_request
    def add_speculation_rules(response: Response) -> Response:
        action = request.args.get("prefetch")
        if action in ("prefetch", "prerender"):
            response.headers["Speculation-Rules"] = f'"/rules/{action}"'
        return response


# For the value "link", the page has <link rel="prefetch">. For the two other values, the page has
# speculation rules with this action.
@pytest.mark.parametrize("prefetch", ["link", "prefetch", "prerender"])
@pytest.mark.parametrize("worker", [None, "forwards requests", "bypasses cache", "adds header"])
def test_prefetch_is_no_click_and_next_click_counts_once(
    open_shop: Callable[..., ShopPage], prefetch: str, worker: str | None
) -> None:
    shop = open_shop("desktop", "plain", extend=add_prefetch_views)
    shop.log_in_and_open()
    register_service_worker(shop.page, worker)
    assert shop.link_requests == []

    shop.page.goto(f"{shop.url}/?target=_self&prefetch={prefetch}")
    shop.wait_for_link_request("product")
    shop.page.hover("#product")
    shop.page.wait_for_timeout(HOVER_TIME)
    assert shop.clicks == []

    shop.tap_or_click("product")
    shop.assert_arrived("product")
    assert shop.clicks == ["product"]
    # Chromium logs an error for each link whose prefetch has failed. Ignore these errors.
    shop.context.errors = [error for error in shop.context.errors if "/xiebao/" not in error]
