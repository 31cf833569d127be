"""What the macros render, and what is on a page: entries and QR codes, judged by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from flask import render_template_string
from werkzeug.datastructures import Headers

from ..app.headers import Rendering
from ..simulator.document import Row
from .cases import AWKWARD_ATTRIBUTE, CARD_PARTS, CARD_TITLE, QR_SIZE, Case
from .devices import Device
from .expectations import LOUDER, Failure, link
from .html_reader import Element, ReadPage
from .qr import read_code
from .site import SLUGS, Site, absolute
from .token_reader import Said

_IMPORT = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " xiebao_entry, insurance_qr, insurance_card, xiebao_styles, xiebao_script %}"
)
#: What the buttons of pages say by themselves, by locale.
LABELS = {
    "product": {"zh": "我要投保", "en": "Get insured"},
    "home": {"zh": "保险商城", "en": "Insurance shop"},
    "policy": {"zh": "查看保单", "en": "View policy"},
}
_PUBLIC = [("Cache-Control", "public, s-maxage=60"), ("CDN-Cache-Control", "max-age=60")]
_DEVICE_HEADERS = {"user-agent", "sec-ch-ua-mobile", "sec-ch-ua-platform"}


def render(source: str, rendering: Rendering) -> ReadPage:
    """Render a template in the current request; return the page, and what caches are told of it.

    It is a page of a site that lets every cache keep all that it sends.
    """
    rendered, headers = render_template_string(_IMPORT + source), Headers(_PUBLIC)
    rendering.write(headers)
    return ReadPage(rendered, headers)


def entries_of(site: Site, page: ReadPage) -> list[Element]:
    """Return the links that are entries: hooks of a site may add others, such as a footer's."""
    return [
        found
        for found in page.links
        if "data-xiebao-entry" in found.attributes
        or site.entry_at(absolute(f"{site.origin}/", found.href)) is not None
    ]


def codes_of(page: ReadPage) -> list[str]:
    """Return what the QR codes of a page say that can be read."""
    return [*filter(None, (read_code(drawing.paths) for drawing in page.drawings))]


def an_entry(
    site: Site, case: Case, device: Device, right: Said, page: ReadPage
) -> Iterator[Failure]:
    """Check that a page has one entry, and all that it says of itself."""
    entries = entries_of(site, page)
    if len(entries) != 1:
        yield Failure("entry", f"{len(entries)} <a>", "1 <a>")
        return
    [found] = entries
    yield from link(site, case.row, right, found.href, leaves=False)
    yield from attributes(site, case.row, device, found)
    yield from _own_words(site, case, found)
    yield from told_to_caches(site, page, private=right.member is not None)


def an_href(site: Site, row: Row, right: Said, page: ReadPage) -> Iterator[Failure]:
    """Check that a page has one link in markup of its own, which is the same for every device."""
    entries = entries_of(site, page)
    if len(entries) != 1:
        yield Failure("entry", f"{len(entries)} <a>", "1 <a>")
    for found in entries:
        yield from link(site, row, right, found.href, leaves=False)
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
    if site.settings.device_markup:
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
    if case.kind == "card":
        yield from _card(found)
        return
    right = site.words(f"{case.row.name}.label", LABELS.get(case.row.name, {}))
    if case.kind == "button-content":
        right = "保"
    elif case.kind == "button-label":
        right = AWKWARD_ATTRIBUTE
    if right is not None and found.text.strip() != right.strip():
        # What it says may be somebody's name.
        yield Failure("entry.label", "…" if found.text.strip() else "—", right)
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


def _card(found: Element) -> Iterator[Failure]:
    """Check that a card says all that it should."""
    # Its picture is named, and not said; the line of the insurer has words around the name.
    said = found.text.count(AWKWARD_ATTRIBUTE)
    if CARD_TITLE not in found.text or said != len(CARD_PARTS) - 1:
        yield Failure("entry.card", f"{said}", f"{len(CARD_PARTS) - 1}")
    if "xiebao-entry--card" not in found.classes:
        came = f"class={found.attributes.get('class')}"
        yield Failure("entry.class", came, "xiebao-entry--card")


def nothing_inline(page: ReadPage) -> Iterator[Failure]:
    """Check that what the macros render needs no script and no style in the page."""
    for what in page.inline:
        yield Failure("inline", what, "—")


def told_to_caches(
    site: Site, page: ReadPage, *, private: bool, by_device: bool = True
) -> Iterator[Failure]:
    """Check that caches keep pages of one device, and of one member, from others."""
    varies = {name.strip().lower() for name in ", ".join(page.headers.getlist("Vary")).split(",")}
    if not site.settings.device_markup and varies & _DEVICE_HEADERS - {"user-agent"}:
        yield Failure("vary", f"Vary: {page.headers.get('Vary')}", "Vary: —")
    by_device = by_device and site.settings.device_markup
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


def a_code(site: Site, row: Row, right: Said, page: ReadPage) -> Iterator[Failure]:
    """Check that a page has one QR code, and what it says."""
    drawings = [drawing for drawing in page.drawings if "xiebao-qr" in drawing.classes]
    if len(drawings) != 1:
        yield Failure("qr", f"{len(drawings)} <svg class=xiebao-qr>", "1")
        return
    [drawing] = drawings
    code = read_code(drawing.paths)
    if code is None:
        yield Failure("qr", "0", "1")
        return
    named = drawing.attributes
    size = (named.get("width"), named.get("height"))
    if size != (str(QR_SIZE), str(QR_SIZE)):
        yield Failure("qr.size", f"{size[0]} x {size[1]}", f"{QR_SIZE} x {QR_SIZE}")
    if named.get("role") != "img" or not named.get("aria-label"):
        yield Failure("qr.name", f"aria-label={named.get('aria-label')}", "role=img aria-label=…")
    for failure in link(site, row, right, code, leaves=True):
        yield replace(failure, code=f"qr.{failure.code}")
