"""The values of a card's keywords, prepared for the template of the card."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Mapping, Sequence
from numbers import Number
from typing import Any

from ..errors import LinkError
from ..gateway.values import format_short_repr

# A price with exactly one number, such as "From ¥3.50 a day".
_PRICE_PATTERN = re.compile(r"(\D*)(\d+(?:[.,]\d+)*)(\D*)")
# The keywords of a product card that a card for a policy ignores. A policy is already paid, its
# page accepts no sub-account and has no PC version, and the product may be sold out.
_PURCHASE_KEYWORDS = frozenset(("return_to", "sub_partner_id", "platform", "disabled"))


def split_price(price: Any) -> tuple[Any, Any, Any]:
    """Split a price into the text before the number, the number, and the text after the number.

    The template shows the number larger than the rest. If the price contains HTML tags, no number
    or several numbers, the whole price is returned as the number.
    """
    text = str(price)
    has_tags = hasattr(price, "__html__") and ("<" in text or "&" in text)
    match = None if has_tags else _PRICE_PATTERN.fullmatch(text)
    return ("", price, "") if match is None else (match[1], match[2], match[3])


def normalize_covers(covers: Any) -> list[tuple[Any, Any]]:
    """Return the covers of a product as pairs of a name and an amount.

    :param covers: A list of names and of pairs, for example rows of a database query, or a mapping
        from names to amounts. A name in the list has no amount.
    :raises LinkError: if the value is something else.
    """
    items = covers.items() if isinstance(covers, Mapping) else covers
    if isinstance(items, Sequence | ItemsView) and not isinstance(items, str | bytes):
        pairs = [
            tuple(item) if isinstance(item, Sequence) and not isinstance(item, str) else (item, "")
            for item in items
        ]
        if all(len(pair) == 2 and _is_cover_name(pair[0]) for pair in pairs):
            return pairs
    raise LinkError(
        'covers must be a list of names or of pairs such as ("Delayed flight", "¥300"), got'
        f" {format_short_repr(covers)}.",
        "covers",
    )


def _is_cover_name(value: object) -> bool:
    return value is not None and not isinstance(value, bytes | Mapping | Number)


def select_card_keywords(keywords: Mapping[str, Any], is_insured: bool) -> dict[str, Any]:
    """Return the keywords of a card for its link and its attributes.

    :param keywords: All keywords of the macro. The template itself renders the block of {% call %}.
    :param is_insured: True to leave out the keywords that only the purchase of a product needs.
    """
    ignored = _PURCHASE_KEYWORDS if is_insured else frozenset()
    return {
        name: value for name, value in keywords.items() if name != "caller" and name not in ignored
    }
