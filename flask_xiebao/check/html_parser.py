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
_EXTERNAL_URL = re.compile(r"(?:https?:)?//[^\s\"'()<>]+", re.IGNORECASE)
_USER_ACTIVATED_TAGS = ("a", "area", "form", "base")
# In what nobody can click a link: some take the click, and in others it is no link at all.
_CLICK_BLOCKING_TAGS = (
    "button",
    "option",
    "textarea",
    "iframe",
    "noembed",
    "noframes",
    "xmp",
    "title",
)
# In what nobody sees it before a script says so.
_HIDING_TAGS, _HIDING_ATTRIBUTES = ("template", "noscript"), ("hidden", "inert", "popover")
# What it matters to be in: the rest of a page may have no end tags, and would pile up.
_TRACKED_TAGS = {"a", "svg", "h1", "select", "dialog", *_CLICK_BLOCKING_TAGS, *_HIDING_TAGS}
# What ends where the next begins, and what has no end tag.
_TAGS_CLOSED_BY_NEXT = ("a", "button", "option", "h1")
_VOID_TAGS = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# Characters of what an element says that are kept.
_MAX_TEXT_LENGTH = 2_000


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
    svg_paths: list[str] = field(default_factory=list)
    blocked_by: str = ""
    hidden_by: str = ""

    @property
    def href(self) -> str:
        """Where it leads; "" for nowhere."""
        return self.attributes.get("href") or ""

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set((self.attributes.get("class") or "").split())


class _OpenElement(NamedTuple):
    """An element that is open, and what it and those around it mean for what is in it."""

    tag: str = ""
    blocked_by: str = ""
    hidden_by: str = ""
    svg: Element | None = None
    text_elements: tuple[Element, ...] = ()


class ParsedPage(HTMLParser):
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
        self.auto_loaded_urls: list[str] = []
        self._elements_by_tag: dict[str, list[Element]] = {
            tag: [] for tag in ("a", "svg", "link", "script", "h1", "meta", "base")
        }
        (
            self.links,
            self.svgs,
            self.link_tags,
            self.scripts,
            self.headings,
            self.metas,
            self._bases,
        ) = self._elements_by_tag.values()
        self._elements_by_tag["area"] = self.links
        self._open_elements, self._open_tag_counts = [_OpenElement()], Counter[str]()
        self.feed(html)
        self.close()

    @property
    def base_href(self) -> str:
        """To what its links are relative; "" for the page itself."""
        return next((each.href for each in self._bases if each.href), "")

    def set_cdata_mode(self, elem: str, **options: bool) -> None:
        """Read what is in a ``<textarea>`` or an ``<iframe>`` as well.

        For newer Pythons that is text, and an entry in there, which nobody can click, unseen.
        """
        if elem in ("script", "style"):
            super().set_cdata_mode(elem, **options)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of those that are looked for."""
        around, attributes = self._open_elements[-1], dict(attrs)
        element = Element(attributes, blocked_by=around.blocked_by)
        # Where a link or a form leads, people decide; a ping goes by itself.
        asked = (
            [*attributes.values()] if tag not in _USER_ACTIVATED_TAGS else [attributes.get("ping")]
        )
        self.auto_loaded_urls += [
            url for each in asked for url in _EXTERNAL_URL.findall(each or "")
        ]
        if tag in _TAGS_CLOSED_BY_NEXT:
            self.handle_endtag(tag)
        hides = tag in _HIDING_TAGS or (tag == "dialog" and "open" not in attributes)
        hidden_by = [name for name in _HIDING_ATTRIBUTES if name in attributes] + [tag] * hides
        element.hidden_by = next(iter(hidden_by), around.hidden_by)
        if tag == "path" and around.svg is not None:
            around.svg.svg_paths.append(attributes.get("d") or "")
        elif tag in self._elements_by_tag and not (tag == "svg" and around.svg):  # a part of it
            self._elements_by_tag[tag].append(element)
        self.handle_data(attributes.get("alt") or "" if tag == "img" else "")
        if (
            tag in _TRACKED_TAGS or hidden_by or self._open_tag_counts[tag]
        ) and tag not in _VOID_TAGS:
            self._push_open_element(tag, element)

    def _push_open_element(self, tag: str, element: Element) -> None:
        """Note what the elements to come are in."""
        around = self._open_elements[-1]
        takes_clicks = tag in _CLICK_BLOCKING_TAGS or (tag == "a" and element.href)
        self._open_tag_counts[tag] += 1
        self._open_elements.append(
            _OpenElement(
                tag,
                tag if takes_clicks else around.blocked_by,
                element.hidden_by,
                around.svg or (element if tag == "svg" else None),
                (*around.text_elements, element) if tag in ("a", "h1") else around.text_elements,
            )
        )

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and what in it has no end tag of its own."""
        if self._open_tag_counts[tag]:
            while (closed := self._open_elements.pop().tag) != tag:
                self._open_tag_counts[closed] -= 1
            self._open_tag_counts[tag] -= 1

    def handle_data(self, data: str) -> None:
        """Keep what a link, or a heading, says."""
        for element in self._open_elements[-1].text_elements:
            if len(element.text) < _MAX_TEXT_LENGTH:
                element.text += data

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip what only Word and older browsers understand, as browsers do."""
        return self.parse_bogus_comment(i, report)
