"""Has a player do what a case says, follows what comes as people would, and judges it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException

from ..app.log import place_in_site
from ..links.tokens import Entry, read_unverified
from ..simulator.document import read
from ..views.responses import AnsweredError
from . import expectations, markup
from .cases import MEMBER, Case, Visitor
from .causes import suspects, why_unreached
from .devices import DEVICES, Device
from .expectations import LOGIN_REDIRECTS, REFUSED, STATUS, Failure
from .html_reader import Element, ReadPage
from .player import PHONE, Player
from .policies import keeps_out
from .results import Note, Result, ends_of
from .site import Site, absolute, as_sent, is_url, without_query
from .visits import Visit, is_public, what_raised

# Redirects that are followed to a page.
_HOPS = 5
# What comes of a stylesheet, and of a script, which systems call differently.
_ASSETS = {
    "style": ("200 text/css",),
    "script": ("200 text/javascript", "200 application/javascript"),
}


class Judge:
    """Says what is wrong with what comes of cases.

    :ivar notes: what has to be known beside that.
    """

    #: The entry of the link that is judged now.
    _entry: Entry

    def __init__(self, player: Player) -> None:
        self._player = player
        self._site = player.site
        self._opened: set[str] = set()
        self._arrived = ""
        self.notes: list[Note] = []
        # Both phones and PCs are sent there, or a hook sends some away.
        self._sends_everybody = cache(self._asks_where_it_is)

    def judge(self, case: Case, device: Device, link: str | None = None) -> Result:
        """Return what came of a case, and what is wrong with that.

        :param link: the one that is clicked; by default the case's own is made.
        """
        try:
            link = self._player.link(case) if link is None else link
            self._entry = read_unverified(urlsplit(link).path.rpartition("/")[2])
            asked = f"{link}?{case.query}" if case.query else link
            visit = self._player.visit(case, device, asked, back=asked)
            self._arrived = visit.location
            failures = list(self._clicked(case, device, asked, visit))
            location = expectations.shown(self._site, self._arrived)
            result = Result(case, device, visit.status, location, failures=failures)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            result = Result(case, device, failures=[crash(error)])
        return replace(result, failures=self.with_suspects(result.failures))

    def with_suspects(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return failures that name the hooks of the site's that may be the cause."""
        return [
            replace(each, suspects=suspects(self._player.app, each.hook) if each.hook else "")
            for each in failures
        ]

    def _follow(self, case: Case, device: Device, link: str, step: str) -> Iterator[Failure]:
        """Judge what comes of a link to which a click has led."""
        visit = self._player.visit(case, device, link)
        if step == "direct":
            self._arrived = visit.location
        for failure in self._clicked(case, device, link, visit, step):
            yield replace(failure, step=step)

    def _clicked(
        self, case: Case, device: Device, asked: str, visit: Visit, step: str = ""
    ) -> Iterator[Failure]:
        ends, platform = ends_of(case, device)
        status = self._status(ends, visit)
        wrong = self._no_answer(case, ends, visit, status)
        if wrong is not None:
            yield wrong
            return
        yield from expectations.secret(self._site, visit, away=ends == "gateway")
        if not status:
            return
        yield from expectations.sealed(visit)
        yield from expectations.stays_here(self._site, visit)
        if visit.status != status:
            yield self._another_status(case, ends, visit, status)
            return
        if ends == "gateway":
            who = self._entry.member or self._player.members[MEMBER]
            yield from expectations.gateway(self._site, self._entry, who, platform, visit)
            if not step:
                yield from self._way_back(case, device, visit)
        elif ends == "handoff" and case.method != "HEAD":  # which has no page
            yield from self._handoff(case, device, asked.partition("?")[0], visit)
        elif ends == "login":
            yield from expectations.login(self._site, asked, visit)
            yield from self.leads_on(visit.location, "nobody", "login.page")
        elif ends == "navigate":
            yield from expectations.navigate(asked, visit)
        elif ends == "back":
            yield from expectations.back(self._entry, visit)
        elif ends in REFUSED:
            yield from expectations.notice(self._site, case, ends, visit)
            yield from self._of_notice(case, visit)
        for fault in visit.rehearsal.faults:
            yield Failure("receiver", fault, "—")

    def _no_answer(self, case: Case, ends: str, visit: Visit, status: int) -> Failure | None:
        """Return why there is no answer of the extension's to look at; None where there is one."""
        refusal = visit.rehearsal.refusal
        if refusal is not None and refusal.reason == "not_allowed" and ends != "not_allowed":
            came = f"{visit.status} {refusal.reason}"  # however it says no
            return Failure("guard", came, str(status))
        error: BaseException | None = visit.rehearsal.error  # which a handler may hide
        is_logins = isinstance(error, HTTPException) and refusal is not None  # it may abort
        error = visit.error if is_logins or isinstance(error, AnsweredError | None) else error
        if error is not None:
            return crash(error, str(status or "—"))
        if not is_url(visit.location):
            return Failure("address", visit.location, "https://…")
        if not status:
            return None
        if not visit.rehearsal.reached:
            return self.unreached(visit, case.endpoint, f"{status} ({case.endpoint})")
        if self._is_lost(case, ends, visit):
            return Failure("session", f"{visit.status} login_required", str(status))
        return None

    def _another_status(self, case: Case, ends: str, visit: Visit, status: int) -> Failure:
        """Return the failure of an answer whose status is not the right one."""
        reason = visit.rehearsal.refusal.reason if visit.rehearsal.refusal else ""
        code = f"status.{visit.status}"
        if visit.status in LOGIN_REDIRECTS and status not in LOGIN_REDIRECTS:
            code = "status" if reason else "status.302"  # nobody was let through
        if reason == "invalid_link" != ends:
            code = "page.another_key" if case.page else "unreached.path"
        return Failure(code, f"{visit.status} {reason}".strip(), str(status))

    def _status(self, ends: str, visit: Visit) -> int:
        """Return the status that has to come; 0 where that is up to the site."""
        if ends == "login" and visit.status in LOGIN_REDIRECTS:
            return visit.status
        if ends == "login" and self._site.settings.login_view is None:
            return 0  # a handler of the site's own for Flask-Login
        return {**REFUSED, **STATUS, "loader": 0}[ends]

    def _is_lost(self, case: Case, ends: str, visit: Visit) -> bool:
        """Tell whether the site has forgotten at the click who is logged in."""
        refusal = visit.rehearsal.refusal
        is_members = self._player.logs_in and case.visitor == "member"
        is_nobody = refusal is not None and refusal.cause in ("login_required", "expired")
        return is_members and is_nobody and ends != "back"

    def unreached(self, visit: Visit, endpoint: str, should: str) -> Failure:
        """Return the failure of a click that something else than the extension's view answered.

        :param endpoint: whose view it is.
        """
        if visit.error is not None:
            return crash(visit.error, should)
        cause = why_unreached(visit, endpoint)
        by = f"({visit.endpoint})" if cause.code == "view" else ""
        at = without_query(visit.location)
        code = cause.code
        if code == "host" and not self._sends_everybody(urlsplit(visit.location).netloc):
            code = "elsewhere"
        came = " ".join(filter(None, (str(visit.status), at, by)))
        return Failure(f"unreached.{code}", came, should, values=cause.values)

    def _asks_where_it_is(self, host: str) -> bool:
        """Tell whether phones and PCs alike are sent to a host."""
        nowhere = self._player.nowhere
        visits = [self._player.open(nowhere, DEVICES[name], "nobody") for name in ("iphone", "pc")]
        return all(urlsplit(each.location).netloc == host for each in visits)

    def _way_back(self, case: Case, device: Device, visit: Visit) -> Iterator[Failure]:
        """Judge by what a payment comes back, and come back, logged in or not."""
        url = read(visit.location, self._site.account).pay_success
        if url is None or case.page:
            return
        if not self._is_outside(url):
            yield Failure("way_back.host", without_query(url), self._site.outside)
            return
        for visitor in ("member", "nobody"):
            back = replace(case, ends="back", visitor=visitor, query="", platform=None)
            yield from self._follow(back, device, path_of(url), "return")

    def _is_outside(self, url: str) -> bool:
        """Tell whether a URL is one of the site's as links have it that leave the site."""
        return as_sent(url).startswith(f"{self._site.outside}/")

    def _handoff(self, case: Case, device: Device, link: str, visit: Visit) -> Iterator[Failure]:
        """Judge the code of a handoff, scan it, and take the way of tablets."""
        codes = [url for _, url in codes_of(visit.page, visit.rehearsal.qr_code_urls) if url]
        plain = replace(case, ends="gateway", query="", headers={}, platform="1", calls_guard=False)
        if len(codes) != 1:  # a site may show others, such as that by which one follows it
            yield Failure("handoff.code", str(len(codes)), "1")
        elif not self._is_outside(codes[0]):
            yield Failure("handoff.host", without_query(codes[0]), self._site.outside)
        else:
            scan = replace(plain, visitor="nobody")
            yield from self._follow(scan, PHONE, path_of(codes[0]), "scan")
        hrefs = (found.href for found in visit.page.links)
        direct = next((h for h in hrefs if h.startswith(link) and "platform=h5" in h), None)
        if direct is None:
            yield Failure("handoff.direct", "<a>: —", f"{link}?platform=h5")
        else:
            yield from self._follow(plain, device, direct, "direct")

    def _of_notice(self, case: Case, visit: Visit) -> Iterator[Failure]:
        """Judge whether the buttons of a notice say something, and lead somewhere."""
        yield from self.assets(visit.url, visit.page)
        for element, href in markup.links_of(visit.url, visit.page):
            if not any(name.startswith("xiebao-entry") for name in element.classes):
                continue
            if not element.text.strip() or element.href in ("", "#"):
                yield Failure("notice.button", f"<a href={element.href or '—'}>", "<a href=…>…</a>")
            else:
                yield from self.leads_on(href, case.visitor, "notice.button")

    def leads_on(self, url: str, visitor: Visitor, code: str) -> Iterator[Failure]:
        """Judge whether a page of the site opens, once for each, to which somebody is sent.

        :param url: a whole one, or one from the server's root.
        :param code: of the failure, if it does not.
        """
        whole = absolute(f"{self._site.url}/", url)
        at = without_query(whole)
        # A login gets another link each time; an order is another page.
        seen = f"{visitor} {whole if code == 'way_back' else at}"
        if seen in self._opened or at in self._opened:
            return
        self._opened.add(at if code == "login.page" else seen)
        for _ in range(_HOPS):
            if not self._site.serves(whole):
                self.notes.append(Note(f"check.note.{code}.elsewhere", without_query(whole)))
                return
            visit = self._player.open(path_of(whole), PHONE, visitor)
            yield from expectations.secret(self._site, visit)
            if not visit.location:
                break
            whole = absolute(whole, visit.location)
        yield from self._opens(visit, code, urlsplit(at).path)

    def _opens(self, visit: Visit, code: str, at: str) -> Iterator[Failure]:
        """Judge the page to which somebody is sent in the end.

        :param at: the path to which they were sent first.
        """
        status = visit.status
        if isinstance(visit.error, HTTPException):  # which a site may trap
            status = visit.error.code or 500
        elif visit.error is not None:
            yield crash(visit.error, "200")
            return
        if status == 404 and visit.endpoint is None:
            # A sibling's, or a single-page app's: nothing here knows what it answers.
            self.notes.append(Note(f"check.note.{code}.not_here", at))
        elif status in (401, 403) and code == "notice.button":  # a wall, which has its own way on
            return
        elif status >= 300:
            came = f"{status} {urlsplit(visit.url).path}"
            yield Failure(
                code, came if came.endswith(at) else f"{came} (redirected from {at})", "200"
            )
        elif code == "login.page":
            gateway = absolute(self._site.origin, self._site.gateway)
            sources = keeps_out(visit.page, Element({}), "form", gateway, self._site.origin)
            if sources is not None:
                yield Failure("policy.form", sources, gateway)

    def assets(self, whole: str, page: ReadPage) -> Iterator[Failure]:
        """Judge whether a page's policy lets the stylesheet and the script in, and they are there.

        :param whole: the URL of the page.
        """
        for kind, element, url in markup.assets_of(self._site, whole, page):
            sources = keeps_out(page, element, kind, url, self._site.origin)
            if sources is not None:
                yield Failure(f"policy.{kind}", sources, "'self'")
            if url in self._opened:
                continue
            self._opened.add(url)
            visit = self._player.open(path_of(url), PHONE, "nobody")
            came = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
            if not came.startswith(_ASSETS[kind]):
                yield Failure(kind, came, _ASSETS[kind][0])


def codes_of(page: ReadPage, drawn: dict[str, str]) -> list[tuple[bool, str]]:
    """Return of the QR codes on a page whether each is the extension's, and what it says.

    :param drawn: the codes that were drawn, and what they say; "" is said of others.
    """
    by_path = {path: url for svg, url in drawn.items() for path in ReadPage(svg).drawings[0].paths}
    return [
        ("xiebao-qr" in drawing.classes, next((by_path[p] for p in paths if p in by_path), ""))
        for drawing in page.drawings
        if (paths := drawing.paths)
    ]


def crash(error: BaseException, should: str = "—") -> Failure:
    """Return the failure of something that raised: where, and not what it says."""
    code = "crash" if is_public(error) or place_in_site(error) else "crash.library"
    code = "aborts" if isinstance(error, HTTPException) else code
    return Failure(code, what_raised(error), should)


def is_sent_away(site: Site, visit: Visit) -> bool:
    """Tell whether an answer leads to another host than the site's."""
    to = visit.location
    return is_url(to) and bool(urlsplit(to).netloc) and not site.is_at(to)


def path_of(url: str) -> str:
    """Return a URL of the site from the server's root."""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
