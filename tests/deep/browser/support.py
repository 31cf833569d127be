"""A helper that reads the computed style of an element on a page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator


def get_computed_style(element: Locator, pseudo: str | None = None) -> Any:
    """Return all properties of an element's computed style, as a dict of names and values.

    :param pseudo: a pseudo-element such as ``::after``.
    """
    return element.evaluate(
        """(element, pseudo) => {
            const style = getComputedStyle(element, pseudo);
            return Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)]));
        }""",
        pseudo,
    )
