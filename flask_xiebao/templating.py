"""The Python half of the macros: links, attributes and QR codes; the HTML is the templates'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import segno
from flask import Flask, current_app, has_request_context
from jinja2 import Undefined
from markupsafe import Markup

from .complaints import complain
from .config import Settings
from .errors import LinkError
from .platforms import Platform
from .rendering import rendering
from .site import NowhereError, Site

_LINK_KEYWORDS = frozenset(
    ("member", "sub_partner_id", "platform", "return_to", "max_age", "external")
)

_LABELS = {
    ("zh", "product"): "我要投保",
    ("zh", "home"): "保险商城",
    ("zh", "policy"): "查看保单",
    ("en", "product"): "Get insured",
    ("en", "home"): "Insurance shop",
    ("en", "policy"): "View policy",
}
_QR_LABELS = {"zh": "用手机扫码投保", "en": "QR code: scan it with a phone to get insured"}
_LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}

_ATTRIBUTE_NAME = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]+""")
_ENTRY_SETS = ("href", "data-xiebao-entry", "data-xiebao-platform")
_QR_SETS = ("width", "height", "viewbox")


class EntryMarkup(NamedTuple):
    """What the template needs for one entry."""

    href: str
    page: str
    platform: str | None
    classes: str | None
    attributes: list[tuple[str, Any]]
    content: str


class QrMarkup(NamedTuple):
    """What the template needs for one QR code."""

    code: Markup
    size: int
    classes: str | None
    attributes: list[tuple[str, Any]]


def register(app: Flask, site: Site) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the macros call."""
    helpers = Helpers(site)
    app.add_template_global(helpers.link, "xiebao_link")
    app.add_template_global(helpers.entry, "_xiebao_entry")
    app.add_template_global(helpers.qr, "_xiebao_qr")
    app.add_template_global(helpers.stylesheet, "_xiebao_stylesheet")


class Helpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered: a wrong row in a database never takes a shop's page down.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def link(self, page: str, reference: Any = None, **options: Any) -> str:
        """Return the local link to a page, for markup of the site's own.

        :param page: ``product``, ``home`` or ``policy``.
        :param reference: the case code or the application number.
        :param options: the keywords of :meth:`.Xiebao.product_link`.
        """
        try:
            return self._link(page, reference, options)
        except LinkError as error:
            self._leave_out(error)
            return ""

    def entry(
        self, page: str, reference: Any, content: Any, keywords: Mapping[str, Any]
    ) -> EntryMarkup | None:
        """Return what an entry is made of, or None when nothing is to be rendered."""
        options, attributes = _split(keywords)
        try:
            chosen = _attributes(attributes, _ENTRY_SETS)
            href = self._link(page, reference, options)
        except LinkError as error:
            self._leave_out(error)
            return None
        if not href:
            return None
        device = self._device()
        shown: dict[str, Any] = {"rel": "nofollow noopener"}
        if device is Platform.PC:  # web views inside apps handle a new window badly
            shown["target"] = "_blank"
        if not content or not str(content).strip():
            locale = current_locale(self._site.settings)
            content = _LABELS[locale, page]
            shown["lang"] = _LANGUAGE_TAGS[locale]
        shown.update(chosen)
        return EntryMarkup(
            href=href,
            page=page,
            platform=None if device is None else device.slug,
            classes=shown.pop("class", None),
            attributes=_given(shown),
            content=content,
        )

    def qr(self, reference: Any, size: Any, keywords: Mapping[str, Any]) -> QrMarkup | None:
        """Return what the QR code of a product is made of, or None when nothing is rendered."""
        options, attributes = _split(keywords)
        try:
            if "caller" in keywords:
                raise LinkError("insurance_qr takes no call block.")
            if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
                raise LinkError("size must be a positive whole number of pixels.")
            chosen = _attributes(attributes, _QR_SETS)
            href = self._link("product", reference, {**options, "external": True})
            if not href:
                return None
            code = qr_code(href)
        except LinkError as error:
            self._leave_out(error)
            return None
        shown: dict[str, Any] = {"role": "img"}
        if "aria-label" not in chosen:
            locale = current_locale(self._site.settings)
            shown.update({"aria-label": _QR_LABELS[locale], "lang": _LANGUAGE_TAGS[locale]})
        shown.update(chosen)
        return QrMarkup(code, size, shown.pop("class", None), _given(shown))

    def stylesheet(self) -> str:
        """Return the URL of ``xiebao.css``."""
        return self._site.url("xiebao.static", filename="xiebao.css")

    def _link(self, page: str, reference: Any, options: Mapping[str, Any]) -> str:
        for name, value in {"The case code or number": reference, **options}.items():
            if isinstance(value, Undefined):
                raise LinkError(f"{name} is undefined in this template.")
        unknown = options.keys() - _LINK_KEYWORDS
        if unknown:
            raise LinkError(f"A link has no {', '.join(sorted(unknown))}.")
        return self._site.link(page, reference, **options)

    def _device(self) -> Platform | None:
        """Return the platform of this request; None where markup is the same for every device."""
        if not self._site.settings.device_markup or not has_request_context():
            return None
        rendering().mark_by_device()
        return self._site.device()

    def _leave_out(self, error: LinkError) -> None:
        if self._site.strict or isinstance(error, NowhereError):
            raise error
        complain(f"An insurance entry was left out: {error}")


def qr_code(url: str) -> Markup:
    """Return the QR code of *url* as an SVG that fills what it stands in.

    :raises LinkError: when the URL is longer than a code can hold, some 2,900 characters.
    """
    try:
        code = segno.make_qr(url)
    except segno.DataOverflowError:
        raise LinkError("This link is too long for a QR code: shorten return_to.") from None
    svg = code.svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by segno, which puts no text into it


def current_locale(settings: Settings) -> str:
    """Return ``zh`` or ``en``: the setting's, else Flask-Babel's, else ``zh``."""
    if settings.locale is not None:
        return settings.locale
    if "babel" in current_app.extensions:
        from flask_babel import get_locale

        locale = get_locale()
        if locale is not None and locale.language != "zh":
            return "en"
    return "zh"


def _split(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide the keywords of a macro into those of the link and those of the element."""
    options = {name: value for name, value in keywords.items() if name in _LINK_KEYWORDS}
    return options, {name: value for name, value in keywords.items() if name not in options}


def _attributes(keywords: Mapping[str, Any], reserved: tuple[str, ...]) -> dict[str, Any]:
    """Return the caller's attributes by the names that HTML gives them.

    :raises LinkError: when one cannot be a name, or is what the element itself sets.
    """
    attributes = {}
    for keyword, value in keywords.items():
        name = keyword.replace("_", "-").lower()
        if name in reserved:
            raise LinkError(f"{name} is set by the macro: it cannot be given as an attribute.")
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise LinkError(f"{keyword!r} cannot be the name of an attribute.")
        if hasattr(value, "__html__"):  # HTML may hold a bare quote, which ends an attribute
            value = Markup(value).unescape()  # noqa: S704 - and is escaped again by the template
        attributes[name] = value
    return attributes


def _given(attributes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Leave out what is None, False or undefined."""
    return [
        (name, value)
        for name, value in attributes.items()
        if value is not None and value is not False and not isinstance(value, Undefined)
    ]
