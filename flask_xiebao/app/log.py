"""Says in the log what to fix, once a minute at most, and who was refused.

What to fix goes to the app's own log, most of it as an error. Who is refused is no fault of the
site's: that is on the logger ``flask_xiebao``, at INFO.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from weakref import WeakKeyDictionary

from flask import Flask

from .current import this_app

#: Who was refused, and why.
logger = logging.getLogger("flask_xiebao")

_SECONDS = 60
_MOST_ABOUT_ONE = 10
_MOST = 1000

# What was said of an app about what, and when.
_said: WeakKeyDictionary[Flask, dict[str, dict[str, float]]] = WeakKeyDictionary()
_warned: WeakKeyDictionary[Flask, set[str]] = WeakKeyDictionary()


def complain(
    message: str, *, about: str = "", exc_info: bool = False, level: int = logging.ERROR
) -> None:
    """Log *message* in the current app's own log, unless that was done within a minute.

    :param message: what is wrong and how to fix it.
    :param about: what it is about, where visitors have a say in the message: of all they make of
        it, few are logged within a minute.
    :param exc_info: add the traceback of the exception that is being handled.
    :param level: of the logging module.
    """
    app = this_app()
    message = message if len(message) <= _MOST else f"{message[:_MOST]}…"
    said = _said.setdefault(app, {})
    now = time.monotonic()
    since = {text: when for text, when in said.get(about, {}).items() if now - when < _SECONDS}
    if message in since or (about and len(since) >= _MOST_ABOUT_ONE):
        return
    if len(said) + len(since) >= _MOST:
        said.clear()
        since.clear()
    said[about] = {**since, message: now}
    if about and len(since) == _MOST_ABOUT_ONE - 1:
        message += " More like it are left out for a minute."
    app.logger.log(level, message, exc_info=exc_info)


def warn_once(message: str, *, about: str = "") -> None:
    """Log *message* as a warning in the current app's own log, once in the life of the app.

    :param about: what it is about, where one example is enough.
    """
    app = this_app()
    warned = _warned.setdefault(app, set())
    about = about or message
    if about not in warned and len(warned) < _MOST:
        warned.add(about)
        app.logger.warning("%s", message)


def name_of(function: object) -> str:
    """Return what a function of the site's is called.

    Its ``repr`` is not asked: that of a bound method shows what its object is made of.
    """
    while isinstance(function, partial):
        function = function.func
    try:
        return f"{function.__module__}.{function.__qualname__}"  # type: ignore[attr-defined]
    except Exception:  # an object, or a proxy that stands for nothing now
        return f"{type(function).__module__}.{type(function).__qualname__}"
