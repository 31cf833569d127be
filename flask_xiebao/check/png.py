"""Reads the QR codes of mails, which are PNGs of one bit a pixel, as the PNG specification says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import groupby

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bits of a pixel; then gray, deflate, filters and no interlace: what QR codes are drawn with.
_ONE_BIT_GRAY = (1, 0, 0, 0, 0)
_NONE, _UP = 0, 2
# How many pixels wide a picture of the largest code is at most, with its quiet zone.
_LARGEST = 185 * 32
# How wide the square in the upper left corner is, with which the first dark row begins.
_SQUARE = 7


def drawing_of(png: bytes) -> str | None:
    """Return what a PNG of a QR code shows, as an SVG would draw it; None for any other picture.

    :return: what :func:`.read_code` reads.
    """
    try:
        rows = list(_rows(png))
    except (ValueError, struct.error, zlib.error):
        return None
    first = next((row for row in rows if 0 in row), None)
    if first is None:
        return None
    scale = next(length for pixel, length in _runs(first) if pixel == 0) // _SQUARE
    if scale == 0:
        return None
    lines = []
    for y, row in enumerate(rows[::scale]):
        x = 0
        for pixel, length in _runs(row[::scale]):
            if pixel == 0:
                lines.append(f"M{x} {y}.5h{length}")
            x += length
    return "".join(lines)


def _runs(row: list[int]) -> Iterator[tuple[int, int]]:
    for pixel, run in groupby(row):
        yield pixel, len(list(run))


def _rows(png: bytes) -> Iterator[list[int]]:
    """Return the pixels of each row: 0 for black.

    :raises ValueError: when it is another kind of picture.
    """
    if not png.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    chunks = dict(_chunks(png))
    width, height, *kind = struct.unpack(">IIBBBBB", chunks.get(b"IHDR", b""))
    if tuple(kind) != _ONE_BIT_GRAY or not 0 < max(width, height) <= _LARGEST:
        raise ValueError("another kind of PNG")
    stride = (width + 7) // 8 + 1
    data = zlib.decompressobj().decompress(chunks.get(b"IDAT", b""), stride * height)
    if len(data) != stride * height:
        raise ValueError("another kind of PNG")
    above = bytes(stride - 1)
    for at in range(0, len(data), stride):
        # Each row says how it is filtered: not at all, or as what differs from the one above.
        filtered, row = data[at], data[at + 1 : at + stride]
        if filtered not in (_NONE, _UP):
            raise ValueError("another kind of PNG")
        if filtered == _UP:
            row = bytes((one + other) % 256 for one, other in zip(row, above, strict=True))
        above, bits = row, int.from_bytes(row)
        yield [bits >> (8 * (stride - 1) - 1 - x) & 1 for x in range(width)]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += length + 12
