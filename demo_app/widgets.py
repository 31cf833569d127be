"""The front-end developer's catalog: every look, state, option and token, with its Jinja."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    render_template,
    render_template_string,
    request,
)
from flask_babel import lazy_gettext
from markupsafe import Markup

from flask_xiebao import Xiebao

from .languages import get_language
from .shop import MEMBERS
from .widget_examples import (
    CARDS,
    CONTROLS,
    ENTRIES,
    LOOKS,
    MAIL,
    OPTIONS,
    PREVIEW,
    QR_CODES,
    STATES,
    TOKENS,
    VARIANTS,
)

blueprint = Blueprint("widgets", __name__, url_prefix="/widgets")

_IMPORTS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_card, insurance_home_entry,'
    ' policy_entry, insurance_qr %}{% from "xiebao/mail.html" import mail_entry %}'
)


# The sections of the page by id, each with its title and its examples.
_SECTIONS = {
    "looks": (lazy_gettext("Looks"), LOOKS),
    "variants": (lazy_gettext("Variants"), VARIANTS),
    "states": (lazy_gettext("States"), STATES),
    "cards": (lazy_gettext("Cards"), CARDS),
    "entries": (lazy_gettext("Entries"), ENTRIES),
    "options": (lazy_gettext("Options"), OPTIONS),
    "codes": (lazy_gettext("QR codes"), QR_CODES),
}


def render(source: str) -> Markup:
    """Render exactly the source that is shown."""
    member, _ = MEMBERS
    html = render_template_string(_IMPORTS + source, member_id=member)
    return Markup(html)  # noqa: S704 - a template of ours, rendered with autoescape


@blueprint.get("/")
def catalog() -> str:
    """Show every example with its source."""
    return render_template(
        "widgets/catalog.html",
        sections=_SECTIONS,
        controls=CONTROLS,
        preview=PREVIEW,
        tokens=TOKENS,
        mail=MAIL,
        render=render,
    )


@blueprint.get("/mail")
def mail() -> Response:
    """Show an entry as a mail has it, which needs the styles that are in it."""
    with _mailer(get_language()).app_context():
        entry = render(MAIL)
    response = Response(render_template("widgets/mail.html", entry=entry))
    # The picture of its code comes from wherever the shop is outside.
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src *"
    response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'self'"
    return response


def _mailer(language: str) -> Flask:
    """Return what sends the shop's mails: an app of its own, which knows where the shop is.

    The shop itself is wherever a request for it says, which is no place to build mails on. Nobody
    but whoever asked for this page sees what this one makes.
    """
    mailer = Flask(__name__)
    mailer.config.update(
        current_app.config, XIEBAO_PUBLIC_URL=request.host_url, XIEBAO_LOCALE=language
    )
    Xiebao(mailer)
    return mailer
