"""The site for the load test of clicks: ``gunicorn "tests.tools.load.click_site:create_app()"``."""

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


def create_app(secret_key: str | None = None) -> Flask:
    """Return a site that sends the process id of its worker in the header ``X-Worker``.

    :param secret_key: The secret key of the site. The default is the environment variable
        ``LOAD_SECRET_KEY``.
    """
    app = Flask("loaded")
    app.config.update(
        CONFIG,
        SECRET_KEY=secret_key or os.environ["LOAD_SECRET_KEY"],
        XIEBAO_ENV="test",
        XIEBAO_LOGIN_VIEW="login",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )
    Xiebao(app).member_loader(lambda: session.get("member"))
    app.add_url_rule("/login", "login", lambda: "Log in")

    @app.get("/page")
    def show_page() -> str:
        return render_template_string(_PAGE, code=PRODUCT_CODE, number=INSURE_NUM)

    @app.after_request
    def add_worker_header(response: Response) -> Response:
        response.headers["X-Worker"] = str(os.getpid())
        return response

    return app
