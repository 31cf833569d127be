"""The extension: wires settings, gateway, signer, blueprint and templates into an app."""

from __future__ import annotations

from typing import Unpack
from weakref import WeakKeyDictionary

from flask import Flask

from .app import endpoints, order_client
from .app.current import get_current_app
from .app.headers import connect_header_writers
from .app.hooks import (
    ClickGuard,
    Hooks,
    KeepsPlainKey,
    MemberLoader,
    NotificationHandler,
    NotificationReader,
)
from .app.settings import Settings
from .app.state import AppState
from .cli import xiebao as commands
from .errors import ConfigError, LinkError
from .gateway.orders import OrderClient
from .gateway.urls import Gateway
from .links.members import MemberId, normalize_member
from .links.tokens import PolicyLinkOptions, SubPartnerLinkOptions
from .macros.template_helpers import register_template_helpers
from .views.link_views import create_blueprint


class Xiebao:
    """Insurance entries for a Flask site.

    One instance may serve several apps; what belongs to an app lives with the app.

    :param app: call :meth:`init_app` on it now.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._hooks = Hooks()
        self._states: WeakKeyDictionary[Flask, AppState] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the settings of *app* and register the endpoints and the macros.

        Call it when the app is configured: later changes of the settings are not seen, save for
        ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``, which are read when links are signed
        or opened.

        The settings begin with ``XIEBAO_``. ``flask_xiebao/app/settings.py`` has them all, each
        with what it means, and so has the manual.

        :raises ConfigError: lists every setting that is wrong; or the app has a Xiebao already.
        """
        try:
            self._set_up_app(app)
        except ConfigError as error:
            error.app = app
            raise

    def _set_up_app(self, app: Flask) -> None:
        if "xiebao" in app.extensions:
            raise ConfigError(
                "Flask-Xiebao is already initialized for this app. Call either `Xiebao(app)` or"
                " `init_app(app)`, and only once."
            )
        if "xiebao" in app.blueprints:
            raise ConfigError(
                'This app already has a blueprint with the name "xiebao". Rename that blueprint.'
            )
        if app.url_map.host_matching:
            raise ConfigError(
                "Flask-Xiebao does not support an app with host_matching, because its endpoints"
                " have no host. Use subdomain_matching, or give the shop an app of its own, for"
                " example beside this app behind Werkzeug's DispatcherMiddleware."
            )
        settings = Settings.from_config(app.config)
        if settings.enabled and settings.env is None and not (app.debug or app.testing):
            app.logger.warning(
                "XIEBAO_ENV is not set, so insurance entries lead to a TEST gateway (%s), where no"
                ' policy is real. Set XIEBAO_ENV to "production" if this site sells insurance, or'
                ' to "test" if it does not.',
                settings.gateway_base_url,
            )
        state = AppState(settings, self._hooks, app.config)
        try:
            app.register_blueprint(create_blueprint(state))
        except Exception as error:
            taken = getattr(error, "existing", None)  # by Werkzeug 3.2; doctor says it of others
            if taken is None:
                raise
            raise ConfigError(
                f'The view "{taken.endpoint}" of the site already has the path "{taken.rule}".'
                " Change XIEBAO_URL_PREFIX or the path of that view."
            ) from None
        self._states[app] = state
        app.extensions["xiebao"] = self
        connect_header_writers(app)
        register_template_helpers(app, state)
        app.cli.add_command(commands)

    def member_loader(self, loader: MemberLoader) -> MemberLoader:
        """Register the function that says who is logged in; use it as a decorator.

        :param loader: takes nothing and returns the member's id (text, a whole number or a
            :class:`uuid.UUID`), or None, ``""``, 0 or False for nobody. It may be ``async``, which
            needs ``flask[async]``. :meth:`partner_uniq_key` makes ``partnerUniqKey`` (2.1) of the
            id, which must never change.
        :raises ConfigError: when it is not a function, or takes other arguments.

        Without a loader, Flask-Login's ``current_user`` counts where the app uses Flask-Login, by
        its ``get_id()``. Where that is a token which changes with the password, add a loader.
        """
        return self._hooks.register("member_loader", loader)

    def click_guard(self, guard: ClickGuard) -> ClickGuard:
        """Register the function that may refuse whoever the rules let through; a decorator.

        It is for what only the site knows: an account that is locked, a region. It is asked at each
        click that would go on, bearer links and QR codes included, before the handoff and again on
        the phone; not on the way back from a payment.

        :param guard: takes the member's id as text and the :class:`Entry`. It returns True to let
            them go, False for a 403 (``not_allowed``), or a response of the site's own, which is
            sent as it is: what :func:`flask.redirect` and :func:`flask.make_response` return, or a
            tuple such as ``(render_template("locked.html"), 403)``. :func:`flask.abort` works, too.
            Anything else is the site's error. It may be ``async``.
        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        return self._hooks.register("click_guard", guard)

    def keeps_plain_key(self, keeps_plain_key: KeepsPlainKey) -> KeepsPlainKey:
        """Register the function that says whom the gateway knows by the bare id; a decorator.

        It is for a site whose members had policies before it set ``XIEBAO_MEMBER_SECRET``: with
        another key they would have another account at the gateway.

        :param keeps_plain_key: takes a member's id as text and returns True for those who keep it
            as their key. :meth:`member_of` asks it about keys from outside, which may be any text.
            It may be ``async``. Without a member secret it is not asked.
        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        return self._hooks.register("keeps_plain_key", keeps_plain_key)

    def notification_handler(self, handler: NotificationHandler) -> NotificationHandler:
        """Register the function that hears of purchases (the callback, 回调通知); a decorator.

        The platform's POSTs to ``/xiebao/notify`` are checked, and each that verifies is given to
        it, at least once and in no promised order. When it returns, the platform is told that the
        notification has arrived; when it raises, the platform sends it again. So it stores the
        notification's ``id`` in the transaction in which it does its work, and takes one that is
        stored already for success: see :doc:`/how-to/callback`.
        Provisional: it may change in a minor version, once Xiebao's own document of it is known.

        :param handler: takes a :class:`Notification`, and returns when it is done. It may be
            ``async``. Returning False, text, a response or the like is an error: it is sent again.
        :raises ConfigError: when it is not a function, takes other arguments, or is a second one.
        """
        return self._hooks.register("notification_handler", handler)

    def notification_reader(self, reader: NotificationReader) -> NotificationReader:
        """Register a function that reads notifications in place of the extension; a decorator.

        It is for a callback that is not as the public clients of the gateway family have it. It
        alone checks that the platform sent the notification.

        :param reader: takes the body (bytes) and the headers of a request, and returns a
            :class:`Notification`; its ``member`` is found by ``partner_uniq_key``. For one that is
            not to be believed it raises :exc:`NotificationError`, which is a 403 with the reason
            ``wrong_sign``, a 413 with ``too_large``, and else a 400. It may be ``async``.
        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        return self._hooks.register("notification_reader", reader)

    def partner_uniq_key(self, member: MemberId) -> str:
        """Return what the gateway knows a member by: their ``partnerUniqKey`` (2.1, 2.2).

        With ``XIEBAO_MEMBER_SECRET`` that is 16 characters that only this site can make, and then
        the id; else the bare id. Links do this at the click. It is for what goes to the gateway
        otherwise, such as ``xiebao.gateway.product_url(code, partner_uniq_key=...)``.

        :param member: an id as the loader returns it.
        :raises LinkError: when it is nobody's, or not an id.
        """
        who = normalize_member(member)
        if who is None:
            raise LinkError(
                "The member's id is None, empty or 0, which stands for no member. Pass the id of a"
                " member, for example `user.id`.",
                "member",
            )
        return self._current_state.build_member_key(who)

    def member_of(self, partner_uniq_key: str) -> str | None:
        """Return the id, as text, of the member whom the gateway knows by a ``partnerUniqKey``.

        :param partner_uniq_key: as the gateway sent it; the case of the first 16 characters does
            not matter.
        :return: None for a key that this site gave nobody. Without ``XIEBAO_MEMBER_SECRET`` it is
            the key itself, and whoever made the URL may have made it up.
        """
        return self._current_state.find_member_by_key(partner_uniq_key)

    @property
    def gateway(self) -> Gateway:
        """The current app's gateway, for an API that hands a URL to a native app.

        :raises ConfigError: when ``XIEBAO_ENABLED`` is off, or the app has no Xiebao.
        """
        return self._current_state.gateway

    @property
    def orders(self) -> OrderClient:
        """The current app's client for order queries (数据接口), from the extra ``orders``.

        It asks the gateway of ``XIEBAO_ENV`` or ``XIEBAO_BASE_URL``; where that is a path of the
        site, the app itself.
        Provisional: it may change in a minor version, once Xiebao's own document of it is known.

        :raises ConfigError: when the app has no Xiebao, or no partner id and key.
        :raises OrderError: when httpx is not installed.
        """
        return order_client.get_order_client(self._current_state)

    def link(
        self,
        page: str,
        reference: str | int | None = None,
        **options: Unpack[SubPartnerLinkOptions],
    ) -> str:
        """Return the local link to any page of the gateway, or ``""`` when switched off.

        :param page: the name of a page of the gateway, such as ``product`` (2.1 to 2.3).
            :meth:`product_link`, :meth:`home_link` and :meth:`policy_link` are the named forms.
        :param reference: the case code of a product or the application number of a policy.
        :param member: whose link it is, by their id: text, a whole number or a UUID. Left out,
            whoever clicks goes as themselves; a policy's link is that of whoever is logged in, and
            ``""`` for nobody.
        :param sub_partner_id: ``subPartnerId``, as text; ``XIEBAO_SUB_PARTNER_ID`` by default.
        :param platform: send this :class:`Platform`, or ``"h5"``, ``"pc"``, ``"ios"`` or
            ``"android"``, instead of the one found at the click.
        :param return_to: path of this site to come back to after payment (``paySuccess``).
        :param no_login_for: a whole number of seconds for which whoever has the link goes as
            *member*, without a login: a bearer link, for mail, SMS and QR codes. Needs *member*.
            Left out, the member has to be logged in, however old the link is.
        :param client_reference: the site's own word for what the click is about, such as the number
            of an order: text or a whole number. The signals have it as text, in ``entry``; the
            gateway gets no parameter with it. Whoever is sent the link sends it, too: check that
            the order is the member's.
        :param external: True for an absolute URL. Without a request every link is one.
        :raises LinkError: when an argument is wrong, or the link cannot be built safely.
        """
        return endpoints.build_link(self._current_state, page, reference, **options)

    def product_link(self, case_code: str | int, **options: Unpack[SubPartnerLinkOptions]) -> str:
        """Return the local link to a product's page (2.1), or ``""`` when switched off.

        :param case_code: ``caseCode``, the product code that Xiebao provides.
        :param options: *member*, *sub_partner_id*, *platform*, *return_to*, *no_login_for*,
            *client_reference* and *external*, as :meth:`link` explains them.
        :raises LinkError: as :meth:`link`.
        """
        return self.link("product", case_code, **options)

    def home_link(self, **options: Unpack[SubPartnerLinkOptions]) -> str:
        """Return the local link to Xiebao's home page (2.2), or ``""`` when switched off.

        :param options: *member*, *sub_partner_id*, *platform*, *return_to*, *no_login_for*,
            *client_reference* and *external*, as :meth:`link` explains them.
        :raises LinkError: as :meth:`link`.
        """
        return self.link("home", **options)

    def policy_link(self, insure_num: str | int, **options: Unpack[PolicyLinkOptions]) -> str:
        """Return the local link to a policy's page (2.3); ``""`` for nobody, or switched off.

        Making the link is the authorization: pass only numbers that were looked up for *member*.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :param options: *member*, *platform*, *return_to*, *no_login_for*, *client_reference* and
            *external*, as :meth:`link` explains them.
        :raises LinkError: as :meth:`link`.
        """
        if "sub_partner_id" in options:  # which its page does not take
            raise TypeError(
                'policy_link() does not accept "sub_partner_id". Leave out this argument.'
            )
        return self.link("policy", insure_num, **options)

    @property
    def _current_state(self) -> AppState:
        """The current app's part of the extension.

        :raises ConfigError: when the app has no Xiebao.
        """
        app = get_current_app()
        try:
            return self._states[app]
        except KeyError:
            raise ConfigError(
                f"This Xiebao object is not initialized for {app!r}. Call `init_app(app)` first."
            ) from None
