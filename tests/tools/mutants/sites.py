"""Correct sites, on which ``flask xiebao check`` fails only if the package has a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, render_template_string, request

from flask_xiebao import Xiebao
from tests.click.support import make_user

ACCOUNT = {
    "SECRET_KEY": "a secret for tests",
    "XIEBAO_PARTNER_ID": "12345",
    "XIEBAO_API_KEY": "a-key-that-nobody-guesses",
    "XIEBAO_ENV": "test",
}
#: The path of the page with entries. All sites have this page.
PAGE = "/orders/8"
_PAGE_TEMPLATE = """
{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,
   insurance_card, xiebao_styles, xiebao_script %}
{{ xiebao_styles() }}{{ xiebao_script() }}
{{ insurance_entry("QX1", return_to="/orders/8") }}{{ insurance_home_entry() }}
{{ insurance_card("QX1", "Travel") }}{{ policy_entry("P1") }}
<a href="{{ xiebao_link("product", "QX1", sub_partner_id="b7") }}">Buy</a>
"""


def _create_site(member_loader: Callable[[], str | None] | None = None, **config: Any) -> Flask:
    """Return a site with these settings. Without a member loader, the site needs Flask-Login."""
    app = Flask("shop")
    app.config.update(ACCOUNT, **config)
    app.add_url_rule(PAGE, "order", lambda: render_template_string(_PAGE_TEMPLATE))
    if "XIEBAO_LOGIN_VIEW" in config:
        app.add_url_rule("/login", "login", lambda: "Log in")
    xiebao = Xiebao(app)
    if member_loader is not None:
        xiebao.member_loader(member_loader)
    return app


def _create_flask_login_site() -> Flask:
    """Return a site with Flask-Login that allows caches to store every response."""
    from flask_login import LoginManager

    app = _create_site()
    app.testing = True
    app.add_url_rule("/login", "login", lambda: "Log in")
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: make_user("7"))
    manager.login_view = "login"

    @app.after_request
    def add_cache_headers(response: Response) -> Response:
        response.headers["Cache-Control"] = "public, max-age=600"
        response.headers["Expires"] = "Thu, 01 Jan 2099 00:00:00 GMT"
        response.headers["CDN-Cache-Control"] = "max-age=600"
        response.headers.setdefault("Content-Security-Policy", "default-src 'self'")
        return response

    return app


#: Functions that create a site, by the name of the site.
SITES: dict[str, Callable[[], Flask]] = {
    # A site with only the required settings, like the site in the README.
    "plain": lambda: _create_site(lambda: "m_7Qk2vX9rT4"),
    # A site in production, with nearly all settings.
    "everything": lambda: _create_site(
        lambda: None,
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
    ),
    "by_login": _create_flask_login_site,
    # A site with the simulator as its gateway, and with the same markup for every device.
    "simulated": lambda: _create_site(
        lambda: request.cookies.get("member"),
        XIEBAO_BASE_URL="/gateway",
        XIEBAO_PUBLIC_URL="https://shop.example/travel",
        XIEBAO_DEVICE_MARKUP="off",
    ),
    # A site whose members cannot log in, because all its links are in mails.
    "nobody_logs_in": lambda: _create_site(lambda: None, XIEBAO_PUBLIC_URL="https://shop.example"),
    # A site on which insurance is turned off.
    "switched_off": lambda: _create_site(lambda: None, XIEBAO_ENABLED=False),
}
