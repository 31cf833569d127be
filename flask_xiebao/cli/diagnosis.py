"""Why a request of ``doctor`` did not arrive, as far as it shows, and what to do about it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException

from ..app.endpoints import knows_its_address
from ..app.log import place_in_site, place_of, this_app
from ..app.mounts import below_mounts
from ..app.state import State
from ..check.visits import Visit, explain, suspects
from ..gateway.notifications import LARGEST
from ..gateway.pages import PAGES
from ..simulator.document import Verdict
from ..texts import text

_LET_THROUGH = (
    'let the entries through, which check for themselves: if request.blueprint == "xiebao": return.'
)
_LET_THROUGH_A_WALL = f"{_LET_THROUGH} If it also sets who is logged in, let it do so first."
_LET_IT_THROUGH = (
    'let it through, which checks for itself: if request.blueprint == "xiebao": return.'
)
#: The view of notifications, for extensions that exempt a view.
EXEMPT = 'app.view_functions["xiebao.notify"]'


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
            return (
                "the body of a notification is read before it arrives, by request.stream or a form"
                " parser. Have hooks read it by request.get_data() or get_json(), which keep it."
                + _suspects("before_request")
            )
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
        return _outside(visit, f"have it let POST {at.path} through.")
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
    elif visit.status in (400, 403):
        what = (
            f"gets {visit.status} from a CSRF guard or a login wall, perhaps: exempt it, with"
            f" csrf.exempt({EXEMPT}), or {_LET_IT_THROUGH}"
        )
    else:
        what = f"gets {visit.status} from {_who_says(visit.status)}"
    return f"a notification {what}{_suspects('before_request')}"


def _leads_to(visit: Visit) -> str:
    """Return where a redirect leads, without the query; "" for any other answer."""
    return visit.location.partition("?")[0] if 300 <= visit.status < 400 else ""


def _on_the_way(state: State, name: str, visit: Visit) -> str:
    """Say why the extension's view was not reached, or refused the click; "" if neither."""
    seen = visit.rehearsal
    error = seen.error or visit.error
    if seen.refusal is not None:
        if seen.refusal.reason == "invalid_link":
            return (
                "a link does not arrive as it was made, so it is refused. Something wrapped around"
                " app.wsgi_app changes its path: have the paths of the entries left alone."
            )
        return f"a link that was just made is refused, since {seen.refusal.why}."
    if isinstance(error, HTTPException):
        return (
            f"a click is answered by {place_of(error)}, which aborts with {visit.status}: have the"
            " member_loader return None where nobody is logged in."
        )
    if error is not None:
        hooks = "" if place_in_site(error) else _suspects("after_request")
        return f"a click fails. {explain(error)}{hooks}"
    if not visit.started:
        return _outside(visit, "have it let the paths of the entries through.")
    if visit.endpoint is None:
        return (
            f"Flask has no view for its links on {urlsplit(visit.url).netloc}, and answers"
            f" {visit.status}: is this a host that SERVER_NAME or TRUSTED_HOSTS let in?"
        )
    if visit.endpoint != f"xiebao.{name}":
        return f"its links lead to {visit.endpoint}: change XIEBAO_URL_PREFIX."
    return "" if seen.reached else _before(state, visit)


def _outside(visit: Visit, advice: str) -> str:
    """Say who answered before Flask did.

    :param advice: for a middleware that answers by itself.
    """
    for mount, url in below_mounts(visit.url).items():
        if urlsplit(visit.url).path.startswith(f"{mount}/"):
            return (
                f"its links lead to what DispatcherMiddleware has at {mount}: change"
                " XIEBAO_URL_PREFIX."
            )
        if Visit(this_app(), url).started:
            return (
                f"a link that leaves the site gets {visit.status}, since DispatcherMiddleware has"
                f" the site below {mount}: end XIEBAO_PUBLIC_URL in {mount}."
            )
    mounts = " If it mounts the site below a path, end XIEBAO_PUBLIC_URL in that path."
    return (
        f"a request gets {visit.status} before Flask looks for a view, from a middleware around"
        f" app.wsgi_app or a Flask class of the site's own: {advice}"
        f"{mounts if visit.status == 404 else ''}"
    )


def _before(state: State, visit: Visit) -> str:
    """Say who answered a click before the view."""
    at, to = urlsplit(visit.url), urlsplit(urljoin(visit.url, visit.location))
    origin = f"{to.scheme}://{to.netloc}"
    if not visit.location:
        host = (
            f" Or is it because it was asked as {at.netloc}? Set XIEBAO_PUBLIC_URL, and run it"
            " again."
        )
        what = (
            f"a click on {at.netloc} gets {visit.status} before the link is read, from"
            f" {_who_says(visit.status)}{'' if knows_its_address(state) else host}"
        )
    elif at.path.rpartition("/")[2] not in to.path:
        where = to.path if to.netloc == at.netloc else origin + to.path
        what = (
            f"whoever clicks is sent to {where} before the link is read, by a login wall, perhaps:"
            f" {_LET_THROUGH_A_WALL}"
        )
    elif origin != f"{at.scheme}://{at.netloc}":
        what = f"whoever clicks is sent to {origin}: set XIEBAO_PUBLIC_URL to where the site is."
    else:
        what = (
            "whoever clicks is sent to another form of the same path, and has to come again:"
            f" {_LET_THROUGH}"
        )
    return what + _suspects("before_request")


def _who_says(status: int) -> str:
    """Say who may answer with this status before a view does, and what to do about it."""
    match status:
        case 429 if "limiter" in current_app.extensions:
            exempt = 'limiter.exempt(app.blueprints["xiebao"])'
            return f"a limiter: allow more, or exempt them, with {exempt}."
        case 429:
            return f"a limiter: allow more, or {_LET_THROUGH}"
        case 400 | 401 | 403:
            return f"a login wall or a CSRF guard, perhaps: {_LET_THROUGH_A_WALL}"
    return f"one of the site's hooks, or its handler of an error in one: {_LET_THROUGH}"


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
    return (
        f"{what} is changed on its way out, by an after_request hook or a middleware{means}"
        + _suspects("after_request")
    )


def _suspects(kind: str) -> str:
    """Name the site's hooks of a kind: those for all views, and those for ours.

    :param kind: ``before_request`` or ``after_request``.
    """
    own = suspects(this_app(), kind)
    return f" {text('en', 'suspects', kind=kind, hooks=own)}" if own else ""
