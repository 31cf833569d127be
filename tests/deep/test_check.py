"""Slow tests of ``flask xiebao check``: all devices, threads, and other libraries.

To test a correct site that needs another library, add a row to ``SITES_WITH_LIBRARIES``.
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache
from flask import (
    Blueprint,
    Flask,
    Response,
    render_template_string,
    request,
    stream_template_string,
)
from flask_login import login_user
from flask_session import Session
from flask_talisman import Talisman
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Xiebao
from flask_xiebao.testing import DEVICES, check_entries, is_rehearsal
from tests.check.support import (
    ENTRY,
    WITH_LOGIN_VIEW,
    WITH_PUBLIC_URL,
    MakeApp,
    add_middleware,
    assert_check_passes,
    limit_requests,
    load_member_from_session,
    log_in_by_form,
    make_login_shop,
    make_shop,
    passing_row,
)
from tests.check.test_valid_sites import AS_MEMBER, PAGE, POLICY, WITH_PAGE, show_page
from tests.support import MACROS
from tests.tools.mutants.sites import ACCOUNT, SITES
from tests.tools.mutants.sites import PAGE as PAGE_WITH_ENTRIES


def make_shop_with_subdomain() -> Flask:
    app = Flask("shop", subdomain_matching=True, host_matching=False)
    app.config.update(ACCOUNT, SERVER_NAME="shop.example")
    Xiebao(app).member_loader(load_member_from_session)
    account = Blueprint("account", "account", subdomain="account")
    account.add_url_rule("/page", "page", show_page)
    app.register_blueprint(account)
    return app


def load_member_from_token() -> str | None:
    token = request.cookies.get("jwt")
    return json.loads(base64.urlsafe_b64decode(token))["sub"] if token else None


def issue_login_token() -> Response:
    payload = json.dumps({"sub": request.get_json()["user"]}).encode()
    token = base64.urlsafe_b64encode(payload).decode()
    return Response(status=204, headers={"Set-Cookie": f"jwt={token}; HttpOnly; Path=/"})


def make_shop_with_csp_nonces() -> Flask:
    layout = (
        '{% extends "xiebao/default/layout.html" %}'
        '{% from "xiebao/entry.html" import xiebao_styles, xiebao_script %}'
        "{% block styles %}{{ xiebao_styles(nonce=csp_nonce()) }}{% endblock %}"
        "{% block scripts %}{{ xiebao_script(nonce=csp_nonce()) }}{% endblock %}"
    )
    app = make_shop(
        page="{{ xiebao_styles(nonce=csp_nonce()) }}{{ xiebao_script(nonce=csp_nonce()) }}" + ENTRY,
        templates={"xiebao/layout.html": layout},
    )
    Talisman(
        app,
        content_security_policy={"default-src": "'none'", "script-src": "", "style-src": ""},
        content_security_policy_nonce_in=["script-src", "style-src"],
    )
    return app


def mount_login_app(inner: Any) -> Any:
    """Return a WSGI app that serves ``/login`` itself, and passes other paths to the inner app."""

    def login_app(environ: Any, start: Any) -> Any:
        is_form = environ["REQUEST_METHOD"] == "GET"
        return (Response("Log in") if is_form else Response("", 204))(environ, start)

    return DispatcherMiddleware(inner, {"/login": login_app})


def exempt_rehearsals_from_limit(app: Flask) -> None:
    [limiter] = app.extensions["limiter"]
    limiter.request_filter(is_rehearsal)


def vary_login_url_by_browser(app: Flask) -> None:
    """Give the login page a different URL in Chrome than in other browsers."""

    @app.url_defaults
    def add_language_to_login_url(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "login":
            values["lang"] = "en" if "Chrome" in str(request.user_agent) else "zh"


#: One row per correct site that is rare or needs another library. ``flask xiebao check`` must pass
#: on each of these sites.
SITES_WITH_LIBRARIES = [
    passing_row("subdomain", make_shop_with_subdomain),
    passing_row(
        "token of the member in a cookie",
        partial(
            make_shop,
            loader=load_member_from_token,
            views={
                "/page": lambda: render_template_string(MACROS + POLICY),
                "POST /api/token": issue_login_token,
            },
        ),
        login=lambda client, member: client.post("/api/token", json={"user": member}),
        member="m_7Qk2vX9rT4",
        **WITH_PAGE,
    ),
    passing_row("Content-Security-Policy with nonces", make_shop_with_csp_nonces, **WITH_PAGE),
    passing_row(
        "Talisman forces HTTPS",
        partial(make_shop, Talisman, page=PAGE, **WITH_PUBLIC_URL),
        **WITH_PAGE,
    ),
    passing_row(
        "login by another app",
        partial(
            make_shop,
            add_middleware(mount_login_app),
            views={"POST /login": ""},
            **WITH_LOGIN_VIEW,
            **WITH_PUBLIC_URL,
        ),
    ),
    passing_row(
        "rate limit that exempts the blueprint",
        partial(make_shop, limit_requests("5/minute", "xiebao")),
    ),
    passing_row(
        "rate limit that exempts rehearsals",
        partial(make_shop, limit_requests("5/minute"), exempt_rehearsals_from_limit),
    ),
    passing_row(
        "streamed page",
        partial(
            make_shop,
            views={"/page": lambda: Response(stream_template_string(MACROS + PAGE))},
            XIEBAO_DEVICE_MARKUP=False,
        ),
        **WITH_PAGE,
    ),
    passing_row(
        "login page with another URL in each browser",
        partial(
            make_shop,
            vary_login_url_by_browser,
            views={"/<lang>/login": "Log in"},
            **WITH_LOGIN_VIEW,
        ),
    ),
]


@pytest.mark.parametrize(("site", "notes", "options"), SITES_WITH_LIBRARIES)
def test_check_passes_on_site_with_library(
    site: MakeApp, notes: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert_check_passes(site, notes, options)


def test_check_passes_with_server_side_sessions(tmp_path: Path) -> None:
    cache = FileSystemCache(str(tmp_path))
    site = partial(make_login_shop, Session, SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    assert_check_passes(site, (), {**AS_MEMBER, "login": log_in_by_form})


@pytest.mark.parametrize("name", SITES)
def test_check_passes_on_all_devices(name: str) -> None:
    report = check_entries(SITES[name](), devices="all", pages=[PAGE_WITH_ENTRIES])
    assert report.passed, str(report)
    assert {device.name for device in report.devices} == DEVICES.keys()


def test_check_runs_inside_request_of_logged_in_visitor() -> None:
    app = SITES["by_login"]()

    @app.get("/console")
    def show_report() -> str:
        login_user(app.login_manager._user_callback("7"))  # type: ignore[attr-defined]
        return str(check_entries(app))

    assert app.test_client().get("/console").text.endswith(" passed, 0 failed")


def test_concurrent_checks_pass() -> None:
    check = partial(check_entries, make_shop(), devices=["pc"])
    with ThreadPoolExecutor() as executor:
        checks = [executor.submit(check) for _ in range(3)]
    assert [str(each.result()) for each in checks if not each.result().passed] == []
