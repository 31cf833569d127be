"""The attributes of an element, from the keywords of a macro."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, Undefined
from jinja2.filters import do_xmlattr
from jinja2.nodes import EvalContext
from markupsafe import Markup

from ..app.log import warn_once
from ..deprecated import in_new_names
from ..errors import LinkError
from ..gateway.values import plain_text

#: The keywords that go to the link.
LINK_KEYWORDS = frozenset(
    (
        *("member", "sub_partner_id", "platform", "return_to", "no_login_for", "client_reference"),
        "external",
    )
)


@dataclass(frozen=True, eq=False)  # one is as good as its name: caches need no more of it
class Macro:
    """What a macro has of its own.

    :ivar sets: attributes that it sets itself.
    :ivar takes: arguments besides those of links, to notice when one is misspelt.
    :ivar classes: those of its element.
    """

    sets: tuple[str, ...]
    takes: tuple[str, ...]
    classes: str = ""


#: The class of every entry, what its other classes begin with, and the looks.
ENTRY, MODIFIER = "xiebao-entry", "xiebao-entry--"
LOOKS = ("button", "card", "link")
_MODIFIERS = (*LOOKS, "small", "large", "block", "outline", "pill", "stacked")

_ENTRY_SETS = ("href", "data-xiebao-entry", "data-xiebao-platform", "data-xiebao-look")
ENTRY_MACRO = Macro(_ENTRY_SETS, ("label",), ENTRY)
CARD_MACRO = Macro(
    _ENTRY_SETS,
    ("title", "text", "price", "badge", "image", "action", "insurer"),
    f"{ENTRY} {MODIFIER}card",
)
QR_MACRO = Macro(("width", "height", "viewbox"), ("size",))
SHEET_MACRO = Macro(("rel", "href", "src", "data-xiebao-theme"), ("layer", "theme"))

_NAME = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]+""")
_LONGEST_NAME = 100

# Attributes are escaped whatever the app's own templates do.
_ESCAPING = EvalContext(Environment(autoescape=True))

#: An attribute's text; True for one without a value, None for one to leave out.
Attribute = str | bool | None


def split(keywords: Mapping[str, Any], macro: Macro) -> tuple[dict[str, Any], dict[str, Attribute]]:
    """Divide the keywords of a macro into those of the link and the attributes of the element.

    :raises LinkError: when one cannot be an attribute, or is what the element itself sets.
    """
    if "caller" in keywords:
        raise LinkError(
            "This macro takes no {% call %} block: insurance_entry does, and makes a card of it"
            ' with look="card".',
            "caller",
        )
    if macro is CARD_MACRO and "label" in keywords:
        raise LinkError("A card has no label: its second argument is its title.", "label")
    options: dict[str, Any] = {}
    attributes: dict[str, Attribute] = {}
    for keyword, value in in_new_names(keywords, warn_once).items():
        if keyword in LINK_KEYWORDS:
            options[keyword] = value
        else:
            name = _name(keyword, macro)
            attributes[name] = _READERS.get(name, _attribute)(value)
    return options, attributes


def classes(own: Mapping[str, Attribute], given: Mapping[str, Attribute]) -> str | None:
    """Return the classes of an element: its own, then the caller's."""
    both = (names for each in (own, given) if isinstance(names := each.get("class"), str))
    return " ".join(both).strip() or None


def check_classes(names: Collection[str]) -> None:
    """Notice a class of ours that is misspelt.

    :raises LinkError: when there is one.
    """
    for name in _modifiers(names).difference(_MODIFIERS):
        for meant in _MODIFIERS:
            if _is_misspelt(name, meant):
                raise LinkError(
                    f"Entries have no class {MODIFIER}{name}: did you mean {MODIFIER}{meant}?",
                    "class",
                )


def _modifiers(names: Collection[str]) -> set[str]:
    return {name.removeprefix(MODIFIER) for name in names if name.startswith(MODIFIER)}


def look_of(names: Collection[str]) -> tuple[str | None, bool]:
    """Return which of our looks these classes of an entry make, and whether it is theirs alone.

    :return: None for no look of ours: a class of the site's own brings one.
    """
    given = _modifiers(names)
    alone = all(name == ENTRY or name.startswith(MODIFIER) for name in names)
    for look in ("card", "link"):
        if look in given:
            return look, alone
    return "button" if alone or given.intersection(_MODIFIERS) else None, alone


def rendered(own: Mapping[str, Attribute], given: Mapping[str, Attribute]) -> Markup:
    """Return attributes as HTML: the caller's replace the element's own, but classes are added."""
    attributes = {**own, **given, "class": classes(own, given)}
    valued = {name: value for name, value in attributes.items() if value is not True}
    bare = "".join(f" {name}" for name, value in attributes.items() if value is True)
    # The names were checked, and Jinja's filter escapes the values.
    return Markup(do_xmlattr(_ESCAPING, valued) + bare)  # noqa: S704  # nosec B704


# Two fifths of an entry with a class that is not cached itself.
@lru_cache
def _name(keyword: str, macro: Macro) -> str:
    """Return a keyword as HTML names attributes; class_ and for_ are as Python would have them."""
    given, keyword = keyword, keyword.removesuffix("_")
    if len(keyword) > _LONGEST_NAME:
        raise LinkError(
            f"{keyword[:_LONGEST_NAME]!r}… is too long to be the name of an attribute.", keyword
        )
    for like in (*LINK_KEYWORDS, "max_age", *macro.takes):
        if given != like and (keyword == like or _is_misspelt(keyword, like)):
            meant = "no_login_for" if like == "max_age" else like
            raise LinkError(f"A link does not take {given}: did you mean {meant}?", given)
    name = keyword.replace("_", "-").lower()
    if name in macro.sets:
        raise LinkError(f"{name} is set by the macro: it cannot be given as an attribute.", keyword)
    if not _NAME.fullmatch(name):
        raise LinkError(f"{keyword!r} cannot be the name of an attribute.", keyword)
    return name


def _is_misspelt(keyword: str, meant: str) -> bool:
    """Tell whether a keyword is one of a link's but for a slip: returnTo, max-age, memebr."""
    given = keyword.replace("-", "_").lower()
    if not given.isidentifier():  # such as :member of Vue
        return False
    if given.replace("_", "") == meant.replace("_", ""):
        return True
    if len(given) == len(meant):
        wrong = [place for place in range(len(meant)) if given[place] != meant[place]]
        first, last = wrong[0], wrong[-1]
        swapped = last - first == 1 and given[first : last + 1] == meant[last] + meant[first]
        return len(wrong) == 1 or swapped
    shorter, longer = sorted((given, meant), key=len)
    return any(shorter == longer[:place] + longer[place + 1 :] for place in range(len(longer)))


def _attribute(value: Any) -> Attribute:
    """Return a keyword's value: None leaves the attribute out, True stands for one without."""
    if value is True:
        return True
    if value is None or value is False or isinstance(value, Undefined):
        return None
    said = value if hasattr(value, "__html__") else str(value)
    # HTML may hold a bare quote, which would end the attribute: its text is escaped anew. What
    # str() returns may be HTML, too.
    if hasattr(said, "__html__"):
        said = Markup(said).unescape()  # noqa: S704  # nosec B704
    return plain_text(said)


def _classes(value: Any) -> Attribute:
    """Return classes as text; a list of them may hold some that do not apply."""
    if not isinstance(value, list | tuple):
        return _attribute(value)
    return " ".join(name for each in value if isinstance(name := _attribute(each), str))


_READERS: Mapping[str, Callable[[Any], Attribute]] = {
    "class": _classes,
    "disabled": lambda value: bool(value) or None,  # "" and 0 of a site are no, unlike HTML's
}
