"""A simulator of Xiebao's gateway: it reads requests strictly, and sells what nobody insures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from ..app.settings import Settings
from ..app.state import current_locale
from ..gateway.values import Secret, WrongValueError, check_text, checked
from ..texts import text
from ..views import callback
from .document import PLATFORMS, ROWS, Account, Row, Verdict, meaning_in, read, read_query
from .insurer import CASE_CODE, PRODUCT, STEPS, Insurer, Manner

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class GatewaySimulator:
    """Xiebao's pages (the document's sections 2.1 to 2.3), without Xiebao.

    What a member buys there is an order: the site is told of it as by the callback (回调通知), and
    asks for it as by the order query (数据接口). No policy of it is real.

    ``app.register_blueprint(simulator.blueprint, url_prefix="/gateway")`` mounts them in an
    application; :meth:`create_app` serves them alone; :meth:`check` reads a URL without HTTP. Its
    pages are in the language of the site's, by ``XIEBAO_LOCALE``, else Flask-Babel, else Chinese.
    Where ``XIEBAO_ENV`` of the application is ``production`` they answer 404, since what they sign
    is taken for Xiebao's.

    :param partner_id: the one ``partnerId`` that is served.
    :param api_key: its key, which is shown nowhere.
    :param also_known: parameters outside the document that are let through, such as ``hidenav``.
    :param notify_url: where the site takes notifications: an absolute URL, or a path of the app in
        which the simulator is mounted. By default that app's own callback, where it has a
        ``notification_handler``.
    :param orders: the SQLite file in which orders are kept, for restarts and other workers; by
        default they are gone with the simulator.
    :raises ValueError: an argument is wrong; the message names it.
    """

    def __init__(
        self,
        partner_id: str | int,
        api_key: str,
        also_known: Iterable[str] = (),
        *,
        notify_url: str | None = None,
        orders: str | Path | None = None,
    ) -> None:
        key = Secret(api_key)
        del api_key  # an error report shows the local variables of each frame
        self._partner_id = checked("partner_id", check_text, partner_id, ValueError)
        sign = checked("api_key", lambda key: key.map(self._sign), key, ValueError)
        self._account = Account(self._partner_id, sign)
        self._also_known = frozenset(also_known)
        self._insurer = Insurer(self._partner_id, key, notify_url, orders)
        # Its templates and styles are among the package's.
        self.blueprint = Blueprint(
            "xiebao_gateway",
            __package__.partition(".")[0],
            static_folder="static",
            static_url_path="/dispatch/static",
            template_folder="templates",
        )
        for row in ROWS:
            # The gateway takes GET; the forms of these pages come by POST.
            self.blueprint.add_url_rule(
                row.path, row.name, self._view(row), methods=("GET", "POST")
            )
        for method in ("orderDetail", "orderList", "downloadUrl"):
            view = _named(method, partial(self._answer_query, method))
            self.blueprint.add_url_rule(f"/api/{method}", method, view, methods=("POST",))
        file = _named("policy_file", self._policy_file)
        self.blueprint.add_url_rule("/dispatch/files/<insure_num>", "policy_file", file)
        self.blueprint.record(callback.exempt_from_csrf)
        self.blueprint.before_request(_not_in_production)

    def __repr__(self) -> str:
        return f"<GatewaySimulator {getattr(self, '_partner_id', None)}>"

    def _sign(self, api_key: str) -> str:
        if not (api_key and isinstance(api_key, str)):
            raise WrongValueError("must be a non-empty string.")
        signed = f"{api_key}{self._partner_id}".encode()
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

    def _view(self, row: Row) -> Callable[..., BaseResponse]:
        return _named(row.name, partial(self._answer, row))

    def _answer(self, row: Row) -> BaseResponse:
        # The query holds the sign: it is in no variable, since an error report would show that.
        verdict = read_query(
            row,
            request.query_string.decode("utf-8", "replace"),
            self._account,
            self._also_known,
        )
        # A form that does nothing is a purchase that somebody gives up.
        abandoned = request.method == "POST" and verdict.accepted
        if abandoned:
            where = self._act(row, verdict)
            if where is not None:
                response = redirect(where, 303)
                response.data = b""  # Werkzeug writes the URL into it, and with that the sign
                return _kept_private(response)
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
                sells=verdict.accepted and row.sells,
                abandoned=abandoned,
                **self._order_of(verdict, abandoned=abandoned),
            )
            response = make_response(page)
        response.status_code = 200 if verdict.accepted else 400
        response.vary.add("Accept")
        return _kept_private(response)

    def _act(self, row: Row, verdict: Verdict) -> str | None:
        """Do what a form asks for, and return where the browser goes; None to stay."""
        manner, what = Manner.of(request.form), request.form.get("do")
        parameters = dict(verdict.parameters)
        if row.sells:
            if what not in ("pay", "fail", "not_issued"):
                return None
            code = parameters.get("caseCode", CASE_CODE)
            number = self._insurer.apply(code, verdict.member or "", manner, what)
            if what != "fail" and verdict.pay_success and not manner.late:
                return verdict.pay_success
            return self._order_url(number, parameters.get("paySuccess"))
        purchase = self._insurer.purchases.find(parameters.get("insureNum"))
        if purchase is None or what not in STEPS:
            abort(400, "The order or the step does not exist.")
        number = self._insurer.act(purchase, what, manner)
        if number != purchase.insure_num:
            return self._order_url(number, parameters.get("paySuccess"))
        if what == "pay" and verdict.pay_success and not manner.late:
            return verdict.pay_success
        return f"{request.url}#{'messages' if what == 'again' else 'order'}"

    def _order_url(self, number: str, pay_success: str | None) -> str:
        """Return the URL of an order's page, as the site would make it."""
        return url_for(
            ".policy",
            partnerId=self._partner_id,
            insureNum=number,
            sign=self._account.sign.reveal(),
            paySuccess=pay_success,
        )

    def _order_of(self, verdict: Verdict, *, abandoned: bool) -> dict[str, Any]:
        """Return what a page shows of an order, and of the way back to the site."""
        number = dict(verdict.parameters).get("insureNum") if verdict.accepted else None
        purchase = self._insurer.purchases.find(number)
        back = None
        if verdict.pay_success is not None and (number is not None or abandoned):
            is_paid = purchase is not None and purchase.paid_at is not None
            # Who has not paid does not come back as if from a payment.
            back = verdict.pay_success if is_paid else urljoin(verdict.pay_success, "/")
        return {
            "number": number,
            "purchase": purchase,
            "state": purchase and purchase.state,
            "product": PRODUCT,
            "make_offer": partial(self._insurer.offer, CASE_CODE, ""),
            "messages": self._insurer.purchases.messages_about(number) if number else (),
            "notifies": self._insurer.notifies,
            "back": back,
        }

    def _answer_query(self, method: str) -> Response:
        def file_url(number: str) -> str:
            # A query that comes from the app itself does not say where a browser finds the site.
            public = current_app.config.get("XIEBAO_PUBLIC_URL")
            path = url_for(".policy_file", insure_num=number)
            if public:
                return f"{public.rstrip('/')}{path.removeprefix(request.root_path)}"
            return urljoin(request.host_url, path)

        sign = request.args.get("sign", "")
        return jsonify(self._insurer.answer(method, request.get_data(), sign, file_url))

    def _policy_file(self, insure_num: str) -> Response:
        """Send what stands for the policy file of an order."""
        purchase = self._insurer.purchases.find(insure_num)
        if purchase is None or purchase.issued_at is None:
            abort(404)
        locale = current_locale(current_app.config.get("XIEBAO_LOCALE"))
        said = text(locale, "simulator.file", policy=purchase.policy_num)
        return Response(said, mimetype="text/plain")


def _named(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view with a name of its own, by which CSRF guards, limiters and tracers know it."""

    def view(**values: str) -> Any:
        return answer(**values)

    view.__name__ = view.__qualname__ = name
    return view


def _not_in_production() -> Response | None:
    if current_app.config.get("XIEBAO_ENV") == "production":
        return Response("The simulator is not available in production.", 404, mimetype="text/plain")
    return None


def _kept_private(response: BaseResponse) -> BaseResponse:
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
