"""The contrast of two colors, as WCAG 2 defines it."""

from __future__ import annotations

#: The lowest contrast at which text of normal size is readable (success criterion 1.4.3).
MIN_TEXT_CONTRAST = 4.5


def compute_contrast(color: str, other_color: str) -> float:
    """Return the contrast ratio of two colors such as ``#0b7d73``, from 1 to 21."""
    darker, lighter = sorted(map(_compute_luminance, (color, other_color)))
    return (lighter + 0.05) / (darker + 0.05)


def _compute_luminance(color: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (part / 255 for part in bytes.fromhex(color.removeprefix("#")))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
