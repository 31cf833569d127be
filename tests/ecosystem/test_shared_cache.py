"""A shared cache before a site that makes everything public: nobody goes as another.

The cache is nginx, set up as a shop does it. What it may keep it sends to everybody who asks for
the same URL; who asks is in a cookie, which it does not look at.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import (
    Blueprint,
    Flask,
    Response,
    after_this_request,
    current_app,
    redirect,
    render_template_string,
    request,
)
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_xiebao import Entry, Platform, Xiebao, payment_returned
from tests import qr
from tests.ecosystem import nginx
from tests.support import CODE, CONFIG, MACROS, NUMBER, PC, PHONE, accepted, make_link, serve

pytestmark = nginx.NEEDED

SHOP = "https://shop.example"
GATEWAY = "testapi.xiebao18.com"

# It keeps what says nothing of caches, too, and heeds every header that nginx heeds by itself.
CACHE = "proxy_cache_path cache keys_zone=shop:1m inactive=10m;"
LOCATION = """
    location / {
      proxy_pass %s;
      proxy_set_header Host $http_host;
      proxy_cache shop;
      proxy_cache_key $scheme$host$request_uri;
      proxy_cache_methods GET HEAD;
      proxy_cache_valid any 10m;
      add_header X-Cache $upstream_cache_status always;
    }
"""


def shared_cache(site: str, folder: Path) -> AbstractContextManager[int]:
    """Run nginx before the site at this address; the value is its port."""
    return nginx.before(LOCATION % site, folder, CACHE)


# The site

FOR_CDNS = (
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Vercel-CDN-Cache-Control",
    "Surrogate-Control",
    "Edge-Control",
)


def publish(headers: Headers) -> None:
    """Let every cache keep a response for everybody."""
    for name in ("Cache-Control", "Expires", "Pragma", "Vary"):
        headers.remove(name)
    headers.add("Cache-Control", "public, max-age=3600")
    headers.add("Cache-Control", "s-maxage=3600")
    headers["Expires"] = "Fri, 31 Dec 2100 23:59:59 GMT"
    headers["X-Accel-Expires"] = "3600"
    for name in FOR_CDNS:
        headers[name] = "max-age=3600"


def hook(response: Response) -> Response:
    publish(response.headers)
    return response


#: Where the site has its hook. Without one the cache keeps what does not forbid it.
PLACES = ["before Xiebao", "after Xiebao", "in a blueprint", "after_this_request", "nowhere"]

#: What is in the site's own pages. Those of a member have a link that is signed for who asks.
PAGES = {
    "product": "{{ insurance_entry(code) }}",
    "home": "{{ insurance_home_entry() }}",
    "policy": "{{ policy_entry(number) }}",
    "own product": "{{ insurance_entry(code, member=member) }}",
    "own code": "{{ insurance_qr(code, member=member, no_login_for=3600) }}",
}
OF_A_MEMBER = ["/page/policy", "/page/own%20product", "/page/own%20code"]


def who() -> str | None:
    """Return the member whom the cookie names, which another part of the shop has set."""
    member = request.cookies.get("member")
    if member == "broken":
        raise LookupError("the members cannot be looked up")
    return member


def create_site(place: str, **settings: str) -> tuple[Flask, Xiebao]:
    """Return a site with its hook at one of the places."""
    app = Flask("shop")
    app.config.update(
        CONFIG,
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL=SHOP,
        **settings,
    )
    xiebao, shop = Xiebao(), create_pages()
    if place == "before Xiebao":
        app.after_request(hook)
    elif place == "in a blueprint":
        shop.after_request(hook)
        shop.after_app_request(hook)
    elif place == "after_this_request":
        app.before_request(hook_this_request)
    xiebao.init_app(app)
    xiebao.member_loader(who)
    app.register_blueprint(shop)
    if place == "after Xiebao":
        app.after_request(hook)
    return app, xiebao


def hook_this_request() -> None:
    after_this_request(hook)


def create_pages() -> Blueprint:
    """Return what the site has beside insurance."""
    shop = Blueprint("shop", "shop")

    @shop.get("/about")
    def about() -> str:
        return "the same for everybody"

    @shop.get("/login")
    def login() -> str:
        return "log in here"

    @shop.get("/page/<kind>")
    def page(kind: str) -> str:
        return render_template_string(MACROS + PAGES[kind], code=CODE, number=NUMBER, member=who())

    @shop.get("/own/insurance")
    def own_insurance() -> WerkzeugResponse:
        # What a shop may write that has no Flask-Xiebao.
        gateway = current_app.extensions["xiebao"].gateway
        return redirect(gateway.product_url(CODE, partner_uniq_key=who(), platform="h5"))

    return shop


# Visits


class Visitor(NamedTuple):
    """Somebody with a device, and what they come to by a URL."""

    member: str | None
    comes_to: str = ""
    headers: dict[str, str] = PHONE
    method: str = "GET"


@dataclass(frozen=True)
class Answer:
    """What the cache sent."""

    path: str
    status: int
    headers: Message
    text: str

    @property
    def was_kept(self) -> bool:
        return self.headers["X-Cache"] == "HIT"

    @property
    def location(self) -> str:
        return str(self.headers["Location"])


_numbers = itertools.count(1)

# Within a second a code is the same, and most of the time here would go into reading it again.
read_code = functools.lru_cache(qr.read)


@dataclass
class Shop:
    """A site behind the cache.

    :ivar place: of its hook.
    :ivar host: by which it is asked for; the cache has nothing of a name that is new.
    :ivar answers: all that was sent for this name.
    """

    place: str
    app: Flask
    xiebao: Xiebao
    port: int
    host: str = field(default_factory=lambda: f"shop-{next(_numbers)}.example")
    answers: list[Answer] = field(default_factory=list)

    def anew(self) -> Shop:
        """Return the same shop by another name, of which the cache has nothing."""
        return Shop(self.place, self.app, self.xiebao, self.port)

    def ask(
        self,
        url: str,
        member: str | None = None,
        headers: dict[str, str] = PHONE,
        method: str = "GET",
    ) -> Answer:
        """Send a request to the cache."""
        path = url.removeprefix(SHOP)
        sent = {"Host": self.host, **headers}
        if member is not None:
            sent["Cookie"] = f"member={member}"
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers=sent)
            response = connection.getresponse()
            answer = Answer(path, response.status, response.headers, response.read().decode())
        self.answers.append(answer)
        return answer

    def visit(self, url: str, visitor: Visitor) -> str:
        """Return what somebody comes to."""
        answer = self.ask(url, visitor.member, visitor.headers, visitor.method)
        if answer.status == 302:
            return self._redirected(answer)
        if answer.status != 200:
            kind = answer.headers.get_content_type()
            return f"{answer.status} as JSON" if kind == "application/json" else str(answer.status)
        if "HX-Redirect" in answer.headers:
            return "a page that goes there"
        entry = BeautifulSoup(answer.text, "html.parser").select_one("a[data-xiebao-entry]")
        if entry is not None:
            device = entry["data-xiebao-platform"]
            return f"an entry for {device}: {self.visit(str(entry['href']), visitor)}"
        if "<svg" in answer.text:
            # Whoever scans the code is not logged in on the phone.
            return f"a code: {self.visit(read_code(answer.text), Visitor(None))}"
        return "neither entry nor code"

    def _redirected(self, answer: Answer) -> str:
        if urlsplit(answer.location).netloc != GATEWAY:
            return f"to {urlsplit(answer.location).path}"
        verdict = accepted(answer.location)
        assert verdict.platform is not None
        return f"{verdict.page} as {verdict.member} on {Platform(verdict.platform).slug}"


def cache_control(answer: Answer) -> set[str]:
    lines = ", ".join(answer.headers.get_all("Cache-Control", []))
    return {directive.strip() for directive in lines.split(",") if directive.strip()}


def is_for_one(answer: Answer) -> bool:
    """Tell whether every cache of others leaves this answer to whom it was sent."""
    says = cache_control(answer)
    names = {name.lower() for name in answer.headers}
    # nginx obeys X-Accel-Expires itself, and does not pass it on.
    overruled = names & {"expires", *(name.lower() for name in FOR_CDNS)}
    forbidden = bool(says & {"no-store", "private"}) and not says & {"public", "s-maxage=3600"}
    return forbidden and not overruled and not answer.was_kept


def is_a_links(answer: Answer) -> bool:
    return answer.path.startswith("/xiebao/") and not answer.path.startswith("/xiebao/static/")


@contextlib.contextmanager
def open_shop(folder: Path, place: str, **settings: str) -> Iterator[Shop]:
    app, xiebao = create_site(place, **settings)
    with serve(app) as address, shared_cache(address, folder) as port:
        yield Shop(place, app, xiebao, port)


@pytest.fixture(scope="module", params=PLACES)
def shops(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("nginx"), request.param) as shop:
        yield shop


@pytest.fixture
def shop(shops: Shop) -> Shop:
    """A shop with its hook at each of the places, of which the cache has nothing yet."""
    return shops.anew()


@pytest.fixture(scope="module")
def spoilt_shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    app, xiebao = create_site("before Xiebao")
    inner = app.wsgi_app

    def wsgi(environ: Any, start_response: Any) -> Any:
        def start(status: str, fields: list[tuple[str, str]], *error: Any) -> Any:
            headers = Headers(fields)
            publish(headers)
            return start_response(status, headers.to_wsgi_list(), *error)

        return inner(environ, start)

    app.wsgi_app = wsgi  # type: ignore[method-assign]
    folder = tmp_path_factory.mktemp("nginx")
    with serve(app) as address, shared_cache(address, folder) as port:
        yield Shop("before Xiebao", app, xiebao, port)


@pytest.fixture
def spoilt_shop(spoilt_shops: Shop) -> Shop:
    """A shop that makes everything public where no extension of Flask can hold anything back."""
    return spoilt_shops.anew()


# What can be seen here


def test_what_the_site_makes_public_is_kept_for_everybody(shop: Shop) -> None:
    first = shop.ask("/about", "li")
    second = shop.ask("/about", "wang", PC)
    assert (first.was_kept, second.was_kept) == (False, True)
    assert first.text == second.text == "the same for everybody"


def test_a_stylesheet_is_kept_for_everybody_where_the_site_makes_it_public(shop: Shop) -> None:
    first = shop.ask("/xiebao/static/xiebao.css", "li")
    second = shop.ask("/xiebao/static/xiebao.css", "wang")
    assert first.status == second.status == 200
    assert first.text == second.text != ""
    public = shop.place != "nowhere"  # there Flask's no-cache holds
    assert (first.was_kept, second.was_kept) == (False, public)


def test_by_a_redirect_of_the_sites_own_one_member_goes_as_another(shop: Shop) -> None:
    assert shop.visit("/own/insurance", Visitor("li")) == "product as li on h5"
    assert shop.visit("/own/insurance", Visitor("wang")) == "product as li on h5"
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


def way_back(shop: Shop) -> str:
    """Return the URL by which a payment of li comes back."""
    click = shop.ask(link("product", return_to="/about")(shop), "li")
    pay_success = accepted(click.location).pay_success
    assert pay_success is not None
    return pay_success


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


@pytest.mark.parametrize("name", STORIES)
def test_everybody_comes_to_what_is_theirs_whoever_came_first(shop: Shop, name: str) -> None:
    story = STORIES[name]
    for order in itertools.permutations(story.visitors):
        here = shop.anew()
        url = story.url(here)
        came = [here.visit(url, visitor) for visitor in order]
        assert came == [visitor.comes_to for visitor in order]
        assert_for_one(here.answers)


def assert_for_one(answers: list[Answer]) -> None:
    """Assert that no cache, whatever it heeds, keeps a link or a page with a member's link."""
    links = [answer for answer in answers if is_a_links(answer)]
    assert [cache_control(answer) for answer in links] == [{"no-store"}] * len(links)
    pages = [answer for answer in answers if answer.path in OF_A_MEMBER]
    assert [answer for answer in links + pages if not is_for_one(answer)] == []


@pytest.mark.parametrize("name", STORIES)
def test_where_nothing_keeps_links_from_being_public_people_come_to_what_is_anothers(
    spoilt_shop: Shop, name: str
) -> None:
    # The same visits go wrong here, so they would show it if they did elsewhere.
    story = STORIES[name]
    pairs = [
        (first, second)
        for first, second in itertools.permutations(story.visitors, 2)
        if first.comes_to != second.comes_to and "POST" not in (first.method, second.method)
    ]
    assert pairs
    for first, second in pairs:
        here = spoilt_shop.anew()
        url = story.url(here)
        here.visit(url, first)
        assert here.visit(url, second) == first.comes_to


def test_members_who_click_in_the_same_moment_go_each_as_themselves(shop: Shop) -> None:
    url = link("product")(shop)
    members = [f"member-{number}" for number in range(16)]
    with ThreadPoolExecutor(len(members)) as pool:
        came = list(pool.map(lambda member: shop.visit(url, Visitor(member)), members))
    assert came == [f"product as {member} on h5" for member in members]


def test_only_those_who_are_not_logged_in_are_sent_to_log_in(tmp_path: Path) -> None:
    with open_shop(tmp_path, "before Xiebao", XIEBAO_LOGIN_VIEW="shop.login") as shop:
        visitors = [
            Visitor("li", "product as li on h5"),
            Visitor("wang", "product as wang on h5"),
            Visitor(None, "to /login"),
        ]
        for order in itertools.permutations(visitors):
            here = shop.anew()
            url = link("product")(here)
            assert [here.visit(url, each) for each in order] == [each.comes_to for each in order]
            assert_for_one(here.answers)


def restored_link(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Follow a link before and after the site is told the key that signed it."""
    with monkeypatch.context() as earlier:
        earlier.setitem(shop.app.config, "SECRET_KEY", "an earlier secret")
        url = link("product")(shop)
    before = shop.visit(url, Visitor("li"))
    monkeypatch.setitem(shop.app.config, "SECRET_KEY_FALLBACKS", ["an earlier secret"])
    return [before, shop.visit(url, Visitor("li")), shop.visit(url, Visitor("wang"))]


def test_a_link_that_was_not_found_works_as_soon_as_it_is_known(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = restored_link(shop, monkeypatch)
    assert came == ["404", "product as li on h5", "product as wang on h5"]
    assert_for_one(shop.answers)


def test_where_nothing_keeps_links_from_being_public_one_stays_not_found(
    spoilt_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert restored_link(spoilt_shop, monkeypatch) == ["404", "404", "404"]


# The way back after payment


@contextlib.contextmanager
def returns(shop: Shop) -> Iterator[list[tuple[str, bool]]]:
    """Return who has paid, and whether it is they who came back, as the site is told."""
    told: list[tuple[str, bool]] = []

    def hear(app: Flask, *, entry: Entry, member: str, click_id: str, same_session: bool) -> None:
        told.append((member, same_session))

    with payment_returned.connected_to(hear, shop.app):
        yield told


def test_the_site_is_told_of_everybody_who_comes_back_whoever_came_first(shop: Shop) -> None:
    for order in itertools.permutations(["li", "wang", None]):
        here = shop.anew()
        url = way_back(here)
        with returns(here) as told:
            assert [here.visit(url, Visitor(member)) for member in order] == ["to /about"] * 3
        assert told == [("li", member == "li") for member in order]
        assert_for_one(here.answers)


def test_where_nothing_keeps_links_from_being_public_the_site_is_told_of_the_first_only(
    spoilt_shop: Shop,
) -> None:
    url = way_back(spoilt_shop)
    with returns(spoilt_shop) as told:
        for member in ("wang", "li"):
            assert spoilt_shop.visit(url, Visitor(member)) == "to /about"
    assert told == [("li", False)]


def test_everybody_comes_back_by_a_way_of_their_own(shop: Shop) -> None:
    url = link("product", return_to="/about")(shop)
    ways = {
        member: accepted(shop.ask(url, member).location).pay_success for member in ("li", "wang")
    }
    with returns(shop) as told:
        for member, way in ways.items():
            assert way is not None
            assert shop.visit(way, Visitor(member)) == "to /about"
    assert told == [("li", True), ("wang", True)]


# Pages


@pytest.mark.parametrize("kind", ["product", "home"])
def test_a_page_without_a_members_link_is_kept_for_everybody_on_one_kind_of_device(
    shop: Shop, kind: str
) -> None:
    visits = [("li", PHONE), ("wang", PHONE), (None, PC), ("li", PC), (None, PHONE)]
    pages = [shop.ask(f"/page/{kind}", member, headers) for member, headers in visits]
    assert [answer.was_kept for answer in pages] == [False, True, False, True, True]
    soups = [BeautifulSoup(answer.text, "html.parser") for answer in pages]
    devices = [soup.select("a")[0]["data-xiebao-platform"] for soup in soups]
    assert devices == ["h5", "h5", "pc", "pc", "h5"]


def test_nobody_sees_an_entry_that_a_page_had_for_a_member(shop: Shop) -> None:
    # A page for nobody has nothing of anybody's. Where a site makes it public, members get it, too.
    nothing = "neither entry nor code"
    for order in itertools.permutations(["li", "wang", None]):
        here = shop.anew()
        for member in order:
            own = nothing if member is None else f"an entry for h5: policy as {member} on h5"
            assert here.visit("/page/policy", Visitor(member)) in {nothing, own}
        assert_for_one([answer for answer in here.answers if is_a_links(answer)])
