"""The demo's shop as its visitors find it, with the simulator and with an account of Xiebao's."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from demo_app.logs import mask_sign
from flask_xiebao import ConfigError
from tests import qr
from tests.demo.support import (
    LIN,
    REAL_ACCOUNT,
    ZHOU,
    create_demo,
    gateway,
    look,
    visit,
    words,
)
from tests.support import PC, PHONE, SIGN, find_element, find_href, parse_html

ENTRIES = {"product": "[data-xiebao-entry=product]", "home": "#home", "policy": "li .xiebao-entry"}


def received(page: TestResponse) -> dict[str, str]:
    """Return what the simulator says it received, once it says that it accepts it."""
    assert page.status_code == 200, page.text
    assert "已接受" in find_element(page, ".xiebao-verdict--accepted").text
    rows = parse_html(page).select(".xiebao-parameters tbody tr")
    return {name.text: value.text for name, value, _ in (row.select("th, td") for row in rows)}


@pytest.mark.parametrize(
    ("agent", "entry", "platform"),
    [
        (PC["User-Agent"], "product", "2"),
        # The gateway has these pages for phones only, so a code comes first.
        (PC["User-Agent"], "home", "1"),
        (PC["User-Agent"], "policy", "1"),
        *((f"{PHONE['User-Agent']} QingyouApp/3.2", entry, "3") for entry in ENTRIES),
    ],
)
def test_each_entry_ends_at_accepted_and_no_page_on_the_way_shows_the_sign(
    demo: Flask, agent: str, entry: str, platform: str
) -> None:
    browser = visit(demo, agent=agent)
    order = browser.get("/")
    pages = [
        order,
        browser.get(find_href(find_element(order, ENTRIES[entry])), follow_redirects=True),
    ]
    if platform == "1":
        assert "支付成功" not in pages[1].text
        assert "手机扫了打不开" in pages[1].text  # at this address, which is this machine's own
        scanned = urlsplit(qr.read(pages[1].text)).path
        pages.append(visit(demo, None).get(scanned, follow_redirects=True))
    parameters = received(pages[-1])
    assert (parameters["platform"], parameters["partnerUniqKey"]) == (platform, LIN)
    assert [page.request.path for page in pages if SIGN in page.text] == []


def test_a_visitor_signs_in_on_the_way_arrives_where_they_clicked_and_signs_out(
    demo: Flask,
) -> None:
    phone = visit(demo, None)
    entry = find_href(find_element(phone.get("/"), "[data-xiebao-entry=product]"))
    form = find_element(phone.get(entry, follow_redirects=True), "form.members")
    fields = {"next": find_element(form, "[name=next]")["value"], "member": LIN}
    going_on = phone.post(form["action"], data=fields, follow_redirects=True)
    assert received(going_on)["partnerUniqKey"] == LIN
    assert "林晓" in phone.get("/").text
    phone.post("/sign-out")
    assert "林晓" not in phone.get("/").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_goes_to_no_other_site(demo: Flask, target: str) -> None:
    form = {"member": LIN, "next": target}
    assert demo.test_client().post("/sign-in", data=form).location == "/"


def test_each_member_sees_their_own_policies_and_a_visitor_none(demo: Flask) -> None:
    pages = [visit(demo, member).get("/").text for member in (LIN, ZHOU, None)]
    assert [set(re.findall(r"投保单号 (\d+)", page)) for page in pages] == [
        {"20190226020146"},
        {"20261103110527", "20261119093308"},
        set(),
    ]


def test_paid_order_has_no_pay_button(demo: Flask) -> None:
    browser = demo.test_client()
    assert words(find_element(browser.get("/"), ".pay-bar")) == "订单金额 ¥2,880.00 去支付"
    page = browser.post("/pay", follow_redirects=True)
    assert "已支付" in page.text
    assert parse_html(page).select(".pay-bar") == []


@pytest.mark.parametrize("host", ["a..b", "a b", "bücher.de", ".x"])
@pytest.mark.parametrize("path", ["/", "/widgets/mail", "/qa/links?page=product&reference=1"])
def test_invalid_host_returns_400(demo: Flask, host: str, path: str) -> None:
    response = demo.test_client().get(
        path, headers={"Host": host.encode("utf-8").decode("latin-1")}
    )
    assert response.status_code == 400


def test_where_insurance_is_off_no_page_speaks_of_it(tmp_path: Path) -> None:
    browser = visit(create_demo(tmp_path, XIEBAO_ENABLED="false"))
    for url, unsaid in {"/": ("添一份保障", "保险商城"), "/policies": ("保险商城",)}.items():
        page = browser.get(url).text
        assert "投保单号" in page  # what was bought before
        assert not [said for said in unsaid if said in page]
    assert "XIEBAO_ENABLED 已关闭" in browser.get("/widgets/").text


@pytest.mark.parametrize("url", ["/", "/sign-in", "/insured", "/xiebao/home/nonsense", "/nowhere"])
@pytest.mark.parametrize("member", [LIN, None])
def test_no_page_shows_the_sign_and_one_that_is_not_there_leads_back(
    demo: Flask, url: str, member: str | None
) -> None:
    page = visit(demo, member).get(url)
    assert SIGN not in page.text
    if url == "/nowhere":
        assert page.status_code == 404
        assert find_element(page, "h1").text == "没有找到这个页面"
        assert find_href(page, "返回订单") == "/"


# Where it leads


@pytest.mark.parametrize(
    ("settings", "says", "leads_to"),
    [
        ({}, "模拟网关", "/gateway/dispatch/cps?partnerId=12345&"),
        (
            REAL_ACCOUNT,
            "付的钱是真的",
            "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&",
        ),
        # An account that is read as numbers.
        (
            {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": "4711", "XIEBAO_ENV": "test"},
            "携保的测试环境，账号 12345",
            "https://testapi.xiebao18.com/dispatch/cps?partnerId=12345&",
        ),
    ],
)
def test_the_footer_says_where_entries_lead(
    tmp_path: Path, settings: dict[str, str], says: str, leads_to: str
) -> None:
    browser = visit(create_demo(tmp_path, **settings, XIEBAO_EXTRA='{"hidenav": 1}'))
    footer = find_element(browser.get("/"), "footer")
    assert says in footer.text
    assert find_element(footer, "a[href='/qa']")
    assert gateway(browser).startswith(leads_to)
    assert "&hidenav=1" in gateway(browser)
    assert "✓ 通过" in words(look(browser, "/qa/product-plain/iphone").h1)
    is_mounted = browser.get("/gateway/dispatch/cps").status_code != 404
    assert is_mounted == (settings == {})


@pytest.mark.parametrize(
    ("half", "missing"),
    [
        ({"XIEBAO_PARTNER_ID": "1039147"}, "XIEBAO_API_KEY is not set"),
        ({"XIEBAO_API_KEY": '"a-key-of-4711"'}, "XIEBAO_PARTNER_ID is not set"),
    ],
)
def test_half_an_account_is_an_error_and_not_the_simulator(
    tmp_path: Path, half: dict[str, str], missing: str
) -> None:
    with pytest.raises(ConfigError, match=missing):
        create_demo(tmp_path, **half)


def test_the_filter_of_the_access_log_masks_the_sign_and_keeps_the_rest() -> None:
    record = logging.makeLogRecord(
        {"msg": '"%s" %s', "args": (f"GET /x?a=1&sign={SIGN}&b=2 HTTP/1.1", 200)}
    )
    assert mask_sign(record)
    assert record.getMessage() == '"GET /x?a=1&sign=***&b=2 HTTP/1.1" 200'
