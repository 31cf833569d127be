"""Checks of what the extension adds to a page: entries, cache headers, stylesheet and script."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..app.headers import DEVICE_HEADERS, is_cache_control_override
from ..simulator.document import PageSpec
from .cases import PLATFORM_SLUGS
from .devices import Device
from .html_parser import Element, ParsedPage
from .response_checks import Failure
from .site import Site, encode_url_like_browser, is_parsable_url, resolve_link


def iter_links(page_url: str, page: ParsedPage) -> Iterator[tuple[Element, str]]:
    """Return the ``<a>`` and ``<area>`` elements of a page, each with its absolute URL."""
    base = resolve_link(page_url, page.base_href)
    return ((element, resolve_link(base, element.href)) for element in page.links)


def check_entry_is_clickable(
    site: Site, page_spec: PageSpec, device: Device, element: Element
) -> Iterator[Failure]:
    """Check that an insurance entry on a page can be clicked.

    If one of the extension's macros rendered the entry, check its attributes, too.
    """
    if is_rendered_by_macro(element):
        yield from _check_entry_attributes(site, page_spec, device, element)
    if element.blocked_by:
        yield Failure("dead", f"<a> in <{element.blocked_by}>", "<a>")
    if element.cancels_clicks:
        yield Failure("dead.script", f"<a onclick={element.attributes['onclick']!r}>", "<a>")


def is_disabled_entry(element: Element) -> bool:
    """Return True if an entry has no href on purpose, for example because a product is sold out."""
    return "href" not in element.attributes and element.attributes.get("aria-disabled") == "true"


def is_rendered_by_macro(element: Element) -> bool:
    """Return True if one of the extension's template macros rendered the element."""
    return "data-xiebao-entry" in element.attributes


def _check_entry_attributes(
    site: Site, page_spec: PageSpec, device: Device, element: Element
) -> Iterator[Failure]:
    """Check the data attributes, the CSS class and the label of an entry."""
    platform = PLATFORM_SLUGS[device.platform] if site.settings.device_markup else None
    expected_values = {"data-xiebao-entry": page_spec.name, "data-xiebao-platform": platform}
    for name, expected in expected_values.items():
        actual = element.attributes.get(name)
        if actual != expected:
            yield Failure(f"entry.{name}", f"{name}={actual or '—'}", f"{name}={expected or '—'}")
    if "xiebao-entry" not in element.classes:
        yield Failure("entry.class", f"class={element.attributes.get('class')}", "xiebao-entry")
    if not (element.text.strip() or element.attributes.get("aria-label")):
        yield Failure("entry.label", "—", "…")


def check_cache_headers(
    site: Site, page: ParsedPage, *, has_member_link: bool, varies_by_device: bool
) -> Iterator[Failure]:
    """Check the headers that prevent caches from showing a page to the wrong device or visitor.

    :param has_member_link: True if a link on the page has a member.
    :param varies_by_device: True if an entry on the page may depend on the device.
    """
    vary = {name.strip().lower() for name in ", ".join(page.headers.getlist("Vary")).split(",")}
    missing = ", ".join(name for name in DEVICE_HEADERS if name.lower() not in vary)
    if varies_by_device and site.settings.device_markup and "*" not in vary and missing:
        yield Failure("vary", f"Vary: {page.headers.get('Vary', '—')}", f"Vary: {missing}")
    control = ", ".join(page.headers.getlist("Cache-Control"))
    directives = {part.strip().partition("=")[0].lower() for part in control.split(",")}
    if has_member_link and (
        not directives & {"private", "no-store"} or directives & {"public", "s-maxage"}
    ):
        yield Failure("private", f"Cache-Control: {control or '—'}", "Cache-Control: private")
    for name, value in page.headers if has_member_link else ():
        if is_cache_control_override(name.lower()):
            yield Failure("private", f"{name}: {value}", f"{name}: —")


def iter_extension_assets(
    site: Site, page_url: str, page: ParsedPage
) -> Iterator[tuple[str, Element, str]]:
    """Yield the kind, element and URL of each stylesheet and script of the extension on a page."""
    base = resolve_link(page_url, page.base_href)
    for kind, elements, attribute in (
        ("style", page.link_tags, "href"),
        ("script", page.scripts, "src"),
    ):
        for element in elements:
            url = encode_url_like_browser(
                resolve_link(base, element.attributes.get(attribute) or "")
            )
            path = urlsplit(url).path if is_parsable_url(url) else ""
            if site.has_site_host(url) and path.startswith(
                f"{encode_url_like_browser(site.endpoint_prefix)}/static/"
            ):
                yield kind, element, url
