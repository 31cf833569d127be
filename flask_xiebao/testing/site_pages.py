"""The entries that are on a page of a site, as it renders them: each becomes a case."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urljoin, urlsplit

from .cases import ANOTHER, MEMBER, Case, Visitor
from .devices import Device
from .document import ROWS, Row
from .expectations import Failure, no_secret_in, said_in
from .judge import crash
from .markup import attributes, told_to_caches
from .page import Element, Page
from .player import Player
from .qr import UnreadableError, read_codes
from .site import SLUGS
from .tokens import Said, read_link

#: An entry of a page: its case, its link, and what is wrong with how it is rendered.
Found = tuple[Case, str, list[Failure]]


def entries_on(player: Player, url: str, device: Device) -> Iterator[Found]:
    """Open a page as the member, and return what is on it.

    :param url: a path of the site, from where the app is mounted, or a whole URL.
    """
    site = player.site
    whole = url if "://" in url else f"{site.url}{url}"
    player.open(whole, device)
    visit = player.open(whole, device)  # something may keep a page, and show it without its headers
    if visit.error is not None or visit.status != 200:
        where = visit.location.partition("?")[0]
        problem = Failure(f"page.{visit.status}", f"{visit.status} {where}".strip(), "200")
        yield _page(url), "", [problem if visit.error is None else crash(visit.error, "200")]
        return
    page = Page(said_in(visit), visit.headers)
    yield from ((_page(url), "", [problem]) for problem in no_secret_in(site, {"page": page.html}))
    found = [*_entries(player, device, url, whole, page), *_codes(player, url, page)]
    if not site.enabled:
        problems = [Failure("entry.none", f"{len(found)} <a>", "0 <a>")] if found else []
        yield _page(url), "", problems
        return
    if not found:
        yield _page(url), "", [Failure("page.empty", "0 <a class=xiebao-entry>", "1")]
    labels = Counter[str]()
    for case, link, problems in found:
        labels[case.page] += 1
        if labels[case.page] > 1:  # each has a name of its own
            case = replace(case, page=f"{case.page} ({labels[case.page]})")
        yield case, link, problems


def _page(url: str) -> Case:
    return Case(kind="page", row=ROWS[0], page=url, ends="page")


def _entries(player: Player, device: Device, url: str, whole: str, page: Page) -> Iterator[Found]:
    for element in page.links:
        href = urljoin(whole, element.href)
        read = _read(player, href)
        if read is not None:
            row, said = read
            case = _case(player, url, row, said, row.name, "member", urlsplit(href).query)
            problems = list(_rendered(player, device, page, row, said, element))
            yield case, _path(href), problems
        elif "data-xiebao-entry" in element.attributes:
            where = urlsplit(href)._replace(query="", fragment="").geturl()
            problem = Failure("link", where, f"{player.site.prefix}/…")
            yield _page(url), "", [problem]


def _rendered(
    player: Player, device: Device, page: Page, row: Row, said: Said, element: Element
) -> Iterator[Failure]:
    by_macro = "data-xiebao-entry" in element.attributes
    if by_macro:
        yield from attributes(player.site, row, device, element, given=("rel", "target"))
    yield from told_to_caches(
        player.site, page, private=said.member is not None, by_device=by_macro
    )


def _codes(player: Player, url: str, page: Page) -> Iterator[Found]:
    """Return what the QR codes of a page lead to, for the phone that scans them."""
    try:
        codes = read_codes(page.html)
    except UnreadableError:  # a drawing of the site's own
        codes = []
    for code in codes:
        read = _read(player, code)
        if read is not None:
            yield _case(player, url, *read, "QR", "nobody"), _path(code), []
    unread = sum("xiebao-qr" in drawing.classes for drawing in page.drawings) - len(codes)
    if unread > 0:
        yield _page(url), "", [Failure("qr", f"{len(codes)}", f"{len(codes) + unread}")]


def _read(player: Player, url: str) -> tuple[Row, Said] | None:
    """Return the page and what it says of a link of the site; None for any other URL."""
    parts = urlsplit(url)
    hosts = {urlsplit(known).netloc for known in (player.site.url, player.site.outside)}
    for row in ROWS:
        begins = f"{player.site.prefix}/{row.name}/"
        if parts.netloc in hosts and parts.path.startswith(begins):
            said = read_link(parts.path.removeprefix(begins))
            if said is not None:
                return row, said
    return None


def _case(
    player: Player,
    url: str,
    row: Row,
    said: Said,
    what: str,
    visitor: Visitor,
    query: str = "",
) -> Case:
    """Return what has to come of a link that says this."""
    options = {
        name: value
        for name, value in said._asdict().items()
        if value is not None and name not in ("page", "reference", "signed_at")
    }
    age = None
    if said.member is not None:
        options["member"] = MEMBER if said.member == player.members[MEMBER] else ANOTHER
        age = int(time.time()) - (said.signed_at or 0)
    vouches = said.max_age is not None and (age or 0) < said.max_age
    ends, cause = "gateway", None
    if visitor == "member" and options.get("member") == ANOTHER:
        ends = cause = "another_member"
    elif row.members_own and said.member is None:
        ends, cause = "invalid_link", "no_member"
    elif visitor == "nobody" and not vouches:
        ends = "login" if said.max_age is None else "expired"
    return Case(
        kind="on-page",
        row=row,
        ends=ends,
        cause=cause,
        visitor=visitor,
        options=options,
        age=age,
        reference=said.reference,
        platform=_platform(said, query),
        # What a button says may be somebody's name.
        page=f"{url} · {what}",
    )


def _platform(said: Said, query: str) -> str | None:
    """Return the code of a link's platform, or of the ``?platform=`` that a site put behind it."""
    if said.platform is not None:
        return str(said.platform)
    asked = dict(parse_qsl(query)).get("platform")
    return next((code for code, slug in SLUGS.items() if slug == asked), None)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc="", fragment="").geturl()
