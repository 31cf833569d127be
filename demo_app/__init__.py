"""A travel shop that sells insurance: the demo of Flask-Xiebao."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from flask_xiebao.testing import GatewaySimulator

from . import events, languages, qa, shop, widgets
from .logs import mask_sign
from .purchases import create_tables, db, xiebao

#: The document's own example account, which the simulator knows.
PARTNER_ID, API_KEY = "12345", "Key"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def create_app(instance_path: str | None = None) -> Flask:
    """Return the shop.

    :param instance_path: the absolute path of the folder for its secret and for what QA sees;
        ``instance`` beside this package by default.

    With nothing configured it leads to a simulator of the gateway, mounted at ``/gateway``. With
    ``FLASK_XIEBAO_PARTNER_ID``, ``FLASK_XIEBAO_API_KEY`` and ``FLASK_XIEBAO_ENV`` in the
    environment it leads to Xiebao's test or production gateway instead. The pages are in Chinese
    until a visitor switches to English. With ``FLASK_BABEL_DEFAULT_LOCALE=en``, English is first.

    :raises ConfigError: a setting is wrong, or there is an id without a key, or the reverse.
    """
    app = Flask(__name__, instance_path=instance_path)
    app.config.update(
        XIEBAO_ENV="test",
        XIEBAO_LOGIN_VIEW="shop.sign_in",
        XIEBAO_APP_USER_AGENT=r"QingyouApp/",
        XIEBAO_TEXTS={"site.name": {"zh": "轻游旅行", "en": "Qingyou Travel"}},
        BABEL_DEFAULT_LOCALE="zh",
        SQLALCHEMY_DATABASE_URI="sqlite:///shop.sqlite3",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.from_prefixed_env()
    folder = Path(app.instance_path)
    folder.mkdir(parents=True, exist_ok=True)
    if app.config["SECRET_KEY"] is None:
        app.config["SECRET_KEY"] = _kept_secret(folder)
    # With half an account, the extension says what is missing.
    simulated = app.config.keys().isdisjoint({"XIEBAO_PARTNER_ID", "XIEBAO_API_KEY"})
    if simulated:
        _use_simulator(app, orders=folder / "gateway.sqlite3")

    languages.init_app(app)
    xiebao.init_app(app)
    xiebao.member_loader(shop.current_member)
    db.init_app(app)
    with app.app_context():
        create_tables()
    shop.init_app(app)
    app.register_blueprint(shop.blueprint)
    app.register_blueprint(widgets.blueprint)
    app.register_blueprint(qa.blueprint)
    events.init_app(app)
    app.context_processor(partial(_where_entries_lead, simulated))
    app.before_request(_refuse_invalid_hosts)
    app.after_request(_content_security_policy)
    # Here the shop's own server plays the gateway, so the sign is in the URLs that it logs.
    for name in ("werkzeug", "gunicorn.access"):
        logging.getLogger(name).addFilter(mask_sign)
    return app


def _use_simulator(app: Flask, orders: Path) -> None:
    app.config.update(
        XIEBAO_PARTNER_ID=PARTNER_ID, XIEBAO_API_KEY=API_KEY, XIEBAO_BASE_URL="/gateway"
    )
    simulator = GatewaySimulator(
        PARTNER_ID, API_KEY, also_known=app.config.get("XIEBAO_EXTRA") or (), orders=orders
    )
    app.register_blueprint(simulator.blueprint, url_prefix="/gateway")


def _kept_secret(folder: Path) -> str:
    """Return a secret of this machine's own, the same after a restart and in every worker."""
    file = folder / "secret_key"
    if not file.exists():
        draft = folder / f"secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex())
        # Of workers that start together, the first one's draft counts.
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
        draft.unlink()
    return file.read_text()


def _where_entries_lead(simulated: bool) -> dict[str, Any]:
    """Give every template what has to be known before somebody clicks."""
    config = current_app.config
    outside = config.get("XIEBAO_PUBLIC_URL") or request.host_url
    return {
        "simulated": simulated,
        "environment": config["XIEBAO_ENV"],
        "partner_id": config["XIEBAO_PARTNER_ID"],
        "on_this_machine": urlsplit(outside).hostname in _THIS_MACHINE,
    }


def _refuse_invalid_hosts() -> Response | None:
    try:
        # Werkzeug returns an empty host for some invalid hosts, and refuses to route others.
        has_valid_host = bool(request.host and request.url_root)
    except UnicodeError:
        has_valid_host = False
    if not has_valid_host or getattr(request.routing_exception, "code", None) == 400:
        # The error page cannot be rendered here, because its links need the host.
        text = "The Host header of this request is not a valid host name."
        return Response(text, 400, mimetype="text/plain")
    return None


def _content_security_policy(response: Response) -> Response:
    policy = "default-src 'self'; frame-ancestors 'self'"
    response.headers.setdefault("Content-Security-Policy", policy)
    return response
