"""What ``doctor`` says of the site's secrets, without showing them, and of members' ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import get_args, get_type_hints

from flask import current_app

from ..app.hooks import login_manager
from ..app.settings import NEW_KEY
from ..app.state import State
from ..simulator.document import after_hex_digits
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


def check_secrets(state: State) -> Iterator[Finding]:
    """Warn of an API key that is found by trying, and of a member secret that is another secret."""
    settings = state.settings
    # The document's own example is a key of three letters.
    is_short = settings.env == "production" and settings.api_key.map(len).reveal() < _SHORTEST_KEY
    if is_short or settings.api_key.map(after_hex_digits).reveal() in ("", settings.partner_id):
        yield warning(
            "XIEBAO_API_KEY is short: whoever has the sign can find the key by trying, and every"
            " member who clicks has it. Ask Xiebao for a long random one, of 32 characters or more."
        )
    secret = settings.member_secret
    if secret is None:
        return
    if _is_weak(secret.reveal()):
        yield warning(
            "XIEBAO_MEMBER_SECRET is well known, so anybody can make keys of members. Before the"
            f" first member clicks, choose another. {NEW_KEY}."
        )
    for name, key in (*_signing_keys(), ("XIEBAO_API_KEY", settings.api_key.reveal())):
        if secret.reveal() == key:
            yield warning(
                f"XIEBAO_MEMBER_SECRET is {name}, too: whoever renews that one renews both, and"
                " then every member is new to the gateway. Before the first member clicks, choose"
                " another member secret; later, keep it, and renew the other."
            )


def check_ids(state: State, current: str | None) -> Iterator[Finding]:
    """Warn of ids that anybody can guess, where the gateway knows members by them.

    :param current: an id of a member of the site's, if one is known.
    """
    guessed = _what_can_be_guessed(state, current or "")
    if state.settings.member_secret is not None:
        yield ok("XIEBAO_MEMBER_SECRET makes the keys by which the gateway knows members.")
    elif guessed:
        yield warning(
            f"The gateway knows members by {guessed}: whoever has seen one gateway URL can make"
            " another for any of them. Set XIEBAO_MEMBER_SECRET; where members have policies"
            " already, see keeps_plain_key."
        )
    else:
        yield ok(
            "The gateway knows members by the bare id. Where it can be guessed, as the number of a"
            " row can, set XIEBAO_MEMBER_SECRET."
        )


def _what_can_be_guessed(state: State, current: str) -> str:
    if "@" in current:
        return "their e-mail address"
    loader, returned = state.hooks.functions.get("member_loader"), None
    if loader is None and login_manager() is not None and not current.isdecimal():
        return "get_id() of Flask-Login, for most sites the number of a row"
    with suppress(Exception):  # a name in the annotations may be imported for type checkers only
        returned = get_type_hints(loader).get("return")
    if current.isdecimal() or int in (returned, *get_args(returned)):
        return "the number of their row"
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


def _signing_keys() -> Iterator[tuple[str, str]]:
    """Yield the keys that sign links or did so before, with what to call them."""
    # Not in a variable: error reports would show the whole config.
    for name, keys in (
        ("SECRET_KEY", [current_app.config["SECRET_KEY"]]),
        ("one of SECRET_KEY_FALLBACKS", current_app.config.get("SECRET_KEY_FALLBACKS") or ()),
    ):
        for key in keys:
            yield name, key if isinstance(key, str) else key.decode("latin-1")


def _is_weak(key: str) -> bool:
    letters = re.sub("[^a-z0-9]", "", key.lower())
    return len(key) < _SHORTEST_KEY or letters in _PUBLISHED_KEYS
