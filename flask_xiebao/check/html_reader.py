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


@dataclass
class Element:
    """An element of a page: an entry, or what a code is drawn in.

    :ivar text: what it says.
    :ivar paths: what is drawn in it.
    """

    attributes: Mapping[str, str | None]
    text: str = ""
    paths: list[str] = field(default_factory=list)

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
    :ivar metas: the name and content of its ``<meta>`` elements.
    :ivar loaded: what is at another place and asked for without a click.
    :ivar base: to what its links are relative; "" for the page itself.
    :ivar inline: what a strict policy forbids: scripts and styles in the page.
    """

    def __init__(self, html: str, headers: Headers | None = None) -> None:
        super().__init__()
        self.html = html
        self.headers = Headers() if headers is None else headers
        self.links: list[Element] = []
        self.drawings: list[Element] = []
        self.sheets: list[Element] = []
        self.scripts: list[Element] = []
        self.metas: list[tuple[str | None, str | None]] = []
        self.loaded: list[str] = []
        self.base = ""
        self.inline: list[str] = []
        self._found = {
            "a": self.links,
            "area": self.links,
            "link": self.sheets,
            "script": self.scripts,
        }
        self._open: Element | None = None
        self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of those that are looked for."""
        attributes = dict(attrs)
        if tag in ("script", "style") and "src" not in attributes:
            self.inline.append(f"<{tag}>")
        self.inline += sorted(n for n in attributes if n == "style" or n.startswith("on"))
        # Where a link or a form leads, people decide; a ping goes by itself.
        asked = [*attributes.values()] if tag not in _CLICKED else [attributes.get("ping")]
        self.loaded += [url for each in asked for url in _ELSEWHERE.findall(each or "")]
        if tag == "base":
            self.base = self.base or attributes.get("href") or ""
        if tag == "img" and self._open is not None:
            self._open.text += attributes.get("alt") or ""
        if tag == "meta":
            name = attributes.get("name") or attributes.get("http-equiv")
            self.metas.append((name, attributes.get("content")))
        if tag == "svg":
            if self._depth == 0:  # one in another is a part of it
                self.drawings.append(Element(attributes))
            self._depth += 1
        elif tag == "path" and self._depth:
            self.drawings[-1].paths.append(attributes.get("d") or "")
        if tag in self._found:
            element = Element(attributes)
            self._found[tag].append(element)
            if tag == "a":
                self._open = element

    def handle_endtag(self, tag: str) -> None:
        """Note where a link, or a drawing, ends."""
        if tag == "a":
            self._open = None
        elif tag == "svg" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        """Keep what a link says."""
        if self._open is not None:
            self._open.text += data

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip what only Word and older browsers understand, as browsers do."""
        return self.parse_bogus_comment(i, report)
