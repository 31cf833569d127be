"""The front-end developer's catalog: every look, state, option and token, with its Jinja."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    render_template,
    render_template_string,
    request,
)
from flask_babel import force_locale
from markupsafe import Markup

from flask_xiebao import Xiebao

from .shop import MEMBERS
from .widget_examples import (
    CARDS,
    ENTRIES,
    LOOKS,
    MAIL,
    OPTIONS,
    QR_CODES,
    STATES,
    TOKENS,
    VARIANTS,
    WORDS,
)

blueprint = Blueprint("widgets", __name__, url_prefix="/widgets")

_IMPORTS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_card, insurance_home_entry,'
    ' policy_entry, insurance_qr %}{% from "xiebao/mail.html" import mail_entry %}'
)


# The parts of the page. Examples of the first are shown on light and on dark ground.
_ON_BOTH = {"looks": LOOKS, "variants": VARIANTS, "states": STATES, "cards": CARDS}
_SECTIONS = {**_ON_BOTH, "entries": ENTRIES, "options": OPTIONS, "codes": QR_CODES}


def render(source: str) -> Markup:
    """Render exactly the source that is shown."""
    member, _ = MEMBERS
    html = render_template_string(_IMPORTS + source, member_id=member)
    return Markup(html)  # noqa: S704 - a template of ours, rendered with autoescape


@blueprint.get("/")
def catalog() -> str:
    """Show every example with its source, in Chinese or, with ``?lang=en``, in English."""
    lang = _lang()
    with force_locale(lang):
        return render_template(
            "widgets/catalog.html",
            lang=lang,
            words=WORDS[lang],
            sections=_SECTIONS,
            on_both=_ON_BOTH,
            tokens=TOKENS,
            mail=MAIL,
            render=render,
        )


def _lang() -> str:
    lang = request.args.get("lang", "zh")
    if lang not in WORDS:
        abort(404)
    return lang


@blueprint.get("/mail")
def mail() -> Response:
    """Show an entry as a mail has it, which needs the styles that are in it."""
    lang = _lang()
    with _mailer(lang).app_context():
        entry = render(MAIL)
    page = render_template("widgets/mail.html", entry=entry, lang=lang, words=WORDS[lang])
    response = Response(page)
    # The picture of its code comes from wherever the shop is outside.
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src *"
    response.headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'self'"
    return response


def _mailer(lang: str) -> Flask:
    """Return what sends the shop's mails: an app of its own, which knows where the shop is.

    The shop itself is wherever a request for it says, which is no place to build mails on. Nobody
    but whoever asked for this page sees what this one makes.
    """
    mailer = Flask(__name__)
    mailer.config.update(current_app.config, XIEBAO_PUBLIC_URL=request.host_url, XIEBAO_LOCALE=lang)
    Xiebao(mailer)
    return mailer
