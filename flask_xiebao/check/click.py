"""A click on a link of the site: where it must lead, and what is wrong with the response."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.urls import iri_to_uri

from ..app.endpoints import find_requested_platform
from ..app.headers import PRIVACY_HEADERS
from ..app.log import describe_exception, find_error_location_in_site
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.access_rules import REFUSALS, AllowedClick, decide_access
from ..links.tokens import Entry
from ..views.responses import EarlyResponseError
from .browser import PHONE, SiteClient, Visitor
from .devices import Device
from .masking import check_no_secret_leaks, describe_url
from .page import (
    Page,
    encode_url_like_browser,
    find_blocking_directive,
    get_path_and_query,
    resolve_link,
    strip_query,
)
from .report import Failure, Result
from .visits import (
    UNEXPECTED_EXCEPTIONS,
    Visit,
    find_cause_of_unreached_view,
    format_request_hook_names,
)

_LOGIN_REDIRECT_STATUSES = (302, 303, 307)
_REFUSAL_STATUSES = {refusal.reason: refusal.status for refusal in REFUSALS.values()}


@dataclass(frozen=True)
class Click:
    """A click on a link of the site.

    :param link: The path and query of the link, from the server's root.
    :param entry: The entry that the link's token contains.
    :param device: The device.
    :param visitor: The visitor.
    :param expected: The reason of the expected refusal, or "" for the outcome that the entry and
        the visitor determine.
    :param referer: The URL of the page that contains the link, or "" for a mail or a QR code.
    """

    link: str
    entry: Entry
    device: Device
    visitor: Visitor = "member"
    expected: str = ""
    referer: str = ""

    @property
    def platform(self) -> str:
        """The gateway's code of the platform: the link's, else the URL's, else the device's."""
        environ = {"QUERY_STRING": urlsplit(self.link).query}
        platform = self.entry.platform or find_requested_platform(environ)
        return self.device.platform if platform is None else f"{platform:d}"


class ClickChecker:
    """Makes clicks on a site and checks the responses.

    :param site: The site.
    :param opens_return_to: True to open the pages to which payments return.
    """

    def __init__(self, site: SiteClient, *, opens_return_to: bool) -> None:
        self._site = site
        self._opens_return_to = opens_return_to

    def build_result(self, click: Click, result: Result) -> Result:
        """Make a click, and return the result with the outcome of the click added."""
        try:
            visit, failures = self._make_click(click)
        except UNEXPECTED_EXCEPTIONS as error:
            return replace(result, failures=(*result.failures, build_crash_failure(error)))
        return replace(
            result,
            status=visit.status,
            location=describe_url(visit.location) if visit.location else "",
            failures=(*result.failures, *failures),
        )

    def _make_click(self, click: Click) -> tuple[Visit, list[Failure]]:
        visit = self._site.open(
            click.link, click.device, click.visitor, is_click=True, referer=click.referer
        )
        return visit, list(self._iter_failures(click, visit))

    def _decide_outcome(self, click: Click) -> str:
        """Return "gateway", "handoff", "login", or the reason of the refusal that must follow."""
        if click.expected:
            return click.expected
        member = self._site.member if click.visitor == "member" else None
        decision = decide_access(click.entry, member, int(time.time()))
        if isinstance(decision, AllowedClick):
            is_supported = Platform(int(click.platform)) in PAGES[click.entry.page].platforms
            return "gateway" if is_supported else "handoff"
        can_log_in = decision.reason == "login_required" and self._site.has_login_page
        return "login" if can_log_in else decision.reason

    def _get_expected_status(self, outcome: str, visit: Visit) -> int:
        """Return the expected status, or 0 if the site may choose the status."""
        if outcome == "login":
            if visit.status in _LOGIN_REDIRECT_STATUSES:
                return visit.status
            # Flask-Login's unauthorized_handler may return any response.
            return 302 if self._site.settings.login_view is not None else 0
        return {"gateway": 302, "handoff": 200, **_REFUSAL_STATUSES}[outcome]

    def _iter_failures(self, click: Click, visit: Visit) -> Iterator[Failure]:
        outcome = self._decide_outcome(click)
        status, error = self._get_expected_status(outcome, visit), _find_error(visit)
        refusal = visit.rehearsal.last_refusal
        actual = f"{visit.status} {refusal.reason if refusal else ''}".strip()
        needs_login = outcome in ("login", "login_required")
        is_logged_out = refusal is not None and refusal.cause in ("login_required", "expired")
        if outcome == "another_member":
            yield Failure("page.another_member", str(visit.status), "302")
        elif outcome in ("expired", "invalid_link") and not click.expected:
            yield Failure("link", f"{visit.status} {outcome}", "302")
        elif refusal is not None and refusal.reason == "not_allowed":
            yield Failure("guard", actual, str(status))
        elif error is not None:
            yield build_crash_failure(error)
        elif needs_login and self._site.is_gateway_page(visit.location):
            yield Failure("anonymous", describe_url(visit.location))
        elif status and not visit.rehearsal.has_reached_view:
            yield build_unreached_view_failure(visit, f"xiebao.{click.entry.page}")
        elif is_logged_out and self._site.has_login_function and click.visitor == "member":
            self._site.forget_login(click.device)
            yield Failure("session", actual, str(status))
        else:
            yield from check_no_secret_leaks(self._site, visit, is_redirect=outcome == "gateway")
            if status:
                yield from self._iter_response_failures(click, outcome, visit, status)

    def _iter_response_failures(
        self, click: Click, outcome: str, visit: Visit, status: int
    ) -> Iterator[Failure]:
        refusal = visit.rehearsal.last_refusal
        after_request = format_request_hook_names("after_request")
        for name, expected in PRIVACY_HEADERS:
            actual = ", ".join(visit.headers.getlist(name))
            # A hook may add directives beside no-store, because they change nothing.
            if actual != expected and "no-store" not in actual:
                yield Failure(
                    "header", f"{name}: {actual or '—'}", f"{name}: {expected}", after_request
                )
        if visit.status != status:
            is_invalid = refusal is not None and refusal.reason == "invalid_link" != outcome
            yield Failure(
                "link" if is_invalid else "status",
                f"{visit.status} {refusal.reason if refusal else ''}".strip(),
                str(status),
                "" if refusal else after_request,
            )
        elif outcome == "gateway":
            yield from self._check_gateway_redirect(click, visit)
        elif outcome == "handoff":
            yield from self._check_handoff(click, visit)
        elif outcome == "login" and visit.location:
            yield from self._check_login(click, visit)

    def _check_gateway_redirect(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Compare the redirect with the gateway URL of the entry, and follow the way back."""
        site, entry = self._site, click.entry
        member = site.member if click.visitor == "member" else entry.member or site.member
        expected_url = site.build_gateway_url(entry, member, click.platform)
        after_request = format_request_hook_names("after_request")
        if strip_query(visit.location) != strip_query(expected_url):
            address = strip_query(expected_url)
            yield Failure("address", describe_url(visit.location), address, after_request)
            return
        actual, expected = (
            parse_qs(urlsplit(url).query, keep_blank_values=True)
            for url in (visit.location, expected_url)
        )
        return_url = _decode_return_url(actual.pop("paySuccess", []))
        for name in sorted({*actual, *expected}):
            if actual.get(name) != expected.get(name):
                # The actual value may contain anything, and these two values identify the member.
                wanted = ", ".join(expected.get(name, ["—"]))
                if name in ("sign", "partnerUniqKey"):
                    wanted = "…"
                found = "…" if name in actual else "—"
                yield Failure("parameter", f"{name}={found}", f"{name}={wanted}", after_request)
        if entry.return_to is not None and not return_url:
            yield Failure("parameter", "paySuccess=—", f"paySuccess={site.external_url}/…")
        elif entry.return_to is not None:
            yield from self._check_return_link(click, entry.return_to, return_url)

    def _check_return_link(self, click: Click, return_to: str, url: str) -> Iterator[Failure]:
        """Follow the link back from the payment, and open the page to which it leads."""
        site = self._site
        if not url.startswith(f"{site.external_url}/"):
            yield Failure("way_back", describe_url(url), f"{site.external_url}/…")
            return
        # The payment may return in a browser in which nobody is logged in.
        visit = site.open(
            get_path_and_query(url), click.device, "nobody", referer=f"{site.gateway_root_url}/"
        )
        if visit.error is not None:
            yield build_crash_failure(visit.error)
        elif not visit.rehearsal.has_reached_view:
            yield build_unreached_view_failure(visit, "xiebao.paid")
        elif visit.location != iri_to_uri(return_to):
            actual = f"{visit.status} {describe_url(visit.location)}"
            after_request = format_request_hook_names("after_request")
            yield Failure("way_back", actual, f"302 {describe_url(return_to)}", after_request)
        elif self._opens_return_to and site.is_real_member:
            page_url = resolve_link(f"{site.url}/", return_to)
            yield from self._iter_opening_failures(site.follow(page_url, PHONE), "way_back")

    def _iter_opening_failures(self, visits: list[Visit], rule: str) -> Iterator[Failure]:
        """Yield what is wrong with a page of the site that was opened by following redirects."""
        for visit in visits:
            yield from check_no_secret_leaks(self._site, visit)
        visit = visits[-1]
        if visit.error is not None and not isinstance(visit.error, HTTPException):
            yield build_crash_failure(visit.error)
            return
        # Another site, another app on the host or a single-page app may serve the page.
        is_elsewhere = (visit.status == 404 and visit.endpoint is None) or (
            self._site.is_leaving_site(visit)
        )
        if visit.status >= 300 and not is_elsewhere:
            yield Failure(rule, f"{visit.status} {describe_url(urlsplit(visit.url).path)}", "200")

    def _check_login(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Check that the visitor comes to a login page that opens and returns to the link.

        Chromium applies the directive form-action to each redirect after the login form.
        """
        next_urls = parse_qs(urlsplit(visit.location).query).get("next", [])
        must_have_next = bool(next_urls) or self._site.settings.login_view is not None
        # Flask-Login may pass an absolute URL.
        if must_have_next and [get_path_and_query(url) for url in next_urls] != [click.link]:
            found = describe_url("".join(next_urls))
            yield Failure("login", f"next={found}", f"next={describe_url(click.link)}")
        if self._site.is_leaving_site(visit):
            return
        visits = self._site.follow(resolve_link(visit.url, visit.location), PHONE, "nobody")
        yield from self._iter_opening_failures(visits, "login")
        gateway_url = resolve_link(self._site.origin, self._site.gateway_root_url)
        policies = visits[-1].headers.getlist("Content-Security-Policy")
        directive = find_blocking_directive(policies, "form-action", gateway_url, visits[-1].url)
        if directive is not None:
            yield Failure("policy.form", directive, gateway_url)

    def _check_handoff(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Follow the QR code of the page for PCs with a phone, and its link for tablets."""
        codes = [
            encode_url_like_browser(url)
            for svg, url in visit.rehearsal.qr_code_urls_by_svg.items()
            if is_code_on_page(svg, visit.page)
        ]
        entry = self._site.find_entry(codes[0]) if len(codes) == 1 else None
        if entry is None or not codes[0].startswith(f"{self._site.external_url}/"):
            found = ", ".join(map(describe_url, codes)) or "—"
            yield Failure("handoff", found, f"{self._site.external_url}/…")
        else:
            # The link in the code needs no login, because the phone may have no session.
            scan = Click(get_path_and_query(codes[0]), entry, PHONE, "nobody")
            yield from self._make_click(scan)[1]
        urls = [get_path_and_query(url) for _, url in visit.page.iter_elements("a")]
        path = click.link.partition("?")[0]
        direct_links = [url for url in urls if url.startswith(path) and "platform=h5" in url]
        if direct_links:
            yield from self._make_click(replace(click, link=direct_links[0]))[1]
        else:
            yield Failure("handoff", "—", '<a href="…?platform=h5">')


def _find_error(visit: Visit) -> BaseException | None:
    """Return the exception because of which a click failed, or None.

    The exception that the view raised counts, because an error handler of the site may have turned
    it into a normal response. A login handler of the site may call abort().
    """
    error = visit.rehearsal.view_error
    is_login_response = isinstance(error, HTTPException) and visit.rehearsal.last_refusal
    if is_login_response or isinstance(error, EarlyResponseError | None):
        return visit.error
    return error


def _decode_return_url(values: list[str]) -> str:
    """Return the URL in the parameter paySuccess, or "" if it is missing or wrong."""
    try:
        return encode_url_like_browser(base64.b64decode(values[0], validate=True).decode())
    except (IndexError, ValueError):
        return ""


def is_code_on_page(svg: str, page: Page) -> bool:
    """Return True if a page shows the QR code that was drawn as this SVG."""
    # The first path of the SVG is the background.
    shape = svg.rpartition(' d="')[2].partition('"')[0]
    return page.soup.find("path", d=shape) is not None


def build_crash_failure(error: BaseException) -> Failure:
    """Return a failure with the class of an exception and the source line in which it occurred.

    The message of the exception is left out unless it is certain to contain nothing private.
    """
    # If the traceback contains no code of the site, a hook may have returned a wrong value.
    is_site_error = find_error_location_in_site(error) is not None
    suspects = "" if is_site_error else format_request_hook_names("after_request")
    return Failure("crash", describe_exception(error), suspects=suspects)


def build_unreached_view_failure(visit: Visit, endpoint: str) -> Failure:
    """Return the failure for a request that the extension's view did not answer."""
    if visit.error is not None and not isinstance(visit.error, HTTPException):
        return build_crash_failure(visit.error)
    cause = find_cause_of_unreached_view(visit, endpoint)
    places = {
        "address": describe_url(visit.url),
        "view": visit.endpoint,
        "redirect": describe_url(visit.location),
    }
    actual = f"{visit.status} {places.get(cause, '')}".strip()
    hooks = format_request_hook_names("before_request")
    return Failure(f"unreached.{cause}", actual, suspects=hooks)
