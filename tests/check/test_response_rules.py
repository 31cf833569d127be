"""Tests for the rules of ``flask xiebao check`` about responses to clicks.

The rules are about statuses, URLs, headers and leaked secrets.

To test a rule, add a row to ``STATUSES``, ``ADDRESSES``, ``PARAMETERS``, ``RETURN_URLS``,
``HEADERS``, ``REFUSALS`` or ``HOOKS``. Each row changes the responses of a site without a fault.

If only logged-in members meet the fault, build the row with ``failing_row``, ``make_login_shop``
and ``member=7``, as in the row "public redirects of members" of ``HEADERS``. Without ``member``,
the check uses placeholder members, who have no session cookie, so the check misses the fault.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Response, session

from flask_xiebao import LinkError, XiebaoError, entry_clicked
from tests.check.support import (
    ENTRY,
    WITH_LOGIN_VIEW,
    Change,
    MakeApp,
    add_middleware,
    append_html,
    assert_rules_fail,
    change_headers,
    divide_by_zero,
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

ONE_CASE: dict[str, Any] = {"only": ["product-plain"], "devices": ["iphone"]}


def failing_response(
    id: str,
    rules: str,
    change: Change,
    *messages: str,
    case: str = "product-plain",
    device: str = "iphone",
    **site: Any,
) -> Any:
    """Return a ``pytest.param`` with a site whose responses make ``flask xiebao check`` fail.

    :param rules: the names of all rules that the responses break, separated by spaces.
    :param change: a function that changes all responses of the site.
    :param messages: texts that the report must contain.
    :param case: the only test case to run.
    :param device: the device on which the test case runs.
    :param site: the arguments of ``make_shop``.
    """
    make_app = partial(make_shop, change, **site)
    return failing_row(id, rules, make_app, *messages, only=[case], devices=[device])


#: One row per wrong response status: the row's id, the rule that the response breaks, and the
#: function that makes the site send this status.
STATUSES = [
    failing_response("301", "status.301", replace_status(302, 301), "Actual: 301"),
    failing_response("303", "status.303", replace_status(302, 303), "The redirect has status 303"),
    failing_response("307", "status", replace_status(302, 307), "Actual: 307"),
    failing_response("308", "status.308", replace_status(302, 308)),
    failing_response("200", "status.200", replace_status(302, 200)),
    failing_response("500", "status.500", replace_status(302, 500)),
    failing_response("403 as 404", "status.404", replace_status(403, 404), case="product-another"),
    failing_response("404 as 403", "status", replace_status(404, 403), case="product-changed"),
    failing_response("410 as 404", "status.404", replace_status(410, 404), case="product-expired"),
    failing_response("410 as 303", "status", replace_status(410, 303), case="product-expired"),
    failing_response("401 as 403", "status", replace_status(401, 403), case="product-visitor"),
    failing_response("200 as 302", "status.302", replace_status(200, 302), case="product-htmx"),
    failing_response("200 as 503", "status", replace_status(200, 503), case="product-htmx"),
]

#: One row per redirect to a wrong URL. The redirect should lead to the gateway or to the login
#: page.
ADDRESSES = [
    *(
        failing_response(new, "address", replace_in_location(old, new))
        for old, new in [
            ("https://testapi.", "https://api."),
            ("https://testapi.xiebao18.com", "https://testapi.xiebao18.com.evil.example"),
            ("https://testapi.", "http://testapi."),
            (".com/", ".com:8443/"),
            ("/dispatch/cps?", "/dispatch/cps/?"),
            ("/dispatch/cps?", "/dispatch/cps/index?"),
            ("https://testapi.xiebao18.com", "http://[evil"),
            (".xiebao18.com", "..com"),
        ]
    ),
    failing_response(
        "address behind handoff page",
        "address",
        replace_in_location("https://testapi.xiebao18.com", "http://[evil"),
        case="home-plain",
        device="pc",
    ),
    failing_response(
        "other login page",
        "login",
        replace_in_location("/login", "/sign-in"),
        case="product-visitor",
        **WITH_LOGIN_VIEW,
        views={"/login": "Log in"},
    ),
    failing_response(
        "login page without next",
        "login.next",
        replace_in_location("next=", "page="),
        case="product-visitor",
        **WITH_LOGIN_VIEW,
        views={"/login": "Log in"},
    ),
]

#: One row per changed, missing or unknown parameter of a gateway URL.
PARAMETERS = [
    *(
        failing_response(f"{old} as {new}", rule, replace_in_location(old, new))
        for old, new, rule in [
            ("platform=1", "platform=3", "parameter.platform"),
            ("platform=1", "platform=", "parameter.platform"),
            ("&platform=1", "", "parameter.platform"),
            ("platform=1", "platform=1&platform=1", "parameter.platform"),
            ("partnerId=12345", "partnerId=12346", "parameter.partnerId"),
            ("subPartnerId=&", "", "parameter.subPartnerId"),
            ("sign=", "sign=0", "parameter.sign"),
            ("caseCode=QX", "caseCode=qx", "parameter.caseCode"),
        ]
    ),
    failing_response(
        "unknown parameter",
        "parameter",
        replace_in_location("platform=1", "platform=1&utm_source=shop"),
        "or is not defined in Xiebao's interface document",
        "Actual: utm_source=shop",
    ),
    failing_response(
        "another member",
        "parameter.partnerUniqKey",
        replace_in_location("partnerUniqKey=Check", "partnerUniqKey=Chock"),
        "so the gateway takes the member for another member",
    ),
    failing_response(
        "misspelled partnerUniqKey",
        "parameter parameter.partnerUniqKey",
        replace_in_location("partnerUniqKey", "partnerUniqueKey"),
    ),
    failing_response(
        "insureNum",
        "parameter.insureNum",
        replace_in_location("insureNum=QX", "insureNum=XQ"),
        case="policy-plain",
    ),
]

#: One row per wrong or missing URL in ``paySuccess``, in a return link or in a QR code.
RETURN_URLS = [
    *(
        failing_response(
            f"paySuccess={new}",
            "parameter.paySuccess",
            replace_in_location("paySuccess=", f"paySuccess={new}"),
            message,
            case="product-return",
        )
        for new, message in [
            ("-", "paySuccess: pay_success_url_safe"),
            ("%20", "paySuccess: pay_success_plus"),
            ("A", "paySuccess: pay_success_base64"),
            ("AAAA", "paySuccess: pay_success_url"),
            ("&paySuccess=", "paySuccess: repeated"),
        ]
    ),
    failing_response(
        "no paySuccess",
        "parameter.paySuccess parameter",
        replace_in_location("paySuccess=", "back="),
        "Actual: paySuccess=—. Expected: paySuccess=….",
        case="product-return",
    ),
    *(
        failing_response(
            f"{case} behind proxy with wrong Host",
            rule,
            add_middleware(
                lambda inner: (
                    lambda environ, start: inner({**environ, "HTTP_HOST": "127.0.0.1:8000"}, start)
                )
            ),
            case=case,
            device=device,
        )
        for case, device, rule in [
            ("product-return", "iphone", "way_back.host"),
            ("home-plain", "pc", "handoff.host"),
        ]
    ),
    failing_response(
        "return link with another target",
        "back",
        replace_in_location("/orders/", "/elsewhere/"),
        case="product-return",
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
        failing_response(f"no {name}", f"header.{name.lower()}", change_headers(without=[name]))
        for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")
    ),
    *(
        failing_response(f"{name}: {value}", "header.cache-control", change_headers((name, value)))
        for name, value in [
            ("Cache-Control", "max-age=60"),
            ("Expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
            ("CDN-Cache-Control", "max-age=60"),
            ("Surrogate-Control", "max-age=60"),
        ]
    ),
    # Only the test case ``product-plain`` fails, because a logged-in member is redirected to the
    # gateway. In ``product-bearer``, the redirected visitor is anonymous, so the middleware does
    # not change the response.
    failing_row(
        "public redirects of members",
        "header.cache-control",
        partial(make_login_shop, add_middleware(make_member_redirects_public)),
        "Actual: Cache-Control: public, max-age=600. Expected: Cache-Control: no-store.",
        failed_cases="product-plain",
        member=7,
        only=["product-plain", "product-bearer", "product-visitor", "product-changed"],
    ),
    failing_response(
        "no nosniff and no frame-ancestors",
        "header.nosniff header.frames",
        change_headers(without=["X-Content-Type-Options", "Content-Security-Policy"]),
        case="product-changed",
    ),
    failing_response(
        "Refresh",
        "header.refresh",
        change_headers(("Refresh", "0; url=https://evil.example/")),
    ),
    failing_response(
        "signature in a header", "secret", change_headers(("X-Sign", SIGN_OF_API_KEY))
    ),
    failing_response(
        "encoded signature in a cookie",
        "secret",
        change_headers(("Set-Cookie", "last=%33e630AA9d45ff943dbb939202f3f247a")),
        "Set-Cookie: sign",
    ),
    failing_response(
        "signature in the first of two cookies",
        "secret",
        change_headers(("Set-Cookie", f"last={SIGN_OF_API_KEY}"), ("Set-Cookie", "theme=dark")),
        "Set-Cookie: sign",
    ),
]


def send_refusals_as_text(response: Response) -> None:
    if response.status_code == 403:
        response.mimetype = "text/plain"


#: One row per test site with a wrong response to a refused click.
REFUSALS = [
    failing_row(
        "JSON without reason",
        "json",
        partial(
            make_shop, after=lambda response: response.set_data("{}") if response.is_json else None
        ),
        only=["product-another-json"],
    ),
    failing_row(
        "plain text",
        "notice",
        partial(make_shop, after=send_refusals_as_text),
        only=["product-another"],
    ),
]


class SiteError(XiebaoError):
    """A site's own subclass of the extension's exception ``XiebaoError``."""


def add_redirect_body(response: Response) -> None:
    if response.location:
        response.set_data(f'<a href="{response.location}">Redirecting</a>')


def add_compressed_body(response: Response) -> None:
    """Add a compressed body to redirects, whether or not the request accepts compression."""
    add_redirect_body(response)
    response.set_data(gzip.compress(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"


#: One row per fault that an ``after_request`` hook causes, or that is in the headers of a page.
HOOKS = [
    *(
        failing_row(
            f"{type(error).__name__}, TESTING={testing}",
            "crash",
            partial(make_shop, after=failing_function(error), TESTING=testing),
            f"{type(error).__name__} in raise_error",
            **ONE_CASE,
        )
        # Reports show the messages of exceptions that the extension raises. If the site raises an
        # exception of the same class, reports must hide its message.
        for error in (ValueError("hunter2"), SiteError("hunter2"), LinkError("hunter2"))
        for testing in (False, True)
    ),
    failing_row("body", "body secret", partial(make_shop, after=add_redirect_body), **ONE_CASE),
    failing_row(
        "compressed body", "body secret", partial(make_shop, after=add_compressed_body), **ONE_CASE
    ),
    failing_row(
        "signature in session",
        "secret",
        partial(make_shop, after=lambda response: session.update(last=response.location)),
        "Set-Cookie: sign",
        **ONE_CASE,
    ),
    # Flask compresses the cookie of a long session, in which the signature must be found, too.
    failing_row(
        "signature in compressed session",
        "secret",
        partial(
            make_shop,
            after=lambda response: session.update(last=f"{response.location} {'long ' * 100}"),
        ),
        "Cookie: sign",
        **ONE_CASE,
    ),
    *(
        failing_row(
            f"signature on {path}",
            "secret",
            partial(
                make_shop,
                page=ENTRY,
                headers=page_headers,
                views={"/login": ("Log in", login_headers)},
                **WITH_LOGIN_VIEW,
            ),
            pages=["/page"],
            only=["product-visitor"],
        )
        for path, page_headers, login_headers in [
            ("/page", {"X-Debug": SIGN_OF_API_KEY}, {}),
            ("/login", {}, {"X-Debug": SIGN_OF_API_KEY}),
        ]
    ),
    failing_row(
        "second refresh on the page for htmx",
        "navigate",
        partial(
            make_shop,
            after=append_html('<meta http-equiv="refresh" content="0; url=/elsewhere">'),
        ),
        "Actual: /elsewhere",
        only=["product-htmx"],
    ),
    *(
        failing_row(
            html,
            "told",
            partial(make_shop, after=append_html(html)),
            "stats.example",
            failed_cases="home-plain product-changed",
            only=["home-plain", "product-plain", "product-changed"],
        )
        for html in (
            "<img src='https://stats.example/?u={}'>",
            '<link href="//stats.example/?{}" rel=preload>',
            '<meta http-equiv=refresh content="5; url=https://stats.example/?u={}">',
            '<img srcset="/a 1x, https://stats.example/?u={} 2x" alt="">',
            '<a href="/" ping="/x https://stats.example/?u={}">x</a>',
        )
    ),
]

#: All table rows of this file, for faulty sites. ``flask xiebao check`` must find each fault.
ROWS = [*STATUSES, *ADDRESSES, *PARAMETERS, *RETURN_URLS, *HEADERS, *REFUSALS, *HOOKS]


@pytest.mark.parametrize(("site", "rules", "messages", "failed_cases", "options"), ROWS)
def test_check_fails_for_changed_response(
    site: MakeApp, rules: set[str], messages: tuple[str, ...], failed_cases: set[str], options: Any
) -> None:
    assert_rules_fail(site, rules, messages, failed_cases, options)


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        # Each wrong parameter could be reported twice, because it differs from the expected
        # parameter and because the gateway refuses it. The report must contain only one failure for
        # this parameter.
        (
            [
                replace_in_location("sign=", "sign=0"),
                replace_in_location("platform=1", "platform=9"),
                replace_in_location("caseCode", "casecode"),
            ],
            ["parameter.caseCode", "parameter", "parameter.platform", "parameter.sign"],
        ),
        (
            [
                change_headers(
                    ("Set-Cookie", f"last={SIGN_OF_API_KEY}"),
                    ("Set-Cookie", f"first={SIGN_OF_API_KEY}"),
                )
            ],
            ["secret"],
        ),
    ],
    ids=["invalid parameters", "signature in two cookies"],
)
def test_check_reports_same_failure_once(changes: list[Change], rules: list[str]) -> None:
    [result] = run_check(make_shop(*changes), **ONE_CASE).failed
    assert [failure.code for failure in result.failures] == rules


#: One row per way to log a text: its name, and the function that logs the text.
LOG_FUNCTIONS: dict[str, Callable[[logging.Logger, str], None]] = {
    "message": lambda logger, text: logger.info("Gone to %s", text),
    "extra": lambda logger, text: logger.warning("Gone", extra={"to": text}),
    "exception": lambda logger, text: logger.warning("Gone", exc_info=ValueError(text)),
}


@pytest.mark.parametrize("place", ["hook", "middleware"])
@pytest.mark.parametrize("log", LOG_FUNCTIONS.values(), ids=LOG_FUNCTIONS)
@pytest.mark.parametrize("name", ["shop", "shop.clicks", "separate"])
def test_signature_in_log_is_reported_with_place(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    log: Callable[..., None],
    place: str,
) -> None:
    logger = logging.getLogger(name)
    caplog.set_level("INFO", name)
    monkeypatch.setattr(logger, "propagate", name != "separate")

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
    report = run_check(app, **ONE_CASE)

    assert get_failed_rules(report) == {"secret"}
    assert f"log ({name}, test_response_rules.py:" in str(report)
    assert SIGN_OF_API_KEY not in str(report)


def test_failing_receiver_is_reported_if_receivers_are_called() -> None:
    app = make_shop(XIEBAO_STRICT=False)

    entry_clicked.connect(divide_by_zero, app)
    assert run_check(app, **ONE_CASE).passed
    report = run_check(app, **ONE_CASE, with_receivers=True)

    assert get_failed_rules(report) == {"receiver"}
    assert "The receiver tests.check.support.divide_by_zero" in str(report)
    assert 'of the signal "entry_clicked" failed. Fix the receiver.' in str(report)
    assert "hunter2" not in str(report)
