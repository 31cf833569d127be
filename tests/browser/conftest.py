"""One browser for all tests here, the sites that it visits, and fresh devices for each test."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, render_template_string
from flask_bootstrap import Bootstrap5
from playwright.sync_api import Browser, Playwright

from flask_xiebao import Xiebao
from tests.browser.frameworks import BUILDS, Shop, serve_shop
from tests.browser.harness import Demo, Demos, Visit, Visits, chromium, create_demo
from tests.support import CONFIG, serve

_PAGE = """\
<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>A page for tests</title>
  {%% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,
     insurance_card, insurance_qr, xiebao_styles, xiebao_script %%}
  %s
</head>
<body><main>%s</main></body>
</html>
"""


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
    assert [trouble for each in visits for trouble in each.troubles] == []


@pytest.fixture(scope="package")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    """Return a server of the demo: settings to ``app``, ``xiebao`` and ``address``."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve_demo(**settings: str) -> Demo:
            app = create_demo(tmp_path_factory.mktemp("demo"), **settings)
            address = stack.enter_context(serve(app))
            return Demo(app=app, xiebao=app.extensions["xiebao"], address=address)

        yield serve_demo


@pytest.fixture
def demo(demos: Demos) -> Demo:
    return demos()


@pytest.fixture
def new_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo in which nobody has bought anything."""
    app = create_demo(tmp_path)
    with serve(app) as address:
        yield Demo(app=app, xiebao=app.extensions["xiebao"], address=address)


@pytest.fixture(scope="module")
def shops() -> Iterator[Callable[..., Shop]]:
    """Return a server of shops, by the name of how they are built."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve(build: str, **options: bool) -> Shop:
            return stack.enter_context(serve_shop(BUILDS[build], **options))

        yield serve


@pytest.fixture(scope="package")
def make_page() -> Iterator[Callable[..., str]]:
    """Return a maker of pages under a strict policy: Jinja to the page's address.

    *main* is what stands in the page and *styles* what its head links to; *css* is served as
    /theme.css, and Bootstrap's stylesheet as ``bootstrap`` names it.
    """
    with contextlib.ExitStack() as stack:

        @functools.cache
        def make(main: str, *, styles: str = "{{ xiebao_styles() }}", css: str = "") -> str:
            app = Flask("shop")
            app.config.update(
                CONFIG,
                XIEBAO_ENV="test",
                XIEBAO_STRICT=True,
                BOOTSTRAP_SERVE_LOCAL=True,
            )
            Bootstrap5(app)
            Xiebao(app).member_loader(lambda: None)

            @app.get("/")
            def page() -> str:
                return render_template_string(_PAGE % (styles, main))

            @app.get("/theme.css")
            def theme() -> Response:
                return Response(css, mimetype="text/css")

            @app.get("/favicon.ico")
            def icon() -> tuple[str, int]:
                return "", 204

            @app.after_request
            def be_strict(response: Response) -> Response:
                response.headers["Content-Security-Policy"] = "default-src 'self'"
                return response

            return stack.enter_context(serve(app))

        yield make
