"""What the catalog shows, and what it says of it in Chinese and English."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """One piece of a template; the page shows it beside what it renders.

    :param titles: what it shows, in Chinese and English.
    :param notes: what there is to know of it.
    """

    titles: tuple[str, str]
    source: str
    notes: tuple[str, str] = ("", "")


class Token(NamedTuple):
    """A custom property of the stylesheet.

    :param default: what it is where a site says nothing.
    :param of: what it changes, in Chinese and English.
    """

    name: str
    default: str
    of: tuple[str, str]

    @property
    def swatch(self) -> str:
        """The name of the class that shows its color; "" where it is none."""
        return self.name.removeprefix("--xiebao-") if self.default.startswith("#") else ""


LOOKS = (
    Example(
        ("按钮", "Button"),
        '{{ insurance_entry("QX000000127257") }}',
        ("不写类名就是按钮。", "Without a class of your own, it is a button."),
    ),
    Example(
        ("卡片", "Card"),
        "{{ insurance_card(\n"
        '  "QX000000127257", "境内旅行意外险",\n'
        '  text="航班延误、意外医疗", price="¥3 起/天",\n'
        '  badge="热卖", action="去投保") }}',
        (
            "颜色取自周围的文字，页面是深色，它就是深色。",
            "It takes the color of the text around it.",
        ),
    ),
    Example(
        ("行内文字", "Inline text"),
        "<p>出发之前，先{{ insurance_entry(\n"
        '  "QX000000127257", "买一份旅行险", class="xiebao-entry--link") }}。</p>',
    ),
)

VARIANTS = (
    Example(
        ("线框", "Outline"),
        '{{ insurance_entry("QX000000127257", class="xiebao-entry--outline") }}',
    ),
    Example(
        ("小、大", "Small and large"),
        '{{ insurance_entry("QX000000127257", class="xiebao-entry--small") }}\n'
        '{{ insurance_entry("QX000000127257", class="xiebao-entry--large") }}',
        ("手指点的地方至少高 44 像素。", "A finger has 44 pixels in any case."),
    ),
    Example(
        ("圆角", "Pill"),
        '{{ insurance_entry("QX000000127257", class="xiebao-entry--pill") }}',
    ),
    Example(
        ("占满一行", "Block"),
        '{{ insurance_entry("QX000000127257", class="xiebao-entry--block") }}',
    ),
    Example(
        ("自己的类名", "With a class of your own"),
        "{{ insurance_entry(\n"
        '  "QX000000127257", "买旅行险",\n'
        '  class="xiebao-entry--button rounded") }}',
        (
            "加了自己的类名，就要写明 --button；以您的类名为准，与样式表的先后无关。",
            "With a class of your own, say --button; yours wins, wherever its stylesheet stands.",
        ),
    ),
)

STATES = (
    Example(
        ("正在打开", "Busy"),
        '{{ insurance_entry("QX000000127257", aria_busy="true") }}',
        (
            "有了 xiebao_script()，点击之后自动如此，返回时恢复。",
            "With xiebao_script() it is so by itself after a click, and not when the page is back.",
        ),
    ),
    Example(
        ("不能点击", "Disabled"),
        '{{ insurance_entry("QX000000127257", disabled=True) }}',
        ("例如还没有勾选条款。没有 href。", "Until the terms are accepted, say. It has no href."),
    ),
    Example(
        ("鼠标、键盘", "Pointer and keyboard"),
        '{{ insurance_entry("QX000000127257", "移上、按下、用 Tab 键") }}',
        ("触摸之后不留下移上的样子。", "A touch leaves no hover behind."),
    ),
)

CARDS = (
    Example(
        ("全部内容", "All its parts"),
        "{{ insurance_card(\n"
        '  "QX000000127257", "境内旅行意外险",\n'
        '  text="航班延误、意外医疗、行李丢失", price="¥3 起/天",\n'
        '  badge="热卖", action="去投保", insurer="示例财险",\n'
        "  image=url_for('static', filename='shield.svg')) }}",
    ),
    Example(
        ("安静的", "Quiet"),
        '{{ insurance_card("QX000000127257", "退票险", text="退票费全赔") }}',
        ("不写 action 就有一个箭头。", "Without an action it has a chevron."),
    ),
    Example(
        ("网格，高度一致", "A grid of equal height"),
        '<div class="grid">\n'
        '  {{ insurance_card("QX000000127257", "旅行意外险",\n'
        '       text="航班延误、意外医疗", price="¥3 起/天", action="去投保") }}\n'
        '  {{ insurance_card("QX000000127257", "退票险", price="¥20", action="去投保") }}\n'
        "</div>",
    ),
    Example(
        ("横向滑动", "A carousel"),
        '<div class="carousel" tabindex="0" role="region" aria-label="carousel">\n'
        '  {{ insurance_card("QX000000127257", "旅行险", price="¥3 起/天", action="去投保") }}\n'
        '  {{ insurance_card("QX000000127257", "退票险", price="¥20", action="去投保") }}\n'
        '  {{ insurance_card("QX000000127257", "航班延误险", price="¥30", action="去投保") }}\n'
        "</div>",
    ),
    Example(
        ("自己写标签", "Markup of your own"),
        '{% call insurance_entry("QX000000127257", class="xiebao-entry--card") %}\n'
        '  <span class="xiebao-entry__badge">新</span>\n'
        '  <span class="xiebao-entry__title">签证拒签险</span>\n'
        '  <span class="xiebao-entry__text">拒签退还签证费</span>\n'
        '  <span class="xiebao-entry__foot">\n'
        '    <span class="xiebao-entry__price">¥15</span></span>\n'
        "{% endcall %}",
        ("各部分的先后不影响样子。", "In whatever order the parts are."),
    ),
)

ENTRIES = (
    Example(("产品详情页", "Product"), '{{ insurance_entry("QX000000127257") }}'),
    Example(
        ("保险商城", "Home"),
        "{{ insurance_home_entry() }}",
        (
            "电脑上点击会显示二维码，手机上直接打开。",
            "On a PC it shows a QR code, on a phone it opens.",
        ),
    ),
    Example(
        ("查看保单", "Policy"),
        '{{ policy_entry("20190226020146", member=member_id) }}',
        (
            "不写 member 就是当前登录的会员；没有人登录时不输出任何内容。",
            "Without member it is whoever is logged in; nothing with nobody logged in.",
        ),
    ),
    Example(
        ("自己写标签", "Markup of your own"),
        "<a class=\"own\" href=\"{{ xiebao_link('product', 'QX000000127257') }}\">自己的链接</a>",
    ),
)

OPTIONS = (
    Example(
        ("支付后返回", "Back after payment"),
        '{{ insurance_entry("QX000000127257", return_to=url_for("shop.insured")) }}',
        ("本站路径，支付成功后回到这里。", "A path of this site, to come back to."),
    ),
    Example(
        ("限时链接", "For a limited time"),
        '{{ insurance_entry("QX000000127257", member=member_id, max_age=3600) }}',
        (
            "一小时内不登录也代表这位会员，用于邮件和短信，只能发给本人。",
            "For an hour it stands for this member without a login: for mails to them alone.",
        ),
    ),
    Example(
        ("渠道子账号", "Sub-account"),
        '{{ insurance_entry("QX000000127257", sub_partner_id="branch-7") }}',
    ),
    Example(
        ("指定平台", "A platform"),
        '{{ insurance_entry("QX000000127257", platform="h5") }}',
        ("点击时不再判断设备。", "The device is not asked at the click."),
    ),
    Example(
        ("完整网址", "A whole URL"),
        '{{ insurance_entry("QX000000127257", external=True) }}',
        ("链接以 http 开头，用于会离开本站的地方。", "For links that leave the site."),
    ),
    Example(
        ("任意属性", "Any attribute"),
        "{{ insurance_entry(\n"
        '  "QX000000127257", id="buy", data_track="footer",\n'
        '  aria_describedby="terms", download=False) }}\n'
        '<small id="terms">投保前请阅读条款</small>',
        (
            "下划线变成连字符；True 是不带值的属性，None 和 False 表示不要。",
            "Underscores become hyphens; True has no value, None and False leave it out.",
        ),
    ),
    Example(
        ("Vue、Alpine", "Vue and Alpine"),
        '{{ insurance_entry("QX000000127257", **{"@click": "track()", ":class": "look"}) }}',
        ("脚本加上的类名不影响样子。", "A class that a script adds leaves the look as it is."),
    ),
    Example(
        ("换掉 rel 和 target", "Another rel and target"),
        '{{ insurance_entry("QX000000127257", target="_self", rel="nofollow") }}',
        ("href 不能换：它是签名的链接。", "href cannot be given: it is the signed link."),
    ),
    Example(
        ("图片", "A picture"),
        '{% call insurance_entry("QX000000127257", class="banner") %}\n'
        "  <img src=\"{{ url_for('static', filename='banner.svg') }}\"\n"
        '    width="300" height="90"\n'
        '    alt="境内旅行意外险，每人每天 3 元起">\n'
        "{% endcall %}",
    ),
)

QR_CODES = (
    Example(
        ("二维码", "QR code"),
        '{{ insurance_qr("QX000000127257") }}',
        ("扫码的手机走 H5，由扫码的人自己登录。", "The phone goes the H5 way, as who scans it."),
    ),
    Example(
        ("小一些，支付后返回", "Smaller, with a way back"),
        "{{ insurance_qr(\n"
        '  "QX000000127257", size=120,\n'
        '  return_to=url_for("shop.insured"),\n'
        '  aria_label="用手机为本次订单投保") }}',
        (
            "入口的选项和属性同样适用；aria-label 是读屏软件念出的名字。",
            "Options and attributes are those of entries; aria-label is what is read out.",
        ),
    ),
)

TOKENS = (
    Token("--xiebao-accent", "#0b7d73", ("按钮的颜色", "buttons")),
    Token("--xiebao-on-accent", "#ffffff", ("按钮上的文字", "text on buttons")),
    Token("--xiebao-hover", "10%", ("鼠标移上时盖的黑色", "black laid over it: pointer")),
    Token("--xiebao-active", "20%", ("按下时盖的黑色", "black laid over it: pressed")),
    Token("--xiebao-text", "inherit", ("卡片、线框、行内文字", "text of cards and outlines")),
    Token("--xiebao-muted", "90%", ("次要的文字", "less important text")),
    Token("--xiebao-surface", "6%", ("卡片的底色", "ground of a card")),
    Token("--xiebao-line", "35%", ("卡片的边框", "border of a card")),
    Token("--xiebao-price", "inherit", ("价格", "the price")),
    Token("--xiebao-badge", "#b42318", ("角标", "the badge")),
    Token("--xiebao-on-badge", "#ffffff", ("角标上的文字", "text on the badge")),
    Token("--xiebao-font", "inherit", ("字体", "font")),
    Token("--xiebao-font-size", "1em", ("字号", "font size")),
    Token("--xiebao-font-weight", "600", ("按钮和标题的粗细", "weight of buttons and titles")),
    Token("--xiebao-line-height", "1.5", ("行高", "line height")),
    Token("--xiebao-padding-block", "0.5em", ("按钮上下的空白", "above and below a label")),
    Token("--xiebao-padding-inline", "1.25em", ("按钮左右的空白", "beside a label")),
    Token("--xiebao-radius", "8px", ("按钮和图片的圆角", "corners of buttons and pictures")),
    Token("--xiebao-border-width", "1px", ("边框", "border")),
    Token("--xiebao-shadow", "none", ("按钮的阴影", "shadow of a button")),
    Token("--xiebao-card-padding", "14px 16px", ("卡片的空白", "padding of a card")),
    Token("--xiebao-card-radius", "12px", ("卡片的圆角", "corners of a card")),
    Token("--xiebao-card-shadow", "none", ("卡片的阴影", "shadow of a card")),
    Token("--xiebao-image-size", "64px", ("卡片图片的边长", "picture of a card")),
    Token("--xiebao-image-ratio", "16 / 9", ("图片在上时的宽高比", "shape of a picture on top")),
    Token("--xiebao-focus", "#1d7ddb", ("键盘焦点的圈", "ring of the focus")),
    Token("--xiebao-focus-gap", "#ffffff", ("圈里的空隙", "gap within the ring")),
    Token("--xiebao-focus-width", "3px", ("圈的宽度", "width of the ring")),
    Token("--xiebao-target", "44px", ("手指点的高度", "height for a finger")),
    Token("--xiebao-duration", "0.15s", ("过渡动画", "transitions")),
    Token("--xiebao-busy-opacity", "1", ("正在打开", "busy")),
    Token("--xiebao-disabled-opacity", "0.5", ("不能点击", "disabled")),
    Token("--xiebao-ground", "gray", ("扩展自己的页面", "the extension's own pages")),
)

#: What the page says besides, by locale; of its sections, by id.
WORDS = {
    "zh": {
        "index": 0,
        "title": "入口样式一览",
        "intro": "每个例子是效果和生成它的 Jinja。先引入宏和样式：",
        "looks": "样子",
        "variants": "变化",
        "states": "状态",
        "cards": "卡片",
        "entries": "入口",
        "options": "选项",
        "codes": "二维码",
        "mail": "邮件",
        "mail.note": (
            "样式写在标签里，Outlook 也能显示；二维码是 PNG。"
            "加上 member 和 max_age，不登录也能打开。"
        ),
        "theme": "换成自己的颜色",
        "tokens": "记号一览",
        "tokens.note": "CSS 自定义属性，写在 :root 或页面的任何一部分上。",
        "token": "记号",
        "default": "默认",
        "of": "用于",
        "light": "浅色",
        "dark": "深色",
        "copy": "复制",
        "copied": "已复制",
        "other": "English",
    },
    "en": {
        "index": 1,
        "title": "Looks of the entry",
        "intro": "Each example is what is seen, and the Jinja that makes it. First, the imports:",
        "looks": "Looks",
        "variants": "Variants",
        "states": "States",
        "cards": "Cards",
        "entries": "Entries",
        "options": "Options",
        "codes": "QR codes",
        "mail": "Mail",
        "mail.note": (
            "Styles are in the elements, Outlook draws it too, and the code is a PNG. With member"
            " and max_age it opens without a login."
        ),
        "theme": "Colors of your own",
        "tokens": "All tokens",
        "tokens.note": "Custom properties, on :root or on any part of a page.",
        "token": "Token",
        "default": "Default",
        "of": "Of",
        "light": "Light",
        "dark": "Dark",
        "copy": "Copy",
        "copied": "Copied",
        "other": "中文",
    },
}
