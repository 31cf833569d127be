"""Tests for the demo's check in the QA console: its results and its failures.

If the demo has another entry, add a row to ``ROWS``.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from tests.demo.support import (
    LIN,
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
from tests.support import INSURE_NUM, PRODUCT_CODE, find_element, find_href, parse_html

#: One row per row of the QA console's table: its title, and the results on Windows and on an
#: iPhone. The check shortens the codes of products and policies.
ROWS = {
    "/": ("✓", "✓"),
    "/ · product QX…127257": ("✓ 302", "✓ 302"),
    "/ · home": ("✓ 200", "✓ 302"),
    "/ · policy 20…020146": ("✓ 200", "✓ 302"),
    "/policies": ("✓", "✓"),
    "/policies · policy 20…020146": ("✓ 200", "✓ 302"),
    "/policies · home": ("✓ 200", "✓ 302"),
    "会员点击产品链接": ("✓ 302", "✓ 302"),
    "未登录的访客点击产品链接": ("✓ 302", "✓ 302"),
    "点击签名错误的链接": ("✓ 404", "✓ 404"),
}


@pytest.fixture(scope="module")
def client_on_two_devices(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A test client with a logged-in member. The demo's check uses two devices."""
    demo = create_demo(tmp_path_factory.mktemp("demo"), QA_DEVICES='["pc", "iphone"]')
    return open_client(demo, ZHOU)


# Results of the demo's check


def test_console_shows_all_results_as_passed(client_on_two_devices: FlaskClient) -> None:
    page = get_page(client_on_two_devices)

    rows = {
        title: tuple(map(get_text, cells.values()))
        for title, cells in find_result_cells(page).items()
    }
    assert rows == ROWS
    assert {cell["class"][0] for cell in page.select(".matrix td")} == {"ok"}
    # One more result is about the settings.
    assert (
        get_text(find_element(page, "h1"))
        == f"QA 控制台 ✓ 通过 {2 * len(ROWS) + 1} 项，不通过 0 项"
    )
    assert page.select(".problem") == []


def test_console_table_names_devices_and_platforms(client_on_two_devices: FlaskClient) -> None:
    heads = get_page(client_on_two_devices).select(".matrix thead th")
    assert [get_text(head) for head in heads] == [
        "页面和入口",
        "Windows Chrome PC",
        "iPhone Safari H5",
    ]


def test_console_table_is_accessible_without_script(client_on_two_devices: FlaskClient) -> None:
    page = get_page(client_on_two_devices)
    assert page.select("script, style, [style], [onclick]") == []
    [region] = page.select("[role=region][tabindex='0']:has(> table.matrix)")
    assert region["aria-label"]
    assert all(row.select("th[scope=row]") for row in region.select("tbody tr"))


def test_console_shows_facts_and_command(client_on_two_devices: FlaskClient) -> None:
    page = get_page(client_on_two_devices)
    facts = " | ".join(get_text(fact) for fact in page.select(".facts > div"))
    assert re.fullmatch(
        r"网站 demo_app, https?://localhost \| 环境 test \| 网关 /gateway"
        r" \| 版本 Flask-Xiebao 0\..+ \| 时间 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \+0800",
        facts,
    )
    assert get_text(find_element(page, "pre")) == (
        "flask --app demo_app xiebao check --page / --page /policies"
        f" --member {LIN} --login demo_app.qa.checks:log_in"
        " --device pc --device iphone --locale zh"
    )


def test_check_report_is_downloaded_as_html_file(client_on_two_devices: FlaskClient) -> None:
    page = get_page(client_on_two_devices)

    report = client_on_two_devices.get(find_href(page, "下载报告"))

    assert re.fullmatch(
        r"attachment; filename=xiebao-check-[\d-]{15}\.html", report.headers["Content-Disposition"]
    )
    assert find_missing_texts(report, get_text(find_element(page, "h1 .mark")), *ROWS) == []
    assert parse_html(report).select("script, style, [style]") == []


@pytest.mark.parametrize(
    "url",
    [
        "/qa/sales?by=member",
        "/qa/sales?month=2026-13",
        "/qa/sales?month=2999-01",
        "/qa/sales?by=month&month=0001-01",
    ],
)
def test_console_returns_404_for_unknown_arguments(
    client_on_two_devices: FlaskClient, url: str
) -> None:
    assert client_on_two_devices.get(url).status_code == 404


@pytest.mark.parametrize("url", ["/qa", "/qa/links?page=home", "/qa/events", "/qa/sales"])
def test_console_page_sets_no_cookie_and_stores_no_event(
    client_on_two_devices: FlaskClient, url: str
) -> None:
    response = client_on_two_devices.get(url)
    assert response.headers.getlist("Set-Cookie") == []
    assert "no-store" in response.headers["Cache-Control"]
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "周航，您好" in response.text
    assert get_event_rows(client_on_two_devices.application) == []


def test_check_again_link_repeats_check(demo: Flask) -> None:
    client, site = demo.test_client(), {"base_url": "https://portal.example/shop"}
    page = get_page(client, **site)
    assert find_href(page, "再检查一次") == "/shop/qa"

    demo.config["QA_DEVICES"] = ["iphone", "pc"]
    assert get_page(client, **site).h1 != page.h1
    # The clicks of the check are not listed.
    assert get_event_rows(demo) == []


# Failures of the demo's check


def test_console_explains_failures(demo: Flask) -> None:
    demo.config["QA_DEVICES"] = ["pc", "iphone"]

    @demo.after_request
    def break_link_responses(response: Response) -> Response:
        if request.blueprint == "xiebao" and response.status_code == 404:
            raise ZeroDivisionError("the password is hunter2")
        if (response.location or "").startswith("/gateway"):
            response.status_code = 301
        return response

    page = get_page(demo.test_client())

    assert re.fullmatch(
        r"QA 控制台 ✗ 通过 \d+ 项，不通过 \d+ 项", get_text(find_element(page, "h1"))
    )
    assert re.match(r"✗ 通过 \d+ 项", find_element(page, "title").text)
    permanent_redirect, error = page.select(".problem")
    assert find_missing_texts(permanent_redirect, "实际 301", "预期 302", "会员点击产品链接") == []
    assert find_missing_texts(permanent_redirect, "/ · home") == []
    assert find_missing_texts(error, "ZeroDivisionError", "break_link_responses") == []
    assert "hunter2" not in str(page)
    cells = find_result_cells(page)["会员点击产品链接"].values()
    assert {(cell["class"][0], get_text(cell)) for cell in cells} == {("bad", "✗ 301")}


# Demo with a real partner account


def test_console_of_real_account_hides_signature_and_key(tmp_path: Path) -> None:
    demo = create_demo(tmp_path, **REAL_ACCOUNT, **ONE_DEVICE)
    client = open_client(demo)
    gateway_url = client.get(build_link(demo, return_to="/insured")).location
    [sign] = parse_qs(gateway_url)["sign"]
    assert find_missing_texts(get_page(client), "✓ 通过", "https://api.xiebao18.com") == []

    urls = [
        *("/qa", "/qa/report", "/qa/events"),
        f"/qa/links?page=product&reference={PRODUCT_CODE}&return_to=/insured",
        f"/qa/links?page=policy&reference={INSURE_NUM}",
    ]
    pages = {url: str(get_page(client, url)) for url in urls}

    assert "https://api.xiebao18.com/dispatch/cps<" in pages[urls[3]]
    assert [url for url, page in pages.items() if sign in page or "a-key-of-4711" in page] == []
