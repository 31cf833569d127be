"""Test pages with entries and the styles of a site, for example Bootstrap or a CSS reset.

To test entries with other styles, add a row to ``SITE_STYLES``. To test another entry on each of
these pages, add a row to ``ENTRIES``. Pages with Tailwind use the CSS classes in
tailwind/classes.html.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flask import Flask, render_template, send_from_directory
from playwright.sync_api import Locator, Page

from flask_xiebao import Xiebao
from tests.browser.support import add_favicon
from tests.requirements import find_npm_packages, find_program
from tests.support import CONFIG, MACROS, serve_app


class SiteStyles(NamedTuple):
    """The styles of a site, and the markup of its page around the entries.

    :param stylesheets: the paths of the stylesheets. Those below ``modules/`` are in npm packages,
        and those below ``built/`` are built by Tailwind.
    :param html_attributes: the attributes of the ``<html>`` element.
    :param head: more markup for the ``<head>`` element.
    :param body_attributes: the attributes of the ``<body>`` element.
    :param wrapper: the markup around the entries, with ``%s`` at the place of the entries.
    :param layer: the ``layer`` argument of ``xiebao_styles()``.
    :param entry_styles_last: True if the entries' stylesheet follows those of the site.
    :param dark: when the page is dark: "never", "always", or "system" for devices in dark mode.
    :param text_scale: the size of the text in relation to the browser's default.
    :param fetched_by: the markup that fetches the entries from ``/fragment/<name>``. By default,
        the entries are in the page.
    """

    stylesheets: tuple[str, ...] = ()
    html_attributes: str = ""
    head: str = ""
    body_attributes: str = ""
    wrapper: str = "%s"
    layer: str | None = None
    entry_styles_last: bool = False
    dark: str = "never"
    text_scale: int = 1
    fetched_by: str = ""


_BOOTSTRAP = ("modules/bootstrap/dist/css/bootstrap.min.css",)
# Vant's stylesheet for icons is left out, because it loads the icons from another server.
_VANT = (
    *("modules/vant/lib/style/css-variables.css", "modules/vant/lib/style/base.css"),
    *("modules/vant/lib/button/index.css", "static/vant.css"),
)
_TAILWIND_3 = ("built/tailwind-3.css",)
_TAILWIND_4 = ("built/tailwind-4.css",)
_TAILWIND_BODY = 'class="bg-white text-slate-900 dark:bg-slate-900 dark:text-slate-100"'
_DARK_BY_MEDIA_QUERY = ("static/dark-by-media-query.css",)

#: One row per page: its name, which is also its heading and a part of its URL, and its styles.
SITE_STYLES: Mapping[str, SiteStyles] = {
    "no styles": SiteStyles(),
    "Bootstrap": SiteStyles(_BOOTSTRAP),
    "Bootstrap, dark": SiteStyles(
        _BOOTSTRAP, html_attributes='data-bs-theme="dark"', entry_styles_last=True, dark="always"
    ),
    "Bootstrap, dark section": SiteStyles(
        _BOOTSTRAP,
        wrapper='<div class="bg-body text-body p-2" data-bs-theme="dark">%s</div>',
        dark="always",
    ),
    "Tailwind 3": SiteStyles(_TAILWIND_3, body_attributes=_TAILWIND_BODY),
    "Tailwind 3, dark": SiteStyles(
        _TAILWIND_3,
        html_attributes='class="dark"',
        body_attributes=_TAILWIND_BODY,
        entry_styles_last=True,
        dark="always",
    ),
    "Tailwind 3, prose": SiteStyles(
        _TAILWIND_3, wrapper='<article class="prose">%s</article>', entry_styles_last=True
    ),
    "Tailwind 4": SiteStyles(
        _TAILWIND_4, body_attributes=_TAILWIND_BODY, layer="components", entry_styles_last=True
    ),
    "Tailwind 4, dark": SiteStyles(
        _TAILWIND_4,
        html_attributes='class="dark"',
        body_attributes=_TAILWIND_BODY,
        layer="components",
        entry_styles_last=True,
        dark="always",
    ),
    "Tailwind 4, prose": SiteStyles(
        _TAILWIND_4,
        layer="components",
        entry_styles_last=True,
        wrapper='<article class="prose">%s</article>',
    ),
    "Tailwind 4 with rules for links": SiteStyles(
        (*_TAILWIND_4, "static/rules-for-links.css"),
        layer="components",
        entry_styles_last=True,
        wrapper='<div class="article">%s</div>',
    ),
    "Tailwind 4, entry styles without layer": SiteStyles(
        _TAILWIND_4, body_attributes=_TAILWIND_BODY
    ),
    "Vant": SiteStyles(_VANT),
    "Vant, dark": SiteStyles(_VANT, html_attributes='class="van-theme-dark"', dark="always"),
    "rules for links": SiteStyles(
        ("static/rules-for-links.css",),
        wrapper='<div class="article">%s</div>',
        entry_styles_last=True,
    ),
    "rules with id selectors": SiteStyles(
        ("static/rules-with-id.css",), wrapper='<div id="order"><div class="detail">%s</div></div>'
    ),
    "brand tokens": SiteStyles(("static/brand-tokens.css",)),
    "position static": SiteStyles(
        ("static/position-static.css",), wrapper='<div class="page">%s</div>'
    ),
    "CSS reset": SiteStyles(("static/css-reset.css",)),
    "Pico": SiteStyles(
        ("modules/@picocss/pico/css/pico.min.css",), entry_styles_last=True, dark="system"
    ),
    "Bulma": SiteStyles(
        ("modules/bulma/css/bulma.min.css", "static/no-transitions.css"),
        wrapper='<div class="content">%s</div>',
        dark="system",
    ),
    "right to left": SiteStyles(html_attributes='dir="rtl"'),
    "dark by media query": SiteStyles(_DARK_BY_MEDIA_QUERY, dark="system"),
    "dark by color-scheme": SiteStyles(
        ("static/color-scheme.css", "static/canvas-colors.css"), dark="system"
    ),
    "dark by color-scheme meta tag": SiteStyles(
        ("static/canvas-colors.css",),
        head='<meta name="color-scheme" content="dark">',
        entry_styles_last=True,
        dark="always",
    ),
    "light with color-scheme light dark": SiteStyles(("static/light-only.css",)),
    "dark by data-xiebao-theme": SiteStyles(
        ("static/dark-content.css",), html_attributes='data-xiebao-theme="dark"', dark="always"
    ),
    "doubled text size": SiteStyles(("static/doubled-text-size.css",), text_scale=2),
    **{
        f"HTMX {version}": SiteStyles(
            _DARK_BY_MEDIA_QUERY,
            head=(
                '<meta name="htmx-config" content=\'{"includeIndicatorStyles": false}\'>'
                f'<script src="/modules/{package}/dist/htmx.min.js" defer></script>'
            ),
            fetched_by=f'<div hx-get="/fragment/HTMX {version}" hx-trigger="load"></div>',
            dark="system",
        )
        for version, package in (("2", "htmx.org"), ("4", "htmx-4"))
    },
    "Turbo": SiteStyles(
        _DARK_BY_MEDIA_QUERY,
        head=(
            '<meta name="csp-nonce" content="turbo">'
            '<script src="/modules/@hotwired/turbo/dist/turbo.es2017-esm.js" type="module">'
            "</script>"
        ),
        wrapper='<turbo-frame id="entries">%s</turbo-frame>',
        fetched_by='<turbo-frame id="entries" src="/fragment/Turbo"></turbo-frame>',
        dark="system",
    ),
}

# The Jinja source of the card in tables, in carousels and beside other content.
_CARD_IN_ROW = (
    '{{ insurance_card("QX1", texts.title, text=texts.text, price=texts.price,'
    ' image="/static/picture.svg", action=texts.action) }}'
)
_ICON = (
    '<svg viewBox="0 0 24 24" fill="currentColor"{}>'
    '<path d="M12 2 3 6v6c0 5 4 9 9 10 5-1 9-5 9-10V6z"/></svg>'
)
_LONG_LABEL = "texts.title ~ texts.title"
#: One row per entry: the id of the HTML element around the entry, and the entry's Jinja source. The
#: Jinja variable ``texts`` has the texts of a locale in ``TEXTS``.
ENTRIES = {
    "button": '{{ insurance_entry("QX1") }}',
    "outline": '{{ insurance_entry("QX1", outline=True) }}',
    "small": '{{ insurance_entry("QX1", size="small", pill=True) }}',
    "large": '{{ insurance_entry("QX1", size="large") }}',
    "block": '{{ insurance_entry("QX1", block=True) }}',
    "row": (
        '<span class="beside"><span>{{ texts.text }}，{{ texts.text }}</span>'
        '{{ insurance_entry("QX1") }}</span>'
    ),
    "icon": (
        '{% call insurance_entry("QX1") %}'
        f"{_ICON.format('')} {{{{ texts.action }}}}{{% endcall %}}"
    ),
    "sized-icon": (
        '{% call insurance_entry("QX1", outline=True, block=True) %}'
        f"{_ICON.format(' width=32 height=32')} {{{{ texts.action }}}}{{% endcall %}}"
    ),
    "borderless": '{{ insurance_entry("QX1", borderless=True) }}',
    "small-outline": '{{ insurance_entry("QX1", size="small", outline=True) }}',
    "bold": '{% call insurance_entry("QX1") %}买<b>一份</b>险{% endcall %}',
    "large-in-table": (
        f'<table><tr><td>{{{{ insurance_entry("QX1", {_LONG_LABEL}, size="large") }}}}</table>'
    ),
    "large-in-inline-block": (
        f'<span class="shrunk">{{{{ insurance_entry("QX1", {_LONG_LABEL}, size="large") }}}}</span>'
    ),
    "link": '{{ texts.before }}{{ insurance_entry("QX1", look="link") }}',
    "card": (
        "{{ insurance_card('QX1', texts.title, text=texts.text, price=texts.price,"
        " badge=texts.badge, image='/static/picture.svg', action=texts.action,"
        " insurer=texts.insurer) }}"
    ),
    "stacked": (
        "{{ insurance_card('QX1', texts.title, price=texts.price, badge=texts.badge,"
        " image='/static/picture.svg', action=texts.action, stacked=True) }}"
    ),
    "two-stacked": (
        '<div class="grid">'
        + 2
        * (
            '{{ insurance_card("QX1", texts.title, price=texts.price, badge=texts.badge,'
            ' image="/static/picture.svg", action=texts.action, stacked=True) }}'
        )
        + "</div>"
    ),
    "shrunk": (
        '<span class="shrunk">{{ insurance_card("QX1", texts.title, price=texts.price,'
        ' image="/static/picture.svg", action=texts.action + texts.action) }}</span>'
    ),
    "narrow": '<p class="narrow">{{ insurance_entry("QX1", texts.title) }}</p>',
    "priced": "{{ insurance_card('QX1', texts.title, price=texts.price) }}",
    "quiet": "{{ insurance_card('QX1', texts.title, text=texts.text) }}",
    "label": "{{ insurance_home_entry(look='card') }}",
    "two": f'<div class="grid">{2 * _CARD_IN_ROW}</div>',
    "flex": f'<div class="flex">{2 * _CARD_IN_ROW}</div>',
    "thumbnail": f'<div class="flex"><img src="/static/picture.svg" alt="">{_CARD_IN_ROW}</div>',
    "table": f"<table><tr><td>1.<td>{_CARD_IN_ROW}</table>",
    "carousel": f'<div class="carousel" tabindex="-1">{2 * _CARD_IN_ROW}</div>',
    "terms": (
        '{{ insurance_card("QX1", texts.title, text=texts.text, insurer=texts.insurer,'
        ' price="<small>¥</small>3 <s>¥5</s>"|safe, action=texts.action, terms_url="/terms") }}'
    ),
    "covers": (
        '{{ insurance_card("QX1", texts.title, covers=texts.covers,'
        ' price=texts.price, old_price="¥5", price_top=True, badge=texts.badge,'
        " action=texts.action) }}"
    ),
    "discount": (
        '{% call insurance_card("QX1", texts.title, price=texts.price, old_price="¥5",'
        ' image="/static/picture.svg") %}<i>4.8 / 5</i>{% endcall %}'
    ),
    "bare-terms": '{{ insurance_card("QX1", texts.title, action=texts.action, terms_url="/t") }}',
    "sold": (
        '{{ insurance_card("QX1", texts.title, price=texts.price, terms_url="/terms",'
        " disabled=texts.sold) }}"
    ),
    "own": (
        '{% call insurance_entry("QX1", look="card") %}'
        '<span class="xiebao-entry__main">'
        '<img class="xiebao-entry__image" src="/static/picture.svg" alt="">'
        '<span class="xiebao-entry__body"><b class="xiebao-entry__title">{{ texts.title }}'
        '<span class="xiebao-entry__badge">{{ texts.badge }}</span></b>'
        '<span class="xiebao-entry__text">{{ texts.text }}</span></span></span>'
        '<span class="xiebao-entry__foot">'
        '<span class="xiebao-entry__price">{{ texts.price }}</span>'
        '<span class="xiebao-entry__action">{{ texts.action }}</span></span>'
        "{% endcall %}"
    ),
}
#: One row per screenshot in the manual: its key in ``PARTS``, and the keys of its entries in
#: ``ENTRIES``.
SCREENSHOT_ENTRIES = {
    "looks": (
        *("button", "outline", "borderless", "icon", "small-outline", "large", "block", "link"),
        *("card", "covers", "quiet"),
    ),
    "framework": ("button", "outline", "card"),
}
#: One row per CSS property: its name, and the Tailwind classes that set the property for an entry.
UTILITY_CLASSES = {
    "margin": "mt-4",
    "position": "absolute",
    "color": "bg-orange-200 text-black",
    "padding": "px-8",
    "radius": "rounded-none",
    "border": "border-4",
}
#: One row per kind of page: the last part of its URL, and the Jinja source of its content.
PARTS = {
    "entries": "".join(f'<div id="{id}">{source}</div>' for id, source in ENTRIES.items())
    + '<div id="qr">{{ insurance_qr("QX1") }}</div>',
    **{
        part: f'<div class="{part}">{"".join(f"<div>{ENTRIES[id]}</div>" for id in ids)}</div>'
        for part, ids in SCREENSHOT_ENTRIES.items()
    },
    # Beside each entry is an element with the same Tailwind classes, so tests can compare both.
    "utilities": "".join(
        f'<p id="{name}">{{{{ insurance_entry("QX1", class="{classes}") }}}}'
        f' <span class="inline-block {classes}">x</span></p>'
        for name, classes in UTILITY_CLASSES.items()
    ),
    "alpine": (
        '<script src="/static/alpine.js" defer></script>'
        '<script src="/modules/@alpinejs/csp/dist/cdn.min.js" defer></script>'
        '<p x-data="page" id="alpine">'
        '{{ insurance_entry("QX1", **{":class": "look"}) }}</p>'
    ),
    "vue": (
        '<div id="app"><p id="vue">{{ insurance_entry("QX1", **{":class": "look"}) }}</p></div>'
        '<script src="/modules/vue/dist/vue.global.prod.js" defer></script>'
        '<script src="/static/vue.js" defer></script>'
    ),
}
#: One row per locale: the locale, and the texts in the entries.
TEXTS = {
    "zh": {
        "before": "出发之前，先",
        "title": "境内旅行意外险",
        "text": "航班延误、意外医疗、行李丢失，一份都管",
        "price": "¥3 起/天",
        "badge": "热卖",
        "action": "去投保",
        "sold": "已售罄",
        "covers": [("航班延误", "¥300"), ("意外医疗", "¥200,000"), "24 小时救援"],
        "insurer": "某某财产保险股份有限公司",
    },
    "en": {
        "before": "Before you leave: ",
        "title": "Domestic travel accident insurance",
        "text": "Delayed flights, medical treatment and lost luggage, all in one",
        "price": "From ¥3 a day",
        "badge": "Bestseller",
        "action": "Get insured",
        "sold": "Sold out",
        "covers": [("Delayed flight", "¥300"), ("Medical treatment", "¥200,000"), "Rescue"],
        "insurer": "Example Property & Casualty",
    },
}


@contextlib.contextmanager
def serve_styled_pages(folder: Path) -> Iterator[dict[str, str]]:
    """Serve two test sites, Chinese and English, with a page for each row of ``SITE_STYLES``.

    The context manager yields the URLs of the sites, by locale.

    :param folder: the folder for the built stylesheets.
    """
    build_tailwind_stylesheets(folder)
    with contextlib.ExitStack() as stack:
        yield {
            locale: stack.enter_context(serve_app(_create_styled_site(locale, folder)))
            for locale in TEXTS
        }


def _create_styled_site(locale: str, folder: Path) -> Flask:
    app = Flask(__name__)
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_STRICT=True, XIEBAO_LOCALE=locale)
    # In debug mode, xiebao_script() warns about low contrasts. A warning fails the test.
    app.debug = True
    Xiebao(app).member_loader(lambda: None)
    add_favicon(app)
    # Compile each template once, because render_template_string() would compile it per request.
    parts = {name: app.jinja_env.from_string(MACROS + source) for name, source in PARTS.items()}

    def render_entries(name: str, part: str) -> str:
        return SITE_STYLES[name].wrapper % render_template(parts[part], texts=TEXTS[locale])

    @app.get("/page/<name>")
    @app.get("/page/<name>/<part>")
    def show_entries(name: str, part: str = "entries") -> str:
        site = SITE_STYLES[name]
        content = site.fetched_by or render_entries(name, part)
        lang = "zh-CN" if locale == "zh" else locale
        return render_template(
            "site.html", name=name, part=part, site=site, content=content, lang=lang
        )

    app.add_url_rule("/fragment/<name>", "fragment", partial(render_entries, part="entries"))
    for name, source in (("modules", find_npm_packages()), ("built", folder)):
        app.add_url_rule(f"/{name}/<path:path>", name, partial(send_from_directory, source))

    return app


def build_tailwind_stylesheets(folder: Path) -> None:
    """Build ``tailwind-3.css`` and ``tailwind-4.css`` as Tailwind's documentation describes."""
    sources = Path(__file__).with_name("tailwind")
    commands = {
        "tailwind-3.css": (
            "tailwindcss-3/lib/cli.js",
            "--config",
            sources / "tailwind-3.config.js",
        ),
        "tailwind-4.css": ("@tailwindcss/cli/dist/index.mjs",),
    }
    for name, (program, *options) in commands.items():
        subprocess.run(  # noqa: S603
            [
                *(find_program("node"), find_npm_packages() / program, *options),
                *("--input", sources / name, "--output", folder / name),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


def open_page(page: Page, url: str, path: str) -> None:
    """Open a test page, and wait for its entries, because scripts fetch the entries of some pages.

    :param url: the URL of the site.
    :param path: a key of ``SITE_STYLES``, and optionally a slash and a key of ``PARTS``.
    """
    page.goto(f"{url}/page/{path}")
    page.locator(".xiebao-entry, .xiebao-qr").first.wait_for()


#: The CSS selector of entries. If a card has two links, the selector matches the card, and not the
#: link in the card's title.
ENTRY = ".xiebao-entry:not(.xiebao-entry__title), .xiebao-entry--card"


def find_entry(page: Page, id: str) -> Locator:
    """Return the first entry inside the element with this id, a key of ``ENTRIES``."""
    return page.locator(f"#{id}").locator(ENTRY).first
