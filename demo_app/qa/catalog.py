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

from ..auth import MEMBERS, current_member
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

#: The titles and the examples of the catalog's sections, by the HTML id of the section.
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


def get_example_member() -> str:
    """Return the id of the member in the examples: the logged-in member, or else the first one."""
    return current_member() or next(iter(MEMBERS))


def render_example(source: str, member_id: str | None = None) -> Markup:
    """Render the Jinja source of an example, and return the HTML.

    :param member_id: The member in the example, or None for :func:`get_example_member`.
    """
    html = render_template_string(_IMPORTS + source, member_id=member_id or get_example_member())
    return Markup(html)  # noqa: S704 - The source is a constant, and Jinja escapes the values in it.


@pages.get("/")
def show_catalog() -> str:
    """Show the component catalog, which has each example beside its Jinja source."""
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
def show_mail() -> Response:
    """Show a mail that contains an insurance entry."""
    # Links in mails need the public URL of the site, so this view creates a separate app whose
    # public URL has the host of the request. A visitor could forge the ``Host`` header, but only
    # the same visitor sees this mail.
    mail_app = Flask(__name__)
    mail_app.config.update(
        current_app.config, XIEBAO_PUBLIC_URL=request.host_url, XIEBAO_LOCALE=get_language()
    )
    Xiebao(mail_app)
    member_id = get_example_member()
    # In the context of the separate app, there may be no request and thus no session.
    with mail_app.app_context():
        entry = render_example(MAIL, member_id)
    response = Response(render_template("widgets/mail.html", entry=entry))
    # Allow the inline styles of the mail, and images from any host, because the QR code in the mail
    # has an absolute URL.
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src *"
    response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'self'"
    return response
