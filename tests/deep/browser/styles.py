"""What browsers compute of a style."""

from __future__ import annotations

from playwright.sync_api import Locator


def computed(entry: Locator, pseudo: str = "") -> dict[str, str]:
    """Return every computed property."""
    style: dict[str, str] = entry.evaluate(
        """(entry, pseudo) => {
            const style = getComputedStyle(entry, pseudo || null);
            return Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)]));
        }""",
        pseudo,
    )
    return style


def differences(one: dict[str, str], other: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
