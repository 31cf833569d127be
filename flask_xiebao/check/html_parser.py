"""A parser for a site's pages that keeps only the elements needed to check insurance entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

from werkzeug.datastructures import Headers

# Matches a URL with a host, such as "//example.org/a". A browser that loads the URL sends the path
# and the query, which may contain a token, to that host.
_EXTERNAL_URL = re.compile(r"(?:https?:)?//[^\s\"'()<>]+", re.IGNORECASE)
# The elements whose URLs browsers request only after a click or the submission of a form.
_USER_ACTIVATED_TAGS = ("a", "area", "form", "base")
# The elements in which a link cannot be clicked. Some of these elements react to the click
# themselves, for example <button>. Others do not render their content as links, for example
# <textarea>.
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
# The tags and attributes that hide an element's content until a script shows it.
_HIDING_TAGS, _HIDING_ATTRIBUTES = ("template", "noscript"), ("hidden", "inert", "popover")
# Match the inline styles that hide an element, and those that make it ignore clicks.
_HIDING_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.I)
_UNCLICKABLE = 'style="pointer-events: none"'
_UNCLICKABLE_STYLE = re.compile(r"(?:^|;)\s*pointer-events\s*:\s*none\b", re.I)
# Matches an inline script that does nothing but cancel the click. The possessive quantifiers
# prevent backtracking.
_CANCELING_SCRIPT = re.compile(
    r"\s*+(?:return\s+false|(?:event\.preventDefault\(\)\s*+;?+\s*+)++(?:return\s+false)?)\s*+;?\s*+"
)
# The elements that the parser always keeps on a stack while they are open. Other elements are
# normally not put on the stack, because they may have no end tag and would never leave the stack.
_TRACKED_TAGS = {"a", "svg", "h1", "select", "dialog", *_CLICK_BLOCKING_TAGS, *_HIDING_TAGS}
# The elements that end where the next element with the same tag begins.
_TAGS_CLOSED_BY_NEXT = ("a", "button", "option", "h1")
# The elements without an end tag.
_VOID_TAGS = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# The number of characters after which the parser stops collecting the text of an element.
_MAX_TEXT_LENGTH = 2_000


@dataclass
class Element:
    """An element of a parsed page, such as a link or an SVG.

    :ivar text: The text of a link or a heading.
    :ivar svg_paths: The ``d`` attributes of the paths in an SVG.
    :ivar blocked_by: The tag of the outer element in which a link cannot be clicked, or "".
    :ivar hidden_by: The tag or attribute that hides the element or an outer element, or "".
    """

    attributes: Mapping[str, str | None]
    text: str = ""
    svg_paths: list[str] = field(default_factory=list)
    blocked_by: str = ""
    hidden_by: str = ""

    @property
    def href(self) -> str:
        """The ``href`` attribute, or "" if there is none."""
        return self.attributes.get("href") or ""

    @property
    def classes(self) -> set[str]:
        """The CSS classes of the element."""
        return set((self.attributes.get("class") or "").split())

    @property
    def cancels_clicks(self) -> bool:
        """True if an inline script of the element does nothing but cancel the click."""
        return _CANCELING_SCRIPT.fullmatch(self.attributes.get("onclick") or "") is not None


class _OpenElement(NamedTuple):
    """An element whose end tag has not been read, and properties that its content inherits.

    :ivar svg: The outermost open SVG.
    :ivar text_elements: The open links and headings, to which text is added.
    """

    tag: str = ""
    blocked_by: str = ""
    hidden_by: str = ""
    svg: Element | None = None
    text_elements: tuple[Element, ...] = ()


class ParsedPage(HTMLParser):
    """A parsed HTML page and its response headers.

    :ivar links: The ``<a>`` elements, and the ``<area>`` elements of image maps.
    :ivar svgs: The ``<svg>`` elements.
    :ivar link_tags: The ``<link>`` elements.
    :ivar scripts: The ``<script>`` elements.
    :ivar headings: The ``<h1>`` elements.
    :ivar metas: The ``<meta>`` elements.
    :ivar auto_loaded_urls: The URLs with a host that a browser requests without a click.
    """

    def __init__(self, html: str, headers: Headers | None = None) -> None:
        super().__init__()
        self.headers = Headers() if headers is None else headers
        self.auto_loaded_urls: list[str] = []
        self.links: list[Element] = []
        self.svgs: list[Element] = []
        self.link_tags: list[Element] = []
        self.scripts: list[Element] = []
        self.headings: list[Element] = []
        self.metas: list[Element] = []
        self._bases: list[Element] = []
        self._elements_by_tag = {
            "a": self.links,
            "area": self.links,
            "svg": self.svgs,
            "link": self.link_tags,
            "script": self.scripts,
            "h1": self.headings,
            "meta": self.metas,
            "base": self._bases,
        }
        self._open_elements, self._open_tag_counts = [_OpenElement()], Counter[str]()
        self.feed(html)
        self.close()

    @property
    def base_href(self) -> str:
        """The first ``<base href>``, to which links are relative, or "" if the page has none."""
        return next((element.href for element in self._bases if element.href), "")

    def set_cdata_mode(self, elem: str, **options: bool) -> None:
        """Treat only the content of a ``<script>`` or ``<style>`` as text, not as HTML.

        Newer versions of Python also treat the content of a ``<textarea>`` or an ``<iframe>`` as
        text. The check would then miss that an entry in it cannot be clicked.
        """
        if elem in ("script", "style"):
            super().set_cdata_mode(elem, **options)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the URLs that an element loads, and the element itself if the check needs it."""
        outer, attributes = self._open_elements[-1], dict(attrs)
        # Ignore the target of a link or a form, because the user decides whether to open it. Record
        # the URLs in a ping attribute, because the browser requests them without asking the user.
        loaded_values = (
            [*attributes.values()] if tag not in _USER_ACTIVATED_TAGS else [attributes.get("ping")]
        )
        self.auto_loaded_urls += [
            url for value in loaded_values for url in _EXTERNAL_URL.findall(value or "")
        ]
        if tag in _TAGS_CLOSED_BY_NEXT:
            self.handle_endtag(tag)
        is_hiding = tag in _HIDING_TAGS or (tag == "dialog" and "open" not in attributes)
        hidden_by = [name for name in _HIDING_ATTRIBUTES if name in attributes] + [tag] * is_hiding
        style = attributes.get("style") or ""
        if match := _HIDING_STYLE.search(style):
            hidden_by.append(f'style="{match[0].strip("; ")}"')
        is_unclickable = _UNCLICKABLE_STYLE.search(style) is not None
        element = Element(
            attributes,
            blocked_by=(f"{tag} {_UNCLICKABLE}" if is_unclickable else outer.blocked_by),
            hidden_by=next(iter(hidden_by), outer.hidden_by),
        )
        if tag == "path" and outer.svg is not None:
            outer.svg.svg_paths.append(attributes.get("d") or "")
        elif tag in self._elements_by_tag and (tag != "svg" or outer.svg is None):
            # An SVG inside an SVG is a part of the outer drawing.
            self._elements_by_tag[tag].append(element)
        self.handle_data(attributes.get("alt") or "" if tag == "img" else "")
        if (
            tag in _TRACKED_TAGS or hidden_by or is_unclickable or self._open_tag_counts[tag]
        ) and tag not in _VOID_TAGS:
            self._push_open_element(tag, element)

    def _push_open_element(self, tag: str, element: Element) -> None:
        """Add an element and the properties that its content inherits to the open elements."""
        outer = self._open_elements[-1]
        blocks_clicks = tag in _CLICK_BLOCKING_TAGS or (tag == "a" and element.href)
        self._open_tag_counts[tag] += 1
        self._open_elements.append(
            _OpenElement(
                tag,
                tag if blocks_clicks else element.blocked_by,
                element.hidden_by,
                outer.svg or (element if tag == "svg" else None),
                (*outer.text_elements, element) if tag in ("a", "h1") else outer.text_elements,
            )
        )

    def handle_endtag(self, tag: str) -> None:
        """Close an element and the elements in it that have no end tag."""
        if self._open_tag_counts[tag]:
            while (closed_tag := self._open_elements.pop().tag) != tag:
                self._open_tag_counts[closed_tag] -= 1
            self._open_tag_counts[tag] -= 1

    def handle_data(self, data: str) -> None:
        """Add text to the open links and headings."""
        for element in self._open_elements[-1].text_elements:
            if len(element.text) < _MAX_TEXT_LENGTH:
                element.text += data

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip a marked section, such as ``<![if IE]>``, as modern browsers do.

        Only Word and old browsers understand marked sections.
        """
        return self.parse_bogus_comment(i, report)
