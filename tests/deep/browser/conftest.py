"""The fixtures of ``tests/browser``, and a fixture that serves pages with any markup and CSS."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest
from flask import Response

from tests.browser.conftest import (
    chrome,
    get_shared_context,
    new_context,
    open_shop,
    open_styled_page,
    serve_demo,
    styled_site_urls,
)
from tests.support import make_site, serve_app

__all__ = [
    "chrome",
    "get_shared_context",
    "new_context",
    "open_shop",
    "open_styled_page",
    "serve_demo",
    "styled_site_urls",
]

_PAGE = """\
<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'self'">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>A page for tests</title>
  %s
</head>
<body><main>%s</main></body>
</html>
"""


@pytest.fixture(scope="package")
def serve_page() -> Iterator[Callable[..., str]]:
    """A function that serves a page with a strict Content-Security-Policy, and returns the URL.

    The function's arguments are the Jinja source of the page's content, the Jinja source of its
    stylesheet links, and the CSS of ``/theme.css``. Both sources can use the variable ``bootstrap``
    of Bootstrap-Flask.
    """
    from flask_bootstrap import Bootstrap5

    from tests.browser.support import add_favicon

    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve_page(
            content: str, *, styles: str = "{{ xiebao_styles() }}", css: str = ""
        ) -> str:
            site = make_site(
                TESTING=False, XIEBAO_ENV="test", XIEBAO_STRICT=True, BOOTSTRAP_SERVE_LOCAL=True
            )
            Bootstrap5(site.app)
            add_favicon(site.app)
            site.source = _PAGE % (styles, content)
            site.app.add_url_rule("/theme.css", "theme", lambda: Response(css, mimetype="text/css"))
            return f"{stack.enter_context(serve_app(site.app))}/page"

        yield serve_page
