"""Sites that are right: a check of any of them finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, render_template_string, request
from flask_login import LoginManager, UserMixin

from flask_xiebao import Xiebao

ACCOUNT = {
    "SECRET_KEY": "a secret for tests",
    "XIEBAO_PARTNER_ID": "12345",
    "XIEBAO_API_KEY": "a-key-that-nobody-guesses",
    "XIEBAO_ENV": "test",
}


#: A page of each site, with its entries.
PAGE = "/orders/8"
_ENTRIES = """
{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,
   insurance_card, xiebao_styles, xiebao_script %}
{{ xiebao_styles() }}{{ xiebao_script() }}
{{ insurance_entry("QX1", return_to="/orders/8") }}{{ insurance_home_entry() }}
{{ insurance_card("QX1", "Travel") }}{{ policy_entry("P1") }}
<a href="{{ xiebao_link("product", "QX1", sub_partner_id="b7") }}">Buy</a>
"""


def _shop(**config: Any) -> tuple[Flask, Xiebao]:
    app = Flask("shop")
    app.config.update(ACCOUNT, **config)
    app.add_url_rule(PAGE, "order", lambda: render_template_string(_ENTRIES))
    return app, Xiebao(app)


def plain() -> Flask:
    """As the README has it."""
    app, xiebao = _shop()
    xiebao.member_loader(lambda: "m_7Qk2vX9rT4")
    return app


def everything() -> Flask:
    """In production, with nearly every setting that there is."""
    app, xiebao = _shop(
        XIEBAO_ENV="production",
        SECRET_KEY_FALLBACKS=["an older secret"],
        XIEBAO_SUB_PARTNER_ID="branch-1",
        XIEBAO_EXTRA={"hidenav": 1},
        XIEBAO_URL_PREFIX="/insurance/",
        XIEBAO_PUBLIC_URL="https://shop.example/~~~travel",
        XIEBAO_LOGIN_VIEW="login",
        XIEBAO_HANDOFF_MAX_AGE=120,
        XIEBAO_APP_USER_AGENT=r"ShopApp/[\d.]+",
        XIEBAO_MEMBER_SECRET="a secret of thirty-two characters or more",
        XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses-either",
        XIEBAO_LOCALE="en",
    )
    xiebao.member_loader(lambda: None)

    @app.get("/login")
    def login() -> str:
        return "Log in"

    return app


def by_login() -> Flask:
    """With Flask-Login, and hooks that want every response cached."""
    app, _ = _shop()
    app.testing = True
    manager = LoginManager(app)
    manager.user_loader(_user)
    manager.login_view = "login"

    @app.get("/login")
    def login() -> str:
        return "Log in"

    @app.after_request
    def cached(response: Response) -> Response:
        response.headers["Cache-Control"] = "public, max-age=600"
        response.headers["Expires"] = "Thu, 01 Jan 2099 00:00:00 GMT"
        response.headers["CDN-Cache-Control"] = "max-age=600"
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'")
        return response

    return app


class _User(UserMixin):  # type: ignore[misc]
    id = "7"


def _user(_user_id: str) -> _User:
    return _User()


def simulated() -> Flask:
    """With the simulator as its gateway, and the same markup for every device."""
    app, xiebao = _shop(
        XIEBAO_BASE_URL="/gateway",
        XIEBAO_PUBLIC_URL="https://shop.example/travel",
        XIEBAO_DEVICE_MARKUP="off",
    )
    xiebao.member_loader(lambda: request.cookies.get("member"))
    return app


def nobody_logs_in() -> Flask:
    """Without members who log in: its links are in mails."""
    app, xiebao = _shop(XIEBAO_PUBLIC_URL="https://shop.example")
    xiebao.member_loader(lambda: None)
    return app


def switched_off() -> Flask:
    """Which sells nothing now."""
    app, xiebao = _shop(XIEBAO_ENABLED=False)
    xiebao.member_loader(lambda: None)
    return app


SITES: dict[str, Callable[[], Flask]] = {
    make.__name__: make
    for make in (plain, everything, by_login, simulated, nobody_logs_in, switched_off)
}
