"""Sites that tests of a check build, and what a check has to find on them."""

from __future__ import annotations

import base64
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
from tests.tools.mutants.sites import ACCOUNT

ENTRY = '{{ insurance_entry("QX1") }}'
FEW = ("iphone", "pc")
#: A case of each kind of end, and of each page: what something around the entries can change.
KINDS = [
    *("product-plain", "product-visitor", "product-return", "product-bearer", "product-expired"),
    *("product-another", "product-another-json", "product-changed", "product-htmx"),
    *("product-guard", "home-plain", "home-return", "policy-plain", "policy-another", "loader"),
]
#: Where an entry and a login are in what these sites show.
ON_PAGE: dict[str, Any] = {"pages": ["/page"], "only": ["product-plain"]}
HIDDEN_KEY: dict[str, Any] = {"XIEBAO_MEMBER_SECRET": "a secret of thirty-two characters"}
OUTSIDE: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example"}

#: Something that is done to an app which has Xiebao.
Change = Callable[[Flask], object]
#: Changes the status and the headers of an answer on their way out.
Rewrite = Callable[[str, list[Any]], tuple[str, list[Any]]]
MakeSite = Callable[[], Flask]


def by_session() -> str | None:
    return session.get("member")


def fails(*_: Any, **__: Any) -> str:
    raise ZeroDivisionError("hunter2")


def aborts(status: int) -> Callable[..., Any]:
    return lambda **_: abort(status)


def sends_phones_elsewhere() -> Any:
    is_phone = "iPhone" in request.user_agent.string
    return redirect(f"https://m.shop.example{request.full_path}") if is_phone else None


def shop(
    *changes: Change,
    page: str = "",
    headers: Mapping[str, str] | None = None,
    views: Mapping[str, Any] | None = None,
    before: Callable[[], Any] | None = None,
    after: Callable[[Response], Response | None] | None = None,
    templates: Mapping[str, str] | None = None,
    loader: Callable[[], Any] | None = by_session,
    **config: Any,
) -> Flask:
    """Return a site with this around its entries.

    :param changes: what else is done to it.
    :param page: what is on its ``/page``, after the import of the macros.
    :param headers: those of the page.
    :param views: what paths answer, or what is called for that: ``"/login"``, ``"POST /login"``.
    :param before: a hook before each request.
    :param after: a hook after each request, which need not return the response.
    :param templates: the site's own, by name.
    :param loader: says who is logged in; None for none.
    """
    app = Flask("shop")
    app.config.update({**ACCOUNT, **config})
    if page:
        own = {"/page": lambda: (render_template_string(MACROS + page), headers or {})}
        views = {**own, **(views or {})}
    for rule, said in (views or {}).items():
        method, _, path = rule.rpartition(" ")
        view = said if callable(said) else _says(said)
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


def _says(said: Any) -> Callable[..., Any]:
    return lambda **_: said


def registers(hook: str, function: Callable[..., Any]) -> Change:
    """Have a site register a function of its own: ``"click_guard"``, ``"keeps_plain_key"``, …"""
    return lambda app: getattr(app.extensions["xiebao"], hook)(function)


def set_late(**config: Any) -> Change:
    """Change settings after the extension has read them."""
    return lambda app: app.config.update(config)


def around(middleware: Callable[..., Any], **options: Any) -> Change:
    """Put a middleware around an app, outermost."""

    def change(app: Flask) -> None:
        app.wsgi_app = middleware(app.wsgi_app, **options)  # type: ignore[method-assign]

    return change


def mounted(path: str) -> Change:
    """Have an app answer below a path only, beside another."""
    admin = Flask("admin")
    return around(lambda inner: DispatcherMiddleware(NotFound(), {"/admin": admin, path: inner}))


def limited(limit: str, *exempted: str) -> Change:
    """Limit requests, save for those of these endpoints, or of a whole blueprint."""

    def change(app: Flask) -> None:
        app.config["RATELIMIT_STORAGE_URI"] = "memory://"
        limiter = Limiter(get_remote_address, app=app, default_limits=[limit])
        for name in exempted:
            exempt: Any = app.blueprints.get(name) or app.view_functions[name]
            limiter.exempt(exempt)

    return change


def in_languages(app: Flask) -> None:
    """Have a site in languages, as Flask's manual has it: URLs need what its hooks find out."""

    @app.url_value_preprocessor
    def pull(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = (values or {}).pop("lang", "zh")

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if g.lang and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", g.lang)


def needs_a_whole_request(app: Flask) -> None:
    """Have hooks do at the end of each request what needs its beginning, which comes once."""

    @app.before_request
    def begin() -> None:
        assert "began" not in g, "the g of another request"
        g.began = True

    app.teardown_request(lambda error: g.pop("began"))


class User(UserMixin):  # type: ignore[misc]
    """Somebody whom Flask-Login knows."""

    def __init__(self, id: str) -> None:
        self.id = id


def flask_login(
    unauthorized: Callable[[], Any] | None = None,
    login_view: str | None = None,
    protection: str | None = "basic",
) -> Change:
    """Have members 7 and 8 log in by a form at ``/login``."""

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


def login_shop(*changes: Change, login: Change | None = None, **options: Any) -> Flask:
    """Return a site whose members log in, with an entry of each kind on its page."""
    page = (
        '{{ insurance_entry("QX1", return_to="/orders/8?from=网&to=%E6%B5%B7") }}'
        '{{ policy_entry("P1") }}{{ insurance_qr("QX1") }}'
        '<a href="{{ xiebao_link("home") }}">Shop</a><a href="/other">Other</a>'
    )
    login = login or flask_login()
    return shop(login, *changes, **{"page": page, "loader": None, **options})


def by_form(client: Any, member: str | None) -> None:
    client.post("/login", data={"name": member or "8"})


def outside(rewrite: Rewrite) -> Change:
    """Put something around an app that changes status and headers on their way out."""

    def middleware(inner: Any) -> Any:
        def answer(environ: Any, start_response: Any) -> Any:
            def start(status: str, headers: list[Any], exc_info: Any = None) -> Any:
                return start_response(*rewrite(status, headers), exc_info)

            return inner(environ, start)

        return answer

    return around(middleware)


def with_headers(*added: tuple[str, str], without: Iterable[str] = ()) -> Change:
    """Add headers to each answer, and take others from it."""

    def rewrite(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [each for each in headers if each[0] not in without] + list(added)

    return outside(rewrite)


def status(before: int, after: int) -> Change:
    """Answer with one status where the site would with another."""

    def rewrite(said: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return f"{after} Changed" if said.startswith(str(before)) else said, headers

    return outside(rewrite)


def in_location(was: str, becomes: str) -> Change:
    """Send the browser elsewhere than the site would."""

    def rewrite(said: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return said, [
            (name, value.replace(was, becomes) if name == "Location" else value)
            for name, value in headers
        ]

    return outside(rewrite)


def adding(tag: str) -> Callable[[Response], None]:
    """Return a hook that adds a tag to each page, with the page's own URL in it."""

    def change(response: Response) -> None:
        if response.mimetype == "text/html" and response.status_code in (200, 404):
            here = quote(request.url, safe="")
            response.set_data(response.get_data(as_text=True) + tag.format(here))

    return change


def link_of(app: Flask, page: str, *reference: str, **options: Any) -> str:
    """Return a link that a site has in its mails."""
    with app.app_context():
        link: str = app.extensions["xiebao"].link(page, *reference, **options)
    return link


def forged(said: str) -> str:
    """Return a link that nobody signed."""
    payload = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
    return f'<a href="/xiebao/product/{payload}.abc{"d" * 43}">x</a>'


def command(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(commands, ["check", *arguments])


def check(site: MakeSite | Flask, **options: Any) -> Report:
    """Check a site on an iPhone and on a PC, with a case of each kind, unless options say else."""
    app = site if isinstance(site, Flask) else site()
    return check_entries(app, **{"devices": FEW, "only": KINDS, **options})


def kinds(report: Report) -> set[str]:
    return {trouble.code for trouble in report.problems()}


def every_form(report: Report) -> str:
    """Return all that a report says, in every form and language."""
    forms = [form(report, locale) for form in FORMATS.values() for locale in ("zh", "en")]
    return "\n".join([str(report), repr(report.results), *forms])


# The tables: what is wrong with a site, and what is right with one


def wrong(
    id: str,
    codes: str,
    site: MakeSite,
    *says: str,
    failed: str = "",
    marks: Any = (),
    **options: Any,
) -> Any:
    """Return a row: a site, the rules that it breaks, and what the report says.

    :param failed: the names of the cases that fail; by default any.
    """
    found = set(codes.split()), says, set(failed.split())
    return pytest.param(site, *found, options, id=id, marks=marks)


def assert_is_found(
    site: MakeSite, codes: set[str], says: tuple[str, ...], failed: set[str], options: Any
) -> None:
    report = check(site, **options)
    assert kinds(report) == codes, str(report)
    for each in says:
        assert each in str(report)
    if failed:
        assert {result.case.name for result in report.failed} == failed
    for said in (str(report), FORMATS["json"](report)):
        assert "hunter2" not in said
        assert SIGN_OF_API_KEY not in said


def right(id: str, site: MakeSite, *notes: str, marks: Any = (), **options: Any) -> Any:
    """Return a row: a site on which nothing is wrong, and what the report notes."""
    return pytest.param(site, notes, options, id=id, marks=marks)


def assert_is_right(site: MakeSite, notes: tuple[str, ...], options: Any) -> Report:
    report = check(site, **options)
    assert report.passed, str(report)
    for each in notes:
        assert each in "\n".join(report.notes_in("en"))
    return report
