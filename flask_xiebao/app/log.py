"""Logs what to fix, in the current app's own log and not over and over.

Who was refused is no fault of the site's: that is on the logger ``flask_xiebao``, at INFO. Errors
are named by their place in the site's files: what they say may be private.
"""

from __future__ import annotations

import logging
import os
import sysconfig
import time
import traceback
from functools import partial
from pathlib import Path
from types import FrameType
from weakref import WeakKeyDictionary

from flask import Flask, current_app

#: Who was refused, and why.
logger = logging.getLogger("flask_xiebao")

_SECONDS = 60
_MOST_ABOUT_ONE = 10
_MOST = 1000

# What was said of an app about what, and when.
_said: WeakKeyDictionary[Flask, dict[str, dict[str, float]]] = WeakKeyDictionary()
_warned: WeakKeyDictionary[Flask, set[str]] = WeakKeyDictionary()

_NOT_THE_SITES = (
    "<",  # what libraries make of text as they run
    *(
        f"{folder}{os.sep}"
        for folder in (
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            Path(__file__).parents[1],
        )
    ),
)


def this_app() -> Flask:
    """Return the current app itself, where its proxy would not do."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


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


def place_of(error: BaseException, otherwise: str = "a hook") -> str:
    """Return the innermost place of an error in the site's own files, else in any.

    :param otherwise: what is said of an error that has no place.
    """
    places = list(traceback.walk_tb(error.__traceback__))
    return place_in_site(error) or (_named(*places[-1]) if places else otherwise)


def place_in_site(error: BaseException) -> str | None:
    """Return the innermost place of an error in the site's own files, or None."""
    places = [
        place
        for place in traceback.walk_tb(error.__traceback__)
        if not _file(place[0]).startswith(_NOT_THE_SITES)
    ]
    here = [place for place in places if _file(place[0]).startswith(_here())]
    innermost = (here or places)[-1:]
    return _named(*innermost[0]) if innermost else None


def _named(frame: FrameType, line: int) -> str:
    return f"{frame.f_code.co_name} ({_file(frame).removeprefix(_here())}:{line})"


def _here() -> str:
    return f"{os.getcwd()}{os.sep}"


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename
