"""What the members have bought, as the gateway says it: kept in the shop's own database."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool

from flask_xiebao import Xiebao
from flask_xiebao.sqla import PurchaseMixin, Purchases

db = SQLAlchemy(engine_options={"poolclass": NullPool})  # a file of SQLite needs none
xiebao = Xiebao()


class Purchase(PurchaseMixin, db.Model):  # type: ignore[name-defined, misc]
    """A purchase: there is nothing of the shop's own in it."""


purchases = Purchases(xiebao, Purchase, db.session)
xiebao.notification_handler(purchases.handle)
