"""Tests for the pages and JSON that the gateway simulator returns for gateway URLs."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from jinja2 import StrictUndefined
from werkzeug.urls import iri_to_uri

from flask_xiebao.testing import Problem
from tests.check.gateway_urls import (
    BROWSER,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    RETURN_URL,
    SIMULATOR,
    VALID_PARAMETERS,
    build_gateway_url,
    encode_base64,
    get_status_and_page,
)
from tests.check.simulator_support import SimulatorShop
from tests.support import SIGN, find_element, parse_html, pay


def test_page_of_accepted_url_says_it_is_a_simulator() -> None:
    status, page = get_status_and_page(build_gateway_url(PRODUCT))

    assert status == 200
    assert "已接受" in find_element(page, "p.xiebao-verdict.xiebao-verdict--accepted").text
    assert not page.select(".xiebao-reasons, .xiebao-verdict--refused")
    assert "携保网关模拟器（不出售" in find_element(page, "title").text
    find_element(page, 'meta[name="robots"][content="noindex"]')
    find_element(page, 'meta[name="viewport"]')
    find_element(page, "body.xiebao-page > main.xiebao-panel")
    assert not page.select("script, style, [style], [onclick]")


def test_page_explains_each_parameter() -> None:
    _, page = get_status_and_page(build_gateway_url(PRODUCT, platform="3", toLogin="1"))

    table = find_element(page, "table.xiebao-parameters")
    assert table["aria-label"]
    assert len(table.select('th[scope="col"]')) == 3
    rows = {
        find_element(row, "th").text: [cell.text.strip() for cell in row.select("td")]
        for row in table.select("tbody tr")
    }
    assert list(rows) == [*VALID_PARAMETERS[PRODUCT], "platform", "toLogin"]
    assert rows["caseCode"] == ["QX000000127257", "产品方案代码，由携保提供"]
    assert rows["platform"] == ["3", "平台类型：3 = iOS"]
    assert rows["sign"][0] == "00…35"
    assert rows["toLogin"] == ["1", "文档里没有这个参数"]


def test_page_of_refused_url_lists_all_reasons() -> None:
    url = build_gateway_url(HOME, sign="x", platform="2", caseCode="QX1")
    status, page = get_status_and_page(url)

    assert status == 400
    assert page.select("p.xiebao-verdict--refused")
    reasons = [item.text for item in page.select("ul.xiebao-reasons li")]
    assert reasons == list(SIMULATOR.check(url).reasons)
    assert len(reasons) == 3
    # The URL of the home page must not have the parameter "caseCode", but the simulator still
    # explains this parameter.
    assert "产品方案代码" in page.text
    assert "文档里没有这个参数" not in page.text


def test_page_of_url_without_query_says_parameters_are_missing() -> None:
    assert "没有参数" in get_status_and_page(PRODUCT)[1].text


@pytest.mark.parametrize("html", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_page_escapes_parameters_without_autoescape(html: str) -> None:
    app = SIMULATOR.create_app()
    app.jinja_env.autoescape = False
    app.jinja_env.undefined = StrictUndefined
    pay_success = encode_base64(f"https://shop.example/{html.replace(' ', '/')}")

    for url in (
        build_gateway_url(PRODUCT, partnerUniqKey=html, paySuccess=pay_success),
        build_gateway_url(PRODUCT, **{html: html}),
    ):
        page = parse_html(app.test_client().get(url))
        assert not page.select("script, img, [onerror]")
        assert html in page.text


@pytest.mark.parametrize("path", [PRODUCT, HOME])
def test_payment_redirects_to_return_url(path: str) -> None:
    url = build_gateway_url(path, paySuccess=PAY_SUCCESS)
    buttons = get_status_and_page(url)[1].select("form button")
    assert [button.text for button in buttons] == ["支付成功", "支付失败", "出单失败", "放弃"]
    assert pay(BROWSER, url) == iri_to_uri(RETURN_URL)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (build_gateway_url(PRODUCT, platform="1", paySuccess=PAY_SUCCESS), 200),
        (build_gateway_url(POLICY, sign="x"), 400),
    ],
)
def test_json_has_fields_of_verdict(url: str, status: int) -> None:
    response = BROWSER.get(url, headers={"Accept": "application/json"})

    assert response.status_code == status
    names = ("accepted", "page", "reasons", "parameters", "platform", "member", "pay_success")
    fields = {name: getattr(SIMULATOR.check(url), name) for name in names}
    assert response.json == json.loads(json.dumps(fields))


@pytest.mark.parametrize("sign", [SIGN, "wrong"])
@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        (None, "text/html"),
        ("application/json;q=0.5,text/html;q=0.9", "text/html"),
        ("application/json,text/html;q=0.9", "application/json"),
    ],
)
def test_accept_header_selects_page_or_json(accept: str | None, mimetype: str, sign: str) -> None:
    headers = {"Accept": accept} if accept else {}
    response = BROWSER.get(build_gateway_url(HOME, sign=sign), headers=headers)
    assert response.mimetype == mimetype
    expected = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "Vary": "Accept",
    }
    assert {name: response.headers[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("method", "url", "status", "mimetype"),
    [
        ("GET", f"/gateway{build_gateway_url(HOME)}", 200, "text/html"),
        ("GET", build_gateway_url(HOME), 404, "text/html"),
        ("PUT", f"/gateway{build_gateway_url(HOME)}", 405, "text/html"),
        ("GET", f"/gateway{HOME}/?{urlencode(VALID_PARAMETERS[HOME])}", 404, "text/html"),
        ("GET", "/gateway/dispatch/static/xiebao.css", 200, "text/css"),
    ],
)
def test_mounted_simulator_serves_only_its_own_urls(
    method: str, url: str, status: int, mimetype: str
) -> None:
    response = SimulatorShop().browser.open(url, method=method, buffered=True)
    assert (response.status_code, response.mimetype) == (status, mimetype)


def test_page_of_mounted_simulator_links_to_its_stylesheet() -> None:
    page = SimulatorShop().browser.get(f"/gateway{build_gateway_url(HOME)}")
    hrefs = [link["href"] for link in parse_html(page).select('link[rel="stylesheet"]')]
    assert hrefs[0] == "/gateway/dispatch/static/xiebao.css"


# Languages of the gateway simulator


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        (None, "zh-CN"),
        *[(name, "zh-CN") for name in ("zh", "zh-CN", "zh_Hant")],
        *[(name, "en") for name in ("en", "fr", "", "EN", "../x", "__init__", "..en", 5, True)],
    ],
)
def test_page_uses_language_of_xiebao_locale(locale: object, language: str) -> None:
    app = SIMULATOR.create_app()
    app.config["XIEBAO_LOCALE"] = locale
    page = parse_html(app.test_client().get(build_gateway_url(HOME, sign="x")))
    assert find_element(page, "html")["lang"] == language
    assert ("Refused: home page" if language == "en" else "已拒绝：携保首页") in page.text
    assert "{" not in page.text


def test_verdict_has_problems_and_reasons_in_each_language() -> None:
    verdict = SIMULATOR.check(build_gateway_url(HOME, platform="2", foo="1"))
    english = (
        "The gateway page in section 2.2 of Xiebao's interface document has no version for PCs"
        ' (platform "2") at present. Use one of these platforms: 1 (H5), 3 (iOS), 4 (Android).',
        'The parameter "foo" is not defined in section 2.2 of Xiebao\'s interface document. Remove'
        " this parameter or, if Xiebao told you to send it, add it to XIEBAO_EXTRA or to the"
        ' "also_known" argument of a GatewaySimulator.',
    )
    assert verdict.reasons_in("en") == verdict.reasons_in("en-GB") == english
    assert verdict.reasons_in("zh_CN") == verdict.reasons
    assert verdict.problems == (Problem("no_pc", "platform", "2"), Problem("unknown", "foo"))
