"""The site that is loaded: ``gunicorn "tests.tools.load.site:create_app()"``."""

from __future__ import annotations

import os

from flask import Flask, Response, render_template_string, session

from flask_xiebao import Xiebao
from tests.support import CONFIG, INSURE_NUM, PRODUCT_CODE

_PAGE = """
{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry %}
{{ insurance_entry(code, return_to="/back") }} {{ insurance_home_entry() }}
{{ policy_entry(number) }}
"""


def create_app(secret: str | None = None) -> Flask:
    """Return a site that says in ``X-Worker`` which process answered."""
    app = Flask("loaded")
    app.config.update(
        CONFIG,
        SECRET_KEY=secret or os.environ["LOAD_SECRET_KEY"],
        XIEBAO_ENV="test",
        XIEBAO_LOGIN_VIEW="login",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: session.get("member"))

    @app.get("/page")
    def page() -> str:
        return render_template_string(_PAGE, code=PRODUCT_CODE, number=INSURE_NUM)

    @app.get("/login")
    def login() -> str:
        return "Who are you?"

    @app.get("/login/<member>")
    def log_in(member: str) -> str:
        session["member"] = member
        return f"You are {member}."

    @app.after_request
    def name_worker(response: Response) -> Response:
        response.headers["X-Worker"] = str(os.getpid())
        return response

    return app
