"""Says in the log what to mend, and says the same thing once a minute at most."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from flask import Flask, current_app

_SECONDS = 60
_MOST = 1000

_said: WeakKeyDictionary[Flask, dict[str, float]] = WeakKeyDictionary()


def complain(message: str, *, exc_info: bool = False) -> None:
    """Log *message* as an error of the current app, unless that was done within a minute.

    :param message: what is wrong and how to mend it.
    :param exc_info: add the traceback of the exception that is being handled.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    said = _said.setdefault(app, {})
    now = time.monotonic()
    if now - said.get(message, -_SECONDS) < _SECONDS:
        return
    if len(said) >= _MOST:
        said.clear()
    said[message] = now
    app.logger.error(message, exc_info=exc_info)
