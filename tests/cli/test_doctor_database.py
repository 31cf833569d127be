"""Tests for ``flask xiebao doctor`` on purchases and clicks in the site's database.

To test a column that a site adds to these tables, add a row to ``COLUMNS``.
"""

from __future__ import annotations

import sys
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
from tests.cli.support import assert_chinese_output, make_shop, run_doctor


class Base(DeclarativeBase):
    """The SQLAlchemy base class of the models in these tests."""


class Purchase(PurchaseMixin, Base):
    """A model for purchases without additional columns."""


class Click(ClickMixin, Base):
    """A model for clicks without additional columns."""


def build_model_with_column(
    mixin: type[Any], column: Any, bases: tuple[type, ...] = (DeclarativeBase,)
) -> type[Any]:
    """Return a model for purchases or clicks with the additional column "shop".

    The model has its own SQLAlchemy base class.
    """
    attributes = {"__annotations__": {"shop": Mapped[str]}, "shop": column}
    return type("Purchase", (mixin, type("Base", bases, {})), attributes)


def make_purchases_setup(
    engine: Any, *, has_handler: bool = True, model: type[Any] = Purchase, **options: Any
) -> Change:
    """Return a function that makes an app store its purchases in a database.

    :param engine: the SQLAlchemy engine of the database.
    :param has_handler: False to register no notification handler.
    :param model: the model for purchases.
    :param options: keyword arguments for ``Purchases``.
    """

    def set_up_purchases(app: Flask) -> None:
        xiebao = app.extensions["xiebao"]
        purchases = Purchases(xiebao, model, sessionmaker(engine), **options)
        if has_handler:
            xiebao.notification_handler(purchases.handle)

    return set_up_purchases


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """The SQLAlchemy engine of an empty SQLite database."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    yield engine
    engine.dispose()


def get_doctor_findings(*changes: Change, **config: Any) -> dict[str, str]:
    """Run ``flask xiebao doctor`` on a site, and return the findings.

    Also assert that the Chinese output has the same number of findings.
    """
    app = make_shop(*changes, **config)
    findings = run_doctor(app)
    assert_chinese_output(app, findings)
    return findings


# Missing and unreadable database tables


def test_doctor_accepts_existing_purchase_and_click_tables(engine: Any) -> None:
    Base.metadata.create_all(engine)

    findings = get_doctor_findings(make_purchases_setup(engine, clicks=Click))

    assert 'Purchases are stored in the table "xiebao_purchase"' in findings["ok"]
    assert 'are stored in the table "xiebao_click" at the end of each request.' in findings["ok"]


def test_doctor_reports_missing_columns_of_purchase_table(engine: Any) -> None:
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for column in ("plan_name", "version"):
            connection.execute(text(f"ALTER TABLE xiebao_purchase DROP COLUMN {column}"))

    message = (
        'The table "xiebao_purchase" lacks these columns: plan_name, version. Migrate the table.'
    )
    assert message in get_doctor_findings(make_purchases_setup(engine))["ERROR"]


def test_doctor_reports_missing_tables_of_purchases_and_stored_clicks(engine: Any) -> None:
    findings = get_doctor_findings(make_purchases_setup(engine, clicks=Click))
    for table in ("xiebao_purchase", "xiebao_click"):
        assert f'has no table "{table}"' in findings["ERROR"]
    assert "xiebao_click" not in str(get_doctor_findings(make_purchases_setup(engine)))


def test_doctor_reports_unreadable_database(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'hunter2' / 'shop.sqlite3'}")
    assert (
        'The database with the table "xiebao_purchase" cannot be used (Oper'
        in get_doctor_findings(make_purchases_setup(engine))["ERROR"]
    )


# Columns that the site adds to database tables

NO_DEFAULT = "must not be NULL and have no default: shop."
#: One row per model for purchases: the column that the site adds, the base classes of the model,
#: and the level and a part of the finding of ``flask xiebao doctor``.
COLUMNS: dict[str, tuple[Any, tuple[type, ...], str, str]] = {
    "column without default": (
        mapped_column(String(9)),
        (DeclarativeBase,),
        "ERROR",
        f"because these columns {NO_DEFAULT}",
    ),
    "column with default": (
        mapped_column(String(9), default=str),
        (DeclarativeBase,),
        "ok",
        "are stored in",
    ),
    "column with server_default": (
        mapped_column(String(9), server_default=""),
        (DeclarativeBase,),
        "ok",
        "are stored in",
    ),
    "required argument of dataclass": (
        mapped_column(String(9)),
        (MappedAsDataclass, DeclarativeBase),
        "ERROR",
        "The Purchases object creates rows with Purchase(), but this call failed",
    ),
}


@pytest.mark.parametrize(("column", "bases", "level", "message"), COLUMNS.values(), ids=COLUMNS)
def test_doctor_reports_purchase_columns_without_default(
    engine: Any, column: Any, bases: tuple[type, ...], level: str, message: str
) -> None:
    model = build_model_with_column(PurchaseMixin, column, bases)
    model.metadata.create_all(engine)

    assert message in get_doctor_findings(make_purchases_setup(engine, model=model))[level]


def test_doctor_reports_click_column_without_default(engine: Any) -> None:
    click = build_model_with_column(ClickMixin, mapped_column(String(9)))
    for model in (click, Purchase):
        model.metadata.create_all(engine)

    message = (
        f'Rows cannot be written to the table "xiebao_click", because these columns {NO_DEFAULT}'
    )
    assert message in get_doctor_findings(make_purchases_setup(engine, clicks=click))["ERROR"]


def test_doctor_accepts_column_that_event_listener_fills(engine: Any) -> None:
    model = build_model_with_column(PurchaseMixin, mapped_column(String(9)))
    event.listen(model, "before_insert", lambda mapper, connection, row: setattr(row, "shop", "x"))
    model.metadata.create_all(engine)

    message = 'Purchases are stored in the table "xiebao_purchase"'
    assert message in get_doctor_findings(make_purchases_setup(engine, model=model))["ok"]
    # ``flask xiebao doctor`` deletes the row that it inserted.
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM xiebao_purchase")) == 0


# Requirements for storing purchases


@pytest.mark.parametrize(("env", "level"), [("test", "WARNING"), ("production", "ERROR")])
def test_doctor_reports_purchases_without_notification_handler(
    engine: Any, env: str, level: str
) -> None:
    Base.metadata.create_all(engine)

    findings = get_doctor_findings(make_purchases_setup(engine, has_handler=False), XIEBAO_ENV=env)

    assert "The Purchases object receives no notifications" in findings[level]
    assert "No notification_handler is registered" not in str(findings)


def test_doctor_warns_of_shared_account_without_member_secret(engine: Any) -> None:
    Base.metadata.create_all(engine)
    add_shared_purchases = make_purchases_setup(engine, only=lambda order: True)

    message = "Another site sells with the same partner account"
    assert message not in get_doctor_findings(add_shared_purchases)["WARNING"]
    assert (
        message in get_doctor_findings(add_shared_purchases, XIEBAO_MEMBER_SECRET=None)["WARNING"]
    )


def test_doctor_reports_purchases_without_httpx(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "httpx is not installed" in get_doctor_findings(make_purchases_setup(engine))["ERROR"]
