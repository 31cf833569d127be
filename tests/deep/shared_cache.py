"""A site that makes everything public, and a shared cache before it.

The cache is nginx, set up as a shop does it. What it may keep it sends to everybody who asks for
the same URL; who asks is in a cookie, which it does not look at.
"""

from __future__ import annotations

import functools
import itertools
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

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
from werkzeug.wrappers import Response as AnyResponse

from flask_xiebao import Platform, Xiebao
from tests import qr
from tests.support import (
    CONFIG,
    INSURE_NUM,
    MACROS,
    PHONE,
    PRODUCT_CODE,
    assert_gateway_accepts,
    parse_html,
)

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
    headers.update(dict.fromkeys(FOR_CDNS, "max-age=3600"))


def hook(response: Response) -> Response:
    publish(response.headers)
    return response


#: Where the site has its hook. Without one the cache keeps what does not forbid it.
PLACES = ["before Xiebao", "after Xiebao", "in a blueprint", "after_this_request", "nowhere"]
#: The site has a login as well.
LOGIN = "before Xiebao, with a login"
#: Around the app, where no extension of Flask can hold anything back.
AROUND = "around all"

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


def create_site(place: str) -> tuple[Flask, Xiebao]:
    """Return a site with its hook at one of the places."""
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_PUBLIC_URL=SHOP)
    xiebao, shop = Xiebao(), create_pages()
    if place == LOGIN:
        app.config["XIEBAO_LOGIN_VIEW"] = "shop.login"
    if place in ("before Xiebao", LOGIN, AROUND):
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
    elif place == AROUND:
        app.wsgi_app = around(app.wsgi_app)  # type: ignore[method-assign]
    return app, xiebao


def hook_this_request() -> None:
    after_this_request(hook)


def around(wsgi: Any) -> Any:
    def answer(environ: Any, start_response: Any) -> Any:
        response = AnyResponse.from_app(wsgi, environ)
        publish(response.headers)
        return response(environ, start_response)

    return answer


def create_pages() -> Blueprint:
    """Return what the site has beside insurance."""
    shop = Blueprint("shop", "shop")

    @shop.get("/about")
    @shop.get("/login", endpoint="login")
    def about() -> str:
        return "the same for everybody"

    @shop.get("/page/<kind>")
    def page(kind: str) -> str:
        return render_template_string(
            MACROS + PAGES[kind], code=PRODUCT_CODE, number=INSURE_NUM, member=who()
        )

    @shop.get("/own/insurance")
    def own_insurance() -> AnyResponse:
        # What a shop may write that has no Flask-Xiebao.
        gateway = current_app.extensions["xiebao"].gateway
        return redirect(gateway.product_url(PRODUCT_CODE, partner_uniq_key=who(), platform="h5"))

    return shop


# Visits


class Visitor(NamedTuple):
    """Somebody with a device, and what they come to by a URL."""

    member: str | None
    comes_to: str = ""
    headers: dict[str, str] = PHONE
    method: str = "GET"


class Answer(NamedTuple):
    """What the cache sent."""

    path: str
    status: int
    headers: Message
    text: str

    @property
    def was_kept(self) -> bool:
        return self.headers["X-Cache"] == "HIT"


_numbers = itertools.count(1)

# Within a second a code is the same, and most of the time here would go into reading it again.
read_code = functools.lru_cache(qr.read)


class Shop:
    """A site behind the cache.

    :ivar place: of its hook.
    :ivar answers: all that was sent since :meth:`move`.
    """

    def __init__(self, place: str, app: Flask, xiebao: Xiebao, port: int) -> None:
        self.place = place
        self.app = app
        self.xiebao = xiebao
        self.port = port
        self.move()

    def move(self) -> None:
        """Have the shop be asked for by another name, of which the cache has nothing."""
        self.host = f"shop-{next(_numbers)}.example"
        self.answers: list[Answer] = []

    def ask(
        self,
        url: str,
        member: str | None = None,
        headers: dict[str, str] = PHONE,
        method: str = "GET",
    ) -> Answer:
        """Send a request to the cache."""
        path = url.removeprefix(SHOP)
        cookies = {} if member is None else {"Cookie": f"member={member}"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers={"Host": self.host, **headers, **cookies})
            response = connection.getresponse()
            answer = Answer(path, response.status, response.headers, response.read().decode())
        self.answers.append(answer)
        return answer

    def visit(self, url: str, visitor: Visitor) -> str:
        """Return what somebody comes to."""
        answer = self.ask(url, visitor.member, visitor.headers, visitor.method)
        if answer.status == 302:
            return arrived(answer.headers["Location"])
        if answer.status != 200:
            kind = answer.headers.get_content_type()
            return f"{answer.status} as JSON" if kind == "application/json" else str(answer.status)
        if "HX-Redirect" in answer.headers:
            return "a page that goes there"
        entry = parse_html(answer.text).select_one("a[data-xiebao-entry]")
        if entry is not None:
            device = entry["data-xiebao-platform"]
            return f"an entry for {device}: {self.visit(str(entry['href']), visitor)}"
        if "<svg" in answer.text:
            # Whoever scans the code is not logged in on the phone.
            return f"a code: {self.visit(read_code(answer.text), Visitor(None))}"
        return "neither entry nor code"


def arrived(location: str) -> str:
    if urlsplit(location).netloc != GATEWAY:
        return f"to {urlsplit(location).path}"
    verdict = assert_gateway_accepts(location)
    return f"{verdict.page} as {verdict.member} on {Platform(verdict.platform or 0).slug}"
