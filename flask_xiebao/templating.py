"""The Python half of the macros: links, attributes and QR codes; the HTML is the templates'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, has_request_context, request
from jinja2 import Environment, Undefined
from jinja2.filters import do_xmlattr
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from .caching import rendering
from .errors import LinkError, NowhereError
from .links import REMEMBERED
from .log import complain
from .pages import PAGES
from .platforms import Platform
from .state import State
from .texts import find, text
from .urls import endpoint_url, link
from .values import is_whole, plain_text, shown

_LINK_KEYWORDS = frozenset(
    ("member", "sub_partner_id", "platform", "return_to", "max_age", "external")
)

_ATTRIBUTE_NAME = re.compile(r"""[^\s"'<>/=\x00-\x1f\x7f]+""")
_ENTRY_SETS = ("href", "data-xiebao-entry", "data-xiebao-platform")
_QR_SETS = ("width", "height", "viewbox")
# Characters: of the name of an attribute, and of all attributes of an entry that are remembered.
_LONGEST_NAME, _LONGEST_REMEMBERED = 100, 2000

# Attributes are escaped whatever the app's own templates do.
_ESCAPING = EvalContext(Environment(autoescape=True))

_NOTHING = Markup()

#: An attribute's text; True for one without a value, None for one to leave out.
Attribute = str | bool | None


def register(app: Flask, state: State) -> None:
    """Give the templates of *app* ``xiebao_link`` and what the package's own templates call."""
    helpers = Helpers(state)
    app.add_template_global(helpers.link, "xiebao_link")
    app.add_template_global(helpers.entry, "_xiebao_entry")
    app.add_template_global(helpers.qr, "_xiebao_qr")
    app.add_template_global(helpers.stylesheet, "_xiebao_stylesheet")
    app.add_template_global(helpers.text, "_xiebao_text")


class Helpers:
    """What the templates of one app call.

    A wrong argument raises :exc:`.LinkError` in strict mode. Otherwise it is logged and nothing
    is rendered: a wrong row in a database never takes a shop's page down.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        # On a page of a product it is the same code for every visitor.
        self._code = lru_cache(32)(qr_code)

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
        self, page: str, reference: Any, content: Any, keywords: Mapping[str, Any]
    ) -> tuple[str, Markup, Markup]:
        """Return the link, the other attributes and the content of an entry.

        The link is empty when nothing is to be rendered.
        """
        try:
            options, attributes = _split(keywords, _ENTRY_SETS) if keywords else ({}, {})
            href = self._link(page, reference, options)
        except LinkError as error:
            self._leave_out(error)
            href = ""
        if not href:
            return "", _NOTHING, _NOTHING
        row, device, locale = PAGES[page], self._device(), None
        if not content or not str(content).strip():
            content, locale = row.label_in(self._state.locale)
        return href, _entry_attributes(row.name, device, locale, attributes), escape(content)

    def qr(self, reference: Any, size: Any, keywords: Mapping[str, Any]) -> tuple[Markup, Markup]:
        """Return the attributes and the code of a product's QR code, both empty for nothing."""
        try:
            if "caller" in keywords:
                raise LinkError("insurance_qr takes no call block.", "caller")
            if not is_whole(size, 1):
                raise LinkError(
                    f"size must be a positive whole number of pixels, not {shown(size)}.", "size"
                )
            options, attributes = _split(keywords, _QR_SETS)
            href = self._link("product", reference, {**options, "external": True})
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
        return _rendered(own, attributes), code

    def stylesheet(self) -> str:
        """Return the URL of ``xiebao.css``."""
        return endpoint_url(self._state, "xiebao.static", filename="xiebao.css")

    def text(self, key: str, **values: object) -> str:
        """Return a text of :mod:`.texts` in the locale of the request."""
        return text(self._state.locale, key, **values)

    def _link(self, page: str, reference: Any, options: Mapping[str, Any]) -> str:
        if isinstance(page, Undefined) or isinstance(reference, Undefined):
            name = "page" if isinstance(page, Undefined) else "reference"
            raise LinkError(f"The {name} of an entry is undefined in this template.", name)
        if not options:
            return link(self._state, page, reference)
        for name, value in options.items():
            if name not in _LINK_KEYWORDS:
                raise LinkError(f"A link does not take {name}.", name)
            if isinstance(value, Undefined):
                raise LinkError(f"The value of {name} is undefined in this template.", name)
        return link(self._state, page, reference, **options)

    def _device(self) -> Platform | None:
        """Return the platform of this request; None where markup is the same for every device."""
        if not self._state.settings.device_markup or not has_request_context():
            return None
        rendered = rendering()
        if rendered.device is None:
            rendered.device = self._state.device(request.environ)
        rendered.mark_by_device()
        return rendered.device

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


def _split(
    keywords: Mapping[str, Any], reserved: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Attribute]]:
    """Divide the keywords of a macro into those of the link and the attributes of the element.

    :raises LinkError: when one cannot be an attribute, or is what the element itself sets.
    """
    options: dict[str, Any] = {}
    attributes: dict[str, Attribute] = {}
    for keyword, value in keywords.items():
        if keyword in _LINK_KEYWORDS:
            options[keyword] = value
        else:
            name = _attribute_name(keyword, reserved)
            attributes[name] = _classes(value) if name == "class" else _attribute(value)
    return options, attributes


@lru_cache
def _attribute_name(keyword: str, reserved: tuple[str, ...]) -> str:
    """Return a keyword as HTML names attributes; class_ and for_ are as Python would have them."""
    given, keyword = keyword, keyword.removesuffix("_")
    if len(keyword) > _LONGEST_NAME:
        raise LinkError(
            f"{keyword[:_LONGEST_NAME]!r}… is too long to be the name of an attribute.", keyword
        )
    for meant in (*_LINK_KEYWORDS, "label") if reserved is _ENTRY_SETS else _LINK_KEYWORDS:
        if _is_misspelt(keyword, meant):
            raise LinkError(f"A link does not take {given}: did you mean {meant}?", given)
    name = keyword.replace("_", "-").lower()
    if name in reserved:
        raise LinkError(f"{name} is set by the macro: it cannot be given as an attribute.", keyword)
    if not _ATTRIBUTE_NAME.fullmatch(name):
        raise LinkError(f"{keyword!r} cannot be the name of an attribute.", keyword)
    return name


def _is_misspelt(keyword: str, meant: str) -> bool:
    """Tell whether a keyword is one of a link's but for a slip: returnTo, max-age, memebr."""
    given = keyword.replace("-", "_").lower()
    if not given.isidentifier():  # such as :member of Vue
        return False
    if given.replace("_", "") == meant.replace("_", ""):
        return True
    if len(given) == len(meant):
        wrong = [place for place in range(len(meant)) if given[place] != meant[place]]
        first, last = wrong[0], wrong[-1]
        swapped = last - first == 1 and given[first : last + 1] == meant[last] + meant[first]
        return len(wrong) == 1 or swapped
    shorter, longer = sorted((given, meant), key=len)
    return any(shorter == longer[:place] + longer[place + 1 :] for place in range(len(longer)))


def _attribute(value: Any) -> Attribute:
    """Return a keyword's value: None leaves the attribute out, True stands for one without."""
    if value is True:
        return True
    if value is None or value is False or isinstance(value, Undefined):
        return None
    said = value if hasattr(value, "__html__") else str(value)
    # HTML may hold a bare quote, which would end the attribute: its text is escaped anew. What
    # str() returns may be HTML, too.
    if hasattr(said, "__html__"):
        said = Markup(said).unescape()  # noqa: S704  # nosec B704
    return plain_text(said)


def _classes(value: Any) -> Attribute:
    """Return classes as text; a list of them may hold some that do not apply."""
    if not isinstance(value, list | tuple):
        return _attribute(value)
    return " ".join(name for each in value if isinstance(name := _attribute(each), str))


def _entry_attributes(
    page: str, device: Platform | None, locale: str | None, given: Mapping[str, Attribute]
) -> Markup:
    """Return the attributes of an entry; *locale* is that of a default label.

    They are made once, since the buttons of a page differ in their links only; but what is long,
    such as the text of a form, is of one page and not remembered.
    """
    if not given:
        return _made_once(page, device, locale, ())
    items = tuple(given.items())
    size = sum(
        len(name) + len(value) if isinstance(value, str) else len(name) for name, value in items
    )
    make = _made_once if size <= _LONGEST_REMEMBERED else _made_once.__wrapped__
    return make(page, device, locale, items)


@lru_cache(REMEMBERED)
def _made_once(
    page: str,
    device: Platform | None,
    locale: str | None,
    given: tuple[tuple[str, Attribute], ...],
) -> Markup:
    own: dict[str, Attribute] = {
        "class": "xiebao-entry",
        "data-xiebao-entry": page,
        "data-xiebao-platform": device.slug if device else None,
        "rel": "nofollow noopener",
        # Web views inside apps handle a new window badly.
        "target": "_blank" if device is Platform.PC else None,
        "lang": text(locale, "language") if locale else None,
    }
    return _rendered(own, dict(given))


def _rendered(own: Mapping[str, Attribute], given: Mapping[str, Attribute]) -> Markup:
    """Return attributes as HTML: the caller's replace the element's own, but classes are added."""
    attributes = {**own, **given, "class": own["class"]}
    if isinstance(classes := given.get("class"), str):
        attributes["class"] = f"{own['class']} {classes}".strip()
    valued = {name: value for name, value in attributes.items() if value is not True}
    bare = "".join(f" {name}" for name, value in attributes.items() if value is True)
    # The names were checked, and Jinja's filter escapes the values.
    return Markup(do_xmlattr(_ESCAPING, valued) + bare)  # noqa: S704  # nosec B704
