"""What visitors and QA read: a file for each locale. To add a locale, add its file.

A file's ``TEXTS`` may leave out what it has no words for: English is the last resort.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

_LAST_RESORT = "en"


@cache
def locales() -> tuple[str, ...]:
    """Return the names of the locales."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def _texts(locale: str) -> Mapping[str, str]:
    texts: Mapping[str, str] = import_module(f".{locale}", __name__).TEXTS
    return texts


def text(locale: str, key: str, own: Mapping[str, str] | None = None, /, **values: object) -> str:
    """Return the text of a locale.

    :param key: the name of the text, the same in every file.
    :param own: the text by locale, where it stands in a row of a table; a file may override it.
    :param values: what replaces the names in braces.
    :raises KeyError: when there is no such text, not even in English.
    """
    for each in (locale, _LAST_RESORT):
        found = _texts(each).get(key) or (own or {}).get(each)
        if found is not None:
            return found.format(**values) if values else found
    raise KeyError(key)
