"""Checks of what the extension puts on a page: entries, the stylesheet and the script."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..app.headers import DEVICE_HEADERS, overrules_cache_control
from ..simulator.document import Row
from .cases import SLUGS
from .devices import Device
from .expectations import Failure
from .html_reader import Element, ReadPage
from .site import Site, absolute, as_sent, is_url


def links_of(whole: str, page: ReadPage) -> Iterator[tuple[Element, str]]:
    """Return the links of a page, and to where each leads.

    :param whole: the URL of the page.
    """
    base = absolute(whole, page.base)
    return ((element, absolute(base, element.href)) for element in page.links)


def entry(site: Site, row: Row, device: Device, element: Element) -> Iterator[Failure]:
    """Check an entry that a macro has made, or a link in markup of the site's own."""
    if is_by_macro(element):
        yield from _attributes(site, row, device, element)
    if element.within:
        yield Failure("dead", f"<a> in <{element.within}>", "<a>")


def is_disabled(element: Element) -> bool:
    """Tell whether an entry leads nowhere on purpose, as when a product is sold out."""
    return "href" not in element.attributes and element.attributes.get("aria-disabled") == "true"


def is_by_macro(element: Element) -> bool:
    """Tell whether a macro has made an entry."""
    return "data-xiebao-entry" in element.attributes


def _attributes(site: Site, row: Row, device: Device, element: Element) -> Iterator[Failure]:
    """Check what an entry says of itself to styles, scripts and people."""
    platform = SLUGS[device.platform] if site.settings.device_markup else None
    right = {"data-xiebao-entry": row.name, "data-xiebao-platform": platform}
    for name, should in right.items():
        came = element.attributes.get(name)
        if came != should:
            yield Failure(f"entry.{name}", f"{name}={came or '—'}", f"{name}={should or '—'}")
    if "xiebao-entry" not in element.classes:
        yield Failure("entry.class", f"class={element.attributes.get('class')}", "xiebao-entry")
    if not (element.text.strip() or element.attributes.get("aria-label")):
        yield Failure("entry.label", "—", "…")


def told_to_caches(
    site: Site, page: ReadPage, *, private: bool, by_device: bool
) -> Iterator[Failure]:
    """Check that caches keep pages of one device, and of one member, from others.

    :param private: whether a link on the page is a member's.
    :param by_device: whether an entry on it may be another one on another device.
    """
    varies = {name.strip().lower() for name in ", ".join(page.headers.getlist("Vary")).split(",")}
    by_device = by_device and site.settings.device_markup
    missing = ", ".join(name for name in DEVICE_HEADERS if name.lower() not in varies)
    if by_device and "*" not in varies and missing:
        yield Failure("vary", f"Vary: {page.headers.get('Vary', '—')}", f"Vary: {missing}")
    control = ", ".join(page.headers.getlist("Cache-Control"))
    directives = {part.strip().partition("=")[0].lower() for part in control.split(",")}
    if private and (
        not directives & {"private", "no-store"} or directives & {"public", "s-maxage"}
    ):
        yield Failure("private", f"Cache-Control: {control or '—'}", "Cache-Control: private")
    for name, value in page.headers if private else ():
        if overrules_cache_control(name.lower()):
            yield Failure("private", f"{name}: {value}", f"{name}: —")


def assets_of(site: Site, whole: str, page: ReadPage) -> Iterator[tuple[str, Element, str]]:
    """Return the kinds, elements and URLs of the extension's stylesheets and scripts on a page."""
    for kind, elements, at in (("style", page.sheets, "href"), ("script", page.scripts, "src")):
        for element in elements:
            url = as_sent(absolute(absolute(whole, page.base), element.attributes.get(at) or ""))
            path = urlsplit(url).path if is_url(url) else ""
            if site.is_at(url) and path.startswith(f"{as_sent(site.prefix)}/static/"):
                yield kind, element, url
