"""Tests for labels and other texts, their languages, and texts that the site replaces.

``TEXTS`` has the replacements. To test the text of another macro, add the macro to ``PAGE``, and
its text to each row of ``PAGE_TEXTS``.
"""

from __future__ import annotations

import pytest

from tests.page.support import HOME_ENTRY, MAIL_MACRO, POLICY_ENTRY, PRODUCT_ENTRY, QR_CODE
from tests.support import PC, PHONE, MakeSite, find_element, parse_html

#: The texts in the setting ``XIEBAO_TEXTS`` of a test site.
TEXTS = {
    "site.name": {"zh": "轻游旅行", "en": "Qingyou Travel"},
    "product.label": {"zh": "立即投保", "en": "Insure now"},
    "home.label": "★ {今天}",  # This text has no placeholders, so its braces are shown.
    "card.insurer": {"zh": "承保：{insurer}", "en": "With {insurer}"},
    "qr.label": {"en": "Scan me"},
    "notice.login_required.title": {"zh": "先登录"},
    "handoff.seconds": {"zh": "{count} 秒有效", "en": "{count} s"},
    "handoff.left": "→ {time}",
    "home.on_phone": {"zh": "换手机看保险"},
}
PAGE = (
    f'{PRODUCT_ENTRY}{HOME_ENTRY}{POLICY_ENTRY}{{{{ insurance_card("1", "旅行险", insurer="A") }}}}'
    f'{QR_CODE}{MAIL_MACRO}{{{{ mail_entry("product", "1") }}}}'
)
#: One row per page: the language, whether the site sets ``XIEBAO_TEXTS``, and the expected texts in
#: their order on the page.
PAGE_TEXTS = {
    ("zh-CN", False): [
        *("我要投保", "保险商城", "查看保单", "本产品由A承保", "用手机扫码投保", "我要投保")
    ],
    ("zh-CN", True): [
        *("立即投保", "★ {今天}", "查看保单", "承保：A", "用手机扫码投保", "立即投保")
    ],
    ("en", False): [
        *("Get insured", "Insurance shop", "View policy", "Underwritten by A"),
        *("QR code: scan with your phone to get insured", "Get insured"),
    ],
    ("en", True): [*("Insure now", "★ {今天}", "View policy", "With A", "Scan me", "Insure now")],
}


@pytest.mark.parametrize(
    ("setting", "babel_locale", "lang"),
    [
        (None, None, "zh-CN"),
        ("zh", None, "zh-CN"),
        ("en", None, "en"),
        (None, "en", "en"),
        (None, "en_GB", "en"),
        (None, "zh_Hans_CN", "zh-CN"),
        (None, "fr", "en"),
        ("zh", "en", "zh-CN"),
        ("en", "zh", "en"),
    ],
)
@pytest.mark.parametrize("has_texts", [False, True], ids=["default texts", "XIEBAO_TEXTS"])
def test_texts_use_language_of_xiebao_locale_or_flask_babel(
    make_site: MakeSite, setting: str | None, babel_locale: str | None, lang: str, has_texts: bool
) -> None:
    site = make_site(XIEBAO_LOCALE=setting, XIEBAO_TEXTS=TEXTS if has_texts else {})
    site.log_in("alice")
    if babel_locale is not None:
        from flask_babel import Babel

        Babel(site.app, locale_selector=lambda: babel_locale)

    elements = parse_html(site.render(PAGE)).select("[lang]")
    texts = [element.get("aria-label") or element.text for element in elements]
    assert texts == PAGE_TEXTS[lang, has_texts]
    assert {element["lang"] for element in elements} == {lang}


@pytest.mark.parametrize(
    ("page", "headers", "title_zh", "title_en"),
    [
        ("home", PC, "用手机打开保险商城", "Open the insurance shop on your phone"),
        ("policy", PC, "用手机查看保单", "View your policy on your phone"),
        ("home", {"HX-Request": "true"}, "正在打开…", "Opening…"),
    ],
    ids=["handoff page", "handoff page of policy", "page for scripts"],
)
@pytest.mark.parametrize("locale", [None, "zh", "en"])
def test_page_after_click_uses_language_of_xiebao_locale(
    make_site: MakeSite,
    page: str,
    headers: dict[str, str],
    title_zh: str,
    title_en: str,
    locale: str | None,
) -> None:
    site = make_site(XIEBAO_LOCALE=locale)
    site.log_in("alice")
    html = parse_html(site.follow(site.link(page), headers))

    lang, title = ("en", title_en) if locale == "en" else ("zh-CN", title_zh)
    assert find_element(html, "html")["lang"] == lang
    assert [element.text for element in html.select("title, h1")] == [title, title]


# Texts that a site replaces


@pytest.mark.parametrize(
    ("locale", "title", "name"),
    [("zh", "先登录", "轻游旅行"), ("en", "Please sign in", "Qingyou Travel")],
)
def test_refusal_page_shows_title_and_site_name_from_xiebao_texts(
    make_site: MakeSite, locale: str, title: str, name: str
) -> None:
    site = make_site(XIEBAO_TEXTS=TEXTS, XIEBAO_LOCALE=locale)
    refusal_page = site.follow(site.link("home"), PHONE)
    assert find_element(refusal_page, "h1").text == title
    assert find_element(refusal_page, ".xiebao-bar a[href='/']").text == name


@pytest.mark.parametrize(
    ("public_url", "host"),
    [(None, "shop.example"), ("https://shop.example/store", "worker-3:8000")],
)
def test_refusal_page_shows_host_if_site_has_no_name(
    make_site: MakeSite, public_url: str | None, host: str
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=public_url)
    refusal_page = site.follow(f"https://{host}/xiebao/home/nonsense", PHONE)
    assert find_element(refusal_page, ".xiebao-bar a").text == "shop.example"


def test_handoff_page_shows_title_and_lifetime_from_xiebao_texts(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_TEXTS=TEXTS, XIEBAO_HANDOFF_MAX_AGE=90)
    site.log_in("alice")
    page = site.follow(site.link("home"), PC)

    assert find_element(page, "h1").text == "换手机看保险"
    lifetime = find_element(page, "[data-xiebao-seconds]")
    assert lifetime.text.strip() == "90 秒有效"
    assert lifetime["data-xiebao-left"] == "→ {time}"


def test_xiebao_texts_are_escaped(make_site: MakeSite) -> None:
    text = "<b>1 & 2</b>"
    texts = dict.fromkeys(TEXTS, text) | {"card.insurer": f"{text}{{insurer}}"}
    site = make_site(XIEBAO_TEXTS=texts)
    refusal_page = site.follow(site.link("home"), PHONE)
    site.log_in("alice")
    handoff_page = site.follow(site.link("home"), PC)
    page = site.render(PAGE.replace('insurer="A"', 'insurer="<i>"'))

    for response in (refusal_page, handoff_page, page):
        assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in response.text
        assert not parse_html(response).select("b, i")
