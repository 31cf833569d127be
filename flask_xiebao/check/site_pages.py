"""The entries that are on a page of a site, as it renders them: each becomes a case."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ..app.endpoints import asked_platform
from ..errors import TokenError
from ..links.admission import Go, decide
from ..links.tokens import Entry, find_tokens, read_unverified
from ..simulator.document import Row
from . import markup
from .cases import BEFORE_ENTRY, MEMBER, SLUGS, Case, Visitor, page_case
from .devices import Device
from .expectations import REFUSED, Failure, secret
from .html_reader import Element
from .judge import Judge, codes_of, crash, is_sent_away, path_of
from .player import Player
from .results import Note, Result
from .site import absolute, without_query
from .visits import Visit

# As many ways back are opened, at most.
_WAYS_BACK = 20


@dataclass
class SitePages:
    """The pages of a site that were named.

    :param player: who opens them.
    :param judge: who says what is wrong.
    :param calls_guard: whether the site's own ``click_guard`` is asked, once for each page.
    :param goes_back: whether it is found out that payments come back to pages that open.

    :ivar said: what the entries of each page are, in a few words.
    :ivar nothing: why some devices find nothing on a page: that is wrong where all do.
    """

    player: Player
    judge: Judge
    calls_guard: bool
    goes_back: bool
    said: dict[str, list[str]] = field(default_factory=dict)
    nothing: dict[str, Failure] = field(default_factory=dict)
    _drawn: dict[str, str] = field(default_factory=dict)
    _ways_back: set[str] = field(default_factory=set)

    def on_page(self, url: str, device: Device) -> Iterator[Result]:
        """Open a page as the member, follow what is on it, and return what came of that.

        :param url: a path of the site, from where the app is mounted, or a whole URL.
        """
        labels = Counter[str]()
        try:
            for result in self._on_page(url, device):
                page = result.case.page
                labels[page] += result.case.kind != "page"
                if labels[page] > 1:  # each has a name of its own
                    case = replace(result.case, page=f"{page} ({labels[page]})")
                    result = replace(result, case=case)
                yield result
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            yield self._wrong(url, device, crash(error))

    def _wrong(self, url: str, device: Device, *problems: Failure) -> Result:
        """Return what is wrong with a page itself."""
        return Result(page_case(url), device, failures=self.judge.with_suspects(problems))

    def _on_page(self, url: str, device: Device) -> Iterator[Result]:
        player, site, is_first = self.player, self.player.site, url not in self.said
        # It may be written as the app has it, or as browsers do.
        is_whole = bool(site.root) and url.startswith(f"{site.root}/")
        whole = url if "://" in url else f"{site.origin if is_whole else site.url}{url}"
        # Something may keep a page, and show it a second time without its headers.
        *_, visit = visits = [player.open(whole, device) for _ in range(1 + is_first)]
        if visit.error is not None or visit.status != 200:
            came = f"{visit.status} {without_query(visit.location)}".strip()
            if visit.error is not None:
                yield self._wrong(url, device, crash(visit.error, "200"))
            elif is_sent_away(site, visit):  # as phones are that have a host of their own
                self.nothing[url] = Failure("page.elsewhere", came, "200")
            else:
                code = 302 if 300 <= visit.status < 400 else visit.status
                yield self._wrong(url, device, Failure(f"page.{code}", came, "200"))
            return
        page = visit.page
        self._drawn |= {
            svg: said for each in visits for svg, said in each.rehearsal.qr_code_urls.items()
        }
        links = [(each, href, *site.entry_at(href)) for each, href in markup.links_of(whole, page)]
        codes = codes_of(page, self._drawn)
        found = [*self._entries(device, url, links), *self._codes(url, codes)]
        entries = [element for element, _, _, entry in links if entry]
        problems = [
            *secret(site, visit),
            *self.judge.assets(whole, page),
            *markup.told_to_caches(
                site,
                page,
                private=any(entry.member is not None for entry in _linked_on(visit, codes)),
                by_device=any(map(markup.is_by_macro, entries)),
            ),
            *self._unseen(url, entries),
            *(self._shared(whole, device) if is_first else ()),
        ]
        if not site.settings.enabled:
            none = [Failure("entry.none", f"{len(found)} <a>", "0 <a>")] if found else []
            yield self._wrong(url, device, *problems, *none)
            return
        left_out = [Failure("left_out", each, "—") for each in visit.rehearsal.faults]
        if problems := [*problems, *dict.fromkeys(left_out)]:
            yield self._wrong(url, device, *problems)
        if not found and not any(markup.is_disabled(element) for element, *_ in links):
            self.nothing[url] = Failure("page.empty", "0 <a class=xiebao-entry>", "1")
        elif is_first:
            self.said[url] = [said for case, *_ in found if (said := _in_words(case))]
        for case, link, problems in found:
            case = replace(case, calls_guard=self.calls_guard and is_first)
            result = self._follow(case, device, link, problems)
            yield replace(result, failures=[*result.failures, *self._way_back(case)])

    def of_link(self, link: str, device: Device) -> Result:
        """Follow a link that is on no page, and return what came of that."""
        whole = absolute(f"{self.player.site.url}/", link)
        row, entry = self.player.site.entry_at(whole)
        if row is None or entry is None:
            return self._wrong(link, device, Failure("link", without_query(whole), self._ours))
        visitor: Visitor = "member" if entry.no_login_for is None else "nobody"
        case = self._case(link, row, entry, row.name, visitor, urlsplit(whole).query)
        return self._follow(case, device, path_of(whole), [])

    @property
    def _ours(self) -> str:
        """What links of the site begin with."""
        return f"{self.player.site.prefix}/…"

    def _follow(self, case: Case, device: Device, link: str, problems: list[Failure]) -> Result:
        """Return what comes of an entry, and what is wrong with how it is rendered."""
        result = Result(case, device)
        if case.ends in REFUSED and case.ends != "login_required":  # that is wrong by itself
            refused = Failure(f"page.{case.ends}", str(REFUSED[case.ends]), "302")
            result = replace(result, failures=[refused])
        elif link:
            result = self.judge.judge(case, device, link)
        return replace(result, failures=[*problems, *result.failures])

    def _unseen(self, url: str, entries: list[Element]) -> Iterator[Failure]:
        """Judge whether somebody can see an entry of a page."""
        unseen = sorted({each.hidden_by for each in entries if each.hidden_by})
        if unseen and all(each.hidden_by for each in entries):
            yield Failure("dead.unseen", f"<a> in {', '.join(unseen)}", "<a>")
        elif unseen:
            self.judge.notes.append(Note("check.note.unseen", f"{url}: {', '.join(unseen)}"))

    def _shared(self, whole: str, device: Device) -> Iterator[Failure]:
        """Check that nobody else gets the member's page, from whatever has kept it."""
        visit = self.player.open(whole, device, "nobody")
        self._drawn |= visit.rehearsal.qr_code_urls
        entries = _linked_on(visit, codes_of(visit.page, self._drawn))
        if self.player.members[MEMBER] in {entry.member for entry in entries}:
            yield Failure("private.shown", f"{visit.status} {path_of(whole)}", "—")

    def _way_back(self, case: Case) -> Iterator[Failure]:
        """Judge whether what a payment comes back to opens, for a member of the site's."""
        has_member = self.player.site.member is not None
        back = case.entry.return_to if case.entry and has_member else None
        if back is not None and not self.goes_back:
            self.judge.notes.append(Note("check.note.ways_back"))
        elif back is not None and len(self._ways_back) < _WAYS_BACK:
            self._ways_back.add(back)
            yield from self.judge.leads_on(back, "member", "way_back")

    def _entries(
        self,
        device: Device,
        url: str,
        links: list[tuple[Element, str, Row | None, Entry | None]],
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """Return the entries of a page: their cases, links, and what is wrong with them there."""
        site = self.player.site
        for element, href, row, entry in links:
            if row is not None and entry is not None:
                case = self._case(url, row, entry, row.name, "member", urlsplit(href).query)
                yield case, path_of(href), list(markup.entry(site, row, device, element))
            elif not markup.is_disabled(element) and (
                row is not None or markup.is_by_macro(element) or find_tokens(without_query(href))
            ):
                yield page_case(url), "", [Failure("link", without_query(href), self._ours)]

    def _codes(
        self, url: str, codes: list[tuple[bool, str]]
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """Return what the QR codes of a page lead to, for the phone that scans them."""
        for is_ours, code in codes:
            row, entry = self.player.site.entry_at(code)
            if row is not None and entry is not None:
                yield self._case(url, row, entry, "QR", "nobody"), path_of(code), []
            elif code:
                problem = Failure("qr", without_query(code), f"{self.player.site.outside}…")
                yield page_case(url), "", [problem]
            elif is_ours:  # a cache may have it from before
                self.judge.notes.append(Note("check.note.qr", url))

    def _case(
        self, url: str, row: Row, entry: Entry, what: str, visitor: Visitor, query: str = ""
    ) -> Case:
        """Return the case of a link: who follows it, and the expected outcome."""
        player = self.player
        if entry.member is not None:
            player.site.people.add(entry.member)
        current = player.members[MEMBER] if visitor == "member" else None
        decision = decide(entry, current, int(time.time()))
        ends = "gateway" if isinstance(decision, Go) else decision.reason
        if ends == "login_required" and player.site.has_login:
            ends = "login"
        platform = entry.platform or asked_platform({"QUERY_STRING": query})
        return Case(
            "on-page",
            ends,
            row,
            visitor=visitor,
            platform=None if platform is None else f"{platform:d}",
            # What a button says may be somebody's name.
            page=f"{url}{BEFORE_ENTRY}{what}",
            entry=entry,
        )


def _linked_on(visit: Visit, codes: list[tuple[bool, str]]) -> list[Entry]:
    """Return the entries of all links on a page, wherever in it they are."""
    entries = []
    for token in find_tokens(" ".join([visit.text, *(code for _, code in codes)])):
        with suppress(TokenError):
            entries.append(read_unverified(token))
    return entries


def _in_words(case: Case) -> str:
    """Return what an entry is, as a reader sees that it is the right one."""
    entry = case.entry
    if entry is None:
        return ""
    reference = entry.reference or ""
    if len(reference) > 9:
        reference = f"{reference[:2]}…{reference[-6:]}"
    code = "QR" if case.visitor == "nobody" else ""
    words = [code, entry.page, reference, SLUGS.get(case.platform or ""), entry.sub_partner_id]
    if entry.return_to is not None:
        words += ["→", without_query(entry.return_to)]
    return " ".join(filter(None, words))
