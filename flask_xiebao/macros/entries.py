"""The insurance entries that the macros render.

Entries that are the same for everyone are cached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number
from typing import Any

from flask import has_request_context, request
from jinja2 import Undefined
from markupsafe import Markup, escape

from ..app.endpoints import build_link, split_url_at_token, strip_reference
from ..app.headers import get_request_state
from ..app.log import get_caller_location, log_throttled
from ..app.signals import fault_found, send_signal_without_raising
from ..app.state import AppState
from ..errors import LinkError, UnknownSiteUrlError
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..links.tokens import TokenSigner, build_entry
from ..texts import get_text
from .attributes import (
    CARD_TITLE_MACRO,
    CARD_WRAPPER_ATTRIBUTES,
    ENTRY_CLASS,
    ENTRY_MACRO,
    LINK_KEYWORDS,
    REMOVED_LINK_KEYWORDS,
    AttributeValue,
    MacroSpec,
    check_keyword_not_removed,
    render_attributes,
    split_options_and_attributes,
)
from .looks import pop_look_classes

# Gateway pages whose links need not be tied to a member.
_SHAREABLE_PAGES = frozenset(name for name, page in PAGES.items() if not page.requires_member)
# The types of arguments that can be part of a cache key, because their values are immutable.
_IMMUTABLE_TYPES = frozenset((str, int, bool, type(None), Platform))
# The keywords that make a link depend on a member or on the request's Host header.
_UNSHAREABLE_KEYWORDS = frozenset(("member", "no_login_for", "external"))
# The maximum number of insurance entries in each cache, and the maximum length of a cached entry's
# arguments in characters. Longer arguments, such as text from a form, are seldom rendered twice.
_CACHE_SIZE, _MAX_CACHED_LENGTH = 1024, 2000

#: The attributes and the content of an entry. The attributes are empty if the entry is left out.
RenderedEntry = tuple[Markup, str]
#: A tuple of three values: the HTML attributes of an entry, the entry's default label, and a
#: LinkError or None. The LinkError describes a mistake in the keywords or CSS classes for the style
#: of the entry, such as a misspelled class.
_BuiltEntry = tuple[Markup, str, LinkError | None]
_EMPTY_ENTRY: RenderedEntry = (Markup(), "")
#: A pair that is needed to build a link: the signer of its token, and the parts of its URL before
#: and after the token.
_LinkParts = tuple[TokenSigner, tuple[str, ...]]


@dataclass(slots=True)
class PageContext:
    """The properties that all insurance entries on one page share.

    :ivar platform_slug: The slug of the visitor's platform, or None if the markup is the same for
        every device.
    :ivar locale: The locale of default labels, or None if it may change within the page.
    :ivar is_device_mark_done: True if the page has already been marked as dependent on the device,
        or does not depend on it.
    :ivar shared_link_parts: The signer and the URL parts of links that are the same for everyone,
        by gateway page, or None if there are no such links.
    """

    platform_slug: str | None = None
    locale: str | None = None
    is_device_mark_done: bool = True
    shared_link_parts: dict[str, _LinkParts] | None = None


class EntryRenderer:
    """A renderer of one app's entries, with caches for entries that are the same for everyone."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        # The signer is part of the cache key, so no old entry is used after SECRET_KEY changes.
        self._build_entry_cached = lru_cache(_CACHE_SIZE, typed=True)(self._build_entry)
        # Entries often differ only in their links. Caching all other parts saves 35 % of the time
        # to render a new entry.
        self._build_link_independent_parts_cached = lru_cache(_CACHE_SIZE)(
            self._build_link_independent_parts
        )

    def build_attributes_and_content(
        self,
        page: str,
        reference: Any,
        content: Any,
        keywords: Mapping[str, Any],
        macro: MacroSpec = ENTRY_MACRO,
    ) -> RenderedEntry:
        """Return the attributes and the content of an entry.

        The attributes are empty if the entry is left out.
        """
        # The template has already rendered the block of {% call %} and passed its HTML as
        # *content*.
        if "caller" in keywords and macro is ENTRY_MACRO:
            keywords = {name: value for name, value in keywords.items() if name != "caller"}
        elif macro is ENTRY_MACRO and "disabled" in keywords:
            content = find_disabled_reason(keywords) or content
        context = self._get_page_context()
        has_content = content and str(content).strip()
        locale = None if has_content else context.locale or self._state.locale
        try:
            if macro.is_card_macro and isinstance(content, Undefined):
                raise LinkError(
                    "The title of a card is missing or undefined. Pass the title as the second"
                    " argument, and check the name of the variable.",
                    "title",
                )
            link_parts = None
            if context.shared_link_parts is not None and _is_same_for_everyone(
                page, reference, keywords
            ):
                link_parts = context.shared_link_parts.get(
                    page
                ) or self._build_and_cache_link_parts(context.shared_link_parts, page)
            build = (
                self._build_entry_cached
                if link_parts is not None and _is_short_enough_to_cache(keywords, reference)
                else self._build_entry
            )
            attributes, label, look_error = build(
                link_parts, page, reference, context.platform_slug, locale, macro, **keywords
            )
        except LinkError as error:
            raise_or_log_omission(self._state, error)
            return _EMPTY_ENTRY
        if look_error is not None:
            # Report a copy of the cached error. Raising an error adds a traceback, which would keep
            # the request in memory as long as the error is cached.
            raise_or_log_omission(
                self._state, LinkError(str(look_error), look_error.argument), "The look of an entry"
            )
        if attributes and not context.is_device_mark_done:
            get_request_state().mark_response_device_dependent()
            context.is_device_mark_done = True
        return attributes, escape(content) if has_content else label

    def render_card_wrapper_attributes(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the ``<div>`` of a card with two links."""
        _, attributes = split_options_and_attributes(keywords, CARD_TITLE_MACRO)
        classes, _ = pop_look_classes(attributes, CARD_TITLE_MACRO, self._state.settings.look)
        return render_attributes(
            {"class": classes.removeprefix(ENTRY_CLASS)},
            {name: attributes.get(name) for name in CARD_WRAPPER_ATTRIBUTES},
        )

    def build_href(self, page: str, reference: Any, link_options: Mapping[str, Any]) -> str:
        """Return the link to a gateway page, or an empty string if there is none.

        :param page: The name of a page in :mod:`.gateway.pages`, such as ``product``.
        :param reference: The case code or the application number.
        :param link_options: The keywords of :meth:`.Xiebao.product_link`.
        :raises LinkError: if an argument is wrong or undefined.
        """
        if isinstance(page, Undefined) or isinstance(reference, Undefined):
            name = "page" if isinstance(page, Undefined) else "reference"
            raise LinkError(
                f"The {name} of an entry is undefined in this template. Check the name of the"
                f" variable, or pass the {name} as a positional argument.",
                name,
            )
        for name, value in link_options.items():
            if name not in LINK_KEYWORDS:
                check_keyword_not_removed(name, REMOVED_LINK_KEYWORDS)
                raise LinkError(
                    f'A link does not accept the keyword "{name}". Leave out this keyword.', name
                )
            check_is_defined(name, value)
        return build_link(self._state, page, reference, **link_options)

    def get_default_label_and_lang(self, page: str, locale: str) -> tuple[Markup, str]:
        """Return the default label of an entry, and the value for its HTML attribute ``lang``."""
        label, label_locale = self._state.get_visitor_text_and_locale(
            locale, f"{page}.label", PAGES[page].button_label
        )
        return escape(label), get_text(label_locale, "language")

    def _get_page_context(self) -> PageContext:
        if not has_request_context():
            return PageContext()
        contexts = get_request_state().page_contexts
        context: PageContext | None = contexts.get(id(self))
        if context is None:
            device_markup = self._state.settings.device_markup
            context = contexts[id(self)] = PageContext(
                platform_slug=self._state.detect_request_platform(request.environ).slug
                if device_markup
                else None,
                locale=None if self._state.can_locale_change_within_request else self._state.locale,
                is_device_mark_done=not device_markup,
                shared_link_parts={} if self._state.settings.enabled else None,
            )
        return context

    def _build_and_cache_link_parts(
        self, parts_by_page: dict[str, _LinkParts], page: str
    ) -> _LinkParts:
        url_parts = split_url_at_token(self._state, f"xiebao.{page}", external=False)
        parts_by_page[page] = (self._state.signer, url_parts)
        return parts_by_page[page]

    def _build_entry(
        self,
        shared_link_parts: _LinkParts | None,
        page: str,
        reference: Any,
        platform_slug: str | None,
        locale: str | None,
        macro: MacroSpec,
        /,
        **keywords: Any,
    ) -> _BuiltEntry:
        """Build an entry. Return an empty entry if the app has no link for it.

        :param shared_link_parts: The signer and the URL parts of the link if the entry is the same
            for everyone. None if it may belong to a member or depend on the request.
        """
        options, html_attributes = split_options_and_attributes(keywords, macro)
        if shared_link_parts is None:
            href = self.build_href(page, reference, options)
        else:
            signer, url_parts = shared_link_parts
            reference = strip_reference(PAGES[page], reference)
            token = signer.build_entry_token(build_entry(page, reference, **options))
            href = token.join(url_parts)
        if not href:
            return *_EMPTY_ENTRY, None
        build = (
            self._build_link_independent_parts_cached
            if _is_short_enough_to_cache(html_attributes)
            else self._build_link_independent_parts
        )
        attributes, label, look_error = build(
            PAGES[page].name, platform_slug, locale, macro, *html_attributes.items()
        )
        if html_attributes.get("disabled") is None:
            attributes = Markup(f' href="{escape(href)}"{attributes}')  # noqa: S704  # nosec B704
        return attributes, label, look_error

    def _build_link_independent_parts(
        self,
        page: str,
        platform_slug: str | None,
        locale: str | None,
        macro: MacroSpec,
        *attribute_items: tuple[str, AttributeValue],
    ) -> _BuiltEntry:
        """Return the parts of an entry that do not depend on its link.

        These are the attributes except ``href``, the default label, and the error in the look.

        :param locale: The locale of the label, or None for an empty label.
        :param attribute_items: The HTML attributes from the template.
        """
        overrides = dict(attribute_items)
        classes, look_error = pop_look_classes(overrides, macro, self._state.settings.look)
        if macro is CARD_TITLE_MACRO:
            overrides.update(dict.fromkeys(CARD_WRAPPER_ATTRIBUTES))
            classes = f"{ENTRY_CLASS} {ENTRY_CLASS}__title"
        label, language = (
            ("", None) if locale is None else self.get_default_label_and_lang(page, locale)
        )
        is_disabled = overrides.pop("disabled", None) is not None
        defaults: dict[str, AttributeValue] = {
            "class": classes,
            "data-xiebao-entry": page,
            "data-xiebao-platform": platform_slug,
            "rel": "nofollow noopener",
            # Entries open in a new window only on PCs, because web views in mobile apps handle new
            # windows badly.
            "target": "_blank" if platform_slug == Platform.PC.slug else None,
            "lang": language,
            # HTML links have no attribute "disabled", so ARIA attributes mark the entry as
            # disabled.
            "role": "link" if is_disabled else None,
            "aria-disabled": "true" if is_disabled else None,
        }
        return render_attributes(defaults, overrides), label, look_error


def find_disabled_reason(keywords: Mapping[str, Any]) -> str:
    """Return the reason why an entry is disabled, from the keyword argument "disabled".

    Return an empty string if the keyword is missing or has no text, such as ``disabled=True``.
    """
    reason = keywords.get("disabled")
    has_text = not isinstance(reason, Number | Undefined) and reason
    return escape(reason).strip() if has_text else ""


def check_is_defined(keyword: str, value: object) -> None:
    """Raise an error if the value of a keyword is undefined in the template.

    :raises LinkError: for an undefined value.
    """
    if isinstance(value, Undefined):
        raise LinkError(
            f'The value of "{keyword}" is undefined in this template. Check the name of the'
            " variable.",
            keyword,
        )


def raise_or_log_omission(
    state: AppState, error: LinkError, omitted_part: str = "An insurance entry"
) -> None:
    """Raise the error in strict mode, or log that a part of the page was left out.

    Outside of strict mode, a wrong row in a database must not break a shop's page.

    :param omitted_part: The part of the page that was left out, for the log message.
    :raises LinkError: in strict mode, and always if the URL of the site is not known.
    """
    if state.is_strict or isinstance(error, UnknownSiteUrlError):
        raise error
    endpoint_note = (
        f' (endpoint "{request.endpoint}")' if has_request_context() and request.endpoint else ""
    )
    message = f"{omitted_part}{endpoint_note} was left out: {error} See {get_caller_location()}."
    send_signal_without_raising(fault_found, fault=message)
    # Error messages may contain values from visitors, so there may be many different messages. They
    # share one group, because log_throttled() limits the number of messages in a group.
    log_throttled(message, group=f"entries{endpoint_note}")


def _is_short_enough_to_cache(keywords: Mapping[str, Any], reference: object = None) -> bool:
    """Return True if the arguments of an entry are short enough in total to be cached."""
    # Most entries are rendered without keywords. Returning early saves 5 % of the time to render
    # such an entry.
    if not keywords:
        return type(reference) is not str or len(reference) <= _MAX_CACHED_LENGTH
    texts = [reference, *keywords, *keywords.values()]
    return sum(len(text) for text in texts if type(text) is str) <= _MAX_CACHED_LENGTH


def _is_same_for_everyone(page: Any, reference: Any, keywords: Mapping[str, Any]) -> bool:
    """Return True if an entry with these arguments is the same for everyone."""
    return (
        type(reference) in _IMMUTABLE_TYPES
        and type(page) is str
        and page in _SHAREABLE_PAGES
        and (
            not keywords
            or (
                _UNSHAREABLE_KEYWORDS.isdisjoint(keywords)
                and _IMMUTABLE_TYPES.issuperset(map(type, keywords.values()))
            )
        )
    )
