"""Own links: what the form makes, and what comes of a click on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import segno
from flask import current_app, request
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
    "page": "没有这个页面：请选产品、商城或保单。",
    "reference": "产品方案代码或投保单号不对：不能有不可见的字符，也不能太长。",
    "member": "会员不对：保单的链接要有会员，限时链接也要。",
    "platform": (
        "平台不对：可以是 H5、PC、iOS、Android；商城和保单目前没有 PC，电脑上会出二维码。"
    ),
    "sub_partner_id": "渠道子账号不对：不能只有空白，不能有不可见的字符，也不能太长。",
    "no_login_for": "免登录秒数不对：要填正整数，例如一小时是 3600。",
    "return_to": (
        "支付后返回的地址不对：要填本站的路径，以一个 / 开头，不能太长，不能有反斜杠或换行。"
    ),
    "client_reference": "本站单号不对：不能只有空白，也不能太长。",
    "external": (
        "这个链接会离开本站，又带着会员：不知道本站的地址就不能造，伪造的 Host 会把它带走。"
        "请设置 FLASK_XIEBAO_PUBLIC_URL，或用 flask run --debug 启动。"
    ),
}


# Where the argument alone does not say it.
_MISSING = {
    "reference": "请填产品方案代码；保单请填投保单号。",
    "sub_partner_id": "保单没有渠道子账号：请留空。",
    "no_login_for": "限时链接要说是谁的：请选一位会员。",
}


class Wrong(NamedTuple):
    """What is wrong: for QA, and as the exception that a developer gets; and in which field."""

    zh: str
    en: str = ""
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
        return made._replace(error=Wrong("这里只能替演示网站的两位会员造链接。", field="member"))
    device = _device(form)
    if device is None:
        return made._replace(error=Wrong("设备列表里没有这种设备。", field="device"))
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
        "no_login_for": not form.get("member"),
    }.get(error.argument or "", False)


def _wrong(error: LinkError, is_missing: bool = False) -> Wrong:
    argument = error.argument or ""
    words = _MISSING if is_missing else _WRONG
    return Wrong(words.get(argument, "这样造不出链接。"), str(error), argument)


def _device(form: Mapping[str, str]) -> Device | None:
    """Return what is clicked with; None where there is no such one."""
    agent, name = form.get("user_agent", "").strip(), form.get("device", "")
    if agent:
        # A header is one line of Latin letters.
        sent = agent.encode("latin-1", "replace").decode("latin-1")
        return _other("这个 User-Agent", {"User-Agent": "".join(filter(str.isprintable, sent))})
    if name:
        return DEVICES.get(name)
    # Of the asker's own browser, what it says about its device, and nothing about the asker.
    own = {name: request.headers[name] for name in _DEVICE_HEADERS if name in request.headers}
    return _other("您这台设备", own)


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
        return {"qr_error": Wrong("链接太长，二维码放不下：请缩短支付后返回的地址。", str(error))}


def _drawn(url: str) -> Markup:
    svg = segno.make_qr(url).svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 - drawn by segno, which puts no text into it
