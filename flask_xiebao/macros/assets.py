"""Functions that hash static files for their URLs, and move CSS rules into a cascade layer."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

STYLESHEET_FILE, SCRIPT_FILE, DEBUG_SCRIPT_FILE = "xiebao.css", "xiebao.js", "debug.js"

# The first line of the CSS block with the rules that place entries on a page. Only this block is
# wrapped in a CSS layer. All other rules of the stylesheet stay outside of layers, because they
# must override the site's rules in layers.
_PLACEMENT_RULES_START = "@media all {"

_STATIC_FOLDER = Path(__file__).parents[1] / "static"
# A CSS layer name consists of parts that are separated by dots.
_LAYER_NAME_PART = r"[A-Za-z_][A-Za-z0-9_-]*"
LAYER_NAME_PATTERN = rf"{_LAYER_NAME_PART}(?:\.{_LAYER_NAME_PART})*"


@cache
def get_file_hash(filename: str) -> str:
    """Return eight hex digits of a static file's hash.

    Caches may keep the file forever, because the hash is part of its URL.
    """
    return hashlib.sha256((_STATIC_FOLDER / filename).read_bytes()).hexdigest()[:8]


def build_stylesheet_in_layer(filename: str) -> str | None:
    """Return the stylesheet. Move its rules that place entries into the CSS layer in *filename*.

    The filename ``layer/base/xiebao.css``, for example, contains the layer name ``base``. Return
    None for the filenames of other files.
    """
    match = re.fullmatch(rf"layer/({LAYER_NAME_PATTERN})/{re.escape(STYLESHEET_FILE)}", filename)
    if match is None:
        return None
    stylesheet = (_STATIC_FOLDER / STYLESHEET_FILE).read_text("utf-8")
    return stylesheet.replace(_PLACEMENT_RULES_START, f"@layer {match[1]} {{")
