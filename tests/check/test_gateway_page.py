"""What the simulator's pages show of a URL, and how they are answered."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from jinja2 import StrictUndefined
from werkzeug.urls import iri_to_uri

from flask_xiebao.testing import Problem
from tests.check.simulated import Shop
from tests.check.urls import (
    BROWSER,
    GOOD,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    SHOP,
    SIMULATOR,
    encoded,
    page_at,
    url,
)
from tests.support import SIGN, find_element, parse_html, pay


def test_the_page_cannot_be_taken_for_the_real_one_and_explains_what_came() -> None:
    status, page = page_at(url(PRODUCT, platform="3", toLogin="1"))
    assert status == 200
    assert "已接受" in find_element(page, "p.xiebao-verdict.xiebao-verdict--accepted").text
    assert not page.select(".xiebao-reasons, .xiebao-verdict--refused")
    title = find_element(page, "title").text
    assert "携保网关模拟器" in title
    assert "不出售" in title
    find_element(page, 'meta[name="robots"][content="noindex"]')
    find_element(page, 'meta[name="viewport"]')
    find_element(page, "body.xiebao-page > main.xiebao-panel")
    assert not page.select("script, style, [style], [onclick]")

    table = find_element(page, "table.xiebao-parameters")
    assert table["aria-label"]
    assert len(table.select('th[scope="col"]')) == 3
    rows = {
        find_element(row, "th").text: [cell.text.strip() for cell in row.select("td")]
        for row in table.select("tbody tr")
    }
    assert list(rows) == [*GOOD[PRODUCT], "platform", "toLogin"]
    assert rows["caseCode"] == ["QX000000127257", "产品方案代码，由携保提供"]
    assert rows["platform"] == ["3", "平台类型：3 = iOS"]
    assert rows["sign"][0] == "00…35"
    assert rows["toLogin"] == ["1", "文档里没有这个参数"]


def test_the_page_lists_every_reason() -> None:
    sent = url(HOME, sign="x", platform="2", caseCode="QX1")
    status, page = page_at(sent)
    assert status == 400
    find_element(page, "p.xiebao-verdict.xiebao-verdict--refused")
    reasons = [item.text for item in page.select("ul.xiebao-reasons li")]
    assert reasons == list(SIMULATOR.check(sent).reasons)
    assert len(reasons) == 3
    # A parameter of another page
    assert "产品方案代码" in page.text
    assert "文档里没有这个参数" not in page.text
    assert "没有参数" in page_at(PRODUCT)[1].text


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_is_sent_is_escaped_whatever_the_application_does(attack: str) -> None:
    app = SIMULATOR.create_app()
    app.jinja_env.autoescape = False
    app.jinja_env.undefined = StrictUndefined
    pay_success = encoded(f"https://shop.example/{attack.replace(' ', '/')}")
    for address in (
        url(PRODUCT, partnerUniqKey=attack, paySuccess=pay_success),
        url(PRODUCT, **{attack: attack}),
    ):
        page = parse_html(app.test_client().get(address))
        assert not page.select("script, img, [onerror]")
        assert attack in page.text


def test_whoever_pays_is_sent_back_as_browsers_have_it() -> None:
    for path in (PRODUCT, HOME):
        address = url(path, paySuccess=PAY_SUCCESS)
        buttons = page_at(address)[1].select("form button")
        assert [button.text for button in buttons] == [
            "支付成功",
            "支付失败",
            "出单失败",
            "放弃",
        ]
        assert pay(BROWSER, address) == iri_to_uri(SHOP)


SAID = ("accepted", "page", "reasons", "parameters", "platform", "member", "pay_success")


def test_json_says_the_same() -> None:
    for sent, status in (
        (url(PRODUCT, platform="1", paySuccess=PAY_SUCCESS), 200),
        (url(POLICY, sign="x"), 400),
    ):
        response = BROWSER.get(sent, headers={"Accept": "application/json"})
        assert response.status_code == status
        verdict = SIMULATOR.check(sent)
        said = json.dumps({name: getattr(verdict, name) for name in SAID})
        assert response.json == json.loads(said)


@pytest.mark.parametrize("sign", [SIGN, "wrong"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        (None, "text/html"),
        ("application/json;q=0.5,text/html;q=0.9", "text/html"),
        ("application/json,text/html;q=0.9", "application/json"),
    ],
)
def test_who_prefers_json_gets_it_and_nobody_keeps_it(
    accept: str | None, expected: str, sign: str
) -> None:
    response = BROWSER.get(url(HOME, sign=sign), headers={"Accept": accept} if accept else {})
    assert response.mimetype == expected
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Vary"] == "Accept"


def test_mounted_under_a_prefix_a_page_is_got_and_nothing_else_is_there() -> None:
    browser = Shop().browser
    page = browser.get("/gateway" + url(HOME))
    assert page.status_code == 200
    assert browser.get(url(HOME)).status_code == 404
    assert browser.put("/gateway" + url(HOME)).status_code == 405
    assert browser.get(f"/gateway{HOME}/?{urlencode(GOOD[HOME])}").status_code == 404
    sheet = page_at(url(HOME))[1].select('link[rel="stylesheet"]')[0]["href"]
    assert sheet == "/dispatch/static/xiebao.css"
    assert f'href="/gateway{sheet}"' in page.text
    with browser.get(f"/gateway{sheet}") as css:
        assert css.mimetype == "text/css"


# Languages


@pytest.mark.parametrize(
    ("setting", "language"),
    [
        (None, "zh-CN"),
        *[(name, "zh-CN") for name in ("zh", "zh-CN", "zh_Hant")],
        *[(name, "en") for name in ("en", "fr", "", "EN", "../x", "__init__", "..en", 5, True)],
    ],
)
def test_the_page_speaks_the_sites_language(setting: object, language: str) -> None:
    app = SIMULATOR.create_app()
    app.config["XIEBAO_LOCALE"] = setting
    page = parse_html(app.test_client().get(url(HOME, sign="x")))
    assert find_element(page, "html")["lang"] == language
    assert ("Refused: home page" if language == "en" else "已拒绝：携保首页") in page.text
    assert "{" not in page.text


def test_the_reasons_in_a_language() -> None:
    verdict = SIMULATOR.check(url(HOME, platform="2", foo="1"))
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
