"""What HTTP makes of a decision: redirects, refusals, notices and other pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Response, jsonify, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Unauthorized

from ..app.endpoints import login_url, site_host, this_link
from ..app.headers import LINK_HEADERS, is_overwritten
from ..app.hooks import login_manager
from ..app.log import logger
from ..app.rehearsal import rehearsal
from ..app.signals import entry_refused, send
from ..app.state import State
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.admission import LOGIN_REQUIRED, WHY, Refusal
from ..links.tokens import Entry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


# The reasons of refusals that somebody is past who logs in, as the member whose link it is.
_LOGIN_HELPS = ("login_required", "another_member", "expired")


class RefusedError(Exception):
    """Somebody is not let through.

    :param refusal: the status and why.
    :param page: the page of the gateway, or ``paid``.
    :param entry: what the link leads to, where it says so.
    :param member: who clicked, where it is known.
    """

    def __init__(
        self, refusal: Refusal, page: str, entry: Entry | None = None, member: str | None = None
    ) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.page = page
        self.entry = entry
        self.member = member


class AnsweredError(Exception):
    """The site answers in place of the extension: its login, or its ``click_guard``.

    It is no :func:`flask.abort`, which ``TRAP_HTTP_EXCEPTIONS`` would make an error.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Redirect(Response):
    """A redirect with an empty body: redirect() would write the URL, and the sign, into a page.

    :param url: where to, as it is sent: of a path that is not ASCII, the URI.
    """

    def __init__(self, url: str) -> None:
        headers = Headers()
        headers.add("Location", url)
        headers.add("Content-Type", "text/html; charset=utf-8")
        super().__init__((), 302, headers)
        self._url = url

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return what is sent: the iterator, the status and the headers."""
        headers, where = [], []
        for name, value in self.headers:
            key = name.lower()
            if key in ("location", "content-location"):  # Werkzeug makes URIs of both
                where.append(value)
            if key != "content-length" and not is_overwritten(key):
                headers.append((name, value))
        if self.response or self.status_code != 302 or where != [self._url]:
            # A hook of the site made something else of it, and may have miscounted.
            if self.is_sequence:
                self.headers.remove("Content-Length")
            return super().get_wsgi_response(environ)
        # Written at once: Werkzeug's copies, its own corrections and then ours would be a quarter
        # of a click.
        headers += [("Content-Length", "0"), *LINK_HEADERS]
        return self.get_app_iter(environ), self.status, headers


def not_yet() -> Response:
    """Answer a prefetch: nothing happens before the click."""
    return Response("This link opens when it is clicked.", 503, mimetype="text/plain")


def go_there_yourself(state: State, *, by_itself: bool) -> Response:
    """Answer a script that fetched the link: a page that has the browser go there itself.

    The status is 200 since Turbo answers a tap with what it fetched on hovering, and HTMX reads the
    headers of nothing else.

    :param by_itself: the page goes on by itself, and does not wait for somebody to click.
    """
    response = _page(state, "navigate", link=this_link(go=1), by_itself=by_itself)
    response.headers["HX-Redirect"] = this_link()
    return response


def handoff(state: State, page: str, code: Markup, lifetime: int) -> Response:
    """Show the code by which whoever is at a PC goes on with their phone.

    :param page: the name of the page that the gateway does not have for PCs.
    :param code: the QR code, as SVG.
    :param lifetime: how many seconds it works for.
    """
    return _page(
        state,
        "handoff",
        page=page,
        title=_on_phone(state, page),
        lifetime=lifetime,
        code=code,
        here=this_link(platform=None),
        direct=this_link(platform=Platform.H5.slug),
    )


def log_in(state: State, entry: Entry) -> NoReturn:
    """Send whoever clicked to the site's login, and have them come back to this link."""
    nowhere = RefusedError(LOGIN_REQUIRED, entry.page, entry)
    if state.settings.login_view is not None:
        raise AnsweredError(make_response(redirect(login_url(state.settings.login_view), 302)))
    manager = login_manager()
    if manager is None:
        raise nowhere
    try:
        answer = manager.unauthorized()
    except Unauthorized:
        raise nowhere from None
    raise AnsweredError(make_response(answer))


def refuse(state: State, refused: RefusedError) -> Response:
    """Tell the site, and say why somebody is not let through, as a page or as JSON."""
    tell(state, refused)
    status, reason = refused.refusal.status, refused.refusal.reason
    if _wants_json():
        response = jsonify(status=status, reason=reason)
    else:
        helps = reason in _LOGIN_HELPS
        login = _login_link(state) if helps else None
        response = _page(
            state, "notice", status=status, reason=reason, login=login, login_helps=helps
        )
    response.status_code = status
    return response


def tell(state: State, refused: RefusedError) -> None:
    """Tell the site that somebody is not let through, in its log and by ``entry_refused``."""
    refusal = refused.refusal
    if (rehearsed := rehearsal()) is not None:
        rehearsed.refusal, rehearsed.member = refusal, refused.member
    else:
        logger.info(
            "Refused a %s link: %d %s, since %s.",
            refused.page,
            refusal.status,
            refusal.reason,
            WHY[refusal.cause],
        )
    send(
        entry_refused,
        state,
        status=refusal.status,
        reason=refusal.reason,
        cause=refusal.cause,
        page=refused.page,
        entry=refused.entry,
        member=refused.member,
    )


def _login_link(state: State) -> str | None:
    """Return the URL of the site's login that comes back to this link, or None."""
    if state.settings.login_view is not None:
        return login_url(state.settings.login_view)
    manager = login_manager()
    if manager is None or not manager.login_view:
        return None
    from flask_login import login_url as url_of_login

    link: str = url_of_login(manager.login_view, next_url=this_link())
    return link


def _on_phone(state: State, page: str) -> str:
    row = PAGES[page]
    key = f"{page}.on_phone" if row.on_phone else "handoff.title"
    return state.text(key, row.on_phone)


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def _page(state: State, name: str, **values: Any) -> Response:
    return make_response(
        render_template(
            f"xiebao/{name}.html",
            locale=state.locale,
            site=state.text("site.name") or site_host(state) or state.text("notice.start"),
            start=f"{request.root_path}/",
            **values,
        )
    )
