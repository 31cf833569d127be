"""Tests for rules of ``flask xiebao check`` about a whole site, for example its settings.

To test a rule, add a row to ``SETTINGS``, ``UNREACHED``, ``ERRORS``, ``PAGES_AROUND``, ``MEMBERS``
or ``TEMPLATES``. If a similar site has no fault, add it to ``test_valid_sites.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, redirect, render_template_string, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import exceptions as routing_exceptions

from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    ON_PAGE,
    WITH_LOGIN_VIEW,
    WITH_PUBLIC_URL,
    MakeApp,
    abort_with,
    add_middleware,
    assert_rules_fail,
    change_environ,
    change_settings,
    divide_by_zero,
    failing_row,
    limit_requests,
    log_in_by_form,
    make_login_shop,
    make_shop,
    mount_app_below,
    redirect_phones,
    redirect_to_host,
    register_hook,
    run_check,
)
from tests.support import MACROS, NEEDS_TRUSTED_HOSTS

pytestmark = pytest.mark.requires("html5lib")

AS_MEMBER: dict[str, Any] = {"member": 7, **ON_PAGE}
WITH_LOGIN: dict[str, Any] = {"login": log_in_by_form, **AS_MEMBER}
IN_PRODUCTION: dict[str, Any] = {
    "XIEBAO_ENV": "production",
    "XIEBAO_MEMBER_SECRET": None,
    **WITH_PUBLIC_URL,
}


def build_redirect(path: str) -> tuple[str, int, dict[str, str]]:
    return "", 302, {"Location": path}


#: One row per missing, changed or unexpected setting.
SETTINGS = [
    failing_row(
        "no XIEBAO_PUBLIC_URL in production",
        "unknown_address",
        "Set XIEBAO_PUBLIC_URL",
        partial(make_shop, XIEBAO_ENV="production"),
    ),
    failing_row(
        "settings changed to invalid values",
        "settings.late",
        "Found: XIEBAO_API_KEY is empty, has leading",
        partial(make_shop, change_settings(XIEBAO_ENV="prod", XIEBAO_API_KEY=" hunter2")),
    ),
    failing_row(
        "other environment than expected",
        "environment",
        "Found: test. Expected: production.",
        make_shop,
        expect_env="production",
    ),
]

# Clicks that do not reach the extension


def reject_header(name: str, value: str) -> Any:
    """Return a before_request function that rejects requests with this header."""
    return lambda: ("No", 403) if request.headers.get(name) == value else None


#: One row per host, hook, middleware or view because of which a click misses the extension.
UNREACHED = [
    failing_row(
        "XIEBAO_PUBLIC_URL is not in TRUSTED_HOSTS",
        "unreached.address",
        "Found: 400 https://www.shop.example/xiebao/product/",
        partial(
            make_shop,
            XIEBAO_PUBLIC_URL="https://www.shop.example",
            TRUSTED_HOSTS=["shop.example"],
        ),
        marks=NEEDS_TRUSTED_HOSTS,
    ),
    failing_row(
        "mounted below another path",
        "unreached.address",
        "XIEBAO_PUBLIC_URL ends with the path at which the app is mounted",
        partial(
            make_shop, mount_app_below("/shop"), XIEBAO_PUBLIC_URL="https://shop.example/store"
        ),
    ),
    failing_row(
        "another app is mounted at /xiebao",
        "unreached.address",
        "no middleware or other app handles URLs below XIEBAO_URL_PREFIX",
        partial(make_shop, add_middleware(DispatcherMiddleware, mounts={"/xiebao": Flask("cms")})),
    ),
    failing_row(
        "middleware returns 403",
        "unreached.address",
        "Found: 403 https://localhost/xiebao/product/",
        partial(make_shop, add_middleware(lambda inner: Response("No", 403))),
    ),
    failing_row(
        "view of the site at the path of a link",
        "unreached.view",
        "Found: 200 xiebaoproduct.",
        partial(make_shop, views={"/xiebao/product/<token>": "Shop"}),
        marks=pytest.mark.skipif(
            "DuplicateRuleError" in vars(routing_exceptions),
            reason="Werkzeug 3.2 rejects a second view with the same URL rule.",
        ),
    ),
    failing_row(
        "redirect of all visitors to another host",
        "unreached.redirect",
        "Found: 301 https://www.shop.example/xiebao/product/….",
        partial(make_shop, before=redirect_to_host("www.shop.example")),
    ),
    failing_row(
        "redirect of phones to another host",
        "unreached.redirect",
        "one of these request hooks: tests.check.support.redirect_phones",
        partial(make_shop, before=redirect_phones, **WITH_PUBLIC_URL),
    ),
    failing_row(
        "hook redirects visitors to the login",
        "unreached.redirect",
        "Found: 302 /login.",
        partial(make_shop, before=lambda: redirect("/login")),
    ),
    failing_row(
        "middleware changes the token",
        "link",
        "hook or middleware changes the URL",
        partial(make_shop, change_environ(PATH_INFO="/xiebao/product/x.y")),
    ),
    failing_row(
        "hook rejects clicks",
        "unreached.wall",
        "Found: 403.",
        partial(make_shop, before=reject_header("Sec-Fetch-User", "?1")),
    ),
    failing_row(
        "hook rejects cross-site requests",
        "unreached.wall",
        "✗ a member's click on a product link [unreached.wall]",
        partial(make_shop, before=reject_header("Sec-Fetch-Site", "cross-site")),
    ),
    failing_row(
        "rate limit",
        "unreached.limiter",
        'limiter.exempt(app.blueprints["xiebao"])',
        partial(make_shop, limit_requests("5/minute")),
    ),
]

#: One row per exception, lost session or refusal during a click.
ERRORS = [
    failing_row(
        "member_loader raises",
        "crash",
        "ZeroDivisionError in divide_by_zero",
        partial(make_shop, loader=divide_by_zero),
    ),
    failing_row(
        "member_loader aborts",
        "crash",
        "If a member_loader calls abort(), let it return None",
        partial(make_shop, loader=abort_with(401)),
    ),
    failing_row(
        "hook of a library raises",
        "crash",
        "ValueError",
        partial(make_shop, before=partial(int, "hunter2")),
    ),
    failing_row(
        "session is lost at the click",
        "session",
        "✗ /page · home",
        partial(
            make_login_shop,
            before=lambda: session.clear() if request.endpoint == "xiebao.home" else None,
        ),
        **WITH_LOGIN,
    ),
    *(
        failing_row(
            f"click_guard {name}",
            "guard",
            "click_guard refuses this member",
            partial(make_login_shop, register_hook("click_guard", guard)),
            **AS_MEMBER,
        )
        for name, guard in {
            "returns False": lambda member, entry: False,
            "redirects": lambda member, entry: redirect("/verify"),
            "aborts": lambda member, entry: abort_with(403)(),
        }.items()
    ),
    failing_row(
        "click_guard raises for the phone that scans the QR code",
        "crash",
        "✗ /page · policy P1, on ",
        partial(
            make_login_shop,
            register_hook("click_guard", lambda member, entry: session["_user_id"] == member),
            page='{{ policy_entry("P1") }}',
        ),
        **AS_MEMBER,
    ),
]


def make_paid_page_shop(views: dict[str, Any]) -> Flask:
    """Return a site with these views and with an entry that has ``return_to="/paid"``."""
    return make_login_shop(page='{{ insurance_entry("QX1", return_to="/paid") }}', views=views)


#: One row per login page, file or page after payment that does not open.
PAGES_AROUND = [
    *(
        failing_row(
            f"return_to: {text}", rule, text, partial(make_paid_page_shop, views), **AS_MEMBER
        )
        for rule, text, views in list[tuple[str, str, dict[str, Any]]](
            [
                ("way_back", "Found: 404 /paid", {"/paid": abort_with(404)}),
                ("way_back", "Found: 302 /paid", {"/paid": build_redirect("/paid")}),
                ("way_back", "Found: 405 /paid", {"POST /paid": "Thanks"}),
                (
                    "way_back",
                    "Found: 404 /gone",
                    {"/paid": build_redirect("/gone"), "/gone": abort_with(404)},
                ),
                (
                    "crash",
                    "ZeroDivisionError in divide_by_zero",
                    {"/paid": build_redirect("/broken"), "/broken": divide_by_zero},
                ),
            ]
        )
    ),
    failing_row(
        "return_to with another query",
        "crash",
        "✗ /page · product QX1 (2) [crash]",
        partial(
            make_login_shop,
            page='{{ insurance_entry("QX1", return_to="/paid?o=1") }}'
            '{{ insurance_entry("QX1", return_to="/paid?o=2") }}',
            views={"/paid": lambda: "Thanks" if request.args["o"] == "1" else divide_by_zero()},
        ),
        **AS_MEMBER,
    ),
    *(
        failing_row(
            f"login: {text}", rule, text, partial(make_shop, views=views, **WITH_LOGIN_VIEW)
        )
        for rule, text, views in list[tuple[str, str, dict[str, Any]]](
            [
                ("crash", "ZeroDivisionError in divide_by_zero", {"/login": divide_by_zero}),
                ("login", "Found: 503 /login", {"/login": ("Maintenance", 503)}),
                (
                    "policy.form",
                    "Found: form-action 'self'",
                    {"/login": ("", {"Content-Security-Policy": "form-action 'self'"})},
                ),
            ]
        )
    ),
    failing_row(
        "hook blocks the stylesheet",
        "static",
        "Found: 302 /xiebao/static/",
        partial(
            make_shop,
            before=lambda: redirect("/login") if request.endpoint == "xiebao.static" else None,
            page="{{ xiebao_styles() }}" + ENTRY,
        ),
        **ON_PAGE,
    ),
]


def show_page_after_logout() -> str:
    session.clear()
    return render_template_string(MACROS + ENTRY)


#: One row per site that does not recognize its members correctly, logs them out, or reveals their
#: ids to the gateway.
MEMBERS = [
    failing_row(
        "no member_loader",
        "members.unknown",
        "every click that needs a login returns status 401",
        partial(make_shop, loader=None),
    ),
    failing_row(
        "row number of a member in production",
        "members.guessable",
        "Set XIEBAO_MEMBER_SECRET",
        partial(make_login_shop, **IN_PRODUCTION),
        member=7,
        login=log_in_by_form,
    ),
    failing_row(
        "email address of a member in production",
        "members.guessable",
        "✗ settings [members.guessable]",
        partial(make_shop, **IN_PRODUCTION),
        member="lin@shop.example",
    ),
    failing_row(
        "page logs out the member",
        "session",
        "✗ /page · product QX1",
        partial(make_login_shop, views={"/page": show_page_after_logout}),
        **WITH_LOGIN,
    ),
    failing_row(
        "return_to logs out the member",
        "session",
        "✗ a member's click on a product link, on iPhone",
        partial(make_paid_page_shop, {"/paid": show_page_after_logout}),
        **WITH_LOGIN,
    ),
    failing_row(
        "member_loader returns the same member for every visitor",
        "anonymous",
        "Found: member_loader: ",
        partial(make_login_shop, register_hook("member_loader", lambda: "7")),
        member=7,
        login=log_in_by_form,
    ),
]

DIRECT_LINK = "<a href='{{ direct }}'>x</a>"
#: One row per faulty template with which a site replaces the template of the handoff page.
TEMPLATES = [
    failing_row(
        source,
        "handoff",
        text,
        partial(
            make_shop,
            templates={"xiebao/handoff.html": source},
            page="{{ insurance_home_entry() }}",
        ),
        **ON_PAGE,
    )
    for source, text in {
        DIRECT_LINK: "Found: —. Expected: http",
        f"{{{{ code|string|forceescape }}}}{DIRECT_LINK}": "Found: —. Expected: http",
        f'<svg><path d="M0 0.5h1"/></svg>{DIRECT_LINK}': "output {{ code }} once",
        "{{ code }}": "Found: —. Expected: <a href=",
        "{{ code }}<a href='{{ here }}?platform=pc'>x</a>": "?platform=h5",
    }.items()
]

#: All table rows of this file, for faulty sites. ``flask xiebao check`` must find each fault.
ROWS = [*SETTINGS, *UNREACHED, *ERRORS, *PAGES_AROUND, *MEMBERS, *TEMPLATES]


@pytest.mark.parametrize(("site", "rules", "text", "options"), ROWS)
def test_check_fails_for_faulty_site(
    site: MakeApp, rules: set[str], text: str, options: Any
) -> None:
    assert_rules_fail(site, rules, text, options)


def test_broken_return_to_is_reported_once_for_all_devices() -> None:
    report = run_check(make_paid_page_shop({"/paid": abort_with(404)}), **AS_MEMBER)
    assert [problem.places_in("en") for problem in report.problems] == [["/page · product QX1"]]


def test_every_changed_setting_is_reported_and_can_be_ignored() -> None:
    secret = "hunter2 and more, 32 characters."
    settings = {
        "XIEBAO_API_KEY": secret,
        "XIEBAO_BASE_URL": "https://gw.example",
        "XIEBAO_ENV": "production",
        "XIEBAO_EXTRA": {"hidenav": 1},
        "XIEBAO_LOGIN_VIEW": "login",
        "XIEBAO_MEMBER_SECRET": secret,
        "XIEBAO_PARTNER_ID": "54321",
        "XIEBAO_PUBLIC_URL": "https://shop.example",
    }
    app = make_shop(change_settings(**settings), **HIDDEN_KEY)
    report = run_check(app)
    assert sorted(problem.failure.actual for problem in report.problems) == list(settings)
    assert {problem.failure.rule for problem in report.problems} == {"settings.late"}
    assert "hunter2" not in str(report)
    assert run_check(app, ignore=["settings.late"]).passed
