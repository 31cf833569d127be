"""A check finds nothing on a site that is right, however unusual."""

from __future__ import annotations

import gzip
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest
import segno
from flask import (
    Flask,
    Response,
    abort,
    g,
    redirect,
    render_template_string,
    request,
    session,
)
from flask_login import login_user
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Entry, Xiebao, entry_clicked, entry_refused
from flask_xiebao.testing import DEVICES, Report, check_entries, is_rehearsal
from tests.check.support import (
    ENTRY,
    FEW,
    adding,
    login_shop,
    outside,
    shop,
    spoilt,
)
from tests.support import MACROS
from tests.tools.mutants.sites import SITES


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_a_site_that_is_right(name: str) -> None:
    report = check_entries(SITES[name](), devices=FEW)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_any_device(name: str) -> None:
    report = check_entries(SITES[name](), full=True)
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
    app.add_url_rule("/login", "form", lambda: "Log in")
    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize("answer", [lambda: abort(401), lambda: abort(redirect("/login"))])
def test_a_wall_that_lets_the_entries_through(answer: Any) -> None:
    app = shop()

    @app.before_request
    def wall() -> None:
        if request.blueprint != "xiebao" and "member" not in session and request.path != "/login":
            answer()

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


@pytest.mark.parametrize("url", [None, "https://shop.example"])
def test_a_site_that_takes_only_its_own_hosts(url: str | None) -> None:
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    app = shop(TRUSTED_HOSTS=["shop.example"], XIEBAO_PUBLIC_URL=url)
    report = check_entries(app, devices=FEW)
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
    app.add_url_rule("/<language>/login", "login", lambda language: f"Log in: {language}")

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "login":
            values["language"] = "en" if "Chrome" in str(request.user_agent) else "zh"

    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)


def test_a_site_that_cannot_say_who_is_logged_in_is_checked_as_far_as_that_goes() -> None:
    report = check_entries(SITES["nobody_logs_in"](), devices=FEW)
    assert "add a member_loader" in report.notes_in("en")[0]
    done = {result.case.name for result in report.results}
    assert "product-bearer" in done
    assert "product-plain" not in done


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
    clicked, refused = heard
    assert clicked["entry"].page == "product"
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


def test_answers_that_are_packed_are_read() -> None:
    def pack(response: Response) -> None:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.direct_passthrough = False
            response.set_data(gzip.compress(response.get_data()))
            response.headers["Content-Encoding"] = "gzip"

    report = check_entries(spoilt(pack), devices=["pc"])
    assert report.passed, str(report)


def test_what_a_check_has_heard_is_still_logged_for_visitors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = shop(XIEBAO_STRICT=False)
    wrong = '{{ insurance_entry("QX1", platfrom="h5") }}'
    app.add_url_rule("/page", "page", lambda: render_template_string(MACROS + wrong))
    check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert "platfrom" not in caplog.text
    app.test_client().get("/page")
    assert "platfrom" in caplog.text


@pytest.mark.parametrize("more", ["no-cache, no-store, must-revalidate", "private, no-store"])
def test_a_middleware_that_forbids_caches_even_more(more: str) -> None:
    def forbid(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        others = [each for each in headers if each[0] != "Cache-Control"]
        return status, [*others, ("Cache-Control", more)]

    report = check_entries(outside(shop(), forbid), devices=["pc", "iphone"])
    assert report.passed, str(report)


def test_the_end_is_in_sight_from_the_beginning() -> None:
    app, heard = shop(), list[tuple[int, int]]()
    app.add_url_rule("/page", "page", lambda: render_template_string(MACROS + ENTRY))
    check_entries(
        app, devices=["pc"], pages=["/page"], progress=lambda done, of: heard.append((done, of))
    )
    assert heard[0][1] > 50
    assert heard[-1][0] == heard[-1][1] == len(heard)


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


def test_a_handoff_of_the_sites_own_that_leads_on() -> None:
    from jinja2 import DictLoader

    app = shop()
    template = "<svg>{{ code }}</svg> <a href='{{ direct }}'>iPad</a>"
    app.jinja_loader = DictLoader({"xiebao/handoff.html": template})
    report = check_entries(app, devices=["pc"])
    assert report.passed, str(report)


def test_hooks_that_put_headers_on_every_response_change_nothing() -> None:
    def shared(response: Response) -> None:
        response.headers["Cache-Control"] = "public, max-age=60"

    assert check_entries(spoilt(shared), devices=["pc"]).passed


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


def test_nothing_that_a_site_need_not_have_is_loaded() -> None:
    code = (
        "import sys, flask_xiebao.check.acceptance;"
        " print([name for name in ('pytest', 'httpx', 'zxingcpp', 'segno') if name in sys.modules])"
    )
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
