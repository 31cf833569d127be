"""Tests for the rules of ``flask xiebao check`` about the pages of a site and their entries.

To test a rule, add a row to ``LINKS``, ``ATTRIBUTES``, ``UNCLICKABLE``, ``POLICIES``, ``CACHES`` or
``STATUSES``. If a similar page has no fault, add it to ``VALID_LINKS``, ``CLICKABLE`` or
``VALID_POLICIES``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
import segno
from flask import Response, redirect, render_template_string, request

from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    ON_PAGE,
    WITH_PUBLIC_URL,
    MakeApp,
    add_middleware,
    assert_check_passes,
    assert_rules_fail,
    build_link,
    change_headers,
    divide_by_zero,
    failing_row,
    get_notes,
    make_shop,
    passing_row,
    render_forged_link,
    run_check,
    use_flask_login,
)
from tests.support import API_KEY, MACROS, SIGN_OF_API_KEY
from tests.tokens import sign_token

POLICY = '{{ policy_entry("P1") }}'
MISSPELLED_LOOK = '{{ insurance_entry("QX1", look="crad") }}'
ON_PC: dict[str, Any] = {"devices": ["pc"], **ON_PAGE}
AS_MEMBER: dict[str, Any] = {"member": "7", **ON_PC}


def failing_page(rule: str, body: str, *messages: str, **site: Any) -> Any:
    """Return a ``pytest.param`` with a page in which ``flask xiebao check`` must find a fault.

    :param rule: the name of the rule that the page breaks.
    :param body: the template of the page.
    :param messages: texts that the report must contain.
    :param site: the arguments of ``make_shop``.
    """
    return failing_row(body[:60], rule, partial(make_shop, page=body, **site), *messages, **ON_PC)


def passing_page(body: str, *notes: str, **site: Any) -> Any:
    """Return a ``pytest.param`` with a page for which ``flask xiebao check`` must pass.

    :param body: the template of the page.
    :param notes: texts that the notes of the report must contain.
    :param site: the arguments of ``make_shop``.
    """
    return passing_row(body[:60], partial(make_shop, page=body, **site), *notes, **ON_PC)


# Links on pages

HANDWRITTEN = '<a class="xiebao-entry" data-xiebao-entry="product" href="{}">x</a>'
REPLACED = "<a href=\"{{{{ xiebao_link('product', 'QX1')|replace('{}', '{}') }}}}\">x</a>"
WITH_BASE = "<base href=\"{}\"><a href=\"{{{{ xiebao_link('product', 'QX1')[1:] }}}}\">x</a>"
FOREIGN_LINK = build_link(make_shop(SECRET_KEY="the key of last year", **WITH_PUBLIC_URL), "home")


#: One row per faulty link, which is on a page or in the argument ``links`` of ``check_entries``.
LINKS = [
    failing_page("link", HANDWRITTEN.format("/xiebao/product/x")),
    failing_page("link", HANDWRITTEN.format("https://evil.example/x")),
    failing_page("link", f'{ENTRY}<a href="/xiebao/product/x">x</a>'),
    failing_page("link", ENTRY + render_forged_link("[" * 20_000)),
    failing_page("link", ENTRY + render_forged_link('["product", {}, 1.5]')),
    failing_page("link", ENTRY + REPLACED.format("/xiebao", "https://other.example/xiebao")),
    failing_page("link", ENTRY + REPLACED.format("/xiebao/", "/xiebaoo/")),
    failing_page("link", ENTRY + REPLACED.format("product", "prodct")),
    failing_page("link", WITH_BASE.format("https://m.shop.example/")),
    failing_page("page.another_member", '{{ policy_entry("P1", member="another") }}'),
    failing_page("page.another_key", f'<a href="{FOREIGN_LINK}">x</a>', **WITH_PUBLIC_URL),
    failing_row("path passed as a link", "link", make_shop, links=["/nothing"], only=()),
    failing_row(
        "expired link passed as a link",
        "page.expired",
        make_shop,
        links=[f"/xiebao/product/{sign_token(['product', 'QX1', None, None, None, '7', 0, 60])}"],
        only=(),
    ),
    failing_page(
        "page.invalid_link", f'<a href="/xiebao/policy/{sign_token(["policy", "P1"])}">x</a>'
    ),
    failing_row(
        "link although XIEBAO_ENABLED is off",
        "entry.none",
        partial(
            make_shop,
            page=f'<a href="{FOREIGN_LINK}">x</a>',
            XIEBAO_ENABLED=False,
            **WITH_PUBLIC_URL,
        ),
        **{**ON_PC, "only": ()},
    ),
    failing_page("secret", f"{ENTRY}<i data-sign='{SIGN_OF_API_KEY}'></i>"),
    failing_page("secret", f"{ENTRY}<p>{API_KEY}</p>"),
    failing_row(
        "QR code with another host",
        "qr",
        partial(
            make_shop,
            add_middleware(
                lambda inner: (
                    lambda environ, start: inner({**environ, "HTTP_HOST": "127.0.0.1:8000"}, start)
                )
            ),
            page='{{ insurance_qr("QX1") }}',
        ),
        **ON_PC,
    ),
]
VALID_LINKS = [
    passing_page(WITH_BASE.format("/")),
    passing_page('{{ insurance_entry("QX1", rel="nofollow", target="_self") }}'),
    passing_page('{% call insurance_entry("QX1") %}<img src="/x.png" alt="旅行险">{% endcall %}'),
    passing_page('{% call insurance_entry("QX1", aria_label="旅行险") %}<svg></svg>{% endcall %}'),
    passing_page('<a href="{{ xiebao_link("product", "QX1") }}?platform=h5">旅行险</a>'),
    passing_page(f"{ENTRY}{ENTRY}"),
    passing_page(f'{ENTRY}<a href="http://[x">x</a><a href="https://x:99999999/">y</a>'),
    passing_page(f"{ENTRY}<![if gte mso 9]><p>x</p><![endif]><![foo bar]"),
    # ``flask xiebao check`` ignores QR codes that do not lead to a page of the site.
    passing_page(f"{ENTRY}{segno.make_qr('https://weixin.example/r/abc').svg_inline()}"),
    passing_page(f"{segno.make_qr('12345').svg_inline()}{{{{ insurance_qr('QX1') }}}}"),
    passing_page(f"{segno.make_micro('1').svg_inline()}{{{{ insurance_qr('QX1') }}}}"),
    # A QR code may belong to a member who is not logged in, for example if an agent shows the QR
    # code to a customer.
    passing_row(
        "QR code for another member",
        partial(
            make_shop,
            page='{{ insurance_qr("QX1", member="customer9", no_login_for=600) }}',
            **HIDDEN_KEY,
            **WITH_PUBLIC_URL,
        ),
        **{**AS_MEMBER, "member": "agent1"},
    ),
    passing_row(
        "XIEBAO_ENABLED is off",
        partial(make_shop, page=ENTRY, XIEBAO_ENABLED=False),
        **{**ON_PC, "only": ()},
    ),
]

# HTML attributes and macro arguments of entries


def build_entry_with_attribute(name: str, value: str) -> str:
    """Return the Jinja source of an entry whose HTML attribute *name* has the value *value*."""
    return f"{{{{ insurance_entry('QX1')|replace('{name}=', '{name}={value} x=') }}}}"


#: One row per entry with a changed HTML attribute or a wrong macro argument.
ATTRIBUTES = [
    failing_page("entry", build_entry_with_attribute("data-xiebao-entry", "home")),
    failing_page(
        "entry.data-xiebao-platform", build_entry_with_attribute("data-xiebao-platform", "h5")
    ),
    failing_page("entry.class", build_entry_with_attribute("class", "btn")),
    failing_page(
        "entry.label", '{% call insurance_entry("QX1") %}<i class="icon"></i>{% endcall %}'
    ),
    failing_row(
        "wrong argument on two pages",
        "left_out",
        partial(
            make_shop,
            page=MISSPELLED_LOOK,
            views={"/other": lambda: render_template_string(MACROS + MISSPELLED_LOOK)},
            XIEBAO_STRICT=False,
        ),
        "look must be",
        "(and 1 more)",
        **{**ON_PC, "pages": ["/page", "/other"]},
    ),
    failing_page(
        "left_out",
        POLICY.replace(")", ', platfrom="h5")') + ENTRY,
        'There is no keyword "platfrom". Did you mean "platform"?',
        XIEBAO_STRICT=False,
    ),
]

# Pages without an entry that can be clicked

#: One row per page on which a click on the entry has no effect.
UNCLICKABLE = [
    failing_page("page.empty", "<p>Nothing</p>"),
    failing_page("dead", f'<a href="/orders/8">{ENTRY}</a>', "<a> in <a>"),
    *(
        failing_page("dead", f"<{tag}>{ENTRY}</{tag}>", f"<a> in <{tag}>")
        for tag in ("button", "textarea", "iframe")
    ),
    failing_page("dead", f"<select><option>{ENTRY}</option></select>", "<a> in <option>"),
    *(
        failing_page("dead.unseen", f"<{tag}>{ENTRY}</{tag}>", f"<a> in {tag}")
        for tag in ("template", "noscript", "dialog")
    ),
    failing_page("dead.unseen", f"<div hidden><div></div>{ENTRY}</div>", "<a> in hidden"),
    failing_page("dead.unseen", f"<section inert>{ENTRY}</section>", "<a> in inert"),
    failing_page("dead.unseen", f"<div popover>{ENTRY}</div>", "<a> in popover"),
    failing_page("dead.unseen", '{{ insurance_entry("QX1", hidden=true) }}', "<a> in hidden"),
    *(
        failing_page(
            "dead.unseen",
            f'<div style="color: red; {style}">{ENTRY}</div>',
            "All entries on this",
        )
        for style in ("display:none", "DISPLAY : none !important", "visibility: hidden;")
    ),
    failing_page(
        "dead.unseen", '{{ insurance_entry("QX1", style="display:none") }}', "All entries on this"
    ),
    failing_page(
        "dead",
        f'<div style="pointer-events:none"><p>{ENTRY}</p></div>',
        '<a> in <div style="pointer-events: none">',
    ),
    failing_page(
        "dead", '{{ insurance_entry("QX1", style="pointer-events: none") }}', "pointer-events"
    ),
    *(
        failing_page(
            "dead.script", f"""{{{{ insurance_entry("QX1", onclick="{script}") }}}}""", "onclick"
        )
        for script in (
            "return false",
            "return false;",
            "event.preventDefault()",
            "event.preventDefault(); return false;",
        )
    ),
    *(
        failing_page("page.no_link", body, "does not escape the HTML")
        for body in (
            f"{{% set entry %}}{ENTRY}{{% endset %}}{{{{ entry|string|forceescape }}}}",
            """<form action="{{ xiebao_link('product', 'QX1') }}"><button>Buy</button></form>""",
        )
    ),
    failing_page(
        "page.disabled",
        '{{ insurance_entry("QX1", disabled="Sold out") }}',
        'ignore the rule "page.disabled"',
    ),
]
HIDDEN_NOTE = "hidden until a script shows them: /page"
CLICKABLE = [
    *(
        passing_page(start + entry, "has insurance entries but not the extension's stylesheet")
        for start in ("<head></head>", "<!DOCTYPE html><title>Shop</title>")
        for entry in (
            """{{ insurance_entry("QX1", look="button") }}""",
            """{{ insurance_card("QX1", "Travel insurance") }}""",
        )
    ),
    passing_page(f"{ENTRY}<template>{ENTRY}</template>", HIDDEN_NOTE),
    passing_page(f"<div hidden>{ENTRY}</div><div>{ENTRY}</div>", HIDDEN_NOTE),
    passing_page(f'<a name="top">{ENTRY}'),
    passing_page(f"<select><option>1<option>2</select>{ENTRY}"),
    passing_page(f"<button>Buy</button><noscript>No</noscript>{ENTRY}<p hidden>x</p>"),
    passing_page(f"<ul><li>{ENTRY}<li>{ENTRY}</ul>"),
    passing_page(f"<button>x<button>y</button>{ENTRY}"),
    passing_page(f"<link hidden><wbr hidden><dialog open>{ENTRY}</dialog>"),
    passing_page(
        f"{'<a>text' * 20_000}{'<div hidden><div>' * 5_000}{'</div></div>' * 5_000}{ENTRY}"
    ),
]

# Content Security Policies of pages

CSP = "Content-Security-Policy"
WITH_ASSETS = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
WITH_NONCE = '{{ xiebao_styles(nonce="r4nd0m") }}{{ xiebao_script(nonce="r4nd0m") }}' + ENTRY
#: Two rows per Content Security Policy that blocks the stylesheet or script of the extension. In
#: the first row, the page has the policy in a header. In the second row, it has the policy in a
#: ``<meta>`` element.
POLICIES = [
    failing_row(f"{policy} ({place})", rule, partial(make_shop, **page), **ON_PC)
    for rule, policy in [
        ("policy.style", "style-src 'none'"),
        ("policy.style", "default-src https://cdn.example; script-src 'self'"),
        ("policy.style", "style-src-elem https://cdn.example; script-src *"),
        ("policy.style", "default-src *, style-src https://localhost/css/"),
        ("policy.style", "style-src https://localhost:8443; default-src 'self'"),
        ("policy.script", "default-src 'self'; script-src 'nonce-r4nd0m'"),
        ("policy.script", "style-src *; script-src 'self' 'strict-dynamic' 'nonce-r4nd0m'"),
        ("policy.script", "style-src *; script-src https://*.localhost"),
    ]
    for place, page in dict[str, dict[str, Any]](
        header={"page": WITH_ASSETS, "headers": {CSP: policy}},
        meta={"page": f'<meta http-equiv="{CSP}" content="{policy}">{WITH_ASSETS}'},
    ).items()
]
VALID_POLICIES = [
    passing_row(f"{name}: {policy}", partial(make_shop, page=page, headers={name: policy}), **ON_PC)
    for name, policy, page in [
        *(
            (CSP, policy, WITH_ASSETS)
            for policy in (
                *("", "img-src 'none'", "default-src https:", "default-src http:"),
                "default-src *:*",
                "default-src 'none'; style-src 'self'; script-src 'self'",
                "default-src localhost",
                "default-src https://localhost:443/xiebao/static/",
            )
        ),
        (f"{CSP}-Report-Only", "default-src 'none'", WITH_ASSETS),
        (CSP, "style-src 'nonce-r4nd0m'; script-src 'strict-dynamic' 'nonce-r4nd0m'", WITH_NONCE),
    ]
]

# Caches for pages


def make_cached_view(base: str) -> Callable[[], str]:
    """Return a view that renders a member's page once and returns this page to every visitor.

    :param base: the URL in the page's ``<base>`` element, or "" for a page with absolute paths.
    """

    @cache
    def cached_view() -> str:
        entry = render_template_string(MACROS + POLICY)
        return f'<base href="{base}">' + entry.replace('href="/', 'href="') if base else entry

    return cached_view


def cache_page(inner: Any) -> Any:
    """Wrap an app in a cache that returns the first response for ``/page`` to every visitor."""
    cached_responses = list[Any]()

    def call_app(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"] != "/page":
            return inner(environ, start)
        if not cached_responses:
            cached_responses.append(Response.from_app(inner, environ, buffered=True))
        return cached_responses[0](environ, start)

    return call_app


BEARER_ARGUMENTS = "member='7', no_login_for=600"
#: One row per cache that shows a member's page to other visitors, and one row per wrong or missing
#: header with which a cache could do this.
CACHES = [
    *(
        failing_row(
            f"cached view, base {base!r}",
            "vary private private.shown",
            partial(make_shop, views={"/deep/page": make_cached_view(base)}),
            "Actual: 200 /deep/page",
            **{**ON_PC, "pages": ["/deep/page"]},
        )
        for base in ("", "/")
    ),
    failing_row(
        "cache in front of the app",
        "private.shown",
        partial(make_shop, add_middleware(cache_page), page=POLICY),
        **ON_PC,
    ),
    failing_row(
        "no Vary", "vary", partial(make_shop, change_headers(without=["Vary"]), page=ENTRY), **ON_PC
    ),
    *(
        failing_row(
            body,
            "private private.shown header.cache-control",
            partial(
                make_shop,
                use_flask_login(),
                change_headers(("Cache-Control", "public, max-age=600"), without=["Cache-Control"]),
                loader=None,
                page=ENTRY + body,
                **WITH_PUBLIC_URL,
            ),
            **AS_MEMBER,
        )
        for body in (
            f'{{{{ insurance_qr("QX1", {BEARER_ARGUMENTS}) }}}}',
            f'<form action="{{{{ xiebao_link("product", "QX1", {BEARER_ARGUMENTS}) }}}}"></form>',
        )
    ),
]

# Pages that do not open

#: One row per page of the site that does not return status 200.
STATUSES = [
    *(
        failing_row(
            f"page returns {response[1]}",
            rule,
            partial(make_shop, views={"/page": response}),
            **ON_PC,
        )
        for rule, response in [
            ("page", ("", 500)),
            ("page.401", ("", 401)),
            ("page.403", ("", 403)),
            ("page.404", ("", 404)),
            ("page.429", ("", 429)),
            ("page.302", ("", 302, {"Location": "/login"})),
            ("page.elsewhere", ("", 302, {"Location": "https://m.shop.example/"})),
        ]
    ),
    failing_row(
        "exception, and path without a view",
        "crash page.404",
        partial(make_shop, views={"/page": divide_by_zero}),
        **{**ON_PC, "pages": ["/page", "/none"]},
    ),
]

#: All table rows of this file for faulty pages. ``flask xiebao check`` must find each fault.
ROWS = [*LINKS, *ATTRIBUTES, *UNCLICKABLE, *POLICIES, *CACHES, *STATUSES]


@pytest.mark.parametrize(("site", "rules", "messages", "failed_cases", "options"), ROWS)
def test_check_fails_for_faulty_page(
    site: MakeApp, rules: set[str], messages: tuple[str, ...], failed_cases: set[str], options: Any
) -> None:
    assert_rules_fail(site, rules, messages, failed_cases, options)


@pytest.mark.parametrize(("site", "notes", "options"), [*VALID_LINKS, *CLICKABLE, *VALID_POLICIES])
def test_check_passes_for_valid_page(site: MakeApp, notes: tuple[str, ...], options: Any) -> None:
    report = assert_check_passes(site, notes, options)
    assert ("script shows" in get_notes(report)) == (HIDDEN_NOTE in notes)


def test_check_follows_link_from_links_argument() -> None:
    app = make_shop(**WITH_PUBLIC_URL)
    link = build_link(app, "policy", "P1", member="m1", no_login_for=60)
    report = run_check(app, devices=["iphone"], links=[link], only=())
    assert report.passed, str(report)
    [result] = report.results
    assert (result.status, result.case.visitor) == (302, "nobody")


@pytest.mark.parametrize(
    "phone_response",
    [redirect("https://m.shop.example/"), "<p>Not for phones</p>"],
    ids=["redirect", "page without entries"],
)
def test_check_notes_page_without_entries_on_some_devices(phone_response: Any) -> None:
    def show_page() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return phone_response if is_phone else render_template_string(MACROS + ENTRY)

    app = make_shop(views={"/page": show_page})
    report = run_check(app, devices=["pc", "iphone"], **ON_PAGE)
    assert report.passed, str(report)
    assert "some devices" in get_notes(report).lower()
    assert report.entries == {"/page": ["product QX1"]}


def test_report_lists_entries_of_page() -> None:
    body = (
        '{{ insurance_entry("QX000000127257", platform="h5", sub_partner_id="b7",'
        ' return_to="/orders/8?token=x") }}'
        '{{ insurance_home_entry() }}{{ policy_entry("2019022602") }}'
    )
    report = run_check(make_shop(page=body), **ON_PC)
    assert report.passed, str(report)
    entries = ["product QX…127257 h5 b7 → /orders/8", "home", "policy 20…022602"]
    assert (report.entries, report.pages) == ({"/page": entries}, {"/page": 3})
