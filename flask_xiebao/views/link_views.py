"""The blueprint with the views for clicks, for returns after payment and for QR codes in mail."""

from __future__ import annotations

import contextlib
import io
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from wsgiref.types import WSGIEnvironment

from flask import Blueprint, Response, abort, request, send_file
from werkzeug.exceptions import HTTPException
from werkzeug.urls import iri_to_uri

from ..app.current import get_current_request
from ..app.endpoints import (
    build_current_link_path,
    build_entry_link,
    build_token_url,
    find_requested_platform,
    is_link_host_trusted,
    prepend_root_path,
    warn_if_root_path_differs,
)
from ..app.headers import UncacheableRedirect
from ..app.log import log_throttled, warn_once
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
from ..links.tokens import Entry, RedirectedClick
from ..macros import assets
from ..macros.qrcodes import build_qr_png, render_qr_svg_and_send_signal
from . import callback_view, responses
from .responses import EarlyResponseError

# The limit in seconds for the time between a click and the return from payment. The signal
# payment_returned is sent only if the time is below this limit.
_MAX_REPORTED_RETURN_SECONDS = 24 * 60 * 60

# The headers that identify a request by a script. HTMX sends HX-Request, and Turbo sends the other
# headers.
_SCRIPT_REQUEST_HEADERS = (
    "HTTP_HX_REQUEST",
    "HTTP_X_TURBO_REQUEST_ID",
    "HTTP_TURBO_FRAME",
    "HTTP_X_SEC_PURPOSE",
)

# The names of programs that fetch a link to show a preview of it, for example in a chat. These
# programs do not send the headers of a script. The list contains no name that a browser also sends.
_LINK_PREVIEWERS = (
    "facebookexternalhit",
    "Facebot",
    "Twitterbot",
    "Slackbot",
    "LinkedInBot",
    "WhatsApp",
    "TelegramBot",
    "Discordbot",
    "SkypeUriPreview",
    "DingTalkBot",
    "BingPreview",
)

# Matches a Host header that names this machine, such as "localhost:5000". An absolute link to this
# machine discloses nothing to other hosts. The whole header must match, because the host of
# "http://localhost:80@evil.example" is evil.example.
_LOOPBACK_HOST_PATTERN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")


class StylesheetLayerBlueprint(Blueprint):
    """A blueprint that can also serve its stylesheet with the placement rules in a CSS layer."""

    def send_static_file(self, filename: str) -> Response:
        """Send a static file. If *filename* names a CSS layer, put the placement rules in it."""
        stylesheet = assets.build_stylesheet_in_layer(filename)
        if stylesheet is None:
            return super().send_static_file(filename)
        return send_file(
            io.BytesIO(stylesheet.encode()),
            "text/css",
            etag=assets.get_file_hash(assets.STYLESHEET_FILE),
            max_age=self.get_send_file_max_age(filename),
        )


def create_blueprint(state: AppState) -> Blueprint:
    """Return the blueprint of one app.

    Its endpoints are the gateway pages, ``paid``, ``qr``, ``notify`` and ``static``.
    """
    blueprint = StylesheetLayerBlueprint(
        "xiebao",
        __package__.partition(".")[0],
        url_prefix=state.settings.url_prefix,
        template_folder="templates",
        static_folder="static",
    )
    for rule, endpoint, token_handler, methods in (
        *(
            (f"/{page}/<token>", page, partial(handle_click, state, page), ["GET"])
            for page in PAGES
        ),
        ("/paid/<token>", "paid", partial(handle_payment_return, state), ["GET", "POST"]),
        ("/qr/<token>.png", "qr", partial(serve_qr_code, state), ["GET"]),
    ):
        # Werkzeug must not merge slashes. It would redirect a URL with double slashes to any host
        # that the Host header names, and the redirect would disclose the token to that host.
        blueprint.add_url_rule(
            rule,
            endpoint,
            build_token_view(endpoint, token_handler),
            methods=methods,
            merge_slashes=False,
        )
    blueprint.add_url_rule(
        "/notify" if state.settings.notify_token is None else "/notify/<token>",
        "notify",
        build_token_view("notify", partial(callback_view.handle_notification_request, state)),
        methods=callback_view.ALL_METHODS,
        provide_automatic_options=False,
        merge_slashes=False,
    )
    blueprint.record(callback_view.schedule_csrf_exemption)
    blueprint.register_error_handler(EarlyResponseError, lambda error: error.args[0])
    return blueprint


def build_token_view(
    view_name: str, token_handler: Callable[[str], Response]
) -> Callable[..., Response]:
    """Return a view with this name that passes the URL's token to *token_handler*.

    Extensions for CSRF protection, rate limits and tracing identify views by their names.
    """

    # URL values other than the token are ignored. A site may pass such values to all views, for
    # example a language or a tenant.
    def call_token_handler(token: str | None = None, **_: object) -> Response:
        # The URL for notifications has no token unless the site configures one. The default of
        # *token* is None, because bandit reports an empty string as a hard-coded password.
        token = token or ""
        rehearsal = find_current_rehearsal()
        return (
            token_handler(token)
            if rehearsal is None
            else rehearsal.call_and_record_view(token_handler, token)
        )

    call_token_handler.__name__ = call_token_handler.__qualname__ = view_name
    return call_token_handler


def handle_click(state: AppState, page: str, token: str) -> Response:
    """Respond to a click on a link.

    Redirect to the gateway, show the handoff page (a QR code for a phone), or refuse the click. A
    prefetch or a request by a script or a link previewer does not count as a click, and changes
    nothing.
    """
    environ, now = get_current_request().environ, int(time.time())
    if is_prefetch(environ):
        return responses.build_prefetch_response()
    if is_link_previewer(environ):
        return responses.build_continue_page(state, auto_refresh=False)
    if not is_navigation(environ):
        # The "Continue" page opens the link by itself only once. Some browsers send the headers of
        # a script with each request. In such a browser, the page would otherwise reload forever.
        return responses.build_continue_page(state, auto_refresh=not is_from_continue_page(environ))
    if not state.settings.enabled:
        responses.raise_refusal(state, REFUSALS["disabled"], page)
    entry = load_entry_or_refuse_click(state, page, token)
    warn_if_root_path_differs(state)
    allowed_click = admit_visitor_or_refuse_click(state, entry, now)
    check_click_is_allowed(state, entry, allowed_click.member)
    # The platform comes from the link, otherwise from ?platform=, otherwise from the device.
    platform = (
        entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)
    )
    if platform not in PAGES[page].platforms:
        return build_handoff_page_response(state, entry, allowed_click, now)
    return redirect_to_gateway(state, entry, allowed_click.member, platform)


def is_prefetch(environ: WSGIEnvironment) -> bool:
    """Return True if a browser loads the link in advance, without a click."""
    purpose: str = environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or ""
    return "prefetch" in purpose.lower()


def is_link_previewer(environ: WSGIEnvironment) -> bool:
    """Return True if a program that names itself fetches the link to show a preview of it.

    Return False if the URL comes from the "Continue" page, because only a person follows that link.
    """
    user_agent = environ.get("HTTP_USER_AGENT", "")
    return any(map(user_agent.__contains__, _LINK_PREVIEWERS)) and not _has_go_parameter(environ)


def is_navigation(environ: WSGIEnvironment) -> bool:
    """Return True if a browser navigates to the link, False if a script fetches it."""
    return environ.keys().isdisjoint(_SCRIPT_REQUEST_HEADERS) and (
        # If a service worker forwards a click, Sec-Fetch-Mode is no longer "navigate". Such a
        # request is not treated as a navigation, because a forwarded prefetch looks the same.
        environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        or is_from_continue_page(environ)
    )


def is_from_continue_page(environ: WSGIEnvironment) -> bool:
    """Return True if the request comes from the page with a "Continue" link.

    A script such as HTMX or Turbo gets this page instead of the redirect to the gateway. The page
    makes the browser open the link itself. The link on the page has ``go=1`` in its query.
    """
    return (
        _has_go_parameter(environ)
        # Requests for images, for example in forum posts, and requests by scripts of other sites
        # are not clicks.
        and environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
        and environ.get("HTTP_SEC_FETCH_DEST", "empty") in ("empty", "document", "iframe", "frame")
    )


def _has_go_parameter(environ: WSGIEnvironment) -> bool:
    return "go=1" in environ.get("QUERY_STRING", "").split("&")


def load_entry_or_refuse_click(state: AppState, page: str, token: str) -> Entry:
    """Return the entry in a token. Refuse the click if the token is not valid for this page."""
    try:
        entry = state.signer.parse_entry_token(token)
    except TokenError as error:
        responses.raise_refusal(state, REFUSALS[error.cause], page)
    if entry.page != page:
        responses.raise_refusal(state, REFUSALS["another_page"], page, entry)
    return entry


def admit_visitor_or_refuse_click(state: AppState, entry: Entry, now: int) -> AllowedClick:
    """Return the member who may continue to the gateway, or refuse the click.

    If the visitor must log in and the site has a login, raise the response that leads to the login.
    """
    current_member = state.hooks.find_current_member_id()
    decision = decide_access(entry, current_member, now)
    if isinstance(decision, AllowedClick):
        return decision
    if decision.cause == "login_required":
        # The signal login_requested is sent first, because the site's login manager may call
        # abort().
        send_signal_without_raising(login_requested, cause=decision.cause)
        if not state.hooks.can_identify_members():
            warn_once(
                "A click requires a login, but the app has no member_loader and does not use"
                " Flask-Login, so every such click is refused. Register a member_loader."
            )
        if (login_response := responses.find_login_response(state)) is not None:
            raise EarlyResponseError(login_response)
    responses.raise_refusal(state, decision, entry.page, entry, current_member)


def check_click_is_allowed(state: AppState, entry: Entry, member: str) -> None:
    """Refuse the click if the site's ``click_guard`` does not allow it.

    If the guard returns or raises a response, the visitor gets that response. The guard is called
    after the access rules have allowed the click: before the handoff on a PC, and again on the
    phone.
    """
    refusal = REFUSALS["not_allowed"]
    try:
        guard_result = state.hooks.call_click_guard(member, entry)
    except HTTPException as error:
        guard_refusal = replace(refusal, status=error.get_response().status_code)
        responses.report_refusal(state, guard_refusal, entry.page, entry, member)
        raise
    if guard_result is False:
        responses.raise_refusal(state, refusal, entry.page, entry, member)
    if guard_result is not True:
        guard_refusal = replace(refusal, status=guard_result.status_code)
        responses.report_refusal(state, guard_refusal, entry.page, entry, member)
        raise EarlyResponseError(guard_result)


def build_handoff_page_response(
    state: AppState, entry: Entry, allowed_click: AllowedClick, now: int
) -> Response:
    """Return the page with a QR code that PC users scan to continue on a phone.

    The link in the code is for the same member as the click. It needs no login, and never outlives
    the link that was clicked.
    """
    lifetime = state.settings.handoff_max_age
    if allowed_click.seconds_left is not None:
        lifetime = min(lifetime, allowed_click.seconds_left)
    # Sign the link in the QR code at the time *now*, because the link's lifetime was computed at
    # *now*. If the link were signed later, it could outlive the link that was clicked. Each new QR
    # code would then slightly extend the time in which no login is needed.
    phone_entry = replace(entry, member=allowed_click.member, no_login_for=lifetime, signed_at=now)
    try:
        code = render_qr_svg_and_send_signal(
            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)
        )
    except LinkError as error:
        abort(400, str(error))
    title_by_locale = PAGES[entry.page].handoff_title
    return responses.build_page_response(
        state,
        "handoff",
        page=entry.page,
        title=state.get_visitor_text(
            f"{entry.page}.on_phone" if title_by_locale else "handoff.title", title_by_locale
        ),
        lifetime=lifetime,
        code=code,
        # The link to get a new QR code. It has no ?platform=, so the device decides. On a PC, the
        # link leads to this handoff page again.
        here=build_current_link_path(platform=None),
        direct=build_current_link_path(platform=Platform.H5.slug),
    )


def redirect_to_gateway(state: AppState, entry: Entry, member: str, platform: Platform) -> Response:
    """Return the redirect to the gateway, and send the signal ``entry_clicked``.

    The signal is not sent for a HEAD request.
    """
    click_id = secrets.token_hex(8)
    # The gateway URL contains the secret signature, so it is not kept in a variable. If a signal
    # receiver fails, an error report may show the local variables.
    response = UncacheableRedirect(
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
    return response


def build_return_url(state: AppState, entry: Entry, member: str, click_id: str) -> str | None:
    """Return the absolute URL at which the member returns to the site after payment.

    Return None if the entry has no ``return_to`` or if the host of the URL cannot be trusted.
    """
    if entry.return_to is None:
        return None
    if is_host_trusted_or_loopback(state):
        token = state.signer.build_return_token(
            RedirectedClick(entry, member, click_id, int(time.time()))
        )
        # In debug and testing, any Host header is trusted. A URL that is built from the header may
        # be invalid, for example if the header is empty or malformed.
        with contextlib.suppress(WrongValueError):
            return check_web_url(build_token_url(state, "xiebao.paid", token, external=True))
    log_throttled(
        'A member was redirected to the gateway without a return URL ("return_to"), because the'
        " return URL would be built from the Host header, which any client can forge. Set"
        " XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS."
    )
    return None


def is_host_trusted_or_loopback(state: AppState) -> bool:
    """Return True if absolute links built in this request have a trusted or a loopback host."""
    return is_link_host_trusted(state) or _LOOPBACK_HOST_PATTERN.fullmatch(request.host) is not None


def serve_qr_code(state: AppState, token: str) -> Response:
    """Return the PNG of the QR code for a link in a mail.

    Loading the image is not a click. The client already has the link, and the code contains
    nothing else.
    """
    try:
        entry = state.signer.parse_entry_token(token)
    except TokenError:
        abort(404)
    if not state.settings.enabled:
        abort(404)
    # For an expired link, the mail shows no QR code, because the code would lead to an error.
    if entry.no_login_for is not None and not entry.seconds_left(int(time.time())):
        abort(410)
    if not is_host_trusted_or_loopback(state):
        log_throttled(
            "The QR code of an email was not drawn, because its link would be built from the Host"
            " header, which any client can forge. Set XIEBAO_PUBLIC_URL, SERVER_NAME or"
            " TRUSTED_HOSTS."
        )
        abort(404)
    return Response(
        build_qr_png(build_token_url(state, f"xiebao.{entry.page}", token, external=True)),
        mimetype="image/png",
    )


def handle_payment_return(state: AppState, token: str) -> Response:
    """Send the signal ``payment_returned`` for a recent click. Redirect to the ``return_to`` page.

    ``return_to`` is the path that the entry specifies for the page to show after payment. Anybody
    who has the return link can open it, so a return does not prove a payment. Some payment pages
    return by POST. Redirect such a request to the same URL, so that the browser sends GET with the
    member's cookies.
    """
    if request.method == "POST":
        redirect = UncacheableRedirect(build_current_link_path())
        redirect.status_code = 303
        return redirect
    if is_prefetch(request.environ):
        return responses.build_prefetch_response()
    try:
        click = state.signer.parse_return_token(token)
    except TokenError as error:
        responses.raise_refusal(state, REFUSALS[error.cause], "paid")
    if request.method == "GET" and time.time() - click.clicked_at < _MAX_REPORTED_RETURN_SECONDS:
        send_signal(
            payment_returned,
            state,
            entry=click.entry,
            member=click.member,
            click_id=click.click_id,
            same_session=is_member_logged_in(state, click.member),
        )
    return UncacheableRedirect(iri_to_uri(click.entry.return_to or "/"))


def is_member_logged_in(state: AppState, member: str) -> bool:
    """Return True if this member is logged in.

    If that cannot be determined, log an error and return False.
    """
    try:
        return state.hooks.find_current_member_id() == member
    except SITE_EXCEPTIONS:
        log_throttled(
            "The logged-in member could not be determined when a member returned from a payment."
            " Fix the member_loader or the user_loader of Flask-Login.",
            exc_info=True,
        )
        return False
