"""What an entry looks like: the classes that its macro's keywords stand for."""

from __future__ import annotations

from ..errors import LinkError
from ..gateway.values import shown
from .attributes import (
    ENTRY,
    LOOK_KEYWORDS,
    LOOKS,
    MODIFIER,
    SIZES,
    VARIANTS,
    Attribute,
    Macro,
    is_misspelt,
)

_KNOWN = (*LOOKS, *SIZES, *VARIANTS)
_FITTING = {"button": (*SIZES, "outline", "block", "pill"), "card": ("block", "stacked")}


def take_look(
    given: dict[str, Attribute], macro: Macro, default: str
) -> tuple[str, LinkError | None]:
    """Take what says how an entry looks out of its attributes.

    :param given: the attributes that the caller gave.
    :param default: the look of an entry of which nothing says it.
    :return: the classes of its look, and what is wrong with what was said: the entry may as well
        go without that.
    """
    said = {name: given.pop(name) for name in LOOK_KEYWORDS if name in given}
    names = str(given.get("class") or "").split()
    written = {name.removeprefix(MODIFIER) for name in names if name.startswith(MODIFIER)}
    slip = _slip(written)
    try:
        return _look(said, written, macro, default), slip
    except LinkError as error:
        # The cache must not keep a traceback, and with it the request.
        return _look({}, set(), macro, default), slip or error.with_traceback(None)


def _look(said: dict[str, Attribute], written: set[str], macro: Macro, default: str) -> str:
    """Return the classes of a look that are not written yet.

    :param said: the keywords that say how the entry looks.
    :param written: what the classes of ours say that the caller wrote: small for --small.
    :raises LinkError: a keyword is wrong, or two say different things.
    """
    chosen, size = said.get("look"), said.get("size")
    for keyword, value, known in (("look", chosen, macro.looks), ("size", size, SIZES)):
        if value and value not in known:
            raise LinkError(
                f"{keyword} must be {' or '.join(map(repr, known))}, got {shown(value)}.", keyword
            )
    modifiers = [str(size)] * bool(size) + [name for name in VARIANTS if said.get(name)]
    look = chosen or next((look for look in LOOKS if look in written and look in macro.looks), None)
    if not look:
        is_ours = modifiers or written.intersection(_KNOWN)
        look = "card" if macro.is_card else "button" if is_ours else default
    if written.intersection(LOOKS) - {look}:
        raise LinkError(
            f'The look of the entry is "{look}", but a class sets another look. Remove the class,'
            ' or change "look".',
            "look",
        )
    for name in (*modifiers, *sorted(written)):
        fits = [f'look="{each}"' for each, names in _FITTING.items() if name in names]
        if fits and name not in _FITTING.get(str(look), ()):
            raise LinkError(f'"{name}" requires {" or ".join(fits)}, got look="{look}".', name)
    added = [name for name in [str(look), *modifiers] if name not in ("own", *written)]
    return " ".join([ENTRY, *(MODIFIER + name for name in added)])


def _slip(written: set[str]) -> LinkError | None:
    """Return what is wrong with a class of ours that the caller wrote, if one is misspelt."""
    for name in written.difference(_KNOWN):
        for meant in _KNOWN:
            if is_misspelt(name, meant):
                slip = f'There is no class "{MODIFIER}{name}". Did you mean "{MODIFIER}{meant}"?'
                return LinkError(slip, "class")
    return None
