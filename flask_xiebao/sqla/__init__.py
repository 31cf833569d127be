"""Purchases in the site's own database, by SQLAlchemy: the extra ``sqla``."""

from .model import PurchaseMixin, PurchaseState, Snapshot
from .purchases import Purchases
from .reconciling import Difference

__all__ = ["Difference", "PurchaseMixin", "PurchaseState", "Purchases", "Snapshot"]
