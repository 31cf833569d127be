"""The members' purchases and clicks, which are stored in the shop's own database."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import inspect, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateColumn

from flask_xiebao import Xiebao
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases

db = SQLAlchemy(engine_options={"poolclass": NullPool})  # a file of SQLite needs none
xiebao = Xiebao()


class Purchase(PurchaseMixin, db.Model):  # type: ignore[name-defined, misc]
    """A purchase: there is nothing of the shop's own in it."""


class InsuranceClick(ClickMixin, db.Model):  # type: ignore[name-defined, misc]
    """A click that led to the gateway."""


def create_tables() -> None:
    """Create the tables, and add columns that a database of an earlier version lacks."""
    db.create_all()
    table = Purchase.__table__
    existing_names = {column["name"] for column in inspect(db.engine).get_columns(table.name)}
    for column in table.columns:
        if column.name not in existing_names:
            definition = CreateColumn(column).compile(db.engine)
            db.session.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
    db.session.commit()


purchases = Purchases(xiebao, Purchase, db.session, clicks=InsuranceClick)
xiebao.notification_handler(purchases.handle)
