"""The Python half of the macros: links, attributes and QR codes; the HTML is the templates'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, has_request_context, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from . import assets
from .attributes import (
    ENTRY,
    ENTRY_SETS,
    LINK_KEYWORDS,
    QR_SETS,
    SHEET_SETS,
    Attribute,
    classes,
    look,
    rendered,
    split,
)
from .caching import rendering
from .codes import qr_code
from .errors import LinkError, NowhereError
from .links import LinkSigner, make_entry
from .log import complain
from .pages import PAGES
from .platforms import Platform
from .rehearsal import tell_rehearsal
from .state import State
from .texts import text
from .urls import endpoint_url, link, token_url, url_parts
from .values import is_whole, shown

# The pages whose links are the same for everybody, and the types of values that never change.
_FOR_EVERYBODY = frozenset(name for name, page in PAGES.items() if not page.members_own)
_PLAIN = frozenset((str, int, bool, type(None), Platform))
# Keywords by which a link is a member's, or depends on the Host header of the request.
_UNSHARED = frozenset(("member", "max_age", "external"))
_THEMES = ("light", "dark", "system")
# How many entries are cached, and of how many characters their keywords may be: what is longer,
# such as the text of a form, is of one page. A cache has a few megabytes, sixteen at most.
_ENTRIES, _LONGEST_KEYWORDS = 1024, 2000

#: The attributes of an entry and its default label, both empty for nothing.
Rendered = tuple[Markup, str]
_NOTHING: Rendered = (Markup(), "")
#: What finds or makes the entries of a page of the gateway, and what stands before and after the
#: token in their links.
PageCache = tuple[Callable[..., Rendered], tuple[str, ...]]


def register(app: Flask, state: State) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the package's own templates call."""
    helpers = Helpers(state)
    app.add_template_global(helpers.link, "xiebao_link")
    # A filter, since Jinja looks at what it calls before each call: a sixth of an entry.
    app.add_template_filter(helpers.entry, "_xiebao_entry")
    app.add_template_global(helpers.qr, "_xiebao_qr")
    app.add_template_global(helpers.mail, "_xiebao_mail")
    app.add_template_global(helpers.styles, "_xiebao_styles")
    app.add_template_global(helpers.script, "_xiebao_script")
    app.add_template_global(helpers.asset, "_xiebao_asset")
    app.add_template_global(helpers.text, "_xiebao_text")


class Caches(NamedTuple):
    """What is made once for every page that shows it, and goes with the keys that signed it.

    :ivar entry: :meth:`Helpers._make_cacheable`.
    :ivar qr_code: :func:`.qr_code`.
    """

    signer: LinkSigner
    entry: Callable[..., Rendered]
    qr_code: Callable[[str], Markup]


@dataclass(slots=True)
class PageContext:
    """What the entries that one request shows have in common.

    :ivar caching: whether entries may come from a cache.
    :ivar device: the slug of the platform; None where markup is the same for every device.
    :ivar locale: that of default labels; None where it may change from one to the next.
    :ivar marked: whether shared caches are told that the page has entries for one kind of device.
    :ivar page_caches: those that were asked so far, by page.
    """

    caching: bool
    device: str | None
    locale: str | None
    marked: bool
    page_caches: dict[str, PageCache] = field(default_factory=dict)


class _TooLongToKeepError(Exception):
    """Carries an entry past the cache."""


class Helpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered: a wrong row in a database never takes a shop's page down.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._caches: Caches | None = None
        # Two entries of a site often differ in their links only: saves a third of a new one.
        self._attribute_cache = lru_cache(_ENTRIES)(self._other_attributes)

    def link(self, page: str, reference: Any = None, **options: Any) -> str:
        """Return the local link to a page, for markup of the site's own.

        :param page: the name of a page in :mod:`.pages`, such as ``product``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self._link(page, reference, options)
        except LinkError as error:
            self._leave_out(error)
            return ""

    def entry(
        self,
        page: str,
        reference: Any,
        content: Any,
        keywords: Mapping[str, Any],
        own_classes: str = ENTRY,
    ) -> Rendered:
        """Return the attributes of an entry and its content, both empty for nothing."""
        context = self._context()
        says = content and str(content).strip()
        locale = None if says else context.locale or self._state.locale
        try:
            if context.caching and _is_cacheable(page, reference, keywords):
                entry, parts = context.page_caches.get(page) or self._page_cache(context, page)
                made = entry(
                    parts, context.device, page, reference, locale, own_classes, **keywords
                )
            else:
                made = self._make(context.device, page, reference, locale, own_classes, keywords)
        except _TooLongToKeepError as past:
            made = past.args
        except LinkError as error:
            self._leave_out(error)
            return _NOTHING
        attributes, label = made
        if attributes and not context.marked:
            rendering().mark_by_device()
            context.marked = True
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
            href = self._link("product", reference, {**options, "external": True})
            if not href:
                return Markup(), Markup()
            # On a page of a product it is the same code for every visitor.
            for_everybody = "member" not in options
            code = self._current_caches().qr_code(href) if for_everybody else qr_code(href)
        except LinkError as error:
            self._leave_out(error)
            return Markup(), Markup()
        own: dict[str, Attribute] = {"class": "xiebao-qr", "role": "img"}
        own["width"] = own["height"] = str(size)
        if "aria-label" not in attributes:
            label, locale = self._state.find_text(self._state.locale, "qr.label")
            own.update({"aria-label": label, "lang": text(locale, "language")})
        return rendered(own, attributes), code

    def mail(
        self, page: Any, reference: Any, label: Any, keywords: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what an entry in a mail is made of; nothing where it is left out.

        :return: ``href``; ``code``, the address of its QR code as PNG; ``label``, and its ``lang``
            where it is a default one.
        """
        try:
            options, attributes = split(keywords, ENTRY_SETS)
            for name in attributes:
                raise LinkError(f"mail_entry takes no {name}: it is no attribute of a link.", name)
            href = self._link(page, reference, {**options, "external": True})
            if not href:
                return {}
            token = urlsplit(href).path.rpartition("/")[2]
            code = token_url(self._state, "xiebao.qr", token, external=True)
        except LinkError as error:
            self._leave_out(error)
            return {}
        if label and str(label).strip():
            return {"href": href, "code": code, "label": escape(label), "lang": None}
        label, language = self._default_label(PAGES[page].name, self._state.locale)
        return {"href": href, "code": code, "label": label, "lang": language}

    def styles(self, layer: Any, theme: Any, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the link to the stylesheet.

        :param layer: the cascade layer that the styles shall be in, such as ``components``; None
            for none.
        :param theme: ``light``, ``dark`` or ``system``, where a page cannot say; None where it can.
        """
        try:
            if layer is not None and not assets.is_layer(layer):
                raise LinkError(
                    f"layer must be the name of a CSS layer such as components, not"
                    f" {shown(layer)}.",
                    "layer",
                )
            if theme not in (None, *_THEMES):
                raise LinkError(
                    f"theme must be one of {', '.join(_THEMES)}, not {shown(theme)}.", "theme"
                )
            given = _attributes_only(keywords)
        except LinkError as error:
            self._leave_out(error)
            layer, theme, given = None, None, {}
        own = {
            "rel": "stylesheet",
            "href": self.asset(assets.STYLES, layer),
            "data-xiebao-theme": theme,
        }
        return rendered(own, given)

    def script(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the script."""
        try:
            given = _attributes_only(keywords)
        except LinkError as error:
            self._leave_out(error)
            given = {}
        return rendered({"src": self.asset(assets.SCRIPT), "defer": True}, given)

    def asset(self, name: str, layer: str | None = None) -> str:
        """Return the URL of a file of the extension's, which changes with its content."""
        filename = name if layer is None else assets.layered(name, layer)
        v = assets.version(name)
        return endpoint_url(self._state, "xiebao.static", filename=filename, v=v)

    def text(self, key: str, **values: object) -> str:
        """Return what visitors read, in the locale of the request."""
        return self._state.text(key, **values)

    def _link(self, page: str, reference: Any, options: Mapping[str, Any]) -> str:
        if isinstance(page, Undefined) or isinstance(reference, Undefined):
            name = "page" if isinstance(page, Undefined) else "reference"
            raise LinkError(f"The {name} of an entry is undefined in this template.", name)
        for name, value in options.items():
            if name not in LINK_KEYWORDS:
                raise LinkError(f"A link does not take {name}.", name)
            if isinstance(value, Undefined):
                raise LinkError(f"The value of {name} is undefined in this template.", name)
        return link(self._state, page, reference, **options)

    def _context(self) -> PageContext:
        if not has_request_context():
            return PageContext(caching=False, device=None, locale=None, marked=True)
        context: PageContext | None = rendering().contexts.get(id(self))
        if context is None:
            rendering().contexts[id(self)] = context = self._new_context()
        return context

    def _new_context(self) -> PageContext:
        state = self._state
        return PageContext(
            caching=state.settings.enabled,
            device=state.device(request.environ).slug if state.settings.device_markup else None,
            locale=None if state.locale_may_change else state.locale,
            marked=not state.settings.device_markup,
        )

    def _page_cache(self, context: PageContext, page: str) -> PageCache:
        parts = url_parts(self._state, f"xiebao.{page}", external=False)
        context.page_caches[page] = found = (self._current_caches().entry, parts)
        return found

    def _current_caches(self) -> Caches:
        signer, caches = self._state.signer, self._caches
        if caches is None or caches.signer is not signer:
            make = partial(self._make_cacheable, signer)
            entry = lru_cache(_ENTRIES, typed=True)(make)
            self._caches = caches = Caches(signer, entry, lru_cache(32)(qr_code))
        return caches

    def _make_cacheable(
        self,
        signer: LinkSigner,
        parts: tuple[str, ...],
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        own_classes: str,
        /,
        **keywords: Any,
    ) -> Rendered:
        """Make an entry that is the same for everybody.

        :raises _TooLongToKeepError: with the entry.
        """
        options, given = split(keywords, ENTRY_SETS)
        token = signer.dumps(make_entry(page, reference, **options))
        made = self._with_attributes(token.join(parts), page, device, locale, own_classes, given)
        if keywords and not _are_short(keywords.items()):
            raise _TooLongToKeepError(*made)
        return made

    def _make(
        self,
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        own_classes: str,
        keywords: Mapping[str, Any],
    ) -> Rendered:
        options, given = split(keywords, ENTRY_SETS)
        href = self._link(page, reference, options)
        if not href:
            return _NOTHING
        return self._with_attributes(href, page, device, locale, own_classes, given)

    def _with_attributes(
        self,
        href: str,
        page: str,
        device: str | None,
        locale: str | None,
        own_classes: str,
        given: Mapping[str, Attribute],
    ) -> Rendered:
        items = tuple(given.items())
        make = self._attribute_cache if not items or _are_short(items) else self._other_attributes
        others, label = make(PAGES[page].name, device, locale, own_classes, items)
        if given.get("disabled") is not None:
            return others, label
        return Markup(f' href="{escape(href)}"{others}'), label  # noqa: S704  # nosec B704

    def _other_attributes(
        self,
        page: str,
        device: str | None,
        locale: str | None,
        own_classes: str,
        items: tuple[tuple[str, Attribute], ...],
    ) -> Rendered:
        """Return the attributes of an entry besides its link, and its default label in *locale*."""
        given = dict(items)
        label, language = ("", None) if locale is None else self._default_label(page, locale)
        own: dict[str, Attribute] = {
            "class": own_classes,
            "data-xiebao-entry": page,
            "data-xiebao-platform": device,
            "rel": "nofollow noopener",
            # Web views inside apps handle a new window badly.
            "target": "_blank" if device == Platform.PC.slug else None,
            "lang": language,
        }
        own["data-xiebao-look"] = look((classes(own, given) or "").split())
        if given.pop("disabled", None) is not None:  # no attribute of links: they lead nowhere then
            own |= {"role": "link", "aria-disabled": "true"}
        return rendered(own, given), label

    def _default_label(self, page: str, locale: str) -> tuple[str, str]:
        """Return what an entry says by itself, and the language of that as HTML has it."""
        label, found = self._state.find_text(locale, f"{page}.label", PAGES[page].label)
        return label, text(found, "language")

    def _leave_out(self, error: LinkError) -> None:
        if self._state.is_strict or isinstance(error, NowhereError):
            raise error
        where = f" of {request.endpoint}" if has_request_context() else ""
        said = f"An insurance entry{where} was left out: {error}"
        tell_rehearsal(said)
        # What is wrong may be what a visitor sent, and another thing with each visit.
        complain(said, about=f"entries{where}")


def _attributes_only(keywords: Mapping[str, Any]) -> dict[str, Attribute]:
    options, given = split(keywords, SHEET_SETS)
    for name in options:
        raise LinkError(f"{name} is of links: neither styles nor script take it.", name)
    return given


def _is_cacheable(page: Any, reference: Any, keywords: Mapping[str, Any]) -> bool:
    """Tell whether an entry is the same for everybody as long as its arguments are equal."""
    return (
        type(reference) in _PLAIN
        and type(page) is str
        and page in _FOR_EVERYBODY
        and (
            not keywords
            or (_UNSHARED.isdisjoint(keywords) and _PLAIN.issuperset(map(type, keywords.values())))
        )
    )


def _are_short(keywords: Iterable[tuple[str, Any]]) -> bool:
    return sum(len(name) + len(str(value)) for name, value in keywords) <= _LONGEST_KEYWORDS
