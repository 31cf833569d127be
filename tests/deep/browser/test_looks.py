"""Tests for the look of insurance entries: motion, Bootstrap, colors, chevrons and QR codes."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect

from tests.browser.measure import get_box
from tests.browser.support import DeviceContext, read_qr_code
from tests.deep.browser.support import get_computed_style

_TITLE = '<span class="xiebao-entry__title">境内旅行意外险</span>'
_TEXT = '<span class="xiebao-entry__text">航班延误、意外医疗、行李丢失，都管。每天 3 元起</span>'
_CARD = '{{% call insurance_entry("QX1", look="card") %}}{}{{% endcall %}}'
LINK = '{{ insurance_entry("QX1", "买一份旅行险", look="link") }}'

#: One row per insurance card: the id of the element around the card, and the card's Jinja source.
CARDS = {
    "title-and-text": _CARD.format(_TITLE + _TEXT),
    "title": _CARD.format(_TITLE),
    "label": '{{ insurance_home_entry(look="card") }}',
    "long-word": _CARD.format("Kraftfahrzeughaftpflichtversicherungsbedingungen" * 3),
}
#: One row per look of insurance entries: the id of the element around an entry, and the entry's
#: Jinja source.
LOOKS = {
    "button": '{{ insurance_entry("QX1") }}',
    "button-with-class": '{{ insurance_entry("QX1", class="x") }}',
    "card": CARDS["title-and-text"],
    "card-with-label": CARDS["label"],
    "link": f"<p>出发之前，先{LINK}。</p>",
}

ENTRY_STYLES = "{{ xiebao_styles() }}"
BOOTSTRAP = "{{ bootstrap.load_css() }}"
THEME = '<link rel="stylesheet" href="/theme.css">'

both_color_schemes = pytest.mark.parametrize("color_scheme", ["light", "dark"])
both_orders = pytest.mark.parametrize(
    "order",
    ["{site}{entries}", "{entries}{site}"],
    ids=["entry styles last", "entry styles first"],
)


def build_page_source(entries: dict[str, str]) -> str:
    """Return the Jinja source of a page with insurance entries.

    :param entries: The Jinja source of each entry, by the id of the ``div`` around the entry.
    """
    return "".join(f'<div id="{id}">{source}</div>' for id, source in entries.items())


def test_inline_entry_adds_no_height_and_no_touch_area_outside_its_line(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext]
) -> None:
    page = new_context("iPhone").page
    before, after = "行程总有意外，出发之前先看保险都管些什么，再" * 2, "，然后放心出发。" * 9
    page.goto(serve_page(f"<p>{before}买一份旅行险{after}</p><p>{before}{LINK}{after}</p>"))

    plain, with_link = page.locator("p").all()
    assert get_box(with_link)["height"] == get_box(plain)["height"]
    link = get_box(page.locator(".xiebao-entry"))
    for y in (link["top"] - 4, link["bottom"] + 4):
        class_name = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).className", [link["left"] + 9, y]
        )
        assert class_name == ""


@pytest.mark.parametrize(
    ("motion", "has_transitions"), [("reduce", False), ("no-preference", True)]
)
def test_entries_have_no_transitions_with_reduced_motion(
    serve_page: Callable[..., str],
    new_context: Callable[..., DeviceContext],
    motion: Any,
    has_transitions: bool,
) -> None:
    page = new_context(reduced_motion=motion).page
    page.goto(serve_page(build_page_source(LOOKS)))
    for look in LOOKS:
        style = get_computed_style(page.locator(f"#{look} .xiebao-entry"))
        durations = re.findall(r"[\d.]+", style["transition-duration"])
        assert any(map(float, durations)) == (has_transitions and look != "link"), look


@both_orders
@pytest.mark.parametrize("state", ["at rest", "hover", "focus"])
def test_entry_with_bootstrap_classes_looks_like_bootstrap_button(
    serve_page: Callable[..., str],
    new_context: Callable[..., DeviceContext],
    order: str,
    state: str,
) -> None:
    page = new_context(reduced_motion="no-preference" if state == "at rest" else "reduce").page
    page.goto(
        serve_page(
            '<p>{{ insurance_entry("QX1", "买旅行险", look="own", class="btn btn-primary") }}</p>'
            '<p><a class="btn btn-primary" href="/own">买旅行险</a></p>',
            styles=order.format(site=BOOTSTRAP, entries=ENTRY_STYLES),
        )
    )
    styles = []
    for button in page.locator("a").all():
        if state == "hover":
            button.hover()
        elif state == "focus":
            page.keyboard.press("Tab")
            expect(button).to_be_focused()
        styles.append(get_computed_style(button))

    entry, bootstrap = styles
    if state == "at rest":
        assert bootstrap["background-color"] == "rgb(13, 110, 253)"
    if entry["outline-style"] == bootstrap["outline-style"] == "none":
        # An invisible outline looks the same with any offset, so ignore a difference of the
        # offsets.
        entry["outline-offset"] = bootstrap["outline-offset"]
    assert entry == bootstrap


#: The CSS properties of entries that Bootstrap must not change.
PROTECTED_PROPERTIES = re.compile(
    r"background-color|border-(top|right)-(color|width|style)|border-top-left-radius|box-sizing"
    r"|color|display|font-weight|padding-(top|left)|text-(align|decoration-.*)"
)


@both_orders
def test_bootstrap_does_not_change_look_of_entries(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext], order: str
) -> None:
    looks = []
    for styles in (ENTRY_STYLES, order.format(site=BOOTSTRAP, entries=ENTRY_STYLES)):
        page = new_context(reduced_motion="reduce").page
        css = "body { color: #123456 !important }"
        page.goto(serve_page(build_page_source(LOOKS), styles=styles + THEME, css=css))
        for look in LOOKS:
            entry = page.locator(f"#{look} .xiebao-entry")
            page.mouse.move(0, 0)
            at_rest = [get_computed_style(entry), get_computed_style(entry, "::after")]
            entry.hover()
            looks.append(
                [get_protected_properties(s) for s in (*at_rest, get_computed_style(entry))]
            )
    assert looks[: len(LOOKS)] == looks[len(LOOKS) :]


def get_protected_properties(style: dict[str, str]) -> dict[str, str]:
    """Return the properties of a computed style that Bootstrap must not change."""
    if style["display"] == "inline":
        del style["box-sizing"]  # "box-sizing" has no effect on inline elements.
    return {name: value for name, value in style.items() if PROTECTED_PROPERTIES.fullmatch(name)}


@both_color_schemes
@both_orders
def test_accent_token_sets_color_of_button(
    serve_page: Callable[..., str],
    new_context: Callable[..., DeviceContext],
    order: str,
    color_scheme: Any,
) -> None:
    page = new_context(color_scheme=color_scheme).page
    styles = order.format(site=THEME, entries=ENTRY_STYLES)
    css = ":root { --xiebao-accent: rgb(1, 2, 3) }"
    page.goto(serve_page(LOOKS["button"], styles=styles, css=css))
    expect(page.locator(".xiebao-entry")).to_have_css("background-color", "rgb(1, 2, 3)")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    "styles", [ENTRY_STYLES, BOOTSTRAP + ENTRY_STYLES], ids=["no site styles", "Bootstrap"]
)
def test_chevron_of_card_is_vertically_centered_beside_text(
    serve_page: Callable[..., str],
    new_context: Callable[..., DeviceContext],
    styles: str,
    width: int,
) -> None:
    page = new_context(viewport={"width": width, "height": 900}, device_scale_factor=2).page
    page.goto(serve_page(build_page_source(CARDS), styles=styles))
    for name in CARDS:
        entry = page.locator(f"#{name} .xiebao-entry")
        text_end = entry.evaluate(
            """entry => {
                const texts = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
                const range = document.createRange();
                const ends = [];
                while (texts.nextNode()) {
                    range.selectNodeContents(texts.currentNode);
                    ends.push(...[...range.getClientRects()].map(box => box.right));
                }
                return Math.max(...ends) - entry.getBoundingClientRect().left;
            }"""
        )
        # In the screenshot, the chevron is the only drawing between the text and the border. A CSS
        # pixel is two pixels wide in the screenshot.
        image = Image.open(io.BytesIO(entry.screenshot())).convert("RGB")
        left, border = math.ceil(text_end) + 1, 9
        area = image.crop(
            (left * 2, border * 2, image.width - border * 2, image.height - border * 2)
        )
        background = Image.new("RGB", area.size, area.getpixel((0, 0)))
        drawing = ImageChops.difference(area, background).getbbox() or (0, 0, 0, 0)
        gap, top, _, bottom = (pixels / 2 for pixels in drawing)
        card = get_box(entry)
        assert bottom - top >= 8, name
        assert border + (top + bottom) / 2 == pytest.approx(card["height"] / 2, abs=1), name
        assert gap >= 6, name
        assert card["right"] <= width, name


@both_color_schemes
def test_qr_codes_of_any_size_are_readable_on_screen(
    serve_page: Callable[..., str], new_context: Callable[..., DeviceContext], color_scheme: Any
) -> None:
    page = new_context(color_scheme=color_scheme, viewport={"width": 320, "height": 900}).page
    sizes = (120, 180, 400)
    macro = '<p>{{{{ insurance_qr("QX1", size={}, return_to="/orders/8") }}}}</p>'
    url = serve_page(
        "".join(map(macro.format, sizes)),
        styles=ENTRY_STYLES + THEME,
        css="@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }",
    )
    page.goto(url)
    codes = page.get_by_role("img", name="用手机扫码投保").all()
    for code, size in zip(codes, sizes, strict=True):
        box = get_box(code)
        assert box["width"] == box["height"] == min(size, 320 - 32)
        assert str(read_qr_code(code)).startswith(urljoin(url, "/xiebao/product/"))
