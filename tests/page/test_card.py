"""The parts of a card. What its keywords do besides is in ``test_entries.py``."""

from __future__ import annotations

import pytest

from tests.page.support import NASTY
from tests.support import Site, href, one, soup


def test_a_card_leads_to_the_product_and_has_all_its_parts(site: Site) -> None:
    page = site.render(
        '{{ insurance_card("QX1", "旅行险", text="都管", price="¥3 起/天", badge="热卖",'
        ' image="/trip.svg", action="去投保", insurer="某某财险") }}'
    )
    card, picture = one(page, "a"), one(page, "img")
    assert href(card) == href(site.render('{{ insurance_entry("QX1") }}'))
    assert card["class"] == ["xiebao-entry", "xiebao-entry--card"]
    assert (card["data-xiebao-entry"], card["data-xiebao-look"]) == ("product", "card")
    assert card.text.split() == [
        *("旅行险", "热卖", "都管", "本产品由某某财险承保", "¥3", "起/天", "去投保")
    ]
    assert (picture["src"], picture["alt"]) == ("/trip.svg", "")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("", ["title"]),
        ('text="x"', ["title", "text"]),
        ('price="x", badge=none, image="", action=nothing', ["title", "foot", "price"]),
        ("price=0", ["title", "foot", "price"]),
        ('action="x", insurer="y"', ["title", "insurer", "foot", "action"]),
    ],
)
def test_a_part_that_is_not_given_is_not_there(site: Site, given: str, left: list[str]) -> None:
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", {given}) }}}}')
    found = [str(part["class"][0]) for part in soup(page).select("a *")]
    assert found == [f"xiebao-entry__{name}" for name in left]


def test_what_a_card_says_is_escaped_and_what_is_markup_is_not(site: Site) -> None:
    names = ("text", "price", "badge", "image", "action", "insurer")
    given = ", ".join(f"{name}=nasty" for name in names)
    escaped = site.render(f'{{{{ insurance_card("QX1", nasty, {given}) }}}}', **NASTY)
    assert not soup(escaped).select("script")
    assert one(escaped, "img")["src"] == NASTY["nasty"]
    assert one(escaped, "a").text.count(NASTY["nasty"]) == 6

    page = site.render(
        "{% set name %}A &amp; <b>B</b>{% endset %}"
        '{{ insurance_card("QX1", "旅行险", image=icon, insurer=name) }}',
        **NASTY,
    )
    assert one(page, ".xiebao-entry__image > svg")
    assert not soup(page).select("img")
    assert one(page, ".xiebao-entry__insurer").text == "本产品由A & B承保"
    assert one(page, ".xiebao-entry__insurer b")


def test_without_a_title_a_card_says_what_a_button_says(site: Site) -> None:
    assert one(site.render('{{ insurance_card("QX1", "") }}'), "a").text.strip() == "我要投保"
