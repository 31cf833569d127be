"""The Python half of the macros: links, attributes and QR codes; the HTML is the templates'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, has_request_context, request
from jinja2 import Undefined, UndefinedError
from markupsafe import Markup, escape

from .attributes import ENTRY_SETS, LINK_KEYWORDS, QR_SETS, Attribute, rendered, split
from .caching import rendering
from .errors import LinkError, NowhereError
from .links import REMEMBERED, LinkSigner
from .log import complain
from .pages import PAGES
from .platforms import Platform
from .state import State
from .texts import find, text
from .urls import endpoint_url, link, token_url
from .values import is_whole, shown

_NOTHING = Markup()

# Of what a copy is kept: what is the same for everybody, and does not change by itself.
_PERSONAL = frozenset(("member", "max_age", "external"))
_PLAIN = frozenset((str, int, bool, type(None), Platform))
# Characters of the attributes of an entry: what is longer, such as the text of a form, is of one
# page, and is not kept.
_LONGEST = 2000

#: The attributes of an entry and what it says, both empty for nothing.
Made = tuple[Markup, str]


def register(app: Flask, state: State) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the package's own templates call."""
    helpers = Helpers(state)
    app.add_template_global(helpers.link, "xiebao_link")
    # A filter, since Jinja looks at what it calls before each call: a tenth of an entry.
    app.add_template_filter(helpers.entry, "_xiebao_entry")
    app.add_template_global(helpers.qr, "_xiebao_qr")
    app.add_template_global(helpers.stylesheet, "_xiebao_stylesheet")
    app.add_template_global(helpers.text, "_xiebao_text")


@dataclass(slots=True)
class Surroundings:
    """What the entries that one request shows have in common.

    :ivar make: makes one, or finds what an earlier request made.
    :ivar start: what the links begin with; like the device, it is a part of what is made.
    :ivar locale: that of default labels; None where it may change from one to the next.
    :ivar marked: whether caches know that the page has entries for one kind of device.
    """

    make: Callable[..., Made]
    start: str
    device: str | None
    locale: str | None
    marked: bool


class _ForOneOnlyError(Exception):
    """Carries what was made past the cache, and is no fault."""


class Helpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered: a wrong row in a database never takes a shop's page down.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        # The buttons of products are the same on every page, and are made once for each signer:
        # what has links in it goes with the keys that signed them.
        self._made: tuple[LinkSigner, Callable[..., Made]] | None = None
        # The attributes of one with another link: a quarter of it.
        self._rest = lru_cache(REMEMBERED)(_besides_link)
        # On a page of a product it is the same code for every visitor.
        self._code = lru_cache(32)(qr_code)

    def link(self, page: str, reference: Any = None, **options: Any) -> str:
        """Return the local link to a page, for markup of the site's own.

        :param page: the name of a page in :mod:`.pages`, such as ``product``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self._link(page, reference, options, keep=True)
        except LinkError as error:
            self._leave_out(error)
            return ""

    def entry(self, page: str, reference: Any, content: Any, keywords: Mapping[str, Any]) -> Made:
        """Return the attributes of an entry and its content, both empty for nothing."""
        here = self._surroundings()
        says = content and str(content).strip()
        locale = None if says else here.locale or self._state.locale
        try:
            try:
                made = here.make(here.start, here.device, page, reference, locale, **keywords)
            except (TypeError, UndefinedError):  # what cannot be hashed: make_entry() says which
                made = self._make(here.device, page, reference, locale, keywords, keep=True)
        except _ForOneOnlyError as found:
            made = found.args
        except LinkError as error:
            self._leave_out(error)
            return _NOTHING, _NOTHING
        attributes, label = made
        if attributes and not here.marked:
            rendering().mark_by_device()
            here.marked = True
        return attributes, escape(content) if says else label

    def qr(self, reference: Any, size: Any, keywords: Mapping[str, Any]) -> tuple[Markup, Markup]:
        """Return the attributes and the code of a product's QR code, both empty for nothing."""
        try:
            if "caller" in keywords:
                raise LinkError("insurance_qr takes no call block.", "caller")
            if not is_whole(size, 1):
                raise LinkError(
                    f"size must be a positive whole number of pixels, not {shown(size)}.", "size"
                )
            options, attributes = split(keywords, QR_SETS)
            href = self._link("product", reference, {**options, "external": True}, keep=True)
            if not href:
                return _NOTHING, _NOTHING
            code = self._code(href)
        except LinkError as error:
            self._leave_out(error)
            return _NOTHING, _NOTHING
        own: dict[str, Attribute] = {"class": "xiebao-qr", "role": "img"}
        own["width"] = own["height"] = str(size)
        if "aria-label" not in attributes:
            label, locale = find(self._state.locale, "qr.label")
            own.update({"aria-label": label, "lang": text(locale, "language")})
        return rendered(own, attributes), code

    def stylesheet(self) -> str:
        """Return the URL of ``xiebao.css``."""
        return endpoint_url(self._state, "xiebao.static", filename="xiebao.css")

    def text(self, key: str, **values: object) -> str:
        """Return a text of :mod:`.texts` in the locale of the request."""
        return text(self._state.locale, key, **values)

    def _link(self, page: str, reference: Any, options: Mapping[str, Any], *, keep: bool) -> str:
        if isinstance(page, Undefined) or isinstance(reference, Undefined):
            name = "page" if isinstance(page, Undefined) else "reference"
            raise LinkError(f"The {name} of an entry is undefined in this template.", name)
        for name, value in options.items():
            if name not in LINK_KEYWORDS:
                raise LinkError(f"A link does not take {name}.", name)
            if isinstance(value, Undefined):
                raise LinkError(f"The value of {name} is undefined in this template.", name)
        return link(self._state, page, reference, keep=keep, **options)

    def _surroundings(self) -> Surroundings:
        if not has_request_context():
            return Surroundings(self._make_for_all, "", None, None, marked=True)
        found: Surroundings | None = rendering().surroundings.get(self)
        if found is None:
            rendering().surroundings[self] = found = self._look_around()
        return found

    def _look_around(self) -> Surroundings:
        state = self._state
        device = state.device(request.environ).slug if state.settings.device_markup else None
        # The links of all pages begin alike.
        start = token_url(state, "xiebao.product", "", external=False)
        signer, made = state.signer, self._made
        if made is None or made[0] is not signer:
            self._made = made = (signer, lru_cache(REMEMBERED, typed=True)(self._make_for_all))
        locale = None if state.locale_may_change else state.locale
        return Surroundings(made[1], start, device, locale, marked=device is None)

    def _make_for_all(
        self,
        start: str,
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        /,
        **keywords: Any,
    ) -> Made:
        """Make an entry, and pass it on by an error unless it can be kept for everybody."""
        kept = type(reference) in _PLAIN and (not keywords or _is_for_all(keywords))
        made = self._make(device, page, reference, locale, keywords, keep=not kept)
        if not kept or PAGES[page].members_own or len(made[0]) > _LONGEST:
            raise _ForOneOnlyError(*made)
        return made

    def _make(
        self,
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        keywords: Mapping[str, Any],
        *,
        keep: bool,
    ) -> Made:
        options, given = split(keywords, ENTRY_SETS) if keywords else ({}, {})
        href = self._link(page, reference, options, keep=keep)
        if not href:
            return _NOTHING, _NOTHING
        items = tuple(given.items())
        make = self._rest if not items or _length(items) <= _LONGEST else _besides_link
        rest, label = make(PAGES[page].name, device, locale, items)
        return Markup(f' href="{escape(href)}"{rest}'), label  # noqa: S704  # nosec B704

    def _leave_out(self, error: LinkError) -> None:
        if self._state.is_strict or isinstance(error, NowhereError):
            raise error
        where = f" of {request.endpoint}" if has_request_context() else ""
        # What is wrong may be what a visitor sent, and another thing with each visit.
        complain(f"An insurance entry{where} was left out: {error}", about=f"entries{where}")


def qr_code(url: str) -> Markup:
    """Return the QR code of *url* as an SVG that fills what it stands in.

    :raises LinkError: when the URL is longer than a code can hold, some 2,900 characters.
    """
    import segno  # nearly half of what this package takes to import, and some sites draw none

    try:
        # Looking for the best mask is two thirds of the work, and codes read as well with this one.
        code = segno.make_qr(url, mask=0)
    except segno.DataOverflowError:
        raise LinkError(
            "This link is too long for a QR code: shorten return_to.", "return_to"
        ) from None
    svg = code.svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    # Drawn by segno, which puts no text into it.
    return Markup(svg)  # noqa: S704  # nosec B704


def _besides_link(
    page: str,
    device: str | None,
    locale: str | None,
    given: tuple[tuple[str, Attribute], ...],
) -> Made:
    """Return the attributes of an entry besides its link, and its default label in *locale*."""
    label = ""
    if locale is not None:
        label, locale = PAGES[page].label_in(locale)
    own: dict[str, Attribute] = {
        "class": "xiebao-entry",
        "data-xiebao-entry": page,
        "data-xiebao-platform": device,
        "rel": "nofollow noopener",
        # Web views inside apps handle a new window badly.
        "target": "_blank" if device == Platform.PC.slug else None,
        "lang": text(locale, "language") if locale else None,
    }
    return rendered(own, dict(given)), label


def _is_for_all(keywords: Mapping[str, Any]) -> bool:
    return _PERSONAL.isdisjoint(keywords) and _PLAIN.issuperset(map(type, keywords.values()))


def _length(given: tuple[tuple[str, Attribute], ...]) -> int:
    return sum(len(name) + (len(text) if isinstance(text, str) else 0) for name, text in given)
