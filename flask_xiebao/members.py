"""Who a member is: the ids that a site gives its members, as one text.

Nothing here uses Flask.
"""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from .errors import LinkError
from .values import WrongValueError, check_text

#: A member's id, as a site may have it.
MemberId = str | int | UUID

# Bytes: a share of its own of what a link can hold, as each link may get a member at its handoff.
_LONGEST = 256


def normalize_member(value: object) -> str | None:
    """Return a member id as text, or None for nobody.

    :param value: None, ``""``, blank text, 0 and False are nobody; printable text, whole numbers
        and UUIDs are that text. A lazy proxy of such a value counts as the value.
    :raises LinkError: when it is anything else, since guessing would mix up members.
    """
    # isinstance() asks a proxy for its class, `is None` does not.
    if isinstance(value, NoneType):
        return None
    if isinstance(value, str | int) and not (value.strip() if isinstance(value, str) else value):
        return None
    if isinstance(value, UUID):
        value = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LinkError(
            "A member's id must be text, a whole number or a UUID, not"
            f" {type(value).__name__}: pass the id itself, such as user.id.",
            "member",
        )
    try:
        return _checked(value)
    except WrongValueError as error:
        raise LinkError(f"A member's id {error}", "member") from None


def _checked(value: str | int) -> str:
    text = check_text(value)
    if text != text.strip():
        raise WrongValueError("has white space at its ends: remove it.")
    length = len(text.encode())
    if length > _LONGEST:
        raise WrongValueError(f"has {length:,} bytes: {_LONGEST} at most are allowed.")
    return text
