"""Tests for the pages of the demo and of the extension: accessibility, language and width.

To test another page, add a row to ``PAGES``. tests/deep/browser repeats the tests with the pages
for QA and with the English pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from playwright.sync_api import Page, expect

from flask_xiebao import Xiebao
from tests.browser.measure import find_axe_violations
from tests.browser.support import (
    MEMBER,
    OTHER_MEMBER,
    Demo,
    DeviceContext,
    parametrized_fixture,
)
from tests.check.support import replace_status, run_check_command
from tests.support import INSURE_NUM, PRODUCT_CODE, make_site


class PageSetup(NamedTuple):
    """The steps to open a page of the demo or of the extension.

    :param url: the URL, or a function that builds a link.
    :param logged_in: True to log in first.
    :param status: the expected status of the response.
    :param settings: settings of the extension.
    """

    url: str | Callable[[Xiebao], str]
    logged_in: bool = False
    status: int = 200
    settings: dict[str, str] = {}  # noqa: RUF012 - The dict is never changed.


def build_expired_link(xiebao: Xiebao) -> str:
    """Return a link that has expired."""
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return xiebao.product_link(PRODUCT_CODE, member=MEMBER, no_login_for=60)


#: One row per page: its name, and the steps to open it.
PAGES = {
    "shop": PageSetup("/"),
    "shop, logged in": PageSetup("/", logged_in=True),
    "login form": PageSetup("/sign-in"),
    "policies": PageSetup("/policies", logged_in=True),
    "return URL": PageSetup("/insured", logged_in=True),
    "catalog": PageSetup("/widgets/", logged_in=True),
    "handoff of home page": PageSetup(lambda xiebao: xiebao.home_link(), logged_in=True),
    "handoff of policy": PageSetup(
        lambda xiebao: xiebao.policy_link(INSURE_NUM, member=MEMBER), logged_in=True
    ),
    "401": PageSetup(
        lambda xiebao: xiebao.product_link(PRODUCT_CODE),
        status=401,
        settings={"XIEBAO_LOGIN_VIEW": "null"},
    ),
    "403": PageSetup(
        lambda xiebao: xiebao.home_link(member=OTHER_MEMBER), logged_in=True, status=403
    ),
    "404": PageSetup("/xiebao/home/nonsense", status=404),
    "410": PageSetup(build_expired_link, status=410),
    "gateway page": PageSetup(
        lambda xiebao: xiebao.product_link(PRODUCT_CODE, return_to="/insured"), logged_in=True
    ),
    "gateway error": PageSetup(
        "/gateway/dispatch/cps?partnerId=1&platform=9&sign=00&Sign=", status=400
    ),
    "console": PageSetup("/qa"),
    "console for policies": PageSetup("/qa?show=policy"),
    "case of console": PageSetup("/qa/policy-return/iphone"),
    "events": PageSetup("/qa/events", logged_in=True),
    "sales": PageSetup("/qa/sales", logged_in=True),
    "link builder": PageSetup(
        f"/qa/links?page=product&reference={PRODUCT_CODE}&return_to=/insured&device=pc"
    ),
    "link builder with error": PageSetup("/qa/links?page=product&reference="),
}
#: The keys in ``PAGES`` of the pages for refused clicks.
REFUSAL_PAGES = {"401", "403", "404", "410"}
HANDOFF_PAGES = {"handoff of home page", "handoff of policy"}
#: The keys in ``PAGES`` of the pages that the shop's customers see. This module tests these pages
#: in Chinese.
TESTED_HERE = (
    *("shop, logged in", "login form", "policies", "return URL"),
    *sorted(REFUSAL_PAGES | HANDOFF_PAGES),
)

#: One row per tested page: its key in ``PAGES``, and its locale.
tested_page = parametrized_fixture(*((name, "zh") for name in TESTED_HERE), ids=", ".join)


@pytest.fixture
def open_demo_page(
    serve_demo: Callable[..., Demo], new_context: Callable[..., DeviceContext]
) -> Callable[..., DeviceContext]:
    """A function that opens a page of ``PAGES`` and returns its browser context."""

    def open_demo_page(name: str, locale: str = "zh", **options: Any) -> DeviceContext:
        setup = PAGES[name]
        demo = serve_demo(BABEL_DEFAULT_LOCALE=locale, **setup.settings)
        with demo.app.test_request_context():
            url = setup.url(demo.xiebao) if callable(setup.url) else setup.url
        visitor = new_context(reduced_motion="reduce", **options)
        if setup.logged_in:
            visitor.log_in(demo.url)
        response = visitor.page.goto(demo.url + url)
        assert getattr(response, "status", None) == setup.status
        if setup.status != 200:
            visitor.assert_status_in_console(setup.status)
        # The QA console shows its tables only after the check of the demo is finished.
        if name.startswith("console"):
            visitor.page.wait_for_selector("table.matrix", timeout=60_000)
        return visitor

    return open_demo_page


def assert_accessible_at_every_width(page: Page) -> None:
    """Assert that a page has no axe violations and does not scroll sideways at common widths."""
    assert find_axe_violations(page) == []
    page.emulate_media(color_scheme="dark")
    # In dark mode, only the colors differ, so the other rules of axe need no second run.
    assert find_axe_violations(page, runOnly=["color-contrast", "link-in-text-block"]) == []
    for width in (320, 360, 768, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_page_is_accessible_and_extension_pages_have_language_of_site(
    open_demo_page: Callable[..., DeviceContext], tested_page: tuple[str, str]
) -> None:
    name, locale = tested_page
    page = open_demo_page(name, locale).page
    assert_accessible_at_every_width(page)
    if name in REFUSAL_PAGES | HANDOFF_PAGES:
        expect(page.locator(f"html[lang={'zh-CN' if locale == 'zh' else locale}]")).to_be_attached()
        has_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in page.inner_text("body"))
        assert has_chinese == (locale == "zh")
        assert page.title() == page.inner_text("h1")


#: One row per HTML report: whether ``flask xiebao check`` passes, and the options of this command.
report = parametrized_fixture((False, "--locale=zh"), ids=["failed check"])


def test_html_report_of_check_is_accessible_at_every_width(
    new_context: Callable[..., DeviceContext], tmp_path: Path, report: tuple[Any, ...]
) -> None:
    passes, *options = report
    app = make_site(TESTING=False).app
    if not passes:
        replace_status(302, 301)(app)
    file = tmp_path / "report.html"

    result = run_check_command(app, "--html", str(file), *options)

    assert result.exit_code == (0 if passes else 1)
    page = new_context(reduced_motion="reduce").page
    page.goto(file.as_uri())
    assert_accessible_at_every_width(page)
    # The stylesheet that the report contains sets this font size.
    assert page.evaluate("getComputedStyle(document.querySelector('table')).fontSize") == "14px"
