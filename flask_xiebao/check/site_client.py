"""A client that builds a site's links and sends requests as its members and visitors."""

from __future__ import annotations

import contextvars
import secrets
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, url_for

from ..app.endpoints import build_token_url
from ..app.headers import preserve_response_headers
from ..app.log import get_error_location
from ..app.rehearsal import REHEARSAL_ENVIRON_KEY, Rehearsal
from ..app.state import AppState
from ..errors import XiebaoError
from ..links.tokens import Entry
from .browsers import Browser, LoginFunction, build_browser
from .cases import MEMBER, OTHER_MEMBER, PLACEHOLDER_ID_PREFIX, Case, Visitor
from .devices import DEVICES, Device
from .masking import mask_member_id
from .site import Site, resolve_link
from .visits import (
    NAVIGATION_HEADERS,
    UNEXPECTED_EXCEPTIONS,
    Visit,
    call_in_request_context,
    describe_exception,
    find_mount_and_send_request,
)

#: The device for requests that the check sends from only one device, such as the request that finds
#: out the site's URL.
PHONE = DEVICES["iphone"]


class CheckError(XiebaoError):
    """An error that prevents the check of a site from starting. Its message says what to do."""


class ViewNotReachedError(Exception):
    """An error raised if a request does not reach a view of the extension."""


def get_invalid_link_path(state: AppState) -> str:
    """Return the path of a link to a product page with an invalid token.

    The path at which the app is mounted is not included.
    """
    return f"{state.settings.url_prefix}/product/-"


class SiteClient:
    """A client that sends the requests of members and visitors to the current app.

    :param app: The app.
    :param state: The extension's state of that app.
    :param member: The id of a member of the site, or None for a placeholder member.
    :param login: The function that logs the member in, or None to replace the site's
        ``member_loader`` in the requests of the check.
    :param is_login_given: True if the caller passed the login function. Then the member must be the
        id that the site's ``member_loader`` returns.
    :param url: The URL of the site, or None for the one in its settings.
    :param calls_receivers: True to call the site's signal receivers.

    :ivar site: The site.
    :ivar unreached_visit: The visit at the site's URL if Flask found no endpoint there, else None.
    :ivar invalid_link_url: The URL of a link with an invalid token. The extension itself responds
        to a request for it.
    :ivar click_count: The number of links that were followed.
    :ivar members: The ids that :data:`.MEMBER` and :data:`.OTHER_MEMBER` stand for.
    """

    def __init__(
        self,
        app: Flask,
        state: AppState,
        member: str | None,
        login: LoginFunction | None,
        *,
        is_login_given: bool,
        url: str | None,
        calls_receivers: bool,
    ) -> None:
        self.app = app
        self.state = state
        # Made-up member ids contain characters that must be escaped in a URL, to test the escaping.
        placeholder_id = f"{PLACEHOLDER_ID_PREFIX}{secrets.token_hex(4)}+&号"
        self.members = {
            MEMBER: member or f"{placeholder_id}-a",
            OTHER_MEMBER: f"{placeholder_id}-b",
        }
        self._calls_receivers = calls_receivers
        self._login, self._is_login_given, self._login_member = login, is_login_given, member
        self._browsers: dict[str, Browser] = {}
        self.click_count = 0
        # Send a request to find the path at which the app is mounted, because the path in the
        # site's settings may be a different one.
        visit = find_mount_and_send_request(
            state,
            get_invalid_link_path(state),
            url,
            headers={**NAVIGATION_HEADERS, **PHONE.headers},
        )
        self.invalid_link_url = visit.url
        self.unreached_visit = None if visit.endpoint else visit
        self.site = Site(
            app, state, visit.url.removesuffix(get_invalid_link_path(state)), visit.mount
        )
        if self.unreached_visit is None:
            self._log_in_and_add_member_ids(member)

    def _log_in_and_add_member_ids(self, member: str | None) -> None:
        """Log the member in, and register the ids of all test members, so that reports mask them.

        Make sure that ``keeps_plain_key`` does not raise for the id of a placeholder member.

        :param member: The id that the caller passed, or None for a placeholder member.
        """
        if self._login is not None:
            member = self.members[MEMBER] = self._log_in_and_get_member_id(member)
        self.site.member = member
        self.site.member_ids.update(self.members.values())
        if member is None:
            try:
                call_in_request_context(
                    self.app,
                    lambda: self.state.build_member_key(self.members[MEMBER]),
                    base_url=f"{self.site.url}/",
                )
            except UNEXPECTED_EXCEPTIONS as error:  # Hide the error's message. It may be private.
                raise CheckError(
                    f"The keeps_plain_key hook raised {type(error).__name__} in"
                    f" {get_error_location(error)} for a placeholder member. Make the hook return"
                    ' False for ids that do not exist, or pass a member of the site as "--member"'
                    ' or "member=".'
                ) from None

    @property
    def has_login_function(self) -> bool:
        """True if a login function logs the member in. Otherwise, the login is only simulated."""
        return self._login is not None

    def _log_in_and_get_member_id(self, requested_member: str | None) -> str:
        """Log in, and return the member's id as the site reports it."""
        browser = self._get_logged_in_browser(PHONE)
        response = "" if browser is None else browser.last_response
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
                f"{f' The last response to the login was {response}.' if response else ''}"
                f"{' Check that the site knows this member.' if requested_member else ''} Make"
                " sure that the login function logs in the given test client and keeps its cookies,"
                f' and that the cookies are sent to "{self.site.endpoint_prefix}/"'
                " (SESSION_COOKIE_PATH, SESSION_COOKIE_DOMAIN). A request hook that lets"
                " clicks on entries through must first set the current member."
            )
        if self._is_login_given and requested_member is not None and member != requested_member:
            raise CheckError(
                f'The login function was called for member "{mask_member_id(requested_member)}",'
                f' but member "{mask_member_id(member)}" is logged in. Pass the id that the'
                " member_loader returns."
            )
        return member

    def _get_logged_in_browser(self, device: Device) -> Browser | None:
        """Return the test client for a device. It is logged in when it is first used.

        Return None if there is no login function.
        """
        if self._login is None:
            return None
        browser = self._browsers.get(device.name)
        if browser is None:
            browser = self._browsers[device.name] = build_browser(self.app)
            browser.site_url, browser.mount = self.site.url, self.site.mount
            environ_base: dict[str, Any] = {
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_USER_AGENT": device.user_agent,
                # Send a Referer header, because CSRF protection checks it on https.
                "HTTP_REFERER": f"{self.site.url}/",
                # The requests of a login are rehearsals, too, so that is_rehearsal() can exempt
                # them from a rate limit.
                REHEARSAL_ENVIRON_KEY: Rehearsal(),
            }
            browser.environ_base = environ_base
            try:
                # Use a new context, because the caller of the check may run inside a request of the
                # app, and the login function must not see that request.
                contextvars.Context().run(self._login, browser, self._login_member)
            except UNEXPECTED_EXCEPTIONS as error:
                # Hide the message of the error, because it may contain passwords.
                raise CheckError(
                    f"The login function raised {type(error).__name__} in"
                    f" {get_error_location(error)}. Fix the function. It must accept a test"
                    " client and a member's id, and log in the client."
                ) from None
        return browser

    def is_member_logged_out(self, device: Device) -> bool:
        """Return True if a page has logged the member out on a device.

        Then the member is logged in again before the next request. Return False if there is no
        login function, or if an exception or a rate limit prevents the check from finding out who
        is logged in.
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

    def build_case_link(self, case: Case) -> str:
        """Return the link that a test case clicks.

        The link is a path from the server's root, so it includes the path at which
        the app is mounted.

        :raises ViewNotReachedError: if the member's request does not reach a view in which the link
            can be built.
        """
        rehearsal = self._build_rehearsal("member")
        # Replace the site's member_loader in this request. It would not find the member, because
        # the request has no cookies.
        rehearsal.member_loader = lambda: self.members[MEMBER]
        visit = self._send_request_with_probe(
            lambda: self._build_link_in_request(case), rehearsal=rehearsal
        )
        if visit.probe_result is None:
            raise visit.error or ViewNotReachedError(
                f"No view was called for {visit.url}, and the status is {visit.status}."
            )
        link: str = visit.probe_result
        if case.expected_outcome != "invalid_link":
            return link
        payload, dot, signature = link.rpartition(".")
        # Change a character in the middle of the token's signature. The first characters identify
        # the signing key, and some bits of the last character are unused.
        replacement = "B" if signature[9] == "A" else "A"
        return f"{payload}{dot}{signature[:9]}{replacement}{signature[10:]}"

    @preserve_response_headers()
    def _build_link_in_request(self, case: Case) -> str:
        """Return the link of a test case, as a view of the site would build it."""
        page, options = case.page_spec.name, dict(case.options)
        if "member" in options:
            options["member"] = self.members[options["member"]]
        if case.age is None and case.expected_outcome != "disabled":
            return str(self.app.extensions["xiebao"].link(page, case.reference, **options))
        # A site cannot build a link that is already old, or any link while XIEBAO_ENABLED is off.
        # So build the token here.
        options["member"] = None if case.link_member is None else self.members[case.link_member]
        options["signed_at"] = int(time.time()) - (case.age or 0)
        token = self.state.signer.build_entry_token(Entry(page, case.reference, **options))
        return build_token_url(self.state, f"xiebao.{page}", token, external=False)

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
            self.invalid_link_url,
            self.site.mount,
            headers={**NAVIGATION_HEADERS, **device.headers, "Sec-Purpose": "prefetch"},
            probe=probe,
            rehearsal=rehearsal,
            browser=browser,
        )

    def visit_link(self, case: Case, device: Device, link: str) -> Visit:
        """Request a link of the site with the visitor, method and headers of a test case.

        If the case expects a login and the settings name a login view, the ``probe_result`` is the
        URL of the login with the link as ``next``.

        :param link: The path and query of the link, from the server's root.
        """
        self.click_count += 1
        login_view = self.site.settings.login_view if case.expected_outcome == "login" else None
        return Visit(
            self.app,
            f"{self.site.origin}{link}",
            self.site.mount,
            method=case.method,
            headers={
                **NAVIGATION_HEADERS,
                **self._build_referrer_headers(case),
                **device.headers,
                **case.headers,
            },
            probe=None if login_view is None else lambda: url_for(login_view, next=link),
            rehearsal=self._build_rehearsal(case.visitor, case),
            browser=self._get_logged_in_browser(device) if case.visitor == "member" else None,
        )

    def _build_referrer_headers(self, case: Case) -> dict[str, str]:
        """Return the headers, such as Referer, that tell on which page a link was clicked."""
        if case.expected_outcome == "back":
            referer = resolve_link(f"{self.site.origin}/", f"{self.site.gateway_root_url}/")
            is_same_origin = referer.startswith(f"{self.site.origin}/")
            fetch_site = "same-origin" if is_same_origin else "cross-site"
        elif case.visitor == "member":
            referer, fetch_site = f"{self.site.url}/", "same-origin"
        else:
            return {}  # A link in a mail or a QR code has no referrer.
        return {"Referer": referer, "Sec-Fetch-Site": fetch_site, "Sec-Fetch-User": "?1"}

    def open_page(self, url: str, device: Device = PHONE, visitor: Visitor = "member") -> Visit:
        """Send a GET request for a page or a file of the site, such as the stylesheet.

        :param url: An absolute URL, or a path from the server's root.
        """
        return Visit(
            self.app,
            f"{self.site.origin}{url}" if url.startswith("/") else url,
            self.site.mount,
            method="GET",
            headers={**NAVIGATION_HEADERS, **device.headers},
            rehearsal=self._build_rehearsal(visitor),
            browser=self._get_logged_in_browser(device) if visitor == "member" else None,
        )

    def _build_rehearsal(self, visitor: Visitor, case: Case | None = None) -> Rehearsal:
        """Return a :class:`.Rehearsal`, which tells the extension how to treat the test request."""
        rehearsal = Rehearsal(
            should_call_receivers=self._calls_receivers,
            should_call_click_guard=case is not None and case.calls_guard,
        )
        if case is not None and case.expected_outcome == "not_allowed":
            rehearsal.click_guard = lambda _member, _entry: False
        if self._login is None and not (case is not None and case.expected_outcome == "loader"):
            rehearsal.member_loader = lambda: self.members[MEMBER] if visitor == "member" else None
        return rehearsal
