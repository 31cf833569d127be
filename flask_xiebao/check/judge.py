"""Has a player do what a case says, follows what comes as people would, and judges it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from ..app.log import place_of
from ..errors import LinkError
from . import expectations, markup
from .cases import MEMBER, RETURN_TO, RETURN_TO_AS_SENT, Case, Visitor
from .devices import DEVICES, Device
from .expectations import LOGIN_REDIRECTS, REFUSED, STATUS, Failure, Heard, said_in, status_in_texts
from .html_reader import ReadPage
from .player import CLICK_ID, Player, UnreachedError
from .png import drawing_of
from .qr import read_code
from .site import Site, is_url, without_query
from .token_reader import Said
from .visits import Visit, is_ours

_PHONE = DEVICES["iphone"]
# Seconds for which a payment that comes back is news.
_A_DAY = 24 * 60 * 60


def ends_of(case: Case, device: Device) -> tuple[str, str]:
    """Return what has to come of a case on a device, and the platform of whoever clicks."""
    platform = case.platform or device.platform
    return case.ends_on(platform), platform


class Outcome(NamedTuple):
    """What came of a case.

    :param failures: what is wrong with it.
    :param status: of the answer; 0 where nothing was clicked, or none came.
    :param location: where the answer leads, without the sign.
    :param rendered: what a template made.
    """

    failures: list[Failure]
    status: int = 0
    location: str = ""
    rendered: str = ""


class Judge:
    """Says what is wrong with what comes of cases."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._site = player.site
        self._click_ids: set[str] = set()

    def judge(self, case: Case, device: Device, link: str | None = None) -> Outcome:
        """Return what came of a case, and what is wrong with that.

        :param link: the one that is clicked; by default the case's own is made.
        """
        try:
            return self._judge(case, device, link)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            return Outcome([crash(error)])

    def _judge(self, case: Case, device: Device, link: str | None) -> Outcome:
        if case.template is not None:
            return self._rendered(case, device, case.template)
        if case.ends == "mail":
            return Outcome(list(self._mail(case)))
        try:
            link = self._player.link(case) if link is None else link
        except LinkError as error:
            return Outcome([] if case.ends == "no_link" else [crash(error)])
        if case.ends == "no_link":
            return Outcome([Failure("no_link", link, "LinkError")])
        asked = f"{link}?{case.query}" if case.query else link
        visit = self._player.visit(case, device, asked, back=_back(case, link))
        problems = list(self._clicked(case, device, link, asked, visit))
        return Outcome(problems, visit.status, expectations.shown(self._site, visit.location))

    def _clicked(
        self, case: Case, device: Device, link: str, asked: str, visit: Visit
    ) -> Iterator[Failure]:
        ends, platform = ends_of(case, device)
        if ends == "loader":  # who is logged in for the site decides what comes
            if visit.error is not None:
                yield crash(visit.error)
            return
        status = self._status(ends)
        if status == STATUS["login"] and visit.status in LOGIN_REDIRECTS and ends == "login":
            status = visit.status
        if ends in ("method", "guard") and isinstance(visit.error, HTTPException):
            return  # the site traps what is aborted, to see where that is
        if visit.error is not None:
            yield crash(visit.error, str(status))
            return
        if not is_url(visit.location):
            yield Failure("location", visit.location, "https://…")
            return
        if case.host and not visit.rehearsal.reached:  # a host that the site does not take
            return
        if ends == "method" and visit.status != status:  # a guard, or a view of the site's
            yield from expectations.secret(self._site, visit, away=False)
            return
        if ends == "login" and self._site.settings.login_view is None and self._site.has_login:
            # Flask-Login's handler of the site's own answers as it will, and shows nothing.
            yield from expectations.secret(self._site, visit, away=False)
            if visit.status != status:
                return
        if case.is_elsewhere and not visit.rehearsal.reached and visit.status in range(400, 500):
            return  # so does a site that lets nothing of others' in
        if not visit.rehearsal.reached and ends != "method":
            yield self._unreached(visit, status, case.endpoint)
            return
        refusal = visit.rehearsal.refusal
        if visit.status != status:
            reason = "" if refusal is None else refusal.reason
            is_asked = reason == "not_allowed" and case.guard is None
            code = "guard.no" if is_asked else f"status.{status_in_texts(visit.status, status)}"
            yield Failure(code, f"{visit.status} {reason}".strip(), str(status))
        yield from expectations.sealed(visit)
        yield from expectations.secret(self._site, visit, away=ends == "gateway")
        yield from expectations.stays_here(self._site, visit)
        if visit.status != status:
            return
        who = self._player.owner(case)
        match ends:
            case "gateway":
                returns = None if case.host else "return_to" in case.options
                yield from expectations.gateway(self._site, case, who, platform, returns, visit)
                yield from expectations.nothing_in_it(visit)
                yield from self._way_back(case, device, who, visit)
            case "handoff":
                # HEAD has no page; and who claims to have asked a host gets a code of it.
                if case.method != "HEAD" and not case.host:
                    yield from self._handoff(case, device, link, who, visit)
            case "login" if status in LOGIN_REDIRECTS:
                yield from expectations.login(self._site, _back(case, link), visit)
            case "navigate":
                by_itself = "go=1" not in case.query.split("&") or case.is_elsewhere
                yield from expectations.navigate(asked, visit, by_itself=by_itself)
            case "wait":
                yield from expectations.wait(visit)
            case "guard" if visit.body and b"Locked" not in visit.body:
                yield Failure("guard", f"{len(visit.body)} bytes", "Locked")
            case "back" if visit.location != _return_to(case):
                yield Failure("back", visit.location, _return_to(case))
            case "login" | _ if ends in (*REFUSED, "login"):
                yield from expectations.notice(case, _reason(ends), visit)
        if case.cause != _reason(ends):
            yield from expectations.says_no_cause(case, visit)
        for complaint in visit.rehearsal.complaints:
            yield Failure("receiver", complaint, "—")
        yield from self._own_click_ids(visit)
        told = self._signals(case, ends, platform, who, status)
        yield from expectations.signals(self._site, told, visit.rehearsal.heard)

    def _unreached(self, visit: Visit, status: int, endpoint: str, step: str = "") -> Failure:
        """Return the failure of a click that something else has answered.

        :param endpoint: whose view had to.
        """
        by = f"by {visit.endpoint}" if visit.endpoint not in (None, endpoint) else ""
        came = " ".join(filter(None, (str(visit.status), without_query(visit.location), by)))
        code = "host" if is_sent_away(self._site, visit) else visit.status
        return Failure(f"unreached.{code}", came, f"{status} by {endpoint}", step=step)

    def _own_click_ids(self, visit: Visit) -> Iterator[Failure]:
        """Judge whether each click is called something of its own."""
        for name, said in visit.rehearsal.heard:
            if name == "entry_clicked":
                click_id = str(said.get("click_id"))
                if click_id in self._click_ids:
                    yield Failure("click_id", click_id, "click_id ≠")
                self._click_ids.add(click_id)

    def _status(self, ends: str) -> int:
        if ends == "login" and not self._site.has_login:
            return REFUSED["login_required"]
        return REFUSED.get(ends) or STATUS[ends]

    def _way_back(self, case: Case, device: Device, who: str, visit: Visit) -> Iterator[Failure]:
        """Judge by what a payment comes back, and come back."""
        url = expectations.pay_success(visit.location)
        if not url:
            return
        heard = [said.get("click_id") for _, said in visit.rehearsal.heard]
        click_id = str(heard[0]) if heard else None
        entry = self._player.said(case)
        yield from expectations.way_back(self._site, entry, who, click_id, url)
        if not case.host and not case.page:
            back = self._player.visit(case, device, _path(url))
            if back.error is not None:
                yield crash(back.error, str(STATUS["back"]), "return")
            elif not back.rehearsal.reached:
                yield self._unreached(back, STATUS["back"], "xiebao.paid", "return")
            elif (back.status, back.location) != (302, _return_to(case)):
                yield Failure("back", f"{back.status} {back.location}", f"302 {_return_to(case)}")

    def _handoff(
        self, case: Case, device: Device, link: str, who: str, visit: Visit
    ) -> Iterator[Failure]:
        """Judge the code of a handoff, scan it, and take the way of tablets."""
        lifetime, no_login_for = (
            self._site.settings.handoff_max_age,
            case.options.get("no_login_for"),
        )
        vouches = False
        if case.visitor == "nobody" and no_login_for is not None:
            vouches = True
            lifetime = min(lifetime, no_login_for - (case.age or 0))
        right = self._player.said(case)._replace(
            member=who, no_login_for=lifetime, signed_at=int(time.time())
        )
        page = ReadPage(said_in(visit))
        read = markup.codes_of(page)
        # A site may show others, such as that by which one follows it.
        codes = [code for code in read if self._site.entry_at(code) is not None] or read
        yield from expectations.handoff(self._site, case.row, right, codes, vouches=vouches)
        plain = replace(case, query="", headers={}, guard=None)
        for code in codes[:1]:
            yield from self._arrives(plain, _PHONE, _path(code), who, "scan", "nobody")
        direct = expectations.direct(link, page)
        if direct is None:
            yield Failure("handoff.direct", "<a>: —", f"{link}?platform=h5")
        else:
            yield from self._arrives(plain, device, direct, who, "direct")

    def _arrives(
        self,
        case: Case,
        device: Device,
        link: str,
        who: str,
        step: str,
        visitor: Visitor | None = None,
    ) -> Iterator[Failure]:
        """Judge whether somebody goes on from a handoff to the gateway's page for phones."""
        visit = self._player.visit(case, device, link, visitor=visitor)
        status = STATUS["gateway"]
        if visit.error is not None:
            yield crash(visit.error, str(status), step)
        elif not is_url(visit.location):
            yield Failure("location", visit.location, "https://…", step=step)
        elif not visit.rehearsal.reached:
            yield self._unreached(visit, status, case.endpoint, step)
        elif visit.status != status:
            refusal = visit.rehearsal.refusal
            # A redirect of another kind goes wrong as the click itself does.
            code = f"status.{visit.status}" if 300 <= visit.status < 400 else f"handoff.{step}"
            if refusal is not None and refusal.reason == "not_allowed":
                code = "guard.no"
            yield Failure(code, str(visit.status), str(status), step=step)
        else:
            returns = "return_to" in case.options
            for failure in expectations.gateway(self._site, case, who, "1", returns, visit):
                yield replace(failure, step=step)

    def _signals(self, case: Case, ends: str, platform: str, who: str, status: int) -> Heard:
        """Return what the site has to be told."""
        if case.method == "HEAD":
            return ()
        said: dict[str, Any] = {"entry": self._player.said(case), "member": who}
        if ends == "gateway":
            return (("entry_clicked", said | {"platform": int(platform)}),)
        if ends == "back":
            if (case.age or 0) > _A_DAY:  # that is no news
                return ()
            payer = self._player.payer(case)
            is_here = case.visitor == "member" and not case.loader_fails
            same = is_here and payer == self._player.members[MEMBER]
            said |= {"member": payer, "click_id": CLICK_ID, "same_session": same}
            return (("payment_returned", said),)
        reason = "not_allowed" if ends == "guard" else _reason(ends)
        if reason not in REFUSED or (ends == "login" and status in LOGIN_REDIRECTS):
            return ()
        page = "paid" if case.is_return else case.row.name
        refused = {"status": status, "reason": reason, "cause": case.cause or reason, "page": page}
        if reason in ("another_member", "expired", "not_allowed"):
            clicked = self._player.members[MEMBER] if case.visitor == "member" else None
            refused["entry"] = self._player.said(case)
            refused["member"] = who if reason == "not_allowed" else clicked
        return (("entry_refused", refused),)

    def _rendered(self, case: Case, device: Device, template: str) -> Outcome:
        """Judge what the macros render."""
        try:
            page = self._player.in_request(partial(markup.render, template), case, device)
        except LinkError as error:
            is_meant = self._site.is_strict and (case.kind == "wrong" or self._is_unsafe(case))
            return Outcome([] if is_meant else [crash(error)])
        problems = list(self._on_page(case, device, page))
        return Outcome(problems, rendered=page.html.strip())

    def _on_page(self, case: Case, device: Device, page: ReadPage) -> Iterator[Failure]:
        yield from expectations.no_secret_in(self._site, {"page": page.html})
        if case.ends != "mail_entry":  # mail knows nothing else
            yield from markup.nothing_inline(page)
        if case.kind == "wrong" and self._site.is_strict:
            yield Failure("strict", "—", "LinkError")
        right = _with_time(self._player.said(case))
        match case.ends:
            case "entry":
                yield from markup.an_entry(self._site, case, device, right, page)
            case "href":
                yield from markup.an_href(self._site, case.row, right, page)
            case "code":
                yield from markup.a_code(self._site, case.row, right, page)
            case "sheet":
                hrefs = [found.href for found in page.sheets]
                yield from self._asset("styles", "<link>", hrefs, "text/css")
            case "script":
                sources = [found.attributes.get("src") or "" for found in page.scripts]
                # Systems differ in what they call it.
                kinds = ("text/javascript", "application/javascript")
                yield from self._asset("script", "<script>", sources, *kinds)
            case "mail_entry":
                yield from self._mail_entry(case, right, page)
            case "no_entry" if page.html.strip():
                yield Failure("entry.none", page.html.strip(), "—")

    def _mail(self, case: Case) -> Iterator[Failure]:
        """Judge whether a link that carries a member off the site is built on a forged Host."""
        site = self._site
        if site.trusts_hosts and not site.knows_its_address:
            return  # the request itself is refused
        trusted = site.in_development or site.knows_its_address
        try:
            url = self._player.make(case)
        except UnreachedError:
            return  # no page of the site is at that host
        except LinkError as error:
            if trusted:
                yield crash(error)
            return
        if not trusted:
            yield Failure("mail", url, "LinkError")
        elif site.knows_its_address:
            right = _with_time(self._player.said(case))
            yield from expectations.link(site, case.row, right, url, leaves=True)

    def _is_unsafe(self, case: Case) -> bool:
        """Tell whether it is of a mail of a site that does not know its address."""
        site = self._site
        knows = site.in_development or site.knows_its_address or site.trusts_hosts
        return case.ends == "mail_entry" and not knows

    def _mail_entry(self, case: Case, right: Said, page: ReadPage) -> Iterator[Failure]:
        """Judge an entry for a mail: its link, and what the picture of its code says."""
        pictures = page.loaded
        if self._is_unsafe(case):
            for _ in page.links:
                yield Failure("mail", "<a>", "—")
            return
        if (len(page.links), len(pictures)) != (1, 1):
            yield Failure("mail.entry", f"{len(page.links)} <a>, {len(pictures)} <img>", "1, 1")
            return
        [href], [picture] = [found.href for found in page.links], pictures
        yield from expectations.link(self._site, case.row, right, href, leaves=True)
        if not self._site.is_at(picture):
            yield Failure("mail.code", without_query(picture), self._site.outside)
            return
        visit = self._player.open(_path(picture), _PHONE, "nobody")
        came = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
        if came != "200 image/png":
            yield Failure("mail.code", came, "200 image/png")
            return
        code = read_code([drawing_of(visit.body) or ""])
        if code is None:
            yield Failure("mail.code", "0", "1")
            return
        for failure in expectations.link(self._site, case.row, right, code, leaves=True):
            yield replace(failure, code=f"qr.{failure.code}")

    def _asset(self, code: str, tag: str, urls: list[str], *mimetypes: str) -> Iterator[Failure]:
        """Judge whether the stylesheet, or the script, is named, and there."""
        should = f"200 {mimetypes[0]}"
        for url in urls:
            visit = self._player.open(url, _PHONE)
            came = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
            if is_sent_away(self._site, visit):
                came = f"{visit.status} {without_query(visit.location)}"
                yield Failure("unreached.host", came, should)
            elif not came.startswith(tuple(f"200 {mimetype}" for mimetype in mimetypes)):
                yield Failure(code, came, should)
        if len(urls) != 1:
            yield Failure(code, f"{len(urls)} {tag}", f"1 {tag}")


def crash(error: BaseException, should: str = "—", step: str = "") -> Failure:
    """Return the failure of something that raised: where, and not what it says."""
    said = f"{type(error).__name__} in {place_of(error)}"
    if is_ours(error) or isinstance(error, BuildError):  # which says what there is not
        said = f"{type(error).__name__}: {error}"
    return Failure("crash", said, should, step=step)


def is_sent_away(site: Site, visit: Visit) -> bool:
    """Tell whether an answer leads to another host than the site's."""
    leads = is_url(visit.location) and bool(urlsplit(visit.location).netloc)
    return leads and not site.is_at(visit.location)


def _back(case: Case, link: str) -> str:
    """Return to what somebody comes back from the login: what makes no sense is not kept."""
    return f"{link}?{case.query}" if case.kind == "visitor-asked" else link


def _return_to(case: Case) -> str:
    """Return where a payment comes back to, as that is sent."""
    return str(case.options["return_to"]).replace(RETURN_TO, RETURN_TO_AS_SENT)


def _reason(ends: str) -> str:
    return "login_required" if ends == "login" else ends


def _with_time(said: Said) -> Said:
    """Return what a link says that is made now: a time, with a member."""
    return said if said.member is None else said._replace(signed_at=int(time.time()))


def _path(url: str) -> str:
    """Return a URL of the site from the server's root."""
    return f"/{url.partition('://')[2].partition('/')[2]}"
