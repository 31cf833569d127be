"""The clicks of ``doctor``: one on a link of each page, and the way back from a payment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from ..app import endpoints
from ..app.log import this_app
from ..app.state import State
from ..check.devices import DEVICES
from ..check.visits import TAP, Visit, explain, places_of, where_the_site_is
from ..gateway.pages import PAGES
from ..links.tokens import Entry, make_entry
from ..simulator import wire
from ..simulator.screens import simulator_of
from ..views import responses
from .diagnosis import why_not_back, why_not_there
from .findings import Finding, bad, ok, warning

_JAVA = {"User-Agent": "Java/1.8.0_202", "Accept": "*/*", "Content-Type": wire.CONTENT_TYPE}


def check_clicks(state: State) -> Generator[Finding, None, str | None]:
    """Follow a link of each page as a phone does that has it from a mail.

    :return: the member whom the site takes for logged in, though nobody is.
    """
    clicks = _Clicks(state)
    for page in PAGES:
        yield from clicks.follow(page)
    yield from clicks.come_back()
    yield from clicks.say_what_they_showed()
    return clicks.member


class _Clicks:
    """Clicks on a site, and what they show.

    :ivar member: whom the site takes for logged in, though nobody is.
    """

    def __init__(self, state: State) -> None:
        self.member: str | None = None
        self._state = state
        self._gateway = simulator_of(state.settings)
        self._nobody = f"nobody-{secrets.token_hex(8)}"  # a member whom no site has
        self._pages_with: dict[str, list[str]] = {}
        self._login: _Inside | None = None
        self._way_back: str | None = None
        self._keeps_plain_key_of_nobody = False

    def follow(self, page: str) -> Iterator[Finding]:
        """Follow a link to a page of the gateway."""
        try:
            problem = self._why_not_there(page)
        except Exception as error:  # where the site says that it is may be nowhere
            problem = f"a link cannot be made. {explain(error)}"
        what = "a link was made, found and opened, and leads to the gateway."
        yield from self._finding(page, problem, f"{page} ({PAGES[page].section}): {what}")

    def come_back(self) -> Iterator[Finding]:
        """Come back as after a payment, if a click could."""
        if self._way_back is not None:
            problem = why_not_back(self._state, visit_site(self._state, self._way_back))
            where, _, _ = self._way_back.rpartition("/")
            if not endpoints.knows_its_address(self._state):  # the host of this click is made up
                where = f"the site, at {urlsplit(where).path}"
            what = f"paid: after a payment, the browser comes back to {where}/…"
            yield from self._finding("paid", problem, what)

    def say_what_they_showed(self) -> Iterator[Finding]:
        """Say once what is wrong with several pages, and what is wrong with none alone."""
        for problem, pages in self._pages_with.items():
            yield bad(f"{', '.join(pages)}: {problem}")
        if self._login is not None:
            yield from _check_login(self._state, self._login)
        if self._keeps_plain_key_of_nobody:
            yield warning(
                "keeps_plain_key says that the gateway knows a member by the bare id whom it cannot"
                " know: name those alone who were there before XIEBAO_MEMBER_SECRET."
            )
        if self.member is not None:
            yield warning(
                "A request without a cookie counts as a member's, so everybody would go as them."
                " Have the member_loader return None where nobody is logged in."
            )

    def _why_not_there(self, page: str) -> str:
        member, tries_login = self._nobody, self._login is None
        inside, visit = _click(self._state, page, member, no_login_for=60, tries_login=tries_login)
        if inside.was_asked:
            self._login = self._login or inside
        if visit.rehearsal.member is not None:
            self.member = member = visit.rehearsal.member
            inside, visit = _click(self._state, page, member, tries_login=False)
        verdict = self._gateway.check(visit.location)
        self._way_back = self._way_back or verdict.pay_success
        if self._state.settings.member_secret is not None and verdict.member == self._nobody:
            self._keeps_plain_key_of_nobody = True
        problem = why_not_there(self._state, page, visit, verdict, member)
        if not problem and inside.link_error is not None:
            return f"a link cannot be made. {explain(inside.link_error)}"
        return problem

    def _finding(self, page: str, problem: str, right: str) -> Iterator[Finding]:
        if problem:
            self._pages_with.setdefault(problem, []).append(page)
        else:
            yield ok(right)


class _Inside:
    """What is tried with a link in the request that follows it.

    :ivar was_asked: whether the request came that far.
    :ivar link_error: why a page of the site could not have the link.
    :ivar login: what somebody who is not logged in gets from the site's login; None where it has
        none.
    :ivar login_error: why that fails.

    :param tries_login: once is enough, since a login may do more than answer.
    """

    def __init__(self, state: State, entry: Entry, *, tries_login: bool) -> None:
        self._state = state
        self._entry = entry
        self._tries_login = tries_login
        self.was_asked = False
        self.link_error: Exception | None = None
        self.login: Response | None = None
        self.login_error: Exception | None = None

    def __call__(self) -> None:
        self.was_asked = True
        try:
            # For the asker only, or the response would have to be marked, which is on its way.
            endpoints.entry_url(self._state, self._entry, external=False, asker_only=True)
        except Exception as error:  # a site may hook into URLs
            self.link_error = error
        if self._tries_login:
            self._try_login()

    def _try_login(self) -> None:
        try:
            responses.log_in(self._state, self._entry)
        except responses.AnsweredError as answered:
            self.login = answered.response
        except responses.RefusedError:
            pass
        except HTTPException as aborted:  # by a login of the site's own
            self.login = aborted.get_response()
        except Exception as error:
            self.login_error = error


def _click(
    state: State, page: str, member: str, no_login_for: int | None = None, *, tries_login: bool
) -> tuple[_Inside, Visit]:
    """Follow a link from outside of the site."""
    row = PAGES[page]
    entry = make_entry(
        page,
        row.sample,
        return_to="/" if "paySuccess" in row.parameters else None,
        member=member,
        no_login_for=no_login_for,
    )
    inside = _Inside(state, entry, tries_login=tries_login)
    site = urlsplit(where_the_site_is(state))
    url = current_app.url_map.bind(
        site.netloc, script_name=site.path or "/", url_scheme=site.scheme
    ).build(f"xiebao.{page}", {"token": state.signer.dumps(entry)}, force_external=True)
    return inside, visit_site(state, url, inside)


def visit_site(state: State, url: str, inside: Callable[[], object] | None = None) -> Visit:
    """Open a URL of the site, as a phone does that has it from a mail."""
    return _visit(state, url, headers={**DEVICES["iphone"].headers, **TAP}, inside=inside)


def visit_notify(state: State, url: str, inside: Callable[[], object], body: bytes) -> Visit:
    """Send the site a notification, as the platform's Java does."""
    return _visit(state, url, method="POST", headers=_JAVA, inside=inside, body=body)


def _visit(state: State, url: str, **request: Any) -> Visit:
    """Send a request to where it comes as far as a view; see :class:`.Visit`."""
    visits = []
    for place in places_of(state, url, where_the_site_is(state)):
        visits.append(Visit(this_app(), *place, **request))
        if visits[-1].endpoint is not None:
            return visits[-1]
    return max(visits, key=lambda visit: visit.started)


def _check_login(state: State, inside: _Inside) -> Iterator[Finding]:
    """Say where those go who are not logged in."""
    view = state.settings.login_view
    if inside.login_error is not None:
        if view is None or view in current_app.view_functions:  # said already, else
            yield bad(
                "Whoever is sent to log in gets an error: name a login whose URL needs nothing but"
                f" next. {explain(inside.login_error)}"
            )
    elif inside.login is None:
        yield ok(
            "Visitors who are not logged in get a 401 page. XIEBAO_LOGIN_VIEW can name your login."
        )
    elif inside.login.location is None:
        yield ok(f"Visitors who are not logged in get {inside.login.status_code} from the login.")
    elif _takes_no_get(state, inside.login.location):
        yield bad(
            f"Visitors who are not logged in are sent to {_address(inside.login.location)}, which"
            " takes no GET: name the view that shows the login."
        )
    else:
        where = _address(inside.login.location)
        yield ok(f"Visitors who are not logged in are sent to {where}.")


def _address(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _takes_no_get(state: State, url: str) -> bool:
    site, login = urlsplit(where_the_site_is(state)), urlsplit(url)
    if login.netloc not in ("", site.netloc):
        return False
    try:
        path = login.path.removeprefix(site.path)
        current_app.url_map.bind(site.netloc).match(path, method="GET")
    except MethodNotAllowed:
        return True
    except HTTPException:  # it may be another app's
        return False
    return False
