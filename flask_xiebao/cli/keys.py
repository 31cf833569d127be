"""What ``doctor`` says of the site's secrets, and shows none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import current_app

from ..app.settings import NEW_KEY
from ..app.state import State
from ..simulator.document import after_hex_digits
from .findings import Finding, ok, warning

_SHORTEST_KEY = 16
# Keys that tutorials print and that are long enough, without punctuation.
_PUBLISHED_KEYS = (
    "0123456789abcdef0123456789abcdef",  # of our own manual
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    # and of the shop that its tutorial grows
    *("fordevelopmentonly", "fordevelopmentonlynotinproduction"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)


def check_secret_key(state: State) -> Finding:
    """Say whether links are signed with a key that nobody can guess.

    :raises ConfigError: when they cannot be signed at all.
    """
    state.signer  # noqa: B018 - it raises
    weak = next((name for name, key in _signing_keys() if _is_weak(key)), None)
    if weak is not None:
        return warning(
            f"{weak[0].upper()}{weak[1:]} is short or well known: anyone who guesses it can forge"
            f" links. {NEW_KEY}."
        )
    if any(key == state.settings.api_key.reveal() for _, key in _signing_keys()):
        return warning(
            "SECRET_KEY or one of SECRET_KEY_FALLBACKS is XIEBAO_API_KEY, too: whoever finds that"
            f" one can forge links. {NEW_KEY}."
        )
    return ok("SECRET_KEY signs the links.")


def check_api_key(state: State) -> Iterator[Finding]:
    """Warn of an API key that whoever has the sign finds out by trying."""
    settings = state.settings
    # The document's own example is a key of three letters.
    is_short = settings.env == "production" and settings.api_key.map(len).reveal() < _SHORTEST_KEY
    if is_short or settings.api_key.map(after_hex_digits).reveal() in ("", settings.partner_id):
        yield warning(
            "XIEBAO_API_KEY is short: whoever has the sign, and every member who clicks has, can"
            " find the key by trying. Ask Xiebao for a long random one, of 32 characters or more."
        )


def check_member_secret(state: State) -> Iterator[Finding]:
    """Warn of a member secret that is another secret, too."""
    secret = state.settings.member_secret
    if secret is None:
        return
    if _is_weak(secret.reveal()):
        yield warning(
            "XIEBAO_MEMBER_SECRET is well known, so anybody can make keys of members. Before the"
            f" first member clicks, choose another. {NEW_KEY}."
        )
    others = [*_signing_keys(), ("XIEBAO_API_KEY", state.settings.api_key.reveal())]
    for name, key in others:
        if secret.reveal() == key:
            yield warning(
                f"XIEBAO_MEMBER_SECRET is {name}, too: whoever renews that one renews both, and"
                " then every member is new to the gateway. Before the first member clicks, choose"
                " another member secret; later, keep it, and renew the other."
            )


def check_notify_token(state: State) -> Iterator[Finding]:
    """Warn of a token in the address of notifications that is another secret, or easily guessed."""
    if not token_is_fine(state):
        yield warning(
            "XIEBAO_NOTIFY_TOKEN is another secret of the site, too, or easily guessed, and it is"
            f" in the address that Xiebao is given: choose another. {NEW_KEY}."
        )


def token_is_fine(state: State) -> bool:
    """Tell whether a token in the address of notifications, if any, is a secret of its own."""
    settings = state.settings
    if settings.notify_token is None:
        return True
    others = [key for _, key in _signing_keys()] + [settings.api_key.reveal()]
    others += [] if settings.member_secret is None else [settings.member_secret.reveal()]
    return settings.notify_token.map(
        lambda token: token not in others and len(set(token)) > 5 and not _is_weak(token)
    ).reveal()


def _signing_keys() -> Iterator[tuple[str, str]]:
    yield "SECRET_KEY", _as_text(current_app.config["SECRET_KEY"])
    for key in current_app.config.get("SECRET_KEY_FALLBACKS") or ():
        yield "one of SECRET_KEY_FALLBACKS", _as_text(key)


def _as_text(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.decode("latin-1")


def _is_weak(key: str) -> bool:
    letters = re.sub("[^a-z0-9]", "", key.lower())
    return len(key) < _SHORTEST_KEY or letters in _PUBLISHED_KEYS
