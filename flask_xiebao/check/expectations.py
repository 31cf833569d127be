"""What an answer has to be, compared with what came: by hand, and never by the code under test.

Each check yields what is wrong. What that means to a site is in :mod:`.texts`, by the
code of the failure. What of it a report may show, :class:`.Mask` knows.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ..simulator.document import Problem, Row, read, shown_sign
from ..texts import text
from .cases import Case
from .html_reader import ReadPage
from .log_reader import said_in_log
from .masks import readings
from .site import Site, as_sent, without_query
from .token_reader import TOKEN, Said, is_signed, read_link, read_return
from .visits import Visit

#: What every answer of a link says.
SEALED = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
#: What speaks to caches louder than Cache-Control does.
LOUDER = re.compile(r"(?i)expires|.+-cache-control|surrogate-control|edge-control|x-accel-expires")

#: The statuses of refusals, by their reason.
REFUSED = {
    "login_required": 401,
    "another_member": 403,
    "not_allowed": 403,
    "invalid_link": 404,
    "disabled": 404,
    "expired": 410,
}
#: And of what else comes.
STATUS = {
    "gateway": 302,
    "handoff": 200,
    "login": 302,
    "navigate": 200,
    "wait": 503,
    "method": 405,
    "back": 302,
    "guard": 423,
}
#: With what a login may answer instead: Flask 3.2 redirects by 303.
LOGIN_REDIRECTS = (302, 303, 307)

# Seconds that a run may take from a link to its look at it.
_LEEWAY = 5

Heard = Sequence[tuple[str, Mapping[str, Any]]]


def status_in_texts(came: int, right: int) -> int:
    """Return how the texts call a wrong status: 302, whichever redirect it is.

    :param right: what it should have been.
    """
    return 302 if came in LOGIN_REDIRECTS and right not in LOGIN_REDIRECTS else came


@dataclass(frozen=True)
class Failure:
    """Something that is not as it should be.

    :param code: the key under which the texts say what it means.
    :param came: what came.
    :param should: what should have come.
    :param problem: why the gateway refuses the URL, if it does.
    :param step: where it showed, by its key in the texts, if not at the click itself; two failures
        that differ only in this are equal.
    """

    code: str
    came: str
    should: str
    problem: Problem | None = None
    step: str = field(default="", compare=False)

    def step_in(self, locale: str) -> str:
        """Say at which step it showed; "" for the click itself."""
        return text(locale, f"check.step.{self.step}") if self.step else ""

    def means_in(self, locale: str) -> str:
        """Return what it means to the site, and what to do."""
        if self.problem is not None:
            return self.problem.explain(locale, None)
        parts = self.code.split(".")
        for length in range(len(parts), 0, -1):
            with contextlib.suppress(KeyError):
                return text(locale, f"check.means.{'.'.join(parts[:length])}")
        return text(locale, "check.means")


def said_in(visit: Visit) -> str:
    """Return the body of an answer as text."""
    return visit.body.decode("utf-8", "replace")


def sealed(visit: Visit) -> Iterator[Failure]:
    """Check that caches, other sites and search engines are told to leave an answer alone."""
    for name, value in SEALED.items():
        if visit.headers.getlist(name) != [value]:
            came = ", ".join(visit.headers.getlist(name))
            yield Failure(f"header.{name.lower()}", _header(name, came), _header(name, value))
    for name, value in visit.headers:
        if LOUDER.fullmatch(name):
            yield Failure("header.cache-control", _header(name, value), _header(name, ""))
        if name.lower() == "refresh":  # browsers follow it as they follow Location
            yield Failure("header.refresh", _header(name, value), _header(name, ""))
    if "Location" in visit.headers:
        return
    if visit.headers.get("X-Content-Type-Options") != "nosniff":
        came = visit.headers.get("X-Content-Type-Options", "")
        yield Failure(
            "header.nosniff",
            _header("X-Content-Type-Options", came),
            _header("X-Content-Type-Options", "nosniff"),
        )
    policy = ", ".join(visit.headers.getlist("Content-Security-Policy"))
    if "frame-ancestors" not in policy.lower():
        name = "Content-Security-Policy"
        yield Failure("header.frames", _header(name, policy), _header(name, "frame-ancestors …"))


def _header(name: str, value: str) -> str:
    return f"{name}: {value or '—'}"


def secret(site: Site, visit: Visit, *, away: bool) -> Iterator[Failure]:
    """Check that the sign is where the browser is sent, and nowhere else.

    :param away: whether the answer leads to the gateway.
    """
    places = {"body": said_in(visit)}
    places |= {f"log ({where})": said for where, said in map(said_in_log, visit.rehearsal.logged)}
    places |= {name: value for name, value in visit.headers if name != "Location"}
    if not away:
        places["Location"] = visit.location
    yield from no_secret_in(site, places)


def no_secret_in(site: Site, places: Mapping[str, str]) -> Iterator[Failure]:
    """Check that neither the sign nor the API key is in texts, each of which has a name."""
    for name, said in places.items():
        read = list(readings(said))
        if any(site.account.hide(reading) != reading for reading in read):
            yield Failure("secret", f"{name}: sign", f"{name}: —")
        if any(site.without_key(reading) != reading for reading in read):
            yield Failure("secret", f"{name}: API key", f"{name}: —")


def stays_here(site: Site, visit: Visit) -> Iterator[Failure]:
    """Check that a page tells no other host the link by which somebody came."""
    said, tokens = said_in(visit), TOKEN.findall(unquote(visit.url))
    for url in ReadPage(said).loaded if "//" in said else ():
        if not site.is_at(url) and any(token in unquote(url) for token in tokens):
            yield Failure("told", without_query(url), "—")


def gateway(
    site: Site, case: Case, who: str, platform: str, returns: bool | None, visit: Visit
) -> Iterator[Failure]:
    """Check where a click leads: the address to the letter, each parameter, and no other.

    :param who: the member who goes.
    :param platform: the code of the document.
    :param returns: whether there has to be a way back; None where there may be one.
    """
    address, query = without_query(visit.location), urlsplit(visit.location).query
    right = f"{site.gateway}{case.row.path}"
    if address != right:  # and what it is sent does not matter
        yield Failure("address", address, right)
        return
    if visit.headers.getlist("Location") != [visit.location]:
        yield Failure("locations", str(len(visit.headers.getlist("Location"))), "1")
    received: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        received.setdefault(name, []).append(value)
    expected = site.parameters(
        case.row,
        reference=case.reference,
        member=who,
        platform=platform,
        sub_partner_id=case.options.get("sub_partner_id"),
    )
    has_way_back = "paySuccess" in received
    if returns is not None and has_way_back != returns:
        yield Failure(
            "parameter.paySuccess",
            "paySuccess=…" if has_way_back else "paySuccess: —",
            "paySuccess=…" if returns else "paySuccess: —",
        )
    found = False
    for name in sorted({*expected, *received} - {"paySuccess"}):
        if received.get(name) != [expected[name]] if name in expected else True:
            found = True
            came = ", ".join(_shown(site, name, value) for value in received.get(name, [])) or "—"
            should = _shown(site, name, expected[name]) if name in expected else "—"
            yield Failure(f"parameter.{name}", f"{name}={came}", f"{name}={should}")
    verdict = read(visit.location, site.account, tuple(site.extra))
    if not found and not verdict.accepted:
        for problem in verdict.problems:
            came = f"{problem.parameter or 'URL'}: {problem.value or '…'}"
            yield Failure("refused", came, "—", problem)


def _shown(site: Site, name: str, value: str) -> str:
    """Return what may be shown of a value: not the sign, nor what opens a member's account."""
    if name == "sign":
        return value if "…" in value or "*" in value else shown_sign(value, site.account)
    if name == "paySuccess":
        return "…"
    if name == "partnerUniqKey" and site.makes_keys:
        return f"…{value[16:]}"
    return quote(value)


def shown(site: Site, location: str) -> str:
    """Return where an answer leads, without what only the gateway needs to see."""
    address = without_query(location)
    if not site.is_page_of_gateway(location):
        return address
    parameters = read(location, site.account, tuple(site.extra)).parameters
    said = [f"{name}={_shown(site, name, value)}" for name, value in parameters]
    return f"{address}?{'&'.join(said)}" if said else address


def nothing_in_it(visit: Visit) -> Iterator[Failure]:
    """Check that a redirect has no body, in which the sign would be a part of a page."""
    if visit.body:
        yield Failure("body", f"{len(visit.body)} bytes", "0 bytes")


def login(site: Site, link: str, visit: Visit) -> Iterator[Failure]:
    """Check that somebody is sent to log in, and then comes back to the same link.

    :param visit: it found the URL of the login; None where the site answers as it will.
    """
    right = visit.found or ""
    came, should = as_sent(without_query(visit.location)), as_sent(without_query(right))
    if right and came != should:
        yield Failure("login", came, should)
    if site.is_page_of_gateway(visit.location):
        yield Failure("login", came, "—")
    query = parse_qsl(urlsplit(visit.location).query)
    back = [value for name, value in query if name == "next"]
    if not right:  # Flask-Login's, or the site's own, may name the whole URL
        back = [urlsplit(url)._replace(scheme="", netloc="").geturl() for url in back]
    if (back or right) and back != [link]:
        yield Failure("login.next", f"next: {', '.join(back) or '—'}", f"next: {link}")


def notice(case: Case, reason: str, visit: Visit) -> Iterator[Failure]:
    """Check that a refusal is told, as a page or as JSON, and that it says no more than it must."""
    if "json" in case.headers.get("Accept", ""):
        right = {"status": visit.status, "reason": reason}
        came = _json(visit)
        if came != right:
            yield Failure("json", str(came), str(right))
    elif not visit.headers.get("Content-Type", "").startswith("text/html") or not visit.body:
        yield Failure("notice", visit.headers.get("Content-Type", "—"), "text/html")
    if visit.location:
        yield Failure("notice", f"Location: {without_query(visit.location)}", "Location: —")


def _json(visit: Visit) -> Any:
    try:
        return json.loads(visit.body)
    except ValueError:
        return visit.headers.get("Content-Type")


def says_no_cause(case: Case, visit: Visit) -> Iterator[Failure]:
    """Check that a visitor does not learn what the site alone is told."""
    said = " ".join([said_in(visit), *(value for _, value in visit.headers)])
    if case.cause is not None and "_" in case.cause and case.cause in said:
        yield Failure("cause", case.cause, "—")


def wait(visit: Visit) -> Iterator[Failure]:
    """Check that a prefetch gets nothing that could be shown in place of the click's answer."""
    kind = visit.headers.get("Content-Type", "")
    if not kind.startswith("text/plain"):
        yield Failure("wait", kind, "text/plain")
    if visit.location:
        yield Failure("wait", f"Location: {without_query(visit.location)}", "Location: —")


def navigate(link: str, visit: Visit, *, by_itself: bool) -> Iterator[Failure]:
    """Check the page by which a browser goes to the link that a script fetched.

    :param by_itself: whether it goes on without a tap: not where it came from that page.
    """
    path, _, query = link.partition("?")
    platform = "".join(part for part in query.split("&") if part.startswith("platform="))
    right = f"{path}{f'?{platform}' if platform else ''}"
    name = "HX-Redirect"
    if visit.headers.get(name) != right:
        came = _header(name, visit.headers.get(name, ""))
        yield Failure("navigate", came, _header(name, right))
    if visit.location:
        yield Failure("navigate", f"Location: {without_query(visit.location)}", "Location: —")
    page = ReadPage(said_in(visit))
    for name, content in (("turbo-visit-control", "reload"), ("turbo-cache-control", "no-cache")):
        if (name, content) not in page.metas:
            yield Failure("navigate", f"<meta name={name}>: —", content)
    wanted = f"{path}?{'&'.join(filter(None, sorted([platform, 'go=1'])))}"
    goes = [content for name, content in page.metas if name == "refresh"]
    if bool(goes) != by_itself or not all(
        _same_query((content or "").partition("url=")[2], wanted) for content in goes
    ):
        came = ", ".join(filter(None, goes)) or "—"
        yield Failure("navigate", f"<meta refresh>: {came}", "0" if by_itself else "—")
    found = [link.href for link in page.links if "go=1" in link.href]
    if not any(_same_query(href, wanted) for href in found):
        yield Failure("navigate", f"<a>: {', '.join(found) or '—'}", f"<a>: {wanted}")


def _same_query(one: str, other: str) -> bool:
    parts, others = urlsplit(one), urlsplit(other)
    return parts.path == others.path and sorted(parse_qsl(parts.query)) == sorted(
        parse_qsl(others.query)
    )


def link(site: Site, row: Row, right: Said, url: str, *, leaves: bool) -> Iterator[Failure]:
    """Check a link of the site: where it leads, and what it says.

    :param right: what it should say; of its time, to within a few seconds.
    :param leaves: whether it has to be absolute.
    """
    begins = f"{_prefix(site, leaves=leaves)}/{row.name}/"
    url = as_sent(url)
    if not url.startswith(begins):
        yield Failure("link", url, f"{begins}…")
        return
    token = url.removeprefix(begins).partition("?")[0]
    said = read_link(token)
    if said is None:
        yield Failure("link", "?", f"{begins}…")
        return
    if not is_signed(token, site.signing_key, site.entry_salt):
        yield Failure("link.signature", "?", "SECRET_KEY")
    if said.signed_at is not None and right.signed_at is not None:
        late = abs(said.signed_at - right.signed_at)
        said = said._replace(signed_at=right.signed_at if late <= _LEEWAY else said.signed_at)
    for name, came, should in zip(Said._fields, said, right, strict=True):
        if came != should:
            yield Failure(f"link.{name}", f"{name}={came}", f"{name}={should}")


def _prefix(site: Site, *, leaves: bool) -> str:
    if not leaves:
        return as_sent(site.prefix)
    return f"{site.outside}{site.prefix.removeprefix(site.root)}"


def way_back(
    site: Site, entry: Said, who: str, click_id: str | None, url: str
) -> Iterator[Failure]:
    """Check by what a payment comes back."""
    begins = f"{_prefix(site, leaves=True)}/paid/"
    url = as_sent(url)
    token = url.removeprefix(begins)
    said = read_return(token) if url.startswith(begins) else None
    if said is None:
        yield Failure("way_back", url, f"{begins}…")
        return
    if not is_signed(token, site.signing_key, site.click_salt):
        yield Failure("link.signature", "?", "SECRET_KEY")
    right = {"member": who, "click_id": click_id}
    for name, should in right.items():
        came = getattr(said, name)
        if should is not None and came != should:
            yield Failure("way_back", f"{name}={came}", f"{name}={should}")
    now = int(time.time())
    if abs(said.clicked_at - now) > _LEEWAY:
        yield Failure("way_back", f"clicked_at={said.clicked_at}", f"clicked_at={now}")
    if said.entry._replace(signed_at=None) != entry._replace(signed_at=None):
        yield Failure("way_back", str(tuple(said.entry)), str(tuple(entry)))


def pay_success(location: str) -> str:
    """Return the URL that ``paySuccess`` of a gateway URL stands for; "" where there is none."""
    value = dict(parse_qsl(urlsplit(location).query)).get("paySuccess", "")
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        return ""


def signals(site: Site, right: Heard, heard: Heard) -> Iterator[Failure]:
    """Check what the site was told: each signal and what it says, and no other."""
    names, wanted = [name for name, _ in heard], [name for name, _ in right]
    if names != wanted:
        yield Failure("signal", ", ".join(names) or "—", ", ".join(wanted) or "—")
        return
    for (name, said), (_, expected) in zip(heard, right, strict=True):
        yield from no_secret_in(site, {f"{name}: {key}": str(each) for key, each in said.items()})
        for key, should in expected.items():
            came = said.get(key)
            if isinstance(should, Said):
                came = _as_said(came)
            if came != should:
                yield Failure("signal.said", f"{name}: {key}={came}", f"{name}: {key}={should}")


def _as_said(entry: Any) -> Said | None:
    if entry is None:
        return None
    platform = None if entry.platform is None else int(entry.platform)
    return Said(
        entry.page,
        entry.reference,
        entry.sub_partner_id,
        platform,
        entry.return_to,
        entry.member,
        None,
        entry.no_login_for,
        entry.client_reference,
    )


def handoff(
    site: Site, row: Row, right: Said, codes: Sequence[str], *, vouches: bool
) -> Iterator[Failure]:
    """Check what the code of a handoff says: for whom, to where, and for how long.

    :param vouches: whether it ends when the link does by which somebody came: within seconds.
    """
    if len(codes) != 1:
        yield Failure("handoff.code", str(len(codes)), "1")
        return
    said = read_link(codes[0].rpartition("/")[2])
    if vouches and said is not None and said.no_login_for is not None:
        late = right.no_login_for - said.no_login_for if right.no_login_for is not None else 0
        if 0 <= late <= _LEEWAY:
            right = right._replace(no_login_for=said.no_login_for)
    for failure in link(site, row, right, codes[0], leaves=True):
        yield replace(failure, code=f"handoff.{failure.code}")


def direct(link: str, page: ReadPage) -> str | None:
    """Return the way of tablets and phones on the page of a handoff, or None."""
    hrefs = (found.href for found in page.links)
    return next((href for href in hrefs if href.startswith(link) and "platform=h5" in href), None)
