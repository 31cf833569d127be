"""For a site's tests and demonstrations: the gateway from the other side, and who clicks."""

from ..app.rehearsal import is_rehearsal
from ..check.acceptance import check_entries
from ..check.cases import Case
from ..check.devices import DEVICES, Device
from ..check.expectations import Failure
from ..check.own_links import entry_of, link_to
from ..check.player import CheckError
from ..check.reports import FORMATS
from ..check.results import Line, Report, Result, Trouble, lines_of
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
