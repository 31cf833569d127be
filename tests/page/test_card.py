"""The parts of a card. What its keywords do besides is in ``test_entries.py``."""

from __future__ import annotations

import re
from collections import UserList

import pytest
from flask_babel import LazyString

from flask_xiebao import LinkError
from tests.page.support import NASTY
from tests.support import DEPLOYED, MakeSite, Site, find_element, find_href, parse_html


def test_a_card_leads_to_the_product_and_has_all_its_parts(site: Site) -> None:
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", text="都管", price="¥3 起/天", badge="热卖",'
        ' image="/trip.svg", action="去投保", insurer="某某财险") }}'
    )
    card, picture = find_element(page, "a"), find_element(page, "img")
    assert find_href(card) == find_href(site.render('{{ insurance_entry("QX1") }}'))
    assert card["class"] == ["xiebao-entry", "xiebao-entry--card"]
    assert card["data-xiebao-entry"] == "product"
    assert card.text.split() == [
        *("旅行险", "热卖", "都管", "本产品由某某财险承保", "¥3", "起/天", "去投保")
    ]
    assert (picture["src"], picture["alt"]) == ("/trip.svg", "")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("", []),
        ('text="x"', ["text"]),
        ('price="x", badge=none, image="", action=nothing', ["foot", "price"]),
        ("price=0", ["foot", "price"]),
        ("price=false", []),
        ('action="x", insurer="y"', ["insurer", "foot", "action"]),
    ],
)
def test_a_part_that_is_not_given_is_not_there(site: Site, given: str, left: list[str]) -> None:
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", {given}) }}}}')
    found = [str(part["class"][0]) for part in parse_html(page).select("a *")]
    assert found == [f"xiebao-entry__{name}" for name in ("main", "body", "title", *left)]


class RowLike(UserList[str]):
    """A sequence that is neither a list nor a tuple, such as a row from SQLAlchemy."""


LAZY_PRICE = LazyString(lambda: "¥3")

#: A price, and its HTML. Only the number of a plain price is outside of <small>.
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
    ("lazy", "<small>¥</small>3"),
    ('"¥<b>3</b> 起"|safe', "¥<b>3</b> 起"),
]


@pytest.mark.parametrize(("price", "html"), PRICES)
def test_card_shows_number_of_plain_price_larger_than_unit(
    site: Site, price: str, html: str
) -> None:
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", price={price}) }}}}', lazy=LAZY_PRICE)
    assert find_element(page, ".xiebao-entry__price").decode_contents() == html


@pytest.mark.parametrize(("locale", "name"), [("zh", "原价"), ("en", "Original price")])
def test_card_names_old_price_for_screen_readers(
    make_site: MakeSite, locale: str, name: str
) -> None:
    site = make_site(XIEBAO_LOCALE=locale)
    page = site.render('{{ insurance_card("QX1", "旅行险", price="¥3", old_price="¥5") }}')
    assert find_element(page, "s").text == f"{name} ¥5"
    assert find_element(page, "s > .xiebao-entry__unseen").text == name


def test_card_without_price_shows_no_old_price(site: Site) -> None:
    assert "¥5" not in site.render('{{ insurance_card("QX1", "旅行险", old_price="¥5") }}').text


def test_price_top_puts_prices_beside_title(site: Site) -> None:
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", price="¥3", old_price="¥5", price_top=true) }}'
    )
    assert find_element(page, ".xiebao-entry__main > .xiebao-entry__prices").text.split()[0] == "¥3"
    assert not parse_html(page).select(".xiebao-entry__foot")


def test_card_lists_covers(site: Site) -> None:
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", covers=[("航班延误", "¥300"), nasty, ("医疗", 0)]) }}',
        **NASTY,
    )
    rows = parse_html(page).select(".xiebao-entry__cover")
    assert [" ".join(row.stripped_strings) for row in rows] == [
        *("航班延误 ¥300", NASTY["nasty"], "医疗 0")
    ]
    lazy = LazyString(lambda: "行李")
    page = site.render('{{ insurance_card("QX1", "旅行险", covers=[lazy]) }}', lazy=lazy)
    assert find_element(page, ".xiebao-entry__cover").text == "行李"
    query_rows = [RowLike(("医疗", "¥300"))]
    page = site.render('{{ insurance_card("QX1", "旅行险", covers=rows) }}', rows=query_rows)
    assert find_element(page, ".xiebao-entry__cover").text == "医疗 ¥300"
    mapping = site.render('{{ insurance_card("QX1", "旅行险", covers={"医疗": "¥300"}) }}')
    assert find_element(mapping, ".xiebao-entry__cover").text == "医疗 ¥300"


@pytest.mark.parametrize(
    "covers",
    [
        '"delays"',
        "5",
        "[5]",
        "[()]",
        "[none]",
        '[{"a": "b"}]',
        '[("delays",)]',
        '[("a", "b", "c")]',
    ],
)
def test_wrong_covers_raise_error_in_debug_and_are_left_out_in_production(
    make_site: MakeSite, covers: str
) -> None:
    source = f'{{{{ insurance_card("QX1", "旅行险", covers={covers}) }}}}'
    with pytest.raises(LinkError, match="covers must be a list of names") as error:
        make_site().render(source)
    assert error.value.argument == "covers"
    page = make_site(**DEPLOYED).render(source)
    assert find_element(page, "a").text.strip() == "旅行险"
    assert not parse_html(page).select(".xiebao-entry__covers")


def test_call_block_of_card_is_added_to_body(site: Site) -> None:
    for keywords in ("", ', terms_url="/terms"'):
        page = site.render(
            f'{{% call insurance_card("QX1", "旅行险", text="都管"{keywords}) %}}'
            "<b>4.8 分</b>{% endcall %}"
        )
        assert find_element(page, ".xiebao-entry__body > .xiebao-entry__extra > b").text == "4.8 分"
        assert find_href(find_element(page, ".xiebao-entry")) == find_href(
            site.render('{{ insurance_entry("QX1") }}')
        )


@pytest.mark.parametrize("number", ["none", '""'])
def test_card_of_product_that_is_not_insured_leads_to_product(site: Site, number: str) -> None:
    site.log_in("alice")
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", price="¥3", insured={number}) }}}}')
    assert find_element(page, "a")["data-xiebao-entry"] == "product"
    assert "已投保" not in page.text


@pytest.mark.parametrize(("action", "said"), [("none", "已投保"), ('"去投保"', "已投保 查看保单")])
def test_insured_card_leads_to_policy_without_return_link(
    site: Site, action: str, said: str
) -> None:
    site.log_in("alice")
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", text="都管", price="¥3", insured="20190226020146",'
        f' action={action}, return_to="/orders/8", sub_partner_id="shop", platform="pc",'
        ' disabled="已售罄", client_reference="8", class="wide") }}'
    )
    card = find_element(page, "a")
    assert card["data-xiebao-entry"] == "policy"
    assert "wide" in card["class"]
    assert " ".join(card.text.split()) == f"旅行险 都管 {said}"
    policy = 'policy_entry("20190226020146", client_reference="8")'
    assert find_href(card) == find_href(site.render(f"{{{{ {policy} }}}}"))


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("missing", 'value of "insured" is undefined'),
        ("true", "insured must be the application number"),
    ],
)
def test_wrong_insured_number_raises_error_in_debug_and_is_logged_in_production(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, number: str, message: str
) -> None:
    source = f'{{{{ insurance_card("QX1", "旅行险", insured={number}) }}}}'
    with pytest.raises(LinkError, match=message):
        make_site().render(source)
    assert find_element(make_site(**DEPLOYED).render(source), "a")["data-xiebao-entry"] == "product"
    assert message in caplog.text


def test_insured_card_is_left_out_if_nobody_is_logged_in(site: Site) -> None:
    page = site.render('{{ insurance_card("QX1", "旅行险", insured="20190226020146") }}')
    assert page.text == ""


def test_what_a_card_says_is_escaped_and_what_is_markup_is_not(site: Site) -> None:
    names = ("text", "price", "badge", "action", "insurer")
    given = ", ".join(f"{name}=nasty" for name in names)
    picture = '/"><script>alert(1)</script>'
    source = f'{{{{ insurance_card("QX1", nasty, {given}, image=picture, terms_url=picture) }}}}'
    escaped = site.render(source, **NASTY, picture=picture)
    assert not parse_html(escaped).select("script")
    assert (
        find_element(escaped, "img")["src"]
        == find_element(escaped, ".xiebao-entry__terms")["href"]
        == picture
    )
    assert parse_html(escaped).text.count(NASTY["nasty"]) == 6

    page = site.render(
        "{% set name %}A &amp; <b>B</b>{% endset %}"
        '{{ insurance_card("QX1", "旅行险", image=icon, insurer=name) }}',
        **NASTY,
    )
    assert find_element(page, ".xiebao-entry__image > svg")
    assert not parse_html(page).select("img")
    address = "{% set icon %}/a?b=1&amp;c=2{% endset %}"
    page_of_address = site.render(address + '{{ insurance_card("QX1", "旅行险", image=icon) }}')
    assert find_element(page_of_address, "img")["src"] == "/a?b=1&c=2"
    assert find_element(page, ".xiebao-entry__insurer").text == "本产品由A & B承保"
    assert find_element(page, ".xiebao-entry__insurer b")


def test_a_second_link_is_beside_that_of_the_product(site: Site) -> None:
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", badge="热卖", action="去投保", terms_url="/terms",'
        ' id="trip", class="wide", data_n=1) }}'
    )
    card, (entry, terms) = find_element(page, "#trip"), parse_html(page).select("a")
    assert card["class"] == ["xiebao-entry--card", "wide"]
    assert set(card.attrs) == {"class", "id"}
    assert (entry["data-xiebao-entry"], entry["data-n"]) == ("product", "1")
    assert entry["class"] == ["xiebao-entry", "xiebao-entry__title"]
    assert (entry.text, terms.text, terms["href"]) == ("旅行险", "投保须知", "/terms")
    assert find_element(card, ".xiebao-entry__badge").text == "热卖"
    assert terms["rel"] == ["noopener", "nofollow"]


@pytest.mark.parametrize("keyword", ["terms_url", "image"])
@pytest.mark.parametrize(
    ("address", "for_what"),
    [
        *[(right, "both") for right in ("/a b.svg", "https://cdn.example/1?x=a:b", "a/b.svg")],
        *[(right, "both") for right in ("?time=12:30", "#a:b", "（2024）条款.pdf", "./x:y")],
        *[
            (wrong, "none")
            for wrong in ("javascript:alert(1)", "data:text/html,x", "java\nscript:")
        ],
        *[
            (wrong, "none")
            for wrong in ("/\\evil.example", "\\\\evil.example", "mailto:x", "/a\nb", "http:evil")
        ],
        *[
            (picture, "image")
            for picture in ("//cdn.example/1.png", "data:image/png;base64,AA\nAA")
        ],
    ],
)
def test_an_address_that_leads_anywhere_else_is_left_out_alone(
    make_site: MakeSite, keyword: str, address: str, for_what: str
) -> None:
    source = f'{{{{ insurance_card("QX1", "旅行险", {keyword}=address) }}}}'
    page = make_site(**DEPLOYED).render(source, address=address)
    assert find_element(page, ".xiebao-entry").text.strip().startswith("旅行险")
    assert (address in page.text) == (for_what in ("both", keyword))
    if address not in page.text:
        with pytest.raises(LinkError, match=f"{keyword} must be an http"):
            make_site().render(source, address=address)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('insurance_entry("QX1", "投保", disabled="已售罄")', "已售罄"),
        ('call insurance_entry("QX1", disabled="已售罄")', "<b>投保</b>"),
        ('insurance_card("QX1", "旅行险", action="去投保", disabled="已售罄")', "旅行险 已售罄"),
        ('insurance_card("QX1", "旅行险", action="去投保", disabled=True)', "旅行险 去投保"),
        ('insurance_entry("QX1", "投保", disabled=" ")', "投保"),
    ],
)
def test_who_cannot_buy_reads_why(site: Site, source: str, said: str) -> None:
    is_call = source.startswith("call ")
    page = site.render(
        f"{{% {source} %}}{said}{{% endcall %}}" if is_call else f"{{{{ {source} }}}}"
    )
    entry = find_element(page, "a")
    assert (entry["aria-disabled"], entry.get("href")) == ("true", None)
    assert " ".join(entry.text.split()) == re.sub("<.*?>", "", said)


@pytest.mark.parametrize(
    ("keywords", "classes"),
    [
        ("", []),
        ('class="btn"', ["btn"]),
        ('look="button"', ["xiebao-entry--button"]),
        ('class="xiebao-entry--link"', ["xiebao-entry--link"]),
        ("outline=true", ["xiebao-entry--button", "xiebao-entry--outline"]),
    ],
)
def test_a_site_whose_own_classes_are_the_look_says_so_once(
    make_site: MakeSite, keywords: str, classes: list[str]
) -> None:
    page = make_site(XIEBAO_LOOK="own").render(f'{{{{ insurance_entry("QX1", {keywords}) }}}}')
    assert find_element(page, "a")["class"] == ["xiebao-entry", *classes]


def test_without_a_title_a_card_says_what_a_button_says(site: Site) -> None:
    assert (
        find_element(site.render('{{ insurance_card("QX1", "") }}'), "a").text.strip() == "我要投保"
    )
