"""Tests for ``insurance_card``, the macro for product cards.

To test another price, add a row to ``PRICES``. To test another invalid value of a keyword, add a
row to ``INVALID_VALUES``. Keywords that become HTML attributes are tested in ``test_entries.py``.
"""

from __future__ import annotations

from collections import UserList
from typing import Any

import pytest
from jinja2 import Undefined
from markupsafe import Markup
from werkzeug.test import TestResponse

from flask_xiebao import LinkError
from tests.page.support import UNSAFE_CONTEXT
from tests.support import DEPLOYED, MakeSite, Site, find_element, find_href, parse_html

UNSAFE = UNSAFE_CONTEXT["unsafe"]


def get_card_page(site: Site, keywords: str = "", **context: Any) -> TestResponse:
    """Request a page with a card for the product QX1, "旅行险", and return the response."""
    return site.render(f'{{{{ insurance_card("QX1", "旅行险", {keywords}) }}}}', **context)


# Parts of a product card


def test_card_links_to_product_and_shows_all_parts(site: Site) -> None:
    page = get_card_page(
        site,
        'text="都管", price="¥3 起/天", badge="热卖", image="/trip.svg", action="去投保",'
        ' insurer="某某财险"',
    )

    card, image = find_element(page, "a"), find_element(page, "img")
    assert find_href(card) == find_href(site.render('{{ insurance_entry("QX1") }}'))
    assert card["class"] == ["xiebao-entry", "xiebao-entry--card"]
    assert card["data-xiebao-entry"] == "product"
    assert card.text.split() == [
        *("旅行险", "热卖", "都管", "本产品由某某财险承保", "¥3", "起/天", "去投保")
    ]
    assert image["src"] == "/trip.svg"
    assert image["alt"] == ""


@pytest.mark.parametrize(
    ("keywords", "parts"),
    [
        ("", []),
        ('text="x"', ["text"]),
        ('price="x", badge=none, image="", action=missing', ["foot", "price"]),
        ("price=0", ["foot", "price"]),
        ("price=false", []),
        ('old_price="x"', []),
        ('price="x", insured=none', ["foot", "price"]),
        ('price="x", insured=""', ["foot", "price"]),
        ('action="x", insurer="y"', ["insurer", "foot", "action"]),
    ],
)
def test_card_omits_parts_without_value(site: Site, keywords: str, parts: list[str]) -> None:
    elements = parse_html(get_card_page(site, keywords)).select("a *")
    assert [str(element["class"][0]) for element in elements] == [
        f"xiebao-entry__{name}" for name in ("main", "body", "title", *parts)
    ]


def test_card_with_empty_title_shows_default_label(site: Site) -> None:
    card = find_element(site.render('{{ insurance_card("QX1", "") }}'), "a")
    assert card.text.strip() == "我要投保"


#: One row per price: the price that the template passes, and the expected HTML. If a price is text
#: with exactly one number, all text but the number is in ``<small>`` elements.
PRICES = [
    ('"¥3 起/天"', "<small>¥</small>3<small> 起/天</small>"),
    ('"From ¥3 a day"', "<small>From ¥</small>3<small> a day</small>"),
    ('"¥1,299.50"', "<small>¥</small>1,299.50"),
    ('"3 元起"', "3<small> 元起</small>"),
    ('"¥3–5 每天"', "¥3–5 每天"),
    ('"免费"', "免费"),
    ('"<3"', "<small>&lt;</small>3"),
    ("3.5", "3.5"),
    ("0", "0"),
    ('"¥<b>3</b> 起"|safe', "¥<b>3</b> 起"),
]


@pytest.mark.parametrize(("price", "html"), PRICES)
def test_card_shows_price_unit_smaller_than_number(site: Site, price: str, html: str) -> None:
    page = get_card_page(site, f"price={price}")
    assert find_element(page, ".xiebao-entry__price").decode_contents() == html


def test_card_shows_lazy_texts_of_flask_babel(site: Site) -> None:
    from flask_babel import LazyString

    lazy = {"price": LazyString(lambda: "¥3"), "cover": LazyString(lambda: "行李")}
    page = get_card_page(site, "price=price, covers=[cover]", **lazy)
    assert find_element(page, ".xiebao-entry__price").decode_contents() == "<small>¥</small>3"
    assert find_element(page, ".xiebao-entry__cover").text.strip() == "行李"


@pytest.mark.parametrize(("locale", "name"), [("zh", "原价"), ("en", "Original price")])
def test_card_names_old_price_for_screen_readers(
    make_site: MakeSite, locale: str, name: str
) -> None:
    page = get_card_page(make_site(XIEBAO_LOCALE=locale), 'price="¥3", old_price="¥5"')
    assert find_element(page, "s").text == f"{name} ¥5"
    assert find_element(page, "s > .xiebao-entry__unseen").text == name


def test_price_top_keyword_shows_prices_beside_title(site: Site) -> None:
    page = get_card_page(site, 'price="¥3", old_price="¥5", price_top=true')
    assert find_element(page, ".xiebao-entry__main > .xiebao-entry__prices").text.split()[0] == "¥3"
    assert not parse_html(page).select(".xiebao-entry__foot")


class RowLike(UserList[str]):
    """A sequence that is neither a list nor a tuple, like a row of a SQLAlchemy query."""


@pytest.mark.parametrize(
    ("covers", "texts"),
    [
        ([("航班延误", "¥300"), UNSAFE, ("医疗", 0)], ["航班延误 ¥300", UNSAFE, "医疗 0"]),
        ([RowLike(("医疗", "¥300"))], ["医疗 ¥300"]),
        ({"医疗": "¥300"}, ["医疗 ¥300"]),
    ],
    ids=["pairs and names", "rows of a query", "dict"],
)
def test_card_lists_covers(site: Site, covers: object, texts: list[str]) -> None:
    page = get_card_page(site, "covers=covers", covers=covers)
    elements = parse_html(page).select(".xiebao-entry__cover")
    assert [" ".join(element.stripped_strings) for element in elements] == texts


@pytest.mark.parametrize("keywords", ['text="都管"', 'text="都管", terms_url="/terms"'])
def test_call_block_is_added_to_body_of_card(site: Site, keywords: str) -> None:
    call = f'call insurance_card("QX1", "旅行险", {keywords})'
    page = site.render(f"{{% {call} %}}<b>4.8 分</b>{{% endcall %}}")
    assert find_element(page, ".xiebao-entry__body > .xiebao-entry__extra > b").text == "4.8 分"
    expected = find_href(site.render('{{ insurance_entry("QX1") }}'))
    assert find_element(page, ".xiebao-entry")["href"] == expected


def test_card_with_terms_url_has_separate_links_to_product_and_terms(site: Site) -> None:
    keywords = (
        'badge="热卖", action="去投保", terms_url="/terms", id="trip", class="wide", data_n=1'
    )
    page = get_card_page(site, keywords)

    card = find_element(page, "#trip")
    assert card.attrs == {"class": ["xiebao-entry--card", "wide"], "id": "trip"}
    assert find_element(card, ".xiebao-entry__badge").text == "热卖"
    product, terms = card.select("a")
    assert product.text == "旅行险"
    assert product["class"] == ["xiebao-entry", "xiebao-entry__title"]
    assert (product["data-xiebao-entry"], product["data-n"]) == ("product", "1")
    assert (terms.text, terms["href"]) == ("投保须知", "/terms")
    assert terms["rel"] == ["noopener", "nofollow"]


# Cards with the keyword "insured"


@pytest.mark.parametrize(
    ("action", "text"),
    [("none", "旅行险 都管 已投保"), ('"去投保"', "旅行险 都管 已投保 查看保单")],
)
def test_insured_card_links_to_policy_without_return_link(
    site: Site, action: str, text: str
) -> None:
    site.log_in("alice")
    page = get_card_page(
        site,
        f'text="都管", price="¥3", action={action}, insured="20190226020146", disabled="已售罄",'
        ' return_to="/orders/8", sub_partner_id="shop", platform="pc", client_reference="8",'
        ' class="wide"',
    )

    card = find_element(page, "a")
    assert card["data-xiebao-entry"] == "policy"
    assert "wide" in card["class"]
    assert " ".join(card.text.split()) == text
    policy_entry = site.render('{{ policy_entry("20190226020146", client_reference="8") }}')
    assert find_href(card) == find_href(policy_entry)


def test_insured_card_is_omitted_without_login(site: Site) -> None:
    assert get_card_page(site, 'insured="20190226020146"').text == ""


# Unsafe and invalid values of a card's keywords


def test_card_escapes_texts_and_urls(site: Site) -> None:
    url = f"/{UNSAFE}"
    page = site.render(
        '{{ insurance_card("QX1", unsafe, text=unsafe, price=unsafe, badge=unsafe, action=unsafe,'
        " insurer=unsafe, image=url, terms_url=url) }}",
        unsafe=UNSAFE,
        url=url,
    )
    assert not parse_html(page).select("script")
    assert parse_html(page).text.count(UNSAFE) == 6
    assert find_element(page, "img")["src"] == url
    assert find_element(page, ".xiebao-entry__terms")["href"] == url


def test_card_keeps_markup_of_image_and_insurer(site: Site) -> None:
    insurer = Markup("A &amp; <b>B</b>")
    page = get_card_page(site, "image=icon, insurer=insurer", **UNSAFE_CONTEXT, insurer=insurer)
    assert find_element(page, ".xiebao-entry__image > svg")
    assert not parse_html(page).select("img")
    assert find_element(page, ".xiebao-entry__insurer").text == "本产品由A & B承保"
    assert find_element(page, ".xiebao-entry__insurer b")


VALID_URLS = [
    *("/a b.svg", "https://cdn.example/1?x=a:b", "a/b.svg"),
    *("?time=12:30", "#a:b", "（2024）条款.pdf", "./x:y", Markup("/a?b=1&amp;c=2")),
]
IMAGE_URLS = ["//cdn.example/1.png", "data:image/png;base64,AA\nAA"]
INVALID_URLS = [
    *("javascript:alert(1)", "data:text/html,x", "java\nscript:", "/\\evil.example"),
    *("\\\\evil.example", "mailto:x", "/a\nb", "http:evil"),
]


@pytest.mark.parametrize(
    ("keyword", "url"),
    [(keyword, url) for keyword in ("terms_url", "image") for url in VALID_URLS]
    + [("image", url) for url in IMAGE_URLS],
)
def test_card_accepts_valid_terms_and_image_urls(
    make_site: MakeSite, keyword: str, url: str
) -> None:
    page = get_card_page(make_site(**DEPLOYED), f"{keyword}=url", url=url)
    element = find_element(page, ".xiebao-entry__terms, img")
    assert (element.get("href") or element["src"]) == Markup(url).unescape()


#: One row per invalid value: the keyword of the card, the value, and a part of the error message.
INVALID_VALUES: list[tuple[str, object, str]] = [
    *[
        ("covers", covers, "covers must be a list of names")
        for covers in [
            *("delays", 5, [5], [()], [None], [{"a": "b"}], [("delays",)], [("a", "b", "c")])
        ]
    ],
    ("insured", Undefined(), 'value of "insured" is undefined'),
    ("insured", True, "insured must be the application number"),
    *[("image", url, "image must be an http") for url in INVALID_URLS],
    *[("terms_url", url, "terms_url must be an http") for url in INVALID_URLS + IMAGE_URLS],
]


@pytest.mark.parametrize(("keyword", "value", "message"), INVALID_VALUES)
def test_invalid_card_value_raises_in_tests_and_is_omitted_in_production(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    keyword: str,
    value: object,
    message: str,
) -> None:
    deployed = make_site(**DEPLOYED)
    page = get_card_page(deployed, f"{keyword}=value", value=value)
    assert page.text == get_card_page(deployed).text
    assert message in caplog.text

    with pytest.raises(LinkError, match=message) as error:
        get_card_page(make_site(), f"{keyword}=value", value=value)
    assert error.value.argument == keyword
