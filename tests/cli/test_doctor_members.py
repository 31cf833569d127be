"""Tests for ``flask xiebao doctor`` on member loaders, login pages and members' ids.

To test another site, add a row to ``CASES``.
"""

from __future__ import annotations

import sys
from functools import partial

import pytest
from flask import abort, redirect

from tests.check.support import load_integer_member_id, register_hook, use_flask_login
from tests.cli.support import DoctorCase, assert_doctor_reports, load_member_async, make_shop

#: The finding about an anonymous visitor whose click leads to the gateway.
SHARED_ACCOUNT = "login: A visitor who is not logged in continues to the gateway as a member"

#: One row per site: the function that builds the site, the level of the findings that ``flask
#: xiebao doctor`` must report, texts of these findings, and optionally texts of other findings.
CASES: dict[str, DoctorCase] = {
    # Member loaders and login pages
    "no member_loader": DoctorCase(
        partial(make_shop, loader=None),
        "ERROR",
        ("Register a member_loader", "register a member_loader that returns None"),
    ),
    "member_loader without member": DoctorCase(
        partial(make_shop, loader=lambda: None),
        "ok",
        ("The member_loader determines who is logged in.",),
    ),
    "member_loader with member's id": DoctorCase(
        make_shop, "ok", ("The member_loader determines who is logged in.",)
    ),
    "Flask-Login": DoctorCase(
        partial(make_shop, use_flask_login(), loader=None),
        "ok",
        (
            "Flask-Login determines who is logged in.",
            "Visitors who are not logged in get a page with status 401.",
        ),
    ),
    "Flask-Login with login_view": DoctorCase(
        partial(
            make_shop, use_flask_login(login_view="page"), loader=None, views={"/page": "Log in"}
        ),
        "ok",
        ("Visitors who are not logged in are redirected to /page.",),
    ),
    "XIEBAO_LOGIN_VIEW": DoctorCase(
        partial(make_shop, XIEBAO_LOGIN_VIEW="page", views={"/page": "Log in"}),
        "ok",
        ("XIEBAO_LOGIN_VIEW: page",),
    ),
    "misspelled XIEBAO_LOGIN_VIEW": DoctorCase(
        partial(make_shop, XIEBAO_LOGIN_VIEW="pages", views={"/page": "Log in"}),
        "ERROR",
        ('XIEBAO_LOGIN_VIEW is "pages", but the app has no such endpoint. Did you mean "page"?',),
    ),
    "unknown XIEBAO_LOGIN_VIEW": DoctorCase(
        partial(make_shop, XIEBAO_LOGIN_VIEW="auth.login"),
        "ERROR",
        ('"auth.login", but the app has no such endpoint. Run "flask routes"',),
    ),
    # Wrong return values of the member loader
    "member_loader that aborts": DoctorCase(
        partial(make_shop, loader=lambda: abort(401)),
        "ERROR",
        (
            "login: The site raises an exception",
            "If a member_loader calls abort(), let it return None for visitors who are not logged"
            " in.",
            "Unauthorized in <lambda> (",
        ),
    ),
    "member_loader that redirects": DoctorCase(
        partial(make_shop, loader=lambda: abort(redirect("/login", 302))),
        "ERROR",
        (
            "If a member_loader calls abort(), let it return None for visitors who are not logged"
            " in.",
            "HTTPException in <lambda> (",
        ),
    ),
    "member_loader that returns True": DoctorCase(
        partial(make_shop, loader=lambda: True),
        "ERROR",
        ("The member_loader did not return a member's id", "got bool"),
    ),
    "member_loader that returns list": DoctorCase(
        partial(make_shop, loader=lambda: ["8"]),
        "ERROR",
        (
            "The member_loader did not return a member's id",
            "a string, an integer or a UUID, got list",
        ),
    ),
    "member_loader that returns same member for every request": DoctorCase(
        partial(make_shop, loader=lambda: "m_7Qk2vX9rT4"),
        "WARNING",
        (
            "A request without a cookie is treated as a logged-in member, so every visitor would"
            " go to the gateway as this member",
            "Return None from the member_loader if no member is logged in",
        ),
        further_problems=(SHARED_ACCOUNT,),
    ),
    # Member ids that are easy to guess
    "row number as member id": DoctorCase(
        partial(make_shop, loader=load_integer_member_id, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        (
            "The gateway identifies members by the number of their database row",
            "Set XIEBAO_MEMBER_SECRET",
        ),
    ),
    "row number from async member_loader": DoctorCase(
        partial(make_shop, loader=load_member_async, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        ("by the number of their database row", "Set XIEBAO_MEMBER_SECRET"),
    ),
    "row number from Flask-Login": DoctorCase(
        partial(make_shop, use_flask_login(), loader=None, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        (
            "by the return value of Flask-Login's get_id(), which is the number of a database row",
            "Set XIEBAO_MEMBER_SECRET",
        ),
    ),
    "keeps_plain_key that returns True for all members": DoctorCase(
        partial(make_shop, register_hook("keeps_plain_key", lambda member: True)),
        "WARNING",
        (
            "The keeps_plain_key hook returned True for a placeholder member, whom the gateway",
            "Return True only for members who joined before",
        ),
    ),
    "keeps_plain_key that returns None": DoctorCase(
        partial(make_shop, register_hook("keeps_plain_key", lambda member: None)),
        "ERROR",
        ("The keeps_plain_key hook must return True or False, got None",),
    ),
    "keeps_plain_key that raises ValueError": DoctorCase(
        partial(make_shop, register_hook("keeps_plain_key", lambda member: int(member) < 1000)),
        "ERROR",
        ("Fix this error: ValueError in <lambda> (",),
    ),
    "keeps_plain_key that calls sys.exit": DoctorCase(
        partial(make_shop, register_hook("keeps_plain_key", lambda member: sys.exit(0))),
        "ERROR",
        ("SystemExit",),
    ),
    # Login pages that do not open
    "login view with arguments": DoctorCase(
        partial(make_shop, views={"/<shop>/login": "Log in"}, XIEBAO_LOGIN_VIEW="login"),
        "ERROR",
        (
            "login: The site raises an exception",
            "Set it to the endpoint of a view without arguments.",
        ),
    ),
    "login view for POST only": DoctorCase(
        partial(make_shop, views={"POST /login": "Welcome"}, XIEBAO_LOGIN_VIEW="login"),
        "ERROR",
        (
            "login: A visitor who must log in does not come to a login page that opens",
            "Set XIEBAO_LOGIN_VIEW to the endpoint of the login page",
            "Found: 405 /login. Expected: 200.",
        ),
    ),
    "unknown login_view of Flask-Login": DoctorCase(
        partial(make_shop, use_flask_login(login_view="auth.login"), loader=None),
        "ERROR",
        (
            "login: The site raises an exception",
            "Could not build url for endpoint 'auth.login'",
        ),
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=name, marks=pytest.mark.requires("asgiref") if "async" in name else ()
        )
        for name, case in CASES.items()
    ],
)
def test_doctor_reports_member_and_login_problems(case: DoctorCase) -> None:
    assert_doctor_reports(case)
