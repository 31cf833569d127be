"""Has a player do what a case says, follows what comes as people would, and judges it."""

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
from .causes import find_cause_of_unreached_view, format_site_hooks
from .csp import find_blocking_sources
from .devices import DEVICES, Device
from .html_parser import Element, ParsedPage
from .response_checks import LOGIN_REDIRECT_STATUSES, OUTCOME_STATUSES, REFUSAL_STATUSES, Failure
from .results import Note, Result, get_expected_outcome_and_platform
from .site import Site, encode_url_like_browser, is_parsable_url, resolve_link, strip_query
from .site_client import PHONE, SiteClient
from .visits import Visit, describe_exception, is_message_public

# Redirects that are followed to a page.
_MAX_REDIRECTS = 5
# What comes of a stylesheet, and of a script, which systems call differently.
_EXPECTED_ASSET_RESPONSES = {
    "style": ("200 text/css",),
    "script": ("200 text/javascript", "200 application/javascript"),
}


class CaseRunner:
    """Says what is wrong with what comes of cases.

    :ivar notes: what has to be known beside that.
    """

    #: The entry of the link that is judged now.
    _clicked_entry: Entry

    def __init__(self, site_client: SiteClient) -> None:
        self._site_client = site_client
        self._site = site_client.site
        self._opened_urls: set[str] = set()
        self._final_location = ""
        self.notes: list[Note] = []
        # Both phones and PCs are sent there, or a hook sends some away.
        self._cached_is_every_device_redirected_to = cache(self._are_all_devices_redirected_to)

    def run_case(self, case: Case, device: Device, link: str | None = None) -> Result:
        """Return what came of a case, and what is wrong with that.

        :param link: the one that is clicked; by default the case's own is made.
        """
        try:
            link = self._site_client.build_case_link(case) if link is None else link
            self._clicked_entry = parse_token_without_verifying(
                urlsplit(link).path.rpartition("/")[2]
            )
            asked = f"{link}?{case.query}" if case.query else link
            visit = self._site_client.visit_link(case, device, asked, login_next=asked)
            self._final_location = visit.location
            failures = list(self._check_response(case, device, asked, visit))
            location = response_checks.mask_location(self._site, self._final_location)
            result = Result(case, device, visit.status, location, failures=failures)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook may even exit
            result = Result(case, device, failures=[build_exception_failure(error)])
        return replace(result, failures=self.add_suspected_hooks(result.failures))

    def add_suspected_hooks(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return failures that name the hooks of the site's that may be the cause."""
        return [
            replace(
                each,
                suspects=format_site_hooks(self._site_client.app, each.hook) if each.hook else "",
            )
            for each in failures
        ]

    def _follow_and_check_link(
        self, case: Case, device: Device, link: str, step: str
    ) -> Iterator[Failure]:
        """Judge what comes of a link to which a click has led."""
        visit = self._site_client.visit_link(case, device, link)
        if step == "direct":
            self._final_location = visit.location
        for failure in self._check_response(case, device, link, visit, step):
            yield replace(failure, step=step)

    def _check_response(
        self, case: Case, device: Device, requested_link: str, visit: Visit, step: str = ""
    ) -> Iterator[Failure]:
        ends, platform = get_expected_outcome_and_platform(case, device)
        status = self._get_expected_status(ends, visit)
        wrong = self._find_blocking_failure(case, ends, visit, status)
        if wrong is not None:
            yield wrong
            return
        yield from response_checks.check_no_secret_leaks(
            self._site, visit, expects_gateway_redirect=ends == "gateway"
        )
        if not status:
            return
        yield from response_checks.check_privacy_headers(visit)
        yield from response_checks.check_no_token_leaks(self._site, visit)
        if visit.status != status:
            yield self._build_status_failure(case, ends, visit, status)
            return
        if ends == "gateway":
            who = self._clicked_entry.member or self._site_client.members[MEMBER]
            yield from response_checks.check_gateway_redirect(
                self._site, self._clicked_entry, who, platform, visit
            )
            if not step:
                yield from self._check_payment_return(case, device, visit)
        elif ends == "handoff" and case.method != "HEAD":  # which has no page
            yield from self._check_handoff_page(
                case, device, requested_link.partition("?")[0], visit
            )
        elif ends == "login":
            yield from response_checks.check_login_redirect(self._site, requested_link, visit)
            yield from self.check_page_opens(visit.location, "nobody", "login.page")
        elif ends == "navigate":
            yield from response_checks.check_navigation_page(requested_link, visit)
        elif ends == "back":
            yield from response_checks.check_return_redirect(self._clicked_entry, visit)
        elif ends in REFUSAL_STATUSES:
            yield from response_checks.check_refusal_response(self._site, case, ends, visit)
            yield from self._check_refusal_buttons(case, visit)
        for fault in visit.rehearsal.nonfatal_error_messages:
            yield Failure("receiver", fault, "—")

    def _find_blocking_failure(
        self, case: Case, expected_outcome: str, visit: Visit, expected_status: int
    ) -> Failure | None:
        """Return why there is no answer of the extension's to look at; None where there is one."""
        refusal = visit.rehearsal.refusal
        if (
            refusal is not None
            and refusal.reason == "not_allowed"
            and expected_outcome != "not_allowed"
        ):
            came = f"{visit.status} {refusal.reason}"  # however it says no
            return Failure("guard", came, str(expected_status))
        error: BaseException | None = visit.rehearsal.view_error  # which a handler may hide
        is_logins = isinstance(error, HTTPException) and refusal is not None  # it may abort
        error = visit.error if is_logins or isinstance(error, EarlyResponseError | None) else error
        if error is not None:
            return build_exception_failure(error, str(expected_status or "—"))
        if not is_parsable_url(visit.location):
            return Failure("address", visit.location, "https://…")
        if not expected_status:
            return None
        if not visit.rehearsal.has_reached_view:
            return self.build_unreached_view_failure(
                visit, case.endpoint, f"{expected_status} ({case.endpoint})"
            )
        if self._is_login_lost(case, expected_outcome, visit):
            return Failure("session", f"{visit.status} login_required", str(expected_status))
        return None

    def _build_status_failure(
        self, case: Case, expected_outcome: str, visit: Visit, expected_status: int
    ) -> Failure:
        """Return the failure of an answer whose status is not the right one."""
        reason = visit.rehearsal.refusal.reason if visit.rehearsal.refusal else ""
        code = f"status.{visit.status}"
        if (
            visit.status in LOGIN_REDIRECT_STATUSES
            and expected_status not in LOGIN_REDIRECT_STATUSES
        ):
            code = "status" if reason else "status.302"  # nobody was let through
        if reason == "invalid_link" != expected_outcome:
            code = "page.another_key" if case.page else "unreached.path"
        return Failure(code, f"{visit.status} {reason}".strip(), str(expected_status))

    def _get_expected_status(self, expected_outcome: str, visit: Visit) -> int:
        """Return the status that has to come; 0 where that is up to the site."""
        if expected_outcome == "login" and visit.status in LOGIN_REDIRECT_STATUSES:
            return visit.status
        if expected_outcome == "login" and self._site.settings.login_view is None:
            return 0  # a handler of the site's own for Flask-Login
        return {**REFUSAL_STATUSES, **OUTCOME_STATUSES, "loader": 0}[expected_outcome]

    def _is_login_lost(self, case: Case, expected_outcome: str, visit: Visit) -> bool:
        """Tell whether the site has forgotten at the click who is logged in."""
        refusal = visit.rehearsal.refusal
        is_members = self._site_client.has_real_login and case.visitor == "member"
        is_nobody = refusal is not None and refusal.cause in ("login_required", "expired")
        return is_members and is_nobody and expected_outcome != "back"

    def build_unreached_view_failure(self, visit: Visit, endpoint: str, expected: str) -> Failure:
        """Return the failure of a click that something else than the extension's view answered.

        :param endpoint: whose view it is.
        """
        if visit.error is not None:
            return build_exception_failure(visit.error, expected)
        cause = find_cause_of_unreached_view(visit, endpoint)
        by = f"({visit.endpoint})" if cause.code == "view" else ""
        at = strip_query(visit.location)
        code = cause.code
        if code == "host" and not self._cached_is_every_device_redirected_to(
            urlsplit(visit.location).netloc
        ):
            code = "elsewhere"
        came = " ".join(filter(None, (str(visit.status), at, by)))
        return Failure(f"unreached.{code}", came, expected, values=cause.values)

    def _are_all_devices_redirected_to(self, host: str) -> bool:
        """Tell whether phones and PCs alike are sent to a host."""
        nowhere = self._site_client.invalid_link_url
        visits = [
            self._site_client.open_page(nowhere, DEVICES[name], "nobody")
            for name in ("iphone", "pc")
        ]
        return all(urlsplit(each.location).netloc == host for each in visits)

    def _check_payment_return(self, case: Case, device: Device, visit: Visit) -> Iterator[Failure]:
        """Judge by what a payment comes back, and come back, logged in or not."""
        url = evaluate_url(visit.location, self._site.account).pay_success
        if url is None or case.page:
            return
        if not self._is_on_public_url(url):
            yield Failure("way_back.host", strip_query(url), self._site.external_url)
            return
        for visitor in ("member", "nobody"):
            back = replace(case, expected_outcome="back", visitor=visitor, query="", platform=None)
            yield from self._follow_and_check_link(back, device, strip_origin(url), "return")

    def _is_on_public_url(self, url: str) -> bool:
        """Tell whether a URL is one of the site's as links have it that leave the site."""
        return encode_url_like_browser(url).startswith(f"{self._site.external_url}/")

    def _check_handoff_page(
        self, case: Case, device: Device, link: str, visit: Visit
    ) -> Iterator[Failure]:
        """Judge the code of a handoff, scan it, and take the way of tablets."""
        codes = [
            url for _, url in find_qr_codes(visit.page, visit.rehearsal.qr_code_urls_by_svg) if url
        ]
        plain = replace(
            case, expected_outcome="gateway", query="", headers={}, platform="1", calls_guard=False
        )
        if len(codes) != 1:  # a site may show others, such as that by which one follows it
            yield Failure("handoff.code", str(len(codes)), "1")
        elif not self._is_on_public_url(codes[0]):
            yield Failure("handoff.host", strip_query(codes[0]), self._site.external_url)
        else:
            scan = replace(plain, visitor="nobody")
            yield from self._follow_and_check_link(scan, PHONE, strip_origin(codes[0]), "scan")
        hrefs = (found.href for found in visit.page.links)
        direct = next((h for h in hrefs if h.startswith(link) and "platform=h5" in h), None)
        if direct is None:
            yield Failure("handoff.direct", "<a>: —", f"{link}?platform=h5")
        else:
            yield from self._follow_and_check_link(plain, device, direct, "direct")

    def _check_refusal_buttons(self, case: Case, visit: Visit) -> Iterator[Failure]:
        """Judge whether the buttons of a notice say something, and lead somewhere."""
        yield from self.check_assets(visit.url, visit.page)
        for element, href in page_checks.iter_links(visit.url, visit.page):
            if not any(name.startswith("xiebao-entry") for name in element.classes):
                continue
            if not element.text.strip() or element.href in ("", "#"):
                yield Failure("notice.button", f"<a href={element.href or '—'}>", "<a href=…>…</a>")
            else:
                yield from self.check_page_opens(href, case.visitor, "notice.button")

    def check_page_opens(self, url: str, visitor: Visitor, failure_code: str) -> Iterator[Failure]:
        """Judge whether a page of the site opens, once for each, to which somebody is sent.

        :param url: a whole one, or one from the server's root.
        :param code: of the failure, if it does not.
        """
        whole = resolve_link(f"{self._site.url}/", url)
        at = strip_query(whole)
        # A login gets another link each time; an order is another page.
        seen = f"{visitor} {whole if failure_code == 'way_back' else at}"
        if seen in self._opened_urls or at in self._opened_urls:
            return
        self._opened_urls.add(at if failure_code == "login.page" else seen)
        for _ in range(_MAX_REDIRECTS):
            if not self._site.is_site_url(whole):
                self.notes.append(Note(f"check.note.{failure_code}.elsewhere", strip_query(whole)))
                return
            visit = self._site_client.open_page(strip_origin(whole), PHONE, visitor)
            yield from response_checks.check_no_secret_leaks(self._site, visit)
            if not visit.location:
                break
            whole = resolve_link(whole, visit.location)
        yield from self._check_final_page(visit, failure_code, urlsplit(at).path)

    def _check_final_page(
        self, visit: Visit, failure_code: str, requested_path: str
    ) -> Iterator[Failure]:
        """Judge the page to which somebody is sent in the end.

        :param at: the path to which they were sent first.
        """
        status = visit.status
        if isinstance(visit.error, HTTPException):  # which a site may trap
            status = visit.error.code or 500
        elif visit.error is not None:
            yield build_exception_failure(visit.error, "200")
            return
        if status == 404 and visit.endpoint is None:
            # A sibling's, or a single-page app's: nothing here knows what it answers.
            self.notes.append(Note(f"check.note.{failure_code}.not_here", requested_path))
        elif (
            status in (401, 403) and failure_code == "notice.button"
        ):  # a wall, which has its own way on
            return
        elif status >= 300:
            came = f"{status} {urlsplit(visit.url).path}"
            yield Failure(
                failure_code,
                came
                if came.endswith(requested_path)
                else f"{came} (redirected from {requested_path})",
                "200",
            )
        elif failure_code == "login.page":
            gateway = resolve_link(self._site.origin, self._site.gateway_root_url)
            sources = find_blocking_sources(
                visit.page, Element({}), "form", gateway, self._site.origin
            )
            if sources is not None:
                yield Failure("policy.form", sources, gateway)

    def check_assets(self, page_url: str, page: ParsedPage) -> Iterator[Failure]:
        """Judge whether a page's policy lets the stylesheet and the script in, and they are there.

        :param whole: the URL of the page.
        """
        for kind, element, url in page_checks.iter_assets(self._site, page_url, page):
            sources = find_blocking_sources(page, element, kind, url, self._site.origin)
            if sources is not None:
                yield Failure(f"policy.{kind}", sources, "'self'")
            if url in self._opened_urls:
                continue
            self._opened_urls.add(url)
            visit = self._site_client.open_page(strip_origin(url), PHONE, "nobody")
            came = f"{visit.status} {visit.headers.get('Content-Type', '—')}"
            if not came.startswith(_EXPECTED_ASSET_RESPONSES[kind]):
                yield Failure(kind, came, _EXPECTED_ASSET_RESPONSES[kind][0])


def find_qr_codes(page: ParsedPage, urls_by_svg: dict[str, str]) -> list[tuple[bool, str]]:
    """Return of the QR codes on a page whether each is the extension's, and what it says.

    :param drawn: the codes that were drawn, and what they say; "" is said of others.
    """
    by_path = {
        path: url for svg, url in urls_by_svg.items() for path in ParsedPage(svg).svgs[0].svg_paths
    }
    return [
        ("xiebao-qr" in drawing.classes, next((by_path[p] for p in paths if p in by_path), ""))
        for drawing in page.svgs
        if (paths := drawing.svg_paths)
    ]


def build_exception_failure(error: BaseException, expected: str = "—") -> Failure:
    """Return the failure of something that raised: where, and not what it says."""
    code = (
        "crash"
        if is_message_public(error) or find_error_location_in_site(error)
        else "crash.library"
    )
    code = "aborts" if isinstance(error, HTTPException) else code
    return Failure(code, describe_exception(error), expected)


def is_redirected_to_other_host(site: Site, visit: Visit) -> bool:
    """Tell whether an answer leads to another host than the site's."""
    to = visit.location
    return is_parsable_url(to) and bool(urlsplit(to).netloc) and not site.is_site_host(to)


def strip_origin(url: str) -> str:
    """Return a URL of the site from the server's root."""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
