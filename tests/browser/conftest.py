"""One browser for all tests here, the sites that it visits, and fresh devices for each test."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.frameworks import BUILDS, Shopper, serve_shop
from tests.browser.harness import Demo, Demos, Visit, Visits, chromium, create_demo
from tests.browser.hosts import serve_hosts, show
from tests.support import SentSignals, serve_app

#: What Turbo tells the console when a page asks to be visited as a whole.
TOLD_BY_TURBO = "is performing a full page visit due to turbo-visit-control"


# The scope is not the session: while Playwright runs, nothing else can start an event loop.
@pytest.fixture(scope="package")
def chrome() -> Iterator[tuple[Playwright, Browser]]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(chrome: tuple[Playwright, Browser]) -> Iterator[Visits]:
    """Return a maker of visits: a device of the harness, and options for its browser context.

    A test fails when the browser complained of anything on the way.
    """
    visits = []

    def start(device: str = "desktop", **options: Any) -> Visit:
        visits.append(Visit(*chrome, device, **options))
        return visits[-1]

    yield start
    for each in visits:
        each.close()
    troubles = [trouble for each in visits for trouble in each.troubles]
    assert [trouble for trouble in troubles if TOLD_BY_TURBO not in trouble] == []


@pytest.fixture(scope="package")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    """Return a server of the demo: settings to ``app``, ``xiebao`` and ``address``."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve_demo(**settings: str) -> Demo:
            app = create_demo(tmp_path_factory.mktemp("demo"), **settings)
            address = stack.enter_context(serve_app(app))
            return Demo(app=app, xiebao=app.extensions["xiebao"], address=address)

        yield serve_demo


@pytest.fixture
def send(visit: Visits, heard: SentSignals) -> Iterator[Callable[..., Shopper]]:
    """Return a maker of shoppers: a device, how the shop is built, and options of the shop."""
    with contextlib.ExitStack() as stack:

        def start(device: str, build: str, **options: Any) -> Shopper:
            shop = stack.enter_context(serve_shop(BUILDS[build], **options))
            person = visit(device)
            stack.callback(person.close)  # before the shop is
            return Shopper(shop, person, device, heard)

        yield start


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of the hosts, by their languages."""
    with serve_hosts(tmp_path_factory.mktemp("hosts")) as addresses:
        yield addresses


@pytest.fixture
def open_host(hosts: dict[str, str], visit: Visits) -> Callable[..., Page]:
    """Return a function that opens the page of a host."""

    def go(name: str, *, device: str = "desktop", **options: Any) -> Page:
        page = visit(device, reduced_motion="reduce", **options).page
        show(page, hosts["zh"], name)
        return page

    return go
