"""The texts for visitors, developers and testers, in one module for each locale.

To add a locale, add a module with a mapping ``TEXTS``. English replaces the texts that the mapping
omits. The mapping may also override texts that are stored in tables. Examples are ``product.label``
and ``product.on_phone`` in the table of gateway pages, and ``product.title`` and
``meaning.caseCode`` in the table of the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from pkgutil import iter_modules
from string import Formatter

_FALLBACK_LOCALE = "en"
# The prefixes of the keys of the texts that visitors see on a site's pages. Visitors also see texts
# from the table of gateway pages, such as "product.label". Their keys do not have these prefixes.
_VISITOR_KEY_PREFIXES = ("site.", "qr.", "card.", "navigate.", "handoff.", "notice.")


@cache
def get_locales() -> tuple[str, ...]:
    """Return the names of all locales."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache
def get_nearest_locale(locale: str) -> str:
    """Return the nearest available locale, for example ``zh`` for ``zh-CN`` and ``zh_Hant_TW``.

    If no locale is near, return English.
    """
    available = {name.lower(): name for name in get_locales()}
    candidate = locale.lower().replace("-", "_")
    while candidate and candidate not in available:
        candidate, _, _ = candidate.rpartition("_")
    return available.get(candidate, _FALLBACK_LOCALE)


@cache
def _load_texts(locale: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = import_module(f".{locale}", __name__).TEXTS
    return texts


def get_visitor_text_keys() -> tuple[str, ...]:
    """Return the keys of this package's English texts for visitors.

    The keys of texts in tables, for example in the table of gateway pages, are not included.
    """
    return tuple(
        key for key in _load_texts(_FALLBACK_LOCALE) if key.startswith(_VISITOR_KEY_PREFIXES)
    )


def get_text_keys() -> tuple[str, ...]:
    """Return the keys of all English texts in this package.

    The keys of texts in tables, for example in the table of gateway pages, are not included.
    """
    return tuple(_load_texts(_FALLBACK_LOCALE))


def find_placeholders(text: str) -> set[str]:
    """Return the names of the placeholders in a text.

    :raises ValueError: if a brace is not closed, or contains more than a name.
    """
    parts = list(Formatter().parse(text))
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise ValueError(
            f"{text!r} must have only names in braces, without a format or conversion."
        )
    return {name for _, name, _, _ in parts if name is not None}


def get_allowed_placeholders(key: str) -> set[str]:
    """Return the names of the placeholders that the text of a key may contain."""
    return find_placeholders(_load_texts(_FALLBACK_LOCALE).get(key, ""))


def get_text_and_locale(
    locale: str, key: str, fallback_texts: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Return the text of a key, and the locale in which it was found.

    :param locale: A locale, for example ``zh`` or ``zh-CN``. English replaces an unknown locale.
    :param key: The text key, which is the same in every locale.
    :param fallback_texts: The texts by locale from a row of a table. A locale's module may override
        them.
    :raises KeyError: if there is no text with this key, not even in English.
    """
    for candidate in (get_nearest_locale(locale), _FALLBACK_LOCALE):
        text = _load_texts(candidate).get(key, (fallback_texts or {}).get(candidate))
        if text is not None:
            return text, candidate
    raise KeyError(key)


def get_text(
    locale: str,
    key: str,
    fallback_texts: Mapping[str, str] | None = None,
    /,
    **placeholders: object,
) -> str:
    """Return the text of a key with its placeholders replaced; see :func:`get_text_and_locale`.

    :param placeholders: The values of the placeholders.
    """
    text, _ = get_text_and_locale(locale, key, fallback_texts)
    return text.format(**placeholders) if placeholders else text
