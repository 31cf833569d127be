"""The console's form for links of one's own: what it makes, and what comes of a click on it."""

from __future__ import annotations

import re

import pytest
import time_machine
from flask import Flask, render_template_string, session
from werkzeug.test import TestResponse

from tests import qr
from tests.demo.support import LIN, ZHOU, visit, words
from tests.support import (
    INSURE_NUM,
    PC,
    PHONE,
    PRODUCT_CODE,
    SIGN,
    find_element,
    find_href,
    parse_html,
)


def make(
    demo: Flask, who: str | None = None, agent: str = PHONE["User-Agent"], **own: str
) -> TestResponse:
    """Return the page on which the form has made a link; nobody is signed in by default."""
    form = {"page": "product", "reference": PRODUCT_CODE, **own}
    return visit(demo, who, agent).get("/qa/links", query_string=form)


@pytest.mark.parametrize(
    ("own", "parameters", "said"),
    [
        ({}, {"caseCode": PRODUCT_CODE, "platform": "1", "partnerUniqKey": "…"}, "✓ 网关接受"),
        ({"member": ZHOU}, {"partnerUniqKey": "…"}, "✓ 网关接受"),
        ({"platform": "android"}, {"platform": "4"}, "✓ 网关接受"),
        ({"sub_partner_id": "分店 7"}, {"subPartnerId": "分店 7"}, "✓ 网关接受"),
        ({"return_to": "/insured?from=qa"}, {}, "支付后回到 /insured?from=qa"),
        ({"page": "home"}, {"partnerUniqKey": "…", "platform": "1"}, "✓ 网关接受"),
        (
            {"page": "policy", "reference": INSURE_NUM, "member": LIN},
            {"insureNum": INSURE_NUM, "platform": "1"},
            "✓ 网关接受",
        ),
        # Another device clicks.
        ({"device": "pc"}, {"platform": "2"}, "✓ 网关接受"),
        ({"device": "wechat-harmony"}, {"platform": "1"}, "✓ 网关接受"),
        ({"user_agent": f"{PHONE['User-Agent']} QingyouApp/3"}, {"platform": "3"}, "✓ 网关接受"),
        ({"user_agent": PC["User-Agent"], "device": "iphone"}, {"platform": "2"}, "✓ 网关接受"),
        ({"user_agent": "某某\r\nX-Evil: 1"}, {"platform": "2"}, "✓ 网关接受"),
        ({"agent": PC["User-Agent"], "page": "home"}, {"platform": "1"}, "200 二维码"),
        # Whoever asks is not mixed up with whose link it is.
        ({"who": ZHOU}, {}, "登录的是周航"),
        ({"who": ZHOU, "member": LIN}, {}, "登录的是林晓"),
        ({"who": ZHOU, "member": LIN, "no_login_for": "60"}, {"partnerUniqKey": "…"}, "没有人登录"),
        ({"who": ZHOU, "member": LIN, "no_login_for": "60"}, {}, "林晓"),
    ],
)
def test_each_option_reaches_the_gateway_and_is_said_in_words(
    demo: Flask, own: dict[str, str], parameters: dict[str, str], said: str
) -> None:
    made = find_element(make(demo, **own), ".created")
    rows = [row.select("th, td") for row in made.select(".parameters tbody tr")]
    sent = {name.text: value.text for name, value, *_ in rows}
    assert sent["sign"] == f"{SIGN[:2]}…{SIGN[-2:]}"
    assert {name: sent[name] for name in parameters} == parameters
    assert "✓ 网关接受" in words(made)
    assert said in words(made)


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"page": "home", "platform": "h5"},
        {"page": "home", "return_to": "/insured"},
        {"page": "policy", "reference": INSURE_NUM, "member": ZHOU, "no_login_for": "900"},
        {"page": "policy", "reference": INSURE_NUM},
        {"member": LIN, "no_login_for": "60"},
        {
            "member": LIN,
            "platform": "ios",
            "sub_partner_id": "branch-7",
            "return_to": "/insured",
            "no_login_for": "3600",
        },
        {"reference": "a\"b'c\\n{{7}}{%raw%}\U0001f600</code>&amp;"},
        {"sub_partner_id": "'\"\\", "return_to": "/订单/8?a=1&b=%22#}}"},
    ],
)
def test_the_link_can_be_clicked_and_its_jinja_and_its_code_make_the_same(
    demo: Flask, own: dict[str, str]
) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        page = make(demo, LIN, **own)
        with demo.test_request_context(headers=PHONE):
            session["member_id"] = LIN
            pasted = render_template_string(find_element(page, "#jinja").text)
        made = find_href(find_element(page, "#link"))
        location = visit(demo, own.get("member", LIN)).get(made).location or ""
    assert made == find_element(page, "#link").text == find_href(pasted)
    assert location.startswith("/gateway/dispatch/cps")
    assert find_element(page, "#external").text == f"http://localhost{made}"
    assert qr.read(page.text) == find_element(page, "#external").text
    assert find_element(page, "svg[role=img]")["aria-label"]


@pytest.mark.parametrize("url", ["/qa/links?page=home", "/widgets/"])
def test_a_code_that_no_phone_can_open_is_explained(demo: Flask, url: str) -> None:
    browser = demo.test_client()
    assert (
        "make demo HOST=0.0.0.0 PORT=5001"
        in browser.get(url, base_url="http://localhost:5001").text
    )
    assert "手机扫了打不开" in browser.get(url).text
    assert "手机扫了打不开" not in browser.get(url, base_url="http://192.168.1.20:5000").text


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"reference": ""}, "caseCode is empty or contains only whitespace."),
        ({"reference": " "}, "请填产品方案代码"),
        ({"reference": "x" * 5000}, "不能太长"),
        ({"page": "policy", "reference": " "}, "insureNum is empty"),
        ({"page": "policy", "reference": INSURE_NUM}, "没有人登录"),
        ({"platform": "fax"}, "platform: 'fax' is not a platform"),
        (
            {"page": "home", "platform": "pc"},
            "platform PC is not supported by the home page at present",
        ),
        ({"no_login_for": "60"}, 'A link with "no_login_for" requires "member"'),
        ({"no_login_for": "60"}, "请选一位会员"),
        *(
            (
                {"member": LIN, "no_login_for": wrong},
                "no_login_for must be an integer number of seconds from 1",
            )
            for wrong in ("soon", "0", "9" * 5000)
        ),
        ({"member": LIN, "no_login_for": "0"}, "要填正整数"),
        ({"return_to": "//evil.example"}, "return_to must not point to another site"),
        ({"return_to": "https://evil.example"}, "return_to must be a path of this site"),
        ({"return_to": "/" + "x" * 2000}, 'Shorten "return_to"'),
        ({"sub_partner_id": " "}, "sub_partner_id is empty"),
        ({"sub_partner_id": "\t"}, "不能只有空白"),
        *(
            (
                {"page": "policy", "reference": INSURE_NUM, "member": LIN, "sub_partner_id": "b"},
                said,
            )
            for said in ('The policy page does not accept "sub_partner_id".', "保单没有渠道子账号")
        ),
        ({"page": "nowhere"}, "'nowhere' is not a gateway page"),
        ({"member": "somebody"}, "两位会员"),
        ({"device": "nokia"}, "没有这种设备"),
    ],
)
@pytest.mark.parametrize("testing", [True, False])
def test_bad_input_says_what_to_do_and_what_a_developer_would_be_told(
    demo: Flask, own: dict[str, str], message: str, testing: bool
) -> None:
    demo.testing = testing
    page = make(demo, **own)
    said = find_element(page, "#error").text
    assert re.match("[\u4e00-\u9fff]", said), said
    assert message in said + "".join(each.text for each in parse_html(page).select("#exception"))
    assert parse_html(page).select("#link, .created svg") == []


def test_nothing_is_lost_from_the_form(demo: Flask) -> None:
    typed = {
        "page": "policy",
        "reference": INSURE_NUM,
        "member": ZHOU,
        "platform": "h5",
        "sub_partner_id": "branch-7",
        "return_to": "no path",
        "no_login_for": "soon",
        "client_reference": "QY-8",
        "device": "wechat",
        "user_agent": "Own/1",
    }
    form = find_element(make(demo, **typed), "form.make")
    fields = {field["name"]: field.get("value") for field in form.select("input")}
    chosen = {
        each["name"]: find_element(each, "[selected]")["value"] for each in form.select("select")
    }
    assert {**fields, **chosen} == typed
    assert form["method"] == "get"


@pytest.mark.parametrize(
    "name",
    ["page", "reference", "member", "platform", "sub_partner_id", "return_to", "no_login_for"],
)
def test_what_is_typed_is_only_text(demo: Flask, name: str) -> None:
    attack = "\"'><img src=x onerror=alert(1)>{{ 7 * 191 }}"
    page = make(demo, **{name: attack})
    assert parse_html(page).select("img, script:not([src^='/static/']), [onerror]") == []
    assert "1337" not in page.text


def test_without_a_vouched_host_only_the_code_is_missing(demo: Flask) -> None:
    demo.testing = False
    made = find_element(make(demo, member=LIN, no_login_for="60"), ".created")
    assert "请设置 FLASK_XIEBAO_PUBLIC_URL" in find_element(made, "#qr-error").text
    assert made.select("svg") == []
    assert find_element(made, "#link")
    assert "partnerUniqKey …" in words(find_element(made, ".parameters"))
    assert parse_html(make(demo)).select(".created svg")
