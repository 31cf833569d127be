"""What ``doctor`` says of the site's secrets, without showing them, and of members' ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import get_args, get_type_hints

from flask import current_app

from ..app.hooks import find_login_manager
from ..app.state import AppState
from ..simulator.document import find_text_after_encoded_hex_digits
from ..texts import get_text
from .findings import Finding, ok_finding, warning_finding

_MIN_KEY_LENGTH = 16
# Keys that are long enough, but printed in tutorials; here without punctuation.
_PUBLISHED_KEYS = (
    "0123456789abcdef0123456789abcdef",  # of our own manual
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    # and of the shop in our tutorial
    *("fordevelopmentonly", "fordevelopmentonlynotinproduction"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)


def get_secret_key_finding(state: AppState, locale: str) -> Finding:
    """Say whether links are signed with a key that nobody can guess.

    :param locale: of what is said.
    :raises ConfigError: when they cannot be signed at all.
    """
    state.signer  # noqa: B018 - it raises
    weak = next((name for name, key in _iter_signing_keys(locale) if _is_weak_key(key)), None)
    if weak is not None:
        return warning_finding(
            get_text(locale, "doctor.key.weak", name=f"{weak[0].upper()}{weak[1:]}")
        )
    if any(key == state.settings.api_key.reveal() for _, key in _iter_signing_keys()):
        return warning_finding(get_text(locale, "doctor.key.api_key"))
    return ok_finding(get_text(locale, "doctor.ok.key"))


def check_api_key_and_member_secret(state: AppState, locale: str) -> Iterator[Finding]:
    """Warn of an API key that is found by trying, and of a member secret that is another secret."""
    settings = state.settings
    # The document's own example is a key of three letters.
    is_short = settings.env == "production" and settings.api_key.map(len).reveal() < _MIN_KEY_LENGTH
    if is_short or settings.api_key.map(find_text_after_encoded_hex_digits).reveal() in (
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


def check_member_ids_unguessable(
    state: AppState, sample_member: str | None, locale: str
) -> Iterator[Finding]:
    """Warn of ids that anybody can guess, where the gateway knows members by them.

    :param current: an id of a member of the site's, if one is known.
    :param locale: of what is said.
    """
    guessed = _find_guessable_id_kind(state, sample_member or "")
    if state.settings.member_secret is not None:
        yield ok_finding(get_text(locale, "doctor.ok.ids.keys"))
    elif guessed:
        yield warning_finding(
            get_text(locale, "doctor.ids", what=get_text(locale, f"doctor.ids.{guessed}"))
        )
    else:
        yield ok_finding(get_text(locale, "doctor.ok.ids"))


def _find_guessable_id_kind(state: AppState, sample_member: str) -> str:
    """Return which id it is, by the end of the key of its text; "" for none."""
    if "@" in sample_member:
        return "email"
    loader, returned = state.hooks.functions.get("member_loader"), None
    if loader is None and find_login_manager() is not None and not sample_member.isdecimal():
        return "get_id"
    with suppress(Exception):  # a name in the annotations may be imported for type checkers only
        returned = get_type_hints(loader).get("return")
    if sample_member.isdecimal() or int in (returned, *get_args(returned)):
        return "row"
    return ""


def is_notify_token_safe(state: AppState) -> bool:
    """Tell whether a token in the address of notifications, if any, is a secret of its own."""
    settings = state.settings
    if settings.notify_token is None:
        return True
    member_secret = "" if settings.member_secret is None else settings.member_secret.reveal()
    others = [member_secret, settings.api_key.reveal(), *(key for _, key in _iter_signing_keys())]
    return settings.notify_token.map(
        lambda token: token not in others and len(set(token)) > 5 and not _is_weak_key(token)
    ).reveal()


def _iter_signing_keys(locale: str = "en") -> Iterator[tuple[str, str]]:
    """Yield the keys that sign links or did so before, with what to call them."""
    # Not in a variable: error reports would show the whole config.
    for name, keys in (
        ("SECRET_KEY", [current_app.config["SECRET_KEY"]]),
        (get_text(locale, "doctor.key.old"), current_app.config.get("SECRET_KEY_FALLBACKS") or ()),
    ):
        for key in keys:
            yield name, key if isinstance(key, str) else key.decode("latin-1")


def _is_weak_key(key: str) -> bool:
    letters = re.sub("[^a-z0-9]", "", key.lower())
    return len(key) < _MIN_KEY_LENGTH or letters in _PUBLISHED_KEYS
