"""The values of a card's keywords, prepared for the template of the card."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Mapping
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

    The template shows the number larger than the rest. A price that is markup or does not contain
    exactly one number is returned whole, as if it were the number.
    """
    is_plain = isinstance(price, str) and not hasattr(price, "__html__")
    match = _PRICE_PATTERN.fullmatch(price) if is_plain else None
    return ("", price, "") if match is None else (match[1], match[2], match[3])


def normalize_covers(covers: Any) -> list[tuple[Any, Any]]:
    """Return the covers of a product as pairs of a name and an amount.

    :param covers: A list of pairs or of names without an amount, or a mapping from names to
        amounts.
    :raises LinkError: if the value is something else.
    """
    items = covers.items() if isinstance(covers, Mapping) else covers
    if isinstance(items, list | tuple | ItemsView):
        pairs = [item if isinstance(item, list | tuple) else (item, "") for item in items]
        names = [name for name, *_ in pairs]
        if all(len(pair) == 2 for pair in pairs) and not any(
            isinstance(name, bytes | Mapping | Number) for name in names
        ):
            return [(name, amount) for name, amount in pairs]
    raise LinkError(
        'covers must be a list of names or of pairs such as ("Delayed flight", "¥300"), got'
        f" {format_short_repr(covers)}.",
        "covers",
    )


def select_card_keywords(keywords: Mapping[str, Any], is_insured: bool) -> dict[str, Any]:
    """Return the keywords of a card for its link and its attributes.

    :param keywords: All keywords of the macro. The template itself renders the block of {% call %}.
    :param is_insured: True to leave out the keywords that only the purchase of a product needs.
    """
    ignored = _PURCHASE_KEYWORDS if is_insured else frozenset()
    return {
        name: value for name, value in keywords.items() if name != "caller" and name not in ignored
    }
