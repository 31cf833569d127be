"""What people do with the entries of a site, and what has to come of each: a table, by hand.

It is what sections 2.1 to 2.3 of the document promise a site, and the manual's chapter on what
happens at a click, as far as something on a site can change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..deprecated import RenamedAttribute
from ..gateway.platforms import Platform
from ..links.tokens import Entry
from ..simulator.document import PAGE_SPECS, PageSpec
from ..texts import get_text

#: Who clicks: the member, who is logged in; or somebody who is not.
Visitor = Literal["member", "nobody"]
#: Whose the link is: the same member's, or another one's.
MEMBER, OTHER_MEMBER = "member", "another"

#: How the id of a member begins who is made up.
MADE_UP_ID_PREFIX = "Check-"

#: The names of the platform codes in links and pages.
PLATFORM_SLUGS = {f"{platform:d}": platform.slug for platform in Platform}

#: Where a payment comes back to.
SAMPLE_RETURN_TO = "/orders/8?from=网&to=%E6%B5%B7"
#: The case code, or application number, of what is clicked.
SAMPLE_REFERENCE = "QX000000127257"
#: What stands between a page of the site and what on it is meant.
PAGE_ENTRY_SEPARATOR = " · "
# All that a query has to escape.
_REFERENCE_TO_ESCAPE = "QX-1+&=?%/#;号"


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
    expected_outcome: str = "gateway"
    row: PageSpec = PAGE_SPECS[0]
    needs: str = ""
    visitor: Visitor = "member"
    options: Mapping[str, Any] = field(default_factory=dict)
    age: int | None = None
    reference: str | None = SAMPLE_REFERENCE
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    platform: str | None = None
    calls_guard: bool = False
    page: str = ""
    entry: Entry | None = None

    # Deprecated names
    ends = RenamedAttribute("expected_outcome")
    whose = RenamedAttribute("link_member")
    is_of_site = RenamedAttribute("is_about_site")
    is_done = RenamedAttribute("can_be_repeated")
    what_in = RenamedAttribute("short_title_in")
    ends_on = RenamedAttribute("expected_outcome_on")
    should_in = RenamedAttribute("expected_outcome_in")

    @property
    def link_member(self) -> str | None:
        """Whose link it is, as ``options`` says; None for nobody's."""
        own = MEMBER if self.row.requires_member else None
        whose: str | None = self.options.get("member", own)
        return whose

    @property
    def is_about_site(self) -> bool:
        """Whether it is about the site, and no page of the gateway."""
        return self.kind in ("address", "environment", "settings", "loader")

    @property
    def can_be_repeated(self) -> bool:
        """Whether it is done on a device, and can be again: not what is about the site as such."""
        return self.kind not in ("address", "environment", "settings")

    @property
    def needs_login(self) -> bool:
        """Whether it is only on a site that knows who is logged in."""
        vouches = self.link_member is None or "no_login_for" in self.options
        return self.visitor == "member" or not vouches

    def title_in(self, locale: str) -> str:
        """Return what it is, with the page of the gateway."""
        what = self.short_title_in(locale)
        if self.page or self.is_about_site:
            return what
        return get_text(locale, "check.case", page=self.row.get_title(locale), what=what)

    def short_title_in(self, locale: str) -> str:
        """Return what it is, without the page of the gateway."""
        return self.page or get_text(locale, f"check.case.{self.kind}")

    def expected_outcome_on(self, platform: str) -> str:
        """Return what has to come of it for whoever is on a platform."""
        has_none = self.expected_outcome == "gateway" and platform not in self.row.platforms
        return "handoff" if has_none else self.expected_outcome

    def expected_outcome_in(self, locale: str) -> str:
        """Say what has to come of it, on whatever device."""
        ends = {
            self.expected_outcome_on(self.platform or device) for device in ("1", "2")
        }  # phones and PCs
        [end] = ends if len(ends) == 1 else ["gateway_or_handoff"]
        return get_text(locale, f"check.ends.{end}")

    @property
    def site_page(self) -> str:
        """The page of the site that has the entry, as it was asked for; "" for none."""
        return self.page.partition(PAGE_ENTRY_SEPARATOR)[0]

    @property
    def endpoint(self) -> str:
        """The endpoint whose view has to answer."""
        return f"xiebao.{'paid' if self.expected_outcome == 'back' else self.row.name}"

    @property
    def name(self) -> str:
        """What commands and addresses call it."""
        return self.kind if self.is_about_site else f"{self.row.name}-{self.kind}"


_OWN_MEMBER_OPTION, _OTHER_MEMBER_OPTION = {"member": MEMBER}, {"member": OTHER_MEMBER}
_NO_LOGIN_FOR_HOUR, _NO_LOGIN_FOR_MINUTE = {"no_login_for": 3600}, {"no_login_for": 60}
_WITH_RETURN_TO = {"return_to": SAMPLE_RETURN_TO}
_ACCEPT_JSON = {"Accept": "application/json"}
_FETCH_HEADERS = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}

# What is done on each page of the gateway that has what it needs.
_GATEWAY_PAGE_CASES = (
    Case("plain"),
    Case("visitor", "login", visitor="nobody"),
    Case("own", needs="everybodys", options=_OWN_MEMBER_OPTION),
    Case("own-visitor", "login", needs="everybodys", options=_OWN_MEMBER_OPTION, visitor="nobody"),
    # who is on which platform: the link's, else the one asked for, else the device's
    *(
        Case(f"platform-{slug}", options={"platform": slug}, platform=code)
        for code, slug in PLATFORM_SLUGS.items()
    ),
    *(
        Case(f"asked-{slug}", query=f"platform={slug}", platform=c)
        for c, slug in PLATFORM_SLUGS.items()
    ),
    Case("asked-nonsense", query="platform=tv"),
    Case("visitor-asked", "login", query="platform=h5", visitor="nobody"),
    Case("platform-over-asked", options={"platform": "android"}, query="platform=h5", platform="4"),
    Case("awkward", needs="reference", reference=_REFERENCE_TO_ESCAPE),
    Case("client-reference", options={"client_reference": "order 8/号"}),
    Case("sub-partner", needs="subPartnerId", options={"sub_partner_id": "branch-7"}),
    Case("sub-partner-none", needs="subPartnerId", options={"sub_partner_id": ""}),
    Case(
        "return-long",
        needs="paySuccess",
        options={"return_to": f"{SAMPLE_RETURN_TO}&{'long' * 250}"},
    ),
    # with a time, links with a member vouch for them, and not for longer
    Case(
        "return",
        needs="paySuccess",
        options=_WITH_RETURN_TO | _OWN_MEMBER_OPTION | _NO_LOGIN_FOR_HOUR,
        visitor="nobody",
    ),
    Case("bearer", options=_OWN_MEMBER_OPTION | _NO_LOGIN_FOR_HOUR, visitor="nobody"),
    Case(
        "expired",
        "expired",
        options=_OWN_MEMBER_OPTION | _NO_LOGIN_FOR_MINUTE,
        age=60,
        visitor="nobody",
    ),
    Case("expired-own", options=_OWN_MEMBER_OPTION | _NO_LOGIN_FOR_MINUTE, age=3600),
    Case("another", "another_member", options=_OTHER_MEMBER_OPTION),
    Case("another-json", "another_member", options=_OTHER_MEMBER_OPTION, headers=_ACCEPT_JSON),
    Case("another-bearer", "another_member", options=_OTHER_MEMBER_OPTION | _NO_LOGIN_FOR_HOUR),
    # what is no click: what a script fetches is a page to go on by
    Case("htmx", "navigate", headers={"HX-Request": "true"}, query="platform=h5"),
    Case("turbo", "navigate", headers={"X-Turbo-Request-Id": "1"}, query="platform=h5"),
    Case("turbo-frame", "navigate", headers={"Turbo-Frame": "main"}, query="platform=h5"),
    Case("turbo-prefetch", "navigate", headers={"X-Sec-Purpose": "prefetch"}),
    Case("fetch", "navigate", headers=_FETCH_HEADERS, query="platform=h5"),
    Case("image", "navigate", headers={"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    Case("told-to-go", headers=_FETCH_HEADERS | {"Sec-Fetch-Site": "same-origin"}, query="go=1"),
    Case("head", method="HEAD"),
    Case("changed", "invalid_link"),
    Case("changed-json", "invalid_link", headers=_ACCEPT_JSON),
    Case("guard", "not_allowed"),
)
# And on those of a site that sells nothing now.
_DISABLED_SITE_CASES = (
    Case("off", "disabled"),
    Case("off-visitor", "disabled", visitor="nobody"),
)
_WHOLE_SITE_CASES = (Case("loader", "loader", visitor="nobody"),)


def build_cases(*, enabled: bool = True) -> list[Case]:
    """Return every case of every page.

    :param enabled: whether the site sells at all.
    """
    made = [
        replace(case, row=row, reference=case.reference if row.reference_parameter_name else None)
        for row in PAGE_SPECS
        for case in (_GATEWAY_PAGE_CASES if enabled else _DISABLED_SITE_CASES)
        if _can_run_on_gateway_page(case, row)
    ]
    return [*made, *(_WHOLE_SITE_CASES if enabled else ())]


def build_page_case(url: str) -> Case:
    """Return what a page of the site is kept as, beside the entries that are on it."""
    return Case("page", "page", page=url)


def _can_run_on_gateway_page(case: Case, page_spec: PageSpec) -> bool:
    """Tell whether a page has what a case needs."""
    has = {"", *page_spec.parameters, "reference" if page_spec.reference_parameter_name else ""}
    has |= (
        set() if page_spec.requires_member else {"everybodys"}
    )  # the others are a member's by themselves
    return case.needs in has and (
        "platform" not in case.options or case.platform in page_spec.platforms
    )
