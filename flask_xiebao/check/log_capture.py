"""Captures the log records that a site writes while ``flask xiebao check`` sends requests."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from flask import Flask

from .visits import active_rehearsal


class _RehearsalLogHandler(logging.Handler):
    """A log handler that stores each record with the test request during which it was written."""

    def emit(self, record: logging.LogRecord) -> None:
        rehearsal = active_rehearsal.get()
        if rehearsal is not None:
            rehearsal.log_records.append(record)


@contextmanager
def capture_log(app: Flask) -> Iterator[None]:
    """Store each record of all loggers with the test request during which it was written.

    A test request is a :class:`.Rehearsal`, and its ``log_records`` are the records.
    """
    # Read app.logger before a handler is added to the root logger. Otherwise, Flask would not give
    # app.logger its default handler.
    app.logger  # noqa: B018
    # A logger with propagate=False does not pass its records to the root logger, so add a handler
    # to the logger itself.
    non_propagating = [
        each
        for each in list(logging.root.manager.loggerDict.values())
        if isinstance(each, logging.Logger) and not each.propagate
    ]
    with ExitStack() as stack:
        for logger in (logging.root, *non_propagating):
            handler = _RehearsalLogHandler()
            logger.addHandler(handler)
            stack.callback(logger.removeHandler, handler)
        yield


def get_log_record_place_and_text(record: logging.LogRecord) -> tuple[str, str]:
    """Return the source file and line of a log record, and the record as text.

    The first string also contains the name of the logger. The text contains all attributes, the
    message and the traceback.
    """
    texts = [repr(vars(record))]
    # If the arguments of a log call do not fit its message, ignore the error, because the logging
    # module itself reports it.
    with suppress(Exception):
        texts.append(record.getMessage())
    if record.exc_info:
        texts += traceback.format_exception(record.exc_info[1])
    return f"{record.name}, {record.filename}:{record.lineno}", "\n".join(texts)
