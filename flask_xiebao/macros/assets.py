"""Hashes for the URLs of static files, and the stylesheet inside a CSS cascade layer."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

STYLESHEET_FILE, SCRIPT_FILE = "xiebao.css", "xiebao.js"

# The first line of the CSS rules that place entries on a page. Only these rules go into a cascade
# layer. All other rules stay outside, because rules outside of any layer override the rules in
# layers.
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
    """Return the stylesheet inside a CSS layer, for a path such as ``layer/base/xiebao.css``.

    In this example, ``base`` is the layer. Return None for paths of other files.
    """
    match = re.fullmatch(rf"layer/({LAYER_NAME_PATTERN})/{re.escape(STYLESHEET_FILE)}", filename)
    if match is None:
        return None
    stylesheet = (_STATIC_FOLDER / STYLESHEET_FILE).read_text("utf-8")
    return stylesheet.replace(_PLACEMENT_RULES_START, f"@layer {match[1]} {{")
