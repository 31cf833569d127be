"""The sites that are measured: one without the extension, one with it, and its peers'."""

from __future__ import annotations

import itertools

from flask import Flask, redirect, render_template
from flask_bootstrap import Bootstrap5
from flask_dance.contrib.github import make_github_blueprint
from flask_login import LoginManager, login_required
from jinja2 import DictLoader
from sqlalchemy import Engine, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from werkzeug import Response

from flask_xiebao import Gateway, Platform, Xiebao
from flask_xiebao.check.devices import DEVICES
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases

PHONE, PC = (dict(DEVICES[name].headers) for name in ("iphone", "pc"))
MEMBER = "m_7Qk2vX9rT4"
#: What every button says: the default label of an entry.
LABEL = "我要投保"
CODES = [f"QX{number:012}" for number in range(100)]

GATEWAY = Gateway("12345", "Key")
READY_URL = GATEWAY.product_url(CODES[0], partner_uniq_key=MEMBER, platform=Platform.H5)

_LOOP = "{{% for code in codes %}}{}{{% endfor %}}"
_TEMPLATES = {
    "plain": _LOOP.format(f'<a href="{{{{ url_for("product", code=code) }}}}">{LABEL}</a>'),
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
_ALL = [*itertools.product(_TEMPLATES, ("same", "turn"))]


def shop() -> Flask:
    """Return a site that has no extension yet."""
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
    app.add_url_rule("/go", "go", lambda: redirect(READY_URL))
    app.add_url_rule("/nothing", "nothing", lambda: "nothing of the extension")

    # The same few products on every page, or others on each.
    products = {"same": CODES, "turn": [f"QX{number:012}" for number in range(50_000)]}
    turning = {(name, which): itertools.cycle(products[which]) for name, which in _ALL}

    def page(name: str, which: str, count: int) -> str:
        codes = itertools.islice(turning[name, which], count)
        return render_template(f"{name}.html", codes=list(codes))

    app.add_url_rule("/<which>/<name>/<int:count>", "page", page)
    texts = (f"{number:010}" * 40_000 for number in itertools.count())
    app.add_template_global(lambda: next(texts), "form_text")
    return app


def with_entries() -> tuple[Flask, Xiebao]:
    """Return the site with the extension."""
    app = shop()
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: MEMBER)
    return app, xiebao


class Base(DeclarativeBase):
    """The tables of the site that stores clicks."""


class Purchase(PurchaseMixin, Base):
    """A purchase."""


class Click(ClickMixin, Base):
    """A click."""


class Visit(Base):
    """A row with a text. A view of the site inserts such rows."""

    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(100))


def with_stored_clicks(engine: Engine) -> tuple[Flask, Xiebao]:
    """Return a site with the extension that stores clicks.

    The site also has a view that inserts a row and redirects, to compare a click with it.
    """
    Base.metadata.create_all(engine)
    app, xiebao = with_entries()
    sessions = sessionmaker(engine)
    Purchases(xiebao, Purchase, sessions, clicks=Click)

    def store_and_redirect() -> Response:
        with sessions.begin() as session:
            session.add(Visit(text=MEMBER))
        return redirect(READY_URL)

    app.add_url_rule("/store", "store", store_and_redirect)
    return app, xiebao


def with_bootstrap() -> Flask:
    """Return the site with Bootstrap-Flask."""
    app = shop()
    Bootstrap5(app)
    return app


def with_dance() -> Flask:
    """Return the site with a login at another one, by Flask-Dance."""
    app = shop()
    app.register_blueprint(make_github_blueprint("id", "secret"), url_prefix="/login")
    return app


def with_login() -> Flask:
    """Return the site with a page for members only, by Flask-Login, and nobody logged in."""
    app = shop()
    manager = LoginManager(app)
    manager.login_view = "login"
    manager.user_loader(lambda member: None)
    app.add_url_rule("/login", "login", lambda: "")
    app.add_url_rule("/members", "members", login_required(lambda: ""))
    return app
