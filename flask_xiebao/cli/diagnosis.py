"""Why a request of ``doctor`` did not arrive, as far as it shows, and what to do about it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException

from ..app.endpoints import knows_its_address
from ..app.log import place_in_site, place_of, this_app
from ..app.state import State
from ..check.causes import suspects, why_unreached, with_suspects
from ..check.visits import Visit, explain
from ..gateway.notifications import LARGEST
from ..gateway.pages import PAGES
from ..simulator.document import Verdict
from ..texts import text

_LET_IT_THROUGH = (
    'let it through, which checks for itself: if request.blueprint == "xiebao": return.'
)
#: The view of notifications, for extensions that exempt a view.
EXEMPT = 'app.view_functions["xiebao.notify"]'

# Who may answer a notification with a status, and what to do.
_GUARD = ("a CSRF guard or a login wall", f"exempt it, with csrf.exempt({EXEMPT}), or ")
_WHO_SAYS = {
    429: ("a limiter", f"exempt it, with limiter.exempt({EXEMPT}), or "),
    **dict.fromkeys((400, 401, 403), _GUARD),
}


def why_not_there(state: State, page: str, visit: Visit, verdict: Verdict, member: str) -> str:
    """Say why a click did not arrive at the gateway; "" if it did.

    :param verdict: what the gateway makes of where the click leads.
    :param member: whose click it is.
    """
    row = PAGES[page]
    arrives = _leads_to(visit).endswith(state.gateway.base_url + row.path)
    is_right = "partnerUniqKey" not in row.parameters or state.member_of(verdict.member) == member
    if arrives and verdict.accepted and is_right:
        return ""
    problem = _on_the_way(state, page, visit)
    if problem or not arrives or verdict.accepted:
        return problem or _redirect_changed(visit)
    return " ".join(("the gateway would refuse a click.", *verdict.reasons_in("en")))


def why_not_back(state: State, visit: Visit) -> str:
    """Say why a payment does not come back to the start page; "" if it does."""
    if urlsplit(_leads_to(visit)).path == "/":
        return ""
    return _on_the_way(state, "paid", visit) or _redirect_changed(visit)


def why_not_told(visit: Visit, body: bytes) -> str:
    """Say why a notification did not arrive; "" if it did.

    :param body: what was sent.
    """
    seen, at = visit.rehearsal, urlsplit(visit.url)
    if visit.status == 413 or (current_app.config["MAX_CONTENT_LENGTH"] or LARGEST) < LARGEST:
        return "a notification is too long for MAX_CONTENT_LENGTH: let 64 KiB through."
    error = seen.error or visit.error
    if seen.reached and seen.error is None:
        if seen.received != body:
            said = (
                "the body of a notification is read before it arrives, by request.stream or a form"
                " parser. Have hooks read it by request.get_data() or get_json(), which keep it."
            )
            return _and_suspects(said, "before_request")
        if visit.status == 200 and visit.body == b'{"state": true}':
            return ""
        return _changed(
            "the answer to a notification",
            ', and the platform waits for 200 {"state": true}: leave what the blueprint xiebao'
            f" answers as it is. It gets {visit.status}.",
        )
    if error is not None:
        return f"a notification fails. {explain(error)}"
    if not visit.started:
        return why_unreached(visit, "xiebao.notify").in_words("en")
    if visit.endpoint != "xiebao.notify":
        return f"{at.path} leads to {visit.endpoint or 'no view'}: change XIEBAO_URL_PREFIX."
    if visit.location:
        to = urlsplit(urljoin(visit.url, visit.location))._replace(query="", fragment="")
        if (to.netloc, to.path) == (at.netloc, at.path):
            what = (
                f"is sent on to {to.geturl()}, which Xiebao does not follow: set XIEBAO_PUBLIC_URL"
                " to its address, with https."
            )
        else:
            where = to.path if to.netloc == at.netloc else to.geturl()
            what = f"is sent on to {where}, by a login wall, perhaps: {_LET_IT_THROUGH}"
    else:
        who, how = _WHO_SAYS.get(visit.status, ("one of the site's hooks", ""))
        what = f"gets {visit.status} from {who}, perhaps: {how}{_LET_IT_THROUGH}"
    return _and_suspects(f"a notification {what}", "before_request")


def _leads_to(visit: Visit) -> str:
    """Return where a redirect leads, without the query; "" for any other answer."""
    return visit.location.partition("?")[0] if 300 <= visit.status < 400 else ""


def _on_the_way(state: State, name: str, visit: Visit) -> str:
    """Say why the extension's view was not reached, or refused the click; "" if neither."""
    seen, endpoint = visit.rehearsal, f"xiebao.{name}"
    error = seen.error or visit.error
    if seen.refusal is not None:
        if seen.refusal.reason == "invalid_link":
            return text("en", "check.means.unreached.path")
        return f"a link that was just made is refused, since {seen.refusal.why}."
    if isinstance(error, HTTPException):
        return (
            f"a click is answered by {place_of(error)}, which aborts with {visit.status}: have the"
            " member_loader return None where nobody is logged in."
        )
    if error is not None:
        said = f"a click fails. {explain(error)}"
        return said if place_in_site(error) else _and_suspects(said, "after_request")
    if seen.reached and visit.endpoint == endpoint:
        return ""
    cause = why_unreached(visit, endpoint)
    said = cause.in_words("en")
    if cause.code in ("wall", "hook") and not knows_its_address(state):
        host = cause.values["host"]
        said += f" Or is it because it was asked as {host}? Set XIEBAO_PUBLIC_URL and run it again."
    return said


def _redirect_changed(visit: Visit) -> str:
    is_toolbar = visit.status == 200 and current_app.config.get("DEBUG_TB_INTERCEPT_REDIRECTS")
    advice = (
        "Flask-DebugToolbar does so: set DEBUG_TB_INTERCEPT_REDIRECTS to False."
        if is_toolbar
        else "Leave what the blueprint xiebao answers as it is."
    )
    return _changed("the redirect of a click", f"; a browser gets {visit.status}. {advice}")


def _changed(what: str, means: str) -> str:
    """Say that an answer was changed after it left the view.

    :param means: what follows from that, and what to do.
    """
    said = f"{what} is changed on its way out, by an after_request hook or a middleware{means}"
    return _and_suspects(said, "after_request")


def _and_suspects(said: str, kind: str) -> str:
    return with_suspects(said, "en", kind, suspects(this_app(), kind))
