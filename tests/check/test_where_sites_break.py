"""What sites get wrong around their entries: a check sees it, and says what it is."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    abort,
    redirect,
    render_template_string,
    request,
    session,
)
from jinja2 import ChoiceLoader, DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Xiebao
from flask_xiebao.testing import CheckError, Report, check_entries
from tests.check.support import ENTRY, by_form, command, kinds, login_shop, shop, users, users_shop
from tests.support import MACROS
from tests.tools.mutants.sites import ACCOUNT

FEW = ("iphone", "pc")


def check(app: Flask, **options: Any) -> Report:
    return check_entries(app, **{"devices": FEW, **options})


def on_page(
    app: Flask,
    body: str,
    headers: dict[str, str] | None = None,
    *,
    url: str = "/page",
    **options: Any,
) -> Report:
    """Return what a check finds on a page with this on it."""

    @app.get(url)
    def on_page() -> tuple[str, dict[str, str]]:
        return render_template_string(MACROS + body), headers or {}

    return check(app, pages=[url], only=["product-plain"], devices=["iphone"], **options)


def fails() -> str:
    raise ZeroDivisionError("hunter2")


def notes(report: Report) -> str:
    return "\n".join(report.notes_in("en"))


# Where the site is


def test_nobody_is_at_the_sites_own_address() -> None:
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    app = shop(XIEBAO_PUBLIC_URL="https://www.shop.example", TRUSTED_HOSTS=["shop.example"])
    done = command(app)
    assert done.exit_code == 1
    assert "Flask has no view for the links on www.shop.example, and answers 400" in done.output
    assert "is this a host that SERVER_NAME or TRUSTED_HOSTS let in?" in done.output
    assert "0 passed, 1 failed" in done.output


def test_an_address_below_a_path_where_the_app_is_not() -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example/store")
    other = DispatcherMiddleware(Response("Nothing", 404), {"/shop": app.wsgi_app})
    app.wsgi_app = other  # type: ignore[method-assign]
    report = check(app)
    assert kinds(report) == {"unreached.below"}
    assert "end XIEBAO_PUBLIC_URL in /shop" in str(report)


def test_a_site_that_sells_has_to_know_its_address() -> None:
    app = shop(XIEBAO_ENV="production")
    report = check(app)
    assert kinds(report) == {"unknown_address"}
    assert "set XIEBAO_PUBLIC_URL" in str(report)


def test_a_hook_that_sends_some_devices_away_is_no_reason_to_move_the_site() -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example")

    @app.before_request
    def to_phones() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return redirect(f"https://m.shop.example{request.full_path}") if is_phone else None

    report = check(app, only=["product-plain"])
    assert kinds(report) == {"unreached.elsewhere"}
    assert "set XIEBAO_PUBLIC_URL" not in str(report)
    assert "before_request hooks may do it: tests.check.test_where_sites_break." in str(report)


def test_the_environment_is_another_than_expected() -> None:
    for environment, wrong in (("test", True), ("production", False)):
        app = shop(XIEBAO_ENV=environment, XIEBAO_PUBLIC_URL="https://shop.example")
        done = command(app, "--expect-env", "production", "--case", "product-plain")
        assert done.exit_code == int(wrong)
        assert ("another environment than --expect-env says" in done.output) == wrong


# The way back, and the login


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (lambda: abort(404), "way_back", "404 /orders/8"),
        (lambda: abort(403), "way_back", "403 /orders/8"),
        (lambda: 1 / 0, "crash", "ZeroDivisionError in <lambda>"),
    ],
)
def test_whoever_has_paid_comes_back_to_an_error(
    answer: Callable[[], Any], code: str, says: str
) -> None:
    app = login_shop()
    app.add_url_rule("/orders/<int:order>", "order", lambda order: answer())
    report = check(app, member=7, pages=["/page"], only=["product-plain"])
    assert kinds(report) == {code}
    assert says in str(report)
    assert len(report.failed) == 1  # once, whatever the device


def test_the_way_back_takes_no_get() -> None:
    app = login_shop()
    app.add_url_rule("/orders/<int:order>", "order", lambda order: "", methods=["POST"])
    report = check(app, member=7, login=by_form, pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"way_back"}


def test_the_way_back_is_opened_in_production_only_on_demand() -> None:
    app, opened = Flask("shop"), list[str]()
    app.config.update(ACCOUNT, XIEBAO_ENV="production", XIEBAO_PUBLIC_URL="https://shop.example")
    Xiebao(app)
    users(app)
    body = MACROS + '{{ insurance_entry("QX1", return_to="/orders/8") }}'
    app.add_url_rule("/page", "page", lambda: render_template_string(body))

    @app.get("/orders/8")
    def order() -> str:
        opened.append("paid")
        return "Thank you"

    options: dict[str, Any] = {"member": 7, "pages": ["/page"]}
    report = check(app, **options)
    assert report.passed, str(report)
    assert opened == []
    assert "--follow-return opens them" in notes(report)
    assert check(app, **options, follow_return=True).passed
    assert opened == ["paid"]


@pytest.mark.parametrize(
    ("login", "code", "says"),
    [
        (lambda: 1 / 0, "crash", "ZeroDivisionError in <lambda>"),
        (lambda: abort(404), "login.page", "404 /login"),
        (lambda: ("Maintenance", 503), "login.page", "503 /login"),
    ],
)
def test_whoever_has_to_log_in_gets_an_error(
    login: Callable[[], Any], code: str, says: str
) -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/login", "login", login)
    report = check(app)
    assert kinds(report) == {code}
    assert says in str(report)


@pytest.mark.parametrize(
    ("sources", "wrong"),
    [("'self'", True), ("'self' https://testapi.xiebao18.com", False), ("https:", False)],
)
def test_a_login_whose_policy_stops_the_redirect_to_the_gateway(sources: str, wrong: bool) -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    policy = {"Content-Security-Policy": f"default-src 'self'; form-action {sources}"}
    app.add_url_rule("/login", "login", lambda: ("Log in", policy))
    report = check(app, only=["product-visitor"])
    assert kinds(report) == ({"policy.form"} if wrong else set())


def test_a_login_that_takes_no_get() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/login", "login", lambda: "", methods=["POST"])
    report = check(app, only=["product-visitor"])
    assert kinds(report) == {"login.page"}
    assert "405 /login" in str(report)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda: redirect("/paid"), "302 /paid"),
        (lambda: redirect("/gone"), "404 /gone, from /paid"),
        (lambda: redirect("/broken"), "ZeroDivisionError in fails"),
        (lambda: ("", 302), "302 /paid"),
    ],
)
def test_a_page_that_sends_whoever_has_paid_nowhere(answer: Callable[[], Any], says: str) -> None:
    app = login_shop()
    app.add_url_rule("/paid", "paid", answer)
    app.add_url_rule("/gone", "gone", lambda: abort(404))
    app.add_url_rule("/broken", "broken", fails)
    report = on_page(app, '{{ insurance_entry("QX1", return_to="/paid") }}', url="/shop", member=7)
    assert kinds(report) <= {"way_back", "crash"}
    assert says in str(report)


def test_a_way_back_that_lacks_the_path_of_the_site_is_worth_a_note() -> None:
    app = users_shop(XIEBAO_PUBLIC_URL="https://shop.example/shop")
    app.add_url_rule("/paid", "paid", lambda: "Thanks")
    report = on_page(app, '{{ insurance_entry("QX1", return_to="/paid") }}', member=7)
    assert report.passed, str(report)
    assert "Payments come back to https://shop.example/paid, where the check does not go." in (
        notes(report)
    )


def test_each_order_is_another_page_to_come_back_to() -> None:
    app = login_shop()
    app.add_url_rule("/paid", "paid", lambda: "Thanks" if request.args["o"] == "1" else fails())
    one, other = (f'{{{{ insurance_entry("QX1", return_to="/paid?o={n}") }}}}' for n in (1, 2))
    report = on_page(app, one + other, url="/shop", member=7)
    assert kinds(report) == {"crash"}


def test_a_start_page_that_fails_for_visitors_alone() -> None:
    app = shop()
    app.add_url_rule("/", "start", lambda: "Hello" if "member" in session else abort(410))
    report = check(app, only=["product-another", "product-expired"])
    assert kinds(report) == {"notice.button"}


@pytest.mark.parametrize("answer", [lambda: abort(403), lambda: redirect("/verify"), lambda: False])
def test_a_guard_says_no_as_it_will(answer: Callable[[], Any]) -> None:
    app = login_shop()
    app.extensions["xiebao"].click_guard(lambda member, entry: answer())
    report = check(app, member=7, pages=["/page"], only=["product-plain"], devices=["iphone"])
    assert kinds(report) == {"guard"}


# The session at the click


def test_a_session_that_is_lost_at_the_click() -> None:
    app = login_shop()

    @app.before_request
    def forget() -> None:
        if request.endpoint == "xiebao.home":
            session.clear()

    report = check(app, member=7, login=by_form, only=["home-plain", "product-plain"])
    assert kinds(report) == {"session"}
    assert "The session is lost at the click" in str(report)


def test_a_session_that_never_reaches_the_entries() -> None:
    app = login_shop()
    app.config["SESSION_COOKIE_PATH"] = "/account"
    with pytest.raises(CheckError, match="After the login, nobody is logged in"):
        check(app, member=7, login=by_form)


# Entries that nobody can click


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (f'<a href="/orders/8">{ENTRY}</a>', "dead", "<a> in <a>"),
        (f"<button>{ENTRY}</button>", "dead", "<a> in <button>"),
        (f"<select><option>{ENTRY}</option></select>", "dead", "<a> in <option>"),
        (f"<template>{ENTRY}</template>", "dead.unseen", "<a> in template"),
        (f"<noscript>{ENTRY}</noscript>", "dead.unseen", "<a> in noscript"),
        (f"<div hidden><div></div>{ENTRY}</div>", "dead.unseen", "<a> in hidden"),
        (f"<section inert>{ENTRY}</section>", "dead.unseen", "<a> in inert"),
        ('{{ insurance_entry("QX1", hidden=true) }}', "dead.unseen", "<a> in hidden"),
        (f"<textarea>{ENTRY}</textarea>", "dead", "<a> in <textarea>"),
        (f"<iframe>{ENTRY}</iframe>", "dead", "<a> in <iframe>"),
        (f"<dialog>{ENTRY}</dialog>", "dead.unseen", "<a> in dialog"),
        (f"<div popover>{ENTRY}</div>", "dead.unseen", "<a> in popover"),
    ],
)
def test_an_entry_that_nobody_can_click(body: str, code: str, says: str) -> None:
    report = on_page(shop(), body)
    assert kinds(report) == {code}
    assert says in str(report)


@pytest.mark.parametrize(
    "body",
    [
        f"{ENTRY}<template>{ENTRY}</template>",
        f"<div hidden>{ENTRY}</div><div>{ENTRY}</div>",
    ],
)
def test_an_entry_that_a_script_shows_later_is_worth_a_note(body: str) -> None:
    report = on_page(shop(), body)
    assert report.passed, str(report)
    assert "before a script shows them: /page" in notes(report)


@pytest.mark.parametrize(
    "body",
    [
        f'<a name="top">{ENTRY}',
        f"<select><option>1<option>2</select>{ENTRY}",
        f"<button>Buy</button><noscript>No</noscript>{ENTRY}<p hidden>x</p>",
        f"<ul><li>{ENTRY}<li>{ENTRY}</ul>",
        f"<button>x<button>y</button>{ENTRY}",
        f"<link hidden><wbr hidden><dialog open>{ENTRY}</dialog>",
        f"{'<a>text' * 20_000}{'<div hidden><div>' * 5_000}{'</div></div>' * 5_000}{ENTRY}",
    ],
)
def test_an_entry_beside_what_nobody_can_click(body: str) -> None:
    report = on_page(shop(), body)
    assert report.passed, str(report)
    assert "script shows" not in notes(report)


# Policies

STYLED = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ("style-src 'none'", "policy.style"),
        ("default-src https://cdn.example; script-src 'self'", "policy.style"),
        ("style-src-elem https://cdn.example; script-src *", "policy.style"),
        ("default-src 'self'; script-src 'nonce-r4nd0m'", "policy.script"),
        ("style-src *; script-src 'self' 'strict-dynamic' 'nonce-r4nd0m'", "policy.script"),
        ("style-src *; script-src https://*.localhost", "policy.script"),
        ("default-src *, style-src https://localhost/css/", "policy.style"),
        ("style-src https://localhost:8443; default-src 'self'", "policy.style"),
    ],
)
def test_a_policy_that_keeps_the_stylesheet_or_the_script_out(policy: str, rule: str) -> None:
    report = on_page(shop(), STYLED, {"Content-Security-Policy": policy})
    assert kinds(report) == {rule}
    in_page = f'<meta http-equiv="Content-Security-Policy" content="{policy}">{STYLED}'
    assert kinds(on_page(shop(), in_page)) == {rule}


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "img-src 'none'",
        "default-src 'none'; style-src 'self'; script-src 'self'",
        "default-src https:",
        "default-src http:",
        "default-src localhost",
        "default-src https://localhost:443/xiebao/static/",
        "default-src *:*",
    ],
)
def test_a_policy_that_lets_them_in(policy: str) -> None:
    report = on_page(shop(), STYLED, {"Content-Security-Policy": policy})
    assert report.passed, str(report)
    only = {"Content-Security-Policy-Report-Only": "default-src 'none'"}
    assert on_page(shop(), STYLED, only).passed


def test_a_policy_with_nonces() -> None:
    body = '{{ xiebao_styles(nonce="r4nd0m") }}{{ xiebao_script(nonce="r4nd0m") }}' + ENTRY
    policy = "style-src 'nonce-r4nd0m'; script-src 'strict-dynamic' 'nonce-r4nd0m'"
    report = on_page(shop(), body, {"Content-Security-Policy": policy})
    assert report.passed, str(report)


def test_a_wall_in_front_of_the_stylesheet() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return redirect("/login") if request.endpoint == "xiebao.static" else None

    report = check(app, only=["product-changed"])
    assert kinds(report) == {"style", "script"}


# Notices


def with_notice(template: str) -> Flask:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/login", "login", lambda: "Log in")
    templates = DictLoader({"xiebao/notice.html": template})
    app.jinja_loader = ChoiceLoader([templates])
    return app


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("<h1> </h1>", "notice.heading"),
        ("<p>No</p>", "notice.heading"),
        ('<h1>No</h1><a class="xiebao-entry--button" href="">Log in</a>', "notice.button"),
        ('<h1>No</h1><a class="xiebao-entry--button" href="#">Log in</a>', "notice.button"),
        ('<h1>No</h1><a class="xiebao-entry--button" href="/login"> </a>', "notice.button"),
        ('<h1>No</h1><a class="xiebao-entry--button" href="/gone">Start</a>', "notice.button"),
    ],
)
def test_a_notice_that_leads_nobody_on(template: str, code: str) -> None:
    app = with_notice(template)
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    report = check(app, only=["product-another"])
    assert kinds(report) == {code}


def test_a_notice_of_the_sites_own() -> None:
    report = check(with_notice("<h1>Sorry</h1><nav><a href='/imprint'>Imprint</a></nav>"))
    assert report.passed, str(report)


def test_a_notice_that_a_hook_makes_something_else_of() -> None:
    app = shop()

    @app.after_request
    def own_page(response: Response) -> Response:
        if response.status_code == 403:
            response.set_data("<h1>Forbidden</h1>")
        return response

    report = check(app, only=["product-another"])
    assert kinds(report) == {"notice.heading"}
    assert "Forbidden" not in str(report)  # it might be a name
    assert "after_request" not in notes(report)


# What browsers unpack


def test_what_is_packed_is_read_whoever_asked_for_it() -> None:
    app = shop()

    @app.after_request
    def pack(response: Response) -> Response:
        if response.location:
            response.set_data(gzip.compress(f"Go to {response.location}".encode()))
            response.headers["Content-Encoding"] = "gzip"
        elif response.mimetype == "text/html" and not response.direct_passthrough:
            response.set_data(gzip.compress(response.get_data()))
            response.headers["Content-Encoding"] = "gzip"
        return response

    report = check(app, only=["product-plain", "home-plain"])
    assert kinds(report) == {"body", "secret"}


# What is left out


def test_a_rule_can_be_left_out_and_the_verdict_says_so() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("No", 403) if "HX-Request" in request.headers else None

    assert command(app, "--device", "pc").exit_code == 1
    done = command(app, "--device", "pc", "--ignore", "unreached", "--ignore", "header.nosniff")
    assert done.exit_code == 0
    assert "Ignored rules: unreached (3), header.nosniff (0)." in done.output
    wrong = command(app, "--ignore", "unreeched")
    assert wrong.exit_code == 2
    assert "no rule 'unreeched'. Did you mean unreached" in wrong.output


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("product-prefetch", "nothing on a site can change what comes of it"),
        ("home-back-late", "home-return has what a site can change of it"),
        ("product-loader", "gone: loader has what a site can change"),
        ("product-plane", "no case 'product-plane'. Did you mean product-plain"),
    ],
)
def test_a_case_that_has_gone_says_where_it_went(case: str, says: str) -> None:
    done = command(shop(), "--case", case)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())


def test_a_bare_run_says_what_it_was_not_told() -> None:
    lines = command(shop(), "--case", "product-plain").output.splitlines()
    assert lines[-2].startswith("No page of yours was opened, and members were made up")
    assert lines[-1].endswith(" passed, 0 failed")


# Care in production


def test_in_production_plain_clicks_alone_are_made() -> None:
    app = shop(XIEBAO_ENV="production", XIEBAO_PUBLIC_URL="https://shop.example")
    clicks = []

    @app.before_request
    def count() -> None:
        is_made = request.method != "GET" or "Sec-Purpose" in request.headers
        if request.blueprint == "xiebao" and request.endpoint != "xiebao.static" and not is_made:
            clicks.append(request.endpoint)

    report = check_entries(app)
    assert report.passed, str(report)
    assert {result.case.kind for result in report.results} == {"plain", "visitor"}
    assert f"only plain clicks were made ({len(clicks)})" in notes(report)
    few = len(clicks)
    assert few < 100
    assert check_entries(app, full=True).passed
    assert len(clicks) > 20 * few
