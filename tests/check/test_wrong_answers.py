"""What something on a site changes of the answers of its links: a check sees it.

A rule about an answer is a row here. What breaks one before that is in ``test_wrong_sites.py``.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, request, session

from flask_xiebao import LinkError, XiebaoError, entry_clicked
from tests.check.support import (
    Change,
    MakeSite,
    adding,
    assert_is_found,
    check,
    in_location,
    kinds,
    outside,
    shop,
    status,
    with_headers,
    wrong,
)
from tests.support import SIGN_OF_API_KEY


def answer(
    id: str, codes: str, change: Change, *says: str, case: str = "product-plain", device: str = ""
) -> Any:
    """Return a row: how an answer is changed, and the rules that this breaks."""
    return wrong(id, codes, partial(shop, change), *says, only=[case], devices=[device or "iphone"])


STATUSES = [
    answer("301", "status.301", status(302, 301), "Actual: 301"),
    answer("303", "status.303", status(302, 303), "The redirect has status 303"),
    answer("307", "status", status(302, 307), "Actual: 307"),
    answer("308", "status.308", status(302, 308)),
    answer("403 as 404", "status.404", status(403, 404), case="product-another"),
    answer("404 as 403", "status", status(404, 403), case="product-changed"),
    answer("410 as 404", "status.404", status(410, 404), case="product-expired"),
    # Nobody is let through.
    answer("410 as 303", "status", status(410, 303), case="product-expired"),
    answer("401 as 403", "status", status(401, 403), case="product-visitor"),
    answer("200 as 503", "status", status(200, 503), case="product-htmx"),
]

ADDRESSES = [
    answer(becomes, "address", in_location(was, becomes))
    for was, becomes in [
        ("https://testapi.", "https://api."),
        ("https://testapi.xiebao18.com", "https://testapi.xiebao18.com.evil.example"),
        ("https://testapi.", "http://testapi."),
        (".com/", ".com:8443/"),
        ("/dispatch/cps?", "/dispatch/cps/?"),
        ("/dispatch/cps?", "/dispatch/cps/index?"),
        ("https://testapi.xiebao18.com", "http://[evil"),
        (".xiebao18.com", "..com"),
    ]
] + [
    answer(
        "beyond a handoff",
        "address",
        in_location("https://testapi.xiebao18.com", "http://[evil"),
        case="home-plain",
        device="pc",
    )
]

PARAMETERS = [
    answer(f"{was} {becomes}", f"parameter{code}", in_location(was, becomes))
    for was, becomes, code in [
        ("platform=1", "platform=3", ".platform"),
        ("platform=1", "platform=", ".platform"),
        ("&platform=1", "", ".platform"),
        ("platform=1", "platform=1&platform=1", ".platform"),
        ("partnerId=12345", "partnerId=12346", ".partnerId"),
        ("subPartnerId=&", "", ".subPartnerId"),
        ("sign=", "sign=0", ".sign"),
        ("caseCode=QX", "caseCode=qx", ".caseCode"),
    ]
] + [
    answer(
        "one that there is not",
        "parameter",
        in_location("platform=1", "platform=1&utm_source=shop"),
        "or is not defined in Xiebao's interface document",
        "Actual: utm_source=shop",
    ),
    answer(
        "another member",
        "parameter.partnerUniqKey",
        in_location("partnerUniqKey=Check", "partnerUniqKey=Chock"),
        "so the gateway takes the member for another member",
    ),
    answer(
        "misspelt",
        "parameter parameter.partnerUniqKey",
        in_location("partnerUniqKey", "partnerUniqueKey"),
    ),
    answer(
        "insureNum",
        "parameter.insureNum",
        in_location("insureNum=QX", "insureNum=XQ"),
        case="policy-plain",
    ),
]

# What the gateway cannot read of where a payment comes back to is one thing that is wrong.
WAY_BACK = [
    answer(
        f"paySuccess={becomes}",
        "parameter.paySuccess",
        in_location("paySuccess=", f"paySuccess={becomes}"),
        says,
        case="product-return",
    )
    for becomes, says in [
        ("-", "paySuccess: pay_success_url_safe"),
        ("%20", "paySuccess: pay_success_plus"),
        ("A", "paySuccess: pay_success_base64"),
        ("AAAA", "paySuccess: pay_success_url"),
        ("&paySuccess=", "paySuccess: repeated"),
    ]
] + [
    answer(
        "no paySuccess",
        "parameter.paySuccess parameter",
        in_location("paySuccess=", "back="),
        "Actual: paySuccess=—. Expected: paySuccess=….",
        case="product-return",
    )
]

NO_PAGE_IN_FRAMES = with_headers(without=["X-Content-Type-Options", "Content-Security-Policy"])
HEADERS = [
    answer("no Cache-Control", "header.cache-control", with_headers(without=["Cache-Control"])),
    *(
        answer(f"{name} {value}", "header.cache-control", with_headers((name, value)))
        for name, value in [
            ("Cache-Control", "max-age=60"),
            ("Expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
            ("CDN-Cache-Control", "max-age=60"),
            ("Surrogate-Control", "max-age=60"),
        ]
    ),
    answer(
        "no Referrer-Policy", "header.referrer-policy", with_headers(without=["Referrer-Policy"])
    ),
    answer("no X-Robots-Tag", "header.x-robots-tag", with_headers(without=["X-Robots-Tag"])),
    answer(
        "no nosniff, any frame",
        "header.nosniff header.frames",
        NO_PAGE_IN_FRAMES,
        case="product-changed",
    ),
    answer(
        "a refresh", "header.refresh", with_headers(("Refresh", "0; url=https://evil.example/"))
    ),
    answer("the sign", "secret", with_headers(("X-Sign", SIGN_OF_API_KEY))),
    answer(
        "the sign in a cookie",
        "secret",
        with_headers(("Set-Cookie", "last=%33e630AA9d45ff943dbb939202f3f247a")),
        "Set-Cookie: sign",
    ),
    answer(
        "the sign in the first of two cookies",
        "secret",
        with_headers(("Set-Cookie", f"last={SIGN_OF_API_KEY}"), ("Set-Cookie", "theme=dark")),
        "Set-Cookie: sign",
    ),
]


class MineError(XiebaoError):
    """An error of the extension's kind that is the site's."""


def raises(error: Exception) -> Callable[[Response], None]:
    def change(response: Response) -> None:
        raise error

    return change


def says_where_it_leads(response: Response) -> None:
    if response.location:
        response.set_data(f'<a href="{response.location}">Redirecting</a>')


def packs_what_it_says(response: Response) -> None:
    """As nobody asked for it."""
    says_where_it_leads(response)
    response.set_data(gzip.compress(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"


def keeps_it(response: Response) -> None:
    """In a session, which is signed, and not encrypted."""
    session["last"] = response.location


def keeps_more(response: Response) -> None:
    """A session that is long is packed."""
    session["last"] = f"{response.location} {'long ' * 100}"


def names_the_sign(path: str) -> Callable[[Response], None]:
    def change(response: Response) -> None:
        if request.path == path:
            response.headers["X-Debug"] = SIGN_OF_API_KEY

    return change


PLAIN: dict[str, Any] = {"only": ["product-plain"], "devices": ["iphone"]}
NOTICED: dict[str, Any] = {"only": ["home-plain", "product-plain", "product-changed"]}
HOOKS = [
    *(
        wrong(
            f"{type(error).__name__} {testing}",
            "crash",
            partial(shop, after=raises(error), TESTING=testing),
            f"{type(error).__name__} in change",
            **PLAIN,
        )
        # What the errors of the extension say is public, but not what a site says by them.
        for error in (ValueError("hunter2"), MineError("hunter2"), LinkError("hunter2"))
        for testing in (False, True)
    ),
    wrong("a body", "body secret", partial(shop, after=says_where_it_leads), **PLAIN),
    wrong("a packed body", "body secret", partial(shop, after=packs_what_it_says), **PLAIN),
    wrong("a session", "secret", partial(shop, after=keeps_it), "Set-Cookie: sign", **PLAIN),
    wrong("a packed session", "secret", partial(shop, after=keeps_more), "Cookie: sign", **PLAIN),
    *(
        wrong(
            f"the sign on {path}, beside the click",
            "secret",
            partial(
                shop,
                page='{{ insurance_entry("QX1") }}',
                views={"/login": "Log in"},
                after=names_the_sign(path),
                XIEBAO_LOGIN_VIEW="login",
            ),
            pages=["/page"],
            only=["product-visitor"],
        )
        for path in ("/page", "/login")
    ),
    wrong(
        "a page to go on by that goes elsewhere, too",
        "navigate",
        partial(shop, after=adding('<meta http-equiv="refresh" content="0; url=/elsewhere">')),
        "Actual: /elsewhere",
        only=["product-htmx"],
    ),
    # The pages of links, which other sites may be told of.
    *(
        wrong(
            tag,
            "told",
            partial(shop, after=adding(tag)),
            "stats.example",
            failed="home-plain product-changed",
            **NOTICED,
        )
        for tag in (
            "<img src='https://stats.example/?u={}'>",
            '<link href="//stats.example/?{}" rel=preload>',
            '<meta http-equiv=refresh content="5; url=https://stats.example/?u={}">',
            '<img srcset="/a 1x, https://stats.example/?u={} 2x" alt="">',
            '<a href="/" ping="/x https://stats.example/?u={}">x</a>',
        )
    ),
]


@pytest.mark.parametrize(
    ("site", "codes", "says", "failed", "options"),
    [*STATUSES, *ADDRESSES, *PARAMETERS, *WAY_BACK, *HEADERS, *HOOKS],
)
def test_an_answer_that_is_changed_is_seen(
    site: MakeSite, codes: set[str], says: tuple[str, ...], failed: set[str], options: Any
) -> None:
    assert_is_found(site, codes, says, failed, options)


def test_parameter_that_xiebao_refuses_too_is_reported_once() -> None:
    changes = {"sign=": "sign=0", "platform=1": "platform=9", "caseCode": "casecode"}
    app = shop(*(in_location(was, becomes) for was, becomes in changes.items()))
    [result] = check(app, **PLAIN).failed
    assert [failure.code for failure in result.failures] == [
        "parameter.caseCode",
        "parameter",
        "parameter.platform",
        "parameter.sign",
    ]


def test_sign_in_two_cookies_is_reported_once() -> None:
    cookies = [("Set-Cookie", f"{name}={SIGN_OF_API_KEY}") for name in ("last", "first")]
    [result] = check(shop(with_headers(*cookies)), **PLAIN).failed
    assert [failure.code for failure in result.failures] == ["secret"]


# The log, and receivers


LOGS: dict[str, Callable[[logging.Logger, str], None]] = {
    "by message": lambda logger, said: logger.info("Gone to %s", said),  # as an access log does
    "by extra": lambda logger, said: logger.warning("Gone", extra={"to": said}),
    "by error": lambda logger, said: logger.warning("Gone", exc_info=ValueError(said)),
}


@pytest.mark.parametrize("where", ["after", "around"])
@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("name", ["shop", "shop.clicks", "apart"])
def test_a_sign_in_the_log(
    caplog: pytest.LogCaptureFixture, name: str, log: Callable[..., None], where: str
) -> None:
    logger = logging.getLogger(name)
    caplog.set_level("INFO", name)
    logger.propagate = name != "apart"

    def after(response: Response) -> None:
        log(logger, str(response.location))

    def around(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        log(logger, str(dict(headers).get("Location")))
        return status, headers

    app = shop(after=after) if where == "after" else shop(outside(around))
    report = check(app, **PLAIN)
    assert kinds(report) == {"secret"}
    assert f"log ({name}, test_wrong_answers.py:" in str(report)
    assert SIGN_OF_API_KEY not in str(report)


def test_a_receiver_that_fails_is_seen_where_it_is_asked() -> None:
    app = shop(XIEBAO_STRICT=False)

    def count(_app: Flask, **_: Any) -> None:
        raise RuntimeError("hunter2")

    entry_clicked.connect(count, app)
    assert check(app, **PLAIN).passed
    report = check(app, **PLAIN, with_receivers=True)
    assert kinds(report) == {"receiver"}
    assert "The receiver tests.check.test_wrong_answers" in str(report)
    assert 'of the signal "entry_clicked" failed. Fix the receiver.' in str(report)
    assert "hunter2" not in str(report)
