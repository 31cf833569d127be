"""What entries, codes, notices and mails say, in which language, and in a site's own words."""

from __future__ import annotations

import pytest
from flask_babel import Babel

from tests.page.support import HOME, MAIL, POLICY, PRODUCT, QR
from tests.support import PC, PHONE, MakeSite, find_element, parse_html

OWN = {
    "site.name": {"zh": "轻游旅行", "en": "Qingyou Travel"},
    "product.label": {"zh": "立即投保", "en": "Insure now"},
    "home.label": "★ {今天}",  # no value goes in here, so that braces are braces
    "card.insurer": {"zh": "承保：{insurer}", "en": "With {insurer}"},
    "qr.label": {"en": "Scan me"},
    "notice.login_required.title": {"zh": "先登录"},
    "handoff.seconds": {"zh": "{count} 秒有效", "en": "{count} s"},
    "handoff.left": "→ {time}",
    "home.on_phone": {"zh": "换手机看保险"},
}

SHOWN = (
    f'{PRODUCT}{HOME}{POLICY}{{{{ insurance_card("1", "旅行险", insurer="A") }}}}{QR}'
    f'{MAIL}{{{{ mail_entry("product", "1") }}}}'
)
#: What these say, in our words and in the site's.
SAID = {
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
    ("setting", "babel", "lang"),
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
@pytest.mark.parametrize("own", [False, True], ids=["ours", "the site's own"])
def test_what_is_said_is_in_the_language_of_the_site(
    make_site: MakeSite, setting: str | None, babel: str | None, lang: str, own: bool
) -> None:
    site = make_site(XIEBAO_LOCALE=setting, XIEBAO_TEXTS=OWN if own else {})
    site.log_in("alice")
    if babel is not None:
        Babel(site.app, locale_selector=lambda: babel)
    marked = parse_html(site.render(SHOWN)).select("[lang]")
    assert [each.get("aria-label") or each.text for each in marked] == SAID[lang, own]
    assert {each["lang"] for each in marked} == {lang}


@pytest.mark.parametrize(
    ("locale", "title", "name"),
    [("zh", "先登录", "轻游旅行"), ("en", "Please sign in", "Qingyou Travel")],
)
def test_a_notice_says_what_the_site_says_and_leads_back_to_it_by_its_name(
    make_site: MakeSite, locale: str, title: str, name: str
) -> None:
    site = make_site(XIEBAO_TEXTS=OWN, XIEBAO_LOCALE=locale)
    notice = site.follow(site.link("home"), PHONE)
    assert find_element(notice, "h1").text == title
    bar = find_element(notice, ".xiebao-bar a")
    assert (bar.text, bar["href"]) == (name, "/")


@pytest.mark.parametrize("public", [None, "https://shop.example/store"])
def test_a_site_without_a_name_is_called_by_its_host(
    make_site: MakeSite, public: str | None
) -> None:
    asked = "shop.example" if public is None else "worker-3:8000"
    site = make_site(XIEBAO_PUBLIC_URL=public)
    shown = site.follow(f"https://{asked}/xiebao/home/nonsense", PHONE)
    assert find_element(shown, ".xiebao-bar a").text == "shop.example"


def test_the_handoff_says_what_the_site_says(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_TEXTS=OWN, XIEBAO_HANDOFF_MAX_AGE=90)
    site.log_in("alice")
    shown = site.follow(site.link("home"), PC)
    assert find_element(shown, "h1").text == "换手机看保险"
    lifetime = find_element(shown, "[data-xiebao-seconds]")
    assert lifetime.text.strip() == "90 秒有效"
    assert lifetime["data-xiebao-left"] == "→ {time}"


@pytest.mark.parametrize(
    ("page", "headers", "zh", "en"),
    [
        ("home", PC, "用手机打开保险商城", "Open the insurance shop on your phone"),
        ("policy", PC, "用手机查看保单", "View your policy on your phone"),
        ("home", {"HX-Request": "true"}, "正在打开…", "Opening…"),
    ],
    ids=["handoff", "handoff of a policy", "for a script"],
)
@pytest.mark.parametrize("locale", [None, "zh", "en"])
def test_a_page_on_the_way_speaks_the_language_of_the_site(
    make_site: MakeSite, page: str, headers: dict[str, str], zh: str, en: str, locale: str | None
) -> None:
    site = make_site(XIEBAO_LOCALE=locale)
    site.log_in("alice")
    shown = site.follow(site.link(page), headers)
    lang, title = ("en", en) if locale == "en" else ("zh-CN", zh)
    said = [
        find_element(shown, "html")["lang"],
        *(part.text for part in parse_html(shown).select("title, h1")),
    ]
    assert said == [lang, title, title]


def test_own_words_are_text_and_no_markup(make_site: MakeSite) -> None:
    mine = "<b>1 & 2</b>"
    texts = dict.fromkeys(OWN, mine) | {"card.insurer": f"{mine}{{insurer}}"}
    site = make_site(XIEBAO_TEXTS=texts)
    notice = site.follow(site.link("home"), PHONE)
    site.log_in("alice")
    handoff = site.follow(site.link("home"), PC)
    shown = site.render(SHOWN.replace('insurer="A"', 'insurer="<i>"'))
    for page in (shown, notice, handoff):
        assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in page.text
        assert not parse_html(page).select("b, i")
