"""Plays the members of a site: makes their links, and sends what their browsers would."""

from __future__ import annotations

import contextvars
import secrets
import time
from collections.abc import Callable
from functools import partial

from flask import Flask, url_for

from ..app.endpoints import build_token_url
from ..app.headers import separate_page_context
from ..app.log import get_error_location
from ..app.rehearsal import Rehearsal
from ..app.state import AppState
from ..errors import XiebaoError
from ..links.tokens import Entry
from .browsers import Browser, LoginFunction, build_browser
from .cases import MADE_UP_ID_PREFIX, MEMBER, OTHER_MEMBER, Case, Visitor
from .devices import DEVICES, Device
from .masking import mask_member
from .site import Site, resolve_link
from .visits import NAVIGATION_HEADERS, Visit, call_in_request_context, visit_at_any_mount

#: On what it is found out where the site is, and what is opened once.
PHONE = DEVICES["iphone"]


class CheckError(XiebaoError):
    """A check cannot begin: the text says why, and what to do."""


class ViewUnreachedError(Exception):
    """No request comes as far as a view of the extension's."""


def get_invalid_link_path(state: AppState) -> str:
    """Return the path of a link of the site's to nothing, from where the app is mounted."""
    return f"{state.settings.url_prefix}/product/-"


class SiteClient:
    """Whoever clicks on the entries of one app, whose context is the current one.

    :param app: the app.
    :param state: what the extension has of it.
    :param member: one of the site's, by their id; None for one who is made up.
    :param login: logs them in; without one the extension is told that they are.
    :param is_own_login: whether that is the site's own, and the id that of its ``member_loader``.
    :param url: where the site is; None for where its settings say that it is.
    :param calls_receivers: the site's receivers hear of it.

    :ivar site: what the site is configured to be.
    :ivar nobody_there: the answer where the site should be, if it is not there.
    :ivar nowhere: the URL of a link of the site's to nothing, which the extension itself answers.
    :ivar clicks: how many links were followed.
    :ivar members: the ids behind :data:`.MEMBER` and :data:`.ANOTHER`.
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
        made_up = f"{MADE_UP_ID_PREFIX}{secrets.token_hex(4)}+&号"  # which a URL has to escape
        self.members = {MEMBER: member or f"{made_up}-a", OTHER_MEMBER: f"{made_up}-b"}
        self._calls_receivers = calls_receivers
        self._login, self._is_login_given, self._login_member = login, is_login_given, member
        self._browsers: dict[str, Browser] = {}
        self.click_count = 0
        # The path below which links are found may be another one than the settings have.
        found = visit_at_any_mount(
            state,
            get_invalid_link_path(state),
            url,
            headers={**NAVIGATION_HEADERS, **PHONE.headers},
        )
        self.invalid_link_url = found.url
        self.unreached_visit = None if found.endpoint else found
        self.site = Site(
            app, state, found.url.removesuffix(get_invalid_link_path(state)), found.mount
        )
        if self.unreached_visit is None:
            self._log_in_and_register_member(member)

    def _log_in_and_register_member(self, member: str | None) -> None:
        """Find out who the member is.

        :param member: who it is said to be.
        """
        if self._login is not None:
            member = self.members[MEMBER] = self._find_member_after_login(member)
        self.site.member = member
        self.site.member_ids.update(self.members.values())
        if member is None:
            key = partial(self.state.build_member_key, self.members[MEMBER])
            try:
                call_in_request_context(self.app, key, base_url=f"{self.site.url}/")
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # what it says may be private
                raise CheckError(
                    f"keeps_plain_key raised {type(error).__name__} in"
                    f" {get_error_location(error)} for a"
                    " made-up member. Return False for ids that do not exist, or name a member of"
                    ' the site with "--member" or "member=".'
                ) from None

    @property
    def has_real_login(self) -> bool:
        """Whether the member is logged in for real."""
        return self._login is not None

    def _find_member_after_login(self, requested_member: str | None) -> str:
        """Return whom the site takes for logged in after the login."""
        browser = self._get_or_log_in_browser(PHONE)
        status = 0 if browser is None else browser.last_status
        visit = self._call_in_prefetch_request(
            self.state.hooks.find_current_member_id, browser=browser
        )
        who: str | None = visit.probe_result
        if visit.error is not None:
            raise CheckError(
                "The site cannot say who is logged in after the login, because"
                f" {type(visit.error).__name__} was raised in {get_error_location(visit.error)}."
                " Fix the code"
                " there."
            )
        if who is None:
            raise CheckError(
                "According to the member_loader or Flask-Login, no member is logged in after the"
                " login."
                f"{f' The last response to the login had status {status}.' if status else ''}"
                f"{' Check that the site knows this member.' if requested_member else ''} A login"
                " function"
                " must log in the test client and leave the cookies in that client. Make sure that"
                f' the cookies are sent to "{self.site.endpoint_prefix}/" (SESSION_COOKIE_PATH,'
                " SESSION_COOKIE_DOMAIN), and that hooks set the current member before they let"
                " requests to the entries through."
            )
        if self._is_login_given and requested_member is not None and who != requested_member:
            raise CheckError(
                f'The login was called for member "{mask_member(requested_member)}", but the site'
                " says that"
                f' "{mask_member(who)}" is logged in. Name the id that the member_loader returns.'
            )
        return who

    def _get_or_log_in_browser(self, device: Device) -> Browser | None:
        """Return the browser of a device, in which the member is logged in; None to play that."""
        if self._login is None:
            return None
        browser = self._browsers.get(device.name)
        if browser is None:
            browser = self._browsers[device.name] = build_browser(self.app)
            browser.site_url, browser.mount = self.site.url, self.site.mount
            browser.environ_base = {
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_USER_AGENT": device.user_agent,
                "HTTP_REFERER": f"{self.site.url}/",  # CSRF guards look for it where it is https
            }
            try:
                # It is the site's own, and in no request of anybody's.
                contextvars.Context().run(self._login, browser, self._login_member)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # what it says may hold passwords
                raise CheckError(
                    f"The login function raised {type(error).__name__} in"
                    f" {get_error_location(error)}. Fix"
                    " the function, which gets a test client and a member's id and must log in the"
                    " client."
                ) from None
        return browser

    def build_case_link(self, case: Case) -> str:
        """Return the link that a case begins with, from the server's root.

        :raises UnreachedError: no request of the member's comes as far as where it is made.
        """
        rehearsed = self._build_rehearsal("member")
        rehearsed.member_loader = lambda: self.members[MEMBER]  # whose cookies no request has
        visit = self._call_in_prefetch_request(
            lambda: self._build_link_in_request(case), rehearsal=rehearsed
        )
        if visit.probe_result is None:
            raise visit.error or ViewUnreachedError(
                f"No view was called for {visit.url}, and the status is {visit.status}."
            )
        made: str = visit.probe_result
        if case.expected_outcome != "invalid_link":
            return made
        before, dot, signature = made.rpartition(".")
        # The first characters say by which key it is signed, and the last has bits that are unused.
        other = "B" if signature[9] == "A" else "A"
        return f"{before}{dot}{signature[:9]}{other}{signature[10:]}"

    @separate_page_context()
    def _build_link_in_request(self, case: Case) -> str:
        """Return the link of a case, as a view of the site would make it."""
        page, options = case.row.name, dict(case.options)
        if "member" in options:
            options["member"] = self.members[options["member"]]
        if case.age is None and case.expected_outcome != "disabled":
            return str(self.app.extensions["xiebao"].link(page, case.reference, **options))
        # which a site does not make now
        options["member"] = None if case.link_member is None else self.members[case.link_member]
        options["signed_at"] = int(time.time()) - (case.age or 0)
        token = self.state.signer.build_entry_token(Entry(page, case.reference, **options))
        return build_token_url(self.state, f"xiebao.{page}", token, external=False)

    def _call_in_prefetch_request(
        self,
        probe: Callable[[], object],
        *,
        rehearsal: Rehearsal | None = None,
        browser: Browser | None = None,
    ) -> Visit:
        """Do something in a request that is no click, which the site's hooks see all the same."""
        return Visit(
            self.app,
            self.invalid_link_url,
            self.site.mount,
            headers={**NAVIGATION_HEADERS, **PHONE.headers, "Sec-Purpose": "prefetch"},
            probe=probe,
            rehearsal=rehearsal,
            browser=browser,
        )

    def visit_link(self, case: Case, device: Device, link: str, *, login_next: str = "") -> Visit:
        """Open a link of the site, as a case has it.

        :param link: from the server's root.
        :param back: to what the login has to lead back, whose URL is found out where the settings
            name one.
        """
        self.click_count += 1
        view = (
            self.site.settings.login_view
            if login_next and case.expected_outcome == "login"
            else None
        )
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
            probe=None if view is None else lambda: url_for(view, next=login_next),
            rehearsal=self._build_rehearsal(case.visitor, case),
            browser=self._get_or_log_in_browser(device) if case.visitor == "member" else None,
        )

    def _build_referrer_headers(self, case: Case) -> dict[str, str]:
        """Return what a browser says of where a link was clicked."""
        if case.expected_outcome == "back":
            referer = resolve_link(f"{self.site.origin}/", f"{self.site.gateway_root_url}/")
            is_here = referer.startswith(f"{self.site.origin}/")
            site = "same-origin" if is_here else "cross-site"
        elif case.visitor == "member":
            referer, site = f"{self.site.url}/", "same-origin"
        else:
            return {}  # in a mail, or it was scanned
        return {"Referer": referer, "Sec-Fetch-Site": site, "Sec-Fetch-User": "?1"}

    def open_page(self, url: str, device: Device = PHONE, visitor: Visitor = "member") -> Visit:
        """Open a page of the site, or what belongs to it, such as its stylesheet.

        :param url: a whole one, or one from the server's root.
        """
        return Visit(
            self.app,
            f"{self.site.origin}{url}" if url.startswith("/") else url,
            self.site.mount,
            method="GET",
            headers={**NAVIGATION_HEADERS, **device.headers},
            rehearsal=self._build_rehearsal(visitor),
            browser=self._get_or_log_in_browser(device) if visitor == "member" else None,
        )

    def _build_rehearsal(self, visitor: Visitor, case: Case | None = None) -> Rehearsal:
        rehearsed = Rehearsal(
            should_call_receivers=self._calls_receivers,
            should_call_click_guard=case is not None and case.calls_guard,
        )
        if case is not None and case.expected_outcome == "not_allowed":
            rehearsed.click_guard = lambda _member, _entry: False
        if self._login is None and not (case is not None and case.expected_outcome == "loader"):
            who = self.members[MEMBER] if visitor == "member" else None
            rehearsed.member_loader = lambda: who
        return rehearsed
