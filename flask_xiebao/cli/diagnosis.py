"""Why a click of ``doctor`` did not arrive, as far as that can be seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException

from ..app.endpoints import knows_its_address
from ..app.log import name_of, place_in_site, place_of, this_app
from ..app.state import State
from ..check.visits import Visit, below_mounts, explain
from ..gateway.pages import PAGES
from ..links.admission import WHY, Refusal
from ..simulator.document import Verdict

_LOCALE = "en"
_LET_THROUGH = (
    'let the entries through, which check for themselves: if request.blueprint == "xiebao": return.'
)
_LET_THROUGH_A_WALL = f"{_LET_THROUGH} If it also sets who is logged in, let it do so first."


def why_not_there(state: State, page: str, visit: Visit, verdict: Verdict, member: str) -> str:
    """Say why a click did not arrive at the gateway; "" if it did.

    :param verdict: what the gateway makes of where the click leads.
    :param member: whose click it is.
    """
    row = PAGES[page]
    address = visit.location.partition("?")[0]
    arrives = _redirects(visit) and address.endswith(state.gateway.base_url + row.path)
    names_member = "partnerUniqKey" in row.parameters
    is_right = not names_member or state.member_of(verdict.member) == member
    if arrives and verdict.accepted and is_right:
        return ""
    problem = _on_the_way(state, page, visit)
    if problem or not arrives or verdict.accepted:
        return problem or _changed(visit)
    return f"the gateway would refuse a click. {' '.join(verdict.reasons_in(_LOCALE))}"


def why_not_back(state: State, visit: Visit) -> str:
    """Say why a payment does not come back to the start page; "" if it does."""
    if _redirects(visit) and urlsplit(visit.location).path == "/":
        return ""
    return _on_the_way(state, "paid", visit) or _changed(visit)


def _redirects(visit: Visit) -> bool:
    return 300 <= visit.status < 400


def _on_the_way(state: State, name: str, visit: Visit) -> str:
    """Say why the extension's own view did not answer, or did not let through; "" if it did."""
    seen = visit.rehearsal
    if seen.refusal is not None:
        return _refused(seen.refusal)
    error = seen.error or visit.error
    if isinstance(error, HTTPException):
        return (
            f"a click is answered by {place_of(error)}, which aborts with {visit.status}: have the"
            " member_loader return None where nobody is logged in."
        )
    if error is not None:
        hooks = "" if place_in_site(error) else suspects_after()
        return f"a click fails. {explain(error)}{hooks}"
    if not visit.started:
        return outside(visit)
    if visit.endpoint != f"xiebao.{name}":
        return _elsewhere(visit)
    return "" if seen.reached else _before(state, visit)


def _refused(refusal: Refusal) -> str:
    if refusal.reason == "invalid_link":
        return (
            "a link does not arrive as it was made, so it is refused. Something wrapped around"
            " app.wsgi_app changes its path: have the paths of the entries left alone."
        )
    return f"a link that was just made is refused, since {WHY[refusal.cause]}."


def outside(visit: Visit, advice: str = "have it let the paths of the entries through.") -> str:
    """Say who answered before Flask did.

    :param advice: for a middleware that answers by itself.
    """
    path = urlsplit(visit.url).path
    for mount, url in below_mounts(visit.url).items():
        if path.startswith(f"{mount}/"):
            return (
                f"its links lead to what DispatcherMiddleware has at {mount}: change"
                " XIEBAO_URL_PREFIX."
            )
        if Visit(this_app(), url).started:
            return (
                f"a link that leaves the site gets {visit.status}, since DispatcherMiddleware has"
                f" the site below {mount}: end XIEBAO_PUBLIC_URL in {mount}."
            )
    if visit.status == 404:
        advice += " If it mounts the site below a path, end XIEBAO_PUBLIC_URL in that path."
    return (
        f"a request gets {visit.status} before Flask looks for a view, from a middleware around"
        f" app.wsgi_app or a Flask class of the site's own: {advice}"
    )


def _elsewhere(visit: Visit) -> str:
    if visit.endpoint is not None:
        return f"its links lead to {visit.endpoint}: change XIEBAO_URL_PREFIX."
    return (
        f"Flask has no view for its links on {urlsplit(visit.url).netloc}, and answers"
        f" {visit.status}: is this a host that SERVER_NAME or TRUSTED_HOSTS let in?"
    )


def _before(state: State, visit: Visit) -> str:
    """Say who answered before the view."""
    at = urlsplit(visit.url)
    if visit.location:
        what = _sent_on(visit)
    else:
        what = (
            f"a click on {at.netloc} gets {visit.status} before the link is read, from"
            f" {who_says(visit.status)}"
        )
        if not knows_its_address(state):
            what += (
                f" Or is it because it was asked as {at.netloc}? Set XIEBAO_PUBLIC_URL, and run it"
                " again."
            )
    return what + suspects_before()


def _sent_on(visit: Visit) -> str:
    at, to = urlsplit(visit.url), urlsplit(urljoin(visit.url, visit.location))
    origin = f"{to.scheme}://{to.netloc}"
    if at.path.rpartition("/")[2] not in to.path:
        where = to.path if to.netloc == at.netloc else origin + to.path
        return (
            f"whoever clicks is sent to {where} before the link is read, by a login wall, perhaps:"
            f" {_LET_THROUGH_A_WALL}"
        )
    if origin != f"{at.scheme}://{at.netloc}":
        return f"whoever clicks is sent to {origin}: set XIEBAO_PUBLIC_URL to where the site is."
    return (
        "whoever clicks is sent to another form of the same path, and has to come again:"
        f" {_LET_THROUGH}"
    )


def who_says(status: int) -> str:
    """Say who answers so before a view does, and what to do about it."""
    extensions = current_app.extensions
    if status == 429:
        advice = _LET_THROUGH
        if "limiter" in extensions:
            advice = 'exempt them, with limiter.exempt(app.blueprints["xiebao"]).'
        return f"a limiter: allow more, or {advice}"
    if status in (400, 401, 403):
        return f"a login wall or a CSRF guard, perhaps: {_LET_THROUGH_A_WALL}"
    return f"one of the site's hooks, or its handler of an error in one: {_LET_THROUGH}"


def _changed(visit: Visit) -> str:
    advice = "Leave what the blueprint xiebao answers as it is."
    if visit.status == 200 and current_app.config.get("DEBUG_TB_INTERCEPT_REDIRECTS"):
        advice = "Flask-DebugToolbar does so: set DEBUG_TB_INTERCEPT_REDIRECTS to False."
    return (
        "the redirect of a click is changed on its way out, by an after_request hook or a"
        f" middleware; a browser gets {visit.status}. {advice}" + suspects_after()
    )


def suspects_before() -> str:
    """Name the hooks that may answer before a view does."""
    return _suspects("before_request", _of_all_and_ours(current_app.before_request_funcs))


def suspects_after() -> str:
    """Name the hooks that may change an answer."""
    return _suspects("after_request", _of_all_and_ours(current_app.after_request_funcs))


def _of_all_and_ours(hooks: Mapping[str | None, list[Any]]) -> list[object]:
    return [*hooks.get(None, ()), *hooks.get("xiebao", ())]


def _suspects(kind: str, hooks: Iterable[object]) -> str:
    names = [name for name in map(name_of, hooks) if not name.startswith("flask_xiebao.")]
    return f" What the app has in {kind}: {', '.join(names)}." if names else ""
