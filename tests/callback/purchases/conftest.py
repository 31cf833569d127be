"""A shop for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.callback.purchases.support import Shop, make_shop
from tests.support import make_site

MakeShop = Callable[..., Shop]


@pytest.fixture
def new_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """Return a maker of shops; settings go in by their names, and options of Purchases."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")

    def make(**options: Any) -> Shop:
        settings = {name: options.pop(name) for name in [*options] if name.isupper()}
        site = make_site(**settings)
        shop = make_shop(site.app, site.xiebao, engine, **options)
        shop.gateway.answers(monkeypatch)
        return shop

    yield make
    engine.dispose()


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop()
