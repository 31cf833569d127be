"""A click on a link of the site: where it must lead, and what is wrong with the response."""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, quote, unquote, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.urls import iri_to_uri

from ..app.endpoints import find_requested_platform
from ..app.headers import PRIVACY_HEADERS, is_cache_control_override
from ..app.log import find_error_location_in_site
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.access_rules import REFUSALS, AllowedClick, decide_access
from ..links.tokens import Entry
from ..views.responses import EarlyResponseError
from .browser import PHONE, SiteClient, Visitor
from .devices import Device
from .masking import check_no_secret_leaks
from .page import (
    Page,
    encode_url_like_browser,
    find_blocking_directive,
    get_path_and_query,
    is_parsable_url,
    resolve_link,
    strip_query,
)
from .report import Failure, Result
from .visits import (
    UNEXPECTED_EXCEPTIONS,
    Visit,
    describe_exception,
    find_cause_of_unreached_view,
)

_LOGIN_REDIRECT_STATUSES = (302, 303, 307)
# The Cache-Control directives that may stand beside no-store, because they change nothing.
_DIRECTIVES_BESIDE_NO_STORE = {
    *("no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate", "max-age=0")
}
# The maximum number of redirects from one page of the site to another that the check follows.
_MAX_REDIRECTS = 5
_REFUSAL_STATUSES = {refusal.reason: refusal.status for refusal in REFUSALS.values()}


@dataclass(frozen=True)
class Click:
    """A click on a link of the site.

    :param link: The path and query of the link, from the server's root.
    :param entry: The entry that the link's token contains.
    :param device: The device.
    :param visitor: The visitor.
    :param expected: The expected outcome: ``gateway``, ``handoff``, ``login``, or the reason of a
        refusal. It is empty for the outcome that the entry and the visitor determine.
    :param referer: The URL of the page that contains the link, or "" for a mail or a QR code.
    :param opens_return_to: True to open the page after the payment.
    """

    link: str
    entry: Entry
    device: Device
    visitor: Visitor = "member"
    expected: str = ""
    referer: str = ""
    opens_return_to: bool = True

    @property
    def platform(self) -> str:
        """The gateway's code of the platform: the link's, else the URL's, else the device's."""
        environ = {"QUERY_STRING": urlsplit(self.link).query}
        platform = self.entry.platform or find_requested_platform(environ)
        return self.device.platform if platform is None else f"{platform:d}"


def decide_outcome(site: SiteClient, click: Click) -> str:
    """Return the outcome that a click must have."""
    if click.expected:
        return click.expected
    member = site.member if click.visitor == "member" else site.anonymous_member
    decision = decide_access(click.entry, member, int(time.time()))
    if isinstance(decision, AllowedClick):
        is_supported = Platform(int(click.platform)) in PAGES[click.entry.page].platforms
        return "gateway" if is_supported else "handoff"
    can_log_in = decision.reason == "login_required" and site.has_login_page
    return "login" if can_log_in else decision.reason


class ClickChecker:
    """Makes clicks on a site and checks the responses.

    :param site: The site.
    :param opens_return_to: True to open the pages to which payments return.

    :ivar notes: Notes for the report, as text keys with the thing that the text is about.
    """

    def __init__(self, site: SiteClient, *, opens_return_to: bool) -> None:
        self._site = site
        self._opens_return_to = opens_return_to
        self._opened_pages: dict[str, list[Failure]] = {}
        self.notes: dict[tuple[str, str], None] = {}

    def check_click(self, click: Click) -> tuple[Visit, list[Failure]]:
        """Make a click, and return the visit and everything that is wrong with it."""
        visit = self._site.open(
            click.link, click.device, click.visitor, is_click=True, referer=click.referer
        )
        return visit, list(self._iter_failures(click, visit))

    def build_result(self, click: Click, result: Result) -> Result:
        """Make a click, and return the result with the outcome of the click added."""
        try:
            visit, failures = self.check_click(click)
        except UNEXPECTED_EXCEPTIONS as error:
            return replace(result, failures=(*result.failures, build_crash_failure(error)))
        return replace(
            result,
            expected=decide_outcome(self._site, click),
            status=visit.status,
            location=strip_query(visit.location),
            failures=(*result.failures, *failures),
        )

    def _iter_failures(self, click: Click, visit: Visit) -> Iterator[Failure]:
        outcome = decide_outcome(self._site, click)
        if outcome == "another_member":
            yield Failure("page.another_member", f"{visit.status}", "302")
            return
        if outcome in ("expired", "invalid_link") and not click.expected:
            yield Failure("link", f"{visit.status} {outcome}", "302")
            return
        expected_status = self._get_expected_status(outcome, visit)
        failure = self._find_blocking_failure(click, outcome, visit, expected_status)
        if failure is not None:
            yield failure
            return
        yield from check_no_secret_leaks(self._site, visit, is_redirect=outcome == "gateway")
        if not expected_status:
            return
        yield from _check_privacy_headers(visit)
        if visit.status != expected_status:
            refusal = visit.rehearsal.last_refusal
            is_invalid = refusal is not None and refusal.reason == "invalid_link" != outcome
            reason = f" {refusal.reason}" if refusal else ""
            yield Failure(
                "link" if is_invalid else "status",
                f"{visit.status}{reason}",
                str(expected_status),
                hooks="" if refusal else "after_request",
            )
        elif outcome == "gateway":
            yield from self._check_gateway_redirect(click, visit)
        elif outcome == "handoff":
            yield from self._check_handoff(click, visit)
        elif outcome == "login":
            yield from self._check_login(click, visit)

    def _get_expected_status(self, outcome: str, visit: Visit) -> int:
        """Return the expected status, or 0 if the site may choose the status."""
        if outcome == "login":
            if visit.status in _LOGIN_REDIRECT_STATUSES:
                return visit.status
            # Flask-Login's unauthorized_handler may return any response.
            return 302 if self._site.settings.login_view is not None else 0
        return {"gateway": 302, "handoff": 200, **_REFUSAL_STATUSES}[outcome]

    def _find_blocking_failure(
        self, click: Click, outcome: str, visit: Visit, expected_status: int
    ) -> Failure | None:
        """Return the failure after which no other check of the response makes sense, or None."""
        refusal, error = visit.rehearsal.last_refusal, visit.rehearsal.view_error
        if refusal is not None and refusal.reason == "not_allowed":
            return Failure("guard", f"{visit.status}", str(expected_status))
        # The exception that the view raised counts, because an error handler of the site may have
        # turned it into a normal response. A login handler of the site may call abort().
        is_login_response = isinstance(error, HTTPException) and refusal is not None
        if is_login_response or isinstance(error, EarlyResponseError | None):
            actual_error = visit.error
        else:
            actual_error = error
        if actual_error is not None:
            return build_crash_failure(actual_error)
        if not is_parsable_url(visit.location):
            return Failure("address", visit.location, hooks="after_request")
        needs_login = outcome in ("login", "login_required")
        if needs_login and self._site.is_gateway_page(visit.location):
            return Failure("anonymous", strip_query(visit.location))
        if not expected_status:
            return None
        if not visit.rehearsal.has_reached_view:
            return build_unreached_view_failure(visit, f"xiebao.{click.entry.page}")
        is_logged_out = refusal is not None and refusal.cause in ("login_required", "expired")
        if is_logged_out and self._site.has_login_function and click.visitor == "member":
            self._site.is_member_logged_out(click.device)  # Log the member in for the next click.
            return Failure("session", f"{visit.status} login_required", str(expected_status))
        return None

    def _check_gateway_redirect(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Compare the redirect with the gateway URL of the entry, and open the way back."""
        site, entry = self._site, click.entry
        member = site.anonymous_member or entry.member or site.member
        if click.visitor == "member":
            member = site.member
        expected_url = site.build_gateway_url(entry, member, click.platform)
        address, expected_address = strip_query(visit.location), strip_query(expected_url)
        if address != expected_address:
            yield Failure("address", address or "—", expected_address, "after_request")
            return
        actual, expected = (
            parse_qs(urlsplit(url).query, keep_blank_values=True)
            for url in (visit.location, expected_url)
        )
        return_urls = actual.pop("paySuccess", [])
        for name in sorted({*actual, *expected}):
            if actual.get(name) != expected.get(name):
                shown, wanted = (
                    f"{name}={self._format_parameter(name, values.get(name))}"
                    for values in (actual, expected)
                )
                yield Failure("parameter", shown, wanted, "after_request")
        if entry.return_to is None:
            return
        try:
            return_url = encode_url_like_browser(
                base64.b64decode(return_urls[0], validate=True).decode()
            )
        except (IndexError, ValueError):
            yield Failure("parameter", "paySuccess=—", f"paySuccess={site.external_url}/…")
            return
        yield from self._check_return_link(click, entry.return_to, return_url)

    def _format_parameter(self, name: str, values: list[str] | None) -> str:
        """Return the values of a gateway parameter for a report, without secrets."""
        if values is None:
            return "—"
        if name == "sign" or (name == "partnerUniqKey" and self._site.settings.member_secret):
            return "…"
        return ", ".join(map(quote, values)) or '""'

    def _check_return_link(self, click: Click, return_to: str, url: str) -> Iterator[Failure]:
        """Follow the link back from the payment, and open the page to which it leads."""
        if not url.startswith(f"{self._site.external_url}/"):
            yield Failure("way_back", strip_query(url), f"{self._site.external_url}/…")
            return
        expected = iri_to_uri(return_to)
        referer = f"{self._site.gateway_root_url}/"
        visitors: tuple[Visitor, ...] = ("member", "nobody")
        for visitor in visitors:
            visit = self._site.open(get_path_and_query(url), click.device, visitor, referer=referer)
            if visit.error is not None:
                yield build_crash_failure(visit.error)
            elif not visit.rehearsal.has_reached_view:
                yield build_unreached_view_failure(visit, "xiebao.paid")
            elif visit.location != expected:
                actual = f"{visit.status} {strip_query(visit.location)}".strip()
                yield Failure("way_back", actual, f"302 {strip_query(expected)}", "after_request")
            else:
                continue
            return
        # Some payment pages return by POST, which CSRF protection or a request hook may refuse.
        posted = self._site.open(
            get_path_and_query(url), click.device, "nobody", referer=referer, method="POST"
        )
        if posted.status != 303:
            self.notes["return_post", str(posted.status)] = None
        if not self._opens_return_to or not click.opens_return_to:
            return
        if not self._site.is_real_member:
            self.notes["return_pages", ""] = None
        else:
            yield from self._check_page_opens(return_to, "member", "way_back")

    def _check_page_opens(self, url: str, visitor: Visitor, rule: str) -> list[Failure]:
        """Return what is wrong with a page of the site. Each page is opened only once."""
        page_url = resolve_link(f"{self._site.url}/", url)
        # The query of a login page contains the link, so it differs for each link.
        key = f"{visitor} {strip_query(page_url) if rule == 'login' else page_url}"
        if key not in self._opened_pages:
            self._opened_pages[key] = list(self._open_page(page_url, visitor, rule))
        return self._opened_pages[key]

    def _open_page(self, page_url: str, visitor: Visitor, rule: str) -> Iterator[Failure]:
        """Open a page of the site, following redirects, and yield what is wrong with it."""
        requested_path = urlsplit(page_url).path
        visits = []
        for _ in range(_MAX_REDIRECTS):
            if not self._site.is_site_url(page_url):
                self.notes["elsewhere", strip_query(page_url)] = None
                return
            visit = self._site.open(page_url, PHONE, visitor)
            visits.append(visit)
            yield from check_no_secret_leaks(self._site, visit)
            if not visit.location:
                break
            page_url = resolve_link(page_url, visit.location)
        if visit.error is not None and not isinstance(visit.error, HTTPException):
            yield build_crash_failure(visit.error, f"{requested_path}: ")
        elif visit.status == 404 and visit.endpoint is None:
            # Another app on the host or a single-page app may serve the path.
            self.notes["not_here", requested_path] = None
        elif visit.status >= 300 or visit.error is not None:
            path = urlsplit(visit.url).path
            origin = "" if path == requested_path else f" (redirected from {requested_path})"
            yield Failure(rule, f"{visit.status} {path}{origin}", "200")
        elif rule == "login":
            yield from self._check_login_page(visits)
        elif visitor == "member" and self._site.is_member_logged_out(PHONE):
            yield Failure("session", requested_path)

    def _check_login_page(self, visits: list[Visit]) -> Iterator[Failure]:
        """Check that the login page keeps the link, and that its policy allows the gateway.

        Chromium applies the directive form-action to each redirect after the login form.
        """
        first, visit = visits[0], visits[-1]
        next_url = parse_qs(urlsplit(first.url).query).get("next", [""])[0]
        is_kept = next_url in unquote(unquote(visit.url)) or next_url in html.unescape(visit.text)
        # The site may keep the link in a session, so nothing is known if it sets a cookie.
        sets_cookie = any("Set-Cookie" in each.headers for each in visits)
        if len(visits) > 1 and not is_kept and not sets_cookie:
            yield Failure("login", f"{urlsplit(visit.url).path}: next=—", f"next={next_url}")
        gateway_url = resolve_link(self._site.origin, self._site.gateway_root_url)
        policies = visit.headers.getlist("Content-Security-Policy")
        directive = find_blocking_directive(policies, "form-action", gateway_url, visit.url)
        if directive is not None:
            yield Failure("policy.form", directive, gateway_url)

    def _check_handoff(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Follow the QR code of the page for PCs with a phone, and its link for tablets."""
        codes = [
            encode_url_like_browser(url)
            for svg, url in visit.rehearsal.qr_code_urls_by_svg.items()
            if is_code_on_page(svg, visit.page)
        ]
        if len(codes) != 1 or not codes[0].startswith(f"{self._site.external_url}/"):
            found = ", ".join(map(strip_query, codes)) or "—"
            yield Failure("handoff", found, f"{self._site.external_url}/…")
        else:
            # The link in the code needs no login, because the phone may have no session.
            _, entry = self._site.find_page_name_and_entry(codes[0])
            if entry is not None:
                scan = Click(get_path_and_query(codes[0]), entry, PHONE, "nobody")
                yield from self.check_click(scan)[1]
        link = click.link.partition("?")[0]
        direct_links = (
            get_path_and_query(url)
            for _, url in visit.page.iter_elements("a")
            if urlsplit(url).path == link and "platform=h5" in url
        )
        direct_link = next(direct_links, None)
        if direct_link is None:
            yield Failure("handoff", "—", f'<a href="{link}?platform=h5">')
        else:
            yield from self.check_click(replace(click, link=direct_link))[1]

    def _check_login(self, click: Click, visit: Visit) -> Iterator[Failure]:
        """Check that the visitor comes to a login page that opens and returns to the link."""
        if visit.status not in _LOGIN_REDIRECT_STATUSES:
            return
        login_url = visit.probe_result or ""
        actual, expected = (
            encode_url_like_browser(strip_query(url)) for url in (visit.location, login_url)
        )
        if login_url and actual != expected:
            yield Failure("login", actual, expected)
            return
        next_urls = parse_qs(urlsplit(visit.location).query).get("next", [])
        # Flask-Login may pass an absolute URL.
        next_paths = [get_path_and_query(url) for url in next_urls]
        if (next_urls or login_url) and next_paths != [click.link]:
            found = ", ".join(map(strip_query, next_paths)) or "—"
            yield Failure("login", f"next={found}", f"next={click.link}")
        yield from self._check_page_opens(visit.location, "nobody", "login")


def is_code_on_page(svg: str, page: Page) -> bool:
    """Return True if a page shows the QR code that was drawn as this SVG."""
    shape = svg.partition(' d="')[2].partition('"')[0]
    return page.soup.find("path", d=shape) is not None


def build_crash_failure(error: BaseException, prefix: str = "") -> Failure:
    """Return a failure with the class of an exception and the source line in which it occurred.

    The message of the exception is left out unless it is certain to contain nothing private.

    :param prefix: A text before the class, such as the path of the page.
    """
    # If the traceback contains no code of the site, a hook may have returned a wrong value.
    hooks = "" if find_error_location_in_site(error) else "after_request"
    return Failure("crash", prefix + describe_exception(error), hooks=hooks)


def build_unreached_view_failure(visit: Visit, endpoint: str) -> Failure:
    """Return the failure for a request that the extension's view did not answer."""
    if visit.error is not None and not isinstance(visit.error, HTTPException):
        return build_crash_failure(visit.error)
    code, values = find_cause_of_unreached_view(visit, endpoint)
    actual = " ".join(filter(None, (str(visit.status), strip_query(visit.location))))
    return Failure(f"unreached.{code}", actual, hooks="before_request", values=values)


def _check_privacy_headers(visit: Visit) -> Iterator[Failure]:
    """Check the headers that keep a response from caches, search engines, other sites and frames.

    A page also needs ``nosniff`` and ``frame-ancestors``. A redirect does not.
    """
    headers = visit.headers
    for name, expected in PRIVACY_HEADERS:
        actual = ", ".join(headers.getlist(name))
        directives = {directive.strip().lower() for directive in actual.split(",")}
        is_equivalent = expected in directives <= _DIRECTIVES_BESIDE_NO_STORE
        if actual != expected and not is_equivalent:
            yield _build_header_failure(name, actual, expected)
    for name, value in headers:
        if is_cache_control_override(name.lower()) or name.lower() == "refresh":
            yield _build_header_failure(name, strip_query(value), "—")
    if visit.location:
        return
    nosniff = headers.get("X-Content-Type-Options", "")
    if nosniff != "nosniff":
        yield _build_header_failure("X-Content-Type-Options", nosniff, "nosniff")
    policy = ", ".join(headers.getlist("Content-Security-Policy"))
    if "frame-ancestors" not in policy.lower():
        yield _build_header_failure("Content-Security-Policy", policy, "frame-ancestors …")


def _build_header_failure(name: str, actual: str, expected: str) -> Failure:
    return Failure("header", f"{name}: {actual or '—'}", f"{name}: {expected}", "after_request")
