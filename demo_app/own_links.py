"""Own links: what the form makes, and what comes of a click on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import segno
from flask import current_app, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from flask_xiebao import Entry, LinkError, detect_platform
from flask_xiebao.testing import DEVICES, Device, Result

from . import check
from .purchases import xiebao
from .shop import MEMBERS, current_member

_MACROS = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}
_OPTIONS = ("member", "platform", "sub_partner_id", "return_to", "no_login_for", "client_reference")
_DEVICE_HEADERS = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")

#: What to do about an argument that is wrong.
_WRONG = {
    "page": lazy_gettext("There is no such page. Choose the product, home or policy page."),
    "reference": lazy_gettext(
        "The product code or application number is wrong. It must not contain invisible characters"
        " or be too long."
    ),
    "member": lazy_gettext(
        "The member is wrong. Links to policies and links that are valid without sign-in need a"
        " member."
    ),
    "platform": lazy_gettext(
        "The platform is wrong. It can be H5, PC, iOS or Android. The home and policy pages have no"
        " PC version at present, so PCs show a QR code."
    ),
    "sub_partner_id": lazy_gettext(
        "The partner sub-account is wrong. It must not be blank, contain invisible characters or be"
        " too long."
    ),
    "no_login_for": lazy_gettext(
        "The number of seconds without sign-in is wrong. Enter a positive whole number, for example"
        " 3600 for an hour."
    ),
    "return_to": lazy_gettext(
        "The address to return to after payment is wrong. Enter a path of this site that begins"
        " with a single /, is not too long, and has no backslash or line break."
    ),
    "client_reference": lazy_gettext(
        "The shop order number is wrong. It must not be blank or too long."
    ),
    "external": lazy_gettext(
        "This link leaves the site and belongs to a member. It cannot be created while the address"
        " of the site is unknown, because a forged Host header could lead it to another site. Set"
        " FLASK_XIEBAO_PUBLIC_URL, or start with flask run --debug."
    ),
}


# Where the argument alone does not say it.
_MISSING = {
    "reference": lazy_gettext("Enter a product code or, for a policy, an application number."),
    "sub_partner_id": lazy_gettext("Policies have no partner sub-account. Leave it empty."),
    "no_login_for": lazy_gettext(
        "A link that is valid without sign-in belongs to one member. Choose a member."
    ),
}


class Wrong(NamedTuple):
    """A wrong value of a field: the message for QA, and the exception that a developer gets."""

    message: str
    exception: str = ""
    field: str = ""


class Made(NamedTuple):
    """What the form makes; *error* and *qr_error* are those that a developer would get."""

    jinja: str
    error: Wrong | None = None
    link: str = ""
    external: str = ""
    qr: Markup | None = None
    qr_error: Wrong | None = None
    member: str = ""
    result: Result | None = None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What the gateway is sent, the sign masked."""
        location = self.result.location if self.result else ""
        return parse_qsl(urlsplit(location).query, keep_blank_values=True)


def make(form: Mapping[str, str]) -> Made:
    """Return what the form makes."""
    page = form.get("page", "")
    reference = None if page == "home" else form.get("reference", "")
    options: dict[str, Any] = {
        name: _typed(name, form[name]) for name in _OPTIONS if form.get(name)
    }
    made = Made(_jinja(page, reference, options))
    if options.get("member") not in (None, *MEMBERS):
        return made._replace(
            error=Wrong(_("Choose one of the two members of the demo."), field="member")
        )
    device = _device(form)
    if device is None:
        return made._replace(error=Wrong(_("The list has no such device."), field="device"))
    try:
        # The macros take every option for every page, and leave it to this to refuse them.
        Entry(page, reference, sub_partner_id=options.get("sub_partner_id"))
        link = xiebao.link(page, reference, **options)
    except LinkError as error:
        return made._replace(error=_wrong(error, _is_missing(error, form)))
    if not link:
        return made
    member = options.get("member") or current_member() or next(iter(MEMBERS))
    result = check.follow(link, device, member)
    made = made._replace(link=link, member=member, result=result)
    return made._replace(**_qr(page, reference, options))


def _is_missing(error: LinkError, form: Mapping[str, str]) -> bool:
    """Tell whether an argument is wrong by itself, or for what else is asked."""
    return {
        "reference": not form.get("reference", "").strip(),
        "sub_partner_id": form.get("page") == "policy",
        "no_login_for": not form.get("member") and form.get("no_login_for", "").isdecimal(),
    }.get(error.argument or "", False)


def _wrong(error: LinkError, is_missing: bool = False) -> Wrong:
    argument = error.argument or ""
    words = _MISSING if is_missing else _WRONG
    return Wrong(
        str(words.get(argument, _("No link can be created with these values."))),
        str(error),
        argument,
    )


def _device(form: Mapping[str, str]) -> Device | None:
    """Return what is clicked with; None where there is no such one."""
    agent, name = form.get("user_agent", "").strip(), form.get("device", "")
    if agent:
        # A header is one line of Latin letters.
        sent = agent.encode("latin-1", "replace").decode("latin-1")
        return _other(_("this User-Agent"), {"User-Agent": "".join(filter(str.isprintable, sent))})
    if name:
        return DEVICES.get(name)
    # Of the asker's own browser, what it says about its device, and nothing about the asker.
    own = {name: request.headers[name] for name in _DEVICE_HEADERS if name in request.headers}
    return _other(_("your device"), own)


def _other(title: str, headers: Mapping[str, str]) -> Device:
    """Return a device that is not in the list, as the extension takes it."""
    app = current_app.config["XIEBAO_APP_USER_AGENT"]
    platform = detect_platform(headers, app_user_agent=app)
    return Device("other", {"zh": title, "en": title}, str(platform.value), headers)


def _typed(name: str, text: str) -> str | int:
    """Return what a developer would write: a number where a number is meant."""
    is_number = name == "no_login_for" and text.isascii() and text.isdecimal() and len(text) < 19
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
        external = xiebao.link(page, reference, external=True, **options)
        return {"external": external, "qr": _drawn(external)}
    except LinkError as error:
        return {"qr_error": _wrong(error)}
    except segno.DataOverflowError as error:
        return {
            "qr_error": Wrong(
                _("The link is too long for a QR code. Shorten the address to return to."),
                str(error),
            )
        }


def _drawn(url: str) -> Markup:
    svg = segno.make_qr(url).svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by segno, which puts no text into it
