"""The Python half of the macros: what each is made of; the HTML is the templates'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, has_request_context
from markupsafe import Markup, escape

from ..app.endpoints import check_host, endpoint_url, token_url
from ..app.state import State
from ..errors import LinkError
from ..gateway.pages import PAGES
from ..gateway.values import is_whole, shown
from ..texts import text
from . import assets
from .attributes import (
    CARD_MACRO,
    ENTRY_MACRO,
    QR_MACRO,
    SCRIPT_MACRO,
    STYLES_MACRO,
    TERMS_MACRO,
    Attribute,
    Macro,
    rendered,
    split,
)
from .entries import Entries, leave_out, reason_in
from .qrcodes import qr_code, qr_svg

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
# What browsers take for an address of this site, or an http(s) one; and for one of a picture.
_ADDRESS = re.compile(r"(https?://|(?![a-z][a-z0-9+.-]*:|/[/\\]))[^\x00-\x1f\\]*", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/|//[\w\[][^\x00-\x1f\\]*$", re.IGNORECASE)


def register(app: Flask, state: State) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the package's own templates call."""
    helpers = Helpers(state)
    app.jinja_env.globals.update(
        xiebao_link=helpers.link,
        _xiebao_qr=helpers.qr,
        _xiebao_mail=helpers.mail,
        _xiebao_styles=helpers.styles,
        _xiebao_script=helpers.script,
        _xiebao_asset=helpers.asset,
        _xiebao_text=helpers.text,
    )
    # These are filters because Jinja inspects a function before each call, which takes 15 % of the
    # time for an entry.
    app.jinja_env.filters.update(
        _xiebao_entry=helpers.entries.render,
        _xiebao_card=partial(helpers.entries.render, macro=CARD_MACRO),
        _xiebao_title=partial(helpers.entries.render, macro=TERMS_MACRO),
        _xiebao_around=helpers.entries.around,
        _xiebao_address=helpers.address,
        _xiebao_reason=reason_in,
    )


class Helpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.entries = Entries(state)
        # The code on a product's page is the same for every visitor.
        self._draw_once = lru_cache(32)(qr_svg)

    def link(self, page: str, reference: Any = None, **options: Any) -> str:
        """Return the local link to a page, for markup of the site's own.

        :param page: the name of a page in :mod:`.gateway.pages`, such as ``product``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self.entries.href(page, reference, options)
        except LinkError as error:
            leave_out(self._state, error)
            return ""

    def address(self, value: Any, keyword: str) -> str:
        """Return an address for a part of a card; nothing for one that leads anywhere else."""
        is_markup = hasattr(value, "__html__")
        # Markup that is an address has its ampersands escaped.
        address = (escape(value).unescape() if is_markup else str(value)).strip()
        is_text = is_markup or isinstance(value, str)
        is_picture = keyword == "image" and _PICTURE.match(address)
        if is_text and (is_picture or _ADDRESS.fullmatch(address)):
            return address
        more = ' a URL that begins with "data:image/" or "//",' if keyword == "image" else ""
        error = LinkError(
            f"{keyword} must be an http:// or https:// URL,{more} or a path of this site, got"
            f" {shown(address)}.",
            keyword,
        )
        leave_out(self._state, error, f"The {keyword} of a card")
        return ""

    def qr(self, reference: Any, size: Any, keywords: Mapping[str, Any]) -> tuple[Markup, Markup]:
        """Return the attributes and the code of a product's QR code, both empty for nothing."""
        try:
            _check_pixels(size, "size")
            options, attributes = split(keywords, QR_MACRO)
            href = self.entries.href("product", reference, {**options, "external": True})
            if not href:
                return Markup(), Markup()
            code = qr_code(href) if "member" in options else qr_code(href, self._draw_once)
        except LinkError as error:
            leave_out(self._state, error)
            return Markup(), Markup()
        own: dict[str, Attribute] = {
            "class": "xiebao-qr",
            "role": "img",
            "width": str(size),
            "height": str(size),
        }
        if "aria-label" not in attributes:
            label, locale = self._state.find_text(self._state.locale, "qr.label")
            own.update({"aria-label": label, "lang": text(locale, "language")})
        return rendered(own, attributes), code

    def mail(
        self,
        page: Any,
        reference: Any,
        label: Any,
        qr: Any,
        accent: Any,
        on_accent: Any,
        keywords: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return what the template of an entry in a mail needs; nothing where it is left out.

        :param qr: how wide its QR code is, in pixels; None for no code.
        :param accent: the color of the button, as ``#rrggbb``, and *on_accent* that of its text.
        :return: ``href``; ``code``, the address of its QR code as PNG; ``label``, and its ``lang``
            where it is a default one.
        """
        try:
            options, attributes = split(keywords, ENTRY_MACRO)
            for name in attributes:
                raise LinkError(
                    f'mail_entry does not accept "{name}", because entries in mails have no'
                    " attributes. Leave out this keyword.",
                    name,
                )
            if has_request_context():
                check_host(self._state)
            if qr:
                _check_pixels(qr, "qr")
            for name, color in {"accent": accent, "on_accent": on_accent}.items():
                if not isinstance(color, str) or not _COLOR.fullmatch(color):
                    raise LinkError(
                        f'{name} must be a color with six hex digits such as "#0b7d73", which old'
                        f" mail clients understand, got {shown(color)}.",
                        name,
                    )
            href = self.entries.href(page, reference, {**options, "external": True})
            if not href:
                return {}
            code = token_url(
                # The path of a link ends in its token.
                self._state,
                "xiebao.qr",
                urlsplit(href).path.rpartition("/")[2],
                external=True,
            )
        except LinkError as error:
            leave_out(self._state, error)
            return {}
        if label and str(label).strip():
            return {"href": href, "code": code, "label": escape(label), "lang": None}
        label, language = self.entries.default_label(PAGES[page].name, self._state.locale)
        return {"href": href, "code": code, "label": label, "lang": language}

    def styles(self, layer: Any, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the link to the stylesheet.

        :param layer: the cascade layer of what says where entries stand, such as ``components``;
            None for none.
        """
        layer, given = self._read(STYLES_MACRO, "A keyword of xiebao_styles", layer, keywords)
        return rendered({"rel": "stylesheet", "href": self.asset(assets.STYLES, layer)}, given)

    def script(self, keywords: Mapping[str, Any]) -> Markup:
        """Return the attributes of the script."""
        _, given = self._read(SCRIPT_MACRO, "A keyword of xiebao_script", None, keywords)
        return rendered({"src": self.asset(assets.SCRIPT), "defer": True}, given)

    def _read(
        self, macro: Macro, what: str, layer: Any, keywords: Mapping[str, Any]
    ) -> tuple[str | None, Mapping[str, Attribute]]:
        """Return the layer and the attributes that were given; none if one is wrong."""
        try:
            if layer is not None and not (
                isinstance(layer, str) and re.fullmatch(assets.LAYER, layer)
            ):
                raise LinkError(
                    'layer must be the name of a CSS layer such as "components", got'
                    f" {shown(layer)}.",
                    "layer",
                )
            options, given = split(keywords, macro)
            for name in options:
                raise LinkError(
                    f'xiebao_styles and xiebao_script do not accept "{name}", which is a keyword of'
                    " links. Leave out this keyword.",
                    name,
                )
            return layer, given
        except LinkError as error:
            leave_out(self._state, error, what)
            return None, {}

    def asset(self, name: str, layer: str | None = None) -> str:
        """Return the URL of a file of the extension's, which changes with its content."""
        filename = name if layer is None else f"layer/{layer}/{name}"
        return endpoint_url(self._state, "xiebao.static", filename=filename, v=assets.version(name))

    def text(self, key: str, **values: object) -> Markup:
        """Return what visitors read, in the locale of the request; *values* may be markup."""
        said = Markup.escape(self._state.text(key))
        return said.format(**values) if values else said


def _check_pixels(value: object, name: str) -> None:
    if not is_whole(value, 1):
        raise LinkError(
            f"{name} must be a positive integer number of pixels, got {shown(value)}.", name
        )
