"""Decodes the QR codes of a page."""

from __future__ import annotations

import re

import zxingcpp
from PIL import Image, ImageDraw

DOT = 4  # The width of a module in pixels.
QR_CODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read(svg: str) -> str:
    """Return the text of the only QR code in this markup."""
    text = read_image(draw_image(svg))
    if text is None:
        raise AssertionError("The QR code cannot be decoded.")
    return text


def draw_image(svg: str) -> Image.Image:
    """Return an image of the only QR code in this markup. A module is :data:`DOT` pixels wide."""
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


def read_image(image: Image.Image) -> str | None:
    """Return the text of the QR code in an image, or None if it cannot be decoded."""
    codes = zxingcpp.read_barcodes(image, formats=QR_CODE)
    return codes[0].text if codes else None
