"""Pages that are rendered while they are sent, after their headers.

A new way of streaming is a row of ``STREAMS``.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from flask import (
    Request,
    Response,
    copy_current_request_context,
    current_app,
    make_response,
    render_template_string,
    request,
    stream_template,
    stream_template_string,
    stream_with_context,
)
from werkzeug.test import TestResponse

from flask_xiebao import LinkError, Platform
from flask_xiebao.app.current import get_current_request
from tests.page.kept import (
    DEVICES,
    FOR_ALL,
    MEMBERS_ENTRY,
    VARIES,
    anchors,
    for_caches,
)
from tests.page.support import POLICY, PRODUCT, QR
from tests.support import MACROS, PC, MakeSite, Site, assert_gateway_accepts, find_href


def by_template(source: str) -> Iterator[str]:
    return stream_template(current_app.jinja_env.from_string(source))


def by_generator(source: str) -> Iterator[str]:
    def pieces() -> Iterator[str]:
        yield request.path
        yield render_template_string(source)

    return stream_with_context(pieces())


Stream = Callable[[str], Iterator[str]]
STREAMS = pytest.mark.parametrize("stream", [by_template, stream_template_string, by_generator])


def streamed(
    site: Site,
    stream: Stream,
    source: str,
    device: dict[str, str] = PC,
    *,
    earlier: str = "",
    headers: dict[str, str] | None = None,
) -> TestResponse:
    """Return a page that sends its headers before it renders the template.

    :param earlier: a template that the view renders before.
    :param headers: what the view sends.
    """

    def view() -> Response:
        render_template_string(MACROS + earlier)
        response = make_response(stream(MACROS + source))
        response.headers.update(headers or {})
        return response

    site.app.view_functions["page"] = view
    page = site.follow("/page", device)
    assert page.content_length is None  # it is streamed
    return page


@STREAMS
@pytest.mark.parametrize("device_markup", [True, False])
def test_a_streamed_page_has_the_markup_of_the_device_or_the_same_for_all(
    make_site: MakeSite, stream: Stream, device_markup: bool
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup, XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("li")
    texts = set()
    for headers, platform in DEVICES:
        page = streamed(site, stream, PRODUCT, headers)
        texts.add(page.text)
        assert for_caches(page) == ([], [])
        [anchor] = anchors(page.text)
        if device_markup:
            assert anchor["data-xiebao-platform"] == platform.slug
            assert ("target" in anchor.attrs) == (platform is Platform.PC)
        else:
            assert set(anchor.attrs) == FOR_ALL
        verdict = assert_gateway_accepts(site.follow(find_href(anchor), headers))
        assert (verdict.page, verdict.platform, verdict.member) == ("product", platform, "li")
    assert len(texts) == (3 if device_markup else 1)


@STREAMS
def test_a_streamed_policy_entry_is_of_the_member_who_asked(site: Site, stream: Stream) -> None:
    site.xiebao.member_loader(lambda: request.headers.get("X-Member"))
    assert anchors(streamed(site, stream, POLICY).text) == []
    li = {**PC, "X-Member": "li"}
    url = find_href(streamed(site, stream, POLICY, li))
    assert assert_gateway_accepts(site.follow(f"{url}?platform=h5", li)).member == "li"
    assert site.follow(url).status_code == 401


@STREAMS
@pytest.mark.parametrize("device_markup", [True, False])
@pytest.mark.parametrize(
    ("source", "by_device", "private"),
    [(PRODUCT, True, False), (MEMBERS_ENTRY, True, True), (QR, False, False)],
    ids=["open", "member", "qr"],
)
def test_headers_that_a_stream_owes_and_can_no_longer_send_are_asked_for_in_the_log(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    stream: Stream,
    source: str,
    by_device: bool,
    private: bool,
    device_markup: bool,
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup)
    assert streamed(site, stream, source * 3).text.count("xiebao-") >= 3
    assert ("Cache-Control: private" in caplog.text) == private
    assert ("Vary: User-Agent" in caplog.text) == (by_device and device_markup)


@STREAMS
def test_a_stream_keeps_the_headers_of_its_view_and_asks_for_no_others(
    site: Site, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Vary": "Cookie, User-Agent", "Cache-Control": "private"}
    page = streamed(site, stream, MEMBERS_ENTRY, headers=headers)
    assert len(anchors(page.text)) == 1
    assert for_caches(page) == (["cookie", "user-agent"], ["private"])
    assert caplog.records == []


@STREAMS
def test_what_was_rendered_before_the_stream_began_is_in_the_headers(
    site: Site, stream: Stream
) -> None:
    page = streamed(site, stream, PRODUCT, earlier=MEMBERS_ENTRY)
    assert len(anchors(page.text)) == 1
    assert for_caches(page) == (VARIES, ["private"])


@STREAMS
def test_a_wrong_case_code_in_a_stream_leaves_the_rest_standing_or_raises_in_strict_mode(
    make_site: MakeSite, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    source = "{{ insurance_entry('') }}" + PRODUCT + "<footer>end</footer>"
    lenient = make_site(XIEBAO_STRICT=False, XIEBAO_DEVICE_MARKUP=False)
    page = streamed(lenient, stream, source).text
    assert len(anchors(page)) == 1
    assert page.endswith("<footer>end</footer>")
    assert len(caplog.records) == 1
    with pytest.raises(LinkError):
        assert streamed(make_site(), stream, source).text


def test_streamed_page_that_refers_to_its_request_is_freed(site: Site) -> None:
    requests: list[weakref.ref[Request]] = []

    @site.app.get("/logged")
    def logged() -> Response:
        requests.append(weakref.ref(get_current_request()))
        response = Response(by_generator(PRODUCT))
        response.call_on_close(copy_current_request_context(lambda: None))
        return response

    site.follow("/logged").close()
    gc.collect()
    assert [each() for each in requests] == [None]
