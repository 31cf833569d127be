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
from .click import Click, ClickChecker, build_crash_failure, is_code_on_page
from .devices import Device
from .masking import check_no_secret_leaks, describe_url
from .page import (
    find_blocking_directive,
    find_click_blocker,
    find_hiding_element,
    get_attribute,
    get_path_and_query,
)
from .report import Failure, Result
from .visits import UNEXPECTED_EXCEPTIONS, Visit

if TYPE_CHECKING:
    from bs4 import Tag


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
        self._labels = Counter[str]()
        self.empty_failure: Failure | None = None

    def iter_results(self) -> Iterator[Result]:
        """Yield the result for the page, then the result for each entry."""
        entries: list[Result] = []
        try:
            visit = self._site.follow(self._url, self._device)[-1]
            failures = list(self._iter_opening_failures(visit))
            if not failures and visit.status == 200:
                entries = list(self._iter_entries(visit))
                failures = list(self._iter_page_failures(visit, has_entries=bool(entries)))
        except UNEXPECTED_EXCEPTIONS as error:
            failures = [build_crash_failure(error)]
        yield Result(self._page, device=self._device, failures=tuple(failures))
        yield from entries

    def _iter_opening_failures(self, visit: Visit) -> Iterator[Failure]:
        if visit.error is not None:
            yield build_crash_failure(visit.error)
        elif self._site.is_leaving_site(visit):
            # A page that redirects one device to another host is right. Other devices get it.
            self.empty_failure = self._build_failure_with_address(visit)
        elif visit.status != 200:
            yield self._build_failure_with_address(visit)

    def _build_failure_with_address(self, visit: Visit) -> Failure:
        """Return the failure of a page that does not open, or that redirects to another page."""
        is_redirected = bool(visit.location) or visit.url != self._url
        target = describe_url(visit.location or visit.url) if is_redirected else ""
        return Failure("page", f"{visit.status} {target}".strip(), "200")

    def _iter_entries(self, visit: Visit) -> Iterator[Result]:
        """Click the entries on the page: links, and QR codes that the extension drew."""
        codes = self._find_codes(visit)
        for element, url in visit.page.iter_elements("a", "area"):
            is_macro = element.has_attr("data-xiebao-entry")
            if is_macro or find_tokens(url) or self._site.is_entry_url(url):
                failures = list(self._iter_link_failures(element)) if is_macro else []
                if blocker := find_click_blocker(element):
                    failures.append(Failure("entry.dead", blocker))
                yield from self._iter_clicks(url, "member", visit.url, failures)
        for url in codes:
            yield from self._iter_clicks(url, "nobody", "", [])

    def _find_codes(self, visit: Visit) -> list[str]:
        """Return the URLs of the QR codes on the page that the extension drew."""
        codes = self._site.qr_code_urls.items()
        return [url for svg, url in codes if is_code_on_page(svg, visit.page)]

    def _iter_link_failures(self, element: Tag) -> Iterator[Failure]:
        platform = get_attribute(element, "data-xiebao-platform")
        expected = Platform(int(self._device.platform)).slug
        if self._site.settings.device_markup and platform != expected:
            yield Failure("vary", f"data-xiebao-platform={platform or '—'}", expected)

    def _iter_clicks(
        self, url: str, visitor: Visitor, referer: str, failures: list[Failure]
    ) -> Iterator[Result]:
        """Click a link. An anonymous visitor also clicks a link that needs no login."""
        entry = self._site.find_entry(url)
        label = f"{'QR ' if visitor == 'nobody' else ''}{_format_entry(entry)}"
        self._labels[label] += 1
        if self._labels[label] > 1:
            label += f" ({self._labels[label]})"
        result = Result(self._page, label, self._device, visitor, failures=tuple(failures))
        if entry is None:
            wrong_link = Failure("link", describe_url(url), f"{self._site.endpoint_prefix}/…")
            yield replace(result, failures=(*failures, wrong_link))
            return
        if entry.member is not None:
            self._site.member_ids.add(entry.member)
        link = get_path_and_query(url)
        click = Click(link, entry, self._device, visitor, referer=referer)
        yield self._checker.build_result(click, result)
        if entry.no_login_for is not None and visitor == "member":
            # A visitor may get the link in a mail, so no page is the referrer.
            click = Click(link, entry, self._device, "nobody")
            yield self._checker.build_result(click, replace(result, visitor="nobody"))

    def _iter_page_failures(self, visit: Visit, *, has_entries: bool) -> Iterator[Failure]:
        yield from check_no_secret_leaks(self._site, visit)
        for message in dict.fromkeys(visit.rehearsal.nonfatal_error_messages):
            yield Failure("left_out", message)
        yield from self._iter_stylesheet_failures(visit)
        yield from self._iter_cache_failures(visit)
        soup, is_json = visit.page.soup, "json" in visit.headers.get("Content-Type", "")
        links = soup.find_all("a", attrs={"data-xiebao-entry": True})
        hiding = [
            "<a aria-disabled>"
            if link.get("aria-disabled") == "true"
            else find_hiding_element(link)
            for link in links
        ]
        # Escaped HTML, and HTML in a <textarea>, is a text of the page.
        is_shown_as_text = any("data-xiebao-entry=" in text for text in soup.strings)
        if is_shown_as_text or (not has_entries and find_tokens(html.unescape(visit.text))):
            if not is_json:
                yield Failure("page.no_link", "&lt;a href=…" if is_shown_as_text else "href=—")
        elif links and all(hiding) and not visit.page.has_site_script:
            yield Failure("entry.hidden", ", ".join(sorted(set(hiding))))
        elif not has_entries and not is_json and not links:
            empty = Failure("page.empty", "0 <a>", "1")
            is_same = visit.url.strip("/") == self._url.strip("/")
            self.empty_failure = empty if is_same else self._build_failure_with_address(visit)

    def _iter_stylesheet_failures(self, visit: Visit) -> Iterator[Failure]:
        """Check that the extension's stylesheet loads, and that the page's policy allows it."""
        page, prefix = visit.page, f"{self._site.endpoint_prefix}/static/"
        for element, url in page.iter_elements("link", "script"):
            if urlsplit(url).path.startswith(prefix) and self._site.has_site_host(url):
                nonce = get_attribute(element, "nonce")
                directive = f"{'style' if element.name == 'link' else 'script'}-src"
                policy = find_blocking_directive(page.policies, directive, url, visit.url, nonce)
                if policy is not None:
                    yield Failure("static", policy, "'self'")
                file = self._site.open(url, self._device, "nobody", referer=visit.url)
                if file.status != 200:
                    yield Failure("static", f"{file.status} {urlsplit(url).path}", "200")

    def _iter_cache_failures(self, visit: Visit) -> Iterator[Failure]:
        """Check that caches show the page to the right device and member only."""
        vary = visit.headers.get("Vary", "")
        has_macro = visit.page.soup.select_one("a[data-xiebao-platform]") is not None
        if has_macro and self._site.settings.device_markup and "*" not in vary:
            missing = [name for name in DEVICE_HEADERS if name.lower() not in vary.lower()]
            if missing:
                yield Failure("vary", f"Vary: {vary or '—'}", ", ".join(missing))
        if not self._has_member_link(visit):
            return
        control = ", ".join(visit.headers.getlist("Cache-Control")).lower()
        is_private = "private" in control or "no-store" in control
        if not is_private or "public" in control or "s-maxage" in control:
            yield Failure("private", f"Cache-Control: {control or '—'}", "Cache-Control: private")
        for name, value in visit.headers:
            if is_cache_control_override(name.lower()):
                yield Failure("private", f"{name}: {value}", f"{name}: —")
        anonymous_visit = self._site.open(visit.url, self._device, "nobody")
        if not self._site.is_always_logged_in and self._has_member_link(anonymous_visit):
            yield Failure("private.shown", f"{anonymous_visit.status} {self._page}")

    def _has_member_link(self, visit: Visit) -> bool:
        """Return True if the page contains a link that belongs to the member."""
        for token in find_tokens(" ".join([visit.text, *self._find_codes(visit)])):
            with suppress(TokenError):
                if parse_token_without_verifying(token).member == self._site.member:
                    return True
        return False


def _format_entry(entry: Entry | None) -> str:
    """Return a short description of an entry for reports."""
    if entry is None:
        return "—"
    reference = entry.reference or ""
    if len(reference) > 9:
        reference = f"{reference[:2]}…{reference[-6:]}"
    return f"{entry.page} {reference}".strip()
