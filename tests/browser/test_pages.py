"""Every page of the extension and of the demo: for everybody, on any screen, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from playwright.sync_api import Page, expect

from flask_xiebao import Xiebao
from tests.browser.harness import MEMBER, Demos, Visit, Visits, one_of
from tests.browser.measure import violations
from tests.check.support import command, status
from tests.support import INSURE_NUM, PRODUCT_CODE, make_site

ANOTHER = "m_b81TzPwE6c"


class Scene(NamedTuple):
    """How to come to a page: a URL, or what makes a link of it, and who goes there."""

    url: str | Callable[[Xiebao], str]
    signed_in: bool = False
    status: int = 200
    settings: dict[str, str] = {}  # noqa: RUF012 - never changed


def expired(xiebao: Xiebao) -> str:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return xiebao.product_link(PRODUCT_CODE, member=MEMBER, no_login_for=60)


SCENES = {
    "shop": Scene("/"),
    "shop, signed in": Scene("/", signed_in=True),
    "sign-in": Scene("/sign-in"),
    "policies": Scene("/policies", signed_in=True),
    "back from a payment": Scene("/insured", signed_in=True),
    "catalog": Scene("/widgets/", signed_in=True),
    "handoff of the home page": Scene(lambda xiebao: xiebao.home_link(), signed_in=True),
    "handoff of a policy": Scene(
        lambda xiebao: xiebao.policy_link(INSURE_NUM, member=MEMBER), signed_in=True
    ),
    "401": Scene(
        lambda xiebao: xiebao.product_link(PRODUCT_CODE),
        status=401,
        settings={"XIEBAO_LOGIN_VIEW": "null"},
    ),
    "403": Scene(lambda xiebao: xiebao.home_link(member=ANOTHER), signed_in=True, status=403),
    "404": Scene("/xiebao/home/nonsense", status=404),
    "410": Scene(expired, status=410),
    "accepted": Scene(
        lambda xiebao: xiebao.product_link(PRODUCT_CODE, return_to="/insured"), signed_in=True
    ),
    "console": Scene("/qa"),
    "console, one page": Scene("/qa?show=policy"),
    "a cell": Scene("/qa/policy-return/iphone"),
    "what happened": Scene("/qa/events", signed_in=True),
    "sales": Scene("/qa/sales", signed_in=True),
    "own links": Scene(
        f"/qa/links?page=product&reference={PRODUCT_CODE}&return_to=/insured&device=pc"
    ),
    "own links, an error": Scene("/qa/links?page=product&reference="),
    "refused": Scene("/gateway/dispatch/cps?partnerId=1&platform=9&sign=00&Sign=", status=400),
}
#: The pages of the extension itself.
NOTICES = {"401", "403", "404", "410"}
HANDOFFS = {"handoff of the home page", "handoff of a policy"}
#: What every buyer comes to, in the language that is theirs by default. What QA alone sees, and
#: what is the same in English, is in `tests/deep`.
HERE = [
    *("shop, signed in", "sign-in", "policies", "back from a payment", "catalog"),
    *sorted(NOTICES | HANDOFFS),
]

Arrive = Callable[..., Visit]


#: A page, and its language.
scene = one_of(*((name, "zh") for name in HERE), ids=", ".join)


@pytest.fixture
def arrive(demos: Demos, visit: Visits) -> Arrive:
    """Return a function that brings somebody to a scene."""

    def go(name: str, locale: str = "zh", **options: Any) -> Visit:
        scene = SCENES[name]
        demo = demos(BABEL_DEFAULT_LOCALE=locale, **scene.settings)
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


def expect_for_everybody(page: Page) -> None:
    """Expect that axe finds nothing in light and dark, and nothing sticks out at the side."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    for width in (320, 360, 768, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_page_is_for_everybody_and_in_its_language(
    arrive: Arrive, scene: tuple[str, str]
) -> None:
    name, locale = scene
    page = arrive(name, locale).page
    expect_for_everybody(page)
    if name in NOTICES | HANDOFFS:
        expect(page.locator("html")).to_have_attribute("lang", {"zh": "zh-CN"}.get(locale, locale))
        is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in page.inner_text("body"))
        assert is_chinese == (locale == "zh")
        assert page.title() == page.inner_text("h1")


#: The language of a report, and whether the site is right of which it tells.
checked = one_of(("zh", False))


def test_the_report_of_a_check_is_a_page_for_everybody(
    visit: Visits, tmp_path: Path, checked: tuple[str, bool]
) -> None:
    locale, is_right = checked
    app = make_site(TESTING=False).app
    if not is_right:
        status(302, 301)(app)
    file = tmp_path / "report.html"
    done = command(app, "--html", str(file), "--locale", locale)
    assert done.exit_code == (0 if is_right else 1)

    page = visit(reduced_motion="reduce").page
    page.goto(file.as_uri())
    expect_for_everybody(page)
    # Its styles are in it.
    assert page.evaluate("getComputedStyle(document.querySelector('table')).fontSize") == "14px"
