"""For a site's tests and demonstrations: the gateway from the other side."""

from .document import Problem, Verdict
from .links import link_to
from .simulator import GatewaySimulator

__all__ = ["GatewaySimulator", "Problem", "Verdict", "link_to"]
