"""What ``doctor`` says of the site's secrets, without showing them, and of members' ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import get_args, get_type_hints

from flask import current_app

from ..app.hooks import login_manager
from ..app.state import State
from ..simulator.document import after_hex_digits
from ..texts import text
from .findings import Finding, ok, warning

_SHORTEST_KEY = 16
# Keys that are long enough, but printed in tutorials; here without punctuation.
_PUBLISHED_KEYS = (
    "0123456789abcdef0123456789abcdef",  # of our own manual
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    # and of the shop in our tutorial
    *("fordevelopmentonly", "fordevelopmentonlynotinproduction"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)


def check_secret_key(state: State, locale: str) -> Finding:
    """Say whether links are signed with a key that nobody can guess.

    :param locale: of what is said.
    :raises ConfigError: when they cannot be signed at all.
    """
    state.signer  # noqa: B018 - it raises
    weak = next((name for name, key in _signing_keys(locale) if _is_weak(key)), None)
    if weak is not None:
        return warning(text(locale, "doctor.key.weak", name=f"{weak[0].upper()}{weak[1:]}"))
    if any(key == state.settings.api_key.reveal() for _, key in _signing_keys()):
        return warning(text(locale, "doctor.key.api_key"))
    return ok(text(locale, "doctor.ok.key"))


def check_secrets(state: State, locale: str) -> Iterator[Finding]:
    """Warn of an API key that is found by trying, and of a member secret that is another secret."""
    settings = state.settings
    # The document's own example is a key of three letters.
    is_short = settings.env == "production" and settings.api_key.map(len).reveal() < _SHORTEST_KEY
    if is_short or settings.api_key.map(after_hex_digits).reveal() in ("", settings.partner_id):
        yield warning(text(locale, "doctor.api_key"))
    secret = settings.member_secret
    if secret is None:
        return
    if _is_weak(secret.reveal()):
        yield warning(text(locale, "doctor.member_secret.known"))
    for name, key in (*_signing_keys(locale), ("XIEBAO_API_KEY", settings.api_key.reveal())):
        if secret.reveal() == key:
            yield warning(text(locale, "doctor.member_secret.same", name=name))


def check_ids(state: State, current: str | None, locale: str) -> Iterator[Finding]:
    """Warn of ids that anybody can guess, where the gateway knows members by them.

    :param current: an id of a member of the site's, if one is known.
    :param locale: of what is said.
    """
    guessed = _what_can_be_guessed(state, current or "")
    if state.settings.member_secret is not None:
        yield ok(text(locale, "doctor.ok.ids.keys"))
    elif guessed:
        yield warning(text(locale, "doctor.ids", what=text(locale, f"doctor.ids.{guessed}")))
    else:
        yield ok(text(locale, "doctor.ok.ids"))


def _what_can_be_guessed(state: State, current: str) -> str:
    """Return which id it is, by the end of the key of its text; "" for none."""
    if "@" in current:
        return "email"
    loader, returned = state.hooks.functions.get("member_loader"), None
    if loader is None and login_manager() is not None and not current.isdecimal():
        return "get_id"
    with suppress(Exception):  # a name in the annotations may be imported for type checkers only
        returned = get_type_hints(loader).get("return")
    if current.isdecimal() or int in (returned, *get_args(returned)):
        return "row"
    return ""


def token_is_fine(state: State) -> bool:
    """Tell whether a token in the address of notifications, if any, is a secret of its own."""
    settings = state.settings
    if settings.notify_token is None:
        return True
    member_secret = "" if settings.member_secret is None else settings.member_secret.reveal()
    others = [member_secret, settings.api_key.reveal(), *(key for _, key in _signing_keys())]
    return settings.notify_token.map(
        lambda token: token not in others and len(set(token)) > 5 and not _is_weak(token)
    ).reveal()


def _signing_keys(locale: str = "en") -> Iterator[tuple[str, str]]:
    """Yield the keys that sign links or did so before, with what to call them."""
    # Not in a variable: error reports would show the whole config.
    for name, keys in (
        ("SECRET_KEY", [current_app.config["SECRET_KEY"]]),
        (text(locale, "doctor.key.old"), current_app.config.get("SECRET_KEY_FALLBACKS") or ()),
    ):
        for key in keys:
            yield name, key if isinstance(key, str) else key.decode("latin-1")


def _is_weak(key: str) -> bool:
    letters = re.sub("[^a-z0-9]", "", key.lower())
    return len(key) < _SHORTEST_KEY or letters in _PUBLISHED_KEYS
