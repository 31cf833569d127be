"""The insurance entries on a page of the site."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..app.headers import DEVICE_HEADERS, is_cache_control_override
from ..errors import TokenError
from ..gateway.platforms import Platform
from ..links.tokens import Entry, find_tokens, parse_token_without_verifying
from .browser import SiteClient, Visitor
from .click import (
    Click,
    ClickChecker,
    build_crash_failure,
    is_code_on_page,
)
from .devices import Device
from .masking import check_no_secret_leaks
from .page import (
    find_blocking_directive,
    find_click_blocker,
    find_hiding_element,
    get_attribute,
    get_path_and_query,
    resolve_link,
    strip_query,
)
from .report import Failure, Result
from .visits import UNEXPECTED_EXCEPTIONS, Visit

if TYPE_CHECKING:
    from bs4 import Tag

_MAX_REDIRECTS = 5
# The classes of entries that need the extension's stylesheet.
_STYLED_CLASSES = {"xiebao-entry--button", "xiebao-entry--card"}


#: The result for an entry as far as the page shows it, and the click to make, if there is one.
FoundEntry = tuple[Result, Click | None]


class PageChecker:
    """Opens a page of the site on a device, and clicks the entries on it.

    :param site: The site.
    :param checker: The checker that makes the clicks.
    :param url: The absolute URL of the page.
    :param device: The device.

    :ivar empty_failure: The reason why the page has no entry to click, or None if it has one.
    """

    def __init__(self, site: SiteClient, checker: ClickChecker, url: str, device: Device) -> None:
        self._site = site
        self._checker = checker
        self._url = url
        self._device = device
        self._page = get_path_and_query(url)
        self._requested_path = urlsplit(url).path
        self.empty_failure: Failure | None = None

    def iter_results(self) -> Iterator[Result]:
        """Yield the result for the page, then the result for each entry."""
        entries: list[FoundEntry] = []
        try:
            visit = self._open_page()
            failures = list(self._iter_opening_failures(visit))
            if not failures and visit.status == 200:
                entries = list(self._iter_entries(visit))
                failures = list(self._iter_page_failures(visit, entries))
        except UNEXPECTED_EXCEPTIONS as error:
            failures = [build_crash_failure(error)]
        yield Result(self._page, device=self._device, failures=tuple(failures))
        numbers = Counter[str]()
        for result, click in entries:
            numbers[result.entry] += 1
            if numbers[result.entry] > 1:
                result = replace(result, entry=f"{result.entry} ({numbers[result.entry]})")
            yield result if click is None else self._checker.build_result(click, result)

    def _open_page(self) -> Visit:
        """Open the page. Follow redirects to other pages of the site, such as a canonical URL."""
        for _ in range(_MAX_REDIRECTS):
            visit = self._site.open(self._url, self._device)
            target = resolve_link(self._url, visit.location)
            if not visit.location or not self._site.has_site_host(target):
                break
            self._url = target
        return visit

    @property
    def _redirect_hint(self) -> str:
        """A hint that the page redirects to another page, or "" if it does not."""
        path = urlsplit(self._url).path
        is_same = path.strip("/") == self._requested_path.strip("/")
        return "" if is_same else f" (redirected to {path})"

    def _iter_opening_failures(self, visit: Visit) -> Iterator[Failure]:
        if self._site.is_member_logged_out(self._device):
            yield Failure("session", self._page)
        elif visit.error is not None:
            yield build_crash_failure(visit.error)
        elif visit.status != 200:
            actual = f"{visit.status} {strip_query(visit.location)}".strip() + self._redirect_hint
            # A page that redirects one device to another host is right. Other devices get it.
            failure = Failure("page", actual, "200")
            target = resolve_link(self._url, visit.location)
            if visit.location and not self._site.has_site_host(target):
                self.empty_failure = failure
            else:
                yield failure

    def _iter_entries(self, visit: Visit) -> Iterator[FoundEntry]:
        """Yield the entries on the page: links, and QR codes that the extension drew."""
        for element, url in visit.page.iter_elements("a", "area"):
            is_macro = element.has_attr("data-xiebao-entry")
            if is_macro or find_tokens(url) or self._site.find_page_name_and_entry(url)[0]:
                blocker = find_click_blocker(element)
                failures = [Failure("entry.dead", blocker)] if blocker else []
                failures += self._iter_attribute_failures(element) if is_macro else []
                yield from self._iter_clicks(url, "member", failures)
        for svg, url in self._site.qr_code_urls.items():
            if is_code_on_page(svg, visit.page):
                yield from self._iter_clicks(url, "nobody", [])

    def _iter_clicks(
        self, url: str, visitor: Visitor, failures: list[Failure]
    ) -> Iterator[FoundEntry]:
        """Yield the clicks on a link. An anonymous visitor also clicks a link without a login."""
        _, entry = self._site.find_page_name_and_entry(url)
        label = "QR " if visitor == "nobody" else ""
        if entry is None:
            failures.append(Failure("link", strip_query(url), f"{self._site.endpoint_prefix}/…"))
            failed = Result(self._page, f"{label}—", self._device, visitor)
            yield replace(failed, failures=tuple(failures)), None
            return
        if entry.member is not None:
            self._site.member_ids.add(entry.member)
        label += _format_entry(entry)
        visitors: list[Visitor] = [visitor]
        if entry.no_login_for is not None and visitor == "member":
            visitors.append("nobody")
        for each in visitors:
            link = get_path_and_query(url)
            referer = self._url if each == "member" else ""
            result = Result(self._page, label, self._device, each, failures=tuple(failures))
            yield result, Click(link, entry, self._device, each, referer=referer)

    def _iter_attribute_failures(self, element: Tag) -> Iterator[Failure]:
        platform = get_attribute(element, "data-xiebao-platform")
        expected = Platform(int(self._device.platform)).slug
        if self._site.settings.device_markup and platform != expected:
            yield Failure("vary", f"data-xiebao-platform={platform or '—'}", expected)

    def _iter_page_failures(self, visit: Visit, entries: list[FoundEntry]) -> Iterator[Failure]:
        yield from check_no_secret_leaks(self._site, visit)
        for message in dict.fromkeys(visit.rehearsal.nonfatal_error_messages):
            yield Failure("left_out", message)
        yield from self._iter_stylesheet_failures(visit)
        yield from self._iter_cache_failures(visit)
        if not entries and "json" not in visit.headers.get("Content-Type", ""):
            self.empty_failure = self._find_reason_for_empty_page(visit)
            return
        # Escaped HTML, and HTML in a <textarea>, is a text of the page.
        if any("data-xiebao-entry=" in text for text in visit.page.soup.strings):
            yield Failure("page.no_link", "&lt;a href=…", "<a href=…>")
        links = visit.page.soup.find_all("a", attrs={"data-xiebao-entry": True})
        hiding = [find_hiding_element(link) for link in links]
        if links and all(hiding) and not visit.page.has_site_script:
            yield Failure("entry.hidden", ", ".join(sorted(set(hiding))))

    def _find_reason_for_empty_page(self, visit: Visit) -> Failure:
        if self._redirect_hint:
            return Failure("page", f"{visit.status}{self._redirect_hint}", "200")
        if visit.page.soup.select('a[aria-disabled="true"]:not([href])[data-xiebao-entry]'):
            return Failure("entry.hidden", '<a aria-disabled="true">')
        if find_tokens(html.unescape(visit.text)):
            is_escaped = "&lt;a " in visit.text
            link = f"{self._site.endpoint_prefix}/…"
            return Failure("page.no_link", "&lt;a href=…" if is_escaped else link, "<a href=…>")
        return Failure("page.empty", "0 <a>", "1")

    def _iter_stylesheet_failures(self, visit: Visit) -> Iterator[Failure]:
        """Check that the extension's stylesheet loads, and that the page's policy allows it."""
        page, prefix = visit.page, f"{self._site.endpoint_prefix}/static/"
        sheets = [
            (element, url)
            for element, url in page.iter_elements("link", "script")
            if urlsplit(url).path.startswith(prefix) and self._site.has_site_host(url)
        ]
        for element, url in sheets:
            nonce = get_attribute(element, "nonce")
            directive = f"{'style' if element.name == 'link' else 'script'}-src"
            policy = find_blocking_directive(page.policies, directive, url, self._url, nonce)
            if policy is not None:
                yield Failure("static", policy, "'self'")
            path = get_path_and_query(url)
            status = self._site.open(path, self._device, "nobody", referer=self._url).status
            if status != 200:
                yield Failure("static", f"{status} {urlsplit(url).path}", "200")
        classes = {name for link in page.soup.select("a[class]") for name in link["class"]}
        is_fragment = not visit.text.lstrip().lower().startswith(("<!doctype", "<html", "<head"))
        has_sheet = any(element.name == "link" for element, _ in sheets)
        if classes & _STYLED_CLASSES and not has_sheet and not is_fragment:
            self._checker.notes["no_styles", self._page] = None

    def _iter_cache_failures(self, visit: Visit) -> Iterator[Failure]:
        """Check that caches show the page to the right device and member only."""
        headers = visit.headers
        vary = {name.strip().lower() for name in ", ".join(headers.getlist("Vary")).split(",")}
        missing = [name for name in DEVICE_HEADERS if name.lower() not in vary]
        has_macro = visit.page.soup.select_one("a[data-xiebao-platform]") is not None
        if has_macro and self._site.settings.device_markup and missing and "*" not in vary:
            yield Failure("vary", f"Vary: {headers.get('Vary', '—')}", ", ".join(missing))
        if not self._has_member_link(visit):
            return
        control = ", ".join(headers.getlist("Cache-Control"))
        directives = {part.strip().partition("=")[0].lower() for part in control.split(",")}
        if not directives & {"private", "no-store"} or directives & {"public", "s-maxage"}:
            yield Failure("private", f"Cache-Control: {control or '—'}", "Cache-Control: private")
        for name, value in headers:
            if is_cache_control_override(name.lower()):
                yield Failure("private", f"{name}: {value}", f"{name}: —")
        if self._site.anonymous_member is not None:
            return
        anonymous_visit = self._site.open(self._url, self._device, "nobody")
        if self._has_member_link(anonymous_visit):
            yield Failure("private.shown", f"{anonymous_visit.status} {self._page}")

    def _has_member_link(self, visit: Visit) -> bool:
        """Return True if the page contains a link that belongs to the member."""
        codes = [
            url for svg, url in self._site.qr_code_urls.items() if is_code_on_page(svg, visit.page)
        ]
        for token in find_tokens(" ".join([visit.text, *codes])):
            with suppress(TokenError):
                if parse_token_without_verifying(token).member == self._site.member:
                    return True
        return False


def _format_entry(entry: Entry) -> str:
    """Return a short description of an entry for reports."""
    reference = entry.reference or ""
    if len(reference) > 9:
        reference = f"{reference[:2]}…{reference[-6:]}"
    return " ".join(filter(None, (entry.page, reference)))
