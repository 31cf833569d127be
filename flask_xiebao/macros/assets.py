"""The stylesheet, the script and the pictures: how their URLs change, and styles in a layer."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

STYLES, SCRIPT = "xiebao.css", "xiebao.js"

# Where the part begins that is in no layer: there, rules without a layer would win over it.
_OUTSIDE = "/* What no rule about links takes away"
_FOLDER = Path(__file__).parents[1] / "static"
# What CSS may call a layer: names, with dots between them.
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_LAYER = re.compile(rf"{_NAME}(\.{_NAME})*")


@cache
def version(name: str) -> str:
    """Return what changes with the content of a file, so that caches may keep it for ever."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:8]


def is_layer(name: object) -> bool:
    """Tell whether CSS takes this as the name of a layer."""
    return isinstance(name, str) and _LAYER.fullmatch(name) is not None


def layered(name: str, layer: str) -> str:
    """Return where the stylesheet is in a layer."""
    return f"layer/{layer}/{name}"


def styles_at(filename: str) -> str | None:
    """Return the stylesheet in the layer that :func:`layered` put into a file's name, or None."""
    folder, _, rest = filename.partition("/")
    layer, _, name = rest.partition("/")
    if folder != "layer" or name != STYLES or not is_layer(layer):
        return None
    inside, begins, outside = (_FOLDER / STYLES).read_text("utf-8").partition(_OUTSIDE)
    # HTML has no attribute for it.
    return f"@layer {layer} {{\n{inside}}}\n\n{begins}{outside}"
