"""Tests for links behind service workers, and for links that scripts fetch.

The service workers are in ``WORKERS`` of the module ``service_workers.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.shop import ShopPage
from tests.deep.browser.service_workers import (
    WORKERS,
    add_service_workers,
    register_service_worker,
)
from tests.deep.browser.test_htmx_and_turbo import FRAMEWORKS


@pytest.mark.parametrize(
    ("device", "frontend", "worker"),
    [
        *[("iPhone", "plain", worker) for worker in WORKERS],
        *[("iPhone", frontend, "forwards requests") for frontend in FRAMEWORKS],
        *[("desktop", frontend, "bypasses cache") for frontend in FRAMEWORKS],
        *[("iPhone", frontend, "replaces headers") for frontend in ("htmx 4", "turbo frame")],
    ],
)
def test_tap_is_one_click_behind_service_worker(
    open_shop: Callable[..., ShopPage], device: str, frontend: str, worker: str
) -> None:
    shop = open_shop(device, frontend, gateway_elsewhere=True, extend=add_service_workers)
    shop.log_in_and_open("/?target=_self")
    register_service_worker(shop.page, worker)

    shop.tap_or_click("product")

    shop.assert_arrived("product")
    assert shop.clicks == ["product"]
    shop.go_back()


@pytest.mark.parametrize("worker", [None, "forwards requests"])
def test_fetch_of_link_returns_page_without_redirect_and_is_no_click(
    open_shop: Callable[..., ShopPage], worker: str | None
) -> None:
    shop = open_shop("iPhone", "plain", extend=add_service_workers)
    shop.log_in_and_open()
    register_service_worker(shop.page, worker)
    link = shop.page.locator("#product").evaluate("entry => entry.href")

    responses = shop.page.evaluate(
        """async link => {
          const responses = [];
          for (const mode of ["cors", "same-origin", "no-cors"])
            for (const redirect of ["follow", "manual", "error"]) {
              const response = await fetch(link, {mode, redirect});
              const {status, type, url, redirected, headers} = response;
              const text = JSON.stringify([...headers]) + await response.text();
              responses.push([status, type, url, redirected, text.includes("dispatch")]);
            }
          const image = new Image();
          await new Promise(done => {
            image.onload = image.onerror = done;
            image.src = link;
          });
          return responses;
        }""",
        link,
    )

    assert responses == [[200, "basic", link, False, False]] * 9
    # The calls of fetch() send nine requests, and the image sends the tenth request.
    assert [entry for entry, _ in shop.link_requests] == ["product"] * 10
    assert shop.clicks == []
