"""What ``flask xiebao doctor`` says of sites that stop or change the clicks that it makes.

Each site is a row of ``ROWS``. The clicks are those of ``flask xiebao check``: what they find, and
what they do not, is tested in ``tests/check``. Here is what becomes of it for whoever reads it.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import Any

import pytest
from flask import Response, abort, g, redirect, request
from flask.logging import default_handler
from flask_talisman import Talisman

from flask_xiebao.gateway.pages import PAGES
from tests.check.support import Change, abort_with, add_middleware, divide_by_zero, limit_requests
from tests.cli.support import (
    Row,
    doctor,
    firewall,
    is_said,
    is_said_in_chinese,
    require_login,
    shop,
    with_hosts,
)

EVERY_CLICK = ", ".join([*PAGES, "paid", "login"])


# Hooks that stand in the way


def require_login_elsewhere() -> Any:
    return redirect("https://sso.example/realms/xiebao/auth?client=1")


def check_host() -> None:
    if request.host != "shop.example":
        abort(400)


def add_slash() -> Any:
    return None if request.path.endswith("/") else redirect(f"{request.path}/")


def stop() -> None:
    sys.exit(0)


def add_language(endpoint: str, values: dict[str, Any]) -> None:
    values["language"] = g.language


def hides_errors(status: int) -> Change:
    return lambda app: app.register_error_handler(Exception, lambda error: ("Oops", status))


# What changes what is asked, or answered


def to_thanks(response: Response) -> None:
    if request.endpoint == "xiebao.paid":
        response.location = "/thanks/"


def show(response: Response) -> None:
    response.status_code = 200


def return_nothing(response: Response) -> None:
    """Forget to return the response."""


def small(inner: Any) -> Any:
    return lambda environ, start: inner(
        {**environ, "PATH_INFO": environ["PATH_INFO"].lower()}, start
    )


ROWS: dict[str, Row] = {
    # Guards, walls and limits
    "a guard": Row(
        partial(shop, before=abort_with(400)),
        "ERROR",
        (
            "If a request hook refuses the click, add",
            "abort_with",
        ),
    ),
    "a login wall": Row(
        partial(shop, before=require_login),
        "ERROR",
        (
            f'{EVERY_CLICK}: A click on an entry is redirected to "/login", perhaps',
            'if request.blueprint == "xiebao": return',
        ),
    ),
    "a login wall of the blueprint": Row(
        partial(
            shop,
            lambda app: app.before_request_funcs.update(xiebao=[require_login]),
        ),
        "ERROR",
        ('A click on an entry is redirected to "/login"', "require_login"),
    ),
    "a login wall that says 401": Row(
        partial(shop, before=abort_with(401)),
        "ERROR",
        ('got status 401 from the host "shop.example" before Flask-Xiebao handled', "abort_with"),
    ),
    "a login wall of another site": Row(
        partial(shop, before=require_login_elsewhere),
        "ERROR",
        (
            'A click on an entry is redirected to "https://sso.example/realms/xiebao/auth",',
            "require_login_elsewhere",
        ),
    ),
    "a firewall": Row(
        partial(shop, firewall),
        "ERROR",
        ("A middleware around app.wsgi_app", "returned status 403 before Flask handled"),
    ),
    "a limiter": Row(
        partial(shop, limit_requests("0 per day")),
        "ERROR",
        (
            'A rate limiter returned status 429 for a click on an entry at the host "shop.example"',
            "Allow more requests",
            'limiter.exempt(app.blueprints["xiebao"])',
        ),
    ),
    # Hosts and paths
    "a check of the host": Row(
        partial(shop, before=check_host, XIEBAO_PUBLIC_URL=None),
        "ERROR",
        (
            'A click on an entry got status 400 from the host "localhost" before',
            'If "localhost" is not the host of the site, set XIEBAO_PUBLIC_URL',
        ),
        also=("XIEBAO_PUBLIC_URL is not set",),
    ),
    "a host that is not trusted": Row(
        partial(with_hosts, "www.shop.example"),
        "ERROR",
        (
            'every link: Flask found no view for insurance links on the host "shop.example" and'
            " returned status 400",
            "TRUSTED_HOSTS",
        ),
    ),
    "https alone": Row(
        partial(shop, Talisman, XIEBAO_PUBLIC_URL="http://shop.example"),
        "ERROR",
        (
            'Every click on an entry is redirected to another host or scheme, "https://shop.example"',
            "Set XIEBAO_PUBLIC_URL to the URL of the site",
        ),
        also=("are not encrypted",),
    ),
    "slashes": Row(
        partial(shop, before=add_slash),
        "ERROR",
        (
            f"{EVERY_CLICK}: A click on an entry is first redirected to a variant",
            "add_slash",
        ),
    ),
    "small letters": Row(
        partial(shop, add_middleware(small)),
        "ERROR",
        (
            f"{EVERY_CLICK}: The path of a link was changed before Flask",
            "exclude the paths below XIEBAO_URL_PREFIX",
        ),
    ),
    # Werkzeug 3.2 refuses a rule that is there already; these are as good.
    "another view at the links": Row(
        partial(shop, views={"/xiebao/home/<string(minlength=2):name>": "Homes"}),
        "ERROR",
        ('home: The endpoint "xiebaohome" of the site handles', "Change XIEBAO_URL_PREFIX"),
    ),
    "another view at the way back": Row(
        partial(shop, views={"/xiebao/paid/<string(minlength=2):order>": "Paid"}),
        "ERROR",
        ('paid: The endpoint "xiebaopaid" of the site handles', "Change XIEBAO_URL_PREFIX"),
    ),
    # What is sent on
    "another page after payment": Row(
        partial(shop, after=to_thanks),
        "ERROR",
        ("paid: After payment, members are not redirected to the return_to", "to_thanks"),
    ),
    "pages": Row(
        partial(shop, after=show),
        "ERROR",
        (
            f"{EVERY_CLICK}: The response has status 200, but a redirect or an error page",
            "Look for a hook or middleware that changes the response",
        ),
    ),
    # Crashes
    "a hook that fails": Row(
        partial(shop, before=divide_by_zero),
        "ERROR",
        (
            f"{EVERY_CLICK}, member_loader: The request raised an exception. Fix the code",
            "Actual: ZeroDivisionError in divide_by_zero (tests/check/support.py:",
        ),
    ),
    "a hook that fails, and a handler that hides it": Row(
        partial(shop, hides_errors(500), before=divide_by_zero),
        "ERROR",
        (
            "got status 500 from a request hook, or from an error handler",
            "divide_by_zero",
        ),
    ),
    "a hook that exits": Row(
        partial(shop, before=stop), "ERROR", ("SystemExit in stop (", "Fix the code")
    ),
    "a hook that returns nothing": Row(
        partial(shop, lambda app: app.after_request(return_nothing)),
        "ERROR",
        ("A library raised an exception", ".return_nothing."),
    ),
    "a hook that makes a wrong link": Row(
        partial(
            shop, lambda app: app.before_request(lambda: app.extensions["xiebao"].product_link(""))
        ),
        "ERROR",
        ("caseCode is empty", "See <lambda> ("),
    ),
    "a link that cannot be made": Row(
        partial(shop, lambda app: app.url_defaults(add_language)),
        "ERROR",
        (
            f"{EVERY_CLICK}, member_loader: The request raised an exception",
            "AttributeError in add_language (",
        ),
    ),
    "a middleware that fails": Row(
        partial(shop, add_middleware(lambda inner: divide_by_zero)),
        "ERROR",
        ("every link: The request raised an exception", "ZeroDivisionError in divide_by_zero ("),
    ),
    "a loader that fails": Row(
        partial(shop, loader=divide_by_zero),
        "ERROR",
        (
            "member_loader: The request raised an exception. Fix the code that",
            "ZeroDivisionError in divide_by_zero (",
        ),
    ),
    "a loader that fails, and a handler that hides it": Row(
        partial(shop, hides_errors(200), loader=divide_by_zero),
        "ERROR",
        ("ZeroDivisionError in divide_by_zero (", "Fix the"),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_wrong_is_named_and_what_to_do(row: Row) -> None:
    is_said(row)


@pytest.mark.parametrize("handler", [default_handler, logging.lastResort], ids=repr)
def test_what_the_app_logs_of_an_error_is_not_shown(handler: logging.Handler) -> None:
    app = shop(before=divide_by_zero)
    app.logger.addHandler(handler)
    try:
        assert "ZeroDivisionError in divide_by_zero" in doctor(app)["ERROR"]
    finally:
        app.logger.removeHandler(handler)


def test_guard_that_refuses_post_to_return_link_is_a_warning() -> None:
    app = shop(before=lambda: ("No CSRF token", 400) if request.method == "POST" else None)
    said = doctor(app)
    assert 'csrf.exempt(app.view_functions["xiebao.paid"])' in said["WARNING"]
    is_said_in_chinese(app, said)
