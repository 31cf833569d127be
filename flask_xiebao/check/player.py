"""Plays the members of a site: makes their links, and sends what their browsers would."""

from __future__ import annotations

import contextvars
import secrets
import time
from collections.abc import Callable
from functools import partial

from flask import Flask, url_for

from ..app.endpoints import token_url
from ..app.headers import separate_page_context
from ..app.log import place_of
from ..app.rehearsal import Rehearsal
from ..app.state import State
from ..errors import XiebaoError
from ..links.tokens import Entry
from .browsers import Browser, Login, browser_of
from .cases import ANOTHER, MADE_UP, MEMBER, Case, Visitor
from .devices import DEVICES, Device
from .masks import shown_member
from .site import Site, absolute
from .visits import TAP, Visit, first_reached, in_context

#: On what it is found out where the site is, and what is opened once.
PHONE = DEVICES["iphone"]


class CheckError(XiebaoError):
    """A check cannot begin: the text says why, and what to do."""


class UnreachedError(Exception):
    """No request comes as far as a view of the extension's."""


def nowhere(state: State) -> str:
    """Return the path of a link of the site's to nothing, from where the app is mounted."""
    return f"{state.settings.url_prefix}/product/-"


class Player:
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
        state: State,
        member: str | None,
        login: Login | None,
        *,
        is_own_login: bool,
        url: str | None,
        calls_receivers: bool,
    ) -> None:
        self.app = app
        self.state = state
        made_up = f"{MADE_UP}{secrets.token_hex(4)}+&号"  # which a URL has to escape
        self.members = {MEMBER: member or f"{made_up}-a", ANOTHER: f"{made_up}-b"}
        self._calls_receivers = calls_receivers
        self._login, self._is_own_login, self._login_as = login, is_own_login, member
        self._browsers: dict[str, Browser] = {}
        self.clicks = 0
        # The path below which links are found may be another one than the settings have.
        found = first_reached(state, nowhere(state), url, headers={**TAP, **PHONE.headers})
        self.nowhere = found.url
        self.nobody_there = None if found.endpoint else found
        self.site = Site(app, state, found.url.removesuffix(nowhere(state)), found.mount)
        if self.nobody_there is None:
            self._meet(member)

    def _meet(self, member: str | None) -> None:
        """Find out who the member is.

        :param member: who it is said to be.
        """
        if self._login is not None:
            member = self.members[MEMBER] = self._logged_in(member)
        self.site.member = member
        self.site.people.update(self.members.values())
        if member is None:
            key = partial(self.state.partner_uniq_key, self.members[MEMBER])
            try:
                in_context(self.app, key, base_url=f"{self.site.url}/")
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # what it says may be private
                raise CheckError(
                    f"keeps_plain_key raised {type(error).__name__} in {place_of(error)} for a"
                    " made-up member. Return False for ids that do not exist, or name a member of"
                    ' the site with "--member" or "member=".'
                ) from None

    @property
    def logs_in(self) -> bool:
        """Whether the member is logged in for real."""
        return self._login is not None

    def _logged_in(self, member: str | None) -> str:
        """Return whom the site takes for logged in after the login."""
        browser = self._browser(PHONE)
        status = 0 if browser is None else browser.status
        visit = self._prefetch(self.state.hooks.current_member, browser=browser)
        who: str | None = visit.found
        if visit.error is not None:
            raise CheckError(
                "The site cannot say who is logged in after the login, because"
                f" {type(visit.error).__name__} was raised in {place_of(visit.error)}. Fix the code"
                " there."
            )
        if who is None:
            raise CheckError(
                "According to the member_loader or Flask-Login, no member is logged in after the"
                " login."
                f"{f' The last response to the login had status {status}.' if status else ''}"
                f"{' Check that the site knows this member.' if member else ''} A login function"
                " must log in the test client and leave the cookies in that client. Make sure that"
                f' the cookies are sent to "{self.site.prefix}/" (SESSION_COOKIE_PATH,'
                " SESSION_COOKIE_DOMAIN), and that hooks set the current member before they let"
                " requests to the entries through."
            )
        if self._is_own_login and member is not None and who != member:
            raise CheckError(
                f'The login was called for member "{shown_member(member)}", but the site says that'
                f' "{shown_member(who)}" is logged in. Name the id that the member_loader returns.'
            )
        return who

    def _browser(self, device: Device) -> Browser | None:
        """Return the browser of a device, in which the member is logged in; None to play that."""
        if self._login is None:
            return None
        browser = self._browsers.get(device.name)
        if browser is None:
            browser = self._browsers[device.name] = browser_of(self.app)
            browser.site, browser.mount = self.site.url, self.site.mount
            browser.environ_base = {
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_USER_AGENT": device.user_agent,
                "HTTP_REFERER": f"{self.site.url}/",  # CSRF guards look for it where it is https
            }
            try:
                # It is the site's own, and in no request of anybody's.
                contextvars.Context().run(self._login, browser, self._login_as)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # what it says may hold passwords
                raise CheckError(
                    f"The login function raised {type(error).__name__} in {place_of(error)}. Fix"
                    " the function, which gets a test client and a member's id and must log in the"
                    " client."
                ) from None
        return browser

    def link(self, case: Case) -> str:
        """Return the link that a case begins with, from the server's root.

        :raises UnreachedError: no request of the member's comes as far as where it is made.
        """
        rehearsed = self._rehearsal("member")
        rehearsed.member_loader = lambda: self.members[MEMBER]  # whose cookies no request has
        visit = self._prefetch(lambda: self._make(case), rehearsal=rehearsed)
        if visit.found is None:
            raise visit.error or UnreachedError(
                f"No view was called for {visit.url}, and the status is {visit.status}."
            )
        made: str = visit.found
        if case.ends != "invalid_link":
            return made
        before, dot, signature = made.rpartition(".")
        # The first characters say by which key it is signed, and the last has bits that are unused.
        other = "B" if signature[9] == "A" else "A"
        return f"{before}{dot}{signature[:9]}{other}{signature[10:]}"

    @separate_page_context()
    def _make(self, case: Case) -> str:
        """Return the link of a case, as a view of the site would make it."""
        page, options = case.row.name, dict(case.options)
        if "member" in options:
            options["member"] = self.members[options["member"]]
        if case.age is None and case.ends != "disabled":
            return str(self.app.extensions["xiebao"].link(page, case.reference, **options))
        # which a site does not make now
        options["member"] = None if case.whose is None else self.members[case.whose]
        options["signed_at"] = int(time.time()) - (case.age or 0)
        token = self.state.signer.dumps(Entry(page, case.reference, **options))
        return token_url(self.state, f"xiebao.{page}", token, external=False)

    def _prefetch(
        self,
        inside: Callable[[], object],
        *,
        rehearsal: Rehearsal | None = None,
        browser: Browser | None = None,
    ) -> Visit:
        """Do something in a request that is no click, which the site's hooks see all the same."""
        return Visit(
            self.app,
            self.nowhere,
            self.site.mount,
            headers={**TAP, **PHONE.headers, "Sec-Purpose": "prefetch"},
            inside=inside,
            rehearsal=rehearsal,
            browser=browser,
        )

    def visit(self, case: Case, device: Device, link: str, *, back: str = "") -> Visit:
        """Open a link of the site, as a case has it.

        :param link: from the server's root.
        :param back: to what the login has to lead back, whose URL is found out where the settings
            name one.
        """
        self.clicks += 1
        view = self.site.settings.login_view if back and case.ends == "login" else None
        return Visit(
            self.app,
            f"{self.site.origin}{link}",
            self.site.mount,
            method=case.method,
            headers={**TAP, **self._from(case), **device.headers, **case.headers},
            inside=None if view is None else lambda: url_for(view, next=back),
            rehearsal=self._rehearsal(case.visitor, case),
            browser=self._browser(device) if case.visitor == "member" else None,
        )

    def _from(self, case: Case) -> dict[str, str]:
        """Return what a browser says of where a link was clicked."""
        if case.ends == "back":
            referer = absolute(f"{self.site.origin}/", f"{self.site.gateway}/")
            is_here = referer.startswith(f"{self.site.origin}/")
            site = "same-origin" if is_here else "cross-site"
        elif case.visitor == "member":
            referer, site = f"{self.site.url}/", "same-origin"
        else:
            return {}  # in a mail, or it was scanned
        return {"Referer": referer, "Sec-Fetch-Site": site, "Sec-Fetch-User": "?1"}

    def open(self, url: str, device: Device = PHONE, visitor: Visitor = "member") -> Visit:
        """Open a page of the site, or what belongs to it, such as its stylesheet.

        :param url: a whole one, or one from the server's root.
        """
        return Visit(
            self.app,
            f"{self.site.origin}{url}" if url.startswith("/") else url,
            self.site.mount,
            method="GET",
            headers={**TAP, **device.headers},
            rehearsal=self._rehearsal(visitor),
            browser=self._browser(device) if visitor == "member" else None,
        )

    def _rehearsal(self, visitor: Visitor, case: Case | None = None) -> Rehearsal:
        rehearsed = Rehearsal(
            calls_receivers=self._calls_receivers, calls_guard=case is not None and case.calls_guard
        )
        if case is not None and case.ends == "not_allowed":
            rehearsed.click_guard = lambda _member, _entry: False
        if self._login is None and not (case is not None and case.ends == "loader"):
            who = self.members[MEMBER] if visitor == "member" else None
            rehearsed.member_loader = lambda: who
        return rehearsed
