"""What sites may still write until 0.4, and how they are told to change it.

A :exc:`DeprecationWarning` shows in the site's tests. Tests seldom cover templates, so the log says
it too, once for each place. Nothing here uses Flask.
"""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .errors import LinkError

# The last two make entries for a site, with the keywords that it gave them.
_NOT_THE_SITES = ("flask_xiebao", "jinja2", "click", "flask", "dataclasses", "copy")

#: Logs a line, but only the first time.
Log = Callable[[str], None]


class SourceLine(NamedTuple):
    """A line of a site's files, as :func:`warnings.warn_explicit` takes it."""

    file: str
    line: int
    module: str
    registry: dict[Any, Any]

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


def warn(what: str, log: Log | None = None) -> None:
    """Warn of something in the site's code that will be refused from 0.4 on.

    :param what: what it is, and what to do instead.
    :param log: by default the package's own logger.
    """
    warnings.warn_explicit(what, DeprecationWarning, *caller())
    tell(what, log)


def tell(what: str, log: Log | None = None) -> None:
    """Log *what* once for each place in the site's files that causes it."""
    (log or _log_once)(f"{what} See {caller()}.")


def in_new_names(keywords: Mapping[str, Any], log: Log | None = None) -> Mapping[str, Any]:
    """Return the keywords of a link, with ``max_age`` under its new name ``no_login_for``.

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


@lru_cache(maxsize=1000)
def _log_once(line: str) -> None:
    logging.getLogger("flask_xiebao").warning("%s", line)


def caller() -> SourceLine:
    """Return the innermost line of the site's own code or templates that is running."""
    for frame, line in traceback.walk_stack(sys._getframe(1)):
        names, file = frame.f_globals, frame.f_code.co_filename
        module, template = names.get("__name__", ""), names.get("__jinja_template__")
        is_the_sites = module.partition(".")[0] not in _NOT_THE_SITES
        if template is not None:  # compiled, with lines of its own
            file, line = template.name or "a template", template.get_corresponding_lineno(line)
            is_the_sites = not file.startswith("xiebao/")
        if is_the_sites:
            return SourceLine(file, line, module, names.setdefault("__warningregistry__", {}))
    return SourceLine("the command line", 1, "", {})
