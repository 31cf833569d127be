"""The browser of `tests/browser`, with more pages."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response, render_template_string
from flask_bootstrap import Bootstrap5

from flask_xiebao import Xiebao
from tests.browser.conftest import chrome, demos, open_host, send, visit
from tests.browser.harness import add_icon
from tests.browser.hosts import serve_hosts
from tests.deep.browser.pages import add_more_pages
from tests.support import CONFIG, MACROS, serve_app

__all__ = ["chrome", "demos", "open_host", "send", "visit"]

_PAGE = """\
<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>A page for tests</title>
  %s
  %s
</head>
<body><main>%s</main></body>
</html>
"""


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of the hosts, by their languages."""
    with serve_hosts(tmp_path_factory.mktemp("hosts"), add_more_pages) as addresses:
        yield addresses


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
            app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_STRICT=True)
            app.config["BOOTSTRAP_SERVE_LOCAL"] = True
            Bootstrap5(app)
            Xiebao(app).member_loader(lambda: None)
            add_icon(app)

            @app.get("/")
            def page() -> str:
                return render_template_string(_PAGE % (MACROS, styles, main))

            @app.get("/theme.css")
            def theme() -> Response:
                return Response(css, mimetype="text/css")

            @app.after_request
            def be_strict(response: Response) -> Response:
                response.headers["Content-Security-Policy"] = "default-src 'self'"
                return response

            return stack.enter_context(serve_app(app))

        yield make
