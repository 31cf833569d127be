"""Helpers for the unit tests: settings, notifications and the ids of parametrized tests."""

from __future__ import annotations

from typing import Any

from flask_xiebao import Notification, parse_notification
from flask_xiebao.app.settings import Settings
from tests.support import API_KEY


def short_id(value: object) -> str:
    """Return an id for a parametrized test: at most 40 characters of the value's ``repr()``."""
    return repr(value)[:40]


#: Valid values for the settings that every site must have.
REQUIRED = {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": API_KEY}


def make_settings(**config: Any) -> Settings:
    """Return a ``Settings`` object from the required settings and the settings in ``config``."""
    return Settings.from_config({**REQUIRED, **config})


def parse_body(body: bytes, key: Any = "Key") -> Notification:
    return parse_notification(body, api_key=key)
