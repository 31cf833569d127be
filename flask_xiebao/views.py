"""The endpoints: what happens at a click, one short function a step."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import parse_qs

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import Unauthorized
from werkzeug.routing import BuildError

from .complaints import complain
from .errors import ConfigError, GatewayError, LinkError
from .gateway import PAGES, check_web_url
from .links import Click, Entry
from .platforms import Platform
from .rendering import watch_response
from .signals import entry_clicked, entry_refused, payment_returned, send
from .site import Site, login_manager
from .templating import current_locale, qr_code

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: For how many seconds after a click its return is reported.
_RETURN_IS_NEWS = 24 * 60 * 60

# What scripts say that fetch a link instead of following it: HTMX, then Turbo.
_FETCHED = ("HTTP_HX_REQUEST", "HTTP_X_TURBO_REQUEST_ID", "HTTP_TURBO_FRAME", "HTTP_X_SEC_PURPOSE")

# A link to this machine carries nothing away. The whole Host is looked at: browsers take
# "localhost:80@evil.example" for a user name and another host.
_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")

_PLATFORMS = {platform.slug: platform for platform in Platform}


class RefusedError(Exception):
    """Somebody is not let through.

    :param status: 401, 403, 404 or 410.
    :param reason: for logs, JSON and ``entry_refused``.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Redirect(Response):
    """A redirect with an empty body: redirect() would write the URL, and the sign, into a page."""

    def __init__(self, url: str) -> None:
        super().__init__((), 302, [("Location", url)], content_type="text/html; charset=utf-8")


class Visitor(NamedTuple):
    """Who clicked, and for how many more seconds a link vouches for them (None: logged in)."""

    member: str
    seconds_left: int | None


def create_blueprint(site: Site) -> Blueprint:
    """Return the blueprint of one app: an endpoint for each page, ``paid`` and ``static``."""
    blueprint = Blueprint(
        "xiebao",
        __package__,
        url_prefix=site.settings.url_prefix,
        template_folder="templates",
        static_folder="static",
    )
    rules = {page: partial(click, site, page) for page in PAGES} | {"paid": partial(paid, site)}
    for endpoint, follow in rules.items():
        # Merged slashes would be a redirect with the link in it, to whatever host the request says.
        view = named_view(endpoint, follow)
        blueprint.add_url_rule(f"/{endpoint}/<token>", endpoint, view, merge_slashes=False)
    blueprint.register_error_handler(RefusedError, partial(refuse, site))
    return blueprint


def named_view(name: str, follow: Callable[[str], Response]) -> Callable[[str], Response]:
    """Return a view with a name of its own, by which CSRF guards, limiters and tracers know it."""

    def view(token: str) -> Response:
        watch_response()
        return follow(token)

    view.__name__ = view.__qualname__ = name
    return view


def click(site: Site, page: str, token: str) -> Response:
    """Follow the link of an insurance entry."""
    environ, now = request.environ, int(time.time())
    if is_prefetch(environ):
        return not_yet()
    if not is_navigation(environ):
        return go_there_yourself(site)
    if not site.settings.enabled:
        raise RefusedError(404, "disabled")
    entry = open_token(site, page, token)
    visitor = who(site, entry, now)
    platform = which_platform(site, entry, environ)
    if platform not in PAGES[page].platforms:
        return handoff(site, entry, visitor, now)
    return go(site, entry, visitor.member, platform)


def is_prefetch(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser asks ahead of a click that may never come."""
    purpose: str = environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or ""
    return "prefetch" in purpose.lower()


def not_yet() -> Response:
    """Answer a prefetch: nothing happens before the click."""
    return Response("This link opens when it is clicked.", 503, mimetype="text/plain")


def is_navigation(environ: WSGIEnvironment) -> bool:
    """Tell whether a browser goes to the link; what a script fetches is no click."""
    if not environ.keys().isdisjoint(_FETCHED):
        return False
    # A service worker that sends a navigation on as a request of its own loses the mode, and
    # what it then sends for a tap looks like what it sends for a page fetched ahead.
    return environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate" or is_told_to_go(environ)


def is_told_to_go(environ: WSGIEnvironment) -> bool:
    """Tell whether it is the link of the page below that is followed."""
    return (
        "go=1" in environ.get("QUERY_STRING", "").split("&")
        # Neither an image in somebody's post nor another site's script follows it.
        and environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")
        and environ.get("HTTP_SEC_FETCH_DEST", "empty") in ("empty", "document", "iframe", "frame")
    )


def go_there_yourself(site: Site) -> Response:
    """Answer a script that fetched the link: a page that has the browser go there itself.

    The status is 200 since Turbo answers a tap with what it fetched on hovering, and HTMX reads the
    headers of nothing else.
    """
    page = render_template(
        "xiebao/navigate.html",
        locale=current_locale(site.settings),
        link=this_link(go=1),
        # Once is enough, or a browser whose every request looks like a script's would never stop.
        by_itself=not is_told_to_go(request.environ),
    )
    response = make_response(page)
    response.headers["HX-Redirect"] = this_link()
    return response


def this_link(**query: Any) -> str:
    """Return the path of the link that is being followed, by default with its ``?platform=``."""
    platform = asked_platform(request.environ)
    query = {"platform": None if platform is None else platform.slug, **query}
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)


def open_token(site: Site, page: str, token: str) -> Entry:
    """Step 1: the entry that was signed, if it is one of this page."""
    try:
        entry = site.signer.loads(token)
    except LinkError:
        raise RefusedError(404, "invalid_link") from None
    if entry.page != page or (page == "policy" and entry.member is None):
        raise RefusedError(404, "invalid_link")
    return entry


def who(site: Site, entry: Entry, now: int) -> Visitor:
    """Step 2: the member who goes, if they may."""
    current = site.members.current()
    if current is not None:
        if entry.member not in (None, current):
            raise RefusedError(403, "another_member")
        return Visitor(current, None)
    if entry.member is None or entry.max_age is None:
        log_in(site)
    seconds_left = entry.seconds_left(now)
    if not seconds_left:
        raise RefusedError(410, "expired")
    return Visitor(entry.member, seconds_left)


def log_in(site: Site) -> NoReturn:
    """Send whoever clicked to the site's login, and have them come back to this link."""
    if site.settings.login_view is not None:
        abort(redirect(login_url(site.settings.login_view)))
    manager = login_manager()
    if manager is None:
        raise RefusedError(401, "login_required")
    try:
        answer = manager.unauthorized()
    except Unauthorized:
        raise RefusedError(401, "login_required") from None
    abort(make_response(answer))


def login_url(login_view: str) -> str:
    """Return the URL of the login that comes back to the link being followed.

    :raises ConfigError: when there is no such login.
    """
    try:
        return url_for(login_view, next=this_link())
    except BuildError as error:
        raise ConfigError(f"XIEBAO_LOGIN_VIEW is {login_view!r}. {error}") from None


def asked_platform(environ: WSGIEnvironment) -> Platform | None:
    """Return the ``?platform=`` of the request if it names one."""
    query: str = environ.get("QUERY_STRING", "")
    if not query:
        return None
    # Not request.args, which fails where a query is no UTF-8.
    name, *_ = parse_qs(query, errors="replace").get("platform", [""])
    return _PLATFORMS.get(name)


def which_platform(site: Site, entry: Entry, environ: WSGIEnvironment) -> Platform:
    """Step 3: the link's platform, else the one asked for, else the device's."""
    return entry.platform or asked_platform(environ) or site.device(environ)


def handoff(site: Site, entry: Entry, visitor: Visitor, now: int) -> Response:
    """Step 4: on a PC, show the code by which the same member goes on with their phone."""
    lifetime = site.settings.handoff_max_age
    if visitor.seconds_left is not None:
        lifetime = min(lifetime, visitor.seconds_left)
    # Signed at the time by which the lifetime was found, or each handoff would add a moment.
    on_phone = replace(entry, member=visitor.member, max_age=lifetime, signed_at=now)
    try:
        code = qr_code(site.entry_url(on_phone, external=True, asker_only=True))
    except LinkError as error:
        abort(400, str(error))
    return make_response(
        render_template(
            "xiebao/handoff.html",
            locale=current_locale(site.settings),
            page=entry.page,
            lifetime=lifetime,
            code=code,
            here=this_link(platform=None),
            direct=this_link(platform=Platform.H5.slug),
        )
    )


def go(site: Site, entry: Entry, member: str, platform: Platform) -> Response:
    """Step 5: off to the gateway."""
    click_id = secrets.token_hex(8)
    # The URL is in no variable: an error report would show it, should a receiver fail.
    away = Redirect(
        from_root(
            site.gateway.url(
                entry.page,
                entry.reference,
                partner_uniq_key=member,
                platform=platform,
                sub_partner_id=entry.sub_partner_id,
                pay_success=return_url(site, entry, member, click_id),
            )
        )
    )
    if request.method != "HEAD":
        send(entry_clicked, entry=entry, member=member, platform=platform, click_id=click_id)
    return away


def from_root(url: str) -> str:
    """Return a URL as browsers need it: ``XIEBAO_BASE_URL`` may be a path of this site."""
    return request.root_path + url if url.startswith("/") else url


def return_url(site: Site, entry: Entry, member: str, click_id: str) -> str | None:
    """Return the absolute URL by which a payment comes back, if it should and can safely."""
    if entry.return_to is None:
        return None
    if site.host_is_vouched() or _THIS_MACHINE.fullmatch(request.host):
        token = site.signer.dumps_click(Click(entry, member, click_id, int(time.time())))
        with contextlib.suppress(GatewayError):  # in development any Host is taken, even none
            return check_web_url("paySuccess", site.url("xiebao.paid", external=True, token=token))
    complain(
        "A member was sent to the gateway without a way back (return_to): it would be built on the"
        " Host header, which anybody can forge. Set XIEBAO_PUBLIC_URL, SERVER_NAME or"
        " TRUSTED_HOSTS."
    )
    return None


def paid(site: Site, token: str) -> Response:
    """Come back from the gateway to where the entry said."""
    if is_prefetch(request.environ):
        return not_yet()
    try:
        done = site.signer.loads_click(token)
    except LinkError:
        raise RefusedError(404, "invalid_link") from None
    if request.method == "GET" and time.time() - done.clicked_at < _RETURN_IS_NEWS:
        send(
            payment_returned,
            entry=done.entry,
            member=done.member,
            click_id=done.click_id,
            same_session=is_logged_in(site, done.member),
        )
    return Redirect(done.entry.return_to or "/")


def is_logged_in(site: Site, member: str) -> bool:
    """Tell whether it is this member; whoever has paid comes back even when nobody can tell."""
    try:
        return site.members.current() == member
    except Exception:
        complain("The member_loader failed when a payment came back: mend it.", exc_info=True)
        return False


def refuse(site: Site, refused: RefusedError) -> Response:
    """Say why somebody is not let through, as a page or as JSON."""
    send(entry_refused, status=refused.status, reason=refused.reason)
    if wants_json():
        response = jsonify(status=refused.status, reason=refused.reason)
    else:
        response = make_response(render_template("xiebao/notice.html", **notice(site, refused)))
    response.status_code = refused.status
    return response


def notice(site: Site, refused: RefusedError) -> dict[str, Any]:
    """Return what the notice page is made of."""
    login_view = site.settings.login_view
    return {
        "locale": current_locale(site.settings),
        "status": refused.status,
        "reason": refused.reason,
        "login": login_url(login_view) if login_view and refused.status in (401, 410) else None,
        "start": f"{request.root_path}/",
    }


def wants_json() -> bool:
    """Tell whether the client prefers JSON to a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"
