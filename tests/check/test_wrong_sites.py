"""A check finds what is wrong on a site, and says why."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask, Response, redirect, render_template_string, request, session

from flask_xiebao import entry_clicked
from flask_xiebao.testing import check_entries
from tests.check.support import (
    ENTRY,
    adding,
    another_status,
    cases_of,
    kinds,
    outside,
    shop,
    shop_whose_loader_fails,
    spoilt,
    with_header,
    without,
)
from tests.support import KEY, MACROS, SIGN_OF_KEY


def test_a_loader_that_fails_is_seen_though_members_are_made_up() -> None:
    app = shop_whose_loader_fails()
    report = check_entries(app, devices=["pc"])
    assert kinds(report) == {"crash"}
    assert cases_of(report, "crash") == {"loader"}
    assert "AttributeError in fails" in str(report)
    assert "asked only once who is logged in" in report.notes_in("en")[0]


@pytest.mark.parametrize(
    ("before", "after", "case", "rule"),
    [
        (302, 301, "product-plain", "status.301"),
        (302, 307, "product-plain", "status"),
        (302, 308, "product-plain", "status.308"),
        (403, 404, "product-another", "status.404"),
        (404, 403, "product-changed", "status"),
        (410, 404, "product-expired", "status.404"),
        (410, 303, "product-expired", "status"),  # nobody is let through
        (401, 403, "product-visitor", "status"),
        (200, 503, "product-htmx", "status"),
    ],
)
def test_another_status(before: int, after: int, case: str, rule: str) -> None:
    report = check_entries(spoilt(another_status(before, after)), devices=["iphone"])
    assert case in cases_of(report, rule)
    assert f"It came: {after}" in str(report)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("https://testapi.", "https://api."),
        ("https://testapi.xiebao18.com", "https://testapi.xiebao18.com.evil.example"),
        ("https://testapi.", "http://testapi."),
        (".com/", ".com:8443/"),
        ("/dispatch/cps?", "/dispatch/cps/?"),
        ("/dispatch/cps?", "/dispatch/cps/index?"),
    ],
)
def test_another_address(was: str, becomes: str) -> None:
    def change(response: Response) -> None:
        if response.location:
            response.location = response.location.replace(was, becomes)

    report = check_entries(spoilt(change), devices=["iphone"])
    assert "product-plain" in cases_of(report, "address")


@pytest.mark.parametrize(
    ("was", "becomes", "code"),
    [
        ("platform=1", "platform=3", ".platform"),
        ("platform=1", "platform=", ".platform"),
        ("&platform=1", "", ".platform"),
        ("platform=1", "platform=1&platform=1", ".platform"),
        ("partnerId=12345", "partnerId=12346", ".partnerId"),
        ("subPartnerId=&", "", ".subPartnerId"),
        ("sign=", "sign=0", ".sign"),
        ("partnerUniqKey=Check", "partnerUniqKey=Chock", ".partnerUniqKey"),
        ("partnerUniqKey", "partnerUniqueKey", ""),
        ("caseCode=QX", "caseCode=qx", ".caseCode"),
        ("insureNum=QX", "insureNum=XQ", ".insureNum"),
        ("platform=1", "platform=1&from=web", ""),
    ],
)
def test_another_parameter(was: str, becomes: str, code: str) -> None:
    def change(response: Response) -> None:
        if response.location:
            response.location = response.location.replace(was, becomes)

    report = check_entries(spoilt(change), devices=["iphone"])
    assert f"parameter{code}" in kinds(report)
    assert SIGN_OF_KEY not in str(report)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without("Cache-Control"), "header.cache-control"),
        (with_header("Cache-Control", "max-age=60"), "header.cache-control"),
        (with_header("Expires", "Thu, 01 Jan 2099 00:00:00 GMT"), "header.cache-control"),
        (with_header("CDN-Cache-Control", "max-age=60"), "header.cache-control"),
        (with_header("Surrogate-Control", "max-age=60"), "header.cache-control"),
        (without("Referrer-Policy"), "header.referrer-policy"),
        (without("X-Robots-Tag"), "header.x-robots-tag"),
        (without("X-Content-Type-Options"), "header.nosniff"),
        (without("Content-Security-Policy"), "header.frames"),
        (with_header("X-Sign", SIGN_OF_KEY), "secret"),
        (with_header("Set-Cookie", "last=%33e630AA9d45ff943dbb939202f3f247a"), "secret"),
    ],
)
def test_another_header(change: Any, code: str) -> None:
    app = outside(shop(XIEBAO_API_KEY=KEY), change)
    report = check_entries(app, devices=["pc"])
    assert code in kinds(report)
    assert SIGN_OF_KEY not in str(report)


def test_a_body_that_has_the_url() -> None:
    def change(response: Response) -> None:
        if response.location:
            response.set_data(f'<a href="{response.location}">Redirecting</a>')

    report = check_entries(spoilt(change), devices=["iphone"])
    assert {"body", "secret"} <= kinds(report)


def test_what_browsers_follow_beside_a_location() -> None:
    refreshed = with_header("Refresh", "0; url=https://evil.example/")
    assert kinds(check_entries(outside(shop(), refreshed), devices=["iphone"])) >= {
        "header.refresh"
    }


def test_a_location_that_is_no_url() -> None:
    def change(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [
            (name, "http://[evil/" if name == "Location" else value) for name, value in headers
        ]

    app = outside(shop(), change)
    report = check_entries(app, devices=["pc", "iphone"], only=["product-plain", "home-plain"])
    assert kinds(report) == {"address"}
    assert len(report.failed) == len(report.results)


def test_a_sign_that_a_browser_keeps() -> None:
    """A session is signed, not encrypted, and packed where it is long."""
    for more in ("", "long " * 100):

        def change(response: Response, more: str = more) -> None:
            session["last"] = f"{response.location} {more}"

        report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
        assert "Set-Cookie: sign" in str(report)


def test_a_receiver_that_fails_is_seen_where_it_is_asked() -> None:
    app = shop(XIEBAO_STRICT=False)

    def count(_app: Flask, **_: Any) -> None:
        raise RuntimeError("hunter2")

    entry_clicked.connect(count, app)
    options: dict[str, Any] = {"devices": ["iphone"], "only": ["product-plain"]}
    assert check_entries(app, **options).passed
    report = check_entries(app, **options, with_receivers=True)
    assert kinds(report) == {"receiver"}
    assert "A receiver of entry-clicked failed: fix tests.check.test_wrong_sites" in str(report)
    assert "hunter2" not in str(report)


@pytest.mark.parametrize("name", ["shop", "shop.clicks"])
def test_a_sign_in_the_log(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def change(response: Response) -> None:
        logging.getLogger(name).info("%s leads to %s", request.path, response.location)

    before = [logging.getLogger().handlers[:], logging.getLogger("shop").filters[:]]
    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert kinds(report) == {"secret"}
    assert f"log ({name}, test_wrong_sites.py:" in str(report)
    assert [logging.getLogger().handlers, logging.getLogger("shop").filters] == before


def test_a_sign_in_the_log_of_a_middleware() -> None:
    app = shop()

    def log(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        logging.getLogger("access").warning("%s %s", status, dict(headers).get("Location"))
        return status, headers

    report = check_entries(outside(app, log), devices=["iphone"], only=["product-plain"])
    assert "log (access, test_wrong_sites.py:" in str(report)


@pytest.mark.parametrize("path", ["/page", "/login"])
def test_a_sign_that_is_on_a_page_beside_the_click(path: str) -> None:
    app = shop(XIEBAO_API_KEY=KEY, XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/page", "page", lambda: render_template_string(MACROS + ENTRY))
    app.add_url_rule("/login", "login", lambda: "Log in")

    @app.after_request
    def say(response: Response) -> Response:
        if request.path == path:
            response.headers["X-Debug"] = SIGN_OF_KEY
        return response

    report = check_entries(app, devices=["iphone"], pages=["/page"], only=["product-visitor"])
    assert kinds(report) == {"secret"}


@pytest.mark.parametrize(
    "log",
    [
        lambda logger, said: logger.warning("Gone", extra={"to": said}),
        lambda logger, said: logger.warning("Gone to %s", said),
        lambda logger, said: logger.warning("Gone", exc_info=ValueError(said)),
    ],
)
def test_a_sign_in_a_part_of_the_log_that_few_look_at(log: Any) -> None:
    logger = logging.getLogger("shop.apart")
    logger.propagate = False

    def change(response: Response) -> None:
        if response.location:
            log(logger, response.location)

    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert "log (shop.apart, test_wrong_sites.py:" in str(report)
    assert SIGN_OF_KEY not in str(report)


@pytest.mark.parametrize(
    "tag",
    [
        "<img src='https://stats.example/?u={}'>",
        '<link href="//stats.example/?{}" rel=preload>',
        '<meta http-equiv=refresh content="5; url=https://stats.example/?u={}">',
        '<img srcset="/a 1x, https://stats.example/?u={} 2x" alt="">',
        '<a href="/" ping="/x https://stats.example/?u={}">x</a>',
    ],
)
def test_a_link_that_another_site_is_told(tag: str) -> None:
    report = check_entries(spoilt(adding(tag)), devices=["pc"])
    assert {"home-plain", "product-changed"} <= cases_of(report, "told")
    assert "stats.example" in str(report)


@pytest.mark.parametrize("name", ["Referer", "Sec-Fetch-User"])
def test_a_wall_for_whoever_comes_from_a_page(name: str) -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("No", 400) if name in request.headers else None

    report = check_entries(app, devices=["iphone"])
    assert "product-plain" in cases_of(report, "unreached.wall")
    assert "product-bearer" not in cases_of(report, "unreached.wall")


def test_a_wall_for_whoever_comes_from_another_site() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("No", 403) if request.headers.get("Sec-Fetch-Site") == "cross-site" else None

    report = check_entries(app, devices=["iphone"])
    assert {"product-return", "home-return"} <= cases_of(report, "unreached.wall")
    assert "product-plain" not in cases_of(report, "unreached.wall")
    assert "It should be: 302 by xiebao.paid" in str(report)


def test_a_site_that_sends_everybody_to_another_host() -> None:
    for settings in ({}, {"XIEBAO_PUBLIC_URL": "https://www.shop.example"}):
        app = shop(**settings)

        @app.before_request
        def canonical() -> Any:
            if request.host != "www.shop.example":
                return redirect(f"https://www.shop.example{request.full_path}", 301)
            return None

        report = check_entries(app, devices=["iphone"])
        assert report.passed == bool(settings)
        if not settings:
            assert "product-plain" in cases_of(report, "unreached.host")
            assert "set XIEBAO_PUBLIC_URL to where the site is" in str(report)


def test_long_links_that_are_refused() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("Too long", 414) if len(request.full_path) > 700 else None

    report = check_entries(app, devices=["iphone"])
    assert cases_of(report, "unreached.hook") == {
        f"{page}-return-long" for page in ("product", "home", "policy")
    }


def test_a_wall_in_front_of_the_links() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return None if "member" in session else redirect("/login", 302)

    report = check_entries(app, devices=["iphone"])
    assert "product-plain" in cases_of(report, "unreached.sent")
    assert "302 /login" in str(report)
    assert kinds(report) == {"unreached.sent"}
    assert "before_request hooks may do it: tests.check.test_wrong_sites.test_a_wall" in str(report)


def test_a_crash_is_called_one_and_says_nothing_private() -> None:
    def change(response: Response) -> None:
        if response.status_code == 302:
            raise ValueError("the password is hunter2")

    for testing in (False, True):
        report = check_entries(spoilt(change, TESTING=testing), devices=["iphone"])
        assert "product-plain" in cases_of(report, "crash")
        assert "ValueError in change" in str(report)
        assert "hunter2" not in str(report)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ here }}", "handoff.code"),
        (
            '<svg viewBox="0 0 1 1"><path d="M0 0.5h1"/></svg><a href="{{ direct }}">x</a>',
            "handoff.code",
        ),
        ("{{ code }}{{ code }}<a href='{{ direct }}'>x</a>", "handoff.code"),
        ("{{ code }}", "handoff.direct"),
        ("{{ code }}<a href='{{ here }}'>x</a>", "handoff.direct"),
        ("{{ code }}<a href='{{ here }}?platform=pc'>x</a>", "handoff.direct"),
    ],
)
def test_a_handoff_of_the_sites_own_that_leads_nowhere(template: str, code: str) -> None:
    from jinja2 import ChoiceLoader, DictLoader

    app = shop()
    app.jinja_loader = ChoiceLoader([DictLoader({"xiebao/handoff.html": template})])
    report = check_entries(app, devices=["pc"])
    assert "home-plain" in cases_of(report, code), str(report)
