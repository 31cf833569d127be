"""What people do with the entries of a site, and what has to come of each: a table, by hand.

It is what sections 2.1 to 2.3 of the document promise a site, and the manual's chapter on what
happens at a click. Each page of the gateway has the rows that fit what it takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import Response, abort

from ..simulator.document import ROWS, Row
from ..texts import text
from .site import SLUGS

#: The macros of pages that have one of their own.
MACROS = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}

#: Who clicks: the member, who is logged in; or somebody who is not.
Visitor = Literal["member", "nobody"]
#: Whose the link is: the same member's, or another one's; or that of one whose id is all but the
#: same, in other letters or a letter shorter.
MEMBER, ANOTHER, IN_OTHER_LETTERS, SHORTER = "member", "another", "other_letters", "shorter"

#: How the token of a link is spoilt before it is followed.
Spoilt = Literal[
    "changed",
    "changed_end",
    "changed_sign",
    "cut",
    "nonsense",
    "no_member",
    "another_page",
    "another_key",
    "another_partner",
    "older_key",
]

#: Where a payment comes back to, and how that is sent.
RETURN_TO = "/orders/8?from=网&to=%E6%B5%B7"
RETURN_TO_AS_SENT = "/orders/8?from=%E7%BD%91&to=%E6%B5%B7"
#: The case code, or application number, of what is clicked.
CASE_CODE = "QX000000127257"
#: How many pixels a QR code is wide.
QR_SIZE = 120
#: What stands between a page of the site and what on it is meant.
BEFORE_ENTRY = " · "
#: What an attribute has to escape.
AWKWARD_ATTRIBUTE = "\"><script>&amp;'"
#: What a card says, and its other parts, each of which has to be escaped.
CARD_TITLE = "保 & <险>"
CARD_PARTS = ("text", "price", "badge", "image", "action", "insurer")
# All that a query has to escape.
_AWKWARD = "QX-1+&=?%/#;号"
_NOT_OF_THIS_SITE = {
    "return-host": "//evil.example/",
    "return-backslash": "/\\evil.example/",
    "return-url": "https://evil.example/",
}
# How old the link is that has just gone past its time, and one that has not.
_MINUTE, _NOT_YET = 60, 50


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something that somebody does with an entry, on whatever device.

    :param kind: what it is, by its key in :mod:`.texts`.
    :param row: the page of the gateway.
    :param ends: what has to come of it: ``gateway``, ``login``, ``navigate`` (a page by which the
        browser goes to the link itself), ``wait`` (a prefetch gets nothing), ``method``, ``back``,
        ``guard`` (the site's own answer), ``no_link`` (an error where it is made), ``loader``
        (whatever the site's own ``member_loader`` says, but no error), or the reason of a refusal.
    :param cause: of a refusal, what the site is told.
    :param visitor: who clicks.
    :param options: the keywords of the link; ``member`` is ``member``, ``another``, or an id that
        is almost the member's: ``other_letters`` or ``shorter``.
    :param age: how many seconds ago the link was made; None for now.
    :param reference: the case code or application number.
    :param spoilt: what is wrong with its token.
    :param query: the query string added to the link.
    :param headers: what the browser sends beside those of its device.
    :param method: the request's method.
    :param platform: the code that the gateway gets, whatever the device is.
    :param host: the ``Host`` that the browser claims to have asked.
    :param guard: what answers in place of the site's ``click_guard``.
    :param loader_fails: whether the site's ``member_loader`` raises.
    :param template: what is rendered, in place of a click: ``entry``, ``no_entry``, ``code``,
        ``href`` (of the site's own markup), ``sheet``, ``script`` or ``mail_entry`` has to come of
        it. ``mail`` is a link that leaves the site.
    :param page: the page of the site that has the entry.
    :param owner: whose its link is, by their id.
    """

    kind: str
    row: Row
    ends: str = "gateway"
    cause: str | None = None
    visitor: Visitor = "member"
    options: Mapping[str, Any] = field(default_factory=dict)
    age: int | None = None
    reference: str | None = None
    spoilt: Spoilt | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    platform: str | None = None
    host: str | None = None
    guard: Callable[[], object] | None = None
    loader_fails: bool = False
    template: str | None = None
    page: str = ""
    owner: str | None = None

    @property
    def whose(self) -> str | None:
        """Whose link it is, as ``options`` says; None for nobody's."""
        if self.row.members_own and self.spoilt != "no_member":
            return str(self.options.get("member", MEMBER))
        return self.options.get("member")

    @property
    def is_elsewhere(self) -> bool:
        """Whether a script of another site does it."""
        return self.headers.get("Sec-Fetch-Site") == "cross-site"

    @property
    def needs_login(self) -> bool:
        """Whether it is only on a site that knows who is logged in."""
        vouches = self.whose is None or "no_login_for" in self.options
        return self.visitor == "member" or not vouches

    def title_in(self, locale: str) -> str:
        """Return what it is, with the page of the gateway."""
        if self.page:
            return self.page
        return text(locale, "check.case", page=self.row.title_in(locale), what=self.what_in(locale))

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
    def is_return(self) -> bool:
        """Whether it is about the way back from a payment."""
        return self.kind.split("-")[0] == "back"

    @property
    def endpoint(self) -> str:
        """The endpoint whose view has to answer."""
        return f"xiebao.{'paid' if self.is_return else self.row.name}"

    @property
    def name(self) -> str:
        """What commands and addresses call it."""
        return f"{self.row.name}-{self.kind}"


def cases(*, enabled: bool = True) -> list[Case]:
    """Return every case of every page.

    :param enabled: whether the site sells at all.
    """
    make = _cases if enabled else _switched_off
    return [case for row in ROWS for case in make(row)]


def _maker(row: Row) -> Callable[..., Case]:
    def case(kind: str, ends: str = "gateway", **what: Any) -> Case:
        what.setdefault("reference", CASE_CODE if row.reference else None)
        return Case(kind=kind, row=row, ends=ends, **what)

    return case


def _switched_off(row: Row) -> Iterator[Case]:
    """Return the cases of a site that sells nothing now; who has paid still comes back."""
    case = _maker(row)
    bearer = {"member": MEMBER, "no_login_for": 3600}
    yield case("off", "disabled", cause="disabled")
    yield case("off-visitor", "disabled", cause="disabled", visitor="nobody")
    yield case("off-bearer", "disabled", cause="disabled", options=bearer, visitor="nobody")
    yield case("no-entry", "no_entry", template=f"{{{{ {_template(row)} }}}}")
    if "paySuccess" in row.known:
        back = {"return_to": RETURN_TO}
        yield case("back", "back", options=back)
        yield case("back-visitor", "back", options=back, visitor="nobody")


def _cases(row: Row) -> Iterator[Case]:
    case = _maker(row)
    own = {"member": MEMBER}
    yield case("plain")
    yield case("visitor", "login", visitor="nobody")
    if not row.members_own:  # whose links are a member's by themselves
        yield case("own", options=own)
        yield case("own-visitor", "login", options=own, visitor="nobody")
    yield from _on_platforms(row, case)
    yield from _with_options(row, case)
    yield from _bearers(case)
    yield from _spoilt(row, case)
    yield from _no_clicks(case)
    yield from _guarded(case)
    if row == ROWS[0]:
        yield case("loader", "loader", visitor="nobody")
    yield from _rendered(row, case)
    in_mail = _call("mail_entry", row, row.name, qr=QR_SIZE)
    entry = f'{{% from "xiebao/mail.html" import mail_entry %}}{{{{ {in_mail} }}}}'
    yield case("mail-entry", "mail_entry", template=entry)
    mail = {"member": MEMBER, "no_login_for": 3600, "external": True}
    yield case("mail", "mail", options=mail, host="evil.example")
    yield case("head", method="HEAD")
    yield case("post", "method", method="POST")


def _guarded(case: Any) -> Iterator[Case]:
    """Return what the site's own word is asked for, whoever the rules let through."""
    bearer = {"member": MEMBER, "no_login_for": 3600}
    said: dict[str, Any] = {"cause": "not_allowed"}
    yield case("guard", "not_allowed", **said, guard=lambda: False)
    yield case(
        "guard-bearer",
        "not_allowed",
        **said,
        guard=lambda: False,
        options=bearer,
        visitor="nobody",
    )
    yield case("guard-answer", "guard", **said, guard=lambda: ("Locked", 423))
    yield case("guard-abort", "guard", **said, guard=lambda: abort(Response("Locked", 423)))
    yield case("guard-yes", guard=lambda: True)


def _template(row: Row, **options: Any) -> str:
    """Return a call of the macro of a page."""
    own = MACROS.get(row.name)
    return _call(own, row, **options) if own else _call("xiebao_entry", row, row.name, **options)


def _call(function: str, row: Row, *arguments: str, **options: Any) -> str:
    arguments += (CASE_CODE,) if row.reference else ()
    written = [*map(json.dumps, arguments), *(f"{n}={json.dumps(v)}" for n, v in options.items())]
    return f"{function}({', '.join(written)})"


def _rendered(row: Row, case: Any) -> Iterator[Case]:
    """Return what the macros make of a page's entry."""
    plain = _template(row)
    yield case("button", "entry", template=f"{{{{ {plain} }}}}")
    ends = "no_entry" if row.members_own else "entry"
    yield case("button-visitor", ends, template=f"{{{{ {plain} }}}}", visitor="nobody")
    given = {"class": ["btn", "big"], "id": "buy", "data_track": AWKWARD_ATTRIBUTE, "hidden": None}
    attributes = _template(row, **given, download=False)
    yield case("button-attributes", "entry", template=f"{{{{ {attributes} }}}}")
    labelled = _template(row, label=AWKWARD_ATTRIBUTE)
    yield case("button-label", "entry", template=f"{{{{ {labelled} }}}}")
    given = {"client_reference": "order 8"}
    given |= {"return_to": RETURN_TO} if "paySuccess" in row.known else {}
    given |= {"sub_partner_id": "branch-7"} if "subPartnerId" in row.known else {}
    chosen = _template(row, **given)
    yield case("button-options", "entry", template=f"{{{{ {chosen} }}}}", options=given)
    any_page = _call("xiebao_entry", row, row.name)
    yield case("button-generic", "entry", template=f"{{{{ {any_page} }}}}")
    yield case("button-content", "entry", template=f"{{% call {plain} %}}<b>保</b>{{% endcall %}}")
    for kind, options in {"own-markup": {}, "own-markup-options": given}.items():
        href = _call("xiebao_link", row, row.name, **options)
        own = f'<a href="{{{{ {href} }}}}">保</a>'
        yield case(kind, "href", template=own, options=options)
    if row.name == "product":
        code = f"insurance_qr({json.dumps(CASE_CODE)}, size={QR_SIZE}, client_reference='order 8')"
        ordered = {"client_reference": "order 8"}
        yield case("qr", "code", template=f"{{{{ {code} }}}}", options=ordered)
        parts = dict.fromkeys(CARD_PARTS, AWKWARD_ATTRIBUTE)
        card = _call("insurance_card", row, title=CARD_TITLE, **parts)
        yield case("card", "entry", template=f"{{{{ {card} }}}}")
        yield case("styles", "sheet", template="{{ xiebao_styles() }}")
        yield case("styles-layer", "sheet", template='{{ xiebao_styles(layer="components") }}')
        yield case("script", "script", template="{{ xiebao_script() }}")
    if row.reference is not None:
        yield case("wrong", "no_entry", template=f"{{{{ {plain.replace(CASE_CODE, '')} }}}}")


def _on_platforms(row: Row, case: Any) -> Iterator[Case]:
    """Return who is on which platform: the link's, else the one asked for, else the device's."""
    for code, slug in SLUGS.items():
        if code in row.platforms:
            yield case(f"platform-{slug}", options={"platform": slug}, platform=code)
    for code, slug in SLUGS.items():
        yield case(f"asked-{slug}", query=f"platform={slug}", platform=code)
    yield case("asked-nonsense", query="platform=tv")
    yield case("asked-code", query="platform=3")
    yield case("asked-upper", query="platform=IOS")
    yield case("visitor-asked", "login", query="platform=h5", visitor="nobody")
    for code, slug in SLUGS.items():
        if code not in row.platforms:
            yield case(f"platform-{slug}", "no_link", options={"platform": slug})
    if "1" in row.platforms and "4" in row.platforms:
        fixed = {"platform": "android"}
        yield case("platform-over-asked", options=fixed, query="platform=h5", platform="4")


def _with_options(row: Row, case: Any) -> Iterator[Case]:
    if row.reference is not None:
        yield case("awkward", reference=_AWKWARD)
    yield case("client-reference", options={"client_reference": "order 8/号"})
    if "subPartnerId" in row.known:
        yield case("sub-partner", options={"sub_partner_id": "branch-7"})
        yield case("sub-partner-none", options={"sub_partner_id": ""})
    if "paySuccess" in row.known:
        back = {"return_to": RETURN_TO}
        # First, since what a site remembers of its address would show in all that follow.
        yield case("forged-host", options=back, host="evil.example")
        yield case("return", options=back)
        yield case("return-long", options={"return_to": f"{RETURN_TO}&for={'long' * 250}"})
        yield case("return-reference", options=back | {"client_reference": "order 8/号"})
        for kind, path in _NOT_OF_THIS_SITE.items():
            yield case(kind, "no_link", options={"return_to": path})
        yield case("back", "back", options=back)
        yield case("back-visitor", "back", options=back, visitor="nobody")
        yield case("back-another", "back", options=back)
        yield case("back-loader-fails", "back", options=back, loader_fails=True)
        yield case("back-same-day", "back", options=back, age=23 * 60 * 60)
        yield case("back-late", "back", options=back, age=25 * 60 * 60)
        yield case("back-head", "back", options=back, method="HEAD")
        yield case("back-post", "method", options=back, method="POST")
        yield case("back-script", "back", options=back, headers={"HX-Request": "true"})
        yield case("back-prefetch", "wait", options=back, headers={"Sec-Purpose": "prefetch"})
        for spoilt in ("changed", "another_page"):
            yield case(
                f"back-{spoilt.replace('_', '-')}",
                "invalid_link",
                options=back,
                spoilt=spoilt,
                cause=spoilt,
            )


def _bearers(case: Any) -> Iterator[Case]:
    """Return links with a member: with a time they vouch for them, and not for longer."""
    hour = {"member": MEMBER, "no_login_for": 3600}
    minute = {"member": MEMBER, "no_login_for": _MINUTE}
    of_another = {"member": ANOTHER}
    yield case("bearer", options=hour, visitor="nobody")
    yield case("bearer-nearly", options=minute, age=_NOT_YET, visitor="nobody")
    yield case("expired", "expired", cause="expired", options=minute, age=_MINUTE, visitor="nobody")
    yield case("expired-own", options=minute, age=3600)
    yield case("no-time", "no_link", options={"member": MEMBER, "no_login_for": 0})
    refused = {"ends": "another_member", "cause": "another_member"}
    yield case("another", **refused, options=of_another)
    yield case(
        "another-json", **refused, options=of_another, headers={"Accept": "application/json"}
    )
    yield case("another-alike", **refused, options={"member": IN_OTHER_LETTERS})
    yield case("another-shorter", **refused, options={"member": SHORTER})
    yield case("another-bearer", **refused, options=of_another | {"no_login_for": 3600})
    yield case(
        "another-expired", **refused, options=of_another | {"no_login_for": _MINUTE}, age=_MINUTE
    )


def _spoilt(row: Row, case: Any) -> Iterator[Case]:
    causes = {
        "changed": "changed",
        "changed_end": "changed",
        "changed_sign": "changed",
        "cut": "malformed",
        "nonsense": "malformed",
        "another_page": "another_page",
        "another_key": "unknown_key",
        "another_partner": "unknown_key",
    }
    if row.members_own:
        causes["no_member"] = "no_member"
    yield case("older-key", spoilt="older_key")
    for spoilt, cause in causes.items():
        yield case(spoilt.replace("_", "-"), "invalid_link", cause=cause, spoilt=spoilt)
    as_json = {"Accept": "application/json"}
    yield case("changed-json", "invalid_link", cause="changed", spoilt="changed", headers=as_json)


def _no_clicks(case: Any) -> Iterator[Case]:
    """Return what is no click: what a browser or a script fetches by itself."""
    for kind, headers in {
        "prefetch": {"Sec-Purpose": "prefetch"},
        "prerender": {"Sec-Purpose": "prefetch;prerender"},
        "purpose": {"Purpose": "prefetch"},
    }.items():
        yield case(kind, "wait", headers=headers)
    yield case("prefetch-go", "wait", headers={"Sec-Purpose": "prefetch"}, query="go=1")
    for kind, headers in {
        "htmx": {"HX-Request": "true"},
        "turbo": {"X-Turbo-Request-Id": "1"},
        "turbo-frame": {"Turbo-Frame": "main"},
        "turbo-prefetch": {"X-Sec-Purpose": "prefetch"},
        "fetch": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        "image": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        "fetch-same-origin": {"Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "empty"},
        "htmx-go": {"HX-Request": "true"},
        "turbo-go": {"X-Turbo-Request-Id": "1"},
    }.items():
        query = "platform=h5&go=1" if kind.endswith("-go") else "platform=h5"
        yield case(kind, "navigate", headers=headers, query=query)
    fetched = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
    yield case("told-to-go", headers=fetched, query="go=1")
    elsewhere = fetched | {"Sec-Fetch-Site": "cross-site"}
    yield case("told-elsewhere", "navigate", headers=elsewhere, query="go=1")
