"""Flask-Talisman's defaults: https, and a policy that forbids what is inline."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest
from flask import Response
from flask_talisman import Talisman

from tests.ecosystem.shop import Shop, Way, directives, soup
from tests.ecosystem.sites import (
    THEIR_WARNINGS,
    Build,
    flask_talisman,
    the_first_four,
)
from tests.support import PC, PHONE, SentSignals

pytestmark = THEIR_WARNINGS

ITS_POLICY = "default-src 'self'; object-src 'none'"


def add_policy(response: Response) -> Response:
    response.headers.add("Content-Security-Policy", "img-src 'none'")
    return response


def with_a_second_policy(way: Way, scene: ExitStack) -> Shop:
    # Flask calls such hooks backwards: this one comes after Flask-Talisman's.
    return Shop(way, lambda app: app.after_request(add_policy), partial(way.add, Talisman))


def test_a_click_by_http_goes_to_https_first(
    way: Way, scene: ExitStack, sent_signals: SentSignals
) -> None:
    shop = flask_talisman(way, scene)
    browser = shop.browser(PHONE, signed_in="alice")
    link = browser.entries()["product"]

    response = browser.get(link, base_url="http://shop.example")

    assert (response.status_code, response.location) == (302, f"https://shop.example{link}")
    assert not sent_signals
    assert browser.get(link).location == shop.gateway_url("product", "alice", 1)
    assert len(sent_signals) == 1


@pytest.mark.parametrize(
    ("build", "policies"),
    [
        (flask_talisman, [ITS_POLICY]),
        (the_first_four, [ITS_POLICY]),
        (with_a_second_policy, [ITS_POLICY, "img-src 'none'"]),
    ],
)
def test_its_policy_reaches_our_pages_and_nothing_in_them_is_against_it(
    way: Way, scene: ExitStack, build: Build, policies: list[str]
) -> None:
    browser = build(way, scene).browser(PC, signed_in="alice")
    shown = browser.get("/")
    entries = browser.entries()
    by_a_script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    ours = [
        browser.get(entries["home"]),
        browser.get("/xiebao/home/nonsense"),
        browser.get(entries["product"], by_a_script),
    ]

    # The shop's own pages have its headers, and none of ours.
    assert shown.headers.getlist("Content-Security-Policy") == policies
    assert shown.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "X-Robots-Tag" not in shown.headers
    for page in ours:
        assert set("; ".join(policies).split("; ")) <= set(directives(page).split("; "))
        tags = soup(page).find_all(True)
        assert not soup(page).select("style, [style], script:not([src])")
        assert not [name for tag in tags for name in tag.attrs if name.startswith("on")]
        for tag in soup(page).select("script, link, img"):
            assert str(tag.get("src") or tag.get("href")).startswith("/xiebao/static/")
