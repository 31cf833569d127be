"""Entries in every page of other people's: at all times, in other colors, and on paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.browser.harness import Visits, one_of, scan
from tests.browser.hosts import ENTRIES, HOSTS, entry_in
from tests.browser.measure import Color, box, contrasts, ground_of
from tests.browser.test_hosts import (
    HERE,
    test_a_finger_has_44_pixels,
    test_everybody_can_read_and_reach_an_entry_which_is_in_its_place,
)
from tests.deep.browser.styles import computed

__all__ = [
    "test_a_finger_has_44_pixels",
    "test_everybody_can_read_and_reach_an_entry_which_is_in_its_place",
]

Open = Callable[..., Page]


host = one_of(*sorted(HOSTS.keys() - {*HERE}))


#: A page without styles, a dark one, one with rings of its own, and those with rules for links.
a_few_hosts = pytest.mark.parametrize(
    "host",
    ["nothing", "Bootstrap, dark", "Pico", "Tailwind 4, and rules for links", "rules for links"],
)


@a_few_hosts
def test_a_busy_entry_turns_a_ring_in_place_of_its_words_and_nothing_moves(
    open_host: Open, host: str
) -> None:
    page = open_host(host)
    for name in ("button", "small", "outline", "block", "card"):
        entry = entry_in(page, name)
        place = box(entry)
        entry.evaluate("entry => entry.setAttribute('aria-busy', 'true')")
        assert box(entry) == place, name
        words = entry.locator(".xiebao-entry__action") if name == "card" else entry
        picture = Image.open(io.BytesIO(words.screenshot())).convert("RGB")
        drawn = ring_in(picture)
        assert 8 <= drawn.width <= 20, (name, drawn)
        middle = (drawn.left + drawn.width / 2, drawn.top + drawn.height / 2)
        # A quarter of the ring is not drawn.
        assert middle == pytest.approx((picture.width / 2, picture.height / 2), abs=3), name


class Drawn(NamedTuple):
    left: int
    top: int
    width: int
    height: int


def ring_in(picture: Image.Image) -> Drawn:
    """Return where something is drawn on the ground of a button, within its edges."""
    inner = picture.crop((3, 3, picture.width - 3, picture.height - 3))
    ground = Image.new("RGB", inner.size, inner.getpixel((12, inner.height // 2)))
    found = (
        ImageChops.difference(inner, ground).convert("L").point(lambda value: value > 24 and 255)
    )
    left, top, right, bottom = (
        found.crop((6, 0, found.width - 6, found.height)).getbbox() or [0] * 4
    )
    return Drawn(left + 9, top + 3, right - left, bottom - top)


#: What utilities say, and whether that is where an entry stands; else it is what it looks like.
UTILITIES = {
    "margin": (["marginTop"], True),
    "place": (["position"], True),
    "colors": (["backgroundColor", "color"], False),
    "padding": (["paddingLeft", "paddingRight"], False),
    "corners": (["borderTopLeftRadius"], False),
    "border": (["borderTopWidth", "borderLeftWidth"], False),
}


@pytest.mark.parametrize("host", ["Tailwind 3", "Tailwind 3, dark", "Tailwind 4"])
def test_utilities_say_where_an_entry_stands_and_not_what_it_looks_like(
    hosts: dict[str, str], visit: Visits, host: str
) -> None:
    page = visit(reduced_motion="reduce").page
    page.goto(f"{hosts['zh']}/more/{host}/utilities")
    for name, (properties, they_win) in UTILITIES.items():
        read = "(element, names) => names.map(name => getComputedStyle(element)[name])"
        theirs = page.locator(f"#{name} span").evaluate(read, properties)
        assert (page.locator(f"#{name} a").evaluate(read, properties) == theirs) == they_win, name


@pytest.mark.parametrize("framework", ["alpine", "vue"])
@pytest.mark.parametrize("host", ["nothing", "Bootstrap", "rules for links"])
def test_a_class_that_a_script_adds_leaves_the_look_as_it_is(
    open_host: Open, host: str, framework: str
) -> None:
    page = open_host(host)
    look = computed(entry_in(page, "button"))
    page.goto(page.url.replace("/host/", "/more/") + f"/{framework}")
    entry = entry_in(page, framework)
    expect(entry).to_contain_class("is-active now")
    same = ("background-color", "color", "padding-left", "border-top-left-radius", "display")
    assert [computed(entry)[name] for name in same] == [look[name] for name in same]
    assert min(contrasts(entry).values()) >= 4.5


@a_few_hosts
def test_with_forced_colors_an_entry_has_those_and_its_edges(open_host: Open, host: str) -> None:
    page = open_host(host, forced_colors="active")
    for name in ENTRIES:
        entry = entry_in(page, name)
        assert min(contrasts(entry).values()) >= 4.5, name
        if name != "link":
            edge = Color.read(computed(entry)["border-top-color"])
            assert edge.contrast(ground_of(page.locator("main"))) >= 3, name


def test_with_forced_colors_a_code_can_still_be_read(hosts: dict[str, str], visit: Visits) -> None:
    page = visit(forced_colors="active", color_scheme="dark").page
    page.goto(f"{hosts['zh']}/more/nothing/code")
    assert "/xiebao/product/" in str(scan(page.locator(".xiebao-qr")))


@a_few_hosts
def test_on_paper_an_entry_needs_no_ink_for_its_ground(open_host: Open, host: str) -> None:
    page = open_host(host)
    page.emulate_media(media="print")
    for name in ENTRIES:
        entry = entry_in(page, name)
        for part in (entry, *entry.locator(".xiebao-entry__action").all()):
            color = Color.read(computed(part)["color"])
            assert color.contrast(Color(255, 255, 255)) >= 4.5, name
            ground = computed(part)["background-color"]
            assert ground == "rgba(0, 0, 0, 0)" or name == "link", (name, ground)
