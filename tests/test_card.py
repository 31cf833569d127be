"""The card, its parts, and the looks of entries as markup says them."""

from __future__ import annotations

import pytest

from flask_xiebao import LinkError
from tests.support import CODE, LIVE, MakeSite, Site, arrival, href, one, soup

CARD = (
    '{{ insurance_card("QX1", "旅行险", text="都管", price="¥3 起/天", badge="热卖",'
    ' image="/trip.svg", action="去投保", insurer="某某财险") }}'
)


def test_a_card_leads_to_the_product_and_has_all_its_parts(site: Site) -> None:
    site.log_in("alice")
    page = site.render(CARD)
    verdict = arrival(site.follow(href(page)))
    assert (verdict.page, dict(verdict.parameters)["caseCode"]) == ("product", "QX1")
    card = one(page, "a")
    assert card["class"] == ["xiebao-entry", "xiebao-entry--card"]
    assert card["data-xiebao-entry"] == "product"
    assert card.text.split() == [
        *("旅行险", "热卖", "都管", "本产品由某某财险承保", "¥3", "起/天", "去投保")
    ]
    picture = one(page, "img")
    assert (picture["src"], picture["alt"]) == ("/trip.svg", "")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("", ["title"]),
        ('text="x"', ["title", "text"]),
        ('price="x", badge=none, image="", action=nothing', ["title", "price"]),
        ('action="x", insurer="y"', ["title", "insurer", "action"]),
    ],
)
def test_a_part_that_is_not_given_is_not_there(site: Site, given: str, left: list[str]) -> None:
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", {given}) }}}}')
    found = [str(part["class"][0]) for part in soup(page).select("a > *")]
    assert found == [f"xiebao-entry__{name}" for name in left]


@pytest.mark.parametrize("escapes", [True, False], ids=["escaping", "a site that does not escape"])
def test_what_a_card_says_is_escaped(make_site: MakeSite, escapes: bool) -> None:
    site = make_site()
    site.app.jinja_options = {"autoescape": escapes}
    nasty = '"><script>alert(1)</script>'
    names = ("text", "price", "badge", "image", "action", "insurer")
    given = ", ".join(f"{name}=nasty" for name in names)
    page = site.render(f'{{{{ insurance_card("QX1", nasty, {given}) }}}}', nasty=nasty)
    assert not soup(page).select("script")
    assert one(page, "img")["src"] == nasty
    assert one(page, "a").text.count(nasty) == 6


def test_the_picture_can_be_markup(site: Site) -> None:
    page = site.render(
        "{% set icon %}<svg><path/></svg>{% endset %}"
        '{{ insurance_card("QX1", "旅行险", image=icon) }}'
    )
    assert one(page, ".xiebao-entry__image > svg")
    assert not soup(page).select("img")


def test_links_keywords_and_attributes_of_a_card_are_those_of_an_entry(site: Site) -> None:
    site.log_in("alice")
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", return_to="/orders/8", id="trip", class="wide",'
        ' data_track="list") }}'
    )
    card = one(page, "a")
    assert (card["id"], card["data-track"]) == ("trip", "list")
    assert card["class"] == ["xiebao-entry", "xiebao-entry--card", "wide"]
    assert arrival(site.follow(href(page))).pay_success


def test_without_a_title_a_card_says_what_a_button_says(site: Site) -> None:
    assert one(site.render('{{ insurance_card("QX1", "") }}'), "a").text.strip() == "我要投保"


def test_a_card_with_a_wrong_case_code_is_left_out(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    assert site.render('{{ insurance_card("", "旅行险") }}').text.strip() == ""


@pytest.mark.parametrize(("locale", "says"), [("zh", "本产品由A承保"), ("en", "Underwritten by A")])
def test_the_insurer_is_named_in_the_language_of_the_site(
    make_site: MakeSite, locale: str, says: str
) -> None:
    page = make_site(XIEBAO_LOCALE=locale).render('{{ insurance_card("QX1", "T", insurer="A") }}')
    line = one(page, ".xiebao-entry__insurer")
    assert (line.text, line["lang"]) == (says, {"zh": "zh-CN", "en": "en"}[locale])


@pytest.mark.parametrize(
    ("given", "look"),
    [
        ("", "button"),
        ('class="xiebao-entry--large xiebao-entry--pill"', "button"),
        ('class="xiebao-entry--button"', "button"),
        ('class="xiebao-entry--card"', "card"),
        ('class="xiebao-entry--link xiebao-entry--block"', "link"),
        ('class="btn btn-primary"', None),
        ('class="xiebao-entry--button mt-4"', None),
        ('class="xiebao-entry--card promo"', None),
    ],
)
def test_an_entry_says_which_look_no_class_of_the_site_changes(
    site: Site, given: str, look: str | None
) -> None:
    assert (
        one(site.render(f"{{{{ insurance_entry('QX1', {given}) }}}}")).get("data-xiebao-look")
        == look
    )


def test_what_an_entry_says_of_its_look_cannot_be_given(site: Site) -> None:
    with pytest.raises(LinkError, match="data-xiebao-look is set by the macro"):
        site.render('{{ insurance_entry("QX1", data_xiebao_look="card") }}')


@pytest.mark.parametrize("macro", [f"insurance_entry('{CODE}'", f"insurance_card('{CODE}', 'T'"])
def test_a_disabled_entry_leads_nowhere_and_says_so(site: Site, macro: str) -> None:
    entry = one(site.render(f"{{{{ {macro}, disabled=True) }}}}"), "a")
    assert "href" not in entry.attrs
    assert "disabled" not in entry.attrs
    assert (entry["role"], entry["aria-disabled"]) == ("link", "true")
    for off in ("False", "none"):
        assert href(site.render(f"{{{{ {macro}, disabled={off}) }}}}"))
