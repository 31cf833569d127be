"""The pages that QA alone sees, those in English, reports, and what leads on from a page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.harness import NAME, Visits, one_of
from tests.browser.measure import contrasts, ground_of
from tests.browser.test_pages import (
    ANOTHER,
    HANDOFFS,
    HERE,
    NOTICES,
    SCENES,
    Arrive,
    arrive,
    test_a_page_is_for_everybody_and_in_its_language,
    test_the_report_of_a_check_is_a_page_for_everybody,
)

__all__ = [
    "arrive",
    "test_a_page_is_for_everybody_and_in_its_language",
    "test_the_report_of_a_check_is_a_page_for_everybody",
]

MORE = [
    *((name, "zh") for name in SCENES if name not in HERE),
    *((name, "en") for name in SCENES),
]


scene = one_of(*MORE, ids=", ".join)


checked = one_of(("zh", True), ("en", True), ("en", False))


@pytest.mark.parametrize("scene", sorted(NOTICES))
def test_a_notice_leads_back_to_the_shop(arrive: Arrive, scene: str) -> None:
    page = arrive(scene).page
    # Where nobody could say where to sign in, that is where people look for it.
    page.get_by_role("link", name="去首页登录" if scene == "401" else "返回网站首页").click()
    expect(page.locator("h1")).to_have_text("订单确认")


def test_who_comes_too_late_signs_in_and_goes_on(arrive: Arrive) -> None:
    page = arrive("410").page
    page.get_by_role("link", name="去登录").click()
    page.get_by_role("button", name=NAME).click()
    expect(page.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")


def test_who_has_somebody_elses_link_switches_to_them_and_goes_on(
    arrive: Arrive,
) -> None:
    page = arrive("403").page
    page.get_by_role("link", name="换个账号登录").click()
    page.locator(f'button[value="{ANOTHER}"]').click()
    expect(page.locator("h1")).to_have_text("用手机打开保险商城")


@pytest.mark.parametrize("scene", sorted(HANDOFFS))
def test_on_paper_a_handoff_has_its_code_and_nothing_to_click(arrive: Arrive, scene: str) -> None:
    page = arrive(scene).page
    page.emulate_media(media="print")
    expect(page.get_by_role("img", name="二维码：用手机扫码继续")).to_be_visible()
    for link in page.locator("main").get_by_role("link").all():
        expect(link).to_be_hidden()


@pytest.mark.parametrize("width", [320, 360, 768])
def test_the_steps_of_a_handoff_break_between_words(arrive: Arrive, width: int) -> None:
    page = arrive("handoff of the home page", viewport={"width": width, "height": 800}).page
    # Where a line ends, as people who see the page read it.
    lines = page.locator(".xiebao-steps li").evaluate_all(
        """items => items.map(item => {
            const text = item.lastChild, range = document.createRange();
            let said = "", at;
            for (let i = 0; i < text.length; i++) {
                range.setStart(text, i);
                range.setEnd(text, i + 1);
                const [box] = range.getClientRects();
                if (!box || !box.width) continue;
                if (at !== undefined && box.top > at + 4) said += "|";
                at = box.top;
                said += text.data[i];
            }
            return said;
        })"""
    )
    opened, scanned, went_on = lines
    assert opened in ("打开微信|或相机", "打开微信或相机")
    assert scanned == "扫描二维码"
    assert went_on in ("在手机上|继续", "在手机上继续")


def test_the_catalog_shows_each_look_on_light_and_on_dark_ground(
    arrive: Arrive,
) -> None:
    page = arrive("catalog").page
    for example in page.locator(".example--both").all():
        grounds = example.locator(".ground").all()
        light, dark = (ground_of(ground).luminance for ground in grounds)
        assert (light > 0.8, dark < 0.1) == (True, True)
        for entry in example.locator(".xiebao-entry:not([aria-busy], [aria-disabled])").all():
            assert min(contrasts(entry).values()) >= 4.5


def test_the_catalog_copies_what_it_shows(arrive: Arrive) -> None:
    person = arrive("catalog")
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    source = '{{ insurance_entry("QX000000127257",\n     pill=True) }}'
    code = person.page.locator(".code", has_text=source)
    code.get_by_role("button", name="复制").click()
    expect(code.get_by_role("button")).to_have_text("已复制")
    assert person.page.evaluate("navigator.clipboard.readText()") == source


@pytest.mark.parametrize(
    ("markup", "trouble"),
    [
        ("<script>document.title = 'inline'</script>", "CSP: script-src-elem of inline"),
        ("<p style='color: red'>inline</p>", "CSP: style-src-attr of inline"),
        ("<img src='/missing.png' alt=''>", "status of 404"),
        ("<script src='/theme.css'></script>", "oops is not defined"),
    ],
    ids=["inline script", "inline style", "missing file", "exception"],
)
def test_a_visit_notices_what_the_browser_complains_of(
    make_page: Callable[..., str], visit: Visits, markup: str, trouble: str
) -> None:
    person = visit()
    person.page.goto(make_page(markup, css="oops()"))
    person.page.wait_for_load_state("networkidle")
    assert [told for told in person.troubles if trouble in told]
    person.troubles.clear()
