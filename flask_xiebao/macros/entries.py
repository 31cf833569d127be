"""The entries that the macros render; most of the work for one serves all that are alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from numbers import Number
from typing import Any

from flask import has_request_context, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from ..app.endpoints import link, url_parts, without_padding
from ..app.headers import request_state
from ..app.log import complain
from ..app.signals import fault_found, send_quietly
from ..app.state import State
from ..errors import LinkError, NowhereError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.tokens import LinkSigner, make_entry
from ..texts import text
from .attributes import (
    ENTRY,
    ENTRY_MACRO,
    LINK_KEYWORDS,
    ON_THE_CARD,
    TERMS_MACRO,
    Attribute,
    Macro,
    rendered,
    split,
)
from .looks import take_look

# The pages whose links are the same for everybody, and the types of values that never change.
_FOR_EVERYBODY = frozenset(name for name, page in PAGES.items() if not page.members_own)
_PLAIN = frozenset((str, int, bool, type(None), Platform))
# Keywords by which a link is a member's, or depends on the Host header of the request; and an old
# name, which is never cached, so that each place that has it is warned of.
_UNSHARED = frozenset(("member", "no_login_for", "max_age", "external"))
# How many entries are cached, and how long their keywords may be when they are written out. Longer
# ones, such as the text of a form, belong to one page. A cache has 16 MB at most, mostly far less.
_ENTRIES, _LONGEST_KEYWORDS = 1024, 2000

#: The attributes of an entry and its default label, both empty for nothing.
Rendered = tuple[Markup, str]
#: An entry, and what is wrong with its look.
_Made = tuple[Markup, str, LinkError | None]
_NOTHING: Rendered = (Markup(), "")
#: What makes the entries of a page of the gateway, or finds those that it made; and what stands
#: before and after the token in their links.
PageCache = tuple[Callable[..., _Made], tuple[str, ...]]


@dataclass(slots=True)
class PageContext:
    """What the entries that one request shows have in common.

    :ivar device: the slug of the platform; None where markup is the same for every device.
    :ivar locale: that of default labels; None where it may change from one to the next.
    :ivar marked: whether shared caches are told that the page has entries for one kind of device.
    :ivar pages: the caches that were asked so far, by page; None where no entry may come from one.
    """

    device: str | None
    locale: str | None
    marked: bool
    pages: dict[str, PageCache] | None


class _TooLongToKeepError(Exception):
    """Carries an entry past the cache."""


class Entries:
    """The entries of one app."""

    def __init__(self, state: State) -> None:
        self._state = state
        # The signer now in use, and what makes or finds the entries for everybody that it signed:
        # with its keys, they go.
        self._cache: tuple[LinkSigner | None, Callable[..., _Made]] = None, self._make
        # Entries often differ in their links only: this saves a third of a new one.
        self._cached_attributes = lru_cache(_ENTRIES)(self._attributes)

    def render(
        self,
        page: str,
        reference: Any,
        content: Any,
        keywords: Mapping[str, Any],
        macro: Macro = ENTRY_MACRO,
    ) -> Rendered:
        """Return the attributes of an entry and its content, both empty for nothing."""
        if "caller" in keywords and macro is ENTRY_MACRO:  # the template has called it
            keywords = {name: value for name, value in keywords.items() if name != "caller"}
        elif macro is ENTRY_MACRO and "disabled" in keywords:
            content = reason_in(keywords) or content
        context = self._context()
        says = content and str(content).strip()
        locale = None if says else context.locale or self._state.locale
        try:
            if macro.is_card and isinstance(content, Undefined):
                raise LinkError("The title of a card is undefined in this template.", "title")
            if context.pages is not None and _is_for_everybody(page, reference, keywords):
                make, parts = context.pages.get(page) or self._open_page(context.pages, page)
                made = make(parts, context.device, page, reference, locale, macro, **keywords)
            else:
                made = self._make(
                    None, (), context.device, page, reference, locale, macro, **keywords
                )
        except _TooLongToKeepError as past:
            made = past.args
        except LinkError as error:
            leave_out(self._state, error)
            return _NOTHING
        attributes, label, slip = made
        if slip is not None:
            leave_out(self._state, slip.with_traceback(None), "The look of an entry")
        if attributes and not context.marked:
            request_state().mark_by_device()
            context.marked = True
        return attributes, escape(content) if says else label

    def around(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of a card with two links: what concerns the whole of it."""
        _, given = split(keywords, TERMS_MACRO)
        look, _ = take_look(given, TERMS_MACRO, self._state.settings.look)
        return rendered(
            {"class": look.removeprefix(ENTRY)}, {name: given.get(name) for name in ON_THE_CARD}
        )

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
            return PageContext(device=None, locale=None, marked=True, pages=None)
        contexts = request_state().page_contexts
        context: PageContext | None = contexts.get(id(self))
        if context is None:
            device_markup = self._state.settings.device_markup
            context = contexts[id(self)] = PageContext(
                device=self._state.device(request.environ).slug if device_markup else None,
                locale=None if self._state.locale_may_change else self._state.locale,
                marked=not device_markup,
                pages={} if self._state.settings.enabled else None,
            )
        return context

    def _open_page(self, pages: dict[str, PageCache], page: str) -> PageCache:
        signer, (signed_by, cache) = self._state.signer, self._cache
        if signer is not signed_by:
            cache = lru_cache(_ENTRIES, typed=True)(partial(self._make, signer))
            self._cache = signer, cache
        return pages.setdefault(
            page, (cache, url_parts(self._state, f"xiebao.{page}", external=False))
        )

    def _make(
        self,
        signer: LinkSigner | None,
        parts: tuple[str, ...],
        device: str | None,
        page: str,
        reference: Any,
        locale: str | None,
        macro: Macro,
        /,
        **keywords: Any,
    ) -> _Made:
        """Make an entry.

        :param signer: signs the link of one that is the same for everybody; None for another.
        :param parts: what stands before and after the token in that link.
        :raises _TooLongToKeepError: with one for everybody that is not to be cached.
        """
        options, given = split(keywords, macro) if keywords else ({}, {})
        if signer is None:
            href = self.href(page, reference, options)
            if not href:
                return *_NOTHING, None
        else:
            reference = without_padding(PAGES[page], reference)
            href = signer.dumps(make_entry(page, reference, **options)).join(parts)
        # Keywords of what is for everybody are plain values; others may have a repr of their own.
        is_short = len(repr(given if signer is None else keywords)) <= _LONGEST_KEYWORDS
        attributes_of = self._cached_attributes if is_short else self._attributes
        written, label, slip = attributes_of(
            PAGES[page].name, device, locale, macro, *given.items()
        )
        if given.get("disabled") is None:
            written = Markup(f' href="{escape(href)}"{written}')  # noqa: S704  # nosec B704
        if signer is not None and not is_short:
            raise _TooLongToKeepError(written, label, slip)
        return written, label, slip

    def _attributes(
        self,
        page: str,
        device: str | None,
        locale: str | None,
        macro: Macro,
        *items: tuple[str, Attribute],
    ) -> _Made:
        """Return an entry without its link, and with its default label in *locale*.

        :param items: the attributes that the caller gave.
        """
        given = dict(items)
        look, slip = take_look(given, macro, self._state.settings.look)
        if macro is TERMS_MACRO:
            given.update(dict.fromkeys(ON_THE_CARD))
            look = f"{ENTRY} {ENTRY}__title"
        label, language = ("", None) if locale is None else self.default_label(page, locale)
        is_disabled = given.pop("disabled", None) is not None
        own: dict[str, Attribute] = {
            "class": look,
            "data-xiebao-entry": page,
            "data-xiebao-platform": device,
            "rel": "nofollow noopener",
            # Web views inside apps handle a new window badly.
            "target": "_blank" if device == Platform.PC.slug else None,
            "lang": language,
            # HTML has no attribute "disabled" for links.
            "role": "link" if is_disabled else None,
            "aria-disabled": "true" if is_disabled else None,
        }
        return rendered(own, given), label, slip


def reason_in(keywords: Mapping[str, Any]) -> str:
    """Return why an entry leads nowhere, where that is said."""
    said = keywords.get("disabled")
    is_said = not isinstance(said, Number | Undefined) and said
    return escape(said).strip() if is_said else ""


def leave_out(state: State, error: LinkError, what: str = "An insurance entry") -> None:
    """Log what is wrong with something that is therefore left out of a page.

    A wrong row in a database must not take a shop's page down.

    :param what: what is left out.
    :raises LinkError: in strict mode.
    """
    if state.is_strict or isinstance(error, NowhereError):
        raise error
    where = f" of {request.endpoint}" if has_request_context() and request.endpoint else ""
    said = f"{what}{where} was left out: {error}"
    send_quietly(fault_found, complaint=said)
    # What is wrong may come from visitors, and differ from visit to visit.
    complain(said, about=f"entries{where}")


def _is_for_everybody(page: Any, reference: Any, keywords: Mapping[str, Any]) -> bool:
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
