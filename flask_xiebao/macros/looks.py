"""What an entry looks like: the classes that its macro's keywords stand for."""

from __future__ import annotations

from ..errors import LinkError
from ..gateway.values import format_short_repr
from .attributes import (
    ENTRY_CLASS,
    LOOK_KEYWORDS,
    LOOKS,
    MODIFIER_PREFIX,
    SIZES,
    VARIANTS,
    AttributeValue,
    MacroSpec,
    is_misspelling,
)

_KNOWN_MODIFIERS = (*LOOKS, *SIZES, *VARIANTS)
_MODIFIERS_BY_LOOK = {"button": (*SIZES, "outline", "block", "pill"), "card": ("block", "stacked")}


def pop_look_classes(
    attributes: dict[str, AttributeValue], macro: MacroSpec, default_look: str
) -> tuple[str, LinkError | None]:
    """Take what says how an entry looks out of its attributes.

    :param given: the attributes that the caller gave.
    :param default: the look of an entry of which nothing says it.
    :return: the classes of its look, and what is wrong with what was said: the entry may as well
        go without that.
    """
    said = {name: attributes.pop(name) for name in LOOK_KEYWORDS if name in attributes}
    names = str(attributes.get("class") or "").split()
    written = {
        name.removeprefix(MODIFIER_PREFIX) for name in names if name.startswith(MODIFIER_PREFIX)
    }
    slip = _find_class_spelling_error(written)
    try:
        return _build_missing_look_classes(said, written, macro, default_look), slip
    except LinkError as error:
        # The cache must not keep a traceback, and with it the request.
        return _build_missing_look_classes(
            {}, set(), macro, default_look
        ), slip or error.with_traceback(None)


def _build_missing_look_classes(
    look_keywords: dict[str, AttributeValue],
    caller_modifiers: set[str],
    macro: MacroSpec,
    default_look: str,
) -> str:
    """Return the classes of a look that are not written yet.

    :param said: the keywords that say how the entry looks.
    :param written: what the classes of ours say that the caller wrote: small for --small.
    :raises LinkError: a keyword is wrong, or two say different things.
    """
    chosen, size = look_keywords.get("look"), look_keywords.get("size")
    for keyword, value, known in (("look", chosen, macro.allowed_looks), ("size", size, SIZES)):
        if value and value not in known:
            raise LinkError(
                f"{keyword} must be {' or '.join(map(repr, known))}, got"
                f" {format_short_repr(value)}.",
                keyword,
            )
    modifiers = [str(size)] * bool(size) + [name for name in VARIANTS if look_keywords.get(name)]
    look = chosen or next(
        (look for look in LOOKS if look in caller_modifiers and look in macro.allowed_looks), None
    )
    if not look:
        is_ours = modifiers or caller_modifiers.intersection(_KNOWN_MODIFIERS)
        look = "card" if macro.is_card else "button" if is_ours else default_look
    if caller_modifiers.intersection(LOOKS) - {look}:
        raise LinkError(
            f'The look of the entry is "{look}", but a class sets another look. Remove the class,'
            ' or change "look".',
            "look",
        )
    for name in (*modifiers, *sorted(caller_modifiers)):
        fits = [f'look="{each}"' for each, names in _MODIFIERS_BY_LOOK.items() if name in names]
        if fits and name not in _MODIFIERS_BY_LOOK.get(str(look), ()):
            raise LinkError(f'"{name}" requires {" or ".join(fits)}, got look="{look}".', name)
    added = [name for name in [str(look), *modifiers] if name not in ("own", *caller_modifiers)]
    return " ".join([ENTRY_CLASS, *(MODIFIER_PREFIX + name for name in added)])


def _find_class_spelling_error(caller_modifiers: set[str]) -> LinkError | None:
    """Return what is wrong with a class of ours that the caller wrote, if one is misspelt."""
    for name in caller_modifiers.difference(_KNOWN_MODIFIERS):
        for meant in _KNOWN_MODIFIERS:
            if is_misspelling(name, meant):
                wrong, right = f"{MODIFIER_PREFIX}{name}", f"{MODIFIER_PREFIX}{meant}"
                return LinkError(f'There is no class "{wrong}". Did you mean "{right}"?', "class")
    return None
