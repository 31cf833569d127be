"""A client that opens a site's pages and links as a member or as an anonymous visitor."""

from __future__ import annotations

import contextvars
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

from flask import Flask, session, url_for
from flask.sessions import SessionMixin
from flask.testing import FlaskClient
from werkzeug.routing import BuildError
from werkzeug.test import TestResponse
from werkzeug.urls import iri_to_uri

from ..app.headers import preserve_response_headers
from ..app.hooks import find_login_manager
from ..app.log import get_error_location
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
    describe_exception,
    find_mount_and_send_request,
)

#: The visitor who opens a page or a link.
Visitor = Literal["member", "nobody"]
#: A function that logs in a test client as a member of the site.
LoginFunction = Callable[[FlaskClient, str | None], object]

#: The device that scans QR codes and opens the pages after payment.
PHONE = DEVICES["iphone"]
#: The beginning of the ids of made-up members.
PLACEHOLDER_ID_PREFIX = "Check-"


class Browser(FlaskClient):
    """A test client that by default sends its requests to the URL of the site."""

    site_url = "http://localhost"
    #: The beginning of a request's path that the server moves to SCRIPT_NAME, such as "/shop". It
    #: is empty if middleware removes the beginning of the path instead.
    mount = ""
    #: The status of the last response and the target of its redirect, or "" before it.
    last_response = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request to a URL, or to a path of the site.

        A path may begin with the path of the site's URL or leave it out.
        """
        if args and isinstance(args[0], str) and "://" not in args[0] and "base_url" not in kwargs:
            root = urlsplit(self.site_url).path
            path = args[0].removeprefix(root) if args[0].startswith(f"{root}/") else args[0]
            kwargs["base_url"] = self.site_url.removesuffix(root) + self.mount
            args = (f"{root.removeprefix(self.mount)}{path}", *args[1:])
        response = super().open(*args, **kwargs)
        self.last_response = (
            f"{response.status_code} {strip_query(response.location or '')}".strip()
        )
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
    :ivar external_url: The beginning of absolute links to the site, for example in mails.
    :ivar gateway_root_url: The URL below which the gateway's pages are.
    :ivar member: The id of the member who clicks.
    :ivar anonymous_member: The id of the member whom the site finds without a login. It should be
        None.
    :ivar is_real_member: True if the caller named the member or a login function found it.
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
        self._is_login_given = is_login_given
        self._member_keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        self._browsers: dict[str, Browser] = {}
        self.qr_code_urls: dict[str, str] = {}
        # Send a request to find the path at which the app is mounted, because the path in the
        # site's settings may be a different one.
        path = get_invalid_link_path(state)
        visit = find_mount_and_send_request(
            state, path, headers={**NAVIGATION_HEADERS, **PHONE.headers}
        )
        self.unreached_visit = None if visit.endpoint else visit
        self._invalid_link_url = visit.url
        self.url, self._mount = visit.url.removesuffix(path), visit.mount
        parts = urlsplit(self.url)
        self.root_path = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.endpoint_prefix = encode_url_like_browser(f"{self.root_path}{settings.url_prefix}")
        self.external_url = encode_url_like_browser(settings.public_url or self.url).rstrip("/")
        self._hosts = {
            urlsplit(encode_url_like_browser(each)).netloc for each in (self.url, self.external_url)
        }
        self.gateway_root_url = self._normalize_gateway_url(settings.gateway_base_url.rstrip("/"))
        sign = Secret(wire.compute_signature(settings.api_key, settings.partner_id))
        self.account = PartnerAccount(settings.partner_id, sign)
        self._api_key_pattern = settings.api_key.map(build_api_key_pattern)
        # A made-up id contains characters that must be escaped in a URL.
        self.member = member or f"{PLACEHOLDER_ID_PREFIX}{secrets.token_hex(4)}+&号"
        self.is_real_member = member is not None or login is not None
        self.anonymous_member: str | None = None
        if self.unreached_visit is None:
            visit = self._send_request_with_probe(state.hooks.find_current_member_id)
            self.anonymous_member = visit.probe_result
            if login is not None:
                self.member = self._log_in_and_get_member_id()
            elif member is None:  # An example site may treat each visitor as the same member.
                self.member = self.anonymous_member or self.member
                self._check_plain_key_hook()
        self.member_ids = {self.member}

    def _check_plain_key_hook(self) -> None:
        """Check that ``keeps_plain_key`` accepts the id of a made-up member."""
        build = partial(self.state.build_member_key, self.member)
        try:
            call_in_request_context(self.app, build, base_url=f"{self.url}/")
        except UNEXPECTED_EXCEPTIONS as error:  # Hide the error's message. It may be private.
            raise CheckError(
                f"The keeps_plain_key hook raised {type(error).__name__} in"
                f" {get_error_location(error)} for a made-up member. Make the hook return False for"
                ' ids that do not exist, or pass a member of the site as "--member" or "member=".'
            ) from None

    def get_member_key_prefix(self, member: str) -> str:
        """Return the secret beginning of a member's ``partnerUniqKey``, or "" if it has none."""
        if self.settings.member_secret is None:
            return ""
        return self._member_keys.build_member_key(member)[:KEY_PREFIX_LENGTH]

    def _normalize_gateway_url(self, url: str) -> str:
        return encode_url_like_browser(url if "://" in url else f"{self.root_path}{url}")

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
        return self._api_key_pattern.reveal().sub("…", self.account.mask_signature(text))

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

    def is_site_url(self, url: str) -> bool:
        """Return True if a URL has the site's host and is below the path of the site."""
        path = urlsplit(encode_url_like_browser(url)).path
        return self.has_site_host(url) and path.startswith(f"{iri_to_uri(self.root_path)}/")

    def find_page_name_and_entry(self, url: str) -> tuple[str | None, Entry | None]:
        """Return the name of the gateway page to which a link leads, and the link's entry.

        The entry is None if the token cannot be parsed. Both are None for any other URL. The
        signature is not verified.
        """
        if self.has_site_host(url):
            path = urlsplit(encode_url_like_browser(url)).path
            for name in PAGES:
                prefix = f"{self.endpoint_prefix}/{name}/"
                if path.startswith(prefix):
                    with suppress(TokenError):
                        return name, parse_token_without_verifying(path.removeprefix(prefix))
                    return name, None
        return None, None

    def build_link(self, page: str, reference: str | None, **options: Any) -> str:
        """Return a link as a view of the site would build it.

        :raises Exception: if a request hook or the extension raises an exception.
        """

        @preserve_response_headers()
        def build() -> str:
            return str(self.app.extensions["xiebao"].link(page, reference, **options))

        rehearsal = Rehearsal(member_loader=lambda: self.member)
        visit = self._send_request_with_probe(build, rehearsal=rehearsal)
        if visit.probe_result is None and visit.error is not None:
            raise visit.error
        # If a request hook refuses the request, build the link without request hooks.
        return visit.probe_result or call_in_request_context(
            self.app, build, base_url=f"{self.url}/"
        )

    def _log_in_and_get_member_id(self) -> str:
        """Log in, and return the member's id as the site reports it."""
        browser = self._get_browser(PHONE)
        last_response = browser.last_response if browser else ""
        visit = self._send_request_with_probe(
            self.state.hooks.find_current_member_id, browser=browser
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
        if self._is_login_given and self._requested_member not in (None, member):
            raise CheckError(
                "After the login, another member than the requested one is logged in. Pass the id"
                " that the member_loader returns."
            )
        return member

    def _get_browser(self, device: Device) -> Browser | None:
        """Return the test client for a device. It is logged in when it is first used.

        Return None if there is no login function.
        """
        if self._login is None:
            return None
        browser = self._browsers.get(device.name)
        if browser is None:
            site_class = self.app.test_client_class or FlaskClient
            browser_class: Any = type("Browser", (Browser, site_class), {})
            browser = browser_class(self.app, self.app.response_class)
            browser.site_url, browser.mount = self.url, self._mount
            browser.environ_base = {
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_USER_AGENT": device.user_agent,
                # CSRF protection checks the Referer header on https.
                "HTTP_REFERER": f"{self.url}/",
                # The requests of a login are rehearsals, too, so that is_rehearsal() can exempt
                # them from a rate limit.
                REHEARSAL_ENVIRON_KEY: Rehearsal(),
            }
            try:
                # Use a new context, because the caller of the check may run inside a request of the
                # app, and the login function must not see that request.
                contextvars.Context().run(self._login, browser, self._requested_member)
            except UNEXPECTED_EXCEPTIONS as error:
                # Hide the message of the error, because it may contain passwords.
                raise CheckError(
                    f"The login function raised {type(error).__name__} in"
                    f" {get_error_location(error)}. Fix the function. It must accept a test"
                    " client and a member's id, and log in the client."
                ) from None
            self._browsers[device.name] = browser
        return browser

    def is_member_logged_out(self, device: Device) -> bool:
        """Return True if a page has logged the member out on a device.

        Then the member is logged in again before the next request.
        """
        browser = self._browsers.get(device.name)
        if browser is None:
            return False
        visit = self._send_request_with_probe(
            self.state.hooks.find_current_member_id, browser=browser, device=device
        )
        is_unknown = visit.error is not None or not visit.rehearsal.has_reached_view
        if is_unknown or visit.probe_result is not None:
            return False
        del self._browsers[device.name]
        return True

    def _send_request_with_probe(
        self,
        probe: Callable[[], object],
        *,
        rehearsal: Rehearsal | None = None,
        browser: Browser | None = None,
        device: Device = PHONE,
    ) -> Visit:
        """Send a request, and call *probe* in its context after the site's request hooks.

        The request is a prefetch, because a prefetch does not count as a click.
        """
        return Visit(
            self.app,
            self._invalid_link_url,
            self._mount,
            headers={**NAVIGATION_HEADERS, **device.headers, "Sec-Purpose": "prefetch"},
            probe=probe,
            rehearsal=rehearsal,
            browser=browser,
        )

    def _build_referrer_headers(self, referer: str) -> dict[str, str]:
        """Return the headers that a browser sends for a click on a link of another page."""
        is_own_page = referer.startswith(f"{self.origin}/")
        fetch_site = "same-origin" if is_own_page else "cross-site"
        return {"Referer": referer, "Sec-Fetch-Site": fetch_site, "Sec-Fetch-User": "?1"}

    def open(
        self,
        url: str,
        device: Device = PHONE,
        visitor: Visitor = "member",
        *,
        is_click: bool = False,
        referer: str = "",
        method: str = "GET",
    ) -> Visit:
        """Send a request for a page, a link or a file of the site.

        :param url: An absolute URL, or a path from the server's root.
        :param is_click: True to call the site's ``click_guard`` if a member is logged in. Then the
            ``probe_result`` is the URL of the login page with the link as ``next``.
        :param referer: The URL of the page that contains the link.
        """
        url = resolve_link(f"{self.origin}/", url)
        rehearsal = Rehearsal(should_call_click_guard=is_click and self.has_login_function)
        # For an anonymous visitor, the site's own member_loader must find no member.
        if visitor == "member" and self._login is None:
            rehearsal.member_loader = lambda: self.member
        login_view, parts = self.settings.login_view, urlsplit(url)
        link = f"{parts.path}?{parts.query}" if parts.query else parts.path

        def build_login_url() -> str:
            # If the login view is wrong, the visitor's click fails, and the check reports that.
            with suppress(BuildError):
                return url_for(login_view or "", next=link)
            return ""

        visit = Visit(
            self.app,
            url,
            self._mount,
            method=method,
            headers={
                **NAVIGATION_HEADERS,
                **(self._build_referrer_headers(referer) if referer else {}),
                **device.headers,
            },
            probe=build_login_url if is_click and login_view is not None else None,
            rehearsal=rehearsal,
            browser=self._get_browser(device) if visitor == "member" else None,
        )
        self.qr_code_urls |= visit.rehearsal.qr_code_urls_by_svg
        return visit


def find_guessable_id_kind(state: AppState, sample_member: str) -> str:
    """Return why the member ids can probably be guessed: "email", "row" or "get_id", otherwise "".

    The ids are email addresses ("email") or row numbers ("row"), or Flask-Login's
    ``User.get_id()`` returns them ("get_id"), which is often a row number.

    :param sample_member: The id of a member of the site, or "" if no id is known.
    """
    if "@" in sample_member:
        return "email"
    loader, return_type = state.hooks.functions.get("member_loader"), None
    if loader is None and find_login_manager() is not None and not sample_member.isdecimal():
        return "get_id"
    # The annotations of a member_loader may name types that are imported for type checkers only.
    # Resolving such annotations raises an exception.
    with suppress(Exception):
        return_type = get_type_hints(loader).get("return")
    if sample_member.isdecimal() or int in (return_type, *get_args(return_type)):
        return "row"
    return ""
