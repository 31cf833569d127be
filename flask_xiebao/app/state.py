"""The state of one app, which the endpoints, the macros and the commands share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIEnvironment

from flask import current_app
from werkzeug.urls import iri_to_uri

from ..errors import ConfigError
from ..gateway.platforms import Platform, detect_platform
from ..gateway.urls import Gateway
from ..gateway.values import Secret, WrongValueError, normalize_query_text
from ..links.members import MemberKeyCodec
from ..links.tokens import Entry, TokenSigner
from ..texts import get_nearest_locale, get_text_and_locale
from .hooks import Hooks
from .settings import NEW_KEY_ADVICE, Settings

if TYPE_CHECKING:
    from ..gateway.orders import OrderClient

_SURROGATE_PATTERN = re.compile("[\ud800-\udfff]")


def get_current_locale(configured_locale: object) -> str:
    """Return the locale of texts for visitors.

    :param configured_locale: the value of ``XIEBAO_LOCALE``. If it is None, the locale is
        Flask-Babel's, or ``zh`` if the app does not use Flask-Babel.
    """
    if configured_locale is None and "babel" in current_app.extensions:
        from flask_babel import get_locale

        configured_locale = get_locale()
    return "zh" if configured_locale is None else get_nearest_locale(str(configured_locale))


def is_debug_or_testing() -> bool:
    """Return True if the current app is in debug or testing mode."""
    return current_app.debug or current_app.testing


class AppState:
    """The settings, hooks, gateway and link signer of one app.

    The app itself is not stored, because it is always ``current_app``.

    :param config: the config of the app, whose secret keys may change.
    """

    def __init__(self, settings: Settings, hooks: Hooks, config: Mapping[str, Any]) -> None:
        self.settings = settings
        self.hooks = hooks
        self._gateway = (
            Gateway(
                settings.partner_id,
                settings.api_key,
                sub_partner_id=settings.sub_partner_id,
                # The URL is encoded here, because UncacheableRedirect does not encode it.
                base_url=iri_to_uri(settings.gateway_base_url),
                extra=settings.extra,
            )
            if settings.enabled
            else None
        )
        #: A cache of the endpoints' absolute URLs, which begin with ``XIEBAO_PUBLIC_URL``. It maps
        #: each endpoint to the two parts of its URL, before and after the token.
        self.split_public_urls: dict[str, tuple[str, ...]] = {}
        #: The path of ``XIEBAO_PUBLIC_URL``, decoded like the ``SCRIPT_NAME`` of a request.
        self.public_root = unquote(urlsplit(settings.public_url or "").path)
        # The config contains secret keys. The class Secret hides it, so that printing the
        # attributes of an AppState does not show the keys.
        self._config = Secret(config)
        self._signer_keys: Secret[tuple[Any, ...]] = Secret(())
        self._signer = TokenSigner((), settings.partner_id)
        self._member_keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        #: Maps process ids to clients for order queries. :mod:`.order_client` creates a client when
        #: it is first needed.
        self.order_clients: dict[int, OrderClient] = {}

    @property
    def gateway(self) -> Gateway:
        """The :class:`.Gateway` that builds the app's gateway URLs.

        :raises ConfigError: if ``XIEBAO_ENABLED`` is off.
        """
        if self._gateway is None:
            raise ConfigError(
                "Gateway URLs cannot be built, because XIEBAO_ENABLED is off. Set XIEBAO_ENABLED to"
                " True."
            )
        return self._gateway

    @property
    def signer(self) -> TokenSigner:
        """The link signer, which is built again if the secret keys in the config change.

        A key that was removed from the config is no longer accepted.

        :raises ConfigError: if ``SECRET_KEY`` or ``SECRET_KEY_FALLBACKS`` is wrong.
        """
        # Error reports show local variables. Keep secret keys in a local variable only inside a
        # Secret, which hides its value.
        if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal():
            try:
                keys = self._config.map(_get_secret_keys)
                self._signer = keys.map(self._build_signer).reveal()
                self._signer_keys = keys
            except WrongValueError as error:
                raise ConfigError.about("SECRET_KEY", f"or SECRET_KEY_FALLBACKS {error}") from None
        return self._signer

    def _build_signer(self, secret_keys: tuple[Any, ...]) -> TokenSigner:
        *fallbacks, key = secret_keys
        if not key:
            raise ConfigError.about(
                "SECRET_KEY", f"is not set, so links cannot be signed. {NEW_KEY_ADVICE}."
            )
        if not _is_valid_secret_key(key):
            raise ConfigError.about(
                "SECRET_KEY",
                f"must be bytes or a string that can be encoded in UTF-8. {NEW_KEY_ADVICE}.",
            )
        if not all(map(_is_valid_secret_key, fallbacks)):
            raise ConfigError.about(
                "SECRET_KEY_FALLBACKS", "must be a list of keys, each a non-empty string or bytes."
            )
        return TokenSigner(secret_keys, self.settings.partner_id)

    def build_member_key(self, member: str) -> str:
        """Return the ``partnerUniqKey`` of a member; see :meth:`.Xiebao.partner_uniq_key`.

        :param member: the member's id, as :func:`.normalize_member_id_or_none` returns it.
        """
        return self._member_keys.build_member_key(member, self.hooks.has_plain_member_key)

    def find_member_by_key(self, member_key: object) -> str | None:
        """Return the id of the member with this key, or None; see :meth:`.Xiebao.member_of`."""
        try:
            return self._member_keys.find_member_id(
                normalize_query_text(member_key), self.hooks.has_plain_member_key
            )
        except WrongValueError:
            return None

    def build_gateway_url(
        self, entry: Entry, member: str, platform: Platform, return_url: str | None = None
    ) -> str:
        """Return the gateway URL that a member's click on *entry* leads to.

        :param return_url: the URL to return to after payment, or None.
        """
        return self.gateway.url(
            entry.page,
            entry.reference,
            partner_uniq_key=self.build_member_key(member),
            platform=platform,
            sub_partner_id=entry.sub_partner_id,
            pay_success=return_url,
        )

    @property
    def is_strict(self) -> bool:
        """True if a wrong template argument or a failed signal receiver raises an exception."""
        return is_debug_or_testing() if self.settings.strict is None else self.settings.strict

    @property
    def locale(self) -> str:
        """The locale of the texts that visitors see. The extension has texts for this locale."""
        return get_current_locale(self.settings.locale)

    def get_visitor_text_and_locale(
        self, locale: str, key: str, fallback_texts: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return a text for visitors and the locale of this text.

        The site's text in ``XIEBAO_TEXTS`` has precedence over the extension's text in
        :mod:`.texts`.
        """
        site_text = (self.settings.texts or {}).get(key, {}).get(get_nearest_locale(locale))
        return (
            get_text_and_locale(locale, key, fallback_texts)
            if site_text is None
            else (site_text, get_nearest_locale(locale))
        )

    def get_visitor_text(self, key: str, fallback_texts: Mapping[str, str] | None = None) -> str:
        """Return a text for visitors in the current locale.

        :param fallback_texts: the text by locale, for a key that :mod:`.texts` may not contain.
        """
        return self.get_visitor_text_and_locale(self.locale, key, fallback_texts)[0]

    @property
    def can_locale_change_within_request(self) -> bool:
        """True if the locale may change within a request, because Flask-Babel selects it."""
        return self.settings.locale is None and "babel" in current_app.extensions

    def detect_request_platform(self, environ: WSGIEnvironment) -> Platform:
        """Return the platform of the device that sent a request."""
        headers = {
            "User-Agent": environ.get("HTTP_USER_AGENT"),
            "Sec-CH-UA-Mobile": environ.get("HTTP_SEC_CH_UA_MOBILE"),
            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),
        }
        return detect_platform(headers, app_user_agent=self.settings.app_user_agent)


def get_current_app_state() -> AppState:
    """Return the state of the current app.

    :raises ConfigError: if the extension is not initialized for the app.
    """
    state: AppState | None = current_app.extensions.get("xiebao_state")
    if state is None:
        raise ConfigError(
            f"Flask-Xiebao is not initialized for the app {current_app.import_name!r}. Add"
            " `Xiebao(app)`, or call `xiebao.init_app(app)` in the application factory."
        )
    return state


def _get_secret_keys(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the secret keys from the config, with the signing key last.

    If ``SECRET_KEY_FALLBACKS`` is neither a list nor a tuple, None stands for the fallbacks.
    """
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
    return (
        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),
        config.get("SECRET_KEY"),
    )


def _is_valid_secret_key(key: object) -> bool:
    # A string with half of a surrogate pair cannot be encoded in UTF-8.
    return (
        isinstance(key, str | bytes)
        and bool(key)
        and not (isinstance(key, str) and _SURROGATE_PATTERN.search(key))
    )
