"""Reads what a site logs of a check's clicks."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..app.rehearsal import rehearsal


class _Log:
    """Notes in each rehearsal what is logged during its click, by whatever logger.

    A handler would not see what other loggers keep from theirs, and ``logging.basicConfig`` does
    nothing where the root logger has one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0

    @contextmanager
    def read(self) -> Iterator[None]:
        """Read what is logged meanwhile; several threads may do so at once."""
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                self._make = logging.getLogRecordFactory()
                logging.setLogRecordFactory(self._keep)
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                # The site may have set a factory of its own meanwhile.
                if not self._readers and logging.getLogRecordFactory() == self._keep:
                    logging.setLogRecordFactory(self._make)

    def _keep(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        rehearsed = rehearsal()
        if rehearsed is not None:
            rehearsed.logged.append(record)
        return record


#: While it is entered, each rehearsal has in ``logged`` what its click made the site log.
reading_log = _Log().read


def said_in_log(record: logging.LogRecord) -> tuple[str, str]:
    """Return where something was logged, and all that it says, of errors too."""
    said = [repr(vars(record))]
    with suppress(Exception):  # where the arguments do not fit, logging itself says so
        said.append(record.getMessage())
    if record.exc_info:
        said += traceback.format_exception(record.exc_info[1])
    return f"{record.name}, {record.filename}:{record.lineno}", "\n".join(said)
