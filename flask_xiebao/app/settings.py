"""The extension's settings, which are read from ``app.config`` and checked once."""

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
    convert_to_exact_str,
    format_short_repr,
    normalize_query_text,
    normalize_url_or_path,
)
from ..links.tokens import check_seconds
from ..texts import find_placeholders, get_allowed_placeholders, get_locales, get_visitor_text_keys

#: The base URL of the gateway for each value of ``XIEBAO_ENV``.
GATEWAY_BASE_URLS: Mapping[str, str] = MappingProxyType(
    {"test": Gateway.TEST, "production": Gateway.PRODUCTION}
)

#: A part of error messages about a missing or weak secret. It explains how to generate a secret.
NEW_KEY_ADVICE = 'Generate a value with `python -c "import secrets; print(secrets.token_hex())"`'

# A placeholder in error messages. It is replaced with the name of the wrong setting.
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
    """Return a string or an integer as text.

    Integers are accepted, because ``from_prefixed_env()`` returns one for a variable of digits.
    """
    if isinstance(value, float):
        raise WrongValueError(
            "must be a string or an integer, got a float that may have lost digits. Put the value"
            " in double quotes. In an environment variable, write"
            f" `FLASK_{_SETTING_NAME_PLACEHOLDER}='\"value\"'`."
        )
    text = normalize_query_text(value)
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
            f" {NEW_KEY_ADVICE}. Never change the secret later, because the gateway would then no"
            " longer recognize your members."
        )
    return secret


def _check_text_matches(pattern: str, error_message: str, value: object) -> str:
    """Check that *value* is a string that matches *pattern* as a whole, and return it.

    :param error_message: the message for any other value. ``%s`` is replaced by the value.
    :raises WrongValueError: if *value* is not a string or does not match.
    """
    text = convert_to_exact_str(value) if isinstance(value, str) else ""
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
    # Leave a string of 20 or more digits unchanged, so that check_seconds() rejects it. For
    # thousands of digits, int() would raise an error with another message.
    digits = isinstance(value, str) and value.isdecimal() and len(value) < 20
    return check_seconds(int(value) if digits else value)  # type: ignore[call-overload]


def _parse_user_agent_pattern(value: object) -> re.Pattern[str]:
    try:
        pattern = re.compile(value) if isinstance(value, str | re.Pattern) else None
    # Catch more than re.error. re.compile() raises RecursionError if the pattern is nested too
    # deeply, and a Warning if Python treats warnings as errors.
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
            'must have at most two quantifiers such as "+" or "*", and none after a group,'
            " because a crafted User-Agent could otherwise take seconds to match. Use a simple"
            ' pattern such as "ShopApp/[\\d.]+".'
        )
    return pattern


def _normalize_visitor_texts(value: object) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(value, Mapping):
        raise WrongValueError(
            f'must be a mapping such as {{"product.label": "立即投保"}}, got'
            f" {format_short_repr(value)}."
        )
    known = {
        *get_visitor_text_keys(),
        *(f"{page}.{suffix}" for page in PAGES for suffix in ("label", "on_phone")),
    }
    texts, problems = {}, []
    for key, localized_text in value.items():
        try:
            if key not in known:
                similar = get_close_matches(str(key), known, 1)
                advice = (
                    f'Did you mean "{similar[0]}"?'
                    if similar
                    else "See the list of keys in the manual."
                )
                raise WrongValueError(
                    f"has the unknown text key {format_short_repr(key)}. {advice}"
                )
            texts[key] = _normalize_localized_text(key, localized_text)
        except WrongValueError as error:
            problems.append(str(error))
    if problems:
        raise WrongValueError(f" {_SETTING_NAME_PLACEHOLDER} ".join(problems))
    return MappingProxyType(texts)


def _normalize_localized_text(key: str, value: object) -> Mapping[str, str]:
    text_by_locale = value if isinstance(value, Mapping) else dict.fromkeys(get_locales(), value)
    for locale, text in text_by_locale.items():
        if locale not in get_locales():
            raise WrongValueError(
                f'has a text for "{key}" in the unknown locale {format_short_repr(locale)}. Use one'
                f" of {', '.join(map(repr, get_locales()))}."
            )
        if not isinstance(text, str):
            raise WrongValueError(f'must have a string for "{key}", got {format_short_repr(text)}.')
        if key.endswith(".label") and not text.strip():
            raise WrongValueError(
                f'must have a non-blank text for "{key}", because this text is the label of an'
                " entry."
            )
        allowed = get_allowed_placeholders(key)
        try:
            is_valid = not allowed or find_placeholders(text) <= allowed
        except ValueError:
            is_valid = False
        if not is_valid:
            names = ", ".join(f"{{{name}}}" for name in sorted(allowed))
            raise WrongValueError(
                f'may use only the placeholders {names} in "{key}", got'
                f" {format_short_repr(text)}."
                ' Write "{{" for a literal brace.'
            )
    return MappingProxyType(dict(text_by_locale))


def _parse_bool(value: object) -> bool:
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word not in (*_TRUE_WORDS, *_FALSE_WORDS):
        raise WrongValueError(f"must be True or False, got {format_short_repr(value)}.")
    return word in _TRUE_WORDS


def _build_setting_field(
    normalize: Callable[[object], object], default: object = None, *, is_secret: bool = False
) -> Any:
    return field(default=default, metadata={"normalize": normalize, "secret": is_secret})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The checked settings. Each field has its setting's name in lower case without ``XIEBAO_``."""

    #: Required unless ``XIEBAO_ENABLED`` is False. The id of the account that Xiebao gave you
    #: (渠道账号, ``partnerId``), a string or an integer.
    partner_id: str = _build_setting_field(_normalize_text_setting, "")

    #: Required unless ``XIEBAO_ENABLED`` is False. The key of the account (``apiKey``). Test and
    #: production have different keys.
    api_key: Secret[str] = _build_setting_field(_normalize_api_key, Secret(""), is_secret=True)

    #: The id of the default sub-account (渠道子账号, ``subPartnerId``) for links to products and to
    #: the gateway's home page. A link may specify another sub-account, or none.
    sub_partner_id: str = _build_setting_field(
        lambda value: "" if value == "" else _normalize_text_setting(value), ""
    )

    #: The gateway of Xiebao that members are sent to, ``"test"`` or ``"production"``. If unset, it
    #: is the test gateway, and a warning is logged outside of debug and testing mode.
    env: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            "|".join(GATEWAY_BASE_URLS),
            'must be "test" or "production", got %s.',
        )
    )

    #: The gateway to use instead of the gateway of ``XIEBAO_ENV``: an http(s) URL, or a path of the
    #: site such as ``/gateway`` for the simulator. In production it must be an https URL.
    base_url: str | None = _build_setting_field(normalize_base_url)

    #: A mapping of additional parameters for every gateway URL, such as ``{"hidenav": 1}``. It must
    #: not contain parameters that Xiebao's interface document defines.
    extra: Mapping[str, str] | None = _build_setting_field(normalize_extra_parameters)

    #: The URL prefix of the extension's endpoints.
    url_prefix: str = _build_setting_field(
        lambda value: _normalize_url_prefix(value).rstrip("/"), "/xiebao"
    )

    #: The URL of the site, such as ``https://shop.example``: the scheme, the host, and the path at
    #: which the server mounts the app. Absolute links in mails, QR codes and ``paySuccess`` (the
    #: URL to return to after a payment) begin with this URL. If unset, they begin with the URL that
    #: Flask derives from the request, provided that the ``Host`` can be trusted.
    public_url: str | None = _build_setting_field(_normalize_public_url)

    #: The endpoint of the site's login page, such as ``"auth.login"``. The page receives the path
    #: to return to as ``next``. If unset, ``LoginManager.unauthorized()`` of Flask-Login is called.
    #: If the site does not use Flask-Login, visitors who are not logged in get a 401.
    login_view: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            r"[^/]*[^/\s][^/]*",
            'must be an endpoint such as "auth.login" and not a path, got %s.',
        )
    )

    #: The maximum number of seconds for which the QR code on the handoff page is valid. With this
    #: page, a member at a PC continues on a phone.
    handoff_max_age: int = _build_setting_field(_normalize_seconds, 300)

    #: A regular expression that matches a part of the User-Agent of the site's own iOS and Android
    #: app, such as ``ShopApp/[\d.]+``. The platform of clicks in the app's web views is then
    #: ``Platform.IOS`` (3) or ``Platform.ANDROID`` (4).
    app_user_agent: re.Pattern[str] | None = _build_setting_field(_parse_user_agent_pattern)

    #: A secret of at least 32 characters, which you must never change. The gateway knows each
    #: member by a key (``partnerUniqKey``). The secret makes these keys impossible to guess.
    member_secret: Secret[str] | None = _build_setting_field(
        _normalize_member_secret, is_secret=True
    )

    #: A token of at least 26 characters: ASCII letters, digits, ``-`` and ``_``. If set, the
    #: gateway must send its notifications to ``/xiebao/notify/<token>``, and ``/xiebao/notify``
    #: returns 404.
    notify_token: Secret[str] | None = _build_setting_field(
        partial(
            _check_text_matches,
            r"[A-Za-z0-9_-]{26,}",
            'must have at least 26 characters and only ASCII letters, digits, "-" and "_", because'
            f" the token becomes a part of a URL. {NEW_KEY_ADVICE}.",
        ),
        is_secret=True,
    )

    #: The language of entries and of the extension's pages, ``"zh"`` or ``"en"``. If unset, it is
    #: Flask-Babel's locale if the site uses Flask-Babel, and ``"zh"`` otherwise.
    locale: str | None = _build_setting_field(
        partial(
            _check_text_matches,
            "|".join(get_locales()),
            f"must be {', '.join(_OTHER_LOCALES)} or {_LAST_LOCALE}, got %s.",
        )
    )

    #: The site's own texts for visitors: a mapping of text keys to texts, for all languages or for
    #: each language, such as ``{"product.label": {"zh": "立即投保", "en": "Insure now"}}``.
    texts: Mapping[str, Mapping[str, str]] | None = _build_setting_field(_normalize_visitor_texts)

    #: The default look of entries, ``"button"`` or ``"own"``. The ``look`` argument of a macro has
    #: precedence over it. Use ``"own"`` if the site's own CSS classes style the entries.
    look: str = _build_setting_field(
        partial(_check_text_matches, "button|own", 'must be "button" or "own", got %s.'), "button"
    )

    #: If True, the markup of entries may depend on the visitor's device. If False, the markup is
    #: the same for every device. Use False for pages that are cached or streamed. The platform is
    #: always detected when a member clicks.
    device_markup: bool = _build_setting_field(_parse_bool, True)

    #: If False, entries render nothing, links are ``""``, and the endpoints of links return 404.
    #: Returning from a payment still works if the partner id is set. Notifications still work if
    #: the partner id and the API key are set.
    enabled: bool = _build_setting_field(_parse_bool, True)

    #: If True, a wrong argument in a template or a failed signal receiver raises an exception. If
    #: False, the error is logged, and an entry with a wrong argument is left out. If unset, it is
    #: True in debug and testing mode.
    strict: bool | None = _build_setting_field(_parse_bool)

    @property
    def has_partner_account(self) -> bool:
        """True if the partner id and the API key are set.

        Both settings are optional if ``XIEBAO_ENABLED`` is off.
        """
        return bool(self.partner_id and self.api_key.reveal())

    @property
    def environment(self) -> str:
        """The value of ``XIEBAO_ENV``, or ``test`` if it is not set."""
        return self.env or "test"

    @property
    def gateway_base_url(self) -> str:
        """The base URL of the gateway to which members are sent.

        The base URL may be a path of the site, such as ``/gateway`` for the simulator.
        """
        return self.base_url or GATEWAY_BASE_URLS[self.environment]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read and check every setting.

        :param config: ``app.config`` or another mapping. A setting that is None is not set.
        :raises ConfigError: if settings are wrong. The message lists every wrong setting and its
            valid values.
        """
        hidden_config = Secret(config)
        # Error reports show local variables, so the config, which contains the API key, is not kept
        # in a local variable.
        del config
        try:
            return hidden_config.map(_build_settings).reveal()
        except WrongValueError as error:
            raise ConfigError(f"app.config {error}") from None

    def find_changed_setting_names(self, other_settings: Settings) -> list[str]:
        """Return the names of the settings whose values differ from *other_settings*."""
        return [
            get_setting_name(setting.name)
            for setting in fields(self)
            if _reveal_if_secret(getattr(self, setting.name))
            != _reveal_if_secret(getattr(other_settings, setting.name))
        ]


def _reveal_if_secret(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _build_settings(config: Mapping[str, Any]) -> Settings:
    configured = {
        setting: value
        for setting in fields(Settings)
        if (value := config.get(get_setting_name(setting.name))) is not None
    }
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for setting, value in configured.items():
        name = get_setting_name(setting.name)
        try:
            checked = Secret(value).map(setting.metadata["normalize"])
            values[setting.name] = checked if setting.metadata["secret"] else checked.reveal()
        except WrongValueError as error:
            problems[name] = str(error).replace(_SETTING_NAME_PLACEHOLDER, name)
    if values.get("enabled", True):
        problems |= {
            get_setting_name(required): f"is not set. {advice}."
            for required, advice in _REQUIRED_SETTINGS.items()
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
    """Return a setting's key in ``app.config``, such as ``XIEBAO_ENV`` for the field ``env``."""
    return f"XIEBAO_{field_name.upper()}"
