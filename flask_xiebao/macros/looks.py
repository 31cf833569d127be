"""What an entry looks like: the classes that its macro's keywords stand for."""

from __future__ import annotations

from ..errors import LinkError
from ..gateway.values import shown
from .attributes import (
    ENTRY,
    LOOKS,
    MODIFIER,
    SIZES,
    VARIANTS,
    Attribute,
    Macro,
    is_misspelt,
)

_KNOWN = (*LOOKS, *SIZES, *VARIANTS)


def take_look(given: dict[str, Attribute], macro: Macro, default: str) -> str:
    """Take what says how an entry looks out of its attributes, and return the classes for it.

    :param given: the attributes that the caller gave.
    :param default: the look of an entry of which nothing says it.
    :raises LinkError: a keyword is wrong, or two say different things.
    """
    chosen, size = given.pop("look", None), given.pop("size", None)
    variants = [name for name in VARIANTS if given.pop(name, None)]
    for keyword, value, known in (("look", chosen, macro.looks), ("size", size, SIZES)):
        if value and value not in known:
            raise LinkError(
                f"{keyword} must be one of {', '.join(known)}, not {shown(value)}.", keyword
            )
    written = _written(given)
    modifiers = [str(size)] * bool(size) + variants
    look = chosen or next((look for look in LOOKS if look in written and look in macro.looks), None)
    if not look:
        is_ours = modifiers or written.intersection(_KNOWN)
        look = "card" if macro.is_card else "button" if is_ours else default
    if written.intersection(LOOKS) - {look}:
        raise LinkError(f"look is {look}, and a class says otherwise: leave one out.", "look")
    if look == "own" and modifiers:
        raise LinkError(
            f'With look="own", your classes say it all: leave {modifiers[0]} out.', "look"
        )
    added = [name for name in [str(look), *modifiers] if name not in ("own", *written)]
    return " ".join([ENTRY, *(MODIFIER + name for name in added)])


def slip_in_class(given: dict[str, Attribute]) -> LinkError | None:
    """Return what is wrong with a class of ours that the caller wrote, if one is misspelt."""
    for name in _written(given).difference(_KNOWN):
        for meant in _KNOWN:
            if is_misspelt(name, meant):
                slip = f"Entries have no class {MODIFIER}{name}: did you mean {MODIFIER}{meant}?"
                return LinkError(slip, "class")
    return None


def _written(given: dict[str, Attribute]) -> set[str]:
    """Return what our classes that the caller wrote say: small for xiebao-entry--small."""
    names = str(given.get("class") or "").split()
    return {name.removeprefix(MODIFIER) for name in names if name.startswith(MODIFIER)}
