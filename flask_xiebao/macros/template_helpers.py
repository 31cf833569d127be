"""The functions and filters that the extension's templates call. The HTML is in the templates."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, has_request_context
from markupsafe import Markup, escape

from ..app.endpoints import build_endpoint_url, build_token_url, check_host_is_trusted
from ..app.log import log_throttled
from ..app.state import AppState
from ..errors import LinkError
from ..gateway.pages import PAGES
from ..gateway.values import format_short_repr, is_integer_in_range
from ..texts import get_text
from . import assets
from .attributes import (
    CARD_MACRO,
    CARD_TITLE_MACRO,
    MAIL_MACRO,
    QR_MACRO,
    SCRIPT_MACRO,
    STYLES_MACRO,
    AttributeValue,
    MacroSpec,
    render_attributes,
    split_options_and_attributes,
)
from .card_values import normalize_covers, select_card_keywords, split_price
from .colors import MIN_TEXT_CONTRAST, compute_contrast
from .entries import (
    EntryRenderer,
    check_is_defined,
    find_disabled_reason,
    raise_or_log_omission,
)
from .qrcodes import render_qr_svg, render_qr_svg_and_send_signal

_COLOR_PATTERN = re.compile(r"#[0-9A-Fa-f]{6}")
# Matches texts that browsers treat as a path of this site or as an http(s) URL.
_SAFE_URL_PATTERN = re.compile(
    r"(https?://|(?![a-z][a-z0-9+.-]*:|/[/\\]))[^\x00-\x1f\\]*", re.IGNORECASE
)
# Matches image URLs that begin with "data:image/" or "//".
_IMAGE_URL_PATTERN = re.compile(r"data:image/|//[\w\[][^\x00-\x1f\\]*$", re.IGNORECASE)


def register_template_helpers(app: Flask, state: AppState) -> None:
    """Register ``xiebao_link``, and the functions and filters that the package's templates call."""
    helpers = TemplateHelpers(state)
    app.jinja_env.globals.update(
        xiebao_link=helpers.build_link_for_template,
        _xiebao_qr=helpers.build_qr_attributes_and_svg,
        _xiebao_mail=helpers.build_mail_entry_context,
        _xiebao_styles=helpers.render_stylesheet_attributes,
        _xiebao_script=helpers.render_script_attributes,
        _xiebao_debug_script=helpers.render_debug_script_attributes,
        _xiebao_asset=helpers.build_asset_url,
        _xiebao_text=helpers.render_visitor_text,
    )
    # These helpers are filters instead of functions, because Jinja inspects functions before each
    # call. The inspection takes 15 % of the time to render an entry.
    app.jinja_env.filters.update(
        _xiebao_entry=helpers.entry_renderer.build_attributes_and_content,
        _xiebao_card=partial(helpers.entry_renderer.build_attributes_and_content, macro=CARD_MACRO),
        _xiebao_title=partial(
            helpers.entry_renderer.build_attributes_and_content, macro=CARD_TITLE_MACRO
        ),
        _xiebao_around=helpers.entry_renderer.render_card_wrapper_attributes,
        _xiebao_address=helpers.normalize_card_url,
        _xiebao_covers=helpers.normalize_card_covers,
        _xiebao_card_keywords=select_card_keywords,
        _xiebao_insured=helpers.check_insured_number,
        _xiebao_price=split_price,
        _xiebao_reason=find_disabled_reason,
    )


class TemplateHelpers:
    """The functions that the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise, it is logged and the part
    of the page is left out.
    """

    def __init__(self, state: AppState) -> None:
        self._state = state
        self.entry_renderer = EntryRenderer(state)
        # The QR code of a product is cached if its link is not tied to a member, because such a
        # code is the same for every visitor.
        self._render_qr_svg_cached = lru_cache(32)(render_qr_svg)

    def build_link_for_template(self, page: str, reference: Any = None, **link_options: Any) -> str:
        """Return the link to a gateway page, for templates that write their own ``<a>`` element.

        Return an empty string if there is no link.

        :param page: The name of a page in :mod:`.gateway.pages`, such as ``product``.
        :param reference: The case code or the application number.
        :param link_options: The keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self.entry_renderer.build_href(page, reference, link_options)
        except LinkError as error:
            raise_or_log_omission(self._state, error)
            return ""

    def normalize_card_url(self, value: Any, keyword: str) -> str:
        """Return the URL of a card's image or insurance terms, or "" if the URL is not allowed.

        A path of this site and an http(s) URL are allowed. For an image, ``data:image/`` and URLs
        that begin with ``//`` are also allowed.

        :param keyword: The card's keyword for this part.
        """
        is_markup = hasattr(value, "__html__")
        # In markup, the ampersands of a URL are escaped.
        url = (escape(value).unescape() if is_markup else str(value)).strip()
        is_text = is_markup or isinstance(value, str)
        is_image_url = keyword == "image" and _IMAGE_URL_PATTERN.match(url)
        if is_text and (is_image_url or _SAFE_URL_PATTERN.fullmatch(url)):
            return url
        image_note = ' a URL that begins with "data:image/" or "//",' if keyword == "image" else ""
        error = LinkError(
            f"{keyword} must be an http:// or https:// URL,{image_note} or a path of this site, got"
            f" {format_short_repr(url)}.",
            keyword,
        )
        raise_or_log_omission(self._state, error, f"The {keyword} of a card")
        return ""

    def check_insured_number(self, insured: Any) -> Any:
        """Return the application number of an insured card, or None if it is undefined.

        :raises LinkError: in strict mode, if the number is undefined or True. Without this check,
            a misspelled variable in the template would offer the product to a member who has it.
        """
        try:
            check_is_defined("insured", insured)
            if insured is True:
                raise LinkError(
                    "insured must be the application number of the member's policy, got True.",
                    "insured",
                )
        except LinkError as error:
            raise_or_log_omission(self._state, error, 'The keyword "insured" of a card')
            return None
        return insured

    def normalize_card_covers(self, covers: Any) -> list[tuple[Any, Any]]:
        """Return the pairs of :func:`.normalize_covers`, or an empty list if the value is wrong."""
        try:
            return normalize_covers(covers)
        except LinkError as error:
            raise_or_log_omission(self._state, error, "The covers of a card")
            return []

    def build_qr_attributes_and_svg(
        self, reference: Any, size: Any, keywords: Mapping[str, Any]
    ) -> tuple[Markup, Markup]:
        """Return the attributes and the SVG of a product's QR code.

        Both are empty if the code is left out.
        """
        try:
            _check_pixel_count(size, "size")
            options, attributes = split_options_and_attributes(keywords, QR_MACRO)
            href = self.entry_renderer.build_href(
                "product", reference, {**options, "external": True}
            )
            if not href:
                return Markup(), Markup()
            code = (
                render_qr_svg_and_send_signal(href)
                if "member" in options
                else render_qr_svg_and_send_signal(href, self._render_qr_svg_cached)
            )
        except LinkError as error:
            raise_or_log_omission(self._state, error)
            return Markup(), Markup()
        defaults: dict[str, AttributeValue] = {
            "class": "xiebao-qr",
            "role": "img",
            "width": str(size),
            "height": str(size),
        }
        if "aria-label" not in attributes:
            label, locale = self._state.get_visitor_text_and_locale(self._state.locale, "qr.label")
            defaults.update({"aria-label": label, "lang": get_text(locale, "language")})
        return render_attributes(defaults, attributes), code

    def build_mail_entry_context(
        self,
        page: Any,
        reference: Any,
        label: Any,
        qr_size: Any,
        accent_color: Any,
        accent_text_color: Any,
        keywords: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the variables of the template for an entry in a mail.

        :param qr_size: The width of the QR code in pixels, or None for no QR code.
        :param accent_color: The color of the button, as ``#rrggbb``.
        :param accent_text_color: The color of the button's text, as ``#rrggbb``.
        :return: ``href``, ``code`` (the URL of the QR code as a PNG), ``label`` and ``lang`` (the
            language of a default label, otherwise None). Empty if the entry is left out.
        """
        try:
            options, attributes = split_options_and_attributes(keywords, MAIL_MACRO)
            for name in attributes:
                raise LinkError(
                    f'mail_entry does not accept "{name}", because entries in emails have no'
                    " attributes. Leave out this keyword.",
                    name,
                )
            if has_request_context():
                check_host_is_trusted(self._state)
            if qr_size:
                _check_pixel_count(qr_size, "qr")
            for name, color in {"accent": accent_color, "on_accent": accent_text_color}.items():
                if not isinstance(color, str) or not _COLOR_PATTERN.fullmatch(color):
                    raise LinkError(
                        f"{name} must be a color with six hex digits, got"
                        f' {format_short_repr(color)}. Use a color such as "#0b7d73", because old'
                        " email clients understand no other format.",
                        name,
                    )
            _warn_if_contrast_is_low(accent_color, accent_text_color)
            href = self.entry_renderer.build_href(page, reference, {**options, "external": True})
            if not href:
                return {}
            code = build_token_url(
                # The path of a link ends with its token.
                self._state,
                "xiebao.qr",
                urlsplit(href).path.rpartition("/")[2],
                external=True,
            )
        except LinkError as error:
            raise_or_log_omission(self._state, error)
            return {}
        if label and str(label).strip():
            return {"href": href, "code": code, "label": escape(label), "lang": None}
        label, language = self.entry_renderer.get_default_label_and_lang(
            PAGES[page].name, self._state.locale
        )
        return {"href": href, "code": code, "label": label, "lang": language}

    def render_stylesheet_attributes(self, layer: Any, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the ``<link>`` element that loads the extension's stylesheet.

        :param layer: The cascade layer for the rules that place entries on a page, such as
            ``components``, or None for no layer.
        """
        layer, attributes = self._check_layer_and_attributes(
            STYLES_MACRO, "A keyword of xiebao_styles", layer, keywords
        )
        return render_attributes(
            {"rel": "stylesheet", "href": self.build_asset_url(assets.STYLESHEET_FILE, layer)},
            attributes,
        )

    def render_script_attributes(
        self, keywords: Mapping[str, Any], file: str = assets.SCRIPT_FILE
    ) -> Markup:
        """Return the attributes of the ``<script>`` element that loads a script."""
        _, attributes = self._check_layer_and_attributes(
            SCRIPT_MACRO, "A keyword of xiebao_script", None, keywords
        )
        return render_attributes({"src": self.build_asset_url(file), "defer": True}, attributes)

    def render_debug_script_attributes(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the script for debug mode, or an empty text in other modes.

        :param keywords: The keywords of ``xiebao_script``. "id" and "integrity" are left out,
            because they belong to the other script.
        """
        if not current_app.debug:
            return Markup()
        shared_keywords = {
            name: value
            for name, value in keywords.items()
            if name.rstrip("_") not in ("id", "integrity")
        }
        return self.render_script_attributes(shared_keywords, assets.DEBUG_SCRIPT_FILE)

    def _check_layer_and_attributes(
        self, macro: MacroSpec, part_name: str, layer: Any, keywords: Mapping[str, Any]
    ) -> tuple[str | None, Mapping[str, AttributeValue]]:
        """Validate the arguments of a macro, and return the CSS layer and the HTML attributes.

        Return None and no attributes if an argument is wrong and strict mode is off.

        :param part_name: The name of the part that is left out, for the log message.
        """
        try:
            if layer is not None and not (
                isinstance(layer, str) and re.fullmatch(assets.LAYER_NAME_PATTERN, layer)
            ):
                raise LinkError(
                    'layer must be the name of a CSS layer such as "components", got'
                    f" {format_short_repr(layer)}.",
                    "layer",
                )
            options, attributes = split_options_and_attributes(keywords, macro)
            for name in options:
                raise LinkError(
                    f'xiebao_styles and xiebao_script do not accept "{name}", which only links'
                    " accept. Leave out this keyword.",
                    name,
                )
            return layer, attributes
        except LinkError as error:
            raise_or_log_omission(self._state, error, part_name)
            return None, {}

    def build_asset_url(self, asset_name: str, layer: str | None = None) -> str:
        """Return the URL of one of the extension's static files.

        The URL changes when the content of the file changes.
        """
        filename = asset_name if layer is None else f"layer/{layer}/{asset_name}"
        return build_endpoint_url(
            self._state, "xiebao.static", filename=filename, v=assets.get_file_hash(asset_name)
        )

    def render_visitor_text(self, key: str, **values: object) -> Markup:
        """Return a text for visitors as HTML, in the locale of the request.

        :param values: The values for the names in braces. They may be markup.
        """
        text = Markup.escape(self._state.get_visitor_text(key))
        return text.format(**values) if values else text


def _warn_if_contrast_is_low(accent_color: str, accent_text_color: str) -> None:
    contrast = compute_contrast(accent_color, accent_text_color)
    if contrast < MIN_TEXT_CONTRAST:
        # The colors may come from user data, so the number of warnings is limited.
        log_throttled(
            f"The label of mail_entry has a contrast of {contrast:.2f}:1 with the button. Change"
            f" accent={accent_color!r} or on_accent={accent_text_color!r}, so that the contrast is"
            f" at least {MIN_TEXT_CONTRAST}:1.",
            group="mail colors",
            level=logging.WARNING,
            once=True,
        )


def _check_pixel_count(value: object, keyword: str) -> None:
    if not is_integer_in_range(value, 1):
        raise LinkError(
            f"{keyword} must be a positive integer number of pixels, got"
            f" {format_short_repr(value)}.",
            keyword,
        )
