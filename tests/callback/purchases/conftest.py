"""A shop for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.callback.purchases.support import Shop, make_shop

MakeShop = Callable[..., Shop]


@pytest.fixture
def new_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """Return a maker of shops; settings go in by their names, and options of Purchases."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    yield partial(make_shop, engine, monkeypatch)
    engine.dispose()


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop()
