"""A hand-written table of the check's test cases and their expected outcomes.

They test what sections 2.1 to 2.3 of the interface document and the manual's chapter on clicks
promise a site, as far as something on a site can change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..deprecated import DeprecatedAlias
from ..gateway.platforms import Platform
from ..links.tokens import Entry
from ..simulator.document import PAGE_SPECS, PageSpec
from ..texts import get_text

#: The visitor who clicks: the logged-in member or an anonymous visitor.
Visitor = Literal["member", "nobody"]
#: The owner of a link: the member who clicks, or another member.
MEMBER, OTHER_MEMBER = "member", "another"

#: The prefix of the made-up member ids that "flask xiebao check" uses.
PLACEHOLDER_ID_PREFIX = "Check-"

#: A mapping from each platform code to the platform's name in links and on pages, for example from
#: "1" to "h5".
PLATFORM_SLUGS = {f"{platform:d}": platform.slug for platform in Platform}

#: A sample path for the option return_to of test links. The site shows this page after payment.
SAMPLE_RETURN_TO = "/orders/8?from=网&to=%E6%B5%B7"
#: A sample reference for test links: a product's code (caseCode) or a policy's application number.
SAMPLE_REFERENCE = "QX000000127257"
#: The separator between a page's URL and an entry's label in the title of a test case.
PAGE_ENTRY_SEPARATOR = " · "
# A sample product code or application number with characters that must be escaped in a query
# string.
_REFERENCE_TO_ESCAPE = "QX-1+&=?%/#;号"


@dataclass(frozen=True)
class Case:
    """A test case: a click on an insurance entry, and its expected outcome on any device.

    :param kind: The kind of click. Its title is the text ``check.case.<kind>`` in :mod:`.texts`.
    :param expected_outcome: The expected outcome: ``gateway``, ``login``, ``navigate`` (a page that
        sends the browser to the link), ``back``, ``loader`` (any response except an error, because
        the site's own ``member_loader`` decides), or the reason of a refusal.
    :param page_spec: The gateway page.
    :param needs: The requirement for the gateway page: the name of a parameter, ``reference``, or
        ``everybodys`` (it has links without a member); "" for none.
    :param visitor: The visitor who clicks.
    :param options: The keyword arguments of the link. Its ``member`` is ``member`` or ``another``.
    :param age: The age of the link in seconds, or None for a link that is created now.
    :param reference: The case code or application number.
    :param query: The query string that is added to the link.
    :param headers: The headers that the browser sends beside those of its device.
    :param method: The request method.
    :param platform: The platform code for the gateway on every device, or None for the device's.
    :param calls_guard: True if the site's own ``click_guard`` is called.
    :param page: The page of the site that has the entry.
    :param entry: The entry of a link on a page of the site, or None if the check builds the link.
    """

    kind: str
    expected_outcome: str = "gateway"
    page_spec: PageSpec = PAGE_SPECS[0]
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
    row = DeprecatedAlias("page_spec")
    ends = DeprecatedAlias("expected_outcome")
    whose = DeprecatedAlias("link_member")
    is_of_site = DeprecatedAlias("is_about_site")
    is_done = DeprecatedAlias("can_be_repeated")
    what_in = DeprecatedAlias("short_title_in")
    ends_on = DeprecatedAlias("expected_outcome_on")
    should_in = DeprecatedAlias("expected_outcome_in")
    asks_guard = DeprecatedAlias("calls_guard")

    @property
    def link_member(self) -> str | None:
        """The link's owner: the check's member (``member``), another one (``another``), or None."""
        default = MEMBER if self.page_spec.requires_member else None
        owner: str | None = self.options.get("member", default)
        return owner

    @property
    def is_about_site(self) -> bool:
        """True if the test case checks the site as a whole and not a gateway page."""
        return self.kind in ("address", "environment", "settings", "members", "loader")

    @property
    def can_be_repeated(self) -> bool:
        """True if a simulated device can run the test case again.

        The test cases for the site's URL, environment, settings and members do not run on a
        simulated device.
        """
        return self.kind not in ("address", "environment", "settings", "members")

    @property
    def needs_login(self) -> bool:
        """True if the test case only applies to sites that can identify the logged-in member."""
        is_login_optional = self.link_member is None or "no_login_for" in self.options
        return self.visitor == "member" or not is_login_optional

    def title_in(self, locale: str) -> str:
        """Return the title of the test case, including the name of the gateway page."""
        title = self.short_title_in(locale)
        if self.page or self.is_about_site:
            return title
        return get_text(locale, "check.case", page=self.page_spec.get_title(locale), what=title)

    def short_title_in(self, locale: str) -> str:
        """Return the title of the test case without the name of the gateway page."""
        return self.page or get_text(locale, f"check.case.{self.kind}")

    def expected_outcome_on(self, platform: str) -> str:
        """Return the expected outcome of the test case for a visitor on a platform.

        It is a handoff if the gateway page has no version for the platform.
        """
        is_handoff = self.expected_outcome == "gateway" and platform not in self.page_spec.platforms
        return "handoff" if is_handoff else self.expected_outcome

    def expected_outcome_in(self, locale: str) -> str:
        """Return a text that describes the expected outcome on phones and on PCs."""
        outcomes = {self.expected_outcome_on(self.platform or code) for code in ("1", "2")}
        [outcome] = outcomes if len(outcomes) == 1 else ["gateway_or_handoff"]
        return get_text(locale, f"check.ends.{outcome}")

    @property
    def site_page(self) -> str:
        """The page or link that was passed to the check, or "" if the check built the link."""
        return self.page.partition(PAGE_ENTRY_SEPARATOR)[0]

    @property
    def endpoint(self) -> str:
        """The endpoint of the view that must handle the click."""
        return f"xiebao.{'paid' if self.expected_outcome == 'back' else self.page_spec.name}"

    @property
    def name(self) -> str:
        """The name of the test case in commands and URLs."""
        return self.kind if self.is_about_site else f"{self.page_spec.name}-{self.kind}"


_OWN_MEMBER_OPTION, _OTHER_MEMBER_OPTION = {"member": MEMBER}, {"member": OTHER_MEMBER}
_NO_LOGIN_FOR_HOUR, _NO_LOGIN_FOR_MINUTE = {"no_login_for": 3600}, {"no_login_for": 60}
_WITH_RETURN_TO = {"return_to": SAMPLE_RETURN_TO}
_ACCEPT_JSON = {"Accept": "application/json"}
_FETCH_HEADERS = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}

# The test cases for gateway pages. A test case with the argument "needs" runs only for gateway
# pages that have the named feature.
_GATEWAY_PAGE_CASES = (
    Case("plain"),
    Case("visitor", "login", visitor="nobody"),
    Case("own", needs="everybodys", options=_OWN_MEMBER_OPTION),
    Case("own-visitor", "login", needs="everybodys", options=_OWN_MEMBER_OPTION, visitor="nobody"),
    # The platform that a link specifies has precedence over ?platform=, which has precedence over
    # the device's platform.
    *(
        Case(f"platform-{slug}", options={"platform": slug}, platform=code)
        for code, slug in PLATFORM_SLUGS.items()
    ),
    *(
        Case(f"asked-{slug}", query=f"platform={slug}", platform=code)
        for code, slug in PLATFORM_SLUGS.items()
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
    # With no_login_for, a member's link works without a login for the given time, but not longer.
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
    # A request by a script, an image or a prefetch is not a click, so it is not redirected to the
    # gateway. Instead, the response is a page that makes the browser navigate to the link.
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
# The test cases for each gateway page if the setting XIEBAO_ENABLED is off.
_DISABLED_SITE_CASES = (
    Case("off", "disabled"),
    Case("off-visitor", "disabled", visitor="nobody"),
)
_WHOLE_SITE_CASES = (Case("loader", "loader", visitor="nobody"),)


def build_cases(*, enabled: bool = True) -> list[Case]:
    """Return the test cases for each gateway page, and those for the site as a whole.

    :param enabled: The value of ``XIEBAO_ENABLED``.
    """
    gateway_page_cases = [
        replace(
            case,
            page_spec=page_spec,
            reference=case.reference if page_spec.reference_parameter_name else None,
        )
        for page_spec in PAGE_SPECS
        for case in (_GATEWAY_PAGE_CASES if enabled else _DISABLED_SITE_CASES)
        if _can_run_on_gateway_page(case, page_spec)
    ]
    return [*gateway_page_cases, *(_WHOLE_SITE_CASES if enabled else ())]


def build_site_page_case(url: str) -> Case:
    """Return the test case for a page of the site. Entries on the page have their own cases."""
    return Case("page", "page", page=url)


def _can_run_on_gateway_page(case: Case, page_spec: PageSpec) -> bool:
    """Return True if a gateway page has the feature and platform that a test case requires."""
    features = {
        "",
        *page_spec.parameter_names,
        "reference" if page_spec.reference_parameter_name else "",
        "" if page_spec.requires_member else "everybodys",
    }
    return case.needs in features and (
        "platform" not in case.options or case.platform in page_spec.platforms
    )
