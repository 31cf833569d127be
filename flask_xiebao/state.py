"""What one app has: its settings, gateway, signer and members."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from flask import current_app
from werkzeug.urls import iri_to_uri

from .config import ENVIRONMENTS, NEW_KEY, Settings
from .errors import ConfigError, LinkError
from .gateway import Gateway
from .links import LinkSigner
from .members import normalize_member
from .platforms import Platform, detect_platform
from .texts import nearest
from .values import Secret, WrongValueError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_SURROGATE = re.compile("[\ud800-\udfff]")

MemberLoader = Callable[[], object]


class Members:
    """Who is logged in: asks the site's loader, else Flask-Login where the app uses it."""

    def __init__(self) -> None:
        self.loader: MemberLoader | None = None

    def ask(self, loader: MemberLoader) -> None:
        """Ask this function from now on; it may be ``async``.

        :raises ConfigError: when it is not a function.
        """
        if not callable(loader):
            raise ConfigError(f"member_loader takes a function, not {type(loader).__name__}.")
        # Looking for coroutines takes longer than most loaders: not at each call.
        self.loader = _waited_for(loader) if iscoroutinefunction(loader) else loader

    def are_known(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return self.loader is not None or login_manager() is not None

    def current(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        :raises LinkError: when the loader returns something that is not a member's id. What the
            loader itself raises is the site's error and is passed on.
        """
        if self.loader is not None:
            return _member_from("The member_loader", self.loader())
        if login_manager() is not None:
            from flask_login import current_user

            found = current_user.get_id() if current_user.is_authenticated else None
            return _member_from("get_id() of Flask-Login's current_user", found)
        return None


def _waited_for(loader: MemberLoader) -> MemberLoader:
    return lambda: current_app.ensure_sync(loader)()


def _member_from(source: str, found: object) -> str | None:
    try:
        return normalize_member(found)
    except LinkError as error:
        raise LinkError(f"{source} did not return a member's id. {error}", "member") from None


def login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)


def current_locale(chosen: object) -> str:
    """Return the locale of what visitors read: a setting's, else Flask-Babel's, else ``zh``.

    :param chosen: ``XIEBAO_LOCALE``, or None.
    """
    if chosen is not None:
        return nearest(str(chosen))
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if "babel" in app.extensions:
        from flask_babel import get_locale

        locale = get_locale()
        if locale is not None:
            return nearest(str(locale))
    return "zh"


def is_in_development() -> bool:
    """Tell whether the current app is in debug or testing."""
    return current_app.debug or current_app.testing


class State:
    """What belongs to one app. The app itself is always ``current_app``.

    :param config: the app's own, in which keys may change.
    """

    def __init__(self, settings: Settings, members: Members, config: Mapping[str, Any]) -> None:
        self.settings = settings
        self.members = members
        self._gateway = _gateway(settings) if settings.enabled else None
        #: What stands before and after the token in the URLs of each endpoint on
        #: ``XIEBAO_PUBLIC_URL``; :mod:`.urls` finds out.
        self.public_url_parts: dict[str, tuple[str, ...]] = {}
        # Whoever prints what this object has is not shown the keys.
        self._config = Secret(config)
        self._keys: Secret[tuple[Any, ...]] = Secret(())
        self._signer = LinkSigner((), settings.partner_id)

    @property
    def gateway(self) -> Gateway:
        """The app's gateway.

        :raises ConfigError: when ``XIEBAO_ENABLED`` is off.
        """
        if self._gateway is None:
            raise ConfigError("XIEBAO_ENABLED is off: there is no gateway to build a URL for.")
        return self._gateway

    @property
    def signer(self) -> LinkSigner:
        """The signer for the keys in force now, so that one taken out stops counting at once.

        :raises ConfigError: when ``SECRET_KEY`` or ``SECRET_KEY_FALLBACKS`` is wrong.
        """
        configured = _configured_keys(self._config.reveal())
        if configured != self._keys.reveal():
            keys = Secret(configured)
            del configured  # an error report shows the local variables of each frame
            try:
                self._signer = keys.map(self._make_signer).reveal()
            except WrongValueError as error:
                raise ConfigError.about("SECRET_KEY", f"or SECRET_KEY_FALLBACKS {error}") from None
            self._keys = keys
        return self._signer

    def _make_signer(self, keys: tuple[Any, ...]) -> LinkSigner:
        _check_keys(keys)
        return LinkSigner(keys, self.settings.partner_id)

    @property
    def is_strict(self) -> bool:
        """Whether a wrong link argument in a template raises."""
        strict = self.settings.strict
        return is_in_development() if strict is None else strict

    @property
    def locale(self) -> str:
        """The locale of what visitors read: one of :mod:`.texts`."""
        return current_locale(self.settings.locale)

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


def _gateway(settings: Settings) -> Gateway:
    base_url = settings.base_url or ENVIRONMENTS[settings.env or "test"]
    return Gateway(
        settings.partner_id,
        settings.api_key,
        sub_partner_id=settings.sub_partner_id,
        base_url=iri_to_uri(base_url),  # redirects send it as it is
        extra=settings.extra,
    )


def _configured_keys(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the keys as configured, the one that signs last; None for what is not a list."""
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
    return (
        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),
        config.get("SECRET_KEY"),
    )


def _check_keys(keys: tuple[Any, ...]) -> None:
    *fallbacks, key = keys
    if not key:
        raise ConfigError.about(
            "SECRET_KEY", f"is not set, and links are signed with it. {NEW_KEY}."
        )
    if not _is_key(key):
        raise ConfigError.about("SECRET_KEY", f"must be text. {NEW_KEY}.")
    if not all(map(_is_key, fallbacks)):
        raise ConfigError.about(
            "SECRET_KEY_FALLBACKS", "must be a list of keys, none of them empty."
        )


def _is_key(key: object) -> bool:
    # Half of a surrogate pair can be in a text, and in no bytes.
    return (
        isinstance(key, str | bytes)
        and bool(key)
        and not (isinstance(key, str) and _SURROGATE.search(key))
    )
