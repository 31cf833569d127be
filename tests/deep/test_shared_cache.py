"""A shared cache before a site that makes everything public: nobody goes as another."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import time_machine

from tests.deep.shared_cache import (
    AROUND,
    CACHE,
    FOR_CDNS,
    LOCATION,
    LOGIN,
    OF_A_MEMBER,
    PLACES,
    Answer,
    Shop,
    Visitor,
    create_site,
)
from tests.ecosystem import nginx
from tests.support import (
    PC,
    PHONE,
    SentSignals,
    assert_gateway_accepts,
    make_link,
    parse_html,
    serve_app,
)

pytestmark = nginx.NEEDED


def cache_control(answer: Answer) -> set[str]:
    lines = ", ".join(answer.headers.get_all("Cache-Control", []))
    return {directive.strip() for directive in lines.split(",") if directive.strip()}


def is_for_one(answer: Answer) -> bool:
    """Tell whether every cache of others leaves this answer to whom it was sent."""
    says = cache_control(answer)
    # nginx obeys X-Accel-Expires itself, and does not pass it on.
    overruled = [name for name in ("Expires", *FOR_CDNS) if name in answer.headers]
    forbidden = bool(says & {"no-store", "private"}) and not says & {"public", "s-maxage=3600"}
    return forbidden and not overruled and not answer.was_kept


def assert_for_one(answers: list[Answer], *pages: str) -> None:
    """Assert that no cache, whatever it heeds, keeps a link or a page with a member's link."""
    links = [answer for answer in answers if answer.path.startswith("/xiebao/")]
    assert [cache_control(answer) for answer in links] == [{"no-store"}] * len(links)
    theirs = [answer for answer in answers if answer.path in pages]
    assert [answer for answer in links + theirs if not is_for_one(answer)] == []


@pytest.fixture(scope="module", params=PLACES)
def shops(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shop]:
    app, xiebao = create_site(request.param)
    with (
        serve_app(app) as address,
        nginx.before(LOCATION % address, tmp_path_factory.mktemp("nginx"), CACHE) as port,
    ):
        yield Shop(request.param, app, xiebao, port)


@pytest.fixture
def shop(shops: Shop) -> Shop:
    """A shop with its hook at each of the places, of which the cache has nothing yet."""
    shops.move()
    return shops


# In a shop where nothing keeps links from being public, the same visits go wrong: so they would
# show it if they did elsewhere.
where_nothing_helps = pytest.mark.parametrize("shops", [AROUND], indirect=True, scope="module")
with_a_login_too = pytest.mark.parametrize("shops", [*PLACES, LOGIN], indirect=True, scope="module")
there_and_back = pytest.mark.parametrize("step", [1, -1], ids=["there", "and back"])


# What can be seen here


@pytest.mark.parametrize("path", ["/about", "/xiebao/static/xiebao.css"])
def test_what_the_site_makes_public_is_kept_for_everybody(shop: Shop, path: str) -> None:
    first = shop.ask(path, "li")
    second = shop.ask(path, "wang", PC)
    assert first.status == second.status == 200
    assert first.text == second.text != ""
    flasks_no_cache_holds = path != "/about" and shop.place == "nowhere"
    assert (first.was_kept, second.was_kept) == (False, not flasks_no_cache_holds)


def test_by_a_redirect_of_the_sites_own_one_member_goes_as_another(shop: Shop) -> None:
    for member in ("li", "wang"):
        assert shop.visit("/own/insurance", Visitor(member)) == "product as li on h5"
    assert shop.answers[-1].was_kept


# Nobody goes as another


class Story(NamedTuple):
    """One URL, and all who ask for it."""

    url: Callable[[Shop], str]
    visitors: list[Visitor]


def link(page: str, *, age: int = 0, query: str = "", **options: Any) -> Callable[[Shop], str]:
    """Return a maker of a link that was made *age* seconds ago."""

    def make(shop: Shop) -> str:
        with shop.app.test_request_context(), time_machine.travel(time.time() - age):
            return make_link(shop.xiebao, page, **options) + query

    return make


def way_back(shop: Shop, member: str = "li") -> str:
    """Return the URL by which a payment of a member comes back."""
    click = shop.ask(link("product", return_to="/about")(shop), member)
    return str(assert_gateway_accepts(click.headers["Location"]).pay_success)


def page(kind: str) -> Callable[[Shop], str]:
    return lambda _: f"/page/{kind.replace(' ', '%20')}"


PREFETCH = {**PHONE, "Sec-Purpose": "prefetch;prerender"}
HTMX = {**PHONE, "HX-Request": "true"}
JSON = {**PHONE, "Accept": "application/json"}

STORIES = {
    "a link": Story(
        link("product"),
        [
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on pc", PC),
            Visitor(None, "401"),
        ],
    ),
    "the handoff to the home page": Story(
        link("home"),
        [
            Visitor("li", "a code: home as li on h5", PC),
            Visitor("wang", "a code: home as wang on h5", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "the handoff and a phone": Story(
        link("home"),
        [
            Visitor("li", "a code: home as li on h5", PC),
            Visitor("li", "home as li on h5"),
            Visitor("wang", "home as wang on h5"),
        ],
    ),
    "a tablet that says so": Story(
        link("home", query="?platform=h5"),
        [
            Visitor("li", "home as li on h5", PC),
            Visitor("wang", "home as wang on h5", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "a policy": Story(
        link("policy", member="li"),
        [
            Visitor("li", "policy as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "401"),
        ],
    ),
    "the handoff to a policy": Story(
        link("policy", member="li"),
        [
            Visitor("li", "a code: policy as li on h5", PC),
            Visitor("wang", "403", PC),
            Visitor(None, "401", PC),
        ],
    ),
    "a bearer link": Story(
        link("policy", member="li", no_login_for=3600),
        [
            Visitor("li", "policy as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "policy as li on h5"),
        ],
    ),
    "the handoff of a bearer link": Story(
        link("home", member="li", no_login_for=3600),
        [
            Visitor("li", "a code: home as li on h5", PC),
            Visitor("wang", "403", PC),
            Visitor(None, "a code: home as li on h5", PC),
        ],
    ),
    "a bearer link that has expired": Story(
        link("product", member="li", no_login_for=60, age=3600),
        [
            Visitor("li", "product as li on h5"),
            Visitor("wang", "403"),
            Visitor(None, "410"),
        ],
    ),
    "a browser that prefetches": Story(
        link("product"),
        [
            Visitor("li", "503", PREFETCH),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "a script that fetches": Story(
        link("product"),
        [
            Visitor("li", "a page that goes there", HTMX),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "a client that wants JSON": Story(
        link("policy", member="li"),
        [
            Visitor("wang", "403 as JSON", JSON),
            Visitor("wang", "403"),
            Visitor("li", "policy as li on h5"),
        ],
    ),
    "other methods": Story(
        link("product"),
        [
            Visitor("li", "product as li on h5", method="HEAD"),
            Visitor("wang", "405", method="POST"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "an error of the site": Story(
        link("product"),
        [
            Visitor("broken", "500"),
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
        ],
    ),
    "a prefetch of the way back": Story(
        way_back,
        [
            Visitor("li", "503", PREFETCH),
            Visitor("li", "to /about"),
            Visitor("wang", "to /about"),
        ],
    ),
    "a page with a product": Story(
        page("product"),
        [
            Visitor("li", "an entry for h5: product as li on h5"),
            Visitor("wang", "an entry for pc: product as wang on pc", PC),
            Visitor(None, "an entry for h5: 401"),
        ],
    ),
    "a page with the home page": Story(
        page("home"),
        [
            Visitor("li", "an entry for pc: a code: home as li on h5", PC),
            Visitor("wang", "an entry for h5: home as wang on h5"),
            Visitor(None, "an entry for pc: 401", PC),
        ],
    ),
    "a page with a policy": Story(
        page("policy"),
        [
            Visitor("li", "an entry for h5: policy as li on h5"),
            Visitor("wang", "an entry for h5: policy as wang on h5"),
            Visitor("wang", "an entry for pc: a code: policy as wang on h5", PC),
        ],
    ),
    "a page with a member's product": Story(
        page("own product"),
        [
            Visitor("li", "an entry for h5: product as li on h5"),
            Visitor("wang", "an entry for h5: product as wang on h5"),
            Visitor("wang", "an entry for pc: product as wang on pc", PC),
        ],
    ),
    "a page with a member's code": Story(
        page("own code"),
        [
            Visitor("li", "a code: product as li on h5"),
            Visitor("wang", "a code: product as wang on h5"),
        ],
    ),
}


@there_and_back
@pytest.mark.parametrize("name", STORIES)
@with_a_login_too
def test_everybody_comes_to_what_is_theirs_whoever_came_first(
    shop: Shop, name: str, step: int
) -> None:
    url = STORIES[name].url(shop)
    visitors = STORIES[name].visitors[::step]
    came = [shop.visit(url, visitor) for visitor in visitors]
    asked_to_log_in = "to /login" if shop.place == LOGIN else "401"
    assert came == [visitor.comes_to.replace("401", asked_to_log_in) for visitor in visitors]
    assert_for_one(shop.answers, *OF_A_MEMBER)


@pytest.mark.parametrize("name", STORIES)
@where_nothing_helps
def test_where_nothing_keeps_links_from_being_public_people_come_to_what_is_anothers(
    shop: Shop, name: str
) -> None:
    pairs = [
        (first, second)
        for first, second in itertools.permutations(STORIES[name].visitors, 2)
        if first.comes_to != second.comes_to and "POST" not in (first.method, second.method)
    ]
    assert pairs
    for first, second in pairs:
        shop.move()
        url = STORIES[name].url(shop)
        assert [shop.visit(url, each) for each in (first, second)] == [first.comes_to] * 2


def test_members_who_click_in_the_same_moment_go_each_as_themselves(shop: Shop) -> None:
    url = link("product")(shop)
    members = [f"member-{number}" for number in range(16)]
    with ThreadPoolExecutor(len(members)) as pool:
        came = list(pool.map(lambda member: shop.visit(url, Visitor(member)), members))
    assert came == [f"product as {member} on h5" for member in members]


@pytest.mark.parametrize("shops", [*PLACES, AROUND], indirect=True, scope="module")
def test_a_link_that_was_not_found_works_as_soon_as_the_key_that_signed_it_is_known(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setitem(shop.app.config, "SECRET_KEY", "an earlier secret")
        url = link("product")(shop)
    came = [shop.visit(url, Visitor("li"))]
    monkeypatch.setitem(shop.app.config, "SECRET_KEY_FALLBACKS", ["an earlier secret"])
    came += [shop.visit(url, Visitor(member)) for member in ("li", "wang")]
    if shop.place == AROUND:
        assert came == ["404", "404", "404"]
    else:
        assert came == ["404", "product as li on h5", "product as wang on h5"]
        assert_for_one(shop.answers)


# The way back after payment


@there_and_back
@pytest.mark.parametrize("shops", [*PLACES, AROUND], indirect=True, scope="module")
def test_the_site_is_told_of_everybody_who_comes_back_whoever_came_first(
    shop: Shop, sent_signals: SentSignals, step: int
) -> None:
    url = way_back(shop)
    visitors = ["li", "wang", None][::step]
    sent_signals.clear()
    for member in visitors:
        assert shop.visit(url, Visitor(member)) == "to /about"
    told = [(said["member"], said["same_session"]) for _, said in sent_signals]
    if shop.place == AROUND:
        assert told == [("li", step == 1)]
    else:
        assert told == [("li", member == "li") for member in visitors]
        assert_for_one(shop.answers)


# Pages


@pytest.mark.parametrize("kind", ["product", "home"])
def test_a_page_without_a_members_link_is_kept_for_everybody_on_one_kind_of_device(
    shop: Shop, kind: str
) -> None:
    visits = [("li", PHONE), ("wang", PHONE), (None, PC), ("li", PC), (None, PHONE)]
    pages = [shop.ask(f"/page/{kind}", member, headers) for member, headers in visits]
    assert [answer.was_kept for answer in pages] == [False, True, False, True, True]
    devices = [parse_html(answer.text).select("a")[0]["data-xiebao-platform"] for answer in pages]
    assert devices == ["h5", "h5", "pc", "pc", "h5"]


@there_and_back
def test_nobody_sees_an_entry_that_a_page_had_for_a_member(shop: Shop, step: int) -> None:
    # A page for nobody has nothing of anybody's. Where a site makes it public, members get it, too.
    nothing = "neither entry nor code"
    for member in ["li", "wang", None][::step]:
        own = nothing if member is None else f"an entry for h5: policy as {member} on h5"
        assert shop.visit("/page/policy", Visitor(member)) in {nothing, own}
    assert_for_one(shop.answers)
