"""What is on a page of a site, as far as entries need it: read by hand, and by no browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from werkzeug.datastructures import Headers


@dataclass
class Element:
    """An element of a page: an entry, or what a code is drawn in."""

    attributes: Mapping[str, str | None]
    text: str = ""

    @property
    def href(self) -> str:
        """Where it leads; "" for nowhere."""
        return self.attributes.get("href") or ""

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set((self.attributes.get("class") or "").split())


class Page(HTMLParser):
    """A page, and the headers with which it came.

    :ivar links: its ``<a>`` elements, and those of its image maps.
    :ivar drawings: its ``<svg>`` elements.
    :ivar sheets: its ``<link>`` elements.
    :ivar metas: the name and content of its ``<meta>`` elements.
    :ivar inline: what a strict policy forbids: scripts and styles in the page.
    """

    def __init__(self, html: str, headers: Headers | None = None) -> None:
        super().__init__()
        self.html = html
        self.headers = Headers() if headers is None else headers
        self.links: list[Element] = []
        self.drawings: list[Element] = []
        self.sheets: list[Element] = []
        self.metas: list[tuple[str | None, str | None]] = []
        self.inline: list[str] = []
        self._found = {
            "a": self.links,
            "area": self.links,
            "svg": self.drawings,
            "link": self.sheets,
        }
        self._open: Element | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of those that are looked for."""
        attributes = dict(attrs)
        if tag in ("script", "style") and "src" not in attributes:
            self.inline.append(f"<{tag}>")
        self.inline += sorted(n for n in attributes if n == "style" or n.startswith("on"))
        if tag == "img" and self._open is not None:
            self._open.text += attributes.get("alt") or ""
        if tag == "meta":
            name = attributes.get("name") or attributes.get("http-equiv")
            self.metas.append((name, attributes.get("content")))
        if tag in self._found:
            element = Element(attributes)
            self._found[tag].append(element)
            if tag == "a":
                self._open = element

    def handle_endtag(self, tag: str) -> None:
        """Note where a link ends."""
        if tag == "a":
            self._open = None

    def handle_data(self, data: str) -> None:
        """Keep what a link says."""
        if self._open is not None:
            self._open.text += data
