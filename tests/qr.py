"""Decode QR codes in SVG markup and in images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

#: The width in pixels of a module, which is the smallest square of a QR code.
DOT = 4


def read(svg: str) -> str:
    """Return the text of the only QR code in this SVG markup."""
    text = decode_qr_code(draw_qr_code(svg))
    if text is None:
        raise AssertionError("The QR code cannot be decoded.")
    return text


def draw_qr_code(svg: str) -> Image.Image:
    """Draw the only QR code in this SVG markup. Each module is :data:`DOT` pixels wide."""
    from PIL import Image, ImageDraw

    [path] = re.findall(r'<path[^>]* stroke="#000"[^>]* d="([^"]+)"', svg)
    [side] = re.findall(r'viewBox="0 0 (\d+) \1"', svg)
    image = Image.new("L", (int(side) * DOT, int(side) * DOT), 255)
    pen = ImageDraw.Draw(image)
    x = y = 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)[ ,]?(-?[\d.]+)?", path):
        if command == "h":
            left, top, width = x * DOT, (y - 0.5) * DOT, float(first) * DOT
            pen.rectangle((left, top, left + width - 1, top + DOT - 1), fill=0)
            x += float(first)
        elif command == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    return image


def decode_qr_code(image: Image.Image) -> str | None:
    """Return the text of the QR code in an image, or None if it cannot be decoded."""
    import zxingcpp

    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    codes = zxingcpp.read_barcodes(image, formats=formats)
    return codes[0].text if codes else None
