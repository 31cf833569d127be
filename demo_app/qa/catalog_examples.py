"""Only for QA and front-end developers: the catalog's examples and design tokens."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask_babel import lazy_gettext


class CatalogExample(NamedTuple):
    """An example of Jinja source, which the catalog shows beside its result.

    :param title: The title of the example.
    :param sources: The source for both languages, or the sources in Chinese and in English.
    :param note: A remark about the example, or "".
    """

    title: Any
    sources: str | tuple[str, str]
    note: Any = ""

    def get_jinja_source(self, language: str) -> str:
        """Return the Jinja source of the example in a language, ``zh`` or ``en``."""
        sources = (self.sources,) * 2 if isinstance(self.sources, str) else self.sources
        return sources[language == "en"]


class DesignToken(NamedTuple):
    """A design token, which is a CSS custom property of Flask-Xiebao's stylesheet.

    :param default: The default value, as CSS.
    :param use: The part of an entry or a page that the design token changes.
    """

    name: str
    default: str
    use: Any


class TokenControl(NamedTuple):
    """A form field with which a visitor changes a design token in all examples.

    :param type: The type of the ``<input>`` element.
    :param value: The default value of the design token, without its unit.
    :param limits: The lowest and the highest number of pixels, or None for a color.
    """

    name: str
    title: Any
    type: str
    value: str
    limits: tuple[int, int] | None = None


#: The example that the catalog shows beside the form fields for design tokens.
PREVIEW = CatalogExample(
    lazy_gettext("Try design tokens"),
    (
        '{{ insurance_entry("QX000000127257") }}\n'
        '{{ insurance_entry("QX000000127257", outline=True) }}\n'
        '{{ insurance_card("QX000000127257", "境内旅行意外险", text="航班延误、意外医疗",'
        ' price="¥3 起/天", old_price="¥5", badge="热卖", action="去投保",'
        ' image=url_for("static", filename="shield.svg")) }}',
        '{{ insurance_entry("QX000000127257", "Get insured") }}\n'
        '{{ insurance_entry("QX000000127257", "Get insured", outline=True) }}\n'
        '{{ insurance_card("QX000000127257", "Travel insurance", text="Delays, medical treatment",'
        ' price="¥3 a day", old_price="¥5", badge="Popular", action="Get insured",'
        ' image=url_for("static", filename="shield.svg")) }}',
    ),
)

LOOKS = (
    CatalogExample(
        lazy_gettext("Button"),
        '{{ insurance_entry("QX000000127257") }}',
        lazy_gettext("The default, without any option."),
    ),
    CatalogExample(
        lazy_gettext("Card"),
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
        lazy_gettext("It takes its colors from the text around it, so it is dark on a dark page."),
    ),
    CatalogExample(
        lazy_gettext("Inline text"),
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
    CatalogExample(
        lazy_gettext("Outlined and borderless"),
        '{{ insurance_entry("QX000000127257",\n'
        "     outline=True) }}\n"
        '{{ insurance_entry("QX000000127257",\n'
        "     borderless=True) }}",
    ),
    CatalogExample(
        lazy_gettext("Icon"),
        (
            '{% call insurance_entry("QX000000127257") %}\n'
            '<svg viewBox="0 0 24 24" fill="currentColor"\n'
            '     aria-hidden="true"><path d="M12 2 3 6v6\n'
            '  c0 5 4 9 9 10 5-1 9-5 9-10V6z"/></svg>\n'
            "买保险\n"
            "{% endcall %}",
            '{% call insurance_entry("QX000000127257") %}\n'
            '<svg viewBox="0 0 24 24" fill="currentColor"\n'
            '     aria-hidden="true"><path d="M12 2 3 6v6\n'
            '  c0 5 4 9 9 10 5-1 9-5 9-10V6z"/></svg>\n'
            "Get insured\n"
            "{% endcall %}",
        ),
        lazy_gettext("An icon without a size is as high as 1.25 em."),
    ),
    CatalogExample(
        lazy_gettext("Small and large"),
        '{{ insurance_entry("QX000000127257",\n'
        '     size="small") }}\n'
        '{{ insurance_entry("QX000000127257",\n'
        '     size="large") }}',
        lazy_gettext("On touch screens, a small button has a touch area of 44 pixels."),
    ),
    CatalogExample(
        lazy_gettext("Pill"),
        '{{ insurance_entry("QX000000127257",\n     pill=True) }}',
    ),
    CatalogExample(
        lazy_gettext("Block"),
        '{{ insurance_entry("QX000000127257",\n     block=True) }}',
    ),
    CatalogExample(
        lazy_gettext("Your own class"),
        '{{ insurance_entry("QX000000127257",\n     class="ms-4") }}',
        lazy_gettext(
            "A class positions the entry. It does not change its look, and neither do styles for"
            " links."
        ),
    ),
    CatalogExample(
        lazy_gettext("Your own look"),
        '{{ insurance_entry("QX000000127257",\n     look="own", class="leaf") }}',
        lazy_gettext(
            "The stylesheet leaves the entry alone. To do this on the whole site, set XIEBAO_LOOK."
        ),
    ),
)

STATES = (
    CatalogExample(
        lazy_gettext("Busy"),
        '{{ insurance_entry("QX000000127257",\n     aria_busy="true") }}',
        lazy_gettext(
            "With xiebao_script() this happens by itself after a click, and ends when the visitor"
            " returns."
        ),
    ),
    CatalogExample(
        lazy_gettext("Disabled"),
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
        lazy_gettext(
            "Without href. Give a reason, or True. If a checkbox enables the entry, use"
            " aria_disabled and a script."
        ),
    ),
    CatalogExample(
        lazy_gettext("Pointer and keyboard"),
        (
            '{{ insurance_entry("QX000000127257",\n     "悬停、按下、用 Tab 键") }}',
            '{{ insurance_entry("QX000000127257",\n     "Hover, press, tab to me") }}',
        ),
        lazy_gettext("The hover look does not stay after a touch."),
    ),
)

CARDS = (
    CatalogExample(
        lazy_gettext("All parts"),
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
    CatalogExample(
        lazy_gettext("Image on top"),
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
    CatalogExample(
        lazy_gettext("Simple"),
        (
            '{{ insurance_card("QX000000127257",\n     "退票险", text="退票费全赔") }}',
            '{{ insurance_card("QX000000127257",\n     "Ticket insurance",\n'
            '     text="Refund fees covered") }}',
        ),
        lazy_gettext("Without action, the card has an arrow."),
    ),
    CatalogExample(
        lazy_gettext("Grid with equal heights"),
        (
            '<div class="grid">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "旅行意外险", text="航班延误",\n'
            '       price="¥15", action="去投保") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "退票险", price="¥20",\n'
            '       action="去投保") }}\n'
            "</div>",
            '<div class="grid">\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Travel insurance", text="Delays",\n'
            '       price="¥15", action="Buy") }}\n'
            '  {{ insurance_card("QX000000127257",\n'
            '       "Ticket insurance", price="¥20",\n'
            '       action="Buy") }}\n'
            "</div>",
        ),
    ),
    CatalogExample(
        lazy_gettext("Carousel"),
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
    CatalogExample(
        lazy_gettext("Covers and prices"),
        (
            "{{ insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  covers=[("航班延误", "¥300"),\n'
            '          ("意外医疗", "¥200,000")],\n'
            '  price="¥3 起/天", old_price="¥5",\n'
            '  price_top=True, action="去投保") }}',
            "{{ insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  covers=[("Flight delay", "¥300"),\n'
            '          ("Medical care", "¥200,000")],\n'
            '  price="¥3 a day", old_price="¥5",\n'
            '  price_top=True, action="Buy") }}',
        ),
        lazy_gettext("In a price with one number, the number is larger than the rest."),
    ),
    CatalogExample(
        lazy_gettext("Terms and your own lines"),
        (
            "{% call insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  price="¥3 起/天", action="去投保",\n'
            '  terms_url="/widgets/") %}\n'
            "4.8 分 · 2,315 人已投保\n"
            "{% endcall %}",
            "{% call insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  price="¥3 a day", action="Buy",\n'
            '  terms_url="/widgets/") %}\n'
            "4.8 stars · 2,315 people insured\n"
            "{% endcall %}",
        ),
        lazy_gettext("The terms are a second link. The rest of the card leads to the product."),
    ),
    CatalogExample(
        lazy_gettext("Already insured"),
        (
            "{{ insurance_card(\n"
            '  "QX000000127257", "境内旅行意外险",\n'
            '  price="¥3 起/天", action="去投保",\n'
            '  insured="20190226020146",\n'
            "  member=member_id) }}",
            "{{ insurance_card(\n"
            '  "QX000000127257", "Travel insurance",\n'
            '  price="¥3 a day", action="Buy",\n'
            '  insured="20190226020146",\n'
            "  member=member_id) }}",
        ),
        lazy_gettext("With an application number, the card leads to the policy of the member."),
    ),
    CatalogExample(
        lazy_gettext("Your own markup"),
        (
            '{% call insurance_entry("QX000000127257",\n'
            '     look="card") %}\n'
            '<span class="xiebao-entry__main">\n'
            ' <span class="xiebao-entry__body">\n'
            '  <span class="xiebao-entry__heading">\n'
            '   <b class="xiebao-entry__title">签证险</b>\n'
            '   <span class="xiebao-entry__badge">新</span>\n'
            "  </span>\n"
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
            '  <span class="xiebao-entry__heading">\n'
            '   <b class="xiebao-entry__title">Visa insurance\n'
            "   </b>\n"
            '   <span class="xiebao-entry__badge">New</span>\n'
            "  </span>\n"
            '  <span class="xiebao-entry__text">\n'
            "    Fees back after a refusal</span>\n"
            " </span></span>\n"
            '<span class="xiebao-entry__foot">\n'
            '  <b class="xiebao-entry__price">¥15</b>\n'
            "</span>\n"
            "{% endcall %}",
        ),
        lazy_gettext("Write the parts in this order."),
    ),
)

ENTRIES = (
    CatalogExample(lazy_gettext("Product page"), '{{ insurance_entry("QX000000127257") }}'),
    CatalogExample(
        lazy_gettext("Insurance shop"),
        "{{ insurance_home_entry() }}",
        lazy_gettext("On a PC a click shows a QR code. On a phone it opens the page."),
    ),
    CatalogExample(
        lazy_gettext("View policy"),
        '{{ policy_entry("20190226020146",\n                 member=member_id) }}',
        lazy_gettext(
            "Without member, it is the member who is signed in. If nobody is signed in, nothing is"
            " rendered."
        ),
    ),
    CatalogExample(
        lazy_gettext("Your own link"),
        (
            '<a class="own" href="{{ xiebao_link(\n'
            "    'product', 'QX000000127257') }}\">自己的链接</a>",
            '<a class="own" href="{{ xiebao_link(\n'
            "    'product', 'QX000000127257') }}\">My own link</a>",
        ),
    ),
)

OPTIONS = (
    CatalogExample(
        lazy_gettext("Return after payment"),
        '{{ insurance_entry("QX000000127257",\n     return_to=url_for("shop.insured")) }}',
        lazy_gettext("A path of this site to return to after the payment."),
    ),
    CatalogExample(
        lazy_gettext("Time-limited link"),
        '{{ insurance_entry("QX000000127257",\n     member=member_id, no_login_for=3600) }}',
        lazy_gettext(
            "For one hour it works for this member without sign-in. Use it in emails and texts,"
            " and send it only to this member."
        ),
    ),
    CatalogExample(
        lazy_gettext("Partner sub-account"),
        '{{ insurance_entry("QX000000127257",\n     sub_partner_id="branch-7") }}',
    ),
    CatalogExample(
        lazy_gettext("Fixed platform"),
        '{{ insurance_entry("QX000000127257",\n     platform="h5") }}',
        lazy_gettext("The click does not detect the device."),
    ),
    CatalogExample(
        lazy_gettext("Full URL"),
        '{{ insurance_entry("QX000000127257",\n     external=True) }}',
        lazy_gettext("The link begins with http. Use it wherever the link leaves the site."),
    ),
    CatalogExample(
        lazy_gettext("Any attribute"),
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
        lazy_gettext(
            "Underscores become hyphens. True is an attribute without a value, None and False"
            " leave it out."
        ),
    ),
    CatalogExample(
        lazy_gettext("Vue and Alpine"),
        '{{ insurance_entry("QX000000127257",\n'
        '     **{"@click": "track()",\n'
        '        ":class": "look"}) }}',
        lazy_gettext("Classes that a script adds do not change the look."),
    ),
    CatalogExample(
        lazy_gettext("Other rel and target"),
        '{{ insurance_entry("QX000000127257",\n     target="_self", rel="nofollow") }}',
        lazy_gettext("You cannot replace href, because it is the signed link."),
    ),
    CatalogExample(
        lazy_gettext("Image"),
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
            "                filename='banner-en.svg') }}\"\n"
            '    width="300" height="90"\n'
            '    alt="Travel insurance ¥3 a day">\n'
            "{% endcall %}",
        ),
    ),
)

QR_CODES = (
    CatalogExample(
        lazy_gettext("QR code"),
        '{{ insurance_qr("QX000000127257") }}',
        lazy_gettext("The code opens the H5 page. The person who scans it signs in."),
    ),
    CatalogExample(
        lazy_gettext("Smaller, with return after payment"),
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
        lazy_gettext(
            "The options and attributes of entries work here, too. Screen readers read aria-label"
            " aloud."
        ),
    ),
)

MAIL = '{{ mail_entry("product", "QX000000127257", qr=160) }}'

TOKENS = (
    DesignToken("--xiebao-accent", "#0b7d73", lazy_gettext("Buttons")),
    DesignToken("--xiebao-on-accent", "#ffffff", lazy_gettext("Text on buttons")),
    DesignToken("--xiebao-text", "inherit", lazy_gettext("Cards, outlines and inline text")),
    DesignToken(
        "--xiebao-outline", "color-mix(…)", lazy_gettext("Outlined and borderless buttons")
    ),
    DesignToken("--xiebao-muted", "color-mix(…)", lazy_gettext("Less important text")),
    DesignToken("--xiebao-surface", "none", lazy_gettext("Background of cards")),
    DesignToken("--xiebao-line", "rgb(128 128 128 / 35%)", lazy_gettext("Border of cards")),
    DesignToken("--xiebao-price", "color-mix(…)", lazy_gettext("Price")),
    DesignToken("--xiebao-badge", "#b42318", lazy_gettext("Badge")),
    DesignToken("--xiebao-on-badge", "#ffffff", lazy_gettext("Text on the badge")),
    DesignToken("--xiebao-font", "inherit", lazy_gettext("Font")),
    DesignToken("--xiebao-font-size", "max(1em, 12px)", lazy_gettext("Font size")),
    DesignToken("--xiebao-font-weight", "600", lazy_gettext("Weight of buttons and titles")),
    DesignToken("--xiebao-padding", "0.5em min(1.25em, 6vw)", lazy_gettext("Padding of buttons")),
    DesignToken("--xiebao-radius", "8px", lazy_gettext("Corners of buttons and images")),
    DesignToken("--xiebao-shadow", "0 0 #0000", lazy_gettext("Shadow of buttons")),
    DesignToken("--xiebao-card-padding", "10px … 16px", lazy_gettext("Padding of cards")),
    DesignToken("--xiebao-card-radius", "12px", lazy_gettext("Corners of cards")),
    DesignToken("--xiebao-card-shadow", "none", lazy_gettext("Shadow of cards")),
    DesignToken("--xiebao-line-gap", "4px", lazy_gettext("Space between the lines of a card")),
    DesignToken("--xiebao-title-lines", "99", lazy_gettext("Maximum lines of a title")),
    DesignToken("--xiebao-image-size", "64px", lazy_gettext("Size of a card's image")),
    DesignToken("--xiebao-image-ratio", "16 / 9", lazy_gettext("Aspect ratio of an image on top")),
    DesignToken("--xiebao-qr-size", "attr(width px)", lazy_gettext("Size of a QR code")),
    DesignToken("--xiebao-focus", "#1d7ddb", lazy_gettext("Focus ring")),
    DesignToken("--xiebao-ground", "#f3f5f7", lazy_gettext("The extension's own pages")),
)

CONTROLS = (
    TokenControl("--xiebao-accent", lazy_gettext("Buttons"), "color", "#0b7d73"),
    TokenControl("--xiebao-on-accent", lazy_gettext("Text on buttons"), "color", "#ffffff"),
    TokenControl("--xiebao-price", lazy_gettext("Price"), "color", "#c63e0c"),
    TokenControl("--xiebao-badge", lazy_gettext("Badge"), "color", "#b42318"),
    TokenControl(
        "--xiebao-radius", lazy_gettext("Corners of buttons and images"), "range", "8", (0, 28)
    ),
    TokenControl("--xiebao-card-radius", lazy_gettext("Corners of cards"), "range", "12", (0, 28)),
    TokenControl(
        "--xiebao-line-gap",
        lazy_gettext("Space between the lines of a card"),
        "range",
        "4",
        (0, 12),
    ),
    TokenControl(
        "--xiebao-image-size", lazy_gettext("Size of a card's image"), "range", "64", (40, 120)
    ),
)
