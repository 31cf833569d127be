"""The layout of entries in the browser: hit areas, line breaks, icons, long labels and QR codes.

``test_hosts.py`` checks the same entries on pages with other stylesheets.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.hosts import entry_in
from tests.browser.measure import LINES, box
from tests.qr import read_image

Open = Callable[..., Page]

#: Pages whose rules for all icons or links must not change entries.
HOSTS_WITH_RULES = pytest.mark.parametrize("host", ["nothing", "Tailwind 3", "rules with an id"])

CLOSING_PUNCTUATION = "，。、；：！？）》」』”’％…"


@HOSTS_WITH_RULES
@pytest.mark.parametrize("name", ["terms", "bare-terms"])
def test_title_and_terms_of_card_do_not_share_touch_area(
    open_host: Open, host: str, name: str
) -> None:
    page = open_host(host, device="iPhone")
    card = entry_in(page, name)
    hits = card.evaluate(
        """card => {
            const [title, terms] = ['title', 'terms'].map(part => {
                const element = card.querySelector(`.xiebao-entry__${part}`);
                element.scrollIntoView({block: 'center'});
                const {left, top, height} = element.getBoundingClientRect();
                const points = [...Array(11).keys()].map(step => (step + 0.5) / 11);
                return points.map(part => document.elementFromPoint(
                    left + 8, top + height * part).closest('a').className.split(' ').pop());
            });
            return {title, terms};
        }"""
    )
    assert hits == {
        "title": ["xiebao-entry__title"] * 11,
        "terms": ["xiebao-entry__terms"] * 11,
    }
    assert box(card.locator(".xiebao-entry__terms"))["height"] >= 44


@pytest.mark.parametrize("host", ["nothing", "Tailwind 3", "Bootstrap"])
def test_icon_stands_beside_button_label_and_has_size_of_text(open_host: Open, host: str) -> None:
    page = open_host(host)
    for name, side in (("icon", 20), ("sized-icon", 32)):
        button = entry_in(page, name)
        icon = box(button.locator("svg"))
        assert (icon["width"], icon["height"]) == (side, side), name
        assert icon["y"] + side / 2 == pytest.approx(middle(button), abs=1), name
        assert len(button.evaluate(LINES)) == 1, name
        assert box(button)["height"] <= 52, name


def middle(element: Any) -> float:
    return box(element)["y"] + box(element)["height"] / 2


def test_bold_word_in_button_label_stays_in_its_sentence(open_host: Open) -> None:
    page = open_host("nothing")
    button = entry_in(page, "bold")
    width = box(button)["width"]
    button.evaluate("button => { button.textContent = button.textContent }")
    assert width == pytest.approx(box(button)["width"], abs=2)


@HOSTS_WITH_RULES
def test_title_never_breaks_inside_english_word_or_before_closing_punctuation(
    open_host: Open, host: str
) -> None:
    page = open_host(host)
    # The narrowest card is 160 pixels wide. The Chinese title, which has no long words, is also
    # tested in narrower cards.
    for narrowest, title in (
        (120, "全家出行，一份都管：境内旅行意外险（含航班延误、行李丢失），说走就走！"),
        (160, "Domestic travel accident insurance, delayed flights and lost luggage included"),
    ):
        for lines in entry_in(page, "card").evaluate(
            f"""(card, [narrowest, title]) => {{
                card.querySelector('.xiebao-entry__title').textContent = title;
                return [...Array(25).keys()].map(step => {{
                    card.parentElement.style.inlineSize = `${{narrowest + 8 * step}}px`;
                    return ({LINES})(card.querySelector('.xiebao-entry__title'));
                }});
            }}""",
            [narrowest, title],
        ):
            words = [word for line in lines for word in line.split()]
            assert "".join(words) == title.replace(" ", "")
            assert " " not in title or words == title.split()
            assert not [line for line in lines if line[0] in CLOSING_PUNCTUATION]


def test_badge_is_not_broken_or_cut_off_beside_long_title(open_host: Open) -> None:
    page = open_host("nothing")
    card = entry_in(page, "card")
    card.evaluate(
        """card => {
            card.style.setProperty('--xiebao-title-lines', 1);
            card.querySelector('.xiebao-entry__title').textContent = '境内旅行意外险'.repeat(9);
            card.querySelector('.xiebao-entry__badge').textContent = '限时 特惠 热卖';
            card.parentElement.style.inlineSize = '160px';
        }"""
    )
    badge, title = card.locator(".xiebao-entry__badge"), card.locator(".xiebao-entry__title")
    assert len(badge.evaluate(LINES)) == 1
    assert box(badge)["y"] >= box(title)["y"] + box(title)["height"]
    assert box(title)["height"] < 30


@HOSTS_WITH_RULES
@pytest.mark.parametrize("name", ["large-in-table", "large-in-inline-block"])
@pytest.mark.parametrize("text_size", ["100%", "200%"])
def test_long_label_of_large_button_fits_phone(
    open_host: Open, host: str, name: str, text_size: str
) -> None:
    page = open_host(host)
    page.set_viewport_size({"width": 320, "height": 900})
    page.evaluate("size => { document.documentElement.style.fontSize = size }", text_size)
    button = entry_in(page, name)
    for element in (button, button.locator("..")):
        assert box(element)["x"] + box(element)["width"] <= 320
    assert button.evaluate("button => button.scrollWidth <= button.clientWidth + 1")


@HOSTS_WITH_RULES
def test_qr_code_keeps_size_of_its_attribute(open_host: Open, host: str) -> None:
    page = open_host(host)
    code = box(page.locator("#qr svg").first)
    assert (code["width"], code["height"]) == (180, 180)


def test_qr_code_can_be_read_on_page_with_rules_for_icons(open_host: Open) -> None:
    page = open_host("rules with an id")
    screenshot = page.locator("#qr svg").first.screenshot()
    code = read_image(Image.open(io.BytesIO(screenshot)))
    assert code is not None
    assert "/xiebao/product/" in code


@HOSTS_WITH_RULES
def test_price_stays_on_one_line(open_host: Open, host: str) -> None:
    page = open_host(host)
    for name in ("card", "priced"):
        price = page.locator(f"#{name} .xiebao-entry__price")
        assert box(price)["height"] < 1.5 * price.evaluate(
            "price => parseFloat(getComputedStyle(price).fontSize)"
        )


def test_css_rules_of_site_do_not_change_links_of_card(open_host: Open) -> None:
    page = open_host("rules with an id")
    for part, size in (("title", "16px"), ("terms", "13px")):
        link = page.locator(f"#terms .xiebao-entry__{part}")
        expect(link).to_have_css("background-color", "rgba(0, 0, 0, 0)")
        expect(link).to_have_css("font-size", size)
        assert link.evaluate("link => getComputedStyle(link, '::before').content") == "none"


@pytest.mark.parametrize("device", ["desktop", "iPhone"])
def test_entries_with_position_static_do_not_cover_the_page(open_host: Open, device: str) -> None:
    page = open_host("static links", device=device)
    assert page.locator("h1").evaluate(
        """heading => {
            const {left, top, height} = heading.getBoundingClientRect();
            return document.elementFromPoint(left + 8, top + height / 2) === heading;
        }"""
    )


def test_busy_card_without_button_shows_spinner_at_its_end(open_host: Open) -> None:
    page = open_host("nothing")
    card = entry_in(page, "quiet")
    card.evaluate("card => card.setAttribute('aria-busy', 'true')")
    end = box(card)["x"] + box(card)["width"]
    ring = card.evaluate(
        """card => {
            const {left, width} = getComputedStyle(card, '::before');
            return card.getBoundingClientRect().left + parseFloat(left) + parseFloat(width);
        }"""
    )
    assert end - 24 <= ring <= end - 12
