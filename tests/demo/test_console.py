"""The QA console of the demo: what it shows is true, and looking at it changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from flask_xiebao.testing import DEVICES
from tests.demo.support import (
    LIN,
    REAL_ACCOUNT,
    ZHOU,
    create_demo,
    kept_events,
    link,
    look,
    matrix,
    visit,
    words,
)
from tests.support import INSURE_NUM, PRODUCT_CODE, SIGN, find_element, find_href, parse_html

#: What some rows of the console say: what should come of it, and what came of it on Windows, on an
#: iPhone and in the shop's Android app.
ROWS = {
    ("product", "已登录"): ("302 跳转到网关", "✓ 302 PC", "✓ 302 H5", "✓ 302 Android"),
    ("product", "未登录"): ("跳转到登录页，登录后返回", "✓ 302", "✓ 302", "✓ 302"),
    ("product", "链接指定 H5"): ("302 跳转到网关", "✓ 302 H5", "✓ 302 H5", "✓ 302 H5"),
    ("product", "支付后返回"): ("302 跳转到网关", "✓ 302 PC", "✓ 302 H5", "✓ 302 Android"),
    ("product", "免登录链接已过期"): ("410 登录后继续", "✓ 410", "✓ 410", "✓ 410"),
    ("product", "别人的链接"): ("403 别人的链接，拒绝", "✓ 403", "✓ 403", "✓ 403"),
    ("product", "链接被改动"): ("404 不说原因", "✓ 404", "✓ 404", "✓ 404"),
    ("home", "已登录"): (
        "302 跳转到网关；电脑上 200 扫码页",
        *("✓ 200 二维码", "✓ 302 H5", "✓ 302 Android"),
    ),
    ("home", "?platform=pc"): ("200 扫码页", *["✓ 200 二维码"] * 3),
    ("home", "?platform=h5"): ("302 跳转到网关", *["✓ 302 H5"] * 3),
    ("policy", "支付后返回"): (
        "302 跳转到网关；电脑上 200 扫码页",
        *("✓ 200 二维码", "✓ 302 H5", "✓ 302 Android"),
    ),
    ("policy", "链接被改动"): ("404 不说原因", "✓ 404", "✓ 404", "✓ 404"),
}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The browser of somebody who is signed in, and has looked at the console until it is done."""
    devices = '["pc", "iphone", "app-android"]'
    demo = create_demo(tmp_path_factory.mktemp("demo"), QA_DEVICES=devices)
    browser = visit(demo, ZHOU, agent=None)
    look(browser)
    return browser


# What it shows


def test_everything_is_green_and_can_be_read_without_script_and_without_color(
    console: FlaskClient,
) -> None:
    tabs = look(console).select("nav[aria-label=筛选] a:not(:-soup-contains('不通过'))")
    pages = [look(console, find_href(tab)) for tab in tabs]
    cells = [cell for page in pages for cell in page.select(".matrix tbody td")]
    assert [words(cell) for cell in cells if cell["class"] != ["ok"]] == []
    assert all(words(cell).startswith("✓") for cell in cells)
    assert len(cells) > 200
    for page in pages:
        assert words(page.h1) == f"QA 控制台 ✓ {len(cells):,} 项全部通过"
        assert page.select("script, style, [style], [onclick]") == []
        regions = page.select(":has(> table.matrix)")
        assert regions
        assert len({region["aria-label"] for region in regions}) == len(regions)
        for region in regions:
            assert (region["tabindex"], region["role"]) == ("0", "region")
            assert find_element(region, "table").select("tbody th[scope=row]")
    bad = look(console, "/qa?show=bad")
    assert bad.select("table.matrix, .problem") == []
    assert "没有不通过的" in words(find_element(bad, "main"))


@pytest.mark.parametrize(("page", "row"), ROWS)
def test_each_row_says_what_should_come_of_it_and_what_came(
    console: FlaskClient, page: str, row: str
) -> None:
    cells = matrix(look(console, f"/qa?show={page}"))[row]
    came = (words(cells[each]) for each in ("Windows Chrome", "iPhone Safari", "自有 App Android"))
    assert (find_element(cells["should"], ".expected").text, *came) == ROWS[page, row]


def test_it_says_what_it_tested(console: FlaskClient) -> None:
    facts = " | ".join(words(fact) for fact in look(console).select(".facts > div"))
    assert re.fullmatch(
        r"环境 test，模拟网关 \| 网关 /gateway \| 本站 http://localhost/ \| 版本 Flask-Xiebao 0\..+"
        r" \| 设备 3 种，列表更新于 20\d\d-\d\d \| 时间 \d\d-\d\d \d\d:\d\d:\d\d （北京时间）",
        facts,
    )


def test_it_can_be_taken_along_as_one_page(console: FlaskClient) -> None:
    page = look(console)
    sent = console.get(find_href(find_element(page, "a:-soup-contains('下载报告')")))
    disposition = sent.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=xiebao-check-[\d-]{15}\.html", disposition)
    [count] = re.findall(r"✓ (\d+) 项全部通过", words(page.h1))
    assert f"通过 {int(count):,} 项，不通过 0 项" in words(parse_html(sent))
    assert parse_html(sent).select("script, style, [style]") == []


def test_every_cell_leads_to_its_details(console: FlaskClient) -> None:
    for row, cells in matrix(look(console, "/qa?show=policy")).items():
        page = look(console, find_href(cells["iPhone Safari"]))
        assert words(page.h1) == f"保单详情页：{row} · iPhone Safari ✓ 通过"


def test_the_details_have_what_was_sent_and_the_sign_is_masked(console: FlaskClient) -> None:
    said = words(look(console, "/qa/product-sub-partner/iphone").main)
    assert "302 /gateway/dispatch/cps?partnerId=12345&subPartnerId=branch-7&" in said
    assert f"sign={SIGN[:2]}…{SIGN[-2:]}&" in said
    assert "sub_partner_id=branch-7" in said
    response = console.get("/qa/product-htmx/android")
    said = words(parse_html(response).main)
    assert DEVICES["android"].user_agent in said
    assert 'Sec-CH-UA-Platform "Android"' in said
    assert "HX-Request true" in said
    assert "no-store" in response.headers["Cache-Control"]
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "url",
    [
        "/qa/product-plain/nokia",
        "/qa/nothing/iphone",
        "/qa?show=nothing",
        "/qa/sales?by=member",
        "/qa/sales?month=2026-13",
        "/qa/sales?month=2999-01",
        "/qa/sales?by=month&month=0001-01",
    ],
)
def test_what_is_not_there_is_not_found(console: FlaskClient, url: str) -> None:
    assert console.get(url).status_code == 404


@pytest.mark.parametrize(
    "url", ["/qa", "/qa/product-another/iphone", "/qa/links?page=home", "/qa/events", "/qa/sales"]
)
def test_looking_leaves_the_log_and_the_session_alone(console: FlaskClient, url: str) -> None:
    before = console.get_cookie("session")
    response = console.get(url)
    assert response.headers.getlist("Set-Cookie") == []
    assert "周航，您好" in response.text
    assert console.get_cookie("session") == before
    assert kept_events(console.application) == []


# A check


@pytest.mark.usefixtures("one_device")
def test_a_check_says_how_far_it_is_and_is_kept_until_it_is_asked_for_again(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, shop = demo.test_client(), {"base_url": "https://portal.example/shop"}
    first = parse_html(browser.get("/qa", **shop))
    assert words(first.h1) == "正在检查…"
    assert find_href(find_element(first, "main > p > a")) == "/shop/qa"
    assert re.search(r"已完成 \d+ / (…|\d+) 项", words(first.main))
    assert find_element(first, "progress")["aria-label"]
    with browser.get(str(find_element(first, "script")["src"]).removeprefix("/shop")) as script:
        assert "javascript" in script.content_type
    assert browser.get("/qa/report", **shop).location == "/shop/qa"  # while it is not over
    visit(demo).get(link(demo))

    over = look(browser, "/qa?show=home", **shop)
    assert "项全部通过" in words(over.h1)
    assert over.select(".matrix td a[href='/shop/qa/home-plain/iphone']")
    assert [event.member for event in kept_events(demo)] == [LIN]
    visit(demo).get(link(demo))
    assert len(kept_events(demo)) == 2

    demo.config["QA_DEVICES"] = ["iphone", "pc"]
    assert words(look(browser, **shop).h1) == words(over.h1)
    form = find_element(over, "form[method=post]:not(.account)")
    fields = {field["name"]: field["value"] for field in form.select("input")}
    again = browser.post(str(form["action"]).removeprefix("/shop"), data=fields, **shop)
    assert (again.status_code, again.location) == (303, "/shop/qa?show=home")
    assert words(look(browser, **shop).h1) != words(over.h1)


def test_what_is_wrong_says_what_it_means_and_where(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A console that is always green would be worth nothing."""
    demo.config["QA_DEVICES"] = ["pc", "iphone"]

    @demo.after_request
    def spoil(response: Response) -> Response:
        if response.status_code == 410:
            raise ZeroDivisionError("the password is hunter2")
        response.status_code = {302: 301}.get(response.status_code, response.status_code)
        return response

    browser = demo.test_client()
    page = look(browser)
    assert re.fullmatch(r"QA 控制台 ✗ \d\d\d 项不通过，2 种原因", words(page.h1))
    assert re.match(r"✗ \d+ 项不通过", find_element(page, "title").text)
    for_ever, crash = (words(problem) for problem in page.select(".problem"))
    assert "浏览器会一直记住永久跳转" in for_ever
    assert "实际 301 应当 302" in for_ever
    assert "产品详情页：已登录 · Windows Chrome" in for_ever
    assert "程序出错" in crash
    assert "ZeroDivisionError in spoil" in crash
    assert "hunter2" not in str(page)
    # What is wrong is shown first, whole rows of it.
    assert find_element(page, ".filters [aria-current=true]").text.startswith("✗ 不通过")
    assert words(matrix(page)["产品详情页：已登录"]["iPhone Safari"]) == "✗ 301 H5"
    assert "产品详情页：链接被改动" not in matrix(page)
    details = look(browser, "/qa/product-plain/iphone")
    assert words(details.h1).endswith("✗ 不通过")
    assert "浏览器会一直记住永久跳转" in words(details.main)


# Another account


@pytest.mark.usefixtures("one_device")
def test_with_a_real_account_it_judges_and_no_page_shows_the_sign_or_the_key(
    tmp_path: Path,
) -> None:
    demo = create_demo(tmp_path, **REAL_ACCOUNT)
    browser = visit(demo)
    browser.get(link(demo, return_to="/insured"))
    page = look(browser)
    assert "项全部通过" in words(page.h1)
    urls = ["/qa", "/qa?show=home", "/qa/events"]
    urls += [f"/qa/links?page=product&reference={PRODUCT_CODE}&return_to=/insured"]
    urls += [f"/qa/links?page=policy&reference={INSURE_NUM}"]
    urls += [str(cell["href"]) for cell in page.select(".matrix td a")]
    pages = {url: str(look(browser, url)) for url in urls}
    to = "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&"
    assert to in words(parse_html(pages["/qa/product-plain/iphone"]))
    with demo.app_context():
        sign = demo.extensions["xiebao"].gateway.sign
    assert [url for url, page in pages.items() if sign in page] == []
    assert [url for url, page in pages.items() if "a-key-of-4711" in page] == []
