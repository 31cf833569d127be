"""Checks the insurance entries on a site's pages. Each entry gets a test case of its own."""

from __future__ import annotations

import html
import re
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
    find_possible_qr_codes,
    get_path_and_query,
    is_redirected_to_other_host,
)
from .cases import MEMBER, PAGE_ENTRY_SEPARATOR, PLATFORM_SLUGS, Case, Visitor, build_site_page_case
from .devices import Device
from .html_parser import Element
from .response_checks import REFUSAL_STATUSES, Failure, check_no_secret_leaks
from .results import Note, Result
from .site import resolve_link, strip_query
from .site_client import SiteClient
from .visits import UNEXPECTED_EXCEPTIONS, Visit

# The maximum number of return_to pages that the check opens. Members return to these pages after
# payment.
_MAX_RETURN_PAGES = 20
# A link on a page that needs no login for a longer time leads to a note.
_SECONDS_PER_DAY = 24 * 60 * 60
_LONG_BEARER_SECONDS = 31 * _SECONDS_PER_DAY
# The classes of entries that need the extension's stylesheet.
_STYLED_CLASSES = {"xiebao-entry--button", "xiebao-entry--card"}
# Matches a product code like the examples in the interface document, such as QX000000127257.
_USUAL_CASE_CODE = re.compile(r"[A-Z]{1,4}[0-9]{6,20}")


@dataclass
class SitePageChecker:
    """Checks the site's pages and links that were passed to :func:`.check_entries`.

    :param site_client: The client that opens the pages.
    :param case_runner: The runner of the entries' cases.
    :param calls_guard: True to call the site's ``click_guard``, with one device for each page.
    :param opens_return_to: True to open the pages to which payments return.

    :ivar entry_descriptions: Short descriptions of the entries on each page.
    :ivar empty_page_failures: The failure of each page on which some devices find no entry. It
        counts only if all devices find none.
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
        """Open a page as the member, follow its entries and yield the results.

        :param url: A path of the site, from where the app is mounted, or an absolute URL.
        """
        counts = Counter[str]()
        try:
            for result in self._iter_page_results(url, device):
                name = result.case.page
                counts[name] += result.case.kind != "page"
                if counts[name] > 1:  # Add a number, so that the entry's name is unique.
                    case = replace(result.case, page=f"{name} ({counts[name]})")
                    result = replace(result, case=case)
                yield result
        except UNEXPECTED_EXCEPTIONS as error:
            yield self._build_page_result(url, device, build_exception_failure(error))

    def _build_page_result(self, url: str, device: Device, *failures: Failure) -> Result:
        """Return the result for a page as a whole, not for one of its entries."""
        return Result(
            build_site_page_case(url),
            device,
            failures=self.case_runner.add_suspected_hook_names(failures),
        )

    def _iter_page_results(self, url: str, device: Device) -> Iterator[Result]:
        site = self.site_client.site
        is_first = url not in self.entry_descriptions
        # The path of a page may or may not begin with the site's root path.
        has_root_path = bool(site.root_path) and url.startswith(f"{site.root_path}/")
        page_url = url if "://" in url else f"{site.origin if has_root_path else site.url}{url}"
        # Open the page twice, because the site may answer the second request from a cache that
        # loses the page's headers. If entries were already found on the page with another device,
        # open the page only once.
        *_, visit = visits = [
            self.site_client.open_page(page_url, device) for _ in range(1 + is_first)
        ]
        if self.site_client.is_member_logged_out(device):
            yield self._build_page_result(
                url, device, Failure("session.page", strip_query(page_url), "—")
            )
            return
        if visit.error is not None or visit.status != 200:
            yield from self._iter_failed_page_results(url, device, visit)
            return
        self._urls_by_svg |= {
            svg: code_url
            for each in visits
            for svg, code_url in each.rehearsal.qr_code_urls_by_svg.items()
        }
        links = [
            (element, href, *site.find_page_spec_and_entry(href))
            for element, href in page_checks.iter_links(page_url, visit.page)
        ]
        codes = find_possible_qr_codes(visit.page, self._urls_by_svg)
        entry_cases = [
            *self._iter_link_cases(device, url, links),
            *self._iter_qr_code_cases(url, codes),
        ]
        entries = [element for element, _, _, entry in links if entry]
        failures = [
            *check_no_secret_leaks(site, visit),
            *self.case_runner.check_stylesheet_and_script(page_url, visit.page),
            *page_checks.check_cache_headers(
                site,
                visit.page,
                has_member_link=any(
                    entry.member is not None for entry in _find_entries_in_page(visit, codes)
                ),
                varies_by_device=any(map(page_checks.is_rendered_by_macro, entries)),
            ),
            *self._check_entries_visible(url, entries),
            *(self._check_member_page_is_private(page_url, device) if is_first else ()),
        ]
        if not site.settings.enabled:
            if entry_cases:
                failures.append(Failure("entry.none", f"{len(entry_cases)} <a>", "0 <a>"))
            yield self._build_page_result(url, device, *failures)
            return
        failures += [
            Failure("left_out", message, "—")
            for message in dict.fromkeys(visit.rehearsal.nonfatal_error_messages)
        ]
        if failures:
            yield self._build_page_result(url, device, *failures)
        if not entry_cases:
            has_disabled_entry = any(page_checks.is_disabled_entry(link) for link, *_ in links)
            if has_disabled_entry:
                failure = Failure("page.disabled", "<a aria-disabled=true>", "<a href=…>")
            elif find_tokens(html.unescape(visit.text)):
                failure = Failure("page.no_link", self._expected_link_prefix, "<a href=…>")
            else:
                failure = Failure("page.empty", "0 <a class=xiebao-entry>", "1")
            self.empty_page_failures[url] = failure
        elif is_first:
            self.entry_descriptions[url] = [
                _format_entry(case, case.entry)
                for case, *_ in entry_cases
                if case.entry is not None
            ]
        self._add_entry_notes(url, entry_cases)
        has_macro_look = any(_STYLED_CLASSES.intersection(each.classes) for each in entries)
        assets = page_checks.iter_extension_assets(site, page_url, visit.page)
        has_stylesheet = "style" in {kind for kind, *_ in assets}
        # A fragment, for example for htmx, is shown in a page that has the stylesheet.
        is_fragment = not visit.text.lstrip().lower().startswith(("<!doctype", "<html", "<head"))
        if has_macro_look and not has_stylesheet and not is_fragment:
            self.case_runner.notes.append(Note("check.note.no_styles", url))
        for case, link, entry_failures in entry_cases:
            case = replace(case, calls_guard=self.calls_guard and is_first)
            result = self._click_entry(case, device, link, entry_failures)
            yield replace(
                result, failures=[*result.failures, *self._check_page_after_payment(case)]
            )

    def _add_entry_notes(
        self, url: str, entry_cases: list[tuple[Case, str, list[Failure]]]
    ) -> None:
        """Add notes about entries on a page that are unusual but may be right.

        These are product codes that do not look like those in the interface document, and links
        that need no login for a long time.
        """
        entries = [case.entry for case, *_ in entry_cases if case.entry is not None]
        codes = {entry.reference or "" for entry in entries if entry.page == "product"}
        odd_codes = sorted(code for code in codes if not _USUAL_CASE_CODE.fullmatch(code))
        if odd_codes:
            self.case_runner.notes.append(
                Note("check.note.case_code", f"{', '.join(odd_codes[:3])} ({url})")
            )
        longest = max(entry.no_login_for or 0 for entry in entries) if entries else 0
        if longest > _LONG_BEARER_SECONDS:
            days = f"{longest // _SECONDS_PER_DAY:,}"
            self.case_runner.notes.append(Note("check.note.bearer", f"{url}: {days}"))

    def _iter_failed_page_results(self, url: str, device: Device, visit: Visit) -> Iterator[Result]:
        """Yield a failed result for a page that did not return status 200.

        Yield nothing if the page redirects to another host.
        """
        actual = f"{visit.status} {strip_query(visit.location)}".strip()
        if visit.error is not None:
            yield self._build_page_result(url, device, build_exception_failure(visit.error, "200"))
        elif is_redirected_to_other_host(self.site_client.site, visit):
            # A redirect to another host is no failure if other devices get the page, because the
            # site may have a separate host for phones.
            self.empty_page_failures[url] = Failure("page.elsewhere", actual, "200")
        else:
            code = 302 if 300 <= visit.status < 400 else visit.status
            yield self._build_page_result(url, device, Failure(f"page.{code}", actual, "200"))

    def check_link(self, link: str, device: Device) -> Result:
        """Follow a link that was passed to :func:`.check_entries`, and return the result.

        A link with ``no_login_for`` is followed by an anonymous visitor, any other by the member.
        """
        url = resolve_link(f"{self.site_client.site.url}/", link)
        page_spec, entry = self.site_client.site.find_page_spec_and_entry(url)
        if page_spec is None or entry is None:
            return self._build_page_result(
                link, device, Failure("link", strip_query(url), self._expected_link_prefix)
            )
        visitor: Visitor = "member" if entry.no_login_for is None else "nobody"
        case = self._build_test_case_for_entry(
            link, page_spec, entry, page_spec.name, visitor, urlsplit(url).query
        )
        return self._click_entry(case, device, get_path_and_query(url), [])

    @property
    def _expected_link_prefix(self) -> str:
        """The expected beginning of a link in a failure, for example ``/xiebao/…``."""
        return f"{self.site_client.site.endpoint_prefix}/…"

    def _click_entry(
        self, case: Case, device: Device, link: str, failures: list[Failure]
    ) -> Result:
        """Click an entry and return the result, including the failures found in the entry's HTML.

        :param link: The link of the entry, or "" if it cannot be followed.
        :param failures: The failures found in the HTML.
        """
        result = Result(case, device)
        outcome = case.expected_outcome
        # Report a failure instead of clicking a link that the extension would refuse. But click a
        # link that the extension would refuse only because no member is logged in.
        if outcome in REFUSAL_STATUSES and outcome != "login_required":
            refused = Failure(f"page.{outcome}", str(REFUSAL_STATUSES[outcome]), "302")
            result = replace(result, failures=[refused])
        elif link:
            result = self.case_runner.run_case(case, device, link)
        return replace(result, failures=[*failures, *result.failures])

    def _check_entries_visible(self, url: str, entries: list[Element]) -> Iterator[Failure]:
        """Check that at least one entry on a page is visible. If some are hidden, add a note."""
        hidden_by = sorted({each.hidden_by for each in entries if each.hidden_by})
        if hidden_by and all(each.hidden_by for each in entries):
            yield Failure("dead.unseen", f"<a> in {', '.join(hidden_by)}", "<a>")
        elif hidden_by:
            self.case_runner.notes.append(
                Note("check.note.unseen", f"{url}: {', '.join(hidden_by)}")
            )

    def _check_member_page_is_private(self, page_url: str, device: Device) -> Iterator[Failure]:
        """Check that no cache returns the member's page to an anonymous visitor."""
        visit = self.site_client.open_page(page_url, device, "nobody")
        self._urls_by_svg |= visit.rehearsal.qr_code_urls_by_svg
        entries = _find_entries_in_page(
            visit, find_possible_qr_codes(visit.page, self._urls_by_svg)
        )
        if self.site_client.members[MEMBER] in {entry.member for entry in entries}:
            yield Failure("private.shown", f"{visit.status} {get_path_and_query(page_url)}", "—")

    def _check_page_after_payment(self, case: Case) -> Iterator[Failure]:
        """Check that the page to show after payment, the entry's ``return_to``, can be opened.

        This needs a member of the site, not a placeholder member. At most 20 different pages are
        opened.
        """
        has_member = self.site_client.site.member is not None
        return_to = case.entry.return_to if case.entry and has_member else None
        if return_to is not None and not self.opens_return_to:
            self.case_runner.notes.append(Note("check.note.ways_back"))
        elif return_to is not None and len(self._opened_return_paths) < _MAX_RETURN_PAGES:
            self._opened_return_paths.add(return_to)
            yield from self.case_runner.check_page_opens(return_to, "member", "way_back")

    def _iter_link_cases(
        self,
        device: Device,
        url: str,
        links: list[tuple[Element, str, PageSpec | None, Entry | None]],
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """For each entry on a page, yield a test case, the link, and the failures in the HTML.

        If the link cannot be followed, yield a test case for the page and a failure, and "" as the
        link.
        """
        site = self.site_client.site
        for element, href, page_spec, entry in links:
            if page_spec is not None and entry is not None:
                case = self._build_test_case_for_entry(
                    url, page_spec, entry, page_spec.name, "member", urlsplit(href).query
                )
                yield (
                    case,
                    get_path_and_query(href),
                    list(page_checks.check_entry_is_clickable(site, page_spec, device, element)),
                )
            elif not page_checks.is_disabled_entry(element) and (
                page_spec is not None
                or page_checks.is_rendered_by_macro(element)
                or find_tokens(strip_query(href))
            ):
                yield (
                    build_site_page_case(url),
                    "",
                    [Failure("link", strip_query(href), self._expected_link_prefix)],
                )

    def _iter_qr_code_cases(
        self, url: str, qr_codes: list[tuple[bool, str]]
    ) -> Iterator[tuple[Case, str, list[Failure]]]:
        """Yield a test case, the link and the failures for each QR code on a page.

        The test case is for a phone that scans the code, so the visitor is anonymous.

        :param qr_codes: True if the extension drew the code, and its URL, or "" if it is unknown.
        """
        for is_drawn_by_extension, code_url in qr_codes:
            page_spec, entry = self.site_client.site.find_page_spec_and_entry(code_url)
            if page_spec is not None and entry is not None:
                case = self._build_test_case_for_entry(url, page_spec, entry, "QR", "nobody")
                yield case, get_path_and_query(code_url), []
            elif code_url:
                expected = f"{self.site_client.site.external_url}…"
                yield (
                    build_site_page_case(url),
                    "",
                    [Failure("qr", strip_query(code_url), expected)],
                )
            elif is_drawn_by_extension:
                # The check knows the URL of a QR code only if the code was drawn during the check.
                # A cache may return a code that was drawn earlier.
                self.case_runner.notes.append(Note("check.note.qr", url))

    def _build_test_case_for_entry(
        self,
        url: str,
        page_spec: PageSpec,
        entry: Entry,
        label: str,
        visitor: Visitor,
        query: str = "",
    ) -> Case:
        """Return a test case that clicks an entry's link, with the expected outcome.

        The entry's member is added to the members whose ids are masked.

        :param url: The page or the link that the caller named.
        :param label: The name of the entry in a report. The link's text is not used, because that
            may contain a person's name.
        :param query: The query string of the link.
        """
        client = self.site_client
        if entry.member is not None:
            client.site.member_ids.add(entry.member)
        current_member = client.members[MEMBER] if visitor == "member" else None
        decision = decide_access(entry, current_member, int(time.time()))
        outcome = "gateway" if isinstance(decision, AllowedClick) else decision.reason
        if outcome == "login_required" and client.site.has_login:
            outcome = "login"
        platform = entry.platform or find_requested_platform({"QUERY_STRING": query})
        return Case(
            "on-page",
            outcome,
            page_spec,
            visitor=visitor,
            platform=None if platform is None else f"{platform:d}",
            page=f"{url}{PAGE_ENTRY_SEPARATOR}{label}",
            entry=entry,
        )


def _find_entries_in_page(visit: Visit, qr_codes: list[tuple[bool, str]]) -> list[Entry]:
    """Decode all tokens in a page and its QR codes, and return their entries.

    The signatures are not verified.
    """
    entries = []
    for token in find_tokens(" ".join([visit.text, *(code for _, code in qr_codes)])):
        with suppress(TokenError):
            entries.append(parse_token_without_verifying(token))
    return entries


def _format_entry(case: Case, entry: Entry) -> str:
    """Return a short description of a test case's entry for reports."""
    reference = entry.reference or ""
    if len(reference) > 9:
        reference = f"{reference[:2]}…{reference[-6:]}"
    words = [
        "QR" if case.visitor == "nobody" else "",
        entry.page,
        reference,
        PLATFORM_SLUGS.get(case.platform or ""),
        entry.sub_partner_id,
    ]
    if entry.return_to is not None:
        words += ["→", strip_query(entry.return_to)]
    return " ".join(filter(None, words))
