"""Only for QA: the form at ``/qa/links``, which creates a link and clicks it on a device."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import segno
from flask import current_app, request
from flask.testing import FlaskClient
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from werkzeug.test import TestResponse

from flask_xiebao import Entry, LinkError
from flask_xiebao.testing import DEVICES, Device, GatewaySimulator, Verdict

from ..auth import MEMBERS, current_member
from ..insurance import xiebao
from .checks import MEMBER, log_in
from .events import QA_CLICK

MACROS = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}
# Write Jinja literals as JSON, because strings and numbers have the same syntax in both.
_format_literal = partial(json.dumps, ensure_ascii=False)
#: The form fields that are also keyword arguments of the macros.
OPTIONS = ("member", "platform", "sub_partner_id", "return_to", "no_login_for", "client_reference")
#: The request headers from which the platform of a device is detected.
DEVICE_HEADERS = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")

#: The messages for QA about a wrong value in the form, by the name of the wrong argument.
MESSAGES = {
    "page": lazy_gettext("There is no such page. Choose the product, home or policy page."),
    "reference": lazy_gettext(
        "The product code or application number is wrong. It must not contain spaces or invisible"
        " characters, or be too long."
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
        "The number of seconds without sign-in is wrong. Enter a whole number from 1 to"
        " 1,000,000,000, for example 3600 for an hour."
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
#: The messages for QA about an empty field, or about a value that does not fit another field.
MESSAGES_IN_CONTEXT = {
    "reference": lazy_gettext("Enter a product code or, for a policy, an application number."),
    "sub_partner_id": lazy_gettext("Policies have no partner sub-account. Leave it empty."),
    "no_login_for": lazy_gettext(
        "A link that is valid without sign-in belongs to one member. Choose a member."
    ),
}


class FormError(NamedTuple):
    """A message about a wrong value in the form.

    :param message: The message for QA.
    :param exception: The message of the exception that a developer would get, or "".
    :param field: The name of the field, or "".
    """

    message: str
    exception: str = ""
    field: str = ""


class CreatedLink(NamedTuple):
    """The result of the form: either a link and a click on the link, or an error.

    :param jinja: The Jinja source of an entry with this link.
    :param error: The error if no link could be created, otherwise None.
    :param url: The link, or "" if the entry would render nothing.
    :param member: The member to whom the gateway URL belongs.
    :param device: The device that clicked the link.
    :param response: The response to the click.
    :param verdict: The gateway's verdict on the redirect of the response. If the response does not
        redirect to a page of the gateway, the ``page`` of the verdict is None.
    :param external_url: The link as an absolute URL.
    :param qr_code: The QR code for the absolute URL, as the content of an ``<svg>`` element.
    :param qr_error: The error if no QR code could be created, otherwise None.
    """

    jinja: str
    error: FormError | None = None
    url: str = ""
    member: str = ""
    device: Device | None = None
    response: TestResponse | None = None
    verdict: Verdict | None = None
    external_url: str = ""
    qr_code: Markup | None = None
    qr_error: FormError | None = None


def create_link(form: Mapping[str, str]) -> CreatedLink:
    """Create a link from the values of the form, click the link, and return the result."""
    page = form.get("page", "")
    reference = None if page == "home" else form.get("reference", "")
    options: dict[str, Any] = {
        name: _parse_option(name, form[name]) for name in OPTIONS if form.get(name)
    }
    link = CreatedLink(_build_jinja(page, reference, options))
    if options.get("member") not in (None, *MEMBERS):
        return link._replace(
            error=FormError(_("Choose one of the two members of the demo."), field="member")
        )
    device = _find_device(form)
    if device is None:
        return link._replace(error=FormError(_("The list has no such device."), field="device"))
    try:
        # Check the reference and the sub-account here. If no member is logged in, ``xiebao.link``
        # returns "" for a policy before it checks these two values.
        Entry(page, reference, sub_partner_id=options.get("sub_partner_id"))
        url = xiebao.link(page, reference, **options)
    except LinkError as error:
        return link._replace(error=_explain_error(error, form))
    if not url:
        return link
    member = options.get("member") or current_member() or MEMBER
    # The context of this request must not affect the requests of the test client.
    response = contextvars.Context().run(
        _click_link,
        current_app.test_client(),
        url.removeprefix(request.root_path),
        # An anonymous visitor clicks a link that needs no login.
        None if "no_login_for" in options else member,
        base_url=request.url_root,
        headers=device.headers,
        environ_overrides={QA_CLICK: True},
    )
    simulator = GatewaySimulator(
        current_app.config["XIEBAO_PARTNER_ID"],
        str(current_app.config["XIEBAO_API_KEY"]),
        also_known=current_app.config.get("XIEBAO_EXTRA") or (),
    )
    link = link._replace(
        url=url,
        member=member,
        device=device,
        response=response,
        verdict=simulator.check(response.location or ""),
    )
    try:
        external_url = xiebao.link(page, reference, external=True, **options)
        svg = segno.make_qr(external_url).svg_inline(
            omitsize=True, light="#fff", svgclass=None, lineclass=None
        )
        # The SVG from segno contains no text from the URL.
        return link._replace(external_url=external_url, qr_code=Markup(svg))  # noqa: S704
    except LinkError as error:
        return link._replace(qr_error=_explain_error(error, form))
    except segno.DataOverflowError as error:
        message = _("The link is too long for a QR code. Shorten the address to return to.")
        return link._replace(qr_error=FormError(message, str(error)))


def _click_link(client: FlaskClient, path: str, member: str | None, **options: Any) -> TestResponse:
    """Click a link as a member or, if the member is None, as an anonymous visitor.

    :param options: More keyword arguments for each request.
    """
    if member is not None:
        log_in(client, member, **options)
    return client.get(path, **options)


def _explain_error(error: LinkError, form: Mapping[str, str]) -> FormError:
    argument = error.argument or ""
    depends_on_context = {
        "reference": not form.get("reference", "").strip(),
        "sub_partner_id": form.get("page") == "policy",
        "no_login_for": not form.get("member") and form.get("no_login_for", "").isdecimal(),
    }
    messages = MESSAGES_IN_CONTEXT if depends_on_context.get(argument) else MESSAGES
    message = messages.get(argument, _("No link can be created with these values."))
    return FormError(str(message), str(error), argument)


def _find_device(form: Mapping[str, str]) -> Device | None:
    """Return the device that clicks the link, or None if no device has the name in the form."""
    user_agent, name = form.get("user_agent", "").strip(), form.get("device", "")
    if name and not user_agent:
        return DEVICES.get(name)
    headers = {name: request.headers[name] for name in DEVICE_HEADERS if name in request.headers}
    if user_agent:
        # The value of a header can only be one line of Latin-1 text.
        latin = user_agent.encode("latin-1", "replace").decode("latin-1")
        headers = {"User-Agent": "".join(filter(str.isprintable, latin))}
    titles = {"en": _("this User-Agent") if user_agent else _("your device")}
    return Device("other", titles, "", headers)


def _parse_option(name: str, text: str) -> str | int:
    """Return a form value as a keyword argument. ``no_login_for`` is an integer if possible."""
    is_number = name == "no_login_for" and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else text


def _build_jinja(page: str, reference: str | None, options: Mapping[str, str | int]) -> str:
    """Return the Jinja source of an entry, or "" if there is no such gateway page."""
    macro = MACROS.get(page)
    if macro is None:
        return ""
    arguments = [] if reference is None else [_format_literal(reference)]
    arguments += [f"{name}={_format_literal(value)}" for name, value in options.items()]
    call = f"{macro}({', '.join(arguments)})"
    return f'{{% from "xiebao/entry.html" import {macro} %}}\n{{{{ {call} }}}}'
