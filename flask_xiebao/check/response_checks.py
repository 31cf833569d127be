"""Checks of a response. Each compares the actual value with the expected one.

The expected values are imported from the package, because the check looks for what something on the
site changes. Only Xiebao's reading of a URL is independent: :mod:`.simulator.document`.

Each check yields what is wrong. What that means to a site is in :mod:`.texts`, by the
code of the failure. What of it a report may show, :class:`.Mask` knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from werkzeug.urls import iri_to_uri

from ..app.headers import LINK_HEADERS, is_cache_control_override
from ..deprecated import RenamedAttribute
from ..gateway.values import KEY_PREFIX_LENGTH
from ..links.access_rules import REFUSALS
from ..links.tokens import Entry, find_tokens
from ..simulator.document import evaluate_url, mask_sign_value
from ..texts import get_text, get_text_keys
from .cases import Case
from .causes import append_suspected_hooks
from .log_capture import format_log_record
from .masking import iter_base64_decodings
from .site import Site, encode_url_like_browser, strip_query
from .visits import Visit

# Beside no-store, these change nothing.
_DIRECTIVES_BESIDE_NO_STORE = {
    "no-store",
    "no-cache",
    "private",
    "must-revalidate",
    "proxy-revalidate",
    "max-age=0",
}

#: The statuses of refusals, by their reason.
REFUSAL_STATUSES = {refusal.reason: refusal.status for refusal in REFUSALS.values()}
#: And of what else comes.
OUTCOME_STATUSES = {
    "gateway": 302,
    "handoff": 200,
    "login": 302,
    "navigate": 200,
    "back": 302,
}
#: With what a login may answer instead: Flask 3.2 redirects by 303.
LOGIN_REDIRECT_STATUSES = (302, 303, 307)
# The hooks that may have done it, by a failure's code or the first part of it.
_SUSPECTED_HOOK_TYPES = {
    "unreached": "before_request",
    **dict.fromkeys(("status", "header", "address", "parameter", "body", "back"), "after_request"),
    "notice.heading": "after_request",
    "crash.library": "after_request",
}


@dataclass(frozen=True)
class Failure:
    """Something that is not as it should be.

    :param code: the key under which the texts say what it means, and the rule that ``--ignore``
        names.
    :param came: what came.
    :param should: what should have come.
    :param step: where it showed, by its key in the texts, if not at the click itself.
    :param suspects: the names of the site's hooks that may have done it.
    :param values: what its text names.
    """

    code: str
    actual: str
    expected: str
    step: str = ""
    suspects: str = field(default="", compare=False)
    values: Mapping[str, str] = field(default_factory=dict, compare=False)

    # Deprecated names
    came = RenamedAttribute("actual")
    should = RenamedAttribute("expected")
    said_in = RenamedAttribute("message_in")
    came_in = RenamedAttribute("actual_value_in")
    step_in = RenamedAttribute("step_name_in")
    means_in = RenamedAttribute("meaning_in")

    def __str__(self) -> str:
        return self.message_in("en")

    def message_in(self, locale: str) -> str:
        """Return what is wrong, what to do, and what came."""
        said = {"means": self.meaning_in(locale), "came": self.actual_value_in(locale).rstrip(".")}
        return get_text(locale, "check.failure", **said, should=self.expected)

    def actual_value_in(self, locale: str) -> str:
        """Return what came, and where, if not at the click itself."""
        step = self.step_name_in(locale)
        return (
            get_text(locale, "check.report.at_step", came=self.actual, step=step)
            if step
            else self.actual
        )

    @property
    def hook(self) -> str:
        """The kind of hook that may have done it, such as ``before_request``; "" for none."""
        return _SUSPECTED_HOOK_TYPES.get(self.code) or _SUSPECTED_HOOK_TYPES.get(
            self.code.partition(".")[0], ""
        )

    def step_name_in(self, locale: str) -> str:
        """Say at which step it showed; "" for the click itself."""
        return get_text(locale, f"check.step.{self.step}") if self.step else ""

    @property
    def rule(self) -> str:
        """The code as far as there is a text for it, which is what ``--ignore`` names."""
        parts = self.code.split(".")
        rules = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((rule for rule in rules if f"check.means.{rule}" in get_text_keys()), self.code)

    def meaning_in(self, locale: str) -> str:
        """Return what it means to the site, and what to do."""
        means = get_text(locale, f"check.means.{self.rule}", **self.values)
        return append_suspected_hooks(means, locale, self.hook, self.suspects)


def check_privacy_headers(visit: Visit) -> Iterator[Failure]:
    """Check that caches, other sites and search engines are told to leave an answer alone."""
    headers = visit.headers
    for name, value in LINK_HEADERS:
        came = ", ".join(headers.getlist(name))
        if came != value and not (value == "no-store" and _is_storing_forbidden(came)):
            yield _build_header_failure(name, came, value)
    for name, value in headers:
        if is_cache_control_override(name.lower()):
            yield Failure("header.cache-control", f"{name}: {value}", f"{name}: —")
        elif name.lower() == "refresh":
            yield Failure("header.refresh", f"{name}: {strip_query(value)}", f"{name}: —")
    if visit.location:  # there is no page
        return
    if headers.get("X-Content-Type-Options") != "nosniff":
        name = "X-Content-Type-Options"
        yield _build_header_failure(name, headers.get(name, ""), "nosniff", "header.nosniff")
    policy = ", ".join(headers.getlist("Content-Security-Policy"))
    if "frame-ancestors" not in policy.lower():
        yield _build_header_failure(
            "Content-Security-Policy", policy, "frame-ancestors …", "header.frames"
        )


def _is_storing_forbidden(cache_control: str) -> bool:
    """Tell whether a Cache-Control says that nothing keeps the answer, however often it does."""
    directives = {directive.strip().lower() for directive in cache_control.split(",")}
    return "no-store" in directives <= _DIRECTIVES_BESIDE_NO_STORE


def _build_header_failure(name: str, actual: str, expected: str, code: str = "") -> Failure:
    """Return the failure of a header."""
    code = code or f"header.{name.lower()}"
    return Failure(code, f"{name}: {actual or '—'}", f"{name}: {expected}")


def check_no_secret_leaks(
    site: Site, visit: Visit, *, expects_gateway_redirect: bool = False
) -> Iterator[Failure]:
    """Check that the sign is where the browser is sent, and nowhere else, and the API key nowhere.

    :param away: whether it has to be sent to the gateway; that it is sent elsewhere is another
        matter.
    """
    places = {"body": visit.text}
    places |= {
        f"log ({where})": said
        for where, said in map(format_log_record, visit.rehearsal.log_records)
    }
    places |= {name: value for name, value in visit.headers if name != "Location"}
    if not expects_gateway_redirect and not site.is_gateway_page(visit.location):
        places["Location"] = visit.location
    for name, said in places.items():
        read = list(iter_base64_decodings(said))
        for what, hide in (("sign", site.account.mask_sign_in), ("API key", site.mask_api_key)):
            if any(hide(reading) != reading for reading in read):
                yield Failure("secret", f"{name}: {what}", f"{name}: —")


def check_no_token_leaks(site: Site, visit: Visit) -> Iterator[Failure]:
    """Check that a page tells no other host the link by which somebody came."""
    tokens = find_tokens(unquote(visit.url))
    for url in visit.page.auto_loaded_urls:
        if not site.is_site_host(url) and any(token in unquote(url) for token in tokens):
            yield Failure("told", strip_query(url), "—")


def check_gateway_redirect(
    site: Site, entry: Entry, member: str, platform: str, visit: Visit
) -> Iterator[Failure]:
    """Check the URL to which a click leads.

    Its address and each parameter are compared with the URL that the package makes, and Xiebao has
    to accept the parameters. A parameter that differs is not reported twice.

    :param entry: the entry of the link that was clicked.
    :param member: the member who follows the link.
    :param platform: the code of the document.
    """
    expected = site.get_gateway_url(entry, member, platform)
    address, right = strip_query(visit.location), strip_query(expected)
    if address != right:  # and what it is sent does not matter
        yield Failure("address", address or "—", right)
        return
    came, should = (
        parse_qs(urlsplit(url).query, keep_blank_values=True) for url in (visit.location, expected)
    )
    if entry.return_to is not None:  # each click has another token in it
        should["paySuccess"] = came.get("paySuccess", ["…"])
    different = sorted(name for name in {*came, *should} if came.get(name) != should.get(name))
    for name in different:
        was, right = (
            f"{name}={_format_parameter_values(site, name, url.get(name))}"
            for url in (came, should)
        )
        yield Failure(f"parameter.{name}", was, right)
    # A problem that names no parameter is about the address, which an unusual XIEBAO_BASE_URL may
    # have changed.
    reported = {None, *map(site.account.mask_sign_in, different)}
    for problem in evaluate_url(visit.location, site.account, extra_parameters=should).problems:
        if (parameter := problem.parameter) not in reported:
            wrong = f"{parameter}: {problem.code}"
            yield Failure(f"parameter.{parameter}", wrong, f"{parameter}: —")
    if visit.body:  # the sign would be a part of a page
        yield Failure("body", f"{len(visit.body)} bytes", "0 bytes")


def _format_parameter_values(site: Site, name: str, values: Iterable[str] | None) -> str:
    """Return the values of a parameter as a report shows them, or "—" if there are none."""
    return (
        ", ".join(_mask_parameter_value(site, name, value) or '""' for value in values or ()) or "—"
    )


def _mask_parameter_value(site: Site, name: str, value: str) -> str:
    """Return what may be shown of a value: not the sign, nor what opens a member's account."""
    if name == "sign":
        return value if "…" in value or "*" in value else mask_sign_value(value, site.account)
    if name == "paySuccess":
        return "…"
    if name == "partnerUniqKey":
        return f"…{quote(value[KEY_PREFIX_LENGTH:])}" if site.has_member_secret else quote(value)
    return quote(value)


def mask_location(site: Site, location: str) -> str:
    """Return where an answer leads, without what only the gateway needs to see."""
    address = strip_query(location)
    if not site.is_gateway_page(location):
        return address
    parameters = evaluate_url(location, site.account).parameters
    said = [f"{name}={_mask_parameter_value(site, name, value)}" for name, value in parameters]
    return f"{address}?{'&'.join(said)}" if said else address


def check_return_redirect(entry: Entry, visit: Visit) -> Iterator[Failure]:
    """Check where a payment comes back to."""
    right = iri_to_uri(entry.return_to or "/")
    if visit.location != right:
        yield Failure("back", visit.location, right)


def check_login_redirect(site: Site, link: str, visit: Visit) -> Iterator[Failure]:
    """Check that somebody is sent to log in, and then comes back to the same link.

    :param visit: it found the URL of the login; None where the site answers as it will.
    """
    right = visit.probe_result or ""
    came, should = (
        encode_url_like_browser(strip_query(visit.location)),
        encode_url_like_browser(strip_query(right)),
    )
    if right and came != should:
        yield Failure("login", came, should)
    if site.is_gateway_page(visit.location):
        yield Failure("login", came, "—")
    back = parse_qs(urlsplit(visit.location).query).get("next", [])
    if not right:  # Flask-Login's, or the site's own, may name the whole URL
        back = [urlsplit(url)._replace(scheme="", netloc="").geturl() for url in back]
    if (back or right) and back != [link]:
        yield Failure("login.next", f"next: {', '.join(back) or '—'}", f"next: {link}")


def check_refusal_response(site: Site, case: Case, reason: str, visit: Visit) -> Iterator[Failure]:
    """Check that a refusal is told, as a page or as JSON."""
    if "json" in case.headers.get("Accept", ""):
        told, answer = {"status": visit.status, "reason": reason}, _find_json_object(visit)
        if answer != told:  # whatever else it says may be private
            shown = {key: value for key, value in answer.items() if told.get(key) == value}
            yield Failure("json", f"{shown or '…'}", str(told))
    elif not visit.headers.get("Content-Type", "").startswith("text/html") or not visit.body:
        yield Failure("notice", visit.headers.get("Content-Type", "—"), "text/html")
    elif not visit.location:
        said = " ".join(each.text for each in visit.page.headings).strip()
        right_words = site.find_locale_independent_text(f"notice.{reason}.title")
        is_another = right_words is not None and right_words.strip() != said
        if not said or (is_another and not site.has_custom_template("notice", "layout")):
            yield Failure("notice.heading", "…" if said else "—", right_words or "<h1>…</h1>")
    if visit.location:
        yield Failure("notice", f"Location: {strip_query(visit.location)}", "Location: —")


def _find_json_object(visit: Visit) -> dict[str, Any]:
    """Return the object that an answer is in JSON; an empty one for any other answer."""
    try:
        said = json.loads(visit.body)
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}


def check_navigation_page(link: str, visit: Visit) -> Iterator[Failure]:
    """Check the page by which a browser goes to the link that a script fetched, by itself."""
    path, _, query = link.partition("?")
    asked = {part for part in query.split("&") if part.startswith("platform=")}
    right = "?".join((path, *asked))
    if visit.headers.get("HX-Redirect") != right:
        yield _build_header_failure(
            "HX-Redirect", visit.headers.get("HX-Redirect", ""), right, "navigate"
        )
    page = visit.page
    metas = [
        (meta.get("name") or meta.get("http-equiv"), meta.get("content"))
        for meta in (each.attributes for each in page.metas)
    ]
    for name, content in (("turbo-visit-control", "reload"), ("turbo-cache-control", "no-cache")):
        if (name, content) not in metas:
            yield Failure("navigate", f"<meta name={name}>: —", content)
    goes = [(c or "").partition("url=")[2] for name, c in metas if name == "refresh"]
    if not goes:
        yield Failure("navigate", "<meta refresh>: —", "0")
    for url in [*goes, *(each.href for each in page.links if "go=1" in each.href)] or ["—"]:
        at, _, sent = url.partition("?")
        if (at, set(sent.split("&"))) != (path, {"go=1", *asked}):
            yield Failure("navigate", url, "&".join((f"{path}?go=1", *asked)))
