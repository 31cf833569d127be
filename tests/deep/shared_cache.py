"""A site that marks every response as public, behind a shared cache.

The cache is nginx, with the configuration of an ordinary shop. nginx stores each public response,
and sends it to every visitor who requests the same URL. The member's id is in a cookie, and nginx
ignores this cookie.
"""

from __future__ import annotations

import functools
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import uuid4

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
from werkzeug.wrappers import Response as BaseResponse

from flask_xiebao import Platform, Xiebao
from tests import qr
from tests.support import (
    CONFIG,
    INSURE_NUM,
    MACROS,
    PHONE,
    PRODUCT_CODE,
    PUBLIC_URL,
    assert_gateway_accepts,
    parse_html,
)

#: The nginx configuration of the cache: a line for the ``http`` block, and lines for the ``server``
#: block. With this configuration, nginx also stores responses without any caching headers.
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


# The site behind the shared cache

#: The HTTP headers with which a site overrides Cache-Control for a CDN.
CDN_HEADERS = (
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Vercel-CDN-Cache-Control",
    "Surrogate-Control",
    "Edge-Control",
)


def mark_public(headers: Headers) -> None:
    """Change the headers so that every cache may store the response for all visitors."""
    for name in ("Cache-Control", "Expires", "Pragma", "Vary"):
        headers.remove(name)
    headers.add("Cache-Control", "public, max-age=3600")
    headers.add("Cache-Control", "s-maxage=3600")
    headers.update(
        {
            "Expires": "Fri, 31 Dec 2100 23:59:59 GMT",
            "X-Accel-Expires": "3600",
            **dict.fromkeys(CDN_HEADERS, "max-age=3600"),
        }
    )


def mark_response_public(response: Response) -> Response:
    mark_public(response.headers)
    return response


#: The places where the site can register a hook that marks responses as public. Without a hook, the
#: cache stores each response whose headers do not forbid it.
HOOK_PLACES = ["before Xiebao", "after Xiebao", "blueprint", "after_this_request", "no hook"]
#: A place of the hook: before Flask-Xiebao, on a site with the setting ``XIEBAO_LOGIN_VIEW``.
LOGIN_VIEW = "before Xiebao, with login view"
#: Instead of the hook, a WSGI middleware that marks responses as public. The middleware runs after
#: all hooks, so no extension can protect the responses.
MIDDLEWARE = "WSGI middleware"

#: One row per page of the site: the name, and the Jinja source. The last three pages have links for
#: one member.
PAGES = {
    "product": "{{ insurance_entry(code) }}",
    "home": "{{ insurance_home_entry() }}",
    "policy": "{{ policy_entry(number) }}",
    "member product": "{{ insurance_entry(code, member=member) }}",
    "member code": "{{ insurance_qr(code, member=member, no_login_for=3600) }}",
}
MEMBER_PATHS = [f"/page/{quote(name)}" for name in ("policy", "member product", "member code")]


def load_member() -> str | None:
    """Return the member id in the cookie. Raise LookupError for the member id "broken"."""
    member = request.cookies.get("member")
    if member == "broken":
        raise LookupError("the members cannot be looked up")
    return member


def create_site(place: str) -> tuple[Flask, Xiebao]:
    """Return the app and the extension of a site whose hook marks responses as public.

    :param place: the position of the hook, for example "after Xiebao".
    """
    app = Flask("shop")
    app.config.update(
        CONFIG,
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL=PUBLIC_URL,
        XIEBAO_LOGIN_VIEW="shop.login" if place == LOGIN_VIEW else None,
    )
    xiebao, pages = Xiebao(), create_page_blueprint()
    if place in ("before Xiebao", LOGIN_VIEW, MIDDLEWARE):
        app.after_request(mark_response_public)
    elif place == "blueprint":
        pages.after_request(mark_response_public)
        pages.after_app_request(mark_response_public)
    elif place == "after_this_request":
        app.before_request(add_hook_to_request)
    xiebao.init_app(app)
    xiebao.member_loader(load_member)
    app.register_blueprint(pages)
    if place == "after Xiebao":
        app.after_request(mark_response_public)
    elif place == MIDDLEWARE:
        app.wsgi_app = build_public_middleware(app.wsgi_app)  # type: ignore[method-assign]
    return app, xiebao


def add_hook_to_request() -> None:
    after_this_request(mark_response_public)


def build_public_middleware(wsgi_app: Any) -> Any:
    """Return a WSGI app that marks the responses of another WSGI app as public."""

    def public_app(environ: Any, start_response: Any) -> Any:
        response = BaseResponse.from_app(wsgi_app, environ)
        mark_public(response.headers)
        return response(environ, start_response)

    return public_app


def create_page_blueprint() -> Blueprint:
    """Return a blueprint with the site's own pages."""
    pages = Blueprint("shop", "shop")

    @pages.get("/about")
    @pages.get("/login", endpoint="login")
    def show_public_page() -> str:
        return "the same page for all visitors"

    @pages.get("/page/<name>")
    def show_page(name: str) -> str:
        return render_template_string(
            MACROS + PAGES[name], code=PRODUCT_CODE, number=INSURE_NUM, member=load_member()
        )

    @pages.get("/redirect")
    def redirect_to_gateway() -> BaseResponse:
        # A site could have this view instead of Flask-Xiebao's links. The cache stores the
        # redirect.
        gateway = current_app.extensions["xiebao"].gateway
        url = gateway.product_url(PRODUCT_CODE, partner_uniq_key=load_member(), platform="h5")
        return redirect(url)

    return pages


# Visitors of the site, and responses of the cache


class Visitor(NamedTuple):
    """A visitor who requests a URL of the shop, and the expected outcome.

    :ivar expected: a value that :meth:`Shop.visit` returns.
    """

    member: str | None
    expected: str = ""
    headers: dict[str, str] = PHONE
    method: str = "GET"


class CacheResponse(NamedTuple):
    """A response that the cache sent.

    :ivar is_hit: True if the cache had stored the response before the request.
    """

    path: str
    status: int
    headers: Message
    text: str
    is_hit: bool


# Cache the decoded text of each QR code, because decoding is slow. The same QR code occurs again if
# links are signed within the same second.
decode_qr_code = functools.lru_cache(qr.read)


@dataclass
class Shop:
    """A site behind the shared cache. Call :meth:`change_host` before the first request.

    :ivar place: the position of the hook that marks responses as public.
    :ivar port: the port of the cache.
    :ivar responses: all responses since the last :meth:`change_host`.
    """

    place: str
    app: Flask
    xiebao: Xiebao
    port: int

    def change_host(self) -> None:
        """Switch to a new host name, for which the cache has no responses."""
        self.host = f"shop-{uuid4().hex}.example"
        self.responses: list[CacheResponse] = []

    def request(
        self,
        url: str,
        member: str | None = None,
        headers: dict[str, str] = PHONE,
        method: str = "GET",
    ) -> CacheResponse:
        """Request a URL of the shop through the cache, and return the response."""
        path = url.removeprefix(PUBLIC_URL)
        cookies = {} if member is None else {"Cookie": f"member={member}"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers={"Host": self.host, **headers, **cookies})
            response = connection.getresponse()
            text = response.read().decode()
        is_hit = response.headers["X-Cache"] == "HIT"
        self.responses.append(CacheResponse(path, response.status, response.headers, text, is_hit))
        return self.responses[-1]

    def visit(self, url: str, visitor: Visitor) -> str:
        """Request a URL, click the page's entry or scan its QR code, and describe the outcome.

        The description has the gateway page, the member and the platform, for example
        "entry for h5: product as li on h5", or the status.
        """
        response = self.request(url, visitor.member, visitor.headers, visitor.method)
        if response.status == 302:
            return describe_redirect(response.headers["Location"])
        if response.status != 200:
            is_json = response.headers.get_content_type() == "application/json"
            return f"{response.status} as JSON" if is_json else str(response.status)
        if "HX-Redirect" in response.headers:
            return "HX-Redirect"
        entry = parse_html(response.text).select_one("a[data-xiebao-entry]")
        if entry is not None:
            platform = entry["data-xiebao-platform"]
            return f"entry for {platform}: {self.visit(str(entry['href']), visitor)}"
        if "<svg" in response.text:
            # The phone that scans the QR code has no cookies, so no member is logged in.
            return f"QR code: {self.visit(decode_qr_code(response.text), Visitor(None))}"
        return "no entry"


def describe_redirect(location: str) -> str:
    """Describe a redirect by its gateway page, member and platform, or by its path in the shop."""
    if urlsplit(location).netloc != "testapi.xiebao18.com":
        return f"to {urlsplit(location).path}"
    verdict = assert_gateway_accepts(location)
    return f"{verdict.page} as {verdict.member} on {Platform(verdict.platform or 0).slug}"
