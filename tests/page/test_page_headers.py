"""What pages with entries tell caches: that they differ by device, or are for one member.

What a page owes is a row of ``PAGES``; what a view says by itself, one of ``SAID``. That hooks of
the site undo none of it is in ``tests/click/test_headers.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from flask import Response, abort, make_response, render_template_string, request
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response as BaseResponse

from tests.page.kept import (
    MAILED,
    MEMBERS_ENTRY,
    MEMBERS_POLICY,
    VARIES,
    anchors,
    for_caches,
    said,
)
from tests.page.support import HOME, POLICY, PRODUCT, QR
from tests.support import MACROS, PC, PHONE, MakeSite, Site

#: Whether a page differs by device, and whether it is for one member.
PAGES = [
    (PRODUCT, True, False),
    (HOME, True, False),
    (MEMBERS_ENTRY, True, True),
    (MEMBERS_POLICY, True, True),
    (POLICY, False, False),  # nobody is logged in: nothing is rendered
    (QR, False, False),
    ("{{ insurance_qr('A', member='li', no_login_for=9) }}", False, True),
    ("{{ xiebao_link('product', 'A') }}", False, False),
    ("{{ xiebao_link('product', 'A', member='li') }}", False, True),
    ("{{ xiebao_styles() }}", False, False),
    ("{{ insurance_entry('') }}", False, False),
    ("no entry", False, False),
    # Each is said once.
    (f"{{% for _ in range(50) %}}{PRODUCT}{MEMBERS_ENTRY}{HOME}{{% endfor %}}", True, True),
]


@pytest.mark.parametrize(("source", "varies", "private"), PAGES)
@pytest.mark.parametrize("device_markup", [True, False])
def test_each_page_has_the_headers_that_it_owes(
    make_site: MakeSite, source: str, varies: bool, private: bool, device_markup: bool
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup, XIEBAO_STRICT=False)
    page = site.render(source)
    owed = VARIES if varies and device_markup else [], ["private"] if private else []
    assert for_caches(page) == owed
    head = site.follow("/page", PC, method="HEAD")
    assert (head.data, for_caches(head)) == (b"", owed)


#: What a view says, and what is left of it on a page that differs by device and is for one member.
SAID = [
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


def with_headers(site: Site, source: str, headers: list[tuple[str, str]]) -> TestResponse:
    """Return what a view makes of this template, with these headers."""

    @site.app.get("/headed")
    def view() -> Response:
        response = make_response(render_template_string(MACROS + source))
        response.headers.extend(headers)
        return response

    return site.follow("/headed", PC)


@pytest.mark.parametrize(("header", "lines", "kept"), SAID, ids=str)
def test_a_page_keeps_what_its_view_said_and_adds_what_it_owes(
    site: Site, header: str, lines: list[str], kept: list[str]
) -> None:
    response = with_headers(site, MEMBERS_ENTRY, [(header, line) for line in lines])
    owed = {"Vary": VARIES, "Cache-Control": ["private"]}
    owed[header] = sorted(kept + owed[header])
    assert {name: said(response, name) for name in owed} == owed


@pytest.mark.parametrize(("source", "varies"), [(PRODUCT + HOME, VARIES), ("no entry", [])])
def test_a_page_without_members_links_may_be_public(
    site: Site, source: str, varies: list[str]
) -> None:
    headers = [("Cache-Control", "public, s-maxage=600, max-age=60")]
    response = with_headers(site, source, headers)
    assert for_caches(response) == (varies, ["max-age=60", "public", "s-maxage=600"])


EVERYBODYS = (
    f"{{{{ xiebao_styles() }}}}{PRODUCT}{QR}{{{{ insurance_home_entry('Shop') }}}}"
    "{{ insurance_entry('A', class='btn', return_to='/orders/8') }}"
    "{{ insurance_entry('A', external=True) }}{{ xiebao_link('product', 'A', platform='h5') }}"
)


@pytest.mark.parametrize(
    "devices",
    [
        (PC, {"User-Agent": PC["User-Agent"].replace("126", "127")}),
        (PHONE, {"User-Agent": PHONE["User-Agent"].replace("17_5", "18_1")}),
    ],
)
def test_a_page_without_members_links_is_the_same_for_everybody_on_one_kind_of_device(
    site: Site, devices: tuple[dict[str, str], dict[str, str]]
) -> None:
    pages = set()
    for member in (None, "alice", "bob", 7, ["no member"]):  # the last is an error of the loader's
        for device, day in zip(devices, (0, 9), strict=True):
            site.log_in(member)
            with time_machine.travel(1_800_000_000 + day * 86_400):
                response = site.render(EVERYBODYS, device)
            pages.add((response.status_code, tuple(sorted(response.headers)), response.data))
    [(status, headers, _)] = pages
    assert status == 200
    assert "private" not in dict(headers).get("Cache-Control", "")


def test_what_is_rendered_before_and_after_the_view_is_in_the_headers_once(site: Site) -> None:
    @site.app.before_request
    def early() -> None:
        render_template_string(MACROS + MEMBERS_ENTRY)

    @site.app.after_request
    def add_footer(response: Response) -> Response:
        response.set_data(response.get_data() + render_template_string(MACROS + PRODUCT).encode())
        return response

    for source, shown in (("a page", 1), (MEMBERS_ENTRY, 2)):
        response = site.render(source)
        assert len(anchors(response.text)) == shown
        assert for_caches(response) == (VARIES, ["private"])


@pytest.mark.parametrize("source", ["plain", MEMBERS_ENTRY], ids=["plain", "entry"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("nowhere", 404), *(("broken", status) for status in (404, 405, 500, 503))],
)
def test_an_error_page_with_entries_has_their_headers(
    make_site: MakeSite, path: str, status: int, source: str
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)

    @site.app.get("/broken")
    def view() -> str:
        render_template_string(MACROS + source)
        if status == 500:
            raise ZeroDivisionError
        abort(status)

    def show(error: Exception) -> tuple[str, int]:
        return render_template_string(MACROS + MEMBERS_ENTRY + PRODUCT), status

    site.app.register_error_handler(status, show)
    response = site.follow(f"/{path}")
    assert response.status_code == status
    assert [anchor["data-xiebao-platform"] for anchor in anchors(response.text)] == ["h5"] * 2
    assert for_caches(response) == (VARIES, ["private"])


@pytest.mark.parametrize(
    ("source", "private"), [(PRODUCT, []), (MEMBERS_ENTRY, ["private"])], ids=["open", "member"]
)
def test_a_page_that_did_not_change_is_not_sent_again_and_its_headers_are(
    site: Site, clock: Any, source: str, private: list[str]
) -> None:
    @site.app.get("/validated")
    def view() -> BaseResponse:
        response = make_response(render_template_string(MACROS + source))
        response.headers["Vary"] = "Cookie"
        response.cache_control.no_cache = True
        response.add_etag()
        return response.make_conditional(request)

    first = site.follow("/validated", PC)
    known = {"If-None-Match": first.headers["ETag"]}
    if not private:  # whose link is signed anew each second
        clock.shift(24 * 60 * 60)
    again = site.follow("/validated", {**PC, **known})
    phone = site.follow("/validated", {**PHONE, **known})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert for_caches(first) == for_caches(again) == (["cookie", *VARIES], ["no-cache", *private])
    assert again.headers["ETag"] == first.headers["ETag"]
    assert phone.status_code == 200
    assert anchors(phone.text)[0]["data-xiebao-platform"] == "h5"


def test_requests_in_one_app_context_have_each_their_own_headers(make_site: MakeSite) -> None:
    site = make_site(SERVER_NAME="shop.example")
    with site.app.app_context():
        assert anchors(render_template_string(MACROS + MAILED))
        first = site.render(MEMBERS_ENTRY)
        plain = site.render("no entry")
        last = site.render(MEMBERS_ENTRY, PHONE)
    devices = [anchors(page.text)[0]["data-xiebao-platform"] for page in (first, last)]
    assert devices == ["pc", "h5"]
    assert for_caches(first) == for_caches(last) == (VARIES, ["private"])
    assert for_caches(plain) == ([], [])
