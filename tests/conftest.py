"""A small site for each test, and a reader of the whole run's log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests import support
from tests.support import KEY, SIGN, Heard, MakeSite, Site

#: Whose names are in notifications.
PEOPLE = ("林晓", "王小明")


@pytest.fixture(scope="session", autouse=True)
def no_log_shows_a_secret() -> Iterator[None]:
    """Read all that is logged in the whole run: no sign, key or name of those in it is there."""
    seen: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if any(secret in self.format(record) for secret in (SIGN, KEY, *PEOPLE)):
                seen.append(f"{record.name}: {record.getMessage()}")

    root, reader = logging.getLogger(), Reader()
    root.addHandler(reader)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(level)
    root.removeHandler(reader)
    assert seen == []


@pytest.fixture
def make_site() -> MakeSite:
    """Return a maker of sites: settings go in by their names."""
    return support.make_site


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site in its tests, with a loader and nobody logged in."""
    return make_site()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Every signal that was sent, with what it said."""
    calls: Heard = []
    signals = {"clicked": entry_clicked, "refused": entry_refused, "returned": payment_returned}
    with ExitStack() as stack:
        for name, signal in signals.items():

            def receive(_app: Flask, _name: str = name, **values: Any) -> None:
                calls.append((_name, values))

            stack.enter_context(signal.connected_to(receive))
        yield calls
