"""What sites may still write until 0.4, and how they hear of it.

A :exc:`DeprecationWarning` shows in the site's tests. Templates are seldom covered by those, so the
log says it too, once for each place. Nothing here uses Flask.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NamedTuple

from .errors import LinkError

_NOT_THE_SITES = ("flask_xiebao", "jinja2", "click", "flask")
_MOST = 100
_logged: set[str] = set()

#: Writes a line into a log, once.
Log = Callable[[str], None]


class SourceLine(NamedTuple):
    """Where in a site's files something is written."""

    file: str
    line: int
    module: str
    registry: dict[Any, Any]

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def warn(what: str, log: Log | None = None) -> None:
    """Say that a site does what will be refused from 0.4 on, and where.

    :param what: what that is, and what to do.
    :param log: by default that of the package.
    """
    place = caller()
    warnings.warn_explicit(what, DeprecationWarning, *place)
    tell(what, log, place)


def tell(what: str, log: Log | None = None, place: SourceLine | None = None) -> None:
    """Say something in the log, once for each place in the site's files that makes it so."""
    (log or _log)(f"{what} See {place or caller()}.")


def in_new_names(keywords: Mapping[str, Any], log: Log | None = None) -> Mapping[str, Any]:
    """Return the keywords of a link; ``max_age`` is what ``no_login_for`` was called until 0.3.

    :raises LinkError: both are given.
    """
    if "max_age" not in keywords:
        return keywords
    others = {name: value for name, value in keywords.items() if name != "max_age"}
    if others.get("no_login_for") is not None:
        raise LinkError(
            "max_age is what no_login_for was called until 0.3: give no_login_for alone.",
            "no_login_for",
        )
    warn("max_age is now called no_login_for, and will be refused from 0.4 on.", log)
    return {**others, "no_login_for": keywords["max_age"]}


def _log(line: str) -> None:
    if line not in _logged and len(_logged) < _MOST:
        _logged.add(line)
        logging.getLogger("flask_xiebao").warning("%s", line)


def caller() -> SourceLine:
    """Return the innermost place in the site's own code or templates."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        names = frame.f_globals
        module, template = names.get("__name__", ""), names.get("__jinja_template__")
        file, line = frame.f_code.co_filename, frame.f_lineno
        is_the_sites = module.partition(".")[0] not in _NOT_THE_SITES
        if template is not None:  # compiled, with lines of its own
            file, line = template.name or "a template", template.get_corresponding_lineno(line)
            is_the_sites = not file.startswith("xiebao/")
        if is_the_sites:
            return SourceLine(file, line, module, names.setdefault("__warningregistry__", {}))
        frame = frame.f_back
    return SourceLine("the command line", 1, "", {})
