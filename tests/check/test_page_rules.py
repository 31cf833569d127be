"""Tests for the rules of ``flask xiebao check`` about the pages of a site and their entries.

To test a rule, add a row to ``LINKS``, ``UNCLICKABLE``, ``POLICIES``, ``CACHES`` or ``STATUSES``.
If a similar page has no fault, add its template to ``VALID_PAGES``.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest
import segno
from flask import Response, redirect, render_template_string, request

from tests.check.support import (
    ENTRY,
    ON_PAGE,
    WITH_PUBLIC_URL,
    MakeApp,
    add_middleware,
    assert_check_passes,
    assert_rules_fail,
    build_link,
    change_environ,
    change_headers,
    divide_by_zero,
    failing_row,
    make_shop,
    render_forged_link,
    run_check,
    use_flask_login,
)
from tests.support import API_KEY, MACROS, SIGN_OF_API_KEY
from tests.tokens import sign_token

pytestmark = pytest.mark.requires("html5lib")

POLICY = '{{ policy_entry("P1") }}'
BEARER_QR_CODE = """{{ insurance_qr("QX1", member='7', no_login_for=600) }}"""
AS_MEMBER: dict[str, Any] = {"member": "7", **ON_PAGE}


def failing_page(rules: str, body: str, text: str, **site: Any) -> Any:
    """Return a ``pytest.param`` with a page in which ``flask xiebao check`` must find a fault.

    :param rules: the names of all rules that the page breaks, separated by spaces.
    :param body: the template of the page.
    :param text: a text that the report must contain.
    :param site: the arguments of ``make_shop``.
    """
    return failing_row(body[:60], rules, text, partial(make_shop, page=body, **site), **ON_PAGE)


# Links and QR codes on pages

REPLACED = "<a href=\"{{{{ xiebao_link('product', 'QX1')|replace('{}', '{}') }}}}\">x</a>"
WITH_BASE = "<base href=\"{}\"><a href=\"{{{{ xiebao_link('product', 'QX1')[1:] }}}}\">x</a>"
FOREIGN_LINK = build_link(make_shop(SECRET_KEY="the key of last year", **WITH_PUBLIC_URL), "home")
EXPIRED_TOKEN = sign_token(["product", "QX1", None, None, None, "7", 0, 60])


#: One row per wrong or missing link, QR code or entry.
LINKS = [
    failing_page(
        "link",
        ENTRY.replace(" }}", "|replace('/xiebao/product', 'https://evil.example') }}"),
        "Found: https://evil.example/",
    ),
    failing_page("link", f'{ENTRY}<a href="/xiebao/product/x">x</a>', "Keep the href"),
    failing_page("link", ENTRY + render_forged_link("[" * 20_000), "/xiebao/product/…"),
    failing_page("link", REPLACED.format("/xiebao/", "/xiebaoo/"), "/xiebaoo/product/"),
    failing_page("link", WITH_BASE.format("https://m.example/"), "Found: https://m.example/"),
    failing_page("link", f'<a href="{FOREIGN_LINK}">x</a>', "SECRET_KEY", **WITH_PUBLIC_URL),
    failing_row(
        "QR code with another host",
        "link way_back",
        "127.0.0.1:8000/xiebao/product/",
        partial(
            make_shop, change_environ(HTTP_HOST="127.0.0.1:8000"), page='{{ insurance_qr("QX1") }}'
        ),
        **ON_PAGE,
    ),
    failing_page(
        "page.another_member", '{{ policy_entry("P1", member="another") }}', "Found: 403."
    ),
    failing_page(
        "page.another_member link",
        f'<a href="/xiebao/product/{EXPIRED_TOKEN}">x</a>',
        "Found: 410 expired.",
    ),
    failing_page(
        "link", f'<a href="{FOREIGN_LINK}">x</a>', "Found: https://shop", XIEBAO_ENABLED=False
    ),
    failing_page("secret", f"{ENTRY}<i data-sign='{SIGN_OF_API_KEY}'></i>", "✗ /page [secret]"),
    failing_page("secret", f"{ENTRY}<p>{API_KEY}</p>", "Found: body."),
    failing_page("vary", ENTRY.replace(" }}", "|replace('-platform=', '=') }}"), "Expected: h5"),
    failing_page(
        "left_out",
        ENTRY + '{{ insurance_entry("QX1", look="crad") }}',
        "look must be",
        XIEBAO_STRICT=False,
    ),
]

#: One row per page on which a click on the entry has no effect.
UNCLICKABLE = [
    failing_page("page.empty", "<p>Nothing</p>", "The page shows no insurance entry"),
    failing_page("page.no_link", f"<textarea>{ENTRY}</textarea>", "Found: &lt;a href=…"),
    failing_page(
        "page.no_link",
        f"{ENTRY}{{% set entry %}}{ENTRY}{{% endset %}}{{{{ entry|string|forceescape }}}}",
        "Found: &lt;a href=…",
    ),
    failing_page(
        "page.no_link",
        f"{{% set entry %}}{ENTRY}{{% endset %}}{{{{ entry|string|forceescape }}}}",
        "Found: &lt;a href=…",
    ),
    failing_page(
        "page.no_link",
        """<form action="{{ xiebao_link('product', 'QX1') }}"><button>Buy</button></form>""",
        "If the link is the action of a form",
    ),
    failing_page(
        "entry.hidden", '{{ insurance_entry("QX1", disabled="Sold out") }}', "aria-disabled"
    ),
    *(
        failing_page("entry.hidden", f"<main>{before}{ENTRY}{after}</main>", f"Found: {text}")
        for before, after, text in [
            ("<template>", "</template>", "<template>"),
            ("<noscript>", "</noscript>", "<noscript>"),
            ("<div hidden><p></p>", "</div>", "<div hidden>"),
            ("<section inert>", "</section>", "<section inert>"),
            ('<p style="color: red; DISPLAY: none">', "", '<p style="color: red; DISPLAY: none">'),
        ]
    ),
    failing_page(
        "entry.hidden", '{{ insurance_entry("QX1", style="visibility:hidden") }}', "<a style="
    ),
    failing_page("entry.dead", f"<button>{ENTRY}</button>", "Found: <button>"),
    failing_page(
        "entry.dead", f'<div style="pointer-events:none">{ENTRY}</div>', "pointer-events:none"
    ),
    *(
        failing_page(
            "entry.dead", f'{{{{ insurance_entry("QX1", onclick="{script}") }}}}', "<a onclick>"
        )
        for script in (
            "return false",
            "event.preventDefault(); return false;",
            "count(); return false",
        )
    ),
]

CSP = "Content-Security-Policy"
WITH_ASSETS = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
WITH_NONCE = '{{ xiebao_styles(nonce="r4nd0m") }}{{ xiebao_script(nonce="r4nd0m") }}' + ENTRY
#: One row per Content Security Policy that blocks the stylesheet or script of the extension.
POLICIES = [
    failing_page("static", page, text, headers=headers)
    for text, page, headers in [
        *(
            (text, WITH_ASSETS, {CSP: policy})
            for text, policy in {
                "Found: style-src 'none'": "style-src 'none'",
                "Found: default-src": "default-src https://cdn.example; script-src 'self'",
                "Found: style-src-elem": "style-src-elem https://cdn.example; script-src *",
                "localhost/css/": "default-src *, style-src https://localhost/css/",
                "localhost:8443": "style-src https://localhost:8443; default-src 'self'",
                "'nonce-…'": "default-src 'self'; script-src 'nonce-other'",
                "*.localhost": "style-src *; script-src https://*.localhost",
            }.items()
        ),
        ("'none'", f'<meta http-equiv="{CSP}" content="style-src \'none\'">{WITH_ASSETS}', {}),
    ]
]

# Caches for pages, and pages that do not open


@cache
def cached_view() -> str:
    """Render a member's page once, and return this page to every visitor."""
    return render_template_string(MACROS + POLICY)


def cache_responses(inner: Any, prefix: str) -> Any:
    """Wrap an app in a cache that returns the first response for a path to every visitor.

    :param prefix: the beginning of the paths whose responses are cached.
    """
    cached = dict[str, Any]()

    def call_app(environ: Any, start: Any) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith(prefix):
            return inner(environ, start)
        if path not in cached:
            cached[path] = Response.from_app(inner, environ, buffered=True)
        return cached[path](environ, start)

    return call_app


#: One row per cache that shows a member's page to other visitors, and one row per wrong or missing
#: header with which a cache could do this.
CACHES = [
    failing_row(
        "cached view",
        "vary private private.shown",
        "Found: 200 /page",
        partial(make_shop, views={"/page": cached_view}),
        **ON_PAGE,
    ),
    failing_row(
        "cache in front of the app",
        "vary private.shown",
        "Found: data-xiebao-platform=h5. Expected: pc.",
        partial(make_shop, add_middleware(cache_responses, prefix="/page"), page=POLICY),
        **ON_PAGE,
    ),
    failing_row(
        "cache for the redirects of members",
        "anonymous",
        "✗ an anonymous visitor's click on a product link, on iPhone",
        partial(make_shop, add_middleware(cache_responses, prefix="/xiebao/product/")),
        devices=["iphone"],
    ),
    failing_row(
        "no Vary",
        "vary",
        "Found: Vary: —.",
        partial(make_shop, change_headers(without=["Vary"]), page=ENTRY),
        **ON_PAGE,
    ),
    failing_row(
        "public page with the QR code of a member",
        "header private private.shown",
        "Found: Cache-Control: public, max-age=600. Expected: Cache-Control: private.",
        partial(
            make_shop,
            use_flask_login(),
            change_headers(("Cache-Control", "public, max-age=600"), without=["Cache-Control"]),
            loader=None,
            page=ENTRY + BEARER_QR_CODE,
            **WITH_PUBLIC_URL,
        ),
        **AS_MEMBER,
    ),
]
#: One row per page of the site that does not return status 200.
STATUSES = [
    *(
        failing_row(text, "page", text, partial(make_shop, views={"/page": response}), **ON_PAGE)
        for text, response in {
            "Found: 500. Expected: 200.": ("", 500),
            "Found: 404 https://localhost/login.": ("", 302, {"Location": "/login"}),
            "Found: 302 https://m.example/.": ("", 302, {"Location": "https://m.example/"}),
        }.items()
    ),
    failing_row(
        "exception, and path without a view",
        "crash page",
        "✗ /none [page]",
        partial(make_shop, views={"/page": divide_by_zero}),
        pages=["/page", "/none"],
    ),
]

#: All table rows of this file for faulty pages. ``flask xiebao check`` must find each fault.
ROWS = [*LINKS, *UNCLICKABLE, *POLICIES, *CACHES, *STATUSES]


@pytest.mark.parametrize(("site", "rules", "text", "options"), ROWS)
def test_check_fails_for_faulty_page(
    site: MakeApp, rules: set[str], text: str, options: Any
) -> None:
    assert_rules_fail(site, rules, text, options)


#: Templates of unusual pages without a fault, each with its response headers.
VALID_PAGES: list[tuple[str, dict[str, str]]] = [
    *(
        (page, {})
        for page in (
            WITH_BASE.format("/"),
            '{% call insurance_entry("QX1") %}<img src="/x.png" alt="旅行险">{% endcall %}',
            '{% call insurance_entry("QX1", aria_label="旅行险") %}<svg></svg>{% endcall %}',
            '<a href="{{ xiebao_link("product", "QX1") }}?platform=h5">旅行险</a>',
            f'{ENTRY}<a href="http://[x">x</a><a href="https://x:99999999/">y</a>',
            # QR codes that do not lead to a page of the site are ignored.
            f"{ENTRY}{segno.make_qr('https://weixin.example/r/abc').svg_inline()}",
            # A page may also have entries that are shown later, if another entry is visible.
            f"{ENTRY}<template>{ENTRY}</template><div hidden>{ENTRY}</div>",
            # The visitor opens these elements, or a script shows their content.
            f"<dialog>{ENTRY}</dialog>",
            f"<div popover>{ENTRY}</div>",
            f"<details hidden>{ENTRY}</details>",
            f'<script src="/alpine.js"></script><div x-cloak hidden>{ENTRY}</div>',
            f'<div role="tabpanel" style="display:none">{ENTRY}</div><script>show()</script>',
            # Browsers accept missing end tags.
            f'<a name="top">{ENTRY}<ul><li>{ENTRY}<li>{ENTRY}</ul><button>x<button>y',
        )
    ),
    *(
        (WITH_ASSETS, {CSP: policy})
        for policy in (
            *("", "img-src 'none'", "default-src https:", "default-src localhost"),
            "default-src 'none'; style-src 'self'; script-src 'self'",
            "default-src https://localhost/xiebao/static/",
        )
    ),
    (WITH_ASSETS, {f"{CSP}-Report-Only": "default-src 'none'"}),
    (WITH_NONCE, {CSP: "default-src 'nonce-r4nd0m'"}),
]


@pytest.mark.parametrize(("page", "headers"), VALID_PAGES)
def test_check_passes_for_valid_page(page: str, headers: dict[str, str]) -> None:
    site = partial(make_shop, page=page, headers=headers)
    report = assert_check_passes(site, (), ON_PAGE)
    assert any(result.entry and result.page for result in report.results)


@pytest.mark.parametrize(
    "phone_response",
    [redirect("https://m.shop.example/"), "<p>Not for phones</p>"],
    ids=["redirect", "page without entries"],
)
def test_check_passes_for_page_without_entries_on_some_devices(phone_response: Any) -> None:
    def show_page() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return phone_response if is_phone else render_template_string(MACROS + ENTRY)

    report = run_check(make_shop(views={"/page": show_page}), **ON_PAGE)
    assert report.passed, str(report)


def test_report_lists_entries_of_page() -> None:
    body = '{{ insurance_entry("QX000000127257") }}{{ insurance_home_entry() }}' + BEARER_QR_CODE
    report = run_check(make_shop(page=body, **WITH_PUBLIC_URL), **AS_MEMBER, devices=["pc"])
    titles = [result.title_in("en") for result in report.results if result.page and result.entry]
    assert titles == [
        "/page · product QX…127257",
        "/page · home",
        "/page · QR product QX1 (not logged in)",
    ]
