"""Fixtures for tests in Chromium: browser contexts, the demo, shops, and sites with styles."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import SentSignals, serve_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

    from tests.browser.shop import ShopPage
    from tests.browser.support import Demo, DeviceContext


# Playwright stops after the last test of this package, because tests in other folders start event
# loops, which is impossible while Playwright runs.
@pytest.fixture(scope="package")
def chrome() -> Iterator[tuple[Playwright, Browser]]:
    """A Playwright instance, and a running Chromium browser."""
    from tests.browser.support import launch_chromium

    with launch_chromium() as playwright_and_browser:
        yield playwright_and_browser


@pytest.fixture
def new_context(chrome: tuple[Playwright, Browser]) -> Iterator[Callable[..., DeviceContext]]:
    """A function that opens a :class:`DeviceContext`. The default device is a PC.

    At the end of the test, all contexts are closed. The test fails if their pages had errors.
    """
    from tests.browser.support import DeviceContext

    with contextlib.ExitStack() as stack:

        def open_device_context(device: str = "desktop", **options: Any) -> DeviceContext:
            context = DeviceContext(*chrome, device, **options)
            stack.callback(context.assert_no_errors)
            stack.callback(context.close)
            return context

        yield open_device_context


@pytest.fixture(scope="package")
def serve_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Demo]]:
    """A function that accepts settings, serves the demo app, and returns a :class:`Demo`."""
    from tests.browser.support import Demo, create_demo

    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve_demo(**settings: str) -> Demo:
            app = create_demo(tmp_path_factory.mktemp("demo"), **settings)
            return Demo(app, app.extensions["xiebao"], stack.enter_context(serve_app(app)))

        yield serve_demo


@pytest.fixture
def open_shop(
    new_context: Callable[..., DeviceContext], sent_signals: SentSignals
) -> Iterator[Callable[..., ShopPage]]:
    """A function that serves a test shop, opens a browser context, and returns a :class:`ShopPage`.

    The function accepts a device, a key of ``FRONTENDS``, and options of :func:`serve_shop`.
    """
    from tests.browser.shop import ShopPage, serve_shop
    from tests.browser.support import H5, PC

    with contextlib.ExitStack() as stack:

        def open_shop(device: str, frontend: str, **options: Any) -> ShopPage:
            url, link_requests = stack.enter_context(serve_shop(frontend, **options))
            context = new_context(device)
            stack.callback(context.close)  # Close the pages before the server stops.
            return ShopPage(
                url, link_requests, context, PC if device == "desktop" else H5, sent_signals
            )

        yield open_shop


@pytest.fixture(scope="package")
def styled_site_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URLs of two test sites with the pages of ``SITE_STYLES``, by locale.

    One site is in Chinese, the other in English.
    """
    from tests.browser.site_styles import serve_styled_pages

    with serve_styled_pages(tmp_path_factory.mktemp("styles")) as urls:
        yield urls


@pytest.fixture(scope="package")
def get_shared_context(
    chrome: tuple[Playwright, Browser],
) -> Iterator[Callable[..., DeviceContext]]:
    """A function that returns a browser context, which all tests with the same options share."""
    from tests.browser.support import DeviceContext

    with contextlib.ExitStack() as stack:

        @functools.cache
        def get_shared_context(device: str, **options: Any) -> DeviceContext:
            context = DeviceContext(*chrome, device, **options)
            stack.callback(context.close)
            return context

        yield get_shared_context


@pytest.fixture
def open_styled_page(
    styled_site_urls: dict[str, str], get_shared_context: Callable[..., DeviceContext]
) -> Iterator[Callable[..., Page]]:
    """A function that opens a page with styles in a new tab, and returns the page.

    The function accepts the path below ``/page/``, a locale, a device and options of the browser
    context. Tests share the contexts, so that the browser caches stylesheets. This is safe, because
    the pages set no cookies. The test fails if a page has errors.
    """
    from tests.browser.site_styles import open_page

    with contextlib.ExitStack() as stack:

        def open_styled_page(
            path: str, locale: str = "zh", device: str = "desktop", **options: Any
        ) -> Page:
            context = get_shared_context(device, reduced_motion="reduce", **options)
            page = context.context.new_page()
            stack.callback(context.assert_no_errors)
            stack.callback(page.close)
            open_page(page, styled_site_urls[locale], path)
            return page

        yield open_styled_page
