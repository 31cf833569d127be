"""Entries in other people's pages: readable, reachable and in their place, whatever is around."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import Visits
from tests.browser.hosts import ENTRIES, HOSTS, WORDS, serve_hosts
from tests.browser.measure import (
    OUT_OF_PLACE,
    Color,
    box,
    computed,
    contrasts,
    ground_of,
)

WIDTHS = (320, 360, 768, 1280)
SCHEMES: tuple[Any, ...] = ("light", "dark")
#: What a finger taps; inline text keeps to its line.
TARGETS = ENTRIES.keys() - {"link"}
HOVERED = ("button", "outline", "link", "card")

_FOCUSED = """entry => {
    const {outlineStyle, outlineWidth, outlineColor} = getComputedStyle(entry);
    return [outlineStyle, parseFloat(outlineWidth), outlineColor];
}"""

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the hosts."""
    with serve_hosts(tmp_path_factory.mktemp("hosts")) as address:
        yield address


@pytest.fixture
def open_host(hosts: str, visit: Visits) -> Open:
    """Return a function that opens the page of a host."""

    def go(name: str, *, device: str = "desktop", **options: Any) -> Page:
        page = visit(device, reduced_motion="reduce", **options).page
        show(page, hosts, name)
        return page

    return go


def show(page: Page, hosts: str, name: str, locale: str = "zh") -> None:
    page.goto(f"{hosts}/{locale}/{name}")
    page.locator(".xiebao-entry, .xiebao-qr").first.wait_for()  # some pages fetch theirs


def entry_in(page: Page, name: str) -> Locator:
    return page.locator(f"#{name} .xiebao-entry")


every_host = pytest.mark.parametrize("host", HOSTS)


def is_dark(host: str, scheme: str) -> bool:
    dark = HOSTS[host].dark
    return dark == "always" or (dark == "system" and scheme == "dark")


@every_host
def test_every_text_can_be_read_and_a_card_is_as_dark_as_the_page(
    open_host: Open, host: str
) -> None:
    page = open_host(host)
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.mouse.move(0, 0)
        for name in ENTRIES:
            entry = entry_in(page, name)
            found[scheme, name] = contrasts(entry)
            if name in HOVERED:
                entry.hover()
                found[scheme, name, "hover"] = contrasts(entry)
        for name in ("card", "quiet", "label", "own"):
            ground = ground_of(entry_in(page, name))
            assert (ground.luminance < 0.18) == is_dark(host, scheme), (scheme, name)
    assert {at: texts for at, texts in found.items() if min(texts.values()) < 4.5} == {}


@every_host
def test_axe_finds_nothing_about_an_entry(open_host: Open, host: str) -> None:
    page = open_host(host)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = [
            (rule["id"], node["html"])
            for rule in Axe().run(page, context=".xiebao-entry").response["violations"]
            for node in rule["nodes"]
        ]
        assert found == [], scheme


@every_host
def test_nothing_sticks_out_and_no_label_is_a_tower(hosts: str, open_host: Open, host: str) -> None:
    page = open_host(host)
    for locale in WORDS:
        show(page, hosts, host, locale)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            wrong = page.locator(".xiebao-entry").evaluate_all(OUT_OF_PLACE)
            assert wrong == [], (locale, width)


@every_host
def test_keyboard_focus_is_seen(open_host: Open, host: str) -> None:
    page = open_host(host)
    grounds = [ground_of(page.locator(f"#{name}")) for name in ENTRIES]
    for name, ground in zip(ENTRIES, grounds, strict=True):
        entry = entry_in(page, name)
        assert entry.evaluate(_FOCUSED)[0] == "none"
        page.keyboard.press("Tab")
        expect(entry).to_be_focused()
        style, width, color = entry.evaluate(_FOCUSED)
        assert (style, width >= 2) == ("solid", True), name
        assert Color.read(color).contrast(ground) >= 3, name


@every_host
def test_a_finger_has_44_pixels(open_host: Open, host: str) -> None:
    page = open_host(host, device="iPhone")
    sizes = {name: box(entry_in(page, name)) for name in TARGETS}
    small = {name: size for name, size in sizes.items() if min(size["width"], size["height"]) < 44}
    assert small == {}


@pytest.mark.parametrize("host", ["nothing", "Bootstrap, dark", "Tailwind 4, and rules for links"])
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


UTILITIES = {
    "margin": ["marginTop"],
    "colors": ["backgroundColor", "color"],
    "padding": ["paddingLeft", "paddingRight"],
    "corners": ["borderTopLeftRadius"],
    "border": ["borderTopWidth", "borderLeftWidth"],
}


@pytest.mark.parametrize("host", ["Tailwind 3", "Tailwind 3, dark", "Tailwind 4"])
def test_utilities_win_where_they_are_given(open_host: Open, host: str) -> None:
    page = open_host(f"{host}/utilities")
    for name, properties in UTILITIES.items():
        read = "(element, names) => names.map(name => getComputedStyle(element)[name])"
        entry = page.locator(f"#{name} a")
        theirs = page.locator(f"#{name} span").evaluate(read, properties)
        assert entry.evaluate(read, properties) == theirs, name
        page.mouse.move(0, 0)
        entry.hover()
        assert entry.evaluate(read, properties) == theirs, f"{name}, hover"
        assert computed(entry)["font-weight"] == "600"  # it is our button otherwise


@pytest.mark.parametrize("framework", ["alpine", "vue"])
@pytest.mark.parametrize("host", ["nothing", "Bootstrap", "rules for links"])
def test_a_class_that_a_script_adds_leaves_the_look_as_it_is(
    open_host: Open, host: str, framework: str
) -> None:
    page = open_host(host)
    look = computed(entry_in(page, "button"))
    page.goto(f"{page.url}/{framework}")
    entry = entry_in(page, framework)
    expect(entry).to_contain_class("is-active now")
    same = ("background-color", "color", "padding-left", "border-top-left-radius", "display")
    assert [computed(entry)[name] for name in same] == [look[name] for name in same]
    assert min(contrasts(entry).values()) >= 4.5


def test_with_forced_colors_an_entry_has_those_and_its_edges(open_host: Open) -> None:
    for host in ("nothing", "Bootstrap, dark", "rules for links"):
        page = open_host(host, forced_colors="active")
        for name in ENTRIES:
            entry = entry_in(page, name)
            assert min(contrasts(entry).values()) >= 4.5, (host, name)
            if name != "link":
                edge = Color.read(computed(entry)["border-top-color"])
                assert edge.contrast(ground_of(page.locator("main"))) >= 3, (host, name)


def test_with_forced_colors_a_code_can_still_be_read(open_host: Open) -> None:
    page = open_host("nothing/code", forced_colors="active", color_scheme="dark")
    code = Image.open(io.BytesIO(page.locator(".xiebao-qr").screenshot()))
    [read] = zxingcpp.read_barcodes(code)
    assert "/xiebao/product/" in read.text


@pytest.mark.parametrize("host", ["nothing", "Bootstrap, dark", "rules for links"])
def test_on_paper_an_entry_needs_no_ink_for_its_ground(open_host: Open, host: str) -> None:
    page = open_host(host)
    page.emulate_media(media="print")
    for name in ENTRIES:
        entry = entry_in(page, name)
        for part in (entry, *entry.locator(".xiebao-entry__action").all()):
            color = Color.read(computed(part)["color"])
            assert color.contrast(Color(255, 255, 255)) >= 4.5, name
            ground = computed(part)["background-color"]
            assert ground.startswith("rgba(0, 0, 0, 0") or name == "link", (name, ground)
