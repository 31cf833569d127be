"""Keeps the gateway's sign out of access logs."""

from __future__ import annotations

import logging
import re

_SIGN = re.compile(r"(?i)(\bsign=)[^&\s\"']*")


def mask_sign(record: logging.LogRecord) -> bool:
    """Mask the value of ``sign`` in every query string that is logged; let every record pass."""
    record.msg = _SIGN.sub(r"\1***", record.getMessage())
    record.args = ()
    return True
