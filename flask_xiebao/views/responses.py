"""The responses of the endpoints: login redirects, refusals and the extension's own pages."""

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

from ..app.endpoints import build_current_link_path, build_login_url, get_site_host
from ..app.hooks import find_login_manager
from ..app.log import logger, warn_once
from ..app.signals import entry_refused, send_signal
from ..app.state import AppState
from ..links.access_rules import Refusal
from ..links.tokens import Entry


class EarlyResponseError(Exception):
    """An exception that carries the final response to a click.

    :func:`flask.abort` would not do, because ``TRAP_HTTP_EXCEPTIONS`` turns its exceptions into
    errors.
    """


def build_prefetch_response() -> Response:
    """Return the 503 response to a prefetch.

    The prefetch has no other effect, and the link works as usual when the user clicks it.
    """
    return Response(
        "This link cannot be prefetched. Click the link to open it.", 503, mimetype="text/plain"
    )


def build_continue_page(state: AppState, *, auto_refresh: bool) -> Response:
    """Return the page with a "Continue" link, which scripts get instead of the redirect.

    A script such as HTMX or Turbo cannot follow the redirect to the gateway. The page makes the
    browser open the link itself.

    Turbo fetches a link on hover and shows that response after the tap, and HTMX ignores the
    headers of responses with other statuses. Therefore, the status is 200.

    :param auto_refresh: True if the page goes to the link by itself, False if the user must click.
    """
    response = build_page_response(
        state, "navigate", link=build_current_link_path(go=1), auto_refresh=auto_refresh
    )
    response.headers["HX-Redirect"] = build_current_link_path()
    return response


def find_login_response(state: AppState) -> Response | None:
    """Return the response that leads to the site's login, or None if the site has no login.

    After the login, the visitor returns to the current link.
    """
    if state.settings.login_view is not None:
        return make_response(redirect(build_login_url(state.settings.login_view), 302))
    login_manager = find_login_manager()
    if login_manager is not None:
        with suppress(Unauthorized):
            return make_response(login_manager.unauthorized())
    return None


def raise_refusal(
    state: AppState,
    refusal: Refusal,
    page: str,
    entry: Entry | None = None,
    member: str | None = None,
) -> NoReturn:
    """Report a refusal, and raise an exception with the response that states the reason.

    The response is an HTML page, or JSON if the client prefers JSON. The parameters are those of
    :func:`report_refusal`. The visitor learns only the reason, the site also the cause.

    :raises EarlyResponseError: always, with the response.
    """
    report_refusal(state, refusal, page, entry, member)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        response = jsonify(status=refusal.status, reason=refusal.reason)
    else:
        response = build_page_response(
            state,
            "notice",
            status=refusal.status,
            reason=refusal.reason,
            login=_find_login_url(state) if refusal.login_helps else None,
            login_helps=refusal.login_helps,
        )
    response.status_code = refusal.status
    raise EarlyResponseError(response)


def report_refusal(
    state: AppState, refusal: Refusal, page: str, entry: Entry | None, member: str | None
) -> None:
    """Log a refusal and send the signal ``entry_refused``.

    :param page: The name of the gateway page, or ``paid`` for a return link.
    :param entry: The entry of the link, or None if it is not known.
    :param member: The id of the member who clicked, or None if it is not known.
    """
    logger.info(
        "Refused a request for a %s link with status %d (%s), because %s.",
        page,
        refusal.status,
        refusal.reason,
        refusal.explanation,
    )
    if refusal.cause == "unknown_key":
        warn_once(
            "A link was refused, because this process does not know the key that signed the link."
            " Set the same SECRET_KEY in all workers and commands. If you replaced SECRET_KEY, put"
            " the old key into SECRET_KEY_FALLBACKS. Links of another site cause this message, too."
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
    """Return the URL of the site's login page, or None if no URL is known.

    After the login, the visitor returns to the current link.
    """
    if state.settings.login_view is not None:
        return build_login_url(state.settings.login_view)
    login_manager = find_login_manager()
    if login_manager is None or not login_manager.login_view:
        return None
    from flask_login import login_url

    return str(login_url(login_manager.login_view, next_url=build_current_link_path()))


def build_page_response(state: AppState, template_name: str, **variables: Any) -> Response:
    """Return the response with one of the extension's own pages.

    :param template_name: The name of the page's template, without folder and extension.
    :param variables: The template's variables in addition to those of the layout.
    """
    return current_app.response_class(
        render_template(
            f"xiebao/{template_name}.html",
            locale=state.locale,
            site=state.get_visitor_text("site.name")
            or get_site_host(state)
            or state.get_visitor_text("notice.start"),
            start=f"{request.root_path}/",
            **variables,
        ),
        # The site's response class may have another default MIME type, such as JSON.
        mimetype="text/html",
    )
