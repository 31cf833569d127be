"""Finds out whether other people can guess the ids of a site's members."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args, get_type_hints

from ..app.hooks import find_login_manager
from ..app.state import AppState


def find_guessable_id_kind(state: AppState, sample_member: str) -> str:
    """Return why the member ids can probably be guessed: "email", "row" or "get_id", otherwise "".

    The ids are email addresses ("email") or row numbers ("row"), or Flask-Login's
    ``User.get_id()`` returns them ("get_id"), which is often a row number.

    :param sample_member: The id of a member of the site, or "" if no id is known.
    """
    if "@" in sample_member:
        return "email"
    loader, return_type = state.hooks.functions.get("member_loader"), None
    if loader is None and find_login_manager() is not None and not sample_member.isdecimal():
        return "get_id"
    # The annotations of a member_loader may name types that are imported for type checkers only.
    # Resolving such annotations raises an exception.
    with suppress(Exception):
        return_type = get_type_hints(loader).get("return")
    if sample_member.isdecimal() or int in (return_type, *get_args(return_type)):
        return "row"
    return ""
