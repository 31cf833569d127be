"""What ``flask xiebao doctor`` says of sites that stop or change the clicks that it makes.

Each site is a row of ``ROWS``. The clicks are those of ``flask xiebao check``: what they find, and
what they do not, is tested in ``tests/check``. Here is what becomes of it for whoever reads it.
"""

from __future__ import annotations

import logging
import re
import sys
from functools import partial
from typing import Any

import pytest
from flask import Response, abort, g, redirect, request, session
from flask.logging import default_handler
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from flask_xiebao import (
    Xiebao,
    XiebaoError,
    entry_clicked,
    entry_refused,
    payment_returned,
)
from tests.cli.support import (
    Row,
    after,
    around,
    before,
    complaints,
    doctor,
    is_said,
    limited,
    shop,
    with_hosts,
)

EVERY_CLICK = "product, home, policy, paid, login"


# Hooks that stand in the way


def check_token() -> None:
    if request.args.get("token") != "expected":
        abort(400)


def require_login() -> Any:
    if "member" in session or request.endpoint == "login":
        return None
    return redirect(f"/login?next={request.path}")


def require_login_by_401() -> None:
    abort(401)


def require_login_elsewhere() -> Any:
    return redirect("https://sso.example/realms/xiebao/auth?client=1")


def require_login_save_for_entries() -> Any:
    return None if request.blueprint == "xiebao" else require_login()


def check_host() -> None:
    if request.host != "shop.example":
        abort(400)


def to_www() -> Any:
    if request.host == "www.shop.example":
        return None
    return redirect(f"https://www.shop.example{request.path}", 301)


def add_slash() -> Any:
    return None if request.path.endswith("/") else redirect(f"{request.path}/")


def count_visits() -> None:
    raise ConnectionError("redis://user:hunter2@host")


def stop() -> None:
    sys.exit(0)


class ShopError(XiebaoError):
    """An error of the site's own."""


def look() -> None:
    raise ShopError("hunter2")


def add_language(endpoint: str, values: dict[str, Any]) -> None:
    values["language"] = g.language


# Hooks that change what is answered


def add_source(response: Response) -> Response:
    if response.location:
        response.location += "&utm_source=shop"
    return response


def everybody_is_8(response: Response) -> Response:
    if response.location:
        response.location = re.sub("partnerUniqKey=[^&]*", "partnerUniqKey=8", response.location)
    return response


def to_thanks(response: Response) -> Response:
    if request.endpoint == "xiebao.paid":
        response.location = "/thanks/"
    return response


def show(response: Response) -> Response:
    response.status_code = 200
    return response


def see_other(response: Response) -> Response:
    response.status_code = 303 if response.status_code == 302 else response.status_code
    return response


def return_nothing(response: Response) -> None:
    """Forget to return the response."""


# Middlewares


def firewall(inner: Any) -> Any:
    return Response("no", 403)


def broken(inner: Any) -> Any:
    def fails(environ: Any, start_response: Any) -> Any:
        raise KeyError("hunter2")

    return fails


def small(inner: Any) -> Any:
    def letters(environ: Any, start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].lower()
        return inner(environ, start_response)

    return letters


# A loader


def current_member() -> str:
    raise ConnectionError("postgres://user:hunter2@host")


ROWS: dict[str, Row] = {
    # Guards, walls and limits
    "a guard": Row(
        partial(shop, before(check_token)),
        "ERROR",
        ("a CSRF guard or a check of the host, perhaps: let the entries", "check_token"),
    ),
    "a login wall": Row(
        partial(shop, before(require_login)),
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
        partial(shop, before(require_login_by_401)),
        "ERROR",
        ("gets 401 before the link is read, from a login", "require_login_by_401"),
    ),
    "a login wall of another site": Row(
        partial(shop, before(require_login_elsewhere)),
        "ERROR",
        (
            "Whoever clicks is sent to https://sso.example/realms/xiebao/auth before the link is"
            " read",
            "require_login_elsewhere",
        ),
    ),
    "a firewall": Row(
        partial(shop, around(firewall)),
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
        partial(shop, before(check_host), XIEBAO_PUBLIC_URL=None),
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
    "another host": Row(
        partial(shop, before(to_www)),
        "ERROR",
        (
            "Whoever clicks is sent to https://www.shop.example",
            "set XIEBAO_PUBLIC_URL to where the site is",
        ),
    ),
    "https alone": Row(
        partial(shop, Talisman, XIEBAO_PUBLIC_URL="http://shop.example"),
        "ERROR",
        (
            "Whoever clicks is sent to https://shop.example",
            "set XIEBAO_PUBLIC_URL to where the site is",
        ),
        also=("can be read on their way",),
    ),
    "slashes": Row(
        partial(shop, before(add_slash)),
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
        partial(shop, views={"homes": "/xiebao/home/<string(minlength=2):name>"}),
        "ERROR",
        ("home: The links lead to homes", "change XIEBAO_URL_PREFIX"),
    ),
    "another view at the way back": Row(
        partial(shop, views={"paid_orders": "/xiebao/paid/<string(minlength=2):order>"}),
        "ERROR",
        ("paid: The links lead to paid_orders", "change XIEBAO_URL_PREFIX"),
    ),
    # What is sent on
    "more parameters": Row(
        partial(shop, after(add_source)),
        "ERROR",
        (
            "product, home, policy, paid: The gateway gets something other than the document asks"
            " for",
            "add_source. It came: utm_source=shop",
        ),
        also=("paid: After payment, members do not come back to where",),
    ),
    "one member for all": Row(
        partial(shop, after(everybody_is_8)),
        "ERROR",
        ("product, home, policy, paid: To the gateway it is another member", "everybody_is_8"),
    ),
    "another page after payment": Row(
        partial(shop, after(to_thanks)),
        "ERROR",
        ("paid: After payment, members do not come back to where the entry says", "to_thanks"),
    ),
    "pages": Row(
        partial(shop, after(show)),
        "ERROR",
        (
            f"{EVERY_CLICK}: A page came where the browser should be sent on",
            "leave what the blueprint xiebao answers as it is",
        ),
    ),
    "303": Row(
        partial(shop, after(see_other)),
        "ERROR",
        ("product, home, policy, paid: Something on the site changes the redirect", "see_other"),
    ),
    # Crashes
    "a hook that fails": Row(
        partial(shop, before(count_visits)),
        "ERROR",
        (
            f"{EVERY_CLICK}, member_loader: It crashed, at the place",
            "It came: ConnectionError in count_visits (tests/cli/test_doctor_clicks.py:",
        ),
    ),
    "a hook that fails, and a handler that hides it": Row(
        partial(
            shop,
            before(count_visits),
            lambda app: app.register_error_handler(Exception, lambda error: ("Oops", 500)),
        ),
        "ERROR",
        (
            "gets 500 before the link is read, from one of the site's hooks, or its handler of an"
            " err",
            "count_visits",
        ),
    ),
    "a hook that exits": Row(
        partial(shop, before(stop)), "ERROR", ("SystemExit in stop (", "fix the code there")
    ),
    "a hook that returns nothing": Row(
        partial(shop, after(return_nothing)),
        "ERROR",
        ("A library crashed over what the site gave it", ".return_nothing."),
    ),
    "an error that is one of ours": Row(
        partial(shop, before(look)), "ERROR", ("ShopError in look (", "fix the code there")
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
        partial(shop, around(broken)),
        "ERROR",
        ("every link: It crashed", "KeyError in fails ("),
    ),
    "a loader that fails": Row(
        partial(shop, loader=current_member),
        "ERROR",
        (
            "member_loader: It crashed, at the place that is named: fix the code there",
            "ConnectionError in current_member (",
        ),
    ),
    "a loader that fails, and a handler that hides it": Row(
        partial(
            shop,
            lambda app: app.register_error_handler(Exception, lambda error: ("Oops", 200)),
            loader=current_member,
        ),
        "ERROR",
        ("ConnectionError in current_member (", "fix the"),
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_wrong_is_named_and_what_to_do(row: Row) -> None:
    is_said(row)


CURED = {
    "a guard of Flask-WTF": partial(shop, CSRFProtect, WTF_CSRF_METHODS=["GET", "HEAD", "POST"]),
    "a limiter": partial(shop, limited("0 per day", "xiebao")),
    "a login wall": partial(
        shop, before(require_login_save_for_entries), views={"login": "/login"}
    ),
}


@pytest.mark.parametrize("site", CURED.values(), ids=CURED)
def test_its_advice_is_a_cure(site: Any) -> None:
    assert complaints(doctor(site())) == []


def test_nobody_hears_of_the_doctors_clicks(caplog: pytest.LogCaptureFixture) -> None:
    app = shop(loader=lambda: "mary")  # so that the first click is refused
    xiebao: Xiebao = app.extensions["xiebao"]
    heard: list[str] = []

    @xiebao.click_guard
    def guard(member: str, entry: Any) -> bool:
        heard.append(member)
        return False

    def hear(_app: Any, **_: Any) -> None:
        heard.append("a signal")

    for signal in (entry_clicked, entry_refused, payment_returned):
        signal.connect(hear, app)
    assert doctor(app)["ERROR"] == ""
    assert heard == []
    assert [record for record in caplog.records if record.name == "flask_xiebao"] == []
    with app.test_request_context():
        link = xiebao.home_link()
    # No visitor can say that a click is the doctor's.
    pretended = {"flask_xiebao.rehearsal": "1", "Flask-Xiebao-Rehearsal": "1"}
    assert app.test_client().get(link, headers=pretended).status_code == 403
    assert heard == ["mary", "a signal"]


def test_each_click_is_a_request_of_its_own() -> None:
    def begin() -> None:
        assert "begun" not in g, "the g of another request"
        g.begun = True

    assert doctor(shop(before(begin)))["ERROR"] == ""


@pytest.mark.parametrize("handler", [default_handler, logging.lastResort], ids=repr)
def test_what_the_app_logs_of_an_error_is_not_shown(handler: logging.Handler) -> None:
    app = shop(before(count_visits))
    app.logger.addHandler(handler)
    try:
        assert "ConnectionError in count_visits" in doctor(app)["ERROR"]
    finally:
        app.logger.removeHandler(handler)
