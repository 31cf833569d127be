"""A shop for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from flask_xiebao import OrderClient
from flask_xiebao.app import order_client
from flask_xiebao.app.state import State
from tests.callback.purchases.support import Shop, make_shop
from tests.support import make_site

MakeShop = Callable[..., Shop]


@pytest.fixture
def new_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """Return a maker of shops; settings go in by their names, and options of Purchases."""
    made: list[Shop] = []

    def make(**options: Any) -> Shop:
        settings = {name: options.pop(name) for name in [*options] if name.isupper()}
        site = make_site(**settings)
        engine = create_engine(f"sqlite:///{tmp_path / f'{len(made)}.sqlite3'}")
        made.append(make_shop(site.app, site.xiebao, engine, **options))
        return made[-1]

    def client_of(state: State) -> OrderClient:
        [shop] = [each for each in made if each.xiebao._hooks is state.hooks]
        return OrderClient(
            "12345",
            "Key",
            base_url="https://testapi.xiebao18.com",
            transport=httpx.MockTransport(shop.gateway.answer),
            member_of=state.member_of,
        )

    monkeypatch.setattr(order_client, "order_client", client_of)
    yield make
    for shop in made:
        shop.engine.dispose()


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop()
