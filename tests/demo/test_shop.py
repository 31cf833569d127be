"""Tests for the demo's shop: entries, login, account and error pages.

To test another error page, add a row to ``ERROR_PAGES``.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_xiebao import ConfigError
from tests import qr
from tests.demo.support import (
    LIN,
    ORDER_PAGE_ENTRIES,
    REAL_ACCOUNT,
    ZHOU,
    click_order_entry,
    create_demo,
    find_chinese,
    find_missing_texts,
    get_text,
    open_client,
)
from tests.support import PC, PHONE, PRODUCT_CODE, SIGN, find_element, find_href, parse_html

#: One row per error page: the method and the URL of the request, the status, the allowed methods,
#: and the title of the page in each language.
ERROR_PAGES: dict[str, tuple[str, str, int, set[str], dict[str, str]]] = {
    "unknown URL": (
        *("GET", "/nowhere", 404, set()),
        {"zh": "没有找到这个页面", "en": "Page not found"},
    ),
    "wrong method": (
        *("GET", "/sign-out", 405, {"POST", "OPTIONS"}),
        {"zh": "这个网址不能直接打开", "en": "This address cannot be opened directly"},
    ),
    "unknown member": (
        *("POST", "/sign-in", 400, set()),
        {"zh": "无法处理这个请求", "en": "This request cannot be processed"},
    ),
}


def assert_gateway_page(page: TestResponse, **parameters: str) -> None:
    """Assert that the simulator shows a gateway page and received these parameters."""
    assert "已接受" in find_element(page, ".xiebao-verdict--accepted").text
    rows = parse_html(page).select(".xiebao-parameters tbody tr")
    received = {name.text: value.text for name, value, _ in (row.select("th, td") for row in rows)}
    assert {name: received[name] for name in parameters} == parameters


# Entries on the order page


@pytest.mark.parametrize(
    ("user_agent", "entry", "platform"),
    [
        pytest.param(PC["User-Agent"], "product", "2", id="product on a PC"),
        *(
            pytest.param(f"{PHONE['User-Agent']} QingyouApp/3.2", entry, "3", id=f"{entry} in app")
            for entry in ORDER_PAGE_ENTRIES
        ),
    ],
)
def test_entry_redirects_to_gateway(
    demo: Flask, user_agent: str, entry: str, platform: str
) -> None:
    client = open_client(demo, user_agent=user_agent)
    order = client.get("/")

    page = client.get(
        find_href(find_element(order, ORDER_PAGE_ENTRIES[entry])), follow_redirects=True
    )

    assert_gateway_page(page, platform=platform, partnerUniqKey=LIN)
    assert SIGN not in order.text + page.text


@pytest.mark.parametrize(
    ("lang", "hint"), [("zh", "手机扫了打不开"), ("en", "Phones cannot open this code")]
)
@pytest.mark.parametrize("entry", ["home", "policy"])
def test_entry_on_pc_shows_qr_code_for_phone(demo: Flask, entry: str, lang: str, hint: str) -> None:
    client = open_client(demo, user_agent=PC["User-Agent"])
    order = client.get(f"/?lang={lang}")

    handoff = client.get(find_href(find_element(order, ORDER_PAGE_ENTRIES[entry])))
    phone = open_client(demo, member=None)
    page = phone.get(urlsplit(qr.read(handoff.text)).path, follow_redirects=True)

    assert "支付成功" not in handoff.text
    # A phone cannot open the URL, because the demo runs on localhost.
    assert hint in handoff.text
    assert bool(find_chinese(handoff)) == (lang == "zh")
    assert_gateway_page(page, platform="1", partnerUniqKey=LIN)
    assert SIGN not in order.text + handoff.text + page.text


@pytest.mark.parametrize("url", ["/", "/sign-in", "/insured", "/xiebao/home/no", "/nowhere"])
@pytest.mark.parametrize("member", [LIN, None], ids=["member", "visitor"])
def test_shop_page_contains_no_signature(demo: Flask, url: str, member: str | None) -> None:
    assert SIGN not in open_client(demo, member).get(url).text


# Login and orders


def test_login_continues_to_gateway(demo: Flask) -> None:
    client = open_client(demo, member=None)
    entry = find_element(client.get("/"), "[data-xiebao-entry=product]")
    form = find_element(client.get(find_href(entry), follow_redirects=True), "form.members")
    fields = {"next": find_element(form, "[name=next]")["value"], "member": LIN}

    page = client.post(form["action"], data=fields, follow_redirects=True)

    assert_gateway_page(page, partnerUniqKey=LIN)
    assert "林晓" in client.get("/").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_login_does_not_redirect_to_other_site(demo: Flask, target: str) -> None:
    form = {"member": LIN, "next": target}
    assert demo.test_client().post("/sign-in", data=form).location == "/"


@pytest.mark.parametrize(
    ("url", "root", "expected"),
    [
        pytest.param("/widgets/", "", "/sign-in?next=/widgets/", id="path"),
        pytest.param(
            "/widgets/", "/shop", "/shop/sign-in?next=/shop/widgets/", id="site below path"
        ),
        pytest.param("/nowhere", "/shop", "/shop/sign-in?next=/shop/", id="unknown URL"),
        pytest.param(
            "/qa/events?kind=click&lang=en", "", "/sign-in?next=/qa/events?kind%3Dclick", id="query"
        ),
    ],
)
def test_login_link_returns_to_same_page(demo: Flask, url: str, root: str, expected: str) -> None:
    page = demo.test_client().get(url, base_url=f"http://localhost{root}")
    assert find_href(find_element(page, "a.account")) == expected


@pytest.mark.parametrize(
    ("member", "insure_nums"),
    [
        pytest.param(LIN, ["20190226020146"], id="Lin Xiao"),
        pytest.param(ZHOU, ["20261103110527", "20261119093308"], id="Zhou Hang"),
        pytest.param(None, [], id="visitor"),
    ],
)
def test_order_page_shows_only_policies_of_member(
    demo: Flask, member: str | None, insure_nums: list[str]
) -> None:
    page = open_client(demo, member).get("/").text
    assert sorted(re.findall(r"投保单号 (\d+)", page)) == insure_nums


def test_paid_order_has_no_pay_button(demo: Flask) -> None:
    client = demo.test_client()
    assert get_text(find_element(client.get("/"), ".pay-bar")) == "订单金额 ¥2,880.00 去支付"

    page = client.post("/pay", follow_redirects=True)

    assert "已支付" in page.text
    assert parse_html(page).select(".pay-bar") == []


# Partner accounts


@pytest.mark.parametrize(
    ("settings", "text", "gateway_url"),
    [
        pytest.param({}, "模拟网关", "/gateway/dispatch/cps?partnerId=12345&", id="simulator"),
        pytest.param(
            REAL_ACCOUNT,
            "付的钱是真的",
            "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&",
            id="production",
        ),
        pytest.param(
            {"XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": "4711", "XIEBAO_ENV": "test"},
            "携保的测试环境，账号 12345",
            "https://testapi.xiebao18.com/dispatch/cps?partnerId=12345&",
            id="test, with a numeric key",
        ),
    ],
)
def test_entries_redirect_to_gateway_named_in_footer(
    tmp_path: Path, settings: dict[str, str], text: str, gateway_url: str
) -> None:
    client = open_client(create_demo(tmp_path, **settings, XIEBAO_EXTRA='{"hidenav": 1}'))

    footer = find_element(client.get("/"), "footer")
    location = click_order_entry(client)

    assert text in footer.text
    assert find_element(footer, "a[href='/qa']")
    assert location.startswith(gateway_url)
    assert "&hidenav=1" in location
    link_form = client.get(f"/qa/links?page=product&reference={PRODUCT_CODE}")
    assert find_missing_texts(link_form, "✓ 网关接受", "hidenav 1") == []
    assert (client.get("/gateway/dispatch/cps").status_code == 404) == bool(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"XIEBAO_PARTNER_ID": "1"}, "XIEBAO_API_KEY is not set", id="no key"),
        pytest.param({"XIEBAO_API_KEY": "a-key"}, "XIEBAO_PARTNER_ID is not set", id="no id"),
    ],
)
def test_incomplete_account_raises(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_demo(tmp_path, **settings)


# Error pages


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("method", "url", "status", "allowed_methods", "titles"), ERROR_PAGES.values(), ids=ERROR_PAGES
)
def test_error_page_has_title_and_link_to_order(
    demo: Flask,
    method: str,
    url: str,
    status: int,
    allowed_methods: set[str],
    titles: dict[str, str],
    lang: str,
) -> None:
    page = demo.test_client().open(f"{url}?lang={lang}", method=method)

    assert page.status_code == status
    assert set(page.allow) == allowed_methods
    assert find_element(page, "h1").text == titles[lang]
    assert find_href(find_element(page, ".actions")) == "/"
    assert bool(find_chinese(page)) == (lang == "zh")


@pytest.mark.skipif(
    version("werkzeug").startswith("3.0."),
    reason="Werkzeug 3.0 does not validate the characters of a host.",
)
@pytest.mark.parametrize("host", ["a..b", "a b", "bücher.de", ".x"])
@pytest.mark.parametrize("path", ["/", "/widgets/mail", "/qa/links?page=product&reference=1"])
def test_invalid_host_returns_400(demo: Flask, host: str, path: str) -> None:
    headers = {"Host": host.encode("utf-8").decode("latin-1")}
    assert demo.test_client().get(path, headers=headers).status_code == 400
