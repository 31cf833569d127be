"""A shop for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.callback.purchases.support import Shop, make_shop

MakeShop = Callable[..., Shop]


@pytest.fixture
def new_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """Return a maker of shops; settings go in by their names, and options of Purchases.

    What goes in as ``engine`` are options of that.
    """
    with ExitStack() as ends:

        def make(*, engine: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Shop:
            made = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}", **engine)
            ends.callback(made.dispose)
            return make_shop(made, monkeypatch, **options)

        yield make


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    return new_shop()
