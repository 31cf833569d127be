"""Tests for templates that are streamed, so that entries are rendered after the headers are sent.

To test another way to stream a template, add a function to ``STREAMS``.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import (
    Request,
    Response,
    copy_current_request_context,
    current_app,
    render_template_string,
    request,
    stream_template,
    stream_template_string,
    stream_with_context,
)
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from flask_xiebao import Platform
from flask_xiebao.app.current import get_current_request
from tests.page.support import (
    DEVICES,
    MEMBER_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    QR_CODE,
    VARY_BY_DEVICE,
    find_entries,
    get_cache_headers,
)
from tests.support import MACROS, PC, PHONE, MakeSite, Site, assert_gateway_accepts, find_href


def stream_compiled_template(source: str) -> Iterator[str]:
    return stream_template(current_app.jinja_env.from_string(source))


def stream_generator(source: str) -> Iterator[str]:
    def generate() -> Iterator[str]:
        yield request.path
        yield render_template_string(source)

    return stream_with_context(generate())


Stream = Callable[[str], Iterator[str]]
STREAMS = pytest.mark.parametrize(
    "stream", [stream_compiled_template, stream_template_string, stream_generator]
)


def get_streamed_page(
    site: Site,
    stream: Stream,
    source: str,
    device: dict[str, str] = PC,
    *,
    rendered_before: str = "",
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """Request a page that streams a template, and return the response.

    :param device: the request headers.
    :param rendered_before: a template that the view renders before it begins to stream.
    :param headers: the response headers that the view sets.
    """

    def stream_page() -> ResponseReturnValue:
        render_template_string(MACROS + rendered_before)
        return stream(MACROS + source), headers or {}

    site.app.view_functions["page"] = stream_page
    return site.follow("/page", device)


@STREAMS
@pytest.mark.parametrize("device_markup", [True, False])
def test_streamed_entry_has_markup_of_device(
    make_site: MakeSite, stream: Stream, device_markup: bool
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup, XIEBAO_APP_USER_AGENT="ShopApp/")
    for headers, platform in DEVICES:
        page = get_streamed_page(site, stream, PRODUCT_ENTRY, headers)
        assert page.content_length is None
        assert get_cache_headers(page) == ([], [])
        [entry] = find_entries(page.text)
        assert entry["href"] == site.link("product")
        assert entry.get("data-xiebao-platform") == (platform.slug if device_markup else None)
        assert ("target" in entry.attrs) == (device_markup and platform is Platform.PC)


@STREAMS
def test_streamed_policy_entry_belongs_to_member_of_request(site: Site, stream: Stream) -> None:
    site.xiebao.member_loader(lambda: request.headers.get("X-Member"))
    assert find_entries(get_streamed_page(site, stream, POLICY_ENTRY).text) == []

    headers = {**PHONE, "X-Member": "li"}
    url = find_href(get_streamed_page(site, stream, POLICY_ENTRY, headers))
    assert assert_gateway_accepts(site.follow(url, headers)).member == "li"


@STREAMS
@pytest.mark.parametrize("device_markup", [True, False])
@pytest.mark.parametrize(
    ("source", "has_device_markup", "is_private"),
    [(PRODUCT_ENTRY, True, False), (MEMBER_ENTRY, True, True), (QR_CODE, False, False)],
    ids=["shared entry", "member's entry", "QR code"],
)
def test_missing_cache_headers_of_streamed_page_are_logged(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    stream: Stream,
    source: str,
    has_device_markup: bool,
    is_private: bool,
    device_markup: bool,
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup)
    assert get_streamed_page(site, stream, source * 3).text.count("xiebao-") >= 3
    assert ("Cache-Control: private" in caplog.text) == is_private
    assert ("Vary: User-Agent" in caplog.text) == (has_device_markup and device_markup)


@STREAMS
def test_streamed_page_with_cache_headers_logs_nothing(
    site: Site, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Vary": "Cookie, User-Agent", "Cache-Control": "private"}
    page = get_streamed_page(site, stream, MEMBER_ENTRY, headers=headers)
    assert len(find_entries(page.text)) == 1
    assert get_cache_headers(page) == (["cookie", "user-agent"], ["private"])
    assert caplog.records == []


@STREAMS
def test_cache_headers_cover_entries_rendered_before_stream(site: Site, stream: Stream) -> None:
    page = get_streamed_page(site, stream, PRODUCT_ENTRY, rendered_before=MEMBER_ENTRY)
    assert len(find_entries(page.text)) == 1
    assert get_cache_headers(page) == (VARY_BY_DEVICE, ["private"])


def test_request_of_streamed_page_is_garbage_collected(site: Site) -> None:
    references: list[weakref.ref[Request]] = []

    @site.app.get("/stream")
    def stream_entry() -> Response:
        references.append(weakref.ref(get_current_request()))
        response = Response(stream_generator(PRODUCT_ENTRY))
        response.call_on_close(copy_current_request_context(lambda: None))
        return response

    site.follow("/stream").close()
    gc.collect()
    assert [reference() for reference in references] == [None]
