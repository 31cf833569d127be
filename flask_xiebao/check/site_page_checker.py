"""The entries that are on a page of a site, as it renders them: each becomes a case."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ..app.endpoints import find_requested_platform
from ..errors import TokenError
from ..links.access_rules import AllowedClick, decide_access
from ..links.tokens import Entry, find_tokens, parse_token_without_verifying
from ..simulator.document import PageSpec
from . import page_checks
from .case_runner import (
    CaseRunner,
    build_exception_failure,
    find_qr_codes,
    is_redirected_to_other_host,
    strip_origin,
)
from .cases import MEMBER, PAGE_ENTRY_SEPARATOR, PLATFORM_SLUGS, Case, Visitor, build_page_case
from .devices import Device
from .html_parser import Element
from .response_checks import REFUSAL_STATUSES, Failure, check_no_secret_leaks
from .results import Note, Result
from .site import resolve_link, strip_query
from .site_client import SiteClient
from .visits import Visit

# As many ways back are opened, at most.
_MAX_RETURN_PAGES = 20


@dataclass
class SitePageChecker:
    """The pages of a site that were named.

    :param player: who opens them.
    :param judge: who says what is wrong.
    :param calls_guard: whether the site's own ``click_guard`` is asked, once for each page.
    :param goes_back: whether it is found out that payments come back to pages that open.

    :ivar said: what the entries of each page are, in a few words.
    :ivar nothing: why some devices find nothing on a page: that is wrong where all do.
    """

    site_client: SiteClient
    case_runner: CaseRunner
    calls_guard: bool
    opens_return_to: bool
    entry_descriptions: dict[str, list[str]] = field(default_factory=dict)
    empty_page_failures: dict[str, Failure] = field(default_factory=dict)
    _urls_by_svg: dict[str, str] = field(default_factory=dict)
    _opened_return_paths: set[str] = field(default_factory=set)

    def check_page_entries(self, url: str, device: Device) -> Iterator[Result]:
        """Open a page as the member, follow what is on it, and return what came of that.

        :param url: a path of the site, from where the app is mounted, or a whole URL.
        """
        labels = Counter[str]()
        try:
            for result in self._iter_results_before_numbering(url, device):
                page = result.case.page
                labels[page] += result.case.kind != "page"
                if labels[page] > 1:  # each has a name of its own
                    case = replace(result.case, page=f"{page} ({labels[page]})")
                    result = replace(result, case=case)
                yield result
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            yield self._build_page_result(url, device, build_exception_failure(error))

    def _build_page_result(self, url: str, device: Device, *failures: Failure) -> Result:
        """Return what is wrong with a page itself."""
        return Result(
            build_page_case(url), device, failures=self.case_runner.add_suspected_hooks(failures)
        )

    def _iter_results_before_numbering(self, url: str, device: Device) -> Iterator[Result]:
        player, site, is_first = (
            self.site_client,
            self.site_client.site,
            url not in self.entry_descriptions,
        )
        # It may be written as the app has it, or as browsers do.
        is_whole = bool(site.root_path) and url.startswith(f"{site.root_path}/")
        whole = url if "://" in url else f"{site.origin if is_whole else site.url}{url}"
        # Something may keep a page, and show it a second time without its headers.
        *_, visit = visits = [player.open_page(whole, device) for _ in range(1 + is_first)]
        if visit.error is not None or visit.status != 200:
            came = f"{visit.status} {strip_query(visit.location)}".strip()
            if visit.error is not None:
                yield self._build_page_result(
                    url, device, build_exception_failure(visit.error, "200")
                )
            elif is_redirected_to_other_host(
                site, visit
            ):  # as phones are that have a host of their own
                self.empty_page_failures[url] = Failure("page.elsewhere", came, "200")
            else:
                code = 302 if 300 <= visit.status < 400 else visit.status
                yield self._build_page_result(url, device, Failure(f"page.{code}", came, "200"))
            return
        page = visit.page
        self._urls_by_svg |= {
            svg: said for each in visits for svg, said in each.rehearsal.qr_code_urls_by_svg.items()
        }
        links = [
            (each, href, *site.find_page_spec_and_entry(href))
            for each, href in page_checks.iter_links(whole, page)
        ]
        codes = find_qr_codes(page, self._urls_by_svg)
        found = [*self._iter_link_cases(device, url, links), *self._iter_qr_code_cases(url, codes)]
        entries = [element for element, _, _, entry in links if entry]
        problems = [
            *check_no_secret_leaks(site, visit),
            *self.case_runner.check_assets(whole, page),
            *page_checks.check_cache_headers(
                site,
                page,
                has_member_link=any(
                    entry.member is not None for entry in _find_linked_entries(visit, codes)
                ),
                varies_by_device=any(map(page_checks.is_macro_entry, entries)),
            ),
            *self._check_entries_visible(url, entries),
            *(self._check_member_page_is_private(whole, device) if is_first else ()),
        ]
        if not site.settings.enabled:
            none = [Failure("entry.none", f"{len(found)} <a>", "0 <a>")] if found else []
            yield self._build_page_result(url, device, *problems, *none)
            return
        left_out = [
            Failure("left_out", each, "—") for each in visit.rehearsal.nonfatal_error_messages
        ]
        if problems := [*problems, *dict.fromkeys(left_out)]:
            yield self._build_page_result(url, device, *problems)
        if not found and not any(page_checks.is_disabled_entry(element) for element, *_ in links):
            self.empty_page_failures[url] = Failure("page.empty", "0 <a class=xiebao-entry>", "1")
        elif is_first:
            self.entry_descriptions[url] = [
                said for case, *_ in found if (said := _format_entry(case))
            ]
        for case, link, problems in found:
            case = replace(case, calls_guard=self.calls_guard and is_first)
            result = self._run_entry_case(case, device, link, problems)
            yield replace(result, failures=[*result.failures, *self._check_return_page(case)])

    def check_link(self, link: str, device: Device) -> Result:
        """Follow a link that is on no page, and return what came of that."""
        whole = resolve_link(f"{self.site_client.site.url}/", link)
        row, entry = self.site_client.site.find_page_spec_and_entry(whole)
        if row is None or entry is None:
            return self._build_page_result(
                link, device, Failure("link", strip_query(whole), self._expected_link_prefix)
            )
        visitor: Visitor = "member" if entry.no_login_for is None else "nobody"
        case = self._build_entry_case(link, row, entry, row.name, visitor, urlsplit(whole).query)
        return self._run_entry_case(case, device, strip_origin(whole), [])

    @property
    def _expected_link_prefix(self) -> str:
        """What links of the site begin with."""
        return f"{self.site_client.site.endpoint_prefix}/…"

    def _run_entry_case(
        self, case: Case, device: Device, link: str, failures: list[Failure]
    ) -> Result:
        """Return what comes of an entry, and what is wrong with how it is rendered."""
        result = Result(case, device)
        if (
            case.expected_outcome in REFUSAL_STATUSES and case.expected_outcome != "login_required"
        ):  # that is wrong by itself
            refused = Failure(
                f"page.{case.expected_outcome}", str(REFUSAL_STATUSES[case.expected_outcome]), "302"
            )
            result = replace(result, failures=[refused])
        elif link:
            result = self.case_runner.run_case(case, device, link)
        return replace(result, failures=[*failures, *result.failures])

    def _check_entries_visible(self, url: str, entries: list[Element]) -> Iterator[Failure]:
        """Judge whether somebody can see an entry of a page."""
        unseen = sorted({each.hidden_by for each in entries if each.hidden_by})
        if unseen and all(each.hidden_by for each in entries):
            yield Failure("dead.unseen", f"<a> in {', '.join(unseen)}", "<a>")
        elif unseen:
            self.case_runner.notes.append(Note("check.note.unseen", f"{url}: {', '.join(unseen)}"))

    def _check_member_page_is_private(self, page_url: str, device: Device) -> Iterator[Failure]:
        """Check that nobody else gets the member's page, from whatever has kept it."""
        visit = self.site_client.open_page(page_url, device, "nobody")
        self._urls_by_svg |= visit.rehearsal.qr_code_urls_by_svg
        entries = _find_linked_entries(visit, find_qr_codes(visit.page, self._urls_by_svg))
        if self.site_client.members[MEMBER] in {entry.member for entry in entries}:
            yield Failure("private.shown", f"{visit.status} {strip_origin(page_url)}", "—")

    def _check_return_page(self, case: Case) -> Iterator[Failure]:
        """Judge whether what a payment comes back to opens, for a member of the site's."""
        has_member = self.site_client.site.member is not None
        back = case.entry.return_to if case.entry and has_member else None
        if back is not None and not self.opens_return_to:
            self.case_runner.notes.append(Note("check.note.ways_back"))
        elif back is not None and len(self._opened_return_paths) < _MAX_RETURN_PAGES:
            self._opened_return_paths.add(back)
            yield from self.case_runner.check_page_opens(back, "member", "way_back")

    def _iter_link_cases(
        self,
        device: Device,
        url: str,
        links: list[tuple[Element, str, PageSpec | None, Entry | None]],
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """Return the entries of a page: their cases, links, and what is wrong with them there."""
        site = self.site_client.site
        for element, href, row, entry in links:
            if row is not None and entry is not None:
                case = self._build_entry_case(
                    url, row, entry, row.name, "member", urlsplit(href).query
                )
                yield (
                    case,
                    strip_origin(href),
                    list(page_checks.check_entry_element(site, row, device, element)),
                )
            elif not page_checks.is_disabled_entry(element) and (
                row is not None
                or page_checks.is_macro_entry(element)
                or find_tokens(strip_query(href))
            ):
                yield (
                    build_page_case(url),
                    "",
                    [Failure("link", strip_query(href), self._expected_link_prefix)],
                )

    def _iter_qr_code_cases(
        self, url: str, qr_codes: list[tuple[bool, str]]
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """Return what the QR codes of a page lead to, for the phone that scans them."""
        for is_ours, code in qr_codes:
            row, entry = self.site_client.site.find_page_spec_and_entry(code)
            if row is not None and entry is not None:
                yield (
                    self._build_entry_case(url, row, entry, "QR", "nobody"),
                    strip_origin(code),
                    [],
                )
            elif code:
                problem = Failure("qr", strip_query(code), f"{self.site_client.site.external_url}…")
                yield build_page_case(url), "", [problem]
            elif is_ours:  # a cache may have it from before
                self.case_runner.notes.append(Note("check.note.qr", url))

    def _build_entry_case(
        self,
        url: str,
        page_spec: PageSpec,
        entry: Entry,
        label: str,
        visitor: Visitor,
        query: str = "",
    ) -> Case:
        """Return the case of a link: who follows it, and the expected outcome."""
        player = self.site_client
        if entry.member is not None:
            player.site.member_ids.add(entry.member)
        current = player.members[MEMBER] if visitor == "member" else None
        decision = decide_access(entry, current, int(time.time()))
        ends = "gateway" if isinstance(decision, AllowedClick) else decision.reason
        if ends == "login_required" and player.site.has_login:
            ends = "login"
        platform = entry.platform or find_requested_platform({"QUERY_STRING": query})
        return Case(
            "on-page",
            ends,
            page_spec,
            visitor=visitor,
            platform=None if platform is None else f"{platform:d}",
            # What a button says may be somebody's name.
            page=f"{url}{PAGE_ENTRY_SEPARATOR}{label}",
            entry=entry,
        )


def _find_linked_entries(visit: Visit, qr_codes: list[tuple[bool, str]]) -> list[Entry]:
    """Return the entries of all links on a page, wherever in it they are."""
    entries = []
    for token in find_tokens(" ".join([visit.text, *(code for _, code in qr_codes)])):
        with suppress(TokenError):
            entries.append(parse_token_without_verifying(token))
    return entries


def _format_entry(case: Case) -> str:
    """Return what an entry is, as a reader sees that it is the right one."""
    entry = case.entry
    if entry is None:
        return ""
    reference = entry.reference or ""
    if len(reference) > 9:
        reference = f"{reference[:2]}…{reference[-6:]}"
    code = "QR" if case.visitor == "nobody" else ""
    words = [
        code,
        entry.page,
        reference,
        PLATFORM_SLUGS.get(case.platform or ""),
        entry.sub_partner_id,
    ]
    if entry.return_to is not None:
        words += ["→", strip_query(entry.return_to)]
    return " ".join(filter(None, words))
