"""The class ``Xiebao``, which reads an app's settings, and adds endpoints and macros to the app."""

from __future__ import annotations

from typing import Unpack, cast

from flask import Flask

from .app import endpoints, order_client
from .app.current import get_current_app
from .app.headers import connect_receivers_that_set_headers
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
from .links.members import MemberId, normalize_member_id_or_none
from .links.tokens import PolicyLinkOptions, SubPartnerLinkOptions
from .macros.template_helpers import register_template_helpers
from .views.link_views import create_blueprint


class Xiebao:
    """The extension, which adds buttons, links and QR codes for insurance to a Flask app.

    One instance can serve several apps. Each app has its own state.

    :param app: the app to initialize, or None to call :meth:`init_app` later.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._hooks = Hooks()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the settings of *app* and register the endpoints, macros and commands.

        Call it after the app is configured, because later changes of the settings have no effect.
        Only ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS`` are read again whenever links are signed or
        opened.

        The names of the settings begin with ``XIEBAO_``. ``flask_xiebao/app/settings.py`` and the
        manual describe all of them.

        :raises ConfigError: if settings are wrong, or if the extension cannot be initialized for
            this app, for example because it already is. The message lists every wrong setting.
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
                "Flask-Xiebao does not support an app with host_matching, because the extension's"
                " endpoints have no host. Use subdomain_matching, or run the shop as a separate"
                " app, for example mounted next to this app with Werkzeug's DispatcherMiddleware."
            )
        settings = Settings.from_config(app.config)
        if settings.enabled and settings.env is None and not (app.debug or app.testing):
            app.logger.warning(
                "XIEBAO_ENV is not set, so insurance entries redirect to a TEST gateway (%s),"
                ' where policies are not real. Set XIEBAO_ENV to "production" if this site sells'
                ' insurance, or to "test" if it does not.',
                settings.gateway_base_url,
            )
        state = AppState(settings, self._hooks, app.config)
        try:
            app.register_blueprint(create_blueprint(state))
        except Exception as error:
            # Werkzeug 3.2 and later raise an error if the site already has a view with the same
            # path. The error's attribute "existing" is the URL rule of that view. Werkzeug before
            # 3.2 raises no error, so the command "flask xiebao doctor" reports such views instead.
            existing_rule = getattr(error, "existing", None)
            if existing_rule is None:
                raise
            raise ConfigError(
                f'The view "{existing_rule.endpoint}" of the site already has the path'
                f' "{existing_rule.rule}".'
                " Change XIEBAO_URL_PREFIX or the path of that view."
            ) from None
        app.extensions["xiebao"] = self
        app.extensions["xiebao_state"] = state
        connect_receivers_that_set_headers(app)
        register_template_helpers(app, state)
        app.cli.add_command(commands)

    def member_loader(self, loader: MemberLoader) -> MemberLoader:
        """Register the function that returns the logged-in member's id. Use this as a decorator.

        :param loader: a function without arguments that returns the member's id (a string, an
            integer or a :class:`uuid.UUID`), or None, ``""``, 0 or False for an anonymous visitor.
            It may be ``async``, which requires ``flask[async]``. The id must never change, because
            :meth:`partner_uniq_key` builds the ``partnerUniqKey`` (section 2.1 of the interface
            document) from it.
        :raises ConfigError: if *loader* is not a function or requires arguments.

        Without a loader, the id is ``current_user.get_id()`` if the app uses Flask-Login. If
        ``get_id()`` returns a token that changes with the password, register a loader.
        """
        return self._hooks.register("member_loader", loader)

    def click_guard(self, guard: ClickGuard) -> ClickGuard:
        """Register the function that may refuse a click on a link. Use this as a decorator.

        The guard decides by facts that only the site knows, such as a locked account or a region.
        It is called at each click that the access rules allow, including clicks on bearer links and
        QR codes. It is called before the handoff and again on the phone, but not when the browser
        returns from a payment.

        :param guard: a function that accepts the member's id as a string and the :class:`Entry`. It
            returns True to allow the click, False for a 403 (``not_allowed``), or a response, which
            is sent unchanged. A response is a result of :func:`flask.redirect` or
            :func:`flask.make_response`, or a tuple such as
            ``(render_template("locked.html"), 403)``. The guard may also call :func:`flask.abort`.
            Any other result raises an error. The guard may be ``async``.
        :raises ConfigError: if *guard* is not a function or does not accept these arguments.
        """
        return self._hooks.register("click_guard", guard)

    def keeps_plain_key(self, keeps_plain_key: KeepsPlainKey) -> KeepsPlainKey:
        """Register the function that decides which members' ids are sent to the gateway unchanged.

        Use this as a decorator. A site needs the function if its members had policies before the
        site set ``XIEBAO_MEMBER_SECRET``. With another key, these members would have another
        account at the gateway.

        :param keeps_plain_key: a function that accepts a member's id as a string and returns True
            if the id itself, without a prefix, is the member's ``partnerUniqKey``.
            :meth:`member_of` also calls it with keys from outside, which may be any text. It may be
            ``async``. It must not write to the database, because :class:`.Purchases` rolls back
            its transaction. Without a member secret, it is not called.
        :raises ConfigError: if it is not a function or does not accept this argument.
        """
        return self._hooks.register("keeps_plain_key", keeps_plain_key)

    def notification_handler(self, handler: NotificationHandler) -> NotificationHandler:
        """Register the function that handles purchase notifications. Use this as a decorator.

        The gateway sends notifications of purchases (the callback, 回调通知) to ``/xiebao/notify``
        by POST. The extension verifies each of them and passes only valid ones to the handler, at
        least once and in no fixed order. If the handler returns, the response to the gateway is
        success. If it raises an exception, the gateway sends the notification again. Therefore the
        handler stores the notification's ``id`` in the same transaction as its other changes, and
        returns without changes if the ``id`` is already stored: see :doc:`/how-to/callback`.
        Provisional: the callback may change in a minor version when Xiebao's own document about it
        is known.

        :param handler: a function that accepts a :class:`Notification` and returns when it has
            processed the notification. It may be ``async``. Returning False, a string, a response
            or the like is an error, and the gateway sends the notification again.
        :raises ConfigError: if *handler* is not a function, does not accept this argument, or is a
            second handler.
        """
        return self._hooks.register("notification_handler", handler)

    def notification_reader(self, reader: NotificationReader) -> NotificationReader:
        """Register a function that replaces the parser of notifications. Use this as a decorator.

        A site needs it if its callback differs from the callback in public clients of the gateway
        family. The reader alone checks that the gateway sent the notification.

        :param reader: a function that accepts the body (bytes) and the headers of a request and
            returns a :class:`Notification`. The extension sets its ``member`` from its
            ``partner_uniq_key``. To reject a notification, the reader raises
            :exc:`NotificationError`. The status of the response is 403 if the reason is
            ``wrong_sign``, 413 if it is ``too_large``, and 400 otherwise. The reader may be
            ``async``.
        :raises ConfigError: if *reader* is not a function or does not accept these arguments.
        """
        return self._hooks.register("notification_reader", reader)

    def partner_uniq_key(self, member: MemberId) -> str:
        """Return the ``partnerUniqKey`` by which the gateway knows a member.

        Sections 2.1 and 2.2 of the interface document describe this key. With
        ``XIEBAO_MEMBER_SECRET``, the key consists of 16 characters that only this site can compute,
        followed by the id. Otherwise, or if :meth:`keeps_plain_key` selects the member, it is the
        bare id. Links add the key at the click. Call this method if you send the key in another
        way, for example with ``xiebao.gateway.product_url(code, partner_uniq_key=...)``.

        :param member: the member's id, as the loader returns it.
        :raises LinkError: if the value stands for no member or is not an id.
        """
        member_id = normalize_member_id_or_none(member)
        if member_id is None:
            raise LinkError(
                "The member's id is None, empty or 0, so there is no member. Pass the id of a"
                " member, for example `user.id`.",
                "member",
            )
        return self._current_state.build_member_key(member_id)

    def member_of(self, partner_uniq_key: str) -> str | None:
        """Return the id of the member to whom this ``partnerUniqKey`` belongs.

        :param partner_uniq_key: the key as the gateway sent it. The case of the first 16 characters
            does not matter.
        :return: the id as a string, or None if this site gave the key to no member. Without
            ``XIEBAO_MEMBER_SECRET``, the id is the key itself, which the author of the URL may have
            made up.
        """
        return self._current_state.find_member_by_key(partner_uniq_key)

    @property
    def gateway(self) -> Gateway:
        """The current app's builder of gateway URLs. An API for a native app can use the builder.

        :raises ConfigError: if ``XIEBAO_ENABLED`` is off or this object is not initialized for the
            app.
        """
        return self._current_state.gateway

    @property
    def orders(self) -> OrderClient:
        """The current app's client for order queries (数据接口).

        The client requires the package's extra ``orders``. It sends queries to the gateway of
        ``XIEBAO_ENV`` or ``XIEBAO_BASE_URL``. If the latter is a path of the site, the client sends
        them to the app itself.
        Provisional: the client may change in a minor version when Xiebao's own document about order
        queries is known.

        :raises ConfigError: if this object is not initialized for the app, or the partner id or the
            API key is not set.
        :raises OrderError: if httpx is not installed.
        """
        return order_client.get_order_client(self._current_state)

    def link(
        self,
        page: str,
        reference: str | int | None = None,
        **options: Unpack[SubPartnerLinkOptions],
    ) -> str:
        """Return the site's link to the given gateway page, or ``""`` if ``XIEBAO_ENABLED`` is off.

        :param page: the name of a gateway page: ``product``, ``home`` or ``policy`` (sections 2.1,
            2.2 and 2.3 of the interface document).
            :meth:`product_link`, :meth:`home_link` and :meth:`policy_link` each link to one page.
        :param reference: the case code of a product or the application number of a policy.
        :param member: the id of the member that the link belongs to: a string, an integer or a
            UUID. By default, the link belongs to no member, and members who click it go as
            themselves. A policy link belongs to the logged-in member by default, and is ``""`` if
            there is no member.
        :param sub_partner_id: the ``subPartnerId``, a string. The default is
            ``XIEBAO_SUB_PARTNER_ID``.
        :param platform: the :class:`Platform` to send instead of the platform that is detected at
            the click. It can also be ``"h5"``, ``"pc"``, ``"ios"`` or ``"android"``.
        :param return_to: the path of this site to return to after payment (``paySuccess``).
        :param no_login_for: the number of seconds, an integer, for which anyone who has the link
            can use it as *member* without a login. Such a bearer link is for mails, SMS and QR
            codes. The argument requires *member*. By default, the member must be logged in, however
            old the link is.
        :param client_reference: the site's own reference for the click, such as an order number: a
            string or an integer. The signals have it as a string in ``entry``. The gateway has no
            parameter for it, but can read it in the return link. A link that is passed on to
            another person keeps its reference, so check that the order belongs to the member.
        :param external: True for an absolute URL. Without a request, every link is absolute.
        :raises LinkError: if an argument is wrong or the link cannot be built safely.
        """
        return endpoints.build_link(self._current_state, page, reference, **options)

    def product_link(self, case_code: str | int, **options: Unpack[SubPartnerLinkOptions]) -> str:
        """Return the site's link to a product page, or ``""`` if ``XIEBAO_ENABLED`` is off.

        :param case_code: the ``caseCode`` (section 2.1 of the interface document), which is the
            product code that Xiebao provides.
        :param options: *member*, *sub_partner_id*, *platform*, *return_to*, *no_login_for*,
            *client_reference* and *external*, as described for :meth:`link`.
        :raises LinkError: in the same cases as :meth:`link`.
        """
        return self.link("product", case_code, **options)

    def home_link(self, **options: Unpack[SubPartnerLinkOptions]) -> str:
        """Return the site's link to Xiebao's home page, or ``""`` if ``XIEBAO_ENABLED`` is off.

        :param options: *member*, *sub_partner_id*, *platform*, *return_to*, *no_login_for*,
            *client_reference* and *external*, as described for :meth:`link`.
        :raises LinkError: in the same cases as :meth:`link`.
        """
        return self.link("home", **options)

    def policy_link(self, insure_num: str | int, **options: Unpack[PolicyLinkOptions]) -> str:
        """Return the site's link to a policy page of the gateway for the given or logged-in member.

        The link is ``""`` if no *member* is passed and nobody is logged in, or if
        ``XIEBAO_ENABLED`` is off. The link authorizes the member to see the policy. Pass only
        numbers that your code looked up for this member.

        :param insure_num: the ``insureNum`` (section 2.3 of the interface document), which is the
            application number (投保单号).
        :param options: *member*, *platform*, *return_to*, *no_login_for*, *client_reference* and
            *external*, as described for :meth:`link`.
        :raises LinkError: in the same cases as :meth:`link`.
        """
        if "sub_partner_id" in options:
            raise TypeError(
                'policy_link() does not accept "sub_partner_id". Leave out this argument.'
            )
        return self.link("policy", insure_num, **options)

    @property
    def _current_state(self) -> AppState:
        """The extension's state for the current app.

        :raises ConfigError: if this object is not initialized for the current app.
        """
        app = get_current_app()
        if app.extensions.get("xiebao") is not self:
            raise ConfigError(
                f"This Xiebao object is not initialized for {app!r}. Call `init_app(app)` first."
            )
        return cast(AppState, app.extensions["xiebao_state"])
