"""Entries in other people's pages: readable, reachable and in their place, whatever is around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.harness import one_of
from tests.browser.hosts import ENTRIES, HOSTS, WHOLE, entry_in, show
from tests.browser.measure import (
    OUT_OF_PLACE,
    TOUCH_AREA,
    Color,
    box,
    contrasts,
    ground_of,
    violations,
)

WIDTHS = (320, 360, 768, 1280)
SCHEMES: tuple[Any, ...] = ("light", "dark")
#: What a finger taps; inline text keeps to its line.
TARGETS = ENTRIES.keys() - {"link"}
#: What is sold out may be dim.
DIM = {"sold"}
HOVERED = ("button", "outline", "link", "card")
#: One host of each kind; the rest are in `tests/deep`.
HERE = (
    "nothing",
    "Bootstrap",
    "Tailwind 3, dark",
    "Tailwind 4",
    "rules with an id",
    "right to left",
)

# Of a card with two links, the ring of the first is around the card.
_FOCUSED = """link => {
    const around = link.matches('.xiebao-entry__title') ? '::after' : null;
    const {outlineStyle, outlineWidth, outlineColor} = getComputedStyle(link, around);
    return [outlineStyle, parseFloat(outlineWidth), outlineColor];
}"""


host = one_of(*HERE)


def expect_readable(page: Page, host: str, scheme: Any) -> None:
    """Expect that every text can be read, and that a card is as dark as the page."""
    page.emulate_media(color_scheme=scheme)
    page.mouse.move(0, 0)
    found = {}
    for name in ENTRIES.keys() - DIM:
        found[name] = contrasts(entry_in(page, name))
    for name in HOVERED:
        entry_in(page, name).hover()
        found[f"{name}, hover"] = contrasts(entry_in(page, name))
    assert {at: texts for at, texts in found.items() if min(texts.values()) < 4.5} == {}, scheme
    is_dark = HOSTS[host].dark in ("always", "system" if scheme == "dark" else "always")
    for name in ("card", "quiet", "label", "own"):
        ground = ground_of(entry_in(page, name))
        assert (ground.luminance < 0.18) == is_dark, (scheme, name)


def expect_focus_is_seen(page: Page) -> None:
    """Expect that whoever walks through the page with the keyboard sees where they are."""
    grounds = [ground_of(page.locator(f"#{name}")) for name in ENTRIES]
    for name, ground in zip(ENTRIES, grounds, strict=True):
        for link in page.locator(f"#{name} a[href]").all():
            assert link.evaluate(_FOCUSED)[0] == "none"
            page.keyboard.press("Tab")
            expect(link).to_be_focused()
            style, width, color = link.evaluate(_FOCUSED)
            assert (style, width >= 2) == ("solid", True), name
            assert Color.read(color).contrast(ground) >= 3, name


def expect_nothing_sticks_out(page: Page, locale: str) -> None:
    """Expect that on any screen everything is in its place, and that no label is a tower."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        wrong = page.locator(WHOLE).evaluate_all(OUT_OF_PLACE)
        assert wrong == [], (locale, width)


def test_everybody_can_read_and_reach_an_entry_which_is_in_its_place(
    open_host: Callable[..., Page], hosts: dict[str, str], host: str
) -> None:
    page = open_host(host)
    expect_focus_is_seen(page)
    for scheme in SCHEMES:
        expect_readable(page, host, scheme)
        assert violations(page, ".xiebao-entry") == [], scheme
    for locale, address in hosts.items():
        show(page, address, host)
        expect_nothing_sticks_out(page, locale)


def test_every_part_of_a_card_with_two_links_leads_somewhere(
    open_host: Callable[..., Page], host: str
) -> None:
    page = open_host(host)
    page.set_viewport_size({"width": 360, "height": 900})
    for part in ("title", "text", "insurer", "price", "action", "terms"):
        leads_to = page.locator(f"#terms .xiebao-entry__{part}").evaluate(
            """part => {
                part.scrollIntoView({block: 'center'});
                const {left, top, width, height} = part.getBoundingClientRect();
                const hit = document.elementFromPoint(left + width / 2, top + height / 2);
                return hit.closest('a')?.className;
            }"""
        )
        assert (
            str(leads_to).split()[-1] == f"xiebao-entry__{'terms' if part == 'terms' else 'title'}"
        )


def test_two_cards_fit_into_a_row_of_a_phone(
    open_host: Callable[..., Page], hosts: dict[str, str], host: str
) -> None:
    page = open_host(host)
    page.set_viewport_size({"width": 360, "height": 900})
    for locale, address in hosts.items():
        show(page, address, host)
        for name in ("two", "flex"):
            for card in page.locator(f"#{name} a").all():
                height = box(card)["height"] / HOSTS[host].scale
                assert height <= (260 if locale == "zh" else 330), (locale, name)


def test_a_finger_has_44_pixels(open_host: Callable[..., Page], host: str) -> None:
    page = open_host(host, device="iPhone")
    sizes = {name: entry_in(page, name).evaluate(TOUCH_AREA) for name in TARGETS}
    assert {name: size for name, size in sizes.items() if min(size) < 44} == {}
