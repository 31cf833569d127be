"""Tests for ``Purchases`` with the engines, sessions and models that sites use."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask, Response
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String, create_engine, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from sqlalchemy.pool import NullPool

from flask_xiebao import NotificationType
from flask_xiebao.sqla import PurchaseMixin
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import POOL_OF_ONE, Shop
from tests.support import INSURE_NUM, MEMBER_SECRET

# Database engines


def test_single_connection_of_pool_is_free_during_order_query_and_hook(make_shop: MakeShop) -> None:
    shop = make_shop(engine_options=POOL_OF_ONE, XIEBAO_MEMBER_SECRET=MEMBER_SECRET)

    @shop.site.xiebao.keeps_plain_key
    def can_query_database(member: str) -> bool:
        with Session(shop.engine) as session:
            return session.scalar(select(1)) == 1

    shop.gateway.set_order()
    shop.gateway.on_query = lambda *_: shop.read_purchase_rows()
    assert [shop.refresh().member, shop.refresh().member] == ["101000", "101000"]


@pytest.mark.parametrize(
    ("level", "status", "numbers"),
    [("AUTOCOMMIT", 500, []), ("SERIALIZABLE", 200, [INSURE_NUM])],
    ids=["AUTOCOMMIT", "SERIALIZABLE"],
)
def test_engine_with_autocommit_is_rejected(
    make_shop: MakeShop, level: str, status: int, numbers: list[str]
) -> None:
    shop = make_shop(engine_options={"isolation_level": level})
    shop.gateway.set_order()
    assert shop.notify(NotificationType.APPLICATION) == status
    assert [*shop.read_purchase_rows()] == numbers


def test_sqlite_with_event_listeners_for_transactions_is_accepted(shop: Shop) -> None:
    """With these listeners from SQLAlchemy's documentation, the driver reports AUTOCOMMIT."""
    engine = shop.engine
    event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    engine.dispose()
    shop.gateway.set_order()
    assert shop.refresh().insure_num == INSURE_NUM


def test_refresh_does_not_retry_failed_connection(make_shop: MakeShop) -> None:
    connect = Mock(side_effect=sqlite3.OperationalError)
    engine = create_engine("sqlite://", creator=connect)
    shop = make_shop(make_session_factory=lambda _: sessionmaker(engine))
    with pytest.raises(OperationalError):
        shop.refresh()
    assert connect.call_count == 1


def test_refresh_does_not_retry_violated_constraint_of_site(shop: Shop) -> None:
    shop.execute_sql("CREATE UNIQUE INDEX one_each ON xiebao_purchase (member)")
    shop.gateway.set_order("1")
    shop.gateway.set_order("2")
    shop.refresh("1")
    with pytest.raises(IntegrityError):
        shop.refresh("2")
    assert shop.gateway.queries == [("orderDetail", "1"), ("orderDetail", "2")]


# Flask-SQLAlchemy


def make_flask_sqlalchemy_shop(
    make_shop: MakeShop,
    folder: Path,
    *,
    bind_key: str | None = None,
    pool: Mapping[str, Any] = MappingProxyType({"poolclass": NullPool}),
    **options: Any,
) -> Shop:
    """Return a test shop that uses Flask-SQLAlchemy.

    :param folder: the folder for the database file.
    :param bind_key: the bind key of the model.
    :param pool: the arguments of ``create_engine`` for the connection pool.
    """
    app, db = Flask("shop"), SQLAlchemy()
    database = {"url": f"sqlite:///{folder / 'shop.sqlite3'}", **pool}
    app.config["SQLALCHEMY_BINDS"] = {bind_key: database}
    db.init_app(app)

    class Purchase(PurchaseMixin, db.Model):  # type: ignore[name-defined,misc]
        __bind_key__ = bind_key

    return make_shop(app=app, model=Purchase, make_session_factory=lambda _: db.session, **options)


def test_purchases_of_two_apps_are_stored_in_their_databases(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    shop = make_flask_sqlalchemy_shop(make_shop, tmp_path)
    db, second_app = shop.site.app.extensions["sqlalchemy"], Flask("second shop")
    second_app.config.update(shop.site.app.config)
    database = {"url": f"sqlite:///{tmp_path / 'second.sqlite3'}", "poolclass": NullPool}
    second_app.config["SQLALCHEMY_BINDS"] = {None: database}
    db.init_app(second_app)
    shop.site.xiebao.init_app(second_app)
    shop.gateway.set_order()

    with second_app.app_context():
        db.create_all()
        shop.purchases.refresh(INSURE_NUM)
        assert len(db.session.scalars(shop.purchases.of("101000")).all()) == 1
    assert shop.read_purchase_rows() == {}


@pytest.mark.parametrize("bind_key", [None, "insurance"], ids=["default bind", "bind key"])
def test_purchases_and_hooks_share_single_connection_of_flask_sqlalchemy(
    make_shop: MakeShop, tmp_path: Path, bind_key: str | None
) -> None:
    """The manual has an example of a hook that queries the database with Flask-SQLAlchemy."""

    def query_database(_: object) -> bool:
        session = shop.site.app.extensions["sqlalchemy"].session
        count = select(func.count(shop.purchases.store.model.insure_num))
        return session.scalar(count) is not None

    shop = make_flask_sqlalchemy_shop(
        make_shop,
        tmp_path,
        bind_key=bind_key,
        pool=POOL_OF_ONE,
        only=lambda order: query_database(order),
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
    )
    shop.site.xiebao.keeps_plain_key(query_database)
    shop.gateway.set_order()
    shop.gateway.set_order("2")

    assert shop.notify(NotificationType.APPLICATION) == 200
    assert len(shop.reconcile(repair=False)) == 1
    assert shop.reconcile() == ["2: no row -> expired, repaired"]
    assert shop.read_purchase_members() == {INSURE_NUM: ("101000", False), "2": ("101000", False)}

    with shop.site.app.app_context():
        assert shop.purchases.store.find_missing_columns() == []
        shop.site.app.extensions["sqlalchemy"].engines[bind_key].dispose()


# Database sessions and models


@pytest.mark.parametrize("has_hook", [True, False], ids=["hook", "no hook"])
def test_pending_row_of_request_is_neither_committed_nor_lost(
    make_shop: MakeShop, has_hook: bool
) -> None:
    """A request hook of the site has added the pending row to the thread-local session."""
    session: Any = scoped_session(sessionmaker(autoflush=False))
    shop = make_shop(make_session_factory=lambda _: session, XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    session.configure(bind=shop.engine)
    shop.site.app.teardown_appcontext(lambda _: session.remove())
    if has_hook:
        shop.site.xiebao.keeps_plain_key(lambda member: session.scalar(select(1)) == 1)
    shop.site.app.before_request(
        lambda: session.add(shop.purchases.store.build_empty_row("pending"))
    )
    pending: list[str] = []

    @shop.site.app.after_request
    def record_pending_rows(response: Response) -> Response:
        pending.extend(row.insure_num for row in session.new)
        return response

    shop.gateway.set_order()
    assert shop.notify(NotificationType.APPLICATION) == 200
    assert pending == ["pending"]
    assert [*shop.read_purchase_rows()] == [INSURE_NUM]


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


class DataclassPurchase(PurchaseMixin, DataclassBase):
    own: Mapped[str] = mapped_column(String(9), default="x")


def test_dataclass_purchases_with_equal_columns_are_not_equal(make_shop: MakeShop) -> None:
    shop = make_shop(model=DataclassPurchase)
    shop.gateway.set_order()
    shop.gateway.set_order("2")
    first, second = shop.refresh(), shop.refresh("2")
    assert first.own == second.own
    assert first not in {second}
    assert repr(first) == f"<DataclassPurchase {INSURE_NUM}>"
