"""Measure the layout and the colors of elements in the browser, and run axe.

The constants with the suffix ``_JS`` are JavaScript functions.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

#: A JavaScript function that returns the layout errors of entries: parts of a card that overlap or
#: leave the card, overflowing text, the price of a wide card on two lines, and buttons that are
#: higher than wide in spite of a short label.
LAYOUT_ERRORS_JS = """entries => entries.flatMap(entry => {
    const outer = entry.getBoundingClientRect();
    const names = ['image', 'title', 'badge', 'text', 'covers', 'insurer', 'extra', 'terms',
        'price', 'old-price', 'status', 'action'];
    const parts = names.flatMap(name => [...entry.querySelectorAll(`.xiebao-entry__${name}`)])
        .map(part => [part.className, part.getBoundingClientRect(), part]);
    const isBefore = (first, second) =>
        first.right <= second.left + 1 || first.bottom <= second.top + 1;
    const errors = [];
    for (const [name, {left, right, top, bottom}] of parts)
        if (left < outer.left || right > outer.right || top < outer.top || bottom > outer.bottom)
            errors.push(['outside of the entry', name]);
    for (const [name, box, part] of parts)
        for (const [otherName, otherBox, otherPart] of parts)
            if (name < otherName && !part.contains(otherPart) && !otherPart.contains(part)
                && !isBefore(box, otherBox) && !isBefore(otherBox, box))
                errors.push(['overlap', name, otherName]);
    const isCard = entry.matches('.xiebao-entry--card');
    if (isCard && getComputedStyle(entry, '::after').content !== 'none') {
        // Scripts cannot measure the chevron, which is in the last 30 pixels of a card.
        const isRightToLeft = getComputedStyle(entry).direction === 'rtl';
        for (const [name, box] of parts)
            if (isRightToLeft ? box.left < outer.left + 30 : box.right > outer.right - 30)
                errors.push(['overlaps the chevron', name]);
    }
    const isInline = getComputedStyle(entry).display === 'inline';
    if (!isInline && entry.scrollWidth > entry.clientWidth + 1) errors.push(['text overflows']);
    for (const price of entry.querySelectorAll('.xiebao-entry__price'))
        if (outer.width >= 400
            && price.offsetHeight >= 1.5 * parseFloat(getComputedStyle(price).fontSize))
            errors.push(['price on two lines']);
    const isShort = entry.textContent.length < 40;
    if (!isCard && isShort && outer.height > outer.width)
        errors.push(['higher than wide', outer.width, outer.height]);
    return errors.map(error => [entry.parentElement.id, ...error]);
})"""

#: A JavaScript function that returns the lines of text in an element.
TEXT_LINES_JS = """element => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const lines = new Map();
    while (texts.nextNode()) {
        for (let at = 0; at < texts.currentNode.length; at += 1) {
            range.setStart(texts.currentNode, at);
            range.setEnd(texts.currentNode, at + 1);
            const box = range.getClientRects()[0];
            if (!box || !box.width) continue;
            const line = Math.round((box.top + box.bottom) / 8);
            lines.set(line, (lines.get(line) ?? '') + texts.currentNode.data[at]);
        }
    }
    return [...lines.values()];
}"""

# A JavaScript function that returns the elements whose touch area is too small. The function
# measures each touch area on a horizontal and a vertical line through the element's center.
_SMALL_TOUCH_AREAS_JS = """elements => elements.map(element => {
    element.scrollIntoView({block: 'center', inline: 'center'});
    const {left, right, top, bottom} = element.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const isHit = (x, y) => element.contains(document.elementFromPoint(x, y));
    const measure = (dx, dy) => {
        let steps = 0;
        while (steps < 44 && isHit(x + dx * (steps + 0.5), y + dy * (steps + 0.5))) steps += 1;
        return steps;
    };
    const [width, height] =
        [measure(-1, 0) + measure(1, 0), measure(0, -1) + measure(0, 1)];
    return [element.parentElement.id, width, height];
}).filter(([id, width, height]) => Math.min(width, height) < 44)"""

#: JavaScript functions that compute the contrast between a color and an element's background.
COLORS_JS = """
    const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.backgroundColor = 'Canvas';
    const canvas = getComputedStyle(probe).backgroundColor;  // The browser's default background.
    probe.remove();
    function getBackgrounds(element) {
        const colors = [];
        for (let current = element; current; current = current.parentElement) {
            const style = getComputedStyle(current);
            if (style.backgroundImage !== 'none' || style.opacity !== '1') {
                throw new Error('The background of this element is not a plain color.');
            }
            colors.unshift(style.backgroundColor);
        }
        return [canvas, ...colors];
    }
    // Return the relative luminance, as WCAG 2 defines it, of colors that are painted over each
    // other.
    function getLuminance(colors) {
        for (const color of colors) {
            pen.fillStyle = color;
            pen.fillRect(0, 0, 1, 1);
        }
        const [red, green, blue] = [...pen.getImageData(0, 0, 1, 1).data].map(channel => {
            const part = channel / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    // Return the contrast ratio, as WCAG 2 defines it.
    function getContrast(color, element) {
        const backgrounds = getBackgrounds(element);
        const luminances = [getLuminance([...backgrounds, color]), getLuminance(backgrounds)];
        return (Math.max(...luminances) + 0.05) / (Math.min(...luminances) + 0.05);
    }
"""


def find_low_contrasts(entries: Locator) -> Any:
    """Return the texts in these entries whose contrast with the background is below 4.5:1.

    For each text, the result has the id of the element around the entry, the text and the contrast.
    """
    return entries.evaluate_all(
        f"""entries => {{
            if (!entries.length) throw new Error('The page has no such entry.');
            {COLORS_JS}
            // With forced colors, the browser ignores -webkit-text-fill-color.
            const isForced = matchMedia('(forced-colors: active)').matches;
            return entries.flatMap(entry => {{
                const nodes = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
                const texts = [];
                while (nodes.nextNode()) {{
                    const text = nodes.currentNode.data.trim();
                    if (!text) continue;
                    const parent = nodes.currentNode.parentElement;
                    const {{color, webkitTextFillColor: fill}} = getComputedStyle(parent);
                    texts.push([text, getContrast(isForced ? color : fill, parent)]);
                }}
                if (!texts.length) throw new Error('An entry has no text.');
                return texts.filter(([text, contrast]) => contrast.toFixed(2) < 4.5)
                    .map(([text, contrast]) => [entry.parentElement.id, text, contrast]);
            }});
        }}"""
    )


def get_luminances(elements: Locator) -> Any:
    """Return the relative luminance of each element's background, a number between 0 and 1."""
    return elements.evaluate_all(
        f"""elements => {{
            {COLORS_JS}
            return elements.map(element => getLuminance(getBackgrounds(element)));
        }}"""
    )


def find_small_touch_areas(elements: Locator) -> Any:
    """Return the touch areas that are less than 44 pixels wide or high.

    For each touch area, the result has the id of the element's parent, the width and the height.
    """
    return elements.evaluate_all(_SMALL_TOUCH_AREAS_JS)


def get_box(element: Locator) -> Any:
    """Return the bounding box of an element: a dict with "x", "y", "width", "bottom" and so on."""
    return element.evaluate("element => element.getBoundingClientRect().toJSON()")


def find_axe_violations(page: Page, selector: str | None = None, **options: Any) -> list[str]:
    """Return the accessibility violations that axe finds.

    :param selector: check only the elements that match this CSS selector.
    :param options: options of ``axe.run()``.
    """
    options["resultTypes"] = ["violations"]
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in Axe().run(page, selector, options).response["violations"]
        for node in rule["nodes"]
    ]
