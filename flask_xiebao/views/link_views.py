"""The endpoints, and what happens at a click, one short function a step."""

from __future__ import annotations

import contextlib
import io
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request, send_file
from werkzeug.exceptions import HTTPException
from werkzeug.urls import iri_to_uri

from ..app.current import get_current_request
from ..app.endpoints import (
    build_current_link_path,
    build_entry_link,
    build_token_url,
    find_requested_platform,
    is_host_trusted,
    prepend_root_path,
    warn_if_root_path_differs,
)
from ..app.headers import Redirect
from ..app.log import log_throttled
from ..app.rehearsal import find_current_rehearsal
from ..app.signals import (
    SITE_EXCEPTIONS,
    entry_clicked,
    login_requested,
    payment_returned,
    send_signal,
    send_signal_without_raising,
)
from ..app.state import AppState
from ..errors import LinkError, TokenError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..gateway.values import WrongValueError, check_web_url
from ..links.access_rules import REFUSALS, AllowedClick, decide_access
from ..links.tokens import Click, Entry
from ..macros import assets
from ..macros.qrcodes import build_qr_png, render_qr_svg_and_send_signal
from . import callback_view, responses
from .responses import EarlyResponseError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: For how many seconds after a click its return is reported.
_MAX_REPORTED_RETURN_SECONDS = 24 * 60 * 60

# What scripts say that fetch a link instead of following it: HTMX, then Turbo.
_SCRIPT_REQUEST_HEADERS = (
    "HTTP_HX_REQUEST",
    "HTTP_X_TURBO_REQUEST_ID",
    "HTTP_TURBO_FRAME",
    "HTTP_X_SEC_PURPOSE",
)

# A link to this machine carries nothing away. The whole Host is looked at: browsers take
# "localhost:80@evil.example" for a user name and another host.
_LOOPBACK_HOST_PATTERN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")


class LayeredStylesheetBlueprint(Blueprint):
    """The blueprint, whose stylesheet is also there in any cascade layer."""

    def send_static_file(self, filename: str) -> Response:
        """Send a static file, or the stylesheet in the layer that its path names."""
        styles = assets.build_stylesheet_in_layer(filename)
        if styles is None:
            return super().send_static_file(filename)
        return send_file(
            io.BytesIO(styles.encode()),
            "text/css",
            etag=assets.get_file_hash(assets.STYLESHEET_FILE),
            max_age=self.get_send_file_max_age(filename),
        )


def create_blueprint(state: AppState) -> Blueprint:
    """Return the blueprint of one app: the pages, ``paid``, ``qr``, ``notify`` and ``static``."""
    blueprint = LayeredStylesheetBlueprint(
        "xiebao",
        __package__.partition(".")[0],
        url_prefix=state.settings.url_prefix,
        template_folder="templates",
        static_folder="static",
    )
    for rule, endpoint, follow in (
        *((f"/{page}/<token>", page, partial(handle_click, state, page)) for page in PAGES),
        ("/paid/<token>", "paid", partial(handle_payment_return, state)),
        ("/qr/<token>.png", "qr", partial(serve_qr_code, state)),
    ):
        # Merged slashes would be a redirect with the link in it, to whatever host the request says.
        blueprint.add_url_rule(
            rule, endpoint, build_named_view(endpoint, follow), merge_slashes=False
        )
    blueprint.add_url_rule(
        "/notify" if state.settings.notify_token is None else "/notify/<token>",
        "notify",
        build_named_view("notify", partial(callback_view.handle_notification_request, state)),
        methods=callback_view.ALL_METHODS,
        provide_automatic_options=False,
        merge_slashes=False,
    )
    blueprint.record(callback_view.schedule_csrf_exemption)
    blueprint.register_error_handler(EarlyResponseError, lambda answered: answered.args[0])
    return blueprint


def build_named_view(
    name: str, token_handler: Callable[[str], Response]
) -> Callable[..., Response]:
    """Return a view with a name of its own, by which CSRF guards, limiters and tracers know it."""

    # A site may give every view of its own, and so ours, further values: a language, a tenant.
    def view(token: str | None = None, **_: object) -> Response:
        rehearsed = find_current_rehearsal()
        # The address for notifications has no token unless the site configures one.
        given = token or ""
        return (
            token_handler(given)
            if rehearsed is None
            else rehearsed.call_and_record_view(token_handler, given)
        )

    view.__name__ = view.__qualname__ = name
    return view


def handle_click(state: AppState, page: str, token: str) -> Response:
    """Follow the link of an insurance entry."""
    environ, now = get_current_request().environ, int(time.time())
    if is_prefetch(environ):
        return responses.build_prefetch_response()
    if not is_navigation(environ):
        # Once is enough, or a browser whose every request looks like a script's would never stop.
        return responses.build_script_navigation_page(
            state, auto_refresh=not is_from_navigate_page(environ)
        )
    if not state.settings.enabled:
        responses.raise_refusal(state, REFUSALS["disabled"], page)
    entry = load_entry_or_refuse(state, page, token)
    warn_if_root_path_differs(state)
    visitor = admit_visitor_or_refuse(state, entry, now)
    check_click_is_allowed(state, entry, visitor.member)
    # Step 3: the link's platform, else the one asked for, else the device's.
    platform = (
        entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)
    )
    if platform not in PAGES[page].platforms:
        return build_handoff_page_response(state, entry, visitor, now)
    return redirect_to_gateway(state, entry, visitor.member, platform)


def is_prefetch(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser asks ahead of a click that may never come."""
    purpose: str = environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or ""
    return "prefetch" in purpose.lower()


def is_navigation(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser goes to the link; what a script fetches does not count."""
    return environ.keys().isdisjoint(_SCRIPT_REQUEST_HEADERS) and (
        # A service worker that sends a navigation on as a request of its own loses the mode, and
        # what it then sends for a tap looks like what it sends for a page fetched ahead.
        environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        or is_from_navigate_page(environ)
    )


def is_from_navigate_page(environ: WSGIEnvironment) -> bool:
    """Tell whether somebody follows the link on the page that scripts get."""
    return (
        "go=1" in environ.get("QUERY_STRING", "").split("&")
        # Images in posts and scripts of other sites do not count.
        and environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
        and environ.get("HTTP_SEC_FETCH_DEST", "empty") in ("empty", "document", "iframe", "frame")
    )


def load_entry_or_refuse(state: AppState, page: str, token: str) -> Entry:
    """Step 1: the entry that was signed, if it is for this page."""
    try:
        entry = state.signer.parse_entry_token(token)
    except TokenError as error:
        responses.raise_refusal(state, REFUSALS[error.cause], page)
    if entry.page != page:
        responses.raise_refusal(state, REFUSALS["another_page"], page, entry)
    return entry


def admit_visitor_or_refuse(state: AppState, entry: Entry, now: int) -> AllowedClick:
    """Step 2: the member who goes, if they may."""
    current = state.hooks.find_current_member_id()
    decision = decide_access(entry, current, now)
    if isinstance(decision, AllowedClick):
        return decision
    if decision.cause == "login_required":
        send_signal_without_raising(
            login_requested, cause=decision.cause
        )  # now, because the login may call abort()
        if (login := responses.build_login_response(state)) is not None:
            raise EarlyResponseError(login)
    responses.raise_refusal(state, decision, entry.page, entry, current)


def check_click_is_allowed(state: AppState, entry: Entry, member: str) -> None:
    """Step 2, for whoever the rules let through: the site may still say no, in its own way."""
    refusal = REFUSALS["not_allowed"]

    def report_guard_refusal(status: int) -> None:
        responses.report_refusal(state, replace(refusal, status=status), entry.page, entry, member)

    try:
        answer = state.hooks.call_click_guard(member, entry)
    except HTTPException as aborted:
        report_guard_refusal(aborted.get_response().status_code)
        raise
    if answer is False:
        responses.raise_refusal(state, refusal, entry.page, entry, member)
    if answer is not True:
        report_guard_refusal(answer.status_code)
        raise EarlyResponseError(answer)


def build_handoff_page_response(
    state: AppState, entry: Entry, allowed_click: AllowedClick, now: int
) -> Response:
    """Step 4: on a PC, show the code by which the same member goes on with their phone."""
    lifetime = state.settings.handoff_max_age
    if allowed_click.seconds_left is not None:
        lifetime = min(lifetime, allowed_click.seconds_left)
    # Signed at the time by which the lifetime was found, or each handoff would add a moment.
    link = replace(entry, member=allowed_click.member, no_login_for=lifetime, signed_at=now)
    try:
        code = render_qr_svg_and_send_signal(
            build_entry_link(state, link, external=True, shown_only_to_requester=True)
        )
    except LinkError as error:
        abort(400, str(error))
    on_phone = PAGES[entry.page].handoff_title
    return responses.build_page_response(
        state,
        "handoff",
        page=entry.page,
        title=state.get_visitor_text(
            f"{entry.page}.on_phone" if on_phone else "handoff.title", on_phone
        ),
        lifetime=lifetime,
        code=code,
        here=build_current_link_path(platform=None),
        direct=build_current_link_path(platform=Platform.H5.slug),
    )


def redirect_to_gateway(state: AppState, entry: Entry, member: str, platform: Platform) -> Response:
    """Step 5: off to the gateway."""
    click_id = secrets.token_hex(8)
    # The URL is in no variable: an error report would show it, should a receiver fail.
    away = Redirect(
        prepend_root_path(
            state.build_gateway_url(
                entry, member, platform, build_return_url(state, entry, member, click_id)
            )
        )
    )
    if get_current_request().method != "HEAD":
        send_signal(
            entry_clicked, state, entry=entry, member=member, platform=platform, click_id=click_id
        )
    return away


def build_return_url(state: AppState, entry: Entry, member: str, click_id: str) -> str | None:
    """Return the absolute URL by which a payment comes back, if it should and can safely."""
    if entry.return_to is None:
        return None
    if is_host_trusted_or_loopback(state):
        token = state.signer.build_return_token(Click(entry, member, click_id, int(time.time())))
        with contextlib.suppress(WrongValueError):  # in development any Host is taken, even none
            return check_web_url(build_token_url(state, "xiebao.paid", token, external=True))
    log_throttled(
        'A member was redirected to the gateway without a return URL ("return_to"), because the'
        " return URL would be built from the Host header, which any client can forge. Set"
        " XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS."
    )
    return None


def is_host_trusted_or_loopback(state: AppState) -> bool:
    """Tell whether a link that is built in this request leads to the site, or to this machine."""
    return is_host_trusted(state) or _LOOPBACK_HOST_PATTERN.fullmatch(request.host) is not None


def serve_qr_code(state: AppState, token: str) -> Response:
    """Draw the QR code of a link for a mail. That is not a click.

    Whoever asks has the link already, and learns nothing else from the code.
    """
    try:
        entry = state.signer.parse_entry_token(token)
    except TokenError:
        abort(404)
    if not state.settings.enabled:
        abort(404)
    if entry.no_login_for is not None and not entry.seconds_left(int(time.time())):
        abort(410)  # a code that looks alive, and is not
    if not is_host_trusted_or_loopback(state):
        log_throttled(
            "The QR code of a mail was not drawn, because its link would be built from the Host"
            " header, which any client can forge. Set XIEBAO_PUBLIC_URL, SERVER_NAME or"
            " TRUSTED_HOSTS."
        )
        abort(404)
    return Response(
        build_qr_png(build_token_url(state, f"xiebao.{entry.page}", token, external=True)),
        mimetype="image/png",
    )


def handle_payment_return(state: AppState, token: str) -> Response:
    """Come back from the gateway to where the entry said."""
    if is_prefetch(request.environ):
        return responses.build_prefetch_response()
    try:
        done = state.signer.parse_return_token(token)
    except TokenError as error:
        responses.raise_refusal(state, REFUSALS[error.cause], "paid")
    if request.method == "GET" and time.time() - done.clicked_at < _MAX_REPORTED_RETURN_SECONDS:
        send_signal(
            payment_returned,
            state,
            entry=done.entry,
            member=done.member,
            click_id=done.click_id,
            same_session=is_member_logged_in(state, done.member),
        )
    return Redirect(iri_to_uri(done.entry.return_to or "/"))


def is_member_logged_in(state: AppState, member: str) -> bool:
    """Tell whether this member is logged in; False where the site fails to say who is."""
    try:
        return state.hooks.find_current_member_id() == member
    except SITE_EXCEPTIONS:
        log_throttled(
            "The logged-in member could not be determined when a member returned from a payment."
            " Fix the member_loader or the user_loader of Flask-Login.",
            exc_info=True,
        )
        return False
