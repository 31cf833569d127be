"""Tests for the demo's pages, links and buttons, and for reports of ``flask xiebao check``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.measure import TEXT_LINES_JS, find_low_contrasts, get_luminances
from tests.browser.support import (
    MEMBER_NAME,
    OTHER_MEMBER,
    DeviceContext,
    parametrized_fixture,
)
from tests.browser.test_pages import (
    HANDOFF_PAGES,
    PAGES,
    REFUSAL_PAGES,
    TESTED_HERE,
    open_demo_page,
    test_html_report_of_check_is_accessible_at_every_width,
    test_page_is_accessible_and_extension_pages_have_language_of_site,
)

__all__ = [
    "open_demo_page",
    "test_html_report_of_check_is_accessible_at_every_width",
    "test_page_is_accessible_and_extension_pages_have_language_of_site",
]

#: The type of the fixture ``open_demo_page``.
OpenDemoPage = Callable[..., DeviceContext]

#: One row per demo page and language: the page's key in ``PAGES``, and the locale.
tested_page = parametrized_fixture(
    *((name, "zh") for name in PAGES if name not in TESTED_HERE),
    *((name, "en") for name in PAGES),
    ids=", ".join,
)

#: One row per report of ``flask xiebao check``: whether the check passes, and the option for the
#: report's language.
report = parametrized_fixture(
    (True, "--locale=zh"),
    (True, "--locale=en"),
    (False, "--locale=en"),
    ids=["passed check in Chinese", "passed check in English", "failed check in English"],
)


@pytest.mark.parametrize("name", sorted(REFUSAL_PAGES))
def test_page_for_refused_click_links_to_shop(open_demo_page: OpenDemoPage, name: str) -> None:
    page = open_demo_page(name).page
    # Without the setting XIEBAO_LOGIN_VIEW, the page for status 401 links to the home page, because
    # users have to look for the login form there.
    link = page.get_by_role("link", name="去首页登录" if name == "401" else "返回网站首页")
    link.click()
    expect(page.locator("h1")).to_have_text("订单确认")


def test_login_on_410_page_opens_gateway_page(open_demo_page: OpenDemoPage) -> None:
    page = open_demo_page("410").page
    page.get_by_role("link", name="去登录").click()
    page.get_by_role("button", name=MEMBER_NAME).click()
    expect(page.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")


def test_switch_of_account_on_403_page_opens_handoff_page(open_demo_page: OpenDemoPage) -> None:
    page = open_demo_page("403").page
    page.get_by_role("link", name="换个账号登录").click()
    page.locator(f'button[value="{OTHER_MEMBER}"]').click()
    expect(page.locator("h1")).to_have_text("用手机打开保险商城")


@pytest.mark.parametrize("name", sorted(HANDOFF_PAGES))
def test_printed_handoff_page_has_qr_code_and_no_links(
    open_demo_page: OpenDemoPage, name: str
) -> None:
    page = open_demo_page(name).page
    page.emulate_media(media="print")
    expect(page.get_by_role("img", name="二维码：用手机扫码继续")).to_be_visible()
    for link in page.locator("main").get_by_role("link").all():
        expect(link).to_be_hidden()


@pytest.mark.parametrize("width", [320, 360, 768])
def test_steps_of_handoff_page_break_between_words(
    open_demo_page: OpenDemoPage, width: int
) -> None:
    page = open_demo_page("handoff of home page", viewport={"width": width, "height": 800}).page
    items = page.locator(".xiebao-steps li").all()
    open_app, scan, continue_ = ("|".join(item.evaluate(TEXT_LINES_JS)) for item in items)
    assert open_app in ("打开微信|或相机", "打开微信或相机")
    assert scan == "扫描二维码"
    assert continue_ in ("在手机上|继续", "在手机上继续")


def test_examples_of_catalog_are_readable_on_light_and_dark_background(
    open_demo_page: OpenDemoPage,
) -> None:
    page = open_demo_page("catalog").page
    for example in page.locator(".example--both").all():
        light, dark = get_luminances(example.locator(".ground"))
        assert light > 0.8
        assert dark < 0.1
        entries = example.locator(".xiebao-entry:not([aria-busy], [aria-disabled])")
        assert find_low_contrasts(entries) == []


def test_copy_button_of_catalog_copies_source(open_demo_page: OpenDemoPage) -> None:
    visitor = open_demo_page("catalog")
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    source = '{{ insurance_entry("QX000000127257",\n     pill=True) }}'
    example = visitor.page.locator(".code", has_text=source)

    example.get_by_role("button", name="复制").click()

    expect(example.get_by_role("button")).to_have_text("已复制")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == source


@pytest.mark.parametrize(
    ("markup", "error"),
    [
        ("<script>document.title = 'inline'</script>", "CSP: script-src-elem of inline"),
        ("<p style='color: red'>inline</p>", "CSP: style-src-attr of inline"),
        ("<img src='/missing.png' alt=''>", "status of 404"),
        ("<script src='/theme.css'></script>", "oops is not defined"),
    ],
    ids=["inline script", "inline style", "missing file", "exception"],
)
def test_device_context_collects_errors_of_browser(
    serve_page: Callable[..., str],
    new_context: Callable[..., DeviceContext],
    markup: str,
    error: str,
) -> None:
    visitor = new_context()
    visitor.page.goto(serve_page(markup, css="oops()"))
    visitor.page.wait_for_load_state("networkidle")
    errors, visitor.errors = visitor.errors, []
    assert error in "\n".join(errors)
