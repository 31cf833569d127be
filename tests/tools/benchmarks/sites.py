"""The sites for the benchmarks, with and without Flask-Xiebao, and with other extensions."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from flask import Flask, redirect, render_template
from flask_dance.contrib.github import make_github_blueprint
from flask_login import LoginManager, login_required
from itsdangerous import URLSafeSerializer
from jinja2 import DictLoader
from sqlalchemy import Engine, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from werkzeug import Response

from flask_xiebao import Gateway, Platform, Xiebao
from flask_xiebao.check.devices import DEVICES
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases

PHONE, PC = (dict(DEVICES[name].headers) for name in ("iphone", "pc"))
MEMBER = "m_7Qk2vX9rT4"
#: The text of all buttons and links, which is also the default label of insurance entries.
LABEL = "我要投保"
#: The lists of product codes, by the first part of a page's path: ``few`` or ``many``.
CODES = {
    "few": [f"QX{number:012}" for number in range(100)],
    "many": [f"QX{number:012}" for number in range(50_000)],
}
CODE = CODES["few"][0]
GATEWAY = Gateway("12345", "Key")
GATEWAY_URL = GATEWAY.product_url(CODE, partner_uniq_key=MEMBER, platform=Platform.H5)

_LOOP = "{{% for code in codes %}}{}{{% endfor %}}"
#: The page templates, by the second part of a page's path, for example ``cards``.
_TEMPLATES = {
    "plain": _LOOP.format(f'<a href="{{{{ url_for("product", code=code) }}}}">{LABEL}</a>'),
    "signed": _LOOP.format(f'<a href="{{{{ url_for("product", code=sign(code)) }}}}">{LABEL}</a>'),
    "bootstrap": '{% from "bootstrap5/nav.html" import render_nav_item %}'
    + _LOOP.format(f'{{{{ render_nav_item("product", "{LABEL}", code=code) }}}}'),
    "entries": '{% from "xiebao/entry.html" import insurance_entry %}'
    + _LOOP.format("{{ insurance_entry(code) }}"),
    "entries-class": '{% from "xiebao/entry.html" import insurance_entry %}'
    + _LOOP.format('{{ insurance_entry(code, class="btn btn-primary") }}'),
    "cards": '{% from "xiebao/entry.html" import insurance_card %}'
    + _LOOP.format(
        '{{ insurance_card(code, "境内旅行意外险", price="¥3 起", image="/picture.png",'
        ' action="去投保") }}'
    ),
    "links": _LOOP.format(f'<a href="{{{{ xiebao_link("product", code) }}}}">{LABEL}</a>'),
    "policies": '{% from "xiebao/entry.html" import policy_entry %}'
    + _LOOP.format("{{ policy_entry(code) }}"),
    "form": '{% from "xiebao/entry.html" import insurance_entry %}'
    "{{ insurance_entry(codes[0], data_form=form_text()) }}",
}


def create_site(*extensions: Callable[[Flask], object]) -> Flask:
    """Return a site without Flask-Xiebao, whose pages show links to many products.

    :param extensions: Functions that each add an extension to the app.
    """
    app = Flask("bench")
    app.config.update(
        SECRET_KEY="a secret",
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY="Key",
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )
    app.jinja_loader = DictLoader({f"{name}.html": text for name, text in _TEMPLATES.items()})
    app.add_url_rule("/product/<code>", "product", lambda code: code)
    app.add_url_rule("/go", "go", lambda: redirect(GATEWAY_URL))
    app.add_url_rule("/nothing", "nothing", lambda: "nothing of the extension")
    # Each request for a page gets the next product codes, so that consecutive pages differ.
    cycles = {
        (template, products): itertools.cycle(codes)
        for template in _TEMPLATES
        for products, codes in CODES.items()
    }

    def render_page(products: str, template: str, count: int) -> str:
        codes = list(itertools.islice(cycles[template, products], count))
        return render_template(f"{template}.html", codes=codes)

    app.add_url_rule("/<products>/<template>/<int:count>", "page", render_page)
    texts = (f"{number:010}" * 40_000 for number in itertools.count())
    app.add_template_global(lambda: next(texts), "form_text")
    app.add_template_global(URLSafeSerializer("a secret").dumps, "sign")
    for add_extension in extensions:
        add_extension(app)
    return app


def create_site_with_entries() -> tuple[Flask, Xiebao]:
    """Return a site with Flask-Xiebao, and the extension object. A member is logged in."""
    app = create_site()
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: MEMBER)
    return app, xiebao


class Base(DeclarativeBase):
    """The base class of the models for the site that stores clicks."""


class Purchase(PurchaseMixin, Base):
    """A purchase of insurance. The benchmark stores no purchases, only clicks."""


class Click(ClickMixin, Base):
    """A click on an insurance entry."""


class Visit(Base):
    """A visit that the view ``store_and_redirect`` stores, for comparison with a click."""

    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(100))


def create_site_storing_clicks(engine: Engine) -> tuple[Flask, Xiebao]:
    """Return a site with Flask-Xiebao that stores each click in a database.

    For comparison, the site also has a view that inserts a row and redirects.
    """
    Base.metadata.create_all(engine)
    app, xiebao = create_site_with_entries()
    sessions = sessionmaker(engine)
    Purchases(xiebao, Purchase, sessions, clicks=Click)

    @app.get("/store")
    def store_and_redirect() -> Response:
        with sessions.begin() as session:
            session.add(Visit(text=MEMBER))
        return redirect(GATEWAY_URL)

    return app, xiebao


def add_flask_dance(app: Flask) -> None:
    """Add Flask-Dance, with a GitHub login at ``/login/github``."""
    app.register_blueprint(make_github_blueprint("id", "secret"), url_prefix="/login")


def add_flask_login(app: Flask) -> None:
    """Add Flask-Login, with a page for members at ``/members``. No member is logged in."""
    manager = LoginManager(app)
    manager.login_view = "login"
    manager.user_loader(lambda member: None)
    app.add_url_rule("/login", "login", lambda: "")
    app.add_url_rule("/members", "members", login_required(lambda: ""))
