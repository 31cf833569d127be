"""A Flask extension for buttons, links and QR codes that open Xiebao's (携保) insurance pages."""

from .app.rehearsal import is_rehearsal
from .app.signals import entry_clicked, entry_refused, notification_received, payment_returned
from .errors import (
    ConfigError,
    GatewayError,
    LinkError,
    NotificationError,
    OrderError,
    XiebaoError,
)
from .extension import Xiebao
from .gateway.notifications import Notification, NotificationType, PolicyInfo, parse_notification
from .gateway.orders import EffectiveStatus, IssueStatus, Order, OrderClient, PayStatus
from .gateway.platforms import Platform, detect_platform
from .gateway.urls import Gateway
from .links.tokens import Entry

__all__ = [
    "ConfigError",
    "EffectiveStatus",
    "Entry",
    "Gateway",
    "GatewayError",
    "IssueStatus",
    "LinkError",
    "Notification",
    "NotificationError",
    "NotificationType",
    "Order",
    "OrderClient",
    "OrderError",
    "PayStatus",
    "Platform",
    "PolicyInfo",
    "Xiebao",
    "XiebaoError",
    "detect_platform",
    "entry_clicked",
    "entry_refused",
    "is_rehearsal",
    "notification_received",
    "parse_notification",
    "payment_returned",
]
