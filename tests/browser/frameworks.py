"""Shops whose pages are built with HTMX or Turbo, as their manuals say."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from flask import (
    Flask,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
)
from jinja2 import DictLoader
from werkzeug.wrappers import Response as AnyResponse

from demo_app.logs import MaskSign
from flask_xiebao import Entry, Xiebao, entry_clicked, entry_refused, payment_returned
from flask_xiebao.testing import GatewaySimulator
from tests.support import CODE, CONFIG, NUMBER, serve

SOMEBODY_ELSE = "m_b81TzPwE6c"

#: Where `make test` has npm install what package.json names.
_MODULES = Path(__file__).parents[2] / ".venv/npm/node_modules"

_LINKS = {f"xiebao.{page}": page for page in ("product", "home", "policy")}


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

#: Service worker: what it answers with.
WORKERS = {
    "passes on": "fetch(event.request)",
    "adds a header": "fetch(new Request(event.request, {headers:"
    " {...Object.fromEntries(event.request.headers), 'X-Shop': '1'}}))",
    "replaces the headers": "fetch(new Request(event.request, {headers: {'X-Shop': '1'}}))",
    "bypasses the cache": "fetch(event.request, {cache: 'no-store'})",
    "preloads": "event.preloadResponse.then(response => response || fetch(event.request))",
}
_WORKER = """\
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(Promise.all([
  clients.claim(), registration.navigationPreload.%s(),
])));
addEventListener("fetch", event => {
  if (event.request.method == "GET") event.respondWith(%s);
});
"""

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
    "framed": """<iframe src="/" title="商店"></iframe>""",
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


class Answer(NamedTuple):
    """An answer to a link, and whether HTMX or Turbo had asked for it."""

    page: str
    to_framework: bool


@dataclass
class Seen:
    """What a shop saw of one member."""

    answers: list[Answer] = field(default_factory=list)
    clicks: list[str] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)


class Shop(NamedTuple):
    """A shop that is served, and what it saw of whom."""

    address: str
    seen: defaultdict[str | None, Seen]


@contextlib.contextmanager
def serve_shop(
    build: Build,
    *,
    gateway_elsewhere: bool = False,
    device_markup: bool = True,
    script: bool = False,
) -> Iterator[Shop]:
    """Serve a shop; the gateway is below its own address, or has an origin of its own.

    :param script: whether its page has our script.
    """
    simulator = GatewaySimulator("12345", "Key")
    with contextlib.ExitStack() as stack:
        # The shop's own server plays the gateway, so the sign is in the URLs that it logs.
        log, mask = logging.getLogger("werkzeug"), MaskSign()
        log.addFilter(mask)
        stack.callback(log.removeFilter, mask)
        app = Flask("shop", static_folder=None)
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
            _add_icon(gateway)
            app.config["XIEBAO_BASE_URL"] = stack.enter_context(serve(gateway))
        else:
            app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
        xiebao = Xiebao(app)
        xiebao.member_loader(lambda: session.get("member"))
        _add_icon(app)
        _add_pages(app, xiebao, build)
        app.jinja_env.globals["script"] = script
        seen: defaultdict[str | None, Seen] = defaultdict(Seen)
        _watch(app, seen)
        yield Shop(stack.enter_context(serve(app)), seen)


def _add_icon(app: Flask) -> None:
    @app.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204


def _add_pages(app: Flask, xiebao: Xiebao, build: Build) -> None:
    pages = {
        f"{name}.html": f'{{% extends "base.html" %}}{{% block content %}}{page}{{% endblock %}}'
        for name, page in _PAGES.items()
    }
    base = _BASE % (build.scripts, build.body % _CONTENT)
    app.jinja_loader = DictLoader({"base.html": base, **pages})

    @app.get("/start")
    def start() -> str:
        return render_template("start.html")

    @app.get("/")
    def shop() -> Response:
        """Show the entries, with what the query says as attributes of theirs, save ``ahead``."""
        attributes = request.args.to_dict() | build.attributes
        ahead = attributes.pop("ahead", None)
        page = render_template(
            "shop.html",
            ahead=ahead,
            code=CODE,
            policy=NUMBER,
            somebody_else=SOMEBODY_ELSE,
            link=xiebao.product_link(CODE, return_to="/insured"),
            attributes=attributes,
        )
        response = make_response(page)
        if ahead in ("prefetch", "prerender"):
            response.headers["Speculation-Rules"] = f'"/rules/{ahead}"'
        return response

    @app.get("/rules/<ahead>")
    def rules(ahead: str) -> Response:
        every_link = {"where": {"href_matches": "/xiebao/*"}, "eagerness": "immediate"}
        response = jsonify({ahead: [every_link]})
        response.mimetype = "application/speculationrules+json"
        return response

    @app.get("/framed")
    def framed() -> str:
        return render_template("framed.html")

    @app.get("/insured")
    def insured() -> str:
        return render_template("insured.html")

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> str | AnyResponse:
        if request.method == "GET":
            return render_template("sign-in.html")
        session["member"] = request.form["member"]
        return redirect(request.form.get("next", "/"), 303)

    @app.get("/scripts/<path:name>")
    def scripts(name: str) -> Response:
        return send_from_directory(_MODULES, name)

    @app.get("/worker/<name>")
    def worker(name: str) -> Response:
        preload = "enable" if name == "preloads" else "disable"
        response = Response(_WORKER % (preload, WORKERS[name]), mimetype="text/javascript")
        response.headers["Service-Worker-Allowed"] = "/"
        return response

    @app.after_request
    def be_strict(response: Response) -> Response:
        # As strict as a framework can bear: each adds a style of its own.
        policy = "default-src 'self'; style-src 'self' 'unsafe-inline'"
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


def _watch(app: Flask, seen: defaultdict[str | None, Seen]) -> None:
    @entry_clicked.connect_via(app)
    def clicked(app: Flask, entry: Entry, member: str, **rest: Any) -> None:
        seen[member].clicks.append(entry.page)

    @payment_returned.connect_via(app)
    def returned(app: Flask, entry: Entry, member: str, **rest: Any) -> None:
        seen[member].returns.append(entry.page)

    @entry_refused.connect_via(app)
    def refused(app: Flask, status: int, **rest: Any) -> None:
        seen[session.get("member")].refusals.append(status)

    @app.after_request
    def answered(response: Response) -> Response:
        if request.endpoint in _LINKS:
            asker = request.headers
            to_framework = "HX-Request" in asker or "X-Turbo-Request-Id" in asker
            answer = Answer(_LINKS[request.endpoint], to_framework)
            seen[session.get("member")].answers.append(answer)
            if "Location" in response.headers:
                # Time enough for a script to go there once more, while the page is still there.
                time.sleep(0.05)
        return response
