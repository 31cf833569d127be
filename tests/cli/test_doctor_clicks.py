"""Tests for ``flask xiebao doctor`` on sites that block or change clicks on entries.

To test another site, add a row to ``CASES``. The doctor makes the same clicks as ``flask xiebao
check``. The tests in ``tests/check`` cover the problems that the clicks detect. The tests in this
file cover the doctor's messages about these problems.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from flask import Response, abort, g, redirect, request
from flask.logging import default_handler

from tests.check.support import Change, abort_with, add_middleware, divide_by_zero, limit_requests
from tests.cli.support import (
    DoctorCase,
    add_firewall,
    assert_doctor_reports,
    make_shop,
    make_shop_with_trusted_hosts,
    redirect_to_login,
    run_doctor,
)
from tests.requirements import import_later
from tests.support import failing_function

#: The doctor's two clicks: a member's, and an anonymous visitor's.
ALL_CLICKS = "every link"


# Hooks that block clicks


def redirect_to_sso() -> Any:
    return redirect("https://sso.example/realms/xiebao/auth?client=1")


def redirect_to_trailing_slash() -> Any:
    return None if request.path.endswith("/") else redirect(f"{request.path}/")


def add_missing_language(endpoint: str, values: dict[str, Any]) -> None:
    values["language"] = g.language


def hide_errors(status: int) -> Change:
    return lambda app: app.register_error_handler(Exception, lambda error: ("Oops", status))


# Hooks and middleware that change requests or responses


def redirect_to_thanks(response: Response) -> None:
    if request.endpoint == "xiebao.paid":
        response.location = "/thanks/"


def set_status_200(response: Response) -> None:
    response.status_code = 200


def return_nothing(response: Response) -> None:
    """Return None, although Flask requires an after_request function to return a response."""


def lowercase_paths(inner: Any) -> Any:
    return lambda environ, start: inner(
        {**environ, "PATH_INFO": environ["PATH_INFO"].lower()}, start
    )


#: One row per site: the function that builds the site, the level of the findings that ``flask
#: xiebao doctor`` must report, texts of these findings, and optionally texts of other findings.
CASES: dict[str, DoctorCase] = {
    # Request hooks, login walls and rate limits
    "hook that aborts with 400": DoctorCase(
        partial(make_shop, before=abort_with(400)),
        "ERROR",
        (
            f"{ALL_CLICKS}: A request hook or an extension of the site refuses the click before"
            " Flask-Xiebao reads the link",
            'if request.blueprint == "xiebao": return',
            "abort_with",
        ),
    ),
    "login wall of the app": DoctorCase(
        partial(make_shop, before=redirect_to_login),
        "ERROR",
        (
            f"{ALL_CLICKS}: The click is redirected before Flask-Xiebao reads",
            "Found: 302 /login.",
            'if request.blueprint == "xiebao": return',
        ),
    ),
    "login wall of the xiebao blueprint": DoctorCase(
        partial(
            make_shop,
            lambda app: app.before_request_funcs.update(xiebao=[redirect_to_login]),
        ),
        "ERROR",
        ("Found: 302 /login.", "redirect_to_login"),
    ),
    "login wall that redirects to another site": DoctorCase(
        partial(make_shop, before=redirect_to_sso),
        "ERROR",
        (
            "Found: 302 https://sso.example/realms/xiebao/auth.",
            "redirect_to_sso",
        ),
    ),
    "firewall middleware": DoctorCase(
        partial(make_shop, add_firewall),
        "ERROR",
        (
            "Found: 403 https://shop.example/xiebao/product/",
            "no middleware or other app handles URLs below XIEBAO_URL_PREFIX",
        ),
    ),
    "rate limiter": DoctorCase(
        partial(make_shop, limit_requests("0 per day")),
        "ERROR",
        (
            f"{ALL_CLICKS}: A rate limiter refuses the click. Raise the limit",
            'limiter.exempt(app.blueprints["xiebao"])',
        ),
    ),
    # Hosts and paths in the URLs of links
    "hook that rejects other hosts": DoctorCase(
        partial(
            make_shop,
            before=lambda: None if request.host == "shop.example" else abort(400),
            XIEBAO_PUBLIC_URL=None,
        ),
        "ERROR",
        (
            f"{ALL_CLICKS}: A request hook or an extension of the site refuses the click",
            "Usual causes are a login check, CSRF protection and a check of the host",
        ),
        further_problems=("XIEBAO_PUBLIC_URL is not set",),
    ),
    "host missing in TRUSTED_HOSTS": DoctorCase(
        partial(make_shop_with_trusted_hosts, "www.shop.example"),
        "ERROR",
        (
            "Found: 400 https://shop.example/xiebao/product/",
            "Check that SERVER_NAME and TRUSTED_HOSTS accept the host",
        ),
    ),
    "redirect from HTTP to HTTPS": DoctorCase(
        partial(
            make_shop,
            import_later("flask_talisman:Talisman"),
            XIEBAO_PUBLIC_URL="http://shop.example",
        ),
        "ERROR",
        (
            f"{ALL_CLICKS}: The click is redirected before",
            "If the site is at another address, set XIEBAO_PUBLIC_URL",
            "Found: 302 https://shop.example/xiebao/product/….",
        ),
        further_problems=("are not encrypted",),
    ),
    "redirect to trailing slash": DoctorCase(
        partial(make_shop, before=redirect_to_trailing_slash),
        "ERROR",
        (
            "Found: 302 /xiebao/product/…/.",
            "redirect_to_trailing_slash",
        ),
    ),
    "middleware that lowercases paths": DoctorCase(
        partial(make_shop, add_middleware(lowercase_paths)),
        "ERROR",
        (
            "The visitor does not get to the gateway, because the link was not signed by this site"
            ", was changed on the page or on the way",
            "hook or middleware changes the URL",
        ),
    ),
    # Werkzeug 3.2 rejects a second view with the same URL rule, so the URL rules of these views
    # differ slightly from the extension's URL rules.
    "other view at the URL of links": DoctorCase(
        partial(make_shop, views={"/xiebao/product/<string(minlength=2):name>": "Coats"}),
        "ERROR",
        (
            "The click opens another view of the site instead of the insurance page",
            "Change XIEBAO_URL_PREFIX",
        ),
    ),
    "other view at the URL of return links": DoctorCase(
        partial(make_shop, views={"/xiebao/paid/<string(minlength=2):order>": "Paid"}),
        "ERROR",
        ("product: The click opens another view of the site", "Found: 200 xiebaopaid."),
    ),
    # Responses that the site changes
    "hook that changes the return URL": DoctorCase(
        partial(make_shop, after=redirect_to_thanks),
        "ERROR",
        (
            "product: After payment, the member does not see the page that the entry names",
            "redirect_to_thanks",
        ),
    ),
    "hook that sets status 200": DoctorCase(
        partial(make_shop, after=set_status_200),
        "ERROR",
        (
            "product: The response to the click has the wrong status",
            "Look for a hook, an error handler or a middleware that changes responses",
            "set_status_200",
            "login: The response to the click has the wrong status",
        ),
        further_problems=(
            "login: The response to the click has the wrong status",
            "Found: 200 invalid_link. Expected: 404.",
        ),
    ),
    # Exceptions in the site's code
    "before_request hook that raises": DoctorCase(
        partial(make_shop, before=divide_by_zero),
        "ERROR",
        (
            "product: The site raises an exception, so the visitor gets an error page",
            "Found: ZeroDivisionError in divide_by_zero (tests/check/support.py:",
        ),
    ),
    "error handler that hides exception of hook": DoctorCase(
        partial(make_shop, hide_errors(500), before=divide_by_zero),
        "ERROR",
        (
            "product: The site raises an exception, so the visitor gets an error page",
            "divide_by_zero",
        ),
    ),
    "hook that calls sys.exit": DoctorCase(
        partial(make_shop, before=failing_function(SystemExit(0))),
        "ERROR",
        ("SystemExit in raise_error (", "Fix the code that raises the exception"),
    ),
    "after_request hook that returns None": DoctorCase(
        partial(make_shop, lambda app: app.after_request(return_nothing)),
        "ERROR",
        (
            "The site raises an exception, so the visitor gets an error page",
            "product, changed link: ",
        ),
    ),
    "hook that builds invalid link": DoctorCase(
        partial(
            make_shop,
            lambda app: app.before_request(lambda: app.extensions["xiebao"].product_link("")),
        ),
        "ERROR",
        ("caseCode is empty", "See <lambda> ("),
    ),
    "url_defaults that raise": DoctorCase(
        partial(make_shop, lambda app: app.url_defaults(add_missing_language)),
        "ERROR",
        (
            "product: The site raises an exception",
            "AttributeError in add_missing_language (",
        ),
    ),
    "middleware that raises": DoctorCase(
        partial(make_shop, add_middleware(lambda inner: divide_by_zero)),
        "ERROR",
        ("every link: The site raises an exception", "ZeroDivisionError in divide_by_zero ("),
    ),
    "member_loader that raises": DoctorCase(
        partial(make_shop, loader=divide_by_zero),
        "ERROR",
        (
            "login: The site raises an exception",
            "ZeroDivisionError in divide_by_zero (",
        ),
    ),
    "error handler that hides exception of member_loader": DoctorCase(
        partial(make_shop, hide_errors(200), loader=divide_by_zero),
        "ERROR",
        ("ZeroDivisionError in divide_by_zero (", "Fix the code that raises the exception"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_doctor_reports_cause_of_failed_clicks(case: DoctorCase) -> None:
    assert_doctor_reports(case)


@pytest.mark.parametrize("handler", [default_handler, logging.lastResort], ids=repr)
def test_doctor_output_has_no_log_records_of_app(
    handler: logging.Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_shop(before=divide_by_zero)
    monkeypatch.setattr(app.logger, "handlers", [handler])

    # If the output had a log record, run_doctor() could not parse the output.
    assert "ZeroDivisionError in divide_by_zero" in run_doctor(app)["ERROR"]
