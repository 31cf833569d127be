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
from ..app.state import get_current_locale
from ..gateway.values import Secret, WrongValueError, check_named_value, normalize_text
from ..texts import get_text
from ..views import callback_view
from .document import (
    PAGE_SPECS,
    PLATFORM_NAMES,
    Account,
    PageSpec,
    Verdict,
    evaluate_query,
    evaluate_url,
    get_parameter_meaning,
)
from .insurer import (
    DEFAULT_CASE_CODE,
    ORDER_ACTIONS,
    SIMULATED_PRODUCT,
    NotificationDelivery,
    SimulatedInsurer,
)

_PRIVACY_HEADERS = {
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
        self._partner_id = check_named_value("partner_id", normalize_text, partner_id, ValueError)
        sign = check_named_value(
            "api_key", lambda key: key.map(self._compute_sign), key, ValueError
        )
        self._account = Account(self._partner_id, sign)
        self._extra_parameters = frozenset(also_known)
        self._insurer = SimulatedInsurer(self._partner_id, key, notify_url, orders)
        # Its templates and styles are among the package's.
        self.blueprint = Blueprint(
            "xiebao_gateway",
            __package__.partition(".")[0],
            static_folder="static",
            static_url_path="/dispatch/static",
            template_folder="templates",
        )
        for row in PAGE_SPECS:
            # The gateway takes GET; the forms of these pages come by POST.
            self.blueprint.add_url_rule(
                row.path, row.name, self._build_page_view(row), methods=("GET", "POST")
            )
        for method in ("orderDetail", "orderList", "downloadUrl"):
            view = _build_named_view(method, partial(self._answer_order_query, method))
            self.blueprint.add_url_rule(f"/api/{method}", method, view, methods=("POST",))
        file = _build_named_view("policy_file", self._serve_policy_file)
        self.blueprint.add_url_rule("/dispatch/files/<insure_num>", "policy_file", file)
        self.blueprint.record(callback_view.schedule_csrf_exemption)
        self.blueprint.before_request(_return_404_in_production)

    def __repr__(self) -> str:
        return f"<GatewaySimulator {getattr(self, '_partner_id', None)}>"

    def _compute_sign(self, api_key: str) -> str:
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
        return evaluate_url(url, self._account, self._extra_parameters)

    def _build_page_view(self, page_spec: PageSpec) -> Callable[..., BaseResponse]:
        return _build_named_view(page_spec.name, partial(self._serve_page, page_spec))

    def _serve_page(self, page_spec: PageSpec) -> BaseResponse:
        # The query holds the sign: it is in no variable, since an error report would show that.
        verdict = evaluate_query(
            page_spec,
            request.query_string.decode("utf-8", "replace"),
            self._account,
            self._extra_parameters,
        )
        # A form that does nothing is a purchase that somebody gives up.
        abandoned = request.method == "POST" and verdict.accepted
        if abandoned:
            where = self._perform_form_action(page_spec, verdict)
            if where is not None:
                response = redirect(where, 303)
                response.data = b""  # Werkzeug writes the URL into it, and with that the sign
                return _set_privacy_headers(response)
        locale = get_current_locale(current_app.config.get("XIEBAO_LOCALE"))
        accept = request.accept_mimetypes
        if accept["application/json"] > accept["text/html"]:
            response = _build_verdict_response(verdict, locale)
        else:
            page = render_template(
                "xiebao/simulator.html",
                verdict=verdict,
                reasons=verdict.reasons_in(locale),
                title=page_spec.get_title(locale),
                meaning=partial(get_parameter_meaning, locale),
                text=partial(get_text, locale),
                platforms=PLATFORM_NAMES,
                sells=verdict.accepted and page_spec.sells_insurance,
                abandoned=abandoned,
                **self._get_order_context(verdict, is_abandoned=abandoned),
            )
            response = make_response(page)
        response.status_code = 200 if verdict.accepted else 400
        response.vary.add("Accept")
        return _set_privacy_headers(response)

    def _perform_form_action(self, page_spec: PageSpec, verdict: Verdict) -> str | None:
        """Do what a form asks for, and return where the browser goes; None to stay."""
        manner, what = NotificationDelivery.from_form(request.form), request.form.get("do")
        parameters = dict(verdict.parameters)
        if page_spec.sells_insurance:
            if what not in ("pay", "fail", "not_issued"):
                return None
            code = parameters.get("caseCode", DEFAULT_CASE_CODE)
            number = self._insurer.place_order(code, verdict.member or "", manner, what)
            if what != "fail" and verdict.pay_success and not manner.is_held_back:
                return verdict.pay_success
            return self._build_signed_policy_url(number, parameters.get("paySuccess"))
        purchase = self._insurer.orders.find_order(parameters.get("insureNum"))
        if purchase is None or what not in ORDER_ACTIONS:
            abort(400, "The order or the step does not exist.")
        number = self._insurer.perform_action(purchase, what, manner)
        if number != purchase.insure_num:
            return self._build_signed_policy_url(number, parameters.get("paySuccess"))
        if what == "pay" and verdict.pay_success and not manner.is_held_back:
            return verdict.pay_success
        return f"{request.url}#{'messages' if what == 'again' else 'order'}"

    def _build_signed_policy_url(self, insure_num: str, pay_success: str | None) -> str:
        """Return the URL of an order's page, as the site would make it."""
        return url_for(
            ".policy",
            partnerId=self._partner_id,
            insureNum=insure_num,
            sign=self._account.sign.reveal(),
            paySuccess=pay_success,
        )

    def _get_order_context(self, verdict: Verdict, *, is_abandoned: bool) -> dict[str, Any]:
        """Return what a page shows of an order, and of the way back to the site."""
        number = dict(verdict.parameters).get("insureNum") if verdict.accepted else None
        purchase = self._insurer.orders.find_order(number)
        back = None
        if verdict.pay_success is not None and (number is not None or is_abandoned):
            is_paid = purchase is not None and purchase.paid_at is not None
            # Who has not paid does not come back as if from a payment.
            back = verdict.pay_success if is_paid else urljoin(verdict.pay_success, "/")
        return {
            "number": number,
            "purchase": purchase,
            "state": purchase and purchase.state,
            "product": SIMULATED_PRODUCT,
            "make_offer": partial(self._insurer.build_unsaved_order, DEFAULT_CASE_CODE, ""),
            "messages": self._insurer.orders.get_notifications(number) if number else (),
            "notifies": self._insurer.has_notify_url,
            "back": back,
        }

    def _answer_order_query(self, api_method: str) -> Response:
        def build_policy_file_url(insure_num: str) -> str:
            # A query that comes from the app itself does not say where a browser finds the site.
            public = current_app.config.get("XIEBAO_PUBLIC_URL")
            path = url_for(".policy_file", insure_num=insure_num)
            if public:
                return f"{public.rstrip('/')}{path.removeprefix(request.root_path)}"
            return urljoin(request.host_url, path)

        sign = request.args.get("sign", "")
        return jsonify(
            self._insurer.answer_order_query(
                api_method, request.get_data(), sign, build_policy_file_url
            )
        )

    def _serve_policy_file(self, insure_num: str) -> Response:
        """Send what stands for the policy file of an order."""
        purchase = self._insurer.orders.find_order(insure_num)
        if purchase is None or purchase.issued_at is None:
            abort(404)
        locale = get_current_locale(current_app.config.get("XIEBAO_LOCALE"))
        said = get_text(locale, "simulator.file", policy=purchase.policy_num)
        return Response(said, mimetype="text/plain")


def _build_named_view(name: str, handle_request: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view with a name of its own, by which CSRF guards, limiters and tracers know it."""

    def call_with_url_values(**url_values: str) -> Any:
        return handle_request(**url_values)

    call_with_url_values.__name__ = call_with_url_values.__qualname__ = name
    return call_with_url_values


def _return_404_in_production() -> Response | None:
    if current_app.config.get("XIEBAO_ENV") == "production":
        return Response("The simulator is not available in production.", 404, mimetype="text/plain")
    return None


def _set_privacy_headers(response: BaseResponse) -> BaseResponse:
    response.headers.update(_PRIVACY_HEADERS)
    return response


def build_simulator(settings: Settings) -> GatewaySimulator:
    """Return the gateway as a site's account meets it."""
    # No local variable holds the key.
    return GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )


def _build_verdict_response(verdict: Verdict, locale: str) -> Response:
    return jsonify(
        accepted=verdict.accepted,
        page=verdict.page,
        reasons=verdict.reasons_in(locale),
        parameters=verdict.parameters,
        platform=verdict.platform,
        member=verdict.member,
        pay_success=verdict.pay_success,
    )
