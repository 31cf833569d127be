"""Only a navigation is a click: what else fetches a link is sent there, and is counted nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests.support import (
    NUMBER,
    PC,
    PHONE,
    REFERENCES,
    MakeSite,
    Site,
    accepted,
    href,
    one,
    paid_url,
    soup,
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
# ?go=1 is for a browser that reaches the page below as a page: it does not make a script a click.
SCRIPTS = [name for name in FETCHES if name.startswith(("HTMX", "Turbo"))]
OTHERS = [name for name in FETCHES if name not in SCRIPTS]


def follow(site: Site, url: str, headers: dict[str, str], **more: Any) -> TestResponse:
    return site.follow(url, {**PHONE, **headers}, **more)


def is_click(response: TestResponse) -> bool:
    """Tell whether the response leads to the gateway; one that does not has to be the page."""
    if response.status_code == 302:
        accepted(response.location)
        return True
    assert response.status_code == 200
    assert "Location" not in response.headers
    return False


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The name of every signal that was sent."""
    names: list[str] = []
    with ExitStack() as stack:
        for signal in (entry_clicked, entry_refused, payment_returned):

            def receive(_app: Flask, _name: str = signal.name, **_: Any) -> None:
                names.append(_name)

            stack.enter_context(signal.connected_to(receive))
        yield names


@pytest.mark.parametrize("page", REFERENCES)
@pytest.mark.parametrize("headers", NAVIGATIONS.values(), ids=NAVIGATIONS)
def test_a_navigation_is_a_click(
    site: Site, heard: list[str], page: str, headers: dict[str, str]
) -> None:
    site.log_in("alice")
    assert is_click(follow(site, site.link(page), headers))
    assert heard == ["entry-clicked"]


@pytest.mark.parametrize("page", REFERENCES)
@pytest.mark.parametrize("headers", FETCHES.values(), ids=FETCHES)
def test_what_a_script_fetches_is_no_click_and_leads_to_the_same_link(
    site: Site, heard: list[str], page: str, headers: dict[str, str]
) -> None:
    site.log_in("alice")
    url = site.link(page)
    response = follow(site, url, headers)
    assert not is_click(response)
    assert heard == []
    assert response.headers["Cache-Control"] == "no-store"

    # HTMX goes where this header says, Turbo where it was going, and everything else by the page.
    assert response.headers["HX-Redirect"] == url
    shown = soup(response)
    said = [(meta["name"], meta["content"]) for meta in shown.select("meta[name^=turbo]")]
    assert said == [
        ("turbo-visit-control", "reload"),
        ("turbo-cache-control", "no-cache"),
        ("turbo-cache-control", "no-preview"),
    ]
    assert one(shown, "meta[http-equiv=refresh]")["content"] == f"0; url={url}?go=1"
    assert href(shown) == f"{url}?go=1"
    assert shown.script is shown.style is None

    assert is_click(follow(site, href(shown), {"Sec-Fetch-Mode": "navigate"}))
    assert heard == ["entry-clicked"]


@pytest.mark.parametrize("query", ["?go=1", "?platform=ios&go=1", "?go=1&platform=ios", "?x&go=1"])
@pytest.mark.parametrize("name", FETCHES)
def test_go_overrides_the_mode_and_no_script(
    site: Site, heard: list[str], name: str, query: str
) -> None:
    site.log_in("alice")
    clicked = is_click(follow(site, site.link("product") + query, FETCHES[name]))
    assert clicked == (name in OTHERS)
    assert len(heard) == clicked


def test_the_page_sends_a_browser_on_once(site: Site) -> None:
    """Else one whose every request looks like a script's would load it for ever."""
    url = f"{site.link('product')}?go=1"
    page = soup(follow(site, url, FETCHES["HTMX"]))
    assert page.select("meta[http-equiv=refresh]") == []
    assert href(page) == url


@pytest.mark.parametrize(
    "fetch",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda fetch: " ".join(fetch.values()),
)
def test_go_is_nothing_for_images_and_other_sites(
    site: Site, heard: list[str], fetch: dict[str, str]
) -> None:
    site.log_in("alice")
    assert not is_click(follow(site, f"{site.link('product')}?go=1", fetch))
    handoff = follow(site, f"{site.link('home')}?go=1", {**PC, **fetch})
    assert "<svg" not in handoff.text
    assert heard == []


@pytest.mark.parametrize("dest", ["empty", "document", "iframe"])
def test_go_is_for_what_a_service_worker_makes_of_a_navigation(site: Site, dest: str) -> None:
    site.log_in("alice")
    headers = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": dest, "Sec-Fetch-Site": "same-origin"}
    assert is_click(follow(site, f"{site.link('product')}?go=1", headers))


@pytest.mark.parametrize(
    "query", ["?go=0", "?go=", "?go", "?go=11", "?going=1", "?x=go=1", "?GO=1"]
)
def test_nothing_but_go_equals_1_goes(site: Site, query: str) -> None:
    site.log_in("alice")
    assert not is_click(follow(site, site.link("product") + query, FETCHES["fetch()"]))


@pytest.mark.parametrize("platform", ["h5", "pc", "ios", "android"])
def test_the_platform_that_was_asked_for_is_kept(site: Site, platform: str) -> None:
    site.log_in("alice")
    url = f"{site.link('product')}?platform={platform}"
    response = follow(site, url, FETCHES["HTMX"])
    assert response.headers["HX-Redirect"] == url
    assert href(response) == f"{url}&go=1"


@pytest.mark.parametrize(
    "query", ["platform=tv", "platform=", "x=1", "next=//evil.example", "go=1"]
)
def test_nothing_else_of_the_query_is_kept(site: Site, query: str) -> None:
    url = site.link("product")
    response = follow(site, f"{url}?{query}", FETCHES["HTMX"])
    assert response.headers["HX-Redirect"] == url
    assert "evil" not in response.text


def test_the_page_is_for_whoever_asks_and_says_nothing_of_the_link(
    make_site: MakeSite, heard: list[str]
) -> None:
    """Who may go is decided at the click that follows."""
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    off = make_site(XIEBAO_ENABLED=False)
    with site.app.test_request_context():
        expired = site.xiebao.policy_link(NUMBER, member="alice", no_login_for=1)
    for shop, url in [
        (site, site.link("product")),
        (site, expired),
        (site, "/xiebao/policy/tampered"),
        (off, "/xiebao/home/x"),
    ]:
        response = follow(shop, url, FETCHES["Turbo Drive"])
        assert not is_click(response)
        assert response.headers["HX-Redirect"] == url
    assert heard == []


def test_a_head_request_of_a_script_is_no_click(site: Site, heard: list[str]) -> None:
    site.log_in("alice")
    response = follow(site, site.link("product"), FETCHES["fetch()"], method="HEAD")
    assert not is_click(response)
    assert (response.data, heard) == (b"", [])


def test_a_prefetch_by_the_browser_comes_before_all_other_signs(site: Site) -> None:
    site.log_in("alice")
    headers = {**FETCHES["HTMX"], "Sec-Purpose": "prefetch"}
    response = follow(site, f"{site.link('product')}?go=1", headers)
    assert (response.status_code, response.mimetype) == (503, "text/plain")


@pytest.mark.parametrize("headers", FETCHES.values(), ids=FETCHES)
def test_the_way_back_from_a_payment_answers_scripts_too(
    site: Site, heard: list[str], headers: dict[str, str]
) -> None:
    site.log_in("alice")
    back = paid_url(follow(site, site.link("product", return_to="/orders/8"), {}))
    response = follow(site, urlsplit(back).path, headers)
    assert (response.status_code, response.location) == (302, "/orders/8")
    assert heard == ["entry-clicked", "payment-returned"]


def test_the_page_is_in_the_language_of_the_site(make_site: MakeSite) -> None:
    for locale, lang, title in (("zh", "zh-CN", "正在打开…"), ("en", "en", "Opening…")):
        site = make_site(XIEBAO_LOCALE=locale)
        page = follow(site, site.link("home"), FETCHES["HTMX"])
        assert (one(page, "html")["lang"], one(page, "title").text) == (lang, title)


def test_the_page_works_below_a_path_and_whatever_a_site_makes_of_its_layout(
    site: Site,
) -> None:
    site.app.jinja_loader = DictLoader({"xiebao/layout.html": "the site's own"})
    mounted = Client(DispatcherMiddleware(Flask("root"), {"/shop": site.app}), TestResponse)
    response = mounted.get(f"/shop{site.link('product')}", headers=FETCHES["Turbo Drive"])
    assert response.headers["HX-Redirect"] == f"/shop{site.link('product')}"
    assert 'content="reload"' in response.text


@pytest.mark.parametrize(
    "token", ["x'\"><script>alert(1)</script>", "%0d%0aSet-Cookie:%20a=b", "保险", "a b"]
)
def test_what_stands_in_the_place_of_a_token_breaks_out_of_nothing(site: Site, token: str) -> None:
    response = follow(site, f"/xiebao/product/{token}", FETCHES["HTMX"])
    if response.status_code == 404:  # a slash ends the token
        return
    assert soup(response).script is None
    assert response.headers["HX-Redirect"].startswith("/xiebao/product/")
    assert "Set-Cookie" not in response.headers
    assert href(response) == response.headers["HX-Redirect"] + "?go=1"


def test_a_pc_gets_the_handoff_by_a_navigation_only(site: Site) -> None:
    site.log_in("alice")
    url = site.link("home")
    fetched = follow(site, url, {**PC, **FETCHES["Turbo Drive"]})
    assert "<svg" not in fetched.text
    assert "<svg" in follow(site, url, {**PC, "Sec-Fetch-Mode": "navigate"}).text
