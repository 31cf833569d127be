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
from ..gateway.values import Secret, WrongValueError, check_text
from ..links.members import MemberKeys
from ..links.tokens import Entry, LinkSigner
from ..texts import find, nearest
from .hooks import Hooks
from .settings import NEW_KEY, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..gateway.orders import OrderClient

_SURROGATE = re.compile("[\ud800-\udfff]")


def current_locale(chosen: object) -> str:
    """Return the locale of what visitors read: a setting's, else Flask-Babel's, else ``zh``.

    :param chosen: ``XIEBAO_LOCALE``, or None.
    """
    if chosen is None and "babel" in current_app.extensions:
        from flask_babel import get_locale

        chosen = get_locale()
    return "zh" if chosen is None else nearest(str(chosen))


def is_in_development() -> bool:
    """Tell whether the current app is in debug or testing."""
    return current_app.debug or current_app.testing


class State:
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
                base_url=iri_to_uri(settings.gateway_url),  # redirects send it as it is
                extra=settings.extra,
            )
            if settings.enabled
            else None
        )
        #: The text before and after the token in the URLs of each endpoint on
        #: ``XIEBAO_PUBLIC_URL``; :mod:`.endpoints` fills it.
        self.public_url_parts: dict[str, tuple[str, ...]] = {}
        #: The path of ``XIEBAO_PUBLIC_URL``, as requests have it in their ``SCRIPT_NAME``.
        self.public_root = unquote(urlsplit(settings.public_url or "").path)
        # Secret, so that whoever prints this object's attributes does not see the keys.
        self._config = Secret(config)
        self._keys: Secret[tuple[Any, ...]] = Secret(())
        self._signer = LinkSigner((), settings.partner_id)
        self._member_keys = MemberKeys(settings.member_secret, settings.partner_id)
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
        if _configured_keys(self._config.reveal()) != self._keys.reveal():
            try:
                keys = self._config.map(_configured_keys)
                self._signer = keys.map(self._make_signer).reveal()
                self._keys = keys
            except WrongValueError as error:
                raise ConfigError.about("SECRET_KEY", f"or SECRET_KEY_FALLBACKS {error}") from None
        return self._signer

    def _make_signer(self, keys: tuple[Any, ...]) -> LinkSigner:
        *fallbacks, key = keys
        if not key:
            raise ConfigError.about(
                "SECRET_KEY", f"is not set, but links are signed with this key. {NEW_KEY}."
            )
        if not _is_key(key):
            raise ConfigError.about(
                "SECRET_KEY", f"must be bytes or a string that can be encoded in UTF-8. {NEW_KEY}."
            )
        if not all(map(_is_key, fallbacks)):
            raise ConfigError.about(
                "SECRET_KEY_FALLBACKS", "must be a list of keys, each a non-empty string or bytes."
            )
        return LinkSigner(keys, self.settings.partner_id)

    def partner_uniq_key(self, member: str) -> str:
        """Return what the gateway knows a member by; see :meth:`.Xiebao.partner_uniq_key`.

        :param member: as :func:`.normalize_member` returns it.
        """
        return self._member_keys.key_of(member, self.hooks.keeps_plain_key)

    def member_of(self, key: object) -> str | None:
        """Return whose key it is; see :meth:`.Xiebao.member_of`."""
        try:
            return self._member_keys.member_of(check_text(key), self.hooks.keeps_plain_key)
        except WrongValueError:
            return None

    def gateway_url(
        self, entry: Entry, member: str, platform: Platform, pay_success: str | None = None
    ) -> str:
        """Return the URL of the gateway's page to which a member's click on an entry leads.

        :param pay_success: the URL to return to after payment, or None.
        """
        return self.gateway.url(
            entry.page,
            entry.reference,
            partner_uniq_key=self.partner_uniq_key(member),
            platform=platform,
            sub_partner_id=entry.sub_partner_id,
            pay_success=pay_success,
        )

    @property
    def is_strict(self) -> bool:
        """Whether a wrong link argument in a template raises."""
        return is_in_development() if self.settings.strict is None else self.settings.strict

    @property
    def locale(self) -> str:
        """The locale of what visitors read: one of :mod:`.texts`."""
        return current_locale(self.settings.locale)

    def find_text(
        self, locale: str, key: str, own: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return what visitors read, in ``XIEBAO_TEXTS`` or :mod:`.texts`, and in which locale."""
        said = (self.settings.texts or {}).get(key, {}).get(nearest(locale))
        return find(locale, key, own) if said is None else (said, nearest(locale))

    def text(self, key: str, own: Mapping[str, str] | None = None) -> str:
        """Return what visitors read, in their locale.

        :param own: the text by locale, where it stands in a row of a table.
        """
        said, _ = self.find_text(self.locale, key, own)
        return said

    @property
    def locale_may_change(self) -> bool:
        """Whether the locale may be another later in the same request, as Flask-Babel's may."""
        return self.settings.locale is None and "babel" in current_app.extensions

    def device(self, environ: WSGIEnvironment) -> Platform:
        """Return the platform that a request comes from."""
        headers = {
            "User-Agent": environ.get("HTTP_USER_AGENT"),
            "Sec-CH-UA-Mobile": environ.get("HTTP_SEC_CH_UA_MOBILE"),
            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),
        }
        return detect_platform(headers, app_user_agent=self.settings.app_user_agent)


def current_state() -> State:
    """Return the state of the current app.

    :raises ConfigError: when it has no Xiebao.
    """
    extension = current_app.extensions.get("xiebao")
    if extension is None:
        raise ConfigError(
            f"Flask-Xiebao is not initialized for the app {current_app.import_name!r}. Add"
            " `Xiebao(app)`, or call `xiebao.init_app(app)` in the application factory."
        )
    return cast(State, extension._state)


def _configured_keys(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the keys as configured, the signing key last; None for fallbacks of another type."""
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
    return (
        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),
        config.get("SECRET_KEY"),
    )


def _is_key(key: object) -> bool:
    # Half of a surrogate pair can be in a text, and in no bytes.
    return (
        isinstance(key, str | bytes)
        and bool(key)
        and not (isinstance(key, str) and _SURROGATE.search(key))
    )
