"""What is on a page of a site, as far as entries need it: read by hand, and by no browser."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

from werkzeug.datastructures import Headers

# A URL that begins with a host: a browser asks it, and tells it what else is in the URL.
_ELSEWHERE = re.compile(r"(?:https?:)?//[^\s\"'()<>]+", re.IGNORECASE)
_CLICKED = ("a", "area", "form", "base")
# In what nobody can click a link: some take the click, and in others it is no link at all.
_SWALLOWS = ("button", "option", "textarea", "iframe", "noembed", "noframes", "xmp", "title")
# In what nobody sees it before a script says so.
_HIDES, _HIDDEN = ("template", "noscript"), ("hidden", "inert", "popover")
# What it matters to be in: the rest of a page may have no end tags, and would pile up.
_AROUND = {"a", "svg", "h1", "select", "dialog", *_SWALLOWS, *_HIDES}
# What ends where the next begins, and what has no end tag.
_ENDED_BY_NEXT = ("a", "button", "option", "h1")
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# Characters of what an element says that are kept.
_LONGEST = 2_000


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


class _Open(NamedTuple):
    """An element that is open, and what it and those around it mean for what is in it."""

    tag: str = ""
    within: str = ""
    hidden_by: str = ""
    drawing: Element | None = None
    texts: tuple[Element, ...] = ()


class ReadPage(HTMLParser):
    """A page, and the headers with which it came.

    :ivar links: its ``<a>`` elements, and those of its image maps.
    :ivar drawings: its ``<svg>`` elements.
    :ivar sheets: its ``<link>`` elements.
    :ivar scripts: its ``<script>`` elements.
    :ivar headings: its ``<h1>`` elements.
    :ivar metas: its ``<meta>`` elements.
    :ivar loaded: what is at another place and asked for without a click.
    """

    def __init__(self, html: str, headers: Headers | None = None) -> None:
        super().__init__()
        self.headers = Headers() if headers is None else headers
        self.loaded: list[str] = []
        self._found: dict[str, list[Element]] = {
            tag: [] for tag in ("a", "svg", "link", "script", "h1", "meta", "base")
        }
        (
            self.links,
            self.drawings,
            self.sheets,
            self.scripts,
            self.headings,
            self.metas,
            self._bases,
        ) = self._found.values()
        self._found["area"] = self.links
        self._open, self._names = [_Open()], Counter[str]()
        self.feed(html)
        self.close()

    @property
    def base(self) -> str:
        """To what its links are relative; "" for the page itself."""
        return next((each.href for each in self._bases if each.href), "")

    def set_cdata_mode(self, elem: str, **how: bool) -> None:
        """Read what is in a ``<textarea>`` or an ``<iframe>`` as well.

        For newer Pythons that is text, and an entry in there, which nobody can click, unseen.
        """
        if elem in ("script", "style"):
            super().set_cdata_mode(elem, **how)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of those that are looked for."""
        around, attributes = self._open[-1], dict(attrs)
        element = Element(attributes, within=around.within)
        # Where a link or a form leads, people decide; a ping goes by itself.
        asked = [*attributes.values()] if tag not in _CLICKED else [attributes.get("ping")]
        self.loaded += [url for each in asked for url in _ELSEWHERE.findall(each or "")]
        if tag in _ENDED_BY_NEXT:
            self.handle_endtag(tag)
        hides = tag in _HIDES or (tag == "dialog" and "open" not in attributes)
        hidden_by = [name for name in _HIDDEN if name in attributes] + [tag] * hides
        element.hidden_by = next(iter(hidden_by), around.hidden_by)
        if tag == "path" and around.drawing is not None:
            around.drawing.paths.append(attributes.get("d") or "")
        elif tag in self._found and not (tag == "svg" and around.drawing):  # a part of it
            self._found[tag].append(element)
        self.handle_data(attributes.get("alt") or "" if tag == "img" else "")
        if (tag in _AROUND or hidden_by or self._names[tag]) and tag not in _VOID:
            self._enter(tag, element)

    def _enter(self, tag: str, element: Element) -> None:
        """Note what the elements to come are in."""
        around = self._open[-1]
        takes_clicks = tag in _SWALLOWS or (tag == "a" and element.href)
        self._names[tag] += 1
        self._open.append(
            _Open(
                tag,
                tag if takes_clicks else around.within,
                element.hidden_by,
                around.drawing or (element if tag == "svg" else None),
                (*around.texts, element) if tag in ("a", "h1") else around.texts,
            )
        )

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and what in it has no end tag of its own."""
        if self._names[tag]:
            while (closed := self._open.pop().tag) != tag:
                self._names[closed] -= 1
            self._names[tag] -= 1

    def handle_data(self, data: str) -> None:
        """Keep what a link, or a heading, says."""
        for element in self._open[-1].texts:
            if len(element.text) < _LONGEST:
                element.text += data

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip what only Word and older browsers understand, as browsers do."""
        return self.parse_bogus_comment(i, report)
