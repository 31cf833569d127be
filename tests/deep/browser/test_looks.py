"""The looks of an entry, measured in the browser: size, color, focus, motion, other stylesheets."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect

from tests.browser.harness import Visits, scan
from tests.browser.measure import box
from tests.deep.browser.styles import computed, differences

MakePage = Callable[..., str]


def a_card(content: str) -> str:
    macro = 'insurance_entry("QX1", look="card")'
    return f"{{% call {macro} %}}{content}{{% endcall %}}"


def a_page_of(entries: dict[str, str]) -> str:
    return "".join(f'<div id="{name}">{source}</div>' for name, source in entries.items())


TITLE = '<span class="xiebao-entry__title">境内旅行意外险</span>'
TEXT = '<span class="xiebao-entry__text">航班延误、意外医疗、行李丢失，都管。每天 3 元起</span>'
LINK = '{{ insurance_entry("QX1", "买一份旅行险", look="link") }}'

CARDS = {
    "title-and-text": a_card(TITLE + TEXT),
    "title": a_card(TITLE),
    "label": '{{ insurance_home_entry(look="card") }}',
    "long-word": a_card("Kraftfahrzeughaftpflichtversicherungsbedingungen" * 3),
}
LOOKS = {
    "button": '{{ insurance_entry("QX1") }}',
    "button-with-a-class": '{{ insurance_entry("QX1", class="x") }}',
    "card": CARDS["title-and-text"],
    "card-with-a-label": CARDS["label"],
    "link": f"<p>出发之前，先{LINK}。</p>",
}
LOOKS_PAGE = a_page_of(LOOKS)

OURS = "{{ xiebao_styles() }}"
BOOTSTRAP = "{{ bootstrap.load_css() }}"
THEME = '<link rel="stylesheet" href="/theme.css">'

both_schemes = pytest.mark.parametrize("color_scheme", ["light", "dark"])
before_and_after = pytest.mark.parametrize(
    "order", ["{theirs}{ours}", "{ours}{theirs}"], ids=["before ours", "after ours"]
)


def test_inline_text_leaves_the_lines_around_it_their_places_and_their_taps(
    make_page: MakePage, visit: Visits
) -> None:
    page = visit("iPhone").page
    before, after = "行程总有意外，出发之前先看保险都管些什么，再" * 2, "，然后放心出发。" * 9
    page.goto(make_page(f"<p>{before}买一份旅行险{after}</p><p>{before}{LINK}{after}</p>"))
    plain, linked = page.locator("p").all()
    assert box(linked)["height"] == box(plain)["height"]
    link = box(page.locator(".xiebao-entry"))
    for y in (link["y"] - 4, link["y"] + link["height"] + 4):
        hit = f"document.elementFromPoint({link['x'] + 9}, {y}).className"
        assert page.evaluate(hit) == ""


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_nothing_moves_for_who_wants_no_motion(
    make_page: MakePage, visit: Visits, motion: Any, moves: bool
) -> None:
    page = visit(reduced_motion=motion).page
    page.goto(make_page(LOOKS_PAGE))
    for look in LOOKS:
        style = computed(page.locator(f"#{look} .xiebao-entry"))
        durations = re.findall(r"[\d.]+", style["transition-duration"])
        assert any(map(float, durations)) == (moves and look != "link"), look


@before_and_after
@pytest.mark.parametrize("state", ["at rest", "hover", "focus"])
def test_with_bootstraps_classes_an_entry_looks_as_bootstraps_own(
    make_page: MakePage, visit: Visits, order: str, state: str
) -> None:
    motion = "no-preference" if state == "at rest" else "reduce"
    page = visit(reduced_motion=motion).page
    page.goto(
        make_page(
            '<p>{{ insurance_entry("QX1", "买旅行险", look="own", class="btn btn-primary") }}</p>'
            '<p><a class="btn btn-primary" href="/own">买旅行险</a></p>',
            styles=order.format(theirs=BOOTSTRAP, ours=OURS),
        )
    )
    looks = []
    for entry in page.locator("a").all():
        if state == "hover":
            entry.hover()
        elif state == "focus":
            page.keyboard.press("Tab")
            expect(entry).to_be_focused()
        looks.append(computed(entry))
    ours, bootstraps = looks
    if state == "at rest":
        assert bootstraps["background-color"] == "rgb(13, 110, 253)"
    if ours["outline-style"] == bootstraps["outline-style"] == "none":
        ours["outline-offset"] = bootstraps["outline-offset"]  # of an outline that is not there
    assert differences(ours, bootstraps) == {}


#: What a page of Bootstrap must leave as it is.
KEPT = re.compile(
    r"background-color|border-(top|right)-(color|width|style)|border-top-left-radius|box-sizing"
    r"|color|display|font-weight|padding-(top|left)|text-(align|decoration-.*)"
)


@before_and_after
def test_our_looks_stay_as_they_are_in_a_page_of_bootstrap(
    make_page: MakePage, visit: Visits, order: str
) -> None:
    css = "body { color: #123456 !important }"
    found: dict[str, list[dict[str, str]]] = {}
    for styles in (OURS + THEME, order.format(theirs=BOOTSTRAP, ours=OURS) + THEME):
        page = visit(reduced_motion="reduce").page
        page.goto(make_page(LOOKS_PAGE, styles=styles, css=css))
        for look in LOOKS:
            entry = page.locator(f"#{look} .xiebao-entry")
            page.mouse.move(0, 0)
            found.setdefault(look, []).append(computed(entry))
            if "card" in look:
                found.setdefault(f"{look}::after", []).append(computed(entry, "::after"))
            entry.hover()
            found.setdefault(f"{look}:hover", []).append(computed(entry))
    changed = [
        (part, name, what)
        for part, (plain, among) in found.items()
        for name, what in differences(plain, among).items()
        # Of what is inline, box-sizing means nothing.
        if KEPT.fullmatch(name) and (name, plain["display"]) != ("box-sizing", "inline")
    ]
    assert changed == []


@both_schemes
@before_and_after
def test_a_site_sets_the_accent_in_one_rule(
    make_page: MakePage, visit: Visits, order: str, color_scheme: Any
) -> None:
    page = visit(color_scheme=color_scheme).page
    css = ":root { --xiebao-accent: rgb(1, 2, 3) }"
    page.goto(make_page(LOOKS["button"], styles=order.format(theirs=THEME, ours=OURS), css=css))
    expect(page.locator(".xiebao-entry")).to_have_css("background-color", "rgb(1, 2, 3)")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("styles", [OURS, BOOTSTRAP + OURS], ids=["plain page", "Bootstrap"])
def test_the_chevron_of_a_card_is_in_the_middle_beside_the_text(
    make_page: MakePage, visit: Visits, styles: str, width: int
) -> None:
    page = visit(viewport={"width": width, "height": 900}, device_scale_factor=2).page
    page.goto(make_page(a_page_of(CARDS), styles=styles))
    for name in CARDS:
        entry = page.locator(f"#{name} .xiebao-entry")
        text_ends = entry.evaluate(
            """entry => {
                const texts = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
                const range = document.createRange();
                const rights = [];
                while (texts.nextNode()) {
                    range.selectNodeContents(texts.currentNode);
                    rights.push(...[...range.getClientRects()].map(box => box.right));
                }
                return Math.max(...rights) - entry.getBoundingClientRect().left;
            }"""
        )
        # What is drawn between the text and the border with its round corners is the chevron.
        image = Image.open(io.BytesIO(entry.screenshot())).convert("RGB")
        left, edge = math.ceil(text_ends) + 1, 9
        beside = image.crop((left * 2, edge * 2, image.width - edge * 2, image.height - edge * 2))
        ground = Image.new("RGB", beside.size, beside.getpixel((0, 0)))
        drawn = ImageChops.difference(beside, ground).getbbox()
        assert drawn is not None, name
        chevron_left, top, _, bottom = (pixels / 2 for pixels in drawn)
        whole = box(entry)
        assert bottom - top >= 8, name
        assert abs(edge + (top + bottom) / 2 - whole["height"] / 2) <= 1, name
        assert chevron_left >= 6, name
        assert whole["x"] + whole["width"] <= width, name


@both_schemes
def test_codes_of_any_size_are_read_off_a_phones_screen(
    make_page: MakePage, visit: Visits, color_scheme: Any
) -> None:
    page = visit(color_scheme=color_scheme, viewport={"width": 320, "height": 900}).page
    sizes = (120, 180, 400)
    macro = '{{{{ insurance_qr("QX1", size={}, return_to="/orders/8") }}}}'
    address = make_page(
        "".join(f"<p>{macro.format(size)}</p>" for size in sizes),
        styles=OURS + THEME,
        css="@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }",
    )
    page.goto(address)
    codes = page.get_by_role("img", name="用手机扫码投保").all()
    assert len(codes) == len(sizes)
    for code, size in zip(codes, sizes, strict=True):
        assert box(code)["width"] == box(code)["height"] == min(size, 320 - 32)
        assert str(scan(code)).startswith(f"{address}/xiebao/product/")
