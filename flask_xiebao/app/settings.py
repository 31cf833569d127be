"""The settings: read once from ``app.config``, each with its check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType
from typing import Any

from ..errors import ConfigError
from ..gateway.pages import PAGES
from ..gateway.platforms import has_backtracking_risk
from ..gateway.urls import Gateway, normalize_base_url, normalize_extra_parameters
from ..gateway.values import (
    Secret,
    WrongValueError,
    check_web_url,
    format_short_repr,
    get_plain_string,
    normalize_text,
    normalize_url_or_path,
)
from ..links.tokens import check_seconds
from ..texts import find_placeholders, get_allowed_placeholders, get_locales, get_visitor_text_keys

#: The gateway of each ``XIEBAO_ENV``.
GATEWAY_BASE_URLS: Mapping[str, str] = MappingProxyType(
    {"test": Gateway.TEST, "production": Gateway.PRODUCTION}
)

#: What to do about a missing or weak secret.
NEW_KEY_ADVICE = 'Generate a value with `python -c "import secrets; print(secrets.token_hex())"`'

# In what a check says: the setting that is checked.
_SETTING_NAME_PLACEHOLDER = "XIEBAO_…"

_MIN_SECRET_LENGTH = 32
*_OTHER_LOCALES, _LAST_LOCALE = (f'"{locale}"' for locale in get_locales())
_TRUE_WORDS, _FALSE_WORDS = ("true", "1", "on", "yes"), ("false", "0", "off", "no")

_REQUIRED_SETTINGS = {
    "partner_id": "Set it to the account that Xiebao gave you (渠道账号, partnerId)",
    "api_key": (
        "Set it to the key of your account (apiKey), which differs between test and production"
    ),
}


def _normalize_text_setting(value: object) -> str:
    """Accept text or a whole number: ``from_prefixed_env()`` makes one of a variable of digits."""
    if isinstance(value, float):
        raise WrongValueError(
            "must be a string or an integer, got a float that may have lost digits. Put the value"
            " in double quotes, in the environment as"
            f" `FLASK_{_SETTING_NAME_PLACEHOLDER}='\"value\"'`."
        )
    text = normalize_text(value)
    if text != text.strip():
        raise WrongValueError("has leading or trailing whitespace. Remove the whitespace.")
    return text


def _normalize_api_key(value: object) -> str:
    if isinstance(value, str) and not (value.isprintable() and value and value == value.strip()):
        raise WrongValueError(
            "is empty, has leading or trailing whitespace, or contains an unprintable character"
            " such as a line break. Copy the value again."
        )
    return _normalize_text_setting(value)


def _normalize_member_secret(value: object) -> str:
    secret = _normalize_api_key(value)
    if len(secret) < _MIN_SECRET_LENGTH:
        raise WrongValueError(
            f"must have at least {_MIN_SECRET_LENGTH} characters, got {len(secret)}."
            f" {NEW_KEY_ADVICE}, and"
            " never change the secret later, because the gateway would not recognize your members."
        )
    return secret


def _check_text_matches(pattern: str, error_message: str, value: object) -> str:
    """Accept text that matches a regular expression as a whole.

    :param problem: what is wrong with any other value, with ``%s`` where the value is shown.
    """
    text = get_plain_string(value) if isinstance(value, str) else ""
    if not re.fullmatch(pattern, text):
        raise WrongValueError(error_message.replace("%s", format_short_repr(value)))
    return text


def _normalize_public_url(value: object) -> str:
    if isinstance(value, str) and value.strip() and ":" not in value:
        raise WrongValueError(
            'must be an absolute http:// or https:// URL such as "https://shop.example", got'
            f" {format_short_repr(value)}."
        )
    return normalize_url_or_path(check_web_url(value))


_normalize_url_prefix = partial(
    _check_text_matches,
    r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+/?",
    'must be a path such as "/xiebao" and not only "/", got %s.',
)


def _normalize_seconds(value: object) -> int:
    # Python refuses to read thousands of digits, by an error of its own.
    digits = isinstance(value, str) and value.isdecimal() and len(value) < 20
    return check_seconds(int(value) if digits else value)  # type: ignore[call-overload]


def _parse_user_agent_pattern(value: object) -> re.Pattern[str]:
    try:
        pattern = re.compile(value) if isinstance(value, str | re.Pattern) else None
    # What is nested too deeply is a RecursionError, and warnings may be errors.
    except Exception as error:
        raise WrongValueError(
            f"is not a valid regular expression: {str(error) or type(error).__name__}."
        ) from None
    if pattern is None or not isinstance(pattern.pattern, str) or pattern.search(""):
        raise WrongValueError(
            "must be a regular expression that does not match an empty User-Agent, such as"
            ' "ShopApp/[\\d.]+".'
        )
    if has_backtracking_risk(pattern):
        raise WrongValueError(
            "must not repeat a group, or more than two other parts, because matching a crafted"
            " User-Agent could then take seconds. Use a simple pattern such as"
            ' "ShopApp/[\\d.]+".'
        )
    return pattern


def _normalize_texts(value: object) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(value, Mapping):
        raise WrongValueError(
            f'must be a mapping such as {{"product.label": "立即投保"}}, got'
            f" {format_short_repr(value)}."
        )
    known = {
        *get_visitor_text_keys(),
        *(f"{page}.{of}" for page in PAGES for of in ("label", "on_phone")),
    }
    texts, problems = {}, []
    for key, said in value.items():
        try:
            if key not in known:
                near = get_close_matches(str(key), known, 1)
                meant = (
                    f'Did you mean "{near[0]}"?' if near else "See the list of keys in the manual."
                )
                raise WrongValueError(f"has the unknown text key {format_short_repr(key)}. {meant}")
            texts[key] = _normalize_localized_text(key, said)
        except WrongValueError as error:
            problems.append(str(error))
    if problems:
        raise WrongValueError(f" {_SETTING_NAME_PLACEHOLDER} ".join(problems))
    return MappingProxyType(texts)


def _normalize_localized_text(key: str, value: object) -> Mapping[str, str]:
    given = value if isinstance(value, Mapping) else dict.fromkeys(get_locales(), value)
    for locale, words in given.items():
        if locale not in get_locales():
            raise WrongValueError(
                f'has a text of "{key}" for the unknown locale {format_short_repr(locale)}. Use'
                " one of"
                f" {', '.join(map(repr, get_locales()))}."
            )
        if not isinstance(words, str):
            raise WrongValueError(
                f'must have a string for "{key}", got {format_short_repr(words)}.'
            )
        if key.endswith(".label") and not words.strip():
            raise WrongValueError(
                f'must have a text for "{key}" that is not blank, because this text labels entries.'
            )
        may = get_allowed_placeholders(key)
        try:
            is_right = not may or find_placeholders(words) <= may
        except ValueError:
            is_right = False
        if not is_right:
            names = ", ".join(f"{{{name}}}" for name in sorted(may))
            raise WrongValueError(
                f'must have only the placeholders {names} in "{key}", got'
                f" {format_short_repr(words)}."
                ' Write "{{" for a literal brace.'
            )
    return MappingProxyType(dict(given))


def _parse_bool(value: object) -> bool:
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word not in (*_TRUE_WORDS, *_FALSE_WORDS):
        raise WrongValueError(f"must be True or False, got {format_short_repr(value)}.")
    return word in _TRUE_WORDS


def _build_setting_field(
    normalize: Callable[[object], object], default: object = None, *, is_secret: bool = False
) -> Any:
    return field(default=default, metadata={"check": normalize, "secret": is_secret})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a site configured, checked. Each field is the setting ``XIEBAO_`` + its name."""

    #: Required. The account that Xiebao gave you (渠道账号, ``partnerId``): text or a whole number.
    partner_id: str = _build_setting_field(_normalize_text_setting, "")

    #: Required. The key of the account (``apiKey``). Test and production have different keys.
    api_key: Secret[str] = _build_setting_field(_normalize_api_key, Secret(""), is_secret=True)

    #: The sub-account (渠道子账号, ``subPartnerId``) of product and home links that name none.
    sub_partner_id: str = _build_setting_field(
        lambda value: "" if value == "" else _normalize_text_setting(value), ""
    )

    #: ``"test"`` or ``"production"``: which of Xiebao's gateways members are sent to. Unset, it is
    #: the test gateway, with a warning in the log outside of debug and testing.
    env: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            "|".join(GATEWAY_BASE_URLS),
            'must be "test" or "production", got %s.',
        )
    )

    #: Another gateway than that of ``XIEBAO_ENV``: an http(s) URL, or a path of the site such as
    #: ``/gateway``, where the simulator is. In production https only.
    base_url: str | None = _build_setting_field(normalize_base_url)

    #: A mapping of further parameters, such as ``{"hidenav": 1}``, for every URL of the gateway. It
    #: cannot replace one that the interface document has.
    extra: Mapping[str, str] | None = _build_setting_field(normalize_extra_parameters)

    #: The path under which the endpoints are.
    url_prefix: str = _build_setting_field(
        lambda value: _normalize_url_prefix(value).rstrip("/"), "/xiebao"
    )

    #: Scheme, host and mount path of the site, such as ``https://shop.example``: what links that
    #: leave the site begin with, in mails, QR codes and ``paySuccess``. Unset, it is what Flask
    #: takes the request for, where a ``Host`` can be trusted.
    public_url: str | None = _build_setting_field(_normalize_public_url)

    #: The endpoint of the site's login, such as ``"auth.login"``. It gets ``next``, the path to
    #: come back to. Unset, Flask-Login's ``unauthorized()`` counts, and else people get a 401.
    login_view: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            r"[^/]*[^/\s][^/]*",
            'must be an endpoint such as "auth.login" and not a path, got %s.',
        )
    )

    #: Seconds for which the QR code of a handoff can be scanned.
    handoff_max_age: int = _build_setting_field(_normalize_seconds, 300)

    #: A regular expression that the User-Agent of the site's own iOS and Android app matches, such
    #: as ``ShopApp/[\d.]+``. Its web views are then platform 3 or 4.
    app_user_agent: re.Pattern[str] | None = _build_setting_field(_parse_user_agent_pattern)

    #: 32 characters or more, chosen once and never changed: makes the ``partnerUniqKey`` by which
    #: the gateway knows a member impossible to guess.
    member_secret: Secret[str] | None = _build_setting_field(
        _normalize_member_secret, is_secret=True
    )

    #: 26 characters or more, letters, digits, ``-`` and ``_``: the callback is then at
    #: ``/xiebao/notify/<token>``, and ``/xiebao/notify`` is a 404.
    notify_token: Secret[str] | None = _build_setting_field(
        partial(
            _check_text_matches,
            r"[A-Za-z0-9_-]{26,}",
            'must have at least 26 characters and only ASCII letters, digits, "-" and "_", because'
            f" the token becomes a part of a URL. {NEW_KEY_ADVICE}.",
        ),
        is_secret=True,
    )

    #: ``"zh"`` or ``"en"``: the language of entries and of the extension's pages. Unset, it is
    #: Flask-Babel's locale where the site has one, and else ``"zh"``.
    locale: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            "|".join(get_locales()),
            f"must be {', '.join(_OTHER_LOCALES)} or {_LAST_LOCALE}, got %s.",
        )
    )

    #: A mapping of texts that visitors read to the site's own, for all languages or each, such as
    #: ``{"product.label": {"zh": "立即投保", "en": "Insure now"}}``.
    texts: Mapping[str, Mapping[str, str]] | None = _build_setting_field(_normalize_texts)

    #: ``"button"`` or ``"own"``: how entries look where a macro does not say ``look``. ``"own"`` is
    #: for sites whose own classes are the look.
    look: str = _build_setting_field(
        partial(_check_text_matches, "button|own", 'must be "button" or "own", got %s.'), "button"
    )

    #: False: the same markup for every device, for pages that are cached or streamed. The platform
    #: is found at the click anyway.
    device_markup: bool = _build_setting_field(_parse_bool, True)

    #: False: entries render nothing, links are ``""``, and their endpoints answer 404. The way back
    #: from a payment still works while the partner id is set, and so does the callback while the
    #: id and the key are.
    enabled: bool = _build_setting_field(_parse_bool, True)

    #: True: a wrong argument in a template, or a receiver that fails, is an error. False: it is
    #: logged, and the entry left out. Unset, it is true in debug and testing.
    strict: bool | None = _build_setting_field(_parse_bool)

    @property
    def has_partner_account(self) -> bool:
        """Whether partner id and key are set, which they need not be where a site is off."""
        return bool(self.partner_id and self.api_key.reveal())

    @property
    def environment(self) -> str:
        """``test`` or ``production``, whether it is set or not."""
        return self.env or "test"

    @property
    def gateway_base_url(self) -> str:
        """The gateway that members are sent to: an http(s) URL or a path of the site."""
        return self.base_url or GATEWAY_BASE_URLS[self.environment]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read and check every setting.

        :param config: ``app.config`` or any mapping; None counts as not set.
        :raises ConfigError: lists every setting that is wrong and what it should be.
        """
        hidden = Secret(config)
        del config  # an error report shows the local variables of each frame, the API key in this
        try:
            return hidden.map(_build_settings).reveal()
        except WrongValueError as error:
            raise ConfigError(f"app.config {error}") from None

    def find_changed_setting_names(self, other_settings: Settings) -> list[str]:
        """Return the names of the settings whose values differ from those of *other*."""
        return [
            get_setting_name(setting.name)
            for setting in fields(self)
            if _reveal_if_secret(getattr(self, setting.name))
            != _reveal_if_secret(getattr(other_settings, setting.name))
        ]


def _reveal_if_secret(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _build_settings(config: Mapping[str, Any]) -> Settings:
    given = {
        setting: value
        for setting in fields(Settings)
        if (value := config.get(get_setting_name(setting.name))) is not None
    }
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for setting, value in given.items():
        name = get_setting_name(setting.name)
        try:
            checked = Secret(value).map(setting.metadata["check"])
            values[setting.name] = checked if setting.metadata["secret"] else checked.reveal()
        except WrongValueError as error:
            problems[name] = str(error).replace(_SETTING_NAME_PLACEHOLDER, name)
    if values.get("enabled", True):
        problems |= {
            get_setting_name(required): f"is not set. {what}."
            for required, what in _REQUIRED_SETTINGS.items()
            if config.get(get_setting_name(required)) is None
        }
    base_url = values.get("base_url") if values.get("env") == "production" else None
    if base_url is not None and not base_url.lower().startswith("https://"):
        problems["XIEBAO_BASE_URL"] = (
            f'must begin with "https://" in production, got {format_short_repr(base_url)}. Remove'
            " XIEBAO_BASE_URL to use Xiebao's own gateway."
        )
    if problems:
        lines = (f"{name} {problem}" for name, problem in problems.items())
        raise ConfigError(
            "\n".join(("Flask-Xiebao is not configured correctly:", *lines)), problems
        )
    return Settings(**values)


def get_setting_name(field_name: str) -> str:
    """Return the name that a field of :class:`Settings` has in ``app.config``."""
    return f"XIEBAO_{field_name.upper()}"
