"""Tests for entries on pages with the styles of a site, for example Bootstrap or a CSS reset.

To test other styles, add a row to ``SITE_STYLES`` in site_styles.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.measure import (
    COLORS_JS,
    LAYOUT_ERRORS_JS,
    find_axe_violations,
    find_low_contrasts,
    find_small_touch_areas,
    get_box,
    get_luminances,
)
from tests.browser.site_styles import (
    ENTRIES,
    ENTRY,
    SITE_STYLES,
    find_entry,
)
from tests.browser.support import parametrized_fixture

#: The keys of ``SITE_STYLES`` that this module tests. tests/deep/browser tests the other keys.
TESTED_HERE = (
    "no styles",
    "Bootstrap",
    "Tailwind 3, dark",
    "Tailwind 4",
    "rules with id selectors",
    "right to left",
)

#: The ids of the cards whose background must be dark on dark pages, and light on other pages.
CARDS = ("card", "quiet", "label", "own")
#: One row per card with a link to the insurance terms: its id, and the names of its parts. Only a
#: tap on the last part opens the terms.
CARDS_WITH_TERMS = {
    "terms": ("title", "text", "insurer", "price", "action", "terms"),
    "bare-terms": ("title", "action", "terms"),
}

_ENTRY_IDS = ", ".join(f"#{id}" for id in ENTRIES)
# A JavaScript function that returns the id of an entry, the style and width of its link's outline,
# and the outline's contrast with the background around the entry. The link in the title of a card
# has an outline around the whole card.
_OUTLINE_JS = f"""link => {{
    {COLORS_JS}
    const pseudo = link.matches('.xiebao-entry__title') ? '::after' : null;
    const {{outlineStyle, outlineWidth, outlineColor}} = getComputedStyle(link, pseudo);
    const area = link.closest('{_ENTRY_IDS}');
    return [area.id, outlineStyle, parseFloat(outlineWidth), getContrast(outlineColor, area)];
}}"""

#: The key in ``SITE_STYLES`` of the page's styles.
styles = parametrized_fixture(*TESTED_HERE)


def test_entries_are_readable_in_light_and_dark_mode(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    cards = page.locator(", ".join(f"#{name} .xiebao-entry--card" for name in CARDS))
    schemes: tuple[Any, ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.mouse.move(0, 0)
        # Sold-out entries are disabled, so their contrast may be low.
        assert find_low_contrasts(page.locator(f":is({ENTRY}):not(#sold *)")) == [], scheme
        for name in ("button", "outline", "link", "card"):
            entry = find_entry(page, name)
            entry.hover()
            assert find_low_contrasts(entry) == [], scheme

        page_is_dark = SITE_STYLES[styles].dark in ("always", "system" if scheme == "dark" else "")
        cards_are_dark = [luminance < 0.18 for luminance in get_luminances(cards)]
        assert cards_are_dark == [page_is_dark] * len(CARDS), scheme


def test_entries_have_no_accessibility_violations(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    # Another test checks the contrast in light and dark mode, so axe need not check it.
    page = open_styled_page(styles)
    rules = {"color-contrast": {"enabled": False}}
    assert find_axe_violations(page, ".xiebao-entry", rules=rules) == []


def test_focused_link_has_visible_outline(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    links = page.locator(_ENTRY_IDS).locator("a[href]")
    unfocused = links.evaluate_all(f"links => links.map({_OUTLINE_JS})")
    page.evaluate(
        f"""() => {{
            window.outlines = [];
            addEventListener('focusin', event => outlines.push(({_OUTLINE_JS})(event.target)));
        }}"""
    )

    for _ in unfocused:
        page.keyboard.press("Tab")

    focused = page.evaluate("outlines")
    assert [id for id, *_ in focused] == [id for id, *_ in unfocused]
    assert {style for _, style, *_ in unfocused} == {"none"}
    for id, style, width, contrast in focused:
        assert style == "solid", id
        assert width >= 2, id
        assert contrast >= 3, id


@pytest.mark.parametrize(("locale", "max_height"), [("zh", 260), ("en", 330)])
def test_entries_fit_screens_of_phones_and_pcs(
    open_styled_page: Callable[..., Page], styles: str, locale: str, max_height: int
) -> None:
    page = open_styled_page(styles, locale=locale)
    for width in (320, 360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator(ENTRY).evaluate_all(LAYOUT_ERRORS_JS) == [], width
        if width == 360:
            two_in_row = page.locator(":is(#two, #flex) a")
            heights = two_in_row.evaluate_all("cards => cards.map(card => card.offsetHeight)")
            assert len(heights) == 4
            # If the text is twice as large, lines are twice as high and hold half as many words.
            assert max(heights) <= max_height * SITE_STYLES[styles].text_scale ** 2


def test_tap_on_any_part_of_card_hits_product_link_or_terms_link(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles, device="iPhone")
    for name, parts in CARDS_WITH_TERMS.items():
        card = find_entry(page, name)
        links = card.evaluate(
            """(card, names) => names.map(name => {
                const part = card.querySelector(`.xiebao-entry__${name}`);
                part.scrollIntoView({block: 'center'});
                const {left, top, height} = part.getBoundingClientRect();
                const points = [...Array(11).keys()].map(step => (step + 0.5) / 11);
                const links = points.map(point =>
                    document.elementFromPoint(left + 8, top + height * point).closest('a'));
                return [...new Set(links.map(link => link?.className.split(' ').pop()))];
            })""",
            parts,
        )
        assert links[:-1] == [["xiebao-entry__title"]] * (len(parts) - 1), name
        assert links[-1] == ["xiebao-entry__terms"], name
        assert get_box(card.locator(".xiebao-entry__terms"))["height"] >= 44, name


def test_touch_areas_are_at_least_44_pixels_wide_and_high(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles, device="iPhone")
    # An inline link is only as high as its line, so its touch area may be smaller.
    assert find_small_touch_areas(page.locator(f":is({ENTRY}):not(#link *)")) == []
