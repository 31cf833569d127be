"""Fixtures for test shops that store insurance purchases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import DEPLOYED

if TYPE_CHECKING:
    from tests.callback.purchases.support import Shop

MakeShop = Callable[..., "Shop"]


@pytest.fixture
def make_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """A function that makes test shops. All shops of a test share one SQLite database.

    The function accepts the arguments of :func:`support.make_shop`, and ``engine_options``, the
    arguments of ``create_engine``.
    """
    from sqlalchemy import create_engine

    from tests.callback.purchases import support

    with ExitStack() as stack:

        def make_sqlite_shop(
            *, engine_options: Mapping[str, Any] = MappingProxyType({}), **options: Any
        ) -> Shop:
            engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}", **engine_options)
            stack.callback(engine.dispose)
            return support.make_shop(engine, monkeypatch, **options)

        yield make_sqlite_shop


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    return make_shop()


@pytest.fixture
def shop_storing_clicks(make_shop: MakeShop) -> Shop:
    """A test shop that stores clicks. The member Alice is logged in."""
    shop = make_shop(clicks=True, **DEPLOYED)
    shop.site.log_in("alice")
    return shop
