"""The static files: their versions, by which their URLs change, and the layer of the styles."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

STYLES, SCRIPT = "xiebao.css", "xiebao.js"

# Begins what says where an entry stands, and alone is in the layer: what is in none always wins.
_WHERE = "@media all {"

_FOLDER = Path(__file__).parents[1] / "static"
# What CSS may call a layer: names, with dots between them.
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
LAYER = rf"{_NAME}(?:\.{_NAME})*"


@cache
def version(name: str) -> str:
    """Return a hash of a file's content; with it in the URL, caches may keep the file for ever."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:8]


def styles_at(filename: str) -> str | None:
    """Return the stylesheet with the layer that a file's name says; None for another file."""
    layer = re.fullmatch(rf"layer/({LAYER})/{re.escape(STYLES)}", filename)
    if layer is None:
        return None
    styles = (_FOLDER / STYLES).read_text("utf-8")
    return styles.replace(_WHERE, f"@layer {layer[1]} {{")
