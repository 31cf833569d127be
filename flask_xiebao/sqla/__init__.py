"""Classes that store purchases in the site's own database with SQLAlchemy (the extra ``sqla``)."""

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - tells which extra is missing
except ImportError as error:
    raise ImportError(
        "flask_xiebao.sqla requires SQLAlchemy. Run `pip install 'Flask-Xiebao[sqla]'`."
    ) from error

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
