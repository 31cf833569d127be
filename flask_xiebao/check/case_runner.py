"""A test case runner that opens links as a visitor would and checks the responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException

from ..app.log import find_error_location_in_site
from ..links.tokens import Entry, parse_token_without_verifying
from ..simulator.document import evaluate_url
from ..views.responses import EarlyResponseError
from . import page_checks, response_checks
from .cases import MEMBER, Case, Visitor
from .causes import find_cause_of_unreached_view, format_request_hook_names
from .csp import find_blocking_directive
from .devices import DEVICES, Device
from .html_parser import Element, ParsedPage
from .response_checks import LOGIN_REDIRECT_STATUSES, OUTCOME_STATUSES, REFUSAL_STATUSES, Failure
from .results import Note, Result, get_expected_outcome_and_platform
from .site import Site, encode_url_like_browser, is_parsable_url, resolve_link, strip_query
from .site_client import PHONE, SiteClient
from .visits import UNEXPECTED_EXCEPTIONS, Visit, describe_exception, is_message_free_of_secrets

# The maximum number of requests to open a page, redirects included.
_MAX_REQUESTS_TO_OPEN_PAGE = 5
# The expected status and media type of the extension's stylesheet and script. JavaScript has two
# possible media types, because operating systems register different ones.
_EXPECTED_ASSET_RESPONSES = {
    "style": ("200 text/css",),
    "script": ("200 text/javascript", "200 application/javascript"),
}


class CaseRunner:
    """A runner that clicks links with the headers of a simulated device and checks the responses.

    :ivar notes: The notes for the report, beside the failures in the results.
    """

    #: The insurance entry that was read from the clicked link.
    _clicked_entry: Entry

    def __init__(self, site_client: SiteClient) -> None:
        self._site_client = site_client
        self._site = site_client.site
        self._opened_urls: set[str] = set()
        self._final_location = ""
        self.notes: list[Note] = []
        self._cached_are_iphone_and_pc_redirected_to = cache(self._are_iphone_and_pc_redirected_to)

    def run_case(self, case: Case, device: Device, link: str | None = None) -> Result:
        """Run a test case of the check on a simulated device and return the result.

        :param link: The link to click. By default, the link of the case is built.
        """
        try:
            link = self._site_client.build_case_link(case) if link is None else link
            self._clicked_entry = parse_token_without_verifying(
                urlsplit(link).path.rpartition("/")[2]
            )
            requested_link = f"{link}?{case.query}" if case.query else link
            visit = self._site_client.visit_link(case, device, requested_link)
            self._final_location = visit.location
            failures = list(self._check_response(case, device, requested_link, visit))
            location = response_checks.mask_location(self._site, self._final_location)
            result = Result(case, device, visit.status, location, failures=failures)
        except UNEXPECTED_EXCEPTIONS as error:
            result = Result(case, device, failures=[build_exception_failure(error)])
        return replace(result, failures=self.add_suspected_hook_names(result.failures))

    def add_suspected_hook_names(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return the failures, each with the names of the request hooks that may have caused it."""
        app = self._site_client.app
        return [
            replace(
                failure,
                suspects=format_request_hook_names(app, failure.hook) if failure.hook else "",
            )
            for failure in failures
        ]

    def _follow_and_check_link(
        self, case: Case, device: Device, link: str, step: str
    ) -> Iterator[Failure]:
        """Open a link that was found in the response to a click, and check where it leads."""
        visit = self._site_client.visit_link(case, device, link)
        if step == "direct":
            self._final_location = visit.location
        for failure in self._check_response(case, device, link, visit, step):
            yield replace(failure, step=step)

    def _check_response(
        self, case: Case, device: Device, requested_link: str, visit: Visit, step: str = ""
    ) -> Iterator[Failure]:
        """Check a response for leaked secrets and for its headers, then for the expected outcome.

        If the status is wrong, the outcome is not checked.
        """
        outcome, platform = get_expected_outcome_and_platform(case, device)
        status = self._get_expected_status(outcome, visit)
        blocking_failure = self._find_failure_that_ends_checks(case, outcome, visit, status)
        if blocking_failure is not None:
            yield blocking_failure
            return
        yield from response_checks.check_no_secret_leaks(
            self._site, visit, expects_gateway_redirect=outcome == "gateway"
        )
        if not status:
            return
        yield from response_checks.check_response_headers(visit)
        yield from response_checks.check_no_token_for_other_hosts(self._site, visit)
        if visit.status != status:
            yield self._build_status_failure(case, outcome, visit, status)
            return
        if outcome == "gateway":
            member = self._clicked_entry.member or self._site_client.members[MEMBER]
            yield from response_checks.check_gateway_redirect(
                self._site, self._clicked_entry, member, platform, visit
            )
            if not step:
                yield from self._check_pay_success_url(case, device, visit)
        elif outcome == "handoff" and case.method != "HEAD":  # A response to HEAD has no body.
            yield from self._check_handoff_page(
                case, device, requested_link.partition("?")[0], visit
            )
        elif outcome == "login":
            yield from response_checks.check_login_redirect(self._site, requested_link, visit)
            yield from self.check_page_opens(visit.location, "nobody", "login.page")
        elif outcome == "navigate":
            yield from response_checks.check_continue_page(requested_link, visit)
        elif outcome == "back":
            yield from response_checks.check_return_link_redirect(self._clicked_entry, visit)
        elif outcome in REFUSAL_STATUSES:
            yield from response_checks.check_refusal_response(self._site, case, outcome, visit)
            yield from self._check_buttons_on_refusal_page(case, visit)
        for message in visit.rehearsal.nonfatal_error_messages:
            yield Failure("receiver", message, "—")

    def _find_failure_that_ends_checks(
        self, case: Case, expected_outcome: str, visit: Visit, expected_status: int
    ) -> Failure | None:
        """Return the failure after which no other check of the response makes sense, or None."""
        refusal = visit.rehearsal.last_refusal
        if (
            refusal is not None
            and refusal.reason == "not_allowed"
            and expected_outcome != "not_allowed"
        ):
            # Report the reason for the refusal and not only the status, because the site's
            # click_guard may refuse a click with any status.
            return Failure("guard", f"{visit.status} {refusal.reason}", str(expected_status))
        # Look at the exception that the view raised, because an error handler of the site may have
        # turned it into a normal response.
        error: BaseException | None = visit.rehearsal.view_error
        # The site's own login handler may call abort(). That is a response to the click, not an
        # error.
        is_login_response = isinstance(error, HTTPException) and refusal is not None
        if is_login_response or isinstance(error, EarlyResponseError | None):
            error = visit.error
        if error is not None:
            return build_exception_failure(error, str(expected_status or "—"))
        if not is_parsable_url(visit.location):
            return Failure("address", visit.location, "https://…")
        needs_login = expected_outcome in ("login", "login_required")
        if needs_login and self._site.is_gateway_page(visit.location):
            return Failure("anonymous", strip_query(visit.location), str(expected_status or "—"))
        if not expected_status:
            return None
        if not visit.rehearsal.has_reached_view:
            return self.build_unreached_view_failure(
                visit, case.endpoint, f"{expected_status} ({case.endpoint})"
            )
        if (
            refusal is not None
            and refusal.cause in ("login_required", "expired")
            and self._site_client.has_login_function
            and case.visitor == "member"
            and expected_outcome != "back"
        ):
            # The click was made as a logged-in member, but the site treats the visitor as
            # anonymous.
            return Failure("session", f"{visit.status} login_required", str(expected_status))
        return None

    def _build_status_failure(
        self, case: Case, expected_outcome: str, visit: Visit, expected_status: int
    ) -> Failure:
        """Return the failure for a response with an unexpected status."""
        reason = visit.rehearsal.last_refusal.reason if visit.rehearsal.last_refusal else ""
        code = f"status.{visit.status}"
        if (
            visit.status in LOGIN_REDIRECT_STATUSES
            and expected_status not in LOGIN_REDIRECT_STATUSES
        ):
            # Only the extension records a refusal reason. If there is a reason, the extension
            # itself refused the click or sent the visitor to the login.
            code = "status" if reason else "status.302"
        if reason == "invalid_link" and expected_outcome != "invalid_link":
            code = "page.another_key" if case.page else "unreached.path"
        return Failure(code, f"{visit.status} {reason}".strip(), str(expected_status))

    def _get_expected_status(self, expected_outcome: str, visit: Visit) -> int:
        """Return the expected status, or 0 if the site may choose the status."""
        if expected_outcome == "login" and visit.status in LOGIN_REDIRECT_STATUSES:
            return visit.status
        if expected_outcome == "login" and self._site.settings.login_view is None:
            # If XIEBAO_LOGIN_VIEW is not set, Flask-Login responds to visitors who must log in. The
            # site may have its own unauthorized_handler for Flask-Login, which may return any
            # status.
            return 0
        return {**REFUSAL_STATUSES, **OUTCOME_STATUSES, "loader": 0}[expected_outcome]

    def build_unreached_view_failure(self, visit: Visit, endpoint: str, expected: str) -> Failure:
        """Return the failure for a request that the extension's view did not answer.

        :param endpoint: The endpoint of that view.
        """
        if visit.error is not None:
            return build_exception_failure(visit.error, expected)
        cause = find_cause_of_unreached_view(visit, endpoint)
        code = cause.code
        # A web server that redirects to another host would redirect all devices. If only some
        # devices are redirected, the check assumes that a request hook of the site redirects them.
        if code == "host" and not self._cached_are_iphone_and_pc_redirected_to(
            urlsplit(visit.location).netloc
        ):
            code = "elsewhere"
        view = f"({visit.endpoint})" if code == "view" else ""
        parts = (str(visit.status), strip_query(visit.location), view)
        return Failure(
            f"unreached.{code}", " ".join(filter(None, parts)), expected, values=cause.values
        )

    def _are_iphone_and_pc_redirected_to(self, host: str) -> bool:
        """Return True if the site redirects both an iPhone and a PC to this host."""
        visits = [
            self._site_client.open_page(self._site_client.invalid_link_url, DEVICES[name], "nobody")
            for name in ("iphone", "pc")
        ]
        return all(urlsplit(visit.location).netloc == host for visit in visits)

    def _check_pay_success_url(self, case: Case, device: Device, visit: Visit) -> Iterator[Failure]:
        """Check the URL to which a member returns after payment (``paySuccess``), and open it.

        It is opened both logged in and anonymously.
        """
        url = evaluate_url(visit.location, self._site.account).pay_success
        if url is None or case.page:
            return
        if not self._is_below_external_url(url):
            yield Failure("way_back.host", strip_query(url), self._site.external_url)
            return
        failures: list[Failure] = []
        for visitor in ("member", "nobody"):
            return_case = replace(
                case, expected_outcome="back", visitor=visitor, query="", platform=None
            )
            failures += self._follow_and_check_link(
                return_case, device, get_path_and_query(url), "return"
            )
        yield from failures
        # Some payment pages return by POST, which CSRF protection or a request hook may refuse.
        posted_case = replace(case, expected_outcome="back", visitor="nobody", method="POST")
        posted = self._site_client.visit_link(posted_case, device, get_path_and_query(url))
        if not failures and posted.status != 303:
            self.notes.append(Note("check.note.return_post", str(posted.status)))

    def _is_below_external_url(self, url: str) -> bool:
        """Return True if a URL begins with the site's external URL, the base of absolute links."""
        return encode_url_like_browser(url).startswith(f"{self._site.external_url}/")

    def _check_handoff_page(
        self, case: Case, device: Device, link: str, visit: Visit
    ) -> Iterator[Failure]:
        """Check the page that asks a member at a PC to scan a QR code, and follow its links.

        An anonymous visitor scans the QR code with a phone. The direct link for tablets is followed
        on the same device, because a tablet with desktop headers gets this page, too.

        :param link: The link that led to the page, without a query.
        """
        # Ignore QR codes that the extension did not draw, because the site may also show a QR code
        # for its WeChat account, for example.
        code_urls = [
            url
            for _, url in find_possible_qr_codes(visit.page, visit.rehearsal.qr_code_urls_by_svg)
            if url
        ]
        direct_case = replace(
            case, expected_outcome="gateway", query="", headers={}, platform="1", calls_guard=False
        )
        if len(code_urls) != 1:
            yield Failure("handoff.code", str(len(code_urls)), "1")
        elif not self._is_below_external_url(code_urls[0]):
            yield Failure("handoff.host", strip_query(code_urls[0]), self._site.external_url)
        else:
            # A click_guard is also called for the phone, on which no member is logged in.
            scan_case = replace(direct_case, visitor="nobody", calls_guard=case.calls_guard)
            yield from self._follow_and_check_link(
                scan_case, PHONE, get_path_and_query(code_urls[0]), "scan"
            )
        hrefs = (element.href for element in visit.page.links)
        direct_link = next((h for h in hrefs if h.startswith(link) and "platform=h5" in h), None)
        if direct_link is None:
            yield Failure("handoff.direct", "<a>: —", f"{link}?platform=h5")
        else:
            yield from self._follow_and_check_link(direct_case, device, direct_link, "direct")

    def _check_buttons_on_refusal_page(self, case: Case, visit: Visit) -> Iterator[Failure]:
        """Check that each button on the page for a refused click has a label and a working link."""
        yield from self.check_stylesheet_and_script(visit.url, visit.page)
        for element, href in page_checks.iter_links(visit.url, visit.page):
            if not any(name.startswith("xiebao-entry") for name in element.classes):
                continue
            if not element.text.strip() or element.href in ("", "#"):
                yield Failure("notice.button", f"<a href={element.href or '—'}>", "<a href=…>…</a>")
            else:
                yield from self.check_page_opens(href, case.visitor, "notice.button")

    def check_page_opens(self, url: str, visitor: Visitor, failure_code: str) -> Iterator[Failure]:
        """Check that a page of the site opens, following redirects.

        Each visitor opens a page only once. A login page is opened only once in all.

        :param url: An absolute URL, or a path from the server's root.
        :param failure_code: The code of the failure if the page does not open.
        """
        page_url = resolve_link(f"{self._site.url}/", url)
        url_without_query = strip_query(page_url)
        # A page that has been opened before is recognized by its URL without the query, because a
        # login page's query differs for each link. For a page to show after payment (return_to),
        # the query is compared, too, because it may identify an order.
        visit_key = f"{visitor} {page_url if failure_code == 'way_back' else url_without_query}"
        if visit_key in self._opened_urls or url_without_query in self._opened_urls:
            return
        self._opened_urls.add(url_without_query if failure_code == "login.page" else visit_key)
        visits = []
        for _ in range(_MAX_REQUESTS_TO_OPEN_PAGE):
            if not self._site.is_site_url(page_url):
                self.notes.append(
                    Note(f"check.note.{failure_code}.elsewhere", strip_query(page_url))
                )
                return
            # A subdomain is kept, because it selects the view. Any other host is left out, because
            # the check may send its requests to another host than the site's own.
            is_subdomain = self._site.has_subdomain_host(page_url)
            page_url_or_path = page_url if is_subdomain else get_path_and_query(page_url)
            visit = self._site_client.open_page(page_url_or_path, PHONE, visitor)
            visits.append(visit)
            yield from response_checks.check_no_secret_leaks(self._site, visit)
            if not visit.location:
                break
            page_url = resolve_link(page_url, visit.location)
        yield from self._check_final_page(visit, failure_code, urlsplit(url_without_query).path)
        if failure_code == "login.page":
            yield from response_checks.check_next_is_kept(visits)
        # A button on the page for a refused click may log the member out on purpose, so that
        # another member can log in.
        is_logged_out = visitor == "member" and self._site_client.is_member_logged_out(PHONE)
        if is_logged_out and failure_code == "way_back":
            yield Failure("session.page", url_without_query, "—")

    def _check_final_page(
        self, visit: Visit, failure_code: str, requested_path: str
    ) -> Iterator[Failure]:
        """Check that the page at the end of the redirects opened without an error.

        On a login page, also check that its CSP allows the redirect to the gateway.

        :param requested_path: The path of the first request.
        """
        status = visit.status
        # With TRAP_HTTP_EXCEPTIONS, Flask raises an HTTPException instead of returning it.
        if isinstance(visit.error, HTTPException):
            status = visit.error.code or 500
        elif visit.error is not None:
            yield build_exception_failure(visit.error, "200")
            return
        if status == 404 and visit.endpoint is None:
            # A 404 for a path that the app has no route for is not a failure, because another app
            # on the host or a single-page app may serve the path.
            self.notes.append(Note(f"check.note.{failure_code}.not_here", requested_path))
        elif status in (401, 403) and failure_code == "notice.button":
            # A button on the page for a refused click may lead to a page that requires a login.
            # Status 401 or 403 of that page is not a failure, because the page tells visitors what
            # to do next.
            return
        elif status >= 300:
            final_path = urlsplit(visit.url).path
            redirect_hint = (
                ""
                if final_path.endswith(requested_path)
                else f" (redirected from {requested_path})"
            )
            yield Failure(failure_code, f"{status} {final_path}{redirect_hint}", "200")
        elif failure_code == "login.page":
            # Chromium applies the CSP directive form-action to each redirect after the login form,
            # too. Therefore, the directive must allow the gateway.
            gateway_url = resolve_link(self._site.origin, self._site.gateway_root_url)
            sources = find_blocking_directive(
                visit.page, Element({}), "form", gateway_url, self._site.origin
            )
            if sources is not None:
                yield Failure("policy.form", sources, gateway_url)

    def check_stylesheet_and_script(self, page_url: str, page: ParsedPage) -> Iterator[Failure]:
        """Check that a page's CSP allows the extension's stylesheet and script, and that both load.

        :param page_url: The absolute URL of the page.
        """
        for kind, element, url in page_checks.iter_extension_assets(self._site, page_url, page):
            sources = find_blocking_directive(page, element, kind, url, self._site.origin)
            if sources is not None:
                yield Failure(f"policy.{kind}", sources, "'self'")
            if url in self._opened_urls:
                continue
            self._opened_urls.add(url)
            visit = self._site_client.open_page(get_path_and_query(url), PHONE, "nobody")
            response = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
            if not response.startswith(_EXPECTED_ASSET_RESPONSES[kind]):
                yield Failure(kind, response, _EXPECTED_ASSET_RESPONSES[kind][0])


def find_possible_qr_codes(page: ParsedPage, urls_by_svg: dict[str, str]) -> list[tuple[bool, str]]:
    """Return for each possible QR code on a page whether the extension drew it, and its URL.

    Each SVG with a path may be a QR code. The bool is True if the extension drew the SVG.

    :param urls_by_svg: The URLs of the QR codes that were drawn, by their SVG. The returned URL of
        any other code is "".
    """
    urls_by_path = {
        path: url for svg, url in urls_by_svg.items() for path in ParsedPage(svg).svgs[0].svg_paths
    }
    return [
        (
            "xiebao-qr" in svg.classes,
            next((urls_by_path[p] for p in paths if p in urls_by_path), ""),
        )
        for svg in page.svgs
        if (paths := svg.svg_paths)
    ]


def build_exception_failure(error: BaseException, expected: str = "—") -> Failure:
    """Return a failure with the class of an exception and the source line in which it occurred.

    The message of the exception is left out unless it is certain to contain nothing private.
    """
    code = (
        "crash"
        if is_message_free_of_secrets(error) or find_error_location_in_site(error)
        else "crash.library"
    )
    code = "aborts" if isinstance(error, HTTPException) else code
    return Failure(code, describe_exception(error), expected)


def is_redirected_to_other_host(site: Site, visit: Visit) -> bool:
    """Return True if the response redirects to another host than the site's."""
    location = visit.location
    return (
        is_parsable_url(location)
        and bool(urlsplit(location).netloc)
        and not site.has_site_host(location)
    )


def get_path_and_query(url: str) -> str:
    """Return the path and the query of a URL, without scheme, host and fragment."""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
