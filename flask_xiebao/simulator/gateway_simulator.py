"""The gateway simulator, a Flask blueprint that serves pages and answers order queries."""

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
from ..gateway.values import Secret, WrongValueError, check_named_value, normalize_query_text
from ..texts import get_text
from ..views import callback_view
from .document import (
    PAGE_SPECS,
    PLATFORM_NAMES,
    PageSpec,
    PartnerAccount,
    Verdict,
    evaluate_query,
    evaluate_url,
    get_parameter_meaning,
)
from .insurer import (
    DEFAULT_CASE_CODE,
    ORDER_ACTIONS,
    SIMULATED_PRODUCT,
    DeliveryOptions,
    SimulatedInsurer,
    build_insurants,
)

_PRIVACY_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class GatewaySimulator:
    """A simulator of the gateway's pages (sections 2.1 to 2.3 of Xiebao's interface document).

    A purchase on its pages creates a simulated order. The simulator sends the site notifications
    of it (回调通知) and answers the site's order queries (数据接口). No policy is real.

    ``app.register_blueprint(simulator.blueprint, url_prefix="/gateway")`` mounts the pages in an
    app, :meth:`create_app` serves them alone, and :meth:`check` reads a URL without HTTP. The pages
    are in the site's language, which is ``XIEBAO_LOCALE``, otherwise Flask-Babel's locale,
    otherwise Chinese. If the app's ``XIEBAO_ENV`` is ``production``, they return 404, because a
    site cannot distinguish the simulator's signatures from Xiebao's.

    :param partner_id: The only ``partnerId`` that is served.
    :param api_key: The API key of this partner id. It is never shown.
    :param also_known: Parameters outside the document that are accepted, for example ``hidenav``.
    :param notify_url: The URL to send notifications to, either absolute or a path of the app in
        which the simulator is mounted. The default is the callback of that app, if it has a
        ``notification_handler``.
    :param orders: The SQLite file of the orders, which outlives restarts and can be shared by
        several workers. By default, the orders are lost with the simulator.
    :raises ValueError: if an argument is wrong. The message names it.
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
        # Delete the argument with the API key, because error reports show the local variables of
        # each frame.
        del api_key
        self._partner_id = check_named_value(
            "partner_id", normalize_query_text, partner_id, ValueError
        )
        sign = check_named_value(
            "api_key", lambda key: key.map(self._compute_sign), key, ValueError
        )
        self._account = PartnerAccount(self._partner_id, sign)
        self._extra_parameters = frozenset(also_known)
        self._insurer = SimulatedInsurer(self._partner_id, key, notify_url, orders)
        # The import name is the package's name, so Flask finds the templates and stylesheets in the
        # folders of the package.
        self.blueprint = Blueprint(
            "xiebao_gateway",
            __package__.partition(".")[0],
            static_folder="static",
            static_url_path="/dispatch/static",
            template_folder="templates",
        )
        for page_spec in PAGE_SPECS:
            # The gateway only accepts GET. POST is for the forms of the simulated pages.
            self._add_view(
                page_spec.path,
                page_spec.name,
                partial(self._serve_page, page_spec),
                methods=("GET", "POST"),
            )
        for api_method in ("orderDetail", "orderList", "downloadUrl"):
            self._add_view(
                f"/api/{api_method}",
                api_method,
                partial(self._build_order_query_response, api_method),
                methods=("POST",),
            )
        self._add_view("/dispatch/files/<insure_num>", "policy_file", self._serve_policy_file)
        self.blueprint.record(callback_view.schedule_csrf_exemption)
        self.blueprint.before_request(_return_404_in_production)

    def __repr__(self) -> str:
        return f"<GatewaySimulator {getattr(self, '_partner_id', None)}>"

    def _compute_sign(self, api_key: str) -> str:
        if not (api_key and isinstance(api_key, str)):
            raise WrongValueError("must be a non-empty string.")
        signed_text = f"{api_key}{self._partner_id}".encode()
        return hashlib.md5(signed_text, usedforsecurity=False).hexdigest()

    def _add_view(
        self,
        path: str,
        endpoint: str,
        handle_request: Callable[..., Any],
        methods: tuple[str, ...] = ("GET",),
    ) -> None:
        """Register a view function, and set its ``__name__`` to the name of its endpoint.

        CSRF guards, rate limiters and tracers identify a view by its ``__name__``.
        """

        def call_request_handler(**url_values: str) -> Any:
            return handle_request(**url_values)

        call_request_handler.__name__ = call_request_handler.__qualname__ = endpoint
        self.blueprint.add_url_rule(path, endpoint, call_request_handler, methods=methods)

    def create_app(self) -> Flask:
        """Return a Flask app that serves only the simulator, with its pages at the root."""
        app = Flask(__name__, static_folder=None)
        app.register_blueprint(self.blueprint)
        return app

    def check(self, url: str) -> Verdict:
        """Return the gateway's verdict on a URL. A string that is not a URL is refused.

        :param url: A full URL, or one that begins with its path. No request is sent to it. Except
            on Xiebao's own hosts, the page may be mounted below another path, for example
            ``/gateway/dispatch/cps``.
        """
        return evaluate_url(url, self._account, self._extra_parameters)

    def _serve_page(self, page_spec: PageSpec) -> BaseResponse:
        """Return a simulated gateway page, which shows the verdict on its URL.

        If a form was submitted, perform its action first. The result may be a redirect instead.
        """
        # No local variable holds the query, because it contains the signature and error reports
        # show local variables.
        verdict = evaluate_query(
            page_spec,
            request.query_string.decode("utf-8", "replace"),
            self._account,
            self._extra_parameters,
        )
        is_submitted = request.method == "POST" and verdict.accepted
        if is_submitted:
            redirect_url = self._perform_form_action(page_spec, verdict)
            if redirect_url is not None:
                response = redirect(redirect_url, 303)
                # Empty the body of the redirect. By default, the body contains the URL of the
                # redirect, and the URL may contain the signature.
                response.data = b""
                response.headers.update(_PRIVACY_HEADERS)
                return response
        locale = get_current_locale(current_app.config.get("XIEBAO_LOCALE"))
        accept = request.accept_mimetypes
        if accept["application/json"] > accept["text/html"]:
            response = jsonify(
                accepted=verdict.accepted,
                page=verdict.page,
                reasons=verdict.reasons_in(locale),
                parameters=verdict.parameters,
                platform=verdict.platform,
                member=verdict.member,
                pay_success=verdict.pay_success,
            )
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
                # Each submitted form leads to a redirect, except the form that gives up the
                # purchase.
                abandoned=is_submitted,
                **self._build_template_variables(verdict, is_abandoned=is_submitted),
            )
            response = make_response(page)
        response.status_code = 200 if verdict.accepted else 400
        response.vary.add("Accept")
        response.headers.update(_PRIVACY_HEADERS)
        return response

    def _perform_form_action(self, page_spec: PageSpec, verdict: Verdict) -> str | None:
        """Perform the action of the submitted form, and return the URL to redirect to.

        Return None if there is no redirect, because the member gives up the purchase.
        """
        delivery_options = DeliveryOptions.from_form(request.form)
        action = request.form.get("do")
        parameters = dict(verdict.parameters)
        if page_spec.sells_insurance:
            if action not in ("pay", "fail", "not_issued"):
                return None
            insure_num = self._insurer.place_order(
                parameters.get("caseCode", DEFAULT_CASE_CODE),
                verdict.member or "",
                delivery_options,
                action,
                insured_count=2 if "two_people" in request.form else 1,
            )
            if action != "fail" and verdict.pay_success and not delivery_options.is_held_back:
                return verdict.pay_success
            return self._build_signed_policy_url(insure_num, parameters.get("paySuccess"))
        order = self._insurer.orders.find_order(parameters.get("insureNum"))
        if order is None or action not in ORDER_ACTIONS:
            abort(400, "The order or the step does not exist.")
        insure_num = self._insurer.perform_action(order, action, delivery_options)
        if insure_num != order.insure_num:
            return self._build_signed_policy_url(insure_num, parameters.get("paySuccess"))
        if action == "pay" and verdict.pay_success and not delivery_options.is_held_back:
            return verdict.pay_success
        return f"{request.url}#{'messages' if action == 'again' else 'order'}"

    def _build_signed_policy_url(self, insure_num: str, pay_success: str | None) -> str:
        """Build the signed URL of an order's policy page, as the site would build it."""
        return url_for(
            ".policy",
            partnerId=self._partner_id,
            insureNum=insure_num,
            sign=self._account.sign.reveal(),
            paySuccess=pay_success,
        )

    def _build_template_variables(self, verdict: Verdict, *, is_abandoned: bool) -> dict[str, Any]:
        """Return the template variables for the link back to the site and the order on a page."""
        insure_num = dict(verdict.parameters).get("insureNum") if verdict.accepted else None
        order = self._insurer.orders.find_order(insure_num)
        back_url = None
        if verdict.pay_success is not None and (insure_num is not None or is_abandoned):
            is_paid = order is not None and order.paid_at is not None
            # If nothing was paid, the link back to the site leads to the site's home page instead
            # of the return URL (the parameter paySuccess).
            back_url = verdict.pay_success if is_paid else urljoin(verdict.pay_success, "/")
        return {
            "number": insure_num,
            "purchase": order,
            "state": order and order.state,
            "insurants": order and build_insurants(order),
            "product": SIMULATED_PRODUCT,
            "make_offer": partial(self._insurer.build_unsaved_order, DEFAULT_CASE_CODE, ""),
            "messages": self._insurer.orders.get_notifications(insure_num) if insure_num else (),
            "notifies": self._insurer.has_notify_url,
            "back": back_url,
        }

    def _build_order_query_response(self, api_method: str) -> Response:
        def build_policy_file_url(insure_num: str) -> str:
            # If XIEBAO_PUBLIC_URL is set, build the URL from this setting and not from the host of
            # the current request. The current request is an order query. Its host may differ from
            # the site's public host, because the app may have sent the order query to itself.
            public_url = current_app.config.get("XIEBAO_PUBLIC_URL")
            path = url_for(".policy_file", insure_num=insure_num)
            if public_url:
                return f"{public_url.rstrip('/')}{path.removeprefix(request.root_path)}"
            return urljoin(request.host_url, path)

        return jsonify(
            self._insurer.answer_order_query(
                api_method,
                request.get_data(),
                request.args.get("sign", ""),
                build_policy_file_url,
            )
        )

    def _serve_policy_file(self, insure_num: str) -> Response:
        """Return a placeholder for an order's policy file, or 404 if no policy has been issued."""
        order = self._insurer.orders.find_order(insure_num)
        if order is None or order.issued_at is None:
            abort(404)
        locale = get_current_locale(current_app.config.get("XIEBAO_LOCALE"))
        text = get_text(locale, "simulator.file", policy=order.policy_num)
        return Response(text, mimetype="text/plain")


def _return_404_in_production() -> Response | None:
    if current_app.config.get("XIEBAO_ENV") == "production":
        return Response("The simulator is not available in production.", 404, mimetype="text/plain")
    return None


def build_simulator(settings: Settings) -> GatewaySimulator:
    """Build a gateway simulator for the site's partner account."""
    # No local variable holds the API key, because error reports show local variables.
    return GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )
