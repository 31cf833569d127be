"""Plays the members of a site: makes their links, and sends what their browsers would."""

from __future__ import annotations

import contextvars
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, url_for

from ..app.endpoints import a_host_of_this_site, token_url
from ..app.headers import Rendering, another_page
from ..app.log import place_of
from ..app.rehearsal import Rehearsal
from ..app.state import State
from ..errors import XiebaoError
from ..gateway.platforms import Platform
from ..links.tokens import Click, Entry, LinkSigner
from .browsers import Browser, Login
from .cases import ANOTHER, CASE_CODE, IN_OTHER_LETTERS, MEMBER, SHORTER, Case, Visitor
from .devices import DEVICES, Device
from .site import Site, absolute
from .token_reader import Said, signed
from .visits import TAP, Visit, places_of, where_the_site_is

T = TypeVar("T")

# What comes is read, so it must not be packed.
_TAP = {name: value for name, value in TAP.items() if name != "Accept-Encoding"}

#: That of the clicks whose payments come back.
CLICK_ID = "0123456789abcdef"


class CheckError(XiebaoError):
    """A check cannot begin: the text says why, and what to do."""


class UnreachedError(Exception):
    """No request comes as far as a view of the extension's."""


class Player:
    """Whoever clicks on the entries of one app, whose context is the current one.

    :param app: the app.
    :param state: what the extension has of it.
    :param member: one of the site's, by their id; None for one who is made up.
    :param login: logs them in; without one the extension is told that they are.
    :param url: where the site is; None for where its settings say that it is.
    :param aloud: the site's receivers and its ``click_guard`` hear of it.

    :ivar aloud: whether they do.
    :ivar site: what the site is configured to be.
    :ivar members: the ids behind :data:`.MEMBER` and :data:`.ANOTHER`.
    """

    def __init__(
        self,
        app: Flask,
        state: State,
        member: str | None,
        login: Login | None,
        *,
        url: str | None,
        aloud: bool,
    ) -> None:
        self.app = app
        self.state = state
        made_up = f"Check-{secrets.token_hex(4)}+&号"  # which a URL has to escape
        self._another = f"{made_up}-b"
        self._name(member or f"{made_up}-a")
        self.aloud = aloud
        self._login = login
        self._browsers: dict[str, Browser] = {}
        self.site = Site(app, state, *self._place(url))
        if login is not None:
            self._name(self._logged_in(member))
        elif member is None:
            self._ask_for_plain_key()

    def _name(self, member: str) -> None:
        self.members = {
            MEMBER: member,
            ANOTHER: self._another,
            IN_OTHER_LETTERS: member.swapcase() if member.swapcase() != member else self._another,
            SHORTER: member[:-1].strip() or self._another,
        }

    @property
    def logs_in(self) -> bool:
        """Whether the member is logged in for real."""
        return self._login is not None

    @property
    def _nowhere(self) -> str:
        """The path of a link that leads nowhere, and is one of the extension's."""
        return f"{self.state.settings.url_prefix}/product/-"

    def _place(self, url: str | None) -> tuple[str, str]:
        """Find where links are found: the URL before them, and what of it the server takes off."""
        tail = self._nowhere
        where = (url or where_the_site_is(self.state)).rstrip("/")
        # What is before the site may ask it by a name that only they know.
        inside = urlsplit(where)._replace(netloc=a_host_of_this_site()).geturl()
        places = [
            place
            for each in dict.fromkeys((where, inside))
            for place in places_of(self.state, f"{each}{tail}", each)
        ]
        for place, mount in places:
            if Visit(self.app, place, mount, headers=_TAP).endpoint is not None:
                return place.removesuffix(tail), mount
        return places[0].url.removesuffix(tail), places[0].mount

    def _ask_for_plain_key(self) -> None:
        """See whether the site can say how the gateway knows somebody whom it does not know."""
        try:
            self.site.partner_uniq_key(self.members[MEMBER])
        except Exception as error:
            raise CheckError(
                f"keeps_plain_key fails for a member who is made up: {type(error).__name__} in"
                f" {place_of(error)}. Have it answer False for ids that there are not, or name a"
                " member of the site's, by --member or member=."
            ) from None

    def _logged_in(self, member: str | None) -> str:
        """Return whom the site takes for logged in after the login."""
        browser = self._browser(DEVICES["iphone"], member)
        status = 0 if browser is None else browser.status
        visit = Visit(
            self.app,
            f"{self.site.url}{self._nowhere}",
            self.site.mount,
            headers={**_TAP, **DEVICES["iphone"].headers},
            browser=browser,
            inside=self.state.hooks.current_member,
        )
        who: str | None = visit.found
        if visit.error is not None:
            raise CheckError(
                "After the login, the site does not say who is logged in:"
                f" {type(visit.error).__name__} in {place_of(visit.error)}."
            )
        if visit.endpoint is None:
            raise CheckError(
                f"Nothing of the site's is found at {self.site.url}: is XIEBAO_PUBLIC_URL right?"
            )
        if who is None:
            raise CheckError(
                "After the login, nobody is logged in: so says the member_loader, or Flask-Login."
                f"{f' The last answer to the login was {status}.' if status else ''}"
                f"{f' Does the site know member {member}?' if member else ''} A login of your own"
                " logs the client in, and leaves it with the cookies. A hook that sets who is"
                " logged in has to do so before it lets the entries through."
            )
        if member is not None and who != member:
            raise CheckError(f"The login was to log {member} in, but the site says {who}.")
        return who

    def _browser_of(self, visitor: Visitor, device: Device) -> Browser | None:
        """Return the browser of a device, in which whoever visits is; None without cookies."""
        return self._browser(device, self.members[MEMBER]) if visitor == "member" else None

    def _browser(self, device: Device, member: str | None) -> Browser | None:
        """Return the browser of a device, in which the member is logged in; None to play that."""
        if self._login is None:
            return None
        browser = self._browsers.get(device.name)
        if browser is None:
            browser = self._browsers[device.name] = Browser(self.app, self.app.response_class)
            browser.site = self.site.url
            browser.environ_base = {
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_USER_AGENT": device.user_agent,
            }
            try:
                # It is the site's own, and in no request of anybody's.
                contextvars.Context().run(self._login, browser, member)
            except Exception as error:  # what it says may hold passwords
                raise CheckError(
                    f"The login fails: {type(error).__name__} in {place_of(error)}. It is called"
                    " with a test client and a member's id, and logs the client in."
                ) from None
        return browser

    # Links are made by the code under test; what has to come of them is not.

    def link(self, case: Case) -> str:
        """Return the link that a case begins with, from the server's root."""
        if case.is_return:
            clicked_at = int(time.time()) - (case.age or 0)
            click = Click(self._entry(case), self.payer(case), CLICK_ID, clicked_at)
            made = self._with_token(case, "paid", self.state.signer.dumps_click(click))
        elif case.age is not None or case.ends == "disabled":  # which a site does not make now
            signed_at = int(time.time()) - (case.age or 0)
            token = self.state.signer.dumps(self._entry(case, signed_at=signed_at))
            made = self._with_token(case, case.row.name, token)
        else:
            made = self.make(case)
        before, _, token = made.rpartition("/")
        return f"{before}/{self._spoilt(case, token)}"

    def make(self, case: Case) -> str:
        """Return the link of a case, as a view of the site would make it."""
        extension, arguments = self.app.extensions["xiebao"], self.options(case)
        named = getattr(extension, f"{case.row.name}_link", None)
        reference = () if case.reference is None else (case.reference,)
        if named is None:  # a page that has no form of its own
            named, reference = extension.link, (case.row.name, *reference)
        return self.in_request(lambda _: str(named(*reference, **arguments)), case)

    def _with_token(self, case: Case, endpoint: str, token: str) -> str:
        return self.in_request(
            lambda _: token_url(self.state, f"xiebao.{endpoint}", token, external=False), case
        )

    def owner(self, case: Case) -> str:
        """Return whose link it is, or who clicks on one that is everybody's."""
        return case.owner or self.members[case.whose or MEMBER]

    def payer(self, case: Case) -> str:
        """Return who comes back from a payment."""
        return self.members[ANOTHER if case.kind == "back-another" else MEMBER]

    def options(self, case: Case) -> dict[str, Any]:
        """Return the keywords of a case's link."""
        options = dict(case.options)
        if "member" in options:
            options["member"] = self.members[options["member"]]
        return options

    def said(self, case: Case) -> Said:
        """Return what the link of a case has to say; of its time, nothing."""
        options = self.options(case)
        options.pop("external", None)
        if case.whose is not None:
            options["member"] = self.owner(case)
        if "platform" in options:
            options["platform"] = int(case.platform or 0)
        return Said(case.row.name, case.reference)._replace(**options)

    def _entry(self, case: Case, **more: Any) -> Entry:
        said = self.said(case)._asdict() | more
        platform = said.pop("platform")
        return Entry(**said, platform=None if platform is None else Platform(platform))

    def _spoilt(self, case: Case, token: str) -> str:
        signer, partner_id = self.state.signer, self.state.settings.partner_id
        match case.spoilt:
            case "changed":
                return f"{'B' if token[0] == 'A' else 'A'}{token[1:]}"
            case "changed_end":
                payload, _, rest = token.partition(".")
                return f"{payload[:-2]}{'B' if payload[-2] == 'A' else 'A'}{payload[-1]}.{rest}"
            case "changed_sign":
                payload, _, rest = token.partition(".")
                return f"{payload}.{rest[:3]}{'B' if rest[3] == 'A' else 'A'}{rest[4:]}"
            case "nonsense":
                return signed("WzEsMl0", self.site.signing_key, self.site.entry_salt)
            case "cut":
                return token.partition(".")[0]
            case "another_page":
                return signer.dumps(self._of_another_page(case))
            case "another_key":
                return LinkSigner([secrets.token_hex()], partner_id).dumps(self._entry(case))
            case "another_partner":
                key = self.app.config["SECRET_KEY"]
                return LinkSigner([key], f"{partner_id}0").dumps(self._entry(case))
            case "older_key":
                return LinkSigner(self.site.older_keys, partner_id).dumps(self._entry(case))
            case "no_member":
                return signer.dumps(self._entry(case))
        return token

    def _of_another_page(self, case: Case) -> Entry:
        member = self.members[MEMBER] if case.whose is not None else None
        if case.row.name == "product" and not case.is_return:
            return Entry("home", member=member)
        return Entry("product", CASE_CODE, member=member)

    def in_request(
        self, make: Callable[[Rendering], T], case: Case, device: Device | None = None
    ) -> T:
        """Return what is made in a request in which a page would be rendered.

        :raises UnreachedError: no request comes that far.
        """
        # A link is made on a page of the member's; what is rendered is the visitor's.
        visitor: Visitor = "member" if case.template is None else case.visitor
        rehearsed = self._rehearsal(visitor)
        who = self.members[MEMBER] if visitor == "member" else None
        rehearsed.member_loader = lambda: who  # no request of ours has their cookies
        if not case.row.members_own and case.template is not None:
            rehearsed.member_loader = _fail  # whose links are everybody's asks nobody
        # Links are made where the site is, and in a mail wherever the request says that it is.
        host = case.host if case.ends == "mail" else None
        made: Future[T] = Future()

        def inside() -> None:
            try:
                with another_page() as page:
                    made.set_result(make(page))
            except Exception as error:
                made.set_exception(error)

        # The site's hooks see it, and whoever answers has no say in this: it is no click.
        visit = Visit(
            self.app,
            f"{self._origin(host)}{urlsplit(self.site.url).path}{self._nowhere}",
            self.site.mount,
            headers={
                **_TAP,
                **({} if device is None else device.headers),
                "Sec-Purpose": "prefetch",
            },
            inside=inside,
            rehearsal=rehearsed,
        )
        if not made.done():
            raise visit.error or UnreachedError(f"No view answers {visit.url}: {visit.status}.")
        return made.result()

    def _origin(self, host: str | None) -> str:
        """Return the scheme and host of the site, or those of a request for another host."""
        return f"{self.site.url.partition('://')[0]}://{host or urlsplit(self.site.url).netloc}"

    def visit(
        self,
        case: Case,
        device: Device,
        link: str,
        *,
        visitor: Visitor | None = None,
        back: str = "",
    ) -> Visit:
        """Open a link of the site, as a case has it.

        :param link: from the server's root.
        :param visitor: by default that of the case.
        :param back: to what the login has to lead back, whose URL is found out where the settings
            name one.
        """
        visitor = visitor or case.visitor
        view = self.site.settings.login_view if back and case.ends == "login" else None
        return Visit(
            self.app,
            f"{self._origin(case.host)}{link}",
            self.site.mount,
            method=case.method,
            headers={**_TAP, **self._from(visitor, link), **device.headers, **case.headers},
            inside=None if view is None else lambda: url_for(view, next=back),
            rehearsal=self._rehearsal(visitor, case),
            browser=self._browser_of(visitor, device),
        )

    def _from(self, visitor: Visitor, link: str) -> dict[str, str]:
        """Return what a browser says of where a link was clicked."""
        if link.startswith(f"{self.site.prefix}/paid/"):
            referer = absolute(f"{self.site.origin}/", f"{self.site.gateway}/")
            is_here = referer.startswith(f"{self.site.origin}/")
            site = "same-origin" if is_here else "cross-site"
        elif visitor == "member":
            referer, site = f"{self.site.url}/", "same-origin"
        else:
            return {}  # in a mail, or it was scanned
        return {"Referer": referer, "Sec-Fetch-Site": site, "Sec-Fetch-User": "?1"}

    def open(self, url: str, device: Device, visitor: Visitor = "member") -> Visit:
        """Open a page of the site, or what belongs to it, such as its stylesheet.

        :param url: a whole one, or one from the server's root.
        """
        return Visit(
            self.app,
            f"{self.site.origin}{url}" if url.startswith("/") else url,
            self.site.mount,
            method="GET",
            headers={**_TAP, **device.headers},
            rehearsal=self._rehearsal(visitor),
            browser=self._browser_of(visitor, device),
        )

    def _rehearsal(self, visitor: Visitor, case: Case | None = None) -> Rehearsal:
        rehearsed = Rehearsal(aloud=self.aloud)
        guard = None if case is None else case.guard
        if case is not None and guard is not None:
            goes, page = self.owner(case), case.row.name

            def click_guard(member: str, entry: Entry) -> object:
                # Of anybody else, and of another page, it is not the one that was meant.
                return guard() if (member, entry.page) == (goes, page) else True

            rehearsed.click_guard = click_guard
        if case is not None and case.loader_fails:
            rehearsed.member_loader = _fail
        elif self._login is None and not (case is not None and case.ends == "loader"):
            who = self.members[MEMBER] if visitor == "member" else None
            rehearsed.member_loader = lambda: who
        return rehearsed


def _fail() -> object:
    """Stand for a member_loader that fails, or that is not to be asked."""
    raise RuntimeError("This member_loader is a check's, and fails.")
