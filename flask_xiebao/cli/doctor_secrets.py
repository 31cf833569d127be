"""The doctor's checks of the site's secrets and of members' ids. No secret is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import get_args, get_type_hints

from flask import current_app

from ..app.hooks import find_login_manager
from ..app.state import AppState
from ..simulator.document import find_api_key_suffix
from ..texts import get_text
from .findings import Finding, ok_finding, warning_finding

_MIN_KEY_LENGTH = 16
# Keys that are long enough but were published in tutorials. They are stored here in lower case and
# without punctuation, so that they can be compared.
_PUBLISHED_KEYS = (
    # This key is an example in this project's manual.
    "0123456789abcdef0123456789abcdef",
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    # The SECRET_KEY and the XIEBAO_MEMBER_SECRET of the shop in this project's tutorial.
    *("fordevelopmentonly", "fordevelopmentonlynotinproduction"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)


def get_secret_key_finding(state: AppState, locale: str) -> Finding:
    """Return the finding about the keys that sign links.

    :param locale: The language of the finding.
    :raises ConfigError: if links cannot be signed.
    """
    state.signer  # noqa: B018 - raises ConfigError
    name = next((name for name, key in _iter_signing_keys() if _is_weak_key(key)), None)
    if name is not None:
        text_key = "doctor.key.weak" if name == "SECRET_KEY" else "doctor.key.weak_fallback"
        return warning_finding(get_text(locale, text_key))
    if any(key == state.settings.api_key.reveal() for _, key in _iter_signing_keys()):
        return warning_finding(get_text(locale, "doctor.key.api_key"))
    return ok_finding(get_text(locale, "doctor.ok.key"))


def check_api_key_and_member_secret(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield warnings about a weak API key and a weak or reused member secret."""
    settings = state.settings
    # A short key is accepted in the test environment, because the example key in the gateway's
    # interface document has only three letters.
    is_short = settings.env == "production" and settings.api_key.map(len).reveal() < _MIN_KEY_LENGTH
    # A key is weak if it is the base64 encoding of eleven hex digits, alone or with the partner id
    # appended. Only 44 bits of such a key are unknown.
    if is_short or settings.api_key.map(find_api_key_suffix).reveal() in (
        "",
        settings.partner_id,
    ):
        yield warning_finding(get_text(locale, "doctor.api_key"))
    secret = settings.member_secret
    if secret is None:
        return
    if _is_weak_key(secret.reveal()):
        yield warning_finding(get_text(locale, "doctor.member_secret.known"))
    for name, key in (*_iter_signing_keys(locale), ("XIEBAO_API_KEY", settings.api_key.reveal())):
        if secret.reveal() == key:
            yield warning_finding(get_text(locale, "doctor.member_secret.same", name=name))


def check_member_ids_unguessable(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield a finding about member ids that can be guessed.

    It is a warning if ids can be guessed and the gateway knows members by the member id itself,
    without a prefix.
    """
    id_kind = _find_guessable_id_kind(state)
    if state.settings.member_secret is not None:
        yield ok_finding(get_text(locale, "doctor.ok.ids.keys"))
    elif id_kind:
        yield warning_finding(
            get_text(locale, "doctor.ids", what=get_text(locale, f"doctor.ids.{id_kind}"))
        )
    else:
        yield ok_finding(get_text(locale, "doctor.ok.ids"))


def _find_guessable_id_kind(state: AppState) -> str:
    """Return "row" if the member_loader's annotation says that it returns an integer.

    Return "get_id" if Flask-Login identifies the members, otherwise "".
    """
    loader, return_type = state.hooks.functions.get("member_loader"), None
    if loader is None:
        return "" if find_login_manager() is None else "get_id"
    # The annotations of a member_loader may name types that are imported for type checkers only.
    # Resolving such annotations raises an exception.
    with suppress(Exception):
        return_type = get_type_hints(loader).get("return")
    return "row" if int in (return_type, *get_args(return_type)) else ""


def is_notify_token_safe(state: AppState) -> bool:
    """Return True if the notify token is strong and is not also used as another secret.

    Also return True if there is no notify token.
    """
    settings = state.settings
    if settings.notify_token is None:
        return True
    member_secret = "" if settings.member_secret is None else settings.member_secret.reveal()
    other_secrets = [
        member_secret,
        settings.api_key.reveal(),
        *(key for _, key in _iter_signing_keys()),
    ]
    return settings.notify_token.map(
        lambda token: token not in other_secrets and len(set(token)) > 5 and not _is_weak_key(token)
    ).reveal()


def _iter_signing_keys(locale: str = "en") -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each current or former key for signing links."""
    # The config contains keys. It is not kept in a local variable, because error reports show local
    # variables.
    for name, keys in (
        ("SECRET_KEY", [current_app.config["SECRET_KEY"]]),
        (get_text(locale, "doctor.key.old"), current_app.config.get("SECRET_KEY_FALLBACKS") or ()),
    ):
        for key in keys:
            if isinstance(key, str | bytes):
                yield name, key if isinstance(key, str) else key.decode("latin-1")


def _is_weak_key(key: str) -> bool:
    normalized_key = re.sub("[^a-z0-9]", "", key.lower())
    return len(key) < _MIN_KEY_LENGTH or normalized_key in _PUBLISHED_KEYS
