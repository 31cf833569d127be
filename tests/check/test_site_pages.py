"""What a check finds on the pages of a site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import segno
from flask import Response, redirect, render_template_string, request, stream_with_context
from markupsafe import Markup

from flask_xiebao import Entry
from flask_xiebao.check.reports import FORMATS, as_text
from flask_xiebao.links.tokens import LinkSigner
from flask_xiebao.testing import check_entries
from tests.check.support import (
    ENTRY,
    forged,
    kinds,
    outside,
    shop,
    users_shop,
    without,
)
from tests.support import KEY, MACROS, SIGN_OF_KEY


def test_a_site_that_is_switched_off_has_pages_without_entries() -> None:
    for enabled in (True, False):
        app = shop(XIEBAO_ENABLED=enabled)

        @app.get("/page")
        def page() -> str:
            return render_template_string(MACROS + '{{ insurance_entry("QX1") }}')

        report = check_entries(app, devices=["pc"], pages=["/page"])
        assert report.passed, str(report)


@pytest.mark.parametrize("base", ["", "/"])
def test_a_page_that_is_kept_for_all_is_seen(base: str) -> None:
    app, kept = shop(), dict[str, str]()

    @app.get("/deep/page")
    def page() -> str:
        if "html" not in kept:
            entry = render_template_string(MACROS + '{{ policy_entry("P1") }}')
            if base:
                entry = f'<base href="{base}">' + entry.replace('href="/', 'href="')
            kept["html"] = entry
        return kept["html"]

    report = check_entries(app, devices=["pc"], pages=["/deep/page"], only=["product-plain"])
    assert kinds(report) == {"vary", "private", "private.shown"}
    assert "It came: 200 /deep/page" in str(report)  # somebody who is not logged in got it


def test_an_entry_that_a_page_leaves_out_is_seen() -> None:
    app = shop(XIEBAO_STRICT=False)

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + '{{ policy_entry("P1", platfrom="h5") }}{{ insurance_entry("QX1") }}'
        )

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"left_out"}
    assert "did you mean platform?" in str(report)
    assert report.pages == {"/page": 1}


def test_a_page_that_something_keeps_for_everybody() -> None:
    app, kept = shop(), dict[str, Any]()

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + '{{ policy_entry("P1") }}')

    inner = app.wsgi_app

    def keep(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"] != "/page":
            return inner(environ, start)
        if not kept:

            def note(status: str, headers: Any, exc_info: Any = None) -> Any:
                kept["start"] = status, headers
                return start(status, headers, exc_info)

            kept["body"] = b"".join(inner(environ, note))
            return [kept["body"]]
        start(*kept["start"])
        return [kept["body"]]

    app.wsgi_app = keep  # type: ignore[method-assign, assignment]
    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"private.shown"}


def test_a_link_on_a_page_that_vouches_for_another_member() -> None:
    """Such as an agent's page has for a customer."""
    app = shop(
        XIEBAO_MEMBER_SECRET="a secret of thirty-two characters",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )

    renamed: list[bool] = []

    @app.after_request
    def rename(response: Response) -> Response:
        if renamed and response.location:
            response.location = response.location.replace("partnerUniqKey=", "uniqKey=")
        return response

    @app.get("/agent")
    def agent() -> str:
        return render_template_string(
            MACROS + '{{ insurance_qr("QX1", member="customer9", no_login_for=600) }}'
        )

    report = check_entries(
        app, devices=["pc"], pages=["/agent"], member="agent1", only=["product-plain"]
    )
    assert report.passed, str(report)
    with app.app_context():
        key = app.extensions["xiebao"].partner_uniq_key("customer9")

    renamed.append(True)
    report = check_entries(
        app, devices=["pc"], pages=["/agent"], member="agent1", only=["product-plain"]
    )
    assert not report.passed
    for form in FORMATS.values():
        assert key[:16] not in form(report)


@pytest.mark.parametrize(("base", "right"), [("https://m.shop.example/", False), ("/", True)])
def test_where_a_page_says_that_its_links_begin(base: str, right: bool) -> None:
    app = shop()

    @app.get("/deep/page")
    def page() -> str:
        link = app.extensions["xiebao"].product_link("QX1")
        return f'<base href="{base}"><a href="{link.removeprefix("/")}">x</a>'

    report = check_entries(app, devices=["pc"], pages=["/deep/page"], only=["product-plain"])
    assert report.passed == right, str(report)


def test_pages_that_caches_share() -> None:
    app = outside(shop(), without("Vary"))

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + '{{ insurance_entry("QX1") }}')

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"vary"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            '<a class="xiebao-entry" data-xiebao-entry="product" href="/xiebao/product/x">x</a>',
            "link",
        ),
        (
            '<a class="xiebao-entry" data-xiebao-entry="product" href="https://evil.example/x">x</a>',
            "link",
        ),
        (f'{ENTRY}<a href="/xiebao/product/x">x</a>', "link"),
        (ENTRY + forged("[" * 20_000), "link"),
        (ENTRY + forged('["product", {}, 1.5]'), "link"),
        ('{{ policy_entry("P1", member="another") }}', "page.another_member"),
        ("<p>Nothing</p>", "page.empty"),
        (f"{ENTRY}<i data-sign='{SIGN_OF_KEY}'></i>", "secret"),
        (f"{ENTRY}<p>{KEY}</p>", "secret"),
        ('{% call insurance_entry("QX1") %}<i class="icon"></i>{% endcall %}', "entry.label"),
    ],
)
def test_a_page_of_the_site_that_is_wrong(body: str, code: str) -> None:
    app = shop(XIEBAO_API_KEY=KEY)

    def link_of_yesterday() -> str:
        signer = LinkSigner([str(app.secret_key)], "12345")
        over = Entry("product", "QX1", member="m1", no_login_for=60, signed_at=1_700_000_000)
        return f"https://localhost/xiebao/product/{signer.dumps(over)}"

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + body,
            code=lambda url: Markup(segno.make_qr(url).svg_inline()),
            link_of_yesterday=link_of_yesterday,
        )

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {code}, str(report)
    assert SIGN_OF_KEY not in str(report)


@pytest.mark.parametrize(
    "body",
    [
        '{{ insurance_entry("QX1", rel="nofollow", target="_self") }}',
        '{% call insurance_entry("QX1") %}<img src="/x.png" alt="旅行险">{% endcall %}',
        '{% call insurance_entry("QX1", aria_label="旅行险") %}<svg></svg>{% endcall %}',
        '<a href="{{ xiebao_link("product", "QX1") }}?platform=h5">旅行险</a>',
        f"{ENTRY}{ENTRY}",
        f'{ENTRY}<a href="http://[x">x</a><a href="https://x:99999999/">y</a>',
        f"{ENTRY}<![if gte mso 9]><p>x</p><![endif]><![foo bar]",
        f"{ENTRY}{segno.make_qr('https://weixin.example/r/abc').svg_inline()}",
        f"{segno.make_qr('12345').svg_inline()}{{{{ insurance_qr('QX1') }}}}",
        f"{segno.make_micro('1').svg_inline()}{{{{ insurance_qr('QX1') }}}}",
    ],
)
def test_a_page_of_the_site_that_is_right(body: str) -> None:
    app = shop()

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + body)

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "body",
    [
        '{{ insurance_qr("QX1", member="7", no_login_for=600) }}',
        '<form action="{{ xiebao_link("product", "QX1", member="7", no_login_for=600) }}"></form>',
    ],
)
def test_a_members_link_that_is_in_no_a_on_a_page_for_all(body: str) -> None:
    app = outside(
        users_shop(XIEBAO_PUBLIC_URL="https://shop.example"),
        lambda status, headers: (
            status,
            [each for each in headers if each[0] != "Cache-Control"]
            + [("Cache-Control", "public, max-age=600")],
        ),
    )

    @app.get("/for-all")
    def for_all() -> str:
        return render_template_string(MACROS + '{{ insurance_entry("QX1") }}' + body)

    report = check_entries(
        app, devices=["pc"], member="7", pages=["/for-all"], only=["product-plain"]
    )
    assert "private" in kinds(report)


def test_a_link_that_another_key_has_signed() -> None:
    config = {"XIEBAO_PUBLIC_URL": "https://shop.example"}
    app, other = shop(**config), shop(**config, SECRET_KEY="the key of last year")
    with other.app_context():
        link = other.extensions["xiebao"].home_link()
    app.add_url_rule("/page", "page", lambda: f'<a href="{link}">Insurance</a>')
    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"page.another_key"}


def test_a_page_that_never_ends() -> None:
    app = shop()

    def more() -> Iterator[str]:
        with app.app_context():
            yield render_template_string(MACROS + '{{ insurance_entry("QX1") }}')
        while True:
            yield "more and more of it " * 1_000

    app.add_url_rule("/page", "page", lambda: Response(stream_with_context(more())))
    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert report.pages == {"/page": 1}


def test_a_long_list_of_entries_is_told_in_short() -> None:
    app = shop()
    entries = "".join(f'{{{{ insurance_entry("QX{n}") }}}}' for n in range(60))
    app.add_url_rule("/page", "page", lambda: render_template_string(MACROS + entries))
    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert len(report.entries["/page"]) == 60
    assert (
        "/page: product QX0, product QX1, product QX2, product QX3, product QX4, and 55 more"
        in (as_text(report))
    )


def test_a_page_that_fails_or_is_not_there() -> None:
    app = shop()

    @app.get("/page")
    def page() -> str:
        raise RuntimeError("hunter2")

    report = check_entries(app, devices=["pc"], pages=["/page", "/none"], only=["product-plain"])
    assert kinds(report) == {"crash", "page.404"}
    assert "hunter2" not in str(report)


@pytest.mark.parametrize("phone", [redirect("https://m.shop.example/"), "<p>Not for phones</p>"])
def test_a_page_that_has_nothing_for_some_devices_is_worth_a_note(phone: Any) -> None:
    app = shop()

    @app.get("/")
    def start() -> Any:
        is_phone = "iPhone" in request.user_agent.string
        return phone if is_phone else render_template_string(MACROS + ENTRY)

    options: dict[str, Any] = {"pages": ["/"], "only": ["product-plain"]}
    report = check_entries(app, devices=["pc", "iphone"], **options)
    assert report.passed, str(report)
    assert any("some devices" in note for note in report.notes_in("en"))
    assert report.entries == {"/": ["product QX1"]}

    report = check_entries(app, devices=["iphone"], **options)
    assert kinds(report) <= {"page.elsewhere", "page.empty"}
    assert not report.passed


@pytest.mark.parametrize("url", ["/page", "/travel/page"])
def test_a_page_below_a_path_is_named_as_the_app_or_as_browsers_have_it(url: str) -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example/travel")
    app.add_url_rule("/page", "page", lambda: render_template_string(MACROS + ENTRY))
    report = check_entries(app, devices=["pc"], pages=[url], only=["product-plain"])
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "href", ["https://other.example/xiebao/product/", "/xiebaoo/product/", "/xiebao/prodct/"]
)
def test_a_link_that_leads_past_the_site(href: str) -> None:
    app = shop()

    @app.get("/page")
    def page() -> str:
        token = app.extensions["xiebao"].product_link("QX1").rpartition("/")[2]
        return render_template_string(MACROS + ENTRY) + f'<a href="{href}{token}">x</a>'

    report = check_entries(app, devices=["pc"], pages=["/page"], only=["product-plain"])
    assert kinds(report) == {"link"}


def test_links_that_are_on_no_page() -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example")
    with app.app_context():
        mail = app.extensions["xiebao"].policy_link("P1", member="m1", no_login_for=600)
    report = check_entries(app, devices=["iphone"], links=[mail], only=())
    assert report.passed, str(report)
    [result] = report.results
    assert (result.status, result.case.visitor) == (302, "nobody")
    wrong = check_entries(app, devices=["iphone"], links=["/nothing"], only=())
    assert kinds(wrong) == {"link"}
