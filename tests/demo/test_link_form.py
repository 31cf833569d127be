"""Tests for the demo's form at ``/qa/links``: the created link, and the click on this link.

To test another option, add a row to ``OPTIONS`` and to ``EQUAL_LINKS``. To test another wrong
value, add a row to ``WRONG_VALUES``.
"""

from __future__ import annotations

import re

import pytest
import time_machine
from flask import Flask, Response, abort, render_template_string, request, session
from werkzeug.test import TestResponse

from flask_xiebao.gateway.pages import PAGES
from tests import qr
from tests.demo.support import LIN, ZHOU, find_chinese, find_missing_texts, open_client
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

POLICY = {"page": "policy", "reference": INSURE_NUM}
BEARER_LINK = {"member": LIN, "no_login_for": "60"}

#: One row per option of the form: its name, the arguments of ``submit_link_form``, the parameters
#: of the gateway URL, and texts on the page.
OPTIONS: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    "product": ({}, {"caseCode": PRODUCT_CODE, "platform": "1", "partnerUniqKey": LIN}, []),
    "home": ({"page": "home"}, {"partnerUniqKey": LIN, "platform": "1"}, []),
    "policy": ({**POLICY, "member": LIN}, {"insureNum": INSURE_NUM, "platform": "1"}, []),
    "member": ({"member": ZHOU}, {"partnerUniqKey": ZHOU}, []),
    "platform": ({"platform": "android"}, {"platform": "4"}, []),
    "sub-account": ({"sub_partner_id": "分店 7"}, {"subPartnerId": "分店 7"}, []),
    "return": ({"return_to": "/insured?from=qa"}, {}, ["支付后回到 /insured?from=qa"]),
    "PC": ({"device": "pc"}, {"platform": "2"}, []),
    "WeChat": ({"device": "wechat-harmony"}, {"platform": "1"}, []),
    "User-Agent of the app": (
        {"user_agent": f"{PHONE['User-Agent']} QingyouApp/3"},
        {"platform": "3"},
        [],
    ),
    "User-Agent and device": (
        {"user_agent": PC["User-Agent"], "device": "iphone"},
        {"platform": "2"},
        [],
    ),
    "User-Agent with line break": ({"user_agent": "某某\r\nX-Evil: 1"}, {"platform": "2"}, []),
    "link of the visitor": ({"visitor": ZHOU}, {"partnerUniqKey": ZHOU}, ["登录的是周航"]),
    "link of another member": (
        {"visitor": ZHOU, "member": LIN},
        {"partnerUniqKey": LIN},
        ["登录的是林晓"],
    ),
    "bearer link of another member": (
        {"visitor": ZHOU, **BEARER_LINK},
        {"partnerUniqKey": LIN},
        ["没有人登录", "林晓"],
    ),
}

#: One row per link: its name, and the submitted fields of the form.
EQUAL_LINKS: dict[str, dict[str, str]] = {
    "product": {},
    "home with platform": {"page": "home", "platform": "h5"},
    "home with return": {"page": "home", "return_to": "/insured"},
    "policy with bearer link": {**POLICY, "member": ZHOU, "no_login_for": "900"},
    "policy": POLICY,
    "bearer link": BEARER_LINK,
    "all options": {
        "member": LIN,
        "platform": "ios",
        "sub_partner_id": "branch-7",
        "return_to": "/insured",
        "no_login_for": "3600",
    },
    "special characters": {"reference": "a\"b'c\\n{{7}}{%raw%}\U0001f600</code>&amp;"},
    "quotes and Chinese": {"sub_partner_id": "'\"\\", "return_to": "/订单/8?a=1&b=%22#}}"},
}

#: One row per wrong value: its name, the submitted fields of the form, and parts of the error
#: messages for QA and developers.
WRONG_VALUES: dict[str, tuple[dict[str, str], list[str]]] = {
    "no product": ({"reference": ""}, ["caseCode is empty or contains only whitespace."]),
    "blank product": ({"reference": " "}, ["请填产品方案代码"]),
    "long product": ({"reference": "x" * 5000}, ["不能太长"]),
    "blank application number": ({"page": "policy", "reference": " "}, ["insureNum is empty"]),
    "policy without member": (POLICY, ["没有人登录"]),
    "unknown platform": ({"platform": "fax"}, ["platform: 'fax' is not a platform"]),
    "home page for PC": (
        {"page": "home", "platform": "pc"},
        ["platform PC is not supported by the home page at present"],
    ),
    "bearer link without member": (
        {"no_login_for": "60"},
        ['A link with "no_login_for" requires "member"', "请选一位会员"],
    ),
    **{
        f"{name} of seconds": (
            {"member": LIN, "no_login_for": value},
            [
                "no_login_for must be an integer number of seconds from 1",
                "请填 1 到 1,000,000,000 的整数",
            ],
        )
        for name, value in {"word instead": "soon", "zero": "0", "large number": "9" * 5000}.items()
    },
    "other host": ({"return_to": "//evil.example"}, ["return_to must not point to another site"]),
    "URL": ({"return_to": "https://evil.example"}, ["return_to must be a path of this site"]),
    "long path": ({"return_to": "/" + "x" * 2000}, ['Shorten "return_to"']),
    "blank sub-account": ({"sub_partner_id": " "}, ["sub_partner_id is empty"]),
    "tab as sub-account": ({"sub_partner_id": "\t"}, ["不能只有空白"]),
    "policy with sub-account": (
        {**POLICY, "member": LIN, "sub_partner_id": "b"},
        ['The policy page does not accept "sub_partner_id".', "保单没有渠道子账号"],
    ),
    "unknown page": ({"page": "nowhere"}, ["'nowhere' is not a gateway page"]),
    "unknown member": ({"member": "somebody"}, ["两位会员"]),
    "unknown device": ({"device": "nokia"}, ["没有这种设备"]),
}


def submit_link_form(
    demo: Flask,
    visitor: str | None = None,
    visitor_agent: str = PHONE["User-Agent"],
    **fields: str,
) -> TestResponse:
    """Submit the demo's link form, and return the response with the created link.

    :param visitor: The member who is logged in. By default, no member is logged in.
    :param visitor_agent: The User-Agent of the browser.
    :param fields: The fields of the form. By default, the link leads to the product page.
    """
    form = {"page": "product", "reference": PRODUCT_CODE, **fields}
    return open_client(demo, visitor, visitor_agent).get("/qa/links", query_string=form)


@pytest.mark.parametrize(("fields", "parameters", "texts"), OPTIONS.values(), ids=OPTIONS)
def test_option_of_link_form_is_in_gateway_url(
    demo: Flask, fields: dict[str, str], parameters: dict[str, str], texts: list[str]
) -> None:
    result = find_element(submit_link_form(demo, **fields), ".created")

    rows = [row.select("th, td") for row in result.select(".parameters tbody tr")]
    sent = {name.text: value.text for name, value, *_ in rows}
    assert sent["sign"] == f"{SIGN[:2]}…{SIGN[-2:]}"
    assert {name: sent[name] for name in parameters} == parameters
    assert find_missing_texts(result, "✓ 网关接受", *texts) == []


def test_click_from_pc_shows_qr_code_instead_of_gateway_url(demo: Flask) -> None:
    page = submit_link_form(demo, visitor_agent=PC["User-Agent"], page="home")

    result = find_element(page, ".created")
    assert find_missing_texts(result, "“您这台设备”", "200 有二维码") == []
    assert result.select(".parameters") == []


@pytest.mark.parametrize(
    ("lang", "text"), [("zh", "✗ 网关拒绝"), ("en", "✗ Refused by the gateway")]
)
def test_reason_is_shown_if_gateway_refuses_url(demo: Flask, lang: str, text: str) -> None:
    @demo.after_request
    def change_platform(response: Response) -> Response:
        if response.location:
            response.location = response.location.replace("platform=1", "platform=9")
        return response

    page = submit_link_form(demo, lang=lang)

    problem = find_element(page, ".problem")
    assert find_missing_texts(problem, text, "platform") == []
    assert bool(find_chinese(problem)) == (lang == "zh")
    assert find_missing_texts(page, "网关接受", "Accepted by") == ["网关接受", "Accepted by"]
    assert SIGN not in page.text


def test_status_is_shown_if_site_refuses_click(demo: Flask) -> None:
    @demo.before_request
    def refuse_click() -> None:
        if request.blueprint == "xiebao":
            abort(403)

    result = find_element(submit_link_form(demo), ".created")

    assert find_missing_texts(result, "登录的是林晓：403") == []
    assert result.select(".parameters") == []


def test_link_form_clicks_link_of_site_below_path(demo: Flask) -> None:
    form = {"page": "product", "reference": PRODUCT_CODE, "return_to": "/insured"}
    page = open_client(demo).get(
        "/qa/links", query_string=form, base_url="https://portal.example/shop"
    )

    assert find_href(find_element(page, "#link")).startswith("/shop/xiebao/product/")
    texts = ["302", "/shop/gateway/dispatch/cps", "✓ 网关接受"]
    assert find_missing_texts(find_element(page, ".created"), *texts) == []


def test_link_form_offers_each_gateway_page(demo: Flask) -> None:
    options = parse_html(submit_link_form(demo)).select("select[name=page] option")
    assert [option["value"] for option in options] == list(PAGES)


@pytest.mark.parametrize("fields", EQUAL_LINKS.values(), ids=EQUAL_LINKS)
def test_link_jinja_and_qr_code_have_same_url(demo: Flask, fields: dict[str, str]) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        page = submit_link_form(demo, LIN, **fields)
        with demo.test_request_context(headers=PHONE):
            session["member_id"] = LIN
            entry = render_template_string(find_element(page, "#jinja").text)
        link = find_href(find_element(page, "#link"))
        location = open_client(demo, fields.get("member", LIN)).get(link).location or ""

    assert link == find_element(page, "#link").text == find_href(entry)
    assert location.startswith("/gateway/dispatch/cps")
    assert find_element(page, "#external").text == f"http://localhost{link}"
    assert qr.read(page.text) == f"http://localhost{link}"
    assert find_element(page, "svg[role=img]")["aria-label"]


@pytest.mark.parametrize("url", ["/qa/links?page=home", "/widgets/"])
@pytest.mark.parametrize(
    ("base_url", "port"),
    [
        pytest.param("http://localhost:5001", "5001", id="localhost"),
        pytest.param("http://localhost", "80", id="localhost without port"),
        pytest.param("http://192.168.1.20:5000", None, id="address in network"),
    ],
)
def test_qr_code_on_localhost_has_hint_for_phones(
    demo: Flask, url: str, base_url: str, port: str | None
) -> None:
    page = demo.test_client().get(url, base_url=base_url)
    assert ("手机扫了打不开" in page.text) == (port is not None)
    assert (f"make demo HOST=0.0.0.0 PORT={port}" in page.text) == (port is not None)


@pytest.mark.parametrize("testing", [True, False], ids=["testing", "deployed"])
@pytest.mark.parametrize(("fields", "messages"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_value_shows_messages_for_qa_and_developers(
    demo: Flask, fields: dict[str, str], messages: list[str], testing: bool
) -> None:
    demo.testing = testing

    page = submit_link_form(demo, **fields)

    assert re.match("[\u4e00-\u9fff]", find_element(page, "#error").text)
    assert find_missing_texts(find_element(page, ".created"), *messages) == []
    assert parse_html(page).select("#link, .created svg") == []


def test_link_form_keeps_submitted_values(demo: Flask) -> None:
    fields = {
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
    form = find_element(submit_link_form(demo, **fields), "form.make")
    inputs = {field["name"]: field.get("value") for field in form.select("input")}
    selects = {
        select["name"]: find_element(select, "[selected]")["value"]
        for select in form.select("select")
    }
    assert {**inputs, **selects} == fields
    assert form["method"] == "get"


@pytest.mark.parametrize(
    "name",
    ["page", "reference", "member", "platform", "sub_partner_id", "return_to", "no_login_for"],
)
def test_link_form_escapes_submitted_values(demo: Flask, name: str) -> None:
    page = submit_link_form(demo, **{name: "\"'><img src=x onerror=alert(1)>{{ 7 * 191 }}"})
    assert parse_html(page).select("img, script:not([src^='/static/']), [onerror]") == []
    assert "1337" not in page.text


@pytest.mark.parametrize(
    ("lang", "text"),
    [("zh", "请设置 FLASK_XIEBAO_PUBLIC_URL"), ("en", "Set FLASK_XIEBAO_PUBLIC_URL")],
)
def test_bearer_link_has_no_qr_code_if_host_is_untrusted(demo: Flask, lang: str, text: str) -> None:
    demo.testing = False

    page = submit_link_form(demo, **BEARER_LINK, lang=lang)

    assert find_missing_texts(find_element(page, "#qr-error"), text) == []
    assert bool(find_chinese(page)) == (lang == "zh")
    result = find_element(page, ".created")
    assert result.select("svg") == []
    assert find_element(result, "#link")
    assert find_missing_texts(find_element(result, ".parameters"), f"partnerUniqKey {LIN}") == []
    # With a link without a member, nobody can act as a member, so there is a QR code for any host.
    assert parse_html(submit_link_form(demo)).select(".created svg")
