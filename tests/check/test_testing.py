"""The simulator, read against the document's own words and examples."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.urls import iri_to_uri

from flask_xiebao import ConfigError, Entry, LinkError
from flask_xiebao.testing import GatewaySimulator, Problem, Verdict, entry_of, link_to
from tests.support import SIGN, Site, pay

SHOP = "https://shop.example/orders/8?from=保险&ok=1"
PAY_SUCCESS = base64.b64encode(SHOP.encode()).decode()

PRODUCT = "/dispatch/cps"
HOME = "/dispatch/cps/index"
POLICY = "/dispatch/cps/insureDetail"
GOOD = {
    PRODUCT: {
        "partnerId": "12345",
        "subPartnerId": "",
        "caseCode": "QX000000127257",
        "sign": SIGN,
        "partnerUniqKey": "101000",
    },
    HOME: {"partnerId": "12345", "subPartnerId": "", "sign": SIGN, "partnerUniqKey": "101000"},
    POLICY: {"partnerId": "12345", "insureNum": "20190226020146", "sign": SIGN},
}


def url(page: str, without: str = "", **changes: str) -> str:
    parameters = {**GOOD[page], **changes}
    return f"{page}?{urlencode({k: v for k, v in parameters.items() if k != without})}"


def encoded(address: str | bytes) -> str:
    raw = address if isinstance(address, bytes) else address.encode()
    return base64.b64encode(raw).decode()


@pytest.fixture
def simulator() -> GatewaySimulator:
    return GatewaySimulator("12345", "Key")


def page_at(simulator: GatewaySimulator, address: str) -> tuple[int, BeautifulSoup]:
    response = simulator.create_app().test_client().get(address)
    return response.status_code, BeautifulSoup(response.text, "html.parser")


def json_at(simulator: GatewaySimulator, address: str) -> tuple[int, dict[str, Any]]:
    client = simulator.create_app().test_client()
    response = client.get(address, headers={"Accept": "application/json"})
    return response.status_code, response.get_json()


def only_reason(verdict: Verdict) -> str:
    (reason,) = verdict.reasons
    return reason


# What is accepted


@pytest.mark.parametrize(
    ("path", "page"), [(PRODUCT, "product"), (HOME, "home"), (POLICY, "policy")]
)
def test_the_documents_sign_is_accepted_on_each_page(
    simulator: GatewaySimulator, path: str, page: str
) -> None:
    assert simulator.check(url(path)).page == page
    status, soup = page_at(simulator, url(path))
    assert status == 200
    banner = soup.select_one("p.xiebao-verdict.xiebao-verdict--accepted")
    assert banner is not None
    assert "已接受" in banner.text
    assert not soup.select(".xiebao-reasons, .xiebao-verdict--refused")


def test_a_whole_number_is_a_partner_id_too() -> None:
    assert GatewaySimulator(12345, "Key").check(url(PRODUCT)).accepted


def test_every_parameter_of_a_page_together() -> None:
    simulator = GatewaySimulator("12345", "Key", also_known=("hidenav", "toLogin"))
    address = url(
        PRODUCT, subPartnerId="s1", platform="2", paySuccess=PAY_SUCCESS, hidenav="1", toLogin=""
    )
    verdict = simulator.check(address)
    assert verdict.accepted
    assert (verdict.page, verdict.platform, verdict.member) == ("product", 2, "101000")
    assert verdict.pay_success == SHOP
    assert [name for name, _ in verdict.parameters] == [
        *GOOD[PRODUCT],
        "platform",
        "paySuccess",
        "hidenav",
        "toLogin",
    ]


@pytest.mark.parametrize("path", [PRODUCT, HOME])
def test_sub_partner_id_may_be_left_out(simulator: GatewaySimulator, path: str) -> None:
    assert simulator.check(url(path, without="subPartnerId")).accepted


@pytest.mark.parametrize("path", [PRODUCT, HOME, POLICY])
def test_pay_success_is_known_everywhere(simulator: GatewaySimulator, path: str) -> None:
    verdict = simulator.check(url(path, paySuccess=PAY_SUCCESS))
    assert verdict.accepted
    assert verdict.pay_success == SHOP


def test_policy_page_takes_a_member(simulator: GatewaySimulator) -> None:
    assert simulator.check(url(POLICY)).member is None
    verdict = simulator.check(url(POLICY, partnerUniqKey="张 三&1"))
    assert verdict.accepted
    assert verdict.member == "张 三&1"


@pytest.mark.parametrize(("path", "served"), [(PRODUCT, "1234"), (HOME, "134"), (POLICY, "134")])
def test_platforms_a_page_serves(simulator: GatewaySimulator, path: str, served: str) -> None:
    for code in served:
        verdict = simulator.check(url(path, platform=code))
        assert verdict.accepted
        assert verdict.platform == int(code)


# What is refused


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *[(PRODUCT, n) for n in ("partnerId", "caseCode", "sign", "partnerUniqKey")],
        *[(HOME, n) for n in ("partnerId", "sign", "partnerUniqKey")],
        *[(POLICY, n) for n in ("partnerId", "insureNum", "sign")],
    ],
)
def test_a_required_parameter_is_present_and_has_a_value(
    simulator: GatewaySimulator, path: str, name: str
) -> None:
    assert f"缺少 {name}" in only_reason(simulator.check(url(path, without=name)))
    for blank in ("", " ", "\u3000"):
        assert f"{name} 是空的" in only_reason(simulator.check(url(path, **{name: blank})))


@pytest.mark.parametrize("name", ["platform", "paySuccess", "partnerUniqKey"])
def test_an_optional_parameter_that_is_present_has_a_value(
    simulator: GatewaySimulator, name: str
) -> None:
    verdict = simulator.check(url(POLICY, **{name: ""}))
    assert f"{name} 是空的" in only_reason(verdict)
    assert (verdict.platform, verdict.pay_success, verdict.member) == (None, None, None)
    assert not simulator.check(f"{url(POLICY)}&{name}").accepted


@pytest.mark.parametrize(
    "sign",
    [
        SIGN.upper(),
        SIGN[:-1],
        SIGN + "0",
        hashlib.md5(b"12345Key", usedforsecurity=False).hexdigest(),
        "YTVhYTk0YTk3ZDI1039147",
        "签名",
        "Key",
    ],
)
def test_any_other_sign(simulator: GatewaySimulator, sign: str) -> None:
    reason = only_reason(simulator.check(url(PRODUCT, sign=sign)))
    assert re.match("sign.* 不对", reason)
    assert "32 位小写" in reason


def test_a_key_of_another_environment() -> None:
    verdict = GatewaySimulator("12345", "production-key").check(url(PRODUCT))
    assert " 不对：应为 md5(apiKey + partnerId)" in only_reason(verdict)


def test_another_partner(simulator: GatewaySimulator) -> None:
    assert "partnerId 不是 12345" in only_reason(simulator.check(url(HOME, partnerId="1234")))


@pytest.mark.parametrize("platform", ["0", "5", "-1", "01", "12", "1 ", "１", "h5", "9" * 5000])
def test_a_platform_nobody_knows(simulator: GatewaySimulator, platform: str) -> None:
    verdict = simulator.check(url(PRODUCT, platform=platform))
    assert "platform 不对" in only_reason(verdict)
    assert verdict.platform is None


@pytest.mark.parametrize("path", [HOME, POLICY])
def test_no_pc_at_present(simulator: GatewaySimulator, path: str) -> None:
    verdict = simulator.check(url(path, platform="2"))
    assert "platform 不对" in only_reason(verdict)
    assert "目前不支持 PC" in only_reason(verdict)
    assert verdict.platform is None


@pytest.mark.parametrize("name", ["sign", "partnerUniqKey", "platform"])
def test_a_parameter_given_twice(simulator: GatewaySimulator, name: str) -> None:
    address = url(HOME, platform="1")
    value = {**GOOD[HOME], "platform": "1"}[name]
    verdict = simulator.check(f"{address}&{name}={value}")
    assert f"{name} 出现了 2 次" in only_reason(verdict)
    assert len(verdict.parameters) == 6


def test_an_unknown_parameter(simulator: GatewaySimulator) -> None:
    assert "「hidenav」" in only_reason(simulator.check(url(HOME, hidenav="1")))
    assert "「subPartnerId」" in only_reason(simulator.check(url(POLICY, subPartnerId="")))
    assert "「insureNum」" in only_reason(simulator.check(url(HOME, insureNum="1")))


@pytest.mark.parametrize("name", ["PartnerUniqKey", " partnerUniqKey", "partneruniqkey "])
def test_an_almost_known_parameter_is_told_its_name(simulator: GatewaySimulator, name: str) -> None:
    unknown, missing = sorted(
        simulator.check(url(HOME, without="partnerUniqKey", **{name: "1"})).reasons
    )
    assert f"「{name}」" in unknown
    assert "应写作 partnerUniqKey" in unknown
    assert "缺少 partnerUniqKey" in missing


def test_a_space_that_is_not_escaped(simulator: GatewaySimulator) -> None:
    verdict = simulator.check(f"{url(POLICY)}&partnerUniqKey=a b")
    assert only_reason(verdict) == "partnerUniqKey 里有空格或换行：请去掉，或写成 %20。"


@pytest.mark.parametrize("tail", ["%ff", "%E4%BD", "%zz", "%", "张三", "\ud800"])
def test_wrong_escapes(simulator: GatewaySimulator, tail: str) -> None:
    verdict = simulator.check(f"{url(POLICY)}&partnerUniqKey={tail}")
    assert "partnerUniqKey 的转义有误" in only_reason(verdict)
    assert verdict.member is None


# paySuccess


def test_a_bare_plus_is_a_space(simulator: GatewaySimulator) -> None:
    value = encoded("https://shop.example/?q=>>>")
    assert "+" in value
    reason = only_reason(simulator.check(f"{url(HOME)}&paySuccess={value}"))
    assert "paySuccess" in reason
    assert "+ 要写成 %2B" in reason
    assert simulator.check(f"{url(HOME)}&paySuccess={quote(value)}").accepted


@pytest.mark.parametrize("mark", ["?", ">"])
def test_url_safe_base64(simulator: GatewaySimulator, mark: str) -> None:
    value = base64.urlsafe_b64encode(f"https://shop.example/?q={mark * 3}".encode()).decode()
    assert {"-", "_"} & set(value)
    reason = only_reason(simulator.check(url(HOME, paySuccess=value)))
    assert "paySuccess 用了 URL 安全的 base64" in reason


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "https://shop.example/",
        encoded("https://shop.example/1").rstrip("="),
        encoded("https://shop.example/1") + "=",
        encoded("https://shop.example/12") + "=",
        "aHR0cDovL2F=",  # not what any encoder writes: the last bits are lost
        "=",
        "\uff0b\uff0b\uff0b\uff0b",
    ],
)
def test_what_is_no_base64(simulator: GatewaySimulator, value: str) -> None:
    verdict = simulator.check(url(HOME, paySuccess=value))
    assert "paySuccess 不是标准 base64" in only_reason(verdict)
    assert verdict.pay_success is None


@pytest.mark.parametrize(
    "address",
    [
        "/orders/8",
        "//shop.example/",
        "shop.example",
        "javascript:alert(1)",
        "javascript://shop.example/%0aalert(1)",
        "data:text/html,x",
        "ftp://shop.example/",
        "https://",
        "https:shop.example",
        "https:///orders",
        "https://:443/",
        "https://shop.example:port/",
        "https://[shop.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/\x00",
        "https://shop.example/a b",
        " https://shop.example/",
        b"https://shop.example/\xff",
    ],
)
def test_what_is_no_absolute_url(simulator: GatewaySimulator, address: str | bytes) -> None:
    sent = url(HOME, paySuccess=encoded(address))
    verdict = simulator.check(sent)
    assert "paySuccess 解码后不是完整的网址" in only_reason(verdict)
    assert verdict.pay_success is None
    status, soup = page_at(simulator, sent)
    assert status == 400
    assert not soup.select("a")


@pytest.mark.parametrize("path", [PRODUCT, HOME])
def test_a_product_can_be_paid_for_or_not_or_left(simulator: GatewaySimulator, path: str) -> None:
    status, soup = page_at(simulator, url(path, paySuccess=PAY_SUCCESS))
    assert status == 200
    assert [button.text for button in soup.select("form button")] == [
        "支付成功",
        "支付失败",
        "放弃",
    ]
    browser = simulator.create_app().test_client()
    assert pay(browser, url(path, paySuccess=PAY_SUCCESS)) == iri_to_uri(SHOP)


def test_nobody_pays_on_a_refused_page(simulator: GatewaySimulator) -> None:
    sent = url(HOME, paySuccess=PAY_SUCCESS, sign="wrong")
    assert simulator.check(sent).pay_success == SHOP
    assert not page_at(simulator, sent)[1].select("a, form")
    browser = simulator.create_app().test_client()
    assert browser.post(sent, data={"do": "pay"}).status_code == 400


# The document's own examples

DOCUMENT_21 = (
    "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&subPartnerId="
    "&caseCode=QX000000127257&sign=YTVhYTk0YTk3ZDI1039147& partnerUniqKey=101000"
)
DOCUMENT_21_TEST = DOCUMENT_21.replace("//api", "//testapi").replace(
    "YTVhYTk0YTk3ZDI", "ZGE1ODBiMjkwYTM"
)
DOCUMENT_22 = (
    "https://api.xiebao18.com/dispatch/cps/index?partnerId=1039147&subPartnerId="
    "&sign=82e20232fddc2d78eb42c74bb18f9014&partnerUniqKey=101000"
)
DOCUMENT_23 = (
    "https://testapi.xiebao18.com/dispatch/cps/insureDetail?partnerId=1039147"
    "&insureNum=20190226020146&sign=84d7668b0c732b7d3fd24fc243fe9c0c&paySuccess=*"
)


@pytest.mark.parametrize("example", [DOCUMENT_21, DOCUMENT_21_TEST])
def test_the_example_of_2_1_breaks_the_rule_in_its_text(example: str) -> None:
    verdict = GatewaySimulator("1039147", "Key").check(example)
    assert verdict.page == "product"
    missing, sign, space = verdict.reasons
    assert "缺少 partnerUniqKey" in missing
    assert "sign 不对" in sign
    assert "「 partnerUniqKey」：应写作 partnerUniqKey，前后不能有空格" in space


def test_the_example_of_2_2_lacks_only_our_key() -> None:
    verdict = GatewaySimulator("1039147", "Key").check(DOCUMENT_22)
    assert verdict.page == "home"
    assert " 不对：应为 md5(apiKey + partnerId)" in only_reason(verdict)
    assert verdict.member == "101000"
    assert verdict.parameters[2] == ("sign", "82…14")


def test_the_example_of_2_3_has_a_star_for_a_url() -> None:
    verdict = GatewaySimulator("1039147", "Key").check(DOCUMENT_23)
    assert verdict.page == "policy"
    sign, pay_success = verdict.reasons
    assert " 不对：应为 md5(apiKey + partnerId)" in sign
    assert "paySuccess 不是标准 base64" in pay_success


# Which page


@pytest.mark.parametrize(
    "start",
    [
        "https://api.xiebao18.com",
        "https://testapi.xiebao18.com",
        "http://localhost:5000/gateway",
        "/gateway",
        "",
    ],
)
def test_full_and_relative_urls(simulator: GatewaySimulator, start: str) -> None:
    verdict = simulator.check(start + url(POLICY))
    assert verdict.accepted
    assert verdict.page == "policy"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/dispatch",
        "/dispatch/cps/",
        "/dispatch/CPS",
        "/dispatch/cps/insuredetail",
        "dispatch/cps",
        "/dispatch%2Fcps",
        "/dispatch\n/cps",
        "https://api.xiebao18.com/gateway/dispatch/cps",
    ],
)
def test_another_path_is_no_page_of_the_gateway(simulator: GatewaySimulator, path: str) -> None:
    verdict = simulator.check(f"{path}?{urlencode(GOOD[PRODUCT])}")
    shown = path.removeprefix("https://api.xiebao18.com") or "/"
    assert f"网关没有这个页面（{shown}）" in only_reason(verdict)
    assert verdict.page is None
    assert ("caseCode", "QX000000127257") in verdict.parameters
    assert SIGN not in repr(verdict)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://api.xiebao18.com/dispatch/cps",
        "javascript:/dispatch/cps",
        "http://[/dispatch/cps",
        "https://api.xiebao18.com\u3002/dispatch/cps",
        "HTPS://api.xiebao18.com/dispatch/cps",
        "htps://shop.example/gateway/dispatch/cps",
        "https://shop.example/网关/dispatch/cps",
    ],
)
def test_an_address_that_is_wrong_is_not_said_to_have_no_page(
    simulator: GatewaySimulator, address: str
) -> None:
    assert "网址有误" in only_reason(simulator.check(address))
    assert simulator.check(address).page is None


def test_a_fragment_is_never_sent(simulator: GatewaySimulator) -> None:
    verdict = simulator.check(f"{url(POLICY)}&partnerUniqKey=7#&sign=again")
    assert verdict.accepted
    assert verdict.member == "7"


# Secrets


@pytest.mark.parametrize(
    "address",
    [
        url(PRODUCT),
        url(PRODUCT) + f"&sign={SIGN}",
        url(PRODUCT, Sign=SIGN),
        url(PRODUCT, without="sign", SIGN=SIGN),
        url(PRODUCT, partnerUniqKey=SIGN, caseCode=f"x{SIGN.upper()}y"),
        url(PRODUCT, **{SIGN: "a name"}),
        url(PRODUCT, paySuccess=encoded(f"https://shop.example/{SIGN}")),
        url(PRODUCT, sign=SIGN.upper()),
    ],
)
def test_the_sign_is_shown_nowhere_in_full(
    simulator: GatewaySimulator, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    _, soup = page_at(simulator, address)
    _, answer = json_at(simulator, address)
    for shown in (str(soup), json.dumps(answer), repr(simulator.check(address)), caplog.text):
        assert SIGN not in shown.lower()
    assert "00…35" in soup.text


def test_a_wrong_sign_is_masked_as_well(simulator: GatewaySimulator) -> None:
    shown = dict(simulator.check(url(HOME, sign="0123456789", Sign="abcdefgh")).parameters)
    assert (shown["sign"], shown["Sign"]) == ("01…89", "ab…gh")


@pytest.mark.parametrize("short", ["Key", "1234567", "k"])
def test_a_short_sign_is_masked_entirely(simulator: GatewaySimulator, short: str) -> None:
    assert dict(simulator.check(url(HOME, sign=short)).parameters)["sign"] == "***"


def test_the_simulator_tells_its_partner_and_no_secret() -> None:
    simulator = GatewaySimulator("12345", "the-api-key")
    assert repr(simulator) == "<GatewaySimulator 12345>"
    assert "the-api-key" not in str(getattr(simulator, "__dict__", {}))  # as debuggers show it


@pytest.mark.parametrize(
    ("partner_id", "said"),
    [
        ("", "partner_id is empty"),
        (None, "partner_id is None"),
        (True, "partner_id must be text or a whole number, not bool"),
        (12345.0, "partner_id must be text or a whole number, not float"),
    ],
)
def test_a_partner_id_that_is_none_is_an_error(partner_id: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        GatewaySimulator(partner_id, "the-api-key")
    assert "the-api-key" not in str(error.value)


@pytest.mark.parametrize("api_key", ["", None, 5, "k\ud800"])
def test_an_api_key_that_is_none_is_an_error(api_key: Any) -> None:
    with pytest.raises(ValueError, match=r"api_key (must be text, and not empty|cannot be read)"):
        GatewaySimulator("12345", api_key)


# The page


def test_the_page_cannot_be_taken_for_the_real_one(simulator: GatewaySimulator) -> None:
    _, soup = page_at(simulator, url(PRODUCT))
    assert soup.html is not None
    assert soup.html["lang"] == "zh-CN"
    assert soup.title is not None
    assert "携保网关模拟器" in soup.title.text
    assert "不出售" in soup.title.text
    assert soup.select_one('meta[name="robots"][content="noindex"]')
    assert soup.select_one('meta[name="viewport"]')
    assert soup.select_one("body.xiebao-page > main.xiebao-panel")
    assert not soup.select("script, style, [style], [onclick]")


def test_the_page_explains_what_came(simulator: GatewaySimulator) -> None:
    sent = url(PRODUCT, platform="3", extra="1")
    _, soup = page_at(simulator, sent)
    table = soup.select_one("table.xiebao-parameters")
    assert table is not None
    assert table.caption is not None
    assert len(table.select('th[scope="col"]')) == 3
    rows = {
        row.th.text: [cell.text.strip() for cell in row.select("td")]
        for row in table.select("tbody tr")
        if row.th
    }
    assert list(rows) == [*GOOD[PRODUCT], "platform", "extra"]
    assert rows["caseCode"] == ["QX000000127257", "产品方案代码，由携保提供"]
    assert rows["platform"] == ["3", "平台类型：3 = iOS"]
    assert rows["sign"][0] == "00…35"
    assert rows["extra"] == ["1", "文档里没有这个参数"]


def test_the_page_lists_every_reason(simulator: GatewaySimulator) -> None:
    sent = url(HOME, sign="x", platform="2", foo="1")
    status, soup = page_at(simulator, sent)
    assert status == 400
    assert soup.select_one("p.xiebao-verdict.xiebao-verdict--refused")
    reasons = [item.text for item in soup.select("ul.xiebao-reasons li")]
    assert reasons == list(simulator.check(sent).reasons)
    assert len(reasons) == 3


def test_nothing_sent_is_a_page_too(simulator: GatewaySimulator) -> None:
    status, soup = page_at(simulator, PRODUCT)
    assert status == 400
    assert len(soup.select(".xiebao-reasons li")) == 4
    assert "没有参数" in soup.text


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_is_sent_is_escaped_whatever_the_application_does(
    simulator: GatewaySimulator, attack: str
) -> None:
    app = simulator.create_app()
    app.jinja_env.autoescape = False
    app.jinja_env.undefined = StrictUndefined
    pay_success = encoded(f"https://shop.example/{attack.replace(' ', '/')}")
    for address in (
        url(PRODUCT, partnerUniqKey=attack, paySuccess=pay_success),
        url(PRODUCT, **{attack: attack}),
    ):
        response = app.test_client().get(address)
        soup = BeautifulSoup(response.text, "html.parser")
        assert not soup.select("script, img, [onerror]")
        assert attack in soup.text


# HTTP


def test_json_says_the_same(simulator: GatewaySimulator) -> None:
    sent = url(PRODUCT, platform="1", paySuccess=PAY_SUCCESS)
    status, answer = json_at(simulator, sent)
    assert status == 200
    assert answer == {
        "accepted": True,
        "page": "product",
        "platform": 1,
        "member": "101000",
        "reasons": [],
        "parameters": [list(pair) for pair in simulator.check(sent).parameters],
        "pay_success": SHOP,
    }
    status, answer = json_at(simulator, url(POLICY, sign="x"))
    assert status == 400
    assert answer["accepted"] is False
    assert answer["reasons"] == list(simulator.check(url(POLICY, sign="x")).reasons)


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
def test_who_prefers_json_gets_it(
    simulator: GatewaySimulator, accept: str | None, expected: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    response = simulator.create_app().test_client().get(url(HOME), headers=headers)
    assert response.mimetype == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("sign", [SIGN, "wrong"])
def test_headers(simulator: GatewaySimulator, accept: str, sign: str) -> None:
    client = simulator.create_app().test_client()
    headers = client.get(url(HOME, sign=sign), headers={"Accept": accept}).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Vary"] == "Accept"


def test_a_page_is_got_and_nothing_else_is_there(simulator: GatewaySimulator) -> None:
    client = simulator.create_app().test_client()
    assert client.put(url(HOME)).status_code == 405
    assert client.get(f"{HOME}/?{urlencode(GOOD[HOME])}").status_code == 404


def test_mounted_under_a_prefix(simulator: GatewaySimulator) -> None:
    app = Flask(__name__)
    app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
    client = app.test_client()
    assert client.get("/gateway" + url(HOME)).status_code == 200
    assert client.get(url(HOME)).status_code == 404
    soup = BeautifulSoup(client.get("/gateway" + url(HOME)).text, "html.parser")
    sheet = soup.select('link[rel="stylesheet"]')[0]
    assert sheet["href"] == "/gateway/dispatch/static/xiebao.css"
    with client.get(str(sheet["href"])) as css:
        assert css.mimetype == "text/css"


def test_one_simulator_serves_two_applications(simulator: GatewaySimulator) -> None:
    for app in (simulator.create_app(), simulator.create_app()):
        assert app.test_client().get(url(HOME)).status_code == 200


PIECES = [
    *("partnerId", "sign", "Sign", "platform", "paySuccess", "partnerUniqKey", "caseCode", SIGN),
    *("=", "=", "=", "&", "&", "+", "%z", "%ff", "%00", "%0d%0a", "%ED%A0%80", "%F0%9F%98%80"),
    *(";", "?", "/", "*", "<script>", "12345", "2", "9" * 5000, "\x7f", "[", "://", PAY_SUCCESS),
    *(encoded("http://["), encoded("https://a:99999999/"), encoded("//"), encoded(b"\xff\xfe")),
]


def test_no_query_breaks_it(simulator: GatewaySimulator) -> None:
    rng = random.Random(18)  # noqa: S311
    client = simulator.create_app().test_client()
    for _ in range(600):
        query = "".join(rng.choices(PIECES, k=rng.randrange(1, 40)))
        if rng.random() < 0.3:
            query = f"{urlencode(GOOD[HOME])}&{query}"
        path = rng.choice(list(GOOD))
        accept = rng.choice(["text/html", "application/json", "*/*;q=x", ";,"])
        environ = {"QUERY_STRING": query, "PATH_INFO": path, "HTTP_ACCEPT": accept}
        response = client.get("/", environ_overrides=environ)
        assert SIGN not in response.text, query
        accepted = simulator.check(f"{path}?{query}").accepted
        assert response.status_code == (200 if accepted else 400), query


def test_bytes_that_are_no_text_do_not_break_it(simulator: GatewaySimulator) -> None:
    rng = random.Random(19)  # noqa: S311
    client = simulator.create_app().test_client()
    for _ in range(200):
        noise = rng.randbytes(rng.randrange(1, 30)).decode("latin-1")
        query = f"{urlencode(GOOD[POLICY])}&partnerUniqKey={noise}\xff"
        environ = {"QUERY_STRING": query, "PATH_INFO": POLICY}
        assert client.get("/", environ_overrides=environ).status_code == 400, query


def test_a_very_long_query(simulator: GatewaySimulator) -> None:
    long = "x" * 300_000
    assert page_at(simulator, url(PRODUCT, partnerUniqKey=long))[0] == 200
    assert page_at(simulator, url(PRODUCT, platform=long, paySuccess=long))[0] == 400


# Masks


@pytest.mark.parametrize(
    "name", ["amp;sign", " sign", "SIGN", "amp;Sign", "amp;amp;sign", "amp; sign", " amp;sign "]
)
def test_a_sign_by_another_name_is_masked_too(simulator: GatewaySimulator, name: str) -> None:
    other = "82e20232fddc2d78eb42c74bb18f9014"
    verdict = simulator.check(url(HOME, without="sign", **{name: other}))
    assert other not in str(verdict)
    assert (name, "82…14") in verdict.parameters


def test_a_sign_in_the_base64_of_another_parameter_is_masked_too(
    simulator: GatewaySimulator,
) -> None:
    member = encoded(SIGN)
    verdict = simulator.check(url(HOME, partnerUniqKey=member))
    assert verdict.accepted
    assert member not in str(verdict)
    assert verdict.member == f"{member[:2]}…{member[-2:]}"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_sign_that_is_encoded_again_is_masked_too(
    simulator: GatewaySimulator, times: int
) -> None:
    again = "".join(f"%{ord(digit):x}" for digit in (SIGN.upper() if times == 1 else SIGN))
    for _ in range(times - 1):
        again = again.replace("%", "%25")
    for address in (f"{url(HOME)}&x={again}", f"/{again}?x=1", url(HOME, partnerUniqKey=again)):
        verdict = simulator.check(address)
        assert again not in str(verdict)
        assert SIGN not in str(verdict)


def test_a_way_back_with_the_sign_in_it_is_masked_in_both_forms(
    simulator: GatewaySimulator,
) -> None:
    value = encoded(f"https://shop.example/?>>>/{SIGN}")
    lines = f"{value[:40]}\n{value[40:]}\r\n"
    forms = (value, value.rstrip("="), value.replace("+", "-"), value.replace("+", " "), lines)
    assert len(set(forms)) == len(forms)
    for sent in forms:
        verdict = simulator.check(url(HOME, paySuccess=sent))
        assert dict(verdict.parameters)["paySuccess"] == f"{sent[:2]}…{sent[-2:]}"
        assert SIGN not in str(verdict)


# Languages


@pytest.mark.parametrize(
    ("setting", "language"),
    [
        (None, "zh-CN"),
        *[(name, "zh-CN") for name in ("zh", "zh-CN", "zh_Hant")],
        *[(name, "en") for name in ("en", "fr", "", "EN", "../x", "__init__", "..en", 5, True)],
    ],
)
def test_the_page_speaks_the_sites_language(
    simulator: GatewaySimulator, setting: object, language: str
) -> None:
    app = simulator.create_app()
    app.config["XIEBAO_LOCALE"] = setting
    page = BeautifulSoup(app.test_client().get(url(HOME, sign="x")).text, "html.parser")
    assert page.html is not None
    assert page.html["lang"] == language
    said = "Refused: home page" if language == "en" else "已拒绝：携保首页"
    assert said in page.text
    assert "{" not in page.text


def test_the_reasons_in_a_language(simulator: GatewaySimulator) -> None:
    verdict = simulator.check(url(HOME, platform="2", foo="1"))
    english = (
        "platform=2 is refused: section 2.2 accepts 1 (H5), 3 (iOS), 4 (Android), and no PC at"
        " present.",
        "foo is not a parameter of section 2.2: leave it out or, if Xiebao told you of it, name it"
        " in XIEBAO_EXTRA (of a simulator, in also_known).",
    )
    assert verdict.reasons_in("en") == verdict.reasons_in("en-GB") == english
    assert verdict.reasons_in("zh_CN") == verdict.reasons
    assert verdict.problems == (Problem("no_pc", "platform", "2"), Problem("unknown", "foo"))


def test_a_parameter_of_another_page_is_not_said_to_be_in_no_document(
    simulator: GatewaySimulator,
) -> None:
    _, page = page_at(simulator, url(HOME, caseCode="QX1"))
    assert "产品方案代码" in page.text
    assert "文档里没有这个参数" not in page.text


# Links of another time


def test_a_link_of_another_time(site: Site) -> None:
    class Named(str, Enum):  # noqa: UP042 - as sites have them
        POLICY = "policy"

    with site.app.test_request_context():
        assert link_to(Entry(Named.POLICY, "1", "m1")).startswith("/xiebao/policy/")
        past = link_to(Entry("policy", "1", "m1", no_login_for=60, signed_at=0))
        assert [entry_of(link) for link in ("/", f"{past}x", "http://[x")] == [None] * 3
        with pytest.raises(LinkError, match="says whose it is"):
            link_to(Entry(Named.POLICY, "1"))
    assert site.follow(past).status_code == 410
    site.log_in("m1")
    assert site.follow(past).status_code == 302


def test_a_link_of_another_time_of_an_app_without_xiebao_says_so() -> None:
    with (
        Flask("shop").app_context(),
        pytest.raises(ConfigError, match=r"has no Xiebao: add Xiebao\(app\)"),
    ):
        link_to(Entry("home"))
