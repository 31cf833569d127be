"""The clicks of ``doctor``: one on a link of each page, and the way back from a payment."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .. import urls
from ..admission import WHY, Refusal
from ..pages import PAGES
from ..state import State
from ..testing import GatewaySimulator, Verdict
from .findings import Finding, bad, ok, warning
from .link import a_host_of_this_site, local_link
from .visit import Visit, explain

# A member whom no site has.
_NOBODY = "doctor"
_LOCALE = "en"

_LET_THROUGH = (
    'Let the entries through, which check for themselves: if request.blueprint == "xiebao": return.'
)
# Who answers before a view does, and what to do about it.
_USUALLY = {
    400: (
        "a CSRF guard, perhaps. The entries change nothing and take no form: exempt them, with"
        ' csrf.exempt(app.blueprints["xiebao"]).'
    ),
    401: f"a login wall, perhaps. {_LET_THROUGH}",
    403: f"a login wall or a CSRF guard, perhaps. {_LET_THROUGH}",
    429: (
        "a limiter. Allow more, or exempt the entries, with"
        ' limiter.exempt(app.blueprints["xiebao"]).'
    ),
}


def check_clicks(state: State) -> Generator[Finding, None, str | None]:
    """Follow a link of each page as a phone does that has it from a mail.

    :return: the member whom the site takes for logged in, though nobody is.
    """
    problems: dict[str, list[str]] = {}
    login_error = current = None
    way_back = ""
    for page in PAGES:
        try:
            visit = _click(state, page, _NOBODY, max_age=60)
            login_error = login_error or visit.login_error
            if visit.rehearsal.member is not None:
                current = visit.rehearsal.member
                visit = _click(state, page, current)
        except Exception as error:  # a site may hook into URLs
            problem = f"a link cannot be made. {explain(error)}"
        else:
            verdict = _read(state, visit)
            problem = _on_the_way(state, page, visit) or _at_the_end(state, page, visit, verdict)
            way_back = way_back or verdict.pay_success or ""
        if problem:
            problems.setdefault(problem, []).append(page)
        else:
            section = PAGES[page].section
            yield ok(f"{page} ({section}): a link was made, found and opened, and leads on.")
    if way_back:
        problem = _on_the_way_back(state, _visit(state, way_back))
        if problem:
            problems.setdefault(problem, []).append("paid")
        else:
            yield ok("paid: the way back from a payment leads back.")
    for problem, pages in problems.items():
        yield bad(f"{', '.join(pages)}: {problem}")
    if login_error is not None:
        yield bad(
            "Whoever is sent to log in gets an error: name a login whose URL needs nothing but"
            f" next. {explain(login_error)}"
        )
    if current is not None:
        yield warning(
            "A request without a cookie counts as a member's, so everybody would go as them. Have"
            " the member_loader return None where nobody is logged in."
        )
    return current


def _click(state: State, page: str, member: str, max_age: int | None = None) -> Visit:
    """Follow a link from outside of the site, if it is known where that is.

    :raises Exception: when there is none.
    """
    row = PAGES[page]
    options: dict[str, Any] = {"member": member, "max_age": max_age}
    if "paySuccess" in row.parameters:
        options["return_to"] = "/"
    # The site's hooks have a say in this one, as on a page.
    path = local_link(state, page, row.sample, **options)
    if state.settings.public_url or current_app.config["SERVER_NAME"]:
        url = urls.link(state, page, row.sample, external=True, **options)
    else:
        url = f"https://{a_host_of_this_site()}{path}"
    return _visit(state, url)


def _visit(state: State, url: str) -> Visit:
    """Open a URL of the site.

    A path below which the site is mounted is known to the server, or else to what is wrapped around
    the app.
    """
    app, settings = _app(), state.settings
    view = settings.login_view if settings.login_view in app.view_functions else None
    if settings.public_url:
        mount = urlsplit(settings.public_url).path
    else:
        mount = app.config["APPLICATION_ROOT"] if app.config["SERVER_NAME"] else ""
    places = [(url, mount.rstrip("/")), (url, "")]
    if not settings.public_url:
        places += [(below, "") for below in _below_mounts(url).values()]
    visits = []
    for place in dict.fromkeys(places):
        visits.append(Visit(app, *place, view))
        if visits[-1].endpoint is not None:
            return visits[-1]
    return max(visits, key=lambda visit: visit.started)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def _below_mounts(url: str) -> dict[str, str]:
    """Return a URL of the site as it is below each path at which something mounts an app."""
    wrapped: Any = _app().wsgi_app
    while wrapped is not None and not isinstance(wrapped, DispatcherMiddleware):
        wrapped = getattr(wrapped, "app", None)
    if wrapped is None:
        return {}
    parts = urlsplit(url)
    return {mount: parts._replace(path=mount + parts.path).geturl() for mount in wrapped.mounts}


def _on_the_way(state: State, name: str, visit: Visit) -> str:
    """Say why the extension's own view did not answer, or did not let through; "" if it did."""
    if visit.error is not None:
        return f"a click fails. {explain(visit.error)}"
    if not visit.started:
        return _outside(visit)
    if visit.endpoint != f"xiebao.{name}":
        return _elsewhere(visit)
    if visit.rehearsal.refusal is not None:
        return _refused(visit.rehearsal.refusal)
    if not visit.rehearsal.reached:
        return _before(state, visit)
    return ""


def _outside(visit: Visit) -> str:
    for mount, url in _below_mounts(visit.url).items():
        if Visit(_app(), url).started:
            return (
                f"a link that leaves the site gets {visit.status}, since DispatcherMiddleware has"
                f" the site below {mount}: end XIEBAO_PUBLIC_URL in {mount}."
            )
    return (
        f"a click gets {visit.status} from what is wrapped around app.wsgi_app: have it let"
        " the paths of the entries through. If it mounts the site below a path, end"
        " XIEBAO_PUBLIC_URL in that path."
    )


def _elsewhere(visit: Visit) -> str:
    if visit.endpoint is not None:
        return f"its links lead to {visit.endpoint}: change XIEBAO_URL_PREFIX."
    return (
        f"Flask has no view for its links and answers {visit.status}: is the host of"
        " XIEBAO_PUBLIC_URL one that SERVER_NAME or TRUSTED_HOSTS let in?"
    )


def _refused(refusal: Refusal) -> str:
    if refusal.reason == "invalid_link":
        return (
            "a link does not arrive as it was made, so it is refused. Something wrapped around"
            " app.wsgi_app changes its path: have the paths of the entries left alone."
        )
    return f"a link that was just made is refused, since {WHY[refusal.cause]}."


def _before(state: State, visit: Visit) -> str:
    """Say who answered before the view, as far as that can be seen."""
    names = ", ".join(map(_name, current_app.before_request_funcs.get(None, ())))
    hooks = f" What the app has in before_request: {names}." if names else ""
    if not visit.location:
        usually = _USUALLY.get(visit.status, f"something else. {_LET_THROUGH}")
        return f"a click gets {visit.status} before the link is read: {usually}{hooks}"
    to = urlsplit(visit.location)
    if f"{state.settings.url_prefix}/" in to.path and to.netloc:
        return (
            f"the site sends whoever clicks on to {to.scheme}://{to.netloc}: set XIEBAO_PUBLIC_URL"
            f" to where it really is.{hooks}"
        )
    return (
        f"whoever clicks is sent to {to.path} before the link is read: a login wall, perhaps."
        f" {_LET_THROUGH}{hooks}"
    )


def _name(hook: Any) -> str:
    return f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', repr(type(hook)))}"


def _at_the_end(state: State, page: str, visit: Visit, verdict: Verdict) -> str:
    """Say what is wrong with where a click arrives; "" if the gateway would let it in."""
    address = visit.location.partition("?")[0]
    if visit.status != 302 or not address.endswith(state.gateway.base_url + PAGES[page].path):
        return _changed(visit)
    if verdict.accepted:
        return ""
    return f"the gateway would refuse a click. {' '.join(verdict.reasons_in(_LOCALE))}"


def _on_the_way_back(state: State, visit: Visit) -> str:
    """Say why a payment does not come back; "" if it does."""
    problem = _on_the_way(state, "paid", visit)
    if problem or (visit.status == 302 and urlsplit(visit.location).path.endswith("/")):
        return problem
    return _changed(visit)


def _changed(visit: Visit) -> str:
    advice = "Leave what the blueprint xiebao answers as it is."
    if visit.status == 200 and current_app.config.get("DEBUG_TB_INTERCEPT_REDIRECTS"):
        advice = "Flask-DebugToolbar does so: set DEBUG_TB_INTERCEPT_REDIRECTS to False."
    return (
        f"the redirect of a click is changed on its way out, by an after_request hook or what is"
        f" wrapped around the app; a browser gets {visit.status}. {advice}"
    )


def _read(state: State, visit: Visit) -> Verdict:
    """Return what the gateway makes of where a click leads."""
    settings = state.settings
    simulator = GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )
    return simulator.check(visit.location)
