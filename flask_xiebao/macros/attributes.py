"""The HTML attributes of an element, built from the keywords of a macro."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup, escape

from ..errors import LinkError
from ..links.tokens import SubPartnerLinkOptions
from .foreign_keywords import (
    FOREIGN_CARD_KEYWORDS,
    FOREIGN_ENTRY_KEYWORDS,
    FOREIGN_LINK_KEYWORDS,
    FOREIGN_MAIL_KEYWORDS,
    FOREIGN_TYPES,
)

#: The keywords of a macro that set options of the link. Other keywords set HTML attributes.
LINK_KEYWORDS = SubPartnerLinkOptions.__annotations__.keys()
#: Link options that no longer exist, each with a hint for the error message.
REMOVED_LINK_KEYWORDS: Mapping[str, str] = {"max_age": 'Use "no_login_for" instead.'}


# With eq=False, dataclass instances are compared by identity, which makes cache lookups fast.
@dataclass(frozen=True, eq=False)
class MacroSpec:
    """The keywords, looks (styles such as "card") and reserved attributes of one Jinja macro.

    :ivar reserved_attributes: The attributes that the macro sets itself and rejects as keywords.
    :ivar own_keywords: The macro's arguments besides those of links. They are used to find
        misspelled keywords.
    :ivar allowed_looks: The looks that the macro's element can have.
    :ivar removed_keywords: The removed keywords of this macro only, each with a hint for the
        error message.
    :ivar foreign_keywords: The names of other libraries that the macro rejects, each with its
        replacement. The names have no underscores.
    """

    reserved_attributes: tuple[str, ...]
    own_keywords: tuple[str, ...]
    allowed_looks: tuple[str, ...] = ()
    removed_keywords: Mapping[str, str] = field(default_factory=dict)
    foreign_keywords: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_card_macro(self) -> bool:
        """True if the macro renders only cards."""
        return self.allowed_looks == ("card",)


#: The CSS class of every entry, and the prefix of its modifiers, such as ``xiebao-entry--card``.
ENTRY_CLASS, MODIFIER_PREFIX = "xiebao-entry", "xiebao-entry--"
#: The CSS modifiers of an entry, such as "card" in the class ``xiebao-entry--card``. The look
#: "own", for entries that the site styles itself, has no modifier.
LOOKS, SIZES = ("button", "card", "link"), ("small", "large")
VARIANTS = ("outline", "borderless", "block", "pill", "stacked")

_RESERVED_ENTRY_ATTRIBUTES = ("href", "data-xiebao-entry", "data-xiebao-platform")
LOOK_KEYWORDS = ("look", "size", *VARIANTS)
_CARD_ONLY_KEYWORDS = (
    *("text", "price", "old_price", "price_top", "covers", "badge", "image", "action", "insurer"),
    *("terms_url", "insured"),
)
ENTRY_MACRO = MacroSpec(
    _RESERVED_ENTRY_ATTRIBUTES,
    (*LOOK_KEYWORDS, "label"),
    ("own", *LOOKS),
    foreign_keywords={
        **FOREIGN_ENTRY_KEYWORDS,
        **{name.replace("_", ""): "insurance_card" for name in _CARD_ONLY_KEYWORDS},
        "insured": "insurance_card or policy_entry",
    },
)
CARD_MACRO = MacroSpec(
    _RESERVED_ENTRY_ATTRIBUTES,
    (*LOOK_KEYWORDS, "title", *_CARD_ONLY_KEYWORDS),
    ("card",),
    foreign_keywords=FOREIGN_CARD_KEYWORDS,
)
#: The macro for the title of a card with two links. The title is the first of these links. It
#: accepts the same keywords as a card, but is a separate object, because its attributes differ.
CARD_TITLE_MACRO = replace(CARD_MACRO)
#: In a card with two links, these HTML attributes belong to the ``<div>`` and not to the title
#: link.
CARD_WRAPPER_ATTRIBUTES = (
    "class",
    "id",
    "hidden",
    "style",
    "dir",
    "aria-busy",
    "data-xiebao-theme",
)
QR_MACRO = MacroSpec(
    ("width", "height", "viewbox"), ("size",), foreign_keywords=FOREIGN_LINK_KEYWORDS
)
MAIL_MACRO = MacroSpec(
    _RESERVED_ENTRY_ATTRIBUTES,
    ("label", "qr", "accent", "on_accent"),
    foreign_keywords=FOREIGN_MAIL_KEYWORDS,
)
STYLES_MACRO = MacroSpec(
    ("rel", "href", "src"),
    ("layer",),
    removed_keywords={
        "theme": 'Set the attribute "data-xiebao-theme" on the <html> element instead.'
    },
)
SCRIPT_MACRO = MacroSpec(STYLES_MACRO.reserved_attributes, ())

_ATTRIBUTE_NAME_PATTERN = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]+""")

#: The text of an attribute, True for an attribute without a value, or None to leave it out.
AttributeValue = str | bool | None


def split_options_and_attributes(
    keywords: Mapping[str, Any], macro: MacroSpec
) -> tuple[dict[str, Any], dict[str, AttributeValue]]:
    """Split the keywords of a macro into link options and HTML attributes.

    :raises LinkError: if a keyword is not a valid attribute, or is one that the macro sets itself.
    """
    if "caller" in keywords:
        raise LinkError(
            "This macro does not accept a {% call %} block. Use insurance_entry or insurance_card"
            " instead.",
            "caller",
        )
    if macro.is_card_macro and "label" in keywords:
        raise LinkError(
            'A card does not accept "label". Pass the title of the card as the second argument.',
            "label",
        )
    options: dict[str, Any] = {}
    attributes: dict[str, AttributeValue] = {}
    for keyword, value in keywords.items():
        if keyword in LINK_KEYWORDS:
            options[keyword] = value
        else:
            name = _normalize_attribute_name(keyword, macro)
            if name == "type" and macro.foreign_keywords and str(value) in FOREIGN_TYPES:
                raise LinkError(
                    f'There is no type "{value}". Use "outline", "borderless" or the token'
                    ' "--xiebao-accent" instead.',
                    "type",
                )
            # Some macros do not accept the keyword "look". For these macros, other keywords for the
            # style of an entry, such as "block", are ordinary HTML attributes.
            is_ordinary = name in VARIANTS and not macro.allowed_looks
            normalizers = {} if is_ordinary else _ATTRIBUTE_NORMALIZERS
            attributes[name] = normalizers.get(name, _normalize_attribute_value)(value)
    return options, attributes


def render_attributes(
    defaults: Mapping[str, AttributeValue], overrides: Mapping[str, AttributeValue]
) -> Markup:
    """Return attributes as HTML. Overrides replace defaults, but classes of both are kept."""
    classes = " ".join(
        str(source["class"]) for source in (defaults, overrides) if source.get("class")
    ).strip()
    attributes = {**defaults, **overrides, "class": classes or None}
    html_parts = (
        f" {name}" if value is True else f' {name}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    # Attribute names do not need escaping, because _normalize_attribute_name() has checked them.
    return Markup("".join(html_parts))  # noqa: S704  # nosec B704


# This cache of attribute names saves 30 % of the time to render an entry that has the HTML
# attribute "class", if the entry itself is not in a cache.
@lru_cache
def _normalize_attribute_name(keyword: str, macro: MacroSpec) -> str:
    """Return the attribute name for a keyword, such as "data-id" for data_id.

    A trailing underscore is removed, so that ``class_`` gives "class".

    :raises LinkError: if the keyword is not a valid attribute, is removed or misspelled, or is an
        attribute that the macro sets itself.
    """
    full_keyword, keyword = keyword, keyword.removesuffix("_") or keyword
    check_keyword_not_removed(full_keyword, {**REMOVED_LINK_KEYWORDS, **macro.removed_keywords})
    replacement = macro.foreign_keywords.get(re.sub("[-_]", "", keyword).lower())
    if replacement:
        raise LinkError(
            f'There is no keyword "{full_keyword}". Use {replacement} instead.', full_keyword
        )
    for known in (*LINK_KEYWORDS, *macro.own_keywords):
        if full_keyword != known and is_word_or_misspelling(keyword, known):
            raise LinkError(
                f'There is no keyword "{full_keyword}". Did you mean "{known}"?', full_keyword
            )
    name = keyword.replace("_", "-").lower()
    if name in macro.reserved_attributes:
        raise LinkError(
            f'The macro sets the attribute "{name}" itself. Leave out this attribute.', keyword
        )
    if not _ATTRIBUTE_NAME_PATTERN.fullmatch(name):
        raise LinkError(
            f"{keyword!r} is not a valid attribute name. Use a name without whitespace, quotes,"
            ' "<", ">", "/" and "=".',
            keyword,
        )
    return name


def check_keyword_not_removed(keyword: str, removed_keywords: Mapping[str, str]) -> None:
    """Raise an error for a keyword that is no longer accepted, even if it is misspelled.

    :raises LinkError: for such a keyword. The message contains the hint for the removed keyword.
    """
    for removed_keyword, hint in removed_keywords.items():
        if is_word_or_misspelling(keyword, removed_keyword):
            raise LinkError(f'There is no keyword "{keyword}". {hint}', keyword)


def is_word_or_misspelling(word: str, correct_word: str) -> bool:
    """Return True if *word* is *correct_word* or a misspelling, such as "memebr" for "member".

    The words may differ in capitals, hyphens and underscores, such as "returnTo" and "return_to".
    Otherwise, one letter may be wrong, extra or missing, or two adjacent letters may be swapped.
    """
    word = word.replace("-", "_").lower()
    # Vue's attribute ":member", for example, is not a misspelling of the keyword "member".
    if not word.isidentifier():
        return False
    if word.replace("_", "") == correct_word.replace("_", ""):
        return True
    while word[:1] == correct_word[:1]:
        word, correct_word = word[1:], correct_word[1:]
    with_letters_swapped = word[:2][::-1] + word[2:]
    return (
        with_letters_swapped == correct_word
        # A word with one wrong letter or one extra letter counts as a misspelling.
        or word[1:] in (correct_word[1:], correct_word)
        # A word that lacks one letter of the correct word counts as a misspelling.
        or word == correct_word[1:]
    )


def _normalize_attribute_value(value: Any) -> AttributeValue:
    """Return the value of an attribute as plain text.

    Return True for an attribute without a value. Return None to leave out the attribute if the
    value is None, False or undefined.
    """
    if value is True:
        return True
    if value is None or value is False or isinstance(value, Undefined):
        return None
    # Convert markup to plain text, because unescaped quotes in markup would end the attribute
    # early. The str() of a value may also return markup. render_attributes() escapes the plain
    # text.
    return escape(value if hasattr(value, "__html__") else str(value)).unescape()


def _normalize_classes(value: Any) -> AttributeValue:
    """Return CSS classes as one string. Leave out list items such as None, False and True."""
    values = value if isinstance(value, list | tuple) else [value]
    return " ".join(
        name for item in values if isinstance(name := _normalize_attribute_value(item), str)
    )


def _convert_to_true_or_none(value: Any) -> AttributeValue:
    """Return True for a true value, otherwise None. Unlike in HTML, "" and 0 are false."""
    return None if isinstance(value, Undefined) else bool(value) or None


_ATTRIBUTE_NORMALIZERS: Mapping[str, Callable[[Any], AttributeValue]] = {
    "class": _normalize_classes,
    "disabled": _convert_to_true_or_none,
    **dict.fromkeys(VARIANTS, _convert_to_true_or_none),
}
