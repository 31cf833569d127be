"""For a site's tests and demonstrations: the gateway from the other side, and who clicks."""

from ..rehearsal import is_rehearsal
from .acceptance import CheckError, Failure, Line, Report, Result, Trouble, check_entries, lines_of
from .cases import Case
from .devices import DEVICES, Device
from .document import Problem, Verdict
from .links import entry_of, link_to
from .reports import FORMATS
from .simulator import GatewaySimulator

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
