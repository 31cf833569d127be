"""Only for QA and front-end developers: the component catalog at ``/widgets/``."""

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

from ..auth import MEMBERS
from ..languages import get_language
from .catalog_examples import (
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

pages = Blueprint("widgets", __name__, url_prefix="/widgets")

#: The sections of the page by id, each with its title and its examples.
SECTIONS = {
    "looks": (lazy_gettext("Looks"), LOOKS),
    "variants": (lazy_gettext("Variants"), VARIANTS),
    "states": (lazy_gettext("States"), STATES),
    "cards": (lazy_gettext("Cards"), CARDS),
    "entries": (lazy_gettext("Entries"), ENTRIES),
    "options": (lazy_gettext("Options"), OPTIONS),
    "codes": (lazy_gettext("QR codes"), QR_CODES),
}
_IMPORTS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_card, insurance_home_entry,'
    ' policy_entry, insurance_qr %}{% from "xiebao/mail.html" import mail_entry %}'
)


def render_example(source: str) -> Markup:
    """Render the Jinja of an example."""
    html = render_template_string(_IMPORTS + source, member_id=next(iter(MEMBERS)))
    return Markup(html)  # noqa: S704 - The template is a constant and escapes its values.


@pages.get("/")
def catalog() -> str:
    """Show each example with its Jinja."""
    return render_template(
        "widgets/catalog.html",
        sections=SECTIONS,
        controls=CONTROLS,
        preview=PREVIEW,
        tokens=TOKENS,
        mail=MAIL,
        render_example=render_example,
    )


@pages.get("/mail")
def mail() -> Response:
    """Show an entry in a mail."""
    # The links of a mail need the URL of the site. The Host header could be forged, but only the
    # visitor who has sent it sees this mail. So a separate app uses it as XIEBAO_PUBLIC_URL.
    mail_app = Flask(__name__)
    mail_app.config.update(
        current_app.config, XIEBAO_PUBLIC_URL=request.host_url, XIEBAO_LOCALE=get_language()
    )
    Xiebao(mail_app)
    with mail_app.app_context():
        entry = render_example(MAIL)
    response = Response(render_template("widgets/mail.html", entry=entry))
    # A mail has inline styles, and its QR code has the absolute URL of the site.
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src *"
    response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'self'"
    return response
