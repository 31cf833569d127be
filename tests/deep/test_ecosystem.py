"""Tests for sites with other extensions, in addition to the tests in ``tests/ecosystem/``.

The tests of ``tests/ecosystem/test_journey.py`` run here for each way in which an app can add its
extensions. The other tests are about features that only one of the extensions has.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import ExitStack
from typing import Any
from unittest.mock import AsyncMock

import pytest
from flask import Flask

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests import qr
from tests.ecosystem.conftest import app_setup, exit_stack
from tests.ecosystem.shop import (
    ALL_SETUPS,
    DEFAULT_SETUP,
    DEVICE_HEADERS,
    H5_PLATFORM,
    AppSetup,
    Browser,
    Shop,
)
from tests.ecosystem.sites import (
    SITES,
    build_limiter_adder,
    create_toolbar_shop,
)
from tests.ecosystem.test_journey import (
    build_shop_params,
    open_shop,
    test_click_redirects_to_gateway,
    test_handler_receives_only_notifications_with_valid_signature,
    test_handoff_page_identifies_member_on_phone_and_tablet,
    test_page_has_entries_and_cache_headers,
    test_qr_code_on_page_uses_login_of_scanning_phone,
    test_refused_click_shows_page_with_reason,
    test_return_link_redirects_to_return_url_of_entry,
)
from tests.support import PC, PHONE, SentSignals, get_return_link

# pytest also collects the imported tests here, and runs them with this file's fixture ``shop``.
__all__ = [
    "app_setup",
    "exit_stack",
    "test_click_redirects_to_gateway",
    "test_handler_receives_only_notifications_with_valid_signature",
    "test_handoff_page_identifies_member_on_phone_and_tablet",
    "test_page_has_entries_and_cache_headers",
    "test_qr_code_on_page_uses_login_of_scanning_phone",
    "test_refused_click_shows_page_with_reason",
    "test_return_link_redirects_to_return_url_of_entry",
]

PAGES = ("product", "home", "policy")

#: The fixture ``shop``: one test shop per other extension and per setup of the app.
shop = pytest.fixture(open_shop, scope="module", params=build_shop_params(*ALL_SETUPS))


# Flask-Limiter

#: The statuses of three requests without a rate limit, with a limit of two requests per day, and
#: with a limit of one request per day.
NO_LIMIT, TWO_PER_DAY, ONE_PER_DAY = [302, 302, 302], [302, 302, 429], [302, 429, 429]


@pytest.fixture
def rate_limited_shop(app_setup: AppSetup) -> Shop:
    """A shop in which Flask-Limiter allows two requests per view and day."""
    return Shop(app_setup, build_limiter_adder(app_setup, "2 per day"))


def request_three_times(browser: Browser, url: str) -> list[int]:
    """Request a URL three times, and return the statuses."""
    return [browser.get(url).status_code for _ in range(3)]


def click_entries_three_times(shop: Shop) -> dict[str, list[int]]:
    """Click the entry of each gateway page three times, and return the statuses by gateway page."""
    browser = shop.open_browser(member="alice")
    links = browser.get_links()
    return {page: request_three_times(browser, links[page]) for page in PAGES}


def test_click_above_rate_limit_returns_429_and_sends_no_signal(
    rate_limited_shop: Shop, sent_signals: SentSignals
) -> None:
    assert click_entries_three_times(rate_limited_shop) == dict.fromkeys(PAGES, TWO_PER_DAY)
    assert len(sent_signals) == 6
    # The limit also applies to return links and to invalid links.
    for path in ("/xiebao/paid/nonsense", "/xiebao/product/nonsense"):
        assert request_three_times(rate_limited_shop.open_browser(), path)[-1] == 429


@pytest.mark.parametrize(
    ("exempt", "limited"), [("product", "policy"), ("home", "product"), ("policy", "home")]
)
def test_limiter_can_exempt_one_view_and_limit_another(
    rate_limited_shop: Shop, exempt: str, limited: str
) -> None:
    [limiter] = rate_limited_shop.app.extensions["limiter"]
    views = rate_limited_shop.app.view_functions
    limiter.exempt(views[f"xiebao.{exempt}"])
    views[f"xiebao.{limited}"] = limiter.limit("1 per day")(views[f"xiebao.{limited}"])
    expected = {**dict.fromkeys(PAGES, TWO_PER_DAY), exempt: NO_LIMIT, limited: ONE_PER_DAY}
    assert click_entries_three_times(rate_limited_shop) == expected


def test_limiter_can_exempt_all_views_of_extension(rate_limited_shop: Shop) -> None:
    [limiter] = rate_limited_shop.app.extensions["limiter"]
    limiter.exempt(rate_limited_shop.app.blueprints["xiebao"])
    assert click_entries_three_times(rate_limited_shop) == dict.fromkeys(PAGES, NO_LIMIT)
    assert request_three_times(rate_limited_shop.open_browser(), "/orders/8") == [200, 200, 429]


# Flask-CORS

#: The request headers that a browser sends for a script on a partner's site.
FETCH = {
    "Origin": "https://partner.example",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Accept": "*/*"}),
        ("GET", {"Accept": "application/json"}),
        ("OPTIONS", {"Access-Control-Request-Method": "GET"}),
    ],
    ids=["fetch", "fetch of JSON", "preflight"],
)
def test_cross_origin_fetch_of_link_returns_no_gateway_url(
    app_setup: AppSetup,
    exit_stack: ExitStack,
    sent_signals: SentSignals,
    page: str,
    method: str,
    headers: dict[str, str],
) -> None:
    browser = SITES["Flask-CORS"](app_setup, exit_stack).open_browser(PHONE, "alice")

    shop_page = browser.get("/", headers=FETCH)
    response = browser.open(browser.get_links()[page], method=method, headers={**FETCH, **headers})

    assert shop_page.status_code == response.status_code == 200
    assert shop_page.headers["Access-Control-Allow-Origin"] == FETCH["Origin"]
    assert set(shop_page.vary) >= {"Origin", *DEVICE_HEADERS}
    assert shop_page.headers["Cache-Control"] == "private"
    assert response.headers["Access-Control-Allow-Origin"] == FETCH["Origin"]
    assert "Location" not in response.headers
    assert "/gateway/" not in f"{response.headers}{response.text}"
    assert not sent_signals


# Flask-DebugToolbar


@pytest.mark.parametrize("page", PAGES)
def test_redirect_intercepted_by_debug_toolbar_is_private(
    app_setup: AppSetup, sent_signals: SentSignals, page: str
) -> None:
    shop = create_toolbar_shop(app_setup, intercept_redirects=True)
    browser = shop.open_browser(PHONE, "alice")

    response = browser.get(browser.get_links()[page])

    # Browser.get() has already checked the headers that make this response private.
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "Location" not in response.headers
    assert "Redirect (302)" in response.text
    gateway_url = shop.get_gateway_url(page, "alice", H5_PLATFORM).replace("&", "&amp;")
    assert f'<a href="{gateway_url}">' in response.text
    assert len(sent_signals) == 1


# Flask-Session


def test_click_identifies_member_of_server_side_session(exit_stack: ExitStack) -> None:
    shop = SITES["Flask-Session"](DEFAULT_SETUP, exit_stack)
    pc, phone = shop.open_browser(PC, "alice"), shop.open_browser(PHONE)
    page = pc.get("/")
    assert set(page.vary) >= {"Cookie", *DEVICE_HEADERS}
    assert page.headers["Cache-Control"] == "private"

    # The QR code identifies the member for one click, but does not log the member in on the phone.
    links = pc.get_links()
    click = phone.get(qr.read(pc.get(links["home"]).text))
    assert click.location == shop.get_gateway_url("home", "alice", H5_PLATFORM)
    assert "Set-Cookie" not in click.headers
    assert "policy" not in phone.get_links()

    shop.app.config["SESSION_CACHELIB"].clear()
    assert pc.get(links["policy"]).status_code == 401


# Async member loaders and receivers


@pytest.mark.parametrize(
    ("member", "status", "signals"),
    [
        ("m_7Qk2vX9rT4", 302, ["clicked"]),
        *((no_member, 401, ["refused"]) for no_member in (None, "", 0, False)),
        (ConnectionError("the database is down"), 500, []),
    ],
    ids=["member id", "None", "empty string", "zero", "False", "exception"],
)
def test_click_uses_result_of_async_member_loader(
    sent_signals: SentSignals, member: object, status: int, signals: list[str]
) -> None:
    # The mock returns the value of "member", or raises the value if it is an exception.
    shop = Shop(DEFAULT_SETUP, member_loader=AsyncMock(side_effect=itertools.repeat(member)))
    for device in (PHONE, PC):
        response = shop.open_browser(device).get(shop.make_link("product"))
        assert response.status_code == status
        assert ("Location" in response.headers) == (status == 302)
    assert [name for name, _ in sent_signals] == signals * 2


def test_async_receivers_run_and_errors_are_only_logged(
    exit_stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[str] = []

    async def record_signal(_app: Flask, **values: Any) -> None:
        await asyncio.sleep(0)
        received.append(values.get("reason") or f"{values['member']} {'same_session' in values}")

    failing_receiver = AsyncMock(side_effect=ConnectionError("statistics are down"))
    shop = SITES["async member loader"](DEFAULT_SETUP, exit_stack)
    for signal in (entry_clicked, payment_returned, entry_refused):
        exit_stack.enter_context(signal.connected_to(record_signal, shop.app))
    exit_stack.enter_context(entry_clicked.connected_to(failing_receiver, shop.app))
    browser = shop.open_browser(PHONE, "alice")

    browser.get(get_return_link(browser.get(browser.get_links()["order"])))
    browser.get("/xiebao/product/nonsense")

    # Each item has the member, and "True" for the signal payment_returned, which is the only signal
    # with the argument same_session.
    assert received == ["m_7Qk2vX9rT4 False", "m_7Qk2vX9rT4 True", "invalid_link"]
    assert "statistics are down" in caplog.text
