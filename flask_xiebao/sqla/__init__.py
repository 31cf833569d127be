"""Classes that store purchases in the site's own database with SQLAlchemy (the extra ``sqla``)."""

from ..errors import OrderBehindError
from .model import PurchaseMixin, PurchaseState, Snapshot
from .purchases import Purchases
from .reconciliation import Difference

__all__ = [
    "Difference",
    "OrderBehindError",
    "PurchaseMixin",
    "PurchaseState",
    "Purchases",
    "Snapshot",
]
