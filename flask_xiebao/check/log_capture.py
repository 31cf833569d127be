"""Captures the log records that a site writes during the check's requests."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from flask import Flask

from .visits import active_rehearsal


class _RehearsalLogHandler(logging.Handler):
    """A log handler that adds each record to the active rehearsal."""

    def emit(self, record: logging.LogRecord) -> None:
        rehearsal = active_rehearsal.get()
        if rehearsal is not None:
            rehearsal.log_records.append(record)


@contextmanager
def capture_log(app: Flask) -> Iterator[None]:
    """Add the log records of all loggers to the ``log_records`` of the active rehearsal."""
    # Flask gives app.logger a default handler when it is first read, unless another handler already
    # handles its records. Read it before the root logger gets ours.
    app.logger  # noqa: B018
    # The root logger does not get the records of these loggers.
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


def format_log_record(record: logging.LogRecord) -> tuple[str, str]:
    """Return the place where a record was logged, and its text with all attributes and errors."""
    texts = [repr(vars(record))]
    with suppress(Exception):  # Logging itself reports arguments that do not fit the message.
        texts.append(record.getMessage())
    if record.exc_info:
        texts += traceback.format_exception(record.exc_info[1])
    return f"{record.name}, {record.filename}:{record.lineno}", "\n".join(texts)
