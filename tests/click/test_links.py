"""The links that a site makes in Python: what they say, where they lead, and which it cannot make.

A wrong argument is a row of ``WRONG``, a site that is somewhere a row of ``PLACES``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, Entry, LinkError, Platform
from flask_xiebao.testing import entry_of
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    LINK_ARGUMENTS,
    NEEDS_TRUSTED_HOSTS,
    PRODUCT_CODE,
    SECRET_KEY,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_href,
    make_link,
)

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
INVALID_MEMBER_MESSAGE = "A member's id must be a string, an integer or a UUID, got"

TOKEN = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"


def lazy(value: Any) -> Any:
    """Return a proxy of *value*, as Flask's own are."""
    return LocalProxy(lambda: value)


OPTIONS: dict[str, Any] = {
    "member": 7,
    "platform": "iOS",
    "return_to": "/orders/8",
    "no_login_for": 60,
    "client_reference": "order-8",
}
_SAID: dict[str, Any] = {**OPTIONS, "member": "7", "platform": Platform.IOS}
_BRANCH: dict[str, Any] = {"sub_partner_id": "branch"}
#: The page, what its link is made with while member 7 is logged in, and what it says.
GIVEN: list[tuple[str, dict[str, Any], Entry | None]] = [
    ("product", OPTIONS | _BRANCH, Entry("product", PRODUCT_CODE, **_SAID, **_BRANCH)),
    ("home", OPTIONS | _BRANCH, Entry("home", **_SAID, **_BRANCH)),
    ("policy", OPTIONS, Entry("policy", INSURE_NUM, **_SAID)),
    *[
        (page, {"member": nobody}, Entry(page, PRODUCT_CODE if page == "product" else None))
        for page in ("product", "home")
        for nobody in (None, "", " ", 0, False)
    ],
    ("policy", {}, Entry("policy", INSURE_NUM, "7")),
    ("policy", {"member": None}, Entry("policy", INSURE_NUM, "7")),
    ("policy", {"member": "8"}, Entry("policy", INSURE_NUM, "8")),
    *[("policy", {"member": nobody}, None) for nobody in ("", "  ", 0, False)],
    ("product", {"member": MEMBER_UUID}, Entry("product", PRODUCT_CODE, str(MEMBER_UUID))),
    ("home", {"member": MEMBER_UUID}, Entry("home", member=str(MEMBER_UUID))),
    ("policy", {"member": MEMBER_UUID}, Entry("policy", INSURE_NUM, str(MEMBER_UUID))),
    ("home", {"member": lazy("7")}, Entry("home", member="7")),
    (
        "product",
        {"sub_partner_id": lazy("branch"), "return_to": lazy("/orders/8")},
        Entry("product", PRODUCT_CODE, sub_partner_id="branch", return_to="/orders/8"),
    ),
    ("home", {"client_reference": 8}, Entry("home", client_reference="8")),
    ("home", {"client_reference": "订单 8"}, Entry("home", client_reference="订单 8")),
]


@pytest.mark.parametrize(("page", "options", "entry"), GIVEN)
def test_a_link_says_what_it_was_given_and_logs_nothing(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    page: str,
    options: dict[str, Any],
    entry: Entry | None,
) -> None:
    site.log_in("7")
    link = site.link(page, **options)
    if entry is None:
        assert link == ""
    else:
        assert re.fullmatch(rf"/xiebao/{page}/{TOKEN}", link)
        with site.app.app_context():
            assert entry_of(link) == entry
    assert caplog.records == []


_LONG = "x" * 1500
#: The argument, the page, the options, and what is said. ``reference`` stands for what is before
#: the options.
WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("page", "tv", {}, "'tv' is not a gateway page"),
    *[("member", page, {"member": 1.5}, INVALID_MEMBER_MESSAGE) for page in LINK_ARGUMENTS],
    *[
        ("member", "home", {"member": value}, INVALID_MEMBER_MESSAGE)
        for value in (True, 0.0, [], ["m1"])
    ],
    (
        "member",
        "home",
        {"member": "7\n"},
        r"A member's id contains the unprintable character U\+000A",
    ),
    (
        "member",
        "policy",
        {"member": "7\u200d"},
        r"A member's id contains the unprintable character U\+200D",
    ),
    ("member", "home", {"member": "7" * 257}, "A member's id must have at most 256 bytes, got 257"),
    ("no_login_for", "home", {"no_login_for": 60}, 'A link with "no_login_for" requires "member"'),
    (
        "no_login_for",
        "home",
        {"member": 0, "no_login_for": 60},
        'A link with "no_login_for" requires "member"',
    ),
    (
        *("no_login_for", "policy", {"member": "7", "no_login_for": 0}),
        "no_login_for must be an integer number of seconds from 1",
    ),
    *[
        ("platform", "product", {"platform": value}, f"platform: {value!r} is not a platform")
        for value in ("tv", 0, "")
    ],
    *[
        (
            "platform",
            page,
            {"member": "7", "platform": pc},
            f"PC is not supported by the {page} page",
        )
        for page in ("home", "policy")
        for pc in (Platform.PC, "pc", "PC", 2)
    ],
    ("return_to", "product", {"return_to": "https://evil.example/"}, "return_to must be a path"),
    ("return_to", "policy", {"member": "7", "return_to": ""}, "return_to must be a path"),
    (
        "return_to",
        "home",
        {"return_to": "//evil.example"},
        "return_to must not point to another site",
    ),
    ("sub_partner_id", "product", {"sub_partner_id": " "}, "sub_partner_id is empty"),
    (
        "sub_partner_id",
        "product",
        {"sub_partner_id": False},
        "sub_partner_id must be a string or an integer",
    ),
    (
        "sub_partner_id",
        "product",
        {"sub_partner_id": []},
        "sub_partner_id must be a string or an integer",
    ),
    (
        "sub_partner_id",
        "policy",
        {"sub_partner_id": "7"},
        'policy page does not accept "sub_partner_id"',
    ),
    ("client_reference", "home", {"client_reference": ""}, "client_reference is empty"),
    (
        "client_reference",
        "home",
        {"client_reference": "a\nb"},
        r"client_reference contains the unprintable character U\+000A",
    ),
    *[
        ("client_reference", "home", {"client_reference": value}, "a string or an integer, got")
        for value in (["8"], True)
    ],
    *[
        ("reference", page, {"reference": value}, f"^{name} ")
        for page, name in (("product", "caseCode"), ("policy", "insureNum"))
        for value in (None, "", " ", "Q\nX", 1.5, True, False, [PRODUCT_CODE], b"QX")
    ],
    *[
        (
            "reference",
            "policy",
            {"reference": null},
            "insureNum is None, for example because of a NULL",
        )
        for null in (None, lazy(None))
    ],
    (
        "reference",
        "policy",
        {"reference": "2019 0226"},
        "insureNum must be a single value without whitespace",
    ),
    (
        "reference",
        "home",
        {"reference": PRODUCT_CODE},
        r"does not accept a reference \(a case code or an application number\)",
    ),
    # What no QR code could hold.
    ("return_to", "home", {"return_to": "/" + _LONG}, 'Shorten "return_to"'),
    ("return_to", "home", {"return_to": "/" + '"' * 700}, 'Shorten "return_to"'),
    ("return_to", "home", {"return_to": "/" + "保" * 400}, 'Shorten "return_to"'),
    ("return_to", "home", {"return_to": "/" + "x" * 1200}, 'Shorten "return_to"'),
    ("reference", "product", {"reference": _LONG}, "Shorten "),
    ("reference", "product", {"reference": "x" * 1000, "return_to": "/" + "x" * 500}, "Shorten "),
    ("return_to", "product", {"reference": "x" * 600, "return_to": "/" + "保" * 300}, "Shorten "),
    ("sub_partner_id", "home", {"sub_partner_id": _LONG}, "Shorten "),
    ("client_reference", "home", {"client_reference": "订" * 500}, 'Shorten "client_reference"'),
]


@pytest.mark.parametrize(("argument", "page", "options", "words"), WRONG)
def test_a_wrong_argument_is_named_when_the_link_is_made_also_in_service(
    make_site: MakeSite, argument: str, page: str, options: dict[str, Any], words: str
) -> None:
    site = make_site(**DEPLOYED)
    reference = dict(zip(["reference"], LINK_ARGUMENTS.get(page, ()), strict=False))
    member = {"member": "7"} if page == "policy" else {}
    with site.app.test_request_context(), pytest.raises(LinkError, match=words) as raised:
        site.xiebao.link(page, **{**reference, **member, **options})
    assert raised.value.argument == argument


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_member_needs_no_login_for_where_nobody_can_be_logged_in(
    make_site: MakeSite, page: str
) -> None:
    site = make_site(loader=False)
    with pytest.raises(LinkError, match='a link with "member" requires "no_login_for"') as raised:
        site.link(page, member="7")
    assert raised.value.argument == "no_login_for"
    assert site.link(page, member="7", no_login_for=60).startswith(f"/xiebao/{page}/")
    assert (site.link(page) == "") == (page == "policy")


def test_without_a_request_a_policy_link_has_to_say_whose_it_is(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example")
    site.log_in("7")
    with (
        site.app.app_context(),
        pytest.raises(LinkError, match='requires "member", because no member is logged in'),
    ):
        site.xiebao.policy_link(INSURE_NUM)


@pytest.mark.parametrize("member", ["7", " "])
def test_a_response_with_a_members_link_is_kept_from_shared_caches(site: Site, member: str) -> None:
    @site.app.get("/links")
    def links() -> Any:
        for page in LINK_ARGUMENTS:
            getattr(site.xiebao, f"{page}_link")(*LINK_ARGUMENTS[page], member=member)
        return "links", {"Cache-Control": "public, s-maxage=600, max-age=60"}

    # A link without a member is anybody's.
    caches = site.follow("/links").cache_control
    assert (bool(caches.private), bool(caches.public)) == (member == "7", member != "7")
    assert caches.s_maxage == (None if member == "7" else 600)
    assert caches.max_age == 60


# Where a link leads that leaves the site

FORGED = "https://evil.example"
PUBLIC = {"XIEBAO_PUBLIC_URL": "https://shop.example/mall"}
NAMED = {"SERVER_NAME": "shop.example"}
#: The settings, the URL of the request if there is one, and how a member's link then begins; None
#: where it is not made.
PLACES: list[Any] = [
    ({}, "https://shop.example:8443", "https://shop.example:8443"),
    ({}, "https://shop.example/mall", "https://shop.example/mall"),
    (PUBLIC, "https://other.example/inside", "https://shop.example/mall"),
    (PUBLIC, None, "https://shop.example/mall"),
    ({"XIEBAO_PUBLIC_URL": "https://shop.example/mall/"}, None, "https://shop.example/mall"),
    ({"XIEBAO_PUBLIC_URL": "http://shop.example:8080"}, FORGED, "http://shop.example:8080"),
    (PUBLIC | {"SERVER_NAME": "in.example"}, "https://in.example", "https://shop.example/mall"),
    (NAMED | {"APPLICATION_ROOT": "/mall"}, None, "http://shop.example/mall"),
    (NAMED | {"PREFERRED_URL_SCHEME": "https"}, None, "https://shop.example"),
    # Without an address there is no link, in whatever kind of site.
    ({}, None, None),
    ({"XIEBAO_STRICT": False}, None, None),
    (DEPLOYED, None, None),
    # A host that nobody vouched for.
    (DEPLOYED, FORGED, None),
    (DEPLOYED | {"TRUSTED_HOSTS": []}, FORGED, None),
    (DEPLOYED | PUBLIC, FORGED, "https://shop.example/mall"),
    (DEPLOYED | NAMED, FORGED, "https://shop.example"),
    (DEPLOYED | {"DEBUG": True}, FORGED, FORGED),
    (DEPLOYED | {"TESTING": True}, FORGED, FORGED),
    # One that Flask was told to trust: it answers 400 to all others.
    pytest.param(
        DEPLOYED | {"TRUSTED_HOSTS": ["shop.example"]},
        *("https://shop.example", "https://shop.example"),
        marks=NEEDS_TRUSTED_HOSTS,
    ),
]


@pytest.mark.filterwarnings("ignore:Current server name:UserWarning")
@pytest.mark.parametrize(
    ("page", "options"),
    [("product", {"member": "7"}), ("home", {"member": "7", "no_login_for": 60}), ("policy", {})],
)
@pytest.mark.parametrize(("config", "base_url", "start"), PLACES)
def test_a_members_link_leaves_the_site_only_where_it_surely_leads_back(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    page: str,
    options: dict[str, Any],
    config: dict[str, Any],
    base_url: str | None,
    start: str | None,
) -> None:
    site = make_site(**config)
    site.log_in("7")
    options = {"member": "7"} if base_url is None else options
    context = (
        site.app.app_context()
        if base_url is None
        else site.app.test_request_context(base_url=base_url)
    )
    with context:
        if start is None:
            with pytest.raises(LinkError, match="Set XIEBAO_PUBLIC_URL"):
                make_link(site.xiebao, page, external=True, **options)
        else:
            link = make_link(site.xiebao, page, external=True, **options)
            assert re.fullmatch(rf"{re.escape(start)}/xiebao/{page}/{TOKEN}", link)
        if base_url is not None:
            local = make_link(site.xiebao, page, **options)
            if "SERVER_NAME" in config:  # Flask 3.0 leaves a host that has another
                local = local.removeprefix(start or "")
            assert local.startswith(f"{urlsplit(base_url).path}/xiebao/{page}/")
        elif start is not None:
            # Without a request, every link leaves the site.
            assert make_link(site.xiebao, page, **options).startswith(f"{start}/xiebao/")
    assert caplog.records == []


def test_a_forged_host_is_about_external_and_harmless_to_a_link_without_a_member(
    make_site: MakeSite,
) -> None:
    site = make_site(**DEPLOYED)
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED") as raised:
        site.link("home", FORGED, member="m1", external=True)
    assert raised.value.argument == "external"
    for page in ("product", "home"):
        assert site.link(page, FORGED, external=True).startswith(f"{FORGED}/xiebao/{page}/")


# Keys


@pytest.mark.parametrize("secret", [None, "", b"", 123456, 1.5])
def test_a_secret_that_cannot_sign_is_an_error_at_the_first_link(site: Site, secret: Any) -> None:
    with site.app.test_request_context():  # Flask itself refuses some of these earlier
        site.app.config["SECRET_KEY"] = secret
        with pytest.raises(ConfigError, match="SECRET_KEY") as raised:
            site.xiebao.product_link(PRODUCT_CODE)
        assert list(raised.value.problems) == ["SECRET_KEY"]
        site.app.config["SECRET_KEY"] = SECRET_KEY
        assert site.xiebao.product_link(PRODUCT_CODE)


@pytest.mark.parametrize(
    "fallbacks",
    ["old secret", b"old secret", [""], ["old", ""], [None], [5], {"old": 1}, [["a"]]],
)
def test_fallbacks_that_are_no_list_of_keys_are_an_error_at_the_first_link(
    make_site: MakeSite, fallbacks: Any
) -> None:
    site = make_site(SECRET_KEY_FALLBACKS=fallbacks)
    said = "SECRET_KEY_FALLBACKS must be a list of keys"
    with pytest.raises(ConfigError, match=said) as raised:
        site.link("product")
    assert "old" not in str(raised.value)
    assert SECRET_KEY not in str(raised.value)


@pytest.mark.parametrize("fallbacks", [None, [], (), ["old"], ("old",), [b"old"]])
def test_fallbacks_may_be_a_list_or_nothing_and_sign_no_new_link(
    make_site: MakeSite, fallbacks: Any
) -> None:
    link = make_site(SECRET_KEY_FALLBACKS=fallbacks).link("product")
    with make_site().app.app_context():
        assert entry_of(link) == Entry("product", PRODUCT_CODE)


# References as databases have them

PADDED = f"{PRODUCT_CODE}      "
BY: dict[str, Callable[[Site, str], str]] = {
    "insurance_entry": lambda site, code: find_href(
        site.render("{{ insurance_entry(code) }}", code=code)
    ),
    "with a member": lambda site, code: find_href(
        site.render('{{ insurance_entry(code, member="8") }}', code=code)
    ),
    "xiebao_link": lambda site, code: (
        site.render("{{ xiebao_link('product', code) }}", code=code).text
    ),
    "product_link": lambda site, code: site.xiebao.product_link(code),
    "link": lambda site, code: site.xiebao.link("product", code, member="8"),
}


@pytest.mark.parametrize("make", BY.values(), ids=BY)
def test_a_padded_code_is_taken_without_its_padding_and_told_once(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, make: Callable[[Site, str], str]
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("8")
    for padded in (PADDED, f"\u3000{PRODUCT_CODE}\n", f" {PRODUCT_CODE}"):
        with site.app.test_request_context():
            verdict = assert_gateway_accepts(site.follow(make(site, padded)))
        assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE
    [line] = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert line.startswith(
        f"caseCode {PADDED!r} has leading or trailing whitespace (for example from a CHAR(n)"
        " column), which was left out of the link. Strip the value in the code that reads it. See "
    )
    # The view in tests/support.py renders the templates, which are strings.
    assert re.search(r"/(support|click/test_links)\.py, line \d+\.$", line)


@pytest.mark.parametrize("make", BY.values(), ids=BY)
@pytest.mark.parametrize("code", ["QX 1", " QX\t1 ", "QX\u30001"])
def test_a_code_with_white_space_in_it_is_refused_and_shown(
    site: Site, make: Callable[[Site, str], str], code: str
) -> None:
    with (
        site.app.test_request_context(),
        pytest.raises(LinkError, match="caseCode must be a single value without wh") as caught,
    ):
        make(site, code)
    assert caught.value.argument == "reference"
    assert repr(code) in str(caught.value)


@pytest.mark.parametrize("number", [f"{INSURE_NUM}  ", int(INSURE_NUM), lazy(INSURE_NUM)])
def test_an_application_number_is_read_like_a_code(make_site: MakeSite, number: Any) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("8")
    with site.app.test_request_context():
        link = site.xiebao.policy_link(number)
    assert dict(assert_gateway_accepts(site.follow(link)).parameters)["insureNum"] == INSURE_NUM
