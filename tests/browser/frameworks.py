"""Shops whose pages are built with HTMX or Turbo, as their manuals say, and who goes there."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from flask import (
    Flask,
    Response,
    redirect,
    render_template,
    request,
    session,
)
from jinja2 import DictLoader
from playwright.sync_api import Page, expect
from werkzeug.wrappers import Response as AnyResponse

from demo_app.logs import mask_sign
from flask_xiebao import Xiebao
from flask_xiebao.testing import GatewaySimulator
from tests.browser.harness import HANDOFFS, MODULES, Visit, add_icon, expect_accepted, press
from tests.support import CONFIG, INSURE_NUM, PRODUCT_CODE, SentSignals, serve_app

SOMEBODY_ELSE = "m_b81TzPwE6c"


class Build(NamedTuple):
    """How the pages of a shop are built.

    :param scripts: for the head.
    :param body: the body; the content goes where ``%s`` is.
    :param attributes: what each entry has besides.
    :param on_hover: whether a mouse over an entry has its link fetched.
    """

    scripts: str = ""
    body: str = "<body>%s</body>"
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never changed
    on_hover: bool = False


_HTMX_2 = '<script src="/scripts/htmx.org/dist/htmx.min.js"></script>'
_HTMX_2_PRELOAD = '<script src="/scripts/htmx-ext-preload/dist/preload.min.js"></script>'
_HTMX_4 = '<script src="/scripts/htmx-4/dist/htmx.min.js"></script>'
_HTMX_4_PRELOAD = '<script src="/scripts/htmx-4/dist/ext/hx-preload.min.js"></script>'
_TURBO = '<script src="/scripts/@hotwired/turbo/dist/turbo.es2017-esm.js" type="module"></script>'

BUILDS = {
    "nothing": Build(),
    "htmx 2": Build(_HTMX_2, '<body hx-boost="true">%s</body>'),
    "htmx 2, container": Build(
        _HTMX_2,
        '<body><div hx-boost="true" hx-target="#content" hx-select="#content" hx-swap="outerHTML">'
        '<div id="content">%s</div></div></body>',
    ),
    "htmx 2, preload": Build(
        _HTMX_2 + _HTMX_2_PRELOAD,
        '<body hx-boost="true" hx-ext="preload">%s</body>',
        {"preload": "mouseover"},
        on_hover=True,
    ),
    # HTMX 4 inherits what says so, and nothing else.
    "htmx 4": Build(_HTMX_4, '<body hx-boost:inherited="true">%s</body>'),
    "htmx 4, container": Build(
        _HTMX_4,
        '<body><div hx-boost:inherited="true" hx-target:inherited="#content"'
        ' hx-select:inherited="#content" hx-swap:inherited="outerHTML">'
        '<div id="content">%s</div></div></body>',
    ),
    "htmx 4, preload": Build(
        _HTMX_4 + _HTMX_4_PRELOAD,
        '<body hx-boost:inherited="true">%s</body>',
        {"hx-preload": "mouseenter"},
        on_hover=True,
    ),
    "turbo": Build(_TURBO, on_hover=True),
    "turbo, preload": Build(_TURBO, attributes={"data-turbo-preload": True}, on_hover=True),
    "turbo, frame": Build(
        _TURBO, '<body><turbo-frame id="content">%s</turbo-frame></body>', on_hover=True
    ),
    "turbo, frame in the history": Build(
        _TURBO,
        '<body><turbo-frame id="content" data-turbo-action="advance">%s</turbo-frame></body>',
        on_hover=True,
    ),
}

_BASE = """\
<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>A shop for tests</title>
  {%% from "xiebao/entry.html" import xiebao_styles %%}{{ xiebao_styles() }}
  {%% if ahead == "link" %%}<link rel="prefetch" href="{{ link }}">{%% endif %%}
  %s
</head>
%s
</html>
"""
_CONTENT = "<main>{% block content %}{% endblock %}</main>"
_PAGES = {
    "start": '<h1>首页</h1><a href="/">去商店</a>',
    "shop": """\
{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,
   xiebao_script %}
<h1>商店</h1>
{% if script %}{{ xiebao_script() }}{% endif %}
<p>{{ insurance_entry(code, id="product", return_to="/insured", **attributes) }}</p>
<p>{{ insurance_home_entry(id="home", **attributes) }}</p>
<p>{{ policy_entry(policy, id="policy", **attributes) }}</p>
<p>{{ insurance_home_entry("别人的", id="another", member=somebody_else, **attributes) }}</p>
<p><button id="button" hx-get="{{ link }}">投保</button></p>
""",
    "insured": "<h1>欢迎回来</h1>",
    "sign-in": """\
<h1>登录</h1>
<form action="/sign-in" method="post">
  <input type="hidden" name="next" value="{{ request.args.next }}">
  <label>会员 <input name="member"></label>
  <button>登录</button>
</form>
""",
}


class Shop(NamedTuple):
    """A shop that is served.

    :param answers: the pages whose links it has answered, and whether HTMX or Turbo had asked.
    """

    address: str
    answers: list[tuple[str, bool]]


@contextlib.contextmanager
def serve_shop(
    build: Build,
    *,
    gateway_elsewhere: bool = False,
    device_markup: bool = True,
    script: bool = False,
    extend: Callable[[Flask], object] = lambda _: None,
) -> Iterator[Shop]:
    """Serve a shop; the gateway is below its own address, or has an origin of its own.

    :param script: whether its page has our script.
    :param extend: puts more into the app.
    """
    simulator = GatewaySimulator("12345", "Key")
    with contextlib.ExitStack() as stack:
        # The shop's own server plays the gateway, so the sign is in the URLs that it logs.
        log = logging.getLogger("werkzeug")
        log.addFilter(mask_sign)
        stack.callback(log.removeFilter, mask_sign)
        app = Flask("shop", static_folder=MODULES, static_url_path="/scripts")
        app.config.update(
            CONFIG,
            XIEBAO_ENV="test",
            XIEBAO_STRICT=True,
            XIEBAO_BASE_URL="/gateway",
            XIEBAO_LOGIN_VIEW="sign_in",
            XIEBAO_DEVICE_MARKUP=device_markup,
        )
        if gateway_elsewhere:
            gateway = simulator.create_app()
            add_icon(gateway)
            app.config["XIEBAO_BASE_URL"] = stack.enter_context(serve_app(gateway))
        else:
            app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
        xiebao = Xiebao(app)
        xiebao.member_loader(lambda: session.get("member"))
        _add_pages(app, xiebao, build)
        app.jinja_env.globals["script"] = script
        extend(app)
        shop = Shop(stack.enter_context(serve_app(app)), [])
        _watch(app, shop.answers)
        yield shop


def _add_pages(app: Flask, xiebao: Xiebao, build: Build) -> None:
    pages = {
        f"{name}.html": f'{{% extends "base.html" %}}{{% block content %}}{page}{{% endblock %}}'
        for name, page in _PAGES.items()
    }
    base = _BASE % (build.scripts, build.body % _CONTENT)
    app.jinja_loader = DictLoader({"base.html": base, **pages})

    add_icon(app)
    for name in ("start", "insured"):
        app.add_url_rule(f"/{name}", name, functools.partial(render_template, f"{name}.html"))

    @app.get("/")
    def shop() -> str:
        """Show the entries, with what the query says as attributes of theirs, save ``ahead``."""
        attributes = request.args.to_dict() | build.attributes
        ahead = attributes.pop("ahead", None)
        return render_template(
            "shop.html",
            ahead=ahead,
            code=PRODUCT_CODE,
            policy=INSURE_NUM,
            somebody_else=SOMEBODY_ELSE,
            link=xiebao.product_link(PRODUCT_CODE, return_to="/insured"),
            attributes=attributes,
        )

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> str | AnyResponse:
        if request.method == "GET":
            return render_template("sign-in.html")
        session["member"] = request.form["member"]
        return redirect(request.form.get("next", "/"), 303)

    @app.after_request
    def be_strict(response: Response) -> Response:
        # As strict as a framework can bear: each adds a style of its own.
        policy = "default-src 'self'; style-src 'self' 'unsafe-inline'"
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def _watch(app: Flask, answers: list[tuple[str, bool]]) -> None:
    @app.after_request
    def answered(response: Response) -> Response:
        if "token" in (request.view_args or {}):
            by_framework = (
                "HX-Request" in request.headers or "X-Turbo-Request-Id" in request.headers
            )
            answers.append((str(request.endpoint).removeprefix("xiebao."), by_framework))
            if "Location" in response.headers:
                # Time enough for a script to go there once more, while the page is still there.
                time.sleep(0.05)
        return response


#: Device: the platform that the gateway is told.
_PLATFORMS = {"iPhone": "1", "desktop": "2"}


class Shopper:
    """A member with a device, in a shop of their own."""

    def __init__(self, shop: Shop, visit: Visit, device: str, sent_signals: SentSignals) -> None:
        self.address = shop.address
        self.answers = shop.answers
        self.notifications = sent_signals
        self.visit = visit
        self.device = device
        self.page = visit.page

    def enter(self, path: str = "/") -> None:
        """Sign in and go to the shop."""
        self.visit.sign_in(self.address)
        self.page.goto(self.address + path)

    def press(self, entry: str) -> None:
        """Click or tap on an entry."""
        press(self.visit, self.page.locator(f"#{entry}"))

    def expect_arrival(self, entry: str, page: Page | None = None) -> None:
        """Expect that the page is the one to which the entry leads, and opened by the browser."""
        page = page or self.page
        if self.device == "desktop" and entry in HANDOFFS:
            expect(page.locator("h1")).to_have_text(HANDOFFS[entry])
        else:
            page.wait_for_url("**/dispatch/**", wait_until="commit")
            expect_accepted(page, entry, _PLATFORMS[self.device])
        expect_no_framework(page)

    @property
    def clicks(self) -> list[str]:
        """The entries whose clicks the shop was told of."""
        return [said["entry"].page for signal, said in self.notifications if signal == "clicked"]

    def wait_for_answer(self, page: str) -> None:
        """Wait until the shop has answered a link, which no page needs to show."""
        deadline = time.monotonic() + 10
        while page not in dict(self.answers):
            assert time.monotonic() < deadline, self.answers
            self.page.wait_for_timeout(10)

    def go_back(self) -> None:
        """Go back to the shop, as people do who look around."""
        self.page.wait_for_load_state()
        self.page.go_back(wait_until="commit")
        expect(self.page.locator("h1")).to_have_text("商店")
        self.page.wait_for_load_state()


def expect_no_framework(page: Page) -> None:
    """Expect a page that the browser opened, and not one that was put into a page of the shop."""
    assert page.evaluate("typeof htmx + typeof Turbo") == "undefined" * 2
