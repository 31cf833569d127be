"""Logging of problems that the site's developers have to fix.

The problems are logged in the app's own log and are not repeated at each request. Refused clicks
are not problems of the site. The logger ``flask_xiebao`` logs them at the level INFO. If the text
of an exception may contain people's names, for example when a notification is processed, only the
class and the place of the exception are logged.
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
from werkzeug.routing import BuildError

from ..errors import ConfigError, OrderError, XiebaoError
from .current import get_current_app
from .rehearsal import is_rehearsal

#: The logger for refused clicks and rejected notifications.
logger = logging.getLogger("flask_xiebao")

_REPEAT_AFTER_SECONDS = 60
_MAX_MESSAGES_PER_GROUP = 10
_MAX_MESSAGES = 1000
_MAX_MESSAGE_LENGTH = 1000  # characters

# For each app, this mapping contains the messages that were logged recently, by their group and by
# "once". Each message is represented by its duplicate_key, and by the time.monotonic() value from
# which it may be logged again. See log_throttled() for these arguments.
_logged_until: WeakKeyDictionary[Flask, dict[tuple[str, bool], dict[str, float]]] = (
    WeakKeyDictionary()
)

_PACKAGE_PATH = f"{Path(__file__).parents[1]}{os.sep}"
_LIBRARY_PATHS = (
    "<",  # Code that a library generates has a name such as "<string>" instead of a file.
    *(
        f"{folder}{os.sep}"
        for folder in (
            sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
        )
    ),
    _PACKAGE_PATH,
)

# get_caller_location() skips these files, because their code runs between the site's code and the
# extension.
_PATHS_SKIPPED_FOR_CALLER = (
    "<",  # Templates from strings have no file.
    *(f"{Path(file).parent}{os.sep}" for file in (click.__file__, flask.__file__, jinja2.__file__)),
    _PACKAGE_PATH,
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
    """Log *message* in the current app's own log, unless it was logged in the last minute.

    :param message: the problem and how to fix it.
    :param group: the name of a group of messages whose texts visitors can vary. At most ten
        messages of a group are logged in a minute, or in the life of the app with *once*.
    :param duplicate_key: a text that is the same for messages that count as one. By default, it is
        the message.
    :param exc_info: True to add the traceback of the exception that is being handled.
    :param level: a level of the :mod:`logging` module.
    :param once: True to log the message once in the life of the app, not once a minute.
    """
    app = get_current_app()
    message = (
        message if len(message) <= _MAX_MESSAGE_LENGTH else f"{message[:_MAX_MESSAGE_LENGTH]}…"
    )
    duplicate_key = duplicate_key or message
    # If a request of "flask xiebao check" or "flask xiebao doctor" causes a message, do not record
    # that the message was logged. If a visitor's request causes the same message later, the message
    # is logged again.
    logged = {} if is_rehearsal() else _logged_until.setdefault(app, {})
    now = time.monotonic()
    recent = {key: until for key, until in logged.get((group, once), {}).items() if now < until}
    limit = _MAX_MESSAGES_PER_GROUP if group else _MAX_MESSAGES
    if duplicate_key in recent or len(recent) >= limit:
        return
    repeat_at = math.inf if once else now + _REPEAT_AFTER_SECONDS
    logged[group, once] = {**recent, duplicate_key: repeat_at}
    if group and not once and len(recent) == limit - 1:
        message += " Similar messages are suppressed for a minute."
    app.logger.log(level, message, exc_info=exc_info)


def warn_once(message: str, *, duplicate_key: str = "") -> None:
    """Log *message* as a warning in the current app's own log, once in the life of the app.

    :param duplicate_key: the same as for :func:`log_throttled`.
    """
    log_throttled(message, duplicate_key=duplicate_key, level=logging.WARNING, once=True)


def get_function_name(function: object) -> str:
    """Return the module and the qualified name of a site's function, for messages.

    Messages do not show its ``repr``, because the ``repr`` of a bound method contains that of the
    method's object, and with it the attributes of the object.
    """
    while isinstance(function, partial):
        function = function.func
    try:
        return f"{function.__module__}.{function.__qualname__}"  # type: ignore[attr-defined]
    except Exception:  # Callable objects and unbound proxies have no name.
        return f"{type(function).__module__}.{type(function).__qualname__}"


def get_caller_location() -> str:
    """Return the place in the site's code that called the extension.

    The place is a template, or a Python file and its line. If no file of the site called the
    extension, return ``the command line``.
    """
    for frame, line in traceback.walk_stack(inspect.currentframe()):
        file = frame.f_code.co_filename
        if not file.startswith(_PATHS_SKIPPED_FOR_CALLER):
            # Jinja compiles templates, so the line numbers are not those of the template's source.
            line_suffix = f", line {line}" if file.endswith(".py") else ""
            return f"{file.removeprefix(_get_working_directory_prefix())}{line_suffix}"
    return "the command line"


def get_error_location(error: BaseException) -> str:
    """Return the place where a caught error occurred, preferably a place in the site's own code.

    If the traceback contains no code of the site, the place is the innermost frame.
    """
    location = find_error_location_in_site(error)
    if location is not None:
        return location
    # An exception that was never raised has no traceback, for example if it was only sent with the
    # signal got_request_exception.
    frames = traceback.extract_tb(error.__traceback__)
    return _format_location(frames[-1]) if frames else "an unknown place"


def find_error_location_in_site(error: BaseException) -> str | None:
    """Return the place in the site's own code where an error occurred, or None.

    The place is the innermost frame of the traceback that is in a file of the site. Files in the
    working directory are preferred to other files outside of the libraries.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_LIBRARY_PATHS)
    ]
    if not frames:
        return None
    prefix = _get_working_directory_prefix()
    preferred_frames = [frame for frame in frames if frame.filename.startswith(prefix)] or frames
    return _format_location(preferred_frames[-1])


def is_raised_by_extension(error: BaseException) -> bool:
    """Return True if the extension's own code raised an error, and not the site or a library."""
    frames = traceback.extract_tb(error.__traceback__)
    # An exception that was never raised has no frames.
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE_PATH)


def format_error_without_message(error: BaseException) -> str:
    """Return the class and the place of an error. Its message may contain names or passwords."""
    return f"{type(error).__name__} in {get_error_location(error)}"


def is_message_free_of_secrets(error: BaseException) -> bool:
    """Return True if the message of an exception cannot contain secrets.

    That is certain if this package or Werkzeug wrote the message.
    """
    # The message of a BuildError contains no secrets. It contains only the names of endpoints,
    # arguments and request methods.
    if isinstance(error, BuildError):
        return True
    if not isinstance(error, XiebaoError) or not type(error).__module__.startswith("flask_xiebao."):
        return False
    return is_raised_by_extension(error)


def describe_exception(error: BaseException) -> str:
    """Return an exception's class and source line, and its message if it contains no secrets."""
    if not is_message_free_of_secrets(error):
        return format_error_without_message(error)
    place = find_error_location_in_site(error)
    return f"{type(error).__name__}: {error}{f' See {place}' if place else ''}"


def format_error_for_log(error: BaseException) -> str:
    """Return the class and the place of an error, for the log.

    If the extension raised the error, and it is an :exc:`OrderError` or a :exc:`ConfigError`,
    return its class and its message. Other messages are left out, because they may contain people's
    names. For an error of a database, also return the names of the table and the constraint if the
    driver reports them.
    """
    if (
        isinstance(error, OrderError | ConfigError)
        and is_raised_by_extension(error)
        and find_error_location_in_site(error) is None
    ):
        return f"{type(error).__name__}: {str(error).rstrip('.')}"
    code = f" {error.code}" if isinstance(error, OrderError) and error.code is not None else ""
    database_objects = _format_database_objects(error)
    return f"{type(error).__name__}{code} in {get_error_location(error)}{database_objects}"


def _format_database_objects(error: BaseException) -> str:
    """Return the names of the table, column and constraint of a database error, or "".

    SQLAlchemy stores the driver's error in ``orig``. The drivers of PostgreSQL describe it in
    ``diag``. The error's message is not used, because it contains values.
    """
    diagnostics = getattr(getattr(error, "orig", None), "diag", None)
    names = [
        f'{kind} "{name}"'
        for kind in ("table", "column", "constraint")
        if isinstance(name := getattr(diagnostics, f"{kind}_name", None), str)
    ]
    return f" ({', '.join(names)})" if names else ""


def _format_location(frame: traceback.FrameSummary) -> str:
    path = frame.filename.removeprefix(_get_working_directory_prefix())
    return f"{frame.name} ({path}:{frame.lineno})"


def _get_working_directory_prefix() -> str:
    """Return the working directory and a separator, or "" if the directory was deleted."""
    try:
        return f"{os.getcwd()}{os.sep}"
    except OSError:
        return ""
