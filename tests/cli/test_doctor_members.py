"""What ``flask xiebao doctor`` says of who is logged in, of logins, and of members' ids.

Each site is a row of ``ROWS``.
"""

from __future__ import annotations

from functools import partial

import pytest
from flask import abort, redirect, session

from tests.check.support import register_hook, use_flask_login
from tests.cli.support import Row, is_said, row_number_by_waiting, shop


def loader_that_aborts() -> str:
    abort(401)


def loader_that_redirects() -> str:
    abort(redirect("/login", 302))


def row_number() -> int | None:
    return session.get("member")


def under_1000(member: str) -> bool:
    return int(member) < 1000


ROWS: dict[str, Row] = {
    # Who is logged in, and where one logs in
    "nobody says who is logged in": Row(
        partial(shop, loader=None),
        "ERROR",
        ("Register a member_loader", "register a member_loader that returns None"),
    ),
    "nobody can log in": Row(
        partial(shop, loader=lambda: None),
        "ok",
        ("The member_loader determines who is logged in.",),
    ),
    "a loader": Row(shop, "ok", ("The member_loader determines who is logged in.",)),
    "Flask-Login": Row(
        partial(shop, use_flask_login(), loader=None),
        "ok",
        (
            "Flask-Login determines who is logged in.",
            "Visitors who are not logged in get a page with status 401.",
        ),
    ),
    "Flask-Login with a view": Row(
        partial(shop, use_flask_login(login_view="page"), loader=None, views={"/page": "Log in"}),
        "ok",
        ("Visitors who are not logged in are redirected to /page.",),
    ),
    "a login": Row(
        partial(shop, XIEBAO_LOGIN_VIEW="page", views={"/page": "Log in"}),
        "ok",
        ("XIEBAO_LOGIN_VIEW: page",),
    ),
    "a login that is misspelt": Row(
        partial(shop, XIEBAO_LOGIN_VIEW="pages", views={"/page": "Log in"}),
        "ERROR",
        ('XIEBAO_LOGIN_VIEW is "pages", but the app has no such endpoint. Did you mean "page"?',),
    ),
    "a login that is not there": Row(
        partial(shop, XIEBAO_LOGIN_VIEW="auth.login"),
        "ERROR",
        ('"auth.login", but the app has no such endpoint. Run "flask routes"',),
    ),
    # Loaders
    "a loader that aborts": Row(
        partial(shop, loader=loader_that_aborts),
        "ERROR",
        (
            "member_loader: The site's code called abort(). If no member",
            "Unauthorized in loader_that_aborts (",
        ),
    ),
    "a loader that redirects": Row(
        partial(shop, loader=loader_that_redirects),
        "ERROR",
        (
            "If no member is logged in, return None from the member_loader",
            "HTTPException in loader_that_redirects (",
        ),
    ),
    "a loader of True": Row(
        partial(shop, loader=lambda: True),
        "ERROR",
        ("The member_loader did not return a member's id", "got bool"),
    ),
    "a loader of lists": Row(
        partial(shop, loader=lambda: ["8"]),
        "ERROR",
        (
            "The member_loader did not return a member's id",
            "a string, an integer or a UUID, got list",
        ),
    ),
    "a loader of somebody": Row(
        partial(shop, loader=lambda: "m_7Qk2vX9rT4"),
        "WARNING",
        (
            "A request without a cookie is treated as a logged-in member, so every visitor would"
            " go to the gateway as this member",
            "Return None from the member_loader if no member is logged in",
        ),
    ),
    # Ids that can be guessed
    "row numbers": Row(
        partial(shop, loader=row_number, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        (
            "The gateway identifies members by the number of their database row",
            "Set XIEBAO_MEMBER_SECRET",
        ),
    ),
    "row numbers of an async loader": Row(
        partial(shop, loader=row_number_by_waiting, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        ("by the number of their database row", "Set XIEBAO_MEMBER_SECRET"),
    ),
    "a row number of somebody": Row(
        partial(shop, loader=lambda: "7", XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        (
            "The gateway identifies members by the number of their database row",
            "Set XIEBAO_MEMBER_SECRET",
        ),
        also=("A request without a cookie is treated as a logged-in member",),
    ),
    "row numbers of Flask-Login": Row(
        partial(shop, use_flask_login(), loader=None, XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        (
            "by the return value of Flask-Login's get_id(), which is the number of a database row",
            "Set XIEBAO_MEMBER_SECRET",
        ),
    ),
    "e-mail addresses": Row(
        partial(shop, loader=lambda: "li.na@shop.example", XIEBAO_MEMBER_SECRET=None),
        "WARNING",
        ("by their email address", "Set XIEBAO_MEMBER_SECRET"),
        also=("A request without a cookie is treated as a logged-in member",),
    ),
    "plain keys of everybody": Row(
        partial(shop, register_hook("keeps_plain_key", lambda member: True)),
        "WARNING",
        (
            "The keeps_plain_key hook returned True for a placeholder member, whom the gateway",
            "Return True only for members who joined before",
        ),
    ),
    "plain keys of nobody knows whom": Row(
        partial(shop, register_hook("keeps_plain_key", lambda member: None)),
        "ERROR",
        ("The keeps_plain_key hook must return True or False, got None",),
    ),
    "plain keys of numbers": Row(
        partial(shop, register_hook("keeps_plain_key", under_1000)),
        "ERROR",
        ("Fix this error: ValueError in under_1000 (",),
    ),
    # Logins
    "a login that needs arguments": Row(
        partial(shop, views={"/<shop>/login": "Log in"}, XIEBAO_LOGIN_VIEW="login"),
        "ERROR",
        (
            "login, member_loader: The request raised an exception",
            "Set it to the endpoint of a view without arguments.",
        ),
    ),
    "a login for forms alone": Row(
        partial(shop, views={"POST /login": "Welcome"}, XIEBAO_LOGIN_VIEW="login"),
        "ERROR",
        (
            "login: The login page does not open, so visitors who must log in get an error",
            "to the endpoint of the view that shows the login page. Actual: 405 /login",
        ),
    ),
    "a login of Flask-Login that is not there": Row(
        partial(shop, use_flask_login(login_view="auth.login"), loader=None),
        "ERROR",
        (
            "login, member_loader: The request raised an exception",
            "Could not build url for endpoint 'auth.login'",
        ),
    ),
    "a login that no view has": Row(
        partial(shop, use_flask_login(lambda: redirect("/account/login")), loader=None),
        "WARNING",
        (
            "Visitors are redirected to /account/login to log in, but this app has no view for"
            " that path.",
            "Make sure that another app serves /account/login",
        ),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_who_is_known_how_is_judged(row: Row) -> None:
    is_said(row)
