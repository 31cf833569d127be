"""The Python half of the macros: what each is made of; the HTML is the templates'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, has_request_context
from markupsafe import Markup, escape

from ..app.endpoints import build_endpoint_url, build_token_url, check_host_is_trusted
from ..app.state import AppState
from ..errors import LinkError
from ..gateway.pages import PAGES
from ..gateway.values import format_short_repr, is_integer_in_range
from ..texts import get_text
from . import assets
from .attributes import (
    CARD_MACRO,
    CARD_TITLE_MACRO,
    ENTRY_MACRO,
    QR_MACRO,
    SCRIPT_MACRO,
    STYLES_MACRO,
    AttributeValue,
    MacroSpec,
    render_attributes,
    split_options_and_attributes,
)
from .entries import EntryRenderer, find_disabled_reason, raise_or_log_omission
from .qrcodes import render_qr_svg, render_qr_svg_and_send_signal

_COLOR_PATTERN = re.compile(r"#[0-9A-Fa-f]{6}")
# What browsers take for an address of this site, or an http(s) one; and for one of a picture.
_SAFE_URL_PATTERN = re.compile(
    r"(https?://|(?![a-z][a-z0-9+.-]*:|/[/\\]))[^\x00-\x1f\\]*", re.IGNORECASE
)
_IMAGE_URL_PATTERN = re.compile(r"data:image/|//[\w\[][^\x00-\x1f\\]*$", re.IGNORECASE)


def register_template_helpers(app: Flask, state: AppState) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the package's own templates call."""
    helpers = TemplateHelpers(state)
    app.jinja_env.globals.update(
        xiebao_link=helpers.build_link_for_template,
        _xiebao_qr=helpers.render_qr_code,
        _xiebao_mail=helpers.build_mail_entry_context,
        _xiebao_styles=helpers.render_stylesheet_attributes,
        _xiebao_script=helpers.render_script_attributes,
        _xiebao_asset=helpers.build_asset_url,
        _xiebao_text=helpers.render_text,
    )
    # These are filters because Jinja inspects a function before each call, which takes 15 % of the
    # time for an entry.
    app.jinja_env.filters.update(
        _xiebao_entry=helpers.entry_renderer.build_attributes_and_content,
        _xiebao_card=partial(helpers.entry_renderer.build_attributes_and_content, macro=CARD_MACRO),
        _xiebao_title=partial(
            helpers.entry_renderer.build_attributes_and_content, macro=CARD_TITLE_MACRO
        ),
        _xiebao_around=helpers.entry_renderer.render_card_wrapper_attributes,
        _xiebao_address=helpers.normalize_card_url,
        _xiebao_reason=find_disabled_reason,
    )


class TemplateHelpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered.
    """

    def __init__(self, state: AppState) -> None:
        self._state = state
        self.entry_renderer = EntryRenderer(state)
        # The code on a product's page is the same for every visitor.
        self._render_qr_svg_cached = lru_cache(32)(render_qr_svg)

    def build_link_for_template(self, page: str, reference: Any = None, **link_options: Any) -> str:
        """Return the local link to a page, for markup of the site's own.

        :param page: the name of a page in :mod:`.gateway.pages`, such as ``product``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self.entry_renderer.build_href(page, reference, link_options)
        except LinkError as error:
            raise_or_log_omission(self._state, error)
            return ""

    def normalize_card_url(self, value: Any, keyword: str) -> str:
        """Return an address for a part of a card; nothing for one that leads anywhere else."""
        is_markup = hasattr(value, "__html__")
        # Markup that is an address has its ampersands escaped.
        address = (escape(value).unescape() if is_markup else str(value)).strip()
        is_text = is_markup or isinstance(value, str)
        is_picture = keyword == "image" and _IMAGE_URL_PATTERN.match(address)
        if is_text and (is_picture or _SAFE_URL_PATTERN.fullmatch(address)):
            return address
        more = ' a URL that begins with "data:image/" or "//",' if keyword == "image" else ""
        error = LinkError(
            f"{keyword} must be an http:// or https:// URL,{more} or a path of this site, got"
            f" {format_short_repr(address)}.",
            keyword,
        )
        raise_or_log_omission(self._state, error, f"The {keyword} of a card")
        return ""

    def render_qr_code(
        self, reference: Any, size: Any, keywords: Mapping[str, Any]
    ) -> tuple[Markup, Markup]:
        """Return the attributes and the code of a product's QR code, both empty for nothing."""
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
        own: dict[str, AttributeValue] = {
            "class": "xiebao-qr",
            "role": "img",
            "width": str(size),
            "height": str(size),
        }
        if "aria-label" not in attributes:
            label, locale = self._state.get_visitor_text_and_locale(self._state.locale, "qr.label")
            own.update({"aria-label": label, "lang": get_text(locale, "language")})
        return render_attributes(own, attributes), code

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
        """Return what the template of an entry in a mail needs; nothing where it is left out.

        :param qr: how wide its QR code is, in pixels; None for no code.
        :param accent: the color of the button, as ``#rrggbb``, and *on_accent* that of its text.
        :return: ``href``; ``code``, the address of its QR code as PNG; ``label``, and its ``lang``
            where it is a default one.
        """
        try:
            options, attributes = split_options_and_attributes(keywords, ENTRY_MACRO)
            for name in attributes:
                raise LinkError(
                    f'mail_entry does not accept "{name}", because entries in mails have no'
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
                        f'{name} must be a color with six hex digits such as "#0b7d73", which old'
                        f" mail clients understand, got {format_short_repr(color)}.",
                        name,
                    )
            href = self.entry_renderer.build_href(page, reference, {**options, "external": True})
            if not href:
                return {}
            code = build_token_url(
                # The path of a link ends in its token.
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
        """Return the attributes of the link to the stylesheet.

        :param layer: the cascade layer of what says where entries stand, such as ``components``;
            None for none.
        """
        layer, given = self._check_layer_and_attributes(
            STYLES_MACRO, "A keyword of xiebao_styles", layer, keywords
        )
        return render_attributes(
            {"rel": "stylesheet", "href": self.build_asset_url(assets.STYLESHEET_FILE, layer)},
            given,
        )

    def render_script_attributes(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the script."""
        _, given = self._check_layer_and_attributes(
            SCRIPT_MACRO, "A keyword of xiebao_script", None, keywords
        )
        return render_attributes(
            {"src": self.build_asset_url(assets.SCRIPT_FILE), "defer": True}, given
        )

    def _check_layer_and_attributes(
        self, macro: MacroSpec, part_name: str, layer: Any, keywords: Mapping[str, Any]
    ) -> tuple[str | None, Mapping[str, AttributeValue]]:
        """Return the layer and the attributes that were given; none if one is wrong."""
        try:
            if layer is not None and not (
                isinstance(layer, str) and re.fullmatch(assets.LAYER_NAME_PATTERN, layer)
            ):
                raise LinkError(
                    'layer must be the name of a CSS layer such as "components", got'
                    f" {format_short_repr(layer)}.",
                    "layer",
                )
            options, given = split_options_and_attributes(keywords, macro)
            for name in options:
                raise LinkError(
                    f'xiebao_styles and xiebao_script do not accept "{name}", which is a keyword of'
                    " links. Leave out this keyword.",
                    name,
                )
            return layer, given
        except LinkError as error:
            raise_or_log_omission(self._state, error, part_name)
            return None, {}

    def build_asset_url(self, asset_name: str, layer: str | None = None) -> str:
        """Return the URL of a file of the extension's, which changes with its content."""
        filename = asset_name if layer is None else f"layer/{layer}/{asset_name}"
        return build_endpoint_url(
            self._state, "xiebao.static", filename=filename, v=assets.get_file_hash(asset_name)
        )

    def render_text(self, key: str, **values: object) -> Markup:
        """Return what visitors read, in the locale of the request; *values* may be markup."""
        said = Markup.escape(self._state.get_visitor_text(key))
        return said.format(**values) if values else said


def _check_pixel_count(value: object, keyword: str) -> None:
    if not is_integer_in_range(value, 1):
        raise LinkError(
            f"{keyword} must be a positive integer number of pixels, got"
            f" {format_short_repr(value)}.",
            keyword,
        )
