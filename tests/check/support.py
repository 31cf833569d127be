"""Helpers for tests of ``flask xiebao check``: test sites, changes to sites, and assertions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import pytest
from flask import Flask, Response, abort, g, redirect, render_template_string, request, session
from jinja2 import DictLoader
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_xiebao import Xiebao
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import FORMATS, Report, check_entries
from tests.click.support import make_user
from tests.support import MACROS, MEMBER_SECRET, SIGN_OF_API_KEY
from tests.tokens import encode_payload
from tests.tools.mutants.sites import ACCOUNT

ENTRY = '{{ insurance_entry("QX1") }}'
#: The argument with which ``check_entries`` also checks the page ``/page``.
ON_PAGE: dict[str, Any] = {"pages": ["/page"]}
#: The setting that makes member keys impossible to guess.
HIDDEN_KEY: dict[str, Any] = {"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}
WITH_PUBLIC_URL: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example"}
WITH_LOGIN_VIEW: dict[str, Any] = {"XIEBAO_LOGIN_VIEW": "login"}

#: A function that changes an app on which the extension is initialized.
Change = Callable[[Flask], object]
MakeApp = Callable[[], Flask]


# Test sites


def load_member_from_session() -> str | None:
    return session.get("member")


def load_integer_member_id() -> int | None:
    """Return the id of the logged-in member.

    ``flask xiebao check`` reads the return annotation to learn that member ids are integers.
    """
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
    """Return a test site that uses the extension.

    :param changes: functions that change the app after it is built.
    :param page: the template of the page ``/page``, without the import of the macros.
    :param headers: the response headers of the page ``/page``.
    :param views: responses or view functions by path, for example ``"/login"``. A method may
        precede the path, for example ``"POST /login"``.
    :param before: a function to run before each request.
    :param after: a function to run after each request. It may return None to keep the response.
    :param templates: the site's own templates, by name.
    :param loader: the ``member_loader``, or None for a site without one.
    :param config: the settings of the app.
    """
    app = Flask("shop")
    app.config.update({**ACCOUNT, **config})
    if page:
        show_page = {"/page": lambda: (render_template_string(MACROS + page), headers or {})}
        views = {**show_page, **(views or {})}
    for rule, response in (views or {}).items():
        method, _, path = rule.rpartition(" ")
        view = response if callable(response) else _build_constant_view(response)
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


def _build_constant_view(response: Any) -> Callable[..., Any]:
    return lambda **_: response


def make_login_shop(*changes: Change, login: Change | None = None, **options: Any) -> Flask:
    """Return a test site with a login and with every kind of entry on the page ``/page``.

    :param login: a function that adds the login to the app. By default, the app uses Flask-Login.
    :param options: the arguments of :func:`make_shop`.
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
    """Return an absolute link to a gateway page, built outside of a request, as for an email."""
    with app.app_context():
        return str(app.extensions["xiebao"].link(page, *reference, **options))


def render_forged_link(payload: str) -> str:
    """Return the HTML of a link whose token has this payload and a wrong signature."""
    token = f"{encode_payload(payload.encode()).decode()}.abc{'d' * 43}"
    return f'<a href="/xiebao/product/{token}">x</a>'


# Views and request hooks


def divide_by_zero(*_: Any, **__: Any) -> str:
    raise ZeroDivisionError("hunter2")


def abort_with(status: int) -> Callable[..., Any]:
    """Return a view or request hook that aborts with this status."""
    return lambda **_: abort(status)


def redirect_phones() -> Any:
    """Redirect requests from phones to the mobile site, which has a different host name."""
    is_phone = "iPhone" in request.user_agent.string
    return redirect(f"https://m.shop.example{request.full_path}") if is_phone else None


def redirect_to_host(host: str) -> Callable[[], Any]:
    """Return a before_request function that redirects requests for any other host to *host*."""
    return lambda: (
        None if request.host == host else redirect(f"https://{host}{request.full_path}", 301)
    )


# Functions that change an app


def register_hook(hook: str, function: Callable[..., Any]) -> Change:
    """Return a function that registers *function* as a hook, for example as ``"click_guard"``."""
    return lambda app: getattr(app.extensions["xiebao"], hook)(function)


def change_settings(**config: Any) -> Change:
    """Return a function that changes an app's settings after the extension has read them."""
    return lambda app: app.config.update(config)


def add_middleware(middleware: Callable[..., Any], **options: Any) -> Change:
    """Return a function that wraps an app in a WSGI middleware."""

    def change_app(app: Flask) -> None:
        app.wsgi_app = middleware(app.wsgi_app, **options)  # type: ignore[method-assign]

    return change_app


def change_environ(**values: str) -> Change:
    """Return a function that makes an app change each WSGI environment, like a wrong proxy."""
    return add_middleware(lambda inner: lambda environ, start: inner({**environ, **values}, start))


def mount_app_below(path: str) -> Change:
    """Return a function that mounts an app below a path, beside another app at ``/admin``."""
    admin = Flask("admin")
    return add_middleware(
        lambda inner: DispatcherMiddleware(NotFound(), {"/admin": admin, path: inner})
    )


def limit_requests(limit: str, *exempted: str) -> Change:
    """Return a function that limits the rate of an app's requests with Flask-Limiter.

    :param exempted: the names of the blueprints and endpoints that have no limit.
    """

    def change_app(app: Flask) -> None:
        from flask_limiter import Limiter
        from flask_limiter.util import get_remote_address

        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
        limiter = Limiter(get_remote_address, app=app, default_limits=[limit])
        for name in exempted:
            exempt: Any = app.blueprints.get(name) or app.view_functions[name]
            limiter.exempt(exempt)

    return change_app


def add_language_prefix(app: Flask) -> None:
    """Add the language prefix of the requested URL to the URLs that the app builds."""

    @app.url_value_preprocessor
    def pull_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = (values or {}).pop("lang", "zh")

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        if g.lang and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", g.lang)


def require_complete_requests(app: Flask) -> None:
    """Add hooks that raise an exception if a request does not begin and end exactly once."""

    @app.before_request
    def begin_request() -> None:
        assert "began" not in g, "the g of another request"
        g.began = True

    app.teardown_request(lambda error: g.pop("began"))


def use_flask_login(
    unauthorized: Callable[[], Any] | None = None,
    login_view: str | None = None,
    protection: str | None = "basic",
) -> Change:
    """Return a function that adds Flask-Login, members 7 and 8, and a login form at ``/login``."""

    def change_app(app: Flask) -> None:
        from flask_login import LoginManager, login_user

        manager = LoginManager(app)
        manager.session_protection, manager.login_view = protection, login_view
        manager.user_loader(lambda id: make_user(id) if id in ("7", "8") else None)
        if unauthorized is not None:
            manager.unauthorized_handler(unauthorized)

        @app.post("/login")
        def log_in() -> str:
            login_user(make_user(request.form["name"]))
            return "Welcome"

    return change_app


def log_in_by_form(client: Any, member: str | None) -> None:
    client.post("/login", data={"name": member or "8"})


# Middleware that changes responses


def rewrite_responses(rewrite: Callable[[str, list[Any]], tuple[str, list[Any]]]) -> Change:
    """Return a function that makes an app change the status line and headers of each response.

    The function *rewrite* receives only the response and cannot see the request. If a change
    depends on the request, pass a WSGI middleware to :func:`add_middleware` instead.
    """

    def middleware(inner: Any) -> Any:
        def call_app(environ: Any, start_response: Any) -> Any:
            def start_changed_response(
                status: str, headers: list[Any], exc_info: Any = None
            ) -> Any:
                return start_response(*rewrite(status, headers), exc_info)

            return inner(environ, start_changed_response)

        return call_app

    return add_middleware(middleware)


def change_headers(*added: tuple[str, str], without: Iterable[str] = ()) -> Change:
    """Return a function that makes an app change the headers of each response.

    :param added: the headers to add.
    :param without: the names of the headers to remove.
    """
    return rewrite_responses(
        lambda status, headers: (
            status,
            [header for header in headers if header[0] not in without] + list(added),
        )
    )


def replace_status(old: int, new: int) -> Change:
    """Return a function that makes an app send the status code *new* instead of *old*."""
    return rewrite_responses(
        lambda status, headers: (
            f"{new} Changed" if status.startswith(str(old)) else status,
            headers,
        )
    )


def replace_in_location(old: str, new: str) -> Change:
    """Return a function that makes an app replace a text in the Location header of redirects."""
    return rewrite_responses(
        lambda status, headers: (
            status,
            [
                (name, value.replace(old, new) if name == "Location" else value)
                for name, value in headers
            ],
        )
    )


# Runs of ``flask xiebao check``, and their reports


def run_check(site: MakeApp | Flask, **options: Any) -> Report:
    """Run ``check_entries`` on a test site, and return the report.

    :param options: the arguments of ``check_entries``.
    """
    return check_entries(site if isinstance(site, Flask) else site(), **options)


def run_check_command(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(commands, ["check", *arguments])


def get_failed_rules(report: Report) -> set[str]:
    return {problem.failure.rule for problem in report.problems}


def get_notes(report: Report) -> str:
    return "\n".join(report.notes_in("en"))


def render_all_formats(report: Report) -> str:
    """Return the text of a report in every format and language, and the repr of its results."""
    return "\n".join(
        [
            str(report),
            repr(report.results),
            *(render(report, locale) for render in FORMATS.values() for locale in ("zh", "en")),
        ]
    )


# Table rows for sites with and without faults


def failing_row(
    id: str, rules: str, text: str, site: MakeApp, *, marks: Any = (), **options: Any
) -> Any:
    """Return a ``pytest.param`` with a site in which ``flask xiebao check`` must find a fault.

    :param rules: the names of all rules that the site breaks, separated by spaces.
    :param text: a text that the report must contain, for example the place or the cause.
    :param site: a function that builds the test site.
    :param options: the arguments of :func:`run_check`.
    """
    return pytest.param(site, set(rules.split()), text, options, id=id, marks=marks)


def assert_rules_fail(site: MakeApp, rules: set[str], text: str, options: Any) -> None:
    """Run ``check_entries`` on a test site, and assert that exactly these rules fail.

    Also assert that the report contains the text and no secrets.
    """
    report = run_check(site, **options)
    assert get_failed_rules(report) == rules, str(report)
    assert text in str(report)
    for shown in (str(report), FORMATS["json"](report)):
        assert "hunter2" not in shown
        assert SIGN_OF_API_KEY not in shown


def passing_row(id: str, site: MakeApp, *notes: str, marks: Any = (), **options: Any) -> Any:
    """Return a ``pytest.param`` with a test site for which ``flask xiebao check`` must pass.

    :param site: a function that builds the test site.
    :param notes: texts that the notes of the report must contain.
    :param options: the arguments of :func:`run_check`.
    """
    return pytest.param(site, notes, options, id=id, marks=marks)


def assert_check_passes(site: MakeApp, notes: tuple[str, ...], options: Any) -> Report:
    """Run ``check_entries`` on a test site, assert that the check passes, and return the report.

    Also assert that the report contains the notes.
    """
    report = run_check(site, **options)
    assert report.passed, str(report)
    for note in notes:
        assert note in get_notes(report)
    return report
