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
from tests.check.support import Change, aborts, around, fails, limited
from tests.cli.support import Row, doctor, firewall, is_said, require_login, shop, with_hosts

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
        partial(shop, before=aborts(400)),
        "ERROR",
        ("a CSRF guard or a check of the host, perhaps: let the entries", "aborts"),
    ),
    "a login wall": Row(
        partial(shop, before=require_login),
        "ERROR",
        (
            f"{EVERY_CLICK}: Whoever clicks is sent to /login before the link is",
            'if request.blueprint == "xiebao": return',
        ),
    ),
    "a login wall of the blueprint": Row(
        partial(
            shop,
            lambda app: app.before_request_funcs.update(xiebao=[require_login]),
        ),
        "ERROR",
        ("Whoever clicks is sent to /login", "require_login"),
    ),
    "a login wall that says 401": Row(
        partial(shop, before=aborts(401)),
        "ERROR",
        ("gets 401 before the link is read, from a login", "aborts"),
    ),
    "a login wall of another site": Row(
        partial(shop, before=require_login_elsewhere),
        "ERROR",
        (
            "Whoever clicks is sent to https://sso.example/realms/xiebao/auth before the link is"
            " read",
            "require_login_elsewhere",
        ),
    ),
    "a firewall": Row(
        partial(shop, firewall),
        "ERROR",
        ("gets 403 before Flask looks for a view, from a middleware", "have it let"),
    ),
    "a limiter": Row(
        partial(shop, limited("0 per day")),
        "ERROR",
        (
            "gets 429 before the link is read, from a limiter: allow more",
            'limiter.exempt(app.blueprints["xiebao"])',
        ),
    ),
    # Hosts and paths
    "a check of the host": Row(
        partial(shop, before=check_host, XIEBAO_PUBLIC_URL=None),
        "ERROR",
        (
            "A click on localhost gets 400 before the link is read",
            "If the site is not on localhost, set XIEBAO_PUBLIC_URL",
        ),
        also=("XIEBAO_PUBLIC_URL is not set",),
    ),
    "a host that is not trusted": Row(
        partial(with_hosts, "www.shop.example"),
        "ERROR",
        (
            "every link: Flask has no view for the links on shop.example, and answers 400",
            "TRUSTED_HOSTS",
        ),
    ),
    "https alone": Row(
        partial(shop, Talisman, XIEBAO_PUBLIC_URL="http://shop.example"),
        "ERROR",
        (
            "Whoever clicks is sent to https://shop.example",
            "set XIEBAO_PUBLIC_URL to where the site is",
        ),
        also=("can be read in transit",),
    ),
    "slashes": Row(
        partial(shop, before=add_slash),
        "ERROR",
        (f"{EVERY_CLICK}: Whoever clicks is sent to another form of the same", "add_slash"),
    ),
    "small letters": Row(
        partial(shop, around(small)),
        "ERROR",
        (
            f"{EVERY_CLICK}: A link does not arrive as it was made",
            "have the paths of the entries left alone",
        ),
    ),
    # Werkzeug 3.2 refuses a rule that is there already; these are as good.
    "another view at the links": Row(
        partial(shop, views={"/xiebao/home/<string(minlength=2):name>": "Homes"}),
        "ERROR",
        ("home: The links lead to xiebaohome", "change XIEBAO_URL_PREFIX"),
    ),
    "another view at the way back": Row(
        partial(shop, views={"/xiebao/paid/<string(minlength=2):order>": "Paid"}),
        "ERROR",
        ("paid: The links lead to xiebaopaid", "change XIEBAO_URL_PREFIX"),
    ),
    # What is sent on
    "another page after payment": Row(
        partial(shop, after=to_thanks),
        "ERROR",
        ("paid: After payment, members do not come back to where the entry says", "to_thanks"),
    ),
    "pages": Row(
        partial(shop, after=show),
        "ERROR",
        (
            f"{EVERY_CLICK}: A page came where the browser should be sent on",
            "leave what the blueprint xiebao answers as it is",
        ),
    ),
    # Crashes
    "a hook that fails": Row(
        partial(shop, before=fails),
        "ERROR",
        (
            f"{EVERY_CLICK}, member_loader: It crashed, at the place",
            "It came: ZeroDivisionError in fails (tests/check/support.py:",
        ),
    ),
    "a hook that fails, and a handler that hides it": Row(
        partial(shop, hides_errors(500), before=fails),
        "ERROR",
        (
            "gets 500 before the link is read, from one of the site's hooks, or its handler of an"
            " err",
            "fails",
        ),
    ),
    "a hook that exits": Row(
        partial(shop, before=stop), "ERROR", ("SystemExit in stop (", "fix the code there")
    ),
    "a hook that returns nothing": Row(
        partial(shop, lambda app: app.after_request(return_nothing)),
        "ERROR",
        ("A library crashed over what the site gave it", ".return_nothing."),
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
            f"{EVERY_CLICK}, member_loader: It crashed",
            "AttributeError in add_language (",
        ),
    ),
    "a middleware that fails": Row(
        partial(shop, around(lambda inner: fails)),
        "ERROR",
        ("every link: It crashed", "ZeroDivisionError in fails ("),
    ),
    "a loader that fails": Row(
        partial(shop, loader=fails),
        "ERROR",
        (
            "member_loader: It crashed, at the place that is named: fix the code there",
            "ZeroDivisionError in fails (",
        ),
    ),
    "a loader that fails, and a handler that hides it": Row(
        partial(shop, hides_errors(200), loader=fails),
        "ERROR",
        ("ZeroDivisionError in fails (", "fix the"),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_wrong_is_named_and_what_to_do(row: Row) -> None:
    is_said(row)


@pytest.mark.parametrize("handler", [default_handler, logging.lastResort], ids=repr)
def test_what_the_app_logs_of_an_error_is_not_shown(handler: logging.Handler) -> None:
    app = shop(before=fails)
    app.logger.addHandler(handler)
    try:
        assert "ZeroDivisionError in fails" in doctor(app)["ERROR"]
    finally:
        app.logger.removeHandler(handler)
