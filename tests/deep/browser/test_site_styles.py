"""Tests for the look of insurance entries: site styles, busy entries, forced colors and print."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.browser.measure import COLORS_JS, find_low_contrasts, get_box
from tests.browser.site_styles import ENTRY, SITE_STYLES, find_entry
from tests.browser.support import parametrized_fixture, read_qr_code
from tests.browser.test_site_styles import (
    TESTED_HERE,
    test_entries_are_readable_in_light_and_dark_mode,
    test_entries_fit_screens_of_phones_and_pcs,
    test_entries_have_no_accessibility_violations,
    test_focused_link_has_visible_outline,
    test_tap_on_any_part_of_card_hits_product_link_or_terms_link,
    test_touch_areas_are_at_least_44_pixels_wide_and_high,
)
from tests.deep.browser.support import get_computed_style

__all__ = [
    "test_entries_are_readable_in_light_and_dark_mode",
    "test_entries_fit_screens_of_phones_and_pcs",
    "test_entries_have_no_accessibility_violations",
    "test_focused_link_has_visible_outline",
    "test_tap_on_any_part_of_card_hits_product_link_or_terms_link",
    "test_touch_areas_are_at_least_44_pixels_wide_and_high",
]

#: The key in ``SITE_STYLES`` of the stylesheets that the test page loads.
styles = parametrized_fixture(*sorted(SITE_STYLES.keys() - {*TESTED_HERE}))

#: A mark for tests that need only a few site styles: no CSS, dark mode, a focus style for all
#: links, and CSS rules for links.
few_sites = pytest.mark.parametrize(
    "styles",
    ["no styles", "Bootstrap, dark", "Pico", "Tailwind 4 with rules for links", "rules for links"],
)


@few_sites
def test_busy_entry_keeps_its_size_and_shows_spinner_in_its_middle(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    for id in ("button", "small", "outline", "block", "card"):
        entry = find_entry(page, id)
        box = get_box(entry)
        entry.evaluate("entry => entry.setAttribute('aria-busy', 'true')")
        assert get_box(entry) == box, id

        button = entry.locator(".xiebao-entry__action") if id == "card" else entry
        image = Image.open(io.BytesIO(button.screenshot())).convert("RGB")
        left, top, right, bottom = find_spinner_edges(image)
        assert 8 <= right - left <= 20, id
        # The spinner is three quarters of a ring, so its bounding box is not exactly in the middle.
        assert (left + right) / 2 == pytest.approx(image.width / 2, abs=3), id
        assert (top + bottom) / 2 == pytest.approx(image.height / 2, abs=3), id


def find_spinner_edges(image: Image.Image) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom edge of the spinner in a button's screenshot."""
    inner = image.crop((9, 3, image.width - 9, image.height - 3))  # Cut off the button's border.
    background = Image.new("RGB", inner.size, image.getpixel((15, image.height // 2)))
    difference = ImageChops.difference(inner, background).convert("L")
    box = difference.point(lambda value: value > 24 and 255).getbbox()
    left, top, right, bottom = box or (0, 0, 0, 0)
    return left + 9, top + 3, right + 9, bottom + 3


#: One row per kind of Tailwind class: the name, the CSS properties that the class sets, and whether
#: the class affects entries. Tailwind classes can place an entry, but cannot change its look.
UTILITIES = {
    "margin": (["marginTop"], True),
    "position": (["position"], True),
    "color": (["backgroundColor", "color"], False),
    "padding": (["paddingLeft", "paddingRight"], False),
    "radius": (["borderTopLeftRadius"], False),
    "border": (["borderTopWidth", "borderLeftWidth"], False),
}


@pytest.mark.parametrize("styles", ["Tailwind 3", "Tailwind 3, dark", "Tailwind 4"])
def test_tailwind_classes_place_entry_but_keep_its_look(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(f"{styles}/utilities")
    for id, (properties, applies) in UTILITIES.items():
        entry, other = (
            page.locator(f"#{id} {tag}").evaluate(
                "(element, names) => names.map(name => getComputedStyle(element)[name])",
                properties,
            )
            for tag in ("a", "span")
        )
        assert (entry == other) == applies, id


@pytest.mark.parametrize("framework", ["alpine", "vue"])
@pytest.mark.parametrize("styles", ["no styles", "Bootstrap", "rules for links"])
def test_class_added_by_alpine_or_vue_keeps_look_of_entry(
    open_styled_page: Callable[..., Page], styles: str, framework: str
) -> None:
    properties = ("background-color", "color", "padding-left", "border-top-left-radius", "display")
    expected = get_computed_style(find_entry(open_styled_page(styles), "button"))

    entry = find_entry(open_styled_page(f"{styles}/{framework}"), framework)

    expect(entry).to_contain_class("is-active now")
    style = get_computed_style(entry)
    assert [style[name] for name in properties] == [expected[name] for name in properties]
    assert find_low_contrasts(entry) == []


@few_sites
def test_entries_have_readable_texts_and_visible_borders_with_forced_colors(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles, forced_colors="active")
    assert find_low_contrasts(page.locator(ENTRY)) == []
    borders = page.locator(f":is({ENTRY}):not(#link *)").evaluate_all(
        f"""entries => {{
            {COLORS_JS}
            const main = document.querySelector("main");
            return entries.map(entry => [entry.parentElement.id,
                getContrast(getComputedStyle(entry).borderTopColor, main)]);
        }}"""
    )
    assert [(id, contrast) for id, contrast in borders if contrast < 3] == []


def test_qr_code_is_readable_with_forced_colors(open_styled_page: Callable[..., Page]) -> None:
    page = open_styled_page("no styles", forced_colors="active", color_scheme="dark")
    assert "/xiebao/product/" in str(read_qr_code(page.locator("#qr .xiebao-qr")))


@few_sites
def test_printed_entries_have_dark_text_and_no_background(
    open_styled_page: Callable[..., Page], styles: str
) -> None:
    page = open_styled_page(styles)
    page.emulate_media(media="print")
    parts = page.locator(f"{ENTRY}, .xiebao-entry__action").evaluate_all(
        f"""parts => {{
            {COLORS_JS}
            return parts.map(part => {{
                const {{color, backgroundColor}} = getComputedStyle(part);
                const contrast = 1.05 / (getLuminance(['white', color]) + 0.05);
                return [part.closest('[id]').id, contrast, backgroundColor];
            }});
        }}"""
    )
    for id, contrast, background in parts:
        assert contrast >= 4.5, id
        assert background == "rgba(0, 0, 0, 0)" or id == "link", id
