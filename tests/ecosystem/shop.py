"""A test shop to which tests add other extensions, and a test client that acts like a browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bs4 import BeautifulSoup
from flask import Flask, redirect, render_template, request, session
from flask.testing import FlaskClient
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
    PUBLIC_URL,
    find_element,
    make_link,
)

#: One row per member: the name for the login form, and the member's id.
MEMBERS = {"alice": "m_7Qk2vX9rT4", "bob": "m_2bZc8LpW0s"}
#: The request headers that determine the platform. Pages with entries list them
#: in the response header ``Vary``.
DEVICE_HEADERS = {"User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform"}

#: One row per gateway page: its name, and its URL with the signature from the interface document's
#: example.
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
#: The numbers of the platforms H5 and PC in gateway URLs.
H5_PLATFORM, PC_PLATFORM = 1, 2

_TEMPLATES = {
    "base.html": (
        '<!doctype html>\n<html lang="zh-CN">\n<head><title>商店</title></head>\n'
        "<body>{% block body %}{% endblock %}</body>\n</html>\n"
    ),
    # These entries are the same for every member, so sites can cache them.
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

# The headers that a browser sends if the user follows a link.
_NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Upgrade-Insecure-Requests": "1",
}

_LINK_PATH = re.compile(r"/xiebao/(product|home|policy|paid)/")
_CACHE_HEADER = re.compile(
    r"(?i)expires|.*cdn-cache-control|surrogate-control|edge-control|x-accel-expires"
)


class AppSetup(NamedTuple):
    """A way in which a test app adds Xiebao and the other extensions.

    :ivar xiebao_first: True to add Xiebao before the other extensions.
    :ivar uses_init_app: True to call ``init_app()``, False to pass the app to the constructor.
    """

    xiebao_first: bool
    uses_init_app: bool

    def __str__(self) -> str:
        order = "Xiebao first" if self.xiebao_first else "Xiebao last"
        return f"{order}, {'init_app' if self.uses_init_app else 'constructor'}"

    def add_extension(self, extension: Callable[..., Any], app: Flask, **options: Any) -> Any:
        """Add an extension to the app, and return the extension object."""
        if not self.uses_init_app:
            return extension(app=app, **options)
        instance = extension(**options)
        instance.init_app(app)
        return instance


#: The setup for tests that have the same outcome with each setup.
DEFAULT_SETUP = AppSetup(xiebao_first=False, uses_init_app=False)
ALL_SETUPS = [AppSetup(*values) for values in itertools.product([True, False], repeat=2)]


def load_session_member() -> str | None:
    """Return the member's id from the session, or None."""
    return session.get("member")


def log_in_to_session(name: str) -> None:
    """Store a member's id in the session."""
    session["member"] = MEMBERS[name]


class Shop:
    """A test shop with entries, a login form, and the gateway simulator.

    The app is not in testing mode, because some extensions disable themselves in this mode.

    :ivar notifications: the notifications that the default handler received.
    :param setup: the way in which the app adds Xiebao and the other extensions.
    :param extensions: functions that add an extension to the app.
    :param member_loader: None if Flask-Login identifies the members.
    :param log_in: the function that the login form calls, with ``"alice"`` or ``"bob"``.
    :param notification_handler: by default, a handler that appends to ``notifications``.
    :param members: the ids of the members by name.
    :param csrf_fields: the hidden fields of the login form, as a template.
    :param base_url: the URL at which the browsers visit the shop.
    :param config: more settings of the app.
    """

    def __init__(
        self,
        setup: AppSetup,
        *extensions: Callable[[Flask], object],
        member_loader: Callable[[], Any] | None = load_session_member,
        log_in: Callable[[str], object] = log_in_to_session,
        notification_handler: Callable[[Notification], object] | None = None,
        members: Mapping[str, str] = MEMBERS,
        csrf_fields: str = "",
        base_url: str = PUBLIC_URL,
        **config: Any,
    ) -> None:
        self.base_url, self.members = base_url, members
        self.notifications: list[Notification] = []
        self.app = app = Flask("shop")
        app.config.update(
            CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL="/gateway", XIEBAO_PUBLIC_URL=base_url
        )
        app.config.update(config)
        app.jinja_loader = DictLoader({**_TEMPLATES, "fields.html": csrf_fields})

        def add_xiebao(app: Flask) -> None:
            self.xiebao: Xiebao = setup.add_extension(Xiebao, app)
            self.xiebao.notification_handler(notification_handler or self.notifications.append)

        steps = (add_xiebao, *extensions) if setup.xiebao_first else (*extensions, add_xiebao)
        for add_extension in steps:
            add_extension(app)
        if member_loader is not None:
            self.xiebao.member_loader(member_loader)
        app.register_blueprint(GatewaySimulator("12345", "Key").blueprint, url_prefix="/gateway")
        app.add_url_rule("/", "index", lambda: render_template("index.html"))
        app.add_url_rule("/orders/8", "order", lambda: "Order 8")

        @app.route("/login", methods=["GET", "POST"])
        def login() -> Any:
            if request.method == "GET":
                return render_template("login.html")
            log_in(request.form["name"])
            return redirect(request.args.get("next", "/"), 302)

    def open_browser(self, device: Mapping[str, str] = PHONE, member: str | None = None) -> Browser:
        """Return a browser without cookies, or a browser in which a member has logged in."""
        browser = Browser(self, device)
        if member is not None:
            browser.log_in(member)
        return browser

    def make_link(self, page: str, **options: Any) -> str:
        """Build a link to a gateway page during a request, and return the link."""
        with self.app.test_request_context(base_url=self.base_url):
            return make_link(self.xiebao, page, **options)

    def get_gateway_url(self, page: str, name: str, platform: int) -> str:
        """Return the gateway URL to which a member's click must redirect."""
        return GATEWAY_URLS[page].format(member=self.members[name], platform=platform)


class Browser(FlaskClient):
    """A test client that sends the request headers of a browser.

    The client also asserts that each response to a link has the privacy headers.
    """

    def __init__(self, shop: Shop, device: Mapping[str, str]) -> None:
        super().__init__(shop.app, shop.app.response_class)
        self.base_url, self.device = shop.base_url, device

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Request a path or an absolute URL of the shop."""
        [url] = args
        if "base_url" not in options:
            url = url.removeprefix(self.base_url)
            assert url.startswith("/"), f"{url} is not a URL of the shop."
        headers = {**_NAVIGATION, **self.device}
        if options.get("method") == "POST":
            headers |= {"Origin": self.base_url, "Referer": f"{self.base_url}{url}"}
        headers |= options.pop("headers", {})
        options = {"base_url": self.base_url, **options}
        response = super().open(url, headers=headers, buffered=True, **options)
        if _LINK_PATH.match(url):
            assert_private_headers(response)
        return response

    def log_in(self, name: str) -> TestResponse:
        """Submit the login form with all of its fields, and return the response."""
        return self.post("/login", data={**self.get_form_fields("/login"), "name": name})

    def get_form_fields(self, url: str) -> dict[str, str]:
        """Return the names and values of the form fields on a page."""
        inputs = parse_page(self.get(url)).select("form input")
        return {str(field["name"]): str(field.get("value", "")) for field in inputs}

    def get_links(self) -> dict[str, str]:
        """Return the links of the entries on the front page, by the HTML id of the entry."""
        anchors = parse_page(self.get("/")).select("a.xiebao-entry[id]")
        return {str(anchor["id"]): str(anchor["href"]) for anchor in anchors}


def parse_page(response: TestResponse) -> BeautifulSoup:
    """Return the parsed page, without the HTML of Flask-DebugToolbar, which is slow to parse."""
    return BeautifulSoup(response.text.partition('<div id="flDebug"')[0], "html.parser")


def get_title(response: TestResponse) -> str:
    """Return the text of the page's ``title`` element."""
    return find_element(parse_page(response), "title").text


def get_csp(response: TestResponse) -> set[str]:
    """Return the directives of all Content-Security-Policy headers."""
    return set("; ".join(response.headers.getlist("Content-Security-Policy")).split("; "))


def assert_private_headers(response: TestResponse) -> None:
    """Assert that caches, search engines and frames of other sites cannot use the response."""
    message = f"{response.request.method} {response.request.path}: {response.status_code}"
    for name, value in PRIVATE_HEADERS.items():
        assert response.headers.getlist(name) == [value], f"{message}, {name}"
    assert not [name for name, _ in response.headers if _CACHE_HEADER.fullmatch(name)], message
    if response.mimetype == "text/html" and response.location is None and response.data:
        assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], message
        assert any("frame-ancestors" in directive for directive in get_csp(response)), message
