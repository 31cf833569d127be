"""What ``flask xiebao doctor`` says of purchases in the site's own database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import String, create_engine, event, text
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    mapped_column,
    sessionmaker,
)

from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases
from tests.check.support import Change
from tests.cli.support import doctor, is_said_in_chinese, shop


class Base(DeclarativeBase):
    """The tables."""


class Purchase(PurchaseMixin, Base):
    """What is kept."""


class Click(ClickMixin, Base):
    """A click."""


def keeps(
    engine: Any, *, listens: bool = True, model: type[Any] = Purchase, **options: Any
) -> Change:
    def change(app: Flask) -> None:
        xiebao = app.extensions["xiebao"]
        purchases = Purchases(xiebao, model, sessionmaker(engine), **options)
        if listens:
            xiebao.notification_handler(purchases.handle)

    return change


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    made = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    yield made
    made.dispose()


def said(*changes: Change, **config: Any) -> dict[str, str]:
    app = shop(*changes, **config)
    found = doctor(app)
    is_said_in_chinese(app, found)
    return found


def test_the_table_is_looked_at(engine: Any) -> None:
    assert 'The table "xiebao_purchase" does not exist' in said(keeps(engine))["ERROR"]
    Base.metadata.create_all(engine)
    assert 'Purchases are stored in the table "xiebao_purchase"' in said(keeps(engine))["ok"]
    with engine.begin() as connection:
        for column in ("plan_name", "version"):
            connection.execute(text(f"ALTER TABLE xiebao_purchase DROP COLUMN {column}"))
    lacking = (
        'The table "xiebao_purchase" lacks these columns: plan_name, version. Migrate the table.'
    )
    assert lacking in said(keeps(engine))["ERROR"]


@pytest.mark.parametrize(
    ("bases", "own", "found"),
    [
        (
            (DeclarativeBase,),
            mapped_column(String(9)),
            ("ERROR", "because these columns must not be NULL and have no default: own."),
        ),
        ((DeclarativeBase,), mapped_column(String(9), default=str), ("ok", "are stored in")),
        ((DeclarativeBase,), mapped_column(String(9), server_default=""), ("ok", "are stored in")),
        (
            (MappedAsDataclass, DeclarativeBase),
            mapped_column(String(9)),
            ("ERROR", "The Purchases object creates rows with Purchase(), but this call failed"),
        ),
    ],
)
def test_columns_of_its_own_need_a_value(
    engine: Any, bases: tuple[type, ...], own: Any, found: tuple[str, str]
) -> None:
    base: Any = type("Base", bases, {})
    columns = {"__annotations__": {"own": Mapped[str]}, "own": own}
    model = type("Purchase", (PurchaseMixin, base), columns)
    base.metadata.create_all(engine)
    severity, words = found
    assert words in said(keeps(engine, model=model))[severity]


def test_missing_table_of_clicks_is_an_error(engine: Any) -> None:
    found = said(keeps(engine, clicks=Click))
    assert 'The table "xiebao_click" does not exist' in found["ERROR"]
    Base.metadata.create_all(engine)
    found = said(keeps(engine, clicks=Click))
    assert 'are stored in the table "xiebao_click" at the end of each request.' in found["ok"]
    assert "xiebao_click" not in str(said(keeps(engine)))


def test_column_of_clicks_without_default_is_an_error(engine: Any) -> None:
    class OtherBase(DeclarativeBase):
        pass

    class ClickWithShop(ClickMixin, OtherBase):
        shop: Mapped[str]

    Base.metadata.create_all(engine, tables=[Base.metadata.tables["xiebao_purchase"]])
    OtherBase.metadata.create_all(engine)
    message = 'Rows cannot be written to the table "xiebao_click", because these columns must not'
    assert (
        f"{message} be NULL and have no default: shop."
        in (said(keeps(engine, clicks=ClickWithShop))["ERROR"])
    )


def test_database_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    away = create_engine(f"sqlite:///{tmp_path / 'hunter2' / 'shop.sqlite3'}")
    assert (
        'The database with the table "xiebao_purchase" cannot be read (Oper'
        in said(keeps(away))["ERROR"]
    )


def test_what_it_needs_besides_is_said(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Base.metadata.create_all(engine)
    unheard = said(keeps(engine, listens=False))
    assert "The Purchases object receives no notifications" in unheard["WARNING"]
    assert "No notification_handler is registered" not in str(unheard)
    theirs = keeps(engine, only=lambda order: True)
    shared = "Another site sells with the same partner account"
    assert shared not in said(theirs)["WARNING"]
    assert shared in said(theirs, XIEBAO_MEMBER_SECRET=None)["WARNING"]
    monkeypatch.setattr("flask_xiebao.cli.doctor_notifications.find_spec", lambda _: None)
    assert "httpx is not installed" in said(keeps(engine))["ERROR"]


def test_column_that_event_listener_fills_is_no_error(engine: Any) -> None:
    base: Any = type("Base", (DeclarativeBase,), {})
    columns = {"__annotations__": {"own": Mapped[str]}, "own": mapped_column(String(9))}
    model: Any = type("Purchase", (PurchaseMixin, base), columns)
    event.listen(model, "before_insert", lambda mapper, connection, row: setattr(row, "own", "x"))
    base.metadata.create_all(engine)
    assert (
        'Purchases are stored in the table "xiebao_purchase"'
        in said(keeps(engine, model=model))["ok"]
    )
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM xiebao_purchase")) == 0


def test_purchases_without_notification_handler_are_an_error_in_production(engine: Any) -> None:
    Base.metadata.create_all(engine)
    unheard = said(keeps(engine, listens=False), XIEBAO_ENV="production")
    assert "The Purchases object receives no notifications" in unheard["ERROR"]
