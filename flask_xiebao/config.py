"""The settings: read once from ``app.config``, each with its check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from .errors import ConfigError, XiebaoError
from .gateway import (
    Gateway,
    Secret,
    check_base_url,
    check_extra,
    check_text,
    check_web_url,
    shown,
    text_problem,
)
from .links import check_seconds
from .platforms import may_backtrack

#: The gateway of each ``XIEBAO_ENV``.
ENVIRONMENTS: Mapping[str, str] = MappingProxyType(
    {"test": Gateway.TEST, "production": Gateway.PRODUCTION}
)

LOCALES = ("zh", "en")

_ON, _OFF = ("true", "1", "on", "yes"), ("false", "0", "off", "no")

_REQUIRED = {
    "partner_id": "it is the account that Xiebao gave you (渠道账号, partnerId)",
    "api_key": "it is the key of that account, and differs between test and production (apiKey)",
}


def _text(name: str, value: object) -> str:
    """Accept text or a whole number: ``from_prefixed_env()`` makes one of a variable of digits."""
    if isinstance(value, float):
        raise ConfigError(
            f"{name} was read as a decimal number and may have lost digits: put it in double"
            f" quotes, in the environment too: FLASK_{name}='\"…\"'."
        )
    text = check_text(name, value)
    if text != text.strip():
        raise ConfigError(f"{name} has spaces at its ends: remove them.")
    return text


def _secret(name: str, value: object) -> Secret[str]:
    # Where _text() raises, its argument is a local variable that error reports show.
    if isinstance(value, str) and (text_problem(value) or value != value.strip()):
        raise ConfigError(f"{name} is blank or has spaces or line breaks: copy it again.")
    return Secret(_text(name, value))


def _sub_partner_id(name: str, value: object) -> str:
    return "" if value == "" else _text(name, value)


def _environment(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in ENVIRONMENTS:
        raise ConfigError(f'{name} must be "test" or "production", not {shown(value)}.')
    return value


def _public_url(name: str, value: object) -> str:
    if isinstance(value, str) and value.strip() and ":" not in value:
        raise ConfigError(
            f"{name} must be an absolute http:// or https:// URL such as https://shop.example, not"
            f" {shown(value)}."
        )
    return check_base_url(name, check_web_url(name, value))


def _url_prefix(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]+)+/?", value):
        raise ConfigError(
            f"{name} must be a path such as /xiebao, and not / alone, but is {shown(value)}."
        )
    return value.rstrip("/")


def _endpoint(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "/" in value:
        raise ConfigError(
            f'{name} must be an endpoint such as "auth.login", not a path: it is {shown(value)}.'
        )
    return value


def _seconds(name: str, value: object) -> int:
    # Python refuses to read thousands of digits, by an error of its own.
    digits = isinstance(value, str) and value.isdecimal() and len(value) < 20
    return check_seconds(name, int(value) if digits else value)  # type: ignore[call-overload]


def _pattern(name: str, value: object) -> re.Pattern[str]:
    try:
        pattern = re.compile(value) if isinstance(value, str | re.Pattern) else None
    # What is nested too deeply is a RecursionError, and warnings may be errors.
    except Exception as error:
        why = str(error) or type(error).__name__
        raise ConfigError(f"{name} is not a valid regular expression: {why}.") from None
    if pattern is None or not isinstance(pattern.pattern, str) or pattern.search(""):
        raise ConfigError(f"{name} must be a regular expression that names the app, as ShopApp/.")
    if may_backtrack(pattern):
        raise ConfigError(
            f"{name} may backtrack: where a group is repeated, or more than two other parts are, a"
            " User-Agent that anybody can send may keep it busy for seconds. Name the app simply,"
            " such as ShopApp/[\\d.]+"
        )
    return pattern


def _locale(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in LOCALES:
        raise ConfigError(f'{name} must be "zh" or "en", not {shown(value)}.')
    return value


def _switch(name: str, value: object) -> bool:
    word = str(value).lower() if isinstance(value, str | int) and len(repr(value)) < 9 else ""
    if word not in (*_ON, *_OFF):
        raise ConfigError(f"{name} must be true or false, not {shown(value)}.")
    return word in _ON


def _setting(check: Callable[[str, object], object], default: object = None) -> Any:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a site configured, checked. Each field is the setting ``XIEBAO_`` + its name."""

    partner_id: str = _setting(_text, "")
    api_key: Secret[str] = _setting(_secret, Secret(""))
    sub_partner_id: str = _setting(_sub_partner_id, "")
    env: str | None = _setting(_environment)
    base_url: str | None = _setting(check_base_url)
    extra: Mapping[str, str] | None = _setting(check_extra)
    url_prefix: str = _setting(_url_prefix, "/xiebao")
    public_url: str | None = _setting(_public_url)
    login_view: str | None = _setting(_endpoint)
    handoff_max_age: int = _setting(_seconds, 300)
    app_user_agent: re.Pattern[str] | None = _setting(_pattern)
    locale: str | None = _setting(_locale)
    device_markup: bool = _setting(_switch, True)
    enabled: bool = _setting(_switch, True)
    strict: bool | None = _setting(_switch)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read and check every setting.

        :param config: ``app.config`` or any mapping; None counts as not set.
        :raises ConfigError: lists every setting that is wrong and what it should be.
        """
        values, problems = _read(config)
        # Error reports show the local variables of the frame that raises, the API key in this one.
        del config
        if problems:
            raise ConfigError("\n".join(("Flask-Xiebao is not configured:", *problems)))
        return cls(**values)


def _read(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the checked values by field, and what is wrong with the others."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    given = {
        setting: value
        for setting in fields(Settings)
        if (value := config.get(_name(setting.name))) is not None
    }
    for setting, value in given.items():
        try:
            values[setting.name] = setting.metadata["check"](_name(setting.name), value)
        except XiebaoError as error:
            problems.append(str(error))
        except Exception as error:  # it would show the API key among the variables of this frame
            problems.append(f"{_name(setting.name)} cannot be read ({type(error).__name__}).")
    if values.get("enabled", True):
        names = {setting.name for setting in given}
        problems += [
            f"{_name(field_name)} is not set: {what}."
            for field_name, what in _REQUIRED.items()
            if field_name not in names
        ]
    if values.get("env") == "production":
        base_url = values.get("base_url")
        if base_url is not None and not base_url.lower().startswith("https://"):
            problems.append("XIEBAO_BASE_URL must begin with https:// in production.")
    return values, problems


def _name(field_name: str) -> str:
    return f"XIEBAO_{field_name.upper()}"
