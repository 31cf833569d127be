"""The front-end developer's catalog: every look and option, with the Jinja that makes it."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, render_template, render_template_string
from flask_babel import force_locale
from markupsafe import Markup

from .shop import MEMBERS

blueprint = Blueprint("widgets", __name__, url_prefix="/widgets")

_IMPORTS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " insurance_qr %}"
)


class Example(NamedTuple):
    """One piece of a template; the page shows it beside what it renders."""

    title: str
    source: str
    note: str = ""

    def render(self) -> Markup:
        """Render exactly the source that is shown."""
        member, _ = MEMBERS
        html = render_template_string(_IMPORTS + self.source, member_id=member)
        return Markup(html)  # noqa: S704 - a template of ours, rendered with autoescape


LOOKS = (
    Example("按钮", '{{ insurance_entry("QX000000127257") }}', "只有类名 xiebao-entry 时的样子。"),
    Example(
        "按钮，带自己的类名",
        "{{ insurance_entry(\n"
        '  "QX000000127257", "买旅行险",\n'
        '  class="xiebao-entry--button wide") }}',
        "再加任何类名都表示“我有自己的样子”，所以要按钮的样子就写明 --button。",
    ),
    Example(
        "卡片",
        "{% call insurance_entry(\n"
        '  "QX000000127257", class="xiebao-entry--card") %}\n'
        '  <span class="xiebao-entry__title">境内旅行意外险</span>\n'
        '  <span class="xiebao-entry__text">航班延误、意外医疗，每人每天 3 元起</span>\n'
        "{% endcall %}",
    ),
    Example(
        "卡片，只有文字",
        '{{ insurance_home_entry("保险商城", class="xiebao-entry--card") }}',
    ),
    Example(
        "行内文字",
        "<p>出发之前，先{{ insurance_entry(\n"
        '  "QX000000127257", "买一份旅行险", class="xiebao-entry--link") }}。</p>',
    ),
)

ENTRIES = (
    Example("产品详情页", '{{ insurance_entry("QX000000127257") }}'),
    Example("保险商城", "{{ insurance_home_entry() }}", "电脑上点击会显示二维码，手机上直接打开。"),
    Example(
        "查看保单",
        '{{ policy_entry("20190226020146", member=member_id) }}',
        "不写 member 就是当前登录的会员；没有人登录时不输出任何内容。",
    ),
    Example(
        "自己写标签",
        "<a class=\"own\" href=\"{{ xiebao_link('product', 'QX000000127257') }}\">自己的链接</a>",
    ),
)

OPTIONS = (
    Example(
        "支付后返回",
        '{{ insurance_entry("QX000000127257", return_to=url_for("shop.insured")) }}',
        "本站路径，支付成功后回到这里。",
    ),
    Example(
        "限时链接",
        '{{ insurance_entry("QX000000127257", member=member_id, max_age=3600) }}',
        "一小时内不登录也代表这位会员，用于邮件和短信，只能发给本人。",
    ),
    Example("渠道子账号", '{{ insurance_entry("QX000000127257", sub_partner_id="branch-7") }}'),
    Example(
        "指定平台",
        '{{ insurance_entry("QX000000127257", platform="h5") }}',
        "点击时不再判断设备。",
    ),
    Example(
        "完整网址",
        '{{ insurance_entry("QX000000127257", external=True) }}',
        "链接以 http 开头，用于会离开本站的地方。",
    ),
    Example(
        "任意属性",
        "{{ insurance_entry(\n"
        '  "QX000000127257", id="buy", data_track="footer",\n'
        '  aria_describedby="terms", download=False) }}\n'
        '<small id="terms">投保前请阅读条款</small>',
        "下划线变成连字符；True 是不带值的属性，None 和 False 表示不要。",
    ),
    Example(
        "Vue、Alpine",
        '{{ insurance_entry("QX000000127257", **{"@click": "track()", "x-bind:title": "name"}) }}',
    ),
    Example(
        "换掉 rel 和 target",
        '{{ insurance_entry("QX000000127257", target="_self", rel="nofollow") }}',
        "href 不能换：它是签名的链接。",
    ),
    Example(
        "图片",
        '{% call insurance_entry("QX000000127257", class="banner") %}\n'
        "  <img src=\"{{ url_for('static', filename='banner.svg') }}\"\n"
        '    width="300" height="90"\n'
        '    alt="境内旅行意外险，每人每天 3 元起">\n'
        "{% endcall %}",
    ),
)

QR_CODES = (
    Example(
        "二维码",
        '{{ insurance_qr("QX000000127257") }}',
        "扫码的手机走 H5，由扫码的人自己登录。",
    ),
    Example(
        "小一些，支付后返回",
        "{{ insurance_qr(\n"
        '  "QX000000127257", size=120,\n'
        '  return_to=url_for("shop.insured"),\n'
        '  aria_label="用手机为本次订单投保") }}',
        "入口的选项和属性同样适用；aria-label 是读屏软件念出的名字。",
    ),
)

SECTIONS = (
    ("样子", LOOKS),
    ("入口", ENTRIES),
    ("选项", OPTIONS),
    ("二维码", QR_CODES),
)


@blueprint.get("/")
def catalog() -> str:
    """Show every example with its source."""
    labels = {}
    for locale in ("zh", "en"):
        with force_locale(locale):
            labels[locale] = [example.render() for example in ENTRIES[:3]]
    return render_template("widgets/catalog.html", sections=SECTIONS, labels=labels)


@blueprint.get("/looks")
def looks() -> str:
    """Show the looks alone: framed by the catalog once in light and once in dark."""
    return render_template("widgets/looks.html", looks=LOOKS)
