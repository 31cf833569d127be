"""What a check finds on the pages of a site: entries, and what is around them.

What is wrong is a row of ``LINKS``, ``DEAD``, ``POLICIES`` or ``KEPT``; what is right and looks
alike, of ``RIGHT_LINKS``, ``ALIVE``, ``BESIDE`` or ``RIGHT_POLICIES``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import segno
from flask import Response, redirect, render_template_string, request

from flask_xiebao.testing import FORMATS
from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    ON_PAGE,
    OUTSIDE,
    MakeSite,
    around,
    assert_is_found,
    assert_is_right,
    check,
    fails,
    flask_login,
    forged,
    in_location,
    kinds,
    link_of,
    right,
    shop,
    with_headers,
    wrong,
)
from tests.support import API_KEY, MACROS, SIGN_OF_API_KEY

POLICY = '{{ policy_entry("P1") }}'
SLIP = '{{ insurance_entry("QX1", look="crad") }}'
PC: dict[str, Any] = {"devices": ["pc"], **ON_PAGE}
MEMBER: dict[str, Any] = {"member": "7", **PC}


def bad(code: str, body: str, *says: str, **site: Any) -> Any:
    """Return a row: what is on a page that is wrong."""
    return wrong(body[:60], code, partial(shop, page=body, **site), *says, **PC)


def good(body: str, *notes: str, **site: Any) -> Any:
    """Return a row: what is on a page that is right."""
    return right(body[:60], partial(shop, page=body, **site), *notes, **PC)


# Links

BY_HAND = '<a class="xiebao-entry" data-xiebao-entry="product" href="{}">x</a>'
PAST = "<a href=\"{{{{ xiebao_link('product', 'QX1')|replace('{}', '{}') }}}}\">x</a>"
BASE = "<base href=\"{}\"><a href=\"{{{{ xiebao_link('product', 'QX1')[1:] }}}}\">x</a>"
FOR_A_MEMBER = "member='7', no_login_for=600"
LINKS = [
    bad("link", BY_HAND.format("/xiebao/product/x")),
    bad("link", BY_HAND.format("https://evil.example/x")),
    bad("link", f'{ENTRY}<a href="/xiebao/product/x">x</a>'),
    bad("link", ENTRY + forged("[" * 20_000)),
    bad("link", ENTRY + forged('["product", {}, 1.5]')),
    bad("link", ENTRY + PAST.format("/xiebao", "https://other.example/xiebao")),
    bad("link", ENTRY + PAST.format("/xiebao/", "/xiebaoo/")),
    bad("link", ENTRY + PAST.format("product", "prodct")),
    bad("page.another_member", '{{ policy_entry("P1", member="another") }}'),
    bad("page.empty", "<p>Nothing</p>"),
    bad("link", BASE.format("https://m.shop.example/")),
    bad("secret", f"{ENTRY}<i data-sign='{SIGN_OF_API_KEY}'></i>"),
    bad("secret", f"{ENTRY}<p>{API_KEY}</p>"),
    bad("entry.label", '{% call insurance_entry("QX1") %}<i class="icon"></i>{% endcall %}'),
    wrong(
        "a page that fails, and one that is not there",
        "crash page.404",
        partial(shop, views={"/page": fails}),
        **{**PC, "pages": ["/page", "/none"]},
    ),
    wrong(
        "two pages with the same slip in a look",
        "left_out",
        partial(
            shop,
            page=SLIP,
            views={"/other": lambda: render_template_string(MACROS + SLIP)},
            XIEBAO_STRICT=False,
        ),
        "look must be",
        "(and 1 more)",
        **{**PC, "pages": ["/page", "/other"]},
    ),
    bad(
        "left_out",
        POLICY.replace(")", ', platfrom="h5")') + ENTRY,
        'There is no keyword "platfrom". Did you mean "platform"?',
        XIEBAO_STRICT=False,
    ),
]
RIGHT_LINKS = [
    good(BASE.format("/")),
    good('{{ insurance_entry("QX1", rel="nofollow", target="_self") }}'),
    good('{% call insurance_entry("QX1") %}<img src="/x.png" alt="旅行险">{% endcall %}'),
    good('{% call insurance_entry("QX1", aria_label="旅行险") %}<svg></svg>{% endcall %}'),
    good('<a href="{{ xiebao_link("product", "QX1") }}?platform=h5">旅行险</a>'),
    good(f"{ENTRY}{ENTRY}"),
    good(f'{ENTRY}<a href="http://[x">x</a><a href="https://x:99999999/">y</a>'),
    good(f"{ENTRY}<![if gte mso 9]><p>x</p><![endif]><![foo bar]"),
    # Codes of other things.
    good(f"{ENTRY}{segno.make_qr('https://weixin.example/r/abc').svg_inline()}"),
    good(f"{segno.make_qr('12345').svg_inline()}{{{{ insurance_qr('QX1') }}}}"),
    good(f"{segno.make_micro('1').svg_inline()}{{{{ insurance_qr('QX1') }}}}"),
    right(
        "a site that is switched off",
        partial(shop, page=ENTRY, XIEBAO_ENABLED=False),
        **{**PC, "only": ()},
    ),
]

# What nobody can click

DEAD = [
    bad("dead", f'<a href="/orders/8">{ENTRY}</a>', "<a> in <a>"),
    *(
        bad("dead", f"<{tag}>{ENTRY}</{tag}>", f"<a> in <{tag}>")
        for tag in ("button", "textarea", "iframe")
    ),
    bad("dead", f"<select><option>{ENTRY}</option></select>", "<a> in <option>"),
    *(
        bad("dead.unseen", f"<{tag}>{ENTRY}</{tag}>", f"<a> in {tag}")
        for tag in ("template", "noscript", "dialog")
    ),
    bad("dead.unseen", f"<div hidden><div></div>{ENTRY}</div>", "<a> in hidden"),
    bad("dead.unseen", f"<section inert>{ENTRY}</section>", "<a> in inert"),
    bad("dead.unseen", f"<div popover>{ENTRY}</div>", "<a> in popover"),
    bad("dead.unseen", '{{ insurance_entry("QX1", hidden=true) }}', "<a> in hidden"),
    *(
        bad("dead.unseen", f'<div style="color: red; {style}">{ENTRY}</div>', "All entries on this")
        for style in ("display:none", "DISPLAY : none !important", "visibility: hidden;")
    ),
    bad("dead.unseen", '{{ insurance_entry("QX1", style="display:none") }}', "All entries on this"),
    bad(
        "dead",
        f'<div style="pointer-events:none"><p>{ENTRY}</p></div>',
        '<a> in <div style="pointer-events: none">',
    ),
    bad("dead", '{{ insurance_entry("QX1", style="pointer-events: none") }}', "pointer-events"),
    *(
        bad("dead.script", f"""{{{{ insurance_entry("QX1", onclick="{script}") }}}}""", "onclick")
        for script in ("return false", "return false;", "event.preventDefault()")
    ),
    *(
        bad("page.no_link", body, "does not escape the HTML")
        for body in (
            f"{{% set entry %}}{ENTRY}{{% endset %}}{{{{ entry|string|forceescape }}}}",
            """<form action="{{ xiebao_link('product', 'QX1') }}"><button>Buy</button></form>""",
        )
    ),
    bad("page.disabled", '{{ insurance_entry("QX1", disabled="Sold out") }}', "--ignore page.dis"),
]
UNSEEN = "hidden until a script shows them: /page"
ALIVE = [
    *(
        good(
            start + entry,
            "has insurance entries but not the extension's stylesheet",
        )
        for start in ("<head></head>", "<!DOCTYPE html><title>Shop</title>")
        for entry in (
            """{{ insurance_entry("QX1", look="button") }}""",
            """{{ insurance_card("QX1", "Travel insurance") }}""",
        )
    ),
    good(f"{ENTRY}<template>{ENTRY}</template>", UNSEEN),
    good(f"<div hidden>{ENTRY}</div><div>{ENTRY}</div>", UNSEEN),
]
BESIDE = [
    good(f'<a name="top">{ENTRY}'),
    good(f"<select><option>1<option>2</select>{ENTRY}"),
    good(f"<button>Buy</button><noscript>No</noscript>{ENTRY}<p hidden>x</p>"),
    good(f"<ul><li>{ENTRY}<li>{ENTRY}</ul>"),
    good(f"<button>x<button>y</button>{ENTRY}"),
    good(f"<link hidden><wbr hidden><dialog open>{ENTRY}</dialog>"),
    good(f"{'<a>text' * 20_000}{'<div hidden><div>' * 5_000}{'</div></div>' * 5_000}{ENTRY}"),
]

# Policies (CSP)

STYLED = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
NAMED = '{{ xiebao_styles(nonce="r4nd0m") }}{{ xiebao_script(nonce="r4nd0m") }}' + ENTRY
CSP = "Content-Security-Policy"


def lets_in(policy: str, body: str = STYLED, header: str = CSP) -> Any:
    site = partial(shop, page=body, headers={header: policy})
    return right(f"{header}: {policy}", site, **PC)


def keeps_out(rule: str, policy: str) -> list[Any]:
    """Return rows: a policy, said in a header and in the page."""
    in_page = f'<meta http-equiv="{CSP}" content="{policy}">{STYLED}'
    by_header = partial(shop, page=STYLED, headers={CSP: policy})
    return [
        wrong(f"{where}: {policy}", rule, site, **PC)
        for where, site in {"header": by_header, "page": partial(shop, page=in_page)}.items()
    ]


POLICIES = [
    *keeps_out("policy.style", "style-src 'none'"),
    *keeps_out("policy.style", "default-src https://cdn.example; script-src 'self'"),
    *keeps_out("policy.style", "style-src-elem https://cdn.example; script-src *"),
    *keeps_out("policy.style", "default-src *, style-src https://localhost/css/"),
    *keeps_out("policy.style", "style-src https://localhost:8443; default-src 'self'"),
    *keeps_out("policy.script", "default-src 'self'; script-src 'nonce-r4nd0m'"),
    *keeps_out("policy.script", "style-src *; script-src 'self' 'strict-dynamic' 'nonce-r4nd0m'"),
    *keeps_out("policy.script", "style-src *; script-src https://*.localhost"),
]
RIGHT_POLICIES = [
    *(
        lets_in(policy)
        for policy in (
            *("", "img-src 'none'", "default-src https:", "default-src http:", "default-src *:*"),
            "default-src 'none'; style-src 'self'; script-src 'self'",
            "default-src localhost",
            "default-src https://localhost:443/xiebao/static/",
        )
    ),
    lets_in("default-src 'none'", header=f"{CSP}-Report-Only"),
    lets_in("style-src 'nonce-r4nd0m'; script-src 'strict-dynamic' 'nonce-r4nd0m'", NAMED),
]

# What is kept for others


def keeps_its_page(base: str) -> Callable[[], str]:
    """Return a view that shows everybody what it rendered for the first."""

    @cache
    def view() -> str:
        entry = render_template_string(MACROS + POLICY)
        return f'<base href="{base}">' + entry.replace('href="/', 'href="') if base else entry

    return view


def keeps(inner: Any) -> Any:
    """Keep the page for everybody, with its headers."""
    kept = list[Any]()

    def keep(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"] != "/page":
            return inner(environ, start)
        if not kept:
            kept.append(Response.from_app(inner, environ, buffered=True))
        return kept[0](environ, start)

    return keep


FOR_ALL = with_headers(("Cache-Control", "public, max-age=600"), without=["Cache-Control"])
KEPT = [
    *(
        wrong(
            f"a page that is kept for all {base}",
            "vary private private.shown",
            partial(shop, views={"/deep/page": keeps_its_page(base)}),
            "Actual: 200 /deep/page",  # somebody who is not logged in got it
            **{**PC, "pages": ["/deep/page"]},
        )
        for base in ("", "/")
    ),
    wrong(
        "a cache in front of a page",
        "private.shown",
        partial(shop, around(keeps), page=POLICY),
        **PC,
    ),
    wrong("no Vary", "vary", partial(shop, with_headers(without=["Vary"]), page=ENTRY), **PC),
    *(
        wrong(
            body,
            "private private.shown header.cache-control",
            partial(shop, flask_login(), FOR_ALL, loader=None, page=ENTRY + body, **OUTSIDE),
            **MEMBER,
        )
        for body in (
            f'{{{{ insurance_qr("QX1", {FOR_A_MEMBER}) }}}}',
            f'<form action="{{{{ xiebao_link("product", "QX1", {FOR_A_MEMBER}) }}}}"></form>',
        )
    ),
]


@pytest.mark.parametrize(
    ("site", "codes", "says", "failed", "options"), [*LINKS, *DEAD, *POLICIES, *KEPT]
)
def test_a_page_that_is_wrong(
    site: MakeSite, codes: set[str], says: tuple[str, ...], failed: set[str], options: Any
) -> None:
    assert_is_found(site, codes, says, failed, options)


@pytest.mark.parametrize(
    ("site", "notes", "options"), [*RIGHT_LINKS, *ALIVE, *BESIDE, *RIGHT_POLICIES]
)
def test_a_page_that_is_right(site: MakeSite, notes: tuple[str, ...], options: Any) -> None:
    report = assert_is_right(site, notes, options)
    assert ("script shows" in "".join(report.notes_in("en"))) == (UNSEEN in notes)


def test_a_link_that_another_key_has_signed() -> None:
    other = shop(**OUTSIDE, SECRET_KEY="the key of last year")
    link = link_of(other, "home")
    report = check(shop(page=f'<a href="{link}">Insurance</a>', **OUTSIDE), **PC)
    assert kinds(report) == {"page.another_key"}


def test_a_link_on_a_page_that_vouches_for_another_member() -> None:
    """Such as an agent's page has for a customer, whose key is nobody else's business."""
    body = '{{ insurance_qr("QX1", member="customer9", no_login_for=600) }}'
    app = shop(page=body, **HIDDEN_KEY, **OUTSIDE)
    options = {**MEMBER, "member": "agent1"}
    report = check(app, **options)
    assert report.passed, str(report)
    with app.app_context():
        key = app.extensions["xiebao"].partner_uniq_key("customer9")
    report = check(
        shop(in_location("partnerUniqKey=", "uniqKey="), page=body, **HIDDEN_KEY, **OUTSIDE),
        **options,
    )
    assert not report.passed
    for form in FORMATS.values():
        assert key[:16] not in form(report)


def test_links_that_are_on_no_page() -> None:
    app = shop(**OUTSIDE)
    mail = link_of(app, "policy", "P1", member="m1", no_login_for=600)
    report = check(app, devices=["iphone"], links=[mail], only=())
    assert report.passed, str(report)
    [result] = report.results
    assert (result.status, result.case.visitor) == (302, "nobody")
    assert kinds(check(app, links=["/nothing"], only=())) == {"link"}


# What is said of pages


@pytest.mark.parametrize(
    ("code", "phone"),
    [
        ("page.elsewhere", redirect("https://m.shop.example/")),
        ("page.empty", "<p>Not for phones</p>"),
    ],
)
def test_a_page_that_has_nothing_for_some_devices_is_worth_a_note(code: str, phone: Any) -> None:
    def start() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return phone if is_phone else render_template_string(MACROS + ENTRY)

    app = shop(views={"/page": start})
    report = check(app, devices=["pc", "iphone"], **ON_PAGE)
    assert report.passed, str(report)
    assert any("some devices" in note.lower() for note in report.notes_in("en"))
    assert report.entries == {"/page": ["product QX1"]}
    assert kinds(check(app, devices=["iphone"], **ON_PAGE)) == {code}


def test_entries_pinned_and_of_sub_accounts_are_said() -> None:
    body = (
        '{{ insurance_entry("QX000000127257", platform="h5", sub_partner_id="b7",'
        ' return_to="/orders/8?token=x") }}'
        '{{ insurance_home_entry() }}{{ policy_entry("2019022602") }}'
    )
    report = check(shop(page=body), **PC)
    said = ["product QX…127257 h5 b7 → /orders/8", "home", "policy 20…022602"]
    assert report.passed, str(report)
    assert (report.entries, report.pages) == ({"/page": said}, {"/page": 3})
