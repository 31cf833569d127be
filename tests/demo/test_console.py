"""Tests for the demo's check in the QA console: its results, its progress and its failures.

To test the results of another test case, add a row to ``ROWS``.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from bs4 import Tag
from flask import Flask, Response
from flask.testing import FlaskClient

from flask_xiebao.testing import DEVICES
from tests.demo.support import (
    ONE_DEVICE,
    REAL_ACCOUNT,
    ZHOU,
    build_link,
    create_demo,
    find_missing_texts,
    find_result_cells,
    get_event_rows,
    get_page,
    get_text,
    open_client,
)
from tests.support import INSURE_NUM, PRODUCT_CODE, SIGN, find_element, find_href, parse_html

#: One row per test case of the demo's check: its filter and its title in the QA console, the
#: expected outcome, and the results on Windows, on an iPhone and in the shop's Android app.
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
def client_after_check(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A test client with a logged-in member. The demo's check on three devices is finished."""
    demo = create_demo(
        tmp_path_factory.mktemp("demo"), QA_DEVICES='["pc", "iphone", "app-android"]'
    )
    client = open_client(demo, ZHOU)
    get_page(client)
    return client


@pytest.fixture(scope="module")
def filtered_console_pages(client_after_check: FlaskClient) -> list[Tag]:
    """The QA console page with each of the filters, except the filter for failures."""
    links = get_page(client_after_check).select(
        "nav[aria-label=筛选] a:not(:-soup-contains('不通过'))"
    )
    return [get_page(client_after_check, find_href(link)) for link in links]


# Results of the demo's check


def test_console_shows_all_results_as_passed(
    client_after_check: FlaskClient, filtered_console_pages: list[Tag]
) -> None:
    cells = [cell for page in filtered_console_pages for cell in page.select(".matrix tbody td")]
    assert len(cells) > 200
    assert [get_text(cell) for cell in cells if cell["class"] != ["ok"]] == []
    assert all(get_text(cell).startswith("✓") for cell in cells)
    assert {get_text(find_element(page, "h1")) for page in filtered_console_pages} == {
        f"QA 控制台 ✓ {len(cells):,} 项全部通过"
    }
    failures = get_page(client_after_check, "/qa?show=bad")
    assert failures.select("table.matrix, .problem") == []
    assert find_missing_texts(failures, "没有不通过的") == []


def test_console_tables_are_accessible_without_script(filtered_console_pages: list[Tag]) -> None:
    for page in filtered_console_pages:
        assert page.select("script, style, [style], [onclick]") == []
        regions = page.select("[role=region][tabindex='0']:has(> table.matrix)")
        labels = {region["aria-label"] for region in regions}
        assert len(labels) == len(page.select("table.matrix")) > 0
        assert all(region.select("tbody th[scope=row]") for region in regions)


@pytest.mark.parametrize(("page", "title"), ROWS)
def test_console_row_shows_expected_outcome_and_results(
    client_after_check: FlaskClient, page: str, title: str
) -> None:
    cells = find_result_cells(get_page(client_after_check, f"/qa?show={page}"))[title]
    expected = find_element(cells.pop("expected"), ".expected").text
    assert (expected, *map(get_text, cells.values())) == ROWS[page, title]


def test_console_shows_environment_and_versions(client_after_check: FlaskClient) -> None:
    facts = " | ".join(
        get_text(fact) for fact in get_page(client_after_check).select(".facts > div")
    )
    assert re.fullmatch(
        r"环境 test，模拟网关 \| 网关 /gateway \| 本站 http://localhost/ \| 版本 Flask-Xiebao 0\..+"
        r" \| 设备 3 种，列表更新于 20\d\d-\d\d \| 时间 \d\d-\d\d \d\d:\d\d:\d\d （北京时间）",
        facts,
    )


def test_check_report_is_downloaded_as_html_file(client_after_check: FlaskClient) -> None:
    page = get_page(client_after_check)
    [count] = re.findall(r"✓ (\d+) 项全部通过", get_text(find_element(page, "h1")))

    report = client_after_check.get(find_href(page, "下载报告"))

    assert re.fullmatch(
        r"attachment; filename=xiebao-check-[\d-]{15}\.html", report.headers["Content-Disposition"]
    )
    assert find_missing_texts(report, f"通过 {int(count):,} 项，不通过 0 项") == []
    assert parse_html(report).select("script, style, [style]") == []


def test_console_result_links_to_details(client_after_check: FlaskClient) -> None:
    for title, cells in find_result_cells(get_page(client_after_check, "/qa?show=policy")).items():
        page = get_page(client_after_check, find_href(cells["iPhone Safari"]))
        assert get_text(find_element(page, "h1")) == f"保单详情页：{title} · iPhone Safari ✓ 通过"


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        pytest.param(
            "/qa/product-sub-partner/iphone",
            [
                "302 /gateway/dispatch/cps?partnerId=12345&subPartnerId=branch-7&",
                f"sign={SIGN[:2]}…{SIGN[-2:]}&",
                "sub_partner_id=branch-7",
            ],
            id="options and masked signature",
        ),
        pytest.param(
            "/qa/product-htmx/android",
            [DEVICES["android"].user_agent, 'Sec-CH-UA-Platform "Android"', "HX-Request true"],
            id="request headers",
        ),
    ],
)
def test_result_details_show_request_and_gateway_url(
    client_after_check: FlaskClient, url: str, texts: list[str]
) -> None:
    response = client_after_check.get(url)
    assert find_missing_texts(response, *texts) == []
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
def test_console_returns_404_for_unknown_arguments(
    client_after_check: FlaskClient, url: str
) -> None:
    assert client_after_check.get(url).status_code == 404


@pytest.mark.parametrize(
    "url", ["/qa", "/qa/product-another/iphone", "/qa/links?page=home", "/qa/events", "/qa/sales"]
)
def test_console_page_sets_no_cookie_and_stores_no_event(
    client_after_check: FlaskClient, url: str
) -> None:
    response = client_after_check.get(url)
    assert response.headers.getlist("Set-Cookie") == []
    assert "周航，您好" in response.text
    assert get_event_rows(client_after_check.application) == []


# Progress of the demo's check


def test_console_shows_progress_of_running_check(demo: Flask) -> None:
    client, site = demo.test_client(), {"base_url": "https://portal.example/shop"}

    page = parse_html(client.get("/qa", **site))

    assert get_text(find_element(page, "h1")) == "正在检查…"
    assert find_href(find_element(page, "main > p > a")) == "/shop/qa"
    assert re.search(r"已完成 \d+ / (…|\d+) 项", get_text(page))
    assert find_element(page, "progress")["aria-label"]
    with client.get(str(find_element(page, "script")["src"]).removeprefix("/shop")) as script:
        assert "javascript" in script.content_type
    # There is no report before the demo's check is finished.
    assert client.get("/qa/report", **site).location == "/shop/qa"

    open_client(demo).get(build_link(demo))
    page = get_page(client, "/qa?show=home", **site)
    assert page.select("td.ok a[href='/shop/qa/home-plain/iphone']")
    # The QA console lists the click of a visitor during the demo's check, but not the clicks that
    # the check makes.
    assert len(get_event_rows(demo)) == 1


def test_check_is_kept_until_visitor_starts_new_check(demo: Flask) -> None:
    client = demo.test_client()
    page = get_page(client, "/qa?show=home")
    demo.config["QA_DEVICES"] = ["iphone", "pc"]
    assert get_page(client).h1 == page.h1

    form = find_element(page, "form[method=post]:not(.account)")
    response = client.post(
        str(form["action"]), data={"show": find_element(form, "[name=show]")["value"]}
    )

    assert (response.status_code, response.location) == (303, "/qa?show=home")
    assert get_page(client).h1 != page.h1


# Failures of the demo's check


def test_console_explains_failures(demo: Flask) -> None:
    demo.config["QA_DEVICES"] = ["pc", "iphone"]

    @demo.after_request
    def break_link_responses(response: Response) -> Response:
        if response.status_code == 410:
            raise ZeroDivisionError("the password is hunter2")
        response.status_code = {302: 301}.get(response.status_code, response.status_code)
        return response

    page = get_page(demo.test_client())

    assert re.fullmatch(
        r"QA 控制台 ✗ \d\d\d 项不通过，2 种原因", get_text(find_element(page, "h1"))
    )
    assert re.match(r"✗ \d+ 项不通过", find_element(page, "title").text)
    permanent_redirect, error = page.select(".problem")
    assert (
        find_missing_texts(permanent_redirect, "浏览器会一直记住永久跳转", "实际 301 预期 302")
        == []
    )
    assert find_missing_texts(permanent_redirect, "产品详情页：已登录 · Windows Chrome") == []
    assert find_missing_texts(error, "程序出错", "ZeroDivisionError in break_link_responses") == []
    assert "hunter2" not in str(page)
    # If no filter is chosen, the QA console shows only the rows with failures.
    assert find_element(page, ".filters [aria-current=true]").text.startswith("✗ 不通过")
    rows = find_result_cells(page)
    assert get_text(rows["产品详情页：已登录"]["iPhone Safari"]) == "✗ 301 H5"
    assert "产品详情页：链接被改动" not in rows
    details = get_page(demo.test_client(), "/qa/product-plain/iphone")
    assert find_missing_texts(details, "iPhone Safari ✗ 不通过", "浏览器会一直记住永久跳转") == []


def test_failed_cell_shows_platform_of_gateway_url(tmp_path: Path) -> None:
    demo = create_demo(tmp_path, XIEBAO_APP_USER_AGENT="Mozilla", **ONE_DEVICE)
    cells = find_result_cells(get_page(demo.test_client()))["产品详情页：已登录"]
    assert get_text(cells["iPhone Safari"]) == "✗ 302 iOS"


# Demo with a real partner account


def test_console_of_real_account_hides_signature_and_key(tmp_path: Path) -> None:
    demo = create_demo(tmp_path, **REAL_ACCOUNT, **ONE_DEVICE)
    client = open_client(demo)
    gateway_url = client.get(build_link(demo, return_to="/insured")).location
    [sign] = parse_qs(gateway_url)["sign"]
    page = get_page(client)
    assert find_missing_texts(page, "项全部通过") == []

    urls = [
        *("/qa", "/qa?show=home", "/qa/events"),
        f"/qa/links?page=product&reference={PRODUCT_CODE}&return_to=/insured",
        f"/qa/links?page=policy&reference={INSURE_NUM}",
        *(str(link["href"]) for link in page.select(".matrix td a")),
    ]
    pages = {url: str(get_page(client, url)) for url in urls}

    assert "https://api.xiebao18.com/dispatch/cps?" in pages["/qa/product-plain/iphone"]
    assert [url for url, page in pages.items() if sign in page or "a-key-of-4711" in page] == []
