"""Tests for links and pages on a site with Flask-Talisman."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest
from flask import Response
from flask_talisman import Talisman

from tests.ecosystem.shop import H5_PLATFORM, AppSetup, Shop, get_csp, parse_page
from tests.ecosystem.sites import SITES, ShopFactory
from tests.support import PC, PHONE, SentSignals, find_inline_code

DEFAULT_CSP = "default-src 'self'; object-src 'none'"
#: The request headers of a script that fetches a link.
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


def test_http_click_redirects_to_https_and_sends_no_signal(
    app_setup: AppSetup, exit_stack: ExitStack, sent_signals: SentSignals
) -> None:
    shop = SITES["Flask-Talisman"](app_setup, exit_stack)
    browser = shop.open_browser(PHONE, "alice")
    link = browser.get_links()["product"]

    response = browser.get(link, base_url="http://shop.example")
    assert (response.status_code, response.location) == (302, f"https://shop.example{link}")
    assert not sent_signals

    assert browser.get(link).location == shop.get_gateway_url("product", "alice", H5_PLATFORM)
    assert len(sent_signals) == 1


def add_second_csp_header(response: Response) -> Response:
    response.headers.add("Content-Security-Policy", "img-src 'none'")
    return response


@pytest.mark.parametrize(
    ("create_shop", "policies"),
    [
        (SITES["Flask-Talisman"], [DEFAULT_CSP]),
        (SITES["four security extensions"], [DEFAULT_CSP]),
        # Flask runs after_request hooks in reverse order, so Flask-Talisman's hook runs first.
        (
            lambda setup, _: Shop(
                setup,
                lambda app: app.after_request(add_second_csp_header),
                partial(setup.add_extension, Talisman),
            ),
            [DEFAULT_CSP, "img-src 'none'"],
        ),
    ],
    ids=["Flask-Talisman", "four security extensions", "two policies"],
)
def test_extension_pages_send_and_obey_csp_of_site(
    app_setup: AppSetup, exit_stack: ExitStack, create_shop: ShopFactory, policies: list[str]
) -> None:
    browser = create_shop(app_setup, exit_stack).open_browser(PC, "alice")
    links = browser.get_links()

    front_page = browser.get("/")
    handoff_page = browser.get(links["home"])
    refusal_page = browser.get("/xiebao/home/nonsense")
    fetched_page = browser.get(links["product"], headers=FETCH)

    # The shop's own pages have only the headers that Flask-Talisman adds.
    assert front_page.headers.getlist("Content-Security-Policy") == policies
    assert front_page.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "X-Robots-Tag" not in front_page.headers
    for page in (handoff_page, refusal_page, fetched_page):
        assert get_csp(page) >= set("; ".join(policies).split("; "))
        assert find_inline_code(page) == []
        for tag in parse_page(page).select("script, link, img"):
            assert str(tag.get("src") or tag.get("href")).startswith("/xiebao/static/")
