"""An ordinary shop that other extensions are put into, and the browsers that visit it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bs4 import BeautifulSoup
from flask import Flask, redirect, render_template, request, session
from jinja2 import DictLoader
from werkzeug.test import TestResponse

from flask_xiebao import Notification, Xiebao
from flask_xiebao.testing import GatewaySimulator
from tests.support import (
    CONFIG,
    INSURE_NUM,
    MACROS,
    PHONE,
    PRIVATE_HEADERS,
    PRODUCT_CODE,
    find_element,
    make_link,
)

ADDRESS = "https://shop.example"
MEMBERS = {"alice": "m_7Qk2vX9rT4", "bob": "m_2bZc8LpW0s"}
DEVICE_HEADERS = {"User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform"}

#: What the gateway's document says of its URLs; the sign is the document's own example.
GATEWAY_URLS = {
    "product": (
        "/gateway/dispatch/cps?partnerId=12345&subPartnerId=&caseCode=QX000000127257"
        "&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform={platform}"
    ),
    "home": (
        "/gateway/dispatch/cps/index?partnerId=12345&subPartnerId="
        "&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform={platform}"
    ),
    "policy": (
        "/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=20190226020146"
        "&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform={platform}"
    ),
}
H5, PC_SITE = 1, 2

_TEMPLATES = {
    "base.html": (
        '<!doctype html>\n<html lang="zh-CN">\n<head><title>商店</title></head>\n'
        "<body>{% block body %}{% endblock %}</body>\n</html>\n"
    ),
    # The same for everybody, so that it can be cached.
    "insurance.html": f"""\
{{% extends "base.html" %}}
{{% block body %}}
{MACROS}
{{{{ insurance_entry("{PRODUCT_CODE}", id="product") }}}}
{{{{ insurance_entry("{PRODUCT_CODE}", id="order", return_to="/orders/8") }}}}
{{{{ insurance_home_entry(id="home") }}}}
{{{{ insurance_qr("{PRODUCT_CODE}") }}}}
{{% endblock %}}
""",
    "index.html": f"""\
{{% extends "insurance.html" %}}
{{% block body %}}
{MACROS}
{{{{ xiebao_styles() }}}}
{{{{ super() }}}}
{{{{ policy_entry("{INSURE_NUM}", id="policy") }}}}
{{% endblock %}}
""",
    "login.html": """\
{% extends "base.html" %}
{% block body %}
<form method="post">{% include "fields.html" %}<input name="name"><button>登录</button></form>
{% endblock %}
""",
}

# What a browser sends when somebody follows a link.
_NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Upgrade-Insecure-Requests": "1",
}

_LINK_ENDPOINT = re.compile(r"/xiebao/(product|home|policy|paid)/")
_FOR_CACHES_ONLY = re.compile(
    r"(?i)expires|.*cdn-cache-control|surrogate-control|edge-control|x-accel-expires"
)


class Way(NamedTuple):
    """How a site is put together: in which order, and in which of Flask's two styles."""

    xiebao_first: bool
    in_factory: bool

    def __str__(self) -> str:
        order = "Xiebao first" if self.xiebao_first else "Xiebao last"
        return f"{order}, {'factory' if self.in_factory else 'app-wide'}"

    def add(self, extension: Callable[..., Any], app: Flask, *args: Any, **options: Any) -> Any:
        """Put an extension into *app*, and return it."""
        if not self.in_factory:
            return extension(*args, app=app, **options)
        instance = extension(*args, **options)
        instance.init_app(app)
        return instance


#: For what does not depend on it.
ONE_WAY = Way(xiebao_first=False, in_factory=False)
WAYS = [Way(first, factory) for first in (True, False) for factory in (False, True)]


def remembered() -> str | None:
    """Return who is signed in: the shop's member loader, unless it has another."""
    return session.get("member")


def remember(name: str) -> None:
    """Sign somebody in."""
    session["member"] = MEMBERS[name]


class Shop:
    """A shop in service: it has pages with entries, a login, and the simulator as its gateway.

    It is not in its tests for Flask, since some extensions switch themselves off there.

    :param way: how it is put together.
    :param extensions: what else is put into the app, each a function that is given it.
    :param loader: Xiebao's member loader; None leaves it to Flask-Login.
    :param sign_in: is called with ``"alice"`` or ``"bob"`` when the login form comes.
    :param members: what the gateway knows them by.
    :param form_fields: what else is in the form, as Jinja.
    :param address: where it is found.
    :param config: further settings.
    """

    def __init__(
        self,
        way: Way,
        *extensions: Callable[[Flask], object],
        loader: Callable[[], Any] | None = remembered,
        sign_in: Callable[[str], object] = remember,
        members: Mapping[str, str] = MEMBERS,
        form_fields: str = "",
        address: str = ADDRESS,
        **config: Any,
    ) -> None:
        self.address = address
        self.members = members
        self.told: list[Notification] = []
        self.app = app = Flask("shop")
        app.config.update(
            CONFIG,
            XIEBAO_ENV="test",
            XIEBAO_BASE_URL="/gateway",
            XIEBAO_PUBLIC_URL=address,
        )
        app.config.update(config)
        app.jinja_loader = DictLoader({**_TEMPLATES, "fields.html": form_fields})

        def add_xiebao(app: Flask) -> None:
            self.xiebao: Xiebao = way.add(Xiebao, app)
            self.xiebao.notification_handler(self.hear)

        steps = (add_xiebao, *extensions) if way.xiebao_first else (*extensions, add_xiebao)
        for step in steps:
            step(app)
        if loader is not None:
            self.xiebao.member_loader(loader)
        simulator = GatewaySimulator("12345", "Key")
        app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
        _add_pages(app, sign_in)

    def hear(self, notification: Notification) -> None:
        """Take a notification."""
        self.told.append(notification)

    def browser(self, device: Mapping[str, str] = PHONE, signed_in: str | None = None) -> Browser:
        """Return somebody's browser, new to the shop."""
        browser = Browser(self, device)
        if signed_in is not None:
            browser.sign_in(signed_in)
        return browser

    def link(self, page: str, **options: Any) -> str:
        """Return a link as a view of the shop would make it."""
        with self.app.test_request_context(base_url=self.address):
            return make_link(self.xiebao, page, **options)

    def gateway_url(self, page: str, name: str, platform: int) -> str:
        """Return where a click of this member has to lead."""
        return GATEWAY_URLS[page].format(member=self.members[name], platform=platform)


class Browser:
    """One person with one device. Each answer of a link endpoint is looked at on the way."""

    def __init__(self, shop: Shop, device: Mapping[str, str]) -> None:
        self._shop = shop
        self._device = device
        self._client = shop.app.test_client()

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Go to a path of the shop, or to an absolute URL that has to lead to it.

        :param headers: what is sent instead of, or besides, what this browser sends.
        :param options: those of Flask's test client.
        """
        if "://" in url and "base_url" not in options:
            assert url.startswith(f"{self._shop.address}/")
            url = url.removeprefix(self._shop.address)
        options = {"base_url": self._shop.address, "method": "GET", **options}
        sent = {**_NAVIGATION, **self._device, **(headers or {})}
        response = self._client.open(url, headers=sent, buffered=True, **options)
        if _LINK_ENDPOINT.match(url):
            check_headers(response)
        return response

    def post(self, url: str, data: Mapping[str, str]) -> TestResponse:
        """Send a form of the shop."""
        origin = {"Origin": self._shop.address, "Referer": f"{self._shop.address}{url}"}
        return self.get(url, origin, method="POST", data=data)

    def sign_in(self, name: str, url: str = "/login") -> TestResponse:
        """Fill in and send the login form that is found here."""
        response = self.post(url, {**self.form_fields(url), "name": name})
        assert response.status_code == 302, response.text
        return response

    def form_fields(self, url: str) -> dict[str, str]:
        """Return what is in the form that is found here."""
        inputs = soup(self.get(url)).select("form input")
        return {str(field["name"]): str(field.get("value", "")) for field in inputs}

    def entries(self, url: str = "/") -> dict[str, str]:
        """Return the links of the entries in a page, by their ids."""
        page = self.get(url)
        assert page.status_code == 200
        return {str(a["id"]): str(a["href"]) for a in soup(page).select("a.xiebao-entry[id]")}


def soup(response: TestResponse) -> BeautifulSoup:
    """Return a page as it can be looked at."""
    # Flask-DebugToolbar's markup, at the end, is a hundred times as long as what is wanted here.
    page, _, _toolbar = response.text.partition('<div id="flDebug"')
    return BeautifulSoup(page, "html.parser")


def title(response: TestResponse) -> str:
    """Return the title of a page."""
    return find_element(soup(response), "title").text


def directives(response: TestResponse) -> str:
    """Return all the content security policies of a page as one text."""
    return "; ".join(response.headers.getlist("Content-Security-Policy"))


def check_headers(response: TestResponse) -> None:
    """Check what every answer of a link endpoint has to say to caches and others."""
    what = f"{response.request.method} {response.request.path}: {response.status_code}"
    for name, value in PRIVATE_HEADERS.items():
        assert response.headers.getlist(name) == [value], f"{name} of {what}"
    assert not [name for name, _ in response.headers if _FOR_CACHES_ONLY.fullmatch(name)], what
    if response.mimetype == "text/html" and response.location is None and response.data:
        assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], what
        assert "frame-ancestors" in directives(response), what


def _add_pages(app: Flask, sign_in: Callable[[str], object]) -> None:
    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    @app.get("/orders/8")
    def order() -> str:
        return "Order 8"

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return render_template("login.html")
        sign_in(request.form["name"])
        return redirect(request.args.get("next", "/"), 302)
