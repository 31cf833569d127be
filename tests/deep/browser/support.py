"""Helpers for the computed styles of elements."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator


def get_computed_style(element: Locator, pseudo: str | None = None) -> Any:
    """Return all properties of the computed style, as a dict from names to values.

    :param pseudo: a pseudo-element such as ``::after``.
    """
    return element.evaluate(
        """(element, pseudo) => {
            const style = getComputedStyle(element, pseudo);
            return Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)]));
        }""",
        pseudo,
    )
