"""A client that opens a site's pages and links as a member or as an anonymous visitor."""

from __future__ import annotations

import contextvars
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import urlsplit

from flask import Flask, session
from flask.sessions import SessionMixin
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from ..app.log import describe_exception, get_error_location
from ..app.rehearsal import REHEARSAL_ENVIRON_KEY, Rehearsal
from ..app.state import AppState
from ..errors import TokenError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..gateway.values import KEY_PREFIX_LENGTH, Secret
from ..links.members import MemberKeyCodec
from ..links.tokens import Entry, parse_token_without_verifying
from ..simulator import wire
from ..simulator.document import PartnerAccount, build_api_key_pattern
from .devices import DEVICES, Device
from .page import (
    CheckError,
    encode_url_like_browser,
    is_parsable_url,
    resolve_link,
    strip_query,
)
from .visits import (
    NAVIGATION_HEADERS,
    UNEXPECTED_EXCEPTIONS,
    Visit,
    call_in_request_context,
    find_mount_and_send_request,
)

#: The visitor who opens a page or a link.
Visitor = Literal["member", "nobody"]
#: A function that logs in a test client as a member of the site.
LoginFunction = Callable[[FlaskClient, str | None], object]

#: The device that scans QR codes and opens the pages after payment.
PHONE = DEVICES["iphone"]
_MAX_REDIRECTS = 5


class Browser(FlaskClient):
    """A test client that by default sends its requests to the URL of the site."""

    site_url = "http://localhost"
    #: The beginning of a request's path that the server moves to SCRIPT_NAME, such as "/shop". It
    #: is empty if middleware removes the beginning of the path instead.
    mount = ""
    #: The status of the last response and the path of its redirect, or "" before it.
    last_response = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request to a URL, or to a path of the site.

        A path may begin with the path of the site's URL or leave it out.
        """
        if args and isinstance(args[0], str) and "://" not in args[0] and "base_url" not in kwargs:
            root = urlsplit(self.site_url).path
            path = args[0].removeprefix(root) if args[0].startswith(f"{root}/") else args[0]
            kwargs["base_url"] = f"{self.site_url.removesuffix(root)}{self.mount}"
            args = (f"{root.removeprefix(self.mount)}{path}", *args[1:])
        response = super().open(*args, **kwargs)
        target = strip_query(response.location or "")
        self.last_response = f"{response.status_code} {target}".strip()
        return response

    def set_cookie(self, *args: Any, **kwargs: Any) -> None:
        """Set a cookie, by default for the site's host."""
        kwargs.setdefault("domain", urlsplit(self.site_url).hostname)
        super().set_cookie(*args, **kwargs)

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Open the client's session for changes. By default, use the cookies for the site's URL."""
        kwargs.setdefault("base_url", self.site_url)
        with super().session_transaction(*args, **kwargs) as site_session:
            yield site_session


def find_login_function_for_flask_login(app: Flask) -> LoginFunction | None:
    """Return a function that logs a member in with Flask-Login, or None if the app lacks it."""
    manager = getattr(app, "login_manager", None)
    if manager is None:
        return None

    def log_in(browser: FlaskClient, member: str | None) -> None:
        from flask_login import login_user, user_logged_in

        # login_user() needs only an id, so this stand-in for a user has only an id. The signal
        # user_logged_in is muted, because the site's receivers may need a real user.
        user = SimpleNamespace(**{manager.id_attribute: lambda: member})
        with app.test_request_context(environ_base=browser.environ_base), user_logged_in.muted():
            login_user(user, force=True)
            logged_in_session = dict(session)
        with browser.session_transaction() as browser_session:
            browser_session.update(logged_in_session)

    return log_in


def get_invalid_link_path(state: AppState) -> str:
    """Return the path of a product link with an invalid token, from where the app is mounted."""
    return f"{state.settings.url_prefix}/product/-"


class SiteClient:
    """A client of the site that is checked, with the site's URLs and secrets.

    :param app: The app.
    :param state: The extension's state of that app.
    :param member: The id of a member of the site, or None for a made-up member.
    :param login: The function that logs the member in, or None to replace the site's
        ``member_loader`` in the member's requests.
    :param is_login_given: True if the caller passed the login function. Then the member must be the
        id that the site's ``member_loader`` returns.

    :ivar unreached_visit: The visit at the site's URL if Flask found no endpoint there, else None.
    :ivar url: The URL of the site, with the path at which it is mounted.
    :ivar origin: The URL of the site without that path.
    :ivar external_url: The beginning of absolute links to the site, for example in mails.
    :ivar endpoint_prefix: The beginning of the paths of the extension's endpoints.
    :ivar gateway_root_url: The URL below which the gateway's pages are.
    :ivar member: The id of the member who clicks.
    :ivar is_real_member: True if the caller named the member or a login function found it.
    :ivar is_always_logged_in: True if the site finds a member for a visitor who is not logged in.
    :ivar member_ids: The ids of all members that appeared in links. Reports mask them.
    :ivar qr_code_urls: The URLs of the QR codes that were drawn during the check, by their SVG.
    """

    def __init__(
        self,
        app: Flask,
        state: AppState,
        member: str | None,
        login: LoginFunction | None,
        *,
        is_login_given: bool,
    ) -> None:
        self.app = app
        self.state = state
        self.settings = settings = state.settings
        self._login = login
        self._requested_member = member
        self._member_keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        self._browsers: dict[str, Browser] = {}
        self.qr_code_urls: dict[str, str] = {}
        # Send a request to find the path at which the app is mounted, because the path in the
        # site's settings may be a different one. A prefetch does not count as a click.
        path = get_invalid_link_path(state)
        visit = find_mount_and_send_request(
            state,
            path,
            headers={**NAVIGATION_HEADERS, **PHONE.headers, "Sec-Purpose": "prefetch"},
            probe=state.hooks.find_current_member_id,
        )
        self.unreached_visit = None if visit.endpoint else visit
        self.url, self._mount = visit.url.removesuffix(path), visit.mount
        parts = urlsplit(self.url)
        self._root_path = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.endpoint_prefix = encode_url_like_browser(f"{self._root_path}{settings.url_prefix}")
        self.external_url = encode_url_like_browser(settings.public_url or self.url).rstrip("/")
        self._hosts = {
            urlsplit(encode_url_like_browser(each)).netloc for each in (self.url, self.external_url)
        }
        self.gateway_root_url = self._normalize_gateway_url(settings.gateway_base_url.rstrip("/"))
        sign = Secret(wire.compute_signature(settings.api_key, settings.partner_id))
        self._account = PartnerAccount(settings.partner_id, sign)
        self._api_key_pattern = settings.api_key.map(build_api_key_pattern)
        self.is_real_member = member is not None or login is not None
        self.is_always_logged_in = visit.probe_result is not None
        # The id of a made-up member contains characters that must be escaped in a URL.
        made_up_member = f"Check-{secrets.token_hex(4)}+&号"
        self.member: str = member or visit.probe_result or made_up_member
        if login is not None and self.unreached_visit is None:
            self.member = self._log_in_and_get_member_id(visit.url, is_login_given)
        self.member_ids = {self.member}

    def get_member_key_prefix(self, member: str) -> str:
        """Return the secret beginning of a member's ``partnerUniqKey``, or "" if it has none."""
        if self.settings.member_secret is None:
            return ""
        return self._member_keys.build_member_key(member)[:KEY_PREFIX_LENGTH]

    def _normalize_gateway_url(self, url: str) -> str:
        return encode_url_like_browser(url if "://" in url else f"{self._root_path}{url}")

    @property
    def has_login_function(self) -> bool:
        """True if a login function logs the member in. Otherwise, the login is only simulated."""
        return self._login is not None

    @property
    def has_login_page(self) -> bool:
        """True if the site has a login to which visitors can be sent."""
        manager = getattr(self.app, "login_manager", None)
        return self.settings.login_view is not None or any(
            getattr(manager, name, None)
            for name in ("login_view", "blueprint_login_views", "unauthorized_callback")
        )

    def mask_secrets(self, text: str) -> str:
        """Return a text with the API key and the signature of gateway URLs replaced."""
        return self._api_key_pattern.reveal().sub("…", self._account.mask_signature(text))

    def build_gateway_url(self, entry: Entry, member: str, platform: str) -> str:
        """Return the gateway URL to which a member's click on an entry must redirect.

        The URL has no ``paySuccess``, because that contains a new token at each click.
        """
        build = partial(self.state.build_gateway_url, entry, member, Platform(int(platform)))
        return self._normalize_gateway_url(
            call_in_request_context(self.app, build, base_url=f"{self.url}/")
        )

    def is_gateway_page(self, url: str) -> bool:
        """Return True if a URL leads to a gateway page. The query is ignored."""
        return strip_query(url) in {
            f"{self.gateway_root_url}{page.path}" for page in PAGES.values()
        }

    def has_site_host(self, url: str) -> bool:
        """Return True if the host of a URL is the site's, or a subdomain that the app serves."""
        if not is_parsable_url(url):
            return False
        host = urlsplit(encode_url_like_browser(url)).netloc
        server_name = self.app.config["SERVER_NAME"] if self.app.subdomain_matching else None
        return host in self._hosts or (server_name is not None and host.endswith(f".{server_name}"))

    def is_entry_url(self, url: str) -> bool:
        """Return True if a URL is the link of an entry, even if its token is wrong."""
        if not self.has_site_host(url):
            return False
        path = urlsplit(encode_url_like_browser(url)).path
        return path.startswith(tuple(f"{self.endpoint_prefix}/{page}/" for page in PAGES))

    def find_entry(self, url: str) -> Entry | None:
        """Return the entry of a link, or None for another URL. The signature is not verified."""
        if self.is_entry_url(url):
            with suppress(TokenError):
                return parse_token_without_verifying(urlsplit(url).path.rpartition("/")[2])
        return None

    def build_link(self, page: str, reference: str | None, **options: Any) -> str:
        """Return a link as a view of the site would build it.

        :raises Exception: if a request hook or the extension raises an exception.
        """

        def build() -> str:
            # A request hook may refuse the request.
            with suppress(HTTPException):
                self.app.preprocess_request()
            return str(self.app.extensions["xiebao"].link(page, reference, **options))

        rehearsal = Rehearsal(member_loader=lambda: self.member)
        return call_in_request_context(
            self.app,
            build,
            base_url=f"{self.url}/",
            headers={**NAVIGATION_HEADERS, **PHONE.headers},
            environ_overrides={REHEARSAL_ENVIRON_KEY: rehearsal, "REMOTE_ADDR": "127.0.0.1"},
        )

    def _log_in_and_get_member_id(self, url: str, is_login_given: bool) -> str:
        """Log in, and return the member's id as the site reports it."""
        browser = self._get_browser(PHONE)
        last_response = browser.last_response if browser else ""
        visit = Visit(
            self.app,
            url,
            self._mount,
            headers={**NAVIGATION_HEADERS, **PHONE.headers, "Sec-Purpose": "prefetch"},
            probe=self.state.hooks.find_current_member_id,
            browser=browser,
        )
        member: str | None = visit.probe_result
        if visit.error is not None:
            raise CheckError(
                "After the login, the check cannot find out who is logged in, because of an"
                f" exception. {describe_exception(visit.error).removesuffix('.')}. Fix the code"
                " that raises this exception. If the database raised it, check that the database is"
                " running and that its tables are migrated."
            )
        if member is None:
            raise CheckError(
                "After the login, the member_loader (or Flask-Login) finds no logged-in member."
                f" The last response was {last_response or '—'}. Make sure that the site knows this"
                " member, that the login function logs in the given test client and keeps its"
                f' cookies, and that the cookies are sent to "{self.endpoint_prefix}/"'
                " (SESSION_COOKIE_PATH, SESSION_COOKIE_DOMAIN). A request hook that lets the"
                " insurance links through must first set the current member."
            )
        if is_login_given and self._requested_member not in (None, member):
            raise CheckError(
                "After the login, another member than the requested one is logged in. Pass the id"
                " that the member_loader returns."
            )
        return member

    def _get_browser(self, device: Device) -> Browser | None:
        """Return the test client for a device. It is logged in when it is first used.

        Return None if there is no login function.
        """
        if self._login is None or device.name in self._browsers:
            return self._browsers.get(device.name)
        browser = Browser(self.app, self.app.response_class)
        browser.site_url, browser.mount = self.url, self._mount
        browser.environ_base = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": device.user_agent,
            # CSRF protection checks the Referer header on https.
            "HTTP_REFERER": f"{self.url}/",
            # The requests of a login are rehearsals, too, so that is_rehearsal() can exempt them
            # from a rate limit.
            REHEARSAL_ENVIRON_KEY: Rehearsal(),  # type: ignore[dict-item]
        }
        try:
            # Use a new context, because the caller of the check may run inside a request of the
            # app, and the login function must not see that request.
            contextvars.Context().run(self._login, browser, self._requested_member)
        except UNEXPECTED_EXCEPTIONS as error:
            # Hide the message of the error, because it may contain passwords.
            raise CheckError(
                f"The login function raised {type(error).__name__} in {get_error_location(error)}."
                " Fix the function. It must accept a test client and a member's id, and log in the"
                " client."
            ) from None
        self._browsers[device.name] = browser
        return browser

    def forget_login(self, device: Device) -> None:
        """Log the member in again before the next request of a device."""
        self._browsers.pop(device.name, None)

    def open(
        self,
        url: str,
        device: Device = PHONE,
        visitor: Visitor = "member",
        *,
        is_click: bool = False,
        referer: str = "",
    ) -> Visit:
        """Send a request for a page, a link or a file of the site.

        :param url: An absolute URL, or a path from the server's root.
        :param is_click: True to call the site's ``click_guard`` if a member is logged in.
        :param referer: The URL of the page that contains the link.
        """
        rehearsal = Rehearsal(should_call_click_guard=is_click and self.has_login_function)
        if visitor == "member" and self._login is None:
            rehearsal.member_loader = lambda: self.member
        # Other anonymous visitors use the site's own member_loader, which must find no member.
        if visitor == "nobody" and self.is_always_logged_in:
            rehearsal.member_loader = lambda: None
        headers = {**NAVIGATION_HEADERS, **device.headers}
        if referer:
            is_own_page = referer.startswith(f"{self.origin}/")
            headers["Referer"] = referer
            headers["Sec-Fetch-Site"] = "same-origin" if is_own_page else "cross-site"
            headers["Sec-Fetch-User"] = "?1"
        visit = Visit(
            self.app,
            resolve_link(f"{self.origin}/", url),
            self._mount,
            method="GET",
            headers=headers,
            rehearsal=rehearsal,
            browser=self._get_browser(device) if visitor == "member" else None,
        )
        self.qr_code_urls |= visit.rehearsal.qr_code_urls_by_svg
        return visit

    def follow(self, url: str, device: Device, visitor: Visitor = "member") -> list[Visit]:
        """Open a page, follow redirects to other pages of the site, and return the visits."""
        visits = [self.open(url, device, visitor)]
        while len(visits) <= _MAX_REDIRECTS and visits[-1].location:
            target = resolve_link(visits[-1].url, visits[-1].location)
            if not self.has_site_host(target):
                break
            visits.append(self.open(target, device, visitor))
        return visits

    def is_leaving_site(self, visit: Visit) -> bool:
        """Return True if a response redirects to another site."""
        return bool(visit.location) and not self.has_site_host(
            resolve_link(visit.url, visit.location)
        )
