"""Logs what to fix, in the current app's own log and not over and over.

That somebody was refused is not for the site to fix: that is on the logger ``flask_xiebao``, at
INFO. Where what an error says may be somebody's name, as in a notification, only its place is
logged.
"""

from __future__ import annotations

import inspect
import logging
import math
import os
import sysconfig
import time
import traceback
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

import click
import flask
import jinja2
from flask import Flask

from ..errors import ConfigError, OrderError
from .current import get_current_app
from .rehearsal import is_rehearsal

#: Who was refused, and why.
logger = logging.getLogger("flask_xiebao")

_REPEAT_AFTER_SECONDS = 60
_MAX_MESSAGES_PER_GROUP = 10
_MAX_MESSAGES = 1000
_MAX_MESSAGE_LENGTH = 1000  # characters

# What was said of an app: until when each thing is not said again, by what it is about, and whether
# it is said only once.
_logged_until: WeakKeyDictionary[Flask, dict[tuple[str, bool], dict[str, float]]] = (
    WeakKeyDictionary()
)

_LIBRARY_PATHS = (
    "<",  # code that libraries generate
    *(
        f"{folder}{os.sep}"
        for folder in (
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            Path(__file__).parents[1],
        )
    ),
)

# find_caller() skips these files, because they run between the site's code and the extension.
_PATHS_SKIPPED_FOR_CALLER = (
    "<",  # Templates from strings have no file.
    *(f"{Path(file).parent}{os.sep}" for file in (click.__file__, flask.__file__, jinja2.__file__)),
    f"{Path(__file__).parents[1]}{os.sep}",
)


def log_throttled(
    message: str,
    *,
    group: str = "",
    duplicate_key: str = "",
    exc_info: bool = False,
    level: int = logging.ERROR,
    once: bool = False,
) -> None:
    """Log *message* in the current app's own log, unless that was done within a minute.

    :param message: what is wrong and how to fix it.
    :param about: what it is about, where visitors can make the message another one each time: a few
        of these are logged in a minute.
    :param like: messages with the same word here count as one, by default those of the same text.
    :param exc_info: add the traceback of the exception that is being handled.
    :param level: of the logging module.
    :param once: log it once in the life of the app, not once a minute.
    """
    app = get_current_app()
    message = (
        message if len(message) <= _MAX_MESSAGE_LENGTH else f"{message[:_MAX_MESSAGE_LENGTH]}…"
    )
    duplicate_key = duplicate_key or message
    # What visitors' clicks say later is not said already.
    said = {} if is_rehearsal() else _logged_until.setdefault(app, {})
    now = time.monotonic()
    recent = {one: until for one, until in said.get((group, once), {}).items() if now < until}
    most = _MAX_MESSAGES_PER_GROUP if group else _MAX_MESSAGES
    if duplicate_key in recent or len(recent) >= most:
        return
    said[group, once] = {**recent, duplicate_key: math.inf if once else now + _REPEAT_AFTER_SECONDS}
    if group and not once and len(recent) == most - 1:
        message += " Similar messages are suppressed for a minute."
    app.logger.log(level, message, exc_info=exc_info)


def warn_once(message: str, *, duplicate_key: str = "") -> None:
    """Log *message* as a warning in the current app's own log, once in the life of the app.

    :param like: as :func:`complain` has it.
    """
    log_throttled(message, duplicate_key=duplicate_key, level=logging.WARNING, once=True)


def get_function_name(function: object) -> str:
    """Return the name of a function of the site's.

    Its ``repr`` would not do: that of a bound method shows the attributes of its object.
    """
    while isinstance(function, partial):
        function = function.func
    try:
        return f"{function.__module__}.{function.__qualname__}"  # type: ignore[attr-defined]
    except Exception:  # a callable object, or a proxy without its object
        return f"{type(function).__module__}.{type(function).__qualname__}"


def get_caller_location() -> str:
    """Return the site's template, or its Python file and line, that called the extension."""
    for frame, line in traceback.walk_stack(inspect.currentframe()):
        file = frame.f_code.co_filename
        if not file.startswith(_PATHS_SKIPPED_FOR_CALLER):
            # Jinja runs compiled code, whose line numbers are not those of the template.
            where = f", line {line}" if file.endswith(".py") else ""
            return f"{file.removeprefix(_get_working_directory_prefix())}{where}"
    return "the command line"


def get_error_location(error: BaseException) -> str:
    """Return the innermost place of a caught error: in the site's own files, else in any."""
    return find_error_location_in_site(error) or _format_location(
        traceback.extract_tb(error.__traceback__)[-1]
    )


def find_error_location_in_site(error: BaseException) -> str | None:
    """Return the innermost place of an error in the site's own files, or None."""
    places = [
        place
        for place in traceback.extract_tb(error.__traceback__)
        if not place.filename.startswith(_LIBRARY_PATHS)
    ]
    here = [place for place in places if place.filename.startswith(_get_working_directory_prefix())]
    innermost = (here or places)[-1:]
    return _format_location(innermost[0]) if innermost else None


def format_error_for_log(error: BaseException) -> str:
    """Return the class and the place of an error.

    Its message may contain people's names, and is shown only if the extension raised it.
    """
    if isinstance(error, OrderError | ConfigError) and find_error_location_in_site(error) is None:
        return f"{type(error).__name__}: {str(error).rstrip('.')}"
    code = f" {error.code}" if isinstance(error, OrderError) and error.code is not None else ""
    return f"{type(error).__name__}{code} in {get_error_location(error)}"


def _format_location(frame: traceback.FrameSummary) -> str:
    path = frame.filename.removeprefix(_get_working_directory_prefix())
    return f"{frame.name} ({path}:{frame.lineno})"


def _get_working_directory_prefix() -> str:
    return f"{os.getcwd()}{os.sep}"
