"""Tests for the ``Cache-Control`` and ``Vary`` headers of pages with insurance entries.

To test the headers of another page, add a row to ``PAGES``. To test another header that a view
sends, add a row to ``VIEW_HEADERS``. Hooks of the site that change the headers are tested in
``tests/click/test_headers.py``.
"""

from __future__ import annotations

import time

import pytest
from flask import Response, make_response, render_template_string, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed, NotFound, ServiceUnavailable
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from tests.page.support import (
    ENTRY_WITHOUT_LOGIN,
    HOME_ENTRY,
    MEMBER_ENTRY,
    MEMBER_POLICY_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    QR_CODE,
    VARY_BY_DEVICE,
    find_entries,
    get_cache_headers,
    get_header_values,
)
from tests.support import MACROS, PC, PHONE, MakeSite, Site, set_clock

# Headers of pages with and without entries

#: One row per page: the template, whether the markup depends on the device, and whether the page
#: has a link that belongs to a member.
PAGES = [
    (PRODUCT_ENTRY, True, False),
    (HOME_ENTRY, True, False),
    (MEMBER_ENTRY, True, True),
    (MEMBER_POLICY_ENTRY, True, True),
    (POLICY_ENTRY, False, False),  # Without a logged-in member, the page has no entry.
    (QR_CODE, False, False),
    ("{{ insurance_qr('A', member='li', no_login_for=9) }}", False, True),
    ("{{ xiebao_link('product', 'A') }}", False, False),
    ("{{ xiebao_link('product', 'A', member='li') }}", False, True),
    ("{{ xiebao_styles() }}", False, False),
    ("{{ insurance_entry('') }}", False, False),
    ("no entry", False, False),
    # Even a page with 150 entries sends each header value only once.
    ((PRODUCT_ENTRY + MEMBER_ENTRY + HOME_ENTRY) * 50, True, True),
]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("source", "has_device_markup", "is_private"), PAGES)
@pytest.mark.parametrize("device_markup", [True, False])
def test_vary_and_cache_control_match_entries_of_page(
    make_site: MakeSite, source: str, has_device_markup: bool, is_private: bool, device_markup: bool
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup, XIEBAO_STRICT=False)
    page = site.render(source)
    head = site.follow("/page", PC, method="HEAD")
    phone_page = site.follow("/page", PHONE)

    varies = has_device_markup and device_markup
    expected = VARY_BY_DEVICE if varies else [], ["private"] if is_private else []
    assert get_cache_headers(page) == get_cache_headers(head) == expected
    assert (page.text != phone_page.text) == varies


#: One row per header that a view sends: the name, the header lines, and the values that remain on a
#: page with a member's entry. The values that the extension adds are left out.
VIEW_HEADERS = [
    ("Vary", ["Cookie"], ["cookie"]),
    ("Vary", ["Cookie, Accept-Language"], ["accept-language", "cookie"]),
    ("Vary", ["user-agent"], []),
    ("Vary", ["USER-AGENT, Cookie, sec-ch-ua-mobile"], ["cookie"]),
    ("Vary", ["Cookie", "Accept-Language"], ["accept-language", "cookie"]),
    ("Cache-Control", ["no-store"], ["no-store"]),
    ("Cache-Control", ["no-cache"], ["no-cache"]),
    ("Cache-Control", ["max-age=60"], ["max-age=60"]),
    ("Cache-Control", ["max-age=0, must-revalidate"], ["max-age=0", "must-revalidate"]),
    ("Cache-Control", ["public, max-age=60"], ["max-age=60"]),
    ("Cache-Control", ["public"], []),
    ("Cache-Control", ["s-maxage=600"], []),
    ("Cache-Control", ["public, s-maxage=600, max-age=60"], ["max-age=60"]),
    ("Cache-Control", ["PUBLIC, S-MaxAge=600"], []),
    ("Cache-Control", ["private"], []),
    ("Cache-Control", ["private, no-store"], ["no-store"]),
    ("Cache-Control", ["max-age=60, immutable"], ["immutable", "max-age=60"]),
    (
        "Cache-Control",
        ["max-age=60, stale-while-revalidate=30"],
        ["max-age=60", "stale-while-revalidate=30"],
    ),
    ("Cache-Control", ["no-store", "max-age=0"], ["max-age=0", "no-store"]),
    ("Cache-Control", ["max-age=60", "no-store"], ["max-age=60", "no-store"]),
    ("Cache-Control", ["max-age=60", "public, s-maxage=600"], ["max-age=60"]),
]


def get_page_with_headers(site: Site, source: str, headers: list[tuple[str, str]]) -> TestResponse:
    """Request a page whose view sends these headers, and return the response."""

    @site.app.get("/headers")
    def show_page_with_headers() -> tuple[str, Headers]:
        return render_template_string(MACROS + source), Headers(headers)

    return site.follow("/headers", PC)


@pytest.mark.parametrize(("name", "lines", "values"), VIEW_HEADERS, ids=str)
def test_private_page_keeps_view_headers_except_public_and_s_maxage(
    site: Site, name: str, lines: list[str], values: list[str]
) -> None:
    response = get_page_with_headers(site, MEMBER_ENTRY, [(name, line) for line in lines])
    expected = {"Vary": VARY_BY_DEVICE, "Cache-Control": ["private"]}
    expected[name] = sorted(expected[name] + values)
    assert {header: get_header_values(response, header) for header in expected} == expected


@pytest.mark.parametrize(
    ("source", "vary"), [(PRODUCT_ENTRY + HOME_ENTRY, VARY_BY_DEVICE), ("no entry", [])]
)
def test_page_without_member_links_keeps_public_cache_control(
    site: Site, source: str, vary: list[str]
) -> None:
    headers = [("Cache-Control", "public, s-maxage=600, max-age=60")]
    response = get_page_with_headers(site, source, headers)
    assert get_cache_headers(response) == (vary, ["max-age=60", "public", "s-maxage=600"])


#: A template without member links, so all members may share the rendered page.
SHARED_PAGE = (
    f"{{{{ xiebao_styles() }}}}{PRODUCT_ENTRY}{QR_CODE}{{{{ insurance_home_entry('Shop') }}}}"
    "{{ insurance_entry('A', class='btn', return_to='/orders/8') }}"
    "{{ insurance_entry('A', external=True) }}{{ xiebao_link('product', 'A', platform='h5') }}"
)


@pytest.mark.parametrize(
    ("browser", "newer_browser"),
    [
        (PC, {"User-Agent": PC["User-Agent"].replace("126", "127")}),
        (PHONE, {"User-Agent": PHONE["User-Agent"].replace("17_5", "18_1")}),
    ],
    ids=["PC", "phone"],
)
@pytest.mark.parametrize("member", [None, "alice", 7, ["not an id"]])
def test_page_without_member_links_is_identical_for_all_members_and_dates(
    site: Site, browser: dict[str, str], newer_browser: dict[str, str], member: object
) -> None:
    anonymous = site.render(SHARED_PAGE, browser)

    site.log_in(member)
    with set_clock(time.time() + 9 * 24 * 60 * 60):
        response = site.render(SHARED_PAGE, newer_browser)

    assert response.status_code == 200
    assert "Cache-Control" not in response.headers
    assert response.headers == anonymous.headers
    assert response.data == anonymous.data


# Cache headers after request hooks, errors and conditional requests


def test_cache_headers_cover_entries_rendered_in_after_request_hook(site: Site) -> None:
    @site.app.after_request
    def add_footer(response: Response) -> Response:
        footer = render_template_string(MACROS + MEMBER_ENTRY)
        response.set_data(response.get_data() + footer.encode())
        return response

    response = site.render("no entry")

    assert len(find_entries(response.text)) == 1
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


@pytest.mark.parametrize("source", ["no entry", MEMBER_ENTRY], ids=["no entry", "entry"])
@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/missing", NotFound, 404),
        ("/broken", NotFound, 404),
        ("/broken", MethodNotAllowed, 405),
        ("/broken", ZeroDivisionError, 500),
        ("/broken", ServiceUnavailable, 503),
    ],
)
def test_error_page_with_entries_has_cache_headers(
    make_site: MakeSite, path: str, error: type[Exception], status: int, source: str
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)

    @site.app.get("/broken")
    def render_page_and_fail() -> str:
        render_template_string(MACROS + source)
        raise error

    @site.app.errorhandler(status)
    def show_error_page(_error: Exception) -> tuple[str, int]:
        return render_template_string(MACROS + MEMBER_ENTRY + PRODUCT_ENTRY), status

    response = site.follow(path)

    assert response.status_code == status
    platforms = [entry["data-xiebao-platform"] for entry in find_entries(response.text)]
    assert platforms == ["h5", "h5"]
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("source", "private"),
    [(PRODUCT_ENTRY, []), (MEMBER_ENTRY, ["private"])],
    ids=["shared", "member"],
)
def test_known_etag_returns_304_with_cache_headers_on_same_device_only(
    site: Site, source: str, private: list[str]
) -> None:
    @site.app.get("/validated")
    def show_page_with_etag() -> BaseResponse:
        response = make_response(render_template_string(MACROS + source))
        response.headers.update({"Vary": "Cookie", "Cache-Control": "no-cache"})
        response.add_etag()
        return response.make_conditional(request)

    first = site.follow("/validated", PC)
    known = {"If-None-Match": first.headers["ETag"]}
    not_modified = site.follow("/validated", {**PC, **known})
    phone_page = site.follow("/validated", {**PHONE, **known})

    assert not_modified.status_code == 304
    assert not_modified.headers["ETag"] == first.headers["ETag"]
    expected = ["cookie", *VARY_BY_DEVICE], ["no-cache", *private]
    assert get_cache_headers(first) == get_cache_headers(not_modified) == expected
    assert find_entries(phone_page.text)[0]["data-xiebao-platform"] == "h5"


def test_requests_within_one_app_context_have_separate_cache_headers(make_site: MakeSite) -> None:
    site = make_site(SERVER_NAME="shop.example")
    with site.app.app_context():
        assert find_entries(render_template_string(MACROS + ENTRY_WITHOUT_LOGIN))
        pages = [
            site.render(MEMBER_ENTRY),
            site.render("no entry"),
            site.render(MEMBER_ENTRY, PHONE),
        ]

    member_headers = (VARY_BY_DEVICE, ["private"])
    assert [get_cache_headers(page) for page in pages] == [member_headers, ([], []), member_headers]
    assert find_entries(pages[0].text)[0]["data-xiebao-platform"] == "pc"
    assert find_entries(pages[2].text)[0]["data-xiebao-platform"] == "h5"
