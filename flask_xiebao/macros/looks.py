"""The CSS classes for macro keywords that style an entry, such as "look" and "size"."""

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
    is_word_or_misspelling,
)

_KNOWN_MODIFIERS = (*LOOKS, *SIZES, *VARIANTS)
_MODIFIERS_BY_LOOK = {
    "button": (*SIZES, "outline", "borderless", "block", "pill"),
    "card": ("block", "stacked"),
}


def pop_look_classes(
    attributes: dict[str, AttributeValue], macro: MacroSpec, default_look: str
) -> tuple[str, LinkError | None]:
    """Remove keywords such as "look" from an entry's attributes, and return their CSS classes.

    :param attributes: The attributes from the caller.
    :param default_look: The look of an entry if neither keywords nor classes specify one.
    :return: The classes of the look, and the mistake in the keywords or classes, or None. If a
        keyword is wrong or in conflict, the classes are those of an entry without look keywords.
    """
    look_keywords = {name: attributes.pop(name) for name in LOOK_KEYWORDS if name in attributes}
    class_names = str(attributes.get("class") or "").split()
    caller_modifiers = {
        name.removeprefix(MODIFIER_PREFIX)
        for name in class_names
        if name.startswith(MODIFIER_PREFIX)
    }
    spelling_error = _find_class_spelling_error(caller_modifiers)
    try:
        return _build_css_classes_for_look(
            look_keywords, caller_modifiers, macro, default_look
        ), spelling_error
    except LinkError as error:
        # The returned error is cached. Its traceback is removed, because the traceback would keep
        # the request in memory.
        return _build_css_classes_for_look(
            {}, set(), macro, default_look
        ), spelling_error or error.with_traceback(None)


def _build_css_classes_for_look(
    look_keywords: dict[str, AttributeValue],
    caller_modifiers: set[str],
    macro: MacroSpec,
    default_look: str,
) -> str:
    """Return the CSS classes for an entry's look. Leave out modifiers that the template passed.

    :param look_keywords: The keywords for the look, the size and the variants.
    :param caller_modifiers: The modifiers in the caller's classes, for example ``small`` for
        ``xiebao-entry--small``.
    :raises LinkError: if a keyword is wrong, or if keywords or classes conflict.
    """
    requested_look, size = look_keywords.get("look"), look_keywords.get("size")
    if macro.is_card_macro and requested_look not in (None, "", "card"):
        raise LinkError(
            f'insurance_card has only the look "card", got {format_short_repr(requested_look)}. For'
            ' a card of your own, use insurance_entry with look="own" and a {% call %} block.',
            "look",
        )
    for keyword, value, allowed in (
        ("look", requested_look, macro.allowed_looks),
        ("size", size, SIZES),
    ):
        if value and value not in allowed:
            raise LinkError(
                f"{keyword} must be {' or '.join(map(repr, allowed))}, got"
                f" {format_short_repr(value)}.",
                keyword,
            )
    if look_keywords.get("outline") and look_keywords.get("borderless"):
        raise LinkError(
            'A button cannot have both "outline" and "borderless". Leave out one of them.',
            "borderless",
        )
    modifiers = [str(size)] * bool(size) + [name for name in VARIANTS if look_keywords.get(name)]
    look = requested_look or next(
        (look for look in LOOKS if look in caller_modifiers and look in macro.allowed_looks), None
    )
    if not look:
        has_modifiers = modifiers or caller_modifiers.intersection(_KNOWN_MODIFIERS)
        look = "card" if macro.is_card_macro else "button" if has_modifiers else default_look
    if caller_modifiers.intersection(LOOKS) - {look}:
        raise LinkError(
            f'The look of the entry is "{look}", but a CSS class of the entry sets another look.'
            ' Remove the class, or change "look".',
            "look",
        )
    for name in (*modifiers, *sorted(caller_modifiers)):
        fitting_looks = [
            f'look="{other_look}"'
            for other_look, names in _MODIFIERS_BY_LOOK.items()
            if name in names
        ]
        if fitting_looks and name not in _MODIFIERS_BY_LOOK.get(str(look), ()):
            raise LinkError(
                f'"{name}" requires {" or ".join(fitting_looks)}, got look="{look}".', name
            )
    missing = [name for name in [str(look), *modifiers] if name not in ("own", *caller_modifiers)]
    return " ".join([ENTRY_CLASS, *(MODIFIER_PREFIX + name for name in missing)])


def _find_class_spelling_error(caller_modifiers: set[str]) -> LinkError | None:
    """Return the error for a misspelled CSS class such as ``xiebao-entry--smal``, or None."""
    for name in caller_modifiers.difference(_KNOWN_MODIFIERS):
        for known_name in _KNOWN_MODIFIERS:
            if is_word_or_misspelling(name, known_name):
                return LinkError(
                    f'There is no class "{MODIFIER_PREFIX}{name}". Did you mean'
                    f' "{MODIFIER_PREFIX}{known_name}"?',
                    "class",
                )
    return None
