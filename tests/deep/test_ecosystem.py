"""Other people's extensions: the journey of `tests/ecosystem` in every way, and what is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests import qr
from tests.ecosystem.conftest import scene, way
from tests.ecosystem.shop import DEVICE_HEADERS, ONE_WAY, WAYS, Browser, Shop, Way
from tests.ecosystem.sites import (
    THEIR_WARNINGS,
    add_limiter,
    asynchronous,
    flask_cors,
    flask_debug_toolbar,
    flask_session,
)
from tests.ecosystem.test_journey import (
    every_site,
    shop,
    test_a_click_leads_to_the_gateway,
    test_a_page_has_its_entries_and_tells_caches_what_they_have_to_know,
    test_a_payment_comes_back_to_where_the_entry_said,
    test_a_pc_hands_a_member_over_to_a_phone_that_is_not_signed_in_or_to_a_tablet,
    test_a_purchase_is_told_to_the_shop,
    test_whoever_is_not_let_through_is_told_why,
    test_whoever_scans_a_code_in_a_page_goes_as_themselves,
)
from tests.support import PC, PHONE, SentSignals, get_return_link

# The journey's tests are collected here once more, with the shops below.
__all__ = [
    "scene",
    "shop",
    "test_a_click_leads_to_the_gateway",
    "test_a_page_has_its_entries_and_tells_caches_what_they_have_to_know",
    "test_a_payment_comes_back_to_where_the_entry_said",
    "test_a_pc_hands_a_member_over_to_a_phone_that_is_not_signed_in_or_to_a_tablet",
    "test_a_purchase_is_told_to_the_shop",
    "test_whoever_is_not_let_through_is_told_why",
    "test_whoever_scans_a_code_in_a_page_goes_as_themselves",
    "way",
]

pytestmark = THEIR_WARNINGS


@pytest.fixture(scope="module", params=every_site(*WAYS))
def opened(request: pytest.FixtureRequest) -> Iterator[Shop]:
    build, way = request.param
    with ExitStack() as scene:
        yield build(way, scene)


# Flask-Limiter counts clicks as it counts everything, and knows the views from each other.

PAGES = ("product", "home", "policy")
ALWAYS, TWICE, ONCE = [302, 302, 302], [302, 302, 429], [302, 429, 429]


@pytest.fixture
def limited(way: Way) -> Shop:
    """A shop where everything can be had twice a day."""
    return Shop(way, add_limiter(way, "2 per day"))


def statuses(browser: Browser, url: str) -> list[int]:
    """Return what three visits come to."""
    return [browser.get(url).status_code for _ in range(3)]


def clicks(shop: Shop) -> dict[str, list[int]]:
    """Return what three clicks on each entry come to."""
    browser = shop.browser(signed_in="alice")
    entries = browser.entries()
    return {page: statuses(browser, entries[page]) for page in PAGES}


def test_what_comes_a_third_time_to_a_site_with_two_is_refused_and_not_counted(
    limited: Shop, sent_signals: SentSignals
) -> None:
    assert clicks(limited) == dict.fromkeys(PAGES, TWICE)
    assert len(sent_signals) == 6
    for page in ("paid", "product"):  # a return, and a stranger's
        assert statuses(limited.browser(), f"/xiebao/{page}/nonsense")[-1] == 429


@pytest.mark.parametrize("page", PAGES)
def test_a_site_exempts_one_of_the_views_or_limits_it_by_itself(limited: Shop, page: str) -> None:
    [limiter] = limited.app.extensions["limiter"]
    views = limited.app.view_functions
    another = PAGES[PAGES.index(page) - 1]
    limiter.exempt(views[f"xiebao.{page}"])
    views[f"xiebao.{another}"] = limiter.limit("1 per day")(views[f"xiebao.{another}"])
    assert clicks(limited) == dict.fromkeys(PAGES, TWICE) | {page: ALWAYS, another: ONCE}


def test_a_site_exempts_all_of_them_and_nothing_else(limited: Shop) -> None:
    [limiter] = limited.app.extensions["limiter"]
    limiter.exempt(limited.app.blueprints["xiebao"])
    assert clicks(limited) == dict.fromkeys(PAGES, ALWAYS)
    assert statuses(limited.browser(), "/orders/8") == [200, 200, 429]


# Flask-CORS opens a shop to the scripts of others, and clicks to none of them.

PARTNER = "https://partner.example"
FETCH = {
    "Origin": PARTNER,
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}


@pytest.mark.parametrize("page", ["product", "home", "policy"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", FETCH | {"Accept": "*/*"}),
        ("GET", FETCH | {"Accept": "application/json"}),
        ("OPTIONS", FETCH | {"Access-Control-Request-Method": "GET"}),
    ],
    ids=["a script", "a script for JSON", "whether it may"],
)
def test_a_script_that_fetches_a_link_with_a_members_cookies_gets_no_way_to_the_gateway(
    way: Way,
    scene: ExitStack,
    sent_signals: SentSignals,
    page: str,
    method: str,
    headers: dict[str, str],
) -> None:
    browser = flask_cors(way, scene).browser(PHONE, signed_in="alice")
    shown = browser.get("/", FETCH)
    answer = browser.get(browser.entries()[page], headers, method=method)

    # The page with the entry may be fetched, and differs by device as ever.
    assert set(shown.vary) >= {"Origin", *DEVICE_HEADERS}
    assert shown.headers["Cache-Control"] == "private"
    for response in (shown, answer):
        assert response.headers["Access-Control-Allow-Origin"] == PARTNER
        assert response.status_code == 200
    assert "Location" not in answer.headers
    assert "/gateway/" not in f"{answer.headers}{answer.text}"
    assert not sent_signals


# Flask-DebugToolbar looks into every view and every page.


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_a_redirect_that_it_stops_is_a_page_that_nobody_keeps(
    way: Way, scene: ExitStack, sent_signals: SentSignals, page: str
) -> None:
    shop = flask_debug_toolbar(way, scene, DEBUG_TB_INTERCEPT_REDIRECTS=True)
    # Its own login is stopped as well, and leads on all the same.
    browser = shop.browser(PHONE)
    browser.post("/login", {"name": "alice"})

    stopped = browser.get(browser.entries()[page])

    assert (stopped.status_code, stopped.mimetype) == (200, "text/html")
    assert "Location" not in stopped.headers
    assert "Redirect (302)" in stopped.text
    link = shop.gateway_url(page, "alice", 1).replace("&", "&amp;")
    assert f'<a href="{link}">' in stopped.text
    assert len(sent_signals) == 1


# Flask-Session keeps on the server who is signed in.


def test_who_is_signed_in_is_known_on_the_server_alone(scene: ExitStack) -> None:
    shop = flask_session(ONE_WAY, scene)
    pc, phone = shop.browser(PC, signed_in="alice"), shop.browser(PHONE)
    page = pc.get("/")
    assert set(page.vary) >= {"Cookie", *DEVICE_HEADERS}
    assert page.headers["Cache-Control"] == "private"
    entries = pc.entries()
    # A phone that goes on from there is not signed in.
    scan = phone.get(qr.read(pc.get(entries["home"]).text))
    assert scan.location == shop.gateway_url("home", "alice", 1)
    assert "Set-Cookie" not in scan.headers
    assert "policy" not in phone.entries()
    # Whoever is signed out there does not go any more.
    shop.app.config["SESSION_CACHELIB"].clear()
    assert pc.get(entries["policy"]).status_code == 401


# Loaders and receivers that are coroutines, as Flask's own views may be.


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("m_7Qk2vX9rT4", 302),
        *[(nobody, 401) for nobody in (None, "", 0, False)],
        (ConnectionError("the database is down"), 500),
    ],
)
def test_what_a_coroutine_says_of_the_member_counts(
    sent_signals: SentSignals, said: object, status: int
) -> None:
    async def load() -> object:
        await asyncio.sleep(0)
        if isinstance(said, Exception):
            raise said
        return said

    shop = Shop(ONE_WAY, loader=load)
    for device in (PHONE, PC):
        answer = shop.browser(device).get(shop.link("product"))
        assert answer.status_code == status
        assert ("Location" in answer.headers) == (status == 302)
    # Nobody is refused; an error is neither.
    signal = {302: ["clicked"], 401: ["refused"], 500: []}[status]
    assert [name for name, _ in sent_signals] == signal * 2


def test_receivers_may_be_coroutines_and_one_that_fails_stops_nobody(
    scene: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    shop = asynchronous(ONE_WAY, scene)
    sent_signals: list[str] = []

    async def hear(_app: Flask, *, reason: str = "", **values: Any) -> None:
        await asyncio.sleep(0)
        sent_signals.append(reason or f"{values['member']}, back: {'same_session' in values}")

    async def fail(_app: Flask, **_values: Any) -> None:
        raise ConnectionError("statistics are down")

    browser = shop.browser(PHONE, signed_in="alice")
    with (
        entry_clicked.connected_to(hear, shop.app),
        payment_returned.connected_to(hear, shop.app),
        entry_refused.connected_to(hear, shop.app),
        entry_clicked.connected_to(fail, shop.app),
    ):
        browser.get(get_return_link(browser.get(browser.entries()["order"])))
        browser.get("/xiebao/product/nonsense")

    assert sent_signals == ["m_7Qk2vX9rT4, back: False", "m_7Qk2vX9rT4, back: True", "invalid_link"]
    assert "statistics are down" in caplog.text
