"""Tools for tests and demonstrations: check entries, build links and simulate the gateway."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..app.endpoints import build_entry_link
from ..app.rehearsal import is_rehearsal
from ..app.state import get_current_app_state
from ..check.check_run import check_entries
from ..check.devices import DEVICES, Device
from ..check.page import CheckError
from ..check.report import FORMATS, Failure, Report, Result, SiteProblem
from ..errors import TokenError
from ..links.tokens import Entry
from ..simulator.document import Problem, Verdict
from ..simulator.gateway_simulator import GatewaySimulator

__all__ = [
    "DEVICES",
    "FORMATS",
    "CheckError",
    "Device",
    "Failure",
    "GatewaySimulator",
    "Problem",
    "Report",
    "Result",
    "SiteProblem",
    "Verdict",
    "check_entries",
    "entry_of",
    "is_rehearsal",
    "link_to",
]


def link_to(entry: Entry, *, external: bool = False) -> str:
    """Return the current app's link for an insurance entry. The link may be an expired one.

    Outside a request, the link is always absolute.

    :param entry: The target of the link. Its ``signed_at`` is the time at which the link is signed,
        so ``signed_at=0`` builds a link from 1970.
    :param external: True for an absolute URL.
    :raises LinkError: if the link cannot be built.
    :raises ConfigError: if the app has no Xiebao.
    """
    return build_entry_link(get_current_app_state(), entry, external=external)


def entry_of(link: str) -> Entry | None:
    """Return the insurance entry of a link that the current app has signed, otherwise None.

    :param link: A path or an absolute URL. The link may have expired.
    :raises ConfigError: if the app has no Xiebao.
    """
    try:
        return get_current_app_state().signer.parse_entry_token(
            urlsplit(link).path.rpartition("/")[2]
        )
    except (TokenError, ValueError):  # urlsplit raises ValueError if it cannot parse the link.
        return None
