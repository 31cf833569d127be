"""What sites get wrong around their entries: a check sees it, and says what it is.

A rule of the check is a row here and, where a site may be right and look alike, one in
``test_right_sites.py``. Pages are in ``test_pages.py``, and what is changed of an answer of the
links in ``test_wrong_answers.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import redirect, render_template_string, request, session

from tests.check.support import (
    HIDDEN_KEY,
    OUTSIDE,
    MakeSite,
    aborts,
    assert_is_found,
    by_form,
    check,
    fails,
    limited,
    login_shop,
    mounted,
    registers,
    sends_phones_elsewhere,
    set_late,
    shop,
    wrong,
)
from tests.support import MACROS, NEEDS_TRUSTED_HOSTS

PRODUCT: dict[str, Any] = {"only": ["product-plain"]}
VISITOR: dict[str, Any] = {"only": ["product-visitor"]}
LOGIN: dict[str, Any] = {"XIEBAO_LOGIN_VIEW": "login"}
HERE = "one of these before_request hooks: tests.check.test_wrong_sites."

# Where the site is


def sends_all_to_one_host() -> Any:
    is_there = request.host == "www.shop.example"
    return None if is_there else redirect(f"https://www.shop.example{request.full_path}", 301)


WHERE = [
    wrong(
        "nobody is at its own address",
        "unreached.no_view",
        partial(
            shop,
            XIEBAO_PUBLIC_URL="https://www.shop.example",
            TRUSTED_HOSTS=["shop.example"],
        ),
        'Flask found no view for insurance links on the host "www.shop.example" and returned'
        " status 400",
        "Check that SERVER_NAME and TRUSTED_HOSTS accept this host.",
        marks=NEEDS_TRUSTED_HOSTS,
    ),
    wrong(
        "below another path",
        "unreached.below",
        partial(shop, mounted("/shop"), XIEBAO_PUBLIC_URL="https://shop.example/store"),
        'Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',
    ),
    wrong(
        "a site that sells says where it is",
        "unknown_address",
        partial(shop, XIEBAO_ENV="production"),
        "Set XIEBAO_PUBLIC_URL",
    ),
    wrong(
        "all are sent to another host",
        "unreached.host",
        partial(shop, before=sends_all_to_one_host),
        "Set XIEBAO_PUBLIC_URL to the URL of the site",
    ),
    wrong(
        "some are, which is no reason to move the site",
        "unreached.elsewhere",
        partial(shop, before=sends_phones_elsewhere, **OUTSIDE),
        "one of these before_request hooks: tests.check.support.sends_phones_elsewhere",
        **PRODUCT,
    ),
]

# Settings that are changed after the extension has read them

PASSWORD = "hunter2 and more, 32 characters."
LATE = [
    *(
        wrong(
            f"late {name}",
            "settings.late",
            partial(shop, set_late(**{name: value}), **HIDDEN_KEY),
            f"Actual: {name}.",
            "Change the setting before the extension is initialized",
            failed="settings",
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
    wrong(
        "late settings that are not valid",
        "settings.invalid",
        partial(shop, set_late(XIEBAO_ENV="prod", XIEBAO_API_KEY=f" {PASSWORD}")),
        "Actual: XIEBAO_API_KEY is empty, has leading",
        "Correct the value, and change the setting before the extension is initialized",
        failed="settings",
        **PRODUCT,
    ),
]

# What is in the way of a click


def wall(*names: str) -> Any:
    """Refuse whoever sends one of these headers."""

    def refuse() -> Any:
        return ("No", 403) if any(name in request.headers for name in names) else None

    return refuse


def refuses_others() -> Any:
    is_other = request.headers.get("Sec-Fetch-Site") == "cross-site"
    return ("No", 403) if is_other else None


def refuses_what_is_long() -> Any:
    return ("Too long", 414) if len(request.full_path) > 700 else None


def has_members_alone() -> Any:
    return None if "member" in session else redirect("/login", 302)


def keeps_the_assets_in() -> Any:
    return redirect("/login") if request.endpoint == "xiebao.static" else None


def forgets_members_at_home() -> None:
    if request.endpoint == "xiebao.home":
        session.clear()


CLICKED = ["product-plain", "product-bearer", "product-return", "home-return"]
LONG = "product-return-long home-return-long policy-return-long"
IN_THE_WAY = [
    *(
        wrong(
            f"a wall for whoever sends {name}",
            "unreached.wall",
            partial(shop, before=wall(name)),
            failed="product-plain" if name == "Sec-Fetch-User" else "",
            only=["product-plain", "product-bearer"],
        )
        for name in ("Referer", "Sec-Fetch-User")
    ),
    wrong(
        "a wall for whoever comes from another site",
        "unreached.wall",
        partial(shop, before=refuses_others),
        "Expected: 302 (xiebao.paid)",
        failed="product-return home-return",
        only=CLICKED,
    ),
    wrong(
        "a wall for what is long",
        "unreached.hook",
        partial(shop, before=refuses_what_is_long),
        failed=LONG,
        only=[*CLICKED, *LONG.split()],
    ),
    wrong(
        "a wall for visitors",
        "unreached.sent",
        partial(shop, before=has_members_alone),
        "302 /login",
        f"{HERE}has_members_alone",
    ),
    wrong(
        "a wall before the stylesheet",
        "style script",
        partial(shop, before=keeps_the_assets_in),
        only=["product-changed"],
    ),
    wrong(
        "a limiter",
        "unreached.limiter",
        partial(shop, limited("5/minute")),
        'limiter.exempt(app.blueprints["xiebao"])',
    ),
    wrong(
        "a limiter for all requests",
        "unreached.limiter",
        partial(login_shop, limited("9/minute")),
        login=by_form,
        member=7,
        pages=["/page"],
        devices=["pc", "iphone"],
        only=["product-plain"],
    ),
    wrong(
        "a session that is lost at the click",
        "session",
        partial(login_shop, before=forgets_members_at_home),
        "The session is lost during a click",
        only=["home-plain", "product-plain"],
        member=7,
        login=by_form,
    ),
    wrong(
        "a loader that fails, though members are made up",
        "crash",
        partial(shop, loader=fails),
        "ZeroDivisionError in fails",
        failed="loader",
    ),
]

# Logins, ways back and start pages


def fails_for_the_second() -> str:
    return "Thanks" if request.args["o"] == "1" else fails()


def greets_members_alone() -> Any:
    return "Hello" if "member" in session else aborts(410)()


def paid(views: dict[str, Any]) -> Any:
    """Return how a site is made whose payments come back to ``/paid``."""
    page = '{{ insurance_entry("QX1", return_to="/paid") }}'
    return partial(login_shop, page=page, views=views)


def to(path: str) -> tuple[str, int, dict[str, str]]:
    return "", 302, {"Location": path}


MEMBER: dict[str, Any] = {"member": 7, "pages": ["/page"], **PRODUCT}
AROUND = [
    *(
        wrong(f"a way back: {says}", code, site, says, **MEMBER)
        for code, says, site in [
            ("way_back", "404 /paid", paid({"/paid": aborts(404)})),
            ("way_back", "403 /paid", paid({"/paid": aborts(403)})),
            ("way_back", "302 /paid", paid({"/paid": to("/paid")})),
            (
                "way_back",
                "404 /gone (redirected from /paid)",
                paid({"/paid": to("/gone"), "/gone": aborts(404)}),
            ),
            (
                "crash",
                "ZeroDivisionError in fails",
                paid({"/paid": to("/broken"), "/broken": fails}),
            ),
            ("way_back", "302 /paid", paid({"/paid": ("", 302)})),
            ("way_back", "405 /paid", paid({"POST /paid": "Thanks"})),
        ]
    ),
    wrong(
        "each order is another page to come back to",
        "crash",
        partial(
            login_shop,
            page='{{ insurance_entry("QX1", return_to="/paid?o=1") }}'
            '{{ insurance_entry("QX1", return_to="/paid?o=2") }}',
            views={"/paid": fails_for_the_second},
        ),
        **MEMBER,
    ),
    *(
        wrong(f"a login: {says}", code, partial(shop, views=views, **LOGIN), says, **VISITOR)
        for code, says, views in [
            ("crash", "ZeroDivisionError in fails", dict[str, Any]({"/login": fails})),
            ("login.page", "404 /login", {"/login": aborts(404)}),
            ("login.page", "503 /login", {"/login": ("Maintenance", 503)}),
            ("login.page", "405 /login", {"POST /login": ""}),
            (
                "policy.form",
                "form-action 'self'",
                {"/login": ("", {"Content-Security-Policy": "form-action 'self'"})},
            ),
        ]
    ),
    wrong(
        "a start page that fails for visitors alone",
        "notice.button",
        partial(shop, views={"/": greets_members_alone}),
        only=["product-another", "product-expired"],
    ),
]


def guarded(answer: Any) -> Any:
    return partial(login_shop, registers("click_guard", lambda member, entry: answer()))


GUARDS = [
    wrong(f"a guard: {name}", "guard", guarded(answer), "The site's click_guard refused", **MEMBER)
    for name, answer in {
        "False": lambda: False,
        "a redirect": lambda: redirect("/verify"),
        "an error": aborts(403),
    }.items()
]

# Members

PRODUCTION: dict[str, Any] = {"XIEBAO_ENV": "production", **OUTSIDE, "XIEBAO_MEMBER_SECRET": None}


def logs_out() -> str:
    session.clear()
    return render_template_string(MACROS + '{{ insurance_entry("QX1") }}')


def load_row_number() -> int | None:
    return None


MEMBERS = [
    wrong(
        "no member loader",
        "members.unknown",
        partial(shop, loader=None),
        "Register a member_loader.",
        failed="members",
        only=["product-bearer"],
    ),
    wrong(
        "numbers of rows in production",
        "members.row",
        partial(login_shop, **PRODUCTION),
        "Set XIEBAO_MEMBER_SECRET",
        failed="members",
        **{**MEMBER, "login": by_form, "pages": []},
    ),
    wrong(
        "loader of row numbers in production",
        "members.row",
        partial(shop, loader=load_row_number, **PRODUCTION),
        failed="members",
        **PRODUCT,
    ),
    wrong(
        "email addresses in production",
        "members.email",
        partial(shop, **PRODUCTION),
        "by their email address",
        failed="members",
        **{**PRODUCT, "member": "lin@shop.example"},
    ),
    wrong(
        "page that logs the member out",
        "session.page",
        partial(login_shop, views={"/page": logs_out}),
        "This page logs the member out",
        "Actual: https://localhost/page.",
        login=by_form,
        **MEMBER,
    ),
    wrong(
        "return_to that logs the member out",
        "session.page",
        paid({"/paid": logs_out}),
        "Actual: https://localhost/paid.",
        login=by_form,
        **MEMBER,
    ),
    wrong(
        "loader that finds a member for every visitor",
        "anonymous",
        partial(login_shop, registers("member_loader", lambda: "7")),
        "do not cache its return value",
        only=["product-visitor", "product-plain"],
        failed="product-visitor",
        member=7,
        login=by_form,
    ),
    wrong(
        "guard that fails on the phone that scans a code",
        "crash",
        partial(
            login_shop,
            registers("click_guard", lambda member, entry: session["_user_id"] == member),
            page='{{ policy_entry("P1") }}',
        ),
        "KeyError",
        **{**MEMBER, "devices": ["pc"], "only": ()},
    ),
    wrong(
        "login that loses the page to return to on a further redirect",
        "login.next",
        partial(shop, views={"/login": to("/sign-in"), "/sign-in": "Log in"}, **LOGIN),
        "/sign-in: next: —",
        **VISITOR,
    ),
]

# Templates of the site's own


def templates(name: str, code: str, case: str, *sources: str) -> list[Any]:
    """Return rows: what one of the extension's templates is instead, and what that breaks."""
    views = {"/login": "Log in", "/gone": aborts(410)}
    return [
        wrong(
            source,
            code,
            partial(shop, templates={f"xiebao/{name}.html": source}, views=views, **LOGIN),
            only=[case],
        )
        for source in sources
    ]


BUTTON = '<h1>No</h1><a class="xiebao-entry--button"'
TEMPLATES = [
    *templates("notice", "notice.heading", "product-another", "<h1> </h1>", "<p>No</p>"),
    *templates(
        "notice",
        "notice.button",
        "product-another",
        f'{BUTTON} href="">Log in</a>',
        f'{BUTTON} href="#">Log in</a>',
        f'{BUTTON} href="/login"> </a>',
        f'{BUTTON} href="/gone">Start</a>',
    ),
    *templates(
        "handoff",
        "handoff.code",
        "home-plain",
        "<a href='{{ direct }}'>x</a>",
        '<svg viewBox="0 0 1 1"><path d="M0 0.5h1"/></svg><a href="{{ direct }}">x</a>',
        "{{ code }}{{ code }}<a href='{{ direct }}'>x</a>",
    ),
    *templates(
        "handoff",
        "handoff.direct",
        "home-plain",
        "{{ code }}",
        "{{ code }}<a href='{{ here }}'>x</a>",
        "{{ code }}<a href='{{ here }}?platform=pc'>x</a>",
    ),
    *templates("handoff", "handoff.code handoff.direct", "home-plain", "{{ here }}"),
]


@pytest.mark.parametrize(
    ("site", "codes", "says", "failed", "options"),
    [*WHERE, *LATE, *IN_THE_WAY, *AROUND, *GUARDS, *MEMBERS, *TEMPLATES],
)
def test_what_is_wrong_is_seen(
    site: MakeSite, codes: set[str], says: tuple[str, ...], failed: set[str], options: Any
) -> None:
    assert_is_found(site, codes, says, failed, options)


def test_a_way_back_is_said_once_whatever_the_device() -> None:
    assert len(check(paid({"/paid": aborts(404)}), **MEMBER).failed) == 1


def test_a_hook_that_sends_some_away_is_no_reason_to_move_the_site() -> None:
    report = check(shop(before=sends_phones_elsewhere, **OUTSIDE), **PRODUCT)
    assert "XIEBAO_PUBLIC_URL" not in str(report)


def test_late_settings_are_reported_once_each_and_can_be_ignored() -> None:
    app = shop(set_late(XIEBAO_ENV="production", XIEBAO_LOCALE="en"))
    [result] = check(app).failed
    assert [failure.actual for failure in result.failures] == ["XIEBAO_ENV", "XIEBAO_LOCALE"]
    assert check(app, ignore=["settings.late"]).passed
    assert check(app, ignore=["settings"]).passed
    app.config.update(XIEBAO_ENV="prod", XIEBAO_LOCALE="fr")
    [result] = check(app).failed
    assert [failure.actual.split()[0] for failure in result.failures] == [
        "XIEBAO_ENV",
        "XIEBAO_LOCALE",
    ]
