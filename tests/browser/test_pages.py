"""Every page of the extension and of the demo: for everybody, on any screen, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from flask import Response
from playwright.sync_api import expect

from flask_xiebao import Xiebao
from flask_xiebao.cli import xiebao
from tests.browser.harness import MEMBER, NAME, Demos, Visit, Visits
from tests.browser.measure import contrasts, ground_of
from tests.support import CODE, NUMBER, make_site

ANOTHER = "m_b81TzPwE6c"


class Scene(NamedTuple):
    """How to come to a page: a URL, or what makes a link of it, and who goes there."""

    url: str | Callable[[Xiebao], str]
    signed_in: bool = False
    status: int = 200
    settings: dict[str, str] = {}  # noqa: RUF012 - never changed


def expired(xiebao: Xiebao) -> str:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return xiebao.product_link(CODE, member=MEMBER, no_login_for=60)


SCENES = {
    "shop": Scene("/"),
    "shop, signed in": Scene("/", signed_in=True),
    "sign-in": Scene("/sign-in"),
    "policies": Scene("/policies", signed_in=True),
    "back from a payment": Scene("/insured", signed_in=True),
    "catalog": Scene("/widgets/", signed_in=True),
    "catalog in English": Scene("/widgets/?lang=en"),
    "handoff of the home page": Scene(lambda xiebao: xiebao.home_link(), signed_in=True),
    "handoff of a policy": Scene(
        lambda xiebao: xiebao.policy_link(NUMBER, member=MEMBER), signed_in=True
    ),
    "401": Scene(
        lambda xiebao: xiebao.product_link(CODE),
        status=401,
        settings={"XIEBAO_LOGIN_VIEW": "null"},
    ),
    "403": Scene(lambda xiebao: xiebao.home_link(member=ANOTHER), signed_in=True, status=403),
    "404": Scene("/xiebao/home/nonsense", status=404),
    "410": Scene(expired, status=410),
    "accepted": Scene(
        lambda xiebao: xiebao.product_link(CODE, return_to="/insured"), signed_in=True
    ),
    "console": Scene("/qa"),
    "console, one page": Scene("/qa?show=policy"),
    "a cell": Scene("/qa/policy-return/iphone"),
    "what happened": Scene("/qa/events", signed_in=True),
    "own links": Scene(f"/qa/links?page=product&reference={CODE}&return_to=/insured&device=pc"),
    "own links, an error": Scene("/qa/links?page=product&reference="),
    "refused": Scene("/gateway/dispatch/cps?partnerId=1&platform=9&sign=00&Sign=", status=400),
}
NOTICES = {"401", "403", "404", "410"}
HANDOFFS = {"handoff of the home page", "handoff of a policy"}
#: In the others the shop and the simulator speak Chinese alone.
TRANSLATED = NOTICES | HANDOFFS | {"shop, signed in", "catalog"}

all_pages = pytest.mark.parametrize(
    ("scene", "locale"),
    [(scene, "zh") for scene in SCENES] + [(scene, "en") for scene in sorted(TRANSLATED)],
)


@pytest.fixture
def arrive(demos: Demos, visit: Visits) -> Callable[..., Visit]:
    """Return a function that brings somebody to a scene."""

    def go(name: str, locale: str, **options: Any) -> Visit:
        scene = SCENES[name]
        demo = demos(XIEBAO_LOCALE=locale, **scene.settings)
        url = scene.url
        if not isinstance(url, str):
            with demo.app.test_request_context():
                url = url(demo.xiebao)
        person = visit(reduced_motion="reduce", **options)
        if scene.signed_in:
            person.sign_in(demo.address)
        answer = person.page.goto(demo.address + url)
        assert answer is not None
        assert answer.status == scene.status
        if scene.status != 200:
            person.expect_refusal(scene.status)
        if name.startswith("console"):  # which comes when the demo is checked
            person.page.wait_for_selector("table.matrix", timeout=60_000)
        return person

    return go


def violations(page: Any) -> list[str]:
    """Return what axe has to say: the rule and the element."""
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]


@all_pages
def test_axe_finds_nothing_in_light_and_dark(
    arrive: Callable[..., Visit], scene: str, locale: str
) -> None:
    person = arrive(scene, locale, color_scheme="light")
    found = {"light": violations(person.page)}
    person.page.emulate_media(color_scheme="dark")
    found["dark"] = violations(person.page)
    assert found == {"light": [], "dark": []}


@all_pages
def test_nothing_sticks_out_at_the_side(
    arrive: Callable[..., Visit], scene: str, locale: str
) -> None:
    widths = (320, 360, 768, 1920)
    person = arrive(scene, locale, viewport={"width": widths[0], "height": 700})
    needed = {}
    for width in widths:
        person.page.set_viewport_size({"width": width, "height": 700})
        needed[width] = person.page.evaluate("document.documentElement.scrollWidth")
    assert needed == {width: width for width in widths}


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_the_report_of_a_check_is_a_page_for_everybody(
    visit: Visits, tmp_path: Path, locale: str, is_right: bool
) -> None:
    app = make_site(TESTING=False).app
    if not is_right:
        app.after_request(for_ever)
    file = tmp_path / "report.html"
    command = ["check", "--format", "html", "--locale", locale, "--output", str(file)]
    done = app.test_cli_runner().invoke(xiebao, command)
    assert done.exit_code == (0 if is_right else 1)

    person = visit(reduced_motion="reduce", color_scheme="light")
    page = person.page
    page.goto(file.as_uri())
    found = {"light": violations(page)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = violations(page)
    assert found == {"light": [], "dark": []}
    needed = {}
    for width in (360, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        needed[width] = page.evaluate("document.documentElement.scrollWidth")
    assert needed == {width: width for width in needed}
    # Its styles are in it.
    assert page.evaluate("getComputedStyle(document.querySelector('table')).fontSize") == "14px"


def for_ever(response: Response) -> Response:
    if response.status_code == 302:
        response.status_code = 301
    return response


@pytest.mark.parametrize(("locale", "tag"), [("zh", "zh-CN"), ("en", "en")])
@pytest.mark.parametrize("scene", sorted(NOTICES | HANDOFFS))
def test_the_pages_of_the_extension_say_their_language(
    arrive: Callable[..., Visit], scene: str, locale: str, tag: str
) -> None:
    page = arrive(scene, locale).page
    expect(page.locator("html")).to_have_attribute("lang", tag)
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in page.inner_text("body"))
    assert is_chinese == (locale == "zh")
    assert page.title() == page.inner_text("h1")


@pytest.mark.parametrize("scene", sorted(NOTICES))
def test_a_notice_leads_back_to_the_shop(arrive: Callable[..., Visit], scene: str) -> None:
    page = arrive(scene, "zh").page
    # Where nobody could say where to sign in, that is where people look for it.
    page.get_by_role("link", name="去首页登录" if scene == "401" else "返回网站首页").click()
    expect(page.locator("h1")).to_have_text("订单确认")


def test_who_comes_too_late_signs_in_and_goes_on(arrive: Callable[..., Visit]) -> None:
    page = arrive("410", "zh").page
    page.get_by_role("link", name="去登录").click()
    page.get_by_role("button", name=NAME).click()
    expect(page.locator(".xiebao-verdict")).to_have_text("已接受：产品详情页")


def test_who_has_somebody_elses_link_switches_to_them_and_goes_on(
    arrive: Callable[..., Visit],
) -> None:
    page = arrive("403", "zh").page
    page.get_by_role("link", name="换个账号登录").click()
    page.locator(f'button[value="{ANOTHER}"]').click()
    expect(page.locator("h1")).to_have_text("用手机打开保险商城")


@pytest.mark.parametrize("scene", sorted(HANDOFFS))
def test_on_paper_a_handoff_has_its_code_and_nothing_to_click(
    arrive: Callable[..., Visit], scene: str
) -> None:
    page = arrive(scene, "zh").page
    page.emulate_media(media="print")
    expect(page.get_by_role("img", name="二维码：用手机扫码继续")).to_be_visible()
    for link in page.locator("main").get_by_role("link").all():
        expect(link).to_be_hidden()


@pytest.mark.parametrize("width", [320, 360, 768])
def test_the_steps_of_a_handoff_break_between_words(
    arrive: Callable[..., Visit], width: int
) -> None:
    page = arrive("handoff of the home page", "zh", viewport={"width": width, "height": 800}).page
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
    arrive: Callable[..., Visit],
) -> None:
    page = arrive("catalog", "zh").page
    for example in page.locator(".example--both").all():
        grounds = example.locator(".ground").all()
        light, dark = (ground_of(ground).luminance for ground in grounds)
        assert (light > 0.8, dark < 0.1) == (True, True)
        for entry in example.locator(".xiebao-entry:not([aria-busy], [aria-disabled])").all():
            assert min(contrasts(entry).values()) >= 4.5


def test_the_catalog_copies_what_it_shows(arrive: Callable[..., Visit]) -> None:
    person = arrive("catalog", "zh")
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    source = '{{ insurance_entry("QX000000127257",\n     class="xiebao-entry--pill") }}'
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
