"""A small site for each test, and a reader of the whole run's log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from types import CodeType
from typing import Any

import pytest
import time_machine
from flask import Flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from flask_xiebao import (
    entry_clicked,
    entry_refused,
    notification_received,
    payment_returned,
)
from tests import support
from tests.support import KEY, NOW, SIGN, Heard, MakeSite, Site
from tests.vectors import NAME

#: Whose names are in notifications.
PEOPLE = (NAME, "王小明")


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


class CompiledOnce(BytecodeCache):
    """What templates were compiled to, for all apps: most of what an app with a page costs."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType] = {}

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        # What a template is compiled to hangs on these as well.
        escape = environment.autoescape
        escapes = escape(name) if callable(escape) else escape
        extensions = sorted(environment.extensions)
        kind = (environment.is_async, environment.trim_blocks, escapes, *extensions)
        return super().get_bucket(environment, f"{name} {kind}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._compiled[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def templates_are_compiled_once() -> Iterator[None]:
    """Hand one cache of compiled templates to every app of the run."""
    with pytest.MonkeyPatch.context() as patch:
        options = {**Flask.jinja_options, "bytecode_cache": CompiledOnce()}
        patch.setattr(Flask, "jinja_options", options)
        yield


@pytest.fixture
def make_site() -> MakeSite:
    """Return a maker of sites: settings go in by their names."""
    return support.make_site


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site in its tests, with a loader and nobody logged in."""
    return make_site()


@pytest.fixture
def clock() -> Iterator[Any]:
    """The time, which stands still until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveler:
        yield traveler


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Every signal that was sent, with what it said."""
    calls: Heard = []
    signals = {
        **{"clicked": entry_clicked, "refused": entry_refused, "returned": payment_returned},
        "received": notification_received,
    }
    with ExitStack() as stack:
        for name, signal in signals.items():

            def receive(_app: Flask, _name: str = name, **values: Any) -> None:
                calls.append((_name, values))

            stack.enter_context(signal.connected_to(receive))
        yield calls
