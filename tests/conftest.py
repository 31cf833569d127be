"""Fixtures for all tests, and a check that no log record of the test run contains a secret.

Tests that need a missing package are skipped. The last line of the test run names the missing
packages and programs. With ``--strict-skips``, a test run with skipped tests fails.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from flask_xiebao import (
    entry_clicked,
    entry_refused,
    notification_received,
    payment_returned,
)
from flask_xiebao.testing import CheckError
from tests import support
from tests.requirements import NOT_INSTALLED, skip_without
from tests.support import (
    API_KEY,
    MEMBER_SECRET,
    NOW,
    SECRET_KEY,
    SIGN,
    SIGN_OF_API_KEY,
    Clock,
    MakeSite,
    SentSignals,
    Site,
    set_clock,
)
from tests.vectors import NAME

#: The names of the people in the notifications, orders and purchases of the tests.
PEOPLE = (NAME, "王小明")
#: The values that no log record may contain.
SECRETS = (SIGN, SIGN_OF_API_KEY, API_KEY, MEMBER_SECRET, SECRET_KEY, *PEOPLE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips", action="store_true", help="fail the test run if a test was skipped"
    )


@contextmanager
def skip_without_package() -> Iterator[None]:
    """Skip the test or the test module if it imports a package that is not installed."""
    try:
        yield
    except CheckError as error:
        if not isinstance(error.__cause__, ModuleNotFoundError):
            raise
        skip_without(error.__cause__.name or "html5lib")
    except ModuleNotFoundError as error:
        # A name with a dot is a missing module of an installed package, which is a mistake.
        if error.name is None or "." in error.name:
            raise
        skip_without(error.name)


class SkippableModule(pytest.Module):
    """A test module that is skipped if it imports a package that is not installed."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except self.CollectError as error:
            if error.__cause__ is not None:
                with skip_without_package():
                    raise error.__cause__ from None
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> SkippableModule:
    return SkippableModule.from_parent(parent, path=module_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with skip_without_package():
        for mark in item.iter_markers("requires"):
            for package in mark.args:
                import_module(package)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    with skip_without_package():
        yield


# The terminal reporter prints the result of the test run in a wrapper of the same hook. This
# wrapper is outside of it, so the list of missing requirements is the last line.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # This is a worker process of pytest-xdist.
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.config.getoption("strict_skips"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    reasons = {report.longrepr[2].removeprefix("Skipped: ") for report in skipped}
    missing = {
        reason.removesuffix(NOT_INSTALLED) for reason in reasons if reason.endswith(NOT_INSTALLED)
    }
    if missing:
        reporter.write_line(
            f"Skipped tests need {', '.join(sorted(missing, key=str.lower))}. Install programs and"
            ' npm packages with "make programs", and Python packages with'
            """ 'pip install -e ".[tests]"'."""
        )


@pytest.fixture(scope="session", autouse=True)
def assert_no_secret_is_logged() -> Iterator[None]:
    """Fail the test run if a log record contains a value of ``SECRETS``."""
    leaks: list[str] = []

    class LeakHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # Some test sites of ``flask xiebao check`` log signatures with the logger "shop".
            is_own_log = record.name.partition(".")[0] == "shop"
            text = self.format(record)
            if not is_own_log and any(secret in text for secret in SECRETS):
                leaks.append(f"{record.name}: {record.getMessage()}")

    root, handler = logging.getLogger(), LeakHandler()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(level)
    root.removeHandler(handler)
    assert leaks == []


class MemoryBytecodeCache(BytecodeCache):
    """A cache of compiled Jinja templates that the apps of all tests share.

    Without this cache, tests with pages would spend most of their time on compiling the same
    templates.
    """

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType] = {}

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        # These options of the Jinja environment change the compiled code, so they are part of the
        # cache's key.
        autoescape = environment.autoescape
        escapes = autoescape(name) if callable(autoescape) else autoescape
        extensions = sorted(environment.extensions)
        options = (environment.is_async, environment.trim_blocks, escapes, *extensions)
        return super().get_bucket(environment, f"{name} {options}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._compiled[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def share_compiled_templates() -> Iterator[None]:
    """Share one cache of compiled Jinja templates among the apps of all tests."""
    with pytest.MonkeyPatch.context() as patch:
        options = {**Flask.jinja_options, "bytecode_cache": MemoryBytecodeCache()}
        patch.setattr(Flask, "jinja_options", options)
        yield


@pytest.fixture
def make_site() -> MakeSite:
    """The function :func:`tests.support.make_site`, which accepts settings as keyword arguments."""
    return support.make_site


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A test site with a member loader. No member is logged in."""
    return make_site()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that stands still at ``NOW``. Its method ``shift()`` advances the time."""
    with set_clock(NOW) as clock:
        yield clock


@pytest.fixture
def sent_signals() -> Iterator[SentSignals]:
    """The signals that were sent during the test, with their keyword arguments."""
    sent: SentSignals = []
    signals = {
        "clicked": entry_clicked,
        "refused": entry_refused,
        "returned": payment_returned,
        "received": notification_received,
    }
    with ExitStack() as stack:
        for name, signal in signals.items():

            def record_signal(_app: Flask, _name: str = name, **values: Any) -> None:
                sent.append((_name, values))

            stack.enter_context(signal.connected_to(record_signal))
        yield sent
