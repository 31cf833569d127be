"""Records the signals and the log lines that a check's clicks cause on a site."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from blinker import NamedSignal
from flask import Flask

from ..app.rehearsal import rehearsal
from ..app.signals import entry_clicked, entry_refused, payment_returned

#: What hears a signal, by the signal's name.
Receivers = Mapping[str, Callable[..., None]]

_SIGNALS: dict[str, NamedSignal] = {
    "entry_clicked": entry_clicked,
    "entry_refused": entry_refused,
    "payment_returned": payment_returned,
}


def receivers() -> Receivers:
    """Return what keeps with a rehearsal what the signals say of its click.

    Two checks may be at work at once: what is played for one, the other does not keep.
    """
    return {name: _receiver(name) for name in _SIGNALS}


def _receiver(name: str) -> Callable[..., None]:
    def hear(_app: Flask, **said: Any) -> None:
        rehearsed = rehearsal()
        if rehearsed is not None and hear in rehearsed.receivers:
            rehearsed.heard.append((name, said))

    return hear


@contextmanager
def listening(app: Flask, receivers: Receivers) -> Iterator[None]:
    """Have the receivers hear the signals of an app meanwhile, and keep what is logged."""
    with ExitStack() as stack:
        for name, receiver in receivers.items():
            stack.enter_context(_SIGNALS[name].connected_to(receiver, app))
        stack.enter_context(_log.kept())
        yield


class _Log:
    """Keeps with a rehearsal what is logged of its click, by whatever logger.

    A handler would be there for some of them only, and others would think themselves configured.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep it meanwhile; several may be at work at once."""
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
                # The site may have set one of its own meanwhile.
                if not self._readers and logging.getLogRecordFactory() == self._keep:
                    logging.setLogRecordFactory(self._make)

    def _keep(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        rehearsed = rehearsal()
        if rehearsed is not None:
            rehearsed.logged.append(record)
        return record


_log = _Log()


def said_in_log(record: logging.LogRecord) -> tuple[str, str]:
    """Return where something was logged, and what that says, with what it says of an error."""
    said = [repr(vars(record))]
    with suppress(Exception):  # of a line that is written wrongly, logging itself tells
        said.append(record.getMessage())
    if record.exc_info:
        said += traceback.format_exception(record.exc_info[1])
    return f"{record.name}, {record.filename}:{record.lineno}", "\n".join(said)
