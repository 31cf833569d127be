"""Tests for the layout of entries: icons, line breaks, badges, long labels and QR codes.

``test_site_styles.py`` checks the same entries on pages with other styles.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.measure import TEXT_LINES_JS, get_box
from tests.browser.site_styles import find_entry
from tests.browser.support import read_qr_code

#: A pytest mark that runs a test on pages with CSS rules for all links and icons. The rules must
#: not change entries.
pages_with_rules = pytest.mark.parametrize(
    "styles", ["no styles", "Tailwind 3", "rules with id selectors"]
)

#: One row per card title: the width in pixels of the narrowest card in which the title must fit,
#: and the title. A card is at least 160 pixels wide, but the Chinese title has no long words and
#: also fits narrower cards.
TITLES = {
    120: "全家出行，一份都管：境内旅行意外险（含航班延误、行李丢失），说走就走！",
    160: "Domestic travel accident insurance, delayed flights and lost luggage included",
}
CLOSING_PUNCTUATION = "，。、；：！？）》」』”’％…"


@pytest.mark.parametrize("styles", ["no styles", "Tailwind 3", "Bootstrap"])
def test_icon_is_beside_label_and_keeps_its_size(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    for name, side in (("icon", 20), ("sized-icon", 32)):
        button = find_entry(page, name)
        icon, outer = get_box(button.locator("svg")), get_box(button)
        assert (icon["width"], icon["height"]) == (side, side), name
        assert icon["y"] + side / 2 == pytest.approx(outer["y"] + outer["height"] / 2, abs=1), name
        assert len(button.evaluate(TEXT_LINES_JS)) == 1, name
        assert outer["height"] <= 52, name


def test_bold_word_in_button_label_adds_no_space(open_styled_page: Callable[..., Page]) -> None:
    button = find_entry(open_styled_page("no styles"), "bold")
    width = get_box(button)["width"]
    button.evaluate("button => { button.textContent = button.textContent }")
    assert width == pytest.approx(get_box(button)["width"], abs=2)


@pages_with_rules
def test_title_breaks_neither_inside_words_nor_before_closing_punctuation(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    card = find_entry(open_styled_page(styles), "card")
    for narrowest, title in TITLES.items():
        for lines in card.evaluate(
            f"""(card, [narrowest, title]) => {{
                const element = card.querySelector('.xiebao-entry__title');
                element.textContent = title;
                return [...Array(25).keys()].map(step => {{
                    card.parentElement.style.inlineSize = `${{narrowest + 8 * step}}px`;
                    return ({TEXT_LINES_JS})(element);
                }});
            }}""",
            [narrowest, title],
        ):
            words = [word for line in lines for word in line.split()]
            assert "".join(words) == title.replace(" ", "")
            assert " " not in title or words == title.split()
            assert not [line for line in lines if line[0] in CLOSING_PUNCTUATION]


def test_badge_is_on_one_line_below_long_title(open_styled_page: Callable[..., Page]) -> None:
    card = find_entry(open_styled_page("no styles"), "card")
    card.evaluate(
        """card => {
            card.style.setProperty('--xiebao-title-lines', 1);
            card.querySelector('.xiebao-entry__title').textContent = '境内旅行意外险'.repeat(9);
            card.querySelector('.xiebao-entry__badge').textContent = '限时 特惠 热卖';
            card.parentElement.style.inlineSize = '160px';
        }"""
    )
    badge = card.locator(".xiebao-entry__badge")
    title = get_box(card.locator(".xiebao-entry__title"))
    assert len(badge.evaluate(TEXT_LINES_JS)) == 1
    assert get_box(badge)["y"] >= title["bottom"]
    assert title["height"] < 30


@pages_with_rules
def test_long_label_of_large_button_fits_phone_at_200_percent_text_size(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    page.set_viewport_size({"width": 320, "height": 900})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    buttons = page.locator(":is(#large-in-table, #large-in-inline-block) .xiebao-entry")
    sizes = buttons.evaluate_all(
        """buttons => buttons.map(button => [
            button.getBoundingClientRect().right,
            button.parentElement.getBoundingClientRect().right,
            button.scrollWidth - button.clientWidth,
        ])"""
    )
    assert len(sizes) == 2
    for button_end, parent_end, overflow in sizes:
        assert max(button_end, parent_end) <= 320
        assert overflow <= 1


@pages_with_rules
def test_qr_code_keeps_its_size_and_is_readable(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    code = open_styled_page(styles).locator("#qr svg").first
    assert (get_box(code)["width"], get_box(code)["height"]) == (180, 180)
    assert "/xiebao/product/" in str(read_qr_code(code))


def test_links_of_card_ignore_rules_of_site(open_styled_page: Callable[..., Page]) -> None:
    links = open_styled_page("rules with id selectors").locator("#terms a")
    styles = links.evaluate_all(
        """links => links.map(link => [
            getComputedStyle(link).backgroundColor,
            getComputedStyle(link).fontSize,
            getComputedStyle(link, '::before').content,
        ])"""
    )
    assert styles == [["rgba(0, 0, 0, 0)", size, "none"] for size in ("16px", "13px")]


@pytest.mark.parametrize("device", ["desktop", "iPhone"])
def test_touch_area_of_entry_with_position_static_does_not_cover_page(
    open_styled_page: Callable[..., Page], device: str
) -> None:
    page = open_styled_page("position static", device=device)
    assert page.locator("h1").evaluate(
        """heading => {
            const {left, top, height} = heading.getBoundingClientRect();
            return document.elementFromPoint(left + 8, top + height / 2) === heading;
        }"""
    )


def test_busy_card_without_button_has_spinner_at_its_end(
    open_styled_page: Callable[..., Page],
) -> None:
    card = find_entry(open_styled_page("no styles"), "quiet")
    distance = card.evaluate(
        """card => {
            card.setAttribute('aria-busy', 'true');
            const {left, width} = getComputedStyle(card, '::before');
            return card.getBoundingClientRect().width - parseFloat(left) - parseFloat(width);
        }"""
    )
    assert 12 <= distance <= 24
