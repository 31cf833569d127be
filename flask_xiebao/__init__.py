"""Flask-Xiebao: insurance entries that lead a site's members to Xiebao (携保)."""

from .errors import (
    ConfigError,
    GatewayError,
    LinkError,
    NotificationError,
    OrderError,
    XiebaoError,
)
from .extension import Xiebao
from .gateway import Gateway
from .links import Entry
from .notifications import Notification, NotificationType, PolicyInfo, parse_notification
from .orders import Order, OrderClient
from .platforms import Platform, detect_platform
from .signals import entry_clicked, entry_refused, notification_received, payment_returned

__all__ = [
    "ConfigError",
    "Entry",
    "Gateway",
    "GatewayError",
    "LinkError",
    "Notification",
    "NotificationError",
    "NotificationType",
    "Order",
    "OrderClient",
    "OrderError",
    "Platform",
    "PolicyInfo",
    "Xiebao",
    "XiebaoError",
    "detect_platform",
    "entry_clicked",
    "entry_refused",
    "notification_received",
    "parse_notification",
    "payment_returned",
]
