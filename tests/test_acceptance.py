"""A check of a site: nothing on one that is right, and whatever is wrong on one that is not."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
import segno
from flask import Flask, Response, abort, g, redirect, render_template_string, request, session
from flask_login import LoginManager, UserMixin, login_user
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Entry, Xiebao, XiebaoError, detect_platform, entry_clicked, entry_refused
from flask_xiebao.check.cases import cases
from flask_xiebao.check.devices import app_devices
from flask_xiebao.check.html_reader import ReadPage
from flask_xiebao.check.markup import codes_of
from flask_xiebao.check.reports import FORMATS
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.links.tokens import LinkSigner
from flask_xiebao.testing import DEVICES, CheckError, Report, check_entries, is_rehearsal
from tests import qr
from tests.mutants.sites import ACCOUNT, SITES
from tests.support import KEY, MACROS, SIGN_OF_KEY

ENTRY = '{{ insurance_entry("QX1") }}'
FEW = ("pc", "iphone", "wechat-pc")


def shop(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(ACCOUNT, **config)
    Xiebao(app).member_loader(lambda: session.get("member"))
    return app


def shop_whose_loader_fails() -> Flask:
    app = Flask("shop")
    app.config.update(ACCOUNT)

    @Xiebao(app).member_loader
    def fails() -> str:
        raise AttributeError("hunter2")

    return app


def read_codes(html: str) -> list[str]:
    return codes_of(ReadPage(html))


def forged(said: str) -> str:
    """Return a link that nobody signed."""
    payload = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
    return f'<a href="/xiebao/product/{payload}.abc{"d" * 43}">x</a>'


def kinds(report: Report) -> set[str]:
    return {trouble.code for trouble in report.problems()}


def cases_of(report: Report, code: str) -> set[str]:
    return {
        result.case.name
        for trouble in report.problems()
        if trouble.code == code
        for result in trouble.results
    }


# Sites that are right


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_a_site_that_is_right(name: str) -> None:
    report = check_entries(SITES[name](), devices=FEW)
    assert report.passed, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_any_device(name: str) -> None:
    report = check_entries(SITES[name]())
    assert report.passed, str(report)
    on = {result.device.name for result in report.results}
    assert on >= DEVICES.keys()
    assert ("app-ios" in on) == (name == "everything")


@pytest.mark.parametrize("mount", ["dispatcher", "server"])
def test_a_site_that_is_mounted_below_a_path(mount: str) -> None:
    if mount == "server":
        app = shop(SERVER_NAME="shop.example", APPLICATION_ROOT="/travel")
    else:
        app = shop()
        nothing = Response("Nothing here", 404)
        app.wsgi_app = DispatcherMiddleware(nothing, {"/travel": app.wsgi_app})  # type: ignore[method-assign]
    report = check_entries(app, devices=FEW)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "settings",
    [
        {"XIEBAO_PUBLIC_URL": "HTTPS://Shop.EXAMPLE/Travel"},
        {"XIEBAO_PUBLIC_URL": "https://商店.example/旅行"},
        {"XIEBAO_PUBLIC_URL": "https://[2001:DB8::1]:8443"},
        {"XIEBAO_PUBLIC_URL": "https://shop.example/旅行", "XIEBAO_BASE_URL": "/gateway"},
        {"XIEBAO_BASE_URL": "HTTPS://GW.example/a'b(c)|d"},
        {"XIEBAO_BASE_URL": "/"},
        {"SERVER_NAME": "Shop.Example"},
        {"XIEBAO_API_KEY": "50% & 密钥", "XIEBAO_EXTRA": {"from": "a b&c=号"}},
        {"SECRET_KEY": b"bytes", "SECRET_KEY_FALLBACKS": [b"older", "oldest"]},
        {"XIEBAO_PARTNER_ID": 12345, "XIEBAO_HANDOFF_MAX_AGE": "45"},
        {"XIEBAO_TEXTS": {"product.label": {"zh": " 立即投保 "}, "home.label": "<商城>"}},
    ],
    ids=str,
)
def test_settings_that_are_written_unusually(settings: dict[str, Any]) -> None:
    report = check_entries(shop(**settings), devices=["pc", "iphone"])
    assert report.passed, str(report)


def test_a_site_whose_urls_need_what_its_hooks_find_out() -> None:
    """As Flask's manual has it for languages in URLs."""
    app = shop(XIEBAO_LOGIN_VIEW="login", XIEBAO_MEMBER_SECRET="a secret of thirty-two characters")
    app.extensions["xiebao"].keeps_plain_key(lambda member: "old" in request.args)

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "login":
            values.setdefault("language", g.language)

    @app.before_request
    def pull() -> None:
        g.language = (request.view_args or {}).get("language", "zh")

    @app.get("/<language>/login")
    def login(language: str) -> str:
        return language

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: ("Log in", 403),
        lambda: ("Log in", 200),
        lambda: redirect("/login", 303),
        lambda: abort(401),
    ],
)
def test_a_login_of_the_sites_own_answers_as_it_will(answer: Any) -> None:
    app = login_shop()
    app.login_manager.unauthorized_handler(answer)  # type: ignore[attr-defined]
    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize("answer", [lambda: abort(401), lambda: abort(redirect("/login"))])
def test_a_wall_that_lets_the_entries_through(answer: Any) -> None:
    app = shop()

    @app.before_request
    def wall() -> None:
        if request.blueprint != "xiebao" and "member" not in session:
            answer()

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "settings",
    [{}, {"XIEBAO_PUBLIC_URL": "https://www.shop.example"}],
    ids=["", "behind a proxy that asks it by another name"],
)
def test_a_site_that_takes_only_its_own_hosts(settings: dict[str, Any]) -> None:
    if "TRUSTED_HOSTS" not in Flask.default_config and not settings:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    report = check_entries(shop(TRUSTED_HOSTS=["shop.example"], **settings), devices=FEW)
    assert report.passed, str(report)


def test_a_site_that_traps_what_is_aborted() -> None:
    report = check_entries(shop(TRAP_HTTP_EXCEPTIONS=True), devices=FEW)
    assert report.passed, str(report)


def test_a_site_whose_templates_escape_nothing() -> None:
    app = shop()
    app.jinja_env.autoescape = False
    report = check_entries(app, devices=FEW)
    assert report.passed, str(report)


def test_a_login_whose_url_depends_on_the_request() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/<language>/login", "login", str)

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "login":
            values["language"] = "en" if "Chrome" in str(request.user_agent) else "zh"

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


def test_a_rule_for_ids_that_takes_only_the_sites_own() -> None:
    app = shop(XIEBAO_MEMBER_SECRET="a secret of thirty-two characters")
    app.extensions["xiebao"].keeps_plain_key(lambda member: int(member) < 5)
    with pytest.raises(CheckError, match=r"keeps_plain_key fails .* ValueError in <lambda> \("):
        check_entries(app, devices=["pc"])
    report = check_entries(app, devices=["pc"], member="7")
    assert report.passed, str(report)


def test_a_site_that_nobody_can_log_in_to_has_no_use_for_a_member() -> None:
    with pytest.raises(CheckError, match="cannot say who is logged in, so it has no use"):
        check_entries(SITES["nobody_logs_in"](), member="7")


def test_a_login_that_is_followed_by_an_error_says_where_that_is() -> None:
    app = shop_whose_loader_fails()
    with pytest.raises(
        CheckError, match=r"does not say who .*: AttributeError in fails \("
    ) as told:
        check_entries(app, login=lambda client, member: None)
    assert "hunter2" not in str(told.value)
    app = login_shop()
    app.wsgi_app = NotFound()  # type: ignore[method-assign]
    with pytest.raises(CheckError, match=r"Nothing of the site's is found at https://www\."):
        check_entries(app, member="7", url="https://www.shop.example")


def test_a_check_says_whether_the_sites_own_functions_were_asked() -> None:
    app = shop()
    app.extensions["xiebao"].click_guard(lambda member, entry: True)
    notes = {"check.note.played", "check.note.guard"}
    assert set(check_entries(app, devices=["pc"]).notes) == notes
    assert (
        check_entries(app, devices=["pc"], only=["product-plain"], with_receivers=True).notes == []
    )


def test_a_site_that_cannot_say_who_is_logged_in_is_checked_as_far_as_that_goes() -> None:
    report = check_entries(SITES["nobody_logs_in"](), devices=FEW)
    assert "check.note.no_members" in report.notes
    done = {result.case.name for result in report.results}
    assert "product-bearer" in done
    assert "product-plain" not in done


@pytest.mark.parametrize("enabled", [True, False])
def test_whatever_is_done_has_a_name_of_its_own_in_both_languages(enabled: bool) -> None:
    done = cases(enabled=enabled)
    assert len({case.name for case in done}) == len(done)
    for locale in ("zh", "en"):
        assert len({case.title_in(locale) for case in done}) == len(done)
        assert all(case.should_in(locale) for case in done)


# Devices


def test_the_devices_are_found_as_what_they_are() -> None:
    """Each is what stands beside it, by hand: the extension has to see the same."""
    for device in DEVICES.values():
        assert str(int(detect_platform(device.headers))) == device.platform, device.name
    for device in app_devices("ShopApp/3.2"):
        found = detect_platform(device.headers, app_user_agent=r"ShopApp/")
        assert str(int(found)) == device.platform, device.name


def test_the_devices_have_names_of_their_own() -> None:
    titles = [device.title_in(locale) for device in DEVICES.values() for locale in ("zh", "en")]
    assert len({title for title in titles if title}) >= len(DEVICES)
    assert {device.name for device in DEVICES.values()} == DEVICES.keys()


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        ("ShopApp/", "ShopApp/"),
        (r"ShopApp/[\d.]+", "ShopApp/1.0"),
        (r"\bShop\.App", "Shop.App"),
        (r"(?i)shopapp/\d+\.\d+", "shopapp/1.0"),
        ("[A-Z]hop", None),
    ],
)
def test_a_sample_of_an_app_is_guessed_from_its_pattern(pattern: str, sample: str | None) -> None:
    app = shop(XIEBAO_APP_USER_AGENT=pattern)
    report = check_entries(app, only=["product-plain"])
    assert report.passed, str(report)
    apps = {
        r.device.user_agent.rpartition(" ")[2] for r in report.results if "app-" in r.device.name
    }
    assert apps == ({sample} if sample else set())
    assert ("check.note.no_app" in report.notes) == (sample is None)
    given = check_entries(app, only=["product-plain"], app_user_agent="Xhop/1")
    assert given.passed == bool(sample is None)


# What a check leaves alone


def test_the_site_hears_nothing_of_members_who_are_made_up() -> None:
    app = shop()
    heard: list[Any] = []
    xiebao: Xiebao = app.extensions["xiebao"]

    @xiebao.click_guard
    def guard(member: str, entry: Entry) -> bool:
        heard.append(member)
        return True

    for signal in (entry_clicked, entry_refused):
        signal.connect(lambda _app, **said: heard.append(said), app, weak=False)

    assert check_entries(app, devices=["pc", "iphone"]).passed
    assert heard == []

    only = ["product-plain", "product-expired"]
    assert check_entries(app, devices=["iphone"], only=only, with_receivers=True).passed
    member, clicked, refused = heard
    assert clicked["member"] == member
    assert refused["reason"] == "expired"


def test_hooks_of_the_site_can_leave_a_check_out_of_what_they_count() -> None:
    app, counted = shop(), []

    @app.before_request
    def count() -> None:
        if not is_rehearsal():
            counted.append(request.path)

    assert check_entries(app, devices=["iphone"], only=["product-plain"]).passed
    assert counted == []
    app.test_client().get("/xiebao/product/x")
    assert counted == ["/xiebao/product/x"]


def test_a_check_in_a_request_of_the_site_itself() -> None:
    """It may be asked for by a page, such as that of a console, whose visitor is logged in."""
    app = SITES["by_login"]()

    @app.get("/console")
    def console() -> str:
        login_user(app.login_manager._user_callback("7"))  # type: ignore[attr-defined]
        report = check_entries(app, devices=["iphone"])
        return str(report)

    assert app.test_client().get("/console").text.endswith(" passed, 0 failed.")


# A site's own ways


def test_a_loader_that_fails_is_seen_though_members_are_made_up() -> None:
    app = shop_whose_loader_fails()
    report = check_entries(app, devices=["pc"])
    assert kinds(report) == {"crash"}
    assert cases_of(report, "crash") == {"product-loader"}
    assert "AttributeError in fails" in str(report)
    assert "check.note.played" in report.notes


def test_a_member_whom_the_check_cannot_log_in_is_no_reason_to_say_that_they_are_made_up() -> None:
    report = check_entries(shop(), devices=["pc"], member="7")
    assert report.notes == ["check.note.nobody_logged_in"]
    assert "--login" in report.notes_in("en")[0]


def test_answers_that_are_packed_are_read() -> None:
    def pack(response: Response) -> None:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.direct_passthrough = False
            response.set_data(gzip.compress(response.get_data()))
            response.headers["Content-Encoding"] = "gzip"

    report = check_entries(spoilt(pack), devices=["pc"])
    assert report.passed, str(report)


def test_a_site_that_is_switched_off_has_pages_without_entries() -> None:
    for enabled in (True, False):
        app = shop(XIEBAO_ENABLED=enabled)

        @app.get("/page")
        def page() -> str:
            return render_template_string(MACROS + '{{ insurance_entry("QX1") }}')

        report = check_entries(app, devices=["pc"], pages=["/page"])
        assert report.passed, str(report)


@pytest.mark.parametrize("base", ["", "/"])
def test_a_page_that_is_kept_for_all_is_seen(base: str) -> None:
    app, kept = shop(), dict[str, str]()

    @app.get("/deep/page")
    def page() -> str:
        if "html" not in kept:
            entry = render_template_string(MACROS + '{{ policy_entry("P1") }}')
            if base:
                entry = f'<base href="{base}">' + entry.replace('href="/', 'href="')
            kept["html"] = entry
        return kept["html"]

    report = check_entries(app, devices=["pc"], pages=["/deep/page"], only=["product-plain"])
    assert kinds(report) == {"vary", "private"}
    assert "It came: 200 <a>" in str(report)  # somebody who is not logged in got it


def test_a_site_with_an_address_of_its_own_logs_its_members_in() -> None:
    for login in (None, by_form):
        app = login_shop()
        app.config["XIEBAO_PUBLIC_URL"] = "https://shop.example"
        again = Flask("shop")
        again.config.update(app.config)
        Xiebao(again)
        users(again)
        report = check_entries(again, devices=FEW, member=7, login=login)
        assert report.passed, str(report)


def test_no_link_that_lets_somebody_in_is_in_a_report() -> None:
    def elsewhere(response: Response) -> Response | None:
        if request.endpoint in ("xiebao.product", "xiebao.home", "xiebao.policy"):
            return cast(Response, redirect(f"https://www.shop.example{request.full_path}", 301))
        return None

    app = spoilt(elsewhere)

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + '{{ insurance_entry("QX1", member="m1", no_login_for=3600, return_to="/") }}'
        )

    @app.before_request
    def wall() -> Any:
        if request.path.startswith("/xiebao/home"):
            return redirect(f"/login?next={request.full_path}")
        return None

    @app.get("/buy")
    def buy() -> Any:
        return redirect(
            app.extensions["xiebao"].product_link("QX1", member="m1", no_login_for=3600)
        )

    report = check_entries(app, devices=["pc"], member="m1", pages=["/page", "/buy"])
    assert "page.302" in kinds(report)
    said = [form(report, locale) for form in FORMATS.values() for locale in ("zh", "en")]
    assert "www.shop.example" in said[0]
    for each in said:
        # Two parts of a token, of which the second is the signature.
        assert not re.search(r"WyJ[A-Za-z0-9_-]{8,}(\.|%2E)", each, re.IGNORECASE)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("partnerUniqKey=", "partnerUniqueKey="),
        lambda url: re.sub("partnerUniqKey=([^&]+)", r"caseCode=\1&\g<0>", url),
        lambda url: re.sub(r"\?(.*partnerUniqKey=([^&]+).*)", r"/\2?\1", url),
        lambda url: f"/go/{base64.b64encode(url.encode()).decode()}",
    ],
)
@pytest.mark.parametrize("gateway", ["https://gw.example", "/", "/lo"])
def test_no_key_of_a_member_is_in_a_report(change: Callable[[str], str], gateway: str) -> None:
    """It opens a member's policies to whoever puts it into a URL, as the sign does."""
    app = login_shop()
    app.config.update(
        XIEBAO_MEMBER_SECRET="a secret of thirty-two characters",
        XIEBAO_BASE_URL=gateway,
        XIEBAO_API_KEY=KEY,
    )
    again = Flask("shop")
    again.config.update(app.config)
    xiebao = Xiebao(again)
    users(again)
    with again.app_context():
        key = xiebao.partner_uniq_key("7")

    def lead_on(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [
            (name, change(value) if name == "Location" and "/dispatch/" in value else value)
            for name, value in headers
        ]

    outside(again, lead_on)
    only = ["product-plain", "product-return", "policy-return"]
    report = check_entries(again, devices=["iphone"], member="7", only=only)
    assert not report.passed
    for form in FORMATS.values():
        said = form(report, "en")
        assert key[:16] not in said.lower()
        assert SIGN_OF_KEY not in said
        for run in re.findall("[A-Za-z0-9+/]{40,}", said if form is not FORMATS["html"] else ""):
            whole = run[: len(run) // 4 * 4]
            assert SIGN_OF_KEY.encode() not in base64.b64decode(whole)


# Wrong sites, spoilt from outside


def spoilt(change: Callable[[Response], Response | None], **config: Any) -> Flask:
    app = shop(**config)

    @app.after_request
    def spoil(response: Response) -> Response:
        return change(response) or response

    return app


def outside(app: Flask, change: Callable[[str, list[Any]], tuple[str, list[Any]]]) -> Flask:
    """Put something around an app that changes status and headers on their way out."""
    inner = app.wsgi_app

    def around(environ: Any, start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[Any], exc_info: Any = None) -> Any:
            return start_response(*change(status, headers), exc_info)

        return inner(environ, start)

    app.wsgi_app = around  # type: ignore[method-assign]
    return app


def another_status(before: int, after: int) -> Callable[[Response], Response | None]:
    def change(response: Response) -> None:
        if response.status_code == before:
            response.status_code = after

    return change


@pytest.mark.parametrize(
    ("before", "after", "case"),
    [
        (302, 301, "product-plain"),
        (302, 307, "product-plain"),
        (302, 308, "product-plain"),
        (403, 404, "product-another"),
        (404, 403, "product-changed"),
        (410, 404, "product-expired"),
        (503, 200, "product-prefetch"),
        (401, 403, "product-visitor"),
        (200, 503, "product-htmx"),
    ],
)
def test_another_status(before: int, after: int, case: str) -> None:
    report = check_entries(spoilt(another_status(before, after)), devices=["iphone"])
    assert case in cases_of(report, f"status.{after}")


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
        ("platform=1", "platform=3", "platform"),
        ("platform=1", "platform=", "platform"),
        ("&platform=1", "", "platform"),
        ("platform=1", "platform=1&platform=1", "platform"),
        ("partnerId=12345", "partnerId=12346", "partnerId"),
        ("subPartnerId=&", "", "subPartnerId"),
        ("sign=", "sign=0", "sign"),
        ("partnerUniqKey=Check", "partnerUniqKey=Chock", "partnerUniqKey"),
        ("partnerUniqKey", "partnerUniqueKey", "partnerUniqueKey"),
        ("caseCode=QX", "caseCode=qx", "caseCode"),
        ("insureNum=QX", "insureNum=XQ", "insureNum"),
        ("platform=1", "platform=1&from=web", "from"),
    ],
)
def test_another_parameter(was: str, becomes: str, code: str) -> None:
    def change(response: Response) -> None:
        if response.location:
            response.location = response.location.replace(was, becomes)

    report = check_entries(spoilt(change), devices=["iphone"])
    assert f"parameter.{code}" in kinds(report)
    assert SIGN_OF_KEY not in str(report)


def without(*names: str) -> Callable[[str, list[Any]], tuple[str, list[Any]]]:
    def change(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [(name, value) for name, value in headers if name not in names]

    return change


def with_header(name: str, value: str) -> Callable[[str, list[Any]], tuple[str, list[Any]]]:
    return lambda status, headers: (status, [*headers, (name, value)])


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
        (with_header("Location", "https://evil.example/"), "locations"),
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
    assert kinds(report) == {"location"}
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
    assert "A receiver of entry-clicked failed: fix tests.test_acceptance" in str(report)
    assert "hunter2" not in str(report)


def test_a_guard_that_refuses_the_member_is_called_that() -> None:
    app = shop()
    app.extensions["xiebao"].click_guard(lambda member, entry: member != "9")
    options: dict[str, Any] = {"devices": ["pc", "iphone"], "with_receivers": True}
    assert check_entries(app, member="8", **options).passed
    report = check_entries(app, member="9", **options)
    assert kinds(report) == {"guard.no"}
    assert {"product-plain", "home-plain"} <= cases_of(report, "guard.no")


def test_an_entry_that_a_page_leaves_out_is_seen() -> None:
    app = shop(XIEBAO_STRICT=False)

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + '{{ policy_entry("P1", platfrom="h5") }}{{ insurance_entry("QX1") }}'
        )

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"left_out"}
    assert "did you mean platform?" in str(report)
    assert report.pages == {"/page": 1}


@pytest.mark.parametrize("name", ["shop", "shop.clicks"])
def test_a_sign_in_the_log(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def change(response: Response) -> None:
        logging.getLogger(name).info("%s leads to %s", request.path, response.location)

    before = [logging.getLogger().handlers[:], logging.getLogger("shop").filters[:]]
    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert kinds(report) == {"secret"}
    assert f"log ({name}, test_acceptance.py:" in str(report)
    assert [logging.getLogger().handlers, logging.getLogger("shop").filters] == before


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
    assert "log (shop.apart, test_acceptance.py:" in str(report)
    assert SIGN_OF_KEY not in str(report)


def test_logging_is_left_as_it_was() -> None:
    app, inner = shop(), list[Report]()

    def once_more(_done: int, _of: int) -> None:
        inner.append(check_entries(app, devices=["pc"], only=["product-plain"]))

    before = (logging.getLogRecordFactory(), logging.getLogger().handlers[:])
    assert check_entries(app, devices=["pc"], only=["product-plain"], progress=once_more).passed
    assert inner[0].passed
    assert (logging.getLogRecordFactory(), logging.getLogger().handlers[:]) == before


def test_a_line_of_the_log_that_is_written_wrongly_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")

    def change(response: Response) -> None:
        logging.getLogger("shop").info("%s leads to %s", request.path)

    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert report.passed, str(report)


def adding(tag: str) -> Callable[[Response], None]:
    """Return a hook that adds a tag to each page, with the page's own URL in it."""

    def change(response: Response) -> None:
        if response.mimetype == "text/html" and response.status_code in (200, 404):
            here = quote(request.url, safe="")
            response.set_data(response.get_data(as_text=True) + tag.format(here))

    return change


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


@pytest.mark.parametrize(
    "tag",
    [
        f'<link rel=stylesheet href="https://cdn.example/css/bootstrap.{"0a1b" * 8}.css">',
        '<img src="https://my-company-assets-production-eu-west-1.s3.amazonaws.com/x.png" alt="">',
        f'<script src="https://cdn.example/?jwt=eyJhbGciOiJIUzI1NiJ9.{"eyJ1" * 12}.sig"></script>',
        '<a href="https://sso.example/login?next={}">Log in</a>',
        '<a href="http://www..example.com/">Partner</a>',
    ],
)
def test_what_pages_load_from_elsewhere_without_the_link_is_theirs(tag: str) -> None:
    report = check_entries(spoilt(adding(tag)), devices=["pc"])
    assert report.passed, str(report)


def test_a_site_that_lets_no_script_of_others_in() -> None:
    """As web.dev has it: from other sites only what people open themselves."""
    app = shop()

    @app.before_request
    def isolate() -> Any:
        headers = request.headers
        if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin", "same-site"):
            return None
        is_opened = headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
        return None if is_opened or request.method == "HEAD" else ("No", 403)

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


def test_what_a_site_adds_to_its_pages_is_its_own() -> None:
    def change(response: Response) -> None:
        if response.mimetype == "text/html" and not response.location:
            footer = '<footer><a href="/about">About</a><script>1</script></footer>'
            own = segno.make_qr("https://weixin.example/r/abc").svg_inline()
            response.set_data(f"{response.get_data(as_text=True)}{footer}{own}")

    report = check_entries(spoilt(change), devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize("name", ["Referer", "Sec-Fetch-User"])
def test_a_wall_for_whoever_comes_from_a_page(name: str) -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("No", 400) if name in request.headers else None

    report = check_entries(app, devices=["iphone"])
    assert "product-plain" in cases_of(report, "unreached.400")
    assert "product-bearer" not in cases_of(report, "unreached.400")


def test_a_wall_for_whoever_comes_from_another_site() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("No", 403) if request.headers.get("Sec-Fetch-Site") == "cross-site" else None

    report = check_entries(app, devices=["iphone"])
    assert {"product-return", "product-back"} <= cases_of(report, "unreached.403")
    assert "product-plain" not in cases_of(report, "unreached.403")
    assert "302 by xiebao.paid" in str(report)


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
            assert "set XIEBAO_PUBLIC_URL to that host" in str(report)


def test_long_links_that_are_refused() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return ("Too long", 414) if len(request.full_path) > 700 else None

    report = check_entries(app, devices=["iphone"])
    assert cases_of(report, "unreached.414") == {
        f"{page}-return-long" for page in ("product", "home", "policy")
    }


def test_a_wall_in_front_of_the_links() -> None:
    app = shop()

    @app.before_request
    def wall() -> Any:
        return None if "member" in session else redirect("/login", 302)

    report = check_entries(app, devices=["iphone"])
    assert "product-plain" in cases_of(report, "unreached.302")
    assert "302 /login" in str(report)
    assert kinds(report) == {"unreached.302", "styles", "script"}


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


def test_a_handoff_of_the_sites_own_that_leads_on() -> None:
    from jinja2 import DictLoader

    app = shop()
    template = "<svg>{{ code }}</svg> <a href='{{ direct }}'>iPad</a>"
    app.jinja_loader = DictLoader({"xiebao/handoff.html": template})
    report = check_entries(app, devices=["pc"])
    assert report.passed, str(report)


def test_a_page_that_something_keeps_for_everybody() -> None:
    app, kept = shop(), dict[str, Any]()

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + '{{ policy_entry("P1") }}')

    inner = app.wsgi_app

    def keep(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"] != "/page":
            return inner(environ, start)
        if not kept:

            def note(status: str, headers: Any, exc_info: Any = None) -> Any:
                kept["start"] = status, headers
                return start(status, headers, exc_info)

            kept["body"] = b"".join(inner(environ, note))
            return [kept["body"]]
        start(*kept["start"])
        return [kept["body"]]

    app.wsgi_app = keep  # type: ignore[method-assign, assignment]
    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"private"}


def test_a_link_on_a_page_that_vouches_for_another_member() -> None:
    """Such as an agent's page has for a customer."""
    app = shop(
        XIEBAO_MEMBER_SECRET="a secret of thirty-two characters",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )

    renamed: list[bool] = []

    @app.after_request
    def rename(response: Response) -> Response:
        if renamed and response.location:
            response.location = response.location.replace("partnerUniqKey=", "uniqKey=")
        return response

    @app.get("/agent")
    def agent() -> str:
        return render_template_string(
            MACROS + '{{ insurance_qr("QX1", member="customer9", no_login_for=600) }}'
        )

    report = check_entries(
        app, devices=["pc"], pages=["/agent"], member="agent1", only=["product-plain"]
    )
    assert report.passed, str(report)
    with app.app_context():
        key = app.extensions["xiebao"].partner_uniq_key("customer9")

    renamed.append(True)
    report = check_entries(
        app, devices=["pc"], pages=["/agent"], member="agent1", only=["product-plain"]
    )
    assert not report.passed
    for form in FORMATS.values():
        assert key[:16] not in form(report)


@pytest.mark.parametrize(("base", "right"), [("https://m.shop.example/", False), ("/", True)])
def test_where_a_page_says_that_its_links_begin(base: str, right: bool) -> None:
    app = shop()

    @app.get("/deep/page")
    def page() -> str:
        link = app.extensions["xiebao"].product_link("QX1")
        return f'<base href="{base}"><a href="{link.removeprefix("/")}">x</a>'

    report = check_entries(app, devices=["pc"], pages=["/deep/page"], only=["product-plain"])
    assert report.passed == right, str(report)


def test_no_api_key_is_in_a_report_however_it_is_written() -> None:
    key = "NDQ5NzVhMzFiZjM=key+1/2=="

    def add(response: Response) -> None:
        if response.location:
            response.location += f"&apiKey={quote(key, safe='')}"

    for app in (
        spoilt(add, XIEBAO_API_KEY=key),
        shop(XIEBAO_API_KEY=key, XIEBAO_EXTRA={"apiKey": key}),
    ):
        report = check_entries(app, devices=["iphone"], only=["product-plain"])
        for form in FORMATS.values():
            assert "NDQ5NzVhMzFiZjM" not in form(report)
            assert "key%2B" not in form(report)


def test_no_link_that_was_asked_for_as_a_page_is_in_a_report() -> None:
    app = shop()
    with app.test_request_context():
        link = app.extensions["xiebao"].product_link("QX1", member="m1", no_login_for=600)
    report = check_entries(app, devices=["pc"], pages=[link], only=["product-plain"])
    for form in FORMATS.values():
        assert link.rpartition("/")[2] not in form(report)


def test_an_error_of_the_sites_own_kind_says_nothing_private() -> None:
    class MineError(XiebaoError):
        pass

    def change(response: Response) -> None:
        raise MineError("the password is hunter2")

    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert kinds(report) == {"crash"}
    assert "hunter2" not in str(report)


def test_pages_that_caches_share() -> None:
    app = outside(shop(), without("Vary"))

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + '{{ insurance_entry("QX1") }}')

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"vary"}


def test_hooks_that_put_headers_on_every_response_change_nothing() -> None:
    def shared(response: Response) -> None:
        response.headers["Cache-Control"] = "public, max-age=60"

    assert check_entries(spoilt(shared), devices=["pc"]).passed


# A site's own pages and members


def users(app: Flask, protection: str | None = "basic") -> None:
    manager = LoginManager(app)
    manager.session_protection = protection

    class User(UserMixin):  # type: ignore[misc]
        def __init__(self, id: str) -> None:
            self.id = id

    manager.user_loader(lambda id: User(id) if id in ("7", "8") else None)

    @app.post("/login")
    def login() -> str:
        login_user(User(request.form["name"]))
        return "Welcome"


def login_shop(protection: str | None = "basic") -> Flask:
    app = Flask("shop")
    app.config.update(ACCOUNT)
    Xiebao(app)
    users(app, protection)

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS
            + '{{ insurance_entry("QX1", return_to="/orders/8?from=网&to=%E6%B5%B7") }}'
            + '{{ policy_entry("P1") }}{{ insurance_qr("QX1") }}'
            + '<a href="{{ xiebao_link("home") }}">Shop</a><a href="/other">Other</a>'
        )

    return app


def by_form(client: Any, member: str | None) -> None:
    client.post("/login", data={"name": member or "8"})


@pytest.mark.parametrize("protection", ["basic", "strong", None])
@pytest.mark.parametrize("login", [None, by_form])
def test_a_member_of_the_sites_own(login: Any, protection: str | None) -> None:
    app = login_shop(protection)
    report = check_entries(app, devices=FEW, member=7, login=login, pages=["/page"])
    assert report.passed, str(report)
    assert report.member == "7"
    on_page = [result.case.page for result in report.results if result.case.page]
    assert set(on_page) == {"/page · product", "/page · policy", "/page · home", "/page · QR"}
    assert len(on_page) == 4 * len(FEW)


def test_whoever_the_login_logs_in_is_the_member() -> None:
    report = check_entries(login_shop(), devices=["pc"], login=by_form, only=["policy-plain"])
    assert (report.passed, report.member) == (True, "8")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"member": "9"}, "nobody is logged in: .* Does the site know member 9"),
        ({"member": "7", "login": lambda client, member: None}, "nobody is logged in"),
        (
            {"member": "7", "login": lambda client, member: by_form(client, "8")},
            "log 7 in, but .* 8",
        ),
        (
            {"member": "7", "login": lambda client: None},
            r"has to take .*: def log_in\(client, member",
        ),
        ({"login": lambda client, member: client.get("/no").status / 0}, "The login fails: Type"),
        ({"login": lambda client, member: client.get("/no")}, "answer to the login was 404"),
        ({"app_user_agent": ""}, "app_user_agent is empty"),
        ({"member": "x" * 300}, "has 300 bytes"),
        ({"member": ""}, "member '' is nobody: give the id of one"),
        ({"devices": []}, "Nothing is left to check: name a device"),
        ({"pages": "https://a..b/"}, "is not a page of the site"),
        ({"devices": ["nokia"]}, "no device 'nokia'. There are: pc, mac"),
        ({"devices": "iphnoe"}, "no device 'iphnoe'. Did you mean iphone"),
        ({"only": ["product-plane"]}, "no case 'product-plane'. Did you mean product-plain"),
        ({"pages": "orders/8"}, "'orders/8' is not a page of the site: begin it with /"),
        ({"pages": "//evil.example/p"}, "'//evil.example/p' is not a page of the site"),
        ({"pages": "https://evil.example/p"}, "is not a page .* or with https://localhost"),
        ({"pages": "https://[localhost/p"}, "is not a page of the site"),
        ({"pages": ""}, "The page '' is empty"),
        ({"pages": "/p\n"}, "The page .* has U\\+000A"),
        ({"url": "shop.example"}, "The url 'shop.example' must be an absolute http"),
        ({"url": "https://[shop"}, "must be an absolute http"),
        ({"only": []}, "Nothing is left to check"),
    ],
)
def test_a_check_that_cannot_begin_says_why(options: Any, says: str) -> None:
    with pytest.raises(CheckError, match=says):
        check_entries(login_shop(), **options)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            '<a class="xiebao-entry" data-xiebao-entry="product" href="/xiebao/product/x">x</a>',
            "link",
        ),
        (
            '<a class="xiebao-entry" data-xiebao-entry="product" href="https://evil.example/x">x</a>',
            "link",
        ),
        (f'{ENTRY}<a href="/xiebao/product/x">x</a>', "link"),
        (ENTRY + forged("[" * 20_000), "link"),
        (ENTRY + forged('["product", {}, 1.5]'), "link"),
        ('{{ policy_entry("P1", member="another") }}', "page.another_member"),
        ("{{ code('https://localhost/xiebao/product/x') }}" + ENTRY, "qr"),
        ("{{ code(link_of_yesterday()) }}" + ENTRY, "page.expired"),
        ("<p>Nothing</p>", "page.empty"),
        ('<svg class="xiebao-qr"><path d="M0 0.5h3"/></svg>' + ENTRY, "qr"),
        (f"{ENTRY}<i data-sign='{SIGN_OF_KEY}'></i>", "secret"),
        (f"{ENTRY}<p>{KEY}</p>", "secret"),
        ('{% call insurance_entry("QX1") %}<i class="icon"></i>{% endcall %}', "entry.label"),
    ],
)
def test_a_page_of_the_site_that_is_wrong(body: str, code: str) -> None:
    app = shop(XIEBAO_API_KEY=KEY)

    def link_of_yesterday() -> str:
        signer = LinkSigner([str(app.secret_key)], "12345")
        over = Entry("product", "QX1", member="m1", no_login_for=60, signed_at=1_700_000_000)
        return f"https://localhost/xiebao/product/{signer.dumps(over)}"

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + body,
            code=lambda url: Markup(segno.make_qr(url).svg_inline()),
            link_of_yesterday=link_of_yesterday,
        )

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {code}, str(report)
    assert SIGN_OF_KEY not in str(report)


@pytest.mark.parametrize(
    "body",
    [
        '{{ insurance_entry("QX1", rel="nofollow", target="_self") }}',
        '{% call insurance_entry("QX1") %}<img src="/x.png" alt="旅行险">{% endcall %}',
        '{% call insurance_entry("QX1", aria_label="旅行险") %}<svg></svg>{% endcall %}',
        '<a href="{{ xiebao_link("product", "QX1") }}?platform=h5">旅行险</a>',
        f"{ENTRY}{ENTRY}",
        f'{ENTRY}<a href="http://[x">x</a><a href="https://x:99999999/">y</a>',
        f"{ENTRY}<![if gte mso 9]><p>x</p><![endif]><![foo bar]",
        f"{ENTRY}{segno.make_qr('https://weixin.example/r/abc').svg_inline()}",
        f"{segno.make_qr('12345').svg_inline()}{{{{ insurance_qr('QX1') }}}}",
        f"{segno.make_micro('1').svg_inline()}{{{{ insurance_qr('QX1') }}}}",
    ],
)
def test_a_page_of_the_site_that_is_right(body: str) -> None:
    app = shop()

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + body)

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert report.passed, str(report)


@pytest.mark.parametrize("aloud", [False, True])
def test_two_checks_at_once_do_not_disturb_each_other(aloud: bool) -> None:
    app, reports = shop(), []

    def check() -> None:
        reports.append(check_entries(app, devices=["pc"], with_receivers=aloud))

    threads = [threading.Thread(target=check) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(report) for report in reports if not report.passed] == []
    assert len(reports) == 3


def test_what_opens_an_account_at_the_gateway_is_in_no_report() -> None:
    app = shop(XIEBAO_MEMBER_SECRET="a secret of thirty-two characters or more")
    key = app.extensions["xiebao"]
    with app.app_context():
        whole = key.partner_uniq_key("m1")
    report = check_entries(app, devices=["iphone"], member="m1")
    assert report.passed, str(report)
    for form in FORMATS.values():
        said = form(report, "en")
        assert whole not in said
        assert "paySuccess=aH" not in said


def test_a_page_that_fails_or_is_not_there() -> None:
    app = shop()

    @app.get("/page")
    def page() -> str:
        raise RuntimeError("hunter2")

    report = check_entries(app, devices=["pc"], pages=["/page", "/none"], only=["product-plain"])
    assert kinds(report) == {"crash", "page.404"}
    assert "hunter2" not in str(report)


# The command


def command(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(commands, ["check", *arguments])


def test_the_command_says_what_it_tested_and_passes() -> None:
    done = command(SITES["everything"](), "--device", "iphone")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "Site: shop, https://shop.example/~~~travel"
    assert "Environment: production" in lines
    assert "Gateway: https://api.xiebao18.com" in lines
    assert any(line.startswith("Versions: Flask-Xiebao 0.") for line in lines)
    assert lines[-1].endswith(" passed, 0 failed")


def test_the_command_says_what_is_wrong_and_how_to_see_it_again() -> None:
    app = spoilt(another_status(302, 301))
    done = command(app, "--device", "iphone", "--device", "android")
    assert done.exit_code == 1
    assert "Browsers keep a permanent redirect" in done.output
    assert "Came: 301" in done.output
    again = "flask xiebao check --case product-plain --device iphone"
    assert again in done.output
    once = command(app, *again.split()[3:])
    assert once.exit_code == 1
    assert once.output.endswith("0 passed, 1 failed\n")
    in_chinese = command(app, *again.split()[3:], "--locale", "zh")
    assert "浏览器会一直记住永久跳转" in in_chinese.output
    assert in_chinese.output.endswith("通过 0 项，不通过 1 项\n")


def test_the_command_writes_what_ci_servers_read(tmp_path: Any) -> None:
    file = tmp_path / "report.xml"
    app = spoilt(another_status(403, 404))
    done = command(app, "--device", "pc", "--format", "junit", "--output", str(file))
    assert done.exit_code == 1
    suites = ET.parse(file).getroot()  # noqa: S314
    passed = len(list(suites.iter("testcase"))) - 24
    assert done.output == f"{passed} passed, 24 failed: {file}\n"
    assert [suite.get("name") for suite in suites] == ["product page", "home page", "policy page"]
    assert suites.get("failures") == "24"
    names = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
    assert len(set(names)) == len(names)
    assert all(float(case.get("time", "")) >= 0 for case in suites.iter("testcase"))
    assert sum(int(suite.get("failures", "")) for suite in suites) == 24
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.get("type") == "status.404"
    assert "Came: 404" in (failure.text or "")


def test_the_command_writes_json() -> None:
    said = json.loads(command(shop(), "--device", "pc", "--format", "json").output)
    assert (said["failed"], said["environment"]) == (0, "test")
    assert said["passed"] == len(said["results"]) > 150
    plain = next(each for each in said["results"] if each["case"] == "home-plain")
    assert (plain["device"], plain["status"], plain["passed"]) == ("pc", 200, True)
    wrong = command(spoilt(another_status(403, 404)), "--device", "pc", "--format", "json")
    [problem] = json.loads(wrong.output)["problems"]
    assert problem["code"] == "status.404"
    differences = {each["came"]: each for each in problem["differences"]}
    assert differences.keys() == {"404 another_member", "404 not_allowed"}
    assert {each["should"] for each in differences.values()} == {"403"}
    assert sum(len(each["where"]) for each in differences.values()) == 24


def test_the_command_writes_a_page_that_is_whole() -> None:
    for app, wrong in ((shop(), 0), (spoilt(another_status(302, 301)), 1)):
        done = command(app, "--device", "pc", "--format", "html", "--locale", "zh")
        assert done.exit_code == wrong
        assert '<html lang="zh-CN">' in done.output
        assert "<script" not in done.output
        assert "style=" not in done.output
        assert "<style" not in done.output
        assert 'href="data:text/css;base64,' in done.output
        assert SIGN_OF_KEY not in done.output


def test_the_command_follows_pages_as_whoever_a_login_logs_in(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our_login.py").write_text(
        "def log_in(client, member):\n    client.post('/login', data={'name': member})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--login", "our_login:log_in", "--member", "7", "--page", "/page", "--device", "pc")
    done = command(login_shop(), *options)
    assert done.exit_code == 0, done.output
    assert "Clicks of: 7" in done.output
    wrong = command(spoilt_login_shop(), *options)
    again = "flask xiebao check --page /page --device pc --member 7"
    assert f"{again} --login our_login:log_in\n" in wrong.output


def spoilt_login_shop() -> Flask:
    app = login_shop()

    @app.after_request
    def spoil(response: Response) -> Response:
        if response.status_code == 302:
            response.status_code = 303
        return response

    return app


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("no_such_module:log_in", "No module named 'no_such_module'"),
        ("json:log_in", "is not a function: write module:function"),
        ("json", "is not a function: write module:function"),
    ],
)
def test_a_login_that_is_not_there(login: str, says: str) -> None:
    done = command(login_shop(), "--login", login, "--member", "7")
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(
    "options",
    [("--device", "nokia"), ("--case", "nothing"), ("--page", ""), ("--member", "x" * 300)],
)
def test_what_is_asked_wrongly_is_told_from_a_site_that_is_wrong(options: tuple[str, ...]) -> None:
    done = command(shop(), *options)
    assert done.exit_code == 2
    assert done.output.startswith("Usage:")


def test_a_report_that_cannot_be_written_is_said_before_the_check(tmp_path: Any) -> None:
    done = command(shop(), "--output", str(tmp_path / "none" / "report.xml"))
    assert done.exit_code == 2
    assert "report.xml' cannot be written: No such file or directory." in done.output


@pytest.mark.parametrize("wrong", [["--device", "nokia"], ["--page", "orders"]])
def test_a_check_that_cannot_begin_leaves_the_older_report(
    wrong: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "report.xml"
    file.write_text("older", "utf-8")
    done = command(shop(), "--format", "junit", "--output", str(file), *wrong)
    assert done.exit_code == 2
    assert [each.name for each in tmp_path.iterdir()] == ["report.xml"]
    assert file.read_text("utf-8") == "older"


@pytest.mark.parametrize("wrong", [False, True])
def test_a_report_for_a_pipe(wrong: bool, tmp_path: Path) -> None:
    """Nothing takes the place of a device or a pipe, as it does of a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    page = ["--page", "orders"] if wrong else []
    command(shop(), "--device", "pc", "--format", "json", "--output", str(pipe), *page)
    reader.join(10)
    assert pipe.is_fifo()
    assert bool(read[0]) != wrong


def test_the_command_to_see_it_again_names_the_app() -> None:
    again = command(spoilt(another_status(302, 301)), "--device", "iphone", "--with-receivers")
    assert (
        "  flask xiebao check --case product-plain --device iphone --with-receivers\n"
        in again.output
    )


def test_a_report_for_standard_output() -> None:
    done = command(shop(), "--device", "pc", "--format", "json", "--output", "-")
    assert json.loads(done.stdout)["failed"] == 0


def test_a_site_without_the_extension() -> None:
    done = command(Flask("other"))
    assert done.exit_code == 1
    assert "has no Xiebao" in done.output


# QR codes


@pytest.mark.parametrize("level", "LMQH")
@pytest.mark.parametrize("length", [1, 20, 60, 150, 280, 700, 1200])
def test_a_code_is_read_as_a_camera_reads_it(length: int, level: str) -> None:
    url = f"https://shop.example/{'x1-_' * length}"[: 20 + length]
    code = segno.make_qr(url, error=level, boost_error=False)
    svg = f"<p>{code.svg_inline(omitsize=True, light='#fff', svgclass=None, lineclass=None)}</p>"
    assert read_codes(svg) == [url] == [qr.read(svg)]


@pytest.mark.parametrize("mask", range(8))
def test_a_code_is_read_whatever_its_mask(mask: int) -> None:
    svg = segno.make_qr("https://shop.example/xiebao/home/x", mask=mask).svg_inline()
    assert read_codes(svg) == ["https://shop.example/xiebao/home/x"]


@pytest.mark.parametrize(
    "code",
    [
        segno.make_qr("1234567"),
        segno.make_qr("旅行", encoding="shift_jis"),
        segno.make_micro("123"),
        segno.make_qr("https://shop.example/旅行", encoding="utf-8", eci=True),
    ],
)
def test_what_is_no_link_is_left_alone(code: Any) -> None:
    assert read_codes(code.svg_inline()) == []


def test_a_code_with_modules_that_are_wrong_is_not_read() -> None:
    """Phones correct some, and each by its own luck."""
    chance = random.Random(14)  # noqa: S311
    drawn = segno.make_qr("https://shop.example/xiebao/home/x", mask=0).svg_inline()
    [path] = re.findall(r' d="([^"]+h[^"]+)"', drawn)
    lines = re.findall(r"[Mm][^Mm]+", path)
    assert read_codes(f'<svg><path d="{"".join(lines)}"/></svg>') != []
    for _ in range(300):
        some = lines[:]
        for _ in range(chance.randrange(1, 9)):
            some[chance.randrange(60, len(some))] = chance.choice(lines)
        if some != lines:
            assert read_codes(f'<svg><path d="{"".join(some)}"/></svg>') == []


def test_drawings_that_are_no_codes_are_left_alone() -> None:
    for drawing in (
        "M3 4 L 5 6 Z",
        "M0 0h9v9h-9z",
        "M12 17h.01",
        "M3 4h0",
        "M1.2.3 4h5",
        "M3 6h18M3 12h18M3 18h18",
        "M1 1h5000000",
        "M1 1h999" * 20_000,
        "M" + "1" * 50_000,
    ):
        assert read_codes(f'<svg><path d="{drawing}"/></svg>') == []


@pytest.mark.slow
def test_nothing_that_a_site_need_not_have_is_loaded() -> None:
    code = (
        "import sys, flask_xiebao.check.acceptance;"
        " print([name for name in ('pytest', 'httpx', 'zxingcpp', 'segno') if name in sys.modules])"
    )
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
