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
        ('price="x", badge=none, image="", action=nothing', ["title", "foot", "price"]),
        ("price=0", ["title", "foot", "price"]),
        ('action="x", insurer="y"', ["title", "insurer", "foot", "action"]),
    ],
)
def test_a_part_that_is_not_given_is_not_there(site: Site, given: str, left: list[str]) -> None:
    page = site.render(f'{{{{ insurance_card("QX1", "旅行险", {given}) }}}}')
    found = [str(part["class"][0]) for part in soup(page).select("a *")]
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


def test_a_title_that_is_undefined_is_an_error_and_the_card_left_out_in_service(
    make_site: MakeSite,
) -> None:
    for call in ('insurance_card("QX1")', 'insurance_card("QX1", product.name)'):
        with pytest.raises(LinkError, match="The title of a card is undefined") as error:
            make_site().render(f"{{{{ {call} }}}}", product={})
        assert error.value.argument == "title"
        assert make_site(**LIVE).render(f"{{{{ {call} }}}}", product={}).text.strip() == ""


@pytest.mark.parametrize("call", ['insurance_card("QX1", "T")', 'insurance_qr("QX1")'])
def test_what_takes_no_call_block_says_so(site: Site, call: str) -> None:
    with pytest.raises(LinkError, match=r"takes no {% call %} block: insurance_entry does"):
        site.render(f"{{% call {call} %}}x{{% endcall %}}")


def test_the_name_of_the_insurer_may_be_markup(site: Site) -> None:
    page = site.render(
        '{% set name %}A &amp; <b>B</b>{% endset %}{{ insurance_card("QX1", "T", insurer=name) }}'
    )
    assert one(page, ".xiebao-entry__insurer").text == "本产品由A & B承保"
    assert one(page, ".xiebao-entry__insurer b")


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
        ('class="mt-4", look="button"', "button"),
        ('class="btn", look="card"', "card"),
        ('class="mt-4 xiebao-entry--small", look="link"', "link"),
        ('look="card"', "card"),
        ("look=none", "button"),
    ],
)
def test_an_entry_says_which_look_no_class_of_the_site_changes(
    site: Site, given: str, look: str | None
) -> None:
    assert (
        one(site.render(f"{{{{ insurance_entry('QX1', {given}) }}}}")).get("data-xiebao-look")
        == look
    )


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ('class="mt-4"', "xiebao-entry mt-4"),
        ('class="btn xiebao-entry--mine"', "xiebao-entry btn xiebao-entry--mine"),
        (
            'class="mt-4 xiebao-entry--small"',
            "xiebao-entry xiebao-entry--button mt-4 xiebao-entry--small",
        ),
        (
            'class="xiebao-entry--outline mt-4"',
            "xiebao-entry xiebao-entry--button xiebao-entry--outline mt-4",
        ),
        ('class="xiebao-entry--button mt-4"', "xiebao-entry xiebao-entry--button mt-4"),
        ('class="mt-4", look="card"', "xiebao-entry xiebao-entry--card mt-4"),
        ('class="xiebao-entry--small"', "xiebao-entry xiebao-entry--small"),
        ('look="link"', "xiebao-entry xiebao-entry--link"),
        ('look="card"', "xiebao-entry xiebao-entry--card"),
    ],
)
def test_a_variant_or_a_look_is_what_makes_a_button_beside_classes_of_the_site(
    site: Site, given: str, classes: str
) -> None:
    entry = one(site.render(f"{{{{ insurance_entry('QX1', {given}) }}}}"), "a")
    assert entry["class"] == classes.split()
    assert "look" not in entry.attrs


BUTTON, CARD_OF = "insurance_entry('QX1', ", "insurance_card('QX1', '旅行险', "


@pytest.mark.parametrize(
    ("macro", "given", "says"),
    [
        (CARD_OF, 'prcie="3"', "There is no keyword prcie: did you mean price"),
        (CARD_OF, 'images="/x.svg"', "There is no keyword images: did you mean image"),
        (CARD_OF, 'label="x"', "A card has no label: its second argument is its title"),
        (
            CARD_OF,
            'class="xiebao-entry--stackd"',
            "no class xiebao-entry--stackd: did you mean xiebao-ent",
        ),
        (CARD_OF, 'look="button"', "look must be one of card, not button"),
        (
            BUTTON,
            'class="xiebao-entry--outlined"',
            "xiebao-entry--outlined: did you mean xiebao-entry--outline",
        ),
        (
            BUTTON,
            'class=["btn", "xiebao-entry--buton"]',
            "xiebao-entry--buton: did you mean xiebao-entry--button",
        ),
        (BUTTON, 'look="pill"', "look must be one of button, card, link, not pill"),
        (BUTTON, 'look=""', "look must be one of button, card, link, not"),
        (
            BUTTON,
            'class="xiebao-entry--card", look="link"',
            "look is link, and a class says otherwise",
        ),
    ],
)
def test_a_slip_is_named_with_what_was_meant(site: Site, macro: str, given: str, says: str) -> None:
    with pytest.raises(LinkError, match=says):
        site.render(f"{{{{ {macro}{given}) }}}}")


def test_in_service_a_slip_in_a_class_costs_the_look_alone(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    page = make_site(**LIVE).render('{{ insurance_entry("QX1", class="btn xiebao-entry--smal") }}')
    assert one(page, "a")["class"] == ["xiebao-entry", "btn", "xiebao-entry--smal"]
    assert "The look of an entry of page was left out: Entries have no class" in caplog.text


def test_what_an_entry_says_of_its_look_cannot_be_given(site: Site) -> None:
    with pytest.raises(LinkError, match="data-xiebao-look is set by the macro"):
        site.render('{{ insurance_entry("QX1", data_xiebao_look="card") }}')


@pytest.mark.parametrize("macro", [f"insurance_entry('{CODE}'", f"insurance_card('{CODE}', 'T'"])
def test_a_disabled_entry_leads_nowhere_and_says_so(site: Site, macro: str) -> None:
    entry = one(site.render(f"{{{{ {macro}, disabled=True) }}}}"), "a")
    assert "href" not in entry.attrs
    assert "disabled" not in entry.attrs
    assert (entry["role"], entry["aria-disabled"]) == ("link", "true")
    for off in ("False", "none", "0", '""', "nothing"):
        assert href(site.render(f"{{{{ {macro}, disabled={off}) }}}}"))
