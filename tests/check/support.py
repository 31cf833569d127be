"""Sites that tests of a check build, and spoil."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, render_template_string, request, session
from flask_login import LoginManager, UserMixin, login_user

from flask_xiebao import Xiebao
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import Report
from tests.support import MACROS
from tests.tools.mutants.sites import ACCOUNT

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


def kinds(report: Report) -> set[str]:
    return {trouble.code for trouble in report.problems()}


def cases_of(report: Report, code: str) -> set[str]:
    return {
        result.case.name
        for trouble in report.problems()
        if trouble.code == code
        for result in trouble.results
    }


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


def without(*names: str) -> Callable[[str, list[Any]], tuple[str, list[Any]]]:
    def change(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [(name, value) for name, value in headers if name not in names]

    return change


def with_header(name: str, value: str) -> Callable[[str, list[Any]], tuple[str, list[Any]]]:
    return lambda status, headers: (status, [*headers, (name, value)])


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


def users_shop(protection: str | None = "basic", **config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(ACCOUNT, **config)
    Xiebao(app)
    users(app, protection)
    return app


def login_shop(protection: str | None = "basic") -> Flask:
    app = users_shop(protection)

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


def command(app: Flask, *arguments: str) -> Any:
    return app.test_cli_runner().invoke(commands, ["check", *arguments])


def adding(tag: str) -> Callable[[Response], None]:
    """Return a hook that adds a tag to each page, with the page's own URL in it."""

    def change(response: Response) -> None:
        if response.mimetype == "text/html" and response.status_code in (200, 404):
            here = quote(request.url, safe="")
            response.set_data(response.get_data(as_text=True) + tag.format(here))

    return change


def forged(said: str) -> str:
    """Return a link that nobody signed."""
    payload = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
    return f'<a href="/xiebao/product/{payload}.abc{"d" * 43}">x</a>'
