"""Helpers for the unit tests: settings, notifications and ids of parametrized rows."""

from __future__ import annotations

from typing import Any

from flask_xiebao import ConfigError, Notification, parse_notification
from flask_xiebao.app.settings import Settings
from tests.support import API_KEY


def short_id(value: object) -> str:
    """Return an id for a parametrized value."""
    return repr(value)[:40]


#: The required settings.
REQUIRED = {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": API_KEY}


def make_settings(**config: Any) -> Settings:
    """Return settings with the required settings and these."""
    return Settings.from_config({**REQUIRED, **config})


def read_problems(error: ConfigError) -> dict[str, str]:
    """Return the problem of each setting. Assert that the message lists the same problems."""
    headline, *lines = str(error).splitlines()
    assert headline == "Flask-Xiebao is not configured correctly:"
    assert lines == [f"{name} {problem}" for name, problem in error.problems.items()]
    return error.problems


def parse(body: bytes, key: Any = "Key") -> Notification:
    return parse_notification(body, api_key=key)
