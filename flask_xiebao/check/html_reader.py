"""What is on a page of a site, as far as entries need it: read by hand, and by no browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.datastructures import Headers

# A URL that begins with a host: a browser asks it, and tells it what else is in the URL.
_ELSEWHERE = re.compile(r"(?:https?:)?//[^\s\"'()<>]+", re.IGNORECASE)
_CLICKED = ("a", "area", "form", "base")
# In what nobody can click a link, and in what nobody sees it before a script says so.
_SWALLOWS = ("button", "option")
_HIDES, _HIDDEN = ("template", "noscript"), ("hidden", "inert")
# What it matters to be in: the rest of a page may have no end tags, and would pile up.
_AROUND = {"a", "svg", "h1", "select", *_SWALLOWS, *_HIDES}
_VOID = ("img", "input", "br", "hr", "embed")


@dataclass
class Element:
    """An element of a page: an entry, or what a code is drawn in.

    :ivar text: what it says.
    :ivar paths: what is drawn in it.
    :ivar within: what it is in that takes its clicks: ``a``, ``button`` or ``option``.
    :ivar hidden_by: what it is in that nobody sees: an element, or an attribute.
    """

    attributes: Mapping[str, str | None]
    text: str = ""
    paths: list[str] = field(default_factory=list)
    within: str = ""
    hidden_by: str = ""

    @property
    def href(self) -> str:
        """Where it leads; "" for nowhere."""
        return self.attributes.get("href") or ""

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set((self.attributes.get("class") or "").split())


class ReadPage(HTMLParser):
    """A page, and the headers with which it came.

    :ivar links: its ``<a>`` elements, and those of its image maps.
    :ivar drawings: its ``<svg>`` elements.
    :ivar sheets: its ``<link>`` elements.
    :ivar scripts: its ``<script>`` elements.
    :ivar headings: its ``<h1>`` elements.
    :ivar metas: the name and content of its ``<meta>`` elements.
    :ivar loaded: what is at another place and asked for without a click.
    :ivar base: to what its links are relative; "" for the page itself.
    :ivar inline: what a strict policy forbids: scripts and styles in the page.
    """

    def __init__(self, html: str, headers: Headers | None = None) -> None:
        super().__init__()
        self.html = html
        self.headers = Headers() if headers is None else headers
        self.metas: list[tuple[str | None, str | None]] = []
        self.loaded: list[str] = []
        self.base = ""
        self.inline: list[str] = []
        self._found: dict[str, list[Element]] = {
            tag: [] for tag in ("a", "svg", "link", "script", "h1")
        }
        self.links, self.drawings, self.sheets, self.scripts, self.headings = self._found.values()
        self._found["area"] = self.links
        self._open: list[tuple[str, Element]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of those that are looked for."""
        element = Element(dict(attrs))
        attributes = element.attributes
        if tag in ("script", "style") and "src" not in attributes:
            self.inline.append(f"<{tag}>")
        self.inline += sorted(n for n in attributes if n == "style" or n.startswith("on"))
        # Where a link or a form leads, people decide; a ping goes by itself.
        asked = [*attributes.values()] if tag not in _CLICKED else [attributes.get("ping")]
        self.loaded += [url for each in asked for url in _ELSEWHERE.findall(each or "")]
        if tag == "base":
            self.base = self.base or element.href
        if tag == "meta":
            name = attributes.get("name") or attributes.get("http-equiv")
            self.metas.append((name, attributes.get("content")))
        in_drawing = [each for name, each in self._open if name == "svg"]
        if tag == "path" and in_drawing:
            in_drawing[0].paths.append(attributes.get("d") or "")
        elif tag in self._found and not (tag == "svg" and in_drawing):  # that is a part of it
            self._place(element)
            self._found[tag].append(element)
        self.handle_data(attributes.get("alt") or "" if tag == "img" else "")
        matters = tag in _AROUND or any(name in attributes for name in _HIDDEN)
        if (matters or any(tag == name for name, _ in self._open)) and tag not in _VOID:
            self._open.append((tag, element))

    def _place(self, element: Element) -> None:
        """Note what an element is in."""
        for name, around in [*self._open, ("", element)]:
            if name in _SWALLOWS or (name == "a" and around.href):
                element.within = name
            hides = [n for n in _HIDDEN if n in around.attributes]
            element.hidden_by = next(iter(hides), name if name in _HIDES else element.hidden_by)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and what in it has no end tag of its own."""
        here = [number for number, (name, _) in enumerate(self._open) if name == tag]
        if here:
            del self._open[here[-1] :]

    def handle_data(self, data: str) -> None:
        """Keep what a link, or a heading, says."""
        for name, element in self._open if data else ():
            if name in ("a", "h1"):
                element.text += data

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip what only Word and older browsers understand, as browsers do."""
        return self.parse_bogus_comment(i, report)
