"""A simulator of Xiebao's gateway: it reads requests strictly, and sells nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    jsonify,
    make_response,
    render_template,
    request,
)

from ..config import Settings
from ..state import current_locale
from ..texts import text
from ..values import Secret, WrongValueError, check_text
from .document import PLATFORMS, ROWS, Account, Row, Verdict, meaning_in, read, read_query

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class GatewaySimulator:
    """Xiebao's pages (the document's sections 2.1 to 2.3), without Xiebao.

    ``simulator.blueprint`` mounts them in an application, ``app.register_blueprint(
    simulator.blueprint, url_prefix="/gateway")``; :meth:`create_app` serves them alone;
    :meth:`check` reads a URL without HTTP. Its pages are in the language of the site's, by
    ``XIEBAO_LOCALE``, else Flask-Babel, else Chinese.

    :param partner_id: the one ``partnerId`` that is served.
    :param api_key: its key; not kept, and shown nowhere.
    :param also_known: parameters outside the document that are let through, such as ``hidenav``.
    :raises ValueError: the partner id or the key is empty, or of another type.
    """

    def __init__(self, partner_id: str | int, api_key: str, also_known: Iterable[str] = ()) -> None:
        key = Secret(api_key)
        del api_key  # an error report shows the local variables of each frame
        try:
            self._partner_id = check_text(partner_id)
        except WrongValueError as error:
            raise ValueError(f"partner_id {error}") from None
        try:
            self._account = Account(self._partner_id, key.map(self._sign))
        except WrongValueError as error:
            raise ValueError(f"api_key {error}") from None
        self._also_known = frozenset(also_known)
        # Its files are beside those of the package, whose style its pages have.
        self.blueprint = Blueprint(
            "xiebao_gateway",
            __package__.rpartition(".")[0],
            static_folder="static",
            static_url_path="/dispatch/static",
            template_folder="templates",
        )
        for row in ROWS:
            self.blueprint.add_url_rule(row.path, row.name, self._view(row))

    def __repr__(self) -> str:
        return f"<GatewaySimulator {getattr(self, '_partner_id', None)}>"

    def _sign(self, api_key: str) -> str:
        if not (api_key and isinstance(api_key, str)):
            raise WrongValueError("must be text, and not empty.")
        # Text from an environment may hold what UTF-8 has no bytes for: a key of nobody's.
        signed = f"{api_key}{self._partner_id}".encode(errors="replace")
        return hashlib.md5(signed, usedforsecurity=False).hexdigest()

    def create_app(self) -> Flask:
        """Return an application that is the simulator alone, its pages at the root."""
        app = Flask(__name__, static_folder=None)
        app.register_blueprint(self.blueprint)
        return app

    def check(self, url: str) -> Verdict:
        """Read a URL as the gateway would; nothing is sent, and any text has a verdict.

        :param url: a full URL or one that begins with its path. Except on Xiebao's own hosts
            the page may be mounted below another path, as ``/gateway/dispatch/cps``.
        """
        return read(url, self._account, self._also_known)

    def _view(self, row: Row) -> Callable[[], Response]:
        def view() -> Response:
            return self._answer(row)

        # By its name and module, CSRF guards, limiters and tracers know a view.
        view.__name__ = view.__qualname__ = row.name
        return view

    def _answer(self, row: Row) -> Response:
        # The query is in no variable, which an error report would show: it holds the sign.
        verdict = read_query(
            row,
            request.query_string.decode("utf-8", "replace"),
            self._account,
            self._also_known,
        )
        locale = current_locale(current_app.config.get("XIEBAO_LOCALE"))
        accept = request.accept_mimetypes
        if accept["application/json"] > accept["text/html"]:
            response = _as_json(verdict, locale)
        else:
            page = render_template(
                "xiebao/simulator.html",
                verdict=verdict,
                reasons=verdict.reasons_in(locale),
                title=row.title_in(locale),
                meaning=partial(meaning_in, locale),
                text=partial(text, locale),
                platforms=PLATFORMS,
            )
            response = make_response(page)
        response.status_code = 200 if verdict.accepted else 400
        response.vary.add("Accept")
        response.headers.update(_HEADERS)
        return response


def simulator_of(settings: Settings) -> GatewaySimulator:
    """Return the gateway as a site's account meets it."""
    # No local variable holds the key.
    return GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )


def _as_json(verdict: Verdict, locale: str) -> Response:
    return jsonify(
        accepted=verdict.accepted,
        page=verdict.page,
        reasons=verdict.reasons_in(locale),
        parameters=verdict.parameters,
        platform=verdict.platform,
        member=verdict.member,
        pay_success=verdict.pay_success,
    )
