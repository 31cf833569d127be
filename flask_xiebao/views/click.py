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

from ..app.current import this_request
from ..app.endpoints import (
    asked_platform,
    entry_url,
    from_root,
    host_is_trusted,
    tell_of_another_root,
    this_link,
    token_url,
)
from ..app.headers import Redirect
from ..app.log import complain
from ..app.rehearsal import rehearsal
from ..app.signals import (
    FAILURES,
    entry_clicked,
    login_requested,
    payment_returned,
    send,
    send_quietly,
)
from ..app.state import State
from ..errors import LinkError, TokenError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..gateway.values import WrongValueError, check_web_url
from ..links.admission import REFUSALS, Go, decide
from ..links.tokens import Click, Entry
from ..macros import assets
from ..macros.qrcodes import qr_code, qr_png
from . import callback, responses
from .responses import AnsweredError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: For how many seconds after a click its return is reported.
_RETURN_IS_NEWS = 24 * 60 * 60

# What scripts say that fetch a link instead of following it: HTMX, then Turbo.
_FETCHED = ("HTTP_HX_REQUEST", "HTTP_X_TURBO_REQUEST_ID", "HTTP_TURBO_FRAME", "HTTP_X_SEC_PURPOSE")

# A link to this machine carries nothing away. The whole Host is looked at: browsers take
# "localhost:80@evil.example" for a user name and another host.
_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")


class XiebaoBlueprint(Blueprint):
    """The blueprint, whose stylesheet is also there in any cascade layer."""

    def send_static_file(self, filename: str) -> Response:
        """Send a static file, or the stylesheet in the layer that its path names."""
        styles = assets.styles_at(filename)
        if styles is None:
            return super().send_static_file(filename)
        return send_file(
            io.BytesIO(styles.encode()),
            "text/css",
            etag=assets.version(assets.STYLES),
            max_age=self.get_send_file_max_age(filename),
        )


def create_blueprint(state: State) -> Blueprint:
    """Return the blueprint of one app: the pages, ``paid``, ``qr``, ``notify`` and ``static``."""
    blueprint = XiebaoBlueprint(
        "xiebao",
        __package__.partition(".")[0],
        url_prefix=state.settings.url_prefix,
        template_folder="templates",
        static_folder="static",
    )
    for rule, endpoint, follow in (
        *((f"/{page}/<token>", page, partial(click, state, page)) for page in PAGES),
        ("/paid/<token>", "paid", partial(paid, state)),
        ("/qr/<token>.png", "qr", partial(qr, state)),
    ):
        # Merged slashes would be a redirect with the link in it, to whatever host the request says.
        blueprint.add_url_rule(rule, endpoint, named_view(endpoint, follow), merge_slashes=False)
    blueprint.add_url_rule(
        "/notify" if state.settings.notify_token is None else "/notify/<token>",
        "notify",
        named_view("notify", partial(callback.notify, state)),
        methods=callback.METHODS,
        provide_automatic_options=False,
        merge_slashes=False,
    )
    blueprint.record(callback.exempt_from_csrf)
    blueprint.register_error_handler(AnsweredError, lambda answered: answered.args[0])
    return blueprint


def named_view(name: str, follow: Callable[[str], Response]) -> Callable[..., Response]:
    """Return a view with a name of its own, by which CSRF guards, limiters and tracers know it."""

    # A site may give every view of its own, and so ours, further values: a language, a tenant.
    def view(token: str | None = None, **_: object) -> Response:
        rehearsed = rehearsal()
        # The address for notifications has no token unless the site configures one.
        given = token or ""
        return follow(given) if rehearsed is None else rehearsed.watch(follow, given)

    view.__name__ = view.__qualname__ = name
    return view


def click(state: State, page: str, token: str) -> Response:
    """Follow the link of an insurance entry."""
    environ, now = this_request().environ, int(time.time())
    if is_prefetch(environ):
        return responses.not_yet()
    if not is_navigation(environ):
        # Once is enough, or a browser whose every request looks like a script's would never stop.
        return responses.go_there_yourself(state, by_itself=not is_told_to_go(environ))
    if not state.settings.enabled:
        responses.refuse(state, REFUSALS["disabled"], page)
    entry = open_token(state, page, token)
    tell_of_another_root(state)
    visitor = who(state, entry, now)
    ask_site(state, entry, visitor.member)
    # Step 3: the link's platform, else the one asked for, else the device's.
    platform = entry.platform or asked_platform(environ) or state.device(environ)
    if platform not in PAGES[page].platforms:
        return handoff(state, entry, visitor, now)
    return go(state, entry, visitor.member, platform)


def is_prefetch(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser asks ahead of a click that may never come."""
    purpose: str = environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or ""
    return "prefetch" in purpose.lower()


def is_navigation(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser goes to the link; what a script fetches does not count."""
    return environ.keys().isdisjoint(_FETCHED) and (
        # A service worker that sends a navigation on as a request of its own loses the mode, and
        # what it then sends for a tap looks like what it sends for a page fetched ahead.
        environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate" or is_told_to_go(environ)
    )


def is_told_to_go(environ: WSGIEnvironment) -> bool:
    """Tell whether somebody follows the link on the page that scripts get."""
    return (
        "go=1" in environ.get("QUERY_STRING", "").split("&")
        # Images in posts and scripts of other sites do not count.
        and environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
        and environ.get("HTTP_SEC_FETCH_DEST", "empty") in ("empty", "document", "iframe", "frame")
    )


def open_token(state: State, page: str, token: str) -> Entry:
    """Step 1: the entry that was signed, if it is for this page."""
    try:
        entry = state.signer.loads(token)
    except TokenError as error:
        responses.refuse(state, REFUSALS[error.cause], page)
    if entry.page != page:
        responses.refuse(state, REFUSALS["another_page"], page, entry)
    return entry


def who(state: State, entry: Entry, now: int) -> Go:
    """Step 2: the member who goes, if they may."""
    current = state.hooks.current_member()
    decision = decide(entry, current, now)
    if isinstance(decision, Go):
        return decision
    if decision.cause == "login_required":
        send_quietly(
            login_requested, cause=decision.cause
        )  # now, because the login may call abort()
        if (login := responses.log_in(state)) is not None:
            raise AnsweredError(login)
    responses.refuse(state, decision, entry.page, entry, current)


def ask_site(state: State, entry: Entry, member: str) -> None:
    """Step 2, for whoever the rules let through: the site may still say no, in its own way."""
    refusal = REFUSALS["not_allowed"]

    def tell(status: int) -> None:
        responses.tell(state, replace(refusal, status=status), entry.page, entry, member)

    try:
        answer = state.hooks.may_go(member, entry)
    except HTTPException as aborted:
        tell(aborted.get_response().status_code)
        raise
    if answer is False:
        responses.refuse(state, refusal, entry.page, entry, member)
    if answer is not True:
        tell(answer.status_code)
        raise AnsweredError(answer)


def handoff(state: State, entry: Entry, visitor: Go, now: int) -> Response:
    """Step 4: on a PC, show the code by which the same member goes on with their phone."""
    lifetime = state.settings.handoff_max_age
    if visitor.seconds_left is not None:
        lifetime = min(lifetime, visitor.seconds_left)
    # Signed at the time by which the lifetime was found, or each handoff would add a moment.
    link = replace(entry, member=visitor.member, no_login_for=lifetime, signed_at=now)
    try:
        code = qr_code(entry_url(state, link, external=True, asker_only=True))
    except LinkError as error:
        abort(400, str(error))
    on_phone = PAGES[entry.page].on_phone
    return responses.show(
        state,
        "handoff",
        page=entry.page,
        title=state.text(f"{entry.page}.on_phone" if on_phone else "handoff.title", on_phone),
        lifetime=lifetime,
        code=code,
        here=this_link(platform=None),
        direct=this_link(platform=Platform.H5.slug),
    )


def go(state: State, entry: Entry, member: str, platform: Platform) -> Response:
    """Step 5: off to the gateway."""
    click_id = secrets.token_hex(8)
    # The URL is in no variable: an error report would show it, should a receiver fail.
    away = Redirect(
        from_root(
            state.gateway_url(entry, member, platform, return_url(state, entry, member, click_id))
        )
    )
    if this_request().method != "HEAD":
        send(entry_clicked, state, entry=entry, member=member, platform=platform, click_id=click_id)
    return away


def return_url(state: State, entry: Entry, member: str, click_id: str) -> str | None:
    """Return the absolute URL by which a payment comes back, if it should and can safely."""
    if entry.return_to is None:
        return None
    if leads_nowhere_else(state):
        token = state.signer.dumps_click(Click(entry, member, click_id, int(time.time())))
        with contextlib.suppress(WrongValueError):  # in development any Host is taken, even none
            return check_web_url(token_url(state, "xiebao.paid", token, external=True))
    complain(
        'A member was redirected to the gateway without a return URL ("return_to"), because the'
        " return URL would be built from the Host header, which any client can forge. Set"
        " XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS."
    )
    return None


def leads_nowhere_else(state: State) -> bool:
    """Tell whether a link that is built in this request leads to the site, or to this machine."""
    return host_is_trusted(state) or _THIS_MACHINE.fullmatch(request.host) is not None


def qr(state: State, token: str) -> Response:
    """Draw the QR code of a link for a mail. That is not a click.

    Whoever asks has the link already, and learns nothing else from the code.
    """
    try:
        entry = state.signer.loads(token)
    except TokenError:
        abort(404)
    if not state.settings.enabled:
        abort(404)
    if entry.no_login_for is not None and not entry.seconds_left(int(time.time())):
        abort(410)  # a code that looks alive, and is not
    if not leads_nowhere_else(state):
        complain(
            "The QR code of a mail was not drawn, because its link would be built from the Host"
            " header, which any client can forge. Set XIEBAO_PUBLIC_URL, SERVER_NAME or"
            " TRUSTED_HOSTS."
        )
        abort(404)
    return Response(
        qr_png(token_url(state, f"xiebao.{entry.page}", token, external=True)),
        mimetype="image/png",
    )


def paid(state: State, token: str) -> Response:
    """Come back from the gateway to where the entry said."""
    if is_prefetch(request.environ):
        return responses.not_yet()
    try:
        done = state.signer.loads_click(token)
    except TokenError as error:
        responses.refuse(state, REFUSALS[error.cause], "paid")
    if request.method == "GET" and time.time() - done.clicked_at < _RETURN_IS_NEWS:
        send(
            payment_returned,
            state,
            entry=done.entry,
            member=done.member,
            click_id=done.click_id,
            same_session=is_logged_in(state, done.member),
        )
    return Redirect(iri_to_uri(done.entry.return_to or "/"))


def is_logged_in(state: State, member: str) -> bool:
    """Tell whether this member is logged in; False where the site fails to say who is."""
    try:
        return state.hooks.current_member() == member
    except FAILURES:
        complain(
            "The logged-in member could not be determined when a member returned from a payment."
            " Fix the member_loader or the user_loader of Flask-Login.",
            exc_info=True,
        )
        return False
