"""A site's own words, in ``XIEBAO_TEXTS``: on entries, cards, notices, the handoff and in mail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import CODE, MACROS, PC, PHONE, MakeSite, one, soup

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


def own_site(make_site: MakeSite, **config: Any) -> Any:
    return make_site(XIEBAO_TEXTS=OWN, XIEBAO_HANDOFF_MAX_AGE=90, **config)


@pytest.mark.parametrize(
    ("locale", "product", "insurer", "qr_label"),
    [
        ("zh", "立即投保", "承保：甲公司", "用手机扫码投保"),
        ("en", "Insure now", "With 甲公司", "Scan me"),
    ],
)
def test_entries_say_what_the_site_says(
    make_site: MakeSite, locale: str, product: str, insurer: str, qr_label: str
) -> None:
    site = own_site(make_site, XIEBAO_LOCALE=locale)
    shown = site.render(
        MACROS + "{{ insurance_entry(code) }}{{ insurance_home_entry() }}"
        "{{ insurance_card(code, '旅行险', insurer='甲公司') }}{{ insurance_qr(code) }}",
        code=CODE,
    )
    first, home, card = soup(shown).select("a")
    assert (first.text, home.text) == (product, "★ {今天}")
    assert one(shown, ".xiebao-entry__insurer").text == insurer
    assert one(shown, ".xiebao-qr")["aria-label"] == qr_label
    assert "旅行险" in card.text


def test_a_text_for_one_language_leaves_the_other_as_it_is(make_site: MakeSite) -> None:
    site = own_site(make_site, XIEBAO_LOCALE="en")
    assert one(site.follow(site.link("home"), PHONE), "h1").text == "Please sign in"
    assert one(own_site(make_site).follow(site.link("home"), PHONE), "h1").text == "先登录"


def test_a_notice_leads_back_to_the_site_by_its_name(make_site: MakeSite) -> None:
    for locale, name in (("zh", "轻游旅行"), ("en", "Qingyou Travel")):
        site = own_site(make_site, XIEBAO_LOCALE=locale)
        bar = one(site.follow("/xiebao/home/nonsense", PHONE), ".xiebao-bar a")
        assert (bar.text, bar["href"]) == (name, "/")


def test_a_site_without_a_name_is_called_by_its_host(make_site: MakeSite) -> None:
    shown = make_site().follow("https://shop.example/xiebao/home/nonsense", PHONE)
    assert one(shown, ".xiebao-bar a").text == "shop.example"


def test_the_handoff_says_what_the_site_says(make_site: MakeSite) -> None:
    site = own_site(make_site)
    site.log_in("alice")
    shown = site.follow(site.link("home"), PC)
    assert one(shown, "h1").text == "换手机看保险"
    lifetime = one(shown, "[data-xiebao-seconds]")
    assert lifetime.text.strip() == "90 秒有效"
    assert lifetime["data-xiebao-left"] == "→ {time}"


def test_a_mail_says_what_the_site_says(make_site: MakeSite) -> None:
    site = own_site(make_site, XIEBAO_PUBLIC_URL="https://shop.example")
    shown = site.render(
        '{% from "xiebao/mail.html" import mail_entry %}{{ mail_entry("product", code) }}',
        code=CODE,
    )
    assert one(shown, "a").text.strip() == "立即投保"


def test_own_words_are_text_and_no_markup(make_site: MakeSite) -> None:
    mine = "<b>1 & 2</b>"
    texts = dict.fromkeys(OWN, mine) | {"card.insurer": mine + "{insurer}"}
    site = make_site(XIEBAO_TEXTS=texts)
    shown = site.render(
        MACROS + "{{ insurance_entry(code) }}{{ insurance_card(code, 'x', insurer='<i>') }}",
        code=CODE,
    )
    notice = site.follow(site.link("home"), PHONE)
    site.log_in("alice")
    handoff = site.follow(site.link("home"), PC)
    for page in (shown, notice, handoff):
        assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in page.text
        assert not soup(page).select("b, i")
