"""Own links: what the form makes, and what comes of a click on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import segno
from flask import request
from markupsafe import Markup

from flask_xiebao import Entry, LinkError

from .clicks import Clicker, Outcome
from .rows import HERSELF, make_link
from .shop import MEMBERS, current_member

_MACROS = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}
_OPTIONS = ("member", "platform", "sub_partner_id", "return_to", "max_age")
_DEVICE_HEADERS = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")


class Made(NamedTuple):
    """What the form makes; *error* and *qr_error* are those that a developer would get."""

    jinja: str
    error: str | None = None
    link: str = ""
    external: str = ""
    qr: Markup | None = None
    qr_error: str | None = None
    visitor: str | None = None
    outcome: Outcome | None = None


def make(form: Mapping[str, str]) -> Made:
    """Return what the form makes."""
    page = form.get("page", "")
    reference = None if page == "home" else form.get("reference", "")
    options: dict[str, Any] = {
        name: _typed(name, form[name]) for name in _OPTIONS if form.get(name)
    }
    made = Made(_jinja(page, reference, options))
    if options.get("member") not in (None, *MEMBERS):
        return made._replace(error="这里只能替演示站点的两位会员造链接。")
    try:
        # The macros take every option for every page, and leave it to this to refuse them.
        Entry(page, reference, sub_partner_id=options.get("sub_partner_id"))
        link = make_link(page, reference, **options)
    except LinkError as error:
        return made._replace(error=str(error))
    if not link:
        return made
    visitor = _who_clicks(options)
    outcome = Clicker().click(link, visitor, _own_headers())
    made = made._replace(link=link, visitor=visitor, outcome=outcome)
    return made._replace(**_qr(page, reference, options))


def _own_headers() -> dict[str, str]:
    """Return what the asker's own browser says about its device, and nothing about the asker."""
    return {name: request.headers[name] for name in _DEVICE_HEADERS if name in request.headers}


def _typed(name: str, text: str) -> str | int:
    """Return what a developer would write: a number where a number is meant."""
    is_number = name == "max_age" and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else text


def _jinja(page: str, reference: str | None, options: Mapping[str, str | int]) -> str:
    """Return the template that makes the entry; a string of JSON is one of Jinja, too."""
    macro = _MACROS.get(page)
    if macro is None:
        return ""
    arguments = [] if reference is None else [_literal(reference)]
    arguments += [f"{name}={_literal(value)}" for name, value in options.items()]
    call = f"{macro}({', '.join(arguments)})"
    return f'{{% from "xiebao/entry.html" import {macro} %}}\n{{{{ {call} }}}}'


def _literal(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)


def _qr(page: str, reference: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        external = make_link(page, reference, external=True, **options)
        return {"external": external, "qr": _drawn(external)}
    except (LinkError, segno.DataOverflowError) as error:
        return {"qr_error": str(error)}


def _drawn(url: str) -> Markup:
    svg = segno.make_qr(url).svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by segno, which puts no text into it


def _who_clicks(options: Mapping[str, Any]) -> str | None:
    """Return who is signed in at the click: whoever the link is made for, or nobody if it vouches.

    A link for everybody is clicked by whoever looks at the console.
    """
    if "member" in options:
        return None if "max_age" in options else str(options["member"])
    return current_member() or HERSELF
