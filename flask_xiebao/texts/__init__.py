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

_LAST_RESORT = "en"
# What is said on pages of a shop; the rest is said by the simulator and to who tests a site.
_VISITORS = ("site.", "qr.", "card.", "navigate.", "handoff.", "notice.")


@cache
def locales() -> tuple[str, ...]:
    """Return the names of the locales."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@lru_cache
def nearest(locale: str) -> str:
    """Return the one of our locales that is meant: ``zh`` for ``zh-CN`` and ``zh_Hant_TW``."""
    ours = {name.lower(): name for name in locales()}
    asked = locale.lower().replace("-", "_")
    while asked and asked not in ours:
        asked, _, _ = asked.rpartition("_")
    return ours.get(asked, _LAST_RESORT)


@cache
def _texts(locale: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = import_module(f".{locale}", __name__).TEXTS
    return texts


def visitors_texts() -> tuple[str, ...]:
    """Return the names of what a site's visitors read, besides what stands in rows of tables."""
    return tuple(key for key in _texts(_LAST_RESORT) if key.startswith(_VISITORS))


def keys() -> tuple[str, ...]:
    """Return the names of all texts, save for what stands in rows of tables."""
    return tuple(_texts(_LAST_RESORT))


def names_in(words: str) -> set[str]:
    """Return the names in braces that a text has.

    :raises ValueError: when a brace is not closed, or has more than a name in it.
    """
    parts = list(Formatter().parse(words))
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise ValueError(
            f"{words!r} must have only names in braces, without a format or conversion."
        )
    return {name for _, name, _, _ in parts if name is not None}


def names_of(key: str) -> set[str]:
    """Return the names in braces that a text may have."""
    return names_in(_texts(_LAST_RESORT).get(key, ""))


def find(locale: str, key: str, own: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return a text, and the locale in which it was found.

    :param locale: such as ``zh`` or ``zh-CN``; of one that is not there, English.
    :param key: the name of the text, the same in every file.
    :param own: the text by locale, where it stands in a row of a table; a file may override it.
    :raises KeyError: when there is no such text, not even in English.
    """
    for each in (nearest(locale), _LAST_RESORT):
        found = _texts(each).get(key, (own or {}).get(each))
        if found is not None:
            return found, each
    raise KeyError(key)


def text(locale: str, key: str, own: Mapping[str, str] | None = None, /, **values: object) -> str:
    """Return a text; see :func:`find`.

    :param values: what replaces the names in braces.
    """
    found, _ = find(locale, key, own)
    return found.format(**values) if values else found
