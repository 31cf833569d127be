"""Tools for tests and demonstrations: check entries, build links and simulate the gateway."""

from ..app.rehearsal import is_rehearsal
from ..check.cases import Case
from ..check.check_run import check_entries
from ..check.devices import DEVICES, Device
from ..check.link_helpers import entry_of, link_to
from ..check.reports import FORMATS
from ..check.response_checks import Failure
from ..check.results import Line, Report, Result, Trouble, lines_of
from ..check.site_client import CheckError
from ..simulator.document import Problem, Verdict
from ..simulator.gateway_simulator import GatewaySimulator

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
