"""Sites that are right and unusual: a check finds nothing wrong with them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Blueprint, Flask, Response, g, redirect, render_template_string, request, session
from flask_limiter import Limiter
from flask_session import Session
from flask_talisman import Talisman
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao import Xiebao
from flask_xiebao.testing import Report, check_entries, is_rehearsal
from tests.check.support import ENTRY, FEW, by_form, kinds, login_shop, shop, users_shop
from tests.cli.test_doctor import whose_hooks_need_a_whole_request
from tests.support import MACROS
from tests.tools.mutants.sites import ACCOUNT

PAGE = MACROS + "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY


def check(app: Flask, **options: Any) -> Report:
    return check_entries(app, **{"devices": FEW, **options})


def right(app: Flask, **options: Any) -> Report:
    report = check(app, **options)
    assert report.passed, str(report)
    return report


def with_page(app: Flask, body: str = PAGE) -> Flask:
    app.add_url_rule("/page", "page", lambda: render_template_string(body))
    return app


def test_below_a_prefix_of_its_own() -> None:
    right(with_page(shop(XIEBAO_URL_PREFIX="/ins/v1")), pages=["/page"])


def test_on_a_subdomain() -> None:
    app = Flask("shop", subdomain_matching=True, host_matching=False)
    app.config.update(ACCOUNT, SERVER_NAME="shop.example")
    Xiebao(app).member_loader(lambda: session.get("member"))
    account = Blueprint("account", "account", subdomain="account")
    account.add_url_rule("/page", "page", lambda: render_template_string(PAGE))
    app.register_blueprint(account)
    right(app)


@pytest.mark.parametrize("root", ["", "/shop"])
def test_behind_a_proxy(root: str) -> None:
    app = with_page(shop(XIEBAO_PUBLIC_URL=f"https://www.shop.example{root}"))
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    right(app, pages=["/page"])


def test_languages_in_its_paths() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.url_value_preprocessor(
        lambda _, values: setattr(g, "lang", (values or {}).pop("lang", "zh"))
    )

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", g.get("lang", "zh"))

    app.add_url_rule("/<lang>/login", "login", lambda: "Log in")
    app.add_url_rule("/<lang>/page", "page", lambda: render_template_string(PAGE))
    right(app, pages=["/en/page", "/zh/page"])


def test_members_by_a_token_in_a_cookie_of_its_own() -> None:
    app = Flask("shop")
    app.config.update(ACCOUNT)

    def encoded(member: str) -> str:
        return base64.urlsafe_b64encode(json.dumps({"sub": member}).encode()).decode()

    @Xiebao(app).member_loader
    def member() -> str | None:
        token = request.cookies.get("jwt")
        return json.loads(base64.urlsafe_b64decode(token))["sub"] if token else None

    @app.post("/api/token")
    def token() -> Response:
        response = Response(status=204)
        response.set_cookie("jwt", encoded(request.get_json()["user"]), httponly=True)
        return response

    with_page(app, MACROS + '{{ policy_entry("P1") }}')
    report = right(
        app,
        member="m_7Qk2vX9rT4",
        login=lambda client, member: client.post("/api/token", json={"user": member}),
        pages=["/page"],
    )
    assert report.entries == {"/page": ["policy P1"]}


def test_a_policy_with_nonces() -> None:
    app = shop()
    body = MACROS + "{{ xiebao_styles(nonce=csp_nonce()) }}{{ xiebao_script(nonce=csp_nonce()) }}"
    Talisman(
        app,
        content_security_policy={"default-src": "'none'", "script-src": "", "style-src": ""},
        content_security_policy_nonce_in=["script-src", "style-src"],
    )
    layout = (
        '{% extends "xiebao/default/layout.html" %}{% from "xiebao/entry.html" import'
        " xiebao_styles, xiebao_script %}"
        "{% block styles %}{{ xiebao_styles(nonce=csp_nonce()) }}{% endblock %}"
        "{% block scripts %}{{ xiebao_script(nonce=csp_nonce()) }}{% endblock %}"
    )
    app.jinja_loader = DictLoader({"xiebao/layout.html": layout})
    right(with_page(app, body + ENTRY), pages=["/page"])


def test_everything_by_https() -> None:
    app = with_page(shop(XIEBAO_PUBLIC_URL="https://shop.example"))
    Talisman(app)
    right(app, pages=["/page"])


def test_sessions_on_the_server(tmp_path: Path) -> None:
    from cachelib import FileSystemCache

    app = login_shop()
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(tmp_path)))
    Session(app)
    right(app, member=7, login=by_form, pages=["/page"])


def test_fragments_by_htmx() -> None:
    app = shop()

    @app.get("/fragment")
    def fragment() -> Any:
        if "HX-Request" not in request.headers:
            return redirect("/page")
        return render_template_string(PAGE)

    right(with_page(app), pages=["/page"])


def test_a_page_that_streams() -> None:
    from flask import stream_template_string

    app = shop(XIEBAO_DEVICE_MARKUP=False)
    app.add_url_rule("/page", "page", lambda: Response(stream_template_string(PAGE)))
    right(app, pages=["/page"])


@pytest.mark.parametrize("path", ["/login", "/travel/login"])
def test_below_a_path_with_a_login_that_posts(path: str) -> None:
    app = users_shop(XIEBAO_PUBLIC_URL="https://shop.example/travel")
    with_page(app, MACROS + '{{ policy_entry("P1") }}')
    nothing = Response("Nothing here", 404)
    app.wsgi_app = DispatcherMiddleware(nothing, {"/travel": app.wsgi_app})  # type: ignore[method-assign]
    right(
        app,
        member="7",
        login=lambda client, member: client.post(path, data={"name": member}),
        pages=["/page"],
    )


def test_a_login_of_a_sibling_app() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login", XIEBAO_PUBLIC_URL="https://shop.example")
    app.add_url_rule("/login", "login", lambda: "", methods=["POST"], build_only=True)

    def sibling(environ: Any, start: Any) -> Any:
        answer = Response("Log in") if environ["REQUEST_METHOD"] == "GET" else Response("", 204)
        return answer(environ, start)

    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/login": sibling})  # type: ignore[method-assign]
    right(app)


def test_a_login_elsewhere_is_worth_a_note() -> None:
    app = login_shop()
    app.login_manager.unauthorized_handler(  # type: ignore[attr-defined]
        lambda: redirect(f"https://sso.example/?next={quote(request.url)}")
    )
    report = right(app)
    assert "Visitors log in at https://sso.example/, where" in "\n".join(report.notes_in("en"))


def test_a_phones_start_page_on_another_host() -> None:
    app = with_page(shop(XIEBAO_PUBLIC_URL="https://shop.example"))

    @app.get("/")
    def start() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return redirect("https://m.shop.example/") if is_phone else "Welcome"

    right(app, pages=["/page"])


def test_a_way_back_that_another_app_answers_is_worth_a_note() -> None:
    app = login_shop()
    report = right(app, member=7, pages=["/page"])
    assert "Payments come back to /orders/8, for which this app has no view" in (
        "\n".join(report.notes_in("en"))
    )


def test_a_single_page_app_that_takes_every_path() -> None:
    app = login_shop()
    app.add_url_rule("/", "start", lambda: "<div id=app></div>")
    app.add_url_rule("/<path:path>", "app", lambda path: "<div id=app></div>")
    report = right(app, member=7, pages=["/page"])
    assert "no view" not in "\n".join(report.notes_in("en"))


@pytest.mark.parametrize("status", [401, 403])
def test_a_start_page_for_members_alone(status: int) -> None:
    app = shop()
    app.add_url_rule("/", "start", lambda: ("Log in", status))
    right(app)


def test_paths_that_end_in_a_slash() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/login/", "login", lambda: "Log in")
    app.add_url_rule("/page/", "page", lambda: render_template_string(PAGE))
    right(app, pages=["/page/"])


def test_entries_pinned_and_of_sub_accounts_are_said() -> None:
    body = (
        MACROS + '{{ insurance_entry("QX000000127257", platform="h5", sub_partner_id="b7",'
        ' return_to="/orders/8?token=x") }}'
        '{{ insurance_home_entry() }}{{ policy_entry("2019022602") }}'
    )
    report = right(with_page(shop(), body), pages=["/page"])
    said = ["product QX…127257 h5 b7 → /orders/8", "home", "policy 20…022602"]
    assert report.entries == {"/page": said}


def test_an_app_in_another_folder_of_the_url_map() -> None:
    app = shop()
    shop_pages = Blueprint("pages", "pages", url_prefix="/store/v2")
    shop_pages.add_url_rule("/page", "page", lambda: render_template_string(PAGE))
    app.register_blueprint(shop_pages)
    right(app, pages=["/store/v2/page", "https://localhost/store/v2/page"])


def test_a_hook_that_answers_crawlers() -> None:
    app = with_page(shop())

    @app.before_request
    def crawlers() -> Any:
        return ("No", 403) if "bot" in request.user_agent.string.lower() else None

    right(app, pages=["/page"])


def test_a_session_that_a_visitor_has_too() -> None:
    app = shop()

    @app.before_request
    def basket() -> None:
        session.setdefault("basket", [])

    right(with_page(app), pages=["/page"])


@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None"])
def test_cookies_as_sites_set_them(samesite: str) -> None:
    app = login_shop()
    app.config.update(
        SESSION_COOKIE_SAMESITE=samesite,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_NAME="__Host-session",
    )
    right(app, member=7, login=by_form, pages=["/page"])


def test_handlers_of_errors_of_its_own() -> None:
    app = with_page(shop())
    for status in (401, 403, 404, 405, 410):
        app.register_error_handler(status, lambda error: (f"<h1>{error.code}</h1>", error.code))
    right(app, pages=["/page"])


def test_a_teardown_that_needs_what_a_hook_has_begun() -> None:
    right(whose_hooks_need_a_whole_request())


def test_strings_that_are_another_type() -> None:
    app = shop()
    app.jinja_env.finalize = lambda value: "" if value is None else value
    right(with_page(app), pages=["/page"])


# A limiter


@pytest.mark.parametrize("exempt", ["nothing", "entries", "checks"])
def test_a_limiter_is_told_as_one(exempt: str) -> None:
    app = shop()
    limiter = Limiter(
        lambda: "everybody", app=app, default_limits=["20/minute"], storage_uri="memory://"
    )
    if exempt == "entries":
        limiter.exempt(app.blueprints["xiebao"])  # type: ignore[call-overload]
    elif exempt == "checks":
        limiter.request_filter(is_rehearsal)
    report = check(app)
    assert report.passed == (exempt != "nothing"), str(report)
    if exempt == "nothing":
        assert kinds(report) == {"unreached.limiter"}
        assert 'limiter.exempt(app.blueprints["xiebao"])' in str(report)
