"""Tests for the languages of the demo: pages in English, language switch, and gettext catalog.

To test another page in English, add its URL to ``PAGES``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

import demo_app
from demo_app.qa.events import add_event
from flask_xiebao.links.access_rules import REFUSALS
from tests.demo.support import (
    LIN,
    ONE_DEVICE,
    ZHOU,
    click_order_entry,
    click_policy_entry,
    create_demo,
    find_chinese,
    find_insure_num,
    find_missing_texts,
    get_page,
    get_policies,
    get_text,
    open_client,
)
from tests.support import INSURE_NUM, PRODUCT_CODE, SIGN, find_element, find_href, pay

FOLDER = Path(demo_app.__file__).parent
MESSAGES = FOLDER / "translations/zh/LC_MESSAGES/messages.po"

_PRODUCT = f"/qa/links?page=product&reference={PRODUCT_CODE}"
_POLICY = f"/qa/links?page=policy&reference={INSURE_NUM}"
#: One row per page: its URL, and the status of the response.
PAGES = [
    ("/", 200),
    ("/policies", 200),
    ("/sign-in", 200),
    ("/insured", 200),
    ("/terms", 200),
    (f"/xiebao/home/{SIGN}", 404),
    ("/widgets/", 200),
    ("/widgets/mail", 200),
    ("/qa", 200),
    ("/qa/report", 200),
    ("/qa/sales?by=nothing", 404),
    ("/qa/events", 200),
    ("/qa/events?at=2", 200),
    ("/qa/events?kind=refusal", 200),
    (f"/qa/events?kind=login&member={ZHOU}", 200),
    ("/qa/sales?by=reference", 200),
    ("/qa/sales?by=sub_account", 200),
    ("/qa/sales?by=page", 200),
    ("/qa/sales?by=month", 200),
    ("/qa/links", 200),
    (f"{_PRODUCT}&return_to=/insured", 200),
    ("/qa/links?page=home&device=pc", 200),
    (f"{_POLICY}&member={LIN}&no_login_for=60&user_agent=x", 200),
    ("/qa/links?page=product&reference=", 200),
    (f"{_PRODUCT}&platform=fax", 200),
    (f"{_PRODUCT}&return_to=x", 200),
    (f"{_PRODUCT}&no_login_for=60", 200),
    (f"{_PRODUCT}&sub_partner_id=%20", 200),
    (f"{_PRODUCT}&client_reference=%20", 200),
    (_POLICY, 200),
    (f"{_POLICY}&member={LIN}&sub_partner_id=b", 200),
    ("/qa/links?page=home&member=nobody", 200),
    ("/qa/links?page=home&device=nokia", 200),
    ("/qa/links?page=nowhere", 200),
]

#: One row per event: its kind and its values.
EVENTS: list[tuple[str, dict[str, Any]]] = [
    *(("click", {"click_id": f"c{number}", "platform": 1}) for number in range(60)),
    ("return", {"click_id": "c59", "same_session": False}),
    ("return", {"click_id": "c59", "same_session": True}),
    ("refusal", {"status": 404, "reason": "invalid_link", "page": "paid", "reference": None}),
    *(
        ("refusal", {"status": 403, "reason": reason})
        for reason in sorted({refusal.reason for refusal in REFUSALS.values()})
    ),
    ("login", {}),
    ("handoff", {}),
    *(
        ("notification", {"insure_num": "1", "step": step, "succeeded": step != 2})
        for step in (1, 2, 3, 4, 5, 9, 10)
    ),
]


@pytest.fixture(scope="module")
def english_demo_with_data(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The demo in English, with a sale, all kinds of events and a finished check."""
    demo = create_demo(tmp_path_factory.mktemp("demo"), BABEL_DEFAULT_LOCALE="en", **ONE_DEVICE)
    client = open_client(demo)
    pay(client, click_order_entry(client))
    with demo.test_request_context():
        for kind, values in EVENTS:
            add_event(kind, **{"member": LIN, "page": "product", "reference": "QX1", **values})
    get_page(client, "/qa")
    return demo


# Pages in English


@pytest.mark.parametrize("member", [LIN, None], ids=["member", "visitor"])
@pytest.mark.parametrize(("url", "status"), PAGES)
def test_english_page_contains_no_chinese(
    english_demo_with_data: Flask, url: str, status: int, member: str | None
) -> None:
    page = open_client(english_demo_with_data, member).get(url, follow_redirects=True)
    assert page.status_code == status
    assert find_element(page)["lang"] == "en"
    assert find_chinese(page) == []


def test_english_page_without_data_contains_no_chinese(demo: Flask) -> None:
    client = demo.test_client()
    client.get("/terms?lang=en")
    for url in ("/qa", "/qa/events", "/qa/sales", "/qa/sales?by=month"):
        assert find_chinese(client.get(url)) == []


def test_english_pages_contain_no_chinese_after_purchases(client: FlaskClient) -> None:
    client.get("/?lang=en")
    for action, state in {
        "fail": "Payment failed",
        "not_issued": "Not issued",
        "pay": "In force",
        "surrender_one": "In force",
        "reissue": "Reissued",
    }.items():
        if action in ("surrender_one", "reissue"):
            gateway_url = click_policy_entry(client, find_insure_num(get_policies(client)[0]))
        else:
            gateway_url = click_order_entry(client)
        client.post(gateway_url, data={"do": action, "two_people": "on"})

        pages = [client.get(url) for url in ("/", "/policies", "/insured")]
        assert find_missing_texts(pages[1], state) == []
        assert [find_chinese(page) for page in pages] == [[], [], []]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "Change the setting before the extension is initialized."),
        ("zh", "请在初始化扩展之前设置"),
    ],
)
def test_console_reports_setting_changed_after_init_app(
    demo: Flask, client: FlaskClient, lang: str, text: str
) -> None:
    demo.config["XIEBAO_API_KEY"] = "another key"

    page = get_page(client, f"/qa?lang={lang}")

    assert find_missing_texts(find_element(page, ".problem"), text, "XIEBAO_API_KEY") == []
    assert SIGN not in str(page)
    assert bool(find_chinese(page)) == (lang == "zh")
    assert f"--locale {lang}" in get_text(page)


@pytest.mark.parametrize(("lang", "text"), [("en", "Return link"), ("zh", "支付后返回")])
def test_event_list_shows_texts_instead_of_codes(
    english_demo_with_data: Flask, lang: str, text: str
) -> None:
    page = get_page(english_demo_with_data.test_client(), f"/qa/events?lang={lang}")
    cells = [get_text(cell) for cell in page.select(".events tbody td")]
    assert text in cells
    assert {"paid", "product", "refusal", "login"}.isdisjoint(cells)
    reasons = {refusal.reason for refusal in REFUSALS.values()}
    assert [cell for cell in cells if reasons & set(cell.split())] == []


# Language switch


@pytest.mark.parametrize("url", ["/", "/widgets/", "/qa/events", "/nowhere", "/sign-out"])
def test_language_switch_links_to_page_in_other_language(demo: Flask, url: str) -> None:
    client, query = demo.test_client(), ""
    for expected in (
        ("zh-CN", "English", "en"),
        ("en", "中文", "zh-CN"),
        ("zh-CN", "English", "en"),
    ):
        page = client.get(f"{url}{query}")
        switch = find_element(page, "header a.language")
        assert (find_element(page)["lang"], switch.text, switch["hreflang"]) == expected
        query = find_href(switch)


def test_language_switch_keeps_other_arguments(demo: Flask) -> None:
    page = demo.test_client().get("/qa/links?page=home&sub_partner_id=%26%3D&lang=zh")
    switch = find_element(page, "header a.language")
    assert switch["href"] == "?page=home&sub_partner_id=%26%3D&lang=en"


def test_chosen_language_is_kept_after_logout(demo: Flask, client: FlaskClient) -> None:
    client.get("/?lang=en")
    for url in (
        *("/", "/policies", "/widgets/", "/qa/events", "/nowhere"),
        *(f"/xiebao/home/{SIGN}", click_order_entry(client)),
    ):
        assert find_element(client.get(url))["lang"] == "en"

    page = client.post("/sign-out", follow_redirects=True)
    assert find_element(page)["lang"] == "en"
    assert "Lin Xiao" not in page.text
    assert find_element(open_client(demo).get("/"))["lang"] == "zh-CN"


@pytest.mark.parametrize("lang", ["fr", "", "zh_CN", "../en"])
def test_unknown_language_is_ignored(client: FlaskClient, lang: str) -> None:
    client.get("/?lang=en")
    page = client.get(f"/?lang={lang}")
    assert (page.status_code, find_element(page)["lang"]) == (200, "en")


def test_text_without_request_has_default_language(demo: Flask) -> None:
    with demo.app_context():
        assert demo.jinja_env.from_string("{{ _('My policies') }}").render() == "我的保单"


# Gettext catalog


def read_po_file(file: Path) -> Catalog:
    """Return the messages of a .po file or a .pot file."""
    return read_po(io.BytesIO(file.read_bytes()), locale="zh")


def parse_mo_file(content: bytes) -> list[tuple[Any, Any]]:
    """Return the messages and their translations from the content of a .mo file."""
    return [(message.id, message.string) for message in read_mo(io.BytesIO(content)) if message.id]


def test_gettext_catalog_has_exactly_messages_of_demo(tmp_path: Path) -> None:
    output = tmp_path / "demo.pot"
    CommandLineInterface().run(  # type: ignore[no-untyped-call]
        [
            *("pybabel", "--quiet", "extract", "--keywords=lazy_gettext", str(FOLDER)),
            *(f"--mapping-file={FOLDER / 'babel.cfg'}", f"--output-file={output}"),
        ]
    )
    messages = {message.id for message in read_po_file(output)}
    catalog = read_po_file(MESSAGES)
    assert len(messages) > 300
    assert {message.id for message in catalog} == messages, 'Run "make catalogs".'
    assert catalog.obsolete == {}


def test_gettext_catalog_translates_all_messages() -> None:
    for message in read_po_file(MESSAGES):
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        assert not (message.id and message.fuzzy), message.id
        assert list(message.check()) == [], message.id


def test_compiled_gettext_catalog_matches_source() -> None:
    expected = io.BytesIO()
    write_mo(expected, read_po_file(MESSAGES))
    translations = parse_mo_file(MESSAGES.with_suffix(".mo").read_bytes())
    assert translations == parse_mo_file(expected.getvalue()), 'Run "make catalogs".'
