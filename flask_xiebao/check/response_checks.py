"""Checks of a response. Each check compares actual with expected values and yields the failures.

The expected values are imported from the package, because the check looks for changes that the site
makes to the responses. Only :mod:`.simulator.document`, which reads a URL as Xiebao does, is
independent of the package.

A rule exists if there is a text ``check.means.<rule>``, which explains its failures. A failure
belongs to the rule with the longest name that begins its code. :class:`.SecretMasker` masks the
values of failures before they are reported.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from werkzeug.urls import iri_to_uri

from ..app.headers import PRIVACY_HEADERS, is_cache_control_override
from ..deprecated import DeprecatedAlias
from ..gateway.values import KEY_PREFIX_LENGTH
from ..links.access_rules import REFUSALS
from ..links.tokens import Entry, find_tokens
from ..simulator.document import evaluate_url, mask_signature_value
from ..texts import get_text, get_text_keys
from .cases import Case
from .causes import append_suspected_hooks
from .log_capture import get_log_record_place_and_text
from .masking import iter_text_and_base64_decodings
from .site import Site, encode_url_like_browser, strip_query
from .visits import Visit

# The Cache-Control directive no-store, and the directives that no-store makes redundant.
_DIRECTIVES_BESIDE_NO_STORE = {
    "no-store",
    "no-cache",
    "private",
    "must-revalidate",
    "proxy-revalidate",
    "max-age=0",
}

#: A mapping from each reason for refusing a click to the HTTP status of the response.
REFUSAL_STATUSES = {refusal.reason: refusal.status for refusal in REFUSALS.values()}
#: A mapping from the outcomes of clicks, except refusals, to the HTTP statuses of the responses.
OUTCOME_STATUSES = {
    "gateway": 302,
    "handoff": 200,
    "login": 302,
    "navigate": 200,
    "back": 302,
}
#: The statuses with which a site may redirect to its login. Flask 3.2 redirects with 303.
LOGIN_REDIRECT_STATUSES = (302, 303, 307)
# A mapping from failure codes to the type of request hook that may cause such a failure. A key is a
# failure's code, or the part of the code before the first dot.
_SUSPECTED_HOOK_TYPES = {
    "unreached": "before_request",
    **dict.fromkeys(("status", "header", "address", "parameter", "body", "back"), "after_request"),
    "notice.heading": "after_request",
    "crash.library": "after_request",
}


@dataclass(frozen=True)
class Failure:
    """A difference between an actual and an expected value in a response, a page or a setting.

    :param code: The key under which the texts explain the failure, and the rule that ``--ignore``
        names.
    :param actual: The actual value.
    :param expected: The expected value.
    :param step: The key of the step at which the failure was found, or "" for the click itself.
    :param suspects: The names of the site's request hooks that may be the cause.
    :param values: The values for the placeholders of the text.
    """

    code: str
    actual: str
    expected: str
    step: str = ""
    suspects: str = field(default="", compare=False)
    values: Mapping[str, str] = field(default_factory=dict, compare=False)

    # Deprecated names
    came = DeprecatedAlias("actual")
    should = DeprecatedAlias("expected")
    said_in = DeprecatedAlias("message_in")
    came_in = DeprecatedAlias("actual_value_in")
    step_in = DeprecatedAlias("step_name_in")
    means_in = DeprecatedAlias("meaning_in")

    def __str__(self) -> str:
        return self.message_in("en")

    def message_in(self, locale: str) -> str:
        """Return the meaning of the failure, followed by the actual and the expected value."""
        return get_text(
            locale,
            "check.failure",
            meaning=self.meaning_in(locale),
            actual=self.actual_value_in(locale).rstrip("."),
            expected=self.expected,
        )

    def actual_value_in(self, locale: str) -> str:
        """Return the actual value. If a step after the click failed, add the name of the step.

        The step is, for example, the scan of the QR code.
        """
        step = self.step_name_in(locale)
        return (
            get_text(locale, "check.report.at_step", actual=self.actual, step=step)
            if step
            else self.actual
        )

    @property
    def hook(self) -> str:
        """The request hook that may cause the failure, such as ``before_request``, or ""."""
        return _SUSPECTED_HOOK_TYPES.get(self.code) or _SUSPECTED_HOOK_TYPES.get(
            self.code.partition(".")[0], ""
        )

    def step_name_in(self, locale: str) -> str:
        """Return the name of the step at which the failure occurred, or "" for the click itself."""
        return get_text(locale, f"check.step.{self.step}") if self.step else ""

    @property
    def rule(self) -> str:
        """The name of the rule that the failure belongs to, as used by ``--ignore``.

        It is the longest beginning of the failure code for which an explanation exists.
        """
        parts = self.code.split(".")
        rules = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((rule for rule in rules if f"check.means.{rule}" in get_text_keys()), self.code)

    def meaning_in(self, locale: str) -> str:
        """Return what the failure means for the site and what to do."""
        meaning = get_text(locale, f"check.means.{self.rule}", **self.values)
        return append_suspected_hooks(meaning, locale, self.hook, self.suspects)


def check_response_headers(visit: Visit) -> Iterator[Failure]:
    """Check the headers that keep a response from caches, search engines, other sites and frames.

    A page also needs ``nosniff`` and ``frame-ancestors``; a redirect does not.
    """
    headers = visit.headers
    for name, expected in PRIVACY_HEADERS:
        actual = ", ".join(headers.getlist(name))
        if actual != expected and not (expected == "no-store" and _is_storing_forbidden(actual)):
            yield _build_header_failure(name, actual, expected)
    for name, value in headers:
        if is_cache_control_override(name.lower()):
            yield Failure("header.cache-control", f"{name}: {value}", f"{name}: —")
        elif name.lower() == "refresh":
            yield Failure("header.refresh", f"{name}: {strip_query(value)}", f"{name}: —")
    if visit.location:
        return
    content_type_options = headers.get("X-Content-Type-Options", "")
    if content_type_options != "nosniff":
        yield _build_header_failure(
            "X-Content-Type-Options", content_type_options, "nosniff", "header.nosniff"
        )
    policy = ", ".join(headers.getlist("Content-Security-Policy"))
    if "frame-ancestors" not in policy.lower():
        yield _build_header_failure(
            "Content-Security-Policy", policy, "frame-ancestors …", "header.frames"
        )


def _is_storing_forbidden(cache_control: str) -> bool:
    """Return True if a Cache-Control value forbids storing the response.

    Directives may be repeated. Beside no-store, only directives that change nothing are allowed.
    """
    directives = {directive.strip().lower() for directive in cache_control.split(",")}
    return "no-store" in directives <= _DIRECTIVES_BESIDE_NO_STORE


def _build_header_failure(name: str, actual: str, expected: str, code: str = "") -> Failure:
    """Return the failure for a wrong header. The default failure code is ``header.<name>``."""
    code = code or f"header.{name.lower()}"
    return Failure(code, f"{name}: {actual or '—'}", f"{name}: {expected}")


def check_no_secret_leaks(
    site: Site, visit: Visit, *, expects_gateway_redirect: bool = False
) -> Iterator[Failure]:
    """Check that the response and the log contain no API key and no signature of a gateway URL.

    Only a Location header with the URL of a gateway page may contain the signature (``sign``).

    :param expects_gateway_redirect: True if the response must redirect to the gateway. If it
        redirects elsewhere, another check reports that.
    """
    texts = [("body", visit.text)]
    texts += [
        (f"log ({place})", text)
        for place, text in map(get_log_record_place_and_text, visit.rehearsal.log_records)
    ]
    texts += [(name, value) for name, value in visit.headers if name != "Location"]
    if not expects_gateway_redirect and not site.is_gateway_page(visit.location):
        texts.append(("Location", visit.location))
    for name, text in texts:
        decodings = list(iter_text_and_base64_decodings(text))
        for secret, mask in (("sign", site.account.mask_signature), ("API key", site.mask_api_key)):
            if any(mask(decoding) != decoding for decoding in decodings):
                yield Failure("secret", f"{name}: {secret}", f"{name}: —")


def check_no_token_for_other_hosts(site: Site, visit: Visit) -> Iterator[Failure]:
    """Check that a page does not send the token of the visited link to another host.

    The page would send it in a URL that a browser loads without a click, such as an image's.
    """
    tokens = find_tokens(unquote(visit.url))
    for url in visit.page.auto_loaded_urls:
        if not site.has_site_host(url) and any(token in unquote(url) for token in tokens):
            yield Failure("told", strip_query(url), "—")


def check_gateway_redirect(
    site: Site, entry: Entry, member: str, platform: str, visit: Visit
) -> Iterator[Failure]:
    """Check the gateway URL to which a click redirects, and that the response has no body.

    The address and each parameter are compared with the URL that the package builds, and Xiebao
    must accept the parameters. A parameter that differs is not reported twice.

    :param entry: The entry of the link that was clicked.
    :param member: The member who follows the link.
    :param platform: The expected ``platform`` code of the interface document.
    """
    expected_url = site.get_gateway_url(entry, member, platform)
    address, expected_address = strip_query(visit.location), strip_query(expected_url)
    if address != expected_address:
        # If the URL without its query is wrong, do not compare the parameters.
        yield Failure("address", address or "—", expected_address)
        return
    actual, expected = (
        parse_qs(urlsplit(url).query, keep_blank_values=True)
        for url in (visit.location, expected_url)
    )
    # The paySuccess parameter contains a new token at each click, so accept any value.
    if entry.return_to is not None:
        expected["paySuccess"] = actual.get("paySuccess", ["…"])
    different = sorted(
        name for name in {*actual, *expected} if actual.get(name) != expected.get(name)
    )
    for name in different:
        actual_value, expected_value = (
            f"{name}={_join_masked_parameter_values(site, name, parameters.get(name))}"
            for parameters in (actual, expected)
        )
        yield Failure(f"parameter.{name}", actual_value, expected_value)
    # Report only problems with query parameters. Ignore problems with the rest of the URL, because
    # it may differ from Xiebao's own URLs on purpose if XIEBAO_BASE_URL is set.
    reported = {None, *map(site.account.mask_signature, different)}
    for problem in evaluate_url(visit.location, site.account, extra_parameters=expected).problems:
        if (parameter := problem.parameter) not in reported:
            code = f"{parameter}: {problem.code}"
            yield Failure(f"parameter.{parameter}", code, f"{parameter}: —")
    # By default, the body of a redirect repeats the target URL, and a gateway URL contains the
    # signature. So the body must be empty.
    if visit.body:
        yield Failure("body", f"{len(visit.body)} bytes", "0 bytes")


def _join_masked_parameter_values(site: Site, name: str, values: Iterable[str] | None) -> str:
    """Return the masked values of a parameter, separated by commas, or "—" if there are none."""
    return (
        ", ".join(_mask_parameter_value(site, name, value) or '""' for value in values or ()) or "—"
    )


def _mask_parameter_value(site: Site, name: str, value: str) -> str:
    """Return the value of a gateway parameter, with secrets masked.

    Secrets are the ``sign``, the return URL and the key prefix of a member. A reader of the report
    could open a member's account with the sign and the complete member key.
    """
    if name == "sign":
        return value if "…" in value or "*" in value else mask_signature_value(value, site.account)
    if name == "paySuccess":
        return "…"
    if name == "partnerUniqKey":
        return f"…{quote(value[KEY_PREFIX_LENGTH:])}" if site.has_member_secret else quote(value)
    return quote(value)


def mask_location(site: Site, location: str) -> str:
    """Return the URL of a Location header with its secrets masked, so that a report can show it.

    The query of a gateway page is masked. Any other URL is returned without its query.
    """
    address = strip_query(location)
    if not site.is_gateway_page(location):
        return address
    parameters = evaluate_url(location, site.account).parameters
    masked = [f"{name}={_mask_parameter_value(site, name, value)}" for name, value in parameters]
    return f"{address}?{'&'.join(masked)}" if masked else address


def check_return_link_redirect(entry: Entry, visit: Visit) -> Iterator[Failure]:
    """Check that a return link, the link back from payment, redirects to the right page.

    That page is the ``return_to`` of the entry, or "/" if the entry has none.
    """
    expected = iri_to_uri(entry.return_to or "/")
    if visit.location != expected:
        yield Failure("back", visit.location, expected)


def check_login_redirect(site: Site, link: str, visit: Visit) -> Iterator[Failure]:
    """Check that a response redirects to the login with the link as ``next``.

    :param visit: The visit to the link. Its ``probe_result`` is the URL of the login. It is None if
        Flask-Login or the site chooses the response. Then ``next`` may be missing.
    """
    login_url = visit.probe_result or ""
    actual, expected = (
        encode_url_like_browser(strip_query(visit.location)),
        encode_url_like_browser(strip_query(login_url)),
    )
    if login_url and actual != expected:
        yield Failure("login", actual, expected)
    if site.is_gateway_page(visit.location):
        yield Failure("login", actual, "—")
    next_urls = parse_qs(urlsplit(visit.location).query).get("next", [])
    # If Flask-Login or the site builds the redirect to the login, the "next" parameter may be an
    # absolute URL. So compare only the path and query of that URL.
    if not login_url:
        next_urls = [urlsplit(url)._replace(scheme="", netloc="").geturl() for url in next_urls]
    if (next_urls or login_url) and next_urls != [link]:
        yield Failure("login.next", f"next: {', '.join(next_urls) or '—'}", f"next: {link}")


def check_next_is_kept(visits: list[Visit]) -> Iterator[Failure]:
    """Check that redirects from one login page to another keep the page to return to.

    Nothing is known if a response sets a cookie, because the site may store the page in a session.

    :param visits: The visit to the login, and the visits to which it redirected.
    """
    first, last = visits[0], visits[-1]
    next_url = parse_qs(urlsplit(first.url).query).get("next", [""])[0]
    is_kept = next_url in unquote(unquote(last.url)) or next_url in html.unescape(last.text)
    sets_cookie = any("Set-Cookie" in visit.headers for visit in visits)
    if len(visits) > 1 and last.status == 200 and not (is_kept or sets_cookie):
        yield Failure("login.next", f"{urlsplit(last.url).path}: next: —", f"next: {next_url}")


def check_refusal_response(site: Site, case: Case, reason: str, visit: Visit) -> Iterator[Failure]:
    """Check the response to a refused click.

    It must be JSON if the client accepts JSON, otherwise a page with a heading. The heading must be
    the extension's if it is the same for every visitor, unless the site has templates of its own. A
    refusal must not redirect.
    """
    if "json" in case.headers.get("Accept", ""):
        expected, actual = {"status": visit.status, "reason": reason}, _get_json_object(visit)
        if actual != expected:
            # Show a value only if it is the expected value, because an unexpected value may be
            # private.
            shown = {key: value for key, value in actual.items() if expected.get(key) == value}
            yield Failure("json", f"{shown or '…'}", str(expected))
    elif not visit.headers.get("Content-Type", "").startswith("text/html") or not visit.body:
        yield Failure("notice", visit.headers.get("Content-Type", "—"), "text/html")
    elif not visit.location:
        heading = " ".join(each.text for each in visit.page.headings).strip()
        title = site.find_locale_independent_text(f"notice.{reason}.title")
        is_different = title is not None and title.strip() != heading
        if not heading or (is_different and not site.has_custom_template("notice", "layout")):
            yield Failure("notice.heading", "…" if heading else "—", title or "<h1>…</h1>")
    if visit.location:
        yield Failure("notice", f"Location: {strip_query(visit.location)}", "Location: —")


def _get_json_object(visit: Visit) -> dict[str, Any]:
    """Return the JSON object in the response body, or an empty dict if there is none."""
    try:
        content = json.loads(visit.body)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {}


def check_continue_page(link: str, visit: Visit) -> Iterator[Failure]:
    """Check the page with a "Continue" link, which scripts get instead of the redirect.

    A script such as HTMX or Turbo cannot follow the redirect to the gateway. The page makes the
    browser open the link itself.
    """
    path, _, query = link.partition("?")
    platforms = {part for part in query.split("&") if part.startswith("platform=")}
    expected = "?".join((path, *platforms))
    actual = visit.headers.get("HX-Redirect", "")
    if actual != expected:
        yield _build_header_failure("HX-Redirect", actual, expected, "navigate")
    metas = [
        (meta.get("name") or meta.get("http-equiv"), meta.get("content"))
        for meta in (each.attributes for each in visit.page.metas)
    ]
    for name, content in (("turbo-visit-control", "reload"), ("turbo-cache-control", "no-cache")):
        if (name, content) not in metas:
            yield Failure("navigate", f"<meta name={name}>: —", content)
    refresh_urls = [
        (content or "").partition("url=")[2] for name, content in metas if name == "refresh"
    ]
    if not refresh_urls:
        yield Failure("navigate", "<meta refresh>: —", "0")
    link_urls = [each.href for each in visit.page.links if "go=1" in each.href]
    for url in [*refresh_urls, *link_urls] or ["—"]:
        url_path, _, url_query = url.partition("?")
        if (url_path, set(url_query.split("&"))) != (path, {"go=1", *platforms}):
            yield Failure("navigate", url, "&".join((f"{path}?go=1", *platforms)))
