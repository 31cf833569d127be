"""The attributes of an element, from the keywords of a macro."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup, escape

from ..errors import LinkError
from ..links.tokens import SubPartnerLinkOptions

#: The keywords that go to the link.
LINK_KEYWORDS = SubPartnerLinkOptions.__annotations__.keys()
#: The old keywords of links, each with the advice in its error.
REMOVED_LINK_KEYWORDS: Mapping[str, str] = {"max_age": 'Use "no_login_for" instead.'}


@dataclass(frozen=True, eq=False)  # each is compared by identity, which is quick in caches
class MacroSpec:
    """What sets one macro apart from the others.

    :ivar sets: the attributes that it sets and nobody else may.
    :ivar takes: its arguments besides those of links: a keyword may be one of them, misspelt.
    :ivar looks: how its element may look.
    :ivar old: the old keywords of this macro alone, each with the advice in its error.
    """

    reserved_attributes: tuple[str, ...]
    own_keywords: tuple[str, ...]
    allowed_looks: tuple[str, ...] = ()
    removed_keywords: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_card(self) -> bool:
        """Whether its element is always a card."""
        return self.allowed_looks == ("card",)


#: The class of every entry, and what its further classes begin with: ``xiebao-entry--card``.
ENTRY_CLASS, MODIFIER_PREFIX = "xiebao-entry", "xiebao-entry--"
#: What those end with; look="own" has none.
LOOKS, SIZES = ("button", "card", "link"), ("small", "large")
VARIANTS = ("outline", "block", "pill", "stacked")

_RESERVED_ENTRY_ATTRIBUTES = ("href", "data-xiebao-entry", "data-xiebao-platform")
LOOK_KEYWORDS = ("look", "size", *VARIANTS)
_CARD_KEYWORDS = ("title", "text", "price", "badge", "image", "action", "insurer", "terms_url")
ENTRY_MACRO = MacroSpec(_RESERVED_ENTRY_ATTRIBUTES, (*LOOK_KEYWORDS, "label"), ("own", *LOOKS))
CARD_MACRO = MacroSpec(_RESERVED_ENTRY_ATTRIBUTES, (*LOOK_KEYWORDS, *_CARD_KEYWORDS), ("card",))
#: The first link of a card that has two, and which of its attributes stay on the card.
CARD_TITLE_MACRO = MacroSpec(
    CARD_MACRO.reserved_attributes, CARD_MACRO.own_keywords, CARD_MACRO.allowed_looks
)
CARD_WRAPPER_ATTRIBUTES = (
    "class",
    "id",
    "hidden",
    "style",
    "dir",
    "aria-busy",
    "data-xiebao-theme",
)
QR_MACRO = MacroSpec(("width", "height", "viewbox"), ("size",))
STYLES_MACRO = MacroSpec(
    ("rel", "href", "src"),
    ("layer",),
    removed_keywords={
        "theme": 'Set the attribute "data-xiebao-theme" on the <html> element instead.'
    },
)
SCRIPT_MACRO = MacroSpec(STYLES_MACRO.reserved_attributes, ())

_ATTRIBUTE_NAME_PATTERN = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]+""")
_MAX_NAME_LENGTH = 100

#: An attribute's text; True for one without a value, None for one to leave out.
AttributeValue = str | bool | None


def split_options_and_attributes(
    keywords: Mapping[str, Any], macro: MacroSpec
) -> tuple[dict[str, Any], dict[str, AttributeValue]]:
    """Divide the keywords of a macro into those of the link and the attributes of the element.

    :raises LinkError: when one cannot be an attribute, or is an attribute that the macro sets.
    """
    if "caller" in keywords:
        raise LinkError(
            "This macro does not accept a {% call %} block. Use insurance_entry instead, with"
            ' look="card" for a card.',
            "caller",
        )
    if macro.is_card and "label" in keywords:
        raise LinkError(
            'A card has no "label". Pass the title of the card as the second argument.', "label"
        )
    options: dict[str, Any] = {}
    attributes: dict[str, AttributeValue] = {}
    for keyword, value in keywords.items():
        if keyword in LINK_KEYWORDS:
            options[keyword] = value
        else:
            name = _normalize_attribute_name(keyword, macro)
            is_ours = macro.allowed_looks or name not in VARIANTS
            attributes[name] = (
                _ATTRIBUTE_NORMALIZERS.get(name, _normalize_attribute)
                if is_ours
                else _normalize_attribute
            )(value)
    return options, attributes


def render_attributes(
    defaults: Mapping[str, AttributeValue], overrides: Mapping[str, AttributeValue]
) -> Markup:
    """Return attributes as HTML: the caller's replace the element's own, but classes are added."""
    classes = " ".join(
        str(each["class"]) for each in (defaults, overrides) if each.get("class")
    ).strip()
    attributes = {**defaults, **overrides, "class": classes or None}
    written = (
        f" {name}" if value is True else f' {name}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    # The names were checked.
    return Markup("".join(written))  # noqa: S704  # nosec B704


# The cache saves 30 % of the time for a new entry with a class.
@lru_cache
def _normalize_attribute_name(keyword: str, macro: MacroSpec) -> str:
    """Return the attribute that a keyword means: class for class_, data-id for data_id."""
    given, keyword = keyword, keyword.removesuffix("_") or keyword
    if len(keyword) > _MAX_NAME_LENGTH:
        raise LinkError(
            f"{keyword[:_MAX_NAME_LENGTH]!r}… is too long for the name of an attribute. Use at most"
            f" {_MAX_NAME_LENGTH} characters.",
            keyword,
        )
    check_keyword_not_removed(given, {**REMOVED_LINK_KEYWORDS, **macro.removed_keywords})
    for like in (*LINK_KEYWORDS, *macro.own_keywords):
        if given != like and is_misspelling(keyword, like):
            raise LinkError(f'There is no keyword "{given}". Did you mean "{like}"?', given)
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
    """Check that a keyword is not an old one, misspelt or not.

    :raises LinkError: the keyword is old. The message says what to use instead.
    """
    for old, advice in removed_keywords.items():
        if is_misspelling(keyword, old):
            raise LinkError(f'There is no keyword "{keyword}". {advice}', keyword)


def is_misspelling(word: str, correct_word: str) -> bool:
    """Tell whether a keyword is a misspelt *meant*, such as returnTo, max-age or memebr."""
    given = word.replace("-", "_").lower()
    if not given.isidentifier():  # such as :member of Vue
        return False
    if given.replace("_", "") == correct_word.replace("_", ""):
        return True
    while given[:1] == correct_word[:1]:
        given, correct_word = given[1:], correct_word[1:]
    swapped = given[:2][::-1] + given[2:]
    # Besides a swap: one letter is another one, too many, or missing.
    return (
        swapped == correct_word
        or given[1:] in (correct_word[1:], correct_word)
        or given == correct_word[1:]
    )


def _normalize_attribute(value: Any) -> AttributeValue:
    """Return the text of an attribute; None leaves it out, and True is one without a value."""
    if value is True:
        return True
    if value is None or value is False or isinstance(value, Undefined):
        return None
    # Markup may have bare quotes in it, which would end the attribute: take its text, which is
    # escaped again. What str() returns may be markup, too.
    return escape(value if hasattr(value, "__html__") else str(value)).unescape()


def _normalize_classes(value: Any) -> AttributeValue:
    """Return classes as text; those in a list that are None or False are left out."""
    values = value if isinstance(value, list | tuple) else [value]
    return " ".join(name for each in values if isinstance(name := _normalize_attribute(each), str))


def _normalize_boolean_attribute(value: Any) -> AttributeValue:
    """Return True, or None for what is not so; unlike in HTML, "" and 0 mean no."""
    return None if isinstance(value, Undefined) else bool(value) or None


_ATTRIBUTE_NORMALIZERS: Mapping[str, Callable[[Any], AttributeValue]] = {
    "class": _normalize_classes,
    "disabled": _normalize_boolean_attribute,
    **dict.fromkeys(VARIANTS, _normalize_boolean_attribute),
}
