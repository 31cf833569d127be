"""The members' policies and clicks, in the shop's own database."""

from __future__ import annotations

from flask_babel import lazy_gettext

from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases

from .extensions import db
from .insurance import xiebao


class Purchase(PurchaseMixin, db.Model):  # type: ignore[name-defined, misc]
    """A member's purchase of insurance."""


class InsuranceClick(ClickMixin, db.Model):  # type: ignore[name-defined, misc]
    """A click on an insurance entry that led to the gateway."""


purchases = Purchases(xiebao, Purchase, db.session, clicks=InsuranceClick)
xiebao.notification_handler(purchases.handle)

#: The texts that the shop shows for the states of a purchase.
STATES = {
    "unknown": lazy_gettext("Processing"),
    "applied": lazy_gettext("Awaiting payment"),
    "paying": lazy_gettext("Payment processing"),
    "failed": lazy_gettext("Payment failed"),
    "paid": lazy_gettext("Paid, being issued"),
    "not_issued": lazy_gettext("Not issued"),
    "issued": lazy_gettext("Issued"),
    "in_force": lazy_gettext("In force"),
    "expired": lazy_gettext("Expired"),
    "surrendering": lazy_gettext("Surrender in progress"),
    "surrendered": lazy_gettext("Surrendered"),
    "replaced": lazy_gettext("Reissued"),
    "cancelled": lazy_gettext("Canceled"),
}
