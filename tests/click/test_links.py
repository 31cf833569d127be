"""Tests for links that a site builds in Python, such as ``xiebao.product_link()``.

To test another valid argument, add a row to ``VALID_LINKS``. To test an invalid one, add a row to
``INVALID_ARGUMENTS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from werkzeug.local import LocalProxy

from flask_xiebao import Entry, LinkError, Platform
from flask_xiebao.testing import entry_of
from tests.click.support import get_warnings
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    LINK_ARGUMENTS,
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_href,
    make_link,
)

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


OPTIONS: dict[str, Any] = {
    "member": 7,
    "platform": "iOS",
    "return_to": "/orders/8",
    "no_login_for": 60,
    "client_reference": "order-8",
}
FIELDS: dict[str, Any] = {**OPTIONS, "member": "7", "platform": Platform.IOS}
#: One row per link that is built while the member 7 is logged in: the gateway page, the options of
#: the link, and the expected entry in the token, or None if the link is expected to be empty.
VALID_LINKS: list[tuple[str, dict[str, Any], Entry | None]] = [
    (
        "product",
        OPTIONS | {"sub_partner_id": "branch"},
        Entry("product", PRODUCT_CODE, **FIELDS, sub_partner_id="branch"),
    ),
    (
        "home",
        OPTIONS | {"sub_partner_id": "branch"},
        Entry("home", **FIELDS, sub_partner_id="branch"),
    ),
    ("policy", OPTIONS, Entry("policy", INSURE_NUM, **FIELDS)),
    *[
        (page, {"member": no_member}, Entry(page, PRODUCT_CODE if page == "product" else None))
        for page in ("product", "home")
        for no_member in (None, "", " ", 0, False)
    ],
    ("policy", {}, Entry("policy", INSURE_NUM, "7")),
    ("policy", {"member": None}, Entry("policy", INSURE_NUM, "7")),
    ("policy", {"member": "8"}, Entry("policy", INSURE_NUM, "8")),
    *[("policy", {"member": no_member}, None) for no_member in ("", "  ", 0, False)],
    ("product", {"member": MEMBER_UUID}, Entry("product", PRODUCT_CODE, str(MEMBER_UUID))),
    ("home", {"member": MEMBER_UUID}, Entry("home", member=str(MEMBER_UUID))),
    ("policy", {"member": MEMBER_UUID}, Entry("policy", INSURE_NUM, str(MEMBER_UUID))),
    ("home", {"member": LocalProxy(lambda: "7")}, Entry("home", member="7")),
    (
        "product",
        {
            "sub_partner_id": LocalProxy(lambda: "branch"),
            "return_to": LocalProxy(lambda: "/orders/8"),
        },
        Entry("product", PRODUCT_CODE, sub_partner_id="branch", return_to="/orders/8"),
    ),
    ("home", {"client_reference": 8}, Entry("home", client_reference="8")),
    ("home", {"client_reference": "订单 8"}, Entry("home", client_reference="订单 8")),
]


@pytest.mark.parametrize(("page", "options", "entry"), VALID_LINKS)
def test_token_of_link_contains_page_reference_and_options(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    page: str,
    options: dict[str, Any],
    entry: Entry | None,
) -> None:
    site.log_in("7")
    link = site.link(page, **options)
    assert caplog.records == []
    if entry is None:
        assert link == ""
    else:
        assert re.fullmatch(rf"/xiebao/{page}/[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", link)
        with site.app.app_context():
            assert entry_of(link) == entry


INVALID_TYPE = "A member's id must be a string, an integer or a UUID, got"
#: One row per invalid call: the argument that the error names, the gateway page, the arguments of
#: the call, and a part of the error message. A required argument that a row leaves out has a valid
#: value.
INVALID_ARGUMENTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("page", "tv", {}, "'tv' is not a gateway page"),
    *[("member", page, {"member": 1.5}, INVALID_TYPE) for page in LINK_ARGUMENTS],
    *[("member", "home", {"member": value}, INVALID_TYPE) for value in (True, 0.0, [], ["m1"])],
    (
        *("member", "home", {"member": "7\n"}),
        r"A member's id contains the unprintable character U\+000A",
    ),
    ("member", "home", {"member": "7" * 257}, "A member's id must have at most 256 bytes, got 257"),
    (
        *("member", "policy", {"member": "7\u200d"}),
        r"A member's id contains the unprintable character U\+200D",
    ),
    *[
        ("no_login_for", "home", options, 'A link with "no_login_for" requires "member"')
        for options in ({"no_login_for": 60}, {"member": 0, "no_login_for": 60})
    ],
    (
        *("no_login_for", "policy", {"no_login_for": 0}),
        "no_login_for must be an integer number of seconds from 1",
    ),
    *[
        ("platform", "product", {"platform": value}, f"platform: {value!r} is not a platform")
        for value in ("tv", 0, "")
    ],
    *[
        ("platform", page, {"platform": pc}, f"PC is not supported by the {page} page")
        for page in ("home", "policy")
        for pc in (Platform.PC, "pc", "PC", 2)
    ],
    ("return_to", "product", {"return_to": "https://evil.example/"}, "return_to must be a path"),
    ("return_to", "policy", {"return_to": ""}, "return_to must be a path"),
    (
        *("return_to", "home", {"return_to": "//evil.example"}),
        "return_to must not point to another site",
    ),
    ("sub_partner_id", "product", {"sub_partner_id": " "}, "sub_partner_id is empty"),
    *[
        ("sub_partner_id", "product", {"sub_partner_id": value}, "must be a string or an integer")
        for value in (False, list[str]())
    ],
    (
        *("sub_partner_id", "policy", {"sub_partner_id": "7"}),
        'policy page does not accept "sub_partner_id"',
    ),
    ("client_reference", "home", {"client_reference": ""}, "client_reference is empty"),
    (
        *("client_reference", "home", {"client_reference": "a\nb"}),
        r"client_reference contains the unprintable character U\+000A",
    ),
    *[
        ("client_reference", "home", {"client_reference": value}, "a string or an integer, got")
        for value in (["8"], True)
    ],
    *[
        ("reference", page, {"reference": value}, f"^{parameter} ")
        for page, parameter in (("product", "caseCode"), ("policy", "insureNum"))
        for value in (None, "", " ", "Q\nX", 1.5, True, False, [PRODUCT_CODE], b"QX")
    ],
    *[
        ("reference", "policy", {"reference": value}, "insureNum is None, for example because of a")
        for value in (None, LocalProxy(lambda: None))
    ],
    (
        *("reference", "policy", {"reference": "2019 0226"}),
        "insureNum must be a single value without whitespace, got '2019 0226'",
    ),
    (
        *("reference", "product", {"reference": "\u3000QX\t1 "}),
        r"caseCode must be a single value without whitespace, got '\\u3000QX\\t1 '",
    ),
    (
        *("reference", "home", {"reference": PRODUCT_CODE}),
        r"does not accept a reference \(a case code or an application number\)",
    ),
    # Links with these values are too long for a QR code.
    *[
        ("return_to", "home", {"return_to": f"/{path}"}, 'Shorten "return_to"')
        for path in ("x" * 1500, '"' * 700, "保" * 400, "x" * 1200)
    ],
    ("reference", "product", {"reference": "x" * 1500}, "Shorten "),
    ("reference", "product", {"reference": "x" * 1000, "return_to": "/" + "x" * 500}, "Shorten "),
    ("return_to", "product", {"reference": "x" * 600, "return_to": "/" + "保" * 300}, "Shorten "),
    ("sub_partner_id", "home", {"sub_partner_id": "x" * 1500}, "Shorten "),
    ("client_reference", "home", {"client_reference": "订" * 500}, 'Shorten "client_reference"'),
]


@pytest.mark.parametrize(("argument", "page", "arguments", "message"), INVALID_ARGUMENTS)
def test_invalid_argument_raises_link_error_also_in_production(
    make_site: MakeSite, argument: str, page: str, arguments: dict[str, Any], message: str
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("7")
    reference = dict(zip(["reference"], LINK_ARGUMENTS.get(page, ()), strict=False))
    with site.app.test_request_context(), pytest.raises(LinkError, match=message) as error:
        site.xiebao.link(page, **{**reference, **arguments})
    assert error.value.argument == argument


@pytest.mark.parametrize(
    ("member", "expected"),
    [("7", "max-age=60, private"), (" ", "public, s-maxage=600, max-age=60")],
    ids=["link with member", "link without member"],
)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_response_is_private_if_view_builds_link_with_member(
    site: Site, page: str, member: str, expected: str
) -> None:
    @site.app.get("/links")
    def links() -> Any:
        headers = {"Cache-Control": "public, s-maxage=600, max-age=60"}
        return [make_link(site.xiebao, page, member=member)], headers

    assert site.follow("/links").headers["Cache-Control"] == expected


# Whitespace in references, for example from a CHAR(n) column of a database

#: Functions that build a link to a product, by the macro or method that they call.
LINK_BUILDERS: dict[str, Callable[[Site, str], str]] = {
    "insurance_entry": lambda site, code: find_href(
        site.render("{{ insurance_entry(code) }}", code=code)
    ),
    "insurance_entry with member": lambda site, code: find_href(
        site.render('{{ insurance_entry(code, member="8") }}', code=code)
    ),
    "xiebao_link": lambda site, code: (
        site.render("{{ xiebao_link('product', code) }}", code=code).text
    ),
    "product_link": lambda site, code: site.xiebao.product_link(code),
    "link": lambda site, code: site.xiebao.link("product", code, member="8"),
}


@pytest.mark.parametrize("build_link", LINK_BUILDERS.values(), ids=LINK_BUILDERS)
def test_whitespace_around_case_code_is_stripped_with_one_warning(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    build_link: Callable[[Site, str], str],
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("8")
    for padded in (f"{PRODUCT_CODE}      ", f"\u3000{PRODUCT_CODE}\n", f" {PRODUCT_CODE}"):
        with site.app.test_request_context():
            verdict = assert_gateway_accepts(site.follow(build_link(site, padded)))
        assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE

    [warning] = get_warnings(caplog)
    assert warning.startswith(
        f"caseCode '{PRODUCT_CODE}      ' has leading or trailing whitespace (for example from a"
        " CHAR(n) column), which was left out of the link. Strip the value in the code that reads"
        " it. See "
    )
    # The templates are strings without a file, so the warning names the line of the Python code
    # that renders the template.
    assert re.search(r"/(support|click/test_links)\.py, line \d+\.$", warning)


@pytest.mark.parametrize(
    "number", [f"{INSURE_NUM}  ", int(INSURE_NUM), LocalProxy(lambda: INSURE_NUM)]
)
def test_application_number_can_be_padded_string_integer_or_proxy(site: Site, number: Any) -> None:
    site.log_in("8")
    with site.app.test_request_context():
        link = site.xiebao.policy_link(number)
    assert dict(assert_gateway_accepts(site.follow(link)).parameters)["insureNum"] == INSURE_NUM
