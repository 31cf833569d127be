"""Helpers for tests of the check: sites, changes to sites, and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Response, abort, g, redirect, render_template_string, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, login_user
from jinja2 import DictLoader
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Xiebao
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import FORMATS, Report, check_entries
from tests.support import MACROS, SIGN_OF_API_KEY
from tests.tokens import encode_payload
from tests.tools.mutants.sites import ACCOUNT

ENTRY = '{{ insurance_entry("QX1") }}'
#: The devices on which the tests run the check, unless a test passes others.
FEW_DEVICES = ("iphone", "pc")
#: One case for each outcome of a click and each page of the gateway. The tests run these cases,
#: unless a test passes others.
TYPICAL_CASES = [
    *("product-plain", "product-visitor", "product-return", "product-bearer", "product-expired"),
    *("product-another", "product-another-json", "product-changed", "product-htmx"),
    *("product-guard", "home-plain", "home-return", "policy-plain", "policy-another", "loader"),
]
#: The options of a check that also follows the entries on ``/page``.
ON_PAGE: dict[str, Any] = {"pages": ["/page"], "only": ["product-plain"]}
#: The setting that makes the keys of members unguessable.
HIDDEN_KEY: dict[str, Any] = {"XIEBAO_MEMBER_SECRET": "a secret of thirty-two characters"}
WITH_PUBLIC_URL: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example"}
WITH_LOGIN_VIEW: dict[str, Any] = {"XIEBAO_LOGIN_VIEW": "login"}

#: A function that changes an app which has Xiebao.
Change = Callable[[Flask], object]
MakeApp = Callable[[], Flask]


# Sites


def load_member_from_session() -> str | None:
    return session.get("member")


def make_shop(
    *changes: Change,
    page: str = "",
    headers: Mapping[str, str] | None = None,
    views: Mapping[str, Any] | None = None,
    before: Callable[[], Any] | None = None,
    after: Callable[[Response], Response | None] | None = None,
    templates: Mapping[str, str] | None = None,
    loader: Callable[[], Any] | None = load_member_from_session,
    **config: Any,
) -> Flask:
    """Return an app with Xiebao.

    :param changes: functions that change the app after it is built.
    :param page: the template of ``/page``, without the import of the macros.
    :param headers: the response headers of ``/page``.
    :param views: responses or view functions by path, for example ``"/login"``. A method may
        precede the path, for example ``"POST /login"``.
    :param before: a function to run before each request.
    :param after: a function to run after each request. It may return None to keep the response.
    :param templates: the site's own templates, by name.
    :param loader: the ``member_loader``, or None for a site without one.
    :param config: the settings.
    """
    app = Flask("shop")
    app.config.update({**ACCOUNT, **config})
    if page:
        show_page = {"/page": lambda: (render_template_string(MACROS + page), headers or {})}
        views = {**show_page, **(views or {})}
    for rule, response in (views or {}).items():
        method, _, path = rule.rpartition(" ")
        view = response if callable(response) else _build_view(response)
        endpoint = re.sub("<[^>]*>|/", "", path) or path
        app.add_url_rule(path, endpoint, view, methods=[method or "GET"])
    xiebao = Xiebao(app)
    if loader is not None:
        xiebao.member_loader(loader)
    if before is not None:
        app.before_request(before)
    if after is not None:
        app.after_request(wraps(after)(lambda response: after(response) or response))
    if templates is not None:
        app.jinja_loader = DictLoader(templates)
    for change in changes:
        change(app)
    return app


def _build_view(response: Any) -> Callable[..., Any]:
    return lambda **_: response


def make_login_shop(*changes: Change, login: Change | None = None, **options: Any) -> Flask:
    """Return an app with a login, and with an entry of each kind on ``/page``.

    :param login: a function that adds the login. By default, the app uses Flask-Login.
    """
    page = (
        '{{ insurance_entry("QX1", return_to="/orders/8?from=网&to=%E6%B5%B7") }}'
        '{{ policy_entry("P1") }}{{ insurance_qr("QX1") }}'
        '<a href="{{ xiebao_link("home") }}">Shop</a><a href="/other">Other</a>'
    )
    return make_shop(
        login or use_flask_login(), *changes, **{"page": page, "loader": None, **options}
    )


def build_link(app: Flask, page: str, *reference: str, **options: Any) -> str:
    """Return an absolute link, built outside of a request as for a mail."""
    with app.app_context():
        return str(app.extensions["xiebao"].link(page, *reference, **options))


def build_unsigned_link(payload: str) -> str:
    """Return an ``<a>`` with a link whose signature is wrong."""
    token = f"{encode_payload(payload.encode()).decode()}.abc{'d' * 43}"
    return f'<a href="/xiebao/product/{token}">x</a>'


# Views and request hooks


def divide_by_zero(*_: Any, **__: Any) -> str:
    raise ZeroDivisionError("hunter2")


def abort_with(status: int) -> Callable[..., Any]:
    return lambda **_: abort(status)


def redirect_phones() -> Any:
    """Redirect phones to the mobile site, which is on another host."""
    is_phone = "iPhone" in request.user_agent.string
    return redirect(f"https://m.shop.example{request.full_path}") if is_phone else None


def redirect_to_host(host: str) -> Callable[[], Any]:
    """Return a before_request function that redirects requests for other hosts to this one."""
    return lambda: (
        None if request.host == host else redirect(f"https://{host}{request.full_path}", 301)
    )


def append_html(html: str) -> Callable[[Response], None]:
    """Return an after_request function that appends HTML to each page.

    :param html: the HTML, in which ``{}`` stands for the quoted URL of the page.
    """

    def append(response: Response) -> None:
        if response.mimetype == "text/html" and response.status_code in (200, 404):
            url = quote(request.url, safe="")
            response.set_data(response.get_data(as_text=True) + html.format(url))

    return append


# Changes to an app


def register_hook(hook: str, function: Callable[..., Any]) -> Change:
    """Register a function for a hook of Xiebao, for example ``"click_guard"``."""
    return lambda app: getattr(app.extensions["xiebao"], hook)(function)


def change_settings(**config: Any) -> Change:
    """Change settings after the extension has read them."""
    return lambda app: app.config.update(config)


def add_middleware(middleware: Callable[..., Any], **options: Any) -> Change:
    """Wrap an app in a WSGI middleware."""

    def change(app: Flask) -> None:
        app.wsgi_app = middleware(app.wsgi_app, **options)  # type: ignore[method-assign]

    return change


def mount_below(path: str) -> Change:
    """Mount an app below a path, beside another app at ``/admin``."""
    admin = Flask("admin")
    return add_middleware(
        lambda inner: DispatcherMiddleware(NotFound(), {"/admin": admin, path: inner})
    )


def limit_requests(limit: str, *exempted: str) -> Change:
    """Limit the rate of requests with Flask-Limiter.

    :param exempted: the names of the blueprints and endpoints that have no limit.
    """

    def change(app: Flask) -> None:
        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
        limiter = Limiter(get_remote_address, app=app, default_limits=[limit])
        for name in exempted:
            exempt: Any = app.blueprints.get(name) or app.view_functions[name]
            limiter.exempt(exempt)

    return change


def add_language_prefix(app: Flask) -> None:
    """Pass the language prefix of the requested URL on to the URLs that the app builds."""

    @app.url_value_preprocessor
    def pull_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = (values or {}).pop("lang", "zh")

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        if g.lang and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", g.lang)


def require_complete_requests(app: Flask) -> None:
    """Add request hooks that raise an exception unless each request begins and ends once."""

    @app.before_request
    def begin() -> None:
        assert "began" not in g, "the g of another request"
        g.began = True

    app.teardown_request(lambda error: g.pop("began"))


class User(UserMixin):  # type: ignore[misc]
    """A user of Flask-Login."""

    def __init__(self, id: str) -> None:
        self.id = id


def use_flask_login(
    unauthorized: Callable[[], Any] | None = None,
    login_view: str | None = None,
    protection: str | None = "basic",
) -> Change:
    """Add Flask-Login, with the members 7 and 8 and a login form at ``/login``."""

    def change(app: Flask) -> None:
        manager = LoginManager(app)
        manager.session_protection, manager.login_view = protection, login_view
        manager.user_loader(lambda id: User(id) if id in ("7", "8") else None)
        if unauthorized is not None:
            manager.unauthorized_handler(unauthorized)

        @app.post("/login")
        def log_in() -> str:
            login_user(User(request.form["name"]))
            return "Welcome"

    return change


def log_in_by_form(client: Any, member: str | None) -> None:
    client.post("/login", data={"name": member or "8"})


# Changes to responses, made by a middleware


def rewrite_responses(rewrite: Callable[[str, list[Any]], tuple[str, list[Any]]]) -> Change:
    """Add a middleware that changes the status line and the headers of each response."""

    def middleware(inner: Any) -> Any:
        def call_app(environ: Any, start_response: Any) -> Any:
            def start(status: str, headers: list[Any], exc_info: Any = None) -> Any:
                return start_response(*rewrite(status, headers), exc_info)

            return inner(environ, start)

        return call_app

    return add_middleware(middleware)


def change_headers(*added: tuple[str, str], without: Iterable[str] = ()) -> Change:
    """Add headers to each response, and remove the headers in *without*."""
    return rewrite_responses(
        lambda status, headers: (
            status,
            [header for header in headers if header[0] not in without] + list(added),
        )
    )


def replace_status(old: int, new: int) -> Change:
    """Replace a status in each response."""
    return rewrite_responses(
        lambda status, headers: (
            f"{new} Changed" if status.startswith(str(old)) else status,
            headers,
        )
    )


def replace_in_location(old: str, new: str) -> Change:
    """Replace a text in the Location header of each redirect."""
    return rewrite_responses(
        lambda status, headers: (
            status,
            [
                (name, value.replace(old, new) if name == "Location" else value)
                for name, value in headers
            ],
        )
    )


# Checks and reports


def run_check(site: MakeApp | Flask, **options: Any) -> Report:
    """Check a site and return the report.

    :param options: the arguments of ``check_entries``. The defaults are ``FEW_DEVICES`` and
        ``TYPICAL_CASES``.
    """
    return check_entries(
        site if isinstance(site, Flask) else site(),
        **{"devices": FEW_DEVICES, "only": TYPICAL_CASES, **options},
    )


def run_check_command(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(commands, ["check", *arguments])


def get_failed_rules(report: Report) -> set[str]:
    return {problem.code for problem in report.problems()}


def get_notes(report: Report) -> str:
    return "\n".join(report.notes_in("en"))


def render_all_formats(report: Report) -> str:
    """Return the report in every format and language, and the repr of its results."""
    return "\n".join(
        [
            str(report),
            repr(report.results),
            *(render(report, locale) for render in FORMATS.values() for locale in ("zh", "en")),
        ]
    )


# Rows of tables


def failing_row(
    id: str,
    rules: str,
    site: MakeApp,
    *messages: str,
    failed_cases: str = "",
    marks: Any = (),
    **options: Any,
) -> Any:
    """Return a row: a site with a fault, the rules that fail, and texts in the report.

    :param rules: the names of all rules that fail, separated by spaces.
    :param failed_cases: the names of all cases that fail. By default, any cases may fail.
    :param options: the arguments of :func:`run_check`.
    """
    return pytest.param(
        site,
        set(rules.split()),
        messages,
        set(failed_cases.split()),
        options,
        id=id,
        marks=marks,
    )


def assert_rules_fail(
    site: MakeApp, rules: set[str], messages: tuple[str, ...], failed_cases: set[str], options: Any
) -> None:
    """Assert that the check of a row reports exactly these rules, and no secrets."""
    report = run_check(site, **options)
    assert get_failed_rules(report) == rules, str(report)
    for message in messages:
        assert message in str(report)
    if failed_cases:
        assert {result.case.name for result in report.failed} == failed_cases
    for text in (str(report), FORMATS["json"](report)):
        assert "hunter2" not in text
        assert SIGN_OF_API_KEY not in text


def passing_row(id: str, site: MakeApp, *notes: str, marks: Any = (), **options: Any) -> Any:
    """Return a row: a site without a fault, and texts in the notes of the report."""
    return pytest.param(site, notes, options, id=id, marks=marks)


def assert_check_passes(site: MakeApp, notes: tuple[str, ...], options: Any) -> Report:
    """Assert that the check of a row passes with these notes, and return the report."""
    report = run_check(site, **options)
    assert report.passed, str(report)
    for note in notes:
        assert note in get_notes(report)
    return report
