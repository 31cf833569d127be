"""Has a player do what a case says, follows what comes as people would, and judges it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

from werkzeug.routing import BuildError

from ..errors import LinkError, XiebaoError
from ..places import place_of
from . import expectations, markup
from .cases import MEMBER, RETURN_TO_AS_SENT, Case, Visitor
from .devices import DEVICES, Device
from .expectations import REFUSED, STATUS, Failure, Heard, said_in
from .page import Page
from .player import CLICK_ID, Player
from .qr import UnreadableError, read_codes
from .tokens import TOKEN, Said
from .visits import Visit

_PHONE = DEVICES["iphone"]
# Seconds for which a payment that comes back is news.
_A_DAY = 24 * 60 * 60


def ends_of(case: Case, device: Device) -> tuple[str, str]:
    """Return what has to come of a case on a device, and the platform of whoever clicks."""
    platform = case.platform or device.platform
    if case.ends == "gateway" and platform not in case.row.platforms:
        return "handoff", platform
    return case.ends, platform


class Outcome(NamedTuple):
    """What came of a case.

    :param failures: what is wrong with it.
    :param status: of the answer; 0 where nothing was clicked, or none came.
    :param location: where the answer leads, without the sign.
    """

    failures: list[Failure]
    status: int = 0
    location: str = ""


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
        if case.template is not None or case.ends == "mail":
            return Outcome(list(self._rendered(case, device)))
        try:
            link = self._player.link(case) if link is None else link
        except LinkError as error:
            return Outcome([] if case.ends == "no_link" else [crash(error)])
        except Exception as error:
            return Outcome([crash(error)])
        if case.ends == "no_link":
            return Outcome([Failure("no_link", link, "LinkError")])
        asked = f"{link}?{case.query}" if case.query else link
        visit = self._player.visit(case, device, asked)
        problems = list(self._clicked(case, device, link, asked, visit))
        return Outcome(problems, visit.status, expectations.shown(self._site, visit.location))

    def without_secrets(self, outcome: Outcome) -> Outcome:
        """Return what a report may show: not the sign, nor what lets somebody in as a member."""
        failures = [
            replace(each, came=self._hide(each.came), should=self._hide(each.should))
            for each in outcome.failures
        ]
        return outcome._replace(failures=failures, location=self._hide(outcome.location))

    def _hide(self, said: str) -> str:
        said = TOKEN.sub("…", self._site.account.hide(said))
        if self._site.makes_keys:
            for member in self._player.members.values():
                key = self._site.partner_uniq_key(member)
                said = said.replace(key, f"…{member}").replace(quote(key, safe=""), "…")
        return said

    def _clicked(
        self, case: Case, device: Device, link: str, asked: str, visit: Visit
    ) -> Iterator[Failure]:
        ends, platform = ends_of(case, device)
        if ends == "loader":  # who is logged in for the site decides what comes
            if visit.error is not None:
                yield crash(visit.error)
            return
        status = self._status(ends)
        if visit.error is not None:
            yield crash(visit.error, str(status))
            return
        if case.host and not visit.rehearsal.reached:  # a host that the site does not take
            return
        if ends == "method" and visit.status != status:  # a guard, or a view of the site's
            yield from expectations.secret(self._site, visit, away=False)
            return
        if ends == "login" and self._site.login_view is None and self._site.has_login:
            # Flask-Login's handler of the site's own answers as it will, and shows nothing.
            yield from expectations.secret(self._site, visit, away=False)
            if visit.status != status:
                return
        if not visit.rehearsal.reached and ends != "method":
            where = visit.location.partition("?")[0]
            by = (
                f"({visit.endpoint})"
                if visit.endpoint not in (None, f"xiebao.{case.row.name}")
                else ""
            )
            came = " ".join(filter(None, (str(visit.status), where, by)))
            yield Failure(f"unreached.{visit.status}", came, f"{status} (xiebao.{case.row.name})")
            return
        if visit.status != status:
            yield Failure(f"status.{visit.status}", str(visit.status), str(status))
        yield from expectations.sealed(visit)
        yield from expectations.secret(self._site, visit, away=ends == "gateway")
        if visit.status != status:
            return
        who = self._player.members[case.whose or MEMBER]
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
            case "login" if status == STATUS["login"]:
                # What makes no sense is not kept.
                back = asked if case.kind == "visitor-asked" else link
                right = self._player.login_url(case, back)
                yield from expectations.login(self._site, back, right, visit)
            case "navigate":
                is_elsewhere = case.headers.get("Sec-Fetch-Site") == "cross-site"
                by_itself = "go=1" not in case.query.split("&") or is_elsewhere
                yield from expectations.navigate(asked, visit, by_itself=by_itself)
            case "wait":
                yield from expectations.wait(visit)
            case "guard" if visit.body not in (b"Locked", b""):
                yield Failure("guard", f"{len(visit.body)} bytes", "Locked")
            case "back" if visit.location != RETURN_TO_AS_SENT:
                yield Failure("back", visit.location, RETURN_TO_AS_SENT)
            case "login" | _ if ends in (*REFUSED, "login"):
                yield from expectations.notice(case, _reason(ends), visit)
        if case.cause != _reason(ends):
            yield from expectations.says_no_cause(case, visit)
        yield from self._own_click_ids(visit)
        told = self._signals(case, ends, platform, who, status)
        yield from expectations.signals(self._site, told, visit.rehearsal.heard)

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
            if (back.status, back.location) != (302, RETURN_TO_AS_SENT):
                yield Failure("back", f"{back.status} {back.location}", f"302 {RETURN_TO_AS_SENT}")

    def _handoff(
        self, case: Case, device: Device, link: str, who: str, visit: Visit
    ) -> Iterator[Failure]:
        """Judge the code of a handoff, scan it, and take the way of tablets."""
        lifetime, max_age = self._site.handoff_max_age, case.options.get("max_age")
        vouches = False
        if case.visitor == "nobody" and max_age is not None:
            vouches = True
            lifetime = min(lifetime, max_age - (case.age or 0))
        right = self._player.said(case)._replace(
            member=who, max_age=lifetime, signed_at=int(time.time())
        )
        try:
            codes = read_codes(said_in(visit))
        except UnreadableError as error:
            yield Failure("handoff.code", str(error), "1")
            return
        yield from expectations.handoff(self._site, case.row, right, codes, vouches=vouches)
        plain = replace(case, query="", headers={}, guard=None)
        for code in codes[:1]:
            yield from self._arrives(plain, _PHONE, _path(code), who, "scan", "nobody")
        direct = expectations.direct(link, visit)
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
        elif visit.status != status:
            # A redirect of another kind goes wrong as the click itself does.
            code = f"status.{visit.status}" if 300 <= visit.status < 400 else f"handoff.{step}"
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
        if reason not in REFUSED or (ends == "login" and status == STATUS["login"]):
            return ()
        page = "paid" if case.is_return else case.row.name
        refused = {"status": status, "reason": reason, "cause": case.cause or reason, "page": page}
        if reason in ("another_member", "expired", "not_allowed"):
            clicked = self._player.members[MEMBER] if case.visitor == "member" else None
            refused["entry"] = self._player.said(case)
            refused["member"] = who if reason == "not_allowed" else clicked
        return (("entry_refused", refused),)

    def _rendered(self, case: Case, device: Device) -> Iterator[Failure]:
        """Judge what the macros render."""
        try:
            if case.ends == "mail":
                yield from self._mail(case)
                return
            page = self._player.in_request(
                lambda: markup.render(self._player.app, case.template or ""), case, device
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            is_meant = case.kind == "wrong" and self._site.is_strict
            if not (is_meant and isinstance(error, LinkError)):
                yield crash(error)
            return
        yield from expectations.no_secret_in(self._site, {"page": page.html})
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
                yield from self._sheet(page)
            case "no_entry" if page.html.strip():
                yield Failure("entry.none", f"{len(page.links)} <a>", "0 <a>")

    def _mail(self, case: Case) -> Iterator[Failure]:
        """Judge whether a link that carries a member off the site is built on a forged Host."""
        site = self._site
        if site.trusts_hosts and not site.knows_its_address:
            return  # the request itself is refused
        trusted = site.in_development or site.knows_its_address
        try:
            url = self._player.make(case)
        except LinkError as error:
            if trusted:
                yield crash(error)
            return
        if not trusted:
            yield Failure("mail", url, "LinkError")
        elif site.knows_its_address:
            right = _with_time(self._player.said(case))
            yield from expectations.link(site, case.row, right, url, leaves=True)

    def _sheet(self, page: Page) -> Iterator[Failure]:
        """Judge whether a stylesheet is named, and there."""
        hrefs = [found.href for found in page.sheets]
        for href in hrefs:
            visit = self._player.open(href, _PHONE)
            came = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
            if not came.startswith("200 text/css"):
                yield Failure("styles", came, "200 text/css")
        if len(hrefs) != 1:
            yield Failure("styles", f"{len(hrefs)} <link>", "1 <link>")


def crash(error: BaseException, should: str = "—", step: str = "") -> Failure:
    """Return the failure of something that raised: where, and not what it says."""
    said = f"{type(error).__name__}: {place_of(error)}"
    if isinstance(error, BuildError | XiebaoError):  # these are ours, or say what there is not
        said = f"{type(error).__name__}: {error}"
    return Failure("crash", said, should, step=step)


def _reason(ends: str) -> str:
    return "login_required" if ends == "login" else ends


def _with_time(said: Said) -> Said:
    """Return what a link says that is made now: a time, with a member."""
    return said if said.member is None else said._replace(signed_at=int(time.time()))


def _path(url: str) -> str:
    """Return a URL of the site from the server's root."""
    return f"/{url.partition('://')[2].partition('/')[2]}"
