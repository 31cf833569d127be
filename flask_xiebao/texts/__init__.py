"""What visitors and QA read: a file for each locale. To add a locale, add its file.

A file's ``TEXTS`` may leave out what it has no words for: English is the last resort. It may have
words for what stands in a row of a table: ``product.label`` and ``product.on_phone`` of a page,
``product.title`` and ``meaning.caseCode`` of the simulator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from pkgutil import iter_modules
from string import Formatter

_FALLBACK_LOCALE = "en"
# What is said on pages of a shop; the rest is said by the simulator and to who tests a site.
_VISITOR_KEY_PREFIXES = ("site.", "qr.", "card.", "navigate.", "handoff.", "notice.")


@cache
def get_locales() -> tuple[str, ...]:
    """Return the names of the locales."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache
def get_nearest_locale(locale: str) -> str:
    """Return the one of our locales that is meant: ``zh`` for ``zh-CN`` and ``zh_Hant_TW``."""
    ours = {name.lower(): name for name in get_locales()}
    asked = locale.lower().replace("-", "_")
    while asked and asked not in ours:
        asked, _, _ = asked.rpartition("_")
    return ours.get(asked, _FALLBACK_LOCALE)


@cache
def _load_texts(locale: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = import_module(f".{locale}", __name__).TEXTS
    return texts


def get_visitor_text_keys() -> tuple[str, ...]:
    """Return the names of what a site's visitors read, besides what stands in rows of tables."""
    return tuple(
        key for key in _load_texts(_FALLBACK_LOCALE) if key.startswith(_VISITOR_KEY_PREFIXES)
    )


def get_text_keys() -> tuple[str, ...]:
    """Return the names of all texts, save for what stands in rows of tables."""
    return tuple(_load_texts(_FALLBACK_LOCALE))


def find_placeholders(text: str) -> set[str]:
    """Return the names in braces that a text has.

    :raises ValueError: when a brace is not closed, or has more than a name in it.
    """
    parts = list(Formatter().parse(text))
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise ValueError(
            f"{text!r} must have only names in braces, without a format or conversion."
        )
    return {name for _, name, _, _ in parts if name is not None}


def get_allowed_placeholders(key: str) -> set[str]:
    """Return the names in braces that a text may have."""
    return find_placeholders(_load_texts(_FALLBACK_LOCALE).get(key, ""))


def get_text_and_locale(
    locale: str, key: str, fallback_texts: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Return a text, and the locale in which it was found.

    :param locale: such as ``zh`` or ``zh-CN``; of one that is not there, English.
    :param key: the name of the text, the same in every file.
    :param own: the text by locale, where it stands in a row of a table; a file may override it.
    :raises KeyError: when there is no such text, not even in English.
    """
    for each in (get_nearest_locale(locale), _FALLBACK_LOCALE):
        found = _load_texts(each).get(key, (fallback_texts or {}).get(each))
        if found is not None:
            return found, each
    raise KeyError(key)


def get_text(
    locale: str,
    key: str,
    fallback_texts: Mapping[str, str] | None = None,
    /,
    **placeholders: object,
) -> str:
    """Return a text; see :func:`find`.

    :param values: what replaces the names in braces.
    """
    found, _ = get_text_and_locale(locale, key, fallback_texts)
    return found.format(**placeholders) if placeholders else found
