"""The extension: wires settings, gateway, signer, blueprint and templates into an app."""

from __future__ import annotations

from typing import TypeVar
from weakref import WeakKeyDictionary

from flask import Flask, current_app

from . import templating, urls, views
from .caching import watch_responses
from .config import ENVIRONMENTS, Settings
from .errors import ConfigError
from .gateway import Gateway
from .members import MemberId
from .platforms import Platform
from .state import MemberLoader, Members, State

L = TypeVar("L", bound=MemberLoader)


class Xiebao:
    """Insurance entries for a Flask site.

    One instance may serve several apps; what belongs to an app lives with the app.

    :param app: call :meth:`init_app` on it now.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._members = Members()
        self._states: WeakKeyDictionary[Flask, State] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the settings of *app* and register the endpoints and the macros.

        Call it when the app is configured: later changes of the settings are not seen, save for
        ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``, which are read when links are signed.

        These settings are read: ``XIEBAO_PARTNER_ID``, ``XIEBAO_API_KEY``,
        ``XIEBAO_SUB_PARTNER_ID``, ``XIEBAO_ENV``, ``XIEBAO_BASE_URL``, ``XIEBAO_EXTRA``,
        ``XIEBAO_URL_PREFIX``, ``XIEBAO_PUBLIC_URL``, ``XIEBAO_LOGIN_VIEW``,
        ``XIEBAO_HANDOFF_MAX_AGE`` (seconds), ``XIEBAO_APP_USER_AGENT``, ``XIEBAO_LOCALE``,
        ``XIEBAO_DEVICE_MARKUP``, ``XIEBAO_ENABLED``, ``XIEBAO_STRICT``.

        :raises ConfigError: lists every setting that is wrong; or the app has a Xiebao already.
        """
        try:
            self._init_app(app)
        except ConfigError as error:
            error.app = app
            raise

    def _init_app(self, app: Flask) -> None:
        if "xiebao" in app.extensions:
            raise ConfigError("This app has a Xiebao already: use that one.")
        if app.url_map.host_matching:
            raise ConfigError(
                "Flask-Xiebao cannot serve an app with host_matching, since its endpoints have no"
                " host: give the shop an app of its own, for instance beside this one behind"
                " Werkzeug's DispatcherMiddleware, or use subdomain_matching."
            )
        settings = Settings.from_config(app.config)
        if settings.enabled and settings.env is None and not (app.debug or app.testing):
            app.logger.warning(
                "XIEBAO_ENV is not set: insurance entries lead to a TEST gateway, %s, where no"
                ' policy is real. Set it to "production" when this site sells, or to "test" to say'
                " that it does not.",
                settings.base_url or ENVIRONMENTS["test"],
            )
        state = self._states[app] = State(settings, self._members, app.config)
        app.extensions["xiebao"] = self
        app.register_blueprint(views.create_blueprint(state))
        watch_responses(app)
        templating.register(app, state)

    def member_loader(self, loader: L) -> L:
        """Register the function that says who is logged in; use it as a decorator.

        :param loader: takes nothing and returns the member's id (text, a whole number or a
            :class:`uuid.UUID`), or None, ``""``, 0 or False for nobody. It may be ``async``, with
            Flask's extra of that name. The id becomes ``partnerUniqKey`` (2.1): use one that never
            changes and cannot be guessed, not a row number.

        Without a loader, Flask-Login's ``current_user`` counts where the app uses Flask-Login, by
        its ``get_id()``. Where that is a token which changes with the password, add a loader.
        """
        self._members.ask(loader)
        return loader

    @property
    def gateway(self) -> Gateway:
        """The current app's gateway, for an API that hands a URL to a native app.

        :raises ConfigError: when ``XIEBAO_ENABLED`` is off, or the app has no Xiebao.
        """
        return self.state.gateway

    def link(
        self,
        page: str,
        reference: str | int | None = None,
        *,
        member: MemberId | None = None,
        sub_partner_id: str | None = None,
        platform: Platform | str | None = None,
        return_to: str | None = None,
        max_age: int | None = None,
        external: bool = False,
    ) -> str:
        """Return the local link to any page of the gateway, or ``""`` when switched off.

        :param page: ``product``, ``home`` or ``policy`` (2.1 to 2.3). :meth:`product_link`,
            :meth:`home_link` and :meth:`policy_link` are the named forms.
        :param reference: the case code of a product or the application number of a policy.
        :param member: whose link it is. Left out, whoever clicks goes as themselves; a policy's
            link is that of whoever is logged in, and ``""`` for nobody.
        :param sub_partner_id: ``subPartnerId``; ``XIEBAO_SUB_PARTNER_ID`` by default.
        :param platform: send this platform instead of the one found at the click.
        :param return_to: path of this site to come back to after payment (``paySuccess``).
        :param max_age: seconds for which the link alone vouches for *member*, who then need not
            be logged in: a bearer link, for mail, SMS and QR codes. Needs *member*.
        :param external: make an absolute URL. Without a request every link is.
        :raises LinkError: when an argument is wrong, or the link cannot be built safely.
        """
        return urls.link(
            self.state,
            page,
            reference,
            member=member,
            sub_partner_id=sub_partner_id,
            platform=platform,
            return_to=return_to,
            max_age=max_age,
            external=external,
        )

    def product_link(
        self,
        case_code: str | int,
        *,
        member: MemberId | None = None,
        sub_partner_id: str | None = None,
        platform: Platform | str | None = None,
        return_to: str | None = None,
        max_age: int | None = None,
        external: bool = False,
    ) -> str:
        """Return the local link to a product's page (2.1), or ``""`` when switched off.

        :param case_code: ``caseCode``, the product code that Xiebao provides.

        The other parameters and the errors are those of :meth:`link`.
        """
        return urls.link(
            self.state,
            "product",
            case_code,
            member=member,
            sub_partner_id=sub_partner_id,
            platform=platform,
            return_to=return_to,
            max_age=max_age,
            external=external,
        )

    def home_link(
        self,
        *,
        member: MemberId | None = None,
        sub_partner_id: str | None = None,
        platform: Platform | str | None = None,
        return_to: str | None = None,
        max_age: int | None = None,
        external: bool = False,
    ) -> str:
        """Return the local link to Xiebao's home page (2.2), or ``""`` when switched off.

        Parameters and errors are those of :meth:`link`.
        """
        return urls.link(
            self.state,
            "home",
            member=member,
            sub_partner_id=sub_partner_id,
            platform=platform,
            return_to=return_to,
            max_age=max_age,
            external=external,
        )

    def policy_link(
        self,
        insure_num: str | int,
        *,
        member: MemberId | None = None,
        platform: Platform | str | None = None,
        return_to: str | None = None,
        max_age: int | None = None,
        external: bool = False,
    ) -> str:
        """Return the local link to a policy's page (2.3), or ``""`` for nobody.

        Making the link is the authorization: pass only numbers that were looked up for *member*.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :param member: whose policy it is; whoever is logged in by default.

        The other parameters and the errors are those of :meth:`link`.
        """
        return urls.link(
            self.state,
            "policy",
            insure_num,
            member=member,
            platform=platform,
            return_to=return_to,
            max_age=max_age,
            external=external,
        )

    @property
    def state(self) -> State:
        """The current app's part of the extension, for this package's own tools.

        :raises ConfigError: when the app has no Xiebao.
        """
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        try:
            return self._states[app]
        except KeyError:
            raise ConfigError(f"{app!r} has no Xiebao: call init_app(app) first.") from None
