"""What several files here share: settings, notifications that are read, and names of rows."""

from __future__ import annotations

from typing import Any

from flask_xiebao import ConfigError, Notification, parse_notification
from flask_xiebao.app.settings import Settings
from tests.support import API_KEY


def short(value: object) -> str:
    """Return what a row of a table is called, by each of its values."""
    return repr(value)[:40]


#: What has to be set.
REQUIRED = {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": API_KEY}


def settings(**config: Any) -> Settings:
    """Return settings, of which only these differ from an account's."""
    return Settings.from_config({**REQUIRED, **config})


def problems(error: ConfigError) -> dict[str, str]:
    """Return what an error says of each setting, in the lines below its headline."""
    headline, *lines = str(error).splitlines()
    assert headline == "Flask-Xiebao is not configured correctly:"
    assert lines == [f"{name} {problem}" for name, problem in error.problems.items()]
    return error.problems


def parse(body: bytes, key: Any = "Key") -> Notification:
    return parse_notification(body, api_key=key)
