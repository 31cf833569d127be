"""The demo in English and Chinese: the pages, the language switch and the gettext catalog."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import demo_app
from demo_app.qa import events
from tests.demo.support import (
    LIN,
    ZHOU,
    create_demo,
    gateway,
    look,
    order_page,
    visit,
    words,
)
from tests.support import INSURE_NUM, PC, PRODUCT_CODE, SIGN, find_element, find_href, parse_html

FOLDER = Path(demo_app.__file__).parent
MESSAGES = FOLDER / "translations/zh/LC_MESSAGES/messages.po"
#: Chinese characters, and the punctuation of Chinese sentences.
_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")


def find_chinese(page: TestResponse | Any) -> list[str]:
    """Return the Chinese texts of a page, except the name of the Chinese language in its header."""
    return [text for text in _CHINESE.findall(str(parse_html(page))) if text != "中文"]


@pytest.fixture
def english_demo(tmp_path: Path) -> Flask:
    """The demo with English as its default language."""
    return create_demo(tmp_path, BABEL_DEFAULT_LOCALE="en")


@pytest.fixture
def phone(english_demo: Flask) -> FlaskClient:
    """A phone on which the member Lin Xiao is signed in to the English demo."""
    return visit(english_demo)


# Every page in English


@pytest.mark.parametrize("member", [LIN, None])
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/", 200),
        ("/policies", 200),
        ("/sign-in", 200),
        ("/insured", 200),
        ("/nowhere", 404),
        ("/sign-out", 405),
        ("/widgets/", 200),
        ("/widgets/mail", 200),
        ("/qa/nothing/iphone", 404),
        (f"/xiebao/home/{SIGN}", 404),
    ],
)
def test_english_page_contains_no_chinese(
    english_demo: Flask, url: str, status: int, member: str | None
) -> None:
    page = visit(english_demo, member).get(url, follow_redirects=True)
    assert page.status_code == status
    assert find_element(page)["lang"] == "en"
    assert find_chinese(page) == []


def test_english_sign_in_error_contains_no_chinese(english_demo: Flask) -> None:
    page = english_demo.test_client().post("/sign-in", data={"member": "nobody"})
    assert page.status_code == 400
    assert find_element(page, "h1").text == "This request cannot be processed"
    assert find_chinese(page) == []


def test_english_shop_contains_no_chinese_after_purchases(phone: FlaskClient) -> None:
    states: set[str] = set()

    def expect_english() -> None:
        for url in ("/", "/policies", "/insured"):
            page = phone.get(url)
            assert find_chinese(page) == []
            states.update(words(state) for state in parse_html(page).select(".state"))

    phone.post(gateway(phone), data={"do": "fail"})
    expect_english()
    phone.post(gateway(phone), data={"do": "not_issued"})
    expect_english()
    phone.post(gateway(phone), data={"do": "pay", "two_people": "on"})
    expect_english()
    number = str(re.findall(r"Application number (\d+)", phone.get("/policies").text)[0])
    for action in ("surrender_one", "reissue"):
        phone.post(order_page(phone, number), data={"do": action})
        expect_english()
    assert {"Payment failed", "Not issued", "In force", "Reissued"} < states


def test_english_handoff_contains_no_chinese(english_demo: Flask) -> None:
    browser = visit(english_demo, agent=PC["User-Agent"])
    page = browser.get(find_href(find_element(browser.get("/"), "#home")))
    assert "Phones cannot open this code" in page.text
    assert find_chinese(page) == []


@pytest.mark.usefixtures("one_device")
def test_english_console_contains_no_chinese(phone: FlaskClient) -> None:
    assert find_chinese(phone.get("/qa")) == []  # while the check is running
    page = look(phone)
    for tab in page.select("nav.tabs a, nav.filters a[href]"):
        assert find_chinese(look(phone, find_href(tab))) == []
    assert "/ · Product page" in words(look(phone, "/qa?show=pages").main)
    for url in ("/qa/home-plain/iphone", "/qa/product-sub-partner/iphone"):
        assert find_chinese(look(phone, url)) == []
    report = phone.get("/qa/report")
    assert find_element(report)["lang"] == "en"
    assert find_chinese(report) == []


@pytest.mark.usefixtures("one_device")
def test_failures_in_english_console_contain_no_chinese(english_demo: Flask) -> None:
    english_demo.config["XIEBAO_API_KEY"] = "another key"  # after init_app
    page = look(english_demo.test_client())
    assert page.select(".problem")
    assert find_chinese(page) == []
    assert "--locale en" in english_demo.test_client().get("/qa/report").text


def store_events(demo: Flask) -> None:
    """Store an event of each kind, and more than a page of clicks."""
    common = {"member": LIN, "page": "product", "reference": PRODUCT_CODE}
    with demo.test_request_context():
        for number in range(60):
            events.add_event("click", click_id=f"c{number}", platform=1, **common)
        events.add_event("return", click_id="c59", same_session=False, **common)
        events.add_event("return", click_id="c59", same_session=True, **common)
        events.add_event("return", click_id="gone", same_session=True, **common)
        events.add_event("refusal", status=404, reason="invalid_link", page="paid")
        for reason in ("another_member", "expired", "login_required", "not_allowed", "disabled"):
            events.add_event("refusal", status=403, reason=reason, **common)
        events.add_event("login", **common)
        events.add_event("handoff", **common)
        for step in (1, 2, 3, 4, 5, 9, 10):
            events.add_event(
                "notification", insure_num="1", step=step, succeeded=step != 2, **common
            )


@pytest.mark.parametrize("query", ["", "?at=2", "?kind=refusal", "?kind=login&member=" + ZHOU])
def test_english_events_contain_no_chinese(english_demo: Flask, query: str) -> None:
    assert find_chinese(english_demo.test_client().get("/qa/events")) == []  # before any event
    store_events(english_demo)
    assert find_chinese(english_demo.test_client().get(f"/qa/events{query}")) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_events_list_shows_words_instead_of_raw_values(demo: Flask, lang: str) -> None:
    store_events(demo)
    page = look(demo.test_client(), f"/qa/events?lang={lang}")
    cells = [words(cell) for cell in page.select(".events tbody td")]
    return_link = {"en": "Return link", "zh": "支付后返回"}[lang]
    assert return_link in cells
    assert {"paid", "product", "refusal", "login"}.isdisjoint(cells)


@pytest.mark.parametrize("by", ["reference", "sub_account", "page", "month"])
def test_english_sales_contain_no_chinese(phone: FlaskClient, by: str) -> None:
    assert find_chinese(phone.get(f"/qa/sales?by={by}")) == []  # before any click
    phone.post(gateway(phone), data={"do": "pay"})
    page = look(phone, f"/qa/sales?by={by}")
    assert page.select(".sales tbody tr")
    assert find_chinese(page) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"?page=product&reference={PRODUCT_CODE}&return_to=/insured",
        "?page=home&device=pc",
        f"?page=policy&reference={INSURE_NUM}&member={LIN}&no_login_for=60&user_agent=x",
        "?page=product&reference=",
        f"?page=product&reference={PRODUCT_CODE}&platform=fax",
        f"?page=product&reference={PRODUCT_CODE}&return_to=x",
        f"?page=product&reference={PRODUCT_CODE}&no_login_for=60",
        f"?page=product&reference={PRODUCT_CODE}&sub_partner_id=%20",
        f"?page=product&reference={PRODUCT_CODE}&client_reference=%20",
        f"?page=policy&reference={INSURE_NUM}",
        f"?page=policy&reference={INSURE_NUM}&member={LIN}&sub_partner_id=b",
        "?page=home&member=nobody",
        "?page=home&device=nokia",
        "?page=nowhere",
    ],
)
def test_english_form_for_links_contains_no_chinese(english_demo: Flask, query: str) -> None:
    page = visit(english_demo, None).get(f"/qa/links{query}")
    assert page.status_code == 200
    assert find_chinese(page) == []


def test_form_explains_unknown_host_in_english(english_demo: Flask) -> None:
    english_demo.testing = False
    url = f"/qa/links?page=product&reference={PRODUCT_CODE}&member={LIN}&no_login_for=60"
    page = english_demo.test_client().get(url)
    assert "Set FLASK_XIEBAO_PUBLIC_URL" in find_element(page, "#qr-error").text
    assert find_chinese(page) == []


# The switch


@pytest.mark.parametrize("url", ["/", "/widgets/", "/qa/events", "/nowhere", "/sign-out"])
def test_language_switch_leads_to_same_page_in_other_language(demo: Flask, url: str) -> None:
    browser = demo.test_client()
    page = browser.get(url)
    switch = find_element(page, "header a.language")
    assert (find_element(page)["lang"], switch.text, switch["hreflang"]) == (
        "zh-CN",
        "English",
        "en",
    )
    page = browser.get(f"{url}{switch['href']}")
    switch = find_element(page, "header a.language")
    assert (find_element(page)["lang"], switch.text, switch["hreflang"]) == ("en", "中文", "zh-CN")
    page = browser.get(f"{url}{switch['href']}")
    assert find_element(page)["lang"] == "zh-CN"


def test_language_switch_keeps_other_arguments(demo: Flask) -> None:
    page = demo.test_client().get("/qa/links?page=home&sub_partner_id=%26%3D&lang=zh")
    switch = find_element(page, "header a.language")
    assert switch["href"] == "?page=home&sub_partner_id=%26%3D&lang=en"


def test_language_switch_is_kept_on_next_page(demo: Flask) -> None:
    browser = visit(demo)
    browser.get("/?lang=en")
    for url in ("/", "/policies", "/widgets/", "/qa/events", "/nowhere"):
        assert find_element(browser.get(url))["lang"] == "en"
    assert find_element(visit(demo).get("/"))["lang"] == "zh-CN"


def test_language_switch_changes_pages_of_extension_and_simulator(demo: Flask) -> None:
    browser = visit(demo)
    browser.get("/?lang=en")
    for url in (f"/xiebao/home/{SIGN}", gateway(browser)):
        assert find_element(browser.get(url))["lang"] == "en"


def test_language_switch_is_kept_after_sign_out(demo: Flask) -> None:
    browser = visit(demo)
    browser.get("/?lang=en")
    page = browser.post("/sign-out", follow_redirects=True)
    assert find_element(page)["lang"] == "en"
    assert "Lin Xiao" not in page.text


def test_sign_in_returns_to_page_in_language_of_sign_in_page(demo: Flask) -> None:
    browser = demo.test_client()
    form = find_element(
        browser.get(
            find_href(find_element(browser.get("/qa/events?kind=click&lang=en"), "a.account"))
        )
    )
    next_page = find_element(form, "[name=next]")["value"]
    assert next_page == "/qa/events?kind=click"


@pytest.mark.parametrize("lang", ["fr", "", "zh_CN", "../en"])
def test_unknown_language_is_ignored(demo: Flask, lang: str) -> None:
    browser = demo.test_client()
    browser.get("/?lang=en")
    page = browser.get(f"/?lang={lang}")
    assert page.status_code == 200
    assert find_element(page)["lang"] == "en"


def test_default_language_comes_from_environment(tmp_path: Path) -> None:
    browser = visit(create_demo(tmp_path, BABEL_DEFAULT_LOCALE="en"))
    assert "Hello, Lin Xiao" in browser.get("/").text
    assert "林晓，您好" in browser.get("/?lang=zh").text


def test_text_without_request_has_default_language(demo: Flask) -> None:
    with demo.app_context():
        assert demo.jinja_env.from_string("{{ _('My policies') }}").render() == "我的保单"


# Error pages


@pytest.mark.parametrize(
    ("lang", "title"),
    [("zh", "这个网址不能直接打开"), ("en", "This address cannot be opened directly")],
)
def test_wrong_method_shows_error_page_of_demo(demo: Flask, lang: str, title: str) -> None:
    page = demo.test_client().get(f"/sign-out?lang={lang}")
    assert page.status_code == 405
    assert set(page.allow) == {"POST", "OPTIONS"}
    assert find_element(page, "h1").text == title
    assert find_href(find_element(page, ".actions")) == "/"


def test_sign_in_of_unknown_member_shows_error_page_of_demo(demo: Flask) -> None:
    page = demo.test_client().post("/sign-in", data={"member": "nobody"})
    assert page.status_code == 400
    assert find_element(page, "h1").text == "无法处理这个请求"


# The catalog


def read_catalog(file: Path) -> Catalog:
    """Read a file with messages."""
    with file.open("rb") as content:
        return read_po(content, locale="zh")


def test_catalog_has_exactly_the_messages_of_the_demo(tmp_path: Path) -> None:
    extracted = tmp_path / "demo.pot"
    mapping = f"--mapping-file={FOLDER / 'babel.cfg'}"
    arguments = [mapping, "--keywords=lazy_gettext", f"--output-file={extracted}", str(FOLDER)]
    pybabel = CommandLineInterface()
    pybabel.run(["pybabel", "--quiet", "extract", *arguments])  # type: ignore[no-untyped-call]
    messages = {message.id for message in read_catalog(extracted)}
    catalog = read_catalog(MESSAGES)
    assert len(messages) > 300
    assert {message.id for message in catalog} == messages, 'run "make catalogs"'
    assert catalog.obsolete == {}


def test_catalog_translates_every_message() -> None:
    for message in read_catalog(MESSAGES):
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        assert not (message.id and message.fuzzy), message.id
        assert list(message.check()) == [], message.id


def test_compiled_catalog_has_the_translations_of_its_source() -> None:
    source = io.BytesIO()
    write_mo(source, read_catalog(MESSAGES))
    source.seek(0)
    with MESSAGES.with_suffix(".mo").open("rb") as compiled:
        texts, expected = (
            [(message.id, message.string) for message in read_mo(file) if message.id]
            for file in (compiled, source)
        )
    assert texts == expected, 'run "make catalogs"'
