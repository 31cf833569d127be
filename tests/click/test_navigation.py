"""Only a navigation is a click: what else fetches a link is sent there, and is counted nowhere.

What a new kind of script sends is a row of ``FETCHES``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from tests.support import (
    LINK_ARGUMENTS,
    PC,
    PHONE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    get_return_link,
    parse_html,
)

NAVIGATIONS = {
    "an old browser": {},
    "a browser": {"Sec-Fetch-Mode": "navigate", "Upgrade-Insecure-Requests": "1"},
    "an app's web view": {"X-Requested-With": "com.tencent.mm"},
}
FETCHES = {
    "HTMX": {"HX-Request": "true"},
    "HTMX, boosted": {"HX-Request": "true", "HX-Boosted": "true", "Sec-Fetch-Mode": "cors"},
    "Turbo Drive": {"X-Turbo-Request-Id": "6f1c", "Sec-Fetch-Mode": "cors"},
    "Turbo in a frame": {"Turbo-Frame": "insurance", "Sec-Fetch-Mode": "cors"},
    "Turbo, hovered": {"X-Sec-Purpose": "prefetch", "Sec-Fetch-Mode": "cors"},
    "fetch()": {"Sec-Fetch-Mode": "cors"},
    "fetch() of the same origin": {"Sec-Fetch-Mode": "same-origin"},
    # Of a tap or of a speculation rule: nothing tells which.
    "a service worker that makes a request of its own": {
        "Sec-Fetch-Mode": "same-origin",
        "Upgrade-Insecure-Requests": "1",
    },
    "an image": {"Sec-Fetch-Mode": "no-cors"},
    "a socket": {"Sec-Fetch-Mode": "websocket"},
    "a mode to come": {"Sec-Fetch-Mode": "another"},
}
PREFETCHES = {
    "Chrome": {"Sec-Purpose": "prefetch"},
    "prerendering": {"Sec-Purpose": "prefetch;prerender"},
    "by a proxy": {"Sec-Purpose": "prefetch;anonymous-client-ip"},
    "Safari": {"Purpose": "prefetch"},
    "in capitals": {"Purpose": "Prefetch"},
    # It comes before all other signs.
    "by HTMX": {"HX-Request": "true", "Sec-Purpose": "prefetch"},
}


def is_click(response: TestResponse) -> bool:
    """Tell whether the response leads to the gateway; one that does not has to be the page."""
    if response.status_code == 302:
        assert_gateway_accepts(response.location)
        return True
    assert response.status_code == 200
    assert "Location" not in response.headers
    return False


def follow(site: Site, url: str, headers: dict[str, str], **more: Any) -> TestResponse:
    return site.follow(url, {**PHONE, **headers}, **more)


@pytest.fixture
def site(site: Site) -> Site:
    """A site where somebody is logged in."""
    site.log_in("alice")
    return site


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("headers", NAVIGATIONS.values(), ids=NAVIGATIONS)
def test_a_navigation_is_a_click_and_asking_where_it_leads_is_none(
    site: Site, sent_signals: SentSignals, page: str, headers: dict[str, str]
) -> None:
    assert is_click(follow(site, site.link(page), headers, method="HEAD"))
    assert sent_signals == []
    assert is_click(follow(site, site.link(page), headers))
    assert [name for name, _ in sent_signals] == ["clicked"]


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("name", FETCHES)
def test_what_a_script_fetches_is_no_click_and_leads_to_the_same_link(
    site: Site, sent_signals: SentSignals, page: str, name: str
) -> None:
    url = site.link(page)
    response = follow(site, url, FETCHES[name])
    assert not is_click(response)
    assert sent_signals == []
    assert response.headers["Cache-Control"] == "no-store"

    # HTMX goes where this header says, Turbo where it was going, and everything else by the page.
    assert response.headers["HX-Redirect"] == url
    shown = parse_html(response)
    said = [(meta["name"], meta["content"]) for meta in shown.select("meta[name^=turbo]")]
    assert said == [
        ("turbo-visit-control", "reload"),
        ("turbo-cache-control", "no-cache"),
        ("turbo-cache-control", "no-preview"),
    ]
    assert find_element(shown, "meta[http-equiv=refresh]")["content"] == f"0; url={url}?go=1"
    assert find_href(shown) == f"{url}?go=1"
    assert shown.script is shown.style is None

    # ?go=1 is for a browser that reaches this page as a page: it makes no script's fetch a click.
    again = follow(site, find_href(shown), FETCHES[name])
    assert is_click(again) == (not name.startswith(("HTMX", "Turbo")))
    if again.status_code == 200:
        # It sends a browser on once, or one whose every request looks like a script's would load
        # it for ever.
        assert parse_html(again).select("meta[http-equiv=refresh]") == []
        assert find_href(again) == find_href(shown)
        assert is_click(follow(site, find_href(shown), {"Sec-Fetch-Mode": "navigate"}))
    assert [name for name, _ in sent_signals] == ["clicked"]


def sent(mode: str, dest: str, site: str) -> dict[str, str]:
    return {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Sec-Fetch-Site": site}


#: What is added to the link, what a browser that follows it says, and whether that is a click.
TOLD_TO_GO: list[tuple[str, dict[str, str], bool]] = [
    ("?platform=ios&go=1", FETCHES["fetch()"], True),
    ("?go=1&platform=ios", FETCHES["fetch()"], True),
    ("?x&go=1", FETCHES["fetch()"], True),
    *[
        (query, FETCHES["fetch()"], False)
        for query in ("?go=0", "?go=", "?go", "?go=11", "?going=1", "?x=go=1", "?GO=1")
    ],
    # What a service worker makes of a navigation.
    *[
        ("?go=1", sent("cors", dest, "same-origin"), True)
        for dest in ("empty", "document", "iframe")
    ],
    # Images in posts, scripts, other sites.
    ("?go=1", sent("no-cors", "image", "same-origin"), False),
    ("?go=1", sent("no-cors", "script", "same-origin"), False),
    ("?go=1", sent("no-cors", "image", "same-site"), False),
    ("?go=1", sent("cors", "empty", "cross-site"), False),
    ("?go=1", sent("cors", "empty", "same-site"), False),
]


@pytest.mark.parametrize(("query", "headers", "goes"), TOLD_TO_GO)
def test_go_is_for_whoever_follows_the_page_and_for_no_image_or_other_site(
    site: Site, sent_signals: SentSignals, query: str, headers: dict[str, str], goes: bool
) -> None:
    assert is_click(follow(site, site.link("product") + query, headers)) == goes
    assert len(sent_signals) == goes
    handoff = follow(site, site.link("home") + query, {**PC, **headers})
    assert ("<svg" in handoff.text) == (goes and "ios" not in query)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        *[(f"?platform={name}", f"?platform={name}") for name in ("h5", "pc", "ios", "android")],
        *[
            (f"?{query}", "")
            for query in ("platform=tv", "platform=", "x=1", "next=//evil.example")
        ],
    ],
)
def test_the_platform_that_was_asked_for_is_kept_and_nothing_else_of_the_query(
    site: Site, query: str, kept: str
) -> None:
    url = site.link("product")
    response = follow(site, url + query, FETCHES["HTMX"])
    assert response.headers["HX-Redirect"] == url + kept
    assert find_href(response) == url + (f"{kept}&go=1" if kept else "?go=1")
    assert "evil" not in response.text


def test_the_page_is_for_whoever_asks_and_says_nothing_of_the_link(
    make_site: MakeSite, sent_signals: SentSignals, caplog: pytest.LogCaptureFixture
) -> None:
    """Who may go is decided at the click that follows."""
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    off = make_site(XIEBAO_ENABLED=False)
    expired = site.link("policy", member="alice", no_login_for=1)
    for shop, url in [
        (site, site.link("product")),
        (site, expired),
        (site, "/xiebao/policy/tampered"),
        (off, "/xiebao/home/x"),
    ]:
        response = follow(shop, url, FETCHES["Turbo Drive"])
        assert not is_click(response)
        assert response.headers["HX-Redirect"] == url
    head = follow(site, site.link("product"), FETCHES["fetch()"], method="HEAD")
    assert not is_click(head)
    assert (head.data, sent_signals, caplog.messages) == (b"", [], [])


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("headers", PREFETCHES.values(), ids=PREFETCHES)
def test_a_prefetch_is_no_click_and_sends_nobody_to_the_login(
    make_site: MakeSite,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    page: str,
    headers: dict[str, str],
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    url = site.link(page, member="alice")
    for visitor, where in ((None, url), ("alice", url), ("bob", url), ("alice", f"{url}x")):
        site.log_in(visitor)
        response = follow(site, f"{where}?go=1", headers)
        assert (response.status_code, response.mimetype) == (503, "text/plain")
        assert "Location" not in response.headers
    assert (sent_signals, caplog.messages) == ([], [])
    site.log_in("alice")
    assert is_click(follow(site, url, {}))


@pytest.mark.parametrize("headers", FETCHES.values(), ids=FETCHES)
def test_the_way_back_from_a_payment_answers_scripts_too(
    site: Site, sent_signals: SentSignals, headers: dict[str, str]
) -> None:
    back = get_return_link(follow(site, site.link("product", return_to="/orders/8"), {}))
    response = follow(site, urlsplit(back).path, headers)
    assert (response.status_code, response.location) == (302, "/orders/8")
    assert [name for name, _ in sent_signals] == ["clicked", "returned"]


def test_the_page_works_below_a_path_and_whatever_a_site_makes_of_its_layout(site: Site) -> None:
    site.app.jinja_loader = DictLoader({"xiebao/layout.html": "the site's own"})
    mounted = Client(DispatcherMiddleware(Flask("root"), {"/shop": site.app}), TestResponse)
    response = mounted.get(f"/shop{site.link('product')}", headers=FETCHES["Turbo Drive"])
    assert response.headers["HX-Redirect"] == f"/shop{site.link('product')}"
    assert 'content="reload"' in response.text


LINK_PREVIEWERS = {
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Facebot": "Facebot/1.0",
    "Twitter": "Twitterbot/1.0",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "LinkedIn": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient)",
    "WhatsApp": "WhatsApp/2.23.20.0 A",
    "Telegram": "TelegramBot (like TwitterBot)",
    "Discord": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Skype": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "DingTalk": "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com)",
    "Bing": "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534+ BingPreview/1.0b",
}


@pytest.mark.parametrize("user_agent", LINK_PREVIEWERS.values(), ids=LINK_PREVIEWERS)
def test_link_previewer_gets_continue_page_and_is_not_a_click(
    site: Site, sent_signals: SentSignals, user_agent: str
) -> None:
    response = follow(site, site.link("product"), {"User-Agent": user_agent})
    assert not is_click(response)
    assert parse_html(response).select("meta[http-equiv=refresh]") == []
    assert find_element(response, "title").text == "localhost"
    assert sent_signals == []

    assert is_click(follow(site, find_href(parse_html(response)), {"User-Agent": user_agent}))
    assert [name for name, _ in sent_signals] == ["clicked"]


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.42",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Line/13.20.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) [FBAN/FBIOS;FBAV/440.0]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AliApp(DingTalk/7.0.50)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ],
)
def test_browser_of_a_chat_app_is_a_click(
    site: Site, sent_signals: SentSignals, user_agent: str
) -> None:
    assert is_click(follow(site, site.link("product"), {"User-Agent": user_agent}))
    assert [name for name, _ in sent_signals] == ["clicked"]
