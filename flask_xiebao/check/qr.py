"""Reads the QR codes of a page from their modules, as ISO/IEC 18004 has them.

They were drawn and not photographed, so nothing has to be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Any

# A line of dark modules that an SVG draws: where it begins, and how long it is.
_LINE = re.compile(r"([Mm])(-?\d{1,3}(?:\.5)?)[ ,]?(-?\d{1,3}(?:\.5)?)h(\d{1,3})\s*")
_LINES = re.compile(rf"(?:{_LINE.pattern})+")
# The square at three corners, of which a code is known.
_SQUARE = {
    (y, x)
    for y in range(7)
    for x in range(7)
    if {0, 6} & {y, x} or (y in (2, 3, 4) and x in (2, 3, 4))
}

# The largest code is drawn in fewer, and has fewer modules.
_LONGEST, _MOST = 200_000, 177 * 177

_FORMAT_MASK = 0b101010000010010
_BYTES = 4

_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)


def read_code(paths: Iterable[str]) -> str | None:
    """Return what a QR code says; None where there is none that can be read, and says a URL.

    :param paths: what an SVG draws.
    """
    return next(filter(None, map(_read, paths)), None)


# On devices that are alike, pages are alike.
@lru_cache(64)
def _read(path: str) -> str | None:
    if len(path) > _LONGEST or not _LINES.fullmatch(path):
        return None
    code = _Code(path)
    return code.text() if code.is_one() else None


class _Code:
    """The modules of one code."""

    def __init__(self, drawing: str) -> None:
        dark = set(islice(_dark_modules(drawing), _MOST))
        left = min((x for _, x in dark), default=0)
        top = min((y for y, _ in dark), default=0)
        self._dark = {(y - top, x - left) for y, x in dark}
        self._size = max((x for _, x in self._dark), default=0) + 1
        self._version, self._rest = divmod(self._size - 17, 4)

    def is_one(self) -> bool:
        """Tell whether it is a QR code, and not some other drawing of lines."""
        if self._rest or not 1 <= self._version <= 40:
            return False
        far = self._size - 7
        return all(
            {
                (y - top, x - left)
                for y, x in self._dark
                if top <= y < top + 7 and left <= x < left + 7
            }
            == _SQUARE
            for top, left in ((0, 0), (0, far), (far, 0))
        )

    def text(self) -> str | None:
        """Return what it says; None where it cannot be read."""
        level, mask = self._format()
        text = _text_in(self._data(level, mask), self._version)
        if text is None or self._dark != _drawn(text, self._version, "MLHQ"[level], mask):
            return None
        return text

    def _format(self) -> tuple[int, int]:
        """Return the error level and the mask, which stand around the upper left corner."""
        around = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)]
        around += [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
        bits = _number(place in self._dark for place in around) ^ _FORMAT_MASK
        return bits >> 13, bits >> 10 & 7

    def _data(self, level: int, mask: int) -> bytes:
        """Return the codewords of data: blocks take turns, and their shorter ones end first."""
        from segno import consts

        levels = (
            consts.ERROR_LEVEL_M,
            consts.ERROR_LEVEL_L,
            consts.ERROR_LEVEL_H,
            consts.ERROR_LEVEL_Q,
        )
        table: Any = consts.ECC
        groups = table[self._version][levels[level]]
        lengths = [group.num_data for group in groups for _ in range(group.num_blocks)]
        words = self._codewords(mask)
        blocks: list[list[int]] = [[] for _ in lengths]
        for place in range(max(lengths)):
            for block, length in zip(blocks, lengths, strict=True):
                if place < length:
                    block.append(next(words))
        return bytes(word for block in blocks for word in block)

    def _codewords(self, mask: int) -> Iterator[int]:
        bits = []
        for y, x in _path(self._version):
            bits.append(((y, x) in self._dark) != _MASKS[mask](y, x))
            if len(bits) == 8:
                yield _number(bits)
                bits = []


@cache
def _path(version: int) -> tuple[tuple[int, int], ...]:
    """Return the modules that are data: up and down, two columns at a time."""
    size = 17 + 4 * version
    path: list[tuple[int, int]] = []
    upwards = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for y in range(size - 1, -1, -1) if upwards else range(size):
            path += [(y, x) for x in (right, right - 1) if not _is_pattern(version, y, x)]
        upwards = not upwards
    return tuple(path)


def _is_pattern(version: int, y: int, x: int) -> bool:
    """Tell whether a module is part of a pattern that all codes of this version have."""
    from segno import consts

    last = 16 + 4 * version
    if 6 in (y, x) or _is_at_corner(last, y, x):
        return True
    if version >= 7 and ((x < 6 and y >= last - 10) or (y < 6 and x >= last - 10)):
        return True
    centres = consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    return any(
        abs(y - row) <= 2 and abs(x - column) <= 2
        for row in centres
        for column in centres
        if not _is_at_corner(last, row, column)
    )


def _is_at_corner(last: int, y: int, x: int) -> bool:
    """Tell whether a module belongs to one of the three large squares, or what is around it."""
    return (y <= 8 and (x <= 8 or x >= last - 7)) or (y >= last - 7 and x <= 8)


def _dark_modules(drawing: str) -> Iterator[tuple[int, int]]:
    x = y = 0.0
    for command, to_x, to_y, length in _LINE.findall(drawing):
        x, y = (float(to_x), float(to_y)) if command == "M" else (x + float(to_x), y + float(to_y))
        yield from ((int(y), int(x) + step) for step in range(int(float(length))))
        x += float(length)


def _drawn(text: str, version: int, error: str, mask: int) -> set[tuple[int, int]]:
    """Return the dark modules of a code without a fault: phones get over a few, but not all do."""
    import segno

    code = segno.make_qr(
        text, version=version, error=error, mask=mask, mode="byte", boost_error=False
    )
    return {(y, x) for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark}


def _text_in(data: bytes, version: int) -> str | None:
    """Return the text that codewords say, as bytes of ASCII; links are nothing else."""
    bits = "".join(f"{word:08b}" for word in data)
    mode, bits = int(bits[:4], 2), bits[4:]
    if mode != _BYTES:
        return None
    width = 8 if version < 10 else 16
    length, bits = int(bits[:width], 2), bits[width:]
    if length * 8 > len(bits):
        return None
    said = bytes(int(bits[place : place + 8], 2) for place in range(0, length * 8, 8))
    try:
        return said.decode("ascii") or None
    except UnicodeDecodeError:
        return None


def _number(bits: Iterator[bool] | list[bool]) -> int:
    return int("".join("01"[bit] for bit in bits), 2)
