"""Reads what a site logs of a check's clicks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from flask import Flask

from .visits import active_rehearsal


class _RehearsalLogHandler(logging.Handler):
    """Notes in each rehearsal what is logged during its click."""

    def emit(self, record: logging.LogRecord) -> None:
        rehearsed = active_rehearsal.get()
        if rehearsed is not None:
            rehearsed.log_records.append(record)


@contextmanager
def capture_log(app: Flask) -> Iterator[None]:
    """Have in each rehearsal's ``logged`` what its click made the site log, by whatever logger."""
    app.logger  # noqa: B018 - the app gives it a handler now, or would think that ours is one
    known = list(logging.root.manager.loggerDict.values())
    apart = [each for each in known if isinstance(each, logging.Logger) and not each.propagate]
    with ExitStack() as stack:
        for logger in (logging.root, *apart):
            reader = _RehearsalLogHandler()
            logger.addHandler(reader)
            stack.callback(logger.removeHandler, reader)
        yield


def format_log_record(record: logging.LogRecord) -> tuple[str, str]:
    """Return where something was logged, and all that it says, of errors too."""
    said = [repr(vars(record))]
    with suppress(Exception):  # where the arguments do not fit, logging itself says so
        said.append(record.getMessage())
    if record.exc_info:
        said += traceback.format_exception(record.exc_info[1])
    return f"{record.name}, {record.filename}:{record.lineno}", "\n".join(said)
