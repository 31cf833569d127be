"""What sites may still write until 0.4, and how they hear of it.

A :exc:`DeprecationWarning` is seen in a site's tests; what its templates do is warned of in no file
of Python's, so the log says it, too, once for each place. Nothing here uses Flask.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from .errors import LinkError

_MOST = 100
_told: set[str] = set()


def warn(what: str, log: Callable[[str], None] | None = None) -> None:
    """Say that a site does what 0.4 does not take any more.

    :param what: what that is, and what to do.
    :param log: writes a line into the log, unless it did; by default into that of the package.
    """
    level, place = _caller()
    warnings.warn(what, DeprecationWarning, stacklevel=level)
    (log or _log)(f"{what} See {place}.")


def in_new_names(
    keywords: Mapping[str, Any], log: Callable[[str], None] | None = None
) -> Mapping[str, Any]:
    """Return the keywords of a link; ``max_age`` is what ``no_login_for`` was called until 0.3.

    :raises LinkError: both are given.
    """
    if "max_age" not in keywords:
        return keywords
    others = {name: value for name, value in keywords.items() if name != "max_age"}
    if keywords["max_age"] is None:
        return others
    if others.get("no_login_for") is not None:
        raise LinkError(
            "max_age is what no_login_for was called until 0.3: give no_login_for alone.",
            "no_login_for",
        )
    warn(
        "max_age is called no_login_for now, and is refused from 0.4 on: for so many seconds,"
        " whoever holds the link goes as the member, without a login.",
        log,
    )
    return {**others, "no_login_for": keywords["max_age"]}


def _log(line: str) -> None:
    if line not in _told and len(_told) < _MOST:
        _told.add(line)
        logging.getLogger("flask_xiebao").warning("%s", line)


def _caller() -> tuple[int, str]:
    """Return how many frames up the site is, as :func:`warnings.warn` counts, and where there."""
    level = 1
    frame: FrameType | None = sys._getframe(2)  # past this one and warn()
    while frame is not None:
        level += 1
        names, template = frame.f_globals, frame.f_globals.get("__jinja_template__")
        if template is not None:
            if not str(template.name).startswith("xiebao/"):
                line = template.get_corresponding_lineno(frame.f_lineno)
                return level, f"{template.name or 'a template'}, line {line}"
        elif names.get("__name__", "").partition(".")[0] not in ("flask_xiebao", "jinja2"):
            return level, f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        frame = frame.f_back
    return level, "the command line"
