"""What people do with the entries of a site, and what has to come of each: a table, by hand.

It is what sections 2.1 to 2.3 of the document promise a site, and the manual's chapter on what
happens at a click, as far as something on a site can change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..gateway.platforms import Platform
from ..links.tokens import Entry
from ..simulator.document import ROWS, Row
from ..texts import text

#: Who clicks: the member, who is logged in; or somebody who is not.
Visitor = Literal["member", "nobody"]
#: Whose the link is: the same member's, or another one's.
MEMBER, ANOTHER = "member", "another"

#: How the id of a member begins who is made up.
MADE_UP = "Check-"

#: The names of the platform codes in links and pages.
SLUGS = {f"{platform:d}": platform.slug for platform in Platform}

#: Where a payment comes back to.
RETURN_TO = "/orders/8?from=网&to=%E6%B5%B7"
#: The case code, or application number, of what is clicked.
CASE_CODE = "QX000000127257"
#: What stands between a page of the site and what on it is meant.
BEFORE_ENTRY = " · "
# All that a query has to escape.
_AWKWARD = "QX-1+&=?%/#;号"


@dataclass(frozen=True)
class Case:
    """Something that somebody does with an entry, on whatever device.

    :param kind: what it is, by its key in :mod:`.texts`.
    :param ends: what has to come of it: ``gateway``, ``login``, ``navigate`` (a page by which the
        browser goes to the link itself), ``back``, ``loader`` (whatever the site's own
        ``member_loader`` says, but no error), or the reason of a refusal.
    :param row: the page of the gateway.
    :param needs: what a page has to have for it: a parameter, a ``reference``, or links that are
        ``everybodys``; "" for nothing.
    :param visitor: who clicks.
    :param options: the keywords of the link; ``member`` is ``member`` or ``another``.
    :param age: how many seconds ago the link was made; None for now.
    :param reference: the case code or application number.
    :param query: the query string added to the link.
    :param headers: what the browser sends beside those of its device.
    :param method: the request's method.
    :param platform: the code that the gateway gets, whatever the device is.
    :param calls_guard: whether the site's own ``click_guard`` is asked.
    :param page: the page of the site that has the entry.
    :param entry: the entry of a link that is on a page of the site; None where the check makes the
        link.
    """

    kind: str
    ends: str = "gateway"
    row: Row = ROWS[0]
    needs: str = ""
    visitor: Visitor = "member"
    options: Mapping[str, Any] = field(default_factory=dict)
    age: int | None = None
    reference: str | None = CASE_CODE
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    platform: str | None = None
    calls_guard: bool = False
    page: str = ""
    entry: Entry | None = None

    @property
    def whose(self) -> str | None:
        """Whose link it is, as ``options`` says; None for nobody's."""
        own = MEMBER if self.row.members_own else None
        whose: str | None = self.options.get("member", own)
        return whose

    @property
    def is_of_site(self) -> bool:
        """Whether it is about the site, and no page of the gateway."""
        return self.kind in ("address", "environment", "settings", "loader")

    @property
    def is_done(self) -> bool:
        """Whether it is done on a device, and can be again: not what is about the site as such."""
        return self.kind not in ("address", "environment", "settings")

    @property
    def needs_login(self) -> bool:
        """Whether it is only on a site that knows who is logged in."""
        vouches = self.whose is None or "no_login_for" in self.options
        return self.visitor == "member" or not vouches

    def title_in(self, locale: str) -> str:
        """Return what it is, with the page of the gateway."""
        what = self.what_in(locale)
        if self.page or self.is_of_site:
            return what
        return text(locale, "check.case", page=self.row.title_in(locale), what=what)

    def what_in(self, locale: str) -> str:
        """Return what it is, without the page of the gateway."""
        return self.page or text(locale, f"check.case.{self.kind}")

    def ends_on(self, platform: str) -> str:
        """Return what has to come of it for whoever is on a platform."""
        has_none = self.ends == "gateway" and platform not in self.row.platforms
        return "handoff" if has_none else self.ends

    def should_in(self, locale: str) -> str:
        """Say what has to come of it, on whatever device."""
        ends = {self.ends_on(self.platform or device) for device in ("1", "2")}  # phones and PCs
        [end] = ends if len(ends) == 1 else ["gateway_or_handoff"]
        return text(locale, f"check.ends.{end}")

    @property
    def site_page(self) -> str:
        """The page of the site that has the entry, as it was asked for; "" for none."""
        return self.page.partition(BEFORE_ENTRY)[0]

    @property
    def endpoint(self) -> str:
        """The endpoint whose view has to answer."""
        return f"xiebao.{'paid' if self.ends == 'back' else self.row.name}"

    @property
    def name(self) -> str:
        """What commands and addresses call it."""
        return self.kind if self.is_of_site else f"{self.row.name}-{self.kind}"


_OWN, _OTHERS = {"member": MEMBER}, {"member": ANOTHER}
_HOUR, _MINUTE = {"no_login_for": 3600}, {"no_login_for": 60}
_BACK = {"return_to": RETURN_TO}
_JSON = {"Accept": "application/json"}
_FETCHED = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}

# What is done on each page of the gateway that has what it needs.
_CASES = (
    Case("plain"),
    Case("visitor", "login", visitor="nobody"),
    Case("own", needs="everybodys", options=_OWN),
    Case("own-visitor", "login", needs="everybodys", options=_OWN, visitor="nobody"),
    # who is on which platform: the link's, else the one asked for, else the device's
    *(
        Case(f"platform-{slug}", options={"platform": slug}, platform=code)
        for code, slug in SLUGS.items()
    ),
    *(Case(f"asked-{slug}", query=f"platform={slug}", platform=c) for c, slug in SLUGS.items()),
    Case("asked-nonsense", query="platform=tv"),
    Case("visitor-asked", "login", query="platform=h5", visitor="nobody"),
    Case("platform-over-asked", options={"platform": "android"}, query="platform=h5", platform="4"),
    Case("awkward", needs="reference", reference=_AWKWARD),
    Case("client-reference", options={"client_reference": "order 8/号"}),
    Case("sub-partner", needs="subPartnerId", options={"sub_partner_id": "branch-7"}),
    Case("sub-partner-none", needs="subPartnerId", options={"sub_partner_id": ""}),
    Case("return-long", needs="paySuccess", options={"return_to": f"{RETURN_TO}&{'long' * 250}"}),
    # with a time, links with a member vouch for them, and not for longer
    Case("return", needs="paySuccess", options=_BACK | _OWN | _HOUR, visitor="nobody"),
    Case("bearer", options=_OWN | _HOUR, visitor="nobody"),
    Case("expired", "expired", options=_OWN | _MINUTE, age=60, visitor="nobody"),
    Case("expired-own", options=_OWN | _MINUTE, age=3600),
    Case("another", "another_member", options=_OTHERS),
    Case("another-json", "another_member", options=_OTHERS, headers=_JSON),
    Case("another-bearer", "another_member", options=_OTHERS | _HOUR),
    # what is no click: what a script fetches is a page to go on by
    Case("htmx", "navigate", headers={"HX-Request": "true"}, query="platform=h5"),
    Case("turbo", "navigate", headers={"X-Turbo-Request-Id": "1"}, query="platform=h5"),
    Case("turbo-frame", "navigate", headers={"Turbo-Frame": "main"}, query="platform=h5"),
    Case("turbo-prefetch", "navigate", headers={"X-Sec-Purpose": "prefetch"}),
    Case("fetch", "navigate", headers=_FETCHED, query="platform=h5"),
    Case("image", "navigate", headers={"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    Case("told-to-go", headers=_FETCHED | {"Sec-Fetch-Site": "same-origin"}, query="go=1"),
    Case("head", method="HEAD"),
    Case("changed", "invalid_link"),
    Case("changed-json", "invalid_link", headers=_JSON),
    Case("guard", "not_allowed"),
)
# And on those of a site that sells nothing now.
_SWITCHED_OFF = (
    Case("off", "disabled"),
    Case("off-visitor", "disabled", visitor="nobody"),
)
_OF_SITE = (Case("loader", "loader", visitor="nobody"),)


def cases(*, enabled: bool = True) -> list[Case]:
    """Return every case of every page.

    :param enabled: whether the site sells at all.
    """
    made = [
        replace(case, row=row, reference=case.reference if row.reference else None)
        for row in ROWS
        for case in (_CASES if enabled else _SWITCHED_OFF)
        if _fits(case, row)
    ]
    return [*made, *(_OF_SITE if enabled else ())]


def page_case(url: str) -> Case:
    """Return what a page of the site is kept as, beside the entries that are on it."""
    return Case("page", "page", page=url)


def _fits(case: Case, row: Row) -> bool:
    """Tell whether a page has what a case needs."""
    has = {"", *row.known, "reference" if row.reference else ""}
    has |= set() if row.members_own else {"everybodys"}  # the others are a member's by themselves
    return case.needs in has and ("platform" not in case.options or case.platform in row.platforms)
