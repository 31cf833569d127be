"""For a site's tests and demonstrations: the gateway from the other side, and who clicks."""

from ..app.rehearsal import is_rehearsal
from ..check.acceptance import (
    CheckError,
    Failure,
    Line,
    Report,
    Result,
    Trouble,
    check_entries,
    lines_of,
)
from ..check.cases import Case
from ..check.devices import DEVICES, Device
from ..check.own_links import entry_of, link_to
from ..check.reports import FORMATS
from ..simulator.document import Problem, Verdict
from ..simulator.screens import GatewaySimulator

__all__ = [
    "DEVICES",
    "FORMATS",
    "Case",
    "CheckError",
    "Device",
    "Failure",
    "GatewaySimulator",
    "Line",
    "Problem",
    "Report",
    "Result",
    "Trouble",
    "Verdict",
    "check_entries",
    "entry_of",
    "is_rehearsal",
    "lines_of",
    "link_to",
]
