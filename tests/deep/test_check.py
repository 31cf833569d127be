"""Right sites, in every case and on every device; and what a check of one can be in."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
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
    stream_with_context,
)
from flask_login import login_user
from flask_session import Session
from flask_talisman import Talisman
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Xiebao
from flask_xiebao.testing import DEVICES, FORMATS, Report, check_entries, is_rehearsal
from tests.check.support import (
    ENTRY,
    FEW,
    ON_PAGE,
    OUTSIDE,
    MakeSite,
    around,
    assert_is_right,
    by_form,
    by_session,
    check,
    limited,
    login_shop,
    right,
    shop,
)
from tests.check.test_right_sites import LOGIN, MEMBER, ON, PAGE, POLICY, ROWS, show_page
from tests.check.test_secrets import GATEWAYS, IDS, LEADS, assert_nobody_is_named
from tests.support import MACROS
from tests.tools.mutants.sites import ACCOUNT, SITES

# Sites that are made with other libraries, or put together as few are


def on_a_subdomain() -> Flask:
    app = Flask("shop", subdomain_matching=True, host_matching=False)
    app.config.update(ACCOUNT, SERVER_NAME="shop.example")
    Xiebao(app).member_loader(by_session)
    account = Blueprint("account", "account", subdomain="account")
    account.add_url_rule("/page", "page", show_page)
    app.register_blueprint(account)
    return app


def member_of_token() -> str | None:
    token = request.cookies.get("jwt")
    return json.loads(base64.urlsafe_b64decode(token))["sub"] if token else None


def give_token() -> Response:
    response, said = Response(status=204), json.dumps({"sub": request.get_json()["user"]})
    response.set_cookie("jwt", base64.urlsafe_b64encode(said.encode()).decode(), httponly=True)
    return response


def by_token(client: Any, member: str | None) -> None:
    client.post("/api/token", json={"user": member})


def with_nonces() -> Flask:
    nonce = "(nonce=csp_nonce())"
    layout = (
        '{% extends "xiebao/default/layout.html" %}{% from "xiebao/entry.html" import'
        " xiebao_styles, xiebao_script %}"
        f"{{% block styles %}}{{{{ xiebao_styles{nonce} }}}}{{% endblock %}}"
        f"{{% block scripts %}}{{{{ xiebao_script{nonce} }}}}{{% endblock %}}"
    )
    body = f"{{{{ xiebao_styles{nonce} }}}}{{{{ xiebao_script{nonce} }}}}{ENTRY}"
    app = shop(page=body, templates={"xiebao/layout.html": layout})
    policy = {"default-src": "'none'", "script-src": "", "style-src": ""}
    named = ["script-src", "style-src"]
    Talisman(app, content_security_policy=policy, content_security_policy_nonce_in=named)
    return app


def beside_a_login(inner: Any) -> Any:
    """The login is another app."""

    def sibling(environ: Any, start: Any) -> Any:
        answer = Response("Log in") if environ["REQUEST_METHOD"] == "GET" else Response("", 204)
        return answer(environ, start)

    return DispatcherMiddleware(inner, {"/login": sibling})


def lets_checks_through(app: Flask) -> None:
    [limiter] = app.extensions["limiter"]
    limiter.request_filter(is_rehearsal)


def streamed() -> Response:
    return Response(stream_template_string(MACROS + PAGE))


def by_browser(app: Flask) -> None:
    """Have a login with another URL for each browser."""

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "login":
            values["lang"] = "en" if "Chrome" in str(request.user_agent) else "zh"


TOKENS = {"/page": lambda: render_template_string(MACROS + POLICY), "POST /api/token": give_token}
RARE = [
    right("on a subdomain", on_a_subdomain),
    right(
        "members by a token in a cookie",
        partial(shop, loader=member_of_token, views=TOKENS),
        login=by_token,
        member="m_7Qk2vX9rT4",
        **ON,
    ),
    right("a policy with nonces", with_nonces, **ON),
    right("everything by https", partial(shop, Talisman, page=PAGE, **OUTSIDE), **ON),
    right(
        "a login of a sibling app",
        partial(shop, around(beside_a_login), views={"POST /login": ""}, **LOGIN, **OUTSIDE),
    ),
    right("a limiter that lets entries through", partial(shop, limited("5/minute", "xiebao"))),
    right(
        "a limiter that lets checks through",
        partial(shop, limited("5/minute"), lets_checks_through),
    ),
    right(
        "a page that streams",
        partial(shop, views={"/page": streamed}, XIEBAO_DEVICE_MARKUP=False),
        **ON,
    ),
    right(
        "a login for each browser",
        partial(shop, by_browser, views={"/<lang>/login": "Log in"}, **LOGIN),
    ),
]


@pytest.mark.parametrize(("site", "notes", "options"), [*ROWS, *RARE])
def test_nothing_is_wrong_in_any_case(
    site: MakeSite, notes: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert_is_right(site, notes, {**options, "only": None, "devices": [*FEW, "wechat-pc"]})


def test_nothing_is_wrong_with_sessions_on_the_server(tmp_path: Path) -> None:
    options = {**MEMBER, "login": by_form, "only": None}
    cache = FileSystemCache(str(tmp_path))
    site = partial(login_shop, Session, SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    assert_is_right(site, (), options)


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_any_device(name: str) -> None:
    report = check_entries(SITES[name](), full=True)
    assert report.passed, str(report)
    on = {result.device.name for result in report.results}
    assert on >= DEVICES.keys()
    assert ("app-ios" in on) == (name == "everything")


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("member", IDS)
@pytest.mark.parametrize("lead", LEADS)
def test_no_id_and_no_key_of_any_member_is_in_a_report(
    lead: str, member: str, gateway: str
) -> None:
    assert_nobody_is_named(lead, member, gateway)


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        ("ShopApp/", "ShopApp/"),
        (r"ShopApp/[\d.]+", "ShopApp/1.0"),
        (r"\bShop\.App", "Shop.App"),
        (r"(?i)shopapp/\d+\.\d+", "shopapp/1.0"),
        ("[A-Z]hop", None),
    ],
)
def test_a_sample_of_an_app_is_guessed_from_its_pattern(pattern: str, sample: str | None) -> None:
    app = shop(XIEBAO_APP_USER_AGENT=pattern)
    options: dict[str, Any] = {"only": ["product-plain"]}
    report = check_entries(app, **options)
    assert report.passed, str(report)
    apps = {
        r.device.user_agent.rpartition(" ")[2] for r in report.results if "app-" in r.device.name
    }
    assert apps == ({sample} if sample else set())
    assert any("cannot be guessed" in each for each in report.notes_in("en")) == (sample is None)
    given = check_entries(app, **options, app_user_agent="Xhop/1")
    assert given.passed == bool(sample is None)


def test_a_page_that_never_ends_or_that_has_many_entries_is_told_in_short() -> None:
    app = shop(page="{% for n in range(60) %}{{ insurance_entry('QX%d' % n) }}{% endfor %}")

    def more() -> Iterator[str]:
        with app.app_context():
            yield render_template_string(MACROS + ENTRY)
        while True:
            yield "more and more of it " * 1_000

    app.add_url_rule("/endless", "endless", lambda: Response(stream_with_context(more())))
    report = check(app, **{**ON_PAGE, "devices": ["pc"], "pages": ["/page", "/endless"]})
    assert report.pages == {"/page": 60, "/endless": 1}
    first = "product QX0, product QX1, product QX2, product QX3, product QX4"
    assert f"/page: {first}, and 55 more" in FORMATS["text"](report)


# What a check can be in


def test_a_check_in_a_request_of_the_site_itself() -> None:
    """It may be asked for by a page, such as that of a console, whose visitor is logged in."""
    app = SITES["by_login"]()

    @app.get("/console")
    def console() -> str:
        login_user(app.login_manager._user_callback("7"))  # type: ignore[attr-defined]
        return str(check(app))

    assert app.test_client().get("/console").text.endswith(" passed, 0 failed.")


@pytest.mark.parametrize("calls_receivers", [False, True])
def test_two_checks_at_once_do_not_disturb_each_other(calls_receivers: bool) -> None:
    app, reports = shop(), list[Report]()

    def run() -> None:
        reports.append(check(app, devices=["pc"], with_receivers=calls_receivers))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(report) for report in reports if not report.passed] == []
    assert len(reports) == 3


def test_the_end_is_in_sight_from_the_beginning() -> None:
    sent_signals: list[tuple[int, int]] = []
    app = shop(page=ENTRY)
    check(app, pages=["/page"], progress=lambda done, of: sent_signals.append((done, of)))
    assert sent_signals[0][1] > 20
    assert sent_signals[-1][0] == sent_signals[-1][1] == len(sent_signals)
