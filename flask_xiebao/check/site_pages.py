"""The entries that are on a page of a site, as it renders them: each becomes a case."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from ..simulator.document import ROWS, Row
from .cases import ANOTHER, BEFORE_ENTRY, MEMBER, Case, Visitor
from .devices import Device
from .expectations import REFUSED, Failure, no_secret_in, said_in, status_in_texts
from .html_reader import Element, ReadPage
from .judge import crash, is_sent_away
from .markup import attributes, codes_of, told_to_caches
from .player import Player
from .qr import read_code
from .site import SLUGS, absolute, without_query
from .token_reader import Said

#: An entry of a page: its case, its link, and what is wrong with how it is rendered.
Found = tuple[Case, str, list[Failure]]


def entries_on(player: Player, url: str, device: Device) -> Iterator[Found]:
    """Open a page as the member, and return what is on it.

    :param url: a path of the site, from where the app is mounted, or a whole URL.
    """
    try:
        yield from _entries_on(player, url, device)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a hook may even exit
        yield _page(url), "", [crash(error)]


def _entries_on(player: Player, url: str, device: Device) -> Iterator[Found]:
    site = player.site
    whole = url if "://" in url else f"{site.url}{url}"
    player.open(whole, device)
    visit = player.open(whole, device)  # something may keep a page, and show it without its headers
    if visit.error is not None or visit.status != 200:
        came = f"{visit.status} {without_query(visit.location)}".strip()
        status = status_in_texts(visit.status, 200)
        code = "unreached.host" if is_sent_away(site, visit) else f"page.{status}"
        problem = Failure(code, came, "200")
        yield _page(url), "", [problem if visit.error is None else crash(visit.error, "200")]
        return
    for complaint in dict.fromkeys(visit.rehearsal.complaints):
        yield _page(url), "", [Failure("left_out", complaint, "—")]
    page = ReadPage(said_in(visit), visit.headers)
    yield from _shared(player, url, whole, device)
    yield from ((_page(url), "", [problem]) for problem in no_secret_in(site, {"page": page.html}))
    found = [*_entries(player, device, url, whole, page), *_codes(player, url, page)]
    if not site.settings.enabled:
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


def _shared(player: Player, url: str, whole: str, device: Device) -> Iterator[Found]:
    """Check that nobody else gets the member's page, from whatever has kept it."""
    visit = player.open(whole, device, "nobody")
    page = ReadPage(said_in(visit))
    hrefs = (href for _, href in _links(whole, page))
    for link in (*hrefs, *codes_of(page)):
        _, said = player.site.entry_at(link) or (None, None)
        if said is not None and said.member == player.members[MEMBER]:
            yield _page(url), "", [Failure("private", f"{visit.status} <a>", "—")]
            return


def _links(whole: str, page: ReadPage) -> Iterator[tuple[Element, str]]:
    """Return the links of a page, and to where each leads."""
    base = absolute(whole, page.base)
    return ((element, absolute(base, element.href)) for element in page.links)


def _page(url: str) -> Case:
    return Case(kind="page", row=ROWS[0], page=url, ends="page")


def _entries(
    player: Player, device: Device, url: str, whole: str, page: ReadPage
) -> Iterator[Found]:
    for element, href in _links(whole, page):
        row, said = player.site.entry_at(href) or (None, None)
        if row is not None and said is not None:
            case = _case(player, url, row, said, row.name, "member", urlsplit(href).query)
            problems = list(_rendered(player, device, page, row, said, element))
            yield _unless_refused(case, _path(href), problems)
        elif row is not None or "data-xiebao-entry" in element.attributes:
            problem = Failure("link", without_query(href), f"{player.site.prefix}/…")
            yield _page(url), "", [problem]


def _rendered(
    player: Player, device: Device, page: ReadPage, row: Row, said: Said, element: Element
) -> Iterator[Failure]:
    by_macro = "data-xiebao-entry" in element.attributes
    if by_macro:
        yield from attributes(player.site, row, device, element, given=("rel", "target"))
    yield from told_to_caches(
        player.site, page, private=said.member is not None, by_device=by_macro
    )


def _codes(player: Player, url: str, page: ReadPage) -> Iterator[Found]:
    """Return what the QR codes of a page lead to, for the phone that scans them."""
    for drawing in page.drawings:
        code = read_code(drawing.paths) or ""
        row, said = player.site.entry_at(code) or (None, None)
        if row is not None and said is not None:
            yield _unless_refused(_case(player, url, row, said, "QR", "nobody"), _path(code), [])
        elif row is not None or "xiebao-qr" in drawing.classes:  # others are the site's own
            came = without_query(code) or "—"
            yield _page(url), "", [Failure("qr", came, f"{player.site.outside}…")]


def _unless_refused(case: Case, link: str, problems: list[Failure]) -> Found:
    """Return an entry as it is followed; that whoever follows it is refused is wrong by itself."""
    if case.ends in REFUSED:
        refused = Failure(f"page.{case.ends}", str(REFUSED[case.ends]), "302")
        return case, "", [*problems, refused]
    return case, link, problems


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
    vouches = said.no_login_for is not None and (age or 0) < said.no_login_for
    ends, cause = "gateway", None
    if visitor == "member" and options.get("member") == ANOTHER:
        ends = cause = "another_member"
    elif row.members_own and said.member is None:
        ends, cause = "invalid_link", "no_member"
    elif visitor == "nobody" and not vouches:
        ends = "login" if said.no_login_for is None else "expired"
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
        page=f"{url}{BEFORE_ENTRY}{what}",
        owner=said.member,
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
