"""Deprecated names of public attributes and methods."""

from __future__ import annotations

import warnings
from typing import Any


class DeprecatedAlias:
    """A descriptor for the deprecated name of a public attribute or method.

    :param new_name: The current name.
    """

    def __init__(self, new_name: str) -> None:
        self._new_name = new_name

    def __set_name__(self, owner: type, name: str) -> None:
        self._old_name = f"{owner.__name__}.{name}"

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        warnings.warn(
            f'"{self._old_name}" is deprecated. Use "{self._new_name}" instead.',
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(instance, self._new_name)
