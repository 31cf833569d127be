"""Tests for rules of ``flask xiebao check`` about a whole site, for example its settings.

To test a rule, add a row to ``ADDRESSES``, ``SETTINGS``, ``UNREACHED``, ``ERRORS``,
``PAGES_AROUND``, ``MEMBERS`` or ``TEMPLATES``. If a similar site has no fault, add it to
``test_valid_sites.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect, render_template_string, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import exceptions as routing_exceptions

from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    WITH_LOGIN_VIEW,
    WITH_PUBLIC_URL,
    MakeApp,
    abort_with,
    add_middleware,
    assert_rules_fail,
    change_settings,
    divide_by_zero,
    failing_row,
    limit_requests,
    load_integer_member_id,
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

PRODUCT: dict[str, Any] = {"only": ["product-plain"]}
AS_MEMBER: dict[str, Any] = {"member": 7, "pages": ["/page"], **PRODUCT}


def build_redirect(path: str) -> tuple[str, int, dict[str, str]]:
    return "", 302, {"Location": path}


# URLs of the site


#: One row per site whose URL is wrong or missing in its settings.
ADDRESSES = [
    failing_row(
        "XIEBAO_PUBLIC_URL is not in TRUSTED_HOSTS",
        "unreached.no_view",
        partial(
            make_shop,
            XIEBAO_PUBLIC_URL="https://www.shop.example",
            TRUSTED_HOSTS=["shop.example"],
        ),
        'Flask found no view for insurance links on the host "www.shop.example" and returned'
        " status 400",
        "Check that SERVER_NAME and TRUSTED_HOSTS accept this host.",
        marks=NEEDS_TRUSTED_HOSTS,
    ),
    failing_row(
        "mounted below another path",
        "unreached.below",
        partial(
            make_shop, mount_app_below("/shop"), XIEBAO_PUBLIC_URL="https://shop.example/store"
        ),
        'Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',
    ),
    failing_row(
        "no XIEBAO_PUBLIC_URL in production",
        "unknown_address",
        partial(make_shop, XIEBAO_ENV="production"),
        "Set XIEBAO_PUBLIC_URL",
    ),
    failing_row(
        "redirect of all visitors to another host",
        "unreached.host",
        partial(make_shop, before=redirect_to_host("www.shop.example")),
        "Set XIEBAO_PUBLIC_URL to the URL of the site",
    ),
    failing_row(
        "redirect of phones to another host",
        "unreached.elsewhere",
        partial(make_shop, before=redirect_phones, **WITH_PUBLIC_URL),
        "one of these before_request hooks: tests.check.support.redirect_phones",
        **PRODUCT,
    ),
]

# Changed and unexpected settings

PASSWORD = "hunter2 and more, 32 characters."
#: One row per setting that changes after the extension has read it, or that has an unexpected
#: value.
SETTINGS = [
    *(
        failing_row(
            f"{name} changed after initialization",
            "settings.late",
            partial(make_shop, change_settings(**{name: value}), **HIDDEN_KEY),
            f"Actual: {name}.",
            "Change the setting before the extension is initialized",
            failed_cases="settings",
            **PRODUCT,
        )
        for name, value in {
            "XIEBAO_ENV": "production",
            "XIEBAO_BASE_URL": "/gateway",
            "XIEBAO_API_KEY": PASSWORD,
            "XIEBAO_MEMBER_SECRET": PASSWORD,
            "XIEBAO_PARTNER_ID": "54321",
            "XIEBAO_EXTRA": {"hidenav": 1},
            "XIEBAO_PUBLIC_URL": "https://shop.example",
            "XIEBAO_LOGIN_VIEW": "login",
        }.items()
    ),
    failing_row(
        "settings changed to invalid values",
        "settings.invalid",
        partial(make_shop, change_settings(XIEBAO_ENV="prod", XIEBAO_API_KEY=f" {PASSWORD}")),
        "Actual: XIEBAO_API_KEY is empty, has leading",
        "Correct the value, and change the setting before the extension is initialized",
        failed_cases="settings",
        **PRODUCT,
    ),
    failing_row(
        "other environment than expected",
        "environment",
        make_shop,
        'not the value of "--expect-env"',
        expect_env="production",
        **PRODUCT,
    ),
]

# Clicks that do not reach the extension


def make_header_rejecting_hook(*names: str) -> Any:
    """Return a before_request function that rejects requests with one of these headers."""
    return lambda: ("No", 403) if any(name in request.headers for name in names) else None


def require_session() -> Any:
    return None if "member" in session else redirect("/login", 302)


LONG_CASES = "product-return-long home-return-long policy-return-long"
SOME_CASES = ["product-plain", "product-bearer", "product-return", "home-return"]
#: One row per hook, middleware or view that responds to a click instead of the extension.
UNREACHED = [
    failing_row(
        "another app is mounted at /xiebao",
        "unreached.mounted",
        partial(make_shop, add_middleware(DispatcherMiddleware, mounts={"/xiebao": Flask("cms")})),
        'DispatcherMiddleware mounts another app at "/xiebao"',
    ),
    failing_row(
        "middleware returns 403",
        "unreached.outside",
        partial(make_shop, add_middleware(lambda inner: Response("No", 403))),
    ),
    failing_row(
        "middleware returns 404",
        "unreached.nowhere",
        partial(make_shop, add_middleware(lambda inner: Response("No", 404))),
    ),
    failing_row(
        "view of the site at the path of a link",
        "unreached.view",
        partial(make_shop, views={"/xiebao/product/<token>": "Shop"}),
        marks=pytest.mark.skipif(
            "DuplicateRuleError" in vars(routing_exceptions),
            reason="Werkzeug 3.2 rejects a second view with the same URL rule.",
        ),
    ),
    failing_row(
        "hook appends a slash",
        "unreached.form",
        partial(
            make_shop,
            before=lambda: None if request.path.endswith("/") else redirect(f"{request.path}/"),
        ),
    ),
    failing_row(
        "middleware changes the token",
        "unreached.path",
        partial(
            make_shop,
            add_middleware(
                lambda inner: (
                    lambda environ, start: inner(
                        {**environ, "PATH_INFO": f"{environ['PATH_INFO']}x"}, start
                    )
                )
            ),
        ),
        **PRODUCT,
    ),
    *(
        failing_row(
            f"hook rejects {name}",
            "unreached.wall",
            partial(make_shop, before=make_header_rejecting_hook(name)),
            failed_cases="product-plain" if name == "Sec-Fetch-User" else "",
            only=["product-plain", "product-bearer"],
        )
        for name in ("Referer", "Sec-Fetch-User")
    ),
    failing_row(
        "hook rejects cross-site requests",
        "unreached.wall",
        partial(
            make_shop,
            before=lambda: (
                ("No", 403) if request.headers.get("Sec-Fetch-Site") == "cross-site" else None
            ),
        ),
        "Expected: 302 (xiebao.paid)",
        failed_cases="product-return home-return",
        only=SOME_CASES,
    ),
    failing_row(
        "hook rejects long URLs",
        "unreached.hook",
        partial(
            make_shop, before=lambda: ("Too long", 414) if len(request.full_path) > 700 else None
        ),
        failed_cases=LONG_CASES,
        only=[*SOME_CASES, *LONG_CASES.split()],
    ),
    failing_row(
        "hook redirects visitors to the login",
        "unreached.sent",
        partial(make_shop, before=require_session),
        "302 /login",
        "one of these before_request hooks: tests.check.test_site_rules.require_session",
    ),
    failing_row(
        "rate limit without a session",
        "unreached.limiter",
        partial(make_shop, limit_requests("5/minute")),
        'limiter.exempt(app.blueprints["xiebao"])',
    ),
    failing_row(
        "rate limit with a login",
        "unreached.limiter",
        partial(make_login_shop, limit_requests("9/minute")),
        login=log_in_by_form,
        member=7,
        pages=["/page"],
        devices=["pc", "iphone"],
        only=["product-plain"],
    ),
]

# Exceptions and refused clicks


#: One row per exception, lost session or refusal during a click.
ERRORS = [
    failing_row(
        "member_loader raises, placeholder member",
        "crash",
        partial(make_shop, loader=divide_by_zero),
        "ZeroDivisionError in divide_by_zero",
        failed_cases="loader",
    ),
    failing_row(
        "member_loader aborts",
        "aborts",
        partial(make_shop, loader=abort_with(401)),
        only=["loader"],
    ),
    failing_row(
        "hook of a library raises",
        "crash.library",
        partial(make_shop, before=partial(int, "hunter2")),
        **PRODUCT,
    ),
    failing_row(
        "session is lost at the click",
        "session",
        partial(
            make_login_shop,
            before=lambda: session.clear() if request.endpoint == "xiebao.home" else None,
        ),
        "The session is lost during a click",
        only=["home-plain", "product-plain"],
        member=7,
        login=log_in_by_form,
    ),
    *(
        failing_row(
            f"click_guard {name}",
            "guard",
            partial(make_login_shop, register_hook("click_guard", guard)),
            "The site's click_guard refused",
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
        partial(
            make_login_shop,
            register_hook("click_guard", lambda member, entry: session["_user_id"] == member),
            page='{{ policy_entry("P1") }}',
        ),
        "KeyError",
        **{**AS_MEMBER, "devices": ["pc"], "only": ()},
    ),
]

# Pages before and after a click: login, start page, static files and ``return_to``


def paid_page_shop_factory(views: dict[str, Any]) -> Any:
    """Return a function that builds a site with these views.

    The site has an entry with ``return_to="/paid"``.
    """
    return partial(
        make_login_shop, page='{{ insurance_entry("QX1", return_to="/paid") }}', views=views
    )


#: One row per page that does not open before or after a click.
PAGES_AROUND = [
    *(
        failing_row(
            f"return_to: {message}", rule, paid_page_shop_factory(views), message, **AS_MEMBER
        )
        for rule, message, views in list[tuple[str, str, dict[str, Any]]](
            [
                ("way_back", "404 /paid", {"/paid": abort_with(404)}),
                ("way_back", "403 /paid", {"/paid": abort_with(403)}),
                ("way_back", "302 /paid", {"/paid": build_redirect("/paid")}),
                (
                    "way_back",
                    "404 /gone (redirected from /paid)",
                    {"/paid": build_redirect("/gone"), "/gone": abort_with(404)},
                ),
                (
                    "crash",
                    "ZeroDivisionError in divide_by_zero",
                    {"/paid": build_redirect("/broken"), "/broken": divide_by_zero},
                ),
                ("way_back", "302 /paid", {"/paid": ("", 302)}),
                ("way_back", "405 /paid", {"POST /paid": "Thanks"}),
            ]
        )
    ),
    failing_row(
        "return_to with another query",
        "crash",
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
            f"login: {message}",
            rule,
            partial(make_shop, views=views, **WITH_LOGIN_VIEW),
            message,
            only=["product-visitor"],
        )
        for rule, message, views in list[tuple[str, str, dict[str, Any]]](
            [
                ("crash", "ZeroDivisionError in divide_by_zero", {"/login": divide_by_zero}),
                ("login.page", "404 /login", {"/login": abort_with(404)}),
                ("login.page", "503 /login", {"/login": ("Maintenance", 503)}),
                ("login.page", "405 /login", {"POST /login": ""}),
                (
                    "policy.form",
                    "form-action 'self'",
                    {"/login": ("", {"Content-Security-Policy": "form-action 'self'"})},
                ),
                (
                    "login.next",
                    "/sign-in: next: —",
                    {"/login": build_redirect("/sign-in"), "/sign-in": "Log in"},
                ),
            ]
        )
    ),
    failing_row(
        "start page returns 410 to visitors",
        "notice.button",
        partial(make_shop, views={"/": lambda: "Hello" if "member" in session else abort(410)}),
        only=["product-another", "product-expired"],
    ),
    failing_row(
        "hook blocks stylesheet and script",
        "style script",
        partial(
            make_shop,
            before=lambda: redirect("/login") if request.endpoint == "xiebao.static" else None,
        ),
        only=["product-changed"],
    ),
]

# Members and logins

IN_PRODUCTION: dict[str, Any] = {
    "XIEBAO_ENV": "production",
    "XIEBAO_MEMBER_SECRET": None,
    **WITH_PUBLIC_URL,
}


def show_page_after_logout() -> str:
    session.clear()
    return render_template_string(MACROS + ENTRY)


#: One row per site that does not recognize its members correctly, logs them out, or reveals their
#: ids to the gateway.
MEMBERS = [
    failing_row(
        "no member_loader",
        "members.unknown",
        partial(make_shop, loader=None),
        "Register a member_loader.",
        "every click that needs a login returns status 401",
        failed_cases="members",
        only=None,
    ),
    failing_row(
        "row number of a member in production",
        "members.row",
        partial(make_login_shop, **IN_PRODUCTION),
        "Set XIEBAO_MEMBER_SECRET",
        failed_cases="members",
        **{**AS_MEMBER, "login": log_in_by_form, "pages": []},
    ),
    failing_row(
        "member_loader returns row numbers in production",
        "members.row",
        partial(make_shop, loader=load_integer_member_id, **IN_PRODUCTION),
        failed_cases="members",
        **PRODUCT,
    ),
    failing_row(
        "email address of a member in production",
        "members.email",
        partial(make_shop, **IN_PRODUCTION),
        "by their email address",
        failed_cases="members",
        **{**PRODUCT, "member": "lin@shop.example"},
    ),
    failing_row(
        "page logs out the member",
        "session.page",
        partial(make_login_shop, views={"/page": show_page_after_logout}),
        "This page logs the member out",
        "Actual: https://localhost/page.",
        login=log_in_by_form,
        **AS_MEMBER,
    ),
    failing_row(
        "return_to logs out the member",
        "session.page",
        paid_page_shop_factory({"/paid": show_page_after_logout}),
        "Actual: https://localhost/paid.",
        login=log_in_by_form,
        **AS_MEMBER,
    ),
    failing_row(
        "member_loader returns the same member for every visitor",
        "anonymous",
        partial(make_login_shop, register_hook("member_loader", lambda: "7")),
        "do not cache its return value",
        only=["product-visitor", "product-plain"],
        failed_cases="product-visitor",
        member=7,
        login=log_in_by_form,
    ),
]

# Replaced templates


def build_template_rows(name: str, rules: str, case: str, *sources: str) -> list[Any]:
    """Return a ``pytest.param`` for each Jinja source, with a site that overrides a template.

    :param name: the name of the template, for example ``"notice"``.
    :param rules: the names of the rules that each source breaks, separated by spaces.
    :param case: the only test case to run.
    :param sources: faulty sources of the template.
    """
    views = {"/login": "Log in", "/gone": abort_with(410)}
    return [
        failing_row(
            source,
            rules,
            partial(
                make_shop,
                templates={f"xiebao/{name}.html": source},
                views=views,
                **WITH_LOGIN_VIEW,
            ),
            only=[case],
        )
        for source in sources
    ]


BUTTON = '<h1>No</h1><a class="xiebao-entry--button"'
#: One row per faulty template with which a site replaces a template of the extension.
TEMPLATES = [
    *build_template_rows("notice", "notice.heading", "product-another", "<h1> </h1>", "<p>No</p>"),
    *build_template_rows(
        "notice",
        "notice.button",
        "product-another",
        f'{BUTTON} href="">Log in</a>',
        f'{BUTTON} href="#">Log in</a>',
        f'{BUTTON} href="/login"> </a>',
        f'{BUTTON} href="/gone">Start</a>',
    ),
    *build_template_rows(
        "handoff",
        "handoff.code",
        "home-plain",
        "<a href='{{ direct }}'>x</a>",
        '<svg viewBox="0 0 1 1"><path d="M0 0.5h1"/></svg><a href="{{ direct }}">x</a>',
        "{{ code }}{{ code }}<a href='{{ direct }}'>x</a>",
    ),
    *build_template_rows(
        "handoff",
        "handoff.direct",
        "home-plain",
        "{{ code }}",
        "{{ code }}<a href='{{ here }}'>x</a>",
        "{{ code }}<a href='{{ here }}?platform=pc'>x</a>",
    ),
    *build_template_rows("handoff", "handoff.code handoff.direct", "home-plain", "{{ here }}"),
]

#: All table rows of this file, for faulty sites. ``flask xiebao check`` must find each fault.
ROWS = [*ADDRESSES, *SETTINGS, *UNREACHED, *ERRORS, *PAGES_AROUND, *MEMBERS, *TEMPLATES]


@pytest.mark.parametrize(("site", "rules", "messages", "failed_cases", "options"), ROWS)
def test_check_fails_for_faulty_site(
    site: MakeApp, rules: set[str], messages: tuple[str, ...], failed_cases: set[str], options: Any
) -> None:
    assert_rules_fail(site, rules, messages, failed_cases, options)


def test_broken_return_to_is_reported_once_for_all_devices() -> None:
    report = run_check(paid_page_shop_factory({"/paid": abort_with(404)}), **AS_MEMBER)
    assert len(report.failed) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"XIEBAO_ENV": "production", "XIEBAO_LOCALE": "en"},
        {"XIEBAO_ENV": "prod", "XIEBAO_LOCALE": "fr"},
    ],
    ids=["valid values", "invalid values"],
)
def test_changed_settings_are_reported_once_and_can_be_ignored(settings: dict[str, str]) -> None:
    app = make_shop(change_settings(**settings))
    [result] = run_check(app, **PRODUCT).failed
    assert [failure.actual.split()[0] for failure in result.failures] == list(settings)
    for rule in (result.failures[0].code, "settings"):
        assert run_check(app, ignore=[rule], **PRODUCT).passed
