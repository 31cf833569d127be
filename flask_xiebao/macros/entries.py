"""The entries that the macros render. Entries that are the same for everybody are cached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import Any

from flask import has_request_context, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from ..app.endpoints import link, url_parts, without_padding
from ..app.headers import request_state
from ..app.log import complain, find_caller
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
    OLD_LINK_KEYWORDS,
    ON_THE_CARD,
    TERMS_MACRO,
    Attribute,
    Macro,
    check_not_old,
    rendered,
    split,
)
from .looks import take_look

# The pages whose links are the same for everybody, and the types of values that never change.
_FOR_EVERYBODY = frozenset(name for name, page in PAGES.items() if not page.members_own)
_PLAIN = frozenset((str, int, bool, type(None), Platform))
# With one of these keywords, a link belongs to a member or depends on the request's Host header.
_UNSHARED = frozenset(("member", "no_login_for", "external"))
# The number of entries in each cache, and the maximum number of characters in the keywords or the
# reference of one. Longer keywords, such as the text of a form, belong to a single page.
_ENTRIES, _LONGEST_KEYWORDS = 1024, 2000

#: The attributes of an entry and its content, both empty if the entry is left out.
Rendered = tuple[Markup, str]
#: The attributes of an entry, its default label, and the mistake in its look, if any.
_Made = tuple[Markup, str, LinkError | None]
_NOTHING: Rendered = (Markup(), "")
#: The signer of a link, and the text before and after the token in its URL.
_Link = tuple[LinkSigner, str, str]


@dataclass(slots=True)
class PageContext:
    """The properties that all entries on one page share.

    :ivar device: the slug of the platform, or None if the markup is the same for every device.
    :ivar locale: the locale of default labels, or None if it may change within the page.
    :ivar is_marked: True if the page has already been marked as dependent on the device, or does
        not depend on it.
    :ivar links: the signer and the URL parts of links that are the same for everybody, by the page
        of the gateway; None if there are no such links.
    """

    device: str | None = None
    locale: str | None = None
    is_marked: bool = True
    links: dict[str, _Link] | None = None


class Entries:
    """The entries of one app."""

    def __init__(self, state: State) -> None:
        self._state = state
        # The signer is part of the cache key, so no old entry is found after SECRET_KEY changes.
        self._cached_shared = lru_cache(_ENTRIES, typed=True)(self._make_shared)
        # Entries often differ only in their links. This saves 35 % of the time for a new entry.
        self._cached_attributes = lru_cache(_ENTRIES)(self._make_attributes)

    def render(
        self,
        page: str,
        reference: Any,
        content: Any,
        keywords: Mapping[str, Any],
        macro: Macro = ENTRY_MACRO,
    ) -> Rendered:
        """Return the attributes of an entry and its content, both empty if it is left out."""
        if "caller" in keywords and macro is ENTRY_MACRO:  # the template has called it
            keywords = {name: value for name, value in keywords.items() if name != "caller"}
        elif macro is ENTRY_MACRO and "disabled" in keywords:
            content = reason_in(keywords) or content
        context = self._page_context()
        has_content = content and str(content).strip()
        locale = None if has_content else context.locale or self._state.locale
        device = context.device
        try:
            if macro.is_card and isinstance(content, Undefined):
                raise LinkError(
                    "The title of a card is undefined in this template. Check the name of the"
                    " variable.",
                    "title",
                )
            if context.links is not None and _is_for_everybody(page, reference, keywords):
                is_short = _is_short(keywords, reference)
                make = self._cached_shared if is_short else self._make_shared
                link = context.links.get(page) or self._add_link(context.links, page)
                made = make(*link, page, reference, device, locale, macro, **keywords)
            else:
                made = self._make_own(page, reference, device, locale, macro, **keywords)
        except LinkError as error:
            leave_out(self._state, error)
            return _NOTHING
        attributes, label, mistake = made
        if mistake is not None:
            # A new error, because a traceback would keep the request in the cache.
            leave_out(
                self._state, LinkError(str(mistake), mistake.argument), "The look of an entry"
            )
        if attributes and not context.is_marked:
            request_state().mark_by_device()
            context.is_marked = True
        return attributes, escape(content) if has_content else label

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
            raise LinkError(
                f"The {name} of an entry is undefined in this template. Check the name of the"
                " variable.",
                name,
            )
        for name, value in options.items():
            if name not in LINK_KEYWORDS:
                check_not_old(name, OLD_LINK_KEYWORDS)
                raise LinkError(
                    f'A link does not accept the keyword "{name}". Leave out this keyword.', name
                )
            if isinstance(value, Undefined):
                raise LinkError(
                    f'The value of "{name}" is undefined in this template. Check the name of the'
                    " variable.",
                    name,
                )
        return link(self._state, page, reference, **options)

    def default_label(self, page: str, locale: str) -> tuple[Markup, str]:
        """Return what an entry says by itself, and the language of that as HTML has it."""
        label, found = self._state.find_text(locale, f"{page}.label", PAGES[page].label)
        return escape(label), text(found, "language")

    def _page_context(self) -> PageContext:
        if not has_request_context():
            return PageContext()
        contexts = request_state().page_contexts
        context: PageContext | None = contexts.get(id(self))
        if context is None:
            device_markup = self._state.settings.device_markup
            context = contexts[id(self)] = PageContext(
                device=self._state.device(request.environ).slug if device_markup else None,
                locale=None if self._state.locale_may_change else self._state.locale,
                is_marked=not device_markup,
                links={} if self._state.settings.enabled else None,
            )
        return context

    def _add_link(self, links: dict[str, _Link], page: str) -> _Link:
        before, after = url_parts(self._state, f"xiebao.{page}", external=False)
        links[page] = self._state.signer, before, after
        return links[page]

    def _make_shared(
        self,
        signer: LinkSigner,
        before: str,
        after: str,
        page: str,
        reference: Any,
        device: str | None,
        locale: str | None,
        macro: Macro,
        /,
        **keywords: Any,
    ) -> _Made:
        """Make an entry that is the same for everybody."""
        options, given = split(keywords, macro)
        reference = without_padding(PAGES[page], reference)
        href = f"{before}{signer.dumps(make_entry(page, reference, **options))}{after}"
        return self._add_attributes(href, given, PAGES[page].name, device, locale, macro)

    def _make_own(
        self,
        page: str,
        reference: Any,
        device: str | None,
        locale: str | None,
        macro: Macro,
        /,
        **keywords: Any,
    ) -> _Made:
        """Make an entry that may belong to a member, or depend on the request."""
        options, given = split(keywords, macro)
        href = self.href(page, reference, options)
        if not href:
            return *_NOTHING, None
        return self._add_attributes(href, given, PAGES[page].name, device, locale, macro)

    def _add_attributes(self, href: str, given: Mapping[str, Attribute], *common: Any) -> _Made:
        """Return the entry with this link.

        :param given: the HTML attributes from the template.
        :param common: the further arguments of :meth:`_make_attributes`.
        """
        make = self._cached_attributes if _is_short(given) else self._make_attributes
        attributes, label, mistake = make(*common, *given.items())
        if given.get("disabled") is None:
            attributes = Markup(f' href="{escape(href)}"{attributes}')  # noqa: S704  # nosec B704
        return attributes, label, mistake

    def _make_attributes(
        self,
        page: str,
        device: str | None,
        locale: str | None,
        macro: Macro,
        *items: tuple[str, Attribute],
    ) -> _Made:
        """Return the attributes of an entry except its link, and the default label in *locale*.

        :param items: the HTML attributes from the template.
        """
        given = dict(items)
        look, mistake = take_look(given, macro, self._state.settings.look)
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
        return rendered(own, given), label, mistake


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
    where = (
        f' (endpoint "{request.endpoint}")' if has_request_context() and request.endpoint else ""
    )
    said = f"{what}{where} was left out: {error} See {find_caller()}."
    send_quietly(fault_found, fault=said)
    # What is wrong may come from visitors, and differ from visit to visit.
    complain(said, about=f"entries{where}")


def _is_short(keywords: Mapping[str, Any], reference: object = None) -> bool:
    """Return True if keywords and a reference are short enough to be cached."""
    if not keywords:  # the usual case, in which this saves 5 % of the time for an entry
        return type(reference) is not str or len(reference) <= _LONGEST_KEYWORDS
    texts = [reference, *keywords, *keywords.values()]
    return sum(len(text) for text in texts if type(text) is str) <= _LONGEST_KEYWORDS


def _is_for_everybody(page: Any, reference: Any, keywords: Mapping[str, Any]) -> bool:
    """Return True if an entry with these arguments is the same for everybody."""
    return (
        type(reference) in _PLAIN
        and type(page) is str
        and page in _FOR_EVERYBODY
        and (
            not keywords
            or (_UNSHARED.isdisjoint(keywords) and _PLAIN.issuperset(map(type, keywords.values())))
        )
    )
