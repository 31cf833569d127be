"""Tests for the rules of ``flask xiebao check`` about responses to clicks.

The rules are about statuses, URLs, headers and leaked secrets.

To test a rule, add a row to ``REDIRECTS``, ``HEADERS`` or ``HOOKS``. Each row changes the responses
of a site without a fault.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Response

from flask_xiebao import LinkError, XiebaoError
from tests.check.support import (
    ENTRY,
    ON_PAGE,
    WITH_LOGIN_VIEW,
    Change,
    MakeApp,
    add_middleware,
    assert_rules_fail,
    change_environ,
    change_headers,
    failing_row,
    get_failed_rules,
    make_login_shop,
    make_shop,
    replace_in_location,
    replace_status,
    rewrite_responses,
    run_check,
)
from tests.support import SIGN_OF_API_KEY, failing_function

pytestmark = pytest.mark.requires("html5lib")

#: The template of a page with one entry for each gateway page.
PAGE = (
    '{{ insurance_entry("QX1", return_to="/orders/8") }}{{ insurance_home_entry() }}'
    '{{ policy_entry("P1") }}'
)


def failing_response(id: str, rules: str, change: Change, text: str, **site: Any) -> Any:
    """Return a ``pytest.param`` with a site whose responses make ``flask xiebao check`` fail.

    :param rules: the names of all rules that the responses break, separated by spaces.
    :param change: a function that changes all responses of the site.
    :param text: a text that the report must contain.
    :param site: the arguments of ``make_shop``.
    """
    return failing_row(id, rules, text, partial(make_shop, change, page=PAGE, **site), **ON_PAGE)


#: One row per wrong status, URL or parameter of a redirect to the gateway, to the login page or to
#: the page after payment.
REDIRECTS = [
    failing_response("301", "status", replace_status(302, 301), "Found: 301. Expected: 302."),
    failing_response("307", "status", replace_status(302, 307), "Found: 307. Expected: 302."),
    failing_response("200", "status", replace_status(302, 200), "Found: 200. Expected: 302."),
    failing_response("500", "status", replace_status(302, 500), "Found: 500. Expected: 302."),
    failing_response(
        "404 as 403", "status", replace_status(404, 403), "✗ a click on a link with a wrong"
    ),
    failing_response(
        "401 as 403",
        "status",
        replace_status(401, 403),
        "Found: 403 login_required. Expected: 401.",
    ),
    *(
        failing_response(new, "address", replace_in_location(old, new), "Found: http")
        for old, new in [
            ("https://testapi.xiebao18.com", "https://testapi.xiebao18.com.evil.example"),
            ("https://testapi.", "http://testapi."),
            (".com/", ".com:8443/"),
            ("/dispatch/cps?", "/dispatch/cps/index?"),
        ]
    ),
    failing_response(
        "address behind handoff page",
        "address",
        replace_in_location("/dispatch/cps/index", "/dispatch/cps/start"),
        "✗ /page · home [address]",
    ),
    failing_response(
        "login without next",
        "login",
        replace_in_location("next=", "page="),
        "Found: next=—.",
        **WITH_LOGIN_VIEW,
        views={"/login": "Log in"},
    ),
    *(
        failing_response(f"{old} as {new}", "parameter", replace_in_location(old, new), text)
        for old, new, text in [
            ("platform=1", "platform=3", "Found: platform=…. Expected: platform=1."),
            ("subPartnerId=&", "", "Found: subPartnerId=—. Expected: subPartnerId=."),
            ("platform=1", "platform=1&platform=1", "Found: platform=…. Expected: platform=1."),
            (
                "platform=1",
                "platform=1&utm_source=shop",
                "Found: utm_source=…. Expected: utm_source=—.",
            ),
            ("sign=", "sign=0", "Found: sign=…."),
            ("partnerUniqKey=Check", "partnerUniqKey=Chock", "Found: partnerUniqKey="),
            ("insureNum=P", "insureNum=X", "✗ /page · policy P1 [parameter]"),
            ("paySuccess=", "paySuccess=-", "Found: paySuccess=—. Expected: paySuccess=https:"),
            ("paySuccess=", "back=", "set XIEBAO_PUBLIC_URL"),
        ]
    ),
    failing_response(
        "paySuccess with another URL",
        "way_back",
        replace_in_location("paySuccess=", "paySuccess=AAAA"),
        "Expected: https://localhost/….",
    ),
    failing_response(
        "return link with another target",
        "way_back",
        replace_in_location("/orders/", "/elsewhere/"),
        "Found: 302 /elsewhere/…. Expected: 302 /orders/….",
    ),
    failing_response(
        "behind a proxy with a wrong Host",
        "handoff way_back",
        change_environ(HTTP_HOST="127.0.0.1:8000"),
        "✗ /page · home, ",
    ),
]


def make_member_redirects_public(inner: Any) -> Any:
    """Wrap an app, so that shared caches may store members' redirects to the gateway.

    Some CDN rules have this effect. A request hook could not do this, because the extension
    corrects headers after all request hooks.
    """

    def call_app(environ: Any, start_response: Any) -> Any:
        response = Response.from_app(inner, environ)
        has_session = "session=" in environ.get("HTTP_COOKIE", "")
        if has_session and (response.location or "").startswith("https://testapi.xiebao18.com/"):
            response.headers["Cache-Control"] = "public, max-age=600"
        return response(environ, start_response)

    return call_app


#: One row per missing, changed or added response header.
HEADERS = [
    *(
        failing_response(
            f"no {name}", "header", change_headers(without=[name]), f"Found: {name}: —."
        )
        for name in ("Referrer-Policy", "X-Robots-Tag")
    ),
    failing_response(
        "public responses",
        "header private",
        change_headers(("Cache-Control", "public, max-age=60"), without=["Cache-Control"]),
        "Found: Cache-Control: public, max-age=60. Expected: Cache-Control: no-store.",
    ),
    # Only logged-in members meet this fault, because the middleware reads the session cookie.
    failing_row(
        "public redirects of members",
        "header",
        "✗ /page · product QX1, a member's click on a product link [header]",
        partial(make_login_shop, add_middleware(make_member_redirects_public), page=ENTRY),
        member=7,
        **ON_PAGE,
    ),
    *(
        failing_row(
            f"signature in {text}: {value}",
            "secret",
            f"Found: {text}.",
            partial(make_shop, change_headers((text, value), (text, "theme=dark"))),
        )
        for text, value in [
            ("X-Sign", SIGN_OF_API_KEY),
            ("Set-Cookie", "last=%33e630AA9d45ff943dbb939202f3f247a"),
        ]
    ),
]


class SiteError(XiebaoError):
    """A site's own subclass of the extension's exception ``XiebaoError``."""


def add_redirect_body(response: Response) -> None:
    if response.location:
        response.set_data(f'<a href="{response.location}">Redirecting</a>')


#: One row per fault that an ``after_request`` hook causes, or that is in the headers of a page.
HOOKS = [
    *(
        failing_row(
            f"{type(error).__name__}, TESTING={testing}",
            "crash",
            f"{type(error).__name__} in raise_error",
            partial(make_shop, after=failing_function(error), TESTING=testing),
        )
        # Reports show the messages of exceptions that the extension raises. If the site raises an
        # exception of the same class, reports must hide its message.
        for error, testing in [
            (ValueError("hunter2"), False),
            (SiteError("hunter2"), False),
            (LinkError("hunter2"), True),
        ]
    ),
    failing_row("body", "secret", "Found: body.", partial(make_shop, after=add_redirect_body)),
    failing_row(
        "signature on the login page",
        "secret",
        "✗ an anonymous visitor's click on a product link [secret]",
        partial(
            make_shop,
            views={"/login": ("Log in", {"X-Debug": SIGN_OF_API_KEY})},
            **WITH_LOGIN_VIEW,
        ),
    ),
]

#: All table rows of this file, for faulty sites. ``flask xiebao check`` must find each fault.
ROWS = [*REDIRECTS, *HEADERS, *HOOKS]


@pytest.mark.parametrize(("site", "rules", "text", "options"), ROWS)
def test_check_fails_for_changed_response(
    site: MakeApp, rules: set[str], text: str, options: Any
) -> None:
    assert_rules_fail(site, rules, text, options)


def test_check_reports_same_failure_once() -> None:
    cookies = [("Set-Cookie", f"{name}={SIGN_OF_API_KEY}") for name in ("last", "first")]
    report = run_check(make_shop(change_headers(*cookies)))
    assert len(report.failed) == 6
    assert all(len(result.failures) == 1 for result in report.failed)


@pytest.mark.parametrize("place", ["hook", "middleware"])
@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("shop", lambda logger, text: logger.info("Gone to %s", text)),
        ("shop.clicks", lambda logger, text: logger.warning("Gone", extra={"to": text})),
        ("shop.mail", lambda logger, text: logger.warning("Gone", exc_info=ValueError(text))),
    ],
    ids=["message", "extra", "exception"],
)
def test_signature_in_log_is_reported_with_place(
    caplog: pytest.LogCaptureFixture, name: str, log: Callable[..., None], place: str
) -> None:
    logger = logging.getLogger(name)
    caplog.set_level("INFO", name)

    def log_from_hook(response: Response) -> None:
        log(logger, str(response.location))

    def log_from_middleware(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        log(logger, str(dict(headers).get("Location")))
        return status, headers

    app = (
        make_shop(after=log_from_hook)
        if place == "hook"
        else make_shop(rewrite_responses(log_from_middleware))
    )
    report = run_check(app)

    assert get_failed_rules(report) == {"secret"}
    assert f"log of {name} (test_response_rules.py:" in str(report)
    assert SIGN_OF_API_KEY not in str(report)
