"""The entries that the macros render; one that is the same for everybody is made once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple

from flask import has_request_context, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from ..app.endpoints import link, url_parts, without_padding
from ..app.headers import rendering
from ..app.log import complain
from ..app.rehearsal import tell_rehearsal
from ..app.state import State
from ..errors import LinkError, NowhereError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.tokens import LinkSigner, make_entry
from ..texts import text
from .attributes import (
    CARD_MACRO,
    ENTRY_MACRO,
    LINK_KEYWORDS,
    LOOKS,
    MODIFIER,
    Attribute,
    Macro,
    check_classes,
    classes,
    look_of,
    rendered,
    split,
)

# The pages whose links are the same for everybody, and the types of values that never change.
_FOR_EVERYBODY = frozenset(name for name, page in PAGES.items() if not page.members_own)
_PLAIN = frozenset((str, int, bool, type(None), Platform))
# Keywords by which a link is a member's, or depends on the Host header of the request.
_UNSHARED = frozenset(("member", "no_login_for", "max_age", "external"))
# How many entries are cached, and of how many characters their keywords may be: what is longer,
# such as the text of a form, is of one page. A cache has a few megabytes, sixteen at most.
_ENTRIES, _LONGEST_KEYWORDS = 1024, 2000

#: The attributes of an entry and its default label, both empty for nothing.
Rendered = tuple[Markup, str]
_NOTHING: Rendered = (Markup(), "")
#: What finds or makes the entries of a page of the gateway, and what stands before and after the
#: token in their links.
PageCache = tuple[Callable[..., Rendered], tuple[str, ...]]


class Caches(NamedTuple):
    """The entries that are made once for every page; they go with the keys that signed them."""

    signer: LinkSigner
    entry: Callable[..., Rendered]


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


class Entries:
    """The entries of one app."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._caches: Caches | None = None
        # Two entries of a site often differ in their links only: saves a third of a new one.
        self._attribute_cache = lru_cache(_ENTRIES)(self._other_attributes)

    def render(
        self,
        page: str,
        reference: Any,
        content: Any,
        keywords: Mapping[str, Any],
        macro: Macro = ENTRY_MACRO,
    ) -> Rendered:
        """Return the attributes of an entry and its content, both empty for nothing."""
        if "caller" in keywords and macro is ENTRY_MACRO:  # which the template has called
            keywords = {name: value for name, value in keywords.items() if name != "caller"}
        context = self._context()
        says = content and str(content).strip()
        locale = None if says else context.locale or self._state.locale
        try:
            if macro is CARD_MACRO and isinstance(content, Undefined):
                raise LinkError("The title of a card is undefined in this template.", "title")
            if context.caching and _is_cacheable(page, reference, keywords):
                entry, parts = context.page_caches.get(page) or self._page_cache(context, page)
                made = entry(parts, context.device, page, reference, locale, macro, **keywords)
            else:
                made = self._make(context.device, page, reference, locale, macro, keywords)
        except _TooLongToKeepError as past:
            made = past.args
        except LinkError as error:
            leave_out(self._state, error)
            return _NOTHING
        attributes, label = made
        if attributes and not context.marked:
            rendering().mark_by_device()
            context.marked = True
        return attributes, escape(content) if says else label

    def href(self, page: str, reference: Any, options: Mapping[str, Any]) -> str:
        """Return the local link to a page.

        :param page: the name of a page in :mod:`.gateway.pages`, such as ``product``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        :raises LinkError: when one of them is wrong.
        """
        if isinstance(page, Undefined) or isinstance(reference, Undefined):
            name = "page" if isinstance(page, Undefined) else "reference"
            raise LinkError(f"The {name} of an entry is undefined in this template.", name)
        for name, value in options.items():
            if name not in LINK_KEYWORDS:
                raise LinkError(f"A link does not take {name}.", name)
            if isinstance(value, Undefined):
                raise LinkError(f"The value of {name} is undefined in this template.", name)
        return link(self._state, page, reference, **options)

    def default_label(self, page: str, locale: str) -> tuple[Markup, str]:
        """Return what an entry says by itself, and the language of that as HTML has it."""
        label, found = self._state.find_text(locale, f"{page}.label", PAGES[page].label)
        return escape(label), text(found, "language")

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
            self._caches = caches = Caches(signer, lru_cache(_ENTRIES, typed=True)(make))
        return caches

    def _make_cacheable(
        self,
        signer: LinkSigner,
        parts: tuple[str, ...],
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        macro: Macro,
        /,
        **keywords: Any,
    ) -> Rendered:
        """Make an entry that is the same for everybody.

        :raises _TooLongToKeepError: with the entry.
        """
        options, given = split(keywords, macro)
        reference = without_padding(PAGES[page], reference)
        token = signer.dumps(make_entry(page, reference, **options))
        made = self._with_attributes(token.join(parts), page, device, locale, macro, given)
        if keywords and not _are_short(keywords.items()):
            raise _TooLongToKeepError(*made)
        return made

    def _make(
        self,
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        macro: Macro,
        keywords: Mapping[str, Any],
    ) -> Rendered:
        options, given = split(keywords, macro)
        href = self.href(page, reference, options)
        if not href:
            return _NOTHING
        return self._with_attributes(href, page, device, locale, macro, given)

    def _with_attributes(
        self,
        href: str,
        page: str,
        device: str | None,
        locale: str | None,
        macro: Macro,
        given: Mapping[str, Attribute],
    ) -> Rendered:
        items = tuple(given.items())
        make = self._attribute_cache if not items or _are_short(items) else self._other_attributes
        others, label = make(PAGES[page].name, device, locale, macro, items)
        if given.get("disabled") is not None:
            return others, label
        return Markup(f' href="{escape(href)}"{others}'), label  # noqa: S704  # nosec B704

    def _other_attributes(
        self,
        page: str,
        device: str | None,
        locale: str | None,
        macro: Macro,
        items: tuple[tuple[str, Attribute], ...],
    ) -> Rendered:
        """Return the attributes of an entry besides its link, and its default label in *locale*."""
        given = dict(items)
        label, language = ("", None) if locale is None else self.default_label(page, locale)
        own: dict[str, Attribute] = {
            "class": macro.classes,
            "data-xiebao-entry": page,
            "data-xiebao-platform": device,
            "rel": "nofollow noopener",
            # Web views inside apps handle a new window badly.
            "target": "_blank" if device == Platform.PC.slug else None,
            "lang": language,
        }
        chosen = given.pop("look", None)
        looks = ("card",) if macro is CARD_MACRO else LOOKS
        if chosen not in (None, *looks):
            raise LinkError(f"look must be one of {', '.join(looks)}, not {chosen}.", "look")
        names = (classes(own, given) or "").split()
        self._check_classes(names)
        found, alone = look_of(names)
        if chosen and any(f"{MODIFIER}{look}" in names for look in LOOKS if look != chosen):
            raise LinkError(f"look is {chosen}, and a class says otherwise: leave one out.", "look")
        look = chosen or found
        if chosen or alone:  # the one that no rule of the site's about links changes
            own["data-xiebao-look"] = look
        if look and (chosen or not alone) and f"{MODIFIER}{look}" not in names:
            own["class"] = f"{macro.classes} {MODIFIER}{look}"
        if given.pop("disabled", None) is not None:  # no attribute of links: they lead nowhere then
            own |= {"role": "link", "aria-disabled": "true"}
        return rendered(own, given), label

    def _check_classes(self, names: Collection[str]) -> None:
        """Tell of a slip in a class; in production an entry may as well go without its look."""
        try:
            check_classes(names)
        except LinkError as error:
            leave_out(self._state, error, "The look of an entry")


def leave_out(state: State, error: LinkError, what: str = "An insurance entry") -> None:
    """Tell of what cannot be rendered, which is then left out of its page.

    A wrong row in a database never takes a shop's page down.

    :param what: is left out.
    :raises LinkError: in strict mode.
    """
    if state.is_strict or isinstance(error, NowhereError):
        raise error
    where = f" of {request.endpoint}" if has_request_context() and request.endpoint else ""
    said = f"{what}{where} was left out: {error}"
    tell_rehearsal(said)
    # What is wrong may be what a visitor sent, and another thing with each visit.
    complain(said, about=f"entries{where}")


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
