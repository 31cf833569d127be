"""Classes that store purchases and clicks in the site's own database (the extra ``sqla``)."""

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - tells which extra is missing
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "flask_xiebao.sqla requires SQLAlchemy. Run `pip install 'Flask-Xiebao[sqla]'`.",
        name=error.name,
    ) from error

from ..errors import OrderBehindError
from .clicks import ClickMixin
from .model import PurchaseMixin, PurchaseState, Snapshot
from .purchases import Purchases
from .reconciliation import Difference

__all__ = [
    "ClickMixin",
    "Difference",
    "OrderBehindError",
    "PurchaseMixin",
    "PurchaseState",
    "Purchases",
    "Snapshot",
]
