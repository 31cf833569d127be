"""The responses of the endpoints: redirects, refusals, notices and other pages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NoReturn

from flask import (
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.exceptions import Unauthorized

from ..app.endpoints import build_current_link_path, build_login_url, find_site_host
from ..app.hooks import find_login_manager
from ..app.log import logger
from ..app.signals import entry_refused, send_signal
from ..app.state import AppState
from ..links.access_rules import Refusal
from ..links.tokens import Entry


class EarlyResponseError(Exception):
    """Carries the response of a click that goes no further.

    Not :func:`flask.abort`, which ``TRAP_HTTP_EXCEPTIONS`` would make an error.
    """


def build_prefetch_response() -> Response:
    """Answer a prefetch: nothing happens before the click."""
    return Response(
        "This link cannot be prefetched. Click the link to open it.", 503, mimetype="text/plain"
    )


def build_script_navigation_page(state: AppState, *, auto_refresh: bool) -> Response:
    """Answer a script that fetched the link: a page that has the browser go there itself.

    The status is 200 since Turbo answers a tap with what it fetched on hovering, and HTMX reads the
    headers of nothing else.

    :param by_itself: the page goes on by itself, and does not wait for somebody to click.
    """
    response = build_page_response(
        state, "navigate", link=build_current_link_path(go=1), by_itself=auto_refresh
    )
    response.headers["HX-Redirect"] = build_current_link_path()
    return response


def build_login_response(state: AppState) -> Response | None:
    """Send somebody to the login, which comes back to this link; None where there is no login."""
    if state.settings.login_view is not None:
        return make_response(redirect(build_login_url(state.settings.login_view), 302))
    manager = find_login_manager()
    if manager is not None:
        with suppress(Unauthorized):
            return make_response(manager.unauthorized())
    return None


def raise_refusal(
    state: AppState,
    refusal: Refusal,
    page: str,
    entry: Entry | None = None,
    member: str | None = None,
) -> NoReturn:
    """Answer whoever is not let through with the reason, as a page or as JSON, and tell the site.

    The parameters are those of :func:`tell`.

    :raises AnsweredError: always, with the response.
    """
    report_refusal(state, refusal, page, entry, member)
    status, reason = refusal.status, refusal.reason
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        response = jsonify(status=status, reason=reason)
    else:
        response = build_page_response(
            state,
            "notice",
            status=status,
            reason=reason,
            login=_find_login_url(state) if refusal.login_helps else None,
            login_helps=refusal.login_helps,
        )
    response.status_code = status
    raise EarlyResponseError(response)


def report_refusal(
    state: AppState, refusal: Refusal, page: str, entry: Entry | None, member: str | None
) -> None:
    """Tell the site that somebody is not let through, in its log and by ``entry_refused``.

    :param page: the page of the gateway, or ``paid``.
    :param entry: what the link leads to, where it says so.
    :param member: who clicked, where it is known.
    """
    logger.info(
        "Refused a %s link: %d %s, because %s.",
        page,
        refusal.status,
        refusal.reason,
        refusal.explanation,
    )
    send_signal(
        entry_refused,
        state,
        status=refusal.status,
        reason=refusal.reason,
        cause=refusal.cause,
        page=page,
        entry=entry,
        member=member,
    )


def _find_login_url(state: AppState) -> str | None:
    """Return the URL of the site's login that comes back to this link, or None."""
    if state.settings.login_view is not None:
        return build_login_url(state.settings.login_view)
    manager = find_login_manager()
    if manager is None or not manager.login_view:
        return None
    from flask_login import login_url as url_of_login

    return str(url_of_login(manager.login_view, next_url=build_current_link_path()))


def build_page_response(state: AppState, template_name: str, **variables: Any) -> Response:
    """Return one of the extension's own pages.

    :param name: that of its template.
    :param values: the variables of the template besides those of the layout.
    """
    return current_app.response_class(
        render_template(
            f"xiebao/{template_name}.html",
            locale=state.locale,
            site=state.get_visitor_text("site.name")
            or find_site_host(state)
            or state.get_visitor_text("notice.start"),
            start=f"{request.root_path}/",
            **variables,
        ),
        mimetype="text/html",  # also where responses of the site are JSON
    )
