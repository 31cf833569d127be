"""The object that endpoints, macros and commands share: what the extension has of one app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from flask import current_app
from werkzeug.urls import iri_to_uri

from ..errors import ConfigError
from ..gateway.platforms import Platform, detect_platform
from ..gateway.urls import Gateway
from ..gateway.values import Secret, WrongValueError, normalize_text
from ..links.members import MemberKeyCodec
from ..links.tokens import Entry, LinkSigner
from ..texts import get_nearest_locale, get_text_and_locale
from .hooks import Hooks
from .settings import NEW_KEY_ADVICE, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..gateway.orders import OrderClient

_SURROGATE_PATTERN = re.compile("[\ud800-\udfff]")


def get_current_locale(configured_locale: object) -> str:
    """Return the locale of what visitors read: a setting's, else Flask-Babel's, else ``zh``.

    :param chosen: ``XIEBAO_LOCALE``, or None.
    """
    if configured_locale is None and "babel" in current_app.extensions:
        from flask_babel import get_locale

        configured_locale = get_locale()
    return "zh" if configured_locale is None else get_nearest_locale(str(configured_locale))


def is_debug_or_testing() -> bool:
    """Tell whether the current app is in debug or testing."""
    return current_app.debug or current_app.testing


class AppState:
    """What belongs to one app. The app itself is always ``current_app``.

    :param config: the app's own, in which keys may change.
    """

    def __init__(self, settings: Settings, hooks: Hooks, config: Mapping[str, Any]) -> None:
        self.settings = settings
        self.hooks = hooks
        self._gateway = (
            Gateway(
                settings.partner_id,
                settings.api_key,
                sub_partner_id=settings.sub_partner_id,
                base_url=iri_to_uri(settings.gateway_base_url),  # redirects send it as it is
                extra=settings.extra,
            )
            if settings.enabled
            else None
        )
        #: The text before and after the token in the URLs of each endpoint on
        #: ``XIEBAO_PUBLIC_URL``; :mod:`.endpoints` fills it.
        self.split_public_urls: dict[str, tuple[str, ...]] = {}
        #: The path of ``XIEBAO_PUBLIC_URL``, as requests have it in their ``SCRIPT_NAME``.
        self.public_root = unquote(urlsplit(settings.public_url or "").path)
        # Secret, so that whoever prints this object's attributes does not see the keys.
        self._config = Secret(config)
        self._signer_keys: Secret[tuple[Any, ...]] = Secret(())
        self._signer = LinkSigner((), settings.partner_id)
        self._member_keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        #: The client for order queries of each process; :mod:`.order_client` makes it when needed.
        self.order_clients: dict[int, OrderClient] = {}

    @property
    def gateway(self) -> Gateway:
        """The app's gateway.

        :raises ConfigError: when ``XIEBAO_ENABLED`` is off.
        """
        if self._gateway is None:
            raise ConfigError(
                "There is no gateway because XIEBAO_ENABLED is off. Set XIEBAO_ENABLED to True to"
                " build gateway URLs."
            )
        return self._gateway

    @property
    def signer(self) -> LinkSigner:
        """The signer for the keys in force now, so that one taken out stops counting at once.

        :raises ConfigError: when ``SECRET_KEY`` or ``SECRET_KEY_FALLBACKS`` is wrong.
        """
        # In no variable: an error report shows those of each frame.
        if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal():
            try:
                keys = self._config.map(_get_secret_keys)
                self._signer = keys.map(self._build_signer).reveal()
                self._signer_keys = keys
            except WrongValueError as error:
                raise ConfigError.about("SECRET_KEY", f"or SECRET_KEY_FALLBACKS {error}") from None
        return self._signer

    def _build_signer(self, secret_keys: tuple[Any, ...]) -> LinkSigner:
        *fallbacks, key = secret_keys
        if not key:
            raise ConfigError.about(
                "SECRET_KEY", f"is not set, but links are signed with this key. {NEW_KEY_ADVICE}."
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
        return LinkSigner(secret_keys, self.settings.partner_id)

    def build_member_key(self, member: str) -> str:
        """Return what the gateway knows a member by; see :meth:`.Xiebao.partner_uniq_key`.

        :param member: as :func:`.normalize_member` returns it.
        """
        return self._member_keys.build_member_key(member, self.hooks.is_known_by_plain_key)

    def find_member_by_key(self, member_key: object) -> str | None:
        """Return whose key it is; see :meth:`.Xiebao.member_of`."""
        try:
            return self._member_keys.find_member(
                normalize_text(member_key), self.hooks.is_known_by_plain_key
            )
        except WrongValueError:
            return None

    def build_gateway_url(
        self, entry: Entry, member: str, platform: Platform, return_url: str | None = None
    ) -> str:
        """Return the URL of the gateway's page to which a member's click on an entry leads.

        :param pay_success: the URL to return to after payment, or None.
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
        """Whether a wrong link argument in a template raises."""
        return is_debug_or_testing() if self.settings.strict is None else self.settings.strict

    @property
    def locale(self) -> str:
        """The locale of what visitors read: one of :mod:`.texts`."""
        return get_current_locale(self.settings.locale)

    def get_visitor_text_and_locale(
        self, locale: str, key: str, fallback_texts: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return what visitors read, in ``XIEBAO_TEXTS`` or :mod:`.texts`, and in which locale."""
        said = (self.settings.texts or {}).get(key, {}).get(get_nearest_locale(locale))
        return (
            get_text_and_locale(locale, key, fallback_texts)
            if said is None
            else (said, get_nearest_locale(locale))
        )

    def get_visitor_text(self, key: str, fallback_texts: Mapping[str, str] | None = None) -> str:
        """Return what visitors read, in their locale.

        :param own: the text by locale, where it stands in a row of a table.
        """
        said, _ = self.get_visitor_text_and_locale(self.locale, key, fallback_texts)
        return said

    @property
    def can_locale_change(self) -> bool:
        """Whether the locale may be another later in the same request, as Flask-Babel's may."""
        return self.settings.locale is None and "babel" in current_app.extensions

    def detect_request_platform(self, environ: WSGIEnvironment) -> Platform:
        """Return the platform that a request comes from."""
        headers = {
            "User-Agent": environ.get("HTTP_USER_AGENT"),
            "Sec-CH-UA-Mobile": environ.get("HTTP_SEC_CH_UA_MOBILE"),
            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),
        }
        return detect_platform(headers, app_user_agent=self.settings.app_user_agent)


def get_current_app_state() -> AppState:
    """Return the state of the current app.

    :raises ConfigError: when it has no Xiebao.
    """
    extension = current_app.extensions.get("xiebao")
    if extension is None:
        raise ConfigError(
            f"Flask-Xiebao is not initialized for the app {current_app.import_name!r}. Add"
            " `Xiebao(app)`, or call `xiebao.init_app(app)` in the application factory."
        )
    return cast(AppState, extension._current_state)


def _get_secret_keys(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the keys as configured, the signing key last; None for fallbacks of another type."""
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
    return (
        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),
        config.get("SECRET_KEY"),
    )


def _is_valid_secret_key(key: object) -> bool:
    # Half of a surrogate pair can be in a text, and in no bytes.
    return (
        isinstance(key, str | bytes)
        and bool(key)
        and not (isinstance(key, str) and _SURROGATE_PATTERN.search(key))
    )
