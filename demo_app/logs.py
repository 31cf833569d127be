"""Only for the demo: a log filter that masks the gateway's signature.

The demo serves the simulated gateway itself, so its access log contains gateway URLs.
"""

from __future__ import annotations

import logging
import re

_SIGN = re.compile(r"(?i)(\bsign=)[^&\s\"']*")


def mask_sign(record: logging.LogRecord) -> bool:
    """Mask the gateway's ``sign`` in a log record, and return True to log the record."""
    record.msg = _SIGN.sub(r"\1***", record.getMessage())
    record.args = ()
    return True
