"""Flask-Xiebao: insurance entries that lead a site's members to Xiebao (携保)."""

from .errors import ConfigError, GatewayError, LinkError, XiebaoError
from .extension import Xiebao
from .gateway import Gateway
from .links import Entry
from .platforms import Platform, detect_platform
from .signals import entry_clicked, entry_refused, payment_returned

__all__ = [
    "ConfigError",
    "Entry",
    "Gateway",
    "GatewayError",
    "LinkError",
    "Platform",
    "Xiebao",
    "XiebaoError",
    "detect_platform",
    "entry_clicked",
    "entry_refused",
    "payment_returned",
]
