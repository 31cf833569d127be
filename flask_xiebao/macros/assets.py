"""The static files: their versions, by which their URLs change, and the layer of the styles."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

STYLESHEET_FILE, SCRIPT_FILE = "xiebao.css", "xiebao.js"

# Begins what says where an entry stands, and alone is in the layer: what is in none always wins.
_PLACEMENT_RULES_START = "@media all {"

_STATIC_FOLDER = Path(__file__).parents[1] / "static"
# What CSS may call a layer: names, with dots between them.
_LAYER_NAME_PART = r"[A-Za-z_][A-Za-z0-9_-]*"
LAYER_NAME_PATTERN = rf"{_LAYER_NAME_PART}(?:\.{_LAYER_NAME_PART})*"


@cache
def get_file_hash(filename: str) -> str:
    """Return a hash of a file's content; with it in the URL, caches may keep the file for ever."""
    return hashlib.sha256((_STATIC_FOLDER / filename).read_bytes()).hexdigest()[:8]


def build_stylesheet_in_layer(filename: str) -> str | None:
    """Return the stylesheet with the layer that a file's name says; None for another file."""
    layer = re.fullmatch(rf"layer/({LAYER_NAME_PATTERN})/{re.escape(STYLESHEET_FILE)}", filename)
    if layer is None:
        return None
    styles = (_STATIC_FOLDER / STYLESHEET_FILE).read_text("utf-8")
    return styles.replace(_PLACEMENT_RULES_START, f"@layer {layer[1]} {{")
