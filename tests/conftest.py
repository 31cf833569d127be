"""What the tests share: a small site, devices, and the gateway from the other side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string

from flask_xiebao import Gateway, Xiebao

MACROS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " insurance_qr, xiebao_styles %}"
)

PC = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
}
PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
}
CODE = "QX000000127257"
NUMBER = "20190226020146"


@pytest.fixture(scope="session", autouse=True)
def no_log_shows_the_sign() -> Iterator[None]:
    """Read all that is logged in the whole run: the sign of the sites in it is not there."""
    seen: list[str] = []
    sign = Gateway("12345", "Key").sign

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if sign in self.format(record):
                seen.append(f"{record.name}: {record.getMessage()}")

    reader = Reader()
    logging.getLogger().addHandler(reader)
    yield
    logging.getLogger().removeHandler(reader)
    assert seen == []


@pytest.fixture
def make_site() -> Callable[..., SimpleNamespace]:
    """Return a maker of sites: ``app``, ``xiebao``, ``log_in(member)``, ``render(source)``.

    Settings go in by their names; ``loader=False`` makes a site that knows no members.
    """

    def make(*, loader: bool = True, **config: Any) -> SimpleNamespace:
        app = Flask("shop")
        app.config.update(
            TESTING=True,
            SECRET_KEY="a secret for tests",
            XIEBAO_PARTNER_ID="12345",
            XIEBAO_API_KEY="Key",
        )
        app.config.update(config)
        xiebao = Xiebao(app)
        site = SimpleNamespace(app=app, xiebao=xiebao, member=None)

        if loader:
            xiebao.member_loader(lambda: site.member)

        def log_in(member: Any) -> None:
            site.member = member

        @app.get("/page")
        def page() -> str:
            return render_template_string(MACROS + site.source, **site.context)

        def render(source: str, headers: dict[str, str] = PC, **context: Any) -> Any:
            """Serve a page with this template; the response has its ``soup``."""
            site.source, site.context = source, context
            response = app.test_client().get("/page", headers=headers)
            response.soup = BeautifulSoup(response.text, "html.parser")
            return response

        site.log_in, site.render = log_in, render
        return site

    return make


@pytest.fixture
def site(make_site: Callable[..., SimpleNamespace]) -> SimpleNamespace:
    """A site in its tests, with a loader and nobody logged in."""
    return make_site()
