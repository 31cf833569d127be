"""Reads the QR codes in a page as a phone's camera would."""

from __future__ import annotations

import re

import zxingcpp
from PIL import Image, ImageDraw

DOT = 4  # pixels a module
QR_CODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read(svg: str) -> str:
    """Return what the one QR code in this markup says."""
    text = read_picture(picture(svg))
    if text is None:
        raise AssertionError("This code cannot be read.")
    return text


def picture(svg: str) -> Image.Image:
    """Return the one QR code in this markup as a picture of :data:`DOT` pixels a module."""
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


def read_picture(image: Image.Image) -> str | None:
    """Return what the QR code in a picture says, if it can be read."""
    codes = zxingcpp.read_barcodes(image, formats=QR_CODE)
    return codes[0].text if codes else None
