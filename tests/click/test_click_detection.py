"""Tests for telling clicks apart from prefetches and from requests by scripts and link previewers.

To test another browser, script, prefetch or link previewer, add a row to ``NAVIGATION_HEADERS``,
``SCRIPT_HEADERS``, ``PREFETCH_HEADERS`` or ``LINK_PREVIEWERS``.
"""

from __future__ import annotations

import pytest
from jinja2 import DictLoader
from werkzeug.test import TestResponse

from tests.click.support import WECHAT_ON_HARMONY
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
    parse_html,
)

#: One row per browser: a name, and the request headers that the browser sends for a click. The test
#: of this table sets the platform of the link to "h5", so a row does not test which platform is
#: detected. To test this, also add the browser to ``PLATFORMS`` in
#: ``tests/click/test_platform_detection.py``.
NAVIGATION_HEADERS = {
    "old browser": {},
    "browser": {"Sec-Fetch-Mode": "navigate", "Upgrade-Insecure-Requests": "1"},
    "web view of an app": {"X-Requested-With": "com.tencent.mm"},
    "WeChat": {"User-Agent": f"{PHONE['User-Agent']} MicroMessenger/8.0.42"},
    "WeChat on HarmonyOS": WECHAT_ON_HARMONY,
    "LINE": {"User-Agent": f"{PHONE['User-Agent']} Line/13.20.0"},
    "Facebook": {"User-Agent": f"{PHONE['User-Agent']} [FBAN/FBIOS;FBAV/440.0]"},
    "DingTalk": {"User-Agent": f"{PHONE['User-Agent']} AliApp(DingTalk/7.0.50)"},
    "Googlebot": {
        "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    },
}
#: One row per request that does not navigate the browser: a name, and the request headers that the
#: script or the browser adds.
SCRIPT_HEADERS = {
    "HTMX": {"HX-Request": "true"},
    "HTMX boost": {"HX-Request": "true", "HX-Boosted": "true", "Sec-Fetch-Mode": "cors"},
    "Turbo Drive": {"X-Turbo-Request-Id": "6f1c", "Sec-Fetch-Mode": "cors"},
    "Turbo Frame": {"Turbo-Frame": "insurance", "Sec-Fetch-Mode": "cors"},
    "Turbo prefetch on hover": {"X-Sec-Purpose": "prefetch", "Sec-Fetch-Mode": "cors"},
    "fetch()": {"Sec-Fetch-Mode": "cors"},
    "fetch() with mode same-origin": {"Sec-Fetch-Mode": "same-origin"},
    # A service worker sends these headers for a click and also for a speculative load, so the
    # request does not count as a click.
    "service worker": {"Sec-Fetch-Mode": "same-origin", "Upgrade-Insecure-Requests": "1"},
    "image": {"Sec-Fetch-Mode": "no-cors"},
    "WebSocket": {"Sec-Fetch-Mode": "websocket"},
    "unknown mode": {"Sec-Fetch-Mode": "another"},
}
#: One row per prefetch: a name, and the request headers that the browser adds to a prefetch.
PREFETCH_HEADERS = {
    "Chrome": {"Sec-Purpose": "prefetch"},
    "Chrome prerender": {"Sec-Purpose": "prefetch;prerender"},
    "Chrome with proxy": {"Sec-Purpose": "prefetch;anonymous-client-ip"},
    "Safari": {"Purpose": "prefetch"},
    "capitalized value": {"Purpose": "Prefetch"},
    "HTMX": {"HX-Request": "true", "Sec-Purpose": "prefetch"},
}


@pytest.fixture
def site(site: Site) -> Site:
    """A site on which the member alice is logged in."""
    site.log_in("alice")
    return site


def assert_is_continue_page(response: TestResponse) -> None:
    """Assert that the response is the page with a "Continue" link, and not a redirect."""
    assert (response.status_code, response.headers.get("Location")) == (200, None)
    assert find_href(response).endswith("go=1")


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("headers", NAVIGATION_HEADERS.values(), ids=NAVIGATION_HEADERS)
def test_browser_navigation_sends_entry_clicked_but_head_request_does_not(
    site: Site, sent_signals: SentSignals, page: str, headers: dict[str, str]
) -> None:
    link = site.link(page, platform="h5")
    assert_gateway_accepts(site.follow(link, PHONE | headers, method="HEAD"))
    assert sent_signals == []
    assert_gateway_accepts(site.follow(link, PHONE | headers))
    assert [name for name, _ in sent_signals] == ["clicked"]


@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("name", SCRIPT_HEADERS)
def test_script_request_returns_page_with_continue_link(
    site: Site, sent_signals: SentSignals, name: str, page: str, mount: str
) -> None:
    # The page with the "Continue" link must work even if the site replaces the layout template.
    site.app.jinja_loader = DictLoader({"xiebao/layout.html": "The shop"})
    path, base_url = site.link(page), f"http://localhost{mount}"
    response = site.follow(path, PHONE | SCRIPT_HEADERS[name], base_url=base_url)
    assert_is_continue_page(response)

    # HTMX follows the HX-Redirect header, Turbo reloads the page because of its <meta> elements,
    # and other scripts show the page.
    assert response.headers["HX-Redirect"] == f"{mount}{path}"
    assert [
        (tag["name"], tag["content"]) for tag in parse_html(response).select("meta[name^=turbo]")
    ] == [
        ("turbo-visit-control", "reload"),
        ("turbo-cache-control", "no-cache"),
        ("turbo-cache-control", "no-preview"),
    ]
    refresh = find_element(response, "meta[http-equiv=refresh]")
    assert refresh["content"] == f"0; url={mount}{path}?go=1"
    assert find_href(response) == f"{mount}{path}?go=1"
    assert parse_html(response).select("script, style") == []
    assert sent_signals == []


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("name", SCRIPT_HEADERS)
def test_continue_link_redirects_except_for_htmx_and_turbo(
    site: Site, sent_signals: SentSignals, page: str, name: str
) -> None:
    link = f"{site.link(page)}?go=1"
    response = site.follow(link, PHONE | SCRIPT_HEADERS[name])
    if name.startswith(("HTMX", "Turbo")):
        assert_is_continue_page(response)
        # This page does not refresh itself, because a browser that sends the headers of HTMX or
        # Turbo with each request would otherwise reload the page forever.
        assert parse_html(response).select("meta[http-equiv=refresh]") == []
        response = site.follow(find_href(response), PHONE | {"Sec-Fetch-Mode": "navigate"})
    assert_gateway_accepts(response)
    assert [name for name, _ in sent_signals] == ["clicked"]


def build_fetch_headers(mode: str, destination: str, site: str) -> dict[str, str]:
    return {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination, "Sec-Fetch-Site": site}


#: One row per request for a link: the query string, the request headers, and whether the request
#: counts as a click on the "Continue" link.
GO_PARAMETERS: list[tuple[str, dict[str, str], bool]] = [
    *(
        (query, {"Sec-Fetch-Mode": "cors"}, True)
        for query in ("?platform=ios&go=1", "?go=1&platform=ios", "?x&go=1")
    ),
    *(
        (query, {"Sec-Fetch-Mode": "cors"}, False)
        for query in ("?go=0", "?go=", "?go", "?go=11", "?going=1", "?x=go=1", "?GO=1")
    ),
    # A service worker sends these headers when it forwards a browser navigation.
    *(
        ("?go=1", build_fetch_headers("cors", destination, "same-origin"), True)
        for destination in ("empty", "document", "iframe")
    ),
    # A request for an image in a forum post, a request for a script, and a request from another
    # site do not count as clicks.
    ("?go=1", build_fetch_headers("no-cors", "image", "same-origin"), False),
    ("?go=1", build_fetch_headers("no-cors", "script", "same-origin"), False),
    ("?go=1", build_fetch_headers("no-cors", "image", "same-site"), False),
    ("?go=1", build_fetch_headers("cors", "empty", "cross-site"), False),
    ("?go=1", build_fetch_headers("cors", "empty", "same-site"), False),
]


@pytest.mark.parametrize(("query", "headers", "is_click"), GO_PARAMETERS)
def test_go_query_parameter_redirects_except_for_images_and_other_sites(
    site: Site, sent_signals: SentSignals, query: str, headers: dict[str, str], is_click: bool
) -> None:
    response = site.follow(site.link("product") + query, PHONE | headers)
    assert response.status_code == (302 if is_click else 200)
    assert len(sent_signals) == is_click
    handoff_page = site.follow(site.link("home") + query, PC | headers)
    assert ("<svg" in handoff_page.text) == (is_click and "ios" not in query)


@pytest.mark.parametrize(
    ("query", "kept_query"),
    [
        *[(f"?platform={name}", f"?platform={name}") for name in ("h5", "pc", "ios", "android")],
        *[
            (f"?{query}", "")
            for query in ("platform=tv", "platform=", "x=1", "next=//evil.example")
        ],
    ],
)
def test_continue_link_keeps_only_valid_platform_of_query_string(
    site: Site, query: str, kept_query: str
) -> None:
    link = site.link("product")
    response = site.follow(link + query, PHONE | SCRIPT_HEADERS["HTMX"])
    assert response.headers["HX-Redirect"] == link + kept_query
    assert find_href(response) == link + (f"{kept_query}&go=1" if kept_query else "?go=1")
    assert "evil" not in response.text


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
@pytest.mark.parametrize("headers", PREFETCH_HEADERS.values(), ids=PREFETCH_HEADERS)
@pytest.mark.parametrize(
    ("visitor", "suffix"),
    [(None, ""), ("alice", ""), ("bob", ""), ("alice", "x")],
    ids=["anonymous visitor", "member", "another member", "changed link"],
)
def test_prefetch_returns_503_without_redirect_signal_or_log(
    make_site: MakeSite,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    page: str,
    headers: dict[str, str],
    visitor: str | None,
    suffix: str,
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    site.log_in(visitor)
    link = f"{site.link(page, member='alice')}{suffix}?go=1"
    response = site.follow(link, PHONE | headers)
    assert (response.status_code, response.headers.get("Location")) == (503, None)
    assert response.mimetype == "text/plain"
    assert (sent_signals, caplog.messages) == ([], [])


#: One row per link previewer: a name, and the User-Agent of the previewer.
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
def test_link_previewer_gets_continue_link_without_automatic_refresh(
    site: Site, sent_signals: SentSignals, user_agent: str
) -> None:
    response = site.follow(site.link("product"), {"User-Agent": user_agent})
    assert_is_continue_page(response)
    assert parse_html(response).select("meta[http-equiv=refresh]") == []
    assert find_element(response, "title").text == "localhost"
    assert sent_signals == []

    assert_gateway_accepts(site.follow(find_href(response), {"User-Agent": user_agent}))
    assert [name for name, _ in sent_signals] == ["clicked"]
