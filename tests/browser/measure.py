"""What elements look like in a browser, as numbers."""

from __future__ import annotations

import re
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FloatRect, Locator, Page

#: Of entries, in JavaScript: what sticks out of its card or lies over another part of it, and
#: buttons that are higher than wide.
OUT_OF_PLACE = """entries => entries.flatMap(entry => {
    const whole = entry.getBoundingClientRect();
    const names = ['image', 'title', 'badge', 'text', 'covers', 'insurer', 'extra', 'terms',
        'price', 'old-price', 'status', 'action'];
    const parts = names.flatMap(name => [...entry.querySelectorAll(`.xiebao-entry__${name}`)])
        .map(part => [part.className, part.getBoundingClientRect(), part]);
    const apart = (one, other) => one.right <= other.left + 1 || one.bottom <= other.top + 1;
    const wrong = parts.filter(([, {left, right, top, bottom}]) =>
        left < whole.left || right > whole.right || top < whole.top || bottom > whole.bottom);
    for (const [name, box, part] of parts)
        for (const [other, its, another] of parts)
            if (name < other && !part.contains(another) && !another.contains(part)
                && !apart(box, its) && !apart(its, box)) wrong.push([name, other]);
    const isCard = entry.matches('.xiebao-entry--card');
    if (isCard && getComputedStyle(entry, '::after').content !== 'none') {
        // The chevron's place, which no script can measure, at the end of a card.
        const fromRight = getComputedStyle(entry).direction === 'rtl';
        for (const [name, box] of parts)
            if (fromRight ? box.left < whole.left + 30 : box.right > whole.right - 30)
                wrong.push(['over the chevron', name]);
    }
    const isInline = getComputedStyle(entry).display === 'inline';
    if (!isInline && entry.scrollWidth > entry.clientWidth + 1) wrong.push(['words stick out']);
    const isShort = entry.textContent.length < 40;
    if (!isCard && isShort && whole.height > whole.width)
        wrong.push(['tower', whole.width, whole.height]);
    return wrong.map(what => [entry.parentElement.id, ...what]);
})"""

#: A JavaScript function that returns the lines of text in an element.
LINES = """element => {
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

#: A JavaScript function that returns the width and height of the area in which a touch hits an
#: element, along the lines through its center.
TOUCH_AREA = """element => {
    element.scrollIntoView({block: 'center', inline: 'center'});
    const {left, right, top, bottom} = element.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const isHit = (x, y) => element.contains(document.elementFromPoint(x, y));
    const measure = (dx, dy) => {
        let steps = 0;
        while (steps < 600 && isHit(x + dx * (steps + 0.5), y + dy * (steps + 0.5))) steps += 1;
        return steps;
    };
    return [measure(-1, 0) + measure(1, 0), measure(0, -1) + measure(0, 1)];
}"""


class Color(NamedTuple):
    red: int
    green: int
    blue: int

    @classmethod
    def read(cls, css: str) -> Color:
        return cls(*map(int, re.findall(r"\d+", css)[:3]))

    @property
    def luminance(self) -> float:
        """As WCAG 2 defines it."""
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (channel / 255 for channel in self)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(self, other: Color) -> float:
        lighter, darker = sorted((self.luminance, other.luminance), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


# What is painted where an element is: colors over each other, on what the browser paints first.
_PAINT = """
    const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.backgroundColor = 'Canvas';
    const canvas = getComputedStyle(probe).backgroundColor;
    probe.remove();
    function painted(colors) {
        for (const color of [canvas, ...colors]) {
            pen.fillStyle = color;
            pen.fillRect(0, 0, 1, 1);
        }
        return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    }
    function groundsOf(element) {
        const grounds = [];
        for (let at = element; at; at = at.parentElement) {
            const style = getComputedStyle(at);
            if (style.backgroundImage !== 'none' || style.opacity !== '1') {
                throw new Error('its contrast cannot be computed');
            }
            grounds.unshift(style.backgroundColor);
        }
        return grounds;
    }
"""


def contrasts(entry: Locator) -> dict[str, float]:
    """Return the contrast of each text in the entry with what is behind it."""
    found = entry.evaluate(
        f"""entry => {{
            {_PAINT}
            const texts = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
            const found = [];
            while (texts.nextNode()) {{
                const text = texts.currentNode.data.trim();
                if (!text) continue;
                const parent = texts.currentNode.parentElement;
                const grounds = groundsOf(parent);
                const {{color, webkitTextFillColor: fill}} = getComputedStyle(parent);
                const isForced = matchMedia('(forced-colors: active)').matches;  // it has no fill
                const paint = [...grounds, isForced ? color : fill];
                found.push([text, painted(paint), painted(grounds)]);
            }}
            return found;
        }}"""
    )
    assert found
    return {text: round(Color(*color).contrast(Color(*ground)), 2) for text, color, ground in found}


def ground_of(element: Locator) -> Color:
    """Return the color on which what is in the element stands."""
    return Color(*element.evaluate(f"element => {{ {_PAINT} return painted(groundsOf(element)) }}"))


def box(entry: Locator) -> FloatRect:
    found = entry.bounding_box()
    assert found is not None
    return found


def violations(page: Page, context: str | None = None) -> list[str]:
    """Return what axe finds on a page, or in a part of it."""
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in Axe().run(page, context=context).response["violations"]
        for node in rule["nodes"]
    ]
