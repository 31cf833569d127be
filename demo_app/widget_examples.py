"""What the catalog shows, and what it says of it in Chinese and English."""

from __future__ import annotations

from typing import NamedTuple

#: A text in Chinese and in English.
Texts = tuple[str, str]


class Example(NamedTuple):
    """One piece of a template; the page shows it beside what it renders.

    :param titles: what it shows.
    :param sources: the template, once for both languages or in each.
    :param notes: what there is to know of it.
    """

    titles: Texts
    sources: Texts | str
    notes: Texts = ("", "")

    def source_in(self, index: int) -> str:
        """Return the template in a language."""
        return self.sources if isinstance(self.sources, str) else self.sources[index]


class Token(NamedTuple):
    """A custom property of the stylesheet.

    :param default: what it is where a site says nothing, as CSS has it.
    :param of: what it is used for.
    """

    name: str
    default: str
    of: Texts


LOOKS = (
    Example(
        ("按钮", "Button"),
        '{{ insurance_entry("QX000000127257") }}',
        ("什么都不写就是按钮。", "What you get if you say nothing."),
    ),
    Example(
        ("卡片", "Card"),
        (
            "{{ insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  text="航班延误、意外医疗",\n'
            '  price="¥3 起/天", badge="热卖",\n'
            '  action="去投保") }}',
            "{{ insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  text="Delays, medical treatment",\n'
            '  price="¥3 a day", badge="Popular",\n'
            '  action="Get insured") }}',
        ),
        (
            "颜色取自周围的文字，页面是深色，它就是深色。",
            "It takes the color of the text around it.",
        ),
    ),
    Example(
        ("行内文字", "Inline text"),
        (
            "<p>出发之前，先{{ insurance_entry(\n"
            '  "QX000000127257", "买一份旅行险",\n'
            '  look="link") }}。</p>',
            "<p>Before you leave, {{ insurance_entry(\n"
            '  "QX000000127257", "get insured",\n'
            '  look="link") }}.</p>',
        ),
    ),
)

VARIANTS = (
    Example(
        ("线框", "Outline"),
        '{{ insurance_entry("QX000000127257",\n     outline=True) }}',
    ),
    Example(
        ("小、大", "Small and large"),
        '{{ insurance_entry("QX000000127257",\n'
        '     size="small") }}\n'
        '{{ insurance_entry("QX000000127257",\n'
        '     size="large") }}',
        ("触屏上高度不小于 44 像素。", "At least 44 pixels high on touch screens."),
    ),
    Example(
        ("胶囊", "Pill"),
        '{{ insurance_entry("QX000000127257",\n     pill=True) }}',
    ),
    Example(
        ("占满一行", "Block"),
        '{{ insurance_entry("QX000000127257",\n     block=True) }}',
    ),
    Example(
        ("自己的类名", "With a class of your own"),
        '{{ insurance_entry("QX000000127257",\n     class="ms-4") }}',
        (
            "类名管位置，不管外观：关于链接的样式也改变不了它。",
            "A class says where it stands. What it looks like, no rule about links changes.",
        ),
    ),
    Example(
        ("完全自己的外观", "A look of your own"),
        '{{ insurance_entry("QX000000127257",\n     look="own", class="leaf") }}',
        (
            "样式表不管它。整个网站都这样，就设置 XIEBAO_LOOK。",
            "The stylesheet leaves it alone. Set XIEBAO_LOOK where all of your site is like that.",
        ),
    ),
)

STATES = (
    Example(
        ("正在打开", "Busy"),
        '{{ insurance_entry("QX000000127257",\n     aria_busy="true") }}',
        (
            "有了 xiebao_script()，点击之后自动如此，返回时恢复。",
            "With xiebao_script() it is set after a click, and cleared on return.",
        ),
    ),
    Example(
        ("不能点击", "Disabled"),
        (
            '{{ insurance_entry("QX000000127257",\n     disabled="已售罄") }}\n'
            "{{ insurance_card(\n"
            '  "QX000000127257", "退票险", price="¥20",\n'
            '  action="去投保", disabled="已售罄") }}',
            '{{ insurance_entry("QX000000127257",\n     disabled="Sold out") }}\n'
            "{{ insurance_card(\n"
            '  "QX000000127257", "Ticket insurance",\n'
            '  price="¥20", action="Get insured",\n'
            '  disabled="Sold out") }}',
        ),
        (
            "没有 href；写原因，或 True。勾选条款之后才能点的，用 aria_disabled 和脚本。",
            "No href; give a reason, or True. For one that a script enables: aria_disabled.",
        ),
    ),
    Example(
        ("鼠标、键盘", "Pointer and keyboard"),
        (
            '{{ insurance_entry("QX000000127257",\n     "悬停、按下、用 Tab 键") }}',
            '{{ insurance_entry("QX000000127257",\n     "Hover, press, tab to me") }}',
        ),
        ("触摸之后不留下悬停的样子。", "A touch leaves no hover behind."),
    ),
)

CARDS = (
    Example(
        ("全部内容", "All its parts"),
        (
            "{{ insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  text="航班延误、意外医疗、行李丢失",\n'
            '  price="¥3 起/天", badge="热卖",\n'
            '  action="去投保", insurer="示例财险",\n'
            "  image=url_for('static',\n"
            "                filename='shield.svg')) }}",
            "{{ insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  text="Delays, illness, lost luggage",\n'
            '  price="¥3 a day", badge="Popular",\n'
            '  action="Get insured",\n'
            '  insurer="Example Insurance",\n'
            "  image=url_for('static',\n"
            "                filename='shield.svg')) }}",
        ),
    ),
    Example(
        ("图片在上", "Picture on top"),
        (
            "{{ insurance_card(\n"
            '  "QX000000127257", "三亚旅行险",\n'
            '  price="¥45", action="去投保",\n'
            "  stacked=True,\n"
            "  image=url_for('static',\n"
            "                filename='sanya.svg')) }}",
            "{{ insurance_card(\n"
            '  "QX000000127257", "Sanya insurance",\n'
            '  price="¥45", action="Get insured",\n'
            "  stacked=True,\n"
            "  image=url_for('static',\n"
            "                filename='sanya.svg')) }}",
        ),
    ),
    Example(
        ("简洁", "Quiet"),
        (
            '{{ insurance_card("QX000000127257",\n     "退票险", text="退票费全赔") }}',
            '{{ insurance_card("QX000000127257",\n     "Ticket insurance",\n'
            '     text="Refund fees covered") }}',
        ),
        ("不写 action 就有一个箭头。", "Without an action it has a chevron."),
    ),
    Example(
        ("网格，高度一致", "A grid of equal height"),
        (
            '<div class="grid">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "旅行意外险", text="航班延误",\n'
            '       price="¥3 起/天", action="去投保") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "退票险", price="¥20",\n'
            '       action="去投保") }}\n'
            "</div>",
            '<div class="grid">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Travel insurance", text="Delays",\n'
            '       price="¥3 a day", action="Buy") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Ticket insurance", price="¥20",\n'
            '       action="Buy") }}\n'
            "</div>",
        ),
    ),
    Example(
        ("横向滑动", "A carousel"),
        (
            '<div class="carousel" tabindex="0"\n'
            '     role="group" aria-label="更多保险">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "旅行险", price="¥3 起/天") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "退票险", price="¥20") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "航班延误险", price="¥30") }}\n'
            "</div>",
            '<div class="carousel" tabindex="0"\n'
            '     role="group" aria-label="More">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Travel insurance", price="¥45") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Ticket insurance", price="¥20") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Delay insurance", price="¥30") }}\n'
            "</div>",
        ),
    ),
    Example(
        ("价格的组成、投保须知", "Parts of a price, and the terms"),
        (
            "{% set price %}<small>¥</small>3\n"
            "<small>起/天</small> <s>¥5</s>{% endset %}\n"
            "{{ insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  price=price, action="去投保",\n'
            '  terms_url="/widgets/") }}',
            "{% set price %}<small>from ¥</small>3\n"
            "<small>a day</small> <s>¥5</s>{% endset %}\n"
            "{{ insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  price=price, action="Get insured",\n'
            '  terms_url="/widgets/?lang=en") }}',
        ),
        (
            "投保须知是第二个链接，其余部分通往产品。",
            "The terms are a second link; the rest is the product's.",
        ),
    ),
    Example(
        ("自定义内容", "Markup of your own"),
        (
            '{% call insurance_entry("QX000000127257",\n'
            '     look="card") %}\n'
            '<span class="xiebao-entry__main">\n'
            ' <span class="xiebao-entry__body">\n'
            '  <b class="xiebao-entry__title">签证险\n'
            '   <span class="xiebao-entry__badge">新</span>\n'
            "  </b>\n"
            '  <span class="xiebao-entry__text">\n'
            "    拒签退还签证费</span>\n"
            " </span></span>\n"
            '<span class="xiebao-entry__foot">\n'
            '  <b class="xiebao-entry__price">¥15</b>\n'
            "</span>\n"
            "{% endcall %}",
            '{% call insurance_entry("QX000000127257",\n'
            '     look="card") %}\n'
            '<span class="xiebao-entry__main">\n'
            ' <span class="xiebao-entry__body">\n'
            '  <b class="xiebao-entry__title">Visa insurance\n'
            '   <span class="xiebao-entry__badge">New</span>\n'
            "  </b>\n"
            '  <span class="xiebao-entry__text">\n'
            "    Fees back after a refusal</span>\n"
            " </span></span>\n"
            '<span class="xiebao-entry__foot">\n'
            '  <b class="xiebao-entry__price">¥15</b>\n'
            "</span>\n"
            "{% endcall %}",
        ),
        ("各部分按这个顺序写。", "Write the parts in this order."),
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
        '{{ policy_entry("20190226020146",\n                 member=member_id) }}',
        (
            "不写 member 就是当前登录的会员；没有人登录时不输出任何内容。",
            "Without member it is whoever is logged in, and nothing if nobody is.",
        ),
    ),
    Example(
        ("自定义链接", "A link of your own"),
        (
            '<a class="own" href="{{ xiebao_link(\n'
            "    'product', 'QX000000127257') }}\">自己的链接</a>",
            '<a class="own" href="{{ xiebao_link(\n'
            "    'product', 'QX000000127257') }}\">My own link</a>",
        ),
    ),
)

OPTIONS = (
    Example(
        ("支付后返回", "Back after payment"),
        '{{ insurance_entry("QX000000127257",\n     return_to=url_for("shop.insured")) }}',
        ("本站路径，支付成功后回到这里。", "A path of this site, to come back to."),
    ),
    Example(
        ("限时链接", "For a limited time"),
        '{{ insurance_entry("QX000000127257",\n     member=member_id, no_login_for=3600) }}',
        (
            "一小时内不登录也代表这位会员，用于邮件和短信，只能发给本人。",
            "For an hour it stands for this member without a login: for mails to them alone.",
        ),
    ),
    Example(
        ("渠道子账号", "Sub-account"),
        '{{ insurance_entry("QX000000127257",\n     sub_partner_id="branch-7") }}',
    ),
    Example(
        ("指定平台", "A platform"),
        '{{ insurance_entry("QX000000127257",\n     platform="h5") }}',
        ("点击时不再判断设备。", "The device is not detected at the click."),
    ),
    Example(
        ("完整网址", "A full URL"),
        '{{ insurance_entry("QX000000127257",\n     external=True) }}',
        ("链接以 http 开头，用于会离开本站的地方。", "For links that leave the site."),
    ),
    Example(
        ("任意属性", "Any attribute"),
        (
            '{{ insurance_entry("QX000000127257",\n'
            '     id="buy", data_track="footer",\n'
            '     aria_describedby="terms",\n'
            "     download=False) }}\n"
            '<small id="terms">投保前请阅读条款</small>',
            '{{ insurance_entry("QX000000127257",\n'
            '     id="buy", data_track="footer",\n'
            '     aria_describedby="terms",\n'
            "     download=False) }}\n"
            '<small id="terms">Read the terms first</small>',
        ),
        (
            "下划线变成连字符；True 是不带值的属性，None 和 False 表示不要。",
            "Underscores become hyphens; True has no value, None and False leave it out.",
        ),
    ),
    Example(
        ("Vue、Alpine", "Vue and Alpine"),
        '{{ insurance_entry("QX000000127257",\n'
        '     **{"@click": "track()",\n'
        '        ":class": "look"}) }}',
        ("脚本加上的类名不影响外观。", "A class that a script adds leaves the look as it is."),
    ),
    Example(
        ("替换 rel 和 target", "Another rel and target"),
        '{{ insurance_entry("QX000000127257",\n     target="_self", rel="nofollow") }}',
        ("href 不能替换：它是签名的链接。", "href cannot be given: it is the signed link."),
    ),
    Example(
        ("图片", "A picture"),
        (
            '{% call insurance_entry("QX000000127257",\n'
            '     look="own", class="banner") %}\n'
            "  <img src=\"{{ url_for('static',\n"
            "                filename='banner.svg') }}\"\n"
            '    width="300" height="90"\n'
            '    alt="旅行意外险，每天 3 元起">\n'
            "{% endcall %}",
            '{% call insurance_entry("QX000000127257",\n'
            '     look="own", class="banner") %}\n'
            "  <img src=\"{{ url_for('static',\n"
            "                filename='banner.svg') }}\"\n"
            '    width="300" height="90"\n'
            '    alt="Travel insurance ¥3 a day">\n'
            "{% endcall %}",
        ),
    ),
)

QR_CODES = (
    Example(
        ("二维码", "QR code"),
        '{{ insurance_qr("QX000000127257") }}',
        (
            "扫码打开 H5 页面，由扫码的人自己登录。",
            "It opens the H5 page; whoever scans it signs in.",
        ),
    ),
    Example(
        ("小一些，支付后返回", "Smaller, with a way back"),
        (
            "{{ insurance_qr(\n"
            '  "QX000000127257", size=120,\n'
            '  return_to=url_for("shop.insured"),\n'
            '  aria_label="用手机为本次订单投保") }}',
            "{{ insurance_qr(\n"
            '  "QX000000127257", size=120,\n'
            '  return_to=url_for("shop.insured"),\n'
            '  aria_label="Insure this order") }}',
        ),
        (
            "入口的选项和属性同样适用；aria-label 是读屏软件念出的名字。",
            "Options and attributes are those of entries; aria-label is what is read out.",
        ),
    ),
)

MAIL = '{{ mail_entry("product", "QX000000127257", qr=160) }}'

TOKENS = (
    Token("--xiebao-accent", "#0b7d73", ("按钮", "buttons")),
    Token("--xiebao-on-accent", "#ffffff", ("按钮上的文字", "text on buttons")),
    Token("--xiebao-text", "inherit", ("卡片、线框、行内文字", "text of cards and outlines")),
    Token(
        "--xiebao-outline", "color-mix(…)", ("线框和无框按钮", "outlined and borderless buttons")
    ),
    Token("--xiebao-muted", "inherit", ("次要的文字", "less important text")),
    Token("--xiebao-surface", "none", ("卡片的底色", "background of a card")),
    Token("--xiebao-line", "rgb(128 128 128 / 35%)", ("卡片的边框", "border of a card")),
    Token("--xiebao-price", "color-mix(…)", ("价格", "the price")),
    Token("--xiebao-badge", "#b42318", ("角标", "the badge")),
    Token("--xiebao-on-badge", "#ffffff", ("角标上的文字", "text on the badge")),
    Token("--xiebao-font", "inherit", ("字体", "font")),
    Token("--xiebao-font-size", "max(1em, 12px)", ("字号", "font size")),
    Token("--xiebao-font-weight", "600", ("按钮和标题的粗细", "weight of buttons and titles")),
    Token("--xiebao-padding", "0.5em 1.25em", ("按钮的空白", "padding of a button")),
    Token("--xiebao-radius", "8px", ("按钮和图片的圆角", "corners of buttons and pictures")),
    Token("--xiebao-shadow", "0 0 #0000", ("按钮的阴影", "shadow of a button")),
    Token("--xiebao-card-padding", "10px … 16px", ("卡片的空白", "padding of a card")),
    Token("--xiebao-card-radius", "12px", ("卡片的圆角", "corners of a card")),
    Token("--xiebao-card-shadow", "none", ("卡片的阴影", "shadow of a card")),
    Token("--xiebao-line-gap", "4px", ("卡片各行的间距", "space between the lines of a card")),
    Token("--xiebao-title-lines", "99", ("标题最多几行", "maximum lines of a card's title")),
    Token("--xiebao-image-size", "64px", ("卡片图片的边长", "picture of a card")),
    Token("--xiebao-image-ratio", "16 / 9", ("图片在上时的宽高比", "shape of a picture on top")),
    Token("--xiebao-qr-size", "attr(width px)", ("二维码的边长", "width of a QR code")),
    Token("--xiebao-focus", "#1d7ddb", ("键盘焦点的圈", "focus ring")),
    Token("--xiebao-ground", "#f3f5f7", ("扩展自己的页面", "the extension's own pages")),
)

#: What the page says besides, by locale; of its sections, by id.
WORDS = {
    "zh": {
        "index": 0,
        "title": "组件示例",
        "site": "轻游旅行",
        "intro": "每个例子是效果和生成它的 Jinja。先引入宏和样式：",
        "off": "XIEBAO_ENABLED 已关闭，所以例子都是空的。",
        "looks": "外观",
        "variants": "变体",
        "states": "状态",
        "cards": "卡片",
        "entries": "入口",
        "options": "选项",
        "codes": "二维码",
        "mail": "邮件",
        "mail.subject": "三亚行程提醒",
        "mail.hello": "林晓，您好！您预订的三亚 5 日自由行即将出发。",
        "mail.bye": "祝您旅途愉快。轻游旅行",
        "mail.note": (
            "样式写在标签里，Outlook 也能显示；二维码是 PNG。"
            "加上 member 和 no_login_for，不登录也能打开。"
        ),
        "theme": "换成自己的颜色",
        "tokens": "设计变量",
        "tokens.note": "CSS 自定义属性，写在 :root 或页面的任何一部分上。",
        "token": "变量",
        "default": "默认",
        "of": "用于",
        "copy": "复制",
        "copied": "已复制",
        "top": "回到顶部",
        "other": "English",
    },
    "en": {
        "index": 1,
        "title": "Entries and cards",
        "site": "Qingyou Travel",
        "intro": "Each example is what is seen, and the Jinja that makes it. First, the imports:",
        "off": "XIEBAO_ENABLED is off, so the examples are empty.",
        "looks": "Looks",
        "variants": "Variants",
        "states": "States",
        "cards": "Cards",
        "entries": "Entries",
        "options": "Options",
        "codes": "QR codes",
        "mail": "Mail",
        "mail.subject": "Your days in Sanya",
        "mail.hello": "Hello Xiao, your five days in Sanya begin soon.",
        "mail.bye": "Have a good journey! Qingyou Travel",
        "mail.note": (
            "Styles are in the elements, Outlook draws it too, and the code is a PNG. With member"
            " and no_login_for it opens without a login."
        ),
        "theme": "Colors of your own",
        "tokens": "Tokens",
        "tokens.note": "Custom properties, on :root or on any part of a page.",
        "token": "Token",
        "default": "Default",
        "of": "Used for",
        "copy": "Copy",
        "copied": "Copied",
        "top": "Back to the top",
        "other": "中文",
    },
}
