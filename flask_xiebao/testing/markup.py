"""What the macros render, and what is on a page: entries and QR codes, read and judged by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from flask import Flask, render_template_string, request
from werkzeug.datastructures import Headers

from .cases import AWKWARD_ATTRIBUTE, QR_SIZE, Case
from .devices import Device
from .document import Row
from .expectations import LOUDER, Failure, link
from .qr import UnreadableError, read_codes
from .site import SLUGS, Site
from .tokens import Said

_IMPORT = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " xiebao_entry, insurance_qr, xiebao_styles %}"
)
#: What the buttons of pages say by themselves, by locale.
LABELS = {
    "product": {"zh": "我要投保", "en": "Get insured"},
    "home": {"zh": "保险商城", "en": "Insurance shop"},
    "policy": {"zh": "查看保单", "en": "View policy"},
}
_DEVICE_HEADERS = {"user-agent", "sec-ch-ua-mobile", "sec-ch-ua-platform"}


@dataclass
class Element:
    """An element of a page: an entry, or what a code is drawn in."""

    attributes: Mapping[str, str | None]
    text: str = ""

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set((self.attributes.get("class") or "").split())


@dataclass
class Rendered:
    """A page that has entries.

    :ivar links: its ``<a>`` elements.
    :ivar drawings: its ``<svg>`` elements.
    :ivar sheets: its ``<link>`` elements.
    :ivar inline: what a strict policy forbids: scripts and styles in the page.
    """

    html: str
    headers: Headers
    links: list[Element] = field(default_factory=list)
    drawings: list[Element] = field(default_factory=list)
    sheets: list[Element] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _Reader(self).feed(self.html)


class _Reader(HTMLParser):
    def __init__(self, page: Rendered) -> None:
        super().__init__()
        self._page = page
        self._found = {"a": page.links, "svg": page.drawings, "link": page.sheets}
        self._open: Element | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "style") and "src" not in names:
            self._page.inline.append(f"<{tag}>")
        self._page.inline.extend(
            name for name in sorted(names) if name == "style" or name.startswith("on")
        )
        if tag == "img" and self._open is not None:
            self._open.text += dict(attrs).get("alt") or ""
        if tag in self._found:
            element = Element(dict(attrs))
            self._found[tag].append(element)
            if tag == "a":
                self._open = element

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text += data


def render(app: Flask, source: str) -> Rendered:
    """Render a template in the current request, and have the site's hooks see the response."""
    response = app.process_response(app.make_response(render_template_string(_IMPORT + source)))
    return Rendered(response.get_data(as_text=True), response.get_wsgi_headers(request.environ))


def an_entry(
    site: Site, case: Case, device: Device, right: Said, page: Rendered
) -> Iterator[Failure]:
    """Check that a page has one entry, and all that it says of itself."""
    if len(page.links) != 1:
        yield Failure("entry", f"{len(page.links)} <a>", "1 <a>")
        return
    [found] = page.links
    yield from link(site, case.row, right, found.attributes.get("href") or "", leaves=False)
    yield from attributes(site, case.row, device, found)
    yield from _own_words(site, case, found)
    yield from told_to_caches(site, page, private=right.member is not None)


def an_href(site: Site, row: Row, right: Said, page: Rendered) -> Iterator[Failure]:
    """Check that a page has one link in markup of its own, which is the same for every device."""
    if len(page.links) != 1:
        yield Failure("entry", f"{len(page.links)} <a>", "1 <a>")
    for found in page.links:
        yield from link(site, row, right, found.attributes.get("href") or "", leaves=False)
    yield from told_to_caches(site, page, private=row.members_own, by_device=False)


def attributes(
    site: Site, row: Row, device: Device, found: Element, *, given: Collection[str] = ()
) -> Iterator[Failure]:
    """Check what an entry says of itself to styles, scripts and browsers.

    :param given: the names of attributes that the site may give.
    """
    right = {
        "data-xiebao-entry": row.name,
        "rel": "nofollow noopener",
        "data-xiebao-platform": None,
        "target": None,
    }
    if site.device_markup:
        right["data-xiebao-platform"] = SLUGS[device.platform]
        right["target"] = "_blank" if device.platform == "2" else None
    for name, should in right.items():
        if name in given:
            continue
        came = found.attributes.get(name)
        if came != should:
            yield Failure(f"entry.{name}", f"{name}={came or '—'}", f"{name}={should or '—'}")
    if "xiebao-entry" not in found.classes:
        yield Failure("entry.class", f"class={found.attributes.get('class')}", "xiebao-entry")
    if not (found.text.strip() or found.attributes.get("aria-label")):
        yield Failure("entry.label", "—", LABELS.get(row.name, {}).get("en", "…"))


def _own_words(site: Site, case: Case, found: Element) -> Iterator[Failure]:
    """Check what a button says, and the attributes that it was given."""
    right = LABELS.get(case.row.name, {}).get(site.locale or "")
    if case.kind == "button-content":
        right = "保"
    elif case.kind == "button-label":
        right = AWKWARD_ATTRIBUTE
    if right is not None and found.text.strip() != right:
        yield Failure("entry.label", found.text.strip() or "—", right)
    if case.kind == "button-attributes":
        for name, should in {"id": "buy", "data-track": AWKWARD_ATTRIBUTE}.items():
            if found.attributes.get(name) != should:
                came = found.attributes.get(name, "—")
                yield Failure("entry.attribute", f"{name}={came}", f"{name}={should}")
        for name in ("hidden", "download"):
            if name in found.attributes:
                yield Failure("entry.attribute", name, "—")
        if not found.classes >= {"btn", "big"}:
            yield Failure("entry.class", f"class={found.attributes.get('class')}", "btn big")


def nothing_inline(page: Rendered) -> Iterator[Failure]:
    """Check that what the macros render needs no script and no style in the page."""
    for what in page.inline:
        yield Failure("inline", what, "—")


def told_to_caches(
    site: Site, page: Rendered, *, private: bool, by_device: bool = True
) -> Iterator[Failure]:
    """Check that caches keep pages of one device, and of one member, from others."""
    varies = {name.strip().lower() for name in ", ".join(page.headers.getlist("Vary")).split(",")}
    if not site.device_markup and varies & _DEVICE_HEADERS - {"user-agent"}:
        yield Failure("vary", f"Vary: {page.headers.get('Vary')}", "Vary: —")
    by_device = by_device and site.device_markup
    if by_device and "*" not in varies and not varies >= _DEVICE_HEADERS:
        missing = ", ".join(sorted(_DEVICE_HEADERS - varies))
        yield Failure("vary", f"Vary: {page.headers.get('Vary', '—')}", f"Vary: {missing}")
    control = ", ".join(page.headers.getlist("Cache-Control"))
    directives = {part.strip().partition("=")[0].lower() for part in control.split(",")}
    if private and (
        not directives & {"private", "no-store"} or directives & {"public", "s-maxage"}
    ):
        yield Failure("private", f"Cache-Control: {control or '—'}", "Cache-Control: private")
    for name, value in page.headers if private else ():
        if LOUDER.fullmatch(name):
            yield Failure("private", f"{name}: {value}", f"{name}: —")


def a_code(site: Site, row: Row, right: Said, page: Rendered) -> Iterator[Failure]:
    """Check that a page has one QR code, and what it says."""
    try:
        codes = read_codes(page.html)
    except UnreadableError as error:
        yield Failure("qr", str(error), "1")
        return
    if len(codes) != 1 or not page.drawings:
        yield Failure("qr", str(len(codes)), "1")
        return
    named = page.drawings[0].attributes
    size = (named.get("width"), named.get("height"))
    if size != (str(QR_SIZE), str(QR_SIZE)):
        yield Failure("qr.size", f"{size[0]} x {size[1]}", f"{QR_SIZE} x {QR_SIZE}")
    if named.get("role") != "img" or not named.get("aria-label"):
        yield Failure("qr.name", f"aria-label={named.get('aria-label')}", "role=img aria-label=…")
    for failure in link(site, row, right, codes[0], leaves=True):
        yield replace(failure, code=f"qr.{failure.code}")
