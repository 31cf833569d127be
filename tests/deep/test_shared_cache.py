"""Tests for links and pages of a site behind a shared cache.

No visitor may get a response that belongs to another visitor. The site, its hooks and the cache are
in ``shared_cache.py``. To test another request, add a row to ``SCENARIOS``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine

from tests.deep.shared_cache import (
    CACHE,
    CDN_HEADERS,
    HOOK_PLACES,
    LOCATION,
    LOGIN_VIEW,
    MEMBER_PATHS,
    MIDDLEWARE,
    CacheResponse,
    Shop,
    Visitor,
    create_site,
)
from tests.ecosystem.nginx import run_nginx
from tests.support import (
    PC,
    PHONE,
    SentSignals,
    assert_gateway_accepts,
    find_element,
    make_link,
    serve_app,
)


def get_cache_directives(response: CacheResponse) -> set[str]:
    """Return the directives of all Cache-Control headers of a response."""
    lines = response.headers.get_all("Cache-Control", [])
    return {word.strip() for line in lines for word in line.split(",") if word.strip()}


def is_private(response: CacheResponse) -> bool:
    """Return True if the response is not a cache hit and forbids shared caches to store it."""
    directives = get_cache_directives(response)
    return (
        bool(directives & {"no-store", "private"})
        and not directives & {"public", "s-maxage=3600"}
        # Do not look for the header X-Accel-Expires, because nginx removes this header from
        # responses.
        and not any(name in response.headers for name in ("Expires", *CDN_HEADERS))
        and not response.is_hit
    )


def assert_private(responses: list[CacheResponse], *member_paths: str) -> None:
    """Assert that links respond with ``no-store``, and that pages at these paths are private."""
    links = [response for response in responses if response.path.startswith("/xiebao/")]
    pages = [response for response in responses if response.path in member_paths]
    assert [get_cache_directives(link) for link in links] == [{"no-store"}] * len(links)
    assert [response for response in links + pages if not is_private(response)] == []


@pytest.fixture(scope="module", params=HOOK_PLACES)
def module_shop(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shop]:
    """A shop behind the shared cache, created once for each position of the hook.

    All tests of the module share the shop.
    """
    app, xiebao = create_site(request.param)
    folder = tmp_path_factory.mktemp("nginx")
    with serve_app(app) as url, run_nginx(LOCATION % url, folder, CACHE) as port:
        yield Shop(request.param, app, xiebao, port)


@pytest.fixture
def shop(module_shop: Shop) -> Shop:
    """The module's shop with a new host name, for which the cache has no responses."""
    module_shop.change_host()
    return module_shop


# A mark for tests that also run on the site with the WSGI middleware. On this site, the tests
# expect a different outcome, because the middleware marks all responses as public.
also_middleware = pytest.mark.parametrize(
    "module_shop", [*HOOK_PLACES, MIDDLEWARE], indirect=True, scope="module"
)
in_both_orders = pytest.mark.parametrize("step", [1, -1], ids=["in order", "in reverse order"])


# The site's own responses


@pytest.mark.parametrize("path", ["/about", "/xiebao/static/xiebao.css"])
def test_public_response_of_site_is_stored_for_all_visitors(shop: Shop, path: str) -> None:
    first = shop.request(path, "li")
    second = shop.request(path, "wang", PC)
    assert first.status == second.status == 200
    assert first.text == second.text != ""
    # Flask sends static files with "no-cache", so only a hook lets nginx store them.
    is_stored = path == "/about" or shop.place != "no hook"
    assert (first.is_hit, second.is_hit) == (False, is_stored)


def test_cached_redirect_to_gateway_identifies_wrong_member(shop: Shop) -> None:
    for member in ("li", "wang"):
        assert shop.visit("/redirect", Visitor(member)) == "product as li on h5"
    assert shop.responses[-1].is_hit


# Links and pages for different visitors


def make_link_builder(
    page: str, *, age: int = 0, query: str = "", **options: Any
) -> Callable[[Shop], str]:
    """Return a function that builds a link that is ``age`` seconds old."""

    def build_link(shop: Shop) -> str:
        with shop.app.test_request_context(), time_machine.travel(time.time() - age):
            return make_link(shop.xiebao, page, **options) + query

    return build_link


def click_and_get_return_link(shop: Shop) -> str:
    """Click an entry as the member "li", and return the link that leads back after the payment."""
    click = shop.request(make_link_builder("product", return_to="/about")(shop), "li")
    return str(assert_gateway_accepts(click.headers["Location"]).pay_success)


PREFETCH = {**PHONE, "Sec-Purpose": "prefetch;prerender"}
JSON = {**PHONE, "Accept": "application/json"}

#: One row per scenario: the name, a function that returns a URL, and the visitors who request the
#: URL, each with the expected outcome.
SCENARIOS: dict[str, tuple[Callable[[Shop], str], list[Visitor]]] = {
    "link": (
        make_link_builder("product"),
        [
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on pc", PC),
            Visitor(None, "401"),
        ],
    ),
    "handoff of home link": (
        make_link_builder("home"),
        [
            Visitor("li", "QR code: home as li on h5", PC),
            Visitor("wang", "QR code: home as wang on h5", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "handoff and phone": (
        make_link_builder("home"),
        [
            Visitor("li", "QR code: home as li on h5", PC),
            Visitor("li", "home as li on h5"),
            Visitor("wang", "home as wang on h5"),
        ],
    ),
    "link for tablet": (
        make_link_builder("home", query="?platform=h5"),
        [
            Visitor("li", "home as li on h5", PC),
            Visitor("wang", "home as wang on h5", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "policy link": (
        make_link_builder("policy", member="li"),
        [
            Visitor("li", "policy as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "401"),
        ],
    ),
    "handoff of policy link": (
        make_link_builder("policy", member="li"),
        [
            Visitor("li", "QR code: policy as li on h5", PC),
            Visitor("wang", "403", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "link without login": (
        make_link_builder("policy", member="li", no_login_for=3600),
        [
            Visitor("li", "policy as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "policy as li on h5"),
        ],
    ),
    "handoff of link without login": (
        make_link_builder("home", member="li", no_login_for=3600),
        [
            Visitor("li", "QR code: home as li on h5", PC),
            Visitor("wang", "403", PC),
            Visitor(None, "QR code: home as li on h5", PC),
        ],
    ),
    "expired link without login": (
        make_link_builder("product", member="li", no_login_for=60, age=3600),
        [
            Visitor("li", "product as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "410"),
        ],
    ),
    "prefetch": (
        make_link_builder("product"),
        [
            Visitor("li", "503", PREFETCH),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "htmx request": (
        make_link_builder("product"),
        [
            Visitor("li", "HX-Redirect", {**PHONE, "HX-Request": "true"}),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "JSON request": (
        make_link_builder("policy", member="li"),
        [
            Visitor("wang", "403 as JSON", JSON),
            Visitor("wang", "403"),
            Visitor("li", "policy as li on h5"),
        ],
    ),
    "HEAD and POST requests": (
        make_link_builder("product"),
        [
            Visitor("li", "product as li on h5", method="HEAD"),
            Visitor("wang", "405", method="POST"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "error of member loader": (
        make_link_builder("product"),
        [
            Visitor("broken", "500"),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "prefetch of return link": (
        click_and_get_return_link,
        [
            Visitor("li", "503", PREFETCH),
            Visitor("li", "to /about"),
            Visitor("wang", "to /about"),
        ],
    ),
    "page with product entry": (
        lambda _: "/page/product",
        [
            Visitor("li", "entry for h5: product as li on h5"),
            Visitor("wang", "entry for pc: product as wang on pc", PC),
            Visitor(None, "entry for h5: 401"),
        ],
    ),
    "page with home entry": (
        lambda _: "/page/home",
        [
            Visitor("li", "entry for pc: QR code: home as li on h5", PC),
            Visitor("wang", "entry for h5: home as wang on h5"),
            Visitor(None, "entry for pc: 401", PC),
        ],
    ),
    "page with policy entry": (
        lambda _: "/page/policy",
        [
            Visitor("li", "entry for h5: policy as li on h5"),
            Visitor("wang", "entry for h5: policy as wang on h5"),
            Visitor("wang", "entry for pc: QR code: policy as wang on h5", PC),
        ],
    ),
    "page with product entry for one member": (
        lambda _: "/page/member%20product",
        [
            Visitor("li", "entry for h5: product as li on h5"),
            Visitor("wang", "entry for h5: product as wang on h5"),
            Visitor("wang", "entry for pc: product as wang on pc", PC),
        ],
    ),
    "page with QR code for one member": (
        lambda _: "/page/member%20code",
        [
            Visitor("li", "QR code: product as li on h5"),
            Visitor("wang", "QR code: product as wang on h5"),
        ],
    ),
}


for_each_scenario = pytest.mark.parametrize(
    ("make_url", "visitors"), SCENARIOS.values(), ids=SCENARIOS
)


@in_both_orders
@for_each_scenario
@pytest.mark.parametrize("module_shop", [*HOOK_PLACES, LOGIN_VIEW], indirect=True, scope="module")
def test_each_visitor_gets_own_response(
    shop: Shop, make_url: Callable[[Shop], str], visitors: list[Visitor], step: int
) -> None:
    url = make_url(shop)
    outcomes = [shop.visit(url, visitor) for visitor in visitors[::step]]
    refusal = "to /login" if shop.place == LOGIN_VIEW else "401"
    assert outcomes == [visitor.expected.replace("401", refusal) for visitor in visitors[::step]]
    assert_private(shop.responses, *MEMBER_PATHS)


@for_each_scenario
@pytest.mark.parametrize("module_shop", [MIDDLEWARE], indirect=True, scope="module")
def test_cache_mixes_up_visitors_if_middleware_marks_responses_public(
    shop: Shop, make_url: Callable[[Shop], str], visitors: list[Visitor]
) -> None:
    """This test shows that the scenarios can detect a site whose responses are not protected."""
    pairs = [
        (first, second)
        for first, second in itertools.permutations(visitors, 2)
        if first.expected != second.expected and "POST" not in (first.method, second.method)
    ]
    assert pairs
    for first, second in pairs:
        shop.change_host()
        url = make_url(shop)
        assert shop.visit(url, first) == first.expected
        assert shop.visit(url, second) == first.expected


def test_simultaneous_clicks_identify_each_member(shop: Shop) -> None:
    url = make_link_builder("product")(shop)
    members = [f"member-{number}" for number in range(16)]
    with ThreadPoolExecutor(len(members)) as pool:
        outcomes = list(pool.map(lambda member: shop.visit(url, Visitor(member)), members))
    assert outcomes == [f"product as {member} on h5" for member in members]


@also_middleware
def test_link_returns_404_until_secret_key_fallback_is_added(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(shop.app.config, "SECRET_KEY", "an earlier secret")
        url = make_link_builder("product")(shop)
    outcomes = [shop.visit(url, Visitor("li"))]
    monkeypatch.setitem(shop.app.config, "SECRET_KEY_FALLBACKS", ["an earlier secret"])
    outcomes += [shop.visit(url, Visitor(member)) for member in ("li", "wang")]
    if shop.place == MIDDLEWARE:
        assert outcomes == ["404", "404", "404"]
    else:
        assert outcomes == ["404", "product as li on h5", "product as wang on h5"]
        assert_private(shop.responses)


@in_both_orders
@also_middleware
def test_return_link_sends_payment_returned_for_each_visitor(
    shop: Shop, sent_signals: SentSignals, step: int
) -> None:
    url = click_and_get_return_link(shop)
    visitors = ["li", "wang", None][::step]
    sent_signals.clear()
    for member in visitors:
        assert shop.visit(url, Visitor(member)) == "to /about"
    returns = [(values["member"], values["same_session"]) for _, values in sent_signals]
    if shop.place == MIDDLEWARE:
        assert returns == [("li", step == 1)]
    else:
        assert returns == [("li", member == "li") for member in visitors]
        assert_private(shop.responses)


@pytest.mark.parametrize("name", ["product", "home"])
def test_page_without_member_link_is_stored_once_per_platform(shop: Shop, name: str) -> None:
    visitors = [("li", PHONE), ("wang", PHONE), (None, PC), ("li", PC), (None, PHONE)]
    pages = [shop.request(f"/page/{name}", member, headers) for member, headers in visitors]
    assert [page.is_hit for page in pages] == [False, True, False, True, True]
    platforms = [find_element(page.text, "a")["data-xiebao-platform"] for page in pages]
    assert platforms == ["h5", "h5", "pc", "pc", "h5"]


@in_both_orders
def test_page_with_entry_for_one_member_is_not_shown_to_other_visitors(
    shop: Shop, step: int
) -> None:
    # If the first visitor is not logged in, the page has no entry, so the cache can store the page
    # and send it to the next visitors.
    for member in ["li", "wang", None][::step]:
        expected = {"no entry", f"entry for h5: policy as {member} on h5" if member else "no entry"}
        assert shop.visit("/page/policy", Visitor(member)) in expected
    assert_private(shop.responses)
